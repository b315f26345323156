//! What a trust says of an `OpenID` provider.

use std::path::PathBuf;

use super::file::{ClaimsProviderFile, OidcFile};
use super::{TrustContext, endpoints};
use crate::config::diagnostic::Code;
use crate::config::load::{MAX_CONFIGURATION_FILE, read_bounded};
use crate::keys::{KeyMaterial, SoftwareSigner, import};
use crate::secret::Secret;

/// How an `OpenID` provider is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenIdSettings {
    /// This server, as the provider knows it.
    pub client_id: String,
    /// File with the client secret; `None` for a public client, whom PKCE alone protects.
    pub client_secret_file: Option<PathBuf>,
    /// How this server says who it is.
    pub authentication: ClientAuthentication,
    /// What it signs with, for [`ClientAuthentication::PrivateKeyJwt`].
    pub key: Option<ClientKeyFiles>,
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
    /// `private_key_jwt`: a token that a key of its own signs, in place of the secret.
    PrivateKeyJwt,
}

/// The key that says who this server is to a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientKeyFiles {
    /// PEM certificate, whose thumbprint providers such as Microsoft Entra know the key by.
    pub certificate: PathBuf,
    /// PEM private key, RSA.
    pub key: PathBuf,
    /// The key's name (`kid`) in the set that the provider has, where it has one.
    pub id: Option<String>,
}

impl ClientKeyFiles {
    /// The key, read when it is needed: no copy of it stays.
    ///
    /// # Errors
    /// Why it cannot be used.
    pub fn load(&self) -> Result<KeyMaterial, String> {
        let read = |path: &PathBuf| read_bounded(path, MAX_CONFIGURATION_FILE).map_err(|error| error.to_string());
        let key = Secret::new(read(&self.key)?);
        let material = import::pem(&key, &read(&self.certificate)?, None).map_err(|error| error.to_string())?;
        SoftwareSigner::new(&material).map_err(|error| error.to_string())?;
        Ok(material)
    }
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
    let key = client_key(file, context);
    if file.client_secret_file.is_none() && file.client_authentication != ClientAuthentication::PrivateKeyJwt {
        context.findings.warning(
            Code::Advice,
            KEY,
            "there is no client secret: PKCE alone keeps others from using a code",
            "ask the provider for a confidential client, and write `client_secret_file`, or a key",
        );
    }
    Some(OpenIdSettings {
        client_id: file.client_id.clone(),
        client_secret_file: secret.map(|(path, _)| path),
        authentication: file.client_authentication,
        key,
        scopes,
        userinfo: file.userinfo,
        discovery_url,
        authorization_endpoint: table.sign_in_url.clone(),
        token_endpoint: file.token_endpoint.clone(),
        jwks_url: file.jwks_url.clone(),
        userinfo_endpoint: file.userinfo_endpoint.clone(),
    })
}

/// The key for `private_key_jwt`, which is there exactly then.
fn client_key(file: &OidcFile, context: &mut TrustContext<'_, '_, '_>) -> Option<ClientKeyFiles> {
    const KEYS: [&str; 2] = ["claims_provider.oidc.client_certificate_file", "claims_provider.oidc.client_key_file"];
    let files = [&file.client_certificate_file, &file.client_key_file];
    if file.client_authentication != ClientAuthentication::PrivateKeyJwt {
        for (key, _) in KEYS.iter().zip(files).filter(|(_, path)| path.is_some()) {
            let help = "write `client_authentication = \"private_key_jwt\"`, or take the key out";
            context.findings.error(Code::Contradiction, key, "the key is not used", help);
        }
        return None;
    }
    if file.client_secret_file.is_some() {
        context.findings.error(
            Code::Contradiction,
            "claims_provider.oidc.client_secret_file",
            "with `private_key_jwt` there is no secret",
            "take it out",
        );
    }
    let mut paths = Vec::new();
    for (key, path) in KEYS.iter().zip(files) {
        match path {
            Some(path) => paths.extend(context.read(path, key).map(|(path, _)| path)),
            None => context.findings.error(
                Code::MissingKey,
                "claims_provider.oidc",
                format!("`{}` is missing", key.rsplit('.').next().unwrap_or(key)),
                "`private_key_jwt` wants a PEM certificate and the private key that belongs to it",
            ),
        }
    }
    let [certificate, key] = <[PathBuf; 2]>::try_from(paths).ok()?;
    let files = ClientKeyFiles { certificate, key, id: file.client_key_id.clone() };
    if let Err(reason) = files.load() {
        let help = "the key is an RSA key in PEM form, and the certificate is its own";
        context.findings.error(Code::Certificate, KEYS[1], format!("the key cannot be used: {reason}"), help);
    }
    Some(files)
}
