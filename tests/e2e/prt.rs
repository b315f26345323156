//! The enterprise primary refresh token, from a device in the directory to tokens for its user.

use std::process::Command;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::drs_client;
use crate::registered::Registered;
use crate::support::{
    Device, Lab, Prt, Response, Trusts, compact_jwt, nonce, prt_request as request, python, run, sign_by,
    token_endpoint,
};
use crate::throwaway::Account;

/// The client that devices get tokens for, and the resource.
pub const CLIENT: &str = "d3590ed6-52b3-4102-aeff-aad2292ab01c";
pub const RESOURCE: &str = "urn:e2e:prt";

/// Trusts of these tests.
pub fn trusts() {
    static MADE: LazyLock<()> = LazyLock::new(|| {
        Trusts::get();
        Trusts::write("prt", "token_type = \"jwt\"", "c:[] => issue(claim = c);");
        let client = format!(
            "[client]\nid = \"{CLIENT}\"\nname = \"End-to-end test of devices\"\nkind = \"native\"\n\
             redirect_uris = [\"http://127.0.0.1:8400/cb\"]\ngrants = [\"authorization_code\", \"refresh_token\"]\n\
             resources = [\"{RESOURCE}\"]\n"
        );
        std::fs::write(Lab::get().config.join("trusts/e2e-prt-client.toml"), client).expect("a writable directory");
        Trusts::reload().expect("the trusts of these tests are valid");
    });
    LazyLock::force(&MADE);
}

pub fn alice() -> String {
    format!("alice@{}", Lab::get().domain)
}

pub fn device() -> Registered {
    Registered::computer(&Lab::get().object("alice").sid)
}

/// The members of a JWT; who signed it is not asked.
pub fn members(token: &Value) -> Value {
    let token = token.as_str().expect("a token");
    let payload = token.split('.').nth(1).expect("a payload");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).expect("base64url")).expect("JSON")
}

/// The error of an answer, and the start of its description.
fn error(answer: &Response) -> (String, String) {
    let value: Value = serde_json::from_str(&answer.body).unwrap_or_else(|_| panic!("no JSON: {}", answer.body));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let text = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
    let description = text("error_description");
    let number = description.split(':').next().filter(|start| start.starts_with("MSIS")).unwrap_or_default();
    (text("error"), number.to_owned())
}

pub fn expect(answer: &Response, status: u16, expected: (&str, &str)) {
    assert_eq!(answer.status, status, "{}", answer.body);
    assert_eq!(error(answer), (expected.0.to_owned(), expected.1.to_owned()), "{}", answer.body);
}

/// What the audit log says of a refusal.
pub fn reason(answer: &Response) -> String {
    Lab::get().audit(&answer.correlation).event(411)["ErrorMessage"].as_str().unwrap_or_default().to_owned()
}

const NOT_VALID: (&str, &str) = ("invalid_grant", "MSIS9604");
pub const NO_PROOF: (&str, &str) = ("invalid_grant", "MSIS9659");
const NO_DEVICE: (&str, &str) = ("invalid_grant", "MSIS9682");
pub const NO_TOKEN: (&str, &str) = ("invalid_grant", "MSIS9614");

