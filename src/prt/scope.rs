//! The scopes that requests with a PRT must and may name.
//!
//! Windows asks for more than any server knows (`ugs`); what is unknown is left aside. Certificates for Windows Hello are not
//! issued, and asking for one is refused.

use super::jws::Members;
use super::request::{RequestError, text};

/// Whether `scope` names each of `scopes`.
pub(super) fn demand(payload: &Members, scopes: &[&'static str]) -> Result<(), RequestError> {
    match scopes.iter().find(|scope| !has(payload, scope)) {
        None => Ok(()),
        Some(scope) => Err(RequestError::Scope { scope }),
    }
}

/// Whether `scope` names this one.
pub(super) fn has(payload: &Members, scope: &str) -> bool {
    text(payload, "scope").unwrap_or_default().split_ascii_whitespace().any(|one| one == scope)
}
