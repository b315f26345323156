//! More of what is refused with a primary refresh token, or with the proof for one.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::drs_sign_in::{BROKER_CLIENT, redeem};
use crate::prt::{CLIENT, NO_PROOF, NO_TOKEN, RESOURCE, alice, device, expect, reason, trusts};
use crate::registered::{Registered, key_link};
use crate::support::oauth::{API, DISABLED, OAuth, SERVER, authorize, form, json as body, parameter, redirected};
use crate::support::{BROKER, Browser, Device, Lab, NodeSetup, Response, blob, nonce, prt_request as request, sign_by};
use crate::throwaway::Account;

#[test]
fn a_prt_yields_nothing_for_a_client_that_is_switched_off_or_that_authenticates_itself() {
    trusts();
    OAuth::get();
    let prt = device().prt(&alice(), "Alice-Pw-1");
    for (client, resource, expected) in [
        (DISABLED, "urn:microsoft:userinfo", ("invalid_client", "MSIS9607")),
        // Nobody shows its secret here.
        (SERVER, API, ("unauthorized_client", "MSIS9611")),
    ] {
        expect(&request(&prt.sign(2, &prt.exchange(client, resource))), 400, expected);
    }
    prt.open(&request(&prt.sign(2, &prt.exchange(CLIENT, RESOURCE))));
}

#[test]
fn an_assertion_by_a_windows_hello_key_counts_once_and_for_somebody_who_may_sign_in() {
    trusts();
    let device = device();
    let account = Account::new("hello2").create();
    let key = Device::new().key;
    let link = key_link(&device, &blob(&key), 1, &account.dn());
    account.modify(&format!("replace: msDS-KeyCredentialLink\nmsDS-KeyCredentialLink: {link}"));
    let kid = STANDARD.encode(openssl::sha::sha256(&blob(&key)));
    let assertion = |nonce: &str| {
        let now = crate::support::now();
        // As Windows writes the authority.
        let payload = json!({"iss": account.upn(), "aud": format!("{}:443/adfs", Lab::get().url), "iat": now,
            "exp": now + 600, "scope": "openid aza ugs", "request_nonce": nonce});
        sign_by(&key, &json!({"typ": "JWT", "alg": "RS256", "kid": kid, "use": "ngc"}), &payload)
    };
    let ask = |assertion: &str| -> Response {
        let payload = json!({"client_id": BROKER, "scope": "openid aza ugs", "request_nonce": nonce(),
            "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": assertion});
        request(&device.sign(&payload))
    };
    // With a nonce of its own it is good in any request, but in one only, and the nonce must be one of this server.
    let once = assertion(&nonce());
    device.open(&ask(&once));
    for (assertion, expected) in [(once, "Replayed"), (assertion("AwABEgEAAAACAOz_BAD0_xpK"), "InvalidNonce")] {
        let answer = ask(&assertion);
        assert_eq!((answer.status, reason(&answer).as_str()), (400, expected), "{}", answer.body);
    }
    account.modify("replace: userAccountControl\nuserAccountControl: 514");
    let answer = ask(&assertion(&nonce()));
    expect(&answer, 400, NO_PROOF);
    assert_eq!(reason(&answer), "AccountDisabled");
}

/// Whoever has no registered device may not ask without end.
#[test]
fn an_address_that_asks_for_prts_without_a_device_has_to_wait() {
    let node = NodeSetup::new().start();
    let post = |text: &str| {
        let body = form(&[("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"), ("request", text)]);
        node.curl("/adfs/oauth2/token").post(body).send()
    };
    let known = device();
    let good = known.sign(&json!({"client_id": BROKER, "scope": "openid aza", "request_nonce": "x",
        "grant_type": "password", "username": alice(), "password": "x"}));
    let unknown = Device::new().sign(&json!({"client_id": BROKER}));
    // Curl asks for each of a range over one connection.
    let statuses = |text: &str, count: usize| -> Vec<String> {
        let body = form(&[("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"), ("request", text)]);
        let url = format!("{}/adfs/oauth2/token?n=[1-{count}]", Lab::get().url);
        let output = std::process::Command::new("curl")
            .args(["--silent", "--connect-to", &format!("::{}:", node.address), "--output", "/dev/null"])
            .args(["--write-out", "%{http_code}\n", "--data-binary", &body, &url])
            .output()
            .expect("curl runs");
        String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
    };
    assert_eq!(post(&unknown).status, 400);
    let answers = statuses(&unknown, 400);
    let number = |status: &str| answers.iter().filter(|line| *line == status).count();
    assert_eq!(number("400") + number("429"), 400, "{answers:?}");
    assert!(number("400") >= 199 && number("429") > 0, "{answers:?}");
    // Another address goes on, and a nonce is for whoever asks.
    let elsewhere = node.curl("/adfs/oauth2/token").args(["--interface", "127.0.0.44"]);
    let body = form(&[("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"), ("request", &good)]);
    expect(&elsewhere.post(body).send(), 400, ("invalid_grant", "MSIS9604"));
    assert_eq!(node.curl("/adfs/oauth2/token").post("grant_type=srv_challenge").send().status, 200);
}

