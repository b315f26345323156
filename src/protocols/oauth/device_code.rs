//! `/adfs/oauth2/devicecode`: a device without a browser asks for two codes, one for itself and one for a person to enter elsewhere
//! (oauth-oidc-prt.md 2.9, RFC 8628).
//!
//! The person's code stands for a request in the store; the device's own is that code under seal, for its client alone.

use std::time::Duration;

use actix_web::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::client_authentication::authenticate;
use super::error::OAuthError;
use super::scopes::Wanted;
use super::{OAuthEndpoint, OAuthSettings, json as answer};
use crate::audit::AuthProtocol;
use crate::clock::{Random, RandomError, UtcTime};
use crate::issuance::Context;
use crate::protocols::browser::parameters::Parameters;
use crate::protocols::environment::Environment;
use crate::protocols::http::{Answer, Call};
use crate::store::{FirstUse, Purpose, StoreError, TokenId};
use crate::tokens::sealed::SealPurpose;
use crate::trusts::client::DEVICE_REGISTRATION;
use crate::trusts::{Client, GrantType};

/// What a device asks for, as it waits for a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct DeviceRequest {
    /// The client.
    #[serde(rename = "c")]
    pub(super) client: String,
    /// The resource.
    #[serde(rename = "r")]
    pub(super) resource: String,
    /// The scopes that it may have.
    #[serde(rename = "s")]
    pub(super) scopes: Vec<String>,
    /// Where it asked from.
    #[serde(rename = "a")]
    pub(super) address: String,
    /// When.
    #[serde(rename = "t")]
    pub(super) at: UtcTime,
}

/// What a person enters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct UserCode(String);

impl UserCode {
    fn random(random: &dyn Random) -> Result<Self, RandomError> {
        let mut code = String::with_capacity(LENGTH);
        while code.len() < LENGTH {
            let mut octets = [0; 32];
            random.fill(&mut octets)?;
            // Octets beyond the last whole alphabet would favour its beginning.
            let even =
                octets.iter().map(|octet| usize::from(*octet)).filter(|octet| *octet < 256 - 256 % ALPHABET.len());
            let letters = even.filter_map(|octet| ALPHABET.get(octet % ALPHABET.len()));
            code.extend(letters.take(LENGTH - code.len()).map(|letter| char::from(*letter)));
        }
        Ok(Self(code))
    }

