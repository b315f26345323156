//! A refresh token of a sign-in that a device took part in, at the token endpoint: a client that can show the device must.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::crashes::{signed_request, token};
use crate::drs_sign_in::BROKER_CLIENT;
use crate::registered::Registered;
use crate::support::oauth::{form, parameter, redirected};
use crate::support::{BROKER, Browser, Device, Lab, Node, NodeSetup, Prt, Response, fields};

const CLIENT: &str = "proving";
const RESOURCE: &str = "urn:e2e:proving";
const REDIRECT: &str = "http://127.0.0.1:8400/cb";
const VERIFIER: &str = "device-proof-device-proof-device-proof-device-proof";
const WINDOWS: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0";

fn nonce(node: &Node) -> String {
    let answer: Value = serde_json::from_str(&token(node, "grant_type=srv_challenge").body).expect("JSON");
    answer["Nonce"].as_str().expect("a nonce").to_owned()
}

/// A browser that a device signed in, as far as it is sent this credential.
struct SignedIn {
    browser: Browser,
    prt: Prt,
}

impl SignedIn {
    fn by(node: &Node, device: &Device) -> Self {
        let user = format!("alice@{}", Lab::get().domain);
        let request = json!({"client_id": BROKER, "scope": "openid aza", "request_nonce": nonce(node), "grant_type": "password",
            "username": user, "password": "Alice-Pw-1"});
        let prt = device.open(&token(node, &signed_request(&device.sign(&request))));
        Self { browser: Browser::outside().at(&node.address), prt }
    }

    /// Asks for a page with a fresh credential of the device.
    fn get(&self, node: &Node, path: &str) -> Response {
        let credential = self.prt.credential(Some(&nonce(node)));
        let request = self.browser.request(path).args(["--user-agent", WINDOWS]);
        request.header("x-ms-RefreshTokenCredential", &credential).send()
    }
}

/// A code that came of a sign-in by a device.
fn code(node: &Node, signed_in: &SignedIn) -> String {
    let challenge = URL_SAFE_NO_PAD.encode(openssl::sha::sha256(VERIFIER.as_bytes()));
    let asked = form(&[
        ("response_type", "code"),
        ("client_id", CLIENT),
        ("redirect_uri", REDIRECT),
        ("resource", RESOURCE),
        ("state", "s"),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ]);
    let answer = signed_in.get(node, &format!("/adfs/oauth2/authorize?{asked}"));
    let (_, parameters) = redirected(&answer);
    parameter(&parameters, "code").unwrap_or_else(|| panic!("no code: {parameters:?}"))
}

fn redeem_code(node: &Node, code: &str) -> Response {
    let fields = [("client_id", CLIENT), ("code", code), ("redirect_uri", REDIRECT), ("code_verifier", VERIFIER)];
    token(node, &form(&[&[("grant_type", "authorization_code")][..], &fields].concat()))
}

