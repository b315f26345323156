//! What the end-to-end tests share: the lab's settings, clients, and readers of what the server wrote.

mod audit;
mod curl;
mod lab;
mod rst;
mod token;

pub use audit::Audit;
pub use curl::{Curl, Response};
pub use lab::Lab;
pub use rst::Rst;
pub use token::Assertion;
