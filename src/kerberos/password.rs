//! Is this the account's password? Asked of a KDC that must prove itself.
//!
//! An AS exchange says that somebody who calls himself the KDC accepts the password. The ticket it leads to, for our own
//! service, opens with our own keytab only if he is the KDC; and its PAC tells the account as for Negotiate, so both ways of
//! signing in end in the same [`Accepted`]. Blocks for a network round trip or for the time-outs of a dead KDC: run it on
//! a bounded pool. Decides nothing about lockout; that stands before every call.

use crate::secret::Secret;

use super::acceptor::{AcceptError, Accepted, Acceptor};
use super::ffi::GssError;
use super::initiator::{Initiator, InitiatorError, LoginName, TokenOptions};
use super::status;

/// With what a password is checked.
#[derive(Debug, Clone, Copy)]
pub struct PasswordOptions<'a> {
    /// Opens the ticket for our own service.
    pub acceptor: &'a Acceptor,
    /// Our own service in the realm that is asked: `HTTP/sts.corp.example@CORP.EXAMPLE`. Its key must be in the keytab.
    pub service: &'a str,
}

/// Checks a password.
///
/// # Errors
/// [`PasswordCheckError`]. What a person may be told: one text for everything but [`PasswordCheckError::PasswordExpired`],
/// which proves that the password was right.
pub fn check_password(
    options: PasswordOptions<'_>,
    name: &LoginName,
    password: &Secret<String>,
) -> Result<Accepted, PasswordCheckError> {
    if password.expose().is_empty() {
        return Err(PasswordCheckError::Empty);
    }
    let initiator = Initiator::with_password(name, password).map_err(PasswordCheckError::from_initial)?;
    let (token, _) = initiator
        .begin(options.service, &TokenOptions::default())
        .map_err(|error| PasswordCheckError::from_service(error, options.service))?;
    options.acceptor.accept_own(&token).map_err(PasswordCheckError::from_accept)
}

/// Why a password was not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PasswordCheckError {
    /// No password. Never sent anywhere: some servers take it for an anonymous sign-in.
    #[error("empty password")]
    Empty,
    /// Longer than 1,024 octets, or with a NUL in it.
    #[error("not a password that can be checked")]
    Unusable,
    /// The name is empty, too long, or has control characters.
    #[error("not a name that can sign in")]
    BadName,
    /// The password is wrong.
    #[error("wrong password")]
    Wrong,
    /// The KDC knows no such account.
    #[error("no such account")]
    UnknownPrincipal,
    /// The account is disabled, locked, expired, or outside its logon hours. Says nothing about the password.
    #[error("the account is disabled, locked, expired or outside its hours: {0}")]
    Revoked(String),
    /// The password is right but expired, or must be changed.
    #[error("the password has expired")]
    PasswordExpired,
    /// A policy of the domain forbids the sign-in (workstation restriction, authentication policy).
    #[error("the domain's policy refuses: {0}")]
    Policy(String),
    /// No KDC of the realm answers, or none is configured.
    #[error("no domain controller answers: {reason}")]
    KdcUnreachable {
        /// The library's text.
        reason: String,
    },
    /// The clocks of the KDC and this node differ too much.
    #[error("the clocks of domain controller and server differ too much: {0}")]
    ClockSkew(String),
    /// Who answered as KDC does not know our key: an impostor, or our keytab is out of date.
    #[error(
        "the ticket does not open with our own keytab: an impostor answered as domain controller, or the keytab is out of date: {0}"
    )]
    KdcSpoofed(AcceptError),
    /// The KDC knows no service by our name.
    #[error("the domain controller knows no service {service}: {detail}")]
    ServiceUnknown {
        /// Our name.
        service: String,
        /// The library's text.
        detail: String,
    },
    /// The ticket opens but is not accepted: no PAC, an untrusted domain.
    #[error("{0}")]
    Refused(AcceptError),
    /// Anything else.
    #[error("{0}")]
    Gss(GssError),
    /// The library made no token although it reported success.
    #[error("the Kerberos library made no token")]
    NoToken,
}

