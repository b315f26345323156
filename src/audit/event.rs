//! Audit events and what they carry (ws-federation.md 12.3).

use std::net::IpAddr;
use std::sync::Arc;

use uuid::Uuid;

use super::text::{Capped, Detail, Identifier, Name};
use crate::authn::{AuthenticatedSubject, AuthenticationMethod, DeviceRef, SubjectOrigin};
use crate::claims::ClaimSet;
use crate::clock::UtcTime;
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

/// What is known of a request: made once, shared by its events. AD FS `RequestAuditComponent`.
#[derive(Debug, Clone)]
pub struct RequestFacts {
    /// `Activity ID`, the correlation id of the request, as in answers and log lines.
    pub activity: Uuid,
    /// `Server`: the federation service identifier.
    pub server: Identifier,
    /// `AuthProtocol`.
    pub protocol: AuthProtocol,
    /// `NetworkLocation`.
    pub location: NetworkLocation,
    /// `IpAddress`: the client's, as far as trusted proxies tell.
    pub client: Option<IpAddr>,
    /// `ForwardedIpAddress`: what Exchange Online and other clients state; at most 8 are written.
    pub forwarded: Vec<IpAddr>,
    /// `ProxyIpAddress`: the federation proxy.
    pub proxy: Option<IpAddr>,
    /// `NetworkIpAddress`: the peer of the connection.
    pub peer: Option<IpAddr>,
    /// `ProxyServer`: the proxy's name (`X-MS-Proxy`).
    pub proxy_server: Option<Name>,
    /// `UserAgentString`.
    pub user_agent: Option<Identifier>,
    /// `Endpoint`: the path, by [`Identifier::path`].
    pub endpoint: Identifier,
}

/// Protocol of a request, by AD FS' names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthProtocol {
    /// WS-Trust.
    WsTrust,
    /// WS-Federation passive.
    WsFederation,
    /// SAML 2.0.
    Saml,
    /// OAuth 2.0 and `OpenID Connect`.
    OAuth,
}

impl AuthProtocol {
    /// As AD FS writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::WsTrust => "WSTrust",
            Self::WsFederation => "WSFederation",
            Self::Saml => "SAMLP",
            Self::OAuth => "OAuth",
        }
    }
}

/// Where a request came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NetworkLocation {
    /// Inside.
    Intranet,
    /// Outside, or through a federation proxy.
    Extranet,
}

impl NetworkLocation {
    /// As AD FS writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Intranet => "Intranet",
            Self::Extranet => "Extranet",
        }
    }
}

/// Who takes part. AD FS `ResourceAuditComponent`, with the subject's SID.
#[derive(Debug, Clone, Default)]
pub struct Parties {
    /// `RelyingParty`: the identifier asked for.
    pub relying_party: Option<Identifier>,
    /// `ClaimsProvider`.
    pub claims_provider: Option<Identifier>,
    /// `UserId`: `DOMAIN\user`, or the name as typed when there is no account yet.
    pub user: Option<Name>,
    /// SID of the account.
    pub sid: Option<Sid>,
}

impl Parties {
    /// An authenticated subject, and the relying party it wants a token for.
    pub fn of(subject: &AuthenticatedSubject, relying_party: Option<&str>) -> Self {
        let SubjectOrigin::Directory(account) = &subject.origin;
        Self {
            relying_party: relying_party.map(Identifier::public),
            claims_provider: Some(Identifier::public("AD AUTHORITY")),
            user: Some(Name::public(&account.windows_account_name())),
            sid: Some(account.sid),
        }
    }

    /// A name somebody typed, not known to be an account's.
    pub fn claimed(user: &str, relying_party: Option<&str>) -> Self {
        Self { relying_party: relying_party.map(Identifier::public), user: Some(Name::public(user)), ..Self::default() }
    }
}

/// How somebody authenticated. AD FS `AuthNAuditComponent`.
#[derive(Debug, Clone, Default)]
pub struct AuthnFacts {
    /// `PrimaryAuth`.
    pub primary: Option<AuthenticationMethod>,
    /// `DeviceAuth` and `DeviceId`: the registered device that took part.
    pub device: Option<DeviceRef>,
    /// `MfaPerformed` and `MfaMethod`: the second method.
    pub mfa: Option<AuthenticationMethod>,
}

impl AuthnFacts {
    /// The facts of an authentication that succeeded.
    pub fn of(subject: &AuthenticatedSubject) -> Self {
        let mut methods = subject.methods.iter().copied();
        Self { primary: methods.next(), device: subject.device.clone(), mfa: methods.next() }
    }

    /// The method tried in an authentication that failed.
    pub const fn tried(method: AuthenticationMethod) -> Self {
        Self { primary: Some(method), device: None, mfa: None }
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
    /// 403: an HTTP request arrived.
    RequestReceived {
        /// Its method.
        method: Name,
    },
    /// 404: an HTTP response left.
    ResponseSent {
        /// Its status.
        status: u16,
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
    /// 500 to 503: claims, in parts. Made by [`claims_events`].
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
}

impl EventKind {
    /// The event's number.
    pub const fn number(&self) -> u16 {
        match self {
            Self::AppTokenIssued { .. } => 1200,
            Self::AppTokenFailed { .. } => 1201,
            Self::CredentialAccepted { .. } => 1202,
            Self::CredentialRejected { .. } => 1203,
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
            Self::SidsFiltered { .. } => 9001,
        }
    }
}

/// `FailureType` of the 1200 series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureType {
    /// A credential was not good.
    CredentialValidation,
    /// Locked by the server itself.
    ExtranetLockout,
    /// Not permitted.
    Authorization,
    /// The request was not acceptable.
    Request,
    /// The server or what it depends on failed.
    Service,
}

impl FailureType {
    /// As written; the first two are AD FS' words.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CredentialValidation => "CredentialValidationError",
            Self::ExtranetLockout => "ExtranetLockoutError",
            Self::Authorization => "AuthorizationError",
            Self::Request => "RequestError",
            Self::Service => "ServiceError",
        }
    }
}

