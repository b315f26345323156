//! From the configuration's words to the settings each part takes: plain mappings, no decisions.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::assembly::AssemblyError;
use super::tls::{TlsOptions, TlsProfile};
use crate::authn::certificate::CertificateDomain;
use crate::authn::password_gate::{BannedNetworks, GateSettings, LockoutMode, LockoutPolicy};
use crate::authn::{AlternateLoginId, DomainNames, DomainNamesEntry, NetworkPolicy, WindowsUserAgents};
use crate::config::names::{Network, ServicePrincipal};
use crate::config::{self, ChannelBinding, Config, DeviceRegistration, LdapBind, LdapTransport};
use crate::directory::AttributeName;
use crate::directory::ldap::{Bind, BreakerOptions, DomainOptions, LdapLimits, LdapOptions, ServerAddress, Transport};
use crate::kerberos::krb5_conf::{Krb5Conf, RealmConf};
use crate::kerberos::{BindingPolicy, ClientKeytab};
use crate::keys::{FilePermissions, KeyRingOptions, RsaKeySize};
use crate::protocols::trust_endpoint::{Credential, Exposure, TrustEndpoint, TrustEndpoints};
use crate::secret::Secret;

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

/// Names that tickets are accepted for: those of the principals, and where that is the service's own alone, also the names that ask
/// for certificates. A name without a key in the keytab is no harm: there are no tickets for it.
pub(super) fn hosts(config: &Config) -> Vec<String> {
    let host = |principal: &ServicePrincipal| {
        principal.name().split_once('/').map_or_else(|| principal.name().to_owned(), |(_, host)| host.to_owned())
    };
    let mut hosts: Vec<String> = config.kerberos.service_principals.iter().map(host).collect();
    if config.kerberos.service_principals == [ServicePrincipal::http(&config.service.federation_service_name)] {
        hosts.extend(certificate_names(config));
    }
    hosts
}

/// Our own service principal in each realm, by which a KDC proves itself.
pub(super) fn service_principals(config: &Config) -> HashMap<String, String> {
    let host = hosts(config).into_iter().next().unwrap_or_default();
    let realms = config.domains.iter().map(|domain| domain.realm.as_str().to_owned());
    realms.map(|realm| (realm.clone(), format!("HTTP/{host}@{realm}"))).collect()
}

pub(super) fn domain_names(config: &Config) -> Result<DomainNames, AssemblyError> {
    DomainNames::new(config.domains.iter().map(|domain| DomainNamesEntry {
        realm: domain.realm.as_str().to_owned(),
        netbios: domain.netbios.as_str().to_owned(),
        upn_suffixes: domain.upn_suffixes.iter().map(ToString::to_string).collect(),
    }))
    .map_err(|error| AssemblyError::because("[[domains]]")(&error))
}

/// How the directory is reached.
///
/// # Errors
/// [`AssemblyError`] when an address is none, or a secret cannot be read.
pub fn ldap_options(config: &Config) -> Result<LdapOptions, AssemblyError> {
    let limits = LdapLimits {
        connect_timeout: config.directory.connect_timeout(),
        question_timeout: config.directory.query_timeout(),
        connections_per_server: config.directory.connections,
        breaker: BreakerOptions { cool_down: config.directory.retry_after(), ..BreakerOptions::default() },
        ..LdapLimits::default()
    };
    let domains = config.domains.iter().map(|domain| domain_options(config, domain)).collect::<Result<_, _>>()?;
    Ok(LdapOptions { domains, limits })
}

pub(super) fn domain_options(config: &Config, domain: &config::Domain) -> Result<DomainOptions, AssemblyError> {
    let port = domain.ldap.port();
    let servers = domain.domain_controllers.iter().map(|controller| {
        format!("{controller}:{port}")
            .parse::<ServerAddress>()
            .map_err(|e| AssemblyError::because("domain_controllers")(&e))
    });
    Ok(DomainOptions {
        dns_name: domain.dns_name().to_string(),
        netbios: domain.netbios.as_str().to_owned(),
        sid: domain.sid,
        base_dn: None,
        upn_suffixes: domain.upn_suffixes.iter().map(ToString::to_string).collect(),
        servers: servers.collect::<Result<_, _>>()?,
        transport: transport(domain.ldap.transport),
        ca_files: domain.ldap.ca_file.iter().cloned().collect(),
        bind: bind(config, &domain.ldap.bind, domain.realm.as_str())?,
    })
}

/// Where alternate login ids are looked up.
pub(super) fn alternate_login_id(config: &Config) -> Option<AlternateLoginId> {
    let settings = config.sign_in.alternate_login_id.as_ref()?;
    let chosen =
        |domain: &&config::Domain| settings.domains.is_empty() || settings.domains.contains(&domain.dns_name());
    Some(AlternateLoginId {
        attribute: AttributeName::new(&settings.attribute),
        domains: config.domains.iter().filter(chosen).map(|domain| domain.netbios.as_str().to_owned()).collect(),
    })
}

