//! What an administrator takes back while codes and tokens are out, and what a client was never set up for.

use serde_json::Value;

use crate::device_code::{decide, enter, user_code, write};
use crate::support::oauth::{
    API, DEVICE, NATIVE, NATIVE_REDIRECT, ProofKey, SECRET, SERVER, authorize, form, json as body, native_code,
    parameter, redirected,
};
use crate::support::{Browser, Lab, Node, NodeSetup, Response, replace};
use crate::throwaway::Account;

const RESOURCE: &str = "enabled = true\nname = \"api\"";

/// A server of a test's own with the native client, a device and the resource of both.
fn node() -> Node {
    let trust = format!(
        "[relying_party]\n{RESOURCE}\nidentifiers = [\"{API}\"]\naccess_control_policy = \"permit-everyone\"\n\
         transform_rules = '''c:[Type == \"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn\"] => issue(claim = c);'''\n"
    );
    let client = |id: &str, grants: &str| {
        format!(
            "[client]\nid = \"{id}\"\nkind = \"native\"\nenabled = true\nredirect_uris = [\"{NATIVE_REDIRECT}\"]\n\
             grants = [{grants}]\nresources = [\"{API}\"]\n"
        )
    };
    NodeSetup::new()
        .write("trusts/api.toml", trust)
        .write("trusts/native.toml", client(NATIVE, "\"authorization_code\", \"refresh_token\", \"password\""))
        .write("trusts/device.toml", client(DEVICE, "\"password\", \"device_code\""))
        .start()
}

fn post(node: &Node, path: &str, fields: &[(&str, &str)]) -> Response {
    node.curl(path).header("Content-Type", "application/x-www-form-urlencoded").post(form(fields)).send()
}

fn token(node: &Node, fields: &[(&str, &str)]) -> Response {
    post(node, "/adfs/oauth2/token", fields)
}

fn refused(answer: &Response, error: &str, code: &str) {
    let said = body(answer);
    assert_eq!((answer.status, said["error"].as_str()), (400, Some(error)), "{said}");
    assert!(said["error_description"].as_str().is_some_and(|text| text.starts_with(code)), "{said}");
    assert!(said.get("access_token").is_none(), "{said}");
}

/// Changes a trust file of a server that runs.
fn change(node: &Node, file: &str, from: &str, to: &str) {
    replace(&node.directory.join("trusts").join(file), from, to);
    let (taken, said) = node.reload();
    assert!(taken, "{said}");
}

fn switch(node: &Node, file: &str, on: bool) {
    change(node, file, &format!("enabled = {}", !on), &format!("enabled = {on}"));
}

fn text<'a>(tokens: &'a Value, name: &str) -> &'a str {
    tokens[name].as_str().unwrap_or_else(|| panic!("no {name}: {tokens}"))
}

fn codes(node: &Node) -> Value {
    let answer = post(node, "/adfs/oauth2/devicecode", &[("client_id", DEVICE), ("resource", API)]);
    assert_eq!(answer.status, 200, "{}", answer.body);
    body(&answer)
}

