//! OAuth and OpenID Connect through a browser: a code, tokens, refresh, and what each of them says.

use serde_json::json;

use crate::support::oauth::{
    API, NATIVE, NATIVE_REDIRECT, OAuth, ProofKey, SECRET, SERVER, SERVER_REDIRECT, authorize, json as body, native,
    native_code, parameter, payload, redeem, redirected, token,
};
use crate::support::{Browser, Curl, Lab, inputs, python};

fn alice() -> String {
    format!("alice@{}", Lab::get().domain)
}

#[test]
fn a_person_outside_signs_in_on_the_page_and_the_program_gets_its_tokens() {
    OAuth::get();
    let lab = Lab::get();
    let (browser, proof) = (Browser::outside(), ProofKey::new());
    let address = native(&proof, &[("client-request-id", "3f0e6a3e-6c1e-4f0a-8f0d-0d3d6f1f9a51")]);
    let page = browser.get(&address);
    assert_eq!(page.status, 200, "{}", page.body);
    assert!(page.body.contains("Sign in to go on to Native."), "{}", page.body);
    let filled = browser.fill_in(&page, &alice(), "Alice-Pw-1");
    assert_eq!(filled.header("location"), Some(&*address), "the same request, whole: {}", filled.body);
    let answer = browser.get(&address);
    let (target, parameters) = redirected(&answer);
    assert_eq!(target, NATIVE_REDIRECT);
    let names: Vec<&str> = parameters.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["code", "state", "client-request-id", "iss"]);
    assert_eq!(parameter(&parameters, "state").as_deref(), Some("a b&c"));
    assert_eq!(parameter(&parameters, "iss"), Some(format!("{}/adfs", lab.url)));
    assert!(answer.body.contains("<a href=\"http://127.0.0.1:8400/cb?code="), "{}", answer.body);

    let answer = redeem(&parameter(&parameters, "code").unwrap(), &proof);
    assert_eq!((answer.status, answer.header("cache-control")), (200, Some("no-store")), "{}", answer.body);
    assert_eq!(answer.header("content-type"), Some("application/json;charset=UTF-8"));
    let tokens = body(&answer);
    assert_eq!((&tokens["token_type"], &tokens["expires_in"]), (&json!("bearer"), &json!(3600)));
    assert_eq!((&tokens["resource"], &tokens["scope"]), (&json!(API), &json!("openid profile")));
    let access = payload(&tokens["access_token"]);
    assert_eq!(access["aud"], API);
    assert_eq!(access["iss"], format!("http://{}/adfs/services/trust", lab.host));
    assert_eq!((&access["appid"], &access["apptype"]), (&json!(NATIVE), &json!("Public")));
    assert_eq!((&access["ver"], &access["scp"]), (&json!("1.0"), &json!("openid profile")));
    assert_eq!((&access["upn"], &access["primarysid"]), (&json!(alice()), &json!(lab.object("alice").sid)));
    assert_eq!(access["insidecorpnetwork"], "false");
    assert!(access["role"].as_array().is_some_and(|roles| roles.len() > 2), "{access}");
    assert_eq!(access["authmethod"], "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport");
    assert!(access["auth_time"].as_str().is_some_and(|time| time.ends_with('Z')), "{access}");
    let id = payload(&tokens["id_token"]);
    assert_eq!((&id["aud"], &id["iss"]), (&json!(NATIVE), &json!(format!("{}/adfs", lab.url))));
    assert_eq!((&id["nonce"], &id["upn"]), (&json!("n-1"), &json!(alice())));
    assert_eq!((&id["unique_name"], &id["sid"]), (&json!("CORP\\alice"), &json!(lab.object("alice").sid)));
    assert!(id["auth_time"].is_number() && id["sub"].as_str().is_some_and(|sub| sub.len() == 44), "{id}");
    for event in [299, 1200] {
        assert_eq!(lab.audit(&answer.correlation).event(event)["AuthProtocol"], "OAuth");
    }
    let verified = python(
        "jwt_verify",
        &json!({"base": format!("{}/adfs", lab.url), "tokens": [
            {"token": tokens["access_token"], "audience": API, "issuer": "access_token_issuer"},
            {"token": tokens["id_token"], "audience": NATIVE, "issuer": "issuer"}]}),
        None,
    );
    assert_eq!(verified["valid"], json!([true, true]), "{verified}");
}

