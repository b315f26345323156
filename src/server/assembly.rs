//! The composition root: from a configuration to everything that serves it.
//!
//! What keeps memory (lockout counters, used authenticators, caches, the audit log) outlives a change of configuration; what
//! is derived from the configuration is made anew for each.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::audit::ClaimDetail;
use crate::authn::certificate::{CertificatePolicy, CertificateTrust, MappingPolicy, RevocationMode, RevocationPolicy};
use crate::authn::password_gate::{GateParts, GateSettings, TokioSleeper};
use crate::authn::{
    Audience, DomainPasswordVerifier, NegotiateAuthenticator, NetworkPolicy, PasswordGate, SessionLifetimes,
};
use crate::claims::store::ExpiryNotice;
use crate::claims::{Limits, RuleSet, StoreSet, Text, rules};
use crate::clock::{Clock, Random};
use crate::config::{self, AuditClaims, AuditLevel, Config, Loaded, Revocation};
use crate::devices::DeviceServices;
use crate::directory::ldap::LdapDirectory;
use crate::directory::{CacheOptions, CachedDirectory};
use crate::issuance::{Issuer, IssuerOptions, Services};
use crate::kerberos::replay::ReplayOptions;
use crate::kerberos::{Acceptor, AcceptorOptions, ReplayGuard, TrustedDomain, TrustedDomains};
use crate::keys::{KeyDirectory, KeyRing, KeyRingOptions, KnownKeys};
use crate::outgoing::Outgoing;
use crate::pages::Pages;
use crate::protocols::browser::{
    BrowserSignIn, CERTIFICATE_RESULT_LIMIT, CertificateDoor, DeviceSignIn, HomeRealmSettings, LoopLimits, SEALED_LIMIT,
};
use crate::protocols::environment::{CertificateSignIn, Environment};
use crate::protocols::oauth::{self, OAuthSettings};
use crate::protocols::openid::{KnownProviders, OpenIdClient};
use crate::store::{DeviceCodes, MemoryDeviceCodes, NodeStores, Revocations};
use crate::trusts::Trusts;
use crate::xml;

use super::devices::{DEVICE_CODE_CAPACITY, KnownDevices};
use super::observer::AuditLockouts;
use super::settings::{
    alternate_login_id, binding_policy, certificate_domain, certificate_origin, domain_names, endpoints,
    front_certificates, gate_settings, hosts, key_options, ldap_options, network_policy, own_hosts, read,
    registration_host, secret_digest, secret_files, service_principals, windows_user_agents,
};
use super::stores::KnownStores;
use super::verifier::CurrentVerifier;
use super::{prt, sealing};

/// Why a configuration cannot be served although it is well-formed.
#[derive(Debug, thiserror::Error)]
#[error("{what}: {reason}")]
pub struct AssemblyError {
    what: String,
    reason: String,
}

