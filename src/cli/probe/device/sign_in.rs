//! The token that registers a device: asked at the authorization endpoint as Windows asks, and redeemed (device-registration.md 3).
//!
//! A ticket goes to `…/authorize/wia`, where computers sign in; a password goes to the page.

use serde_json::{Map, Value};

use super::super::failure::{Failure, Passed, Step};
use super::super::http::{Http, Reply};
use super::super::request::{Field, Request, encode};
use super::super::run::without_bindings;
use super::super::target::Target;
use super::super::ticket::{self, Identity};
use super::super::tls::Channel;
use super::args::Join;
use super::discovery::{DSREG, Service};
use super::jose;
use super::page::Page;
use super::refusal;
use crate::kerberos::Initiator;
use crate::secret::Secret;

/// A token, and what it says.
pub(super) struct RegistrationToken {
    pub(super) text: Secret<String>,
    claims: Map<String, Value>,
}

/// Who signs in, and how.
pub(super) enum SignIn<'s> {
    /// By a ticket, bound to the connection.
    Ticket { initiator: &'s Initiator, identity: &'s Identity, channel: Channel },
    /// On the page.
    Password { name: &'s str, password: &'s Secret<String> },
}

impl RegistrationToken {
    /// A text among the claims; of several, the first.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        match self.claims.get(name)? {
            Value::String(text) => Some(text),
            Value::Array(values) => values.first().and_then(Value::as_str),
            _ => None,
        }
    }

    /// `objectGUID` of a computer.
    pub(super) fn object_guid(&self) -> Option<uuid::Uuid> {
        use base64::Engine as _;
        let octets = base64::engine::general_purpose::STANDARD.decode(self.text(OBJECT_GUID)?).ok()?;
        Some(uuid::Uuid::from_bytes_le(octets.try_into().ok()?))
    }
}

/// Gets the token.
pub(super) fn token(http: &Http<'_>, service: &Service, who: &SignIn<'_>, join: Join) -> Step<RegistrationToken> {
    let (reply, how) = match who {
        SignIn::Ticket { initiator, identity, channel } => by_ticket(http, service, initiator, identity, channel)?,
        SignIn::Password { name, password } => {
            let url = address(&service.authorize, &service.resource);
            let reply = Page::new(http).sign_in(&url, name, password, leads_out)?;
            (reply, String::from("on the page"))
        }
    };
    let code = Secret::new(code(&reply, REDIRECT)?);
    let reply = http.send(
        &Request::form(
            &*service.token,
            &[
                Field::plain("grant_type", "authorization_code"),
                Field::plain("client_id", CLIENT),
                Field::secret("code", code.expose()),
                Field::plain("redirect_uri", REDIRECT),
            ],
        )
        .header("User-Agent", DSREG),
    )?;
    if reply.status != 200 {
        return Err(refusal::token(&reply));
    }
    let answer = reply.json().ok_or_else(|| refusal::no_answer_of_the_service(&reply))?;
    let text = answer.get("access_token").and_then(Value::as_str).unwrap_or_default().to_owned();
    let claims = jose::members(&text).ok_or_else(|| Failure::new("the answer holds no access token in JWT form"))?;
    let token = RegistrationToken { text: Secret::new(text), claims };
    judge(&token, join)?;
    let upn = token.text("upn").or_else(|| token.text(IMPLICIT_UPN)).unwrap_or("nobody").to_owned();
    let sid = token.text("primarysid").unwrap_or_default().to_owned();
    let kind = if join == Join::Computer { ", a domain-joined computer" } else { "" };
    Ok(Passed::new(token, format!("{upn} ({sid}){kind}, signed in {how}")))
}

