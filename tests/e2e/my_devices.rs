//! `/adfs/portal/mydevices/`: people see, disable and remove their own devices, and nobody else's.

use regex::Regex;
use serde_json::json;

use crate::accessibility::accessible;
use crate::browser::{chromium_with, picture};
use crate::drs_client::{ldap_read, user};
use crate::registered::Registered;
use crate::support::{Browser, Lab, Response, fields, unescape};
use crate::throwaway::Account;

const PAGE: &str = "/adfs/portal/mydevices/";

/// The page of a person who signs in for it.
fn enter(browser: &Browser, account: &Account) -> Response {
    let page = browser.get(PAGE);
    assert_eq!(page.status, 200, "{}", page.body);
    assert!(page.body.contains("id=\"loginForm\""), "nothing is shown to nobody: {}", page.body);
    let filled = browser.fill_in(&page, &account.upn(), &account.password);
    assert_eq!(filled.header("location"), Some(PAGE), "{}", filled.body);
    browser.get(PAGE)
}

fn name(device: &Registered) -> String {
    format!("PC-{}", &device.id.to_string()[..8])
}

fn question(device: &Registered, change: &str) -> String {
    format!("{PAGE}?Device={}&Change={change}", device.id)
}

/// Addresses of links with this beginning of an id.
fn links(page: &Response, id: &str) -> Vec<String> {
    let pattern = Regex::new(&format!(r#"<a id="{id}\d+" href="([^"]*)""#)).expect("a pattern");
    pattern.captures_iter(&page.body).map(|found| unescape(&found[1])).collect()
}

fn answer(browser: &Browser, question: &Response) -> Response {
    let answer = fields(&question.body, "Answer").pop().unwrap_or_else(|| panic!("no question: {}", question.body));
    browser.post(PAGE, &[("Answer", &answer)])
}

fn is_enabled(device: &Registered) -> bool {
    let read = ldap_read(&device.dn(), &["msDS-IsEnabled"]);
    assert!(read.contains("msDS-IsEnabled: "), "it is there: {read}");
    read.contains("msDS-IsEnabled: TRUE")
}

#[test]
fn people_disable_and_remove_what_they_lost() {
    let (dan, sid) = user("dan");
    let (lost, old) = (Registered::with(&sid, 0), Registered::computer(&sid));
    let browser = Browser::outside();
    let page = enter(&browser, &dan);
    assert_eq!((page.status, page.header("cache-control")), (200, Some("no-store")), "{}", page.body);
    for shown in [name(&lost), name(&old), dan.upn(), "Windows 10.0.26100.1".into(), "Your own device".into()] {
        assert!(page.body.contains(&shown), "{shown}: {}", page.body);
    }
    let today = time::OffsetDateTime::now_utc().date().to_string();
    assert_eq!(page.body.matches(&format!("<dd>{today}</dd>")).count(), 4, "used and registered today: {}", page.body);
    assert_eq!((links(&page, "disable").len(), links(&page, "remove").len()), (2, 2));
    assert!(links(&page, "disable").contains(&question(&lost, "disable")));

    // The question alone changes nothing.
    let asked = browser.get(&question(&lost, "disable"));
    assert!(asked.body.contains("Disable this device?") && asked.body.contains(&name(&lost)), "{}", asked.body);
    assert!(is_enabled(&lost));
    let done = answer(&browser, &asked);
    assert!(done.body.contains(&format!("{} is disabled.", name(&lost))), "{}", done.body);
    assert!(!is_enabled(&lost) && is_enabled(&old));
    let event = Lab::get().audit(&done.correlation).event(9030);
    assert_eq!((&event["Change"], &event["DeviceId"]), (&json!("disable"), &json!(lost.id.to_string())), "{event}");
    assert_eq!((&event["SubjectSid"], &event["Detail"]), (&json!(sid), &json!(null)), "{event}");

    // What is disabled stays: removed, it could register again, whoever disabled it.
    assert_eq!(links(&done, "remove"), [question(&old, "remove")]);
    let refused = browser.get(&question(&lost, "remove"));
    assert_eq!(refused.status, 404);
    assert!(fields(&refused.body, "Answer").is_empty(), "{}", refused.body);

    let asked = browser.get(&question(&old, "remove"));
    let done = answer(&browser, &asked);
    assert!(done.body.contains(&format!("{} is removed.", name(&old))), "{}", done.body);
    assert!(ldap_read(&old.dn(), &["cn"]).is_empty());
    assert_eq!(Lab::get().audit(&done.correlation).event(9030)["Change"], "delete");
    let again = answer(&browser, &asked);
    assert_eq!(again.status, 404, "{}", again.body);
    assert!(again.body.contains("You have no such device"), "{}", again.body);
}

#[test]
fn dan_never_sees_or_touches_the_devices_of_jharnett() {
    let ((dan, own), (jharnett, sid)) = (user("dan"), user("jharnett"));
    let (theirs, other, mine) = (Registered::with(&sid, 0), Registered::with(&sid, 0), Registered::with(&own, 0));
    let browser = Browser::outside();
    let page = enter(&browser, &dan);
    assert!(page.body.contains(&name(&mine)) && !page.body.contains(&name(&theirs)), "{}", page.body);
    // The identifier is known, and worth nothing; one that nobody has is answered in the same words.
    let nobodys = format!("{PAGE}?Device=0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0&Change=disable");
    let stripped = |page: &Response| {
        Regex::new("nonce[-=][\"A-Za-z0-9_-]+").expect("a pattern").replace_all(&page.body, "").into_owned()
    };
    let unknown = browser.get(&nobodys);
    for change in ["disable", "remove"] {
        let guessed = browser.get(&question(&theirs, change));
        assert_eq!(guessed.status, 404);
        assert!(!guessed.body.contains(&name(&theirs)) && fields(&guessed.body, "Answer").is_empty());
        assert_eq!(stripped(&guessed), stripped(&unknown));
    }
    // An answer that their own session was given, one that was changed, and none at all.
    let session = Browser::outside();
    enter(&session, &jharnett);
    let theirs_asked = session.get(&question(&theirs, "remove"));
    let stolen = fields(&theirs_asked.body, "Answer").pop().expect("an answer");
    let mut changed = stolen.clone();
    let at = changed.len() / 2;
    let other_letter = if &changed[at..=at] == "A" { "B" } else { "A" };
    changed.replace_range(at..=at, other_letter);
    for form in [vec![("Answer", stolen.as_str())], vec![("Answer", changed.as_str())], vec![("Answer", "")], vec![]] {
        let refused = browser.post(PAGE, &form);
        assert!(refused.body.contains("This page was open for too long"), "{}", refused.body);
    }
    let changed_by_owner = session.post(PAGE, &[("Answer", changed.as_str())]);
    assert!(changed_by_owner.body.contains("This page was open for too long"), "{}", changed_by_owner.body);
    // Without a session there is only the sign-in page.
    let nobody = Browser::outside();
    assert!(nobody.post(PAGE, &[("Answer", stolen.as_str())]).body.contains("id=\"loginForm\""));
    assert!(is_enabled(&theirs) && is_enabled(&other) && is_enabled(&mine));
    // Whose it is may.
    assert!(answer(&session, &theirs_asked).body.contains("is removed."));
    assert!(is_enabled(&other));
}

/// More than fit on a page: each is on one page and on no other, and the place in the list outlasts a question and its answer.
#[test]
fn a_long_list_has_pages() {
    let (dan, sid) = user("dan");
    let devices: Vec<Registered> = (0..23).map(|_| Registered::with(&sid, 0)).collect();
    let browser = Browser::outside();
    let ids = |page: &Response| {
        let pattern = Regex::new("Device=([0-9a-f-]{36})&amp;Change=remove").expect("a pattern");
        let ids: Vec<String> = pattern.captures_iter(&page.body).map(|found| found[1].to_owned()).collect();
        ids
    };
    let link = |page: &Response, id: &str| {
        let pattern = Regex::new(&format!(r#"<a id="{id}" href="([^"]*)""#)).expect("a pattern");
        pattern.captures(&page.body).map(|found| unescape(&found[1]))
    };
    let first = enter(&browser, &dan);
    assert!(first.body.contains("Devices 1 to 10 of 23") && link(&first, "earlier").is_none(), "{}", first.body);
    let second = browser.get(&link(&first, "later").expect("more"));
    assert!(second.body.contains("Devices 11 to 20 of 23"), "{}", second.body);
    assert_eq!(link(&second, "earlier").as_deref(), Some(PAGE));
    let third = browser.get(&link(&second, "later").expect("more"));
    assert!(third.body.contains("Devices 21 to 23 of 23") && link(&third, "later").is_none(), "{}", third.body);
    assert_eq!(link(&third, "earlier"), Some(format!("{PAGE}?First=10")));
    let mut shown = [ids(&first), ids(&second), ids(&third)].concat();
    shown.sort();
    let mut own: Vec<String> = devices.iter().map(|device| device.id.to_string()).collect();
    own.sort();
    assert_eq!(shown, own);

    // A place that is none, or none any more.
    for place in ["11", "19"] {
        assert_eq!(ids(&browser.get(&format!("{PAGE}?First={place}"))), ids(&second));
    }
    for place in ["23", "4711", "99999999999999999999999", "x", "-1"] {
        let page = browser.get(&format!("{PAGE}?First={place}"));
        let expected = if place.starts_with(['2', '4']) { &third } else { &first };
        assert_eq!(ids(&page), ids(expected), "{place}");
    }
    let refused = browser.get(&format!("{PAGE}?First={}", "1".repeat(65)));
    assert!(refused.status == 500 && refused.body.contains("MSIS7000"), "{}", refused.body);

    // What was left as it is, and what was done, is seen where it was.
    let asked = browser.get(&links(&third, "remove")[0]);
    assert!(asked.body.contains(&format!("id=\"keepDevice\" href=\"{PAGE}?First=20\"")), "{}", asked.body);
    let sealed = fields(&asked.body, "Answer").pop().expect("an answer");
    let done = browser.post(&crate::support::action(&asked.body), &[("Answer", &sealed)]);
    assert!(done.body.contains("is removed.") && done.body.contains("Devices 21 to 22 of 22"), "{}", done.body);
    assert_eq!(ids(&done), ids(&third)[1..]);

    // By keyboard, without script.
    let scenes = json!([
        { "name": "later", "steps": [["script", false], ["size", [320, 900]], ["open", PAGE], ["wait", "#passwordInput"],
            ["type", dan.upn()], ["tab"], ["type", dan.password], ["enter"], ["wait", "#later"], ["focus", "#later"], ["enter"],
            ["wait", "#earlier"], ["script", true], picture("my-devices-later"), ["axe"]] },
        { "name": "earlier", "steps": [["script", false], ["focus", "#earlier"], ["enter"], ["wait", "section:nth-of-type(10)"], ["wait", "#later"]] },
    ]);
    let answers = chromium_with(&scenes, false, None);
    accessible(&answers, 1);
    let text = |scene: &str| answers[scene]["text"].as_str().unwrap_or_default().to_owned();
    assert!(text("later").contains("Devices 11 to 20 of 22"), "{}", text("later"));
    assert!(text("earlier").contains("Devices 1 to 10 of 22"), "{}", text("earlier"));
    assert!(answers["later"]["width"].as_u64().is_some_and(|width| width <= 320), "scrolls sideways");
}

#[test]
fn what_the_cloud_wrote_is_shown_and_stays() {
    let (dan, sid) = user("dan");
    let device = Registered::with(&sid, 0);
    device.modify("add: msDS-CloudAnchor\nmsDS-CloudAnchor:: AAEC");
    let browser = Browser::outside();
    let page = enter(&browser, &dan);
    assert!(page.body.contains(&name(&device)) && links(&page, "remove").is_empty(), "{}", page.body);
    assert!(page.body.contains("Your organization looks after this device."), "{}", page.body);
    assert_eq!(browser.get(&question(&device, "remove")).status, 404);
    assert!(is_enabled(&device));
}

#[test]
fn a_windows_computer_shows_the_page_without_a_question() {
    let lab = Lab::get();
    let browser = Browser::windows();
    let first = browser.get(PAGE);
    let door = first.header("location").expect("the door of Negotiate").to_owned();
    assert!(door.starts_with("/adfs/portal/mydevices/wia"), "{door}");
    let page = browser.request(&door).negotiate(&lab.kinit("bob", "bob")).send();
    assert_eq!(page.status, 200, "{}", page.body);
    assert!(page.body.contains("No device is registered for you."), "{}", page.body);
}

#[test]
fn the_pages_of_own_devices_are_accessible_and_need_no_script() {
    let (dan, sid) = user("dan");
    let devices = [Registered::with(&sid, 0), Registered::with(&sid, 0), Registered::computer(&sid)];
    devices[1].modify("replace: msDS-IsEnabled\nmsDS-IsEnabled: FALSE");
    let scenes = json!([
        { "name": "list", "steps": [["script", false], ["size", [1280, 1000]], ["open", PAGE], ["wait", "#passwordInput"], ["type", dan.upn()],
            ["tab"], ["type", dan.password], ["enter"], ["wait", "#myDevicesArea"], ["script", true], picture("my-devices"), ["axe"], ["dark", true], ["axe"],
            ["dark", false], ["size", [320, 900]], picture("my-devices-320"), ["axe"]] },
        { "name": "question", "steps": [["script", false], ["click", "#remove1"], ["wait", "#deviceQuestion"], ["script", true], picture("device-question"), ["axe"]] },
        { "name": "kept", "steps": [["script", false], ["click", "#keepDevice"], ["wait", "#myDevicesArea"]] },
        { "name": "removed", "steps": [["click", "#disable1"], ["wait", "#deviceQuestion"], ["click", "#submitButton"], ["wait", "#done"],
            ["script", true], picture("my-devices-done"), ["axe"]] },
        { "name": "french", "steps": [["language", "fr-FR"], ["open", PAGE], ["wait", "#myDevicesArea"], ["axe"]] },
        { "name": "arabic", "steps": [["language", "ar"], ["open", PAGE], ["wait", "#myDevicesArea"], picture("my-devices-arabic"), ["axe"]] },
    ]);
    let answers = chromium_with(&scenes, false, None);
    accessible(&answers, 7);
    assert!(answers["list"]["width"].as_u64().is_some_and(|width| width <= 320), "scrolls sideways");
    assert!(answers["french"]["text"].as_str().is_some_and(|text| text.contains("Mes appareils")));
    assert!(answers["arabic"]["html"].as_str().is_some_and(|html| html.contains("dir=\"rtl\"")));
    assert_eq!(devices.iter().filter(|device| is_enabled(device)).count(), 1, "one was disabled before, one now");
}