impl AssemblyError {
    pub(super) fn because(what: impl Into<String>) -> impl FnOnce(&dyn std::fmt::Display) -> Self {
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
    node: NodeStores,
    device_codes: Arc<dyn DeviceCodes>,
    openid: Arc<KnownProviders>,
    directory: std::sync::Mutex<Option<KnownDirectory>>,
    stores: std::sync::Mutex<Option<KnownStores>>,
    devices: std::sync::Mutex<Option<KnownDevices>>,
    /// Where the keys are since the start.
    key_directory: OnceLock<PathBuf>,
}

/// Registered devices, where they are served, and the codes of those without a browser.
type DevicesAndCodes = (Option<Arc<DeviceServices>>, Arc<dyn DeviceCodes>);

/// A directory, and the settings it was made of.
struct KnownDirectory {
    settings: String,
    ldap: Arc<LdapDirectory>,
    cached: Arc<CachedDirectory>,
}

impl Lasting {
    /// Everything that lasts; empty, but for what `node` remembers.
    pub fn new(
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        auditor: Arc<crate::audit::Auditor>,
        node: NodeStores,
    ) -> Self {
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
            node,
            device_codes: Arc::new(MemoryDeviceCodes::new(clock.clone(), DEVICE_CODE_CAPACITY as usize)),
            openid: Arc::default(),
            directory: std::sync::Mutex::default(),
            stores: std::sync::Mutex::default(),
            devices: std::sync::Mutex::default(),
            key_directory: OnceLock::new(),
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
        let keys = Arc::new(self.keys(config)?);
        let stores = self.stores(config, &cached)?;
        let (devices, device_codes) = self.devices(config, &ldap)?;
        let parts = prt::Parts { clock: &self.clock, random: &self.random, generations: &self.node.generations };
        let prt = prt::service(config, devices.as_ref(), &keys, &parts)?;
        let services = Services {
            clock: self.clock.clone(),
            random: self.random.clone(),
            directory: cached,
            stores,
            keys: keys.clone(),
            one_time: self.node.one_time.clone(),
            revocations: self.node.revocations.clone(),
            auditor: self.auditor.clone(),
            trusts: loaded.trusts.clone(),
        };
        let issuer = issuer(loaded)?;
        let verifier = DomainPasswordVerifier::new(
            acceptor.clone(),
            domains.clone(),
            service_principals(config),
            ldap.clone(),
            PASSWORD_CHECKS,
            PASSWORD_TIMEOUT,
        )
        .with_alternate_login_id(alternate_login_id(config));
        let certificate_origin = certificate_origin(config)?;
        let environment = Environment {
            service_name: config.service.federation_service_name.to_string(),
            hosts: own_hosts(config),
            registration_host: registration_host(config),
            service_identifier: config.service.identifier.clone(),
            display_name: config.service.display_name.clone(),
            claim_descriptions: config::all_claim_descriptions(&config.claim_descriptions),
            endpoints: endpoints(config, certificate_origin.as_deref()),
            xml_limits: xml::Limits {
                octets: config.server.limits.body_bytes,
                depth: config.server.limits.xml_depth,
                ..xml::Limits::SOAP
            },
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
            browser: self.browser(loaded, &keys, certificate_origin.clone(), prt::sign_in(config, prt.as_ref())?)?,
            certificate_origin,
            oauth: self.oauth(config, &keys, device_codes)?,
            openid: OpenIdClient {
                outgoing: Outgoing::to_partners(&config.partners)
                    .map_err(|error| AssemblyError::because("[partners]")(&error))?,
                known: self.openid.clone(),
                refresh: config.partners.metadata_refresh(),
            },
            certificates: self.certificates(config)?,
            devices,
            prt,
        };
        Ok(Assembled { environment, gate: gate_settings(config, domains)?, verifier: Arc::new(verifier), ldap })
    }

    /// What decisions are made with, and nothing that signs, listens or writes: for tools that explain them. Opens no
    /// network connection yet.
    ///
    /// # Errors
    /// [`AssemblyError`].
    pub fn decisions(&self, loaded: &Loaded) -> Result<Decisions, AssemblyError> {
        let config = &loaded.config;
        let (_, directory) = self.directory(config)?;
        Ok(Decisions {
            issuer: issuer(loaded)?,
            stores: self.stores(config, &directory)?,
            directory,
            revocations: self.node.revocations.clone(),
            trusts: loaded.trusts.clone(),
            domains: trusted_domains(config)?,
            network: network_policy(config),
        })
    }

    /// The keys; they are made when the server starts for the first time and there are none. A reload that finds none fails, and so
    /// does the start of a server that has signed before: a directory that was emptied or is not mounted must not give every
    /// relying party a key that it does not know.
    fn keys(&self, config: &Config) -> Result<KeyRing, AssemblyError> {
        let failed = |error: &dyn std::fmt::Display| AssemblyError::because("[keys]")(error);
        let known = KnownKeys::of_state(&config.service.state_directory);
        let before = known.read().map_err(|error| failed(&error))?;
        let is_start = self.key_directory.get().is_none();
        let create = is_start && config.keys.create && before.is_empty();
        let options = self.key_options(config, create);
        if is_start && !create && is_without_keys(&options.directory) {
            return Err(failed(&no_keys_are_made(&options.directory, &before, &known)));
        }
        let keys = KeyRing::load_or_create(&options, &*self.clock, &*self.random).map_err(|error| failed(&error))?;
        if is_start
            && !before.is_empty()
            && keys.signing().all(|key| !before.iter().any(|id| *id == key.key.id.as_str()))
        {
            tracing::warn!(
                directory = %options.directory.display(),
                "none of the token-signing keys of before is there any more: relying parties have to learn the new certificate"
            );
        }
        known.write(&keys, &*self.random).map_err(|error| failed(&error))?;
        self.key_directory.get_or_init(|| options.directory);
        Ok(keys)
    }

