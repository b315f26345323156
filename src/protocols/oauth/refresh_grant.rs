//! `refresh_token`: new tokens without a browser (oauth-oidc-prt.md 2.8).
//!
//! How long one lives is said in `lifetime`. A public client gets another one each time, with the next number; one that is used again
//! later than a lost answer explains voids all that came of the sign-in.

use super::client_authentication::AuthenticatedClient;
use super::error::OAuthError;
use super::respond::{Person, TokenRequest, TokenResponse, token_response};
use super::scopes::{Wanted, is_qualified};
use super::standing::{self, Now};
use super::token::Exchange;
use super::travel::{self, SignedIn, Travelled};
use super::{OAuthSettings, device_proof, lifetime};
use crate::authn::{SessionRef, SsoSession};
use crate::clock::UtcTime;
use crate::issuance::Context;
use crate::protocols::browser;
use crate::protocols::environment::Environment;
use crate::store::Standing;
use crate::tokens::sealed::SealError;
use crate::trusts::{Client, GrantType};

/// What an opened refresh token stands for.
#[derive(Debug, Clone)]
pub(super) struct Opened {
    /// The sign-in, with the account as it is now.
    pub(super) session: SsoSession,
    /// What for, and from where.
    pub(super) travelled: Travelled,
    /// `pwdLastSet` of the account, as far as the sign-in stands on the password.
    pub(super) password_set: Option<i64>,
}

/// An opened refresh token that was not used yet. Everything that may fail for a while is asked in between: whoever tries again after
/// an outage must not look like a thief.
#[derive(Debug)]
pub(super) struct Unused {
    pub(super) opened: Opened,
    expiry: UtcTime,
}

/// What a refresh token is opened with.
#[derive(Clone, Copy)]
pub(super) struct Redeeming<'a> {
    pub(super) environment: &'a Environment,
    pub(super) settings: &'a OAuthSettings,
    pub(super) cx: &'a Context,
    pub(super) client: &'a Client,
}

impl Redeeming<'_> {
    /// Opens a refresh token of this client that still holds. `may` has a say before the directory is asked.
    ///
    /// # Errors
    /// [`OAuthError`].
    pub(super) async fn open(
        self,
        text: &str,
        may: impl AsyncFnOnce(&SsoSession) -> Result<(), OAuthError>,
    ) -> Result<Unused, OAuthError> {
        let Self { environment, settings, cx, client } = self;
        let sealed = text.strip_prefix(travel::REFRESH_PREFIX).unwrap_or(text);
        let opened = settings.sealer.open::<SignedIn>(travel::REFRESH.bound_to(&client.id), sealed);
        let opened = opened.map_err(|error| match error {
            SealError::Expired { .. } => OAuthError::RefreshExpired,
            other => OAuthError::Refresh(other.to_string()),
        })?;
        let void = |reason: &str| OAuthError::Refresh(reason.to_owned());
        let (mut session, travelled) = opened.value.unpack().ok_or_else(|| void("it holds no session"))?;
        // Also what was sealed when tokens lived longer.
        if browser::tokens_end(&environment.browser, &session) <= cx.services.clock.now() {
            return Err(OAuthError::RefreshExpired);
        }
        let ended = |ended: standing::Ended| ended.into_error(OAuthError::Refresh);
        standing::check(environment, cx, &session, &travelled).await.map_err(ended)?;
        may(&session).await?;
        let Now { origin, password_set } = standing::person_now(cx, &session).await.map_err(ended)?;
        session.subject.origin = origin;
        Ok(Unused { opened: Opened { session, travelled, password_set }, expiry: opened.expiry })
    }

    /// Notes that a refresh token was used. The same one is taken again for a moment, because an answer may get lost; after that
    /// it is in two hands, and everything that came of the sign-in is void. That of a client with a secret is of no use to others.
    ///
    /// # Errors
    /// [`OAuthError`].
    pub(super) async fn spend(self, unused: Unused) -> Result<Opened, OAuthError> {
        let Unused { opened, expiry } = unused;
        if self.client.is_confidential() {
            return Ok(opened);
        }
        let Self { environment, settings, cx, .. } = self;
        let Travelled { family, generation, .. } = &opened.travelled;
        let (rotation, grace) = (rotation_of(family), settings.refresh_grace);
        match settings.generations.redeem(&rotation, *generation, grace, expiry).await? {
            Standing::Current => Ok(opened),
            Standing::Superseded => {
                let until = browser::tokens_end(&environment.browser, &opened.session).max(expiry);
                cx.services.revocations.revoke(family, until).await?;
                Err(OAuthError::RefreshReused)
            }
        }
    }
}

