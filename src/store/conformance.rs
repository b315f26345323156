//! What every back end of a store must do; each back end's tests run these functions on it.

use std::sync::Arc;
use std::time::Duration;

use super::{
    Decision, DeviceCodes, FirstUse, Generations, OneTime, Polled, Purpose, REQUESTS_OF_DEVICES, Revocations, Standing,
    StoreError, TokenId,
};
use crate::authn::SessionRef;
use crate::clock::{Clock, ManualClock};

const MINUTE: Duration = Duration::from_mins(1);
const ALMOST_A_MINUTE: Duration = Duration::from_millis(59_999);

/// The contract of [`OneTime`], on an empty store that takes its time from `clock`.
pub(crate) async fn one_time<S: OneTime + 'static>(store: Arc<S>, clock: &ManualClock) {
    let id = TokenId::new("a").unwrap();
    let until = clock.now().plus(MINUTE);

    for purpose in Purpose::ALL {
        assert_eq!(store.redeem(purpose, &id, until).await, Ok(FirstUse::First), "{purpose:?}");
        assert_eq!(store.redeem(purpose, &id, until).await, Ok(FirstUse::Repeated), "{purpose:?}");
    }
    let other = TokenId::new("A").unwrap();
    assert_eq!(store.redeem(Purpose::Nonce, &other, until).await, Ok(FirstUse::First), "ids differ in case");

    // A later end does not make a repeated use a first one.
    let later = clock.now().plus(MINUTE * 2);
    assert_eq!(store.redeem(Purpose::Nonce, &id, later).await, Ok(FirstUse::Repeated));

    // It holds to the last instant, and what has expired is refused before it is looked up.
    clock.advance(ALMOST_A_MINUTE);
    assert_eq!(store.redeem(Purpose::Nonce, &id, until).await, Ok(FirstUse::Repeated));
    clock.advance(Duration::from_millis(1));
    assert!(matches!(store.redeem(Purpose::Nonce, &id, until).await, Err(StoreError::Expired { .. })));

    // One of many at once is the first.
    let until = clock.now().plus(MINUTE);
    let raced = TokenId::new("raced").unwrap();
    let mut uses = Vec::new();
    for _ in 0..16 {
        let store = Arc::clone(&store);
        uses.push(tokio::spawn(async move { store.redeem(Purpose::AuthorizationCode, &raced, until).await }));
    }
    let mut first = 0;
    for attempt in uses {
        first += usize::from(attempt.await.unwrap() == Ok(FirstUse::First));
    }
    assert_eq!(first, 1);
}

/// [`OneTime::redeem_one_of`], on a store that takes its time from `clock`.
pub(crate) async fn one_time_of_several<S: OneTime>(store: &S, clock: &ManualClock) {
    let ids = ["several 1", "several 2", "several 3"].map(|id| TokenId::new(id).unwrap());
    let until = clock.now().plus(MINUTE);
    assert_eq!(store.redeem(Purpose::DeviceCodeEntry, &ids[1], until).await, Ok(FirstUse::First));
    for expected in [FirstUse::First, FirstUse::First, FirstUse::Repeated] {
        assert_eq!(store.redeem_one_of(Purpose::DeviceCodeEntry, &ids, until).await, Ok(expected));
    }
    for id in &ids {
        assert_eq!(store.redeem(Purpose::DeviceCodeEntry, id, until).await, Ok(FirstUse::Repeated));
    }
    assert_eq!(store.redeem_one_of(Purpose::Nonce, &ids, until).await, Ok(FirstUse::First), "another purpose");
    assert_eq!(store.redeem_one_of(Purpose::Nonce, &[], until).await, Ok(FirstUse::Repeated), "there is none");
    clock.advance(MINUTE);
    let refused = store.redeem_one_of(Purpose::DeviceCodeEntry, &ids, until).await;
    assert!(matches!(refused, Err(StoreError::Expired { .. })), "{refused:?}");
}

