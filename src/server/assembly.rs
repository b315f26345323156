//! The composition root: from a configuration to everything that serves it.
//!
//! What keeps memory (lockout counters, used authenticators, caches, the audit log) outlives a change of configuration; what
//! is derived from the configuration is made anew for each.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::audit::ClaimDetail;
use crate::authn::certificate::{CertificatePolicy, CertificateTrust, MappingPolicy, RevocationMode, RevocationPolicy};
use crate::authn::password_gate::{GateParts, GateSettings, LockoutMode, LockoutPolicy, TokioSleeper};
use crate::authn::{DomainNames, DomainNamesEntry, DomainPasswordVerifier, NegotiateAuthenticator, PasswordGate};
use crate::claims::store::{ActiveDirectoryStore, PasswordExpiryStore};
use crate::claims::{Limits, RuleSet, StoreSet, rules};
use crate::clock::{Clock, Random};
use crate::config::{self, AuditClaims, ChannelBinding, Config, LdapBind, LdapTransport, Loaded, Revocation};
use crate::directory::ldap::{Bind, DomainOptions, LdapDirectory, LdapLimits, LdapOptions, ServerAddress, Transport};
use crate::directory::{CacheOptions, CachedDirectory};
use crate::issuance::{Issuer, IssuerOptions, Services};
use crate::kerberos::krb5_conf::{Krb5Conf, RealmConf};
use crate::kerberos::replay::ReplayOptions;
use crate::kerberos::{
    Acceptor, AcceptorOptions, BindingPolicy, ClientKeytab, ReplayGuard, TrustedDomain, TrustedDomains,
};
use crate::keys::{FilePermissions, KeyRing, KeyRingOptions, RsaKeySize};
use crate::protocols::environment::{CertificateSignIn, Environment};
use crate::protocols::trust_endpoint::{Credential, Exposure, TrustEndpoint, TrustEndpoints, Version};
use crate::secret::Secret;
use crate::store::{MemoryOneTime, MemoryRevocations, OneTime, Revocations};

use super::observer::AuditLockouts;
use super::verifier::CurrentVerifier;

/// Why a configuration cannot be served although it is well-formed.
#[derive(Debug, thiserror::Error)]
#[error("{what}: {reason}")]
pub struct AssemblyError {
    what: String,
    reason: String,
}

impl AssemblyError {
    fn because(what: impl Into<String>) -> impl FnOnce(&dyn std::fmt::Display) -> Self {
        move |reason| Self { what: what.into(), reason: reason.to_string() }
    }
}

/// What outlives a change of configuration.
pub struct Lasting {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Unpredictable octets.
    pub random: Arc<dyn Random>,
    /// The audit log.
    pub auditor: Arc<crate::audit::Auditor>,
    /// Passwords and lockout.
    pub passwords: Arc<PasswordGate>,
    verifier: Arc<CurrentVerifier>,
    replay: Arc<ReplayGuard>,
    one_time: Arc<dyn OneTime>,
    revocations: Arc<dyn Revocations>,
    directory: std::sync::Mutex<Option<KnownDirectory>>,
}

/// A directory, and the settings it was made of.
struct KnownDirectory {
    settings: String,
    ldap: Arc<LdapDirectory>,
    cached: Arc<CachedDirectory>,
}

impl Lasting {
    /// Everything that lasts, empty.
    pub fn new(clock: Arc<dyn Clock>, random: Arc<dyn Random>, auditor: Arc<crate::audit::Auditor>) -> Self {
        let verifier = Arc::new(CurrentVerifier::default());
        let parts = GateParts {
            verifier: verifier.clone(),
            clock: clock.clone(),
            sleeper: Arc::new(TokioSleeper),
            observer: Arc::new(AuditLockouts::new(auditor.clone())),
        };
        Self {
            passwords: Arc::new(PasswordGate::new(parts, GateSettings::default())),
            verifier,
            replay: Arc::new(ReplayGuard::new(ReplayOptions::default(), clock.clone())),
            one_time: Arc::new(MemoryOneTime::new(clock.clone(), ONE_TIME_CAPACITY)),
            revocations: Arc::new(MemoryRevocations::new(clock.clone(), ONE_TIME_CAPACITY)),
            directory: std::sync::Mutex::default(),
            clock,
            random,
            auditor,
        }
    }

