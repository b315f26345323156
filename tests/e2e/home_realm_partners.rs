//! Chromium, and two partners that are other people's software: SimpleSAMLphp and samlify, both by SAML 2.0. A person chooses by the
//! tile or by the address, is sent there, signs in on the partner's own page, and comes back to the application with a token.
//!
//! SimpleSAMLphp is there on Debian 12 (tests/lab/setup); elsewhere the tests that need it say that they ask nobody.

use std::path::PathBuf;
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::browser::{chromium_with, picture};
use crate::home_realm::application;
use crate::partner::{HOME, idp};
use crate::support::{
    Assertion, Browser, Curl, HandOver, Lab, Node, NodeSetup, Program, Response, action, claim, encode, eventually,
    fields, inputs, published_certificates, run, unescape, variable,
};

const CAMPUS: &str = "https://campus.rp.example";

struct World {
    node: Node,
    hosts: PathBuf,
    _campus: Program,
    _turn: MutexGuard<'static, ()>,
}

/// The server, and the partner by samlify, which encrypts `nothing`, the `assertion` or its `attribute`.
fn start(setup: NodeSetup, encrypted: &str) -> World {
    start_with(setup, encrypted, false)
}

/// The same; with `forms` the partner takes messages by HTTP POST only, as its metadata says.
fn start_with(setup: NodeSetup, encrypted: &str, forms: bool) -> World {
    /// The partner by samlify has one address.
    static TURN: Mutex<()> = Mutex::new(());
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let lab = Lab::get();
    let scratch = lab.new_file("campus");
    std::fs::create_dir(&scratch).expect("a directory");
    let (signing_key, signing_certificate) = (scratch.join("idp.key"), scratch.join("idp.pem"));
    run(Command::new("openssl")
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=campus.rp.example"])
        .arg("-keyout")
        .arg(&signing_key)
        .arg("-out")
        .arg(&signing_certificate));
    let pem = std::fs::read(&signing_certificate).expect("a certificate");
    let trust = format!(
        "[claims_provider]\nname = 'Campus'\nidentifier = '{CAMPUS}/metadata'\nprotocol = 'saml'\nsign_in_url = '{CAMPUS}/sso'\n\
         signing_certificates = ['campus.pem']\naccount_suffixes = ['campus.example']\n\
         acceptance_rules = '''c:[Type == \"{}\"] => issue(claim = c);'''\n",
        claim::UPN_2005
    );
    let by_hand = format!("protocol = 'saml'\nsign_in_url = '{CAMPUS}/sso'\nsigning_certificates = ['campus.pem']\n");
    assert!(trust.contains(&by_hand), "{trust}");
    let trust = if forms { trust.replace(&by_hand, "metadata_file = 'campus.xml'\n") } else { trust };
    let setup = setup
        .write("trusts/cp-campus.toml", trust)
        .write("trusts/campus.xml", metadata_of_forms(&String::from_utf8_lossy(&pem)))
        .write("trusts/campus.pem", pem);
    let rules = format!("transform_rules = '''c:[Type == \"{}\"] => issue(claim = c);'''", claim::UPN_2005);
    application(&setup.directory, "web", &rules);
    let node = setup.start();
    let metadata = node.curl("/FederationMetadata/2007-06/FederationMetadata.xml").send().body;
    let address = format!("{}.32", variable("LAB_BLOCK"));
    let tls = format!("{}/tls", variable("LAB"));
    let settings = json!({
        "address": address,
        "origin": CAMPUS,
        "certificate": format!("{tls}/rp.pem"),
        "key": format!("{tls}/rp.key"),
        "signingCertificate": signing_certificate,
        "signingKey": signing_key,
        "serviceProvider": metadata,
        "encrypted": encrypted,
        "forms": forms,
    });
    let hosts = node.hosts();
    let names = std::fs::read_to_string(&hosts).expect("names");
    std::fs::write(&hosts, format!("{names}{address} campus.rp.example\n")).expect("the scratch directory is writable");
    let campus = Program::node("partner/identity_provider.js", &settings);
    World { node, hosts, _campus: campus, _turn: turn }
}

