//! Credentials that more than one protocol takes, Negotiate and name with password: checked, and written to the audit log
//! (1202 and 412 when one was good, 1203, 411 and 342 when not). What a client is told of it is each protocol's own.

use crate::audit::{
    AuthnFacts, CredentialFailure, Detail, ErrorCode, EventKind, FailureType, Identifier, Name, Parties,
};
use crate::authn::certificate::CertificateContext;
use crate::authn::password_gate::{GateChangeError, GateError};
use crate::authn::{
    AuthenticatedSubject, AuthenticationMethod, ChangeError, LoginName, NegotiateError, PasswordAccepted,
    PasswordAttempt, PasswordError, SessionRef, SubjectOrigin,
};
use crate::clock::{RandomError, UtcTime};
use crate::directory::Account;
use crate::issuance::Context;
use crate::kerberos::domains::DroppedSid;
use crate::kerberos::{AcceptError, Accepted};
use crate::protocols::browser::PartnerFailure;
use crate::protocols::environment::Environment;
use crate::protocols::http::Call;
use crate::protocols::openid::OpenIdError;
use crate::protocols::prt_failure::PRT_TOKEN;
use crate::secret::Secret;
use crate::tokens::inbound::InboundError;
use crate::tokens::inbound::openid::IdTokenError;
use crate::trusts::ClaimsProvider;

/// Why Negotiate gave no subject; audited and logged where something was tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TicketRefusal {
    /// The first leg of every client: it has not tried anything yet.
    Absent,
    /// It tried, and the token was not good.
    Refused,
    /// Negotiate cannot be offered: a failure of the server.
    Internal,
}

/// What is remembered of a credential that was good.
#[derive(Debug, Clone, Copy)]
pub(super) struct Proof<'a> {
    /// How it was checked.
    pub(super) method: AuthenticationMethod,
    /// DER of the certificate, validated.
    pub(super) certificate: Option<&'a [u8]>,
    /// When the password expires.
    pub(super) password_expires: Option<UtcTime>,
    /// The alternate login id that was written as the user name.
    pub(super) alternate_login_id: Option<&'a str>,
}

/// Why a password gave no account; audited.
#[derive(Debug)]
pub(super) struct PasswordRefusal {
    /// Why, for the audit log; the client never learns it.
    pub(super) failure: CredentialFailure,
    /// What failed, for the operator.
    pub(super) detail: String,
    /// Nobody judged the password; the same one may be good a little later.
    pub(super) retryable: bool,
}

/// Negotiate in HTTP: the subject, and the answer by which the server proves itself. One leg only, so that no client is led
/// into a second.
pub(super) fn negotiate(
    environment: &Environment,
    cx: &Context,
    call: &Call,
) -> Result<(AuthenticatedSubject, Option<Vec<u8>>), TicketRefusal> {
    let certificate = call.connection.server_certificate.as_deref();
    let error = match environment.negotiate.authenticate(call.header("authorization"), certificate) {
        Ok((subject, accepted)) => {
            ticket_accepted(cx, &subject, &accepted);
            return Ok((subject, accepted.reply));
        }
        Err(error) => error,
    };
    let failure = match &error {
        NegotiateError::Absent => return Err(TicketRefusal::Absent),
        NegotiateError::Encoding => CredentialFailure::MalformedToken,
        NegotiateError::Refused(error) => accept_failure(error),
        NegotiateError::Bindings(_) | NegotiateError::Random(_) => {
            tracing::error!(correlation = %cx.request.activity, %error, "Negotiate cannot be offered");
            return Err(TicketRefusal::Internal);
        }
    };
    log_refused(cx, call, &error, failure);
    let parties = principal_of(&error).map_or_else(Parties::default, |name| Parties::claimed(name, None));
    rejected(cx, parties, AuthenticationMethod::Windows, KERBEROS_TOKEN, failure, &error.to_string());
    Err(TicketRefusal::Refused)
}

/// Name and password, as somebody typed or sent them.
pub(super) async fn password(
    environment: &Environment,
    cx: &Context,
    call: &Call,
    name: &str,
    password: &Secret<String>,
    relying_party: &str,
) -> Result<PasswordAccepted, PasswordRefusal> {
    let (failure, detail, retryable) = match LoginName::parse(name) {
        Err(error) => (CredentialFailure::UnknownAccount, error.to_string(), false),
        Ok(login) => {
            let attempt = PasswordAttempt { login: &login, password, origin: &call.origin, request: &cx.request };
            match environment.passwords.check(attempt).await {
                Ok(accepted) => {
                    let relying_party = Some(Identifier::public(relying_party));
                    let parties = Parties { relying_party, ..Parties::of_account(&accepted.account) };
                    let dropped = (&*accepted.dropped, accepted.dropped_upn.as_deref());
                    let events = not_asserted(&parties, &accepted.account, dropped);
                    if !events.is_empty() {
                        cx.note(events);
                    }
                    return Ok(accepted);
                }
                Err(error) => (gate_failure(&error), error.to_string(), error.is_retryable()),
            }
        }
    };
    let parties = Parties::claimed(name, Some(relying_party));
    rejected(cx, parties, AuthenticationMethod::Password, USERNAME_TOKEN, failure, &detail);
    Err(PasswordRefusal { failure, detail, retryable })
}

