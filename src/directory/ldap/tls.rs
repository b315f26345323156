//! The TLS side of an LDAP connection: which certificate authorities a domain controller's certificate must chain to.

use std::path::PathBuf;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

use super::LdapSetupError;

/// A client configuration that verifies the server's chain, dates and name against the given PEM files, or against
/// the platform's authorities when there are none.
///
/// # Errors
/// [`LdapSetupError::CertificateAuthorities`].
pub(super) fn client_config(ca_files: &[PathBuf]) -> Result<Arc<ClientConfig>, LdapSetupError> {
    let roots = if ca_files.is_empty() { platform_roots()? } else { configured_roots(ca_files)? };
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| refused(PLATFORM, error))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

fn configured_roots(files: &[PathBuf]) -> Result<RootCertStore, LdapSetupError> {
    let mut roots = RootCertStore::empty();
    for file in files {
        let path = file.display();
        let certificates = CertificateDer::pem_file_iter(file)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|error| refused(&path.to_string(), error))?;
        if certificates.is_empty() {
            return Err(refused(&path.to_string(), "no certificate in it"));
        }
        for certificate in certificates {
            roots.add(certificate).map_err(|error| refused(&path.to_string(), error))?;
        }
    }
    Ok(roots)
}

fn platform_roots() -> Result<RootCertStore, LdapSetupError> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (added, _ignored) = roots.add_parsable_certificates(found.certs);
    if added == 0 {
        let reason = found.errors.first().map_or_else(|| "it is empty".to_owned(), ToString::to_string);
        return Err(refused(PLATFORM, reason));
    }
    Ok(roots)
}

fn refused(path: &str, reason: impl std::fmt::Display) -> LdapSetupError {
    LdapSetupError::CertificateAuthorities { path: path.to_owned(), reason: reason.to_string() }
}

const PLATFORM: &str = "the platform's store";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_certificates_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let empty = directory.path().join("ca.pem");
        std::fs::write(&empty, "no certificate").unwrap();
        for file in [empty, directory.path().join("absent.pem")] {
            assert!(matches!(client_config(&[file]), Err(LdapSetupError::CertificateAuthorities { .. })));
        }
    }

    #[test]
    fn a_certificate_authority_is_taken() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("ca.pem");
        let certificate = rcgen::generate_simple_self_signed(vec!["dc1.corp.example".into()]).unwrap();
        std::fs::write(&file, certificate.cert.pem()).unwrap();
        assert!(client_config(&[file]).is_ok());
    }
}
