//! The public address, as clients meet it: names, certificates, MEX, endpoints, discovery, and its clock.

use std::time::Duration;

use super::certificates::Judge;
use super::names::{self, Name};
use super::{Failure, Way, on_thread};
use crate::cli::finding::catalogue::{CLOCK, DISCOVERY, ENDPOINT, MEX, MEX_PASSWORD, MEX_WINDOWS, SERVICE};
use crate::cli::finding::{Finding, Level};
use crate::cli::probe::failure::Failure as Refused;
use crate::cli::probe::http::{Http, Reply, Settings};
use crate::cli::probe::mex::{self, Endpoint, SignIn, Version};
use crate::cli::probe::target::Target;
use crate::cli::probe::{answer, rst, tls};
use crate::clock::{Clock as _, Random as _, SystemClock, SystemRandomSource, UtcTime};
use crate::config::Config;
use crate::protocols::trust_endpoint::{self, Credential, TrustEndpoint};
use crate::xml::namespace::SOAP12;
use crate::xml::{Document, Limits};

/// Everything about the public address.
pub(super) async fn look(config: &Config, way: &Way) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut reachable = Vec::new();
    for name in names::of(config) {
        let (finding, addresses) = names::resolves(&name.host, name.level).await;
        findings.push(finding);
        if !addresses.is_empty() || way.connect_to.is_some() {
            reachable.push(name);
        }
    }
    let visit = Visit {
        way: way.clone(),
        names: reachable,
        judge: Judge::of(config, SystemClock::new().now()),
        service: config.service.federation_service_name.to_string(),
        endpoints: endpoints(config),
        for_entra: config.entra.enabled,
    };
    match on_thread(move || visit.go()).await {
        Some(found) => findings.extend(found),
        None => findings.push(Finding::not_checked(SERVICE, "the look at it ended abnormally", "report it")),
    }
    findings
}

/// The WS-Trust endpoints of the common port that the configuration has on.
fn endpoints(config: &Config) -> Vec<TrustEndpoint> {
    let by_certificate = !config.certificates.client_ca_files.is_empty();
    let on = |endpoint: &TrustEndpoint| {
        config.endpoints.switch(*endpoint).enabled
            && match endpoint.credential {
                Credential::WindowsTransport | Credential::UsernameMixed => true,
                Credential::CertificateMixed => by_certificate,
                Credential::CertificateTransport => false,
            }
    };
    TrustEndpoint::ALL.into_iter().filter(on).collect()
}

struct Visit {
    way: Way,
    names: Vec<Name>,
    judge: Judge,
    service: String,
    endpoints: Vec<TrustEndpoint>,
    for_entra: bool,
}

impl Visit {
    /// Looks. Blocks.
    fn go(mut self) -> Vec<Finding> {
        let mut findings = Vec::new();
        let names = std::mem::take(&mut self.names);
        let accepted: Vec<&Name> = names.iter().filter(|name| self.certificate(name, &mut findings)).collect();
        let Some(service) = accepted.iter().find(|name| name.host == self.service) else {
            findings.push(Finding::not_checked(
                MEX,
                "MEX and the endpoints were not asked: the service's own name does not resolve, nobody answers there, or a client \
                 would refuse the certificate",
                "correct that first",
            ));
            return findings;
        };
        if let Err(error) = self.pages(&service.host, &mut findings) {
            findings.push(Finding::not_checked(MEX, error.to_string(), ""));
        }
        for name in accepted.iter().filter(|name| name.host.starts_with("enterpriseregistration.")) {
            match self.discovery(name) {
                Ok(finding) => findings.push(finding),
                Err(error) => findings.push(Finding::not_checked(DISCOVERY, error.to_string(), "")),
            }
        }
        findings
    }

    /// Whether a client takes the certificate shown on a name.
    fn certificate(&mut self, name: &Name, findings: &mut Vec<Finding>) -> bool {
        let target = Target::parse(&name.host, self.way.connect_to.as_deref());
        let shown = target.and_then(|target| tls::shown(&target, self.way.ca.as_deref(), self.way.timeout));
        match shown {
            Ok(shown) => {
                let (found, accepted) = self.judge.judge(name, &shown);
                findings.extend(found);
                accepted
            }
            Err(failure) => {
                findings.push(of(SERVICE, name.level, &format!("{} does not answer", name.host), &failure));
                false
            }
        }
    }

