//! Every page in every language: complete, escaped, self-contained, small.

use std::collections::{BTreeMap, BTreeSet};

use super::theme::{
    Description, Fragment, FragmentPlace, MOST_NAME, MOST_OCTETS, MOST_PICTURE_OCTETS, MOST_TEXT, Picture, StyleSheet,
};
use super::*;
use crate::clock::SystemRandomSource;

const HOSTILE: &str = "\"><script>alert(1)</script><img src=x onerror='x'>&amp;{{ 7*7 }}\r\n\0";

fn pages() -> Pages {
    Pages::new("Example <b>Corp</b>", Arc::default()).unwrap()
}

fn render<P: Page>(page: &P, locale: Locale) -> Rendered {
    render_as(page, &Theme::default(), locale)
}

fn render_as<P: Page>(page: &P, theme: &Theme, locale: Locale) -> Rendered {
    pages().render(page, Some(theme), locale, &SystemRandomSource::new()).unwrap()
}

fn sign_in(text: &str, notice: Option<Notice>) -> SignInPage {
    SignInPage {
        action: text.into(),
        state: text.into(),
        user_name: text.into(),
        application: Some(text.into()),
        notice,
        password: true,
        keep_signed_in: true,
        choose_another: Some(text.into()),
        certificate: Some("https://certauth.sts.corp.example".into()),
        leads_elsewhere: false,
    }
}

fn error(text: &str, kind: ErrorText) -> ErrorPage {
    ErrorPage { text: kind, application: Some(text.into()), code: "MSIS7000", activity: text.into(), time: text.into() }
}

fn update_password(text: &str, rules: Option<ShownRules>) -> UpdatePasswordPage {
    UpdatePasswordPage {
        action: text.into(),
        state: text.into(),
        user_name: text.into(),
        notice: Some(Notice::NoticeNewPasswordRules),
        rules,
    }
}

fn certificate(text: &str) -> CertificatePage {
    CertificatePage {
        action: text.into(),
        application: Some(text.into()),
        notice: Notice::NoticeCertificateMissing,
        other: Some(text.into()),
    }
}

fn sign_out(text: &str) -> SignOutPage {
    SignOutPage {
        clean_up: vec![CleanUp { name: text.into(), address: text.into() }],
        origins: vec!["https://rp.example".into()],
        go_on: Some(text.into()),
        framed: false,
    }
}

fn home_realm(text: &str, notice: Option<Notice>) -> HomeRealmPage {
    HomeRealmPage {
        action: text.into(),
        application: Some(text.into()),
        notice,
        by_address: true,
        typed: text.into(),
        choices: vec![HomeRealmChoice { identifier: text.into(), name: text.into() }; 10],
        shown: "10".into(),
        total: "1000".into(),
        search: Some(HomeRealmSearch {
            action: "/adfs/ls/",
            fields: vec![(text.into(), text.into())],
            text: text.into(),
        }),
    }
}

fn device_code_question(text: &str) -> DeviceCodeQuestionPage {
    DeviceCodeQuestionPage {
        action: text.into(),
        state: text.into(),
        application: text.into(),
        user: text.into(),
        resource: text.into(),
        code: text.into(),
        address: text.into(),
        time: text.into(),
    }
}

fn device(text: &str) -> ShownDevice {
    ShownDevice {
        name: text.into(),
        system: text.into(),
        kind: DeviceKind::DeviceKindOwn,
        used: Some(text.into()),
        registered: None,
        enabled: true,
        disable: Some(text.into()),
        remove: Some(text.into()),
    }
}

