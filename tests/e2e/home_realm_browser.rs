//! Chromium and the page that asks where somebody signs in: by mouse, keyboard and program, with and without script, and what it looks
//! like (`CHANCERY_PICTURES`).

use serde_json::{Value, json};

use crate::accessibility::accessible;
use crate::browser::{chromium_with, picture};
use crate::home_realm::{application, provider, two_partners};
use crate::support::{Assertion, Browser, Lab, Node, NodeSetup, claim};

/// Plays scenes against a server of this test's own.
fn play(node: &Node, scenes: &Value, with_ticket: bool) -> Value {
    chromium_with(scenes, with_ticket, Some(&node.hosts()))
}

/// The request that reached a partner.
fn reached<'a>(scene: &'a Value, partner: &str) -> &'a str {
    let url = scene["url"].as_str().expect("an address");
    assert!(url.starts_with(&format!("https://wsfed.rp.example/{partner}?wa=wsignin1.0&")), "{scene}");
    url
}

fn steps(parts: &[Value]) -> Vec<Value> {
    parts.iter().flat_map(|part| part.as_array().expect("steps").clone()).collect()
}

#[test]
fn chromium_chooses_an_organization_by_every_way_there_is() {
    let node = two_partners(NodeSetup::new()).start();
    let address = Browser::address("web", "&wctx=a%26b%3Dc");
    let anew = Browser::address("web", "&wctx=a%26b%3Dc&ChooseHomeRealm=true");
    let page = json!([["open", address], ["wait", "#hrd"]]);
    let ask_anew = json!([["open", anew], ["wait", "#hrd"]]);
    let away = json!([["title", "Relying party"]]);
    let name = format!("alice@{}", Lab::get().domain);
    let scenes = json!([
        { "name": "page", "steps": steps(&[json!([["size", [1280, 800]]]), page.clone(), json!([picture("home-realm"), ["axe"]])]) },
        { "name": "tile", "steps": steps(&[json!([["click", "button[value='urn:north']"]]), away.clone()]) },
        { "name": "remembered", "steps": steps(&[json!([["open", address]]), away.clone()]) },
        { "name": "anew", "steps": ask_anew.clone() },
        { "name": "address", "steps": steps(&[page.clone(), json!([["click", "#emailInput"], ["type", "bob@north.example"], ["enter"]]), away.clone()]) },
        { "name": "wrong", "steps": steps(&[ask_anew.clone(), json!([["click", "#emailInput"], ["type", "bob@nobody.example"], ["enter"], ["wait", "#error:not([hidden])"], picture("home-realm-wrong"), ["axe"]])]) },
        { "name": "keyboard", "steps": steps(&[ask_anew.clone(), json!([["tab"], ["enter"], ["wait", "#passwordInput"], picture("sign-in-another"), ["axe"]])]) },
        { "name": "another", "steps": [["click", "#chooseAnother"], ["wait", "#hrd"]] },
        { "name": "program", "steps": [["run", "HRD.selection('AD AUTHORITY')"], ["wait", "#passwordInput"], ["type", name], ["tab"], ["type", "Alice-Pw-1"], ["enter"], ["wait", "#done"]] },
        { "name": "no-script", "steps": steps(&[json!([["script", false], ["cookies"]]), page.clone(), json!([["click", "button[value='urn:söhne']"]]), away.clone()]) },
        { "name": "small", "steps": steps(&[json!([["script", true], ["cookies"], ["size", [320, 640]]]), page.clone(), json!([picture("home-realm-320"), ["axe"]])]) },
        { "name": "dark", "steps": steps(&[json!([["size", [1280, 800]], ["dark", true]]), page.clone(), json!([picture("home-realm-dark"), ["axe"]])]) },
        { "name": "arabic", "steps": steps(&[json!([["dark", false], ["language", "ar"], ["size", [320, 640]]]), page, json!([picture("home-realm-arabic"), ["axe"]])]) },
    ]);
    let answers = play(&node, &scenes, false);
    accessible(&answers, 6);
    assert!(reached(&answers["tile"], "north").contains("&wctx="));
    reached(&answers["remembered"], "north");
    assert!(answers["anew"]["text"].as_str().is_some_and(|text| text.contains("Where do you sign in?")));
    assert!(reached(&answers["address"], "north").ends_with("&username=bob%40north.example"));
    assert_eq!(answers["wrong"]["focus"], "emailInput", "the address can be mended at once");
    assert!(
        answers["keyboard"]["url"].as_str().is_some_and(|url| url.contains("RedirectToIdentityProvider=AD+AUTHORITY"))
    );
    let received = &answers["program"]["received"][0]["fields"];
    assert_eq!(received["wctx"], "a&b=c");
    let token = Assertion::cut(received["wresult"].as_str().expect("a token"));
    assert_eq!(token.text("Audience"), "urn:e2e:web");
    reached(&answers["no-script"], "sons");
    for scene in ["small", "arabic"] {
        assert!(answers[scene]["width"].as_u64().is_some_and(|width| width <= 320), "{scene} scrolls sideways");
    }
    assert!(answers["arabic"]["html"].as_str().is_some_and(|html| html.contains("dir=\"rtl\"")));
}

