//! Saved cases: input claims, what the attribute stores answer, and what must come of them.
//!
//! A case needs no directory and no server, so an administrator keeps it in version control beside the rules. Knows the
//! schema, how a case runs and how its result is compared; knows no files and nothing of how results are shown.

mod answers;
mod compare;
mod run;
mod schema;

pub use compare::{Mismatch, compare};
pub(crate) use run::decision;
pub use run::{CaseFailure, CaseResult, FailureKind, run};
pub use schema::{Case, CaseFile, SavedAnswer, SavedClaim};
