//! How often an attribute of an object was changed, from `replPropertyMetaData` (MS-DRSR, `PROPERTY_META_DATA_VECTOR`): each change
//! counts one, wherever it is made, and replication counts none.

/// How often the attribute with this number was changed; `None` where the octets do not say.
pub fn change_count(metadata: &[u8], attribute: u32) -> Option<u32> {
    let (head, properties) = metadata.split_first_chunk::<HEAD>()?;
    let number = |octets: &[u8], at: usize| {
        octets.get(at..).and_then(<[u8]>::first_chunk::<4>).map(|octets| u32::from_le_bytes(*octets))
    };
    if number(head, 0) != Some(VERSION) {
        return None;
    }
    let property = properties.chunks_exact(PROPERTY).find(|property| number(property, 0) == Some(attribute))?;
    number(property, 4)
}

/// The number of `msDS-IsEnabled`, 1.2.840.113556.1.4.2248, in every forest (MS-DRSR 5.16.4).
pub const IS_ENABLED: u32 = 0x0009_08c8;

/// Version, room, count, room.
const HEAD: usize = 16;
const VERSION: u32 = 1;
/// Number of the attribute, count of its changes, time and place of the last one.
const PROPERTY: usize = 48;

#[cfg(test)]
mod tests {
    use super::*;

    /// Metadata with these attributes, and how often they were changed.
    fn metadata(properties: &[(u32, u32)]) -> Vec<u8> {
        let mut octets = [1, 0, u32::try_from(properties.len()).unwrap(), 0].map(u32::to_le_bytes).concat();
        for (attribute, count) in properties {
            octets.extend([*attribute, *count].map(u32::to_le_bytes).concat());
            octets.extend([0xee; 40]);
        }
        octets
    }

    #[test]
    fn each_attribute_has_its_own_count() {
        let octets = metadata(&[(0, 1), (IS_ENABLED, 7), (IS_ENABLED + 1, 9)]);
        assert_eq!(change_count(&octets, IS_ENABLED), Some(7));
        assert_eq!(change_count(&octets, IS_ENABLED + 1), Some(9));
        assert_eq!(change_count(&octets, 42), None);
    }

    #[test]
    fn what_is_cut_short_or_of_another_version_says_nothing() {
        let octets = metadata(&[(0, 1), (IS_ENABLED, 7)]);
        for end in 0..octets.len() {
            assert_eq!(change_count(&octets[..end], IS_ENABLED), None, "{end}");
        }
        let other = [&[2][..], &octets[1..]].concat();
        assert_eq!(change_count(&other, IS_ENABLED), None);
    }
}
