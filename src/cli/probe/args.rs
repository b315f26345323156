//! The command line of `chancery probe`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{ArgGroup, Args, Subcommand};

use super::device::Device;
use super::run;
use crate::cli::ConfigArgument;

/// Ask a federation server for a token as Windows does, and explain what comes back
///
/// Works against this server and against AD FS. Exit status 0 says that a client would get a usable token, 1 that it would
/// not; the lines say where it stops, why, and what to do.
#[derive(Debug, Args)]
pub(crate) struct Probe {
    #[command(flatten)]
    pub(super) config: ConfigArgument,
    #[command(subcommand)]
    pub(super) command: ProbeCommand,
}

impl Probe {
    pub(crate) fn run(self) -> ExitCode {
        run::run(&self)
    }
}

#[derive(Debug, Subcommand)]
pub(super) enum ProbeCommand {
    HybridJoin(Box<HybridJoin>),
    Password(Box<PasswordSignIn>),
    Device(Box<Device>),
}

impl ProbeCommand {
    pub(super) const fn server(&self) -> &ServerArgs {
        match self {
            Self::HybridJoin(command) => &command.server,
            Self::Password(command) => &command.server,
            Self::Device(command) => &command.server,
        }
    }
}

/// Get the token with which a domain-joined computer joins Microsoft Entra
///
/// Reads MEX, picks the endpoint for Windows authentication, authenticates by Kerberos with the channel bindings of the TLS
/// connection, asks for the token, verifies its signature with the published certificate, and checks the claims Entra wants
/// of a computer.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  chancery probe hybrid-join --keytab ws01.keytab --principal 'WS01$@CORP.EXAMPLE'
  chancery probe hybrid-join --server sts.corp.example --keytab ws01.keytab --principal 'WS01$' \\
      --realm CORP.EXAMPLE --kdc dc1.corp.example
  chancery probe hybrid-join --server sts.corp.example --connect-to 10.1.2.3 --ccache ws01.ccache

A joined Linux computer has its keytab in /etc/krb5.keytab. For Windows take a test computer account and make its
keytab by `samba-tool domain exportkeytab` or `ktpass`.")]
#[command(group = ArgGroup::new("source").args(["keytab", "ccache", "password_file"]).required(true))]
pub(super) struct HybridJoin {
    #[command(flatten)]
    pub(super) server: ServerArgs,
    #[command(flatten)]
    pub(super) token: TokenArgs,
    #[command(flatten)]
    pub(super) source: TicketSource,
    /// Account to authenticate as: 'WS01$@CORP.EXAMPLE', or 'WS01$' and --realm; with --ccache the cache's own account
    #[arg(long, value_name = "NAME", required_unless_present = "ccache")]
    pub(super) principal: Option<String>,
    /// Kerberos realm of the account [default: the configuration's first domain]
    #[arg(long, value_name = "REALM")]
    pub(super) realm: Option<String>,
    /// Domain controller of the realm, when krb5.conf does not know it; may be given several times
    #[arg(long, value_name = "HOST", value_delimiter = ',')]
    pub(super) kdc: Vec<String>,
    /// Service whose ticket is sent [default: HTTP/ and the host of the endpoint, as Windows does]
    #[arg(long, value_name = "SPN")]
    pub(super) spn: Option<String>,
}

/// What the ticket is got with.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub(super) struct TicketSource {
    /// Keytab with the account's key
    #[arg(long, value_name = "FILE")]
    pub(super) keytab: Option<PathBuf>,
    /// Credential cache with the account's ticket, as `kinit -c` writes it
    #[arg(long, value_name = "FILE")]
    pub(super) ccache: Option<String>,
    /// File with the account's password, - for standard input; a line end at its end is not part of it
    #[arg(long, value_name = "FILE")]
    pub(super) password_file: Option<PathBuf>,
}

impl TicketSource {
    /// Whether the command line says nothing of it.
    pub(super) const fn is_default(&self) -> bool {
        self.keytab.is_none() && self.ccache.is_none() && self.password_file.is_none()
    }

    /// The credential cache to take tickets from: the one given, or this session's.
    pub(super) fn cache(&self) -> String {
        let of_session = || {
            let user = rustix::process::getuid().as_raw();
            std::env::var("KRB5CCNAME").unwrap_or_else(|_| format!("/tmp/krb5cc_{user}"))
        };
        let cache = self.ccache.clone().unwrap_or_else(of_session);
        if cache.contains(':') { cache } else { format!("FILE:{cache}") }
    }
}

/// Get a user's token with name and password
///
/// Reads MEX, picks the endpoint for passwords, asks for the token, verifies its signature with the published certificate, and
/// checks the claims Entra wants of a user. A wrong password counts for the account's lockout, as everywhere.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  chancery probe password --server sts.corp.example --principal alice@corp.example --password-file alice.txt")]
pub(super) struct PasswordSignIn {
    #[command(flatten)]
    pub(super) server: ServerArgs,
    #[command(flatten)]
    pub(super) token: TokenArgs,
    /// User to sign in: alice@corp.example or 'CORP\alice'
    #[arg(long, value_name = "NAME")]
    pub(super) principal: String,
    /// File with the user's password, - for standard input; a line end at its end is not part of it
    #[arg(long, value_name = "FILE")]
    pub(super) password_file: PathBuf,
}

/// Which server is asked, and how the outcome is shown.
#[derive(Debug, Args)]
pub(super) struct ServerArgs {
    /// Federation server, as host or URL [default: the federation service name of the configuration; `device` finds its own]
    #[arg(long, value_name = "HOST|URL")]
    pub(super) server: Option<String>,
    /// Certificate authorities of the server in PEM form, instead of the system's (or `SSL_CERT_FILE`)
    #[arg(long, value_name = "FILE")]
    pub(super) ca: Option<PathBuf>,
    /// Connect to this address instead of what the name resolves to: one node behind a balancer
    #[arg(long, value_name = "ADDRESS[:PORT]")]
    pub(super) connect_to: Option<String>,
    /// Seconds to wait for each answer
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=600))]
    pub(super) timeout: u64,
    /// One JSON object instead of lines
    #[arg(long)]
    pub(super) json: bool,
    /// Show on standard error what is sent and received, without passwords, tickets and tokens
    #[arg(long, short)]
    pub(super) verbose: bool,
}

/// What the token is for, and whether it is shown.
#[derive(Debug, Args)]
pub(super) struct TokenArgs {
    /// Identifier of the relying party the token is for
    #[arg(long, value_name = "IDENTIFIER", default_value = "urn:federation:MicrosoftOnline")]
    pub(super) applies_to: String,
    /// `IssuerUri` of the federated domain in Entra, which the token's issuer must equal [default: the configuration's]
    #[arg(long, value_name = "URI")]
    pub(super) expect_issuer: Option<String>,
    /// Print the token itself; whoever has it is the account until it ends
    #[arg(long)]
    pub(super) show_token: bool,
}
