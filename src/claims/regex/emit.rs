//! The tree of a pattern in the syntax that `regex` and `fancy-regex` share.
//!
//! Every character that is not a letter or digit is written as a code, so neither crate can read a meaning into it.

use std::fmt::Write as _;

use super::syntax::{Anchor, Class, Item, Node, Sign, case_family};

/// How `$` is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// For texts that do not end in LF, where `$` and `\z` are the same.
    Plain,
    /// For texts that end in LF: before it, or behind it.
    LineFeed,
}

/// Writes a pattern.
pub(super) fn emit(node: &Node, ending: Ending) -> String {
    let mut out = String::new();
    write_node(node, ending, &mut out);
    out
}

/// Whether the pattern needs the backtracking matcher.
pub(super) fn backtracks(node: &Node) -> bool {
    match node {
        Node::Empty | Node::Char { .. } | Node::Class(_) | Node::Anchor(_) => false,
        Node::Capture(_, node) | Node::Repeat { node, .. } => backtracks(node),
        Node::Concat(nodes) | Node::Alternate(nodes) => nodes.iter().any(backtracks),
        Node::Look { .. } | Node::Atomic(_) | Node::Backreference(_) | Node::Conditional { .. } => true,
    }
}

/// Whether the pattern has a `$` that a final LF makes a difference to.
pub(super) fn has_end(node: &Node) -> bool {
    match node {
        Node::Anchor(anchor) => *anchor == Anchor::End,
        Node::Empty | Node::Char { .. } | Node::Class(_) | Node::Backreference(_) => false,
        Node::Capture(_, node) | Node::Repeat { node, .. } | Node::Look { node, .. } | Node::Atomic(node) => {
            has_end(node)
        }
        Node::Concat(nodes) | Node::Alternate(nodes) => nodes.iter().any(has_end),
        Node::Conditional { yes, no, .. } => has_end(yes) || has_end(no),
    }
}

/// Roughly how much the compiled pattern holds, in characters.
pub(super) fn weight(node: &Node) -> u64 {
    match node {
        Node::Empty | Node::Anchor(_) | Node::Backreference(_) => 1,
        Node::Char { fold, .. } => 1 + u64::from(*fold),
        Node::Class(class) => class_weight(class),
        Node::Capture(_, node) | Node::Look { node, .. } | Node::Atomic(node) => 1 + weight(node),
        Node::Concat(nodes) | Node::Alternate(nodes) => {
            nodes.iter().fold(1, |sum: u64, node| sum.saturating_add(weight(node)))
        }
        Node::Repeat { node, min, max, .. } => {
            weight(node).saturating_mul(u64::from(max.unwrap_or(min.saturating_add(1)).max(1)))
        }
        Node::Conditional { yes, no, .. } => weight(yes).saturating_add(weight(no)),
    }
}

fn class_weight(class: &Class) -> u64 {
    let items = class.items.iter().map(|item| match item {
        Item::Range(_, last) if last.is_ascii() => 1,
        Item::Range(..) => 4,
        _ => 100,
    });
    items.sum::<u64>() + class.minus.as_deref().map_or(0, class_weight)
}

