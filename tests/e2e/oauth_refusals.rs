//! Bad OAuth requests: each with its exact error, in the audit log, and never to a place that is not the client's.

use crate::support::oauth::{
    API, DISABLED, LEGACY, NATIVE, NATIVE_REDIRECT, OAuth, ProofKey, SECRET, SERVER, authorize, json as body, native,
    native_code, parameter, redeem, redirected, refused, token,
};
use crate::support::{Browser, Curl, Lab, Response};
use crate::throwaway::{Account, unicode_password};

fn page(answer: &Response, code: &str) {
    assert_eq!(answer.status, 400, "{}", answer.body);
    assert_eq!(answer.header("location"), None);
    assert!(answer.body.contains(&format!("<dd id=\"errorCode\">{code}</dd>")), "{code}: {}", answer.body);
    assert_eq!(Lab::get().audit(&answer.correlation).event(364)["ErrorCode"], code);
}

fn sent_back(answer: &Response, error: &str, code: &str) {
    let (target, parameters) = redirected(answer);
    assert_eq!(target, NATIVE_REDIRECT);
    assert_eq!(parameter(&parameters, "error").as_deref(), Some(error), "{parameters:?}");
    assert!(parameter(&parameters, "error_description").is_some_and(|text| text.starts_with(code)), "{parameters:?}");
    assert!(parameter(&parameters, "code").is_none() && parameter(&parameters, "iss").is_some());
    assert_eq!(Lab::get().audit(&answer.correlation).event(413)["ErrorCode"], code);
}

#[test]
fn nothing_is_sent_to_an_address_that_is_not_the_clients() {
    OAuth::get();
    let browser = Browser::outside();
    let proof = ProofKey::new();
    native_code(&browser, &proof, &[]);
    let request = |client: &str, redirect: &str| {
        browser.get(&authorize(&[
            ("response_type", "code"),
            ("client_id", client),
            ("redirect_uri", redirect),
            ("resource", API),
            ("code_challenge", &proof.challenge),
            ("code_challenge_method", "S256"),
        ]))
    };
    page(&request("nobody", NATIVE_REDIRECT), "MSIS9223");
    page(&request(DISABLED, NATIVE_REDIRECT), "MSIS9223");
    page(&request(NATIVE, ""), "MSIS9221");
    for redirect in [
        "https://evil.example/",
        "http://127.0.0.1:8400/cb/",
        "http://127.0.0.1:8400/cb?x=1",
        "http://127.0.0.1:8400/cb#x",
        "http://127.0.0.1:8400/CB",
        "http://127.0.0.1:8400/cb/../evil",
        "http://127.0.0.1:8400@evil.example/cb",
        "http://127.0.0.1:8400.evil.example/cb",
        "http://localhost:8400/cb",
        "https://127.0.0.1:8400/cb",
        "http://127.0.0.1:8400/cb%2f..",
        "javascript:alert(1)",
        "//127.0.0.1:8400/cb",
        "ms-app://e2e",
        "http://127.0.0.1:8400/cb\r\nSet-Cookie: a=b",
    ] {
        let answer = request(NATIVE, redirect);
        let code = if redirect.contains('\r') { "MSIS9221" } else { "MSIS9224" };
        page(&answer, code);
        assert!(!answer.body.contains("evil"), "{}", answer.body);
    }
    // Another port on the person's own machine is the same program.
    let (target, _) = redirected(&request(NATIVE, "http://127.0.0.1:9999/cb"));
    assert_eq!(target, "http://127.0.0.1:9999/cb");
    let twice = format!("{}&redirect_uri=https%3A%2F%2Fevil.example", native(&proof, &[]));
    page(&browser.get(&twice), "MSIS9601");
    page(&browser.get(&format!("{}&CLIENT_ID=x", native(&proof, &[]))), "MSIS9601");
}

