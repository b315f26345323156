//! `KEYCREDENTIALLINK_BLOB` (MS-ADTS 2.2.20): one key of a device or a user in `msDS-KeyCredentialLink`.
//!
//! A version, then entries of length (16 bits, little-endian), identifier and value, in ascending order of identifiers. What is
//! written has the nine entries that AD FS writes; what is read may lack those that say nothing of the key.

use aws_lc_rs::digest::{self, SHA256};
use uuid::Uuid;

use crate::clock::UtcTime;
use crate::devices::{DeviceId, DeviceKey};

/// `KeyUsage` of a Windows Hello key.
pub const USAGE_NGC: u8 = 1;
/// `KeyUsage` of a device's session transport key.
pub const USAGE_SESSION_TRANSPORT: u8 = 2;

/// The blob of a key. Both times are those of its making.
///
/// # Errors
/// [`KeyCredentialError::TooLong`].
pub fn encode(key: &DeviceKey) -> Result<Vec<u8>, KeyCredentialError> {
    if key.material.len() > MAX_MATERIAL {
        return Err(KeyCredentialError::TooLong(key.material.len()));
    }
    let filetime = key.created.map_or(0, UtcTime::to_filetime).to_le_bytes();
    let mut tail = Vec::with_capacity(key.material.len() + 128);
    push(&mut tail, KEY_MATERIAL, &key.material);
    push(&mut tail, KEY_USAGE, &[key.usage]);
    push(&mut tail, KEY_SOURCE, &[SOURCE_ACTIVE_DIRECTORY]);
    if let Some(device) = key.device {
        push(&mut tail, DEVICE_ID, &device.0.to_bytes_le());
    }
    // Version 1; of a Windows Hello key also that the account need not have used a second factor (MS-KPP).
    push(&mut tail, CUSTOM_KEY_INFORMATION, &[1, if key.usage == USAGE_NGC { 2 } else { 0 }]);
    push(&mut tail, LAST_LOGON, &filetime);
    push(&mut tail, CREATED, &filetime);

    let mut blob = Vec::with_capacity(tail.len() + 80);
    blob.extend(VERSION.to_le_bytes());
    push(&mut blob, KEY_ID, digest::digest(&SHA256, &key.material).as_ref());
    push(&mut blob, KEY_HASH, digest::digest(&SHA256, &tail).as_ref());
    blob.extend(tail);
    Ok(blob)
}

/// Reads a blob. Its hash is not compared: whoever may write the attribute can make one.
///
/// # Errors
/// [`KeyCredentialError`].
pub fn decode(blob: &[u8]) -> Result<DeviceKey, KeyCredentialError> {
    let (version, mut rest) = blob.split_first_chunk::<4>().ok_or(KeyCredentialError::Truncated)?;
    let version = u32::from_le_bytes(*version);
    if version != VERSION {
        return Err(KeyCredentialError::Version(version));
    }
    let (mut material, mut usage, mut device, mut created) = (None, None, None, None);
    let mut last = 0;
    while !rest.is_empty() {
        let (&[low, high, id], after) = rest.split_first_chunk::<3>().ok_or(KeyCredentialError::Truncated)?;
        let length = usize::from(u16::from_le_bytes([low, high]));
        let (value, after) = after.split_at_checked(length).ok_or(KeyCredentialError::Truncated)?;
        if id <= last {
            return Err(KeyCredentialError::Order(id));
        }
        (last, rest) = (id, after);
        let malformed = || KeyCredentialError::Entry(id);
        match id {
            KEY_MATERIAL => material = Some(value.to_vec()),
            KEY_USAGE => usage = Some(*value.first().filter(|_| length == 1).ok_or_else(malformed)?),
            DEVICE_ID => {
                let octets = value.try_into().map_err(|_| malformed())?;
                device = Some(DeviceId(Uuid::from_bytes_le(octets)));
            }
            CREATED => {
                let octets = value.try_into().map_err(|_| malformed())?;
                created = UtcTime::from_filetime(u64::from_le_bytes(octets));
            }
            // Sources, hashes and flags decide nothing here; entries of the future are for others.
            _ => {}
        }
    }
    Ok(DeviceKey {
        usage: usage.ok_or(KeyCredentialError::Missing("KeyUsage"))?,
        material: material.ok_or(KeyCredentialError::Missing("KeyMaterial"))?,
        device: device.filter(|device| !device.0.is_nil()),
        created,
    })
}

/// Why octets are no key credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyCredentialError {
    /// They end in the middle.
    #[error("the key credential ends in the middle of an entry")]
    Truncated,
    /// Another version than 2.
    #[error("the key credential has version {0:#x}; {VERSION:#x} is known")]
    Version(u32),
    /// More key material than any key has.
    #[error("the key material has {0} octets; {MAX_MATERIAL} are written at most")]
    TooLong(usize),
    /// Entries come twice or not in order.
    #[error("entry {0} of the key credential is not where it belongs")]
    Order(u8),
    /// An entry does not decode.
    #[error("entry {0} of the key credential has a wrong length")]
    Entry(u8),
    /// An entry without which it is no key.
    #[error("the key credential has no {0}")]
    Missing(&'static str),
}

