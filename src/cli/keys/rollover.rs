//! `chancery keys generate` and `chancery keys promote`: the next key is published first, and signs later.

use std::io::Write;
use std::time::Duration;

use super::{
    Clock, ExpiryState, Found, GenerateArgs, KeyOrigin, KeyPurpose, KeyRing, KeyRingOptions, KeyRole, KeysError,
    ManifestEntry, NewKey, PromoteArgs, Random, UtcTime, facts, find, primary, warn_of_owner,
};
use crate::devices::DeviceAuthority;
use crate::keys::{Vault, generate};

/// Makes a key as secondary.
pub(super) fn generate(
    options: &KeyRingOptions,
    args: &GenerateArgs,
    clock: &dyn Clock,
    random: &dyn Random,
    out: &mut dyn Write,
    advice: &mut dyn Write,
) -> Result<(), KeysError> {
    if options.federation_service_name.is_empty() {
        return Err(KeysError::NoServiceName);
    }
    let vault = options.open(random)?;
    if vault.manifest()?.is_none() {
        KeyRing::load_or_create(options, clock, random)?;
    }
    let now = clock.now();
    let purpose = KeyPurpose::from(args.purpose);
    if purpose == KeyPurpose::Sealing {
        let key = NewKey::sealing(random)?;
        vault.add(&key, KeyRole::Secondary, KeyOrigin::Generated, now, random)?;
        warn_of_owner(&options.directory, advice)?;
        writeln!(out, "Made a secondary {purpose} key:")?;
        writeln!(out, "  key id    {}", key.id())?;
        let short: String = key.id().as_str().chars().take(16).collect();
        writeln!(
            advice,
            "Next: `chancery reload --wait` on every server of the farm lets them open what it will seal; then \
             `chancery keys promote {short}`."
        )?;
        return Ok(());
    }
    let material = match purpose {
        KeyPurpose::DeviceAuthority => DeviceAuthority::successor(&vault, now, random)?,
        _ => generate::self_signed(purpose, &options.certificate(), now, random).map_err(KeysError::Generate)?,
    };
    let made = material.certificate().clone();
    vault.add(&NewKey::rsa(purpose, material), KeyRole::Secondary, KeyOrigin::Generated, now, random)?;
    warn_of_owner(&options.directory, advice)?;

    writeln!(out, "Made a secondary {purpose} key:")?;
    writeln!(out, "  subject   {}", made.subject)?;
    writeln!(out, "  valid     {} to {}", made.not_before, made.not_after)?;
    writeln!(out, "  key       RSA-{}", made.key_bits)?;
    writeln!(out, "  key id    {}", made.thumbprint_sha256())?;
    writeln!(out, "  SHA-1     {}", made.thumbprint_sha1())?;
    let primary = primary(vault.directory(), purpose)?;
    if made.not_after <= primary.not_after {
        writeln!(
            advice,
            "Warning: the primary certificate ends later, at {}; this one is published, but not named as the next. A longer \
             `certificate_lifetime_days` makes one that is.",
            primary.not_after
        )?;
    }
    writeln!(advice, "Next: `chancery reload --wait` publishes its certificate; the primary key goes on signing.")?;
    let short: String = made.thumbprint_sha256().chars().take(16).collect();
    match purpose {
        KeyPurpose::TokenSigning => writeln!(
            advice,
            "Give it to Microsoft Entra as nextSigningCertificate (`chancery entra settings`) and to relying parties that do \
             not read the metadata. When all of them know it: `chancery keys promote {short}`."
        )?,
        KeyPurpose::DeviceAuthority => writeln!(
            advice,
            "From then on devices of both are accepted. When every server has reloaded: `chancery keys promote {short}`."
        )?,
        _ => writeln!(advice, "When claims providers have read the metadata again: `chancery keys promote {short}`.")?,
    }
    Ok(())
}

/// Makes a published key the primary one.
pub(super) fn promote(
    options: &KeyRingOptions,
    args: &PromoteArgs,
    now: UtcTime,
    random: &dyn Random,
    out: &mut dyn Write,
    advice: &mut dyn Write,
) -> Result<(), KeysError> {
    let vault = options.open(random)?;
    let directory = vault.directory();
    let manifest = super::manifest(directory)?;
    let Found { entry, certificate } = find(directory, &manifest, &args.id)?;
    let id = entry.id();
    if entry.role == KeyRole::Primary {
        return Err(KeysError::PrimaryAlready(id));
    }
    let Some(wanted) = certificate else {
        return promote_sealing(&vault, &entry, options, random, out, advice);
    };
    match ExpiryState::of(&wanted, now, Duration::ZERO) {
        ExpiryState::Expired => return Err(KeysError::Expired { id, not_after: wanted.not_after }),
        ExpiryState::NotYetValid => return Err(KeysError::NotYetValid { id, not_before: wanted.not_before }),
        ExpiryState::Valid | ExpiryState::EndsSoon => {}
    }
    if !args.now && now < entry.added.plus(PUBLISHED_FIRST) {
        return Err(KeysError::JustAdded { id, added: entry.added });
    }
    // Promoted without being opened, a key that does not open would stop the next start.
    vault.material(&entry)?;
    let before = facts(directory, manifest.of(entry.purpose).first().copied().unwrap_or(&entry))?;
    vault.promote(&id, random)?;
    warn_of_owner(&options.directory, advice)?;

    writeln!(out, "Primary {} key is now:", entry.purpose)?;
    writeln!(out, "  subject   {}", wanted.subject)?;
    writeln!(out, "  key id    {}", wanted.thumbprint_sha256())?;
    writeln!(out, "  SHA-1     {}", wanted.thumbprint_sha1())?;
    writeln!(out, "The one of before stays published as secondary: {}", before.thumbprint_sha1())?;
    writeln!(advice, "Next: `chancery reload --wait` makes the running server use it.")?;
    if entry.purpose == KeyPurpose::TokenSigning {
        writeln!(advice, "Then give it to Microsoft Entra as signingCertificate: `chancery entra settings`.")?;
    }
    Ok(())
}

/// A key that nobody outside knows: it may seal as soon as every server of the farm can open what it seals.
fn promote_sealing(
    vault: &Vault,
    entry: &ManifestEntry,
    options: &KeyRingOptions,
    random: &dyn Random,
    out: &mut dyn Write,
    advice: &mut dyn Write,
) -> Result<(), KeysError> {
    // Promoted without being opened, a key that does not open would stop the next start.
    vault.sealing(entry)?;
    vault.promote(&entry.id(), random)?;
    warn_of_owner(&options.directory, advice)?;
    writeln!(out, "Primary {} key is now {}", entry.purpose, entry.id())?;
    writeln!(
        advice,
        "Next: `chancery reload --wait` makes the running server use it. What the one of before sealed stays good until it ends; \
         `chancery keys remove` ends it at once."
    )?;
    Ok(())
}

/// Relying parties read the metadata once a day.
const PUBLISHED_FIRST: Duration = Duration::from_hours(24);
