//! To another claims provider: the one place where requests to them are made.
//!
//! A request of WS-Federation is a redirection with parameters (ws-federation.md 6.1, seen from the other side), one of SAML 2.0 a signed
//! `AuthnRequest` in a redirection or in a form (7.7), one of `OpenID` Connect an authorization request with PKCE. What the answer
//! needs stands sealed in `wctx`, `RelayState` or `state`.

use std::borrow::Cow;

use actix_web::http::StatusCode;

use super::failure::SignInFailure;
use super::parameters::encode;
use super::prompt::Door;
use super::sign_in::{Outcome, Visit};
use super::{PartnerFailure, reply};
use crate::authn::flow::StepId;
use crate::authn::{AuthnError, AuthnRequirement, FederatedSignIn, RequestedMethod, SignInFlow};
use crate::clock::UtcTime;
use crate::pages::HandOverPage;
use crate::protocols::openid::{self, OneRequest};
use crate::protocols::samlp::authn_request::{AuthnRequest, Comparison, Header, Reply, RequestedContexts};
use crate::protocols::samlp::{EncodeError, redirect};
use crate::tokens::{SignatureAlgorithm, SigningKey, TokenId};
use crate::trusts::partner_metadata::Binding;
use crate::trusts::{ClaimsProvider, ClaimsProviderId, FederationProtocol, HomeRealm};

impl Visit<'_> {
    /// Sends the browser to a claims provider. Every request to one is made here.
    pub(super) async fn federate_out(&self, id: &ClaimsProviderId, flow: SignInFlow) -> Result<Outcome, SignInFailure> {
        let Some(HomeRealm::ClaimsProvider(provider)) = self.prompt.candidates.find(id.as_str()) else {
            return Err(AuthnError::NoClaimsProvider.into());
        };
        let (browser, cookie) = self.browser.id_or_new(self.cx)?;
        let services = &self.cx.services;
        let now = services.clock.now();
        let step = StepId::random(&*services.random)?;
        let (query, path) = (self.prompt.query.to_owned(), self.prompt.place.path(Door::Main).to_owned());
        let sign_in = FederatedSignIn { flow, claims_provider: id.clone(), query, path };
        let state = sign_in.seal(&step, &self.settings.sealer, &browser, now)?;
        let departure = Departure {
            service_identifier: &self.environment.service_identifier,
            service_name: &self.environment.service_name,
            path: Door::Main.path(),
            requirement: self.prompt.requirement,
            login_hint: self.prompt.home_realm.user(),
            state: &state,
            now,
        };
        let key = &services.keys.primary_signing().key;
        let answer = match provider.protocol {
            FederationProtocol::WsFederation => reply::redirect(&ws_federation(provider, &departure)),
            FederationProtocol::Saml if provider.sign_in_binding == Binding::Post => {
                let page = saml_form(provider, &departure, &step.message_id(), key).await?;
                reply::page(self.settings, self.cx, self.call, StatusCode::OK, self.prompt.theme, &page)?
            }
            FederationProtocol::Saml => reply::redirect(&saml(provider, &departure, &step.message_id(), key).await?),
            FederationProtocol::OpenId => reply::redirect(&self.openid(provider, &departure, &step).await?),
        };
        Ok(Outcome::Answer(answer.with_headers(cookie)))
    }
}

impl Visit<'_> {
    /// The address of a request by `OpenID` Connect.
    async fn openid(
        &self,
        provider: &ClaimsProvider,
        departure: &Departure<'_>,
        step: &StepId,
    ) -> Result<String, SignInFailure> {
        let settings = provider.openid.as_ref().ok_or(PartnerFailure::Protocol)?;
        let configuration = self.environment.openid.configuration(provider, settings, departure.now).await;
        let configuration = configuration.map_err(PartnerFailure::from)?;
        let request = OneRequest::of(step.as_octets());
        let back = format!("https://{}{}", departure.service_name, departure.path);
        let hint = departure.login_hint.filter(|name| is_theirs(provider, name));
        let address = openid::authorization_url(
            &configuration,
            settings,
            &request,
            &back,
            departure.state,
            departure.requirement,
            hint,
        );
        Ok(address)
    }
}

/// Whether a user name belongs to a provider, so that it may be told.
fn is_theirs(provider: &ClaimsProvider, name: &str) -> bool {
    let suffix = name.rsplit_once('@').and_then(|(_, suffix)| suffix.parse().ok());
    suffix.is_some_and(|suffix| provider.account_suffixes.contains(&suffix))
}

