//! One test per clause of evaluation (claims.md 1.5), and every budget hit exactly and by one.

use std::collections::HashMap;
use std::sync::Arc;

use super::support::{Table, claims, evaluate, issued, now, rules, show, with_store};
use crate::claims::store::{QueryContext, RequestStores, Rows, StoreError, StoreLimits, StoreSet};
use crate::claims::{
    Authorization, Claim, DenyReason, EvaluationErrorKind as Kind, Limits, NoTrace, RecordedTrace, RuleRef, authorize,
};

#[test]
fn rules_and_tuples() {
    let ab = &[("A", "1"), ("A", "2"), ("B", "3"), ("B", "4"), ("C", "5"), ("C", "6")];
    for (text, input, expected) in [
        // Cross product in order; one claim in two places.
        (
            "a:[Type == \"A\"] && b:[Type == \"B\"] && c:[Type == \"C\"] => issue(Type = \"x\", Value = a.Value + b.Value + c.Value);",
            &ab[..],
            "x=135 x=136 x=145 x=146 x=235 x=236 x=245 x=246",
        ),
        (
            "a:[Type == \"A\"] && b:[Type == \"A\"] => issue(Type = \"x\", Value = a.Value + b.Value);",
            ab,
            "x=11 x=12 x=21 x=22",
        ),
        // A rule never sees its own output; the next one does.
        ("a:[Type == \"A\"] => issue(Type = \"A\", Value = a.Value + \"+\");", ab, "A=1+ A=2+"),
        (
            "=> issue(Type = \"x\", Value = \"1\"); x:[Type == \"x\"] => issue(Type = \"y\", Value = x.Value);",
            &[],
            "x=1 y=1",
        ),
        // `add` shows to later rules only, and copying by it does nothing.
        ("=> add(Type = \"x\", Value = \"1\"); x:[Type == \"x\"] => issue(Type = \"y\", Value = x.Value);", &[], "y=1"),
        ("a:[Type == \"A\"] => add(claim = a); COUNT([Type == \"A\"]) == 2 => issue(Type = \"two\");", ab, "two="),
        // A copy joins the evaluation set once more.
        (
            "a:[Type == \"A\"] => issue(claim = a); COUNT([Type == \"A\"]) == 4 => issue(Type = \"four\");",
            ab,
            "A=1 A=2 four=",
        ),
        // No condition: once, even without claims; `[]` needs a claim.
        ("=> issue(Type = \"x\");", &[], "x="),
        ("c:[] => issue(Type = \"x\");", &[], ""),
        ("[] => issue(Type = \"x\", Value = \"same\");", ab, "x=same"),
        // Aggregates act once.
        ("EXISTS([Type == \"A\"]) => issue(Type = \"x\");", ab, "x="),
        ("NOT EXISTS([Type == \"A\"]) => issue(Type = \"x\");", ab, ""),
        (
            "NOT EXISTS([Type == \"Z\"]) && EXISTS([]) && COUNT([Type == \"A\"]) == 2 && COUNT([]) != 5 && COUNT([]) < 7 && COUNT([]) > 5 && COUNT([]) <= 6 && COUNT([]) >= 6 => issue(Type = \"x\");",
            ab,
            "x=",
        ),
        ("COUNT([]) >= 7 => issue(Type = \"x\");", ab, ""),
        // Earlier tags in later conditions.
        (
            "a:[Type == \"A\"] && b:[Type == \"B\", Value == a.Value + \"\"] => issue(claim = b);",
            &[("A", "1"), ("A", "2"), ("B", "2")],
            "B=2",
        ),
        (
            "a:[Type == \"A\"] && NOT EXISTS([Type == \"B\", Value == a.Value]) => issue(claim = a);",
            &[("A", "1"), ("A", "2"), ("B", "2")],
            "A=1",
        ),
        (
            "a:[Type == \"A\"] && COUNT([Type == \"B\", Value == a.Value]) == 1 => issue(claim = a);",
            &[("A", "1"), ("A", "2"), ("B", "2")],
            "A=2",
        ),
        ("a:[Type == \"A\"] && b:[Type == a.Value] => issue(claim = b);", &[("A", "B"), ("B", "2")], "B=2"),
        (
            "a:[Type == \"A\"] && b:[Value =~ a.Value, Type == \"B\"] => issue(claim = b);",
            &[("A", "^x+$"), ("B", "xx"), ("B", "y")],
            "B=xx",
        ),
        // Negative tests are about a claim that is there.
        ("a:[Type == \"A\", Value != \"1\"] => issue(claim = a);", ab, "A=2"),
        ("a:[Type == \"A\", Value !~ \"^1\"] => issue(claim = a);", ab, "A=2"),
        ("a:[Type != \"A\", Value !~ \"5|6\"] => issue(claim = a);", ab, "B=3 B=4"),
        ("a:[Type == \"A\", Type == \"B\"] => issue(claim = a);", ab, ""),
        ("a:[Type =~ \"^[AB]$\", Value == \"3\"] => issue(claim = a);", ab, "B=3"),
        // Ordinal and with case, whatever the property.
        ("a:[Type == \"a\"] => issue(claim = a);", ab, ""),
        ("a:[Issuer == \"ad authority\"] => issue(claim = a);", ab, ""),
        // A missing property is empty.
        (
            "a:[Type == \"A\", Properties[\"p\"] == \"\"] => issue(Type = \"x\", Value = a.Properties[\"p\"] + a.Value);",
            ab,
            "x=1 x=2",
        ),
        // Parameters of replacements may be computed.
        (
            "a:[Type == \"A\"] && b:[Type == \"B\"] => issue(Type = \"x\", Value = RegExReplace(b.Value, \"(.)\", \"<$1\" + a.Value + \">\"));",
            &[("A", "$1"), ("B", "7")],
            "x=<77>",
        ),
        (
            "a:[Type == \"A\"] && b:[Type == \"B\"] => issue(Type = \"x\", Value = RegExReplace(b.Value, a.Value, \"-\"));",
            &[("A", "[0-9]"), ("B", "a7b")],
            "x=a-b",
        ),
        // Exact duplicates leave once.
        ("=> issue(Type = \"x\"); => issue(Type = \"x\"); => issue(Type = \"x\", Value = \"1\");", &[], "x= x=1"),
        ("a:[Type == \"A\"] => issue(claim = a);", &[("A", "1"), ("A", "1")], "A=1"),
        ("COUNT([Type == \"A\"]) == 1 => issue(Type = \"one\");", &[("A", "1"), ("A", "1")], "one="),
    ] {
        assert_eq!(issued(text, input).join(" "), expected, "{text}");
    }
}

