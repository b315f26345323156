//! A `krb5.conf` of a command's own, for as long as it runs: the server's file is the server's.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;
use std::time::Duration;

use crate::clock::{Random as _, SystemRandomSource};
use crate::config::Config;
use crate::kerberos::krb5_conf::{Krb5Conf, use_krb5_conf};
use crate::server;

/// The directory that holds it; it goes with this value.
pub(super) struct OwnKrb5Conf(PathBuf);

/// The file cannot be made.
#[derive(Debug, thiserror::Error)]
#[error("krb5.conf cannot be written: {0}")]
pub(super) struct OwnKrb5ConfError(String);

impl OwnKrb5Conf {
    /// Writes the file and makes this process use it. To be called before any thread starts. `command` is a part of the
    /// directory's name.
    ///
    /// # Errors
    /// [`OwnKrb5ConfError`].
    pub(super) fn set(conf: &Krb5Conf, command: &str) -> Result<Self, OwnKrb5ConfError> {
        let refuse = |error: &dyn std::fmt::Display| OwnKrb5ConfError(error.to_string());
        let mut name = [0; 8];
        SystemRandomSource::new().fill(&mut name).map_err(|error| refuse(&error))?;
        let directory = std::env::temp_dir().join(format!("chancery-{command}-{}", hex::encode(name)));
        DirBuilder::new().mode(0o700).create(&directory).map_err(|error| refuse(&error))?;
        let own = Self(directory);
        let file = own.0.join("krb5.conf");
        conf.write(&file).map_err(|error| refuse(&error))?;
        use_krb5_conf(&file).map_err(|error| refuse(&error))?;
        Ok(own)
    }
}

/// Runs what asks the domains of a configuration, with a `krb5.conf` of the command's own. To be called before any thread starts.
///
/// # Errors
/// Those of `work`, and what keeps it from being run.
pub(super) fn in_domains<T, E>(config: &Config, command: &str, work: impl Future<Output = Result<T, E>>) -> Result<T, E>
where
    E: From<OwnKrb5ConfError> + From<std::io::Error>,
{
    // Before the first thread: the Kerberos library reads the environment.
    let _own = OwnKrb5Conf::set(&server::krb5_conf(config), command)?;
    // Installed already by whoever else needs it.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let outcome = runtime.block_on(work);
    end(runtime);
    outcome
}

/// Ends a runtime on which Kerberos was used. A call that is under way ends first: the library takes itself apart when the process
/// ends, and stops the process when somebody is still inside. One that waits for a domain controller which is silent is left.
pub(super) fn end(runtime: tokio::runtime::Runtime) {
    runtime.shutdown_timeout(Duration::from_secs(2));
}

impl Drop for OwnKrb5Conf {
    fn drop(&mut self) {
        // Nothing of worth is in it, and nobody could be told.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
