//! Where somebody signs in: what a request and its browser say of it, the page that asks, and what the person answers
//! (ws-federation.md 10.2).
//!
//! Decides nothing itself: [`discover`](crate::authn::discover) does. What a person chose is remembered in a cookie that AD FS has,
//! too; like everything that a browser says here it counts only when it names a claims provider of the relying party.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::cookies::{self, Cookie, Cookies, Keep};
use super::failure::SignInFailure;
use super::parameters::{ParameterError, Parameters, edit};
use super::prompt::Prompt;
use super::sign_in::{Outcome, Visit};
use super::{Door, reply};
use crate::authn::home_realm::{Answer as Home, Audience, Step, is_silent};
use crate::authn::{AuthnError, Hints, NetworkLocation};
use crate::pages::{HomeRealmChoice, HomeRealmPage, HomeRealmSearch, Notice};
use crate::protocols::environment::Environment;
use crate::protocols::http::Call;
use crate::trusts::HomeRealm;

/// How home realm discovery is set up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HomeRealmSettings {
    /// People on the intranet belong to the local Active Directory.
    pub local_inside: bool,
    /// How long a choice is remembered; `None` does not remember it.
    pub remember: Option<Duration>,
}

/// What the parameters of a request say of where its user signs in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HomeRealmParameters {
    /// `RedirectToIdentityProvider`: the person's choice.
    pub chosen: Option<String>,
    /// `ChooseHomeRealm`: the person wants to choose anew.
    pub wants_to_choose: bool,
    /// `HomeRealmSearch`: what the person looks for.
    pub search: Option<String>,
    /// `whr`
    pub home_realm: Option<String>,
    /// `domain_hint`
    pub domain_hint: Option<String>,
    /// `username`
    pub user_name: Option<String>,
    /// `login_hint`
    pub login_hint: Option<String>,
    /// `prompt=none`: no page may be shown.
    pub passive: bool,
}

impl HomeRealmParameters {
    /// Those of a request.
    ///
    /// # Errors
    /// [`ParameterError`].
    pub fn read(parameters: &Parameters) -> Result<Self, ParameterError> {
        let text = |name: &'static str| parameters.get(name).map(|value| value.map(str::to_owned));
        let name = |name: &'static str| parameters.line(name, MAX_NAME).map(|value| value.map(str::to_owned));
        Ok(Self {
            chosen: text(CHOSEN)?,
            wants_to_choose: parameters.get(CHOOSE)?.is_some(),
            search: text(SEARCH)?,
            home_realm: text("whr")?,
            domain_hint: text("domain_hint")?,
            user_name: name("username")?,
            login_hint: name("login_hint")?,
            passive: parameters.get("prompt")? == Some("none"),
        })
    }

    /// The user that the request hints at.
    pub fn user(&self) -> Option<&str> {
        self.user_name.as_deref().or(self.login_hint.as_deref())
    }
}

/// Whether a form is an answer of the page.
pub(in crate::protocols) fn is_form(form: &Parameters) -> bool {
    form.has(SELECTION) || form.has(BY_ADDRESS)
}

/// What the browser remembers.
pub(super) fn remembered(cookies: &Cookies) -> Option<String> {
    let octets = BASE64.decode(cookies.get(Cookie::HomeRealm)?).ok()?;
    String::from_utf8(octets).ok()
}

/// Everything that helps to find out where somebody signs in.
pub(super) fn hints<'a>(
    environment: &Environment,
    call: &Call,
    prompt: &Prompt<'a>,
    remembered: Option<&'a str>,
) -> Hints<'a> {
    let parameters = prompt.home_realm;
    let location = call.origin.location;
    let service_identifier = environment.service_identifier.as_str();
    let audience = Audience {
        requirement: prompt.requirement,
        passive: parameters.passive,
        user_agent: call.header("user-agent"),
        for_entra: prompt.for_entra,
        location,
    };
    Hints {
        wants_to_choose: parameters.wants_to_choose || parameters.search.is_some(),
        chosen: parameters.chosen.as_deref(),
        // Whoever names this service means those who sign in here.
        home_realm: parameters.home_realm.as_deref().map(|named| match named {
            own if own == service_identifier => HomeRealm::ActiveDirectory.identifier(),
            other => other,
        }),
        domain_hint: parameters.domain_hint.as_deref(),
        user_name: parameters.user_name.as_deref(),
        login_hint: parameters.login_hint.as_deref(),
        remembered,
        local_inside: environment.browser.home_realm.local_inside && location == NetworkLocation::Intranet,
        silent: is_silent(&audience, prompt.candidates),
    }
}

