//! The texts of one rule set, each held once: claim types, issuers and tags stand in it again and again.

use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};

use crate::claims::Text;

/// Texts seen so far.
pub(super) struct Texts(HashSet<Text, BuildHasherDefault<TextHasher>>);

impl Texts {
    /// With room for those of a text of so many tokens, of which usual rule sets repeat most.
    pub(super) fn for_tokens(tokens: usize) -> Self {
        Self(HashSet::with_capacity_and_hasher(tokens / 16, BuildHasherDefault::default()))
    }

    /// The text, shared with all equal ones before it.
    pub(super) fn shared(&mut self, text: &str) -> Text {
        if let Some(known) = self.0.get(text) {
            return known.clone();
        }
        let new = Text::from(text);
        self.0.insert(new.clone());
        new
    }
}

/// Hashes 8 octets at a time. Who writes rules may make this table slow, and nobody but an administrator writes rules.
#[derive(Default)]
pub(in crate::claims) struct TextHasher(u64);

impl TextHasher {
    const fn mix(&mut self, word: u64) {
        // The multiplier is 2^64 divided by the golden ratio.
        let product = (self.0.rotate_left(23) ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        self.0 = product ^ (product >> 29);
    }
}

impl Hasher for TextHasher {
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.mix(u64::from_le_bytes(*word));
        }
        let last = rest.iter().fold(bytes.len() as u64, |sum, byte| (sum << 8) | u64::from(*byte));
        self.mix(last);
    }

    fn write_u8(&mut self, _end_of_text: u8) {}

    fn finish(&self) -> u64 {
        self.0
    }
}
