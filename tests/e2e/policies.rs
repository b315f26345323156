//! Access control policies in a real domain: groups, places, networks and second factors that nobody has yet; claim
//! descriptions in metadata; claims of certificates.

use std::fs;
use std::process::Command;

use crate::support::{
    Assertion, Audit, Curl, ENTRA, Lab, Node, NodeSetup, Response, Rst, Trusts, USERNAME, Version, WINDOWS, claim,
    published_certificates, replace, request, run, variable,
};

const UPN_RULE: &str =
    r#"c:[Type == "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn"] => issue(claim = c);"#;
/// An address outside the lab's intranet.
const OUTSIDE: &str = "127.0.0.9";

fn trust(name: &str, keys: &str) -> String {
    format!(
        "[relying_party]\nname = \"{name}\"\nidentifiers = [\"urn:policy:{name}\"]\n{keys}\ntransform_rules = '''{UPN_RULE}'''\n"
    )
}

/// Alice's or bob's token for a trust; `from` is the address the request comes from.
fn token(node: &Node, user: &str, relying_party: &str, from: Option<&str>) -> Response {
    let password = if user == "alice" { "Alice-Pw-1" } else { "Bob-Pw-1" };
    let name = format!("{user}@{}", Lab::get().domain);
    let identifier = if relying_party == ENTRA { ENTRA.to_owned() } else { format!("urn:policy:{relying_party}") };
    let rst = request(USERNAME).applies_to(&identifier).password(&name, password).build();
    let curl = node.curl(USERNAME);
    let curl = match from {
        Some(address) => curl.args(["--interface", address]),
        None => curl,
    };
    curl.soap(rst).send()
}

fn permitted(what: &str, answer: &Response) {
    assert_eq!(answer.status, 200, "{what}: {}", answer.body);
}

fn refused(what: &str, answer: &Response) {
    assert_eq!(answer.status, 500, "{what}: {}", answer.body);
    assert!(answer.body.contains("MSIS7068") && !answer.body.contains("Assertion"), "{what}: {}", answer.body);
}

#[test]
fn a_group_by_its_sid_or_by_its_name_decides() {
    let lab = Lab::get();
    let (admins, outer) = (lab.object("Sts-Admins").sid, lab.object("G-Outer").sid);
    let netbios = variable("LAB_REALM").split('.').next().expect("a name").to_owned();
    let policy = |name: &str, groups: &str| {
        trust(
            name,
            &format!(
                "access_control_policy = \"Permit specific group\"\naccess_control_policy_parameters = {{ GroupParameter = {groups} }}"
            ),
        )
    };
    let node = NodeSetup::new()
        .write("trusts/sid.toml", policy("sid", &format!("\"{admins}\"")))
        .write("trusts/nested.toml", policy("nested", &format!("[\"S-1-5-32-544\", \"{outer}\"]")))
        .write("trusts/name.toml", policy("name", &format!("['{netbios}\\sts-admins']")))
        .write("trusts/nested-name.toml", policy("nested-name", &format!("['{netbios}\\G-Outer']")))
        .start();
    for (relying_party, alice, bob) in
        [("sid", true, false), ("nested", false, true), ("name", true, false), ("nested-name", false, true)]
    {
        for (user, expected) in [("alice", alice), ("bob", bob)] {
            let what = format!("{user} at {relying_party}");
            let answer = token(&node, user, relying_party, None);
            if expected {
                permitted(&what, &answer);
                assert_eq!(Assertion::cut(&answer.body).claim(claim::UPN_2005).len(), 1, "{what}");
            } else {
                refused(&what, &answer);
                let audit = Audit::of(node.directory.join("audit.jsonl"), &answer.correlation);
                assert_eq!(audit.event(324)["DeniedBy"], "issuance authorization: no rule permits", "{what}");
            }
        }
    }
}

#[test]
fn a_place_and_a_network_decide() {
    let node = NodeSetup::new()
        .append(
            "[[access_control_policies]]\nname = \"Office network\"\n\
             [[access_control_policies.permit]]\nwhen = { networks = [\"127.0.0.0/29\"] }\nexcept = [{ networks = [\"127.0.0.3\"] }]\n\
             [[access_control_policies]]\nname = \"Not from there\"\n\
             [[access_control_policies.permit]]\nexcept = [{ networks = [\"{networks}\"] }]",
        )
        .write("trusts/intranet.toml", trust("intranet", "access_control_policy = \"permit-intranet\""))
        .write("trusts/network.toml", trust("network", "access_control_policy = \"office-network\""))
        .write(
            "trusts/parameter.toml",
            trust(
                "parameter",
                "access_control_policy = \"Not from there\"\naccess_control_policy_parameters = { networks = \"127.0.0.8/29\" }",
            ),
        )
        .write(
            "trusts/mfa.toml",
            trust("mfa", "access_control_policy = \"Permit everyone and require MFA from extranet access\""),
        )
        .start();
    for (relying_party, from, expected) in [
        ("intranet", "127.0.0.1", true),
        ("intranet", OUTSIDE, false),
        ("network", "127.0.0.1", true),
        ("network", "127.0.0.3", false),
        ("network", OUTSIDE, false),
        ("parameter", "127.0.0.1", true),
        ("parameter", OUTSIDE, false),
        ("mfa", "127.0.0.1", true),
        ("mfa", OUTSIDE, false),
    ] {
        let what = format!("{relying_party} from {from}");
        let answer = token(&node, "alice", relying_party, Some(from));
        if expected { permitted(&what, &answer) } else { refused(&what, &answer) }
    }
    // What a stranger says of its address wins nothing.
    let name = format!("alice@{}", Lab::get().domain);
    let rst = request(USERNAME).applies_to("urn:policy:network").password(&name, "Alice-Pw-1").build();
    let spoofed = node
        .curl(USERNAME)
        .args(["--interface", OUTSIDE, "--header", "X-Forwarded-For: 127.0.0.1"])
        .args(["--header", "X-MS-Forwarded-Client-IP: 127.0.0.1"])
        .soap(rst)
        .send();
    refused("spoofed", &spoofed);
}

