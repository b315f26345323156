//! The checks that both kinds of assertion share: issuer, audience, times.

use super::{Delivery, InboundError, Limit, Partner};
use crate::clock::UtcTime;
use crate::xml::Element;

/// Against what an assertion is checked.
#[derive(Clone, Copy)]
pub(super) struct Check<'a> {
    pub(super) partner: &'a Partner<'a>,
    pub(super) delivery: &'a Delivery<'a>,
}

impl Check<'_> {
    pub(super) fn issuer(&self, found: &str) -> Result<(), InboundError> {
        let expected = self.partner.identifier;
        if found == expected {
            return Ok(());
        }
        Err(InboundError::Issuer { found: found.to_owned(), expected: expected.to_owned() })
    }

    /// One audience restriction: this server must be among the audiences.
    pub(super) fn audience<'d, 'i: 'd>(
        &self,
        audiences: impl Iterator<Item = Element<'d, 'i>>,
    ) -> Result<(), InboundError> {
        let found = audiences.map(|audience| audience.text().map(str::trim)).collect::<Result<Vec<_>, _>>()?;
        if found.iter().any(|audience| self.partner.audiences.contains(audience)) {
            return Ok(());
        }
        Err(InboundError::Audience { found: found.into_iter().map(str::to_owned).collect() })
    }

    /// A moment that must have come.
    pub(super) fn begun(&self, limit: Limit, at: UtcTime) -> Result<(), InboundError> {
        if at > self.delivery.now.plus(self.delivery.skew) { Err(InboundError::TooEarly { limit, at }) } else { Ok(()) }
    }

    /// A moment that must not have come.
    pub(super) fn not_over(&self, limit: Limit, at: UtcTime) -> Result<(), InboundError> {
        if at.plus(self.delivery.skew) <= self.delivery.now { Err(InboundError::TooLate { limit, at }) } else { Ok(()) }
    }

    /// `NotBefore` and `NotOnOrAfter` of an element; gives its end.
    pub(super) fn window(&self, element: Element<'_, '_>, limit: Limit) -> Result<Option<UtcTime>, InboundError> {
        if let Some(at) = super::reading::optional_instant(element, "NotBefore")? {
            self.begun(limit, at)?;
        }
        let end = super::reading::optional_instant(element, "NotOnOrAfter")?;
        if let Some(at) = end {
            self.not_over(limit, at)?;
        }
        Ok(end)
    }

    /// The address, where it is named.
    pub(super) fn recipient(&self, found: Option<&str>) -> Result<(), InboundError> {
        let expected = self.delivery.recipient;
        match found {
            Some(found) if found != expected => {
                Err(InboundError::Recipient { found: found.to_owned(), expected: expected.to_owned() })
            }
            _ => Ok(()),
        }
    }

    /// The request that is answered.
    pub(super) fn in_response_to(&self, found: Option<&str>) -> Result<(), InboundError> {
        let expected = self.delivery.in_response_to;
        if found == expected {
            return Ok(());
        }
        let owned = |id: Option<&str>| id.map(str::to_owned);
        Err(InboundError::InResponseTo { found: owned(found), expected: owned(expected) })
    }
}
