//! State that must be shared between requests, and later between nodes.
//!
//! Four traits and their in-memory forms: what may be used once ([`OneTime`]), which sessions are over ([`Revocations`]), which of
//! renewed tokens is the newest in use ([`Generations`]), and what devices wait for ([`DeviceCodes`]). With a [`Journal`] the
//! memory of a node outlives its process.
//! All are bounded, and all fail closed: an answer that cannot be given is an error, never "first use", "not
//! revoked" or "current". Knows nothing of what the identifiers stand for. Every back end passes the suite in `conformance`.

#[cfg(test)]
pub(crate) mod conformance;
mod device_codes;
mod generations;
mod journal;
mod memory;
mod node;
mod one_time;
pub mod postgresql;
mod revocations;

pub use device_codes::{Decision, DeviceCodes, MemoryDeviceCodes, Polled, REQUESTS_OF_DEVICES};
pub use generations::{Generations, MemoryGenerations, Standing};
pub use journal::{Journal, JournalError};
pub use memory::{MemoryOneTime, MemoryRevocations};
pub use node::NodeStores;
pub use one_time::{FirstUse, OneTime, Purpose, TokenId, TokenIdError};
pub use revocations::Revocations;

use crate::clock::UtcTime;

/// Why a store gives no answer. The caller must refuse what it was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// No room for another entry until `until`, when the next one ends.
    #[error("the store of {what} is full until {until}")]
    Full {
        /// Which store.
        what: &'static str,
        /// When the next entry ends.
        until: UtcTime,
    },
    /// The entry would have ended before it began: what it protects has expired.
    #[error("{what} expired at {until}")]
    Expired {
        /// Which store.
        what: &'static str,
        /// The end that was asked for.
        until: UtcTime,
    },
    /// The back end does not answer; trying again later makes sense.
    #[error("the store does not answer: {reason}")]
    Unavailable {
        /// The failure, for the operator.
        reason: String,
    },
}

impl StoreError {
    /// Whether the same call may succeed a little later.
    pub const fn is_retryable(&self) -> bool {
        matches!(self, Self::Full { .. } | Self::Unavailable { .. })
    }
}
