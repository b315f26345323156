//! The relying parties that a session has signed in to, so that sign-out reaches them (`MSISSignOut`).

use actix_web::http::header::{HeaderName, HeaderValue};

use super::cookies::{self, Keep};
use super::{Browser, BrowserSignIn, names};
use crate::authn::{SessionRef, SsoSession};
use crate::clock::UtcTime;
use crate::tokens::sealed::{SealError, SealPurpose, Sealer};
use crate::trusts::RelyingPartyId;

/// Who takes part in a session.
pub(super) enum Participant<'a> {
    /// A relying party, by the id of its trust.
    RelyingParty(&'a str),
    /// An OAuth client, by its id.
    Client(&'a str),
}

impl<'a> Participant<'a> {
    /// What an entry stands for.
    pub(super) fn of(id: &'a RelyingPartyId) -> Self {
        match id.as_str().strip_prefix(CLIENT) {
            Some(client) => Self::Client(client),
            None => Self::RelyingParty(id.as_str()),
        }
    }
}

/// The entry of an OAuth client.
pub(in crate::protocols) fn client_entry(id: &str) -> RelyingPartyId {
    RelyingPartyId::new(format!("{CLIENT}{id}"))
}

/// The cookie with everybody this session signed in to, `entry` among them. Those of an earlier session of the same person
/// stay: they are still signed in there.
pub(in crate::protocols) fn take_part(
    sign_in: &BrowserSignIn,
    browser: &Browser,
    session: &SsoSession,
    entry: RelyingPartyId,
    now: UtcTime,
) -> Option<(HeaderName, HeaderValue)> {
    let earlier = browser.session.as_ref();
    let same_person = earlier.is_some_and(|earlier| earlier.subject.origin.is_same_person(&session.subject.origin));
    let earlier = if same_person { browser.participants(sign_in) } else { Participants::default() };
    let keep = if session.kept.is_some() { Keep::For(session.until.since(now)) } else { Keep::Session };
    earlier.with(entry).cookie(sign_in, session, keep)
}

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
    pub(super) fn iter(&self) -> impl Iterator<Item = &RelyingPartyId> {
        self.0.iter()
    }

    /// With one more; those it signed in to longest ago are left out when there are too many.
    #[must_use]
    pub(super) fn with(mut self, relying_party: RelyingPartyId) -> Self {
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
    pub(super) fn cookie(
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

/// In front of a client's id. No trust has an identifier of this name.
const CLIENT: &str = "urn:chancery:client:";
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
