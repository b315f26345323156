//! Printing and reading again, over rules made at random and over the forms the AD FS console writes.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::lexer::{TokenKind, tokenize};
use super::*;
use crate::claims::Text;

fn read_rules(text: &str) -> Rules {
    parse(text, ParseOptions::default()).unwrap_or_else(|error| panic!("{error}\n{text}")).0
}

/// The tree without its places.
fn tree(rules: &Rules) -> String {
    let shown = format!("{:?}", rules.rules);
    let mut out = String::with_capacity(shown.len());
    let mut rest = shown.as_str();
    while let Some(at) = rest.find("span: ") {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        rest = from.trim_start_matches(|c: char| !matches!(c, ',' | '}'));
    }
    out + rest
}

const TAGS: [&str; 4] = ["c", "c1", "type", "Exists"];

fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::from("http://schemas.xmlsoap.org/claims/UPN")),
        Just(String::from("^(?i)S-1-5-21-1-2-3-512$")),
        "[ a-zA-Z0-9'\\\\;,=>&{}$/*#äß€|-]{0,12}",
    ]
}

fn properties() -> impl Strategy<Value = Property> {
    prop_oneof![
        Just(Property::Type),
        Just(Property::Value),
        Just(Property::ValueType),
        Just(Property::Issuer),
        Just(Property::OriginalIssuer),
        texts().prop_map(|name| Property::Named(name.into())),
    ]
}

fn property_refs() -> impl Strategy<Value = PropertyRef> {
    properties().prop_map(|property| PropertyRef { span: Span::default(), property })
}

fn literals() -> impl Strategy<Value = Literal> {
    texts().prop_map(|text| Literal { span: Span::default(), text: text.into() })
}

fn ident(text: &str) -> Ident {
    Ident { span: Span::default(), text: Text::from(text) }
}

/// Expressions over the tags bound so far.
fn expressions(tags: Vec<&'static str>) -> BoxedStrategy<Expression> {
    let literal = literals().prop_map(Expression::Literal);
    let term =
        if tags.is_empty() {
            literal.boxed()
        } else {
            let property = (prop::sample::select(tags), property_refs())
                .prop_map(|(tag, property)| Expression::Property { span: Span::default(), tag: ident(tag), property });
            prop_oneof![literal, property].boxed()
        };
    term.prop_recursive(3, 12, 3, |inner| {
        let call = prop::collection::vec(inner.clone(), 3).prop_map(|arguments| Expression::Call {
            span: Span::default(),
            function: ident("RegExReplace"),
            arguments,
        });
        let joined = prop::collection::vec(inner, 2..4).prop_map(|parts| {
            // No part of a concatenation is one itself.
            Expression::Concatenation(
                parts
                    .into_iter()
                    .flat_map(|part| match part {
                        Expression::Concatenation(inner) => inner,
                        part => vec![part],
                    })
                    .collect(),
            )
        });
        prop_oneof![call, joined]
    })
    .boxed()
}

fn tests(tags: Vec<&'static str>) -> impl Strategy<Value = Vec<Test>> {
    let operator = prop::sample::select(vec![Operator::Equal, Operator::NotEqual, Operator::Match, Operator::NotMatch]);
    let test = (property_refs(), operator, expressions(tags)).prop_map(|(property, operator, operand)| Test {
        span: Span::default(),
        property,
        operator,
        operand,
    });
    prop::collection::vec(test, 0..3)
}

/// A condition at this place of a rule; selectors at place `n` have the tag `TAGS[n]`, or none.
fn conditions(place: usize) -> impl Strategy<Value = Condition> {
    let tests = tests(TAGS[..place].to_vec());
    let comparison = prop::sample::select(vec![
        Comparison::Equal,
        Comparison::NotEqual,
        Comparison::Less,
        Comparison::Greater,
        Comparison::LessOrEqual,
        Comparison::GreaterOrEqual,
    ]);
    (tests, 0..5, comparison, 0_u32..10).prop_map(move |(tests, kind, comparison, number)| {
        let claims = Aggregate { span: Span::default(), tests: tests.clone() };
        match kind {
            0 => Condition::Exists { negated: false, claims },
            1 => Condition::Exists { negated: true, claims },
            2 => Condition::Count(Count { claims, comparison, number }),
            _ => Condition::Select(Selector { span: Span::default(), tag: Some(ident(TAGS[place])), tests }),
        }
    })
}

