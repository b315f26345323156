//! Random small rule sets and claims, over few types and values so that rules meet the claims of others, and over everything that makes a
//! run fail: stores that do, patterns made from claims that are none, texts and sets that grow.

use proptest::prelude::*;

use crate::claims::Claim;

/// A test over few types and values; `tag` is one it may refer to.
fn test(tag: Option<&'static str>) -> impl Strategy<Value = String> {
    let literal = prop_oneof![
        4 => prop::sample::select(&["Type == \"a\"", "Type == \"b\"", "Type == \"c\"", "Value == \"1\"", "Value != \"2\"", "Issuer == \"LOCAL AUTHORITY\"", "Properties[\"p\"] == \"\""][..]),
        1 => prop::sample::select(&["Value =~ \"1\"", "Value !~ \"^[0-9]$\"", "Type =~ \"^(a|b)$\"", "Value =~ \"^.?$\""][..]),
    ]
    .prop_map(str::to_owned);
    match tag {
        None => literal.boxed(),
        Some(tag) => prop_oneof![2 => literal, 1 => prop::sample::select(&["Value == T.Value", "Type != T.Type", "Type == T.Type", "Value == T.Value + \"1\"", "Value != RegExReplace(T.Value, \"1\", \"2\")", "Properties[\"p\"] == T.Properties[\"p\"]", "Issuer == T.OriginalIssuer", "Value =~ T.Value"][..])
            .prop_map(move |test| test.replace("T.", &format!("{tag}.")))]
        .boxed(),
    }
}

fn claim_set(tag: Option<&'static str>) -> impl Strategy<Value = String> {
    prop::collection::vec(test(tag), 0..3).prop_map(|tests| format!("[{}]", tests.join(", ")))
}

/// A condition that binds nothing and may use a tag.
fn aggregate(tag: Option<&'static str>) -> impl Strategy<Value = String> {
    prop_oneof![
        claim_set(tag),
        claim_set(tag).prop_map(|set| format!("EXISTS({set})")),
        claim_set(tag).prop_map(|set| format!("NOT EXISTS({set})")),
        (claim_set(tag), prop::sample::select(&["== 1", "!= 2", "< 2", "> 1", "<= 1", ">= 2"][..]))
            .prop_map(|(set, how)| format!("COUNT({set}) {how}")),
    ]
}

/// The conditions of a rule that binds at least `x`.
fn conditions() -> impl Strategy<Value = String> {
    let two = (claim_set(None), claim_set(Some("x"))).prop_map(|(x, y)| format!("x:{x} && y:{y}")).boxed();
    prop_oneof![
        2 => claim_set(None).prop_map(|x| format!("x:{x}")),
        3 => (claim_set(None), aggregate(Some("x"))).prop_map(|(x, second)| format!("x:{x} && {second}")),
        1 => (aggregate(None), claim_set(None)).prop_map(|(first, x)| format!("{first} && x:{x}")),
        2 => two.clone(),
        2 => (two, aggregate(Some("y"))).prop_map(|(two, third)| format!("{two} && {third}")),
    ]
}

pub(super) fn rule() -> impl Strategy<Value = String> {
    let action = prop::sample::select(
        &[
            "issue(claim = X)",
            "add(claim = x)",
            "issue(Type = \"c\", Value = x.Value)",
            "add(Type = \"b\", Value = x.Value + \"1\")",
            "issue(Type = x.Value, Value = x.Type, Issuer = x.Issuer, Properties[\"p\"] = \"q\")",
            "add(Type = \"c\", Properties[\"p\"] = x.Value, Properties[\"q\"] = x.Properties[\"p\"], ValueType = x.Issuer)",
            "issue(Type = \"a\", OriginalIssuer = x.OriginalIssuer)",
            "issue(Type = \"b\", Value = RegExReplace(x.Value, \"[12]\", \"<$0>\"))",
            "add(Type = \"a\", Value = RegExReplace(x.Value + x.Type, \"x*\", \"-\"))",
            "issue(Type = \"c\", Value = RegExReplace(x.Type, \"(a)|b\", \"${1}\" + x.Value))",
            "issue(store = \"S\", types = (\"a\"), query = \"{0}\", param = x.Value)",
            "add(store = \"S\", types = (\"b\", \"c\"), query = \"{0} {1}\", param = x.Value, param = x.Type)",
            "issue(store = \"S\", types = (\"a\"), query = \"{0}\", param = x.Value + x.Value + x.Issuer)",
            "issue(store = \"Failing\", types = (\"a\"), query = \"{0}\", param = x.Value)",
            "add(store = \"Wide\", types = (\"a\"), query = \"{0}\", param = x.Value)",
            "issue(store = \"Many\", types = (\"a\"), query = \"{0}\", param = x.Value)",
            "issue(store = \"Absent\", types = (\"a\"), query = \"\")",
            "issue(Type = \"a\", Value = RegExReplace(x.Type, x.Value, \"-\"))",
            "issue(Type = \"a\", Value = RegExReplace(x.Value + x.Value, x.Value, x.Type))",
            "issue(Type = \"a\", Value = x.Value + x.Value + x.Issuer)",
            "add(Type = \"b\", Value = RegExReplace(x.Value, \"^.*$\", \"$0-$0-$_ and more of it\"))",
        ][..],
    );
    let alone =
        (aggregate(None), prop::sample::select(&["issue(Type = \"b\", Value = \"2\")", "add(Type = \"c\")"][..]));
    prop_oneof![
        6 => (conditions(), action).prop_map(|(conditions, action)| format!("{conditions} => {action};\n")),
        1 => alone.prop_map(|(condition, action)| format!("{condition} => {action};\n")),
        1 => Just(String::from("=> issue(Type = \"a\", Value = \"1\");\n")),
    ]
}

pub(super) fn input() -> impl Strategy<Value = Vec<Claim>> {
    let claim = (
        prop::sample::select(&["a", "b", "c"][..]),
        prop::sample::select(&["1", "2", "", "(", "12345678"][..]),
        prop::sample::select(&["AD AUTHORITY", "LOCAL AUTHORITY"][..]),
        prop::bool::weighted(0.3),
    );
    let claim = claim.prop_map(|(claim_type, value, issuer, property)| {
        let claim = Claim::new(claim_type, value, issuer);
        if property { claim.with_property("p", "1") } else { claim }
    });
    prop::collection::vec(claim, 0..5)
}
