//! Whether an access control list gives somebody a right (MS-ADTS 5.1.3.3).
//!
//! The entries count in their order: of those that speak of a right, the first one decides. Entries that are not understood are passed over:
//! conditions are no matter of directory objects.

use uuid::Uuid;

use super::access_list::AccessList;
use super::entry::{Ace, Effect, flags, rights};
use crate::directory::Sid;

/// What somebody wants to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Right {
    /// All of these.
    pub mask: u32,
    /// To what: a class of children; or an attribute, then the set that it belongs to. Everything when there is none.
    pub object: Vec<Uuid>,
}

impl AccessList {
    /// Whether whoever has these SIDs may do this with the object that has the list.
    pub fn grants(&self, who: &[Sid], right: &Right) -> bool {
        decide(self.aces().filter(|ace| ace.flags & flags::INHERIT_ONLY == 0), who, right)
    }

    /// The same with an object of a class that is made below it, by what it inherits.
    pub fn grants_below(&self, who: &[Sid], class: Uuid, right: &Right) -> bool {
        let inherited = |ace: &&Ace| {
            ace.flags & flags::CONTAINER_INHERIT != 0 && ace.inherited_by.is_none_or(|wanted| wanted == class)
        };
        decide(self.aces().filter(inherited), who, right)
    }

    /// Whether what an entry gives is given already, by this entry or by others.
    pub fn has(&self, who: &[Sid], ace: &Ace) -> bool {
        let right = Right { mask: ace.mask, object: ace.object.into_iter().collect() };
        match ace.inherited_by {
            Some(class) => self.grants_below(who, class, &right),
            None => self.grants(who, &right),
        }
    }

    fn aces(&self) -> impl Iterator<Item = &Ace> {
        self.entries().iter().filter_map(|entry| entry.ace())
    }
}

fn decide<'a>(aces: impl Iterator<Item = &'a Ace>, who: &[Sid], right: &Right) -> bool {
    let mut wanted = right.mask;
    for ace in aces.filter(|ace| who.contains(&ace.who)) {
        let about_it = ace.object.is_none_or(|object| right.object.contains(&object));
        match ace.effect {
            Effect::Allow if about_it => wanted &= !specific(ace.mask),
            // Whoever wants everything lacks something by it.
            Effect::Deny if about_it || right.object.is_empty() => {
                if specific(ace.mask) & wanted != 0 {
                    return false;
                }
            }
            Effect::Allow | Effect::Deny => {}
        }
        if wanted == 0 {
            return true;
        }
    }
    wanted == 0
}

/// With what generic rights stand for (MS-ADTS 5.1.3.2).
const fn specific(mask: u32) -> u32 {
    let mut all = mask;
    if mask & GENERIC_ALL != 0 {
        all |= EVERYTHING;
    }
    if mask & GENERIC_READ != 0 {
        all |= rights::READ_CONTROL | rights::LIST | rights::READ_PROPERTY | rights::LIST_OBJECT;
    }
    if mask & GENERIC_WRITE != 0 {
        all |= rights::READ_CONTROL | rights::SELF | rights::WRITE_PROPERTY;
    }
    if mask & GENERIC_EXECUTE != 0 {
        all |= rights::READ_CONTROL | rights::LIST;
    }
    all
}

const GENERIC_READ: u32 = 0x8000_0000;
const GENERIC_WRITE: u32 = 0x4000_0000;
const GENERIC_EXECUTE: u32 = 0x2000_0000;
const GENERIC_ALL: u32 = 0x1000_0000;
const EVERYTHING: u32 = 0x000f_01ff;

#[cfg(test)]
mod tests {
    use super::*;

    const CLASS: Uuid = Uuid::from_u128(1);
    const ATTRIBUTE: Uuid = Uuid::from_u128(2);
    const SET: Uuid = Uuid::from_u128(3);
    const INHERITED: u8 = flags::CONTAINER_INHERIT | flags::INHERIT_ONLY;

    fn list(aces: &[Ace]) -> AccessList {
        AccessList::of(4, aces.iter().map(super::super::AccessEntry::new).collect())
    }

    fn allow(flags: u8, mask: u32, object: Option<Uuid>, inherited_by: Option<Uuid>) -> Ace {
        Ace { effect: Effect::Allow, flags, mask, object, inherited_by, who: Sid::AUTHENTICATED_USERS }
    }

    fn write(object: &[Uuid]) -> Right {
        Right { mask: rights::WRITE_PROPERTY, object: object.to_vec() }
    }

    #[test]
    fn an_attribute_is_written_by_itself_its_set_or_everything() {
        let who = [Sid::EVERYONE, Sid::AUTHENTICATED_USERS];
        for object in [None, Some(ATTRIBUTE), Some(SET)] {
            let list = list(&[allow(0, rights::WRITE_PROPERTY, object, None)]);
            assert!(list.grants(&who, &write(&[ATTRIBUTE, SET])), "{object:?}");
            assert_eq!(list.grants(&who, &write(&[])), object.is_none());
            assert!(!list.grants(&[Sid::EVERYONE], &write(&[ATTRIBUTE, SET])), "somebody else");
        }
        let other = list(&[allow(0, rights::WRITE_PROPERTY, Some(CLASS), None)]);
        assert!(!other.grants(&who, &write(&[ATTRIBUTE, SET])));
        assert!(list(&[allow(0, GENERIC_ALL, None, None)]).grants(&who, &write(&[])));
    }

    #[test]
    fn what_is_inherited_counts_below() {
        let who = [Sid::AUTHENTICATED_USERS];
        let below = list(&[allow(INHERITED, rights::WRITE_PROPERTY, None, Some(CLASS))]);
        assert!(below.grants_below(&who, CLASS, &write(&[])) && !below.grants(&who, &write(&[])));
        assert!(!below.grants_below(&who, SET, &write(&[])), "another class");
        let here = list(&[allow(0, rights::WRITE_PROPERTY, None, None)]);
        assert!(!here.grants_below(&who, CLASS, &write(&[])));
    }

    #[test]
    fn the_first_that_speaks_of_a_right_decides() {
        let who = [Sid::AUTHENTICATED_USERS];
        let allow = allow(0, rights::WRITE_PROPERTY, None, None);
        let deny = |object| Ace { effect: Effect::Deny, object, ..allow.clone() };
        assert!(!list(&[deny(None), allow.clone()]).grants(&who, &write(&[ATTRIBUTE])));
        assert!(list(&[allow.clone(), deny(None)]).grants(&who, &write(&[ATTRIBUTE])));
        let one = list(&[deny(Some(ATTRIBUTE)), allow.clone()]);
        assert!(!one.grants(&who, &write(&[ATTRIBUTE])) && one.grants(&who, &write(&[SET])));
        assert!(!one.grants(&who, &write(&[])), "not everything");
        assert!(one.has(&who, &Ace { object: Some(SET), ..allow.clone() }));
        assert!(!one.has(&who, &Ace { mask: rights::DELETE, ..allow }));
    }
}
