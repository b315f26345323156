//! Security descriptors: who may do what with a directory object (MS-DTYP 2.4).
//!
//! Reads and writes the self-relative form that `nTSecurityDescriptor` holds. An entry that is there already is written as the octets it was
//! read from, whether or not it is understood. Knows nothing of LDAP, and of no object's purpose.

mod access;
mod access_list;
mod entry;

pub use access::Right;
pub use access_list::AccessList;
pub use entry::{AccessEntry, Ace, Effect, flags, rights};

use super::SidError;

/// A self-relative security descriptor (MS-DTYP 2.4.6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecurityDescriptor {
    control: u16,
    owner: Option<Vec<u8>>,
    group: Option<Vec<u8>>,
    /// The system access control list, as it was read.
    system: Option<Vec<u8>>,
    /// The discretionary access control list. `None` when there is none, or none was asked for.
    pub access: Option<AccessList>,
}

/// Why octets are no security descriptor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DescriptorError {
    /// They end before something that they announce.
    #[error("the security descriptor ends too early")]
    Truncated,
    /// Another revision, or not self-relative.
    #[error("the security descriptor is of another form than revision 1, self-relative")]
    Form,
    /// The access control list is of no known revision, or its entries do not fill what they announce.
    #[error("the access control list is malformed")]
    AccessList,
    /// The owner or the group.
    #[error(transparent)]
    Sid(#[from] SidError),
    /// More than 64 KiB.
    #[error("the access control list has no room for more entries")]
    Full,
}

impl SecurityDescriptor {
    /// Reads a descriptor.
    ///
    /// # Errors
    /// [`DescriptorError`].
    pub fn from_bytes(octets: &[u8]) -> Result<Self, DescriptorError> {
        let (header, _) = octets.split_first_chunk::<HEADER>().ok_or(DescriptorError::Truncated)?;
        let [revision, _, low, high, offsets @ ..] = header;
        let control = u16::from_le_bytes([*low, *high]);
        if *revision != 1 || control & SELF_RELATIVE == 0 {
            return Err(DescriptorError::Form);
        }
        let (offsets, _) = offsets.as_chunks::<4>();
        let mut parts = offsets.iter().map(|offset| usize::try_from(u32::from_le_bytes(*offset)).unwrap_or(usize::MAX));
        let mut part = || match parts.next() {
            Some(offset) if offset != 0 => octets.get(offset..).ok_or(DescriptorError::Truncated).map(Some),
            _ => Ok(None),
        };
        let (owner, group, system, access) = (part()?, part()?, part()?, part()?);
        let system = system.filter(|_| control & SYSTEM_PRESENT != 0).map(access_list::extent).transpose()?;
        let access = access.filter(|_| control & ACCESS_PRESENT != 0).map(AccessList::from_bytes).transpose()?;
        Ok(Self {
            control,
            owner: owner.map(entry::sid_extent).transpose()?.map(<[u8]>::to_vec),
            group: group.map(entry::sid_extent).transpose()?.map(<[u8]>::to_vec),
            system: system.map(<[u8]>::to_vec),
            access,
        })
    }

    /// Writes the descriptor: header, system list, access list, owner, group.
    ///
    /// # Errors
    /// [`DescriptorError::Full`].
    pub fn to_bytes(&self) -> Result<Vec<u8>, DescriptorError> {
        let access = self.access.as_ref().map(AccessList::to_bytes).transpose()?;
        let mut body = Vec::new();
        let mut place = |part: Option<&[u8]>| {
            let Some(part) = part else { return 0 };
            let offset = u32::try_from(HEADER + body.len()).unwrap_or(u32::MAX);
            body.extend_from_slice(part);
            offset
        };
        let (system, access) = (place(self.system.as_deref()), place(access.as_deref()));
        let (owner, group) = (place(self.owner.as_deref()), place(self.group.as_deref()));
        let mut octets = vec![1, 0];
        octets.extend(self.control.to_le_bytes());
        octets.extend([owner, group, system, access].iter().flat_map(|offset| offset.to_le_bytes()));
        octets.extend(body);
        Ok(octets)
    }
}

