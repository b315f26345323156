//! Checks of values that fit their types: do they make sense together, and do the files they name exist and fit?
//!
//! One file per subject. Each adds findings; none changes anything.

mod attribute_stores;
mod certificates;
mod claim_descriptions;
mod claim_rules;
mod device_registration;
mod domains;
mod entra;
mod files;
mod kerberos;
mod keys;
mod network;
mod oauth;
mod partners;
pub(super) mod policies;
mod primary_refresh_token;
mod service;
mod sign_in;
mod tls;

use super::Config;
use super::findings::Findings;
use super::paths::NamedPath;
use crate::clock::UtcTime;

pub(crate) use attribute_stores::{MOST_IMPORT, catalog as store_catalog};
pub(crate) use certificates::{EXPIRY_NOTICE_DAYS, judge_dates as judge_certificate_dates};
pub(crate) use tls::certificate_covers;

/// What checks need from outside.
pub(super) struct Surroundings<'a> {
    /// The moment certificates are judged at.
    pub(super) now: UtcTime,
    /// Every path in the configuration.
    pub(super) paths: &'a [NamedPath],
}

/// Runs every check.
pub(super) fn all(config: &Config, around: &Surroundings<'_>, findings: &mut Findings<'_, '_, '_>) {
    service::check(config, findings);
    network::check(config, findings);
    files::check(around.paths, findings);
    tls::check(config, around.now, findings);
    kerberos::check(config, around.now, findings);
    keys::check(config, findings);
    domains::check(config, findings);
    certificates::check(config, around.now, findings);
    policies::check(config, findings);
    claim_descriptions::check(config, findings);
    claim_rules::check(config, findings);
    entra::check(config, findings);
    attribute_stores::check(config, findings);
    oauth::check(config, findings);
    sign_in::check(config, findings);
    primary_refresh_token::check(config, findings);
    device_registration::check(config, findings);
    partners::check(config, findings);
}
