//! Signing in to a browser with a certificate: from the page or by `wauth`, by the other name and back.

use std::path::PathBuf;

use crate::support::{
    Assertion, Browser, HandOver, Lab, NodeSetup, Response, Trusts, action, claim, inputs, issue, signing_certificate,
    unescape, variable,
};
use crate::throwaway::Account;

const METHOD: &str = "CertificateAuthentication";

/// Presses the page's button; the address the browser is sent to.
fn press(browser: &Browser, page: &Response) -> String {
    assert!(page.body.contains(&format!("name=\"AuthMethod\" value=\"{METHOD}\"")), "{}", page.body);
    departure(&browser.post(&action(&page.body), &[("AuthMethod", METHOD)]))
}

/// Where an answer sends the browser to for a certificate.
fn departure(answer: &Response) -> String {
    assert_eq!(answer.status, 302, "{}", answer.body);
    let address = answer.header("location").expect("a location").to_owned();
    assert!(address.starts_with(&format!("https://certauth.{}/adfs/ls/certificate?SignInState=", Lab::get().host)));
    address
}

/// Goes there with a certificate of the lab, or with none.
fn present(browser: &Browser, address: &str, certificate: Option<&str>) -> Response {
    let file = |name: &str, extension| Lab::get().clients.join(format!("{name}.{extension}")).display().to_string();
    present_files(browser, address, certificate.map(|name| (file(name, "pem"), file(name, "key"))))
}

pub fn present_files(browser: &Browser, address: &str, files: Option<(String, String)>) -> Response {
    let mut request = browser.request(address);
    if let Some((certificate, key)) = &files {
        request = request.args(["--cert", certificate, "--key", key]);
    }
    let answer = request.send();
    assert!(answer.headers.iter().all(|(name, _)| name != "set-cookie"), "{:?}", answer.headers);
    answer
}

/// Sends the form that the other name gave.
pub fn hand_in(browser: &Browser, form: &Response) -> Response {
    assert_eq!(form.status, 200, "{}", form.body);
    let fields = inputs(&form.body);
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    browser.post(&action(&form.body), &fields)
}

fn notice(page: &Response) -> String {
    let text = page.body.split("<span id=\"errorText\">").nth(1).unwrap_or_else(|| panic!("no notice: {}", page.body));
    unescape(text.split("</span>").next().expect("an end"))
}

fn by_certificate() -> String {
    Browser::address("web", "&wctx=a%26b&wauth=urn%3Aietf%3Arfc%3A2246")
}

#[test]
fn the_page_offers_a_certificate_which_signs_in_by_the_other_name() {
    Trusts::get();
    let lab = Lab::get();
    let browser = Browser::outside();
    let address = Browser::address("web", "&wctx=a%26b");
    let page = browser.get(&address);
    let origin = format!("https://certauth.{}", lab.host);
    let policy = page.header("content-security-policy").expect("a policy");
    assert!(policy.contains(&format!("; form-action 'self' {origin};")), "{policy}");
    assert!(page.body.contains(">Sign in using a certificate</button>"), "{}", page.body);
    let door = press(&browser, &page);
    let form = present(&browser, &door, Some("alice-sid"));
    assert_eq!(action(&form.body), format!("{}{address}", lab.url), "the same request, at the main name");
    let accepted = lab.audit(&form.correlation).event(1202);
    assert_eq!((&accepted["NetworkLocation"], &accepted["RelyingParty"]), (&"Extranet".into(), &"urn:e2e:web".into()));
    let answer = hand_in(&browser, &form);
    assert_eq!((answer.status, answer.header("location")), (302, Some(&*address)), "{}", answer.body);
    let hand_over = HandOver::of(&browser.get(&address));
    assert_eq!(hand_over.context.as_deref(), Some("a&b"));
    let token = Assertion::cut(&hand_over.result);
    assert!(token.verifies(signing_certificate()));
    assert_eq!(token.single(claim::UPN_2005), format!("alice@{}", lab.domain));
    assert_eq!(token.attribute("AuthenticationStatement", "AuthenticationMethod"), "urn:ietf:rfc:2246");
    // The button is there for a reader of another language too.
    let french = Browser::outside().reading("fr").ask("web", "");
    assert!(french.body.contains("Se connecter avec un certificat"), "{}", french.body);
}

