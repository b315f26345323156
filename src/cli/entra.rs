//! `chancery entra`: what Microsoft Entra must be told about this server.
//!
//! `settings` prints the federation settings of one domain (ws-federation.md 13.1) for Microsoft Graph and PowerShell. It
//! reaches no network and changes nothing.

mod command;

use std::io::Write;

use clap::{Args, Subcommand, ValueEnum};
use serde::Serialize;

use crate::clock::UtcTime;
use crate::config;
use crate::keys::{CertificateError, CertificateFacts};

pub(crate) use command::Entra;

/// Arguments of `chancery entra`.
#[derive(Debug, Args)]
pub struct EntraArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: EntraCommand,
}

/// What `chancery entra` does.
#[derive(Debug, Subcommand)]
pub enum EntraCommand {
    /// Print the federation settings of a domain for Microsoft Graph and PowerShell
    Settings(SettingsArgs),
}

/// Arguments of `chancery entra settings`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  chancery entra settings --domain corp.example --tenant corp.onmicrosoft.com
  chancery entra settings --domain corp.example --tenant 11111111-1111-4111-8111-111111111111 --format graph > body.json

Nothing is sent anywhere. Keep a cloud-only administrator on *.onmicrosoft.com before you run what is printed: users of a
domain that is federated wrongly cannot sign in.")]
pub struct SettingsArgs {
    /// The domain to federate, as verified in the tenant.
    #[arg(long, value_name = "DOMAIN")]
    pub domain: String,
    /// The tenant: its id, or one of its domains.
    #[arg(long, value_name = "TENANT")]
    pub tenant: String,
    /// What to print.
    #[arg(long, value_enum, default_value_t = SettingsFormat::Both)]
    pub format: SettingsFormat,
    /// What Entra does when it wants a second factor.
    #[arg(long, value_enum, default_value_t = MfaBehavior::Accept)]
    pub mfa: MfaBehavior,
    /// What Entra sends when an application asks for a fresh sign-in (prompt=login).
    #[arg(long, value_enum, default_value_t = PromptLogin::FreshPassword)]
    pub prompt_login: PromptLogin,
    /// Name of the federation shown to administrators; the federation service name when left out.
    #[arg(long, value_name = "TEXT")]
    pub display_name: Option<String>,
}

/// What `chancery entra settings` prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SettingsFormat {
    /// The body of the Graph request alone.
    Graph,
    /// A PowerShell script alone.
    Powershell,
    /// Both, with headings.
    Both,
}

/// `federatedIdpMfaBehavior`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum MfaBehavior {
    /// Entra takes a second factor of this server, and asks for its own when there was none.
    Accept,
    /// Entra always sends users back here for a second factor; only when this server can ask for one.
    Enforce,
    /// Entra always asks for its own.
    Reject,
}

impl MfaBehavior {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Accept => "acceptIfMfaDoneByFederatedIdp",
            Self::Enforce => "enforceMfaByFederatedIdp",
            Self::Reject => "rejectMfaByFederatedIdp",
        }
    }
}

/// `promptLoginBehavior`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PromptLogin {
    /// Entra asks for a fresh password sign-in (wauth and wfresh=0); its default.
    FreshPassword,
    /// Entra passes prompt=login on.
    Native,
    /// Entra asks for nothing.
    Disabled,
}

impl PromptLogin {
    const fn as_str(self) -> &'static str {
        match self {
            Self::FreshPassword => "translateToFreshPasswordAuthentication",
            Self::Native => "nativeSupport",
            Self::Disabled => "disabled",
        }
    }
}

/// The federated domain of this name, whose issuer tokens for its users carry.
///
/// # Errors
/// [`EntraError::Off`], [`EntraError::Inherits`] and [`EntraError::NotFederated`].
pub fn federated_domain<'a>(entra: &'a config::Entra, name: &str) -> Result<&'a config::EntraDomain, EntraError> {
    if !entra.enabled {
        return Err(EntraError::Off);
    }
    if let Some(domain) = entra.domains.iter().find(|domain| domain.name.as_str().eq_ignore_ascii_case(name)) {
        return Ok(domain);
    }
    let lower = name.to_ascii_lowercase();
    let parents = entra
        .domains
        .iter()
        .filter(|domain| lower.ends_with(&format!(".{}", domain.name.as_str().to_ascii_lowercase())));
    let domain = name.to_owned();
    if let Some(parent) = parents.max_by_key(|parent| parent.name.as_str().len()) {
        return Err(EntraError::Inherits { domain, parent: parent.name.to_string() });
    }
    let federated = entra.domains.iter().map(|domain| domain.name.to_string()).collect();
    Err(EntraError::NotFederated { domain, federated })
}

