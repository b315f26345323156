//! A store that remembers answers for a short configured time.

use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;

use super::{AttributeStore, QueryContext, Rows, StoreError, StoreQuery};
use crate::claims::Text;

/// Remembers the answers of another store. Failures are asked again each time.
///
/// Only for stores whose answer hangs on query and parameters alone.
pub struct CachedStore {
    inner: Arc<dyn AttributeStore>,
    answers: Cache<Question, Arc<Rows>>,
}

#[derive(PartialEq, Eq, Hash)]
struct Question {
    query: Text,
    columns: usize,
    params: Box<[Text]>,
}

impl CachedStore {
    /// `inner`, remembered for `time_to_live`, within about 16 MiB.
    pub fn new(inner: Arc<dyn AttributeStore>, time_to_live: Duration) -> Self {
        let answers = Cache::builder()
            .weigher(|question: &Question, rows: &Arc<Rows>| u32::try_from(weight(question, rows)).unwrap_or(u32::MAX))
            .max_capacity(MOST_OCTETS)
            .time_to_live(time_to_live)
            .build();
        Self { inner, answers }
    }
}

#[async_trait::async_trait]
impl AttributeStore for CachedStore {
    async fn query(&self, cx: &QueryContext<'_>, query: &StoreQuery, params: &[Text]) -> Result<Rows, StoreError> {
        let question = Question { query: query.text().clone(), columns: query.columns(), params: params.into() };
        if let Some(rows) = self.answers.get(&question) {
            return Ok((*rows).clone());
        }
        let rows = self.inner.query(cx, query, params).await?;
        self.answers.insert(question, Arc::new(rows.clone()));
        Ok(rows)
    }
}

impl std::fmt::Debug for CachedStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CachedStore").finish_non_exhaustive()
    }
}

/// Octets that an entry takes, roughly.
fn weight(question: &Question, rows: &Rows) -> usize {
    let params: usize = question.params.iter().map(|param| param.len() + ENTRY).sum();
    let cells: usize = rows.0.iter().flatten().map(|cell| cell.as_ref().map_or(0, |text| text.len()) + ENTRY).sum();
    params + cells + 4 * ENTRY
}

/// What holding one text costs beside its octets.
const ENTRY: usize = 32;
/// Of one store.
const MOST_OCTETS: u64 = 16 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Fails the first time, then answers with its parameter, once more each time.
    #[derive(Default)]
    struct Counting(AtomicUsize);

    #[async_trait::async_trait]
    impl AttributeStore for Counting {
        async fn query(&self, _: &QueryContext<'_>, _: &StoreQuery, params: &[Text]) -> Result<Rows, StoreError> {
            match self.0.fetch_add(1, Ordering::Relaxed) {
                0 => Err(StoreError::Unavailable { reason: "first".into() }),
                _ => Ok(Rows(vec![vec![params.first().cloned()]])),
            }
        }
    }

    #[tokio::test]
    async fn an_answer_is_remembered_and_a_failure_is_not() {
        let counting = Arc::new(Counting::default());
        let store = CachedStore::new(counting.clone(), Duration::from_mins(1));
        let query = StoreQuery::new("S", "q", vec![Text::from("t")]);
        let ask = async |param: &str| store.query(&QueryContext::default(), &query, &[param.into()]).await;
        assert!(ask("a").await.is_err());
        for _ in 0..3 {
            assert_eq!(ask("a").await, Ok(Rows(vec![vec![Some("a".into())]])));
        }
        assert_eq!(ask("b").await, Ok(Rows(vec![vec![Some("b".into())]])));
        assert_eq!(counting.0.load(Ordering::Relaxed), 3);
    }

    #[tokio::test]
    async fn what_is_remembered_is_bounded() {
        let store = CachedStore::new(Arc::new(Counting::default()), Duration::from_mins(1));
        let query = StoreQuery::new("S", "q", vec![Text::from("t")]);
        let large = "x".repeat(1024 * 1024);
        for number in 0..40 {
            let _ = store.query(&QueryContext::default(), &query, &[format!("{number}{large}").into()]).await;
        }
        store.answers.run_pending_tasks();
        assert!(store.answers.weighted_size() <= MOST_OCTETS, "{}", store.answers.weighted_size());
    }
}
