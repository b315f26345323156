//! `chancery init`: writes a complete, commented configuration.

mod answers;
mod template;

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::ConfigArgument;
use crate::clock::{Random as _, RandomError, SystemRandomSource};
use crate::config::names::{DnsName, NetbiosName, Network, Realm};
use crate::config::render;
use crate::directory::Sid;
use answers::{Answers, Terminal};

/// Write a configuration for a domain
///
/// Writes chancery.toml with every setting explained, a directory for trusts, and a fresh key-encryption key. On a terminal it
/// asks for what is not given; otherwise it says which options are missing. Existing files are never changed.
#[derive(Debug, Args)]
pub(super) struct Init {
    #[command(flatten)]
    config: ConfigArgument,
    /// DNS name of the Active Directory domain, like corp.example
    #[arg(long, value_name = "NAME")]
    domain: Option<DnsName>,
    /// Kerberos realm [default: the domain in upper case]
    #[arg(long, value_name = "REALM")]
    realm: Option<Realm>,
    /// NetBIOS name of the domain, like CORP [default: the domain's first label]
    #[arg(long, value_name = "NAME")]
    netbios: Option<NetbiosName>,
    /// SID of the domain, like S-1-5-21-1004336348-1177238915-682003330; in PowerShell: (Get-ADDomain).DomainSID.Value
    #[arg(long, value_name = "SID")]
    sid: Option<Sid>,
    /// Domain controller by DNS name; may be given several times
    #[arg(long = "dc", value_name = "NAME", value_delimiter = ',')]
    domain_controllers: Vec<DnsName>,
    /// Further suffix of users' sign-in names; may be given several times
    #[arg(long = "upn-suffix", value_name = "NAME", value_delimiter = ',')]
    upn_suffixes: Vec<DnsName>,
    /// Host name in the service's URLs [default: sts. and the domain]
    #[arg(long, value_name = "NAME")]
    federation_service_name: Option<DnsName>,
    /// Federation service identifier [default: that of AD FS for the host name]
    #[arg(long, value_name = "URI")]
    identifier: Option<String>,
    /// Keytab of the service account
    #[arg(long, value_name = "FILE", default_value = "sts.keytab")]
    keytab: PathBuf,
    /// Certificate of the service, in PEM form
    #[arg(long, value_name = "FILE", default_value = "tls.crt")]
    certificate: PathBuf,
    /// Private key of the certificate, in PEM form
    #[arg(long, value_name = "FILE", default_value = "tls.key")]
    key: PathBuf,
    /// Certificate authorities of the domain controllers, in PEM form [default: the system's]
    #[arg(long, value_name = "FILE")]
    ldap_ca: Option<PathBuf>,
    /// Network inside the company, like 10.0.0.0/8; may be given several times
    #[arg(long, value_name = "CIDR", value_delimiter = ',')]
    intranet: Vec<Network>,
    /// Domain that is federated in Entra; may be given several times [default: the UPN suffixes]
    #[arg(long = "entra-domain", value_name = "NAME", value_delimiter = ',')]
    entra_domains: Vec<DnsName>,
    /// Leave the built-in trust with Entra off
    #[arg(long, conflicts_with = "entra_domains")]
    no_entra: bool,
    /// Directory the server writes to
    #[arg(long, value_name = "PATH", default_value = "/var/lib/chancery")]
    state_directory: PathBuf,
}

impl Init {
    pub(super) fn run(self) -> ExitCode {
        let file = self.config.file();
        match self.write(&file) {
            Ok(written) => {
                for path in &written {
                    println!("wrote {}", path.display());
                }
                next_steps(&self.config)
            }
            Err(error) => {
                eprintln!("chancery init: {error}");
                ExitCode::FAILURE
            }
        }
    }

    pub(super) fn write(&self, file: &Path) -> Result<Vec<PathBuf>, InitError> {
        // Before any question is asked.
        if file.exists() {
            return Err(InitError::Exists(file.to_owned()));
        }
        let answers = Answers::gather(self, Terminal::when_interactive().as_mut())?;
        let directory = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let trusts = directory.join("trusts");
        fs::create_dir_all(&trusts).map_err(|error| InitError::write(&trusts, &error))?;
        let mut written = Vec::new();
        let kek = directory.join(KEY_ENCRYPTION_KEY);
        if !kek.exists() {
            let mut octets = zeroize::Zeroizing::new([0; 32]);
            SystemRandomSource::new().fill(octets.as_mut())?;
            create(&kek, octets.as_ref(), 0o600)?;
            written.push(kek);
        }
        create(file, template::render(&answers).as_bytes(), 0o644)?;
        written.insert(0, file.to_owned());
        Ok(written)
    }
}

/// Creates a file that must not exist yet.
fn create(path: &Path, content: &[u8], mode: u32) -> Result<(), InitError> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path).map_err(|error| {
        if error.kind() == std::io::ErrorKind::AlreadyExists {
            InitError::Exists(path.to_owned())
        } else {
            InitError::write(path, &error)
        }
    })?;
    file.write_all(content).and_then(|()| file.sync_all()).map_err(|error| InitError::write(path, &error))
}

/// What is still missing is not a failure of `init`.
fn next_steps(config: &ConfigArgument) -> ExitCode {
    let outcome = config.loader().load();
    if outcome.report.has_errors() || outcome.report.warnings() > 0 {
        println!("\nWhat `chancery check` says now:\n\n{}", render::report(&outcome.report, super::use_colour()));
    }
    let file = config.file();
    if outcome.loaded.is_some() {
        println!("Next: run `chancery serve --config {}`", file.display());
    } else {
        println!("Next: put right what is listed above, then run `chancery check --config {}`", file.display());
    }
    ExitCode::SUCCESS
}

/// The one answer that nobody knows by heart.
fn where_the_sid_is(missing: &[&str]) -> &'static str {
    if missing.contains(&"--sid") {
        ". The SID of the domain: `(Get-ADDomain).DomainSID.Value` in PowerShell, `ldbsearch -H \
         /var/lib/samba/private/sam.ldb -s base objectSid` on a Samba controller"
    } else {
        ""
    }
}

const KEY_ENCRYPTION_KEY: &str = "kek";

/// Why no configuration was written.
#[derive(Debug, thiserror::Error)]
pub(super) enum InitError {
    /// There is one.
    #[error("{} exists already and is left as it is; remove it, or name another place by --config", .0.display())]
    Exists(PathBuf),
    /// Nobody can be asked.
    #[error(
        "these options are missing: {}. On a terminal, `chancery init` asks for them{}", .0.join(", "), where_the_sid_is(.0)
    )]
    Missing(Vec<&'static str>),
    /// An answer was not understood three times, or the input ended.
    #[error("no usable answer for {0}")]
    NoAnswer(&'static str),
    /// A file cannot be written.
    #[error("{} cannot be written: {reason}", .path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// No key could be made.
    #[error(transparent)]
    Random(#[from] RandomError),
}

impl InitError {
    fn write(path: &Path, error: &std::io::Error) -> Self {
        Self::Write { path: path.to_owned(), reason: error.to_string() }
    }
}

/// Networks that are never on the Internet: what most companies mean by their intranet.
fn private_networks() -> Vec<Network> {
    ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"].iter().filter_map(|text| text.parse().ok()).collect()
}