/// By Negotiate, as a computer does.
fn by_ticket(
    http: &Http<'_>,
    service: &Service,
    initiator: &Initiator,
    identity: &Identity,
    channel: &Channel,
) -> Result<(Reply, String), Failure> {
    let url = address(&format!("{}/wia", service.authorize), &service.resource);
    let ask = |ticket: Option<&str>| {
        let request = Request::get(&url).header("User-Agent", DSREG);
        http.send(&match ticket {
            Some(ticket) => request.negotiate(ticket),
            None => request,
        })
    };
    let offer = ask(None)?;
    let negotiate = |value: &str| value.get(..9).is_some_and(|scheme| scheme.eq_ignore_ascii_case("negotiate"));
    if offer.status != 401 || !offer.header("www-authenticate").any(negotiate) {
        return Err(Failure::new(format!("HTTP {} instead of 401 with WWW-Authenticate: Negotiate", offer.status)).advise_all([
            "A computer can use Negotiate only. Windows authentication is off or for the intranet only, or something in front of the \
             server answers in its place.",
            "An error page comes when the client or the resource is not known: is device registration on?",
        ]));
    }
    let host = Target::parse(&url, None)?.host;
    let spn = identity.service(None, &host);
    let (ticket, exchange) = ticket::token(initiator, &spn, channel.bindings.clone())?;
    let reply = ask(Some(&ticket))?;
    if reply.status == 401 {
        let failure = Failure::new(format!("401: the server refuses the ticket for {spn}")).advise_all([
            "Key: the server must have the key of the service the ticket is for, with the current key number: `chancery check` compares the \
             keytab.",
            "Clock: more than five minutes between client, domain controller and server refuse every ticket.",
        ]);
        return Err(if channel.bindings.is_some() {
            without_bindings(initiator, &spn, &ask, Err(failure))
        } else {
            failure
        });
    }
    let proof = if (300..400).contains(&reply.status) { ticket::proof(exchange, &reply)? } else { "" };
    Ok((reply, format!("by a ticket for {spn}; {proof}")))
}

/// What a token lacks for the registration.
fn judge(token: &RegistrationToken, join: Join) -> Result<(), Failure> {
    let permitted = [PERMISSION.to_owned(), format!("{PERMISSION}Claim")]
        .iter()
        .any(|name| token.text(name).is_some_and(|value| value.eq_ignore_ascii_case("true")));
    if !permitted {
        return Err(Failure::new("the token does not permit the registration").advise(
            "PermitDeviceRegistration is missing: the rules of device registration do not let this account register. Windows shows \
             0x801c0003.",
        ));
    }
    let missing = |claim: &str| Failure::new(format!("the token has no claim {claim}"));
    if token.text("primarysid").is_none() {
        return Err(missing("primarysid").advise("Windows shows 0x801c0014."));
    }
    if join == Join::User {
        return Ok(());
    }
    if token.text(ACCOUNT_TYPE) != Some("DJ") {
        return Err(missing("accounttype with the value DJ").advise_all([
            "Only members of Domain Computers (RID 515) get it: a user, a domain controller and a managed service account do not.",
            "For a device of a user's own: --join user.",
        ]));
    }
    if token.object_guid().is_none() {
        return Err(missing("onpremobjectguid with a GUID in base64"));
    }
    Ok(())
}

/// The authorization request of Windows' device registration.
fn address(endpoint: &str, resource: &str) -> String {
    format!(
        "{endpoint}?response_type=code&client_id={CLIENT}&redirect_uri={}&resource={}&state=probe",
        encode(REDIRECT),
        encode(resource)
    )
}

/// The code in a redirection to the client.
pub(super) fn code(reply: &Reply, redirect_uri: &str) -> Result<String, Failure> {
    let location = reply.header("location").next().unwrap_or_default();
    let query =
        location.strip_prefix(redirect_uri).and_then(|rest| rest.split_once(['?', '&', '#'])).map(|(_, query)| query);
    let Some(query) = query.filter(|_| (300..400).contains(&reply.status)) else {
        let failure = refusal::no_answer_of_the_service(reply);
        return Err(failure.advise(
            "A page instead of a redirection to the client: an error, a home realm page, or a second factor is asked for. Windows shows no \
             page here, and gives up.",
        ));
    };
    let value = |name: &str| {
        query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .find(|(own, _)| *own == name)
            .map(|(_, value)| decode(value))
    };
    match (value("code"), value("error")) {
        (Some(code), None) => Ok(code),
        (_, Some(error)) => Err(refusal::oauth(reply.status, &error, &value("error_description").unwrap_or_default())),
        (None, None) => Err(Failure::new("the redirection holds no code")),
    }
}