/// What the server's configuration and keys say.
#[derive(Debug, Clone)]
pub struct FederationFacts<'a> {
    /// Host name of the federation service, such as `sts.corp.example`.
    pub federation_service_name: &'a str,
    /// The issuer of tokens for users of the domain, character by character.
    pub issuer_uri: &'a str,
    /// DER of the primary token-signing certificate.
    pub signing_certificate: &'a [u8],
    /// DER of the certificate that signs next, if there is one.
    pub next_certificate: Option<&'a [u8]>,
}

/// Prints the settings to `out`, and what must be known before they are used to `advice`.
///
/// # Errors
/// [`EntraError`].
pub fn run(
    args: &EntraArgs,
    facts: &FederationFacts<'_>,
    now: UtcTime,
    out: &mut dyn Write,
    advice: &mut dyn Write,
) -> Result<(), EntraError> {
    let EntraCommand::Settings(args) = &args.command;
    let settings = Settings::new(args, facts)?;
    let (graph, powershell) = (settings.graph(), settings.powershell(args));
    match args.format {
        SettingsFormat::Graph => write!(out, "{graph}")?,
        SettingsFormat::Powershell => write!(out, "{powershell}")?,
        SettingsFormat::Both => {
            let url = format!("https://graph.microsoft.com/v1.0/domains/{}/federationConfiguration", settings.domain);
            writeln!(out, "Microsoft Graph (permission Domain.ReadWrite.All)\n")?;
            writeln!(out, "first time   POST  {url}")?;
            writeln!(out, "the id       GET   {url}")?;
            writeln!(out, "later        PATCH {url}/<id>\n")?;
            writeln!(out, "{graph}")?;
            writeln!(out, "PowerShell\n")?;
            write!(out, "{powershell}")?;
        }
    }
    settings.advise(args, facts, now, advice)?;
    Ok(())
}

/// Why no settings were printed.
#[derive(Debug, thiserror::Error)]
pub enum EntraError {
    /// The configuration federates nothing.
    #[error("the trust with Microsoft Entra is off; write `enabled = true` and the domains into `[entra]`")]
    Off,
    /// A domain below one that is federated.
    #[error(
        "{domain} has no settings of its own: in Entra it takes those of {parent}, and its users get {parent}'s issuer. \
         Run this with --domain {parent}, or list {domain} under [[entra.domains]] if it was verified apart"
    )]
    Inherits {
        /// The domain.
        domain: String,
        /// The federated domain above it.
        parent: String,
    },
    /// Not in the list.
    #[error(
        "{domain} is not federated by this configuration; [[entra.domains]] lists {}",
        if .federated.is_empty() { String::from("no domain") } else { .federated.join(", ") }
    )]
    NotFederated {
        /// The domain.
        domain: String,
        /// Those that are.
        federated: Vec<String>,
    },
    /// The domain cannot be federated.
    #[error("{domain:?} cannot be federated: {reason}")]
    Domain {
        /// As given.
        domain: String,
        /// Why.
        reason: &'static str,
    },
    /// Neither a GUID nor a domain name.
    #[error("{0:?} names no tenant: give its id (a GUID) or one of its domains")]
    Tenant(String),
    /// The configured issuer cannot stand in Entra.
    #[error(
        "the IssuerUri {0:?} is not an absolute URI without spaces; set the issuer of this domain in the configuration"
    )]
    Issuer(String),
    /// The configured name is no host name.
    #[error("the federation service name {0:?} is not a host name with a domain")]
    ServiceName(String),
    /// A certificate.
    #[error("the {which} token-signing certificate: {source}")]
    Certificate {
        /// Primary or next.
        which: &'static str,
        /// The cause.
        source: CertificateError,
    },
    /// Output failed.
    #[error("the settings could not be written: {0}")]
    Output(#[from] std::io::Error),
}

