//! What else a hostile network or site can do to a browser's request: headers that name other places, cookies of the wrong kind and
//! size, the same form twice at once, a message that grows without end, frames.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::support::{Browser, HandOver, Lab, Response, Trusts, encode, fields, inputs};

fn alice() -> String {
    format!("alice@{}", Lab::get().domain)
}

fn is_page(answer: &Response) -> bool {
    answer.status == 200 && inputs(&answer.body).iter().any(|(name, _)| name == "Password")
}

fn refused(answer: &Response, code: &str) {
    assert_eq!(answer.status, 500, "{}", answer.body);
    assert!(answer.body.contains(&format!("<dd id=\"errorCode\">{code}</dd>")), "{code}: {}", answer.body);
    assert_eq!(answer.header("location"), None);
    assert_eq!(Lab::get().audit(&answer.correlation).event(364)["ErrorCode"], code);
}

#[test]
fn no_header_of_a_request_leads_a_browser_or_a_form_elsewhere() {
    Trusts::get();
    let address = Browser::address("web", "");
    let signed_in = Browser::outside();
    signed_in.sign_in("web", &alice(), "Alice-Pw-1");
    for (name, value) in [
        ("X-Forwarded-Host", "evil.example"),
        ("X-Forwarded-Proto", "http"),
        ("X-Forwarded-Port", "8443"),
        ("X-Forwarded-Server", "evil.example"),
        ("X-Forwarded-Prefix", "/evil"),
        ("Forwarded", "for=192.0.2.1;host=evil.example;proto=http"),
        ("X-Original-URL", "/evil"),
        ("X-Rewrite-URL", "/evil"),
        ("X-Original-Host", "evil.example"),
        ("X-HTTP-Method-Override", "DELETE"),
        ("Referer", "https://evil.example/?x=<script>"),
        ("Origin", "https://evil.example"),
        ("X-MS-Proxy", "evil.example"),
        ("X-MS-Endpoint-Absolute-Path", "/evil"),
        ("X-MS-Forwarded-Client-IP", "127.0.0.1"),
        ("client-request-id", "\"><script>evil</script>"),
    ] {
        let said = |answer: &Response| {
            let headers: String = answer.headers.iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
            assert!(!headers.contains("evil") && !answer.body.contains("evil"), "{name}: {headers}{}", answer.body);
        };
        let page = Browser::outside().request(&address).header(name, value).send();
        assert!(is_page(&page), "{name}: {} {}", page.status, page.body);
        said(&page);
        let token = signed_in.copy().request(&address).header(name, value).send();
        assert_eq!(HandOver::of(&token).action, "https://wsfed.rp.example/signin", "{name}");
        said(&token);
        let redirected = Browser::windows().request(&address).header(name, value).send();
        assert!(redirected.header("location").is_some_and(|place| place.starts_with("/adfs/ls/wia?")), "{name}");
        said(&redirected);
        let error = Browser::outside().request("/adfs/ls/?wa=wsignin1.0&wtrealm=urn:nobody").header(name, value).send();
        said(&error);
    }
    let other = Browser::outside().request(&address).header("Host", "evil.example").send();
    assert_eq!(other.status, 421, "{}", other.body);
}

