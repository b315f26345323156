//! Whether a PRT still holds after something it stands on has changed.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::client::{DEVICE, NOW, OTHER, alice, farm, minutes};
use super::tokens::prt;
use crate::authn::{AuthenticationMethod, DeviceAuthnError, SubjectOrigin};
use crate::clock::UtcTime;
use crate::devices::{
    AddedKey, CertificateMark, Device, DeviceId, DeviceKey, DeviceRegistry, DeviceService, Registration, RegistryError,
    RegistryPlace, TrustType,
};
use crate::directory::filter::Filter;
use crate::directory::{
    Account, AccountKey, AccountKind, AttributeName, AttributeValue, Attributes, Directory, DirectoryError, ObjectGuid,
    Sid, SignInState,
};
use crate::prt::{DeviceError, Holder, KdfVersion, PrimaryRefreshToken, ProofOrigin, PrtError, Sources, may_use};
use crate::store::{MemoryRevocations, Revocations as _};

/// A registry with at most one device and the keys of one user.
#[derive(Default)]
pub(super) struct FakeRegistry {
    pub(super) device: Option<Device>,
    pub(super) keys: Vec<DeviceKey>,
    pub(super) issuers: Vec<Vec<u8>>,
    pub(super) down: bool,
    /// How often it was asked for a device by a certificate.
    pub(super) searched: AtomicUsize,
    /// When its use was noted.
    pub(super) touched: Mutex<Vec<UtcTime>>,
}

impl FakeRegistry {
    pub(super) fn of(device: Device) -> Self {
        Self { device: Some(device), ..Self::default() }
    }

    fn answer(&self) -> Result<(), RegistryError> {
        if self.down { Err(RegistryError::Unavailable { reason: String::from("down") }) } else { Ok(()) }
    }

    fn refused() -> RegistryError {
        RegistryError::Refused { reason: String::from("this registry is for reading") }
    }
}

#[async_trait::async_trait]
impl DeviceRegistry for FakeRegistry {
    async fn find(&self, id: DeviceId) -> Result<Option<Device>, RegistryError> {
        self.answer().map(|()| self.device.clone().filter(|device| device.id == id))
    }

    async fn find_by_certificate(&self, mark: &CertificateMark) -> Result<Option<Device>, RegistryError> {
        self.searched.fetch_add(1, Ordering::Relaxed);
        let has = |device: &Device| device.certificates.contains(mark);
        self.answer().map(|()| self.device.clone().filter(has))
    }

    async fn of_user(&self, _: &Sid) -> Result<Vec<Device>, RegistryError> {
        self.answer().map(|()| self.device.iter().cloned().collect())
    }

    async fn list(&self, _: Option<DeviceId>, _: usize) -> Result<Vec<Device>, RegistryError> {
        self.answer().map(|()| self.device.iter().cloned().collect())
    }

    async fn register(&self, _: &Registration) -> Result<Device, RegistryError> {
        Err(Self::refused())
    }

    async fn set_enabled(&self, _: DeviceId, _: bool) -> Result<(), RegistryError> {
        Err(Self::refused())
    }

    async fn delete(&self, _: DeviceId) -> Result<bool, RegistryError> {
        Err(Self::refused())
    }

    async fn touch(&self, _: &Device, at: UtcTime) -> Result<(), RegistryError> {
        self.touched.lock().unwrap().push(at);
        // Whether it could be noted must not matter.
        Err(Self::refused())
    }

    async fn user_keys(&self, _: &Sid) -> Result<Vec<DeviceKey>, RegistryError> {
        self.answer().map(|()| self.keys.clone())
    }

    async fn add_user_key(&self, _: &Sid, _: &DeviceKey) -> Result<AddedKey, RegistryError> {
        Err(Self::refused())
    }

    async fn remove_user_key(&self, _: &Sid, _: &DeviceKey) -> Result<bool, RegistryError> {
        Err(Self::refused())
    }

    async fn published_issuers(&self) -> Result<Vec<Vec<u8>>, RegistryError> {
        self.answer().map(|()| self.issuers.clone())
    }

    async fn service(&self) -> Result<DeviceService, RegistryError> {
        Ok(DeviceService {
            enabled: true,
            registration_quota: 0,
            maximum_inactivity_days: 0,
            place: RegistryPlace {
                invocation: ObjectGuid::from_directory_bytes([1; 16]),
                domain: ObjectGuid::from_directory_bytes([2; 16]),
            },
            keeps_keys: true,
        })
    }
}