/// Why a password was not changed; audited.
#[derive(Debug)]
pub(super) enum ChangeRefusal {
    /// The old password was not accepted.
    Password(PasswordRefusal),
    /// It was right, and the account keeps it.
    Change(ChangeError),
}

/// Another password for the account, from somebody who knows the old one.
pub(super) async fn change_password(
    environment: &Environment,
    cx: &Context,
    call: &Call,
    name: &str,
    old: &Secret<String>,
    new: &Secret<String>,
) -> Result<(), ChangeRefusal> {
    let parties = || Parties::claimed(name, None);
    let error = match LoginName::parse(name) {
        Err(error) => {
            let (failure, detail) = (CredentialFailure::UnknownAccount, error.to_string());
            ChangeRefusal::Password(PasswordRefusal { failure, detail, retryable: false })
        }
        Ok(login) => {
            let attempt = PasswordAttempt { login: &login, password: old, origin: &call.origin, request: &cx.request };
            match environment.passwords.change(attempt, new).await {
                Ok(()) => {
                    cx.note([EventKind::PasswordChanged { parties: parties() }]);
                    return Ok(());
                }
                Err(GateChangeError::Password(error)) => ChangeRefusal::Password(PasswordRefusal {
                    failure: gate_failure(&error),
                    detail: error.to_string(),
                    retryable: error.is_retryable(),
                }),
                Err(GateChangeError::Change(error)) => ChangeRefusal::Change(error),
            }
        }
    };
    let (failure, code) = match &error {
        ChangeRefusal::Password(PasswordRefusal { failure, detail, .. }) => {
            rejected(cx, parties(), AuthenticationMethod::Password, USERNAME_TOKEN, *failure, detail);
            (FailureType::CredentialValidation, failure.as_str())
        }
        ChangeRefusal::Change(ChangeError::AgainstRules(_)) => (FailureType::Authorization, "PasswordAgainstRules"),
        ChangeRefusal::Change(ChangeError::NotAllowed) => (FailureType::Authorization, "PasswordChangeNotAllowed"),
        ChangeRefusal::Change(ChangeError::Unavailable { reason }) => {
            tracing::warn!(correlation = %cx.request.activity, %reason, "a password could not be changed");
            (FailureType::Service, CredentialFailure::DirectoryUnavailable.as_str())
        }
    };
    cx.note([EventKind::PasswordChangeFailed { parties: parties(), failure, code: ErrorCode(code) }]);
    Err(error)
}

/// The subject of a credential that was good.
pub(super) fn accepted(
    cx: &Context,
    account: Account,
    proof: Proof<'_>,
    relying_party: &str,
    token_type: &str,
) -> Result<AuthenticatedSubject, RandomError> {
    let session = SessionRef::random(&*cx.services.random)?;
    let subject = AuthenticatedSubject {
        origin: SubjectOrigin::Directory(account),
        methods: vec![proof.method],
        instant: cx.services.clock.now(),
        device: None,
        certificate: proof.certificate.map(CertificateContext::of_validated),
        session,
        password_expires: proof.password_expires,
        alternate_login_id: proof.alternate_login_id.map(str::to_owned),
    };
    let parties = Parties::of(&subject, Some(relying_party));
    cx.note([
        EventKind::CredentialAccepted { parties: parties.clone(), authn: AuthnFacts::of(&subject) },
        EventKind::TokenAccepted { parties, token_type: Name::public(token_type) },
    ]);
    Ok(subject)
}

/// The audit events of a subject that a primary refresh token, or what was made with one, stands for.
pub(super) fn prt_accepted(cx: &Context, subject: &AuthenticatedSubject, relying_party: Option<&str>) {
    let parties = Parties::of(subject, relying_party);
    cx.note([
        EventKind::CredentialAccepted { parties: parties.clone(), authn: AuthnFacts::of(subject) },
        EventKind::TokenAccepted { parties, token_type: Name::constant(PRT_TOKEN) },
    ]);
}

