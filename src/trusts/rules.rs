//! Claim rules of a trust: read from the trust file or a file beside it, compiled, with problems shown where they stand.

use std::path::{Path, PathBuf};

use super::TrustContext;
use crate::claims::RuleSet;
use crate::claims::language::Location;
use crate::config::diagnostic::{Code, Place};

/// The two keys a rule set can stand under.
pub(super) struct RuleKeys {
    pub(super) inline: &'static str,
    pub(super) file: &'static str,
}

/// The rule set of a trust. `None` when there is none, or when it is wrong (then there is a finding).
pub(super) fn compile(
    inline: Option<&str>,
    file: Option<&Path>,
    keys: &RuleKeys,
    context: &mut TrustContext<'_, '_, '_>,
) -> Option<RuleSet> {
    let inline = match (inline, file) {
        (None, None) => return None,
        (Some(_), Some(_)) => {
            context.findings.error(
                Code::Contradiction,
                keys.file,
                format!("`{}` and `{}` are both there", last(keys.inline), last(keys.file)),
                "keep one of the two",
            );
            return None;
        }
        (Some(text), None) => text,
        (None, Some(file)) => return compile_file(file, keys.file, context),
    };
    let document = context.findings.document();
    let origin = Inline::find(document.file(), document.text(), document.span(keys.inline));
    parse(inline, context, |location, length| match &origin {
        Some(origin) => Some(origin.place(location, length)),
        None => document.place(keys.inline),
    })
}

fn compile_file(file: &Path, key: &str, context: &mut TrustContext<'_, '_, '_>) -> Option<RuleSet> {
    let (path, bytes) = context.read(file, key)?;
    let Ok(text) = String::from_utf8(bytes) else {
        let message = format!("the rule file {} is not UTF-8", path.display());
        context.findings.error(Code::ClaimRule, key, message, "save it as UTF-8");
        return None;
    };
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    parse(text, context, |at, length| Some(Place::at_line(&path, text, at.line as usize, at.column as usize, length)))
}

fn parse(
    text: &str,
    context: &mut TrustContext<'_, '_, '_>,
    place: impl Fn(Location, usize) -> Option<Place>,
) -> Option<RuleSet> {
    let length = |range: std::ops::Range<usize>| text.get(range).map_or(1, |token| token.chars().count());
    match RuleSet::parse(text) {
        Ok(rules) => {
            for warning in rules.warnings() {
                if let Some(place) = place(warning.location, length(warning.span.range())) {
                    context.findings.warning_at(Code::ClaimRule, place, warning.kind.to_string(), "");
                }
            }
            Some(rules)
        }
        Err(error) => {
            for problem in error.problems() {
                let Some(place) = place(problem.location, length(problem.span.range())) else { continue };
                let message = match problem.policy_number() {
                    Some(number) => format!("{} ({number})", problem.kind),
                    None => problem.kind.to_string(),
                };
                let help = problem.help.clone().unwrap_or_default();
                context.findings.error_at(Code::ClaimRule, place, message, help);
            }
            None
        }
    }
}

/// A rule text that stands in a TOML string without escapes, so that its lines are lines of the file.
struct Inline {
    file: PathBuf,
    text: String,
    first_line: usize,
    first_column: usize,
}

impl Inline {
    fn find(file: &Path, text: &str, span: Option<std::ops::Range<usize>>) -> Option<Self> {
        let span = span?;
        let raw = text.get(span.clone())?;
        let quotes = ["'''", "\"\"\"", "'", "\""].into_iter().find(|quotes| raw.starts_with(quotes))?;
        let content = raw.get(quotes.len()..)?;
        if quotes.starts_with('"') && content.contains('\\') {
            return None;
        }
        let line_start = text.get(..span.start)?.rfind('\n').map_or(0, |at| at + 1);
        let line = text.get(..span.start)?.matches('\n').count() + 1;
        let column = text.get(line_start..span.start)?.chars().count() + quotes.len() + 1;
        // A line end right after the opening quotes is no part of the text.
        let starts_below = quotes.len() == 3 && (content.starts_with('\n') || content.starts_with("\r\n"));
        Some(Self {
            file: file.to_owned(),
            text: text.to_owned(),
            first_line: if starts_below { line + 1 } else { line },
            first_column: if starts_below { 1 } else { column },
        })
    }

    fn place(&self, at: Location, length: usize) -> Place {
        let (line, column) = (at.line as usize, at.column as usize);
        let column = if line <= 1 { self.first_column + column.saturating_sub(1) } else { column };
        Place::at_line(&self.file, &self.text, self.first_line + line.saturating_sub(1), column, length)
    }
}

fn last(key: &str) -> &str {
    key.rsplit_once('.').map_or(key, |(_, name)| name)
}
