//! How a value gets into HTML.
//!
//! As the engine's own way, but a slash stays a slash: programs that read the form by a pattern find addresses in it as AD FS
//! writes them. Line ends are written as references, because an attribute would not keep them apart.

use minijinja::value::Value;
use minijinja::{AutoEscape, Error, Output, State};

/// Writes `value` for the place it stands in.
pub(super) fn format(out: &mut Output<'_>, state: &mut State<'_, '_>, value: &Value) -> Result<(), Error> {
    match (state.auto_escape(), value.as_str()) {
        (AutoEscape::Html, Some(text)) if !value.is_safe() => out.write_str(&html(text)).map_err(Error::from),
        _ => minijinja::escape_formatter(out, state, value),
    }
}

/// `text` as HTML that stands for it, in content and in quoted attributes alike.
pub(super) fn html(text: &str) -> String {
    // A token is mostly markup: it grows by half.
    let mut html = String::with_capacity(text.len() + text.len() / 2);
    let mut copied = 0;
    for (at, octet) in text.bytes().enumerate() {
        if !is_special(octet) {
            continue;
        }
        // What is special is ASCII, so every cut lies between characters.
        html.push_str(text.get(copied..at).unwrap_or_default());
        html.push_str(reference(octet));
        copied = at + 1;
    }
    html.push_str(text.get(copied..).unwrap_or_default());
    html
}

/// Whether the octet does not stand for itself: all that do not are found by one shift, where comparing with each would cost
/// more than all else about a page that carries a token.
const fn is_special(octet: u8) -> bool {
    octet < 64 && SPECIAL >> octet & 1 == 1
}

/// What stands for a character that does not stand for itself.
const fn reference(octet: u8) -> &'static str {
    match octet {
        b'&' => "&amp;",
        b'<' => "&lt;",
        b'>' => "&gt;",
        b'"' => "&quot;",
        b'\'' => "&#39;",
        b'\r' => "&#13;",
        b'\n' => "&#10;",
        // NUL: HTML has no way to write it.
        _ => "\u{fffd}",
    }
}

/// One bit for each character that does not stand for itself.
const SPECIAL: u64 = 1 << b'&' | 1 << b'<' | 1 << b'>' | 1 << b'"' | 1 << b'\'' | 1 << b'\r' | 1 << b'\n' | 1;
