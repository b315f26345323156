//! The steps in their order, with what is used up and what is remembered.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::{Value, json};

use super::client::{DEVICE, NOW, OTHER, alice, farm, minutes, random, services, sign_by_session};
use super::tokens::{LIFETIMES, prt};
use super::validity::{FakeDirectory, FakeRegistry};
use crate::authn::{AuthenticationMethod, DeviceAuthnError};
use crate::clock::{Clock as _, ManualClock, SystemRandomSource, UtcTime};
use crate::devices::{Device, DeviceServices, LimitReached, RequestLimits};
use crate::prt::{
    Around, Challenge, DeviceError, DeviceRequest, DeviceSigned, Exchange, ExchangeError, Holder, JwsError, KdfVersion,
    NewPrt, NonceError, PrimaryRefreshToken, ProofOrigin, PrtError, PrtRefusal, PrtService, RefreshTokenCredential,
    Reply, RequestError, SessionSigned, TransportKeyError,
};
use crate::store::{MemoryGenerations, MemoryOneTime, MemoryRevocations, Revocations as _};

struct World {
    service: PrtService,
    registry: Arc<FakeRegistry>,
    clock: Arc<ManualClock>,
    random: SystemRandomSource,
    directory: FakeDirectory,
    one_time: MemoryOneTime,
    revocations: MemoryRevocations,
}

impl World {
    fn new() -> Self {
        Self::with(DEVICE.registered(alice()))
    }

    fn with(device: Device) -> Self {
        Self::of(FakeRegistry::of(device))
    }

    /// With room for so many things that were used.
    fn roomy(capacity: usize) -> Self {
        let world = Self::new();
        Self { one_time: MemoryOneTime::new(world.clock.clone(), capacity), ..world }
    }

    fn of(registry: FakeRegistry) -> Self {
        let (sealer, clock) = farm();
        let registry = Arc::new(registry);
        let limits = Arc::new(RequestLimits::new(clock.clone()));
        Self {
            service: PrtService {
                sealer,
                devices: Arc::new(DeviceServices { limits, ..services(registry.clone()) }),
                generations: Arc::new(MemoryGenerations::new(clock.clone(), 10)),
                lifetimes: LIFETIMES,
                usage_window: Duration::from_hours(14 * 24),
            },
            registry,
            random: random(),
            directory: FakeDirectory::default(),
            one_time: MemoryOneTime::new(clock.clone(), 100),
            revocations: MemoryRevocations::new(clock.clone(), 100),
            clock,
        }
    }

    fn around(&self) -> Around<'_> {
        Around {
            clock: &*self.clock,
            random: &self.random,
            directory: &self.directory,
            one_time: &self.one_time,
            revocations: &self.revocations,
        }
    }

    /// Questions for the device of a certificate.
    fn searches(&self) -> usize {
        self.registry.searched.load(Ordering::Relaxed)
    }

    fn touches(&self) -> usize {
        self.registry.touched.lock().unwrap().len()
    }

    fn nonce(&self) -> String {
        self.service.nonce(self.around()).unwrap()
    }

    async fn request(&self, changes: &Value) -> Result<DeviceRequest, PrtRefusal> {
        let mut payload = json!({"client_id": "38aa3b87", "scope": "openid aza", "request_nonce": self.nonce(),
            "grant_type": "password", "username": "alice@corp.example", "password": "Pw"});
        for (name, value) in changes.as_object().unwrap() {
            payload[name] = value.clone();
        }
        self.service.device_request(&DeviceSigned::read(&DEVICE.sign(&payload)).unwrap(), self.around()).await
    }

    async fn exchange(&self, prt: &PrimaryRefreshToken, kdf: KdfVersion) -> Result<(Exchange, Holder), PrtRefusal> {
        self.exchange_text(&self.exchange_request(prt, kdf, &json!({}))).await
    }

    fn exchange_request(&self, prt: &PrimaryRefreshToken, kdf: KdfVersion, changes: &Value) -> String {
        let mut payload = json!({"client_id": "c", "scope": "openid", "grant_type": "refresh_token",
            "refresh_token": prt.seal(&self.service.sealer).unwrap(), "iat": self.clock.now().unix_seconds()});
        for (name, value) in changes.as_object().unwrap() {
            payload[name] = value.clone();
        }
        sign_by_session(&prt.session_key, kdf, &payload.to_string())
    }

    async fn exchange_text(&self, text: &str) -> Result<(Exchange, Holder), PrtRefusal> {
        let signed = SessionSigned::read(text).unwrap();
        let exchange = Exchange::read(&signed, &self.service.sealer, self.clock.now())?;
        let holder = self.service.exchange(&exchange, self.around()).await?;
        Ok((exchange, holder))
    }

    fn credential_text(&self, prt: &PrimaryRefreshToken, nonce: Option<&str>) -> String {
        let text = prt.seal(&self.service.sealer).unwrap();
        let payload = json!({"refresh_token": text, "request_nonce": nonce}).to_string();
        sign_by_session(&prt.session_key, KdfVersion::Two, &payload)
    }

    async fn credential(&self, prt: &PrimaryRefreshToken, nonce: Option<&str>) -> Result<Holder, PrtRefusal> {
        self.show(&self.credential_text(prt, nonce)).await
    }

    async fn show(&self, text: &str) -> Result<Holder, PrtRefusal> {
        let signed = SessionSigned::read(text).unwrap();
        let credential = RefreshTokenCredential::read(&signed, &self.service.sealer).unwrap();
        self.service.credential(&credential, KdfVersion::Two, self.around()).await
    }
}

