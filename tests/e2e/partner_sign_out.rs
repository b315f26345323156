//! Sign-out with a real partner (SimpleSAMLphp): what begins here ends there, and what begins there ends here and at the relying
//! parties; and what a stranger cannot end.

use crate::federation::{World, post, start};
use crate::partner::HOME;
use crate::support::{Browser, HandOver, Response, fields, unescape, variable};

/// Somebody signed in at an application by this protocol.
fn signed_in(world: &World, protocol: &str) -> Browser {
    let browser = world.browser();
    let fields = world.visit_partner(&browser, protocol, "");
    let answer = post(&browser, &fields);
    assert_eq!(answer.status, 302, "{}", answer.body);
    HandOver::of(&browser.ask(protocol, ""));
    browser
}

/// Where a sign-out page goes on.
fn goes_on(page: &Response) -> String {
    assert_eq!(page.status, 200, "{}", page.body);
    let (_, rest) = page.body.split_once("id=\"goOn\" href=\"").unwrap_or_else(|| panic!("no way on: {}", page.body));
    unescape(rest.split_once('"').expect("a quotation mark").0)
}

/// The path and query of an address of the service.
fn own(address: &str) -> String {
    let host = format!("https://{}", variable("LAB_HOST"));
    address.strip_prefix(&host).unwrap_or_else(|| panic!("{address} is not ours")).to_owned()
}

fn is_signed_in(browser: &Browser, protocol: &str) -> bool {
    HandOver::find(&browser.ask(protocol, "").body).is_some()
}

/// Whether the partner asks for a password, having no session.
fn partner_asks(world: &World, protocol: &str) -> bool {
    let departure = world.browser().ask(protocol, "");
    let page = world.idp.visit(departure.header("location").expect("a location")).expect("a page");
    !fields(&page.body, "AuthState").is_empty()
}

#[test]
fn signing_out_here_signs_out_at_the_partner() {
    let Some(world) = start() else { return };
    for protocol in ["saml", "ws_federation"] {
        let browser = signed_in(&world, protocol);
        assert!(!partner_asks(&world, protocol), "{protocol}");
        let page = browser.get("/adfs/ls/?wa=wsignout1.0&wreply=https%3A%2F%2Fwsfed.rp.example%2Fsignin");
        assert!(page.body.contains("https://wsfed.rp.example/signin?wa=wsignoutcleanup1.0"), "{}", page.body);
        assert_eq!(world.audit(&page).event(1206)["UserId"], "alice@partner.example");
        assert!(!is_signed_in(&browser, protocol), "{protocol}: whatever the partner does");
        let address = goes_on(&page);
        assert!(address.starts_with(HOME), "{protocol}: {address}");
        let mut back = world.idp.visit(&address).expect_err("the partner sends the browser back");
        let mut end = browser.get(&own(&back));
        // By WS-Federation it ends each session in the window itself, ours among them, and then goes on.
        while let Some(next) = end.header("location").filter(|next| next.starts_with(HOME)) {
            back = world.idp.visit(next).expect_err("the partner sends the browser back");
            end = browser.get(&own(&back));
        }
        assert_eq!((end.status, end.header("location")), (302, Some("https://wsfed.rp.example/signin")), "{back}");
        assert!(partner_asks(&world, protocol), "{protocol}: the partner's session is over");
    }
}

