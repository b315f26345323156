//! `authorization_code`: tokens for a code that came through the browser (oauth-oidc-prt.md 2.5).

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::error::OAuthError;
use super::refresh_grant;
use super::respond::{Person, TokenRequest, TokenResponse, token_response};
use super::standing;
use super::token::Exchange;
use super::travel::{self, Code};
use crate::protocols::browser;
use crate::store::{FirstUse, Purpose, TokenId};
use crate::tokens::sealed::SealError;
use crate::trusts::Client;

/// Redeems a code, once. A second use voids the refresh tokens of the first, however late it comes.
pub(super) async fn redeem(exchange: Exchange<'_>, client: &Client) -> Result<TokenResponse, OAuthError> {
    let Exchange { environment, settings, cx, form, .. } = exchange;
    let text = form.line("code", super::SEALED_LIMIT)?.ok_or(OAuthError::Missing("code"))?;
    let unusable = |error: SealError| OAuthError::Code(error.to_string());
    let opened = settings.sealer.open_late::<Code>(travel::CODE.bound_to(&client.id), text).map_err(unusable)?;
    let Code { signed_in, id, redirect_uri, challenge, nonce, without_groups } = opened.value;
    // The address it was sent to must be named again (RFC 6749 4.1.3).
    match form.get("redirect_uri")? {
        None => return Err(OAuthError::Missing("redirect_uri")),
        Some(other) if other != redirect_uri => {
            return Err(OAuthError::Code(String::from("it was sent to another address")));
        }
        Some(_) => {}
    }
    verify(form.get("code_verifier")?, challenge.as_deref())?;
    let code = TokenId::from_octets(id.as_bytes()).map_err(|error| OAuthError::Code(error.to_string()))?;
    let (mut session, travelled) =
        signed_in.unpack().ok_or_else(|| OAuthError::Code(String::from("it holds no session")))?;
    let tokens_end = browser::tokens_end(&environment.browser, &session);
    let family = travelled.family.clone();
    if opened.expiry <= cx.services.clock.now() {
        // Whether it was used is not remembered any more: what it may have yielded is void (RFC 6749 4.1.2).
        cx.services.revocations.revoke(&family, tokens_end).await?;
        return Err(unusable(SealError::Expired { at: opened.expiry }));
    }
    let standing = standing::check_of_code(environment, cx, &session, &travelled).await;
    standing.map_err(|ended| ended.into_error(OAuthError::Code))?;
    if without_groups {
        let looked_up = standing::look_up_groups(cx, &mut session).await;
        looked_up.map_err(|ended| ended.into_error(OAuthError::Code))?;
    }
    // The person was where the code was made, wherever it is redeemed.
    let origin = travelled.origin.clone();
    let grant =
        exchange.permitted(&travelled.resource, origin, (&session.subject, session.kept.is_some()), None).await?;
    // Used up when nothing is left that may fail for a while: after an outage the client comes with the same code once more.
    if cx.services.one_time.redeem(Purpose::AuthorizationCode, &code, opened.expiry).await? == FirstUse::Repeated {
        cx.services.revocations.revoke(&family, tokens_end).await?;
        return Err(OAuthError::CodeReused);
    }
    let request = TokenRequest {
        client,
        grant: &grant,
        scopes: &travelled.scopes,
        nonce: nonce.as_deref(),
        method: None,
        person: Some(Person { session: &session, travelled: &travelled }),
    };
    let response = token_response(environment, settings, cx, &request).await?;
    refresh_grant::add(exchange, client, &session, &travelled, response)
}

/// Whether the verifier belongs to the challenge; neither stands without the other (RFC 9700 2.1.1).
fn verify(verifier: Option<&str>, challenge: Option<&str>) -> Result<(), OAuthError> {
    match (verifier, challenge) {
        (None, None) => Ok(()),
        (Some(verifier), Some(challenge)) if (43..=128).contains(&verifier.len()) => {
            let derived = URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()));
            verify_slices_are_equal(derived.as_bytes(), challenge.as_bytes()).map_err(|_| OAuthError::Verifier)
        }
        _ => Err(OAuthError::Verifier),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verifier_fits_its_challenge_and_nothing_else() {
        // RFC 7636, appendix B.
        let (verifier, challenge) =
            ("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
        assert!(verify(Some(verifier), Some(challenge)).is_ok());
        assert!(verify(None, None).is_ok());
        for (verifier, challenge) in [
            (Some(verifier), None),
            (None, Some(challenge)),
            (Some(challenge), Some(challenge)),
            (Some(&verifier[1..]), Some(challenge)),
            (Some(""), Some(challenge)),
        ] {
            assert!(verify(verifier, challenge).is_err());
        }
    }

    #[test]
    fn a_verifier_is_of_a_length_that_nobody_guesses_and_everybody_takes() {
        for (length, good) in [(1, false), (42, false), (43, true), (128, true), (129, false)] {
            let verifier = "v".repeat(length);
            let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()));
            assert_eq!(verify(Some(&verifier), Some(&challenge)).is_ok(), good, "{length}");
        }
    }
}
