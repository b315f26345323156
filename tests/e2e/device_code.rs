//! A device without a browser signs in by a code that a person enters elsewhere (RFC 8628).

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::accessibility::accessible;
use crate::browser::{chromium_with, picture};
use crate::support::oauth::{
    API, DEVICE, LEGACY, NATIVE, OAuth, OTHER_DEVICE, SECRET, SERVER, form, json as body, payload, refused, token,
};
use crate::support::{Browser, Curl, Lab, NodeSetup, Response, fields, inputs, python};
use crate::throwaway::Account;

const PAGE: &str = "/adfs/oauth2/deviceauth";

/// Somebody who has entered no code yet.
fn person() -> Account {
    Account::new("codes").create()
}

/// Asks for codes.
fn ask(parameters: &[(&str, &str)]) -> Response {
    Curl::new(&format!("{}/adfs/oauth2/devicecode", Lab::get().url))
        .header("Content-Type", "application/x-www-form-urlencoded")
        .post(form(parameters))
        .send()
}

/// The codes of the device client for a resource.
fn codes(resource: &str) -> Value {
    let answer = ask(&[("client_id", DEVICE), ("resource", resource), ("scope", "openid profile")]);
    assert_eq!((answer.status, answer.header("cache-control")), (200, Some("no-store")), "{}", answer.body);
    body(&answer)
}

fn poll(codes: &Value) -> Response {
    poll_as(DEVICE, codes)
}

fn poll_as(client: &str, codes: &Value) -> Response {
    let code = codes["device_code"].as_str().expect("a code");
    token(&[
        ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
        ("client_id", client),
        ("device_code", code),
    ])
}

/// Asks as a patient device does, until somebody has decided.
fn await_decision(codes: &Value) -> Response {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let answer = poll(codes);
        let waits = answer.status == 400
            && ["authorization_pending", "slow_down"].map(Value::from).contains(&body(&answer)["error"]);
        if !waits {
            return answer;
        }
        assert!(Instant::now() < deadline, "nobody decides: {}", answer.body);
        std::thread::sleep(Duration::from_secs(6));
    }
}

pub fn user_code(codes: &Value) -> String {
    codes["user_code"].as_str().expect("a code").to_owned()
}

/// The page, for somebody who signs in for it.
pub fn enter(browser: &Browser, account: &Account) -> Response {
    let page = browser.get(PAGE);
    assert!(page.body.contains("id=\"loginForm\""), "{}", page.body);
    let filled = browser.fill_in(&page, &account.upn(), &account.password);
    assert_eq!(filled.status, 302, "{}", filled.body);
    browser.get(PAGE)
}

/// Writes a code into the page.
pub fn write(browser: &Browser, page: &Response, code: &str) -> Response {
    let state = fields(&page.body, "State").pop().unwrap_or_else(|| panic!("no page: {}", page.body));
    browser.post(PAGE, &[("UserCode", code), ("State", &state)])
}

pub fn decide(browser: &Browser, question: &Response, decision: &str) -> Response {
    let answer = fields(&question.body, "Answer").pop().unwrap_or_else(|| panic!("no question: {}", question.body));
    browser.post(PAGE, &[("Answer", &answer), ("Decision", decision)])
}

