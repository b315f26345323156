//! Proxy header fields from where no proxy is configured: ignored, and said once for each source. A balancer that is missing in the
//! configuration shows itself so; a client that tries to seem another one does too.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use crate::authn::RequestOrigin;
use crate::correlation::CorrelationId;

/// The sources that were named in the log.
#[derive(Debug, Default)]
pub struct Strangers(Mutex<BTreeSet<IpAddr>>);

impl Strangers {
    /// Writes the line for a request whose proxy header fields were ignored, unless there is one of its source already.
    pub fn notice(&self, origin: &RequestOrigin, correlation: CorrelationId) {
        if origin.ignored_headers && self.is_new(origin.peer) {
            tracing::warn!(
                correlation = %correlation,
                peer = %origin.peer,
                "header fields of a proxy are ignored, because they come from an address that is no configured proxy: a balancer \
                 belongs into server.trusted_proxies, a federation proxy into server.federation_proxies. This is said once for \
                 each address"
            );
        }
    }

    fn is_new(&self, peer: IpAddr) -> bool {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.len() < MOST && known.insert(peer)
    }
}

/// Addresses that are named: the world has more than a log should.
const MOST: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_source_is_new_once_and_they_end() {
        let strangers = Strangers::default();
        let address = |n: usize| IpAddr::from([10, 0, 1, u8::try_from(n).unwrap()]);
        assert!(strangers.is_new(address(0)) && !strangers.is_new(address(0)));
        assert_eq!((1..=MOST).filter(|n| strangers.is_new(address(*n))).count(), MOST - 1);
    }
}
