//! Signing somebody in: from a request that wants to know who it is, to a session or to the next page.
//!
//! Runs the steps of a [`SignInFlow`]. Negotiate is here, at a door of its own, whose 401 carries the page as its body, so that no
//! browser is ever left with nothing; the other ways have a file each beside this one.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::cookies::{self, Cookie, Keep};
use super::device::{self, Carried};
use super::failure::SignInFailure;
use super::federate_in::Arrival;
use super::parameters::Parameters;
use super::prompt::{Door, Prompt};
use super::session::{self, Browser};
use super::{BrowserSignIn, certificate, home_realm, reply};
use crate::authn::{
    AuthenticatedSubject, AuthnError, Challenge, Circumstances, DeviceContext, Discovery, FlowInput, FlowStep, Offered,
    SignInFlow, SsoSession, SubjectOrigin, discover,
};
use crate::clock::UtcTime;
use crate::devices::Device;
use crate::issuance::Context;
use crate::protocols::credential::{self, TicketRefusal};
use crate::protocols::environment::Environment;
use crate::protocols::http::{Answer, Call};

/// What comes of it.
#[derive(Debug)]
pub(in crate::protocols) enum Outcome {
    /// The browser goes on elsewhere first.
    Answer(Answer),
    /// Somebody is signed in.
    SignedIn {
        /// The session.
        session: Box<SsoSession>,
        /// Whether the browser keeps it: it has the cookie, or gets it with `headers`.
        kept_by_browser: bool,
        /// Header fields that the answer must have.
        headers: Vec<(HeaderName, HeaderValue)>,
    },
}

/// Signs in, or goes one step towards it.
///
/// # Errors
/// [`SignInFailure`].
pub(in crate::protocols) async fn sign_in(
    environment: &Environment,
    cx: &Context,
    call: &Call,
    browser: &Browser,
    prompt: &Prompt<'_>,
    door: Door,
    input: Input<'_>,
) -> Result<Outcome, SignInFailure> {
    let settings = &environment.browser;
    let own_address = format!("https://{}:443{}", environment.service_name, prompt.address(door));
    let (born, device) = match device::carried(settings, cx, call, browser, prompt, &own_address).await {
        Carried::Challenge(answer) if input.is_request() => return Ok(Outcome::Answer(answer)),
        Carried::Stale(nonce) if input.is_request() && browser.session.is_none() => {
            let query = device::with_nonce(prompt.query, &nonce);
            return Ok(Outcome::Answer(reply::redirect(&prompt.place.with(door, &query))));
        }
        Carried::Nothing | Carried::Challenge(_) | Carried::Stale(_) => (None, None),
        Carried::Session(session) => (Some(*session), None),
        Carried::Device(device) => (None, Some(*device)),
    };
    let own = born.as_ref().map(|session| browser.with_session(session.clone()));
    let browser = own.as_ref().unwrap_or(browser);
    let remembered = home_realm::remembered(&browser.cookies);
    let hints = home_realm::hints(environment, call, prompt, remembered.as_deref());
    let home = discover(prompt.candidates, &hints);
    tracing::debug!(correlation = %cx.request.activity, relying_party = prompt.relying_party, %home, "home realm discovery");
    let visit = Visit { environment, settings, cx, call, browser, prompt, home, silent: hints.silent, device };
    match input {
        Input::Form(form) if home_realm::is_form(form) => visit.home_realm_form(form),
        Input::Form(form) if certificate::is_form(form) => visit.certificate_form(form).await,
        Input::Form(form) => visit.password(form).await,
        Input::Answer(arrival) => visit.federate_in(arrival).await,
        Input::Request => {
            let mut outcome = visit.begin(door).await?;
            outcome.add(visit.device.as_ref().and_then(|device| device::cookie(settings, cx, device.id)));
            if let Some(session) = &born {
                outcome.begin(settings, cx, session);
            }
            outcome.add(visit.home_realm_cookie());
            Ok(outcome)
        }
    }
}

/// What came with a request.
#[derive(Debug, Clone, Copy)]
pub(in crate::protocols) enum Input<'a> {
    /// Nothing: it is the request itself.
    Request,
    /// The fields of a page.
    Form(&'a Parameters),
    /// The answer of a claims provider.
    Answer(&'a Arrival),
}

impl Input<'_> {
    const fn is_request(&self) -> bool {
        matches!(self, Self::Request)
    }
}

