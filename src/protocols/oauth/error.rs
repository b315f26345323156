//! Why no token is issued, and how OAuth says so: the one place where an error becomes words of the protocol
//! (oauth-oidc-prt.md 2.15).
//!
//! Programs read `error`, people the MSIS number. One text stands for every reason why a password is not good.

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};

use super::json;
use crate::audit::{Detail, ErrorCode, EventKind, Identifier, Parties};
use crate::authn::AuthnError;
use crate::clock::RandomError;
use crate::issuance::{AuthnDemand, Context, Denial, IssueError};
use crate::pages::PageError;
use crate::protocols::browser::SignInFailure;
use crate::protocols::browser::parameters::ParameterError;
use crate::protocols::http::Answer;
use crate::prt::PrtRefusal;
use crate::store::StoreError;
use crate::tokens::jwt::JwtError;
use crate::tokens::sealed::SealError;

/// Why no token is issued.
#[derive(Debug, thiserror::Error)]
pub(in crate::protocols) enum OAuthError {
    /// The parameters cannot be read.
    #[error(transparent)]
    Parameters(#[from] ParameterError),
    /// A parameter is missing.
    #[error("the parameter {0} is missing")]
    Missing(&'static str),
    /// A parameter has a value that cannot be used.
    #[error("the parameter {name} cannot be used: {reason}")]
    Unusable {
        /// The parameter.
        name: &'static str,
        /// Why.
        reason: &'static str,
    },
    /// No client has the id, or it is switched off.
    #[error("no enabled client has the id")]
    UnknownClient,
    /// The client did not prove who it is. `basic` when it tried by HTTP Basic.
    #[error("the client did not prove who it is: {reason}")]
    ClientAuthentication {
        /// Why.
        reason: String,
        /// By HTTP Basic.
        basic: bool,
    },
    /// The client wants to prove by a ticket who it is, and has sent none yet.
    #[error("a Kerberos ticket is needed")]
    TicketWanted,
    /// The device of a refresh token must sign this challenge.
    #[error("the device must sign a challenge")]
    DeviceWanted(String),
    /// A `grant_type` that nobody offers.
    #[error("the grant type is not offered")]
    UnsupportedGrant,
    /// A `response_type` that is not offered, or not to this client.
    #[error("the response type is not offered to this client")]
    UnsupportedResponse,
    /// The client may not use this grant.
    #[error("the client may not use this grant")]
    GrantNotAllowed,
    /// The code is not ours, of another client, too old, or for another address.
    #[error("the code is not good: {0}")]
    Code(String),
    /// The code was used before; what it yielded is void.
    #[error("the code was used before")]
    CodeReused,
    /// The proof key does not fit.
    #[error("the code verifier does not fit the code's challenge")]
    Verifier,
    /// The refresh token is not ours, of another client, or void.
    #[error("the refresh token is not good: {0}")]
    Refresh(String),
    /// It has expired.
    #[error("the refresh token has expired")]
    RefreshExpired,
    /// It was used before, too long ago for a lost answer; the whole family is void.
    #[error("the refresh token was used before")]
    RefreshReused,
    /// The access token that a client asks with on behalf of its user, or what it asks for, is not good.
    #[error("the assertion is not good: {0}")]
    Assertion(String),
    /// The code of a device is not ours, of another client, redeemed or unknown.
    #[error("the device code is not good: {0}")]
    DeviceCode(String),
    /// Its time is over.
    #[error("the device code has expired")]
    DeviceCodeExpired,
    /// Nobody has decided yet.
    #[error("nobody has entered the code of the device yet")]
    AuthorizationPending,
    /// The device asks too often.
    #[error("the device asks too often")]
    SlowDown,
    /// Somebody said no.
    #[error("the person denied the device's request")]
    DeviceDenied,
    /// More of this address or this person than may be.
    #[error("there are too many of them")]
    TooMany,
    /// The client may not ask tokens for this resource.
    #[error("the client may not ask tokens for the resource")]
    NotPermitted,
    /// No enabled relying party has the identifier.
    #[error("no enabled relying party has the identifier of the resource")]
    UnknownResource,
    /// A scope that the client may not ask for.
    #[error("the client may not ask for the scope {0}")]
    Scope(String),
    /// The name or the password is not good; audited exactly.
    #[error("the password was not accepted")]
    Password,
    /// Somebody has to do something on a page first.
    #[error("{0}")]
    InteractionRequired(&'static str),
    /// `prompt=none`, and nobody is signed in.
    #[error("nobody is signed in, and no page may be shown")]
    LoginRequired,
    /// `id_token_hint` means somebody else than who is signed in.
    #[error("somebody else is signed in than the id token hint means")]
    OtherUser,
    /// Not permitted; audited by the issuer as well.
    #[error("{0}")]
    Denied(Denial),
    /// More is asked than can be asked.
    #[error("the resource asks for a second factor")]
    StepUp(AuthnDemand),
    /// An access token that is not good.
    #[error(transparent)]
    Token(#[from] JwtError),
    /// Nothing identifies the subject.
    #[error("the subject has no claim that identifies it")]
    NoAnchor,
    /// Nobody is signed in.
    #[error(transparent)]
    SignIn(SignInFailure),
    /// The token could not be issued.
    #[error(transparent)]
    Issue(#[from] IssueError),
    /// What must be remembered cannot be.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A code or refresh token could not be sealed.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// A page could not be made.
    #[error(transparent)]
    Page(#[from] PageError),
    /// The random source failed.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// A device, its primary refresh token, or what was signed with either, is not good; audited exactly.
    #[error(transparent)]
    Prt(Box<PrtRefusal>),
    /// The user of a device did not prove who they are; audited exactly.
    #[error("the user of the device did not prove who they are: {0}")]
    Proof(String),
    /// Something the check needs does not answer.
    #[error("what the check needs does not answer: {0}")]
    Unavailable(String),
}

/// An error in words of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shown {
    /// `error`
    pub(super) error: &'static str,
    /// The number at the beginning of `error_description`, and in the audit log.
    pub(super) code: &'static str,
    /// The rest of it.
    pub(super) text: &'static str,
    /// Status at the token endpoint.
    pub(super) status: StatusCode,
}

impl From<SignInFailure> for OAuthError {
    fn from(failure: SignInFailure) -> Self {
        match failure {
            SignInFailure::PageWanted => Self::LoginRequired,
            SignInFailure::TicketWanted => Self::TicketWanted,
            SignInFailure::Store(error) => Self::Store(error),
            SignInFailure::Seal(error) => Self::Seal(error),
            SignInFailure::Page(error) => Self::Page(error),
            SignInFailure::Random(error) => Self::Random(error),
            SignInFailure::Form(error) => Self::Parameters(error),
            other => Self::SignIn(other),
        }
    }
}

impl OAuthError {
    /// How the protocol says it.
    pub(super) fn shown(&self) -> Shown {
        let bad = |error, code, text| Shown { error, code, text, status: StatusCode::BAD_REQUEST };
        match self {
            Self::Parameters(ParameterError::Repeated { .. }) => {
                bad("invalid_request", "MSIS9601", "A parameter of the request comes twice.")
            }
            Self::Parameters(_) => bad("invalid_request", "MSIS9601", "The request cannot be read."),
            Self::Missing(_) => bad("invalid_request", "MSIS9601", "A parameter of the request is missing."),
            Self::Unusable { .. } => bad("invalid_request", "MSIS9601", "A parameter of the request cannot be used."),
            Self::UnknownClient => bad("invalid_client", "MSIS9607", "The 'client_id' is not that of a client."),
            Self::ClientAuthentication { basic, .. } => Shown {
                status: if *basic { StatusCode::UNAUTHORIZED } else { StatusCode::BAD_REQUEST },
                ..bad("invalid_client", "MSIS9622", "The client did not authenticate.")
            },
            Self::TicketWanted => Shown {
                status: StatusCode::UNAUTHORIZED,
                ..bad("invalid_client", "MSIS9622", "A Kerberos ticket is needed.")
            },
            Self::DeviceWanted(_) => Shown {
                status: StatusCode::UNAUTHORIZED,
                ..bad("invalid_grant", "MSIS9614", "The device must sign a challenge.")
            },
            Self::UnsupportedGrant => bad("unsupported_grant_type", "MSIS9611", "The 'grant_type' is not supported."),
            Self::UnsupportedResponse => {
                bad("unsupported_response_type", "MSIS9611", "The 'response_type' is not supported for this client.")
            }
            Self::GrantNotAllowed => {
                bad("unauthorized_client", "MSIS9611", "The client is not allowed to use this grant.")
            }
            Self::Code(_) | Self::CodeReused | Self::Verifier => {
                bad("invalid_grant", "MSIS9612", "The authorization code is not valid.")
            }
            Self::Refresh(_) | Self::RefreshReused => {
                bad("invalid_grant", "MSIS9614", "The refresh token is not valid.")
            }
            Self::RefreshExpired => bad("invalid_grant", "MSIS9615", "The refresh token has expired."),
            Self::Assertion(_) => bad("invalid_grant", "MSIS9613", "The assertion or the resource is not valid."),
            Self::DeviceCode(_) => bad("invalid_grant", "MSIS9612", "The device code is not valid."),
            Self::DeviceCodeExpired => bad("expired_token", "MSIS9612", "The device code has expired."),
            Self::AuthorizationPending => {
                bad("authorization_pending", "MSIS9660", "Nobody has entered the code of the device yet.")
            }
            Self::SlowDown => bad("slow_down", "MSIS9660", "The device asks too often."),
            Self::DeviceDenied => bad("access_denied", "MSIS7068", "The request was denied."),
            Self::TooMany => Shown {
                status: StatusCode::TOO_MANY_REQUESTS,
                ..bad("temporarily_unavailable", "MSIS9604", "There are too many requests; try again later.")
            },
            Self::NotPermitted => bad("access_denied", "MSIS9605", "The client is not allowed to access the resource."),
            Self::UnknownResource
            | Self::Issue(IssueError::UnknownRelyingParty { .. } | IssueError::DisabledRelyingParty { .. }) => {
                bad("invalid_resource", "MSIS9606", "The resource is not registered.")
            }
            Self::Scope(_) => bad("invalid_scope", "MSIS9648", "The client is not allowed to ask for this scope."),
            Self::Prt(refusal) => super::prt::shown(refusal),
            Self::Proof(_) => bad("invalid_grant", "MSIS9659", "The user's proof is not valid."),
            Self::Password => bad("invalid_grant", "MSIS9659", "Invalid 'username' or 'password'."),
            Self::InteractionRequired(_) => {
                bad("interaction_required", "MSIS9660", "Somebody has to sign in on a page of this service first.")
            }
            Self::OtherUser => {
                bad("login_required", "MSIS9660", "Another user is signed in than the one who is meant.")
            }
            Self::LoginRequired => bad("login_required", "MSIS9660", "Nobody is signed in."),
            Self::StepUp(_) => bad("interaction_required", "MSIS9699", "The resource asks for a second factor."),
            Self::SignIn(SignInFailure::Authn(AuthnError::Unavailable | AuthnError::WindowsFailed)) => {
                bad("interaction_required", "MSIS7102", "The authentication that was asked for is not available.")
            }
            Self::Denied(_) | Self::SignIn(SignInFailure::Authn(_) | SignInFailure::ClaimsProvider(_)) => {
                bad("access_denied", "MSIS7068", "Access is denied.")
            }
            Self::Token(_) => Shown {
                status: StatusCode::UNAUTHORIZED,
                ..bad("invalid_token", "MSIS9613", "The access token is not valid.")
            },
            Self::NoAnchor => bad("server_error", "MSIS9642", "The claims identify nobody."),
            Self::Issue(IssueError::SessionRevoked) => bad("invalid_grant", "MSIS9614", "The session has ended."),
            Self::Issue(error) if error.is_retryable() => unavailable(),
            Self::Store(_) | Self::Unavailable(_) => unavailable(),
            Self::Issue(_) | Self::Seal(_) | Self::Page(_) | Self::Random(_) | Self::SignIn(_) => {
                bad("server_error", "MSIS9604", "The request could not be fulfilled.")
            }
        }
    }

    /// Event 413, and a line in the log.
    pub(super) fn note(&self, cx: &Context, client: Option<&str>, resource: Option<&str>) {
        // The first leg of Negotiate is no failure, nor is a challenge, nor is waiting.
        if matches!(self, Self::TicketWanted | Self::DeviceWanted(_) | Self::AuthorizationPending | Self::SlowDown) {
            return;
        }
        let code = self.shown().code;
        tracing::info!(correlation = %cx.request.activity, code, client, reason = %self, "OAuth request refused");
        let parties = match client {
            Some(client) => Parties::claimed(client, resource),
            None => Parties { relying_party: resource.map(Identifier::public), ..Parties::default() },
        };
        cx.note([EventKind::RequestFailed {
            parties,
            code: ErrorCode(code),
            detail: Detail::public(&self.to_string()),
        }]);
    }

    /// As the token endpoint says it.
    pub(super) fn answer(&self) -> Answer {
        let Shown { error, code, text, status } = self.shown();
        let body = serde_json::json!({ "error": error, "error_description": format!("{code}: {text}") });
        let answer = json(status, &body);
        match self {
            Self::TicketWanted => answer.with_header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Negotiate")),
            Self::ClientAuthentication { basic: true, .. } => {
                answer.with_header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"adfs\""))
            }
            Self::DeviceWanted(challenge) => match HeaderValue::from_str(challenge) {
                Ok(challenge) => answer.with_header(header::WWW_AUTHENTICATE, challenge),
                Err(_) => answer,
            },
            _ if [StatusCode::SERVICE_UNAVAILABLE, StatusCode::TOO_MANY_REQUESTS].contains(&status) => {
                answer.with_header(header::RETRY_AFTER, HeaderValue::from_static("30"))
            }
            _ => answer,
        }
    }
}

const fn unavailable() -> Shown {
    Shown {
        error: "temporarily_unavailable",
        code: "MSIS9604",
        text: "Something the request needs does not answer; try again later.",
        status: StatusCode::SERVICE_UNAVAILABLE,
    }
}
