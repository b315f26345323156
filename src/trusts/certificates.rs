//! Certificates that a trust names: for encryption of tokens, and for signatures of requests.

use std::path::Path;
use std::sync::Arc;

use openssl::asn1::Asn1Time;
use openssl::x509::X509;

use super::described::Source;
use super::file::RelyingPartyFile;
use super::partner_metadata::PartnerMetadata;
use super::relying_party::TokenEncryption;
use super::{TrustContext, service_metadata};
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

/// Every certificate in PEM text, in its order; none when one is damaged, or when there is none.
///
/// The text is read in Rust: OpenSSL tries its decoders one after the other on each block, which a farm with a thousand partners
/// notices at its start.
pub(super) fn every(pem: &[u8]) -> Vec<X509> {
    let blocks: Result<Vec<_>, _> = rustls_pemfile::certs(&mut &*pem).collect();
    let certificates = blocks.map(|blocks| blocks.iter().map(|der| X509::from_der(der)).collect());
    certificates.unwrap_or_else(|_| Ok(Vec::new())).unwrap_or_default()
}

/// DER of the first certificate in a PEM file.
pub(super) fn one(file: &Path, key: &str, context: &mut TrustContext<'_, '_, '_>) -> Option<Arc<[u8]>> {
    let (path, bytes) = context.read(file, key)?;
    let der = every(&bytes).first().and_then(|certificate| certificate.to_der().ok());
    if der.is_none() {
        context.findings.error(
            Code::Certificate,
            key,
            format!("{} holds no certificate in PEM form", path.display()),
            "the file begins with `-----BEGIN CERTIFICATE-----`; convert DER by `openssl x509 -inform der`",
        );
    }
    der.map(Arc::from)
}
