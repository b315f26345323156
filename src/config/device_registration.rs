//! `[device_registration]`: registered devices, and where they are kept.

use super::names::{DnsName, Realm};
use super::{Config, PostgresqlStore, SqliteStore};
use crate::directory::Sid;

/// Device registration.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DeviceRegistration {
    /// Whether devices may be registered, and registered devices sign in.
    pub enabled: bool,
    /// Where devices are kept.
    pub registry: Registry,
    /// The domain whose domain controllers keep the devices; the first of `[[domains]]` when the file does not say.
    pub domain: Option<Realm>,
    /// Join types that are accepted: 6 is a domain-joined computer, 4 a user's own device.
    pub join_types: Vec<u8>,
    /// Accept certificate requests that are signed with SHA-1, as the first Windows 8.1 clients send them.
    pub sha1_requests: bool,
    /// SID of a group whose members may register any number of devices; Domain Admins always may.
    pub quota_exempt_group: Option<Sid>,
    /// Devices that a user may register; 0 for any number. With Active Directory its own setting counts instead.
    pub registration_quota: u32,
    /// Days after which an unused device is swept; 0 for never. With Active Directory its own setting counts instead.
    pub maximum_inactivity_days: u32,
    /// Sweeping unused devices while the server runs.
    pub sweep: Sweep,
    /// With `registry = "sql"`: a file of this server alone.
    pub sqlite: Option<SqliteStore>,
    /// With `registry = "sql"`: a database that several servers share.
    pub postgresql: Option<PostgresqlStore>,
}

/// Where devices are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Registry {
    /// In Active Directory, as AD FS keeps them.
    #[default]
    ActiveDirectory,
    /// In a SQL database, where the service may not write to Active Directory.
    Sql,
}

/// `[device_registration.sweep]`: what the server does about unused devices by itself.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sweep {
    /// Whether, and whether anything is changed.
    pub mode: SweepMode,
    /// Minutes between two sweeps.
    pub interval_minutes: u32,
    /// Days after which a device that was disabled as unused is deleted.
    pub grace_days: u32,
    /// Changes in one sweep.
    pub most: u32,
}

/// What is done about unused devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SweepMode {
    /// Nothing.
    #[default]
    Off,
    /// The log says what would be done.
    DryRun,
    /// They are disabled, and deleted after the grace period.
    Apply,
}

impl Default for Sweep {
    fn default() -> Self {
        Self { mode: SweepMode::Off, interval_minutes: 24 * 60, grace_days: 30, most: 500 }
    }
}

impl DeviceRegistration {
    /// The domain that keeps the devices; `None` when it is not configured.
    pub fn domain<'c>(&self, config: &'c Config) -> Option<&'c super::Domain> {
        match &self.domain {
            Some(realm) => config.domains.iter().find(|domain| domain.realm == *realm),
            None => config.domains.first(),
        }
    }

    /// The host that devices register at: `JoinEndpoint` of discovery and `enterpriseDrsName` of the service connection point. It is the one of
    /// the domain that keeps the devices, by that domain's own name where its users have it, otherwise by its first UPN suffix.
    pub fn host(config: &Config) -> Option<DnsName> {
        let names = Self::host_names(config);
        let domain = config.device_registration.domain(config)?;
        let candidates = [domain.dns_name()].into_iter().chain(domain.upn_suffixes.iter().cloned());
        candidates.filter_map(|suffix| host_of(&suffix)).find(|host| names.contains(host))
    }

    /// Host names of device registration: one for each UPN suffix of the configured domains.
    pub fn host_names(config: &Config) -> Vec<DnsName> {
        let suffixes = config.domains.iter().flat_map(|domain| &domain.upn_suffixes);
        let mut names: Vec<DnsName> = suffixes.filter_map(host_of).collect();
        names.sort();
        names.dedup();
        names
    }
}

/// The host of one UPN suffix.
fn host_of(suffix: &DnsName) -> Option<DnsName> {
    format!("enterpriseregistration.{suffix}").parse().ok()
}

impl Default for DeviceRegistration {
    fn default() -> Self {
        Self {
            enabled: false,
            registry: Registry::ActiveDirectory,
            domain: None,
            join_types: vec![6, 4],
            sha1_requests: false,
            quota_exempt_group: None,
            registration_quota: 10,
            maximum_inactivity_days: 90,
            sweep: Sweep::default(),
            sqlite: None,
            postgresql: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(first: &str, second: &str, domain: &str) -> String {
        let text = format!(
            "[service]\nfederation_service_name = 'sts.corp.example'\n[kerberos]\nkeytab = 'k'\n\
             [keys]\nkey_encryption_key_file = 'kek'\n[device_registration]\nenabled = true\n{domain}\n\
             [[domains]]\nrealm = 'CORP.EXAMPLE'\nsid = 'S-1-5-21-1-2-3'\nnetbios = 'CORP'\n\
             domain_controllers = ['dc1.corp.example']\n{first}\n\
             [[domains]]\nrealm = 'OTHER.EXAMPLE'\nsid = 'S-1-5-21-1-2-4'\nnetbios = 'OTHER'\n\
             domain_controllers = ['dc1.other.example']\n{second}\n"
        );
        let config = Config::from_toml(&text).unwrap();
        DeviceRegistration::host(&config).unwrap().to_string()
    }

    #[test]
    fn devices_register_at_the_name_of_the_domain_that_keeps_them() {
        let suffixes = "upn_suffixes = ['zulu.example', 'brand.example', 'corp.example']";
        let without = "upn_suffixes = ['zulu.example', 'brand.example']";
        for (first, second, domain, expected) in [
            ("", "", "", "corp.example"),
            // The order in the file says nothing.
            (suffixes, "", "", "corp.example"),
            (suffixes, "", "domain = 'OTHER.EXAMPLE'", "other.example"),
            // A domain whose users do not have its name: the suffix that stands first.
            (without, "", "", "zulu.example"),
            ("", without, "domain = 'OTHER.EXAMPLE'", "zulu.example"),
        ] {
            assert_eq!(host(first, second, domain), format!("enterpriseregistration.{expected}"), "{first} {second}");
        }
    }
}
