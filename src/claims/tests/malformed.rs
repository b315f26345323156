//! Damaged rules, and what is said about them: to be read as an administrator would.

use std::fmt::Write as _;
use std::time::Duration;

use crate::claims::language::{EncodingError, MAX_TEXT, decode};
use crate::claims::lint::{self, LintContext};
use crate::claims::rules::HYBRID_JOIN;
use crate::claims::{ParseOptions, RuleSet};
use crate::clock::{Clock as _, SystemClock};

const DAMAGED: &[(&str, &str)] = &[
    // What copying from web pages, mails and scripts does.
    ("arrow as HTML", r#"c:[Type == "t"] =&gt; issue(claim = c);"#),
    ("ampersands as HTML", "c:[] &amp;&amp; d:[] => issue(claim = c);"),
    ("quotation marks as HTML", "c:[Type == &quot;t&quot;] => issue(claim = c);"),
    ("blank as HTML", r#"c:[Type == "t"]&nbsp;=> issue(claim = c);"#),
    ("curly quotation marks", "c:[Type == “t”] => issue(claim = c);"),
    ("one curly quotation mark", "c:[Type == \"t”] => issue(claim = c);"),
    ("primes", "c:[Type == ″t″] => issue(claim = c);"),
    ("single quotation marks", "c:[Type == 't'] => issue(claim = c);"),
    ("non-breaking blank", "c:[Type\u{A0}== \"t\"] => issue(claim = c);"),
    ("zero-width blank", "c:[]\u{200B} => issue(claim = c);"),
    ("arrow as a character", "c:[] ⇒ issue(claim = c);"),
    ("arrow with a dash", "c:[] –> issue(claim = c);"),
    ("arrow with a blank", "c:[] = > issue(claim = c);"),
    ("lost group name", r#"c:[Value =~ "^(?[^\\]+)\\(?.+)$"] => issue(claim = c);"#),
    (
        "wrapped string",
        "c:[Type == \"http://schemas.microsoft.com/ws/2008/06/\nidentity/claims/groupsid\"] => issue(claim = c);\nx;",
    ),
    ("missing quotation mark", "c:[Type == \"t] => issue(claim = c);\nd:[Type == \"u\"] => issue(claim = d);"),
    ("PowerShell here-string", "@'\nc:[] => issue(claim = c);\n'@"),
    ("PowerShell variable", "c:[Type == $type] => issue(claim = c);"),
    ("PowerShell escape", "c:[Type == `\"t`\"] => issue(claim = c);"),
    ("XML around it", "<Rule>c:[] => issue(claim = c);</Rule>"),
    ("a list marker", "1. c:[] => issue(claim = c);"),
    ("line numbers", "1 c:[] => issue(claim = c);"),
    ("a hash comment", "# pass all\nc:[] => issue(claim = c);"),
    ("a comment", "// pass all\nc:[] => issue(claim = c);"),
    ("a comment that stays open", "/* pass all\nc:[] => issue(claim = c);"),
    // Missing and superfluous signs.
    ("nothing but a name", "c"),
    ("missing colon", "c1;[]=>Issue(claim=c1);"),
    ("missing colon, bracket", "c[Type == \"t\"] => issue(claim = c);"),
    ("missing opening bracket", "c:Type == \"t\"] => issue(claim = c);"),
    ("missing closing bracket", "c:[Type == \"t\" => issue(claim = c);"),
    ("missing comma between tests", "c:[Type == \"t\" Value == \"v\"] => issue(claim = c);"),
    ("missing comma between assignments", "=> issue(Type = \"t\" Value = \"v\");"),
    ("missing comma between types", "=> issue(store = \"S\", types = (\"a\" \"b\"), query = \"q\");"),
    ("comma too many", "c:[Type == \"t\",] => issue(claim = c);"),
    ("comma too many in an action", "=> issue(Type = \"t\",);"),
    ("semicolon in place of a comma", "c:[Type == \"t\"; Value == \"v\"] => issue(claim = c);"),
    ("missing arrow", "c:[] issue(claim = c);"),
    ("arrow twice", "c:[] => => issue(claim = c);"),
    ("missing closing parenthesis", "c:[] => issue(claim = c;"),
    ("missing semicolon at the end", "c:[] => issue(claim = c)"),
    ("missing semicolon before a rule", "c:[] => issue(claim = c)\nd:[] => issue(claim = d);"),
    (
        "missing semicolon before an annotation",
        "c:[] => issue(claim = c)\n@RuleName = \"n\"\nd:[] => issue(claim = d);",
    ),
    ("missing && between conditions", "c:[] d:[] => issue(claim = c);"),
    ("and in words", "c:[] AND d:[] => issue(claim = c);"),
    ("one ampersand", "c:[] & d:[] => issue(claim = c);"),
    ("or", "c:[] || d:[] => issue(claim = c);"),
    ("or in words", "c:[] or d:[] => issue(claim = c);"),
    ("comma between conditions", "c:[], d:[] => issue(claim = c);"),
    ("exclamation mark", "!EXISTS([]) => issue(Type = \"t\");"),
    // Operators.
    ("assignment in a test", "c:[Type = \"t\"] => issue(claim = c);"),
    ("assignment in a pattern test", "c:[Value = \"^a\"] => issue(claim = c);"),
    ("tilde alone", "c:[Value ~ \"^a\"] => issue(claim = c);"),
    ("tilde before", "c:[Value ~= \"^a\"] => issue(claim = c);"),
    ("three equals signs", "c:[Value === \"a\"] => issue(claim = c);"),
    ("SQL inequality", "c:[Value <> \"a\"] => issue(claim = c);"),
    ("order of values", "c:[Value >= \"5\"] => issue(claim = c);"),
    ("comparison in an action", "=> issue(Type == \"t\");"),
    ("COUNT without a comparison", "COUNT([]) => issue(Type = \"t\");"),
    ("COUNT with a text", "COUNT([]) > \"2\" => issue(Type = \"t\");"),
    ("COUNT with a negative number", "COUNT([]) > -1 => issue(Type = \"t\");"),
    ("NOT without EXISTS", "NOT c:[] => issue(claim = c);"),
    ("NOT before COUNT", "NOT COUNT([]) > 1 => issue(Type = \"t\");"),
    ("EXISTS without parentheses", "EXISTS [Type == \"t\"] => issue(Type = \"t\");"),
    ("EXISTS without brackets", "EXISTS(Type == \"t\") => issue(Type = \"t\");"),
    ("EXISTS with a tag inside", "EXISTS(c:[Type == \"t\"]) => issue(Type = \"t\");"),
    ("EXISTS with a tag", "c:EXISTS([Type == \"t\"]) => issue(claim = c);"),
    // Values and names.
    ("number without quotation marks", "c1:[type==\"x1\", value==1]=>Issue(claim=c1);"),
    ("word without quotation marks", "c:[Value == true] => issue(claim = c);"),
    ("word without quotation marks in an action", "=> issue(Type = \"t\", Value = true);"),
    ("misspelt property", "c:[Typ == \"t\"] => issue(claim = c);"),
    ("misspelt verb", "c:[] => isue(claim = c);"),
    ("unknown verb", "c:[] => remove(claim = c);"),
    ("unknown function", "c:[] => issue(Type = \"t\", Value = ToLower(c.Value));"),
    ("too few arguments", "c:[] => issue(Type = \"t\", Value = RegExReplace(c.Value, \"a\"));"),
    ("property without a name", "c:[Properties == \"x\"] => issue(claim = c);"),
    ("property with a bare name", "c:[Properties[format] == \"x\"] => issue(claim = c);"),
    ("annotation without a value", "@RuleName\nc:[] => issue(claim = c);"),
    ("annotation with a bare value", "@RuleName = Pass\nc:[] => issue(claim = c);"),
    // What the parts mean together.
    ("copy of an unknown tag", "c1:[]=>Issue(claim=c2);"),
    ("copy without a tag", "[Type == \"t\"] => issue(claim = c);"),
    ("copy of an aggregate", "EXISTS([Type == \"t\"]) => issue(claim = c);"),
    ("copy with a change", "c:[] => issue(claim = c, Value = \"x\");"),
    ("value of an unknown tag", "c:[] => issue(Type = \"t\", Value = d.Value);"),
    ("tag of its own", "c:[Value == c.Type] => issue(claim = c);"),
    ("tag of a later condition", "a:[Value == b.Value] && b:[] => issue(claim = a);"),
    ("tag twice", "c:[] && C:[] => issue(claim = c);"),
    ("claim without a type", "=> issue(Value = \"v\");"),
    ("property twice", "=> issue(Type = \"a\", Type = \"b\");"),
    ("store parts in another order", "=> issue(store = \"S\", query = \"q\", types = (\"t\"));"),
    ("store without types", "=> issue(store = \"S\", query = \"q\");"),
    ("types without parentheses", "=> issue(store = \"S\", types = \"t\", query = \"q\");"),
    ("query of several parts", "=> issue(store = \"S\", types = (\"t\"), query = \"a\" + \"b\");"),
    ("params in place of param", "=> issue(store = \"S\", types = (\"t\"), query = \"{0}\", params = \"x\");"),
    (
        "placeholder without a parameter",
        "=> issue(store = \"S\", types = (\"t\"), query = \"{0} {1}\", param = \"x\");",
    ),
    (
        "query without parts",
        "c:[] => issue(store = \"Active Directory\", types = (\"t\"), query = \"mail\", param = c.Value);",
    ),
    // Regular expressions.
    ("open group", r#"c:[Value =~ "^(a|b$"] => issue(claim = c);"#),
    ("asterisk as a wildcard", r#"c:[Value =~ "*@corp.example"] => issue(claim = c);"#),
    ("POSIX class", r#"c:[Value =~ "^[[:alpha:]]+$"] => issue(claim = c);"#),
    ("possessive quantifier", r#"c:[Value =~ "^a++$"] => issue(claim = c);"#),
    ("Python group", r#"c:[Value =~ "^(?P<n>a)$"] => issue(claim = c);"#),
    ("unknown escape", r#"c:[Value =~ "^CORP\yellow$"] => issue(claim = c);"#),
    ("reversed range", r#"c:[Value =~ "[z-a]"] => issue(claim = c);"#),
    ("balancing group", r#"c:[Value =~ "^(?<a-b>x)$"] => issue(claim = c);"#),
    // More than one at once.
    (
        "three rules, two of them wrong",
        "c:[Typ == \"t\"] => issue(claim = c);\n=> issue(Type = \"t\");\nc:[Value =~ \"(\"] => issue(claim = c);",
    ),
];

#[test]
fn what_is_said_about_damaged_rules() {
    let mut all = String::new();
    for (name, text) in DAMAGED {
        let Err(error) = RuleSet::parse(text) else { panic!("accepted: {name}") };
        let _ = writeln!(all, "--- {name}\n{text}");
        for problem in error.problems() {
            let marked = text.get(problem.span.range()).unwrap();
            let policy = problem.policy_number().map_or_else(String::new, |number| format!(" ({number})"));
            let _ = writeln!(
                all,
                "  {}:{} {marked:?} {}{policy}: {}",
                problem.location.line,
                problem.location.column,
                problem.kind.code(),
                problem.kind
            );
            if let Some(help) = &problem.help {
                let _ = writeln!(all, "    help: {help}");
            }
        }
    }
    insta::assert_snapshot!(all);
}

/// Cut anywhere, a rule set is refused at a place within it, or is a shorter rule set.
#[test]
fn rules_cut_at_every_octet() {
    let whole = format!(
        "{HYBRID_JOIN}@RuleName = \"Größe\"\n=> issue(Type = \"ü\", Value = RegExReplace(\"a\", \"b\", \"c\"));\n"
    );
    let mut refused = 0;
    for cut in 0..whole.len() {
        let Ok(text) = decode(&whole.as_bytes()[..cut]) else { continue };
        match RuleSet::parse(text) {
            Ok(rules) => assert_eq!(rules.len(), text.matches(");").count()),
            Err(error) => {
                refused += 1;
                let lines = text.lines().count().max(1);
                for problem in error.problems() {
                    assert!((1..=lines).contains(&(problem.location.line as usize)), "cut at {cut}: {problem}");
                    assert!(problem.span.end as usize <= text.len());
                }
            }
        }
    }
    assert!(refused > whole.len() / 2, "{refused}");
}

#[test]
fn other_encodings_are_named_with_their_place() {
    let latin = b"c:[Type == \"t\"] => issue(claim = c);\n@RuleName = \"Gr\xF6\xDFe\"\n";
    let error = decode(latin).unwrap_err();
    assert!(error.to_string().starts_with("line 2, column 16: the octet 0xF6"), "{error}");
    assert_eq!(decode(&[0xFF, 0xFE, b'c', 0]), Err(EncodingError::Utf16));
    for cut in 1..3 {
        assert!(decode(&"€".as_bytes()[..cut]).is_err());
    }
}

/// However large and however broken: an answer in bounded time, with places.
#[test]
fn large_rule_texts_are_answered_in_time() {
    let clock = SystemClock::new();
    let filled = |piece: &str| piece.repeat(MAX_TEXT / piece.len());
    let rule = "c:[Type == \"t\", Value =~ \"^a+$\"] => issue(claim = c);\n";
    for (name, text) in [
        ("rules", rule.repeat(10_000)),
        ("too many rules", filled("=>add(Type=\"t\");")),
        ("one string", format!("=> issue(Type = \"{}\");", "a".repeat(MAX_TEXT - 30))),
        ("one name", "a".repeat(MAX_TEXT)),
        ("brackets", filled("[")),
        ("parentheses", format!("=> issue(Type = {}", filled("RegExReplace(")).chars().take(MAX_TEXT).collect()),
        ("conditions", filled("c:[] && ")),
        ("plus signs", format!("=> issue(Type = {}", filled("\"a\" + ")).chars().take(MAX_TEXT).collect()),
        ("quotation marks", filled("\"")),
        ("open strings", filled("\"a\n")),
        ("curly quotation marks", filled("“")),
        ("ampersands", filled("&")),
        ("entities", filled("&gt;")),
        ("line ends", filled("\n")),
        ("open comments", filled("/*")),
        ("damaged rules", filled("c:[Typ == \"t\"] => issue(claim = c);\n")),
        (
            "patterns",
            format!(
                "c:[{}] => issue(claim = c);",
                (0..999).map(|n| format!("Value =~ \"(a|b{n})*c\"")).collect::<Vec<_>>().join(", ")
            ),
        ),
    ] {
        for options in [ParseOptions::default(), ParseOptions { comments: true, lenient: true }] {
            let start = clock.monotonic();
            if let Err(error) = lint::check(&text, options, &LintContext::default()) {
                assert!((1..=20).contains(&error.problems().len()), "{name}");
            }
            let took = clock.monotonic().saturating_sub(start);
            assert!(took < Duration::from_secs(5), "{name}: {took:?}");
        }
    }
}
