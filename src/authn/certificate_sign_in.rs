//! A sign-in that goes on where certificates are asked for: what is carried there, and what comes back.
//!
//! That is another name or another port than the main one, so no cookie of the main one tells there whose browser it is. The
//! departure therefore names the browser under seal, and the result opens only with that browser's cookie: a result that was
//! made for one browser signs nobody in in another. Knows no HTTP.

use std::time::Duration;

use super::flow::{BrowserId, CertificateFailure, SignInFlow, StepId};
use super::session::Wire;
use super::{AuthenticatedSubject, SsoSession};
use crate::clock::UtcTime;
use crate::tokens::sealed::{SealError, SealPurpose, Sealer};

/// A sign-in on its way to where certificates are asked for.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct CertificateDeparture {
    /// The flow that goes on with the result.
    #[serde(rename = "f")]
    pub flow: SignInFlow,
    /// What the result uses up.
    #[serde(rename = "s")]
    pub step: StepId,
    /// The browser that was sent.
    #[serde(rename = "b")]
    pub browser: BrowserId,
    /// Path and query at the main name that the browser goes back to.
    #[serde(rename = "u")]
    pub back: String,
    /// The relying party as it was named, for the audit log.
    #[serde(rename = "r")]
    pub relying_party: String,
}

/// A sign-in that comes back.
#[derive(Debug)]
pub struct CertificateReturn {
    /// The flow.
    pub flow: SignInFlow,
    /// What is used up by it ([`crate::store::Purpose::SignInStep`]).
    pub step: StepId,
    /// Until when it is good.
    pub until: UtcTime,
    /// What the certificate came to.
    pub result: Result<AuthenticatedSubject, CertificateFailure>,
}

impl CertificateDeparture {
    /// The departure as text.
    ///
    /// # Errors
    /// [`SealError`]; a request too long to be carried is [`SealError::TooLarge`].
    pub fn seal(&self, sealer: &Sealer, now: UtcTime) -> Result<String, SealError> {
        sealer.seal(DEPARTURE, self, now.plus(DEPARTURE_LIFETIME))
    }

    /// The departure of a text that [`CertificateDeparture::seal`] made.
    ///
    /// # Errors
    /// [`SealError`].
    pub fn open(sealer: &Sealer, text: &str) -> Result<Self, SealError> {
        sealer.open::<Self>(DEPARTURE, text).map(|opened| opened.value)
    }

    /// What the certificate came to, as text for the browser of this departure.
    ///
    /// # Errors
    /// [`SealError`]; [`SealError::TooLarge`] for an account in more groups than can be carried.
    pub fn seal_result(
        self,
        result: Result<AuthenticatedSubject, CertificateFailure>,
        sealer: &Sealer,
        now: UtcTime,
    ) -> Result<String, SealError> {
        let until = now.plus(RESULT_LIFETIME);
        let outcome = match result {
            Ok(subject) => Outcome::Accepted(Wire::from(&SsoSession { subject, kept: None, prt_family: None, until })),
            Err(failure) => Outcome::Failed(failure),
        };
        let Self { flow, step, browser, .. } = self;
        sealer.seal(RESULT.bound_to(browser.as_str()), &Carried { flow, step, outcome }, until)
    }
}

impl CertificateReturn {
    /// The result of a text that [`CertificateDeparture::seal_result`] made for the same browser and the same request.
    ///
    /// # Errors
    /// [`SealError`]; whatever it is, nobody is signed in.
    pub fn open(sealer: &Sealer, browser: &BrowserId, request: &str, text: &str) -> Result<Self, SealError> {
        let opened = sealer.open::<Carried>(RESULT.bound_to(browser.as_str()), text)?;
        let Carried { flow, step, outcome } = opened.value;
        if !flow.belongs_to(request) {
            return Err(SealError::Value(String::from("the result belongs to another request")));
        }
        let malformed = || SealError::Value(String::from("a group is no SID"));
        let result = match outcome {
            Outcome::Accepted(wire) => Ok(wire.into_session(opened.expiry).ok_or_else(malformed)?.subject),
            Outcome::Failed(failure) => Err(failure),
        };
        Ok(Self { flow, step, until: opened.expiry, result })
    }
}

/// The sealed form of a result.
#[derive(serde::Serialize, serde::Deserialize)]
struct Carried {
    #[serde(rename = "f")]
    flow: SignInFlow,
    #[serde(rename = "s")]
    step: StepId,
    #[serde(rename = "o")]
    outcome: Outcome,
}