#[test]
fn a_device_gets_a_prt_and_exchanges_and_renews_it() {
    trusts();
    let device = device();
    let prt = device.prt(&alice(), "Alice-Pw-1");
    let answer = &prt.answer;
    assert_eq!((&answer["token_type"], &answer["refresh_token_expires_in"]), (&json!("pop"), &json!(1_209_600)));
    assert!(answer.get("access_token").is_none());
    assert!(prt.token.contains('.') && prt.token.len() < 4096, "{} characters", prt.token.len());
    let id_token = members(&answer["id_token"]);
    assert_eq!((&id_token["aud"], &id_token["upn"]), (&json!(crate::support::BROKER), &json!(alice())));
    assert_eq!(id_token["sid"], json!(Lab::get().object("alice").sid));
    assert!(id_token["unique_name"].as_str().is_some_and(|name| !name.is_empty()));

    for _ in 0..2 {
        let tokens = prt.open(&request(&prt.sign(2, &prt.exchange(CLIENT, RESOURCE))));
        assert_eq!((&tokens["token_type"], &tokens["resource"]), (&json!("bearer"), &json!(RESOURCE)));
        assert!(tokens.get("refresh_token").is_none(), "the broker keeps the PRT alone");
        let access = members(&tokens["access_token"]);
        assert_eq!((&access["aud"], &access["appid"]), (&json!(RESOURCE), &json!(CLIENT)));
        assert_eq!(access["upn"], json!(alice()));
        assert_eq!(access["deviceid"], json!(device.id.to_string()));
        assert_eq!(access["isregistereduser"], json!("true"), "{access}");
        // Its object in the directory, which has an identifier of its own.
        let object = access["deviceregid"].as_str().and_then(|text| uuid::Uuid::parse_str(text).ok());
        assert!(object.is_some_and(|object| object.to_string() != device.id.to_string()), "{access}");
        for (claim, value) in [
            ("devicedispname", format!("PC-{}", &device.id.to_string()[..8])),
            ("deviceostype", String::from("Windows")),
            ("deviceosver", String::from("10.0.26100.1")),
            ("http://schemas.microsoft.com/2014/02/devicecontext/claims/isknown", String::from("true")),
            ("http://schemas.microsoft.com/2014/09/devicecontext/claims/trusttype", String::from("2")),
            ("http://schemas.microsoft.com/2015/09/prt", String::from("true")),
        ] {
            assert_eq!(access[claim], json!(value), "{claim}: {access}");
        }
        assert_eq!(members(&tokens["id_token"])["aud"], json!(CLIENT));
    }

    let mut renewal = prt.exchange(crate::support::BROKER, RESOURCE);
    renewal["scope"] = json!("openid aza");
    renewal.as_object_mut().expect("members").remove("resource");
    let renewed = prt.open(&request(&prt.sign(2, &renewal)));
    assert_eq!(renewed["refresh_token_expires_in"], json!(1_209_600));
    let next = Prt { token: renewed["refresh_token"].as_str().expect("a token").into(), ..prt.clone() };
    assert_ne!(next.token, prt.token);
    next.open(&request(&next.sign(2, &next.exchange(CLIENT, RESOURCE))));

    // A full request with the old PRT as the proof: a new session key, the same sign-in.
    let mut again = device.request("", "");
    again["grant_type"] = json!("refresh_token");
    again["refresh_token"] = json!(next.token);
    let third = device.open(&request(&device.sign(&again)));
    assert_ne!(third.session_key, prt.session_key);
    third.open(&request(&third.sign(2, &third.exchange(CLIENT, RESOURCE))));
}

