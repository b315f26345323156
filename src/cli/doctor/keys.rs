//! The certificates of the server's own keys: how long they are good.

use crate::cli::finding::catalogue::{DEVICE_AUTHORITY, TOKEN_SIGNING};
use crate::cli::finding::{Finding, Kind};
use crate::cli::keys::{WARN_BEFORE, certificates};
use crate::clock::{Clock as _, SystemClock, UtcTime};
use crate::config::Config;
use crate::devices::DEVICE_LIFETIME;
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
    let found = match certificates(directory, purpose) {
        Ok(found) => found,
        Err(error) => {
            return Finding::not_checked(
                kind,
                format!("the {purpose} certificate is not known: {error}"),
                "run this as the account of the service; the first start of the server makes the keys",
            );
        }
    };
    match found.split_first() {
        Some((primary, others)) if purpose == KeyPurpose::DeviceAuthority => authority(primary, others, now),
        Some((primary, others)) => judge(primary, others, purpose, kind, now),
        None => Finding::not_checked(
            kind,
            format!("there is no {purpose} key yet"),
            "the first start of the server makes it",
        ),
    }
}

fn judge(
    primary: &CertificateFacts,
    others: &[CertificateFacts],
    purpose: KeyPurpose,
    kind: Kind,
    now: UtcTime,
) -> Finding {
    let end = primary.not_after;
    let fix = if others.iter().any(|other| other.not_after > end) {
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

/// The device authority. The registry says which device certificates are good, and nothing here looks at the authority's dates: what ends
/// with it is what others think of the certificates it issued.
fn authority(primary: &CertificateFacts, others: &[CertificateFacts], now: UtcTime) -> Finding {
    let end = primary.not_after;
    let fix = if others.iter().any(|other| other.not_after > end) { PROMOTE } else { RENEW };
    match ExpiryState::of(primary, now, DEVICE_LIFETIME) {
        ExpiryState::Valid => Finding::ok(DEVICE_AUTHORITY, format!("the device authority is good until {end}")),
        ExpiryState::EndsSoon => Finding::warning(
            DEVICE_AUTHORITY,
            format!("the device authority ends on {end}, before the certificates of devices that register now"),
            fix,
        ),
        ExpiryState::Expired => Finding::warning(DEVICE_AUTHORITY, format!("the device authority ended on {end}"), fix),
        ExpiryState::NotYetValid => Finding::error(
            DEVICE_AUTHORITY,
            format!("the device authority begins only on {}", primary.not_before),
            "correct this host's clock",
        ),
    }
}

const RENEW: &str = "`chancery keys generate --purpose device-authority`, reload every server, `chancery keys promote` it, reload again; \
                     keep the old key, by which devices of the old authority stay good";
const PROMOTE: &str = "`chancery keys promote` the authority that ends later, and reload every server; keep the old key, by which devices of \
                       the old authority stay good";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::finding::Level;

    const YEAR: i64 = 365 * 86_400;

    /// From now on for so many years.
    fn good_for(years: i64) -> CertificateFacts {
        let key = openssl::pkey::PKey::from_rsa(openssl::rsa::Rsa::generate(2048).unwrap()).unwrap();
        let mut builder = openssl::x509::X509::builder().unwrap();
        let time = |at: i64| openssl::asn1::Asn1Time::from_unix(at).unwrap();
        builder.set_not_before(&time(0)).unwrap();
        builder.set_not_after(&time(years * YEAR)).unwrap();
        builder.set_pubkey(&key).unwrap();
        builder.sign(&key, openssl::hash::MessageDigest::sha256()).unwrap();
        CertificateFacts::parse(&builder.build().to_der().unwrap()).unwrap()
    }

    /// A new authority that is made because the key directory lost its key voids every device certificate of the farm.
    #[test]
    fn an_authority_is_renewed_and_never_lost() {
        let (short, long) = (good_for(20), good_for(30));
        let at = |years: i64| UtcTime::from_unix_seconds(years * YEAR);
        let judged = |found: &[&CertificateFacts], years| {
            let found: Vec<CertificateFacts> = found.iter().map(|facts| (*facts).clone()).collect();
            authority(&found[0], &found[1..], at(years))
        };
        assert_eq!(judged(&[&short], 1).level, Level::Ok);
        for (years, word) in [(11, "ends on"), (21, "ended on")] {
            let finding = judged(&[&short], years);
            assert!(finding.level == Level::Warning && finding.what.contains(word), "{finding:?}");
            let fix = finding.fix.unwrap();
            for step in ["keys generate --purpose device-authority", "keys promote", "keep the old key"] {
                assert!(fix.contains(step), "{step}: {fix}");
            }
            let fix = judged(&[&short, &long], years).fix.unwrap();
            assert!(!fix.contains("generate") && fix.contains("promote") && fix.contains("keep the old key"), "{fix}");
        }
        assert_eq!(judged(&[&short], -1).level, Level::Error);
    }
}