/// A request to a claims provider.
#[derive(Debug, Clone, Copy)]
struct Departure<'a> {
    /// This federation service's identifier.
    service_identifier: &'a str,
    /// Host of this federation service.
    service_name: &'a str,
    /// Path to which the answer is wanted.
    path: &'a str,
    /// What the application demands of the authentication.
    requirement: &'a AuthnRequirement,
    /// The user name that the request hints at.
    login_hint: Option<&'a str>,
    /// The sealed [`FederatedSignIn`](crate::authn::FederatedSignIn).
    state: &'a str,
    /// The time.
    now: UtcTime,
}

/// The address of a WS-Federation request. `whr` is not passed on: it was meant for this service. A hint at a user is, to the
/// provider that the user belongs to and to no other.
fn ws_federation(provider: &ClaimsProvider, departure: &Departure<'_>) -> String {
    let AuthnRequirement { methods, max_age, ask } = departure.requirement;
    let reply = format!("https://{}{}", departure.service_name, departure.path);
    let fresh = if *ask { Some(0) } else { max_age.map(|age| age.as_secs() / 60) };
    let mut parameters: Vec<(&str, Cow<'_, str>)> = vec![
        ("wa", "wsignin1.0".into()),
        ("wtrealm", departure.service_identifier.into()),
        ("wctx", departure.state.into()),
        ("wreply", reply.into()),
        ("wct", departure.now.to_xml().into()),
    ];
    parameters.extend(methods.first().map(|method| ("wauth", method.uri().into())));
    parameters.extend(fresh.map(|minutes| ("wfresh", minutes.to_string().into())));
    parameters
        .extend(departure.login_hint.filter(|name| is_theirs(provider, name)).map(|name| ("username", name.into())));
    let mut address = provider.sign_in_url.clone();
    let mut separator = match address.split_once('?') {
        None => '?',
        Some((_, query)) if query.is_empty() || query.ends_with('&') => '\0',
        Some(_) => '&',
    };
    for (name, value) in parameters {
        if separator != '\0' {
            address.push(separator);
        }
        address.push_str(name);
        address.push('=');
        address.push_str(&encode(&value));
        separator = '&';
    }
    address
}

/// The address of a SAML 2.0 request, signed.
async fn saml(
    provider: &ClaimsProvider,
    departure: &Departure<'_>,
    id: &TokenId,
    key: &SigningKey,
) -> Result<String, EncodeError> {
    let demanded = Demanded::of(departure);
    let request = demanded.request(provider, departure, id);
    let query = request.to_query(Some(departure.state), Some((key, SignatureAlgorithm::RsaSha256))).await?;
    Ok(redirect::append(&provider.sign_in_url, &query))
}

/// The same as a form, for a provider that takes no redirection.
async fn saml_form(
    provider: &ClaimsProvider,
    departure: &Departure<'_>,
    id: &TokenId,
    key: &SigningKey,
) -> Result<HandOverPage, EncodeError> {
    let demanded = Demanded::of(departure);
    let message = demanded.request(provider, departure, id).to_form(key, SignatureAlgorithm::RsaSha256).await?;
    let fields = vec![("SAMLRequest", message), ("RelayState", departure.state.to_owned())];
    Ok(HandOverPage { action: provider.sign_in_url.clone(), fields })
}

/// What a request of SAML 2.0 refers to.
struct Demanded {
    classes: Vec<&'static str>,
    reply: String,
}

impl Demanded {
    fn of(departure: &Departure<'_>) -> Self {
        Self {
            classes: departure.requirement.methods.iter().copied().map(context_class).collect(),
            reply: format!("https://{}{}", departure.service_name, departure.path),
        }
    }

    /// The subject may have any name there: the acceptance rules say what it is worth here.
    fn request<'a>(
        &'a self,
        provider: &'a ClaimsProvider,
        departure: &Departure<'a>,
        id: &'a TokenId,
    ) -> AuthnRequest<'a> {
        AuthnRequest {
            header: Header {
                id,
                issue_instant: departure.now,
                destination: &provider.sign_in_url,
                issuer: departure.service_identifier,
            },
            reply: Some(Reply::Post(&self.reply)),
            name_id_format: None,
            allow_create: true,
            // SAML cannot say how old an authentication may be, and with an older one the person would come back in vain.
            force_authn: departure.requirement.limits_age(),
            is_passive: false,
            contexts: (!self.classes.is_empty())
                .then_some(RequestedContexts { comparison: Comparison::Exact, classes: &self.classes }),
            providers: &[],
        }
    }
}

