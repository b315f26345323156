//! What codes and refresh tokens carry, sealed: who signed in, from where, for what. Rules are asked again when a token is
//! made, so that what was permitted once is not permitted for good.
//!
//! Codes go through query strings, which servers bound with everything that stands in them (IIS: 2048 characters): what is carried is
//! packed, and where an account is in more groups than there is room for, those of its own domain stay behind.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::authn::{PackedSession, RequestOrigin, SessionRef, SsoSession};
use crate::clock::{Random, RandomError, UtcTime};
use crate::tokens::sealed::{SealError, SealPurpose, Sealer};

/// A sign-in on its way from one request of a client to the next.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct SignedIn {
    #[serde(rename = "s")]
    session: PackedSession,
    /// End of the session.
    #[serde(rename = "u")]
    pub(super) until: UtcTime,
    /// Where the person was.
    #[serde(rename = "o")]
    pub(super) origin: RequestOrigin,
    /// The resource.
    #[serde(rename = "r")]
    pub(super) resource: String,
    /// The scopes that were granted.
    #[serde(rename = "c")]
    pub(super) scopes: Vec<String>,
    /// All tokens that come of one sign-in, to be revoked together.
    #[serde(rename = "f")]
    pub(super) family: SessionRef,
    /// Whether the client got it on behalf of the person, whom it has never seen itself.
    #[serde(rename = "b", default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) on_behalf: bool,
    /// Whether the client runs elsewhere than where the person signed in: on a device without a browser, or on a server.
    #[serde(rename = "e", default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) elsewhere: bool,
    /// Which of the refresh tokens that follow each other it is; none for 0.
    #[serde(rename = "g", default, skip_serializing_if = "is_none")]
    generation: u32,
}

/// An authorization code.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Code {
    /// What it is redeemed for.
    #[serde(flatten)]
    pub(super) signed_in: SignedIn,
    /// Its own id.
    #[serde(rename = "i")]
    pub(super) id: Uuid,
    /// Where it was sent to.
    #[serde(rename = "a")]
    pub(super) redirect_uri: String,
    /// `code_challenge` of method `S256`.
    #[serde(rename = "k", default, skip_serializing_if = "Option::is_none")]
    pub(super) challenge: Option<String>,
    /// `nonce`
    #[serde(rename = "n", default, skip_serializing_if = "Option::is_none")]
    pub(super) nonce: Option<String>,
    /// Whether groups of the account stayed behind.
    #[serde(rename = "h", default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) without_groups: bool,
}

impl Code {
    /// The code as it goes through the browser.
    ///
    /// # Errors
    /// [`SealError`].
    pub(super) fn seal(mut self, sealer: &Sealer, client: &str, until: UtcTime) -> Result<String, SealError> {
        let purpose = CODE.bound_to(client);
        let whole = sealer.seal(purpose, &self, until)?;
        if whole.len() <= USUAL_CODE || !self.signed_in.leave_out_groups() {
            return Ok(whole);
        }
        self.without_groups = true;
        sealer.seal(purpose, &self, until)
    }
}

impl SignedIn {
    /// A sign-in that begins a family of its own.
    pub(super) fn begin(
        session: &SsoSession,
        origin: RequestOrigin,
        resource: String,
        scopes: Vec<String>,
        random: &dyn Random,
    ) -> Result<Self, RandomError> {
        Ok(Travelled::begin(origin, resource, scopes, random)?.again(session))
    }

    /// Leaves the groups behind that can be looked up again; whether there were any.
    pub(super) fn leave_out_groups(&mut self) -> bool {
        self.session.leave_out_groups()
    }

    /// The session, and the rest.
    pub(super) fn unpack(self) -> Option<(SsoSession, Travelled)> {
        let Self { session, until, origin, resource, scopes, family, on_behalf, elsewhere, generation } = self;
        Some((session.unpack(until)?, Travelled { origin, resource, scopes, family, on_behalf, elsewhere, generation }))
    }
}

/// A sign-in that arrived, without its session.
#[derive(Debug, Clone)]
pub(super) struct Travelled {
    /// Where the person was.
    pub(super) origin: RequestOrigin,
    /// The resource.
    pub(super) resource: String,
    /// The scopes that were granted.
    pub(super) scopes: Vec<String>,
    /// The family.
    pub(super) family: SessionRef,
    /// Whether the client got it on behalf of the person.
    pub(super) on_behalf: bool,
    /// Whether the client runs elsewhere than where the person signed in.
    pub(super) elsewhere: bool,
    /// Which of the refresh tokens that follow each other it was; none for 0.
    pub(super) generation: u32,
}

impl Travelled {
    /// What begins a family of its own.
    pub(super) fn begin(
        origin: RequestOrigin,
        resource: String,
        scopes: Vec<String>,
        random: &dyn Random,
    ) -> Result<Self, RandomError> {
        Ok(Self {
            origin,
            resource,
            scopes,
            family: SessionRef::random(random)?,
            on_behalf: false,
            elsewhere: false,
            generation: 0,
        })
    }

