//! A sign-in in progress: a state machine whose state the browser carries under seal between two requests.
//!
//! Credentials are checked outside (by Negotiate and the password gate); their outcome is the input of a step. A step consumes the
//! flow and says what comes next, so that no answer can be given from a state that is over.

use std::time::Duration;

use aws_lc_rs::digest;
use uuid::Uuid;

use super::home_realm::{Answer, Discovery};
use super::method::{AuthnRequirement, Choice, Circumstances, Offered, choose};
use super::{AuthenticatedSubject, SessionRef};
use crate::clock::{Random, RandomError, UtcTime};
use crate::tokens::TokenId;
use crate::tokens::sealed::{SealError, SealPurpose, Sealer};
use crate::trusts::{ClaimsProviderId, HomeRealm};

/// A sign-in in progress.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct SignInFlow {
    requirement: AuthnRequirement,
    /// Digest of the request it began with.
    request: String,
}

/// What happened.
#[derive(Debug)]
pub enum FlowInput<'a> {
    /// The request arrived, and this is where its user signs in.
    Begin(Circumstances<'a>, &'a Discovery<'a>),
    /// A ticket was looked at: its owner.
    Ticket(AuthenticatedSubject),
    /// A ticket was looked at that was not good; what else is offered there.
    NoTicket(Offered),
    /// A password was checked.
    Password(Result<AuthenticatedSubject, PasswordFailure>),
    /// A certificate was looked at.
    Certificate(Result<AuthenticatedSubject, CertificateFailure>),
    /// A claims provider says who it is.
    ClaimsProvider {
        /// Who.
        subject: AuthenticatedSubject,
        /// When the browser was sent there.
        departed: UtcTime,
        /// Whether the claims provider said when they authenticated.
        is_instant_stated: bool,
        /// Now.
        now: UtcTime,
    },
}

/// What comes next.
#[derive(Debug)]
pub enum FlowStep {
    /// Ask for a credential; the flow goes on with the answer.
    Challenge(Challenge, SignInFlow),
    /// Whoever holds the session is whom the request asks for.
    Continue,
    /// Somebody proved who they are.
    Authenticated(Box<AuthenticatedSubject>),
    /// It cannot go on.
    Failed(AuthnError),
}

/// What to ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Challenge {
    /// Where somebody signs in, on a page.
    HomeRealm,
    /// That a claims provider says who it is.
    ClaimsProvider(ClaimsProviderId),
    /// A Kerberos ticket, without the person.
    Windows,
    /// User name and password, on a page.
    Forms {
        /// What the last attempt came to.
        last: Option<PasswordFailure>,
    },
    /// A certificate, where those are asked for.
    Certificate {
        /// What the last attempt came to.
        last: Option<CertificateFailure>,
    },
}

/// What the person is told of a password that was not accepted. One value for everything that would say whether an account
/// exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordFailure {
    /// Not right, or not permitted.
    Refused,
    /// The user name has no domain, so that nothing was checked.
    UserName,
    /// Right, and too old.
    Expired,
    /// Nobody could check it.
    Unavailable,
}

/// What the person is told of a certificate that was not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CertificateFailure {
    /// The browser sent none: there is none, or the person did not choose one.
    Missing,
    /// Not valid at this time.
    Expired,
    /// Not good, or nobody's.
    Refused,
    /// Nobody could check it.
    Unavailable,
}

/// Why a sign-in cannot go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AuthnError {
    /// The method asked for is not possible here.
    #[error("the requested authentication method is not available here")]
    Unavailable,
    /// No claims provider may sign users in to the relying party, or none can be asked without a page.
    #[error("no claims provider of the relying party can be asked")]
    NoClaimsProvider,
    /// A new authentication was demanded, and the claims provider tells of an old one.
    #[error("the claims provider did not authenticate the user anew, as the request demands")]
    NotFresh,
    /// Only Windows would do, and it failed.
    #[error("Windows authentication failed, and the request accepts no other method")]
    WindowsFailed,
}

/// The browser a flow belongs to: a value of its own that only it sends.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct BrowserId(String);

/// One page of a flow; used once.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct StepId(Uuid);

/// A flow as it comes back from a browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Returned {
    /// The flow.
    pub flow: SignInFlow,
    /// The page it was in.
    pub step: StepId,
    /// Until when that page is good.
    pub until: UtcTime,
}

impl SignInFlow {
    /// The flow of a request, as text that names all of it, that demands this.
    pub fn new(requirement: AuthnRequirement, request: &str) -> Self {
        Self { requirement, request: digest_of(request) }
    }

