//! Markup of an organization for its pages: read, held against a list of elements, and written anew.
//!
//! Nothing gets into a page as it was written. What is not on the list is refused and not left out, so that nobody wonders where
//! it is: whatever runs, loads, submits, frames, or takes the name of a part of the page.

use std::sync::Arc;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use crate::pages::escape::html;

/// Markup that can stand in any page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fragment(Arc<str>);

/// Why markup is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FragmentError {
    /// It is not well-formed.
    #[error("it is not well-formed: {0}")]
    Malformed(String),
    /// An element that is not on the list.
    #[error("`<{0}>` cannot stand in a page")]
    Element(String),
    /// An attribute that is not on the list.
    #[error("`{attribute}` of `<{element}>` cannot stand in a page")]
    Attribute {
        /// The element.
        element: String,
        /// The attribute.
        attribute: String,
    },
    /// A value that its attribute does not have.
    #[error("`{value}` is no value of `{attribute}`")]
    Value {
        /// The attribute.
        attribute: String,
        /// It.
        value: String,
    },
    /// Text or a reference that HTML would read differently.
    #[error("`&{0};` is not known here")]
    Reference(String),
    /// Larger than it may be.
    #[error("it has {octets} octets; {MOST_FRAGMENT} is the most")]
    TooLarge {
        /// Octets.
        octets: usize,
    },
    /// Nested too deep.
    #[error("elements are nested deeper than {MOST_DEPTH}")]
    TooDeep,
}

