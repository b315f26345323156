//! Domain controllers stop answering: one of two, then all.
//!
//! Only the second controller is paused, and only servers of these tests have it first, so that no other test notices.

use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::attribute_stores::{ask, audit, trust};
use crate::support::{
    Browser, Lab, Node, NodeSetup, Response, WINDOWS, claim, eventually, request, run, script, variable,
};

#[test]
fn sign_ins_go_on_while_one_of_two_controllers_is_paused() {
    let second = SecondController::up();
    let node = with_controllers(&[&variable("LAB_DC2"), &variable("LAB_DC")])
        // Every sign-in asks the directory.
        .write("trusts/mail.toml", MAIL)
        .append("[directory]\nattribute_cache_seconds = 0\nconnect_timeout_seconds = 2\nquery_timeout_seconds = 8\n")
        .start();
    let tickets = Lab::get().kinit("alice", "alice");
    let by_ticket =
        || node.curl(WINDOWS).negotiate(&tickets).soap(request(WINDOWS).applies_to("urn:test:mail").build()).send();
    let first = by_ticket();
    assert_eq!(first.status, 200, "{first:?}");
    assert!(first.body.contains(&format!(">{}<", alice())), "the mail address is in the token: {first:?}");
    let done = AtomicBool::new(false);
    let answers = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for client in 0..4 {
            let (node, done, answers, by_ticket) = (&node, &done, &answers, &by_ticket);
            scope.spawn(move || {
                while !done.load(Ordering::Relaxed) {
                    let began = Instant::now();
                    let answer = if client == 0 { node.token_of_user(&alice(), "Alice-Pw-1") } else { by_ticket() };
                    answers.lock().expect("a lock").push((client, began.elapsed(), answer.status));
                }
            });
        }
        std::thread::sleep(Duration::from_secs(1));
        second.pause();
        let paused = Instant::now();
        std::thread::sleep(Duration::from_secs(9));
        second.go_on();
        std::thread::sleep(Duration::from_secs(1));
        done.store(true, Ordering::Relaxed);
        assert!(paused.elapsed() > Duration::from_secs(9));
    });
    let answers = answers.into_inner().expect("answers");
    let bad: Vec<_> = answers.iter().filter(|(_, _, status)| *status != 200).collect();
    assert!(bad.is_empty(), "{} of {} failed: {bad:?}", bad.len(), answers.len());
    // Kerberos libraries wait ten seconds for a controller that took the connection: passwords are slower than tickets.
    let slowest = |clients: std::ops::Range<usize>| {
        let took = answers.iter().filter(|(client, _, _)| clients.contains(client)).map(|(_, took, _)| *took);
        took.max().expect("answers")
    };
    assert!(slowest(1..4) < Duration::from_secs(9), "the slowest by ticket took {:?}", slowest(1..4));
    assert!(slowest(0..1) < Duration::from_secs(15), "the slowest by password took {:?}", slowest(0..1));
    node.logged(&paused_controller_failed());
    // The controller that does not answer is left alone: it does not slow every sign-in.
    assert!(answers.len() > 20, "only {} answers", answers.len());
}

