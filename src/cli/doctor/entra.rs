//! What Microsoft Entra gets: the rules of its trust run for a computer and for users, as a sign-in runs them, and what comes out
//! is held against what Entra wants and what the directory has.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{samples, trust};
use crate::claims::explain::IssuedClaim;
use crate::claims::types::{IMMUTABLE_ID, ISSUER_ID, NAME_IDENTIFIER, ON_PREM_OBJECT_GUID, PRIMARY_SID, UPN_V1};
use crate::cli::claims::{Pipeline, Question};
use crate::cli::finding::Finding;
use crate::cli::finding::catalogue::{ENTRA_CLAIM, ENTRA_DECISION, ENTRA_SAMPLE};
use crate::cli::probe::contract;
use crate::cli::probe::token::{Token, TokenClaim};
use crate::config::{Config, Loaded, SourceAnchor};
use crate::directory::ldap::{LdapDirectory, ObjectError};
use crate::directory::{AttributeName, Directory as _, DirectoryError, Sid};
use crate::trusts::entra::IDENTIFIERS;

/// Accounts that were named.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) computer: Option<&'a str>,
    pub(super) user: Option<&'a str>,
}

/// Everything about the trust with Entra, where there is one.
pub(super) async fn look(loaded: &Loaded, directory: &LdapDirectory, asked: Asked<'_>) -> Vec<Finding> {
    let config = &loaded.config;
    let Some(mut findings) = trust::look(&loaded.trusts, config.entra.enabled) else { return Vec::new() };
    let pipeline = match Pipeline::of(loaded) {
        Ok(pipeline) => pipeline,
        Err(error) => {
            findings.push(Finding::not_checked(ENTRA_SAMPLE, format!("no claims were made: {error}"), ""));
            return findings;
        }
    };
    let trial = Trial { pipeline, config };
    let computer = match asked.computer {
        Some(name) => Ok(Some(name.to_owned())),
        None => samples::computer(config, directory).await,
    };
    let none = "no enabled computer of Domain Computers was found";
    findings.extend(trial.sample(Kind::Computer, computer, none, "--computer names one").await);
    if let Some(name) = asked.user {
        findings.extend(trial.sample(Kind::User, Ok(Some(name.to_owned())), "", "").await);
        return findings;
    }
    let mut suffixes: Vec<String> = config.entra.domains.iter().map(|domain| domain.name.to_string()).collect();
    if suffixes.is_empty() {
        suffixes = config.domains.iter().flat_map(|domain| &domain.upn_suffixes).map(ToString::to_string).collect();
    }
    for suffix in suffixes {
        let user = samples::user(config, directory, &suffix).await;
        let none = format!("no enabled user has a UPN of {suffix}");
        findings.extend(trial.sample(Kind::User, user, &none, "--user names one").await);
    }
    findings
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Computer,
    User,
}

struct Trial<'l> {
    pipeline: Pipeline<'l>,
    config: &'l Config,
}