    /// MEX, the endpoints, and the clock.
    fn pages(&self, host: &str, findings: &mut Vec<Finding>) -> Result<(), Failure> {
        let target = Target::parse(host, self.way.connect_to.as_deref()).map_err(|failure| failure.what)?;
        let id = request_id()?;
        let http = Http::new(&target, self.settings(&id)).map_err(|failure| failure.what)?;
        match http.get(&target.url("/adfs/services/trust/mex")) {
            Ok(reply) => {
                findings.extend(clock(&reply, SystemClock::new().now()));
                findings.extend(self.mex(&reply));
            }
            Err(failure) => findings.push(of(MEX, Level::Error, "MEX", &failure)),
        }
        for endpoint in &self.endpoints {
            findings.push(ask(&http, &target, *endpoint, &id));
        }
        Ok(())
    }

    /// MEX read as Windows and MSAL read it.
    fn mex(&self, reply: &Reply) -> Vec<Finding> {
        let level = if self.for_entra { Level::Error } else { Level::Warning };
        let picked = [(MEX_WINDOWS, SignIn::Windows), (MEX_PASSWORD, SignIn::Password)]
            .map(|(kind, sign_in)| (kind, mex::pick(reply, sign_in)));
        if let [(_, Err(windows)), (_, Err(password))] = &picked
            && windows.what == password.what
        {
            return vec![of(MEX, Level::Error, "MEX", windows)];
        }
        let judged = picked.into_iter().map(|(kind, picked)| match picked {
            Ok(passed) => Finding::ok(kind, format!("clients pick {}", passed.value.url)),
            Err(failure) => of(kind, level, "MEX", &failure),
        });
        std::iter::once(Finding::ok(MEX, format!("MEX has {} octets and is valid", reply.body.len())))
            .chain(judged)
            .collect()
    }

    fn discovery(&self, name: &Name) -> Result<Finding, Failure> {
        let target = Target::parse(&name.host, self.way.connect_to.as_deref()).map_err(|failure| failure.what)?;
        let id = request_id()?;
        let http = Http::new(&target, self.settings(&id)).map_err(|failure| failure.what)?;
        let url = target.url("/EnrollmentServer/contract?api-version=1.2");
        Ok(match http.get(&url) {
            Ok(reply) if reply.status == 200 && is_discovery(&reply) => {
                Finding::ok(DISCOVERY, format!("{} answers where devices register", name.host))
            }
            Ok(reply) => Finding::bad(
                name.level,
                DISCOVERY,
                format!("{url} is answered with HTTP {} and no discovery document", reply.status),
                String::from("something in front of the server answers for it, or does not pass /EnrollmentServer/ on"),
            ),
            Err(failure) => of(DISCOVERY, name.level, &url, &failure),
        })
    }

    fn settings<'s>(&'s self, request_id: &'s str) -> Settings<'s> {
        Settings {
            ca: self.way.ca.as_deref(),
            timeout: self.way.timeout,
            request_id,
            verbose: false,
            show_token: false,
        }
    }
}

/// The document in its default form, XML.
fn is_discovery(reply: &Reply) -> bool {
    Document::parse(&reply.body, &Limits::METADATA).is_ok_and(|document| document.root().local() == "Discovery")
}

/// One endpoint, asked without credentials: a computer expects to be asked for a ticket, everybody else a fault.
fn ask(http: &Http<'_>, target: &Target, endpoint: TrustEndpoint, id: &str) -> Finding {
    let path = endpoint.path();
    let version = match endpoint.version {
        trust_endpoint::Version::Trust13 => Version::Trust13,
        trust_endpoint::Version::February2005 => Version::February2005,
    };
    let asked = Endpoint { version, url: target.url(&path) };
    let message = rst::message(&asked, crate::trusts::entra::IDENTIFIERS[0], id, None);
    let reply = match http.post(&asked.url, message.text.expose(), &message.shown, None) {
        Ok(reply) => reply,
        Err(failure) => return of(ENDPOINT, Level::Error, &path, &failure),
    };
    if endpoint.credential == Credential::WindowsTransport {
        return match answer::challenge(&reply) {
            Ok(challenge) => Finding::ok(ENDPOINT, format!("{path}: {challenge}")),
            Err(failure) if reply.status == 404 => of(
                ENDPOINT,
                Level::Error,
                &path,
                &failure.advise(
                    "Windows authentication is for the intranet: from here the request counts as from outside, because no network \
                     of `server.intranet` holds this address.",
                ),
            ),
            Err(failure) => of(ENDPOINT, Level::Error, &path, &failure),
        };
    }
    if is_fault(&reply) {
        return Finding::ok(ENDPOINT, format!("{path} answers with a fault, as it must without credentials"));
    }
    let failure = answer::assertion(&reply, SignIn::Password).err();
    of(ENDPOINT, Level::Error, &path, &failure.unwrap_or_else(|| Refused::new("it gave a token to nobody")))
}