/// What the partner's metadata says of one that takes forms only.
fn metadata_of_forms(certificate: &str) -> String {
    let certificate: String = certificate.lines().filter(|line| !line.starts_with("-----")).collect();
    let binding = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST";
    format!(
        "<EntityDescriptor xmlns='urn:oasis:names:tc:SAML:2.0:metadata' entityID='{CAMPUS}/metadata'>\
         <IDPSSODescriptor WantAuthnRequestsSigned='true' protocolSupportEnumeration='urn:oasis:names:tc:SAML:2.0:protocol'>\
         <KeyDescriptor use='signing'><KeyInfo xmlns='http://www.w3.org/2000/09/xmldsig#'><X509Data><X509Certificate>{certificate}\
         </X509Certificate></X509Data></KeyInfo></KeyDescriptor>\
         <SingleLogoutService Binding='{binding}' Location='{CAMPUS}/slo'/>\
         <SingleSignOnService Binding='{binding}' Location='{CAMPUS}/sso'/></IDPSSODescriptor></EntityDescriptor>"
    )
}

/// SimpleSAMLphp as a further partner.
fn with_simplesamlphp(setup: NodeSetup) -> Option<NodeSetup> {
    idp()?;
    let metadata = Curl::new(&format!("{HOME}/saml2/idp/metadata.php")).send().body;
    let trust = format!(
        "[claims_provider]\nname = 'Partner'\nidentifier = '{HOME}/saml'\nmetadata_file = 'partner.xml'\n\
         account_suffixes = ['partner.example']\nacceptance_rules = '''c:[Type == \"{}\"] => issue(claim = c);'''\n",
        claim::UPN_2005
    );
    Some(setup.write("trusts/cp-partner.toml", trust).write("trusts/partner.xml", metadata))
}

/// The partner verifies what the server signs.
fn introduce(node: &Node) {
    let metadata = node.curl("/FederationMetadata/2007-06/FederationMetadata.xml").send().body;
    let certificates = published_certificates(&metadata, "fed:SecurityTokenServiceType", "signing");
    let pem = format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", certificates[0]);
    std::fs::write(format!("{}/partner/service/{}.pem", variable("LAB"), node.address), pem).expect("writable");
}

fn user(scene: &Value) -> String {
    let token = scene["received"][0]["fields"]["wresult"].as_str().unwrap_or_else(|| panic!("no token: {scene}"));
    Assertion::cut(token).single(claim::UPN_2005)
}

fn joined(parts: &[Value]) -> Vec<Value> {
    parts.iter().flat_map(|part| part.as_array().expect("steps").clone()).collect()
}

#[test]
fn chromium_signs_in_at_two_real_partners_and_here() {
    let Some(setup) = with_simplesamlphp(NodeSetup::new()) else { return };
    let world = start(setup, "nothing");
    introduce(&world.node);
    let address = Browser::address("web", "&wctx=a%26b%3Dc");
    let anew = Browser::address("web", "&wctx=a%26b%3Dc&ChooseHomeRealm=true");
    let page = json!([["cookies"], ["open", address], ["wait", "#hrd"]]);
    let at_partner = json!([
        ["wait", "input[name=username]"],
        ["click", "input[name=username]"],
        ["type", "alice"],
        ["click", "input[name=password]"],
        ["type", "Partner-Pw-1"],
        ["enter"],
        ["wait", "#done"]
    ]);
    let at_campus = json!([
        ["wait", "#name"],
        ["click", "#name"],
        ["type", "dora"],
        ["click", "#password"],
        ["type", "Campus-Pw-1"],
        ["enter"],
        ["wait", "#done"]
    ]);
    let tile = |name: &str| json!([["click", format!("button[value='{name}']")]]);
    let by_address = |typed: &str| json!([["click", "#emailInput"], ["type", typed], ["enter"]]);
    let name = format!("alice@{}", Lab::get().domain);
    let here = json!([
        ["wait", "#passwordInput"],
        ["type", name],
        ["tab"],
        ["type", "Alice-Pw-1"],
        ["enter"],
        ["wait", "#done"]
    ]);
    let scenes = json!([
        { "name": "choices", "steps": joined(&[json!([["size", [1280, 900]]]), page.clone(), json!([picture("home-realm-partners")])]) },
        { "name": "partner", "steps": joined(&[tile(&format!("{HOME}/saml")), at_partner.clone()]) },
        { "name": "campus", "steps": joined(&[json!([["open", anew], ["wait", "#hrd"]]), tile(&format!("{CAMPUS}/metadata")), at_campus.clone()]) },
        { "name": "session", "steps": [["open", "about:blank"], ["open", address], ["wait", "#done"]] },
        { "name": "campus-by-address", "steps": joined(&[page.clone(), by_address("dora@campus.example"), at_campus.clone()]) },
        { "name": "remembered", "steps": joined(&[json!([["open", "about:blank"], ["open", Browser::address("web", "&wctx=a%26b%3Dc&wfresh=0")]]), at_campus.clone()]) },
        { "name": "hint", "steps": joined(&[json!([["cookies"], ["open", Browser::address("web", "&wctx=a%26b%3Dc&login_hint=dora%40campus.example")]]), at_campus.clone()]) },
        { "name": "here", "steps": joined(&[page.clone(), tile("AD AUTHORITY"), here]) },
        { "name": "no-script", "steps": joined(&[json!([["cookies"], ["script", false], ["open", address], ["wait", "#hrd"]]), tile(&format!("{CAMPUS}/metadata")),
            json!([["wait", "#name"], ["click", "#name"], ["type", "dora"], ["click", "#password"], ["type", "Campus-Pw-1"], ["enter"],
                ["wait", "input[name=SAMLResponse]"], ["click", "button"], ["wait", "form[name=hiddenform]"], ["click", "form[name=hiddenform] button"], ["wait", "#done"]])]) },
    ]);
    let answers = chromium_with(&scenes, false, Some(&world.hosts));
    let text = answers["choices"]["text"].as_str().expect("a page");
    assert!(text.contains("Partner") && text.contains("Campus"), "{text}");
    assert_eq!(user(&answers["partner"]), "alice@partner.example");
    for scene in ["campus", "session", "campus-by-address", "remembered", "hint", "no-script"] {
        assert_eq!(user(&answers[scene]), "dora@campus.example", "{scene}");
        assert_eq!(answers[scene]["received"][0]["fields"]["wctx"], "a&b=c", "{scene}");
    }
    assert_eq!(user(&answers["here"]), name);
}

