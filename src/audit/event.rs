//! Audit events and what they carry (ws-federation.md 12.3).

use std::sync::Arc;

use uuid::Uuid;

use super::claims::{ClaimLine, ClaimsOf};
use super::device::{DeviceAttempt, DeviceRefusal};
use super::facts::{AuthnFacts, Parties, RequestFacts};
use super::failure::{CredentialFailure, ErrorCode, FailureType};
use super::text::{Detail, Identifier, Name};
use crate::clock::{Random, UtcTime};
use crate::devices::DeviceId;
use crate::directory::Sid;
use crate::tokens::{KeyId, TokenId};

/// One line of the audit log.
#[derive(Debug, Clone)]
pub struct AuditEvent {
    /// When it happened.
    pub time: UtcTime,
    /// Joins the events of one issuance: 299 with its 500 and 501.
    pub instance: InstanceId,
    /// The request it belongs to.
    pub request: Arc<RequestFacts>,
    /// What happened.
    pub kind: EventKind,
}

/// `Instance ID` of AD FS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct InstanceId(pub Uuid);

impl InstanceId {
    /// An id of its own; nothing hangs on its being unpredictable.
    pub fn random(random: &dyn Random) -> Self {
        let mut octets = [0; 16];
        // The random source having failed, the token itself fails; its events may share an id.
        let _ = random.fill(&mut octets);
        Self(uuid::Builder::from_random_bytes(octets).into_uuid())
    }
}

/// What happened. The number of each is that of AD FS; what AD FS has no event for has a number above 9000.
#[derive(Debug, Clone)]
pub enum EventKind {
    /// 1200: an application token was issued.
    AppTokenIssued {
        /// Who and for whom.
        parties: Parties,
        /// How authenticated.
        authn: AuthnFacts,
        /// The token.
        token: TokenId,
    },
    /// 1201: a token was refused or could not be made.
    AppTokenFailed {
        /// Who and for whom.
        parties: Parties,
        /// How authenticated.
        authn: AuthnFacts,
        /// What kind of failure.
        failure: FailureType,
        /// The code users search for.
        code: ErrorCode,
    },
    /// 1202: a fresh credential was good.
    CredentialAccepted {
        /// Who and for whom.
        parties: Parties,
        /// How authenticated.
        authn: AuthnFacts,
    },
    /// 1203: a fresh credential was not good.
    CredentialRejected {
        /// Who and for whom.
        parties: Parties,
        /// How tried.
        authn: AuthnFacts,
        /// What kind of failure.
        failure: FailureType,
        /// Why, exactly; never told to the client.
        reason: CredentialFailure,
    },
    /// 1204: a password was changed.
    PasswordChanged {
        /// Who.
        parties: Parties,
    },
    /// 1205: a password was not changed.
    PasswordChangeFailed {
        /// Who.
        parties: Parties,
        /// What kind of failure.
        failure: FailureType,
        /// Why, exactly.
        code: ErrorCode,
    },
    /// 1206 (success) or 1207: a sign-out.
    SignOut {
        /// Who.
        parties: Parties,
        /// Whether it succeeded.
        success: bool,
    },
    /// 1210: a password was not checked because of the lockout of the server.
    ExtranetLockout {
        /// Who.
        parties: Parties,
        /// How tried.
        authn: AuthnFacts,
    },
    /// 299: a token was issued to a relying party.
    TokenIssued {
        /// Who and for whom.
        parties: Parties,
        /// The token.
        token: TokenId,
        /// Its type URI.
        token_type: Name,
        /// The key that signed it.
        key: KeyId,
        /// Its end of validity.
        not_on_or_after: UtcTime,
    },
    /// 323: not authorized on behalf of a subject.
    DelegationDenied {
        /// Who and for whom.
        parties: Parties,
        /// What decided, and which client asked.
        by: Detail,
    },
    /// 324: the authorization rules do not permit the token.
    IssuanceDenied {
        /// Who and for whom.
        parties: Parties,
        /// What decided: the policy or rule set.
        by: Detail,
    },
    /// 342: a token handed in was not valid.
    TokenValidationFailed {
        /// Who, as far as known.
        parties: Parties,
        /// Type of the token.
        token_type: Name,
        /// Why, exactly.
        reason: CredentialFailure,
        /// What else is known.
        detail: Detail,
    },
    /// 364: a passive request failed.
    PassiveRequestFailed {
        /// Who and for whom, as far as known.
        parties: Parties,
        /// The code on the page.
        code: ErrorCode,
        /// The cause.
        detail: Detail,
    },
    /// 403: an HTTP request arrived. Its path is the request's; the query is left out, it can carry codes and tokens.
    RequestReceived {
        /// Its method.
        method: Name,
        /// The port it came to.
        local_port: u16,
        /// Octets of the body that it announces.
        content_length: Option<u64>,
    },
    /// 404: an HTTP response left.
    ResponseSent {
        /// Its status.
        status: u16,
        /// What the status is called.
        description: &'static str,
    },
    /// 410: headers of a proxy or of Exchange Online were present.
    RequestContext {
        /// Names and values of the `X-MS-*` headers; at most 16 are written.
        headers: Vec<(Name, Identifier)>,
    },
    /// 411: a credential was not good, with the client's address.
    TokenRejected {
        /// Who, as far as known.
        parties: Parties,
        /// Type of the credential.
        token_type: Name,
        /// Why, exactly.
        reason: CredentialFailure,
    },
    /// 412: a credential was good.
    TokenAccepted {
        /// Who and for whom.
        parties: Parties,
        /// Type of the credential.
        token_type: Name,
    },
    /// 413: a token request could not be processed.
    RequestFailed {
        /// Who and for whom, as far as known.
        parties: Parties,
        /// The code.
        code: ErrorCode,
        /// The cause.
        detail: Detail,
    },
    /// 500 to 503: claims, in parts. Made by [`claims_events`](super::claims_events).
    Claims {
        /// Whose.
        of: ClaimsOf,
        /// Number of this part, from 1.
        part: usize,
        /// How many parts there are.
        parts: usize,
        /// The claims of this part.
        claims: Vec<ClaimLine>,
        /// How many claims were left out of all parts.
        omitted: usize,
    },
    /// 512: the account is locked here, and the attempt is let through as configured.
    LockedButAllowed {
        /// Who.
        parties: Parties,
    },
    /// 515: the account is locked here, and the right password was given: it may be compromised.
    LockedWithRightPassword {
        /// Who.
        parties: Parties,
    },
    /// 516: the account is now locked here after too many wrong passwords.
    AccountLocked {
        /// Who.
        parties: Parties,
        /// Wrong passwords counted.
        failures: u32,
    },
    /// 168 (taken over) or 156 (not): a partner's metadata says something new, or cannot be had.
    PartnerMetadata {
        /// Whose.
        parties: Parties,
        /// Whether it is in use now.
        taken: bool,
        /// What changed, or why it is not taken.
        detail: Detail,
    },
    /// 9002: an attribute store gave no answer, so no token is issued.
    AttributeStoreFailed {
        /// Who and for whom.
        parties: Parties,
        /// The store, as the rule names it.
        store: Name,
        /// The rule set, and the rule in it.
        rule: Detail,
        /// AD FS' number of the failure: `POLICY0018`, or `POLICY0017` for a store that does not exist.
        code: ErrorCode,
        /// The failure, in AD FS' words where it has some; parameters are left out.
        detail: Detail,
        /// Whether the same request may succeed a little later.
        retryable: bool,
    },
    /// 9001: SIDs that the realm of a ticket may not assert were dropped.
    SidsFiltered {
        /// Who.
        parties: Parties,
        /// The realm.
        realm: Name,
        /// How many were dropped.
        dropped: usize,
        /// The first of them; at most 16 are written.
        sids: Vec<Sid>,
    },
    /// 9003: a UPN that is not the realm's to give was dropped.
    UpnDropped {
        /// Who.
        parties: Parties,
        /// The realm.
        realm: Name,
        /// What it said.
        upn: Name,
    },
    /// 9020: somebody registers a device.
    DeviceRegistration {
        /// Who.
        parties: Parties,
        /// What.
        attempt: DeviceAttempt,
        /// Why it came to nothing; `None` when the device is registered.
        refused: Option<DeviceRefusal>,
    },
    /// 9021: a device ends its registration.
    DeviceUnregistration {
        /// Who.
        parties: Parties,
        /// What.
        attempt: DeviceAttempt,
        /// Why it came to nothing; `None` when the device is gone.
        refused: Option<DeviceRefusal>,
    },
    /// 9022: somebody adds a key to an account, to sign in by.
    AccountKeyRegistration {
        /// Who.
        parties: Parties,
        /// From which device.
        attempt: DeviceAttempt,
        /// Why it came to nothing; `None` when the key is registered.
        refused: Option<DeviceRefusal>,
    },
    /// 9030: an administrator or a sweep changed a registered device, or tried to.
    DeviceAdministered {
        /// Who, as far as the operating system tells.
        parties: Parties,
        /// The device.
        device: DeviceId,
        /// `disable`, `enable`, `delete` or `delete-half`.
        change: Name,
        /// Why it was not changed; `None` when it was.
        failure: Option<Detail>,
    },
}

