//! Sessions of browsers: how long they are good for what, what is in the cookies, loops, and sign-out.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::oauth::{ProofKey, authorize, form, json, parameter, redirected};
use crate::support::{Browser, HandOver, Lab, Node, NodeSetup, Response, Trusts, inputs, unescape};
use crate::throwaway::{Account, unicode_password};

fn alice() -> String {
    format!("alice@{}", Lab::get().domain)
}

fn is_page(answer: &Response) -> bool {
    answer.status == 200 && inputs(&answer.body).iter().any(|(name, _)| name == "Password")
}

#[test]
fn a_fresh_sign_in_is_a_fresh_sign_in() {
    Trusts::get();
    let browser = Browser::outside();
    browser.sign_in("web", &alice(), "Alice-Pw-1");
    HandOver::of(&browser.ask("web", "&wfresh=60"));
    for more in ["&wfresh=0", "&prompt=login"] {
        let page = browser.ask("web", more);
        assert!(is_page(&page), "{more}: {}", page.body);
        // No redirection: the next request would want a fresh sign-in as well.
        let answer = browser.fill_in(&page, &alice(), "Alice-Pw-1");
        HandOver::of(&answer);
        assert!(is_page(&browser.ask("web", more)), "{more}");
    }
    HandOver::of(&browser.ask("web", ""));
}

#[test]
fn cookies_that_are_forged_swapped_or_of_another_farm_are_no_session() {
    Trusts::get();
    let browser = Browser::outside();
    browser.sign_in("web", &alice(), "Alice-Pw-1");
    let value = browser.cookie("MSISAuth").expect("a session");
    let participants = browser.cookie("MSISSignOut").expect("participants");
    let looping = browser.cookie("MSISLoopDetectionCookie").expect("a count");
    assert!(value.starts_with("1."), "{value}");
    let middle = value.len() / 2;
    let flipped = if value.as_bytes()[middle] == b'A' { "B" } else { "A" };
    let changed = [&value[..middle], flipped, &value[middle + 1..]].concat();
    let forged = [
        changed,
        value[..value.len() - 1].to_owned(),
        value[2..].to_owned(),
        format!("2.{}", &value[2..]),
        format!("1.{participants}"),
        format!("1.{looping}"),
        "1.".into(),
        "1.AAAA".into(),
        "x".repeat(2000),
        "0".into(),
    ];
    for cookie in forged {
        let thief = browser.copy();
        thief.edit_cookies(|jar| jar.replace(&value, &cookie));
        let answer = thief.ask("web", "");
        assert!(is_page(&answer), "{cookie}: {} {}", answer.status, answer.body);
    }
    HandOver::of(&browser.copy().ask("web", ""));
}

/// A trust like `urn:e2e:web`, for a server of a test's own.
const TRUST: &str = "[relying_party]\nname = \"Web\"\nidentifiers = [\"urn:e2e:web\"]\naccess_control_policy = \"permit-everyone\"\n\
    transform_rules = 'c:[Type == \"http://schemas.microsoft.com/2014/03/psso\"] => issue(claim = c);'\n\
    [relying_party.ws_federation]\nendpoint = \"https://rp.example/wsfed\"\n";

/// Signs in with or without "keep me signed in"; the session's cookie, as it was set.
fn sign_in(browser: &Browser, name: &str, password: &str, keep: bool) -> String {
    let page = browser.ask("web", "");
    let state = inputs(&page.body).into_iter().find(|(name, _)| name == "SignInState").expect("a state").1;
    let mut fields = vec![
        ("UserName", name),
        ("Password", password),
        ("AuthMethod", "FormsAuthentication"),
        ("SignInState", state.as_str()),
    ];
    if keep {
        fields.push(("Kmsi", "true"));
    }
    let answer = browser.post(&Browser::address("web", ""), &fields);
    assert_eq!(answer.status, 302, "{}", answer.body);
    let cookies: Vec<String> =
        answer.headers.iter().filter(|(name, _)| name == "set-cookie").map(|(_, value)| value.clone()).collect();
    cookies.into_iter().find(|cookie| cookie.starts_with("MSISAuth=")).expect("a session")
}

