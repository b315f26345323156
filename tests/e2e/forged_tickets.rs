//! Tickets that no KDC issues, sealed with the service's own key: what is left to somebody who has stolen a key, or who has a KDC
//! issue a ticket with a PAC of his own making. The forger is the one of the unit tests.

use crate::clock::UtcTime;
use crate::directory::Sid;
use crate::fault::{WINDOWS, bare, nothing_issued, now, rejected};
use crate::support::{Lab, NodeSetup};
use crate::wire::{Reply, Route, host};

use self::encode::PacContent;
use self::forge::Forged;

#[expect(dead_code, reason = "the reader is for the server")]
#[path = "../../src/kerberos/der.rs"]
mod der;
#[expect(dead_code, reason = "unit tests write more of a PAC")]
#[path = "../../src/kerberos/pac/tests/encode.rs"]
pub(crate) mod encode;
#[path = "../../src/kerberos/forge.rs"]
mod forge;
/// Where the forger looks for the writer of PACs.
mod pac {
    pub(super) mod tests {
        pub(crate) use super::super::encode;
    }
}

#[test]
fn a_pac_that_the_domain_did_not_make_signs_nobody_in() {
    let good = Forged { serial: 1, ..alice() };
    let reply = post(&good);
    assert_eq!(reply.status, 200, "the forger makes good tickets: {}", reply.body);
    assert!(reply.body.contains(&format!(">alice@{}<", Lab::get().domain)), "{}", reply.body);

    let foreign_sid: Sid = "S-1-5-21-7-8-9".parse().expect("a SID");
    let foreign = |sid: Sid| PacContent { domain: sid, upn_sid: sid.child(500).expect("a SID"), user_id: 500, ..pac() };
    // The lab's second domain is trusted as itself only.
    let other_domain: Sid = "S-1-5-21-3623811015-3361044348-30300820".parse().expect("a SID");
    for (serial, (name, forged, told)) in [
        ("a signature by another key", Forged { pac_key: [9; 32], ..alice() }, "has no PAC that verifies"),
        ("no PAC", Forged { pac: None, ..alice() }, "has no PAC that verifies"),
        (
            "the PAC of another client",
            Forged { pac: Some(PacContent { client_name: "bob".into(), ..pac() }), ..alice() },
            "has no PAC that verifies",
        ),
        ("a domain nobody knows", Forged { pac: Some(foreign(foreign_sid)), ..alice() }, "is not of a trusted domain"),
        (
            "another domain's administrator",
            Forged { pac: Some(foreign(other_domain)), ..alice() },
            "is not of a trusted domain",
        ),
        (
            "a realm that is not configured",
            Forged { client_realm: "EVIL.EXAMPLE".into(), ..alice() },
            "is not of a trusted domain",
        ),
        ("a trust account", Forged { pac: Some(PacContent { uac: 0x40, ..pac() }), ..alice() }, "is not usable"),
    ]
    .into_iter()
    .enumerate()
    {
        let serial = u8::try_from(serial).expect("few") + 2;
        let reply = post(&Forged { serial, ..forged });
        assert_eq!((name, reply.status, reply.header("www-authenticate")), (name, 401, Some("Negotiate")));
        assert_eq!((name, &*reply.body), (name, ""));
        let audit = reply.audit();
        let event = rejected(&audit, "InvalidPac");
        assert!(event["UserId"].as_str().is_some_and(|user| user.starts_with("alice@")), "{name}: {event}");
        let detail = audit.event(342)["Detail"].to_string();
        assert!(detail.contains(told), "{name}: {detail}");
        nothing_issued(&audit);
    }
}

#[test]
fn groups_of_another_domain_are_dropped_and_the_rest_counts() {
    let domain_admins: Sid = "S-1-5-21-7-8-9-512".parse().expect("a SID");
    let history = PacContent { extra: vec![(domain_admins, 7)], ..pac() };
    let reply = post(&Forged { serial: 30, pac: Some(history), ..alice() });
    assert_eq!(reply.status, 200, "{}", reply.body);
    assert!(!reply.body.contains("S-1-5-21-7-8-9"), "{}", reply.body);
    let filtered = reply.audit().event(9001);
    assert!(filtered.to_string().contains(&domain_admins.to_string()), "{filtered}");
}

