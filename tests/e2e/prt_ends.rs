//! What ends a primary refresh token, and what does not: time, a copy, what was sent before; the user and the device.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::crashes::{signed_request, token};
use crate::prt::{CLIENT, NO_TOKEN, RESOURCE, alice, device, expect, reason, trusts};
use crate::registered::{Registered, key_link};
use crate::support::oauth::{form, parameter, redirected};
use crate::support::{
    Audit, BROKER, Browser, Device, Lab, MovingClock, Node, Prt, Response, blob, nonce, now, prt_request as request,
    sign_by,
};
use crate::throwaway::Account;

const WINDOWS: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0";
const EXPIRED: (&str, &str) = ("invalid_grant", "MSIS9615");

/// A server whose clock the test moves.
struct Moved {
    node: Node,
    clock: MovingClock,
    minutes: i64,
}

impl Moved {
    fn new(settings: &str) -> Self {
        let setup = crate::device_proof::setup(settings)
            .write("trusts/moved.toml", client())
            .write("trusts/moved-api.toml", api());
        let (setup, clock) = setup.at_moving_clock();
        Self { node: setup.start(), clock, minutes: 0 }
    }

    fn set(&mut self, minutes: i64) {
        self.clock.set(minutes);
        self.minutes = minutes;
    }

    fn nonce(&self) -> String {
        let answer: Value = serde_json::from_str(&token(&self.node, "grant_type=srv_challenge").body).expect("JSON");
        answer["Nonce"].as_str().expect("a nonce").to_owned()
    }

    fn send(&self, text: &str) -> Response {
        token(&self.node, &signed_request(text))
    }

    fn request(&self, nonce: &str) -> Value {
        json!({"client_id": BROKER, "scope": "openid aza", "request_nonce": nonce, "grant_type": "password",
            "username": alice(), "password": "Alice-Pw-1"})
    }

    fn prt(&self, device: &Device) -> Prt {
        device.open(&self.send(&device.sign(&self.request(&self.nonce()))))
    }

    /// An exchange that is made now, as the server has it.
    fn exchange(&self, prt: &Prt) -> Response {
        let mut payload = prt.exchange(CLIENT, RESOURCE);
        let made = now() + self.minutes * 60;
        payload["iat"] = json!(made);
        payload["exp"] = json!(made + 300);
        self.send(&prt.sign(2, &payload))
    }

    fn renewed(&self, prt: &Prt) -> Prt {
        let payload = json!({"client_id": BROKER, "scope": "openid aza", "grant_type": "refresh_token",
            "refresh_token": prt.token, "request_nonce": self.nonce()});
        let answer = prt.open(&self.send(&prt.sign(2, &payload)));
        Prt { token: answer["refresh_token"].as_str().expect("a token").into(), answer, ..prt.clone() }
    }

    /// A new browser with this field asks for a code.
    fn browse(&self, name: &str, credential: &str, more: &str) -> Response {
        self.browse_by(&Browser::outside().at(&self.node.address), Some((name, credential)), more)
    }

    fn browse_by(&self, browser: &Browser, field: Option<(&str, &str)>, more: &str) -> Response {
        let challenge = URL_SAFE_NO_PAD.encode(openssl::sha::sha256("v".repeat(64).as_bytes()));
        let asked = form(&[
            ("response_type", "code"),
            ("client_id", CLIENT),
            ("redirect_uri", "http://127.0.0.1:8400/cb"),
            ("resource", RESOURCE),
            ("state", "s"),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ]);
        let request = browser.request(&format!("/adfs/oauth2/authorize?{asked}{more}")).args(["--user-agent", WINDOWS]);
        match field {
            Some((name, credential)) => request.header(name, credential).send(),
            None => request.send(),
        }
    }

    fn signs_in(&self, credential: &str) -> bool {
        let answer = self.browse(CREDENTIAL, credential, "");
        answer.status == 302 && parameter(&redirected(&answer).1, "code").is_some()
    }

    fn reason(&self, answer: &Response) -> String {
        let event = Audit::of(self.node.directory.join("audit.jsonl"), &answer.correlation).event(411);
        event["ErrorMessage"].as_str().unwrap_or_default().to_owned()
    }
}

const CREDENTIAL: &str = "x-ms-RefreshTokenCredential";

fn client() -> String {
    format!(
        "[client]\nid = \"{CLIENT}\"\nname = \"Moved\"\nkind = \"native\"\nredirect_uris = [\"http://127.0.0.1:8400/cb\"]\n\
         grants = [\"authorization_code\", \"refresh_token\"]\nresources = [\"{RESOURCE}\"]\n"
    )
}

fn api() -> String {
    format!(
        "[relying_party]\nname = \"Moved\"\nidentifiers = [\"{RESOURCE}\"]\ntoken_type = \"jwt\"\n\
         access_control_policy = \"permit-everyone\"\n"
    )
}

