//! Registrations over a registry, a directory and a log that fail when told to.

use std::sync::atomic::Ordering;

use super::super::testing::{GUID, World, claims, computer, user};
use super::*;
use crate::audit::EventKind;
use crate::devices::enrolment::EnrolmentRefusal;
use crate::devices::{CertificateMark, RegistryError};

#[tokio::test]
async fn what_is_answered_is_registered_and_audited() {
    let world = World::new();
    let registered = world.join(&claims(computer()), JoinType::DomainJoin).await.unwrap();
    let kept = world.registry.devices.lock().unwrap()[0].clone();
    assert_eq!(kept.id.to_string(), GUID);
    assert_eq!(kept.certificate, CertificateMark::of(&registered.certificate).unwrap());
    assert_eq!(registered.thumbprint, hex::encode_upper(kept.certificate.thumbprint));
    let events = world.log.events.lock().unwrap();
    assert!(
        matches!(&events[..], [EventKind::DeviceRegistration { attempt, refused: None, .. }] if attempt.device == Some(kept.id) && attempt.serial.is_some())
    );
}

#[tokio::test]
async fn nothing_is_answered_that_was_not_written() {
    let world = World::new();
    let unavailable = RegistryError::Unavailable { reason: String::from("x") };
    *world.registry.failure.lock().unwrap() = Some(unavailable.clone());
    let refusal = world.join(&claims(user()), JoinType::WorkplaceJoin).await.unwrap_err();
    assert!(matches!(refusal, Refusal::Registry(failure) if failure == unavailable));
    // An administrator disabled it between the look and the write.
    let id = DeviceId(GUID.parse().unwrap());
    *world.registry.failure.lock().unwrap() = Some(RegistryError::Disabled { id });
    let refusal = world.join(&claims(computer()), JoinType::DomainJoin).await.unwrap_err();
    assert_eq!(refusal.wire().status.as_u16(), 400);
    assert_eq!(world.kept(), 0);
}

#[tokio::test]
async fn a_new_device_that_the_log_does_not_know_is_taken_back() {
    let world = World::new();
    world.join(&claims(computer()), JoinType::DomainJoin).await.unwrap();
    world.log.fails.store(true, Ordering::Relaxed);
    let refusal = world.join(&claims(user()), JoinType::WorkplaceJoin).await.unwrap_err();
    assert!(matches!(refusal, Refusal::Audit(_)));
    assert_eq!(world.kept(), 1);
}

#[tokio::test]
async fn a_device_that_was_there_stays_as_it_was_when_the_log_does_not_know_better() {
    let world = World::new();
    let first = world.join(&claims(computer()), JoinType::DomainJoin).await.unwrap();
    world.log.fails.store(true, Ordering::Relaxed);
    let refusal = world.join(&claims(computer()), JoinType::DomainJoin).await.unwrap_err();
    assert!(matches!(refusal, Refusal::Audit(_)));
    let kept = || world.registry.devices.lock().unwrap().first().map(|device| device.certificate);
    assert_eq!(kept(), Some(CertificateMark::of(&first.certificate).unwrap()));
    // Once the log works, the computer that tries again has its new certificate.
    world.log.fails.store(false, Ordering::Relaxed);
    let again = world.join(&claims(computer()), JoinType::DomainJoin).await.unwrap();
    assert_eq!((world.kept(), kept()), (1, Some(CertificateMark::of(&again.certificate).unwrap())));
}

#[tokio::test]
async fn registrations_at_once_are_counted_one_after_the_other() {
    let world = World::new();
    let claims = claims(user());
    let results = futures_util::future::join_all((0..6).map(|_| world.join(&claims, JoinType::WorkplaceJoin))).await;
    let refused = |result: &&Result<Registered, Refusal>| {
        matches!(result, Err(Refusal::Enrolment(EnrolmentRefusal::Quota { count: 2, limit: 2 })))
    };
    assert_eq!((results.iter().filter(refused).count(), world.kept()), (4, 2));
}

#[tokio::test]
async fn who_is_gone_or_when_it_is_switched_off() {
    let world = World::new();
    let gone = Sid::new(5, &[21, 1, 2, 3, 9]).unwrap();
    let refusal = world.join(&claims(gone), JoinType::WorkplaceJoin).await.unwrap_err();
    assert!(matches!(refusal, Refusal::Enrolment(EnrolmentRefusal::NoAccount)));
    world.registry.switched_off.store(true, Ordering::Relaxed);
    let refusal = world.join(&claims(user()), JoinType::WorkplaceJoin).await.unwrap_err();
    assert!(matches!(refusal, Refusal::SwitchedOff));
    assert_eq!(world.kept(), 0);
}

#[tokio::test]
async fn an_account_that_registers_without_end_has_to_wait() {
    let world = World::new();
    let mut refused = None;
    for _ in 0..=60 {
        refused = world.join(&claims(computer()), JoinType::DomainJoin).await.err();
    }
    assert!(matches!(refused, Some(Refusal::TooMany(_))), "{refused:?}");
    assert_eq!(world.kept(), 1);
    // A user is another account, and is not held up.
    assert!(!matches!(world.join(&claims(user()), JoinType::WorkplaceJoin).await, Err(Refusal::TooMany(_))));
}
