//! Where somebody signs in: home realm discovery as browsers meet it, by each of its ways, and what a stranger can put into it.

use std::path::Path;

use crate::support::{Browser, HandOver, Lab, Node, NodeSetup, Response, fields, inputs, unescape, variable};

/// The identifier of the local Active Directory.
pub const AD: &str = "AD AUTHORITY";

/// A claims provider's trust file in a server's configuration, with the lab's certificate for relying parties as its own.
pub fn provider(directory: &Path, file: &str, name: &str, identifier: &str, more: &str) {
    let certificate = std::fs::read(format!("{}/tls/rp.pem", variable("LAB"))).expect("a certificate");
    let text = format!(
        "[claims_provider]\nname = '{name}'\nidentifier = '{identifier}'\nprotocol = 'ws_federation'\n\
         sign_in_url = 'https://wsfed.rp.example/{file}'\nsigning_certificates = ['partners.pem']\n{more}\n\
         acceptance_rules = '''c:[Type == \"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn\"] => issue(claim = c);'''\n"
    );
    std::fs::write(directory.join("trusts/partners.pem"), certificate).expect("the trusts are writable");
    std::fs::write(directory.join(format!("trusts/cp-{file}.toml")), text).expect("the trusts are writable");
}

/// A relying party `urn:e2e:<name>`.
pub fn application(directory: &Path, name: &str, keys: &str) {
    let text = format!(
        "[relying_party]\nname = 'Application {name}'\nidentifiers = ['urn:e2e:{name}']\naccess_control_policy = 'permit-everyone'\n{keys}\n\
         [relying_party.ws_federation]\nendpoint = 'https://wsfed.rp.example/signin'\n"
    );
    std::fs::write(directory.join(format!("trusts/rp-{name}.toml")), text).expect("the trusts are writable");
}

/// Two partners, one that is switched off, and applications with and without lists.
pub fn two_partners(setup: NodeSetup) -> NodeSetup {
    let setup = setup.write("trusts/none", "");
    let directory = &setup.directory;
    provider(directory, "north", "Northwind Traders", "urn:north", "account_suffixes = ['north.example']");
    provider(directory, "sons", "Müller & Söhne <b>", "urn:söhne", "");
    provider(directory, "off", "Switched off", "urn:off", "enabled = false\naccount_suffixes = ['off.example']");
    application(directory, "web", "");
    application(directory, "local", "claims_providers = ['Active Directory']");
    application(directory, "north", "claims_providers = ['Northwind Traders', 'urn:off']");
    application(directory, "partners", "claims_providers = ['urn:north', 'Müller & Söhne <b>']");
    application(directory, "off", "claims_providers = ['urn:off']");
    setup
}

pub fn start() -> Node {
    two_partners(NodeSetup::new()).start()
}

pub fn outside(node: &Node) -> Browser {
    Browser::outside().at(&node.address)
}

pub fn encode(text: &str) -> String {
    let plain = |octet: u8| octet.is_ascii_alphanumeric() || octet == b'.';
    text.bytes()
        .map(|octet| if plain(octet) { char::from(octet).to_string() } else { format!("%{octet:02X}") })
        .collect()
}

pub fn is_discovery(answer: &Response) -> bool {
    answer.status == 200 && answer.body.contains("<form method=\"post\" id=\"hrd\"")
}

pub fn is_sign_in(answer: &Response) -> bool {
    answer.status == 200 && inputs(&answer.body).iter().any(|(name, _)| name == "Password")
}

/// Identifiers on the page, in their order.
pub fn choices(page: &Response) -> Vec<String> {
    let pattern = regex::Regex::new("name=\"HomeRealmSelection\" value=\"([^\"]+)\"").expect("a pattern");
    pattern.captures_iter(&page.body).map(|found| unescape(&found[1])).collect()
}

