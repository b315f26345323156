//! Running rules in tests: stores that answer from a table, and an executor for futures that never wait.

use std::collections::HashMap;
use std::sync::Arc;

use crate::claims::store::{AttributeStore, QueryContext, Rows, StoreError, StoreQuery, StoreSet};
use crate::claims::{Claim, ClaimSet, EvaluationError, Limits, NoTrace, Outcome, RequestStores, RuleSet, Text};

/// Answers by query text and parameters; anything else is a failure.
#[derive(Default)]
pub(super) struct Table(pub(super) HashMap<(String, Vec<String>), Result<Rows, StoreError>>);

#[async_trait::async_trait]
impl AttributeStore for Table {
    async fn query(&self, _: &QueryContext<'_>, query: &StoreQuery, params: &[Text]) -> Result<Rows, StoreError> {
        let params: Vec<String> = params.iter().map(ToString::to_string).collect();
        let key = (query.text().to_string(), params);
        self.0.get(&key).cloned().unwrap_or_else(|| Err(StoreError::Failed { reason: format!("unexpected {key:?}") }))
    }
}

/// The result of a future that never waits.
pub(super) fn now<F: Future>(future: F) -> F::Output {
    let mut future = std::pin::pin!(future);
    match future.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop())) {
        std::task::Poll::Ready(value) => value,
        std::task::Poll::Pending => panic!("the future waits"),
    }
}

pub(super) fn rules(text: &str) -> RuleSet {
    RuleSet::parse(text).unwrap_or_else(|error| panic!("{text}\n{error}"))
}

/// Runs rules without stores.
pub(super) fn evaluate(rules: &RuleSet, input: &ClaimSet, limits: &Limits) -> Result<Outcome, EvaluationError> {
    let stores = StoreSet::new();
    now(rules.evaluate(input, &RequestStores::new(&stores, QueryContext::default()), limits, &mut NoTrace))
}

/// `T=v` pairs as claims of the directory.
pub(super) fn claims(pairs: &[(&str, &str)]) -> ClaimSet {
    pairs.iter().map(|(claim_type, value)| Claim::new(*claim_type, *value, "AD AUTHORITY")).collect()
}

/// `T=v` of the issued claims, in order.
pub(super) fn issued(text: &str, input: &[(&str, &str)]) -> Vec<String> {
    show(&evaluate(&rules(text), &claims(input), &Limits::default()).unwrap().output)
}

pub(super) fn show(claims: &ClaimSet) -> Vec<String> {
    claims.iter().map(|claim| format!("{}={}", claim.claim_type, claim.value)).collect()
}

/// Runs rules with one store named `S`.
pub(super) fn with_store(
    text: &str,
    input: &[(&str, &str)],
    store: Arc<dyn AttributeStore>,
    limits: &Limits,
) -> Result<Outcome, EvaluationError> {
    let stores = StoreSet::new().with("S", store);
    let stores = RequestStores::new(&stores, QueryContext::default());
    now(rules(text).evaluate(&claims(input), &stores, limits, &mut NoTrace))
}
