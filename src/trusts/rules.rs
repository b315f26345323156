//! Claim rules of a trust: read from the trust file or a file beside it, compiled, with problems shown where they stand.

use std::path::{Path, PathBuf};

use super::{TrustContext, entra};
use crate::claims::language::{self, Location, decode};
use crate::claims::lint::{self, LintCode, LintContext, LintSeverity};
use crate::claims::{ParseOptions, RuleSet, Stage};
use crate::config::diagnostic::{Code, Place};

/// The two keys a rule set can stand under.
pub(crate) struct RuleKeys {
    /// Key of the rules as text.
    pub(crate) inline: &'static str,
    /// Key of the file with the rules.
    pub(crate) file: &'static str,
}

/// The rule set of a trust. `None` when there is none, or when it is wrong (then there is a finding).
pub(crate) fn compile(
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
        (None, Some(file)) => return compile_file(file, keys, context),
    };
    let document = context.findings.document();
    let origin = Inline::find(document.file(), document.text(), document.span(keys.inline));
    let place = |location, length| match &origin {
        Some(origin) => Some(origin.place(location, length)),
        None => document.place(keys.inline),
    };
    parse(inline, &use_of(keys, context), context, place)
}

fn compile_file(file: &Path, keys: &RuleKeys, context: &mut TrustContext<'_, '_, '_>) -> Option<RuleSet> {
    let (path, bytes) = context.read(file, keys.file)?;
    let text = match decode(&bytes) {
        Ok(text) => text,
        Err(error) => {
            let message = format!("the rule file {} is no UTF-8 text: {error}", path.display());
            context.findings.error(Code::ClaimRule, keys.file, message, "save it as UTF-8");
            return None;
        }
    };
    let place = |at: Location, length| Some(Place::at_line(&path, text, at.line as usize, at.column as usize, length));
    parse(text, &use_of(keys, context), context, place)
}

/// What the lints are told of the place of these rules.
fn use_of(keys: &RuleKeys, context: &TrustContext<'_, '_, '_>) -> LintContext {
    let document = context.findings.document();
    let identifiers = document.span("relying_party.identifiers").and_then(|span| document.text().get(span));
    let entra =
        identifiers.is_some_and(|listed| entra::IDENTIFIERS.iter().any(|identifier| listed.contains(identifier)));
    let stage = match last(keys.inline) {
        "acceptance_rules" => Some(Stage::AcceptanceTransform),
        "additional_authentication_rules" => Some(Stage::AdditionalAuthentication),
        "authorization_rules" => Some(Stage::IssuanceAuthorization),
        "delegation_authorization_rules" => Some(Stage::DelegationAuthorization),
        "transform_rules" => Some(Stage::IssuanceTransform),
        _ => None,
    };
    let types = context.claim_types.clone().unwrap_or_default();
    LintContext { stage, entra, stores: None, types }
}

fn parse(
    text: &str,
    advice: &LintContext,
    context: &mut TrustContext<'_, '_, '_>,
    place: impl Fn(Location, usize) -> Option<Place>,
) -> Option<RuleSet> {
    let length = |range: std::ops::Range<usize>| text.get(range).map_or(1, |token| token.chars().count());
    match RuleSet::parse(text) {
        Ok(rules) => {
            let tree = language::parse(text, ParseOptions::default());
            let lints = tree.map(|(tree, _)| lint::lint(&tree, rules.warnings(), advice)).unwrap_or_default();
            for lint in lints {
                // A store that is not there is an error of the catalog; without a configuration nobody knows what there is.
                let is_left_out = match lint.code {
                    LintCode::UnknownStore => true,
                    LintCode::UnknownClaimType => context.claim_types.is_none(),
                    _ => false,
                };
                if is_left_out {
                    continue;
                }
                let code = match lint.severity() {
                    LintSeverity::Warning => Code::ClaimRule,
                    LintSeverity::Advice => Code::Advice,
                };
                if let Some(place) = place(lint.location, length(lint.span.range())) {
                    context.findings.warning_at(
                        code,
                        place,
                        format!("{} ({})", lint.message, lint.code),
                        lint.help.as_str(),
                    );
                }
            }
            let problems = match context.stores {
                Some(stores) if !rules.stores().is_empty() => stores.check(text),
                _ => Vec::new(),
            };
            for problem in problems {
                let Some(place) = place(problem.location, length(problem.span.range())) else { continue };
                if problem.is_warning {
                    context.findings.warning_at(Code::ClaimRule, place, problem.message, problem.help);
                } else {
                    context.findings.error_at(Code::ClaimRule, place, problem.message, problem.help);
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
