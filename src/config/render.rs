//! Findings as text for people: one block each, with the line and a mark under the place.

use std::fmt::Write as _;

use super::diagnostic::{Diagnostic, Place, Report, Severity};

/// All findings, errors and warnings in the order of their places, then a count. `colour` adds ANSI colours.
pub fn report(report: &Report, colour: bool) -> String {
    let mut text: String = report.iter().map(|diagnostic| diagnostic_block(diagnostic, colour)).collect();
    text.push_str(&summary(report));
    text.push('\n');
    text
}

/// `2 errors, 1 warning`, or that all is well.
pub fn summary(report: &Report) -> String {
    let count = |n: usize, word: &str| format!("{n} {word}{}", if n == 1 { "" } else { "s" });
    match (report.errors(), report.warnings()) {
        (0, 0) => String::from("No problems found."),
        (0, warnings) => format!("{}.", count(warnings, "warning")),
        (errors, 0) => format!("{}.", count(errors, "error")),
        (errors, warnings) => format!("{}, {}.", count(errors, "error"), count(warnings, "warning")),
    }
}

/// One finding:
///
/// ```text
/// error[unknown-key]: there is no key `htps` here
///   --> chancery.toml:3:1
///    |
///  3 | htps = ["0.0.0.0:443"]
///    | ^^^^
///    = help: did you mean `https`?
/// ```
pub fn diagnostic_block(diagnostic: &Diagnostic, colour: bool) -> String {
    let paint = |code: &str, text: &str| if colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() };
    let (word, hue) = match diagnostic.severity {
        Severity::Error => ("error", "1;31"),
        Severity::Warning => ("warning", "1;33"),
    };
    let mut text = String::new();
    let head = format!("{word}[{}]", diagnostic.code);
    let _ = writeln!(text, "{}: {}", paint(hue, &head), paint("1", &printable(&diagnostic.message)));
    let _ = writeln!(text, "  {} {}", paint("36", "-->"), printable(&diagnostic.place.to_string()));
    if let Place::Text { line, column, length, excerpt, left_out, .. } = &diagnostic.place
        && !excerpt.is_empty()
    {
        let gutter = line.to_string().len().max(2);
        let cut = if *left_out > 0 { "…" } else { "" };
        let excerpt = format!("{cut}{}", printable(excerpt));
        let shown = excerpt.chars().count();
        let blanks = (column - 1).saturating_sub(left_out - cut.chars().count()).min(shown);
        let marks = (*length).min(shown.saturating_sub(blanks)).max(1);
        let bar = paint("36", "|");
        let _ = writeln!(text, " {:gutter$} {bar}", "");
        let _ = writeln!(text, " {} {bar} {excerpt}", paint("36", &format!("{line:>gutter$}")));
        let _ = writeln!(text, " {:gutter$} {bar} {:blanks$}{}", "", "", paint(hue, &"^".repeat(marks)));
    }
    if !diagnostic.help.is_empty() {
        let _ = writeln!(text, "    = {}: {}", paint("1", "help"), printable(&diagnostic.help));
    }
    text.push('\n');
    text
}

/// Control characters of a file must not steer the reader's terminal; each stays one character wide.
fn printable(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\t' => ' ',
            c if c.is_control() => '\u{fffd}',
            c => c,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::diagnostic::Code;

    #[test]
    fn of_a_long_line_the_part_around_the_place_is_shown() {
        for before in [0, 1, 150, 199, 200, 201, 399, 400, 1000, 5000] {
            let text = format!("{}wrong{}", "ü".repeat(before), "=".repeat(1000));
            let mut findings = Report::default();
            let at = before * 2;
            findings.error(Code::InvalidValue, Place::in_text(Path::new("f"), &text, at, at + 5), "bad", "");
            let shown = report(&findings, false);
            let lines: Vec<&str> = shown.lines().collect();
            let marks = lines[4].find('^').map(|at| lines[4][..at].chars().count()).unwrap();
            let marked: String = lines[3].chars().skip(marks).take(lines[4].matches('^').count()).collect();
            assert_eq!(marked, "wrong", "{shown}");
            assert!(lines[3].chars().count() <= 410, "{shown}");
        }
    }

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        let text = "key = \"\u{1b}[2J\"";
        let mut findings = Report::default();
        findings.error(Code::InvalidValue, Place::in_text(Path::new("f"), text, 6, 12), "bad \u{1b}[31m", "");
        assert!(!report(&findings, false).contains('\u{1b}'));
    }
}
