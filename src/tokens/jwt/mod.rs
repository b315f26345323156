//! JSON Web Tokens: written from a grant's claims, and read only by functions that know beforehand who must have signed them,
//! how, and for whom (oauth-oidc-prt.md 2.12, 8.2).
//!
//! A library would have to be told all of that and would still read JSON more kindly than a signature deserves; what is left
//! without one is base64 and two dots. The RSA operations are aws-lc's, on the way out behind `TokenSigner`
//! (docs/decisions/jwt-without-a-library.md). Knows claims and keys; knows nothing of grants, clients or HTTP.

mod access_token;
mod client_assertion;
mod client_keys;
mod content;
mod error;
mod id_token;
mod json;
mod jws;
mod key;
mod own_key;
#[cfg(test)]
mod tests;
mod write;

pub use access_token::{AccessToken, verify_access_token, verify_resource_token};
pub use client_assertion::{ClientAssertion, verify_client_assertion};
pub use client_keys::{ClientKeyError, ClientKeys};
pub use content::{JwtClaims, JwtContent, JwtOptions, audience_of};
pub use error::JwtError;
pub use id_token::{IdTokenHint, verify_id_token_hint};
pub use json::{JsonError, read_object};
pub use jws::{Header, Jws, MAX_TOKEN_LEN, Payload};
pub use key::{RsaPublicKey, RsaPublicKeyError};
pub(crate) use key::{x5t, x5t_s256};
