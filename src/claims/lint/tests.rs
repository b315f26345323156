//! Each lint by an example it speaks about and one it leaves alone, and all of them over the published rule sets.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use super::*;

fn codes(text: &str, context: &LintContext) -> Vec<&'static str> {
    match check(text, ParseOptions::default(), context) {
        Ok(lints) => lints.iter().map(|lint| lint.code.as_str()).collect(),
        Err(error) => panic!("{text}: {error}"),
    }
}

/// `{name}` becomes the type of that name.
fn written(text: &str) -> String {
    [
        ("{group}", crate::claims::types::GROUP_SID),
        ("{account}", crate::claims::types::WINDOWS_ACCOUNT_NAME),
        ("{upn}", crate::claims::types::UPN),
        ("{upn1}", crate::claims::types::UPN_V1),
        ("{email}", "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress"),
        ("{role}", "http://schemas.microsoft.com/ws/2008/06/identity/claims/role"),
        ("{inside}", crate::claims::types::INSIDE_CORPORATE_NETWORK),
        ("{ip}", crate::claims::types::X_MS_FORWARDED_CLIENT_IP),
        ("{path}", crate::claims::types::X_MS_ENDPOINT_ABSOLUTE_PATH),
        ("{proxy}", crate::claims::types::X_MS_PROXY),
        ("{amr}", crate::claims::types::AUTHN_METHODS_REFERENCES),
        ("{method}", crate::claims::types::AUTHENTICATION_METHOD),
        ("{accounttype}", crate::claims::types::ACCOUNT_TYPE),
        ("{issuerid}", crate::claims::types::ISSUER_ID),
        ("{permit}", crate::claims::types::PERMIT),
        ("{deny}", crate::claims::types::DENY),
        ("{mfa}", "http://schemas.microsoft.com/claims/multipleauthn"),
        ("{device}", "http://schemas.microsoft.com/2012/01/devicecontext/claims/isregistereduser"),
    ]
    .into_iter()
    .fold(text.to_owned(), |text, (name, uri)| text.replace(name, uri))
}