fn by_certificate(kdf: KdfVersion) -> PrimaryRefreshToken {
    prt(kdf, ProofOrigin::Certificate)
}

#[tokio::test]
async fn a_registered_device_may_ask_and_gets_what_only_it_can_open() {
    let world = World::new();
    let asked = world.request(&json!({})).await.unwrap();
    assert_eq!((asked.device.id, asked.kdf), (DEVICE.id, KdfVersion::One));
    let new = NewPrt {
        user: alice(),
        device: asked.device.id,
        certificate: &asked.certificate.mark,
        transport_key: &asked.transport_key,
        client: asked.request.client_id,
        kdf: asked.kdf,
        methods: vec![AuthenticationMethod::Password],
        instant: NOW,
        alternate_login_id: None,
        origin: ProofOrigin::Password(None),
        after: None,
    };
    let issued = world.service.issue(new, world.around()).unwrap();
    assert_eq!(world.service.open(&issued.text).unwrap().id, issued.prt.id);
    assert!(issued.session_key_jwe.unwrap().starts_with("eyJlbmMiOiJBMjU2R0NNIiwiYWxnIjoiUlNBLU9BRVAifQ."));
    let renewed = world.service.renew(&issued.prt, KdfVersion::One, world.around()).unwrap();
    assert_eq!((renewed.session_key_jwe, renewed.prt.generation), (None, 1));
}

#[tokio::test]
async fn the_device_is_judged_first_and_the_nonce_is_used_up_last() {
    // A certificate that is in no directory, over a request that is nonsense: the answer is about the device.
    let world = World::with(OTHER.registered(alice()));
    let refused = world.request(&json!({"request_nonce": "x", "scope": ""})).await.unwrap_err();
    assert_eq!(refused, PrtRefusal::Device(DeviceAuthnError::Unknown.into()));
    let world = World::with(Device { enabled: false, ..DEVICE.registered(alice()) });
    let refused = world.request(&json!({})).await.unwrap_err();
    assert_eq!(refused, PrtRefusal::Device(DeviceAuthnError::Disabled { device: DEVICE.id }.into()));

    let world = World::new();
    let nonce = world.nonce();
    let refused = world.request(&json!({"request_nonce": nonce, "scope": "openid"})).await.unwrap_err();
    assert_eq!(refused, PrtRefusal::Request(RequestError::Scope { scope: "aza" }));
    assert!(world.request(&json!({"request_nonce": nonce})).await.is_ok(), "the refusal cost no nonce");
    let again = world.request(&json!({"request_nonce": nonce})).await.unwrap_err();
    assert_eq!(again, PrtRefusal::Nonce(NonceError::Used));
    let without = world.request(&json!({"request_nonce": null})).await.unwrap_err();
    assert_eq!(without, PrtRefusal::Nonce(NonceError::Missing));
    let foreign = world.request(&json!({"request_nonce": "AwAB"})).await.unwrap_err();
    assert!(matches!(foreign, PrtRefusal::Nonce(NonceError::NotOurs(_))));

    let world = World::with(Device { keys: vec![], ..DEVICE.registered(alice()) });
    let refused = world.request(&json!({})).await.unwrap_err();
    assert_eq!(refused, PrtRefusal::TransportKey(TransportKeyError::Missing));
}

