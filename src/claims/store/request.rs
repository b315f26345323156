//! What one request may ask of the stores: the same question only once, and not too many.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::{AttributeStore, QueryContext, Rows, StoreError, StoreQuery, StoreSet};
use crate::claims::Text;

/// The stores as one request sees them. Lives as long as the request, across all its rule sets: a question that was
/// answered is answered from memory. Failures are not remembered.
pub struct RequestStores<'a> {
    stores: &'a StoreSet,
    context: QueryContext<'a>,
    limits: StoreLimits,
    answers: Mutex<HashMap<Question, Arc<Rows>>>,
}

/// Bounds of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoreLimits {
    /// Most questions that reach a store.
    pub queries: usize,
    /// Most rows of one answer.
    pub rows: usize,
    /// Most octets of one answer.
    pub octets: usize,
}

impl Default for StoreLimits {
    fn default() -> Self {
        Self { queries: 64, rows: 5000, octets: 4 * 1024 * 1024 }
    }
}

/// Why a question was not answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::claims) enum AskError {
    UnknownStore,
    TooManyQueries { limit: usize },
    TooManyRows { limit: usize },
    Store(StoreError),
}

/// An answer, and whether it came from memory.
pub(in crate::claims) struct Answer {
    pub(in crate::claims) rows: Arc<Rows>,
    pub(in crate::claims) remembered: bool,
}

#[derive(PartialEq, Eq, Hash)]
struct Question {
    store: Text,
    query: Text,
    columns: usize,
    params: Box<[Text]>,
}

impl<'a> RequestStores<'a> {
    /// The stores for a request of this context, with default limits.
    pub fn new(stores: &'a StoreSet, context: QueryContext<'a>) -> Self {
        Self::with_limits(stores, context, StoreLimits::default())
    }

    /// The stores for a request of this context.
    pub fn with_limits(stores: &'a StoreSet, context: QueryContext<'a>, limits: StoreLimits) -> Self {
        Self { stores, context, limits, answers: Mutex::new(HashMap::new()) }
    }

    pub(in crate::claims) async fn ask(&self, query: &StoreQuery, params: Vec<Text>) -> Result<Answer, AskError> {
        let store: &Arc<dyn AttributeStore> = self.stores.get(query.store()).ok_or(AskError::UnknownStore)?;
        let question = Question {
            store: query.store().clone(),
            query: query.text().clone(),
            columns: query.columns(),
            params: params.into(),
        };
        {
            // Every entry is one query, so the map is bounded by the limit.
            let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(rows) = answers.get(&question) {
                return Ok(Answer { rows: rows.clone(), remembered: true });
            }
            if answers.len() >= self.limits.queries {
                return Err(AskError::TooManyQueries { limit: self.limits.queries });
            }
        }
        let rows = store.query(&self.context, query, &question.params).await.map_err(AskError::Store)?;
        if rows.0.len() > self.limits.rows {
            return Err(AskError::TooManyRows { limit: self.limits.rows });
        }
        let octets: usize = rows.0.iter().flatten().flatten().map(|cell| cell.len()).sum();
        if octets > self.limits.octets {
            let reason = format!("the answer is larger than {} octets", self.limits.octets);
            return Err(AskError::Store(StoreError::Failed { reason }));
        }
        let width = query.columns();
        if let Some(row) = rows.0.iter().find(|row| row.len() != width) {
            return Err(AskError::Store(StoreError::Columns { expected: width, found: row.len() }));
        }
        let rows = Arc::new(rows);
        self.answers.lock().unwrap_or_else(PoisonError::into_inner).insert(question, rows.clone());
        Ok(Answer { rows, remembered: false })
    }
}
