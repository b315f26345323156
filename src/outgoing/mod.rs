//! Requests that this server makes by itself: to addresses that its configuration, or a document that was verified, names.
//!
//! HTTPS only, certificates verified, every size and time bounded; nothing that a client sends decides where a request goes. Knows
//! HTTP; knows nothing of what is fetched.

mod fetch;
mod proxy;
mod tls;

pub use fetch::{Answer, Body, Outgoing, OutgoingError};
