//! The enterprise primary refresh token (MS-OAPXBC): what a registered device is given so that its user need not sign in
//! again, and what the device proves when it uses it.
//!
//! ```text
//! nonce ─► request signed by the device's key ─► PRT, and a session key only the device can unwrap
//!                                               │
//!          request signed by a key derived ◄────┘─► tokens, encrypted under another derived key; browser sign-in
//! ```
//!
//! Everything is sealed into the PRT, the session key included, so any node answers. What can change is asked again at each
//! use: the device, the user, the user's password and keys.
//!
//! The formats are MS-OAPXBC's own (a `ctx` in the header from which the key is derived, an encryption without a content
//! key of its own, one space as a plaintext): no JOSE library speaks them, so they stand here over `tokens::jwt` and the
//! primitives of aws-lc-rs.
//!
//! Knows octets, keys, the directory and the device registry; knows nothing of HTTP, and decides about no resource.

mod content;
mod credential;
mod device;
mod device_certificate;
mod exchange;
mod hello;
mod in_use;
mod jws;
mod kdf;
mod nonce;
mod pkeyauth;
mod request;
mod response;
mod scope;
mod service;
mod session_key_jwe;
#[cfg(test)]
mod tests;
mod transport_key;
mod validity;

pub use content::{Lineage, NewPrt, PrimaryRefreshToken, ProofOrigin, PrtLifetimes};
pub use credential::{MadeFor, RefreshTokenCredential};
pub use device::{DeviceError, device_of};
pub use device_certificate::{DeviceCertificate, DeviceCertificateError};
pub use exchange::{Exchange, ExchangeError};
pub use hello::{
    Asserted, AssertionNonce, CertificateAssertion, HelloAssertion, HelloError, UserAssertion, check_assertion_nonce,
};
pub use jws::{DeviceSigned, JwsError, SessionSigned, SignedRequest};
pub use kdf::{DerivedKey, KdfVersion, SessionKey};
pub use nonce::{Nonce, NonceError, NonceUse};
pub use pkeyauth::{Challenge, PKeyAuthError, Reply, authority_name, is_capable};
pub use request::{PrtRequest, RequestError, UserProof};
pub use response::{EncryptError, encrypt_response};
pub use service::{Around, DeviceRequest, IssuedPrt, PrtRefusal, PrtService, REMEMBERED};
pub use session_key_jwe::session_key_jwe;
pub use transport_key::{TransportKey, TransportKeyError};
pub use validity::{Holder, PrtError, Sources, check_user, may_use};