#[test]
fn when_all_controllers_are_down_known_accounts_sign_in_and_others_are_told_to_come_again() {
    let second = SecondController::up();
    // Two ways to be down: one takes connections and answers none, the other refuses them.
    let node3 = format!("node3.{}", variable("LAB_DOMAIN"));
    let node = with_controllers(&[&variable("LAB_DC2"), &node3])
        .append("[directory]\nconnect_timeout_seconds = 2\nquery_timeout_seconds = 4\n")
        .start();
    // Tickets come from the first controller, which runs.
    let cold = Lab::get().kinit("ws02", "WS02$");
    run(Command::new("kvno").arg("-c").arg(&cold).arg(format!("HTTP/{}", variable("LAB_HOST"))));
    let warm = node.token_of_computer();
    assert_eq!(warm.status, 200, "{warm:?}");

    second.pause();
    let began = Instant::now();
    assert_eq!(node.token_of_computer().status, 200, "a known computer");
    assert!(began.elapsed() < Duration::from_secs(2), "a known computer needs no directory");

    let began = Instant::now();
    let refused = sign_in(&node, &cold);
    let took = began.elapsed();
    assert_eq!(refused.status, 503, "{refused:?}");
    assert!(refused.body.contains("EndpointUnavailable"), "{refused:?}");
    assert!(refused.header("retry-after").is_some(), "{refused:?}");
    assert!(took < Duration::from_secs(8), "answered after {took:?}");

    node.logged(&paused_controller_failed());
    // What all nodes share must not take all of them out of the balancer.
    assert_eq!(node.health("/healthz/ready"), 200);
    assert_eq!(node.health("/healthz/live"), 200);

    // A password needs a domain controller: not the client's fault either.
    let password = node.token_of_user(&alice(), "Alice-Pw-1");
    assert_eq!(password.status, 503, "{password:?}");

    second.go_on();
    eventually("the computer's token after recovery", || sign_in(&node, &cold).status == 200);
    eventually("the user's token after recovery", || node.token_of_user(&alice(), "Alice-Pw-1").status == 200);
}

/// People need more of the directory than computers do: their anchor in the cloud, which their ticket does not have.
#[test]
fn when_all_controllers_are_down_known_people_sign_in_too() {
    let second = SecondController::up();
    let node3 = format!("node3.{}", variable("LAB_DOMAIN"));
    crate::support::Trusts::get();
    let node = with_controllers(&[&variable("LAB_DC2"), &node3])
        .append("[directory]\nconnect_timeout_seconds = 2\nquery_timeout_seconds = 4\n")
        .write("trusts/web.toml", std::fs::read(crate::support::Trusts::file("web")).expect("a trust"))
        .start();
    // Tickets come from the first controller, which runs.
    let tickets = |name: &str| {
        let cache = Lab::get().kinit(name, name);
        run(Command::new("kvno").arg("-c").arg(&cache).arg(format!("HTTP/{}", variable("LAB_HOST"))));
        cache
    };
    let (warm, cold) = (tickets("alice"), tickets("bob"));
    let before = sign_in(&node, &warm);
    assert_eq!(before.status, 200, "{before:?}");
    let browser = Browser::other().at(&node.address);
    browser.sign_in("web", &alice(), "Alice-Pw-1");

    second.pause();
    let claims = |answer: &Response| {
        let token = crate::support::Assertion::cut(&answer.body);
        (token.single(claim::UPN), token.single(claim::IMMUTABLE_ID), token.text("NameIdentifier"))
    };
    let during = sign_in(&node, &warm);
    assert_eq!(during.status, 200, "{during:?}");
    assert_eq!(claims(&during), claims(&before));
    assert_eq!(claims(&during).0, alice());
    // Who has a session in the browser goes on with it.
    crate::support::HandOver::of(&browser.ask("web", ""));

    let refused = sign_in(&node, &cold);
    assert_eq!(refused.status, 503, "{refused:?}");
    assert!(refused.body.contains("EndpointUnavailable"), "{refused:?}");
    assert!(refused.header("retry-after").is_some(), "{refused:?}");
    // It is said what failed, and nobody is refused for good.
    let events = crate::support::Audit::of(node.directory.join("audit.jsonl"), &refused.correlation);
    assert_eq!(events.event(1201)["FailureType"], "ServiceError");

    second.go_on();
    eventually("bob's token after recovery", || sign_in(&node, &cold).status == 200);
}