/// Kind, what it speaks about, and the same done right.
const EXAMPLES: &[(LintCode, &str, &str)] = &[
    (
        LintCode::HttpsUri,
        r#"=> issue(Type = "{method}", Value = "https://schemas.microsoft.com/claims/multipleauthn");"#,
        r#"=> issue(Type = "{method}", Value = "{mfa}");"#,
    ),
    (
        LintCode::HttpsUri,
        r#"c:[Type == "{upn}"] => issue(Type = "{role}", Value = c.Value, Properties["https://schemas.xmlsoap.org/ws/2005/05/identity/claimproperties/format"] = "x");"#,
        r#"c:[Type == "{upn}"] => issue(Type = "{role}", Value = c.Value, Properties["http://schemas.xmlsoap.org/ws/2005/05/identity/claimproperties/format"] = "x");"#,
    ),
    (
        LintCode::HttpsUri,
        r#"c:[Type =~ "^https://schemas\.xmlsoap\.org/ws/"] => issue(claim = c);"#,
        r#"c:[Type =~ "^http://schemas\.xmlsoap\.org/ws/"] => issue(claim = c);"#,
    ),
    (
        LintCode::HttpsClaimType,
        r#"c:[Type == "https://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn"] => issue(claim = c);"#,
        r#"c:[Type == "{upn}"] => issue(Type = "https://aws.amazon.com/SAML/Attributes/Role", Value = c.Value);"#,
    ),
    (
        LintCode::HttpsClaimType,
        r#"=> issue(store = "Active Directory", types = ("https://schemas.microsoft.com/ws/2008/06/identity/claims/role"), query = ";title;{0}", param = "a\b");"#,
        r#"=> issue(store = "Active Directory", types = ("{role}"), query = ";title;{0}", param = "a\b");"#,
    ),
    (
        LintCode::NearlyKnownType,
        r#"c:[Type == "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/UPN"] => issue(claim = c);"#,
        r#"c:[Type == "http://schemas.xmlsoap.org/claims/UPN"] => issue(claim = c);"#,
    ),
    (
        LintCode::NearlyKnownType,
        r#"c:[Type == "http://schemas.microsoft.com/ws/2008/06/identity/claims/windowsacountname"] => issue(claim = c);"#,
        r#"c:[Type == "{account}"] => issue(claim = c);"#,
    ),
    (
        LintCode::NearlyKnownType,
        r#"c:[Type == "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/groupsid"] => issue(claim = c);"#,
        r#"c:[Type == "{group}"] => issue(Type = "http://schemas.xmlsoap.org/claims/groupsid", Value = c.Value);"#,
    ),
    (
        LintCode::NearlyKnownType,
        r#"c:[Type == "{upn}"] => issue(Type = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifer", Value = c.Value);"#,
        r#"c:[Type == "{upn}"] => issue(Type = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nickname", Value = c.Value);"#,
    ),
    (
        LintCode::NearlyKnownType,
        r#"=> add(Type = "urn:example:Project", Value = "x"); c:[Type == "urn:example:project"] => issue(claim = c);"#,
        r#"=> add(Type = "urn:example:Project", Value = "x"); c:[Type == "urn:example:Project"] => issue(claim = c);"#,
    ),
    (
        LintCode::UnknownClaimType,
        r#"c:[Type == "urn:example:project"] => issue(claim = c);"#,
        r#"=> add(Type = "urn:example:project", Value = "x"); c:[Type == "urn:example:project"] => issue(claim = c);"#,
    ),
    (
        LintCode::MadeLater,
        r#"c:[Type == "urn:example:tmp"] => issue(claim = c); => add(Type = "urn:example:tmp", Value = "x");"#,
        r#"=> add(Type = "urn:example:tmp", Value = "x"); c:[Type == "urn:example:tmp"] => issue(claim = c);"#,
    ),
    (
        LintCode::MadeLater,
        r#"NOT EXISTS([Type == "{accounttype}", Value == "DJ"]) => add(Type = "urn:example:t", Value = "User"); EXISTS([Type == "{group}", Value =~ "-515$"]) => issue(Type = "{accounttype}", Value = "DJ");"#,
        r#"EXISTS([Type == "{group}", Value =~ "-515$"]) => issue(Type = "{accounttype}", Value = "DJ"); NOT EXISTS([Type == "{accounttype}", Value == "DJ"]) => add(Type = "{accounttype}", Value = "User");"#,
    ),
    (
        LintCode::NeverMatches,
        r#"c:[Type == "{upn}", Type == "{email}"] => issue(claim = c);"#,
        r#"c:[Type == "{upn}", Value != "a"] => issue(claim = c);"#,
    ),
    (
        LintCode::NeverMatches,
        r#"c:[Type == "{upn}", Value == "alice@corp.example", Value =~ "@other\.example$"] => issue(claim = c);"#,
        r#"c:[Type == "{upn}", Value == "alice@corp.example", Value =~ "@corp\.example$"] => issue(claim = c);"#,
    ),
    (
        LintCode::NeverMatches,
        r#"c:[Type == "{upn}", Value =~ "^(a|b)$", Value !~ "^[ab]$"] => issue(claim = c);"#,
        r#"c:[Type == "{upn}", Value =~ "^(a|b)$", Value !~ "^[bc]$"] => issue(claim = c);"#,
    ),
    (
        LintCode::NeverMatches,
        r#"c:[Type =~ "^({upn}|{email})$", Type == "{role}"] => issue(claim = c);"#,
        r#"c:[Type =~ "^({upn}|{email})$", Type != "{upn}"] => issue(claim = c);"#,
    ),
    (
        LintCode::NeverMatches,
        r#"c:[Type == "{upn}", Properties["urn:p"] =~ "^x$", Properties["urn:p"] != "x"] => issue(claim = c);"#,
        r#"c:[Type == "{upn}", Properties["urn:p"] =~ "^x$", Properties["urn:q"] != "x"] => issue(claim = c);"#,
    ),
    (
        LintCode::NeverMatches,
        r#"=> add(Type = "urn:example:mark", Value = "a"); c:[Type == "urn:example:mark", Value =~ "^b"] => issue(claim = c);"#,
        r#"=> add(Type = "urn:example:mark", Value = "bc"); c:[Type == "urn:example:mark", Value =~ "^b"] => issue(claim = c);"#,
    ),
    (
        LintCode::NeverMatches,
        r#"=> add(Type = "urn:example:mark", Value = "a"); NOT EXISTS([Type == "urn:example:mark", Value == "b"]) => issue(Type = "urn:example:t", Value = "x");"#,
        r#"u:[Type == "{upn}"] => add(Type = "urn:example:mark", Value = u.Value); NOT EXISTS([Type == "urn:example:mark", Value == "b"]) => issue(Type = "urn:example:t", Value = "x");"#,
    ),
    (
        LintCode::NeverMatches,
        r#"=> add(Type = "urn:example:mark", Value = "a"); c:[Type == "urn:example:mark", Properties["urn:p"] == "x"] => issue(claim = c);"#,
        r#"=> add(Type = "urn:example:mark", Properties["urn:p"] = "x"); c:[Type == "urn:example:mark", Properties["urn:p"] == "x"] => issue(claim = c);"#,
    ),
    (
        LintCode::NeverMatches,
        r#"=> add(store = "Active Directory", types = ("urn:example:mark"), query = ";title;{0}", param = "a\b"); c:[Type == "urn:example:mark", Issuer == "AD AUTHORITY"] => issue(claim = c);"#,
        r#"=> add(store = "Active Directory", types = ("urn:example:mark"), query = ";title;{0}", param = "a\b"); c:[Type == "urn:example:mark", Value == "x"] => issue(claim = c);"#,
    ),
    (
        LintCode::MadeLater,
        r#"c:[Type =~ "^urn:example:tmp/"] => issue(claim = c); => add(Type = "urn:example:tmp/a", Value = "x");"#,
        r#"=> add(Type = "urn:example:tmp/a", Value = "x"); c:[Type =~ "^urn:example:tmp/"] => issue(claim = c); => add(Type = "urn:example:tmp/b", Value = "x");"#,
    ),
    (
        LintCode::NeverMatches,
        r#"COUNT([Type == "{group}"]) < 0 => issue(Type = "urn:example:t", Value = "x");"#,
        r#"COUNT([Type == "{group}"]) <= 0 => issue(Type = "urn:example:t", Value = "x");"#,
    ),
    (
        LintCode::ImpossibleValue,
        r#"EXISTS([Type == "{inside}", Value == "True"]) => issue(Type = "urn:example:t", Value = "x");"#,
        r#"EXISTS([Type == "{inside}", Value =~ "^(?i)True$"]) => issue(Type = "urn:example:t", Value = "x");"#,
    ),
    (
        LintCode::AbsentDeviceClaim,
        r#"EXISTS([Type == "{device}", Value == "false"]) => issue(Type = "urn:example:t", Value = "x");"#,
        r#"NOT EXISTS([Type == "{device}", Value == "true"]) => issue(Type = "urn:example:t", Value = "x");"#,
    ),
    (
        LintCode::PatternUnderEquality,
        r#"c:[Type == "{path}", Value != "(/adfs/ls/)|(/adfs/oauth2/)"] => issue(claim = c);"#,
        r#"c:[Type == "{path}", Value !~ "^(/adfs/ls/|/adfs/oauth2/)"] => issue(claim = c);"#,
    ),
    (
        LintCode::PatternUnderEquality,
        r#"c:[Type == "{account}", Value == "(?i)corp\alice"] => issue(claim = c);"#,
        r#"c:[Type == "{account}", Value == "CORP\WS01$"] => issue(claim = c);"#,
    ),
    (
        LintCode::StrayBlank,
        r#"c:[Type == "{upn}", Value =~ "^. +@"] => issue(claim = c);"#,
        r#"c:[Type == "{upn}", Value =~ "^.+@"] => issue(claim = c);"#,
    ),
    (
        LintCode::StrayBlank,
        r#"c:[Type == "{upn}", Issuer == "AD AUTHORITY "] => issue(claim = c);"#,
        r#"c:[Type == "{upn}", Issuer == "AD AUTHORITY"] => issue(claim = c);"#,
    ),
    (
        LintCode::StrayBlank,
        "c:[Type == \"{upn}\", Value == \"a\u{A0}b\"] => issue(claim = c);",
        r#"c:[Type == "{upn}", Value == "a b"] => issue(claim = c);"#,
    ),
    (
        LintCode::OpenSidPattern,
        r#"c:[Type == "{group}", Value =~ "S-1-5-21-1-2-3-1117"] => issue(claim = c);"#,
        r#"c:[Type == "{group}", Value =~ "^(?i)S-1-5-21-1-2-3-1117$"] => issue(claim = c);"#,
    ),
    (
        LintCode::OpenSidPattern,
        r#"c:[Type == "{group}", Value =~ "^S-1-5-21-1-2-3-512$|^S-1-5-21-1-2-3-519"] => issue(claim = c);"#,
        r#"c:[Type == "{group}", Value =~ "^(S-1-5-21-1-2-3-512|S-1-5-21-1-2-3-519)$"] => issue(claim = c);"#,
    ),
    (
        LintCode::OpenAddressPattern,
        r#"c:[Type == "{ip}", Value =~ "^(?!192\.168\.1\.77|10\.83\.118\.23)"] => issue(claim = c);"#,
        r#"c:[Type == "{ip}", Value =~ "^(?!(192\.168\.1\.77|10\.83\.118\.23)($|,))"] => issue(claim = c);"#,
    ),
    (
        LintCode::OpenAddressPattern,
        r#"c:[Type == "urn:example:ip", Value =~ "^192\.168\.1\.7"] => issue(claim = c);"#,
        r#"c:[Type == "urn:example:ip", Value =~ "^192\.168\.1\.7$"] => issue(claim = c);"#,
    ),
    (
        LintCode::UnescapedDot,
        r#"c:[Type == "{ip}", Value =~ "\b192.168.1.77\b"] => issue(claim = c);"#,
        r#"c:[Type == "{ip}", Value =~ "\b192\.168\.1\.[0-9]+\b"] => issue(claim = c);"#,
    ),
    (
        LintCode::CaseSensitiveReplacement,
        r#"c:[Type == "http://schemas.xmlsoap.org/claims/Group", Value =~ "(?i)^AWS-"] => issue(Type = "{role}", Value = RegExReplace(c.Value, "AWS-", "x"));"#,
        r#"c:[Type == "http://schemas.xmlsoap.org/claims/Group", Value =~ "(?i)^AWS-"] => issue(Type = "{role}", Value = RegExReplace(c.Value, "(?i)AWS-", "x"));"#,
    ),
    (
        LintCode::ReplacementMayNotMatch,
        r#"c:[Type == "{email}"] => issue(Type = "{role}", Value = RegExReplace(c.Value, "^([^@]+)@corp\.example$", "$1"));"#,
        r#"c:[Type == "{email}", Value =~ "^[^@]+@corp\.example$"] => issue(Type = "{role}", Value = RegExReplace(c.Value, "^([^@]+)@corp\.example$", "$1"));"#,
    ),
    (
        LintCode::ReplacementMayNotMatch,
        r#"c:[Type == "{account}"] => issue(Type = "{role}", Value = RegExReplace(c.Value, "^CORP\\(.+)$", "$1"));"#,
        r#"c:[Type == "{account}"] => issue(Type = "{role}", Value = RegExReplace(c.Value, "^(?<domain>[^\\]+)\\(?<user>.+)$", "${user}"));"#,
    ),
    (
        LintCode::CutsTooMuch,
        r#"c:[Type == "{email}"] => issue(Type = "{role}", Value = RegExReplace(c.Value, "(?<start>^.{1,50}).+$", "${start}"));"#,
        r#"c:[Type == "{email}"] => issue(Type = "{role}", Value = RegExReplace(c.Value, "^(?<start>.{50}).+$", "${start}"));"#,
    ),
    (
        LintCode::SlowPattern,
        r#"c:[Type == "{email}", Value =~ "^(a+)+$"] => issue(claim = c);"#,
        r#"c:[Type == "{email}", Value =~ "^([a-z]+\.)+$"] => issue(claim = c);"#,
    ),
    (
        LintCode::SlowPattern,
        r#"c:[Type == "{email}", Value =~ "^(?!.*a.*b)"] => issue(claim = c);"#,
        r#"c:[Type == "{email}", Value =~ "^(?!.*a)"] => issue(claim = c);"#,
    ),
    (
        LintCode::PatternFromClaims,
        r#"c:[Type == "{email}"] && d:[Type == "{upn}", Value =~ c.Value] => issue(claim = d);"#,
        r#"c:[Type == "{email}"] && d:[Type == "{upn}", Value == c.Value] => issue(claim = d);"#,
    ),
    (
        LintCode::UnknownStore,
        r#"=> issue(store = "HR", types = ("{role}"), query = "q");"#,
        r#"=> issue(store = "stringprocessing", types = ("{role}"), query = "toUpper", param = "x");"#,
    ),
    (
        LintCode::BlankInStoreName,
        r#"=> issue(store = "StringProcessing ", types = ("{role}"), query = "toUpper", param = "x");"#,
        r#"=> issue(store = "StringProcessing", types = ("{role}"), query = "toUpper", param = "x");"#,
    ),
    (
        LintCode::ColumnCount,
        r#"=> issue(store = "Active Directory", types = ("{role}"), query = ";mail,title;{0}", param = "a\b");"#,
        r#"=> issue(store = "Active Directory", types = ("{email}", "{role}"), query = ";mail,title;{0}", param = "a\b");"#,
    ),
    (
        LintCode::AddWithoutEffect,
        r#"c:[Type == "{upn}"] => add(claim = c);"#,
        r#"c:[Type == "{upn}"] => issue(claim = c);"#,
    ),
    (
        LintCode::PermitNeedsAClaim,
        r#"c:[] => issue(Type = "{permit}", Value = "true");"#,
        r#"=> issue(Type = "{permit}", Value = "true");"#,
    ),
    (
        LintCode::NobodyPermitted,
        r#"EXISTS([Type == "{group}", Value == "S-1-5-21-1-2-3-1117"]) => issue(Type = "{deny}", Value = "x");"#,
        r#"=> issue(Type = "{permit}", Value = "true"); EXISTS([Type == "{group}", Value == "S-1-5-21-1-2-3-1117"]) => issue(Type = "{deny}", Value = "x");"#,
    ),
    (
        LintCode::IssuerIdFailsOpen,
        r#"c:[Type == "{upn1}"] => issue(Type = "{issuerid}", Value = RegExReplace(c.Value, "(?i)(^([^@]+)@)(?<domain>(d1\.example|d2\.example))$", "http://${domain}/adfs/services/trust/"));"#,
        r#"c:[Type == "{upn1}", Value =~ "(?i)^[^@]+@(d1\.example|d2\.example)$"] => issue(Type = "{issuerid}", Value = RegExReplace(c.Value, "(?i)^[^@]+@(?<domain>d1\.example|d2\.example)$", "http://${domain}/adfs/services/trust/"));"#,
    ),
    (
        LintCode::IssuerIdUnanchored,
        r#"c:[Type == "{upn1}", Value =~ "@(?<domain>corp\.example)"] => issue(Type = "{issuerid}", Value = RegExReplace(c.Value, "@(?<domain>corp\.example)", "http://${domain}/"));"#,
        r#"c:[Type == "{upn1}"] => issue(Type = "{issuerid}", Value = RegExReplace(c.Value, "^[^@]+@(?<d>[^@]+)$", "http://${d}/adfs/services/trust/"));"#,
    ),
    (
        LintCode::IssuerIdUnanchored,
        r#"c:[Type == "{upn1}", Value =~ "^[^@]+@(?<d>corp.example)$"] => issue(Type = "{issuerid}", Value = RegExReplace(c.Value, "^[^@]+@(?<d>corp.example)$", "http://${d}/"));"#,
        r#"c:[Type == "{upn1}", Value =~ "^[^@]+@(?<d>corp\.example)$"] => issue(Type = "{issuerid}", Value = RegExReplace(c.Value, "^[^@]+@(?<d>corp\.example)$", "http://${d}/"));"#,
    ),
    (
        LintCode::IssuerIdTwice,
        r#"EXISTS([Type == "{group}", Value =~ "-515$"]) => issue(Type = "{accounttype}", Value = "DJ"); EXISTS([Type == "{accounttype}", Value == "DJ"]) => issue(Type = "{issuerid}", Value = "http://a/"); EXISTS([Type == "{upn1}"]) => issue(Type = "{issuerid}", Value = "http://b/");"#,
        r#"EXISTS([Type == "{group}", Value =~ "-515$"]) => issue(Type = "{accounttype}", Value = "DJ"); EXISTS([Type == "{accounttype}", Value == "DJ"]) => issue(Type = "{issuerid}", Value = "http://a/"); NOT EXISTS([Type == "{accounttype}", Value == "DJ"]) => issue(Type = "{issuerid}", Value = "http://b/");"#,
    ),
    (
        LintCode::SecondFactorForComputers,
        r#"=> issue(Type = "{method}", Value = "{mfa}");"#,
        r#"NOT EXISTS([Type == "{group}", Value =~ "-515$"]) => issue(Type = "{method}", Value = "{mfa}");"#,
    ),
    (
        LintCode::SecondFactorForComputers,
        r#"EXISTS([Type == "{inside}", Value == "true"]) => issue(Type = "{method}", Value = "{mfa}");"#,
        r#"EXISTS([Type == "{inside}", Value == "false"]) => issue(Type = "{method}", Value = "{mfa}");"#,
    ),
    (
        LintCode::SecondFactorForComputers,
        r#"EXISTS([Type == "{amr}", Value == "{mfa}"]) => issue(Type = "{permit}", Value = "mfa");"#,
        r#"EXISTS([Type == "{amr}", Value == "{mfa}"]) => issue(Type = "{permit}", Value = "mfa"); EXISTS([Type == "{path}", Value =~ "/windowstransport$"]) => issue(Type = "{permit}", Value = "computers");"#,
    ),
    (
        LintCode::SecondFactorForComputers,
        r#"NOT EXISTS([Type == "{amr}", Value == "{mfa}"]) => issue(Type = "{deny}", Value = "x"); => issue(Type = "{permit}", Value = "true");"#,
        r#"NOT EXISTS([Type == "{amr}", Value == "{mfa}"]) && NOT EXISTS([Type == "{path}", Value =~ "/windowstransport$"]) => issue(Type = "{deny}", Value = "x"); => issue(Type = "{permit}", Value = "true");"#,
    ),
    (
        LintCode::RegistrationBlocked,
        r#"=> issue(Type = "{permit}", Value = "true"); EXISTS([Type == "{path}", Value !~ "^/adfs/(ls|oauth2)"]) => issue(Type = "{deny}", Value = "x");"#,
        r#"=> issue(Type = "{permit}", Value = "true"); EXISTS([Type == "{proxy}"]) && EXISTS([Type == "{path}", Value !~ "^/adfs/(ls|oauth2)"]) => issue(Type = "{deny}", Value = "x");"#,
    ),
    (
        LintCode::UnknownAnnotation,
        r#"@Owner = "x" => issue(Type = "{role}");"#,
        r#"@RuleName = "x" => issue(Type = "{role}");"#,
    ),
];

