//! A web API asks on behalf of its user for a token of another one.

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::support::oauth::{
    API, BACKEND, LEGACY, MIDDLE, MIDDLE_API, NATIVE, OAuth, ProofKey, SECRET, SERVER, delegation, form, json as body,
    native, native_code, parameter, payload, redeem, redirected, refused, token,
};
use crate::support::{Browser, Curl, Lab, Node, NodeSetup, Response, python};
use crate::throwaway::{Account, unicode_password};

const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const FOR_MIDDLE: [(&str, &str); 2] = [("resource", MIDDLE_API), ("scope", "openid user_impersonation")];

/// The tokens of a user for a web API, by password; from inside.
fn tokens(account: &Account, more: &[(&str, &str)]) -> Value {
    let upn = account.upn();
    let mut fields =
        vec![("grant_type", "password"), ("client_id", LEGACY), ("username", &*upn), ("password", &*account.password)];
    fields.extend(more);
    let answer = token(&fields);
    assert_eq!(answer.status, 200, "{}", answer.body);
    body(&answer)
}

/// Their access token for the middle one, as it is sent there.
fn assertion(account: &Account) -> String {
    text(&tokens(account, &FOR_MIDDLE), "access_token")
}

fn text(tokens: &Value, name: &str) -> String {
    tokens[name].as_str().unwrap_or_else(|| panic!("no {name}: {tokens}")).to_owned()
}

/// What the middle one asks, with what is said of it replaced or, by an empty text, left out.
fn asked<'a>(assertion: &'a str, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut fields = vec![
        ("grant_type", JWT_BEARER),
        ("requested_token_use", "on_behalf_of"),
        ("client_id", MIDDLE),
        ("client_secret", SECRET),
        ("resource", BACKEND),
        ("scope", "openid"),
        ("assertion", assertion),
    ];
    for (name, value) in more {
        fields.retain(|(own, _)| own != name);
        fields.push((name, value));
    }
    fields.retain(|(_, value)| !value.is_empty());
    fields
}

fn ask(assertion: &str, more: &[(&str, &str)]) -> Response {
    token(&asked(assertion, more))
}

fn bad(assertion: &str) -> String {
    let answer = ask(assertion, &[]);
    refused(&answer, 400, "invalid_grant", "MSIS9613");
    Lab::get().audit(&answer.correlation).event(413)["Detail"].as_str().expect("a reason").to_owned()
}

#[test]
fn msal_for_python_asks_on_behalf_of_its_user() {
    OAuth::get();
    let lab = Lab::get();
    let account = Account::new("behalf").create();
    let input = json!({
        "authority": format!("{}/adfs", lab.url), "client": MIDDLE, "secret": SECRET, "assertion": assertion(&account),
        "certificate": std::fs::read_to_string(lab.config.join("trusts/e2e-client.pem")).unwrap(),
        "key": std::fs::read_to_string(OAuth::key()).unwrap(), "scope": "https://backend.rp.example//.default",
    });
    let answers = python("msal_behalf", &input, None);
    for way in ["secret", "certificate", "refreshed"] {
        assert_eq!(answers[way]["error"], json!(null), "{way}: {answers}");
        let access = payload(&answers[way]["access_token"]);
        assert_eq!((&access["aud"], &access["upn"]), (&json!(BACKEND), &json!(account.upn())), "{way}");
        assert_eq!((&access["appid"], &access["apptype"]), (&json!(MIDDLE), &json!("Confidential")), "{way}");
        assert!(access["role"].as_array().is_some_and(|roles| roles.len() > 2), "{way}: {access}");
        // How and when they signed in, not that a web API asked.
        assert_eq!(access["authmethod"], "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport");
    }
    assert_eq!(answers["accounts"], json!([account.upn()]), "{answers}");
    assert_eq!(answers["secret"]["id_token_claims"]["aud"], MIDDLE, "{answers}");
    assert_eq!(answers["refused"]["error"], "access_denied", "{answers}");
}

