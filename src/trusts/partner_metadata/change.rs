//! What changed between two versions of a partner's metadata, and whether the new one is taken over without anybody looking.
//!
//! Whoever controls a claims provider's document controls who may sign users in; whoever controls a relying party's, where tokens go.
//! So the more a change would let others do, the better the document's origin must be proved (docs/decisions/metadata-refresh.md).

use crate::claims::Text;
use crate::clock::UtcTime;

use super::{Endpoint, PartnerMetadata, Signed};

/// How a new version came here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// A file that an administrator put there.
    File,
    /// Fetched by HTTPS, the server's certificate verified.
    Https,
    /// Fetched in the clear.
    Http,
}

/// A role of a partner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// SAML 2.0 identity provider.
    Saml,
    /// WS-Federation identity provider.
    WsFederation,
    /// SAML 2.0 service provider.
    SamlService,
    /// WS-Federation relying party.
    WsFederationService,
}

impl Role {
    const ALL: [Self; 4] = [Self::Saml, Self::WsFederation, Self::SamlService, Self::WsFederationService];
}

/// One difference between two versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A role that was not there.
    RoleAdded(Role),
    /// A role that is not there any more.
    RoleRemoved(Role),
    /// A new signing certificate, by the SHA-1 thumbprint administrators know it by.
    CertificateAdded(Role, String),
    /// A signing certificate that is gone.
    CertificateRemoved(Role, String),
    /// A new certificate that tokens may be encrypted to.
    EncryptionCertificateAdded(Role, String),
    /// One that tokens were encrypted to is gone.
    EncryptionCertificateRemoved(Role, String),
    /// Something new that tokens may be asked for by.
    IdentifierAdded(Text),
    /// Such a thing is gone.
    IdentifierRemoved(Text),
    /// A new address.
    EndpointAdded(Role, Text),
    /// An address that is gone.
    EndpointRemoved(Role, Text),
    /// Other name identifier formats, claim types, names, or wishes.
    Description,
    /// The document ends earlier than the one before, or has no end where that had one.
    EndsEarlier,
}

/// What becomes of a new version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// It says what the old one says.
    Unchanged,
    /// It takes the old one's place.
    Adopt(Vec<Change>),
    /// The old one stays until an administrator decides.
    Hold(Vec<Change>, Vec<Reason>),
    /// It is not to be had, by nobody's decision: the old one stays, and the failure is an alarm.
    Refuse(Vec<Change>, Vec<Reason>),
}

/// Why a new version is not taken over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Reason {
    /// It describes another entity.
    #[error("it describes another entity")]
    OtherEntity,
    /// A role in use is gone.
    #[error("a role that is in use is gone")]
    RoleGone,
    /// Every address of a role is gone.
    #[error("a role has no address any more")]
    NoEndpoint,
    /// Tokens would go out in the clear.
    #[error("there is no certificate any more that tokens are encrypted to: they would go out in the clear")]
    EncryptionGone,
    /// It takes tokens by another identifier, in a document that is not signed with a known certificate.
    #[error("tokens may be asked for by another identifier, in a document that no known certificate signed")]
    OtherIdentifier,
    /// Keys or addresses change, and the document came in the clear and unsigned.
    #[error("keys or addresses change in a document that is unsigned and came without https")]
    Unprotected,
    /// All keys are others than before, in a document that is not signed with a known one.
    #[error("all signing certificates are replaced at once in a document that no known certificate signed")]
    KeySwap,
    /// An address lies on another host, in a document that is not signed with a known certificate.
    #[error("an address moves to another host in a document that no known certificate signed")]
    OtherHost,
    /// The version in use was signed, and this one is not, or by nobody who is known.
    #[error(
        "the version in use was signed, and in this one, which no known certificate signed, keys or addresses change"
    )]
    SignatureGone,
    /// It looks older than what is there.
    #[error("it ends earlier than the version in use: it may be an old one that is played back")]
    Older,
}

impl std::fmt::Display for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let role = |role: &Role| match role {
            Role::Saml | Role::SamlService => "SAML 2.0",
            Role::WsFederation | Role::WsFederationService => "WS-Federation",
        };
        match self {
            Self::RoleAdded(which) => write!(f, "role {} added", role(which)),
            Self::RoleRemoved(which) => write!(f, "role {} removed", role(which)),
            Self::CertificateAdded(which, id) => write!(f, "{} signing certificate {id} added", role(which)),
            Self::CertificateRemoved(which, id) => write!(f, "{} signing certificate {id} removed", role(which)),
            Self::EncryptionCertificateAdded(which, id) => {
                write!(f, "{} encryption certificate {id} added", role(which))
            }
            Self::EncryptionCertificateRemoved(which, id) => {
                write!(f, "{} encryption certificate {id} removed", role(which))
            }
            Self::IdentifierAdded(identifier) => write!(f, "identifier {identifier} added"),
            Self::IdentifierRemoved(identifier) => write!(f, "identifier {identifier} removed"),
            Self::EndpointAdded(which, url) => write!(f, "{} address {url} added", role(which)),
            Self::EndpointRemoved(which, url) => write!(f, "{} address {url} removed", role(which)),
            Self::Description => f.write_str("names, claim types or name formats changed"),
            Self::EndsEarlier => f.write_str("it ends earlier"),
        }
    }
}