/// Rules whose conditions all bind a tag or none, so that every tag may be used.
fn rules() -> impl Strategy<Value = Rule> {
    let all = (conditions(0), conditions(1), conditions(2), conditions(3), 0_usize..=4);
    let all = all.prop_filter_map("tags are bound", |(a, b, c, d, count)| {
        let conditions: Vec<Condition> = [a, b, c, d].into_iter().take(count).collect();
        let bound = conditions.iter().all(|condition| condition.tag().is_some());
        (bound || count <= 1).then_some(conditions)
    });
    all.prop_flat_map(|conditions| {
        let tags: Vec<&'static str> = TAGS
            .iter()
            .zip(&conditions)
            .filter(|(_, condition)| condition.tag().is_some())
            .map(|(tag, _)| *tag)
            .collect();
        let create = (expressions(tags.clone()), prop::option::of(expressions(tags.clone())), texts(), literals())
            .prop_map(|(claim_type, value, name, named)| {
                let property = |property| PropertyRef { span: Span::default(), property };
                let mut assignments = vec![Assignment { property: property(Property::Type), value: claim_type }];
                assignments.extend(value.map(|value| Assignment { property: property(Property::Value), value }));
                let value = Expression::Literal(named);
                assignments.push(Assignment { property: property(Property::Named(name.into())), value });
                Form::Create(assignments)
            });
        let store = (prop::collection::vec(literals(), 1..3), prop::collection::vec(expressions(tags.clone()), 0..3))
            .prop_map(|(types, params)| {
                let literal = |text: &str| Literal { span: Span::default(), text: text.into() };
                Form::Store(StoreCall { store: literal("S"), types, query: literal("q; x"), params })
            });
        let copy = tags.last().map(|tag| Form::Copy(ident(tag)));
        let form = match copy {
            Some(copy) => prop_oneof![Just(copy), create, store].boxed(),
            None => prop_oneof![create, store].boxed(),
        };
        let annotations =
            prop::collection::vec((prop::sample::select(vec!["RuleName", "RuleTemplate", "x_1"]), literals()), 0..3);
        (annotations, form, any::<bool>(), Just(conditions)).prop_map(|(annotations, form, add, conditions)| Rule {
            span: Span::default(),
            annotations: annotations.into_iter().map(|(name, value)| Annotation { name: ident(name), value }).collect(),
            conditions,
            action: Action { span: Span::default(), verb: if add { Verb::Add } else { Verb::Issue }, form },
        })
    })
}

/// The same tokens with other blanks between them and keywords in another case.
fn disturbed(text: &str, blanks: &[&str], capitals: bool) -> String {
    let mut out = String::new();
    let mut blank = blanks.iter().cycle();
    let mut after_colon = true;
    for (index, token) in tokenize(text, false).iter().enumerate() {
        let piece = &text[token.span.range()];
        let tag = TAGS.iter().any(|tag| tag.eq_ignore_ascii_case(piece));
        let is_name = matches!(token.kind, TokenKind::Ident | TokenKind::Int);
        // Two words need something between them.
        out.push_str(match blank.next() {
            Some(blank) if index > 0 && !(is_name && blank.is_empty()) => blank,
            _ if index > 0 => " ",
            _ => "",
        });
        let keyword = token.kind == TokenKind::Ident && !tag && !after_colon;
        out.push_str(&if keyword && capitals { piece.to_uppercase() } else { piece.to_owned() });
        after_colon = token.kind == TokenKind::At;
    }
    out
}

proptest! {
    #[test]
    fn what_is_printed_reads_as_the_same(made in prop::collection::vec(rules(), 1..3)) {
        let made = Rules { text: Text::from(""), rules: made };
        let text = print_rules(&made);
        let again = read_rules(&text);
        prop_assert_eq!(tree(&made), tree(&again), "{}", text);
        prop_assert_eq!(&format_rules(&again), &text);
        prop_assert_eq!(replace_rules(&again, &BTreeMap::new()), text);
    }

    #[test]
    fn blanks_and_the_case_of_keywords_mean_nothing(
        made in rules(),
        blanks in prop::collection::vec(prop::sample::select(&["", " ", "\t", "\r\n", "\n\n ", "\r"][..]), 1..6),
        capitals in any::<bool>(),
    ) {
        let text = print_rule(&made);
        let other = disturbed(&text, &blanks, capitals);
        let other = read_rules(&other);
        prop_assert_eq!(print_rules(&other), text);
    }
}

