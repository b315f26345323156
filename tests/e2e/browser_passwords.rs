//! Chromium and passwords that are not simply right: locked out after too many wrong ones, and expired, changed in the middle of a
//! sign-in; with script and without, and what it looks like (`CHANCERY_PICTURES`).

use serde_json::{Value, json};

use crate::accessibility::accessible;
use crate::browser::{chromium_with, picture};
use crate::home_realm::application;
use crate::support::{Assertion, Browser, Node, NodeSetup, claim};
use crate::throwaway::Account;

/// A server of a test's own: its lockout is nobody else's.
fn start() -> Node {
    let setup = NodeSetup::new().write("trusts/none", "");
    let rules = format!("transform_rules = '''c:[Type == \"{}\"] => issue(claim = c);'''", claim::UPN_2005);
    application(&setup.directory, "web", &rules);
    setup.start()
}

/// Sends a password and waits for the page that says what came of it; the name stands there already.
fn attempt(password: &str) -> Vec<Value> {
    vec![
        json!(["run", "document.body.dataset.sent = 1"]),
        json!(["type", password]),
        json!(["enter"]),
        json!(["wait", "body:not([data-sent]) #error:not([hidden])"]),
    ]
}

fn scene(name: &str, parts: &[Vec<Value>]) -> Value {
    json!({ "name": name, "steps": parts.concat() })
}

fn steps(steps: Value) -> Vec<Value> {
    steps.as_array().expect("steps").clone()
}

#[test]
fn chromium_shows_the_same_page_to_whoever_is_locked_out() {
    let account = Account::new("out").create();
    let node = start();
    let open = steps(json!([["size", [1280, 800]], ["open", Browser::address("web", "")], ["wait", "#passwordInput"]]));
    let first = [steps(json!([["type", account.upn()], ["tab"]])), attempt("Wrong-1")].concat();
    let looks = steps(json!([picture("sign-in-locked"), ["axe"]]));
    let scenes = json!([
        scene("wrong", &[open, first]),
        scene("again", &[attempt("Wrong-2"), attempt("Wrong-3"), attempt("Wrong-4"), attempt("Wrong-5")]),
        scene("right", &[attempt(&account.password), looks]),
    ]);
    let answers = chromium_with(&scenes, false, Some(&node.hosts()));
    accessible(&answers, 1);
    let said = |name: &str| answers[name]["text"].as_str().expect("a page").to_owned();
    assert!(said("wrong").contains("wait half an hour before the next one"), "{}", said("wrong"));
    assert_eq!(said("wrong"), said("again"), "nobody learns that an account is locked");
    assert_eq!(said("wrong"), said("right"), "not even with the right password");
    assert_eq!(answers["right"]["focus"], "passwordInput");
    let audit = std::fs::read_to_string(node.directory.join("audit.jsonl")).expect("an audit log");
    assert!(audit.contains("ExtranetLockoutError") && audit.contains("\"EventID\":1210"), "{audit}");
    assert!(account.bad_passwords() < 5, "the domain's own threshold is not met");
}

#[test]
fn chromium_changes_an_expired_password_on_the_way_in() {
    let expired = || Account::new("old").with("userAccountControl: 512\npwdLastSet: 0").create();
    let (account, french) = (expired(), expired());
    let new = "Changed-Pw-2";
    let node = start();
    let address = Browser::address("web", "&wctx=a%26b%3Dc");
    let sign_in = |account: &Account, password: &str| {
        steps(json!([["wait", "#passwordInput"], ["type", account.upn()], ["tab"], ["type", password], ["enter"]]))
    };
    let change = |account: &Account| {
        steps(json!([["type", account.password], ["tab"], ["type", new], ["tab"], ["type", new], ["enter"]]))
    };
    let open = steps(json!([["size", [1280, 1000]], ["open", address]]));
    let page = steps(json!([["wait", "#newPasswordInput"], picture("password-expired"), ["axe"]]));
    let done = steps(json!([["wait", "#goOn"], picture("password-expired-changed"), ["axe"]]));
    let small = steps(json!([
        ["cookies"],
        ["script", false],
        ["language", "fr"],
        ["dark", true],
        ["size", [320, 900]],
        ["open", address]
    ]));
    let small_page = steps(json!([
        ["wait", "#newPasswordInput"],
        picture("password-expired-320-dark-french"),
        ["script", true],
        ["axe"],
        ["script", false]
    ]));
    let scenes = json!([
        scene("expired", &[open, sign_in(&account, &account.password), page]),
        scene("changed", &[change(&account), done]),
        scene("in", &[steps(json!([["click", "#goOn"]])), sign_in(&account, new), steps(json!([["wait", "#done"]]))]),
        scene("french", &[small, sign_in(&french, &french.password), small_page]),
        scene(
            "french-in",
            &[
                change(&french),
                steps(json!([["wait", "#goOn"], ["click", "#goOn"]])),
                sign_in(&french, new),
                steps(json!([
                    ["wait", "form[name=hiddenform]"],
                    ["click", "form[name=hiddenform] button"],
                    ["wait", "#done"]
                ])),
            ]
        ),
    ]);
    let answers = chromium_with(&scenes, false, Some(&node.hosts()));
    accessible(&answers, 3);
    let text = |name: &str| answers[name]["text"].as_str().expect("a page").to_owned();
    assert!(text("expired").contains("Your password has expired. Choose a new one to go on."), "{}", text("expired"));
    assert_eq!(answers["expired"]["focus"], "oldPasswordInput", "the name is known");
    assert!(text("french").contains("Votre mot de passe a expiré."), "{}", text("french"));
    assert!(answers["french"]["width"].as_u64().is_some_and(|width| width <= 320), "scrolls sideways");
    for (name, account) in [("in", &account), ("french-in", &french)] {
        let received = &answers[name]["received"][0]["fields"];
        assert_eq!(received["wctx"], "a&b=c", "{}", answers[name]);
        let token = Assertion::cut(received["wresult"].as_str().expect("a token"));
        assert_eq!(token.single(claim::UPN_2005), account.upn());
    }
    let log = std::fs::read_to_string(node.directory.join("audit.jsonl")).expect("an audit log");
    assert_eq!(log.matches("\"EventID\":1204").count(), 2, "{log}");
}
