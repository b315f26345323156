//! Patterns that are no more than texts: `^(AD|SELF) AUTHORITY$`, `^(?i)(S-1-5-…|S-1-5-…)$`, `-515$`.
//!
//! Group and issuer filters are nearly always such, and comparing texts costs a fraction of any matcher.

use std::cmp::Ordering;

use super::syntax::{Anchor, Node};

/// A set of texts, and where in the subject one of them must stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Plain {
    /// Sorted; lower case when `fold`.
    texts: Vec<Box<str>>,
    fold: bool,
    start: bool,
    end: Option<End>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// `\z`
    Very,
    /// `$`: a final LF does not count.
    BeforeLineFeed,
}

impl Plain {
    /// The texts of a pattern of these parts, when it is no more than that.
    pub(super) fn of(parts: &[&Node]) -> Option<Self> {
        let mut nodes = parts;
        let mut start = false;
        while let Some((Node::Anchor(Anchor::Start), rest)) = nodes.split_first() {
            start = true;
            nodes = rest;
        }
        let mut end = None;
        while let Some((Node::Anchor(anchor @ (Anchor::End | Anchor::VeryEnd)), rest)) = nodes.split_last() {
            let very = *anchor == Anchor::VeryEnd || end == Some(End::Very);
            end = Some(if very { End::Very } else { End::BeforeLineFeed });
            nodes = rest;
        }
        // Most patterns are no texts, which shows in their parts.
        if !nodes.iter().all(|node| matches!(node, Node::Char { .. } | Node::Capture(..) | Node::Alternate(_))) {
            return None;
        }
        let mut texts: Vec<Vec<(char, bool)>> = vec![Vec::new()];
        for node in nodes {
            append(&mut texts, node)?;
        }
        let mut letters =
            texts.iter().flatten().filter(|(c, fold)| c.is_ascii_alphabetic() || (*fold && !c.is_ascii()));
        let fold = letters.next().is_some_and(|(_, fold)| *fold);
        if letters.any(|(_, other)| *other != fold)
            || (fold && texts.iter().flatten().any(|(c, _)| !c.is_ascii()))
            || texts.iter().map(Vec::len).sum::<usize>() > MOST_CHARACTERS
        {
            return None;
        }
        let mut texts: Vec<Box<str>> = texts
            .into_iter()
            .map(|text| text.into_iter().map(|(c, _)| if fold { c.to_ascii_lowercase() } else { c }).collect())
            .collect();
        texts.sort_unstable();
        texts.dedup();
        let whole = start && end.is_some();
        let plain = Self { texts, fold, start, end };
        // Searching many texts anywhere is what the matcher is better at.
        (whole || (plain.texts.len() <= 4 && (start || plain.end.is_some() || !fold))).then_some(plain)
    }

    /// The texts, whether case matters not, and at which ends they are held.
    pub(super) fn parts(&self) -> (&[Box<str>], bool, bool, bool) {
        (&self.texts, self.fold, self.start, self.end.is_some())
    }

    /// Whether one of the texts stands where it must.
    pub(super) fn is_match(&self, subject: &str) -> bool {
        match self.end {
            Some(End::BeforeLineFeed) => {
                self.at_ends(subject) || subject.strip_suffix('\n').is_some_and(|line| self.at_ends(line))
            }
            _ => self.at_ends(subject),
        }
    }

    fn at_ends(&self, subject: &str) -> bool {
        let bytes = subject.as_bytes();
        if self.start && self.end.is_some() {
            return self.texts.binary_search_by(|text| self.compare(text.as_bytes(), bytes)).is_ok();
        }
        self.texts.iter().map(|text| text.as_bytes()).any(|text| {
            if self.start {
                bytes.get(..text.len()).is_some_and(|head| self.equal(text, head))
            } else if self.end.is_some() {
                let from = bytes.len().checked_sub(text.len());
                from.and_then(|from| bytes.get(from..)).is_some_and(|tail| self.equal(text, tail))
            } else {
                std::str::from_utf8(text).is_ok_and(|text| subject.contains(text))
            }
        })
    }

    fn equal(&self, text: &[u8], found: &[u8]) -> bool {
        if self.fold { text.eq_ignore_ascii_case(found) } else { text == found }
    }

    fn compare(&self, text: &[u8], found: &[u8]) -> Ordering {
        if self.fold { text.iter().copied().cmp(found.iter().map(u8::to_ascii_lowercase)) } else { text.cmp(found) }
    }
}

/// Texts that a matching subject must begin and end with (an LF at its end aside).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Affixes {
    pub(super) prefix: Box<str>,
    pub(super) suffix: Box<str>,
}

impl Affixes {
    pub(super) fn of(nodes: &[&Node]) -> Self {
        let literal = |node: &Node| match node {
            Node::Char { c, fold } if !fold || !(c.is_alphabetic()) => Some(*c),
            _ => None,
        };
        let prefix = match nodes.split_first() {
            Some((Node::Anchor(Anchor::Start), rest)) => rest.iter().map_while(|node| literal(node)).collect(),
            _ => String::new(),
        };
        let suffix: String = match nodes.split_last() {
            Some((Node::Anchor(Anchor::End | Anchor::VeryEnd), rest)) => {
                rest.iter().rev().map_while(|node| literal(node)).collect()
            }
            _ => String::new(),
        };
        Self { prefix: prefix.into(), suffix: suffix.chars().rev().collect() }
    }

    /// Whether the subject can match at all.
    pub(super) fn allow(&self, subject: &str) -> bool {
        subject.starts_with(&*self.prefix) && (subject.ends_with(&*self.suffix) || subject.ends_with('\n'))
    }
}

/// The parts of a concatenation in order, captures at the top level taken apart.
pub(super) fn flatten(node: &Node) -> Vec<&Node> {
    let mut parts = Vec::with_capacity(if let Node::Concat(nodes) = node { nodes.len() } else { 1 });
    collect(node, &mut parts);
    parts
}

fn collect<'n>(node: &'n Node, parts: &mut Vec<&'n Node>) {
    match node {
        Node::Concat(nodes) => nodes.iter().for_each(|node| collect(node, parts)),
        Node::Capture(_, inner) if !matches!(**inner, Node::Alternate(_)) => collect(inner, parts),
        Node::Empty => {}
        node => parts.push(node),
    }
}

/// Appends what `node` can be to every text.
fn append(texts: &mut Vec<Vec<(char, bool)>>, node: &Node) -> Option<()> {
    match node {
        Node::Empty => {}
        Node::Char { c, fold } => texts.iter_mut().for_each(|text| text.push((*c, *fold))),
        Node::Capture(_, node) => append(texts, node)?,
        Node::Concat(nodes) => nodes.iter().try_for_each(|node| append(texts, node))?,
        Node::Alternate(branches) => {
            let mut all = Vec::new();
            for branch in branches {
                let mut some = texts.clone();
                append(&mut some, branch)?;
                all.extend(some);
                if all.len() > MOST_TEXTS {
                    return None;
                }
            }
            *texts = all;
        }
        _ => return None,
    }
    Some(())
}

const MOST_TEXTS: usize = 512;
const MOST_CHARACTERS: usize = 64 * 1024;
