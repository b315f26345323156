//! Nonces that this server gives out for requests and credentials (`srv_challenge`); `PKeyAuth` has its own.
//!
//! A nonce is sixteen random octets under seal with their purpose and end: any node knows its own farm's. That it is used
//! once is for the shared store to see to; a store that gives no answer refuses the use.

use std::time::Duration;

use crate::clock::{Random, UtcTime};
use crate::store::{FirstUse, OneTime, Purpose, StoreError, TokenId, TokenIdError};
use crate::tokens::sealed::{SealError, SealPurpose, Sealer};

/// What uses a nonce. A client may prove several things in one request with one nonce, each of them once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NonceUse<'a> {
    /// A request for a PRT.
    Request,
    /// The Windows Hello assertion in it, where it has a nonce of its own.
    Assertion,
    /// The credential of a browser, made with this PRT.
    RefreshTokenCredential(&'a str),
    /// The credential of a device alone.
    DeviceCredential,
    /// A renewal or exchange that chose to send one.
    Exchange,
}

/// A nonce of ours that has not expired; whether it was used is not yet asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nonce {
    id: String,
    until: UtcTime,
}

impl Nonce {
    /// Makes a nonce.
    ///
    /// # Errors
    /// [`SealError`].
    pub fn issue(sealer: &Sealer, now: UtcTime, random: &dyn Random) -> Result<String, SealError> {
        let mut octets = [0; 16];
        random.fill(&mut octets)?;
        sealer.seal(PURPOSE, &hex::encode(octets), now.plus(LIFETIME))
    }

    /// Reads a nonce of ours.
    ///
    /// # Errors
    /// [`NonceError::NotOurs`].
    pub fn open(sealer: &Sealer, text: &str) -> Result<Self, NonceError> {
        let opened = sealer.open::<String>(PURPOSE, text.trim_end_matches('=')).map_err(NonceError::NotOurs)?;
        Ok(Self { id: opened.value, until: opened.expiry })
    }

    /// Uses it, once for each kind of use.
    ///
    /// # Errors
    /// [`NonceError::Used`], [`NonceError::Store`].
    pub async fn consume(&self, usage: NonceUse<'_>, store: &dyn OneTime) -> Result<(), NonceError> {
        let usage = match usage {
            NonceUse::Request => "request",
            NonceUse::Assertion => "assertion",
            NonceUse::RefreshTokenCredential(prt) => &format!("refresh token credential {prt}"),
            NonceUse::DeviceCredential => "device credential",
            NonceUse::Exchange => "exchange",
        };
        let id = TokenId::new(&format!("{} {usage}", self.id))?;
        match store.redeem(Purpose::Nonce, &id, self.until).await? {
            FirstUse::First => Ok(()),
            FirstUse::Repeated => Err(NonceError::Used),
        }
    }
}

/// Why a nonce does not count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NonceError {
    /// None at all.
    #[error("there is no nonce")]
    Missing,
    /// Not made here for this purpose, changed, or expired.
    #[error("the nonce is not one of ours, or it has expired: {0}")]
    NotOurs(SealError),
    /// Used before.
    #[error("the nonce was used before")]
    Used,
    /// The store of used nonces gives no answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It has no identifier.
    #[error(transparent)]
    Id(#[from] TokenIdError),
}

const PURPOSE: SealPurpose<'static> = SealPurpose::new("srv_challenge");
/// MS-OAPXBC product notes 5 and 12.
const LIFETIME: Duration = Duration::from_mins(10);