/// A directory with alice.
pub(super) struct FakeDirectory {
    pub(super) state: SignInState,
    pub(super) password_set: Option<UtcTime>,
    pub(super) gone: bool,
}

impl Default for FakeDirectory {
    fn default() -> Self {
        Self { state: SignInState::Permitted, password_set: Some(NOW.minus(minutes(60))), gone: false }
    }
}

fn filetime(time: UtcTime) -> i64 {
    (time.unix_millis() + 11_644_473_600_000) * 10_000
}

#[async_trait::async_trait]
impl Directory for FakeDirectory {
    async fn account(&self, key: &AccountKey) -> Result<Account, DirectoryError> {
        if self.gone || *key != AccountKey::Sid(alice()) {
            return Err(DirectoryError::NotFound { key: key.to_string() });
        }
        Ok(Account {
            sid: alice(),
            kind: AccountKind::User,
            realm: "CORP.EXAMPLE".into(),
            netbios_domain: "CORP".into(),
            sam_account_name: "alice".into(),
            upn: Some("alice@corp.example".into()),
            display_name: "Alice".into(),
            primary_group: "S-1-5-21-1004336348-1177238915-682003330-513".parse().unwrap(),
            groups: vec![],
        })
    }

    async fn object_guid(&self, sid: &Sid) -> Result<ObjectGuid, DirectoryError> {
        Err(DirectoryError::NotFound { key: sid.to_string() })
    }

    async fn attributes(&self, _: &Sid, _: &[AttributeName]) -> Result<Attributes, DirectoryError> {
        panic!("attributes are remembered for too long")
    }

    async fn search(
        &self,
        domain: &str,
        filter: &str,
        names: &[AttributeName],
    ) -> Result<Vec<Attributes>, DirectoryError> {
        assert_eq!((domain, names), ("CORP", &[AttributeName::new("pwdLastSet")][..]));
        assert_eq!(filter, Filter::sid(&alice()).to_string());
        let mut attributes = Attributes::default();
        if let Some(set) = self.password_set {
            attributes.insert(names[0].clone(), vec![AttributeValue::Text(filetime(set).to_string())]);
        }
        Ok(vec![attributes])
    }

    async fn sign_in_state(&self, sid: &Sid) -> Result<SignInState, DirectoryError> {
        if self.gone { Err(DirectoryError::NotFound { key: sid.to_string() }) } else { Ok(self.state) }
    }
}

struct World {
    registry: FakeRegistry,
    directory: FakeDirectory,
    revocations: MemoryRevocations,
    prt: PrimaryRefreshToken,
}

impl World {
    fn new() -> Self {
        let origin = ProofOrigin::Password(Some(filetime(NOW.minus(minutes(60)))));
        Self {
            registry: FakeRegistry::of(DEVICE.registered(alice())),
            directory: FakeDirectory::default(),
            revocations: MemoryRevocations::new(farm().1, 10),
            prt: prt(KdfVersion::One, origin),
        }
    }

    async fn ask(&self) -> Result<Holder, PrtError> {
        let usage_window = Duration::from_hours(14 * 24);
        let sources = Sources {
            registry: &self.registry,
            directory: &self.directory,
            revocations: &self.revocations,
            usage_window,
        };
        Holder::of(&self.prt, sources, NOW.plus(minutes(30))).await
    }

    async fn refusal(&self) -> PrtError {
        self.ask().await.unwrap_err()
    }

    fn device(&mut self) -> &mut Device {
        self.registry.device.as_mut().unwrap()
    }
}

#[tokio::test]
async fn a_prt_that_holds_is_its_user_on_its_device() {
    let world = World::new();
    let subject = world.ask().await.unwrap().subject(&world.prt);
    let SubjectOrigin::Directory(account) = &subject.origin else { panic!("an account") };
    assert_eq!((account.sid, subject.instant), (alice(), NOW));
    assert_eq!(subject.methods, [AuthenticationMethod::Password]);
    assert_eq!(subject.session, world.prt.family, "what revokes the family revokes what came of it");
    let device = subject.device.unwrap();
    assert!(device.id == DEVICE.id && device.is_known && device.is_registered_user);
}