/// A rule's question that nobody answers ends in no token and an event of its own, whichever store was asked; a relying party whose rules
/// ask nothing goes on.
#[test]
fn a_directory_that_does_not_answer_a_rule_yields_no_token() {
    let second = SecondController::up();
    let store = format!(
        "[[attribute_stores]]\nname = \"AD LDS\"\nquery_timeout_seconds = 2\nconnect_timeout_seconds = 2\n[attribute_stores.ldap]\n\
         servers = [\"{}\"]\nbase_dn = \"{}\"\nca_file = \"{}\"\n\
         bind.simple = {{ user = \"svc-ldap@{}\", password_file = \"ldap-password\" }}\n",
        variable("LAB_DC2"),
        variable("LAB_BASE_DN"),
        variable("LAB_DC_CA"),
        Lab::get().domain
    );
    let asks = |name: &str, store: &str, query: &str| trust(name, &ask(store, &["mail"], query, &["c.Value"]));
    let node = with_controllers(&[&variable("LAB_DC2")])
        .write("ldap-password", "Svc-Ldap-Pw-1\n")
        .append(&store)
        .append("[directory]\nattribute_cache_seconds = 0\nconnect_timeout_seconds = 2\nquery_timeout_seconds = 3\n")
        .write("trusts/ad.toml", asks("ad", "Active Directory", ";mail;{0}"))
        .write("trusts/groups.toml", asks("groups", "Active Directory", ";tokenGroups;{0}"))
        .write("trusts/lds.toml", asks("lds", "AD LDS", "(sAMAccountName=alice);mail"))
        .write("trusts/none.toml", trust("none", "c:[Type =~ \"/upn$\"] => issue(claim = c);"))
        .start();
    let tickets = Lab::get().kinit("alice", "alice");
    let ask_for = |name: &str| {
        let rst = request(WINDOWS).applies_to(&format!("urn:test:{name}")).build();
        node.curl(WINDOWS).negotiate(&tickets).soap(rst).send()
    };
    for name in ["ad", "groups", "lds", "none"] {
        let answer = ask_for(name);
        assert_eq!(answer.status, 200, "{name}: {}\n{}", answer.body, node.log());
    }
    second.pause();
    for (name, store) in [("ad", "Active Directory"), ("groups", "Active Directory"), ("lds", "AD LDS")] {
        let refused = ask_for(name);
        assert_eq!(refused.status, 503, "{name}: {}", refused.body);
        assert!(!refused.body.contains("Assertion"), "{name}: {}", refused.body);
        let event = audit(&node, &refused).event(9002);
        assert_eq!(event["AttributeStore"], store, "{event}");
        assert_eq!((&event["ErrorCode"], &event["Retryable"]), (&"POLICY0018".into(), &true.into()), "{event}");
        assert_eq!(event["Rule"], "issuance transform, rule 1", "{event}");
    }
    assert_eq!(ask_for("none").status, 200, "its rules ask nothing");
    second.go_on();
    for name in ["ad", "groups", "lds"] {
        eventually("the answer comes again", || ask_for(name).status == 200);
    }
}

/// Whoever comes again after an outage is no thief.
#[test]
fn a_refresh_that_met_an_outage_is_good_when_it_comes_again() {
    let second = SecondController::up();
    let node3 = format!("node3.{}", variable("LAB_DOMAIN"));
    let client = "[client]\nid = \"outage-client\"\nkind = \"native\"\ngrants = [\"password\", \"refresh_token\"]\n";
    let node = with_controllers(&[&variable("LAB_DC2"), &node3])
        .append("[directory]\nconnect_timeout_seconds = 2\nquery_timeout_seconds = 4\n")
        .append("[oauth]\nrefresh_grace_seconds = 0\n")
        .write("trusts/outage-client.toml", client)
        .start();
    let ask = |fields: &[(&str, &str)]| {
        let fields = [fields, &[("client_id", "outage-client")]].concat();
        let form = crate::support::oauth::form(&fields);
        node.curl("/adfs/oauth2/token").header("Content-Type", "application/x-www-form-urlencoded").post(form).send()
    };
    let name = alice();
    let fields = [("grant_type", "password"), ("username", &*name), ("password", "Alice-Pw-1"), ("scope", "openid")];
    let tokens = crate::support::oauth::json(&ask(&fields));
    let token = tokens["refresh_token"].as_str().unwrap_or_else(|| panic!("{tokens}"));
    let refresh = || ask(&[("grant_type", "refresh_token"), ("refresh_token", token)]);

    second.pause();
    let refused = refresh();
    assert_eq!(refused.status, 503, "{refused:?}");
    assert!(refused.header("retry-after").is_some(), "{refused:?}");

    second.go_on();
    eventually("the same refresh token after recovery", || {
        let answer = refresh();
        assert!(matches!(answer.status, 200 | 503), "{answer:?}");
        answer.status == 200
    });
    let again = refresh();
    assert_eq!(again.status, 400, "once used it is used: {again:?}");
}