#[test]
fn every_name_of_the_method_leads_there_and_a_password_does_not_do() {
    Trusts::get();
    for uri in [
        "urn%3Aietf%3Arfc%3A2246",
        "urn%3Aoasis%3Anames%3Atc%3ASAML%3A2.0%3Aac%3Aclasses%3ATLSClient",
        "urn%3Aoasis%3Anames%3Atc%3ASAML%3A2.0%3Aac%3Aclasses%3AX509",
        "http%3A%2F%2Fschemas.microsoft.com%2Fws%2F2008%2F06%2Fidentity%2Fauthenticationmethod%2Ftlsclient",
    ] {
        for browser in [Browser::windows(), Browser::outside()] {
            departure(&browser.ask("web", &format!("&wauth={uri}")));
        }
    }
    let lab = Lab::get();
    let browser = Browser::outside();
    browser.sign_in("web", &format!("alice@{}", lab.domain), "Alice-Pw-1");
    let door = departure(&browser.get(&by_certificate()));
    let form = present(&browser, &door, Some("bob-ski"));
    // Signed in as somebody else from now on, as with a password.
    assert_eq!(hand_in(&browser, &form).status, 302);
    let token = Assertion::cut(&HandOver::of(&browser.get(&by_certificate())).result);
    assert_eq!(token.single(claim::PRIMARY_SID), lab.object("bob").sid);
}

#[test]
fn a_request_that_wants_a_fresh_sign_in_gets_its_token_at_once() {
    Trusts::get();
    let browser = Browser::outside();
    let more = "&wauth=urn%3Aietf%3Arfc%3A2246&wfresh=0";
    let door = departure(&browser.ask("web", more));
    let answer = hand_in(&browser, &present(&browser, &door, Some("alice-sid")));
    HandOver::of(&answer);
    departure(&browser.ask("web", more));
}

#[test]
fn what_is_wrong_with_a_certificate_is_told_without_the_account_and_logged_with_it() {
    Trusts::get();
    let lab = Lab::get();
    const OTHER: &str = "You cannot sign in here with that certificate.";
    const TIME: &str = "Your certificate is not valid at this time:";
    for (certificate, text, reason) in [
        (None, "Your browser sent no certificate.", "MalformedToken"),
        (Some("alice-expired"), TIME, "CertificateTime"),
        (Some("alice-future"), TIME, "CertificateTime"),
        (Some("alice-revoked"), OTHER, "CertificateRevoked"),
        (Some("alice-server-only"), OTHER, "CertificateUntrusted"),
        (Some("alice-unknown-ca"), OTHER, "CertificateUntrusted"),
        (Some("alice-foreign-sid"), OTHER, "CertificateUnmapped"),
        (Some("unknown"), OTHER, "CertificateUnmapped"),
        (Some("bob-weak-subject"), OTHER, "CertificateUnmapped"),
    ] {
        let browser = Browser::outside();
        let door = press(&browser, &browser.ask("web", ""));
        let form = present(&browser, &door, certificate);
        let event = lab.audit(&form.correlation).event(1203);
        assert_eq!((certificate, event["ErrorCode"].as_str()), (certificate, Some(reason)));
        assert_eq!(event["RelyingParty"], "urn:e2e:web");
        let page = hand_in(&browser, &form);
        assert_eq!((certificate, page.status), (certificate, 403), "{}", page.body);
        assert!(notice(&page).starts_with(text), "{certificate:?}: {}", notice(&page));
        assert!(page.body.contains("End-to-end test web") && !page.body.contains("alice"), "{}", page.body);
        assert!(browser.cookie("MSISAuth").is_none());
        // Both ways on are there: another certificate, and another way.
        press(&browser, &page);
        assert!(unescape(&page.body).contains("href=\"/adfs/ls/?wa=wsignin1.0&wtrealm=urn%3Ae2e%3Aweb\""));
    }
    // Where the request takes nothing else, there is no other way.
    let browser = Browser::outside();
    let page = hand_in(&browser, &present(&browser, &departure(&browser.get(&by_certificate())), None));
    assert!(!page.body.contains("otherWay"), "{}", page.body);
    assert_eq!(browser.post(&by_certificate(), &[("AuthMethod", METHOD)]).status, 302);
}

