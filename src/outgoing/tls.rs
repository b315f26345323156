//! TLS towards partners.

use std::path::Path;

use openssl::ssl::{SslConnector, SslMethod, SslVersion};
use openssl::x509::X509;
use openssl::x509::store::X509StoreBuilder;

use super::OutgoingError;
use crate::config::load::{MAX_CONFIGURATION_FILE, read_bounded};

/// A connector that verifies with the authorities of `ca_file`, or the system's, and speaks HTTP/1.1.
pub(super) fn connector(ca_file: Option<&Path>) -> Result<SslConnector, OutgoingError> {
    let failed = |error: openssl::error::ErrorStack| OutgoingError::Tls(error.to_string());
    let mut builder = SslConnector::builder(SslMethod::tls_client()).map_err(failed)?;
    builder.set_min_proto_version(Some(SslVersion::TLS1_2)).map_err(failed)?;
    builder.set_alpn_protos(b"\x08http/1.1").map_err(failed)?;
    if let Some(path) = ca_file {
        let refused = |reason: String| OutgoingError::Tls(format!("{}: {reason}", path.display()));
        let pem = read_bounded(path, MAX_CONFIGURATION_FILE).map_err(|error| refused(error.to_string()))?;
        let mut store = X509StoreBuilder::new().map_err(failed)?;
        for certificate in X509::stack_from_pem(&pem).map_err(|error| refused(error.to_string()))? {
            store.add_cert(certificate).map_err(failed)?;
        }
        builder.set_cert_store(store.build());
    }
    Ok(builder.build())
}
