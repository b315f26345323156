//! `chancery probe`: asks any federation server for a token as Windows does, and explains what comes back.
//!
//! ```text
//! TLS ─► MEX ─► endpoint ─► (challenge ─► ticket) ─► request ─► metadata ─► signature ─► claims
//! ```
//!
//! Works against AD FS as well: it knows the protocols of the wire and nothing of the server's inside. Kerberos calls wait for a
//! KDC, so they are made between the requests, never on the runtime.

mod answer;
mod args;
mod contract;
mod device;
mod failure;
mod federation_metadata;
mod http;
mod message_log;
mod mex;
mod report;
mod request;
mod rst;
mod run;
mod target;
mod ticket;
mod tls;
mod token;

pub(crate) use args::Probe;
