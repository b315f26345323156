//! Browsers that are signed in by their device: credentials in header fields and cookies, at WS-Federation.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::json;

use crate::registered::Registered;
use crate::support::{Audit, Browser, Curl, HandOver, Lab, NodeSetup, Response, Trusts, nonce};

const CREDENTIAL: &str = "x-ms-RefreshTokenCredential";
const FIREFOX: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0";

fn alice() -> String {
    format!("alice@{}", Lab::get().domain)
}

fn device() -> Registered {
    Trusts::get();
    Registered::computer(&Lab::get().object("alice").sid)
}

/// A browser of Windows outside, where nobody is signed in by Kerberos.
fn ask(browser: &Browser, more: &str) -> Curl {
    browser.request(&Browser::address("web", more)).args(["--user-agent", FIREFOX])
}

fn is_page(answer: &Response) -> bool {
    answer.status == 200 && answer.body.contains("name=\"Password\"")
}

#[test]
fn a_credential_with_a_nonce_signs_in_and_begins_a_session() {
    let device = device();
    let prt = device.prt(&alice(), "Alice-Pw-1");
    let browser = Browser::outside();
    let answer = ask(&browser, "").header(CREDENTIAL, &prt.credential(Some(&nonce()))).send();
    HandOver::of(&answer);
    let accepted = Lab::get().audit(&answer.correlation).event(1202);
    assert_eq!(accepted["DeviceId"], json!(device.id.to_string()), "{accepted}");
    // The session goes on without the credential, as any other browser's.
    assert!(browser.cookie("MSISAuth").is_some());
    HandOver::of(&ask(&browser, "").send());

    // As a cookie, and as the second of several accounts.
    let cookie = format!("{CREDENTIAL}={}", prt.credential(Some(&nonce())));
    HandOver::of(
        &Curl::new(&format!("{}{}", Lab::get().url, Browser::address("web", "")))
            .args(["--interface", "127.0.0.9", "--user-agent", FIREFOX, "--cookie", &cookie])
            .send(),
    );
    let other = Browser::outside();
    let numbered = ask(&other, "").header(CREDENTIAL, "not.a.credential");
    HandOver::of(&numbered.header(&format!("{CREDENTIAL}1"), &prt.credential(Some(&nonce()))).send());
}

#[test]
fn a_credential_without_a_nonce_is_asked_for_one_once() {
    let device = device();
    let prt = device.prt(&alice(), "Alice-Pw-1");
    let browser = Browser::outside();
    let answer = ask(&browser, "").header(CREDENTIAL, &prt.credential(None)).send();
    assert_eq!(answer.status, 302, "{}", answer.body);
    let location = answer.header("location").expect("a location").to_owned();
    let (_, fresh) = location.split_once("&sso_nonce=").expect("a nonce");
    let again = browser.request(&location).args(["--user-agent", FIREFOX]);
    HandOver::of(&again.header(CREDENTIAL, &prt.credential(Some(fresh))).send());

    // A second failure is none: the person signs in.
    let stubborn = Browser::outside();
    let answer = ask(&stubborn, "").header(CREDENTIAL, &prt.credential(None)).send();
    let location = answer.header("location").expect("a location").to_owned();
    let answer = stubborn.request(&location).args(["--user-agent", FIREFOX]);
    let answer = answer.header(CREDENTIAL, &prt.credential(None)).send();
    assert!(is_page(&answer), "{} {}", answer.status, answer.body);
    assert_eq!(Lab::get().audit(&answer.correlation).event(411)["ErrorMessage"], json!("InvalidNonce"));
    // A nonce that was used is one that is missing.
    let answer = ask(&Browser::outside(), "&sso_nonce=x").header(CREDENTIAL, &prt.credential(Some(fresh))).send();
    assert!(is_page(&answer), "{} {}", answer.status, answer.body);
    assert_eq!(Lab::get().audit(&answer.correlation).event(411)["ErrorMessage"], json!("Replayed"));
}

