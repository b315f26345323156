//! Changing a password at `/adfs/portal/updatepassword/`: by itself, and in the middle of a sign-in whose password has expired.

use crate::support::{Browser, Lab, Response, Trusts, action, inputs, unescape};
use crate::throwaway::Account;

const PAGE: &str = "/adfs/portal/updatepassword/";

/// Fills in the page and sends it.
pub fn update(browser: &Browser, page: &Response, name: &str, old: &str, new: &str, again: &str) -> Response {
    assert_eq!(page.status, 200, "{}", page.body);
    let mut fields = inputs(&page.body);
    for (field, value) in &mut fields {
        match field.as_str() {
            "UserName" => *value = name.to_owned(),
            "OldPassword" => *value = old.to_owned(),
            "NewPassword" => *value = new.to_owned(),
            "ConfirmNewPassword" => *value = again.to_owned(),
            _ => {}
        }
    }
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    browser.post(&action(&page.body), &fields)
}

/// What the page says about the last attempt.
fn notice(page: &Response) -> String {
    let text = page.body.split("<span id=\"errorText\">").nth(1).unwrap_or_else(|| panic!("no notice: {}", page.body));
    unescape(text.split("</span>").next().expect("an end"))
}

fn is_done(page: &Response) -> bool {
    page.status == 200 && page.body.contains("Your password is changed")
}

#[test]
fn a_person_changes_a_password_and_signs_in_with_the_new_one() {
    Trusts::get();
    let account = Account::new("pw").create();
    let browser = Browser::other();
    let page = browser.get(&format!("{PAGE}?username={}", account.upn()));
    assert!(page.body.contains(&format!("value=\"{}\"", account.upn())), "{}", page.body);
    // Every character that could be lost on the way: quotes, UTF-16 pairs, what forms and LDAP escape.
    let new = "Nöw \"q\" \\ 😀 &+%41";
    let answer = update(&browser, &page, &account.upn(), &account.password, new, new);
    assert!(is_done(&answer), "{}", answer.body);
    assert!(!answer.body.contains("id=\"goOn\""), "nothing was interrupted");
    let event = Lab::get().audit(&answer.correlation).event(1204);
    assert_eq!((&event["UserId"], &event["AuditType"]), (&account.upn().into(), &"PasswordChange".into()));
    browser.sign_in("web", &account.upn(), new);
    let old = Browser::other().fill_in(&Browser::other().ask("web", ""), &account.upn(), &account.password);
    assert_ne!(old.status, 302, "the old one is over");
}

#[test]
fn an_expired_password_is_changed_in_the_middle_of_a_sign_in() {
    Trusts::get();
    let account = Account::new("must").with("userAccountControl: 512\npwdLastSet: 0").create();
    let browser = Browser::other();
    let page = browser.fill_in(&browser.ask("web", "&wctx=a%26b"), &account.upn(), &account.password);
    assert_eq!(notice(&page), "Your password has expired. Choose a new one to go on.");
    assert!(page.body.contains(&format!("value=\"{}\"", account.upn())), "the name stays: {}", page.body);
    assert!(!page.body.contains(&account.password), "the password does not");
    let answer = update(&browser, &page, &account.upn(), &account.password, "Changed-Pw-2", "Changed-Pw-2");
    assert!(is_done(&answer), "{}", answer.body);
    let link = answer.body.split("id=\"goOn\" href=\"").nth(1).and_then(|rest| rest.split('"').next());
    let link = unescape(link.expect("the way back to the sign-in"));
    assert_eq!(link, Browser::address("web", "&wctx=a%26b"));
    let answer = browser.fill_in(&browser.get(&link), &account.upn(), "Changed-Pw-2");
    assert_eq!(answer.status, 302, "{}", answer.body);
}

#[test]
fn what_is_wrong_with_a_new_password_is_said() {
    let account = Account::new("rules").create();
    let browser = Browser::other();
    let attempt =
        |old: &str, new: &str, again: &str| update(&browser, &browser.get(PAGE), &account.upn(), old, new, again);
    let old = account.password.as_str();
    assert_eq!(notice(&attempt(old, "", "")), "Write the new password in both fields.");
    assert_eq!(
        notice(&attempt(old, "One-1234", "Two-1234")),
        "The two new passwords are not the same. Write both again."
    );
    assert_eq!(notice(&attempt(old, old, old)), "The new password is the old one. Choose another.");
    let short = attempt(old, "Sh-1", "Sh-1");
    assert!(notice(&short).starts_with("The new password does not follow the rules"), "{}", short.body);
    assert!(short.body.contains("<li>At least 6 characters.</li>"), "the domain's own rule: {}", short.body);
    assert_eq!(short.body.matches("<li>").count(), 1, "no rule that the domain does not have: {}", short.body);
    let event = Lab::get().audit(&short.correlation).event(1205);
    assert_eq!((&event["ErrorCode"], &event["AuditResult"]), (&"PasswordAgainstRules".into(), &"Failure".into()));
    let long = "x".repeat(257);
    assert!(notice(&attempt(old, &long, &long)).starts_with("The new password does not follow the rules"));
    assert_eq!(account.bad_passwords(), 0, "none of these is a wrong password");
}

