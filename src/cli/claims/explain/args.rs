//! Arguments of `chancery claims explain`.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::authn::{AuthenticationMethod, NetworkLocation};
use crate::cli::ConfigArgument;
use crate::cli::claims::Format;

/// Show, rule by rule, why a claim is in a token or is missing
///
/// Runs the rules of a relying party for an account as a sign-in would, without signing in: the account, its groups and the
/// attribute stores are asked as they are now. Shows the claims the rules start with, which claims each rule matched, what it
/// asked and made, why a rule did not act, the decision, and the claims of the token with the rule that issued each. With
/// --claims-provider the same for a user of a partner, with --actor for a client that asks on behalf of the user, and with
/// --case over a saved case, without any directory. Issues no token and writes nothing but the file of --save.
#[derive(Debug, Args)]
#[command(
    arg_required_else_help = true,
    after_help = "Examples:
  chancery claims explain --subject alice --relying-party urn:federation:MicrosoftOnline
  chancery claims explain --subject 'WS01$' --relying-party urn:federation:MicrosoftOnline
  chancery claims explain --subject bob --relying-party urn:app --at extranet --save bob.json
  chancery claims explain --subject bob --relying-party urn:app --endpoint /adfs/ls/ --authentication-method password
  chancery claims explain --subject bob --relying-party urn:backend --actor web-api
  chancery claims explain --claims-provider urn:partner --claims bob.json --relying-party urn:app
  chancery claims explain --case bob.json"
)]
pub(in crate::cli::claims) struct Explain {
    #[command(flatten)]
    pub(super) config: ConfigArgument,
    /// Whose claims: account name, DOMAIN\account, UPN or SID; computers end in $
    #[arg(long, value_name = "NAME", required_unless_present_any = ["case", "claims_provider"], requires = "relying_party")]
    pub(super) subject: Option<String>,
    /// For whom: an identifier of the relying party
    #[arg(long, value_name = "IDENTIFIER", required_unless_present = "case")]
    pub(super) relying_party: Option<String>,
    /// Instead of an account a user of this claims provider trust, by its identifier
    #[arg(
        long,
        value_name = "IDENTIFIER",
        conflicts_with_all = ["case", "subject", "device", "authentication_method"],
        requires_all = ["claims", "relying_party"]
    )]
    pub(super) claims_provider: Option<String>,
    /// What the claims provider says of its user: a JSON list of claims, like `input` of a case
    #[arg(long, value_name = "FILE", requires = "claims_provider")]
    pub(super) claims: Option<PathBuf>,
    /// The OAuth client that asks on behalf of the user, by its client id
    #[arg(long, value_name = "CLIENT", conflicts_with = "case")]
    pub(super) actor: Option<String>,
    /// How the account signs in [default: as the endpoint says, else by Windows]
    #[arg(long, value_enum, value_name = "METHOD", conflicts_with = "case")]
    pub(super) authentication_method: Option<Method>,
    /// The registered device that takes part, by its device id
    #[arg(long, value_name = "GUID", conflicts_with = "case")]
    pub(super) device: Option<uuid::Uuid>,
    /// Address of the client [default: one of the place that --at says]
    #[arg(long, value_name = "ADDRESS", conflicts_with = "case")]
    pub(super) source_ip: Option<IpAddr>,
    /// Path of the endpoint; a WS-Trust endpoint also says how the account signs in
    #[arg(
        long,
        value_name = "PATH",
        conflicts_with = "case",
        default_value = "/adfs/services/trust/13/windowstransport"
    )]
    pub(super) endpoint: String,
    /// What the client calls itself
    #[arg(long, value_name = "TEXT", conflicts_with = "case")]
    pub(super) user_agent: Option<String>,
    /// Inside or outside the corporate network [default: what the configuration says of the address]
    #[arg(long, value_enum, conflicts_with = "case")]
    pub(super) at: Option<At>,
    /// The AD FS proxy the request comes through, by its host name; then the request is from outside
    #[arg(long, value_name = "HOST", conflicts_with_all = ["case", "at"])]
    pub(super) proxy: Option<String>,
    /// Write the rules and everything they were given and made as cases for `chancery claims test`: FILE and a rule file
    /// beside it, and such a pair for each other stage that has rules
    #[arg(long, value_name = "FILE", conflicts_with = "case")]
    pub(super) save: Option<PathBuf>,
    /// Explain the cases of this file instead
    #[arg(long, value_name = "FILE", conflicts_with_all = ["subject", "relying_party", "claims"])]
    pub(super) case: Option<PathBuf>,
    /// Rules for --case [default: those the case file names]
    #[arg(long, value_name = "FILE", requires = "case")]
    pub(super) rules: Option<PathBuf>,
    /// Of --case only the cases whose name contains this
    #[arg(long, value_name = "TEXT", requires = "case")]
    pub(super) name: Option<String>,
    /// Show every claim and every combination, however many there are
    #[arg(long)]
    pub(super) all: bool,
    /// Form of the output
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub(super) format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Method {
    /// Integrated Windows Authentication
    Windows,
    /// A password, in a form or a message
    Password,
    /// A certificate in TLS
    Tlsclient,
    /// A certificate or a key that signs
    X509,
}

impl From<Method> for AuthenticationMethod {
    fn from(method: Method) -> Self {
        match method {
            Method::Windows => Self::Windows,
            Method::Password => Self::Password,
            Method::Tlsclient => Self::TlsClient,
            Method::X509 => Self::X509,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum At {
    /// Inside the corporate network
    Intranet,
    /// Outside
    Extranet,
}

impl From<At> for NetworkLocation {
    fn from(at: At) -> Self {
        match at {
            At::Intranet => Self::Intranet,
            At::Extranet => Self::Extranet,
        }
    }
}
