//! What the end-to-end tests share: the lab's settings, clients, and readers of what the server wrote.

mod audit;
mod curl;
mod keep_alive;
mod lab;
mod node;
mod rst;
mod token;

pub use audit::Audit;
pub use curl::{Curl, Response};
pub use keep_alive::KeepAlive;
pub use lab::{Lab, run};
pub use node::{
    Node, NodeSetup, USERNAME, WINDOWS, computer_tickets, eventually, program, replace, replace_file, script, variable,
};
pub use rst::Rst;
pub use token::Assertion;
