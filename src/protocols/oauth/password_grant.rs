//! `password`: a client that asks its user for the password itself (oauth-oidc-prt.md 2.7). Only for clients that are set up
//! for it; lockout and pace are those of every other password.

use super::error::OAuthError;
use super::refresh_grant;
use super::respond::{Person, TokenRequest, TokenResponse, token_response};
use super::scopes::Wanted;
use super::token::Exchange;
use super::travel::Travelled;
use crate::audit::CredentialFailure;
use crate::authn::{AuthenticationMethod, SsoSession};
use crate::protocols::credential::{self, Proof, USERNAME_TOKEN};
use crate::secret::Secret;
use crate::trusts::Client;

/// Checks name and password, and issues tokens.
pub(super) async fn redeem(exchange: Exchange<'_>, client: &Client) -> Result<TokenResponse, OAuthError> {
    let Exchange { environment, settings, cx, call, form } = exchange;
    let wanted = Wanted::read(form)?;
    let granted = wanted.permit(&cx.services.trusts, client, None)?;
    let name = form.line("username", MAX_NAME)?.ok_or(OAuthError::Missing("username"))?;
    let password = form.get("password")?.ok_or(OAuthError::Missing("password"))?;
    let password = Secret::new(password.to_owned());
    let checked = credential::password(environment, cx, call, name, &password, &granted.resource).await;
    let accepted = checked.map_err(|refusal| match refusal.failure {
        _ if refusal.retryable => OAuthError::Unavailable(refusal.detail),
        CredentialFailure::PasswordExpired | CredentialFailure::PasswordMustChange => {
            OAuthError::InteractionRequired("the password must be changed")
        }
        _ => OAuthError::Password,
    })?;
    let alternate_login_id = accepted.alternate_login_id.as_deref();
    let method = AuthenticationMethod::Password;
    let proof = Proof { method, certificate: None, password_expires: accepted.expires, alternate_login_id };
    let subject = credential::accepted(cx, accepted.account, proof, &granted.resource, USERNAME_TOKEN)?;
    let grant = exchange.permitted(&granted.resource, call.origin.clone(), (&subject, false), None).await?;
    let session = SsoSession::begin(subject, environment.browser.lifetimes, None, cx.services.clock.now());
    let (origin, random) = (call.origin.clone(), &*cx.services.random);
    let travelled = Travelled::begin(origin, granted.resource, granted.scopes, random)?;
    let person = Some(Person { session: &session, travelled: &travelled });
    let scopes = &travelled.scopes;
    let request = TokenRequest { client, grant: &grant, scopes, nonce: None, method: None, person };
    let response = token_response(environment, settings, cx, &request).await?;
    refresh_grant::add(exchange, client, &session, &travelled, response)
}

const MAX_NAME: usize = 512;
