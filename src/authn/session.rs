//! A sign-in session: somebody who proved who they are, remembered by their browser under seal.
//!
//! Any node opens it; nothing is stored. Knows nothing of cookies, which carry it in pieces.

mod groups;

use std::time::Duration;

use self::groups::{pack, unpack};
use super::certificate::CertificateContext;
use super::{
    AuthenticatedSubject, AuthenticationMethod, ClientSubject, DeviceContext, FederatedSubject, SessionRef,
    SubjectOrigin,
};
use crate::clock::UtcTime;
use crate::directory::{Account, AccountKind, Sid};
use crate::store::{Revocations, StoreError};
use crate::tokens::sealed::{SealError, SealPurpose, Sealer};

/// How long a session lasts (ws-federation.md 6.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionLifetimes {
    /// From the authentication, until the browser is closed.
    pub session: Duration,
    /// From the authentication, kept over the browser's end, where the person asked for it; `None` where that is not offered.
    pub kept: Option<Duration>,
}

/// A session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SsoSession {
    /// Who is signed in.
    pub subject: AuthenticatedSubject,
    /// Whether the browser keeps it when it is closed: `pwdLastSet` of the sign-in. It is good for as long as the directory says
    /// the same (ws-federation.md 6.7).
    pub kept: Option<i64>,
    /// The family of the primary refresh token that a device began it by: it ends with that.
    pub prt_family: Option<SessionRef>,
    /// When it ends.
    pub until: UtcTime,
}

impl SsoSession {
    /// The session that begins `now`, however long ago a claims provider authenticated its user. `keep` is there when the person wishes
    /// to keep it: `pwdLastSet` of the account.
    pub fn begin(subject: AuthenticatedSubject, lifetimes: SessionLifetimes, keep: Option<i64>, now: UtcTime) -> Self {
        let (kept, lifetime) = match (lifetimes.kept, keep) {
            (Some(lifetime), Some(password_set)) => (Some(password_set), lifetime),
            _ => (None, lifetimes.session),
        };
        Self { subject, kept, prt_family: None, until: now.plus(lifetime) }
    }

    /// Whether it, or what it began by, was revoked.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn is_revoked(&self, revocations: &dyn Revocations) -> Result<bool, StoreError> {
        for one in std::iter::once(&self.subject.session).chain(&self.prt_family) {
            if revocations.is_revoked(one).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The session, ending with that of the claims provider where that one ends before.
    #[must_use]
    pub fn ending_by(self, end: Option<UtcTime>) -> Self {
        Self { until: end.map_or(self.until, |end| self.until.min(end)), ..self }
    }

    /// The session as text that only this farm reads.
    ///
    /// # Errors
    /// [`SealError`].
    pub fn seal(&self, sealer: &Sealer) -> Result<String, SealError> {
        sealer.seal(PURPOSE, &Wire::from(self), self.until)
    }

    /// The session of a text that [`SsoSession::seal`] made. Whether it was revoked is for the store to say.
    ///
    /// # Errors
    /// [`SealError`].
    pub fn open(sealer: &Sealer, text: &str) -> Result<Self, SealError> {
        let opened = sealer.open::<Wire>(PURPOSE, text)?;
        let session = opened.value.into_session(opened.expiry);
        session.ok_or_else(|| SealError::Value(String::from("a group is no SID")))
    }
}

/// A session inside something else that travels sealed, such as a code or a refresh token.
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct PackedSession(Wire);

impl From<&SsoSession> for PackedSession {
    fn from(session: &SsoSession) -> Self {
        Self(Wire::from(session))
    }
}

impl PackedSession {
    /// Leaves out the groups of the account's own domain, which its domain controllers tell again; whether there were any.
    pub fn leave_out_groups(&mut self) -> bool {
        let WireOrigin::Directory(account) = &mut self.0.origin else { return false };
        let (own, before) = (account.sid.parent(), account.groups.len());
        account.groups.retain(|(authority, _)| Some(*authority) != own);
        account.groups.len() < before
    }

    /// The session, until a time; `None` when it is none.
    pub fn unpack(self, until: UtcTime) -> Option<SsoSession> {
        self.0.into_session(until)
    }
}

impl std::fmt::Debug for PackedSession {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PackedSession").finish_non_exhaustive()
    }
}