#[tokio::test]
async fn a_signature_that_is_not_the_device_s_is_refused() {
    let world = World::new();
    let header =
        json!({"alg": "RS256", "x5c": base64::Engine::encode(&base64::engine::general_purpose::STANDARD, &DEVICE.der)});
    let forged = OTHER.sign_with(&header, &json!({"request_nonce": world.nonce()}));
    let forged = DeviceSigned::read(&forged).unwrap();
    let refused = world.service.device_request(&forged, world.around()).await;
    assert_eq!(refused.unwrap_err(), PrtRefusal::Jws(JwsError::Signature));
    let refused = world.service.device_credential(&forged, world.around()).await;
    assert_eq!(refused.unwrap_err(), PrtRefusal::Jws(JwsError::Signature));
    // A certificate is public: it asks the registry nothing and leaves nothing there.
    assert_eq!((world.searches(), world.touches()), (0, 0));
}

/// What a device does, with the time at which it does it.
async fn by_all_ways(world: &World, at: UtcTime) -> [Result<(), PrtRefusal>; 4] {
    world.clock.advance(at.since(world.clock.now()));
    let (service, around) = (&world.service, world.around());
    let credential = DEVICE.sign(&json!({"request_nonce": world.nonce(), "grant_type": "device_auth"}));
    let url = "https://sts.corp.example:443/adfs/oauth2/authorize/";
    let challenge = Challenge::new(url, None, &service.sealer, at, &world.random).unwrap();
    let token = DEVICE.sign(&json!({"aud": url, "iat": at.unix_seconds(), "nonce": challenge.nonce}));
    let header = format!("PKeyAuth AuthToken=\"{token}\", Context=\"{}\", Version=\"1.0\"", challenge.context);
    [
        world.request(&json!({})).await.map(drop),
        service.device_credential(&DeviceSigned::read(&credential).unwrap(), around).await.map(drop),
        service.pkeyauth(Reply::read(&header).unwrap(), url, around).await.map(drop),
        service.by_certificate(&DEVICE.der, at).await.map(drop),
    ]
}

#[tokio::test]
async fn a_device_that_was_idle_for_too_long_proves_itself_and_its_prts_have_ended() {
    let world = World::new();
    let idle = NOW.plus(Duration::from_hours(24 * 29));
    let prt = by_certificate(KdfVersion::One);
    let prt = PrimaryRefreshToken { until: idle.plus(minutes(60)), ..prt };
    world.clock.advance(idle.since(world.clock.now()));
    for _ in 0..2 {
        let request = world.exchange_request(&prt, KdfVersion::Two, &json!({}));
        let refused = world.exchange_text(&request).await.map(drop);
        assert_eq!(refused, Err(PrtRefusal::Prt(PrtError::Device(DeviceError::Unused { device: DEVICE.id }))));
    }
    assert_eq!(world.touches(), 0, "nothing was used");
    assert_eq!(by_all_ways(&world, idle).await, [Ok(()), Ok(()), Ok(()), Ok(())]);
}

#[tokio::test]
async fn the_use_of_a_device_is_noted_once_it_is_proved() {
    let world = World::new();
    let at = NOW.plus(minutes(1));
    assert_eq!(by_all_ways(&world, at).await, [Ok(()), Ok(()), Ok(()), Ok(())]);
    // That of a request for a PRT when its user is proved, too.
    assert_eq!(*world.registry.touched.lock().unwrap(), [at; 3]);
    // Without a nonce, it may be a copy of what the device signed once.
    let copied = DeviceSigned::read(&DEVICE.sign(&json!({"request_nonce": "AwAB"}))).unwrap();
    assert!(world.service.device_credential(&copied, world.around()).await.is_err());
    assert!(world.request(&json!({"request_nonce": null})).await.is_err());
    let prt = by_certificate(KdfVersion::One);
    assert!(world.credential(&prt, None).await.is_err());
    assert_eq!(world.touches(), 3);
    // With a PRT, in a browser and at the token endpoint.
    world.credential(&prt, Some(&world.nonce())).await.unwrap();
    let request = world.exchange_request(&prt, KdfVersion::Two, &json!({}));
    assert!(world.exchange_text(&request).await.is_ok() && world.exchange_text(&request).await.is_err());
    assert_eq!(world.touches(), 5);
}