fn push(blob: &mut Vec<u8>, id: u8, value: &[u8]) {
    // The longest is the key material, whose length has been looked at.
    let length = u16::try_from(value.len()).unwrap_or(u16::MAX);
    blob.extend(length.to_le_bytes());
    blob.push(id);
    blob.extend(value);
}

/// An RSA-8192 key has little more than a thousand octets, a module's blob a few thousand.
const MAX_MATERIAL: usize = 16 << 10;
const VERSION: u32 = 0x200;
const SOURCE_ACTIVE_DIRECTORY: u8 = 0;

const KEY_ID: u8 = 1;
const KEY_HASH: u8 = 2;
const KEY_MATERIAL: u8 = 3;
const KEY_USAGE: u8 = 4;
const KEY_SOURCE: u8 = 5;
const DEVICE_ID: u8 = 6;
const CUSTOM_KEY_INFORMATION: u8 = 7;
const LAST_LOGON: u8 = 8;
const CREATED: u8 = 9;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::devices::samples;

    #[test]
    fn the_reference_key_has_the_reference_blob() {
        let key = samples::transport_key();
        assert_eq!(key.material.len(), 283);
        let blob = encode(&key).unwrap();
        assert_eq!(blob.len(), 414);
        assert_eq!(hex::encode(&blob[7..39]), "af01ff0c362e535b959d4921c7437b2ddfae6874f9def0e8ad47fd79a5ab67d5");
        assert_eq!(hex::encode(&blob[42..74]), "f65bc7050731801e4b0871eacc9e454c18045da73dd0c2622f83a3361942f8c3");
        assert_eq!(
            hex::encode(digest::digest(&SHA256, &blob)),
            "10ba5dfd1099284f342c309b1275a5e8f59ddfa2a358141c4f11796443b0b6d6"
        );
        assert_eq!(decode(&blob), Ok(key));
    }

    #[test]
    fn damaged_blobs_are_refused() {
        let blob = encode(&samples::transport_key()).unwrap();
        let whole = decode(&blob).unwrap();
        let mut read = 0;
        for end in 0..blob.len() {
            // What ends between two entries behind the key is a key still.
            if let Ok(key) = decode(&blob[..end]) {
                assert_eq!((key.material, key.usage), (whole.material.clone(), whole.usage));
                read += 1;
            }
        }
        assert_eq!(read, 5);
        let mut other = blob.clone();
        other[1] = 1;
        assert_eq!(decode(&other), Err(KeyCredentialError::Version(0x100)));
        let usage_twice = [&[0, 2, 0, 0][..], &[1, 0, 4, 1], &[1, 0, 4, 2]].concat();
        assert_eq!(decode(&usage_twice), Err(KeyCredentialError::Order(4)));
        let long_usage = [&blob[..4], &[2, 0, 4, 1, 1]].concat();
        assert_eq!(decode(&long_usage), Err(KeyCredentialError::Entry(4)));
        let short_device = [&[0, 2, 0, 0][..], &[1, 0, 6, 1]].concat();
        assert_eq!(decode(&short_device), Err(KeyCredentialError::Entry(6)));
        let no_material = [&[0, 2, 0, 0][..], &[1, 0, 4, 1]].concat();
        assert_eq!(decode(&no_material), Err(KeyCredentialError::Missing("KeyMaterial")));
    }

    #[test]
    fn no_device_is_none() {
        let key = DeviceKey { device: Some(DeviceId(Uuid::nil())), ..samples::transport_key() };
        assert_eq!(decode(&encode(&key).unwrap()).unwrap().device, None);
    }

    #[test]
    fn unknown_entries_are_for_others() {
        let blob = [encode(&samples::transport_key()).unwrap(), vec![2, 0, 0x20, 1, 2]].concat();
        assert_eq!(decode(&blob), Ok(samples::transport_key()));
    }

    proptest! {
        #[test]
        fn round_trip(usage: u8, material in prop::collection::vec(any::<u8>(), 0..600), device in 1_u128.., seconds in 0_u32..) {
            let created = Some(UtcTime::from_unix_seconds(i64::from(seconds)));
            let key = DeviceKey { usage, material, device: Some(DeviceId(Uuid::from_u128(device))), created };
            prop_assert_eq!(decode(&encode(&key).unwrap()), Ok(key));
        }

        #[test]
        fn any_octets_are_read_or_refused(octets in prop::collection::vec(any::<u8>(), 0..80)) {
            let _ = decode(&octets);
            let _ = decode(&[&[0, 2, 0, 0][..], &octets].concat());
        }
    }
}
