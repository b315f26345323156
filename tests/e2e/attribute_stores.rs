//! Attribute stores asked by claim rules: Active Directory itself, any LDAP directory, opaque ids, expiring passwords.

use std::process::Command;

use crate::support::{Assertion, Lab, Node, NodeSetup, Response, WINDOWS, request, run, script, variable};

/// A claim type of these tests.
pub fn claim_type(name: &str) -> String {
    format!("http://test.example/claims/{name}")
}

/// A trust with these rules; `urn:test:<name>`.
pub fn trust(name: &str, rules: &str) -> String {
    format!(
        "[relying_party]\nname = \"{name}\"\nidentifiers = [\"urn:test:{name}\"]\n\
         access_control_policy = \"permit-everyone\"\ntransform_rules = '''\n{rules}\n'''\n"
    )
}

/// A rule that asks a store about whoever signs in: `{0}` is the account's name with its domain.
pub fn ask(store: &str, types: &[&str], query: &str, params: &[&str]) -> String {
    let types: Vec<String> = types.iter().map(|name| format!("\"{}\"", claim_type(name))).collect();
    let params: String = params.iter().map(|param| format!(", param = {param}")).collect();
    format!(
        "c:[Type == \"http://schemas.microsoft.com/ws/2008/06/identity/claims/windowsaccountname\", Issuer == \"AD AUTHORITY\"]\n \
         => issue(store = \"{store}\", types = ({}), query = \"{query}\"{params});\n",
        types.join(", ")
    )
}

/// What a server answers to a user's tickets.
pub fn sign_in(node: &Node, keytab: &str, principal: &str, trust: &str) -> Response {
    let tickets = Lab::get().kinit(keytab, principal);
    let message = request(WINDOWS).applies_to(&format!("urn:test:{trust}")).build();
    node.curl(WINDOWS).negotiate(&tickets).soap(message).send()
}

/// The token that a server gives for a user's tickets.
pub fn token(node: &Node, keytab: &str, principal: &str, trust: &str) -> Assertion {
    let answer = sign_in(node, keytab, principal, trust);
    assert_eq!(answer.status, 200, "{}\n{}", answer.body, node.log());
    Assertion::cut(&answer.body)
}

/// Values of a claim of these tests, sorted.
pub fn values(token: &Assertion, name: &str) -> Vec<String> {
    let mut values = token.claim(&claim_type(name));
    values.sort();
    values
}