const HEADER: usize = 20;
/// The discretionary list counts.
const ACCESS_PRESENT: u16 = 0x0004;
/// The system list counts.
const SYSTEM_PRESENT: u16 = 0x0010;
/// The parts follow in one piece.
const SELF_RELATIVE: u16 = 0x8000;

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use proptest::prelude::*;

    use super::*;
    use crate::directory::Sid;

    /// The discretionary list of a domain's `CN=RegisteredDevices`, as a domain controller gives it.
    fn of_a_container() -> Vec<u8> {
        STANDARD.decode(include_str!("security_descriptor/container.b64").replace('\n', "")).unwrap()
    }

    #[test]
    fn what_a_domain_controller_gives_is_written_back_octet_by_octet() {
        let octets = of_a_container();
        let descriptor = SecurityDescriptor::from_bytes(&octets).unwrap();
        assert_eq!(descriptor.to_bytes().unwrap(), octets);
        let entries = descriptor.access.unwrap().entries().to_vec();
        let shown: Vec<String> = entries.iter().take(3).filter_map(|entry| Some(entry.ace()?.to_string())).collect();
        let account = "S-1-5-21-1004336348-1177238915-682003330-1118";
        let device = "5df2b673-6d41-4774-b3e8-d52e8ee9ff99";
        assert_eq!(
            shown,
            [
                format!("(OA;;CCDC;{device};;{account})"),
                format!("(OA;CIIO;LCRPWPDTLOSDRC;;{device};{account})"),
                String::from("(A;;LCRPLORC;;;S-1-5-11)"),
            ]
        );
    }

    #[test]
    fn what_is_cut_off_is_refused() {
        let octets = of_a_container();
        for length in 0..octets.len() {
            assert!(SecurityDescriptor::from_bytes(&octets[..length]).is_err(), "{length} octets");
        }
        let mut absolute = octets.clone();
        absolute[3] &= 0x7f;
        assert_eq!(SecurityDescriptor::from_bytes(&absolute), Err(DescriptorError::Form));
        let mut next = octets;
        next[0] = 2;
        assert_eq!(SecurityDescriptor::from_bytes(&next), Err(DescriptorError::Form));
    }

    fn sid() -> impl Strategy<Value = Sid> {
        (0_u64..1 << 48, prop::collection::vec(any::<u32>(), 0..=15)).prop_map(|(a, subs)| Sid::new(a, &subs).unwrap())
    }

    fn ace() -> impl Strategy<Value = AccessEntry> {
        let guid = || prop::option::of(any::<u128>().prop_map(uuid::Uuid::from_u128));
        (any::<bool>(), any::<u8>(), any::<u32>(), guid(), guid(), sid()).prop_map(|(allow, flags, mask, o, i, who)| {
            let effect = if allow { Effect::Allow } else { Effect::Deny };
            AccessEntry::new(&Ace { effect, flags, mask, object: o, inherited_by: i, who })
        })
    }

    /// Of a type that is not understood.
    fn foreign() -> impl Strategy<Value = AccessEntry> {
        (7_u8..=255, any::<u8>(), prop::collection::vec(any::<u8>(), 0..40)).prop_map(|(kind, flags, mut content)| {
            content.resize(content.len().next_multiple_of(4), 0);
            let size = u16::try_from(4 + content.len()).unwrap().to_le_bytes();
            let octets = [&[kind, flags, size[0], size[1]][..], &content].concat();
            let (entry, rest) = AccessEntry::read(&octets).unwrap();
            assert!(rest.is_empty() && entry.ace().is_none());
            entry
        })
    }

    fn descriptor() -> impl Strategy<Value = SecurityDescriptor> {
        let list = || {
            let entries = prop::collection::vec(prop_oneof![3 => ace(), 1 => foreign()], 0..12);
            (2_u8..=4, entries).prop_map(|(revision, entries)| AccessList::of(revision, entries))
        };
        let owner = || prop::option::of(sid().prop_map(|sid| sid.to_bytes()));
        (any::<u16>(), owner(), owner(), prop::option::of(list()), prop::option::of(list())).prop_map(
            |(control, owner, group, system, access)| {
                let mut control = (control | SELF_RELATIVE) & !ACCESS_PRESENT & !SYSTEM_PRESENT;
                control |= if access.is_some() { ACCESS_PRESENT } else { 0 };
                control |= if system.is_some() { SYSTEM_PRESENT } else { 0 };
                let system = system.map(|list| list.to_bytes().unwrap());
                SecurityDescriptor { control, owner, group, system, access }
            },
        )
    }

    proptest! {
        #[test]
        fn a_descriptor_round_trips(descriptor in descriptor()) {
            let octets = descriptor.to_bytes().unwrap();
            prop_assert_eq!(SecurityDescriptor::from_bytes(&octets), Ok(descriptor));
        }

        #[test]
        fn any_octets_are_read_or_refused(octets in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = SecurityDescriptor::from_bytes(&octets);
        }

        #[test]
        fn any_damage_is_read_or_refused(at in 0_usize..1500, value in any::<u8>()) {
            let mut octets = of_a_container();
            if let Some(octet) = octets.get_mut(at) {
                *octet = value;
            }
            if let Ok(descriptor) = SecurityDescriptor::from_bytes(&octets) {
                // What was taken is written so that it reads the same.
                prop_assert_eq!(SecurityDescriptor::from_bytes(&descriptor.to_bytes().unwrap()), Ok(descriptor));
            }
        }

        #[test]
        fn what_is_added_moves_nothing(descriptor in descriptor(), new in ace()) {
            let Some(mut access) = descriptor.access.clone() else { return Ok(()) };
            let before = access.entries().to_vec();
            let ace = new.ace().unwrap().clone();
            access.add(&ace);
            let mut after = access.entries().to_vec();
            if after.len() > before.len() {
                let at = after.iter().rposition(|entry| *entry == new).unwrap();
                after.remove(at);
            }
            prop_assert_eq!(after, before);
        }
    }
}
