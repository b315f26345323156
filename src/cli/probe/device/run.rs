//! Runs the steps in their order, and removes the device at the end.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use super::super::failure::{Failure, Passed, Step};
use super::super::http::{Http, Settings};
use super::super::message_log::MessageLog;
use super::super::report::Report;
use super::super::target::Target;
use super::super::ticket::{self, Identity, Source};
use super::super::tls;
use super::args::{Device, Join, Until};
use super::certificate::Published;
use super::directory::Directory;
use super::discovery::{self, Service};
use super::exchange::Wanted;
use super::join::{About, Joined};
use super::keys::DeviceKeys;
use super::prt::Proof;
use super::sign_in::{self, RegistrationToken, SignIn};
use super::{browser, certificate, exchange, join, leave, prt};
use crate::clock::{Clock, SystemClock};
use crate::config::{Config, DeviceRegistration};
use crate::kerberos::Initiator;
use crate::secret::Secret;

/// Probes, and says whether every step passed.
pub(in crate::cli::probe) fn run(command: &Device, config: Option<&Config>, request_id: &str) -> Result<bool, Failure> {
    let config = config.filter(|config| is_about(config, command.server.server.as_deref()));
    if command.source.password_file == command.user_password_file
        && command.user_password_file.as_deref() == Some("-".as_ref())
    {
        return Err(Failure::new("standard input holds one password, not two"));
    }
    let password = command.user_password_file.as_deref().map(ticket::password).transpose()?;
    let account = if signs_in_on_the_page(command) {
        None
    } else {
        let identity = Identity::new(command.principal.as_deref(), command.realm.as_deref(), config)?;
        Some((identity, Arc::new(Source::of(&command.source)?)))
    };
    // Before the first thread: the Kerberos library reads the environment.
    let _own = match &account {
        Some((identity, _)) => ticket::own_krb5_conf(identity, &command.kdc, config)?,
        None => None,
    };
    let clock = SystemClock::new();
    let mut out = std::io::stdout().lock();
    let mut report = Report::new(&clock, &mut out, command.server.json);
    let settings = Settings {
        ca: command.server.ca.as_deref(),
        timeout: Duration::from_secs(command.server.timeout),
        request_id,
        verbose: command.server.verbose,
        show_token: false,
    };
    let mut run = Run {
        command,
        config,
        settings,
        user: command.user.as_deref().zip(password.as_ref()),
        clock: &clock,
        report: &mut report,
        log: Rc::default(),
    };
    run.all(account.as_ref());
    Ok(report.finish(request_id, success(command)))
}

/// Whether the configuration is that of the server that is probed: another server's domains are none of its business.
fn is_about(config: &Config, server: Option<&str>) -> bool {
    let Some(server) = server.and_then(|server| Target::parse(server, None).ok()) else { return true };
    let own = |name: &str| name.eq_ignore_ascii_case(&server.host);
    own(config.service.federation_service_name.as_str())
        || DeviceRegistration::host_names(config).iter().any(|name| own(name.as_str()))
}

/// A user without a ticket.
fn signs_in_on_the_page(command: &Device) -> bool {
    command.join == Join::User && command.user.is_some() && command.principal.is_none() && command.source.is_default()
}

fn success(command: &Device) -> &'static str {
    match (command.until >= Until::Prt, command.user.is_some()) {
        (true, true) => "A device registers, and its user signs in with it.",
        (true, false) => "A device registers. Whether its user signs in with it was not tried: --user names one.",
        (false, _) => "Everything passed as far as it was tried.",
    }
}

/// The account that registers, where it has a ticket.
type Account = (Identity, Arc<Source>);

/// How the account that registers will sign in.
enum Ready {
    ByTicket(Initiator),
    OnThePage,
}

/// The settings of one run.
struct Run<'r, 'o> {
    command: &'r Device,
    config: Option<&'r Config>,
    settings: Settings<'r>,
    user: Option<(&'r str, &'r Secret<String>)>,
    clock: &'r dyn Clock,
    report: &'r mut Report<'o>,
    log: Rc<MessageLog>,
}

impl Run<'_, '_> {
    fn step<T>(&mut self, name: &'static str, work: impl FnOnce() -> Step<T>) -> Option<T> {
        let log = Rc::clone(&self.log);
        self.report.step_with(name, || log.take(), work)
    }

    /// Whether the step was the last that is wanted.
    fn ends_with(&self, step: Until) -> bool {
        self.command.until <= step
    }

