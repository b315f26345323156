//! The running application: what serves requests now, and swapping it when the configuration changes.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use actix_web::http::StatusCode;
use arc_swap::ArcSwap;
use tokio::sync::OnceCell;

use crate::audit::{AuthProtocol, Detail, ErrorCode, EventKind, Parties};
use crate::authn::NetworkPolicy;
use crate::clock::{Clock, Random};
use crate::config::diagnostic::{Code, Place, Report};
use crate::config::live::{Commit, Subscriber};
use crate::config::{AuditLevel, Config, Loaded};
use crate::kerberos::keytab::Keytab;
use crate::protocols::browser::{certificate_door, device_door, my_devices, update_password};
use crate::protocols::environment::Environment;
use crate::protocols::http::{Answer, Call};
use crate::protocols::metadata::{self, FederationMetadata, MetadataError};
use crate::protocols::trust_endpoint::TrustEndpoint;
use crate::protocols::{drs, mex, oauth, passive, wsfed, wstrust};

use super::assembly::{AssemblyError, Lasting};
use super::kdc_order::KdcOrder;
use super::routes::Endpoint;
use super::service::RequestLimits;
use super::settings::{krb5_conf, network_policy, tls_options};
use super::strangers::Strangers;
use super::tls::TlsState;

/// What every worker shares.
pub struct Application {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Unpredictable octets.
    pub random: Arc<dyn Random>,
    lasting: Arc<Lasting>,
    serving: Arc<ArcSwap<Serving>>,
    tls: Option<TlsState>,
    kdc_order: Arc<KdcOrder>,
    config_file: PathBuf,
}

/// What serves one configuration.
pub struct Serving {
    /// What the protocols work with.
    pub environment: Environment,
    /// Where requests come from.
    pub network: NetworkPolicy,
    /// Bounds of requests.
    pub limits: RequestLimits,
    /// Sources of proxy header fields that are none.
    pub strangers: Strangers,
    /// Whether the audit log has each request and answer.
    pub audits_http: bool,
    keytab: PathBuf,
    /// Signed on first use, once for this configuration and key set: what is read inside.
    metadata: OnceCell<Vec<u8>>,
    /// What is read outside, where that is something else.
    metadata_outside: OnceCell<Vec<u8>>,
}

impl Application {
    /// An application that serves `loaded`. `krb5_file` is the process's `krb5.conf`, written from the same configuration.
    ///
    /// # Errors
    /// [`AssemblyError`].
    pub fn new(
        lasting: Lasting,
        loaded: &Arc<Loaded>,
        tls: Option<TlsState>,
        krb5_file: PathBuf,
        config_file: PathBuf,
    ) -> Result<Self, AssemblyError> {
        let assembled = lasting.assemble(loaded)?;
        let krb5 = krb5_conf(&loaded.config);
        let kdc_order = Arc::new(KdcOrder::new(krb5_file, krb5.clone()));
        kdc_order.follow(krb5, &assembled.ldap).map_err(|error| AssemblyError::because("krb5.conf")(&error))?;
        let environment = assembled.commit(&lasting);
        Ok(Self {
            clock: lasting.clock.clone(),
            random: lasting.random.clone(),
            serving: Arc::new(ArcSwap::from_pointee(Serving::new(environment, &loaded.config))),
            lasting: Arc::new(lasting),
            tls,
            kdc_order,
            config_file,
        })
    }

    /// What serves requests now. Hold it for one request.
    pub fn serving(&self) -> Arc<Serving> {
        self.serving.load_full()
    }

    /// What prevents a configuration from being served, for its report.
    fn refused(&self, error: &dyn std::fmt::Display) -> Report {
        let mut report = Report::default();
        let place = Place::File { file: self.config_file.clone() };
        report.error(Code::InvalidValue, place, error.to_string(), "correct it; the old configuration goes on");
        report
    }

    /// The audit log.
    pub fn auditor(&self) -> &crate::audit::Auditor {
        &self.lasting.auditor
    }

    /// TLS of the public listeners.
    pub const fn tls(&self) -> Option<&TlsState> {
        self.tls.as_ref()
    }
}

impl Serving {
    fn new(environment: Environment, config: &Config) -> Self {
        Self {
            environment,
            network: network_policy(config),
            limits: RequestLimits {
                body: config.server.limits.body_bytes,
                header: config.server.limits.header_bytes,
                body_time: std::time::Duration::from_secs(config.server.limits.request_seconds),
            },
            strangers: Strangers::default(),
            audits_http: config.audit.level == AuditLevel::Verbose,
            keytab: config.kerberos.keytab.clone(),
            metadata: OnceCell::new(),
            metadata_outside: OnceCell::new(),
        }
    }

    /// Answers a request for an endpoint.
    pub async fn handle(&self, endpoint: Endpoint, call: &Call) -> Answer {
        match endpoint {
            Endpoint::Trust(endpoint) => wstrust::handle(&self.environment, endpoint, call).await,
            Endpoint::SignIn(door) => passive::handle(&self.environment, door, call).await,
            Endpoint::Certificate => certificate_door::handle(&self.environment, call).await,
            Endpoint::DeviceCertificate => device_door::handle(&self.environment, call).await,
            Endpoint::Registration(endpoint) => drs::handle(&self.environment, endpoint, call).await,
            Endpoint::OAuth(endpoint) => oauth::handle(&self.environment, endpoint, call).await,
            Endpoint::UpdatePassword => update_password::handle(&self.environment, call).await,
            Endpoint::MyDevices(door) => my_devices::handle(&self.environment, door, call).await,
            Endpoint::Mex => mex::handle(&self.environment, call).unwrap_or_else(|error| internal(call, &error)),
            Endpoint::FederationMetadata => match self.metadata(call.origin.is_extranet()).await {
                Ok(document) => Answer::new(StatusCode::OK, metadata::CONTENT_TYPE, document.clone()),
                Err(error) => internal(call, &error),
            },
            Endpoint::Live => Answer::empty(StatusCode::OK),
            Endpoint::Probe | Endpoint::Ready => Answer::empty(self.readiness()),
        }
    }

