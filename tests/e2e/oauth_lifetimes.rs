//! How long codes and refresh tokens are good, and what ends them before.

use serde_json::{Value, json};

use crate::support::oauth::{
    API, LEGACY, NATIVE, NATIVE_REDIRECT, OAuth, ProofKey, SECRET, SERVER, SERVER_REDIRECT, authorize, form,
    json as body, native, native_code, parameter, payload, redeem, redirected, refused, token,
};
use crate::support::{Browser, Lab, Node, NodeSetup, Response, issue};
use crate::throwaway::Account;
use crate::web_certificate::{hand_in, present_files};

fn refresh(client: &str, tokens: &Value) -> Response {
    let text = tokens["refresh_token"].as_str().unwrap_or_else(|| panic!("{tokens}"));
    token(&[("grant_type", "refresh_token"), ("client_id", client), ("refresh_token", text)])
}

/// A sign-in by a certificate of this account; the tokens that came of it.
fn by_certificate(account: &Account, files: (String, String)) -> Value {
    let (browser, proof) = (Browser::outside(), ProofKey::new());
    let address = native(&proof, &[("acr_values", "urn:ietf:rfc:2246")]);
    let sent = browser.get(&address);
    let door = sent.header("location").unwrap_or_else(|| panic!("{}", sent.body)).to_owned();
    let answer = hand_in(&browser, &present_files(&browser, &door, Some(files)));
    let answer = if answer.header("location") == Some(&*address) { browser.get(&address) } else { answer };
    let (_, parameters) = redirected(&answer);
    let code = parameter(&parameters, "code").unwrap_or_else(|| panic!("{}: {parameters:?}", account.name));
    body(&redeem(&code, &proof))
}

/// Who signed in by a certificate has no use for the password.
#[test]
fn an_expired_password_ends_what_stands_on_a_password_and_nothing_else() {
    OAuth::get();
    let files = issue("/CN=Smart card", "extendedKeyUsage=clientAuth");
    let certificate = std::fs::read(&files.0).expect("a certificate");
    let key = openssl::x509::X509::from_pem(&certificate).and_then(|certificate| certificate.public_key());
    let key = key.and_then(|key| key.rsa()).and_then(|key| key.public_key_to_der_pkcs1()).expect("a key");
    let digest = openssl::hash::hash(openssl::hash::MessageDigest::sha1(), &key).expect("a digest");
    let mapping = format!("altSecurityIdentities: X509:<SHA1-PUKEY>{}", hex::encode(digest));
    let account = Account::new("expired").with(&format!("userAccountControl: 512\n{mapping}")).create();
    let tokens = by_certificate(&account, (files.0.display().to_string(), files.1.display().to_string()));
    let by_password = body(&token(&[
        ("grant_type", "password"),
        ("client_id", LEGACY),
        ("username", &account.upn()),
        ("password", &account.password),
        ("resource", API),
    ]));
    account.modify("replace: pwdLastSet\npwdLastSet: 0");
    refused(&refresh(LEGACY, &by_password), 400, "interaction_required", "MSIS9660");
    let renewed = refresh(NATIVE, &tokens);
    assert_eq!(renewed.status, 200, "{}", renewed.body);
    assert_eq!(payload(&body(&renewed)["access_token"])["upn"], account.upn());
}