pub(super) fn certificate_domain(domain: &config::Domain) -> CertificateDomain {
    let own_name = domain.dns_name().to_string();
    CertificateDomain {
        name: domain.netbios.as_str().to_owned(),
        sid: domain.sid,
        upn_suffixes: domain.upn_suffixes.iter().map(ToString::to_string).chain([own_name]).collect(),
    }
}

/// Where users are asked for a certificate: `certauth.` where the server's certificate has that name, otherwise the port, as
/// AD FS chooses. `None` where no certificate signs anybody in.
pub(super) fn certificate_origin(config: &Config) -> Result<Option<String>, AssemblyError> {
    if config.certificates.client_ca_files.is_empty() {
        return Ok(None);
    }
    asking_origin(config, &format!("certauth.{}", config.service.federation_service_name))
}

/// Where browsers are asked for the certificate of their device: the name that devices register at, or the port.
pub(super) fn device_origin(config: &Config) -> Result<Option<String>, AssemblyError> {
    asking_origin(config, &registration_host(config))
}

/// Where certificates are asked for: this name where the server's certificate has it, otherwise the port. `None` without TLS.
fn asking_origin(config: &Config, name: &str) -> Result<Option<String>, AssemblyError> {
    let Some(tls) = &config.server.tls else { return Ok(None) };
    let service = config.service.federation_service_name.as_str();
    let pem = read(&tls.certificate_file)?;
    let chain = openssl::x509::X509::stack_from_pem(&pem);
    let chain = chain.map_err(|error| AssemblyError::because(tls.certificate_file.display().to_string())(&error))?;
    if name != service && chain.first().is_some_and(|leaf| config::certificate_covers(leaf, name)) {
        return Ok(Some(format!("https://{name}")));
    }
    let port = config.server.client_certificate.first().map(|address| address.0.port());
    Ok(port.map(|port| format!("https://{service}:{port}")))
}

/// Who the server is to a directory whose servers are of this realm.
pub(super) fn bind(config: &Config, bind: &LdapBind, realm: &str) -> Result<Bind, AssemblyError> {
    Ok(match bind {
        LdapBind::Gssapi(bind) => Bind::Gssapi(Arc::new(ClientKeytab::new(
            bind.client_keytab.as_ref().unwrap_or(&config.kerberos.keytab).clone(),
            bind.principal.clone(),
            realm.to_owned(),
        ))),
        LdapBind::Simple(bind) => Bind::Simple { name: bind.user.clone(), password: password(&bind.password_file)? },
    })
}

pub(super) const fn transport(transport: LdapTransport) -> Transport {
    match transport {
        LdapTransport::Ldaps => Transport::Ldaps,
        LdapTransport::Starttls => Transport::StartTls,
    }
}

/// The password in a file, without one line end at its end.
pub(crate) fn password(file: &Path) -> Result<Secret<String>, AssemblyError> {
    let octets = Secret::new(read(file)?);
    let text = std::str::from_utf8(octets.expose()).map_err(|e| AssemblyError::because("password_file")(&e))?;
    let text = text.strip_suffix('\n').unwrap_or(text);
    Ok(Secret::new(text.strip_suffix('\r').unwrap_or(text).to_owned()))
}

pub(super) fn secret_files(config: &Config) -> impl Iterator<Item = &Path> {
    config.domains.iter().flat_map(|domain| {
        let bind = match &domain.ldap.bind {
            LdapBind::Gssapi(bind) => bind.client_keytab.as_deref(),
            LdapBind::Simple(bind) => Some(bind.password_file.as_path()),
        };
        bind.into_iter().chain(domain.ldap.ca_file.as_deref())
    })
}

/// The content of a file counts, not its name; a digest of it is kept, never the secret.
pub(super) fn secret_digest(path: &Path) -> String {
    let content = Secret::new(std::fs::read(path).unwrap_or_default());
    hex::encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, content.expose()))
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

pub(super) fn binding_policy(config: &Config) -> BindingPolicy {
    match config.kerberos.channel_binding(config.server.tls_ends_in_front) {
        ChannelBinding::None => BindingPolicy::None,
        ChannelBinding::Allow => BindingPolicy::Allow,
        ChannelBinding::Require => BindingPolicy::Require,
    }
}

pub(super) fn front_certificates(config: &Config) -> Result<Vec<Vec<u8>>, AssemblyError> {
    let mut certificates = Vec::new();
    for path in &config.kerberos.front_certificates {
        let pem = read(path)?;
        let certificate = openssl::x509::X509::from_pem(&pem).and_then(|certificate| certificate.to_der());
        certificates.push(certificate.map_err(|e| AssemblyError::because(path.display().to_string())(&e))?);
    }
    Ok(certificates)
}

