//! Printing and reading again, over rules made at random and over the forms the AD FS console writes.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::lexer::{Bad, TokenKind, tokenize};
use super::*;
use crate::claims::Text;
use random::rules;

mod random;

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

/// The same tokens with other blanks between them and keywords in another case.
fn disturbed(text: &str, blanks: &[&str], capitals: bool) -> String {
    let mut out = String::new();
    let mut blank = blanks.iter().cycle();
    let tokens = tokenize(text, false);
    let piece = |index: usize| tokens.get(index).map_or("", |token| &text[token.span.range()]);
    for (index, token) in tokens.iter().enumerate() {
        let is_name = matches!(token.kind, TokenKind::Ident | TokenKind::Int);
        // Two words need something between them.
        out.push_str(match blank.next() {
            Some(blank) if index > 0 && !(is_name && blank.is_empty()) => blank,
            _ if index > 0 => " ",
            _ => "",
        });
        let before = |back: usize| index.checked_sub(back).map_or("", piece);
        let is_tag = matches!(piece(index + 1), ":" | ".") || (before(1) == "=" && before(2) == "claim");
        let keyword = token.kind == TokenKind::Ident && !is_tag && before(1) != "@";
        out.push_str(&if keyword && capitals { piece(index).to_uppercase() } else { piece(index).to_owned() });
    }
    out
}

/// The same tokens with comments between them, the place of each chosen by `places`.
fn commented(text: &str, comments: &[&str], places: &[bool]) -> String {
    let mut out = String::new();
    let (mut comments, mut places) = (comments.iter().cycle(), places.iter().cycle());
    let mut end = 0;
    for token in tokenize(text, false) {
        out.push_str(&text[end..token.span.start as usize]);
        if places.next() == Some(&true) {
            out.push_str(comments.next().unwrap());
        }
        out.push_str(&text[token.span.range()]);
        end = token.span.end as usize;
    }
    out
}

/// The comments of a text, in order.
fn comments(text: &str) -> Vec<String> {
    let tokens = tokenize(text, false).into_iter();
    let comments = tokens.filter(|token| token.kind == TokenKind::Bad(Bad::Comment));
    comments.map(|token| text[token.span.range()].trim_end().to_owned()).collect()
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

    /// Wherever they stand, no comment is lost or moved over another, no rule changes its meaning, and a second time changes nothing.
    #[test]
    fn comments_are_kept(
        made in prop::collection::vec(rules(), 1..3),
        written in prop::collection::vec(
            prop::sample::select(&["/* a */", "// b\n", " /* c */ // d\n", "/* e\n e */\n", "\n// f; => \"x\r\n", "/**/"][..]), 1..4),
        places in prop::collection::vec(prop::bool::weighted(0.2), 1..30),
    ) {
        let made = Rules { text: Text::from(""), rules: made };
        let text = commented(&print_rules(&made), &written, &places);
        let options = ParseOptions { comments: true, lenient: false };
        let (read, _) = parse(&text, options).unwrap();
        prop_assert_eq!(tree(&made), tree(&read), "{}", text);
        let formatted = format_rules(&read);
        let (again, _) = parse(&formatted, options).unwrap_or_else(|error| panic!("{error}\n{formatted}"));
        prop_assert_eq!(tree(&made), tree(&again), "{}", formatted);
        prop_assert_eq!(comments(&text), comments(&formatted), "{}", formatted);
        prop_assert_eq!(format_rules(&again), formatted);
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
