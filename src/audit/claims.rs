//! Claims in the audit log (events 500 to 503): cut into parts, and no more of them than the administrator wants.

use super::event::EventKind;
use super::text::{Capped, Detail, Identifier};
use crate::claims::ClaimSet;

/// Whose claims events 500 to 503 show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClaimsOf {
    /// 500: those in the issued token.
    Issued,
    /// 501: those of the caller.
    Caller,
    /// 502: those of the subject acted for.
    OnBehalfOf,
    /// 503: those of the subject acted as.
    ActAs,
}

/// How much of claims is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ClaimDetail {
    /// No events 500 to 503.
    None,
    /// Claim types only.
    #[default]
    Types,
    /// Types and values, as AD FS writes them.
    Values,
}

/// One claim as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimLine {
    /// Claim type URI.
    pub claim_type: Identifier,
    /// Its value, unless only types are written.
    pub value: Option<Detail>,
}

/// The events that show a set of claims, in parts of at most 8 KiB of text each and at most 64 parts; they are joined by
/// the instance id of the events they are put into.
pub fn claims_events(of: ClaimsOf, claims: &ClaimSet, detail: ClaimDetail) -> Vec<EventKind> {
    if detail == ClaimDetail::None {
        return Vec::new();
    }
    let mut parts: Vec<Vec<ClaimLine>> = Vec::new();
    let mut size = PART_OCTETS;
    let mut omitted = 0;
    for claim in claims {
        let line = ClaimLine {
            claim_type: Capped::shared(&claim.claim_type),
            value: (detail == ClaimDetail::Values).then(|| Capped::shared(&claim.value)),
        };
        let octets = line.claim_type.as_str().len() + line.value.as_ref().map_or(0, |value| value.as_str().len());
        if size + octets > PART_OCTETS {
            if parts.len() == MAX_PARTS {
                omitted += 1;
                continue;
            }
            parts.push(Vec::new());
            size = 0;
        }
        size += octets;
        if let Some(part) = parts.last_mut() {
            part.push(line);
        }
    }
    let count = parts.len();
    parts
        .into_iter()
        .enumerate()
        .map(|(index, claims)| EventKind::Claims { of, part: index + 1, parts: count, claims, omitted })
        .collect()
}

const PART_OCTETS: usize = 8 * 1024;
const MAX_PARTS: usize = 64;
