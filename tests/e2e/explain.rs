//! `chancery claims explain` against the real directory: what it says is what a token says.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Output;

use regex::Regex;
use serde_json::Value;

use crate::support::{Assertion, ENTRA, Lab, Node, NodeSetup, USERNAME, WINDOWS, claim, program, request};

/// Everything the rules may see, also what a token writes elsewhere than among its attributes.
const EVERYTHING: &str = r#"c:[] => issue(claim = c);
@RuleName = "what a token keeps to itself"
c:[Type =~ "/claims/authenticationmethod$"] => issue(Type = "http://e2e.example/claims/method", Value = c.Value);
@RuleName = "mail"
c:[Type == "http://schemas.microsoft.com/ws/2008/06/identity/claims/windowsaccountname"]
 => issue(store = "Active Directory", types = ("http://e2e.example/claims/mail", "http://e2e.example/claims/group"),
          query = ";mail,tokenGroups;{0}", param = c.Value);
@RuleName = "never"
NOT EXISTS([Type == "http://schemas.microsoft.com/ws/2012/01/insidecorporatenetwork"]) => issue(Type = "http://e2e.example/claims/never");
"#;

const EVERYTHING_ID: &str = "urn:explain:everything";

/// A server with a trust that passes everything and asks a rule who may.
fn server() -> Node {
    let trust = format!(
        "[relying_party]\nname = \"Everything\"\nidentifiers = [\"{EVERYTHING_ID}\"]\n\
         authorization_rules = '''\n{AUTHORIZATION}\n'''\ntransform_rules = '''\n{EVERYTHING}\n'''\n"
    );
    NodeSetup::new().write("trusts/everything.toml", trust).start()
}

const AUTHORIZATION: &str = r#"@RuleName = "inside only"
EXISTS([Type == "http://schemas.microsoft.com/ws/2012/01/insidecorporatenetwork", Value == "true"])
 => issue(Type = "http://schemas.microsoft.com/authorization/claims/permit", Value = "inside");"#;

fn explain(node: &Node, arguments: &[&str]) -> Output {
    node.command(&["claims", "explain"]).args(arguments).output().expect("the program runs")
}

fn explained(node: &Node, arguments: &[&str]) -> Value {
    let output = node.command(&["claims", "explain", "--format", "json"]).args(arguments).output();
    let output = output.expect("the program runs");
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{arguments:?}: {err}");
    let answer: Value = serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}"));
    assert!(answer["notice"].as_str().expect("a notice").contains("No token was issued"));
    answer["explanations"][0].clone()
}

/// Type and value of the explained claims of the token, but for what names one request.
fn claims(explanation: &Value) -> BTreeSet<(String, String)> {
    let issued = explanation["token"].as_array().expect("a list").iter().map(|issued| {
        assert!(issued["rule"].as_u64().is_some_and(|rule| rule > 0), "{issued}");
        let text = |field: &str| issued["claim"][field].as_str().expect("a text").to_owned();
        (text("type"), text("value"))
    });
    issued.filter(|(claim_type, _)| !OF_ONE_REQUEST.iter().any(|end| claim_type.ends_with(end))).collect()
}

