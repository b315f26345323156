//! `chancery keys remove`: a key that is not used any more, or that somebody stole, is forgotten.

use std::io::Write;

use super::{KeyPurpose, KeyRingOptions, KeyRole, KeysError, Random, RemoveArgs, find, manifest, warn_of_owner};

/// Takes a secondary key out of the manifest, and deletes its files.
pub(super) fn remove(
    options: &KeyRingOptions,
    args: &RemoveArgs,
    random: &dyn Random,
    out: &mut dyn Write,
    advice: &mut dyn Write,
) -> Result<(), KeysError> {
    let vault = options.open(random)?;
    let found = find(vault.directory(), &manifest(vault.directory())?, &args.id)?;
    let id = found.entry.id();
    if found.entry.role == KeyRole::Primary {
        return Err(KeysError::Primary(id));
    }
    vault.remove(&id, random)?;
    warn_of_owner(&options.directory, advice)?;
    let purpose = found.entry.purpose;
    writeln!(out, "Removed the {purpose} key {id}.")?;
    let consequence = match purpose {
        KeyPurpose::TokenSigning => {
            "Its certificate is then published no more; relying parties may go on accepting it."
        }
        KeyPurpose::TokenDecryption => "What was encrypted to it is then opened no more.",
        KeyPurpose::Sealing => {
            "Sessions, refresh tokens and pages that it sealed are then worth nothing: people sign in again."
        }
        KeyPurpose::DeviceAuthority => "Devices with certificates of it are then accepted no more.",
    };
    writeln!(advice, "Next: `chancery reload --wait` makes the running server forget it. {consequence}")?;
    Ok(())
}
