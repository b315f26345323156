//! Themes: pages in an organization's colours and words, and those of a relying party that has its own; with pictures, in Chromium
//! (`CHANCERY_PICTURES`), and from one moment to the next.

use serde_json::json;

use crate::accessibility::accessible;
use crate::browser::{chromium_with, picture};
use crate::home_realm::{application, outside};
use crate::support::{Browser, Lab, Node, NodeSetup, replace_file};

const SERVICE: &str = r##"
[branding]
company_name = "Example & Partners"
accent_light = "#7a3b00"

[branding.links]
home = "https://www.example.com/"
help_desk = "https://help.example.com/?a=1&b=2"
privacy = "https://www.example.com/privacy"

[branding.texts.""]
sign_in = "This service is for people who work here.\nEverything is logged."
error = "Call 4711 if you are in a hurry."
sign_out = "See you."
update_password = "A sentence is a good password."

[branding.texts.fr]
sign_in = "Ce service est réservé au personnel."
"##;

const HARBOUR: &str = r##"
[relying_party.branding]
company_name = "Harbour & Sons"
logo = "logo.webp"
illustration = "illustration.webp"
accent_light = "#1f4e8c"
accent_dark = "#8db7d9"
texts."".sign_in = "Ask the harbour master for an account."
style_sheet = "harbour.css"
fragments."".header = "notice.html"
fragments.fr.header = "notice.fr.html"
fragments."".footer = "footer.html"
"##;

/// What a company puts on its pages: a notice above, and addresses below.
const NOTICE: &str = "<section class='notice' lang='en'><h2>Storm &amp; flood</h2><p>Read <a href='https://www.example.com/storm'>what to do</a>.</p></section>";
const FOOTER: &str = "<p>Harbour &amp; Sons, <a href=\"tel:+49-40-4711\">4711</a></p>";
const RULES: &str = ".notice{border-inline-start:.25rem solid var(--accent);padding-inline-start:.75rem}\n.notice h2{margin-top:0;letter-spacing:1px}";

fn start() -> Node {
    let setup = NodeSetup::new()
        .append(SERVICE)
        .write("trusts/logo.webp", include_bytes!("branding/logo.webp"))
        .write("trusts/illustration.webp", include_bytes!("branding/illustration.webp"))
        .write("trusts/harbour.css", RULES)
        .write("trusts/notice.html", NOTICE)
        .write("trusts/notice.fr.html", "<p>Tempête</p>")
        .write("trusts/footer.html", FOOTER);
    application(&setup.directory, "plain", "");
    application(&setup.directory, "harbour", HARBOUR);
    setup.start()
}

