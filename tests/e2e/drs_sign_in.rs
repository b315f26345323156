//! How a device comes to its registration token: the client of Windows asks at the authorization endpoint for the resource
//! that discovery names, and redeems the code. Then the whole way, from the sign-in to the end of the registration.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::drs_client::{
    ACCOUNT_TYPE, DeviceKeys, Joined, OBJECT_GUID, PERMISSION, RESOURCE, device_dn, enrol, join, ldap_read,
};
use crate::support::oauth::{self, form, parameter, payload, redirected};
use crate::support::{Browser, Curl, Lab, Response, USERNAME, WINDOWS, computer_tickets, request};

/// The client of Windows' device registration; it sends no proof key.
const CLIENT: &str = "dd762716-544d-4aeb-a526-687b73838a22";
/// It may ask for primary refresh tokens, too.
pub const BROKER_CLIENT: &str = CLIENT;
const REDIRECT: &str = "ms-app://windows.immersivecontrolpanel/";

/// The token of an account with a keytab, by Negotiate.
pub fn by_ticket(browser: &Browser, keytab: &str, principal: &str) -> String {
    let answer = browser.request(&address(browser, "wia")).negotiate(&Lab::get().kinit(keytab, principal)).send();
    redeemed(browser, &answer)
}

/// The token of one of the lab's computers, which sign in as `WS01$` by `ws01.keytab`.
pub fn of_computer(account: &str) -> String {
    by_ticket(&Browser::windows(), &account.trim_end_matches('$').to_lowercase(), account)
}

/// The token of a user who fills in the page.
pub fn by_password(browser: &Browser, name: &str, password: &str) -> String {
    let address = address(browser, "");
    let page = browser.get(&address);
    assert_eq!(page.status, 200, "{}", page.body);
    let filled = browser.fill_in(&page, name, password);
    assert_eq!(filled.header("location"), Some(&*address), "{}", filled.body);
    redeemed(browser, &browser.get(&address))
}

/// The token of a user of a test's own.
pub fn of_user(account: &crate::throwaway::Account) -> String {
    by_password(&Browser::other(), &account.upn(), &account.password)
}

/// The members of a token; nothing is verified.
pub fn members(token: &str) -> Value {
    payload(&json!(token))
}

/// The authorization request, at the endpoint and for the resource that discovery names.
fn address(browser: &Browser, door: &str) -> String {
    let contract = browser.request("/EnrollmentServer/contract?api-version=1.2");
    let discovery = oauth::json(&contract.header("Accept", "application/json").send());
    let endpoint = discovery["AuthenticationService"]["OAuth2"]["AuthCodeEndpoint"].as_str().expect("an endpoint");
    let endpoint = endpoint.strip_prefix(&Lab::get().url).expect("an endpoint of this service");
    let resource = discovery["DeviceJoinService"]["JoinResourceId"].as_str().expect("a resource");
    let asked = [
        ("response_type", "code"),
        ("client_id", CLIENT),
        ("redirect_uri", REDIRECT),
        ("resource", resource),
        ("state", "s 1"),
    ];
    format!("{}/{door}?{}", endpoint.trim_end_matches('/'), form(&asked))
}

/// The token for the code of an answer.
fn redeemed(browser: &Browser, answer: &Response) -> String {
    let answer = redeem(browser, &code_in(answer));
    let tokens = oauth::json(&answer);
    assert_eq!((answer.status, &tokens["token_type"]), (200, &json!("bearer")), "{tokens}");
    tokens["access_token"].as_str().expect("a token").to_owned()
}

/// The code of an answer.
fn code_in(answer: &Response) -> String {
    let (target, parameters) = redirected(answer);
    assert_eq!(
        (target.as_str(), parameter(&parameters, "state").as_deref()),
        (REDIRECT, Some("s 1")),
        "{parameters:?}"
    );
    parameter(&parameters, "code").unwrap_or_else(|| panic!("no code: {parameters:?}"))
}

/// A code for a browser that is signed in.
pub fn code(browser: &Browser) -> String {
    code_in(&browser.get(&address(browser, "")))
}

/// What the client gets when a user of a test's own signs in with it.
pub fn tokens_of_broker(browser: &Browser, account: &crate::throwaway::Account) -> Response {
    by_password(browser, &account.upn(), &account.password);
    redeem(browser, &code(browser))
}

/// Redeems a code.
pub fn redeem(browser: &Browser, code: &str) -> Response {
    browser.post(
        "/adfs/oauth2/token/",
        &[("grant_type", "authorization_code"), ("client_id", CLIENT), ("code", code), ("redirect_uri", REDIRECT)],
    )
}

/// The members that each token for this service has.
fn is_for_registration(token: &Value) {
    assert_eq!(token["aud"], RESOURCE, "{token}");
    assert_eq!(token["iss"], format!("http://{}/adfs/services/trust", Lab::get().host));
    assert_eq!(token[PERMISSION], "true", "{token}");
}