    /// Where the keys are: the directory of the start, whatever the configuration says by now.
    fn key_options(&self, config: &Config, create: bool) -> KeyRingOptions {
        let configured = key_options(config);
        let directory = self.key_directory.get().cloned().unwrap_or_else(|| configured.directory.clone());
        KeyRingOptions { directory, create, ..configured }
    }

    fn acceptor(&self, config: &Config) -> Result<Acceptor, AssemblyError> {
        let domains = trusted_domains(config)?;
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
            settings.push_str(&secret_digest(path));
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

    /// The attribute stores, those that are there when nothing that concerns them changed.
    fn stores(&self, config: &Config, directory: &Arc<CachedDirectory>) -> Result<Arc<StoreSet>, AssemblyError> {
        let mut known = self.stores.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let next = KnownStores::of(config, directory, &self.clock, known.as_ref())?;
        let stores = next.stores.clone();
        *known = Some(next);
        Ok(stores)
    }

    /// Registered devices, with what is remembered of them when nothing that concerns them changed; and what devices without a
    /// browser wait for: where other servers see it, if there is such a place.
    fn devices(&self, config: &Config, ldap: &Arc<LdapDirectory>) -> Result<DevicesAndCodes, AssemblyError> {
        let mut known = self.devices.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        // One that issued before this change is never replaced by one that no device knows.
        let keys = self.key_options(config, known.is_none());
        let next = KnownDevices::of(config, ldap, &keys, &self.clock, &self.random, known.as_ref())?;
        *known = next;
        let codes = known.as_ref().and_then(|known| known.codes.clone());
        let codes = codes.unwrap_or_else(|| self.device_codes.clone());
        Ok((known.as_ref().map(|known| known.services.clone()), codes))
    }

    fn browser(
        &self,
        loaded: &Loaded,
        keys: &KeyRing,
        certificate_origin: Option<String>,
        devices: Option<DeviceSignIn>,
    ) -> Result<BrowserSignIn, AssemblyError> {
        let config = &loaded.config;
        let settings = &config.sign_in;
        let sealer = |limit| sealing::sealer(keys, "browser sign-in", limit, &self.clock, &self.random);
        let certificate = match certificate_origin {
            Some(origin) if settings.certificate != Audience::Nobody => Some(CertificateDoor {
                origin,
                audience: settings.certificate,
                sealer: sealer(CERTIFICATE_RESULT_LIMIT)?,
            }),
            _ => None,
        };
        Ok(BrowserSignIn {
            pages: Pages::new(&config.service.display_name, loaded.theme.clone())
                .map_err(|error| AssemblyError::because("pages")(&error))?,
            sealer: sealer(SEALED_LIMIT)?,
            lifetimes: SessionLifetimes { session: settings.sso_lifetime(), kept: settings.kept_lifetime() },
            methods: settings.primary_methods(),
            windows_user_agents: windows_user_agents(config)?,
            password_change: settings.password_change,
            certificate,
            loop_detection: settings.loop_detection.then(|| LoopLimits {
                tokens: settings.loop_detection_tokens,
                interval: settings.loop_detection_interval(),
            }),
            devices,
            home_realm: HomeRealmSettings {
                local_inside: settings.intranet_use_local_claims_provider,
                remember: settings.home_realm_memory(),
            },
        })
    }

    fn oauth(
        &self,
        config: &Config,
        keys: &KeyRing,
        device_codes: Arc<dyn DeviceCodes>,
    ) -> Result<Option<OAuthSettings>, AssemblyError> {
        if !config.oauth.enabled {
            return Ok(None);
        }
        Ok(Some(OAuthSettings {
            issuer: format!("https://{}/adfs", config.service.federation_service_name),
            sealer: sealing::sealer(keys, "oauth", oauth::SEALED_LIMIT, &self.clock, &self.random)?,
            code_lifetime: config.oauth.code_lifetime(),
            device_code_lifetime: config.oauth.device_code_lifetime(),
            refresh_grace: config.oauth.refresh_grace(),
            refresh_tokens_to: config.oauth.refresh_tokens_to,
            generations: self.node.generations.clone(),
            password_expiry: expiry_notice(config),
            cors_origins: config.oauth.cors_origins.clone(),
            device_codes,
        }))
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
            mapping: match settings.mapping {
                config::Mapping::Strong => MappingPolicy::StrongRequired,
                config::Mapping::Compatibility => MappingPolicy::Compatibility,
            },
            domains: config.domains.iter().map(certificate_domain).collect(),
            used_signatures: self.node.one_time.clone(),
        }))
    }
}

