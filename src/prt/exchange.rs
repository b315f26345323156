//! What a device asks of a PRT: an access token for a client, or a renewal (oauth-oidc-prt.md 3.5, 3.6).
//!
//! Reading goes in an order that gives nothing away: the PRT is opened, the signature verified with its session key, and only
//! then does the payload mean anything.

use std::time::Duration;

use super::content::PrimaryRefreshToken;
use super::jws::{JwsError, SessionSigned};
use super::kdf::KdfVersion;
use super::request::{RequestError, SKEW, Times, check_times, required, text};
use super::scope;
use crate::clock::UtcTime;
use crate::devices::Remembered;
use crate::tokens::sealed::{SealError, Sealer};

/// A request that the holder of a session key signed.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// The PRT.
    pub prt: PrimaryRefreshToken,
    /// The client that the tokens are for.
    pub client_id: String,
    /// What it asks for, literally.
    pub scope: String,
    /// Whether a new PRT is asked for.
    pub renew: bool,
    /// The resource, where one is named.
    pub resource: Option<String>,
    /// A nonce, unopened, where one is sent.
    pub nonce: Option<String>,
    /// When the request itself ends: with the PRT at the latest.
    pub until: UtcTime,
    /// The octets of `ctx`: the answer is encrypted under a key derived from them.
    pub ctx: Vec<u8>,
    /// The key derivation that was used.
    pub kdf: KdfVersion,
    /// What identifies the request.
    pub signature: Vec<u8>,
}

impl Exchange {
    /// Reads a request and verifies its signature. Whether PRT, device and user are still good is not yet asked.
    ///
    /// # Errors
    /// [`ExchangeError`].
    pub fn read(signed: &SessionSigned, sealer: &Sealer, now: UtcTime) -> Result<Self, ExchangeError> {
        let (prt, payload) = open(signed, sealer)?;
        match text(&payload, "grant_type") {
            Some("refresh_token") => {}
            Some(other) => return Err(RequestError::GrantType { grant_type: super::jws::shown(other) }.into()),
            None => return Err(RequestError::Missing { name: "grant_type" }.into()),
        }
        let client_id = required(&payload, "client_id")?;
        scope::demand(&payload, &["openid"])?;
        if scope::has(&payload, WINHELLO_CERT) || payload.contains_key("csr") {
            return Err(ExchangeError::CertificateTrust);
        }
        let until = end(check_times(&payload, now)?, prt.until, now)?;
        Ok(Self {
            client_id,
            renew: scope::has(&payload, "aza"),
            scope: text(&payload, "scope").unwrap_or_default().to_owned(),
            resource: text(&payload, "resource").filter(|text| !text.is_empty()).map(str::to_owned),
            nonce: text(&payload, "request_nonce").map(str::to_owned),
            until,
            ctx: signed.ctx().to_vec(),
            kdf: signed.kdf(),
            signature: signed.signature(),
            prt,
        })
    }

    /// How long it has to be remembered that the request was used, where no nonce sees to it.
    pub fn remembered(&self, now: UtcTime) -> Remembered {
        if self.until > now.plus(SKEW).plus(WITHOUT_END) { Remembered::Lasting } else { Remembered::Shortly }
    }
}

/// When a request ends that says so, or when it was made. One that says neither ends with the PRT.
fn end(times: Times, prt: UtcTime, now: UtcTime) -> Result<UtcTime, RequestError> {
    let says = times.ends.or_else(|| times.made.map(|made| made.plus(WITHOUT_END)));
    let until = says.map_or(prt, |says| says.min(prt));
    if until > now { Ok(until) } else { Err(RequestError::Time { name: "iat" }) }
}

/// Opens the PRT in a payload, and verifies the payload with its session key.
pub(super) fn open(
    signed: &SessionSigned,
    sealer: &Sealer,
) -> Result<(PrimaryRefreshToken, super::jws::Members), ExchangeError> {
    let unverified = signed.unverified()?;
    let prt = PrimaryRefreshToken::open(sealer, &required(&unverified, "refresh_token")?)?;
    let payload = signed.verify(&prt.session_key)?;
    if signed.kdf() < prt.kdf {
        return Err(ExchangeError::Downgrade);
    }
    Ok((prt, payload))
}

/// Why a request with a PRT is not taken. The first four are one answer to the client.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExchangeError {
    /// The text is no such request, or its signature is not that of the session key.
    #[error(transparent)]
    Jws(#[from] JwsError),
    /// The PRT is not one of ours, or is over.
    #[error("the primary refresh token does not open: {0}")]
    Prt(#[from] SealError),
    /// Key derivation version 1, with a PRT whose device knows version 2.
    #[error("key derivation 1 is not accepted with a primary refresh token that was used with 2")]
    Downgrade,
    /// The payload is no request.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// A certificate for Windows Hello is asked for, which this server does not issue.
    #[error("certificates for Windows Hello are not issued")]
    CertificateTrust,
}

/// How long a request is good that says when it was made, and no end. As long as those of clients that say one.
const WITHOUT_END: Duration = Duration::from_hours(1);
const WINHELLO_CERT: &str = "winhello_cert";
