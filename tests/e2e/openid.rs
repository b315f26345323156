//! Users of a real `OpenID` provider (oidc-provider-mock, on Authlib) sign in and out; and what a stranger could do with its answers.
//!
//! The provider is installed by tests/lab/setup. It forgets its clients when it rolls its key, so these tests take turns.

use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::home_realm::application;
use crate::support::{
    Assertion, Audit, Browser, Curl, HandOver, Node, NodeSetup, Response, claim, eventually, run, script, variable,
};

const PROVIDER: &str = "https://op.partner.example";

struct World {
    node: Node,
    _turn: MutexGuard<'static, ()>,
}

fn redirect_uri() -> String {
    format!("https://{}/adfs/ls/", variable("LAB_HOST"))
}

/// A client of the provider: its id and secret.
fn register() -> (String, String) {
    let body = serde_json::json!({ "redirect_uris": [redirect_uri()] }).to_string();
    let answer = Curl::new(&format!("{PROVIDER}/oauth2/clients"))
        .args(["--header", "Content-Type: application/json", "--data", &body])
        .send();
    let client: serde_json::Value =
        serde_json::from_str(&answer.body).unwrap_or_else(|error| panic!("{error}: {}", answer.body));
    let text = |name: &str| client[name].as_str().expect("a text").to_owned();
    (text("client_id"), text("client_secret"))
}

fn trust(client_id: &str, more: &str) -> String {
    format!(
        "[claims_provider]\nname = 'OpenID partner'\nidentifier = '{PROVIDER}'\nprotocol = 'oidc'\n\
         acceptance_rules = '''c:[Type == \"{}\"] => issue(claim = c);\nc:[] => issue(Type = \"urn:e2e:said/\" + c.Type, Value = c.Value);'''\n\
         [claims_provider.oidc]\nclient_id = '{client_id}'\nclient_secret_file = 'secret'\n{more}\n",
        claim::UPN_2005
    )
}

fn start(more: &str) -> World {
    static TURN: Mutex<()> = Mutex::new(());
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    run(Command::new(script("openid")).arg("up"));
    let (id, secret) = register();
    let setup = NodeSetup::new()
        .append(&format!("[partners]\nca_file = '{}'", variable("CHANCERY_CA")))
        .write("trusts/secret", format!("{secret}\n"))
        .write("trusts/cp.toml", trust(&id, more));
    let rules = format!(
        "transform_rules = '''c:[Type == \"{}\"] => issue(claim = c);\nc:[Type =~ \"^urn:e2e:said/\"] => issue(claim = c);'''",
        claim::UPN_2005
    );
    application(&setup.directory, "openid", &format!("claims_providers = ['{PROVIDER}']\n{rules}"));
    World { node: setup.start(), _turn: turn }
}

impl World {
    fn browser(&self) -> Browser {
        Browser::outside().at(&self.node.address)
    }

    /// Where the provider is asked.
    fn departure(&self, browser: &Browser, more: &str) -> String {
        let answer = browser.ask("openid", more);
        assert_eq!(answer.status, 302, "{}", answer.body);
        answer.header("location").expect("a location").to_owned()
    }

    /// Where the provider sends the browser back to, with somebody signed in there.
    fn answer(&self, departure: &str) -> String {
        let answer = Curl::new(departure).args(["--data", "sub=carol"]).send();
        let back = answer.header("location").unwrap_or_else(|| panic!("{}: {}", answer.status, answer.body));
        let host = format!("https://{}", variable("LAB_HOST"));
        back.strip_prefix(&host).expect("back to us").to_owned()
    }

    fn audit(&self, answer: &Response) -> Audit {
        Audit::of(self.node.directory.join("audit.jsonl"), &answer.correlation)
    }
}

fn parameter(address: &str, name: &str) -> Option<String> {
    let (_, query) = address.split_once('?')?;
    query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=')).map(str::to_owned)
}

fn refused(answer: &Response, number: &str) {
    assert_eq!((answer.status, answer.header("location")), (500, None), "{}", answer.body);
    assert!(answer.body.contains(number), "{number}: {}", answer.body);
    assert!(answer.header("set-cookie").is_none_or(|cookie| !cookie.contains("MSISAuth=")));
}

#[test]
fn a_user_of_an_openid_provider_gets_a_token() {
    let world = start("userinfo = true");
    let browser = world.browser();
    let departure = world.departure(&browser, "&wctx=rm%3D0%26x&wfresh=60&login_hint=carol%40partner.example");
    assert!(
        departure.starts_with(&format!("{PROVIDER}/oauth2/authorize?response_type=code&client_id=")),
        "{departure}"
    );
    for (name, value) in [
        ("scope", "openid%20profile%20email"),
        ("code_challenge_method", "S256"),
        ("max_age", "3600"),
        ("redirect_uri", &redirect_uri().replace(':', "%3A").replace('/', "%2F")),
    ] {
        assert_eq!(parameter(&departure, name).as_deref(), Some(value), "{departure}");
    }
    for name in ["code_challenge", "nonce"] {
        assert_eq!(parameter(&departure, name).map(|value| value.len()), Some(43), "{departure}");
    }
    assert_eq!(parameter(&departure, "login_hint"), None, "the name is not known to be theirs");

    let answer = browser.get(&world.answer(&departure));
    assert_eq!(answer.status, 302, "{}", answer.body);
    assert_eq!(world.audit(&answer).event(1202)["UserId"], "carol@partner.example");
    assert_eq!(world.audit(&answer).event(412)["TokenType"], "urn:ietf:params:oauth:token-type:id_token");
    let form = HandOver::of(&browser.get(answer.header("location").expect("a location")));
    assert_eq!(form.context.as_deref(), Some("rm=0&x"));
    let token = Assertion::cut(&form.result);
    assert_eq!(token.single(claim::UPN_2005), "carol@partner.example");
    for said in ["said/http://schemas.xmlsoap.org/claims", "Carol Ö. &lt;b&gt;", ">chess<", ">7<"] {
        assert!(token.xml.contains(said), "{said} in {}", token.xml);
    }
    assert!(!token.xml.contains("nonce") && !token.xml.contains("at_hash"), "{}", token.xml);
    // By the session, without the provider.
    HandOver::of(&browser.ask("openid", ""));
}

