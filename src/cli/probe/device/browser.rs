//! A browser that signs in with the device's primary refresh token (oauth-oidc-prt.md 3.7): a code, and no page.

use serde_json::json;

use super::super::failure::{Failure, Passed, Step};
use super::super::http::Http;
use super::super::request::{Request, encode, shortened, title};
use super::discovery::Service;
use super::exchange::{Wanted, ctx};
use super::prt::{self, Prt};
use super::sign_in;

/// Asks at the authorization endpoint as a browser of Windows does.
pub(super) fn sign_in(http: &Http<'_>, service: &Service, prt: &Prt, wanted: Wanted<'_>) -> Step<()> {
    let nonce = prt::nonce(http, &service.token)?.value;
    let payload = |token: &str, nonce: &str| {
        json!({"refresh_token": token, "is_primary": "true", "win_ver": "10.0.26100.1", "windows_api_version": "2.0.1",
            "x_client_platform": "windows", "request_nonce": nonce})
    };
    let token = prt.token.expose();
    let signed =
        prt.session_key.sign(&ctx()?, &payload(token, &nonce), &payload(&shortened(token), &shortened(&nonce)))?;
    let url = format!(
        "{}?response_type=code&client_id={}&redirect_uri={}&resource={}&scope=openid&state=probe",
        service.authorize,
        encode(wanted.client),
        encode(wanted.redirect_uri),
        encode(wanted.resource)
    );
    let reply =
        http.send(&Request::get(url).header("User-Agent", EDGE).header("Accept", "text/html").secret_header(
            "x-ms-RefreshTokenCredential",
            signed.text.expose().clone(),
            format!("({})", signed.shown),
        ))?;
    let location = reply.header("location").next().unwrap_or_default();
    if (300..400).contains(&reply.status) && location.starts_with(wanted.redirect_uri) {
        sign_in::code(&reply, wanted.redirect_uri)?;
        return Ok(Passed::new((), format!("a code for {}, and no page", wanted.client)));
    }
    let came = match title(&reply.text()) {
        Some(title) => format!("the page {title:?}"),
        None if location.is_empty() => String::from("no page"),
        None => format!("a redirection to {location}"),
    };
    Err(Failure::new(format!("HTTP {} with {came}: the user is not signed in by the device", reply.status)).advise_all([
        "A credential that is not good is left aside, and the person signs in as otherwise: the server's audit log says why (event 411).",
        "Is single sign-on by devices on, for browsers that call themselves as Windows' do? Does a proxy take away header fields that begin \
         with x-ms-?",
    ]))
}

/// A browser of Windows.
const EDGE: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36 \
                    Edg/126.0.0.0";