/// Signs in at the partner that is made of samlify, from an address that leads there, and has a token.
fn dora_signs_in(world: &World, address: &str) {
    let steps = json!([
        ["open", address],
        ["wait", "#name"],
        ["click", "#name"],
        ["type", "dora"],
        ["click", "#password"],
        ["type", "Campus-Pw-1"],
        ["enter"],
        ["wait", "#done"]
    ]);
    let answers = chromium_with(&json!([{ "name": "in", "steps": steps }]), false, Some(&world.hosts));
    assert_eq!(user(&answers["in"]), "dora@campus.example");
}

#[test]
fn a_partner_by_samlify_takes_our_requests_and_encrypts_its_answer() {
    let world = start(NodeSetup::new().write("trusts/none", ""), "assertion");
    let address =
        Browser::address("web", &format!("&whr={}", CAMPUS.replace(':', "%3A").replace('/', "%2F") + "%2Fmetadata"));
    let departure = Browser::outside().at(&world.node.address).get(&address);
    let request = departure.header("location").expect("a location").to_owned();
    let ask = |url: &str| Browser::outside().at(&format!("{}.32", variable("LAB_BLOCK"))).get(url);
    assert_eq!(ask(&request).status, 200, "{}", ask(&request).body);
    let altered = request.replacen("RelayState=", "RelayState=x", 1);
    assert_eq!(ask(&altered).status, 400, "it verifies what we signed");
    dora_signs_in(&world, &address);
    eventually("the sign-in in the audit log", || {
        std::fs::read_to_string(world.node.directory.join("audit.jsonl"))
            .is_ok_and(|log| log.contains("dora@campus.example"))
    });
}

#[test]
fn a_partner_by_samlify_encrypts_one_attribute_of_its_answer() {
    let world = start(NodeSetup::new().write("trusts/none", ""), "attribute");
    dora_signs_in(&world, &Browser::address("web", "&login_hint=dora%40campus.example"));
}

/// The form of a page, sent to whom it names: to us, or to the partner.
fn submit(world: &World, ours: &Browser, theirs: &Browser, page: &Response, fill: &[(&str, &str)]) -> Response {
    assert_eq!(page.status, 200, "{}", page.body);
    let address = action(&page.body);
    let filled = |name: &str, value: String| {
        fill.iter().find(|(own, _)| *own == name).map_or(value, |(_, given)| (*given).to_owned())
    };
    let fields: Vec<(String, String)> =
        inputs(&page.body).into_iter().map(|(name, value)| (name.clone(), filled(&name, value))).collect();
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    match own_path(&address) {
        Some(path) => ours.post(&path, &fields),
        None if address.starts_with('/') => theirs.post(&format!("{CAMPUS}{address}"), &fields),
        None => {
            assert!(address.starts_with(CAMPUS), "{address}, {}", world.node.address);
            theirs.post(&address, &fields)
        }
    }
}