#[test]
fn copies_keep_everything_and_new_claims_are_local() {
    let mut claim = Claim::new("T", "v", "partner").with_property("p", "q").with_value_type("vt");
    claim.original_issuer = "origin".into();
    let input: crate::claims::ClaimSet = vec![claim.clone()].into();
    let output = evaluate(&rules("c:[] => issue(claim = c);"), &input, &Limits::default()).unwrap().output;
    assert_eq!(output.as_slice(), [claim]);
    let output = evaluate(&rules("c:[] => issue(Type = \"n\", ValueType = c.ValueType, Properties[\"r\"] = c.Properties[\"p\"], OriginalIssuer = c.OriginalIssuer);"), &input, &Limits::default()).unwrap().output;
    let made = &output.as_slice()[0];
    assert_eq!(
        (&*made.value, &*made.value_type, &*made.issuer, &*made.original_issuer),
        ("", "vt", "LOCAL AUTHORITY", "origin")
    );
    assert_eq!(made.properties.get("r").map(|value| &**value), Some("q"));
}

fn table(query: &str, params: &[&str], rows: Result<Rows, StoreError>) -> Arc<Table> {
    let params = params.iter().map(|param| (*param).to_owned()).collect();
    Arc::new(Table(HashMap::from([((query.to_owned(), params), rows)])))
}

fn row(cells: &[Option<&str>]) -> Vec<Option<crate::claims::Text>> {
    cells.iter().map(|cell| cell.map(Into::into)).collect()
}

