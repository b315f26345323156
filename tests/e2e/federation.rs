//! Users of a real partner (SimpleSAMLphp) sign in: sent there, back with an answer, through the acceptance rules, to the token of the
//! relying party. By both protocols; and what a stranger could do with the answer.

use std::process::Command;

use chancery::trusts::partner_metadata::Binding;

use crate::home_realm::application;
use crate::partner::{HOME, Idp, idp};
use crate::support::oauth::{DEVICE, NATIVE, NATIVE_REDIRECT, SECRET};
use crate::support::{
    Assertion, Audit, Browser, Curl, HandOver, Node, NodeSetup, Response, claim, inputs, published_certificates, run,
    variable,
};

/// The two partners that are one program: by WS-Federation and by SAML 2.0.
const PROTOCOLS: [&str; 2] = ["ws_federation", "saml"];

const ROLE: &str = "http://schemas.microsoft.com/ws/2008/06/identity/claims/role";

pub(crate) struct World {
    pub(crate) idp: Idp,
    pub(crate) node: Node,
}

pub(crate) fn start() -> Option<World> {
    let idp = idp()?;
    let mut setup = NodeSetup::new().write("trusts/none", "");
    let certificate = std::fs::read(format!("{}/partner/cert/idp.pem", variable("LAB"))).expect("a certificate");
    let ws_federation = idp.metadata("/module.php/adfs/idp/metadata.php");
    let saml = idp.metadata("/saml2/idp/metadata.php");
    let redirect =
        saml.saml.as_ref().expect("an IdP").sign_in.iter().find(|service| service.binding == Binding::Redirect);
    let addresses = [
        ws_federation.ws_federation.as_ref().expect("a provider").passive[0].to_string(),
        redirect.expect("an address").url.to_string(),
    ];
    for ((protocol, address), identifier) in
        PROTOCOLS.iter().zip(addresses).zip([&ws_federation.entity_id, &saml.entity_id])
    {
        let text = format!(
            "[claims_provider]\nname = 'Partner {protocol}'\nidentifier = '{identifier}'\nprotocol = '{protocol}'\n\
             sign_in_url = '{address}'\nsigning_certificates = ['idp.pem']\n\
             acceptance_rules = '''c:[Type == \"{}\"] => issue(claim = c);\n\
             c:[Type =~ \"(^|/)groups$\", Value == \"staff\"] => issue(Type = \"{}\", Value = \"Partner staff\");'''\n",
            claim::UPN_2005,
            ROLE
        );
        // One by hand, one from its own metadata.
        let by_hand =
            format!("protocol = '{protocol}'\nsign_in_url = '{address}'\nsigning_certificates = ['idp.pem']\n");
        assert!(text.contains(&by_hand), "{text}");
        let text = if *protocol == "saml" { text.replace(&by_hand, "metadata_file = 'partner.xml'\n") } else { text };
        setup = setup.write(&format!("trusts/cp-{protocol}.toml"), text);
        application(&setup.directory, protocol, &format!("claims_providers = ['{identifier}']"));
        let resource = format!(
            "[relying_party]\nname = 'API {protocol}'\nidentifiers = ['urn:e2e:api-{protocol}']\naccess_control_policy = 'permit-everyone'\n\
             claims_providers = ['{identifier}']\ntransform_rules = '''c:[Type == \"{}\"] => issue(claim = c);\nc:[Type == \"{ROLE}\"] => issue(claim = c);'''\n",
            claim::UPN_2005,
        );
        setup = setup.write(&format!("trusts/api-{protocol}.toml"), resource);
        // What AD says of its own is not what partners say.
        let rules = format!(
            "transform_rules = '''c:[Type == \"{}\"] => issue(claim = c);\nc:[Type == \"{}\"] => issue(claim = c);\n\
             c:[] => issue(Type = \"urn:e2e:seen/\" + c.Issuer, Value = c.Type);'''",
            claim::UPN_2005,
            ROLE
        );
        let file = setup.directory.join(format!("trusts/rp-{protocol}.toml"));
        let old = std::fs::read_to_string(&file).expect("a trust");
        std::fs::write(&file, old.replacen("[relying_party]\n", &format!("[relying_party]\n{rules}\n"), 1))
            .expect("a trust");
    }
    let metadata = Curl::new(&format!("{HOME}/saml2/idp/metadata.php")).send().body;
    let setup = setup.write("trusts/idp.pem", certificate).write("trusts/partner.xml", metadata);
    application(&setup.directory, "anybody", "");
    let resources = "resources = ['urn:e2e:api-saml', 'urn:e2e:api-ws_federation']";
    let client = |id: &str, more: &str| {
        format!("[client]\nid = '{id}'\nname = 'Television'\nkind = 'native'\n{more}\n{resources}\n")
    };
    let setup = setup
        .write("trusts/native.toml", client(NATIVE, &format!("redirect_uris = ['{NATIVE_REDIRECT}']")))
        .write("trusts/device.toml", client(DEVICE, "grants = ['device_code']"))
        .write(
            "trusts/middle.toml",
            "[client]\nid = 'urn:e2e:api-saml'\nkind = 'server'\nsecret_file = 'middle-secret'\ngrants = ['on_behalf_of']\n\
             resources = ['urn:e2e:api-ws_federation']\n",
        )
        .write("trusts/middle-secret", SECRET);
    let node = setup.start();
    // The partner verifies what the server signs.
    let metadata = node.curl("/FederationMetadata/2007-06/FederationMetadata.xml").send().body;
    let certificates = published_certificates(&metadata, "fed:SecurityTokenServiceType", "signing");
    let pem = format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", certificates[0]);
    let file = format!("{}/partner/service/{}.pem", variable("LAB"), node.address);
    std::fs::write(file, pem).expect("the partner's folder is writable");
    Some(World { idp, node })
}

