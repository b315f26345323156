//! SAML 2.0 protocol, the side of a service provider: what a partner's identity provider is sent and what it sends
//! (ws-federation.md 7.7; saml-bindings 3.4 and 3.5, saml-profiles 4.1 and 4.4).
//!
//! Knows messages and bindings. What an assertion is worth is decided in `tokens::inbound`; who a partner is, is handed in.

pub mod authn_request;
pub mod logout;
pub mod logout_request;
pub mod redirect;
pub mod response;
mod status;
mod write;

pub use status::{PartnerStatus, StatusCode};
pub use write::EncodeError;