#[test]
fn windows_inside_signs_in_without_a_page() {
    OAuth::get();
    let lab = Lab::get();
    let (browser, proof) = (Browser::windows(), ProofKey::new());
    let address = native(&proof, &[]);
    let first = browser.get(&address);
    let door = address.replace("/authorize/?", "/authorize/wia?");
    assert_eq!((first.status, first.header("location")), (302, Some(&*door)));
    let answer = browser.request(&door).negotiate(&lab.kinit("alice", "alice")).send();
    let (_, parameters) = redirected(&answer);
    let tokens = body(&redeem(&parameter(&parameters, "code").unwrap(), &proof));
    let access = payload(&tokens["access_token"]);
    assert_eq!((&access["upn"], &access["insidecorpnetwork"]), (&json!(alice()), &json!("true")));
    assert_eq!(access["authmethod"], "urn:federation:authentication:windows");
    // The same session signs in to WS-Federation, and the reverse.
    assert_eq!(browser.ask("web", "").status, 200);
    let again = browser.get(&native(&ProofKey::new(), &[("prompt", "none")]));
    assert!(parameter(&redirected(&again).1, "code").is_some());
}

#[test]
fn prompt_none_never_shows_a_page_and_prompt_login_always_does() {
    OAuth::get();
    let (browser, proof) = (Browser::outside(), ProofKey::new());
    let (target, parameters) = redirected(&browser.get(&native(&proof, &[("prompt", "none")])));
    assert_eq!(
        (target.as_str(), parameter(&parameters, "error").as_deref()),
        (NATIVE_REDIRECT, Some("login_required"))
    );
    assert_eq!(parameter(&parameters, "state").as_deref(), Some("a b&c"));
    native_code(&browser, &proof, &[]);
    let silent = browser.get(&native(&proof, &[("prompt", "none")]));
    assert!(parameter(&redirected(&silent).1, "code").is_some());
    for fresh in [("prompt", "login"), ("max_age", "0")] {
        let page = browser.get(&native(&proof, &[fresh]));
        assert_eq!(page.status, 200, "{fresh:?}");
        let answer = browser.fill_in(&page, &alice(), "Alice-Pw-1");
        assert!(parameter(&redirected(&answer).1, "code").is_some(), "{fresh:?}: at once");
    }
    assert!(parameter(&redirected(&browser.get(&native(&proof, &[("max_age", "600")]))).1, "code").is_some());
}

#[test]
fn answers_come_by_query_fragment_and_form() {
    OAuth::get();
    let (browser, proof) = (Browser::outside(), ProofKey::new());
    native_code(&browser, &proof, &[]);
    let fragment = browser.get(&native(&proof, &[("response_mode", "fragment")]));
    assert!(fragment.header("location").unwrap().starts_with("http://127.0.0.1:8400/cb#code="));
    let posted = browser.get(&native(&proof, &[("response_mode", "form_post")]));
    assert_eq!(posted.status, 200);
    assert!(posted.body.contains("action=\"http://127.0.0.1:8400/cb\""), "{}", posted.body);
    let fields: Vec<String> = inputs(&posted.body).into_iter().map(|(name, _)| name).collect();
    assert_eq!(fields, ["code", "state", "iss"]);
}