/// The contract of [`Revocations`], on an empty store that takes its time from `clock`.
pub(crate) async fn revocations<S: Revocations>(store: &S, clock: &ManualClock) {
    let session = |n: u128| SessionRef(uuid::Uuid::from_u128(n));
    let until = clock.now().plus(MINUTE);
    assert_eq!(store.is_revoked(&session(1)).await, Ok(false));
    assert_eq!(store.revoke(&session(1), until).await, Ok(()));
    assert_eq!(store.is_revoked(&session(1)).await, Ok(true));
    assert_eq!(store.is_revoked(&session(2)).await, Ok(false));

    // Again is no error, and an earlier end does not shorten it.
    assert_eq!(store.revoke(&session(1), until.minus(MINUTE / 2)).await, Ok(()));
    clock.advance(ALMOST_A_MINUTE);
    assert_eq!(store.is_revoked(&session(1)).await, Ok(true));

    // A later end prolongs it.
    let later = clock.now().plus(MINUTE);
    assert_eq!(store.revoke(&session(1), later).await, Ok(()));
    clock.advance(MINUTE / 2);
    assert_eq!(store.revoke(&session(2), clock.now().plus(MINUTE)).await, Ok(()));
    assert_eq!(store.is_revoked(&session(1)).await, Ok(true));
}

/// The contract of [`Generations`], on an empty store that takes its time from `clock`.
pub(crate) async fn generations<S: Generations>(store: &S, clock: &ManualClock) {
    let family = |n: u128| SessionRef(uuid::Uuid::from_u128(n));
    let until = clock.now().plus(MINUTE * 60);
    let present = async |n, generation| store.present(&family(n), generation, MINUTE, until).await;
    assert_eq!(present(1, 0).await, Ok(Standing::Current));
    assert_eq!(present(1, 1).await, Ok(Standing::Current));

    // Its predecessor for the grace time, and no longer; that it was used meanwhile changes nothing.
    clock.advance(ALMOST_A_MINUTE);
    assert_eq!(present(1, 0).await, Ok(Standing::Current));
    assert_eq!(present(1, 1).await, Ok(Standing::Current));
    clock.advance(Duration::from_millis(1));
    assert_eq!(present(1, 0).await, Ok(Standing::Superseded));
    assert_eq!(present(1, 1).await, Ok(Standing::Current));

    // Generations may be left out, and families have nothing to do with each other.
    assert_eq!(present(1, 4).await, Ok(Standing::Current));
    clock.advance(MINUTE);
    assert_eq!(present(1, 3).await, Ok(Standing::Superseded));
    assert_eq!(present(2, 0).await, Ok(Standing::Current));
    assert_eq!(present(1, 4).await, Ok(Standing::Current));
}

/// [`Generations::redeem`], on a store that takes its time from `clock`.
pub(crate) async fn generations_used_once<S: Generations + 'static>(store: Arc<S>, clock: &ManualClock) {
    let family = |n: u128| SessionRef(uuid::Uuid::from_u128(n));
    let until = clock.now().plus(MINUTE * 60);
    let redeem = async |n, generation, grace| store.redeem(&family(n), generation, grace, until).await;
    // A lost answer is asked for again for the grace time, which begins once.
    assert_eq!(redeem(11, 1, MINUTE).await, Ok(Standing::Current));
    clock.advance(ALMOST_A_MINUTE);
    assert_eq!(redeem(11, 1, MINUTE).await, Ok(Standing::Current));
    clock.advance(Duration::from_millis(1));
    assert_eq!(redeem(11, 1, MINUTE).await, Ok(Standing::Superseded));
    // The next one counts; what came before it, as long as the grace time of the next one, and no longer.
    assert_eq!(redeem(11, 2, MINUTE).await, Ok(Standing::Current));
    assert_eq!(redeem(11, 1, MINUTE).await, Ok(Standing::Current));
    clock.advance(MINUTE);
    for generation in [1, 2] {
        assert_eq!(redeem(11, generation, MINUTE).await, Ok(Standing::Superseded));
    }
    assert_eq!(redeem(12, 1, MINUTE).await, Ok(Standing::Current), "another family is another");

    // Without grace it is used once, by one of many at once.
    let mut uses = Vec::new();
    for _ in 0..16 {
        let store = Arc::clone(&store);
        uses.push(tokio::spawn(async move {
            let family = SessionRef(uuid::Uuid::from_u128(13));
            store.redeem(&family, 1, Duration::ZERO, until).await
        }));
    }
    let mut first = 0;
    for usage in uses {
        first += usize::from(usage.await.unwrap() == Ok(Standing::Current));
    }
    assert_eq!(first, 1);
}