#[test]
fn a_credential_that_is_not_good_is_left_aside() {
    let device = device();
    let prt = device.prt(&alice(), "Alice-Pw-1");
    let other = device.prt(&alice(), "Alice-Pw-1");
    let by_another = other.sign(2, &json!({"refresh_token": prt.token, "request_nonce": nonce()}));
    let elsewhere =
        prt.sign(2, &json!({"refresh_token": prt.token, "request_nonce": nonce(), "ua_client_id": "somebody"}));
    let good = || prt.credential(Some(&nonce()));
    for (what, more, credential) in [
        ("nonsense", "", String::from("x")),
        ("another session key", "", by_another),
        ("by the device's key", "", device.sign(&json!({"refresh_token": prt.token, "request_nonce": nonce()}))),
        ("for another client", "&client_id=me", elsewhere),
        ("a fresh sign-in is wanted", "&wfresh=0", good()),
        ("the person must be asked", "&prompt=login", good()),
    ] {
        let answer = ask(&Browser::outside(), more).header(CREDENTIAL, &credential).send();
        assert!(is_page(&answer), "{what}: {} {}", answer.status, answer.body);
    }
    // A browser that is not one of Windows.
    let answer = Browser::outside().request(&Browser::address("web", "")).header(CREDENTIAL, &good()).send();
    assert!(is_page(&answer), "{} {}", answer.status, answer.body);
}

#[test]
fn a_session_ends_with_its_device() {
    let device = device();
    let prt = device.prt(&alice(), "Alice-Pw-1");
    let browser = Browser::outside();
    HandOver::of(&ask(&browser, "").header(CREDENTIAL, &prt.credential(Some(&nonce()))).send());
    device.modify("replace: msDS-IsEnabled\nmsDS-IsEnabled: FALSE");
    let began = std::time::Instant::now();
    while !is_page(&ask(&browser, "").send()) {
        assert!(began.elapsed().as_secs() < 70, "a minute is the longest that a registry's answer is remembered");
        std::thread::sleep(std::time::Duration::from_millis(500));
    }
}

#[test]
fn signing_out_ends_the_session_and_not_the_prt() {
    let device = device();
    let prt = device.prt(&alice(), "Alice-Pw-1");
    let browser = Browser::outside();
    HandOver::of(&ask(&browser, "").header(CREDENTIAL, &prt.credential(Some(&nonce()))).send());
    browser.get("/adfs/ls/?wa=wsignout1.0");
    assert!(is_page(&ask(&browser, "").send()));
    HandOver::of(&ask(&browser, "").header(CREDENTIAL, &prt.credential(Some(&nonce()))).send());
}

#[test]
fn a_device_credential_brings_the_device_and_the_person_signs_in() {
    let device = device();
    let credential = || device.sign(&json!({"request_nonce": nonce(), "grant_type": "device_auth"}));
    let browser = Browser::outside();
    let page = ask(&browser, "").header("x-ms-DeviceCredential", &credential()).send();
    assert!(is_page(&page), "{} {}", page.status, page.body);
    let fields: Vec<String> = crate::support::inputs(&page.body)
        .into_iter()
        .map(|(name, value)| match name.as_str() {
            "UserName" => (name, alice()),
            "Password" => (name, String::from("Alice-Pw-1")),
            _ => (name, value),
        })
        .map(|(name, value)| {
            format!("{name}={}", value.replace('%', "%25").replace('+', "%2B").replace('&', "%26").replace('=', "%3D"))
        })
        .collect();
    let action = crate::support::action(&page.body);
    let answer = browser
        .request(&action)
        .args(["--user-agent", FIREFOX])
        .header("Content-Type", "application/x-www-form-urlencoded")
        .header("x-ms-DeviceCredential", &credential())
        .post(fields.join("&"))
        .send();
    assert_eq!(answer.status, 302, "{}", answer.body);
    let token = ask(&browser, "").send();
    HandOver::of(&token);
    let issued = Lab::get().audit(&token.correlation).event(1200);
    assert_eq!(issued["DeviceId"], json!(device.id.to_string()), "{issued}");
}