/// The sealed form. Short names and packed groups, deflated: it travels with every request, and a member of hundreds of groups, or
/// whom a claims provider says much about, still must get through balancers.
#[derive(serde::Serialize, serde::Deserialize)]
pub(super) struct Wire {
    #[serde(flatten)]
    origin: WireOrigin,
    #[serde(rename = "m")]
    methods: Vec<AuthenticationMethod>,
    #[serde(rename = "i")]
    instant: UtcTime,
    #[serde(rename = "v")]
    device: Option<DeviceContext>,
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    certificate: Option<CertificateContext>,
    #[serde(rename = "e", default, skip_serializing_if = "Option::is_none")]
    password_expires: Option<UtcTime>,
    #[serde(rename = "l", default, skip_serializing_if = "Option::is_none")]
    alternate_login_id: Option<String>,
    #[serde(rename = "x")]
    session: SessionRef,
    #[serde(rename = "w", default, skip_serializing_if = "Option::is_none")]
    kept: Option<i64>,
    #[serde(rename = "p", default, skip_serializing_if = "Option::is_none")]
    prt_family: Option<SessionRef>,
}

#[derive(serde::Serialize, serde::Deserialize)]
#[expect(clippy::large_enum_variant, reason = "nearly every session is an account's")]
enum WireOrigin {
    #[serde(rename = "d")]
    Directory(WireAccount),
    #[serde(rename = "f")]
    ClaimsProvider(FederatedSubject),
    #[serde(rename = "c")]
    Client(ClientSubject),
}

#[derive(serde::Serialize, serde::Deserialize)]
struct WireAccount {
    #[serde(rename = "s")]
    sid: Sid,
    #[serde(rename = "k")]
    kind: AccountKind,
    #[serde(rename = "r")]
    realm: String,
    #[serde(rename = "n")]
    netbios: String,
    #[serde(rename = "a")]
    name: String,
    #[serde(rename = "u")]
    upn: Option<String>,
    #[serde(rename = "d")]
    display_name: String,
    #[serde(rename = "p")]
    primary_group: Sid,
    /// Runs of groups of one authority: the authority, and the last part of each SID.
    #[serde(rename = "h")]
    groups: Vec<(Sid, String)>,
}

impl From<&SsoSession> for Wire {
    fn from(session: &SsoSession) -> Self {
        let subject = &session.subject;
        Self {
            origin: match &subject.origin {
                SubjectOrigin::Directory(account) => WireOrigin::Directory(WireAccount::from(account)),
                SubjectOrigin::ClaimsProvider(federated) => WireOrigin::ClaimsProvider(federated.clone()),
                SubjectOrigin::Client(client) => WireOrigin::Client(client.clone()),
            },
            methods: subject.methods.clone(),
            instant: subject.instant,
            device: subject.device.clone(),
            certificate: subject.certificate.clone(),
            password_expires: subject.password_expires,
            alternate_login_id: subject.alternate_login_id.clone(),
            session: subject.session.clone(),
            kept: session.kept,
            prt_family: session.prt_family.clone(),
        }
    }
}

impl From<&Account> for WireAccount {
    fn from(account: &Account) -> Self {
        Self {
            sid: account.sid,
            kind: account.kind,
            realm: account.realm.clone(),
            netbios: account.netbios_domain.clone(),
            name: account.sam_account_name.clone(),
            upn: account.upn.clone(),
            display_name: account.display_name.clone(),
            primary_group: account.primary_group,
            groups: pack(&account.groups),
        }
    }
}

impl WireAccount {
    fn into_account(self) -> Option<Account> {
        Some(Account {
            sid: self.sid,
            kind: self.kind,
            realm: self.realm,
            netbios_domain: self.netbios,
            sam_account_name: self.name,
            upn: self.upn,
            display_name: self.display_name,
            primary_group: self.primary_group,
            groups: unpack(&self.groups)?,
        })
    }
}