#[test]
fn each_lint_speaks_where_it_should_and_only_there() {
    let context = LintContext { entra: true, ..LintContext::default() };
    let mut shown = BTreeSet::new();
    for (code, wrong, right) in EXAMPLES {
        let found = codes(&written(wrong), &context);
        assert!(found.contains(&code.as_str()), "{code} must speak: {wrong}\n{found:?}");
        let found = codes(&written(right), &context);
        assert!(!found.contains(&code.as_str()), "{code} must not speak: {right}\n{found:?}");
        shown.insert(*code);
    }
    // A `;` is added only in a lenient reading.
    let lenient = ParseOptions { lenient: true, comments: false };
    let added = check("=> issue(Type = \"urn:x\")", lenient, &context).unwrap();
    assert_eq!(added.first().map(|lint| lint.code), Some(LintCode::MissingSemicolon));
    shown.insert(LintCode::MissingSemicolon);
    let all: BTreeSet<LintCode> = LintCode::ALL.iter().copied().collect();
    assert_eq!(shown, all, "a lint without an example");
}

#[test]
fn the_place_of_a_rule_set_matters() {
    let mfa = written(r#"=> issue(Type = "{method}", Value = "{mfa}");"#);
    assert_eq!(codes(&mfa, &LintContext::default()), [""; 0], "only the Entra trust has computers");
    let other = LintContext { entra: true, stage: Some(Stage::IssuanceTransform), ..LintContext::default() };
    assert_eq!(codes(&mfa, &other), [""; 0]);

    let authorization = LintContext { stage: Some(Stage::IssuanceAuthorization), ..LintContext::default() };
    assert_eq!(codes("", &authorization), ["nobody-permitted"]);
    assert_eq!(codes("", &LintContext::default()), [""; 0]);

    let unknown = r#"c:[Type == "urn:example:project"] => issue(claim = c);"#;
    let acceptance = LintContext { stage: Some(Stage::AcceptanceTransform), ..LintContext::default() };
    assert_eq!(codes(unknown, &acceptance), [""; 0]);
    let own = LintContext { types: vec!["urn:example:project".into()], ..LintContext::default() };
    assert_eq!(codes(unknown, &own), [""; 0]);

    let store = r#"=> issue(store = "HR", types = ("urn:x"), query = "q");"#;
    let configured = LintContext { stores: Some(vec!["hr".into()]), ..LintContext::default() };
    assert_eq!(codes(store, &configured), [""; 0]);
    let directory = r#"=> issue(store = "_OpaqueIdStore", types = ("urn:x"), query = "q");"#;
    assert_eq!(codes(directory, &configured), ["unknown-store"]);
}

/// What cuts too much does so, and what is proposed instead does not.
#[test]
fn the_cut_of_the_lint_is_as_it_says() {
    use crate::claims::regex::{Pattern, Replacement};
    let cut = |pattern: &str, subject: &str| {
        let pattern = Pattern::unshared(pattern).unwrap();
        let replacement = Replacement::parse("${start}", &pattern);
        pattern.replace_all(subject, &replacement, 1000, &mut 100_000).unwrap().unwrap_or_else(|| subject.to_owned())
    };
    for (subject, wrong, right) in [("abcd", "abc", "abc"), ("abc", "ab", "abc"), ("ab", "a", "ab"), ("a", "a", "a")] {
        assert_eq!(cut("(?<start>^.{1,3}).+$", subject), wrong);
        assert_eq!(cut("^(?<start>.{3}).+$", subject), right);
    }
}

/// The rules the product brings along have nothing to be said about.
#[test]
fn our_own_rules_are_clean() {
    use crate::claims::rules::{self, EntraDomain, EntraSettings, SourceAnchor};
    let domain = |suffix: &str| EntraDomain {
        suffix: suffix.to_owned(),
        issuer_uri: format!("http://{suffix}/adfs/services/trust/"),
    };
    let settings = |domains: Vec<EntraDomain>, source_anchor| EntraSettings {
        computer_issuer: domains.first().map(|first| first.issuer_uri.clone()),
        domains,
        source_anchor,
        upn_attribute: String::from("userPrincipalName"),
    };
    let several = settings(vec![domain("corp.example"), domain("brand.example")], SourceAnchor::ConsistencyGuid);
    let one = settings(Vec::new(), SourceAnchor::Attribute(String::from("employeeID")));
    for (text, stage) in [
        (rules::HYBRID_JOIN, Stage::IssuanceTransform),
        (&rules::entra_rules(&several).unwrap(), Stage::IssuanceTransform),
        (&rules::entra_rules(&one).unwrap(), Stage::IssuanceTransform),
        (rules::ACTIVE_DIRECTORY_ACCEPTANCE, Stage::AcceptanceTransform),
    ] {
        let context = LintContext { stage: Some(stage), entra: true, ..LintContext::default() };
        assert_eq!(codes(text, &context), [""; 0], "{text}");
    }
}

/// Every word about the published rule sets, to be read and judged.
#[test]
fn what_is_said_about_the_published_rule_sets() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/claims/vectors");
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let mut all = String::new();
    for path in paths.iter().filter(|path| path.extension().is_some_and(|extension| extension == "rules")) {
        let case = std::fs::read_to_string(path.with_extension("json")).unwrap();
        let case: serde_json::Value = serde_json::from_str(&case).unwrap();
        let stage: Stage = serde_json::from_value(case["stage"].clone()).unwrap();
        let text = std::fs::read_to_string(path).unwrap();
        let context = LintContext { stage: Some(stage), ..LintContext::default() };
        for lint in check(&text, ParseOptions::default(), &context).unwrap() {
            let _ = writeln!(
                all,
                "{}:{}:{} {}\n    {}\n    {}",
                path.file_name().unwrap().to_string_lossy(),
                lint.location.line,
                lint.location.column,
                lint.code,
                text[lint.span.range()].split_whitespace().collect::<Vec<_>>().join(" "),
                lint.message
            );
        }
    }
    insta::assert_snapshot!(all);
}

/// Advice is bounded, and takes no longer for many rules than reading them.
#[test]
fn advice_is_bounded() {
    let rule = "c:[Type == \"https://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn\"] => issue(claim = c);\n";
    let lints = check(&rule.repeat(9_000), ParseOptions::default(), &LintContext::default()).unwrap();
    assert_eq!(lints.len(), MAX_LINTS);
}
