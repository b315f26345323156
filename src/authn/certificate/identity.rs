//! The names in a certificate that was found good.

use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::oid_registry::Oid;

use super::der::{CONTEXT_0, OCTET_STRING, OID, SEQUENCE, UTF8_STRING, element, only};
use super::revocation::RevocationState;
use super::validator::parse;
use super::{CertificateError, strong, utc};
use crate::authn::{LoginForm, LoginName};
use crate::clock::UtcTime;
use crate::directory::Sid;

/// Whom a valid certificate names, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateIdentity {
    /// The user principal name in the subject alternative name (`otherName` 1.3.6.1.4.1.311.20.2.3).
    pub upn: Option<String>,
    /// The SID in the security extension (1.3.6.1.4.1.311.25.2) or in the alternative name's
    /// `tag:microsoft.com,2022-09-14:sid:…`.
    pub sid: Option<Sid>,
    /// Every strong `altSecurityIdentities` value that it matches.
    pub strong_mappings: Vec<String>,
    /// SHA-1 of the certificate, upper-case hexadecimal, as Windows shows it.
    pub thumbprint: String,
    /// The subject, for people.
    pub subject: String,
    /// The issuer, for people.
    pub issuer: String,
    /// The serial number, lower-case hexadecimal, most significant octet first.
    pub serial: String,
    /// Start of validity.
    pub not_before: UtcTime,
    /// End of validity.
    pub not_after: UtcTime,
    /// What the revocation lists say.
    pub revocation: RevocationState,
}

impl CertificateIdentity {
    /// The names in a certificate that nobody has validated: for showing one to an operator, and for tests of the decoding.
    /// Whom it names means nothing; signing in goes through [`CertificateTrust::validate`](super::CertificateTrust::validate).
    ///
    /// # Errors
    /// [`CertificateError::Malformed`] and the errors of its names.
    pub fn unverified(der: &[u8]) -> Result<Self, CertificateError> {
        let reason = String::from("it has not been validated");
        Self::read(&parse(der)?, der, RevocationState::Unchecked { reason })
    }

    /// Reads the names. `der` is the octets that `certificate` was parsed from.
    pub(super) fn read(
        certificate: &X509Certificate<'_>,
        der: &[u8],
        revocation: RevocationState,
    ) -> Result<Self, CertificateError> {
        let (upn, sid_in_name) = alternative_names(certificate)?;
        let sid = match (security_extension(certificate)?, sid_in_name) {
            (Some(one), Some(other)) if one != other => return Err(CertificateError::Ambiguous { what: "SIDs" }),
            (one, other) => one.or(other),
        };
        Ok(Self {
            upn,
            sid,
            strong_mappings: strong::strong_mappings(certificate, der),
            thumbprint: hex::encode_upper(strong::sha1(der)),
            subject: certificate.subject().to_string(),
            issuer: certificate.issuer().to_string(),
            serial: hex::encode(certificate.raw_serial()),
            not_before: utc(certificate.validity().not_before.timestamp()),
            not_after: utc(certificate.validity().not_after.timestamp()),
            revocation,
        })
    }
}

/// The UPN and the SID among the subject alternative names.
fn alternative_names(certificate: &X509Certificate<'_>) -> Result<(Option<String>, Option<Sid>), CertificateError> {
    const WHAT: &str = "subject alternative name";
    let bad = |reason: String| CertificateError::BadName { what: WHAT, reason };
    let extension = certificate.subject_alternative_name().map_err(|error| bad(error.to_string()))?;
    let (mut upn, mut sid) = (None, None);
    for name in extension.iter().flat_map(|extension| &extension.value.general_names) {
        match name {
            GeneralName::OtherName(oid, value) if oid.as_bytes() == UPN_OID => {
                set_once(&mut upn, upn_value(value)?, "user principal names")?;
            }
            GeneralName::URI(uri) => {
                if let Some(text) = uri.strip_prefix(SID_URI) {
                    set_once(&mut sid, account_sid(text)?, "SIDs")?;
                }
            }
            GeneralName::Invalid(..) => return Err(bad(String::from("a name that does not decode"))),
            _ => {}
        }
    }
    Ok((upn, sid))
}

/// Even the same name twice is refused: no honest authority writes it.
fn set_once<T>(slot: &mut Option<T>, value: T, what: &'static str) -> Result<(), CertificateError> {
    if slot.replace(value).is_some() { Err(CertificateError::Ambiguous { what }) } else { Ok(()) }
}

/// `[0] EXPLICIT UTF8String`.
fn upn_value(value: &[u8]) -> Result<String, CertificateError> {
    let bad = |reason: &str| CertificateError::BadName { what: "user principal name", reason: reason.to_owned() };
    let octets =
        only(CONTEXT_0, value).and_then(|inner| only(UTF8_STRING, inner)).ok_or_else(|| bad("no UTF8String"))?;
    let text = std::str::from_utf8(octets).map_err(|_| bad("not UTF-8"))?;
    let login = LoginName::parse(text).map_err(|error| bad(&error.to_string()))?;
    if matches!(login.form(), LoginForm::Upn { .. }) && login.to_string() == text {
        Ok(text.to_owned())
    } else {
        Err(bad("not of the form user@suffix"))
    }
}

/// `SEQUENCE { [0] { OID 1.3.6.1.4.1.311.25.2.1, [0] { OCTET STRING of the SID's text } } }` (MS-WCCE 2.2.2.7.7.4).
fn security_extension(certificate: &X509Certificate<'_>) -> Result<Option<Sid>, CertificateError> {
    let bad = |reason: &str| CertificateError::BadName { what: "SID extension", reason: reason.to_owned() };
    let oid = Oid::new(SID_EXTENSION_OID.into());
    let extension = certificate.get_extension_unique(&oid).map_err(|_| bad("it occurs twice"))?;
    let Some(extension) = extension else { return Ok(None) };
    let names = only(SEQUENCE, extension.value).ok_or_else(|| bad("no sequence"))?;
    let name = only(CONTEXT_0, names).ok_or_else(|| bad("not exactly one other name"))?;
    let (oid, value) = element(OID, name).ok_or_else(|| bad("no object identifier"))?;
    if oid != SID_NAME_OID {
        return Err(bad("another kind of name"));
    }
    let text = only(CONTEXT_0, value)
        .and_then(|inner| only(OCTET_STRING, inner))
        .and_then(|octets| std::str::from_utf8(octets).ok())
        .ok_or_else(|| bad("no text"))?;
    account_sid(text).map(Some)
}

fn account_sid(text: &str) -> Result<Sid, CertificateError> {
    text.parse().map_err(|error: crate::directory::SidError| CertificateError::BadName {
        what: "SID",
        reason: error.to_string(),
    })
}

/// 1.3.6.1.4.1.311.20.2.3
const UPN_OID: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x14, 0x02, 0x03];
/// 1.3.6.1.4.1.311.25.2
const SID_EXTENSION_OID: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x19, 0x02];
/// 1.3.6.1.4.1.311.25.2.1
const SID_NAME_OID: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x19, 0x02, 0x01];
/// The SID in the alternative name of certificates from offline templates.
const SID_URI: &str = "tag:microsoft.com,2022-09-14:sid:";
