//! The small lexical rules of XML 1.0 and Namespaces in XML that the parser and the writer share.

/// Whether XML 1.0 allows the character in a document (production 2, `Char`).
pub(super) const fn is_char(character: char) -> bool {
    matches!(character,
        '\t' | '\n' | '\r' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..='\u{10FFFF}')
}

/// Whether XML 1.0 allows every character of the text.
#[cfg(test)]
pub(crate) fn is_text(text: &str) -> bool {
    first_illegal(text).is_none()
}

/// The first character of `text` that XML 1.0 does not allow, with its offset.
pub(super) fn first_illegal(text: &str) -> Option<(usize, char)> {
    // Everything illegal in a str is a C0 control, or U+FFFE and U+FFFF, which begin with the octet EF. Without an early
    // exit the compiler looks at many octets at once.
    let suspicious = text.bytes().fold(0, |found: u8, octet| {
        let control = octet < 0x20 && !matches!(octet, b'\t' | b'\n' | b'\r');
        found | u8::from(octet == 0xEF) | u8::from(control)
    });
    if suspicious == 0 {
        return None;
    }
    text.char_indices().find(|(_, character)| !is_char(*character))
}

/// Whether `name` is an `NCName`: a name without a colon.
pub(crate) fn is_ncname(name: &str) -> bool {
    let Some(first) = name.bytes().next() else { return false };
    if name.bytes().all(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'_' | b'-' | b'.')) {
        return first.is_ascii_alphabetic() || first == b'_';
    }
    if name.is_ascii() {
        return false;
    }
    let mut characters = name.chars();
    characters.next().is_some_and(is_name_start)
        && characters.all(|character| is_name_start(character) || is_name_extra(character))
}

/// Splits a qualified name into prefix (empty when there is none) and local part; `None` when it is no `QName`.
pub(super) fn split_qname(name: &str) -> Option<(&str, &str)> {
    let Some(colon) = name.bytes().position(|octet| octet == b':') else {
        return is_ncname(name).then_some(("", name));
    };
    let (prefix, local) = name.split_at_checked(colon)?;
    let local = local.get(1..)?;
    (is_ncname(prefix) && is_ncname(local)).then_some((prefix, local))
}

/// XML white space (production 3).
pub(super) const fn is_space(octet: u8) -> bool {
    matches!(octet, b' ' | b'\t' | b'\n' | b'\r')
}

/// Whether the text is empty or white space only.
pub(super) fn is_blank(text: &str) -> bool {
    text.bytes().all(is_space)
}

/// The character that a character reference names, `reference` being what stands between `&#` and `;`.
pub(super) fn character_reference(reference: &str) -> Option<char> {
    let (digits, radix) = match reference.strip_prefix('x') {
        Some(hexadecimal) => (hexadecimal, 16),
        None => (reference, 10),
    };
    // from_str_radix takes a sign, which XML does not.
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|octet| octet.is_ascii_hexdigit()) {
        return None;
    }
    u32::from_str_radix(digits, radix).ok().and_then(char::from_u32).filter(|character| is_char(*character))
}

/// The text of one of the five predefined entities.
pub(super) fn predefined_entity(name: &str) -> Option<&'static str> {
    Some(match name {
        "amp" => "&",
        "lt" => "<",
        "gt" => ">",
        "quot" => "\"",
        "apos" => "'",
        _ => return None,
    })
}

/// `NameStartChar` without the colon (production 4).
const fn is_name_start(character: char) -> bool {
    matches!(character,
        'A'..='Z' | '_' | 'a'..='z' | '\u{C0}'..='\u{D6}' | '\u{D8}'..='\u{F6}' | '\u{F8}'..='\u{2FF}'
        | '\u{370}'..='\u{37D}' | '\u{37F}'..='\u{1FFF}' | '\u{200C}'..='\u{200D}' | '\u{2070}'..='\u{218F}'
        | '\u{2C00}'..='\u{2FEF}' | '\u{3001}'..='\u{D7FF}' | '\u{F900}'..='\u{FDCF}' | '\u{FDF0}'..='\u{FFFD}'
        | '\u{10000}'..='\u{EFFFF}')
}

/// What `NameChar` has beyond `NameStartChar` (production 4a).
const fn is_name_extra(character: char) -> bool {
    matches!(character, '-' | '.' | '0'..='9' | '\u{B7}' | '\u{300}'..='\u{36F}' | '\u{203F}'..='\u{2040}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn illegal_characters_are_found_wherever_they_hide() {
        assert_eq!(first_illegal("tab\tlf\ncr\rumlaut ä \u{FEFF} 漢 \u{10FFFF}"), None);
        for illegal in ['\0', '\u{8}', '\u{B}', '\u{C}', '\u{1F}', '\u{FFFE}', '\u{FFFF}'] {
            assert_eq!(first_illegal(&format!("ab{illegal}c")), Some((2, illegal)));
            assert_eq!(first_illegal(&format!("{illegal}{illegal}")), Some((0, illegal)), "nothing but illegal ones");
        }
    }

    #[test]
    fn names() {
        for good in ["a", "_a", "A-b.c9", "Größe", "名前", "名-1.·"] {
            assert!(is_ncname(good), "{good}");
        }
        for bad in ["", "9a", "-a", ".a", "a:b", "a b", "a/b", "a<", "a\"", "×", "\u{B7}a"] {
            assert!(!is_ncname(bad), "{bad}");
        }
        assert_eq!(split_qname("s:Envelope"), Some(("s", "Envelope")));
        for bad in [":a", "a:", "a:b:c", ":"] {
            assert_eq!(split_qname(bad), None, "{bad}");
        }
    }

    #[test]
    fn character_references() {
        assert_eq!(character_reference("x41"), Some('A'));
        assert_eq!(character_reference("10"), Some('\n'));
        assert_eq!(character_reference("00000065"), Some('A'), "eight digits are read");
        for bad in
            ["", "x", "0", "x0", "xD800", "x110000", "+65", "x+41", "X41", "4294967361", "xFFFE", "1F", "000000065"]
        {
            assert_eq!(character_reference(bad), None, "{bad}");
        }
    }
}