    /// Makes everything that serves `loaded`. Opens files, no network connection; nothing is visible until the password
    /// settings are taken over by [`Assembled::commit`].
    ///
    /// # Errors
    /// [`AssemblyError`].
    pub fn assemble(&self, loaded: &Arc<Loaded>) -> Result<Assembled, AssemblyError> {
        let config = &loaded.config;
        let domains = domain_names(config)?;
        let acceptor = Arc::new(self.acceptor(config)?);
        let (ldap, cached) = self.directory(config)?;
        let keys = KeyRing::load_or_create(&key_options(config), &*self.clock, &*self.random)
            .map_err(|error| AssemblyError::because("[keys]")(&error))?;
        let stores = StoreSet::new()
            .with("Active Directory", Arc::new(ActiveDirectoryStore::new(cached.clone())))
            .with("_PasswordExpiryStore", Arc::new(PasswordExpiryStore));
        let services = Services {
            clock: self.clock.clone(),
            random: self.random.clone(),
            directory: cached,
            stores: Arc::new(stores),
            keys: Arc::new(keys),
            one_time: self.one_time.clone(),
            revocations: self.revocations.clone(),
            auditor: self.auditor.clone(),
            trusts: loaded.trusts.clone(),
        };
        let acceptance_rules = RuleSet::parse(rules::ACTIVE_DIRECTORY_ACCEPTANCE)
            .map_err(|error| AssemblyError::because("acceptance rules")(&error))?;
        let issuer = Issuer::new(IssuerOptions {
            federation_service_identifier: config.service.identifier.clone(),
            acceptance_rules,
            limits: Limits::default(),
            audited_claims: match config.audit.claims {
                AuditClaims::None => ClaimDetail::None,
                AuditClaims::Types => ClaimDetail::Types,
                AuditClaims::Values => ClaimDetail::Values,
            },
        });
        let verifier = DomainPasswordVerifier::new(
            acceptor.clone(),
            domains.clone(),
            service_principals(config),
            ldap,
            PASSWORD_CHECKS,
            PASSWORD_TIMEOUT,
        );
        let environment = Environment {
            service_name: config.service.federation_service_name.to_string(),
            service_identifier: config.service.identifier.clone(),
            display_name: config.service.display_name.clone(),
            endpoints: endpoints(config),
            issuer,
            services: Arc::new(services),
            negotiate: NegotiateAuthenticator::new(
                acceptor,
                binding_policy(config),
                front_certificates(config)?,
                self.clock.clone(),
                self.random.clone(),
            ),
            passwords: self.passwords.clone(),
            domains: domains.clone(),
            certificates: self.certificates(config)?,
        };
        Ok(Assembled { environment, gate: gate_settings(config, domains), verifier: Arc::new(verifier) })
    }

    fn acceptor(&self, config: &Config) -> Result<Acceptor, AssemblyError> {
        let domains = TrustedDomains::new(config.domains.iter().map(|domain| TrustedDomain {
            realm: domain.realm.as_str().to_owned(),
            sid: domain.sid,
            netbios: domain.netbios.as_str().to_owned(),
            upn_suffixes: domain.upn_suffixes.iter().map(ToString::to_string).collect(),
            forest: None,
        }))
        .map_err(|error| AssemblyError::because("[[domains]]")(&error))?;
        Acceptor::new(AcceptorOptions {
            keytab: config.kerberos.keytab.clone(),
            hosts: hosts(config),
            domains: Arc::new(domains),
            replay: config.kerberos.replay_guard.then(|| self.replay.clone()),
            clock: self.clock.clone(),
        })
        .map_err(|error| AssemblyError::because("[kerberos]")(&error))
    }