impl Outcome {
    /// The browser gets the cookies of a session that its device began, when that is the one that counts.
    fn begin(&mut self, settings: &BrowserSignIn, cx: &Context, born: &SsoSession) {
        if let Self::SignedIn { session, kept_by_browser, headers } = self
            && session.subject.session == born.subject.session
        {
            let cookies = session::begin(settings, cx, session);
            *kept_by_browser = cookies.is_some();
            headers.extend(cookies.unwrap_or_default());
        }
    }

    fn add(&mut self, header: Option<(HeaderName, HeaderValue)>) {
        match self {
            Self::Answer(answer) => answer.headers.extend(header),
            Self::SignedIn { headers, .. } => headers.extend(header),
        }
    }
}

/// One request of a browser on its way in.
pub(super) struct Visit<'a> {
    pub(super) environment: &'a Environment,
    pub(super) settings: &'a BrowserSignIn,
    pub(super) cx: &'a Context,
    pub(super) call: &'a Call,
    pub(super) browser: &'a Browser,
    pub(super) prompt: &'a Prompt<'a>,
    /// Where the person signs in.
    pub(super) home: Discovery<'a>,
    /// Nobody sees a page.
    pub(super) silent: bool,
    /// The device that the browser proved, where it did not prove the user as well.
    pub(super) device: Option<Device>,
}

