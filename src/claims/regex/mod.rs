//! Regular expressions as .NET means them.
//!
//! A front end reads the .NET dialect and refuses what it cannot keep the meaning of; what it accepts is written anew for
//! `regex`, or for `fancy-regex` where the pattern looks around or refers back. Patterns are checked when rules are loaded,
//! compiled when they are first needed, and shared by all rule sets of the process. Characters are code points, where
//! .NET counts UTF-16 units; this differs beyond U+FFFF only.

mod backtracking;
mod class;
mod dialect;
mod emit;
mod error;
mod plain;
mod replacement;
mod shape;
mod syntax;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::sync::{Arc, LazyLock, Mutex, OnceLock, PoisonError, Weak};

pub use error::{MatchError, PatternError, PatternErrorKind};
pub use replacement::Replacement;

use backtracking::Backtracking;
use dialect::Groups;
use emit::Ending;
use plain::{Affixes, Plain};
use syntax::Node;

use crate::claims::language::TextHasher;

/// A regular expression of the .NET dialect, without options.
pub struct Pattern {
    text: Arc<str>,
    node: Node,
    groups: Groups,
    plain: Option<Plain>,
    affixes: Affixes,
    backtracks: bool,
    /// A `$` stands in it, so texts that end in LF need their own program.
    has_end: bool,
    program: OnceLock<Result<Program, PatternErrorKind>>,
    line_feed_program: OnceLock<Result<Program, PatternErrorKind>>,
}

enum Program {
    Linear(::regex::Regex),
    Backtracking(Box<Backtracking>),
}

impl Pattern {
    /// The pattern with this text; patterns in use are remembered, so equal ones are one.
    ///
    /// # Errors
    /// [`PatternError`] when it is no .NET pattern, or one that would mean something else here.
    pub fn shared(text: &str) -> Result<Arc<Self>, PatternError> {
        static POOL: LazyLock<Mutex<Pool>> = LazyLock::new(Mutex::default);
        let known = POOL.lock().unwrap_or_else(PoisonError::into_inner).get(text);
        if let Some(pattern) = known {
            return Ok(pattern);
        }
        let pattern = Self::unshared(text)?;
        POOL.lock().unwrap_or_else(PoisonError::into_inner).insert(&pattern);
        Ok(pattern)
    }

    /// The pattern with this text, for one use.
    ///
    /// # Errors
    /// As [`Pattern::shared`].
    pub fn unshared(text: &str) -> Result<Arc<Self>, PatternError> {
        if text.len() > MAX_PATTERN {
            let kind = PatternErrorKind::TooLong { length: text.len(), limit: MAX_PATTERN };
            return Err(PatternError { offset: None, kind });
        }
        let parsed = dialect::parse(text)?;
        let node = parsed.node;
        let parts = plain::flatten(&node);
        let pattern = Self {
            text: text.into(),
            groups: parsed.groups,
            plain: Plain::of(&parts),
            affixes: Affixes::of(&parts),
            backtracks: emit::backtracks(&node),
            has_end: emit::has_end(&node),
            program: OnceLock::new(),
            line_feed_program: OnceLock::new(),
            node,
        };
        // Compiling is left to the first use where it cannot fail.
        if pattern.backtracks || emit::weight(&pattern.node) > EAGER_WEIGHT {
            pattern.compiled(Ending::Plain).map_err(|kind| PatternError { offset: None, kind: kind.clone() })?;
            if pattern.has_end {
                pattern.compiled(Ending::LineFeed).map_err(|kind| PatternError { offset: None, kind: kind.clone() })?;
            }
        }
        Ok(Arc::new(pattern))
    }

    /// The pattern as written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The texts that it matches, a final line end aside, when those are a list that tells upper from lower case.
    pub(in crate::claims) fn only_texts(&self) -> Option<Vec<String>> {
        let (texts, any_case, start, end) = self.plain.as_ref()?.parts();
        (start && end && !any_case).then(|| texts.iter().map(|text| String::from(&**text)).collect())
    }

    /// What running it on a text of this many octets costs at least, in units of about one comparison. A pattern that
    /// backtracks is charged for its attempts while it runs.
    pub const fn cost(&self, length: usize) -> u64 {
        let length = length as u64;
        match (&self.plain, self.backtracks) {
            (Some(_), _) => 1 + length / 64,
            (None, false) => 2 + length / 16,
            (None, true) => 500 + length,
        }
    }

    /// Whether the pattern is found anywhere in the text (`Regex.IsMatch`), with no more work than one text may cost.
    ///
    /// # Errors
    /// [`MatchError`] when the text is too long or the pattern tries too many ways.
    pub fn is_match(&self, subject: &str) -> Result<bool, MatchError> {
        self.is_match_within(subject, &mut { u64::MAX })
    }

    /// As [`Pattern::is_match`]; `work` pays for it.
    ///
    /// # Errors
    /// [`MatchError`]
    pub fn is_match_within(&self, subject: &str, work: &mut u64) -> Result<bool, MatchError> {
        *work = work.checked_sub(self.cost(subject.len())).ok_or(MatchError::TooMuchWork)?;
        if let Some(plain) = &self.plain {
            return Ok(plain.is_match(subject));
        }
        if subject.len() > MAX_SUBJECT {
            return Err(MatchError::SubjectTooLong { length: subject.len(), limit: MAX_SUBJECT });
        }
        if !self.affixes.allow(subject) {
            return Ok(false);
        }
        match self.program_for(subject)? {
            Program::Linear(regex) => Ok(regex.is_match(subject)),
            Program::Backtracking(program) => program.is_match(subject, work),
        }
    }