impl EventKind {
    /// The event's number.
    pub const fn number(&self) -> u16 {
        match self {
            Self::AppTokenIssued { .. } => 1200,
            Self::AppTokenFailed { .. } => 1201,
            Self::CredentialAccepted { .. } => 1202,
            Self::CredentialRejected { .. } => 1203,
            Self::PasswordChanged { .. } => 1204,
            Self::PasswordChangeFailed { .. } => 1205,
            Self::SignOut { success: true, .. } => 1206,
            Self::SignOut { success: false, .. } => 1207,
            Self::ExtranetLockout { .. } => 1210,
            Self::TokenIssued { .. } => 299,
            Self::DelegationDenied { .. } => 323,
            Self::IssuanceDenied { .. } => 324,
            Self::TokenValidationFailed { .. } => 342,
            Self::PassiveRequestFailed { .. } => 364,
            Self::RequestReceived { .. } => 403,
            Self::ResponseSent { .. } => 404,
            Self::RequestContext { .. } => 410,
            Self::TokenRejected { .. } => 411,
            Self::TokenAccepted { .. } => 412,
            Self::RequestFailed { .. } => 413,
            Self::Claims { of, .. } => match of {
                ClaimsOf::Issued => 500,
                ClaimsOf::Caller => 501,
                ClaimsOf::OnBehalfOf => 502,
                ClaimsOf::ActAs => 503,
            },
            Self::LockedButAllowed { .. } => 512,
            Self::LockedWithRightPassword { .. } => 515,
            Self::AccountLocked { .. } => 516,
            Self::PartnerMetadata { taken: true, .. } => 168,
            Self::PartnerMetadata { taken: false, .. } => 156,
            Self::SidsFiltered { .. } => 9001,
            Self::AttributeStoreFailed { .. } => 9002,
            Self::UpnDropped { .. } => 9003,
            Self::DeviceRegistration { .. } => 9020,
            Self::DeviceUnregistration { .. } => 9021,
            Self::AccountKeyRegistration { .. } => 9022,
            Self::DeviceAdministered { .. } => 9030,
        }
    }
}
