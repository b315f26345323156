//! Kerberos: who sends a ticket, and whether a password is right.
//!
//! ```text
//! token ─► screen ─► ffi (GSSAPI) ─► replay ─► pac ─► domains ─► Accepted
//! password ─► initiator (KDC) ─► a token for ourselves ─► the same
//! ```
//!
//! `ffi` holds the crate's only unsafe code. Knows nothing of HTTP, of protocols or of LDAP.

pub mod acceptor;
mod ap_req;
pub mod bindings;
pub mod client_keytab;
mod der;
pub mod domains;
mod ffi;
#[cfg(test)]
mod forge;
pub mod initiator;
pub mod keytab;
pub mod krb5_conf;
pub mod pac;
pub mod password;
pub mod replay;
pub mod screen;
pub mod sign_of_life;
mod status;

pub use acceptor::{AcceptError, Accepted, Acceptor, AcceptorOptions};
pub use ap_req::ApReq;
pub use bindings::{BindingPolicy, ChannelBindings};
pub use client_keytab::{ClientKeytab, ClientKeytabError};
pub use domains::{TrustedDomain, TrustedDomains};
pub use ffi::{EnvironmentError, GssError};
pub use initiator::{Initiator, InitiatorError, LoginName, TicketProblem, TokenOptions};
pub use password::{PasswordCheckError, PasswordOptions, check_password};
pub use replay::ReplayGuard;
