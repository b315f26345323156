//! Who gets which token: computers and people of two domains, suffixes, groups, and those who must not pass for a computer.

use crate::support::{
    Assertion, Audit, Curl, Lab, NodeSetup, Object, Response, Rst, Trusts, USERNAME, Version, WINDOWS, claim, request,
    signing_certificate,
};

/// Asks for a token by Kerberos.
fn sign_in(keytab: &str, principal: &str, relying_party: Option<&str>) -> Response {
    let lab = Lab::get();
    let url = format!("{}{}", lab.url, Version::Trust13.path("windowstransport"));
    let mut request = Rst::new(Version::Trust13, &url);
    if let Some(identifier) = relying_party {
        request = request.applies_to(identifier);
    }
    Curl::new(&url).negotiate(&lab.kinit(keytab, principal)).soap(request.build()).send()
}

fn token(answer: &Response) -> Assertion {
    assert_eq!(answer.status, 200, "{}", answer.body);
    let token = Assertion::cut(&answer.body);
    assert!(token.verifies(signing_certificate()), "{}", token.xml);
    token
}

fn issuer(domain: &str) -> String {
    format!("http://{domain}/adfs/services/trust/")
}

#[test]
fn computers_get_what_hybrid_join_needs() {
    let lab = Lab::get();
    let other = format!("OWS01$@{}", lab.other_realm);
    for (keytab, principal, object) in [
        ("ws01", "WS01$", lab.object("WS01$")),
        ("ws02", "WS02$", lab.object("WS02$")),
        // A user has the same name without the dollar sign.
        ("pc01", "PC01$", lab.object("PC01$")),
        ("ows01", &*other, lab.other_object("OWS01$")),
    ] {
        let token = token(&sign_in(keytab, principal, None));
        assert_eq!(token.single(claim::ACCOUNT_TYPE), "DJ", "{principal}");
        assert_eq!(token.single(claim::OBJECT_GUID), object.guid_base64(), "{principal}");
        assert_eq!(token.single(claim::PRIMARY_SID), object.sid, "{principal}");
        assert_eq!(token.single(claim::IMMUTABLE_ID), object.guid_base64(), "{principal}");
        assert_eq!(token.text("NameIdentifier"), object.guid_base64(), "{principal}");
        assert_eq!(token.claim(claim::UPN), [""; 0], "{principal}");
        // Computers have no UPN: one fixed verified domain vouches for them all.
        assert_eq!(token.attribute("Assertion", "Issuer"), issuer(&lab.domain), "{principal}");
    }
}

#[test]
fn people_get_the_issuer_of_the_longest_federated_suffix() {
    let lab = Lab::get();
    let other_domain = lab.other_realm.to_lowercase();
    let in_other = |name: &str| format!("{name}@{}", lab.other_realm);
    let people: [(&str, String, Object, String, String); 7] = [
        ("alice", "alice".into(), lab.object("alice"), format!("alice@{}", lab.domain), issuer(&lab.domain)),
        ("carol", "carol".into(), lab.object("carol"), "carol.c@brand.example".into(), issuer("brand.example")),
        ("erin", "erin".into(), lab.object("erin"), "erin@emea.brand.example".into(), issuer("brand.example")),
        ("olga", in_other("olga"), lab.other_object("olga"), format!("olga@{other_domain}"), issuer(&other_domain)),
        // Has the name of an account of the first domain, and is somebody else.
        (
            "other-alice",
            in_other("alice"),
            lab.other_object("alice"),
            format!("alice@{other_domain}"),
            issuer(&other_domain),
        ),
        // Has the name of a computer, but for the dollar sign.
        ("pc01-user", "PC01".into(), lab.object("PC01"), format!("PC01@{}", lab.domain), issuer(&lab.domain)),
        // A member of Domain Computers, but no computer.
        (
            "dcmember",
            "dcmember".into(),
            lab.object("dcmember"),
            format!("dcmember@{}", lab.domain),
            issuer(&lab.domain),
        ),
    ];
    for (keytab, principal, object, upn, issuer) in people {
        let token = token(&sign_in(keytab, &principal, None));
        assert_eq!(token.single(claim::UPN), upn);
        assert_eq!(token.attribute("Assertion", "Issuer"), issuer, "{upn}");
        assert_eq!(token.single(claim::IMMUTABLE_ID), object.guid_base64(), "{upn}");
        assert_eq!(token.text("NameIdentifier"), object.guid_base64(), "{upn}");
        assert_eq!(token.claim(claim::ACCOUNT_TYPE), [""; 0], "{upn} is no computer");
        assert_eq!(token.claim(claim::OBJECT_GUID), [""; 0], "{upn} is no computer");
    }
}

/// The two accounts named alice are told apart by their SIDs.
#[test]
fn a_name_in_two_domains_is_two_accounts() {
    let lab = Lab::get();
    assert_ne!(lab.object("alice").sid, lab.other_object("alice").sid);
    Trusts::get();
    for (keytab, principal, object) in [
        ("alice", "alice".to_owned(), lab.object("alice")),
        ("other-alice", format!("alice@{}", lab.other_realm), lab.other_object("alice")),
    ] {
        let token = token(&sign_in(keytab, &principal, Some("urn:e2e:plain")));
        assert_eq!(token.single(claim::PRIMARY_SID), object.sid);
    }
}

