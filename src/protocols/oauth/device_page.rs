//! `/adfs/oauth2/deviceauth`: somebody enters the code that a device shows, sees who asks for what and from where, and decides
//! (oauth-oidc-prt.md 2.9, 8.6).
//!
//! Nobody enters a code who is not signed in, a code that comes with the address is only written into the field, and nothing is
//! approved without the question: whoever is sent a code by somebody else shall notice.

use std::time::Duration;

use actix_web::http::StatusCode;

use super::device_code::{self, DeviceRequest, UserCode};
use super::device_grant::APPROVAL;
use super::error::OAuthError;
use super::travel::SignedIn;
use super::{OAuthEndpoint, OAuthSettings};
use crate::audit::{AuthProtocol, Parties};
use crate::authn::{SsoSession, SubjectOrigin};
use crate::issuance::{Decision as Verdict, IssueError, SignInRequest};
use crate::pages::{DeviceCodeDonePage, DeviceCodePage, DeviceCodeQuestionPage, ErrorText, Notice, Page};
use crate::protocols::browser::parameters::Parameters;
use crate::protocols::browser::portal::{Entered, Portal};
use crate::protocols::browser::{self, Arrival, Door, Place};
use crate::protocols::environment::Environment;
use crate::protocols::http::{Answer, Call};
use crate::store::{Decision, Purpose};
use crate::tokens::TokenType;
use crate::trusts::{Candidates, ClaimsProviders, Client, RelyingParty, TrustLookup};

/// Answers a request, or goes on with the answer of a claims provider.
pub(super) async fn handle(
    environment: &Environment,
    settings: &OAuthSettings,
    door: Door,
    call: &Call,
    arrival: Option<&Arrival>,
) -> Answer {
    let cx = environment.context(call, AuthProtocol::OAuth, OAuthEndpoint::DeviceAuth(door).path());
    // Of which resource the code is, is not known yet; who may sign its users in is asked when it is.
    let candidates = Candidates::new(&cx.services.trusts, &ClaimsProviders::All);
    let place = Place::DeviceCode;
    let portal = Portal { environment, cx: &cx, call, place, door, name: "device code", candidates, arrival };
    let entered = match portal.enter().await {
        Ok(entered) => entered,
        Err(failure) => return portal.refuse(&failure),
    };
    let (session, parameters, form, headers) = match entered {
        Entered::Answer(answer) => return answer,
        Entered::SignedIn { session, parameters, form, headers } => (session, parameters, form, headers),
    };
    let visit = Visit { portal, settings, session: &session };
    let answer = match form {
        Some(form) if form.has(ANSWER) => visit.answered(&form).await,
        Some(form) => visit.entered(&form).await,
        // What comes with the address is shown, and nothing follows of it.
        None => parameters.line("user_code", MAX_CODE).map_err(OAuthError::from).and_then(|code| {
            let code = code.and_then(UserCode::read);
            visit.page(None, code.as_ref().map(UserCode::as_str).unwrap_or_default())
        }),
    };
    answer.unwrap_or_else(|error| visit.refuse(&error)).with_headers(headers)
}

/// One request of somebody who is signed in.
struct Visit<'a> {
    portal: Portal<'a>,
    settings: &'a OAuthSettings,
    session: &'a SsoSession,
}

