//! TLS of the public listeners: versions, suites, certificates by server name, hot reload.
//!
//! A client certificate is asked for (never demanded) by the name the client calls, or on the whole port: TLS 1.3 leaves
//! no later moment for it, and asking on the main name would show every browser a dialog. Where only certificates of devices are
//! meant the question names their issuers, so that a browser offers no others; where users' certificates are meant, too, it names
//! none, because a client that lacks an intermediate would not find its own.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use openssl::error::ErrorStack;
use openssl::pkey::{PKey, Private};
use openssl::ssl::{
    AlpnError, NameType, SniError, SslAcceptor, SslAcceptorBuilder, SslContext, SslContextBuilder, SslMethod,
    SslOptions, SslVerifyMode, SslVersion,
};
use openssl::stack::Stack;
use openssl::x509::{X509, X509Name, X509NameRef};

/// Which clients the TLS settings have to serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TlsProfile {
    /// TLS 1.3, and TLS 1.2 with forward secrecy and authenticated encryption only.
    #[default]
    Modern,
    /// Also the ECDHE-RSA AES-CBC suites of TLS 1.2 that Windows 7 to 2012 R2 need.
    Downlevel,
}

/// Settings of the TLS listeners.
#[derive(Debug, Clone)]
pub struct TlsOptions {
    /// PEM file: certificate of the service, then its chain.
    pub certificate_file: PathBuf,
    /// PEM file: its private key.
    pub key_file: PathBuf,
    /// Which suites are offered.
    pub profile: TlsProfile,
    /// Whether HTTP/2 is offered; off by default because Negotiate is not defined on it.
    pub http2: bool,
    /// Names on which a client certificate is asked for, lower case.
    pub certificate_names: Vec<String>,
    /// Those of them on which only certificates of devices are meant, lower case.
    pub device_names: Vec<String>,
    /// Whether certificates of users are meant on the other names and on the port that asks everyone.
    pub users: bool,
}

/// The certificate and key in use, and the names that ask, replaced as a whole when the files or the configuration change.
pub struct TlsIdentity {
    /// DER of the leaf certificate.
    pub certificate_der: Arc<[u8]>,
    plain: SslContext,
    asking: SslContext,
    /// On which a client certificate is asked for, lower case.
    names: Vec<String>,
    /// On which only certificates of devices are meant, lower case.
    device_names: Vec<String>,
    users: bool,
}

/// The shared, swappable identity of all TLS listeners.
#[derive(Clone)]
pub struct TlsState {
    current: Arc<ArcSwap<TlsIdentity>>,
    /// Subjects of the issuers of device certificates; empty while they are not known, which lets clients choose freely.
    device_issuers: Arc<ArcSwap<Vec<X509Name>>>,
}

/// Why TLS could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file could not be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The certificate file holds no PEM certificate.
    #[error("{path} holds no certificate in PEM form")]
    NoCertificate {
        /// The file.
        path: PathBuf,
    },
    /// The key does not belong to the certificate.
    #[error("the private key in {key} does not belong to the certificate in {certificate}")]
    KeyMismatch {
        /// Key file.
        key: PathBuf,
        /// Certificate file.
        certificate: PathBuf,
    },
    /// OpenSSL refused.
    #[error("TLS: {0}")]
    OpenSsl(#[from] ErrorStack),
}

impl TlsState {
    /// Reads certificate and key.
    ///
    /// # Errors
    /// [`TlsError`] when they cannot be used.
    pub fn load(options: &TlsOptions) -> Result<Self, TlsError> {
        let current = Arc::new(ArcSwap::from_pointee(TlsIdentity::load(options)?));
        Ok(Self { current, device_issuers: Arc::default() })
    }

    /// Reads the files again, without using them yet.
    ///
    /// # Errors
    /// [`TlsError`]; the old certificate then stays in use.
    pub fn prepare(options: &TlsOptions) -> Result<TlsIdentity, TlsError> {
        TlsIdentity::load(options)
    }

    /// Connections opened from now on use `identity`.
    pub fn commit(&self, identity: TlsIdentity) {
        self.current.store(Arc::new(identity));
    }

    /// The identity in use.
    pub fn current(&self) -> Arc<TlsIdentity> {
        self.current.load_full()
    }

