//! One registration, whichever protocol asks for it: facts are looked up, the decision is taken, the certificate is made,
//! the registry written, and only then does the client learn of it (device-registration.md 4.3).

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use tokio::sync::{Mutex, MutexGuard};

use super::attempt::Attempt;
use super::refusal::Refusal;
use crate::audit::Name;
use crate::devices::enrolment::{
    Application, EnrolmentClaims, EnrolmentFacts, EnrolmentPolicy, EnrolmentRequest, OwnerAccount, apply,
};
use crate::devices::{DeviceCertificateRequest, DeviceId, DeviceServices, JoinType, Sha1Requests};
use crate::directory::{AccountKey, DirectoryError, Sid};
use crate::issuance::{Context, Services};

/// A device that is registered.
#[derive(Debug)]
pub(super) struct Registered {
    /// DER of its certificate.
    pub(super) certificate: Vec<u8>,
    /// SHA-1 thumbprint, upper-case hexadecimal.
    pub(super) thumbprint: String,
    /// UPN of its owner.
    pub(super) upn: String,
}

/// Registers a device.
///
/// # Errors
/// [`Refusal`]; nothing is left behind then, and a device that was there is as it was.
pub(super) async fn register(
    devices: &DeviceServices,
    cx: &Context,
    claims: &EnrolmentClaims,
    request: EnrolmentRequest,
    attempt: &mut Attempt,
) -> Result<Registered, Refusal> {
    attempt.device.join_type = Some(request.join_type);
    attempt.device.display_name = Some(Name::public(&request.display_name));
    let service = devices.registry.service().await?;
    if !service.enabled {
        return Err(Refusal::SwitchedOff);
    }
    let application = apply(claims, request, &policy(devices))?;
    attempt.device.device = application.computer;
    devices.limits.account(&application.owner)?;
    // One after the other for each owner, or two at once would both be the tenth.
    let _turn = turn(&application.owner).await;
    let facts = facts(devices, &cx.services, &application, service.registration_quota).await?;
    let upn = application.upn.clone();
    let approved = application.decide(&facts)?;
    attempt.device.device = Some(approved.id);
    let now = cx.services.clock.now();
    let certificate = DeviceCertificateRequest {
        device: approved.id,
        account: approved.account,
        public_key: approved.csr.public_key(),
        place: service.place,
    };
    let certificate = devices
        .authority
        .issue(&certificate, now, &*cx.services.random)
        .map_err(|error| Refusal::Authority(error.to_string()))?;
    attempt.device.set_certificate(&certificate.mark, &certificate.serial);
    let id = approved.id;
    let is_new = facts.existing.is_none() && facts.devices_of_owner.iter().all(|device| device.id != id);
    let registration = approved.certified(certificate.mark, now);
    if is_new {
        devices.registry.register(&registration).await?;
        if let Err(refusal) = attempt.succeeded(cx).await {
            take_back(devices, id).await;
            return Err(refusal);
        }
    } else {
        // What a registration replaces cannot be brought back: the log has it before it is done.
        attempt.succeeded(cx).await?;
        devices.registry.register(&registration).await?;
    }
    Ok(Registered { thumbprint: certificate.thumbprint(), certificate: certificate.der, upn })
}

fn policy(devices: &DeviceServices) -> EnrolmentPolicy {
    let settings = &devices.settings;
    let mut join_types: Vec<JoinType> =
        settings.join_types.iter().filter_map(|number| JoinType::from_number((*number).into())).collect();
    // The older protocol of the same thing: a user's own device.
    if join_types.contains(&JoinType::WorkplaceJoin) {
        join_types.push(JoinType::Enrolment);
    }
    EnrolmentPolicy {
        join_types,
        sha1: if settings.sha1_requests { Sha1Requests::Accepted } else { Sha1Requests::Refused },
    }
}

/// What is known of the account and its devices, as it is now.
async fn facts(
    devices: &DeviceServices,
    services: &Services,
    application: &Application,
    quota: u32,
) -> Result<EnrolmentFacts, Refusal> {
    let owner = &application.owner;
    let (account, groups) = account(services, owner).await?;
    let (existing, devices_of_owner) = match application.computer {
        Some(id) => (devices.registry.find(id).await?, Vec::new()),
        None => (None, devices.registry.of_user(owner).await?),
    };
    let exempt = devices.settings.is_exempt(&groups);
    let mut octets = [0; 16];
    services.random.fill(&mut octets)?;
    Ok(EnrolmentFacts {
        account,
        devices_of_owner,
        existing,
        quota: (!exempt && quota != 0).then_some(quota),
        new_id: DeviceId(uuid::Builder::from_random_bytes(octets).into_uuid()),
    })
}

/// The account, unless it is gone, and its groups. Whether it may sign in is never from memory: a token outlives its account.
async fn account(services: &Services, owner: &Sid) -> Result<(Option<OwnerAccount>, Vec<Sid>), Refusal> {
    let directory = &services.directory;
    let look_up = async {
        let state = directory.sign_in_state(owner).await?;
        let account = directory.account(&AccountKey::Sid(*owner)).await?;
        let guid = directory.object_guid(owner).await?;
        Ok((Some(OwnerAccount { guid, kind: account.kind, state }), account.groups))
    };
    match look_up.await {
        Err(DirectoryError::NotFound { .. } | DirectoryError::UnknownDomain { .. }) => Ok((None, Vec::new())),
        found => Ok(found?),
    }
}

/// Takes a new device back that must not be there. What fails here is left for the sweep of unused devices.
async fn take_back(devices: &DeviceServices, id: DeviceId) {
    if let Err(error) = devices.registry.delete(id).await {
        tracing::error!(device = %id, %error, "a device could not be taken back after its registration failed");
    }
}

async fn turn(owner: &Sid) -> MutexGuard<'static, ()> {
    let mut hasher = DefaultHasher::new();
    owner.hash(&mut hasher);
    let index = usize::try_from(hasher.finish() % 64).unwrap_or_default();
    let [first, ..] = &TURNS;
    TURNS.get(index).unwrap_or(first).lock().await
}

/// Owners share a turn by chance; each registration ends within the time limits of the directory.
static TURNS: [Mutex<()>; 64] = [const { Mutex::const_new(()) }; 64];

#[cfg(test)]
mod tests;