/// The authentication context of SAML 2.0 for a method; those without one keep the URI that AD FS has for them.
const fn context_class(method: RequestedMethod) -> &'static str {
    match method {
        RequestedMethod::Windows => "urn:oasis:names:tc:SAML:2.0:ac:classes:Kerberos",
        RequestedMethod::Password => "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport",
        RequestedMethod::Certificate => "urn:oasis:names:tc:SAML:2.0:ac:classes:TLSClient",
        RequestedMethod::MultiFactor | RequestedMethod::WindowsOrMultiFactor => method.uri(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::authn::RequestedMethod;

    fn departure<'a>(requirement: &'a AuthnRequirement, login_hint: Option<&'a str>) -> Departure<'a> {
        Departure {
            service_identifier: "http://sts.corp.example/adfs/services/trust",
            service_name: "sts.corp.example",
            path: "/adfs/ls/",
            requirement,
            login_hint,
            state: "AbC-_9",
            now: UtcTime::from_unix_seconds(1_767_607_201),
        }
    }

    fn at(sign_in_url: &str) -> ClaimsProvider {
        ClaimsProvider { sign_in_url: sign_in_url.into(), ..crate::trusts::tests::partner("partner") }
    }

    const USUAL: &str = "wa=wsignin1.0&wtrealm=http%3A%2F%2Fsts.corp.example%2Fadfs%2Fservices%2Ftrust&wctx=AbC-_9\
         &wreply=https%3A%2F%2Fsts.corp.example%2Fadfs%2Fls%2F&wct=2026-01-05T10%3A00%3A01.000Z";

    #[test]
    fn the_request_says_who_asks_and_where_the_answer_goes() {
        let none = AuthnRequirement::default();
        for (sign_in_url, expected) in [
            ("https://sts.partner.example/adfs/ls/", format!("https://sts.partner.example/adfs/ls/?{USUAL}")),
            ("https://idp.example/sso?tenant=1", format!("https://idp.example/sso?tenant=1&{USUAL}")),
            ("https://idp.example/sso?", format!("https://idp.example/sso?{USUAL}")),
            ("https://idp.example/sso?a=b&", format!("https://idp.example/sso?a=b&{USUAL}")),
        ] {
            assert_eq!(ws_federation(&at(sign_in_url), &departure(&none, None)), expected);
        }
    }

    #[test]
    fn what_is_demanded_is_passed_on() {
        let partner = at("https://p.example/");
        let of =
            |methods: &[RequestedMethod], max_age, ask| AuthnRequirement { methods: methods.to_vec(), max_age, ask };
        let hour = Some(Duration::from_hours(1));
        for (requirement, more) in [
            (
                of(&[RequestedMethod::Password], None, false),
                "&wauth=urn%3Aoasis%3Anames%3Atc%3ASAML%3A1.0%3Aam%3Apassword",
            ),
            (of(&[], hour, false), "&wfresh=60"),
            (of(&[], Some(Duration::ZERO), false), "&wfresh=0"),
            (of(&[], hour, true), "&wfresh=0"),
            (
                of(&[RequestedMethod::WindowsOrMultiFactor], None, false),
                "&wauth=http%3A%2F%2Fschemas.microsoft.com%2Fclaims%2Fwiaormultiauthn",
            ),
        ] {
            let address = ws_federation(&partner, &departure(&requirement, None));
            assert_eq!(address, format!("https://p.example/?{USUAL}{more}"));
        }
    }

    #[test]
    fn a_name_is_told_to_whom_it_belongs_only() {
        let none = AuthnRequirement::default();
        let partner = at("https://p.example/");
        for (name, more) in [
            ("bob@Partner.Example", "&username=bob%40Partner.Example"),
            ("b&x=\"'<@partner.example", "&username=b%26x%3D%22%27%3C%40partner.example"),
            ("alice@corp.example", ""),
            ("alice@partner.example.evil.example", ""),
            ("partner.example", ""),
        ] {
            let address = ws_federation(&partner, &departure(&none, Some(name)));
            assert_eq!(address, format!("https://p.example/?{USUAL}{more}"), "{name}");
        }
    }
}
