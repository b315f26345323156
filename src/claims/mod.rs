//! Claims and the AD FS claim rule language.
//!
//! Knows nothing of protocols, tokens or how somebody authenticated; attribute stores reach the directory through a trait.

mod claim;
pub mod engine;
pub mod language;
pub mod regex;
pub mod store;
pub mod types;

pub use claim::{Claim, ClaimSet, Text};
pub use engine::{EvaluationError, Limits, NoTrace, Outcome, RecordedTrace, RuleSet, TraceEvent, TraceSink};
pub use language::{ParseOptions, RuleProblem, RuleProblemKind, RuleSetError, RuleWarning};
pub use store::{AttributeStore, QueryContext, QuerySubject, RequestStores, Rows, StoreError, StoreQuery, StoreSet};
