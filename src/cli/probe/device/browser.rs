//! A browser that signs in with the device's primary refresh token (oauth-oidc-prt.md 3.7): a code, and no page.

use serde_json::json;

use super::super::failure::{Failure, Passed, Step};
use super::super::http::Http;
use super::super::request::{Request, encode, shortened, title};
use super::discovery::Service;
use super::exchange::{Wanted, ctx};
use super::prt::{self, Prt};
use super::sign_in;

/// Asks at the authorization endpoint as browsers of Windows do: Edge sends the credential in a header field, Chrome and Firefox have
/// an extension that puts it into a cookie.
pub(super) fn sign_in(http: &Http<'_>, service: &Service, prt: &Prt, wanted: Wanted<'_>) -> Step<()> {
    for carrier in [Carrier::HeaderField, Carrier::Cookie] {
        signed_in_by(carrier, http, service, prt, wanted)?;
    }
    Ok(Passed::new((), format!("a code for {} by header field and by cookie, and no page", wanted.client)))
}

fn signed_in_by(
    carrier: Carrier,
    http: &Http<'_>,
    service: &Service,
    prt: &Prt,
    wanted: Wanted<'_>,
) -> Result<(), Failure> {
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
    let request = Request::get(url).header("User-Agent", EDGE).header("Accept", "text/html");
    let (name, value, shown) = carrier.field(signed.text.expose(), &signed.shown);
    let reply = http.send(&request.secret_header(name, value, shown))?;
    let location = reply.header("location").next().unwrap_or_default();
    if (300..400).contains(&reply.status) && location.starts_with(wanted.redirect_uri) {
        sign_in::code(&reply, wanted.redirect_uri)?;
        return Ok(());
    }
    let came = match title(&reply.text()) {
        Some(title) => format!("the page {title:?}"),
        None if location.is_empty() => String::from("no page"),
        None => format!("a redirection to {location}"),
    };
    let what = format!("HTTP {} with {came}: the user is not signed in by the device, {carrier}", reply.status);
    Err(Failure::new(what).advise_all([
        "A credential that is not good is left aside, and the person signs in as otherwise: the server's audit log says why (event 411).",
        "Is single sign-on by devices on, for browsers that call themselves as Windows' do? Does a proxy take away header fields that begin \
         with x-ms-, or cookies that it does not know?",
    ]))
}

/// What a credential travels in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Carrier {
    HeaderField,
    Cookie,
}

impl Carrier {
    /// Name, value, and the value as it may be shown.
    fn field(self, credential: &str, shown: &str) -> (&'static str, String, String) {
        match self {
            Self::HeaderField => (CREDENTIAL, credential.to_owned(), format!("({shown})")),
            Self::Cookie => ("Cookie", format!("{CREDENTIAL}={credential}"), format!("{CREDENTIAL}=({shown})")),
        }
    }
}

impl std::fmt::Display for Carrier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::HeaderField => "whose credential came in a header field",
            Self::Cookie => "whose credential came in a cookie",
        })
    }
}

const CREDENTIAL: &str = "x-ms-RefreshTokenCredential";

/// A browser of Windows.
const EDGE: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36 \
                    Edg/126.0.0.0";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_is_sent_and_not_shown() {
        for (carrier, expected) in [
            (Carrier::HeaderField, ("x-ms-RefreshTokenCredential", "eyJ.secret")),
            (Carrier::Cookie, ("Cookie", "x-ms-RefreshTokenCredential=eyJ.secret")),
        ] {
            let (name, value, shown) = carrier.field("eyJ.secret", "signed");
            assert_eq!((name, &*value), expected);
            assert!(shown.ends_with("(signed)") && !shown.contains("secret"), "{shown}");
        }
    }
}
