//! `requested_token_use=on_behalf_of`: a web API asks for a token of another one, for the person whose access token it was called
//! with (oauth-oidc-prt.md 2.10).
//!
//! The access token of a web API that may do so carries who signed in under seal, as a code does. Its claims are never read: the
//! account is looked up again by its SID, and the rules of the other web API decide as in every sign-in.

use super::OAuthSettings;
use super::client_authentication::AuthenticatedClient;
use super::error::OAuthError;
use super::refresh_grant;
use super::respond::{Person, TokenRequest, TokenResponse, token_response};
use super::scopes::Wanted;
use super::standing::{self, Now};
use super::token::Exchange;
use super::travel::SignedIn;
use crate::authn::SubjectOrigin;
use crate::issuance::Context;
use crate::tokens::jwt::{AccessToken, verify_access_token};
use crate::tokens::sealed::SealPurpose;
use crate::trusts::{GrantType, RelyingParty, TrustLookup, Trusts};

/// Issues tokens to a web API on behalf of its user.
pub(super) async fn redeem(exchange: Exchange<'_>, asking: &AuthenticatedClient) -> Result<TokenResponse, OAuthError> {
    let Exchange { environment, settings, cx, form, .. } = exchange;
    let (client, trusts) = (&*asking.client, &cx.services.trusts);
    let actor = asking.subject(cx)?;
    let text = form.line("assertion", MAX_ASSERTION)?.ok_or(OAuthError::Missing("assertion"))?;
    let wanted = Wanted::read(form)?;
    if wanted.resource.is_none() {
        return Err(OAuthError::Missing("resource"));
    }
    let granted = wanted.permit(trusts, client, None).map_err(|error| match error {
        OAuthError::UnknownResource => void("no enabled relying party has the identifier of the resource"),
        other => other,
    })?;

    let own = own_api(trusts, &client.id)
        .ok_or_else(|| void("no enabled relying party has the client's id as identifier"))?;
    let audiences: Vec<&str> = own.identifiers.iter().map(String::as_str).collect();
    let (keys, now) = (&cx.services.keys, cx.services.clock.now());
    let token = verify_access_token(keys, &environment.service_identifier, text, &audiences, now);
    let token = token.map_err(|error| OAuthError::Assertion(error.to_string()))?;
    let (mut session, mut travelled) =
        signed_in(settings, own, &token)?.unpack().ok_or_else(|| void("it holds no session"))?;
    if !matches!(session.subject.origin, SubjectOrigin::Directory(_)) {
        return Err(void("it is not that of a user of Active Directory"));
    }
    let ended = |ended: standing::Ended| ended.into_error(OAuthError::Assertion);
    standing::check(environment, cx, &session, &travelled).await.map_err(ended)?;
    let Now { origin, .. } = standing::person_now(cx, &session).await.map_err(ended)?;
    session.subject.origin = origin;

    travelled.resource = granted.resource;
    travelled.scopes = granted.scopes;
    travelled.on_behalf = true;
    travelled.elsewhere = true;
    // The person is where they signed in, wherever web APIs call each other.
    let origin = travelled.origin.clone();
    let grant = exchange
        .permitted(&travelled.resource, origin, (&session.subject, session.kept.is_some()), Some(actor))
        .await?;
    let person = Some(Person { session: &session, travelled: &travelled });
    let scopes = &travelled.scopes;
    let request = TokenRequest { client, grant: &grant, scopes, nonce: None, method: None, person };
    let response = token_response(environment, settings, cx, &request).await?;
    refresh_grant::add(exchange, client, &session, &travelled, response)
}

/// The sign-in behind an access token that may be used on behalf of its user.
fn signed_in(settings: &OAuthSettings, own: &RelyingParty, token: &AccessToken) -> Result<SignedIn, OAuthError> {
    if !token.has_scope(USER_IMPERSONATION) {
        return Err(void("it is a client's own, or was issued without the scope user_impersonation"));
    }
    let reference =
        token.members.text(REFERENCE).ok_or_else(|| void("it is not that of a user of Active Directory"))?;
    let opened = settings.sealer.open::<SignedIn>(SEAL.bound_to(own.id.as_str()), reference);
    opened.map(|opened| opened.value).map_err(|error| OAuthError::Assertion(error.to_string()))
}

/// What an access token carries for its web API to ask on behalf of its user: the sign-in, under seal, without groups that are looked
/// up again. `None` where nobody could use it.
///
/// # Errors
/// [`OAuthError::Seal`].
pub(super) fn reference(
    settings: &OAuthSettings,
    cx: &Context,
    request: &TokenRequest<'_>,
) -> Result<Option<String>, OAuthError> {
    let trusts = &cx.services.trusts;
    let Some(Person { session, travelled }) = request.person else { return Ok(None) };
    if !matches!(session.subject.origin, SubjectOrigin::Directory(_)) {
        return Ok(None);
    }
    let TrustLookup::Enabled(trust) = trusts.relying_party(request.grant.relying_party.as_str()) else {
        return Ok(None);
    };
    let may_ask =
        |id: &String| trusts.client(id).is_some_and(|client| client.enabled && client.may_use(GrantType::OnBehalfOf));
    if !request.scopes.iter().any(|scope| scope == USER_IMPERSONATION) || !trust.identifiers.iter().any(may_ask) {
        return Ok(None);
    }
    let mut signed_in = travelled.again(session);
    signed_in.leave_out_groups();
    let until = cx.services.clock.now().plus(trust.token_lifetime);
    Ok(Some(settings.sealer.seal(SEAL.bound_to(trust.id.as_str()), &signed_in, until)?))
}

/// The relying party that a client is itself.
fn own_api<'a>(trusts: &'a Trusts, client: &str) -> Option<&'a RelyingParty> {
    match trusts.relying_party(client) {
        TrustLookup::Enabled(trust) => Some(trust),
        TrustLookup::Disabled(_) | TrustLookup::Unknown => None,
    }
}

fn void(reason: &str) -> OAuthError {
    OAuthError::Assertion(reason.to_owned())
}

/// The member of an access token; AD FS has none like it.
pub(super) const REFERENCE: &str = "urn:chancery:on-behalf-of";
/// What stands in it; bound to the relying party.
const SEAL: SealPurpose<'static> = SealPurpose::new("oauth_on_behalf_of").packed();
const USER_IMPERSONATION: &str = "user_impersonation";
const MAX_ASSERTION: usize = 48 * 1024;