#[test]
fn an_answer_of_an_openid_provider_is_good_once_in_one_browser_and_as_it_was_made() {
    let world = start("client_authentication = 'basic'");
    let browser = world.browser();
    let back = world.answer(&world.departure(&browser, ""));
    // Another browser, and one that asked itself.
    refused(&world.browser().get(&back), "MSIS7000");
    let other = world.browser();
    let others = world.departure(&other, "");
    refused(&other.get(&back), "MSIS7000");
    // Without its state, it is nothing.
    let code = parameter(&back, "code").expect("a code");
    refused(&browser.get(&format!("/adfs/ls/?code={code}")), "MSIS");
    refused(&browser.get(&format!("{back}&code={code}")), "MSIS7000");
    // As it was made, and then again.
    assert_eq!(browser.get(&back).status, 302);
    let again = browser.get(&back);
    assert_eq!((again.status, again.header("set-cookie")), (302, None), "a double click goes on by the session");

    // The code of one request with the state of another: its nonce is not that of the token.
    let mine = world.answer(&others);
    let thief = world.browser();
    let stolen = parameter(&mine, "code").expect("a code");
    let state = parameter(&world.answer(&world.departure(&thief, "")), "state").expect("a state");
    let injected = thief.get(&format!("/adfs/ls/?code={stolen}&state={state}"));
    refused(&injected, "MSIS7066");
    world.audit(&injected).event(411);
    eventually("the reason in the log", || {
        world.node.log().contains("the nonce of the ID token is not that of the request")
    });

    // Another provider's name in the answer: nothing is told to anybody.
    let browser = world.browser();
    let back = world.answer(&world.departure(&browser, ""));
    refused(&browser.get(&format!("{back}&iss=https%3A%2F%2Fevil.example")), "MSIS7066");
    // The provider says no.
    let browser = world.browser();
    let state = parameter(&world.departure(&browser, ""), "state").expect("a state");
    let denied = browser.get(&format!("/adfs/ls/?error=access_denied&error_description=%3Cb%3Eno&state={state}"));
    refused(&denied, "MSIS7066");
    assert!(!denied.body.contains("<b>no"), "{}", denied.body);
}

#[test]
fn a_provider_that_rolls_its_key_is_followed() {
    let world = start("client_authentication = 'post'");
    // It is registered for the header field, not for the form.
    let browser = world.browser();
    refused(&browser.get(&world.answer(&world.departure(&browser, ""))), "MSIS7066");
    let file = world.node.directory.join("trusts/cp.toml");
    let served = |client: &str, secret: &str| {
        std::fs::write(world.node.directory.join("trusts/secret"), secret).expect("a secret");
        std::fs::write(&file, trust(client, "")).expect("a trust");
        let (well, said) = world.node.reload();
        assert!(well, "{said}");
    };
    let (client, secret) = register();
    served(&client, &secret);
    let signs_in = || {
        let browser = world.browser();
        let answer = browser.get(&world.answer(&world.departure(&browser, "")));
        answer.status == 302
    };
    assert!(signs_in());
    run(Command::new(script("openid")).arg("roll"));
    let (client, secret) = register();
    served(&client, "wrong");
    assert!(!signs_in(), "without the secret there is no token");
    served(&client, &secret);
    // A key set is not fetched twice within half a minute.
    let began = std::time::Instant::now();
    while !signs_in() {
        assert!(began.elapsed() < std::time::Duration::from_secs(90), "{}", world.node.log());
        std::thread::sleep(std::time::Duration::from_secs(1));
    }
}

#[test]
fn signing_out_here_goes_on_at_the_openid_provider() {
    let world = start("");
    let browser = world.browser();
    assert_eq!(browser.get(&world.answer(&world.departure(&browser, ""))).status, 302);
    let page = browser.get("/adfs/ls/?wa=wsignout1.0&wreply=https%3A%2F%2Fwsfed.rp.example%2Fsignin");
    let address = page.header("location").expect("nobody else is to be told").to_owned();
    assert!(address.starts_with(&format!("{PROVIDER}/oauth2/end_session?client_id=")), "{address}");
    let back = parameter(&address, "post_logout_redirect_uri").expect("a way back");
    assert_eq!(back, format!("{}%3Fwa%3Dwsignout1.0", redirect_uri().replace(':', "%3A").replace('/', "%2F")));
    let state = parameter(&address, "state").expect("a state");
    let end = browser.get(&format!("/adfs/ls/?wa=wsignout1.0&state={state}"));
    assert_eq!((end.status, end.header("location")), (302, Some("https://wsfed.rp.example/signin")));
    let stranger = world.browser().get(&format!("/adfs/ls/?wa=wsignout1.0&state={state}"));
    assert_eq!((stranger.status, stranger.header("location")), (200, None), "another browser's state leads nowhere");
    assert_eq!(browser.ask("openid", "").status, 302, "the session is over");
}
