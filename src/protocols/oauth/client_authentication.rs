//! Which client sends a request, and how it proves that (oauth-oidc-prt.md 2.4).

use std::sync::Arc;

use actix_web::http::header;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::OAuthSettings;
use super::error::OAuthError;
use crate::audit::{CredentialFailure, Parties};
use crate::authn::{AuthenticatedSubject, AuthenticationMethod, ClientSubject, SubjectOrigin};
use crate::directory::Account;
use crate::issuance::Context;
use crate::protocols::browser::parameters::{Parameters, decode};
use crate::protocols::credential::{self, TicketRefusal};
use crate::protocols::environment::Environment;
use crate::protocols::http::Call;
use crate::secret::Secret;
use crate::store::{FirstUse, Purpose, TokenId};
use crate::tokens::jwt::{JwtError, verify_client_assertion};
use crate::trusts::Client;

/// A client that is who it says.
#[derive(Debug)]
pub(super) struct AuthenticatedClient {
    /// The client.
    pub(super) client: Arc<Client>,
    /// How it proved that; `None` for a public client, which cannot.
    pub(super) proof: Option<ClientProof>,
    /// The answer to its ticket, by which the server proves itself.
    pub(super) ticket_answer: Option<Vec<u8>>,
}

impl AuthenticatedClient {
    /// The client as somebody who authenticated: for a token of its own, or to ask on behalf of somebody.
    ///
    /// # Errors
    /// [`OAuthError::GrantNotAllowed`] for a client that proved nothing; [`OAuthError::Random`].
    pub(super) fn subject(&self, cx: &Context) -> Result<AuthenticatedSubject, OAuthError> {
        let proof = self.proof.ok_or(OAuthError::GrantNotAllowed)?;
        let Client { id, name, .. } = &*self.client;
        let origin = SubjectOrigin::Client(ClientSubject { id: id.clone(), name: name.clone() });
        let now = cx.services.clock.now();
        Ok(AuthenticatedSubject::begin(origin, proof.method(), now, &*cx.services.random)?)
    }
}

/// How a client proved who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ClientProof {
    /// A secret.
    Secret,
    /// An assertion under its key.
    Assertion,
    /// A ticket of its account.
    Windows,
}

impl ClientProof {
    /// The method as claims name it.
    pub(super) const fn uri(self) -> &'static str {
        match self {
            Self::Secret => "http://schemas.microsoft.com/ws/2008/06/identity/authenticationmethod/password",
            Self::Assertion => "http://schemas.microsoft.com/ws/2008/06/identity/authenticationmethod/x509",
            Self::Windows => "http://schemas.microsoft.com/ws/2008/06/identity/authenticationmethod/windows",
        }
    }

    /// The method as the audit log names it.
    pub(super) const fn method(self) -> AuthenticationMethod {
        match self {
            Self::Secret => AuthenticationMethod::Password,
            Self::Assertion => AuthenticationMethod::X509,
            Self::Windows => AuthenticationMethod::Windows,
        }
    }
}

/// What a request says of its client.
struct Claimed<'a> {
    id: String,
    secret: Option<Secret<String>>,
    assertion: Option<&'a str>,
    windows: bool,
    basic: bool,
}

/// Finds the client of a request, and lets it prove that it is the one. Refusals are in the audit log.
///
/// # Errors
/// [`OAuthError`].
pub(super) async fn authenticate(
    environment: &Environment,
    settings: &OAuthSettings,
    cx: &Context,
    call: &Call,
    form: &Parameters,
) -> Result<AuthenticatedClient, OAuthError> {
    let claimed = claimed(call, form)?;
    let known = cx.services.trusts.client(&claimed.id).filter(|client| client.enabled);
    let Some(client) = known.cloned() else {
        let method = AuthenticationMethod::Password;
        rejected(cx, &claimed.id, method, CredentialFailure::UnknownAccount, "no enabled client has the id");
        return Err(if claimed.basic { failed("no such client", true) } else { OAuthError::UnknownClient });
    };
    if !client.is_confidential() {
        return Ok(AuthenticatedClient { client, proof: None, ticket_answer: None });
    }
    let checked = match &claimed {
        Claimed { windows: true, .. } => {
            windows(environment, cx, call, &client).map(|reply| (ClientProof::Windows, reply))
        }
        Claimed { assertion: Some(assertion), .. } => {
            by_assertion(settings, cx, &client, assertion).await.map(|()| (ClientProof::Assertion, None))
        }
        Claimed { secret: Some(secret), .. } => {
            by_secret(cx, &client, secret, claimed.basic).map(|()| (ClientProof::Secret, None))
        }
        _ => {
            let reason = "the client must authenticate and sent nothing to do so";
            rejected(cx, &client.id, AuthenticationMethod::Password, CredentialFailure::WrongPassword, reason);
            Err(failed(reason, claimed.basic))
        }
    };
    let (proof, ticket_answer) = checked?;
    Ok(AuthenticatedClient { client, proof: Some(proof), ticket_answer })
}