#[test]
fn msal_for_python_signs_in_by_a_code() {
    OAuth::get();
    let lab = Lab::get();
    let input = json!({ "authority": format!("{}/adfs", lab.url), "client": DEVICE, "scope": "https://api.rp.example//.default" });
    let flow = python("msal_device", &input, None)["flow"].clone();
    let code = user_code(&flow);
    assert_eq!(code.len(), 9, "{flow}");
    assert_eq!(flow["verification_uri"], format!("{}{PAGE}", lab.url));
    assert_eq!(flow["verification_url"], flow["verification_uri"]);
    assert_eq!((&flow["interval"], &flow["expires_in"]), (&json!(5), &json!(600)));
    assert!(flow["message"].as_str().is_some_and(|text| text.contains(&code) && text.contains(PAGE)), "{flow}");

    // The address with the code leads to the sign-in first, and then only to the field that it fills in.
    let complete = flow["verification_uri_complete"].as_str().expect("an address").replace(&lab.url, "");
    let browser = Browser::outside();
    let account = person();
    let filled = browser.fill_in(&browser.get(&complete), &account.upn(), &account.password);
    assert_eq!(filled.header("location"), Some(&*complete), "{}", filled.body);
    let page = browser.get(&complete);
    assert!(inputs(&page.body).contains(&("UserCode".into(), code.clone())), "{}", page.body);
    let spaced = format!("{}-{} {}", &code[..3].to_lowercase(), &code[3..6], &code[6..]);
    let question = write(&browser, &page, &spaced);
    for shown in ["Television", "api", "127.0.0.1", &code, &account.upn()] {
        assert!(question.body.contains(shown), "{shown}: {}", question.body);
    }
    let done = decide(&browser, &question, "allow");
    assert!(done.body.contains("You can go back to the device"), "{}", done.body);

    let mut second = input.clone();
    second["flow"] = flow.clone();
    let result = python("msal_device", &second, None);
    assert_eq!(result["result"]["error"], json!(null), "{result}");
    let access = payload(&result["result"]["access_token"]);
    assert_eq!(
        (&access["aud"], &access["upn"], &access["appid"]),
        (&json!(API), &json!(account.upn()), &json!(DEVICE))
    );
    assert_eq!(access["authmethod"], "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport");
    assert_eq!(result["accounts"], json!([account.upn()]));
    assert_eq!(
        result["cached"]["access_token"], result["result"]["access_token"],
        "MSAL finds it in its cache: {result}"
    );
    assert_eq!(payload(&result["refreshed"]["access_token"])["upn"], account.upn());
    // Once: the request is gone, for the device as for the page.
    refused(&poll(&flow), 400, "invalid_grant", "MSIS9612");
    let again = write(&browser, &browser.get(PAGE), &code);
    assert!(again.body.contains("No device waits with this code."), "{}", again.body);
}

#[test]
fn a_device_is_told_to_wait_and_to_slow_down_and_no() {
    OAuth::get();
    let codes = codes(API);
    let error = |answer: &Response| (answer.status, body(answer)["error"].as_str().unwrap_or_default().to_owned());
    assert_eq!(error(&poll(&codes)), (400, "authorization_pending".into()));
    assert_eq!(error(&poll(&codes)), (400, "slow_down".into()));
    let browser = Browser::outside();
    let question = write(&browser, &enter(&browser, &person()), &user_code(&codes));
    let done = decide(&browser, &question, "deny");
    assert!(done.body.contains("The device is not signed in"), "{}", done.body);
    // What is decided is decided.
    let late = decide(&browser, &question, "allow");
    assert!(late.body.contains("No device waits with this code."), "{}", late.body);
    refused(&await_decision(&codes), 400, "access_denied", "MSIS7068");
}

#[test]
fn codes_are_of_their_client_and_of_this_server() {
    OAuth::get();
    let codes = codes(API);
    let code = codes["device_code"].as_str().expect("a code");
    refused(&poll_as(NATIVE, &codes), 400, "unauthorized_client", "MSIS9611");
    refused(&poll_as(OTHER_DEVICE, &codes), 400, "invalid_grant", "MSIS9612");
    for (text, error) in [
        ("AAAA", "invalid_grant"),
        (&code[..code.len() - 1], "invalid_grant"),
        (user_code(&codes).as_str(), "invalid_grant"),
    ] {
        let answer = token(&[("grant_type", "device_code"), ("client_id", DEVICE), ("code", text)]);
        refused(&answer, 400, error, "MSIS9612");
    }
    let two = token(&[("grant_type", "device_code"), ("client_id", DEVICE), ("code", code), ("device_code", "other")]);
    refused(&two, 400, "invalid_request", "MSIS9601");
    let none = token(&[("grant_type", "device_code"), ("client_id", DEVICE)]);
    refused(&none, 400, "invalid_request", "MSIS9601");
}

