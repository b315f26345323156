//! Checks of values that fit their types: do they make sense together, and do the files they name exist and fit?
//!
//! One file per subject. Each adds findings; none changes anything.

mod certificates;
mod domains;
mod entra;
mod files;
mod kerberos;
mod network;
mod service;
mod tls;

use super::Config;
use super::findings::Findings;
use super::paths::NamedPath;
use crate::clock::UtcTime;

pub(crate) use certificates::judge_dates as judge_certificate_dates;
pub use kerberos::{KeytabEntry, KeytabReader};

/// What checks need from outside.
pub(super) struct Surroundings<'a> {
    /// The moment certificates are judged at.
    pub(super) now: UtcTime,
    /// Reads keytabs, when the program can.
    pub(super) keytabs: Option<KeytabReader>,
    /// Every path in the configuration.
    pub(super) paths: &'a [NamedPath],
}

/// Runs every check.
pub(super) fn all(config: &Config, around: &Surroundings<'_>, findings: &mut Findings<'_, '_, '_>) {
    service::check(config, findings);
    network::check(config, findings);
    files::check(around.paths, findings);
    tls::check(config, around.now, findings);
    kerberos::check(config, around.keytabs, around.now, findings);
    domains::check(config, findings);
    certificates::check(config, around.now, findings);
    entra::check(config, findings);
}
