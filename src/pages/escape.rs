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
    let mut rest = text;
    // Octets of the references are ASCII, so every cut lies between characters.
    while let Some((at, reference)) = rest.bytes().enumerate().find_map(|(at, octet)| Some((at, reference(octet)?))) {
        let (plain, behind) = rest.split_at_checked(at).unwrap_or((rest, ""));
        html.push_str(plain);
        html.push_str(reference);
        rest = behind.get(1..).unwrap_or_default();
    }
    html.push_str(rest);
    html
}

/// What stands for a character that does not stand for itself.
const fn reference(octet: u8) -> Option<&'static str> {
    match octet {
        b'&' => Some("&amp;"),
        b'<' => Some("&lt;"),
        b'>' => Some("&gt;"),
        b'"' => Some("&quot;"),
        b'\'' => Some("&#39;"),
        b'\r' => Some("&#13;"),
        b'\n' => Some("&#10;"),
        // HTML has no way to write it.
        b'\0' => Some("\u{fffd}"),
        _ => None,
    }
}