impl World {
    pub(crate) fn browser(&self) -> Browser {
        Browser::outside().at(&self.node.address)
    }

    /// To the partner and through its sign-in page: the page that it sends back.
    pub(crate) fn visit_partner(&self, browser: &Browser, application: &str, more: &str) -> Vec<(String, String)> {
        self.answer_of_partner(&self.departure(browser, application, more))
    }

    /// The address of the partner that the browser is sent to.
    fn departure(&self, browser: &Browser, application: &str, more: &str) -> String {
        let departure = browser.ask(application, more);
        assert_eq!(departure.status, 302, "{}", departure.body);
        let address = departure.header("location").expect("a location");
        assert!(address.starts_with("https://idp.partner.example/"), "{address}");
        address.to_owned()
    }

    pub(crate) fn answer_of_partner(&self, address: &str) -> Vec<(String, String)> {
        let page = self.idp.sign_in(address);
        inputs(&page)
            .into_iter()
            .filter(|(name, _)| ["wa", "wresult", "wctx", "SAMLResponse", "RelayState"].contains(&name.as_str()))
            .collect()
    }

    pub(crate) fn audit(&self, answer: &Response) -> Audit {
        Audit::of(self.node.directory.join("audit.jsonl"), &answer.correlation)
    }
}

pub(crate) fn post(browser: &Browser, fields: &[(String, String)]) -> Response {
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    browser.post("/adfs/ls/", &fields)
}

/// The answer with its token changed.
fn with_message(fields: &[(String, String)], change: impl Fn(&str) -> String) -> Vec<(String, String)> {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    let changed = |name: &str, value: &str| match name {
        "wresult" => change(value),
        "SAMLResponse" => {
            let text: String = value.split_whitespace().collect();
            STANDARD.encode(change(&String::from_utf8(STANDARD.decode(text).expect("base64")).expect("XML")))
        }
        _ => value.to_owned(),
    };
    fields.iter().map(|(name, value)| (name.clone(), changed(name, value))).collect()
}

