//! axe-core finds nothing on any page, by the rules of WCAG 2.2 AA. The scenes of the other tests in Chromium look at their own pages;
//! those of changing a password are here.

use serde_json::{Value, json};

use crate::browser::{chromium_with, picture};
use crate::support::{Browser, Trusts};
use crate::throwaway::Account;

/// Asserts that axe-core looked at so many pages and found nothing wrong.
pub fn accessible(answers: &Value, pages: u64) {
    let scenes = answers.as_object().expect("scenes");
    for (name, scene) in scenes {
        assert_eq!(scene["axe"]["wrong"], json!([]), "{name}: {:#}", scene["axe"]["wrong"]);
    }
    assert_eq!(
        scenes.values().filter_map(|scene| scene["axe"]["pages"].as_u64()).sum::<u64>(),
        pages,
        "pages looked at"
    );
}

#[test]
fn the_pages_on_which_a_password_is_changed_are_accessible() {
    let account = Account::new("axe").create();
    let page = format!("/adfs/portal/updatepassword/?username={}", account.upn());
    let new = "Changed-Pw-2";
    let scenes = json!([
        { "name": "page", "steps": [["size", [1280, 1000]], ["open", page], ["wait", "#oldPasswordInput"], picture("update-password"), ["axe"]] },
        { "name": "rules", "steps": [["type", account.password], ["tab"], ["type", "Sh-1"], ["tab"], ["type", "Sh-1"], ["enter"],
            ["wait", "#passwordRules"], picture("update-password-rules"), ["axe"], ["dark", true], ["axe"], ["size", [320, 900]],
            picture("update-password-320"), ["axe"]] },
        { "name": "updated", "steps": [["dark", false], ["open", page], ["wait", "#oldPasswordInput"], ["type", account.password], ["tab"],
            ["type", new], ["tab"], ["type", new], ["enter"], ["title", "is changed"], picture("password-updated"), ["axe"]] },
    ]);
    let answers = chromium_with(&scenes, false, None);
    accessible(&answers, 5);
    assert_eq!(answers["page"]["focus"], "oldPasswordInput");
    assert!(answers["rules"]["width"].as_u64().is_some_and(|width| width <= 320), "scrolls sideways");
}

#[test]
fn axe_core_finds_what_is_wrong() {
    let broken = "document.documentElement.lang = ''; document.querySelector('label').remove();
        document.querySelector('#userNameInput').placeholder = ''; document.querySelector('#loginMessage').style.color = '#aaa'";
    let scenes = json!([
        { "name": "broken", "steps": [["open", Browser::address("web", "")], ["wait", "#passwordInput"], ["run", broken], ["axe"]] },
    ]);
    Trusts::get();
    let answers = chromium_with(&scenes, false, None);
    let found = answers["broken"]["axe"]["wrong"].to_string();
    for rule in ["violations html-has-lang", "violations label", "violations color-contrast"] {
        assert!(found.contains(rule), "{rule} in {found}");
    }
}
