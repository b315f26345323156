//! Registered devices: what they are, where they are kept, and the authority that certifies them.
//!
//! [`Device`] is one registration, whoever made it; [`DeviceRegistry`] keeps them, in Active Directory or in SQL. Every
//! use of a device asks the registry again, because disabling a device is the only revocation there is.
//!
//! Knows nothing of HTTP, of tokens, or of the protocols that register and use devices.

mod device;
mod registry;

pub use device::{CertificateMark, Device, DeviceId, DeviceKey, TrustType};
pub use registry::{DeviceRegistry, Registration, RegistryError};
