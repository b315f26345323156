//! What is in a certificate, in the words of AD FS' certificate claims: the forms are those of .NET and of `certutil`, which
//! administrators compare with ("Complete list of user certificate claim types and example values" in the AD FS
//! documentation). Times are UTC.

use std::fmt::Write as _;
use std::net::IpAddr;

use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::{
    ExtendedKeyUsage, GeneralName, KeyUsage, ParsedExtension, SubjectAlternativeName, X509Extension,
};
use x509_parser::oid_registry::Oid;

use super::der::{BMP_STRING, CONTEXT_0, INTEGER, OID, SEQUENCE, UTF8_STRING, element, only};
use super::validator::parse;
use super::{CertificateError, strong, utc};
use crate::clock::UtcTime;

/// A certificate as claims show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFields {
    /// `3`.
    pub version: String,
    /// `sha256RSA`.
    pub signature_algorithm: String,
    /// `CN=Corp CA, DC=corp, DC=example`: the most specific part first.
    pub issuer: String,
    /// The same for the subject.
    pub subject: String,
    /// `12/05/2026 20:50:18`.
    pub not_before: String,
    /// The same for the end of validity.
    pub not_after: String,
    /// Upper-case hexadecimal, most significant octet first.
    pub serial_number: String,
    /// SHA-1 of the certificate, upper-case hexadecimal.
    pub thumbprint: String,
    /// The public key's octets, upper-case hexadecimal.
    pub public_key: String,
    /// `DigitalSignature`, one for each usage.
    pub key_usages: Vec<String>,
    /// Object identifiers, one for each usage.
    pub enhanced_key_usages: Vec<String>,
    /// Upper-case hexadecimal.
    pub subject_key_identifier: Option<String>,
    /// `KeyID=d6 13 e3`.
    pub authority_key_identifier: Option<String>,
    /// `Subject Type=End Entity, Path Length Constraint=None`.
    pub basic_constraints: Option<String>,
    /// `Other Name:Principal Name=alice@corp.example, RFC822 Name=alice@corp.example`.
    pub subject_alternative_name: Option<String>,
    /// Object identifiers.
    pub certificate_policies: Vec<String>,
    /// Object identifiers.
    pub application_policies: Vec<String>,
    /// Name of a version 1 template: `User`.
    pub template_name: Option<String>,
    /// `Template=1.3.6.1.4.1.311.21.8.1, Major Version Number=100, Minor Version Number=3`.
    pub template_information: Option<String>,
}

impl CertificateFields {
    /// Reads a certificate. What cannot be understood is left out.
    pub(super) fn read(der: &[u8]) -> Result<Self, CertificateError> {
        let certificate = parse(der)?;
        let mut fields = Self {
            version: (u64::from(certificate.version().0) + 1).to_string(),
            signature_algorithm: algorithm(&certificate.signature_algorithm.algorithm.to_id_string()),
            issuer: strong::display_name(certificate.issuer()),
            subject: strong::display_name(certificate.subject()),
            not_before: date(utc(certificate.validity().not_before.timestamp())),
            not_after: date(utc(certificate.validity().not_after.timestamp())),
            serial_number: hex::encode_upper(certificate.raw_serial()),
            thumbprint: hex::encode_upper(strong::sha1(der)),
            public_key: hex::encode_upper(&certificate.public_key().subject_public_key.data),
            key_usages: Vec::new(),
            enhanced_key_usages: Vec::new(),
            subject_key_identifier: None,
            authority_key_identifier: None,
            basic_constraints: None,
            subject_alternative_name: None,
            certificate_policies: Vec::new(),
            application_policies: Vec::new(),
            template_name: None,
            template_information: None,
        };
        fields.read_extensions(&certificate);
        Ok(fields)
    }

