//! What is fuzzed: everything that reads octets of a stranger, each as one plain function that must return.
//!
//! The same functions replay the corpora in `make test` (`tests/corpora.rs` includes this file). They hold more than
//! "does not crash": what is read is read again from its own output where there is one, and every error can be shown.

use std::sync::{Arc, LazyLock};

use chancery::authn::certificate::CertificateIdentity;
use chancery::claims::language::{ParseOptions, parse, print_rules};
use chancery::claims::{Claim, ClaimSet, Limits, NoTrace, QueryContext, RequestStores, RuleSet, StoreSet, types};
use chancery::clock::{ManualClock, SystemRandomSource, UtcTime};
use chancery::config::Config;
use chancery::kerberos::keytab::Keytab;
use chancery::kerberos::pac;
use chancery::kerberos::screen::{Screened, screen};
use chancery::protocols::trust_endpoint::{Credential, TrustEndpoint, Version};
use chancery::protocols::wstrust;
use chancery::secret::Secret;
use chancery::tokens::sealed::{SealPurpose, Sealer};
use chancery::xml::verify::{Policy, SignedElement, VerificationKeys, verify_enveloped, verify_security_header};
use chancery::xml::{self, Document};

/// Takes any octets, and returns.
pub type Target = fn(&[u8]);

/// All targets by name; each has a folder of seeds, `fuzz/corpus/<name>`.
pub const TARGETS: [(&str, Target); 10] = [
    ("certificates", certificates),
    ("claim_rules", claim_rules),
    ("configuration", configuration),
    ("keytab", keytab),
    ("pac", decode_pac),
    ("rst", rst),
    ("sealed", sealed),
    ("spnego_screen", spnego_screen),
    ("xml_reader", xml_reader),
    ("xml_verify", xml_verify),
];

/// A `RequestSecurityToken` message at every WS-Trust endpoint.
pub fn rst(input: &[u8]) {
    for version in Version::ALL {
        for credential in [Credential::WindowsTransport, Credential::UsernameMixed] {
            let endpoint = TrustEndpoint { version, credential };
            let mut message_id = None;
            match wstrust::decode(input, endpoint, &xml::Limits::SOAP, &mut message_id) {
                Ok(request) => assert!(!request.applies_to.is_empty() && request.applies_to.len() <= 2048),
                Err(error) => drop(error.to_string()),
            }
        }
    }
}

/// The token of an `Authorization: Negotiate` header, before GSSAPI sees it.
pub fn spnego_screen(input: &[u8]) {
    match screen(input) {
        Screened::Kerberos(token) => {
            assert!(!token.ap_req.authenticator().is_empty());
            drop(token.ap_req.service_principal());
            // The Kerberos part is a Kerberos token of its own.
            assert!(matches!(screen(token.kerberos), Screened::Kerberos(_)));
        }
        Screened::Ntlm(_) => {}
        Screened::Malformed(reason) => drop(reason.to_string()),
    }
}

/// A PAC, as GSSAPI hands it out.
pub fn decode_pac(input: &[u8]) {
    match pac::decode(input) {
        Ok(pac) => assert!(pac.user_sid.parent().is_some()),
        Err(error) => drop(error.to_string()),
    }
}

/// A rule set of an administrator: read, printed, read again to the same, and run.
pub fn claim_rules(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let rules = match parse(text, ParseOptions::default()) {
        Ok((rules, _)) => rules,
        Err(error) => return drop(error.to_string()),
    };
    let printed = print_rules(&rules);
    match parse(&printed, ParseOptions::default()) {
        Ok((again, _)) => assert_eq!(printed, print_rules(&again), "printing is not stable"),
        Err(error) => panic!("what was printed cannot be read: {error}\n{printed}"),
    }
    let Ok(rules) = RuleSet::parse(text) else { return };
    let stores = StoreSet::new();
    let limits = Limits { work: 100_000, ..Limits::default() };
    let outcome = now(rules.run(&CLAIMS, &RequestStores::new(&stores, QueryContext::default()), &limits, &mut NoTrace));
    if let Err(error) = outcome {
        drop(error.to_string());
    }
}