#[test]
fn codes_are_for_clients_that_are_set_up_for_them() {
    OAuth::get();
    for (client, more, error, number) in [
        (NATIVE, ("resource", API), "unauthorized_client", "MSIS9611"),
        (LEGACY, ("resource", API), "unauthorized_client", "MSIS9611"),
        (SERVER, ("resource", API), "invalid_client", "MSIS9622"),
        ("nobody", ("resource", API), "invalid_client", "MSIS9607"),
        (DEVICE, ("resource", "urn:e2e:nobody"), "invalid_request", "MSIS9601"),
        (DEVICE, ("resource", "urn:e2e:oauth-other"), "access_denied", "MSIS9605"),
        (DEVICE, ("scope", "aza"), "invalid_scope", "MSIS9648"),
        // A code that somebody is talked into would register a stranger's device.
        (DEVICE, ("resource", "urn:ms-drs:434DF4A9-3CF2-4C1D-917E-2CD2B72F515A"), "access_denied", "MSIS9605"),
    ] {
        refused(&ask(&[("client_id", client), more]), 400, error, number);
    }
    let wrong = ask(&[("client_id", SERVER), ("client_secret", SECRET), ("resource", API)]);
    refused(&wrong, 400, "unauthorized_client", "MSIS9611");
    let twice = ask(&[("client_id", DEVICE), ("resource", API), ("resource", API)]);
    refused(&twice, 400, "invalid_request", "MSIS9601");
    let plain = Curl::new(&format!("{}/adfs/oauth2/devicecode", Lab::get().url))
        .header("Content-Type", "text/plain")
        .post(form(&[("client_id", DEVICE), ("resource", API)]))
        .send();
    refused(&plain, 400, "invalid_request", "MSIS9601");
    let get = Curl::new(&format!("{}/adfs/oauth2/devicecode?client_id={DEVICE}", Lab::get().url)).send();
    assert_eq!(get.status, 405);
    let configuration = body(&Curl::new(&format!("{}/adfs/.well-known/openid-configuration", Lab::get().url)).send());
    assert_eq!(configuration["device_authorization_endpoint"], format!("{}/adfs/oauth2/devicecode", Lab::get().url));
}

#[test]
fn nothing_is_approved_but_by_whoever_is_asked() {
    OAuth::get();
    let codes = codes(API);
    let browser = Browser::outside();
    let page = enter(&browser, &person());
    let question = write(&browser, &page, &user_code(&codes));
    let answer = fields(&question.body, "Answer").pop().expect("an answer");
    // Another site has no answer, and another session's is worth nothing; the page's own text is none either.
    let other = Browser::outside();
    let stranger = enter(&other, &person());
    let own = fields(&stranger.body, "State").pop().expect("a page");
    for fields in [
        vec![("Answer", answer.as_str()), ("Decision", "allow")],
        vec![("Answer", own.as_str()), ("Decision", "allow")],
        vec![("Answer", ""), ("Decision", "allow")],
        vec![("UserCode", &*user_code(&codes))],
        vec![("UserCode", &*user_code(&codes)), ("State", answer.as_str())],
    ] {
        let refused = other.post(PAGE, &fields);
        assert!(refused.body.contains("This page was open for too long"), "{fields:?}: {}", refused.body);
    }
    assert_eq!(browser.post(PAGE, &[("Answer", &answer)]).status, 400);
    assert_eq!(browser.post(PAGE, &[("Answer", &answer), ("Decision", "perhaps")]).status, 400);
    assert!(
        Browser::outside().post(PAGE, &[("Answer", &answer), ("Decision", "allow")]).body.contains("id=\"loginForm\"")
    );
    assert_eq!(body(&poll(&codes))["error"], "authorization_pending");
    assert!(decide(&browser, &question, "allow").body.contains("You can go back to the device"));
    assert_eq!(await_decision(&codes).status, 200);
}

#[test]
fn nobody_finds_a_code_by_trying() {
    OAuth::get();
    let account = person();
    let browser = Browser::outside();
    let page = enter(&browser, &account);
    for wrong in [
        "",
        "x",
        "BCDFGHJKL",
        "bcd-fgh-jkm",
        "AAAAAAAAA",
        "BCDFGHJKLM",
        "BCDFGHJKN",
        "BCDFGHJKP",
        "BCDFGHJKQ",
        "BCDFGHJKR",
    ] {
        let answer = write(&browser, &page, wrong);
        assert!(answer.body.contains("No device waits with this code."), "{wrong}: {}", answer.body);
    }
    // Now the right one is of no use, from another browser neither.
    let codes = codes(API);
    for browser in [browser, Browser::outside()] {
        let page = browser.get(PAGE);
        let page = if page.body.contains("loginForm") { enter(&browser, &account) } else { page };
        let locked = write(&browser, &page, &user_code(&codes));
        assert!(locked.body.contains("You have entered too many codes."), "{}", locked.body);
        assert!(fields(&locked.body, "Answer").is_empty());
    }
    assert_eq!(body(&poll(&codes))["error"], "authorization_pending");
}