#[test]
fn a_device_credential_that_is_not_good_is_left_aside() {
    let device = device();
    let payload = |nonce: serde_json::Value| json!({"request_nonce": nonce, "grant_type": "device_auth"});
    let used = device.sign(&payload(json!(nonce())));
    let page = ask(&Browser::outside(), "").header("x-ms-DeviceCredential", &used).send();
    assert!(is_page(&page) && Lab::get().audit(&page.correlation).events().iter().all(|event| event["EventID"] != 411));
    let stranger = crate::support::Device::new();
    for (credential, expected) in [
        (used, "Replayed"),
        (device.sign(&payload(json!(null))), "InvalidNonce"),
        (device.sign(&payload(json!("AwABEgEAAAACAOz_BAD0_xpK"))), "InvalidNonce"),
        (stranger.sign(&payload(json!(nonce()))), "UnknownDevice"),
        (String::from("a.b.c"), "MalformedToken"),
    ] {
        let browser = Browser::outside();
        let page = ask(&browser, "").header("x-ms-DeviceCredential", &credential).send();
        assert!(is_page(&page), "{expected}: {} {}", page.status, page.body);
        let refused = Lab::get().audit(&page.correlation).event(411);
        assert_eq!(refused["ErrorMessage"], json!(expected), "{refused}");
        // The person signs in, and no device is known of.
        let filled = browser.fill_in(&page, &alice(), "Alice-Pw-1");
        assert_eq!(filled.status, 302, "{}", filled.body);
        let token = ask(&browser, "").send();
        HandOver::of(&token);
        assert_eq!(Lab::get().audit(&token.correlation).event(1200)["DeviceId"], json!("N/A"), "{expected}");
    }
}

/// A client that cannot send credentials by itself is asked to sign a challenge.
#[test]
fn a_client_of_pkeyauth_proves_its_device() {
    let device = device();
    let node = NodeSetup::new()
        .replace("[sign_in]\n", "[primary_refresh_token]\npkeyauth = true\n\n[sign_in]\n")
        .write("trusts/web.toml", TRUST)
        .start();
    let browser = || Browser::outside().at(&node.address);
    let agent = ["--user-agent", "Mozilla/5.0 (Linux; Android 14) PKeyAuth/1.0"];
    let challenge = |browser: &Browser| {
        let answer = browser.request(&Browser::address("web", "")).args(agent).send();
        assert_eq!(answer.status, 302, "{}", answer.body);
        let location = answer.header("location").expect("a location").to_owned();
        let query = location.strip_prefix("urn:http-auth:PKeyAuth?").unwrap_or_else(|| panic!("{location}")).to_owned();
        let value = move |name: &str| {
            let found = query.split('&').find_map(|pair| pair.strip_prefix(&format!("{name}=")).map(str::to_owned));
            decoded(&found.unwrap_or_else(|| panic!("no {name} in {query}")))
        };
        assert_eq!(value("Version"), "1.0");
        // Among the issuers is that of the device, which is another server's; some clients look for nothing else.
        let authorities = value("CertAuthorities");
        let authorities: Vec<String> = authorities.split(';').map(decoded).collect();
        let unit = device.certificate.issuer_name().entries_by_nid(openssl::nid::Nid::ORGANIZATIONALUNITNAME).next();
        let unit = unit.and_then(|unit| std::str::from_utf8(unit.data().as_slice()).ok()).expect("a unit");
        let own = |name: &String| name.contains("CN=MS-Organization-Access") && name.contains(&format!("OU={unit}"));
        assert!(authorities.len() > 1 && authorities.iter().any(own), "{unit}: {authorities:?}");
        (value("SubmitUrl"), value("nonce"), value("Context"))
    };
    let answer = |browser: &Browser, url: &str, header: &str| {
        // The address has the port that clients leave out.
        let path = url.strip_prefix(&format!("{}:443", Lab::get().url)).unwrap_or_else(|| panic!("{url}")).to_owned();
        browser.request(&path).args(agent).header("Authorization", header).send()
    };
    let signed = |device: &crate::support::Device, url: &str, nonce: &str, context: &str| {
        let token = device.sign_with(
            &json!({"typ": "JWT", "alg": "RS256", "x5c": [STANDARD.encode(device.der())]}),
            &json!({"aud": url, "iat": crate::support::now().to_string(), "nonce": nonce}),
        );
        format!("PKeyAuth AuthToken=\"{token}\", Context=\"{context}\", Version=\"1.0\"")
    };

    let known = browser();
    let (url, nonce, context) = challenge(&known);
    let page = answer(&known, &url, &signed(&device, &url, &nonce, &context));
    assert!(is_page(&page), "{} {}", page.status, page.body);
    let answered = known.fill_in(&page, &alice(), "Alice-Pw-1");
    assert_eq!(answered.status, 302, "{}", answered.body);
    let token = known.request(&Browser::address("web", "")).args(agent).send();
    HandOver::of(&token);
    let issued = Audit::of(node.directory.join("audit.jsonl"), &token.correlation).event(1200);
    assert_eq!(issued["DeviceId"], json!(device.id.to_string()), "{issued}");

    // No device, another's challenge, the same answer twice: a page, and no second challenge.
    let other = browser();
    let (url, nonce, context) = challenge(&other);
    let header = format!("PKeyAuth Context=\"{context}\",Version=\"1.0\"");
    assert!(is_page(&answer(&other, &url, &header)));
    let stranger = crate::support::Device::new();
    let page = answer(&other, &url, &signed(&stranger, &url, &nonce, &context));
    assert!(is_page(&page));
    assert_eq!(
        Audit::of(node.directory.join("audit.jsonl"), &page.correlation).event(411)["ErrorMessage"],
        json!("UnknownDevice")
    );
    // Who has no device uses nobody's challenge up.
    let reason = |page: &Response| {
        let events = Audit::of(node.directory.join("audit.jsonl"), &page.correlation).events();
        events.iter().find(|event| event["EventID"] == 411).map(|event| event["ErrorMessage"].clone())
    };
    let good = answer(&browser(), &url, &signed(&device, &url, &nonce, &context));
    assert_eq!((is_page(&good), reason(&good)), (true, None));
    let again = answer(&browser(), &url, &signed(&device, &url, &nonce, &context));
    assert!(is_page(&again));
    assert_eq!(
        Audit::of(node.directory.join("audit.jsonl"), &again.correlation).event(411)["ErrorMessage"],
        json!("Replayed")
    );
    let foreign = answer(&browser(), &url, &signed(&device, &url, "AAAA", &context));
    assert_eq!(
        Audit::of(node.directory.join("audit.jsonl"), &foreign.correlation).event(411)["ErrorMessage"],
        json!("InvalidNonce")
    );
}

