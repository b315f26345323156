//! What the gate answers when it gives no account, and how each of it is to be treated.

use std::net::IpAddr;
use std::time::Duration;

use super::Familiarity;
use crate::authn::{ChangeError, PasswordError};

/// Why no account was given.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GateError {
    /// One of the request's addresses is banned; Active Directory was not asked.
    #[error("the address {address} is banned")]
    Banned {
        /// The address.
        address: IpAddr,
    },
    /// Too many bad passwords for this account; Active Directory was not asked.
    #[error("the account is locked here for requests from {familiarity:?} locations, after {failures} bad passwords")]
    Locked {
        /// From where the request came.
        familiarity: Familiarity,
        /// Bad passwords that were passed on.
        failures: u32,
        /// Until the next attempt is let through.
        retry_after: Duration,
    },
    /// Too many bad passwords from this source, for whatever accounts; Active Directory was not asked.
    #[error("too many bad passwords from {address}")]
    SourceSlowed {
        /// The client's address.
        address: IpAddr,
        /// Until the next attempt is let through.
        retry_after: Duration,
    },
    /// The memory of bad passwords is full, or too many attempts wait for their turn; trying again later makes sense.
    #[error("too many password attempts are under way or remembered")]
    Overloaded,
    /// The password was not accepted.
    #[error(transparent)]
    Rejected(#[from] PasswordError),
}

impl GateError {
    /// Whether this is answered as a wrong password is: same text, same time.
    pub const fn is_refusal(&self) -> bool {
        match self {
            Self::Banned { .. } | Self::Locked { .. } | Self::SourceSlowed { .. } => true,
            Self::Overloaded => false,
            Self::Rejected(error) => error.is_account_answer(),
        }
    }

    /// Whether the same password may be accepted a little later, because nobody judged it.
    pub const fn is_retryable(&self) -> bool {
        matches!(self, Self::Overloaded | Self::Rejected(PasswordError::Unavailable { .. }))
    }

    /// `FailureType` of the 1203 audit event (ws-federation.md 12.3).
    pub const fn failure_type(&self) -> &'static str {
        match self {
            Self::Locked { .. } | Self::SourceSlowed { .. } => "ExtranetLockoutError",
            Self::Banned { .. } => "BannedIPError",
            Self::Overloaded | Self::Rejected(_) => "CredentialValidationError",
        }
    }
}

/// Why a password was not changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GateChangeError {
    /// The old password was not accepted.
    #[error(transparent)]
    Password(GateError),
    /// The old password was right, and the account keeps it.
    #[error(transparent)]
    Change(#[from] ChangeError),
}
