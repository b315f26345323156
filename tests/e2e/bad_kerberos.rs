//! Negotiate tokens that sign nobody in (ws-federation.md 9.2, kerberos-lab.md 2.6): 401 without a token, and the reason in the
//! audit log.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chancery::kerberos::bindings::tls_server_end_point;
use chancery::kerberos::initiator::{Initiator, TokenOptions};

use crate::fault::{WINDOWS, bare, rejected};
use crate::support::{Lab, NodeSetup};
use crate::throwaway::{Account, unicode_password};
use crate::wire::{Reply, Route, host};

#[test]
fn what_is_no_kerberos_token_gets_a_bare_challenge() {
    let good = token(&service(), &TokenOptions { spnego: true, mutual: true, bindings: None });
    let raw = token(&service(), &TokenOptions::default());
    let ntlm = ntlm_offer();
    for (name, token, reason) in [
        ("no base64", "!!!!".into(), "MalformedToken"),
        ("base64 cut off", STANDARD.encode(&good)[..good.len() / 4 * 4 - 1].into(), "MalformedToken"),
        ("garbage", STANDARD.encode([0x5a; 200]), "MalformedToken"),
        ("one octet", STANDARD.encode([0x60]), "MalformedToken"),
        ("truncated SPNEGO", STANDARD.encode(&good[..good.len() / 2]), "MalformedToken"),
        ("SPNEGO and more", STANDARD.encode([&good[..], b"more"].concat()), "MalformedToken"),
        ("truncated Kerberos", STANDARD.encode(&raw[..raw.len() - 1]), "MalformedToken"),
        ("AP-REQ without frame", STANDARD.encode(&raw[17..]), "MalformedToken"),
        ("SPNEGO without token", STANDARD.encode(negotiate(&[KERBEROS], None)), "MalformedToken"),
        (
            "SPNEGO's second leg",
            STANDARD.encode([0xa1, 0x07, 0x30, 0x05, 0xa0, 0x03, 0x0a, 0x01, 0x01]),
            "MalformedToken",
        ),
        ("no mechanism", STANDARD.encode(negotiate(&[], Some(&raw))), "MalformedToken"),
        ("NTLM", STANDARD.encode(NTLM), "NtlmRefused"),
        ("NTLM in SPNEGO", STANDARD.encode(&ntlm), "NtlmRefused"),
        // Kerberos as second choice would need a second leg.
        ("NTLM before Kerberos", STANDARD.encode(negotiate(&[NTLM_MECHANISM, KERBEROS], Some(NTLM))), "NtlmRefused"),
    ] {
        let reply = post(&Route::inside(), &token);
        refused(name, &reply);
        rejected(&reply.audit(), reason);
    }
    for scheme in ["Basic YWxpY2U6QWxpY2UtUHctMQ==", "NTLM TlRMTVNTUAABAAAA", "Bearer x", "Negotiate"] {
        let reply = Route::inside().post(WINDOWS, &[("Authorization", scheme)], bare(WINDOWS).as_bytes());
        refused(scheme, &reply);
        assert_eq!(reply.audit().events(), Vec::<serde_json::Value>::new(), "nobody tried anything: {scheme}");
    }
    assert_eq!(post(&Route::inside(), &STANDARD.encode(&good)).status, 200, "what the cases are made from is good");
}

#[test]
fn ntlm_is_explained_in_one_line() {
    for token in [NTLM.to_vec(), ntlm_offer()] {
        let reply = post(&Route::inside(), &STANDARD.encode(token));
        rejected(&reply.audit(), "NtlmRefused");
        let log = std::fs::read_to_string(Lab::get().config.join("../log/chancery.log")).expect("the server's log");
        let lines: Vec<&str> =
            log.lines().filter(|line| line.contains(&reply.correlation) && line.contains("WARN")).collect();
        assert_eq!(lines.len(), 1, "{lines:#?}");
        for told in [
            "offered NTLM",
            "127.0.0.1",
            &format!("SPN HTTP/{} is missing or duplicate", host()),
            "intranet zone",
            "domain controller",
        ] {
            assert!(lines[0].contains(told), "`{told}` is not in {}", lines[0]);
        }
    }
}

