//! The Kerberos side: who asks, and the ticket for the service. Every call may wait for a KDC.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::args::TicketSource;
use super::failure::{Failure, Passed, Step};
use super::http::Reply;
use crate::cli::own_krb5_conf::OwnKrb5Conf;
use crate::config::Config;
use crate::kerberos::initiator::Exchange;
use crate::kerberos::krb5_conf::{Krb5Conf, RealmConf};
use crate::kerberos::{Initiator, InitiatorError, LoginName, TicketProblem, TokenOptions};
use crate::secret::Secret;
use crate::server;

/// The account and its realm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Identity {
    /// The account; none when the cache says who it is.
    name: Option<LoginName>,
    /// Its realm, if it is known here.
    realm: Option<String>,
}

impl Identity {
    /// From the command line and, for the realm, the configuration.
    pub(super) fn new(principal: Option<&str>, realm: Option<&str>, config: Option<&Config>) -> Result<Self, Failure> {
        let upper = |realm: &str| realm.to_ascii_uppercase();
        let configured =
            || config.and_then(|config| config.domains.first()).map(|domain| domain.realm.as_str().to_owned());
        let given = realm.map(upper);
        let Some(principal) = principal else {
            return Ok(Self { name: None, realm: given });
        };
        let (name, realm) = match (principal.rsplit_once('@'), given) {
            // A UPN of another suffix than the realm.
            (Some((_, suffix)), Some(realm)) if upper(suffix) != realm => {
                (LoginName::Upn { upn: principal.to_owned(), realm: realm.clone() }, realm)
            }
            (Some((user, suffix)), _) => {
                (LoginName::Account { user: user.to_owned(), realm: upper(suffix) }, upper(suffix))
            }
            (None, given) => {
                let realm = given.or_else(configured).ok_or_else(|| {
                    Failure::new(format!("the realm of {principal} is not known"))
                        .advise("Give --realm, or --principal NAME@REALM.")
                })?;
                (LoginName::Account { user: principal.to_owned(), realm: realm.clone() }, realm)
            }
        };
        Ok(Self { name: Some(name), realm: Some(realm) })
    }

    /// The service that is asked for: the one given, else `HTTP/` and the host.
    pub(super) fn service(&self, spn: Option<&str>, host: &str) -> String {
        let service = spn.map_or_else(|| format!("HTTP/{host}"), str::to_owned);
        match &self.realm {
            Some(realm) if !service.contains('@') => format!("{service}@{realm}"),
            _ => service,
        }
    }

    /// Its realm, if it is known here.
    pub(super) fn realm(&self) -> Option<&str> {
        self.realm.as_deref()
    }

    /// Gets ready to ask for tickets; with a password the KDC is asked at once.
    pub(super) fn initiator(&self, source: &Source) -> Step<Initiator> {
        let mut initiator = self.connect(source).map_err(|error| explain(&error, None))?;
        // Once the password is known to be right: a wrong one counts once.
        if let (Source::Password(password), Some(name)) = (source, &self.name) {
            let negotiating = Initiator::with_password_to_negotiate(name, password);
            initiator = negotiating.map_err(|error| explain(&error, None))?;
        }
        let who = match &self.name {
            Some(LoginName::Account { user, realm }) => format!("{user}@{realm}"),
            Some(LoginName::Upn { upn, realm }) => format!("{upn} in {realm}"),
            None => String::from("the account"),
        };
        Ok(Passed::new(
            initiator,
            match source {
                Source::Cache(cache) => format!("the account of {cache}"),
                Source::Keytab(keytab) => format!("{who} with the key in {}", keytab.display()),
                Source::Password(_) => format!("{who} with the password"),
            },
        ))
    }

    /// The same without words, and without a token for Negotiate where a password is the source.
    pub(super) fn connect(&self, source: &Source) -> Result<Initiator, InitiatorError> {
        let name = self.name.as_ref().ok_or(InitiatorError::Name);
        match source {
            Source::Cache(cache) => Initiator::with_cache(cache),
            Source::Keytab(keytab) => Initiator::with_keytab(name?, keytab),
            Source::Password(password) => Initiator::with_password(name?, password),
        }
    }
}

/// What tickets are got with.
#[derive(Debug)]
pub(super) enum Source {
    /// The key in a keytab.
    Keytab(PathBuf),
    /// Tickets that are there.
    Cache(String),
    /// A password.
    Password(Secret<String>),
}