#[test]
fn a_good_certificate_of_a_disabled_account_looks_like_any_other_that_is_refused() {
    Trusts::get();
    let lab = Lab::get();
    let files = issue("/CN=Disabled", "extendedKeyUsage=clientAuth");
    let key = openssl::x509::X509::from_pem(&std::fs::read(&files.0).expect("a certificate")).expect("a certificate");
    let key = key.public_key().and_then(|key| key.rsa()).and_then(|key| key.public_key_to_der_pkcs1()).expect("a key");
    let digest = openssl::hash::hash(openssl::hash::MessageDigest::sha1(), &key).expect("a digest");
    let mapping = format!("altSecurityIdentities: X509:<SHA1-PUKEY>{}", hex::encode(digest));
    let account = Account::new("webcert").with(&format!("userAccountControl: 514\n{mapping}")).create();
    let browser = Browser::outside();
    let form = present_files(&browser, &press(&browser, &browser.ask("web", "")), Some(text(&files)));
    assert_eq!(lab.audit(&form.correlation).event(1203)["ErrorCode"], "AccountDisabled");
    let page = hand_in(&browser, &form);
    assert!(notice(&page).starts_with("You cannot sign in here with that certificate."), "{}", notice(&page));
    assert!(!page.body.contains(&account.name), "{}", page.body);
}

#[test]
fn a_result_is_taken_from_one_browser_for_one_request_and_once() {
    Trusts::get();
    let lab = Lab::get();
    let browser = Browser::outside();
    let door = press(&browser, &browser.ask("web", ""));
    let form = present(&browser, &door, Some("alice-sid"));
    let result = inputs(&form.body).into_iter().find(|(name, _)| name == "CertificateResult").expect("a result").1;
    let refused = |browser: &Browser, address: &str, result: &str, text: &str, reason: &str| {
        let page = browser.post(address, &[("AuthMethod", METHOD), ("CertificateResult", result)]);
        assert_eq!(page.status, 403, "{}", page.body);
        assert!(notice(&page).starts_with(text), "{}", notice(&page));
        let event = lab.audit(&page.correlation).event(1203);
        assert_eq!((&event["ErrorCode"], &event["RelyingParty"]), (&reason.into(), &"urn:e2e:web".into()));
        assert!(browser.cookie("MSISAuth").is_none());
    };
    let address = Browser::address("web", "");
    let stale = "This page was open for too long, or it was opened in another browser.";
    // Whoever makes somebody else's browser send it signs nobody in.
    let victim = Browser::outside();
    refused(&victim, &address, &result, "Your browser did not send back the cookie", "MalformedToken");
    victim.ask("web", "");
    refused(&victim, &address, &result, stale, "MalformedToken");
    // Forged, changed, something else of this service, another request's.
    let mut changed = result.clone();
    changed.replace_range(40..41, if &result[40..41] == "A" { "B" } else { "A" });
    let state = door.split("SignInState=").nth(1).expect("a state");
    for text in [changed.as_str(), state, "AQ", &result[..60]] {
        refused(&browser, &address, text, stale, "MalformedToken");
    }
    refused(&browser, &Browser::address("web", "&wctx=x"), &result, stale, "MalformedToken");
    // Good once; whoever has the session goes on, others do not.
    assert_eq!(hand_in(&browser, &form).status, 302);
    assert!(browser.cookie("MSISAuth").is_some());
    let again = hand_in(&browser, &form);
    assert_eq!((again.status, again.header("location")), (302, Some(&*address)), "{}", again.body);
    let copy = browser.copy();
    copy.edit_cookies(|jar| {
        jar.lines().filter(|line| !line.contains("MSISAuth")).map(|line| format!("{line}\n")).collect()
    });
    refused(&copy, &address, &result, stale, "Replayed");
}