/// The same of a token (SAML 1.1).
fn attributes(token: &Assertion) -> BTreeSet<(String, String)> {
    let attribute = Regex::new(r#"AttributeName="([^"]*)" AttributeNamespace="([^"]*)""#).expect("a pattern");
    let mut found = BTreeSet::new();
    for captures in attribute.captures_iter(&token.xml) {
        let claim_type = format!("{}/{}", &captures[2], &captures[1]);
        if !OF_ONE_REQUEST.iter().any(|end| claim_type.ends_with(end)) {
            found.extend(token.claim(&claim_type).into_iter().map(|value| (claim_type.clone(), value)));
        }
    }
    found
}

/// What differs from request to request, or stands elsewhere in a token.
const OF_ONE_REQUEST: [&str; 5] =
    ["/client-request-id", "/authenticationinstant", "/authenticationmethod", "/nameidentifier", "/issuerid"];

fn token_of(node: &Node, keytab: &str, account: &str, relying_party: &str) -> Assertion {
    let cache = Lab::get().kinit(keytab, account);
    let rst = request(WINDOWS).applies_to(relying_party).build();
    let answer = node.curl(WINDOWS).negotiate(&cache).soap(rst).send();
    assert_eq!(answer.status, 200, "{account}: {}", answer.body);
    Assertion::cut(&answer.body)
}

/// Options that repeat what a token says of its request.
fn same_request(token: &Assertion) -> [String; 4] {
    let context =
        |name: &str| token.single(&format!("http://schemas.microsoft.com/2012/01/requestcontext/claims/{name}"));
    ["--source-ip".into(), context("x-ms-client-ip"), "--user-agent".into(), context("x-ms-client-user-agent")]
}

#[test]
fn the_claims_explained_are_the_claims_of_the_token() {
    let node = server();
    let alice = format!("alice@{}", Lab::get().domain);
    for (keytab, account, groups) in
        [("alice", "alice", 4), ("bob", "bob", 6), ("ws01", "WS01$", 2), ("manygroups", "manygroups", 200)]
    {
        let token = token_of(&node, keytab, account, EVERYTHING_ID);
        let request = same_request(&token);
        let request: Vec<&str> = request.iter().map(String::as_str).collect();
        // Both domains have an alice.
        let subject = if account == "alice" { &alice } else { account };
        let everything = ["--subject", subject, "--relying-party", EVERYTHING_ID];
        let explanation = explained(&node, &[&everything[..], &request].concat());
        assert_eq!(explanation["decision"], "permit", "{account}");
        assert_eq!(claims(&explanation), attributes(&token), "{account}");
        assert!(token.claim(claim::GROUP).len() >= groups, "{account}: {:?}", token.claim(claim::GROUP));

        let token = token_of(&node, keytab, account, ENTRA);
        let explanation = explained(&node, &[&["--subject", subject, "--relying-party", ENTRA], &request[..]].concat());
        assert_eq!(claims(&explanation), attributes(&token), "{account}");
        let name = explanation["token"].as_array().expect("a list").iter().find(|issued| {
            issued["claim"]["type"].as_str().is_some_and(|claim_type| claim_type.ends_with("/nameidentifier"))
        });
        assert_eq!(name.expect("a name")["claim"]["value"], token.text("NameIdentifier"), "{account}");
    }
}

#[test]
fn every_name_of_an_account_and_every_way_to_sign_in() {
    let lab = Lab::get();
    let node = server();
    let netbios = lab.realm.split('.').next().expect("a label");
    let carol = lab.object("carol");
    let names = [
        "carol".to_owned(),
        format!("{netbios}\\carol"),
        "carol.c@brand.example".to_owned(),
        format!("carol@{}", lab.domain),
        carol.sid.clone(),
    ];
    let answers: Vec<_> = names
        .iter()
        .map(|name| {
            let endpoint = ["--endpoint", USERNAME, "--source-ip", "127.0.0.1"];
            let explanation =
                explained(&node, &[&["--subject", name, "--relying-party", EVERYTHING_ID], &endpoint[..]].concat());
            assert_eq!(explanation["subject"]["sid"], carol.sid, "{name}");
            claims(&explanation)
        })
        .collect();
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    let rst = request(USERNAME).applies_to(EVERYTHING_ID).password("carol.c@brand.example", "Carol-Pw-1").build();
    let answer = node.curl(USERNAME).soap(rst).send();
    let token = Assertion::cut(&answer.body);
    let same = same_request(&token);
    let same: Vec<&str> = same.iter().map(String::as_str).collect();
    let arguments = ["--subject", "carol", "--relying-party", EVERYTHING_ID, "--endpoint", USERNAME];
    let explanation = explained(&node, &[&arguments[..], &same].concat());
    assert_eq!(claims(&explanation), attributes(&token));
}

#[test]
fn a_denial_names_the_condition_that_failed() {
    let node = server();
    let arguments = ["--subject", "bob", "--relying-party", EVERYTHING_ID, "--at", "extranet"];
    let explanation = explained(&node, &arguments);
    assert_eq!(explanation["decision"], "deny");
    assert_eq!(explanation["token"], serde_json::json!([]));
    let stages = explanation["stages"].as_array().expect("a list");
    let authorization = stages.iter().find(|stage| stage["stage"] == "issuance-authorization").expect("the stage");
    let nearest = &authorization["rules"][0]["reason"]["nearest"];
    assert_eq!(nearest["claim"]["value"], "false", "{authorization:#}");
    assert!(nearest["failed"][0]["test"].as_str().is_some_and(|test| test.starts_with("Value ==")), "{nearest}");

    let text = explain(&node, &arguments);
    let text = String::from_utf8_lossy(&text.stdout).into_owned();
    for said in
        ["No token was issued", "Decision: deny: issuance authorization: no rule permits", "inside only: did not act"]
    {
        assert!(text.contains(said), "{said}: {text}");
    }
}

#[test]
fn many_groups_are_collapsed_for_people() {
    let node = server();
    let arguments = ["--subject", "manygroups", "--relying-party", EVERYTHING_ID];
    let text = |more: &[&str]| {
        let output = explain(&node, &[&arguments[..], more].concat());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let short = text(&[]);
    assert!(short.lines().count() < 200, "{} lines:\n{short}", short.lines().count());
    assert!(short.contains("more values (--all shows them)"), "{short}");
    assert!(!short.contains('\u{1b}'), "no colours where nobody looks");
    assert!(text(&["--all"]).lines().count() > 1000);
}

#[test]
fn a_saved_sign_in_is_a_test() {
    let node = server();
    let file: PathBuf = node.directory.join("saved.json");
    let saved = file.to_str().expect("a path");
    let arguments = ["--subject", "bob", "--relying-party", EVERYTHING_ID, "--source-ip", "127.0.0.1", "--save", saved];
    let explanation = explained(&node, &arguments);
    let test = |path: &str| {
        let output = std::process::Command::new(program()).args(["claims", "test", path]).output();
        let output = output.expect("the program runs");
        (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    // Without any directory: the answers of the store are in the file.
    let authorization = saved.replace(".json", ".issuance-authorization.json");
    for file in [saved, &authorization] {
        let (passed, said) = test(file);
        assert!(passed && said.contains("1 case: 1 passed"), "{said}");
    }
    let again = std::process::Command::new(program())
        .args(["claims", "explain", "--format", "json", "--case", saved])
        .output()
        .expect("the program runs");
    let again: Value = serde_json::from_slice(&again.stdout).expect("JSON");
    assert_eq!(claims(&again["explanations"][0]), claims(&explanation));
    // A change of the rules shows.
    let rules = saved.replace(".json", ".rules");
    let text = std::fs::read_to_string(&rules).expect("the rules");
    std::fs::write(&rules, text.replace("/claims/authenticationmethod$", "/claims/nothing$")).expect("the rules");
    let (passed, said) = test(saved);
    assert!(!passed && said.contains("could make it, but did not act"), "{said}");
    // Nothing is overwritten.
    let output = explain(&node, &arguments);
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("exists"), "{output:?}");
}

#[test]
fn mistakes_are_named() {
    let lab = Lab::get();
    let node = server();
    let both = format!("{}\\alice", lab.other_realm.split('.').next().expect("a label"));
    for (subject, relying_party, said) in [
        ("nobody", ENTRA, "no account \"nobody\" in".to_owned()),
        ("ws01", ENTRA, "WS01$?".to_owned()),
        ("olga@nowhere.example", ENTRA, "is of no configured domain".to_owned()),
        ("S-1-5-21-1-2-3-1107", ENTRA, "is of no configured domain".to_owned()),
        ("alice", ENTRA, "several domains have an account \"alice\"; write one of".to_owned()),
        (&both, "urn:federation:microsoftonline", format!("did you mean {ENTRA}?")),
        (&both, "https://elsewhere.example/", "The identifiers are:".to_owned()),
    ] {
        let output = explain(&node, &["--subject", subject, "--relying-party", relying_party]);
        assert!(!output.status.success(), "{subject}");
        let err = String::from_utf8_lossy(&output.stderr);
        assert!(err.contains(&said), "{subject} {relying_party}: {err}");
    }
    let disabled = explained(&node, &["--subject", "disabled", "--relying-party", ENTRA]);
    assert!(disabled["warnings"][0].as_str().is_some_and(|warning| warning.contains("is disabled")), "{disabled}");
}

/// It signs nothing, writes no audit event and makes no key.
#[test]
fn nothing_is_issued_and_nothing_is_written() {
    let setup = NodeSetup::new();
    let (config, directory) = (setup.file(), setup.directory.clone());
    let output = std::process::Command::new(program())
        .args(["claims", "explain", "--subject", "bob", "--relying-party", ENTRA, "--config"])
        .arg(config)
        .output()
        .expect("the program runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("No token was issued") && !text.contains("Assertion"), "{text}");
    assert!(!directory.join("audit.jsonl").exists(), "no audit log");
    assert!(!directory.join("state").exists(), "no keys and no state");
}

/// What the claims provider says is in a file; its own acceptance rules judge it, as those of a sign-in do.
#[test]
fn a_user_of_a_claims_provider_is_explained() {
    let upn = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn";
    let certificate = Lab::get().config.join("trusts/e2e-explain.pem");
    crate::support::run(
        std::process::Command::new("openssl")
            .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=partner", "-keyout"])
            .arg(Lab::get().new_file("partner.key"))
            .arg("-out")
            .arg(&certificate),
    );
    let partner = format!(
        "[claims_provider]\nname = \"Partner\"\nidentifier = \"urn:explain:partner\"\nprotocol = \"saml\"\n\
         sign_in_url = \"https://idp.rp.example/sso\"\nsigning_certificates = [\"{}\"]\n\
         acceptance_rules = '''@RuleName = \"only ours\"\nc:[Type == \"{upn}\", Value =~ \"@partner.example$\"] => issue(claim = c);'''\n",
        certificate.display()
    );
    let trust = format!(
        "[relying_party]\nname = \"Everything\"\nidentifiers = [\"{EVERYTHING_ID}\"]\naccess_control_policy = \"permit-everyone\"\n\
         transform_rules = 'c:[] => issue(claim = c);'\n"
    );
    let said = format!(
        "[{{\"type\": \"{upn}\", \"value\": \"bob@partner.example\", \"issuer\": \"AD AUTHORITY\"}},\
         {{\"type\": \"{upn}\", \"value\": \"root@{}\"}}, {{\"type\": \"{}\", \"value\": \"S-1-5-32-544\"}}]",
        Lab::get().domain,
        claim::GROUP
    );
    let node = NodeSetup::new()
        .write("trusts/partner.toml", partner)
        .write("trusts/everything.toml", trust)
        .write("bob.json", said)
        .start();
    let file = node.directory.join("bob.json");
    let file = file.to_str().expect("a path");
    let arguments = [
        "--claims-provider",
        "urn:explain:partner",
        "--claims",
        file,
        "--relying-party",
        EVERYTHING_ID,
        "--at",
        "extranet",
    ];
    let explanation = explained(&node, &arguments);
    assert_eq!(explanation["claimsProvider"]["identifier"], "urn:explain:partner", "{explanation}");
    assert_eq!(explanation["decision"], "permit", "{explanation}");
    assert_eq!(explanation["input"].as_array().expect("a list").len(), 3);
    let stage = &explanation["stages"][0];
    assert_eq!((&stage["stage"], &stage["rules"][0]["acted"]), (&"acceptance-transform".into(), &1.into()), "{stage}");
    let issued = explanation["token"].as_array().expect("a list");
    let of = |claim_type: &str| -> Vec<&Value> {
        issued.iter().map(|issued| &issued["claim"]).filter(|claim| claim["type"] == claim_type).collect()
    };
    assert_eq!(of(upn).len(), 1, "{issued:?}");
    assert_eq!(
        (&of(upn)[0]["value"], &of(upn)[0]["issuer"]),
        (&"bob@partner.example".into(), &"urn:explain:partner".into())
    );
    assert_eq!(of(claim::GROUP).len(), 0, "{issued:?}");
    let text = explain(&node, &arguments);
    let text = String::from_utf8_lossy(&text.stdout).into_owned();
    assert!(text.contains("User of") && text.contains("only ours: acted"), "{text}");
    for (arguments, said) in [
        (["--claims-provider", "urn:explain:partne"], "did you mean urn:explain:partner?"),
        (["--claims-provider", "urn:elsewhere"], "no claims provider trust has the identifier urn:elsewhere"),
    ] {
        let output = explain(&node, &[&arguments[..], &["--claims", file, "--relying-party", EVERYTHING_ID]].concat());
        assert!(!output.status.success());
        assert!(String::from_utf8_lossy(&output.stderr).contains(said), "{output:?}");
    }
}

/// The delegation authorization rules are shown with what they see, the client's claims; the others decide about the user.
#[test]
fn a_client_that_asks_on_behalf_of_a_user_is_explained() {
    let delegation = "delegation_authorization_rules = '''@RuleName = \"the web API\"\n\
         c:[Type == \"urn:chancery:requestcontext/client-id\", Value == \"web-api\"]\n \
         => issue(Type = \"http://schemas.microsoft.com/authorization/claims/permit\", Value = \"true\");'''\n";
    let trust = format!(
        "[relying_party]\nname = \"Backend\"\nidentifiers = [\"{EVERYTHING_ID}\"]\naccess_control_policy = \"permit-everyone\"\n\
         transform_rules = 'c:[] => issue(claim = c);'\n{delegation}"
    );
    let client = |id: &str, grant: &str| {
        format!(
            "[client]\nid = \"{id}\"\nname = \"The {id}\"\nkind = \"server\"\nsecret_file = \"client-secret\"\n\
             grants = [\"{grant}\"]\nresources = [\"{EVERYTHING_ID}\"]\n"
        )
    };
    let node = NodeSetup::new()
        .write("trusts/client-secret", "0123456789abcdef0123456789abcdef\n")
        .write("trusts/backend.toml", trust)
        .write("trusts/web-api.toml", client("web-api", "on_behalf_of"))
        .write("trusts/other.toml", client("other", "client_credentials"))
        .start();
    let question = ["--subject", "bob", "--relying-party", EVERYTHING_ID, "--actor"];
    let explanation = explained(&node, &[&question[..], &["web-api"]].concat());
    assert_eq!((&explanation["decision"], &explanation["actor"]["id"]), (&"permit".into(), &"web-api".into()));
    let stages: Vec<&Value> = explanation["stages"].as_array().expect("a list").iter().collect();
    let stage = stages.iter().find(|stage| stage["stage"] == "delegation-authorization").expect("the stage");
    assert_eq!(stage["rules"][0]["acted"], 1, "{stage}");
    let input = stage["input"].as_array().expect("a list");
    assert!(input.iter().any(|claim| claim["value"] == "web-api"), "{stage}");
    assert!(input.iter().all(|claim| claim["type"] != claim::UPN_2005), "the user's claims are not its: {stage}");
    assert!(
        claims(&explanation).iter().any(|(claim_type, _)| claim_type == claim::UPN_2005),
        "the token is the user's"
    );

    let other = explained(&node, &[&question[..], &["other"]].concat());
    assert_eq!(other["decision"], "deny");
    assert_eq!(other["reason"], "delegation authorization: no rule permits for other");
    let warnings = other["warnings"].as_array().expect("a list");
    assert!(warnings.iter().any(|said| said.as_str().is_some_and(|said| said.contains("on_behalf_of"))), "{other}");
    let text = explain(&node, &[&question[..], &["other"]].concat());
    let text = String::from_utf8_lossy(&text.stdout).into_owned();
    for said in ["Claims of the actor", "the web API: did not act", "Actor"] {
        assert!(text.contains(said), "{said}: {text}");
    }
    let output = explain(&node, &[&question[..], &["web-apo"]].concat());
    let err = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && err.contains("did you mean web-api?"), "{err}");
}

/// At `/adfs/ls/` the endpoint does not say how somebody signs in.
#[test]
fn the_way_to_sign_in_is_said_where_the_endpoint_does_not_say_it() {
    let node = server();
    let methods = |more: &[&str]| -> BTreeSet<String> {
        let question = ["--subject", "carol", "--relying-party", EVERYTHING_ID, "--at", "intranet"];
        let explanation = explained(&node, &[&question[..], more].concat());
        let of_token = claims(&explanation).into_iter();
        of_token
            .filter(|(claim_type, _)| claim_type == "http://e2e.example/claims/method")
            .map(|(_, value)| value)
            .collect()
    };
    let password = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport";
    for (more, method) in [
        (&["--endpoint", "/adfs/ls/"][..], "urn:federation:authentication:windows"),
        (&["--endpoint", "/adfs/ls/", "--authentication-method", "password"], password),
        (&["--endpoint", "/adfs/ls/", "--authentication-method", "tlsclient"], "urn:ietf:rfc:2246"),
        (&["--authentication-method", "x509"], "urn:oasis:names:tc:SAML:2.0:ac:classes:X509"),
        (&["--endpoint", USERNAME], password),
    ] {
        assert_eq!(methods(more), BTreeSet::from([method.to_owned()]), "{more:?}");
    }
}

#[test]
fn a_request_through_a_proxy_is_from_outside_and_names_it() {
    let node = server();
    let subject = ["--subject", "bob", "--relying-party", EVERYTHING_ID, "--source-ip", "127.0.0.1"];
    // What the authorization rules, which run behind the acceptance rules, start with.
    let values = |more: &[&str], name: &str| -> Vec<String> {
        let explanation = explained(&node, &[&subject[..], more].concat());
        let input = explanation["stages"][1]["input"].as_array().expect("a list").clone();
        let named = input.iter().filter(|claim| claim["type"].as_str().is_some_and(|t| t.ends_with(name)));
        named.map(|claim| claim["value"].as_str().expect("a value").to_owned()).collect()
    };
    let proxy = ["--proxy", "wap.corp.example"];
    assert_eq!(values(&proxy, "/x-ms-proxy"), ["wap.corp.example"]);
    assert_eq!(values(&proxy, "/insidecorporatenetwork"), ["false"]);
    assert_eq!(values(&[], "/x-ms-proxy"), [""; 0]);
    assert_eq!(values(&[], "/insidecorporatenetwork"), ["true"]);
}
