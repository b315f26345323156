//! Registered devices of a configuration.

use std::sync::Arc;

use super::assembly::AssemblyError;
use super::settings::{ldap_options, secret_digest};
use super::stores::postgresql_options;
use crate::clock::{Clock, Random};
use crate::config::{Config, DeviceRegistration, Registry};
use crate::devices::{
    ActiveDirectoryRegistry, CachedRegistry, DeviceAuthority, DeviceRegistry, DeviceServices, DeviceSettings,
    DeviceUpkeep, RequestLimits, SqlDeviceCodes, SqlPlace, SqlRegistry, SqlSettings,
};
use crate::directory::ldap::LdapDirectory;
use crate::keys::KeyRingOptions;
use crate::store::DeviceCodes;

/// Device services, and what they were made of.
#[derive(Clone)]
pub(super) struct KnownDevices {
    settings: String,
    directory: Arc<LdapDirectory>,
    pub(super) services: Arc<DeviceServices>,
    /// What devices without a browser wait for, where the devices are in a database.
    pub(super) codes: Option<Arc<dyn DeviceCodes>>,
}

impl KnownDevices {
    /// What `config` says; `None` where device registration is off. The registry of `known` stays when nothing that concerns it
    /// changed; the authority is read anew each time, because its keys may have changed.
    pub(super) fn of(
        config: &Config,
        directory: &Arc<LdapDirectory>,
        keys: &KeyRingOptions,
        clock: &Arc<dyn Clock>,
        random: &Arc<dyn Random>,
        known: Option<&Self>,
    ) -> Result<Option<Self>, AssemblyError> {
        let settings = &config.device_registration;
        if !settings.enabled {
            return Ok(None);
        }
        let failed = |error: &dyn std::fmt::Display| AssemblyError::because("[device_registration]")(error);
        let domain = settings.domain(config).ok_or_else(|| failed(&"its domain is not configured"))?.dns_name();
        let password = settings.postgresql.as_ref().and_then(|store| store.password_file.as_deref());
        let made_of = format!(
            "{:?}{domain}{:?}{:?}{}{}{}",
            settings.registry,
            settings.sqlite,
            settings.postgresql,
            settings.registration_quota,
            settings.maximum_inactivity_days,
            password.map(secret_digest).unwrap_or_default()
        );
        // What was asked stays counted: a reload gives nobody a new burst.
        let limits =
            known.map_or_else(|| Arc::new(RequestLimits::new(clock.clone())), |known| known.services.limits.clone());
        let known = known.filter(|known| known.settings == made_of && Arc::ptr_eq(&known.directory, directory));
        let Registered { registry, codes } = match known {
            Some(known) => Registered { registry: known.services.registry.clone(), codes: known.codes.clone() },
            None => self::registry(settings, directory, domain.as_str(), clock, random)?,
        };
        let authority = DeviceAuthority::load_or_create(keys, domain.as_str(), &**clock, &**random);
        let authority = Arc::new(authority.map_err(|error| failed(&error))?);
        let services = Arc::new(DeviceServices { registry, authority, settings: device_settings(config), limits });
        publish(&services, directory);
        Ok(Some(Self { settings: made_of, directory: directory.clone(), services, codes }))
    }
}

/// The registry of a configuration, for a command: without a memory, and without the authority.
pub struct OpenRegistry {
    /// The devices.
    pub devices: Arc<dyn DeviceRegistry>,
    /// The same, for sweeping.
    pub upkeep: Arc<dyn DeviceUpkeep>,
}

