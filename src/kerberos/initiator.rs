//! The client side of Kerberos: tickets by password, keytab or cache, and tokens for a service.
//!
//! Serves the password check, `chancery probe` and load generators. Every call may ask a KDC and wait for it: never on a thread
//! that serves requests. Knows nothing of HTTP.

use std::ffi::CString;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::secret::Secret;

use super::ffi::{Credential, GssError, Initiation, Mechanisms, Name, NameForm};
use super::status;

/// Who signs in, in the form the KDC is asked.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum LoginName {
    /// `alice` or `WS01$` of a realm: the account with this `sAMAccountName`.
    Account {
        /// `sAMAccountName`, as typed.
        user: String,
        /// Realm, upper case.
        realm: String,
    },
    /// A UPN (an enterprise name, RFC 6806): the KDCs of the realm find the account.
    Upn {
        /// `carol.c@brand.example`, as typed.
        upn: String,
        /// Realm to ask.
        realm: String,
    },
}

impl LoginName {
    /// The name for GSSAPI. One component whatever was typed: `alice/admin` is nobody, not a second account of alice.
    fn import(&self) -> Result<Name, InitiatorError> {
        let (name, realm, form) = match self {
            Self::Account { user, realm } => (user, realm, NameForm::Principal),
            Self::Upn { upn, realm } => (upn, realm, NameForm::Enterprise),
        };
        let unusable =
            |text: &str| text.is_empty() || text.len() > MAX_NAME_BYTES || text.chars().any(char::is_control);
        if unusable(name) || unusable(realm) {
            return Err(InitiatorError::Name);
        }
        let mut text = String::with_capacity(name.len() + realm.len() + 2);
        push_escaped(&mut text, name, form == NameForm::Enterprise);
        text.push('@');
        push_escaped(&mut text, realm, false);
        Name::import(text.as_bytes(), form).map_err(InitiatorError::Gss)
    }
}

/// Somebody with a ticket-granting ticket.
#[derive(Debug)]
pub struct Initiator(Credential);

/// How a token is to be made.
#[derive(Debug, Clone, Default)]
pub struct TokenOptions {
    /// Wrapped in SPNEGO, as browsers and Windows do; else raw Kerberos.
    pub spnego: bool,
    /// Demand proof of the server.
    pub mutual: bool,
    /// Application data of channel bindings ([`tls_server_end_point`](super::bindings::tls_server_end_point)).
    pub bindings: Option<Vec<u8>>,
}

impl Initiator {
    /// Asks the KDC for a ticket with a password. The ticket lives in a memory cache of its own, gone with the value.
    ///
    /// # Errors
    /// [`InitiatorError`].
    pub fn with_password(name: &LoginName, password: &Secret<String>) -> Result<Self, InitiatorError> {
        Self::by_password(name, password, Mechanisms::Kerberos)
    }

    /// The same, for tokens wrapped in SPNEGO as well, which asks the KDC once for each mechanism.
    ///
    /// # Errors
    /// [`InitiatorError`].
    pub fn with_password_to_negotiate(name: &LoginName, password: &Secret<String>) -> Result<Self, InitiatorError> {
        Self::by_password(name, password, Mechanisms::KerberosAndSpnego)
    }

    fn by_password(
        name: &LoginName,
        password: &Secret<String>,
        mechanisms: Mechanisms,
    ) -> Result<Self, InitiatorError> {
        let octets = password.expose().as_bytes();
        // The library takes what is before a NUL: "right\0anything" must not pass for "right".
        if octets.is_empty() || octets.len() > MAX_PASSWORD_BYTES || octets.contains(&0) {
            return Err(InitiatorError::Password);
        }
        Credential::initiator_by_password(&name.import()?, octets, mechanisms).map(Self).map_err(InitiatorError::Gss)
    }

    /// Asks the KDC for a ticket with the key of a keytab. The cache in memory stays until the
    /// process ends: for commands and load generators, not for a server's requests.
    ///
    /// # Errors
    /// [`InitiatorError`].
    pub fn with_keytab(name: &LoginName, keytab: &Path) -> Result<Self, InitiatorError> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let keytab =
            CString::new([b"FILE:", keytab.as_os_str().as_bytes()].concat()).map_err(|_| InitiatorError::Path)?;
        let cache = format!("MEMORY:chancery-initiator-{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let cache = CString::new(cache).map_err(|_| InitiatorError::Path)?;
        let store = [(c"client_keytab", keytab.as_c_str()), (c"ccache", cache.as_c_str())];
        Credential::initiator(Some(&name.import()?), &store).map(Self).map_err(InitiatorError::Gss)
    }