#[test]
fn a_cookie_is_good_for_its_own_purpose_and_within_its_size() {
    Trusts::get();
    let browser = Browser::outside();
    browser.sign_in("web", &alice(), "Alice-Pw-1");
    let session = browser.cookie("MSISAuth").expect("a session");
    let sealed = session.split_once('.').expect("pieces").1.to_owned();
    let participants = browser.cookie("MSISSignOut").expect("participants");
    let looping = browser.cookie("MSISLoopDetectionCookie").expect("a count");
    let with = |cookies: &str| {
        let header = format!("Cookie: {cookies}");
        let request = Browser::outside().request(&Browser::address("web", ""));
        request.args(["--header", header.as_str()]).send()
    };
    // By itself it is a session; a different name does not make one of another value.
    HandOver::of(&with(&format!("MSISAuth={session}")));
    for value in [&participants, &looping] {
        assert!(is_page(&with(&format!("MSISAuth=1.{value}"))), "{value}");
    }
    // What is no session's, or another's, is as if it were not there.
    for cookies in [
        format!("MSISAuth={session}; MSISSignOut={sealed}; MSISLoopDetectionCookie={sealed}"),
        format!("MSISAuth={session}; MSISSignOut=x; MSISLoopDetectionCookie=%00; MSISIPSelectionPersistent=%%%"),
        format!("MSISAuth={session}; Chancery-Device={sealed}; Chancery-SkipWindows=<script>"),
        format!("MSISAuth={session}; __Host-Chancery-Browser={sealed}; MSISAuthenticated=\"><script>"),
        format!("{}MSISAuth={session}", "a=b; ".repeat(150)),
    ] {
        let answer = with(&cookies);
        HandOver::of(&answer);
        assert!(!answer.body.contains("<script>"), "{}", answer.body);
    }
    // Pieces that are missing, too many, of another number, or not a number.
    let (head, tail) = sealed.split_at(sealed.len() / 2);
    HandOver::of(&with(&format!("MSISAuth=2.{head}; MSISAuth1={tail}")));
    for cookies in [
        format!("MSISAuth=2.{head}"),
        format!("MSISAuth=2.{head}; MSISAuth2={tail}"),
        format!("MSISAuth=2.{tail}; MSISAuth1={head}"),
        format!("MSISAuth=3.{head}; MSISAuth1={tail}; MSISAuth2=AAAA"),
        format!("MSISAuth=5.{head}; MSISAuth1={tail}; MSISAuth2=; MSISAuth3=; MSISAuth4="),
        format!("MSISAuth=0.{sealed}"),
        format!("MSISAuth=-1.{sealed}"),
        format!("MSISAuth=99999999999999999999.{sealed}"),
        format!("MSISAuth=1.{}; MSISAuth1={}", "A".repeat(4000), "A".repeat(4000)),
        format!("{}MSISAuth={session}", "a=b; ".repeat(250)),
    ] {
        let answer = with(&cookies);
        assert!(is_page(&answer), "{}: {} {}", &cookies[..40], answer.status, answer.body);
    }
    // Of two with one name the first counts, as browsers send the one with the longer path first.
    assert!(is_page(&with(&format!("MSISAuth=1.AAAA; MSISAuth={session}"))));
    let huge = with(&format!("MSISAuth={session}; x={}", "A".repeat(120_000)));
    assert_eq!(huge.status, 431, "{}", huge.body);
}

#[test]
fn a_form_that_is_sent_twice_at_once_signs_in_once_and_stays_with_its_browser() {
    Trusts::get();
    let browser = Browser::outside();
    let path = Browser::address("web", "");
    let page = browser.ask("web", "");
    let state = fields(&page.body, "SignInState").remove(0);
    let name = alice();
    let sent: Vec<Response> = std::thread::scope(|scope| {
        let send = || {
            let browser = browser.copy();
            let form = [
                ("UserName", name.as_str()),
                ("Password", "Alice-Pw-1"),
                ("AuthMethod", "FormsAuthentication"),
                ("SignInState", state.as_str()),
            ];
            let path = path.as_str();
            scope.spawn(move || browser.post(path, &form))
        };
        let threads: Vec<_> = (0..4).map(|_| send()).collect();
        threads.into_iter().map(|thread| thread.join().expect("an answer")).collect()
    });
    let mut sessions = 0;
    for answer in &sent {
        assert_eq!((answer.status, answer.header("location")), (302, Some(&*path)), "{}", answer.body);
        let began = answer.headers.iter().any(|(name, value)| name == "set-cookie" && value.starts_with("MSISAuth="));
        sessions += u32::from(began);
    }
    assert_eq!(sessions, 1, "one of them signs in");
}

