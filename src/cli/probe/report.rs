//! Shows the steps as they end: lines for people, or one JSON object.

use std::io::Write;
use std::time::Duration;

use serde::Serialize;

use super::failure::Step;
use super::message_log::Message;
use super::token::Token;
use crate::clock::Clock;

/// Everything that was found.
pub(super) struct Report<'a> {
    clock: &'a dyn Clock,
    out: &'a mut dyn Write,
    json: bool,
    steps: Vec<Line>,
    token: Option<Token>,
    assertion: Option<String>,
}

#[derive(Debug, Serialize)]
struct Line {
    step: &'static str,
    outcome: Outcome,
    what: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    advice: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    messages: Vec<Message>,
    milliseconds: u128,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Outcome {
    Passed,
    Noted,
    Failed,
}

impl<'a> Report<'a> {
    pub(super) const fn new(clock: &'a dyn Clock, out: &'a mut dyn Write, json: bool) -> Self {
        Self { clock, out, json, steps: Vec::new(), token: None, assertion: None }
    }

    /// Does a step and shows how it ended; `None` when nothing can follow it.
    pub(super) fn step<T>(&mut self, step: &'static str, work: impl FnOnce() -> Step<T>) -> Option<T> {
        self.step_with(step, Vec::new, work)
    }

    /// The same, and shows what was sent and received in it.
    pub(super) fn step_with<T>(
        &mut self,
        step: &'static str,
        messages: impl FnOnce() -> Vec<Message>,
        work: impl FnOnce() -> Step<T>,
    ) -> Option<T> {
        let began = self.clock.monotonic();
        let outcome = work();
        let took = self.clock.monotonic().saturating_sub(began);
        let messages = messages();
        match outcome {
            Ok(passed) => {
                let outcome = if passed.notes.is_empty() { Outcome::Passed } else { Outcome::Noted };
                self.line(step, outcome, &passed.what, &passed.notes, messages, took);
                Some(passed.value)
            }
            Err(failure) => {
                self.line(step, Outcome::Failed, &failure.what, &failure.advice, messages, took);
                None
            }
        }
    }

    /// Shows a token's content.
    pub(super) fn token(&mut self, token: Token, assertion: Option<String>) {
        if !self.json {
            let width = token.claims.iter().map(|claim| claim.name().chars().count()).max().unwrap_or(0).max(12);
            let mut rows = vec![
                ("Issuer".to_owned(), token.issuer.clone()),
                ("Audience".to_owned(), token.audiences.join(" ")),
                ("Valid".to_owned(), format!("{} to {}", token.not_before, token.not_on_or_after)),
            ];
            rows.extend(token.claims.iter().map(|claim| (claim.name().to_owned(), shown(&claim.values))));
            for (name, value) in rows {
                self.print(&format!("      {name:<width$}  {value}\n"));
            }
            if let Some(assertion) = &assertion {
                self.print(&format!("\n{assertion}\n\n"));
            }
        }
        self.token = Some(token);
        self.assertion = assertion;
    }

    /// Says how it ended. Whether everything passed.
    pub(super) fn finish(mut self, request_id: &str, success: &str) -> bool {
        let failed = self.steps.iter().filter(|line| line.outcome == Outcome::Failed).count();
        let succeeds = failed == 0;
        if self.json {
            let answer = serde_json::json!({
                "succeeds": succeeds,
                "client_request_id": request_id,
                "steps": self.steps,
                "token": self.token,
                "assertion": self.assertion,
            });
            self.print(&format!("{answer:#}\n"));
        } else if succeeds {
            self.print(&format!("\n{success}\n"));
        } else {
            let sent = "The server's logs know these requests by the activity id";
            self.print(&format!("\nThis would fail. {sent} {request_id}.\n"));
        }
        succeeds
    }

    fn line(
        &mut self,
        step: &'static str,
        outcome: Outcome,
        what: &str,
        advice: &[String],
        messages: Vec<Message>,
        took: Duration,
    ) {
        let what = printable(what);
        let advice: Vec<String> = advice.iter().map(|advice| printable(advice)).collect();
        if !self.json {
            let mark = match outcome {
                Outcome::Passed => '✔',
                Outcome::Noted => '⚠',
                Outcome::Failed => '✘',
            };
            self.print(&format!("  {mark} {step:<11} {what}  ({} ms)\n", took.as_millis()));
            for Message { sent, received } in &messages {
                self.print(&format!("      > {sent}\n      < {received}\n"));
            }
            for advice in &advice {
                self.print(&format!("      → {advice}\n"));
            }
        }
        self.steps.push(Line { step, outcome, what, advice, messages, milliseconds: took.as_millis() });
    }

    /// A reader that went away is no reason to stop probing.
    fn print(&mut self, text: &str) {
        let _ = self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush());
    }
}

/// Long lists are counted.
fn shown(values: &[String]) -> String {
    let first: Vec<String> = values.iter().take(3).map(|value| printable(value)).collect();
    let more = values.len().saturating_sub(first.len());
    let list = first.join(", ");
    if more > 0 { format!("{list} … and {more} more") } else { list }
}

/// What a server sends must not steer the terminal.
pub(super) fn printable(text: &str) -> String {
    let clean: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_SHOWN).collect();
    clean.trim().to_owned()
}

const MAX_SHOWN: usize = 2000;

#[cfg(test)]
mod tests {
    use super::super::failure::{Failure, Passed};
    use super::*;
    use crate::clock::{ManualClock, UtcTime};

    fn shown_by(json: bool) -> (bool, String) {
        let clock = ManualClock::at(UtcTime::from_unix_seconds(0));
        let mut out = Vec::new();
        let mut report = Report::new(&clock, &mut out, json);
        let value = report.step("TLS", || {
            clock.advance(Duration::from_millis(7));
            Ok(Passed::new(7, "good").note("a note"))
        });
        assert_eq!(value, Some(7));
        let none = report.step::<()>("MEX", || Err(Failure::new("bad\u{1b}[2J").advise("do this")));
        assert_eq!(none, None);
        let succeeds = report.finish("id-1", "fine");
        (succeeds, String::from_utf8(out).unwrap())
    }

    #[test]
    fn lines_for_people() {
        let (succeeds, text) = shown_by(false);
        assert!(!succeeds);
        assert_eq!(
            text,
            "  ⚠ TLS         good  (7 ms)\n      → a note\n  ✘ MEX         bad [2J  (0 ms)\n      → do this\n\nThis would \
             fail. The server's logs know these requests by the activity id id-1.\n"
        );
    }

    #[test]
    fn one_object_for_programs() {
        let (_, text) = shown_by(true);
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(json["succeeds"], false);
        assert_eq!(json["steps"][0]["outcome"], "noted");
        assert_eq!(json["steps"][1]["advice"][0], "do this");
        assert_eq!(json["token"], serde_json::Value::Null);
    }
}
