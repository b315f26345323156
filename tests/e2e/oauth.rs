//! OAuth and OpenID Connect through a browser: a code, tokens, refresh, and what each of them says.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::json;

use crate::support::oauth::{
    API, BROWSER_REDIRECT, NATIVE, NATIVE_REDIRECT, OAuth, ProofKey, SECRET, SERVER, SERVER_REDIRECT, authorize,
    json as body, native, native_code, parameter, payload, redeem, redirected, token,
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
    // OpenID Connect Core 3.1.3.6: the left half of the access token's hash.
    let hash = openssl::sha::sha256(tokens["access_token"].as_str().expect("a token").as_bytes());
    assert_eq!(id["at_hash"], URL_SAFE_NO_PAD.encode(&hash[..16]));
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
fn prompt_none_at_the_door_of_negotiate_leads_back_whoever_has_no_ticket() {
    OAuth::get();
    let lab = Lab::get();
    let (browser, proof) = (Browser::windows(), ProofKey::new());
    let first = browser.get(&native(&proof, &[("prompt", "none")]));
    let door = first.header("location").expect("the door").to_owned();
    assert!(door.starts_with("/adfs/oauth2/authorize/wia?"), "{door}");
    // What a browser shows that does not answer the challenge, in a frame of the client too.
    let challenge = browser.get(&door);
    assert_eq!((challenge.status, challenge.header("www-authenticate")), (401, Some("Negotiate")));
    let back = "<meta http-equiv=\"refresh\" content=\"0;url=http://127.0.0.1:8400/cb?error=login_required&amp;";
    assert!(challenge.body.contains(back) && challenge.body.contains("state=a%20b%26c"), "{}", challenge.body);
    assert_eq!(challenge.header("x-frame-options"), None);
    assert!(
        challenge.header("content-security-policy").is_some_and(|policy| policy.ends_with("frame-ancestors https:"))
    );
    let form = browser.get(&door.replace("state=", "response_mode=form_post&state="));
    assert_eq!(form.status, 401);
    assert!(inputs(&form.body).contains(&("error".into(), "login_required".into())), "{}", form.body);
    // A ticket that is no good leads to the main door, which answers the same.
    let refused = browser.request(&door).header("Authorization", "Negotiate AAAA").send();
    let (_, parameters) = redirected(&browser.copy().get(refused.header("location").expect("the main door")));
    assert_eq!(parameter(&parameters, "error").as_deref(), Some("login_required"));
    let answer = browser.request(&door).negotiate(&lab.kinit("alice", "alice")).send();
    assert!(parameter(&redirected(&answer).1, "code").is_some());
}

#[test]
fn a_relying_party_of_ws_federation_gets_a_json_web_token_where_it_asks_for_one() {
    OAuth::get();
    let lab = Lab::get();
    let hand_over = Browser::outside().sign_in("oauth-jwt", &alice(), "Alice-Pw-1");
    let pattern = "<o:BinarySecurityToken [^>]*ValueType=\"urn:ietf:params:oauth:token-type:jwt\"[^>]*>([^<]+)<";
    let found = regex::Regex::new(pattern).unwrap().captures(&hand_over.result).map(|found| found[1].to_owned());
    let encoded = found.unwrap_or_else(|| panic!("no token: {}", hand_over.result));
    let token = String::from_utf8(STANDARD.decode(encoded).expect("base64")).expect("text");
    let claims = payload(&json!(token));
    assert_eq!((&claims["aud"], &claims["upn"]), (&json!("urn:e2e:oauth-jwt"), &json!(alice())), "{claims}");
    assert!(claims.get("appid").is_none(), "it was issued to no client: {claims}");
    let verified = python(
        "jwt_verify",
        &json!({"base": format!("{}/adfs", lab.url),
            "tokens": [{"token": token, "audience": "urn:e2e:oauth-jwt", "issuer": "access_token_issuer"}]}),
        None,
    );
    assert_eq!(verified["valid"], json!([true]), "{verified}");
}

#[test]
fn a_second_factor_that_is_asked_for_is_refused_to_the_client() {
    OAuth::get();
    let proof = ProofKey::new();
    for asked in [("mfa_max_age", "300"), ("amr_values", "ngcmfa")] {
        let (target, parameters) = redirected(&Browser::outside().get(&native(&proof, &[asked])));
        assert_eq!(target, NATIVE_REDIRECT);
        assert_eq!(parameter(&parameters, "error").as_deref(), Some("interaction_required"), "{asked:?}");
    }
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

/// `OpenID` Connect Core 3.1.2.1: whom an id token names is answered about, and nobody else.
#[test]
fn an_id_token_hint_is_about_one_person() {
    OAuth::get();
    let (hers, his, proof) = (Browser::outside(), Browser::outside(), ProofKey::new());
    let tokens = body(&redeem(&native_code(&hers, &proof, &[]), &proof));
    let hint = tokens["id_token"].as_str().expect("an id token").to_owned();
    let bob = format!("bob@{}", Lab::get().domain);
    his.sign_in("web", &bob, "Bob-Pw-1");
    let ask = |browser: &Browser, hint: &str, more: &[(&str, &str)]| {
        let proof = ProofKey::new();
        let asked = [&[("id_token_hint", hint)][..], more].concat();
        let (_, parameters) = redirected(&browser.get(&native(&proof, &asked)));
        (parameter(&parameters, "code").is_some(), parameter(&parameters, "error"))
    };
    for more in [&[("prompt", "none")][..], &[]] {
        assert_eq!(ask(&hers, &hint, more), (true, None), "{more:?}");
        assert_eq!(ask(&his, &hint, more), (false, Some("login_required".into())), "{more:?}");
    }
    let nobody = ask(&Browser::outside(), &hint, &[("prompt", "none")]);
    assert_eq!(nobody, (false, Some("login_required".into())));
    // What it says is verified, and it is this client's.
    let (signed, signature) = hint.rsplit_once('.').expect("a signature");
    let altered = format!("{signed}.{}", signature.chars().rev().collect::<String>());
    let access = tokens["access_token"].as_str().expect("an access token");
    for hint in [&*altered, "x", access] {
        assert_eq!(ask(&hers, hint, &[("prompt", "none")]), (false, Some("invalid_request".into())), "{hint}");
    }
    let other = authorize(&[
        ("response_type", "id_token"),
        ("client_id", SERVER),
        ("redirect_uri", SERVER_REDIRECT),
        ("resource", API),
        ("scope", "openid"),
        ("nonce", "n"),
        ("response_mode", "fragment"),
        ("id_token_hint", &hint),
    ]);
    let (_, parameters) = redirected(&hers.get(&other));
    assert_eq!(parameter(&parameters, "error").as_deref(), Some("invalid_request"), "{parameters:?}");
    // A person who is to sign in signs in as who is meant, or is not answered.
    let page = Browser::outside();
    let asked = native(&proof, &[("id_token_hint", &hint)]);
    let filled = page.fill_in(&page.get(&asked), &bob, "Bob-Pw-1");
    let answer = page.get(filled.header("location").expect("the same request"));
    assert_eq!(parameter(&redirected(&answer).1, "error").as_deref(), Some("login_required"));
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
    // Fewer scopes may be asked for, and no more than were granted.
    let mut tokens = body(&redeem(&native_code(&browser, &proof, &[]), &proof));
    for (asked, granted) in [("openid", "openid"), ("openid profile email user_impersonation", "openid profile")] {
        let token = tokens["refresh_token"].as_str().unwrap_or_else(|| panic!("{tokens}"));
        let fields =
            [("grant_type", "refresh_token"), ("client_id", NATIVE), ("refresh_token", token), ("scope", asked)];
        tokens = body(&crate::support::oauth::token(&fields));
        assert_eq!(tokens["scope"], granted, "{tokens}");
    }
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
    // Both addresses are as good as each other, and so are both spellings of the port.
    for resource in [format!("{}:443/adfs", lab.url), format!("{}/adfs", lab.url)] {
        for path in ["/.well-known/webfinger", "/adfs/.well-known/webfinger"] {
            let found = body(&Curl::new(&format!("{}{path}?resource={resource}", lab.url)).send());
            assert_eq!((&found["subject"], &found["links"][0]["href"]), (&json!(resource), &json!(lab.url)), "{path}");
        }
    }
    assert_eq!(finger("https://evil.example").status, 404);
    assert_eq!(finger("https://sts.corp.example.evil.example/adfs").status, 404);
}

#[test]
fn the_document_tells_the_scopes_that_clients_are_permitted() {
    let client = |id: &str, scopes: &str, more: &str| {
        format!("[client]\nid = \"{id}\"\nkind = \"native\"\ngrants = [\"device_code\"]\nscopes = [{scopes}]\n{more}")
    };
    let node = crate::support::NodeSetup::new()
        .write("trusts/one.toml", client("one", "\"openid\", \"orders.write\", \"orders.read\"", ""))
        .write("trusts/two.toml", client("two", "\"orders.read\", \"logon_cert\"", ""))
        .write("trusts/off.toml", client("off", "\"nobody.reads\"", "enabled = false\n"))
        .start();
    let document = body(&node.curl("/adfs/.well-known/openid-configuration").send());
    let scopes =
        ["allatclaims", "email", "user_impersonation", "aza", "profile", "openid", "orders.read", "orders.write"];
    assert_eq!(document["scopes_supported"], json!(scopes), "{document}");
}

#[test]
fn sign_out_reaches_the_clients_and_goes_on_where_the_client_says() {
    OAuth::get();
    let lab = Lab::get();
    let (browser, proof) = (Browser::outside(), ProofKey::new());
    let tokens = body(&redeem(&native_code(&browser, &proof, &[]), &proof));
    let hint = tokens["id_token"].as_str().unwrap();
    let out = |browser: &Browser, more: &[(&str, &str)]| {
        browser.get(&format!("/adfs/oauth2/logout?{}", crate::support::oauth::form(more)))
    };
    let address = ("post_logout_redirect_uri", NATIVE_REDIRECT);
    let away = out(&browser.copy(), &[("id_token_hint", hint), address, ("state", "s&1")]);
    assert_eq!((away.status, away.header("location")), (302, Some(&*format!("{NATIVE_REDIRECT}?state=s%261"))));
    assert_eq!(lab.audit(&away.correlation).event(1206)["AuthProtocol"], "OAuth");
    // The session is void, and with it the refresh token that came of it.
    let refresh = ("refresh_token", tokens["refresh_token"].as_str().unwrap());
    let answer = token(&[("grant_type", "refresh_token"), ("client_id", NATIVE), refresh]);
    crate::support::oauth::refused(&answer, 400, "invalid_grant", "MSIS9614");
    // Without a good hint nobody is sent anywhere.
    let evil = ("post_logout_redirect_uri", "https://evil.example/");
    for more in [vec![address], vec![("id_token_hint", hint), evil], vec![("id_token_hint", "a.b.c"), address]] {
        let page = out(&Browser::outside(), &more);
        assert_eq!((page.status, page.header("location")), (200, None), "{more:?}");
        assert!(!page.body.contains("evil"), "{}", page.body);
    }

    let browser = Browser::outside();
    native_code(&browser, &proof, &[]);
    let request = [
        ("response_type", "code"),
        ("client_id", SERVER),
        ("redirect_uri", SERVER_REDIRECT),
        ("scope", "openid"),
        ("nonce", "n"),
    ];
    let (_, parameters) = redirected(&browser.get(&authorize(&request)));
    let answer = token(&[
        ("grant_type", "authorization_code"),
        ("client_id", SERVER),
        ("client_secret", SECRET),
        ("code", &parameter(&parameters, "code").unwrap()),
        ("redirect_uri", SERVER_REDIRECT),
    ]);
    let sid = payload(&body(&answer)["id_token"])["sid"].as_str().unwrap().to_owned();
    let page = out(&browser, &[]);
    let frame = format!("https://app.rp.example/logout?sid={sid}&amp;iss=https%3A%2F%2F{}%2Fadfs", lab.host);
    assert!(page.body.contains(&frame), "{frame}: {}", page.body);
    assert!(page.header("content-security-policy").unwrap().contains("frame-src https://app.rp.example"));
}

#[test]
fn a_refresh_token_that_comes_again_late_voids_the_family() {
    OAuth::get();
    let lab = Lab::get();
    let client =
        format!("[client]\nid = \"{NATIVE}\"\nkind = \"native\"\ngrants = [\"password\", \"refresh_token\"]\n");
    let node = crate::support::NodeSetup::new()
        .append("[oauth]\nrefresh_grace_seconds = 0")
        .write("trusts/client.toml", client)
        .start();
    let ask = |fields: &[(&str, &str)]| {
        let fields = crate::support::oauth::form(fields);
        node.curl("/adfs/oauth2/token").header("Content-Type", "application/x-www-form-urlencoded").post(fields).send()
    };
    let name = format!("alice@{}", lab.domain);
    let first = body(&ask(&[
        ("grant_type", "password"),
        ("client_id", NATIVE),
        ("username", &name),
        ("password", "Alice-Pw-1"),
        ("scope", "openid"),
    ]));
    let refresh = |tokens: &serde_json::Value| {
        let token = tokens["refresh_token"].as_str().unwrap_or_else(|| panic!("{tokens}"));
        ask(&[("grant_type", "refresh_token"), ("client_id", NATIVE), ("refresh_token", token)])
    };
    let second = body(&refresh(&first));
    assert!(second["access_token"].is_string(), "{second}");
    let stolen = refresh(&first);
    assert_eq!((stolen.status, &body(&stolen)["error"]), (400, &json!("invalid_grant")));
    let innocent = refresh(&second);
    assert_eq!(
        (innocent.status, &body(&innocent)["error"]),
        (400, &json!("invalid_grant")),
        "the whole family is void"
    );
}

#[test]
fn chromium_reaches_the_client_silently_and_through_the_page() {
    OAuth::get();
    let proof = ProofKey::new();
    let address = |mode: &str| {
        authorize(&[
            ("response_type", "code"),
            ("client_id", NATIVE),
            ("redirect_uri", BROWSER_REDIRECT),
            ("scope", "openid"),
            ("state", "s"),
            ("response_mode", mode),
            ("code_challenge", &proof.challenge),
            ("code_challenge_method", "S256"),
        ])
    };
    let silent = json!([{ "name": "silent", "steps": [["open", address("form_post")], ["wait", "#done"]] }]);
    let answers = crate::browser::chromium_with(&silent, true, None);
    let received = &answers["silent"]["received"];
    assert_eq!((&received[0]["path"], &received[0]["fields"]["state"]), (&json!("/oauth"), &json!("s")), "{answers}");
    assert!(received[0]["fields"]["code"].is_string(), "{answers}");
    // The answer to the page's form is a redirection to the client, which the page's policy must let pass.
    let page = json!([{ "name": "page", "steps": [
        ["open", address("query")], ["wait", "#passwordInput"], ["type", alice()], ["tab"], ["type", "Alice-Pw-1"], ["enter"],
        ["wait", "body > p:only-child"],
    ] }]);
    let answers = crate::browser::chromium_with(&page, false, None);
    let at = answers["page"]["url"].as_str().unwrap_or_else(|| panic!("{answers}"));
    assert!(at.starts_with("https://wsfed.rp.example/oauth?code="), "{at}");
}
