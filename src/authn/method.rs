//! How somebody is asked to prove who they are: one pure function over what a request demands and what the circumstances allow.
//!
//! Protocols translate their own words into a [`AuthnRequirement`] (`wauth` and `wfresh` of WS-Federation); they decide nothing
//! themselves (ws-federation.md 6.8, 9.1).

use std::time::Duration;

use super::{Audience, AuthenticatedSubject, AuthenticationMethod, NetworkLocation};
use crate::clock::UtcTime;

/// What a request demands of the authentication.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct AuthnRequirement {
    /// Any of these; whatever there is when empty.
    pub methods: Vec<RequestedMethod>,
    /// How long ago the authentication may have been; zero wants a new one.
    pub max_age: Option<Duration>,
    /// The person must be asked, even where Windows could answer for them.
    pub ask: bool,
}

/// A method as requests name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequestedMethod {
    /// Integrated Windows Authentication.
    Windows,
    /// A password.
    Password,
    /// A certificate.
    Certificate,
    /// More than one factor.
    MultiFactor,
    /// Windows, or more than one factor where that is not possible.
    WindowsOrMultiFactor,
}

impl RequestedMethod {
    /// The method of a URI (ws-federation.md 4.3); `None` for one that nobody knows.
    pub fn from_uri(uri: &str) -> Option<Self> {
        Some(match uri {
            "urn:federation:authentication:windows"
            | "http://schemas.microsoft.com/ws/2008/06/identity/authenticationmethod/windows"
            | "urn:oasis:names:tc:SAML:2.0:ac:classes:Kerberos" => Self::Windows,
            "urn:oasis:names:tc:SAML:1.0:am:password"
            | "http://schemas.microsoft.com/ws/2008/06/identity/authenticationmethod/password"
            | "urn:oasis:names:tc:SAML:2.0:ac:classes:Password"
            | "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport" => Self::Password,
            "urn:ietf:rfc:2246"
            | "http://schemas.microsoft.com/ws/2008/06/identity/authenticationmethod/tlsclient"
            | "http://schemas.microsoft.com/ws/2008/06/identity/authenticationmethod/x509"
            | "urn:oasis:names:tc:SAML:2.0:ac:classes:TLSClient"
            | "urn:oasis:names:tc:SAML:2.0:ac:classes:X509" => Self::Certificate,
            "http://schemas.microsoft.com/claims/multipleauthn" => Self::MultiFactor,
            "http://schemas.microsoft.com/claims/wiaormultiauthn" => Self::WindowsOrMultiFactor,
            _ => return None,
        })
    }

    /// The URI by which other services are asked for it: those of WS-Federation, where it has one of its own.
    pub const fn uri(self) -> &'static str {
        match self {
            Self::Windows => "urn:federation:authentication:windows",
            Self::Password => "urn:oasis:names:tc:SAML:1.0:am:password",
            Self::Certificate => "urn:ietf:rfc:2246",
            Self::MultiFactor => "http://schemas.microsoft.com/claims/multipleauthn",
            Self::WindowsOrMultiFactor => "http://schemas.microsoft.com/claims/wiaormultiauthn",
        }
    }

    /// Whether an authentication by these methods is what was asked for. Exact: no method stands for another.
    pub fn is_met_by(self, methods: &[AuthenticationMethod]) -> bool {
        let used = |wanted| methods.contains(&wanted);
        match self {
            Self::Windows | Self::WindowsOrMultiFactor => used(AuthenticationMethod::Windows),
            Self::Password => used(AuthenticationMethod::Password),
            Self::Certificate => used(AuthenticationMethod::TlsClient) || used(AuthenticationMethod::X509),
            // No method that exists is a second factor.
            Self::MultiFactor => false,
        }
    }
}

impl AuthnRequirement {
    /// Whether somebody who authenticated so, then, may go on without being asked again.
    pub fn is_met_by(&self, subject: &AuthenticatedSubject, now: UtcTime) -> bool {
        let recent = self.max_age.is_none_or(|limit| !limit.is_zero() && now.since(subject.instant) <= limit);
        recent && !self.ask && self.accepts(&subject.methods)
    }

