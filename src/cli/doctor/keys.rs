//! The certificates of the server's own keys: how long they are good.

use crate::cli::finding::catalogue::{DEVICE_AUTHORITY, TOKEN_SIGNING};
use crate::cli::finding::{Finding, Kind};
use crate::cli::keys::{WARN_BEFORE, certificates};
use crate::clock::{Clock as _, SystemClock, UtcTime};
use crate::config::Config;
use crate::keys::{CertificateFacts, ExpiryState, KeyDirectory, KeyPurpose};

pub(super) fn look(config: &Config) -> Vec<Finding> {
    let directory = KeyDirectory::new(config.keys.directory.clone());
    let now = SystemClock::new().now();
    let mut findings = vec![of_purpose(&directory, KeyPurpose::TokenSigning, TOKEN_SIGNING, now)];
    if config.device_registration.enabled {
        findings.push(of_purpose(&directory, KeyPurpose::DeviceAuthority, DEVICE_AUTHORITY, now));
    }
    findings
}

fn of_purpose(directory: &KeyDirectory, purpose: KeyPurpose, kind: Kind, now: UtcTime) -> Finding {
    match certificates(directory, purpose) {
        Ok(found) if !found.is_empty() => judge(&found, purpose, kind, now),
        Ok(_) => Finding::not_checked(
            kind,
            format!("there is no {purpose} key yet"),
            "the first start of the server makes it",
        ),
        Err(error) => Finding::not_checked(
            kind,
            format!("the {purpose} certificate is not known: {error}"),
            "run this as the account of the service; the first start of the server makes the keys",
        ),
    }
}

fn judge(found: &[CertificateFacts], purpose: KeyPurpose, kind: Kind, now: UtcTime) -> Finding {
    let Some((primary, others)) = found.split_first() else {
        return Finding::not_checked(kind, format!("there is no {purpose} key"), "");
    };
    let end = primary.not_after;
    let fix = if purpose == KeyPurpose::DeviceAuthority {
        "a server that finds no device authority in the key directory makes a new one; devices of the old one register again"
    } else if others.iter().any(|other| other.not_after > end) {
        "`chancery keys promote` the key that ends later, once relying parties know it"
    } else {
        "`chancery keys generate` the next one, let relying parties and Entra read it, then `chancery keys promote` it"
    };
    match ExpiryState::of(primary, now, WARN_BEFORE) {
        ExpiryState::Valid => Finding::ok(kind, format!("the {purpose} certificate is good until {end}")),
        ExpiryState::EndsSoon => Finding::warning(kind, format!("the {purpose} certificate ends on {end}"), fix),
        ExpiryState::Expired => Finding::error(kind, format!("the {purpose} certificate ended on {end}"), fix),
        ExpiryState::NotYetValid => Finding::error(
            kind,
            format!("the {purpose} certificate begins only on {}", primary.not_before),
            "correct this host's clock, or promote a key that is good now",
        ),
    }
}
