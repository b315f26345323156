//! The authority that certifies registered devices.
//!
//! A certificate authority of its own, as the device registration service of AD FS has one: self-signed, its key in the key
//! directory, encrypted at rest. It issues certificates of exactly one form. There is no renewal and no revocation list:
//! what counts is the device in the registry (device-registration.md 5.4). Knows no request, no registry and no protocol.

mod form;
mod issued;
mod name;

use std::path::PathBuf;

use openssl::cms::{CMSOptions, CmsContentInfo};
use openssl::pkey::{PKey, Private};
use openssl::x509::{X509, X509Name};

use super::codec::alt_security_identity::NoCertificate;
use super::{CertificateMark, DeviceId};
use crate::clock::{Clock, Random, RandomError, UtcTime};
use crate::directory::ObjectGuid;
use crate::keys::{KeyMaterial, KeyPurpose, KeyRingOptions, MaterialError, NewKey, SoftwareSigner, Vault, VaultError};
use crate::secret::Secret;
use crate::tokens::{SignError, SignatureAlgorithm};

pub use self::form::DEVICE_LIFETIME;
use self::form::Form;
pub use self::issued::is_issued_by_one;

/// Issues certificates of devices.
pub struct DeviceAuthority {
    certificate: X509,
    /// DER of the authority's name, as it stands in its certificate.
    name: Vec<u8>,
    signer: SoftwareSigner,
    /// The same key for CMS only.
    key: PKey<Private>,
    /// DER of every certificate of this authority, those of before included: what they issued stays good.
    issuers: Vec<Vec<u8>>,
}

/// What a device certificate says.
#[derive(Debug, Clone, Copy)]
pub struct DeviceCertificateRequest<'a> {
    /// The device; its subject.
    pub device: DeviceId,
    /// `objectGUID` of the account that registers it; for a domain-joined computer its own.
    pub account: ObjectGuid,
    /// The device's key, DER of a `SubjectPublicKeyInfo`. That it is fit for use was looked at before.
    pub public_key: &'a [u8],
    /// Where the device is registered.
    pub place: RegistryPlace,
}

/// Where devices are registered, as their certificates name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RegistryPlace {
    /// `invocationId` of the directory service that is written to.
    pub invocation: ObjectGuid,
    /// `objectGUID` of the domain's head object.
    pub domain: ObjectGuid,
}

/// A device certificate that was issued. It is worth something only when the registry has taken the device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceCertificate {
    /// The certificate.
    pub der: Vec<u8>,
    /// What the registry holds of it.
    pub mark: CertificateMark,
    /// Serial number, lower-case hexadecimal.
    pub serial: String,
    /// End of its validity.
    pub not_after: UtcTime,
}

impl DeviceCertificate {
    /// SHA-1 thumbprint in upper-case hexadecimal, the form clients compare.
    pub fn thumbprint(&self) -> String {
        hex::encode_upper(self.mark.thumbprint)
    }
}

impl DeviceAuthority {
    /// Loads the authority of a key directory; makes one first where there is none and the options allow it. Of several nodes that
    /// start at once on one directory one makes it. `domain` is the DNS name of the domain that devices are registered in; it goes into the name of a new
    /// authority, and nothing changes the name of one that is there.
    ///
    /// # Errors
    /// [`AuthorityError`].
    pub fn load_or_create(
        keys: &KeyRingOptions,
        domain: &str,
        clock: &dyn Clock,
        random: &dyn Random,
    ) -> Result<Self, AuthorityError> {
        let vault = keys.open(random)?;
        let now = clock.now();
        let entries = vault.ensure(KeyPurpose::DeviceAuthority, now, random, || {
            if !keys.create {
                return Err(AuthorityError::None { path: keys.directory.clone() });
            }
            let name = name_of_new(domain, random)?;
            Ok::<_, AuthorityError>(NewKey::rsa(KeyPurpose::DeviceAuthority, generate(&name, now, random)?))
        })?;
        let mut materials = Vec::with_capacity(entries.len());
        for entry in &entries {
            materials.push(vault.material(entry)?);
        }
        let (primary, _) =
            materials.split_first().ok_or_else(|| AuthorityError::None { path: keys.directory.clone() })?;
        let issuers = materials.iter().map(|material| material.certificate().der.to_vec()).collect();
        Self::new(primary, issuers)
    }

    /// The next authority of a key directory, which is to be added to it: from the next reload its devices are taken as well, and it
    /// issues when it is promoted. It has the name of the one that issues now, by which clients choose their certificate.
    ///
    /// # Errors
    /// [`AuthorityError::None`] where there is none yet.
    pub fn successor(vault: &Vault, now: UtcTime, random: &dyn Random) -> Result<KeyMaterial, AuthorityError> {
        let none = || AuthorityError::None { path: vault.directory().path().to_owned() };
        let manifest = vault.manifest()?.ok_or_else(none)?;
        let primary = manifest.of(KeyPurpose::DeviceAuthority).first().copied().cloned().ok_or_else(none)?;
        let certificate = X509::from_der(&vault.material(&primary)?.certificate().der)?;
        let name = X509Name::from_der(&certificate.subject_name().to_der()?)?;
        generate(&name, now, random)
    }

