//! Runs the rules of one case.

use super::Case;
use super::answers::CaseStores;
use crate::claims::pipeline::{demands_second_factor, verdict};
use crate::claims::store::{QueryContext, RequestStores};
use crate::claims::{
    Authorization, ClaimSet, EvaluationError, EvaluationErrorKind as Kind, Limits, Outcome, RuleSet, Stage, TraceEvent,
    TraceSink,
};

/// What came of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseResult {
    /// The claims, or why there are none.
    pub outcome: Result<Outcome, CaseFailure>,
    /// `permit` or `deny`, `mfa` or `no-mfa`; `None` where the stage decides nothing, and after a failure.
    pub decision: Option<&'static str>,
}

/// The rules failed on the claims of a case.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{error}")]
pub struct CaseFailure {
    /// How, in one word.
    pub kind: FailureKind,
    /// What the engine says.
    pub error: EvaluationError,
}

/// The ways to fail, as cases name them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureKind {
    /// An attribute store failed, or its rows have another width than the rule.
    Store,
    /// A rule asked what the case has no answer for: the case is incomplete.
    NoAnswer,
    /// A pattern made from claims is no regular expression, or a pattern cannot run on a value.
    Pattern,
    /// The rules exceed a bound: claims, combinations of claims, work, length of texts, queries or rows.
    Limit,
}

impl FailureKind {
    /// `store`, `no-answer`, `pattern`, `limit`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Store => "store",
            Self::NoAnswer => "no-answer",
            Self::Pattern => "pattern",
            Self::Limit => "limit",
        }
    }

    pub(crate) fn of(kind: &Kind, lacks_an_answer: bool) -> Self {
        match kind {
            Kind::Store { .. } if lacks_an_answer => Self::NoAnswer,
            Kind::Store { .. } | Kind::UnknownStore { .. } => Self::Store,
            Kind::Match { .. } | Kind::DynamicPattern(_) | Kind::DynamicPatternOff => Self::Pattern,
            Kind::TooManyQueries { .. }
            | Kind::TooManyRows { .. }
            | Kind::TooManyTuples { .. }
            | Kind::TooManyClaims { .. }
            | Kind::TooMuchWork { .. }
            | Kind::TextTooLong { .. } => Self::Limit,
        }
    }
}

/// Runs `rules` over the input of a case; the stores answer what the case says. Never waits.
pub async fn run(rules: &RuleSet, stage: Stage, case: &Case, limits: &Limits, trace: &mut dyn TraceSink) -> CaseResult {
    let answers = CaseStores::new(rules, case);
    let stores = RequestStores::new(&answers.stores, QueryContext::default());
    let input: ClaimSet = case.input.iter().map(super::SavedClaim::to_claim).collect();
    if trace.is_enabled() {
        trace.event(TraceEvent::Stage(stage));
    }
    let outcome = rules.evaluate(&input, &stores, limits, trace).await;
    let outcome = outcome.map_err(|error| {
        let kind = FailureKind::of(&error.kind, answers.lacks_an_answer());
        CaseFailure { kind, error }
    });
    let decision = outcome.as_ref().ok().and_then(|outcome| decision(rules, stage, outcome));
    CaseResult { outcome, decision }
}

/// What the outcome of a stage decides; see [`CaseResult::decision`].
pub(crate) fn decision(rules: &RuleSet, stage: Stage, outcome: &Outcome) -> Option<&'static str> {
    match stage {
        Stage::IssuanceAuthorization | Stage::DelegationAuthorization => Some(match verdict(rules, outcome) {
            Authorization::Permit => "permit",
            Authorization::Deny(_) => "deny",
        }),
        Stage::AdditionalAuthentication => Some(if demands_second_factor(&outcome.output) { "mfa" } else { "no-mfa" }),
        Stage::AcceptanceTransform | Stage::IssuanceTransform => None,
    }
}