impl Visit<'_> {
    /// The request itself: the first step of its flow.
    async fn begin(&self, door: Door) -> Result<Outcome, SignInFailure> {
        let flow = SignInFlow::new(self.prompt.requirement.clone(), self.prompt.query);
        match flow.step(FlowInput::Begin(self.circumstances(door), &self.home)) {
            FlowStep::Challenge(Challenge::Windows, flow) if door == Door::Windows => self.windows(flow),
            FlowStep::Challenge(Challenge::Windows, _) => {
                Ok(Outcome::Answer(reply::redirect(&self.prompt.address(Door::Windows))))
            }
            // Everything else shows somebody something, here or elsewhere.
            FlowStep::Challenge(..) if self.prompt.silent => Err(SignInFailure::PageWanted),
            // Pages and requests to others are of the main door.
            FlowStep::Challenge(..) if door == Door::Windows => {
                Ok(Outcome::Answer(reply::redirect(&self.prompt.address(Door::Main))))
            }
            FlowStep::Challenge(Challenge::Forms { .. }, flow) => {
                self.page(&flow, StatusCode::OK, None, None).map(Outcome::Answer)
            }
            FlowStep::Challenge(Challenge::HomeRealm, _) => self.home_realm_page(None, None),
            FlowStep::Challenge(Challenge::Certificate { .. }, flow) => self.ask_for_certificate(flow),
            FlowStep::Challenge(Challenge::ClaimsProvider(provider), flow) => self.federate_out(&provider, flow).await,
            FlowStep::Continue => match &self.browser.session {
                Some(session) => Ok(Outcome::SignedIn {
                    session: Box::new(session.clone()),
                    kept_by_browser: true,
                    headers: Vec::new(),
                }),
                None => Err(AuthnError::Unavailable.into()),
            },
            FlowStep::Authenticated(subject) => Ok(self.signed_in(*subject, None)),
            FlowStep::Failed(error) => Err(error.into()),
        }
    }

    /// Whoever comes to the door of Negotiate by itself may try it, whatever it calls itself.
    fn circumstances(&self, door: Door) -> Circumstances<'_> {
        Circumstances {
            offered: self.offered(),
            windows_browser: door == Door::Windows || self.is_windows_browser(),
            windows_failed: door == Door::Main && self.browser.skips_windows(),
            session: self.browser.session.as_ref().map(|session| &session.subject),
            now: self.cx.services.clock.now(),
        }
    }

    /// What is offered where the browser is.
    pub(super) fn offered(&self) -> Offered {
        self.settings.methods.offered(self.call.origin.location, self.certificate_door().is_some())
    }

    pub(super) fn is_windows_browser(&self) -> bool {
        self.settings.windows_user_agents.matches(self.call.header("user-agent"))
    }

    /// Negotiate. The 401 has the page as its body, which a browser shows that has no ticket.
    fn windows(&self, flow: SignInFlow) -> Result<Outcome, SignInFailure> {
        let (subject, proof) = match credential::negotiate(self.environment, self.cx, self.call) {
            Ok(accepted) => accepted,
            Err(TicketRefusal::Absent) if self.prompt.silent || !self.offered().has_page(flow.requirement()) => {
                return Err(SignInFailure::TicketWanted);
            }
            Err(TicketRefusal::Absent) => {
                let page = self.page(&flow, StatusCode::UNAUTHORIZED, None, None)?;
                let challenge = HeaderValue::from_static("Negotiate");
                return Ok(Outcome::Answer(page.with_header(header::WWW_AUTHENTICATE, challenge)));
            }
            // Another 401 would make a browser ask for a password itself, and ask again.
            Err(TicketRefusal::Refused | TicketRefusal::Internal) => {
                if let FlowStep::Failed(error) = flow.step(FlowInput::NoTicket(self.offered())) {
                    return Err(error.into());
                }
                let answer = reply::redirect(&self.prompt.address(Door::Main));
                return Ok(Outcome::Answer(answer.with_headers(skip_windows())));
            }
        };
        let mut outcome = self.settle(flow.step(FlowInput::Ticket(subject)))?;
        let proof = proof.map(|proof| HeaderValue::from_str(&format!("Negotiate {}", STANDARD.encode(proof))));
        if let (Outcome::SignedIn { headers, .. }, Some(Ok(value))) = (&mut outcome, proof) {
            headers.push((header::WWW_AUTHENTICATE, value));
        }
        Ok(outcome)
    }

    /// After the ticket: whoever it belongs to is signed in at once, so that a browser without cookies gets in as well.
    fn settle(&self, step: FlowStep) -> Result<Outcome, SignInFailure> {
        match step {
            FlowStep::Authenticated(subject) => Ok(self.signed_in(*subject, None)),
            FlowStep::Failed(error) => Err(error.into()),
            FlowStep::Challenge(..) | FlowStep::Continue => Err(AuthnError::Unavailable.into()),
        }
    }

    /// The same without a password: back to the request, so that what the browser came with is in no history. `end` is when the
    /// claims provider's session ends.
    pub(super) fn back_to_request(&self, subject: AuthenticatedSubject, end: Option<UtcTime>) -> Outcome {
        let now = self.cx.services.clock.now();
        // With a session that is over, or too old for the request, the browser would be sent away again, and for ever.
        let enough = self.prompt.requirement.is_met_by(&subject, now) && end.is_none_or(|end| end > now.plus(AT_ONCE));
        let mut outcome = self.signed_in_until(subject, None, end);
        if let Outcome::SignedIn { headers, kept_by_browser: true, .. } = &mut outcome
            && enough
        {
            let answer = reply::redirect(&self.prompt.address(Door::Main));
            return Outcome::Answer(answer.with_headers(std::mem::take(headers)));
        }
        outcome
    }

    pub(super) fn signed_in(&self, subject: AuthenticatedSubject, keep: Option<i64>) -> Outcome {
        self.signed_in_until(subject, keep, None)
    }

    fn signed_in_until(&self, mut subject: AuthenticatedSubject, keep: Option<i64>, end: Option<UtcTime>) -> Outcome {
        if let (Some(device), SubjectOrigin::Directory(account)) = (&self.device, &subject.origin) {
            subject.device = Some(DeviceContext::of(device, Some(&account.sid)));
        }
        let now = self.cx.services.clock.now();
        let session = SsoSession::begin(subject, self.settings.lifetimes, keep, now).ending_by(end);
        let headers = session::begin(self.settings, self.cx, &session);
        Outcome::SignedIn {
            kept_by_browser: headers.is_some(),
            headers: headers.unwrap_or_default(),
            session: Box::new(session),
        }
    }
}

pub(super) fn skip_windows() -> Option<(HeaderName, HeaderValue)> {
    cookies::set(Cookie::SkipWindows, "1", Keep::For(SKIP_WINDOWS))
}

/// How long a browser takes to follow a redirection.
const AT_ONCE: Duration = Duration::from_secs(30);
/// How long Negotiate is not tried after it failed.
const SKIP_WINDOWS: Duration = Duration::from_mins(5);
