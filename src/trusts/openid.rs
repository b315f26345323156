//! What a trust says of an `OpenID` provider.

use std::path::PathBuf;

use super::file::ClaimsProviderFile;
use super::{TrustContext, endpoints};
use crate::config::diagnostic::Code;
use crate::config::load::{MAX_CONFIGURATION_FILE, read_bounded};
use crate::secret::Secret;

/// How an `OpenID` provider is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenIdSettings {
    /// This server, as the provider knows it.
    pub client_id: String,
    /// File with the client secret; `None` for a public client, whom PKCE alone protects.
    pub client_secret_file: Option<PathBuf>,
    /// How the secret is sent.
    pub authentication: ClientAuthentication,
    /// What is asked for; `openid` among them.
    pub scopes: Vec<String>,
    /// Whether the userinfo endpoint is asked, too.
    pub userinfo: bool,
    /// Where the discovery document is.
    pub discovery_url: String,
    /// Where browsers are sent to, where the trust says it itself.
    pub authorization_endpoint: Option<String>,
    /// Where a code becomes tokens, likewise.
    pub token_endpoint: Option<String>,
    /// Where the keys are, likewise.
    pub jwks_url: Option<String>,
    /// Where more is said of the user, likewise.
    pub userinfo_endpoint: Option<String>,
}

/// How this server proves to a provider who it is (`OpenID` Connect Core 9).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuthentication {
    /// `client_secret_basic`: in the header field `Authorization`.
    #[default]
    Basic,
    /// `client_secret_post`: in the form.
    Post,
}

impl OpenIdSettings {
    /// The client secret, read when it is needed: no copy of it stays.
    ///
    /// # Errors
    /// Why the file cannot be read.
    pub fn secret(&self) -> Result<Option<Secret<String>>, String> {
        let Some(path) = &self.client_secret_file else { return Ok(None) };
        let octets = Secret::new(read_bounded(path, MAX_CONFIGURATION_FILE).map_err(|error| error.to_string())?);
        let text =
            std::str::from_utf8(octets.expose()).map_err(|error| error.to_string())?.trim_end_matches(['\n', '\r']);
        if text.is_empty() { Err(String::from("it is empty")) } else { Ok(Some(Secret::new(text.to_owned()))) }
    }
}

/// The settings of a trust. Findings say what is wrong with them.
pub(super) fn compile(table: &ClaimsProviderFile, context: &mut TrustContext<'_, '_, '_>) -> Option<OpenIdSettings> {
    const KEY: &str = "claims_provider.oidc";
    let Some(file) = &table.oidc else {
        context.findings.error(
            Code::MissingKey,
            KEY,
            "`[claims_provider.oidc]` is missing",
            "add it with `client_id` and `client_secret_file`, as the provider gave them",
        );
        return None;
    };
    for (key, is_there) in [
        ("claims_provider.metadata_file", table.metadata_file.is_some()),
        ("claims_provider.signing_certificates", !table.signing_certificates.is_empty()),
        ("claims_provider.metadata_signing_certificates", !table.metadata_signing_certificates.is_empty()),
        ("claims_provider.sign_out_url", table.sign_out_url.is_some()),
    ] {
        if is_there {
            let help = "take it out: keys and addresses of an OpenID provider are in its discovery document";
            context.findings.error(Code::Contradiction, key, "it means nothing for an OpenID provider", help);
        }
    }
    if !table.identifier.starts_with("https://") {
        context.findings.error(
            Code::InvalidValue,
            "claims_provider.identifier",
            "the issuer of an OpenID provider is an address over HTTPS",
            "write it as it stands in the provider's discovery document, a slash at its end included",
        );
    }
    let discovery_url = table
        .metadata_url
        .clone()
        .unwrap_or_else(|| format!("{}/.well-known/openid-configuration", table.identifier.trim_end_matches('/')));
    for (key, url) in [
        ("claims_provider.metadata_url", table.metadata_url.as_ref()),
        ("claims_provider.sign_in_url", table.sign_in_url.as_ref()),
        ("claims_provider.oidc.token_endpoint", file.token_endpoint.as_ref()),
        ("claims_provider.oidc.jwks_url", file.jwks_url.as_ref()),
        ("claims_provider.oidc.userinfo_endpoint", file.userinfo_endpoint.as_ref()),
    ] {
        if let Some(url) = url {
            endpoints::sign_in_address(url, key, context);
        }
    }
    let own = [&table.sign_in_url, &file.token_endpoint, &file.jwks_url].map(Option::is_some);
    if own.contains(&true) && own.contains(&false) {
        context.findings.error(
            Code::MissingKey,
            KEY,
            "some endpoints are written, and others are not",
            "write `sign_in_url`, `token_endpoint` and `jwks_url`, or none of them: then the discovery document is asked",
        );
    }
    let mut scopes = file.scopes.clone();
    if !scopes.iter().any(|scope| scope == "openid") {
        scopes.insert(0, String::from("openid"));
    }
    // Read here as well, so that a file that is not there is found by `chancery check`.
    let secret =
        file.client_secret_file.as_ref().and_then(|path| context.read(path, "claims_provider.oidc.client_secret_file"));
    if file.client_secret_file.is_none() {
        context.findings.warning(
            Code::Advice,
            KEY,
            "there is no client secret: PKCE alone keeps others from using a code",
            "ask the provider for a confidential client, and write `client_secret_file`",
        );
    }
    Some(OpenIdSettings {
        client_id: file.client_id.clone(),
        client_secret_file: secret.map(|(path, _)| path),
        authentication: file.client_authentication,
        scopes,
        userinfo: file.userinfo,
        discovery_url,
        authorization_endpoint: table.sign_in_url.clone(),
        token_endpoint: file.token_endpoint.clone(),
        jwks_url: file.jwks_url.clone(),
        userinfo_endpoint: file.userinfo_endpoint.clone(),
    })
}
