//! Device registration in the directory: what `chancery drs check` looks at, and the connection points of the other forests.

use crate::cli::drs;
use crate::cli::finding::Finding;
use crate::cli::finding::catalogue::{DRS, SCP};
use crate::config::Config;
use crate::directory::ldap::{LdapDirectory, ObjectError};

/// Every configured forest.
pub(super) async fn look(config: &Config, directory: &LdapDirectory) -> Vec<Finding> {
    // Where nothing registers, here or at Entra, no computer looks for a connection point.
    if !config.device_registration.enabled && !config.entra.enabled {
        return Vec::new();
    }
    let mut findings = match drs::check::in_directory(config, directory).await {
        Ok(findings) => findings,
        Err(error) => vec![Finding::not_checked(DRS, error.to_string(), "name a configured domain")],
    };
    if !config.device_registration.enabled {
        // What only registration here needs is no concern; where computers are sent is.
        findings.retain(|finding| finding.name == SCP.name || finding.name.starts_with("scp-"));
    }
    let home = config.device_registration.domain(config).map(|domain| domain.realm.clone());
    for domain in config.domains.iter().filter(|domain| Some(&domain.realm) != home.as_ref()) {
        let wanted = drs::look::Wanted::of(config);
        let name = domain.dns_name().to_string();
        let looked = directory.work(&name, drs::PATIENCE, move |mut objects| async move {
            drs::look::look(&mut objects, &wanted, drs::look::Use::ConnectionPoint).await
        });
        match looked.await {
            Ok(found) => findings.extend(found),
            Err(error) => findings.push(unanswered(&name, &error)),
        }
    }
    // Domains of one forest share their connection point.
    let mut once: Vec<Finding> = Vec::new();
    for finding in findings {
        if !once.contains(&finding) {
            once.push(finding);
        }
    }
    once
}

fn unanswered(domain: &str, error: &ObjectError) -> Finding {
    drs::check::unanswered(domain, error)
}
