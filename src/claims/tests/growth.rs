//! How the work of a run grows, counted in units of work and not in time; and what ends a run that grows without end.

use super::support::{claims, evaluate, rules};
use crate::claims::{Claim, ClaimSet, EvaluationErrorKind as Kind, Limits, RuleSet};

/// The least work that `rules` can do on `input`: with one unit less they fail.
fn work(rules: &RuleSet, input: &ClaimSet) -> u64 {
    let enough = |work| match evaluate(rules, input, &Limits { work, ..Limits::default() }) {
        Ok(_) => true,
        Err(error) => {
            assert_eq!(error.kind, Kind::TooMuchWork { limit: work });
            false
        }
    };
    let (mut least, mut most) = (0, 1_u64 << 21);
    assert!(enough(most));
    while least < most {
        let middle = u64::midpoint(least, most);
        if enough(middle) {
            most = middle;
        } else {
            least = middle + 1;
        }
    }
    least
}

/// Work for 1, 2, 4 and 8 times `size`: each doubling must cost the same for each unit added.
fn assert_linear(what: &str, size: usize, run: impl Fn(usize) -> u64) {
    let [one, two, four, eight] = [1, 2, 4, 8].map(|times| run(size * times));
    assert!(one > 0, "{what}");
    assert_eq!((four - two, eight - four), (2 * (two - one), 4 * (two - one)), "{what}: {one} {two} {four} {eight}");
}

fn groups(number: usize) -> ClaimSet {
    (0..number).map(|n| Claim::new("group", format!("S-1-5-21-1-2-3-{n}"), "AD AUTHORITY")).collect()
}

#[test]
fn rules_that_feed_each_other_cost_each_the_same() {
    let start = claims(&[("t0", "v")]);
    assert_linear("chain", 25, |length| {
        let rule = |n| format!("a:[Type == \"t{n}\"] => issue(Type = \"t{}\", Value = a.Value);", n + 1);
        let chain: String = (0..length).map(rule).collect();
        assert_eq!(evaluate(&rules(&chain), &start, &Limits::default()).unwrap().output.len(), length);
        work(&rules(&chain), &start)
    });
}

#[test]
fn conditions_cost_each_the_same() {
    let input = claims(&[("t", "v")]);
    for condition in
        ["EXISTS([Type == \"t\"])", "NOT EXISTS([Type == \"u\"])", "COUNT([Type == \"t\"]) == 1", "[Type == \"t\"]"]
    {
        let set = |number| rules(&format!("{} => issue(Type = \"x\");", vec![condition; number].join(" && ")));
        assert_eq!(evaluate(&set(200), &input, &Limits::default()).unwrap().issued, 1, "{condition}");
        if condition.starts_with("NOT") {
            // Nothing has the type, so nothing is looked at; the unit is the claim made.
            assert_eq!(work(&set(200), &input), 1);
            continue;
        }
        assert_linear(condition, 25, |number| work(&set(number), &input));
    }
    let tagged = |number: usize| {
        let conditions: Vec<String> = (0..number).map(|n| format!("c{n}:[Type == \"t\"]")).collect();
        rules(&format!("{} => issue(claim = c0);", conditions.join(" && ")))
    };
    assert_linear("tagged selectors", 25, |number| work(&tagged(number), &input));
}

#[test]
fn a_test_of_groups_costs_as_much_as_there_are_groups() {
    let rule = rules("EXISTS([Type == \"group\", Value == \"none of them\"]) => issue(Type = \"x\");");
    // One that matches nothing looks at every group, and at no claim of another type.
    assert_linear("groups", 100, |number| work(&rule, &groups(number)));
    let mut with_others = groups(100);
    with_others.extend((0..1000).map(|n| Claim::new("other", n.to_string(), "AD AUTHORITY")));
    assert_eq!(work(&rule, &with_others), work(&rule, &groups(100)));
    assert_linear("rules over the same groups", 10, |number| {
        let filter = |n| {
            format!(
                "c:[Type == \"group\", Value == \"S-1-5-21-1-2-3-{n}\"] => issue(Type = \"role\", Value = c.Value);"
            )
        };
        work(&rules(&(0..number).map(filter).collect::<String>()), &groups(200))
    });
}

/// Selectors that use no tag are looked up once, not once for each combination.
#[test]
fn independent_selectors_are_not_looked_up_for_each_combination() {
    let rule = rules("[Type == \"group\"] && EXISTS([Type == \"group\", Value == \"none\"]) => issue(Type = \"x\");");
    assert_eq!(work(&rule, &groups(200)), 400);
}

