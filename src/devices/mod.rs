//! Registered devices: what they are, where they are kept, and the authority that certifies them.
//!
//! [`Device`] is one registration, whoever made it; [`DeviceRegistry`] keeps them, in Active Directory or in SQL. Every
//! use of a device asks the registry again, because disabling a device is the only revocation there is.
//!
//! Knows nothing of HTTP, of tokens, or of the protocols that register and use devices.

mod active_directory;
mod authority;
mod cache;
pub mod codec;
#[cfg(test)]
mod conformance;
mod csr;
mod device;
pub mod enrolment;
mod join_type;
mod key_strength;
mod limits;
mod registry;
mod rsa_signature;
#[cfg(test)]
pub(crate) mod samples;
mod service;
mod services;
mod sql;
mod tpm_key;
mod transport_key;
mod upkeep;

// For the suite, which takes all its names from here.
#[cfg(test)]
use crate::{clock::UtcTime, directory::Sid};

pub use active_directory::ActiveDirectoryRegistry;
pub(crate) use active_directory::{ISSUERS as PUBLISHED_ISSUERS, SERVICE as SERVICE_OBJECT};
pub use authority::{
    AuthorityError, DEVICE_LIFETIME, DeviceAuthority, DeviceCertificate, DeviceCertificateRequest, RegistryPlace,
    is_issued_by_one,
};
pub use cache::CachedRegistry;
pub use csr::{CertificateRequest, CsrError, Sha1Requests};
pub use device::{CertificateMark, Device, DeviceId, DeviceKey, TrustType};
pub use join_type::JoinType;
pub use key_strength::WeakKey;
pub use limits::{LimitReached, PaidUse, Remembered, RequestLimits, Stranger};
pub use registry::{AddedKey, DeviceRegistry, Registration, RegistryError, is_touch_due};
pub use service::DeviceService;
pub use services::{DeviceServices, DeviceSettings, Quota};
pub use sql::{SqlDeviceCodes, SqlPlace, SqlRegistry, SqlSettings};
pub use tpm_key::TpmKey;
pub use transport_key::{KeyBlob, KeyBlobError};
pub use upkeep::{DeviceUpkeep, SweepAction, SweepError, SweepOptions, SweepOutcome, SweepStep, UnusedDevice, sweep};
