//! Addresses a relying party receives tokens at: WS-Federation and SAML 2.0.

use super::TrustContext;
use super::file::{AssertionConsumerServiceFile, RelyingPartyFile, SamlBinding};
use super::relying_party::{AssertionConsumerService, SamlSettings, WsFederationSettings};
use crate::config::diagnostic::Code;

/// `[relying_party.ws_federation]`.
pub(super) fn ws_federation(
    table: &RelyingPartyFile,
    context: &mut TrustContext<'_, '_, '_>,
) -> Option<WsFederationSettings> {
    let settings = table.ws_federation.as_ref()?;
    url(&settings.endpoint, "relying_party.ws_federation.endpoint", context);
    for (i, endpoint) in settings.additional_endpoints.iter().enumerate() {
        url(endpoint, &format!("relying_party.ws_federation.additional_endpoints.{i}"), context);
    }
    Some(WsFederationSettings {
        endpoint: settings.endpoint.clone(),
        additional_endpoints: settings.additional_endpoints.clone(),
    })
}

/// `[relying_party.saml]`.
pub(super) fn saml(table: &RelyingPartyFile, context: &mut TrustContext<'_, '_, '_>) -> Option<SamlSettings> {
    const LIST: &str = "relying_party.saml.assertion_consumer_services";
    let settings = table.saml.as_ref()?;
    let services = &settings.assertion_consumer_services;
    if services.is_empty() {
        context.findings.error(
            Code::MissingKey,
            LIST,
            "there is no assertion consumer service",
            "list at least one, like `[{ url = \"https://rp.example/acs\", binding = \"post\" }]`",
        );
    }
    if services.iter().filter(|service| service.default).count() > 1 {
        context.findings.error(
            Code::Contradiction,
            LIST,
            "more than one assertion consumer service is the default",
            "write `default = true` at one of them",
        );
    }
    let any_default = services.iter().any(|service| service.default);
    let compiled = services
        .iter()
        .enumerate()
        .map(|(i, service)| {
            let key = format!("{LIST}.{i}");
            url(&service.url, &format!("{key}.url"), context);
            assertion_consumer_service(service, i, any_default, &key, context)
        })
        .collect();
    Some(SamlSettings { assertion_consumer_services: compiled, name_id_format: settings.name_id_format.clone() })
}

fn assertion_consumer_service(
    service: &AssertionConsumerServiceFile,
    place: usize,
    any_default: bool,
    key: &str,
    context: &mut TrustContext<'_, '_, '_>,
) -> AssertionConsumerService {
    if service.binding == SamlBinding::Redirect {
        context.findings.error(
            Code::InvalidValue,
            &format!("{key}.binding"),
            "a response cannot be sent by the redirect binding",
            "SAML 2.0 allows `post` and `artifact` for responses",
        );
    }
    AssertionConsumerService {
        url: service.url.clone(),
        binding: service.binding,
        index: service.index.unwrap_or_else(|| u16::try_from(place).unwrap_or(u16::MAX)),
        is_default: service.default || (!any_default && place == 0),
    }
}

/// An address of a claims provider that browsers are sent to: over HTTPS only, because people type passwords there.
pub(super) fn sign_in_address(text: &str, key: &str, context: &mut TrustContext<'_, '_, '_>) {
    if !is_absolute(text) || !text.is_ascii() {
        context.findings.error(
            Code::InvalidValue,
            key,
            format!("`{text}` is no address a browser can be sent to"),
            "write an absolute address, like `https://sts.partner.example/adfs/ls/`, without a fragment or user name",
        );
    } else if !text.starts_with("https://") {
        context.findings.error(
            Code::Exposure,
            key,
            format!("`{text}` is not over HTTPS"),
            "people prove who they are there: only `https://` is taken",
        );
    }
}

/// An address that a page links to: over HTTPS only.
pub(super) fn link(text: &str, key: &str, context: &mut TrustContext<'_, '_, '_>) {
    if !text.starts_with("https://") || !is_absolute(text) || text.len() > MOST_LINK {
        context.findings.error(
            Code::InvalidValue,
            key,
            format!("`{text}` is no address that a page may link to"),
            "write an absolute address over HTTPS, like `https://www.corp.example/help`, without a fragment or user name",
        );
    }
}

/// An address tokens are sent to: absolute, over HTTPS, without a fragment or user name.
fn url(text: &str, key: &str, context: &mut TrustContext<'_, '_, '_>) {
    if !is_absolute(text) {
        context.findings.error(
            Code::InvalidValue,
            key,
            format!("`{text}` is no address a token can be sent to"),
            "write an absolute address, like `https://rp.example/path`, without a fragment or user name",
        );
    } else if text.starts_with("http://") {
        context.findings.warning(
            Code::Exposure,
            key,
            format!("tokens are sent to `{text}` in clear"),
            "let the relying party use https; whoever reads a token can use it",
        );
    }
}

/// Whether it has a scheme of the web and a host, no fragment, no user name, and no character that ends it early somewhere.
fn is_absolute(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let host = rest.and_then(|rest| rest.split(['/', '?', '#']).next()).unwrap_or_default();
    let odd = text.chars().any(|c| c.is_whitespace() || c.is_control() || matches!(c, '"' | '<' | '>' | '\\'));
    !host.is_empty() && !odd && !text.contains('#') && !host.contains('@')
}

/// Octets of a link.
const MOST_LINK: usize = 500;
