//! What was sent and received in a step, in a line each.

use std::cell::RefCell;
use std::fmt::Write as _;

use serde::Serialize;

use super::http::{Reply, without_code};
use super::report::printable;
use super::request::{Request, shown_answer};

/// A request and its answer, without secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Message {
    pub(super) sent: String,
    pub(super) received: String,
}

/// The messages since the last time they were taken.
#[derive(Debug, Default)]
pub(super) struct MessageLog(RefCell<Vec<Message>>);

impl MessageLog {
    /// Writes down a request; what it gives is its number, for the answer.
    pub(super) fn sent(&self, request: &Request) -> usize {
        let shown = line(request.brief.as_deref().unwrap_or(&request.shown));
        let mut text = format!("{} {} {shown}", request.method, request.url);
        // The fields that hold what the step is about.
        for header in request.headers.iter().filter(|header| header.shown != *header.value.expose()) {
            let _ = write!(text, " {}: {}", header.name, line(&header.shown));
        }
        self.note(text.trim_end(), "")
    }

    /// Writes down an answer.
    pub(super) fn received(&self, number: usize, reply: &Reply) {
        let location = reply.header("location").next().map(|location| format!("to {} ", without_code(location)));
        let body = if reply.status == 401 && location.is_none() && reply.json().is_none() {
            let schemes: Vec<&str> =
                reply.header("www-authenticate").filter_map(|value| value.split(' ').next()).collect();
            if schemes.is_empty() { String::new() } else { format!("wants {}", schemes.join(", ")) }
        } else if location.is_some() {
            String::new()
        } else {
            shown_answer(&reply.text())
        };
        let text = format!("{} {}{}", reply.status, location.unwrap_or_default(), line(&body));
        self.answer(number, text.trim_end());
    }

    /// Writes down that no answer came.
    pub(super) fn nothing(&self, number: usize, why: &str) {
        self.answer(number, &line(why));
    }

    /// Writes down a question that is no HTTP request, and its answer.
    pub(super) fn note(&self, sent: &str, received: &str) -> usize {
        let mut messages = self.0.borrow_mut();
        messages.push(Message { sent: printable(sent), received: printable(received) });
        messages.len() - 1
    }

    /// Everything since the last time.
    pub(super) fn take(&self) -> Vec<Message> {
        self.0.take()
    }

    fn answer(&self, number: usize, text: &str) {
        if let Some(message) = self.0.borrow_mut().get_mut(number) {
            message.received = printable(text);
        }
    }
}

/// A text cut to what a line of a report holds.
fn line(text: &str) -> String {
    let text: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.chars().count() <= LINE {
        return text;
    }
    format!("{}…", text.chars().take(LINE).collect::<String>())
}

/// Characters of a message in a report; `--verbose` shows all of it.
const LINE: usize = 260;