#[test]
fn what_the_directory_says_now_is_in_the_token() {
    OAuth::get();
    let account = Account::new("now").create();
    let assertion = assertion(&account);
    let then = payload(&json!(assertion));
    let renamed = format!("renamed-{}", account.upn());
    account.modify(&format!("replace: userPrincipalName\nuserPrincipalName: {renamed}"));
    let answer = ask(&assertion, &[]);
    let tokens = body(&answer);
    assert_eq!(answer.status, 200, "{tokens}");
    let now = payload(&tokens["access_token"]);
    assert_eq!((&then["upn"], &now["upn"]), (&json!(account.upn()), &json!(renamed)), "{now}");
    assert_eq!((&now["primarysid"], &now["auth_time"]), (&then["primarysid"], &then["auth_time"]));
    assert_eq!((&tokens["resource"], &tokens["scope"]), (&json!(BACKEND), &json!("openid")));
    assert_eq!(payload(&tokens["id_token"])["aud"], MIDDLE);
    let event = Lab::get().audit(&answer.correlation).event(1200);
    assert!(event["UserId"].as_str().is_some_and(|user| user.ends_with(&account.name)), "{event}");
    // Only the token for the middle one can be used so, and nobody reads there who it is about.
    assert!(then["urn:chancery:on-behalf-of"].as_str().is_some_and(|sealed| !sealed.contains('.')), "{then}");
    assert_eq!(now.get("urn:chancery:on-behalf-of"), None);
}

#[test]
fn a_web_api_proves_who_it_is_by_its_ticket() {
    OAuth::get();
    let assertion = assertion(&Account::new("ticket").create());
    let more = [("client_secret", ""), ("use_windows_client_authentication", "true")];
    let request = |cache: &std::path::Path| {
        Curl::new(&format!("{}/adfs/oauth2/token", Lab::get().url))
            .negotiate(cache)
            .post(form(&asked(&assertion, &more)))
            .send()
    };
    let answer = request(&Lab::get().kinit("ws01", "WS01$"));
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(payload(&body(&answer)["access_token"])["appid"], MIDDLE);
    refused(&request(&Lab::get().kinit("alice", "alice")), 400, "invalid_client", "MSIS9622");
}

#[test]
fn the_resource_says_who_may_ask_for_it() {
    OAuth::get();
    let lab = Lab::get();
    let account = Account::new("delegate").create();
    let assertion = assertion(&account);
    // One has no rules, the other one permits somebody else.
    for resource in [API, "urn:e2e:oauth-another"] {
        let answer = ask(&assertion, &[("resource", resource)]);
        refused(&answer, 400, "access_denied", "MSIS7068");
        let event = lab.audit(&answer.correlation).event(323);
        assert_eq!(event["RelyingParty"], resource);
        assert!(event["DeniedBy"].as_str().is_some_and(|by| by.contains(MIDDLE)), "{event}");
        assert!(event["UserId"].as_str().is_some_and(|user| user.ends_with(&account.name)), "{event}");
    }
    refused(&ask(&assertion, &[("resource", "urn:e2e:oauth-other")]), 400, "access_denied", "MSIS9605");
    // A refresh token of it is no way around.
    let refresh = text(&body(&ask(&assertion, &[])), "refresh_token");
    let again = |resource: &str| {
        token(&[
            ("grant_type", "refresh_token"),
            ("client_id", MIDDLE),
            ("client_secret", SECRET),
            ("refresh_token", &refresh),
            ("resource", resource),
        ])
    };
    let renewed = body(&again(BACKEND));
    assert_eq!(payload(&renewed["access_token"])["upn"], account.upn(), "{renewed}");
    let refused_again = again(API);
    refused(&refused_again, 400, "access_denied", "MSIS7068");
    lab.audit(&refused_again.correlation).event(323);
}