/// The Kerberos library waits ten seconds for a controller that takes the connection and then says nothing.
#[test]
fn passwords_go_to_the_controller_that_answers() {
    let second = SecondController::up();
    let node = with_controllers(&[&variable("LAB_DC2"), &variable("LAB_DC")])
        .append("[directory]\nconnect_timeout_seconds = 2\nquery_timeout_seconds = 8\n")
        .start();
    let first_kdc = || {
        let conf = std::fs::read_to_string(node.directory.join("state/krb5.conf")).expect("a krb5.conf");
        let realm = conf.split(&format!("{} = {{", Lab::get().realm)).nth(1).expect("the realm").to_owned();
        realm.lines().find_map(|line| line.trim().strip_prefix("kdc = ").map(str::to_owned)).expect("a KDC")
    };
    let sign_in = || node.token_of_user(&alice(), "Alice-Pw-1");
    assert_eq!(sign_in().status, 200);
    assert_eq!(first_kdc(), variable("LAB_DC2"), "the configured order");

    second.pause();
    // Also the sign-in that finds it out succeeds, within the time of one check.
    eventually("another order of KDCs", || {
        let began = Instant::now();
        let answer = sign_in();
        assert_eq!(answer.status, 200, "{answer:?}");
        assert!(began.elapsed() < Duration::from_secs(15), "a sign-in took {:?}", began.elapsed());
        first_kdc() == variable("LAB_DC")
    });
    // The library looks at the file once in a second.
    let quick = || {
        let began = Instant::now();
        assert_eq!(sign_in().status, 200);
        began.elapsed() < Duration::from_secs(5)
    };
    eventually("a password that does not wait for the paused controller", quick);
    assert!((0..5).all(|_| quick()), "a password waited for the paused controller");

    second.go_on();
    eventually("the configured order", || first_kdc() == variable("LAB_DC2"));
    assert_eq!(sign_in().status, 200);
}

/// Needs an attribute that no ticket holds.
const MAIL: &str = r#"
[relying_party]
name = "Mail"
identifiers = ["urn:test:mail"]
access_control_policy = "permit-everyone"
transform_rules = '''c:[Type == "http://schemas.microsoft.com/ws/2008/06/identity/claims/windowsaccountname", Issuer == "AD AUTHORITY"]
 => issue(store = "Active Directory", types = ("http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress"), query = ";mail;{0}", param = c.Value);'''
"#;

/// The second domain controller, on a copy of the first one's database; one test at a time has it.
pub struct SecondController {
    _turn: MutexGuard<'static, ()>,
}

impl SecondController {
    pub fn up() -> Self {
        static TURN: Mutex<()> = Mutex::new(());
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        command("up");
        Self { _turn: turn }
    }

    fn pause(&self) {
        command("stop");
    }

    fn go_on(&self) {
        command("cont");
    }
}

impl Drop for SecondController {
    fn drop(&mut self) {
        // It ends even when it is paused.
        let _ = Command::new(script("dc2")).arg("down").status();
    }
}

fn command(what: &str) {
    run(Command::new(script("dc2")).arg(what));
}

pub fn with_controllers(controllers: &[&str]) -> NodeSetup {
    let before = format!("domain_controllers = [\"{}\", \"{}\"]", variable("LAB_DC"), variable("LAB_DC2"));
    NodeSetup::new()
        .replace(&before, &format!("domain_controllers = {controllers:?}"))
        .environment("CHANCERY__SERVER__LOG__LEVEL", "info,chancery::directory=debug")
}

/// The line that shows that the paused controller was the one in use.
fn paused_controller_failed() -> String {
    format!("domain controller failed server={}:636", variable("LAB_DC2"))
}

fn sign_in(node: &Node, tickets: &std::path::Path) -> Response {
    let rst = request(WINDOWS).build();
    node.curl(WINDOWS).negotiate(tickets).soap(rst).send()
}

fn alice() -> String {
    format!("alice@{}", variable("LAB_DOMAIN"))
}
