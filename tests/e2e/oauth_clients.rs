//! Clients that prove who they are, passwords, and Microsoft's library.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::sign::Signer;
use openssl::x509::X509;
use serde_json::{Value, json};

use crate::support::oauth::{
    API, LEGACY, NATIVE, NATIVE_REDIRECT, OAuth, SECRET, SERVER, form, json as body, payload, redirected, refused,
    token,
};
use crate::support::{Browser, Curl, Lab, python};

fn client_token(more: &[(&str, &str)]) -> crate::support::Response {
    let mut fields = vec![("grant_type", "client_credentials"), ("client_id", SERVER), ("resource", API)];
    fields.extend(more);
    token(&fields)
}

#[test]
fn a_client_gets_a_token_for_itself_by_its_secret() {
    OAuth::get();
    let answer = client_token(&[("client_secret", SECRET)]);
    let tokens = body(&answer);
    assert_eq!(answer.status, 200, "{tokens}");
    assert!(tokens.get("id_token").is_none() && tokens.get("refresh_token").is_none(), "{tokens}");
    let access = payload(&tokens["access_token"]);
    assert_eq!(
        (&access["appid"], &access["apptype"], &access["aud"]),
        (&json!(SERVER), &json!("Confidential"), &json!(API))
    );
    assert_eq!(access["authmethod"], "http://schemas.microsoft.com/ws/2008/06/identity/authenticationmethod/password");
    assert_eq!(access["urn:chancery:requestcontext/client-id"], SERVER);
    assert!(access.get("upn").is_none() && access.get("scp").is_none(), "{access}");

    // Nothing stands twice, which everybody would read as they like.
    let part = tokens["access_token"].as_str().unwrap().split('.').nth(1).unwrap();
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
    assert_eq!(text.matches("\"authmethod\":").count(), 1, "{text}");

    let basic = Curl::new(&format!("{}/adfs/oauth2/token/", Lab::get().url))
        .header("Content-Type", "application/x-www-form-urlencoded")
        .args(["--user", &format!("{SERVER}:{}", crate::support::oauth::form(&[("", SECRET)]).trim_start_matches('='))])
        .post(form(&[("grant_type", "client_credentials"), ("scope", "https://api.rp.example//.default")]))
        .send();
    assert_eq!(payload(&body(&basic)["access_token"])["aud"], API);
}

#[test]
fn a_client_that_does_not_prove_who_it_is_gets_nothing() {
    OAuth::get();
    let lab = Lab::get();
    let wrong = client_token(&[("client_secret", "wrong")]);
    refused(&wrong, 400, "invalid_client", "MSIS9622");
    assert_eq!(lab.audit(&wrong.correlation).event(1203)["UserId"], SERVER);
    refused(&client_token(&[]), 400, "invalid_client", "MSIS9622");
    let basic = Curl::new(&format!("{}/adfs/oauth2/token", lab.url))
        .args(["--user", &format!("{SERVER}:wrong")])
        .post(form(&[("grant_type", "client_credentials"), ("resource", API)]))
        .send();
    refused(&basic, 401, "invalid_client", "MSIS9622");
    assert_eq!(basic.header("www-authenticate"), Some("Basic realm=\"adfs\""));
    let unknown = token(&[
        ("grant_type", "client_credentials"),
        ("client_id", "nobody"),
        ("client_secret", "x"),
        ("resource", API),
    ]);
    refused(&unknown, 400, "invalid_client", "MSIS9607");
    let public = token(&[("grant_type", "client_credentials"), ("client_id", NATIVE), ("resource", API)]);
    refused(&public, 400, "unauthorized_client", "MSIS9611");
    let twice = client_token(&[("client_secret", SECRET), ("client_assertion", "a.b.c")]);
    refused(&twice, 400, "invalid_request", "MSIS9601");
    refused(&client_token(&[("client_secret", SECRET), ("resource", API)]), 400, "invalid_request", "MSIS9601");
}