#[tokio::test]
async fn the_same_request_is_taken_once() {
    let world = World::new();
    let prt = by_certificate(KdfVersion::One);
    let text = world.exchange_request(&prt, KdfVersion::Two, &json!({}));
    assert!(world.exchange_text(&text).await.is_ok());
    assert_eq!(world.exchange_text(&text).await.unwrap_err(), PrtRefusal::Replayed);
    let other = world.exchange_request(&prt, KdfVersion::Two, &json!({"win_ver": "11"}));
    assert!(world.exchange_text(&other).await.is_ok());
    // A nonce that is sent is looked at.
    let with_nonce = world.exchange_request(&prt, KdfVersion::Two, &json!({"request_nonce": "x"}));
    assert!(matches!(world.exchange_text(&with_nonce).await, Err(PrtRefusal::Nonce(NonceError::NotOurs(_)))));
}

#[tokio::test]
async fn a_copy_of_a_renewed_prt_ends_the_family() {
    let world = World::new();
    let first = by_certificate(KdfVersion::One);
    let second = world.service.renew(&first, KdfVersion::One, world.around()).unwrap().prt;
    // The answer was lost: the device goes on with the first, as long as it likes.
    world.clock.advance(minutes(60));
    assert!(world.exchange(&first, KdfVersion::One).await.is_ok());
    // It used the second: the first is taken for ten minutes more.
    assert!(world.exchange(&second, KdfVersion::One).await.is_ok());
    world.clock.advance(minutes(9));
    let late = world.exchange_request(&first, KdfVersion::One, &json!({"win_ver": "a"}));
    assert!(world.exchange_text(&late).await.is_ok());
    world.clock.advance(minutes(1));
    let copied = world.exchange_request(&first, KdfVersion::One, &json!({"win_ver": "b"}));
    let expected = PrtRefusal::Copied { family: first.family.clone(), device: DEVICE.id };
    assert_eq!(world.exchange_text(&copied).await.unwrap_err(), expected);
    assert_eq!(world.revocations.is_revoked(&first.family).await, Ok(true));
    let after = world.exchange_request(&second, KdfVersion::One, &json!({"win_ver": "c"}));
    assert_eq!(world.exchange_text(&after).await.unwrap_err(), PrtRefusal::Prt(PrtError::Revoked));
}

/// What somebody saw once and sends again proves nothing, so it must not end anything either.
#[tokio::test]
async fn what_was_sent_before_ends_no_family() {
    let world = World::new();
    let first = by_certificate(KdfVersion::One);
    let second = world.service.renew(&first, KdfVersion::One, world.around()).unwrap().prt;
    let [plain, dated, nonced] =
        [json!({"iat": null}), json!({"win_ver": "a"}), json!({"request_nonce": world.nonce(), "iat": null})]
            .map(|changes| world.exchange_request(&first, KdfVersion::One, &changes));
    let credential = world.credential_text(&first, Some(&world.nonce()));
    for text in [&plain, &dated, &nonced] {
        assert!(world.exchange_text(text).await.is_ok());
    }
    assert!(world.show(&credential).await.is_ok());
    let newer = async |number: u32| {
        let request = world.exchange_request(&second, KdfVersion::Two, &json!({"win_ver": number}));
        world.exchange_text(&request).await.map(drop)
    };
    assert_eq!(newer(1).await, Ok(()));
    let expired = |refusal| matches!(refusal, PrtRefusal::Nonce(NonceError::NotOurs(_)));
    // Within the time of the nonce, beyond the grace, and beyond the request's own time.
    for (later, number) in [(9, 2), (2, 3), (60, 4)] {
        world.clock.advance(minutes(later));
        assert_eq!(world.exchange_text(&plain).await.unwrap_err(), PrtRefusal::Replayed);
        assert!(world.exchange_text(&dated).await.is_err());
        let (exchange, show) =
            (world.exchange_text(&nonced).await.unwrap_err(), world.show(&credential).await.unwrap_err());
        assert!(number == 2 || (expired(exchange) && expired(show)));
        assert_eq!(world.credential(&first, None).await.unwrap_err(), PrtRefusal::Nonce(NonceError::Missing));
        assert_eq!(newer(number).await, Ok(()), "{later} minutes later");
    }
    assert_eq!(world.revocations.is_revoked(&first.family).await, Ok(false));
    // What the holder of its session key makes now is another thing.
    let copied = world.credential(&first, Some(&world.nonce())).await.unwrap_err();
    assert_eq!(copied, PrtRefusal::Copied { family: first.family.clone(), device: DEVICE.id });
    assert_eq!(newer(5).await, Err(PrtRefusal::Prt(PrtError::Revoked)));
}

