//! `OpenID` Connect, the side of a relying party: what an `OpenID` provider is asked, and what is made of its answers
//! (`OpenID` Connect Core 3.1, Discovery 4; RFC 6749, 7636, 9207).
//!
//! Knows requests, discovery documents and tokens. Who a provider is and which browser asks, is handed in; what its claims are worth
//! is for the acceptance rules to say.

mod claims;
mod client_assertion;
mod discovery;
mod exchange;
mod providers;
mod request;

pub use claims::{authentication_method, to_claims};
pub use discovery::Configuration;
pub use exchange::Answered;
pub use providers::{KnownProviders, OpenIdClient};
pub use request::{OneRequest, authorization_url, end_session_url};

use crate::outgoing::OutgoingError;
use crate::tokens::inbound::openid::IdTokenError;

/// Why an `OpenID` provider signs nobody in. The text is for the operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenIdError {
    /// It could not be asked.
    #[error(transparent)]
    Outgoing(#[from] OutgoingError),
    /// Its discovery document cannot be used.
    #[error("the discovery document cannot be used: {0}")]
    Discovery(String),
    /// The answer came from another provider, or does not say from which (RFC 9207).
    #[error("the answer is from {found:?}, not from {expected:?}")]
    Issuer {
        /// Who it says it is from.
        found: Option<String>,
        /// Who was asked.
        expected: String,
    },
    /// It answers with an error.
    #[error("the provider answers {error:?}{}", .description.as_deref().map(|text| format!(": {text}")).unwrap_or_default())]
    Refused {
        /// The code.
        error: String,
        /// Its words.
        description: Option<String>,
    },
    /// Its answer at the token endpoint is none.
    #[error("the answer of the token endpoint cannot be used: {0}")]
    Answer(String),
    /// The ID token, or the key set, is refused.
    #[error(transparent)]
    IdToken(#[from] IdTokenError),
    /// What it says at the userinfo endpoint cannot be used.
    #[error("the answer of the userinfo endpoint cannot be used: {0}")]
    UserInfo(String),
    /// The client secret or key cannot be used.
    #[error("the client secret or key cannot be used: {0}")]
    Secret(String),
}

/// Text of a provider for a log, cut off.
fn shortened(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}
