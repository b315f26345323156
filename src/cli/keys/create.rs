//! `chancery keys create`: the first keys, made on purpose.

use std::io::Write;

use super::{Clock, KeyPurpose, KeyRing, KeyRingOptions, KeysError, Random, primary, warn_of_owner};

/// Makes the keys that a first start makes, in a directory that holds none.
pub(super) fn create(
    options: &KeyRingOptions,
    clock: &dyn Clock,
    random: &dyn Random,
    out: &mut dyn Write,
    advice: &mut dyn Write,
) -> Result<(), KeysError> {
    if options.federation_service_name.is_empty() {
        return Err(KeysError::NoServiceName);
    }
    let vault = options.open(random)?;
    if vault.manifest()?.is_some() {
        return Err(KeysError::NotEmpty(options.directory.clone()));
    }
    KeyRing::load_or_create(options, clock, random)?;
    warn_of_owner(&options.directory, advice)?;
    let made = primary(vault.directory(), KeyPurpose::TokenSigning)?;
    writeln!(out, "Made the keys of {}. Tokens are signed with:", options.federation_service_name)?;
    writeln!(out, "  subject   {}", made.subject)?;
    writeln!(out, "  valid     {} to {}", made.not_before, made.not_after)?;
    writeln!(out, "  key id    {}", made.thumbprint_sha256())?;
    writeln!(out, "  SHA-1     {}", made.thumbprint_sha1())?;
    writeln!(
        advice,
        "Next: start the server. Who trusted another certificate has to learn of this one: `chancery entra settings` prints what \
         Microsoft Entra is told, relying parties read the metadata or get it by `chancery keys export-public`."
    )?;
    Ok(())
}
