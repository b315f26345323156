//! Why a request could not be decided or a token not be minted.

use crate::audit::AuditError;
use crate::claims::EvaluationError;
use crate::clock::RandomError;
use crate::directory::DirectoryError;
use crate::tokens::TokenError;

/// A failure of the issue path. Nothing partial was issued.
#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    /// No relying party trust has this identifier.
    #[error("no relying party trust has the identifier {identifier}")]
    UnknownRelyingParty {
        /// What the client asked for, cut to a sensible length.
        identifier: String,
    },
    /// The relying party trust is switched off.
    #[error("relying party trust {name} is disabled")]
    DisabledRelyingParty {
        /// Its name.
        name: String,
    },
    /// A rule set failed; no claims leave a failed rule set.
    #[error("claim rules ({stage}): {source}")]
    Claims {
        /// Which rule set.
        stage: &'static str,
        /// Why.
        #[source]
        source: EvaluationError,
    },
    /// The acceptance rules of Active Directory made a claim that the server alone may state.
    #[error(
        "the acceptance rules of Active Directory made a claim of the type {claim_type}, which the server alone may state"
    )]
    StatedByRule {
        /// The claim's type.
        claim_type: String,
    },
    /// The directory could not say what the issuer itself had to know.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// The token could not be written or signed.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The session was revoked.
    #[error("the session was revoked")]
    SessionRevoked,
    /// The store that knows revocations or one-time identifiers failed.
    #[error(transparent)]
    Store(#[from] crate::store::StoreError),
    /// The audit log does not take the event, and the configuration says that nothing is issued then.
    #[error("audit: {0}")]
    Audit(#[from] AuditError),
    /// The random source failed.
    #[error(transparent)]
    Random(#[from] RandomError),
}

impl IssueError {
    /// Whether the same request may succeed a little later, so that a client may be told to retry.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Claims { source, .. } => source.is_retryable(),
            Self::Directory(error) => error.is_retryable(),
            Self::Store(_) | Self::Audit(_) => true,
            _ => false,
        }
    }
}
