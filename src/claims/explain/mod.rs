//! Why a claim is there or is missing: a recorded run, put beside the text of its rules.
//!
//! A data structure for whoever shows it. Runs no rule: what happened is in the recording, and only the claim that came
//! nearest to a condition that failed is looked for here.

mod difference;
mod expression;
mod model;
mod near_miss;
mod origin;

pub use difference::Difference;
pub use model::{
    Bound, Combination, ConditionExplanation, IssuedClaim, MadeClaim, QueryExplanation, RuleExplanation,
    StageExplanation,
};
pub use near_miss::{FailedTest, NearMiss, Reason};
pub use origin::{candidates, could_make};
