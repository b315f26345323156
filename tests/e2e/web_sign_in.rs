//! Sign-in by a browser with WS-Federation: by Windows without a page, by the page, and what the relying party gets.

use crate::support::{
    Assertion, Browser, HandOver, Lab, Trusts, claim, inputs, now, signing_certificate, unescape, verify_all,
};
use crate::throwaway::Account;

fn alice() -> String {
    format!("alice@{}", Lab::get().domain)
}

/// A path with the query of an address.
fn at_windows_door(address: &str) -> String {
    address.replace("/adfs/ls/?", "/adfs/ls/wia?")
}

#[test]
fn a_windows_browser_inside_gets_its_token_without_a_page_and_then_by_its_session() {
    Trusts::get();
    let lab = Lab::get();
    let browser = Browser::windows();
    let context = "rm=0&id=passive&ru=%2Fhome \u{e9}\"'<>";
    let encoded = "rm%3D0%26id%3Dpassive%26ru%3D%252Fhome+%C3%A9%22%27%3C%3E";
    let address = Browser::address("web", &format!("&wctx={encoded}&wct=2026-01-05T10%3A00%3A00Z&unknown=kept"));
    let first = browser.get(&address);
    assert_eq!(first.status, 302, "{}", first.body);
    let door = at_windows_door(&address);
    assert_eq!(first.header("location"), Some(&*door));

    let answer = browser.request(&door).negotiate(&lab.kinit("alice", "alice")).send();
    let form = HandOver::of(&answer);
    assert!(answer.header("www-authenticate").is_some_and(|value| value.starts_with("Negotiate ")), "mutual");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(form.action, "https://wsfed.rp.example/signin");
    assert_eq!(form.context.as_deref(), Some(context), "byte for byte");
    assert!(
        form.result
            .starts_with("<t:RequestSecurityTokenResponse xmlns:t=\"http://schemas.xmlsoap.org/ws/2005/02/trust\">")
    );
    assert!(!form.result.contains("AttachedReference") && !form.result.contains('\n'), "{}", form.result);
    assert!(form.result.contains(">http://schemas.xmlsoap.org/ws/2005/05/identity/NoProofKey<"), "{}", form.result);
    let token = Assertion::cut(&form.result);
    assert!(token.verifies(signing_certificate()), "{}", token.xml);
    assert_eq!(verify_all(&[&token.xml])[0]["whole"], true);
    assert_eq!(token.text("Audience"), "urn:e2e:web");
    assert_eq!(token.single(claim::UPN_2005), alice());
    assert_eq!(token.single(claim::PRIMARY_SID), lab.object("alice").sid);
    assert_eq!(
        token.attribute("AuthenticationStatement", "AuthenticationMethod"),
        "urn:federation:authentication:windows"
    );
    for event in [1202, 412, 299, 1200] {
        assert_eq!(lab.audit(&answer.correlation).event(event)["AuthProtocol"], "WSFederation");
    }

    for name in ["MSISAuth", "MSISAuthenticated", "MSISSignOut", "MSISLoopDetectionCookie"] {
        assert!(browser.cookie(name).is_some(), "{name} in {:?}", browser.cookies());
    }
    let set: Vec<&str> = answer.headers.iter().filter(|(name, _)| name == "set-cookie").map(|(_, v)| &**v).collect();
    assert!(set.iter().all(|cookie| cookie.contains("; Path=/adfs; Secure; HttpOnly; SameSite=None")), "{set:?}");

    // The session is good wherever the browser goes next, and no credential is looked at again.
    let again = browser.ask("web-saml2", "");
    let form = HandOver::of(&again);
    assert_eq!((form.action.as_str(), form.context), ("https://rp.example/wsfed", None));
    let second = Assertion::cut(&form.result);
    assert!(second.verifies(signing_certificate()), "{}", second.xml);
    assert_eq!(second.single(claim::UPN_2005), alice());
    assert_eq!(second.attribute("SubjectConfirmationData", "Recipient"), "https://rp.example/wsfed");
    let until = second.instant("SubjectConfirmationData", "NotOnOrAfter");
    let left = until - f64::from(i32::try_from(now()).expect("a time of this century"));
    assert!((290.0..=305.0).contains(&left), "five minutes: {left}");
    let events: Vec<u64> =
        lab.audit(&again.correlation).events().iter().filter_map(|event| event["EventID"].as_u64()).collect();
    assert!(events.contains(&299) && !events.contains(&1202), "{events:?}");
}

