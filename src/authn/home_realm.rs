//! Home realm discovery: which claims provider signs somebody in (ws-federation.md 10.1 to 10.3).
//!
//! One pure function over the claims providers that a relying party takes part with and what request, network and browser say. Its
//! answer explains itself: which step decided, and why those before it did not. Knows nothing of HTTP or pages.

use std::fmt;

use super::{AuthnRequirement, NetworkLocation, RequestedMethod};
use crate::trusts::{Candidates, HomeRealm};

/// What request, network and browser say. Texts are as they came: what names no candidate decides nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Hints<'a> {
    /// The person wants to choose, whatever else is known.
    pub wants_to_choose: bool,
    /// The person's choice (`RedirectToIdentityProvider`): an identifier.
    pub chosen: Option<&'a str>,
    /// The application's wish (`whr`): an identifier.
    pub home_realm: Option<&'a str>,
    /// The application's hint (`domain_hint`): an identifier or a suffix.
    pub domain_hint: Option<&'a str>,
    /// Name of the user that the request brings (`username`).
    pub user_name: Option<&'a str>,
    /// Another form of it (`login_hint`).
    pub login_hint: Option<&'a str>,
    /// What this browser's person chose earlier (`MSISIPSelectionPersistent`): an identifier.
    pub remembered: Option<&'a str>,
    /// The browser is on the intranet, and people there belong to the local Active Directory (`IntranetUseLocalClaimsProvider`).
    pub local_inside: bool,
    /// Nobody sees a page ([`is_silent`]).
    pub silent: bool,
}

/// Where somebody signs in, and why there.
#[derive(Debug, Clone)]
pub struct Discovery<'a> {
    /// Where.
    pub answer: Answer<'a>,
    /// The step that decided.
    pub by: Step,
    /// The steps before it, each with the reason why it did not decide.
    pub passed: Vec<(Step, Passed)>,
    candidates: Candidates<'a>,
}

/// Where somebody signs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer<'a> {
    /// There.
    Home(HomeRealm<'a>),
    /// The person must say.
    Page,
    /// Nowhere: nobody may sign users in, or nobody can be asked.
    Nowhere,
}

/// Steps of the discovery, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// There is no candidate.
    Nobody,
    /// There is one candidate.
    Only,
    /// The person has chosen.
    Chosen,
    /// The person wants to choose anew.
    WantsToChoose,
    /// `whr`
    HomeRealm,
    /// `domain_hint`
    DomainHint,
    /// On the intranet it is the local Active Directory.
    Intranet,
    /// Suffix of `username`.
    UserName,
    /// Suffix of `login_hint`.
    LoginHint,
    /// The browser remembers an earlier choice.
    Remembered,
    /// No page may be shown.
    Silent,
    /// The person is asked.
    Page,
}

/// Why a step did not decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passed {
    /// There is more than one.
    Several,
    /// It does not apply to this request.
    Absent,
    /// It names none of the candidates.
    NoCandidate,
    /// No page may be shown.
    NoPage,
}

/// Finds out where somebody signs in.
pub fn discover<'a>(candidates: Candidates<'a>, hints: &Hints<'_>) -> Discovery<'a> {
    let mut passed = Vec::new();
    let (by, answer) = decide(candidates, hints, &mut passed);
    Discovery { answer, by, passed, candidates }
}

fn decide<'a>(candidates: Candidates<'a>, hints: &Hints<'_>, passed: &mut Vec<(Step, Passed)>) -> (Step, Answer<'a>) {
    if candidates.is_empty() {
        return (Step::Nobody, Answer::Nowhere);
    }
    if let Some(only) = candidates.only() {
        return (Step::Only, Answer::Home(only));
    }
    passed.push((Step::Only, Passed::Several));
    if let Some(found) = look(candidates, Step::Chosen, hints.chosen, Reading::Identifier, passed) {
        return found;
    }
    if hints.wants_to_choose && !hints.silent {
        return (Step::WantsToChoose, Answer::Page);
    }
    passed.push((Step::WantsToChoose, if hints.wants_to_choose { Passed::NoPage } else { Passed::Absent }));
    let local = HomeRealm::ActiveDirectory.identifier();
    for (step, text, reading) in [
        (Step::HomeRealm, hints.home_realm, Reading::Identifier),
        (Step::DomainHint, hints.domain_hint, Reading::IdentifierOrSuffix),
        (Step::Intranet, hints.local_inside.then_some(local), Reading::Identifier),
        (Step::UserName, hints.user_name, Reading::Address),
        (Step::LoginHint, hints.login_hint, Reading::Address),
        (Step::Remembered, hints.remembered, Reading::Identifier),
        (Step::Silent, hints.silent.then_some(local), Reading::Identifier),
    ] {
        if let Some(found) = look(candidates, step, text, reading, passed) {
            return found;
        }
    }
    if hints.silent { (Step::Silent, Answer::Nowhere) } else { (Step::Page, Answer::Page) }
}