    /// What the request demands.
    pub const fn requirement(&self) -> &AuthnRequirement {
        &self.requirement
    }

    /// The next step.
    pub fn step(self, input: FlowInput<'_>) -> FlowStep {
        match input {
            FlowInput::Begin(circumstances, home) => self.begin(&circumstances, home),
            FlowInput::Ticket(subject) | FlowInput::Password(Ok(subject)) | FlowInput::Certificate(Ok(subject)) => {
                if self.requirement.accepts(&subject.methods) {
                    FlowStep::Authenticated(Box::new(subject))
                } else {
                    FlowStep::Failed(AuthnError::Unavailable)
                }
            }
            FlowInput::ClaimsProvider { subject, departed, is_instant_stated, now } => {
                if !self.requirement.accepts(&subject.methods) {
                    FlowStep::Failed(AuthnError::Unavailable)
                } else if self.requirement.limits_age() && !is_instant_stated {
                    FlowStep::Failed(AuthnError::NotFresh)
                } else if self.requirement.is_fresh(subject.instant, departed, now) {
                    FlowStep::Authenticated(Box::new(subject))
                } else {
                    FlowStep::Failed(AuthnError::NotFresh)
                }
            }
            FlowInput::NoTicket(offered) if !offered.has_page(&self.requirement) => {
                FlowStep::Failed(AuthnError::WindowsFailed)
            }
            FlowInput::NoTicket(_) => FlowStep::Challenge(Challenge::Forms { last: None }, self),
            FlowInput::Password(Err(failure)) => FlowStep::Challenge(Challenge::Forms { last: Some(failure) }, self),
            FlowInput::Certificate(Err(failure)) => {
                FlowStep::Challenge(Challenge::Certificate { last: Some(failure) }, self)
            }
        }
    }

    /// A session is looked at first, so that whoever is signed in is not asked where that was.
    fn begin(self, circumstances: &Circumstances<'_>, home: &Discovery<'_>) -> FlowStep {
        let accepted = circumstances.session.filter(|session| home.accepts(session.origin.claims_provider()));
        let circumstances = Circumstances { session: accepted, ..*circumstances };
        let is_enough = accepted.is_some_and(|session| self.requirement.is_met_by(session, circumstances.now));
        match home.answer {
            _ if is_enough => FlowStep::Continue,
            Answer::Home(HomeRealm::ActiveDirectory) => match choose(&self.requirement, &circumstances) {
                Choice::Session => FlowStep::Continue,
                Choice::Windows => FlowStep::Challenge(Challenge::Windows, self),
                Choice::Forms => FlowStep::Challenge(Challenge::Forms { last: None }, self),
                Choice::Certificate => FlowStep::Challenge(Challenge::Certificate { last: None }, self),
                Choice::Unavailable => FlowStep::Failed(AuthnError::Unavailable),
            },
            // Nobody is sent away for what no answer can be.
            Answer::Home(HomeRealm::ClaimsProvider(_)) if self.requirement.wants_second_factor_alone() => {
                FlowStep::Failed(AuthnError::Unavailable)
            }
            Answer::Home(HomeRealm::ClaimsProvider(provider)) => {
                FlowStep::Challenge(Challenge::ClaimsProvider(provider.id.clone()), self)
            }
            Answer::Page => FlowStep::Challenge(Challenge::HomeRealm, self),
            Answer::Nowhere => FlowStep::Failed(AuthnError::NoClaimsProvider),
        }
    }

    /// Whether it began with this request.
    pub fn belongs_to(&self, request: &str) -> bool {
        self.request == digest_of(request)
    }

    /// The flow as text for one page of one browser.
    ///
    /// # Errors
    /// [`SealError`].
    pub fn seal(
        &self,
        sealer: &Sealer,
        browser: &BrowserId,
        now: UtcTime,
        random: &dyn Random,
    ) -> Result<String, SealError> {
        let SessionRef(step) = SessionRef::random(random)?;
        sealer.seal(PURPOSE.bound_to(&browser.0), &(StepId(step), self), now.plus(PAGE_LIFETIME))
    }

    /// The flow of a text that [`SignInFlow::seal`] made for the same browser, when it belongs to the same request.
    ///
    /// # Errors
    /// [`SealError`]; whatever it is, the page is shown anew.
    pub fn open(sealer: &Sealer, browser: &BrowserId, request: &str, text: &str) -> Result<Returned, SealError> {
        let opened = sealer.open::<(StepId, Self)>(PURPOSE.bound_to(&browser.0), text)?;
        let (step, flow) = opened.value;
        if !flow.belongs_to(request) {
            return Err(SealError::Value(String::from("the page belongs to another request")));
        }
        Ok(Returned { flow, step, until: opened.expiry })
    }
}

