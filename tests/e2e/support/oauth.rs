//! OAuth clients that the tests register, and the requests that real clients send.

use std::process::Command;
use std::sync::LazyLock;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::browser::{Browser, encode};
use super::curl::{Curl, Response};
use super::lab::{Lab, run};
use super::trusts::Trusts;

/// The registered clients and resources.
pub struct OAuth;

/// A client with nothing to hide.
pub const NATIVE: &str = "e2e00000-0000-4000-8000-000000000001";
/// A client with a secret, a certificate and an account.
pub const SERVER: &str = "e2e00000-0000-4000-8000-000000000002";
/// Its secret.
pub const SECRET: &str = "e2e-secret/of+a server&client=32 characters";
/// A native client that may use passwords.
pub const LEGACY: &str = "e2e00000-0000-4000-8000-000000000003";
/// A client that is switched off.
pub const DISABLED: &str = "e2e00000-0000-4000-8000-000000000004";
/// A device without a browser.
pub const DEVICE: &str = "e2e00000-0000-4000-8000-000000000005";
/// Another one.
pub const OTHER_DEVICE: &str = "e2e00000-0000-4000-8000-000000000006";
/// A web API that calls others on behalf of its users.
pub const MIDDLE: &str = "e2e00000-0000-4000-8000-000000000007";
/// The same as a resource.
pub const MIDDLE_API: &str = "https://middle.rp.example/";
/// A web API that it may call on behalf of them.
pub const BACKEND: &str = "https://backend.rp.example/";
/// The resource, under three identifiers.
pub const API: &str = "https://api.rp.example/";
/// Where the native client is answered.
pub const NATIVE_REDIRECT: &str = "http://127.0.0.1:8400/cb";
/// Where a native client's answer meets a program that the browser's tests run.
pub const BROWSER_REDIRECT: &str = "https://wsfed.rp.example/oauth";
/// Where the server client is answered.
pub const SERVER_REDIRECT: &str = "https://app.rp.example/cb?tenant=1";

/// Where django-auth-adfs is answered.
pub const DJANGO_REDIRECT: &str = "https://app.rp.example/oauth2/callback";

const RULES: &str = r#"c:[Type =~ "/claims/(upn|primarysid|name|insidecorporatenetwork|client-id)$"] => issue(claim = c);
c:[Type == "urn:chancery:requestcontext/client-id"] => issue(claim = c);
c:[Type == "http://schemas.microsoft.com/ws/2012/01/insidecorporatenetwork"] => issue(claim = c);
c:[Type == "http://schemas.microsoft.com/ws/2008/06/identity/claims/groupsid"] => issue(Type = "http://schemas.microsoft.com/ws/2008/06/identity/claims/role", Value = c.Value);"#;