#[test]
fn stores() {
    let text = "a:[Type == \"A\"] => issue(store = \"s\", types = (\"x\", \"y\"), query = \"q {0}\", param = a.Value + \"!\");";
    let input = &[("A", "{1}")];
    let rows = Rows(vec![row(&[Some("1"), None]), row(&[None, None]), row(&[Some("2"), Some("3")])]);
    let outcome = with_store(text, input, table("q {0}", &["{1}!"], Ok(rows)), &Limits::default()).unwrap();
    assert_eq!(show(&outcome.output).join(" "), "x=1 x=2 y=3");
    let outcome = with_store(text, input, table("q {0}", &["{1}!"], Ok(Rows::none())), &Limits::default()).unwrap();
    assert!(outcome.output.is_empty());

    let narrow = Rows(vec![row(&[Some("1")])]);
    let error = with_store(text, input, table("q {0}", &["{1}!"], Ok(narrow)), &Limits::default()).unwrap_err();
    assert!(
        matches!(&error.kind, Kind::Store { source, .. } if **source == StoreError::Columns { expected: 2, found: 1 })
    );
    let down = Err(StoreError::Unavailable { reason: "time-out".into() });
    let error = with_store(text, input, table("q {0}", &["{1}!"], down), &Limits::default()).unwrap_err();
    assert!(error.is_retryable());
    assert_eq!(error.policy_number(), Some("POLICY0018"));
    let unknown = text.replace("\"s\"", "\"t\"");
    let error = with_store(&unknown, input, table("", &[], Ok(Rows::none())), &Limits::default()).unwrap_err();
    assert_eq!(error.kind, Kind::UnknownStore { store: "t".into() });
}

#[test]
fn a_question_is_asked_once_and_only_so_often() {
    struct Counting(std::sync::atomic::AtomicUsize);
    #[async_trait::async_trait]
    impl crate::claims::AttributeStore for Counting {
        async fn query(
            &self,
            _: &QueryContext<'_>,
            _: &crate::claims::StoreQuery,
            params: &[crate::claims::Text],
        ) -> Result<Rows, StoreError> {
            self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            Ok(Rows(vec![vec![params.first().cloned()]; 3]))
        }
    }
    let counting = Arc::new(Counting(0.into()));
    let stores = StoreSet::new().with("S", counting.clone());
    let limits = StoreLimits { queries: 2, rows: 3, ..StoreLimits::default() };
    let request = RequestStores::with_limits(&stores, QueryContext::default(), limits);
    let text = rules(
        "a:[Type == \"A\"] && [Type == \"B\"] => issue(store = \"S\", types = (\"x\"), query = \"{0}\", param = a.Value);",
    );
    let run = |input: &[(&str, &str)]| now(text.evaluate(&claims(input), &request, &Limits::default(), &mut NoTrace));
    let outcome = run(&[("A", "1"), ("A", "2"), ("B", "1"), ("B", "2")]).unwrap();
    assert_eq!((outcome.store_calls, outcome.issued, outcome.output.len()), (4, 12, 2));
    assert_eq!(counting.0.load(std::sync::atomic::Ordering::Relaxed), 2);
    // The same request, a third question.
    assert_eq!(run(&[("A", "3"), ("B", "1")]).unwrap_err().kind, Kind::TooManyQueries { limit: 2 });
    let tight = StoreLimits { queries: 2, rows: 2, ..StoreLimits::default() };
    let tight = RequestStores::with_limits(&stores, QueryContext::default(), tight);
    let error =
        now(text.evaluate(&claims(&[("A", "1"), ("B", "1")]), &tight, &Limits::default(), &mut NoTrace)).unwrap_err();
    assert_eq!(error.kind, Kind::TooManyRows { store: "S".into(), limit: 2 });
    // Three rows of "12" are six octets.
    let of_octets = |octets| {
        let limits = StoreLimits { octets, ..StoreLimits::default() };
        let request = RequestStores::with_limits(&stores, QueryContext::default(), limits);
        now(text.evaluate(&claims(&[("A", "12"), ("B", "1")]), &request, &Limits::default(), &mut NoTrace))
    };
    assert_eq!(of_octets(6).map(|outcome| outcome.issued), Ok(3));
    let reason = String::from("the answer is larger than 5 octets");
    let Kind::Store { source, .. } = of_octets(5).unwrap_err().kind else { panic!("another failure") };
    assert_eq!(*source, StoreError::Failed { reason });
}

