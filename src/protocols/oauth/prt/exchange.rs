//! A PRT exchanged for tokens of a client, or for the next PRT (oauth-oidc-prt.md 3.5, 3.6). The answer is encrypted under a key
//! that only the device can derive; its errors are not.

use actix_web::http::StatusCode;

use super::At;
use crate::audit::Parties;
use crate::authn::SsoSession;
use crate::protocols::credential;
use crate::protocols::http::Answer;
use crate::protocols::oauth::error::OAuthError;
use crate::protocols::oauth::respond::{self, Person, TokenRequest};
use crate::protocols::oauth::scopes::Wanted;
use crate::protocols::oauth::travel::Travelled;
use crate::prt::{Around, Exchange, PrtRefusal, SessionSigned, encrypt_response};

pub(super) async fn answer(at: At<'_>, signed: &SessionSigned) -> Result<Answer, OAuthError> {
    let services = &*at.cx.services;
    let around = Around::from(services);
    let exchange = Exchange::read(signed, &at.service.sealer, services.clock.now());
    let exchange = exchange.map_err(|error| at.refused(Parties::default(), error.into()))?;
    let prt = &exchange.prt;
    let failed = |refusal: PrtRefusal| at.refused(Parties { sid: Some(prt.user), ..Parties::default() }, refusal);
    let holder = at.service.exchange(&exchange, around).await.map_err(failed)?;
    let subject = holder.subject(prt);

    let client = services.trusts.client(&exchange.client_id).filter(|client| client.enabled);
    let client = client.ok_or(OAuthError::UnknownClient)?;
    if client.is_confidential() {
        return Err(OAuthError::GrantNotAllowed);
    }
    let scope: Vec<&str> = exchange.scope.split_ascii_whitespace().filter(|scope| *scope != "aza").collect();
    let wanted = Wanted::of(exchange.resource.clone(), &scope.join(" "))?;
    let granted = wanted.permit(&services.trusts, client, None)?;
    credential::prt_accepted(at.cx, &subject, Some(&granted.resource));
    let grant = at.decide(&granted.resource, &subject).await?;
    // The web API that gets the token may ask on behalf of its user for as long as the token is good.
    let travelled = Travelled {
        origin: at.call.origin.clone(),
        resource: granted.resource,
        scopes: granted.scopes,
        family: prt.family.clone(),
        on_behalf: false,
        elsewhere: false,
        generation: 0,
    };
    let session = SsoSession { subject, kept: None, prt_family: None, until: prt.until };
    let person = Some(Person { session: &session, travelled: &travelled });
    let scopes = &travelled.scopes;
    let request = TokenRequest { client, grant: &grant, scopes, nonce: None, method: None, person };
    let mut response = respond::token_response(at.environment, at.settings, at.cx, &request).await?;

    if exchange.renew {
        let next = at.service.renew(prt, exchange.kdf, around).map_err(failed)?;
        response = response.with_refresh_token(&next.text, next.prt.until, next.prt.issued);
    }
    let plain = serde_json::to_vec(&response).map_err(|_| OAuthError::Unavailable(String::from("the answer")))?;
    let jwe = encrypt_response(&prt.session_key, &exchange.ctx, &plain, &*services.random);
    let jwe = jwe.map_err(|error| failed(error.into()))?;
    // The type is AD FS', although the body is no JSON; clients look at its first character.
    Ok(Answer::new(StatusCode::OK, super::super::JSON, jwe))
}
