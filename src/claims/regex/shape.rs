//! What a pattern looks like, for advice about rules: where it is held fast, what it ends in, what it may miss.
//!
//! Decides nothing about matching.

use super::Pattern;
use super::syntax::{Anchor, Class, Item, Node};

/// A pattern that is no more than texts.
pub(in crate::claims) struct PlainTexts<'a> {
    /// The texts, in order; in small letters when case does not matter.
    pub(in crate::claims) texts: &'a [Box<str>],
    /// Case does not matter.
    pub(in crate::claims) any_case: bool,
    /// They stand at the start.
    pub(in crate::claims) start: bool,
    /// They stand at the end.
    pub(in crate::claims) end: bool,
}

impl Pattern {
    /// The texts of a pattern that is no more than that.
    pub(in crate::claims) fn plain_texts(&self) -> Option<PlainTexts<'_>> {
        let (texts, any_case, start, end) = self.plain.as_ref()?.parts();
        Some(PlainTexts { texts, any_case, start, end })
    }

    /// Whether every match begins at the start of the text.
    pub(in crate::claims) fn is_held_at_start(&self) -> bool {
        edges(&self.node, Side::Start).iter().all(|edge| matches!(edge, Edge::Anchor(Anchor::Start)))
    }

    /// Whether every match ends at the end of the text.
    pub(in crate::claims) fn is_held_at_end(&self) -> bool {
        edges(&self.node, Side::End).iter().all(|edge| matches!(edge, Edge::Anchor(Anchor::End | Anchor::VeryEnd)))
    }

    /// Whether every match is the whole text: it is held at both ends, or `.` is repeated up to there.
    pub(in crate::claims) fn takes_the_whole(&self) -> bool {
        let whole = |side, held: fn(&Edge) -> bool| edges(&self.node, side).iter().all(held);
        whole(Side::Start, |edge| matches!(edge, Edge::Anchor(Anchor::Start) | Edge::Dots))
            && whole(Side::End, |edge| matches!(edge, Edge::Anchor(Anchor::End | Anchor::VeryEnd) | Edge::Dots))
    }

    /// Whether texts of every kind match it, if they are only long enough.
    pub(in crate::claims) fn asks_for_length_only(&self) -> bool {
        flat(&self.node).iter().all(|node| match node {
            Node::Anchor(_) => true,
            Node::Repeat { node, .. } => matches!(&**node, Node::Class(class) if is_dot(class)),
            Node::Class(class) => is_dot(class),
            _ => false,
        })
    }

    /// Whether some branch ends in a literal digit with nothing behind it, so that more digits may follow.
    pub(in crate::claims) fn ends_in_digit(&self) -> bool {
        edges(&self.node, Side::End).iter().any(|edge| matches!(edge, Edge::Char(c) if c.is_ascii_digit()))
    }

    /// Whether it is a negative look-ahead at the start, some branch of which ends in a digit with nothing behind it.
    pub(in crate::claims) fn excludes_prefixes_only(&self) -> bool {
        flat(&self.node).iter().any(|node| match node {
            Node::Look { behind: false, negative: true, node } => {
                edges(node, Side::End).iter().any(|edge| matches!(edge, Edge::Char(c) if c.is_ascii_digit()))
            }
            _ => false,
        })
    }

    /// Whether some `.` stands between digits, where a literal dot is meant.
    pub(in crate::claims) fn has_bare_dot_between_digits(&self) -> bool {
        any(&self.node, &|node| {
            let Node::Concat(_) = node else { return false };
            let parts = flat(node);
            parts.windows(3).any(|window| match window {
                [before, Node::Class(class), after] if is_dot(class) => {
                    ends_in_number(before, Side::End) && ends_in_number(after, Side::Start)
                }
                _ => false,
            })
        })
    }

    /// Whether case matters to its letters; `None` when it has none, or some of each kind.
    pub(in crate::claims) fn ignores_case(&self) -> Option<bool> {
        let letters = |wanted: bool| {
            any(&self.node, &|node| matches!(node, Node::Char { c, fold } if c.is_alphabetic() && *fold == wanted))
        };
        let (folded, exact) = (letters(true), letters(false));
        (folded != exact).then_some(folded)
    }

    /// Whether a repetition without a limit repeats nothing but another one: `(a+)+`.
    pub(in crate::claims) fn repeats_a_repetition(&self) -> bool {
        let unlimited = |node: &Node| matches!(node, Node::Repeat { max: None, .. });
        any(&self.node, &|node| match node {
            Node::Repeat { node: inner, max: None, .. } => branches(inner).iter().any(|branch| {
                let parts = flat(branch);
                parts.iter().any(|part| unlimited(part))
                    && parts.iter().all(|part| unlimited(part) || matches!(part, Node::Repeat { min: 0, .. }))
            }),
            _ => false,
        })
    }

    /// Whether a look-around holds two or more repetitions of `.` without a limit.
    pub(in crate::claims) fn looks_far(&self) -> bool {
        any(&self.node, &|node| {
            match node {
            Node::Look { node: inner, .. } => branches(inner).iter().any(|branch| {
                let dots = |part: &&&Node| matches!(part, Node::Repeat { node, max: None, .. } if matches!(&**node, Node::Class(class) if is_dot(class)));
                flat(branch).iter().filter(dots).count() > 1
            }),
            _ => false,
        }
        })
    }

    /// Whether a blank is repeated, or stands at the very start or end of what is looked for.
    pub(in crate::claims) fn has_stray_blank(&self) -> bool {
        let blank = |node: &Node| matches!(node, Node::Char { c: ' ', .. });
        let repeated = any(&self.node, &|node| matches!(node, Node::Repeat { node, .. } if blank(node)));
        let at = |side| edges(&self.node, side).iter().any(|edge| matches!(edge, Edge::Char(' ')));
        let behind_anchor = flat(&self.node).windows(2).any(|pair| {
            matches!(pair, [Node::Anchor(Anchor::Start), next] if blank(next))
                || matches!(pair, [last, Node::Anchor(Anchor::End)] if blank(last))
        });
        repeated || at(Side::Start) || at(Side::End) || behind_anchor
    }

    /// Whether it matches the same texts as another pattern, as far as comparing them part by part shows.
    pub(in crate::claims) fn is_alike(&self, other: &Self) -> bool {
        plain(&self.node) == plain(&other.node)
    }

    /// The longest start it keeps when it is made to cut a text, `^(.{1,50}).+$`: the text's last character goes as well,
    /// whenever it is not longer.
    pub(in crate::claims) fn cuts_too_much(&self) -> Option<u32> {
        let parts = flat(&self.node);
        let dot = |node: &Node| matches!(node, Node::Class(class) if is_dot(class));
        match parts.as_slice() {
            [
                Node::Anchor(Anchor::Start),
                Node::Repeat { node: kept, min, max: Some(max), lazy: false },
                Node::Repeat { node: rest, min: 1, max: None, .. },
                Node::Anchor(Anchor::End | Anchor::VeryEnd),
            ] if dot(kept) && dot(rest) && min < max => Some(*max),
            _ => None,
        }
    }

    /// Whether it has a capturing group.
    pub(in crate::claims) const fn has_groups(&self) -> bool {
        self.groups.len() > 0
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Start,
    End,
}