/// A code users search for (ws-federation.md 12.4), such as `MSIS7068`. Static, so that nothing of a request gets in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ErrorCode(pub &'static str);

macro_rules! credential_failures {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        /// Why a credential was not good. The audit log knows; the client never learns it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum CredentialFailure { $($(#[$doc])* $name,)* }
        impl CredentialFailure {
            /// Every failure.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];
            /// The text in the log.
            pub const fn as_str(self) -> &'static str { match self { $(Self::$name => $text,)* } }
        }
    };
}

credential_failures! {
    /// No such account.
    UnknownAccount = "UnknownAccount";
    /// Wrong password.
    WrongPassword = "WrongPassword";
    /// The password has expired.
    PasswordExpired = "PasswordExpired";
    /// The password must be changed before the first sign-in.
    PasswordMustChange = "PasswordMustChange";
    /// The account is disabled.
    AccountDisabled = "AccountDisabled";
    /// The account has expired.
    AccountExpired = "AccountExpired";
    /// The account is locked in Active Directory.
    AccountLocked = "AccountLocked";
    /// The server's own lockout refused to try.
    SoftLockout = "SoftLockout";
    /// Outside the hours the account may sign in, or from a workstation it may not use.
    Restricted = "Restricted";
    /// An NTLM token where Kerberos is wanted.
    NtlmRefused = "NtlmRefused";
    /// A token that is no SPNEGO or Kerberos token.
    MalformedToken = "MalformedToken";
    /// A Kerberos token that was used before.
    Replayed = "Replayed";
    /// A ticket for another service, or under a key that is not in the keytab.
    ForeignTicket = "ForeignTicket";
    /// An expired ticket, or clocks that differ too much.
    TicketTime = "TicketTime";
    /// Missing or wrong channel bindings.
    ChannelBinding = "ChannelBinding";
    /// No PAC that could be verified, or one of another domain.
    Pac = "InvalidPac";
    /// A KDC that could not prove to be one.
    SpoofedKdc = "UnverifiedKdc";
    /// A certificate of an unknown authority.
    CertificateUntrusted = "CertificateUntrusted";
    /// A certificate before or after its time.
    CertificateTime = "CertificateTime";
    /// A revoked certificate, or one whose revocation cannot be checked.
    CertificateRevoked = "CertificateRevoked";
    /// A certificate that does not map to exactly one account.
    CertificateUnmapped = "CertificateUnmapped";
    /// A signature that does not verify.
    Signature = "InvalidSignature";
    /// A message outside its lifetime.
    MessageTime = "MessageExpired";
    /// A domain controller could not be asked.
    DirectoryUnavailable = "DirectoryUnavailable";
}

/// Whose claims events 500 to 503 show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClaimsOf {
    /// 500: those in the issued token.
    Issued,
    /// 501: those of the caller.
    Caller,
    /// 502: those of the subject acted for.
    OnBehalfOf,
    /// 503: those of the subject acted as.
    ActAs,
}

/// How much of claims is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ClaimDetail {
    /// No events 500 to 503.
    None,
    /// Claim types only.
    #[default]
    Types,
    /// Types and values, as AD FS writes them.
    Values,
}

/// One claim as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimLine {
    /// Claim type URI.
    pub claim_type: Identifier,
    /// Its value, unless only types are written.
    pub value: Option<Detail>,
}

/// The events that show a set of claims, in parts of at most 8 KiB of text each and at most 64 parts; they are joined by
/// the instance id of the events they are put into.
pub fn claims_events(of: ClaimsOf, claims: &ClaimSet, detail: ClaimDetail) -> Vec<EventKind> {
    if detail == ClaimDetail::None {
        return Vec::new();
    }
    let mut parts: Vec<Vec<ClaimLine>> = Vec::new();
    let mut size = PART_OCTETS;
    let mut omitted = 0;
    for claim in claims {
        let line = ClaimLine {
            claim_type: Capped::public(&claim.claim_type),
            value: (detail == ClaimDetail::Values).then(|| Capped::public(&claim.value)),
        };
        let octets = line.claim_type.as_str().len() + line.value.as_ref().map_or(0, |value| value.as_str().len());
        if size + octets > PART_OCTETS {
            if parts.len() == MAX_PARTS {
                omitted += 1;
                continue;
            }
            parts.push(Vec::new());
            size = 0;
        }
        size += octets;
        if let Some(part) = parts.last_mut() {
            part.push(line);
        }
    }
    let count = parts.len();
    parts
        .into_iter()
        .enumerate()
        .map(|(index, claims)| EventKind::Claims { of, part: index + 1, parts: count, claims, omitted })
        .collect()
}

const PART_OCTETS: usize = 8 * 1024;
const MAX_PARTS: usize = 64;