/// Where the answer leads, which must be a partner; decoded parameters.
pub fn departure(answer: &Response, expected: &str) -> Vec<(String, String)> {
    assert_eq!(answer.status, 302, "{}", answer.body);
    let location = answer.header("location").expect("a location");
    let (address, query) = location.split_once('?').expect("a query");
    assert_eq!(address, format!("https://wsfed.rp.example/{expected}"));
    query
        .split('&')
        .map(|pair| pair.split_once('=').expect("a value"))
        .map(|(n, v)| (n.to_owned(), decode(v)))
        .collect()
}

fn decode(text: &str) -> String {
    let mut octets = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        match (first, tail) {
            (b'%', [high, low, tail @ ..]) => {
                let digits = [*high, *low];
                let digits = std::str::from_utf8(&digits).expect("digits");
                octets.push(u8::from_str_radix(digits, 16).expect("an octet"));
                rest = tail;
            }
            _ => {
                octets.push(if *first == b'+' { b' ' } else { *first });
                rest = tail;
            }
        }
    }
    String::from_utf8(octets).expect("text")
}

fn value<'a>(parameters: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let mut values = parameters.iter().filter(|(own, _)| own == name).map(|(_, value)| value.as_str());
    let value = values.next();
    assert_eq!(values.next(), None, "{name} comes once");
    value
}

/// A redirection to this host's own passive address; its query.
pub fn back(answer: &Response) -> String {
    assert_eq!(answer.status, 302, "{}", answer.body);
    let location = answer.header("location").expect("a location");
    location.strip_prefix("/adfs/ls/?").unwrap_or_else(|| panic!("{location} leads elsewhere")).to_owned()
}

#[test]
fn the_page_asks_once_and_the_choice_is_remembered_until_the_person_wants_another() {
    let node = start();
    let browser = outside(&node);
    let address = Browser::address("web", "&wctx=a%26b%3D%20c&unknown=kept");
    let page = browser.get(&address);
    assert!(is_discovery(&page), "{}", page.body);
    assert_eq!(
        choices(&page),
        [AD, "urn:söhne", "urn:north"],
        "the local one, then by name; none that is switched off"
    );
    let text = unescape(&page.body);
    assert!(
        text.contains("To go on to Application web, choose") && text.contains(">Müller & Söhne <b></bdi>"),
        "{text}"
    );
    assert!(page.body.contains("M\u{fc}ller &amp; S\u{f6}hne &lt;b&gt;</bdi>"), "{}", page.body);
    assert!(page.body.len() < 30_000);

    // The tile of a partner.
    let chosen = browser.post(&address, &[("HomeRealmSelection", "urn:north")]);
    let query = back(&chosen);
    assert_eq!(format!("/adfs/ls/?{query}"), format!("{address}&RedirectToIdentityProvider=urn%3Anorth"));
    let sent = browser.get(&format!("/adfs/ls/?{query}"));
    let parameters = departure(&sent, "north");
    assert_eq!(value(&parameters, "wa"), Some("wsignin1.0"));
    let identifier = value(&parameters, "wtrealm").expect("who asks");
    assert!(identifier.ends_with("/adfs/services/trust"), "{identifier}");
    assert_eq!(value(&parameters, "wreply"), Some(&*format!("{}/adfs/ls/", Lab::get().url)));
    assert!(value(&parameters, "wct").is_some_and(|time| time.ends_with('Z')));
    for absent in ["whr", "wauth", "wfresh", "username"] {
        assert_eq!(value(&parameters, absent), None, "{absent}");
    }
    let state = value(&parameters, "wctx").expect("state");
    assert!(state.len() > 100 && !state.contains("urn") && !state.contains("wctx"), "{state}");
    assert!(browser.cookie("__Host-Chancery-Browser").is_some(), "the answer belongs to this browser");
    let cookie = sent.headers.iter().find(|(n, v)| n == "set-cookie" && v.starts_with("MSISIPSelectionPersistent="));
    let (_, cookie) = cookie.expect("the choice is remembered");
    assert_eq!(
        cookie,
        "MSISIPSelectionPersistent=dXJuOm5vcnRo; Path=/adfs; Secure; HttpOnly; SameSite=None; Max-Age=2592000"
    );

    // Remembered, with another state each time.
    let again = departure(&browser.get(&address), "north");
    assert_ne!(value(&again, "wctx"), Some(state));
    departure(&browser.ask("partners", ""), "north");
    // Where it is no candidate, it counts for nothing.
    assert!(is_sign_in(&browser.ask("local", "")));

    // Not me.
    let anew = browser.get(&format!("{address}&ChooseHomeRealm=true"));
    assert!(is_discovery(&anew), "{}", anew.body);
    assert_eq!(browser.cookie("MSISIPSelectionPersistent"), None);
    assert!(is_discovery(&browser.get(&address)));
    let chosen = browser.post(&format!("{address}&ChooseHomeRealm=true"), &[("HomeRealmSelection", AD), ("Email", "")]);
    let query = back(&chosen);
    assert_eq!(format!("/adfs/ls/?{query}"), format!("{address}&RedirectToIdentityProvider=AD+AUTHORITY"));
    let sign_in = browser.get(&format!("/adfs/ls/?{query}"));
    assert!(is_sign_in(&sign_in), "{}", sign_in.body);
    assert_eq!(browser.cookie("MSISIPSelectionPersistent").as_deref(), Some("QUQgQVVUSE9SSVRZ"), "as AD FS writes it");
    let link = regex::Regex::new("<a id=\"chooseAnother\" href=\"([^\"]+)\">").expect("a pattern");
    let another = unescape(&link.captures(&sign_in.body).expect("a way back")[1]);
    assert_eq!(another, format!("{address}&ChooseHomeRealm=true"));

    // And the sign-in goes on as if nothing had been asked.
    let alice = format!("alice@{}", Lab::get().domain);
    let answer = browser.fill_in(&sign_in, &alice, "Alice-Pw-1");
    let form = HandOver::of(&browser.get(answer.header("location").expect("a location")));
    assert_eq!((form.action.as_str(), form.context.as_deref()), ("https://wsfed.rp.example/signin", Some("a&b= c")));
    // Whoever is signed in is not asked, and can change to a partner all the same.
    HandOver::of(&browser.ask("web", ""));
    HandOver::of(&browser.ask("web", "&whr=AD%20AUTHORITY"));
    departure(&browser.ask("web", "&whr=urn%3Anorth"), "north");
    assert!(is_discovery(&browser.ask("web", "&ChooseHomeRealm=true")));
    departure(&browser.ask("north", ""), "north");
}

