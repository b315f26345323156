//! Attribute stores: where rules look up what the sign-in does not say.
//!
//! The contract, the registry by name, and what one request may ask. A store knows the query, its parameters and who signs
//! in; it knows nothing of rules or of what its answer is used for.

pub mod active_directory;
mod cached;
pub mod catalog;
pub mod known_ids;
pub mod ldap;
pub mod opaque_id;
pub mod password_expiry;
pub mod proxy_credential;
pub mod query;
mod request;
pub mod sql;
pub mod string_processing;

use std::collections::HashMap;
use std::sync::Arc;

pub use active_directory::ActiveDirectoryStore;
pub use cached::CachedStore;
pub use catalog::{QueryLanguage, StoreCatalog, StoreProblem};
pub use known_ids::KnownIds;
pub use ldap::LdapStore;
pub use opaque_id::OpaqueIdStore;
pub use password_expiry::{ExpiryNotice, PasswordExpiry, PasswordExpiryStore};
pub use proxy_credential::ProxyCredentialStore;
pub use query::{Piece, QueryText, StoreQuery};
pub(in crate::claims) use request::AskError;
pub use request::{RequestStores, StoreLimits};
pub use sql::SqlStore;
pub use string_processing::StringProcessingStore;

use super::Text;
use crate::directory::{DirectoryError, Sid};

/// A source of attributes that rules ask by name.
#[async_trait::async_trait]
pub trait AttributeStore: Send + Sync {
    /// Answers a query: rows of cells, as many cells in each row as the query has columns.
    ///
    /// Parameters are data: an implementation binds or escapes them for its own query language and never splices them.
    ///
    /// # Errors
    /// [`StoreError`]; the whole rule set fails with it. No answer is no error but no rows.
    async fn query(&self, cx: &QueryContext<'_>, query: &StoreQuery, params: &[Text]) -> Result<Rows, StoreError>;
}

/// What a store may know of the sign-in it is asked for.
#[derive(Debug, Clone, Copy, Default)]
pub struct QueryContext<'a> {
    /// Who signs in, when it is an account of a configured domain.
    pub subject: Option<QuerySubject<'a>>,
    /// When the password that was used expires; `None` when that is far away, or no password was used.
    pub password_expiry: Option<&'a PasswordExpiry>,
    /// The relying party the token is for, by its first identifier.
    pub relying_party: Option<&'a str>,
}

/// The account that signs in.
#[derive(Debug, Clone, Copy)]
pub struct QuerySubject<'a> {
    /// Its SID: what it is asked by, whatever it is called now.
    pub sid: &'a Sid,
    /// The value of its `windowsaccountname` claim: `CORP\alice`.
    pub windows_account_name: &'a str,
}

/// A store's answer: rows of cells, `None` for no value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rows(pub Vec<Vec<Option<Text>>>);

impl Rows {
    /// An answer without rows.
    pub const fn none() -> Self {
        Self(Vec::new())
    }
}

/// Why a store has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The query is not in the store's language.
    #[error("the query cannot be read: {reason}")]
    Query {
        /// What is wrong with it.
        reason: String,
    },
    /// The query yields another number of columns than the rule has claim types.
    #[error("the query yields {found} columns, the rule has {expected} claim types")]
    Columns {
        /// Claim types of the rule.
        expected: usize,
        /// Columns of the answer.
        found: usize,
    },
    /// A parameter that should name an account does not.
    #[error("'{account}' is neither DOMAIN\\account nor account@domain")]
    Account {
        /// The text given.
        account: String,
    },
    /// The directory did not answer.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// The store could not answer now; trying again later makes sense.
    #[error("the store is not available: {reason}")]
    Unavailable {
        /// The last failure, for the operator.
        reason: String,
    },
    /// The store refused or failed.
    #[error("{reason}")]
    Failed {
        /// What it said.
        reason: String,
    },
}

impl StoreError {
    /// Whether the same question may succeed a little later.
    pub const fn is_retryable(&self) -> bool {
        match self {
            Self::Directory(error) => error.is_retryable(),
            Self::Unavailable { .. } => true,
            Self::Query { .. } | Self::Columns { .. } | Self::Account { .. } | Self::Failed { .. } => false,
        }
    }
}

/// The configured stores by name. Names compare without regard to case and surrounding blanks.
#[derive(Clone, Default)]
pub struct StoreSet(HashMap<String, Arc<dyn AttributeStore>>);

impl StoreSet {
    /// No store at all.
    pub fn new() -> Self {
        Self::default()
    }

    /// The stores that need no setting: `_PasswordExpiryStore`, `_ProxyCredentialStore`, `StringProcessing`.
    pub fn built_in() -> Self {
        Self::new()
            .with(password_expiry::NAME, Arc::new(PasswordExpiryStore))
            .with(proxy_credential::NAME, Arc::new(ProxyCredentialStore))
            .with(string_processing::NAME, Arc::new(StringProcessingStore))
    }

    /// The same stores and one more; it replaces a store of the same name.
    #[must_use]
    pub fn with(mut self, name: &str, store: Arc<dyn AttributeStore>) -> Self {
        self.0.insert(key(name), store);
        self
    }

    /// The store of this name.
    pub fn get(&self, name: &str) -> Option<&Arc<dyn AttributeStore>> {
        self.0.get(&key(name))
    }

    /// Whether a store of this name is configured.
    pub fn contains(&self, name: &str) -> bool {
        self.get(name).is_some()
    }
}

impl std::fmt::Debug for StoreSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// The form in which names compare.
fn key(name: &str) -> String {
    name.trim().to_lowercase()
}
