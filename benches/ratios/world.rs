//! What the issue path works with, without a network: real keys, real rules, real caches and audit, and a directory that
//! answers at once.

use std::future::Future;
use std::sync::{Arc, Mutex};
use std::task::{Context as TaskContext, Poll, Waker};
use std::time::Duration;

use chancery::audit::{
    AuditError, AuditEvent, AuditSink, Auditor, AuditorOptions, AuthProtocol, ClaimDetail, Identifier, InstanceId,
    RequestFacts,
};
use chancery::authn::{
    AuthenticatedSubject, AuthenticationMethod, NetworkLocation, RequestOrigin, SessionRef, SubjectOrigin,
};
use chancery::claims::rules::{ACTIVE_DIRECTORY_ACCEPTANCE, EntraDomain, EntraSettings, SourceAnchor, entra_rules};
use chancery::claims::store::{ActiveDirectoryStore, ExpiryNotice, PasswordExpiryStore};
use chancery::claims::{Limits, RuleSet, StoreSet};
use chancery::clock::{Clock, Random, SystemClock, SystemRandomSource};
use chancery::directory::{
    Account, AccountKey, AccountKind, AttributeName, AttributeValue, Attributes, CacheOptions, CachedDirectory,
    Directory, DirectoryError, ObjectGuid, Sid,
};
use chancery::issuance::{Context, Issuer, IssuerOptions, Services};
use chancery::keys::{KeyRing, KeyRingOptions};
use chancery::store::{MemoryOneTime, MemoryRevocations};
use chancery::trusts::{RelyingParty, Trusts, entra};

/// An issuer, its services, and two accounts of their domain.
pub(crate) struct World {
    pub(crate) issuer: Issuer,
    pub(crate) cx: Context,
    pub(crate) rules: RuleSet,
    pub(crate) computer: AuthenticatedSubject,
    pub(crate) user: AuthenticatedSubject,
    pub(crate) origin: RequestOrigin,
    pub(crate) lines: Arc<Lines>,
    _keys: tempfile::TempDir,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with_trusts(Vec::new())
    }

    /// The world in which the farm has these relying parties, too.
    pub(crate) fn with_trusts(mut trusts: Vec<Arc<RelyingParty>>) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let random: Arc<dyn Random> = Arc::new(SystemRandomSource::new());
        let keys = tempfile::tempdir().unwrap();
        let options = KeyRingOptions::new(keys.path().join("keys"), keys.path().join("kek"), SERVICE.to_owned());
        let ring = KeyRing::load_or_create(&options, &*clock, &*random).unwrap();
        let directory = Arc::new(CachedDirectory::new(Arc::new(AtOnce), clock.clone(), CacheOptions::default()));
        let stores = StoreSet::new()
            .with("Active Directory", Arc::new(ActiveDirectoryStore::new(directory.clone())))
            .with("_PasswordExpiryStore", Arc::new(PasswordExpiryStore));
        let rules = RuleSet::parse(&entra_rules(&settings()).unwrap()).unwrap();
        let trust = entra::with_rules(rules.clone(), Duration::from_hours(1), true);
        trusts.push(Arc::new(trust));
        let lines = Arc::new(Lines::default());
        let services = Services {
            directory,
            stores: Arc::new(stores),
            keys: Arc::new(ring),
            one_time: Arc::new(MemoryOneTime::new(clock.clone(), 1000)),
            revocations: Arc::new(MemoryRevocations::new(clock.clone(), 1000)),
            auditor: Arc::new(Auditor::start(lines.clone(), AuditorOptions::default()).unwrap()),
            trusts: Arc::new(Trusts::new(trusts)),
            clock,
            random,
        };
        let issuer = Issuer::new(IssuerOptions {
            federation_service_identifier: format!("http://{SERVICE}/adfs/services/trust"),
            acceptance_rules: RuleSet::parse(ACTIVE_DIRECTORY_ACCEPTANCE).unwrap(),
            limits: Limits::default(),
            password_expiry: ExpiryNotice::default(),
            claim_descriptions: Arc::default(),
            audited_claims: ClaimDetail::Values,
            audited_input: ClaimDetail::None,
        });
        let origin = RequestOrigin {
            peer: [10, 0, 0, 1].into(),
            client_ip: [10, 0, 0, 1].into(),
            forwarded_for: Vec::new(),
            proxy: None,
            location: NetworkLocation::Intranet,
            ignored_headers: false,
        };
        let facts = RequestFacts {
            activity: uuid::Uuid::nil(),
            server: Identifier::public(SERVICE),
            protocol: AuthProtocol::WsTrust,
            location: NetworkLocation::Intranet,
            client: Some(origin.client_ip),
            forwarded: Vec::new(),
            proxy: None,
            peer: Some(origin.peer),
            proxy_server: None,
            user_agent: None,
            endpoint: Identifier::path("/adfs/services/trust/13/windowstransport"),
        };
        Self {
            issuer,
            computer: subject(&services, AccountKind::Computer, "WS01$", 1119, 515),
            user: subject(&services, AccountKind::User, "alice", 1107, 513),
            cx: Context {
                services: Arc::new(services),
                request: Arc::new(facts),
                instance: InstanceId(uuid::Uuid::nil()),
            },
            rules,
            origin,
            lines,
            _keys: keys,
        }
    }
}

