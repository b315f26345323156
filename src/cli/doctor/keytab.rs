//! Does the keytab open a ticket for the server's own name? The domain is asked for one, as the server's account.

use std::path::PathBuf;
use std::sync::Arc;

use super::{Failure, Way};
use crate::cli::finding::Finding;
use crate::cli::finding::catalogue::{CLOCK, KEYTAB_KEY, SERVICE_ACCOUNT};
use crate::clock::SystemClock;
use crate::config::{Config, Domain, LdapBind};
use crate::kerberos::{
    AcceptError, Acceptor, AcceptorOptions, ChannelBindings, Initiator, InitiatorError, LoginName, TicketProblem,
    TokenOptions,
};
use crate::secret::Secret;
use crate::server;

/// Every domain whose key the keytab has.
pub(super) async fn look(config: &Config, way: &Way) -> Vec<Finding> {
    let mut findings = Vec::new();
    for domain in &config.domains {
        let realm = domain.realm.to_string();
        let unknown = |reason: &dyn std::fmt::Display| {
            Finding::not_checked(
                KEYTAB_KEY,
                format!("whether the keytab opens a ticket of {realm} is not known: {reason}"),
                "look at what is said of the domain's controllers and of the server's account",
            )
        };
        let attempt = match Attempt::of(config, domain) {
            Ok(Some(attempt)) => attempt,
            Ok(None) => continue,
            Err(error) => {
                findings.push(unknown(&error));
                continue;
            }
        };
        let asked = tokio::task::spawn_blocking(move || attempt.make());
        findings.push(match tokio::time::timeout(way.timeout.saturating_mul(2), asked).await {
            Ok(Ok(finding)) => finding,
            Ok(Err(error)) => unknown(&error),
            Err(_) => unknown(&"no domain controller answered Kerberos in time"),
        });
    }
    findings
}

/// One ticket that is asked for.
struct Attempt {
    realm: String,
    service: String,
    account: LoginName,
    by: By,
    acceptor: Acceptor,
}

enum By {
    Keytab(PathBuf),
    Password(Secret<String>),
}

impl Attempt {
    /// `None` when the keytab has no key of the realm: then no ticket of it is expected.
    fn of(config: &Config, domain: &Domain) -> Result<Option<Self>, Failure> {
        let realm = domain.realm.to_string();
        let keytab = crate::kerberos::keytab::Keytab::read(&config.kerberos.keytab)?;
        let has_key = |name: &str| {
            let mut entries = keytab.entries().iter();
            entries.any(|entry| entry.realm == realm && entry.components.join("/").eq_ignore_ascii_case(name))
        };
        let mut names = config.kerberos.service_principals.iter().map(crate::config::names::ServicePrincipal::name);
        let Some(name) = names.find(|name| has_key(name)) else { return Ok(None) };
        let (account, by) = account(config, domain, &keytab)?;
        let acceptor = Acceptor::new(AcceptorOptions {
            keytab: config.kerberos.keytab.clone(),
            hosts: Vec::new(),
            domains: Arc::new(server::trusted_domains(config)?),
            replay: None,
            clock: Arc::new(SystemClock::new()),
        })?;
        let service = format!("{name}@{realm}");
        Ok(Some(Self { realm, service, account, by, acceptor }))
    }

    /// Asks a KDC, and opens what it gives. Blocks.
    fn make(&self) -> Finding {
        let initiator = match &self.by {
            By::Keytab(file) => Initiator::with_keytab(&self.account, file),
            By::Password(password) => Initiator::with_password(&self.account, password),
        };
        let initiator = match initiator {
            Ok(initiator) => initiator,
            Err(error) => {
                return self.refused(&format!("the server's account gets no ticket of {}", self.realm), &error);
            }
        };
        let token = match initiator.begin(&self.service, &TokenOptions::default()) {
            Ok((token, _)) => token,
            Err(error) => return self.refused(&format!("there is no ticket for {}", self.service), &error),
        };
        match self.acceptor.accept(&token, &ChannelBindings::none()) {
            Ok(_) => Finding::ok(KEYTAB_KEY, format!("the keytab opens a ticket for {}", self.service)),
            Err(error) => self.not_opened(&error),
        }
    }

    fn refused(&self, what: &str, error: &InitiatorError) -> Finding {
        let what = format!("{what}: {error}");
        match error.problem() {
            TicketProblem::NoKdc => Finding::not_checked(
                KEYTAB_KEY,
                format!("no domain controller of {} was reached by Kerberos: {error}", self.realm),
                "let TCP port 88 of a controller through",
            ),
            TicketProblem::ClockSkew => {
                Finding::error(CLOCK, what, "correct this host's clock, or that of the domain controllers")
            }
            TicketProblem::UnknownService => Finding::error(
                KEYTAB_KEY,
                what,
                "no account has the service principal name, or two have it; the findings about `spn` say which",
            ),
            _ => Finding::error(
                SERVICE_ACCOUNT,
                what,
                "see that the account is enabled and its password has not expired, and export its key anew into the client \
                 keytab (`domains.ldap.bind`)",
            ),
        }
    }

    fn not_opened(&self, error: &AcceptError) -> Finding {
        let fix = match error {
            AcceptError::WrongKey { .. } => {
                "the service principal name is on another account than the keytab's, or the keytab was made with another \
                 password or salt: export it from the account that has the name"
            }
            AcceptError::KvnoNotFound { .. } => {
                "the password was changed after the keytab was made: export the keytab anew"
            }
            AcceptError::EncryptionType { .. } => {
                "set msDS-SupportedEncryptionTypes of the account to 24 (AES), set its password again, and export the keytab anew"
            }
            _ => "docs: operations/troubleshooting.md, 401 at windowstransport",
        };
        Finding::error(KEYTAB_KEY, format!("the keytab does not open a ticket for {}: {error}", self.service), fix)
    }
}

/// The server's account in a domain, and what it proves itself with.
fn account(
    config: &Config,
    domain: &Domain,
    keytab: &crate::kerberos::keytab::Keytab,
) -> Result<(LoginName, By), Failure> {
    let realm = domain.realm.to_string();
    Ok(match &domain.ldap.bind {
        LdapBind::Gssapi(bind) => {
            let file = bind.client_keytab.clone().unwrap_or_else(|| config.kerberos.keytab.clone());
            let own = crate::kerberos::keytab::Keytab::read(&file)?;
            let first = own.entries().iter().chain(keytab.entries()).find(|entry| entry.realm == realm);
            let principal = match &bind.principal {
                Some(principal) => principal.clone(),
                None => {
                    first.map(|entry| entry.components.join("/")).ok_or("the client keytab has no key of the realm")?
                }
            };
            let user = principal.split_once('@').map_or(&*principal, |(user, _)| user).to_owned();
            (LoginName::Account { user, realm }, By::Keytab(file))
        }
        LdapBind::Simple(bind) => {
            let password = server::password(&bind.password_file)?;
            let name = if bind.user.contains('@') {
                LoginName::Upn { upn: bind.user.clone(), realm }
            } else if let Some((_, user)) = bind.user.split_once('\\') {
                LoginName::Account { user: user.to_owned(), realm }
            } else {
                return Err(
                    "the server signs in to the directory by a distinguished name, which Kerberos does not know".into(),
                );
            };
            (name, By::Password(password))
        }
    })
}