impl Visit<'_> {
    /// The cookie that remembers what the person chose, or forgets it when the person wants to choose anew.
    pub(super) fn home_realm_cookie(&self) -> Option<(HeaderName, HeaderValue)> {
        let sent = self.browser.cookies.get(Cookie::HomeRealm);
        match (self.home.by, self.home.answer) {
            (Step::WantsToChoose, _) => {
                sent.is_some().then(|| cookies::set(Cookie::HomeRealm, "", Keep::Forget)).flatten()
            }
            (Step::Chosen, Home::Home(home)) => {
                let lifetime = self.settings.home_realm.remember?;
                let value = BASE64.encode(home.identifier());
                let is_new = sent != Some(&value);
                is_new.then(|| cookies::set(Cookie::HomeRealm, &value, Keep::For(lifetime))).flatten()
            }
            _ => None,
        }
    }

    /// Where the person chooses another claims provider; `None` where there is nothing to choose.
    pub(super) fn choose_another(&self) -> Option<String> {
        let query = || edit(self.prompt.query, &[CHOSEN, CHOOSE, SEARCH], &[(CHOOSE, "true")]);
        self.home.may_choose().then(|| self.prompt.address_of(&query()))
    }

    /// The page was answered: back to the same request, with the choice.
    pub(super) fn home_realm_form(&self, form: &Parameters) -> Result<Outcome, SignInFailure> {
        let candidates = self.prompt.candidates;
        if candidates.is_empty() {
            return Err(AuthnError::NoClaimsProvider.into());
        }
        form.get(BY_ADDRESS)?;
        let address = form.line("Email", MAX_NAME)?.map(str::trim).filter(|address| !address.is_empty());
        if let Some(selection) = form.get(SELECTION)? {
            return match candidates.find(selection) {
                Some(home) => Ok(self.go_to(home, None)),
                None => self.ask_again(Notice::NoticeHomeRealm, None),
            };
        }
        match address.and_then(|address| candidates.of_address(address)) {
            Some(home) => Ok(self.go_to(home, address)),
            None => self.ask_again(Notice::NoticeAddress, address),
        }
    }

    /// The page once more, unless nobody would see it.
    fn ask_again(&self, notice: Notice, typed: Option<&str>) -> Result<Outcome, SignInFailure> {
        if self.silent {
            return Err(AuthnError::NoClaimsProvider.into());
        }
        self.home_realm_page(Some(notice), typed)
    }

    fn go_to(&self, home: HomeRealm<'_>, address: Option<&str>) -> Outcome {
        let mut with = vec![(CHOSEN, home.identifier())];
        with.extend(address.map(|address| ("username", address)));
        let without: &[&str] =
            if address.is_some() { &[CHOSEN, CHOOSE, SEARCH, "username"] } else { &[CHOSEN, CHOOSE, SEARCH] };
        Outcome::Answer(reply::redirect(&self.prompt.address_of(&edit(self.prompt.query, without, &with))))
    }

    /// The page that asks.
    pub(super) fn home_realm_page(
        &self,
        notice: Option<Notice>,
        typed: Option<&str>,
    ) -> Result<Outcome, SignInFailure> {
        if self.prompt.silent {
            return Err(SignInFailure::PageWanted);
        }
        let candidates = self.prompt.candidates;
        let looked_for = self.prompt.home_realm.search.as_deref().unwrap_or_default().trim();
        let needle = looked_for.to_lowercase();
        let found: Vec<HomeRealm<'_>> = candidates.iter().filter(|home| self.matches(*home, &needle)).collect();
        let has_search = candidates.iter().nth(MOST_SHOWN).is_some();
        let choice = |home: &HomeRealm<'_>| HomeRealmChoice {
            identifier: home.identifier().to_owned(),
            name: self.name_of(*home).to_owned(),
        };
        let choices: Vec<HomeRealmChoice> = found.iter().take(MOST_SHOWN).map(choice).collect();
        let page = HomeRealmPage {
            action: self.prompt.address_of(&edit(self.prompt.query, &[SEARCH], &[])),
            application: self.prompt.application.map(str::to_owned),
            notice,
            by_address: candidates.has_suffixes(),
            typed: typed.or(self.prompt.home_realm.user()).unwrap_or_default().to_owned(),
            shown: choices.len().to_string(),
            total: found.len().to_string(),
            choices,
            search: has_search.then(|| self.search_box(looked_for)).transpose()?,
        };
        reply::page(self.settings, self.cx, self.call, StatusCode::OK, self.prompt.theme, &page)
            .map(Outcome::Answer)
            .map_err(SignInFailure::from)
    }

    /// A form by GET has its parameters as fields.
    fn search_box(&self, looked_for: &str) -> Result<HomeRealmSearch, ParameterError> {
        let parameters = Parameters::parse(self.prompt.query.as_bytes())?;
        Ok(HomeRealmSearch {
            action: self.prompt.place.path(Door::Main),
            fields: parameters.others(&[SEARCH]),
            text: looked_for.chars().take(MAX_SEARCH).collect(),
        })
    }

    /// `needle` is in lower case.
    fn matches(&self, home: HomeRealm<'_>, needle: &str) -> bool {
        needle.is_empty()
            || self.name_of(home).to_lowercase().contains(needle)
            || matches!(home, HomeRealm::ClaimsProvider(provider)
                if provider.account_suffixes.iter().any(|suffix| suffix.as_str().contains(needle)))
    }

    /// People know the local Active Directory by the name of this service.
    fn name_of<'n>(&'n self, home: HomeRealm<'n>) -> &'n str {
        match home {
            HomeRealm::ActiveDirectory => &self.environment.display_name,
            HomeRealm::ClaimsProvider(provider) => &provider.name,
        }
    }
}

/// The person's choice, as AD FS writes it into the request.
const CHOSEN: &str = "RedirectToIdentityProvider";
const CHOOSE: &str = "ChooseHomeRealm";
const SEARCH: &str = "HomeRealmSearch";
/// Parameters of a request that this service adds itself.
pub(in crate::protocols) const OWN_PARAMETERS: [&str; 3] = [CHOSEN, CHOOSE, SEARCH];
/// Fields of the page.
const SELECTION: &str = "HomeRealmSelection";
const BY_ADDRESS: &str = "HomeRealmByEmail";

/// Octets of a user's name.
const MAX_NAME: usize = 512;
/// Claims providers on one page; with more there is a search.
const MOST_SHOWN: usize = 10;
/// Characters that are looked for.
const MAX_SEARCH: usize = 100;