#[test]
fn errors_go_back_to_the_client_with_its_state() {
    OAuth::get();
    let browser = Browser::outside();
    let proof = ProofKey::new();
    let without_key = |more: &[(&str, &str)]| {
        let mut parameters = vec![
            ("response_type", "code"),
            ("client_id", NATIVE),
            ("redirect_uri", NATIVE_REDIRECT),
            ("scope", "openid"),
        ];
        parameters.extend(more);
        browser.get(&authorize(&parameters))
    };
    sent_back(&without_key(&[]), "invalid_request", "MSIS9601");
    sent_back(
        &without_key(&[("code_challenge", &proof.verifier), ("code_challenge_method", "plain")]),
        "invalid_request",
        "MSIS9601",
    );
    for parameters in ["x", "e30", "eyJQcm9wZXJ0aWVzIjoxfQ==", "eyJQcm9wZXJ0aWVzIjpb"] {
        sent_back(&browser.get(&native(&proof, &[("resource_params", parameters)])), "invalid_request", "MSIS9601");
    }
    let ask = |resource: &str, scope: &str| {
        browser.get(&authorize(&[
            ("response_type", "code"),
            ("client_id", NATIVE),
            ("redirect_uri", NATIVE_REDIRECT),
            ("resource", resource),
            ("scope", scope),
            ("code_challenge", &proof.challenge),
            ("code_challenge_method", "S256"),
        ]))
    };
    sent_back(&ask("urn:nowhere", "openid"), "invalid_resource", "MSIS9606");
    sent_back(&ask("urn:e2e:oauth-other", "openid"), "access_denied", "MSIS9605");
    sent_back(&ask(API, "openid aza"), "invalid_scope", "MSIS9648");
    native_code(&browser, &proof, &[]);
    // Signed in, and not permitted from outside.
    sent_back(&ask("urn:e2e:oauth-intranet", "openid"), "access_denied", "MSIS7068");
    // Unknown scopes are left out without a word.
    assert!(parameter(&redirected(&ask(API, "openid offline_access ugs")).1, "code").is_some());
    // An id token through the browser is for clients that are set up for it.
    let implicit = browser.get(&authorize(&[
        ("response_type", "id_token"),
        ("client_id", NATIVE),
        ("redirect_uri", NATIVE_REDIRECT),
        ("scope", "openid"),
        ("nonce", "n"),
    ]));
    let (target, parameters) = redirected(&implicit);
    assert_eq!(target, NATIVE_REDIRECT);
    assert_eq!(parameter(&parameters, "error").as_deref(), Some("unsupported_response_type"), "{parameters:?}");
    assert!(parameter(&parameters, "id_token").is_none());
    let token = browser.get(&authorize(&[
        ("response_type", "token"),
        ("client_id", NATIVE),
        ("redirect_uri", NATIVE_REDIRECT),
        ("scope", "openid"),
    ]));
    assert!(
        token
            .header("location")
            .is_some_and(|to| to.starts_with("http://127.0.0.1:8400/cb#error=unsupported_response_type"))
    );
}

#[test]
fn a_code_is_good_once_for_its_client_with_its_key() {
    OAuth::get();
    let (browser, proof) = (Browser::outside(), ProofKey::new());
    let code = native_code(&browser, &proof, &[]);
    let with = |fields: &[(&str, &str)]| {
        let mut all = vec![("grant_type", "authorization_code"), ("code", code.as_str())];
        all.extend(fields);
        token(&all)
    };
    let bad = |fields: &[(&str, &str)]| refused(&with(fields), 400, "invalid_grant", "MSIS9612");
    let good = [("client_id", NATIVE), ("redirect_uri", NATIVE_REDIRECT), ("code_verifier", &proof.verifier)];
    bad(&[good[0], good[1]]);
    bad(&[good[0], good[1], ("code_verifier", &proof.challenge)]);
    bad(&[good[0], ("redirect_uri", "ms-app://e2e/"), good[2]]);
    bad(&[("client_id", SERVER), ("client_secret", SECRET), good[1], good[2]]);
    refused(&with(&[good[0], good[2]]), 400, "invalid_request", "MSIS9601");
    refused(&with(&[("client_id", LEGACY), good[1], good[2]]), 400, "unauthorized_client", "MSIS9611");
    let tokens = body(&with(&good));
    assert!(tokens["refresh_token"].is_string(), "{tokens}");
    // The second use voids what the first one yielded.
    bad(&good);
    let refresh = token(&[
        ("grant_type", "refresh_token"),
        ("client_id", NATIVE),
        ("refresh_token", tokens["refresh_token"].as_str().unwrap()),
    ]);
    refused(&refresh, 400, "invalid_grant", "MSIS9614");
    let garbage = redeem("abc", &proof);
    refused(&garbage, 400, "invalid_grant", "MSIS9612");
}

