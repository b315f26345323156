//! What the parser accepts, refuses and says.

use proptest::prelude::*;

use crate::claims::language::{MAX_RULES, MAX_TEXT, RuleProblemKind as Kind, parse, print_rules};
use crate::claims::{ParseOptions, RuleProblem, RuleSet};

fn problems(text: &str) -> Vec<RuleProblem> {
    match RuleSet::parse(text) {
        Ok(_) => panic!("accepted: {text}"),
        Err(error) => error.problems().to_vec(),
    }
}

fn problem(text: &str) -> RuleProblem {
    problems(text).remove(0)
}

#[test]
fn every_alternative_in_every_spelling() {
    for text in [
        "",
        "\u{FEFF}=> issue(Type = \"t\");",
        "=>issue(type=\"t\",value=\"v\");",
        "@RuleName=\"n\"@RuleTemplate = \"t\" => ADD (TYPE = \"t\");",
        "C:[]=>Issue(CLAIM=c);",
        "[]&&c:[Type==\"t\"]=>issue(claim=C);",
        "c:[Type == \"t\", Value != \"v\", ValueType =~ \"x\", Issuer !~ \"y\", OriginalIssuer == \"o\", Properties[\"p\"] == \"\"] => issue(claim = c);",
        "exists([]) && not Exists([type == \"t\"]) && COUNT([])>=2 && count([]) < 3 && count([]) <= 3 && count([]) > 1 && count([]) == 2 && count([]) != 5 => issue(Type = \"t\");",
        "exists:[] && count:[] && not:[] => issue(claim = exists);",
        "type:[] => issue(Type = type.Type, Value = type.Value + \"x\" + REGEXREPLACE(type.Value, \"a\", \"b\" + \"c\"), Properties[\"p\"] = type.Properties[\"q\"]);",
        "a:[] && b:[Value == a.Value, Issuer != a.Issuer + \"x\"] => issue(claim = b);",
        "=> issue(store = \"S\", types = (\"a\", \"b\"), query = \"q {0} {1}\", param = \"x\", param = \"y\" + \"z\");",
        "=> issue(store = \"S\", types = (\"a\"), query = \"q\");",
        "\r\n=>\r\nissue\t(\rType\n=\"a 'b' \\ c\")\n;\n",
    ] {
        if let Err(error) = RuleSet::parse(text) {
            panic!("{text}\n{error}");
        }
    }
}

/// The messages AD FS documents: token, line, column (from 0) and number.
#[test]
fn documented_messages() {
    for (text, number, location, token, says) in [
        ("c1;[]=>Issue(claim=c1);", "POLICY0030", (1, 2), ";", "unexpected ';', expecting ':'"),
        ("c1:[]=>Issue(claim=c2);", "POLICY0011", (1, 19), "c2", "no condition"),
        ("c1:[type==\"x1\", value==\"1\", valuetype=bool\"]=>Issue(claim=c1);", "POLICY0030", (1, 37), "=", "'=='"),
        ("c1:[type==\"x1\", value==1, valuetype==\"bool\"]=>Issue(claim=c1);", "POLICY0030", (1, 23), "1", "a string"),
        ("c1:[]=>Issue(claim=c1)", "POLICY0030", (1, 22), "", "unexpected end of text, expecting ';'"),
        ("c1:[type==“x1”]=>Issue(claim=c1);", "POLICY0029", (1, 10), "“x1”", "unexpected input"),
    ] {
        let problem = problem(text);
        let message = problem.policy_message(text);
        assert_eq!(problem.policy_number(), Some(number), "{text}");
        assert_eq!((problem.location.line, problem.location.column - 1), location, "{text}");
        assert_eq!(&text[problem.span.range()], token, "{text}");
        assert!(message.contains(says) && message.contains("POLICY0002"), "{message}");
    }
}

/// Text, what is wrong with it, and what the help says.
type Refused = (&'static str, fn(&Kind) -> bool, &'static str);