/// What stands first or last in some branch.
enum Edge {
    Anchor(Anchor),
    Char(char),
    /// `.*`, `.+`
    Dots,
    Other,
}

fn edges(node: &Node, side: Side) -> Vec<Edge> {
    match node {
        Node::Alternate(nodes) => nodes.iter().flat_map(|node| edges(node, side)).collect(),
        Node::Capture(_, node) | Node::Atomic(node) => edges(node, side),
        Node::Concat(nodes) => {
            let edge = if side == Side::Start { nodes.first() } else { nodes.last() };
            edge.map_or_else(|| vec![Edge::Other], |node| edges(node, side))
        }
        Node::Anchor(anchor) => vec![Edge::Anchor(*anchor)],
        Node::Char { c, .. } => vec![Edge::Char(*c)],
        Node::Repeat { node, max: None, lazy: false, .. } if matches!(&**node, Node::Class(class) if is_dot(class)) => {
            vec![Edge::Dots]
        }
        _ => vec![Edge::Other],
    }
}

/// A literal digit, a class of digits or a group that ends in one.
fn ends_in_number(node: &Node, side: Side) -> bool {
    match node {
        Node::Char { c, .. } => c.is_ascii_digit(),
        Node::Class(class) => {
            !class.negated
                && !class.items.is_empty()
                && class.items.iter().all(|item| match item {
                    Item::Digit(_) => true,
                    Item::Range(first, last) => first.is_ascii_digit() && last.is_ascii_digit(),
                    _ => false,
                })
        }
        Node::Repeat { node, .. } | Node::Capture(_, node) | Node::Atomic(node) => ends_in_number(node, side),
        Node::Alternate(nodes) => nodes.iter().any(|node| ends_in_number(node, side)),
        Node::Concat(nodes) => {
            let edge = if side == Side::Start { nodes.first() } else { nodes.last() };
            edge.is_some_and(|node| ends_in_number(node, side))
        }
        _ => false,
    }
}