    fn new(material: &KeyMaterial, issuers: Vec<Vec<u8>>) -> Result<Self, AuthorityError> {
        let certificate = X509::from_der(&material.certificate().der)?;
        let key = PKey::private_key_from_pkcs8(material.pkcs8().expose())?;
        let name = certificate.subject_name().to_der()?;
        Ok(Self { certificate, name, signer: SoftwareSigner::new(material)?, key, issuers })
    }

    /// Issues the certificate of a device.
    ///
    /// # Errors
    /// [`AuthorityError`].
    pub fn issue(
        &self,
        request: &DeviceCertificateRequest<'_>,
        now: UtcTime,
        random: &dyn Random,
    ) -> Result<DeviceCertificate, AuthorityError> {
        let form = Form { serial: serial(random)?.to_vec(), now };
        let sign = |content: &[u8]| Ok(self.signer.sign_now(SignatureAlgorithm::RsaSha256, content)?.0);
        let der = form.device(request, &self.name, sign)?;
        Ok(DeviceCertificate {
            mark: CertificateMark::of(&der)?,
            serial: hex::encode(&form.serial),
            not_after: form.end_of_device(),
            der,
        })
    }

    /// The authority's certificate, DER.
    pub fn certificate(&self) -> &[u8] {
        self.issuers.first().map(Vec::as_slice).unwrap_or_default()
    }

    /// DER of the certificates whose issues are good, the one that issues first.
    pub fn issuers(&self) -> &[Vec<u8>] {
        &self.issuers
    }

    /// A CMS `SignedData` over `content` (SHA-256), signed by the authority; `content` stands in it.
    ///
    /// # Errors
    /// [`AuthorityError::Library`].
    pub fn sign_content(&self, content: &[u8]) -> Result<Vec<u8>, AuthorityError> {
        let options = CMSOptions::BINARY;
        let signed = CmsContentInfo::sign(Some(&self.certificate), Some(&self.key), None, Some(content), options)?;
        Ok(signed.to_der()?)
    }
}

impl std::fmt::Debug for DeviceAuthority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DeviceAuthority").field("issuers", &self.issuers.len()).finish_non_exhaustive()
    }
}

/// Why there is no authority, or no certificate.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// The key directory.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The key directory holds none.
    #[error("{path} holds no key of a device authority")]
    None {
        /// The directory.
        path: PathBuf,
    },
    /// What was made or read is not usable.
    #[error(transparent)]
    Material(#[from] MaterialError),
    /// The domain's name cannot stand in a certificate.
    #[error("{0:?} is not the DNS name of a domain")]
    DomainName(String),
    /// The device's key cannot be certified.
    #[error("the device's key is no RSA key of 2048 to 8192 bits")]
    DeviceKey,
    /// What was issued is no certificate; a defect.
    #[error(transparent)]
    Certificate(#[from] NoCertificate),
    /// The certificate could not be signed.
    #[error(transparent)]
    Signature(#[from] SignError),
    /// No randomness.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// The cryptographic library.
    #[error("the certificate could not be made: {0}")]
    Library(#[from] openssl::error::ErrorStack),
}

/// The name of a new authority: the domain's name, and a GUID that is made once with it.
fn name_of_new(domain: &str, random: &dyn Random) -> Result<X509Name, AuthorityError> {
    let mut unique = [0; 16];
    random.fill(&mut unique)?;
    name::authority(domain, uuid::Builder::from_random_bytes(unique).into_uuid())
}

/// A key and a certificate of this name.
fn generate(name: &X509Name, now: UtcTime, random: &dyn Random) -> Result<KeyMaterial, AuthorityError> {
    let key = PKey::from_rsa(openssl::rsa::Rsa::generate(KEY_BITS)?)?;
    let form = Form { serial: serial(random)?.to_vec(), now };
    let certificate = form.authority(name, &key)?;
    let pkcs8 = Secret::new(key.private_key_to_pkcs8()?);
    Ok(KeyMaterial::new(&certificate.to_der()?, Vec::new(), pkcs8)?)
}

/// 16 octets, positive and without a leading zero octet.
fn serial(random: &dyn Random) -> Result<[u8; 16], RandomError> {
    let mut octets = [0; 16];
    random.fill(&mut octets)?;
    if let Some(first) = octets.first_mut() {
        *first = (*first & 0x3f) | 0x40;
    }
    Ok(octets)
}

/// As AD FS makes it. Device certificates are checked by Windows clients of every age.
const KEY_BITS: u32 = 2048;

#[cfg(test)]
mod tests;