/// The result of a future that never waits: nothing here asks a network.
pub(crate) fn now<F: Future>(future: F) -> F::Output {
    let mut future = std::pin::pin!(future);
    match future.as_mut().poll(&mut TaskContext::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the issue path waited"),
    }
}

fn subject(services: &Services, kind: AccountKind, name: &str, rid: u32, primary: u32) -> AuthenticatedSubject {
    let domain: Sid = DOMAIN.parse().unwrap();
    let group = |rid| domain.child(rid).unwrap();
    let account = Account {
        sid: group(rid),
        kind,
        realm: String::from("CORP.EXAMPLE"),
        netbios_domain: String::from("CORP"),
        sam_account_name: name.to_owned(),
        upn: (kind == AccountKind::User).then(|| format!("{name}@corp.example")),
        display_name: name.to_owned(),
        primary_group: group(primary),
        groups: std::iter::once(primary).chain(2000..2009).map(group).collect(),
    };
    AuthenticatedSubject {
        origin: SubjectOrigin::Directory(account),
        methods: vec![AuthenticationMethod::Windows],
        instant: services.clock.now(),
        device: None,
        certificate: None,
        session: SessionRef::random(&*services.random).unwrap(),
        password_expires: None,
        alternate_login_id: None,
    }
}

/// Settings of a farm with two federated domains.
fn settings() -> EntraSettings {
    let domain = |suffix: &str| EntraDomain {
        suffix: suffix.into(),
        issuer_uri: format!("http://{suffix}/adfs/services/trust/"),
    };
    EntraSettings {
        domains: vec![domain("corp.example"), domain("brand.example")],
        source_anchor: SourceAnchor::ConsistencyGuid,
        upn_attribute: "userPrincipalName".into(),
        computer_issuer: Some("http://corp.example/adfs/services/trust/".into()),
    }
}

/// A directory without a network.
struct AtOnce;

#[async_trait::async_trait]
impl Directory for AtOnce {
    async fn account(&self, key: &AccountKey) -> Result<Account, DirectoryError> {
        Err(DirectoryError::NotFound { key: key.to_string() })
    }

    async fn object_guid(&self, _: &Sid) -> Result<ObjectGuid, DirectoryError> {
        Ok(ObjectGuid::from_directory_bytes(GUID))
    }

    async fn attributes(&self, sid: &Sid, names: &[AttributeName]) -> Result<Attributes, DirectoryError> {
        let text = |text: &str| AttributeValue::Text(text.to_owned());
        let machine = sid.rid() == Some(1119);
        let mut found = Attributes::default();
        for name in names {
            let values = match name.as_str() {
                "objectclass" if machine => ["top", "person", "user", "computer"].map(text).to_vec(),
                "objectclass" => ["top", "person", "user"].map(text).to_vec(),
                "objectguid" => vec![AttributeValue::Octets(GUID.to_vec())],
                "userprincipalname" if !machine => vec![text("alice@corp.example")],
                _ => continue,
            };
            found.insert(name.clone(), values);
        }
        Ok(found)
    }

    async fn search(&self, _: &str, _: &str, _: &[AttributeName]) -> Result<Vec<Attributes>, DirectoryError> {
        Ok(Vec::new())
    }
}

/// Writes events as lines, and the lines nowhere; remembers the events of the first issuance.
#[derive(Default)]
pub(crate) struct Lines(Mutex<Vec<AuditEvent>>);

impl Lines {
    /// The events of one issuance: 299, 1200 and the claims of 500.
    pub(crate) fn kept(&self) -> Vec<AuditEvent> {
        loop {
            let kept = self.0.lock().unwrap();
            if kept.len() == EVENTS_OF_ISSUANCE {
                return kept.clone();
            }
            drop(kept);
            std::thread::yield_now();
        }
    }
}

impl AuditSink for Lines {
    fn record(&self, event: &AuditEvent) -> Result<(), AuditError> {
        let mut kept = self.0.lock().unwrap();
        if kept.len() < EVENTS_OF_ISSUANCE {
            kept.push(event.clone());
        }
        std::hint::black_box(chancery::audit::to_line(event).unwrap());
        Ok(())
    }
}

const EVENTS_OF_ISSUANCE: usize = 3;
pub(crate) const SERVICE: &str = "sts.corp.example";
const DOMAIN: &str = "S-1-5-21-1004336348-1177238915-682003330";
const GUID: [u8; 16] = [0x88, 0xdc, 0xae, 0x92, 0x57, 0x4c, 0x40, 0x40, 0xb3, 0x03, 0x2b, 0x18, 0x9f, 0xc5, 0xd5, 0xe4];