fn is_page(answer: &Response) -> bool {
    answer.status == 200 && answer.body.contains("name=\"Password\"")
}

/// Who once saw a request or a cookie, and sends it again when a renewed token has long been in use, ends nothing by it. Who makes a new
/// request with the old token has a copy: then both end.
#[test]
fn what_was_sent_before_ends_nothing_and_the_use_of_a_copy_ends_both() {
    let device = device();
    let mut at = Moved::new("");
    let old = at.prt(&device);
    let long = |prt: &Prt, members: Value| {
        let mut payload = prt.exchange(CLIENT, RESOURCE);
        payload.as_object_mut().expect("members").extend(members.as_object().expect("members").clone());
        prt.sign(2, &payload)
    };
    // Good for a day; without any time.
    let texts = [long(&old, json!({"exp": now() + 86_400})), long(&old, json!({"iat": null, "exp": null}))];
    for text in &texts {
        old.open(&at.send(text));
    }
    let cookie = old.credential(Some(&at.nonce()));
    assert!(at.signs_in(&cookie));
    let new = at.renewed(&old);
    new.open(&at.exchange(&new));

    at.set(11);
    for text in &texts {
        let answer = at.send(text);
        expect(&answer, 400, NO_TOKEN);
        assert_eq!(at.reason(&answer), "Replayed");
    }
    let answer = at.browse(CREDENTIAL, &cookie, "");
    assert!(parameter(&redirected(&answer).1, "sso_nonce").is_some(), "it is asked for a fresh one");
    let answer = at.browse(CREDENTIAL, &cookie, "&sso_nonce=x");
    assert!(is_page(&answer), "{} {}", answer.status, answer.body);
    assert_eq!(at.reason(&answer), "InvalidNonce");
    new.open(&at.exchange(&new));
    let browser = Browser::outside().at(&at.node.address);
    let credential = new.credential(Some(&at.nonce()));
    let code = at.browse_by(&browser, Some((CREDENTIAL, &credential)), "");
    let code = parameter(&redirected(&code).1, "code").unwrap_or_else(|| panic!("{}", code.body));
    let verifier = "v".repeat(64);
    let redeemed = [
        ("grant_type", "authorization_code"),
        ("client_id", CLIENT),
        ("code", &code),
        ("redirect_uri", "http://127.0.0.1:8400/cb"),
        ("code_verifier", &verifier),
    ];
    let tokens: Value = serde_json::from_str(&token(&at.node, &form(&redeemed)).body).expect("JSON");
    let refresh = tokens["refresh_token"].as_str().unwrap_or_else(|| panic!("{tokens}"));
    let goes_on = || {
        let answer = at.browse_by(&browser, None, "&prompt=none");
        parameter(&redirected(&answer).1, "code").is_some()
    };
    assert!(goes_on());

    let copied = at.exchange(&old);
    expect(&copied, 400, NO_TOKEN);
    assert_eq!(at.reason(&copied), "InvalidPrimaryRefreshToken");
    let event = Audit::of(at.node.directory.join("audit.jsonl"), &copied.correlation).event(411);
    assert!(event.to_string().contains(&Lab::get().object("alice").sid), "{event}");
    expect(&at.exchange(&new), 400, NO_TOKEN);
    assert!(!at.signs_in(&new.credential(Some(&at.nonce()))));
    // What came of it ends, too: the browser's session, a client's refresh token.
    assert!(!goes_on());
    let redeemed = [("grant_type", "refresh_token"), ("client_id", CLIENT), ("refresh_token", refresh)];
    let answer = token(&at.node, &form(&redeemed));
    assert_eq!((answer.status, answer.body.contains("invalid_grant")), (400, true), "{}", answer.body);
}

#[test]
fn a_token_ends_with_its_time_and_its_renewals_with_the_familys() {
    let device = device();
    let mut at = Moved::new("[primary_refresh_token]\nlifetime_minutes = 10\npersistent_sso_lifetime_minutes = 20\n\n");
    let seconds = |prt: &Prt| prt.answer["refresh_token_expires_in"].as_i64().expect("a number");
    let first = at.prt(&device);
    assert_eq!(seconds(&first), 600);
    at.set(9);
    first.open(&at.exchange(&first));
    let second = at.renewed(&first);
    assert_eq!(seconds(&second), 600);
    at.set(11);
    let answer = at.exchange(&first);
    expect(&answer, 400, EXPIRED);
    assert_eq!(at.reason(&answer), "MessageExpired");
    let answer = at.browse(CREDENTIAL, &first.credential(Some(&at.nonce())), "");
    assert!(is_page(&answer), "{} {}", answer.status, answer.body);
    second.open(&at.exchange(&second));
    at.set(18);
    let third = at.renewed(&second);
    assert!((60..=120).contains(&seconds(&third)), "what is left of the family's: {}", seconds(&third));
    third.open(&at.exchange(&third));
    at.set(21);
    expect(&at.exchange(&third), 400, EXPIRED);
    // As the proof for another one, too.
    let payload = json!({"client_id": BROKER, "scope": "openid aza", "request_nonce": at.nonce(),
        "grant_type": "refresh_token", "refresh_token": third.token});
    expect(&at.send(&device.sign(&payload)), 400, EXPIRED);
}