impl OAuth {
    /// Makes sure that the server knows them.
    pub fn get() -> &'static OAuth {
        static OAUTH: LazyLock<OAuth> = LazyLock::new(|| {
            Trusts::get();
            let trusts = Lab::get().config.join("trusts");
            run(Command::new("openssl")
                .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=e2e client"])
                .arg("-keyout")
                .arg(OAuth::key())
                .arg("-out")
                .arg(trusts.join("e2e-client.pem")));
            write("e2e-client-secret", SECRET);
            let api = |name: &str, identifiers: &str, more: &str| {
                let text = format!(
                    "[relying_party]\nname = \"{name}\"\nidentifiers = [{identifiers}]\n{more}\ntransform_rules = '''\n{RULES}\n'''\n"
                );
                write(&format!("e2e-oauth-{name}.toml"), &text);
            };
            let permit = "access_control_policy = \"permit-everyone\"";
            api("api", "\"https://api.rp.example/\", \"urn:e2e:oauth-api\", \"e2e-api\"", permit);
            api("other", "\"urn:e2e:oauth-other\"", permit);
            api(
                "intranet",
                "\"urn:e2e:oauth-intranet\"",
                "access_control_policy = \"permit-everyone-for-intranet-access\"",
            );
            api("jwt", "\"urn:e2e:oauth-jwt\"", &format!("{permit}\ntoken_type = \"jwt\""));
            let file = Lab::get().config.join("trusts/e2e-oauth-jwt.toml");
            let text = std::fs::read_to_string(&file).expect("a trust");
            write(
                "e2e-oauth-jwt.toml",
                &format!("{text}\n[relying_party.ws_federation]\nendpoint = \"https://wsfed.rp.example/signin\"\n"),
            );
            api("middle", &format!("\"{MIDDLE_API}\", \"{MIDDLE}\""), permit);
            api("backend", &format!("\"{BACKEND}\""), &format!("{permit}\n{}", delegation(MIDDLE)));
            api("another", "\"urn:e2e:oauth-another\"", &format!("{permit}\n{}", delegation(SERVER)));
            api(
                "inside",
                "\"urn:e2e:oauth-inside\"",
                &format!("access_control_policy = \"permit-everyone-for-intranet-access\"\n{}", delegation(MIDDLE)),
            );
            let resources =
                format!("resources = [\"https://api.rp.example/\", \"urn:e2e:oauth-intranet\", \"{MIDDLE_API}\"]");
            write(
                "e2e-oauth-middle-client.toml",
                &format!(
                    "[client]\nid = \"{MIDDLE}\"\nname = \"Middle\"\nkind = \"server\"\nsecret_file = \"e2e-client-secret\"\n\
                     certificate_files = [\"e2e-client.pem\"]\nwindows_account = 'CORP\\WS01$'\ngrants = [\"on_behalf_of\", \"refresh_token\"]\n\
                     resources = [\"{BACKEND}\", \"{API}\", \"urn:e2e:oauth-another\", \"urn:e2e:oauth-inside\"]\n"
                ),
            );
            write(
                "e2e-oauth-native.toml",
                &format!(
                    "[client]\nid = \"{NATIVE}\"\nname = \"Native\"\nkind = \"native\"\nredirect_uris = [\"{NATIVE_REDIRECT}\", \"ms-app://e2e/\", \"{BROWSER_REDIRECT}\"]\n{resources}\n"
                ),
            );
            write(
                "e2e-oauth-server.toml",
                &format!(
                    "[client]\nid = \"{SERVER}\"\nname = \"Server\"\nkind = \"server\"\nredirect_uris = [\"{SERVER_REDIRECT}\", \"{DJANGO_REDIRECT}\"]\n\
                     secret_file = \"e2e-client-secret\"\ncertificate_files = [\"e2e-client.pem\"]\nsingle_use_assertions = true\n\
                     windows_account = 'CORP\\WS01$'\nlogout_uri = \"https://app.rp.example/logout\"\n\
                     grants = [\"authorization_code\", \"refresh_token\", \"client_credentials\", \"implicit\"]\n{resources}\n"
                ),
            );
            write(
                "e2e-oauth-legacy.toml",
                &format!(
                    "[client]\nid = \"{LEGACY}\"\nname = \"Legacy\"\nkind = \"native\"\ngrants = [\"password\", \"refresh_token\"]\n{resources}\n"
                ),
            );
            write(
                "e2e-oauth-disabled.toml",
                &format!(
                    "[client]\nid = \"{DISABLED}\"\nkind = \"native\"\nenabled = false\nredirect_uris = [\"{NATIVE_REDIRECT}\"]\n"
                ),
            );
            for (id, name) in [(DEVICE, "Television"), (OTHER_DEVICE, "Printer")] {
                write(
                    &format!("e2e-oauth-{name}.toml"),
                    &format!(
                        "[client]\nid = \"{id}\"\nname = \"{name}\"\nkind = \"native\"\ngrants = [\"device_code\", \"refresh_token\"]\n{resources}\n"
                    ),
                );
            }
            Trusts::reload().expect("the clients of the tests are valid");
            OAuth
        });
        &OAUTH
    }

    /// The private key of the server clients' certificate.
    pub fn key() -> std::path::PathBuf {
        static KEY: LazyLock<std::path::PathBuf> = LazyLock::new(|| Lab::get().new_file("client.key"));
        KEY.clone()
    }
}

/// Delegation authorization rules that permit a client.
pub fn delegation(client: &str) -> String {
    format!(
        "delegation_authorization_rules = '''\nexists([Type == \"urn:chancery:requestcontext/client-id\", Value == \"{client}\"])\n \
         => issue(Type = \"http://schemas.microsoft.com/authorization/claims/permit\", Value = \"true\");\n'''"
    )
}

fn write(name: &str, text: &str) {
    std::fs::write(Lab::get().config.join("trusts").join(name), text).expect("the trusts directory is writable");
}

/// A proof key: the verifier and its challenge.
pub struct ProofKey {
    pub verifier: String,
    pub challenge: String,
}

impl ProofKey {
    pub fn new() -> Self {
        let octets: [u8; 32] = std::array::from_fn(|_| fastrand::u8(..));
        let verifier = URL_SAFE_NO_PAD.encode(octets);
        let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()));
        Self { verifier, challenge }
    }
}

/// The address of an authorization request with these parameters.
pub fn authorize(parameters: &[(&str, &str)]) -> String {
    format!("/adfs/oauth2/authorize/?{}", form(parameters))
}

/// Parameters as a form.
pub fn form(parameters: &[(&str, &str)]) -> String {
    let pairs: Vec<String> = parameters.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
    pairs.join("&")
}

