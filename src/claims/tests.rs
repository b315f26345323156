//! Published rule sets with worked cases, and tests of the whole engine.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod growth;
mod malformed;
mod naive;
mod random;
mod semantics;
mod support;
mod syntax;
mod vectors;
