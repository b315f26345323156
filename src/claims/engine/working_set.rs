//! The two sets a run works on, as lists of numbers over an arena of claims.
//!
//! Input claims are borrowed, not copied. Claims of a type that the rules name are chained, so a test on that type visits
//! only them.

use std::collections::HashSet;

use super::program::{TypeId, TypeTable, mix, tail};
use crate::claims::Claim;

/// Number of a claim in the arena: input claims first, then those that rules made.
pub(super) type ClaimId = u32;

/// The evaluation set, in order, with an index by claim type.
pub(super) struct WorkingSet<'a> {
    types: &'a TypeTable,
    input: &'a [Claim],
    made: Vec<Claim>,
    /// Type number of every claim of the arena; [`NONE`] for a type the rules do not name.
    type_ids: Vec<u32>,
    entries: Vec<Entry>,
    /// First and last entry of every type.
    chains: Vec<(u32, u32)>,
}

struct Entry {
    claim: ClaimId,
    /// The next entry of the same type.
    next: u32,
}

const NONE: u32 = u32::MAX;

impl<'a> WorkingSet<'a> {
    /// The set of the input claims; exact duplicates enter once.
    pub(super) fn new(types: &'a TypeTable, input: &'a [Claim]) -> Self {
        let mut set = Self {
            types,
            input,
            made: Vec::new(),
            type_ids: Vec::with_capacity(input.len() + 16),
            entries: Vec::with_capacity(input.len() + 16),
            chains: vec![(NONE, NONE); types.len()],
        };
        let duplicate = duplicates(input.len(), |index| input.get(index));
        // Neighbours often share the type's text (groups do), which spares the lookup.
        let mut last: Option<(&Claim, u32)> = None;
        for (index, claim) in input.iter().enumerate() {
            let type_id = match last {
                Some((before, id)) if before.claim_type.is_shared_with(&claim.claim_type) => id,
                _ => types.get(&claim.claim_type).unwrap_or(NONE),
            };
            last = Some((claim, type_id));
            set.type_ids.push(type_id);
            if !duplicate.get(index).copied().unwrap_or(false) {
                set.append(number(index));
            }
        }
        set
    }

    /// How many claims the evaluation set holds, repetitions included.
    pub(super) const fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn claim(&self, id: ClaimId) -> Option<&Claim> {
        let index = id as usize;
        self.input.get(index).or_else(|| self.made.get(index.checked_sub(self.input.len())?))
    }

    /// Whether the claim came in, and no rule made it.
    pub(super) const fn is_input(&self, id: ClaimId) -> bool {
        (id as usize) < self.input.len()
    }

    /// Puts a new claim into the arena, not yet into the evaluation set.
    pub(super) fn make(&mut self, claim: Claim, type_id: Option<TypeId>) -> ClaimId {
        let id = number(self.input.len() + self.made.len());
        let type_id = type_id.or_else(|| self.types.get(&claim.claim_type)).unwrap_or(NONE);
        self.type_ids.push(type_id);
        self.made.push(claim);
        id
    }

    /// Appends a claim of the arena to the evaluation set.
    pub(super) fn append(&mut self, claim: ClaimId) {
        let entry = number(self.entries.len());
        self.entries.push(Entry { claim, next: NONE });
        let type_id = self.type_ids.get(claim as usize).copied().unwrap_or(NONE);
        let Some(chain) = self.chains.get_mut(type_id as usize) else { return };
        if let Some(last) = self.entries.get_mut(chain.1 as usize) {
            last.next = entry;
        } else {
            chain.0 = entry;
        }
        chain.1 = entry;
    }

    /// The claims of the evaluation set in order: those of one type, or all.
    pub(super) fn candidates(&self, claim_type: Option<TypeId>) -> Candidates<'_, 'a> {
        let at = match claim_type {
            None => 0,
            Some(id) => self.chains.get(id as usize).map_or(NONE, |chain| chain.0),
        };
        Candidates { set: self, at, chained: claim_type.is_some() }
    }
}

/// Walks the evaluation set.
pub(super) struct Candidates<'s, 'a> {
    set: &'s WorkingSet<'a>,
    at: u32,
    chained: bool,
}

impl<'s> Iterator for Candidates<'s, '_> {
    type Item = (ClaimId, &'s Claim);

    fn next(&mut self) -> Option<Self::Item> {
        let entry = self.set.entries.get(self.at as usize)?;
        self.at = if self.chained { entry.next } else { self.at + 1 };
        Some((entry.claim, self.set.claim(entry.claim)?))
    }
}

/// For each of `count` claims, whether an equal one (all six fields) stands before it; empty when there is none.
///
/// Claims are told apart by a cheap number; only those that agree in it are compared.
pub(in crate::claims) fn duplicates<'c>(count: usize, claim: impl Fn(usize) -> Option<&'c Claim>) -> Vec<bool> {
    let mut keys: Vec<(u64, usize)> = (0..count)
        .filter_map(|index| {
            let claim = claim(index)?;
            Some((mix(tail(claim.value.as_bytes()), tail(claim.claim_type.as_bytes())), index))
        })
        .collect();
    if are_apart(&keys) {
        return Vec::new();
    }
    let mut duplicate = vec![false; count];
    keys.sort_unstable();
    for group in keys.chunk_by(|a, b| a.0 == b.0).filter(|group| group.len() > 1) {
        let mut mark = |index: usize| {
            if let Some(flag) = duplicate.get_mut(index) {
                *flag = true;
            }
        };
        if group.len() > 8 {
            let mut seen = HashSet::with_capacity(group.len());
            group.iter().filter(|(_, index)| !seen.insert(claim(*index))).for_each(|(_, index)| mark(*index));
            continue;
        }
        for (place, (_, index)) in group.iter().enumerate() {
            if group.iter().take(place).any(|(_, earlier)| claim(*earlier) == claim(*index)) {
                mark(*index);
            }
        }
    }
    duplicate
}

/// Whether the numbers of a small set are all different, which they are nearly always. `false` says nothing.
///
/// Comparing each with all before it takes one instruction for several of them, and less than sorting them.
fn are_apart(keys: &[(u64, usize)]) -> bool {
    let repeats = |place: usize, key: u64| keys.iter().take(place).filter(|(other, _)| *other == key).count() > 0;
    keys.len() <= SMALL && !keys.iter().enumerate().any(|(place, (key, _))| repeats(place, *key))
}

/// How many numbers are compared each with each.
const SMALL: usize = 48;

/// Limits keep every list far below 2^32.
fn number(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(NONE)
}