#[test]
fn every_form_of_an_active_directory_query() {
    let lab = Lab::get();
    let netbios = lab.realm.split('.').next().expect("a first label");
    let other = lab.other_realm.split('.').next().expect("a first label");
    let quoted = |text: &str| format!("\"{text}\"");
    let ad = |types: &[&str], query: &str, params: &[&str]| ask("Active Directory", types, query, params);
    let mut rules = String::new();
    // The account that signs in, by its third part alone: attribute names without case, blanks, binary ones as base64.
    rules += &ad(&["mail", "given", "guid", "sid"], "; MAIL , givenname,objectGUID,ObjectSid ;{0}", &["c.Value"]);
    // A filter with and without parentheses; then the third part names the domain only.
    rules += &ad(&["by-name"], "samAccountName={0};mail;{1}", &["\"alice\"", "c.Value"]);
    rules += &ad(
        &["by-filter"],
        "(&(objectClass=user)(mail={0}));givenName;{1}\\nobody",
        &[&quoted(&format!("alice@{}", lab.domain)), &quoted(netbios)],
    );
    rules += &ad(&["by-dns"], "givenName=Alice;sAMAccountName;nobody@{0}", &[&quoted(&lab.domain)]);
    // The other forest, by either name; there is another alice there.
    rules += &ad(&["other"], ";mail;{0}", &[&quoted(&format!("{other}\\olga"))]);
    rules += &ad(&["other-alice"], ";objectGUID;{0}", &[&quoted(&format!("alice@{}", lab.other_realm.to_lowercase()))]);
    // Nested groups by the chain rule: one object each.
    rules += &format!(
        "c:[Type == \"http://schemas.microsoft.com/ws/2008/06/identity/claims/windowsaccountname\"]\n => add(store = \"Active Directory\", \
         types = (\"urn:dn\"), query = \";distinguishedName;{{0}}\", param = c.Value);\n\
         d:[Type == \"urn:dn\"] && c:[Type == \"http://schemas.microsoft.com/ws/2008/06/identity/claims/windowsaccountname\"]\n \
         => issue(store = \"active directory\", types = (\"{}\"), query = \"(member:1.2.840.113556.1.4.1941:={{0}});sAMAccountName;{{1}}\", \
         param = d.Value, param = c.Value);\n",
        claim_type("chain")
    );
    for (name, form) in [
        ("g", "tokenGroups"),
        ("gd", "tokenGroups(domainQualifiedName)"),
        ("gl", "TokenGroups(longDomainQualifiedName)"),
        ("gs", "tokenGroups(SID)"),
    ] {
        rules += &ad(&[name], &format!(";{form};{{0}}"), &["c.Value"]);
    }
    // Two columns of different height.
    rules += &ad(&["member-of", "once"], ";altSecurityIdentities,sAMAccountName;{0}", &["c.Value"]);
    // Nobody, and what would be everybody if it were spliced.
    rules += &ad(&["nobody"], ";mail;{0}", &[&quoted(&format!("{netbios}\\nobody"))]);
    rules += &ad(&["injected"], "mail={0};sAMAccountName;{1}", &["\"*\"", "c.Value"]);
    rules += &ad(&["injected"], "mail={0};sAMAccountName;{1}", &["\"x)(objectClass=*\"", "c.Value"]);

    let node = NodeSetup::new().write("trusts/ad.toml", trust("ad", &rules)).start();
    let alice = token(&node, "alice", "alice", "ad");
    let object = lab.object("alice");
    assert_eq!(values(&alice, "mail"), [format!("alice@{}", lab.domain)]);
    assert_eq!(values(&alice, "given"), ["Alice"]);
    assert_eq!(values(&alice, "guid"), [object.guid_base64()]);
    // S-1-5-21-… begins with revision 1, five numbers, authority 5.
    assert!(values(&alice, "sid")[0].starts_with("AQUAAAAAAAUVAAAA"), "{:?}", values(&alice, "sid"));
    assert_eq!(values(&alice, "by-name"), [format!("alice@{}", lab.domain)]);
    assert_eq!(values(&alice, "by-filter"), ["Alice"]);
    assert_eq!(values(&alice, "by-dns"), ["alice"]);
    assert_eq!(values(&alice, "other"), [format!("olga@{}", lab.other_realm.to_lowercase())]);
    assert_eq!(values(&alice, "other-alice"), [lab.other_object("alice").guid_base64()]);
    assert_ne!(values(&alice, "other-alice"), values(&alice, "guid"));
    assert_eq!(values(&alice, "nobody"), [""; 0]);
    assert_eq!(values(&alice, "injected"), [""; 0]);
    node.logged("no object matches this claim rule's query");

    let bob = token(&node, "bob", "bob", "ad");
    assert_eq!(values(&bob, "chain"), ["DL-Resource", "G-Inner", "G-Outer", "U-Universal"]);
    let names = values(&bob, "g");
    for group in ["DL-Resource", "Domain Users", "G-Inner", "G-Outer", "U-Universal"] {
        assert!(names.iter().any(|name| name == group), "{group} in {names:?}");
        let qualified = |domain: &str| format!("{domain}\\{group}");
        assert!(values(&bob, "gd").contains(&qualified(netbios)), "{:?}", values(&bob, "gd"));
        assert!(values(&bob, "gl").contains(&qualified(&lab.domain)), "{:?}", values(&bob, "gl"));
        assert!(values(&bob, "gs").contains(&lab.object(group).sid), "{:?}", values(&bob, "gs"));
    }
    // The built-in local groups of the domain are groups as well.
    for (form, name) in [("g", "Users"), ("gd", "BUILTIN\\Users"), ("gl", "BUILTIN\\Users"), ("gs", "S-1-5-32-545")] {
        assert!(values(&bob, form).iter().any(|value| value == name), "{form}: {:?}", values(&bob, form));
    }
    assert!(values(&bob, "member-of").len() > 1, "{:?}", values(&bob, "member-of"));
    assert_eq!(values(&bob, "once"), ["bob"], "the shorter column ends in no value");

    let many = token(&node, "manygroups", "manygroups", "ad");
    assert!(values(&many, "g").len() >= 201, "{}", values(&many, "g").len());
}