/// One device must not fill the store that all devices need.
#[tokio::test]
async fn a_person_on_a_device_uses_prts_so_often_and_no_more() {
    let world = World::roomy(1000);
    let (prt, other) = (by_certificate(KdfVersion::Two), by_certificate(KdfVersion::Two));
    let text = |prt: &PrimaryRefreshToken, number: u32, changes: Value| {
        let mut changes = changes;
        changes["win_ver"] = json!(number);
        world.exchange_request(prt, KdfVersion::Two, &changes)
    };
    let mut taken = [0; 3];
    for number in 0..250 {
        // Without any time; that say when they were made; with a nonce. Another PRT of the same person makes no difference.
        let [no_time, dated] = [json!({"iat": null}), json!({})].map(|changes| text(&prt, number, changes));
        let with_nonce = text(&other, number, json!({"request_nonce": world.nonce()}));
        for (taken, text) in taken.iter_mut().zip([no_time, dated, with_nonce]) {
            match world.exchange_text(&text).await {
                Ok(_) => *taken += 1,
                Err(error) => assert_eq!(error, PrtRefusal::TooMany(LimitReached::Holder)),
            }
            // Who repeats it spends nothing.
            assert!(world.exchange_text(&text).await.is_err());
        }
    }
    assert_eq!(taken, [20, 100, 100]);
    let refused = world.credential(&prt, Some(&world.nonce())).await.unwrap_err();
    assert_eq!(refused, PrtRefusal::TooMany(LimitReached::Holder));
    world.clock.advance(minutes(1));
    assert!(world.credential(&prt, Some(&world.nonce())).await.is_ok());
}

#[tokio::test]
async fn after_version_2_there_is_no_version_1() {
    let world = World::new();
    let prt = by_certificate(KdfVersion::One);
    assert!(world.exchange(&prt, KdfVersion::One).await.is_ok());
    assert!(world.exchange(&prt, KdfVersion::Two).await.is_ok());
    let back = world.exchange_request(&prt, KdfVersion::One, &json!({"win_ver": "a"}));
    assert_eq!(world.exchange_text(&back).await.unwrap_err(), PrtRefusal::Exchange(ExchangeError::Downgrade));
    let forth = world.exchange_request(&prt, KdfVersion::Two, &json!({"win_ver": "b"}));
    assert!(world.exchange_text(&forth).await.is_ok());
}

#[tokio::test]
async fn a_credential_uses_its_nonce_up_when_all_else_is_good() {
    let mut world = World::new();
    let prt = by_certificate(KdfVersion::One);
    let nonce = world.nonce();
    world.directory.state = crate::directory::SignInState::Disabled;
    assert!(matches!(world.credential(&prt, Some(&nonce)).await, Err(PrtRefusal::Prt(PrtError::User(_)))));
    world.directory.state = crate::directory::SignInState::Permitted;
    assert_eq!(world.credential(&prt, None).await.unwrap_err(), PrtRefusal::Nonce(NonceError::Missing));
    assert_eq!(world.credential(&prt, Some(&nonce)).await.unwrap().account.sid, alice());
    assert_eq!(world.credential(&prt, Some(&nonce)).await.unwrap_err(), PrtRefusal::Nonce(NonceError::Used));
    // Another account's credential of the same request may carry the same nonce.
    let other = by_certificate(KdfVersion::One);
    assert!(world.credential(&other, Some(&nonce)).await.is_ok());
}