/// The texts the console's wizards write come back octet for octet.
#[test]
fn wizard_forms_come_back_as_they_are() {
    let id08 = "http://schemas.microsoft.com/ws/2008/06/identity/claims";
    let authz = "http://schemas.microsoft.com/authorization/claims";
    let format = "http://schemas.xmlsoap.org/ws/2005/05/identity/claimproperties/format";
    for text in [
        String::from(
            "@RuleTemplate = \"PassThroughClaims\"\n@RuleName = \"Pass\"\nc:[Type == \"T\"]\n => issue(claim = c);\n",
        ),
        String::from(
            "@RuleTemplate = \"PassThroughClaims\"\n@RuleName = \"Pass\"\nc:[Type == \"T\", Value =~ \"^.*suffix$\"]\n => issue(claim = c);\n",
        ),
        format!(
            "@RuleTemplate = \"MapClaims\"\n@RuleName = \"Map\"\nc:[Type == \"A\", Value =~ \"^(?i)x$\"]\n => issue(Type = \"B\", Issuer = c.Issuer, OriginalIssuer = c.OriginalIssuer, Value = c.Value, ValueType = c.ValueType, Properties[\"{format}\"] = \"urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress\");\n"
        ),
        format!(
            "@RuleTemplate = \"LdapClaims\"\n@RuleName = \"Ldap\"\nc:[Type == \"{id08}/windowsaccountname\", Issuer == \"AD AUTHORITY\"]\n => issue(store = \"Active Directory\", types = (\"T1\", \"T2\"), query = \";attr1,attr2;{{0}}\", param = c.Value);\n"
        ),
        format!(
            "@RuleTemplate = \"EmitGroupClaims\"\n@RuleName = \"Group\"\nc:[Type == \"{id08}/groupsid\", Value == \"S-1-5-21-1-2-3-512\", Issuer == \"AD AUTHORITY\"]\n => issue(Type = \"T\", Value = \"v\", Issuer = c.Issuer, OriginalIssuer = c.OriginalIssuer, ValueType = c.ValueType);\n"
        ),
        format!(
            "@RuleTemplate = \"Authorization\"\n@RuleName = \"Deny\"\nc:[Type == \"{id08}/groupsid\", Value =~ \"^(?i)S-1-5-21-1-2-3-512$\"]\n => issue(Type = \"{authz}/deny\", Value = \"DenyUsersWithClaim\");\n"
        ),
        format!("@RuleTemplate = \"AllowAllAuthzRule\"\n=> issue(Type = \"{authz}/permit\", Value = \"true\");\n"),
    ] {
        assert_eq!(format_rules(&read_rules(&text)), text);
    }
}

#[test]
fn a_changed_rule_leaves_the_others_as_they_were() {
    let text = "\u{FEFF} c:[ ]=>issue( claim=c ) ;\r\n\r\n=>add(Type=\"t\");  @RuleName=\"n\"=>issue(type=\"u\");\r\n";
    let rules = read_rules(text);
    assert_eq!(replace_rules(&rules, &BTreeMap::new()), text.trim_start_matches('\u{FEFF}'));
    let mut changed = rules.rules[1].clone();
    changed.action.verb = Verb::Issue;
    assert_eq!(
        replace_rules(&rules, &BTreeMap::from([(1, changed)])),
        " c:[ ]=>issue( claim=c ) ;\r\n\r\n=> issue(Type = \"t\");  @RuleName=\"n\"=>issue(type=\"u\");\r\n"
    );
}

#[test]
fn comments_stay_where_they_are() {
    let options = ParseOptions { comments: true, lenient: true };
    let text = "/* head */ // more\n=>issue(Type=\"a\"); // behind a\n// before b\n=> issue( /* inside */ Type = \"b\" );\n=>issue(Type=\"c\")\n// end";
    let formatted = "/* head */\n// more\n=> issue(Type = \"a\"); // behind a\n\n// before b\n=> issue( /* inside */ Type = \"b\" );\n\n=> issue(Type = \"c\");\n\n// end\n";
    let (rules, _) = parse(text, options).unwrap();
    assert_eq!(format_rules(&rules), formatted);
    let (again, _) = parse(formatted, options).unwrap();
    assert_eq!(format_rules(&again), formatted);
}

/// Sentences about the rules the product brings along and about one of every form, to be read and judged.
#[test]
fn rules_in_sentences() {
    use std::fmt::Write as _;
    let forms = r#"
        => issue(Type = "urn:a");
        c:[] => issue(claim = c);
        c:[Type == "http://schemas.microsoft.com/ws/2008/06/identity/claims/groupsid", Value =~ "^(?i)(S-1-5-21-1-2-3-512|S-1-5-21-1-2-3-519)$"]
         => issue(Type = "http://schemas.microsoft.com/authorization/claims/permit", Value = "true");
        a:[Type == "x", Value =~ "^corp"] && b:[Type == "y", Value != a.Value, Issuer !~ "LOCAL"] && COUNT([Type == "x"]) >= 2
         => add(Type = a.Type + "2", Value = RegExReplace(a.Value, "^(.)", "$1"), ValueType = b.ValueType, Properties["http://p/format"] = "f");
        COUNT([]) < 3 && NOT EXISTS([Type =~ "^urn:", Value =~ "[0-9]+"]) => issue(Type = "t", Value = "v");
        c:[Type == "x"] => issue(store = "HR", types = ("http://e/mail", "urn:title"), query = "select {0}", param = c.Value, param = "x");
    "#;
    let mut all = String::new();
    for text in [crate::claims::rules::HYBRID_JOIN, crate::claims::rules::ACTIVE_DIRECTORY_ACCEPTANCE, forms] {
        for rule in &read_rules(text).rules {
            let _ = writeln!(all, "{}", describe_rule(rule));
        }
    }
    insta::assert_snapshot!(all);
}