#[test]
fn a_refresh_token_is_its_clients_alone() {
    OAuth::get();
    let (browser, proof) = (Browser::outside(), ProofKey::new());
    let tokens = body(&redeem(&native_code(&browser, &proof, &[]), &proof));
    let refresh = tokens["refresh_token"].as_str().unwrap();
    let with = |client: &str, text: &str| {
        token(&[("grant_type", "refresh_token"), ("client_id", client), ("refresh_token", text)])
    };
    refused(&with(LEGACY, refresh), 400, "invalid_grant", "MSIS9614");
    refused(&with(NATIVE, "0.abc"), 400, "invalid_grant", "MSIS9614");
    refused(&with(NATIVE, tokens["access_token"].as_str().unwrap()), 400, "invalid_grant", "MSIS9614");
    // A code is no refresh token, and the reverse.
    let code = native_code(&browser, &proof, &[]);
    refused(&with(NATIVE, &code), 400, "invalid_grant", "MSIS9614");
    refused(&redeem(refresh.trim_start_matches("0."), &proof), 400, "invalid_grant", "MSIS9612");
}

#[test]
fn a_refresh_token_ends_with_the_password_of_its_sign_in() {
    OAuth::get();
    let account = Account::new("refresh").create();
    let refresh = |tokens: &serde_json::Value| {
        let token = tokens["refresh_token"].as_str().unwrap_or_else(|| panic!("{tokens}"));
        crate::support::oauth::token(&[
            ("grant_type", "refresh_token"),
            ("client_id", LEGACY),
            ("refresh_token", token),
        ])
    };
    let sign_in = |password: &str| {
        body(&token(&[
            ("grant_type", "password"),
            ("client_id", LEGACY),
            ("username", &account.upn()),
            ("password", password),
            ("resource", API),
        ]))
    };
    let first = body(&refresh(&sign_in(&account.password)));
    account.modify(&format!("replace: unicodePwd\nunicodePwd:: {}", unicode_password("Changed-Pw-2")));
    let answer = refresh(&first);
    refused(&answer, 400, "invalid_grant", "MSIS9614");
    let event = Lab::get().audit(&answer.correlation).event(413);
    assert!(event["Detail"].as_str().is_some_and(|detail| detail.contains("password was changed")), "{event}");
    // By the new one it goes on.
    assert_eq!(refresh(&sign_in("Changed-Pw-2")).status, 200);
}

#[test]
fn the_token_endpoint_takes_forms_of_any_type_and_nothing_else() {
    OAuth::get();
    let url = format!("{}/adfs/oauth2/token", Lab::get().url);
    let form = crate::support::oauth::form(&[
        ("grant_type", "client_credentials"),
        ("client_id", SERVER),
        ("client_secret", SECRET),
        ("resource", API),
    ]);
    for content_type in ["Content-Type:", "Content-Type: application/soap+xml", "Content-Type: text/plain"] {
        let answer = Curl::new(&url).args(["--header", content_type]).post(form.clone()).send();
        assert_eq!(answer.status, 200, "{content_type}: {}", answer.body);
    }
    assert_eq!(Curl::new(&format!("{url}?{form}")).send().status, 405);
    refused(&Curl::new(&url).post("").send(), 400, "invalid_request", "MSIS9601");
    refused(
        &token(&[("grant_type", "urn:ietf:params:oauth:grant-type:saml2-bearer"), ("client_id", NATIVE)]),
        400,
        "unsupported_grant_type",
        "MSIS9611",
    );
    let long = Curl::new(&url).post(format!("grant_type={}", "a".repeat(70_000))).send();
    assert!([400, 413].contains(&long.status), "{}", long.status);
}

