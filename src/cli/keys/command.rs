//! Runs `chancery keys` with the configuration of the command line.

use std::process::ExitCode;

use clap::Args;

use super::{KeysArgs, KeysCommand};
use crate::cli::{ConfigArgument, NotUsable};
use crate::clock::{SystemClock, SystemRandomSource};
use crate::keys::KeyRingOptions;
use crate::server;

/// Show, make, import, promote, remove and export the server's keys
///
/// The server signs tokens with the primary token-signing key and publishes the secondary ones in its metadata, so that
/// relying parties know the next key before it is used. Keys are made at the first start and lie encrypted in the key
/// directory.
#[derive(Debug, Args)]
pub(crate) struct Keys {
    #[command(flatten)]
    config: ConfigArgument,
    #[command(flatten)]
    keys: KeysArgs,
}

impl Keys {
    pub(crate) fn run(self) -> ExitCode {
        match self.execute() {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("chancery keys: {error}");
                ExitCode::FAILURE
            }
        }
    }

    fn execute(&self) -> Result<(), Box<dyn std::error::Error>> {
        let options = self.options()?;
        let (clock, random) = (SystemClock::new(), SystemRandomSource::new());
        let (out, advice) = (&mut std::io::stdout().lock(), &mut std::io::stderr().lock());
        Ok(super::run(&self.keys, options.as_ref(), &clock, &random, out, advice)?)
    }

    /// What the configuration says; nothing when there is none and the arguments say everything.
    fn options(&self) -> Result<Option<KeyRingOptions>, NotUsable> {
        let keys = &self.keys;
        let secret = !matches!(keys.command, KeysCommand::List(_) | KeysCommand::ExportPublic(_));
        let arguments_suffice = keys.directory.is_some() && (!secret || keys.key_encryption_key_file.is_some());
        if arguments_suffice {
            let loaded = self.config.loader().load().loaded;
            return Ok(loaded.map(|loaded| server::key_options(&loaded.config)));
        }
        self.config.load().map(|loaded| Some(server::key_options(&loaded.config)))
    }
}
