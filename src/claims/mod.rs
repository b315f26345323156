//! Claims and the AD FS claim rule language.
//!
//! Knows nothing of protocols, tokens or how somebody authenticated; attribute stores reach the directory through a trait.

mod claim;
pub mod types;

pub use claim::{Claim, ClaimSet, Text};
