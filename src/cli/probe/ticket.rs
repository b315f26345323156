//! The Kerberos side: who asks, and the ticket for the service. Every call may wait for a KDC.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::args::HybridJoin;
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
    pub(super) fn new(arguments: &HybridJoin, config: Option<&Config>) -> Result<Self, Failure> {
        let upper = |realm: &str| realm.to_ascii_uppercase();
        let configured =
            || config.and_then(|config| config.domains.first()).map(|domain| domain.realm.as_str().to_owned());
        let given = arguments.realm.as_deref().map(upper);
        let Some(principal) = &arguments.principal else {
            return Ok(Self { name: None, realm: given });
        };
        let (name, realm) = match (principal.rsplit_once('@'), given) {
            // A UPN of another suffix than the realm.
            (Some((_, suffix)), Some(realm)) if upper(suffix) != realm => {
                (LoginName::Upn { upn: principal.clone(), realm: realm.clone() }, realm)
            }
            (Some((user, suffix)), _) => {
                (LoginName::Account { user: user.to_owned(), realm: upper(suffix) }, upper(suffix))
            }
            (None, given) => {
                let realm = given.or_else(configured).ok_or_else(|| {
                    Failure::new(format!("the realm of {principal} is not known"))
                        .advise("Give --realm, or --principal NAME@REALM.")
                })?;
                (LoginName::Account { user: principal.clone(), realm: realm.clone() }, realm)
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

    /// Gets ready to ask for tickets; with a password the KDC is asked at once.
    pub(super) fn initiator(&self, arguments: &HybridJoin) -> Step<Initiator> {
        let source = &arguments.source;
        let explained = |error: InitiatorError| explain(&error, None);
        if let Some(cache) = &source.ccache {
            let cache = if cache.contains(':') { cache.clone() } else { format!("FILE:{cache}") };
            let initiator = Initiator::with_cache(&cache).map_err(explained)?;
            return Ok(Passed::new(initiator, format!("the account of {cache}")));
        }
        let name = self.name.as_ref().ok_or_else(|| Failure::new("--principal says who it is"))?;
        let shown = match name {
            LoginName::Account { user, realm } => format!("{user}@{realm}"),
            LoginName::Upn { upn, realm } => format!("{upn} in {realm}"),
        };
        let (initiator, how) = if let Some(keytab) = &source.keytab {
            std::fs::File::open(keytab)
                .map_err(|error| Failure::new(format!("--keytab {}: {error}", keytab.display())))?;
            (Initiator::with_keytab(name, keytab), format!("with the key in {}", keytab.display()))
        } else if let Some(file) = &source.password_file {
            (Initiator::with_password(name, &password(file)?), String::from("with the password"))
        } else {
            return Err(Failure::new("give --keytab, --ccache or --password-file"));
        };
        Ok(Passed::new(initiator.map_err(explained)?, format!("{shown} {how}")))
    }
}

/// A password from a file; one line end at its end is not part of it.
pub(super) fn password(file: &Path) -> Result<Secret<String>, Failure> {
    let refuse = |reason: &str| Failure::new(format!("--password-file {}: {reason}", file.display()));
    let octets = Secret::new(std::fs::read(file).map_err(|error| refuse(&error.to_string()))?);
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
            failure.advise("There is no valid ticket-granting ticket: run kinit, or use --keytab or --password-file.")
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

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(clap::Parser)]
    struct Program {
        #[command(flatten)]
        command: HybridJoin,
    }

    fn identity(line: &[&str]) -> Result<Identity, Failure> {
        let line = ["probe", "--keytab", "k"].iter().chain(line);
        Identity::new(&Program::try_parse_from(line).unwrap().command, None)
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