impl BrowserId {
    /// A new one.
    ///
    /// # Errors
    /// [`RandomError`].
    pub fn random(random: &dyn Random) -> Result<Self, RandomError> {
        let SessionRef(id) = SessionRef::random(random)?;
        Ok(Self(id.simple().to_string()))
    }

    /// The one a browser sends; `None` for a text that this program did not make.
    pub fn from_text(text: &str) -> Option<Self> {
        let plain = text.len() == 32 && text.bytes().all(|octet| matches!(octet, b'0'..=b'9' | b'a'..=b'f'));
        plain.then(|| Self(text.to_owned()))
    }

    /// As it is sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for BrowserId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("BrowserId(…)")
    }
}

impl StepId {
    /// A new one.
    ///
    /// # Errors
    /// [`RandomError`].
    pub fn random(random: &dyn Random) -> Result<Self, RandomError> {
        let SessionRef(id) = SessionRef::random(random)?;
        Ok(Self(id))
    }

    /// The id that a request to a claims provider has, and its answer names.
    pub fn message_id(&self) -> TokenId {
        TokenId::of(self.0)
    }

    /// Its octets.
    pub fn as_octets(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

fn digest_of(request: &str) -> String {
    hex::encode(digest::digest(&digest::SHA256, request.as_bytes()))
}

const PURPOSE: SealPurpose<'static> = SealPurpose::new("sign_in_flow");
/// How long a page may stay open.
const PAGE_LIFETIME: Duration = Duration::from_hours(1);

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::authn::home_realm::{Hints, discover};
    use crate::authn::method::RequestedMethod;
    use crate::authn::session::tests::subject;
    use crate::authn::{AuthenticationMethod, NetworkLocation};
    use crate::clock::{ManualClock, SystemRandomSource};
    use crate::secret::Secret;
    use crate::trusts::{Candidates, ClaimsProviders, Trusts};

    const NOW: UtcTime = UtcTime::from_unix_seconds(1_767_607_201);

    fn flow(methods: &[RequestedMethod]) -> SignInFlow {
        SignInFlow::new(AuthnRequirement { methods: methods.to_vec(), ..AuthnRequirement::default() }, "wa=wsignin1.0")
    }

    fn offered(location: NetworkLocation) -> Offered {
        Offered { windows: location == NetworkLocation::Intranet, password: true, certificate: true }
    }

    /// The first step of a flow, where there is the local directory and a partner, and these hints.
    fn begin_with(
        flow: SignInFlow,
        location: NetworkLocation,
        session: Option<&AuthenticatedSubject>,
        hints: &Hints<'_>,
    ) -> FlowStep {
        let trusts = Trusts::new(Vec::new()).with_claims_providers(vec![Arc::new(crate::trusts::tests::partner("a"))]);
        let home = discover(Candidates::new(&trusts, &ClaimsProviders::All), hints);
        let circumstances = Circumstances {
            offered: offered(location),
            windows_browser: true,
            windows_failed: false,
            session,
            now: NOW,
        };
        flow.step(FlowInput::Begin(circumstances, &home))
    }

    fn begin(flow: SignInFlow, location: NetworkLocation) -> FlowStep {
        let hints = Hints { chosen: Some("AD AUTHORITY"), ..Hints::default() };
        begin_with(flow, location, None, &hints)
    }

    #[test]
    fn where_somebody_signs_in_is_asked_first_and_not_of_whoever_is_signed_in() {
        let asked = begin_with(flow(&[]), NetworkLocation::Intranet, None, &Hints::default());
        assert!(matches!(asked, FlowStep::Challenge(Challenge::HomeRealm, _)), "{asked:?}");
        let partner = Hints { chosen: Some("urn:a"), ..Hints::default() };
        let sent = begin_with(flow(&[]), NetworkLocation::Extranet, None, &partner);
        let expected = Challenge::ClaimsProvider(ClaimsProviderId::new("urn:a"));
        assert!(matches!(&sent, FlowStep::Challenge(challenge, _) if *challenge == expected), "{sent:?}");
        // Whatever they did there, it would be no second factor here.
        let twice = begin_with(flow(&[RequestedMethod::MultiFactor]), NetworkLocation::Extranet, None, &partner);
        assert!(matches!(twice, FlowStep::Failed(AuthnError::Unavailable)), "{twice:?}");
        let either = flow(&[RequestedMethod::MultiFactor, RequestedMethod::Password]);
        let sent = begin_with(either, NetworkLocation::Extranet, None, &partner);
        assert!(matches!(sent, FlowStep::Challenge(Challenge::ClaimsProvider(_), _)), "{sent:?}");
        // `wiaormultiauthn` is no question for a person.
        let silent = Hints { silent: true, ..Hints::default() };
        let windows = || flow(&[RequestedMethod::WindowsOrMultiFactor]);
        let inside = begin_with(windows(), NetworkLocation::Intranet, None, &silent);
        assert!(matches!(inside, FlowStep::Challenge(Challenge::Windows, _)), "{inside:?}");
        let outside = begin_with(windows(), NetworkLocation::Extranet, None, &silent);
        assert!(matches!(outside, FlowStep::Failed(AuthnError::Unavailable)), "{outside:?}");

        let alice = subject(AuthenticationMethod::Password, NOW);
        let with = |hints: &Hints<'_>| begin_with(flow(&[]), NetworkLocation::Extranet, Some(&alice), hints);
        assert!(matches!(with(&Hints::default()), FlowStep::Continue));
        assert!(
            matches!(with(&partner), FlowStep::Challenge(Challenge::ClaimsProvider(_), _)),
            "alice is none of theirs"
        );
        let again = with(&Hints { wants_to_choose: true, ..Hints::default() });
        assert!(matches!(again, FlowStep::Challenge(Challenge::HomeRealm, _)));
    }

    #[test]
    fn windows_first_then_the_page() {
        let FlowStep::Challenge(Challenge::Windows, flow) = begin(flow(&[]), NetworkLocation::Intranet) else {
            panic!("Windows is tried inside")
        };
        let FlowStep::Challenge(Challenge::Forms { last: None }, flow) =
            flow.step(FlowInput::NoTicket(offered(NetworkLocation::Intranet)))
        else {
            panic!("the page follows")
        };
        let wrong = FlowInput::Password(Err(PasswordFailure::Refused));
        let FlowStep::Challenge(Challenge::Forms { last: Some(PasswordFailure::Refused) }, flow) = flow.step(wrong)
        else {
            panic!("the page says so")
        };
        let right = FlowInput::Password(Ok(subject(AuthenticationMethod::Password, NOW)));
        assert!(matches!(flow.step(right), FlowStep::Authenticated(_)));
    }

    #[test]
    fn a_certificate_is_asked_for_by_name_and_its_failure_is_told() {
        let FlowStep::Challenge(Challenge::Certificate { last: None }, flow) =
            begin(flow(&[RequestedMethod::Certificate]), NetworkLocation::Extranet)
        else {
            panic!("it is asked for")
        };
        let missing = FlowInput::Certificate(Err(CertificateFailure::Missing));
        let FlowStep::Challenge(Challenge::Certificate { last: Some(CertificateFailure::Missing) }, flow) =
            flow.step(missing)
        else {
            panic!("the page says so")
        };
        let good = FlowInput::Certificate(Ok(subject(AuthenticationMethod::TlsClient, NOW)));
        assert!(matches!(flow.step(good), FlowStep::Authenticated(_)));
    }

    #[test]
    fn what_was_not_asked_for_is_not_taken() {
        let password = || subject(AuthenticationMethod::Password, NOW);
        let windows_only = || flow(&[RequestedMethod::WindowsOrMultiFactor]);
        assert!(matches!(
            windows_only().step(FlowInput::Password(Ok(password()))),
            FlowStep::Failed(AuthnError::Unavailable)
        ));
        let all = offered(NetworkLocation::Intranet);
        let refused = windows_only().step(FlowInput::NoTicket(all));
        assert!(matches!(refused, FlowStep::Failed(AuthnError::WindowsFailed)));
        // No page where no page is offered.
        let nothing = Offered { password: false, certificate: false, ..all };
        let refused = flow(&[]).step(FlowInput::NoTicket(nothing));
        assert!(matches!(refused, FlowStep::Failed(AuthnError::WindowsFailed)));
        let outside = begin(windows_only(), NetworkLocation::Extranet);
        assert!(matches!(outside, FlowStep::Failed(AuthnError::Unavailable)));
        let ticket = FlowInput::Ticket(subject(AuthenticationMethod::Windows, NOW));
        assert!(matches!(flow(&[RequestedMethod::Password]).step(ticket), FlowStep::Failed(AuthnError::Unavailable)));
        let certificate = FlowInput::Certificate(Ok(subject(AuthenticationMethod::TlsClient, NOW)));
        let step = flow(&[RequestedMethod::Password]).step(certificate);
        assert!(matches!(step, FlowStep::Failed(AuthnError::Unavailable)), "{step:?}");
    }

    #[test]
    fn what_a_claims_provider_says_must_be_what_was_asked_for() {
        let hour = Duration::from_hours(1);
        let departed = NOW;
        let step = |requirement: AuthnRequirement, method, instant, stated, now| {
            let subject = subject(method, instant);
            let input = FlowInput::ClaimsProvider { subject, departed, is_instant_stated: stated, now };
            SignInFlow::new(requirement, "wa=wsignin1.0").step(input)
        };
        let any = AuthnRequirement::default;
        let anew = || AuthnRequirement { ask: true, ..any() };
        let zero = || AuthnRequirement { max_age: Some(Duration::ZERO), ..any() };
        let recent = || AuthnRequirement { max_age: Some(hour), ..any() };
        let password = || AuthnRequirement { methods: vec![RequestedMethod::Password], ..any() };
        let (federated, by_password) = (AuthenticationMethod::Federated, AuthenticationMethod::Password);
        let earlier = NOW.minus(Duration::from_hours(3));
        let later = NOW.plus(Duration::from_mins(1));
        for (requirement, method, instant, expected) in [
            (any(), federated, earlier, None),
            (password(), by_password, earlier, None),
            (password(), federated, later, Some(AuthnError::Unavailable)),
            (anew(), federated, later, None),
            (anew(), federated, NOW.minus(Duration::from_mins(5)), None),
            (anew(), federated, NOW.minus(Duration::from_secs(301)), Some(AuthnError::NotFresh)),
            (zero(), federated, earlier, Some(AuthnError::NotFresh)),
            (zero(), federated, later, None),
            (recent(), federated, earlier, Some(AuthnError::NotFresh)),
            (recent(), federated, NOW.minus(Duration::from_mins(59)), None),
        ] {
            let shown = format!("{requirement:?} {method:?} {instant:?}");
            match (step(requirement, method, instant, true, later), expected) {
                (FlowStep::Authenticated(_), None) => {}
                (FlowStep::Failed(error), Some(expected)) => assert_eq!(error, expected, "{shown}"),
                (other, _) => panic!("{shown}: {other:?}"),
            }
        }
        // A claims provider that does not say when counts where nobody asked, and nowhere else.
        for requirement in [anew(), zero(), recent()] {
            assert!(matches!(
                step(requirement, federated, later, false, later),
                FlowStep::Failed(AuthnError::NotFresh)
            ));
        }
        assert!(matches!(step(any(), federated, later, false, later), FlowStep::Authenticated(_)));
    }

    #[test]
    fn a_page_belongs_to_one_browser_and_one_request() {
        let clock = Arc::new(ManualClock::at(NOW));
        let random = SystemRandomSource::new();
        let sealer = Sealer::new(&Secret::new([3; 32]), clock.clone(), Arc::new(SystemRandomSource::new()), 16 * 1024);
        let (mine, other) = (BrowserId::random(&random).unwrap(), BrowserId::random(&random).unwrap());
        let flow = flow(&[]);
        let text = flow.seal(&sealer, &mine, NOW, &random).unwrap();
        let returned = SignInFlow::open(&sealer, &mine, "wa=wsignin1.0", &text).unwrap();
        assert_eq!(returned.flow, flow);
        assert_eq!(returned.until, NOW.plus(PAGE_LIFETIME));
        assert_eq!(SignInFlow::open(&sealer, &other, "wa=wsignin1.0", &text), Err(SealError::NotAuthentic));
        assert!(matches!(SignInFlow::open(&sealer, &mine, "wa=wsignout1.0", &text), Err(SealError::Value(_))));
        let again = flow.seal(&sealer, &mine, NOW, &random).unwrap();
        let again = SignInFlow::open(&sealer, &mine, "wa=wsignin1.0", &again).unwrap();
        assert_ne!(again.step, returned.step, "each page is a step of its own");
        clock.advance(PAGE_LIFETIME);
        let late = SignInFlow::open(&sealer, &mine, "wa=wsignin1.0", &text);
        assert!(matches!(late, Err(SealError::Expired { .. })));
    }

    #[test]
    fn only_own_ids_are_browser_ids() {
        let id = BrowserId::random(&SystemRandomSource::new()).unwrap();
        assert_eq!(BrowserId::from_text(id.as_str()), Some(id.clone()));
        for text in ["", "x", "0123456789ABCDEF0123456789ABCDEF", "0123456789abcdef0123456789abcde\u{e9}"] {
            assert_eq!(BrowserId::from_text(text), None, "{text}");
        }
    }
}
