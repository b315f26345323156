//! Who asks for a sign-in, what for, and where the browser comes back to.

use super::HomeRealmParameters;
use crate::authn::AuthnRequirement;
use crate::pages::theme::Theme;
use crate::trusts::Candidates;

/// Who wants to know, and what for.
#[derive(Debug, Clone, Copy)]
pub(in crate::protocols) struct Prompt<'a> {
    /// What the request demands.
    pub(in crate::protocols) requirement: &'a AuthnRequirement,
    /// Name of the relying party's trust, for the page; `None` for a page of this service itself.
    pub(in crate::protocols) application: Option<&'a str>,
    /// The relying party's theme, where it has one.
    pub(in crate::protocols) theme: Option<&'a Theme>,
    /// The relying party as it was named, for the audit log.
    pub(in crate::protocols) relying_party: &'a str,
    /// What the request says of where its user signs in.
    pub(in crate::protocols) home_realm: &'a HomeRealmParameters,
    /// The claims providers that may sign users in to the relying party.
    pub(in crate::protocols) candidates: Candidates<'a>,
    /// The relying party is Microsoft Entra.
    pub(in crate::protocols) for_entra: bool,
    /// The request as a query: the page's form and redirects come back with it.
    pub(in crate::protocols) query: &'a str,
    /// Where they come back to.
    pub(in crate::protocols) place: Place,
    /// No page may be shown: whoever cannot be signed in without one is not.
    pub(in crate::protocols) silent: bool,
}

/// The addresses of a protocol at which browsers sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::protocols) enum Place {
    /// `/adfs/ls/`
    WsFederation,
    /// `/adfs/oauth2/authorize/`
    OAuth,
    /// `/adfs/portal/mydevices/`
    MyDevices,
    /// `/adfs/oauth2/deviceauth`
    DeviceCode,
}

impl Place {
    /// The place with this path of its main door.
    pub(super) fn of_path(path: &str) -> Option<Self> {
        let all = [Self::WsFederation, Self::OAuth, Self::MyDevices, Self::DeviceCode];
        all.into_iter().find(|place| place.path(Door::Main) == path)
    }

    /// The path of a door.
    pub(in crate::protocols) const fn path(self, door: Door) -> &'static str {
        match (self, door) {
            (Self::WsFederation, door) => door.path(),
            (Self::OAuth, Door::Main) => "/adfs/oauth2/authorize/",
            (Self::OAuth, Door::Windows) => "/adfs/oauth2/authorize/wia",
            (Self::MyDevices, Door::Main) => "/adfs/portal/mydevices/",
            (Self::MyDevices, Door::Windows) => "/adfs/portal/mydevices/wia",
            (Self::DeviceCode, Door::Main) => "/adfs/oauth2/deviceauth",
            (Self::DeviceCode, Door::Windows) => "/adfs/oauth2/deviceauth/wia",
        }
    }

    pub(super) fn with(self, door: Door, query: &str) -> String {
        let path = self.path(door);
        if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
    }
}

impl Prompt<'_> {
    /// The address of the request at a door.
    pub(super) fn address(&self, door: Door) -> String {
        self.place.with(door, self.query)
    }

    /// The address of an edited request.
    pub(super) fn address_of(&self, query: &str) -> String {
        self.place.with(Door::Main, query)
    }
}

/// Which address the request came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// `/adfs/ls/`
    Main,
    /// `/adfs/ls/wia`, where Negotiate is.
    Windows,
}

impl Door {
    /// Its path.
    pub const fn path(self) -> &'static str {
        match self {
            Self::Main => "/adfs/ls/",
            Self::Windows => "/adfs/ls/wia",
        }
    }
}