/// An assertion of the server client, good for a minute, with some of what it says replaced.
fn assertion(key: &PKey<Private>, changes: &Value) -> String {
    let pem = std::fs::read(Lab::get().config.join("trusts/e2e-client.pem")).unwrap();
    let thumbprint = X509::from_pem(&pem).unwrap().digest(MessageDigest::sha1()).unwrap();
    let header = json!({"typ": "JWT", "alg": "RS256", "x5t": URL_SAFE_NO_PAD.encode(thumbprint)});
    let now = crate::support::now();
    let mut payload = json!({"iss": SERVER, "sub": SERVER, "aud": format!("{}/adfs/oauth2/token/", Lab::get().url),
        "jti": fastrand::u64(..).to_string(), "nbf": now, "exp": now + 60});
    for (name, value) in changes.as_object().unwrap() {
        payload[name] = value.clone();
    }
    let text = [header, payload].map(|part| URL_SAFE_NO_PAD.encode(part.to_string())).join(".");
    let mut signer = Signer::new(MessageDigest::sha256(), key).unwrap();
    let signature = signer.sign_oneshot_to_vec(text.as_bytes()).unwrap();
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
}

#[test]
fn an_assertion_is_the_clients_own_for_this_server_and_good_once() {
    OAuth::get();
    const KIND: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
    let lab = Lab::get();
    let key = PKey::private_key_from_pem(&std::fs::read(OAuth::key()).unwrap()).unwrap();
    let ask =
        |kind: &str, assertion: &str| client_token(&[("client_assertion_type", kind), ("client_assertion", assertion)]);
    let good = assertion(&key, &json!({}));
    refused(
        &ask("urn:ietf:params:oauth:client-assertion-type:saml2-bearer", &good),
        400,
        "invalid_request",
        "MSIS9601",
    );
    assert_eq!(payload(&body(&ask(KIND, &good))["access_token"])["appid"], SERVER);
    let again = ask(KIND, &good);
    refused(&again, 400, "invalid_client", "MSIS9622");
    assert_eq!(lab.audit(&again.correlation).event(1203)["UserId"], SERVER);
    // However a client writes the address of this server.
    for audience in ["/adfs", ":443/adfs", "/adfs/oauth2/token", ":443/adfs/oauth2/token/"] {
        let answer = ask(KIND, &assertion(&key, &json!({"aud": format!("{}{audience}", lab.url)})));
        assert_eq!(payload(&body(&answer)["access_token"])["appid"], SERVER, "{audience}");
    }
    let stranger = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
    let now = crate::support::now();
    for bad in [
        assertion(&stranger, &json!({})),
        assertion(&key, &json!({"iss": NATIVE})),
        assertion(&key, &json!({"sub": NATIVE})),
        assertion(&key, &json!({"aud": "https://sts.other.example/adfs/oauth2/token/"})),
        assertion(&key, &json!({"aud": format!("{}:444/adfs", lab.url)})),
        assertion(&key, &json!({"exp": now - 600})),
        assertion(&key, &json!({"exp": now + 86_400})),
        String::from("a.b.c"),
    ] {
        let answer = ask(KIND, &bad);
        refused(&answer, 400, "invalid_client", "MSIS9622");
        assert_eq!(lab.audit(&answer.correlation).event(1203)["UserId"], SERVER);
    }
    // HTTP Basic names one client, and the form another.
    let secret = form(&[("", SECRET)]);
    let two = Curl::new(&format!("{}/adfs/oauth2/token", lab.url))
        .args(["--user", &format!("{SERVER}:{}", secret.trim_start_matches('='))])
        .post(form(&[("grant_type", "client_credentials"), ("client_id", NATIVE), ("resource", API)]))
        .send();
    refused(&two, 401, "invalid_client", "MSIS9622");
}

#[test]
fn a_computer_gets_a_token_by_its_ticket() {
    OAuth::get();
    let lab = Lab::get();
    let request = |cache: &std::path::Path| {
        Curl::new(&format!("{}/adfs/oauth2/token", lab.url))
            .negotiate(cache)
            .post(form(&[
                ("grant_type", "client_credentials"),
                ("client_id", SERVER),
                ("resource", API),
                ("use_windows_client_authentication", "true"),
            ]))
            .send()
    };
    let answer = request(&lab.kinit("ws01", "WS01$"));
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert!(answer.header("www-authenticate").is_some_and(|value| value.starts_with("Negotiate ")));
    let access = payload(&body(&answer)["access_token"]);
    assert_eq!(access["authmethod"], "http://schemas.microsoft.com/ws/2008/06/identity/authenticationmethod/windows");
    refused(&request(&lab.kinit("alice", "alice")), 400, "invalid_client", "MSIS9622");
}

