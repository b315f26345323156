//! `chancery drs check`: what device registration needs, looked at one by one.

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use openssl::x509::X509;

use super::{Failure, PATIENCE, look, registration_host};
use crate::cli::doctor::names;
use crate::cli::finding::{self, Finding, Level, catalogue};
use crate::cli::use_colour;
use crate::clock::SystemClock;
use crate::config::{Config, DeviceRegistration, Registry, SweepMode, certificate_covers};
use crate::directory::ldap::{LdapDirectory, ObjectError};
use crate::server;

/// Arguments of `chancery drs check`.
#[derive(Debug, Args)]
pub(super) struct Check {
    /// One JSON object instead of lines
    #[arg(long)]
    json: bool,
}

impl Check {
    pub(super) async fn run(&self, config: &Config, out: &mut dyn Write) -> Result<ExitCode, Failure> {
        let directory = LdapDirectory::new(server::ldap_options(config)?, Arc::new(SystemClock::new()))?;
        let mut findings = in_directory(config, &directory).await?;
        findings.extend(names(config).await?);
        if self.json {
            writeln!(out, "{:#}", finding::json(&findings))?;
        } else {
            write!(out, "{}", finding::human(&findings, false, use_colour()))?;
        }
        Ok(finding::exit_code(&findings))
    }
}

/// What the directory that keeps the devices lacks, and whether registration is on.
///
/// # Errors
/// The configuration names no domain.
pub(in crate::cli) async fn in_directory(config: &Config, directory: &LdapDirectory) -> Result<Vec<Finding>, Failure> {
    let mut findings = Vec::new();
    if !config.device_registration.enabled {
        findings.push(Finding::warning(
            catalogue::DRS,
            "device registration is off in the configuration",
            "write `enabled = true` in `[device_registration]`",
        ));
    }
    let domain = super::domain(config)?.dns_name().to_string();
    let wanted = look::Wanted::of(config);
    let used_for = match config.device_registration.registry {
        Registry::ActiveDirectory => {
            look::Use::Devices { swept: config.device_registration.sweep.mode != SweepMode::Off }
        }
        Registry::Sql => look::Use::ConnectionPoint,
    };
    let looked = directory
        .work(&domain, PATIENCE, move |mut objects| async move { look::look(&mut objects, &wanted, used_for).await });
    match looked.await {
        Ok(found) => findings.extend(found),
        Err(error) => findings.push(unanswered(&domain, &error)),
    }
    Ok(findings)
}

/// A domain that was not looked at.
pub(in crate::cli) fn unanswered(domain: &str, error: &ObjectError) -> Finding {
    Finding::not_checked(
        catalogue::DRS,
        format!("what {domain} holds for device registration is not known: {error}"),
        "make a domain controller of it answer, and look again",
    )
}

/// DNS and the configured certificate, for every UPN suffix.
async fn names(config: &Config) -> Result<Vec<Finding>, Failure> {
    let preferred = registration_host(config)?;
    let certificate = config.server.tls.as_ref().and_then(|tls| std::fs::read(&tls.certificate_file).ok());
    let certificate = certificate.and_then(|pem| X509::from_pem(&pem).ok());
    let mut findings = Vec::new();
    for host in DeviceRegistration::host_names(config).iter().map(ToString::to_string) {
        let level = if host == preferred { Level::Error } else { Level::Warning };
        findings.push(names::resolves(&host, level).await.0);
        if let Some(certificate) = &certificate
            && !certificate_covers(certificate, &host)
        {
            findings.push(names::uncovered("the server's certificate", &host, level));
        }
    }
    Ok(findings)
}
