//! The relying parties that a session has signed in to, so that sign-out reaches them (`MSISSignOut`).

use actix_web::http::header::{HeaderName, HeaderValue};

use super::cookies::{self, Keep};
use super::{BrowserSignIn, names};
use crate::authn::{SessionRef, SsoSession};
use crate::tokens::sealed::{SealError, SealPurpose, Sealer};
use crate::trusts::RelyingPartyId;

/// Relying parties by id, the latest last.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::protocols) struct Participants(Vec<RelyingPartyId>);

impl Participants {
    /// Those of the text that belongs to this session.
    pub(super) fn open(sealer: &Sealer, session: &SessionRef, text: &str) -> Result<Self, SealError> {
        sealer
            .open::<Vec<RelyingPartyId>>(PURPOSE.bound_to(&session.0.to_string()), text)
            .map(|opened| Self(opened.value))
    }

    /// The relying parties.
    pub(in crate::protocols) fn iter(&self) -> impl Iterator<Item = &RelyingPartyId> {
        self.0.iter()
    }

    /// With one more; those it signed in to longest ago are left out when there are too many.
    #[must_use]
    pub(in crate::protocols) fn with(mut self, relying_party: RelyingPartyId) -> Self {
        self.0.retain(|each| *each != relying_party);
        self.0.push(relying_party);
        while self.0.len() > 1
            && (self.0.len() > MAX_PARTICIPANTS
                || self.0.iter().map(|id| id.as_str().len() + 3).sum::<usize>() > MAX_OCTETS)
        {
            self.0.remove(0);
        }
        self
    }

    /// The cookie that keeps them as long as the session; none when even one does not fit.
    pub(in crate::protocols) fn cookie(
        &self,
        sign_in: &BrowserSignIn,
        session: &SsoSession,
        keep: Keep,
    ) -> Option<(HeaderName, HeaderValue)> {
        let context = session.subject.session.0.to_string();
        let text = sign_in.sealer.seal(PURPOSE.bound_to(&context), &self.0, session.until).ok()?;
        (text.len() <= MAX_CHARACTERS).then(|| cookies::set(names::PARTICIPANTS, &text, keep))?
    }
}

const PURPOSE: SealPurpose<'static> = SealPurpose::new("sign_out_participants");
const MAX_PARTICIPANTS: usize = 20;
const MAX_OCTETS: usize = 1000;
/// Of the cookie.
const MAX_CHARACTERS: usize = 3000;

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> RelyingPartyId {
        RelyingPartyId::new(text)
    }

    #[test]
    fn each_counts_once_and_the_latest_stay() {
        let mut participants = Participants::default().with(id("a")).with(id("b")).with(id("a"));
        assert_eq!(participants.iter().map(RelyingPartyId::as_str).collect::<Vec<_>>(), ["b", "a"]);
        for number in 0..100 {
            participants = participants.with(id(&format!("urn:example:{number}")));
        }
        assert_eq!(participants.0.len(), MAX_PARTICIPANTS);
        assert_eq!(participants.0.last(), Some(&id("urn:example:99")));
    }

    #[test]
    fn long_names_push_others_out() {
        let long = "x".repeat(600);
        let participants =
            Participants::default().with(id("a")).with(id(&format!("{long}1"))).with(id(&format!("{long}2")));
        assert_eq!(participants.0, [id(&format!("{long}2"))]);
    }
}
