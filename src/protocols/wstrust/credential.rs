//! The four ways to prove who one is at a WS-Trust endpoint. Each ends in the same subject, and each writes its own audit
//! events: 1202 and 412 when the credential was good, 1203, 411 and 342 when not.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};

use super::refusal::Refusal;
use super::request::{Timestamp, TrustRequest};
use crate::audit::{CredentialFailure, Parties};
use crate::authn::{AuthenticatedSubject, AuthenticationMethod};
use crate::directory::Account;
use crate::issuance::Context;
use crate::protocols::certificate_credential::{self, CertificateRefusal, HeldCertificate, X509_TOKEN};
use crate::protocols::credential::{self, PasswordRefusal, Proof, TicketRefusal, USERNAME_TOKEN};
use crate::protocols::environment::{CertificateSignIn, Environment};
use crate::protocols::http::{Answer, Call};
use crate::xml::verify::{self, MessageSignature, Policy, VerifyError};

/// Negotiate in HTTP. The error is the answer itself: 401, without a token.
pub(super) fn negotiate(
    environment: &Environment,
    cx: &Context,
    call: &Call,
) -> Result<(AuthenticatedSubject, Option<Vec<u8>>), Answer> {
    credential::negotiate(environment, cx, call).map_err(|refusal| match refusal {
        TicketRefusal::Internal => Answer::empty(StatusCode::INTERNAL_SERVER_ERROR),
        TicketRefusal::Absent | TicketRefusal::Refused => {
            let challenge = HeaderValue::from_static("Negotiate");
            Answer::empty(StatusCode::UNAUTHORIZED).with_header(header::WWW_AUTHENTICATE, challenge)
        }
    })
}

/// Name and password in a `UsernameToken`.
pub(super) async fn username(
    environment: &Environment,
    cx: &Context,
    call: &Call,
    request: &TrustRequest,
) -> Result<AuthenticatedSubject, Refusal> {
    let method = AuthenticationMethod::Password;
    let missing = || no_security(cx, method, USERNAME_TOKEN);
    let security = request.security.as_ref().ok_or_else(missing)?;
    let token = security.username_token.as_ref().ok_or_else(missing)?;
    let parties = Parties::claimed(&token.username, Some(&request.applies_to));
    check_time(cx, security.timestamp, &parties, method, USERNAME_TOKEN)?;
    let checked =
        credential::password(environment, cx, call, &token.username, &token.password, &request.applies_to).await;
    match checked {
        Ok(accepted) => {
            let alternate_login_id = accepted.alternate_login_id.as_deref();
            let proof = Proof { certificate: None, password_expires: accepted.expires, method, alternate_login_id };
            subject(cx, accepted.account, proof, &request.applies_to, USERNAME_TOKEN)
        }
        Err(PasswordRefusal { retryable: true, detail, .. }) => Err(Refusal::Unavailable { reason: detail }),
        Err(refusal) => Err(Refusal::Credential(refusal.failure)),
    }
}

/// A certificate that signed the security header.
pub(super) async fn signed_message(
    environment: &Environment,
    cx: &Context,
    call: &Call,
    request: &TrustRequest,
) -> Result<AuthenticatedSubject, Refusal> {
    let method = AuthenticationMethod::X509;
    let sign_in = certificates(environment, cx, method, X509_TOKEN)?;
    let security = request.security.as_ref().filter(|security| security.signed);
    let security = security.ok_or_else(|| no_security(cx, method, X509_TOKEN))?;
    let parties =
        Parties { relying_party: Parties::claimed("", Some(&request.applies_to)).relying_party, ..Parties::default() };
    let refuse = |failure: CredentialFailure, detail: &str| {
        credential::rejected(cx, parties.clone(), method, X509_TOKEN, failure, detail);
        Refusal::MessageSecurity(failure)
    };
    let signature: MessageSignature = verify::verify_security_header(&call.body, &Policy::STRICT, &|_| None)
        .map_err(|error: VerifyError| refuse(CredentialFailure::Signature, &error.to_string()))?;
    // The timestamp that counts is the signed one; it is the same element the decoder read, and it must be there.
    let timestamp = signature.timestamp.document().ok().and_then(|document| super::request::timestamp(document.root()));
    let Some(timestamp) = timestamp.filter(|signed| security.timestamp == Some(*signed)) else {
        return Err(refuse(CredentialFailure::Signature, "the signed Timestamp is not readable"));
    };
    // Without it another server that the client talks to could hand the message on to this one.
    if !signed_to(&signature).is_some_and(|to| super::request::names_one_of(&to, &environment.hosts)) {
        return Err(refuse(CredentialFailure::Signature, "no signed To names this server"));
    }
    check_time(cx, Some(timestamp), &parties, method, X509_TOKEN)?;
    let held = HeldCertificate { leaf: &signature.certificate, chain: &[], method };
    let account = certificate_account(cx, sign_in, held, request).await?;
    first_use(cx, sign_in, &signature.value, request, timestamp).await?;
    let proof =
        Proof { certificate: Some(&signature.certificate), password_expires: None, method, alternate_login_id: None };
    subject(cx, account, proof, &request.applies_to, X509_TOKEN)
}

