//! `chancery probe`: asks any federation server for a token as Windows does, and explains what comes back.
//!
//! ```text
//! TLS ─► MEX ─► endpoint ─► (challenge ─► ticket) ─► request ─► metadata ─► signature ─► claims
//! ```
//!
//! Works against AD FS as well: it knows the protocols of the wire and nothing of the server's inside. Kerberos calls wait for a
//! KDC, so they are made between the requests, never on the runtime. Its steps are also those of `chancery doctor`.

pub(super) mod answer;
mod args;
pub(super) mod contract;
mod device;
pub(super) mod failure;
mod federation_metadata;
pub(super) mod http;
mod message_log;
pub(super) mod mex;
mod report;
mod request;
pub(super) mod rst;
mod run;
pub(super) mod target;
mod ticket;
pub(super) mod tls;
pub(super) mod token;

pub(crate) use args::Probe;