#[test]
fn a_message_that_grows_without_end_is_refused_at_the_door() {
    Trusts::get();
    // Sixteen million octets from sixteen thousand.
    let bomb = miniz_oxide::deflate::compress_to_vec(&vec![b'a'; 16 << 20], 9);
    let bomb = encode(&STANDARD.encode(bomb));
    for name in ["SAMLRequest", "SAMLResponse"] {
        let query = format!("{name}={bomb}&RelayState=x&SigAlg=x&Signature=x");
        refused(
            &Browser::outside().get(&format!("/adfs/ls/?{query}")),
            if query.len() > 16_000 { "MSIS7000" } else { "MSIS7046" },
        );
    }
    // As large as a request may be, and no octet of a message.
    let small = miniz_oxide::deflate::compress_to_vec(&vec![b'<'; 4 << 20], 9);
    let query = format!("SAMLRequest={}&RelayState=x", encode(&STANDARD.encode(small)));
    refused(&Browser::outside().get(&format!("/adfs/ls/?{query}")), "MSIS7046");
    // In a form it is not deflated.
    let form = [("SAMLResponse", STANDARD.encode(vec![b'<'; 300_000])), ("RelayState", String::from("x"))];
    let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let answer = Browser::outside().post("/adfs/ls/", &form);
    assert!(matches!(answer.status, 413 | 500) && answer.header("location").is_none(), "{}", answer.body);
}

#[test]
fn pages_stand_in_no_frame_and_are_kept_by_nobody() {
    Trusts::get();
    let signed_in = Browser::outside();
    signed_in.sign_in("web", &alice(), "Alice-Pw-1");
    for answer in [
        Browser::outside().ask("web", ""),
        signed_in.ask("web", ""),
        Browser::outside().get("/adfs/ls/"),
        Browser::other().get("/adfs/portal/updatepassword/"),
        signed_in.get("/adfs/ls/?wa=wsignout1.0"),
    ] {
        let policy = answer.header("content-security-policy").unwrap_or_else(|| panic!("no policy: {}", answer.body));
        assert!(policy.contains("frame-ancestors 'none'") && policy.starts_with("default-src 'none'"), "{policy}");
        assert!(answer.header("cache-control").is_some_and(|value| value.contains("no-store")), "{:?}", answer.headers);
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert!(answer.header("strict-transport-security").is_some(), "{:?}", answer.headers);
        assert!(answer.header("referrer-policy").is_some(), "{:?}", answer.headers);
        assert_eq!(answer.header("access-control-allow-origin"), None);
    }
}

#[test]
fn a_body_that_is_no_form_or_too_long_for_one_is_no_request() {
    Trusts::get();
    let post = |content_type: &str, body: String| {
        let request = Browser::outside().request("/adfs/ls/").header("Content-Type", content_type);
        request.post(body).send()
    };
    let form = "application/x-www-form-urlencoded";
    let request = "wa=wsignin1.0&wtrealm=urn%3Ae2e%3Aweb";
    for content_type in [form, "application/x-www-form-urlencoded; charset=utf-8", "Application/X-WWW-Form-URLEncoded"]
    {
        assert!(is_page(&post(content_type, request.to_owned())), "{content_type}");
    }
    // Other sites can send the first two without being asked.
    for content_type in
        ["text/plain", "multipart/form-data; boundary=x", "application/json", "application/soap+xml", "", "x"]
    {
        refused(&post(content_type, request.to_owned()), "MSIS7000");
    }
    // Only the messages of partners are long.
    refused(&post(form, format!("{request}&wctx={}", "a".repeat(17_000))), "MSIS7000");
    refused(&post(form, format!("{request}{}", "&a=b".repeat(200))), "MSIS7000");
}

#[test]
fn an_answer_with_another_action_than_sign_in_is_none() {
    Trusts::get();
    for action in [Some("wsignout1.0"), Some("wattr1.0"), None] {
        let fields = [("wresult", "<x/>"), ("wctx", "x"), ("wa", action.unwrap_or_default())];
        let fields: Vec<_> = fields.into_iter().filter(|(name, _)| *name != "wa" || action.is_some()).collect();
        let answer = Browser::outside().post("/adfs/ls/", &fields);
        refused(&answer, "MSIS7000");
        let detail = Lab::get().audit(&answer.correlation).event(364)["Detail"].to_string();
        assert!(detail.contains("which is not offered"), "{detail}");
    }
}