#[derive(serde::Serialize, serde::Deserialize)]
#[expect(clippy::large_enum_variant, reason = "nearly every result is an account's")]
enum Outcome {
    #[serde(rename = "a")]
    Accepted(Wire),
    #[serde(rename = "x")]
    Failed(CertificateFailure),
}

const DEPARTURE: SealPurpose<'static> = SealPurpose::new("certificate_departure");
const RESULT: SealPurpose<'static> = SealPurpose::new("certificate_result");
/// How long somebody may look for a smart card.
const DEPARTURE_LIFETIME: Duration = Duration::from_mins(15);
/// How long a browser may take for the way back.
const RESULT_LIFETIME: Duration = Duration::from_mins(5);

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::authn::session::tests::subject;
    use crate::authn::{AuthenticationMethod, AuthnRequirement};
    use crate::clock::{ManualClock, SystemRandomSource};
    use crate::secret::Secret;

    const NOW: UtcTime = UtcTime::from_unix_seconds(1_767_607_201);
    const REQUEST: &str = "wa=wsignin1.0&wtrealm=urn%3Aa";

    struct Way {
        clock: Arc<ManualClock>,
        sealer: Sealer,
        browser: BrowserId,
        step: StepId,
    }

    impl Way {
        fn new() -> Self {
            let clock = Arc::new(ManualClock::at(NOW));
            let random = Arc::new(SystemRandomSource::new());
            let sealer = Sealer::new(&Secret::new([3; 32]), clock.clone(), random.clone(), 15 * 1024);
            let browser = BrowserId::random(&*random).unwrap();
            let step = StepId::random(&*random).unwrap();
            Self { clock, sealer, browser, step }
        }

        fn departure(&self) -> CertificateDeparture {
            CertificateDeparture {
                flow: SignInFlow::new(AuthnRequirement::default(), REQUEST),
                step: self.step.clone(),
                browser: self.browser.clone(),
                back: format!("/adfs/ls/?{REQUEST}"),
                relying_party: String::from("urn:a"),
            }
        }

        fn result(&self, result: Result<AuthenticatedSubject, CertificateFailure>) -> String {
            self.departure().seal_result(result, &self.sealer, NOW).unwrap()
        }

        fn open(&self, browser: &BrowserId, request: &str, text: &str) -> Result<CertificateReturn, SealError> {
            CertificateReturn::open(&self.sealer, browser, request, text)
        }
    }

    #[test]
    fn what_was_found_comes_back() {
        let way = Way::new();
        let departure = way.departure();
        let text = departure.seal(&way.sealer, NOW).unwrap();
        assert_eq!(CertificateDeparture::open(&way.sealer, &text), Ok(departure));
        let alice = subject(AuthenticationMethod::TlsClient, NOW);
        let returned = way.open(&way.browser, REQUEST, &way.result(Ok(alice.clone()))).unwrap();
        assert_eq!((returned.result, &returned.step), (Ok(alice), &way.step));
        assert_eq!(returned.until, NOW.plus(RESULT_LIFETIME));
        let failed = way.open(&way.browser, REQUEST, &way.result(Err(CertificateFailure::Missing))).unwrap();
        assert_eq!(failed.result, Err(CertificateFailure::Missing));
    }

    #[test]
    fn a_result_is_one_browsers_and_one_requests_and_of_a_few_minutes() {
        let way = Way::new();
        let text = way.result(Ok(subject(AuthenticationMethod::TlsClient, NOW)));
        let other = BrowserId::random(&SystemRandomSource::new()).unwrap();
        assert!(matches!(way.open(&other, REQUEST, &text), Err(SealError::NotAuthentic)));
        assert!(matches!(way.open(&way.browser, "wa=wsignin1.0", &text), Err(SealError::Value(_))));
        // Neither is a departure a result, nor a session.
        let departure = way.departure().seal(&way.sealer, NOW).unwrap();
        assert!(way.open(&way.browser, REQUEST, &departure).is_err());
        assert!(CertificateDeparture::open(&way.sealer, &text).is_err());
        assert!(SsoSession::open(&way.sealer, &text).is_err());
        way.clock.advance(RESULT_LIFETIME);
        assert!(matches!(way.open(&way.browser, REQUEST, &text), Err(SealError::Expired { .. })));
        way.clock.advance(DEPARTURE_LIFETIME);
        assert!(matches!(CertificateDeparture::open(&way.sealer, &departure), Err(SealError::Expired { .. })));
    }
}
