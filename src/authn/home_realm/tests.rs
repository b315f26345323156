//! Every step of the discovery by tables, and what no hints can bring about.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::trusts::{ClaimsProviders, Trusts};

const AD: &str = "AD AUTHORITY";

/// A provider of WS-Federation `urn:<name>` with the suffix `<name>.example`.
fn trusts(names: &[&str]) -> Trusts {
    let providers = names.iter().map(|name| Arc::new(crate::trusts::tests::partner(name))).collect();
    Trusts::new(Vec::new()).with_claims_providers(providers).with_local_suffixes(["corp.example".parse().unwrap()])
}

fn listed(identifiers: &[&str]) -> ClaimsProviders {
    ClaimsProviders::Listed(identifiers.iter().map(|identifier| (*identifier).to_owned()).collect())
}

/// The answer in a word: an identifier, `page` or `nowhere`.
fn word(answer: Answer<'_>) -> &str {
    match answer {
        Answer::Home(home) => home.identifier(),
        Answer::Page => "page",
        Answer::Nowhere => "nowhere",
    }
}

const NONE: Hints<'static> = Hints {
    wants_to_choose: false,
    chosen: None,
    home_realm: None,
    domain_hint: None,
    user_name: None,
    login_hint: None,
    remembered: None,
    local_inside: false,
    silent: false,
};

#[test]
fn each_step_decides_when_those_before_it_do_not() {
    let trusts = trusts(&["a", "b", "c"]);
    let all = Candidates::new(&trusts, &ClaimsProviders::All);
    let everything = Hints {
        chosen: Some("urn:a"),
        home_realm: Some("urn:b"),
        domain_hint: Some("urn:c"),
        local_inside: true,
        user_name: Some("x@a.example"),
        login_hint: Some("x@b.example"),
        remembered: Some("urn:c"),
        silent: true,
        ..NONE
    };
    let without_chosen = Hints { chosen: None, ..everything };
    let without_whr = Hints { home_realm: None, ..without_chosen };
    let without_hint = Hints { domain_hint: None, ..without_whr };
    let outside = Hints { local_inside: false, ..without_hint };
    let without_name = Hints { user_name: None, ..outside };
    let without_login = Hints { login_hint: None, ..without_name };
    let forgotten = Hints { remembered: None, ..without_login };
    for (hints, step, expected) in [
        (everything, Step::Chosen, "urn:a"),
        (without_chosen, Step::HomeRealm, "urn:b"),
        (without_whr, Step::DomainHint, "urn:c"),
        (without_hint, Step::Intranet, AD),
        (outside, Step::UserName, "urn:a"),
        (without_name, Step::LoginHint, "urn:b"),
        (without_login, Step::Remembered, "urn:c"),
        (forgotten, Step::Silent, AD),
        (NONE, Step::Page, "page"),
        (Hints { wants_to_choose: true, silent: false, ..without_chosen }, Step::WantsToChoose, "page"),
        // A choice that was made is not asked for again, and nobody is asked who sees no page.
        (Hints { wants_to_choose: true, ..everything }, Step::Chosen, "urn:a"),
        (Hints { wants_to_choose: true, ..without_chosen }, Step::HomeRealm, "urn:b"),
        (Hints { wants_to_choose: true, ..forgotten }, Step::Silent, AD),
    ] {
        let found = discover(all, &hints);
        assert_eq!((word(found.answer), found.by), (expected, step), "{hints:?}");
        let order: Vec<Step> = found.passed.iter().map(|(step, _)| *step).collect();
        assert!(order.is_sorted() && order.iter().all(|passed| *passed < step), "{found}");
    }
}

#[test]
fn a_hint_that_names_no_candidate_is_passed_over() {
    let trusts = trusts(&["a", "b", "c"]);
    let some = listed(&[AD, "urn:a", "urn:b"]);
    let some = Candidates::new(&trusts, &some);
    for foreign in ["urn:c", "urn:nobody", "c.example", "x@c.example", "URN:A", " urn:a", "", "https://evil.example/"] {
        let hints = Hints {
            chosen: Some(foreign),
            home_realm: Some(foreign),
            domain_hint: Some(foreign),
            user_name: Some(foreign),
            login_hint: Some(foreign),
            remembered: Some(foreign),
            ..NONE
        };
        let found = discover(some, &hints);
        assert_eq!((word(found.answer), found.by), ("page", Step::Page), "{foreign}");
        let passed = found.passed.iter().filter(|(_, why)| *why == Passed::NoCandidate).count();
        assert_eq!(passed, 6, "{found}");
    }
    // A suffix is one of a whole domain, and only where a suffix is asked for.
    let suffix = |text| Hints { domain_hint: Some(text), ..NONE };
    assert_eq!(word(discover(some, &suffix("A.Example")).answer), "urn:a");
    assert_eq!(word(discover(some, &suffix("corp.example")).answer), AD);
    assert_eq!(word(discover(some, &suffix("x.a.example")).answer), "page");
    assert_eq!(word(discover(some, &Hints { home_realm: Some("a.example"), ..NONE }).answer), "page");
    assert_eq!(word(discover(some, &Hints { user_name: Some("CORP\\alice"), ..NONE }).answer), "page");
}