fn write_node(node: &Node, ending: Ending, out: &mut String) {
    match node {
        Node::Empty => out.push_str("(?:)"),
        Node::Char { c, fold: false } => write_char(*c, out),
        Node::Char { c, fold: true } => {
            let family =
                if c.is_ascii() { vec![c.to_ascii_lowercase(), c.to_ascii_uppercase()] } else { case_family(*c) };
            match family.as_slice() {
                [lower, upper] if lower == upper => write_char(*c, out),
                [_] => write_char(*c, out),
                family => {
                    out.push('[');
                    for c in family {
                        write_char(*c, out);
                    }
                    out.push(']');
                }
            }
        }
        Node::Class(class) => write_class(class, out),
        Node::Anchor(anchor) => out.push_str(match (anchor, ending) {
            (Anchor::Start, _) => r"\A",
            (Anchor::LineStart, _) => "(?m:^)",
            (Anchor::LineEnd, _) => "(?m:$)",
            (Anchor::VeryEnd, _) | (Anchor::End, Ending::Plain) => r"\z",
            (Anchor::End, Ending::LineFeed) => r"(?=\x{A}?\z)",
            (Anchor::Word, _) => r"\b",
            (Anchor::NotWord, _) => r"\B",
        }),
        Node::Capture(_, node) => wrap("(", node, ending, out),
        Node::Concat(nodes) => {
            for node in nodes {
                if matches!(node, Node::Alternate(_)) {
                    wrap("(?:", node, ending, out);
                } else {
                    write_node(node, ending, out);
                }
            }
        }
        Node::Alternate(nodes) => {
            for (index, node) in nodes.iter().enumerate() {
                if index > 0 {
                    out.push('|');
                }
                write_node(node, ending, out);
            }
        }
        // Neither crate repeats an assertion alike; once is as good as often.
        Node::Repeat { node, min, max, lazy }
            if matches!(**node, Node::Anchor(_) | Node::Look { .. } | Node::Empty) =>
        {
            match (min, max, lazy) {
                (_, Some(0), _) => out.push_str("(?:)"),
                (0, _, false) => {
                    wrap("(?:", node, ending, out);
                    out.insert(out.len() - 1, '|');
                }
                (0, _, true) => {
                    out.push_str("(?:|");
                    write_node(node, ending, out);
                    out.push(')');
                }
                _ => wrap("(?:", node, ending, out),
            }
        }
        Node::Repeat { node, min, max, lazy } => {
            wrap("(?:", node, ending, out);
            let _ = match max {
                None => write!(out, "{{{min},}}"),
                Some(max) if max == min => write!(out, "{{{min}}}"),
                Some(max) => write!(out, "{{{min},{max}}}"),
            };
            if *lazy {
                out.push('?');
            }
        }
        Node::Look { behind, negative, node } => {
            let open = match (behind, negative) {
                (false, false) => "(?=",
                (false, true) => "(?!",
                (true, false) => "(?<=",
                (true, true) => "(?<!",
            };
            wrap(open, node, ending, out);
        }
        Node::Atomic(node) => wrap("(?>", node, ending, out),
        Node::Backreference(place) => {
            let _ = write!(out, r"(?:\{place})");
        }
        Node::Conditional { group, yes, no } => {
            let _ = write!(out, "(?({group})");
            wrap("(?:", yes, ending, out);
            out.push('|');
            wrap("(?:", no, ending, out);
            out.push(')');
        }
    }
}

fn wrap(open: &str, node: &Node, ending: Ending, out: &mut String) {
    out.push_str(open);
    write_node(node, ending, out);
    out.push(')');
}

fn write_class(class: &Class, out: &mut String) {
    out.push('[');
    if class.minus.is_some() {
        out.push('[');
    }
    if class.negated {
        out.push('^');
    }
    for item in &class.items {
        match item {
            Item::Range(first, last) => {
                write_char(*first, out);
                if first != last {
                    out.push('-');
                    write_char(*last, out);
                }
            }
            Item::Digit(sign) => write_set(r"\p{Nd}", *sign, out),
            // .NET leaves out what Rust's \w has beyond these.
            Item::Word(sign) => write_set(r"\p{L}\p{Mn}\p{Nd}\p{Pc}", *sign, out),
            Item::Space(sign) => write_set(r"\x{9}-\x{D}\x{85}\p{Z}", *sign, out),
            Item::Category(name, sign) => write_set(&format!(r"\p{{{name}}}"), *sign, out),
        }
    }
    if let Some(minus) = &class.minus {
        out.push_str("]--");
        write_class(minus, out);
    }
    out.push(']');
}

/// Negated sets become nested classes: `fancy-regex` would intersect neighbouring `\P{…}`.
fn write_set(set: &str, sign: Sign, out: &mut String) {
    match sign {
        Sign::In => out.push_str(set),
        Sign::NotIn => {
            let _ = write!(out, "[^{set}]");
        }
    }
}

fn write_char(c: char, out: &mut String) {
    if c.is_ascii_alphanumeric() {
        out.push(c);
    } else {
        let _ = write!(out, r"\x{{{:X}}}", u32::from(c));
    }
}
