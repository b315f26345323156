//! A request for a PRT, and its answer (oauth-oidc-prt.md 3.3, 3.4).

use std::sync::Arc;

use actix_web::http::StatusCode;
use serde_json::json;

use super::At;
use super::proof::{self, Proved, Request};
use crate::audit::Parties;
use crate::authn::{AuthenticatedSubject, DeviceContext, SessionRef, SubjectOrigin};
use crate::protocols::http::Answer;
use crate::protocols::oauth::error::OAuthError;
use crate::protocols::oauth::id_token::Beside;
use crate::protocols::oauth::{json as json_answer, respond};
use crate::prt::{Around, DeviceRequest, DeviceSigned, NewPrt};
use crate::trusts::Client;
use crate::trusts::client::{BROKER, DEVICE_REGISTRATION_CLIENT, USER_INFORMATION, WINDOWS_SIGN_IN};

pub(super) async fn answer(at: At<'_>, signed: &DeviceSigned) -> Result<Answer, OAuthError> {
    let services = &*at.cx.services;
    let around = Around::from(services);
    let asked = at.judged(at.service.device_request(signed, around)).await?;
    let client = broker(at, &asked)?;
    let audiences = at.settings.audiences();
    let request = Request {
        environment: at.environment,
        settings: at.settings,
        cx: at.cx,
        call: at.call,
        service: at.service,
        client: &client,
        asked: &asked,
        audiences: &audiences,
    };
    let Proved { account, methods, instant, alternate_login_id, origin, after, password_expires, unused } =
        proof::prove(request).await?;
    at.service.touch(&asked.device, services.clock.now()).await;

    let user = account.sid;
    let new = NewPrt {
        user,
        device: asked.device.id,
        certificate: &asked.certificate.mark,
        transport_key: &asked.transport_key,
        client: client.id.clone(),
        kdf: asked.kdf,
        methods: methods.clone(),
        instant,
        alternate_login_id: alternate_login_id.clone(),
        origin,
        after,
    };
    let issued = at.service.issue(new, around).map_err(|refusal| at.refused(Parties::default(), refusal))?;
    let subject = AuthenticatedSubject {
        device: Some(DeviceContext::of(&asked.device, Some(&user))),
        origin: SubjectOrigin::Directory(account),
        methods,
        instant,
        certificate: None,
        session: SessionRef(issued.prt.family.0),
        password_expires,
        alternate_login_id,
    };
    // Who may not have so much as an id token gets no PRT either; a demand for more factors is told to the client.
    let grant = at.decide(USER_INFORMATION, &subject).await?;
    proof::spend(request, unused).await?;
    let scopes = [String::from("openid"), String::from("aza")];
    let beside = Beside::default();
    let id_token = respond::mint_id_token(at.environment, at.settings, at.cx, &client, &grant, &scopes, beside).await?;
    let lifetime = issued.prt.until.since(issued.prt.issued).as_secs();
    Ok(json_answer(
        StatusCode::OK,
        &json!({
            "token_type": "pop",
            "refresh_token": issued.text,
            "refresh_token_expires_in": lifetime,
            "session_key_jwe": issued.session_key_jwe,
            "id_token": id_token,
        }),
    ))
}

/// The client, which must be one of those that keep primary refresh tokens.
fn broker(at: At<'_>, asked: &DeviceRequest) -> Result<Arc<Client>, OAuthError> {
    let client = at.cx.services.trusts.client(&asked.request.client_id).filter(|client| client.enabled);
    let client = client.ok_or(OAuthError::UnknownClient)?;
    let keeps = [BROKER, WINDOWS_SIGN_IN, DEVICE_REGISTRATION_CLIENT].contains(&client.id.as_str());
    if client.file.is_some() || !keeps {
        return Err(OAuthError::GrantNotAllowed);
    }
    Ok(client.clone())
}