/// Opens the registry of a configuration, whether or not the server registers devices.
///
/// # Errors
/// [`AssemblyError`].
pub fn open_registry(
    config: &Config,
    clock: &Arc<dyn Clock>,
    random: &Arc<dyn Random>,
) -> Result<OpenRegistry, AssemblyError> {
    let failed = |error: &dyn std::fmt::Display| AssemblyError::because("[device_registration]")(error);
    let settings = &config.device_registration;
    match settings.registry {
        Registry::ActiveDirectory => {
            let domain = settings.domain(config).ok_or_else(|| failed(&"its domain is not configured"))?.dns_name();
            let directory = LdapDirectory::new(ldap_options(config)?, clock.clone()).map_err(|error| failed(&error))?;
            let registry =
                Arc::new(ActiveDirectoryRegistry::new(Arc::new(directory), domain.to_string(), clock.clone()));
            Ok(OpenRegistry { devices: registry.clone(), upkeep: registry })
        }
        Registry::Sql => {
            let registry = Arc::new(sql_registry(settings, random)?);
            Ok(OpenRegistry { devices: registry.clone(), upkeep: registry })
        }
    }
}

/// A registry, and what its database keeps beside the devices.
struct Registered {
    registry: Arc<dyn DeviceRegistry>,
    codes: Option<Arc<dyn DeviceCodes>>,
}

fn registry(
    settings: &DeviceRegistration,
    directory: &Arc<LdapDirectory>,
    domain: &str,
    clock: &Arc<dyn Clock>,
    random: &Arc<dyn Random>,
) -> Result<Registered, AssemblyError> {
    let (registry, codes): (Arc<dyn DeviceRegistry>, Option<Arc<dyn DeviceCodes>>) = match settings.registry {
        Registry::ActiveDirectory => {
            let registry = ActiveDirectoryRegistry::new(directory.clone(), domain.to_owned(), clock.clone());
            (Arc::new(registry), None)
        }
        Registry::Sql => {
            let registry = Arc::new(sql_registry(settings, random)?);
            let codes = SqlDeviceCodes::new(registry.clone(), clock.clone(), DEVICE_CODE_CAPACITY);
            (registry, Some(Arc::new(codes)))
        }
    };
    Ok(Registered { registry: Arc::new(CachedRegistry::new(registry, clock.clone())), codes })
}

fn sql_registry(settings: &DeviceRegistration, random: &Arc<dyn Random>) -> Result<SqlRegistry, AssemblyError> {
    let of_service = SqlSettings {
        registration_quota: settings.registration_quota,
        maximum_inactivity_days: settings.maximum_inactivity_days,
    };
    let registry = SqlRegistry::new(sql_place(settings)?, of_service, random.clone());
    registry.map_err(|error| AssemblyError::because("[device_registration]")(&error))
}

fn sql_place(settings: &DeviceRegistration) -> Result<SqlPlace, AssemblyError> {
    match (&settings.postgresql, &settings.sqlite) {
        (Some(postgresql), _) => Ok(SqlPlace::Postgresql(postgresql_options(postgresql)?)),
        (None, Some(sqlite)) => Ok(SqlPlace::Sqlite(sqlite.file.clone())),
        (None, None) => Err(AssemblyError::because("[device_registration]")(&"no database is configured")),
    }
}

fn device_settings(config: &Config) -> DeviceSettings {
    let settings = &config.device_registration;
    DeviceSettings {
        join_types: settings.join_types.iter().copied().collect(),
        sha1_requests: settings.sha1_requests,
        host_names: DeviceRegistration::host_names(config).iter().map(ToString::to_string).collect(),
        quota_exempt: settings.quota_exempt_group.into_iter().collect(),
    }
}

/// Tells neighbouring servers of the authority, where the service account may. Nothing here waits for that or hangs on it.
fn publish(services: &Arc<DeviceServices>, directory: &LdapDirectory) {
    let services = services.clone();
    directory.runtime().spawn(async move {
        // The next one, too, so that it is known before it issues.
        for certificate in services.authority.issuers() {
            match services.registry.publish_issuer(certificate).await {
                Ok(true) => tracing::info!("the device authority's certificate is published"),
                Ok(false) => {}
                Err(error) => {
                    tracing::warn!(
                        %error,
                        "the device authority's certificate is not published; devices work here, other servers of the forest do \
                         not know them"
                    );
                    return;
                }
            }
        }
    });
}

/// Requests of devices at one time, of all servers that share a database, or of one that does not.
pub(super) const DEVICE_CODE_CAPACITY: u32 = 20_000;