#[test]
fn a_session_that_is_kept_ends_when_the_password_changes() {
    let node = NodeSetup::new()
        .replace("[sign_in]\n", "[sign_in]\nkeep_signed_in = true\n")
        .write("trusts/web.toml", TRUST)
        .start();
    let account = Account::new("kept").create();
    let browser = |keep: bool| {
        let browser = Browser::outside().at(&node.address);
        let cookie = sign_in(&browser, &account.upn(), &account.password, keep);
        assert_eq!(cookie.contains("Max-Age"), keep, "{cookie}");
        let token = HandOver::of(&browser.ask("web", "")).result;
        assert_eq!(token.contains("AttributeName=\"psso\""), keep, "{token}");
        browser
    };
    let (kept, other) = (browser(true), browser(false));
    account.modify(&format!("replace: unicodePwd\nunicodePwd:: {}", unicode_password("Changed-Pw-2")));
    let asked = kept.ask("web", "");
    assert!(is_page(&asked), "{}", asked.body);
    node.logged("the account's password was changed since the session began");
    HandOver::of(&other.ask("web", ""));
    // With the new one it is kept again, although the clock of the domain may be ahead.
    sign_in(&kept, &account.upn(), "Changed-Pw-2", true);
    HandOver::of(&kept.ask("web", ""));
    account.modify("replace: pwdLastSet\npwdLastSet: 0");
    assert!(is_page(&kept.ask("web", "")), "it must be changed: the same");
}

#[test]
fn what_came_of_a_session_that_is_kept_ends_with_the_password_too() {
    const CLIENT: &str = "kept";
    const BACK: &str = "http://127.0.0.1:8400/cb";
    let client = format!("[client]\nid = \"{CLIENT}\"\nkind = \"native\"\nredirect_uris = [\"{BACK}\"]\n");
    let node = NodeSetup::new()
        .replace("[sign_in]\n", "[sign_in]\nkeep_signed_in = true\n")
        .write("trusts/web.toml", TRUST)
        .write("trusts/client.toml", client)
        .start();
    let account = Account::new("keptcode").create();
    let browser = Browser::outside().at(&node.address);
    let post = |fields: &[(&str, &str)]| {
        let request = node.curl("/adfs/oauth2/token").header("Content-Type", "application/x-www-form-urlencoded");
        let answer = request.post(form(fields)).send();
        (answer.status, json(&answer))
    };
    let refresh = |token: &serde_json::Value| {
        let token = token["refresh_token"].as_str().unwrap_or_else(|| panic!("{token}"));
        post(&[("grant_type", "refresh_token"), ("client_id", CLIENT), ("refresh_token", token)])
    };
    let code = || {
        let proof = ProofKey::new();
        let answer = browser.get(&authorize(&[
            ("response_type", "code"),
            ("client_id", CLIENT),
            ("redirect_uri", BACK),
            ("scope", "openid"),
            ("code_challenge", &proof.challenge),
            ("code_challenge_method", "S256"),
        ]));
        let code = parameter(&redirected(&answer).1, "code").expect("a code");
        let (status, tokens) = post(&[
            ("grant_type", "authorization_code"),
            ("client_id", CLIENT),
            ("code", &code),
            ("redirect_uri", BACK),
            ("code_verifier", &proof.verifier),
        ]);
        assert_eq!(status, 200, "{tokens}");
        tokens
    };
    sign_in(&browser, &account.upn(), &account.password, true);
    let (status, first) = refresh(&code());
    assert_eq!(status, 200, "{first}");
    assert!(first["refresh_token_expires_in"].as_u64().is_some_and(|seconds| seconds > 80_000), "it is kept: {first}");
    account.modify(&format!("replace: unicodePwd\nunicodePwd:: {}", unicode_password("Changed-Pw-2")));
    let (status, answer) = refresh(&first);
    assert_eq!((status, &answer["error"]), (400, &"invalid_grant".into()), "{answer}");
    node.logged("the password was changed since the sign-in");
    sign_in(&browser, &account.upn(), "Changed-Pw-2", true);
    assert_eq!(refresh(&code()).0, 200);
}