fn leads_out(location: &str) -> bool {
    location.starts_with(REDIRECT)
}

/// A value of a query.
fn decode(text: &str) -> String {
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        let hex = after
            .get(..2)
            .and_then(|hex| std::str::from_utf8(hex).ok())
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match (first, hex) {
            (b'%', Some(octet)) => {
                octets.push(octet);
                rest = after.get(2..).unwrap_or_default();
            }
            (b'+', _) => octets.push(b' '),
            (other, _) => octets.push(*other),
        }
    }
    String::from_utf8_lossy(&octets).into_owned()
}

/// The client of Windows' device registration, and its redirect address.
pub(super) const CLIENT: &str = "dd762716-544d-4aeb-a526-687b73838a22";
pub(super) const REDIRECT: &str = "ms-app://windows.immersivecontrolpanel/";

const PERMISSION: &str = "http://schemas.microsoft.com/authorization/claims/PermitDeviceRegistration";
const ACCOUNT_TYPE: &str = "http://schemas.microsoft.com/ws/2012/01/accounttype";
const OBJECT_GUID: &str = "http://schemas.microsoft.com/identity/claims/onpremobjectguid";
const IMPLICIT_UPN: &str = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/implicitupn";

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn token(claims: &Value) -> RegistrationToken {
        RegistrationToken { text: Secret::new(String::new()), claims: claims.as_object().unwrap().clone() }
    }

    #[test]
    fn a_token_has_what_the_registration_needs() {
        let good = json!({PERMISSION: "true", "primarysid": "S-1-5-21-1", ACCOUNT_TYPE: "DJ",
            OBJECT_GUID: "AAECAwQFBgcICQoLDA0ODw=="});
        let computer = token(&good);
        assert_eq!(judge(&computer, Join::Computer), Ok(()));
        assert_eq!(computer.object_guid().unwrap().to_string(), "03020100-0504-0706-0809-0a0b0c0d0e0f");
        for (name, join, expected) in [
            (PERMISSION, Join::Computer, "0x801c0003"),
            ("primarysid", Join::User, "0x801c0014"),
            (ACCOUNT_TYPE, Join::Computer, "--join user"),
        ] {
            let mut claims = good.clone();
            claims.as_object_mut().unwrap().remove(name);
            let failure = judge(&token(&claims), join).unwrap_err();
            assert!(failure.advice.join("\n").contains(expected), "{failure:?}");
        }
        let mut user = good.clone();
        user.as_object_mut().unwrap().remove(ACCOUNT_TYPE);
        assert_eq!(judge(&token(&user), Join::User), Ok(()));
        let mut odd = good;
        odd[OBJECT_GUID] = "AAEC".into();
        assert!(judge(&token(&odd), Join::Computer).unwrap_err().what.contains("onpremobjectguid"));
    }

    fn redirection(location: &str) -> Reply {
        Reply { status: 302, headers: vec![("Location".into(), location.into())], body: Vec::new() }
    }

    #[test]
    fn the_code_is_taken_from_a_redirection_to_the_client() {
        assert_eq!(code(&redirection(&format!("{REDIRECT}?code=a%2Bb+c&state=probe")), REDIRECT).unwrap(), "a+b c");
        let denied =
            code(&redirection(&format!("{REDIRECT}?error=access_denied&error_description=MSIS9605%3a+no")), REDIRECT);
        assert_eq!(denied.unwrap_err().what, "access_denied: MSIS9605: no (HTTP 302)");
        for other in ["https://evil.example/?code=a", "/adfs/ls/?code=a", ""] {
            assert!(code(&redirection(other), REDIRECT).is_err(), "{other}");
        }
        assert!(code(&redirection(&format!("{REDIRECT}?state=probe")), REDIRECT).is_err());
    }

    #[test]
    fn values_of_a_query_are_decoded_once() {
        assert_eq!(decode("a%20b+c%2525%zz%"), "a b c%25%zz%");
    }
}