impl Visit<'_> {
    /// A code was entered.
    async fn entered(&self, form: &Parameters) -> Result<Answer, OAuthError> {
        let typed = form.line("UserCode", MAX_CODE)?.unwrap_or_default();
        if self.portal.open::<()>(self.session, form, "State")?.is_none() {
            return self.page(Some(Notice::NoticeStale), typed);
        }
        let (cx, now) = (self.portal.cx, self.portal.cx.services.clock.now());
        let who = format!("{} ", self.person());
        match device_code::count(cx, &who, MOST_ENTRIES, Purpose::DeviceCodeEntry, now.plus(ENTRIES_WITHIN)).await {
            Ok(()) => {}
            Err(OAuthError::TooMany) => {
                tracing::warn!(correlation = %cx.request.activity, person = who, "too many codes of devices are entered");
                return self.page(Some(Notice::NoticeDeviceCodeLocked), "");
            }
            Err(error) => return Err(error),
        }
        let Some(code) = UserCode::read(typed) else { return self.page(Some(Notice::NoticeDeviceCode), typed) };
        match self.waiting(&code).await? {
            Some(request) => self.question(&code, &request),
            None => self.page(Some(Notice::NoticeDeviceCode), typed),
        }
    }

    /// The question was answered.
    async fn answered(&self, form: &Parameters) -> Result<Answer, OAuthError> {
        let Some(code) = self.portal.open::<UserCode>(self.session, form, ANSWER)? else {
            return self.page(Some(Notice::NoticeStale), "");
        };
        let Some(request) = self.waiting(&code).await? else {
            return self.page(Some(Notice::NoticeDeviceCode), "");
        };
        let approved = match form.line("Decision", MAX_CODE)? {
            Some("allow") => true,
            Some("deny") => false,
            _ => return Err(OAuthError::Missing("Decision")),
        };
        let decision = if approved {
            match self.approve(&request).await {
                Ok(text) => Decision::Approved(text),
                Err(error) => {
                    // The device need not go on asking.
                    self.settings.device_codes.decide(&code.id()?, Decision::Denied).await?;
                    return Err(error);
                }
            }
        } else {
            Decision::Denied
        };
        if !self.settings.device_codes.decide(&code.id()?, decision).await? {
            return self.page(Some(Notice::NoticeDeviceCode), "");
        }
        tracing::info!(
            correlation = %self.portal.cx.request.activity, approved, client = request.client, asked_from = request.address,
            answered_from = %self.portal.call.origin.client_ip, person = %self.person(), "a device's request is decided"
        );
        self.show(&DeviceCodeDonePage { approved })
    }

    /// What the device gets: the sign-in of whoever is here, under seal, where rules and policy permit it.
    async fn approve(&self, request: &DeviceRequest) -> Result<String, OAuthError> {
        let Portal { environment, cx, call, .. } = self.portal;
        let client = device_code::client_of(cx, request).ok_or(OAuthError::UnknownClient)?;
        let trust = self.trust(request).ok_or(OAuthError::UnknownResource)?;
        if !client.may_access(&trust.identifiers) {
            return Err(OAuthError::NotPermitted);
        }
        let sign_in = SignInRequest {
            relying_party: request.resource.clone(),
            endpoint: OAuthEndpoint::DeviceAuth(Door::Main).path().to_owned(),
            origin: call.origin.clone(),
            hints: call.hints(),
            token_type: Some(TokenType::Jwt),
            persistent_session: self.session.kept.is_some(),
            actor: None,
        };
        match environment.issuer.decide(cx, &sign_in, &self.session.subject).await? {
            Verdict::Permit(_) => {}
            Verdict::Deny(denial) => return Err(OAuthError::Denied(denial)),
            Verdict::StepUp(demand) => return Err(OAuthError::StepUp(demand)),
        }
        let (resource, scopes) = (request.resource.clone(), request.scopes.clone());
        let mut signed_in = SignedIn::begin(self.session, call.origin.clone(), resource, scopes, &*cx.services.random)?;
        signed_in.elsewhere = true;
        let until = cx.services.clock.now().plus(APPROVED_FOR);
        Ok(self.settings.sealer.seal(APPROVAL.bound_to(&client.id), &signed_in, until)?)
    }

    /// The request that waits with a code, and whose client may still ask.
    async fn waiting(&self, code: &UserCode) -> Result<Option<DeviceRequest>, OAuthError> {
        let Some(text) = self.settings.device_codes.waiting(&code.id()?).await? else { return Ok(None) };
        let request: DeviceRequest =
            serde_json::from_str(&text).map_err(|error| OAuthError::DeviceCode(error.to_string()))?;
        Ok(device_code::client_of(self.portal.cx, &request).map(|_| request))
    }

    fn trust(&self, request: &DeviceRequest) -> Option<&RelyingParty> {
        match self.portal.cx.services.trusts.relying_party(&request.resource) {
            TrustLookup::Enabled(trust) => Some(trust),
            TrustLookup::Disabled(_) | TrustLookup::Unknown => None,
        }
    }

    fn question(&self, code: &UserCode, request: &DeviceRequest) -> Result<Answer, OAuthError> {
        let client: Option<std::sync::Arc<Client>> = device_code::client_of(self.portal.cx, request);
        let (Some(client), Some(trust)) = (client, self.trust(request)) else {
            return self.page(Some(Notice::NoticeDeviceCode), "");
        };
        self.show(&DeviceCodeQuestionPage {
            action: ADDRESS.to_owned(),
            state: self.portal.seal(self.session, code)?,
            application: client.name.clone(),
            user: self.person(),
            resource: trust.name.clone(),
            code: code.as_str().to_owned(),
            address: request.address.clone(),
            time: request.at.to_xml(),
        })
    }

    fn page(&self, notice: Option<Notice>, user_code: &str) -> Result<Answer, OAuthError> {
        let state = self.portal.seal(self.session, &())?;
        self.show(&DeviceCodePage { action: ADDRESS.to_owned(), state, user_code: user_code.to_owned(), notice })
    }

    fn show<P: Page>(&self, page: &P) -> Result<Answer, OAuthError> {
        let Portal { environment, cx, call, .. } = self.portal;
        Ok(browser::page(&environment.browser, cx, call, StatusCode::OK, None, page)?)
    }

    /// Who is signed in, as they know themselves.
    fn person(&self) -> String {
        match &self.session.subject.origin {
            SubjectOrigin::Directory(account) => account.upn.clone().unwrap_or_else(|| account.windows_account_name()),
            SubjectOrigin::ClaimsProvider(subject) => subject.name.clone(),
            SubjectOrigin::Client(client) => client.id.clone(),
        }
    }

    fn refuse(&self, error: &OAuthError) -> Answer {
        let request = StatusCode::INTERNAL_SERVER_ERROR;
        let shown = match error {
            OAuthError::Denied(_) => (StatusCode::FORBIDDEN, "MSIS7068", ErrorText::ErrorDenied),
            OAuthError::StepUp(_) => (StatusCode::FORBIDDEN, "MSIS7102", ErrorText::ErrorMoreProof),
            OAuthError::Parameters(_) | OAuthError::Missing(_) => {
                (StatusCode::BAD_REQUEST, "MSIS9601", ErrorText::ErrorRequest)
            }
            OAuthError::UnknownClient | OAuthError::UnknownResource | OAuthError::NotPermitted => {
                (request, "MSIS9605", ErrorText::ErrorApplication)
            }
            OAuthError::Store(_) => (StatusCode::SERVICE_UNAVAILABLE, "MSIS9604", ErrorText::ErrorUnavailable),
            OAuthError::Issue(error) if IssueError::is_retryable(error) => {
                (StatusCode::SERVICE_UNAVAILABLE, "MSIS9604", ErrorText::ErrorUnavailable)
            }
            _ => (request, "MSIS9604", ErrorText::ErrorInternal),
        };
        let parties = Parties::of(&self.session.subject, None);
        self.portal.refuse_with(shown, &error.to_string(), parties, None)
    }
}

const ADDRESS: &str = "/adfs/oauth2/deviceauth";
/// The field of an answer.
const ANSWER: &str = "Answer";
const MAX_CODE: usize = 64;
/// Codes that one person may enter in a while: nobody finds one of 41 bits in ten.
const MOST_ENTRIES: usize = 10;
const ENTRIES_WITHIN: Duration = Duration::from_mins(10);
/// How long the device has to fetch what was approved; longer than its request lasts.
const APPROVED_FOR: Duration = Duration::from_mins(15);