    /// Connections opened from now on name these (DER certificates) where certificates of devices are asked for.
    pub fn name_device_issuers(&self, certificates: &[Vec<u8>]) {
        let subject = |der: &Vec<u8>| X509::from_der(der).and_then(|issuer| issuer.subject_name().to_owned()).ok();
        self.device_issuers.store(Arc::new(certificates.iter().filter_map(subject).collect()));
    }

    /// Whether a client certificate is asked for on this server name.
    pub fn asks_on(&self, server_name: &str) -> bool {
        self.current.load().asks_on(server_name)
    }

    /// A builder for one listener; `ask_everyone` asks every client for a certificate, whatever name it calls.
    ///
    /// # Errors
    /// [`TlsError::OpenSsl`].
    pub fn listener(&self, ask_everyone: bool) -> Result<SslAcceptorBuilder, TlsError> {
        // The builder's own context only starts the handshake: the name callback, which OpenSSL also calls for clients
        // that send no name, always switches to a context of the identity in use.
        let mut builder = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server())?;
        builder.set_min_proto_version(Some(SslVersion::TLS1_2))?;
        builder.set_cipher_list(&format!("{MODERN_SUITES}:{DOWNLEVEL_SUITES}"))?;
        let state = self.clone();
        builder.set_servername_callback(move |ssl, _alert| {
            let identity = state.current.load();
            let name = ssl.servername(NameType::HOST_NAME);
            let asks = ask_everyone || name.is_some_and(|name| identity.asks_on(name));
            let devices_only = !identity.users || name.is_some_and(|name| identity.is_of_devices(name));
            ssl.set_ssl_context(if asks { &identity.asking } else { &identity.plain })
                .map_err(|_| SniError::ALERT_FATAL)?;
            if asks {
                // Asked for, not demanded; the application builds and judges the chain.
                ssl.set_verify_callback(SslVerifyMode::PEER, |_, _| true);
                // Nothing to resume by: a resumed connection lacks the intermediates that the client sent, and no other
                // certificate could be chosen on it.
                ssl.set_num_tickets(0).map_err(|_| SniError::ALERT_FATAL)?;
                if devices_only {
                    let names = stack(&state.device_issuers.load()).map_err(|_| SniError::ALERT_FATAL)?;
                    ssl.set_client_ca_list(names);
                }
            }
            Ok(())
        });
        Ok(builder)
    }
}

impl TlsIdentity {
    fn load(options: &TlsOptions) -> Result<Self, TlsError> {
        let chain = X509::stack_from_pem(&read(&options.certificate_file)?)?;
        let Some((leaf, intermediates)) = chain.split_first() else {
            return Err(TlsError::NoCertificate { path: options.certificate_file.clone() });
        };
        let key_pem = zeroize::Zeroizing::new(read(&options.key_file)?);
        let key = PKey::private_key_from_pem(&key_pem)?;
        if !leaf.public_key()?.public_eq(&key) {
            return Err(TlsError::KeyMismatch {
                key: options.key_file.clone(),
                certificate: options.certificate_file.clone(),
            });
        }
        let mut plain = context(options, leaf, intermediates, &key)?;
        plain.set_session_id_context(b"chancery")?;
        let mut asking = context(options, leaf, intermediates, &key)?;
        // A session made where no certificate was asked for must not resume where one is.
        asking.set_session_id_context(b"chancery-certificate")?;
        Ok(Self {
            certificate_der: leaf.to_der()?.into(),
            plain: plain.build(),
            asking: asking.build(),
            names: options.certificate_names.iter().map(|name| name.to_lowercase()).collect(),
            device_names: options.device_names.iter().map(|name| name.to_lowercase()).collect(),
            users: options.users,
        })
    }

    fn asks_on(&self, server_name: &str) -> bool {
        self.names.iter().any(|name| name.eq_ignore_ascii_case(server_name))
    }

    fn is_of_devices(&self, server_name: &str) -> bool {
        self.device_names.iter().any(|name| name.eq_ignore_ascii_case(server_name))
    }
}

/// The names as OpenSSL takes them.
fn stack(names: &[X509Name]) -> Result<Stack<X509Name>, ErrorStack> {
    let mut stack = Stack::new()?;
    for name in names {
        stack.push(X509NameRef::to_owned(name)?)?;
    }
    Ok(stack)
}