/// The audit events of a user whom a claims provider vouches for.
pub(super) fn partner_accepted(
    cx: &Context,
    subject: &AuthenticatedSubject,
    relying_party: &str,
    token_type: &'static str,
) {
    let parties = Parties::of(subject, Some(relying_party));
    cx.note([
        EventKind::CredentialAccepted { parties: parties.clone(), authn: AuthnFacts::of(subject) },
        EventKind::TokenAccepted { parties, token_type: Name::constant(token_type) },
    ]);
}

/// The audit events of an answer of a claims provider that is not taken.
pub(super) fn partner_refused(cx: &Context, provider: &ClaimsProvider, relying_party: &str, failure: &PartnerFailure) {
    let parties = Parties {
        claims_provider: Some(Identifier::public(provider.id.as_str())),
        relying_party: Some(Identifier::public(relying_party)),
        ..Parties::default()
    };
    let reason = match failure {
        PartnerFailure::Token(InboundError::Signature(_) | InboundError::NoValidCertificate { .. })
        | PartnerFailure::OpenId(OpenIdError::IdToken(IdTokenError::Signature | IdTokenError::NoKey { .. })) => {
            CredentialFailure::Signature
        }
        PartnerFailure::Token(InboundError::TooEarly { .. } | InboundError::TooLate { .. })
        | PartnerFailure::OpenId(OpenIdError::IdToken(IdTokenError::Time { .. })) => CredentialFailure::MessageTime,
        PartnerFailure::Token(InboundError::Replayed { .. }) | PartnerFailure::Again => CredentialFailure::Replayed,
        PartnerFailure::Token(InboundError::Store(_)) => CredentialFailure::DirectoryUnavailable,
        _ => CredentialFailure::PartnerToken,
    };
    let detail = failure.to_string();
    tracing::warn!(correlation = %cx.request.activity, claims_provider = %provider.id, %detail, "the answer of a claims provider is refused");
    rejected(cx, parties, AuthenticationMethod::Federated, SAML_TOKEN, reason, &detail);
}

fn ticket_accepted(cx: &Context, subject: &AuthenticatedSubject, accepted: &Accepted) {
    let parties = Parties::of(subject, None);
    let mut events = vec![
        EventKind::CredentialAccepted { parties: parties.clone(), authn: AuthnFacts::of(subject) },
        EventKind::TokenAccepted { parties: parties.clone(), token_type: Name::constant(KERBEROS_TOKEN) },
    ];
    events.extend(not_asserted(&parties, &accepted.account, (&accepted.dropped, accepted.dropped_upn.as_deref())));
    cx.note(events);
}

/// The audit events of what the realm of an account may not assert: SIDs (9001) and a UPN (9003), where there were any.
fn not_asserted(parties: &Parties, account: &Account, (sids, upn): (&[DroppedSid], Option<&str>)) -> Vec<EventKind> {
    let realm = || Name::public(&account.realm);
    let filtered = (!sids.is_empty()).then(|| EventKind::SidsFiltered {
        parties: parties.clone(),
        realm: realm(),
        dropped: sids.len(),
        sids: sids.iter().map(|dropped| dropped.sid).collect(),
    });
    let upn = upn.map(|upn| EventKind::UpnDropped { parties: parties.clone(), realm: realm(), upn: Name::public(upn) });
    filtered.into_iter().chain(upn).collect()
}

/// The audit events of a credential that was not good.
pub(super) fn rejected(
    cx: &Context,
    parties: Parties,
    method: AuthenticationMethod,
    token_type: &str,
    reason: CredentialFailure,
    detail: &str,
) {
    let failure = match reason {
        CredentialFailure::SoftLockout => FailureType::ExtranetLockout,
        CredentialFailure::DirectoryUnavailable => FailureType::Service,
        _ => FailureType::CredentialValidation,
    };
    let token_type = Name::public(token_type);
    cx.note([
        EventKind::CredentialRejected { parties: parties.clone(), authn: AuthnFacts::tried(method), failure, reason },
        EventKind::TokenRejected { parties: parties.clone(), token_type: token_type.clone(), reason },
        EventKind::TokenValidationFailed { parties, token_type, reason, detail: Detail::public(detail) },
    ]);
}

/// One line that says what an administrator has to look at. NTLM is the support case number one.
fn log_refused(cx: &Context, call: &Call, error: &NegotiateError, failure: CredentialFailure) {
    let host = call.header("host").unwrap_or_default();
    let client = call.origin.client_ip;
    if failure == CredentialFailure::NtlmRefused {
        tracing::warn!(
            correlation = %cx.request.activity, %client, host,
            "the client offered NTLM, so it found no Kerberos ticket: the SPN HTTP/{host} is missing or duplicate, the host \
             is addressed by IP or alias, it is not in the client's intranet zone, or no domain controller is in reach"
        );
    } else {
        tracing::warn!(correlation = %cx.request.activity, %client, host, %error, "Negotiate refused");
    }
}