/// As many devices as there may be, with texts as long as they may be.
fn my_devices(text: &str) -> MyDevicesPage {
    let long = format!("{text}{}", "\u{e4}".repeat(80));
    let link = || Some("/adfs/portal/mydevices/?Device=0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0&Change=disable".to_owned());
    let kinds = [DeviceKind::DeviceKindOwn, DeviceKind::DeviceKindDomain, DeviceKind::DeviceKindOther];
    let devices = (0..10).map(|n| {
        let (disable, remove, kind) = (link(), link(), kinds[n % 3]);
        ShownDevice { name: long.clone(), system: long.clone(), disable, remove, kind, ..device(text) }
    });
    let unusable = [(false, DeviceKind::DeviceKindOther), (true, DeviceKind::DeviceKindDomain)]
        .map(|(enabled, kind)| ShownDevice { enabled, kind, disable: None, remove: None, ..device(text) });
    MyDevicesPage {
        user: text.into(),
        notice: Some(Notice::NoticeStale),
        done: Some(DeviceDone { text: DeviceDoneText::DeviceRemoved, name: text.into() }),
        devices: devices.chain(unusable).collect(),
        shown: Some(DeviceRange {
            first: "991".into(),
            last: "1000".into(),
            total: "1000".into(),
            earlier: Some(text.into()),
            later: Some(text.into()),
        }),
    }
}

const NOTICES: [Notice; 24] = [
    Notice::NoticeCredentials,
    Notice::NoticeUserName,
    Notice::NoticePasswordExpired,
    Notice::NoticeUnavailable,
    Notice::NoticeStale,
    Notice::NoticeCookies,
    Notice::UpdatePasswordExpired,
    Notice::NoticeNewPasswordMissing,
    Notice::NoticeNewPasswordMismatch,
    Notice::NoticeNewPasswordSame,
    Notice::NoticeNewPasswordRules,
    Notice::NoticeChangeNotAllowed,
    Notice::NoticeChangeUnavailable,
    Notice::NoticeSentTwice,
    Notice::NoticeHomeRealm,
    Notice::NoticeAddress,
    Notice::NoticeCertificateMissing,
    Notice::NoticeCertificateExpired,
    Notice::NoticeCertificateRefused,
    Notice::NoticeCertificateUnavailable,
    Notice::NoticeDeviceGone,
    Notice::NoticeDevicesUnavailable,
    Notice::NoticeDeviceCode,
    Notice::NoticeDeviceCodeLocked,
];

const ERRORS: [ErrorText; 11] = [
    ErrorText::ErrorNoRequest,
    ErrorText::ErrorPartner,
    ErrorText::ErrorRequest,
    ErrorText::ErrorApplication,
    ErrorText::ErrorDenied,
    ErrorText::ErrorMoreProof,
    ErrorText::ErrorMethod,
    ErrorText::ErrorHomeRealm,
    ErrorText::ErrorLoop,
    ErrorText::ErrorUnavailable,
    ErrorText::ErrorInternal,
];

/// Every page there is, with `text` wherever a page shows a value.
fn all(text: &str, locale: Locale) -> Vec<Rendered> {
    all_as(text, &Theme::default(), locale)
}

