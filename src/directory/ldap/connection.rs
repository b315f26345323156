//! One encrypted and authenticated LDAP connection, and what is done with it: searches, pings, changes of objects.
//!
//! Knows ldap3; knows nothing of pools, other servers or what a search is for.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use ldap3::controls::{PagedResults, RawControl};
use ldap3::{Ldap, LdapConnAsync, LdapConnSettings, LdapError, LdapResult, Mod, Scope, SearchOptions};
use rustls::ClientConfig;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use zeroize::Zeroizing;

use super::entry::Entry;
use super::{Bind, InitiatorCredential, LdapLimits, ServerAddress, Transport};

/// Everything needed to open a connection to one domain controller.
#[derive(Debug, Clone)]
pub(super) struct Endpoint {
    pub(super) address: ServerAddress,
    /// Kerberos realm of the domain controller.
    pub(super) realm: String,
    pub(super) transport: Transport,
    pub(super) tls: Arc<ClientConfig>,
    pub(super) bind: Bind,
    /// GSSAPI binds block a thread while the KDC answers; this many may do so at once.
    pub(super) blocking_binds: Arc<Semaphore>,
}

impl Endpoint {
    /// Connects, encrypts and binds.
    pub(super) async fn open(&self, limits: &LdapLimits) -> Result<Connection, LinkError> {
        let connecting = timeout(limits.connect_timeout, self.connect()).await;
        let mut connection = connecting.unwrap_or(Err(LinkError::Timeout("connecting")))?;
        let result = match &self.bind {
            Bind::Simple { name, password } => {
                let bind = connection.ldap.simple_bind(name, password.expose());
                timeout(limits.connect_timeout, bind).await.map(|result| result.map_err(LinkError::from_ldap))
            }
            Bind::Gssapi(source) => timeout(limits.kerberos_timeout, self.gssapi_bind(&connection, source)).await,
        };
        let result = result.unwrap_or(Err(LinkError::Timeout("binding")))?;
        if result.rc != SUCCESS {
            return Err(LinkError::Bind { code: result.rc, text: clean(&result.text) });
        }
        Ok(connection)
    }

    /// Connects and encrypts, without any bind.
    pub(super) async fn connect(&self) -> Result<Connection, LinkError> {
        let settings = LdapConnSettings::new()
            .set_config(Arc::clone(&self.tls))
            .set_starttls(self.transport == Transport::StartTls);
        let (driver, ldap) = LdapConnAsync::with_settings(settings, &self.address.url(self.transport))
            .await
            .map_err(|error| LinkError::Connect(error.to_string()))?;
        let task = tokio::spawn(async move {
            if let Err(error) = driver.drive().await {
                tracing::debug!(%error, "LDAP connection ended");
            }
        });
        Ok(Connection { ldap, _driver: Arc::new(Driver(task.abort_handle())) })
    }

    /// ldap3 calls the Kerberos library inside its future, which waits for the KDC: that happens on a thread made for waiting.
    async fn gssapi_bind(
        &self,
        connection: &Connection,
        source: &Arc<dyn InitiatorCredential>,
    ) -> Result<LdapResult, LinkError> {
        let permit = Arc::clone(&self.blocking_binds)
            .acquire_owned()
            .await
            .map_err(|_| LinkError::Lost("shutting down".to_owned()))?;
        // ldap3 makes `ldap/` + this the principal. Without a realm it would be looked for in the default realm.
        let (source, service) = (Arc::clone(source), format!("{}@{}", self.address.host(), self.realm));
        // Not the whole connection: when the bind times out, dropping that ends the driver, which ends this thread's wait.
        let mut ldap = connection.ldap.clone();
        let runtime = Handle::current();
        tokio::task::spawn_blocking(move || {
            let _permit = permit;
            let credential = source.acquire().map_err(LinkError::Credential)?;
            runtime.block_on(ldap.sasl_gssapi_cred_bind(credential, &service)).map_err(LinkError::from_ldap)
        })
        .await
        .unwrap_or_else(|error| Err(LinkError::Lost(error.to_string())))
    }
}

/// A standing connection; clones share it. It is closed when the last clone is gone.
#[derive(Debug, Clone)]
pub(super) struct Connection {
    ldap: Ldap,
    _driver: Arc<Driver>,
}

impl Connection {
    /// Whether the connection is known to be gone.
    pub(super) fn is_closed(&mut self) -> bool {
        self.ldap.is_closed()
    }

