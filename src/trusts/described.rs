//! What a trust takes from metadata that lies beside it, or that was fetched from its address and kept: of a claims provider and of a
//! relying party in the same way.
//!
//! Keys of the trust file count before it: an address that is written there is meant.

use std::path::{Path, PathBuf};

use super::context::TrustContext;
use super::file::{ClaimsProviderFile, ClaimsProviderProtocol, RelyingPartyFile, TrustFile};
use super::monitoring::{Kept, Monitored};
use super::partner_metadata::{PartnerMetadata, Side, Wanted, read};
use crate::config::diagnostic::Code;
use crate::config::load::{MAX_CONFIGURATION_FILE, read_bounded};
use crate::xml::verify::VerificationKeys;

/// What a trust file says of its metadata.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source<'t> {
    side: Side,
    name: &'t str,
    /// The entity that it must describe.
    identifier: &'t str,
    enabled: bool,
    file: Option<&'t Path>,
    url: Option<&'t str>,
    signers: &'t [PathBuf],
}

/// What there is of metadata.
#[derive(Debug)]
pub(super) enum Described {
    /// The trust names none, or names a file that is wrong.
    Nothing,
    /// It lies at an address, and was not fetched yet, or cannot be used any more.
    NotNow,
    /// It says this.
    By(Box<PartnerMetadata>),
}

impl Described {
    /// What it says.
    pub(super) fn metadata(&self) -> Option<&PartnerMetadata> {
        match self {
            Self::By(metadata) => Some(metadata),
            Self::Nothing | Self::NotNow => None,
        }
    }
}

impl<'t> Source<'t> {
    /// That of a claims provider.
    pub(super) fn of_provider(table: &'t ClaimsProviderFile) -> Self {
        Self {
            side: Side::ClaimsProvider,
            name: &table.name,
            identifier: &table.identifier,
            enabled: table.enabled,
            file: table.metadata_file.as_deref(),
            url: table.metadata_url.as_deref(),
            signers: &table.metadata_signing_certificates,
        }
    }

    /// That of a relying party, whose first identifier is the entity.
    pub(super) fn of_relying_party(table: &'t RelyingPartyFile) -> Self {
        Self {
            side: Side::RelyingParty,
            name: &table.name,
            identifier: table.identifiers.first().map(String::as_str).unwrap_or_default(),
            enabled: table.enabled,
            file: table.metadata_file.as_deref(),
            url: table.metadata_url.as_deref(),
            signers: &table.metadata_signing_certificates,
        }
    }

    /// That of a trust file whose metadata is looked at again and again.
    fn monitored(file: &'t TrustFile) -> Option<Self> {
        let provider = file.claims_provider.as_ref();
        // Of an OpenID provider it is the discovery document, which is fetched when somebody signs in.
        let provider = provider.filter(|table| table.protocol != Some(ClaimsProviderProtocol::Oidc));
        let of_provider = provider.map(Self::of_provider);
        of_provider.or_else(|| file.relying_party.as_ref().map(Self::of_relying_party)).filter(|own| own.url.is_some())
    }

    /// Reads the file, or what was kept of the metadata at the address, when the trust names one. Findings say what is wrong.
    pub(super) fn load(&self, context: &mut TrustContext<'_, '_, '_>) -> Described {
        if self.url.is_some() {
            if self.file.is_some() {
                let help = "keep one of them";
                let key = self.key_of("metadata_url");
                context.findings.error(Code::Contradiction, &key, "there is `metadata_file`, too", help);
            }
            return self.kept(context);
        }
        let key = self.key_of("metadata_file");
        let Some((path, octets)) = self.file.and_then(|file| context.read(file, &key)) else {
            return Described::Nothing;
        };
        match read(&octets, &self.wanted(context)) {
            Ok(metadata) => Described::By(Box::new(metadata)),
            Err(error) => {
                let message = format!("{} cannot be used: {error}", path.display());
                let help = match self.side {
                    Side::ClaimsProvider => {
                        "fetch the partner's metadata again, and compare `identifier` with its entityID"
                    }
                    Side::RelyingParty => {
                        "fetch the relying party's metadata again, and compare the first of `identifiers` with its entityID"
                    }
                };
                context.findings.error(Code::InvalidValue, &key, message, help);
                Described::Nothing
            }
        }
    }