    fn read_extensions(&mut self, certificate: &X509Certificate<'_>) {
        for extension in certificate.extensions() {
            match extension.parsed_extension() {
                ParsedExtension::KeyUsage(usage) => self.key_usages = key_usages(*usage),
                ParsedExtension::ExtendedKeyUsage(usage) => self.enhanced_key_usages = enhanced_key_usages(usage),
                ParsedExtension::SubjectKeyIdentifier(identifier) => {
                    self.subject_key_identifier = Some(hex::encode_upper(identifier.0));
                }
                ParsedExtension::AuthorityKeyIdentifier(identifier) => {
                    let key = identifier.key_identifier.as_ref();
                    self.authority_key_identifier = key.map(|key| format!("KeyID={}", spaced(key.0)));
                }
                ParsedExtension::BasicConstraints(constraints) => {
                    let kind = if constraints.ca { "CA" } else { "End Entity" };
                    let length = constraints
                        .path_len_constraint
                        .map_or_else(|| String::from("None"), |length| length.to_string());
                    self.basic_constraints = Some(format!("Subject Type={kind}, Path Length Constraint={length}"));
                }
                ParsedExtension::SubjectAlternativeName(names) => {
                    self.subject_alternative_name = Some(alternative_names(names));
                }
                ParsedExtension::CertificatePolicies(policies) => {
                    self.certificate_policies = policies.iter().map(|policy| policy.policy_id.to_id_string()).collect();
                }
                _ => self.read_microsoft_extension(extension),
            }
        }
    }

    fn read_microsoft_extension(&mut self, extension: &X509Extension<'_>) {
        match extension.oid.to_id_string().as_str() {
            "1.3.6.1.4.1.311.20.2" => self.template_name = template_name(extension.value),
            "1.3.6.1.4.1.311.21.7" => self.template_information = template_information(extension.value),
            "1.3.6.1.4.1.311.21.10" => self.application_policies = application_policies(extension.value),
            _ => {}
        }
    }
}

/// As Windows names signature algorithms.
fn algorithm(oid: &str) -> String {
    let name = match oid {
        "1.2.840.113549.1.1.5" => "sha1RSA",
        "1.2.840.113549.1.1.10" => "RSASSA-PSS",
        "1.2.840.113549.1.1.11" => "sha256RSA",
        "1.2.840.113549.1.1.12" => "sha384RSA",
        "1.2.840.113549.1.1.13" => "sha512RSA",
        "1.2.840.10045.4.1" => "sha1ECDSA",
        "1.2.840.10045.4.3.2" => "sha256ECDSA",
        "1.2.840.10045.4.3.3" => "sha384ECDSA",
        "1.2.840.10045.4.3.4" => "sha512ECDSA",
        other => other,
    };
    name.to_owned()
}

fn date(time: UtcTime) -> String {
    time.civil().format(DATE).unwrap_or_default()
}

fn key_usages(usage: KeyUsage) -> Vec<String> {
    let all = [
        (usage.digital_signature(), "DigitalSignature"),
        (usage.non_repudiation(), "NonRepudiation"),
        (usage.key_encipherment(), "KeyEncipherment"),
        (usage.data_encipherment(), "DataEncipherment"),
        (usage.key_agreement(), "KeyAgreement"),
        (usage.key_cert_sign(), "KeyCertSign"),
        (usage.crl_sign(), "CrlSign"),
        (usage.encipher_only(), "EncipherOnly"),
        (usage.decipher_only(), "DecipherOnly"),
    ];
    all.into_iter().filter(|(set, _)| *set).map(|(_, name)| name.to_owned()).collect()
}

fn enhanced_key_usages(usage: &ExtendedKeyUsage<'_>) -> Vec<String> {
    let known = [
        (usage.any, "2.5.29.37.0"),
        (usage.server_auth, "1.3.6.1.5.5.7.3.1"),
        (usage.client_auth, "1.3.6.1.5.5.7.3.2"),
        (usage.code_signing, "1.3.6.1.5.5.7.3.3"),
        (usage.email_protection, "1.3.6.1.5.5.7.3.4"),
        (usage.time_stamping, "1.3.6.1.5.5.7.3.8"),
        (usage.ocsp_signing, "1.3.6.1.5.5.7.3.9"),
    ];
    let known = known.into_iter().filter(|(set, _)| *set).map(|(_, oid)| oid.to_owned());
    known.chain(usage.other.iter().map(Oid::to_id_string)).collect()
}