#[test]
fn budgets() {
    let four = claims(&[("A", "1"), ("A", "2"), ("B", "1"), ("B", "2")]);
    let square = rules("[Type == \"A\"] && b:[Type == \"B\"] => issue(Type = \"x\", Value = \"abcd\" + b.Value);");
    let with = |change: fn(&mut Limits)| {
        let mut limits = Limits::default();
        change(&mut limits);
        evaluate(&square, &four, &limits).map(|outcome| outcome.issued).map_err(|error| error.kind)
    };
    assert_eq!(with(|limits| limits.tuples = 4), Ok(4));
    assert_eq!(with(|limits| limits.tuples = 3), Err(Kind::TooManyTuples { limit: 3 }));
    assert_eq!(with(|limits| limits.claims = 8), Ok(4));
    assert_eq!(with(|limits| limits.claims = 7), Err(Kind::TooManyClaims { limit: 7 }));
    assert_eq!(with(|limits| limits.claims = 3), Err(Kind::TooManyClaims { limit: 3 }));
    assert_eq!(with(|limits| limits.text = 5), Ok(4));
    assert_eq!(with(|limits| limits.text = 4), Err(Kind::TextTooLong { limit: 4 }));
    assert_eq!(with(|limits| limits.work = 8), Ok(4));
    assert_eq!(with(|limits| limits.work = 7), Err(Kind::TooMuchWork { limit: 7 }));
    let dynamic = rules("a:[Type == \"A\"] && b:[Value =~ a.Value] => issue(claim = b);");
    // The input is counted before any rule, whether or not one acts.
    let idle = rules("[Type == \"none\"] => issue(Type = \"x\");");
    let of_claims = |rules, claims| evaluate(rules, &four, &Limits { claims, ..Limits::default() });
    assert_eq!(of_claims(&idle, 4).map(|outcome| outcome.issued), Ok(0));
    assert_eq!(of_claims(&idle, 3).unwrap_err().kind, Kind::TooManyClaims { limit: 3 });
    let of_work = |rules, work| {
        evaluate(rules, &four, &Limits { work, ..Limits::default() }).map(|outcome| outcome.issued).map_err(|e| e.kind)
    };
    // Two claims are looked at, a pattern is run on each for two units, and both are issued.
    let pattern = rules("a:[Type == \"A\", Value =~ \"^[0-9]+x?$\"] => issue(claim = a);");
    assert_eq!(of_work(&pattern, 8), Ok(2));
    assert_eq!(of_work(&pattern, 7), Err(Kind::TooMuchWork { limit: 7 }));
    // A pattern made from claims costs 5,000 for each of two times four claims, and four combinations come of it.
    assert_eq!(of_work(&dynamic, 40_026), Ok(4));
    assert_eq!(of_work(&dynamic, 40_025), Err(Kind::TooMuchWork { limit: 40_025 }));
    let off = Limits { dynamic_patterns: false, ..Limits::default() };
    assert_eq!(evaluate(&dynamic, &four, &off).unwrap_err().kind, Kind::DynamicPatternOff);
    let broken = claims(&[("A", "(")]);
    assert!(matches!(evaluate(&dynamic, &broken, &Limits::default()).unwrap_err().kind, Kind::DynamicPattern(_)));
    // A dependent cross product stops early instead of filling memory.
    let self_join =
        rules("a:[] && b:[Type == a.Type] && c:[Type == a.Type] && d:[Type == a.Type] => issue(claim = d);");
    let many: crate::claims::ClaimSet = (0..200).map(|n| Claim::new("T", n.to_string(), "AD AUTHORITY")).collect();
    let error = evaluate(&self_join, &many, &Limits::default()).unwrap_err();
    assert!(matches!(error.kind, Kind::TooManyTuples { .. } | Kind::TooMuchWork { .. }));
}

/// Rules that feed each other run once each.
#[test]
fn chains_of_rules_stay_linear() {
    let chain = (0..100)
        .map(|n| format!("a:[Type == \"t{n}\"] => issue(Type = \"t{}\", Value = a.Value);", n + 1))
        .collect::<Vec<_>>()
        .concat();
    let outcome =
        evaluate(&rules(&chain), &claims(&[("t0", "v")]), &Limits { work: 1000, ..Limits::default() }).unwrap();
    assert_eq!(outcome.output.len(), 100);
    let wide = format!("{} => issue(Type = \"x\");", vec!["EXISTS([Type == \"t0\"])"; 200].join(" && "));
    assert_eq!(
        evaluate(&rules(&wide), &claims(&[("t0", "v")]), &Limits { work: 1000, ..Limits::default() }).unwrap().issued,
        1
    );
}