/// The same with a theme.
fn all_as(text: &str, theme: &Theme, locale: Locale) -> Vec<Rendered> {
    macro_rules! render {
        ($page:expr, $locale:expr) => {
            render_as($page, theme, $locale)
        };
    }
    let mut rendered: Vec<Rendered> =
        NOTICES.iter().map(|notice| render!(&sign_in(text, Some(*notice)), locale)).collect();
    rendered.push(render!(&SignInPage { application: None, ..sign_in(text, None) }, locale));
    rendered.push(render!(&SignInPage { password: false, ..sign_in(text, None) }, locale));
    rendered.extend(ERRORS.iter().map(|kind| render!(&error(text, *kind), locale)));
    rendered.push(render!(&ErrorPage { application: None, ..error(text, ErrorText::ErrorRequest) }, locale));
    rendered.push(render!(&HandOverPage { action: text.into(), fields: vec![("wresult", text.into())] }, locale));
    rendered.push(render!(&sign_out(text), locale));
    rendered
        .push(render!(&SignOutMessagePage { action: text.into(), fields: vec![("SAMLRequest", text.into())] }, locale));
    rendered.push(render!(&ReturnPage { address: text.into() }, locale));
    let rules = ShownRules { length: 7, complex: true, history: 24, days: 1 };
    rendered.push(render!(&update_password(text, Some(rules)), locale));
    rendered.push(render!(&update_password(text, None), locale));
    rendered.push(render!(&certificate(text), locale));
    rendered.push(render!(&CertificatePage { application: None, other: None, ..certificate(text) }, locale));
    rendered.push(render!(&PasswordUpdatedPage { go_on: Some(text.into()) }, locale));
    rendered.push(render!(&my_devices(text), locale));
    let (action, state, user_code) = (text.into(), text.into(), text.into());
    rendered.push(render!(&DeviceCodePage { action, state, user_code, notice: None }, locale));
    rendered.push(render!(&device_code_question(text), locale));
    rendered.push(render!(&MyDevicesPage { devices: Vec::new(), done: None, shown: None, ..my_devices(text) }, locale));
    for question in [DeviceQuestion::DeviceDisable, DeviceQuestion::DeviceRemove] {
        let (action, state) = (text.into(), text.into());
        rendered.push(render!(&DeviceQuestionPage { action, state, question, device: device(text) }, locale));
    }
    rendered.push(render!(&home_realm(text, Some(Notice::NoticeAddress)), locale));
    rendered.push(render!(&HomeRealmPage { search: None, application: None, ..home_realm(text, None) }, locale));
    rendered.push(render!(&HomeRealmPage { choices: Vec::new(), by_address: false, ..home_realm(text, None) }, locale));
    rendered
}

#[test]
fn every_page_is_there_in_every_language_and_small() {
    for locale in Locale::ALL {
        for page in all("x", *locale) {
            let head = format!("<html lang=\"{}\" dir=\"{}\">", locale.tag(), locale.direction());
            assert!(page.html.starts_with("<!DOCTYPE html>\n") && page.html.contains(&head), "{}", page.html);
            assert!(page.html.len() < 30_000, "{} octets", page.html.len());
        }
        let done = [true, false].map(|approved| render(&DeviceCodeDonePage { approved }, *locale).html);
        assert_ne!(done[0], done[1]);
    }
}

#[test]
fn no_value_becomes_markup() {
    for page in all(HOSTILE, Locale::En) {
        assert!(
            !page.html.contains("<script>") && !page.html.contains("<img") && !page.html.contains("<b>"),
            "{}",
            page.html
        );
        assert!(!page.html.contains('\0') && !page.html.contains('\r'), "{}", page.html);
        assert!(page.html.contains("{{ 7*7 }}"), "{}", page.html);
        assert!(page.html.contains("&quot;&gt;&lt;script&gt;"), "{}", page.html);
    }
}

#[test]
fn a_value_comes_back_as_it_was() {
    let value = "a=1&b=\"<>'\r\nä €/x";
    let html = escape::html(value);
    let back = html
        .replace("&#13;", "\r")
        .replace("&#10;", "\n")
        .replace("&#39;", "'")
        .replace("&quot;", "\"")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&");
    assert_eq!(back, value);
    assert!(html.contains("€/x"), "{html}");
}

#[test]
fn a_page_loads_nothing_from_elsewhere() {
    for page in all("x", Locale::En) {
        for outside in ["http:", "https:", "//", "url(", "@import", "<link"] {
            assert!(!page.html.contains(outside), "{outside} in {}", page.html);
        }
        assert!(page.policy.starts_with("default-src 'none'; style-src 'nonce-"), "{}", page.policy);
        assert!(!page.policy.contains("unsafe") && !page.policy.contains('*'), "{}", page.policy);
    }
}

