//! Any claims make a token that verifies, reads as it was meant, and is its own canonical form.

use bergshamra::c14n::{C14nMode, canonicalize};
use proptest::prelude::*;

use super::content::AssertionContent;
use super::{AssertionVersion, SignatureAlgorithm, TokenError, saml2, saml11, samples};
use crate::claims::types::value_type;
use crate::claims::{Claim, ClaimSet};
use crate::xml::verify::{Policy, SignedElement, VerificationKeys, verify_enveloped};

/// Text with the characters that break markup made likely, and once in a while one that XML does not allow.
fn text() -> impl Strategy<Value = String> {
    let special =
        proptest::sample::select(vec!['<', '>', '&', '"', '\'', '\t', '\n', '\r', ' ', 'ä', '漢', '\u{1F600}']);
    let characters = prop_oneof![20 => special, 20 => any::<char>(), 1 => Just('\u{FFFE}')];
    proptest::collection::vec(characters, 0..16).prop_map(String::from_iter)
}

fn claims() -> impl Strategy<Value = ClaimSet> {
    let types = proptest::sample::select(vec!["urn:a/one", "urn:a/two", "http://x.example/?a=1&b=<2>/three"]);
    let value_types = proptest::sample::select(vec![value_type::STRING, value_type::BOOLEAN, "urn:a&b#t"]);
    let issuers = proptest::sample::select(vec!["AD AUTHORITY", "CLIENT CONTEXT", "urn:partner:<idp>"]);
    let claim = (types, text(), value_types, issuers)
        .prop_map(|(kind, value, value_type, issuer)| Claim::new(kind, value, issuer).with_value_type(value_type));
    proptest::collection::vec(claim, 1..8).prop_map(ClaimSet::from)
}

fn sign(content: &AssertionContent, token_type: AssertionVersion) -> Result<Vec<u8>, TokenError> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        match token_type {
            AssertionVersion::Saml11 => {
                saml11::write_signed(content, samples::key(), SignatureAlgorithm::RsaSha256).await
            }
            AssertionVersion::Saml2 => {
                saml2::write_signed(content, samples::key(), SignatureAlgorithm::RsaSha256).await
            }
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_claims_make_a_sound_token(claims in claims(), audience in text(), saml2 in any::<bool>()) {
        let (token_type, element) = if saml2 {
            (AssertionVersion::Saml2, SignedElement::SAML2_ASSERTION)
        } else {
            (AssertionVersion::Saml11, SignedElement::SAML11_ASSERTION)
        };
        let mut content = AssertionContent::from_claims(samples::frame(), &claims).unwrap();
        content.audience = audience.as_str().into();
        let legal = claims.iter().all(|claim| crate::xml::is_text(&claim.value)) && crate::xml::is_text(&audience);
        let token = match sign(&content, token_type) {
            Ok(token) => token,
            Err(TokenError::IllegalCharacter { .. } | TokenError::Write(_)) => {
                prop_assert!(!legal);
                return Ok(());
            }
            Err(other) => panic!("{other}"),
        };
        prop_assert!(legal);

        let emitted = std::str::from_utf8(&token).unwrap();
        let canonical = canonicalize::<&str>(emitted, C14nMode::Exclusive, None, &[]).unwrap();
        // The one declaration that only a value needs is for readers; canonical XML does without.
        let digested = emitted
            .replace(" xmlns:tn=\"http://www.w3.org/2001/XMLSchema\"", "")
            .replace(" xmlns:tn=\"urn:a&amp;b\"", "");
        prop_assert_eq!(std::str::from_utf8(&canonical).unwrap(), digested);

        let keys = VerificationKeys::from_certificates([&samples::key().certificate[..]]).unwrap();
        let verified = verify_enveloped(&token, &element, &keys, &Policy::STRICT).unwrap();
        let document = verified.document().unwrap();
        let texts = |local: &str| -> Vec<String> {
            document.elements().filter(|e| e.local() == local).map(|e| e.text().unwrap().to_owned()).collect()
        };
        prop_assert_eq!(texts("Audience"), [audience]);
        let meant: Vec<&str> = content.attributes.iter().flat_map(|a| a.values.iter().map(|value| &**value)).collect();
        prop_assert_eq!(texts("AttributeValue"), meant);
    }
}