fn decoded(text: &str) -> String {
    let mut octets = Vec::new();
    let mut rest = text.bytes();
    while let Some(octet) = rest.next() {
        octets.push(match octet {
            b'%' => {
                let digits = [rest.next().expect("a digit"), rest.next().expect("a digit")];
                u8::from_str_radix(std::str::from_utf8(&digits).expect("digits"), 16).expect("a number")
            }
            other => other,
        });
    }
    String::from_utf8(octets).expect("UTF-8")
}

const TRUST: &str = "[relying_party]\nname = \"Web\"\nidentifiers = [\"urn:e2e:web\"]\naccess_control_policy = \"permit-everyone\"\n\
    [relying_party.ws_federation]\nendpoint = \"https://rp.example/wsfed\"\n";

/// At the authorization endpoint, and what comes of it: a code, tokens with the device in them, a refresh token that ends with the
/// device.
#[test]
fn an_authorization_request_is_answered_at_once() {
    crate::prt::trusts();
    let device = device();
    let prt = device.prt(&alice(), "Alice-Pw-1");
    let (client, resource) = (crate::prt::CLIENT, crate::prt::RESOURCE);
    let verifier = "v".repeat(64);
    let challenge = URL_SAFE_NO_PAD.encode(openssl::sha::sha256(verifier.as_bytes()));
    let path = format!(
        "/adfs/oauth2/authorize?response_type=code&client_id={client}&redirect_uri=http%3A%2F%2F127.0.0.1%3A8400%2Fcb&resource={resource}\
         &scope=openid&state=s&code_challenge={challenge}&code_challenge_method=S256"
    );
    let browser = Browser::outside();
    let ask = |path: &str, nonce: Option<&str>| {
        browser.request(path).args(["--user-agent", FIREFOX]).header(CREDENTIAL, &prt.credential(nonce)).send()
    };
    let stale = ask(&path, None);
    assert_eq!(stale.status, 302, "{}", stale.body);
    let location = stale.header("location").expect("a location").to_owned();
    let (_, fresh) = location.split_once("&sso_nonce=").unwrap_or_else(|| panic!("{location}"));
    let answer = ask(&location, Some(fresh));
    let location = answer.header("location").unwrap_or_else(|| panic!("{} {}", answer.status, answer.body)).to_owned();
    assert!(location.starts_with("http://127.0.0.1:8400/cb?"), "{location}");
    let (_, code) = location.split_once("code=").expect("a code");
    let code = code.split('&').next().expect("a code");
    let redeem = |form: &str| crate::support::token_endpoint(&format!("client_id={client}&{form}"));
    let form = format!(
        "grant_type=authorization_code&code={code}&redirect_uri=http%3A%2F%2F127.0.0.1%3A8400%2Fcb&code_verifier={verifier}"
    );
    let tokens: serde_json::Value = serde_json::from_str(&redeem(&form).body).expect("JSON");
    let access = crate::prt::members(&tokens["access_token"]);
    assert_eq!((&access["upn"], &access["deviceid"]), (&json!(alice()), &json!(device.id.to_string())), "{tokens}");

    device.delete();
    let mut token = tokens["refresh_token"].as_str().expect("a refresh token").to_owned();
    let began = std::time::Instant::now();
    loop {
        let answer = redeem(&format!("grant_type=refresh_token&refresh_token={token}"));
        let body: serde_json::Value = serde_json::from_str(&answer.body).expect("JSON");
        if answer.status == 400 {
            assert_eq!(body["error"], json!("invalid_grant"), "{body}");
            break;
        }
        token = body["refresh_token"].as_str().expect("another").to_owned();
        assert!(began.elapsed().as_secs() < 70, "a minute is the longest that a registry's answer is remembered");
        std::thread::sleep(std::time::Duration::from_millis(500));
    }
}