fn own_path(address: &str) -> Option<String> {
    address.strip_prefix(&format!("https://{}", variable("LAB_HOST"))).map(str::to_owned)
}

/// Where the sign-out page goes on.
fn goes_on(page: &Response) -> String {
    assert_eq!(page.status, 200, "{}", page.body);
    let (_, rest) = page.body.split_once("id=\"goOn\" href=\"").unwrap_or_else(|| panic!("no way on: {}", page.body));
    unescape(rest.split_once('"').expect("a quotation mark").0)
}

#[test]
fn a_partner_that_takes_forms_only_gets_forms() {
    let world = start_with(NodeSetup::new().write("trusts/none", ""), "nothing", true);
    let ours = Browser::outside().at(&world.node.address);
    let theirs = Browser::outside().at(&format!("{}.32", variable("LAB_BLOCK")));
    let submit = |page: &Response, fill: &[(&str, &str)]| submit(&world, &ours, &theirs, page, fill);
    let address = Browser::address("web", &format!("&whr={}", encode(&format!("{CAMPUS}/metadata"))));
    let sign_in = || {
        let departure = ours.get(&address);
        assert_eq!(action(&departure.body), format!("{CAMPUS}/sso"), "{}", departure.body);
        let asked = submit(&departure, &[]);
        let answer = submit(&submit(&asked, &[("name", "dora"), ("password", "Campus-Pw-1")]), &[]);
        assert_eq!(answer.status, 302, "{}", answer.body);
        let token = HandOver::of(&ours.get(answer.header("location").expect("a location")));
        assert_eq!(Assertion::cut(&token.result).single(claim::UPN_2005), "dora@campus.example");
        departure
    };
    let session = || theirs.get(&format!("{CAMPUS}/session")).body;

    // Without script there is a button; with it, one script that this page names.
    let departure = sign_in();
    assert!(departure.body.contains("<button type=\"submit\">"), "{}", departure.body);
    let policy = departure.header("content-security-policy").expect("a policy");
    let nonce = policy.split("script-src 'nonce-").nth(1).and_then(|rest| rest.split('\'').next()).expect("a nonce");
    assert!(departure.body.contains(&format!("<script nonce=\"{nonce}\">document.forms[0].submit()</script>")));
    // It verifies what we signed.
    let message = fields(&departure.body, "SAMLRequest").remove(0);
    let text = String::from_utf8(STANDARD.decode(message).expect("base64")).expect("XML");
    assert!(text.contains("AssertionConsumerServiceURL=\"https://"), "{text}");
    let altered = text.replace("AssertionConsumerServiceURL=\"https://", "AssertionConsumerServiceURL=\"http://");
    let altered = STANDARD.encode(altered);
    assert_eq!(submit(&departure, &[("SAMLRequest", &altered)]).status, 400);

    // Out here, and there.
    assert_eq!(session(), "dora");
    let page = ours.get("/adfs/ls/?wa=wsignout1.0&wreply=https%3A%2F%2Fwsfed.rp.example%2Fsignin");
    let message = ours.get(&own_path(&goes_on(&page)).expect("an address of ours"));
    assert_eq!(action(&message.body), format!("{CAMPUS}/slo"), "{}", message.body);
    assert_eq!(message.header("x-frame-options"), None);
    let back = submit(&submit(&message, &[]), &[]);
    assert_eq!((back.status, back.header("location")), (302, Some("https://wsfed.rp.example/signin")), "{}", back.body);
    assert_eq!(session(), "nobody");
    assert!(HandOver::find(&ours.get(&address).body).is_none());

    // It begins there, and is answered there.
    sign_in();
    let asked = theirs.get(&format!("{CAMPUS}/leave"));
    let page = submit(&asked, &[]);
    let answer = ours.get(&own_path(&goes_on(&page)).expect("an address of ours"));
    let done = submit(&answer, &[]);
    assert!(done.body.contains("Signed out") && done.body.contains("mine and theirs"), "{}", done.body);
    assert_eq!(session(), "nobody");
    assert!(HandOver::find(&ours.get(&address).body).is_none());

    // What an address of this kind says is sealed, and what is given back is bounded.
    let forged = ours.get("/adfs/ls/?wa=wsignout1.0&SignOutMessage=AAAA");
    assert_eq!((forged.status, forged.body.contains("MSIS7000")), (500, true), "{}", forged.body);
    let long = submit(&asked, &[("RelayState", &"x".repeat(1025))]);
    assert_eq!((long.status, long.body.contains("MSIS7000")), (500, true), "{}", long.body);
}
