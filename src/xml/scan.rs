//! The reject-only scan that signed input passes before anything else looks at it.
//!
//! It yields nothing but permission: whatever could make two readers see two documents (comments, CDATA, DTD, foreign
//! encodings, duplicate attributes, text outside the root) is refused here, on the octets as received.

use super::reader::{Comments, Document, Limits, ReadError};

/// Refuses input that must not reach the signature engine; returns it as text without byte order mark.
///
/// # Errors
/// [`ScanError`].
pub fn scan<'i>(input: &'i [u8], limits: &Limits) -> Result<&'i str, ScanError> {
    Document::parse(input, &Limits { comments: Comments::Refuse, ..*limits })?;
    let text = std::str::from_utf8(input)
        .map_err(|error| ScanError::Read(ReadError::NotUtf8 { offset: error.valid_up_to() }))?;
    // Well-formed and free of comments, so these octets cannot be anything but the start of a section.
    if let Some(offset) = text.find("<![CDATA[") {
        return Err(ScanError::Cdata { offset });
    }
    Ok(text.strip_prefix('\u{FEFF}').unwrap_or(text))
}

/// Why the scan refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScanError {
    /// The parser refuses it.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A CDATA section, which canonicalization would turn into other octets than were signed over.
    #[error("CDATA section at octet {offset} of signed XML")]
    Cdata {
        /// Where it begins.
        offset: usize,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_parsers_could_disagree_on_is_refused() {
        for bad in [
            "<!DOCTYPE a><a/>",
            "<a><!-- x --></a>",
            "<a><![CDATA[x]]></a>",
            "<a><![CDATA[]]></a>",
            "<a><?pi?></a>",
            "<a/><b/>",
            "<a/>x",
            "<a b='1' b='2'/>",
            "<?xml version='1.0' encoding='utf-16'?><a/>",
            "<a>&e;</a>",
        ] {
            assert!(scan(bad.as_bytes(), &Limits::SIGNED).is_err(), "{bad}");
        }
        let deep = "<a>".repeat(40) + &"</a>".repeat(40);
        assert!(matches!(scan(deep.as_bytes(), &Limits::SIGNED), Err(ScanError::Read(ReadError::TooDeep { .. }))));
        assert_eq!(scan("\u{FEFF}<a/>".as_bytes(), &Limits::SIGNED), Ok("<a/>"));
    }
}