#[test]
fn computers_join_entra_although_people_need_a_second_factor() {
    let policy = "permit-everyone-and-require-mfa-allow-automatic-device-registration";
    let setup = NodeSetup::new()
        .replace("[entra]\nenabled = true", &format!("[entra]\nenabled = true\naccess_control_policy = \"{policy}\""));
    let node = setup.start();
    let computer = node.token_of_computer();
    permitted("WS01$", &computer);
    assert_eq!(Assertion::cut(&computer.body).single(claim::ACCOUNT_TYPE), "DJ");
    refused("alice", &token(&node, "alice", ENTRA, None));
    // A person in Domain Computers is still a person.
    let tickets = Lab::get().kinit("dcmember", "dcmember");
    let person = node.curl(WINDOWS).negotiate(&tickets).soap(request(WINDOWS).build()).send();
    refused("a person in Domain Computers", &person);

    replace(&node.file(), policy, "permit-everyone-and-require-mfa");
    let (served, said) = node.reload();
    assert!(served, "{said}");
    let warned =
        String::from_utf8_lossy(&node.command(&["check"]).output().expect("the program runs").stdout).into_owned();
    assert!(warned.contains("computers cannot join Entra"), "{warned}");
    refused("WS01$", &node.token_of_computer());
}

#[test]
fn the_rules_for_every_relying_party_ask_too() {
    let rules = r#"NOT EXISTS([Type == "http://schemas.microsoft.com/ws/2012/01/insidecorporatenetwork", Value == "true"])
 => issue(Type = "http://schemas.microsoft.com/ws/2008/06/identity/claims/authenticationmethod", Value = "http://schemas.microsoft.com/claims/multipleauthn");"#;
    let node = NodeSetup::new()
        .append("[authentication]\nadditional_authentication_rules_file = \"everybody.rules\"")
        .write("everybody.rules", rules)
        .write("trusts/any.toml", trust("any", "access_control_policy = \"permit-everyone\""))
        .start();
    permitted("inside", &token(&node, "alice", "any", Some("127.0.0.1")));
    refused("outside", &token(&node, "alice", "any", Some(OUTSIDE)));
}

#[test]
fn a_broken_policy_changes_nothing() {
    let node = NodeSetup::new()
        .append("[[access_control_policies]]\nname = \"own\"\npermit = [{ when = { networks = [\"127.0.0.1/32\"] } }]")
        .write("trusts/own.toml", trust("own", "access_control_policy = \"own\""))
        .start();
    permitted("before", &token(&node, "alice", "own", None));
    for (broken, said_of_it) in [
        ("networks = [\"127.0.0.1/33\"]", "`127.0.0.1/33` is no network"),
        ("groups = [\"Sales\"]", "`Sales` is neither a SID nor a group name"),
        ("networks = [\"{networks}\"]", "the policy `own` needs the parameter `networks`"),
    ] {
        let good = "networks = [\"127.0.0.1/32\"]";
        replace(&node.file(), good, broken);
        let (served, said) = node.reload();
        assert!(!served && said.contains(said_of_it), "{said}");
        permitted(broken, &token(&node, "alice", "own", None));
        replace(&node.file(), broken, good);
    }
    assert!(node.reload().0);
}