/// `internalDomainFederation` of Microsoft Graph.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Settings {
    #[serde(rename = "@odata.type")]
    odata_type: &'static str,
    #[serde(skip)]
    domain: String,
    display_name: String,
    issuer_uri: String,
    metadata_exchange_uri: String,
    passive_sign_in_uri: String,
    active_sign_in_uri: String,
    sign_out_uri: String,
    preferred_authentication_protocol: &'static str,
    federated_idp_mfa_behavior: &'static str,
    prompt_login_behavior: &'static str,
    signing_certificate: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_signing_certificate: Option<String>,
}

impl Settings {
    fn new(args: &SettingsArgs, facts: &FederationFacts<'_>) -> Result<Self, EntraError> {
        let domain = args.domain.to_ascii_lowercase();
        let refuse = |reason| Err(EntraError::Domain { domain: args.domain.clone(), reason });
        if !is_domain(&domain) {
            return refuse("it is not a domain name such as corp.example");
        }
        if domain.ends_with(".onmicrosoft.com") {
            return refuse("domains under onmicrosoft.com stay managed; administrators use them when federation fails");
        }
        if !is_domain(&args.tenant) && uuid::Uuid::try_parse(&args.tenant).is_err() {
            return Err(EntraError::Tenant(args.tenant.clone()));
        }
        let host = facts.federation_service_name;
        if !is_domain(host) {
            return Err(EntraError::ServiceName(host.to_owned()));
        }
        let issuer = facts.issuer_uri;
        let absolute = ["http://", "https://", "urn:"].iter().any(|scheme| issuer.starts_with(scheme));
        if !absolute || !issuer.chars().all(|c| c.is_ascii_graphic()) {
            return Err(EntraError::Issuer(issuer.to_owned()));
        }
        let certificate = |der, which| {
            CertificateFacts::parse(der)
                .map(|facts| facts.base64())
                .map_err(|source| EntraError::Certificate { which, source })
        };
        Ok(Self {
            odata_type: "#microsoft.graph.internalDomainFederation",
            domain,
            display_name: args.display_name.clone().unwrap_or_else(|| host.to_owned()),
            issuer_uri: issuer.to_owned(),
            metadata_exchange_uri: format!("https://{host}/adfs/services/trust/mex"),
            passive_sign_in_uri: format!("https://{host}/adfs/ls/"),
            active_sign_in_uri: format!("https://{host}/adfs/services/trust/2005/usernamemixed"),
            sign_out_uri: format!("https://{host}/adfs/ls/"),
            preferred_authentication_protocol: "wsFed",
            federated_idp_mfa_behavior: args.mfa.as_str(),
            prompt_login_behavior: args.prompt_login.as_str(),
            signing_certificate: certificate(facts.signing_certificate, "primary")?,
            next_signing_certificate: facts.next_certificate.map(|der| certificate(der, "next")).transpose()?,
        })
    }

