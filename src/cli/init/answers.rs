//! What `init` needs to know: from options, from questions, from defaults.

use std::io::{BufRead, IsTerminal as _, Write};
use std::path::PathBuf;
use std::str::FromStr;

use super::{Init, InitError, private_networks};
use crate::config::names::{DnsName, NetbiosName, Network, Realm};
use crate::directory::Sid;

/// Everything the configuration says.
#[derive(Debug, Clone)]
pub(super) struct Answers {
    pub(super) federation_service_name: DnsName,
    pub(super) identifier: String,
    pub(super) realm: Realm,
    pub(super) netbios: NetbiosName,
    pub(super) sid: Sid,
    pub(super) upn_suffixes: Vec<DnsName>,
    pub(super) domain_controllers: Vec<DnsName>,
    pub(super) keytab: PathBuf,
    pub(super) certificate: PathBuf,
    pub(super) key: PathBuf,
    pub(super) ldap_ca: Option<PathBuf>,
    pub(super) intranet: Vec<Network>,
    /// Empty when there is no trust with Entra.
    pub(super) entra_domains: Vec<DnsName>,
    pub(super) state_directory: PathBuf,
}

impl Answers {
    /// Takes what the options say, asks `terminal` for the rest.
    pub(super) fn gather(options: &Init, terminal: Option<&mut Terminal<'_>>) -> Result<Self, InitError> {
        let asked = match terminal {
            Some(terminal) => Asked::from_questions(options, terminal)?,
            None => Asked::from_options(options)?,
        };
        let mut upn_suffixes = vec![asked.domain.clone()];
        upn_suffixes.extend(options.upn_suffixes.iter().filter(|suffix| **suffix != asked.domain).cloned());
        let entra_domains = match asked.entra_domains {
            _ if options.no_entra => Vec::new(),
            Some(domains) => domains,
            None => upn_suffixes.clone(),
        };
        Ok(Self {
            identifier: options
                .identifier
                .clone()
                .unwrap_or_else(|| format!("http://{}/adfs/services/trust", asked.federation_service_name)),
            realm: match &options.realm {
                Some(realm) => realm.clone(),
                None => asked.domain.as_str().parse().map_err(|_| InitError::NoAnswer("--domain"))?,
            },
            federation_service_name: asked.federation_service_name,
            netbios: asked.netbios,
            sid: asked.sid,
            upn_suffixes,
            domain_controllers: asked.domain_controllers,
            keytab: options.keytab.clone(),
            certificate: options.certificate.clone(),
            key: options.key.clone(),
            ldap_ca: options.ldap_ca.clone(),
            intranet: asked.intranet,
            entra_domains,
            state_directory: options.state_directory.clone(),
        })
    }
}

/// What has no usable default.
struct Asked {
    domain: DnsName,
    federation_service_name: DnsName,
    netbios: NetbiosName,
    sid: Sid,
    domain_controllers: Vec<DnsName>,
    intranet: Vec<Network>,
    entra_domains: Option<Vec<DnsName>>,
}

impl Asked {
    fn from_options(options: &Init) -> Result<Self, InitError> {
        match (&options.domain, options.sid) {
            (Some(domain), Some(sid)) if !options.domain_controllers.is_empty() => Ok(Self {
                federation_service_name: match &options.federation_service_name {
                    Some(name) => name.clone(),
                    None => service_name(domain).ok_or(InitError::Missing(vec!["--federation-service-name"]))?,
                },
                netbios: match &options.netbios {
                    Some(name) => name.clone(),
                    None => first_label(domain).ok_or(InitError::Missing(vec!["--netbios"]))?,
                },
                domain: domain.clone(),
                sid,
                domain_controllers: options.domain_controllers.clone(),
                intranet: options.intranet.clone(),
                entra_domains: (!options.entra_domains.is_empty()).then(|| options.entra_domains.clone()),
            }),
            (domain, sid) => {
                let missing = [
                    (domain.is_none(), "--domain"),
                    (sid.is_none(), "--sid"),
                    (options.domain_controllers.is_empty(), "--dc"),
                ];
                Err(InitError::Missing(missing.into_iter().filter(|(is, _)| *is).map(|(_, name)| name).collect()))
            }
        }
    }

    fn from_questions(options: &Init, terminal: &mut Terminal<'_>) -> Result<Self, InitError> {
        let domain = match &options.domain {
            Some(domain) => domain.clone(),
            None => terminal.ask("--domain", "DNS name of the Active Directory domain", None)?,
        };
        let federation_service_name = match &options.federation_service_name {
            Some(name) => name.clone(),
            None => terminal.ask(
                "--federation-service-name",
                "Host name in the service's URLs",
                service_name(&domain).as_ref().map(DnsName::as_str),
            )?,
        };
        let netbios = match &options.netbios {
            Some(name) => name.clone(),
            None => terminal.ask(
                "--netbios",
                "NetBIOS name of the domain",
                first_label(&domain).as_ref().map(NetbiosName::as_str),
            )?,
        };
        let sid = match options.sid {
            Some(sid) => sid,
            None => terminal.ask("--sid", "SID of the domain (`(Get-ADDomain).DomainSID.Value`)", None)?,
        };
        let domain_controllers = if options.domain_controllers.is_empty() {
            terminal.ask_list("--dc", "Domain controllers by DNS name, separated by commas", None)?
        } else {
            options.domain_controllers.clone()
        };
        let intranet = if options.intranet.is_empty() {
            let usual: Vec<String> = private_networks().iter().map(Network::to_string).collect();
            terminal.ask_list(
                "--intranet",
                "Networks inside the company, separated by commas",
                Some(&usual.join(", ")),
            )?
        } else {
            options.intranet.clone()
        };
        let entra_domains = if options.no_entra {
            None
        } else if options.entra_domains.is_empty() {
            let question = "Domains federated in Entra, separated by commas";
            Some(terminal.ask_list("--entra-domain", question, Some(domain.as_str()))?)
        } else {
            Some(options.entra_domains.clone())
        };
        Ok(Self { domain, federation_service_name, netbios, sid, domain_controllers, intranet, entra_domains })
    }
}

