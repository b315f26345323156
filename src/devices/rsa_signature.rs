//! Signature algorithms of X.509 structures that devices and their authorities make: RSA PKCS#1 v1.5.
//!
//! From the identifier in the structure to the verification the library does. Knows no structure.

use aws_lc_rs::signature::{
    RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384,
    RSA_PKCS1_2048_8192_SHA512, RsaParameters,
};

/// How a signature of this algorithm (content octets of its object identifier) is verified; `None` for any other algorithm.
pub(super) fn verification(algorithm: &[u8]) -> Option<&'static RsaParameters> {
    match algorithm {
        SHA256_WITH_RSA => Some(&RSA_PKCS1_2048_8192_SHA256),
        SHA384_WITH_RSA => Some(&RSA_PKCS1_2048_8192_SHA384),
        SHA512_WITH_RSA => Some(&RSA_PKCS1_2048_8192_SHA512),
        _ if is_sha1(algorithm) => Some(&RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY),
        _ => None,
    }
}

/// Whether the algorithm hashes with SHA-1.
pub(super) fn is_sha1(algorithm: &[u8]) -> bool {
    matches!(algorithm, SHA1_WITH_RSA | OIW_SHA1_WITH_RSA)
}

/// 1.2.840.113549.1.1.5
pub(super) const SHA1_WITH_RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 5];
/// 1.2.840.113549.1.1.11
pub(super) const SHA256_WITH_RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11];
/// 1.2.840.113549.1.1.12
pub(super) const SHA384_WITH_RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 12];
/// 1.2.840.113549.1.1.13
const SHA512_WITH_RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 13];
/// 1.3.14.3.2.29, the name that Windows 8.1 uses.
pub(super) const OIW_SHA1_WITH_RSA: &[u8] = &[0x2b, 0x0e, 0x03, 0x02, 29];
