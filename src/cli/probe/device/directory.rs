//! What the directory says, asked as the account that registers: where devices register, and whether this one is registered.

use std::sync::Arc;
use std::time::Duration;

use super::super::failure::{Failure, Passed, Step};
use super::super::message_log::MessageLog;
use super::super::ticket::{Identity, Source};
use super::args::Device;
use crate::clock::SystemClock;
use crate::config::{Config, LdapTransport};
use crate::devices::{PUBLISHED_ISSUERS, SERVICE_OBJECT};
use crate::directory::Sid;
use crate::directory::filter::Filter;
use crate::directory::ldap::{
    Bind, DomainOptions, InitiatorCredential, LdapDirectory, LdapLimits, LdapOptions, NamedObject, ObjectError,
    Objects, ServerAddress, Transport,
};

/// Tickets of the account, for the LDAP client.
struct Tickets {
    identity: Identity,
    source: Arc<Source>,
}

impl InitiatorCredential for Tickets {
    fn acquire(&self) -> Result<cross_krb5::Cred, String> {
        let initiator = self.identity.connect(&self.source).map_err(|error| error.to_string())?;
        Ok(initiator.into_ldap_credential())
    }
}

/// The domain's directory.
pub(super) struct Directory {
    domain: String,
    servers: Vec<ServerAddress>,
    transport: Transport,
    ca_files: Vec<std::path::PathBuf>,
    tickets: Arc<Tickets>,
    patience: Duration,
}

impl Directory {
    /// The directory of the account's realm: by the command line, by the configuration, or by the realm's name.
    pub(super) fn new(
        command: &Device,
        identity: &Identity,
        source: &Arc<Source>,
        config: Option<&Config>,
    ) -> Result<Self, Failure> {
        let realm = identity.realm().map(str::to_owned);
        let realm = realm.or_else(|| Some(config?.domains.first()?.realm.as_str().to_owned())).ok_or_else(|| {
            Failure::new("the realm of the account is not known")
                .advise("Give --realm, or --without-directory and --server.")
        })?;
        let known = config.and_then(|config| config.domains.iter().find(|domain| domain.realm.as_str() == realm));
        let names: Vec<String> = match (&command.domain_controller, known) {
            (Some(name), _) => vec![name.clone()],
            (None, Some(domain)) => {
                let port = domain.ldap.port();
                domain.domain_controllers.iter().map(|controller| format!("{controller}:{port}")).collect()
            }
            (None, None) if !command.kdc.is_empty() => command.kdc.clone(),
            (None, None) => vec![realm.to_ascii_lowercase()],
        };
        let servers = names.iter().map(|name| name.parse()).collect::<Result<_, _>>();
        let own = known.filter(|_| command.domain_controller.is_none());
        Ok(Self {
            domain: realm.to_ascii_lowercase(),
            servers: servers
                .map_err(|_| Failure::new(format!("{} is no name of a domain controller", names.join(", "))))?,
            transport: match own.map(|domain| domain.ldap.transport) {
                Some(LdapTransport::Starttls) => Transport::StartTls,
                _ => Transport::Ldaps,
            },
            ca_files: command
                .ldap_ca
                .iter()
                .chain(known.and_then(|domain| domain.ldap.ca_file.as_ref()))
                .take(1)
                .cloned()
                .collect(),
            tickets: Arc::new(Tickets { identity: identity.clone(), source: Arc::clone(source) }),
            patience: Duration::from_secs(command.server.timeout),
        })
    }

    /// The host that the service connection point leads computers to.
    pub(super) fn connection_point(&self, log: &MessageLog) -> Step<String> {
        let found = self.ask(|mut objects: Objects| async move {
            let root = objects.read("", &["configurationNamingContext"]).await?;
            let configuration = naming_context(root.as_ref(), "configurationNamingContext");
            let name = format!("{CONNECTION_POINT},CN=Device Registration Configuration,CN=Services,{configuration}");
            Ok((name.clone(), objects.read(&name, &["keywords"]).await?))
        });
        let (name, object) = found?;
        let keywords: Vec<String> = object
            .iter()
            .flat_map(|object| object.attributes.octets("keywords"))
            .map(|keyword| String::from_utf8_lossy(keyword).into_owned())
            .collect();
        let answer = if object.is_none() { String::from("no such object") } else { keywords.join(", ") };
        log.note(&format!("LDAP read {name}: keywords"), &answer);
        host_of(&keywords).map(|host| {
            let what = format!("computers register at {host}");
            Passed::new(host, what)
        })
    }

