//! What is fuzzed: everything that reads octets of a stranger, each as one plain function that must return.
//!
//! The same functions replay the corpora in `make test` (`tests/corpora.rs` includes this file). They hold more than
//! "does not crash": what is read is read again from its own output where there is one, and every error can be shown.

mod claims;
mod devices;
mod partners;
mod prt;

use std::path::Path;
use std::sync::{Arc, LazyLock};

use chancery::authn::certificate::CertificateIdentity;
use chancery::authn::home_realm::Answer;
use chancery::authn::{Hints, discover};
use chancery::claims::RuleSet;
use chancery::clock::{ManualClock, SystemRandomSource, UtcTime};
use chancery::config::Config;
use chancery::kerberos::keytab::Keytab;
use chancery::kerberos::pac;
use chancery::kerberos::screen::{Screened, screen};
use chancery::protocols::browser::HomeRealmParameters;
use chancery::protocols::browser::parameters::{Parameters, edit};
use chancery::protocols::trust_endpoint::TrustEndpoint;
use chancery::protocols::wstrust;
use chancery::secret::Secret;
use chancery::tokens::sealed::{SealPurpose, Sealer};
use chancery::trusts::partner_metadata::Binding;
use chancery::trusts::{
    Candidates, ClaimsProvider, ClaimsProviderId, ClaimsProviders, FederationProtocol, RelyingParty, Trusts,
};
use chancery::xml::verify::{Policy, SignedElement, VerificationKeys, verify_enveloped, verify_security_header};
use chancery::xml::{self, Document};

/// Takes any octets, and returns.
pub type Target = fn(&[u8]);

/// All targets by name; each has a folder of seeds, `fuzz/corpus/<name>`.
pub const TARGETS: [(&str, Target); 21] = [
    ("certificate_request", devices::certificate_request),
    ("certificates", certificates),
    ("claim_evaluation", claims::claim_evaluation),
    ("claim_regex", claims::claim_regex),
    ("claim_rules", claims::claim_rules),
    ("configuration", configuration),
    ("device_messages", devices::device_messages),
    ("home_realm", home_realm),
    ("key_blob", devices::key_blob),
    ("keytab", keytab),
    ("pac", decode_pac),
    ("partner_metadata", partners::partner_metadata),
    ("prt_request", prt::prt_request),
    ("rst", rst),
    ("saml_redirect", partners::saml_redirect),
    ("saml_response", partners::saml_response),
    ("sealed", sealed),
    ("security_descriptor", devices::security_descriptor),
    ("spnego_screen", spnego_screen),
    ("xml_reader", xml_reader),
    ("xml_verify", xml_verify),
];