#[test]
fn an_address_leads_to_its_organization() {
    let node = start();
    let browser = outside(&node);
    let address = Browser::address("web", "&username=old%40nobody.example&wctx=x");
    let page = browser.get(&address);
    assert!(is_discovery(&page));
    assert_eq!(fields(&page.body, "Email"), ["old@nobody.example"]);
    for (typed, expected) in [("Bob@North.Example", "urn%3Anorth"), (" alice@corp.example ", "AD+AUTHORITY")] {
        let form = [("HomeRealmSelection", ""), ("Email", typed), ("HomeRealmByEmail", "Next")];
        let query = back(&browser.post(&address, &form));
        let name = encode_plain(typed.trim());
        assert_eq!(
            query,
            format!(
                "wa=wsignin1.0&wtrealm=urn%3Ae2e%3Aweb&wctx=x&RedirectToIdentityProvider={expected}&username={name}"
            )
        );
        let next = browser.get(&format!("/adfs/ls/?{query}"));
        if expected == "urn%3Anorth" {
            assert_eq!(value(&departure(&next, "north"), "username"), Some(typed));
        } else {
            assert_eq!(fields(&next.body, "UserName"), ["alice@corp.example"]);
        }
    }
    for typed in ["bob@nobody.example", "bob@off.example", "bob@sub.north.example", "bob", "", "@north.example"] {
        let form = [("HomeRealmSelection", ""), ("Email", typed), ("HomeRealmByEmail", "Next")];
        let answer = browser.post(&address, &form);
        assert!(is_discovery(&answer), "{typed}: {}", answer.body);
        assert!(answer.body.contains("No organization here has addresses like this one."), "{typed}: {}", answer.body);
        if !typed.is_empty() {
            assert_eq!(fields(&answer.body, "Email"), [typed], "what was typed stays");
        }
    }
    // Whether there is such an account is nobody's business here.
    let known = |name: &str| {
        back(&browser.post(&address, &[("Email", name), ("HomeRealmByEmail", "Next")])).replace(&encode_plain(name), "")
    };
    assert_eq!(known("alice@corp.example"), known("nobody@corp.example"));
}

