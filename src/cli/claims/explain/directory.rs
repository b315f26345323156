//! Explains a sign-in that nobody makes, against the configuration and the directory as they are.

use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use super::Explain;
use super::actor::actor;
use super::answer::{Answer, ClaimsProviderAnswer, RelyingPartyAnswer, Request, Subject};
use super::question::{Question, User};
use super::subject::{assume, device, find, obstacle, password_expiry, subject};
use super::{federated, save};
use crate::audit::{Auditor, AuditorOptions, WriterSink};
use crate::authn::{AuthenticatedSubject, AuthenticationMethod, ForwardingHeaders, NetworkLocation, RequestOrigin};
use crate::claims::explain::StageExplanation;
use crate::claims::{RecordedTrace, Stage};
use crate::cli::own_krb5_conf::in_domains;
use crate::clock::{Clock, Random, SystemClock, SystemRandomSource};
use crate::config::names::Network;
use crate::config::{Config, Loaded, suggest};
use crate::directory::CachedDirectory;
use crate::issuance::{AuthnDemand, ClientHints, Decision, DecisionContext, IssueError, SignInRequest};
use crate::server::{Decisions, Lasting};
use crate::store::NodeStores;
use crate::trusts::{TrustLookup, Trusts};

type Failure = Box<dyn std::error::Error>;

pub(super) fn explain(command: &Explain) -> Result<Vec<Answer>, Failure> {
    let loaded = command.config.load()?;
    in_domains(&loaded.config, "explain", async {
        let (answer, trace) = Pipeline::of(&loaded)?.sign_in(&Question::of(command)).await?;
        if let Some(file) = &command.save {
            save::save(file, &answer.title, &trace)?;
        }
        Ok(vec![answer])
    })
}

/// The decisions of a configuration, for sign-ins that nobody makes. Holds no key.
pub(in crate::cli) struct Pipeline<'l> {
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    config: &'l Config,
    decisions: Decisions,
}

impl<'l> Pipeline<'l> {
    /// Those of `loaded`. Runs where the domains can be asked.
    pub(in crate::cli) fn of(loaded: &'l Loaded) -> Result<Self, Failure> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let random: Arc<dyn Random> = Arc::new(SystemRandomSource::new());
        let auditor = Auditor::start(Arc::new(WriterSink::new("nothing", io::sink())), AuditorOptions::default())?;
        let node = NodeStores::forgetful(&clock);
        let decisions = Lasting::new(clock.clone(), random.clone(), Arc::new(auditor), node).decisions(loaded)?;
        Ok(Self { clock, random, config: &loaded.config, decisions })
    }

    /// The directory that is asked.
    pub(in crate::cli) fn directory(&self) -> &CachedDirectory {
        &self.decisions.directory
    }

    /// What would come of the sign-in, and how.
    pub(in crate::cli) async fn sign_in(&self, question: &Question<'_>) -> Result<(Answer, RecordedTrace), Failure> {
        let trace = RecordedTrace::default();
        sign_in(question, self, trace).await
    }
}

