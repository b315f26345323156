//! Credentials that a browser carries for a device: `x-ms-RefreshTokenCredential` and `x-ms-DeviceCredential`
//! (oauth-oidc-prt.md 3.7). The first is made with a PRT and proves user and device; the second proves the device alone.

use super::content::PrimaryRefreshToken;
use super::exchange::{ExchangeError, open};
use super::jws::Members;
use super::jws::SessionSigned;
use super::request::text;
use crate::tokens::sealed::Sealer;

/// A credential made with a PRT; its signature is verified.
#[derive(Debug, Clone)]
pub struct RefreshTokenCredential {
    /// The PRT.
    pub prt: PrimaryRefreshToken,
    /// The nonce in it, unopened.
    pub nonce: Option<String>,
    /// The request it was made for, where it says so.
    pub made_for: MadeFor,
}

impl RefreshTokenCredential {
    /// Reads a credential and verifies its signature. Nonce, device and user are not yet looked at.
    ///
    /// # Errors
    /// [`ExchangeError`].
    pub fn read(signed: &SessionSigned, sealer: &Sealer) -> Result<Self, ExchangeError> {
        let (prt, payload) = open(signed, sealer)?;
        Ok(Self { prt, nonce: text(&payload, "request_nonce").map(str::to_owned), made_for: MadeFor::of(&payload) })
    }
}

/// The authorization request that a credential says it was made for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MadeFor {
    client_id: Option<String>,
    redirect_uri: Option<String>,
}

impl MadeFor {
    pub(super) fn of(payload: &Members) -> Self {
        let of = |name| text(payload, name).filter(|text| !text.is_empty()).map(str::to_owned);
        Self { client_id: of("ua_client_id"), redirect_uri: of("ua_redirect_uri") }
    }

    /// Whether it may be used in a request of this client with this redirect address. What the credential leaves out is not
    /// compared, nor is what the request's protocol does not have.
    pub fn fits(&self, client_id: Option<&str>, redirect_uri: Option<&str>) -> bool {
        let same = |said: &Option<String>, is: Option<&str>| match (said, is) {
            (Some(said), Some(is)) => said == is,
            _ => true,
        };
        same(&self.client_id, client_id) && same(&self.redirect_uri, redirect_uri)
    }
}
