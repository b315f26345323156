//! The parser's and `serde`'s messages in words for somebody who edits a file.
//!
//! Only the wording depends on the forms of those messages: a message of an unknown form is shown as it is.

use super::diagnostic::Code;
use super::suggest;

/// A key path as people write it: `domains[0].realm`.
pub(super) fn key(path: &str) -> String {
    let mut text = String::new();
    for segment in path.split('.') {
        if !segment.is_empty() && segment.bytes().all(|b| b.is_ascii_digit()) {
            text.push_str(&format!("[{segment}]"));
        } else {
            if !text.is_empty() {
                text.push('.');
            }
            text.push_str(segment);
        }
    }
    text
}

/// Message and help for a syntax error.
pub(super) fn syntax(message: &str) -> (String, &'static str) {
    let help = if message.contains("duplicate key") {
        "keep one of the two"
    } else if message.contains("comma between array") {
        "a list that begins before this place is not closed by `]`, or a comma is missing in it"
    } else if message.contains("quoted") || message.contains("string") || message.contains("unquoted") {
        "text stands in double quotes, or in single quotes when it contains backslashes"
    } else {
        "the file is TOML: `key = \"text\"`, `[section]`, and lists in brackets"
    };
    (message.to_owned(), help)
}

/// Code, message and help for a value at `path` that does not fit.
pub(super) fn value(message: &str, path: &str) -> (Code, String, String) {
    let name = key(path);
    if let Some((unknown, expected)) = unknown(message, "unknown field `") {
        let message = match path.rsplit_once('.').map(|(section, _)| key(section)) {
            Some(section) if section.contains('[') => format!("there is no key `{unknown}` in `{section}`"),
            Some(section) => format!("there is no key `{unknown}` in `[{section}]`"),
            None => format!("there is no section `[{unknown}]`"),
        };
        return (Code::UnknownKey, message, suggestion(unknown, &expected, "possible names here are"));
    }
    if let Some((unknown, expected)) = unknown(message, "unknown variant `") {
        let message = format!("`{name}` cannot be `{unknown}`");
        return (Code::InvalidValue, message, suggestion(unknown, &expected, "possible values are"));
    }
    if let Some(missing) = message.strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`')) {
        let help = format!("add `{missing} = …` there");
        return (Code::MissingKey, format!("`{name}.{missing}` is missing"), help);
    }
    for prefix in ["invalid type: ", "invalid value: ", "invalid length "] {
        let Some((found, expected)) = message.strip_prefix(prefix).and_then(|rest| rest.rsplit_once(", expected "))
        else {
            continue;
        };
        let message = format!("`{name}` needs {}, not {}", plain(expected), plain(found));
        return (Code::InvalidValue, message, String::from(example(expected)));
    }
    (Code::InvalidValue, format!("`{name}`: {message}"), String::new())
}

/// The key that a misspelt one was probably meant to be.
pub(super) fn meant(message: &str) -> Option<&str> {
    let (unknown, expected) = unknown(message, "unknown field `")?;
    suggest::nearest(unknown, expected)
}

/// ``unknown field `a`, expected one of `b`, `c` `` taken apart.
fn unknown<'m>(message: &'m str, prefix: &str) -> Option<(&'m str, Vec<&'m str>)> {
    let (unknown, rest) = message.strip_prefix(prefix)?.split_once('`')?;
    let expected = rest.split('`').skip(1).step_by(2).collect();
    Some((unknown, expected))
}

fn suggestion(unknown: &str, expected: &[&str], introduction: &str) -> String {
    if let Some(meant) = suggest::nearest(unknown, expected.iter().copied()) {
        return format!("did you mean `{meant}`?");
    }
    if let Some((_, hint)) = SECRETS.iter().find(|(word, _)| unknown.contains(word)) {
        return String::from(*hint);
    }
    let quoted: Vec<String> = expected.iter().map(|word| format!("`{word}`")).collect();
    format!("{introduction} {}", quoted.join(", "))
}

/// The names of Rust and serde in plain words.
fn plain(text: &str) -> String {
    let words = match text {
        "u16" => "a number from 0 to 65535",
        "u8" | "u32" | "u64" | "usize" => "a whole number, 0 or more",
        "i64" | "i32" => "a whole number",
        "a boolean" => "`true` or `false`",
        "a sequence" => "a list",
        "map" | "a map" => "a section",
        "a string" | "string" => "text in quotes",
        "path string" => "a path in quotes",
        "sequence" => "a list",
        other if other.starts_with("struct ") => "a section",
        other if other.starts_with("enum ") => "one of its named values",
        other => match other.split_once(' ') {
            Some(("string", value)) => return format!("the text {value}"),
            Some(("integer", value)) => return format!("the number {value}"),
            Some(("floating", value)) => return format!("the number {}", value.trim_start_matches("point ")),
            Some(("boolean", value)) => return value.to_owned(),
            _ => other,
        },
    };
    words.to_owned()
}

fn example(expected: &str) -> &'static str {
    match expected {
        "a sequence" => "write a list: `[\"first\", \"second\"]`",
        "a boolean" => "write `true` or `false` without quotes",
        "a string" | "path string" => "write the value in quotes",
        "u8" | "u16" | "u32" | "u64" | "usize" => "write the number without quotes and without a unit",
        other if other.starts_with("struct ") => "write it as a section of its own, or as `{ key = value }`",
        _ => "",
    }
}

const SECRETS: [(&str, &str); 3] = [
    ("password", "secrets are never written here: put the password into a file and name it by `password_file`"),
    ("secret", "secrets are never written here: put the secret into a file and name that file"),
    ("pin", "secrets are never written here: put the PIN into a file and name that file"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_become_plain() {
        for (message, path, expected) in [
            (
                "unknown field `htps`, expected one of `https`, `http`",
                "server.htps",
                "there is no key `htps` in `[server]` | did you mean `https`?",
            ),
            (
                "unknown variant `file2`, expected `stdout` or `file`",
                "audit.sink",
                "`audit.sink` cannot be `file2` | did you mean `file`?",
            ),
            (
                "invalid type: string \"x\", expected a sequence",
                "domains.0.upn_suffixes",
                "`domains[0].upn_suffixes` needs a list, not the text \"x\" | write a list: `[\"first\", \"second\"]`",
            ),
            (
                "unknown field `password`, expected `user` or `file`",
                "a.password",
                "there is no key `password` in `[a]` | secrets are never written here: put the password into a file and \
                 name it by `password_file`",
            ),
        ] {
            let (_, message, help) = value(message, path);
            assert_eq!(format!("{message} | {help}"), expected);
        }
    }
}