async fn sign_in(
    question: &Question<'_>,
    pipeline: &Pipeline<'_>,
    mut trace: RecordedTrace,
) -> Result<(Answer, RecordedTrace), Failure> {
    let Pipeline { clock, random, decisions, .. } = pipeline;
    let relying_party = relying_party(&decisions.trusts, question.relying_party)?;
    let mut notes = Notes::default();
    let somebody = somebody(question, pipeline, &mut notes).await?;
    let actor = match question.actor {
        Some(id) => Some(actor(&decisions.trusts, id, &**clock, &**random, &mut notes.warnings)?),
        None => None,
    };
    let (actor, actor_answer) = actor.unzip();
    let request = SignInRequest {
        relying_party: question.relying_party.to_owned(),
        endpoint: question.endpoint.to_owned(),
        origin: origin(question, pipeline.config, decisions, &mut notes.assumed),
        hints: ClientHints { user_agent: question.user_agent.clone(), ..ClientHints::default() },
        token_type: None,
        persistent_session: false,
        actor: actor.map(Box::new),
    };
    notes.assume_the_rest(question, &somebody);
    let cx = DecisionContext {
        clock: &**clock,
        directory: &*decisions.directory,
        stores: &decisions.stores,
        revocations: &*decisions.revocations,
        trusts: &decisions.trusts,
        activity: uuid::Uuid::nil(),
    };
    let decision = decisions.issuer.decide_traced(&cx, &request, &somebody.who, &mut trace).await;

    let stages: Vec<StageExplanation> = trace.runs.iter().map(StageExplanation::of).collect();
    let (word, mut reason) = in_words(&decision);
    let without_rules = trace.stage(Stage::IssuanceAuthorization).is_none();
    if matches!(decision, Ok(Decision::Permit(_))) && without_rules {
        reason = Some(String::from("the access control policy of the trust permits everyone"));
    }
    let token = match &decision {
        Ok(Decision::Permit(_)) => {
            let last = stages.iter().find(|stage| stage.stage == Some(Stage::IssuanceTransform));
            last.map(|stage| stage.output.clone()).unwrap_or_default()
        }
        _ => Vec::new(),
    };
    let on_behalf = actor_answer.as_ref().map(|actor| format!(", asked for by {}", actor.name)).unwrap_or_default();
    let answer = Answer {
        title: format!("{} at {}{on_behalf}", somebody.name(), relying_party.name),
        request: Some(Request {
            endpoint: request.endpoint,
            client_address: request.origin.client_ip.to_string(),
            location: if request.origin.is_extranet() { "extranet" } else { "intranet" },
            method: somebody.method().uri(),
        }),
        subject: somebody.account,
        claims_provider: somebody.claims_provider,
        actor: actor_answer,
        relying_party: Some(relying_party),
        assumed: notes.assumed,
        warnings: notes.warnings,
        input: stages.first().map(|stage| stage.input.clone()).unwrap_or_default(),
        stages,
        decision: Some(word),
        reason,
        token,
    };
    Ok((answer, trace))
}

/// Who would sign in.
async fn somebody(question: &Question<'_>, pipeline: &Pipeline<'_>, notes: &mut Notes) -> Result<Somebody, Failure> {
    let Pipeline { clock, random, config, decisions } = pipeline;
    let directory = &*decisions.directory;
    let name = match question.user {
        User::Account(name) => name,
        User::OfClaimsProvider { identifier, claims } => {
            let trusts = &decisions.trusts;
            let (who, provider) = federated::subject(trusts, (identifier, claims), &**clock, &**random)?;
            return Ok(Somebody { who, account: None, claims_provider: Some(provider) });
        }
    };
    let account = find(directory, config, name).await?;
    let method = question.method();
    notes.warnings.extend(obstacle(directory, &account).await);
    let account = assume(account, method, &decisions.domains, &mut notes.warnings);
    let expires = match method {
        AuthenticationMethod::Password => password_expiry(directory, &account, &mut notes.assumed).await,
        // Only who signs in by a password is told of its end.
        AuthenticationMethod::Windows
        | AuthenticationMethod::TlsClient
        | AuthenticationMethod::X509
        | AuthenticationMethod::Federated => None,
    };
    let device = match question.device {
        Some(id) => Some(device(config, clock, random, (id, &account), &mut notes.warnings).await?),
        None => None,
    };
    let answer = Subject {
        name: account.windows_account_name(),
        sid: account.sid.to_string(),
        upn: account.upn.clone(),
        groups: account.groups.len(),
    };
    let who = subject(account, method, device, expires, &**clock, &**random)?;
    Ok(Somebody { who, account: Some(answer), claims_provider: None })
}

/// Who would sign in, and how the answer calls them.
struct Somebody {
    who: AuthenticatedSubject,
    account: Option<Subject>,
    claims_provider: Option<ClaimsProviderAnswer>,
}

impl Somebody {
    fn name(&self) -> String {
        match (&self.account, &self.claims_provider) {
            (Some(account), _) => account.name.clone(),
            (None, Some(provider)) => format!("A user of {}", provider.name),
            (None, None) => String::from("Somebody"),
        }
    }

    fn method(&self) -> AuthenticationMethod {
        self.who.methods.first().copied().unwrap_or(AuthenticationMethod::Federated)
    }
}

