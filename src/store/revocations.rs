//! Which sessions are over.

use super::StoreError;
use crate::authn::SessionRef;
use crate::clock::UtcTime;

/// Remembers revoked sessions.
#[async_trait::async_trait]
pub trait Revocations: Send + Sync {
    /// Whether the session was revoked.
    ///
    /// # Errors
    /// [`StoreError`]; the caller treats the session as revoked.
    async fn is_revoked(&self, session: &SessionRef) -> Result<bool, StoreError>;

    /// Revokes a session; `until` is when it would have ended anyway. Revoking again never shortens the time.
    ///
    /// # Errors
    /// [`StoreError`]; the session may still be alive, and whoever asked must be told.
    async fn revoke(&self, session: &SessionRef, until: UtcTime) -> Result<(), StoreError>;
}
