//! One TOML file with the place of every key, and reading a typed value from it that reports every problem, not only the first.
//!
//! `serde` stops at the first thing that does not fit. Here the offending entry is reported, taken out, and the rest is read
//! again, until everything left fits; required keys that are missing get a placeholder, so that the checks of everything else
//! still run. Whoever reads must refuse the result when the report has errors. Knows nothing of what keys mean.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::DeTable;

use super::diagnostic::{Code, Place, Report};
use super::environment::Environment;
use super::{explain, tree};

/// A key that must be there. `key` is a path whose `*` means every element of a list; a `?` after a segment means "only when
/// the file has this one". `placeholder` is a TOML value that stands in for a missing one.
pub(crate) struct Required {
    pub(crate) key: &'static str,
    pub(crate) placeholder: &'static str,
    pub(crate) help: &'static str,
}

/// A TOML file on its way to a typed value.
#[derive(Debug)]
pub(crate) struct Document<'a> {
    file: PathBuf,
    text: &'a str,
    root: DeTable<'a>,
    /// Variables whose overrides stand in the tree; a value's span says which one it came from.
    variables: Vec<&'a str>,
    /// Lines (from 0) that are no TOML; what was recovered of them is not reported a second time.
    broken_lines: BTreeSet<usize>,
    /// Keys that have a finding already, and lists with an element that has one.
    complained: BTreeSet<String>,
    /// Keys that hold a placeholder.
    supplied: BTreeSet<String>,
}

impl<'a> Document<'a> {
    /// Parses `text`, the content of `file`. Syntax errors are reported; what can be understood in spite of them is kept.
    pub(crate) fn parse(file: &Path, text: &'a str, report: &mut Report) -> Self {
        let (root, errors) = DeTable::parse_recoverable(text);
        let mut document = Self {
            file: file.to_owned(),
            text,
            root: tree::with_whole_numbers(root.into_inner(), text),
            variables: Vec::new(),
            broken_lines: BTreeSet::new(),
            complained: BTreeSet::new(),
            supplied: BTreeSet::new(),
        };
        let mut last = None;
        for error in errors {
            let span = error.span().unwrap_or(0..0);
            let line = document.line_of(span.start);
            // One slip often makes several parser errors: on its line, and an open bracket on every line after it. The first
            // says it.
            let follows = last.is_some_and(|(number, ref message): (usize, String)| {
                line <= number + 2 && line > 0 && message == error.message()
            });
            if document.broken_lines.insert(line) && !follows {
                let (message, help) = explain::syntax(error.message());
                report.error(Code::Syntax, Place::in_text(file, text, span.start, span.end), message, help);
            }
            last = Some((line, error.message().to_owned()));
        }
        document
    }

    /// The file.
    pub(crate) fn file(&self) -> &Path {
        &self.file
    }

