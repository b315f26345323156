//! Public keys in blobs of Windows' Platform Crypto Provider (`PCPM`), as which devices of AD FS may have registered the transport
//! key that their TPM holds.
//!
//! A little-endian header of lengths, which Microsoft publishes with its TPM tools (`PCP_KEY_BLOB_WIN8`, `PCP_20_KEY_BLOB`), and
//! behind it the parts that it counts: first the public area, a big-endian `TPM2B_PUBLIC` (TPM 2.0 Library, Part 2, 12.2). Nothing
//! else of a blob is read.

use super::key_strength::check_rsa;
use super::transport_key::KeyBlobError;

/// The public RSA key of a TPM 2.0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TpmKey {
    modulus: Vec<u8>,
    exponent: [u8; 4],
}

impl TpmKey {
    /// Whether octets say of themselves that they are such a blob.
    pub fn is_one(octets: &[u8]) -> bool {
        octets.starts_with(MAGIC)
    }

    /// A key that is registered already, by whomever: RSA with 2048 to 4096 bits, that what was encrypted by OAEP with SHA-1 can be
    /// decrypted with.
    ///
    /// # Errors
    /// [`KeyBlobError`].
    pub fn registered(octets: &[u8]) -> Result<Self, KeyBlobError> {
        let key = Self::read(public_area(octets)?)?;
        check_rsa(&key.modulus, &key.exponent, &(2048..=4096), 3)?;
        Ok(key)
    }

    /// Reads a `TPMT_PUBLIC`.
    fn read(area: &[u8]) -> Result<Self, KeyBlobError> {
        let mut area = Values(area);
        if area.number()? != ALG_RSA {
            return Err(KeyBlobError::Kind);
        }
        let _name_algorithm = area.number()?;
        let _attributes = area.take(4)?;
        let _policy = area.sized()?;
        // A key with a symmetric algorithm wraps other keys, and decrypts nothing from outside.
        if area.number()? != ALG_NULL {
            return Err(KeyBlobError::Kind);
        }
        match area.number()? {
            ALG_NULL => {}
            ALG_OAEP if area.number()? == ALG_SHA1 => {}
            _ => return Err(KeyBlobError::Kind),
        }
        let bits = area.number()?;
        let exponent = area.take(4)?.try_into().map_err(|_| KeyBlobError::Lengths)?;
        let modulus = area.sized()?.to_vec();
        if !area.0.is_empty() || modulus.len() * 8 != usize::from(bits) {
            return Err(KeyBlobError::Lengths);
        }
        // Zero stands for the usual exponent.
        let exponent = if exponent == [0; 4] { [0, 1, 0, 1] } else { exponent };
        Ok(Self { modulus, exponent })
    }

    /// The public exponent, big-endian.
    pub fn exponent(&self) -> &[u8] {
        let zeros = self.exponent.iter().take_while(|octet| **octet == 0).count();
        self.exponent.get(zeros..).unwrap_or_default()
    }

    /// The modulus, big-endian.
    pub fn modulus(&self) -> &[u8] {
        &self.modulus
    }
}

/// The public area of a blob. What follows the parts that the header counts is left alone, as Microsoft's own reader does.
fn public_area(octets: &[u8]) -> Result<&[u8], KeyBlobError> {
    let (header, _) = octets.split_first_chunk::<HEADER>().ok_or(KeyBlobError::Kind)?;
    let words = header.as_chunks::<4>().0.iter().map(|word| usize::try_from(u32::from_le_bytes(*word)));
    let words: Vec<usize> = words.collect::<Result<_, _>>().map_err(|_| KeyBlobError::Lengths)?;
    let [_, header_length, platform, _flags, parts @ ..] = &words[..] else { return Err(KeyBlobError::Kind) };
    if !TpmKey::is_one(octets) || *platform != TPM_20 || *header_length < HEADER {
        return Err(KeyBlobError::Kind);
    }
    let whole = parts.iter().try_fold(*header_length, |sum, part| sum.checked_add(*part));
    if whole.is_none_or(|whole| whole > octets.len()) {
        return Err(KeyBlobError::Lengths);
    }
    let public = parts.first().copied().unwrap_or_default();
    let (_, rest) = octets.split_at_checked(*header_length).ok_or(KeyBlobError::Lengths)?;
    let mut public = Values(rest.get(..public).ok_or(KeyBlobError::Lengths)?);
    let area = public.sized()?;
    if public.0.is_empty() { Ok(area) } else { Err(KeyBlobError::Lengths) }
}

/// Big-endian values that stand one behind the other.
struct Values<'a>(&'a [u8]);

impl<'a> Values<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], KeyBlobError> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(KeyBlobError::Lengths)?;
        self.0 = rest;
        Ok(taken)
    }

    fn number(&mut self) -> Result<u16, KeyBlobError> {
        self.take(2)?.try_into().map(u16::from_be_bytes).map_err(|_| KeyBlobError::Lengths)
    }

    /// Octets with their length before them.
    fn sized(&mut self) -> Result<&'a [u8], KeyBlobError> {
        let length = self.number()?;
        self.take(length.into())
    }
}

