//! Looks at the server's certificate as a client would, before any request.

use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use openssl::ssl::{HandshakeError, SslConnector, SslConnectorBuilder, SslMethod, SslVerifyMode};
use openssl::x509::store::X509StoreBuilder;
use openssl::x509::{X509, X509VerifyResult};

use super::failure::{Failure, Passed, Step};
use super::target::Target;
use crate::kerberos::bindings::tls_server_end_point;
use crate::keys::CertificateFacts;

/// What later steps need to know of the connection.
#[derive(Debug)]
pub(in crate::cli) struct Channel {
    /// Application data of the channel bindings to the server's certificate; none where RFC 5929 defines none.
    pub(in crate::cli) bindings: Option<Vec<u8>>,
}

/// TLS settings: the authorities of `ca`, or the system's (`SSL_CERT_FILE`), and HTTP/1.1, on which alone Negotiate works.
pub(in crate::cli) fn connector(ca: Option<&Path>) -> Result<SslConnectorBuilder, Failure> {
    let failed = |error: openssl::error::ErrorStack| Failure::new(format!("TLS cannot be set up: {error}"));
    let mut builder = SslConnector::builder(SslMethod::tls_client()).map_err(failed)?;
    builder.set_alpn_protos(b"\x08http/1.1").map_err(failed)?;
    if let Some(path) = ca {
        let refuse = |reason: String| Failure::new(format!("--ca {}: {reason}", path.display()));
        let pem = std::fs::read(path).map_err(|error| refuse(error.to_string()))?;
        let certificates = X509::stack_from_pem(&pem).map_err(|error| refuse(error.to_string()))?;
        if certificates.is_empty() {
            return Err(refuse(String::from("it holds no certificate in PEM form")));
        }
        let mut store = X509StoreBuilder::new().map_err(failed)?;
        for certificate in certificates {
            store.add_cert(certificate).map_err(failed)?;
        }
        builder.set_cert_store(store.build());
    }
    Ok(builder)
}

/// Connects, verifies the server's certificate, and says which it is.
pub(in crate::cli) fn look(target: &Target, ca: Option<&Path>, timeout: Duration) -> Step<Channel> {
    let connector = connector(ca)?.build();
    let stream = connect(target, timeout)?;
    let peer = stream.peer_addr().map(|peer| peer.ip().to_string()).unwrap_or_default();
    let stream = connector.connect(&target.host, stream).map_err(|error| explain(&error, target))?;
    let ssl = stream.ssl();
    let certificate = ssl.peer_certificate().ok_or_else(|| Failure::new("the server showed no certificate"))?;
    let der = certificate.to_der().map_err(|error| Failure::new(format!("the certificate cannot be read: {error}")))?;
    let about = match CertificateFacts::parse(&der) {
        Ok(facts) => format!("certificate {} until {}", facts.subject, facts.not_after),
        Err(_) => String::from("a certificate"),
    };
    let bindings = tls_server_end_point(&der).ok();
    let unbound = bindings.is_none();
    let passed = Passed::new(Channel { bindings }, format!("{peer}, {}, {about}", ssl.version_str()));
    Ok(if unbound {
        passed.note("RFC 5929 defines no channel binding for this certificate's signature; the request goes without")
    } else {
        passed
    })
}

/// What a server shows on a name, whether or not a client would take it.
pub(in crate::cli) struct Shown {
    /// Its certificate.
    pub(in crate::cli) certificate: X509,
    /// What a client thinks of the chain, its names aside.
    pub(in crate::cli) verdict: X509VerifyResult,
}

/// Connects and takes whatever certificate comes.
pub(in crate::cli) fn shown(target: &Target, ca: Option<&Path>, timeout: Duration) -> Result<Shown, Failure> {
    let mut builder = connector(ca)?;
    builder.set_verify(SslVerifyMode::NONE);
    let failed = |error: openssl::error::ErrorStack| Failure::new(format!("TLS cannot be set up: {error}"));
    let configured = builder.build().configure().map_err(failed)?.verify_hostname(false);
    let stream = connect(target, timeout)?;
    let stream = configured.connect(&target.host, stream).map_err(|error| explain(&error, target))?;
    let ssl = stream.ssl();
    let certificate = ssl.peer_certificate().ok_or_else(|| Failure::new("the server showed no certificate"))?;
    Ok(Shown { certificate, verdict: ssl.verify_result() })
}

fn connect(target: &Target, timeout: Duration) -> Result<TcpStream, Failure> {
    let mut last = String::from("no address");
    for address in target.addresses()? {
        match TcpStream::connect_timeout(&address, timeout) {
            Ok(stream) => {
                let limited =
                    stream.set_read_timeout(Some(timeout)).and_then(|()| stream.set_write_timeout(Some(timeout)));
                limited.map_err(|error| Failure::new(format!("{address}: {error}")))?;
                return Ok(stream);
            }
            Err(error) => last = format!("{address}: {error}"),
        }
    }
    Err(Failure::new(format!("no connection: {last}"))
        .advise("Is the server running, and does every firewall and balancer between let port 443 through from here?"))
}

fn explain(error: &HandshakeError<TcpStream>, target: &Target) -> Failure {
    let (HandshakeError::Failure(stream) | HandshakeError::WouldBlock(stream)) = error else {
        return Failure::new(format!("TLS failed: {error}"));
    };
    let verdict = stream.ssl().verify_result();
    let failure = Failure::new(match verdict {
        X509VerifyResult::OK => format!("TLS failed: {}", stream.error()),
        _ => format!("the server's certificate is not accepted: {}", verdict.error_string()),
    });
    let failure = match verdict.as_raw() {
        // X509_V_OK: refused by the server, or no TLS at all.
        0 => failure.advise(
            "Windows shows 0xCAA82F8F. The server may ask for a version or cipher this client lacks, may not know the name in \
             SNI, or may not speak TLS on this port.",
        ),
        // Expired and not yet valid.
        9 | 10 => failure.advise("Renew the certificate of the service, or correct this computer's clock."),
        // Host name and address mismatch.
        62 | 64 => failure.advise(format!(
            "The certificate must carry {} as DNS name. Is this the federation service name, and the right server?",
            target.host
        )),
        // Unknown issuer, self-signed, incomplete chain.
        2 | 18 | 19 | 20 | 21 => failure.advise(
            "The authority is not trusted here (--ca FILE names another), or the server does not send its intermediate \
             certificates. Joined computers must trust it in their machine store.",
        ),
        _ => failure,
    };
    failure.advise("A computer that does not accept the certificate never gets as far as authentication.")
}
