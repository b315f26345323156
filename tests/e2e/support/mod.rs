//! What the end-to-end tests share: the lab's settings, clients, and readers of what the server wrote.

mod audit;
mod authority;
mod browser;
mod clients;
mod curl;
mod device;
mod haproxy;
mod keep_alive;
mod lab;
mod moving_clock;
mod node;
pub mod oauth;
mod program;
mod rst;
mod token;
mod trusts;

pub use audit::Audit;
pub use authority::{certificate_of, issue};
pub use browser::{Browser, HandOver, action, encode, fields, inputs, unescape};
pub use clients::{compact_jwt, javascript, openidconnect, python, python_with};
pub use curl::{Curl, Response};
pub use device::{BROKER, Device, Prt, blob, nonce, request as prt_request, sign_by, token_endpoint};
pub use haproxy::HaProxy;
pub use keep_alive::KeepAlive;
pub use lab::{Lab, Object, run};
pub use moving_clock::MovingClock;
pub use node::{
    Node, NodeSetup, USERNAME, WINDOWS, computer_tickets, eventually, program, replace, replace_file, request, script,
    variable,
};
pub use program::Program;
pub use rst::{Rst, Version, now, time};
pub use token::{Assertion, published_certificates, signing_certificate, verify_all};
pub use trusts::Trusts;

/// Claim types, as they stand in tokens.
pub mod claim {
    pub const ACCOUNT_TYPE: &str = "http://schemas.microsoft.com/ws/2012/01/accounttype";
    pub const GROUP: &str = "http://schemas.microsoft.com/ws/2008/06/identity/claims/groupsid";
    pub const IMMUTABLE_ID: &str = "http://schemas.microsoft.com/LiveID/Federation/2008/05/ImmutableID";
    pub const INSIDE: &str = "http://schemas.microsoft.com/ws/2012/01/insidecorporatenetwork";
    pub const METHODS: &str = "http://schemas.microsoft.com/claims/authnmethodsreferences";
    pub const OBJECT_GUID: &str = "http://schemas.microsoft.com/identity/claims/onpremobjectguid";
    pub const PRIMARY_SID: &str = "http://schemas.microsoft.com/ws/2008/06/identity/claims/primarysid";
    /// The UPN that Entra reads.
    pub const UPN: &str = "http://schemas.xmlsoap.org/claims/UPN";
    /// The UPN of AD FS' own rules.
    pub const UPN_2005: &str = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn";
}

/// The first identifier of the Entra trust.
pub const ENTRA: &str = "urn:federation:MicrosoftOnline";