/// How many wrong passwords are passed on.
pub fn lockout_policy(config: &Config) -> LockoutPolicy {
    let lockout = &config.lockout;
    let at_least_one = |count: u32| NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN);
    LockoutPolicy {
        mode: if lockout.enabled { LockoutMode::Enforce } else { LockoutMode::LogOnly },
        threshold: at_least_one(lockout.threshold),
        threshold_unknown: at_least_one(lockout.unknown_threshold),
        observation_window: lockout.window(),
        max_accounts: usize::try_from(lockout.tracked_accounts).unwrap_or(usize::MAX),
        ..LockoutPolicy::default()
    }
}

pub(super) fn gate_settings(config: &Config, domains: DomainNames) -> Result<GateSettings, AssemblyError> {
    let banned = BannedNetworks::new(config.lockout.banned_networks.iter().map(config::names::Network::as_ip_net))
        .map_err(|error| AssemblyError::because("[lockout] banned_networks")(&error))?;
    Ok(GateSettings { lockout: lockout_policy(config), banned, domains, ..GateSettings::default() })
}

/// The endpoints that are on, and work. `certificate_origin` is where certificates are asked for in TLS.
pub(super) fn endpoints(config: &Config, certificate_origin: Option<&str>) -> TrustEndpoints {
    // Without an authority nobody can sign in by certificate; such endpoints would only be promises.
    let certificates = !config.certificates.client_ca_files.is_empty();
    TrustEndpoints::new(TrustEndpoint::ALL.into_iter().filter_map(|endpoint| {
        let switch = config.endpoints.switch(endpoint);
        let exposure = if switch.proxy_enabled { Exposure::IntranetAndExtranet } else { Exposure::Intranet };
        let works = match endpoint.credential {
            Credential::WindowsTransport | Credential::UsernameMixed => true,
            Credential::CertificateMixed => certificates,
            Credential::CertificateTransport => certificates && certificate_origin.is_some(),
        };
        (switch.enabled && works).then_some((endpoint, exposure))
    }))
}

pub(super) fn windows_user_agents(config: &Config) -> Result<WindowsUserAgents, AssemblyError> {
    WindowsUserAgents::new(config.sign_in.windows_user_agents.iter().map(String::as_str))
        .map_err(|(_, error)| AssemblyError::because("[sign_in] windows_user_agents")(&error))
}

pub(super) fn read(path: &Path) -> Result<Vec<u8>, AssemblyError> {
    std::fs::read(path).map_err(|error| AssemblyError::because(path.display().to_string())(&error))
}

/// TLS settings of a configuration; `None` where a balancer in front ends TLS and forwards plain HTTP.
pub fn tls_options(config: &Config) -> Option<TlsOptions> {
    let tls = config.server.tls.as_ref()?;
    Some(TlsOptions {
        certificate_file: tls.certificate_file.clone(),
        key_file: tls.key_file.clone(),
        profile: match tls.profile {
            crate::config::TlsProfile::Modern => TlsProfile::Modern,
            crate::config::TlsProfile::Downlevel => TlsProfile::Downlevel,
        },
        http2: tls.http2,
        certificate_names: certificate_names(config),
        device_names: device_names(config),
        users: !config.certificates.client_ca_files.is_empty(),
    })
}

/// The names on which a client certificate is asked for.
fn certificate_names(config: &Config) -> Vec<String> {
    let mut names = vec![format!("certauth.{}", config.service.federation_service_name)];
    names.extend(device_names(config));
    names
}

/// Those of them on which devices register, and show their certificates.
fn device_names(config: &Config) -> Vec<String> {
    DeviceRegistration::host_names(config).iter().map(ToString::to_string).collect()
}

/// Every name that clients may call this server by: its own, those that ask for certificates, and those it has tickets for.
pub(super) fn own_hosts(config: &Config) -> Vec<String> {
    let mut names = vec![config.service.federation_service_name.to_string()];
    names.extend(certificate_names(config));
    names.extend(hosts(config));
    names
}

/// The host that devices are registered at, and unregister at by their certificates.
pub(super) fn registration_host(config: &Config) -> String {
    let host = DeviceRegistration::host(config);
    host.unwrap_or_else(|| config.service.federation_service_name.clone()).to_string()
}

pub(super) fn network_policy(config: &Config) -> NetworkPolicy {
    let nets = |networks: &[Network]| networks.iter().map(Network::as_ip_net).collect::<Vec<_>>();
    let server = &config.server;
    NetworkPolicy::new(nets(&server.trusted_proxies), nets(&server.federation_proxies), nets(&server.intranet))
}