#[test]
fn a_session_ends_when_the_configuration_says_and_is_kept_when_the_person_says() {
    let short = "[sign_in]\nkeep_signed_in = true\nsso_lifetime_minutes = 1\nkeep_signed_in_lifetime_minutes = 90\n";
    let node = NodeSetup::new().replace("[sign_in]\n", short).write("trusts/web.toml", TRUST).start();
    let kept = Browser::outside().at(&node.address);
    let page = kept.ask("web", "");
    assert!(
        page.body.contains("<input id=\"kmsiInput\" name=\"Kmsi\" type=\"checkbox\" value=\"true\">"),
        "{}",
        page.body
    );
    let sign_in = |browser: &Browser, keep: bool| sign_in(browser, &alice(), "Alice-Pw-1", keep);
    let cookie = sign_in(&kept, true);
    let seconds: u64 = cookie.rsplit_once("; Max-Age=").expect("it is kept").1.parse().expect("seconds");
    assert!((5390..=5400).contains(&seconds), "{cookie}");
    let short = Browser::outside().at(&node.address);
    assert!(!sign_in(&short, false).contains("Max-Age"));
    HandOver::of(&short.ask("web", ""));
    // The lab's server has another key: a session of one farm is none of another's.
    Trusts::get();
    let lab = Browser::outside();
    lab.sign_in("web", &alice(), "Alice-Pw-1");
    assert!(is_page(&lab.at(&node.address).ask("web", "")));
    let deadline = Instant::now() + Duration::from_secs(75);
    while !is_page(&short.ask("web", "&wct=1")) {
        assert!(Instant::now() < deadline, "the session never ends");
        // Slow enough that this is no loop.
        std::thread::sleep(Duration::from_secs(6));
    }
    HandOver::of(&kept.ask("web", ""));
    // The application's own session has not ended with it.
    assert_eq!(told_at_sign_out(&short), ["https://rp.example/wsfed"]);
    assert_eq!(told_at_sign_out(&short), [""; 0], "it was told once");
}