/// Decides what becomes of a new version of a partner's metadata.
///
/// A verified signature, or an administrator's own hand, vouches for any change that leaves the trust usable. HTTPS alone
/// vouches for a roll-over that keeps a known certificate and for addresses on hosts already known. Without either, only
/// descriptions may change.
pub fn refresh(old: &PartnerMetadata, new: &PartnerMetadata, source: Source) -> Decision {
    let changes = changes(old, new);
    if old.entity_id != new.entity_id {
        return Decision::Refuse(changes, vec![Reason::OtherEntity]);
    }
    if changes.is_empty() {
        return Decision::Unchanged;
    }
    let sides = Role::ALL.map(|role| (facts(old, role), facts(new, role)));
    let both = || sides.iter().filter_map(|(old, new)| old.as_ref().zip(new.as_ref()));
    let mut refused = Vec::new();
    let mut held = Vec::new();
    if sides.iter().any(|(old, new)| old.is_some() && new.is_none()) {
        refused.push(Reason::RoleGone);
    }
    if both().any(|(old, new)| !old.urls.is_empty() && new.urls.is_empty()) {
        refused.push(Reason::NoEndpoint);
    }
    let widens = |change: &Change| {
        matches!(
            change,
            Change::CertificateAdded(..)
                | Change::EncryptionCertificateAdded(..)
                | Change::IdentifierAdded(_)
                | Change::EndpointAdded(..)
                | Change::RoleAdded(_)
        )
    };
    let vouched = source == Source::File || new.signed == Signed::Verified;
    if !vouched && source == Source::Http && changes.iter().any(widens) {
        refused.push(Reason::Unprotected);
    }
    // Who signs their metadata goes on signing it. Without that, the server it lies on would be enough to change it.
    if !vouched && old.signed == Signed::Verified && changes.iter().any(widens) {
        refused.push(Reason::SignatureGone);
    }
    if !vouched && both().any(|(old, new)| !old.encryption.is_empty() && new.encryption.is_empty()) {
        refused.push(Reason::EncryptionGone);
    }
    if !vouched && changes.iter().any(|change| matches!(change, Change::IdentifierAdded(_))) {
        held.push(Reason::OtherIdentifier);
    }
    let before: Vec<&[u8]> =
        sides.iter().filter_map(|(old, _)| old.as_ref()).flat_map(|old| old.certificates.iter().copied()).collect();
    let swapped = |(old, new): &(Option<Facts<'_>>, Option<Facts<'_>>)| {
        // A role that is new has no keys of its own to keep; those of the other role count.
        let known = old.as_ref().map_or(&before, |old| &old.certificates);
        let kept = |new: &Facts<'_>| new.certificates.iter().any(|certificate| known.contains(certificate));
        !known.is_empty() && new.as_ref().is_some_and(|new| !kept(new))
    };
    if !vouched && sides.iter().any(swapped) {
        held.push(Reason::KeySwap);
    }
    let known: Vec<&str> = sides.iter().filter_map(|(old, _)| old.as_ref()).flat_map(Facts::hosts).collect();
    if !vouched
        && sides.iter().filter_map(|(_, new)| new.as_ref()).flat_map(Facts::hosts).any(|host| !known.contains(&host))
    {
        held.push(Reason::OtherHost);
    }
    if source != Source::File && changes.contains(&Change::EndsEarlier) {
        held.push(Reason::Older);
    }
    match (refused.is_empty(), held.is_empty()) {
        (true, true) => Decision::Adopt(changes),
        (true, false) => Decision::Hold(changes, held),
        (false, _) => Decision::Refuse(changes, refused.into_iter().chain(held).collect()),
    }
}