    fn wanted(&self, context: &TrustContext<'_, '_, '_>) -> Wanted<'t> {
        Wanted { side: self.side, entity_id: Some(self.identifier), signed_by: None, now: context.now }
    }

    /// A partner's document that is late, or gone bad, must not keep this server from starting: only warnings.
    fn kept(&self, context: &mut TrustContext<'_, '_, '_>) -> Described {
        let Some(directory) = &context.state_directory else { return Described::NotNow };
        let path = Kept::of(directory, self.side, self.identifier).file().to_owned();
        let (message, help) = match read_bounded(&path, MAX_CONFIGURATION_FILE) {
            Ok(octets) => match read(&octets, &self.wanted(context)) {
                Ok(metadata) => return Described::By(Box::new(metadata)),
                Err(error) => (
                    format!("the metadata that was fetched cannot be used: {error}"),
                    "`chancery trusts show` says more",
                ),
            },
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => (
                String::from("the metadata was not fetched yet"),
                "the server fetches it when it runs; `chancery trusts refresh` does it now",
            ),
            Err(error) => {
                (format!("{} cannot be read: {error}", path.display()), "let the user that runs the server read it")
            }
        };
        if self.enabled {
            context.findings.warning(Code::Advice, &self.key_of("metadata_url"), message, help);
        }
        Described::NotNow
    }

    /// What is wrong with the metadata itself: an error where it is a file that an administrator put there, and a warning where a
    /// partner may change it at any time.
    pub(super) fn complain(&self, context: &mut TrustContext<'_, '_, '_>, message: &str, help: &str) {
        if self.url.is_some() {
            context.findings.warning(Code::InvalidValue, &self.key(), message, help);
        } else {
            context.findings.error(Code::InvalidValue, &self.key(), message, help);
        }
    }

    /// Whether the partner may change it at any time.
    pub(super) const fn is_at_an_address(&self) -> bool {
        self.url.is_some()
    }

    /// The key that names the metadata.
    pub(super) fn key(&self) -> String {
        self.key_of(if self.url.is_some() { "metadata_url" } else { "metadata_file" })
    }

    fn key_of(&self, key: &str) -> String {
        let table = match self.side {
            Side::ClaimsProvider => "claims_provider",
            Side::RelyingParty => "relying_party",
        };
        format!("{table}.{key}")
    }
}

/// The trust of a file whose metadata lies at an address. Findings say what is wrong with the address.
pub(crate) fn monitored(file: &TrustFile, context: &mut TrustContext<'_, '_, '_>) -> Option<Monitored> {
    let source = Source::monitored(file)?;
    let url = source.url?;
    super::endpoints::sign_in_address(url, &source.key_of("metadata_url"), context);
    let key = source.key_of("metadata_signing_certificates");
    let mut signers = Vec::new();
    for (i, file) in source.signers.iter().enumerate() {
        signers.extend(super::certificates::one(file, &format!("{key}.{i}"), context));
    }
    if let Err(error) = VerificationKeys::from_certificates(signers.iter().map(|der| &**der))
        && !signers.is_empty()
    {
        let help = "ask the partner for the certificate that signs its metadata";
        context.findings.error(Code::Certificate, &key, format!("a certificate cannot be used: {error}"), help);
    }
    let directory = context.state_directory.as_deref().filter(|_| source.enabled)?;
    Some(Monitored {
        side: source.side,
        name: source.name.to_owned(),
        identifier: source.identifier.to_owned(),
        url: url.to_owned(),
        signers,
        kept: Kept::of(directory, source.side, source.identifier),
    })
}
