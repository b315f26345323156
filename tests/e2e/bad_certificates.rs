//! Client certificates that sign nobody in: by TLS, at the endpoint of February 2005.

use crate::fault::{Fault, bare_2005, rejected};
use crate::throwaway::Account;
use crate::wire::{Reply, Route, host};

const PATH: &str = "/adfs/services/trust/2005/certificatetransport";

#[test]
fn each_bad_certificate_has_its_reason_in_the_log_and_one_answer() {
    let mut answers = Vec::new();
    for (certificate, reason) in [
        // An authority with the very same name and another key.
        ("alice-unknown-ca", "CertificateUntrusted"),
        ("alice-server-only", "CertificateUntrusted"),
        ("alice-expired", "CertificateTime"),
        ("alice-future", "CertificateTime"),
        ("alice-revoked", "CertificateRevoked"),
        ("alice-foreign-sid", "CertificateUnmapped"),
        ("bob-weak-subject", "CertificateUnmapped"),
        ("bob-weak-mail", "CertificateUnmapped"),
        // Named by UPN alone, and issued before the accounts were made.
        ("alice", "CertificateUnmapped"),
        ("unknown", "CertificateUnmapped"),
        ("disabled", "CertificateUnmapped"),
    ] {
        let reply = present(certificate);
        assert_eq!((certificate, reply.status), (certificate, 500), "{}", reply.body);
        assert_eq!((certificate, Fault::of(&reply)), (certificate, Fault::failed_authentication()));
        let event = rejected(&reply.audit(), reason);
        assert_eq!(event["FailureType"], "CredentialValidationError", "{certificate}");
        answers.push(reply.without_ids_and_times());
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "an answer tells what is wrong: {answers:#?}");
    for good in ["alice-sid", "bob-issuer-serial", "bob-ski", "bob-sha1-pukey"] {
        let reply = present(good);
        assert_eq!((good, reply.status), (good, 200), "{}", reply.body);
    }
}

#[test]
fn a_good_certificate_of_an_account_that_is_off_opens_nothing() {
    let file = std::path::Path::new(&std::env::var("LAB_CLIENTS").expect("LAB_CLIENTS")).join("disabled.pem");
    let pem = std::fs::read(file).expect("a certificate");
    let certificate = openssl::x509::X509::from_pem(&pem).expect("a certificate");
    let key = certificate.public_key().and_then(|key| key.rsa()).and_then(|key| key.public_key_to_der_pkcs1());
    let digest =
        openssl::hash::hash(openssl::hash::MessageDigest::sha1(), &key.expect("an RSA key")).expect("a digest");
    let mapping = format!("altSecurityIdentities: X509:<SHA1-PUKEY>{}", hex::encode(digest));
    for (state, reason) in [
        ("userAccountControl: 514", "AccountDisabled"),
        ("userAccountControl: 512\naccountExpires: 116444736000000000", "AccountExpired"),
    ] {
        let account = Account::new("cert").with(&format!("{state}\n{mapping}")).create();
        let reply = present("disabled");
        // Two accounts with one certificate would be another matter.
        account.delete();
        assert_eq!(Fault::of(&reply), Fault::failed_authentication());
        rejected(&reply.audit(), reason);
    }
    // One that was good a moment ago, and whose attributes are remembered.
    let account = Account::new("cert").with(&format!("userAccountControl: 512\n{mapping}")).create();
    let good = present("disabled").status;
    account.modify("replace: userAccountControl\nuserAccountControl: 514");
    let disabled = present("disabled");
    account.modify("replace: userAccountControl\nuserAccountControl: 512");
    let again = present("disabled").status;
    account.delete();
    assert_eq!((good, again), (200, 200));
    assert_eq!(Fault::of(&disabled), Fault::failed_authentication());
    rejected(&disabled.audit(), "AccountDisabled");
}

#[test]
fn without_a_certificate_there_is_nothing_to_answer() {
    let reply = Route::inside().post(PATH, &[], bare_2005(PATH).as_bytes());
    assert_eq!((reply.status, &*reply.body), (403, ""));
    // A certificate sent where none was asked for is not looked at.
    let main_name = Route { certificate: Some("alice-sid".into()), ..Route::inside() };
    assert_eq!(main_name.post(PATH, &[], bare_2005(PATH).as_bytes()).status, 403);
    let by_name =
        Route { certificate: Some("alice-sid".into()), ..Route::inside().named(&format!("certauth.{}", host())) };
    assert_eq!(by_name.post(PATH, &[], bare_2005(PATH).as_bytes()).status, 200);
}

#[test]
fn certificates_in_headers_are_nobodys() {
    let clients = std::env::var("LAB_CLIENTS").expect("LAB_CLIENTS");
    let pem = std::fs::read_to_string(std::path::Path::new(&clients).join("alice.pem")).expect("a certificate");
    let base64: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    for name in ["X-SSL-Client-Cert", "X-Client-Cert", "X-ARR-ClientCert", "Client-Cert", "ssl-client-cert"] {
        let reply = Route::inside().post(PATH, &[(name, &base64)], bare_2005(PATH).as_bytes());
        assert_eq!((name, reply.status), (name, 403));
    }
}

fn present(certificate: &str) -> Reply {
    Route::inside().certificate(certificate).post(PATH, &[], bare_2005(PATH).as_bytes())
}