/// IIS, and balancers, take queries of 2048 characters, with everything that an application puts into its state.
#[test]
fn a_code_of_a_member_of_many_groups_is_short_and_loses_no_group() {
    OAuth::get();
    let name = format!("manygroups@{}", Lab::get().domain);
    let long_nonce: String = std::iter::repeat_with(fastrand::alphanumeric).take(500).collect();
    let mut roles = Vec::new();
    for nonce in ["n-1", &long_nonce] {
        let (browser, proof) = (Browser::outside(), ProofKey::new());
        let address = authorize(&[
            ("response_type", "code"),
            ("client_id", NATIVE),
            ("redirect_uri", NATIVE_REDIRECT),
            ("resource", API),
            ("scope", "openid"),
            ("nonce", nonce),
            ("code_challenge", &proof.challenge),
            ("code_challenge_method", "S256"),
        ]);
        let filled = browser.fill_in(&browser.get(&address), &name, "Many-Pw-1");
        let answer = if filled.header("location") == Some(&*address) { browser.get(&address) } else { filled };
        let code = parameter(&redirected(&answer).1, "code").unwrap_or_else(|| panic!("{}", answer.body));
        assert!(code.len() <= if nonce == "n-1" { 1200 } else { 1800 }, "{} characters", code.len());
        let tokens = body(&redeem(&code, &proof));
        let mut own: Vec<String> = payload(&tokens["access_token"])["role"]
            .as_array()
            .unwrap_or_else(|| panic!("{tokens}"))
            .iter()
            .map(|role| role.as_str().expect("a SID").to_owned())
            .collect();
        own.sort();
        roles.push(own);
    }
    assert!(roles[0].len() > 200, "{} groups", roles[0].len());
    assert_eq!(roles[0], roles[1], "also where they did not travel");
}

const SHORT: &str = "short";
const RESOURCE: &str = "urn:e2e:short";

/// A server with a native client and its resource, and these settings.
fn node(settings: &str) -> Node {
    setup(settings).start()
}

fn setup(settings: &str) -> NodeSetup {
    let trust = format!(
        "[relying_party]\nname = \"Short\"\nidentifiers = [\"{RESOURCE}\"]\naccess_control_policy = \"permit-everyone\"\n"
    );
    let client = format!(
        "[client]\nid = \"{SHORT}\"\nkind = \"native\"\nredirect_uris = [\"{NATIVE_REDIRECT}\"]\n\
         grants = [\"authorization_code\", \"password\", \"refresh_token\"]\nresources = [\"{RESOURCE}\"]\n"
    );
    NodeSetup::new()
        .replace("[sign_in]\n", settings)
        .write("trusts/short.toml", trust)
        .write("trusts/short-client.toml", client)
}

fn post(node: &Node, fields: &[(&str, &str)]) -> Response {
    let fields = [fields, &[("client_id", SHORT)]].concat();
    let request = node.curl("/adfs/oauth2/token").header("Content-Type", "application/x-www-form-urlencoded");
    request.post(form(&fields)).send()
}

fn is(answer: &Response, error: &str, code: &str) {
    let said = body(answer);
    assert_eq!((answer.status, &said["error"]), (400, &json!(error)), "{said}");
    assert!(said["error_description"].as_str().is_some_and(|text| text.starts_with(code)), "{said}");
}

/// RFC 6749 4.1.2: whether it was used is not known any more, so nothing of it stays good.
#[test]
fn a_code_is_good_for_its_time_and_voids_what_it_yielded_when_it_comes_again_after_that() {
    let (setup, clock) = setup("[oauth]\ncode_lifetime_seconds = 10\n\n[sign_in]\n").at_moving_clock();
    let node = setup.start();
    let browser = Browser::outside().at(&node.address);
    let code = |proof: &ProofKey| {
        let address = authorize(&[
            ("response_type", "code"),
            ("client_id", SHORT),
            ("redirect_uri", NATIVE_REDIRECT),
            ("resource", RESOURCE),
            ("code_challenge", &proof.challenge),
            ("code_challenge_method", "S256"),
        ]);
        let mut answer = browser.get(&address);
        if answer.status == 200 {
            answer = browser.fill_in(&answer, &format!("alice@{}", Lab::get().domain), "Alice-Pw-1");
            assert_eq!(answer.status, 302, "{}", answer.body);
        }
        if answer.header("location") == Some(&*address) {
            answer = browser.get(&address);
        }
        parameter(&redirected(&answer).1, "code").unwrap_or_else(|| panic!("{}", answer.body))
    };
    let redeem = |code: &str, proof: &ProofKey| {
        let redirect = ("redirect_uri", NATIVE_REDIRECT);
        let fields = [("grant_type", "authorization_code"), ("code", code), redirect];
        post(&node, &[&fields[..], &[("code_verifier", &proof.verifier)]].concat())
    };
    let refresh = |tokens: &Value| {
        let token = tokens["refresh_token"].as_str().unwrap_or_else(|| panic!("{tokens}"));
        post(&node, &[("grant_type", "refresh_token"), ("refresh_token", token)])
    };
    let (used, unused) = (ProofKey::new(), ProofKey::new());
    let (first, second) = (code(&used), code(&unused));
    let tokens = body(&redeem(&first, &used));
    clock.set_seconds(11);
    is(&redeem(&second, &unused), "invalid_grant", "MSIS9612");
    // Whoever cannot redeem it voids nothing by it.
    is(&redeem(&first, &unused), "invalid_grant", "MSIS9612");
    let tokens = body(&refresh(&tokens));
    is(&redeem(&first, &used), "invalid_grant", "MSIS9612");
    is(&refresh(&tokens), "invalid_grant", "MSIS9614");
}