/// Domains of one forest are one security boundary: they name each other's groups where the configuration says that they are one.
#[test]
fn groups_of_another_domain_of_the_forest_count() {
    let other: Sid = "S-1-5-21-3623811015-3361044348-30300820-1300".parse().expect("a SID");
    let netbios = |realm: &str| format!("netbios = \"{}\"", realm.split('.').next().expect("a name"));
    let lab = Lab::get();
    let of_forest = |setup: NodeSetup, realm: &str| {
        setup.replace(&netbios(realm), &format!("{}\nforest = \"corp.example\"", netbios(realm)))
    };
    let verbose = NodeSetup::new().replace("claims = \"values\"", "claims = \"values\"\nlevel = \"verbose\"");
    let node = of_forest(of_forest(verbose, &lab.realm), &lab.other_realm).start();
    let member = |serial| Forged { serial, pac: Some(PacContent { extra: vec![(other, 7)], ..pac() }), ..alice() };
    let reply = post_to(&Route::inside().to(node.ip()), &member(31));
    assert_eq!(reply.status, 200, "{}", reply.body);
    let audit = reply.audit_in(&node.directory);
    assert!(audit.event(501).to_string().contains(&other.to_string()), "{}", audit.event(501));
    assert!(audit.events().iter().all(|event| event["EventID"] != 9001));
    // Otherwise not, although both domains are known.
    let reply = post(&member(32));
    assert_eq!(reply.status, 200, "{}", reply.body);
    assert!(reply.audit().event(9001).to_string().contains(&other.to_string()));
}

fn post(forged: &Forged) -> Reply {
    post_to(&Route::inside(), forged)
}

fn post_to(route: &Route, forged: &Forged) -> Reply {
    use base64::Engine as _;
    let token = base64::engine::general_purpose::STANDARD.encode(forged.spnego());
    route.post(WINDOWS, &[("Authorization", &format!("Negotiate {token}"))], bare(WINDOWS).as_bytes())
}

/// A good ticket of the lab's alice for the lab's server.
fn alice() -> Forged {
    let realm = Lab::get().realm.clone();
    let (kvno, key) = service_key();
    Forged {
        service: vec!["HTTP".into(), host()],
        service_realm: realm.clone(),
        client_realm: realm,
        kvno,
        pac: Some(pac()),
        // Two runs within the memory of the replay guard differ by their time.
        ..Forged::alice(key, UtcTime::from_unix_seconds(now()))
    }
}

/// What the domain says of alice.
fn pac() -> PacContent {
    let lab = Lab::get();
    let sid: Sid = lab.object("alice").sid.parse().expect("a SID");
    PacContent {
        netbios: lab.realm.split('.').next().expect("a name").into(),
        domain: sid.parent().expect("a domain"),
        user_id: sid.rid().expect("a RID"),
        groups: vec![(513, 7)],
        upn: format!("alice@{}", lab.domain),
        dns: lab.realm.clone(),
        upn_sid: sid,
        ..PacContent::user()
    }
}

/// Number and AES-256 key of the service in the lab's keytab.
fn service_key() -> (u8, [u8; 32]) {
    let keytab = Lab::get().keytabs.join("sts-all.keytab");
    let output = std::process::Command::new("klist").args(["-k", "-K", "-e"]).arg(keytab).output().expect("klist runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let principal = format!("HTTP/{}@{}", host(), Lab::get().realm);
    let line = text.lines().find(|line| line.contains(&principal) && line.contains("aes256-cts-hmac-sha1-96"));
    let words: Vec<&str> = line.unwrap_or_else(|| panic!("no key of {principal}: {text}")).split_whitespace().collect();
    let key = words.last().expect("a key").trim_matches(['(', ')']).trim_start_matches("0x");
    let mut octets = [0; 32];
    hex::decode_to_slice(key, &mut octets).expect("32 octets");
    (words[0].parse().expect("a number"), octets)
}
