//! For tests: device registration over a registry, a directory and a log that fail when told to.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use super::attempt::{Attempt, Purpose};
use super::refusal::Refusal;
use super::registration::{Registered, register};
use crate::audit::{
    AuditError, AuditEvent, AuditSink, Auditor, AuditorOptions, AuthProtocol, EventKind, FailurePolicy, InstanceId,
    RequestFacts,
};
use crate::claims::StoreSet;
use crate::clock::{ManualClock, SystemRandomSource, UtcTime};
use crate::devices::enrolment::{EnrolmentClaims, EnrolmentRequest};
use crate::devices::samples::SENT;
use crate::devices::{
    AddedKey, CertificateMark, Device, DeviceAuthority, DeviceId, DeviceKey, DeviceRegistry, DeviceService,
    DeviceServices, DeviceSettings, JoinType, Registration, RegistryError, RegistryPlace,
};
use crate::directory::{
    Account, AccountKey, AccountKind, AttributeName, Attributes, Directory, DirectoryError, ObjectGuid, Sid,
    SignInState,
};
use crate::issuance::{Context, Services};
use crate::keys::{KeyRing, KeyRingOptions};
use crate::store::{MemoryOneTime, MemoryRevocations};
use crate::trusts::Trusts;

const NOW: UtcTime = UtcTime::from_unix_seconds(1_767_607_201);
pub(super) const GUID: &str = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0";

/// Keeps devices in memory, unless told to fail.
#[derive(Default)]
pub(super) struct Registry {
    pub(super) devices: Mutex<Vec<Registration>>,
    pub(super) keys: Mutex<Vec<DeviceKey>>,
    pub(super) failure: Mutex<Option<RegistryError>>,
    pub(super) switched_off: AtomicBool,
}

fn device(registration: &Registration) -> Device {
    Device {
        id: registration.id,
        object_guid: None,
        display_name: registration.display_name.clone(),
        os_type: None,
        os_version: None,
        enabled: true,
        unused_since: None,
        owner: Some(registration.owner),
        users: vec![registration.owner],
        certificates: vec![registration.certificate],
        keys: Vec::new(),
        trust_type: registration.trust_type,
        computer_sid: registration.computer_sid,
        is_managed: None,
        is_compliant: None,
        written_back: false,
        last_used: None,
        registered: None,
    }
}

#[async_trait::async_trait]
impl DeviceRegistry for Registry {
    async fn find(&self, id: DeviceId) -> Result<Option<Device>, RegistryError> {
        Ok(self.devices.lock().unwrap().iter().find(|own| own.id == id).map(device))
    }

    async fn find_by_certificate(&self, mark: &CertificateMark) -> Result<Option<Device>, RegistryError> {
        Ok(self.devices.lock().unwrap().iter().find(|own| own.certificate == *mark).map(device))
    }

    async fn of_user(&self, user: &Sid) -> Result<Vec<Device>, RegistryError> {
        // Slow enough for another registration of the same owner to begin meanwhile.
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        Ok(self.devices.lock().unwrap().iter().filter(|own| own.owner == *user).map(device).collect())
    }

    async fn list(&self, _: Option<DeviceId>, _: usize) -> Result<Vec<Device>, RegistryError> {
        Ok(Vec::new())
    }

    async fn register(&self, registration: &Registration) -> Result<Device, RegistryError> {
        if let Some(failure) = self.failure.lock().unwrap().clone() {
            return Err(failure);
        }
        let mut devices = self.devices.lock().unwrap();
        devices.retain(|own| own.id != registration.id);
        devices.push(registration.clone());
        Ok(device(registration))
    }

    async fn set_enabled(&self, _: DeviceId, _: bool) -> Result<(), RegistryError> {
        Ok(())
    }

    async fn delete(&self, id: DeviceId) -> Result<bool, RegistryError> {
        let mut devices = self.devices.lock().unwrap();
        let before = devices.len();
        devices.retain(|own| own.id != id);
        Ok(devices.len() < before)
    }

    async fn touch(&self, _: &Device, _: UtcTime) -> Result<(), RegistryError> {
        Ok(())
    }

    async fn user_keys(&self, _: &Sid) -> Result<Vec<DeviceKey>, RegistryError> {
        Ok(Vec::new())
    }

    async fn add_user_key(&self, _: &Sid, key: &DeviceKey) -> Result<AddedKey, RegistryError> {
        let mut keys = self.keys.lock().unwrap();
        let is_new = !keys.contains(key);
        if is_new {
            keys.push(key.clone());
        }
        Ok(AddedKey { is_new, domain_controller: None })
    }

    async fn remove_user_key(&self, _: &Sid, key: &DeviceKey) -> Result<bool, RegistryError> {
        let mut keys = self.keys.lock().unwrap();
        let before = keys.len();
        keys.retain(|held| held != key);
        Ok(keys.len() < before)
    }

    async fn service(&self) -> Result<DeviceService, RegistryError> {
        let guid = ObjectGuid::from_directory_bytes([7; 16]);
        Ok(DeviceService {
            enabled: !self.switched_off.load(Ordering::Relaxed),
            registration_quota: 2,
            maximum_inactivity_days: 90,
            place: RegistryPlace { invocation: guid, domain: guid },
            keeps_keys: true,
        })
    }
}

/// One computer and one user.
struct Accounts;

