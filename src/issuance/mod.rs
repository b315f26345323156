//! The middle of the issue path: decide whether a token may be issued, then mint it.
//!
//! Every protocol calls these two steps and nothing else builds a token for a relying party. Knows no HTTP and no
//! protocol, and reads no clock and no random source of its own.

mod acceptance;
mod audit;
mod context;
mod context_claims;
mod decision;
mod error;
mod grant;
mod input_claims;
mod issuer;
mod request;
#[cfg(test)]
mod tests;

pub use audit::step_up_refused;
pub use context::{Context, DecisionContext, Services};
pub use decision::{AuthnDemand, Decision, Denial};
pub use error::IssueError;
pub use grant::Grant;
pub use issuer::{Issuer, IssuerOptions};
pub use request::{ClientHints, SignInRequest, TokenSpec};
