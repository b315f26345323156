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
    let mut html = String::with_capacity(text.len() + text.len() / 8);
    for character in text.chars() {
        match character {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            '\r' => html.push_str("&#13;"),
            '\n' => html.push_str("&#10;"),
            // HTML has no way to write it.
            '\0' => html.push('\u{fffd}'),
            other => html.push(other),
        }
    }
    html
}