/// The token that WS-Trust gives WS01$.
pub fn by_ws_trust() -> String {
    let rst = request(WINDOWS).applies_to(RESOURCE).build();
    let url = format!("{}{WINDOWS}", Lab::get().url);
    of_trust(&Curl::new(&url).negotiate(computer_tickets()).soap(rst).send())
}

/// Whether it is the token of a computer: what AD FS says of one (device-registration.md 3.2).
pub fn is_of_computer(token: &str, account: &str) {
    let (claims, object) = (members(token), Lab::get().object(account));
    is_for_registration(&claims);
    for (member, value) in [
        (ACCOUNT_TYPE, "DJ"),
        (OBJECT_GUID, &*object.guid_base64()),
        ("primarysid", &object.sid),
        ("http://schemas.microsoft.com/authorization/claims/accountStore", "AD AUTHORITY"),
        ("authmethod", "urn:federation:authentication:windows"),
    ] {
        assert_eq!(claims[member], value, "{member}: {claims}");
    }
    // One of WS-Trust was issued to no client.
    if let Some(client) = claims.get("appid") {
        assert_eq!((client, &claims["apptype"], &claims["ver"]), (&json!(CLIENT), &json!("Public"), &json!("1.0")));
    }
}

#[test]
fn alice_registers_a_device_of_her_own_by_rest_and_by_soap() {
    let lab = Lab::get();
    let (alice, upn) = (lab.object("alice"), format!("alice@{}", lab.domain));
    let typed = by_password(&Browser::outside(), &upn, "Alice-Pw-1");
    let ticket = by_ticket(&Browser::windows(), "alice", "alice");
    for (token, method) in [
        (&typed, "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"),
        (&ticket, "urn:federation:authentication:windows"),
    ] {
        let claims = members(token);
        is_for_registration(&claims);
        assert_eq!((&claims["primarysid"], &claims["upn"]), (&json!(alice.sid), &json!(upn)), "{claims}");
        assert_eq!((&claims["authmethod"], &claims["appid"]), (&json!(method), &json!(CLIENT)), "{claims}");
        for absent in [ACCOUNT_TYPE, OBJECT_GUID] {
            assert!(claims.get(absent).is_none(), "{absent}: {claims}");
        }
        let keys = DeviceKeys::new();
        // A user's token makes no computer.
        let refused = oauth::json(&join(token, &keys.request(6, "WS01")));
        assert_eq!(refused["ErrorType"], "AuthenticationError", "{refused}");

        let joined = Joined::of(&join(token, &keys.request(4, "Alice's own")));
        let enrolled = Joined::of_enrolment(&enrol(keys.enrolment(token, "Alice's other")));
        for (device, name) in [(&joined, "Alice's own"), (&enrolled, "Alice's other")] {
            assert_eq!(device.upn, upn);
            let subject = device.x509(&["-noout", "-subject", "-nameopt", "RFC2253"]);
            assert_eq!(subject.trim(), format!("subject=CN={}", device.id));
            let read = ldap_read(&device_dn(&device.id), &["*"]);
            let owner = STANDARD.encode(alice.sid.parse::<chancery::directory::Sid>().unwrap().to_bytes());
            for expected in [format!("displayName: {name}"), format!("msDS-RegisteredOwner:: {owner}")] {
                assert!(read.contains(&expected), "{expected}: {read}");
            }
            assert_eq!(device.leave(&keys, &device.id).status, 200);
            assert!(ldap_read(&device_dn(&device.id), &["cn"]).is_empty());
        }
    }
}

#[test]
fn a_token_of_ws_trust_registers_too() {
    let lab = Lab::get();
    let rst = request(USERNAME).applies_to(RESOURCE).password(&format!("alice@{}", lab.domain), "Alice-Pw-1").build();
    let user = of_trust(&Curl::new(&format!("{}{USERNAME}", lab.url)).soap(rst).send());
    is_for_registration(&members(&user));
    let keys = DeviceKeys::new();
    let joined = Joined::of(&join(&user, &keys.request(4, "By WS-Trust")));
    assert_eq!(joined.leave(&keys, &joined.id).status, 200);
    // Adding a key to an account wants the token of a client.
    let key = Curl::new(&format!("{}/EnrollmentServer/key/?api-version=1.0", lab.url))
        .header("Authorization", &format!("Bearer {user}"))
        .header("Accept", "application/json")
        .post(json!({"kngc": STANDARD.encode(&keys.blob)}).to_string())
        .send();
    assert_eq!(key.status, 401, "{}", key.body);
    let detail = lab.audit(&key.correlation).event(9022)["Detail"].to_string();
    assert!(detail.contains("another kind"), "{detail}");
}

/// The token in an answer of WS-Trust.
fn of_trust(answer: &Response) -> String {
    assert_eq!(answer.status, 200, "{}", answer.body);
    let (_, rest) = answer.body.split_once("BinarySecurityToken ").unwrap_or_else(|| panic!("{}", answer.body));
    let (_, rest) = rest.split_once('>').expect("an element");
    let token = STANDARD.decode(rest.split_once('<').expect("its end").0).expect("base64");
    String::from_utf8(token).expect("a token")
}