    /// Whether an authentication elsewhere was recent enough: for a request that left at `departed` and is answered at `now`.
    /// Clocks may differ by five minutes.
    pub fn is_fresh(&self, instant: UtcTime, departed: UtcTime, now: UtcTime) -> bool {
        let anew = self.ask || self.max_age.is_some_and(|age| age.is_zero());
        let instant = instant.plus(SKEW);
        (!anew || instant >= departed) && self.max_age.is_none_or(|age| anew || instant.plus(age) >= now)
    }

    /// Whether it says how old an authentication may be, which must then be shown.
    pub const fn limits_age(&self) -> bool {
        self.ask || self.max_age.is_some()
    }

    /// Whether nothing but a second factor is asked for, which no claims provider is believed to have seen.
    pub fn wants_second_factor_alone(&self) -> bool {
        !self.methods.is_empty() && self.methods.iter().all(|method| *method == RequestedMethod::MultiFactor)
    }

    /// Whether the methods alone are what was asked for.
    pub fn accepts(&self, methods: &[AuthenticationMethod]) -> bool {
        self.methods.is_empty() || self.methods.iter().any(|method| method.is_met_by(methods))
    }

    /// Whether nothing but Windows will do.
    pub fn insists_on_windows(&self) -> bool {
        !self.methods.is_empty() && !self.accepts(&[AuthenticationMethod::Password])
    }
}

/// How far the clock of a claims provider may be from ours.
const SKEW: Duration = Duration::from_mins(5);

/// To whom each way of proving who one is to the local Active Directory is offered; AD FS' primary authentication methods.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PrimaryMethods {
    /// Windows; never outside, whatever stands here.
    pub windows: Audience,
    /// User name and password on a page.
    pub forms: Audience,
    /// What the device says of its user.
    pub device: Audience,
}

impl PrimaryMethods {
    /// What of it is offered there; `certificate` says whether certificates are.
    pub fn offered(self, location: NetworkLocation, certificate: bool) -> Offered {
        Offered {
            windows: location == NetworkLocation::Intranet && self.windows.is_offered(location),
            password: self.forms.is_offered(location),
            certificate,
        }
    }
}

/// What somebody can prove who they are with where they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offered {
    /// A Kerberos ticket.
    pub windows: bool,
    /// User name and password.
    pub password: bool,
    /// A certificate.
    pub certificate: bool,
}

impl Offered {
    /// Whether there is a page for somebody of whom this is demanded: one with a form, or one that leads to where certificates are
    /// asked for.
    pub fn has_page(self, requirement: &AuthnRequirement) -> bool {
        let accepts = |method| requirement.accepts(&[method]);
        accepts(AuthenticationMethod::Password)
            && (self.password || (self.certificate && accepts(AuthenticationMethod::TlsClient)))
    }
}

/// What is known of the browser and of who sits at it.
#[derive(Debug, Clone, Copy)]
pub struct Circumstances<'a> {
    /// What is offered where the browser is.
    pub offered: Offered,
    /// The browser is one that signs in by Windows without asking.
    pub windows_browser: bool,
    /// It failed at that a moment ago.
    pub windows_failed: bool,
    /// Who is signed in.
    pub session: Option<&'a AuthenticatedSubject>,
    /// The time.
    pub now: UtcTime,
}

/// The way to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// The session is enough.
    Session,
    /// Negotiate.
    Windows,
    /// User name and password on a page.
    Forms,
    /// A certificate, where those are asked for.
    Certificate,
    /// What is demanded is not possible here.
    Unavailable,
}