fn context(
    options: &TlsOptions,
    leaf: &X509,
    intermediates: &[X509],
    key: &PKey<Private>,
) -> Result<SslContextBuilder, TlsError> {
    let mut context = SslContext::builder(SslMethod::tls_server())?;
    context.set_min_proto_version(Some(SslVersion::TLS1_2))?;
    context
        .set_options(SslOptions::NO_RENEGOTIATION | SslOptions::NO_COMPRESSION | SslOptions::CIPHER_SERVER_PREFERENCE);
    match options.profile {
        TlsProfile::Modern => context.set_cipher_list(MODERN_SUITES)?,
        TlsProfile::Downlevel => context.set_cipher_list(&format!("{MODERN_SUITES}:{DOWNLEVEL_SUITES}"))?,
    }
    context.set_certificate(leaf)?;
    for intermediate in intermediates {
        context.add_extra_chain_cert(intermediate.clone())?;
    }
    context.set_private_key(key)?;
    let http2 = options.http2;
    context.set_alpn_select_callback(move |_, offered| select_protocol(offered, http2));
    Ok(context)
}

/// Picks HTTP/2 only where it is switched on, HTTP/1.1 otherwise; a client that offers neither goes on without ALPN.
fn select_protocol(offered: &[u8], http2: bool) -> Result<&[u8], AlpnError> {
    let offers = |wanted: &[u8]| {
        let mut rest = offered;
        while let Some((&length, tail)) = rest.split_first() {
            let Some((protocol, tail)) = tail.split_at_checked(usize::from(length)) else { return false };
            if protocol == wanted {
                return true;
            }
            rest = tail;
        }
        false
    };
    if http2 && offers(b"h2") {
        Ok(b"h2")
    } else if offers(b"http/1.1") {
        Ok(b"http/1.1")
    } else {
        Err(AlpnError::NOACK)
    }
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    std::fs::read(path).map_err(|source| TlsError::Read { path: path.to_owned(), source })
}

const MODERN_SUITES: &str = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:\
    ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";

const DOWNLEVEL_SUITES: &str = "ECDHE-ECDSA-AES256-SHA384:ECDHE-ECDSA-AES128-SHA256:ECDHE-RSA-AES256-SHA384:\
    ECDHE-RSA-AES128-SHA256:ECDHE-ECDSA-AES256-SHA:ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES256-SHA:ECDHE-RSA-AES128-SHA";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn http2_is_chosen_only_when_switched_on() {
        let browser = b"\x02h2\x08http/1.1";
        assert_eq!(select_protocol(browser, false).ok(), Some(&b"http/1.1"[..]));
        assert_eq!(select_protocol(browser, true).ok(), Some(&b"h2"[..]));
        assert!(select_protocol(b"\x02h2", false).is_err());
        assert!(select_protocol(b"\x09h2", true).is_err());
    }

    #[test]
    fn the_names_that_ask_follow_the_configuration() {
        use crate::clock::{SystemRandomSource, UtcTime};
        use crate::keys::{CertificateOptions, KeyPurpose, RsaKeySize, generate};
        let made_of = CertificateOptions {
            federation_service_name: "sts.corp.example",
            key_size: RsaKeySize::Rsa2048,
            lifetime: std::time::Duration::from_hours(24),
        };
        let (purpose, now) = (KeyPurpose::TokenSigning, UtcTime::from_unix_seconds(1_767_607_200));
        let material = generate::self_signed(purpose, &made_of, now, &SystemRandomSource::new()).unwrap();
        let key = PKey::private_key_from_pkcs8(material.pkcs8().expose()).unwrap();
        let directory = tempfile::tempdir().unwrap();
        let options = |names: &[&str]| TlsOptions {
            certificate_file: directory.path().join("tls.pem"),
            key_file: directory.path().join("tls.key"),
            profile: TlsProfile::Modern,
            http2: false,
            certificate_names: names.iter().map(|name| (*name).to_owned()).collect(),
            device_names: Vec::new(),
            users: true,
        };
        let before = options(&["certauth.sts.corp.example"]);
        std::fs::write(&before.certificate_file, material.certificate().pem()).unwrap();
        std::fs::write(&before.key_file, key.private_key_to_pem_pkcs8().unwrap()).unwrap();

        let state = TlsState::load(&before).unwrap();
        let new = "enterpriseregistration.brand.example";
        assert!(state.asks_on("certauth.STS.corp.example") && !state.asks_on(new));
        state.commit(
            TlsState::prepare(&options(&["certauth.sts.corp.example", "EnterpriseRegistration.brand.example"]))
                .unwrap(),
        );
        assert!(state.asks_on(new) && !state.asks_on("sts.corp.example"));
    }
}