#[test]
fn the_policy_lets_each_page_do_what_it_does_and_no_more() {
    let without = SignInPage { certificate: None, ..sign_in("x", None) };
    let page = render(&without, Locale::En);
    let nonce = page.policy.split('\'').find_map(|part| part.strip_prefix("nonce-")).unwrap();
    assert_eq!(
        page.policy,
        format!(
            "default-src 'none'; style-src 'nonce-{nonce}'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
        )
    );
    assert!(page.html.contains(&format!("<style nonce=\"{nonce}\">")), "{}", page.html);
    assert_ne!(page.policy, render(&without, Locale::En).policy, "a nonce is used once");
    assert!(!page.html.contains("CertificateAuthentication"), "{}", page.html);
    let without = SignInPage { password: false, ..sign_in("x", None) };
    let page = render(&without, Locale::En);
    assert!(!page.html.contains("loginForm") && page.html.contains("CertificateAuthentication"), "{}", page.html);
    // The form of the certificate leads to another origin; browsers hold redirections against the policy too.
    let page = render(&sign_in("x", None), Locale::En);
    let targets = "; form-action 'self' https://certauth.sts.corp.example; frame-ancestors";
    assert!(page.policy.contains(targets) && page.html.contains("CertificateAuthentication"), "{}", page.policy);
    let page = render(&HandOverPage { action: "x".into(), fields: Vec::new() }, Locale::En);
    assert!(page.policy.contains("script-src 'nonce-") && !page.policy.contains("form-action"), "{}", page.policy);
    let page = render(&sign_out("x"), Locale::En);
    assert!(page.policy.contains("; frame-src https://rp.example; frame-ancestors 'none'"), "{}", page.policy);
    let page = render(&SignOutPage { framed: true, ..sign_out("x") }, Locale::En);
    assert!(page.policy.ends_with("; frame-ancestors https:"), "{}", page.policy);
}

/// Everything a theme may have, with `text` wherever it is free, and pictures of this size together.
fn theme(text: &str, octets: usize) -> Theme {
    let picture = |octets: usize| Picture::of(&[&b"\xff\xd8\xff"[..], &vec![0xa5; octets - 3]].concat()).unwrap();
    let texts = || [("", Arc::from(text)), ("fr", Arc::from("Bonjour"))].into_iter().collect();
    let places = [
        Description::SignIn,
        Description::HomeRealm,
        Description::Error,
        Description::SignOut,
        Description::Certificate,
        Description::UpdatePassword,
    ];
    Theme {
        company_name: Some(text.into()),
        logo: Some(picture(octets / 2)),
        illustration: Some(picture(octets - octets / 2)),
        accent_light: "#123456".parse().ok(),
        accent_dark: "#abcdef".parse().ok(),
        home: Some(text.into()),
        help_desk: Some(text.into()),
        privacy: Some(text.into()),
        descriptions: places.map(|place| (place, texts())).into_iter().collect(),
        fragments: BTreeMap::default(),
        style_sheet: None,
    }
}

/// Markup above and below, in English and in French, and rules, of this many octets in all.
fn with_markup(theme: Theme, octets: usize) -> Theme {
    let of_size = |octets: usize| Fragment::of(&format!("<p>{}</p>", "x".repeat(octets - 7))).unwrap();
    let fragments =
        || [("", of_size(octets / 4)), ("fr", Fragment::of("<p>Bonjour</p>").unwrap())].into_iter().collect();
    let rest = octets - octets / 4 * 2;
    Theme {
        fragments: [(FragmentPlace::Header, fragments()), (FragmentPlace::Footer, fragments())].into_iter().collect(),
        style_sheet: StyleSheet::of(&format!("p{{}}{}", "y".repeat(rest - 3))).ok(),
        ..theme
    }
}

#[test]
fn no_value_of_a_theme_becomes_markup() {
    let hostile = format!("{HOSTILE}</style></title>}}");
    for page in all_as("x", &theme(&hostile, 100), Locale::En) {
        let Rendered { html, policy } = page;
        for markup in ["<script>", "<img src=x", "</title>}", "</style></title>", "\0", "\r"] {
            assert!(!html.contains(markup), "{markup:?} in {html}");
        }
        assert!(html.contains("&quot;&gt;&lt;script&gt;") && html.contains("{{ 7*7 }}"), "{html}");
        assert!(html.contains(":root{--accent:#123456;--accent-strong:#0c243c}"), "{html}");
        assert!(policy.starts_with("default-src 'none'; style-src 'nonce-") && !policy.contains("unsafe"), "{policy}");
    }
}

