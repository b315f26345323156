//! Claim rules: the language, the regular expressions, and rules that run under tight limits.

use std::sync::{Arc, LazyLock};

use chancery::claims::language::{ParseOptions, parse, print_rules};
use chancery::claims::regex::{MatchError, Pattern, Replacement};
use chancery::claims::store::StoreLimits;
use chancery::claims::{
    AttributeStore, Claim, ClaimSet, EvaluationError, Limits, NoTrace, Outcome, QueryContext, RecordedTrace,
    RequestStores, Rows, RuleSet, StoreError, StoreQuery, StoreSet, Text, TraceSink, types,
};

/// A rule set of an administrator: read, printed, read again to the same, and run.
pub fn claim_rules(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let rules = match parse(text, ParseOptions::default()) {
        Ok((rules, _)) => rules,
        Err(error) => return drop(error.to_string()),
    };
    let printed = print_rules(&rules);
    match parse(&printed, ParseOptions::default()) {
        Ok((again, _)) => assert_eq!(printed, print_rules(&again), "printing is not stable"),
        Err(error) => panic!("what was printed cannot be read: {error}\n{printed}"),
    }
    let Ok(rules) = RuleSet::parse(text) else { return };
    let limits = Limits { work: 100_000, ..Limits::default() };
    if let Err(error) = run(&rules, &CLAIMS, &StoreSet::new(), &limits, &mut NoTrace) {
        drop(error.to_string());
    }
}

/// A regular expression, a replacement text and a subject, one a line; the subject may have more lines.
///
/// What the front end accepts can be run, whichever of its ways to match is taken; the ways agree, and nothing grows
/// beyond its limit.
pub fn claim_regex(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let mut parts = text.splitn(3, '\n');
    let [pattern, replacement, subject] = [(); 3].map(|()| parts.next().unwrap_or_default());
    let pattern = match Pattern::unshared(pattern) {
        Ok(pattern) => pattern,
        Err(error) => {
            let place = error.offset.map_or(0, |offset| offset as usize);
            assert!(pattern.is_char_boundary(place), "{place} is no place in {pattern:?}");
            return drop((error.to_string(), error.help()));
        }
    };
    let found = match pattern.is_match(subject) {
        Ok(found) => Some(found),
        Err(MatchError::Backtracking | MatchError::SubjectTooLong { .. }) => None,
        Err(error) => panic!("{pattern:?} was accepted and cannot be run: {error}"),
    };
    let replacement = Replacement::parse(replacement, &pattern);
    let replaced = match pattern.replace_all(subject, &replacement, MOST_TEXT, &mut 100_000) {
        Ok(None) => false,
        Ok(Some(text)) => {
            assert!(text.len() <= MOST_TEXT);
            true
        }
        Err(MatchError::OutputTooLong { .. }) => true,
        Err(MatchError::Pattern(error)) => panic!("{pattern:?} was accepted and cannot be run: {error}"),
        Err(_) => return,
    };
    assert!(found.is_none_or(|found| found == replaced), "{pattern:?}: found {found:?}, replaced {replaced}");
}

/// Limits, rules and claims: a first line of five characters that choose the limits, rules up to a line `---`, then claims,
/// one a line, `type=value` or `type=value=issuer`.
///
/// A run keeps its limits; being watched, or having more room than it needs, changes nothing.
pub fn claim_evaluation(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let (choice, rest) = text.split_once('\n').unwrap_or(("", text));
    let limits = limits(choice.as_bytes());
    let (rules, lines) = rest.split_once("\n---\n").unwrap_or((rest, ""));
    let Ok(rules) = RuleSet::parse(rules) else { return };
    let claims: ClaimSet = lines.lines().take(64).map(claim).collect();

    let outcome = run(&rules, &claims, &ECHO, &limits, &mut NoTrace);
    let mut trace = RecordedTrace::default();
    assert_eq!(outcome, run(&rules, &claims, &ECHO, &limits, &mut trace), "a trace changes the outcome");
    match outcome {
        Ok(outcome) => {
            assert_eq!(outcome.output.len(), outcome.issued_by.len());
            assert!(outcome.added.len() + outcome.output.len() <= limits.claims);
            // A text is as long as one in the input, or was made by a rule.
            let longest = limits.text.max(input.len());
            assert!(outcome.output.iter().chain(outcome.added.iter()).all(|claim| claim.value.len() <= longest));
            let roomy = Limits { dynamic_patterns: limits.dynamic_patterns, ..Limits::default() };
            assert_eq!(Ok(outcome), run(&rules, &claims, &ECHO, &roomy, &mut NoTrace), "room changes the outcome");
        }
        Err(error) => drop((error.to_string(), error.is_retryable(), error.policy_number())),
    }
}