#[test]
fn refusals() {
    let refused: &[Refused] = &[
        ("c:[] && C:[] => issue(claim = c);", |kind| matches!(kind, Kind::DuplicateTag { .. }), "case"),
        (
            "c:[] => issue(Type = d.Value);",
            |kind| matches!(kind, Kind::UnknownTag { in_copy: false, .. }),
            "tags of this rule are: c",
        ),
        (
            "[] => issue(claim = c);",
            |kind| matches!(kind, Kind::UnknownTag { in_copy: true, .. }),
            "bind the claim to a tag",
        ),
        ("c:[Value == c.Type] => issue(claim = c);", |kind| matches!(kind, Kind::UnboundTag { .. }), "earlier"),
        (
            "a:[Value == b.Value] && b:[] => issue(claim = a);",
            |kind| matches!(kind, Kind::UnboundTag { .. }),
            "earlier",
        ),
        ("EXISTS([Value == b.Value]) && b:[] => issue(claim = b);", |kind| matches!(kind, Kind::UnboundTag { .. }), ""),
        ("c:EXISTS([]) => issue(Type = \"t\");", |kind| *kind == Kind::AggregateTag, "remove the tag"),
        ("=> issue(Value = \"v\");", |kind| *kind == Kind::MissingType, "add Type"),
        ("=> issue(Type = \"a\", TYPE = \"b\");", |kind| matches!(kind, Kind::DuplicateProperty { .. }), ""),
        ("=> issue(Type = Length(\"a\"));", |kind| matches!(kind, Kind::UnknownFunction { .. }), "RegExReplace"),
        ("=> issue(Type = RegExReplace(\"a\", \"b\"));", |kind| matches!(kind, Kind::ArgumentCount { found: 2 }), ""),
        (
            "=> issue(store = \"S\", types = (\"t\"), query = \"{1}\", param = \"x\");",
            |kind| matches!(kind, Kind::MissingParameter { index: 1, params: 1 }),
            "{0}",
        ),
        (
            "=> issue(store = \"Active Directory\", types = (\"t\"), query = \"mail\", param = \"x\");",
            |kind| matches!(kind, Kind::Query { .. }),
            "filter;",
        ),
        (
            "=> issue(store = \"S\", query = \"q\", types = (\"t\"));",
            |kind| matches!(kind, Kind::Unexpected { .. }),
            "order",
        ),
        ("c:[Value =~ \"(?[^\\\\]+)\"] => issue(claim = c);", |kind| matches!(kind, Kind::Pattern(_)), "web page"),
        ("=> issue(Type = RegExReplace(\"a\", \"(\", \"\"));", |kind| matches!(kind, Kind::Pattern(_)), ""),
        ("c:[Type = \"t\"] => issue(claim = c);", |kind| matches!(kind, Kind::Unexpected { .. }), "single ="),
        ("=> issue(Type == \"t\");", |kind| matches!(kind, Kind::Unexpected { .. }), "single ="),
        (
            "c:[Type == \"t\" Value == \"v\"] => issue(claim = c);",
            |kind| matches!(kind, Kind::Unexpected { .. }),
            "comma missing",
        ),
        ("c:[Type == \"t\",] => issue(claim = c);", |kind| matches!(kind, Kind::Unexpected { .. }), "remove the comma"),
        ("a:[] b:[] => issue(claim = a);", |kind| matches!(kind, Kind::Unexpected { .. }), "&&"),
        ("a:[] & b:[] => issue(claim = a);", |kind| matches!(kind, Kind::Input { .. }), "&&"),
        ("c:[] =&gt; issue(claim = c);", |kind| matches!(kind, Kind::Unexpected { .. } | Kind::Input { .. }), ""),
        ("c:[]\u{A0}=> issue(claim = c);", |kind| matches!(kind, Kind::Input { .. }), "invisible"),
        ("c:[Value =~ \"a\nb\"] => issue(claim = c);", |kind| *kind == Kind::OpenString, "wrapped"),
        ("c:[Value =~ \"a", |kind| *kind == Kind::OpenString, "missing"),
        ("// hello\n=> issue(Type = \"t\");", |kind| *kind == Kind::Comment, "RuleName"),
        ("c:[] || d:[] => issue(claim = c);", |kind| matches!(kind, Kind::Input { .. }), "two rules"),
        ("c:[Type == 't'] => issue(claim = c);", |kind| matches!(kind, Kind::Input { .. }), "double quotes"),
        ("=> issue(Type = \"t\") => issue(Type = \"t\");", |kind| matches!(kind, Kind::Unexpected { .. }), ""),
    ];
    for (text, is, help) in refused {
        let problem = problem(text);
        assert!(is(&problem.kind), "{text}: {problem}");
        assert!(problem.help.as_deref().unwrap_or_default().contains(help), "{text}: {:?}", problem.help);
    }
}

#[test]
fn a_refused_pattern_is_shown_in_its_place() {
    let text = "c:[Value =~ \"ab(?c)\"] => issue(claim = c);";
    let problem = problem(text);
    assert_eq!(&text[problem.span.range()], "(?c)");
}

