//! The command line of `chancery probe device`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::super::args::{ServerArgs, TicketSource};

/// Register a device as Windows does, use it, and remove it again
///
/// Looks up the service connection point, asks for the discovery document, gets a token, joins with keys made in memory, checks
/// the certificate, gets a primary refresh token for a user, exchanges it, signs a browser in with it, and leaves by the
/// certificate. Each step shows what was sent and received; the first that fails says why and what to do, and the device
/// is removed all the same.
///
/// Without --server it asks the host that a device finds by itself: a computer by the connection point, a user's own device by
/// `enterpriseregistration.` and the suffix of the user's name.
///
/// A computer that is registered already is left alone, unless --replace says that its registration may be thrown away:
/// take a computer account made for tests.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  chancery probe device --principal 'TEST01$@CORP.EXAMPLE' --keytab test01.keytab \\
      --user alice@corp.example --user-password-file alice.txt
  chancery probe device --join user --user alice@corp.example --user-password-file - < alice.txt
  chancery probe device --server sts.corp.example --principal 'TEST01$' --realm CORP.EXAMPLE \\
      --kdc dc1.corp.example --keytab test01.keytab --until certificate
  kinit -k 'TEST01$' && chancery probe device --realm CORP.EXAMPLE

A joined Linux computer has its keytab in /etc/krb5.keytab. Without --user it stops before the primary refresh token.")]
pub(in crate::cli::probe) struct Device {
    #[command(flatten)]
    pub(in crate::cli::probe) server: ServerArgs,
    /// What is registered: a domain-joined computer (join type 6), or a device of a user's own (4)
    #[arg(long, value_enum, value_name = "WHO", default_value_t = Join::Computer)]
    pub(super) join: Join,
    #[command(flatten)]
    pub(super) source: TicketSource,
    /// Account that registers: 'WS01$@CORP.EXAMPLE', or 'WS01$' and --realm; with a cache the cache's own account
    #[arg(long, value_name = "NAME")]
    pub(super) principal: Option<String>,
    /// Kerberos realm of the account [default: the configuration's first domain]
    #[arg(long, value_name = "REALM")]
    pub(super) realm: Option<String>,
    /// Domain controller of the realm, when krb5.conf does not know it; may be given several times
    #[arg(long, value_name = "HOST", value_delimiter = ',')]
    pub(super) kdc: Vec<String>,
    /// User who signs in on the device: alice@corp.example
    #[arg(long, value_name = "UPN", requires = "user_password_file")]
    pub(super) user: Option<String>,
    /// File with the user's password, - for standard input; a line end at its end is not part of it
    #[arg(long, value_name = "FILE", requires = "user")]
    pub(super) user_password_file: Option<PathBuf>,
    /// Domain controller that is asked by LDAPS [default: the configuration's, or the realm's name]
    #[arg(long, value_name = "HOST[:PORT]")]
    pub(super) domain_controller: Option<String>,
    /// Certificate authorities of the domain controller in PEM form [default: the configuration's, or the system's]
    #[arg(long, value_name = "FILE")]
    pub(super) ldap_ca: Option<PathBuf>,
    /// Ask nothing of the directory; a computer then needs --replace, because nobody knows whether it is registered
    #[arg(long, requires = "server")]
    pub(super) without_directory: bool,
    /// Register a computer that is registered already: its certificate and keys are replaced, and it is removed at the end
    #[arg(long)]
    pub(super) replace: bool,
    /// Name under which the device is listed
    #[arg(long = "device-name", value_name = "NAME", default_value = "chancery probe")]
    pub(super) name: String,
    /// Last step; the device is removed after it
    #[arg(long, value_enum, value_name = "STEP", default_value_t = Until::Browser)]
    pub(super) until: Until,
    /// Leave the device registered. Its keys are gone with this command: `chancery devices delete` removes it
    #[arg(long)]
    pub(super) keep: bool,
    /// Client that the primary refresh token is exchanged for [default: the client of device registration]
    #[arg(long, value_name = "ID", requires = "redirect_uri")]
    pub(super) client: Option<String>,
    /// One of the client's redirect addresses
    #[arg(long, value_name = "URI", requires = "client")]
    pub(super) redirect_uri: Option<String>,
    /// Resource that tokens are for [default: device registration]
    #[arg(long, value_name = "IDENTIFIER")]
    pub(super) resource: Option<String>,
}

/// What is registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Join {
    /// A domain-joined computer, by its own account
    Computer,
    /// A device of the user's own
    User,
}

impl Join {
    /// `JoinType` of MS-DVRJ.
    pub(super) const fn number(self) -> u8 {
        match self {
            Self::Computer => 6,
            Self::User => 4,
        }
    }
}

/// Where it may stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(super) enum Until {
    /// The directory says where devices register
    ConnectionPoint,
    /// The server says how
    Discovery,
    /// The token for the registration
    Token,
    /// The device is registered
    Join,
    /// Its certificate is looked at
    Certificate,
    /// A nonce for the request
    Nonce,
    /// The primary refresh token
    Prt,
    /// An access token for it
    Exchange,
    /// A browser signs in with it
    Browser,
}