impl Source {
    /// What the command line says. Reads the password.
    pub(super) fn of(arguments: &TicketSource) -> Result<Self, Failure> {
        if let Some(keytab) = &arguments.keytab {
            std::fs::File::open(keytab)
                .map_err(|error| Failure::new(format!("--keytab {}: {error}", keytab.display())))?;
            return Ok(Self::Keytab(keytab.clone()));
        }
        if let Some(file) = &arguments.password_file {
            return Ok(Self::Password(password(file)?));
        }
        Ok(Self::Cache(arguments.cache()))
    }
}

/// A password from a file, or from standard input where the file is `-`; one line end at its end is not part of it.
pub(super) fn password(file: &Path) -> Result<Secret<String>, Failure> {
    let refuse = |reason: &str| Failure::new(format!("--password-file {}: {reason}", file.display()));
    let mut octets = Vec::new();
    let read = if file == Path::new("-") {
        std::io::stdin().lock().take(MAX_PASSWORD_FILE).read_to_end(&mut octets)
    } else {
        std::fs::File::open(file).and_then(|file| file.take(MAX_PASSWORD_FILE).read_to_end(&mut octets))
    };
    let octets = Secret::new(octets);
    read.map_err(|error| refuse(&error.to_string()))?;
    let text = std::str::from_utf8(octets.expose()).map_err(|_| refuse("not UTF-8 text"))?;
    let text = text.strip_suffix('\n').unwrap_or(text);
    Ok(Secret::new(text.strip_suffix('\r').unwrap_or(text).to_owned()))
}

/// A token for the service in base64, made as Windows makes it, and what checks the server's answer.
pub(super) fn token<'i>(
    initiator: &'i Initiator,
    service: &str,
    bindings: Option<Vec<u8>>,
) -> Result<(String, Exchange<'i>), Failure> {
    let options = TokenOptions { spnego: true, mutual: true, bindings };
    let (token, exchange) = initiator.begin(service, &options).map_err(|error| {
        // Negotiation hides Kerberos' own error numbers; asked without it, the library gives them.
        let plain = initiator.begin(service, &TokenOptions::default()).err();
        explain(plain.as_ref().unwrap_or(&error), Some(service))
    })?;
    Ok((STANDARD.encode(token), exchange))
}