#[test]
fn a_nonce_is_good_for_ten_minutes() {
    let device = device();
    let mut at = Moved::new("");
    let prt = at.prt(&device);
    let nonces: Vec<String> = (0..4).map(|_| at.nonce()).collect();
    at.set(9);
    assert!(at.signs_in(&prt.credential(Some(&nonces[0]))));
    at.set(11);
    let answer = at.send(&device.sign(&at.request(&nonces[1])));
    expect(&answer, 400, ("invalid_grant", "MSIS9604"));
    assert_eq!(at.reason(&answer), "InvalidNonce");
    let by_device = device.sign(&json!({"request_nonce": nonces[3], "grant_type": "device_auth"}));
    for (name, credential) in [(CREDENTIAL, prt.credential(Some(&nonces[2]))), ("x-ms-DeviceCredential", by_device)] {
        let answer = at.browse(name, &credential, "&sso_nonce=x");
        assert!(is_page(&answer), "{} {}", answer.status, answer.body);
        assert_eq!(at.reason(&answer), "InvalidNonce", "{name}");
    }
    let mut payload = prt.exchange(CLIENT, RESOURCE);
    payload["request_nonce"] = json!(nonces[2]);
    payload["exp"] = json!(now() + 86_400);
    expect(&at.send(&prt.sign(2, &payload)), 400, ("invalid_grant", "MSIS9604"));
}

/// Each stands on something of its own, which goes while it is in use.
#[test]
fn a_prt_ends_with_the_account_the_windows_hello_key_and_the_registration() {
    trusts();
    let gone = Account::new("gone").create();
    let hello = Account::new("hellogone").create();
    let [of_gone, of_hello, other_key, again] = [(); 4].map(|()| device());
    let of_her_own = Registered::with(&Lab::get().object("alice").sid, 0);
    let key = Device::new().key;
    let link = key_link(&of_hello, &blob(&key), 1, &hello.dn());
    hello.modify(&format!("replace: msDS-KeyCredentialLink\nmsDS-KeyCredentialLink: {link}"));
    let by_hello = {
        let kid = STANDARD.encode(openssl::sha::sha256(&blob(&key)));
        let fresh = nonce();
        let payload = json!({"iss": hello.upn(), "aud": format!("{}/adfs", Lab::get().url), "iat": now(), "exp": now() + 600,
            "request_nonce": fresh});
        let assertion = sign_by(&key, &json!({"typ": "JWT", "alg": "RS256", "kid": kid, "use": "ngc"}), &payload);
        let payload = json!({"client_id": BROKER, "scope": "openid aza", "request_nonce": fresh,
            "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": assertion});
        of_hello.open(&request(&of_hello.sign(&payload)))
    };
    let prts = [
        (of_gone.prt(&gone.upn(), &gone.password), "UnknownAccount"),
        (by_hello, "InvalidPrimaryRefreshToken"),
        (other_key.prt(&alice(), "Alice-Pw-1"), "InvalidPrimaryRefreshToken"),
        (again.prt(&alice(), "Alice-Pw-1"), "InvalidPrimaryRefreshToken"),
        (of_her_own.prt(&alice(), "Alice-Pw-1"), "InvalidPrimaryRefreshToken"),
    ];
    let exchange = |prt: &Prt| request(&prt.sign(2, &prt.exchange(CLIENT, RESOURCE)));
    for (prt, _) in &prts {
        prt.open(&exchange(prt));
    }

    gone.delete();
    hello.modify("delete: msDS-KeyCredentialLink");
    other_key.set_transport_key(&Device::new().blob());
    // As a registration writes it: the certificate of another key.
    again.modify(&format!(
        "replace: altSecurityIdentities\naltSecurityIdentities: {}",
        Device::new().alt_security_identity()
    ));
    of_her_own.give_to(&Lab::get().object("bob").sid);
    let began = std::time::Instant::now();
    for (which, (prt, expected)) in prts.iter().enumerate() {
        let answer = loop {
            let answer = exchange(prt);
            if answer.status != 200 {
                break answer;
            }
            assert!(began.elapsed().as_secs() < 75, "a minute is the longest that answers are remembered: {which}");
            std::thread::sleep(std::time::Duration::from_millis(500));
        };
        expect(&answer, 400, NO_TOKEN);
        assert_eq!(reason(&answer), *expected, "{which}");
    }
}