#[test]
fn the_policy_of_the_resource_holds_for_the_person_where_they_signed_in() {
    OAuth::get();
    let inside = assertion(&Account::new("inside").create());
    assert_eq!(ask(&inside, &[("resource", "urn:e2e:oauth-inside")]).status, 200);
    let (browser, proof) = (Browser::outside(), ProofKey::new());
    let more = [("resource", MIDDLE_API), ("scope", "openid user_impersonation")];
    let code = code_for(&browser, &proof, &more);
    let outside = text(&body(&redeem(&code, &proof)), "access_token");
    let denied = ask(&outside, &[("resource", "urn:e2e:oauth-inside")]);
    refused(&denied, 400, "access_denied", "MSIS7068");
    Lab::get().audit(&denied.correlation).event(324);
    assert_eq!(ask(&outside, &[]).status, 200);
}

/// A code of the native client for another resource and other scopes than usual.
fn code_for(browser: &Browser, proof: &ProofKey, fields: &[(&str, &str)]) -> String {
    native_code(browser, proof, &[]);
    let mut address = native(proof, &[]);
    for (name, value) in fields {
        let encoded = form(&[(name, value)]);
        let (before, rest) = address.split_once(&format!("&{name}=")).expect("a parameter");
        let after = rest.split_once('&').map_or("", |(_, after)| after);
        address = format!("{before}&{encoded}&{after}");
    }
    let (_, parameters) = redirected(&browser.get(&address));
    parameter(&parameters, "code").unwrap_or_else(|| panic!("no code: {parameters:?}"))
}

#[test]
fn the_request_says_everything_or_is_refused() {
    OAuth::get();
    let assertion = assertion(&Account::new("form").create());
    let missing = [("assertion", ""), ("requested_token_use", "")];
    for field in missing {
        refused(&ask(&assertion, &[field]), 400, "invalid_request", "MSIS9601");
    }
    refused(&ask(&assertion, &[("resource", ""), ("scope", "openid")]), 400, "invalid_request", "MSIS9601");
    refused(&ask(&assertion, &[("requested_token_use", "logon_cert")]), 400, "unsupported_grant_type", "MSIS9611");
    refused(&ask(&assertion, &[("resource", "urn:e2e:nobody")]), 400, "invalid_grant", "MSIS9613");
    refused(&ask(&assertion, &[("scope", "aza")]), 400, "invalid_scope", "MSIS9648");
    refused(&ask(&assertion, &[("client_secret", "wrong")]), 400, "invalid_client", "MSIS9622");
    refused(&ask(&assertion, &[("client_secret", "")]), 400, "invalid_client", "MSIS9622");
    refused(&ask(&assertion, &[("client_id", SERVER)]), 400, "unauthorized_client", "MSIS9611");
    let native = ask(&assertion, &[("client_id", NATIVE), ("client_secret", "")]);
    refused(&native, 400, "unauthorized_client", "MSIS9611");
    let named_in_scope = ask(&assertion, &[("resource", ""), ("scope", "https://backend.rp.example//.default")]);
    assert_eq!(named_in_scope.status, 200, "{}", named_in_scope.body);
    assert!(body(&named_in_scope).get("id_token").is_none());
}

#[test]
fn only_a_users_access_token_for_the_web_api_itself_is_an_assertion() {
    OAuth::get();
    let account = Account::new("kinds").create();
    let good = tokens(&account, &FOR_MIDDLE);
    let access = text(&good, "access_token");
    // What else came with it.
    bad(&text(&good, "id_token"));
    bad(&text(&good, "refresh_token"));
    // For another web API; without the scope; of a client for itself.
    let elsewhere = tokens(&account, &[("resource", API), ("scope", "openid user_impersonation")]);
    assert!(bad(&text(&elsewhere, "access_token")).contains("audience"));
    let plain = tokens(&account, &[("resource", MIDDLE_API), ("scope", "openid")]);
    assert!(bad(&text(&plain, "access_token")).contains("user_impersonation"));
    let itself = token(&[
        ("grant_type", "client_credentials"),
        ("client_id", SERVER),
        ("client_secret", SECRET),
        ("resource", MIDDLE_API),
        ("scope", "user_impersonation"),
    ]);
    assert!(bad(&text(&body(&itself), "access_token")).contains("client's own"));
    // What nobody could use so does not hold who signed in.
    for token in [&elsewhere, &plain] {
        assert_eq!(payload(&token["access_token"]).get("urn:chancery:on-behalf-of"), None, "{token}");
    }
    // A token that came of another one is none for the same web API.
    bad(&text(&body(&ask(&access, &[])), "access_token"));
    // Not ours, or not as we made it.
    let parts: Vec<&str> = access.split('.').collect();
    let [header, claims, signature] = parts[..] else { panic!("three parts") };
    let mut other = payload(&json!(access));
    other["upn"] = json!("administrator@corp.example");
    let other = URL_SAFE_NO_PAD.encode(other.to_string());
    let unsigned = URL_SAFE_NO_PAD.encode(json!({ "typ": "JWT", "alg": "none" }).to_string());
    for forged in [
        format!("{header}.{other}.{signature}"),
        format!("{unsigned}.{claims}."),
        format!("{header}.{claims}"),
        symmetric(claims),
        foreign(header, claims),
        String::from("a.b.c"),
        "x".repeat(40_000),
    ] {
        bad(&forged);
    }
    assert_eq!(ask(&access, &[]).status, 200);
}