/// What is signed by a session key is remembered so that it counts once: one device must not fill that memory.
#[test]
fn a_device_that_exchanges_without_end_has_to_wait() {
    trusts();
    let prt = device().prt(&alice(), "Alice-Pw-1");
    let exchange = |members: serde_json::Value| {
        let mut payload = prt.exchange(CLIENT, RESOURCE);
        payload.as_object_mut().expect("members").extend(members.as_object().expect("members").clone());
        request(&prt.sign(2, &payload))
    };
    let now = crate::support::now();
    // What says no time is remembered as long as the token lasts, and so does what says a late one.
    for number in 0..20 {
        prt.open(&exchange(if number % 2 == 0 {
            json!({"iat": null, "exp": null})
        } else {
            json!({"exp": now + 9999})
        }));
    }
    for late in [json!({"iat": null, "exp": null}), json!({"exp": now + 9999})] {
        expect(&exchange(late), 429, ("temporarily_unavailable", "MSIS9604"));
    }
    // What was made long ago and says no end is none of now.
    expect(&exchange(json!({"iat": now - 3700, "exp": null})), 400, ("invalid_grant", "MSIS9604"));
    for good in [json!({"exp": null}), json!({"iat": null, "exp": null, "request_nonce": nonce()}), json!({})] {
        prt.open(&exchange(good));
    }
}

/// What a broker has of a sign-in that a device took part in is worth nothing on another device, whoever owns it.
#[test]
fn a_broker_s_refresh_token_of_a_sign_in_on_one_device_proves_nobody_on_another() {
    trusts();
    let (account, sid) = crate::drs_client::user("elsewhere");
    let [own, another] = [(); 2].map(|()| Registered::with(&sid, 0));
    let prt = own.prt(&account.upn(), &account.password);
    let browser = Browser::outside();
    let asked = authorize(&[
        ("response_type", "code"),
        ("client_id", BROKER_CLIENT),
        ("redirect_uri", "ms-app://windows.immersivecontrolpanel/"),
        ("scope", "openid"),
    ]);
    let windows = ["--user-agent", "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"];
    let credential = prt.credential(Some(&nonce()));
    let answer = browser.request(&asked).args(windows).header("x-ms-RefreshTokenCredential", &credential).send();
    let code = parameter(&redirected(&answer).1, "code").unwrap_or_else(|| panic!("{}", answer.body));
    let tokens = body(&redeem(&browser, &code));
    let refresh = tokens["refresh_token"].as_str().unwrap_or_else(|| panic!("{tokens}"));
    let ask = |device: &Device| {
        let payload = json!({"client_id": BROKER_CLIENT, "scope": "openid aza", "request_nonce": nonce(),
            "grant_type": "refresh_token", "refresh_token": refresh});
        request(&device.sign(&payload))
    };
    expect(&ask(&another), 400, NO_TOKEN);
    own.open(&ask(&own));
}

/// A nonce is for whoever asks, and not for one address without end.
#[test]
fn an_address_that_asks_for_nonces_without_end_has_to_wait() {
    let node = NodeSetup::new().start();
    let many = node.curl("/adfs/oauth2/token?number=[1-4000]").args(["--data", "grant_type=srv_challenge"]).send();
    let count = |text: &str| many.body.matches(text).count();
    assert_eq!(many.status, 200, "the first one");
    let (given, refused) = (count("\"Nonce\""), count("temporarily_unavailable"));
    assert!(given >= 1000 && refused > 0 && given + refused == 4000, "{given} nonces, {refused} refusals");
    let elsewhere = node.curl("/adfs/oauth2/token").args(["--interface", "127.0.0.9"]);
    let answer = elsewhere.args(["--data", "grant_type=srv_challenge"]).send();
    assert_eq!(answer.status, 200, "another address is another: {}", answer.body);
}