/// The usual request of the native client.
pub fn native<'a>(proof: &'a ProofKey, more: &[(&'a str, &'a str)]) -> String {
    let mut parameters = vec![
        ("response_type", "code"),
        ("client_id", NATIVE),
        ("redirect_uri", NATIVE_REDIRECT),
        ("resource", API),
        ("scope", "openid profile"),
        ("state", "a b&c"),
        ("nonce", "n-1"),
        ("code_challenge", proof.challenge.as_str()),
        ("code_challenge_method", "S256"),
    ];
    parameters.extend(more);
    authorize(&parameters)
}

/// Posts to the token endpoint.
pub fn token(fields: &[(&str, &str)]) -> Response {
    Curl::new(&format!("{}/adfs/oauth2/token", Lab::get().url))
        .header("Content-Type", "application/x-www-form-urlencoded")
        .post(form(fields))
        .send()
}

/// The parameters behind `?` or `#` of a redirection.
pub fn redirected(answer: &Response) -> (String, Vec<(String, String)>) {
    assert_eq!(answer.status, 302, "{}", answer.body);
    let location = answer.header("location").expect("a location");
    let at = location.rfind(['?', '#']).expect("parameters");
    let (address, parameters) = location.split_at(at);
    let decode = |text: &str| {
        let octets = text.as_bytes();
        let mut decoded = Vec::new();
        let mut i = 0;
        while i < octets.len() {
            if octets[i] == b'%' {
                decoded.push(u8::from_str_radix(&text[i + 1..i + 3], 16).expect("two digits"));
                i += 3;
            } else {
                decoded.push(octets[i]);
                i += 1;
            }
        }
        String::from_utf8(decoded).expect("text")
    };
    let pairs = parameters[1..].split('&').filter_map(|pair| pair.split_once('='));
    (address.to_owned(), pairs.map(|(name, value)| (decode(name), decode(value))).collect())
}

/// The value of a parameter.
pub fn parameter(parameters: &[(String, String)], name: &str) -> Option<String> {
    parameters.iter().find(|(own, _)| own == name).map(|(_, value)| value.clone())
}

/// A code for the native client, in a browser that signs in with Alice's password.
pub fn native_code(browser: &Browser, proof: &ProofKey, more: &[(&str, &str)]) -> String {
    let address = native(proof, more);
    let mut answer = browser.get(&address);
    if answer.status == 200 {
        let filled = browser.fill_in(&answer, &format!("alice@{}", Lab::get().domain), "Alice-Pw-1");
        assert_eq!(filled.status, 302, "{}", filled.body);
        answer = if filled.header("location") == Some(&*address) { browser.get(&address) } else { filled };
    }
    let (_, parameters) = redirected(&answer);
    parameter(&parameters, "code").unwrap_or_else(|| panic!("no code: {parameters:?}"))
}

/// Where a browser that signs in with Alice's password is sent at the end of a request.
pub fn through_the_page(browser: &Browser, address: &str) -> String {
    let address = address.replace(&Lab::get().url, "");
    let page = browser.get(&address);
    assert_eq!(page.status, 200, "{}", page.body);
    let filled = browser.fill_in(&page, &format!("alice@{}", Lab::get().domain), "Alice-Pw-1");
    let next = filled.header("location").unwrap_or_else(|| panic!("{}", filled.body)).to_owned();
    if !next.starts_with("/adfs/") {
        return next;
    }
    let answer = browser.get(&next);
    answer.header("location").unwrap_or_else(|| panic!("{}", answer.body)).to_owned()
}

/// Redeems a code of the native client.
pub fn redeem(code: &str, proof: &ProofKey) -> Response {
    token(&[
        ("grant_type", "authorization_code"),
        ("client_id", NATIVE),
        ("code", code),
        ("redirect_uri", NATIVE_REDIRECT),
        ("code_verifier", &proof.verifier),
    ])
}

/// The JSON of an answer.
pub fn json(answer: &Response) -> Value {
    serde_json::from_str(&answer.body).unwrap_or_else(|error| panic!("{error}: {}", answer.body))
}

/// The payload of a token; nothing is verified.
pub fn payload(token: &Value) -> Value {
    let part = token.as_str().expect("a token").split('.').nth(1).expect("three parts");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("base64url")).expect("JSON")
}

/// An error of the token endpoint.
pub fn refused(answer: &Response, status: u16, error: &str, code: &str) {
    let body = json(answer);
    assert_eq!((answer.status, &body["error"]), (status, &error.into()), "{}", answer.body);
    let description = body["error_description"].as_str().expect("a description");
    assert!(description.starts_with(&format!("{code}: ")), "{description}");
    assert!(body.get("access_token").is_none());
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(Lab::get().audit(&answer.correlation).event(413)["ErrorCode"], code);
}