/// Whether the server proved that it has the service's key; it need not.
pub(super) fn proof(exchange: Exchange<'_>, reply: &Reply) -> Result<&'static str, Failure> {
    let answer = reply.header("www-authenticate").find_map(|value| value.trim().strip_prefix("Negotiate "));
    let Some(answer) = answer else {
        return Ok("the server did not prove itself by Kerberos, which Windows does not ask for");
    };
    let octets =
        STANDARD.decode(answer.trim()).map_err(|_| Failure::new("the server's Negotiate answer is not base64"))?;
    exchange.finish(&octets).map_err(|error| {
        Failure::new(format!("the server does not prove itself: {error}"))
            .advise("What answers has not the key of the service: a proxy that keeps answers, or an impostor.")
    })?;
    Ok("the server proved itself")
}

/// Why there is no ticket, and what to do.
fn explain(error: &InitiatorError, service: Option<&str>) -> Failure {
    let failure = Failure::new(match service {
        Some(service) => format!("no ticket for {service}: {error}"),
        None => error.to_string(),
    });
    match error.problem() {
        TicketProblem::UnknownAccount => failure.advise(
            "The domain does not know the account. Computer accounts end in $; the name before it is the computer's short name.",
        ),
        TicketProblem::UnknownService => failure.advise_all([
            "No account has this service principal name, or two have it. On a domain controller: setspn -Q HTTP/<host> shows \
             who has it; setspn -S HTTP/<host> <service account> registers it once.",
            "Windows would now fall back to NTLM, which the server refuses with 401 (0xCAA30191).",
            "A federation service name that is a DNS alias (CNAME) leads some clients to the alias' target: use A records.",
        ]),
        TicketProblem::WrongKey => {
            failure.advise("Wrong password, or the keytab has an older key: export it again after every password change.")
        }
        TicketProblem::AccountUnusable => {
            failure.advise("The account is disabled, locked or expired, or may not sign in now.")
        }
        TicketProblem::PasswordExpired => failure.advise("The account's password must be changed first."),
        TicketProblem::ClockSkew => failure.advise(
            "The clocks of this computer and the domain controller differ by more than five minutes. Correct the time first.",
        ),
        TicketProblem::NoKdc => failure.advise(
            "No domain controller was reached on port 88, or none is known for the realm: --kdc HOST names one, KRB5_CONFIG \
             a krb5.conf.",
        ),
        TicketProblem::NotInKeytab => failure.advise(
            "The keytab has no key of the account: `klist -kt FILE` shows what it has. Upper and lower case count here.",
        ),
        TicketProblem::EncryptionType => failure.advise(
            "The account and this computer share no encryption type. Enable AES for the account \
             (msDS-SupportedEncryptionTypes 0x18) and change its password once.",
        ),
        TicketProblem::TicketExpired | TicketProblem::NoCredential => {
            failure.advise(
                "There is no valid ticket-granting ticket: run kinit, or use --keytab or --password-file. With --keytab: it has no key \
                 of the account, as `klist -kt FILE` shows; upper and lower case count.",
            )
        }
        TicketProblem::ServerNotProved | TicketProblem::Other => failure,
    }
}

/// A `krb5.conf` of our own where the command line names KDCs, or where nothing but the server's configuration knows the
/// realm. To be called before any thread starts.
pub(super) fn own_krb5_conf(
    identity: &Identity,
    kdcs: &[String],
    config: Option<&Config>,
) -> Result<Option<OwnKrb5Conf>, Failure> {
    let conf = match &identity.realm {
        Some(realm) if !kdcs.is_empty() => {
            let realms = vec![RealmConf { realm: realm.clone(), kdcs: kdcs.to_vec(), hosts: Vec::new() }];
            Krb5Conf { default_realm: realm.clone(), realms, allow_rc4: false }
        }
        None if !kdcs.is_empty() => return Err(Failure::new("--kdc needs --realm")),
        Some(realm) if std::env::var_os("KRB5_CONFIG").is_none() => {
            let known = |config: &&Config| config.domains.iter().any(|domain| domain.realm.as_str() == realm);
            let Some(config) = config.filter(known) else { return Ok(None) };
            server::krb5_conf(config)
        }
        _ => return Ok(None),
    };
    OwnKrb5Conf::set(&conf, "probe").map(Some).map_err(|error| Failure::new(error.to_string()))
}

/// Octets of a file with a password; none has as many.
const MAX_PASSWORD_FILE: u64 = 4096;

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::super::args::HybridJoin;
    use super::*;

    #[derive(clap::Parser)]
    struct Program {
        #[command(flatten)]
        command: HybridJoin,
    }

    fn identity(line: &[&str]) -> Result<Identity, Failure> {
        let line = ["probe", "--keytab", "k"].iter().chain(line);
        let command = Program::try_parse_from(line).unwrap().command;
        Identity::new(command.principal.as_deref(), command.realm.as_deref(), None)
    }

    #[test]
    fn accounts_and_realms() {
        let account = |user: &str, realm: &str| LoginName::Account { user: user.into(), realm: realm.into() };
        for (line, name) in [
            (&["--principal", "WS01$@corp.example"][..], account("WS01$", "CORP.EXAMPLE")),
            (&["--principal", "WS01$", "--realm", "corp.example"], account("WS01$", "CORP.EXAMPLE")),
            (&["--principal", "WS01$@CORP.EXAMPLE", "--realm", "corp.example"], account("WS01$", "CORP.EXAMPLE")),
            (
                &["--principal", "carol.c@brand.example", "--realm", "CORP.EXAMPLE"],
                LoginName::Upn { upn: "carol.c@brand.example".into(), realm: "CORP.EXAMPLE".into() },
            ),
        ] {
            let identity = identity(line).unwrap();
            assert_eq!(identity.name, Some(name));
            assert_eq!(identity.service(None, "sts.corp.example"), "HTTP/sts.corp.example@CORP.EXAMPLE");
        }
        assert!(identity(&["--principal", "WS01$"]).is_err());
    }

    #[test]
    fn the_service_can_be_named() {
        let identity = identity(&["--principal", "WS01$@CORP.EXAMPLE"]).unwrap();
        assert_eq!(identity.service(Some("HOST/x"), "y"), "HOST/x@CORP.EXAMPLE");
        assert_eq!(identity.service(Some("HOST/x@OTHER"), "y"), "HOST/x@OTHER");
        let cache = Identity { name: None, realm: None };
        assert_eq!(cache.service(None, "y"), "HTTP/y");
    }

    #[test]
    fn one_line_end_is_not_part_of_a_password() {
        let file = tempfile::NamedTempFile::new().unwrap();
        for (content, expected) in [("pw", "pw"), ("pw\n", "pw"), ("pw\r\n", "pw"), (" pw \n\n", " pw \n")] {
            std::fs::write(file.path(), content).unwrap();
            assert_eq!(password(file.path()).unwrap().expose(), expected);
        }
        std::fs::write(file.path(), [0xff]).unwrap();
        assert!(password(file.path()).is_err());
    }
}