#[test]
fn a_user_of_a_partner_gets_a_token_by_either_protocol() {
    let Some(world) = start() else { return };
    for protocol in PROTOCOLS {
        let browser = world.browser();
        let fields = world.visit_partner(&browser, protocol, "&wctx=rm%3D0%26x");
        let answer = post(&browser, &fields);
        assert_eq!(answer.status, 302, "{protocol}: {}", answer.body);
        let event = world.audit(&answer).event(1202);
        assert_eq!(event["UserId"], "alice@partner.example", "{event}");
        let back = answer.header("location").expect("a location").to_owned();
        assert_eq!(back, Browser::address(protocol, "&wctx=rm%3D0%26x"));
        let form = HandOver::of(&browser.get(&back));
        assert_eq!(form.context.as_deref(), Some("rm=0&x"));
        let token = Assertion::cut(&form.result);
        assert_eq!(token.single(claim::UPN_2005), "alice@partner.example");
        assert_eq!(token.single(ROLE), "Partner staff");
        assert!(
            !token.xml.contains("chess") && !token.xml.contains("displayName"),
            "only what the rules accept: {}",
            token.xml
        );
        assert!(!token.xml.contains("urn:e2e:seen/AD AUTHORITY"), "nothing is Active Directory's word: {}", token.xml);
        // By the session, without the partner.
        assert_eq!(HandOver::of(&browser.ask(protocol, "")).action, "https://wsfed.rp.example/signin");
    }
}

#[test]
fn an_answer_is_good_once_in_one_browser_and_as_it_was_made() {
    let Some(world) = start() else { return };
    for protocol in PROTOCOLS {
        let browser = world.browser();
        let address = world.departure(&browser, protocol, "");
        let fields = world.answer_of_partner(&address);
        let refused = |answer: &Response, number: &str| {
            assert_eq!(
                (answer.status, HandOver::find(&answer.body).is_some()),
                (500, false),
                "{protocol}: {}",
                answer.body
            );
            assert!(answer.body.contains(number), "{protocol}: {number} in {}", answer.body);
            assert!(answer.header("set-cookie").is_none_or(|cookie| !cookie.contains("MSISAuth=")), "{protocol}");
        };
        // In a browser that never asked, and in one that asked itself.
        refused(&post(&world.browser(), &fields), "MSIS7000");
        let other = world.browser();
        other.ask(protocol, "");
        refused(&post(&other, &fields), "MSIS7000");
        // Without what was given along, and with another's.
        let alone: Vec<_> = fields.iter().filter(|(name, _)| name != "wctx" && name != "RelayState").cloned().collect();
        refused(&post(&browser, &alone), "MSIS7000");
        // Changed on the way.
        let altered = post(
            &browser,
            &with_message(&fields, |text| text.replace("alice@partner.example", "admin@partner.example")),
        );
        refused(&altered, "MSIS");
        let event = world.audit(&altered).event(342);
        assert_eq!(
            (&event["ErrorMessage"], &event["UserId"].is_null()),
            (&"InvalidSignature".into(), &true),
            "{event}"
        );
        let stranger = post(&browser, &with_message(&fields, |_| String::from("<a>&lol;</a>")));
        refused(&stranger, "MSIS");
        // As it was made, and then again.
        assert_eq!(post(&browser, &fields).status, 302, "{protocol}");
        let again = post(&browser, &fields);
        assert_eq!(again.status, 302, "a double submit goes on by the session");
        assert!(again.header("set-cookie").is_none(), "and begins no other");
        let copy = browser.copy();
        copy.edit_cookies(|jar| {
            jar.lines().filter(|line| !line.contains("MSISAuth")).map(|line| format!("{line}\n")).collect()
        });
        let replayed = post(&copy, &fields);
        refused(&replayed, "MSIS");
        assert_eq!(world.audit(&replayed).event(411)["ErrorMessage"], "Replayed");
        // Another answer to the same request.
        let second = world.answer_of_partner(&address);
        assert_ne!(second, fields, "another assertion");
        let repeated = post(&copy, &second);
        refused(&repeated, "MSIS7000");
        assert_eq!(world.audit(&repeated).event(411)["ErrorMessage"], "Replayed");
    }
}