impl PasswordCheckError {
    /// From the AS exchange.
    fn from_initial(error: InitiatorError) -> Self {
        let error = match error {
            InitiatorError::Gss(error) => error,
            InitiatorError::Password => return Self::Unusable,
            InitiatorError::Name => return Self::BadName,
            InitiatorError::Path | InitiatorError::NoToken | InitiatorError::SecondLeg => return Self::NoToken,
        };
        match error.minor {
            // BAD_INTEGRITY: an account without pre-authentication, whose answer the wrong key does not open.
            status::KDC_PREAUTH_FAILED | status::PREAUTH_FAILED | status::AP_ERR_BAD_INTEGRITY => Self::Wrong,
            status::KDC_C_PRINCIPAL_UNKNOWN | status::KDC_WRONG_REALM | status::PRINC_NOMATCH => Self::UnknownPrincipal,
            status::KDC_CLIENT_REVOKED | status::KDC_NAME_EXPIRED | status::KDC_CLIENT_NOTYET => {
                Self::Revoked(error.minor_text)
            }
            status::KDC_KEY_EXPIRED => Self::PasswordExpired,
            status::KDC_POLICY => Self::Policy(error.minor_text),
            _ => Self::from_any(error),
        }
    }

    /// From the TGS exchange for our own service.
    fn from_service(error: InitiatorError, service: &str) -> Self {
        match error {
            InitiatorError::Gss(error) if error.minor == status::KDC_S_PRINCIPAL_UNKNOWN => {
                Self::ServiceUnknown { service: service.to_owned(), detail: error.minor_text }
            }
            InitiatorError::Gss(error) => Self::from_any(error),
            _ => Self::NoToken,
        }
    }

    fn from_any(error: GssError) -> Self {
        match error.minor {
            status::KDC_UNREACH | status::REALM_UNKNOWN | status::REALM_CANT_RESOLVE | status::KDC_SVC_UNAVAILABLE => {
                Self::KdcUnreachable { reason: error.minor_text }
            }
            status::AP_ERR_SKEW | status::KDCREP_SKEW => Self::ClockSkew(error.minor_text),
            _ => Self::Gss(error),
        }
    }

    /// From accepting our own ticket.
    fn from_accept(error: AcceptError) -> Self {
        match error {
            AcceptError::WrongKey { .. }
            | AcceptError::KvnoNotFound { .. }
            | AcceptError::UnknownServicePrincipal { .. } => Self::KdcSpoofed(error),
            other => Self::Refused(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gss(minor: i32) -> GssError {
        GssError { major: 0xd_0000, minor, major_text: String::new(), minor_text: "text".into() }
    }

    #[test]
    fn what_the_kdc_says_of_an_account() {
        use PasswordCheckError as E;
        let text = || String::from("text");
        // The codes of RFC 4120 7.5.9 and of krb5.h, as numbers: a wrong constant must not pass for itself.
        for (minor, expected) in [
            (-1_765_328_360, E::Wrong),
            (-1_765_328_353, E::Wrong),
            (-1_765_328_174, E::Wrong),
            (-1_765_328_378, E::UnknownPrincipal),
            (-1_765_328_316, E::UnknownPrincipal),
            (-1_765_328_366, E::Revoked(text())),
            (-1_765_328_383, E::Revoked(text())),
            (-1_765_328_363, E::Revoked(text())),
            (-1_765_328_361, E::PasswordExpired),
            (-1_765_328_372, E::Policy(text())),
            (-1_765_328_228, E::KdcUnreachable { reason: text() }),
            (-1_765_328_230, E::KdcUnreachable { reason: text() }),
            (-1_765_328_164, E::KdcUnreachable { reason: text() }),
            (-1_765_328_347, E::ClockSkew(text())),
            (-1_765_328_370, E::Gss(gss(-1_765_328_370))),
        ] {
            assert_eq!(E::from_initial(InitiatorError::Gss(gss(minor))), expected, "{minor}");
        }
        assert_eq!(E::from_initial(InitiatorError::Password), E::Unusable);
        assert_eq!(E::from_initial(InitiatorError::Name), E::BadName);
    }

    #[test]
    fn what_the_kdc_says_of_our_service() {
        let service = "HTTP/sts.corp.example@CORP.EXAMPLE";
        let error = |minor| PasswordCheckError::from_service(InitiatorError::Gss(gss(minor)), service);
        assert!(matches!(error(-1_765_328_377), PasswordCheckError::ServiceUnknown { .. }));
        assert!(matches!(error(-1_765_328_228), PasswordCheckError::KdcUnreachable { .. }));
        // The password was right: what fails later must not read as a wrong one.
        assert!(matches!(error(-1_765_328_360), PasswordCheckError::Gss(_)));
    }

    #[test]
    fn a_ticket_our_key_does_not_open_is_an_impostors() {
        let wrong_key = AcceptError::WrongKey { service: String::new(), kvno: None, etype: 18, detail: String::new() };
        assert!(matches!(PasswordCheckError::from_accept(wrong_key), PasswordCheckError::KdcSpoofed(_)));
        let no_pac = AcceptError::NoPac { principal: String::new() };
        assert!(matches!(PasswordCheckError::from_accept(no_pac), PasswordCheckError::Refused(_)));
    }
}