#[test]
fn a_browser_outside_meets_one_page_and_a_password() {
    Trusts::get();
    let lab = Lab::get();
    let browser = Browser::outside();
    let address = Browser::address("web", "&wctx=a%26b&popupui=1&username=alice%40corp.example");
    let page = browser.get(&address);
    assert_eq!((page.status, page.header("www-authenticate")), (200, None));
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    assert_eq!(page.headers.iter().filter(|(name, _)| name == "content-security-policy").count(), 1);
    let policy = page.header("content-security-policy").expect("a policy");
    assert!(policy.starts_with("default-src 'none'; style-src 'nonce-") && policy.contains("; form-action 'self'"));
    assert!(!page.body.contains("<script"), "{}", page.body);
    assert!(page.body.contains("Sign in to go on to End-to-end test web."), "{}", page.body);
    let fields = inputs(&page.body);
    assert!(fields.contains(&("UserName".into(), "alice@corp.example".into())), "{fields:?}");
    assert!(fields.contains(&("AuthMethod".into(), "FormsAuthentication".into())), "{fields:?}");

    let answer = browser.fill_in(&page, &alice(), "Alice-Pw-1");
    assert_eq!(answer.status, 302, "{}", answer.body);
    assert_eq!(answer.header("location"), Some(&*address), "the same request, whole");
    let accepted = lab.audit(&answer.correlation).event(1202);
    assert_eq!((&accepted["NetworkLocation"], &accepted["RelyingParty"]), (&"Extranet".into(), &"urn:e2e:web".into()));
    let form = HandOver::of(&browser.get(&address));
    assert_eq!(form.context.as_deref(), Some("a&b"));
    let token = Assertion::cut(&form.result);
    assert!(token.verifies(signing_certificate()));
    assert_eq!(token.single(claim::UPN_2005), alice());
    assert_eq!(
        token.attribute("AuthenticationStatement", "AuthenticationMethod"),
        "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"
    );
}

#[test]
fn a_request_by_post_is_the_same_request() {
    Trusts::get();
    let browser = Browser::outside();
    let fields = [("wa", "wsignin1.0"), ("wtrealm", "urn:e2e:web"), ("wctx", "a b&c")];
    let page = browser.post("/adfs/ls/", &fields);
    assert_eq!(page.status, 200, "{}", page.body);
    let answer = browser.fill_in(&page, &alice(), "Alice-Pw-1");
    assert_eq!(answer.status, 302, "{}", answer.body);
    let form = HandOver::of(&browser.get(answer.header("location").expect("a location")));
    assert_eq!(form.context.as_deref(), Some("a b&c"));
    assert_eq!(HandOver::of(&browser.post("/adfs/ls/", &fields)).context.as_deref(), Some("a b&c"));
}

/// The page without what differs each time.
fn page_text(body: &str) -> String {
    let mut text = body.to_owned();
    for pattern in ["nonce=\"[^\"]*\"", "(?:id=\"signInState\"[^>]*|name=\"UserName\"[^>]*)"] {
        text = regex::Regex::new(pattern).expect("a pattern").replace_all(&text, "").into_owned();
    }
    text
}

