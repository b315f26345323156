//! Why a WS-Trust request got no token: everything that can go wrong, its fault, and what is not in the audit log yet.

use super::fault::TrustFault;
use super::request::RequestError;
use crate::audit::{CredentialFailure, Detail, ErrorCode, EventKind, Parties};
use crate::issuance::{AuthnDemand, Context, Denial, IssueError};
use crate::xml::WriteError;

/// Why a request got no token.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    /// The message could not be used.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// The credential was not good; audited where it was checked.
    #[error("authentication failed: {}", .0.as_str())]
    Credential(CredentialFailure),
    /// The message or its signature is outside its lifetime, or the signature is not as it must be; audited where it was
    /// checked.
    #[error("message security: {}", .0.as_str())]
    MessageSecurity(CredentialFailure),
    /// The credential could not be checked now; audited where it was tried.
    #[error("the credential could not be checked: {reason}")]
    Unavailable {
        /// Why, for the operator.
        reason: String,
    },
    /// Not permitted; audited by the issuer.
    #[error("{0}")]
    Denied(Denial),
    /// More is asked of the subject than can be asked here; audited where that turned out.
    #[error("the relying party asks for more than this endpoint can ask")]
    StepUp(AuthnDemand),
    /// The token could not be issued; audited by the issuer.
    #[error(transparent)]
    Issue(#[from] IssueError),
    /// The answer could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

impl From<&Refusal> for TrustFault {
    fn from(refusal: &Refusal) -> Self {
        match refusal {
            Refusal::Request(error) => Self::from(error),
            Refusal::Credential(_) => Self::FailedAuthentication,
            Refusal::MessageSecurity(_) => Self::InvalidSecurity,
            Refusal::Unavailable { .. } => Self::Unavailable,
            Refusal::Denied(denial) => Self::from(denial),
            Refusal::StepUp(demand) => Self::from(demand),
            Refusal::Issue(error) => Self::from(error),
            Refusal::Write(_) => Self::RequestFailed,
        }
    }
}

impl Refusal {
    /// Logs the refusal for operators and audits what nobody has audited yet.
    pub(super) fn report(&self, cx: &Context) {
        tracing::info!(correlation = %cx.request.activity, reason = %self, "WS-Trust request refused");
        let code = match self {
            Self::Request(_) | Self::Write(_) => ErrorCode("MSIS3127"),
            Self::StepUp(_)
            | Self::Credential(_)
            | Self::MessageSecurity(_)
            | Self::Unavailable { .. }
            | Self::Denied(_)
            | Self::Issue(_) => return,
        };
        let detail = Detail::public(&self.to_string());
        cx.note([EventKind::RequestFailed { parties: Parties::default(), code, detail }]);
    }
}