#[test]
fn every_problem_is_reported_up_to_twenty() {
    assert_eq!(problems("x;\n=> issue(Type = \"t\");\ny;\n=> issue(Value = \"v\");").len(), 3);
    assert_eq!(problems(&"x;".repeat(100)).len(), 20);
    let error = RuleSet::parse("x;").unwrap_err().named("trust.toml");
    let report = format!("{:?}", miette::Report::new(error));
    assert!(report.contains("trust.toml") && report.contains("POLICY0030"), "{report}");
}

#[test]
fn limits() {
    let rule = "=> issue(Type = \"t\");";
    assert!(RuleSet::parse(&rule.repeat(MAX_RULES)).is_ok());
    assert_eq!(problem(&rule.repeat(MAX_RULES + 1)).kind, Kind::TooManyRules { limit: MAX_RULES });
    let padded = format!("{rule}{}", " ".repeat(MAX_TEXT - rule.len()));
    assert!(RuleSet::parse(&padded).is_ok());
    assert_eq!(problem(&format!("{padded} ")).kind, Kind::TooLong { length: MAX_TEXT + 1, limit: MAX_TEXT });
    let nested = |depth: usize| {
        format!("=> issue(Type = {}\"\"{});", "RegExReplace(".repeat(depth), ",\"a\",\"b\")".repeat(depth))
    };
    assert!(RuleSet::parse(&nested(32)).is_ok());
    assert_eq!(problem(&nested(33)).kind, Kind::TooDeep { limit: 32 });
    assert!(!problems(&nested(20_000)).is_empty());
    let many = |count: usize| format!("{} => issue(Type = \"t\");", vec!["[]"; count].join(" && "));
    assert!(RuleSet::parse(&many(1000)).is_ok());
    assert!(matches!(problem(&many(1001)).kind, Kind::TooMany { limit: 1000, .. }));
}

#[test]
fn liberties_are_taken_only_when_asked_for() {
    let options = ParseOptions { comments: true, lenient: true };
    let text = "// a\n=> /* b */ issue(Type = \"t\")\n@RuleName = \"n\" => issue(Type = \"u\")";
    let rules = RuleSet::parse_with(text, options).unwrap();
    assert_eq!((rules.len(), rules.warnings().len()), (2, 2));
    assert!(RuleSet::parse(text).is_err());
    assert!(RuleSet::parse_with("/* open", options).is_err());
}

#[test]
fn warnings() {
    for (text, says) in [
        ("@Owner = \"x\" => issue(Type = \"t\");", "Owner"),
        ("=> issue(store = \"S \", types = (\"t\"), query = \"q\");", "blanks"),
        (
            "=> issue(store = \"active directory\", types = (\"t\"), query = \";a,b;{0}\", param = \"x\");",
            "2 attributes",
        ),
        ("c:[] => add(claim = c);", "no effect"),
        ("c:[] && d:[Value =~ c.Value] => issue(claim = d);", "made from claims"),
    ] {
        let rules = RuleSet::parse(text).unwrap();
        assert!(rules.warnings()[0].to_string().contains(says), "{text}: {:?}", rules.warnings());
    }
    assert!(
        RuleSet::parse("c:[Type == \"https://aws.amazon.com/x\"] => issue(claim = c);").unwrap().warnings().is_empty()
    );
}

const WORDS: [&str; 34] = [
    "c",
    ":",
    "[",
    "]",
    "=>",
    "issue",
    "add",
    "(",
    ")",
    ";",
    "claim",
    "=",
    "Type",
    "==",
    "\"t\"",
    ",",
    "Value",
    "=~",
    "&&",
    "EXISTS",
    "NOT",
    "COUNT",
    ">",
    "1",
    "+",
    ".",
    "RegExReplace",
    "store",
    "types",
    "query",
    "param",
    "@",
    "Properties",
    "\"(?i)^a{2}$\"",
];

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,200}") {
        let _ = RuleSet::parse(&text);
    }

    #[test]
    fn any_sequence_of_words_is_read_or_refused_and_printing_keeps_it(words in prop::collection::vec(prop::sample::select(&WORDS[..]), 0..40)) {
        let text = words.join(" ");
        if let Ok((rules, _)) = parse(&text, ParseOptions::default()) {
            let printed = print_rules(&rules);
            let (again, _) = parse(&printed, ParseOptions::default()).unwrap();
            prop_assert_eq!(print_rules(&again), printed);
        }
    }

    #[test]
    fn damaged_rules_are_read_or_refused(cut in 0_usize..2000, put in "[\"\\[\\](){};,@=&\u{A0}“]{0,3}") {
        let text = crate::claims::rules::HYBRID_JOIN;
        let cut = (0..=cut.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        let _ = RuleSet::parse(&text[..cut]);
        let _ = RuleSet::parse(&format!("{}{put}{}", &text[..cut], &text[cut..]));
    }
}