    /// Runs a search to its end. An object that does not exist gives an empty list; references to other servers are skipped.
    pub(super) async fn search(&mut self, search: &Search, within: Duration) -> Result<Vec<Entry>, LinkError> {
        let end = timeout(within, self.search_to_end(search, vec![no_referrals()], within)).await;
        end.unwrap_or(Err(LinkError::Timeout("searching")))
    }

    /// The same, where [`DESCRIPTOR`] comes with the access control list alone.
    pub(super) async fn search_access(&mut self, search: &Search, within: Duration) -> Result<Vec<Entry>, LinkError> {
        let controls = vec![no_referrals(), access_list_only()];
        let end = timeout(within, self.search_to_end(search, controls, within)).await;
        end.unwrap_or(Err(LinkError::Timeout("searching")))
    }

    /// Reads one attribute of the root, which every domain controller gives everybody.
    pub(super) async fn ping(&mut self, within: Duration) -> Result<(), LinkError> {
        self.search(&Search::sign_of_life(), within).await.map(drop)
    }

    /// A bind with a name and a password, for its result only.
    pub(super) async fn try_password(&mut self, name: &str, password: &str) -> Result<(u32, String), LinkError> {
        let result = self.ldap.simple_bind(name, password).await.map_err(LinkError::from_ldap)?;
        Ok((result.rc, result.text))
    }

    /// Takes one password of an account away and adds another (MS-ADTS 3.1.1.3.1.5), for its result only.
    pub(super) async fn replace_password(
        &mut self,
        name: &str,
        old: &str,
        new: &str,
    ) -> Result<(u32, String), LinkError> {
        // UTF-16, little-endian, in quotes.
        let value = |password: &str| {
            let quoted = Zeroizing::new(format!("\"{password}\""));
            HashSet::from([quoted.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>()])
        };
        let attribute = || b"unicodePwd".to_vec();
        let changes = vec![Mod::Delete(attribute(), value(old)), Mod::Add(attribute(), value(new))];
        let result = self.ldap.modify(name, changes).await.map_err(LinkError::from_ldap)?;
        Ok((result.rc, result.text))
    }

    /// Sends one change of an object, for its result code and text only. When no answer comes nobody knows whether it was carried
    /// out.
    pub(super) async fn change(&mut self, change: &ObjectChange, within: Duration) -> Result<(u32, String), LinkError> {
        // ldap3 forgets an operation it gave up only when it did so itself.
        self.ldap.with_timeout(within);
        let result = match change {
            ObjectChange::Add { name, attributes } => {
                let attributes = attributes.iter().map(|(name, values)| (octets(name), set(values))).collect();
                self.ldap.add(name, attributes).await
            }
            ObjectChange::Modify { name, parts } => {
                let parts = parts.iter().map(|(attribute, change)| match change {
                    ValueChange::Replace(values) => Mod::Replace(octets(attribute), set(values)),
                    ValueChange::Add(values) => Mod::Add(octets(attribute), set(values)),
                    ValueChange::Remove(values) => Mod::Delete(octets(attribute), set(values)),
                });
                self.ldap.modify(name, parts.collect()).await
            }
            ObjectChange::Protect { name, descriptor } => {
                let parts = vec![Mod::Replace(octets(DESCRIPTOR), set(std::slice::from_ref(descriptor)))];
                self.ldap.with_controls(access_list_only()).modify(name, parts).await
            }
            ObjectChange::Delete { name } => self.ldap.delete(name).await,
        };
        let result = result.map_err(LinkError::from_ldap)?;
        Ok((result.rc, clean(&result.text)))
    }

    async fn search_to_end(
        &mut self,
        search: &Search,
        controls: Vec<RawControl>,
        within: Duration,
    ) -> Result<Vec<Entry>, LinkError> {
        // One more than allowed tells "too many" from "just enough".
        let limit = i32::try_from(search.max_entries.saturating_add(1)).unwrap_or(i32::MAX);
        let (entries, result) = self.run(search, limit, controls, within).await?;
        match result.rc {
            SUCCESS => Ok(entries),
            NO_SUCH_OBJECT => Ok(Vec::new()),
            SIZE_LIMIT_EXCEEDED => Err(LinkError::TooMany(search.max_entries)),
            _ => Err(failed(&result)),
        }
    }

