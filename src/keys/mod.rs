//! The server's own keys: token signing, token decryption, and the sealing of its own envelopes.
//!
//! ```text
//!  generate ─┐
//!            ├─► material ─► vault (encrypted at rest, one directory) ─► ring (parsed, kept, looked up by id)
//!  import  ──┘                                                             ├─► software   signs tokens
//!                                                                          └─► decryption unwraps content keys
//! ```
//!
//! Knows files, certificates and RSA; knows nothing of tokens, protocols or relying parties. A key in a hardware module
//! becomes one more [`TokenSigner`](crate::tokens::TokenSigner) beside [`software`]; nothing else changes.

pub mod certificate;
pub mod decryption;
pub mod envelope;
pub mod files;
pub mod generate;
pub mod import;
pub mod known;
pub mod manifest;
pub mod material;
pub mod ring;
pub mod software;
pub mod vault;

pub use certificate::{CertificateError, CertificateFacts};
pub use decryption::{DecryptError, DecryptionKey, KeyTransport};
pub use envelope::{EnvelopeError, KeyEncryptionKey};
pub use files::{FileError, FilePermissions};
pub use generate::{CertificateOptions, GenerateError, RsaKeySize};
pub use import::ImportError;
pub use known::KnownKeys;
pub use manifest::{KeyOrigin, KeyPurpose, KeyRole, Manifest, ManifestEntry, ManifestError};
pub use material::{KeyMaterial, MaterialError};
pub use ring::{ExpiryReport, ExpiryState, KeyRing, KeyRingOptions, RingError, SealingKey, TokenSigningKey};
pub use software::SoftwareSigner;
pub use vault::{KeyDirectory, NewKey, Vault, VaultError};

#[cfg(test)]
mod tests;
