//! A `krb5.conf` for the time of one command.

use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use crate::clock::{Random as _, SystemRandomSource};
use crate::kerberos::krb5_conf::{Krb5Conf, use_krb5_conf};

/// A `krb5.conf` for this process alone, removed with the value.
#[derive(Debug)]
pub(super) struct OwnKrb5Conf(PathBuf);

impl OwnKrb5Conf {
    /// Writes it, below the first of these directories that takes it, and makes the Kerberos library use it. To be called before
    /// any thread starts.
    pub(super) fn set(conf: &Krb5Conf, below: &[&Path]) -> Result<Self, Box<dyn std::error::Error>> {
        let mut name = [0; 8];
        SystemRandomSource::new().fill(&mut name)?;
        let mut made = Err(std::io::Error::from(std::io::ErrorKind::NotFound));
        for parent in below {
            let directory = parent.join(format!("krb5-{}", hex::encode(name)));
            made = std::fs::DirBuilder::new().mode(0o700).create(&directory).map(|()| Self(directory));
            if made.is_ok() {
                break;
            }
        }
        let own = made?;
        let file = own.0.join("krb5.conf");
        conf.write(&file)?;
        use_krb5_conf(&file)?;
        Ok(own)
    }
}

impl Drop for OwnKrb5Conf {
    fn drop(&mut self) {
        // Nothing of worth is in it, and nobody could be told.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
