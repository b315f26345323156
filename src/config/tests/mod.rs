//! Broken configurations and what is said of them; reading in general; replacing a configuration under a running server.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod broken;
mod chart;
pub(crate) mod fixture;
mod reading;
mod reload;