    fn all(&mut self, account: Option<&Account>) -> Option<()> {
        let ready = self.account(account)?;
        let host = self.host(account)?;
        if self.ends_with(Until::ConnectionPoint) {
            return Some(());
        }
        let (command, settings, log) = (self.command, self.settings, Rc::clone(&self.log));
        let target = Target::parse(&host, command.server.connect_to.as_deref());
        let target = self.step("TLS", || {
            let target = target?;
            let looked = tls::look(&target, settings.ca, settings.timeout)?;
            Ok(Passed { value: target, what: looked.what, notes: looked.notes })
        })?;
        let http = self.step("discovery", || {
            let http = Http::new(&target, settings)?.with_log(log);
            let found = discovery::ask(&http, &target.url("/EnrollmentServer/contract"))?;
            Ok(Passed { value: (http, found.value), what: found.what, notes: found.notes })
        });
        let (http, service) = http?;
        if self.ends_with(Until::Discovery) {
            return Some(());
        }
        // All of them are this server, behind the same address.
        let hosts = [&service.authorize, &service.token, &service.join];
        let target = target.clone().known_as(hosts.iter().filter_map(|url| Some(Target::parse(url, None).ok()?.host)));
        let http = http.towards(&target);
        let token = self.token(&http, &target, &service, account, &ready)?;
        if self.ends_with(Until::Token) {
            return Some(());
        }
        self.register(&http, &service, &token, account)
    }

    fn account(&mut self, account: Option<&Account>) -> Option<Ready> {
        let user = self.user;
        self.step("account", || match account {
            Some((identity, source)) => {
                let found = identity.initiator(source)?;
                Ok(Passed { value: Ready::ByTicket(found.value), what: found.what, notes: found.notes })
            }
            None => Ok(Passed::new(
                Ready::OnThePage,
                format!("{} on the sign-in page", user.map(|(name, _)| name).unwrap_or_default()),
            )),
        })
    }

    /// The host that is asked for the discovery document: the one of the command line, the one that the directory leads computers
    /// to, or the one that a user's name leads to.
    fn host(&mut self, account: Option<&Account>) -> Option<String> {
        let given = self.command.server.server.clone();
        if self.command.join == Join::User {
            let name = self.user.map(|(name, _)| name).or(self.command.principal.as_deref());
            let suffix = name.and_then(|name| name.rsplit_once('@')).map(|(_, suffix)| suffix.to_ascii_lowercase());
            let host = given.or_else(|| Some(format!("enterpriseregistration.{}", suffix?)));
            if let Some(host) = host {
                return Some(host);
            }
            let unknown = "--server is missing, and no UPN suffix leads to one";
            return self.step("discovery", || Err::<Passed<String>, _>(Failure::new(unknown)));
        }
        let (command, config, log) = (self.command, self.config, Rc::clone(&self.log));
        if command.without_directory {
            return given;
        }
        let (identity, source) = account?;
        self.step("SCP", || {
            let found =
                Directory::new(command, identity, source, config).and_then(|found| found.connection_point(&log));
            match (found, given) {
                (found, None) => found,
                (Ok(found), Some(server)) => Ok(Passed { value: server, ..found }),
                // A server that is named is probed whatever the directory says.
                (Err(failure), Some(server)) => {
                    let passed = Passed::new(server, failure.what);
                    Ok(failure.advice.into_iter().fold(passed, Passed::note))
                }
            }
        })
    }

    fn token(
        &mut self,
        http: &Http<'_>,
        target: &Target,
        service: &Service,
        account: Option<&Account>,
        ready: &Ready,
    ) -> Option<RegistrationToken> {
        let (join, user, settings) = (self.command.join, self.user, self.settings);
        self.step("token", || match (account, ready, user) {
            (Some((identity, _)), Ready::ByTicket(initiator), _) => {
                let endpoint = target.sibling(&service.authorize)?;
                let channel = tls::look(&endpoint, settings.ca, settings.timeout)?.value;
                sign_in::token(http, service, &SignIn::Ticket { initiator, identity, channel }, join)
            }
            (_, Ready::OnThePage, Some((name, password))) => {
                sign_in::token(http, service, &SignIn::Password { name, password }, join)
            }
            _ => Err(Failure::new("nobody is there to sign in")),
        })
    }