    /// The code in what somebody wrote: in any case, with blanks and hyphens as they like.
    pub(super) fn read(text: &str) -> Option<Self> {
        let code: String =
            text.chars().filter(|c| !c.is_whitespace() && *c != '-').map(|c| c.to_ascii_uppercase()).collect();
        (code.len() == LENGTH && code.bytes().all(|octet| ALPHABET.contains(&octet))).then_some(Self(code))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// Its name in the store, which nobody reads it from.
    pub(super) fn id(&self) -> Result<TokenId, OAuthError> {
        TokenId::new(&self.0).map_err(|error| OAuthError::DeviceCode(error.to_string()))
    }
}

/// Answers a request.
pub(super) async fn handle(environment: &Environment, settings: &OAuthSettings, call: &Call) -> Answer {
    let cx = environment.context(call, AuthProtocol::OAuth, OAuthEndpoint::DeviceCode.path());
    let form = match Parameters::of_form(call) {
        Ok(form) => form,
        Err(error) => return refused(&cx, None, &error.into()),
    };
    match begin(environment, settings, &cx, call, &form).await {
        Ok(answer) => answer,
        Err(error) => refused(&cx, form.line("client_id", MAX_ID).ok().flatten(), &error),
    }
}

fn refused(cx: &Context, client: Option<&str>, error: &OAuthError) -> Answer {
    error.note(cx, client, None);
    error.answer()
}

async fn begin(
    environment: &Environment,
    settings: &OAuthSettings,
    cx: &Context,
    call: &Call,
    form: &Parameters,
) -> Result<Answer, OAuthError> {
    let client = authenticate(environment, settings, cx, call, form).await?.client;
    if !client.may_use(GrantType::DeviceCode) {
        return Err(OAuthError::GrantNotAllowed);
    }
    let granted = Wanted::read(form)?.permit(&cx.services.trusts, &client, None);
    let granted = granted.map_err(|error| match error {
        OAuthError::UnknownResource => {
            OAuthError::Unusable { name: "resource", reason: "no enabled relying party has it as identifier" }
        }
        other => other,
    })?;
    // Whoever is talked into entering a code would register the device of somebody else.
    if granted.trust.identifiers.iter().any(|identifier| identifier == DEVICE_REGISTRATION) {
        return Err(OAuthError::NotPermitted);
    }
    let now = cx.services.clock.now();
    let until = now.plus(settings.device_code_lifetime);
    count(cx, &format!("{} ", call.origin.client_ip), MOST_WAITING, Purpose::DeviceCodeRequest, until).await?;
    let request = DeviceRequest {
        client: client.id.clone(),
        resource: granted.resource,
        scopes: granted.scopes,
        address: call.origin.client_ip.to_string(),
        at: now,
    };
    let text = serde_json::to_string(&request).map_err(|error| OAuthError::DeviceCode(error.to_string()))?;
    let code = loop {
        let code = UserCode::random(&*cx.services.random)?;
        if settings.device_codes.begin(&code.id()?, &text, until).await? {
            break code;
        }
    };
    let device_code = settings.sealer.seal(DEVICE_CODE.bound_to(&client.id), &code, until)?;
    tracing::info!(correlation = %cx.request.activity, client = client.id, address = %request.address, "a device asks for a sign-in");
    let page = format!("{}/oauth2/deviceauth", settings.issuer);
    let code = code.as_str();
    Ok(answer(
        StatusCode::OK,
        &json!({
            "user_code": code,
            "device_code": device_code,
            "verification_uri": page,
            "verification_url": page,
            "verification_uri_complete": format!("{page}?user_code={code}"),
            "expires_in": settings.device_code_lifetime.as_secs(),
            "interval": INTERVAL.as_secs(),
            "message": format!("To sign in, use a web browser to open the page {page} and enter the code {code} to authenticate."),
        }),
    ))
}

/// Takes one of `most` places of `who` until `until`.
///
/// # Errors
/// [`OAuthError::TooMany`] when all are taken.
pub(super) async fn count(
    cx: &Context,
    who: &str,
    most: usize,
    purpose: Purpose,
    until: UtcTime,
) -> Result<(), OAuthError> {
    let places: Result<Vec<TokenId>, _> = (0..most).map(|place| TokenId::new(&format!("{who}{place}"))).collect();
    let places = places.map_err(|error| OAuthError::DeviceCode(error.to_string()))?;
    match cx.services.one_time.redeem_one_of(purpose, &places, until).await {
        Ok(FirstUse::First) => Ok(()),
        Ok(FirstUse::Repeated) | Err(StoreError::Full { .. }) => Err(OAuthError::TooMany),
        Err(error) => Err(error.into()),
    }
}

/// Whether a client may ask for a resource in this way at all.
pub(super) fn client_of(cx: &Context, request: &DeviceRequest) -> Option<std::sync::Arc<Client>> {
    let client = cx.services.trusts.client(&request.client)?;
    (client.enabled && client.may_use(GrantType::DeviceCode)).then(|| std::sync::Arc::clone(client))
}

/// The device's own code; bound to the client.
pub(super) const DEVICE_CODE: SealPurpose<'static> = SealPurpose::new("oauth_device_code");
/// What a device must leave between two questions.
pub(super) const INTERVAL: Duration = Duration::from_secs(5);
/// Consonants, so that no code is a word, and digits, without those that are taken for others: 41 bits with 9 of them.
const ALPHABET: &[u8] = b"BCDFGHJKLMNPQRSTVWXZ3479";
const LENGTH: usize = 9;
/// Requests of one address at one time.
const MOST_WAITING: usize = 50;
const MAX_ID: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemRandomSource;

    #[test]
    fn a_user_code_is_read_as_people_write_it() {
        let code = UserCode::random(&SystemRandomSource::new()).unwrap();
        let text = code.as_str();
        assert_eq!(UserCode::read(text).as_ref(), Some(&code));
        let written = format!(" {}-{} {}\t", &text[..3].to_lowercase(), &text[3..6], &text[6..]);
        assert_eq!(UserCode::read(&written), Some(code));
        for other in ["", "BCDFGHJK", "BCDFGHJKLM", "BCDFGHJKA", "BCDFGHJK0", "BCDFGHJK\u{212a}", "BCDFGHJKL<"] {
            assert_eq!(UserCode::read(other), None, "{other}");
        }
    }

    #[test]
    fn every_letter_comes_up_and_no_two_codes_are_alike() {
        let random = SystemRandomSource::new();
        let codes: std::collections::BTreeSet<String> =
            (0..500).map(|_| UserCode::random(&random).unwrap().0).collect();
        assert_eq!(codes.len(), 500);
        let letters: std::collections::BTreeSet<u8> = codes.iter().flat_map(|code| code.bytes()).collect();
        assert_eq!(letters.len(), ALPHABET.len());
    }
}
