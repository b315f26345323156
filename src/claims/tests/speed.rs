//! What the Entra rules cost without store queries. Run by hand with `--release --ignored --nocapture`; the floors are
//! held by the benches.

use std::sync::Arc;

use super::support::now;
use crate::claims::rules::{EntraDomain, EntraSettings, SourceAnchor, entra_rules};
use crate::claims::store::{
    AttributeStore, PasswordExpiryStore, QueryContext, RequestStores, Rows, StoreError, StoreQuery, StoreSet,
};
use crate::claims::{Claim, ClaimSet, Limits, NoTrace, RuleSet, Text, types};
use crate::clock::{Clock, SystemClock};

/// Answers every query by one row, at once.
struct Instant;

#[async_trait::async_trait]
impl AttributeStore for Instant {
    async fn query(&self, _: &QueryContext<'_>, query: &StoreQuery, _: &[Text]) -> Result<Rows, StoreError> {
        Ok(Rows(vec![vec![Some("lVitZySG3EyNGZXWV5yq8g==".into()); query.columns()]]))
    }
}

fn input(groups: u32, rid: u32) -> ClaimSet {
    let group: Text = types::GROUP_SID.into();
    let ad: Text = types::issuer::AD_AUTHORITY.into();
    let claim = |claim_type: &str, value: &str| Claim::new(claim_type, value, ad.clone());
    let mut claims: ClaimSet = [
        claim(types::WINDOWS_ACCOUNT_NAME, "CORP\\alice"),
        claim(types::NAME, "CORP\\alice"),
        claim(types::PRIMARY_SID, "S-1-5-21-1004336348-1177238915-682003330-1107"),
        claim(types::PRIMARY_GROUP_SID, "S-1-5-21-1004336348-1177238915-682003330-513"),
        claim(types::UPN, "alice@corp.example"),
        claim(types::AUTHENTICATION_INSTANT, "2026-11-20T08:00:00.000Z"),
        claim(types::AUTHENTICATION_METHOD, "urn:federation:authentication:windows"),
        claim(types::AUTHN_METHODS_REFERENCES, "urn:federation:authentication:windows"),
        claim(types::INSIDE_CORPORATE_NETWORK, "true"),
        claim(types::X_MS_CLIENT_IP, "10.0.0.1"),
        claim(types::CLIENT_REQUEST_ID, "67ad5895-8624-4cdc-8d19-95d6579caaf2"),
    ]
    .into_iter()
    .collect();
    claims.push(Claim::new(group.clone(), format!("S-1-5-21-1004336348-1177238915-682003330-{rid}"), ad.clone()));
    claims.extend((1..groups).map(|n| {
        Claim::new(group.clone(), format!("S-1-5-21-1004336348-1177238915-682003330-{}", 2000 + n), ad.clone())
    }));
    claims
}

#[test]
#[ignore = "measures; run by hand in a release build"]
fn entra_rules_in_microseconds() {
    let domain = |suffix: &str| EntraDomain {
        suffix: suffix.into(),
        issuer_uri: format!("http://{suffix}/adfs/services/trust/"),
    };
    let settings = EntraSettings {
        domains: vec![domain("corp.example"), domain("brand.example")],
        source_anchor: SourceAnchor::ConsistencyGuid,
        upn_attribute: "userPrincipalName".into(),
        computer_issuer: Some("http://corp.example/adfs/services/trust/".into()),
    };
    let text = entra_rules(&settings).unwrap();
    let rules = RuleSet::parse(&text).unwrap();
    let stores = StoreSet::new()
        .with("Active Directory", Arc::new(Instant))
        .with("_PasswordExpiryStore", Arc::new(PasswordExpiryStore));
    let clock = SystemClock::default();
    let measure = |what: &str, times: u32, work: &mut dyn FnMut()| {
        (0..times / 10).for_each(|_| work());
        let start = clock.monotonic();
        (0..times).for_each(|_| work());
        println!("{what}: {:.2} µs", clock.monotonic().saturating_sub(start).as_secs_f64() * 1e6 / f64::from(times));
    };
    for (what, groups, rid) in
        [("user, 10 groups", 10, 513), ("computer, 10 groups", 10, 515), ("user, 200 groups", 200, 513)]
    {
        let input = input(groups, rid);
        measure(what, 20_000, &mut || {
            let request = RequestStores::new(&stores, QueryContext::default());
            let output = now(rules.run(&input, &request, &Limits::default(), &mut NoTrace)).unwrap();
            assert!(output.len() > 4);
        });
    }
    let kept = RuleSet::parse(&text).unwrap();
    measure("parse, patterns shared", 5000, &mut || drop(RuleSet::parse(&text).unwrap()));
    drop((kept, rules));
    measure("parse", 5000, &mut || drop(RuleSet::parse(&text).unwrap()));
}
