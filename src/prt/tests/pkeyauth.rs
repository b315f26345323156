//! `PKeyAuth` challenges and their answers.

use std::time::Duration;

use serde_json::{Value, json};

use super::client::{DEVICE, NOW, OTHER, farm, random};
use crate::prt::{Challenge, DeviceCertificate, JwsError, PKeyAuthError, Reply, RequestError, is_capable};
use crate::store::MemoryOneTime;
use crate::tokens::sealed::{SealError, Sealer};

const TOKEN: &str = "https://sts.corp.example:443/adfs/oauth2/token/";

fn reply(challenge: &Challenge, changes: &Value) -> Reply {
    let mut payload = json!({"aud": TOKEN, "iat": NOW.unix_seconds().to_string(), "nonce": challenge.nonce});
    for (name, value) in changes.as_object().unwrap() {
        payload[name] = value.clone();
    }
    let token = DEVICE.sign(&payload);
    let header = format!("PKeyAuth AuthToken=\"{token}\", Context=\"{}\", Version=\"1.0\"", challenge.context);
    Reply::read(&header).unwrap().unwrap()
}

struct Farm {
    sealer: Sealer,
    store: MemoryOneTime,
    clock: std::sync::Arc<crate::clock::ManualClock>,
}

impl Farm {
    fn new() -> Self {
        let (sealer, clock) = farm();
        Self { sealer, store: MemoryOneTime::new(clock.clone(), 100), clock }
    }

    fn challenge(&self, thumbprint: Option<&str>) -> Challenge {
        Challenge::new(TOKEN, thumbprint, &self.sealer, NOW, &random()).unwrap()
    }

    async fn verify(&self, reply: &Reply, url: &str) -> Result<Option<DeviceCertificate>, PKeyAuthError> {
        let Some(answered) = reply.verify(url, &self.sealer, NOW)? else { return Ok(None) };
        answered.redeem(&self.store).await?;
        Ok(Some(answered.certificate))
    }
}

#[tokio::test]
async fn a_device_answers_its_challenge_once() {
    let farm = Farm::new();
    let thumbprint = DEVICE.certificate().thumbprint();
    let challenge = farm.challenge(Some(&thumbprint));
    let reply = reply(&challenge, &json!({}));
    assert_eq!(farm.verify(&reply, "https://STS.corp.example/adfs/OAuth2/token").await, Ok(Some(DEVICE.certificate())));
    assert_eq!(farm.verify(&reply, TOKEN).await, Err(PKeyAuthError::Used));
}

#[tokio::test]
async fn an_answer_for_anything_else_does_not_count() {
    let farm = Farm::new();
    let challenge = farm.challenge(None);
    let other = farm.challenge(None);
    let now = NOW.unix_seconds();
    for (changes, expected) in [
        (json!({"nonce": other.nonce}), PKeyAuthError::Nonce),
        (json!({"nonce": null}), PKeyAuthError::Request(RequestError::Missing { name: "nonce" })),
        (json!({"aud": "https://evil.example/adfs/oauth2/token/"}), PKeyAuthError::Audience),
        (json!({"aud": "http://sts.corp.example/adfs/oauth2/token/"}), PKeyAuthError::Audience),
        (json!({"aud": "https://sts.corp.example:444/adfs/oauth2/token/"}), PKeyAuthError::Audience),
        (json!({"aud": "https://sts.corp.example/adfs/oauth2/token/?a=b"}), PKeyAuthError::Audience),
        (json!({"iat": now + 301}), PKeyAuthError::Request(RequestError::Time { name: "iat" })),
    ] {
        assert_eq!(farm.verify(&reply(&challenge, &changes), TOKEN).await, Err(expected), "{changes}");
    }
    let here = reply(&challenge, &json!({"aud": "https://sts.corp.example/adfs/ls/"}));
    let refused = farm.verify(&here, "https://sts.corp.example/adfs/ls/").await;
    assert_eq!(refused, Err(PKeyAuthError::Audience), "the challenge was given for the token endpoint");
    let demanded = farm.challenge(Some(&OTHER.certificate().thumbprint()));
    assert_eq!(farm.verify(&reply(&demanded, &json!({})), TOKEN).await, Err(PKeyAuthError::OtherDevice));
    // None of this used the challenge up.
    assert!(farm.verify(&reply(&challenge, &json!({})), TOKEN).await.is_ok());
}