fn changes(old: &PartnerMetadata, new: &PartnerMetadata) -> Vec<Change> {
    let mut changes = Vec::new();
    for role in Role::ALL {
        let (before, after) = (facts(old, role), facts(new, role));
        match (&before, &after) {
            (None, Some(_)) => changes.push(Change::RoleAdded(role)),
            (Some(_), None) => changes.push(Change::RoleRemoved(role)),
            _ => {}
        }
        let (before, after) = (before.unwrap_or_default(), after.unwrap_or_default());
        let missing = |from: &[&[u8]], of: &[&[u8]]| -> Vec<String> {
            of.iter().filter(|one| !from.contains(*one)).map(|one| thumbprint(one)).collect()
        };
        let added = missing(&before.certificates, &after.certificates).into_iter();
        changes.extend(added.map(|id| Change::CertificateAdded(role, id)));
        let removed = missing(&after.certificates, &before.certificates).into_iter();
        changes.extend(removed.map(|id| Change::CertificateRemoved(role, id)));
        let added = missing(&before.encryption, &after.encryption).into_iter();
        changes.extend(added.map(|id| Change::EncryptionCertificateAdded(role, id)));
        let removed = missing(&after.encryption, &before.encryption).into_iter();
        changes.extend(removed.map(|id| Change::EncryptionCertificateRemoved(role, id)));
        let gone = |from: &[&Text], of: &[&Text]| -> Vec<Text> {
            of.iter().filter(|one| !from.contains(*one)).map(|one| (*one).clone()).collect()
        };
        changes.extend(gone(&before.urls, &after.urls).into_iter().map(|url| Change::EndpointAdded(role, url)));
        changes.extend(gone(&after.urls, &before.urls).into_iter().map(|url| Change::EndpointRemoved(role, url)));
        changes.extend(gone(&before.scopes, &after.scopes).into_iter().map(Change::IdentifierAdded));
        changes.extend(gone(&after.scopes, &before.scopes).into_iter().map(Change::IdentifierRemoved));
    }
    if changes.is_empty() && description(old) != description(new) {
        changes.push(Change::Description);
    }
    if ends_earlier(old.valid_until, new.valid_until) {
        changes.push(Change::EndsEarlier);
    }
    changes
}

/// An old document that is played back cannot end later than what followed it.
fn ends_earlier(old: Option<UtcTime>, new: Option<UtcTime>) -> bool {
    match (old, new) {
        (Some(old), Some(new)) => new < old,
        (Some(_), None) => true,
        (None, _) => false,
    }
}

/// The document without what may change from one fetch to the next for no reason.
fn description(metadata: &PartnerMetadata) -> PartnerMetadata {
    PartnerMetadata { valid_until: None, cache_duration: None, signed: Signed::No, ..metadata.clone() }
}

/// What of a role decides who can sign users in, and where tokens go.
#[derive(Default)]
struct Facts<'a> {
    certificates: Vec<&'a [u8]>,
    encryption: Vec<&'a [u8]>,
    urls: Vec<&'a Text>,
    scopes: Vec<&'a Text>,
}

impl<'a> Facts<'a> {
    fn hosts(&self) -> impl Iterator<Item = &'a str> {
        self.urls.iter().map(|url| {
            let rest = url.strip_prefix("https://").unwrap_or(url);
            rest.split(['/', '?']).next().unwrap_or_default()
        })
    }
}

fn facts(metadata: &PartnerMetadata, role: Role) -> Option<Facts<'_>> {
    match role {
        Role::Saml => metadata.saml.as_ref().map(|saml| Facts {
            certificates: octets(&saml.signing_certificates),
            urls: saml.sign_in.iter().chain(&saml.sign_out).flat_map(urls).collect(),
            ..Facts::default()
        }),
        Role::WsFederation => metadata.ws_federation.as_ref().map(|role| Facts {
            certificates: octets(&role.signing_certificates),
            urls: role.passive.iter().collect(),
            ..Facts::default()
        }),
        Role::SamlService => metadata.saml_service.as_ref().map(|role| Facts {
            certificates: octets(&role.keys.signing),
            encryption: octets(&role.keys.encryption),
            urls: role
                .consumers
                .iter()
                .map(|consumer| &consumer.url)
                .chain(role.sign_out.iter().flat_map(urls))
                .collect(),
            ..Facts::default()
        }),
        Role::WsFederationService => metadata.ws_federation_service.as_ref().map(|role| Facts {
            certificates: octets(&role.keys.signing),
            encryption: octets(&role.keys.encryption),
            urls: role.passive.iter().collect(),
            scopes: role.scopes.iter().collect(),
        }),
    }
}

fn octets(certificates: &[Vec<u8>]) -> Vec<&[u8]> {
    certificates.iter().map(Vec::as_slice).collect()
}

fn urls(endpoint: &Endpoint) -> impl Iterator<Item = &Text> {
    std::iter::once(&endpoint.url).chain(&endpoint.response_url)
}

fn thumbprint(certificate: &[u8]) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY, certificate);
    hex::encode_upper(digest)
}