    /// Takes tickets from a credential cache, `FILE:/…` or whatever else the library knows, whoever's they are.
    ///
    /// # Errors
    /// [`InitiatorError`].
    pub fn with_cache(cache: &str) -> Result<Self, InitiatorError> {
        let cache = CString::new(cache).map_err(|_| InitiatorError::Path)?;
        Credential::initiator(None, &[(c"ccache", cache.as_c_str())]).map(Self).map_err(InitiatorError::Gss)
    }

    /// The same as a credential of the LDAP client.
    pub fn into_ldap_credential(self) -> cross_krb5::Cred {
        self.0.into_cross_krb5()
    }

    /// Begins an exchange with `service`, `HTTP/sts.corp.example@CORP.EXAMPLE`: the token to send, and what checks the answer.
    ///
    /// # Errors
    /// [`InitiatorError`].
    pub fn begin(&self, service: &str, options: &TokenOptions) -> Result<(Vec<u8>, Exchange<'_>), InitiatorError> {
        let target = Name::import(service.as_bytes(), NameForm::Principal).map_err(InitiatorError::Gss)?;
        let mut exchange = Exchange {
            credential: &self.0,
            initiation: Initiation::new(target, options.spnego, options.mutual),
            bindings: options.bindings.clone(),
        };
        let token = exchange.step(None)?.ok_or(InitiatorError::NoToken)?;
        Ok((token, exchange))
    }
}

/// The client's half of an exchange that has begun.
#[derive(Debug)]
pub struct Exchange<'a> {
    credential: &'a Credential,
    initiation: Initiation,
    bindings: Option<Vec<u8>>,
}

impl Exchange<'_> {
    /// Checks the server's answer; an error when it does not prove the server, or wants another message.
    ///
    /// # Errors
    /// [`InitiatorError`].
    pub fn finish(mut self, answer: &[u8]) -> Result<(), InitiatorError> {
        match self.step(Some(answer))? {
            None => Ok(()),
            Some(_) => Err(InitiatorError::SecondLeg),
        }
    }

    fn step(&mut self, input: Option<&[u8]>) -> Result<Option<Vec<u8>>, InitiatorError> {
        self.initiation.step(self.credential, input, self.bindings.as_deref()).map_err(InitiatorError::Gss)
    }
}

/// Why there is no ticket or no token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InitiatorError {
    /// The name or its realm is empty, too long, or has control characters.
    #[error("not a name that can sign in")]
    Name,
    /// The password is empty, longer than 1,024 octets, or contains NUL.
    #[error("not a password that can be checked")]
    Password,
    /// A keytab or cache name contains NUL.
    #[error("not a file name")]
    Path,
    /// The library made no token.
    #[error("the library made no token")]
    NoToken,
    /// The server's answer asks for another message.
    #[error("the server asks for another message")]
    SecondLeg,
    /// GSSAPI or a KDC refused.
    #[error("{0}")]
    Gss(GssError),
}

impl InitiatorError {
    /// What kind of failure it is, for who explains it.
    pub fn problem(&self) -> TicketProblem {
        let Self::Gss(error) = self else { return TicketProblem::Other };
        match error.minor {
            status::KDC_C_PRINCIPAL_UNKNOWN | status::KDC_WRONG_REALM => TicketProblem::UnknownAccount,
            status::KDC_S_PRINCIPAL_UNKNOWN => TicketProblem::UnknownService,
            status::KDC_PREAUTH_FAILED | status::PREAUTH_FAILED | status::AP_ERR_BAD_INTEGRITY => {
                TicketProblem::WrongKey
            }
            status::KDC_CLIENT_REVOKED | status::KDC_CLIENT_NOTYET | status::KDC_NAME_EXPIRED | status::KDC_POLICY => {
                TicketProblem::AccountUnusable
            }
            status::KDC_KEY_EXPIRED => TicketProblem::PasswordExpired,
            status::AP_ERR_SKEW | status::KDCREP_SKEW => TicketProblem::ClockSkew,
            status::KDC_UNREACH | status::REALM_UNKNOWN | status::REALM_CANT_RESOLVE | status::KDC_SVC_UNAVAILABLE => {
                TicketProblem::NoKdc
            }
            status::KT_NOTFOUND | status::KT_KVNONOTFOUND => TicketProblem::NotInKeytab,
            status::WRONG_ETYPE | status::PROG_ETYPE_NOSUPP | status::NOPERM_ETYPE => TicketProblem::EncryptionType,
            status::AP_ERR_TKT_EXPIRED => TicketProblem::TicketExpired,
            status::AP_ERR_MODIFIED => TicketProblem::ServerNotProved,
            _ if error.major == GssError::CREDENTIALS_EXPIRED => TicketProblem::TicketExpired,
            _ if error.major == GssError::NO_CRED => TicketProblem::NoCredential,
            _ => TicketProblem::Other,
        }
    }
}

