//! How Active Directory writes what it holds of a device: certificates, keys, and a value that goes with a name.
//!
//! Pure functions over octets and text, both ways. Knows no connection and no registry.

pub mod alt_security_identity;
pub mod dn_binary;
pub mod key_credential;