fn alternative_names(names: &SubjectAlternativeName<'_>) -> String {
    let names: Vec<String> = names.general_names.iter().filter_map(general_name).collect();
    names.join(", ")
}

fn general_name(name: &GeneralName<'_>) -> Option<String> {
    Some(match name {
        GeneralName::OtherName(oid, value) => {
            let text = only(CONTEXT_0, value)
                .and_then(|inner| only(UTF8_STRING, inner))
                .and_then(|octets| std::str::from_utf8(octets).ok());
            match (oid.to_id_string().as_str(), text) {
                ("1.3.6.1.4.1.311.20.2.3", Some(upn)) => format!("Other Name:Principal Name={upn}"),
                (oid, _) => format!("Other Name:{oid}={}", spaced(value)),
            }
        }
        GeneralName::RFC822Name(mail) => format!("RFC822 Name={mail}"),
        GeneralName::DNSName(host) => format!("DNS Name={host}"),
        GeneralName::DirectoryName(name) => format!("Directory Address:{}", strong::display_name(name)),
        GeneralName::URI(uri) => format!("URL={uri}"),
        GeneralName::IPAddress(octets) => format!("IP Address={}", address(octets)?),
        GeneralName::RegisteredID(oid) => format!("Registered ID={}", oid.to_id_string()),
        _ => return None,
    })
}

fn address(octets: &[u8]) -> Option<IpAddr> {
    match octets.len() {
        4 => <[u8; 4]>::try_from(octets).ok().map(IpAddr::from),
        16 => <[u8; 16]>::try_from(octets).ok().map(IpAddr::from),
        _ => None,
    }
}

/// `BMPString` or `UTF8String`.
fn template_name(value: &[u8]) -> Option<String> {
    if let Some(octets) = only(UTF8_STRING, value) {
        return String::from_utf8(octets.to_vec()).ok();
    }
    let (pairs, odd) = only(BMP_STRING, value)?.as_chunks::<2>();
    let units: Vec<u16> = pairs.iter().map(|pair| u16::from_be_bytes(*pair)).collect();
    if odd.is_empty() { String::from_utf16(&units).ok() } else { None }
}

/// `SEQUENCE { OID, major INTEGER, minor INTEGER OPTIONAL }` (MS-WCCE 2.2.2.7.7.2).
fn template_information(value: &[u8]) -> Option<String> {
    let (oid, rest) = element(OID, only(SEQUENCE, value)?)?;
    let mut text = format!("Template={}", Oid::new(oid.into()).to_id_string());
    let mut rest = rest;
    for label in ["Major", "Minor"] {
        let Some((number, after)) = element(INTEGER, rest) else { break };
        let number =
            number.iter().try_fold(0_u64, |sum, octet| sum.checked_mul(256)?.checked_add(u64::from(*octet)))?;
        let _ = write!(text, ", {label} Version Number={number}");
        rest = after;
    }
    Some(text)
}

/// `SEQUENCE OF SEQUENCE { OID, … }` (MS-WCCE 2.2.2.7.7.3).
fn application_policies(value: &[u8]) -> Vec<String> {
    let mut policies = Vec::new();
    let mut rest = only(SEQUENCE, value).unwrap_or_default();
    while let Some((policy, after)) = element(SEQUENCE, rest) {
        policies.extend(element(OID, policy).map(|(oid, _)| Oid::new(oid.into()).to_id_string()));
        rest = after;
    }
    policies
}

/// `d6 13 e3`.
fn spaced(octets: &[u8]) -> String {
    let pairs: Vec<String> = octets.iter().map(|octet| format!("{octet:02x}")).collect();
    pairs.join(" ")
}

const DATE: &[BorrowedFormatItem<'_>] = format_description!("[month]/[day]/[year] [hour]:[minute]:[second]");