/// What the decisions of one configuration are made with.
pub struct Decisions {
    /// Decides.
    pub issuer: Issuer,
    /// Active Directory.
    pub directory: Arc<CachedDirectory>,
    /// Attribute stores.
    pub stores: Arc<StoreSet>,
    /// Sessions that were ended early; none.
    pub revocations: Arc<dyn Revocations>,
    /// Relying parties.
    pub trusts: Arc<Trusts>,
    /// What the domains may say of their accounts.
    pub domains: TrustedDomains,
    /// Inside or outside.
    pub network: NetworkPolicy,
}

fn issuer(loaded: &Loaded) -> Result<Issuer, AssemblyError> {
    let config = &loaded.config;
    let acceptance_rules = match loaded.trusts.local_acceptance() {
        Some(rules) => rules.clone(),
        None => RuleSet::parse(rules::ACTIVE_DIRECTORY_ACCEPTANCE)
            .map_err(|error| AssemblyError::because("acceptance rules")(&error))?,
    };
    let audited_claims = match config.audit.claims {
        AuditClaims::None => ClaimDetail::None,
        AuditClaims::Types => ClaimDetail::Types,
        AuditClaims::Values => ClaimDetail::Values,
    };
    Ok(Issuer::new(IssuerOptions {
        federation_service_identifier: config.service.identifier.clone(),
        acceptance_rules,
        limits: Limits {
            claims: config.claim_rules.claims,
            tuples: config.claim_rules.combinations,
            work: config.claim_rules.steps,
            dynamic_patterns: config.claim_rules.dynamic_patterns,
            ..Limits::default()
        },
        password_expiry: expiry_notice(config),
        claim_descriptions: Arc::new(config::all_claim_descriptions(&config.claim_descriptions)),
        audited_claims,
        audited_input: match config.audit.level {
            AuditLevel::Basic => ClaimDetail::None,
            AuditLevel::Verbose => audited_claims,
        },
    }))
}

fn expiry_notice(config: &Config) -> ExpiryNotice {
    ExpiryNotice {
        within: config.password_expiry.notice(),
        change_url: config.password_expiry.change_url.as_deref().map(Text::from),
    }
}

pub(crate) fn trusted_domains(config: &Config) -> Result<TrustedDomains, AssemblyError> {
    TrustedDomains::new(config.domains.iter().map(|domain| TrustedDomain {
        realm: domain.realm.as_str().to_owned(),
        sid: domain.sid,
        netbios: domain.netbios.as_str().to_owned(),
        upn_suffixes: domain.upn_suffixes.iter().map(ToString::to_string).collect(),
        forest: domain.forest.as_ref().map(ToString::to_string),
    }))
    .map_err(|error| AssemblyError::because("[[domains]]")(&error))
}

/// Everything that serves one configuration.
pub struct Assembled {
    environment: Environment,
    gate: GateSettings,
    verifier: Arc<DomainPasswordVerifier>,
    /// How the directory is reached.
    pub(super) ldap: Arc<LdapDirectory>,
}

impl Assembled {
    /// Takes the password settings over and gives the environment out.
    pub fn commit(self, lasting: &Lasting) -> Environment {
        lasting.verifier.set(self.verifier);
        lasting.passwords.reconfigure(self.gate);
        self.environment
    }
}

/// Whether there is not even a manifest: the directory is new, emptied, or not mounted.
fn is_without_keys(directory: &Path) -> bool {
    matches!(KeyDirectory::new(directory.to_owned()).manifest(), Ok(None))
}

/// What happened, and what to do.
fn no_keys_are_made(directory: &Path, before: &[String], known: &KnownKeys) -> String {
    let directory = directory.display();
    let why = match before.first() {
        Some(key) => {
            let short: String = key.chars().take(16).collect();
            format!(
                "{directory} holds no keys, but this server has signed with key {short} ({}). Is a volume not mounted? Bring the \
                 directory back, or restore it from a backup",
                known.path().display()
            )
        }
        None => format!("{directory} holds no keys, and `create` is false"),
    };
    format!("{why}. New keys, which every relying party has to learn of, are made by `chancery keys create`")
}

/// Password checks that may wait for a KDC at once.
const PASSWORD_CHECKS: usize = 64;
/// How long one is waited for.
const PASSWORD_TIMEOUT: Duration = Duration::from_secs(15);
