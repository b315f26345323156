//! Runs the steps in their order.

use std::process::ExitCode;
use std::time::Duration;

use super::answer;
use super::args::{HybridJoin, PasswordSignIn, Probe, ProbeCommand, TokenArgs};
use super::contract::{self, Check, Expected};
use super::device;
use super::failure::{Failure, Passed};
use super::federation_metadata;
use super::http::{Http, Settings};
use super::mex::{self, Endpoint, SignIn};
use super::report::Report;
use super::rst::{self, UserName};
use super::target::Target;
use super::ticket::{self, Identity, Source};
use super::tls::{self, Channel};
use super::token::{self, Token};
use crate::claims::types::UPN_V1;
use crate::clock::{Clock, Random as _, SystemClock, SystemRandomSource};
use crate::config::Config;
use crate::kerberos::Initiator;

/// Probes, and says by the exit status whether a client would succeed.
pub(super) fn run(probe: &Probe) -> ExitCode {
    match prepare_and_run(probe) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(failure) => {
            eprintln!("chancery probe: {}", failure.what);
            failure.advice.iter().for_each(|advice| eprintln!("  {advice}"));
            ExitCode::FAILURE
        }
    }
}

fn prepare_and_run(probe: &Probe) -> Result<bool, Failure> {
    let loaded = probe.config.loader().load().loaded;
    let config = loaded.as_ref().map(|loaded| &loaded.config);
    let arguments = probe.command.server();
    let (token, identity) = match &probe.command {
        // Which server it asks, the directory may say.
        ProbeCommand::Device(command) => return device::run(command, config, &request_id()?),
        ProbeCommand::HybridJoin(command) => (&command.token, Some(command)),
        ProbeCommand::Password(command) => (&command.token, None),
    };
    let own_name = config.map(|config| config.service.federation_service_name.as_str());
    let server = arguments.server.as_deref().or(own_name).ok_or_else(|| {
        Failure::new(format!("--server is missing, and {} cannot be used in its place", probe.config.file().display()))
    })?;
    let target = Target::parse(server, arguments.connect_to.as_deref())?;
    // Another server's domains are none of this configuration's business.
    let config = config.filter(|_| own_name.is_some_and(|name| name.eq_ignore_ascii_case(&target.host)));
    let identity = identity
        .map(|command| Identity::new(command.principal.as_deref(), command.realm.as_deref(), config))
        .transpose()?;
    let _own = match (&probe.command, &identity) {
        (ProbeCommand::HybridJoin(command), Some(identity)) => ticket::own_krb5_conf(identity, &command.kdc, config)?,
        _ => None,
    };
    let request_id = request_id()?;
    let clock = SystemClock::new();
    let mut out = std::io::stdout().lock();
    let mut report = Report::new(&clock, &mut out, arguments.json);
    let settings = Settings {
        ca: arguments.ca.as_deref(),
        timeout: Duration::from_secs(arguments.timeout),
        request_id: &request_id,
        verbose: arguments.verbose,
        show_token: token.show_token,
    };
    let mut run = Run { arguments: token, config, target: &target, settings, clock: &clock, report: &mut report };
    let success = match (&probe.command, &identity) {
        (ProbeCommand::HybridJoin(command), Some(identity)) => {
            run.hybrid_join(command, identity);
            "A domain-joined computer gets what it needs to join Microsoft Entra."
        }
        (ProbeCommand::Password(command), _) => {
            run.password(command);
            "The user gets what Microsoft Entra needs."
        }
        _ => return Err(Failure::new("--principal says who it is")),
    };
    Ok(report.finish(&request_id, success))
}

/// The settings of one probe.
struct Run<'r, 'o> {
    arguments: &'r TokenArgs,
    config: Option<&'r Config>,
    target: &'r Target,
    settings: Settings<'r>,
    clock: &'r dyn Clock,
    report: &'r mut Report<'o>,
}