impl Fragment {
    /// Reads markup.
    ///
    /// # Errors
    /// [`FragmentError`].
    pub fn of(text: &str) -> Result<Self, FragmentError> {
        if text.len() > MOST_FRAGMENT {
            return Err(FragmentError::TooLarge { octets: text.len() });
        }
        let malformed = |error: &dyn std::fmt::Display| FragmentError::Malformed(error.to_string());
        let mut reader = Reader::from_str(text);
        let (mut out, mut open) = (String::new(), Vec::<&'static str>::new());
        loop {
            match reader.read_event().map_err(|error| malformed(&error))? {
                Event::Start(tag) => {
                    let name = start(&tag, &mut out)?;
                    if VOID.contains(&name) {
                        return Err(FragmentError::Malformed(format!("write `<{name}/>`")));
                    }
                    open.push(name);
                    if open.len() > MOST_DEPTH {
                        return Err(FragmentError::TooDeep);
                    }
                }
                Event::Empty(tag) => {
                    let name = start(&tag, &mut out)?;
                    if !VOID.contains(&name) {
                        end(name, &mut out);
                    }
                }
                // The reader sees that it is the one that is open.
                Event::End(_) => {
                    if let Some(name) = open.pop() {
                        end(name, &mut out);
                    }
                }
                Event::Text(piece) => out.push_str(&html(&piece.into_inner())),
                Event::GeneralRef(reference) => {
                    let name = reference.into_inner();
                    out.push_str(&html(&character(&name).ok_or_else(|| FragmentError::Reference(name.to_string()))?));
                }
                Event::Comment(_) => {}
                Event::CData(_) => return Err(FragmentError::Malformed(String::from("a CDATA section"))),
                Event::Decl(_) | Event::PI(_) => {
                    return Err(FragmentError::Malformed(String::from("a processing instruction")));
                }
                Event::DocType(_) => return Err(FragmentError::Malformed(String::from("a document type"))),
                Event::Eof if open.is_empty() => return Ok(Self(out.into())),
                Event::Eof => return Err(FragmentError::Malformed(String::from("an element is not closed"))),
            }
        }
    }

    /// HTML, safe wherever content may stand.
    pub(in crate::pages) fn as_html(&self) -> &str {
        &self.0
    }

    /// Octets it takes in a page.
    pub fn octets(&self) -> usize {
        self.0.len()
    }
}

/// Writes the start of an element, and says which it is.
fn start(tag: &BytesStart<'_>, out: &mut String) -> Result<&'static str, FragmentError> {
    let name = tag.name();
    let written = name.as_ref();
    let name = ELEMENTS.iter().find(|known| **known == written);
    let name = *name.ok_or_else(|| FragmentError::Element(cut(written)))?;
    out.push('<');
    out.push_str(name);
    for attribute in tag.attributes() {
        let attribute = attribute.map_err(|error| FragmentError::Malformed(error.to_string()))?;
        let key = attribute.key.as_ref();
        let known =
            GLOBAL.iter().find(|known| **known == key).or_else(|| (name == "a" && key == "href").then_some(&"href"));
        let refused = || FragmentError::Attribute { element: name.to_owned(), attribute: cut(key) };
        let known = *known.ok_or_else(refused)?;
        let value = value(&attribute.value)?;
        if !is_valid(known, &value) {
            return Err(FragmentError::Value { attribute: known.to_owned(), value: cut(&value) });
        }
        out.push(' ');
        out.push_str(known);
        out.push_str("=\"");
        out.push_str(&html(&value));
        out.push('"');
    }
    if name == "a" {
        out.push_str(" rel=\"noreferrer\"");
    }
    out.push('>');
    Ok(name)
}

fn end(name: &str, out: &mut String) {
    out.push_str("</");
    out.push_str(name);
    out.push('>');
}

/// An attribute's value with its references resolved.
fn value(raw: &str) -> Result<String, FragmentError> {
    let mut value = String::new();
    let mut rest = raw;
    while let Some((before, behind)) = rest.split_once('&') {
        value.push_str(before);
        let (name, behind) = behind.split_once(';').ok_or_else(|| FragmentError::Reference(cut(behind)))?;
        value.push_str(&character(name).ok_or_else(|| FragmentError::Reference(cut(name)))?);
        rest = behind;
    }
    value.push_str(rest);
    Ok(value)
}

/// What a reference stands for: those of XML, the space that does not break, and numbers.
fn character(name: &str) -> Option<String> {
    let number = name.strip_prefix('#').and_then(|number| match number.strip_prefix(['x', 'X']) {
        Some(hex) => u32::from_str_radix(hex, 16).ok(),
        None => number.parse().ok(),
    });
    let known = match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => '\u{a0}',
        _ => char::from_u32(number?).filter(|character| !character.is_control() || *character == '\n')?,
    };
    Some(known.to_string())
}

fn is_valid(attribute: &str, value: &str) -> bool {
    let plain = |octet: u8| octet.is_ascii_alphanumeric() || octet == b'-';
    match attribute {
        "href" => {
            let scheme = ["https://", "mailto:", "tel:"].iter().any(|scheme| value.starts_with(scheme));
            scheme && value.chars().all(|character| !character.is_whitespace() && !character.is_control())
        }
        "dir" => matches!(value, "ltr" | "rtl" | "auto"),
        "lang" => !value.is_empty() && value.bytes().all(plain),
        "class" => value.bytes().all(|octet| plain(octet) || matches!(octet, b'_' | b' ')),
        _ => !value.chars().any(char::is_control),
    }
}

fn cut(text: &str) -> String {
    text.chars().take(80).collect()
}

/// Nothing that runs, loads, submits or frames.
const ELEMENTS: [&str; 23] = [
    "a", "abbr", "b", "br", "code", "dd", "div", "dl", "dt", "em", "h2", "h3", "hr", "i", "kbd", "li", "ol", "p",
    "section", "small", "span", "strong", "ul",
];
const VOID: [&str; 2] = ["br", "hr"];
/// No `id`: those of the page are its own. No `style` and no `on…`.
const GLOBAL: [&str; 4] = ["class", "dir", "lang", "title"];
/// Octets of a fragment.
const MOST_FRAGMENT: usize = 2_000;
const MOST_DEPTH: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str) -> String {
        Fragment::of(text).unwrap().as_html().to_owned()
    }

    #[test]
    fn markup_of_the_list_is_written_anew() {
        assert_eq!(
            written(
                "<p class='note wide'>Call <a href=\"tel:+49-1\">us</a> &amp; <b>wait</b>.<br/>Ça &nbsp;va &#8364; \"<!-- x -->'</p>"
            ),
            "<p class=\"note wide\">Call <a href=\"tel:+49-1\" rel=\"noreferrer\">us</a> &amp; <b>wait</b>.<br>Ça \u{a0}va € &quot;&#39;</p>"
        );
        assert_eq!(written("plain > text"), "plain &gt; text");
        assert_eq!(
            written("<a href='https://h.example/?a=1&amp;b=2' title='&quot;&lt;'>x</a>"),
            "<a href=\"https://h.example/?a=1&amp;b=2\" title=\"&quot;&lt;\" rel=\"noreferrer\">x</a>"
        );
        assert_eq!(
            written("<ul><li lang='fr' dir=\"ltr\">a</li><li/></ul>"),
            "<ul><li lang=\"fr\" dir=\"ltr\">a</li><li></li></ul>"
        );
        assert_eq!(written(""), "");
    }

    #[test]
    fn what_runs_loads_submits_or_takes_a_name_is_refused() {
        for text in [
            "<script>alert(1)</script>",
            "<SCRIPT src='https://evil.example/x.js'/>",
            "<svg onload='alert(1)'/>",
            "<img src='https://evil.example/x'/>",
            "<iframe src='https://evil.example/'/>",
            "<form action='https://evil.example/'><input name='UserName'/></form>",
            "<button>x</button>",
            "<link rel='stylesheet' href='https://evil.example/x.css'/>",
            "<style>p{}</style>",
            "<meta http-equiv='refresh' content='0'/>",
            "<base href='https://evil.example/'/>",
            "<object data='x'/>",
            "<template><script/></template>",
            "<math><mtext/></math>",
            "<h1>x</h1>",
            "<x:p xmlns:x='http://www.w3.org/1999/xhtml'/>",
        ] {
            assert!(matches!(Fragment::of(text), Err(FragmentError::Element(_))), "{text}");
        }
        for text in [
            "<p id='errorText'>x</p>",
            "<p style='position:fixed'>x</p>",
            "<p onclick='alert(1)'>x</p>",
            "<p ONCLICK='alert(1)'>x</p>",
            "<a href='https://x.example/' target='_top'>x</a>",
            "<p href='https://x.example/'>x</p>",
            "<a ping='https://x.example/'>x</a>",
            "<p xmlns='http://www.w3.org/2000/svg'>x</p>",
        ] {
            assert!(matches!(Fragment::of(text), Err(FragmentError::Attribute { .. })), "{text}");
        }
        for text in [
            "<a href='javascript:alert(1)'>x</a>",
            "<a href='JavaScript:alert(1)'>x</a>",
            "<a href='&#106;avascript:alert(1)'>x</a>",
            "<a href='data:text/html,x'>x</a>",
            "<a href='http://x.example/'>x</a>",
            "<a href='//x.example/'>x</a>",
            "<a href='/adfs/ls/?wa=wsignout1.0'>x</a>",
            "<a href=' https://x.example/'>x</a>",
            "<a href='https://x.example/\"onclick=\"x y'>x</a>",
            "<p dir='up'>x</p>",
            "<p class='a\"b'>x</p>",
        ] {
            assert!(matches!(Fragment::of(text), Err(FragmentError::Value { .. })), "{text}");
        }
        for text in [
            "<p>",
            "</p>",
            "<p></b>",
            "<p",
            "a < b",
            "<p class=x>y</p>",
            "<p class='a' class='b'/>",
            "<br>",
            "<?php x ?>",
            "<!DOCTYPE x>",
            "<![CDATA[<script>]]>",
            "<p><![CDATA[x]]></p>",
        ] {
            assert!(matches!(Fragment::of(text), Err(FragmentError::Malformed(_))), "{text}: {:?}", Fragment::of(text));
        }
        for text in ["&copy;", "&#0;", "&#x1b;", "&#xd800;", "<p title='&x;'/>"] {
            assert!(matches!(Fragment::of(text), Err(FragmentError::Reference(_))), "{text}: {:?}", Fragment::of(text));
        }
        assert!(Fragment::of(&"x".repeat(MOST_FRAGMENT)).is_ok());
        assert!(matches!(Fragment::of(&"x".repeat(MOST_FRAGMENT + 1)), Err(FragmentError::TooLarge { .. })));
        assert!(Fragment::of(&format!("{}{}", "<b>".repeat(8), "</b>".repeat(8))).is_ok());
        assert_eq!(Fragment::of(&format!("{}{}", "<b>".repeat(9), "</b>".repeat(9))), Err(FragmentError::TooDeep));
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics_or_gets_markup_through(text in "[<>/a-p='\"&;:! \n]{0,80}") {
            if let Ok(fragment) = Fragment::of(&text) {
                let html = fragment.as_html();
                for tag in html.split('<').skip(1) {
                    let name: String = tag.trim_start_matches('/').chars().take_while(char::is_ascii_alphanumeric).collect();
                    proptest::prop_assert!(ELEMENTS.contains(&name.as_str()), "{}", html);
                }
            }
        }
    }
}
