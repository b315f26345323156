//! What Active Directory says about an account.
//!
//! The [`Directory`] trait, its LDAP implementation, and the identifiers of directory objects. Knows nothing of claims,
//! protocols or how somebody authenticated.

mod account;
mod guid;
mod query;
mod sid;

pub use account::{Account, AccountKind};
pub use guid::{GuidError, ObjectGuid};
pub use query::{AccountKey, AttributeName, AttributeValue, Attributes, Directory, DirectoryError};
pub use sid::{Sid, SidError};
