//! `device_code`: a device asks whether somebody entered its code, and gets its tokens when they did (oauth-oidc-prt.md 2.9).

use super::device_code::{DEVICE_CODE, INTERVAL, UserCode};
use super::error::OAuthError;
use super::refresh_grant;
use super::respond::{Person, TokenRequest, TokenResponse, token_response};
use super::standing;
use super::token::Exchange;
use super::travel::SignedIn;
use crate::store::Polled;
use crate::tokens::sealed::{SealError, SealPurpose};
use crate::trusts::Client;

/// Says what became of a request; tokens once.
pub(super) async fn redeem(exchange: Exchange<'_>, client: &Client) -> Result<TokenResponse, OAuthError> {
    let Exchange { environment, settings, cx, call, form } = exchange;
    // AD FS has the name `code`, RFC 8628 the other; MSAL sends both.
    let (short, long) = (form.line("code", MAX_CODE)?, form.line("device_code", MAX_CODE)?);
    if short.zip(long).is_some_and(|(short, long)| short != long) {
        return Err(OAuthError::Unusable { name: "device_code", reason: "it is not what `code` says" });
    }
    let text = long.or(short).ok_or(OAuthError::Missing("device_code"))?;
    let opened = settings.sealer.open::<UserCode>(DEVICE_CODE.bound_to(&client.id), text);
    let code = opened.map_err(|error| match error {
        SealError::Expired { .. } => OAuthError::DeviceCodeExpired,
        other => OAuthError::DeviceCode(other.to_string()),
    })?;
    let (code, gone) =
        (code.value.id()?, || OAuthError::DeviceCode(String::from("it was redeemed, or its time is over")));
    let approved = match settings.device_codes.poll(&code, INTERVAL).await? {
        Polled::Waiting => return Err(OAuthError::AuthorizationPending),
        Polled::TooSoon => return Err(OAuthError::SlowDown),
        Polled::Denied => return Err(OAuthError::DeviceDenied),
        Polled::Unknown => return Err(gone()),
        Polled::Approved(text) => text,
    };
    let unreadable = |reason: &str| OAuthError::DeviceCode(reason.to_owned());
    let opened = settings.sealer.open::<SignedIn>(APPROVAL.bound_to(&client.id), &approved);
    let signed_in = opened.map_err(|error| unreadable(&error.to_string()))?.value;
    let (session, travelled) = signed_in.unpack().ok_or_else(|| unreadable("it holds no session"))?;
    let standing = standing::check_of_code(environment, cx, &session, &travelled).await;
    standing.map_err(|ended| ended.into_error(OAuthError::DeviceCode))?;
    // The person was permitted where they were; the device must be where it is, or a code that somebody was talked into would carry
    // a token out of the network that it is for.
    let grant = exchange
        .permitted(&travelled.resource, call.origin.clone(), (&session.subject, session.kept.is_some()), None)
        .await?;
    // As of a code: used up when nothing is left that may fail for a while.
    if !settings.device_codes.take(&code).await? {
        return Err(gone());
    }
    let person = Some(Person { session: &session, travelled: &travelled });
    let scopes = &travelled.scopes;
    let request = TokenRequest { client, grant: &grant, scopes, nonce: None, method: None, person };
    let response = token_response(environment, settings, cx, &request).await?;
    refresh_grant::add(exchange, client, &session, &travelled, response)
}

/// What somebody approved; bound to the client.
pub(super) const APPROVAL: SealPurpose<'static> = SealPurpose::new("oauth_device_approval").packed();
const MAX_CODE: usize = 1024;