#[test]
fn a_client_that_is_switched_off_gets_nothing_for_what_it_has() {
    let node = node();
    let (browser, proof) = (Browser::outside().at(&node.address), ProofKey::new());
    let [first, second] = [(); 2].map(|()| native_code(&browser, &proof, &[]));
    let code = |code: &str| {
        token(
            &node,
            &[
                ("grant_type", "authorization_code"),
                ("client_id", NATIVE),
                ("code", code),
                ("redirect_uri", NATIVE_REDIRECT),
                ("code_verifier", &proof.verifier),
            ],
        )
    };
    let tokens = body(&code(&first));
    let refresh = text(&tokens, "refresh_token");
    let renew = || token(&node, &[("grant_type", "refresh_token"), ("client_id", NATIVE), ("refresh_token", refresh)]);
    let user = format!("alice@{}", Lab::get().domain);
    let password = |client: &str| {
        let user = [("username", user.as_str()), ("password", "Alice-Pw-1"), ("resource", API)];
        token(&node, &[&[("grant_type", "password"), ("client_id", client)][..], &user].concat())
    };
    let leave = || {
        let hint = ("id_token_hint", text(&tokens, "id_token"));
        let query = form(&[hint, ("post_logout_redirect_uri", NATIVE_REDIRECT)]);
        Browser::outside().at(&node.address).get(&format!("/adfs/oauth2/logout?{query}"))
    };
    let device = codes(&node);
    let poll = || {
        let code = ("device_code", text(&device, "device_code"));
        token(&node, &[("grant_type", "device_code"), ("client_id", DEVICE), code])
    };

    switch(&node, "native.toml", false);
    switch(&node, "device.toml", false);
    let ask = post(&node, "/adfs/oauth2/devicecode", &[("client_id", DEVICE), ("resource", API)]);
    for answer in [code(&second), renew(), password(NATIVE), password(DEVICE), poll(), ask] {
        refused(&answer, "invalid_client", "MSIS9607");
    }
    node.audited(1203, NATIVE);
    assert_eq!((leave().status, leave().header("location")), (200, None));

    switch(&node, "native.toml", true);
    switch(&node, "device.toml", true);
    for answer in [code(&second), renew(), password(NATIVE)] {
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
    assert_eq!(leave().header("location"), Some(NATIVE_REDIRECT));
    refused(&poll(), "authorization_pending", "MSIS9660");
}

#[test]
fn nobody_approves_for_a_client_that_was_switched_off_or_lost_codes_or_the_resource() {
    let node = node();
    let browser = Browser::outside().at(&node.address);
    let page = enter(&browser, &Account::new("lost").create());
    let waiting = codes(&node);
    let question = write(&browser, &page, &user_code(&waiting));
    for (from, to) in [("enabled = true", "enabled = false"), (", \"device_code\"", "")] {
        change(&node, "device.toml", from, to);
        for answer in [write(&browser, &page, &user_code(&waiting)), decide(&browser, &question, "allow")] {
            assert!(answer.body.contains("No device waits with this code."), "{from}: {}", answer.body);
        }
        let whole = if to.is_empty() { ("\"password\"", "\"password\", \"device_code\"") } else { (to, from) };
        change(&node, "device.toml", whole.0, whole.1);
    }
    let resources = format!("resources = [\"{API}\"]");
    change(&node, "device.toml", &resources, "resources = []");
    let refused_page = decide(&browser, &question, "allow");
    assert!(refused_page.status == 500 && refused_page.body.contains("MSIS9605"), "{}", refused_page.body);
    change(&node, "device.toml", "resources = []", &resources);
    // The device need not go on asking; the next one is approved.
    let poll = |codes: &Value| {
        token(
            &node,
            &[("grant_type", "device_code"), ("client_id", DEVICE), ("device_code", text(codes, "device_code"))],
        )
    };
    refused(&poll(&waiting), "access_denied", "MSIS7068");
    let next = codes(&node);
    let done = decide(&browser, &write(&browser, &page, &user_code(&next)), "allow");
    assert!(done.body.contains("You can go back to the device"), "{}", done.body);
    assert_eq!(poll(&next).status, 200);
}

#[test]
fn a_resource_that_is_switched_off_is_none_for_any_client() {
    let node = node();
    let user = format!("alice@{}", Lab::get().domain);
    let password = || {
        let fields = [("username", user.as_str()), ("password", "Alice-Pw-1"), ("resource", API)];
        token(&node, &[&[("grant_type", "password"), ("client_id", NATIVE)][..], &fields].concat())
    };
    let tokens = body(&password());
    let refresh = ("refresh_token", text(&tokens, "refresh_token"));
    let renew = || token(&node, &[("grant_type", "refresh_token"), ("client_id", NATIVE), refresh]);
    switch(&node, "api.toml", false);
    for answer in [password(), renew()] {
        refused(&answer, "invalid_resource", "MSIS9606");
    }
    let ask = post(&node, "/adfs/oauth2/devicecode", &[("client_id", DEVICE), ("resource", API)]);
    refused(&ask, "invalid_request", "MSIS9601");
    switch(&node, "api.toml", true);
    assert_eq!(renew().status, 200);
}

#[test]
fn a_client_gets_codes_and_refresh_tokens_where_it_is_set_up_for_them() {
    let node = node();
    let proof = ProofKey::new();
    let address = authorize(&[
        ("response_type", "code"),
        ("client_id", DEVICE),
        ("redirect_uri", NATIVE_REDIRECT),
        ("resource", API),
        ("code_challenge", &proof.challenge),
        ("code_challenge_method", "S256"),
    ]);
    let (_, parameters) = redirected(&Browser::outside().at(&node.address).get(&address));
    assert_eq!(parameter(&parameters, "error").as_deref(), Some("unsupported_response_type"), "{parameters:?}");
    let user = format!("alice@{}", Lab::get().domain);
    let tokens = |client: &str| {
        let fields = [("username", user.as_str()), ("password", "Alice-Pw-1"), ("resource", API)];
        body(&token(&node, &[&[("grant_type", "password"), ("client_id", client)][..], &fields].concat()))
    };
    assert!(text(&tokens(NATIVE), "refresh_token").len() > 100);
    let without = tokens(DEVICE);
    assert!(without["access_token"].is_string() && without.get("refresh_token").is_none(), "{without}");
}

#[test]
fn an_address_has_so_many_devices_waiting_and_no_more() {
    let node = node();
    let ask = |interface: &str| {
        node.curl("/adfs/oauth2/devicecode")
            .args(["--interface", interface])
            .header("Content-Type", "application/x-www-form-urlencoded")
            .post(form(&[("client_id", DEVICE), ("resource", API)]))
            .send()
    };
    for _ in 0..50 {
        assert_eq!(ask("127.0.0.9").status, 200);
    }
    let full = ask("127.0.0.9");
    assert_eq!((full.status, &body(&full)["error"]), (429, &"temporarily_unavailable".into()), "{}", full.body);
    assert_eq!(ask("127.0.0.8").status, 200, "another address");
}

#[test]
fn a_ticket_is_worth_nothing_for_a_client_without_an_account() {
    let client = format!(
        "[client]\nid = \"{SERVER}\"\nkind = \"server\"\nsecret_file = \"secret\"\ngrants = [\"client_credentials\"]\n"
    );
    let node = NodeSetup::new().write("trusts/server.toml", client).write("trusts/secret", SECRET).start();
    let ask = |more: (&str, &str)| {
        let fields = form(&[("grant_type", "client_credentials"), ("client_id", SERVER), more]);
        let tickets = Lab::get().kinit("ws01", "WS01$");
        node.curl("/adfs/oauth2/token").negotiate(&tickets).post(fields).send()
    };
    refused(&ask(("use_windows_client_authentication", "true")), "invalid_client", "MSIS9622");
    node.audited(1203, SERVER);
    assert_eq!(ask(("client_secret", SECRET)).status, 200);
}