#[test]
fn a_token_is_good_once_however_it_is_wrapped() {
    let raw = token(&service(), &TokenOptions::default());
    let wrapped = negotiate(&[KERBEROS], Some(&raw));
    let wrapped_otherwise = negotiate(&[MICROSOFT_KERBEROS, KERBEROS], Some(&raw));
    assert_eq!(post(&Route::inside(), &STANDARD.encode(&wrapped)).status, 200);
    for (name, again) in [("as it was", &wrapped), ("unwrapped", &raw), ("wrapped otherwise", &wrapped_otherwise)] {
        for path in [WINDOWS, "/adfs/services/trust/2005/windowstransport"] {
            let authorization = format!("Negotiate {}", STANDARD.encode(again));
            let reply = Route::inside().post(path, &[("Authorization", &authorization)], b"");
            refused(name, &reply);
            let event = rejected(&reply.audit(), "Replayed");
            assert_eq!(event["UserId"], format!("alice@{}", Lab::get().realm), "{name}");
        }
    }
}

#[test]
fn a_ticket_for_another_service_is_foreign() {
    let realm = &Lab::get().realm;
    let domain = realm.to_lowercase();
    for service in [
        // The same account and key, another name: what is got there by trickery must not be good here.
        format!("HTTP/adfs.{domain}@{realm}"),
        // Others' keys.
        format!("ldap/dc1.{domain}@{realm}"),
        format!("HOST/ws01.{domain}@{realm}"),
    ] {
        for spnego in [false, true] {
            let token = token(&service, &TokenOptions { spnego, ..TokenOptions::default() });
            let reply = post(&Route::inside(), &STANDARD.encode(token));
            refused(&service, &reply);
            rejected(&reply.audit(), "ForeignTicket");
        }
    }
}

/// By default tickets are good for the names that ask for certificates too, where the keytab has their keys; a list names all.
#[test]
fn names_that_tickets_are_good_for() {
    let (realm, domain) = (&Lab::get().realm, Lab::get().realm.to_lowercase());
    let own = format!("HTTP/{}@{realm}", host());
    let registration = format!("HTTP/enterpriseregistration.{domain}@{realm}");
    let adfs = format!("HTTP/adfs.{domain}@{realm}");
    let listed = NodeSetup::new()
        .replace(
            "[kerberos]",
            &format!("[kerberos]\nservice_principals = [\"HTTP/{}\", \"HTTP/adfs.{domain}\"]", host()),
        )
        .start();
    let (default, listed) = (Route::inside(), Route::inside().to(listed.ip()));
    for (service, by_default, if_listed) in [(&own, 200, 200), (&registration, 200, 401), (&adfs, 401, 200)] {
        for (route, status) in [(&default, by_default), (&listed, if_listed)] {
            let token = token(service, &TokenOptions { spnego: true, ..TokenOptions::default() });
            assert_eq!((service, post(route, &STANDARD.encode(token)).status), (service, status));
        }
    }
}

#[test]
fn bindings_to_another_certificate_are_refused_and_required_where_so_configured() {
    let bound = |file: &str| -> Option<Vec<u8>> {
        let pem = std::fs::read(Path::new(&variable("LAB_TLS")).join(file)).expect("a certificate");
        let der =
            openssl::x509::X509::from_pem(&pem).and_then(|certificate| certificate.to_der()).expect("a certificate");
        Some(tls_server_end_point(&der).expect("bindings"))
    };
    let server = NodeSetup::new().replace("[kerberos]", "[kerberos]\nchannel_binding = \"require\"").start();
    let (allow, require) = (Route::inside(), Route::inside().to(server.ip()));
    for (bindings, spnego, good_if_allowed, good_if_required) in [
        (bound("server.pem"), true, true, true),
        (bound("server.pem"), false, true, true),
        (bound("rp.pem"), true, false, false),
        (bound("rp.pem"), false, false, false),
        (None, true, true, false),
        (None, false, true, false),
    ] {
        for (route, good, directory) in
            [(&allow, good_if_allowed, &Lab::get().config), (&require, good_if_required, &server.directory)]
        {
            let token = token(&service(), &TokenOptions { spnego, mutual: true, bindings: bindings.clone() });
            let reply = post(route, &STANDARD.encode(token));
            if good {
                assert_eq!(reply.status, 200, "{}", reply.body);
            } else {
                refused("bindings", &reply);
                rejected(&reply.audit_in(directory), "ChannelBinding");
            }
        }
    }
}