#[test]
fn wrong_passwords_unknown_and_locked_accounts_look_the_same() {
    Trusts::get();
    let lab = Lab::get();
    let known = Account::new("web").create();
    let locked = Account::new("weblock").create();
    let browser = Browser::outside().from("127.0.0.31");
    let page = browser.ask("web", "");
    for _ in 0..5 {
        browser.fill_in(&browser.ask("web", ""), &locked.upn(), "Wrong-1");
    }
    let mut texts = Vec::new();
    for (name, password) in [
        (known.upn(), "Wrong-1"),
        (format!("nobody-{}", known.upn()), "Wrong-1"),
        (locked.upn(), locked.password.as_str()),
        (known.upn(), ""),
        (format!("disabled@{}", lab.domain), "Disabled-Pw-1"),
    ] {
        let answer = browser.fill_in(&page, &name, password);
        assert_eq!(answer.status, 200, "{name}: {}", answer.body);
        assert!(answer.body.contains("The user name or the password is not right."), "{name}: {}", answer.body);
        assert!(inputs(&answer.body).contains(&("UserName".into(), name.clone())), "what was typed stays");
        assert!(!answer.body.contains(&format!("\"{password}\"")) || password.is_empty(), "the password does not");
        let rejected = lab.audit(&answer.correlation).event(1203);
        assert_eq!(rejected["UserId"], name.as_str());
        texts.push(page_text(&answer.body));
    }
    assert!(texts.windows(2).all(|pair| pair[0] == pair[1]), "{texts:#?}");
    // The same page goes on to work.
    let retry = browser.fill_in(&browser.ask("web", ""), &known.upn(), &known.password);
    assert_eq!(retry.status, 302, "{}", retry.body);
}

#[test]
fn what_a_person_can_mend_is_said() {
    Trusts::get();
    let browser = Browser::outside().from("127.0.0.32");
    let expired = format!("expired@{}", Lab::get().domain);
    let answer = browser.fill_in(&browser.ask("web", ""), &expired, "Expired-Pw-1");
    assert!(answer.body.contains("Your password has expired."), "{}", answer.body);
    // Only whoever knows the password learns that.
    let answer = browser.fill_in(&browser.ask("web", ""), &expired, "Wrong-1");
    assert!(answer.body.contains("The user name or the password is not right."), "{}", answer.body);
    let answer = browser.fill_in(&browser.ask("web", ""), "alice", "Alice-Pw-1");
    assert!(answer.body.contains("Write your user name with its domain"), "{}", answer.body);
}

#[test]
fn the_page_speaks_the_readers_language() {
    Trusts::get();
    for (language, tag, direction, text) in [
        ("fr-FR,fr;q=0.9,en;q=0.8", "fr", "ltr", "Mot de passe"),
        ("de", "de", "ltr", "Kennwort"),
        ("ar", "ar", "rtl", "كلمة المرور"),
        ("he-IL", "he", "rtl", "סיסמה"),
        ("zh-CN", "zh-Hans", "ltr", "密码"),
        ("xx", "en", "ltr", "Password"),
    ] {
        let page = Browser::outside().reading(language).ask("web", "");
        assert!(page.body.contains(&format!("<html lang=\"{tag}\" dir=\"{direction}\">")), "{language}");
        assert!(page.body.contains(text), "{language}: {}", page.body);
        assert!(page.body.len() < 30_000);
    }
}

#[test]
fn without_a_ticket_the_401_is_the_page_and_a_bad_ticket_leads_to_it() {
    Trusts::get();
    let lab = Lab::get();
    let browser = Browser::windows();
    let address = Browser::address("web", "");
    let door = at_windows_door(&address);
    let challenge = browser.get(&door);
    assert_eq!((challenge.status, challenge.header("www-authenticate")), (401, Some("Negotiate")));
    let signed_in = browser.fill_in(&challenge, &alice(), "Alice-Pw-1");
    assert_eq!((signed_in.status, signed_in.header("location")), (302, Some(&*address)), "{}", signed_in.body);
    HandOver::of(&browser.get(&address));

    let browser = Browser::windows();
    let ntlm = browser
        .request(&door)
        .header("Authorization", "Negotiate TlRMTVNTUAABAAAAB4IIogAAAAAAAAAAAAAAAAAAAAAKAF1YAAAADw==");
    let refused = ntlm.send();
    assert_eq!((refused.status, refused.header("location")), (302, Some(&*address)), "never another 401");
    assert_eq!(refused.header("www-authenticate"), None);
    assert_eq!(lab.audit(&refused.correlation).event(1203)["ErrorCode"], "NtlmRefused");
    let page = browser.get(&address);
    assert_eq!(page.status, 200, "the page at once: {}", page.body);
    assert!(browser.cookie("Chancery-SkipWindows").is_some());
}