/// What the numbers of a family's refresh tokens are remembered under: the family itself is that of the primary refresh tokens that
/// may come of them, which have numbers of their own.
const fn rotation_of(family: &SessionRef) -> SessionRef {
    SessionRef(uuid::Uuid::from_u128(family.0.as_u128().rotate_left(64)))
}

/// Redeems a refresh token.
pub(super) async fn redeem(exchange: Exchange<'_>, asking: &AuthenticatedClient) -> Result<TokenResponse, OAuthError> {
    let Exchange { environment, settings, cx, call, form } = exchange;
    let client = &*asking.client;
    let text = form.line("refresh_token", super::SEALED_LIMIT + 2)?.ok_or(OAuthError::Missing("refresh_token"))?;
    let redeeming = Redeeming { environment, settings, cx, client };
    let possession = async |session: &SsoSession| device_proof::demand(environment, cx, call, client, session).await;
    let unused = redeeming.open(text, possession).await?;
    let Opened { session, travelled, .. } = &unused.opened;
    // What the client got on behalf of somebody it gets again on behalf of them, if it still may.
    if travelled.on_behalf && !client.may_use(GrantType::OnBehalfOf) {
        return Err(OAuthError::GrantNotAllowed);
    }
    let actor = if travelled.on_behalf { Some(asking.subject(cx)?) } else { None };
    // Another resource, or fewer scopes, may be asked for; more scopes than were granted may not.
    let wanted = Wanted::read(form)?;
    let granted = wanted.permit(&cx.services.trusts, client, Some(&travelled.resource))?;
    let scopes: Vec<String> = if form.has("scope") {
        granted.scopes.into_iter().filter(|scope| is_qualified(scope) || travelled.scopes.contains(scope)).collect()
    } else {
        travelled.scopes.clone()
    };
    let origin = exchange.origin(client, &travelled.origin);
    let grant =
        exchange.permitted(&granted.resource, origin, (&session.subject, session.kept.is_some()), actor).await?;
    let Opened { session, mut travelled, .. } = redeeming.spend(unused).await?;
    travelled.resource = granted.resource;
    let person = Some(Person { session: &session, travelled: &travelled });
    let request = TokenRequest { client, grant: &grant, scopes: &scopes, nonce: None, method: None, person };
    let response = token_response(environment, settings, cx, &request).await?;
    if client.is_confidential() && !lifetime::slides(&session, &travelled) {
        // Only this client can use the one it has, and another one would last no longer.
        return Ok(response);
    }
    add(exchange, client, &session, &travelled, response)
}

/// Adds a refresh token to an answer, where the client may have one.
pub(super) fn add(
    exchange: Exchange<'_>,
    client: &Client,
    session: &SsoSession,
    travelled: &Travelled,
    response: TokenResponse,
) -> Result<TokenResponse, OAuthError> {
    let Exchange { environment, settings, cx, .. } = exchange;
    let now = cx.services.clock.now();
    let until = lifetime::of_refresh_token(environment, settings, (session, travelled), now);
    let Some(until) = until.filter(|_| client.may_use(GrantType::RefreshToken)) else { return Ok(response) };
    let purpose = travel::REFRESH.bound_to(&client.id);
    let sealed = settings.sealer.seal(purpose, &travelled.next(session), until)?;
    Ok(response.with_refresh_token(&format!("{}{sealed}", travel::REFRESH_PREFIX), until, now))
}
