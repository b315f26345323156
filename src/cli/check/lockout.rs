//! Would a domain lock an account before this server holds wrong passwords back? Asked of the domains themselves.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::authn::password_gate::{LockoutPolicy, LockoutPolicyError};
use crate::clock::SystemClock;
use crate::config::diagnostic::{Code, Place, Report};
use crate::config::document::Document;
use crate::config::findings::Findings;
use crate::config::{Config, Loaded};
use crate::directory::ldap::LdapDirectory;
use crate::directory::{DirectoryError, DomainLockout};
use crate::server;

type Failure = Box<dyn std::error::Error>;

/// What a domain says of itself, or why it says nothing.
type Answer = (String, Result<DomainLockout, DirectoryError>);

/// Compares the lockout of `loaded`, read from `file`, with each domain's own, and adds warnings. Waits no longer than
/// [`PATIENCE`]. Runs where the domains can be asked ([`in_domains`](crate::cli::own_krb5_conf::in_domains)).
pub(in crate::cli) async fn compare(loaded: &Loaded, file: &Path, nodes: u32, report: &mut Report) {
    if !loaded.config.lockout.enabled {
        return;
    }
    match ask(&loaded.config).await {
        Ok(answers) => warn(&loaded.config, file, nodes, answers, report),
        Err(error) => not_asked("no domain", error.as_ref(), file, report),
    }
}

/// Every domain's answer.
async fn ask(config: &Config) -> Result<Vec<Answer>, Failure> {
    let directory = LdapDirectory::new(server::ldap_options(config)?, Arc::new(SystemClock::new()))?;
    let answers = tokio::time::timeout(PATIENCE, directory.lockout_policies()).await;
    answers.map_err(|_| format!("no answer within {} seconds", PATIENCE.as_secs()).into())
}

fn warn(config: &Config, file: &Path, nodes: u32, answers: Vec<Answer>, report: &mut Report) {
    let policy = server::lockout_policy(config);
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let document = Document::parse(file, &text, &mut Report::default());
    for (domain, answer) in answers {
        match answer {
            Ok(lockout) => compare_one(&policy, &domain, lockout, nodes, &mut Findings::new(&document, report)),
            Err(error) => not_asked(&domain, &error, file, report),
        }
    }
}

fn compare_one(
    policy: &LockoutPolicy,
    domain: &str,
    lockout: DomainLockout,
    nodes: u32,
    findings: &mut Findings<'_, '_, '_>,
) {
    let errors = policy.check_against_domain(lockout, nodes).err().unwrap_or_default();
    for error in errors {
        let (key, help) = match &error {
            LockoutPolicyError::Threshold { domain, .. } => (
                "lockout.threshold",
                match (domain.saturating_sub(1)) / nodes.max(1) {
                    0 => format!("no threshold is low enough for {nodes} node(s): raise the domain's own"),
                    most => format!("write {most} or less for {nodes} node(s), or raise the domain's own"),
                },
            ),
            LockoutPolicyError::Window { domain, .. } => {
                ("lockout.window_minutes", format!("write {} or more", domain.as_secs().div_ceil(60)))
            }
        };
        let message = format!("strangers can lock accounts of {domain}: {error}");
        findings.warning(Code::Exposure, key, message, help);
    }
}

pub(super) fn not_asked(domain: &str, error: &dyn std::error::Error, file: &Path, report: &mut Report) {
    report.warning(
        Code::Advice,
        Place::File { file: file.to_owned() },
        format!("{domain} could not be asked when it locks accounts: {error}"),
        "check again where the domain controllers answer, or leave this out with `--offline`",
    );
}

/// How long all domains together are waited for.
const PATIENCE: Duration = Duration::from_secs(10);