/// By the password, without a device: the token ends with the session, and using it changes nothing.
#[test]
fn a_refresh_token_without_a_device_expires_with_the_session() {
    let (setup, clock) = setup("[sign_in]\nsso_lifetime_minutes = 1\n").at_moving_clock();
    let node = setup.start();
    let name = format!("alice@{}", Lab::get().domain);
    let person = [("grant_type", "password"), ("username", &*name), ("password", "Alice-Pw-1"), ("scope", "openid")];
    let tokens = body(&post(&node, &person));
    assert!(tokens["refresh_token_expires_in"].as_u64().is_some_and(|life| life <= 60), "{tokens}");
    let refresh = |tokens: &Value| {
        let token = tokens["refresh_token"].as_str().unwrap_or_else(|| panic!("{tokens}"));
        post(&node, &[("grant_type", "refresh_token"), ("refresh_token", token)])
    };
    clock.set_seconds(2);
    let next = body(&refresh(&tokens));
    assert!(next["refresh_token_expires_in"].as_u64().is_some_and(|life| life <= 58), "{next}");
    clock.set_seconds(61);
    is(&refresh(&next), "invalid_grant", "MSIS9615");
}

#[test]
fn who_gets_refresh_tokens_is_a_setting() {
    let name = format!("alice@{}", Lab::get().domain);
    let person = [("grant_type", "password"), ("username", &*name), ("password", "Alice-Pw-1"), ("scope", "openid")];
    for to in ["no_device", "workplace_joined_devices"] {
        let node = node(&format!("[oauth]\nrefresh_tokens_to = \"{to}\"\n\n[sign_in]\n"));
        let tokens = body(&post(&node, &person));
        assert!(tokens["access_token"].is_string() && tokens.get("refresh_token").is_none(), "{to}: {tokens}");
    }
}

/// A server keeps the refresh token that it has.
#[test]
fn a_server_without_a_device_behind_it_gets_one_refresh_token() {
    OAuth::get();
    let (browser, proof) = (Browser::outside(), ProofKey::new());
    native_code(&browser, &proof, &[]);
    let request = [("response_type", "code"), ("client_id", SERVER), ("redirect_uri", SERVER_REDIRECT)];
    let code = parameter(&redirected(&browser.get(&authorize(&request))).1, "code").expect("a code");
    let server = [("client_id", SERVER), ("client_secret", SECRET)];
    let ask = |fields: &[(&str, &str)]| body(&token(&[fields, &server[..]].concat()));
    let tokens = ask(&[("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", SERVER_REDIRECT)]);
    let text = tokens["refresh_token"].as_str().unwrap_or_else(|| panic!("{tokens}"));
    for _ in 0..2 {
        let again = ask(&[("grant_type", "refresh_token"), ("refresh_token", text)]);
        assert!(again["access_token"].is_string() && again.get("refresh_token").is_none(), "{again}");
    }
}
