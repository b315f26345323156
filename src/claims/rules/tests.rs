#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::sync::Arc;

use super::*;
use crate::claims::store::{
    AttributeStore, PasswordExpiry, PasswordExpiryStore, QueryContext, RequestStores, Rows, StoreError, StoreQuery,
    StoreSet,
};
use crate::claims::{Claim, ClaimSet, Limits, NoTrace, RuleSet, Text, types};
use EntraRulesError as E;

/// Answers each attribute by its own name, or nothing for the consistency GUID, and the UPN from the account.
struct Directory;

#[async_trait::async_trait]
impl AttributeStore for Directory {
    async fn query(&self, _: &QueryContext<'_>, query: &StoreQuery, params: &[Text]) -> Result<Rows, StoreError> {
        let attributes = query.text().split(';').nth(1).unwrap_or_default();
        let user = params[0].rsplit('\\').next().unwrap_or_default();
        let cells = attributes.split(',').map(|name| match name {
            "userPrincipalName" => user.contains('@').then(|| user.into()),
            "mS-DS-ConsistencyGuid" => user.starts_with("anchored").then(|| "cg".into()),
            name => Some(name.into()),
        });
        Ok(Rows(vec![cells.collect()]))
    }
}

fn settings(domains: &[(&str, &str)]) -> EntraSettings {
    EntraSettings {
        domains: domains
            .iter()
            .map(|(suffix, uri)| EntraDomain { suffix: (*suffix).into(), issuer_uri: (*uri).into() })
            .collect(),
        source_anchor: SourceAnchor::ConsistencyGuid,
        upn_attribute: "userPrincipalName".into(),
        computer_issuer: Some("urn:computers".into()),
    }
}

async fn run(text: &str, account: &str, group: &str, issuer: &str, expiry: Option<&PasswordExpiry>) -> ClaimSet {
    let rules = RuleSet::parse(text).unwrap_or_else(|error| panic!("{text}\n{error}"));
    assert!(rules.warnings().is_empty(), "{:?}", rules.warnings());
    let stores = StoreSet::new()
        .with("Active Directory", Arc::new(Directory))
        .with("_PasswordExpiryStore", Arc::new(PasswordExpiryStore));
    let context = QueryContext { password_expiry: expiry, ..QueryContext::default() };
    let input: ClaimSet = [
        Claim::new(types::WINDOWS_ACCOUNT_NAME, account, issuer),
        Claim::new(types::PRIMARY_SID, "S-1-5-21-1-2-3-1107", issuer),
        Claim::new(types::GROUP_SID, group, issuer),
        Claim::new(types::GROUP_SID, "S-1-5-21-4-5-6-515", "partner"),
        Claim::new(types::AUTHN_METHODS_REFERENCES, "m", issuer),
        Claim::new("http://schemas.microsoft.com/ws/2012/01/passwordexpirationtime", "t", issuer),
    ]
    .into_iter()
    .collect();
    rules.run(&input, &RequestStores::new(&stores, context), &Limits::default(), &mut NoTrace).await.unwrap()
}

const USER: &str = "S-1-5-21-1-2-3-513";
const COMPUTER: &str = "S-1-5-21-1-2-3-515";

#[tokio::test]
async fn the_longest_suffix_gives_the_issuer() {
    let text = entra_rules(&settings(&[
        ("brand.example", "urn:brand"),
        ("Corp.example", "any text 'at all' <&>"),
        ("emea.corp.example", "urn:emea"),
        ("x.emea.corp.example", "urn:x"),
    ]))
    .unwrap();
    for (upn, expected) in [
        ("a@brand.example", Some("urn:brand")),
        ("a@emea.brand.example", Some("urn:brand")),
        ("A@EMEA.Brand.Example", Some("urn:brand")),
        ("a@corp.example", Some("any text 'at all' <&>")),
        ("a@apac.corp.example", Some("any text 'at all' <&>")),
        ("a@emea.corp.example", Some("urn:emea")),
        ("a@y.emea.corp.example", Some("urn:emea")),
        ("a@z.x.emea.corp.example", Some("urn:x")),
        ("a@notcorp.example", None),
        ("a@corpxexample", None),
        ("a@corp.example.evil", None),
        ("a@other@corp.example", None),
        ("a@corp.example\n", None),
        ("@corp.example", None),
    ] {
        let output = run(&text, &format!("CORP\\{upn}"), USER, "AD AUTHORITY", None).await;
        let issuers: Vec<&str> = output.of_type(types::ISSUER_ID).map(|claim| &*claim.value).collect();
        assert_eq!(issuers, expected.as_slice(), "{upn}");
        assert_eq!(output.first_value(types::UPN_V1).map(|upn| &**upn), Some(upn));
        assert!(output.first_value(types::ACCOUNT_TYPE).is_none());
    }
}

