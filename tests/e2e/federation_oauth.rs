//! Users of a real partner (SimpleSAMLphp) sign in for OAuth clients: sent there from the authorization endpoint and from the page for
//! codes of devices, back with an answer, and on to where they began.

use serde_json::{Value, json};

use crate::federation::{World, post, start};
use crate::support::oauth::{
    DEVICE, NATIVE, NATIVE_REDIRECT, ProofKey, SECRET, authorize, form, json as body, parameter, payload, redirected,
};
use crate::support::{Browser, Response, fields};

fn request(proof: &ProofKey, resource: &str, more: &[(&str, &str)]) -> String {
    let mut parameters = vec![
        ("response_type", "code"),
        ("client_id", NATIVE),
        ("redirect_uri", NATIVE_REDIRECT),
        ("resource", resource),
        ("scope", "openid"),
        ("state", "s"),
        ("nonce", "n"),
        ("code_challenge", proof.challenge.as_str()),
        ("code_challenge_method", "S256"),
    ];
    parameters.extend(more);
    authorize(&parameters)
}

fn token(world: &World, parameters: &[(&str, &str)]) -> Response {
    let request = world.node.curl("/adfs/oauth2/token").header("Content-Type", "application/x-www-form-urlencoded");
    request.post(form(parameters)).send()
}

fn redeem(world: &World, answer: &Response, proof: &ProofKey) -> Value {
    let (target, parameters) = redirected(answer);
    assert_eq!(target, NATIVE_REDIRECT);
    let code = parameter(&parameters, "code").unwrap_or_else(|| panic!("no code: {parameters:?}"));
    body(&token(
        world,
        &[
            ("grant_type", "authorization_code"),
            ("client_id", NATIVE),
            ("code", &code),
            ("redirect_uri", NATIVE_REDIRECT),
            ("code_verifier", &proof.verifier),
        ],
    ))
}

/// To the partner, through its page, and back.
fn through_partner(world: &World, browser: &Browser, departure: &Response) -> Response {
    assert_eq!(departure.status, 302, "{}", departure.body);
    let address = departure.header("location").expect("a location");
    assert!(address.starts_with("https://idp.partner.example/"), "{address}");
    post(browser, &world.answer_of_partner(address))
}

#[test]
fn users_of_a_partner_get_the_tokens_of_a_client() {
    let Some(world) = start() else { return };
    for protocol in ["ws_federation", "saml"] {
        let (browser, proof, resource) = (world.browser(), ProofKey::new(), format!("urn:e2e:api-{protocol}"));
        let address = request(&proof, &resource, &[]);
        let back = through_partner(&world, &browser, &browser.get(&address));
        assert_eq!(back.header("location"), Some(&*address), "{protocol}: the same request, whole: {}", back.body);
        let tokens = redeem(&world, &browser.get(&address), &proof);
        let access = payload(&tokens["access_token"]);
        assert_eq!((&access["aud"], &access["upn"]), (&json!(resource), &json!("alice@partner.example")), "{protocol}");
        assert_eq!(access["role"], "Partner staff", "what the acceptance rules make of it: {access}");
        let id = payload(&tokens["id_token"]);
        assert_eq!(
            (&id["aud"], &id["nonce"], &id["unique_name"]),
            (&json!(NATIVE), &json!("n"), &json!("alice@partner.example"))
        );
        assert!(id["sub"].as_str().is_some_and(|sub| sub.len() == 44) && id.get("sid").is_none(), "{id}");
        let refresh = tokens["refresh_token"].as_str().expect("a refresh token");
        let again =
            token(&world, &[("grant_type", "refresh_token"), ("client_id", NATIVE), ("refresh_token", refresh)]);
        assert_eq!(payload(&body(&again)["access_token"])["upn"], "alice@partner.example", "{}", again.body);
        // Signed in already, and without a page.
        let silent = browser.get(&request(&proof, &resource, &[("prompt", "none")]));
        assert!(parameter(&redirected(&silent).1, "code").is_some());
    }
}

#[test]
fn a_new_sign_in_at_the_partner_is_answered_at_once() {
    let Some(world) = start() else { return };
    let (browser, proof) = (world.browser(), ProofKey::new());
    let address = request(&proof, "urn:e2e:api-saml", &[("prompt", "login")]);
    let answer = through_partner(&world, &browser, &browser.get(&address));
    assert_eq!(payload(&redeem(&world, &answer, &proof)["access_token"])["upn"], "alice@partner.example");
}

