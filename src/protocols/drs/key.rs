//! `/EnrollmentServer/key`: a user's Windows Hello key is written to the user's account (MS-KPP; oauth-oidc-prt.md 5.1).
//!
//! Whoever adds a key to an account can sign in as it, so this asks for more than any other request: a token of a session on
//! a registered device, and a second factor a few minutes ago.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::ACCEPT;

use super::attempt::{Attempt, Purpose};
use super::claims::TokenMembers;
use super::discovery::JSON;
use super::refusal::Refusal;
use super::version::{Version, api_version_or_header};
use super::{key_message, rest, token};
use crate::clock::UtcTime;
use crate::devices::enrolment::EnrolmentRefusal;
use crate::devices::{DeviceId, DeviceKey, DeviceServices, KeyBlob};
use crate::directory::{Sid, SignInState};
use crate::issuance::Context;
use crate::protocols::environment::Environment;
use crate::protocols::http::{Answer, Call};

/// Answers a request.
pub(super) async fn handle(environment: &Environment, devices: &DeviceServices, cx: &Context, call: &Call) -> Answer {
    let mut attempt = Attempt::new(Purpose::AddKey);
    let answer = match add(environment, devices, cx, call, &mut attempt).await {
        Ok(body) => Answer::new(StatusCode::OK, JSON, body),
        Err(refusal) => {
            attempt.refused(cx, &refusal);
            key_message::failed(&refusal, call.correlation, cx.services.clock.now())
        }
    };
    rest::traced(answer, call.correlation)
}

async fn add(
    environment: &Environment,
    devices: &DeviceServices,
    cx: &Context,
    call: &Call,
    attempt: &mut Attempt,
) -> Result<Vec<u8>, Refusal> {
    if api_version_or_header(call) != Some(Version::V1_0) {
        return Err(Refusal::Version);
    }
    if !accepts_json(call) {
        return Err(Refusal::NotAcceptable);
    }
    let material = key_message::read(&call.body)?;
    let token = token::verify_of_client(environment, devices, call, token::bearer(call))?;
    let members = TokenMembers(token.members.members());
    attempt.by(members);
    let now = cx.services.clock.now();
    let proof = Proof::of(members, token.authenticated_at, now)?;
    attempt.device.device = Some(proof.device);
    let key = KeyBlob::user_key(&material).map_err(EnrolmentRefusal::TransportKey)?;
    devices.limits.account(&proof.sid)?;
    let service = devices.registry.service().await?;
    if !service.enabled {
        return Err(Refusal::SwitchedOff);
    }
    let device = devices.registry.find(proof.device).await?;
    if !device.is_some_and(|device| device.enabled) {
        return Err(Refusal::KeyClaim("deviceid of a registered, enabled device"));
    }
    let state = cx.services.directory.sign_in_state(&proof.sid).await?;
    if !matches!(state, SignInState::Permitted | SignInState::PasswordExpired | SignInState::OutsideHours) {
        return Err(EnrolmentRefusal::AccountState(state).into());
    }
    let key = DeviceKey { usage: USAGE, material: key.into_octets(), device: Some(proof.device), created: Some(now) };
    provide(devices, cx, &proof, &key, attempt).await
}

/// Writes the key to the account, and answers. A key signs its user in, so none stays whose registration is not in the log.
async fn provide(
    devices: &DeviceServices,
    cx: &Context,
    proof: &Proof,
    key: &DeviceKey,
    attempt: &Attempt,
) -> Result<Vec<u8>, Refusal> {
    let mut octets = [0; 16];
    cx.services.random.fill(&mut octets)?;
    let registration = uuid::Builder::from_random_bytes(octets).into_uuid();
    let added = devices.registry.add_user_key(&proof.sid, key).await?;
    let answer = async {
        let place = key_message::place(added.domain_controller.as_deref().unwrap_or_default())?;
        let signed = devices.authority.sign_content(&place).map_err(|error| Refusal::Authority(error.to_string()))?;
        let answer = key_message::registered(registration, &proof.upn, &signed)?;
        // Last: nothing that fails comes after a good event.
        attempt.succeeded(cx).await?;
        Ok(answer)
    };
    let answer = answer.await;
    if answer.is_err() && added.is_new {
        take_back(devices, proof, key).await;
    }
    answer
}