#[tokio::test]
async fn a_computer_gets_what_entra_wants() {
    let text = entra_rules(&settings(&[("a.example", "urn:a"), ("b.example", "urn:b")])).unwrap();
    let output = run(&text, "CORP\\PC01$", COMPUTER, "AD AUTHORITY", None).await;
    for (claim_type, value) in [
        (types::ACCOUNT_TYPE, "DJ"),
        (types::ON_PREM_OBJECT_GUID, "objectGUID"),
        (types::IMMUTABLE_ID, "objectGUID"),
        (types::PRIMARY_SID, "S-1-5-21-1-2-3-1107"),
        (types::ISSUER_ID, "urn:computers"),
        (types::NAME_IDENTIFIER, "objectGUID"),
        (types::AUTHN_METHODS_REFERENCES, "m"),
    ] {
        let values: Vec<&str> = output.of_type(claim_type).map(|claim| &*claim.value).collect();
        assert_eq!(values, [value], "{claim_type}");
    }
    assert_eq!(output.len(), 7, "{output:?}");
    // Domain controllers are none, nor is what only a partner calls a computer.
    let controller = run(&text, "CORP\\DC1$", "S-1-5-21-1-2-3-516", "AD AUTHORITY", None).await;
    assert!(controller.first_value(types::ACCOUNT_TYPE).is_none());
    let foreign = run(&text, "CORP\\PC01$", COMPUTER, "partner", None).await;
    assert!(foreign.iter().all(|claim| &*claim.claim_type == types::AUTHN_METHODS_REFERENCES), "{foreign:?}");
    let small = run(HYBRID_JOIN, "CORP\\PC01$", COMPUTER, "AD AUTHORITY", None).await;
    assert!(small.contains(types::ACCOUNT_TYPE, "DJ") && small.contains(types::ON_PREM_OBJECT_GUID, "objectGUID"));
    assert_eq!(small.len(), 3);
}

#[tokio::test]
async fn a_user_gets_anchor_name_identifier_and_expiry() {
    let text = entra_rules(&settings(&[("only.example", "urn:fixed")])).unwrap();
    let expiry = PasswordExpiry { seconds: 432_000, days: 5, change_url: Some("https://sts/change".into()) };
    let output = run(&text, "CORP\\alice@only.example", USER, "AD AUTHORITY", Some(&expiry)).await;
    assert!(output.contains(types::IMMUTABLE_ID, "objectGUID") && output.contains(types::ISSUER_ID, "urn:fixed"));
    assert!(output.contains("http://schemas.microsoft.com/ws/2012/01/passwordexpirationdays", "5"));
    let id = output.of_type(types::NAME_IDENTIFIER).next().unwrap();
    let format = id.properties.get(types::property::FORMAT).map(|format| &**format);
    assert_eq!(format, Some("urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"));
    assert!(output.first_value(types::PRIMARY_SID).is_none());

    let elsewhere = run(&text, "CORP\\alice@else.example", USER, "AD AUTHORITY", None).await;
    assert!(elsewhere.first_value(types::ISSUER_ID).is_none());

    let output = run(&text, "CORP\\anchored@x", USER, "AD AUTHORITY", None).await;
    let anchors: Vec<&str> = output.of_type(types::IMMUTABLE_ID).map(|claim| &*claim.value).collect();
    assert_eq!(anchors, ["cg"]);
    let none = entra_rules(&EntraSettings { computer_issuer: None, ..settings(&[]) }).unwrap();
    for (account, group) in [("CORP\\alice@x", USER), ("CORP\\PC$", COMPUTER)] {
        assert!(run(&none, account, group, "AD AUTHORITY", None).await.first_value(types::ISSUER_ID).is_none());
    }
    for (anchor, user) in
        [(SourceAnchor::ObjectGuid, "objectGUID"), (SourceAnchor::Attribute("employeeID".into()), "employeeID")]
    {
        let text = entra_rules(&EntraSettings { source_anchor: anchor, ..settings(&[]) }).unwrap();
        assert!(run(&text, "CORP\\anchored@x", USER, "AD AUTHORITY", None).await.contains(types::IMMUTABLE_ID, user));
        assert!(
            run(&text, "CORP\\PC$", COMPUTER, "AD AUTHORITY", None).await.contains(types::IMMUTABLE_ID, "objectGUID")
        );
    }
}