fn service_name(domain: &DnsName) -> Option<DnsName> {
    format!("sts.{domain}").parse().ok()
}

fn first_label(domain: &DnsName) -> Option<NetbiosName> {
    domain.as_str().split('.').next()?.parse().ok()
}

/// Somebody who can be asked.
pub(super) struct Terminal<'a> {
    input: Box<dyn BufRead + 'a>,
    output: Box<dyn Write + 'a>,
}

impl<'a> Terminal<'a> {
    /// The person at the terminal; `None` when input or output is something else.
    pub(super) fn when_interactive() -> Option<Self> {
        let (input, output) = (std::io::stdin(), std::io::stderr());
        (input.is_terminal() && output.is_terminal()).then(|| Self::new(input.lock(), output))
    }

    /// Reads answers from `input`, writes questions to `output`.
    pub(super) fn new(input: impl BufRead + 'a, output: impl Write + 'a) -> Self {
        Self { input: Box::new(input), output: Box::new(output) }
    }

    fn ask<T: FromStr<Err: std::fmt::Display>>(
        &mut self,
        option: &'static str,
        question: &str,
        default: Option<&str>,
    ) -> Result<T, InitError> {
        for _ in 0..ATTEMPTS {
            let line = self.line(option, question, default)?;
            match line.parse() {
                Ok(value) => return Ok(value),
                Err(error) => {
                    let _ = writeln!(self.output, "  {error}");
                }
            }
        }
        Err(InitError::NoAnswer(option))
    }

    fn ask_list<T: FromStr<Err: std::fmt::Display>>(
        &mut self,
        option: &'static str,
        question: &str,
        default: Option<&str>,
    ) -> Result<Vec<T>, InitError> {
        for _ in 0..ATTEMPTS {
            let line = self.line(option, question, default)?;
            let words = line.split([',', ' ']).map(str::trim).filter(|word| !word.is_empty());
            match words.map(str::parse).collect::<Result<Vec<T>, _>>() {
                Ok(values) if !values.is_empty() => return Ok(values),
                Ok(_) => {
                    let _ = writeln!(self.output, "  at least one is needed");
                }
                Err(error) => {
                    let _ = writeln!(self.output, "  {error}");
                }
            }
        }
        Err(InitError::NoAnswer(option))
    }

    fn line(&mut self, option: &'static str, question: &str, default: Option<&str>) -> Result<String, InitError> {
        let shown = default.map(|default| format!(" [{default}]")).unwrap_or_default();
        let _ = write!(self.output, "{question}{shown}: ");
        let _ = self.output.flush();
        let mut line = String::new();
        match self.input.read_line(&mut line) {
            Ok(0) | Err(_) => Err(InitError::NoAnswer(option)),
            Ok(_) => match (line.trim(), default) {
                ("", Some(default)) => Ok(default.to_owned()),
                (answer, _) => Ok(answer.to_owned()),
            },
        }
    }
}

const ATTEMPTS: usize = 3;

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        init: Init,
    }

    fn options(line: &[&str]) -> Init {
        Line::parse_from(["init"].iter().chain(line)).init
    }

    fn answer(line: &[&str], input: &str) -> Result<Answers, InitError> {
        Answers::gather(&options(line), Some(&mut Terminal::new(input.as_bytes(), Vec::new())))
    }

    #[test]
    fn options_alone_are_enough() {
        let given =
            ["--domain", "corp.example", "--sid", "S-1-5-21-1-2-3", "--dc", "dc1.corp.example,dc2.corp.example"];
        let answers = Answers::gather(&options(&given), None).unwrap();
        assert_eq!(answers.federation_service_name.as_str(), "sts.corp.example");
        assert_eq!((answers.realm.as_str(), answers.netbios.as_str()), ("CORP.EXAMPLE", "CORP"));
        assert_eq!(answers.domain_controllers.len(), 2);
        assert_eq!(answers.entra_domains, answers.upn_suffixes);
    }

    #[test]
    fn every_missing_option_is_named() {
        let error = Answers::gather(&options(&["--domain", "corp.example"]), None).unwrap_err();
        assert!(matches!(error, InitError::Missing(names) if names == ["--sid", "--dc"]));
    }

    #[test]
    fn questions_are_asked_again_after_a_wrong_answer() {
        let input = "https://corp.example\ncorp.example\n\n\nno sid\nS-1-5-21-1-2-3\ndc1.corp.example\n\n\n";
        let answers = answer(&[], input).unwrap();
        assert_eq!(answers.federation_service_name.as_str(), "sts.corp.example");
        assert_eq!(answers.netbios.as_str(), "CORP");
        assert_eq!(answers.intranet, private_networks());
        assert_eq!(answers.entra_domains, ["corp.example".parse().unwrap()]);
    }

    #[test]
    fn three_wrong_answers_or_none_end_it() {
        assert!(matches!(answer(&[], "a b\na b\na b\n"), Err(InitError::NoAnswer("--domain"))));
        assert!(matches!(answer(&["--domain", "corp.example"], "\n\n"), Err(InitError::NoAnswer("--sid"))));
    }
}