impl Wire {
    pub(super) fn into_session(self, until: UtcTime) -> Option<SsoSession> {
        let origin = match self.origin {
            WireOrigin::Directory(account) => SubjectOrigin::Directory(account.into_account()?),
            WireOrigin::ClaimsProvider(federated) => SubjectOrigin::ClaimsProvider(federated),
            WireOrigin::Client(client) => SubjectOrigin::Client(client),
        };
        let subject = AuthenticatedSubject {
            origin,
            methods: self.methods,
            instant: self.instant,
            device: self.device,
            certificate: self.certificate,
            session: self.session,
            password_expires: self.password_expires,
            alternate_login_id: self.alternate_login_id,
        };
        Some(SsoSession { subject, kept: self.kept, prt_family: self.prt_family, until })
    }
}

const PURPOSE: SealPurpose<'static> = SealPurpose::new("sso_session").packed();

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::authn::ProviderSession;
    use crate::claims::{Claim, ClaimSet};
    use crate::clock::{Clock as _, ManualClock, SystemRandomSource};
    use crate::secret::Secret;
    use crate::tokens::NameIdentifier;
    use crate::trusts::ClaimsProviderId;

    const NOW: UtcTime = UtcTime::from_unix_seconds(1_767_607_201);

    fn sid(text: &str) -> Sid {
        text.parse().unwrap()
    }

    /// Alice, authenticated so, then.
    pub(crate) fn subject(method: AuthenticationMethod, instant: UtcTime) -> AuthenticatedSubject {
        let domain = "S-1-5-21-1004336348-1177238915-682003330";
        let account = Account {
            sid: sid(&format!("{domain}-1107")),
            kind: AccountKind::User,
            realm: "CORP.EXAMPLE".into(),
            netbios_domain: "CORP".into(),
            sam_account_name: "alice".into(),
            upn: Some("alice@corp.example".into()),
            display_name: "Alice \u{e9}".into(),
            primary_group: sid(&format!("{domain}-513")),
            groups: vec![
                sid(&format!("{domain}-513")),
                sid(&format!("{domain}-1200")),
                sid("S-1-5-32-545"),
                sid("S-1-18-1"),
                sid(&format!("{domain}-1201")),
            ],
        };
        AuthenticatedSubject {
            origin: SubjectOrigin::Directory(account),
            methods: vec![method],
            instant,
            device: None,
            certificate: None,
            password_expires: Some(instant.plus(Duration::from_hours(100))),
            alternate_login_id: Some("a.liddell@mail.example".into()),
            session: SessionRef::random(&SystemRandomSource::new()).unwrap(),
        }
    }

    fn sealer(clock: &Arc<ManualClock>) -> Sealer {
        Sealer::new(&Secret::new([3; 32]), clock.clone(), Arc::new(SystemRandomSource::new()), 16 * 1024)
    }

    const LIFETIMES: SessionLifetimes =
        SessionLifetimes { session: Duration::from_hours(8), kept: Some(Duration::from_hours(24)) };

    #[test]
    fn a_user_of_a_claims_provider_comes_back_as_it_went() {
        let clock = Arc::new(ManualClock::at(NOW));
        let sealer = Sealer::new(&Secret::new([3; 32]), clock, Arc::new(SystemRandomSource::new()), 8 * 1024);
        let claim = Claim::new("urn:claim", "v\u{e4}lue", "urn:partner").with_property("urn:p", "x");
        let federated = FederatedSubject {
            claims_provider: ClaimsProviderId::new("urn:partner"),
            name: String::from("bob@partner.example"),
            claims: ClaimSet::from(vec![claim]),
            session: Some(Box::new(ProviderSession {
                name_identifier: NameIdentifier {
                    value: "_bob".into(),
                    format: Some("urn:format".into()),
                    name_qualifier: None,
                    sp_name_qualifier: Some("urn:sp".into()),
                },
                session_index: Some("_1".into()),
            })),
        };
        let origin = SubjectOrigin::ClaimsProvider(federated);
        let subject = AuthenticatedSubject { origin, ..subject(AuthenticationMethod::Federated, NOW) };
        let lifetimes = SessionLifetimes { session: Duration::from_hours(8), kept: None };
        let session = SsoSession::begin(subject, lifetimes, Some(7), NOW);
        assert_eq!(SsoSession::open(&sealer, &session.seal(&sealer).unwrap()), Ok(session));
    }

    /// Thirty claims with the types and properties of SAML: many times what the text of a session may have.
    #[test]
    fn of_whom_a_claims_provider_says_much_the_session_fits() {
        let sealer = sealer(&Arc::new(ManualClock::at(NOW)));
        let base = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims";
        let property = "http://schemas.xmlsoap.org/ws/2005/05/identity/claimproperties/attributename";
        let claim = |number: u32| {
            Claim::new(
                format!("{base}/attribute{number}"),
                format!("value {number} of bob@partner.example"),
                "urn:partner",
            )
            .with_property(property, "urn:oasis:names:tc:SAML:2.0:attrname-format:basic")
        };
        let federated = FederatedSubject {
            claims_provider: ClaimsProviderId::new("urn:partner"),
            name: String::from("bob@partner.example"),
            claims: ClaimSet::from((0..30).map(claim).collect::<Vec<_>>()),
            session: None,
        };
        let origin = SubjectOrigin::ClaimsProvider(federated);
        let subject = AuthenticatedSubject { origin, ..subject(AuthenticationMethod::Federated, NOW) };
        let session = SsoSession::begin(subject, LIFETIMES, None, NOW);
        let text = session.seal(&sealer).unwrap();
        assert!(text.len() < 2_500, "{} characters", text.len());
        assert_eq!(SsoSession::open(&sealer, &text), Ok(session));
    }

    #[test]
    fn a_session_comes_back_until_it_ends() {
        let clock = Arc::new(ManualClock::at(NOW));
        let sealer = sealer(&clock);
        for (keep, hours) in [(None, 8), (Some(7), 24)] {
            let session =
                SsoSession::begin(subject(AuthenticationMethod::Password, clock.now()), LIFETIMES, keep, clock.now());
            assert_eq!((session.kept, session.until), (keep, clock.now().plus(Duration::from_hours(hours))));
            let text = session.seal(&sealer).unwrap();
            clock.advance(Duration::from_hours(hours).saturating_sub(Duration::from_millis(1)));
            assert_eq!(SsoSession::open(&sealer, &text), Ok(session));
            clock.advance(Duration::from_millis(1));
            assert!(matches!(SsoSession::open(&sealer, &text), Err(SealError::Expired { .. })));
        }
    }

    #[test]
    fn a_session_begins_when_it_is_made_and_ends_with_the_claims_providers() {
        let long_ago = subject(AuthenticationMethod::Federated, NOW.minus(Duration::from_hours(100)));
        let session = SsoSession::begin(long_ago, LIFETIMES, None, NOW);
        assert_eq!(session.until, NOW.plus(LIFETIMES.session));
        let (before, after) = (NOW.plus(Duration::from_mins(1)), NOW.plus(Duration::from_hours(1000)));
        for (end, until) in [(None, session.until), (Some(before), before), (Some(after), session.until)] {
            assert_eq!(session.clone().ending_by(end).until, until);
        }
    }

    #[test]
    fn nothing_is_kept_where_that_is_not_offered() {
        let lifetimes = SessionLifetimes { kept: None, ..LIFETIMES };
        let session = SsoSession::begin(subject(AuthenticationMethod::Password, NOW), lifetimes, Some(7), NOW);
        assert_eq!((session.kept, session.until), (None, NOW.plus(LIFETIMES.session)));
    }

    #[test]
    fn a_member_of_seven_hundred_groups_fits() {
        let clock = Arc::new(ManualClock::at(NOW));
        let mut member = subject(AuthenticationMethod::Windows, NOW);
        let SubjectOrigin::Directory(account) = &mut member.origin else { panic!("an account") };
        let domain = account.sid.parent().unwrap();
        account.groups = (0..700).map(|group| domain.child(1_900_000 + group * 7).unwrap()).collect();
        let session = SsoSession::begin(member, LIFETIMES, None, NOW);
        let text = session.seal(&sealer(&clock)).unwrap();
        assert!(text.len() <= 3_700, "{} characters", text.len());
        assert_eq!(SsoSession::open(&sealer(&clock), &text), Ok(session));
    }
}
