//! Where a password comes from: addresses that get no answer, and places that an account is known to sign in from.

use crate::support::{Browser, HandOver, Node, NodeSetup, Response, replace};
use crate::throwaway::Account;

const TRUST: &str = "[relying_party]\nname = \"Places\"\nidentifiers = [\"urn:e2e:places\"]\n\
    access_control_policy = \"permit-everyone\"\n\
    transform_rules = '''c:[Type == \"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn\"] => issue(claim = c);'''\n\
    ws_federation = { endpoint = \"https://rp.example/wsfed\" }\n";

fn node(settings: &str) -> Node {
    NodeSetup::new().append(settings).write("trusts/places.toml", TRUST).start()
}

/// Signs in from an address outside; what the form is answered.
fn attempt(node: &Node, address: &'static str, account: &Account, password: &str) -> Response {
    let browser = Browser::outside().from(address).at(&node.address);
    let answer = browser.fill_in(&browser.ask("places", ""), &account.upn(), password);
    if answer.status == 302 {
        HandOver::of(&browser.get(answer.header("location").expect("a location")));
    }
    answer
}

fn is_refused(answer: &Response) -> bool {
    answer.status == 200 && answer.body.contains("The user name or the password is not right.")
}

#[test]
fn a_banned_address_gets_no_answer_from_the_domain_until_it_is_banned_no_more() {
    let list = "banned_networks = [\"127.0.0.45/32\", \"198.51.100.0/24\"]";
    let node = node(&format!("[lockout]\n{list}\n"));
    let account = Account::new("banned").create();
    for password in ["Wrong-1", &account.password] {
        let refused = attempt(&node, "127.0.0.45", &account, password);
        assert!(is_refused(&refused), "{password}: {}", refused.body);
    }
    node.audited(411, "127.0.0.45");
    assert_eq!(account.bad_passwords(), 0, "the domain was not asked");
    assert_eq!(attempt(&node, "127.0.0.46", &account, &account.password).status, 302, "others go on");

    replace(&node.file(), list, "banned_networks = [\"198.51.100.0/24\"]");
    let (served, said) = node.reload();
    assert!(served, "{said}");
    assert_eq!(attempt(&node, "127.0.0.45", &account, &account.password).status, 302);
    account.delete();
}

#[test]
fn a_guesser_elsewhere_does_not_keep_the_owner_out_of_a_familiar_place() {
    let node = node("[lockout]\nthreshold = 4\nunknown_threshold = 3\n");
    let account = Account::new("places").create();
    assert_eq!(attempt(&node, "127.0.0.51", &account, &account.password).status, 302, "the owner, at home");
    for _ in 0..5 {
        assert!(is_refused(&attempt(&node, "127.0.0.52", &account, "Wrong-1")));
    }
    // Not even by the right password, nor from a third place; and the domain has seen no more than the threshold.
    for place in ["127.0.0.52", "127.0.0.53"] {
        assert!(is_refused(&attempt(&node, place, &account, &account.password)), "{place}");
    }
    assert_eq!(account.bad_passwords(), 3);
    node.audited(1210, &account.name);
    assert_eq!(attempt(&node, "127.0.0.51", &account, &account.password).status, 302, "at home all the while");
    // The owner's own mistake there is one of theirs, and the intranet is familiar to everybody.
    assert!(is_refused(&attempt(&node, "127.0.0.51", &account, "Mistyped-1")));
    let inside = Browser::other().at(&node.address);
    let answer = inside.fill_in(&inside.ask("places", ""), &account.upn(), &account.password);
    assert_eq!(answer.status, 302, "{}", answer.body);
    account.delete();
}
