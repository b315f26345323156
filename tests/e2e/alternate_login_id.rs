//! Signing in by an attribute other than the user principal name: `mail`, over both domains.

use crate::support::{Assertion, Browser, HandOver, Lab, Node, NodeSetup, Response, Trusts, inputs, unescape};
use crate::throwaway::Account;

const CLAIM: &str = "http://schemas.microsoft.com/ws/2013/11/alternateloginid";

/// A server of the lab's with alternate login ids.
fn node() -> Node {
    let trust = r#"[relying_party]
name = "Alternate"
identifiers = ["urn:e2e:alternate"]
access_control_policy = "permit-everyone"
transform_rules = '''
c:[Type =~ "(/claims/(upn|primarysid)|alternateloginid)$"] => issue(claim = c);
c:[Type == "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn"]
 => issue(Type = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier", Value = c.Value);'''
ws_federation = { endpoint = "https://rp.example/wsfed" }
"#;
    NodeSetup::new()
        .append("[sign_in.alternate_login_id]\nattribute = \"mail\"")
        .write("trusts/alternate.toml", trust)
        .start()
}

fn account(what: &str, mail: &str) -> Account {
    Account::new(what).with(&format!("userAccountControl: 512\nmail: {mail}")).create()
}

/// A mail address that nobody has, outside every domain of the configuration.
fn address() -> String {
    let tag: String = std::iter::repeat_with(fastrand::lowercase).take(10).collect();
    format!("Some.{tag}@mail.example")
}

fn sign_in(browser: &Browser, name: &str, password: &str) -> Response {
    browser.fill_in(&browser.ask("alternate", ""), name, password)
}

fn token(browser: &Browser, answer: &Response) -> Assertion {
    assert_eq!(answer.status, 302, "{}", answer.body);
    Assertion::cut(&HandOver::of(&browser.get(answer.header("location").expect("a location"))).result)
}

#[test]
fn a_mail_address_signs_in_to_the_account_that_has_it() {
    Trusts::get();
    let (node, mail) = (node(), address());
    let known = account("mail", &mail);
    let outside = || Browser::outside().at(&node.address);
    // As the directory compares it, and told as the directory has it.
    for typed in [mail.clone(), mail.to_uppercase()] {
        let browser = outside();
        let token = token(&browser, &sign_in(&browser, &typed, &known.password));
        assert_eq!(token.single(CLAIM), mail);
        assert_eq!(token.single(crate::support::claim::UPN_2005), known.upn());
    }
    // The other names go on to work, and make no such claim.
    let browser = outside();
    let by_upn = token(&browser, &sign_in(&browser, &known.upn(), &known.password));
    assert!(!by_upn.xml.contains("alternateloginid"), "{}", by_upn.xml);
    // Nobody has it: it is a user principal name, which nobody has either.
    let refused = sign_in(&outside(), &address(), &known.password);
    assert!(refused.body.contains("The user name or the password is not right."), "{}", refused.body);
    let reply = node.token_of_user(&mail, &known.password);
    assert_eq!(reply.status, 200, "usernamemixed: {}", reply.body);
}

#[test]
fn an_address_of_two_accounts_is_nobodys() {
    Trusts::get();
    let (node, mail) = (node(), address());
    let (one, two) = (account("one", &mail), account("two", &mail));
    let mut pages = Vec::new();
    for password in [&one.password, &two.password, &String::from("Wrong-1")] {
        let browser = Browser::outside().from("127.0.0.41").at(&node.address);
        let answer = sign_in(&browser, &mail, password);
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert!(answer.body.contains("The user name or the password is not right."), "{}", answer.body);
        pages.push(answer);
    }
    assert_eq!(one.bad_passwords() + two.bad_passwords(), 0, "the domain was not asked");
    let browser = Browser::outside().from("127.0.0.41").at(&node.address);
    let unknown = sign_in(&browser, &address(), &one.password);
    let text = |page: &Response| {
        unescape(
            page.body.split("<span id=\"errorText\">").nth(1).expect("a notice").split('<').next().expect("a text"),
        )
    };
    assert_eq!(text(&unknown), text(&pages[0]));
    assert_eq!(inputs(&unknown.body).len(), inputs(&pages[0].body).len());
}

/// Two real domains without trust between them: whose it is in the second is found, and an id of both is nobody's.
#[test]
fn an_id_is_looked_up_in_both_domains() {
    Trusts::get();
    let (node, theirs, both) = (node(), address(), address());
    let realm = &Lab::get().other_realm;
    let with_mail = |what: &str, mail: &str| Account::new(what).with(&format!("userAccountControl: 512\nmail: {mail}"));
    let known = with_mail("far", &theirs).create_in(realm);
    let browser = Browser::outside().from("127.0.0.43").at(&node.address);
    let token = token(&browser, &sign_in(&browser, &theirs, &known.password));
    assert_eq!(token.single(CLAIM), theirs);
    assert_eq!(token.single(crate::support::claim::UPN_2005), format!("{}@{}", known.name, realm.to_lowercase()));

    let (here, there) = (account("here", &both), with_mail("there", &both).create_in(realm));
    for password in [&here.password, &there.password] {
        let browser = Browser::outside().from("127.0.0.43").at(&node.address);
        let answer = sign_in(&browser, &both, password);
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert!(answer.body.contains("The user name or the password is not right."), "{}", answer.body);
    }
    assert_eq!(here.bad_passwords(), 0, "the domain was not asked");
    // Each by its own name.
    for name in [here.upn(), format!("{}@{}", there.name, realm.to_lowercase())] {
        let browser = Browser::outside().from("127.0.0.43").at(&node.address);
        assert_eq!(sign_in(&browser, &name, &here.password).status, 302, "{name}");
    }
}

#[test]
fn bad_passwords_by_either_name_are_counted_together() {
    Trusts::get();
    let (node, mail) = (node(), address());
    let known = account("count", &mail);
    let attempt =
        |name: &str, password: &str| sign_in(&Browser::outside().from("127.0.0.42").at(&node.address), name, password);
    for name in [mail.clone(), known.upn(), mail.clone(), known.upn(), mail.clone()] {
        attempt(&name, "Wrong-1");
    }
    for name in [&mail, &known.upn()] {
        let locked = attempt(name, &known.password);
        assert_eq!(locked.status, 200, "{name} is locked: {}", locked.body);
    }
    assert!(known.bad_passwords() <= 5, "{}", known.bad_passwords());
}

#[test]
fn an_expired_password_is_changed_by_the_same_name() {
    Trusts::get();
    let (node, mail) = (node(), address());
    let known = Account::new("exp").with(&format!("userAccountControl: 512\npwdLastSet: 0\nmail: {mail}")).create();
    let browser = Browser::other().at(&node.address);
    let page = sign_in(&browser, &mail, &known.password);
    assert!(page.body.contains("Your password has expired. Choose a new one"), "{}", page.body);
    let mut fields = inputs(&page.body);
    for (field, value) in &mut fields {
        match field.as_str() {
            "OldPassword" => *value = known.password.clone(),
            "NewPassword" | "ConfirmNewPassword" => *value = "Changed-By-Mail-2".into(),
            _ => {}
        }
    }
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let done = browser.post(&crate::support::action(&page.body), &fields);
    assert!(done.body.contains("Your password is changed"), "{}", done.body);
    let token = token(&browser, &sign_in(&browser, &mail, "Changed-By-Mail-2"));
    assert_eq!(token.single(CLAIM), mail);
}