#[test]
fn a_cross_product_is_refused_before_it_is_made() {
    let product = rules("a:[Type == \"group\"] && b:[Type == \"group\"] && c:[Type == \"group\"] => issue(claim = a);");
    // 200 × 200 are within the bound and made, 200 × 200 × 200 are not; finding that out costs three looks at 200 claims.
    let error = evaluate(&product, &groups(200), &Limits { work: 40_600, ..Limits::default() }).unwrap_err();
    assert_eq!(error.kind, Kind::TooManyTuples { limit: 50_000 });
    assert_eq!(
        error.to_string(),
        "claim rule 1: the conditions match more than 50000 combinations of claims; join fewer selectors or use EXISTS"
    );
    // Tests that use tags are made for each combination, so work ends them as well.
    let dependent = rules("a:[] && b:[Issuer == a.Issuer] && c:[Value == a.Value + \"x\"] => issue(claim = c);");
    let error = evaluate(&dependent, &groups(200), &Limits::default()).unwrap_err();
    assert_eq!(error.kind, Kind::TooMuchWork { limit: 2_000_000 });
    assert_eq!(error.to_string(), "claim rule 1: the rules need more than 2000000 steps on these claims");
}

/// Each condition more copies all combinations: within their bound, and paid for.
#[test]
fn many_conditions_over_many_combinations_are_work() {
    let joined = |conditions: usize| {
        let one = |number| format!(" && c{number}:[Value == \"S-1-5-21-1-2-3-7\"]");
        let one: Vec<String> = (0..conditions).map(one).collect();
        let one = one.concat();
        rules(&format!("a:[Type == \"group\"] && b:[Type == \"group\"]{one} => add(claim = a);"))
    };
    let error = evaluate(&joined(100), &groups(200), &Limits::default()).unwrap_err();
    assert_eq!(error.kind, Kind::TooMuchWork { limit: 2_000_000 });
    let few = evaluate(&joined(10), &groups(200), &Limits::default());
    assert!(few.is_ok(), "{:?}", few.err());
}

#[test]
fn rules_that_feed_themselves_end() {
    // Each rule runs once, over what was there before it: this one doubles the claims each time.
    let rule = "@RuleName = \"again\" a:[Type == \"A\"] => issue(Type = \"A\", Value = a.Value + \"1\");";
    let input = claims(&[("A", "")]);
    let doubled = evaluate(&rules(&rule.repeat(4)), &input, &Limits::default()).unwrap();
    assert_eq!((doubled.issued, doubled.output.len()), (15, 4));
    let error = evaluate(&rules(&rule.repeat(40)), &input, &Limits::default()).unwrap_err();
    assert_eq!(error.kind, Kind::TooManyClaims { limit: 10_000 });
    assert_eq!(error.to_string(), "claim rule 14 \"again\": more than 10000 claims");
    // Texts that grow are ended by their length.
    let longer = "a:[Type == \"A\"] && COUNT([Type == \"B\"]) == 0 => add(Type = \"C\", Value = a.Value + a.Value);";
    let text = |octets| evaluate(&rules(longer), &claims(&[("A", &"x".repeat(octets))]), &Limits::default());
    assert!(text(32 * 1024).is_ok());
    let error = text(32 * 1024 + 1).unwrap_err();
    assert_eq!(error.to_string(), "claim rule 1: a text made by the rule is longer than 65536 octets");
}

/// Values that make a pattern try again and again are paid for by the attempts, so a hostile rule or claim ends soon.
#[test]
fn attempts_of_patterns_are_work() {
    let rule = rules("c:[Type == \"t\", Value =~ \"(?:(?=(a+))a?)+z\"] => issue(claim = c);");
    let hostile = format!("{}!", "a".repeat(200));
    let input = |number: usize| -> ClaimSet {
        (0..number).map(|n| Claim::new("t", format!("{hostile}{n}"), "AD AUTHORITY")).collect()
    };
    // 80,000 attempts each: the programs of 1,000, of 10,000 and of 100,000 are paid for.
    assert!(work(&rule, &input(1)) > 110_000);
    let error = evaluate(&rule, &input(20), &Limits::default()).unwrap_err();
    assert_eq!(error.kind, Kind::TooMuchWork { limit: 2_000_000 });
}