/// `chancery keys …` of a server, which must succeed; the id of the first key it speaks of.
fn keys(node: &Node, arguments: &[&str]) -> String {
    let arguments: Vec<&str> = ["keys"].into_iter().chain(arguments.iter().copied()).collect();
    let output = node.command(&arguments).output().expect("the program runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    said.split_whitespace().find(|word| word.len() == 32).unwrap_or_default().to_owned()
}

#[test]
fn another_sealing_key_signs_nobody_out_until_the_old_one_is_removed() {
    let node = NodeSetup::new().write("trusts/web.toml", TRUST).start();
    let listed: Value = {
        let output = node.command(&["keys", "list", "--json"]).output().expect("the program runs");
        serde_json::from_slice(&output.stdout).expect("a list")
    };
    let all = listed["keys"].as_array().expect("keys");
    let old = all.iter().find(|key| key["purpose"] == "sealing").expect("a sealing key");
    let old = old["id"].as_str().expect("an id").to_owned();
    let reload = || {
        let (served, said) = node.reload();
        assert!(served, "{said}");
    };
    let sign_in = || {
        let browser = Browser::outside().at(&node.address);
        sign_in(&browser, &alice(), "Alice-Pw-1", false);
        HandOver::of(&browser.ask("web", ""));
        browser
    };
    let early = sign_in();
    // A page that is open meanwhile is good for its sign-in, too.
    let reader = Browser::outside().at(&node.address);
    let page = reader.ask("web", "");
    let new = keys(&node, &["generate", "--purpose", "sealing"]);
    reload();
    HandOver::of(&early.ask("web", ""));
    keys(&node, &["promote", &new]);
    reload();
    HandOver::of(&early.ask("web", ""));
    let answer = reader.fill_in(&page, &alice(), "Alice-Pw-1");
    HandOver::of(&reader.get(answer.header("location").expect("a location")));
    let late = sign_in();
    keys(&node, &["remove", &old]);
    reload();
    assert!(is_page(&early.ask("web", "")), "what the removed key sealed is worth nothing");
    HandOver::of(&late.ask("web", ""));
}

#[test]
fn a_browser_that_comes_again_and_again_is_stopped_for_that_application_only() {
    Trusts::get();
    let lab = Lab::get();
    let browser = Browser::outside();
    browser.sign_in("web-loop", &alice(), "Alice-Pw-1");
    let started = Instant::now();
    let mut tokens = 1;
    let stopped = loop {
        let answer = browser.ask("web-loop", "");
        if answer.status != 200 {
            break answer;
        }
        HandOver::of(&answer);
        tokens += 1;
        assert!(tokens < 20, "{:?}", started.elapsed());
    };
    assert_eq!((tokens, stopped.status), (5, 500), "{}", stopped.body);
    assert!(stopped.body.contains("MSIS7042"), "{}", stopped.body);
    assert_eq!(lab.audit(&stopped.correlation).event(364)["ErrorCode"], "MSIS7042");
    HandOver::of(&browser.ask("web", ""));
    let deadline = Instant::now() + Duration::from_secs(40);
    while browser.ask("web-loop", "").status != 200 {
        assert!(Instant::now() < deadline, "the loop is never forgotten");
        std::thread::sleep(Duration::from_secs(1));
    }
}

#[test]
fn a_member_of_two_hundred_groups_has_small_cookies() {
    Trusts::get();
    let browser = Browser::outside();
    let form = browser.sign_in("web", &format!("manygroups@{}", Lab::get().domain), "Many-Pw-1");
    assert!(form.result.matches("S-1-5-21-").count() > 200, "every group is in the token");
    let again = HandOver::of(&browser.ask("web", ""));
    assert_eq!(again.result.matches("S-1-5-21-").count(), form.result.matches("S-1-5-21-").count());
    let octets: usize = browser.cookies().iter().map(|(name, value)| name.len() + value.len() + 3).sum();
    assert!(octets < 4096, "{octets}");
}

#[test]
fn signing_out_ends_the_session_here_and_at_every_relying_party() {
    Trusts::get();
    let lab = Lab::get();
    let browser = Browser::outside();
    browser.sign_in("web", &alice(), "Alice-Pw-1");
    HandOver::of(&browser.ask("web-saml2", ""));
    HandOver::of(&browser.ask("web-second", ""));
    let thief = browser.copy();
    HandOver::of(&thief.ask("web", ""));

    let page = browser.get("/adfs/ls/?wa=wsignout1.0&wreply=https%3A%2F%2Fwsfed.rp.example%2Fsignin%2Fbye");
    assert_eq!(page.status, 200, "{}", page.body);
    let text = unescape(&page.body);
    for address in [
        "https://wsfed.rp.example/signin?wa=wsignoutcleanup1.0",
        "https://rp.example/wsfed?wa=wsignoutcleanup1.0",
        "https://app.rp.example/wsfed?tenant=1&wa=wsignoutcleanup1.0",
    ] {
        assert!(text.contains(&format!("<iframe src=\"{address}\" hidden")), "{address} in {text}");
    }
    assert!(text.contains("href=\"https://wsfed.rp.example/signin/bye\""), "{text}");
    let policy = page.header("content-security-policy").expect("a policy");
    assert!(
        policy.contains("; frame-src https://app.rp.example https://rp.example https://wsfed.rp.example;"),
        "{policy}"
    );
    let event = lab.audit(&page.correlation).event(1206);
    assert!(event["UserId"].as_str().is_some_and(|user| user.ends_with("\\alice")), "{event}");
    assert_eq!(browser.cookie("MSISAuth"), None, "{:?}", browser.cookies());
    assert!(is_page(&browser.ask("web", "")));
    assert!(is_page(&thief.ask("web", "")), "a copy of the cookie is worth nothing");

    // Nobody is signed in: nothing to clean up, so the person goes on at once.
    let gone = browser.get("/adfs/ls/?wa=wsignout1.0&wreply=https%3A%2F%2Frp.example%2Fwsfed");
    assert_eq!((gone.status, gone.header("location")), (302, Some("https://rp.example/wsfed")));
}

#[test]
fn sign_out_leads_nowhere_else() {
    Trusts::get();
    for reply in [
        "https://evil.example/",
        "https%3A%2F%2Frp.example.evil.example%2Fwsfed",
        "javascript:alert(1)",
        "//evil.example",
    ] {
        let page = Browser::outside().get(&format!("/adfs/ls/?wa=wsignout1.0&wreply={reply}"));
        assert_eq!((page.status, page.header("location")), (200, None), "{reply}");
        assert!(!page.body.contains("evil.example") && !page.body.contains("javascript"), "{reply}: {}", page.body);
    }
}

#[test]
fn clean_up_can_stand_in_anybodys_frame_and_nothing_else_can() {
    Trusts::get();
    let browser = Browser::outside();
    browser.sign_in("web", &alice(), "Alice-Pw-1");
    let page = browser.ask("web", "&wfresh=0");
    assert_eq!(page.header("x-frame-options"), Some("DENY"));
    assert!(page.header("content-security-policy").is_some_and(|policy| policy.contains("frame-ancestors 'none'")));
    let page = browser.get("/adfs/ls/?wa=wsignoutcleanup1.0&wreply=https%3A%2F%2Fwsfed.rp.example%2Fsignin");
    assert_eq!((page.status, page.header("location"), page.header("x-frame-options")), (200, None, None));
    assert!(page.header("content-security-policy").is_some_and(|policy| policy.contains("frame-ancestors https:")));
    assert_eq!(browser.cookie("MSISAuth"), None);
}

/// Where a sign-out of this browser tells relying parties of it.
fn told_at_sign_out(browser: &Browser) -> Vec<String> {
    let page = browser.get("/adfs/ls/?wa=wsignout1.0");
    let text = unescape(&page.body);
    let frames = text.split("<iframe src=\"").skip(1);
    frames.map(|rest| rest.split('?').next().unwrap_or_default().to_owned()).collect()
}

#[test]
fn whom_a_sign_out_tells_is_of_one_session_and_one_person() {
    Trusts::get();
    let (alice, bob) = (alice(), format!("bob@{}", Lab::get().domain));
    let (hers, his) = (Browser::outside(), Browser::outside());
    hers.sign_in("web", &alice, "Alice-Pw-1");
    his.sign_in("web-second", &bob, "Bob-Pw-1");
    // Her list in his browser is nobody's.
    let (list, own) = (hers.cookie("MSISSignOut").expect("a list"), his.cookie("MSISSignOut").expect("a list"));
    let swapped = his.copy();
    swapped.edit_cookies(|jar| jar.replace(&own, &list));
    assert_eq!(told_at_sign_out(&swapped), Vec::<String>::new());
    assert_eq!(told_at_sign_out(&hers), ["https://wsfed.rp.example/signin"]);

    // Somebody else signs in, in the same browser, without a sign-out: what she signed in to is not his.
    let shared = Browser::outside();
    shared.sign_in("web", &alice, "Alice-Pw-1");
    let page = shared.ask("web-second", "&wfresh=0");
    HandOver::of(&shared.fill_in(&page, &bob, "Bob-Pw-1"));
    assert_eq!(told_at_sign_out(&shared), ["https://app.rp.example/wsfed"]);
    // The same person anew is still signed in there.
    let again = Browser::outside();
    again.sign_in("web", &alice, "Alice-Pw-1");
    let page = again.ask("web-second", "&wfresh=0");
    HandOver::of(&again.fill_in(&page, &alice, "Alice-Pw-1"));
    assert_eq!(told_at_sign_out(&again).len(), 2);
}

#[test]
fn sign_out_leads_to_no_relying_party_that_is_switched_off() {
    let off = TRUST.replace("urn:e2e:web", "urn:e2e:off").replace("rp.example/wsfed", "off.rp.example/wsfed");
    let off = off.replace("name = \"Web\"", "name = \"Off\"\nenabled = false");
    let node = NodeSetup::new().write("trusts/web.toml", TRUST).write("trusts/off.toml", off).start();
    let leave = |address: &str| {
        let browser = Browser::outside().at(&node.address);
        browser.get(&format!("/adfs/ls/?wa=wsignout1.0&wreply=https%3A%2F%2F{address}%2Fwsfed"))
    };
    assert_eq!(leave("rp.example").header("location"), Some("https://rp.example/wsfed"));
    let stays = leave("off.rp.example");
    assert_eq!((stays.status, stays.header("location")), (200, None), "{}", stays.body);
    assert!(!stays.body.contains("off.rp.example"), "{}", stays.body);
}
