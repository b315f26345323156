//! Chromium signs in at a relying party: silently with a ticket, by the page without script, and out again; and what the pages
//! look like (`CHANCERY_PICTURES` names a directory for pictures of them).

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};

use crate::accessibility::accessible;
use crate::support::{Assertion, Browser, Lab, Trusts, claim, python_with, signing_certificate, variable};

pub fn chromium(scenes: &Value, with_ticket: bool) -> Value {
    Trusts::get();
    chromium_with(scenes, with_ticket, None)
}

/// Plays scenes in a fresh browser that finds the service by this hosts file.
pub fn chromium_with(scenes: &Value, with_ticket: bool, hosts: Option<&Path>) -> Value {
    play(scenes, with_ticket, hosts, &Value::Null)
}

/// Plays scenes in a fresh browser that presents a certificate of the lab where it is asked for one.
pub fn chromium_with_certificate(scenes: &Value, name: &str) -> Value {
    let lab = Lab::get();
    let file = lab.clients.join(format!("{name}.p12"));
    chromium_presenting(scenes, &file, &format!("https://certauth.{}", lab.host), None)
}

/// The same with any certificate (PKCS #12, password `lab`), at addresses of this pattern.
pub fn chromium_presenting(scenes: &Value, file: &Path, pattern: &str, hosts: Option<&Path>) -> Value {
    let certificate = json!({ "file": file, "password": "lab", "pattern": pattern });
    play(scenes, false, hosts, &certificate)
}

fn play(scenes: &Value, with_ticket: bool, hosts: Option<&Path>, certificate: &Value) -> Value {
    /// The relying parties have one address each.
    static ADDRESS: Mutex<()> = Mutex::new(());
    let _one = ADDRESS.lock().unwrap_or_else(PoisonError::into_inner);
    let lab = Lab::get();
    let tls = format!("{}/tls", variable("LAB"));
    let addresses = [20, 21].map(|last| format!("{}.{last}", variable("LAB_BLOCK")));
    let input = json!({
        "service": lab.url,
        "scenes": scenes,
        "profile": lab.new_file("chromium"),
        "certificate": certificate,
        "relying_party": {
            // One run at a time has them: tests run side by side.
            "addresses": addresses,
            "certificate": format!("{tls}/rp.pem"),
            "key": format!("{tls}/rp.key"),
        },
    });
    let cache = with_ticket.then(|| lab.kinit("alice", "alice"));
    python_with("chromium", &input, cache.as_deref(), hosts)
}

fn received(scene: &Value) -> Assertion {
    let received = scene["received"].as_array().expect("a list");
    assert_eq!(received.len(), 1, "{scene}");
    assert_eq!(received[0]["path"], "/signin");
    assert_eq!(received[0]["fields"]["wctx"], "a&b=c");
    // What a relying party that looks at it expects to see.
    assert_eq!(received[0]["origin"], Lab::get().url.as_str());
    let token = Assertion::cut(received[0]["fields"]["wresult"].as_str().expect("a token"));
    assert!(token.verifies(signing_certificate()), "{}", token.xml);
    assert_eq!(token.single(claim::UPN_2005), format!("alice@{}", Lab::get().domain));
    token
}

fn method(token: &Assertion) -> String {
    token.attribute("AuthenticationStatement", "AuthenticationMethod")
}

/// A picture, where somebody wants to look.
pub fn picture(name: &str) -> Value {
    match std::env::var("CHANCERY_PICTURES") {
        Ok(directory) => json!(["picture", format!("{directory}/{name}.png")]),
        Err(_) => json!(["see", "body"]),
    }
}