/// A refresh token that came of a sign-in by a device.
fn refresh_token(node: &Node, signed_in: &SignedIn) -> String {
    renewed(&redeem_code(node, &code(node, signed_in)))
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

/// A code is used up by what it yields: while nothing may be issued it stays good, and so does a refresh token.
#[test]
fn a_code_outlives_a_time_in_which_nothing_is_issued() {
    let device = Registered::computer(&Lab::get().object("alice").sid);
    let node = node("");
    let code = code(&node, &SignedIn::by(&node, &device));
    let trust = node.directory.join("trusts/api.toml");
    let permit = |policy: &str, other: &str| {
        crate::support::replace(&trust, &format!("\"{other}\""), &format!("\"{policy}\""));
        let (served, said) = node.reload();
        assert!(served, "{said}");
    };
    permit("permit-everyone-for-intranet-access", "permit-everyone");
    let denied = redeem_code(&node, &code);
    assert_ne!(denied.status, 200, "{}", denied.body);
    permit("permit-everyone", "permit-everyone-for-intranet-access");
    let refresh = renewed(&redeem_code(&node, &code));
    let again = redeem_code(&node, &code);
    assert_eq!((again.status, again.body.contains("invalid_grant")), (400, true), "once: {}", again.body);
    let ended =
        token(&node, &form(&[("grant_type", "refresh_token"), ("client_id", CLIENT), ("refresh_token", &refresh)]));
    assert_eq!(ended.status, 400, "a second use voids what the first yielded: {}", ended.body);
}

/// The refresh token of a broker is used up by the PRT that it yields: what is refused before costs it nothing.
#[test]
fn a_broker_s_refresh_token_outlives_a_time_in_which_it_yields_none() {
    let lab = Lab::get();
    let (alice, bob) = (lab.object("alice").sid, lab.object("bob").sid);
    let device = Registered::with(&alice, 0);
    let node = node("[oauth]\nrefresh_grace_seconds = 0\n\n");
    let asked = form(&[
        ("response_type", "code"),
        ("client_id", BROKER_CLIENT),
        ("redirect_uri", "ms-app://windows.immersivecontrolpanel/"),
        ("scope", "openid"),
    ]);
    let signed_in = SignedIn::by(&node, &device);
    let answer = signed_in.get(&node, &format!("/adfs/oauth2/authorize?{asked}"));
    let code = parameter(&redirected(&answer).1, "code").unwrap_or_else(|| panic!("{}", answer.body));
    let refresh = renewed(&crate::drs_sign_in::redeem(&signed_in.browser, &code));
    let ask = |members: Value| {
        let mut payload = json!({"client_id": BROKER_CLIENT, "scope": "openid aza", "request_nonce": nonce(&node)});
        payload.as_object_mut().expect("an object").extend(members.as_object().expect("an object").clone());
        token(&node, &signed_request(&device.sign(&payload)))
    };
    let by_token = || ask(json!({"grant_type": "refresh_token", "refresh_token": refresh}));
    // By their passwords, until the server has heard of it.
    let given_to = |sid: &str, name: &str, password: &str| {
        device.give_to(sid);
        let began = std::time::Instant::now();
        let name = format!("{name}@{}", lab.domain);
        let proof = json!({"grant_type": "password", "username": name, "password": password});
        while ask(proof.clone()).status != 200 {
            assert!(began.elapsed().as_secs() < 70, "a minute is the longest that a registry's answer is remembered");
            std::thread::sleep(std::time::Duration::from_secs(1));
        }
    };
    given_to(&bob, "bob", "Bob-Pw-1");
    for _ in 0..2 {
        let refused = by_token();
        assert_eq!((refused.status, refused.body.contains("MSIS9659")), (400, true), "{}", refused.body);
    }
    given_to(&alice, "alice", "Alice-Pw-1");
    device.open(&by_token());
    let again = by_token();
    assert_eq!((again.status, again.body.contains("MSIS9614")), (400, true), "once: {}", again.body);
}

/// Who registers a device again has another device, as far as anything of before is concerned.
#[test]
fn what_came_of_a_registration_ends_when_the_device_is_registered_again() {
    let device = Registered::computer(&Lab::get().object("alice").sid);
    let node = node("");
    let signed_in = SignedIn::by(&node, &device);
    let mut refresh = refresh_token(&node, &signed_in);
    // The session of the browser, whose cookie it has.
    let session = || signed_in.browser.get(&format!("/adfs/oauth2/authorize?{}", request_for_a_code("none")));
    let is_in = |answer: &Response| parameter(&redirected(answer).1, "code").is_some();
    assert!(is_in(&session()));

    // As a registration writes it: another certificate.
    let other = Device::new();
    let mark = format!(
        "X509:<SHA1-TP-PUBKEY>{}{}",
        hex::encode_upper(fastrand::u128(..).to_be_bytes()) + "00000000",
        STANDARD.encode(openssl::sha::sha256(&other.blob()))
    );
    device.modify(&format!("replace: altSecurityIdentities\naltSecurityIdentities: {mark}"));
    let began = std::time::Instant::now();
    loop {
        let asked = form(&[("grant_type", "refresh_token"), ("client_id", CLIENT), ("refresh_token", &refresh)]);
        let answer = token(&node, &asked);
        if answer.status != 200 {
            assert!(answer.body.contains("invalid_grant"), "{}", answer.body);
            break;
        }
        assert!(began.elapsed().as_secs() < 70, "a minute is the longest that a registry's answer is remembered");
        refresh = renewed(&answer);
        std::thread::sleep(std::time::Duration::from_millis(500));
    }
    assert!(!is_in(&session()), "the session has ended, too");
    node.logged("the session's device is not registered or not enabled");
}

/// A request for a code by the session alone.
fn request_for_a_code(prompt: &str) -> String {
    let challenge = URL_SAFE_NO_PAD.encode(openssl::sha::sha256(VERIFIER.as_bytes()));
    form(&[
        ("response_type", "code"),
        ("client_id", CLIENT),
        ("redirect_uri", REDIRECT),
        ("resource", RESOURCE),
        ("state", "s"),
        ("prompt", prompt),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ])
}

/// A server with the client and its resource; with this text at the head of the settings of the sign-in.
fn node(settings: &str) -> Node {
    setup(settings).start()
}

/// What it is made of.
pub fn setup(settings: &str) -> NodeSetup {
    setup_of(settings, "")
}

/// The same, with more about the client.
fn setup_of(settings: &str, more: &str) -> NodeSetup {
    let trust = format!(
        "[relying_party]\nname = \"Proving\"\nidentifiers = [\"{RESOURCE}\"]\ntoken_type = \"jwt\"\n\
         access_control_policy = \"permit-everyone\"\n"
    );
    let client = format!(
        "[client]\nid = \"{CLIENT}\"\nname = \"Proving\"\nkind = \"native\"\nredirect_uris = [\"{REDIRECT}\"]\n\
         grants = [\"authorization_code\", \"refresh_token\", \"device_code\"]\nresources = [\"{RESOURCE}\"]\n{more}"
    );
    NodeSetup::new()
        .replace("[sign_in]\n", &format!("{settings}[sign_in]\n"))
        .write("trusts/api.toml", trust)
        .write("trusts/client.toml", client)
}

/// The challenge of an answer.
fn challenge_in(answer: &Response) -> String {
    assert_eq!(answer.status, 401, "{}", answer.body);
    let challenge = answer.header("www-authenticate").expect("a challenge").to_owned();
    assert!(challenge.starts_with("PKeyAuth "), "{challenge}");
    challenge
}

/// What a device answers to a challenge.
fn answer(by: &Device, challenge: &str) -> String {
    let address = value(challenge, "SubmitUrl");
    let signed = by.sign_with(
        &json!({"typ": "JWT", "alg": "RS256", "x5c": [STANDARD.encode(by.der())]}),
        &json!({"aud": address, "iat": crate::support::now().to_string(), "nonce": value(challenge, "nonce")}),
    );
    format!("PKeyAuth AuthToken=\"{signed}\", Context=\"{}\", Version=\"1.0\"", value(challenge, "Context"))
}

/// A client that cannot show the device, or will not, gets nothing: whoever has copied a refresh token would say nothing of itself.
#[test]
fn a_client_of_which_the_device_is_demanded_shows_it_or_gets_nothing() {
    let device = Registered::computer(&Lab::get().object("alice").sid);
    let other = Registered::computer(&Lab::get().object("alice").sid);
    let node = setup_of("", "require_device_proof = true\n").start();
    let mut refresh = refresh_token(&node, &SignedIn::by(&node, &device));
    let silent =
        |refresh: &str| form(&[("grant_type", "refresh_token"), ("client_id", CLIENT), ("refresh_token", refresh)]);
    // The copy of a thief, however little it says.
    let challenge = challenge_in(&token(&node, &silent(&refresh)));
    for header in [answer(&other, &challenge), String::from("PKeyAuth Context=\"x\",Version=\"1.0\"")] {
        assert_eq!(redeem(&node, &refresh, Some(&header)).status, 400);
    }
    refresh = renewed(&redeem(&node, &refresh, Some(&answer(&device, &challenge))));
    // By its certificate, where one is asked for.
    let host = format!("https://enterpriseregistration.{}/adfs/oauth2/token", Lab::get().domain);
    let by_certificate = |shown: &Device, refresh: &str| {
        let (key, certificate) = shown.pem_files();
        crate::support::Curl::new(&host)
            .args(["--connect-to", &format!("::{}:", node.address)])
            .args(["--cert", &certificate.display().to_string(), "--key", &key.display().to_string()])
            .post(silent(refresh))
            .send()
    };
    assert_eq!(by_certificate(&other, &refresh).status, 400);
    renewed(&by_certificate(&device, &refresh));
}

/// AD FS' times of registered devices: two weeks from each use, three months from the sign-in, and over the session's end.
#[test]
fn a_refresh_token_of_a_device_outlives_the_session_and_ends_with_its_sign_out() {
    const WEEKS: u64 = 14 * 24 * 60 * 60;
    let device = Registered::computer(&Lab::get().object("alice").sid);
    let (setup, clock) = setup("[sign_in]\nsso_lifetime_minutes = 1\n\n# ").at_moving_clock();
    let node = setup.start();
    let signed_in = SignedIn::by(&node, &device);
    let life = |answer: &Response| {
        let said: Value = serde_json::from_str(&answer.body).expect("JSON");
        said["refresh_token_expires_in"].as_u64().unwrap_or_else(|| panic!("{said}"))
    };
    let redeem = |refresh: &str| {
        token(&node, &form(&[("grant_type", "refresh_token"), ("client_id", CLIENT), ("refresh_token", refresh)]))
    };
    let first = redeem_code(&node, &code(&node, &signed_in));
    assert!((WEEKS - 60..=WEEKS).contains(&life(&first)), "{}", first.body);
    clock.set_seconds(61);
    let second = redeem(&renewed(&first));
    assert!((WEEKS - 5..=WEEKS).contains(&life(&second)), "from each use: {}", second.body);

    // Signing out ends what came of the session, for longer than the session would have lasted.
    let signed_in = SignedIn::by(&node, &device);
    let tokens = redeem_code(&node, &code(&node, &signed_in));
    signed_in.browser.get("/adfs/ls/?wa=wsignout1.0");
    assert_eq!(redeem(&renewed(&tokens)).status, 400);
    clock.set_seconds(122);
    assert_eq!(redeem(&renewed(&tokens)).status, 400, "and it does not come back");
    // That of another session goes on.
    renewed(&redeem(&renewed(&second)));
}

#[test]
fn single_sign_on_of_a_device_ends_three_months_after_the_sign_in() {
    let device = Registered::computer(&Lab::get().object("alice").sid);
    let settings = "[primary_refresh_token]\nlifetime_minutes = 10\npersistent_sso_lifetime_minutes = 1440\n\n[oauth]\n\
                    refresh_tokens_to = \"workplace_joined_devices\"\n\n";
    let node = node(settings);
    let answer = redeem_code(&node, &code(&node, &SignedIn::by(&node, &device)));
    let said: Value = serde_json::from_str(&answer.body).expect("JSON");
    let life = said["refresh_token_expires_in"].as_u64().unwrap_or_else(|| panic!("{said}"));
    assert!((86_400 - 60..=86_400).contains(&life), "no longer than a day: {said}");
}

#[test]
fn a_refresh_token_of_a_device_is_redeemed_by_who_can_show_the_device() {
    let device = Registered::computer(&Lab::get().object("alice").sid);
    let other = Registered::computer(&Lab::get().object("alice").sid);
    let node = node("[primary_refresh_token]\npkeyauth = true\n\n");
    let mut refresh = refresh_token(&node, &SignedIn::by(&node, &device));
    let challenged = |refresh: &str| challenge_in(&redeem(&node, refresh, None));

    let challenge = challenged(&refresh);
    assert_eq!(value(&challenge, "Version"), "1.0");
    let thumbprint = device.certificate.digest(openssl::hash::MessageDigest::sha1()).expect("a digest");
    assert_eq!(value(&challenge, "CertThumbprint"), hex::encode_upper(thumbprint));
    // Another device, no device, an answer to another challenge: none of it uses the token up.
    let without = format!("PKeyAuth Context=\"{}\",Version=\"1.0\"", value(&challenge, "Context"));
    let mixed =
        answer(&device, &challenge).replace(value(&challenge, "Context"), value(&challenged(&refresh), "Context"));
    // And another device with what it was asked for a token of its own.
    let theirs = answer(&other, &challenged(&refresh_token(&node, &SignedIn::by(&node, &other))));
    for header in [answer(&other, &challenge), without, mixed, theirs] {
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

#[test]
fn refresh_tokens_and_codes_of_devices_end_with_the_device_of_the_sign_in() {
    const PAGE: &str = "/adfs/oauth2/deviceauth";
    let device = Registered::computer(&Lab::get().object("alice").sid);
    let node = node("");
    let signed_in = SignedIn::by(&node, &device);
    let mut refresh = refresh_token(&node, &signed_in);
    let unredeemed = code(&node, &signed_in);
    // Somebody whom the device signed in approves for another one.
    let asked = form(&[("client_id", CLIENT), ("resource", RESOURCE)]);
    let codes: Value =
        serde_json::from_str(&node.curl("/adfs/oauth2/devicecode").post(asked).send().body).expect("JSON");
    let page = signed_in.get(&node, PAGE);
    let state = fields(&page.body, "State").pop().unwrap_or_else(|| panic!("no page: {}", page.body));
    let code = crate::device_code::user_code(&codes);
    let question = signed_in.browser.post(PAGE, &[("UserCode", &code), ("State", &state)]);
    let done = crate::device_code::decide(&signed_in.browser, &question, "allow");
    assert!(done.body.contains("You can go back to the device"), "{}", done.body);

    device.modify("replace: msDS-IsEnabled\nmsDS-IsEnabled: FALSE");
    let began = std::time::Instant::now();
    let redeem = |refresh: &str| {
        token(&node, &form(&[("grant_type", "refresh_token"), ("client_id", CLIENT), ("refresh_token", refresh)]))
    };
    let refused = |answer: &Response| {
        let said: Value = serde_json::from_str(&answer.body).expect("JSON");
        assert_eq!((answer.status, &said["error"]), (400, &json!("invalid_grant")), "{said}");
    };
    loop {
        let answer = redeem(&refresh);
        if answer.status != 200 {
            refused(&answer);
            break;
        }
        assert!(began.elapsed().as_secs() < 70, "a minute is the longest that a registry's answer is remembered");
        refresh = renewed(&answer);
        std::thread::sleep(std::time::Duration::from_millis(500));
    }
    refused(&redeem_code(&node, &unredeemed));
    let code = codes["device_code"].as_str().expect("a code");
    refused(&token(&node, &form(&[("grant_type", "device_code"), ("client_id", CLIENT), ("device_code", code)])));
    node.logged("the device of the sign-in is not registered any more, or disabled");
}