    /// Registers, uses the device, and removes it again.
    fn register(
        &mut self,
        http: &Http<'_>,
        service: &Service,
        token: &RegistrationToken,
        account: Option<&Account>,
    ) -> Option<()> {
        if self.command.join == Join::Computer {
            self.not_registered_yet(token, account)?;
        }
        let command = self.command;
        let keys = self.step("keys", || {
            Ok(Passed::new(DeviceKeys::new()?, "device key and transport key, RSA with 2048 bits, in memory"))
        })?;
        let domain =
            account.and_then(|(identity, _)| identity.realm()).map(str::to_ascii_lowercase).unwrap_or_default();
        let about = About { join: command.join, name: &command.name, domain: &domain };
        let joined = self.step("join", || join::join(http, service, token, &keys, about))?;
        let outcome = self.with_device(http, service, token, (&keys, &joined), account);
        if command.keep {
            self.step("leave", || {
                Ok(Passed::new((), "the device stays registered, as --keep says").note(
                    "Its keys are gone with this command: `chancery devices list` shows it, `chancery devices delete` removes it.",
                ))
            });
        } else {
            self.step("leave", || leave::leave(http, service, &joined.certificate, &keys));
        }
        outcome
    }

    /// A computer in use must not lose its registration to a test.
    fn not_registered_yet(&mut self, token: &RegistrationToken, account: Option<&Account>) -> Option<()> {
        let (command, config, log) = (self.command, self.config, Rc::clone(&self.log));
        let replace = "Its certificate and keys would be replaced, and it would be removed at the end: take a computer account made for \
                       tests, or --replace where the registration may be lost.";
        self.step("registered", || {
            let (Some(id), Some((identity, source))) = (token.object_guid(), account) else {
                return Err(Failure::new("the token does not say which computer it is"));
            };
            if command.without_directory {
                return if command.replace {
                    Ok(Passed::new((), format!("{id}: not looked at, and to be replaced")))
                } else {
                    Err(Failure::new(format!("whether {id} is registered already is not known")).advise(replace))
                };
            }
            match Directory::new(command, identity, source, config)?.device(id, &log)? {
                None => Ok(Passed::new((), format!("{id} is not registered yet"))),
                Some(standing) if command.replace => {
                    Ok(Passed::new((), format!("{id} is registered already ({standing}), and is replaced")))
                }
                Some(standing) => Err(Failure::new(format!("{id} is registered already ({standing})")).advise(replace)),
            }
        })
    }

    /// Everything that a device does between joining and leaving.
    fn with_device(
        &mut self,
        http: &Http<'_>,
        service: &Service,
        token: &RegistrationToken,
        (keys, joined): (&DeviceKeys, &Joined),
        account: Option<&Account>,
    ) -> Option<()> {
        if self.ends_with(Until::Join) {
            return Some(());
        }
        let (command, now) = (self.command, self.clock.now());
        let computer = token.object_guid().filter(|_| command.join == Join::Computer);
        let (config, log) = (self.config, Rc::clone(&self.log));
        self.step("certificate", || {
            let published = match account.filter(|_| !command.without_directory) {
                None => Published::NotAsked,
                Some((identity, source)) => Directory::new(command, identity, source, config)
                    .and_then(|directory| directory.authorities(&log))
                    .map_or_else(|failure| Published::Unknown(failure.what), Published::These),
            };
            certificate::check(joined, keys.device(), computer, &published, now)
        })?;
        let Some((user, password)) = self.user else { return Some(()) };
        if self.ends_with(Until::Certificate) {
            return Some(());
        }
        let nonce = self.step("nonce", || prt::nonce(http, &service.token))?;
        if self.ends_with(Until::Nonce) {
            return Some(());
        }
        let proof = Proof { keys, certificate: &joined.certificate, user, password };
        let prt = self.step("PRT", || prt::request(http, &service.token, &nonce, &proof))?;
        if self.ends_with(Until::Prt) {
            return Some(());
        }
        let wanted = Wanted {
            client: command.client.as_deref().unwrap_or(sign_in::CLIENT),
            redirect_uri: command.redirect_uri.as_deref().unwrap_or(sign_in::REDIRECT),
            resource: command.resource.as_deref().unwrap_or(&service.resource),
        };
        let now = self.clock.now();
        self.step("exchange", || exchange::exchange(http, &service.token, &prt, wanted, now))?;
        if self.ends_with(Until::Exchange) {
            return Some(());
        }
        self.step("browser", || browser::sign_in(http, service, &prt, wanted))
    }
}
