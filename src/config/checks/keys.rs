//! The key that encrypts private keys at rest.

use crate::config::Config;
use crate::config::diagnostic::Code;
use crate::config::findings::Findings;
use crate::config::load::{MAX_CONFIGURATION_FILE, read_bounded};
use crate::keys::KeyEncryptionKey;
use crate::secret::Secret;

pub(super) fn check(config: &Config, findings: &mut Findings<'_, '_, '_>) {
    // A file that cannot be opened has its finding already.
    let Ok(content) = read_bounded(&config.keys.key_encryption_key_file, MAX_CONFIGURATION_FILE) else { return };
    if let Err(error) = KeyEncryptionKey::parse(&Secret::new(content)) {
        findings.error(
            Code::InvalidValue,
            "keys.key_encryption_key_file",
            format!("{} is no key-encryption key: {error}", config.keys.key_encryption_key_file.display()),
            "make one by `head -c 32 /dev/urandom > kek`; never replace one that encrypted keys already",
        );
    }
}
