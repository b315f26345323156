//! Which ways of signing in are offered to whom: inside, outside, to everybody or to nobody.

use crate::support::{Browser, HandOver, Lab, Node, NodeSetup, Response, inputs};

fn alice() -> String {
    format!("alice@{}", Lab::get().domain)
}

/// A server whose `[sign_in]` says this, and a relying party.
fn start(keys: &str) -> Node {
    start_with(keys, "")
}

/// The same with further tables.
fn start_with(keys: &str, tables: &str) -> Node {
    let trust = "[relying_party]\nname = \"Web\"\nidentifiers = [\"urn:e2e:web\"]\naccess_control_policy = \"permit-everyone\"\n\
        [relying_party.ws_federation]\nendpoint = \"https://rp.example/wsfed\"\n";
    let setup = NodeSetup::new().replace("[sign_in]\n", &format!("[sign_in]\n{keys}\n")).append(tables);
    setup.write("trusts/web.toml", trust).start()
}

fn has_form(answer: &Response) -> bool {
    inputs(&answer.body).iter().any(|(name, _)| name == "Password")
}

fn offers_certificate(answer: &Response) -> bool {
    answer.body.contains("value=\"CertificateAuthentication\"")
}

fn location(answer: &Response) -> &str {
    answer.header("location").unwrap_or_default()
}

#[test]
fn where_passwords_are_not_offered_there_is_no_form_and_none_is_checked() {
    let node = start("forms = \"extranet\"\ncertificate = \"nobody\"");
    let inside = Browser::other().at(&node.address);
    let ask = inside.ask("web", "");
    assert!(location(&ask).contains("/adfs/ls/wia?"), "{} {}", ask.status, ask.body);
    let challenge = inside.get(location(&ask));
    assert_eq!((challenge.status, challenge.header("www-authenticate")), (401, Some("Negotiate")));
    assert!(!has_form(&challenge) && challenge.body.contains("MSIS7066"), "{}", challenge.body);
    // Whoever has a ticket is in.
    let ticket = Lab::get().kinit("alice", "alice");
    HandOver::of(&inside.request(location(&ask)).negotiate(&ticket).send());
    // A form that comes nevertheless is not looked at: a right password is no better than a wrong one, and none is counted.
    for password in ["Alice-Pw-1", "wrong"] {
        let sent = inside.copy().post(
            &Browser::address("web", ""),
            &[("UserName", &alice()), ("Password", password), ("AuthMethod", "FormsAuthentication")],
        );
        assert_eq!(sent.status, 500, "{}", sent.body);
        assert!(sent.body.contains("MSIS7102"), "{}", sent.body);
        assert!(sent.headers.iter().all(|(name, value)| name != "set-cookie" || !value.starts_with("MSISAuth=")));
    }
    let audit = std::fs::read_to_string(node.directory.join("audit.jsonl")).expect("an audit log");
    assert!(!audit.contains("\"EventID\":1203,"), "{audit}");
    // A refused ticket has no page to lead to.
    let ntlm = Browser::windows().at(&node.address);
    let refused = ntlm
        .request(&format!("{}&wct=2", location(&ask)))
        .header("Authorization", "Negotiate TlRMTVNTUAABAAAAB4IIogAAAAAAAAAAAAAAAAAAAAAKAF1YAAAADw==")
        .send();
    assert_eq!((refused.status, refused.header("www-authenticate")), (500, None), "{}", refused.body);
    assert!(refused.body.contains("MSIS7066"), "{}", refused.body);

    let outside = Browser::outside().at(&node.address);
    outside.sign_in("web", &alice(), "Alice-Pw-1");
}

#[test]
fn where_windows_is_not_offered_the_page_is_the_first_thing() {
    let node = start("windows = \"nobody\"\ncertificate = \"extranet\"");
    let inside = Browser::windows().at(&node.address);
    let page = inside.ask("web", "");
    assert!(page.status == 200 && has_form(&page) && !offers_certificate(&page), "{}", page.body);
    let door = Browser::address("web", "").replacen("/adfs/ls/", "/adfs/ls/wia", 1);
    let answer = inside.request(&door).negotiate(&Lab::get().kinit("alice", "alice")).send();
    assert_eq!((answer.status, answer.header("www-authenticate")), (302, None), "{}", answer.body);
    let by_name = inside.ask("web", "&wauth=urn%3Afederation%3Aauthentication%3Awindows");
    assert!(by_name.status == 500 && by_name.body.contains("MSIS7102"), "{}", by_name.body);
    let outside = Browser::outside().at(&node.address).ask("web", "");
    assert!(has_form(&outside) && offers_certificate(&outside), "{}", outside.body);
}

#[test]
fn where_certificates_alone_are_offered_the_browser_is_sent_for_one() {
    let node = start("forms = \"nobody\"");
    let outside = Browser::outside().at(&node.address);
    let sent = outside.ask("web", "");
    let certauth = format!("https://certauth.{}/adfs/ls/certificate?", Lab::get().host);
    assert!(sent.status == 302 && location(&sent).starts_with(&certauth), "{} {}", sent.status, sent.body);
    // Inside a Windows browser tries its ticket; the page of the 401 offers the certificate, and no password.
    let inside = Browser::windows().at(&node.address);
    let challenge = inside.get(location(&inside.ask("web", "")));
    assert_eq!(challenge.status, 401, "{}", challenge.body);
    assert!(!has_form(&challenge) && offers_certificate(&challenge), "{}", challenge.body);
    let other = Browser::other().at(&node.address).ask("web", "");
    assert!(location(&other).starts_with(&certauth), "{}", other.body);
}

#[test]
fn where_devices_are_not_offered_no_client_is_asked_to_prove_its_own() {
    let asked = |device: &str| {
        let node = start_with(&format!("device = \"{device}\""), "[primary_refresh_token]\npkeyauth = true");
        let agent = ["--user-agent", "Mozilla/5.0 (Linux; Android 14) PKeyAuth/1.0"];
        let ask = |browser: Browser| {
            let answer = browser.at(&node.address).request(&Browser::address("web", "")).args(agent).send();
            location(&answer).starts_with("urn:http-auth:PKeyAuth?")
        };
        (ask(Browser::other()), ask(Browser::outside()))
    };
    assert_eq!(asked("intranet"), (true, false));
    assert_eq!(asked("extranet"), (false, true));
    assert_eq!(asked("nobody"), (false, false));
}