#[test]
fn the_door_opens_for_sign_ins_of_this_service_only() {
    Trusts::get();
    let lab = Lab::get();
    let door = departure(&Browser::outside().get(&by_certificate()));
    let (origin, state) = door.split_once("?SignInState=").expect("a state");
    let browser = Browser::outside();
    for query in [
        "",
        "?SignInState=",
        "?SignInState=AQ",
        &format!("?SignInState={state}x"),
        &format!("?SignInState={state}&SignInState={state}"),
    ] {
        let answer = present(&browser, &format!("{origin}{query}"), Some("alice-sid"));
        assert_eq!(answer.status, 400, "{query}: {}", answer.body);
        assert!(answer.body.contains("MSIS7000") && answer.body.contains(&answer.correlation), "{}", answer.body);
        assert_eq!(lab.audit(&answer.correlation).event(364)["ErrorCode"], "MSIS7000");
    }
    // On the main name no certificate is asked for, and there is no such page.
    assert_eq!(browser.get(&format!("/adfs/ls/certificate?SignInState={state}")).status, 404);
    // The port is as good as the name.
    let by_port = format!("https://{}:49443/adfs/ls/certificate?SignInState={state}", lab.host);
    assert!(present(&browser, &by_port, Some("alice-sid")).body.contains("CertificateResult"));
}

#[test]
fn where_it_is_not_offered_there_is_no_way_to_it() {
    Trusts::get();
    for (settings, inside) in [("certificate = \"nobody\"", false), ("certificate = \"intranet\"", true)] {
        let node = NodeSetup::new()
            .replace("[sign_in]\n", &format!("[sign_in]\n{settings}\n"))
            .write("trusts/web.toml", std::fs::read(Trusts::file("web")).expect("a trust"))
            .start();
        let outside = Browser::outside().at(&node.address);
        let page = outside.ask("web", "");
        assert!(page.status == 200 && !page.body.contains(METHOD), "{settings}: {}", page.body);
        for answer in [
            outside.get(&by_certificate()),
            outside.post(&Browser::address("web", ""), &[("AuthMethod", METHOD)]),
            outside.post(&Browser::address("web", ""), &[("AuthMethod", METHOD), ("CertificateResult", "AQ")]),
        ] {
            assert!(answer.status == 500 && answer.body.contains("MSIS7102"), "{settings}: {}", answer.body);
        }
        // Nor for a request that wants a password.
        let password = Browser::address("web", "&wauth=urn%3Aoasis%3Anames%3Atc%3ASAML%3A1.0%3Aam%3Apassword");
        let sent = Browser::other().at(&node.address).post(&password, &[("AuthMethod", METHOD)]);
        assert!(sent.status == 500 && sent.body.contains("MSIS7102"), "{settings}: {}", sent.body);
        let page = Browser::other().at(&node.address).ask("web", "");
        assert_eq!(page.body.contains(METHOD), inside, "{settings}: {}", page.body);
    }
}

#[test]
fn without_the_other_name_in_the_servers_certificate_the_port_is_used() {
    Trusts::get();
    let lab = Lab::get();
    let (certificate, key) = issue(&format!("/CN={}", lab.host), &format!("subjectAltName=DNS:{}", lab.host));
    let tls = |name| format!("{}/server.{name}", variable("LAB_TLS"));
    let node = NodeSetup::new()
        .replace(&tls("pem"), &certificate.display().to_string())
        .replace(&tls("key"), &key.display().to_string())
        .write("trusts/web.toml", std::fs::read(Trusts::file("web")).expect("a trust"))
        .start();
    let browser = Browser::outside().at(&node.address);
    let answer = browser.get(&by_certificate());
    let address = answer.header("location").expect("a location").to_owned();
    assert!(address.starts_with(&format!("https://{}:49443/adfs/ls/certificate?", lab.host)), "{address}");
    let form = present(&browser, &address, Some("alice-sid"));
    assert_eq!(hand_in(&browser, &form).status, 302);
    HandOver::of(&browser.get(&by_certificate()));
}

fn text((certificate, key): &(PathBuf, PathBuf)) -> (String, String) {
    (certificate.display().to_string(), key.display().to_string())
}