impl Trial<'_> {
    async fn sample(
        &self,
        kind: Kind,
        account: Result<Option<String>, ObjectError>,
        none: &str,
        hint: &str,
    ) -> Vec<Finding> {
        match account {
            Ok(Some(account)) => self.run(kind, &account).await,
            Ok(None) => vec![Finding::not_checked(ENTRA_SAMPLE, none, hint)],
            Err(error) => {
                let what = format!("no account to try claims with was found: {error}");
                vec![Finding::not_checked(ENTRA_SAMPLE, what, "make a domain controller answer, and look again")]
            }
        }
    }

    async fn run(&self, kind: Kind, account: &str) -> Vec<Finding> {
        let question = Question::inside(account, IDENTIFIERS[0], ENDPOINT);
        let (answer, _) = match self.pipeline.sign_in(&question).await {
            Ok(answer) => answer,
            Err(error) => {
                let what = format!("no claims were made for {account}: {error}");
                return vec![Finding::not_checked(ENTRA_SAMPLE, what, "name another account by --computer or --user")];
            }
        };
        let name = answer.subject.as_ref().map_or(account, |subject| &subject.name).to_owned();
        let explain = format!(
            "`chancery claims explain --subject '{name}' --relying-party {}` shows rule by rule why",
            IDENTIFIERS[0]
        );
        if answer.decision != Some("permit") {
            let decision = answer.decision.unwrap_or("nothing");
            let reason = answer.reason.map(|reason| format!(": {reason}")).unwrap_or_default();
            let what = format!("{name} gets no token for Entra, but {decision}{reason}");
            return vec![Finding::error(ENTRA_DECISION, what, explain)];
        }
        let token = token(&answer.token);
        let checks = match kind {
            Kind::Computer => contract::computer(&token),
            Kind::User => contract::user(&token),
        };
        let mut findings: Vec<Finding> = checks
            .into_iter()
            .filter_map(|(_, outcome)| outcome.err())
            .map(|failure| {
                let fix = format!("{} {explain}", failure.advice.join(" "));
                Finding::error(ENTRA_CLAIM, format!("{name}: {}", failure.what), fix)
            })
            .collect();
        let sid = answer.subject.and_then(|subject| subject.sid.parse::<Sid>().ok());
        match sid {
            Some(sid) => findings.extend(self.values(kind, &name, &sid, &token, &explain).await),
            None => findings.push(Finding::not_checked(ENTRA_CLAIM, format!("{name} has no SID to compare with"), "")),
        }
        if findings.is_empty() {
            let identity = match kind {
                Kind::Computer => "accounttype DJ, its objectGUID, its SID",
                Kind::User => "its UPN, its immutable id",
            };
            let issuer = token.first(ISSUER_ID).map(|issuer| format!(" and the issuer {issuer}")).unwrap_or_default();
            findings.push(Finding::ok(ENTRA_CLAIM, format!("Entra gets for {name} {identity}{issuer}")));
        }
        findings
    }

    /// The values against what the directory and the configuration say.
    async fn values(&self, kind: Kind, name: &str, sid: &Sid, token: &Token, explain: &str) -> Vec<Finding> {
        let entra = &self.config.entra;
        let mut expected: Vec<(&str, String)> = Vec::new();
        let mut findings = Vec::new();
        let upn = (kind == Kind::User).then(|| token.first(UPN_V1)).flatten();
        if entra.enabled && !entra.domains.is_empty() && (kind == Kind::Computer || upn.is_some()) {
            expected.push((ISSUER_ID, entra.issuer_of(upn).unwrap_or("of a federated domain").to_owned()));
        }
        let anchor = match kind {
            Kind::Computer => {
                expected.push((PRIMARY_SID, sid.to_string()));
                self.pipeline
                    .directory()
                    .object_guid(sid)
                    .await
                    .map(|guid| Some((ON_PREM_OBJECT_GUID, guid.to_base64())))
            }
            // Rules of one's own may take another anchor.
            Kind::User if !entra.enabled => Ok(None),
            Kind::User => self.source_anchor(sid).await.map(|anchor| Some((IMMUTABLE_ID, anchor))),
        };
        match anchor {
            Ok(anchor) => expected.extend(anchor),
            Err(error) => findings.push(Finding::not_checked(
                ENTRA_CLAIM,
                format!("what the directory has of {name} is not known: {error}"),
                "make a domain controller answer, and look again",
            )),
        }
        for (claim, expected) in expected {
            let found = token.first(claim);
            // What is missing is said already, but for what only this configuration demands.
            if found.is_some_and(|found| found != expected) || (found.is_none() && claim == ISSUER_ID) {
                let short = claim.rsplit('/').next().unwrap_or(claim);
                let what = format!("{name}: {short} is {}, and should be {expected}", found.unwrap_or("missing"));
                findings.push(Finding::error(ENTRA_CLAIM, what, explain));
            }
        }
        findings
    }

    /// What Entra Connect takes for the immutable id.
    async fn source_anchor(&self, sid: &Sid) -> Result<String, DirectoryError> {
        let directory = self.pipeline.directory();
        if self.config.entra.source_anchor == SourceAnchor::ConsistencyGuid {
            let name = AttributeName::new("mS-DS-ConsistencyGuid");
            let attributes = directory.attributes(sid, std::slice::from_ref(&name)).await?;
            if let Some(anchor) = attributes.octets(name.as_str()).next() {
                return Ok(STANDARD.encode(anchor));
            }
        }
        Ok(directory.object_guid(sid).await?.to_base64())
    }
}

/// The claims as a token would carry them.
fn token(issued: &[IssuedClaim]) -> Token {
    let mut claims: Vec<TokenClaim> = Vec::new();
    for IssuedClaim { claim, .. } in issued {
        let value = claim.value.to_string();
        match claims.iter_mut().find(|known| *known.claim_type == *claim.claim_type) {
            Some(known) => known.values.push(value),
            None => claims.push(TokenClaim { claim_type: claim.claim_type.to_string(), values: vec![value] }),
        }
    }
    let first = |claim_type: &str| {
        let claim = claims.iter().find(|claim| claim.claim_type == claim_type)?;
        claim.values.first().cloned()
    };
    Token {
        kind: "SAML 1.1",
        issuer: first(ISSUER_ID).unwrap_or_default(),
        audiences: vec![IDENTIFIERS[0].to_owned()],
        not_before: String::new(),
        not_on_or_after: String::new(),
        name_identifier: first(NAME_IDENTIFIER).or_else(|| first(IMMUTABLE_ID)),
        claims,
    }
}

/// Where computers get their tokens, and users on joined computers.
const ENDPOINT: &str = "/adfs/services/trust/13/windowstransport";
