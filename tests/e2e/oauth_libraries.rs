//! Libraries that nobody here wrote sign people in: MSAL for Node, openid-client, the `openidconnect` crate and django-auth-adfs, each
//! unmodified and set up as its documentation says.

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::support::oauth::{
    API, DJANGO_REDIRECT, LEGACY, NATIVE, NATIVE_REDIRECT, OAuth, SECRET, SERVER, SERVER_REDIRECT, parameter, payload,
    through_the_page,
};
use crate::support::{Browser, Lab, javascript, openidconnect, python};

fn alice() -> String {
    format!("alice@{}", Lab::get().domain)
}

fn issuer() -> String {
    format!("{}/adfs", Lab::get().url)
}

/// `input` with more members.
fn with(input: &Value, more: &Value) -> Value {
    let mut input = input.clone();
    for (name, value) in more.as_object().expect("members") {
        input[name] = value.clone();
    }
    input
}

/// The parameters of the client's own address.
fn parameters(location: &str) -> Vec<(String, String)> {
    let query = location.split_once('?').expect("a query").1;
    let decoded = |text: &str| percent(text);
    query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (decoded(name), decoded(value)))
        .collect()
}

fn percent(text: &str) -> String {
    let mut octets = Vec::new();
    let mut rest = text.bytes();
    while let Some(octet) = rest.next() {
        if octet == b'%' {
            let digits = [rest.next().expect("a digit"), rest.next().expect("a digit")];
            octets.push(u8::from_str_radix(std::str::from_utf8(&digits).expect("digits"), 16).expect("hexadecimal"));
        } else {
            octets.push(octet);
        }
    }
    String::from_utf8(octets).expect("text")
}

fn key() -> String {
    std::fs::read_to_string(OAuth::key()).expect("the key is readable")
}

fn certificate() -> String {
    std::fs::read_to_string(Lab::get().config.join("trusts/e2e-client.pem")).expect("the certificate is readable")
}

#[test]
fn msal_for_node_uses_every_flow() {
    OAuth::get();
    let input = json!({
        "authority": issuer(), "native": NATIVE, "legacy": LEGACY, "server": SERVER, "secret": SECRET, "key": key(),
        "certificate": certificate(), "username": alice(), "password": "Alice-Pw-1", "redirect": NATIVE_REDIRECT,
        "scope": "https://api.rp.example//.default",
    });
    let first = javascript("msal_node", &input);
    for flow in ["secret", "sha1", "sha256", "password"] {
        assert!(first[flow]["access_token"].is_string(), "{flow}: {}", first[flow]);
        assert_eq!(payload(&first[flow]["access_token"])["aud"], API, "{flow}");
    }
    assert_eq!(first["wrong"]["error"], "invalid_client", "{}", first["wrong"]);
    let back = parameters(&through_the_page(&Browser::outside(), first["url"].as_str().expect("an address")));
    assert_eq!(parameter(&back, "state").as_deref(), Some("s"));
    let more = json!({ "code": parameter(&back, "code"), "verifier": first["verifier"] });
    let second = javascript("msal_node", &with(&input, &more));
    for flow in ["code", "cached", "refreshed"] {
        assert!(second[flow]["access_token"].is_string(), "{flow}: {second}");
        assert_eq!(second[flow]["username"], alice(), "{flow}");
    }
    assert_eq!((&second["cached"]["cached"], &second["refreshed"]["cached"]), (&json!(true), &json!(false)));
    assert_ne!(second["refreshed"]["access_token"], second["code"]["access_token"]);
}

#[test]
fn openid_client_takes_every_answer() {
    OAuth::get();
    let pem = certificate();
    let der =
        STANDARD.decode(pem.lines().filter(|line| !line.starts_with("-----")).collect::<String>()).expect("base64");
    // It takes the address it was answered at, without the query, for the one it gave.
    let input = json!({
        "issuer": issuer(), "client": SERVER, "secret": SECRET, "redirect": DJANGO_REDIRECT, "resource": API, "key": key(),
        "kid": URL_SAFE_NO_PAD.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, &der)),
    });
    let first = javascript("openid_client", &input);
    assert_eq!(first["issuer"], issuer());
    for way in ["basic", "rs256", "ps256"] {
        assert_eq!(first[way]["error"], json!(null), "{way}: {}", first[way]);
        assert_eq!(payload(&first[way]["access_token"])["aud"], API, "{way}");
    }
    assert!(
        first["logout"].as_str().is_some_and(|at| at.starts_with(&format!("{}/oauth2/logout?", issuer()))),
        "{first}"
    );
    let back = through_the_page(&Browser::outside(), first["url"].as_str().expect("an address"));
    let second = javascript("openid_client", &with(&with(&input, &first), &json!({ "callback": back })));
    assert_eq!(second["tokens"]["error"], json!(null), "{second}");
    assert_eq!((&second["claims"]["aud"], &second["claims"]["upn"]), (&json!(SERVER), &json!(alice())));
    assert_eq!(second["user"], json!({ "sub": second["claims"]["sub"] }));
    assert_eq!(second["again"]["error"], "invalid_grant", "a code is good once: {}", second["again"]);
}

#[test]
fn the_openidconnect_crate_takes_every_answer() {
    OAuth::get();
    let input = json!({ "issuer": issuer(), "client": SERVER, "secret": SECRET, "redirect": SERVER_REDIRECT });
    let first = openidconnect(&input);
    let back = parameters(&through_the_page(&Browser::outside(), first["url"].as_str().expect("an address")));
    assert_eq!(parameter(&back, "state"), first["state"].as_str().map(str::to_owned));
    let more = json!({ "code": parameter(&back, "code"), "verifier": first["verifier"], "nonce": first["nonce"] });
    let second = openidconnect(&with(&input, &more));
    assert_eq!(second["subject"], second["user"], "{second}");
    assert_eq!((&second["refreshed"], &second["wrong_nonce"]), (&json!(true), &json!(true)), "{second}");
}

#[test]
fn django_auth_adfs_signs_its_user_in() {
    OAuth::get();
    let lab = Lab::get();
    let input = json!({
        "server": lab.host, "client": SERVER, "secret": SECRET, "resource": API, "audience": API,
        "ca": std::env::var("CHANCERY_CA").expect("the lab's authority"), "database": lab.new_file("django.sqlite3"),
        "host": "app.rp.example",
    });
    let first = python("django_adfs", &input, None);
    let back = through_the_page(&Browser::outside(), first["location"].as_str().expect("an address"));
    assert!(back.starts_with(DJANGO_REDIRECT), "{back}");
    let second =
        python("django_adfs", &with(&input, &json!({ "callback": back.replace("https://app.rp.example", "") })), None);
    assert_eq!((&second["status"], &second["location"]), (&json!(302), &json!("/inside")), "{second}");
    assert_eq!((&second["user"], &second["mode"]), (&json!(alice()), &json!("openid_connect")), "{second}");
    assert_eq!(second["issuer"], format!("http://{}/adfs/services/trust", lab.host));
    assert!(second["groups"].as_u64().is_some_and(|groups| groups > 2), "{second}");
    assert_eq!(second["logout"], format!("{}/oauth2/logout", issuer()));
    // A code that was used signs nobody in.
    let again =
        python("django_adfs", &with(&input, &json!({ "callback": back.replace("https://app.rp.example", "") })), None);
    assert_eq!((&again["status"], &again["user"]), (&json!(401), &json!(null)), "{again}");
}
