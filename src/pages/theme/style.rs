//! A style sheet of an organization: rules that follow the program's own in each page.
//!
//! It stands under the page's nonce, and the policy lets it load nothing; even so, what could load, or end the style element, is
//! refused where an administrator sees it.

use std::sync::Arc;

/// Rules that can stand in any page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StyleSheet(Arc<str>);

/// Why a style sheet is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StyleError {
    /// Something that may not stand in it.
    #[error("`{0}` cannot stand in a style sheet of the pages")]
    Forbidden(&'static str),
    /// A rule that begins with `@` and is not on the list.
    #[error("`@{0}` cannot stand in a style sheet of the pages")]
    AtRule(String),
    /// Braces, comments or quotes that do not close.
    #[error("{0} is not closed")]
    Open(&'static str),
    /// Larger than it may be.
    #[error("it has {octets} octets; {MOST_STYLE} is the most")]
    TooLarge {
        /// Octets.
        octets: usize,
    },
}

impl StyleSheet {
    /// Reads a style sheet.
    ///
    /// # Errors
    /// [`StyleError`].
    pub fn of(text: &str) -> Result<Self, StyleError> {
        let text = text.trim();
        if text.len() > MOST_STYLE {
            return Err(StyleError::TooLarge { octets: text.len() });
        }
        let lower = text.to_ascii_lowercase();
        if let Some(found) = FORBIDDEN.into_iter().find(|part| lower.contains(part)) {
            return Err(StyleError::Forbidden(found.trim()));
        }
        if text.chars().any(|character| character.is_control() && !matches!(character, '\n' | '\r' | '\t')) {
            return Err(StyleError::Forbidden("a control character"));
        }
        for rule in lower.split('@').skip(1) {
            let name: String = rule.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
            if !AT_RULES.contains(&name.as_str()) {
                return Err(StyleError::AtRule(name.chars().take(40).collect()));
            }
        }
        closed(text)?;
        Ok(Self(text.into()))
    }

    /// Its text, as it can stand in a style element.
    pub(in crate::pages) fn as_css(&self) -> &str {
        &self.0
    }

    /// Octets it takes in a page.
    pub fn octets(&self) -> usize {
        self.0.len()
    }
}

/// What is open at the end would take in whatever follows.
fn closed(text: &str) -> Result<(), StyleError> {
    let (mut depth, mut rest) = (0_u32, text);
    while let Some(character) = rest.chars().next() {
        rest = if let Some(comment) = rest.strip_prefix("/*") {
            comment.split_once("*/").ok_or(StyleError::Open("a comment"))?.1
        } else {
            let behind = rest.get(character.len_utf8()..).unwrap_or_default();
            match character {
                '{' | '(' | '[' => depth += 1,
                '}' | ')' | ']' => depth = depth.checked_sub(1).ok_or(StyleError::Open("a brace"))?,
                _ => {}
            }
            match character {
                '"' | '\'' => {
                    let (quoted, behind) = behind.split_once(character).ok_or(StyleError::Open("a quote"))?;
                    // A line end would end it.
                    if quoted.contains(['\n', '\r']) {
                        return Err(StyleError::Open("a quote"));
                    }
                    behind
                }
                _ => behind,
            }
        };
    }
    if depth == 0 { Ok(()) } else { Err(StyleError::Open("a brace")) }
}

/// Markup, escapes that hide a word, and whatever loads or runs.
const FORBIDDEN: [&str; 9] =
    ["<", "\\", "url(", "image(", "image-set(", "src(", "expression(", "behavior", "-moz-binding"];
const AT_RULES: [&str; 5] = ["media", "supports", "layer", "keyframes", "container"];
/// Octets of a style sheet.
const MOST_STYLE: usize = 4_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_taken_as_they_are() {
        let text = "#content{border:0} /* a } */\n@media (min-width:30rem){.note::before{content:\"(\"}}";
        assert_eq!(StyleSheet::of(&format!("\n{text}\n")).unwrap().as_css(), text);
        assert_eq!(StyleSheet::of("").unwrap().as_css(), "");
    }

    #[test]
    fn what_loads_runs_or_ends_the_element_is_refused() {
        for text in [
            "</style><script>alert(1)</script>",
            "<!--",
            "p{background:url(https://evil.example/x)}",
            "p{background:URL('x')}",
            "p{background:\\75rl(x)}",
            "p{background:image-set('x' 1x)}",
            "p{width:expression(alert(1))}",
            "p{behavior:url(x)}",
            "p{-moz-binding:x}",
            "p{}\u{1}",
        ] {
            assert!(matches!(StyleSheet::of(text), Err(StyleError::Forbidden(_))), "{text}");
        }
        for text in
            ["@import 'https://evil.example/x.css';", "@font-face{}", "@IMPORT 'x'", "@charset 'x'", "@ media{}", "@"]
        {
            assert!(matches!(StyleSheet::of(text), Err(StyleError::AtRule(_))), "{text}");
        }
        for text in ["p{", "p}", "p{color:red", "/* x", "p{content:'x}", "p{content:'\n'}", "(", "p{}}{"] {
            assert!(matches!(StyleSheet::of(text), Err(StyleError::Open(_))), "{text}");
        }
        assert!(StyleSheet::of(&"x".repeat(MOST_STYLE)).is_ok());
        assert!(matches!(StyleSheet::of(&"x".repeat(MOST_STYLE + 1)), Err(StyleError::TooLarge { .. })));
    }
}