#[test]
fn tickets_of_an_old_key_and_tickets_without_pac() {
    // A service account and a server of the test's own, for the same service name below another host.
    let account = Account::new("svc");
    let spn = format!("HTTP/{}.{}", account.name, Lab::get().realm.to_lowercase());
    let account = account
        .with(&format!("userAccountControl: 66048\nservicePrincipalName: {spn}\nmsDS-SupportedEncryptionTypes: 24"))
        .create();
    // The keys are made when the password is set: once more, now that the account takes AES only.
    let reset = |password: &str| {
        account.modify(&format!("replace: unicodePwd\nunicodePwd:: {}", unicode_password(password)));
    };
    reset("Service-Key-1");
    let service = format!("{spn}@{}", Lab::get().realm);
    let keytab = Lab::get().scratch(&format!("{}.keytab", account.name));
    let old_number = key_number(&account);
    write_keytab(&keytab, &service, &account, old_number, "Service-Key-1");
    let configured = format!("[kerberos]\nservice_principals = [\"{spn}\"]");
    let old_keytab = format!("keytab = \"{}/sts-all.keytab\"", Lab::get().keytabs.display());
    let server = NodeSetup::new()
        .replace("[kerberos]", &configured)
        .replace(&old_keytab, &format!("keytab = \"{}\"", keytab.display()))
        .start();
    let route = Route::inside().to(server.ip());
    let fresh =
        || Initiator::with_cache(&format!("FILE:{}", Lab::get().kinit("alice", "alice").display())).expect("tickets");
    let token_of =
        |alice: &Initiator| STANDARD.encode(alice.begin(&service, &TokenOptions::default()).expect("a token").0);
    let send = |token: String| post(&route, &token);

    let alice = fresh();
    assert_eq!(send(token_of(&alice)).status, 200, "the ticket is good: {}", server.log());

    // New password, new keytab without the old key: the ticket in the client's cache is of a key we no longer have.
    reset("Service-Key-2");
    write_keytab(&keytab, &service, &account, old_number + 1, "Service-Key-2");
    let reply = send(token_of(&alice));
    refused("old key number", &reply);
    rejected(&reply.audit_in(&server.directory), "ForeignTicket");
    assert!(server.log().contains(&format!("has no key number Some({old_number})")), "{}", server.log());
    assert_eq!(send(token_of(&fresh())).status, 200, "a fresh ticket is good, and no restart was needed");

    // A key of the right number that is another: reset without the number changing, or a forger's.
    write_keytab(&keytab, &service, &account, old_number + 1, "Another-Key");
    let reply = send(token_of(&fresh()));
    refused("wrong key", &reply);
    rejected(&reply.audit_in(&server.directory), "ForeignTicket");
    write_keytab(&keytab, &service, &account, old_number + 1, "Service-Key-2");

    // NO_AUTH_DATA_REQUIRED: the KDC leaves the PAC out.
    account.modify("replace: userAccountControl\nuserAccountControl: 33620480");
    let reply = send(token_of(&fresh()));
    refused("no PAC", &reply);
    rejected(&reply.audit_in(&server.directory), "InvalidPac");
}

/// A fresh token of alice for the lab's server, in base64.
pub fn ticket() -> String {
    STANDARD.encode(token(&service(), &TokenOptions { spnego: true, mutual: true, bindings: None }))
}

/// The same with these options, as octets.
pub fn token_bound(options: &TokenOptions) -> Vec<u8> {
    token(&service(), options)
}

