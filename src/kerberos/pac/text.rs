//! UTF-16LE text of a PAC.

use super::PacError;

/// A name that identifies something: strict UTF-16, short, without control characters.
///
/// A look-alike made of unpaired surrogates, or a name with a line break in a log, is refused rather than repaired.
pub(super) fn name_text(octets: &[u8]) -> Result<String, PacError> {
    let (units, rest) = octets.as_chunks::<2>();
    if !rest.is_empty() || units.len() > MAX_NAME_UNITS {
        return Err(PacError::BadName);
    }
    let text = char::decode_utf16(units.iter().map(|unit| u16::from_le_bytes(*unit)))
        .collect::<Result<String, _>>()
        .map_err(|_| PacError::BadName)?;
    if text.chars().any(char::is_control) { Err(PacError::BadName) } else { Ok(text) }
}

/// Text for people: what is no valid UTF-16 becomes U+FFFD, so that a strange display name locks nobody out.
pub(super) fn display_text(octets: &[u8]) -> String {
    let (units, _) = octets.as_chunks::<2>();
    char::decode_utf16(units.iter().take(MAX_NAME_UNITS).map(|unit| u16::from_le_bytes(*unit)))
        .map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect()
}

/// The longest name attribute of Active Directory that reaches a PAC (`userPrincipalName`) has 1,024 characters.
const MAX_NAME_UNITS: usize = 1024;