#[test]
fn a_page_with_everything_a_theme_may_have_is_small() {
    let text = "x".repeat(MOST_TEXT);
    let theme = Theme { company_name: Some("x".repeat(MOST_NAME).into()), ..theme(&text, MOST_PICTURE_OCTETS) };
    let with_markup = with_markup(Theme { logo: None, illustration: None, ..theme.clone() }, 6_000);
    assert_eq!((theme.octets(), with_markup.octets()), (MOST_OCTETS, 6_000));
    for theme in [&theme, &with_markup] {
        for locale in Locale::ALL {
            for page in all_as("x", theme, *locale) {
                assert!(page.html.len() < 30_000, "{} octets", page.html.len());
            }
        }
    }
}

#[test]
fn markup_stands_where_people_read_and_rules_come_last() {
    let theme = with_markup(theme("x", 100), 200);
    let page = render_as(&sign_in("x", None), &theme, Locale::En).html;
    for part in ["<div id=\"customHeader\"><p>xxx", "<div id=\"customFooter\"><p>xxx", "}p{}yyy"] {
        assert!(page.contains(part), "{part} in {page}");
    }
    let french = render_as(&sign_in("x", None), &theme, Locale::Fr).html;
    assert!(french.contains("<div id=\"customHeader\"><p>Bonjour</p></div>"), "{french}");
    let hand_over = HandOverPage { action: "x".into(), fields: Vec::new() };
    let form = render_as(&hand_over, &theme, Locale::En).html;
    assert!(!form.contains("<div id=\"custom"), "{form}");
    // An empty fragment of a relying party takes the service's away.
    let none = [(FragmentPlace::Header, [("", Fragment::of("").unwrap())].into_iter().collect())];
    let own = Theme { fragments: none.into_iter().collect(), ..Theme::default() }.over(&theme);
    let page = render_as(&sign_in("x", None), &own, Locale::Fr).html;
    assert!(!page.contains("<div id=\"customHeader") && page.contains("<div id=\"customFooter"), "{page}");
}

#[test]
fn pictures_are_let_in_only_where_there_are_some() {
    let with = |theme: &Theme| render_as(&sign_in("x", None), theme, Locale::En).policy;
    assert!(with(&theme("x", 100)).contains("; img-src data:; form-action 'self'"));
    assert!(!with(&Theme { logo: None, illustration: None, ..theme("x", 100) }).contains("img-src"));
    let hand_over = HandOverPage { action: "x".into(), fields: Vec::new() };
    let page = render_as(&hand_over, &theme("x", 100), Locale::En);
    assert!(!page.policy.contains("img-src") && !page.html.contains("data:"), "{}", page.html);
}

#[test]
fn a_theme_has_the_ids_of_ad_fs() {
    let page = render_as(&sign_in("x", None), &theme("Corp & Co", 100), Locale::En).html;
    for part in [
        "<div id=\"branding\" class=\"illustrationClass\"><img src=\"data:image/jpeg;base64,",
        "<img id=\"companyLogo\" class=\"logoImage\" src=\"data:image/jpeg;base64,",
        "alt=\"Corp &amp; Co\"",
        "<div id=\"introduction\"><p dir=\"auto\">Corp &amp; Co</p></div>",
        "<footer id=\"footer\"><div id=\"footerLinks\"><span id=\"copyright\">© Corp &amp; Co</span><a id=\"home\"",
        "<a id=\"helpDesk\"",
        "<a id=\"privacy\"",
    ] {
        assert!(page.contains(part), "{part} in {page}");
    }
    assert!(!page.contains("Example <b>") && page.contains("<title>Sign in · Corp &amp; Co</title>"), "{page}");
    let plain = render(&sign_in("x", None), Locale::En).html;
    for id in ["branding", "companyLogo", "introduction", "footer", "copyright"] {
        assert!(!plain.contains(&format!("id=\"{id}\"")), "{id} without a theme: {plain}");
    }
}