fn encode_plain(text: &str) -> String {
    text.replace('@', "%40")
}

#[test]
fn hints_and_lists_spare_the_question() {
    let node = start();
    let own = format!(
        "&whr={}",
        encode(value(&departure(&outside(&node).ask("north", ""), "north"), "wtrealm").expect("ours"))
    );
    for (trust, more, expected) in [
        ("web", "&whr=urn%3Anorth", "north"),
        ("web", "&whr=AD+AUTHORITY", AD),
        ("web", &own, AD),
        ("web", "&whr=urn%3Anobody", ""),
        ("web", "&whr=urn%3Aoff", ""),
        ("web", "&whr=north.example", ""),
        ("web", "&domain_hint=north.example", "north"),
        ("web", "&domain_hint=NORTH.example", "north"),
        ("web", "&domain_hint=urn%3Anorth", "north"),
        ("web", "&domain_hint=corp.example", AD),
        ("web", "&domain_hint=organizations", ""),
        ("web", "&username=bob%40north.example", "north"),
        ("web", "&login_hint=bob%40north.example", "north"),
        ("web", "&login_hint=alice%40corp.example", AD),
        ("web", "&login_hint=bob%40off.example", ""),
        // The order of the reference.
        ("web", "&login_hint=bob%40north.example&whr=AD+AUTHORITY", AD),
        ("web", "&domain_hint=north.example&username=alice%40corp.example", "north"),
        ("web", "&RedirectToIdentityProvider=urn%3Anorth&whr=AD+AUTHORITY", "north"),
        ("local", "&whr=urn%3Anorth", AD),
        ("local", "", AD),
        ("north", "", "north"),
        ("north", "&whr=AD+AUTHORITY", "north"),
        ("partners", "", ""),
        ("partners", "&whr=AD+AUTHORITY", ""),
        ("partners", "&login_hint=alice%40corp.example", ""),
    ] {
        let answer = outside(&node).ask(trust, more);
        match expected {
            AD => assert!(is_sign_in(&answer), "{trust} {more}: {} {}", answer.status, answer.body),
            "" => assert!(is_discovery(&answer), "{trust} {more}: {} {}", answer.status, answer.body),
            partner => drop(departure(&answer, partner)),
        }
    }
    // The list of a page is the list of its application.
    assert_eq!(choices(&outside(&node).ask("partners", "")), ["urn:söhne", "urn:north"]);
    // No way to another organization where there is none.
    assert!(!outside(&node).ask("local", "").body.contains("chooseAnother"));
    // What is demanded of the authentication is demanded of the partner.
    let password = "http%3A%2F%2Fschemas.microsoft.com%2Fws%2F2008%2F06%2Fidentity%2Fauthenticationmethod%2Fpassword";
    let sent = departure(&outside(&node).ask("north", &format!("&wfresh=0&wauth={password}")), "north");
    assert_eq!(value(&sent, "wfresh"), Some("0"));
    assert_eq!(value(&sent, "wauth"), Some("urn:oasis:names:tc:SAML:1.0:am:password"));
    let refused = outside(&node).ask("off", "");
    assert_eq!(refused.status, 500, "{}", refused.body);
    assert!(refused.body.contains("MSIS7066") && refused.body.contains("no organization can give"), "{}", refused.body);
}

