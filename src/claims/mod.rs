//! Claims and the AD FS claim rule language.
//!
//! Knows nothing of protocols, tokens or how somebody authenticated; attribute stores reach the directory through a trait.

pub mod case;
mod claim;
pub mod descriptions;
pub mod engine;
pub mod explain;
pub mod language;
pub mod lint;
pub mod pipeline;
pub mod policy;
mod properties;
pub mod regex;
pub mod rules;
pub mod store;
#[cfg(test)]
mod tests;
mod text;
pub mod types;

pub use claim::{Claim, ClaimSet};
pub use engine::{
    EvaluationError, EvaluationErrorKind, Limits, NoTrace, Outcome, RecordedTrace, RuleRef, RuleSet, RunTrace,
    TraceEvent, TraceSink,
};
pub use language::{ParseOptions, RuleProblem, RuleProblemKind, RuleSetError, RuleWarning};
pub use pipeline::{Authorization, DenyReason, MULTIPLE_AUTHENTICATION, Stage, asks_second_factor, authorize};
pub use properties::Properties;
pub use store::{AttributeStore, QueryContext, QuerySubject, RequestStores, Rows, StoreError, StoreQuery, StoreSet};
pub use text::Text;