#[test]
fn a_text_is_that_of_the_language_or_of_all() {
    let said = |theme: &Theme, locale| {
        let html = render_as(&sign_in("x", None), theme, locale).html;
        html.split("<p dir=\"auto\">").nth(1).map(|rest| rest.split('<').next().unwrap().to_owned())
    };
    let service = theme("Hello", 100);
    assert_eq!(said(&service, Locale::Fr).as_deref(), Some("Bonjour"));
    assert_eq!(said(&service, Locale::Ja).as_deref(), Some("Hello"));
    // A relying party's own text counts for every language; an empty one takes the service's away.
    let own = |text: &str| Theme {
        descriptions: [(Description::SignIn, [("", Arc::from(text))].into_iter().collect())].into_iter().collect(),
        ..Theme::default()
    };
    assert_eq!(said(&own("Only here").over(&service), Locale::Fr).as_deref(), Some("Only here"));
    assert_eq!(said(&own("").over(&service), Locale::Fr), None);
    let merged = own("").over(&service);
    assert_eq!((&merged.logo, merged.accent_light), (&service.logo, service.accent_light));
    assert_eq!(merged.descriptions[&Description::Error], service.descriptions[&Description::Error]);
}

#[test]
fn a_page_that_others_may_frame_has_nothing_to_press() {
    let framed = SignOutPage { framed: true, go_on: None, ..sign_out("x") };
    let html = render_as(&framed, &theme("x", 100), Locale::En).html;
    assert!(!html.contains("<a ") && !html.contains("<button"), "{html}");
    assert!(!html.contains("signoutList") && !html.contains("<script"), "nor what the person used: {html}");
    let html = render_as(&ReturnPage { address: "x".into() }, &theme("x", 100), Locale::En).html;
    assert!(!html.contains("<a ") && !html.contains("<button"), "{html}");
}

/// Names that scripts, password managers and command-line tools know (ws-federation.md 10.4).
#[test]
fn ids_and_field_names_are_those_of_ad_fs() {
    let html = render(&sign_in("x", Some(Notice::NoticeCredentials)), Locale::En).html;
    for id in [
        "fullPage",
        "contentWrapper",
        "content",
        "header",
        "workArea",
        "authArea",
        "loginArea",
        "loginMessage",
        "loginForm",
        "error",
        "errorText",
        "formsAuthenticationArea",
        "userNameArea",
        "userNameInput",
        "passwordArea",
        "passwordInput",
        "kmsiArea",
        "kmsiInput",
        "submissionArea",
        "submitButton",
        "optionForms",
    ] {
        assert!(html.contains(&format!("id=\"{id}\"")), "{id} in {html}");
    }
    for name in ["UserName", "Password", "Kmsi", "AuthMethod"] {
        assert!(html.contains(&format!("name=\"{name}\"")), "{name} in {html}");
    }
    let html = render(&update_password("x", None), Locale::En).html;
    for name in ["UserName", "OldPassword", "NewPassword", "ConfirmNewPassword"] {
        assert!(html.contains(&format!("name=\"{name}\"")), "{name} in {html}");
    }
    let html = render(&error("x", ErrorText::ErrorDenied), Locale::En).html;
    assert!(html.contains("id=\"activityId\"") && html.contains("id=\"timestamp\""), "{html}");
    let html = render(&HandOverPage { action: "x".into(), fields: Vec::new() }, Locale::En).html;
    assert!(html.contains("<form method=\"POST\" name=\"hiddenform\" action=\"x\">"), "{html}");
}