#[test]
fn whoever_sees_no_page_never_gets_one() {
    let node = start();
    let lab = Lab::get();
    let at = |browser: Browser| browser.at(&node.address);
    let either = "&wauth=http%3A%2F%2Fschemas.microsoft.com%2Fclaims%2Fwiaormultiauthn";
    let windows = "&wauth=urn%3Afederation%3Aauthentication%3Awindows";
    for more in [either, windows] {
        let browser = at(Browser::other());
        let door = back_to_windows(&browser.ask("web", more));
        let challenge = browser.get(&door);
        assert_eq!((challenge.status, challenge.header("www-authenticate")), (401, Some("Negotiate")));
        assert!(inputs(&challenge.body).is_empty(), "{}", challenge.body);
        HandOver::of(&browser.request(&door).negotiate(&lab.kinit("alice", "alice")).send());
        // From outside it is a method that is not there, and no question.
        let refused = outside(&node).ask("web", more);
        assert!(refused.status == 500 && refused.body.contains("MSIS7102"), "{}", refused.body);
        // And where only partners may sign users in, nobody can be asked.
        let refused = at(Browser::other()).ask("partners", more);
        assert!(refused.status == 500 && refused.body.contains("MSIS7066"), "{}", refused.body);
        departure(&at(Browser::other()).ask("partners", &format!("{more}&whr=urn%3Anorth")), "north");
    }
    assert!(is_sign_in(&outside(&node).ask("web", "&prompt=none")));
    let wrong = [("HomeRealmSelection", "urn:nobody")];
    let refused = outside(&node).post(&Browser::address("web", "&prompt=none"), &wrong);
    assert!(refused.status == 500 && refused.body.contains("MSIS7066"), "{}", refused.body);
    assert_eq!(outside(&node).ask("partners", "&prompt=none&ChooseHomeRealm=true").status, 500);
    for agent in ["MSAuthHost/1.0/In-Domain", "Windows-AzureAD-Authentication-Provider/1.0"] {
        let browser = at(Browser::other());
        let answer = browser.request(&Browser::address("web", "")).header("User-Agent", agent).send();
        back_to_windows(&answer);
    }
    // A computer on the intranet that joins Entra, and a person outside.
    let entra = "/adfs/ls/?wa=wsignin1.0&wtrealm=urn%3Afederation%3AMicrosoftOnline";
    back_to_windows(&at(Browser::windows()).get(entra));
    assert!(is_discovery(&outside(&node).get(entra)));
}

/// The address of Negotiate that the answer leads to.
fn back_to_windows(answer: &Response) -> String {
    assert_eq!(answer.status, 302, "{}", answer.body);
    let location = answer.header("location").expect("a location");
    assert!(location.starts_with("/adfs/ls/wia?"), "{location}");
    location.to_owned()
}

#[test]
fn the_intranet_can_belong_to_the_local_directory() {
    let node = start();
    let asked = Browser::windows().at(&node.address).ask("web", "");
    assert!(is_discovery(&asked), "off by default: {}", asked.body);
    let setup = NodeSetup::new()
        .replace("[sign_in]\n", "[sign_in]\nintranet_use_local_claims_provider = true\nhrd_cookie = false\n");
    let setup = setup.replace("[entra]\n", "[entra]\nclaims_providers = [\"Active Directory\"]\n");
    let node = two_partners(setup).start();
    let inside = Browser::windows().at(&node.address);
    let door = back_to_windows(&inside.ask("web", ""));
    // The page in the 401 leads to the others.
    assert!(inside.get(&door).body.contains("chooseAnother"));
    departure(&inside.ask("web", "&whr=urn%3Anorth"), "north");
    assert!(is_discovery(&inside.ask("partners", "")));
    assert!(is_discovery(&inside.ask("web", "&ChooseHomeRealm=true")));
    let outside = outside(&node);
    assert!(is_sign_in(&outside.get("/adfs/ls/?wa=wsignin1.0&wtrealm=urn%3Afederation%3AMicrosoftOnline")));
    assert!(is_discovery(&outside.ask("web", "")));
    departure(&outside.ask("web", "&RedirectToIdentityProvider=urn%3Anorth"), "north");
    assert_eq!(outside.cookie("MSISIPSelectionPersistent"), None, "switched off");
}