#[test]
fn what_is_no_ticket_proves_no_client() {
    OAuth::get();
    let ask = |authorization: Option<&str>| {
        let request = Curl::new(&format!("{}/adfs/oauth2/token", Lab::get().url));
        let request = match authorization {
            Some(value) => request.header("Authorization", value),
            None => request,
        };
        let fields = [("client_id", SERVER), ("resource", API), ("use_windows_client_authentication", "true")];
        request.post(form(&[&[("grant_type", "client_credentials")][..], &fields].concat())).send()
    };
    for forged in ["Negotiate AAAA", "Negotiate YIIB", "Negotiate ?"] {
        let answer = ask(Some(forged));
        refused(&answer, 400, "invalid_client", "MSIS9622");
        Lab::get().audit(&answer.correlation).event(1203);
    }
    // Who sends none is asked for one.
    let first = ask(None);
    assert_eq!((first.status, first.header("www-authenticate")), (401, Some("Negotiate")), "{}", first.body);
    assert!(body(&first).get("access_token").is_none());
}

#[test]
fn a_password_is_for_clients_that_are_set_up_for_it() {
    OAuth::get();
    let lab = Lab::get();
    let ask = |client: &str, name: &str, password: &str| {
        token(&[
            ("grant_type", "password"),
            ("client_id", client),
            ("username", name),
            ("password", password),
            ("resource", API),
            ("scope", "openid"),
        ])
    };
    let alice = format!("alice@{}", lab.domain);
    let tokens = body(&ask(LEGACY, &alice, "Alice-Pw-1"));
    assert_eq!(payload(&tokens["id_token"])["upn"], alice);
    assert!(tokens["refresh_token"].is_string());
    refused(&ask(NATIVE, &alice, "Alice-Pw-1"), 400, "unauthorized_client", "MSIS9611");
    let wrong = ask(LEGACY, &alice, "wrong");
    refused(&wrong, 400, "invalid_grant", "MSIS9659");
    let unknown = ask(LEGACY, &format!("nobody@{}", lab.domain), "wrong");
    refused(&unknown, 400, "invalid_grant", "MSIS9659");
    assert_eq!(wrong.body, unknown.body, "nothing tells whether there is such an account");
    assert_eq!(lab.audit(&wrong.correlation).event(411)["AuthProtocol"], "OAuth");
}

#[test]
fn msal_for_python_uses_every_flow() {
    OAuth::get();
    let lab = Lab::get();
    let certificate = std::fs::read_to_string(lab.config.join("trusts/e2e-client.pem")).unwrap();
    let input = json!({
        "authority": format!("{}/adfs", lab.url), "native": NATIVE, "legacy": LEGACY, "server": SERVER, "secret": SECRET,
        "key": std::fs::read_to_string(OAuth::key()).unwrap(), "certificate": certificate,
        "username": format!("alice@{}", lab.domain), "password": "Alice-Pw-1",
        "scope": "https://api.rp.example//.default", "redirect": NATIVE_REDIRECT,
    });
    let flows = python("msal_oauth", &input, None);
    for flow in ["password", "secret", "certificate"] {
        assert_eq!(flows[flow]["error"], json!(null), "{flow}: {flows}");
        assert_eq!(payload(&flows[flow]["access_token"])["aud"], API, "{flow}");
    }
    assert_eq!(flows["silent"]["error"], json!(null), "{flows}");
    assert_eq!(flows["account"]["username"], format!("alice@{}", lab.domain));

    // The browser's part of the code flow, between two calls of the library.
    let uri = flows["flow"]["auth_uri"].as_str().unwrap().replace(&lab.url, "");
    let browser = Browser::outside();
    let page = browser.get(&uri);
    let filled = browser.fill_in(&page, &format!("alice@{}", lab.domain), "Alice-Pw-1");
    let answer =
        if filled.header("location").is_some_and(|at| at.starts_with("/adfs/")) { browser.get(&uri) } else { filled };
    // MSAL asks for a form.
    let parameters: Vec<(String, String)> =
        if answer.status == 200 { crate::support::inputs(&answer.body) } else { redirected(&answer).1 };
    let parameters: serde_json::Map<String, serde_json::Value> =
        parameters.into_iter().map(|(name, value)| (name, json!(value))).collect();
    let mut second = input.clone();
    second["flow"] = flows["flow"].clone();
    second["response"] = json!(parameters);
    let result = python("msal_oauth", &second, None);
    assert_eq!(result["code"]["error"], json!(null), "{result}");
    assert_eq!(payload(&result["code"]["access_token"])["aud"], API);
}