#[test]
fn chromium_with_a_ticket_meets_no_page_where_none_may_be() {
    let setup = two_partners(NodeSetup::new());
    application(
        &setup.directory,
        "silent",
        "transform_rules = '''c:[Type == \"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn\"] => issue(claim = c);'''",
    );
    let node = setup.start();
    let either = Browser::address("silent", "&wauth=http%3A%2F%2Fschemas.microsoft.com%2Fclaims%2Fwiaormultiauthn");
    let hint = Browser::address("silent", "&whr=AD%20AUTHORITY");
    let answers = play(
        &node,
        &json!([
            { "name": "silent", "steps": [["open", either], ["wait", "#done"]] },
            { "name": "hint", "steps": [["cookies"], ["open", hint], ["wait", "#done"]] },
        ]),
        true,
    );
    for scene in ["silent", "hint"] {
        let token = answers[scene]["received"][0]["fields"]["wresult"].as_str().expect("a token");
        assert_eq!(Assertion::cut(token).single(claim::UPN_2005), format!("alice@{}", Lab::get().domain));
    }
}

#[test]
fn chromium_finds_one_organization_of_hundreds() {
    let setup = NodeSetup::new().write("trusts/none", "");
    application(&setup.directory, "web", "");
    for number in 0..120 {
        let suffix = format!("account_suffixes = ['p{number}.example']");
        let name = format!("{} {number:03}", ["Contoso", "Fabrikam Manufacturing", "Tailspin Toys"][number % 3]);
        provider(&setup.directory, &format!("p{number}"), &name, &format!("urn:p:{number}"), &suffix);
    }
    let node = setup.start();
    let address = Browser::address("web", "");
    let page = json!([["open", address], ["wait", "#hrdSearch"]]);
    let scenes = json!([
        { "name": "page", "steps": steps(&[json!([["size", [1280, 1000]]]), page.clone(), json!([picture("home-realm-many"), ["axe"]])]) },
        { "name": "search", "steps": [["script", false], ["click", "#searchInput"], ["type", "toys 11"], ["enter"], ["wait", "button[value='urn:p:119']"], picture("home-realm-search"), ["script", true], ["axe"]] },
        { "name": "chosen", "steps": [["click", "button[value='urn:p:119']"], ["title", "Relying party"]] },
        { "name": "small", "steps": steps(&[json!([["script", true], ["cookies"], ["size", [320, 900]], ["language", "de"], ["dark", true]]), page, json!([picture("home-realm-many-320"), ["axe"]])]) },
    ]);
    let answers = play(&node, &scenes, false);
    accessible(&answers, 3);
    assert_eq!(answers["page"]["focus"], "emailInput");
    assert_eq!(answers["search"]["focus"], "searchInput");
    let found = answers["search"]["text"].as_str().expect("a page");
    assert!(found.contains("Tailspin Toys 119") && !found.contains("Contoso"), "{found}");
    reached(&answers["chosen"], "p119");
    assert!(answers["small"]["width"].as_u64().is_some_and(|width| width <= 320), "scrolls sideways");
}