/// Reads the client's id and the one credential it sends.
fn claimed<'a>(call: &Call, form: &'a Parameters) -> Result<Claimed<'a>, OAuthError> {
    let in_body = form.line("client_id", MAX_ID)?;
    let secret = form.get("client_secret")?.map(|secret| Secret::new(secret.to_owned()));
    let assertion = form.get("client_assertion")?;
    if let Some(assertion_type) = form.line("client_assertion_type", MAX_ID)?
        && assertion_type != ASSERTION_TYPE
    {
        return Err(OAuthError::Unusable { name: "client_assertion_type", reason: "it is not jwt-bearer" });
    }
    let windows = form.line("use_windows_client_authentication", MAX_ID)? == Some("true");
    let basic = call.header(header::AUTHORIZATION.as_str()).and_then(|value| {
        let (scheme, credentials) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("basic").then_some(credentials.trim())
    });
    let sent = [secret.is_some(), assertion.is_some(), windows, basic.is_some()];
    if sent.iter().filter(|sent| **sent).count() > 1 {
        return Err(OAuthError::Unusable { name: "client_secret", reason: "the client authenticates in two ways" });
    }
    let Some(basic) = basic else {
        let id = in_body.ok_or(OAuthError::Missing("client_id"))?.to_owned();
        return Ok(Claimed { id, secret, assertion, windows, basic: false });
    };
    let malformed = || failed("the Authorization header is malformed", true);
    let octets = Secret::new(STANDARD.decode(basic).map_err(|_| malformed())?);
    let at = octets.expose().iter().position(|octet| *octet == b':').ok_or_else(malformed)?;
    let (id, secret) = octets.expose().split_at(at);
    let id = decode(id).map_err(|_| malformed())?.to_string();
    if id.len() > MAX_ID || in_body.is_some_and(|other| other != id) {
        return Err(malformed());
    }
    let secret = decode(secret.get(1..).unwrap_or_default()).map_err(|_| malformed())?;
    Ok(Claimed { id, secret: Some(Secret::new(secret.to_string())), assertion: None, windows: false, basic: true })
}

fn by_secret(cx: &Context, client: &Client, secret: &Secret<String>, basic: bool) -> Result<(), OAuthError> {
    // All are compared, whichever fits.
    let fits = client.credentials.secrets.iter().fold(false, |fits, own| own.is(secret.expose()) | fits);
    if fits {
        return Ok(());
    }
    let reason = "the client's secret is wrong";
    rejected(cx, &client.id, AuthenticationMethod::Password, CredentialFailure::WrongPassword, reason);
    Err(failed(reason, basic))
}

async fn by_assertion(
    settings: &OAuthSettings,
    cx: &Context,
    client: &Client,
    assertion: &str,
) -> Result<(), OAuthError> {
    let audiences = settings.audiences();
    let now = cx.services.clock.now();
    let verified = verify_client_assertion(&client.credentials.keys, &client.id, assertion, &audiences, now);
    let (failure, reason) = match verified {
        Ok(_) if !client.credentials.single_use_assertions => return Ok(()),
        Ok(assertion) => {
            let id = format!("{}\u{1f}{}", client.id, assertion.id);
            let id = TokenId::new(&id).map_err(|error| failed(&error.to_string(), false))?;
            match cx.services.one_time.redeem(Purpose::Assertion, &id, assertion.until).await? {
                FirstUse::First => return Ok(()),
                FirstUse::Repeated => (CredentialFailure::Replayed, String::from("the assertion was used before")),
            }
        }
        Err(error @ (JwtError::Expired | JwtError::NotYetValid | JwtError::LifetimeTooLong)) => {
            (CredentialFailure::MessageTime, error.to_string())
        }
        Err(error) => (CredentialFailure::Signature, error.to_string()),
    };
    rejected(cx, &client.id, AuthenticationMethod::X509, failure, &reason);
    Err(failed(&reason, false))
}

/// A ticket of the account that the client is registered with. Who the account is says the ticket alone.
fn windows(
    environment: &Environment,
    cx: &Context,
    call: &Call,
    client: &Client,
) -> Result<Option<Vec<u8>>, OAuthError> {
    let Some(registered) = &client.credentials.windows_account else {
        let reason = "the client has no account of Active Directory";
        rejected(cx, &client.id, AuthenticationMethod::Windows, CredentialFailure::UnknownAccount, reason);
        return Err(failed(reason, false));
    };
    match credential::negotiate(environment, cx, call) {
        Ok((subject, reply)) => match &subject.origin {
            SubjectOrigin::Directory(account) if is_account(account, registered) => Ok(reply),
            _ => {
                let reason = "the ticket is that of another account";
                rejected(cx, &client.id, AuthenticationMethod::Windows, CredentialFailure::UnknownAccount, reason);
                Err(failed(reason, false))
            }
        },
        Err(TicketRefusal::Absent) => Err(OAuthError::TicketWanted),
        Err(TicketRefusal::Refused) => Err(failed("the ticket is not good", false)),
        Err(TicketRefusal::Internal) => Err(OAuthError::Unavailable(String::from("Negotiate"))),
    }
}

/// Whether the account is the registered one, by SID, by name or by UPN.
fn is_account(account: &Account, registered: &str) -> bool {
    let same = |name: &str| name.to_lowercase() == registered.to_lowercase();
    same(&account.sid.to_string())
        || same(&account.windows_account_name())
        || same(&account.implicit_upn())
        || account.upn.as_deref().is_some_and(same)
}

fn failed(reason: &str, basic: bool) -> OAuthError {
    OAuthError::ClientAuthentication { reason: reason.to_owned(), basic }
}

fn rejected(cx: &Context, client: &str, method: AuthenticationMethod, failure: CredentialFailure, reason: &str) {
    credential::rejected(cx, Parties::claimed(client, None), method, CLIENT_CREDENTIAL, failure, reason);
}

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// Type of what clients send, for the audit log.
const CLIENT_CREDENTIAL: &str = "urn:ietf:params:oauth:client-credential";
const MAX_ID: usize = 512;