#[test]
fn an_answer_to_a_sign_out_leads_only_where_its_browser_was_to_go() {
    let Some(world) = start() else { return };
    let browser = signed_in(&world, "saml");
    let page = browser.get("/adfs/ls/?wa=wsignout1.0&wreply=https%3A%2F%2Fwsfed.rp.example%2Fsignin");
    let back = own(&world.idp.visit(&goes_on(&page)).expect_err("the partner sends the browser back"));
    let stranger = world.browser().get(&back);
    assert_eq!((stranger.status, stranger.header("location")), (500, None), "another browser: {}", stranger.body);
    // Nor does one that this server knows by a cookie of its own.
    let known = world.browser();
    known.ask("saml", "");
    assert!(known.cookie("__Host-Chancery-Browser").is_some(), "{:?}", known.cookies());
    let stranger = known.get(&back);
    assert_eq!((stranger.status, stranger.header("location")), (500, None), "another browser: {}", stranger.body);
    for address in ["https://evil.example/", "http://idp.partner.example/", "https://idp.partner.example.evil.example/"]
    {
        let clean_up = world.browser().get(&format!("/adfs/ls/?wa=wsignoutcleanup1.0&wreply={address}"));
        assert_eq!((clean_up.status, clean_up.header("location")), (200, None), "{address}");
    }
    // One whose signature does not fit is no success, and is said to be none where it counts.
    let altered = browser.get(&back.replace("Signature=", "Signature=AAAA"));
    assert_eq!(altered.header("location"), Some("https://wsfed.rp.example/signin"));
    world.audit(&altered).event(1207);
}

#[test]
fn a_partner_signs_somebody_out_here_and_at_the_relying_parties() {
    let Some(world) = start() else { return };
    let browser = signed_in(&world, "saml");
    let end = format!("https://{}/adfs/probe", variable("LAB_HOST"));
    let begin = format!("{HOME}/saml2/idp/initSLO.php?RelayState={end}");
    let request = own(&world.idp.visit(&begin).expect_err("the partner asks us"));
    assert!(request.contains("SAMLRequest="), "{request}");

    // Altered, unsigned, or about somebody else: nobody is signed out.
    let (unsigned, _) = request.split_once("&SigAlg=").expect("a signature");
    for (hostile, number) in [
        (request.replace("SAMLRequest=", "SAMLRequest=AAAA"), "MSIS"),
        (unsigned.to_owned(), "MSIS0038"),
        (request.replace("Signature=", "Signature=AAAA"), "MSIS0038"),
        (format!("{request}&SAMLRequest=x"), "MSIS"),
    ] {
        let refused = browser.get(&hostile);
        assert_eq!(refused.status, 500, "{hostile}: {}", refused.body);
        assert!(refused.body.contains(number), "{hostile}: {}", refused.body);
        assert!(is_signed_in(&browser, "saml"), "{hostile}");
    }

    let page = browser.get(&request);
    assert!(page.body.contains("https://wsfed.rp.example/signin?wa=wsignoutcleanup1.0"), "{}", page.body);
    assert_eq!(page.header("x-frame-options"), None, "partners show it in a frame");
    assert_eq!(world.audit(&page).event(1206)["UserId"], "alice@partner.example");
    assert!(!is_signed_in(&browser, "saml"));
    let answer = goes_on(&page);
    let done = world.idp.visit(&answer).expect_err("the partner is content, and goes on");
    assert_eq!(done, end);

    let again = browser.get(&request);
    assert_eq!((again.status, again.body.contains("MSIS7054")), (500, true), "once only: {}", again.body);
}

#[test]
fn a_partners_request_ends_no_session_but_the_one_it_names() {
    let Some(world) = start() else { return };
    // The same person, but by another trust; and somebody of Active Directory.
    let other = signed_in(&world, "ws_federation");
    signed_in(&world, "saml");
    let begin = format!("{HOME}/saml2/idp/initSLO.php?RelayState=https://{}/adfs/probe", variable("LAB_HOST"));
    let mut next = world.idp.visit(&begin).expect_err("the partner asks us");
    // It has a session by each protocol, and asks for the one after the other.
    while !next.contains("SAMLRequest=") {
        let answered = other.get(&own(&next));
        next = answered.header("location").expect("a way on").to_owned();
        next = world.idp.visit(&next).expect_err("the partner asks us");
    }
    assert!(is_signed_in(&other, "ws_federation"));
    let answer = other.get(&own(&next));
    assert_eq!(answer.status, 302, "{}", answer.body);
    let address = answer.header("location").expect("an answer");
    assert!(address.starts_with(HOME) && address.contains("SAMLResponse="), "{address}");
    assert!(is_signed_in(&other, "ws_federation"), "it keeps what is not meant");
}