#[test]
fn only_an_access_token_that_is_for_it_and_about_somebody_opens_the_user_information() {
    OAuth::get();
    let ask = |scheme: &str, token: &str| {
        let request = Curl::new(&format!("{}/adfs/userinfo", Lab::get().url));
        request.header("Authorization", &format!("{scheme} {token}")).send()
    };
    let challenge = |answer: &Response| {
        assert_eq!((answer.status, answer.body.as_str()), (401, ""));
        answer.header("www-authenticate").unwrap_or_default().to_owned()
    };
    let user = format!("alice@{}", Lab::get().domain);
    let of = |fields: &[(&str, &str)]| {
        let answer = body(&token(fields));
        answer["access_token"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
    };
    let person = [("grant_type", "password"), ("client_id", LEGACY), ("username", &*user), ("password", "Alice-Pw-1")];
    let good = of(&person);
    assert_eq!(ask("Bearer", &good).status, 200);
    let elsewhere = of(&[&person[..], &[("resource", API)]].concat());
    let nobody = of(&[("grant_type", "client_credentials"), ("client_id", SERVER), ("client_secret", SECRET)]);
    let (signed, signature) = good.rsplit_once('.').expect("three parts");
    let forged = format!("{signed}.{}", signature.chars().rev().collect::<String>());
    for bad in [elsewhere.as_str(), &nobody, &forged, "a.b.c"] {
        let answer = ask("Bearer", bad);
        assert_eq!(challenge(&answer), "Bearer error=\"invalid_token\"");
        Lab::get().audit(&answer.correlation).event(413);
    }
    for scheme in ["Basic", "Negotiate", ""] {
        assert_eq!(challenge(&ask(scheme, &good)), "Bearer realm=\"adfs\"");
    }
}

#[test]
fn a_token_for_another_resource_does_not_open_the_user_information_whatever_it_says() {
    let trust = format!(
        "[relying_party]\nname = \"api\"\nidentifiers = [\"{API}\"]\naccess_control_policy = \"permit-everyone\"\n\
         transform_rules = '''=> issue(Type = \"sub\", Value = \"somebody\");'''\n"
    );
    let client =
        format!("[client]\nid = \"{LEGACY}\"\nkind = \"native\"\ngrants = [\"password\"]\nresources = [\"{API}\"]\n");
    let node =
        crate::support::NodeSetup::new().write("trusts/api.toml", trust).write("trusts/client.toml", client).start();
    let user = format!("alice@{}", Lab::get().domain);
    let ask = |resource: &[(&str, &str)]| {
        let person =
            [("grant_type", "password"), ("client_id", LEGACY), ("username", &user), ("password", "Alice-Pw-1")];
        let fields = crate::support::oauth::form(&[&person[..], resource].concat());
        body(&node.curl("/adfs/oauth2/token").post(fields).send())["access_token"].clone()
    };
    let information = |token: &serde_json::Value| {
        let header = format!("Bearer {}", token.as_str().expect("a token"));
        node.curl("/adfs/userinfo").header("Authorization", &header).send()
    };
    let elsewhere = ask(&[("resource", API)]);
    assert_eq!(crate::support::oauth::payload(&elsewhere)["sub"], "somebody");
    let refused = information(&elsewhere);
    assert_eq!(refused.status, 401, "{}", refused.body);
    assert_eq!(information(&ask(&[])).status, 200);
}

#[test]
fn a_code_of_an_account_that_was_disabled_or_has_another_password_yields_nothing() {
    OAuth::get();
    let account = Account::new("code").create();
    let code_of = |proof: &ProofKey| {
        let browser = Browser::outside();
        let address = native(proof, &[]);
        let page = browser.get(&address);
        let filled = browser.fill_in(&page, &account.upn(), &account.password);
        let answer = if filled.header("location") == Some(&*address) { browser.get(&address) } else { filled };
        let (_, parameters) = redirected(&answer);
        parameter(&parameters, "code").unwrap_or_else(|| panic!("no code: {parameters:?}"))
    };
    let modify = |attribute: &str, value: &str| {
        let dn = account.dn();
        crate::drs_client::ldap_modify(&format!(
            "dn: {dn}\nchangetype: modify\nreplace: {attribute}\n{attribute}:{value}\n"
        ));
    };
    let proof = ProofKey::new();
    let (good, disabled) = (code_of(&proof), code_of(&proof));
    assert_eq!(redeem(&good, &proof).status, 200);
    modify("userAccountControl", " 514");
    refused(&redeem(&disabled, &proof), 400, "invalid_grant", "MSIS9612");
    modify("userAccountControl", " 512");
    // What was refused was not used.
    assert_eq!(redeem(&disabled, &proof).status, 200);
    let changed = code_of(&proof);
    modify("unicodePwd", &format!(": {}", unicode_password("Throw-Away-2")));
    refused(&redeem(&changed, &proof), 400, "invalid_grant", "MSIS9612");
}