/// The claims under a key that everybody knows: the certificate.
fn symmetric(claims: &str) -> String {
    let keys = Curl::new(&format!("{}/adfs/discovery/keys", Lab::get().url)).send();
    let key = body(&keys)["keys"][0].clone();
    let header = json!({ "typ": "JWT", "alg": "HS256", "kid": key["kid"], "x5t": key["x5t"] });
    let signed = format!("{}.{claims}", URL_SAFE_NO_PAD.encode(header.to_string()));
    let secret = aws_lc_rs::hmac::Key::new(
        aws_lc_rs::hmac::HMAC_SHA256,
        key["x5c"][0].as_str().expect("a certificate").as_bytes(),
    );
    let tag = aws_lc_rs::hmac::sign(&secret, signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag.as_ref()))
}

/// The same text under somebody else's key.
fn foreign(header: &str, claims: &str) -> String {
    let key = openssl::pkey::PKey::from_rsa(openssl::rsa::Rsa::generate(2048).expect("a key")).expect("a key");
    let mut signer = openssl::sign::Signer::new(openssl::hash::MessageDigest::sha256(), &key).expect("a signer");
    let signature = signer.sign_oneshot_to_vec(format!("{header}.{claims}").as_bytes()).expect("a signature");
    format!("{header}.{claims}.{}", URL_SAFE_NO_PAD.encode(signature))
}

#[test]
fn the_sign_in_behind_the_token_must_still_stand() {
    OAuth::get();
    let [disabled, gone, changed, expired] =
        ["disabled", "gone", "changed", "expired"].map(|what| Account::new(what).create());
    let [first, second, third, fourth] = [&disabled, &gone, &changed, &expired].map(assertion);
    let refresh = text(&body(&ask(&first, &[])), "refresh_token");
    assert_eq!(ask(&third, &[]).status, 200);
    disabled.modify("replace: userAccountControl\nuserAccountControl: 514");
    assert!(bad(&first).contains("may not sign in"));
    let renewed = token(&[
        ("grant_type", "refresh_token"),
        ("client_id", MIDDLE),
        ("client_secret", SECRET),
        ("refresh_token", &refresh),
    ]);
    refused(&renewed, 400, "invalid_grant", "MSIS9614");
    gone.delete();
    assert!(bad(&second).contains("gone"));
    changed.modify(&format!("replace: unicodePwd\nunicodePwd:: {}", unicode_password("Changed-Pw-2")));
    assert!(bad(&third).contains("password was changed"));
    expired.modify("replace: pwdLastSet\npwdLastSet: 0");
    refused(&ask(&fourth, &[]), 400, "interaction_required", "MSIS9660");
}

