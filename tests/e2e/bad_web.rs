//! What a stranger, a hostile site or a hostile page can put into a browser's request, and what comes of it: nothing.

use crate::support::{Browser, HandOver, Lab, Response, Trusts, fields, inputs};

fn alice() -> String {
    format!("alice@{}", Lab::get().domain)
}

fn encode(text: &str) -> String {
    text.bytes().map(|octet| format!("%{octet:02X}")).collect()
}

/// An error page with that code; its request is in the audit log.
fn refused(answer: &Response, status: u16, code: &str) {
    assert_eq!(answer.status, status, "{}", answer.body);
    assert!(answer.body.contains(&format!("<dd id=\"errorCode\">{code}</dd>")), "{code}: {}", answer.body);
    assert!(answer.body.contains(&format!("<dd id=\"activityId\">{}</dd>", answer.correlation)), "{}", answer.body);
    assert!(HandOver::find(&answer.body).is_none());
    assert_eq!(answer.header("location"), None);
    assert_eq!(Lab::get().audit(&answer.correlation).event(364)["ErrorCode"], code);
}

#[test]
fn a_token_goes_to_registered_addresses_only() {
    Trusts::get();
    let browser = Browser::outside();
    browser.sign_in("web", &alice(), "Alice-Pw-1");
    for (reply, expected) in [
        ("https://wsfed.rp.example/signin", "https://wsfed.rp.example/signin"),
        ("https://wsfed.rp.example/signin/deep?x=1", "https://wsfed.rp.example/signin/deep?x=1"),
    ] {
        let form = HandOver::of(&Browser::copy(&browser).ask("web", &format!("&wreply={}", encode(reply))));
        assert_eq!(form.action, expected);
    }
    for reply in [
        "https://evil.example/",
        "https://wsfed.rp.example.evil.example/signin",
        "https://wsfed.rp.example@evil.example/signin",
        "https://evil.example\\@wsfed.rp.example/signin",
        "https://wsfed.rp.example/signin/../../evil",
        "https://wsfed.rp.example/signin/%2e%2e/evil",
        "https://wsfed.rp.example/signinevil",
        "https://wsfed.rp.example:444/signin",
        "http://wsfed.rp.example/signin",
        "//evil.example/signin",
        "javascript:alert(document.domain)//",
        "https://wsfed.rp.example/signin\r\nSet-Cookie: a=b",
        "https://wsfed.rp.example/signin\"><script>alert(1)</script>",
        "data:text/html,x",
    ] {
        let answer = browser.copy().ask("web", &format!("&wreply={}", encode(reply)));
        assert_eq!(HandOver::of(&answer).action, "https://wsfed.rp.example/signin", "{reply}");
        assert!(!answer.body.contains("evil"), "{reply}: {}", answer.body);
    }
}

#[test]
fn nothing_of_a_request_becomes_markup_or_a_header() {
    Trusts::get();
    let hostile = "\"'><script>alert(1)</script><svg onload=alert(2)>&#60;\r\nSet-Cookie: evil=1\r\n\r\n";
    let encoded = encode(hostile);
    let signed_in = Browser::outside();
    signed_in.sign_in("web", &alice(), "Alice-Pw-1");
    let mut pages = Vec::new();
    for name in
        ["wctx", "wreply", "wct", "whr", "wreq", "wp", "wres", "wencoding", "other", "domain_hint", "ui_locales"]
    {
        let more = format!("&{name}={encoded}");
        pages.push((name, Browser::outside().ask("web", &more)));
        pages.push((name, signed_in.copy().ask("web", &more)));
        pages.push((name, Browser::windows().ask("web", &more)));
    }
    for name in ["wa", "wtrealm", "wauth", "wfresh", "username", "login_hint", "prompt"] {
        for query in [format!("?{name}={encoded}"), format!("?wa=wsignin1.0&wtrealm=urn%3Ae2e%3Aweb&{name}={encoded}")]
        {
            pages.push((name, Browser::outside().get(&format!("/adfs/ls/{query}"))));
        }
    }
    let plain = encode("\"'><script>alert(1)</script>");
    for name in ["username", "login_hint"] {
        pages.push((name, Browser::outside().ask("web", &format!("&{name}={plain}"))));
    }
    let page = Browser::outside().from("127.0.0.33");
    let form = page.ask("web", "");
    pages.push(("UserName", page.fill_in(&form, "x\"'><script>alert(1)</script>@corp.example", "x")));
    for (name, page) in pages {
        let body = page.body.replace("<script nonce=", "");
        assert!(!body.contains("<script") && !body.contains("<svg onload"), "{name}: {}", page.body);
        assert!(page.headers.iter().all(|(_, value)| !value.contains("evil=1")), "{name}: {:?}", page.headers);
    }
    // In a header of the request.
    let page = Browser::outside().request(&Browser::address("web", "")).header("Accept-Language", "\"><script>").send();
    assert!(!page.body.contains("<script"), "{}", page.body);
}

