//! What a stranger can put into home realm discovery, and what comes of it: nothing.

use crate::home_realm::{AD, application, encode, is_discovery, is_sign_in, outside, provider, start};
use crate::support::{Browser, Lab, NodeSetup, fields};

#[test]
fn what_names_no_candidate_leads_nowhere() {
    let node = start();
    let hostile = [
        "https://evil.example/",
        "//evil.example/",
        "urn:off",
        "urn:nobody",
        "ad authority",
        "\"'><script>alert(1)</script>",
        "javascript:alert(1)",
        "urn:north\r\nSet-Cookie: evil=1",
    ];
    for text in hostile {
        let browser = outside(&node);
        for name in ["whr", "domain_hint", "RedirectToIdentityProvider", "ChooseHomeRealm", "HomeRealmSearch"] {
            let answer = browser.ask("web", &format!("&{name}={}", encode(text)));
            assert!(is_discovery(&answer), "{name} {text}: {} {}", answer.status, answer.body);
            assert!(answer.headers.iter().all(|(_, value)| !value.contains("evil=1")), "{name}: {:?}", answer.headers);
            assert!(!answer.body.contains("<script>alert"), "{name}: {}", answer.body);
            assert_eq!(browser.cookie("MSISIPSelectionPersistent"), None);
        }
        let answer = browser.post(&Browser::address("web", ""), &[("HomeRealmSelection", text), ("Email", "")]);
        assert!(is_discovery(&answer), "{text}: {}", answer.body);
        assert!(answer.body.contains("You cannot sign in here with that organization."), "{text}: {}", answer.body);
        assert!(!answer.body.contains("<script>alert"), "{}", answer.body);
        // A cookie that somebody else put there.
        let browser = outside(&node);
        browser.ask("web", "&RedirectToIdentityProvider=urn%3Anorth");
        for cookie in [encode_base64(text), text.replace(['\r', '\n', '\t', ';'], ""), "x".repeat(3000)] {
            let thief = browser.copy();
            thief.edit_cookies(|jar| jar.replace("dXJuOm5vcnRo", &cookie));
            let answer = thief.ask("web", "");
            assert!(is_discovery(&answer), "{cookie}: {} {}", answer.status, answer.body);
        }
    }
    for name in ["username", "login_hint"] {
        let answer = outside(&node).ask("web", &format!("&{name}={}", encode("\"'><script>alert(1)</script>@x")));
        assert!(is_discovery(&answer) && !answer.body.contains("<script>alert"), "{}", answer.body);
    }
    let typed = [("Email", "\"'><script>alert(1)</script>@x"), ("HomeRealmByEmail", "Next")];
    let answer = outside(&node).post(&Browser::address("web", ""), &typed);
    assert!(is_discovery(&answer) && !answer.body.contains("<script>alert"), "{}", answer.body);
}

#[test]
fn repeated_and_overlong_values_are_refused() {
    let node = start();
    let browser = outside(&node);
    for name in [
        "whr",
        "domain_hint",
        "username",
        "login_hint",
        "RedirectToIdentityProvider",
        "ChooseHomeRealm",
        "HomeRealmSearch",
    ] {
        let answer = browser.ask("web", &format!("&{name}=urn%3Anorth&{}=urn%3Anorth", name.to_lowercase()));
        assert!(answer.status == 500 && answer.body.contains("MSIS7000"), "{name}: {} {}", answer.status, answer.body);
    }
    let address = Browser::address("web", "");
    for form in [
        &[("HomeRealmSelection", "urn:north"), ("HomeRealmSelection", AD)][..],
        &[("HomeRealmSelection", "urn:north"), ("homerealmselection", "")],
        &[("Email", "a@north.example"), ("EMAIL", "b@corp.example"), ("HomeRealmByEmail", "Next")],
        &[("HomeRealmByEmail", "Next"), ("HomeRealmByEmail", "Next")],
        &[("Email", "a\r\n@north.example"), ("HomeRealmByEmail", "Next")],
        &[("Email", &*format!("{}@north.example", "a".repeat(600))), ("HomeRealmByEmail", "Next")],
    ] {
        let answer = browser.post(&address, form);
        assert!(
            answer.status == 500 && answer.body.contains("MSIS7000"),
            "{form:?}: {} {}",
            answer.status,
            answer.body
        );
    }
    // A request that does not fit into the way to a partner is an error, and not cut.
    let long = browser.ask("north", &format!("&wctx={}", "a".repeat(9000)));
    assert!(long.status == 500 && long.header("location").is_none(), "{}", long.body);
    // A password is not checked where Active Directory may sign nobody in.
    let page = browser.ask("web", "&RedirectToIdentityProvider=AD+AUTHORITY");
    let alice = format!("alice@{}", Lab::get().domain);
    let state = fields(&page.body, "SignInState").remove(0);
    let form = [
        ("UserName", alice.as_str()),
        ("Password", "Alice-Pw-1"),
        ("AuthMethod", "FormsAuthentication"),
        ("SignInState", state.as_str()),
    ];
    let refused = browser.post(&Browser::address("partners", ""), &form);
    assert!(refused.status == 500 && refused.body.contains("MSIS7066"), "{}", refused.body);
}

#[test]
fn trusts_come_and_go_while_the_server_runs() {
    let setup = NodeSetup::new().write("trusts/none", "");
    application(&setup.directory, "web", "");
    let node = setup.start();
    let browser = Browser::outside().at(&node.address);
    assert!(is_sign_in(&browser.ask("web", "")), "nobody else there: nothing to ask");
    provider(&node.directory, "north", "Northwind Traders", "urn:north", "account_suffixes = ['north.example']");
    let (served, text) = node.reload();
    assert!(served, "{text}");
    assert!(is_discovery(&browser.ask("web", "")));
    let file = node.directory.join("trusts/cp-north.toml");
    let wrong = std::fs::read_to_string(&file).expect("a trust").replace("https://wsfed", "http://wsfed");
    std::fs::write(&file, wrong).expect("the trusts are writable");
    let (served, text) = node.reload();
    assert!(!served && text.contains("cp-north.toml") && text.contains("is not over HTTPS"), "{text}");
    assert!(is_discovery(&browser.ask("web", "")), "the last good one is served");
    std::fs::remove_file(&file).expect("it is there");
    assert!(node.reload().0);
    assert!(is_sign_in(&browser.ask("web", "")));
}

fn encode_base64(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(text)
}