/// The relying party asked for, or what there is instead.
fn relying_party(trusts: &Trusts, identifier: &str) -> Result<RelyingPartyAnswer, String> {
    match trusts.relying_party(identifier) {
        TrustLookup::Enabled(trust) => {
            Ok(RelyingPartyAnswer { name: trust.name.clone(), identifier: identifier.to_owned() })
        }
        TrustLookup::Disabled(trust) => Err(format!("the relying party trust {} is disabled", trust.name)),
        TrustLookup::Unknown => {
            let known: Vec<&str> =
                trusts.relying_parties().iter().flat_map(|trust| &trust.identifiers).map(String::as_str).collect();
            let meant = suggest::nearest(identifier, known.iter().copied());
            let meant = meant.map(|meant| format!("; did you mean {meant}?")).unwrap_or_default();
            let list: Vec<String> = known.iter().take(MOST_LISTED).map(|known| format!("  {known}")).collect();
            let more = known.len().saturating_sub(MOST_LISTED);
            let more = if more > 0 { format!("\n  and {more} more") } else { String::new() };
            Err(format!(
                "no relying party trust has the identifier {identifier}{meant}\nThe identifiers are:\n{}{more}",
                list.join("\n")
            ))
        }
    }
}

/// Where the request comes from.
fn origin(question: &Question<'_>, config: &Config, decisions: &Decisions, assumed: &mut Vec<String>) -> RequestOrigin {
    let address = question.source_ip.unwrap_or_else(|| {
        let inside = config.server.intranet.first().map(Network::as_ip_net);
        let address = match (question.at, inside) {
            (None | Some(NetworkLocation::Intranet), Some(network)) => {
                network.hosts().next().unwrap_or_else(|| network.addr())
            }
            _ => SOMEWHERE,
        };
        assumed.push(format!("the client has the address {address}"));
        address
    });
    let mut origin = decisions.network.origin(address, &ForwardingHeaders::default());
    if let Some(proxy) = &question.proxy {
        origin.proxy = Some(proxy.clone());
        origin.location = NetworkLocation::Extranet;
    }
    if let Some(location) = question.at {
        origin.location = location;
    }
    origin
}

/// What was taken for granted, and what stands against it.
#[derive(Default)]
struct Notes {
    assumed: Vec<String>,
    warnings: Vec<String>,
}

impl Notes {
    /// What a real request would say and this one cannot.
    fn assume_the_rest(&mut self, question: &Question<'_>, somebody: &Somebody) {
        self.assumed.push(match (&somebody.claims_provider, somebody.method()) {
            (Some(provider), _) => format!(
                "the claims provider says just now what the file says of its user, all of it in the name of {}",
                provider.identifier
            ),
            (None, AuthenticationMethod::Windows) => String::from(
                "the account signs in just now by Kerberos; its groups are those of the directory, and S-1-18-1 as in a ticket",
            ),
            (None, AuthenticationMethod::Password) => String::from(
                "the account signs in just now by its password; its groups are those of the directory, and S-1-18-1 as in a \
                 ticket",
            ),
            (None, AuthenticationMethod::TlsClient | AuthenticationMethod::X509 | AuthenticationMethod::Federated) => {
                String::from("the account signs in just now by a certificate; its groups are those of the directory")
            }
        });
        if question.actor.is_some() {
            self.assumed.push(String::from("the client proves who it is by its secret"));
        }
        self.assumed.push(match &question.proxy {
            Some(_) => String::from("the request names no client application and has a correlation id of zeros"),
            None => String::from(
                "the request comes through no proxy, names no client application and has a correlation id of zeros",
            ),
        });
        if question.device.is_none() {
            self.assumed.push(String::from("no registered device takes part"));
        }
    }
}

fn in_words(decision: &Result<Decision, IssueError>) -> (&'static str, Option<String>) {
    match decision {
        Ok(Decision::Permit(_)) => ("permit", None),
        Ok(Decision::Deny(denial)) => ("deny", Some(denial.to_string())),
        Ok(Decision::StepUp(AuthnDemand::SecondFactor)) => {
            ("second-factor", Some(String::from("additional authentication rules ask for a second factor")))
        }
        Err(error) => ("error", Some(error.to_string())),
    }
}

/// An address of the documentation range (RFC 5737).
const SOMEWHERE: IpAddr = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 1));
/// Identifiers that a message lists.
const MOST_LISTED: usize = 20;
