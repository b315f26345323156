//! Octets to rule text: UTF-8 and nothing else, with the place and the probable cause of what is none.

use super::Location;

/// The octets are no UTF-8 text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EncodingError {
    /// UTF-16, as Windows `PowerShell` writes with `>` and `Out-File`.
    #[error("the text is UTF-16, as Windows PowerShell writes it with '>'; write it with `Set-Content -Encoding utf8`")]
    Utf16,
    /// An octet that begins or continues no character.
    #[error(
        "line {}, column {}: the octet 0x{octet:02X} is no UTF-8; save the text as UTF-8 (it is probably Windows-1252)",
        .location.line, .location.column
    )]
    Octet {
        /// Where.
        location: Location,
        /// The octet.
        octet: u8,
    },
}

impl EncodingError {
    /// Where the first octet is that fits nowhere.
    pub const fn location(&self) -> Option<Location> {
        match self {
            Self::Utf16 => None,
            Self::Octet { location, .. } => Some(*location),
        }
    }
}

/// The text in `bytes`, without a byte order mark.
///
/// # Errors
/// [`EncodingError`] at the first octet that is no UTF-8.
pub fn decode(bytes: &[u8]) -> Result<&str, EncodingError> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    if bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]) {
        return Err(EncodingError::Utf16);
    }
    std::str::from_utf8(bytes).map_err(|error| {
        let valid = bytes.get(..error.valid_up_to()).and_then(|valid| std::str::from_utf8(valid).ok());
        let valid = valid.unwrap_or_default();
        EncodingError::Octet {
            location: Location::of(valid, u32::try_from(valid.len()).unwrap_or(u32::MAX)),
            octet: bytes.get(valid.len()).copied().unwrap_or_default(),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_utf8_is_read() {
        assert_eq!(decode("\u{FEFF}ä".as_bytes()), Ok("ä"));
        assert_eq!(decode(b"\xFF\xFE=\0>\0"), Err(EncodingError::Utf16));
        assert_eq!(decode(b"\xFE\xFF\0=\0>"), Err(EncodingError::Utf16));
        let error = decode(b"=> issue(Type = \"t\");\r\n\"M\xFCller\"").unwrap_err();
        assert_eq!(error, EncodingError::Octet { location: Location { line: 2, column: 3 }, octet: 0xFC });
        assert!(error.to_string().starts_with("line 2, column 3: the octet 0xFC"), "{error}");
        // Cut within a character.
        assert!(matches!(decode(b"\xC3"), Err(EncodingError::Octet { octet: 0xC3, .. })));
    }
}