/// The contract of [`DeviceCodes`], on an empty store that takes its time from `clock`.
pub(crate) async fn device_codes<S: DeviceCodes + 'static>(store: Arc<S>, clock: &ManualClock) {
    let code = |text: &str| TokenId::new(text).unwrap();
    let until = clock.now().plus(MINUTE);
    let second = Duration::from_secs(1);
    assert_eq!(store.begin(&code("a"), "request", until).await, Ok(true));
    assert_eq!(store.begin(&code("a"), "another", until).await, Ok(false), "a code belongs to one request");
    assert_eq!(store.waiting(&code("a")).await, Ok(Some(String::from("request"))));
    assert_eq!(store.waiting(&code("b")).await, Ok(None));
    assert_eq!(store.poll(&code("b"), second).await, Ok(Polled::Unknown));

    // A device that asks too often is told so, whatever was decided.
    assert_eq!(store.poll(&code("a"), second).await, Ok(Polled::Waiting));
    assert_eq!(store.poll(&code("a"), second).await, Ok(Polled::TooSoon));
    let approved = Decision::Approved(String::from("answer"));
    assert_eq!(store.decide(&code("a"), approved.clone()).await, Ok(true));
    assert_eq!(store.poll(&code("a"), second).await, Ok(Polled::TooSoon));
    clock.advance(second);

    // The first decision counts, and what is decided does not wait any more.
    assert_eq!(store.decide(&code("a"), Decision::Denied).await, Ok(false));
    assert_eq!(store.waiting(&code("a")).await, Ok(None));

    // An approval is told until one of many at once takes it.
    for _ in 0..2 {
        assert_eq!(store.poll(&code("a"), Duration::ZERO).await, Ok(Polled::Approved(String::from("answer"))));
    }
    let mut takers = Vec::new();
    for _ in 0..16 {
        let store = Arc::clone(&store);
        takers.push(tokio::spawn(async move { store.take(&TokenId::new("a").unwrap()).await }));
    }
    let mut taken = 0;
    for taker in takers {
        taken += usize::from(taker.await.unwrap() == Ok(true));
    }
    assert_eq!(taken, 1);
    assert_eq!(store.poll(&code("a"), Duration::ZERO).await, Ok(Polled::Unknown));
    assert_eq!(store.decide(&code("b"), approved).await, Ok(false), "nobody asked");

    // A denial is told as often as it is asked for, until the end.
    let until = clock.now().plus(MINUTE);
    assert_eq!(store.begin(&code("c"), "request", until).await, Ok(true));
    assert_eq!(store.take(&code("c")).await, Ok(false), "nobody has decided");
    assert_eq!(store.decide(&code("c"), Decision::Denied).await, Ok(true));
    assert_eq!(store.take(&code("c")).await, Ok(false), "there is nothing to take");
    for _ in 0..2 {
        assert_eq!(store.poll(&code("c"), Duration::ZERO).await, Ok(Polled::Denied));
    }
    clock.advance(MINUTE);
    assert_eq!(store.poll(&code("c"), Duration::ZERO).await, Ok(Polled::Unknown));
    assert!(matches!(store.begin(&code("d"), "request", until).await, Err(StoreError::Expired { .. })));
}

/// What a store of two [`DeviceCodes`] does with a third; afterwards all it held has ended. The store is empty at first and takes its time
/// from `clock`.
pub(crate) async fn bounded_device_codes<S: DeviceCodes>(store: &S, clock: &ManualClock) {
    let until = clock.now().plus(MINUTE);
    let code = |n: u8| TokenId::from_octets(&[n]).unwrap();
    for n in 0..2 {
        assert_eq!(store.begin(&code(n), "x", until).await, Ok(true));
    }
    let full = StoreError::Full { what: REQUESTS_OF_DEVICES, until };
    assert_eq!(store.begin(&code(9), "x", until).await, Err(full), "never forgets one that waits");
    store.decide(&code(0), Decision::Approved(String::from("y"))).await.unwrap();
    assert_eq!(store.poll(&code(0), Duration::ZERO).await, Ok(Polled::Approved(String::from("y"))));
    assert_eq!(store.take(&code(0)).await, Ok(true));
    assert_eq!(store.begin(&code(9), "x", until).await, Ok(true), "what was taken makes room");
    clock.advance(MINUTE);
    assert_eq!(store.waiting(&code(9)).await, Ok(None));
}
