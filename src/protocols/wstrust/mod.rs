//! WS-Trust of February 2005 and 1.3: active clients ask for a token in a SOAP message.
//!
//! Each endpoint differs only in how the client proves who it is; request and answer are the same code.

mod credential;
mod fault;
mod handler;
mod refusal;
mod request;
mod response;

pub use fault::TrustFault;
pub use handler::handle;
pub use request::{RequestError, TrustRequest, decode};
pub use response::{Asked, fault_response, token_response};
