//! Escaping of Canonical XML 1.0 (section 2.3), and the refusal of what no escape can carry.

use super::WriteError;

/// Where a text stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Between tags.
    Text,
    /// In an attribute's value.
    Attribute,
}

/// A character that XML 1.0 does not allow.
#[derive(Debug)]
pub(super) struct Illegal(char);

impl Illegal {
    pub(super) const fn in_element(self, local: &'static str) -> WriteError {
        WriteError::IllegalCharacter { place: local, character: self.0 }
    }

    pub(super) const fn in_attribute(self, local: &'static str) -> WriteError {
        WriteError::IllegalCharacter { place: local, character: self.0 }
    }
}

/// Appends `text` escaped for `place`.
pub(super) fn push(out: &mut Vec<u8>, text: &str, place: Place) -> Result<(), Illegal> {
    let octets = text.as_bytes();
    // Most texts need nothing; without an early exit the compiler looks at many octets at once.
    let special = octets.iter().fold(0, |found: u8, octet| {
        found
            | u8::from(*octet < 0x20)
            | u8::from(matches!(octet, b'&' | b'<' | b'>' | b'"'))
            | u8::from(*octet == 0xEF)
    });
    if special == 0 {
        out.extend_from_slice(octets);
        return Ok(());
    }
    let mut copied = 0;
    for (at, octet) in octets.iter().enumerate() {
        let replacement: &[u8] = match (octet, place) {
            (b'&', _) => b"&amp;",
            (b'<', _) => b"&lt;",
            (b'>', Place::Text) => b"&gt;",
            (b'"', Place::Attribute) => b"&quot;",
            (b'\t', Place::Attribute) => b"&#x9;",
            (b'\n', Place::Attribute) => b"&#xA;",
            (b'\r', _) => b"&#xD;",
            (b'\t' | b'\n', Place::Text) => continue,
            (0x00..=0x1F, _) => return Err(Illegal(char::from(*octet))),
            // U+FFFE and U+FFFF are EF BF BE and EF BF BF.
            (0xEF, _) => match octets.get(at + 1..at + 3) {
                Some([0xBF, 0xBE]) => return Err(Illegal('\u{FFFE}')),
                Some([0xBF, 0xBF]) => return Err(Illegal('\u{FFFF}')),
                _ => continue,
            },
            _ => continue,
        };
        out.extend_from_slice(octets.get(copied..at).unwrap_or_default());
        out.extend_from_slice(replacement);
        copied = at + 1;
    }
    out.extend_from_slice(octets.get(copied..).unwrap_or_default());
    Ok(())
}