fn is_fault(reply: &Reply) -> bool {
    [400, 500].contains(&reply.status)
        && Document::parse(&reply.body, &Limits::METADATA).is_ok_and(|document| {
            document.root().is(SOAP12, "Envelope")
                && document.root().child(SOAP12, "Body").is_some_and(|body| body.child(SOAP12, "Fault").is_some())
        })
}

/// The service's clock against that of this computer.
fn clock(reply: &Reply, now: UtcTime) -> Option<Finding> {
    let date = reply.header("date").next()?;
    let there = time::OffsetDateTime::parse(date, &time::format_description::well_known::Rfc2822).ok()?;
    Some(difference("the service", there.unix_timestamp(), now, Duration::ZERO))
}

/// A clock against that of this computer; `took` is how long the answer was under way.
pub(super) fn difference(whose: &str, there: i64, now: UtcTime, took: Duration) -> Finding {
    let slack = i64::try_from(took.as_secs()).unwrap_or(i64::MAX);
    let seconds = (there - now.unix_seconds()).abs().saturating_sub(slack).max(0);
    let what = format!("the clock of {whose} is {seconds} seconds off this computer's");
    let fix = "let this computer, the servers and the domain controllers follow the same time source";
    match seconds {
        0..60 => Finding::ok(CLOCK, what),
        60..300 => Finding::warning(CLOCK, what, fix),
        _ => Finding::error(CLOCK, what, fix),
    }
}

/// A failure of `chancery probe`'s steps, as a finding.
fn of(kind: crate::cli::finding::Kind, level: Level, what: &str, failure: &Refused) -> Finding {
    Finding::bad(level, kind, format!("{what}: {}", failure.what), failure.advice.join(" "))
}

fn request_id() -> Result<String, Failure> {
    let mut octets = [0; 16];
    SystemRandomSource::new().fill(&mut octets)?;
    Ok(uuid::Builder::from_random_bytes(octets).into_uuid().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_may_differ_a_little() {
        let now = UtcTime::from_unix_seconds(1_800_000_000);
        for (there, took, level) in [
            (1_800_000_000, 0, Level::Ok),
            (1_800_000_059, 0, Level::Ok),
            (1_799_999_940, 0, Level::Warning),
            (1_799_999_940, 1, Level::Ok),
            (1_800_000_299, 0, Level::Warning),
            (1_799_999_700, 0, Level::Error),
            (0, 0, Level::Error),
            (i64::MAX, 0, Level::Error),
        ] {
            let there = there.min(i64::MAX / 2);
            assert_eq!(difference("dc", there, now, Duration::from_secs(took)).level, level, "{there} {took}");
        }
    }

    #[test]
    fn the_date_of_an_answer_is_the_clock_of_the_service() {
        let reply = |date: &str| Reply { status: 200, headers: vec![("Date".into(), date.into())], body: Vec::new() };
        let now = UtcTime::from_xml("2026-01-02T03:04:05Z").unwrap();
        let found = |date: &str| clock(&reply(date), now).map(|finding| finding.level);
        assert_eq!(found("Fri, 02 Jan 2026 03:04:05 GMT"), Some(Level::Ok));
        assert_eq!(found("Fri, 02 Jan 2026 03:09:05 GMT"), Some(Level::Error));
        assert_eq!(found("yesterday"), None);
    }

    #[test]
    fn only_a_fault_is_the_answer_of_an_endpoint() {
        let reply = |status: u16, body: &str| Reply { status, headers: Vec::new(), body: body.as_bytes().to_vec() };
        let fault = format!("<s:Envelope xmlns:s='{SOAP12}'><s:Body><s:Fault/></s:Body></s:Envelope>");
        assert!(is_fault(&reply(500, &fault)));
        for other in [reply(200, &fault), reply(503, &fault), reply(500, "<html/>"), reply(404, ""), reply(500, "")] {
            assert!(!is_fault(&other), "{other:?}");
        }
    }
}