#[test]
fn what_is_no_request_gets_an_error_page_and_no_more() {
    Trusts::get();
    let browser = Browser::outside();
    let get = |query: &str| browser.get(&format!("/adfs/ls/{query}"));
    let alone = get("");
    refused(&alone, 400, "MSIS7065");
    assert!(alone.body.contains("Open the application that you want to use"), "{}", alone.body);
    for query in [
        "?wa=wattr1.0",
        "?wa=wsignin1.0",
        "?wtrealm=urn:e2e:web",
        "?wa=wsignin1.0&wtrealm=urn:e2e:web&wtrealm=urn:e2e:web-saml2",
        "?wa=wsignin1.0&wtrealm=urn:e2e:web&wreply=a&WReply=b",
        "?wa=wsignin1.0&wa=wsignout1.0&wtrealm=urn:e2e:web",
        "?wa=wsignin1.0&wtrealm=urn:e2e:web&wfresh=soon",
        "?wa=wsignin1.0&wtrealm=urn:e2e:web&wctx=%",
        "?wa=wsignin1.0&wtrealm=urn:e2e:web&wctx=%FF",
    ] {
        refused(&get(query), 500, "MSIS7000");
    }
    // A provider that answers by an artifact is told what it must do, in the log.
    let artifact = get("?SAMLart=AAQAAMh48&RelayState=x");
    refused(&artifact, 500, "MSIS7046");
    let detail = Lab::get().audit(&artifact.correlation).event(364)["Detail"].to_string();
    assert!(detail.contains("must answer by HTTP POST"), "{detail}");
    let form = browser.request("/adfs/ls/").header("Content-Type", "application/x-www-form-urlencoded");
    refused(&form.post("SAMLart=AAQAAMh48").send(), 500, "MSIS7046");
    // A provider may ask for the end of a session by SAML 2.0; this is no message.
    refused(&get("?SAMLRequest=fZ"), 500, "MSIS7046");
    refused(&get(&format!("?wa=wsignin1.0&wtrealm=urn:e2e:web&wctx={}", "a".repeat(17_000))), 500, "MSIS7000");
    refused(&get(&format!("?wa=wsignin1.0&wtrealm=urn:e2e:web{}", "&a=b".repeat(200))), 500, "MSIS7000");
    refused(&get("?wa=wsignin1.0&wtrealm=urn:nobody"), 500, "MSIS3020");
    refused(&get("?wa=wsignin1.0&wtrealm=urn:e2e:web/deeper"), 500, "MSIS3020");
    refused(&get("?wa=wsignin1.0&wtrealm=urn:e2e:web-disabled"), 500, "MSIS3020");
    refused(&get("?wa=wsignin1.0&wtrealm=urn:e2e:plain"), 500, "MSIS7007");
    let json = browser.request("/adfs/ls/").header("Content-Type", "application/json").post("{}").send();
    refused(&json, 500, "MSIS7000");
    for method in ["PUT", "DELETE", "PATCH"] {
        assert_eq!(browser.request("/adfs/ls/").args(["--request", method]).send().status, 405, "{method}");
    }
}

