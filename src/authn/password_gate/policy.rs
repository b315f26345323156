//! The numbers of lockout protection, and the checks on them.

use std::num::NonZeroU32;
use std::time::Duration;

use ipnet::IpNet;

use super::ledger::Thresholds;
use crate::authn::network::canonical_net;
use crate::directory::DomainLockout;

/// How many bad passwords are passed on to Active Directory, and what happens then (ws-federation.md 11.6).
#[derive(Debug, Clone)]
pub struct LockoutPolicy {
    /// Whether a locked account is refused, or only reported.
    pub mode: LockoutMode,
    /// Bad passwords from all places together that are passed on before the account is locked for every place. Must be below
    /// the domain's own threshold, which counts them all too.
    pub threshold: NonZeroU32,
    /// How many of these may come from unknown places (`ExtranetLockoutThreshold`). Below `threshold`, so that a guesser
    /// elsewhere leaves the owner the rest; the intranet is never an unknown place.
    pub threshold_unknown: NonZeroU32,
    /// For so long after the last bad password that was passed on, a locked account is refused; then one attempt is let
    /// through (`ExtranetObservationWindow`).
    pub observation_window: Duration,
    /// Attempts that one source may have judged bad at once before it is slowed down.
    pub source_burst: NonZeroU32,
    /// A slowed source gets one more attempt each time this passes.
    pub source_interval: Duration,
    /// Accounts with bad passwords that are remembered; about 150 octets each.
    pub max_accounts: usize,
    /// Sources with bad passwords that are remembered; about 50 octets each.
    pub max_sources: usize,
}

impl Default for LockoutPolicy {
    /// Below a domain threshold of 5 bad passwords in 30 minutes, the lowest in wide use.
    fn default() -> Self {
        const fn nonzero(n: u32) -> NonZeroU32 {
            match NonZeroU32::new(n) {
                Some(n) => n,
                None => NonZeroU32::MIN,
            }
        }
        Self {
            mode: LockoutMode::Enforce,
            threshold: nonzero(4),
            threshold_unknown: nonzero(3),
            observation_window: Duration::from_mins(30),
            source_burst: nonzero(50),
            source_interval: Duration::from_secs(6),
            max_accounts: 100_000,
            max_sources: 100_000,
        }
    }
}

impl LockoutPolicy {
    pub(super) const fn thresholds(&self) -> Thresholds {
        Thresholds { everywhere: self.threshold.get(), unknown: self.threshold_unknown.get() }
    }

    /// Compares the policy with the domain's own (`lockoutThreshold`, `lockOutObservationWindow`), for `chancery check`.
    ///
    /// The domain locks at its threshold, so fewer may be passed on; and it must have forgotten the bad passwords before this
    /// server passes on another one. `nodes` is the number of nodes that count for themselves.
    ///
    /// # Errors
    /// Every way in which the domain would lock the account first.
    pub fn check_against_domain(&self, domain: DomainLockout, nodes: u32) -> Result<(), Vec<LockoutPolicyError>> {
        let mut errors = Vec::new();
        if domain.threshold != 0 {
            let passed_on = self.threshold.get().saturating_mul(nodes.max(1));
            if passed_on >= domain.threshold {
                errors.push(LockoutPolicyError::Threshold { passed_on, domain: domain.threshold });
            }
            if self.observation_window < domain.observation_window {
                errors.push(LockoutPolicyError::Window {
                    ours: self.observation_window,
                    domain: domain.observation_window,
                });
            }
        }
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }
}

/// What happens to an attempt on a locked account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockoutMode {
    /// It is refused without touching Active Directory.
    Enforce,
    /// It is let through and reported (`ADFSSmartLockoutLogOnly`).
    LogOnly,
}

/// Why the domain would lock an account before this server does.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LockoutPolicyError {
    /// Too many bad passwords are passed on.
    #[error("up to {passed_on} wrong passwords of an account reach the domain, which locks it at {domain}")]
    Threshold {
        /// The threshold, times the nodes that count for themselves.
        passed_on: u32,
        /// The domain's threshold.
        domain: u32,
    },
    /// Passed on again before the domain has forgotten.
    #[error("an account gets its next attempt after {} minutes, but the domain counts for {}", .ours.as_secs() / 60, .domain.as_secs() / 60)]
    Window {
        /// Ours.
        ours: Duration,
        /// The domain's.
        domain: Duration,
    },
}

/// Addresses from which no password is checked (`BannedIpList`).
#[derive(Debug, Clone, Default)]
pub struct BannedNetworks(Vec<IpNet>);

impl BannedNetworks {
    /// Most entries, as in AD FS.
    pub const MAX: usize = 300;

    /// A list of networks; a single address is a network of one.
    ///
    /// # Errors
    /// [`TooManyBannedNetworks`] beyond [`BannedNetworks::MAX`].
    pub fn new(networks: impl IntoIterator<Item = IpNet>) -> Result<Self, TooManyBannedNetworks> {
        let networks: Vec<IpNet> = networks.into_iter().map(canonical_net).collect();
        if networks.len() > Self::MAX { Err(TooManyBannedNetworks(networks.len())) } else { Ok(Self(networks)) }
    }

    pub(super) fn contains(&self, address: std::net::IpAddr) -> bool {
        crate::authn::network::contains(&self.0, address)
    }
}

/// The list of banned addresses is too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} banned addresses; at most 300 are allowed")]
pub struct TooManyBannedNetworks(pub usize);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_when_the_domain_would_lock_first() {
        let policy = LockoutPolicy::default();
        let domain = |threshold, minutes| DomainLockout { threshold, observation_window: Duration::from_mins(minutes) };
        assert_eq!(policy.check_against_domain(domain(5, 30), 1), Ok(()));
        assert_eq!(policy.check_against_domain(domain(0, 99), 1), Ok(()));
        assert_eq!(
            policy.check_against_domain(domain(4, 30), 1),
            Err(vec![LockoutPolicyError::Threshold { passed_on: 4, domain: 4 }])
        );
        assert_eq!(
            policy.check_against_domain(domain(8, 30), 2),
            Err(vec![LockoutPolicyError::Threshold { passed_on: 8, domain: 8 }])
        );
        assert_eq!(policy.check_against_domain(domain(4, 60), 1).unwrap_err().len(), 2);
    }

    #[test]
    fn at_most_300_banned_networks() {
        let net: IpNet = "192.0.2.0/24".parse().unwrap();
        assert!(BannedNetworks::new(vec![net; 300]).is_ok());
        assert_eq!(BannedNetworks::new(vec![net; 301]).unwrap_err(), TooManyBannedNetworks(301));
    }
}
