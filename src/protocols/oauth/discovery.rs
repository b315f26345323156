//! What clients find out by themselves: endpoints, keys, and that this is the authority it claims to be (oauth-oidc-prt.md 1).

use std::collections::BTreeSet;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

use super::scopes::KNOWN;
use super::token::{JWT_BEARER, SRV_CHALLENGE};
use super::{OAuthSettings, json as answer};
use crate::address;
use crate::protocols::browser::parameters::Parameters;
use crate::protocols::environment::Environment;
use crate::protocols::http::{Answer, Call};
use crate::trusts::GrantType;

/// `/adfs/.well-known/openid-configuration`. Grants that no client may use are left out.
pub(super) fn configuration(environment: &Environment, settings: &OAuthSettings) -> Answer {
    let base = &settings.issuer;
    let used = |grant| is_used(environment, grant);
    // Of MS-OIDCE 2.2.3.2 the one that is served: key derivation 2, where there are primary refresh tokens.
    let capabilities: &[&str] = if environment.prt.is_some() { &["kdf_ver2"] } else { &[] };
    let mut responses = vec!["code"];
    if used(GrantType::Implicit) {
        responses.extend(["id_token", "code id_token"]);
    }
    let mut document = json!({
            "issuer": base,
            "authorization_endpoint": format!("{base}/oauth2/authorize/"),
            "token_endpoint": format!("{base}/oauth2/token/"),
            "jwks_uri": format!("{base}/discovery/keys"),
            "token_endpoint_auth_methods_supported":
                ["client_secret_post", "client_secret_basic", "private_key_jwt", "windows_client_authentication"],
            "response_types_supported": responses,
            "response_modes_supported": ["query", "fragment", "form_post"],
            "grant_types_supported": grants(environment),
            "subject_types_supported": ["pairwise"],
            "scopes_supported": scopes(environment),
            "id_token_signing_alg_values_supported": ["RS256"],
            "token_endpoint_auth_signing_alg_values_supported": ["RS256", "PS256"],
            "access_token_issuer": environment.service_identifier,
            "claims_supported": ["aud", "iss", "iat", "exp", "auth_time", "nonce", "at_hash", "c_hash", "sub", "upn",
                "unique_name", "pwd_url", "pwd_exp", "sid", "nbf"],
            "microsoft_multi_refresh_token": true,
            "userinfo_endpoint": format!("{base}/userinfo"),
            "capabilities": capabilities,
            "end_session_endpoint": format!("{base}/oauth2/logout"),
            "frontchannel_logout_supported": true,
            "frontchannel_logout_session_supported": true,
            "as_access_token_token_binding_supported": false,
            "as_refresh_token_token_binding_supported": false,
            "resource_access_token_token_binding_supported": false,
            "op_id_token_token_binding_supported": false,
            "rp_id_token_token_binding_supported": false,
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": true,
    });
    if let Some(members) = document.as_object_mut().filter(|_| used(GrantType::DeviceCode)) {
        members.insert("device_authorization_endpoint".into(), json!(format!("{base}/oauth2/devicecode")));
    }
    kept(answer(StatusCode::OK, &document))
}

fn is_used(environment: &Environment, grant: GrantType) -> bool {
    environment.services.trusts.clients().any(|client| client.enabled && client.may_use(grant))
}

/// What the token endpoint takes: primary refresh tokens need two grants that no client has to be permitted.
fn grants(environment: &Environment) -> Vec<&'static str> {
    let (used, devices) = (|grant| is_used(environment, grant), environment.prt.is_some());
    let offered = [
        (true, "authorization_code"),
        (true, "refresh_token"),
        (used(GrantType::ClientCredentials), "client_credentials"),
        (used(GrantType::OnBehalfOf) || devices, JWT_BEARER),
        (used(GrantType::Implicit), "implicit"),
        (used(GrantType::Password), "password"),
        (devices, SRV_CHALLENGE),
        (used(GrantType::DeviceCode), "urn:ietf:params:oauth:grant-type:device_code"),
        (used(GrantType::DeviceCode), "device_code"),
    ];
    offered.into_iter().filter(|(is_offered, _)| *is_offered).map(|(_, name)| name).collect()
}

/// The scopes with a meaning that are served, and those that clients are permitted beside them.
fn scopes(environment: &Environment) -> Vec<&str> {
    let clients = environment.services.trusts.clients().filter(|client| client.enabled);
    let own = clients.flat_map(|client| client.scopes.iter().map(String::as_str));
    let own: BTreeSet<&str> = own.filter(|scope| !KNOWN.contains(scope)).collect();
    SERVED_SCOPES.into_iter().chain(own).collect()
}

/// `/adfs/discovery/keys`: the certificates that federation metadata names, each with its certificate, which some clients
/// insist on.
pub(super) fn keys(environment: &Environment) -> Answer {
    let keys: Vec<serde_json::Value> = environment
        .services
        .keys
        .signing()
        .filter_map(|key| {
            let certificate = openssl::x509::X509::from_der(&key.key.certificate).ok()?;
            let public = certificate.public_key().ok()?.rsa().ok()?;
            let number = |number: &openssl::bn::BigNumRef| URL_SAFE_NO_PAD.encode(number.to_vec());
            let x5t = key.key.x5t();
            Some(json!({
                "kty": "RSA", "use": "sig", "alg": "RS256", "kid": x5t, "x5t": x5t,
                "n": number(public.n()), "e": number(public.e()), "x5c": [key.key.certificate_base64()],
            }))
        })
        .collect();
    kept(answer(StatusCode::OK, &json!({ "keys": keys })))
}

/// `/.well-known/webfinger`: the one relation of AD FS. Only for our own name: to repeat another would vouch for it.
pub(super) fn web_finger(environment: &Environment, call: &Call) -> Answer {
    let Ok(parameters) = Parameters::parse(call.query.as_bytes()) else {
        return Answer::empty(StatusCode::BAD_REQUEST);
    };
    let Ok(Some(resource)) = parameters.line("resource", MAX_RESOURCE) else {
        return Answer::empty(StatusCode::BAD_REQUEST);
    };
    if !address::authority(resource).is_some_and(|host| host.eq_ignore_ascii_case(&environment.service_name)) {
        return Answer::empty(StatusCode::NOT_FOUND);
    }
    let href = format!("https://{}", environment.service_name);
    let body = json!({ "subject": resource, "links": [{ "rel": TRUSTED_REALM, "href": href }] });
    Answer { content_type: Some("application/jrd+json"), ..answer(StatusCode::OK, &body) }
}

/// May be kept for a while: keys are published days before they sign.
fn kept(mut answer: Answer) -> Answer {
    answer.headers.retain(|(name, _)| *name != header::PRAGMA);
    answer.with_header(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=600"))
}

const SERVED_SCOPES: [&str; 6] = ["allatclaims", "email", "user_impersonation", "aza", "profile", "openid"];
const TRUSTED_REALM: &str = "http://schemas.microsoft.com/rel/trusted-realm";
const MAX_RESOURCE: usize = 512;