/// A `RequestSecurityToken` message at every WS-Trust endpoint.
pub fn rst(input: &[u8]) {
    for endpoint in TrustEndpoint::ALL {
        let mut message_id = None;
        match wstrust::decode(input, endpoint, &xml::Limits::SOAP, &mut message_id) {
            Ok(request) => assert!(!request.applies_to.is_empty() && request.applies_to.len() <= 2048),
            Err(error) => drop(error.to_string()),
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

/// The names in a client certificate.
pub fn certificates(input: &[u8]) {
    match CertificateIdentity::unverified(input) {
        Ok(identity) => assert!(identity.thumbprint.len() == 40),
        Err(error) => drop(error.to_string()),
    }
}

/// The configuration file, or the file of a trust.
pub fn configuration(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    match Config::from_toml(text) {
        Ok(_) => {}
        Err(report) => drop(format!("{report:?}")),
    }
    match RelyingParty::from_toml(text, Path::new("trusts"), NOW) {
        Ok(party) => assert!(!party.identifiers.is_empty()),
        Err(report) => drop(format!("{report:?}")),
    }
    match ClaimsProvider::from_toml(text, Path::new("trusts"), NOW) {
        Ok(provider) => assert!(provider.sign_in_url.starts_with("https://")),
        Err(report) => drop(format!("{report:?}")),
    }
}

/// The query of a passive request, and where its user signs in: at a claims provider there is, and on no page where nobody sees
/// one. What the person chooses stands in the edited query once.
pub fn home_realm(input: &[u8]) {
    static TRUSTS: LazyLock<Trusts> = LazyLock::new(|| {
        let provider = |name: &str| {
            Arc::new(ClaimsProvider {
                id: ClaimsProviderId::new(format!("urn:{name}")),
                name: name.to_owned(),
                enabled: true,
                protocol: FederationProtocol::WsFederation,
                openid: None,
                sign_in_url: format!("https://{name}.example/"),
                sign_in_binding: Binding::Redirect,
                sign_out: None,
                signing_certificates: Vec::new(),
                sha1_signatures: false,
                cbc_encryption: false,
                account_suffixes: vec![format!("{name}.example").parse().expect("a name")],
                acceptance: RuleSet::parse("").expect("no rules"),
                file: None,
            })
        };
        Trusts::new(Vec::new()).with_claims_providers(vec![provider("a"), provider("b")])
    });
    let Ok(parameters) = Parameters::parse(input) else { return };
    if let Ok(query) = std::str::from_utf8(input) {
        let name = "RedirectToIdentityProvider";
        let edited = edit(query, &[name], &[(name, "urn:a")]);
        if let Ok(edited) = Parameters::parse(edited.as_bytes()) {
            assert_eq!(edited.get(name), Ok(Some("urn:a")));
        }
    }
    let Ok(read) = HomeRealmParameters::read(&parameters) else { return };
    for listed in [ClaimsProviders::All, ClaimsProviders::Listed(vec![String::from("urn:a"), String::from("urn:b")])] {
        let candidates = Candidates::new(&TRUSTS, &listed);
        let found = discover(
            candidates,
            &Hints {
                wants_to_choose: read.wants_to_choose,
                chosen: read.chosen.as_deref(),
                home_realm: read.home_realm.as_deref(),
                domain_hint: read.domain_hint.as_deref(),
                user_name: read.user_name.as_deref(),
                login_hint: read.login_hint.as_deref(),
                remembered: read.search.as_deref(),
                local_inside: false,
                silent: read.passive,
            },
        );
        match found.answer {
            Answer::Home(home) => assert!(candidates.find(home.identifier()).is_some()),
            Answer::Page => assert!(!read.passive),
            Answer::Nowhere => assert!(read.passive && !candidates.has_active_directory()),
        }
        drop(found.to_string());
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

/// An own envelope that came back from outside, and one of our own around the text, changed where the text says. The key is
/// known to nobody else, so nothing else may open.
pub fn sealed(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let purpose = SealPurpose::new("fuzz");
    match SEALER.open::<String>(purpose, text) {
        Ok(_) => panic!("a forgery opened"),
        Err(error) => drop(error.to_string()),
    }
    let Ok(mut own) = SEALER.seal(purpose, text, EXPIRY) else { return };
    assert_eq!(SEALER.open::<String>(purpose, &own).expect("an own envelope opens").value, text);
    let [place, change, ..] = input else { return };
    let at = own.len() * usize::from(*place) / 256;
    let with = char::from(b' ' + change % 95);
    let same = own.get(at..=at).is_some_and(|octet| octet.starts_with(with));
    own.replace_range(at..=at, with.encode_utf8(&mut [0; 4]));
    assert_eq!(SEALER.open::<String>(purpose, &own).is_ok(), same, "{own}");
}

const NOW: UtcTime = UtcTime::from_unix_seconds(1_767_607_201);
const EXPIRY: UtcTime = UtcTime::from_unix_seconds(1_767_607_501);

static SEALER: LazyLock<Sealer> = LazyLock::new(|| {
    let clock = Arc::new(ManualClock::at(NOW));
    Sealer::new(&Secret::new([0x5a; 32]), clock, Arc::new(SystemRandomSource::new()), 16 << 10)
});

/// Of the throw-away key that signed the seeds of `xml_verify`.
const CERTIFICATE: &[u8] = include_bytes!("../xml_verify.der");
