//! When a domain itself locks an account: `lockoutThreshold` and `lockOutObservationWindow` of its head.
//!
//! Fine-grained password policies may say something else for single accounts; they are not looked at, because most may be read by
//! administrators only.

use std::time::Duration;

use super::{Attributes, DirectoryError};

/// A domain's own lockout policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DomainLockout {
    /// Bad passwords that lock an account; 0 means that the domain never locks.
    pub threshold: u32,
    /// The domain forgets bad passwords when none has come for so long.
    pub observation_window: Duration,
}

impl DomainLockout {
    /// The attributes that it is read from.
    pub(super) const ATTRIBUTES: [&str; 3] = ["objectSid", THRESHOLD, WINDOW];

    /// The policy that these attributes of the head of `domain` say.
    ///
    /// # Errors
    /// [`DirectoryError::Malformed`] when one is missing or no number: silence is no policy.
    pub(super) fn decode(attributes: &Attributes, domain: &str) -> Result<Self, DirectoryError> {
        let malformed = |attribute: &str| DirectoryError::Malformed {
            attribute: attribute.to_owned(),
            key: domain.to_owned(),
            reason: "missing or no number".to_owned(),
        };
        let threshold = attributes.number(THRESHOLD).and_then(|number| u32::try_from(number).ok());
        // A time span is a negative number of 100 nanoseconds.
        let window = attributes.number(WINDOW).ok_or_else(|| malformed(WINDOW))?.unsigned_abs();
        Ok(Self {
            threshold: threshold.ok_or_else(|| malformed(THRESHOLD))?,
            observation_window: Duration::from_nanos(window.saturating_mul(100)),
        })
    }
}

const THRESHOLD: &str = "lockoutThreshold";
const WINDOW: &str = "lockOutObservationWindow";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::{AttributeName, AttributeValue};

    fn attributes(pairs: &[(&str, &str)]) -> Attributes {
        let mut attributes = Attributes::default();
        for (name, value) in pairs {
            attributes.insert(AttributeName::new(name), vec![AttributeValue::Text((*value).to_owned())]);
        }
        attributes
    }

    #[test]
    fn a_threshold_and_a_negative_time_span() {
        let found = attributes(&[(THRESHOLD, "5"), (WINDOW, "-18000000000")]);
        let expected = DomainLockout { threshold: 5, observation_window: Duration::from_mins(30) };
        assert_eq!(DomainLockout::decode(&found, "corp.example"), Ok(expected));
    }

    #[test]
    fn what_is_missing_is_not_taken_for_never() {
        for found in [
            attributes(&[(WINDOW, "-18000000000")]),
            attributes(&[(THRESHOLD, "5")]),
            attributes(&[(THRESHOLD, "-1"), (WINDOW, "0")]),
            attributes(&[(THRESHOLD, "five"), (WINDOW, "0")]),
        ] {
            let decoded = DomainLockout::decode(&found, "corp.example");
            assert!(matches!(decoded, Err(DirectoryError::Malformed { .. })), "{decoded:?}");
        }
    }
}