    /// One page of a search (RFC 2696), and the cookie that leads to the next; an empty one ends it. `max_entries` bounds the page.
    pub(super) async fn search_page(
        &mut self,
        search: &Search,
        cookie: Vec<u8>,
        within: Duration,
    ) -> Result<(Vec<Entry>, Vec<u8>), LinkError> {
        let size = i32::try_from(search.max_entries).unwrap_or(i32::MAX);
        let paged = RawControl::from(PagedResults { size, cookie });
        let page = timeout(within, self.run(search, 0, vec![no_referrals(), paged], within)).await;
        let (entries, result) = page.unwrap_or(Err(LinkError::Timeout("searching")))?;
        match result.rc {
            SUCCESS => {}
            NO_SUCH_OBJECT => return Ok((Vec::new(), Vec::new())),
            _ => return Err(failed(&result)),
        }
        let control = result.ctrls.iter().find(|control| control.1.ctype == PAGED_RESULTS);
        // A server that knows no pages has sent everything.
        let Some(value) = control.and_then(|control| control.1.val.as_deref()) else {
            return Ok((entries, Vec::new()));
        };
        let cookie = yasna::parse_der(value, |reader| {
            reader.read_sequence(|reader| {
                reader.next().read_i64()?;
                reader.next().read_bytes()
            })
        });
        cookie.map(|cookie| (entries, cookie)).map_err(|error| LinkError::Lost(format!("undecodable page: {error}")))
    }

    /// Runs a search to its end and gives what it found together with the server's last word.
    async fn run(
        &mut self,
        search: &Search,
        size_limit: i32,
        controls: Vec<RawControl>,
        within: Duration,
    ) -> Result<(Vec<Entry>, LdapResult), LinkError> {
        // The server counts whole seconds, some from the last full one: it gets enough not to give up before we do.
        let seconds = i32::try_from(within.as_secs().saturating_add(2)).unwrap_or(i32::MAX);
        let options = SearchOptions::new().sizelimit(size_limit).timelimit(seconds);
        // ldap3 forgets an operation it gave up only when it did so itself.
        self.ldap.with_timeout(within).with_search_options(options).with_controls(controls);
        let mut stream = self
            .ldap
            .streaming_search(&search.base, search.scope, &search.filter, &search.attributes)
            .await
            .map_err(LinkError::from_ldap)?;
        let mut entries = Vec::new();
        while let Some(item) = stream.next().await.map_err(LinkError::from_ldap)? {
            if item.is_ref() || item.is_intermediate() {
                continue;
            }
            if entries.len() == search.max_entries {
                stream.finish().await;
                return Err(LinkError::TooMany(search.max_entries));
            }
            entries.push(Entry::decode(item.0).ok_or_else(|| LinkError::Lost("undecodable entry".to_owned()))?);
        }
        Ok((entries, stream.finish().await))
    }
}

/// A change of one object, ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ObjectChange {
    /// A new object.
    Add {
        /// Its distinguished name.
        name: String,
        /// Its attributes; none may be empty.
        attributes: Vec<(String, Vec<Vec<u8>>)>,
    },
    /// Other values of attributes: all of it, or nothing.
    Modify {
        /// The object.
        name: String,
        /// Attribute by attribute, in this order.
        parts: Vec<(String, ValueChange)>,
    },
    /// Another access control list. The other parts of the security descriptor stay.
    Protect {
        /// The object.
        name: String,
        /// Self-relative security descriptor with the list.
        descriptor: Vec<u8>,
    },
    /// No object any more.
    Delete {
        /// The object.
        name: String,
    },
}

/// What happens to the values of one attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ValueChange {
    /// These instead of those there are; none takes the attribute away.
    Replace(Vec<Vec<u8>>),
    /// These too.
    Add(Vec<Vec<u8>>),
    /// These no more.
    Remove(Vec<Vec<u8>>),
}

fn octets(name: &str) -> Vec<u8> {
    name.as_bytes().to_vec()
}

fn set(values: &[Vec<u8>]) -> HashSet<Vec<u8>> {
    values.iter().cloned().collect()
}

fn no_referrals() -> RawControl {
    RawControl { ctype: DOMAIN_SCOPE.to_owned(), crit: false, val: None }
}