    /// Audits a request that was refused before it was read: too large, or too slow.
    pub fn unread(&self, endpoint: Endpoint, call: &Call, status: StatusCode) {
        let endpoint = match endpoint {
            Endpoint::Trust(endpoint) => endpoint,
            Endpoint::Registration(endpoint) => return drs::unread(&self.environment, endpoint, call, status),
            Endpoint::OAuth(endpoint) => return oauth::unread(&self.environment, endpoint, call, status),
            Endpoint::SignIn(door) => return wsfed::unread(&self.environment, door, call, status),
            _ => return,
        };
        let detail = Detail::public(&format!("the request was not read: {status}"));
        let code = ErrorCode("MSIS3127");
        self.environment.context(call, AuthProtocol::WsTrust, &endpoint.path()).note([EventKind::RequestFailed {
            parties: Parties::default(),
            code,
            detail,
        }]);
    }

    /// The federation metadata for somebody inside or outside: one document where it names the same.
    async fn metadata(&self, extranet: bool) -> Result<&Vec<u8>, MetadataError> {
        let published = |extranet| metadata::published_endpoint(&self.environment.endpoints, extranet);
        let (inside, endpoint) = (published(false), published(extranet));
        let document = if endpoint == inside { &self.metadata } else { &self.metadata_outside };
        document.get_or_try_init(|| self.sign_metadata(endpoint)).await
    }

    async fn sign_metadata(&self, endpoint: Option<TrustEndpoint>) -> Result<Vec<u8>, MetadataError> {
        let environment = &self.environment;
        let keys = &environment.services.keys;
        let document = FederationMetadata {
            identifier: &environment.service_identifier,
            service_name: &environment.service_name,
            display_name: &environment.display_name,
            signing_certificates: keys.signing().map(|key| &*key.key.certificate).collect(),
            decryption_certificates: keys.decryption().map(|(_, certificate)| &*certificate.der).collect(),
            claim_descriptions: &environment.claim_descriptions,
            endpoint,
        };
        document.sign(&keys.primary_signing().key, &*environment.services.random).await
    }

    /// This node only: the configuration was valid and the keys were loaded, or this would not exist; the keytab must be
    /// readable now and have a key. What all nodes share never takes the whole farm out of the balancer.
    fn readiness(&self) -> StatusCode {
        if has_keys(&self.keytab) { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }
    }
}

/// Whether the keytab can be read and has a key.
fn has_keys(keytab: &Path) -> bool {
    Keytab::read(keytab).is_ok_and(|keytab| !keytab.entries().is_empty())
}

impl Subscriber for Application {
    fn prepare(&self, next: &Arc<Loaded>) -> Result<Commit, Report> {
        let config = &next.config;
        let krb5 = krb5_conf(config);
        krb5.render().map_err(|error| self.refused(&error))?;
        let assembled = self.lasting.assemble(next).map_err(|error| self.refused(&error))?;
        let tls = match (&self.tls, tls_options(config)) {
            (Some(tls), Some(options)) => {
                let prepared = TlsState::prepare(&options).map_err(|error| self.refused(&error))?;
                Some((tls.clone(), prepared))
            }
            _ => None,
        };
        let (lasting, serving, next) = (self.lasting.clone(), self.serving.clone(), next.clone());
        let kdc_order = self.kdc_order.clone();
        Ok(Box::new(move || {
            // Read by Kerberos calls that begin from now on: the library looks at the file's time.
            if let Err(error) = kdc_order.follow(krb5, &assembled.ldap) {
                tracing::error!(%error, "new domain controllers are not known to Kerberos");
            }
            if let Some((tls, prepared)) = tls {
                tls.commit(prepared);
            }
            serving.store(Arc::new(Serving::new(assembled.commit(&lasting), &next.config)));
        }))
    }
}

fn internal(call: &Call, error: &dyn std::fmt::Display) -> Answer {
    tracing::error!(correlation = %call.correlation, %error, "a document could not be made");
    Answer::empty(StatusCode::INTERNAL_SERVER_ERROR)
}

#[cfg(test)]
mod tests {
    use super::has_keys;

    #[test]
    fn a_keytab_without_a_key_is_none() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("keytab");
        assert!(!has_keys(&file));
        // One key of `HTTP@A`: a principal of one component, its type, time, number 3 and a key of 32 octets.
        let mut entry = vec![0, 1, 0, 1, b'A', 0, 4, b'H', b'T', b'T', b'P', 0, 0, 0, 1, 0, 0, 0, 0, 3, 0, 18, 0, 32];
        entry.extend([7; 32]);
        let mut good = vec![5, 2, 0, 0, 0, u8::try_from(entry.len()).unwrap()];
        good.extend(entry);
        for (content, expected) in [
            (&good[..], true),
            (&good[..good.len() - 1], false),
            (&[5, 2], false),
            (b"", false),
            (b"-----BEGIN CERTIFICATE-----", false),
        ] {
            std::fs::write(&file, content).unwrap();
            assert_eq!(has_keys(&file), expected, "{content:?}");
        }
    }
}
