//! `client_credentials`: a token for the client itself (oauth-oidc-prt.md 2.6).

use super::client_authentication::AuthenticatedClient;
use super::error::OAuthError;
use super::respond::{TokenRequest, TokenResponse, token_response};
use super::scopes::Wanted;
use super::token::Exchange;
use crate::audit::{AuthnFacts, EventKind, Parties};

/// Issues a token to a client that proved who it is. No id token and no refresh token: there is no person.
pub(super) async fn redeem(exchange: Exchange<'_>, asking: &AuthenticatedClient) -> Result<TokenResponse, OAuthError> {
    let Exchange { environment, settings, cx, call, form } = exchange;
    let client = &*asking.client;
    let proof = asking.proof.ok_or(OAuthError::GrantNotAllowed)?;
    let wanted = Wanted::read(form)?;
    let granted = wanted.permit(&cx.services.trusts, client, None)?;
    let subject = asking.subject(cx)?;
    let parties = Parties::of(&subject, Some(&granted.resource));
    cx.note([EventKind::CredentialAccepted { parties, authn: AuthnFacts::of(&subject) }]);
    let grant = exchange.permitted(&granted.resource, call.origin.clone(), (&subject, false), None).await?;
    let method = Some(proof.uri());
    let request = TokenRequest { client, grant: &grant, scopes: &[], nonce: None, method, person: None };
    token_response(environment, settings, cx, &request).await
}