/// The names in a client certificate.
pub fn certificates(input: &[u8]) {
    match CertificateIdentity::unverified(input) {
        Ok(identity) => assert!(identity.thumbprint.len() == 40),
        Err(error) => drop(error.to_string()),
    }
}

/// The configuration file.
pub fn configuration(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    match Config::from_toml(text) {
        Ok(_) => {}
        Err(report) => drop(format!("{report:?}")),
    }
}

/// A keytab file.
pub fn keytab(input: &[u8]) {
    match Keytab::parse(input) {
        Ok(keytab) => keytab.entries().iter().for_each(|entry| drop((entry.principal(), entry.etype_name()))),
        Err(error) => drop(error.to_string()),
    }
}

/// Any XML, by the reader for unsigned input.
pub fn xml_reader(input: &[u8]) {
    for limits in [xml::Limits::SOAP, xml::Limits::SIGNED] {
        match Document::parse(input, &limits) {
            Ok(document) => {
                for element in document.elements() {
                    assert!(element.span().end <= input.len());
                    drop((element.attributes().count(), element.text().map(str::len)));
                }
            }
            Err(error) => drop(error.to_string()),
        }
    }
}

/// Signed XML. No key of ours signed it, so nothing may verify.
pub fn xml_verify(input: &[u8]) {
    let keys = VerificationKeys::from_certificates([CERTIFICATE]).expect("a good certificate");
    for element in [
        SignedElement::SAML11_ASSERTION,
        SignedElement::SAML2_ASSERTION,
        SignedElement::METADATA,
        SignedElement::RESPONSE_ASSERTION,
    ] {
        match verify_enveloped(input, &element, &keys, &Policy::LEGACY) {
            // The seeds of this target are signed by the key whose certificate this is.
            Ok(verified) => drop(verified.document().expect("verified octets are readable")),
            Err(error) => drop(error.to_string()),
        }
    }
    match verify_security_header(input, &Policy::LEGACY, &|_| None) {
        Ok(message) => drop(message.timestamp.document().expect("verified octets are readable")),
        Err(error) => drop(error.to_string()),
    }
}

/// An own envelope that came back from outside. The key is known to nobody, so nothing may open.
pub fn sealed(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let opened = SEALER.open::<String>(SealPurpose::new("fuzz"), text);
    assert!(opened.is_err(), "a forgery opened");
    if let Err(error) = opened {
        drop(error.to_string());
    }
}

/// The result of a future that never waits: there is no store to ask.
fn now<F: Future>(future: F) -> F::Output {
    let mut future = std::pin::pin!(future);
    match future.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop())) {
        std::task::Poll::Ready(output) => output,
        std::task::Poll::Pending => panic!("the rules waited"),
    }
}

static CLAIMS: LazyLock<ClaimSet> = LazyLock::new(|| {
    let claim = |claim_type: &str, value: &str| Claim::new(claim_type, value, types::issuer::AD_AUTHORITY);
    ClaimSet::from_iter([
        claim(types::WINDOWS_ACCOUNT_NAME, "CORP\\alice"),
        claim(types::PRIMARY_SID, "S-1-5-21-1004336348-1177238915-682003330-1107"),
        claim(types::UPN, "alice@corp.example"),
        claim(types::GROUP_SID, "S-1-5-21-1004336348-1177238915-682003330-513"),
        claim(types::GROUP_SID, "S-1-5-21-1004336348-1177238915-682003330-515"),
        claim(types::INSIDE_CORPORATE_NETWORK, "true"),
    ])
});

static SEALER: LazyLock<Sealer> = LazyLock::new(|| {
    let clock = Arc::new(ManualClock::at(UtcTime::from_unix_seconds(1_767_607_201)));
    Sealer::new(&Secret::new([0x5a; 32]), clock, Arc::new(SystemRandomSource::new()), 16 << 10)
});

/// Of the throw-away key that signed the seeds of `xml_verify`.
const CERTIFICATE: &[u8] = include_bytes!("../xml_verify.der");
