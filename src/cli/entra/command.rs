//! Runs `chancery entra` with the configuration and the keys of the server.

use std::process::ExitCode;

use clap::Args;

use super::{EntraArgs, EntraCommand, FederationFacts, federated_domain};
use crate::cli::{ConfigArgument, keys};
use crate::clock::{Clock as _, SystemClock};
use crate::keys::KeyDirectory;

/// Show what Microsoft Entra must be told about this server
#[derive(Debug, Args)]
pub(crate) struct Entra {
    #[command(flatten)]
    config: ConfigArgument,
    #[command(flatten)]
    entra: EntraArgs,
}

impl Entra {
    pub(crate) fn run(self) -> ExitCode {
        match self.execute() {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("chancery entra: {error}");
                ExitCode::FAILURE
            }
        }
    }

    fn execute(&self) -> Result<(), Box<dyn std::error::Error>> {
        let loaded = self.config.load()?;
        let config = &loaded.config;
        let EntraCommand::Settings(settings) = &self.entra.command;
        let domain = federated_domain(&config.entra, &settings.domain)?;
        let (primary, next) = keys::signing_certificates(&KeyDirectory::new(config.keys.directory.clone()))?;
        let facts = FederationFacts {
            federation_service_name: config.service.federation_service_name.as_str(),
            issuer_uri: &domain.issuer_uri,
            signing_certificate: &primary.der,
            next_certificate: next.as_ref().map(|certificate| &*certificate.der),
        };
        let (out, advice) = (&mut std::io::stdout().lock(), &mut std::io::stderr().lock());
        Ok(super::run(&self.entra, &facts, SystemClock::new().now(), out, advice)?)
    }
}