#[test]
fn a_server_gets_an_id_token_beside_the_code_where_it_may() {
    OAuth::get();
    let (browser, proof) = (Browser::outside(), ProofKey::new());
    native_code(&browser, &proof, &[]);
    let request = [
        ("response_type", "code id_token"),
        ("client_id", SERVER),
        ("redirect_uri", SERVER_REDIRECT),
        ("scope", "openid"),
        ("nonce", "n-2"),
        ("response_mode", "form_post"),
    ];
    let posted = browser.get(&authorize(&request));
    let field = |name: &str| inputs(&posted.body).into_iter().find(|(own, _)| own == name).map(|(_, value)| value);
    let id = payload(&json!(field("id_token").unwrap_or_else(|| panic!("{}", posted.body))));
    assert_eq!((&id["aud"], &id["nonce"]), (&json!(SERVER), &json!("n-2")));
    assert!(id["c_hash"].as_str().is_some_and(|hash| hash.len() == 22), "{id}");
    let answer = token(&[
        ("grant_type", "authorization_code"),
        ("client_id", SERVER),
        ("client_secret", SECRET),
        ("code", &field("code").unwrap()),
        ("redirect_uri", SERVER_REDIRECT),
    ]);
    let tokens = body(&answer);
    assert_eq!(payload(&tokens["access_token"])["aud"], "urn:microsoft:userinfo", "{tokens}");
    let information = |token: &str| {
        Curl::new(&format!("{}/adfs/userinfo", Lab::get().url))
            .header("Authorization", &format!("Bearer {token}"))
            .send()
    };
    let access = tokens["access_token"].as_str().unwrap();
    assert_eq!(body(&information(access)), json!({ "sub": id["sub"] }));
    let refused = information(tokens["id_token"].as_str().unwrap());
    assert_eq!(refused.status, 401);
    assert_eq!(refused.header("www-authenticate"), Some("Bearer error=\"invalid_token\""));
    // Each client knows the person by another name.
    let native = body(&redeem(&native_code(&browser, &proof, &[]), &proof));
    assert_ne!(payload(&native["id_token"])["sub"], id["sub"]);
}

#[test]
fn refresh_tokens_rotate_and_a_stolen_one_ends_the_family() {
    OAuth::get();
    let lab = Lab::get();
    let (browser, proof) = (Browser::outside(), ProofKey::new());
    let tokens = body(&redeem(&native_code(&browser, &proof, &[]), &proof));
    let life = tokens["refresh_token_expires_in"].as_u64().unwrap();
    assert!((28_000..=28_800).contains(&life), "{life}");
    let refresh = |token: &str| {
        crate::support::oauth::token(&[
            ("grant_type", "refresh_token"),
            ("client_id", NATIVE),
            ("refresh_token", token),
        ])
    };
    let first = tokens["refresh_token"].as_str().unwrap();
    let answer = refresh(first);
    let second = body(&answer);
    assert_eq!(answer.status, 200, "{second}");
    assert_ne!(second["refresh_token"], tokens["refresh_token"]);
    assert_eq!(payload(&second["access_token"])["upn"], alice());
    let elsewhere = token(&[
        ("grant_type", "refresh_token"),
        ("client_id", NATIVE),
        ("refresh_token", second["refresh_token"].as_str().unwrap()),
        ("resource", "urn:e2e:oauth-other"),
    ]);
    crate::support::oauth::refused(&elsewhere, 400, "access_denied", "MSIS9605");
    // An answer that got lost is asked for again at once; the same much later is theft.
    assert_eq!(refresh(first).status, 200);
    assert_eq!(lab.audit(&answer.correlation).event(299)["AuthProtocol"], "OAuth");
}

#[test]
fn the_documents_are_as_clients_want_them() {
    OAuth::get();
    let lab = Lab::get();
    let configuration = Curl::new(&format!("{}/adfs/.well-known/openid-configuration?appid=x", lab.url)).send();
    insta::assert_snapshot!(
        serde_json::to_string_pretty(&body(&configuration)).unwrap().replace(&lab.host, "sts.example")
    );
    let keys = body(&Curl::new(&format!("{}/adfs/discovery/keys", lab.url)).send());
    let key = &keys["keys"][0];
    assert_eq!(key["kid"], key["x5t"]);
    assert_eq!((key["kty"].as_str(), key["use"].as_str(), key["e"].as_str()), (Some("RSA"), Some("sig"), Some("AQAB")));
    assert_eq!(key["x5c"].as_array().map(Vec::len), Some(1));
    let finger = |resource: &str| {
        Curl::new(&format!(
            "{}/.well-known/webfinger?rel=http://schemas.microsoft.com/rel/trusted-realm&resource={resource}",
            lab.url
        ))
        .send()
    };
    let found = finger(&lab.url);
    assert_eq!(found.header("content-type"), Some("application/jrd+json"));
    assert_eq!(body(&found)["links"][0]["href"], lab.url);
    assert_eq!(finger("https://evil.example").status, 404);
    assert_eq!(finger("https://sts.corp.example.evil.example/adfs").status, 404);
}