/// The address that the signature covers.
fn signed_to(signature: &MessageSignature) -> Option<String> {
    let document = signature.to.as_ref()?.document().ok()?;
    Some(document.root().text().ok()?.trim().to_owned())
}

/// A certificate in TLS; the handshake has proved that the client holds its key.
pub(super) async fn tls_certificate(
    environment: &Environment,
    cx: &Context,
    call: &Call,
    request: &TrustRequest,
) -> Result<AuthenticatedSubject, Refusal> {
    let method = AuthenticationMethod::TlsClient;
    let sign_in = certificates(environment, cx, method, X509_TOKEN)?;
    let Some((leaf, chain)) = call.connection.client_certificates.split_first() else {
        return Err(no_security(cx, method, X509_TOKEN));
    };
    let account = certificate_account(cx, sign_in, HeldCertificate { leaf, chain, method }, request).await?;
    let proof = Proof { certificate: Some(leaf), password_expires: None, method, alternate_login_id: None };
    subject(cx, account, proof, &request.applies_to, X509_TOKEN)
}

fn certificates<'e>(
    environment: &'e Environment,
    cx: &Context,
    method: AuthenticationMethod,
    token_type: &str,
) -> Result<&'e CertificateSignIn, Refusal> {
    environment.certificates.as_ref().ok_or_else(|| {
        let failure = CredentialFailure::CertificateUntrusted;
        let detail = "no certificate authority is configured in [certificates]";
        credential::rejected(cx, Parties::default(), method, token_type, failure, detail);
        Refusal::Credential(failure)
    })
}

async fn certificate_account(
    cx: &Context,
    sign_in: &CertificateSignIn,
    held: HeldCertificate<'_>,
    request: &TrustRequest,
) -> Result<Account, Refusal> {
    let found = certificate_credential::account(cx, sign_in, held, &request.applies_to).await;
    found.map_err(
        |CertificateRefusal { failure, detail, retryable }| {
            if retryable { Refusal::Unavailable { reason: detail } } else { Refusal::Credential(failure) }
        },
    )
}

/// Refuses a signature that was used: it carries the credential, and nobody but its maker should hold it. Two honest
/// requests of one second may have the same signature (PKCS#1 v1.5 is deterministic), so the message id counts too.
async fn first_use(
    cx: &Context,
    sign_in: &CertificateSignIn,
    signature: &[u8],
    request: &TrustRequest,
    timestamp: Timestamp,
) -> Result<(), Refusal> {
    use crate::store::{FirstUse, Purpose, TokenId};
    let mut octets = signature.to_vec();
    octets.extend(request.message_id.as_deref().unwrap_or_default().as_bytes());
    let id = TokenId::from_octets(&octets).map_err(|error| Refusal::Unavailable { reason: error.to_string() })?;
    let until = timestamp.created.plus(Duration::from_mins(15));
    match sign_in.used_signatures.redeem(Purpose::RequestSignature, &id, until).await {
        Ok(FirstUse::First) => Ok(()),
        Ok(FirstUse::Repeated) => {
            let failure = CredentialFailure::Replayed;
            let parties = Parties::claimed("", Some(&request.applies_to));
            credential::rejected(cx, parties, AuthenticationMethod::X509, X509_TOKEN, failure, "signature seen before");
            Err(Refusal::MessageSecurity(failure))
        }
        Err(error) => Err(Refusal::Unavailable { reason: error.to_string() }),
    }
}

fn subject(
    cx: &Context,
    account: Account,
    proof: Proof<'_>,
    relying_party: &str,
    token_type: &str,
) -> Result<AuthenticatedSubject, Refusal> {
    credential::accepted(cx, account, proof, relying_party, token_type).map_err(|error| Refusal::Issue(error.into()))
}

/// Five minutes either way; a message without a `Timestamp` is accepted, as some clients send none.
fn check_time(
    cx: &Context,
    timestamp: Option<Timestamp>,
    parties: &Parties,
    method: AuthenticationMethod,
    token_type: &str,
) -> Result<(), Refusal> {
    let Some(Timestamp { created, expires }) = timestamp else { return Ok(()) };
    let now = cx.services.clock.now();
    let current = created <= now.plus(CLOCK_SKEW)
        && expires.is_none_or(|expires| created < expires && expires.plus(CLOCK_SKEW) > now)
        // Without an end, WCF's default validity counts.
        && (expires.is_some() || created.plus(CLOCK_SKEW).plus(CLOCK_SKEW) > now);
    if current {
        return Ok(());
    }
    let detail = format!("Timestamp from {created} to {expires:?}, here it is {now}");
    credential::rejected(cx, parties.clone(), method, token_type, CredentialFailure::MessageTime, &detail);
    Err(Refusal::MessageSecurity(CredentialFailure::MessageTime))
}

fn no_security(cx: &Context, method: AuthenticationMethod, token_type: &str) -> Refusal {
    let failure = CredentialFailure::MalformedToken;
    let detail = "the message has no credential of the kind this endpoint takes";
    credential::rejected(cx, Parties::default(), method, token_type, failure, detail);
    Refusal::MessageSecurity(failure)
}

const CLOCK_SKEW: Duration = Duration::from_mins(5);