fn is_dot(class: &Class) -> bool {
    class.negated && class.minus.is_none() && class.items == [Item::Range('\n', '\n')]
}

/// The parts of a concatenation in order, groups taken apart.
fn flat(node: &Node) -> Vec<&Node> {
    match node {
        Node::Concat(nodes) => nodes.iter().flat_map(flat).collect(),
        Node::Capture(_, inner) if !matches!(**inner, Node::Alternate(_)) => flat(inner),
        Node::Empty => Vec::new(),
        node => vec![node],
    }
}

fn branches(node: &Node) -> Vec<&Node> {
    match node {
        Node::Capture(_, node) | Node::Atomic(node) => branches(node),
        Node::Alternate(nodes) => nodes.iter().collect(),
        node => vec![node],
    }
}

/// The pattern without groups, as far as they only capture.
fn plain(node: &Node) -> Node {
    let boxed = |node: &Node| Box::new(plain(node));
    match node {
        Node::Capture(_, node) => plain(node),
        Node::Concat(nodes) => {
            let mut parts = Vec::with_capacity(nodes.len());
            for node in nodes {
                match plain(node) {
                    Node::Concat(inner) => parts.extend(inner),
                    Node::Empty => {}
                    node => parts.push(node),
                }
            }
            if parts.len() == 1 { parts.pop().unwrap_or(Node::Empty) } else { Node::Concat(parts) }
        }
        Node::Alternate(nodes) => Node::Alternate(nodes.iter().map(plain).collect()),
        Node::Repeat { node, min, max, lazy } => Node::Repeat { node: boxed(node), min: *min, max: *max, lazy: *lazy },
        Node::Look { behind, negative, node } => Node::Look { behind: *behind, negative: *negative, node: boxed(node) },
        Node::Atomic(node) => Node::Atomic(boxed(node)),
        node => node.clone(),
    }
}

