//! The relying parties that a person has signed in to, so that sign-out reaches them (`MSISSignOut`).
//!
//! A cookie beside the session's, as AD FS has it: it is good when the session is over, because those sessions are not. It is one
//! person's: of whoever signs in next nothing is told to the relying parties of the one before.

use std::time::Duration;

use actix_web::http::header::{HeaderName, HeaderValue};
use aws_lc_rs::digest;

use super::cookies::{self, Cookie, Keep};
use super::{Browser, BrowserSignIn};
use crate::authn::{SessionRef, SsoSession, SubjectOrigin};
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
    let earlier = browser.participants(sign_in);
    let mine = earlier.are_of(&session.subject.origin);
    let entries = if mine { earlier.entries } else { Vec::new() };
    let until = session.until.plus(OUTLIVES);
    let keep = if session.kept.is_some() { Keep::For(until.since(now)) } else { Keep::Session };
    Participants::of(session, entries).with(entry).cookie(sign_in, until, keep)
}

/// Who was signed in to, by whom.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(in crate::protocols) struct Participants {
    /// Digest of [`SubjectOrigin::person`].
    #[serde(rename = "w")]
    person: Option<String>,
    /// The latest session, by which clients know it.
    #[serde(rename = "s")]
    session: Option<SessionRef>,
    /// By id, the latest last.
    #[serde(rename = "p")]
    entries: Vec<RelyingPartyId>,
}

impl Participants {
    fn of(session: &SsoSession, entries: Vec<RelyingPartyId>) -> Self {
        let subject = &session.subject;
        Self { person: Some(digest_of(&subject.origin)), session: Some(subject.session.clone()), entries }
    }

    /// Those of a text that [`take_part`] made.
    pub(super) fn open(sealer: &Sealer, text: &str) -> Result<Self, SealError> {
        sealer.open::<Self>(PURPOSE, text).map(|opened| opened.value)
    }

    /// Whether it was this person who signed in there.
    pub(super) fn are_of(&self, person: &SubjectOrigin) -> bool {
        self.person.as_ref().is_some_and(|own| *own == digest_of(person))
    }

    /// The session by which clients know it.
    pub(super) const fn session(&self) -> Option<&SessionRef> {
        self.session.as_ref()
    }

    /// The relying parties.
    pub(super) fn iter(&self) -> impl Iterator<Item = &RelyingPartyId> {
        self.entries.iter()
    }

    /// With one more; those that were signed in to longest ago are left out when there are too many.
    #[must_use]
    fn with(mut self, relying_party: RelyingPartyId) -> Self {
        let entries = &mut self.entries;
        entries.retain(|each| *each != relying_party);
        entries.push(relying_party);
        while entries.len() > 1
            && (entries.len() > MAX_PARTICIPANTS
                || entries.iter().map(|id| id.as_str().len() + 3).sum::<usize>() > MAX_OCTETS)
        {
            entries.remove(0);
        }
        self
    }

    /// The cookie that keeps them; none when even one does not fit.
    fn cookie(&self, sign_in: &BrowserSignIn, until: UtcTime, keep: Keep) -> Option<(HeaderName, HeaderValue)> {
        let text = sign_in.sealer.seal(PURPOSE, self, until).ok()?;
        cookies::set(Cookie::Participants, &text, keep)
    }
}

fn digest_of(person: &SubjectOrigin) -> String {
    let digest = digest::digest(&digest::SHA256, person.person().as_bytes());
    hex::encode(digest.as_ref().get(..16).unwrap_or_default())
}

/// In front of a client's id. No trust has an identifier of this name.
const CLIENT: &str = "urn:chancery:client:";
const PURPOSE: SealPurpose<'static> = SealPurpose::new("sign_out_participants");
/// How long they are known after the session has ended: the sessions there end by themselves some day.
const OUTLIVES: Duration = Duration::from_hours(7 * 24);
const MAX_PARTICIPANTS: usize = 20;
const MAX_OCTETS: usize = 1200;

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::authn::session::tests::subject;
    use crate::authn::{AuthenticationMethod, SessionLifetimes};
    use crate::clock::{ManualClock, SystemRandomSource};
    use crate::secret::Secret;

    const NOW: UtcTime = UtcTime::from_unix_seconds(1_767_607_201);

    fn id(text: &str) -> RelyingPartyId {
        RelyingPartyId::new(text)
    }

    fn session() -> SsoSession {
        let lifetimes = SessionLifetimes { session: Duration::from_hours(8), kept: None };
        SsoSession::begin(subject(AuthenticationMethod::Password, NOW), lifetimes, None, NOW)
    }

    #[test]
    fn each_counts_once_and_the_latest_stay() {
        let mut participants = Participants::default().with(id("a")).with(id("b")).with(id("a"));
        assert_eq!(participants.iter().map(RelyingPartyId::as_str).collect::<Vec<_>>(), ["b", "a"]);
        for number in 0..100 {
            participants = participants.with(id(&format!("urn:example:{number}")));
        }
        assert_eq!(participants.entries.len(), MAX_PARTICIPANTS);
        assert_eq!(participants.entries.last(), Some(&id("urn:example:99")));
    }

    #[test]
    fn long_names_push_others_out() {
        let long = "x".repeat(700);
        let participants =
            Participants::default().with(id("a")).with(id(&format!("{long}1"))).with(id(&format!("{long}2")));
        assert_eq!(participants.entries, [id(&format!("{long}2"))]);
    }

    #[test]
    fn they_are_one_persons_and_the_most_of_them_fits_its_cookie() {
        let session = session();
        let of_long_names = (0..MAX_PARTICIPANTS).map(|number| id(&format!("{}{number:02}", "x".repeat(55))));
        let participants = of_long_names.fold(Participants::of(&session, Vec::new()), Participants::with);
        assert_eq!(participants.entries.len(), MAX_PARTICIPANTS);
        let random = Arc::new(SystemRandomSource::new());
        let sealer = Sealer::new(&Secret::new([3; 32]), Arc::new(ManualClock::at(NOW)), random, 8192);
        let text = sealer.seal(PURPOSE, &participants, NOW.plus(OUTLIVES)).unwrap();
        assert!(text.len() <= Cookie::Participants.most(), "{}", text.len());
        let opened = Participants::open(&sealer, &text).unwrap();
        assert_eq!(opened, participants);
        assert!(opened.are_of(&session.subject.origin));
        let mut other = session.subject.origin.clone();
        let SubjectOrigin::Directory(account) = &mut other else { panic!("an account") };
        account.sid = "S-1-5-21-1-2-3-4".parse().unwrap();
        assert!(!opened.are_of(&other));
        assert!(!Participants::default().are_of(&other));
    }
}