    /// The directory, the one that is there when its settings are the same: its caches and connections stay warm.
    fn directory(&self, config: &Config) -> Result<(Arc<LdapDirectory>, Arc<CachedDirectory>), AssemblyError> {
        let mut settings = format!("{:?}{:?}", config.domains, config.directory);
        for path in secret_files(config) {
            // The content counts, not the name; a digest of it is kept, never the secret.
            let content = Secret::new(std::fs::read(path).unwrap_or_default());
            let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, content.expose());
            settings.push_str(&hex::encode(digest));
        }
        let mut known = self.directory.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(known) = known.as_ref().filter(|known| known.settings == settings) {
            return Ok((known.ldap.clone(), known.cached.clone()));
        }
        let ldap = Arc::new(
            LdapDirectory::new(ldap_options(config)?, self.clock.clone())
                .map_err(|error| AssemblyError::because("[[domains]]")(&error))?,
        );
        let options = CacheOptions { attribute_ttl: config.directory.attribute_cache(), ..CacheOptions::default() };
        let cached = Arc::new(CachedDirectory::new(ldap.clone(), self.clock.clone(), options));
        *known = Some(KnownDirectory { settings, ldap: ldap.clone(), cached: cached.clone() });
        Ok((ldap, cached))
    }

    fn certificates(&self, config: &Config) -> Result<Option<CertificateSignIn>, AssemblyError> {
        let settings = &config.certificates;
        if settings.client_ca_files.is_empty() {
            return Ok(None);
        }
        let read = |paths: &[PathBuf]| paths.iter().map(|path| read(path)).collect::<Result<Vec<_>, _>>();
        let mode = match settings.revocation {
            Revocation::None => RevocationMode::Off,
            Revocation::WhenListed => RevocationMode::IfAvailable,
            Revocation::Required => RevocationMode::Required,
        };
        let policy = CertificatePolicy {
            revocation: RevocationPolicy { mode, ..RevocationPolicy::default() },
            ..CertificatePolicy::default()
        };
        let trust = CertificateTrust::new(&read(&settings.client_ca_files)?, &read(&settings.crl_files)?, policy)
            .map_err(|error| AssemblyError::because("[certificates]")(&error))?;
        Ok(Some(CertificateSignIn {
            trust,
            mapping: MappingPolicy::Compatibility,
            domains: config.domains.iter().map(|domain| domain.netbios.as_str().to_owned()).collect(),
            used_signatures: self.one_time.clone(),
        }))
    }
}

/// Everything that serves one configuration.
pub struct Assembled {
    environment: Environment,
    gate: GateSettings,
    verifier: Arc<DomainPasswordVerifier>,
}

impl Assembled {
    /// Takes the password settings over and gives the environment out.
    pub fn commit(self, lasting: &Lasting) -> Environment {
        lasting.verifier.set(self.verifier);
        lasting.passwords.reconfigure(self.gate);
        self.environment
    }
}

/// The `krb5.conf` of the process.
pub fn krb5_conf(config: &Config) -> Krb5Conf {
    Krb5Conf {
        default_realm: config.domains.first().map(|domain| domain.realm.as_str().to_owned()).unwrap_or_default(),
        realms: config
            .domains
            .iter()
            .map(|domain| RealmConf {
                realm: domain.realm.as_str().to_owned(),
                kdcs: domain.domain_controllers.iter().map(ToString::to_string).collect(),
                hosts: domain.domain_controllers.iter().map(ToString::to_string).collect(),
            })
            .collect(),
        allow_rc4: false,
    }
}

/// Names under which the service is addressed: those of configured principals, else the federation service's own.
fn hosts(config: &Config) -> Vec<String> {
    let principals = &config.kerberos.service_principals;
    if principals.is_empty() {
        let name = config.service.federation_service_name.as_str();
        let mut hosts = vec![name.to_owned(), format!("certauth.{name}")];
        hosts.extend(config.domains.iter().map(|domain| format!("enterpriseregistration.{}", domain.dns_name())));
        return hosts;
    }
    let host = |principal: &config::names::ServicePrincipal| {
        principal.name().split_once('/').map_or_else(|| principal.name().to_owned(), |(_, host)| host.to_owned())
    };
    principals.iter().map(host).collect()
}