#[test]
fn any_ldap_directory_is_a_store() {
    let lab = Lab::get();
    let directory = |name: &str, keys: &str| {
        format!(
            "[[attribute_stores]]\nname = \"{name}\"\nquery_timeout_seconds = 4\n[attribute_stores.ldap]\nservers = [\"{}\"]\nbase_dn = \"{}\"\n\
             ca_file = \"{}\"\n{keys}\n",
            variable("LAB_DC"),
            variable("LAB_BASE_DN"),
            variable("LAB_DC_CA"),
        )
    };
    let simple =
        |file: &str| format!("bind.simple = {{ user = \"svc-ldap@{}\", password_file = \"{file}\" }}", lab.domain);
    let query = "(sAMAccountName={0});mail,objectGUID";
    let by_name = |store: &str| ask(store, &["mail", "guid"], query, &["\"bob\""]);
    let node = NodeSetup::new()
        .write("ldap-password", "Svc-Ldap-Pw-1\n")
        .write("wrong-password", "not-it\n")
        .append(&directory("AD LDS", &simple("ldap-password")))
        .append(&directory("STARTTLS", &format!("transport = \"starttls\"\n{}", simple("ldap-password"))))
        .append(&directory(
            "Kerberos",
            &format!(
                "bind.gssapi = {{ client_keytab = \"{}\", principal = \"svc-sts@{}\" }}",
                lab.keytabs.join("svc-sts.keytab").display(),
                lab.realm
            ),
        ))
        .append(&directory("Wrong", &simple("wrong-password")))
        .write("trusts/ldaps.toml", trust("ldaps", &by_name("AD LDS ")))
        .write("trusts/starttls.toml", trust("starttls", &by_name("startTLS")))
        .write("trusts/kerberos.toml", trust("kerberos", &by_name("Kerberos")))
        .write("trusts/wrong.toml", trust("wrong", &by_name("Wrong")))
        .write(
            "trusts/injected.toml",
            trust("injected", &ask("AD LDS", &["mail"], "(sAMAccountName={0});mail", &["\"*\""])),
        )
        .write("trusts/several.toml", trust("several", &ask("AD LDS", &["mail"], "(mail={0}*);mail", &["\"a\""])))
        .start();
    for name in ["ldaps", "starttls", "kerberos"] {
        let token = token(&node, "alice", "alice", name);
        assert_eq!(values(&token, "mail"), [format!("bob@{}", lab.domain)], "{name}");
        assert_eq!(values(&token, "guid"), [lab.object("bob").guid_base64()], "{name}");
    }
    assert_eq!(values(&token(&node, "alice", "alice", "injected"), "mail"), [""; 0], "a star is a star");
    assert!(values(&token(&node, "alice", "alice", "several"), "mail").len() > 1, "every object gives a row");

    // A store that refuses us yields no token, never one without the claims.
    let refused = sign_in(&node, "alice", "alice", "wrong");
    assert_eq!(refused.status, 503, "{}", refused.body);
    assert!(!refused.body.contains("Assertion"), "{}", refused.body);
    let event = audit(&node, &refused).event(9002);
    assert_eq!(event["AttributeStore"], "Wrong");
    assert_eq!(event["ErrorCode"], "POLICY0018");
    assert!(event["Detail"].as_str().expect("a text").contains("LDAP result 49"), "{event}");
}

/// An answer is whole or none: a search that finds more than 1,000 objects fails, and says so.
#[test]
fn a_search_that_finds_too_much_yields_no_token() {
    let store = format!(
        "[[attribute_stores]]\nname = \"Schema\"\n[attribute_stores.ldap]\nservers = [\"{}\"]\n\
         base_dn = \"CN=Schema,CN=Configuration,{}\"\nca_file = \"{}\"\n\
         bind.simple = {{ user = \"svc-ldap@{}\", password_file = \"ldap-password\" }}\n",
        variable("LAB_DC"),
        variable("LAB_BASE_DN"),
        variable("LAB_DC_CA"),
        Lab::get().domain
    );
    let of = |filter: &str| ask("Schema", &["name"], &format!("{filter};lDAPDisplayName"), &[]);
    let node = NodeSetup::new()
        .write("ldap-password", "Svc-Ldap-Pw-1\n")
        .append(&store)
        .write("trusts/every.toml", trust("every", &of("(objectClass=attributeSchema)")))
        .write("trusts/some.toml", trust("some", &of("(&(objectClass=attributeSchema)(lDAPDisplayName=ms*))")))
        .start();
    let some = token(&node, "alice", "alice", "some");
    assert!(values(&some, "name").len() > 100, "{}", values(&some, "name").len());
    let refused = sign_in(&node, "alice", "alice", "every");
    assert_eq!(refused.status, 500, "{}", refused.body);
    assert!(!refused.body.contains("Assertion"), "{}", refused.body);
    let event = audit(&node, &refused).event(9002);
    assert_eq!((&event["AttributeStore"], &event["ErrorCode"]), (&"Schema".into(), &"POLICY0018".into()), "{event}");
    assert!(event["Detail"].as_str().is_some_and(|detail| detail.contains("more than 1000")), "{event}");
}

