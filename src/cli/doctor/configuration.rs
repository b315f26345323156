//! What `chancery check` finds, as findings here.

use std::path::Path;

use crate::cli::check::lockout;
use crate::cli::finding::Finding;
use crate::cli::finding::catalogue::CONFIGURATION;
use crate::config::Loaded;
use crate::config::diagnostic::{Report, Severity};

/// Findings about a configuration that can be used. Asks the domains when they lock accounts, as `check` does.
pub(super) async fn look(loaded: &Loaded, file: &Path, nodes: u32, mut report: Report) -> Vec<Finding> {
    lockout::compare(loaded, file, nodes, &mut report).await;
    report.sort();
    let mut findings = of(&report);
    if findings.is_empty() {
        findings.push(Finding::ok(CONFIGURATION, format!("{} has no problems", file.display())));
    }
    findings
}

/// Findings about a configuration that cannot be used; then nothing else can be looked at.
pub(super) fn unusable(report: &Report, file: &Path) -> Vec<Finding> {
    let mut findings = of(report);
    let what = format!("{} cannot be used: nothing else was looked at", file.display());
    findings.push(Finding::not_checked(CONFIGURATION, what, "correct the errors, and look again"));
    findings
}

fn of(report: &Report) -> Vec<Finding> {
    let finding = |diagnostic: &crate::config::diagnostic::Diagnostic| {
        let what = format!("{}: {} ({})", diagnostic.place, diagnostic.message, diagnostic.code);
        match diagnostic.severity {
            Severity::Error => Finding::error(CONFIGURATION, what, diagnostic.help.clone()),
            Severity::Warning => Finding::warning(CONFIGURATION, what, diagnostic.help.clone()),
        }
    };
    report.iter().map(finding).collect()
}