#[test]
fn nobody_is_sent_to_a_partner_without_a_page() {
    let Some(world) = start() else { return };
    let proof = ProofKey::new();
    for more in [vec![("prompt", "none")], vec![("prompt", "none"), ("whr", "AD AUTHORITY")]] {
        let answer = world.browser().get(&request(&proof, "urn:e2e:api-saml", &more));
        let (target, parameters) = redirected(&answer);
        assert_eq!(target, NATIVE_REDIRECT);
        assert_eq!(parameter(&parameters, "error").as_deref(), Some("login_required"), "{more:?}: {parameters:?}");
        assert_eq!(parameter(&parameters, "state").as_deref(), Some("s"));
    }
    // An answer for another browser leads nowhere, least of all to the client.
    let browser = world.browser();
    let departure = browser.get(&request(&proof, "urn:e2e:api-saml", &[]));
    let answer = world.answer_of_partner(departure.header("location").expect("a location"));
    let stolen = post(&world.browser(), &answer);
    assert_eq!((stolen.status, stolen.header("location")), (500, None), "{}", stolen.body);
    assert!(stolen.body.contains("MSIS7000"), "{}", stolen.body);
}

#[test]
fn nobody_asks_on_behalf_of_a_user_of_a_partner() {
    let Some(world) = start() else { return };
    let (browser, proof) = (world.browser(), ProofKey::new());
    let address = request(&proof, "urn:e2e:api-saml", &[]).replace("scope=openid", "scope=openid%20user_impersonation");
    through_partner(&world, &browser, &browser.get(&address));
    let tokens = redeem(&world, &browser.get(&address), &proof);
    assert_eq!(payload(&tokens["access_token"])["scp"], "openid user_impersonation", "{tokens}");
    let answer = token(
        &world,
        &[
            ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
            ("requested_token_use", "on_behalf_of"),
            ("client_id", "urn:e2e:api-saml"),
            ("client_secret", SECRET),
            ("resource", "urn:e2e:api-ws_federation"),
            ("assertion", tokens["access_token"].as_str().expect("a token")),
        ],
    );
    assert_eq!((answer.status, &body(&answer)["error"]), (400, &json!("invalid_grant")), "{}", answer.body);
    world.node.logged("the assertion is not good: it is not that of a user of Active Directory");
}

#[test]
fn a_user_of_a_partner_lets_a_device_sign_in() {
    let Some(world) = start() else { return };
    const PAGE: &str = "/adfs/oauth2/deviceauth";
    let asked = world.node.curl("/adfs/oauth2/devicecode").header("Content-Type", "application/x-www-form-urlencoded");
    let codes = body(&asked.post(form(&[("client_id", DEVICE), ("resource", "urn:e2e:api-saml")])).send());
    let browser = world.browser();
    let choice = browser.get(PAGE);
    assert!(choice.body.contains("Partner saml"), "{}", choice.body);
    let identifier = "https://idp.partner.example/saml";
    let chosen = browser.post(PAGE, &[("HomeRealmSelection", identifier)]);
    let next = chosen.header("location").unwrap_or_else(|| panic!("{}", chosen.body)).to_owned();
    let back = through_partner(&world, &browser, &browser.get(&next));
    assert_eq!(back.header("location"), Some(&*next), "{}", back.body);
    let page = browser.get(&next);
    let state = fields(&page.body, "State").pop().unwrap_or_else(|| panic!("{}", page.body));
    let question = browser.post(PAGE, &[("UserCode", codes["user_code"].as_str().unwrap()), ("State", &state)]);
    assert!(
        question.body.contains("Television") && question.body.contains("alice@partner.example"),
        "{}",
        question.body
    );
    let answer = fields(&question.body, "Answer").pop().expect("a question");
    let done = browser.post(PAGE, &[("Answer", &answer), ("Decision", "allow")]);
    assert!(done.body.contains("You can go back to the device"), "{}", done.body);
    let code = codes["device_code"].as_str().unwrap();
    let tokens = body(&token(&world, &[("grant_type", "device_code"), ("client_id", DEVICE), ("code", code)]));
    assert_eq!(payload(&tokens["access_token"])["upn"], "alice@partner.example", "{tokens}");
}