#[test]
fn settings_that_no_rule_can_hold_are_refused() {
    let with = |change: fn(&mut EntraSettings)| {
        let mut settings = settings(&[("a.example", "urn:a")]);
        change(&mut settings);
        entra_rules(&settings)
    };
    assert!(matches!(with(|s| s.domains[0].issuer_uri = "a\"b".into()), Err(E::Unwritable { .. })));
    assert!(matches!(with(|s| s.domains[0].issuer_uri = "a\nb".into()), Err(E::Unwritable { .. })));
    assert!(matches!(with(|s| s.computer_issuer = Some("\"".into())), Err(E::Unwritable { .. })));
    assert!(matches!(with(|s| s.computer_issuer = Some(String::new())), Err(E::Empty { .. })));
    assert!(matches!(with(|s| s.upn_attribute = "a;b".into()), Err(E::Attribute { .. })));
    assert!(matches!(with(|s| s.source_anchor = SourceAnchor::Attribute("a,b".into())), Err(E::Attribute { .. })));
    for suffix in ["", "a..b", "a b", "a\".b", ".a", "a|b.example", "(a)"] {
        let refused = entra_rules(&settings(&[(suffix, "urn:a")]));
        assert!(matches!(refused, Err(E::Suffix { .. })), "{suffix}: {refused:?}");
    }
    assert!(matches!(entra_rules(&settings(&[("a.b", "x"), ("A.B", "y")])), Err(E::DuplicateSuffix { .. })));
}

#[tokio::test]
async fn a_token_for_device_registration_says_who_and_that_it_may() {
    const PERMISSION: &str = "http://schemas.microsoft.com/authorization/claims/PermitDeviceRegistration";
    let computer = run(DEVICE_REGISTRATION, "CORP\\PC01$", COMPUTER, "AD AUTHORITY", None).await;
    for (claim_type, value) in [
        (PERMISSION, "true"),
        (types::PRIMARY_SID, "S-1-5-21-1-2-3-1107"),
        (types::WINDOWS_ACCOUNT_NAME, "CORP\\PC01$"),
        (types::ACCOUNT_TYPE, "DJ"),
        (types::ON_PREM_OBJECT_GUID, "objectGUID"),
        ("http://schemas.microsoft.com/authorization/claims/accountStore", "AD AUTHORITY"),
    ] {
        let values: Vec<&str> = computer.of_type(claim_type).map(|claim| &*claim.value).collect();
        assert_eq!(values, [value], "{claim_type}");
    }
    let user = run(DEVICE_REGISTRATION, "CORP\\alice", USER, "AD AUTHORITY", None).await;
    assert!(user.contains(PERMISSION, "true") && user.first_value(types::ACCOUNT_TYPE).is_none());
    let foreign = run(DEVICE_REGISTRATION, "CORP\\PC01$", COMPUTER, "partner", None).await;
    assert!(foreign.first_value(types::PRIMARY_SID).is_none() && foreign.first_value(types::ACCOUNT_TYPE).is_none());

    // An account without a UPN has its implicit one.
    let rules = RuleSet::parse(DEVICE_REGISTRATION).unwrap();
    let stores = StoreSet::new();
    for (upn, expected) in [(Some("alice@brand.example"), "alice@brand.example"), (None, "alice@corp.example")] {
        let claims = [(types::IMPLICIT_UPN, Some("alice@corp.example")), (types::UPN, upn)];
        let input: ClaimSet = claims
            .into_iter()
            .filter_map(|(claim_type, value)| Some(Claim::new(claim_type, value?, "AD AUTHORITY")))
            .collect();
        let stores = RequestStores::new(&stores, QueryContext::default());
        let output = rules.run(&input, &stores, &Limits::default(), &mut NoTrace).await.unwrap();
        let values: Vec<&str> = output.of_type(types::UPN).map(|claim| &*claim.value).collect();
        assert_eq!(values, [expected]);
    }
}

#[tokio::test]
async fn acceptance_passes_what_is_ours() {
    let output = run(ACTIVE_DIRECTORY_ACCEPTANCE, "CORP\\alice", USER, "AD AUTHORITY", None).await;
    assert_eq!(output.len(), 5);
    let output = run(ACTIVE_DIRECTORY_ACCEPTANCE, "CORP\\alice", USER, "AD AUTHORITY2", None).await;
    assert!(output.is_empty());
}