#[test]
fn an_account_that_may_not_change_its_password_is_told_so() {
    let account = Account::new("cannot").create();
    account.forbid_password_change();
    let browser = Browser::other();
    let answer =
        update(&browser, &browser.get(PAGE), &account.upn(), &account.password, "Changed-Pw-2", "Changed-Pw-2");
    assert_eq!(notice(&answer), "Your account is not permitted to change its password here. Ask your help desk.");
    assert_eq!(Lab::get().audit(&answer.correlation).event(1205)["ErrorCode"], "PasswordChangeNotAllowed");
    browser.sign_in("web", &account.upn(), &account.password);
}

#[test]
fn a_wrong_password_here_is_a_wrong_password_everywhere() {
    Trusts::get();
    let account = Account::new("guess").create();
    let browser = Browser::other();
    let attempt =
        |name: &str, old: &str| update(&browser, &browser.get(PAGE), name, old, "Changed-Pw-2", "Changed-Pw-2");
    let nobody = attempt(&format!("nobody@{}", Lab::get().domain), "Wrong-1");
    let mut last = attempt(&account.upn(), "Wrong-1");
    assert_eq!(notice(&nobody), notice(&last), "nobody learns who is there");
    for event in [1203, 411, 342, 1205] {
        assert_eq!(Lab::get().audit(&last.correlation).event(event)["UserId"], account.upn().as_str());
    }
    // The same counter as for signing in: after a few, the right one is not tried any more.
    for _ in 0..4 {
        last = attempt(&account.upn(), "Wrong-1");
    }
    assert_eq!(Lab::get().audit(&last.correlation).event(1203)["FailureType"], "ExtranetLockoutError");
    let locked = browser.fill_in(&browser.ask("web", ""), &account.upn(), &account.password);
    assert_ne!(locked.status, 302, "locked for the sign-in page as well");
    assert!(account.bad_passwords() < 5, "the domain's own threshold is not met");
}

#[test]
fn a_page_is_one_browsers_one_addresss_and_sent_once() {
    let account = Account::new("once").create();
    let (mine, other) = (Browser::other(), Browser::other());
    let page = mine.get(PAGE);
    let send = |browser: &Browser, page: &Response| {
        update(browser, page, &account.upn(), &account.password, "Changed-Pw-2", "Changed-Pw-2")
    };
    other.get(PAGE);
    let stale = "This page was open for too long, or it was opened in another browser. Please sign in again.";
    assert_eq!(notice(&send(&other, &page)), stale);
    let elsewhere = Response { body: page.body.replace(PAGE, &format!("{PAGE}?username=x")), ..mine.get(PAGE) };
    assert_eq!(notice(&send(&mine, &elsewhere)), stale);
    assert!(is_done(&send(&mine, &page)));
    let twice = send(&mine, &page);
    assert!(notice(&twice).starts_with("This form was sent twice."), "{}", twice.body);
    assert_eq!(account.bad_passwords(), 0, "the second time is no wrong password");
    let bare = Browser::other().post(PAGE, &[("UserName", &account.upn()), ("OldPassword", "x"), ("NewPassword", "y")]);
    assert!(notice(&bare).starts_with("Your browser did not send back the cookie"), "{}", bare.body);
}

#[test]
fn outside_it_is_not_offered_and_bad_requests_are_no_page() {
    Trusts::get();
    let outside = Browser::outside().from("127.0.0.33");
    assert_eq!(outside.get(PAGE).status, 404);
    assert_eq!(outside.post(PAGE, &[("UserName", "x")]).status, 404);
    let browser = Browser::other();
    for (path, body) in [
        (format!("{PAGE}?username=a&username=b"), None),
        (format!("{PAGE}?username=%zz"), None),
        (PAGE.to_owned(), Some("UserName=a&UserName=b")),
        (PAGE.to_owned(), Some("UserName=a%00")),
    ] {
        let request = browser.request(&path);
        let answer = match body {
            Some(body) => {
                request.header("Content-Type", "application/x-www-form-urlencoded").post(body.to_owned()).send()
            }
            None => request.send(),
        };
        assert_eq!((answer.status, answer.body.contains("MSIS7000")), (400, true), "{path}: {}", answer.body);
    }
    let json = browser.request(PAGE).header("Content-Type", "application/json").post("{}".to_owned()).send();
    assert_eq!(json.status, 400);
    let reflected = browser.get(&format!("{PAGE}?username=%22%3E%3Cscript%3E"));
    assert!(!reflected.body.contains("<script>"), "{}", reflected.body);
    assert_eq!(reflected.header("cache-control"), Some("no-store"));
}