#[test]
fn one_partners_word_is_not_taken_for_anothers() {
    let Some(world) = start() else { return };
    // The state of a request by SAML with the answer to one by WS-Federation: right signature, wrong protocol and issuer.
    let browser = world.browser();
    let saml = world.visit_partner(&browser, "saml", "");
    let ws_federation = world.visit_partner(&browser, "ws_federation", "");
    let state = |fields: &[(String, String)], name: &str| {
        fields.iter().find(|(own, _)| own == name).expect("a field").1.clone()
    };
    let mixed: Vec<_> = ws_federation
        .iter()
        .map(|(name, value)| match name.as_str() {
            "wctx" => (name.clone(), state(&saml, "RelayState")),
            _ => (name.clone(), value.clone()),
        })
        .collect();
    let answer = post(&browser, &mixed);
    assert_eq!((answer.status, answer.body.contains("MSIS7007")), (500, true), "{}", answer.body);
    // Two requests of one browser: each answer names its own.
    let second = world.visit_partner(&browser, "saml", "&wctx=second");
    let crossed: Vec<_> = saml
        .iter()
        .map(|(name, value)| match name.as_str() {
            "RelayState" => (name.clone(), state(&second, "RelayState")),
            _ => (name.clone(), value.clone()),
        })
        .collect();
    let answer = post(&browser, &crossed);
    assert_eq!((answer.status, HandOver::find(&answer.body).is_some()), (500, false), "{}", answer.body);
    // A session of a partner is none for an application that takes its users from elsewhere.
    assert_eq!(post(&browser, &saml).status, 302);
    let elsewhere = browser.ask("ws_federation", "");
    assert_eq!(elsewhere.status, 302);
    assert!(
        elsewhere.header("location").is_some_and(|url| url.starts_with("https://idp.partner.example/")),
        "{elsewhere:?}"
    );
    let anybody = HandOver::of(&browser.ask("anybody", ""));
    assert_eq!(anybody.action, "https://wsfed.rp.example/signin", "but for one that takes anybody it is");
}

/// A new sign-in is demanded, and the partner's session would answer by itself.
#[test]
fn a_demand_for_a_new_sign_in_reaches_the_partner() {
    let Some(world) = start() else { return };
    let browser = world.browser();
    let first = world.visit_partner(&browser, "saml", "");
    assert_eq!(post(&browser, &first).status, 302);
    let anew = browser.ask("saml", "&wfresh=0");
    assert_eq!(anew.status, 302, "the session is not enough: {}", anew.body);
    let location = anew.header("location").expect("a location");
    assert!(location.starts_with("https://idp.partner.example/"), "{location}");
}

/// What a partner's administrator does first: our metadata into their program.
#[test]
fn a_partner_reads_our_metadata() {
    let Some(world) = start() else { return };
    let metadata = world.node.curl("/FederationMetadata/2007-06/FederationMetadata.xml").send().body;
    let file = world.node.directory.join("metadata.xml");
    std::fs::write(&file, &metadata).expect("a file");
    let script = "require '/usr/share/simplesamlphp/lib/_autoload.php';
        $entity = SimpleSAML\\Metadata\\SAMLParser::parseFile($argv[1])->getMetadata20SP();
        echo json_encode($entity);";
    let output = run(Command::new("php")
        .env("SIMPLESAMLPHP_CONFIG_DIR", format!("{}/partner/config", variable("LAB")))
        .args(["-r", script])
        .arg(&file));
    let entity: serde_json::Value = serde_json::from_str(&output).unwrap_or_else(|error| panic!("{error}: {output}"));
    assert_eq!(entity["entityid"], format!("http://{}/adfs/services/trust", variable("LAB_HOST")));
    let service = &entity["AssertionConsumerService"][0];
    assert_eq!(service["Location"], format!("https://{}/adfs/ls/", variable("LAB_HOST")));
    assert_eq!(service["Binding"], "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST");
    assert_eq!(entity["saml20.sign.assertion"], true);
    let services: Vec<&str> = entity["SingleLogoutService"]
        .as_array()
        .expect("logout services")
        .iter()
        .filter_map(|service| service["Binding"].as_str()?.rsplit_once(':'))
        .map(|(_, name)| name)
        .collect();
    assert_eq!(services, ["HTTP-Redirect", "HTTP-POST"]);
    let uses = |usage: &str| entity["keys"].as_array().expect("keys").iter().filter(|key| key[usage] == true).count();
    assert!(uses("signing") > 0 && uses("encryption") > 0, "{entity}");
}
