//! Programs that know AD FS' sign-in form and fill it in by themselves: aws-adfs' own code, and requests of saml2aws' shape. They end
//! where a token is handed over; by WS-Federation, as long as there is no sign-in by the identity provider's initiative (SAML 2.0).

use serde_json::{Value, json};

use crate::support::{Assertion, Browser, HandOver, Lab, Trusts, claim, fields, inputs, python};
use crate::throwaway::Account;

fn ask(way: &str, name: &str, password: &str) -> Value {
    Trusts::get();
    let lab = Lab::get();
    let directory = lab.new_file("scraping");
    std::fs::create_dir(&directory).expect("a directory");
    let url = format!("{}{}", lab.url, Browser::address("web", "&wctx=a%26b"));
    let input = json!({
        "way": way, "url": url, "host": lab.host, "name": name, "password": password, "directory": directory,
    });
    let tickets = (way == "aws-adfs-sspi").then(|| lab.kinit("alice", "alice"));
    python("scraping", &input, tickets.as_deref())
}

#[test]
fn tools_that_fill_in_the_form_of_ad_fs_get_their_token() {
    let alice = format!("alice@{}", Lab::get().domain);
    for (way, method) in [
        ("aws-adfs", "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"),
        ("aws-adfs-sspi", "urn:federation:authentication:windows"),
        ("saml2aws", "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"),
    ] {
        let said = ask(way, &alice, "Alice-Pw-1");
        assert_eq!(said["status"], 200, "{way}: {said}");
        assert_eq!(said["inputs"]["wctx"], "a&b", "{way}: {said}");
        let token = Assertion::cut(said["inputs"]["wresult"].as_str().unwrap_or_else(|| panic!("{way}: {said}")));
        assert_eq!(token.single(claim::UPN_2005), alice, "{way}");
        assert_eq!(token.attribute("AuthenticationStatement", "AuthenticationMethod"), method, "{way}");
        for cookie in ["MSISAuth", "MSISAuthenticated"] {
            assert!(said["cookies"].as_array().is_some_and(|all| all.contains(&json!(cookie))), "{way}: {said}");
        }
    }
}

#[test]
fn tools_are_told_that_a_password_is_wrong() {
    let account = Account::new("tool").create();
    for way in ["aws-adfs", "saml2aws"] {
        let said = ask(way, &account.upn(), "Wrong-1");
        assert_eq!((&said["status"], &said["inputs"]["wresult"]), (&json!(200), &Value::Null), "{way}: {said}");
        let error = said["error"].as_str().expect("a text");
        assert!(error.starts_with("The user name or the password is not right."), "{way}: {said}");
    }
    assert_eq!(account.bad_passwords(), 2, "they come through the same gate");
}

/// A form without its page is a program's. Whatever says that a browser sent it makes it one of another site.
#[test]
fn a_form_without_its_page_is_taken_from_no_browser() {
    Trusts::get();
    let alice = format!("alice@{}", Lab::get().domain);
    let form = format!("UserName={}&Password=Alice-Pw-1&AuthMethod=FormsAuthentication", alice.replace('@', "%40"));
    let send = |headers: &[(&str, &str)], form: &str| {
        // A program that fetched the page for somebody else has its cookie, too.
        let browser = Browser::outside();
        browser.ask("web", "");
        let request = browser.request(&Browser::address("web", ""));
        let mut request = request.header("Content-Type", "application/x-www-form-urlencoded");
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let answer = request.post(form.to_owned()).send();
        (answer.status, browser.cookie("MSISAuth").is_some(), answer)
    };
    let tool = ("User-Agent", "python-requests/2.32");
    let (status, signed_in, answer) = send(&[tool], &form);
    assert_eq!((status, signed_in), (302, true), "{}", answer.body);
    for headers in [
        vec![],
        vec![("User-Agent", "Mozilla/5.0 (Windows NT 10.0; WOW64; Trident/7.0; rv:11.0) like Gecko")],
        vec![("User-Agent", "")],
        vec![tool, ("Origin", "https://evil.example")],
        vec![tool, ("Origin", "null")],
        vec![tool, ("Referer", "https://evil.example/")],
        vec![tool, ("Sec-Fetch-Site", "cross-site")],
    ] {
        let (status, signed_in, answer) = send(&headers, &form);
        assert_eq!((status, signed_in), (200, false), "{headers:?}: {}", answer.body);
        assert!(inputs(&answer.body).iter().any(|(name, _)| name == "Password"), "{headers:?}: {}", answer.body);
    }
    // With a page, it is held against the page, whoever sends it.
    let other = fields(&Browser::outside().ask("web", "").body, "SignInState").remove(0);
    for state in ["", "AAAA", &other] {
        let (status, signed_in, answer) = send(&[tool], &format!("{form}&SignInState={state}"));
        assert_eq!((status, signed_in), (200, false), "{state}: {}", answer.body);
    }
    // Nothing in the body, and the request in the address.
    let empty = Browser::outside().request(&Browser::address("web", "")).post("").send();
    assert!(HandOver::find(&empty.body).is_none() && empty.body.contains("passwordInput"), "{}", empty.body);
}