/// Our own service principal in each realm, by which a KDC proves itself.
fn service_principals(config: &Config) -> HashMap<String, String> {
    let host = hosts(config).into_iter().next().unwrap_or_default();
    let realms = config.domains.iter().map(|domain| domain.realm.as_str().to_owned());
    realms.map(|realm| (realm.clone(), format!("HTTP/{host}@{realm}"))).collect()
}

fn domain_names(config: &Config) -> Result<DomainNames, AssemblyError> {
    DomainNames::new(config.domains.iter().map(|domain| DomainNamesEntry {
        realm: domain.realm.as_str().to_owned(),
        netbios: domain.netbios.as_str().to_owned(),
        upn_suffixes: domain.upn_suffixes.iter().map(ToString::to_string).collect(),
    }))
    .map_err(|error| AssemblyError::because("[[domains]]")(&error))
}

fn ldap_options(config: &Config) -> Result<LdapOptions, AssemblyError> {
    let limits = LdapLimits {
        connect_timeout: config.directory.connect_timeout(),
        question_timeout: config.directory.query_timeout(),
        connections_per_server: config.directory.connections,
        ..LdapLimits::default()
    };
    let domains = config.domains.iter().map(|domain| domain_options(config, domain)).collect::<Result<_, _>>()?;
    Ok(LdapOptions { domains, limits })
}

fn domain_options(config: &Config, domain: &config::Domain) -> Result<DomainOptions, AssemblyError> {
    let port = domain.ldap.port();
    let servers = domain.domain_controllers.iter().map(|controller| {
        format!("{controller}:{port}")
            .parse::<ServerAddress>()
            .map_err(|e| AssemblyError::because("domain_controllers")(&e))
    });
    let bind = match &domain.ldap.bind {
        LdapBind::Gssapi(bind) => Bind::Gssapi(Arc::new(ClientKeytab::new(
            bind.client_keytab.as_ref().unwrap_or(&config.kerberos.keytab).clone(),
            bind.principal.clone(),
            domain.realm.as_str().to_owned(),
        ))),
        LdapBind::Simple(bind) => {
            let octets = Secret::new(read(&bind.password_file)?);
            let text = std::str::from_utf8(octets.expose()).map_err(|e| AssemblyError::because("password_file")(&e))?;
            let text = text.strip_suffix('\n').unwrap_or(text);
            let password = text.strip_suffix('\r').unwrap_or(text).to_owned();
            Bind::Simple { name: bind.user.clone(), password: Secret::new(password) }
        }
    };
    Ok(DomainOptions {
        dns_name: domain.dns_name().to_string(),
        netbios: domain.netbios.as_str().to_owned(),
        sid: domain.sid,
        base_dn: None,
        upn_suffixes: domain.upn_suffixes.iter().map(ToString::to_string).collect(),
        servers: servers.collect::<Result<_, _>>()?,
        transport: match domain.ldap.transport {
            LdapTransport::Ldaps => Transport::Ldaps,
            LdapTransport::Starttls => Transport::StartTls,
        },
        ca_files: domain.ldap.ca_file.iter().cloned().collect(),
        bind,
    })
}

fn secret_files(config: &Config) -> impl Iterator<Item = &Path> {
    config.domains.iter().flat_map(|domain| {
        let bind = match &domain.ldap.bind {
            LdapBind::Gssapi(bind) => bind.client_keytab.as_deref(),
            LdapBind::Simple(bind) => Some(bind.password_file.as_path()),
        };
        bind.into_iter().chain(domain.ldap.ca_file.as_deref())
    })
}

/// Where the keys are, for the server and for the commands that look at them.
pub fn key_options(config: &Config) -> KeyRingOptions {
    let keys = &config.keys;
    KeyRingOptions {
        key_size: match keys.rsa_bits {
            config::RsaBits::Rsa2048 => RsaKeySize::Rsa2048,
            config::RsaBits::Rsa3072 => RsaKeySize::Rsa3072,
            config::RsaBits::Rsa4096 => RsaKeySize::Rsa4096,
        },
        permissions: if keys.group_access { FilePermissions::Group } else { FilePermissions::OwnerOnly },
        certificate_lifetime: Duration::from_hours(24 * u64::from(keys.certificate_lifetime_days)),
        ..KeyRingOptions::new(
            keys.directory.clone(),
            keys.key_encryption_key_file.clone(),
            config.service.federation_service_name.to_string(),
        )
    }
}