#[test]
fn authorization() {
    let permit = "@RuleName = \"p\" => issue(Type = \"http://schemas.microsoft.com/authorization/claims/permit\", Value = \"false\");";
    let deny = "@RuleName = \"d\" EXISTS([Type == \"bad\"]) => issue(Type = \"http://schemas.microsoft.com/authorization/claims/deny\");";
    let run = |text: &str, input: &[(&str, &str)]| {
        let stores = StoreSet::new();
        let stores = RequestStores::new(&stores, QueryContext::default());
        now(authorize(&rules(text), &claims(input), &stores, &Limits::default(), &mut NoTrace)).unwrap()
    };
    let denied = |index| Authorization::Deny(DenyReason::Rule(RuleRef { index, name: Some("d".into()) }));
    assert_eq!(run(permit, &[]), Authorization::Permit);
    assert_eq!(run(&format!("{deny}{permit}"), &[("bad", "")]), denied(0));
    assert_eq!(run(&format!("{permit}{deny}"), &[("bad", "")]), denied(1));
    assert_eq!(run(&format!("{permit}{deny}"), &[]), Authorization::Permit);
    assert_eq!(run(deny, &[]), Authorization::Deny(DenyReason::NoPermit));
    assert_eq!(run("", &[]), Authorization::Deny(DenyReason::NoPermit));
    assert_eq!(run(&permit.replace("=>", "c:[] =>"), &[]), Authorization::Deny(DenyReason::NoPermit));
    // A permit claim that only came in counts for nothing.
    assert_eq!(
        run("", &[("http://schemas.microsoft.com/authorization/claims/permit", "true")]),
        Authorization::Deny(DenyReason::NoPermit)
    );
    assert_eq!(run(crate::claims::rules::PERMIT_EVERYONE, &[]), Authorization::Permit);
}

#[test]
fn the_trace_tells_why() {
    let text = "@RuleName = \"one\" a:[Type == \"A\"] && EXISTS([Type == \"B\"]) => issue(claim = a); a:[Type == \"A\"] => add(Type = \"x\", Value = a.Value);";
    let stores = StoreSet::new();
    let stores = RequestStores::new(&stores, QueryContext::default());
    let mut trace = RecordedTrace::default();
    now(rules(text).run(&claims(&[("A", "1"), ("A", "2")]), &stores, &Limits::default(), &mut trace)).unwrap();
    let [one, two] = trace.runs[0].rules.as_slice() else { panic!("{trace:?}") };
    let counts: Vec<(usize, usize)> =
        one.conditions.iter().map(|condition| (condition.matched, condition.tuples)).collect();
    assert_eq!((one.name.as_deref(), counts, one.tuples.len()), (Some("one"), vec![(2, 2), (0, 0)], 0));
    assert_eq!(&text[one.conditions[1].span.range()], "EXISTS([Type == \"B\"])");
    let made: Vec<&str> = two.tuples.iter().map(|tuple| &*tuple.made[0].claim.value).collect();
    assert_eq!((made, &*two.tuples[1].bound[0].value), (vec!["1", "2"], "2"));
}

#[test]
fn a_recording_is_bounded_and_keeps_what_stores_said() {
    let many: crate::claims::ClaimSet = (0..1001).map(|n| Claim::new("T", n.to_string(), "AD AUTHORITY")).collect();
    let stores = StoreSet::new();
    let stores = RequestStores::new(&stores, QueryContext::default());
    let mut trace = RecordedTrace::default();
    now(rules("c:[] => issue(claim = c);").run(&many, &stores, &Limits::default(), &mut trace)).unwrap();
    let run = &trace.runs[0];
    assert_eq!((run.rules[0].acted, run.rules[0].tuples.len(), run.made.len()), (1001, 1000, 1001));

    let text = "a:[Type == \"A\"] => issue(store = \"S\", types = (\"x\"), query = \"q {0}\", param = a.Value); a:[Type == \"A\"] && b:[Value == a.Value + \"!\"] => issue(claim = b);";
    let recorded = |answer| {
        let stores = StoreSet::new().with("S", table("q {0}", &["1"], answer));
        let stores = RequestStores::new(&stores, QueryContext::default());
        let mut trace = RecordedTrace::default();
        let input = claims(&[("A", "1"), ("A", "1"), ("B", "2")]);
        drop(now(rules(text).run(&input, &stores, &Limits::default(), &mut trace)));
        trace.runs.remove(0)
    };
    let run = recorded(Ok(Rows(vec![row(&[Some("r")])])));
    let query = run.rules[0].tuples[0].query.clone().unwrap();
    assert_eq!((query.answer.unwrap().0, query.remembered), (vec![row(&[Some("r")])], false));
    assert_eq!((run.queries.len(), &*run.queries[0].params[0]), (1, "1"));
    // What the second condition was asked about when it left nothing.
    let refused = &run.rules[1].conditions[1].refused;
    assert_eq!((refused.len(), &*refused[0][0].value), (1, "1"));
    let run = recorded(Err(StoreError::Unavailable { reason: "time-out".into() }));
    assert!(run.queries[0].answer.as_ref().unwrap_err().contains("time-out"));
    assert!(run.result.unwrap().is_err());
}