    /// Replaces every match (`Regex.Replace`); `None` when there is none. The result has at most `most` octets; `work` pays
    /// for it.
    ///
    /// # Errors
    /// [`MatchError`]
    pub fn replace_all(
        &self,
        subject: &str,
        replacement: &Replacement,
        most: usize,
        work: &mut u64,
    ) -> Result<Option<String>, MatchError> {
        if subject.len() > MAX_SUBJECT {
            return Err(MatchError::SubjectTooLong { length: subject.len(), limit: MAX_SUBJECT });
        }
        let program = self.program_for(subject)?;
        let (mut out, mut copied, mut at, mut found) = (String::new(), 0, 0, false);
        while at <= subject.len() {
            *work = work.checked_sub(self.replacement_cost(subject.len() - at)).ok_or(MatchError::TooMuchWork)?;
            let Some(groups) = program.captures(subject, at, work)? else { break };
            let Some(Some((start, end))) = groups.first().copied() else { break };
            found = true;
            out.push_str(subject.get(copied..start).unwrap_or_default());
            replacement.expand(subject, |place| groups.get(place).copied().flatten(), most, &mut out)?;
            copied = end;
            // .NET goes on one character further after an empty match, and right behind any other.
            let step = subject.get(end..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8);
            at = if start == end { end + step } else { end };
        }
        if !found {
            return Ok(None);
        }
        out.push_str(subject.get(copied..).unwrap_or_default());
        if out.len() > most { Err(MatchError::OutputTooLong { limit: most }) } else { Ok(Some(out)) }
    }

    /// What one match more costs. Where nothing backtracks a search mostly ends at the next match, and a text of 16 KiB in which every
    /// character is one must be paid for; a pattern that looks ahead to the end for each costs a fraction of a second then.
    const fn replacement_cost(&self, length: usize) -> u64 {
        let length = length as u64;
        if self.backtracks { 500 + length } else { 4 + length / 256 }
    }

    fn program_for(&self, subject: &str) -> Result<&Program, MatchError> {
        let ending = if self.has_end && subject.ends_with('\n') { Ending::LineFeed } else { Ending::Plain };
        self.compiled(ending).map_err(|kind| MatchError::Pattern(kind.clone()))
    }

    fn compiled(&self, ending: Ending) -> Result<&Program, &PatternErrorKind> {
        let slot = match ending {
            Ending::Plain => &self.program,
            Ending::LineFeed => &self.line_feed_program,
        };
        slot.get_or_init(|| {
            let text = emit::emit(&self.node, ending);
            // A `$` before a final LF is a look-ahead.
            Program::compile(&text, self.backtracks || ending == Ending::LineFeed)
        })
        .as_ref()
    }
}

impl std::fmt::Debug for Pattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Pattern").field(&self.text).finish()
    }
}

impl Program {
    fn compile(text: &str, backtracks: bool) -> Result<Self, PatternErrorKind> {
        let refused = |reason: String| {
            if reason.contains("size limit") || reason.contains("too complex") || reason.contains("too big") {
                PatternErrorKind::TooLarge
            } else {
                PatternErrorKind::Matcher { reason: reason.into() }
            }
        };
        if backtracks {
            let built = Backtracking::compile(text);
            return built
                .map(|program| Self::Backtracking(Box::new(program)))
                .map_err(|error| refused(error.to_string()));
        }
        ::regex::RegexBuilder::new(text)
            .size_limit(SIZE_LIMIT)
            .dfa_size_limit(DFA_SIZE_LIMIT)
            .nest_limit(NEST_LIMIT)
            .build()
            .map(Self::Linear)
            .map_err(|error| refused(error.to_string()))
    }

    /// The groups of the first match at or behind `at`, by place; place 0 is the whole match.
    fn captures(&self, subject: &str, at: usize, work: &mut u64) -> Result<Option<Groupings>, MatchError> {
        match self {
            Self::Linear(regex) => Ok(regex
                .captures_at(subject, at)
                .map(|found| found.iter().map(|group| group.map(|group| (group.start(), group.end()))).collect())),
            Self::Backtracking(program) => program.captures(subject, at, work),
        }
    }
}

type Groupings = Vec<Option<(usize, usize)>>;

/// The patterns in use, by text. Those that nobody holds any more are dropped whenever the number has doubled, so the pool
/// is never larger than twice what the loaded rules use.
#[derive(Default)]
struct Pool {
    patterns: HashMap<Arc<str>, Weak<Pattern>, BuildHasherDefault<TextHasher>>,
    sweep_at: usize,
}

impl Pool {
    fn get(&self, text: &str) -> Option<Arc<Pattern>> {
        self.patterns.get(text)?.upgrade()
    }

    fn insert(&mut self, pattern: &Arc<Pattern>) {
        if self.patterns.len() >= self.sweep_at {
            self.patterns.retain(|_, pattern| pattern.strong_count() > 0);
            self.sweep_at = (self.patterns.len() * 2).max(256);
        }
        self.patterns.insert(pattern.text.clone(), Arc::downgrade(pattern));
    }
}

/// Longest pattern, in octets.
const MAX_PATTERN: usize = 4096;
/// Longest text a pattern is run on, in octets.
const MAX_SUBJECT: usize = 16 * 1024;
/// Patterns heavier than this are compiled when they are loaded, to learn whether they can be.
const EAGER_WEIGHT: u64 = 1000;
/// Most memory of a compiled pattern, in octets.
const SIZE_LIMIT: usize = 4 << 20;
const DFA_SIZE_LIMIT: usize = 1 << 20;
/// Our own nesting limit times what the translation adds.
const NEST_LIMIT: u32 = 400;