/// How a text names a claims provider.
#[derive(Debug, Clone, Copy)]
enum Reading {
    Identifier,
    IdentifierOrSuffix,
    Address,
}

/// One step: `text` as a candidate, when there is a text and it is one.
fn look<'a>(
    candidates: Candidates<'a>,
    step: Step,
    text: Option<&str>,
    reading: Reading,
    passed: &mut Vec<(Step, Passed)>,
) -> Option<(Step, Answer<'a>)> {
    let Some(text) = text else {
        passed.push((step, Passed::Absent));
        return None;
    };
    let found = match reading {
        Reading::Identifier => candidates.find(text),
        Reading::IdentifierOrSuffix => candidates.find(text).or_else(|| candidates.of_suffix(text)),
        Reading::Address => candidates.of_address(text),
    };
    if found.is_none() {
        passed.push((step, Passed::NoCandidate));
    }
    found.map(|home| (step, Answer::Home(home)))
}

impl Discovery<'_> {
    /// Whether a session that this claims provider vouches for will do: it is a candidate, and neither person nor application
    /// named another one.
    pub fn accepts(&self, claims_provider: &str) -> bool {
        match (self.by, self.answer) {
            (Step::WantsToChoose, _) => false,
            (Step::Chosen | Step::HomeRealm | Step::DomainHint, Answer::Home(home)) => {
                home.identifier() == claims_provider
            }
            _ => self.candidates.find(claims_provider).is_some(),
        }
    }

    /// The claims providers that there are to choose from.
    pub const fn candidates(&self) -> Candidates<'_> {
        self.candidates
    }

    /// Whether the person may choose another one: not where there is only one, and not where nobody sees a page.
    pub fn may_choose(&self) -> bool {
        !matches!(self.by, Step::Nobody | Step::Only | Step::Silent)
    }
}

/// For the log: the answer, the step that decided, and what was passed over although it said something.
impl fmt::Display for Discovery<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.answer {
            Answer::Home(home) => write!(f, "{:?} by {:?}", home.identifier(), self.by)?,
            Answer::Page => write!(f, "the person chooses, by {:?}", self.by)?,
            Answer::Nowhere => write!(f, "nowhere, by {:?}", self.by)?,
        }
        for (step, why) in self.passed.iter().filter(|(_, why)| *why != Passed::Absent) {
            write!(f, "; not {step:?}: {why}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Passed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Several => "there are several claims providers",
            Self::Absent => "it does not apply",
            Self::NoCandidate => "it names no claims provider of the relying party",
            Self::NoPage => "nobody sees a page",
        })
    }
}

/// What tells whether anybody would see a page.
#[derive(Debug, Clone, Copy)]
pub struct Audience<'a> {
    /// What the request demands.
    pub requirement: &'a AuthnRequirement,
    /// The request forbids pages (`prompt=none`, `IsPassive`).
    pub passive: bool,
    /// What the browser calls itself.
    pub user_agent: Option<&'a str>,
    /// The token is for Microsoft Entra.
    pub for_entra: bool,
    /// Inside or outside.
    pub location: NetworkLocation,
}

/// Whether nobody would see a page (ws-federation.md 10.3): a hidden browser would wait for ever.
pub fn is_silent(audience: &Audience<'_>, candidates: Candidates<'_>) -> bool {
    let by_windows = audience
        .requirement
        .methods
        .iter()
        .any(|method| matches!(method, RequestedMethod::Windows | RequestedMethod::WindowsOrMultiFactor));
    let hidden = audience.user_agent.is_some_and(|agent| HIDDEN_BROWSERS.iter().any(|hidden| agent.contains(hidden)));
    let inside = audience.location == NetworkLocation::Intranet;
    let computer = audience.for_entra && inside && candidates.has_active_directory();
    audience.passive || by_windows || hidden || computer
}

/// Parts of what components of Windows call themselves that have no window.
const HIDDEN_BROWSERS: [&str; 2] = ["MSAuthHost/1.0/In-Domain", "Windows-AzureAD-Authentication-Provider"];

#[cfg(test)]
mod tests;
