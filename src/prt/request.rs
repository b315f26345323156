//! The request for a PRT: what its payload says (MS-OAPXBC 3.2.5.1.2, oauth-oidc-prt.md 3.3).

use serde_json::Value;

use super::jws::Members;
use crate::clock::UtcTime;
use crate::secret::Secret;

/// A request for a PRT.
#[derive(Debug, Clone)]
pub struct PrtRequest {
    /// The broker that asks.
    pub client_id: String,
    /// The nonce, unopened.
    pub nonce: Option<String>,
    /// How the user proves who they are.
    pub proof: UserProof,
}

/// How the user of a device proves who they are.
#[derive(Debug, Clone)]
pub enum UserProof {
    /// By name and password.
    Password {
        /// The name, as it was sent.
        username: String,
        /// The password.
        password: Secret<String>,
    },
    /// By what an earlier sign-in left: a PRT or a refresh token.
    RefreshToken(Secret<String>),
    /// By an assertion that a user's key signed: a certificate's or one of Windows Hello.
    Assertion(String),
}

impl PrtRequest {
    /// Reads a verified payload.
    ///
    /// # Errors
    /// [`RequestError`].
    pub fn read(payload: &Members, now: UtcTime) -> Result<Self, RequestError> {
        let client_id = required(payload, "client_id")?;
        super::scope::demand(payload, &["openid", "aza"])?;
        check_times(payload, now)?;
        let proof = match text(payload, "grant_type").unwrap_or_default() {
            "password" => UserProof::Password {
                username: required(payload, "username")?,
                password: Secret::new(required(payload, "password")?),
            },
            "refresh_token" => UserProof::RefreshToken(Secret::new(required(payload, "refresh_token")?)),
            JWT_BEARER => UserProof::Assertion(required(payload, "assertion")?),
            other => return Err(RequestError::GrantType { grant_type: super::jws::shown(other) }),
        };
        Ok(Self { client_id, nonce: text(payload, "request_nonce").map(str::to_owned), proof })
    }
}

/// Why a payload is no request. Each variant has its own OAuth error.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// A member is missing or is no text.
    #[error("{name} is missing")]
    Missing {
        /// The member.
        name: &'static str,
    },
    /// `scope` lacks what such a request must ask for.
    #[error("the scope must contain {scope}")]
    Scope {
        /// The scope.
        scope: &'static str,
    },
    /// A grant that no PRT is given for.
    #[error("the grant type {grant_type} is not accepted here")]
    GrantType {
        /// Which, shortened.
        grant_type: String,
    },
    /// `iat` or `exp` does not fit the time, or is no time.
    #[error("{name} does not fit the time here")]
    Time {
        /// The member.
        name: &'static str,
    },
}

/// A member's text.
pub(super) fn text<'p>(payload: &'p Members, name: &str) -> Option<&'p str> {
    payload.get(name).and_then(Value::as_str)
}

/// A member's text, which must be there.
pub(super) fn required(payload: &Members, name: &'static str) -> Result<String, RequestError> {
    text(payload, name).filter(|text| !text.is_empty()).map(str::to_owned).ok_or(RequestError::Missing { name })
}

/// A time in seconds since 1970, as a number or a text.
pub(super) fn seconds(payload: &Members, name: &'static str) -> Result<Option<UtcTime>, RequestError> {
    let seconds = match payload.get(name) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Number(number)) => number.as_i64(),
        Some(Value::String(text)) => text.parse().ok(),
        Some(_) => None,
    };
    seconds.map(UtcTime::from_unix_seconds).map(Some).ok_or(RequestError::Time { name })
}

/// What a payload says of its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Times {
    /// `iat`
    pub(super) made: Option<UtcTime>,
    /// `exp`
    pub(super) ends: Option<UtcTime>,
}

/// `iat` lies at most five minutes ahead, `exp` ahead; either may be absent.
pub(super) fn check_times(payload: &Members, now: UtcTime) -> Result<Times, RequestError> {
    let (made, ends) = (seconds(payload, "iat")?, seconds(payload, "exp")?);
    if made.is_some_and(|made| made > now.plus(SKEW)) {
        return Err(RequestError::Time { name: "iat" });
    }
    if ends.is_some_and(|ends| ends <= now) {
        return Err(RequestError::Time { name: "exp" });
    }
    Ok(Times { made, ends })
}

/// How far a client's clock may be ahead.
pub(super) const SKEW: std::time::Duration = std::time::Duration::from_mins(5);
const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