#[test]
fn a_policy_of_networks_holds_for_the_person_and_for_the_device() {
    OAuth::get();
    let intranet = "urn:e2e:oauth-intranet";
    // A person outside.
    let outside = codes(intranet);
    let browser = Browser::outside();
    let question = write(&browser, &enter(&browser, &person()), &user_code(&outside));
    let denied = decide(&browser, &question, "allow");
    assert_eq!(denied.status, 403, "{}", denied.body);
    assert!(denied.body.contains("MSIS7068"), "{}", denied.body);
    refused(&await_decision(&outside), 400, "access_denied", "MSIS7068");
    // A person inside, whom somebody outside has talked into it.
    let inside = codes(intranet);
    let browser = Browser::other();
    let question = write(&browser, &enter(&browser, &person()), &user_code(&inside));
    assert!(decide(&browser, &question, "allow").body.contains("You can go back to the device"));
    let fields =
        [("grant_type", "device_code"), ("client_id", DEVICE), ("code", inside["device_code"].as_str().unwrap())];
    let stolen = Curl::new(&format!("{}/adfs/oauth2/token", Lab::get().url))
        .args(["--interface", "127.0.0.9"])
        .header("Content-Type", "application/x-www-form-urlencoded")
        .post(form(&fields))
        .send();
    refused(&stolen, 400, "access_denied", "MSIS7068");
    // Both inside. What was refused has not used the approval up, and what was issued has.
    assert_eq!(await_decision(&inside).status, 200);
    refused(&await_decision(&inside), 400, "invalid_grant", "MSIS9612");
}

#[test]
fn a_code_that_nobody_enters_expires() {
    OAuth::get();
    let client = format!("[client]\nid = \"{DEVICE}\"\nkind = \"native\"\ngrants = [\"device_code\"]\n");
    let node = NodeSetup::new()
        .append("[oauth]\ndevice_code_lifetime_seconds = 10")
        .write("trusts/client.toml", client)
        .start();
    let post = |path: &str, fields: &[(&str, &str)]| {
        node.curl(path).header("Content-Type", "application/x-www-form-urlencoded").post(form(fields)).send()
    };
    let codes = body(&post("/adfs/oauth2/devicecode", &[("client_id", DEVICE), ("scope", "openid")]));
    assert_eq!(codes["expires_in"], 10, "{codes}");
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let fields =
            [("grant_type", "device_code"), ("client_id", DEVICE), ("code", codes["device_code"].as_str().unwrap())];
        let answer = body(&post("/adfs/oauth2/token", &fields));
        if answer["error"] == "expired_token" {
            break;
        }
        assert!(["authorization_pending", "slow_down"].contains(&answer["error"].as_str().unwrap()), "{answer}");
        assert!(Instant::now() < deadline, "it does not expire");
        std::thread::sleep(Duration::from_secs(2));
    }
}

#[test]
fn the_pages_for_codes_are_accessible_and_need_no_script() {
    OAuth::get();
    let account = Account::new("axe").create();
    let codes = codes(API);
    let complete = format!("{PAGE}?user_code={}", user_code(&codes));
    let scenes = json!([
        { "name": "code", "steps": [["script", false], ["size", [1280, 1000]], ["open", complete], ["wait", "#passwordInput"], ["type", account.upn()],
            ["tab"], ["type", account.password], ["enter"], ["wait", "#deviceCodeForm"], ["script", true], picture("device-code"), ["axe"]] },
        { "name": "question", "steps": [["script", false], ["click", "#submitButton"], ["wait", "#deviceCodeAnswer"], ["script", true], picture("device-code-question"),
            ["axe"], ["dark", true], ["axe"], ["dark", false], ["size", [320, 900]], picture("device-code-question-320"), ["axe"]] },
        { "name": "done", "steps": [["script", false], ["click", "#allowButton"], ["wait", "#deviceCodeDoneArea"], ["script", true], picture("device-code-done"), ["axe"]] },
        { "name": "wrong", "steps": [["language", "ar"], ["open", PAGE], ["wait", "#userCodeInput"], ["type", "BCDFGHJKL"], ["enter"], ["wait", "#error:not([hidden])"],
            picture("device-code-arabic"), ["axe"]] },
        { "name": "french", "steps": [["language", "fr-FR"], ["open", PAGE], ["wait", "#userCodeInput"], ["axe"]] },
    ]);
    let answers = chromium_with(&scenes, false, None);
    accessible(&answers, 7);
    assert!(answers["question"]["width"].as_u64().is_some_and(|width| width <= 320), "scrolls sideways");
    assert_eq!(answers["wrong"]["focus"], "userCodeInput");
    assert!(answers["french"]["text"].as_str().is_some_and(|text| text.contains("Code de l’appareil")));
    assert_eq!(await_decision(&codes).status, 200);
}
