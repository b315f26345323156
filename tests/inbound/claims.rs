//! From an assertion to accepted claims.

use std::sync::Arc;

use chancery::claims::types::{self, issuer, property, value_type};
use chancery::claims::{ClaimSet, Limits, NoTrace, QueryContext, RequestStores, RuleSet, StoreSet};
use chancery::clock::ManualClock;
use chancery::store::MemoryOneTime;
use chancery::tokens::inbound::{InboundAssertion, Unredeemed};

use super::support::*;

async fn redeemed(assertion: Unredeemed) -> InboundAssertion {
    assertion.redeem(&MemoryOneTime::new(Arc::new(ManualClock::at(NOW)), 1)).await.unwrap()
}

async fn accept(rules: &str, input: &ClaimSet) -> ClaimSet {
    let rules = RuleSet::parse(rules).unwrap();
    let stores = StoreSet::new();
    let stores = RequestStores::new(&stores, QueryContext::default());
    rules.run(input, &stores, &Limits::default(), &mut NoTrace).await.unwrap()
}

#[tokio::test]
async fn every_claim_is_stated_by_the_partner_and_nobody_else() {
    let saml2 = redeemed(receive(&signed_response()).unwrap()).await.to_claims();
    let saml11 = redeemed(receive_result(&signed_rstr()).unwrap()).await.to_claims();
    for claims in [&saml2, &saml11] {
        assert!(claims.iter().all(|claim| &*claim.issuer == PARTNER && &*claim.original_issuer == PARTNER));
    }
    let name = saml2.of_type(types::NAME_IDENTIFIER).next().unwrap();
    assert_eq!(&*name.value, "alice@partner.example");
    assert_eq!(
        &**name.properties.get(property::FORMAT).unwrap(),
        "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
    );
    assert_eq!(
        (
            &**name.properties.get(property::NAME_QUALIFIER).unwrap(),
            &**name.properties.get(property::SP_NAME_QUALIFIER).unwrap()
        ),
        (PARTNER, US)
    );
    let mail = saml2.of_type("urn:oid:0.9.2342.19200300.100.1.3").next().unwrap();
    assert_eq!(&**mail.properties.get(property::DISPLAY_NAME).unwrap(), "mail");
    assert_eq!(
        &**mail.properties.get(property::ATTRIBUTE_NAME).unwrap(),
        "urn:oasis:names:tc:SAML:2.0:attrname-format:uri"
    );
    let roles = "http://schemas.microsoft.com/ws/2008/06/identity/claims/role";
    assert_eq!(saml2.of_type(roles).map(|claim| &*claim.value).collect::<Vec<_>>(), ["one", "two & three"]);
    assert_eq!(&*saml2.of_type("urn:partner:staff").next().unwrap().value_type, value_type::BOOLEAN);
    let instant = saml2.of_type(types::AUTHENTICATION_INSTANT).next().unwrap();
    assert_eq!((&*instant.value, &*instant.value_type), ("2026-01-05T09:58:00.000Z", value_type::DATE_TIME));
    assert!(saml11.contains(types::UPN, "alice@partner.example"));
    assert!(saml11.contains("http://schemas.xmlsoap.org/claims/Group", "B"));
    assert!(saml11.contains(types::AUTHENTICATION_METHOD, "urn:federation:authentication:windows"));
}

#[tokio::test]
async fn acceptance_rules_say_what_passes() {
    let claims = redeemed(receive_result(&signed_rstr()).unwrap()).await.to_claims();
    let by_suffix = format!(
        "c:[Type == \"{}\", Value =~ \"@partner\\.example$\", Issuer == \"{PARTNER}\"] => issue(claim = c);",
        types::UPN
    );
    assert_eq!(accept(&by_suffix, &claims).await.len(), 1);
    assert!(accept("", &claims).await.is_empty(), "nothing passes without a rule");
    // The assertion says that our directory stated the groups. Rules that believe the directory see no such claim.
    for name in [issuer::AD_AUTHORITY, issuer::LOCAL_AUTHORITY, issuer::SELF_AUTHORITY] {
        for field in ["Issuer", "OriginalIssuer"] {
            let rules = format!("c:[{field} == \"{name}\"] => issue(claim = c);");
            assert!(accept(&rules, &claims).await.is_empty(), "{field} {name}");
        }
    }
}

#[tokio::test]
async fn values_without_text_make_no_claim_and_are_named() {
    let nil = "<saml:AttributeValue xsi:nil=\"true\"/>";
    let nested = "<saml:AttributeValue><saml:NameID>alice</saml:NameID></saml:AttributeValue>";
    let message =
        edit(&unsigned_response(), "<saml:AttributeValue>one<", &format!("{nil}{nested}<saml:AttributeValue>one<"));
    let assertion = redeemed(receive(&sign(&message)).unwrap()).await;
    let roles = "http://schemas.microsoft.com/ws/2008/06/identity/claims/role";
    assert_eq!(assertion.unreadable.iter().map(|name| &**name).collect::<Vec<_>>(), [roles]);
    assert_eq!(assertion.to_claims().of_type(roles).count(), 2);
}
