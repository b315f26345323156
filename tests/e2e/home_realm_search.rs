//! The page that asks where somebody signs in, where there are hundreds of organizations.

use crate::home_realm::{application, back, choices, departure, encode, provider};
use crate::support::{Browser, NodeSetup, fields, inputs, unescape};

#[test]
fn hundreds_of_organizations_are_searched_without_script() {
    let setup = NodeSetup::new().write("trusts/none", "");
    application(&setup.directory, "web", "");
    for number in 0..300 {
        let suffix = format!("account_suffixes = ['p{number}.example']");
        provider(
            &setup.directory,
            &format!("p{number}"),
            &format!("Partner {number:03}"),
            &format!("urn:p:{number}"),
            &suffix,
        );
    }
    let node = setup.start();
    let browser = Browser::outside().at(&node.address);
    let page = browser.ask("web", "&wctx=a%26b&ChooseHomeRealm=true");
    assert_eq!(choices(&page).len(), 10);
    assert!(page.body.contains("Organizations shown: 10 of 301") && page.body.len() < 30_000, "{}", page.body);
    let search = |text: &str| {
        let form =
            page.body.split("id=\"hrdSearch\"").nth(1).expect("a search").split("</form>").next().expect("its end");
        let parameters: Vec<String> = inputs(form)
            .iter()
            .map(|(name, value)| format!("{name}={}", encode(if name == "HomeRealmSearch" { text } else { value })))
            .collect();
        browser.get(&format!("/adfs/ls/?{}", parameters.join("&")))
    };
    let found = search("partner 17");
    assert_eq!(choices(&found), (170..180).map(|number| format!("urn:p:{number}")).collect::<Vec<_>>());
    assert_eq!(choices(&search("P42.Exam")), ["urn:p:42"], "by suffix, too");
    assert_eq!(fields(&found.body, "HomeRealmSearch"), ["partner 17"]);
    let none = search("\"'><script>alert(1)</script>");
    assert!(none.body.contains("No organization has this in its name.") && !none.body.contains("<script>alert"));
    assert!(choices(&none).is_empty());
    // The choice is one of the request, not of the search.
    let action = unescape(
        found.body.split("id=\"hrdTiles\" action=\"").nth(1).expect("a form").split('"').next().expect("an end"),
    );
    let query = back(&browser.post(&action, &[("HomeRealmSelection", "urn:p:171")]));
    assert_eq!(query, "wa=wsignin1.0&wtrealm=urn%3Ae2e%3Aweb&wctx=a%26b&RedirectToIdentityProvider=urn%3Ap%3A171");
    departure(&browser.get(&format!("/adfs/ls/?{query}")), "p171");
}