#[test]
fn requests_for_a_prt_that_are_not_good() {
    trusts();
    let device = device();
    let stranger = Device::new();
    let good = || device.request(&alice(), "Alice-Pw-1");
    let with = |name: &str, value: Value| {
        let mut payload = good();
        payload[name] = value;
        payload
    };

    let unknown = request(&stranger.sign(&stranger.request(&alice(), "wrong")));
    expect(&unknown, 400, NO_DEVICE);
    assert_eq!(reason(&unknown), "UnknownDevice");

    let x5c = STANDARD.encode(device.der());
    let forged = request(&stranger.sign_with(&json!({"alg": "RS256", "x5c": x5c}), &good()));
    expect(&forged, 400, NOT_VALID);
    assert_eq!(reason(&forged), "InvalidSignature");

    for (name, value) in [
        ("alg", json!("none")),
        ("alg", json!("HS256")),
        ("alg", json!("PS256")),
        ("crit", json!(["exp"])),
        ("jku", json!("https://x.example")),
        ("x5u", json!("https://x.example")),
        ("jwk", json!({})),
        ("b64", json!(false)),
        ("x5c", json!([x5c, x5c])),
    ] {
        let mut header = json!({"alg": "RS256", "typ": "JWT", "x5c": x5c});
        header[name] = value;
        let answer = request(&device.sign_with(&header, &good()));
        expect(&answer, 400, NOT_VALID);
        assert_eq!(reason(&answer), "MalformedToken", "{name}");
    }

    // The device's public key as the secret of a MAC.
    let public = device.key.public_key_to_pem().expect("a key");
    let signed = [json!({"alg": "HS256", "typ": "JWT", "x5c": [x5c]}), good()]
        .map(|value| URL_SAFE_NO_PAD.encode(value.to_string()))
        .join(".");
    let mac = openssl::pkey::PKey::hmac(&public).expect("a key");
    let mut signer = openssl::sign::Signer::new(openssl::hash::MessageDigest::sha256(), &mac).expect("a signer");
    let mac = signer.sign_oneshot_to_vec(signed.as_bytes()).expect("a MAC");
    let answer = request(&format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac)));
    expect(&answer, 400, NOT_VALID);
    assert_eq!(reason(&answer), "MalformedToken");

    let payload = good();
    device.open(&request(&device.sign(&payload)));
    let again = request(&device.sign(&payload));
    expect(&again, 400, NOT_VALID);
    assert_eq!(reason(&again), "Replayed");
    for value in [json!(null), json!("AwABEgEAAAACAOz_BAD0_xpK"), json!("")] {
        let answer = request(&device.sign(&with("request_nonce", value)));
        expect(&answer, 400, NOT_VALID);
        assert_eq!(reason(&answer), "InvalidNonce");
    }

    for (payload, expected) in [
        (with("scope", json!("openid")), ("invalid_scope", "MSIS9648")),
        (with("scope", json!("aza")), ("invalid_scope", "MSIS9648")),
        (with("client_id", json!(null)), ("invalid_request", "MSIS9601")),
        (with("client_id", json!(CLIENT)), ("unauthorized_client", "MSIS9611")),
        (with("client_id", json!("nobody")), ("invalid_client", "MSIS9607")),
        (with("grant_type", json!("device_auth")), ("unsupported_grant_type", "MSIS9611")),
        (with("exp", json!(1)), ("invalid_grant", "MSIS9604")),
        (with("password", json!("Wrong-Pw-1")), ("invalid_grant", "MSIS9659")),
        (with("username", json!("nobody@corp.example")), ("invalid_grant", "MSIS9659")),
    ] {
        let answer = request(&device.sign(&payload));
        expect(&answer, 400, expected);
    }

    for text in ["", "x", "a.b.c", "....", &"A".repeat(40_000)] {
        let answer = request(text);
        assert_eq!(answer.status, 400, "{}: {}", &text[..text.len().min(9)], answer.body);
    }
}

#[test]
fn a_device_without_a_usable_transport_key_gets_none() {
    trusts();
    let device = device();
    device.set_transport_key(b"PCPM\x30\0\0\0");
    let answer = request(&device.sign(&device.request(&alice(), "Alice-Pw-1")));
    expect(&answer, 400, ("invalid_grant", "MSIS9683"));
    let without = self::device();
    without.modify("delete: msDS-KeyCredentialLink");
    let answer = request(&without.sign(&without.request(&alice(), "Alice-Pw-1")));
    expect(&answer, 400, NO_DEVICE);
    assert_eq!(reason(&answer), "UnknownDevice");
}

/// As AD FS may have registered it: the key in a blob of the device's TPM.
#[test]
fn a_device_whose_transport_key_is_a_tpms_gets_a_prt() {
    trusts();
    let device = device();
    device.set_transport_key(&tpm_blob(&device.key));
    let prt = device.prt(&alice(), "Alice-Pw-1");
    prt.open(&request(&prt.sign(2, &prt.exchange(CLIENT, RESOURCE))));
    // Of a TPM 1.2, whose keys are of another form.
    let with_old = self::device();
    let mut old = tpm_blob(&with_old.key);
    old[8] = 1;
    with_old.set_transport_key(&old);
    let refused = request(&with_old.sign(&with_old.request(&alice(), "Alice-Pw-1")));
    expect(&refused, 400, ("invalid_grant", "MSIS9683"));
}

