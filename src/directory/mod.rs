//! What Active Directory says about an account.
//!
//! The [`Directory`] trait, its LDAP implementation, and the identifiers of directory objects. Knows nothing of claims,
//! protocols or how somebody authenticated.

mod account;
mod bind_reason;
mod cache;
pub mod codec;
pub mod filter;
mod guid;
pub mod ldap;
mod lockout;
mod password_change;
mod password_set;
mod query;
pub mod security_descriptor;
mod sid;

pub use account::{Account, AccountKind, SignInState};
pub use bind_reason::{PasswordRefusal, PasswordVerdict};
pub use cache::{CacheOptions, CachedDirectory};
pub use guid::{GuidError, ObjectGuid};
pub use lockout::DomainLockout;
pub use password_change::{ChangeVerdict, PasswordRules};
pub use password_set::password_set;
pub use query::{AccountKey, AttributeName, AttributeValue, Attributes, Directory, DirectoryError};
pub use sid::{Sid, SidError};