    /// The authorities that the directory publishes as those which certify devices, DER.
    pub(super) fn authorities(&self, log: &MessageLog) -> Result<Vec<Vec<u8>>, Failure> {
        let found = self.ask(|mut objects: Objects| async move {
            let root = objects.read("", &["configurationNamingContext"]).await?;
            let name = format!("{SERVICE_OBJECT},{}", naming_context(root.as_ref(), "configurationNamingContext"));
            Ok((name.clone(), objects.read(&name, &[PUBLISHED_ISSUERS]).await?))
        });
        let (name, object) = found?;
        let issuers = object.iter().flat_map(|object| object.attributes.octets(PUBLISHED_ISSUERS));
        let issuers: Vec<Vec<u8>> = issuers.map(<[u8]>::to_vec).collect();
        log.note(&format!("LDAP read {name}: {PUBLISHED_ISSUERS}"), &format!("{} certificates", issuers.len()));
        Ok(issuers)
    }

    /// Whether there is a device with this identifier: none, or how it stands.
    pub(super) fn device(&self, id: uuid::Uuid, log: &MessageLog) -> Result<Option<Standing>, Failure> {
        let filter = Filter::All(vec![
            Filter::equal("objectClass", "msDS-Device"),
            Filter::equal("msDS-DeviceID", id.to_bytes_le()),
        ]);
        let found = self.ask(move |mut objects: Objects| async move {
            let root = objects.read("", &["defaultNamingContext"]).await?;
            let base = naming_context(root.as_ref(), "defaultNamingContext");
            objects.find(&base, &filter.to_string(), &["displayName", "msDS-IsEnabled", "msDS-CloudAnchor"], 2).await
        })?;
        let standing = found.first().map(|object| Standing {
            name: object.attributes.text("displayName").unwrap_or_default().to_owned(),
            enabled: object.attributes.text("msDS-IsEnabled") == Some("TRUE"),
            written_back: object.attributes.octets("msDS-CloudAnchor").next().is_some(),
        });
        let answer = standing.as_ref().map_or_else(|| String::from("none"), Standing::to_string);
        log.note(&format!("LDAP search msDS-Device with msDS-DeviceID {id}"), &answer);
        Ok(standing)
    }

    /// Asks on a runtime of its own.
    fn ask<T, F>(&self, work: impl FnOnce(Objects) -> F + Send + 'static) -> Result<T, Failure>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, ObjectError>> + Send + 'static,
    {
        let refused = |what: String| {
            let names: Vec<String> = self.servers.iter().map(ToString::to_string).collect();
            Failure::new(what).advise_all([
                format!("Asked: {}, encrypted, as the account that registers. --domain-controller names another.", names.join(", ")),
                String::from(
                    "The certificate of a domain controller must be trusted here: --ldap-ca names its authority. Its host name must be \
                     the one that is asked, with the service principal name ldap/<host>.",
                ),
                String::from("Windows shows 0x801c001d or event 307 when it cannot read the directory."),
            ])
        };
        // Installed already by whoever else needs it.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.map_err(|error| Failure::new(error.to_string()))?;
        let outcome = runtime.block_on(async {
            let options = LdapOptions { domains: vec![self.options()], limits: self.limits() };
            let directory =
                LdapDirectory::new(options, Arc::new(SystemClock::new())).map_err(|error| error.to_string())?;
            directory.work(&self.domain, self.patience, work).await.map_err(|error: ObjectError| error.to_string())
        });
        crate::cli::own_krb5_conf::end(runtime);
        outcome.map_err(refused)
    }

    fn options(&self) -> DomainOptions {
        DomainOptions {
            dns_name: self.domain.clone(),
            netbios: self.domain.split('.').next().unwrap_or_default().to_ascii_uppercase(),
            // Accounts are not looked up here, so no SID is compared with the domain's: any of a domain's form will do.
            sid: Sid::new(5, &[21, 0, 0, 0]).unwrap_or(Sid::EVERYONE),
            base_dn: None,
            upn_suffixes: Vec::new(),
            servers: self.servers.clone(),
            transport: self.transport,
            ca_files: self.ca_files.clone(),
            bind: Bind::Gssapi(Arc::clone(&self.tickets) as Arc<dyn InitiatorCredential>),
        }
    }

    fn limits(&self) -> LdapLimits {
        LdapLimits {
            connections_per_server: 1,
            connect_timeout: self.patience.min(Duration::from_secs(10)),
            question_timeout: self.patience,
            ..LdapLimits::default()
        }
    }
}

/// How a device stands in the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Standing {
    /// `displayName`
    pub(super) name: String,
    /// `msDS-IsEnabled`
    pub(super) enabled: bool,
    /// Whether Entra Connect wrote it.
    pub(super) written_back: bool,
}

