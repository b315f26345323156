//! Replays the fuzz corpora through the fuzz targets' own functions, as plain tests: what was found once stays found.

#[path = "../fuzz/src/lib.rs"]
#[allow(clippy::expect_used, clippy::panic, clippy::missing_panics_doc, unreachable_pub)]
mod targets;

use std::path::Path;

#[test]
fn every_seed_of_every_target_returns() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    for (name, target) in targets::TARGETS {
        let seeds: Vec<_> = std::fs::read_dir(corpus.join(name))
            .unwrap_or_else(|error| panic!("{name}: {error}"))
            .map(|seed| seed.unwrap().path())
            .collect();
        assert!(seeds.len() >= 2, "{name} has too few seeds");
        for seed in seeds {
            let octets = std::fs::read(&seed).unwrap();
            target(&octets);
            // Cut anywhere, and with one octet changed, it returns as well.
            for end in (0..octets.len()).step_by((octets.len() / 16).max(1)) {
                target(&octets[..end]);
                let mut changed = octets.clone();
                changed[end] ^= 0x55;
                target(&changed);
            }
        }
    }
}

#[test]
fn the_folders_are_those_of_the_targets() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    let mut folders: Vec<_> =
        std::fs::read_dir(corpus).unwrap().map(|folder| folder.unwrap().file_name().into_string().unwrap()).collect();
    folders.sort();
    assert_eq!(folders, targets::TARGETS.map(|(name, _)| name.to_owned()));
}

#[test]
fn seeds_that_are_good_are_read() {
    use chancery::authn::certificate::CertificateIdentity;
    use chancery::kerberos::keytab::Keytab;
    use chancery::kerberos::screen::{Screened, screen};
    use chancery::xml::verify::{Policy, SignedElement, VerificationKeys, verify_enveloped};

    let seed =
        |name: &str| std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(name)).unwrap();
    assert!(matches!(screen(&seed("spnego_screen/ws01")), Screened::Kerberos(_)));
    assert!(matches!(screen(&seed("spnego_screen/ntlm")), Screened::Ntlm(_)));
    assert_eq!(Keytab::parse(&seed("keytab/two_keys")).unwrap().entries().len(), 2);
    assert_eq!(
        CertificateIdentity::unverified(&seed("certificates/alice")).unwrap().upn.as_deref(),
        Some("alice@corp.example")
    );
    chancery::kerberos::pac::decode(&seed("pac/alice")).unwrap();
    chancery::config::Config::from_toml(std::str::from_utf8(&seed("configuration/complete")).unwrap()).unwrap();
    let certificate = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/xml_verify.der")).unwrap();
    let keys = VerificationKeys::from_certificates([certificate.as_slice()]).unwrap();
    for (name, element) in [("metadata", SignedElement::METADATA), ("assertion", SignedElement::SAML11_ASSERTION)] {
        verify_enveloped(&seed(&format!("xml_verify/{name}")), &element, &keys, &Policy::STRICT).unwrap();
    }
}

#[test]
fn good_messages_of_a_partner_are_read() {
    use chancery::clock::UtcTime;
    use chancery::protocols::samlp::{logout, response};
    use chancery::protocols::wresult;
    use chancery::tokens::inbound::{Delivery, Partner, Profile};
    use chancery::trusts::partner_metadata::{Side, Signed, Wanted, read};
    use chancery::xml::verify::VerificationKeys;

    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let seed = |name: &str| std::fs::read(fuzz.join("corpus").join(name)).unwrap();
    let certificate = std::fs::read(fuzz.join("partner.der")).unwrap();
    let keys = VerificationKeys::from_certificates([certificate.as_slice()]).unwrap();
    let partner = Partner {
        identifier: "https://idp.partner.example/saml",
        keys: &keys,
        audiences: &["http://sts.corp.example/adfs/services/trust"],
        decryption_keys: &[],
        sha1: false,
        unvouched_cbc: false,
    };
    let sso = Delivery {
        recipient: "https://sts.corp.example/adfs/ls/",
        in_response_to: Some("_request"),
        profile: Profile::WebSso,
        now: UtcTime::from_unix_seconds(1_767_607_201),
        skew: std::time::Duration::from_mins(5),
    };
    for name in ["response", "response_twice"] {
        assert!(response::receive(&seed(&format!("saml_response/{name}")), &partner, &sso).is_ok(), "{name}");
    }
    let passive = Delivery { in_response_to: None, profile: Profile::Passive, ..sso };
    let text = |name: &str| String::from_utf8(seed(name)).unwrap();
    assert!(wresult::receive(&text("saml_response/result"), &partner, &passive).is_ok());
    logout::receive_query(&text("saml_redirect/response"), &partner, &sso).unwrap();
    let wanted = Wanted { side: Side::ClaimsProvider, entity_id: None, signed_by: Some(&keys), now: sso.now };
    assert_eq!(read(&seed("partner_metadata/signed"), &wanted).unwrap().signed, Signed::Verified);
}
