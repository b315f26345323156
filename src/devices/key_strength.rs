//! Whether an RSA public key that a client hands in is strong enough to be registered.
//!
//! Looks at numbers only; knows nothing of the encodings they came in.

use std::ops::RangeInclusive;

/// Why a key is not registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WeakKey {
    /// Shorter or longer than what is registered.
    #[error("the key has {bits} bits")]
    Size {
        /// Its bits.
        bits: usize,
    },
    /// An even modulus is the product of no two primes that anybody chose.
    #[error("the key's modulus is even")]
    EvenModulus,
    /// An exponent that is even, smaller than what is allowed here, or of more than 33 bits, which no cryptographic library takes.
    #[error("the key's public exponent cannot be used")]
    Exponent,
    /// A modulus of the kind that faulty security chips made, whose factors can be found (CVE-2017-15361).
    #[error("the key was made by a security chip with a known fault (ROCA, CVE-2017-15361)")]
    Roca,
}

/// Checks a key given by big-endian numbers: size in bits, odd numbers, an exponent of at least `smallest_exponent`, and
/// not of the faulty kind.
pub(super) fn check_rsa(
    modulus: &[u8],
    exponent: &[u8],
    bits: &RangeInclusive<usize>,
    smallest_exponent: u64,
) -> Result<(), WeakKey> {
    let modulus = without_zeros(modulus);
    let exponent = without_zeros(exponent);
    let length = modulus.first().map_or(0, |first| modulus.len() * 8 - first.leading_zeros() as usize);
    if !bits.contains(&length) {
        return Err(WeakKey::Size { bits: length });
    }
    if modulus.last().is_none_or(|last| last & 1 == 0) {
        return Err(WeakKey::EvenModulus);
    }
    if exponent.len() > 8 {
        return Err(WeakKey::Exponent);
    }
    let exponent = exponent.iter().fold(0_u64, |number, octet| number << 8 | u64::from(*octet));
    if exponent < smallest_exponent || exponent >> 33 != 0 || exponent & 1 == 0 {
        return Err(WeakKey::Exponent);
    }
    if is_roca(modulus) {
        return Err(WeakKey::Roca);
    }
    Ok(())
}

/// The published test: primes of the faulty chips are powers of 65537 modulo each small prime, and so is their product.
/// Of other moduli one in 200 million looks like this.
fn is_roca(modulus: &[u8]) -> bool {
    ROCA_PRIMES.iter().all(|prime| {
        let remainder = modulus.iter().fold(0_u32, |remainder, octet| (remainder << 8 | u32::from(*octet)) % prime);
        let mut power = 1;
        loop {
            if power == remainder {
                return true;
            }
            power = power * 65537 % prime;
            if power == 1 {
                return false;
            }
        }
    })
}

fn without_zeros(number: &[u8]) -> &[u8] {
    let start = number.iter().position(|octet| *octet != 0).unwrap_or(number.len());
    number.get(start..).unwrap_or_default()
}

/// The small primes modulo which not every number is a power of 65537.
const ROCA_PRIMES: [u32; 17] = [11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157];

#[cfg(test)]
mod tests {
    use openssl::bn::{BigNum, BigNumContext};

    use super::*;

    const E: &[u8] = &[1, 0, 1];

    fn modulus(bits: u32) -> Vec<u8> {
        openssl::rsa::Rsa::generate(bits).unwrap().n().to_vec()
    }

    #[test]
    fn sizes_and_parity() {
        let good = modulus(2048);
        assert_eq!(check_rsa(&good, E, &(2048..=2048), 3), Ok(()));
        assert_eq!(check_rsa(&[&[0, 0][..], &good].concat(), &[0, 1, 0, 1], &(2048..=2048), 3), Ok(()));
        assert_eq!(check_rsa(&modulus(1024), E, &(2048..=4096), 3), Err(WeakKey::Size { bits: 1024 }));
        assert_eq!(check_rsa(&[], E, &(2048..=4096), 3), Err(WeakKey::Size { bits: 0 }));
        let mut even = good;
        *even.last_mut().unwrap() ^= 1;
        assert_eq!(check_rsa(&even, E, &(2048..=2048), 3), Err(WeakKey::EvenModulus));
    }

    #[test]
    fn exponents() {
        let good = modulus(2048);
        for (exponent, smallest, expected) in [
            (&[3][..], 3, Ok(())),
            (&[1], 3, Err(WeakKey::Exponent)),
            (&[2], 3, Err(WeakKey::Exponent)),
            (&[1, 0, 0], 3, Err(WeakKey::Exponent)),
            (&[], 3, Err(WeakKey::Exponent)),
            (&[3], 65537, Err(WeakKey::Exponent)),
            (&[1, 0, 1], 65537, Ok(())),
            (&[1, 0, 0, 0, 1], 3, Ok(())),
            (&[2, 0, 0, 0, 1], 3, Err(WeakKey::Exponent)),
            (&[1, 0, 0, 0, 0, 0, 0, 0, 1], 3, Err(WeakKey::Exponent)),
            // Of which eight octets alone would do.
            (&[1, 0, 0, 0, 0, 0, 1, 0, 1], 3, Err(WeakKey::Exponent)),
        ] {
            assert_eq!(check_rsa(&good, exponent, &(2048..=2048), smallest), expected, "{exponent:?}");
        }
    }

    #[test]
    fn keys_of_faulty_chips() {
        // Not a product of two primes, but of the form the test looks for.
        let mut power = BigNum::new().unwrap();
        let base = BigNum::from_u32(65537).unwrap();
        power.exp(&base, &BigNum::from_u32(127).unwrap(), &mut BigNumContext::new().unwrap()).unwrap();
        assert_eq!(check_rsa(&power.to_vec(), E, &(2000..=2048), 3), Err(WeakKey::Roca));
        assert!(!is_roca(&modulus(2048)));
    }
}
