//! The protocols: each decodes its requests to one request type, calls the issue path, and encodes the answer.
//!
//! A protocol never calls another one; what two share stands beside them here or moves down.

pub mod browser;
mod certificate_credential;
mod credential;
pub mod drs;
pub mod environment;
pub mod http;
pub mod metadata;
pub mod mex;
mod names;
pub mod oauth;
pub mod openid;
pub mod passive;
mod prt_failure;
mod rstr;
pub mod samlp;
pub mod soap;
pub mod trust_endpoint;
mod unknown_device;
pub mod wresult;
pub mod wsfed;
pub mod wstrust;