    fn graph(&self) -> String {
        // A struct of texts always serialises.
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    fn powershell(&self, args: &SettingsArgs) -> String {
        let domain = quote(&self.domain);
        let mut settings = vec![
            ("DomainId", self.domain.as_str()),
            ("DisplayName", &self.display_name),
            ("IssuerUri", &self.issuer_uri),
            ("MetadataExchangeUri", &self.metadata_exchange_uri),
            ("PassiveSignInUri", &self.passive_sign_in_uri),
            ("ActiveSignInUri", &self.active_sign_in_uri),
            ("SignOutUri", &self.sign_out_uri),
            ("PreferredAuthenticationProtocol", self.preferred_authentication_protocol),
            ("FederatedIdpMfaBehavior", self.federated_idp_mfa_behavior),
            ("PromptLoginBehavior", self.prompt_login_behavior),
            ("SigningCertificate", &self.signing_certificate),
        ];
        settings.extend(self.next_signing_certificate.as_deref().map(|next| ("NextSigningCertificate", next)));
        let table: String =
            settings.iter().flat_map(|(name, value)| [format!("  {name:<31} = "), quote(value), "\n".into()]).collect();
        let legacy_next = match self.next_signing_certificate {
            Some(_) => " -NextSigningCertificate $settings.NextSigningCertificate",
            None => "",
        };
        format!(
            "# Federates {plain} with this server. Needs the module Microsoft.Graph.Identity.DirectoryManagement.
Connect-MgGraph -TenantId {tenant} -Scopes 'Domain.ReadWrite.All'
$settings = @{{
{table}}}
$current = Get-MgDomainFederationConfiguration -DomainId {domain} -ErrorAction SilentlyContinue
if ($current) {{
  Update-MgDomainFederationConfiguration -InternalDomainFederationId $current.Id @settings
}} else {{
  New-MgDomainFederationConfiguration @settings
}}
Get-MgDomainFederationConfiguration -DomainId {domain} | Format-List

# With the retired MSOnline module, where it still works, the same settings are:
# Set-MsolDomainAuthentication -DomainName {domain} -Authentication Federated `
#   -FederationBrandName $settings.DisplayName -IssuerUri $settings.IssuerUri `
#   -MetadataExchangeUri $settings.MetadataExchangeUri -PassiveLogOnUri $settings.PassiveSignInUri `
#   -ActiveLogOnUri $settings.ActiveSignInUri -LogOffUri $settings.SignOutUri `
#   -SigningCertificate $settings.SigningCertificate{legacy_next} `
#   -PreferredAuthenticationProtocol WsFed
",
            plain = self.domain,
            tenant = quote(&args.tenant),
        )
    }

    fn advise(
        &self,
        args: &SettingsArgs,
        facts: &FederationFacts<'_>,
        now: UtcTime,
        out: &mut dyn Write,
    ) -> Result<(), std::io::Error> {
        let domain = &self.domain;
        writeln!(out, "\nBefore you run this:")?;
        writeln!(out, "- {domain} must be verified in tenant {} and must not be its default domain.", args.tenant)?;
        writeln!(out, "- Keep a cloud-only Global Administrator on *.onmicrosoft.com, and sign in with it once now.")?;
        writeln!(
            out,
            "- IssuerUri {} must be used by no other domain or tenant; tokens for users of {domain} carry exactly it.",
            self.issuer_uri
        )?;
        writeln!(out, "- preferredAuthenticationProtocol stays wsFed: a SAML domain breaks hybrid join and the PRT.")?;
        writeln!(out, "- A change takes up to two hours to reach every Entra server.")?;
        if args.mfa == MfaBehavior::Enforce {
            writeln!(
                out,
                "- enforceMfaByFederatedIdp loops at sign-in unless this server can ask for a second factor."
            )?;
        }
        writeln!(out, "\nWhen the token-signing certificate changes:")?;
        writeln!(
            out,
            "- Publish the new key as secondary, run this command again so that Entra knows it as \
             nextSigningCertificate, promote it only then. A token signed with a certificate Entra lacks is refused: \
             nobody of the domain signs in, and no computer joins."
        )?;
        writeln!(
            out,
            "- Entra renews certificates by itself only when it can read \
             https://{}/FederationMetadata/2007-06/FederationMetadata.xml from the Internet. With several domains on \
             this server, set every one of them.",
            facts.federation_service_name
        )?;
        for (which, der) in [("primary", Some(facts.signing_certificate)), ("next", facts.next_certificate)] {
            let Some(certificate) = der.and_then(|der| CertificateFacts::parse(der).ok()) else { continue };
            let thumbprint = certificate.thumbprint_sha1();
            let expired = if now >= certificate.not_after { " HAS EXPIRED:" } else { "" };
            writeln!(out, "- The {which} certificate{expired} {thumbprint} ends {}.", certificate.not_after)?;
        }
        Ok(())
    }
}

/// A PowerShell literal. PowerShell also ends a single-quoted text at typographic quotes.
fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('\'');
    for character in text.chars().filter(|character| !character.is_control()) {
        if matches!(character, '\'' | '\u{2018}' | '\u{2019}' | '\u{201a}' | '\u{201b}') {
            quoted.push(character);
        }
        quoted.push(character);
    }
    quoted.push('\'');
    quoted
}

/// A DNS name of at least two labels.
fn is_domain(name: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    name.len() <= 253 && name.contains('.') && name.split('.').all(label)
}

#[cfg(test)]
mod tests;
