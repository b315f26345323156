//! The groups of an account, packed for a session: a member of hundreds of them has many numbers of few domains.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;

use crate::directory::Sid;

/// Neighbours of one authority together, in the order they came. A SID without a last part stands alone, with nothing packed.
pub(super) fn pack(groups: &[Sid]) -> Vec<(Sid, String)> {
    let mut runs: Vec<(Sid, Vec<u8>)> = Vec::new();
    for group in groups {
        match (group.parent(), group.rid()) {
            (Some(parent), Some(rid)) => match runs.last_mut() {
                Some((authority, packed)) if *authority == parent && !packed.is_empty() => push(packed, rid),
                _ => {
                    let mut packed = Vec::new();
                    push(&mut packed, rid);
                    runs.push((parent, packed));
                }
            },
            _ => runs.push((*group, Vec::new())),
        }
    }
    runs.into_iter().map(|(authority, packed)| (authority, BASE64.encode(packed))).collect()
}

/// Seven bits an octet, the lowest first, and the eighth where more follow: the groups of most domains have numbers of two or
/// three octets.
fn push(packed: &mut Vec<u8>, mut number: u32) {
    while number > 0x7f {
        let [low, ..] = number.to_le_bytes();
        packed.push(low | 0x80);
        number >>= 7;
    }
    let [low, ..] = number.to_le_bytes();
    packed.push(low);
}

pub(super) fn unpack(runs: &[(Sid, String)]) -> Option<Vec<Sid>> {
    let mut groups = Vec::new();
    for (authority, packed) in runs {
        let packed = BASE64.decode(packed).ok()?;
        if packed.is_empty() {
            groups.push(*authority);
        }
        let (mut number, mut shift) = (0_u64, 0_u32);
        for octet in packed {
            number |= u64::from(octet & 0x7f).checked_shl(shift).filter(|_| shift < 35)?;
            shift += 7;
            if octet & 0x80 == 0 {
                groups.push(authority.child(u32::try_from(number).ok()?).ok()?);
                (number, shift) = (0, 0);
            }
        }
        if shift != 0 {
            return None;
        }
    }
    Some(groups)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_list_of_groups_is_none() {
        let domain = "S-1-5-21-1-2-3".parse::<Sid>().unwrap();
        // A number that goes on, one of more than 32 bits, one of more octets than any has.
        for octets in [&[0x80][..], &[0xff, 0xff, 0xff, 0xff, 0x7f], &[0x80, 0x80, 0x80, 0x80, 0x80, 0x01]] {
            assert_eq!(unpack(&[(domain, BASE64.encode(octets))]), None, "{octets:?}");
        }
        assert_eq!(unpack(&[(domain, String::from("?"))]), None);
    }

    proptest::proptest! {
        #[test]
        fn groups_come_back_in_their_order(
            groups in proptest::collection::vec(proptest::collection::vec(proptest::prelude::any::<u32>(), 0..5), 0..20)
        ) {
            let groups: Vec<Sid> = groups.iter().filter_map(|parts| Sid::new(5, parts).ok()).collect();
            proptest::prop_assert_eq!(unpack(&pack(&groups)), Some(groups));
        }
    }
}