#[tokio::test]
async fn a_device_credential_proves_the_device_alone() {
    let world = World::new();
    let nonce = world.nonce();
    let payload = json!({"request_nonce": nonce, "grant_type": "device_auth", "iss": "aad:brokerplugin"});
    let signed = DeviceSigned::read(&DEVICE.sign(&payload)).unwrap();
    let device = world.service.device_credential(&signed, world.around()).await.unwrap();
    assert_eq!(device.id, DEVICE.id);
    let again = world.service.device_credential(&signed, world.around()).await.unwrap_err();
    assert_eq!(again, PrtRefusal::Nonce(NonceError::Used));
    let without = DeviceSigned::read(&DEVICE.sign(&json!({}))).unwrap();
    let refused = world.service.device_credential(&without, world.around()).await.unwrap_err();
    assert_eq!(refused, PrtRefusal::Nonce(NonceError::Missing));
}

#[tokio::test]
async fn a_prt_that_does_not_open_says_no_more() {
    let world = World::new();
    assert!(matches!(world.service.open("x"), Err(PrtRefusal::Exchange(ExchangeError::Prt(_)))));
}

#[tokio::test]
async fn a_device_that_was_proved_is_known_for_ten_minutes_while_it_may_be_used() {
    let world = World::new();
    let text = world.service.remember(DEVICE.registered(alice()).id, NOW).unwrap();
    assert_eq!(world.service.remembered(&text).await.unwrap().id, DEVICE.id);
    let disabled = World::with(Device { enabled: false, ..DEVICE.registered(alice()) });
    let refused = disabled.service.remembered(&text).await.unwrap_err();
    assert_eq!(refused, PrtRefusal::Device(DeviceAuthnError::Disabled { device: DEVICE.id }.into()));
    let gone = World::with(OTHER.registered(alice()));
    assert_eq!(gone.service.remembered(&text).await.unwrap_err(), PrtRefusal::Device(DeviceAuthnError::Unknown.into()));
    // Nothing else that is sealed here is taken for it.
    assert!(matches!(world.service.remembered(&world.nonce()).await, Err(PrtRefusal::PKeyAuth(_))));
    world.clock.advance(minutes(10));
    assert!(matches!(world.service.remembered(&text).await, Err(PrtRefusal::PKeyAuth(_))));
}

#[tokio::test]
async fn a_challenge_is_answered_by_a_registered_device() {
    let world = World::new();
    let url = "https://sts.corp.example:443/adfs/oauth2/authorize/?a=b";
    let answer = async |device: &super::client::TestDevice| {
        let challenge = Challenge::new(url, None, &world.service.sealer, NOW, &world.random).unwrap();
        let token = device.sign(&json!({"aud": url, "iat": NOW.unix_seconds(), "nonce": challenge.nonce}));
        let header = format!("PKeyAuth AuthToken=\"{token}\", Context=\"{}\", Version=\"1.0\"", challenge.context);
        world.service.pkeyauth(Reply::read(&header).unwrap(), url, world.around()).await
    };
    assert_eq!(answer(&DEVICE).await.unwrap().map(|device| device.id), Some(DEVICE.id));
    assert_eq!(answer(&OTHER).await.unwrap_err(), PrtRefusal::Device(DeviceAuthnError::Unknown.into()));
    // Strangers leave nothing in the store of used challenges: it has room for a hundred.
    for _ in 0..100 {
        assert_eq!(answer(&OTHER).await.unwrap_err(), PrtRefusal::Device(DeviceAuthnError::Unknown.into()));
    }
    assert!(answer(&DEVICE).await.is_ok());
}

#[test]
fn an_authority_is_named_as_clients_look_for_it() {
    let name = crate::prt::authority_name(services(FakeRegistry::default()).authority.certificate()).unwrap();
    assert!(name.starts_with("OU=") && name.contains(",CN=MS-Organization-Access,DC="), "{name}");
    assert_eq!(crate::prt::authority_name(b"x"), None);
}

#[tokio::test]
async fn a_challenge_names_the_issuers_that_others_have_published_as_well() {
    let entras = services(FakeRegistry::default()).authority.certificate().to_vec();
    let [own, published] = [entras.clone(), OTHER.der.clone()].map(|der| crate::prt::authority_name(&der).unwrap());
    let issuers = vec![OTHER.der.clone(), entras];
    let world = World::of(FakeRegistry { issuers: issuers.clone(), ..FakeRegistry::default() });
    assert_eq!(world.service.authorities().await, [own.clone(), published]);
    let down = World::of(FakeRegistry { issuers, down: true, ..FakeRegistry::default() });
    assert_eq!(down.service.authorities().await, [own]);
}
