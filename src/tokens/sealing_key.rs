//! The keys that seal: one for each day and purpose, derived from a master key and kept while they are in use.
//!
//! A browser that comes back has three sealed cookies, and each opens and is sealed anew. Deriving a key and spreading it out for
//! AES costs several times what sealing so little does.
//!
//! Knows keys; knows nothing of the form of a sealed value.

use std::collections::HashMap;
use std::fmt;
use std::sync::{PoisonError, RwLock};

use aws_lc_rs::aead::{AES_256_GCM, LessSafeKey, UnboundKey};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::hkdf::{HKDF_SHA256, Prk, Salt};

use crate::secret::Secret;

/// A master key, and the keys derived from it that were of use lately.
pub(super) struct MasterKey {
    prk: Prk,
    derived: RwLock<HashMap<(u32, &'static str), LessSafeKey>>,
}

impl MasterKey {
    pub(super) fn new(master: &Secret<[u8; 32]>) -> Self {
        let prk = Salt::new(HKDF_SHA256, b"chancery sealed state").extract(master.expose());
        Self { prk, derived: RwLock::default() }
    }

    /// Does `work` with the key of a day (days since 1970) and a purpose. The key is kept when the work is done well: who sends
    /// what nobody sealed fills no memory with the keys of days that never were.
    ///
    /// # Errors
    /// That of `work`, or of the derivation.
    pub(super) fn of<T>(
        &self,
        day: u32,
        purpose: &'static str,
        work: impl FnOnce(&LessSafeKey) -> Result<T, Unspecified>,
    ) -> Result<T, Unspecified> {
        {
            let derived = self.derived.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(key) = derived.get(&(day, purpose)) {
                return work(key);
            }
        }
        let info = [&day.to_be_bytes()[..], purpose.as_bytes()];
        let key = LessSafeKey::new(UnboundKey::from(self.prk.expand(&info, &AES_256_GCM)?));
        let done = work(&key)?;
        let mut derived = self.derived.write().unwrap_or_else(PoisonError::into_inner);
        if derived.len() >= MAX_DERIVED {
            derived.clear();
        }
        derived.insert((day, purpose), key);
        Ok(done)
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MasterKey").finish_non_exhaustive()
    }
}

/// More than the purposes of a week. Refresh tokens live longer, but few of them are as old as that.
const MAX_DERIVED: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(master: &MasterKey) -> usize {
        master.derived.read().unwrap().len()
    }

    #[test]
    fn a_key_is_kept_when_it_was_of_use_and_never_more_than_the_most() {
        let master = MasterKey::new(&Secret::new([7; 32]));
        for day in 0..1000 {
            let _: Result<(), _> = master.of(day, "code", |_| Err(Unspecified));
        }
        assert_eq!(kept(&master), 0, "nobody sealed anything with these");
        for day in 0..1000 {
            master.of(day, "code", |_| Ok(())).unwrap();
            master.of(day, "code", |_| Ok(())).unwrap();
            assert!(kept(&master) <= MAX_DERIVED);
        }
        assert!(kept(&master) > 1);
    }
}