#[async_trait::async_trait]
impl Directory for Accounts {
    async fn account(&self, key: &AccountKey) -> Result<Account, DirectoryError> {
        let AccountKey::Sid(sid) = key else { return Err(DirectoryError::NotFound { key: key.to_string() }) };
        Ok(Account {
            sid: *sid,
            kind: if *sid == computer() { AccountKind::Computer } else { AccountKind::User },
            realm: "CORP.EXAMPLE".into(),
            netbios_domain: "CORP".into(),
            sam_account_name: "x".into(),
            upn: None,
            display_name: String::new(),
            primary_group: user(),
            groups: Vec::new(),
        })
    }

    async fn object_guid(&self, _: &Sid) -> Result<ObjectGuid, DirectoryError> {
        Ok(GUID.parse().unwrap())
    }

    async fn attributes(&self, sid: &Sid, _: &[AttributeName]) -> Result<Attributes, DirectoryError> {
        Err(DirectoryError::NotFound { key: sid.to_string() })
    }

    async fn search(&self, _: &str, _: &str, _: &[AttributeName]) -> Result<Vec<Attributes>, DirectoryError> {
        Ok(Vec::new())
    }

    async fn sign_in_state(&self, sid: &Sid) -> Result<SignInState, DirectoryError> {
        if [computer(), user()].contains(sid) {
            Ok(SignInState::Permitted)
        } else {
            Err(DirectoryError::NotFound { key: sid.to_string() })
        }
    }
}

/// Keeps events, unless told to fail.
#[derive(Default)]
pub(super) struct Log {
    pub(super) events: Mutex<Vec<EventKind>>,
    pub(super) fails: AtomicBool,
}

impl AuditSink for Log {
    fn record(&self, event: &AuditEvent) -> Result<(), AuditError> {
        if self.fails.load(Ordering::Relaxed) {
            return Err(AuditError::Closed);
        }
        self.events.lock().unwrap().push(event.kind.clone());
        Ok(())
    }
}

/// A service with one computer and one user.
pub(super) struct World {
    pub(super) registry: Arc<Registry>,
    pub(super) devices: DeviceServices,
    pub(super) log: Arc<Log>,
    pub(super) cx: Context,
    _keys: tempfile::TempDir,
}

pub(super) fn computer() -> Sid {
    Sid::new(5, &[21, 1, 2, 3, 1104]).unwrap()
}

pub(super) fn user() -> Sid {
    Sid::new(5, &[21, 1, 2, 3, 1105]).unwrap()
}

impl World {
    pub(super) fn new() -> Self {
        let clock = Arc::new(ManualClock::at(NOW));
        let random = Arc::new(SystemRandomSource::new());
        let keys = tempfile::tempdir().unwrap();
        let options = options(keys.path());
        let ring = KeyRing::load_or_create(&options, &*clock, &*random).unwrap();
        let authority = DeviceAuthority::load_or_create(&options, "corp.example", &*clock, &*random).unwrap();
        let log = Arc::new(Log::default());
        let auditor = AuditorOptions { policy: FailurePolicy::StopIssuance, ..AuditorOptions::default() };
        let services = Services {
            directory: Arc::new(Accounts),
            stores: Arc::new(StoreSet::new()),
            keys: Arc::new(ring),
            one_time: Arc::new(MemoryOneTime::new(clock.clone(), 100)),
            revocations: Arc::new(MemoryRevocations::new(clock.clone(), 100)),
            auditor: Arc::new(Auditor::start(log.clone(), auditor).unwrap()),
            trusts: Arc::new(Trusts::new(Vec::new())),
            clock,
            random,
        };
        let facts = RequestFacts {
            protocol: AuthProtocol::DeviceRegistration,
            ..RequestFacts::of_server("sts.corp.example", uuid::Uuid::nil(), "/EnrollmentServer/device")
        };
        let registry = Arc::new(Registry::default());
        let settings = DeviceSettings {
            join_types: [4, 6].into(),
            sha1_requests: false,
            host_names: Vec::new(),
            quota_exempt: std::collections::BTreeSet::new(),
        };
        Self {
            devices: DeviceServices {
                registry: registry.clone(),
                authority: Arc::new(authority),
                settings,
                limits: crate::devices::samples::limits(),
            },
            registry,
            log,
            cx: Context {
                services: Arc::new(services),
                request: Arc::new(facts),
                instance: InstanceId(uuid::Uuid::nil()),
            },
            _keys: keys,
        }
    }

    pub(super) async fn join(&self, claims: &EnrolmentClaims, join_type: JoinType) -> Result<Registered, Refusal> {
        let mut attempt = Attempt::new(Purpose::Register);
        register(&self.devices, &self.cx, claims, request(join_type), &mut attempt).await
    }

    pub(super) fn kept(&self) -> usize {
        self.registry.devices.lock().unwrap().len()
    }
}

fn options(directory: &Path) -> KeyRingOptions {
    KeyRingOptions::new(directory.join("keys"), directory.join("kek"), String::from("sts.corp.example"))
}

pub(super) fn claims(sid: Sid) -> EnrolmentClaims {
    EnrolmentClaims {
        permitted: true,
        upn: Some("x@corp.example".into()),
        sid: Some(sid),
        domain_joined: sid == computer(),
        object_guid: Some(GUID.parse().unwrap()),
        quota: None,
    }
}

fn request(join_type: JoinType) -> EnrolmentRequest {
    EnrolmentRequest {
        join_type,
        display_name: "PC".into(),
        os_type: "Windows".into(),
        os_version: "10".into(),
        certificate_request: SENT.csr.clone(),
        transport_key: Some(SENT.blob.clone()),
        reuse: false,
    }
}