    /// The file's text.
    pub(crate) const fn text(&self) -> &'a str {
        self.text
    }

    /// Puts the environment's overrides in place.
    pub(crate) fn apply(&mut self, environment: &'a Environment, report: &mut Report) {
        for each in environment.overrides() {
            let number = self.variables.len();
            self.variables.push(each.variable);
            let start = ENVIRONMENT_SPANS + number;
            if let Err(reason) = tree::set(&mut self.root, &each, start) {
                let place = Place::Environment { variable: each.variable.to_owned() };
                report.error(
                    Code::Environment,
                    place,
                    reason,
                    "write the section and key between double underscores, like CHANCERY__SERVER__LOG__LEVEL",
                );
            }
        }
    }

    /// Reads the whole document as `T`. `None` only when the problems could not be worked around.
    pub(crate) fn read<T: DeserializeOwned>(&mut self, required: &[Required], report: &mut Report) -> Option<T> {
        self.supply_missing(required);
        let mut value = None;
        for _ in 0..MAX_PROBLEMS {
            let tree = Spanned::new(0..0, self.root.clone());
            match T::deserialize(toml::Deserializer::from(tree)) {
                Ok(read) => {
                    value = Some(read);
                    break;
                }
                Err(error) => {
                    if self.remove_elements::<T>(&error, report) {
                        continue;
                    }
                    let Some(removed) = error.span().and_then(|span| tree::remove(&mut self.root, &span)) else {
                        report.error(Code::InvalidValue, self.whole(), error.message(), "");
                        break;
                    };
                    self.report_removed(&error, &removed, report);
                    self.supply_missing(required);
                }
            }
        }
        self.report_missing(required, report);
        value
    }

    /// The place of a key's value; of the nearest section around it when the file does not have the key. `None` when a
    /// finding about it would be noise: it has one already, or it is missing and holds a placeholder.
    pub(crate) fn place(&self, key: &str) -> Option<Place> {
        let is_supplied = |key: &str| {
            self.supplied.iter().any(|supplied| {
                key.strip_prefix(supplied.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            })
        };
        if self.complained.contains(key) || is_supplied(key) || (!self.has(key) && self.may_be_broken(key)) {
            return None;
        }
        Some(self.place_of_span(self.nearest_span(key)))
    }

    /// The octets of a key's value in the text, when it stands there.
    pub(crate) fn span(&self, key: &str) -> Option<std::ops::Range<usize>> {
        tree::find(&self.root, key).filter(|span| span.start < self.text.len())
    }

    /// Whether the file (or the environment) gives a value for the key.
    pub(crate) fn has(&self, key: &str) -> bool {
        tree::find(&self.root, key).is_some_and(|span| span.start < PLACEHOLDER_SPANS)
    }

    /// The file as a whole.
    pub(crate) fn whole(&self) -> Place {
        Place::File { file: self.file.clone() }
    }

    /// The deserialiser says of an element of a list only that the list does not fit: this finds every such element by reading
    /// the list with one element at a time. False when the error is about something else.
    fn remove_elements<T: DeserializeOwned>(&mut self, error: &toml::de::Error, report: &mut Report) -> bool {
        let Some((path, length)) = error.span().and_then(|span| tree::array_at(&self.root, "", &span)) else {
            return false;
        };
        let read = |keep: &dyn Fn(usize) -> bool| {
            let tree = tree::with_elements(self.root.clone(), &path, keep);
            T::deserialize(toml::Deserializer::from(Spanned::new(0..0, tree)))
                .err()
                .filter(|problem| problem.span() == error.span())
        };
        // When the empty list does not fit either, no list does.
        if read(&|_| false).is_some() {
            return false;
        }
        let mut bad = Vec::new();
        for index in (0..length).take(MAX_PROBLEMS) {
            if let Some(problem) = read(&|i| i == index) {
                bad.push((index, problem));
            }
        }
        for (index, problem) in &bad {
            let key = format!("{path}.{index}");
            let (code, message, help) = explain::value(problem.message(), &key);
            let span = tree::find(&self.root, &key);
            if !span.as_ref().is_some_and(|span| self.is_recovered(span)) {
                report.error(code, self.place_of_span(span), message, help);
            }
        }
        if !bad.is_empty() {
            let root = std::mem::take(&mut self.root);
            self.root = tree::with_elements(root, &path, &|i| !bad.iter().any(|(index, _)| *index == i));
            self.complained.insert(path);
        }
        !bad.is_empty()
    }

    fn report_removed(&mut self, error: &toml::de::Error, removed: &tree::Removed, report: &mut Report) {
        let (code, message, help) = explain::value(error.message(), &removed.key);
        self.complained.insert(removed.complaint.clone());
        // A misspelt key is not reported a second time as missing under its right name.
        if let Some(meant) = explain::meant(error.message()) {
            let meant = match removed.key.rsplit_once('.') {
                Some((section, _)) => format!("{section}.{meant}"),
                None => meant.to_owned(),
            };
            self.complained.insert(meant);
        }
        if !self.is_recovered(&removed.span) {
            report.error(code, self.place_of_span(Some(removed.span.clone())), message, help);
        }
    }

    /// Whether the place is on a line that could not be parsed, so that what stands there is the parser's guess.
    fn is_recovered(&self, span: &std::ops::Range<usize>) -> bool {
        span.start < self.text.len() && self.broken_lines.contains(&self.line_of(span.start))
    }

    fn supply_missing(&mut self, required: &[Required]) {
        for each in required {
            for path in self.paths(each.key) {
                if tree::find(&self.root, &path).is_none()
                    && tree::set_placeholder(&mut self.root, &path, each.placeholder, PLACEHOLDER_SPANS)
                {
                    self.supplied.insert(path);
                }
            }
        }
    }

    fn report_missing(&self, required: &[Required], report: &mut Report) {
        for each in required {
            for path in self.paths(each.key) {
                if self.supplied.contains(&path) && !self.complained.contains(&path) && !self.may_be_broken(&path) {
                    let name = explain::key(&path);
                    report.error(
                        Code::MissingKey,
                        self.place_of_span(self.nearest_span(&path)),
                        format!("`{name}` is missing"),
                        each.help,
                    );
                }
            }
        }
    }

    /// Whether the key may stand on a line that could not be parsed, or below a section header that could not.
    fn may_be_broken(&self, path: &str) -> bool {
        let name = path.rsplit_once('.').map_or(path, |(_, name)| name);
        self.text.split('\n').enumerate().any(|(number, line)| {
            self.broken_lines.contains(&number) && (line.trim_start().starts_with('[') || line.contains(name))
        })
    }

    /// The concrete paths of a pattern: one for each element of the lists it passes.
    fn paths(&self, pattern: &str) -> Vec<String> {
        let mut paths = vec![String::new()];
        for segment in pattern.split('.') {
            let join = |path: &String, segment: &str| {
                if path.is_empty() { segment.to_owned() } else { format!("{path}.{segment}") }
            };
            paths = match segment.strip_suffix('?') {
                _ if segment == "*" => {
                    paths.iter().flat_map(|path| (0..self.length(path)).map(|i| join(path, &i.to_string()))).collect()
                }
                Some(name) => paths
                    .iter()
                    .map(|path| join(path, name))
                    .filter(|path| tree::find(&self.root, path).is_some())
                    .collect(),
                None => paths.iter().map(|path| join(path, segment)).collect(),
            };
        }
        paths
    }

    /// Elements of the list at `path`.
    fn length(&self, path: &str) -> usize {
        tree::walk(&self.root, path).and_then(|(value, _)| value.as_array().map(|array| array.len())).unwrap_or(0)
    }

    fn nearest_span(&self, key: &str) -> Option<std::ops::Range<usize>> {
        let mut key = key;
        loop {
            if let Some(span) = tree::find(&self.root, key).filter(|span| span.start < PLACEHOLDER_SPANS) {
                return Some(span);
            }
            (key, _) = key.rsplit_once('.')?;
        }
    }

    fn place_of_span(&self, span: Option<std::ops::Range<usize>>) -> Place {
        match span {
            Some(span) if span.start >= ENVIRONMENT_SPANS => match self.variables.get(span.start - ENVIRONMENT_SPANS) {
                Some(variable) => Place::Environment { variable: (*variable).to_owned() },
                None => self.whole(),
            },
            Some(span) => Place::in_text(&self.file, self.text, span.start, span.end),
            None => self.whole(),
        }
    }

    fn line_of(&self, at: usize) -> usize {
        self.text.as_bytes().iter().take(at).filter(|octet| **octet == b'\n').count()
    }
}

/// Spans at and beyond this belong to overrides, one each.
const ENVIRONMENT_SPANS: usize = usize::MAX / 4;
/// Spans at and beyond this belong to placeholders.
const PLACEHOLDER_SPANS: usize = usize::MAX / 2;
const MAX_PROBLEMS: usize = 200;
