//! Whether an account exists is not to be learnt at any door that takes a password: the answer for a name that nobody has is that for
//! a wrong password, octet by octet, in its status, its header fields and its page.

use std::collections::BTreeMap;

use regex::Regex;

use crate::fault::{bare_2005, message};
use crate::support::oauth::{API, LEGACY, OAuth, form};
use crate::support::{Browser, Curl, Lab, Response, Trusts, inputs};
use crate::throwaway::Account;
use crate::wire::Route;

/// An answer without what differs each time: ids, times, nonces, sealed texts (whose length stays) and the name that was typed.
fn shape(status: u16, headers: &[(String, String)], body: &str, name: &str) -> String {
    let mut fields: Vec<String> =
        headers.iter().filter(|(name, _)| name != "date").map(|(name, value)| format!("{name}: {value}")).collect();
    fields.sort_unstable();
    let mut text = format!("{status}\n{}\n\n{body}", fields.join("\n"));
    for typed in [name.to_owned(), name.replace('@', "%40"), name.replace('\\', "%5C"), name.replace('\\', "%5c")] {
        text = text.replace(&typed, "NAME");
    }
    let id = Regex::new(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}").expect("a pattern");
    let time = Regex::new(r"\d{4}-\d\d-\d\d[T ][0-9:.]+(?:Z| UTC)?").expect("a pattern");
    let sealed = Regex::new(r"[A-Za-z0-9_+/-]{22,}={0,2}").expect("a pattern");
    let text = id.replace_all(&text, "ID");
    let text = time.replace_all(&text, "TIME");
    // Only what is random by its nature: as long as that, with letters of both cases. That one in forty has no digit.
    let random = |found: &regex::Captures<'_>| {
        let run = &found[0];
        let has = |kind: fn(&char) -> bool| run.chars().any(|c| kind(&c));
        let is_random = has(char::is_ascii_lowercase) && has(char::is_ascii_uppercase);
        if is_random { format!("SEALED({})", run.len()) } else { run.to_owned() }
    };
    sealed.replace_all(&text, random).into_owned()
}

/// Tries a wrong password for a known and for an unknown name of the same length, in both orders and forms; every answer is the same.
fn nothing_is_told(door: &str, attempt: impl Fn(&str) -> (String, String)) {
    let known = Account::new("door").create();
    let unknown = Account::new("door");
    let (domain, netbios) = (&Lab::get().domain, Lab::get().realm.split('.').next().expect("a name").to_owned());
    let forms: [&dyn Fn(&Account) -> String; 2] =
        [&|account| format!("{}@{domain}", account.name), &|account| format!("{netbios}\\{}", account.name)];
    let mut answers: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    for (n, written) in forms.into_iter().enumerate() {
        let order = if n == 0 { [&known, &unknown] } else { [&unknown, &known] };
        for account in order {
            let (answer, reason) = attempt(&written(account));
            // The pairs do mean what they say.
            let expected = if account.name == known.name { "WrongPassword" } else { "UnknownAccount" };
            assert_eq!((door, &*reason), (door, expected));
            answers.entry(n).or_default().push(answer);
        }
    }
    for (n, mut of_form) in answers {
        of_form.dedup();
        assert_eq!(of_form.len(), 1, "{door}, form {n}: {of_form:#?}");
    }
    assert!(known.bad_passwords() > 0, "{door}: the domain was not asked");
}

fn of(answer: &Response, name: &str) -> (String, String) {
    let reason = Lab::get().audit(&answer.correlation).event(1203)["ErrorCode"].as_str().expect("a reason").to_owned();
    (shape(answer.status, &answer.headers, &answer.body, name), reason)
}

#[test]
fn at_both_versions_of_ws_trust() {
    let path = "/adfs/services/trust/2005/usernamemixed";
    for (door, path, source) in [("2005", path, 91), ("13", crate::fault::USERNAME, 92)] {
        nothing_is_told(door, |name| {
            let now = message(name, "Wrong");
            let security =
                &now[now.find("<wsse:Security").expect("security")..now.find("</s:Header>").expect("a header")];
            let text = if door == "13" {
                now.clone()
            } else {
                bare_2005(path).replacen("</s:Header>", &format!("{security}</s:Header>"), 1)
            };
            let reply = Route::inside().from(source).post(path, &[], text.as_bytes());
            assert_eq!(reply.status, 500, "{}", reply.body);
            let reason = reply.audit().event(1203)["ErrorCode"].as_str().expect("a reason").to_owned();
            (shape(reply.status, &reply.headers, &reply.body, name), reason)
        });
    }
}

#[test]
fn on_the_page_of_passwords() {
    Trusts::get();
    nothing_is_told("forms", |name| {
        let browser = Browser::outside().from("127.0.0.93");
        let answer = browser.fill_in(&browser.ask("web", ""), name, "Wrong");
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert!(answer.body.contains("NAME") || inputs(&answer.body).iter().any(|(_, value)| value == name));
        of(&answer, name)
    });
}

#[test]
fn at_the_token_endpoint() {
    OAuth::get();
    nothing_is_told("oauth", |name| {
        let fields = [
            ("grant_type", "password"),
            ("client_id", LEGACY),
            ("username", name),
            ("password", "Wrong"),
            ("resource", API),
        ];
        let answer = Curl::new(&format!("{}/adfs/oauth2/token", Lab::get().url))
            .args(["--interface", "127.0.0.94"])
            .header("Content-Type", "application/x-www-form-urlencoded")
            .post(form(&fields))
            .send();
        assert_eq!(answer.status, 400, "{}", answer.body);
        of(&answer, name)
    });
}

#[test]
fn on_the_page_that_changes_passwords() {
    nothing_is_told("updatepassword", |name| {
        let browser = Browser::other();
        let page = browser.get("/adfs/portal/updatepassword/");
        let answer = crate::update_password::update(&browser, &page, name, "Wrong", "Changed-Pw-2", "Changed-Pw-2");
        assert_eq!(answer.status, 200, "{}", answer.body);
        of(&answer, name)
    });
}
