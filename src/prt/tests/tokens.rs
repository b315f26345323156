//! Primary refresh tokens and nonces under seal.

use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use super::client::{DEVICE, NOW, alice, farm, minutes, random};
use crate::authn::AuthenticationMethod;
use crate::prt::{
    KdfVersion, NewPrt, Nonce, NonceError, NonceUse, PrimaryRefreshToken, ProofOrigin, PrtLifetimes, TransportKey,
};
use crate::store::{MemoryOneTime, StoreError};
use crate::tokens::sealed::{SealError, SealPurpose};

pub(super) const LIFETIMES: PrtLifetimes =
    PrtLifetimes { each: Duration::from_hours(14 * 24), family: Duration::from_hours(90 * 24) };

pub(super) fn prt(kdf: KdfVersion, origin: ProofOrigin) -> PrimaryRefreshToken {
    let new = NewPrt {
        user: alice(),
        device: DEVICE.id,
        certificate: &DEVICE.certificate().mark,
        transport_key: &TransportKey::read(&DEVICE.blob()).unwrap(),
        client: String::from("38aa3b87-a06d-4817-b275-7a316988d93b"),
        kdf,
        methods: vec![AuthenticationMethod::Password],
        instant: NOW,
        alternate_login_id: None,
        origin,
        after: None,
    };
    PrimaryRefreshToken::new(new, LIFETIMES, NOW, &random()).unwrap()
}

#[test]
fn a_prt_comes_back_and_shows_nothing() {
    let (sealer, clock) = farm();
    let prt = prt(KdfVersion::Two, ProofOrigin::Key("k".repeat(44)));
    let text = prt.seal(&sealer).unwrap();
    assert!(text.starts_with("prt.1.") && PrimaryRefreshToken::is_one(&text), "{text}");
    assert!(text.len() < 1400, "{} characters: it travels in headers, in base64 once more", text.len());
    let back = PrimaryRefreshToken::open(&sealer, &text).unwrap();
    // Debug shows all but the key.
    assert_eq!(format!("{back:?}"), format!("{prt:?}"));
    assert_eq!(back.session_key.expose(), prt.session_key.expose());
    assert!(!format!("{back:?}").contains(&format!("{:?}", prt.session_key.expose())));

    let cut = &text[..text.len() - 1];
    for bad in [cut, &text[6..], "prt.1.", "", &text.replace("prt.1", "prt.2")] {
        assert!(PrimaryRefreshToken::open(&sealer, bad).is_err(), "{bad}");
    }
    let nonce = Nonce::issue(&sealer, NOW, &random()).unwrap();
    let as_prt = PrimaryRefreshToken::open(&sealer, &format!("prt.1.{nonce}"));
    assert_eq!(as_prt.unwrap_err(), SealError::NotAuthentic, "a nonce is no PRT");
    clock.advance(LIFETIMES.each);
    assert!(matches!(PrimaryRefreshToken::open(&sealer, &text), Err(SealError::Expired { .. })));
}

#[test]
fn renewals_keep_the_key_and_end_with_the_family() {
    let first = prt(KdfVersion::One, ProofOrigin::Password(None));
    assert_eq!(first.until, NOW.plus(LIFETIMES.each));
    let later = NOW.plus(LIFETIMES.each).minus(minutes(1));
    let second = first.renewed(KdfVersion::Two, LIFETIMES, later, &random()).unwrap();
    assert_eq!(second.session_key.expose(), first.session_key.expose());
    assert_eq!((&second.family, second.generation, second.begun), (&first.family, 1, NOW));
    assert_eq!((second.issued, second.until), (later, later.plus(LIFETIMES.each)));
    assert_ne!(second.id, first.id);
    assert_eq!(second.kdf, KdfVersion::Two);
    // A renewal asked for with version 1 does not go back. Nothing outlives the family.
    let last = NOW.plus(LIFETIMES.family).minus(minutes(1));
    let third = second.renewed(KdfVersion::One, LIFETIMES, last, &random()).unwrap();
    assert_eq!((third.kdf, third.until), (KdfVersion::Two, NOW.plus(LIFETIMES.family)));
}

#[test]
fn a_new_session_key_of_an_old_sign_in_goes_on_with_its_family() {
    let first = prt(KdfVersion::One, ProofOrigin::Certificate);
    let certificate = DEVICE.certificate();
    let new = NewPrt {
        user: first.user,
        device: first.device,
        certificate: &certificate.mark,
        transport_key: &TransportKey::read(&DEVICE.blob()).unwrap(),
        client: first.client.clone(),
        kdf: KdfVersion::One,
        methods: first.methods.clone(),
        instant: first.instant,
        alternate_login_id: None,
        origin: first.origin.clone(),
        after: Some(first.lineage()),
    };
    let later = NOW.plus(Duration::from_hours(80 * 24));
    let second = PrimaryRefreshToken::new(new, LIFETIMES, later, &random()).unwrap();
    assert_eq!((&second.family, second.generation, second.begun), (&first.family, 1, first.begun));
    assert_eq!(second.until, NOW.plus(LIFETIMES.family));
    assert_ne!(second.session_key.expose(), first.session_key.expose());
}

#[tokio::test]
async fn a_nonce_is_ours_for_ten_minutes_and_counts_once_for_each_use() {
    let (sealer, clock) = farm();
    let store = MemoryOneTime::new(clock.clone(), 100);
    let text = Nonce::issue(&sealer, NOW, &random()).unwrap();
    let nonce = Nonce::open(&sealer, &format!("{text}==")).unwrap();
    assert_eq!(nonce, Nonce::open(&sealer, &text).unwrap());
    let uses = [
        NonceUse::Request,
        NonceUse::Assertion,
        NonceUse::RefreshTokenCredential("a"),
        NonceUse::RefreshTokenCredential("b"),
        NonceUse::DeviceCredential,
        NonceUse::Exchange,
    ];
    for usage in uses {
        assert_eq!(nonce.consume(usage, &store).await, Ok(()), "{usage:?}");
        assert_eq!(nonce.consume(usage, &store).await, Err(NonceError::Used), "{usage:?}");
    }
    let full = MemoryOneTime::new(clock.clone(), 0);
    let refused = nonce.consume(NonceUse::Request, &full).await;
    assert!(matches!(refused, Err(NonceError::Store(StoreError::Full { .. }))), "a store without an answer refuses");

    let other = sealer.seal(SealPurpose::new("pkeyauth_context"), &Uuid::nil(), NOW.plus(minutes(5))).unwrap();
    let another_farm = crate::tokens::sealed::Sealer::new(
        &crate::secret::Secret::new([4; 32]),
        clock.clone(),
        Arc::new(random()),
        8192,
    );
    for bad in ["", "x", &text[1..], &other, &Nonce::issue(&another_farm, NOW, &random()).unwrap()] {
        assert!(matches!(Nonce::open(&sealer, bad), Err(NonceError::NotOurs(_))), "{bad}");
    }
    clock.advance(Duration::from_millis(10 * 60_000 - 1));
    assert!(Nonce::open(&sealer, &text).is_ok());
    clock.advance(Duration::from_millis(1));
    assert!(matches!(Nonce::open(&sealer, &text), Err(NonceError::NotOurs(SealError::Expired { .. }))));
    assert!(matches!(
        nonce.consume(NonceUse::Request, &store).await,
        Err(NonceError::Store(StoreError::Expired { .. }))
    ));
}