#[test]
fn sign_out_and_a_stolen_code_end_it() {
    OAuth::get();
    let more = [("resource", MIDDLE_API), ("scope", "openid user_impersonation")];
    let (browser, proof) = (Browser::outside(), ProofKey::new());
    let code = code_for(&browser, &proof, &more);
    let stolen = text(&body(&redeem(&code, &proof)), "access_token");
    let kept = text(&body(&redeem(&code_for(&browser, &proof, &more), &proof)), "access_token");
    assert_eq!((ask(&stolen, &[]).status, ask(&kept, &[]).status), (200, 200));
    refused(&redeem(&code, &proof), 400, "invalid_grant", "MSIS9612");
    assert!(bad(&stolen).contains("revoked"));
    assert_eq!(ask(&kept, &[]).status, 200, "of another code");
    browser.get("/adfs/oauth2/logout");
    assert!(bad(&kept).contains("signed out"));
}

/// A server of a test's own, where tokens for the middle one are good for a minute.
fn node() -> Node {
    let trust = |name: &str, identifiers: &str, more: &str| {
        format!(
            "[relying_party]\nname = \"{name}\"\nidentifiers = [{identifiers}]\naccess_control_policy = \"permit-everyone\"\n{more}\n\
             transform_rules = '''c:[Type == \"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn\"] => issue(claim = c);'''\n"
        )
    };
    let middle = format!("\"{MIDDLE_API}\", \"{MIDDLE}\"");
    let client = |grants: &str| {
        format!(
            "[client]\nid = \"{MIDDLE}\"\nkind = \"server\"\nsecret_file = \"secret\"\ngrants = [{grants}]\nresources = [\"{BACKEND}\"]\n"
        )
    };
    let legacy = format!(
        "[client]\nid = \"{LEGACY}\"\nkind = \"native\"\ngrants = [\"password\", \"refresh_token\"]\nresources = [\"{MIDDLE_API}\"]\n"
    );
    NodeSetup::new()
        .write("trusts/middle.toml", trust("Middle", &middle, "token_lifetime_minutes = 1"))
        .write("trusts/backend.toml", trust("Backend", &format!("\"{BACKEND}\""), &delegation(MIDDLE)))
        .write("trusts/middle-client.toml", client("\"on_behalf_of\", \"refresh_token\""))
        .write("trusts/legacy.toml", legacy)
        .write("trusts/secret", SECRET)
        .start()
}

fn post(node: &Node, fields: &[(&str, &str)]) -> Response {
    let request = node.curl("/adfs/oauth2/token").header("Content-Type", "application/x-www-form-urlencoded");
    request.post(form(fields)).send()
}

#[test]
fn it_ends_with_the_access_token_and_with_the_permission() {
    let node = node();
    let account = Account::new("minute").create();
    let upn = account.upn();
    let mut fields =
        vec![("grant_type", "password"), ("client_id", LEGACY), ("username", &*upn), ("password", &*account.password)];
    fields.extend(FOR_MIDDLE);
    let assertion = text(&body(&post(&node, &fields)), "access_token");
    let refresh = text(&body(&post(&node, &asked(&assertion, &[]))), "refresh_token");
    let deadline = Instant::now() + Duration::from_secs(150);
    loop {
        let answer = post(&node, &asked(&assertion, &[]));
        if answer.status != 200 {
            assert_eq!((answer.status, &body(&answer)["error"]), (400, &json!("invalid_grant")), "{}", answer.body);
            break;
        }
        assert!(Instant::now() < deadline, "it does not expire");
        std::thread::sleep(Duration::from_secs(2));
    }
    node.logged("the assertion is not good: the token has expired");
    // The refresh token is the session's; it ends when the client may ask on behalf of nobody any more.
    let renew = [
        ("grant_type", "refresh_token"),
        ("client_id", MIDDLE),
        ("client_secret", SECRET),
        ("refresh_token", refresh.as_str()),
    ];
    let renewed = post(&node, &renew);
    assert_eq!(payload(&body(&renewed)["access_token"])["upn"], upn, "{}", renewed.body);
    crate::support::replace(&node.directory.join("trusts/middle-client.toml"), "\"on_behalf_of\", ", "");
    let (taken, said) = node.reload();
    assert!(taken, "{said}");
    let refused = post(&node, &renew);
    assert_eq!((refused.status, &body(&refused)["error"]), (400, &json!("unauthorized_client")), "{}", refused.body);
}
