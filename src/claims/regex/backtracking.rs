//! The matcher for patterns that look around or refer back, held to the attempts that were paid for.
//!
//! `fancy-regex` takes a bound on its attempts when a program is built, and does not tell how many it made. So there is a
//! program for few attempts, which nearly every text is content with, and others for more; each is built when it is first
//! needed and paid for before it runs.

use std::sync::OnceLock;

use super::error::{MatchError, PatternErrorKind};
use super::{DFA_SIZE_LIMIT, Groupings, SIZE_LIMIT};

/// A pattern as programs of growing patience.
pub(super) struct Backtracking {
    text: Box<str>,
    /// Within [`FEW`] attempts.
    few: fancy_regex::Regex,
    /// Within as many as each of [`MORE`].
    more: [OnceLock<Option<fancy_regex::Regex>>; MORE.len()],
}

impl Backtracking {
    /// Builds the first program of a translated pattern.
    pub(super) fn compile(text: &str) -> Result<Self, fancy_regex::Error> {
        Ok(Self { text: text.into(), few: build(text, FEW)?, more: Default::default() })
    }

    /// Whether the pattern is found anywhere.
    pub(super) fn is_match(&self, subject: &str, work: &mut u64) -> Result<bool, MatchError> {
        self.patiently(subject.len(), work, |regex| regex.is_match(subject))
    }

    /// The groups of the first match at or behind `at`.
    pub(super) fn captures(&self, subject: &str, at: usize, work: &mut u64) -> Result<Option<Groupings>, MatchError> {
        self.patiently(subject.len().saturating_sub(at), work, |regex| {
            let found = regex.captures_from_pos(subject, at)?;
            Ok(found.map(|found| {
                (0..found.len()).map(|place| found.get(place).map(|group| (group.start(), group.end()))).collect()
            }))
        })
    }

    /// Runs with few attempts, for which the caller has paid, and then with more, as long as `work` pays for them.
    fn patiently<T>(
        &self,
        length: usize,
        work: &mut u64,
        run: impl Fn(&fancy_regex::Regex) -> Result<T, fancy_regex::Error>,
    ) -> Result<T, MatchError> {
        if let Ok(found) = run(&self.few) {
            return Ok(found);
        }
        for (slot, attempts) in self.more.iter().zip(MORE) {
            *work = work.checked_sub(price(attempts, length)).ok_or(MatchError::TooMuchWork)?;
            let regex = slot.get_or_init(|| build(&self.text, attempts).ok()).as_ref();
            let regex = regex.ok_or(MatchError::Pattern(PatternErrorKind::TooLarge))?;
            if let Ok(found) = run(regex) {
                return Ok(found);
            }
        }
        Err(MatchError::Backtracking)
    }
}

/// What so many attempts cost: a unit each, and more on long texts, over which one attempt may run from end to end.
const fn price(attempts: usize, length: usize) -> u64 {
    attempts as u64 * (1 + length as u64 / 1024)
}

fn build(text: &str, attempts: usize) -> Result<fancy_regex::Regex, fancy_regex::Error> {
    fancy_regex::RegexBuilder::new(text)
        .backtrack_limit(attempts)
        .delegate_size_limit(SIZE_LIMIT)
        .delegate_dfa_size_limit(DFA_SIZE_LIMIT)
        .max_prog_size(MAX_PROGRAM)
        .build()
}

/// Attempts that the plain cost of a pattern pays for.
const FEW: usize = 1000;
/// Attempts that are paid for one after the other; behind the last the match fails.
const MORE: [usize; 2] = [10_000, 100_000];
/// Instructions of a program.
const MAX_PROGRAM: usize = 100_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claims::regex::emit::{Ending, emit};
    use crate::claims::regex::{Pattern, Replacement};

    fn enough(text: &str, attempts: usize, subject: &str) -> bool {
        build(text, attempts).unwrap().is_match(subject).is_ok()
    }

    /// A text that needs exactly so many attempts: their number grows with the square of the `a`s and by one for each `c`.
    fn subject(text: &str, wanted: usize) -> String {
        let squares = (wanted / 2).isqrt() - 1;
        let with = |c: usize| format!("{}{}!", "a".repeat(squares), "c".repeat(c));
        let (mut least, mut most) = (0, wanted);
        while least < most {
            let middle = usize::midpoint(least, most);
            if enough(text, middle, &with(0)) {
                most = middle;
            } else {
                least = middle + 1;
            }
        }
        let subject = with(wanted - least);
        assert!(enough(text, wanted, &subject) && !enough(text, wanted - 1, &subject));
        subject
    }

    #[test]
    fn attempts_are_bounded_and_paid_for_exactly() {
        let pattern = Pattern::unshared("(?:(?=(a+))a?)+z").unwrap();
        let text = emit(&pattern.node, Ending::Plain);
        for (wanted, more) in [(1000, 0), (1001, 10_000), (10_000, 10_000), (10_001, 110_000), (100_000, 110_000)] {
            let subject = subject(&text, wanted);
            assert!(subject.len() < 1024, "{}", subject.len());
            let price = pattern.cost(subject.len()) + more;
            let run = |mut work: u64| (pattern.is_match_within(&subject, &mut work), work);
            assert_eq!(run(price), (Ok(false), 0), "{wanted}");
            assert_eq!(run(price - 1).0, Err(MatchError::TooMuchWork), "{wanted}");
            let replacement = Replacement::parse("", &pattern);
            let replace = |mut work: u64| pattern.replace_all(&subject, &replacement, 1, &mut work);
            assert_eq!(replace(price), Ok(None), "{wanted}");
            assert_eq!(replace(price - 1), Err(MatchError::TooMuchWork), "{wanted}");
        }
        assert_eq!(pattern.is_match(&subject(&text, 100_000)), Ok(false));
        assert_eq!(pattern.is_match(&subject(&text, 100_001)), Err(MatchError::Backtracking));
    }

    #[test]
    fn attempts_on_long_texts_cost_more() {
        assert_eq!(
            [0, 1023, 1024, 16_384].map(|length| price(100_000, length)),
            [100_000, 100_000, 200_000, 1_700_000]
        );
    }
}