#[tokio::test]
async fn challenges_end_and_signatures_count() {
    let farm = Farm::new();
    let challenge = farm.challenge(None);
    let token = OTHER.sign_with(
        &json!({"alg": "RS256", "x5c": base64::Engine::encode(&base64::engine::general_purpose::STANDARD, &DEVICE.der)}),
        &json!({"aud": TOKEN, "nonce": challenge.nonce}),
    );
    let header = format!("pkeyauth Context=\"{}\",AuthToken=\"{token}\"", challenge.context);
    let forged = Reply::read(&header).unwrap().unwrap();
    assert_eq!(farm.verify(&forged, TOKEN).await, Err(PKeyAuthError::Jws(JwsError::Signature)));
    farm.clock.advance(Duration::from_millis(7 * 60_000 - 1));
    assert!(farm.verify(&reply(&challenge, &json!({})), TOKEN).await.is_ok());
    farm.clock.advance(Duration::from_millis(1));
    let late = farm.verify(&reply(&challenge, &json!({})), TOKEN).await;
    assert!(matches!(late, Err(PKeyAuthError::Context(SealError::Expired { .. }))));
}

#[tokio::test]
async fn a_client_without_a_device_says_so() {
    let farm = Farm::new();
    let challenge = farm.challenge(None);
    for header in [
        format!("PKeyAuth Context=\"{}\",Version=\"1.0\"", challenge.context),
        format!("PKeyAuth AuthToken=\"\", Context=\"{}\"", challenge.context),
    ] {
        let reply = Reply::read(&header).unwrap().unwrap();
        assert_eq!(farm.verify(&reply, TOKEN).await, Ok(None));
    }
    assert_eq!(Reply::read("Negotiate YII"), None);
    assert_eq!(Reply::read("Bearer x"), None);
    for bad in [
        "PKeyAuth",
        "PKeyAuth AuthToken=\"a\"",
        "PKeyAuth Context=a",
        "PKeyAuth Context=\"a\",Context=\"a\"",
        "PKeyAuth Context=\"a\",Version=\"2.0\"",
        "PKeyAuth Context=\"a\",x=\"y\"",
        "PKeyAuth Context",
    ] {
        assert_eq!(Reply::read(bad), Some(Err(PKeyAuthError::Header)), "{bad}");
    }
    let unknown = Reply::read("PKeyAuth Context=\"a\"").unwrap().unwrap();
    assert!(matches!(farm.verify(&unknown, TOKEN).await, Err(PKeyAuthError::Context(_))));
}

#[test]
fn challenges_have_the_forms_that_clients_parse() {
    let challenge = Challenge { nonce: "N-1".into(), context: "C_1".into() };
    assert_eq!(
        challenge.header(TOKEN, "5F1B"),
        "PKeyAuth SubmitUrl=\"https://sts.corp.example:443/adfs/oauth2/token/\",nonce=\"N-1\",Version=\"1.0\",\
         Context=\"C_1\",CertThumbprint=\"5F1B\""
    );
    let issuer = String::from("OU=434d,CN=MS-Organization-Access,DC=example,DC=test");
    assert_eq!(
        challenge.redirect("https://sts.corp.example:443/adfs/oauth2/authorize/?a=b&c=d", &[issuer], "3f0e"),
        "urn:http-auth:PKeyAuth?SubmitUrl=https%3A%2F%2Fsts.corp.example%3A443%2Fadfs%2Foauth2%2Fauthorize%2F%3Fa%3Db%26c%3Dd\
         &nonce=N-1&Version=1.0&Context=C_1&CertAuthorities=OU%253D434d%252CCN%253DMS-Organization-Access%252CDC%253Dexample\
         %252CDC%253Dtest&client-request-id=3f0e"
    );
}

#[test]
fn only_clients_that_say_so_are_challenged() {
    assert!(is_capable(None, Some("1.0")));
    assert!(is_capable(Some("Mozilla/5.0 (Linux; Android 14) PkeyAuth/1.0"), None));
    assert!(!is_capable(Some("Mozilla/5.0"), None));
    assert!(!is_capable(None, Some("2.0")));
    assert!(!is_capable(None, None));
}
