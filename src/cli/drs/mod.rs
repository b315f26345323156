//! `chancery drs`: prepares a directory for device registration, and says what is missing.
//!
//! `check` reads, as the service account; `init` prints what is missing, and writes it only when told to.

mod account;
pub(super) mod check;
mod connection_point;
mod init;
mod ldif;
pub(super) mod look;
mod plan;
mod rights;
mod schema;

use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Subcommand};
use uuid::{Uuid, uuid};

use super::ConfigArgument;
use super::own_krb5_conf::in_domains;
use crate::config::{Config, DeviceRegistration};
use crate::directory::ldap::{NamedObject, ObjectError, Objects};

type Failure = Box<dyn std::error::Error>;

/// Prepare Active Directory for device registration, and check that everything is there
#[derive(Debug, Args)]
pub(super) struct Drs {
    #[command(flatten)]
    config: ConfigArgument,
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Check schema, objects, rights, the service connection point, DNS and certificate names
    ///
    /// A part of `chancery doctor`, which looks at the whole deployment. Exit status 1 when there are errors; warnings alone give 0.
    Check(check::Check),
    /// Print what is missing for an administrator to write, as LDIF and commands; with --apply write it
    Init(init::Init),
}

impl Drs {
    pub(super) fn run(self) -> ExitCode {
        match self.execute() {
            Ok(code) => code,
            Err(error) => {
                eprintln!("chancery drs: {error}");
                ExitCode::FAILURE
            }
        }
    }

    fn execute(&self) -> Result<ExitCode, Failure> {
        let loaded = self.config.load()?;
        let out = &mut std::io::stdout().lock();
        in_domains(&loaded.config, "drs", async {
            match &self.what {
                What::Check(check) => check.run(&loaded.config, out).await,
                What::Init(init) => init::init(&loaded.config, init, out).await,
            }
        })
    }
}

/// The domain that keeps the devices.
pub(super) fn domain(config: &Config) -> Result<&crate::config::Domain, Failure> {
    let domain = config.device_registration.domain(config);
    domain.ok_or_else(|| "[device_registration] names a domain that is not configured".into())
}

/// The host that devices register at.
pub(super) fn registration_host(config: &Config) -> Result<String, Failure> {
    let host = DeviceRegistration::host(config);
    host.map(|host| host.to_string())
        .ok_or_else(|| "[device_registration] names a domain that is not configured".into())
}

/// Names of a forest's parts, as its domain controllers give them.
#[derive(Debug, Clone)]
struct Forest {
    domain: String,
    configuration: String,
    schema: String,
}

impl Forest {
    async fn read(objects: &mut Objects) -> Result<Self, ObjectError> {
        let wanted = ["defaultNamingContext", "configurationNamingContext", "schemaNamingContext"];
        let root = objects.read("", &wanted).await?;
        let text = |name: &str| {
            let value = root.as_ref().and_then(|root: &NamedObject| root.attributes.text(name));
            value
                .map(str::to_owned)
                .ok_or_else(|| ObjectError::NotFound { name: String::from("the root of the directory") })
        };
        let [domain, configuration, schema] = wanted.map(text);
        Ok(Self { domain: domain?, configuration: configuration?, schema: schema? })
    }

    /// Where everything about device registration is.
    fn registration(&self) -> String {
        format!("CN=Device Registration Configuration,CN=Services,{}", self.configuration)
    }

    fn services(&self) -> String {
        format!("CN=Device Registration Services,{}", self.registration())
    }

    fn service(&self) -> String {
        format!("CN=DeviceRegistrationService,{}", self.services())
    }

    fn connection_point(&self) -> String {
        format!("CN=62a0ff2e-97b9-4513-943f-0d221bd30080,{}", self.registration())
    }

    /// Where devices are kept unless the service's object says otherwise.
    fn devices(&self) -> String {
        format!("CN=RegisteredDevices,{}", self.domain)
    }

    /// Where devices are kept, by the service's object if there is one.
    async fn container(&self, objects: &mut Objects) -> Result<String, ObjectError> {
        let service = objects.read(&self.service(), &["msDS-DeviceLocation"]).await?;
        let location = service.as_ref().and_then(|service| service.attributes.text("msDS-DeviceLocation"));
        Ok(location.map_or_else(|| self.devices(), str::to_owned))
    }
}

/// Attributes of a device that came with the schema of Windows Server 2016.
const NEW_ATTRIBUTES: [&str; 4] =
    ["msDS-KeyCredentialLink", "msDS-DeviceTrustType", "msDS-ComputerSID", "msDS-IsCompliant"];

/// Schema GUID of the class `msDS-Device`.
const DEVICE_CLASS: Uuid = uuid!("5df2b673-6d41-4774-b3e8-d52e8ee9ff99");
/// Schema GUID of `msDS-IssuerPublicCertificates`.
const ISSUERS: Uuid = uuid!("b5f1edfe-b4d2-4076-ab0f-6148342b0bf6");
/// Schema GUID of `adminDescription`.
const LEASE: Uuid = uuid!("bf967919-0de6-11d0-a285-00aa003049e2");
/// Schema GUID of `msDS-KeyCredentialLink`.
const KEY_LINK: Uuid = uuid!("5b47d60f-6090-40b2-9f37-2a4de88f3063");
/// Schema GUID of the class `user`.
const USER_CLASS: Uuid = uuid!("bf967aba-0de6-11d0-a285-00aa003049e2");

/// For all questions together.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);