/// Whether the answer is the sign-in page with this notice.
fn page_says(answer: &Response, notice: &str) {
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert!(answer.body.contains(notice), "{notice}: {}", answer.body);
    assert!(inputs(&answer.body).iter().any(|(name, _)| name == "Password"));
    assert!(!answer.headers.iter().any(|(name, value)| name == "set-cookie" && value.starts_with("MSISAuth")));
}

#[test]
fn a_form_belongs_to_one_browser_one_request_and_one_use() {
    Trusts::get();
    let (mine, other) = (Browser::outside(), Browser::outside());
    let page = mine.ask("web", "");
    let foreign = other.ask("web", "");
    let state = |page: &Response| fields(&page.body, "SignInState").remove(0);
    let send = |browser: &Browser, path: &str, state: &str| {
        let name = alice();
        let fields = [
            ("UserName", name.as_str()),
            ("Password", "Alice-Pw-1"),
            ("AuthMethod", "FormsAuthentication"),
            ("SignInState", state),
        ];
        browser.post(path, &fields)
    };
    let path = Browser::address("web", "");
    // A hostile site posts its own form in my browser, to sign me in as somebody else.
    page_says(&send(&mine, &path, &state(&foreign)), "This page was open for too long");
    // The page of one request is sent with another.
    page_says(&send(&mine, &Browser::address("web-saml2", ""), &state(&page)), "This page was open for too long");
    page_says(&send(&mine, &Browser::address("web", "&wctx=x"), &state(&page)), "This page was open for too long");
    for nonsense in ["", "AAAA", &"A".repeat(9000), &state(&page)[1..]] {
        page_says(&send(&mine, &path, nonsense), "This page was open for too long");
    }
    // No cookie at all.
    page_says(&send(&Browser::outside(), &path, &state(&page)), "Your browser did not send back the cookie");
    // It was good all the time; and is good once.
    let first = send(&mine, &path, &state(&page));
    assert_eq!(first.status, 302, "{}", first.body);
    assert!(mine.cookie("MSISAuth").is_some());
    let signed_out = mine.get("/adfs/ls/?wa=wsignout1.0");
    assert_eq!(signed_out.status, 200);
    let replayed = send(&mine, &path, &state(&page));
    assert_eq!((replayed.status, replayed.header("location")), (302, Some(&*path)));
    assert_eq!(mine.cookie("MSISAuth"), None, "nobody is signed in by what is left in the history");
}

#[test]
fn other_methods_and_repeated_fields_are_refused() {
    Trusts::get();
    let browser = Browser::outside();
    let page = browser.ask("web", "");
    let state = fields(&page.body, "SignInState").remove(0);
    let path = Browser::address("web", "");
    let name = alice();
    let base = [("UserName", name.as_str()), ("Password", "Alice-Pw-1"), ("SignInState", state.as_str())];
    let with = |extra: &[(&str, &str)]| browser.post(&path, &[&base[..], extra].concat());
    refused(&with(&[("AuthMethod", "AzureMfaAuthentication")]), 500, "MSIS7102");
    let forms = ("AuthMethod", "FormsAuthentication");
    refused(&with(&[forms, ("UserName", "bob@corp.example")]), 500, "MSIS7000");
    refused(&with(&[forms, ("password", "x")]), 500, "MSIS7000");
    refused(&with(&[forms, forms]), 500, "MSIS7000");
}

#[test]
fn an_error_tells_nothing_of_the_inside() {
    Trusts::get();
    for query in ["", "?wa=wsignin1.0&wtrealm=urn:nobody", "?wa=x"] {
        let page = Browser::outside().get(&format!("/adfs/ls/{query}"));
        for secret in ["panicked", ".rs", "chancery::", "/adfs/services", "wtrealm", "127.0.0"] {
            assert!(!page.body.contains(secret), "{secret} in {}", page.body);
        }
    }
}
