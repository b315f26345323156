//! `_ProxyCredentialStore`: whether a SID or a trust belongs to a federation proxy.
//!
//! This server keeps no trust with proxies (they are known by their addresses), so nothing ever does: rules that ask are answered
//! without rows and go on.

use super::{AttributeStore, QueryContext, Rows, StoreError, StoreQuery};
use crate::claims::Text;

/// The name the store has in AD FS.
pub const NAME: &str = "_ProxyCredentialStore";

/// The questions AD FS' rules ask.
pub const QUERIES: [&str; 3] = ["isProxySid", "isProxyTrustManagerSid", "isProxyTrustProvisioned"];

/// No row for any question.
#[derive(Debug, Clone, Copy, Default)]
pub struct ProxyCredentialStore;

#[async_trait::async_trait]
impl AttributeStore for ProxyCredentialStore {
    async fn query(&self, _: &QueryContext<'_>, _: &StoreQuery, _: &[Text]) -> Result<Rows, StoreError> {
        Ok(Rows::none())
    }
}
