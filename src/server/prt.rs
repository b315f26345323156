//! Primary refresh tokens of one configuration.

use std::sync::Arc;

use crate::clock::{Clock, Random};
use crate::config::Config;
use crate::devices::DeviceServices;
use crate::keys::KeyRing;
use crate::protocols::browser::{DeviceSignIn, SEALED_LIMIT};
use crate::prt::PrtService;
use crate::store::Generations;

use super::assembly::AssemblyError;
use super::sealing::sealer;
use super::settings::device_origin;

/// What outlives a configuration.
pub(super) struct Parts<'a> {
    pub(super) clock: &'a Arc<dyn Clock>,
    pub(super) random: &'a Arc<dyn Random>,
    pub(super) generations: &'a Arc<dyn Generations>,
}

/// The service; `None` where no devices are registered, or it is switched off.
pub(super) fn service(
    config: &Config,
    devices: Option<&Arc<DeviceServices>>,
    keys: &KeyRing,
    parts: &Parts<'_>,
) -> Result<Option<Arc<PrtService>>, AssemblyError> {
    let settings = &config.primary_refresh_token;
    let Some(devices) = devices.filter(|_| settings.enabled) else { return Ok(None) };
    Ok(Some(Arc::new(PrtService {
        sealer: sealer(keys, "primary refresh tokens", SEALED_LIMIT, parts.clock, parts.random)?,
        devices: devices.clone(),
        generations: parts.generations.clone(),
        lifetimes: settings.lifetimes(),
        usage_window: settings.usage_window(),
    })))
}

/// Sign-in of browsers by it.
pub(super) fn sign_in(
    config: &Config,
    service: Option<&Arc<PrtService>>,
) -> Result<Option<DeviceSignIn>, AssemblyError> {
    let settings = &config.primary_refresh_token;
    let Some(service) = service else { return Ok(None) };
    let client_tls = if settings.client_tls { device_origin(config)? } else { None };
    Ok(Some(DeviceSignIn {
        service: service.clone(),
        browser_sso: settings.browser_sso,
        user_agents: settings.browser_sso_user_agents.clone(),
        pkeyauth: settings.pkeyauth,
        client_tls,
    }))
}
