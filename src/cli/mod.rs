//! One file per command. A command parses its arguments, calls the library and prints; it decides nothing itself.

pub mod entra;
pub mod keys;