fn principal_of(error: &NegotiateError) -> Option<&str> {
    match error {
        NegotiateError::Refused(
            AcceptError::Replay { principal }
            | AcceptError::ReplayGuardFull { principal }
            | AcceptError::ForeignService { principal, .. }
            | AcceptError::BindingsRequired { principal }
            | AcceptError::NoPac { principal }
            | AcceptError::PacInvalid { principal, .. }
            | AcceptError::UntrustedDomain { principal, .. },
        ) => Some(principal),
        _ => None,
    }
}

fn accept_failure(error: &AcceptError) -> CredentialFailure {
    match error {
        AcceptError::NtlmOffered(_) => CredentialFailure::NtlmRefused,
        AcceptError::Malformed(_) | AcceptError::ContinueNeeded | AcceptError::Anonymous => {
            CredentialFailure::MalformedToken
        }
        AcceptError::Replay { .. } | AcceptError::ReplayGuardFull { .. } => CredentialFailure::Replayed,
        AcceptError::BadBindings | AcceptError::BindingsRequired { .. } => CredentialFailure::ChannelBinding,
        AcceptError::ClockSkew(_) | AcceptError::Expired(_) | AcceptError::NotYetValid(_) => {
            CredentialFailure::TicketTime
        }
        AcceptError::WrongKey { .. }
        | AcceptError::KvnoNotFound { .. }
        | AcceptError::UnknownServicePrincipal { .. }
        | AcceptError::ForeignService { .. }
        | AcceptError::EncryptionType { .. }
        | AcceptError::Credential(_)
        | AcceptError::Gss(_) => CredentialFailure::ForeignTicket,
        AcceptError::NoPac { .. } | AcceptError::PacInvalid { .. } | AcceptError::UntrustedDomain { .. } => {
            CredentialFailure::Pac
        }
    }
}

fn gate_failure(error: &GateError) -> CredentialFailure {
    let error = match error {
        GateError::Rejected(error) => error,
        GateError::Banned { .. } | GateError::Locked { .. } | GateError::SourceSlowed { .. } => {
            return CredentialFailure::SoftLockout;
        }
        GateError::Overloaded => return CredentialFailure::DirectoryUnavailable,
    };
    match error {
        PasswordError::Wrong | PasswordError::Empty | PasswordError::Unusable => CredentialFailure::WrongPassword,
        PasswordError::UnknownAccount => CredentialFailure::UnknownAccount,
        PasswordError::Disabled => CredentialFailure::AccountDisabled,
        PasswordError::Locked => CredentialFailure::AccountLocked,
        PasswordError::AccountExpired => CredentialFailure::AccountExpired,
        PasswordError::PasswordExpired => CredentialFailure::PasswordExpired,
        PasswordError::MustChange => CredentialFailure::PasswordMustChange,
        PasswordError::OutsideHours | PasswordError::WorkstationDenied | PasswordError::Refused { .. } => {
            CredentialFailure::Restricted
        }
        PasswordError::Unavailable { .. } => CredentialFailure::DirectoryUnavailable,
        PasswordError::Untrusted { .. } => CredentialFailure::SpoofedKdc,
    }
}

/// Type of a Kerberos ticket as a credential.
pub(super) const KERBEROS_TOKEN: &str = "http://schemas.microsoft.com/ws/2006/05/identitymodel/tokens/Kerberos";
/// Type of name and password as a credential.
pub(super) const USERNAME_TOKEN: &str = "http://schemas.microsoft.com/ws/2006/05/identitymodel/tokens/UserName";
/// Type of what claims providers send.
const SAML_TOKEN: &str = "urn:oasis:names:tc:SAML:2.0:assertion";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authn::session::tests::subject;
    use crate::kerberos::domains::DropReason;

    #[test]
    fn what_was_dropped_is_said_with_the_account() {
        let SubjectOrigin::Directory(account) =
            subject(AuthenticationMethod::Password, UtcTime::from_unix_seconds(1_767_607_201)).origin
        else {
            panic!("an account")
        };
        let said = Parties::of_account(&account);
        assert!(not_asserted(&said, &account, (&[], None)).is_empty());
        let foreign = "S-1-5-21-9-9-9-512".parse().unwrap();
        let dropped = [DroppedSid { sid: foreign, reason: DropReason::ForeignDomain }];
        let events = not_asserted(&said, &account, (&dropped, Some("alice@elsewhere.example")));
        let [EventKind::SidsFiltered { parties, dropped: 1, sids, .. }, EventKind::UpnDropped { upn, .. }] = &*events
        else {
            panic!("two events")
        };
        assert_eq!(upn.as_str(), "alice@elsewhere.example");
        assert_eq!((parties.sid, sids), (Some(account.sid), &vec![foreign]));
    }
}
