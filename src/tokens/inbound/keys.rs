//! Which of a partner's certificates count now.

use super::InboundError;
use crate::clock::UtcTime;
use crate::xml::verify::{KeyError, VerificationKeys, VerifyError};

/// Keys of those of a partner's certificates (DER) that are valid now: one that has expired, or is of the future, signs nothing.
///
/// Parsed anew by each call; keep the result until a certificate begins or ends.
///
/// # Errors
/// [`InboundError::NoValidCertificate`] when none is valid; [`InboundError::Signature`] for one that cannot be used at all.
pub fn signing_keys<'a>(
    certificates: impl IntoIterator<Item = &'a [u8]>,
    now: UtcTime,
) -> Result<VerificationKeys, InboundError> {
    let mut valid = Vec::new();
    let mut last_end = None;
    for der in certificates {
        let (_, certificate) = x509_parser::parse_x509_certificate(der)
            .map_err(|error| VerifyError::Key(KeyError::Certificate(error.to_string())))?;
        let validity = certificate.validity();
        let begin = UtcTime::from_unix_seconds(validity.not_before.timestamp());
        let end = UtcTime::from_unix_seconds(validity.not_after.timestamp());
        last_end = last_end.max(Some(end));
        if begin <= now && now <= end {
            valid.push(der);
        }
    }
    if valid.is_empty() {
        return Err(InboundError::NoValidCertificate { last_end });
    }
    Ok(VerificationKeys::from_certificates(valid).map_err(VerifyError::Key)?)
}
