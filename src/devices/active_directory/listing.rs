//! All devices in order of their identifiers.
//!
//! A directory lists in no useful order. The identifiers are fetched once, sorted and kept for as long as one walk through the
//! list takes; what is read by them is fresh.

use std::time::Duration;

use uuid::Uuid;

use crate::devices::{DeviceId, RegistryError};
use crate::directory::filter::Filter;
use crate::directory::ldap::Objects;

use super::failure::failed;

/// Identifiers, and when they were fetched.
#[derive(Debug, Default)]
pub(super) struct Listing {
    fetched: Option<Duration>,
    ids: Vec<DeviceId>,
}

impl Listing {
    /// A fresh one.
    pub(super) const fn new(ids: Vec<DeviceId>, now: Duration) -> Self {
        Self { fetched: Some(now), ids }
    }

    /// Whether it may still be walked; a walk that begins has a fresh one.
    pub(super) fn is_good(&self, begins: bool, now: Duration) -> bool {
        let kept = if begins { Duration::ZERO } else { KEPT };
        self.fetched.is_some_and(|at| now.saturating_sub(at) < kept)
    }

    /// Those behind `after`.
    pub(super) fn behind(&self, after: Option<DeviceId>, limit: usize) -> Vec<DeviceId> {
        let begin = after.map_or(0, |after| self.ids.partition_point(|id| *id <= after));
        self.ids.iter().skip(begin).take(limit).copied().collect()
    }
}

/// The identifiers of all devices below a container, in order.
pub(super) async fn fetch(objects: &mut Objects, container: &str) -> Result<Vec<DeviceId>, RegistryError> {
    let filter = Filter::equal("objectClass", "msDS-Device").to_string();
    let found = objects.find(container, &filter, &["msDS-DeviceID"], MOST).await.map_err(|error| failed(&error))?;
    let id = |octets: &[u8]| octets.try_into().ok().map(|octets| DeviceId(Uuid::from_bytes_le(octets)));
    let mut ids: Vec<_> =
        found.iter().filter_map(|object| id(object.attributes.octets("msDS-DeviceID").next()?)).collect();
    ids.sort_unstable();
    ids.dedup();
    Ok(ids)
}

const KEPT: Duration = Duration::from_mins(10);
/// Sixteen octets each are kept.
const MOST: usize = 2_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_walk_sees_each_device_once() {
        let ids: Vec<_> = (1..=5).map(|n| DeviceId(Uuid::from_u128(n))).collect();
        let listing = Listing::new(ids.clone(), Duration::from_secs(5));
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let part = listing.behind(after, 2);
            let Some(last) = part.last() else { break };
            after = Some(*last);
            seen.extend(part);
        }
        assert_eq!(seen, ids);
        assert!(!listing.is_good(true, Duration::from_secs(5)));
        assert!(listing.is_good(false, Duration::from_mins(1)));
        assert!(!listing.is_good(false, Duration::from_mins(11)));
        assert!(!Listing::default().is_good(false, Duration::ZERO));
    }
}