impl<'r> Run<'r, '_> {
    fn hybrid_join(&mut self, command: &HybridJoin, identity: &Identity) -> Option<()> {
        let initiator = self.report.step("account", || identity.initiator(&Source::of(&command.source)?))?;
        let (http, channel, endpoint) = self.find(SignIn::Windows)?;
        let message = rst::message(&endpoint, &self.arguments.applies_to, &request_id().ok()?, None);
        let post = |ticket: Option<&str>| http.post(&endpoint.url, message.text.expose(), &message.shown, ticket);
        self.report.step("challenge", || Ok(Passed::new((), answer::challenge(&post(None)?)?)))?;

        let host = Target::parse(&endpoint.url, None).ok()?.host;
        let service = identity.service(command.spn.as_deref(), &host);
        let (ticket, exchange) = self.report.step("ticket", || {
            let bindings = channel.bindings.clone();
            let bound = if bindings.is_some() { ", bound to the TLS certificate" } else { "" };
            let (ticket, exchange) = ticket::token(&initiator, &service, bindings)?;
            let what = format!("{service}, {} octets{bound}", ticket.len() / 4 * 3);
            Ok(Passed::new((ticket, exchange), what))
        })?;
        let assertion = self.report.step("token", || {
            let reply = post(Some(&ticket))?;
            if reply.status == 401 && channel.bindings.is_some() {
                return Err(without_bindings(&initiator, &service, &post, answer::assertion(&reply, SignIn::Windows)));
            }
            let assertion = answer::assertion(&reply, SignIn::Windows)?;
            let proof = ticket::proof(exchange, &reply)?;
            let what = format!("{} octets; {proof}", assertion.len());
            Ok(Passed::new(assertion, what))
        })?;
        self.judge(&http, &assertion, contract::computer)
    }

    fn password(&mut self, command: &PasswordSignIn) -> Option<()> {
        let password = self.report.step("account", || {
            Ok(Passed::new(
                ticket::password(&command.password_file)?,
                format!("{} with the password", command.principal),
            ))
        })?;
        let (http, _, endpoint) = self.find(SignIn::Password)?;
        let assertion = self.report.step("token", || {
            let user = UserName { name: &command.principal, password: &password, now: self.clock.now() };
            let message = rst::message(&endpoint, &self.arguments.applies_to, &request_id()?, Some(&user));
            let reply = http.post(&endpoint.url, message.text.expose(), &message.shown, None)?;
            let assertion = answer::assertion(&reply, SignIn::Password)?;
            let what = format!("{} octets", assertion.len());
            Ok(Passed::new(assertion, what))
        })?;
        self.judge(&http, &assertion, contract::user)
    }

    /// From the name of the server to the endpoint for this way of signing in.
    fn find(&mut self, sign_in: SignIn) -> Option<(Http<'r>, Channel, Endpoint)> {
        let (target, settings) = (self.target, self.settings);
        let channel = self.report.step("TLS", || tls::look(target, settings.ca, settings.timeout))?;
        let (http, endpoint) = self.report.step("MEX", || {
            let http = Http::new(target, settings)?;
            let reply = http.get(&target.url("/adfs/services/trust/mex"))?;
            let picked = mex::pick(&reply, sign_in)?;
            let skew = skew(&reply, self.clock);
            let passed = Passed { value: (http, picked.value), what: picked.what, notes: picked.notes };
            Ok(match skew {
                Some(note) => passed.note(note),
                None => passed,
            })
        })?;
        Some((http, channel, endpoint))
    }

    /// Signature and content of the token.
    fn judge(&mut self, http: &Http<'_>, assertion: &[u8], contract: fn(&Token) -> Vec<Check>) -> Option<()> {
        let url = self.target.url("/FederationMetadata/2007-06/FederationMetadata.xml");
        let published = self.report.step("metadata", || federation_metadata::read(&http.get(&url)?));
        let (entity_id, certificates) =
            published.map(|found| (found.entity_id, found.certificates)).unwrap_or_default();
        self.report.step("signature", || token::verify(assertion, &certificates));
        let token = self.report.step("content", || {
            let token = Token::read(assertion)?;
            let what = format!("{} with {} claims", token.kind, token.claims.len());
            Ok(Passed::new(token, what))
        })?;
        let shown = self.arguments.show_token.then(|| String::from_utf8_lossy(assertion).into_owned());
        self.report.token(token.clone(), shown);
        let issuer = self.arguments.expect_issuer.clone().or_else(|| self.configured_issuer(&token));
        let expected = Expected {
            applies_to: &self.arguments.applies_to,
            now: self.clock.now(),
            issuer: issuer.as_deref(),
            entity_id: &entity_id,
        };
        for (name, outcome) in contract::common(&token, &expected).into_iter().chain(contract(&token)) {
            self.report.step(name, || outcome);
        }
        Some(())
    }

    /// The issuer that this configuration gives the account, when the token is for Entra.
    fn configured_issuer(&self, token: &Token) -> Option<String> {
        let entra = &self.config?.entra;
        let for_entra = crate::trusts::entra::IDENTIFIERS.contains(&self.arguments.applies_to.as_str());
        if !entra.enabled || !for_entra {
            return None;
        }
        entra.issuer_of(token.first(UPN_V1)).map(str::to_owned)
    }
}

/// A refused ticket, sent once more without channel bindings: whether those are the reason.
pub(super) fn without_bindings(
    initiator: &Initiator,
    service: &str,
    post: &dyn Fn(Option<&str>) -> Result<super::http::Reply, Failure>,
    refused: Result<Vec<u8>, Failure>,
) -> Failure {
    let second = ticket::token(initiator, service, None).and_then(|(ticket, _)| post(Some(&ticket)));
    match (second, refused) {
        (Ok(reply), _) if reply.status != 401 => {
            Failure::new("401 with channel bindings, and not without: TLS ends in front of the server").advise_all([
                "The client binds its ticket to the certificate it sees, and the server compares it with another. Windows always \
                 binds, so that every computer fails.",
                "This server: name the balancer's certificate in front_certificates of [kerberos], or set channel_binding. AD FS: \
                 the same certificate on both, or Set-AdfsProperties -ExtendedProtectionTokenCheck None.",
            ])
        }
        (_, Err(failure)) => failure.advise("It is refused without channel bindings as well, so those are not the reason."),
        (_, Ok(_)) => Failure::new("401"),
    }
}

/// A note when the server's clock is far from ours.
fn skew(reply: &super::http::Reply, clock: &dyn Clock) -> Option<String> {
    let date = reply.header("date").next()?;
    let server = time::OffsetDateTime::parse(date, &time::format_description::well_known::Rfc2822).ok()?;
    let seconds = (server.unix_timestamp() - clock.now().unix_seconds()).abs();
    (seconds > 60).then(|| format!("The server's clock is {seconds} seconds off this computer's; Kerberos allows 300."))
}

pub(super) fn request_id() -> Result<String, Failure> {
    let mut octets = [0; 16];
    SystemRandomSource::new().fill(&mut octets).map_err(|error| Failure::new(error.to_string()))?;
    Ok(uuid::Builder::from_random_bytes(octets).into_uuid().to_string())
}
