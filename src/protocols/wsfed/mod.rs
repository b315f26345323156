//! WS-Federation passive: a browser brings a request at `/adfs/ls/` and carries the token back in a form (ws-federation.md 6).

mod handler;
mod refusal;
mod reply_address;
mod request;
mod response;
mod sign_out;

pub use handler::unread;
pub(super) use handler::{Handled, handle};
pub use reply_address::is_registered;
pub use request::{RequestError, SignIn, SignOut, WsFederationRequest, decode};
