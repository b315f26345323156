//! Public keys that Windows sends as `BCRYPT_RSAKEY_BLOB` (device-registration.md 4.2): a device's session transport key, and
//! a user's Windows Hello key.
//!
//! A little-endian header, then exponent and modulus big-endian. The octets are kept as they came, because the registry
//! stores them so and their digest is the key's identifier.

use std::ops::RangeInclusive;

use super::key_strength::{WeakKey, check_rsa};

/// A public key that may be registered, or is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyBlob {
    octets: Vec<u8>,
    exponent: usize,
}

/// Why octets are no key that may be registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyBlobError {
    /// Another kind of key, a private key, or no key blob at all.
    #[error("the key is no public RSA key blob (RSA1)")]
    Kind,
    /// A JSON Web Key, which some clients of the cloud service send.
    #[error("the key is a JSON Web Key; this service takes public RSA key blobs (RSA1)")]
    JsonWebKey,
    /// Lengths that contradict each other or the number of octets.
    #[error("the lengths in the key blob do not add up")]
    Lengths,
    /// A key that is too weak.
    #[error(transparent)]
    Weak(#[from] WeakKey),
}

impl KeyBlob {
    /// A device's session transport key: RSA with exactly 2048 bits.
    ///
    /// # Errors
    /// [`KeyBlobError`].
    pub fn transport_key(octets: &[u8]) -> Result<Self, KeyBlobError> {
        Self::read(octets, &(2048..=2048), 3)
    }

    /// A user's Windows Hello key: RSA with 2048 to 4096 bits and the usual exponent or a larger one.
    ///
    /// # Errors
    /// [`KeyBlobError`].
    pub fn user_key(octets: &[u8]) -> Result<Self, KeyBlobError> {
        Self::read(octets, &(2048..=4096), 65537)
    }

    /// A key that is registered already, by whomever: RSA with 2048 to 4096 bits.
    ///
    /// # Errors
    /// [`KeyBlobError`].
    pub fn registered(octets: &[u8]) -> Result<Self, KeyBlobError> {
        Self::read(octets, &(2048..=4096), 3)
    }

    fn read(octets: &[u8], bits: &RangeInclusive<usize>, smallest_exponent: u64) -> Result<Self, KeyBlobError> {
        if octets.trim_ascii_start().first() == Some(&b'{') {
            return Err(KeyBlobError::JsonWebKey);
        }
        let (header, numbers) = octets.split_first_chunk::<HEADER>().ok_or(KeyBlobError::Kind)?;
        let (magic, lengths) = header.split_first_chunk::<4>().ok_or(KeyBlobError::Kind)?;
        if magic != b"RSA1" {
            return Err(KeyBlobError::Kind);
        }
        let words = lengths.as_chunks::<4>().0;
        let &[bit_length, exponent, modulus, first_prime, second_prime] = words else { return Err(KeyBlobError::Kind) };
        let length = |word| usize::try_from(u32::from_le_bytes(word)).map_err(|_| KeyBlobError::Lengths);
        if (length(first_prime)?, length(second_prime)?) != (0, 0) {
            return Err(KeyBlobError::Kind);
        }
        let (bit_length, exponent, modulus) = (length(bit_length)?, length(exponent)?, length(modulus)?);
        let (exponent_octets, modulus_octets) = numbers.split_at_checked(exponent).ok_or(KeyBlobError::Lengths)?;
        if modulus_octets.len() != modulus || modulus.checked_mul(8) != Some(bit_length) {
            return Err(KeyBlobError::Lengths);
        }
        check_rsa(modulus_octets, exponent_octets, bits, smallest_exponent)?;
        // The header says the size; a modulus whose top bit is not set contradicts it.
        if modulus_octets.first().is_none_or(|first| first & 0x80 == 0) {
            return Err(KeyBlobError::Lengths);
        }
        Ok(Self { octets: octets.to_owned(), exponent })
    }

    /// The blob, as it came.
    pub fn octets(&self) -> &[u8] {
        &self.octets
    }

    /// The blob, as it came.
    pub fn into_octets(self) -> Vec<u8> {
        self.octets
    }

    /// The public exponent, big-endian.
    pub fn exponent(&self) -> &[u8] {
        self.octets.get(HEADER..HEADER + self.exponent).unwrap_or_default()
    }

    /// The modulus, big-endian.
    pub fn modulus(&self) -> &[u8] {
        self.octets.get(HEADER + self.exponent..).unwrap_or_default()
    }
}

