//! The tree of a .NET regular expression. Options such as `(?i)` are resolved: they live in the leaves.

/// A part of a pattern.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node {
    Empty,
    Char {
        c: char,
        /// Case does not matter.
        fold: bool,
    },
    Class(Class),
    Anchor(Anchor),
    /// A capturing group; numbers count opening parentheses from 1, whatever .NET calls the group.
    Capture(usize, Box<Node>),
    Concat(Vec<Node>),
    Alternate(Vec<Node>),
    Repeat {
        node: Box<Node>,
        min: u32,
        max: Option<u32>,
        lazy: bool,
    },
    Look {
        behind: bool,
        negative: bool,
        node: Box<Node>,
    },
    Atomic(Box<Node>),
    /// To the capturing group of this number.
    Backreference(usize),
    /// `(?(1)yes|no)`.
    Conditional {
        group: usize,
        yes: Box<Node>,
        no: Box<Node>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    /// `^` and `\A`: the start of the text.
    Start,
    /// `^` with `(?m)`.
    LineStart,
    /// `$` and `\Z`: the end, or before a final LF.
    End,
    /// `$` with `(?m)`.
    LineEnd,
    /// `\z`: the very end.
    VeryEnd,
    Word,
    NotWord,
}

/// A set of characters.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Class {
    pub(super) negated: bool,
    pub(super) items: Vec<Item>,
    /// `[a-z-[aeiou]]`: what is taken away.
    pub(super) minus: Option<Box<Class>>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Item {
    Range(char, char),
    /// `\d`, `\D`.
    Digit(Sign),
    /// `\w`, `\W`.
    Word(Sign),
    /// `\s`, `\S`.
    Space(Sign),
    /// `\p{Lu}`, `\P{Lu}`: a general category.
    Category(&'static str, Sign),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    In,
    NotIn,
}

impl Class {
    /// Adds to ranges what differs only in case, character by character as .NET does: ASCII letters fold among ASCII only,
    /// others by their lower-case form. `(?i)` therefore never lets U+017F or U+212A pass for s or k.
    pub(super) fn fold(&mut self) {
        let ranges: Vec<(char, char)> = self
            .items
            .iter()
            .filter_map(|item| match item {
                Item::Range(first, last) => Some((*first, *last)),
                _ => None,
            })
            .collect();
        let within = |c: char| ranges.iter().any(|(first, last)| (*first..=*last).contains(&c));
        for lower in 'a'..='z' {
            let upper = lower.to_ascii_uppercase();
            if within(lower) != within(upper) {
                self.items.push(Item::Range(lower, lower));
                self.items.push(Item::Range(upper, upper));
            }
        }
        if ranges.iter().any(|(_, last)| !last.is_ascii()) {
            for family in CASE_FAMILIES.iter() {
                if family.iter().any(|c| within(*c)) {
                    self.items.extend(family.iter().filter(|c| !within(**c)).map(|c| Item::Range(*c, *c)));
                }
            }
        }
        if let Some(minus) = &mut self.minus {
            minus.fold();
        }
    }
}

/// The characters outside ASCII that share a lower-case form with `c`, `c` among them.
pub(super) fn case_family(c: char) -> Vec<char> {
    CASE_FAMILIES.iter().find(|family| family.contains(&c)).cloned().unwrap_or_else(|| vec![c])
}

/// Characters beyond ASCII with the same lower-case form, for every such form that has more than one.
static CASE_FAMILIES: std::sync::LazyLock<Vec<Vec<char>>> = std::sync::LazyLock::new(|| {
    /// Behind this there are no letters with case.
    const LAST_CASED: char = '\u{1E943}';
    let mut families: std::collections::BTreeMap<char, Vec<char>> = std::collections::BTreeMap::new();
    for c in '\u{80}'..=LAST_CASED {
        let mut lower = c.to_lowercase();
        if let (Some(lower), None) = (lower.next(), lower.next())
            && !lower.is_ascii()
        {
            families.entry(lower).or_default().push(c);
        }
    }
    families.into_values().filter(|family| family.len() > 1).collect()
});
