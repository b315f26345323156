//! A refresh token of a sign-in that a device took part in, at the token endpoint: a client that can show the device must.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::crashes::{signed_request, token};
use crate::registered::Registered;
use crate::support::oauth::{form, parameter, redirected};
use crate::support::{BROKER, Browser, Device, Lab, Node, NodeSetup, Response};

const CLIENT: &str = "proving";
const RESOURCE: &str = "urn:e2e:proving";
const REDIRECT: &str = "http://127.0.0.1:8400/cb";
const WINDOWS: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0";

fn nonce(node: &Node) -> String {
    let answer: Value = serde_json::from_str(&token(node, "grant_type=srv_challenge").body).expect("JSON");
    answer["Nonce"].as_str().expect("a nonce").to_owned()
}

/// A refresh token that came of a sign-in by a device.
fn refresh_token(node: &Node, device: &Device) -> String {
    let user = format!("alice@{}", Lab::get().domain);
    let request = json!({"client_id": BROKER, "scope": "openid aza", "request_nonce": nonce(node), "grant_type": "password",
        "username": user, "password": "Alice-Pw-1"});
    let prt = device.open(&token(node, &signed_request(&device.sign(&request))));
    let verifier = "v".repeat(64);
    let challenge = URL_SAFE_NO_PAD.encode(openssl::sha::sha256(verifier.as_bytes()));
    let asked = form(&[
        ("response_type", "code"),
        ("client_id", CLIENT),
        ("redirect_uri", REDIRECT),
        ("resource", RESOURCE),
        ("state", "s"),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ]);
    let browser = Browser::outside().at(&node.address);
    let answer = browser
        .request(&format!("/adfs/oauth2/authorize?{asked}"))
        .args(["--user-agent", WINDOWS])
        .header("x-ms-RefreshTokenCredential", &prt.credential(Some(&nonce(node))))
        .send();
    let (_, parameters) = redirected(&answer);
    let code = parameter(&parameters, "code").unwrap_or_else(|| panic!("no code: {parameters:?}"));
    let redeemed = form(&[
        ("grant_type", "authorization_code"),
        ("client_id", CLIENT),
        ("code", &code),
        ("redirect_uri", REDIRECT),
        ("code_verifier", &verifier),
    ]);
    renewed(&token(node, &redeemed))
}

/// The refresh token of an answer.
fn renewed(answer: &Response) -> String {
    assert_eq!(answer.status, 200, "{}", answer.body);
    let answer: Value = serde_json::from_str(&answer.body).expect("JSON");
    answer["refresh_token"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
}

/// Redeems by a client that can answer challenges.
fn redeem(node: &Node, token: &str, authorization: Option<&str>) -> Response {
    let form = form(&[("grant_type", "refresh_token"), ("client_id", CLIENT), ("refresh_token", token)]);
    let request = node.curl("/adfs/oauth2/token").header("x-ms-PKeyAuth", "1.0");
    let request = match authorization {
        Some(header) => request.header("Authorization", header),
        None => request,
    };
    request.header("Content-Type", "application/x-www-form-urlencoded").post(form).send()
}

/// The value of a parameter of a challenge.
fn value<'a>(challenge: &'a str, name: &str) -> &'a str {
    let (_, rest) = challenge.split_once(&format!("{name}=\"")).unwrap_or_else(|| panic!("no {name} in {challenge}"));
    rest.split('"').next().expect("an end")
}

#[test]
fn a_refresh_token_of_a_device_is_redeemed_by_who_can_show_the_device() {
    let device = Registered::computer(&Lab::get().object("alice").sid);
    let other = Registered::computer(&Lab::get().object("alice").sid);
    let trust = format!(
        "[relying_party]\nname = \"Proving\"\nidentifiers = [\"{RESOURCE}\"]\ntoken_type = \"jwt\"\n\
         access_control_policy = \"permit-everyone\"\n"
    );
    let client = format!(
        "[client]\nid = \"{CLIENT}\"\nname = \"Proving\"\nkind = \"native\"\nredirect_uris = [\"{REDIRECT}\"]\n\
         grants = [\"authorization_code\", \"refresh_token\"]\nresources = [\"{RESOURCE}\"]\n"
    );
    let node = NodeSetup::new()
        .replace("[sign_in]\n", "[primary_refresh_token]\npkeyauth = true\n\n[sign_in]\n")
        .write("trusts/api.toml", trust)
        .write("trusts/client.toml", client)
        .start();
    let mut refresh = refresh_token(&node, &device);
    let challenged = |refresh: &str| {
        let answer = redeem(&node, refresh, None);
        assert_eq!(answer.status, 401, "{}", answer.body);
        let challenge = answer.header("www-authenticate").expect("a challenge").to_owned();
        assert!(challenge.starts_with("PKeyAuth "), "{challenge}");
        challenge
    };
    let answer = |by: &Device, challenge: &str| {
        let address = value(challenge, "SubmitUrl");
        let signed = by.sign_with(
            &json!({"typ": "JWT", "alg": "RS256", "x5c": [STANDARD.encode(by.der())]}),
            &json!({"aud": address, "iat": crate::support::now().to_string(), "nonce": value(challenge, "nonce")}),
        );
        format!("PKeyAuth AuthToken=\"{signed}\", Context=\"{}\", Version=\"1.0\"", value(challenge, "Context"))
    };

    let challenge = challenged(&refresh);
    assert_eq!(value(&challenge, "Version"), "1.0");
    let thumbprint = device.certificate.digest(openssl::hash::MessageDigest::sha1()).expect("a digest");
    assert_eq!(value(&challenge, "CertThumbprint"), hex::encode_upper(thumbprint));
    // Another device, no device, an answer to another challenge: none of it uses the token up.
    let without = format!("PKeyAuth Context=\"{}\",Version=\"1.0\"", value(&challenge, "Context"));
    let mixed =
        answer(&device, &challenge).replace(value(&challenge, "Context"), value(&challenged(&refresh), "Context"));
    for header in [answer(&other, &challenge), without, mixed] {
        let refused = redeem(&node, &refresh, Some(&header));
        let body: Value = serde_json::from_str(&refused.body).expect("JSON");
        assert_eq!((refused.status, &body["error"]), (400, &json!("invalid_grant")), "{body}");
    }
    let good = answer(&device, &challenge);
    refresh = renewed(&redeem(&node, &refresh, Some(&good)));
    assert_eq!(redeem(&node, &refresh, Some(&good)).status, 400, "an answer counts once");
    // A client that says nothing of itself is not asked.
    let silent = form(&[("grant_type", "refresh_token"), ("client_id", CLIENT), ("refresh_token", &refresh)]);
    renewed(&token(&node, &silent));
}