#[test]
fn chromium_shows_the_theme_of_the_service_and_that_of_a_relying_party() {
    let node = start();
    let harbour = Browser::address("harbour", "");
    let refused = Browser::address("harbour", "&wauth=http%3A%2F%2Fschemas.microsoft.com%2Fclaims%2Fmultipleauthn");
    let look = "document.body.dataset.pictures = [...document.images].filter(i => i.complete && i.naturalWidth > 1).length;
        document.body.dataset.accent = getComputedStyle(document.querySelector('#submitButton') || document.body).backgroundColor";
    let open = |address: &str, what: &str| vec![json!(["open", address]), json!(["wait", what]), json!(["run", look])];
    let steps = |before: &[serde_json::Value], address: &str, what: &str, after: &[serde_json::Value]| {
        [before, &open(address, what), after].concat()
    };
    let axe = |name: &str| [picture(name), json!(["axe"])];
    let password = "#passwordInput";
    let wide = json!(["size", [1280, 800]]);
    let (light, dark) = (json!(["dark", false]), json!(["dark", true]));
    let scenes = json!([
        { "name": "service", "steps": steps(std::slice::from_ref(&wide), &Browser::address("plain", ""), password, &axe("theme-service")) },
        { "name": "harbour", "steps": steps(&[], &harbour, password, &axe("theme-harbour")) },
        { "name": "dark", "steps": steps(&[dark], &harbour, password, &axe("theme-harbour-dark")) },
        { "name": "small", "steps": steps(&[json!(["size", [320, 640]])], &harbour, password, &axe("theme-harbour-320-dark")) },
        { "name": "arabic", "steps": steps(&[light, wide, json!(["language", "ar"])], &harbour, password, &axe("theme-harbour-arabic")) },
        { "name": "refused", "steps": steps(&[json!(["language", "en"])], &refused, "#errorArea", &axe("theme-harbour-error")) },
        { "name": "signed-out", "steps": steps(&[], "/adfs/ls/?wa=wsignout1.0", "#signoutArea", &axe("theme-sign-out")) },
        { "name": "small-service", "steps": steps(&[json!(["size", [320, 640]])], &Browser::address("plain", ""), password, &axe("theme-service-320")) },
    ]);
    let answers = chromium_with(&scenes, false, Some(&node.hosts()));
    accessible(&answers, 8);
    for (scene, pictures, accent, name, text) in [
        ("service", 0, "rgb(122, 59, 0)", "Sign in · Example & Partners", "people who work here"),
        ("harbour", 2, "rgb(31, 78, 140)", "Sign in · Harbour & Sons", "harbour master"),
        ("dark", 2, "rgb(141, 183, 217)", "Sign in · Harbour & Sons", "harbour master"),
        ("refused", 2, "", "Harbour & Sons", "Call 4711"),
        ("signed-out", 0, "", "Example & Partners", "See you."),
    ] {
        let answer = &answers[scene];
        let html = answer["html"].as_str().expect("a page");
        assert!(html.contains(&format!("data-pictures=\"{pictures}\"")), "{scene}: {html}");
        assert!(html.contains(&format!("data-accent=\"{accent}")), "{scene}: {html}");
        assert!(answer["title"].as_str().is_some_and(|title| title.contains(name)), "{scene}: {}", answer["title"]);
        assert!(answer["text"].as_str().is_some_and(|shown| shown.contains(text)), "{scene}: {}", answer["text"]);
        assert!(html.contains("href=\"https://help.example.com/?a=1&amp;b=2\""), "{scene}: {html}");
    }
    for scene in ["small", "small-service"] {
        assert!(answers[scene]["width"].as_u64().is_some_and(|width| width <= 320), "{scene} scrolls sideways");
    }
}

#[test]
fn a_theme_is_served_as_soon_as_it_is_read() {
    let node = start();
    let browser = outside(&node);
    let plain = browser.ask("plain", "");
    let policy = plain.header("content-security-policy").expect("a policy");
    assert!(!policy.contains("img-src") && !plain.body.contains("data:"), "{policy}");
    let french = outside(&node).reading("fr-CA").ask("plain", "");
    assert!(french.body.contains("<p dir=\"auto\">Ce service est réservé au personnel.</p>"), "{}", french.body);
    let harbour = browser.ask("harbour", "");
    let policy = harbour.header("content-security-policy").expect("a policy");
    assert!(policy.contains("; img-src data:; "), "{policy}");
    assert!(harbour.body.len() < 30_000, "{} octets", harbour.body.len());
    assert!(
        harbour.body.contains("--accent:#1f4e8c") && !harbour.body.contains("--accent:#7a3b00"),
        "{}",
        harbour.body
    );
    // On the way to the relying party the page on which a password is changed looks the same; by itself it is the service's.
    let inside = Browser::other().at(&node.address);
    let expired =
        format!("/adfs/portal/updatepassword/?{}", Browser::address("harbour", "").split('?').nth(1).expect("a query"));
    assert!(inside.get(&expired).body.contains("alt=\"Harbour &amp; Sons\""));
    let by_itself = inside.get("/adfs/portal/updatepassword/").body;
    assert!(
        by_itself.contains("Example &amp; Partners") && by_itself.contains("A sentence is a good password."),
        "{by_itself}"
    );

    // The picture alone is another one.
    let logo = node.directory.join("trusts/logo.webp");
    replace_file(&logo, b"\x89PNG\r\n\x1a\nother");
    let (served, said) = node.reload();
    assert!(served, "{said}");
    assert!(browser.ask("harbour", "").body.contains("src=\"data:image/png;base64,"), "the new logo");
    // What cannot be shown is not served, and the pages stay.
    replace_file(&logo, b"<svg onload=\"alert(1)\"/>");
    let (served, said) = node.reload();
    assert!(!served && said.contains("it is an SVG drawing") && said.contains("rp-harbour.toml:"), "{said}");
    assert!(browser.ask("harbour", "").body.contains("src=\"data:image/png;base64,"), "the logo before");
}

