//! The ways in which a token is refused, each with what an operator needs to know.

use std::path::PathBuf;

use super::super::ap_req::ApReq;
use super::super::domains::UntrustedDomain;
use super::super::ffi::GssError;
use super::super::pac::PacError;
use super::super::screen::{Malformation, NtlmForm};
use super::super::status;

/// Why an acceptor cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AcceptorSetupError {
    /// The keytab is missing, empty, unreadable or no keytab.
    #[error("keytab {path} is not usable: {error}")]
    Keytab {
        /// Its path.
        path: PathBuf,
        /// What GSSAPI says.
        error: GssError,
    },
    /// The path contains NUL.
    #[error("keytab path {0:?} is no file name")]
    Path(PathBuf),
}

/// Why a token was not accepted.
///
/// What the ticket says of itself (`service`, `kvno`, `etype`) is unverified in the variants for tickets that could not be opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AcceptError {
    /// The client has no Kerberos ticket for this host: the SPN is missing or duplicate, the host is addressed by IP or not in the
    /// intranet zone, or no domain controller is in reach.
    #[error("the client offered NTLM: it has no Kerberos ticket for this host")]
    NtlmOffered(NtlmForm),
    /// Not a Kerberos token.
    #[error("malformed token: {0}")]
    Malformed(Malformation),
    /// GSSAPI wants a second leg, which is not offered.
    #[error("the client's offer would need a second message")]
    ContinueNeeded,
    /// The authenticator was used before on this node.
    #[error("replayed token of {principal}")]
    Replay {
        /// The client.
        principal: String,
    },
    /// The replay guard is full and refuses.
    #[error("the replay guard is full; {principal} is refused")]
    ReplayGuardFull {
        /// The client.
        principal: String,
    },
    /// The keytab has a key of the right principal, number and type, but it does not open the ticket: the password was reset
    /// without the number changing, or the ticket is forged.
    #[error("the key for {service} (number {kvno:?}, type {etype}) does not open the ticket: {detail}")]
    WrongKey {
        /// The service by the ticket.
        service: String,
        /// Its key's number by the ticket.
        kvno: Option<u32>,
        /// Its key's type by the ticket.
        etype: i32,
        /// GSSAPI's text.
        detail: String,
    },
    /// The keytab has the principal, but not the key: it is out of date.
    #[error("the keytab has no key number {kvno:?} of type {etype} for {service}: {detail}")]
    KvnoNotFound {
        /// The service by the ticket.
        service: String,
        /// Its key's number by the ticket.
        kvno: Option<u32>,
        /// Its key's type by the ticket.
        etype: i32,
        /// GSSAPI's text.
        detail: String,
    },
    /// The keytab has no key for the principal of the ticket.
    #[error("the ticket is for {service}, which is not in the keytab: {detail}")]
    UnknownServicePrincipal {
        /// The service by the ticket.
        service: String,
        /// GSSAPI's text.
        detail: String,
    },
    /// The keytab has the key, but the principal is none that this server serves: another name of the same account.
    #[error("{principal} sent a ticket for {service}, which is none of this server's names")]
    ForeignService {
        /// The client.
        principal: String,
        /// The service.
        service: String,
    },
    /// The ticket or its session key has an encryption type that the configuration does not permit (RC4).
    #[error("the ticket for {service} uses encryption type {etype}, which is not permitted: {detail}")]
    EncryptionType {
        /// The service by the ticket.
        service: String,
        /// The ticket's encryption type.
        etype: i32,
        /// GSSAPI's text.
        detail: String,
    },
    /// The client bound its ticket to another TLS connection: a proxy with another certificate, or a relay.
    #[error("the ticket is bound to another TLS certificate")]
    BadBindings,
    /// The client did not bind its ticket, and must.
    #[error("{principal} did not bind its ticket to the TLS connection")]
    BindingsRequired {
        /// The client.
        principal: String,
    },
    /// The client's clock and ours differ by more than five minutes.
    #[error("the clocks of client and server differ too much: {0}")]
    ClockSkew(String),
    /// The ticket has expired.
    #[error("the ticket has expired: {0}")]
    Expired(String),
    /// The ticket is not valid yet.
    #[error("the ticket is not valid yet: {0}")]
    NotYetValid(String),
    /// The client did not say who it is.
    #[error("anonymous ticket")]
    Anonymous,
    /// The ticket has no PAC, or one whose signature does not verify.
    #[error("the ticket of {principal} has no PAC that verifies")]
    NoPac {
        /// The client.
        principal: String,
    },
    /// The PAC verifies but is not usable.
    #[error("the PAC of {principal} is not usable: {error}")]
    PacInvalid {
        /// The client.
        principal: String,
        /// Why.
        error: PacError,
    },
    /// The account is not of a trusted domain.
    #[error("{principal} is not of a trusted domain: {reason}")]
    UntrustedDomain {
        /// The client.
        principal: String,
        /// Why.
        reason: UntrustedDomain,
    },
    /// The keytab became unusable while the server runs.
    #[error("the keytab is not usable: {0}")]
    Credential(GssError),
    /// GSSAPI refused for another reason.
    #[error("GSSAPI: {0}")]
    Gss(GssError),
}

impl AcceptError {
    /// From the library's error and what the ticket says of itself.
    pub(super) fn from_gss(error: GssError, ticket: &ApReq<'_>) -> Self {
        if error.major == GssError::BAD_BINDINGS {
            return Self::BadBindings;
        }
        let service = ticket.service_principal();
        let (kvno, etype) = (ticket.kvno(), ticket.etype());
        let detail = error.minor_text.clone();
        match error.minor {
            status::AP_ERR_REPEAT => Self::Replay { principal: String::from("unknown") },
            status::AP_ERR_BAD_INTEGRITY | status::AP_ERR_MODIFIED => Self::WrongKey { service, kvno, etype, detail },
            status::AP_ERR_BADKEYVER | status::KT_KVNONOTFOUND => Self::KvnoNotFound { service, kvno, etype, detail },
            status::AP_ERR_NOT_US | status::AP_ERR_NOKEY | status::KT_NOTFOUND | status::AP_WRONG_PRINC => {
                Self::UnknownServicePrincipal { service, detail }
            }
            status::NOPERM_ETYPE | status::PROG_ETYPE_NOSUPP | status::WRONG_ETYPE => {
                Self::EncryptionType { service, etype, detail }
            }
            status::AP_ERR_SKEW => Self::ClockSkew(detail),
            status::AP_ERR_TKT_EXPIRED => Self::Expired(detail),
            status::AP_ERR_TKT_NYV => Self::NotYetValid(detail),
            _ if error.major == GssError::CREDENTIALS_EXPIRED => Self::Expired(detail),
            _ if error.major == GssError::DEFECTIVE_TOKEN => Self::Malformed(Malformation::Structure),
            _ if error.major == GssError::NO_CRED => Self::Credential(error),
            _ => Self::Gss(error),
        }
    }
}