/// How to go on.
pub fn choose(requirement: &AuthnRequirement, circumstances: &Circumstances<'_>) -> Choice {
    let Circumstances { offered, windows_browser, windows_failed, session, now } = *circumstances;
    if session.is_some_and(|session| requirement.is_met_by(session, now)) {
        return Choice::Session;
    }
    let windows = requirement.accepts(&[AuthenticationMethod::Windows]) && offered.windows;
    let password = requirement.accepts(&[AuthenticationMethod::Password]) && offered.password;
    let certificate = requirement.accepts(&[AuthenticationMethod::TlsClient]) && offered.certificate;
    let at_once = windows_browser && !windows_failed && !requirement.ask;
    match (windows, password) {
        // Where there is a page, it offers the certificate: a browser may have one that its person does not want to use.
        (false, false) if certificate => Choice::Certificate,
        (false, false) => Choice::Unavailable,
        (true, false) if certificate && !at_once => Choice::Certificate,
        // Asked for by name, or nothing else is offered: whatever the browser says of itself.
        (true, false) => Choice::Windows,
        (true, true) if at_once => Choice::Windows,
        (_, true) => Choice::Forms,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authn::session::tests::subject;

    const NOW: UtcTime = UtcTime::from_unix_seconds(1_767_607_201);

    fn requirement(methods: &[RequestedMethod], max_age: Option<u64>, ask: bool) -> AuthnRequirement {
        AuthnRequirement { methods: methods.to_vec(), max_age: max_age.map(Duration::from_mins), ask }
    }

    const METHODS: PrimaryMethods =
        PrimaryMethods { windows: Audience::Intranet, forms: Audience::Everybody, device: Audience::Everybody };

    fn inside() -> Circumstances<'static> {
        Circumstances {
            offered: METHODS.offered(NetworkLocation::Intranet, false),
            windows_browser: true,
            windows_failed: false,
            session: None,
            now: NOW,
        }
    }

    #[test]
    fn without_a_session() {
        use RequestedMethod::{Certificate, MultiFactor, Password, Windows, WindowsOrMultiFactor};
        let any = requirement(&[], None, false);
        let other_browser = Circumstances { windows_browser: false, ..inside() };
        let failed = Circumstances { windows_failed: true, ..inside() };
        let outside = Circumstances { offered: METHODS.offered(NetworkLocation::Extranet, false), ..inside() };
        let taken = Circumstances { offered: METHODS.offered(NetworkLocation::Extranet, true), ..inside() };
        for (requirement, circumstances, expected) in [
            (&any, inside(), Choice::Windows),
            (&any, other_browser, Choice::Forms),
            (&any, failed, Choice::Forms),
            (&any, outside, Choice::Forms),
            (&requirement(&[], None, true), inside(), Choice::Forms),
            (&requirement(&[Password], None, false), inside(), Choice::Forms),
            (&requirement(&[Windows], None, false), other_browser, Choice::Windows),
            (&requirement(&[Windows], None, false), failed, Choice::Windows),
            (&requirement(&[Windows], None, false), outside, Choice::Unavailable),
            (&requirement(&[WindowsOrMultiFactor], None, false), other_browser, Choice::Windows),
            (&requirement(&[WindowsOrMultiFactor], None, false), outside, Choice::Unavailable),
            (&requirement(&[Certificate], None, false), inside(), Choice::Unavailable),
            (&requirement(&[Certificate], None, false), taken, Choice::Certificate),
            (&requirement(&[Certificate], None, true), taken, Choice::Certificate),
            (&requirement(&[Certificate, Password], None, false), taken, Choice::Forms),
            (&requirement(&[Windows], None, false), taken, Choice::Unavailable),
            (&any, taken, Choice::Forms),
            (&requirement(&[MultiFactor], None, false), inside(), Choice::Unavailable),
            (&requirement(&[Windows, Password], None, false), outside, Choice::Forms),
        ] {
            assert_eq!(choose(requirement, &circumstances), expected, "{requirement:?} {circumstances:?}");
        }
    }

    #[test]
    fn what_a_place_does_not_offer_is_not_asked_for_there() {
        use NetworkLocation::{Extranet, Intranet};
        use RequestedMethod::{Certificate, Password, Windows};
        let forms_outside = PrimaryMethods { forms: Audience::Extranet, ..METHODS };
        let no_windows = PrimaryMethods { windows: Audience::Nobody, ..METHODS };
        let windows_everywhere = PrimaryMethods { windows: Audience::Everybody, ..METHODS };
        let nothing = PrimaryMethods { forms: Audience::Nobody, ..no_windows };
        let any = requirement(&[], None, false);
        let ask = requirement(&[], None, true);
        let at = |methods: PrimaryMethods, location, certificate| Circumstances {
            offered: methods.offered(location, certificate),
            ..inside()
        };
        let failed = |circumstances| Circumstances { windows_failed: true, ..circumstances };
        let other = |circumstances| Circumstances { windows_browser: false, ..circumstances };
        for (requirement, circumstances, expected) in [
            (&any, at(forms_outside, Intranet, false), Choice::Windows),
            (&any, other(at(forms_outside, Intranet, false)), Choice::Windows),
            (&any, failed(at(forms_outside, Intranet, false)), Choice::Windows),
            (&ask, at(forms_outside, Intranet, false), Choice::Windows),
            (&any, at(forms_outside, Extranet, false), Choice::Forms),
            (&requirement(&[Password], None, false), at(forms_outside, Intranet, false), Choice::Unavailable),
            (&any, at(forms_outside, Intranet, true), Choice::Windows),
            (&any, failed(at(forms_outside, Intranet, true)), Choice::Certificate),
            (&any, other(at(forms_outside, Intranet, true)), Choice::Certificate),
            (&ask, at(forms_outside, Intranet, true), Choice::Certificate),
            (&any, at(no_windows, Intranet, false), Choice::Forms),
            (&requirement(&[Windows], None, false), at(no_windows, Intranet, false), Choice::Unavailable),
            (&requirement(&[Windows], None, false), at(windows_everywhere, Extranet, false), Choice::Unavailable),
            (&any, at(nothing, Intranet, false), Choice::Unavailable),
            (&any, at(nothing, Extranet, true), Choice::Certificate),
            (&requirement(&[Certificate], None, false), at(nothing, Extranet, false), Choice::Unavailable),
        ] {
            assert_eq!(choose(requirement, &circumstances), expected, "{requirement:?} {circumstances:?}");
        }
        // Whoever is signed in is, wherever they go.
        let session = subject(AuthenticationMethod::Windows, NOW);
        let moved = Circumstances { session: Some(&session), ..at(nothing, Extranet, false) };
        assert_eq!(choose(&any, &moved), Choice::Session);
    }

    #[test]
    fn a_session_is_enough_when_it_is_young_and_of_the_right_kind() {
        use RequestedMethod::{Password, Windows};
        let an_hour_old = subject(AuthenticationMethod::Windows, NOW.minus(Duration::from_hours(1)));
        for (requirement, expected) in [
            (requirement(&[], None, false), true),
            (requirement(&[Windows], None, false), true),
            (requirement(&[Password], None, false), false),
            (requirement(&[], Some(60), false), true),
            (requirement(&[], Some(59), false), false),
            (requirement(&[], Some(0), false), false),
            (requirement(&[], None, true), false),
        ] {
            let circumstances = Circumstances { session: Some(&an_hour_old), ..inside() };
            assert_eq!(choose(&requirement, &circumstances) == Choice::Session, expected, "{requirement:?}");
        }
        // A fresh sign-in is wanted even from somebody who signed in this very moment.
        let now = subject(AuthenticationMethod::Windows, NOW);
        assert!(!requirement(&[], Some(0), false).is_met_by(&now, NOW));
    }

    #[test]
    fn every_uri_of_the_table_is_known() {
        use RequestedMethod::{Certificate, MultiFactor, Password, Windows, WindowsOrMultiFactor};
        assert_eq!(RequestedMethod::from_uri("urn:ietf:rfc:2246"), Some(RequestedMethod::Certificate));
        assert_eq!(RequestedMethod::from_uri("urn:example"), None);
        for method in [Certificate, MultiFactor, Password, Windows, WindowsOrMultiFactor] {
            assert_eq!(RequestedMethod::from_uri(method.uri()), Some(method));
        }
        assert_eq!(RequestedMethod::from_uri(""), None);
    }
}
