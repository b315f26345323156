//! Chromium signs out across three relying parties: the page says which of them have been told, and goes on when all have; without
//! script it goes on all the same. And what it looks like (`CHANCERY_PICTURES`).

use serde_json::{Value, json};

use crate::accessibility::accessible;
use crate::browser::{chromium, picture};
use crate::support::{Browser, Lab, Trusts};

const THREE: [&str; 3] = ["web", "web-saml2", "web-second"];
const CLEAN_UPS: [&str; 3] =
    ["/signin?wa=wsignoutcleanup1.0", "/wsfed?wa=wsignoutcleanup1.0", "/wsfed?tenant=1&wa=wsignoutcleanup1.0"];
const SIGN_OUT: &str = "/adfs/ls/?wa=wsignout1.0&wreply=https%3A%2F%2Fwsfed.rp.example%2Fsignin%2Fbye";

/// Signs in with a password, and at the others by the session.
fn sign_in() -> Vec<Value> {
    let name = format!("alice@{}", Lab::get().domain);
    let mut steps = vec![
        json!(["cookies"]),
        json!(["open", Browser::address("web", "")]),
        json!(["wait", "#passwordInput"]),
        json!(["type", name]),
        json!(["tab"]),
        json!(["type", "Alice-Pw-1"]),
        json!(["enter"]),
        json!(["wait", "#done"]),
    ];
    for trust in &THREE[1..] {
        // Away first, so that the page before is not taken for the next.
        steps.extend([
            json!(["open", "about:blank"]),
            json!(["open", Browser::address(trust, "")]),
            json!(["wait", "#done"]),
        ]);
    }
    steps
}

#[test]
fn chromium_signs_out_across_three_relying_parties_and_says_how_far_it_is() {
    Trusts::get();
    let told = |count: usize| json!(["see", format!("#signoutList:has(.done:nth-child({count}))")]);
    let with = |before: Vec<Value>, after: Value| [before, after.as_array().expect("steps").clone()].concat();
    let slow = CLEAN_UPS[2];
    let scenes = json!([
        { "name": "signed-in", "steps": with(vec![json!(["size", [1280, 800]])], json!(sign_in())) },
        { "name": "under-way", "steps": [["hold", slow], ["open", "/adfs/ls/?wa=wsignout1.0"], told(1), told(2), picture("sign-out-three-under-way")] },
        { "name": "told", "steps": [["release", slow], told(3), picture("sign-out-three"), ["axe"], ["dark", true], ["size", [320, 640]], picture("sign-out-three-320-dark"), ["axe"], ["dark", false]] },
        { "name": "over", "steps": [["open", Browser::address("web-second", "")], ["wait", "#passwordInput"]] },
        { "name": "arabic", "steps": with(sign_in(), json!([["language", "ar"], ["open", "/adfs/ls/?wa=wsignout1.0"], told(3), picture("sign-out-three-arabic"), ["axe"], ["language", "en"]])) },
        { "name": "goes-on", "steps": with(sign_in(), json!([["open", SIGN_OUT], ["title", "Relying party"]])) },
        { "name": "no-script", "steps": with(sign_in(), json!([["script", false], ["open", SIGN_OUT], ["wait", "#signoutList"], ["title", "Relying party"]])) },
    ]);
    let answers = chromium(&scenes, false);
    accessible(&answers, 3);
    let text = answers["under-way"]["text"].as_str().expect("a page");
    for trust in THREE {
        assert!(text.contains(&format!("End-to-end test {trust}")), "{trust} in {text}");
    }
    assert_eq!(
        text.matches("told\n").count() + usize::from(text.ends_with("told")),
        2,
        "the third has not answered: {text}"
    );
    let cleaned = |scene: &str| answers[scene]["cleaned"].as_array().expect("a list").clone();
    let all = [cleaned("under-way"), cleaned("told")].concat();
    for scene in [all, cleaned("arabic"), cleaned("goes-on"), cleaned("no-script")] {
        for clean_up in CLEAN_UPS {
            assert!(scene.contains(&json!(clean_up)), "{clean_up} in {scene:?}");
        }
    }
    for scene in ["goes-on", "no-script"] {
        assert_eq!(answers[scene]["url"], "https://wsfed.rp.example/signin/bye", "{scene}");
    }
    for scene in ["told", "arabic"] {
        assert!(answers[scene]["width"].as_u64().is_some_and(|width| width <= 320), "{scene} scrolls sideways");
    }
}