/// Octets of the header: magic, bit length, lengths of exponent, modulus and the primes of a private key.
const HEADER: usize = 24;

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;

    use super::*;

    static MODULUS: LazyLock<Vec<u8>> = LazyLock::new(|| openssl::rsa::Rsa::generate(2048).unwrap().n().to_vec());

    fn blob(bits: u32, exponent: &[u8], modulus: &[u8], primes: [u32; 2]) -> Vec<u8> {
        let length = |octets: &[u8]| u32::try_from(octets.len()).unwrap();
        let mut octets = b"RSA1".to_vec();
        for word in [bits, length(exponent), length(modulus), primes[0], primes[1]] {
            octets.extend(word.to_le_bytes());
        }
        [&octets, exponent, modulus].concat()
    }

    fn good() -> Vec<u8> {
        blob(2048, &[1, 0, 1], &MODULUS, [0, 0])
    }

    #[test]
    fn a_key_of_windows() {
        let octets = good();
        assert_eq!(octets.len(), 283);
        let key = KeyBlob::transport_key(&octets).unwrap();
        assert_eq!((key.exponent(), key.modulus()), (&[1, 0, 1][..], &**MODULUS));
        assert_eq!(key.octets(), octets);
        assert_eq!(KeyBlob::user_key(&octets).unwrap().into_octets(), octets);
    }

    #[test]
    fn what_is_not_one_is_refused() {
        let odd_size: Vec<u8> = [&[0x80][..], &MODULUS].concat();
        let mut short_of_a_bit = MODULUS.clone();
        short_of_a_bit[0] = 0x7f;
        let mut even = MODULUS.clone();
        even[255] ^= 1;
        let mut with_tail = good();
        with_tail.push(0);
        for (octets, expected) in [
            (Vec::new(), KeyBlobError::Kind),
            (b"RSA2".to_vec(), KeyBlobError::Kind),
            ([b"RSA2", &good()[4..]].concat(), KeyBlobError::Kind),
            (br#"{"kty":"RSA","n":"AQAB","e":"AQAB"}"#.to_vec(), KeyBlobError::JsonWebKey),
            (blob(2048, &[1, 0, 1], &MODULUS, [128, 128]), KeyBlobError::Kind),
            (blob(1024, &[1, 0, 1], &MODULUS, [0, 0]), KeyBlobError::Lengths),
            (blob(2048, &[1, 0, 1], &MODULUS[1..], [0, 0]), KeyBlobError::Lengths),
            (with_tail, KeyBlobError::Lengths),
            (blob(2048, &[1, 0, 1], &short_of_a_bit, [0, 0]), WeakKey::Size { bits: 2047 }.into()),
            (blob(2056, &[1, 0, 1], &odd_size, [0, 0]), WeakKey::Size { bits: 2056 }.into()),
            (blob(2048, &[1, 0, 1], &even, [0, 0]), WeakKey::EvenModulus.into()),
            (blob(2048, &[1, 0, 0], &MODULUS, [0, 0]), WeakKey::Exponent.into()),
            (blob(2048, &[], &MODULUS, [0, 0]), WeakKey::Exponent.into()),
        ] {
            assert_eq!(KeyBlob::transport_key(&octets), Err(expected));
        }
        // What others registered may be larger, and never smaller.
        let large = openssl::rsa::Rsa::generate(3072).unwrap().n().to_vec();
        let blobs = [(3072, &*large, Ok(())), (2040, &MODULUS[1..], Err(()))];
        for (bits, modulus, expected) in blobs {
            let read = KeyBlob::registered(&blob(bits, &[3], modulus, [0, 0]));
            assert_eq!(read.map(drop).map_err(drop), expected, "{bits}");
        }
        assert_eq!(KeyBlob::registered(&blob(2048, &[1], &MODULUS, [0, 0])), Err(WeakKey::Exponent.into()));
        // One whose header says more bits than it has.
        let padded = [&[1][..], &MODULUS].concat();
        assert_eq!(KeyBlob::registered(&blob(2056, &[3], &padded, [0, 0])), Err(KeyBlobError::Lengths));
        // A Windows Hello key has the usual exponent.
        assert_eq!(KeyBlob::user_key(&blob(2048, &[3], &MODULUS, [0, 0])), Err(WeakKey::Exponent.into()));
        // Lengths that would wrap around.
        let mut huge = good();
        huge[8..12].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(KeyBlob::transport_key(&huge), Err(KeyBlobError::Lengths));
    }

    proptest! {
        #[test]
        fn every_cut_is_refused(length in 0_usize..283) {
            prop_assert!(KeyBlob::transport_key(&good()[..length]).is_err());
        }

        #[test]
        fn what_is_read_is_what_was_written(at in 0_usize..283, with in any::<u8>()) {
            let mut octets = good();
            octets[at] = with;
            if let Ok(key) = KeyBlob::transport_key(&octets) {
                let again = blob(2048, key.exponent(), key.modulus(), [0, 0]);
                prop_assert_eq!(&again, &octets);
                prop_assert_eq!(key.octets(), &octets);
            }
        }

        #[test]
        fn any_octets_are_read_or_refused(octets in proptest::collection::vec(any::<u8>(), 0..400)) {
            drop(KeyBlob::transport_key(&octets));
            drop(KeyBlob::user_key(&[b"RSA1", &octets[..]].concat()));
        }
    }
}
