//! Kerberos: who sends a ticket, and whether a password is right.
//!
//! ```text
//! token ─► screen ─► ffi (GSSAPI) ─► replay ─► pac ─► domains ─► Accepted
//! ```
//!
//! `ffi` holds the crate's only unsafe code. Knows nothing of HTTP, of protocols or of LDAP.

mod ap_req;
mod der;
pub mod domains;
pub mod pac;
pub mod replay;
pub mod screen;

pub use ap_req::ApReq;
