//! Tests of the parts together: a device that signs, a server that reads.

mod client;
mod credentials;
mod devices;
mod exchanges;
mod keys;
mod pkeyauth;
mod requests;
mod service;
mod signatures;
mod tokens;
mod user_keys;
mod validity;