impl std::fmt::Display for Standing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}, {}", self.name, if self.enabled { "enabled" } else { "disabled" })?;
        if self.written_back { f.write_str(", written back from Entra") } else { Ok(()) }
    }
}

/// The host in the keywords of a service connection point. Windows registers with one service only.
fn host_of(keywords: &[String]) -> Result<String, Failure> {
    let value = |name: &str| {
        keywords.iter().find_map(|keyword| {
            let (key, value) = keyword.split_once(':')?;
            key.trim().eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
        })
    };
    match (value("enterpriseDrsName"), value("azureADName").or_else(|| value("azureADId"))) {
        (Some(host), None) if !host.is_empty() => Ok(host),
        (Some(_), Some(_)) => Err(Failure::new("the service connection point names both Entra and this service").advise_all([
            "Windows registers with neither and shows event 330.",
            "Keep enterpriseDrsName for registration here, or azureADName and azureADId for hybrid join.",
        ])),
        (_, Some(tenant)) => {
            Err(Failure::new(format!("the service connection point leads computers to Entra ({tenant})")).advise_all([
                "That is right for hybrid join: `chancery probe hybrid-join` tests the server's part of it.",
                "For registration here the keyword must be enterpriseDrsName:<host>; --server HOST probes a server all the same.",
            ]))
        }
        _ => Err(Failure::new("no service connection point leads computers to a service").advise_all([
            "Windows shows event 307 (or 0x801c001d), and no computer registers by itself.",
            "`chancery drs init` prints what makes it; --server HOST probes a server all the same.",
        ])),
    }
}

fn naming_context(root: Option<&NamedObject>, name: &str) -> String {
    root.and_then(|root| root.attributes.text(name)).unwrap_or_default().to_owned()
}

const CONNECTION_POINT: &str = "CN=62a0ff2e-97b9-4513-943f-0d221bd30080";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_point_leads_to_one_service() {
        let of = |keywords: &[&str]| host_of(&keywords.iter().map(|keyword| (*keyword).to_owned()).collect::<Vec<_>>());
        assert_eq!(of(&["ENTERPRISEDRSNAME: drs.corp.example "]), Ok(String::from("drs.corp.example")));
        for (keywords, expected) in [
            (&["enterpriseDrsName:a", "azureADId:b"][..], "330"),
            (&["enterpriseDrsName:a", "azureADName:b"], "330"),
            (&["azureADName:b", "azureADId:c"], "hybrid-join"),
            (&["enterpriseDrsName:"], "chancery drs init"),
            (&["other:x"], "chancery drs init"),
            (&[], "chancery drs init"),
        ] {
            let failure = of(keywords).unwrap_err();
            assert!(failure.advice.join("\n").contains(expected), "{failure:?}");
        }
    }
}