#[test]
fn outside_there_is_no_windows_sign_in() {
    Trusts::get();
    let lab = Lab::get();
    let browser = Browser::outside();
    let address = Browser::address("web", "");
    let door = browser.request(&at_windows_door(&address)).negotiate(&lab.kinit("alice", "alice")).send();
    assert_eq!((door.status, door.header("location"), door.header("www-authenticate")), (302, Some(&*address), None));
}

#[test]
fn methods_that_are_asked_for_are_used_or_refused() {
    Trusts::get();
    let lab = Lab::get();
    let windows = "&wauth=urn%3Afederation%3Aauthentication%3Awindows";
    let either = "&wauth=http%3A%2F%2Fschemas.microsoft.com%2Fclaims%2Fwiaormultiauthn";
    let password =
        "&wauth=http%3A%2F%2Fschemas.microsoft.com%2Fws%2F2008%2F06%2Fidentity%2Fauthenticationmethod%2Fpassword";
    let unknown = "&wauth=urn%3Anobody";
    for (browser, more) in [(Browser::outside(), windows), (Browser::outside(), either), (Browser::windows(), unknown)]
    {
        let answer = browser.ask("web", more);
        assert_eq!(answer.status, 500, "{more}: {}", answer.body);
        assert!(
            answer.body.contains("MSIS7102") && answer.body.contains(&answer.correlation),
            "{more}: {}",
            answer.body
        );
        assert_eq!(lab.audit(&answer.correlation).event(364)["ErrorCode"], "MSIS7102");
    }
    // Asked for by name, whatever the browser says of itself; and no page in its place.
    for more in [windows, either] {
        let browser = Browser::other();
        assert_eq!(browser.ask("web", more).status, 302);
        let door = at_windows_door(&Browser::address("web", more));
        let challenge = browser.get(&door);
        assert_eq!((challenge.status, challenge.header("www-authenticate")), (401, Some("Negotiate")));
        assert!(inputs(&challenge.body).is_empty(), "{}", challenge.body);
        HandOver::of(&browser.request(&door).negotiate(&lab.kinit("alice", "alice")).send());
        HandOver::of(&browser.ask("web", more));
    }
    // A session by Windows does not do for a password.
    let browser = Browser::windows();
    HandOver::of(
        &browser.request(&at_windows_door(&Browser::address("web", ""))).negotiate(&lab.kinit("alice", "alice")).send(),
    );
    let page = browser.ask("web", password);
    assert_eq!(page.status, 200);
    assert!(HandOver::find(&page.body).is_none(), "{}", page.body);
}

#[test]
fn a_refused_subject_learns_that_it_is_signed_in_and_not_permitted() {
    Trusts::get();
    let browser = Browser::outside();
    let answer = browser.fill_in(&browser.ask("web-denied", ""), &alice(), "Alice-Pw-1");
    let refused = browser.get(answer.header("location").expect("a location"));
    assert_eq!(refused.status, 403, "{}", refused.body);
    let text = unescape(&refused.body);
    assert!(text.contains("MSIS7068") && text.contains("End-to-end test web-denied"), "{text}");
    assert_eq!(Lab::get().audit(&refused.correlation).event(324)["RelyingParty"], "urn:e2e:web-denied");
    assert!(HandOver::find(&refused.body).is_none());
    // And can go on elsewhere.
    HandOver::of(&browser.ask("web", ""));
}

#[test]
fn token_lifetime_and_session_instant_are_the_sign_ins() {
    Trusts::get();
    let browser = Browser::outside();
    let first = Assertion::cut(&browser.sign_in("web", &alice(), "Alice-Pw-1").result);
    let second = Assertion::cut(&HandOver::of(&browser.ask("web", "")).result);
    let instant = |token: &Assertion| token.attribute("AuthenticationStatement", "AuthenticationInstant");
    assert_eq!(instant(&first), instant(&second), "when the password was checked");
    assert_ne!(first.attribute("Assertion", "AssertionID"), second.attribute("Assertion", "AssertionID"));
    let lifetime = second.instant("Conditions", "NotOnOrAfter") - second.instant("Conditions", "NotBefore");
    assert!((lifetime - 3600.0).abs() < 1.0, "{lifetime}");
}
