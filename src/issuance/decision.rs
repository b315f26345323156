//! What the issuer decided.

use std::fmt;

use super::grant::Grant;

/// The answer to "may this subject have a token for this relying party".
#[derive(Debug)]
pub enum Decision {
    /// Yes; mint as many tokens from the grant as the protocol needs.
    Permit(Box<Grant>),
    /// Not yet: the subject must prove more first. Where no page can be shown this is a fault.
    StepUp(AuthnDemand),
    /// No.
    Deny(Denial),
}

/// What a subject must still prove.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuthnDemand {
    /// A second factor, as an additional authentication rule of the relying party asks.
    SecondFactor,
}

/// Why no token is issued. For the audit log and the operator; the client learns only that access is denied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Denial {
    /// The issuance authorization rules did not permit, or a rule denied.
    Authorization {
        /// What decided, in words.
        reason: String,
    },
    /// The rules issued no claim of a type that the trust requires (an Entra trust with several domains requires
    /// `issuerid`, so that a UPN outside the listed domains is denied).
    MissingClaim {
        /// The type.
        claim_type: String,
    },
    /// The trust lists who may sign users in to it, and the subject's authority is not among them.
    ClaimsProvider,
    /// The delegation authorization rules do not permit the client to ask on behalf of the subject.
    Delegation {
        /// The client.
        actor: String,
        /// What decided, in words.
        reason: String,
    },
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Authorization { reason } => write!(f, "issuance authorization: {reason}"),
            Self::MissingClaim { claim_type } => {
                write!(f, "the issuance transform rules issued no {claim_type} claim, which the trust requires")
            }
            Self::ClaimsProvider => f.write_str("the trust does not accept the subject's claims provider"),
            Self::Delegation { actor, reason } => write!(f, "delegation authorization: {reason} for {actor}"),
        }
    }
}