#[test]
fn metadata_names_claim_types_of_the_company() {
    let node = NodeSetup::new()
        .append(
            "[[claim_descriptions]]\nname = \"Cost centre\"\nshort_name = \"cost\"\nclaim_type = \"https://claims.corp.example/costcentre\"\n\
             notes = \"Who pays <&>\"\n\
             [[claim_descriptions]]\nname = \"Taken\"\nclaim_type = \"urn:corp:taken\"\noffered = false\nrequired = true",
        )
        .start();
    let document = node.curl("/FederationMetadata/2007-06/FederationMetadata.xml").send().body;
    let own = "<auth:ClaimType Optional=\"true\" Uri=\"https://claims.corp.example/costcentre\">\
               <auth:DisplayName>Cost centre</auth:DisplayName><auth:Description>Who pays &lt;&amp;&gt;</auth:Description></auth:ClaimType>";
    let of = |element: &str| {
        let pattern = format!("(?s)<fed:{element}[ >].*?</fed:{element}>");
        regex::Regex::new(&pattern).expect("a pattern").find(&document).expect("the list").as_str().to_owned()
    };
    let (offered, requested) = (of("ClaimTypesOffered"), of("ClaimTypesRequested"));
    let plain =
        |text: &str| regex::Regex::new(" xmlns:auth=\"[^\"]*\"").expect("a pattern").replace_all(text, "").into_owned();
    assert!(plain(&offered).contains(own) && plain(&requested).contains(own), "{offered}");
    assert!(!offered.contains("urn:corp:taken") && requested.contains("Optional=\"false\" Uri=\"urn:corp:taken\""));
    assert!(offered.contains("Uri=\"http://schemas.microsoft.com/2014/09/devicecontext/claims/iscompliant\""));

    let certificate = published_certificates(&document, "fed:SecurityTokenServiceType", "signing").remove(0);
    let lines: Vec<&str> =
        certificate.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).expect("base64")).collect();
    let (pem, file) = (Lab::get().new_file("own-signing.pem"), Lab::get().new_file("own-metadata.xml"));
    fs::write(&pem, format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n")))
        .expect("scratch");
    let verify = |text: &str| {
        fs::write(&file, text).expect("scratch is writable");
        Command::new("xmlsec1")
            .args(["--verify", "--id-attr:ID", "urn:oasis:names:tc:SAML:2.0:metadata:EntityDescriptor"])
            .arg("--pubkey-cert-pem")
            .args([&pem, &file])
            .output()
            .expect("xmlsec1 runs")
            .status
            .success()
    };
    assert!(verify(&document));
    assert!(!verify(&document.replace("Cost centre", "Cost center")), "changed");
}

#[test]
fn rules_see_what_is_in_the_certificate() {
    const RULES: &str = r#"c:[Type =~ "^http://schemas\.microsoft\.com/2012/12/certificatecontext/"] => issue(claim = c);
c:[Type =~ "/claims/(serialnumber|thumbprint|rsa)$"] => issue(claim = c);"#;
    Trusts::get();
    Trusts::write("certificate-claims", "", RULES);
    Trusts::reload().expect("the trust is valid");
    let lab = Lab::get();
    let path = Version::February2005.path("certificatetransport");
    let url = format!("https://{}:49443{path}", lab.host);
    let file = |extension: &str| lab.clients.join(format!("alice-sid.{extension}")).display().to_string();
    let answer = Curl::new(&url)
        .args(["--cert", &file("pem"), "--key", &file("key")])
        .soap(Rst::new(Version::February2005, &url).applies_to("urn:e2e:certificate-claims").build())
        .send();
    assert_eq!(answer.status, 200, "{}", answer.body);
    let token = Assertion::cut(&answer.body);
    let openssl = |arguments: &[&str]| {
        let text = run(Command::new("openssl").args(["x509", "-noout", "-in", &file("pem")]).args(arguments));
        text.trim().rsplit_once('=').map_or(text.trim().to_owned(), |(_, value)| value.to_owned())
    };
    let context = |name: &str| format!("http://schemas.microsoft.com/2012/12/certificatecontext/{name}");
    let identity = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims";
    assert_eq!(
        token.single("http://schemas.microsoft.com/ws/2008/06/identity/claims/serialnumber").trim_start_matches('0'),
        openssl(&["-serial"]).trim_start_matches('0')
    );
    assert_eq!(token.single(&format!("{identity}/thumbprint")), openssl(&["-fingerprint", "-sha1"]).replace(':', ""));
    // OpenSSL's RFC 2253 form is the same order with other separators.
    let issuer =
        run(Command::new("openssl").args(["x509", "-noout", "-issuer", "-nameopt", "RFC2253", "-in", &file("pem")]));
    let issuer = issuer.trim().trim_start_matches("issuer=").replace(',', ", ");
    assert_eq!(token.single(&context("field/issuer")), issuer);
    assert_eq!(token.single(&context("field/issuername")), issuer);
    assert!(token.claim(&context("extension/eku")).contains(&"1.3.6.1.5.5.7.3.2".to_owned()), "{}", token.xml);
    assert_eq!(token.single(&context("field/x509version")), "3");
    assert_eq!(token.single(&context("field/signaturealgorithm")), "sha256RSA");
    let der = run(Command::new("bash").args(["-c", "openssl x509 -outform der -in \"$0\" | base64 -w0", &file("pem")]));
    assert_eq!(token.single(&context("field/rawdata")), der.trim());
    let upn = format!("Other Name:Principal Name=alice@{}", lab.domain);
    assert_eq!(token.single(&context("extension/san")), upn);
    // A password brings no certificate.
    let name = format!("alice@{}", lab.domain);
    let rst = request(USERNAME).applies_to("urn:e2e:certificate-claims").password(&name, "Alice-Pw-1").build();
    let answer = Curl::new(&format!("{}{USERNAME}", lab.url)).soap(rst).send();
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert!(!answer.body.contains("certificatecontext"), "{}", answer.body);
}