fn run(
    rules: &RuleSet,
    claims: &ClaimSet,
    stores: &StoreSet,
    limits: &Limits,
    trace: &mut dyn TraceSink,
) -> Result<Outcome, EvaluationError> {
    let bounds = StoreLimits { queries: 8, rows: 16, ..StoreLimits::default() };
    let stores = RequestStores::with_limits(stores, QueryContext::default(), bounds);
    now(rules.evaluate(claims, &stores, limits, trace))
}

/// Limits by one octet each: claims, tuples, work, text, and whether patterns may be made from claims.
fn limits(choice: &[u8]) -> Limits {
    let octet = |place: usize| choice.get(place).copied().unwrap_or_default();
    Limits {
        claims: 4 << (octet(0) % 8),
        tuples: 1 << (octet(1) % 10),
        work: 16 << (octet(2) % 12),
        text: 4 << (octet(3) % 10),
        dynamic_patterns: octet(4) % 2 == 1,
    }
}

fn claim(line: &str) -> Claim {
    let mut parts = line.splitn(3, '=');
    let [claim_type, value, issuer] = [(); 3].map(|()| parts.next());
    Claim::new(claim_type.unwrap_or_default(), value.unwrap_or_default(), issuer.unwrap_or(types::issuer::AD_AUTHORITY))
}

/// Answers with its parameters, a row each, and fails without any.
struct Echo;

#[async_trait::async_trait]
impl AttributeStore for Echo {
    async fn query(&self, _: &QueryContext<'_>, query: &StoreQuery, params: &[Text]) -> Result<Rows, StoreError> {
        if params.is_empty() {
            return Err(StoreError::Failed { reason: query.text().to_string() });
        }
        let row = |param: &Text| {
            let mut row = vec![None; query.columns()];
            row.iter_mut().step_by(2).for_each(|cell| *cell = Some(param.clone()));
            row
        };
        Ok(Rows(params.iter().map(row).collect()))
    }
}

/// The result of a future that never waits: no store here does.
fn now<F: Future>(future: F) -> F::Output {
    let mut future = std::pin::pin!(future);
    match future.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop())) {
        std::task::Poll::Ready(output) => output,
        std::task::Poll::Pending => panic!("the rules waited"),
    }
}

static ECHO: LazyLock<StoreSet> = LazyLock::new(|| StoreSet::new().with("Echo", Arc::new(Echo)));

static CLAIMS: LazyLock<ClaimSet> = LazyLock::new(|| {
    let claim = |claim_type: &str, value: &str| Claim::new(claim_type, value, types::issuer::AD_AUTHORITY);
    ClaimSet::from_iter([
        claim(types::WINDOWS_ACCOUNT_NAME, "CORP\\alice"),
        claim(types::PRIMARY_SID, "S-1-5-21-1004336348-1177238915-682003330-1107"),
        claim(types::UPN, "alice@corp.example"),
        claim(types::GROUP_SID, "S-1-5-21-1004336348-1177238915-682003330-513"),
        claim(types::GROUP_SID, "S-1-5-21-1004336348-1177238915-682003330-515"),
        claim(types::INSIDE_CORPORATE_NETWORK, "true"),
    ])
});

/// Longest text of a replacement, in octets.
const MOST_TEXT: usize = 4096;
