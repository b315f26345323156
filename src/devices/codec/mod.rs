//! How Active Directory writes what it holds of a device: certificates, keys, a value that goes with a name, and how often something
//! was changed.
//!
//! Pure functions over octets and text, both ways. Knows no connection and no registry.

pub mod alt_security_identity;
pub mod change_count;
pub mod dn_binary;
pub mod key_credential;