#[test]
fn who_may_not_have_a_token_for_entra_is_denied() {
    let lab = Lab::get();
    for (keytab, principal, why) in [
        ("stray", "stray", "the suffix of the UPN is not federated"),
        ("dc1", "DC1$", "a domain controller is not joined, and has no UPN"),
        ("gmsa01", "gmsa01$", "a managed service account is no computer, and has no UPN"),
    ] {
        let answer = sign_in(keytab, principal, None);
        assert_eq!(answer.status, 500, "{principal}: {why}: {}", answer.body);
        assert!(answer.body.contains(">MSIS7068: Access denied.<"), "{principal}: {}", answer.body);
        assert!(!answer.body.contains("Assertion"), "{principal}: {}", answer.body);
        assert!(!answer.body.contains(">DJ<"), "{principal}");
        let audit = lab.audit(&answer.correlation);
        assert_eq!(audit.event(324)["SubjectSid"], *lab.object(principal).sid, "{principal}");
        assert_eq!(audit.event(1201)["ErrorCode"], "MSIS7068", "{principal}");
        assert!(audit.events().iter().all(|event| event["EventID"] != 299 && event["EventID"] != 1200), "{principal}");
    }
}

/// Even where a trust takes everybody, nobody but a workstation or member server shows the group that makes a computer's
/// token.
#[test]
fn only_joined_computers_show_themselves_in_domain_computers_to_the_entra_trust() {
    let lab = Lab::get();
    Trusts::get();
    let domain_computers = lab.object("Domain Computers").sid;
    let domain_controllers = lab.object("Domain Controllers").sid;
    let of = |keytab, principal| token(&sign_in(keytab, principal, Some("urn:e2e:plain"))).claim(claim::GROUP);
    assert!(of("ws01", "WS01$").contains(&domain_computers));
    let controller = of("dc1", "DC1$");
    assert!(controller.contains(&domain_controllers) && !controller.contains(&domain_computers), "{controller:?}");
}

#[test]
fn nested_groups_come_from_the_ticket() {
    let lab = Lab::get();
    Trusts::get();
    let token = token(&sign_in("bob", "bob", Some("urn:e2e:plain")));
    let groups = token.claim(claim::GROUP);
    // Global in global in universal in domain local.
    for group in ["G-Inner", "G-Outer", "U-Universal", "DL-Resource", "Domain Users"] {
        assert!(groups.contains(&lab.object(group).sid), "{group}: {groups:?}");
    }
    assert!(!groups.contains(&lab.object("Sts-Admins").sid), "a group that bob is not in");
    assert_eq!(token.single(claim::UPN_2005), format!("bob@{}", lab.domain));
    assert_eq!(token.single(claim::PRIMARY_SID), lab.object("bob").sid);
}

#[test]
fn two_hundred_groups_fit_through_every_way_in() {
    let lab = Lab::get();
    Trusts::get();
    let url = format!("{}{}", lab.url, Version::Trust13.path("usernamemixed"));
    let request = Rst::new(Version::Trust13, &url)
        .applies_to("urn:e2e:plain")
        .password(&format!("manygroups@{}", lab.domain), "Many-Pw-1");
    for answer in
        [sign_in("manygroups", "manygroups", Some("urn:e2e:plain")), Curl::new(&url).soap(request.build()).send()]
    {
        let groups = token(&answer).claim(claim::GROUP);
        for number in 0..200 {
            let group = format!("Many-{number:03}");
            assert!(groups.contains(&lab.object(&group).sid), "{group} of {}", groups.len());
        }
    }
}

/// A UPN with a suffix that the configuration does not give to the domain is no claim, and that is written down.
#[test]
fn a_upn_outside_the_suffixes_of_its_domain_is_dropped_and_audited() {
    let lab = Lab::get();
    let trust = "[relying_party]\nname = \"Plain\"\nidentifiers = [\"urn:test:plain\"]\n\
        access_control_policy = \"permit-everyone\"\ntransform_rules = \"c:[] => issue(claim = c);\"\n";
    let node = NodeSetup::new().replace(", \"unlisted.example\"]", "]").write("trusts/plain.toml", trust).start();
    let netbios = lab.realm.split('.').next().expect("a name");
    let by_ticket = request(WINDOWS).applies_to("urn:test:plain").build();
    let by_ticket = node.curl(WINDOWS).negotiate(&lab.kinit("stray", "stray")).soap(by_ticket).send();
    let by_password =
        request(USERNAME).applies_to("urn:test:plain").password(&format!("{netbios}\\stray"), "Stray-Pw-1");
    let by_password = node.curl(USERNAME).soap(by_password.build()).send();
    for answer in [by_ticket, by_password] {
        assert_eq!(answer.status, 200, "{}", answer.body);
        let token = Assertion::cut(&answer.body);
        assert_eq!(token.single(claim::PRIMARY_SID), lab.object("stray").sid);
        assert!(!answer.body.contains("unlisted.example"), "{}", answer.body);
        let event = Audit::of(node.directory.join("audit.jsonl"), &answer.correlation).event(9003);
        assert_eq!((&event["DroppedUpn"], &event["Realm"]), (&"stray@unlisted.example".into(), &(*lab.realm).into()));
        assert_eq!(event["SubjectSid"], *lab.object("stray").sid);
    }
    // Where the suffix is the domain's there is nothing to say.
    let answer = sign_in("stray", "stray", None);
    assert!(lab.audit(&answer.correlation).event(1202)["UserId"].is_string());
    assert!(lab.audit(&answer.correlation).events().iter().all(|event| event["EventID"] != 9003));
}
