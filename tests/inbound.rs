//! What partners send: genuine messages are taken, and each way to forge, alter, redirect or repeat one is refused.
//!
//! Through the public library only. Forgeries are made from a genuine signed message, with the partner's real key where that
//! makes the check under test the only one that can refuse.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

#[path = "inbound/claims.rs"]
mod claims;
#[path = "inbound/encryption.rs"]
mod encryption;
#[path = "inbound/logout_requests.rs"]
mod logout_requests;
#[path = "inbound/metadata.rs"]
mod metadata;
#[path = "inbound/monitoring.rs"]
mod monitoring;
#[path = "inbound/requests.rs"]
mod requests;
#[path = "inbound/rstr.rs"]
mod rstr;
#[path = "inbound/saml2.rs"]
mod saml2;
#[path = "inbound/service_metadata.rs"]
mod service_metadata;
#[path = "inbound/signatures.rs"]
mod signatures;
#[path = "inbound/support.rs"]
mod support;
#[path = "inbound/wrapping.rs"]
mod wrapping;
