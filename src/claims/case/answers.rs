//! Attribute stores that answer from a case and from nothing else.

use std::sync::{Arc, Mutex, PoisonError};

use super::{Case, SavedAnswer};
use crate::claims::store::{AttributeStore, QueryContext, Rows, StoreError, StoreQuery, StoreSet};
use crate::claims::{RuleSet, Text};

/// The stores of one case: every store the rules ask, with the answers of the case.
pub(super) struct CaseStores {
    pub(super) stores: StoreSet,
    unanswered: Arc<Mutex<bool>>,
}

impl CaseStores {
    pub(super) fn new(rules: &RuleSet, case: &Case) -> Self {
        let unanswered = Arc::new(Mutex::new(false));
        let mut stores = StoreSet::new();
        for name in rules.stores() {
            let answers = case.stores.iter().filter(|answer| same_store(&answer.store, name)).cloned().collect();
            stores = stores.with(name, Arc::new(CaseStore { answers, unanswered: unanswered.clone() }));
        }
        Self { stores, unanswered }
    }

    /// Whether a rule asked something that the case does not answer.
    pub(super) fn lacks_an_answer(&self) -> bool {
        *self.unanswered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Names compare as the server compares them.
fn same_store(saved: &str, asked: &str) -> bool {
    saved.trim().to_lowercase() == asked.trim().to_lowercase()
}

struct CaseStore {
    answers: Vec<SavedAnswer>,
    unanswered: Arc<Mutex<bool>>,
}

#[async_trait::async_trait]
impl AttributeStore for CaseStore {
    async fn query(&self, _: &QueryContext<'_>, query: &StoreQuery, params: &[Text]) -> Result<Rows, StoreError> {
        let asked = |answer: &&SavedAnswer| {
            answer.query == **query.text() && answer.params.iter().map(String::as_str).eq(params.iter().map(|p| &**p))
        };
        let Some(answer) = self.answers.iter().find(asked) else {
            *self.unanswered.lock().unwrap_or_else(PoisonError::into_inner) = true;
            let params = params.iter().map(|param| format!("\"{param}\"")).collect::<Vec<_>>().join(", ");
            return Err(StoreError::Failed { reason: format!("the case has no answer for the parameters ({params})") });
        };
        match &answer.error {
            None => Ok(Rows(answer.rows.clone())),
            Some(serde_json::Value::String(reason)) => Err(StoreError::Failed { reason: reason.clone() }),
            Some(reason) => Err(StoreError::Failed { reason: reason.to_string() }),
        }
    }
}