/// Takes a key from the account again that must not be there.
async fn take_back(devices: &DeviceServices, proof: &Proof, key: &DeviceKey) {
    let failure = match devices.registry.remove_user_key(&proof.sid, key).await {
        Ok(true) => return,
        Ok(false) => String::from("it is not there where it was looked for"),
        Err(error) => error.to_string(),
    };
    let (user, device) = (proof.sid, proof.device);
    tracing::error!(%user, %device, failure, "a key stays at an account although its registration failed: remove it");
}

/// What a token must prove.
struct Proof {
    sid: Sid,
    upn: String,
    device: DeviceId,
}

impl Proof {
    fn of(token: TokenMembers<'_>, authenticated: Option<UtcTime>, now: UtcTime) -> Result<Self, Refusal> {
        let device = token.device().ok_or(Refusal::KeyClaim("deviceid"))?;
        let sid = token.sid().ok_or(Refusal::KeyClaim("primarysid"))?;
        let upn = token.upn().ok_or(Refusal::KeyClaim("upn"))?.to_owned();
        if !token.has_second_factor() {
            return Err(Refusal::KeyClaim("amr of a second factor"));
        }
        match authenticated {
            Some(at) if now.since(at) <= FRESH => Ok(Self { sid, upn, device }),
            _ => Err(Refusal::KeyClaim("auth_time of the last ten minutes")),
        }
    }
}

/// The specification makes the header mandatory.
fn accepts_json(call: &Call) -> bool {
    let ranges: Vec<&str> = call
        .headers
        .get_all(ACCEPT)
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .collect();
    let is_json = |range: &str| {
        let range = range.split(';').next().unwrap_or_default().trim();
        ["application/json", "application/*", "*/*"].iter().any(|json| range.eq_ignore_ascii_case(json))
    };
    !ranges.is_empty() && ranges.into_iter().any(is_json)
}

/// Usage of a Windows Hello key.
const USAGE: u8 = 1;
/// How old the authentication may be that adds a way to sign in.
const FRESH: Duration = Duration::from_mins(10);

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

    use super::super::testing::{World, user};
    use super::*;
    use crate::audit::EventKind;

    /// A key as clients send it; each number another one.
    fn key(number: u8) -> DeviceKey {
        DeviceKey { usage: USAGE, material: vec![number; 283], device: None, created: None }
    }

    async fn provided(world: &World, key: &DeviceKey) -> Result<Vec<u8>, Refusal> {
        let device = DeviceId(uuid::Uuid::from_u128(1));
        let proof = Proof { sid: user(), upn: String::from("x@corp.example"), device };
        provide(&world.devices, &world.cx, &proof, key, &Attempt::new(Purpose::AddKey)).await
    }

    #[tokio::test]
    async fn a_key_that_the_log_does_not_know_is_taken_back() {
        let world = World::new();
        let keys = || world.registry.keys.lock().unwrap().clone();
        let answer = provided(&world, &key(1)).await.unwrap();
        assert!(String::from_utf8(answer).unwrap().contains("pctx"));
        assert_eq!(keys(), [key(1)]);
        world.log.fails.store(true, Ordering::Relaxed);
        let refused = provided(&world, &key(2)).await.unwrap_err();
        assert!(matches!(refused, Refusal::Audit(_)), "{refused}");
        assert_eq!(keys(), [key(1)]);
        // One that was there stays.
        provided(&world, &key(1)).await.unwrap_err();
        assert_eq!(keys(), [key(1)]);
        let events = world.log.events.lock().unwrap();
        assert!(matches!(&events[..], [EventKind::AccountKeyRegistration { refused: None, .. }]), "{events:?}");
    }
}