fn token(service: &str, options: &TokenOptions) -> Vec<u8> {
    static CACHE: LazyLock<PathBuf> = LazyLock::new(|| Lab::get().kinit("alice", "alice"));
    let alice = Initiator::with_cache(&format!("FILE:{}", CACHE.display())).expect("tickets of alice");
    let (token, _) = alice.begin(service, options).unwrap_or_else(|error| panic!("{service}: {error}"));
    token
}

fn service() -> String {
    format!("HTTP/{}@{}", host(), Lab::get().realm)
}

fn post(route: &Route, token: &str) -> Reply {
    route.post(WINDOWS, &[("Authorization", &format!("Negotiate {token}"))], bare(WINDOWS).as_bytes())
}

/// 401 with a bare challenge: a token in it would lead the client into a second leg.
fn refused(name: &str, reply: &Reply) {
    let challenges: Vec<&str> =
        reply.headers.iter().filter(|(name, _)| name == "www-authenticate").map(|(_, value)| &**value).collect();
    assert_eq!((name, reply.status, challenges, &*reply.body), (name, 401, vec!["Negotiate"], ""));
}

/// `NegTokenInit` with these mechanisms (RFC 4178 4.2.1).
fn negotiate(mechanisms: &[&[u8]], token: Option<&[u8]>) -> Vec<u8> {
    let list: Vec<u8> = mechanisms.iter().flat_map(|oid| der(0x06, oid)).collect();
    let mut content = der(0xa0, &der(0x30, &list));
    if let Some(token) = token {
        content.extend(der(0xa2, &der(0x04, token)));
    }
    der(0x60, &[der(0x06, SPNEGO), der(0xa0, &der(0x30, &content))].concat())
}

fn ntlm_offer() -> Vec<u8> {
    negotiate(&[NTLM_MECHANISM], Some(NTLM))
}

fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let mut octets = vec![tag];
    match u8::try_from(length) {
        Ok(short @ ..0x80) => octets.push(short),
        _ => {
            octets.extend([0x82, u8::try_from(length >> 8).expect("fits"), u8::try_from(length & 0xff).expect("fits")]);
        }
    }
    octets.extend(content);
    octets
}

/// The number of a service's present key, as the domain says.
fn key_number(account: &Account) -> u32 {
    account.attribute("msDS-KeyVersionNumber").and_then(|number| number.parse().ok()).expect("a key number")
}

/// A keytab with one key, made of the password as the domain makes it.
fn write_keytab(path: &Path, principal: &str, account: &Account, number: u32, password: &str) {
    let new = path.with_extension("new");
    let _ = std::fs::remove_file(&new);
    let salt = format!("{}{}", Lab::get().realm, account.name);
    let mut child = Command::new("ktutil").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().expect("ktutil starts");
    let input = format!(
        "addent -password -p {principal} -k {number} -e aes256-cts-hmac-sha1-96 -s {salt}\n{password}\nwkt {}\nquit\n",
        new.display()
    );
    child.stdin.take().expect("a pipe").write_all(input.as_bytes()).expect("ktutil reads");
    assert!(child.wait().expect("ktutil ends").success());
    std::fs::rename(&new, path).expect("ktutil wrote a keytab");
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run by tests/lab/run"))
}

/// 1.3.6.1.5.5.2
const SPNEGO: &[u8] = &[0x2b, 6, 1, 5, 5, 2];
/// 1.2.840.113554.1.2.2
const KERBEROS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 1, 2, 2];
/// 1.2.840.48018.1.2.2
const MICROSOFT_KERBEROS: &[u8] = &[0x2a, 0x86, 0x48, 0x82, 0xf7, 0x12, 1, 2, 2];
/// 1.3.6.1.4.1.311.2.2.10
const NTLM_MECHANISM: &[u8] = &[0x2b, 6, 1, 4, 1, 0x82, 0x37, 2, 2, 10];
/// A type 1 message.
const NTLM: &[u8] = b"NTLMSSP\0\x01\0\0\0\x07\x82\x08\xa2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x0a\0\x63\x45\0\0\0\x0f";