/// Each wizard's rule is known by its text, and no longer once a part of it was changed.
#[test]
fn rules_of_the_wizards_in_sentences() {
    const ID: &str = "http://schemas.microsoft.com/ws/2008/06/identity/claims/";
    const AUTHZ: &str = "http://schemas.microsoft.com/authorization/claims/";
    let said = |text: &str| {
        let text = text.replace("{id}", ID).replace("{authz}", AUTHZ);
        describe_rule(&read_rules(&text).rules[0])
    };
    for (rule, sentence, changed) in [
        (
            r#"c:[Type == "http://e/upn"] => issue(claim = c);"#,
            "Passes on each upn claim as it is.",
            (r"=> issue(", r#"&& [Type == "x"] => issue("#),
        ),
        (
            r#"c:[Type == "http://e/upn", Value =~ "^.*@corp\.example$"] => issue(claim = c);"#,
            "Passes on each upn claim whose value matches the pattern \"^.*@corp\\.example$\" as it is.",
            ("issue(", "add("),
        ),
        (
            r#"c:[Type == "{id}role", Value =~ "^(?i)admin$"]
             => issue(Type = "http://e/accounttype", Issuer = c.Issuer, OriginalIssuer = c.OriginalIssuer, Value = "1", ValueType = c.ValueType);"#,
            "Turns each role claim whose value is \"admin\" (upper or lower case) into an accounttype claim with the value \"1\".",
            ("Issuer = c.Issuer, ", ""),
        ),
        (
            r#"c:[Type == "http://e/upn"] => issue(Type = "http://e/nameidentifier", Issuer = c.Issuer, OriginalIssuer = c.OriginalIssuer,
              Value = c.Value, ValueType = c.ValueType, Properties["http://schemas.xmlsoap.org/ws/2005/05/identity/claimproperties/format"] = "urn:f");"#,
            "Turns each upn claim into a nameidentifier claim with the same value and the name format urn:f.",
            ("= c.Value,", "= c.Issuer,"),
        ),
        (
            r#"c:[Type == "{id}windowsaccountname", Issuer == "AD AUTHORITY"]
             => issue(store = "Active Directory", types = ("http://e/emailaddress", "http://e/surname"), query = ";mail,sn;{0}", param = c.Value);"#,
            "Sends attributes of the account from Active Directory: mail as emailaddress, sn as surname.",
            ("\";mail", "\"cn={0};mail"),
        ),
        (
            r#"c:[Type == "{id}groupsid", Value == "S-1-5-21-1-2-3-512", Issuer == "AD AUTHORITY"]
             => issue(Type = "{id}role", Value = "admin", Issuer = c.Issuer, OriginalIssuer = c.OriginalIssuer, ValueType = c.ValueType);"#,
            "Sends a role claim with the value \"admin\" for members of the group S-1-5-21-1-2-3-512.",
            ("AD AUTHORITY", "other"),
        ),
        (
            r#"c:[Type == "{id}groupsid", Value =~ "^(?i)S-1-5-21-1-2-3-512$"] => issue(Type = "{authz}deny", Value = "DenyUsersWithClaim");"#,
            "Denies users with a groupsid claim whose value is \"s-1-5-21-1-2-3-512\" (upper or lower case).",
            ("DenyUsersWithClaim", "true"),
        ),
        (
            r#"c:[Type == "{id}accounttype", Value == "1"] => issue(Type = "{authz}permit", Value = "PermitUsersWithClaim");"#,
            "Permits users with an accounttype claim whose value is \"1\".",
            ("Value == ", "Value != "),
        ),
        (r#"=> issue(Type = "{authz}permit", Value = "true");"#, "Permits everyone.", ("permit", "deny")),
    ] {
        assert_eq!(said(rule), sentence);
        let (from, to) = changed;
        let other = said(&rule.replacen(from, to, 1));
        assert!(other.contains(": "), "{other}");
        assert!(!other.starts_with(sentence.split(' ').next().unwrap()), "{other}");
    }
    // The annotation alone makes no template.
    let custom = said(
        r#"@RuleTemplate = "AllowAllAuthzRule" NOT EXISTS([Type == "a"]) && EXISTS([Type == "http://e/x-ms-proxy"]) => issue(Type = "t");"#,
    );
    assert_eq!(custom, "When there is no a claim and when there is an x-ms-proxy claim: issue t = the empty text.");
}