#[test]
fn one_candidate_or_none_needs_no_hint() {
    let trusts = trusts(&["a", "b"]);
    let everything = Hints {
        wants_to_choose: true,
        chosen: Some("urn:b"),
        home_realm: Some("urn:b"),
        local_inside: true,
        remembered: Some("urn:b"),
        silent: true,
        ..NONE
    };
    for hints in [NONE, everything] {
        for (list, expected, step) in [
            (listed(&["urn:a"]), "urn:a", Step::Only),
            (listed(&[AD]), AD, Step::Only),
            (listed(&[AD, "urn:nobody"]), AD, Step::Only),
            (listed(&[]), "nowhere", Step::Nobody),
            (listed(&["urn:nobody"]), "nowhere", Step::Nobody),
        ] {
            let found = discover(Candidates::new(&trusts, &list), &hints);
            assert_eq!((word(found.answer), found.by, found.may_choose()), (expected, step, false), "{list:?}");
        }
    }
    let alone = Trusts::new(Vec::new());
    assert_eq!(word(discover(Candidates::new(&alone, &ClaimsProviders::All), &NONE).answer), AD);
}

#[test]
fn where_the_local_directory_is_no_candidate_nothing_leads_there() {
    let trusts = trusts(&["a", "b"]);
    let partners = listed(&["urn:a", "urn:b"]);
    let partners = Candidates::new(&trusts, &partners);
    let inside = discover(partners, &Hints { local_inside: true, ..NONE });
    assert_eq!((word(inside.answer), inside.by), ("page", Step::Page));
    let silent = discover(partners, &Hints { silent: true, ..NONE });
    assert_eq!((word(silent.answer), silent.by), ("nowhere", Step::Silent));
    assert!(!silent.may_choose() && inside.may_choose());
}

#[test]
fn a_session_will_do_unless_somebody_named_another_provider() {
    let trusts = trusts(&["a", "b", "c"]);
    let some = listed(&[AD, "urn:a", "urn:b"]);
    let some = Candidates::new(&trusts, &some);
    for (hints, local, partner, foreign) in [
        (NONE, true, true, false),
        (Hints { remembered: Some("urn:a"), ..NONE }, true, true, false),
        (Hints { user_name: Some("x@a.example"), ..NONE }, true, true, false),
        (Hints { silent: true, ..NONE }, true, true, false),
        (Hints { chosen: Some("urn:a"), ..NONE }, false, true, false),
        (Hints { home_realm: Some(AD), ..NONE }, true, false, false),
        (Hints { domain_hint: Some("a.example"), ..NONE }, false, true, false),
        (Hints { home_realm: Some("urn:nobody"), ..NONE }, true, true, false),
        (Hints { wants_to_choose: true, ..NONE }, false, false, false),
    ] {
        let found = discover(some, &hints);
        assert_eq!(
            (found.accepts(AD), found.accepts("urn:a"), found.accepts("urn:c")),
            (local, partner, foreign),
            "{hints:?}"
        );
    }
}