#[test]
fn relying_parties_are_told_of_passwords_that_expire_soon() {
    let lab = Lab::get();
    let rules = ask("_PasswordExpiryStore", &["seconds", "days", "url"], "{0};", &["c.Value"]);
    let node = NodeSetup::new()
        .append("[password_expiry]\nchange_url = \"https://password.corp.example/\"")
        .write("trusts/expiry.toml", trust("expiry", &rules))
        .start();
    let name = format!("expiring@{}", lab.domain);
    let by_password = || {
        let message = request(crate::support::USERNAME).applies_to("urn:test:expiry").password(&name, "Expiring-Pw-1");
        let answer = node.curl(crate::support::USERNAME).soap(message.build()).send();
        assert_eq!(answer.status, 200, "{}", answer.body);
        Assertion::cut(&answer.body)
    };
    let age = |days: &str| run(Command::new(script("age")).args(["expiring", days]));
    // What explain takes from the directory, the server has from the ticket.
    let explained = |endpoint: &str| -> Vec<String> {
        let arguments = ["--subject", "expiring", "--relying-party", "urn:test:expiry", "--endpoint", endpoint];
        let output = node.command(&["claims", "explain", "--format", "json"]).args(arguments).output();
        let output = output.expect("the program runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let answer: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let token = answer["explanations"][0]["token"].as_array().expect("a list").clone();
        let days = token.iter().filter(|issued| issued["claim"]["type"].as_str().is_some_and(|t| t.ends_with("days")));
        days.map(|issued| issued["claim"]["value"].as_str().expect("a value").to_owned()).collect()
    };
    // Passwords of the lab live for 42 days.
    age("36.5");
    let told = by_password();
    assert_eq!(values(&told, "days"), ["5"]);
    assert_eq!(values(&told, "url"), ["https://password.corp.example/"]);
    let seconds: i64 = values(&told, "seconds")[0].parse().expect("a number");
    assert!((475_200 - seconds).abs() < 600, "{seconds}");
    assert_eq!(explained(crate::support::USERNAME), ["5"]);
    // The built-in trust asks when it sees the claim of the sign-in.
    let message = request(crate::support::USERNAME).applies_to(crate::support::ENTRA).password(&name, "Expiring-Pw-1");
    let answer = node.curl(crate::support::USERNAME).soap(message.build()).send();
    let entra = Assertion::cut(&answer.body);
    assert_eq!(entra.claim("http://schemas.microsoft.com/ws/2012/01/passwordexpirationdays"), ["5"], "{}", answer.body);
    assert_eq!(explained("/adfs/services/trust/13/windowstransport"), [""; 0]);
    age("27");
    assert_eq!(explained(crate::support::USERNAME), [""; 0]);
    let early = by_password();
    assert_eq!(values(&early, "days"), [""; 0], "{}", early.xml);
    // A ticket is no password.
    age("36.5");
    run(Command::new(script("objects")).args(["--keytab", "expiring"]));
    let ticket = token(&node, "expiring", "expiring", "expiry");
    assert_eq!(values(&ticket, "days"), [""; 0], "{}", ticket.xml);
}

#[test]
fn opaque_ids_are_stable_and_those_issued_elsewhere_stay() {
    let lab = Lab::get();
    let netbios = lab.realm.split('.').next().expect("a first label");
    let rules = ask("_OpaqueIdStore", &["ppid"], "{0};{1};{2}", &["\"ppid\"", "c.Value", "c.OriginalIssuer"]);
    let node = NodeSetup::new()
        .write("opaque-id-secret", [9_u8; 32])
        .write("opaque-ids.csv", format!("relying_party,id,opaque_id\nurn:test:one,{netbios}\\bob,b2xk\n"))
        .append("[opaque_ids]\nsecret_file = \"opaque-id-secret\"\nimport_file = \"opaque-ids.csv\"")
        .write("trusts/one.toml", trust("one", &rules))
        .write("trusts/two.toml", trust("two", &rules))
        .start();
    let id = |keytab: &str, party: &str| values(&token(&node, keytab, keytab, party), "ppid").remove(0);
    let alice = id("alice", "one");
    assert_eq!(id("alice", "one"), alice);
    assert_ne!(id("alice", "two"), alice, "two relying parties cannot tell that it is one person");
    assert_eq!(id("bob", "one"), "b2xk");
    assert_ne!(id("bob", "two"), "b2xk");
    assert_ne!(id("bob", "two"), id("alice", "two"));
}

#[test]
fn a_store_that_is_not_there_is_refused_when_rules_are_loaded() {
    let node = NodeSetup::new().start();
    std::fs::write(node.directory.join("trusts/typo.toml"), trust("typo", &ask("HRR", &["a"], "SELECT 1", &[])))
        .expect("a trust");
    let (served, said) = node.reload();
    assert!(!served, "{said}");
    assert!(said.contains("there is no attribute store `HRR` (POLICY0017, unknown-store)"), "{said}");
    assert!(said.contains("typo.toml:7:"), "the line is named: {said}");
}

/// The audit log of a server of a test's own.
pub fn audit(node: &Node, answer: &Response) -> crate::support::Audit {
    crate::support::Audit::of(node.directory.join("audit.jsonl"), &answer.correlation)
}