/// Whether the test holds of some part, at any depth.
fn any(node: &Node, test: &dyn Fn(&Node) -> bool) -> bool {
    test(node)
        || match node {
            Node::Capture(_, node) | Node::Atomic(node) | Node::Repeat { node, .. } | Node::Look { node, .. } => {
                any(node, test)
            }
            Node::Concat(nodes) | Node::Alternate(nodes) => nodes.iter().any(|node| any(node, test)),
            Node::Conditional { yes, no, .. } => any(yes, test) || any(no, test),
            Node::Empty | Node::Char { .. } | Node::Class(_) | Node::Anchor(_) | Node::Backreference(_) => false,
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(pattern: &str, of: impl Fn(&Pattern) -> bool) -> bool {
        of(&Pattern::unshared(pattern).unwrap())
    }

    #[test]
    fn anchors() {
        for (pattern, start, end) in [
            ("^a$", true, true),
            ("^a|b$", false, false),
            ("^(a|b)$", true, true),
            ("(^a|^b)", true, false),
            ("(?i)(^([^@]+)@)(?<domain>(a|b))$", true, true),
            ("a", false, false),
            ("", false, false),
        ] {
            assert_eq!(holds(pattern, Pattern::is_held_at_start), start, "{pattern}");
            assert_eq!(holds(pattern, Pattern::is_held_at_end), end, "{pattern}");
        }
    }

    #[test]
    fn wholes_and_lengths() {
        for (pattern, whole, length) in [
            ("^a+$", true, false),
            (".+@(?<domain>.+)", true, false),
            ("(?<domain>@.+)", false, false),
            (".+@a", false, false),
            ("^(.{1,9}).+$", true, true),
            ("^(.{6})(?<m>.)", false, true),
        ] {
            assert_eq!(holds(pattern, Pattern::takes_the_whole), whole, "{pattern}");
            assert_eq!(holds(pattern, Pattern::asks_for_length_only), length, "{pattern}");
        }
    }

    #[test]
    fn open_ends_and_dots() {
        for (pattern, digit, prefixes, dot) in [
            ("S-1-5-21-1-2-3-1117", true, false, false),
            ("^(?i)(S-1-5-21-1-2-3-512|S-1-5-21-1-2-3-1117)", true, false, false),
            ("-515$", false, false, false),
            (r"^(?!192\.168\.1\.77|10\.83\.118\.23)", false, true, false),
            (r"^(?!(192\.168\.1\.77|10\.83\.118\.23)($|,))", false, false, false),
            ("^10.0.0.1$", false, false, true),
            (r"\b10.[0-9]{1,3}\.0\b", false, false, true),
            (r"\b10\.0\.0\.([1-9]|1[0-4])\b", false, false, false),
            ("1.+2", true, false, false),
            (r"^\d.\d$", false, false, true),
        ] {
            assert_eq!(holds(pattern, Pattern::ends_in_digit), digit, "{pattern}");
            assert_eq!(holds(pattern, Pattern::excludes_prefixes_only), prefixes, "{pattern}");
            assert_eq!(holds(pattern, Pattern::has_bare_dot_between_digits), dot, "{pattern}");
        }
    }

    #[test]
    fn repetitions_and_blanks() {
        for (pattern, nested, far, blank) in [
            ("(a+)+", true, false, false),
            ("(?:a*|b)*$", true, false, false),
            ("([a-z]+\\.)+", false, false, false),
            ("([a-z]+){2}", false, false, false),
            ("^(?!.*a.*b)", false, true, false),
            ("^. +@", false, false, true),
            ("^ a", false, false, true),
            ("a b", false, false, false),
            ("AUTHORITY ", false, false, true),
        ] {
            assert_eq!(holds(pattern, Pattern::repeats_a_repetition), nested, "{pattern}");
            assert_eq!(holds(pattern, Pattern::looks_far), far, "{pattern}");
            assert_eq!(holds(pattern, Pattern::has_stray_blank), blank, "{pattern}");
        }
    }

    #[test]
    fn case_cuts_and_likeness() {
        let case = |pattern| Pattern::unshared(pattern).unwrap().ignores_case();
        assert_eq!(
            (case("(?i)^AWS-"), case("AWS-"), case("(?i)a(?-i)b"), case("1")),
            (Some(true), Some(false), None, None)
        );
        let cut = |pattern| Pattern::unshared(pattern).unwrap().cuts_too_much();
        assert_eq!(cut("(?<start>^.{1,50}).+$"), Some(50));
        assert_eq!(cut("^(.{0,9}).+$"), Some(9));
        assert_eq!((cut("(?<start>^.{6}).+$"), cut("^(.{1,50}).*$")), (None, None));
        let alike = |a, b| Pattern::unshared(a).unwrap().is_alike(&Pattern::unshared(b).unwrap());
        assert!(alike("^[^@]+@[^@]+$", "^[^@]+@(?<d>[^@]+)$"));
        assert!(!alike("^[^@]+@[^@]+$", "(?i)^[^@]+@a$"));
    }
}