/// `PCP_20_KEY_BLOB` around a `TPM2B_PUBLIC` of a key that decrypts.
fn tpm_blob(key: &openssl::pkey::PKey<openssl::pkey::Private>) -> Vec<u8> {
    let modulus = key.rsa().expect("a key").n().to_vec();
    let length = |octets: usize| u16::try_from(octets).expect("short").to_be_bytes();
    // RSA, SHA-256, attributes, no policy, no symmetric algorithm, no scheme, 2048 bits, the usual exponent.
    let head = [0, 1, 0, 0x0b, 0, 2, 4, 0x72, 0, 0, 0, 0x10, 0, 0x10, 8, 0, 0, 0, 0, 0];
    let area = [&head[..], &length(modulus.len()), &modulus].concat();
    let public = [&length(area.len())[..], &area].concat();
    let public_length = u32::try_from(public.len()).expect("short");
    let header = [56, 2, 0, public_length, 0, 0, 0, 0, 0, 0, 0, 0, 0].map(u32::to_le_bytes).concat();
    [&b"PCPM"[..], &header, &public].concat()
}

#[test]
fn exchanges_that_are_not_good() {
    trusts();
    let (device, other) = (device(), self::device());
    let prt = device.prt(&alice(), "Alice-Pw-1");
    let theirs = other.prt(&alice(), "Alice-Pw-1");
    let good = || prt.exchange(CLIENT, RESOURCE);
    let with = |name: &str, value: Value| {
        let mut payload = good();
        payload[name] = value;
        payload
    };

    let text = prt.sign(2, &good());
    prt.open(&request(&text));
    let replayed = request(&text);
    expect(&replayed, 400, NO_TOKEN);
    assert_eq!(reason(&replayed), "Replayed");

    // The PRT of one device under the session key of another, and an unknown one: the same answer.
    for answer in [
        request(&theirs.sign(2, &good())),
        request(&prt.sign(2, &with("refresh_token", json!("prt.1.AAAA")))),
        request(&prt.sign(2, &with("refresh_token", json!(theirs.token)))),
    ] {
        expect(&answer, 400, NO_TOKEN);
    }
    // Signed well, with a header that says more or other than it may; a context that is too short, or too long.
    let with_header = |more: Value| request(&prt.sign_with(2, &[7; 24], &more, &good()));
    for more in [
        json!({"alg": "none"}),
        json!({"alg": "RS256"}),
        json!({"alg": "HS512"}),
        json!({"crit": ["exp"]}),
        json!({"jku": "https://x.example"}),
        json!({"x5u": "https://x.example"}),
        json!({"jwk": {}}),
        json!({"b64": false}),
        json!({"enc": "A256GCM"}),
        json!({"kdf_ver": 3}),
    ] {
        let answer = with_header(more.clone());
        assert_eq!((answer.status, error(&answer).0.as_str()), (400, "invalid_grant"), "{more}: {}", answer.body);
        assert_eq!(reason(&answer), "MalformedToken", "{more}");
    }
    for length in [0, 8, 15, 65] {
        let answer = request(&prt.sign_with(2, &vec![7; length], &json!({}), &good()));
        assert_eq!((answer.status, error(&answer).0.as_str()), (400, "invalid_grant"), "{length}: {}", answer.body);
        assert_eq!(reason(&answer), "MalformedToken", "{length}");
    }
    // Version 1 after version 2.
    let back = request(&prt.sign(1, &good()));
    expect(&back, 400, NO_TOKEN);
    assert_eq!(reason(&back), "InvalidPrimaryRefreshToken");

    for (payload, expected) in [
        (with("scope", json!("aza")), ("invalid_scope", "MSIS9648")),
        (with("scope", json!("openid winhello_cert")), ("invalid_scope", "MSIS9648")),
        (with("client_id", json!("nobody")), ("invalid_client", "MSIS9607")),
        (with("resource", json!("urn:e2e:nobody")), ("invalid_resource", "MSIS9606")),
        (with("resource", json!("urn:e2e:plain")), ("access_denied", "MSIS9605")),
        (with("grant_type", json!("password")), ("unsupported_grant_type", "MSIS9611")),
        (with("exp", json!(1)), ("invalid_grant", "MSIS9604")),
        (with("request_nonce", json!("AwAB")), ("invalid_grant", "MSIS9604")),
    ] {
        let answer = request(&prt.sign(2, &payload));
        expect(&answer, 400, expected);
    }

    // The PRT of one device as the proof on another.
    let mut stolen = other.request("", "");
    stolen["grant_type"] = json!("refresh_token");
    stolen["refresh_token"] = json!(prt.token);
    let answer = request(&other.sign(&stolen));
    expect(&answer, 400, NO_TOKEN);
    assert_eq!(reason(&answer), "InvalidPrimaryRefreshToken");
}