#[test]
fn who_sees_no_page() {
    let trusts = trusts(&["a"]);
    let all = Candidates::new(&trusts, &ClaimsProviders::All);
    let partners = listed(&["urn:a"]);
    let none = AuthnRequirement::default();
    let of = |method| AuthnRequirement { methods: vec![method], ..AuthnRequirement::default() };
    let person = Audience {
        requirement: &none,
        passive: false,
        user_agent: Some("Mozilla/5.0 (Windows NT 10.0; Win64; x64) Edg/120.0"),
        for_entra: false,
        location: NetworkLocation::Intranet,
    };
    assert!(!is_silent(&person, all));
    assert!(!is_silent(&Audience { user_agent: None, ..person }, all));
    assert!(is_silent(&Audience { passive: true, ..person }, all));
    for (method, expected) in [
        (RequestedMethod::Windows, true),
        (RequestedMethod::WindowsOrMultiFactor, true),
        (RequestedMethod::Password, false),
        (RequestedMethod::Certificate, false),
        (RequestedMethod::MultiFactor, false),
    ] {
        assert_eq!(is_silent(&Audience { requirement: &of(method), ..person }, all), expected, "{method:?}");
    }
    for agent in [
        "MSAuthHost/1.0/In-Domain",
        "Windows-AzureAD-Authentication-Provider/1.0",
        "Mozilla/4.0 MSAuthHost/1.0/In-Domain",
    ] {
        assert!(is_silent(&Audience { user_agent: Some(agent), ..person }, all), "{agent}");
    }
    let entra = Audience { for_entra: true, ..person };
    assert!(is_silent(&entra, all));
    assert!(!is_silent(&Audience { location: NetworkLocation::Extranet, ..entra }, all));
    assert!(!is_silent(&entra, Candidates::new(&trusts, &partners)));
}

#[test]
fn the_explanation_names_what_decided_and_what_was_passed_over() {
    let trusts = trusts(&["a", "b"]);
    let all = Candidates::new(&trusts, &ClaimsProviders::All);
    let found = discover(all, &Hints { home_realm: Some("urn:nobody"), user_name: Some("x@b.example"), ..NONE });
    assert_eq!(
        found.to_string(),
        "\"urn:b\" by UserName; not Only: there are several claims providers; not HomeRealm: it names no claims provider of the \
         relying party"
    );
    assert_eq!(
        discover(all, &NONE).to_string(),
        "the person chooses, by Page; not Only: there are several claims providers"
    );
}

/// Texts that are identifiers, suffixes and addresses of members, of strangers and of nobody.
fn text() -> impl Strategy<Value = Option<String>> {
    let known = prop::sample::select(vec![
        "AD AUTHORITY",
        "urn:a",
        "urn:b",
        "urn:c",
        "urn:d",
        "a.example",
        "c.example",
        "x@a.example",
        "x@b.example",
        "x@c.example",
        "alice@corp.example",
        "x@nobody.example",
        "",
        "@",
        "urn:nobody",
    ]);
    prop::option::of(prop_oneof![known.prop_map(String::from), ".{0,12}"])
}

prop_compose! {
    fn flags()(wants_to_choose: bool, local_inside: bool, silent: bool) -> (bool, bool, bool) {
        (wants_to_choose, local_inside, silent)
    }
}

proptest! {
    #[test]
    fn no_hints_lead_outside_the_candidates_or_show_a_page_to_nobody(
        members in prop::option::of(prop::sample::subsequence(vec!["AD AUTHORITY", "urn:a", "urn:b", "urn:c", "urn:nobody"], 0..=5)),
        (wants_to_choose, local_inside, silent) in flags(),
        texts in prop::array::uniform6(text()),
    ) {
        let trusts = trusts(&["a", "b", "c", "d"]);
        let list = members.as_deref().map_or(ClaimsProviders::All, listed);
        let candidates = Candidates::new(&trusts, &list);
        let [chosen, home_realm, domain_hint, user_name, login_hint, remembered] = &texts;
        let hints = Hints {
            wants_to_choose,
            chosen: chosen.as_deref(),
            home_realm: home_realm.as_deref(),
            domain_hint: domain_hint.as_deref(),
            user_name: user_name.as_deref(),
            login_hint: login_hint.as_deref(),
            remembered: remembered.as_deref(),
            local_inside,
            silent,
        };
        let found = discover(candidates, &hints);
        let members: Vec<&str> = candidates.iter().map(HomeRealm::identifier).collect();
        match found.answer {
            Answer::Home(home) => prop_assert!(members.contains(&home.identifier()), "{found}"),
            Answer::Page => {
                prop_assert!(!silent, "{found}");
                prop_assert!(members.len() > 1, "{found}");
            }
            Answer::Nowhere => prop_assert!(members.is_empty() || (silent && !members.contains(&AD)), "{found}"),
        }
        // What may stand for a sign-in is a candidate, too.
        for identifier in ["AD AUTHORITY", "urn:a", "urn:b", "urn:c", "urn:d", "urn:nobody"] {
            prop_assert!(!found.accepts(identifier) || members.contains(&identifier), "{found} {identifier}");
        }
    }
}