/// Kinds of failure that have different cures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TicketProblem {
    /// The domain has no such account.
    UnknownAccount,
    /// No account of the domain has the service principal name.
    UnknownService,
    /// Wrong password, or a keytab with an old key.
    WrongKey,
    /// Disabled, locked, expired, or not allowed to sign in now.
    AccountUnusable,
    /// The password must be changed.
    PasswordExpired,
    /// The clocks differ by more than five minutes.
    ClockSkew,
    /// No domain controller answers, or none is known.
    NoKdc,
    /// The keytab has no key of the account.
    NotInKeytab,
    /// The account has no key of an encryption type that both sides accept.
    EncryptionType,
    /// The cached ticket has ended.
    TicketExpired,
    /// There are no tickets where they were looked for.
    NoCredential,
    /// The server's answer does not prove that it has the service's key.
    ServerNotProved,
    /// Anything else; the library's text says what.
    Other,
}

/// Escapes for `krb5_parse_name`; in an enterprise name the first `@` is part of it.
fn push_escaped(text: &mut String, name: &str, enterprise: bool) {
    let plain_at = if enterprise { name.find('@') } else { None };
    for (index, c) in name.char_indices() {
        if matches!(c, '/' | '\\') || c == '@' && Some(index) != plain_at {
            text.push('\\');
        }
        text.push(c);
    }
    // Without a suffix, the separator of the realm would be taken for the name's own.
    if enterprise && plain_at.is_none() {
        text.push('@');
    }
}

const MAX_NAME_BYTES: usize = 1024;
const MAX_PASSWORD_BYTES: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typed_name_is_one_component() {
        for (name, enterprise, expected) in [
            ("alice", false, "alice"),
            ("alice/admin", false, "alice\\/admin"),
            ("a@b", false, "a\\@b"),
            ("a\\b", false, "a\\\\b"),
            ("carol.c@brand.example", true, "carol.c@brand.example"),
            ("a@b@EVIL", true, "a@b\\@EVIL"),
            ("alice", true, "alice@"),
        ] {
            let mut text = String::new();
            push_escaped(&mut text, name, enterprise);
            assert_eq!(text, expected);
        }
    }

    #[test]
    fn failures_are_told_apart() {
        let error = |major, minor| {
            InitiatorError::Gss(GssError { major, minor, major_text: String::new(), minor_text: String::new() })
        };
        for (major, minor, expected) in [
            (0xd_0000, -1_765_328_378, TicketProblem::UnknownAccount),
            (0xd_0000, -1_765_328_377, TicketProblem::UnknownService),
            (0xd_0000, -1_765_328_360, TicketProblem::WrongKey),
            (0xd_0000, -1_765_328_366, TicketProblem::AccountUnusable),
            (0xd_0000, -1_765_328_361, TicketProblem::PasswordExpired),
            (0xd_0000, -1_765_328_347, TicketProblem::ClockSkew),
            (0xd_0000, -1_765_328_228, TicketProblem::NoKdc),
            (0xd_0000, -1_765_328_203, TicketProblem::NotInKeytab),
            (0xd_0000, -1_765_328_234, TicketProblem::EncryptionType),
            (0xd_0000, -1_765_328_352, TicketProblem::TicketExpired),
            (0xd_0000, -1_765_328_343, TicketProblem::ServerNotProved),
            (GssError::NO_CRED, 0, TicketProblem::NoCredential),
            (GssError::CREDENTIALS_EXPIRED, 0, TicketProblem::TicketExpired),
            (0xd_0000, 1, TicketProblem::Other),
        ] {
            assert_eq!(error(major, minor).problem(), expected);
        }
        assert_eq!(InitiatorError::Name.problem(), TicketProblem::Other);
    }

    #[test]
    fn what_can_be_no_name_or_password_is_refused_before_a_kdc_is_asked() {
        let name = |user: &str, realm: &str| LoginName::Account { user: user.into(), realm: realm.into() };
        let password = Secret::new(String::from("x"));
        for bad in [name("", "R"), name("a", ""), name("a\0b", "R"), name("a\nb", "R"), name(&"a".repeat(1025), "R")] {
            assert_eq!(Initiator::with_password(&bad, &password).unwrap_err(), InitiatorError::Name);
        }
        for good in [name("a", "R"), name(&"a".repeat(1024), "R"), name("a", &"R".repeat(1024))] {
            assert!(good.import().is_ok(), "{good:?}");
        }
        for bad in ["", "right\0anything", &"x".repeat(1025)] {
            let bad = Secret::new(String::from(bad));
            let refused = Initiator::with_password(&name("a", "R"), &bad).unwrap_err();
            assert_eq!(refused, InitiatorError::Password);
        }
    }
}