#[test]
fn the_token_endpoint_takes_what_devices_send() {
    trusts();
    // No Content-Type, and another; members that other versions of Windows add.
    for content_type in ["", "application/soap+xml", "application/x-www-form-urlencoded"] {
        let answer = crate::support::Curl::new(&format!("{}/adfs/oauth2/token", Lab::get().url))
            .header("Content-Type", content_type)
            .post("grant_type=srv_challenge&windows_api_version=2.0&client_id=x")
            .send();
        assert_eq!(answer.status, 200, "{content_type}: {}", answer.body);
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
    let neither = token_endpoint("grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer");
    assert_eq!((neither.status, error(&neither).0.as_str()), (400, "invalid_request"));
}

#[test]
fn a_prt_ends_with_device_password_and_account() {
    trusts();
    let account = Account::new("prt").create();
    let exchange = |prt: &Prt| request(&prt.sign(2, &prt.exchange(CLIENT, RESOURCE)));
    let ends = |what: &str, prt: &Prt, expected: &str| {
        // Caches of the registry are a minute old at most.
        let mut last = None;
        let began = std::time::Instant::now();
        while began.elapsed() < std::time::Duration::from_secs(70) {
            let answer = exchange(prt);
            if answer.status != 200 {
                expect(&answer, 400, NO_TOKEN);
                last = Some(reason(&answer));
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(500));
        }
        assert_eq!(last.as_deref(), Some(expected), "{what}");
    };

    let (disabled, deleted, kept) = (device(), device(), device());
    let prts = [&disabled, &deleted, &kept].map(|device| device.prt(&account.upn(), &account.password));
    for prt in &prts {
        prt.open(&exchange(prt));
    }
    disabled.modify("replace: msDS-IsEnabled\nmsDS-IsEnabled: FALSE");
    deleted.delete();
    ends("a disabled device", &prts[0], "DeviceDisabled");
    ends("a deleted device", &prts[1], "UnknownDevice");

    // A second passes, so that the change is later than the sign-in.
    std::thread::sleep(std::time::Duration::from_millis(1100));
    let password = crate::throwaway::unicode_password("Throw-Away-2");
    account.modify(&format!("replace: unicodePwd\nunicodePwd:: {password}"));
    ends("a changed password", &prts[2], "InvalidPrimaryRefreshToken");
    let prt = kept.prt(&account.upn(), "Throw-Away-2");
    prt.open(&exchange(&prt));
    account.modify("replace: userAccountControl\nuserAccountControl: 514");
    ends("a disabled account", &prt, "AccountDisabled");
}

#[test]
fn a_workplace_joined_device_is_its_owner_s() {
    trusts();
    let device = Registered::with(&Lab::get().object("alice").sid, 0);
    device.prt(&alice(), "Alice-Pw-1");
    let account = Account::new("guest").create();
    let answer = request(&device.sign(&device.request(&account.upn(), &account.password)));
    expect(&answer, 400, NO_PROOF);
    assert_eq!(reason(&answer), "Restricted");
}

#[test]
fn a_windows_hello_key_signs_in_on_its_device() {
    trusts();
    let (device, other) = (device(), self::device());
    let account = Account::new("hello").create();
    let key = Device::new().key;
    let link = crate::registered::key_link(&device, &crate::support::blob(&key), 1, &account.dn());
    account.modify(&format!("replace: msDS-KeyCredentialLink\nmsDS-KeyCredentialLink: {link}"));
    let kid = STANDARD.encode(openssl::sha::sha256(&crate::support::blob(&key)));
    let assertion = |nonce: Option<&str>| {
        let now = crate::support::now();
        let mut payload = json!({"iss": account.upn(), "aud": format!("{}/adfs", Lab::get().url), "iat": now,
            "exp": now + 600, "scope": "openid aza ugs"});
        if let Some(nonce) = nonce {
            payload["request_nonce"] = json!(nonce);
        }
        sign_by(&key, &json!({"typ": "JWT", "alg": "RS256", "kid": kid, "use": "ngc"}), &payload)
    };
    let ask = |device: &Device, request_nonce: &str, assertion: String| {
        let payload = json!({"client_id": crate::support::BROKER, "scope": "openid aza ugs", "request_nonce": request_nonce,
            "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": assertion});
        request(&device.sign(&payload))
    };

    let fresh = nonce();
    let prt = device.open(&ask(&device, &fresh, assertion(Some(&fresh))));
    let access = members(&prt.open(&request(&prt.sign(2, &prt.exchange(CLIENT, RESOURCE))))["access_token"]);
    assert_eq!(access["upn"], json!(account.upn()));
    // A nonce of its own on the device the key was made on, as some clients do.
    device.open(&ask(&device, &nonce(), assertion(Some(&nonce()))));
    // On another device only with that request's nonce (CVE-2023-35348).
    let fresh = nonce();
    other.open(&ask(&other, &fresh, assertion(Some(&fresh))));
    for (request_nonce, assertion) in [(nonce(), assertion(Some(&nonce()))), (nonce(), assertion(None))] {
        let answer = ask(&other, &request_nonce, assertion);
        expect(&answer, 400, NO_PROOF);
        assert_eq!(reason(&answer), "InvalidNonce");
    }
    let answer = ask(&device, &nonce(), assertion(None));
    expect(&answer, 400, NO_PROOF);
}

/// A smart card: the user's certificate signs, with the nonce of the very request.
#[test]
fn a_user_certificate_signs_in_on_a_device() {
    trusts();
    let device = device();
    let file = |ending: &str| std::fs::read(Lab::get().clients.join(format!("alice-sid.{ending}"))).expect("a file");
    let key = openssl::pkey::PKey::private_key_from_pem(&file("key")).expect("a key");
    let certificate = openssl::x509::X509::from_pem(&file("pem")).expect("a certificate");
    let x5c = STANDARD.encode(certificate.to_der().expect("a certificate"));
    let assertion = |key: &openssl::pkey::PKey<openssl::pkey::Private>, x5c: &str, nonce: &str| {
        let now = crate::support::now();
        let payload = json!({"iss": alice(), "aud": format!("{}/adfs", Lab::get().url), "iat": now, "exp": now + 600,
            "request_nonce": nonce});
        sign_by(key, &json!({"typ": "JWT", "alg": "RS256", "x5c": [x5c]}), &payload)
    };
    let ask = |request_nonce: &str, assertion: String| {
        let payload = json!({"client_id": crate::support::BROKER, "scope": "openid aza ugs", "request_nonce": request_nonce,
            "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": assertion});
        request(&device.sign(&payload))
    };
    let fresh = nonce();
    let prt = device.open(&ask(&fresh, assertion(&key, &x5c, &fresh)));
    let access = members(&prt.open(&request(&prt.sign(2, &prt.exchange(CLIENT, RESOURCE))))["access_token"]);
    assert_eq!((&access["upn"], &access["deviceid"]), (&json!(alice()), &json!(device.id.to_string())), "{access}");

    // Another request's nonce; a key that is not the certificate's; a certificate that nobody trusts.
    let stranger = Device::new();
    let own = STANDARD.encode(stranger.der());
    for (request_nonce, assertion, expected) in [
        (nonce(), assertion(&key, &x5c, &nonce()), "InvalidNonce"),
        (nonce(), assertion(&stranger.key, &x5c, "n"), "InvalidSignature"),
        (nonce(), assertion(&stranger.key, &own, "n"), "CertificateUntrusted"),
    ] {
        let answer = ask(&request_nonce, assertion);
        expect(&answer, 400, NO_PROOF);
        assert_eq!(reason(&answer), expected);
    }
}

/// What a broker gets when its user signs in on a page, before it asks for a PRT: a refresh token, which proves the user on the device
/// that they just registered, and nowhere else.
#[test]
fn a_broker_s_refresh_token_proves_its_user_on_a_device_that_they_just_registered() {
    trusts();
    let (account, sid) = drs_client::user("broker");
    let refresh_token = || {
        let browser = crate::support::Browser::other();
        let tokens = crate::support::oauth::json(&crate::drs_sign_in::tokens_of_broker(&browser, &account));
        tokens["refresh_token"].as_str().unwrap_or_else(|| panic!("{tokens}")).to_owned()
    };
    let own = Registered::with(&sid, 0);
    let computer = Registered::computer(&sid);
    let theirs = Registered::with(&Lab::get().object("alice").sid, 0);
    let ask = |device: &Device, client: &str, token: &str| {
        let payload = json!({"client_id": client, "scope": "openid aza", "request_nonce": nonce(),
            "grant_type": "refresh_token", "refresh_token": token});
        request(&device.sign(&payload))
    };
    let broker = crate::drs_sign_in::BROKER_CLIENT;
    let token = refresh_token();
    // Refused without being used up: on a computer, on somebody else's device, by another broker.
    for answer in
        [ask(&computer, broker, &token), ask(&theirs, broker, &token), ask(&own, crate::support::BROKER, &token)]
    {
        expect(&answer, 400, NO_TOKEN);
    }
    let prt = own.open(&ask(&own, broker, &token));
    let access = members(&prt.open(&request(&prt.sign(2, &prt.exchange(CLIENT, RESOURCE))))["access_token"]);
    assert_eq!((&access["upn"], &access["deviceid"]), (&json!(account.upn()), &json!(own.id.to_string())), "{access}");
    // What came of it ends with the password.
    std::thread::sleep(std::time::Duration::from_millis(1100));
    let next = refresh_token();
    let password = crate::throwaway::unicode_password("Throw-Away-2");
    account.modify(&format!("replace: unicodePwd\nunicodePwd:: {password}"));
    expect(&ask(&own, broker, &next), 400, NO_TOKEN);
    let answer = request(&prt.sign(2, &prt.exchange(CLIENT, RESOURCE)));
    expect(&answer, 400, NO_TOKEN);
    account.delete();
}

/// The whole way of a user's own device: it joins by the device registration service, and gets a PRT with what that gave it.
#[test]
fn a_device_that_joined_gets_a_prt() {
    trusts();
    let (account, sid) = drs_client::user("owner");
    let token = drs_client::token(&drs_client::members(&sid, &account.upn()));
    let device = Device::certified(|_, key| {
        let request = json!({
            "CertificateRequest": {"Type": "pkcs10", "Data": STANDARD.encode(Device::request_for(key))},
            "TransportKey": STANDARD.encode(crate::support::blob(key)),
            "TargetDomain": Lab::get().domain,
            "DeviceType": "Windows",
            "OSVersion": "10.0.26100.0",
            "DeviceDisplayName": "Own device",
            "JoinType": 4,
        });
        let answer = drs_client::join(&token, &request);
        assert_eq!(answer.status, 200, "{}", answer.body);
        let answer: Value = serde_json::from_str(&answer.body).expect("JSON");
        let certificate = answer.pointer("/Certificate/RawBody").and_then(Value::as_str).expect("a certificate");
        STANDARD.decode(certificate).expect("base64")
    });
    let prt = device.prt(&account.upn(), &account.password);
    let access = members(&prt.open(&request(&prt.sign(2, &prt.exchange(CLIENT, RESOURCE))))["access_token"]);
    assert_eq!((&access["upn"], &access["deviceid"]), (&json!(account.upn()), &json!(device.id.to_string())));
    assert_eq!(access["isregistereduser"], json!("true"), "{access}");
    // It is nobody else's.
    expect(&request(&device.sign(&device.request(&alice(), "Alice-Pw-1"))), 400, NO_PROOF);
}

/// ROADtools' library, with its two fixed addresses replaced: PRT, exchange, renewal and the cookie of a browser.
#[test]
fn roadlib_gets_a_prt_uses_and_renews_it() {
    trusts();
    let device = device();
    let (key, certificate) = device.pem_files();
    let answer = python(
        "roadlib_client",
        &json!({"host": Lab::get().host, "key": key, "certificate": certificate, "username": alice(),
            "password": "Alice-Pw-1", "client": CLIENT, "resource": RESOURCE}),
        None,
    );
    assert_eq!(answer["prt"]["token_type"], "pop", "{answer}");
    for tokens in [&answer["tokens"], &answer["after_renewal"]] {
        let access = members(&tokens["access_token"]);
        assert_eq!((&access["aud"], &access["upn"]), (&json!(RESOURCE), &json!(alice())), "{answer}");
    }
    assert_ne!(answer["renewed"]["refresh_token"], answer["prt"]["refresh_token"]);
    assert!(answer["cookie_status"] == 200 && answer["cookie_token"] == true, "{answer}");
}

/// A device whose cryptography is `compact_jwt`'s and `kanidm-hsm-crypto`'s: it signs the request, unwraps the session key, signs by keys of
/// both versions of the derivation, opens the answers, and renews.
#[test]
fn compact_jwt_and_kanidm_hsm_crypto_get_a_prt_use_and_renew_it() {
    trusts();
    let device = device();
    let key = device.key.rsa().and_then(|rsa| rsa.private_key_to_der()).expect("a key");
    let answer = compact_jwt(&json!({
        "url": Lab::get().url, "key": STANDARD.encode(key), "certificate": STANDARD.encode(device.der()), "username": alice(),
        "password": "Alice-Pw-1", "broker": crate::support::BROKER, "client": CLIENT, "resource": RESOURCE,
        "now": crate::support::now(),
    }));
    assert_eq!(answer["prt"]["token_type"], "pop", "{answer}");
    for tokens in [&answer["one"], &answer["two"], &answer["after_renewal"]] {
        let access = members(&tokens["access_token"]);
        assert_eq!((&access["aud"], &access["upn"]), (&json!(RESOURCE), &json!(alice())), "{answer}");
        assert_eq!(access["deviceid"], json!(device.id.to_string()), "{access}");
    }
    assert_ne!(answer["renewed"]["refresh_token"], answer["prt"]["refresh_token"]);
    // The keys of the specification's vector, and those of the tests' own device.
    let (key, ctx): (Vec<u8>, Vec<u8>) = ((0..32).collect(), (0x40..0x58).collect());
    let payload = r#"{"client_id":"x","scope":"openid"}"#;
    let derived =
        compact_jwt(&json!({"session_key": STANDARD.encode(key), "ctx": STANDARD.encode(ctx), "payload": payload}));
    for (version, expected) in [
        ("one", "261704508fac96248f7d3be91a017495fc867b984effbbd36059d69719da6375"),
        ("two", "9b7d92d7394c8bebf93ac1a5ac526de59bc5248fb69ecc65db183c3bc2fd7886"),
    ] {
        let derived = STANDARD.decode(derived[version].as_str().expect("a key")).expect("base64");
        assert_eq!(hex::encode(derived), expected, "{version}");
    }
}

#[test]
fn the_key_derivation_is_openssl_s() {
    // The same computation by another implementation: the vector of the specification's formula.
    let key: String = (0..32).map(|octet| format!("{octet:02x}")).collect();
    let info = format!(
        "{}00{}",
        hex::encode("AzureAD-SecureConversation"),
        (0x40..0x58).map(|o| format!("{o:02x}")).collect::<String>()
    );
    let output = run(Command::new("openssl")
        .args(["kdf", "-keylen", "32", "-kdfopt", "mac:HMAC", "-kdfopt", "digest:SHA256"])
        .args([
            "-kdfopt",
            &format!("hexkey:{key}"),
            "-kdfopt",
            &format!("hexinfo:{info}"),
            "-kdfopt",
            "use-separator:0",
            "KBKDF",
        ]));
    let derived = output.trim().replace(':', "").to_lowercase();
    assert_eq!(derived, "261704508fac96248f7d3be91a017495fc867b984effbbd36059d69719da6375");
}
