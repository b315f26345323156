//! Certificates that a trust names: for encryption of tokens, and for signatures of requests.

use std::path::Path;
use std::sync::Arc;

use openssl::asn1::Asn1Time;
use openssl::x509::X509;
use x509_parser::public_key::PublicKey;

use super::described::Source;
use super::file::RelyingPartyFile;
use super::partner_metadata::PartnerMetadata;
use super::relying_party::TokenEncryption;
use super::{TrustContext, service_metadata};
use crate::clock::UtcTime;
use crate::config::EXPIRY_NOTICE_DAYS;
use crate::config::diagnostic::Code;

/// How tokens are encrypted; `None` when neither the trust nor its metadata names a certificate. The trust's counts before the
/// metadata's.
pub(super) fn encryption(
    table: &RelyingPartyFile,
    source: &Source<'_>,
    metadata: Option<&PartnerMetadata>,
    context: &mut TrustContext<'_, '_, '_>,
) -> Option<TokenEncryption> {
    const KEY: &str = "relying_party.encryption_certificate";
    let Some(file) = table.encryption_certificate.as_deref() else {
        let der = metadata.and_then(service_metadata::encryption)?;
        warn_of_dates(der, source, context);
        return Some(TokenEncryption { certificate: Arc::from(der), algorithm: table.encryption_algorithm });
    };
    let certificate = one(file, KEY, context)?;
    let parsed = X509::from_der(&certificate).ok()?;
    let is_rsa = parsed.public_key().is_ok_and(|key| key.rsa().is_ok());
    if !is_rsa {
        context.findings.error(
            Code::Certificate,
            KEY,
            "the encryption certificate has no RSA key",
            "tokens are encrypted with RSA-OAEP: ask the relying party for an RSA certificate",
        );
        return None;
    }
    crate::config::judge_certificate_dates(
        &parsed,
        "the relying party's encryption certificate",
        context.now,
        KEY,
        &mut context.findings,
    );
    Some(TokenEncryption { certificate, algorithm: table.encryption_algorithm })
}

/// A partner that is late with its new certificate must not keep this server from starting.
fn warn_of_dates(der: &[u8], source: &Source<'_>, context: &mut TrustContext<'_, '_, '_>) {
    let now = Asn1Time::from_unix(context.now.unix_seconds());
    let (Ok(certificate), Ok(now)) = (X509::from_der(der), now) else { return };
    if certificate.not_after() < now {
        let message = format!("the relying party's encryption certificate expired on {}", certificate.not_after());
        let help = "tokens go on being encrypted to it: ask the relying party for metadata with the next one";
        context.findings.warning(Code::Certificate, &source.key(), message, help);
    }
}

/// DER of the certificates that sign requests: those of the trust, and those of its metadata.
pub(super) fn request_signing(
    table: &RelyingPartyFile,
    metadata: Option<&PartnerMetadata>,
    context: &mut TrustContext<'_, '_, '_>,
) -> Vec<Arc<[u8]>> {
    let described = metadata.map(service_metadata::request_signing).unwrap_or_default();
    let certificates: Vec<Arc<[u8]>> = table
        .request_signing_certificates
        .iter()
        .enumerate()
        .filter_map(|(i, file)| one(file, &format!("relying_party.request_signing_certificates.{i}"), context))
        .chain(described.iter().map(|der| Arc::from(der.as_slice())))
        .collect();
    if table.require_signed_requests && table.request_signing_certificates.is_empty() && !table.has_metadata() {
        context.findings.error(
            Code::Contradiction,
            "relying_party.require_signed_requests",
            "signed requests are required, but no certificate says who may sign them",
            "name the relying party's certificates in `request_signing_certificates`",
        );
    }
    certificates
}

/// DER of every certificate in PEM text, in its order; none when one is damaged, or when there is none.
pub(super) fn every(pem: &[u8]) -> Vec<Arc<[u8]>> {
    let blocks: Result<Vec<_>, _> = rustls_pemfile::certs(&mut &*pem).collect();
    let blocks = blocks.unwrap_or_default();
    let is_certificate = |der: &[u8]| x509_parser::parse_x509_certificate(der).is_ok() || X509::from_der(der).is_ok();
    if blocks.iter().all(|der| is_certificate(der)) {
        blocks.iter().map(|der| Arc::from(&**der)).collect()
    } else {
        Vec::new()
    }
}

/// Whether there is nothing to say about a certificate for signatures: its key is strong, and it is valid now and for some time.
///
/// Read in Rust: OpenSSL tries its decoders one after the other on each key, which a farm with a thousand partners notices at its start.
/// It is asked about those certificates alone that there is something to say about.
pub(super) fn is_plainly_good(der: &[u8], now: UtcTime) -> bool {
    let Ok((_, certificate)) = x509_parser::parse_x509_certificate(der) else { return false };
    let is_strong = match certificate.public_key().parsed() {
        Ok(PublicKey::RSA(key)) => key.key_size() >= 2048,
        Ok(PublicKey::EC(point)) => point.key_size() >= 256,
        _ => false,
    };
    let validity = certificate.validity();
    let (begin, end) = (validity.not_before.timestamp(), validity.not_after.timestamp());
    let notice = i64::from(EXPIRY_NOTICE_DAYS) * 24 * 60 * 60;
    is_strong && begin <= now.unix_seconds() && end - notice > now.unix_seconds()
}

/// DER of the first certificate in a PEM file.
pub(super) fn one(file: &Path, key: &str, context: &mut TrustContext<'_, '_, '_>) -> Option<Arc<[u8]>> {
    let (path, bytes) = context.read(file, key)?;
    let der = every(&bytes).into_iter().next();
    if der.is_none() {
        context.findings.error(
            Code::Certificate,
            key,
            format!("{} holds no certificate in PEM form", path.display()),
            "the file begins with `-----BEGIN CERTIFICATE-----`; convert DER by `openssl x509 -inform der`",
        );
    }
    der
}