/// Anybody can make certificates and sign with their keys; each that the registry is asked for is paid by the address it comes from.
#[test]
fn an_address_that_shows_devices_that_nobody_has_is_not_listened_to_without_end() {
    let node = NodeSetup::new().write("trusts/web.toml", TRUST).start();
    let stranger = crate::support::Device::new();
    let credential = stranger.sign(&json!({"request_nonce": "AwAB", "grant_type": "device_auth"}));
    let numbered = |number: usize| {
        let number = if number == 0 { String::new() } else { number.to_string() };
        format!("x-ms-DeviceCredential{number}: {credential}")
    };
    let headers: Vec<String> = (0..5).flat_map(|number| [String::from("--header"), numbered(number)]).collect();
    let headers: Vec<&str> = headers.iter().map(String::as_str).collect();
    let ask = |more: &[&str]| {
        let request = node.curl(&Browser::address("web", "")).args(["--user-agent", FIREFOX]).args(headers.clone());
        request.args(more.iter().copied()).send()
    };
    let looked_for = |page: &Response| {
        assert!(is_page(page), "{} {}", page.status, page.body);
        let log = node.log();
        let of_request = log.lines().filter(|line| line.contains(&page.correlation));
        of_request.filter(|line| line.contains("no registered device has this certificate")).count()
    };
    assert_eq!(looked_for(&ask(&[])), 5);
    let mut last = 5;
    for _ in 0..60 {
        last = looked_for(&ask(&[]));
        if last < 5 {
            break;
        }
    }
    assert!(last < 5, "no end");
    node.logged("a device is not looked for");
    assert_eq!(looked_for(&ask(&["--interface", "127.0.0.44"])), 5, "another address goes on");
    // A signature that is not good costs the registry nothing, and is told all the same.
    let (head, _) = credential.rsplit_once('.').expect("a signature");
    let forged = format!("{head}.{}", URL_SAFE_NO_PAD.encode([7; 256]));
    let page = node
        .curl(&Browser::address("web", ""))
        .args(["--user-agent", FIREFOX, "--interface", "127.0.0.44"])
        .header("x-ms-DeviceCredential", &forged)
        .send();
    let event = Audit::of(node.directory.join("audit.jsonl"), &page.correlation).event(411);
    assert_ne!(event["ErrorMessage"], json!("UnknownDevice"), "{event}");
}
