//! The audit events of the issue path, in one place (ws-federation.md 12.3).

use super::context::Context;
use super::decision::{AuthnDemand, Denial};
use super::error::IssueError;
use super::grant::Grant;
use crate::audit::{
    AuditError, AuthnFacts, ClaimDetail, ClaimsOf, Detail, ErrorCode, EventKind, FailureType, Name, Parties,
    claims_events,
};
use crate::authn::AuthenticatedSubject;
use crate::claims::ClaimSet;
use crate::tokens::{IssuedToken, KeyId};

/// 299, 1200 and the claims of 500: a token was issued. Comes back when the log has taken the events, before the token
/// leaves.
pub(super) async fn token_issued(
    cx: &Context,
    grant: &Grant,
    token: &IssuedToken,
    key: &KeyId,
    detail: ClaimDetail,
) -> Result<(), AuditError> {
    let parties = Parties::of(&grant.subject, Some(&grant.audience));
    let mut events = vec![
        EventKind::TokenIssued {
            parties: parties.clone(),
            token: token.id.clone(),
            token_type: Name::constant(token.token_type.uri()),
            key: key.clone(),
            not_on_or_after: token.not_on_or_after,
        },
        EventKind::AppTokenIssued { parties, authn: AuthnFacts::of(&grant.subject), token: token.id.clone() },
    ];
    events.extend(claims_events(ClaimsOf::Issued, &grant.claims, detail));
    cx.services.auditor.record(events.into_iter().map(|kind| cx.event(kind)).collect()).await
}

/// 501 and, where a client asked on behalf of somebody, 502: the claims that a decision was made with.
pub(super) fn decided_with(cx: &Context, seen: &[(ClaimsOf, ClaimSet)], detail: ClaimDetail) {
    let events: Vec<EventKind> = seen.iter().flat_map(|(of, claims)| claims_events(*of, claims, detail)).collect();
    if !events.is_empty() {
        cx.note(events);
    }
}

/// 324 (323 where a client may not ask on behalf of the subject) and 1201: the rules do not permit the token.
pub(super) fn denied(cx: &Context, who: &AuthenticatedSubject, relying_party: &str, denial: &Denial) {
    let parties = Parties::of(who, Some(relying_party));
    let by = Detail::public(&denial.to_string());
    cx.note([
        match denial {
            Denial::Delegation { .. } => EventKind::DelegationDenied { parties: parties.clone(), by },
            _ => EventKind::IssuanceDenied { parties: parties.clone(), by },
        },
        EventKind::AppTokenFailed {
            parties,
            authn: AuthnFacts::of(who),
            failure: FailureType::Authorization,
            code: ErrorCode("MSIS7068"),
        },
    ]);
}

/// 413 and 1201: the relying party asks for more, and where the request came in nobody can be asked. Called by the protocol:
/// where a page can be shown, a demand is no refusal.
pub fn step_up_refused(cx: &Context, who: &AuthenticatedSubject, relying_party: &str, demand: &AuthnDemand) {
    let parties = Parties::of(who, Some(relying_party));
    let code = ErrorCode("MSIS7102");
    let detail = match demand {
        AuthnDemand::SecondFactor => "the relying party asks for a second factor, which this endpoint cannot ask for",
    };
    cx.note([
        EventKind::RequestFailed { parties: parties.clone(), code, detail: Detail::public(detail) },
        EventKind::AppTokenFailed { parties, authn: AuthnFacts::of(who), failure: FailureType::Authorization, code },
    ]);
}

/// 413 and 1201: the token could not be made; and 9002 when that is an attribute store's fault.
pub(super) fn failed(cx: &Context, who: &AuthenticatedSubject, relying_party: &str, error: &IssueError) {
    let parties = Parties::of(who, Some(relying_party));
    let (failure, code) = match error {
        IssueError::UnknownRelyingParty { .. } | IssueError::DisabledRelyingParty { .. } => {
            (FailureType::Request, ErrorCode("MSIS3020"))
        }
        _ => (FailureType::Service, ErrorCode("MSIS3127")),
    };
    let store = store_failed(&parties, error);
    let code = match &store {
        Some(EventKind::AttributeStoreFailed { code, .. }) => *code,
        _ => code,
    };
    let detail = Detail::public(&error.to_string());
    cx.note(store.into_iter().chain([
        EventKind::RequestFailed { parties: parties.clone(), code, detail },
        EventKind::AppTokenFailed { parties, authn: AuthnFacts::of(who), failure, code },
    ]));
}

fn store_failed(parties: &Parties, error: &IssueError) -> Option<EventKind> {
    let IssueError::Claims { stage, source } = error else { return None };
    Some(EventKind::AttributeStoreFailed {
        parties: parties.clone(),
        store: Name::public(source.failed_store()?),
        rule: Detail::public(&format!("{stage}, rule {}", source.rule)),
        code: ErrorCode(source.policy_number()?),
        detail: Detail::public(&source.policy_message()?),
        retryable: error.is_retryable(),
    })
}