/// Names that scripts and command-line tools know (ws-federation.md 10.2), each sent once whatever is pressed.
#[test]
fn the_page_that_asks_where_has_the_names_of_ad_fs() {
    let html = render(&home_realm("urn:x", None), Locale::En).html;
    for part in [
        "<form method=\"post\" id=\"hrd\" action=\"urn:x\"",
        "<input id=\"hrdSelection\" type=\"hidden\" name=\"HomeRealmSelection\" value=\"\">",
        "<input id=\"emailInput\" name=\"Email\"",
        "name=\"HomeRealmByEmail\" value=\"Next\"",
        "<div class=\"idp\"",
        "<button type=\"submit\" name=\"HomeRealmSelection\" value=\"urn:x\">",
        "id=\"errorText\"",
        "var HRD={selection:function(",
    ] {
        assert!(html.contains(part), "{part} in {html}");
    }
    let form = |id: &str| {
        let begin = html.find(&format!("id=\"{id}\"")).unwrap();
        html[begin..].split("</form>").next().unwrap().to_owned()
    };
    assert_eq!(form("hrd").matches("name=\"HomeRealmSelection\"").count(), 1);
    assert!(!form("hrdTiles").contains("<input"), "a button says it alone");
    let few = render(&HomeRealmPage { search: None, by_address: false, ..home_realm("urn:x", None) }, Locale::En).html;
    assert!(few.contains("id=\"hrd\"") && !few.contains("emailInput") && !few.contains("HomeRealmSearch"), "{few}");
}

/// Key and text of every entry, with the variables in it. An entry with plural forms goes on in the lines after it.
fn entries(locale: Locale) -> BTreeMap<&'static str, (String, BTreeSet<String>)> {
    let mut entries: BTreeMap<&str, (String, BTreeSet<String>)> = BTreeMap::new();
    let mut last = "";
    for line in locale.source().lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let goes_on = line.starts_with([' ', '}']);
        let (key, text) = match line.split_once(" = ") {
            Some(entry) if !goes_on => entry,
            _ if goes_on => (last, line),
            _ => panic!("{}: {line}", locale.tag()),
        };
        last = key;
        let entry = entries.entry(key).or_default();
        entry.0.push_str(text);
        let names = text.split('$').skip(1);
        entry.1.extend(names.map(|rest| rest.split([' ', '}']).next().unwrap().to_owned()));
    }
    entries
}

#[test]
fn numbers_choose_the_form_of_the_language() {
    let rules = |length| ShownRules { length, complex: false, history: 0, days: 0 };
    let rule = |locale, length| {
        let html = render(&update_password("x", Some(rules(length))), locale).html;
        html.split("<li>").nth(1).unwrap().split("</li>").next().unwrap().to_owned()
    };
    assert_eq!(rule(Locale::En, 1), "At least 1 character.");
    assert_eq!(rule(Locale::En, 12), "At least 12 characters.");
    let polish = [1, 2, 5, 12, 22].map(|length| rule(Locale::Pl, length));
    let expected = ["1 znak.", "2 znaki.", "5 znaków.", "12 znaków.", "22 znaki."];
    assert_eq!(polish, expected.map(|end| format!("Co najmniej {end}")));
    let none = render(&update_password("x", Some(rules(0))), Locale::En).html;
    assert!(!none.contains("<li>"), "a rule that asks for nothing is not said: {none}");
}

#[test]
fn every_language_has_every_text_in_its_own_words() {
    let english = entries(Locale::En);
    for locale in Locale::ALL.iter().filter(|locale| **locale != Locale::En) {
        let own = entries(*locale);
        assert_eq!(own.keys().collect::<Vec<_>>(), english.keys().collect::<Vec<_>>(), "{}", locale.tag());
        for (key, (text, variables)) in &own {
            let (english_text, english_variables) = &english[key];
            assert_eq!(variables, english_variables, "{} {key}", locale.tag());
            let same_word = ["user-name-example", "password", "details-code"].contains(key);
            assert!(same_word || text != english_text, "{} {key} is a copy of English", locale.tag());
        }
    }
}
