//! Chancery: an AD FS compatible security token service and device registration service.
//!
//! ```text
//! client ─► server ─► protocols ─► trusts ─► authn ─► directory ─► claims ─► tokens ─► audit ─► protocols ─► client
//! ```
//!
//! The modules, in the order a request meets them. Each opens with what it is for and what it must not know.

mod address;
pub mod audit;
pub mod authn;
mod budget;
pub mod claims;
pub mod cli;
pub mod clock;
pub mod config;
pub mod correlation;
pub mod devices;
pub mod directory;
pub mod issuance;
pub mod kerberos;
pub mod keys;
pub mod outgoing;
pub mod pages;
pub mod protocols;
pub mod prt;
pub mod secret;
pub mod server;
pub mod store;
pub mod tokens;
pub mod trusts;
pub mod xml;
