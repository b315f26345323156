//! An access control list (MS-DTYP 2.4.5): entries in their order, which counts.

use super::DescriptorError;
use super::entry::{AccessEntry, Ace, Effect, flags};

/// A list of entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessList {
    revision: u8,
    entries: Vec<AccessEntry>,
}

impl AccessList {
    /// The list that these octets begin with.
    pub(super) fn from_bytes(octets: &[u8]) -> Result<Self, DescriptorError> {
        let own = extent(octets)?;
        let ([revision, _, _, _, low, high, _, _], mut rest) =
            own.split_first_chunk::<HEADER>().ok_or(DescriptorError::Truncated)?;
        let mut entries = Vec::new();
        for _ in 0..u16::from_le_bytes([*low, *high]) {
            let (entry, behind) = AccessEntry::read(rest).map_err(|_| DescriptorError::AccessList)?;
            entries.push(entry);
            rest = behind;
        }
        // What follows the last entry is room for more, and says nothing.
        Ok(Self { revision: *revision, entries })
    }

    pub(super) fn to_bytes(&self) -> Result<Vec<u8>, DescriptorError> {
        let length = HEADER + self.entries.iter().map(|entry| entry.octets().len()).sum::<usize>();
        let size = u16::try_from(length).map_err(|_| DescriptorError::Full)?.to_le_bytes();
        let count = u16::try_from(self.entries.len()).map_err(|_| DescriptorError::Full)?.to_le_bytes();
        let mut octets = vec![self.revision, 0, size[0], size[1], count[0], count[1], 0, 0];
        octets.extend(self.entries.iter().flat_map(AccessEntry::octets));
        Ok(octets)
    }

    /// The entries, in the order in which they count.
    pub fn entries(&self) -> &[AccessEntry] {
        &self.entries
    }

    /// Adds an entry at its place: what is denied before what is allowed, about everything before about something, and its own before what
    /// is inherited. The others stay as they are, in their order. Does nothing when the same entry is there already.
    pub fn add(&mut self, ace: &Ace) {
        let entry = AccessEntry::new(ace);
        if self.entries.contains(&entry) {
            return;
        }
        let rank = rank(ace);
        let behind = |other: &AccessEntry| other.ace().is_some_and(|other| self::rank(other) > rank);
        let at = self.entries.iter().position(behind).unwrap_or(self.entries.len());
        self.entries.insert(at, entry);
        if ace.object.is_some() || ace.inherited_by.is_some() {
            self.revision = self.revision.max(WITH_OBJECTS);
        }
    }

    #[cfg(test)]
    pub(super) fn of(revision: u8, entries: Vec<AccessEntry>) -> Self {
        Self { revision, entries }
    }
}

impl Default for AccessList {
    /// A list that gives nobody anything.
    fn default() -> Self {
        Self { revision: WITHOUT_OBJECTS, entries: Vec::new() }
    }
}

/// The octets of the list that these begin with.
pub(super) fn extent(octets: &[u8]) -> Result<&[u8], DescriptorError> {
    let ([revision, _, low, high], _) = octets.split_first_chunk::<4>().ok_or(DescriptorError::Truncated)?;
    let size = usize::from(u16::from_le_bytes([*low, *high]));
    if !REVISIONS.contains(revision) || size < HEADER {
        return Err(DescriptorError::AccessList);
    }
    octets.get(..size).ok_or(DescriptorError::Truncated)
}

/// The place of an entry in canonical order (MS-ADTS 6.1.3).
const fn rank(ace: &Ace) -> u8 {
    if ace.flags & flags::INHERITED != 0 {
        return 4;
    }
    let about_something = ace.object.is_some() || ace.inherited_by.is_some();
    match (ace.effect, about_something) {
        (Effect::Deny, false) => 0,
        (Effect::Deny, true) => 1,
        (Effect::Allow, false) => 2,
        (Effect::Allow, true) => 3,
    }
}

const HEADER: usize = 8;
const REVISIONS: std::ops::RangeInclusive<u8> = 2..=4;
const WITHOUT_OBJECTS: u8 = 2;
/// Revision of a list with entries about something.
const WITH_OBJECTS: u8 = 4;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::Sid;

    fn ace(effect: Effect, flags: u8, object: bool) -> Ace {
        let object = object.then(|| uuid::Uuid::from_u128(7));
        Ace { effect, flags, mask: 1, object, inherited_by: None, who: Sid::EVERYONE }
    }

    #[test]
    fn entries_stand_in_canonical_order() {
        use Effect::{Allow, Deny};
        let wanted = [
            ace(Deny, 0, false),
            ace(Deny, 0, true),
            ace(Allow, 0, false),
            ace(Allow, 0, true),
            ace(Deny, flags::INHERITED, false),
        ];
        // Whatever order they come in.
        for first in 0..wanted.len() {
            let mut list = AccessList::of(2, Vec::new());
            for at in 0..wanted.len() {
                list.add(&wanted[(first + at) % wanted.len()]);
            }
            let order: Vec<Ace> = list.entries().iter().filter_map(|entry| entry.ace().cloned()).collect();
            assert_eq!(order, wanted, "begun with {first}");
            assert_eq!(list.revision, WITH_OBJECTS);
            list.add(&wanted[3]);
            assert_eq!(list.entries().len(), wanted.len(), "nothing twice");
        }
    }

    #[test]
    fn there_is_an_end_to_a_list() {
        let mut list = AccessList::of(2, Vec::new());
        for mask in 0..3000 {
            list.add(&Ace { mask, ..ace(Effect::Allow, 0, false) });
        }
        assert_eq!(list.to_bytes().map(|_| ()), Ok(()));
        for mask in 3000..4000 {
            list.add(&Ace { mask, ..ace(Effect::Allow, 0, false) });
        }
        assert_eq!(list.to_bytes(), Err(DescriptorError::Full));
    }
}