/// Of a security descriptor the discretionary access control list and nothing else. Whoever may not read the system list, which is
/// nearly everybody, gets nothing at all without this (`LDAP_SERVER_SD_FLAGS_OID`, MS-ADTS 3.1.1.3.4.1.11).
fn access_list_only() -> RawControl {
    let val = yasna::construct_der(|writer| writer.write_sequence(|flags| flags.next().write_u32(4)));
    RawControl { ctype: DESCRIPTOR_FLAGS.to_owned(), crit: true, val: Some(val) }
}

/// What a search's result code means that is neither success nor an answer.
fn failed(result: &LdapResult) -> LinkError {
    let text = clean(&result.text);
    match result.rc {
        TIME_LIMIT_EXCEEDED => LinkError::Slow,
        BUSY | UNAVAILABLE => LinkError::Overloaded { code: result.rc, text },
        // 000004DC: the bind of this connection is no longer good, for instance because its ticket expired.
        OPERATIONS_ERROR if result.text.contains("000004DC") => LinkError::Lost(text),
        code => LinkError::Refused { code, text },
    }
}

/// A search, ready to be sent to any domain controller of its domain.
#[derive(Debug, Clone)]
pub(super) struct Search {
    pub(super) base: String,
    pub(super) scope: Scope,
    pub(super) filter: String,
    pub(super) attributes: Vec<String>,
    pub(super) max_entries: usize,
}

impl Search {
    /// A question that costs nothing and that every domain controller answers everybody.
    pub(super) fn sign_of_life() -> Self {
        Self {
            base: String::new(),
            scope: Scope::Base,
            filter: "(objectClass=*)".to_owned(),
            attributes: vec!["currentTime".to_owned()],
            max_entries: 1,
        }
    }
}

/// How one exchange with one domain controller failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum LinkError {
    #[error("cannot connect: {0}")]
    Connect(String),
    #[error("no Kerberos credential: {0}")]
    Credential(String),
    #[error("bind refused with LDAP result {code}: {text}")]
    Bind { code: u32, text: String },
    #[error("no answer in time while {0}")]
    Timeout(&'static str),
    #[error("connection lost: {0}")]
    Lost(String),
    #[error("overloaded, LDAP result {code}: {text}")]
    Overloaded { code: u32, text: String },
    #[error("LDAP result {code}: {text}")]
    Refused { code: u32, text: String },
    #[error("the filter is malformed")]
    Filter,
    #[error("the domain controller works on it for too long; the filter may need an index")]
    Slow,
    #[error("more than {0} objects match")]
    TooMany(usize),
}

impl LinkError {
    /// Whether another domain controller may do better.
    pub(super) const fn is_servers_fault(&self) -> bool {
        !matches!(self, Self::Refused { .. } | Self::Filter | Self::Slow | Self::TooMany(_))
    }

    /// Whether the server said that our own name or password is wrong (invalidCredentials, RFC 4511 4.1.9).
    pub(super) const fn is_wrong_password(&self) -> bool {
        matches!(self, Self::Bind { code: 49, .. })
    }

    fn from_ldap(error: LdapError) -> Self {
        match error {
            LdapError::Timeout { .. } => Self::Timeout("waiting for an answer"),
            LdapError::FilterParsing => Self::Filter,
            LdapError::GssapiOperationError(reason) => Self::Credential(reason),
            other => Self::Lost(other.to_string()),
        }
    }
}

/// Ends the task that drives a connection, and with it every wait on that connection.
#[derive(Debug)]
struct Driver(tokio::task::AbortHandle);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A server's text on one line, of bounded length.
fn clean(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(300).collect()
}

const SUCCESS: u32 = 0;
const OPERATIONS_ERROR: u32 = 1;
const TIME_LIMIT_EXCEEDED: u32 = 3;
const SIZE_LIMIT_EXCEEDED: u32 = 4;
const NO_SUCH_OBJECT: u32 = 32;
const BUSY: u32 = 51;
const UNAVAILABLE: u32 = 52;

/// The security descriptor of an object.
pub(super) const DESCRIPTOR: &str = "nTSecurityDescriptor";

/// `LDAP_SERVER_SD_FLAGS_OID`.
const DESCRIPTOR_FLAGS: &str = "1.2.840.113556.1.4.801";

/// RFC 2696.
const PAGED_RESULTS: &str = "1.2.840.113556.1.4.319";

/// `LDAP_SERVER_DOMAIN_SCOPE_OID`: no references to other partitions (MS-ADTS 3.1.1.3.4.1.2).
const DOMAIN_SCOPE: &str = "1.2.840.113556.1.4.1339";