#[test]
fn markup_and_rules_of_a_company_stand_on_its_pages_and_nothing_that_runs_or_loads() {
    let node = start();
    let harbour = || outside(&node).ask("harbour", "");
    let page = harbour();
    let header = "<div id=\"customHeader\"><section class=\"notice\" lang=\"en\"><h2>Storm &amp; flood</h2><p>Read \
        <a href=\"https://www.example.com/storm\" rel=\"noreferrer\">what to do</a>.</p></section></div>";
    assert!(page.body.contains(header), "{}", page.body);
    assert!(
        page.body.contains("<div id=\"customFooter\"><p>Harbour &amp; Sons, <a href=\"tel:+49-40-4711\""),
        "{}",
        page.body
    );
    assert!(page.body.contains(RULES), "{}", page.body);
    assert!(page.body.len() < 30_000, "{} octets", page.body.len());
    let policy = page.header("content-security-policy").expect("a policy");
    assert!(policy.starts_with("default-src 'none'; style-src 'nonce-") && !policy.contains("unsafe"), "{policy}");
    let french = outside(&node).reading("fr").ask("harbour", "").body;
    assert!(french.contains("<div id=\"customHeader\"><p>Tempête</p></div>") && !french.contains("Storm"), "{french}");
    // Of this relying party alone.
    assert!(!outside(&node).ask("plain", "").body.contains("<div id=\"customHeader"));
    // The page that carries the token has none of it, nor the one that others may frame.
    let form = outside(&node);
    form.sign_in("harbour", &format!("alice@{}", Lab::get().domain), "Alice-Pw-1");
    let token = form.ask("harbour", "");
    assert!(token.body.contains("wresult") && !token.body.contains("Storm"), "{}", token.body);

    let file = |name: &str| node.directory.join("trusts").join(name);
    for (name, content, said_of_it) in [
        ("notice.html", "<p>x</p><script>alert(1)</script>", "`<script>` cannot stand in a page"),
        (
            "notice.html",
            "<form action='https://evil.example/'><input name='Password'/></form>",
            "`<form>` cannot stand in a page",
        ),
        ("notice.html", "<p onclick='alert(1)'>x</p>", "`onclick` of `<p>` cannot stand in a page"),
        ("notice.html", "<a href='javascript:alert(1)'>x</a>", "is no value of `href`"),
        ("notice.html", "<p id='loginForm'>x</p>", "`id` of `<p>` cannot stand in a page"),
        ("footer.html", "<p>x", "an element is not closed"),
        ("harbour.css", "body{background:url(https://evil.example/x)}", "`url(` cannot stand in a style sheet"),
        ("harbour.css", "</style><script>alert(1)</script>", "`<` cannot stand in a style sheet"),
        ("harbour.css", "@import 'https://evil.example/x.css';", "`@import` cannot stand in a style sheet"),
    ] {
        let before = std::fs::read(file(name)).expect("a file");
        replace_file(&file(name), content.as_bytes());
        let (served, said) = node.reload();
        assert!(!served && said.contains(said_of_it) && said.contains(name), "{content}: {said}");
        assert!(harbour().body.contains(header), "the pages stay: {content}");
        replace_file(&file(name), &before);
    }
}