fn binding_policy(config: &Config) -> BindingPolicy {
    match config.kerberos.channel_binding(config.server.tls_ends_in_front) {
        ChannelBinding::None => BindingPolicy::None,
        ChannelBinding::Allow => BindingPolicy::Allow,
        ChannelBinding::Require => BindingPolicy::Require,
    }
}

fn front_certificates(config: &Config) -> Result<Vec<Vec<u8>>, AssemblyError> {
    let mut certificates = Vec::new();
    for path in &config.kerberos.front_certificates {
        let pem = read(path)?;
        let certificate = openssl::x509::X509::from_pem(&pem).and_then(|certificate| certificate.to_der());
        certificates.push(certificate.map_err(|e| AssemblyError::because(path.display().to_string())(&e))?);
    }
    Ok(certificates)
}

fn gate_settings(config: &Config, domains: DomainNames) -> GateSettings {
    let lockout = &config.lockout;
    let at_least_one = |count: u32| NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN);
    let policy = LockoutPolicy {
        mode: if lockout.enabled { LockoutMode::Enforce } else { LockoutMode::LogOnly },
        threshold_unknown: at_least_one(lockout.threshold),
        threshold_familiar: at_least_one(lockout.familiar_threshold),
        observation_window: lockout.window(),
        max_accounts: usize::try_from(lockout.tracked_accounts).unwrap_or(usize::MAX),
        ..LockoutPolicy::default()
    };
    GateSettings { lockout: policy, domains, ..GateSettings::default() }
}

fn endpoints(config: &Config) -> TrustEndpoints {
    TrustEndpoints::new(config::TrustEndpoint::ALL.into_iter().filter_map(|endpoint| {
        let switch = config.endpoints.switch(endpoint);
        let exposure = if switch.proxy_enabled { Exposure::IntranetAndExtranet } else { Exposure::Intranet };
        let endpoint = protocol_endpoint(endpoint);
        // Without an authority nobody can sign in by certificate; such endpoints would only be promises.
        let by_certificate =
            matches!(endpoint.credential, Credential::CertificateMixed | Credential::CertificateTransport);
        let works = !by_certificate || !config.certificates.client_ca_files.is_empty();
        (switch.enabled && works).then_some((endpoint, exposure))
    }))
}

const fn protocol_endpoint(endpoint: config::TrustEndpoint) -> TrustEndpoint {
    use config::TrustEndpoint as Configured;
    let (version, credential) = match endpoint {
        Configured::WindowsTransport2005 => (Version::February2005, Credential::WindowsTransport),
        Configured::UsernameMixed2005 => (Version::February2005, Credential::UsernameMixed),
        Configured::CertificateMixed2005 => (Version::February2005, Credential::CertificateMixed),
        Configured::CertificateTransport2005 => (Version::February2005, Credential::CertificateTransport),
        Configured::WindowsTransport13 => (Version::Trust13, Credential::WindowsTransport),
        Configured::UsernameMixed13 => (Version::Trust13, Credential::UsernameMixed),
        Configured::CertificateMixed13 => (Version::Trust13, Credential::CertificateMixed),
        Configured::CertificateTransport13 => (Version::Trust13, Credential::CertificateTransport),
    };
    TrustEndpoint { version, credential }
}

fn read(path: &Path) -> Result<Vec<u8>, AssemblyError> {
    std::fs::read(path).map_err(|error| AssemblyError::because(path.display().to_string())(&error))
}

/// Password checks that may wait for a KDC at once.
const PASSWORD_CHECKS: usize = 64;
/// How long one is waited for.
const PASSWORD_TIMEOUT: Duration = Duration::from_secs(15);
/// Identifiers of each purpose, and revoked sessions, that are remembered.
const ONE_TIME_CAPACITY: usize = 200_000;