const MAGIC: &[u8; 4] = b"PCPM";
/// Octets of the shortest header: magic, its own length, platform, flags, and the lengths of nine parts.
const HEADER: usize = 52;
/// `PCPTYPE_TPM20`
const TPM_20: usize = 2;
/// Algorithms of the TPM 2.0 Library, Part 2, 6.3.
const ALG_RSA: u16 = 0x0001;
const ALG_SHA1: u16 = 0x0004;
const ALG_NULL: u16 = 0x0010;
const ALG_OAEP: u16 = 0x0017;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::key_strength::WeakKey;
    use super::*;

    /// A key that swtpm made (`tpm2_create -G rsa2048`), in a blob.
    const GOOD: &[u8] = include_bytes!("../../fuzz/corpus/prt_request/tpm_transport_key");
    /// Where its public area begins: type, name algorithm, attributes, policy, symmetric algorithm, scheme, bits, exponent, modulus.
    const AREA: usize = 58;

    fn changed(at: usize, octets: &[u8]) -> Vec<u8> {
        let mut blob = GOOD.to_vec();
        blob[at..at + octets.len()].copy_from_slice(octets);
        blob
    }

    /// The same key with another scheme, whose public area is longer.
    fn with_scheme(scheme: &[u8]) -> Vec<u8> {
        let area = [&GOOD[AREA..AREA + 12], scheme, &GOOD[AREA + 14..]].concat();
        let length = u16::try_from(area.len()).unwrap();
        let mut blob = [&GOOD[..AREA - 2], &length.to_be_bytes(), &area].concat();
        blob[16..20].copy_from_slice(&u32::from(length + 2).to_le_bytes());
        blob
    }

    /// One octet behind the key, which the header counts, and the lengths at these places too.
    fn with_octet(at: &[usize]) -> Vec<u8> {
        let mut blob = [GOOD, &[0]].concat();
        for at in at.iter().chain(&[16]) {
            blob[*at] += 1;
        }
        blob
    }

    #[test]
    fn a_key_of_a_tpm() {
        assert!(TpmKey::is_one(GOOD) && GOOD.len() == 336);
        let key = TpmKey::registered(GOOD).unwrap();
        assert_eq!((key.exponent(), key.modulus().len()), (&[1, 0, 1][..], 256));
        assert_eq!(hex::encode(&key.modulus()[..8]), "84a489ed6c2a6421");
        let other_exponent = TpmKey::registered(&changed(AREA + 16, &[0, 0, 0, 3])).unwrap();
        assert_eq!(other_exponent.exponent(), [3]);
        // The header of Windows 8 is shorter; parts that are not read follow.
        let mut short = [&GOOD[..52], &GOOD[56..], &[7; 9]].concat();
        short[4] = 52;
        short[20] = 9;
        assert_eq!(TpmKey::registered(&short).as_ref(), Ok(&key));
        assert_eq!(TpmKey::registered(&with_scheme(&[0, 0x17, 0, 4])).as_ref(), Ok(&key));
        assert_eq!(TpmKey::registered(&[GOOD, &[0]].concat()), Ok(key));
    }

    #[test]
    fn what_is_not_one_is_refused() {
        for (blob, expected) in [
            (Vec::new(), KeyBlobError::Kind),
            (changed(0, b"RSA1"), KeyBlobError::Kind),
            // Of a TPM 1.2.
            (changed(8, &[1]), KeyBlobError::Kind),
            (changed(4, &[51]), KeyBlobError::Kind),
            (changed(4, &[57]), KeyBlobError::Lengths),
            (changed(4, &[0xff; 4]), KeyBlobError::Lengths),
            (changed(16, &[0xff; 4]), KeyBlobError::Lengths),
            (changed(20, &[1]), KeyBlobError::Lengths),
            (changed(48, &[1]), KeyBlobError::Lengths),
            // A public area that is shorter than the header says, and longer.
            (changed(AREA - 1, &[0x15]), KeyBlobError::Lengths),
            (changed(AREA - 1, &[0x17]), KeyBlobError::Lengths),
            // One octet more than there are in the public area, and one more in it than there are in the key.
            (with_octet(&[]), KeyBlobError::Lengths),
            (with_octet(&[AREA - 1]), KeyBlobError::Lengths),
            // An elliptic curve's; one that wraps keys; one that signs; one that takes OAEP with SHA-256 only.
            (changed(AREA + 1, &[0x23]), KeyBlobError::Kind),
            (changed(AREA + 11, &[0x06]), KeyBlobError::Kind),
            (changed(AREA + 13, &[0x14]), KeyBlobError::Kind),
            (with_scheme(&[0, 0x17, 0, 0x0b]), KeyBlobError::Kind),
            (changed(AREA + 14, &[0x10]), KeyBlobError::Lengths),
            (changed(AREA + 21, &[0xff]), KeyBlobError::Lengths),
            (changed(335, &[0x1e]), WeakKey::EvenModulus.into()),
            (changed(AREA + 22, &[0]), WeakKey::Size { bits: 2040 }.into()),
            (changed(AREA + 16, &[0, 0, 0, 1]), WeakKey::Exponent.into()),
        ] {
            let read = TpmKey::registered(&blob);
            assert_eq!(read, Err(expected), "{}", hex::encode(blob.get(..90).unwrap_or_default()));
        }
    }

    proptest! {
        #[test]
        fn every_cut_is_refused(length in 0_usize..336) {
            prop_assert!(TpmKey::registered(&GOOD[..length]).is_err());
        }

        #[test]
        fn any_octets_are_read_or_refused(octets in proptest::collection::vec(any::<u8>(), 0..400), at in 4_usize..80) {
            drop(TpmKey::registered(&[MAGIC, &octets[..]].concat()));
            drop(TpmKey::registered(&[&GOOD[..at], &octets[..]].concat()));
        }
    }
}