    /// What goes on travelling.
    pub(super) fn again(&self, session: &SsoSession) -> SignedIn {
        SignedIn {
            session: PackedSession::from(session),
            until: session.until,
            origin: self.origin.clone(),
            resource: self.resource.clone(),
            scopes: self.scopes.clone(),
            family: self.family.clone(),
            on_behalf: self.on_behalf,
            elsewhere: self.elsewhere,
            generation: self.generation,
        }
    }

    /// What goes on travelling in the next refresh token.
    pub(super) fn next(&self, session: &SsoSession) -> SignedIn {
        SignedIn { generation: self.generation.saturating_add(1), ..self.again(session) }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
const fn is_none(generation: &u32) -> bool {
    *generation == 0
}

/// A fresh id.
pub(super) fn fresh_id(random: &dyn Random) -> Result<Uuid, RandomError> {
    Ok(SessionRef::random(random)?.0)
}

/// A code; bound to the client.
pub(super) const CODE: SealPurpose<'static> = SealPurpose::new("oauth_code").packed();
/// A refresh token; bound to the client.
pub(super) const REFRESH: SealPurpose<'static> = SealPurpose::new("oauth_refresh_token").packed();
/// Characters of a code that leave room for what else stands in a query.
const USUAL_CODE: usize = 1200;
/// In front of a refresh token: some clients take a token without a dot for base64 of something else.
pub(super) const REFRESH_PREFIX: &str = "0.";

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::authn::session::tests::subject;
    use crate::authn::{AuthenticationMethod, NetworkLocation, SubjectOrigin};
    use crate::clock::{ManualClock, SystemRandomSource};
    use crate::directory::Sid;
    use crate::secret::Secret;

    const NOW: UtcTime = UtcTime::from_unix_seconds(1_767_607_201);

    /// A session of a member of so many groups of their domain, and of one that the directory does not tell.
    fn member(groups: u32) -> SsoSession {
        let mut subject = subject(AuthenticationMethod::Windows, NOW);
        let SubjectOrigin::Directory(account) = &mut subject.origin else { panic!("an account") };
        let domain = account.sid.parent().unwrap();
        account.groups = (0..groups).map(|number| domain.child(1_900_000 + number * 17 % 9973).unwrap()).collect();
        account.groups.push(asserted());
        SsoSession { subject, kept: None, prt_family: None, until: NOW.plus(Duration::from_hours(8)) }
    }

    fn asserted() -> Sid {
        "S-1-18-1".parse().unwrap()
    }

    /// The code of a session, as text and as it arrives.
    fn code(session: &SsoSession) -> (String, Code) {
        let (clock, random) = (Arc::new(ManualClock::at(NOW)), SystemRandomSource::new());
        let sealer = Sealer::new(&Secret::new([3; 32]), clock, Arc::new(SystemRandomSource::new()), 16 * 1024);
        let ip = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 7));
        let origin = RequestOrigin {
            peer: ip,
            client_ip: ip,
            forwarded_for: Vec::new(),
            proxy: None,
            location: NetworkLocation::Extranet,
            ignored_headers: false,
        };
        let scopes = ["openid", "profile", "https://orders.corp.example//.default"].map(String::from).to_vec();
        let resource = String::from("https://orders.corp.example/");
        let code = Code {
            signed_in: SignedIn::begin(session, origin, resource, scopes, &random).unwrap(),
            id: fresh_id(&random).unwrap(),
            redirect_uri: String::from("https://orders.corp.example/signin-oidc"),
            challenge: Some(String::from("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM")),
            nonce: Some(fresh_id(&random).unwrap().to_string()),
            without_groups: false,
        };
        let text = code.seal(&sealer, "client", NOW.plus(Duration::from_mins(1))).unwrap();
        let opened = sealer.open::<Code>(CODE.bound_to("client"), &text).unwrap();
        (text, opened.value)
    }

    #[test]
    fn a_code_has_room_in_a_query_however_many_groups_somebody_is_in() {
        for (groups, stay_behind) in [(1, false), (60, false), (1000, true), (5000, true)] {
            let session = member(groups);
            let (text, code) = code(&session);
            assert!(text.len() <= USUAL_CODE, "{groups} groups: {} characters", text.len());
            assert_eq!(code.without_groups, stay_behind, "{groups} groups");
            let (arrived, _) = code.signed_in.unpack().unwrap();
            if stay_behind {
                let SubjectOrigin::Directory(account) = &arrived.subject.origin else { panic!("an account") };
                assert_eq!(account.groups, [asserted()], "what can be looked up again is left out, and nothing else");
            } else {
                assert_eq!(arrived, session);
            }
        }
    }
}