#[test]
fn chromium_signs_in_with_and_without_a_ticket_with_and_without_script() {
    let address = Browser::address("web", "&wctx=a%26b%3Dc");
    let name = format!("alice@{}", Lab::get().domain);
    let silent = json!([
        { "name": "silent", "steps": [["open", address], ["wait", "#done"]] },
        { "name": "again", "steps": [["open", address], ["wait", "#done"]] },
    ]);
    let answers = chromium(&silent, true);
    assert_eq!(method(&received(&answers["silent"])), "urn:federation:authentication:windows");
    assert_eq!(method(&received(&answers["again"])), "urn:federation:authentication:windows");

    let sign_in = json!([["type", name], ["tab"], ["type", "Alice-Pw-1"], ["enter"]]);
    let with = |before: Value, after: Value| {
        [before, after].iter().flat_map(|steps| steps.as_array().expect("steps").clone()).collect::<Vec<Value>>()
    };
    let page = json!([["open", address], ["wait", "#passwordInput"]]);
    let scenes = json!([
        { "name": "page", "steps": with(page.clone(), json!([["size", [1280, 800]], picture("sign-in"), ["axe"]])) },
        { "name": "wrong", "steps": with(
            json!([["type", name], ["tab"], ["type", "Wrong-1"], ["enter"], ["title", "Sign in"], ["wait", "#error:not([hidden])"]]),
            json!([picture("sign-in-wrong"), ["axe"]])) },
        { "name": "retry", "steps": [["type", "Alice-Pw-1"], ["enter"], ["wait", "#done"]] },
        { "name": "signed-out", "steps": [["open", "/adfs/ls/?wa=wsignout1.0"], ["wait", "#signoutArea"], ["wait", "iframe"], picture("sign-out"), ["axe"]] },
        { "name": "no-script", "steps": with(
            with(json!([["script", false], ["cookies"]]), page.clone()).into(),
            with(sign_in.clone(), json!([["wait", "form[name=hiddenform]"], picture("hand-over"), ["script", true], ["axe"], ["script", false], ["click", "form[name=hiddenform] button"], ["wait", "#done"]])).into()) },
        { "name": "small", "steps": with(json!([["script", true], ["cookies"], ["size", [320, 640]]]), with(page.clone(), json!([picture("sign-in-320"), ["axe"]])).into()) },
        { "name": "dark", "steps": with(json!([["size", [1280, 800]], ["dark", true]]), with(page.clone(), json!([picture("sign-in-dark"), ["axe"]])).into()) },
        { "name": "error", "steps": [["open", "/adfs/ls/?wa=wsignin1.0&wtrealm=urn:nobody"], ["wait", "#errorArea"], picture("error-dark"), ["axe"], ["dark", false], picture("error"), ["axe"]] },
        { "name": "french", "steps": with(json!([["language", "fr-FR"]]), with(page.clone(), json!([picture("sign-in-french"), ["axe"]])).into()) },
        { "name": "arabic", "steps": with(json!([["language", "ar"], ["size", [320, 640]]]), with(page.clone(), json!([picture("sign-in-arabic"), ["axe"]])).into()) },
        { "name": "small-error", "steps": [["open", "/adfs/ls/?wa=wsignin1.0&wtrealm=urn:nobody"], ["wait", "#errorArea"], picture("error-320"), ["axe"]] },
    ]);
    let answers = chromium(&scenes, false);
    accessible(&answers, 11);
    // No ticket: the page comes with the 401, and the first field has the focus.
    assert_eq!(answers["page"]["focus"], "userNameInput");
    assert!(answers["page"]["url"].as_str().is_some_and(|url| url.contains("/adfs/ls/wia?")), "{}", answers["page"]);
    assert_eq!(answers["wrong"]["focus"], "passwordInput", "the name stays, the password is typed again");
    assert!(!answers["wrong"]["html"].as_str().expect("a page").contains("Wrong-1"));
    assert!(method(&received(&answers["retry"])).ends_with("PasswordProtectedTransport"));
    let cleaned = answers["signed-out"]["cleaned"].as_array().expect("a list");
    assert!(cleaned.contains(&json!("/signin?wa=wsignoutcleanup1.0")), "{cleaned:?}");
    assert!(method(&received(&answers["no-script"])).ends_with("PasswordProtectedTransport"));
    for scene in ["small", "arabic", "small-error"] {
        assert_eq!(answers[scene]["window"], 320, "{scene}");
        assert!(answers[scene]["width"].as_u64().is_some_and(|width| width <= 320), "{scene} scrolls sideways");
    }
    assert!(answers["french"]["text"].as_str().is_some_and(|text| text.contains("Mot de passe")));
    assert!(answers["arabic"]["html"].as_str().is_some_and(|html| html.contains("dir=\"rtl\"")));
}