#[test]
fn a_workplace_joined_device_serves_its_owner_and_users_and_a_computer_everybody() {
    let stranger: Sid = "S-1-5-21-1-2-3-9999".parse().unwrap();
    let own = Device { trust_type: Some(TrustType::WORKPLACE), ..DEVICE.registered(alice()) };
    assert!(may_use(&own, &alice()) && !may_use(&own, &stranger));
    let shared = Device { owner: Some(stranger), users: vec![alice()], ..own.clone() };
    assert!(may_use(&shared, &alice()) && may_use(&shared, &stranger));
    assert!(!may_use(&Device { owner: None, users: Vec::new(), ..own.clone() }, &alice()));
    let computer = Device { trust_type: Some(TrustType::DOMAIN), ..own };
    assert!(may_use(&computer, &stranger));
}

#[tokio::test]
async fn it_ends_with_the_device() {
    let mut world = World::new();
    world.device().enabled = false;
    assert_eq!(world.refusal().await, PrtError::Device(DeviceAuthnError::Disabled { device: DEVICE.id }.into()));

    world.registry.device = None;
    assert_eq!(world.refusal().await, PrtError::Device(DeviceAuthnError::Unknown.into()));

    let mut world = World::new();
    world.device().certificates = vec![OTHER.certificate().mark];
    assert_eq!(world.refusal().await, PrtError::Reregistered);

    // A person's own device, which is given to somebody else.
    let mut world = World::new();
    world.device().trust_type = Some(TrustType::WORKPLACE);
    assert!(world.ask().await.is_ok());
    world.device().owner = None;
    assert_eq!(world.refusal().await, PrtError::NotTheirDevice);
    world.device().users = vec![alice()];
    assert!(world.ask().await.is_ok());

    let mut world = World::new();
    world.device().keys[0].material = OTHER.blob();
    assert_eq!(world.refusal().await, PrtError::TransportKey);
    world.device().keys.clear();
    assert_eq!(world.refusal().await, PrtError::TransportKey);

    let mut world = World::new();
    world.device().last_used = Some(NOW.minus(Duration::from_hours(29 * 24)));
    world.device().registered = None;
    assert_eq!(world.refusal().await, PrtError::Device(DeviceError::Unused { device: DEVICE.id }));

    let mut world = World::new();
    world.registry.down = true;
    assert!(world.refusal().await.is_retryable());
}

#[tokio::test]
async fn it_ends_with_the_user() {
    let mut world = World::new();
    for state in [SignInState::Disabled, SignInState::Locked, SignInState::AccountExpired, SignInState::OutsideHours] {
        world.directory.state = state;
        assert_eq!(world.refusal().await, PrtError::User(state));
    }
    world.directory.state = SignInState::PasswordExpired;
    assert_eq!(world.refusal().await, PrtError::PasswordExpired);
    world.directory.gone = true;
    assert!(matches!(world.refusal().await, PrtError::Directory(DirectoryError::NotFound { .. })));
}

#[tokio::test]
async fn it_ends_with_the_password_it_was_made_with() {
    let mut world = World::new();
    // The account's answer was an old one when the PRT was made.
    world.directory.password_set = Some(NOW.minus(minutes(1)));
    assert!(world.ask().await.is_ok());
    world.directory.password_set = Some(NOW.plus(minutes(1)));
    assert_eq!(world.refusal().await, PrtError::PasswordChanged);
    // Must be changed at the next sign-in, or cannot be read any more.
    world.directory.password_set = None;
    assert_eq!(world.refusal().await, PrtError::PasswordChanged);
    // A PRT of another proof does not care.
    world.prt = prt(KdfVersion::One, ProofOrigin::Certificate);
    world.directory.state = SignInState::PasswordExpired;
    assert!(world.ask().await.is_ok());
}

#[tokio::test]
async fn it_ends_with_the_key_it_was_made_with() {
    let mut world = World::new();
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &DEVICE.blob());
    world.prt = prt(KdfVersion::One, ProofOrigin::Key(STANDARD.encode(digest)));
    world.registry.keys = vec![DeviceKey { usage: 1, material: DEVICE.blob(), device: None, created: None }];
    assert!(world.ask().await.is_ok());
    world.registry.keys[0].material = OTHER.blob();
    assert_eq!(world.refusal().await, PrtError::KeyRemoved);
}

#[tokio::test]
async fn it_ends_when_its_family_is_revoked() {
    let world = World::new();
    world.revocations.revoke(&world.prt.family, world.prt.until).await.unwrap();
    assert_eq!(world.refusal().await, PrtError::Revoked);
}
