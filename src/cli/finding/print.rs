//! Findings for people, and as one JSON object.

use std::fmt::Write as _;

use serde::Serialize;

use super::{Finding, Level, count};

/// A line for each finding; under what is not well, why it matters and how to fix it; at the end how many there are. `terse` leaves
/// out what is well.
pub(in crate::cli) fn human(findings: &[Finding], terse: bool, colour: bool) -> String {
    let mut text = String::new();
    for finding in findings.iter().filter(|finding| !terse || finding.level != Level::Ok) {
        let (word, hue) = match finding.level {
            Level::Ok => ("ok      ", "32"),
            Level::NotChecked => ("unknown ", "1;36"),
            Level::Warning => ("warning ", "1;33"),
            Level::Error => ("error   ", "1;31"),
        };
        let word = if colour { format!("\x1b[{hue}m{word}\x1b[0m") } else { word.to_owned() };
        let _ = writeln!(text, "{word}[{}] {}", finding.name, printable(&finding.what));
        if let Some(why) = finding.why {
            let _ = writeln!(text, "        why: {why}");
        }
        if let Some(fix) = finding.fix.as_ref().filter(|fix| !fix.is_empty()) {
            let _ = writeln!(text, "        fix: {}", printable(fix));
        }
    }
    let _ = writeln!(text, "{}", summary(findings));
    text
}

/// Everything, for programs.
pub(in crate::cli) fn json(findings: &[Finding]) -> serde_json::Value {
    #[derive(Serialize)]
    #[serde(rename_all = "kebab-case")]
    struct Answer<'a> {
        errors: usize,
        warnings: usize,
        not_checked: usize,
        findings: &'a [Finding],
    }
    let of = |level| count(findings, level);
    let answer =
        Answer { errors: of(Level::Error), warnings: of(Level::Warning), not_checked: of(Level::NotChecked), findings };
    serde_json::to_value(answer).unwrap_or_default()
}

fn summary(findings: &[Finding]) -> String {
    let of = |level, word: &str| {
        let number = count(findings, level);
        let plural = if number == 1 { "" } else { "s" };
        (number > 0).then(|| format!("{number} {word}{plural}"))
    };
    let unknown = match count(findings, Level::NotChecked) {
        0 => None,
        number => Some(format!("{number} not checked")),
    };
    let parts: Vec<String> =
        [of(Level::Error, "error"), of(Level::Warning, "warning"), unknown].into_iter().flatten().collect();
    if parts.is_empty() { String::from("No problems found.") } else { format!("{}.", parts.join(", ")) }
}

/// What servers and directories say must not steer the reader's terminal.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::super::catalogue::{CLOCK, DNS};
    use super::*;

    fn all() -> Vec<Finding> {
        vec![
            Finding::ok(CLOCK, "dc1 is 0 seconds off"),
            Finding::error(DNS, "DNS has no \u{1b}[31mx", "add it"),
            Finding::warning(DNS, "b", "c"),
            Finding::not_checked(CLOCK, "dc2 gave no answer", "look at it"),
        ]
    }

    #[test]
    fn what_is_not_well_says_why_and_how_to_fix_it() {
        let text = human(&all(), false, false);
        assert!(
            text.starts_with("ok      [clock] dc1 is 0 seconds off\nerror   [dns] DNS has no \u{fffd}[31mx\n"),
            "{text}"
        );
        assert!(text.contains(&format!("        why: {}\n        fix: add it\n", DNS.why)), "{text}");
        assert!(text.ends_with("1 error, 1 warning, 1 not checked.\n"), "{text}");
        assert!(!human(&all(), true, false).contains("dc1"), "what is well is left out");
    }

    #[test]
    fn what_was_not_looked_at_is_never_well() {
        let unknown = &all()[3..];
        assert_eq!(summary(unknown), "1 not checked.");
        let json = json(unknown);
        assert_eq!((&json["not-checked"], &json["findings"][0]["level"]), (&1.into(), &"not-checked".into()));
        assert!(json["findings"][0]["why"].is_string());
        assert_eq!(summary(&all()[..1]), "No problems found.");
    }
}
