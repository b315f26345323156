//! End-to-end tests: the compiled server in the lab's real domain, driven by programs we did not write.
//!
//! Run by `make test`, or alone by `tests/lab/run cargo test --test e2e`.

mod support;

mod chart;
mod failover;
mod farm;
mod keytab;
mod reload;
mod shutdown;
mod tls;
