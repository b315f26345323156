//! Devices in Active Directory: objects of class `msDS-Device`, as AD FS keeps them.
//!
//! Every change goes to one domain controller, from the look at what is there to the last step. Objects that directory
//! synchronisation wrote back are used like others and never changed, except for the stamp of their last use. Knows LDAP
//! objects; knows nothing of protocols, and nothing of who may register what.

mod change;
mod election;
mod entry;
mod failure;
mod listing;
mod place;
mod upkeep;
mod user_key;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;

use self::entry::{ATTRIBUTES, Found};
use self::failure::failed;
use self::listing::Listing;
use self::place::Place;
pub(crate) use self::place::{ISSUERS, SERVICE};
use super::codec::key_credential::USAGE_NGC;
use super::{
    AddedKey, CertificateMark, Device, DeviceId, DeviceKey, DeviceRegistry, DeviceService, Registration, RegistryError,
    is_touch_due,
};
use crate::clock::{Clock, UtcTime};
use crate::directory::Sid;
use crate::directory::filter::Filter;
use crate::directory::ldap::{LdapDirectory, ObjectChange, ObjectError, Objects, ValueChange};

/// The registry in Active Directory.
pub struct ActiveDirectoryRegistry {
    directory: Arc<LdapDirectory>,
    clock: Arc<dyn Clock>,
    /// DNS name of the domain whose domain controllers are asked for devices.
    domain: String,
    /// What was learnt of the directory, and when.
    place: Mutex<Option<(Duration, Arc<Place>)>>,
    listing: Mutex<Listing>,
}

impl ActiveDirectoryRegistry {
    /// The registry of a domain. Asks nothing yet.
    pub fn new(directory: Arc<LdapDirectory>, domain: String, clock: Arc<dyn Clock>) -> Self {
        Self { directory, clock, domain, place: Mutex::default(), listing: Mutex::default() }
    }

    /// What is known of the directory, a minute old at most.
    async fn place(&self) -> Result<Arc<Place>, RegistryError> {
        let mut known = self.place.lock().await;
        let now = self.clock.monotonic();
        if let Some((_, place)) = known.as_ref().filter(|(at, _)| now.saturating_sub(*at) < BELIEVED) {
            return Ok(Arc::clone(place));
        }
        let place = self.work(QUESTION, |mut objects| async move { Place::read(&mut objects).await }).await?;
        let place = Arc::new(place);
        *known = Some((now, Arc::clone(&place)));
        Ok(place)
    }

    /// Works on objects of the registry's domain.
    async fn work<T, Fut>(
        &self,
        within: Duration,
        work: impl FnOnce(Objects) -> Fut + Send + 'static,
    ) -> Result<T, RegistryError>
    where
        T: Send + 'static,
        Fut: Future<Output = Result<T, RegistryError>> + Send + 'static,
    {
        self.directory.work(&self.domain, within, work).await
    }

    /// Devices that match a filter.
    async fn search(&self, filter: Filter, max: usize) -> Result<Vec<Device>, RegistryError> {
        let container = self.place().await?.container.clone();
        let found =
            self.work(QUESTION, move |mut objects| async move { search(&mut objects, &container, filter, max).await });
        Ok(found.await?.into_iter().filter(|found| !found.begun_only).map(|found| found.device).collect())
    }

    /// Changes one device that is there, unless directory synchronisation wrote it.
    async fn change(
        &self,
        id: DeviceId,
        change: impl FnOnce(&Found) -> ObjectChange + Send + 'static,
    ) -> Result<(), RegistryError> {
        let container = self.place().await?.container.clone();
        self.work(CHANGE, move |mut objects| async move {
            let found = find(&mut objects, &container, id).await?.ok_or_else(|| no_device(id))?;
            refuse_written_back(&found)?;
            objects.change(&change(&found)).await.map_err(|error| failed(&error))
        })
        .await
    }
}

#[async_trait::async_trait]
impl DeviceRegistry for ActiveDirectoryRegistry {
    async fn find(&self, id: DeviceId) -> Result<Option<Device>, RegistryError> {
        let container = self.place().await?.container.clone();
        let found = self.work(QUESTION, move |mut objects| async move { find(&mut objects, &container, id).await });
        Ok(found.await?.filter(|found| !found.begun_only).map(|found| found.device))
    }

    async fn find_by_certificate(&self, mark: &CertificateMark) -> Result<Option<Device>, RegistryError> {
        let filter = of_class(Filter::equal("altSecurityIdentities", mark.to_text()));
        let mut devices = self.search(filter, MOST_OF_ONE).await?;
        // The directory compares without regard to case; the hash of another key may differ by case alone.
        devices.retain(|device| device.certificates.contains(mark));
        single(devices, "the certificate")
    }

    async fn of_user(&self, user: &Sid) -> Result<Vec<Device>, RegistryError> {
        self.search(of_class(Filter::equal("msDS-RegisteredUsers", user.to_bytes())), MOST_OF_USER).await
    }

    async fn list(&self, after: Option<DeviceId>, limit: usize) -> Result<Vec<Device>, RegistryError> {
        let container = self.place().await?.container.clone();
        let mut listing = self.listing.lock().await;
        let now = self.clock.monotonic();
        if !listing.is_good(after.is_none(), now) {
            let below = container.clone();
            let ids = self.work(LISTING, |mut objects| async move { listing::fetch(&mut objects, &below).await });
            *listing = Listing::new(ids.await?, now);
        }
        // Those that went meanwhile, and those that are none yet, leave room for the next.
        let (mut devices, mut after) = (Vec::new(), after);
        while devices.len() < limit {
            let ids = listing.behind(after, (limit - devices.len()).min(AT_ONCE));
            let Some(last) = ids.last() else { break };
            after = Some(*last);
            let any = ids.iter().map(|id| Filter::equal("msDS-DeviceID", id.0.to_bytes_le())).collect();
            devices.extend(self.search(of_class(Filter::Any(any)), 2 * AT_ONCE).await?);
        }
        devices.sort_by_key(|device| device.id);
        Ok(devices)
    }

    async fn register(&self, registration: &Registration) -> Result<Device, RegistryError> {
        let place = self.place().await?;
        let registration = registration.clone();
        self.work(CHANGE, move |mut objects| async move { register(&mut objects, &place, &registration).await }).await
    }

    async fn set_enabled(&self, id: DeviceId, enabled: bool) -> Result<(), RegistryError> {
        self.change(id, move |found| change::enabled(found, enabled)).await
    }

    async fn delete(&self, id: DeviceId) -> Result<bool, RegistryError> {
        match self.change(id, |found| ObjectChange::Delete { name: found.name.clone() }).await {
            Ok(()) => Ok(true),
            Err(RegistryError::NotFound { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn touch(&self, device: &Device, at: UtcTime) -> Result<(), RegistryError> {
        if !is_touch_due(device, at) {
            return Ok(());
        }
        let (container, id) = (self.place().await?.container.clone(), device.id);
        self.work(CHANGE, move |mut objects| async move {
            let found = find(&mut objects, &container, id).await?.ok_or_else(|| no_device(id))?;
            // Another node may have been faster. One that was disabled meanwhile is not used.
            if !is_touch_due(&found.device, at) || !found.device.enabled {
                return Ok(());
            }
            objects.change(&change::used(&found, at)).await.map_err(|error| failed(&error))
        })
        .await
    }

    async fn user_keys(&self, user: &Sid) -> Result<Vec<DeviceKey>, RegistryError> {
        let (domain, sid) = (self.directory.domain_name_of(user)?, *user);
        let read = move |mut objects: Objects| async move { user_key::all(&mut objects, &sid).await };
        let mut keys: Vec<DeviceKey> = self.directory.work(&domain, QUESTION, read).await?;
        keys.retain(|key| key.usage == USAGE_NGC);
        Ok(keys)
    }

    async fn add_user_key(&self, user: &Sid, key: &DeviceKey) -> Result<AddedKey, RegistryError> {
        if !self.place().await?.schema.keys {
            return Err(RegistryError::Refused {
                reason: String::from(
                    "the directory's schema has no msDS-KeyCredentialLink; that of Windows Server 2016 has",
                ),
            });
        }
        let (domain, sid, key) = (self.directory.domain_name_of(user)?, *user, key.clone());
        let add = move |mut objects: Objects| async move { user_key::add(&mut objects, &sid, &key).await };
        self.directory.work(&domain, CHANGE, add).await
    }

    async fn remove_user_key(&self, user: &Sid, key: &DeviceKey) -> Result<bool, RegistryError> {
        let (domain, sid, key) = (self.directory.domain_name_of(user)?, *user, key.clone());
        let remove = move |mut objects: Objects| async move { user_key::remove(&mut objects, &sid, &key).await };
        self.directory.work(&domain, CHANGE, remove).await
    }

    async fn service(&self) -> Result<DeviceService, RegistryError> {
        Ok(self.place().await?.service)
    }

    async fn published_issuers(&self) -> Result<Vec<Vec<u8>>, RegistryError> {
        Ok(self.place().await?.published_issuers.clone())
    }

    async fn publish_issuer(&self, certificate: &[u8]) -> Result<bool, RegistryError> {
        let place = self.place().await?;
        if place.published_issuers.iter().any(|published| published == certificate) {
            return Ok(false);
        }
        let (name, value) = (place.service_name.clone(), certificate.to_vec());
        self.work(CHANGE, move |mut objects| async move {
            let found = objects.read(&name, &[ISSUERS]).await.map_err(|error| failed(&error))?;
            // Another node may have been faster.
            if found.is_some_and(|object| object.attributes.octets(ISSUERS).any(|octets| octets == value)) {
                return Ok(false);
            }
            let parts = vec![(ISSUERS.to_owned(), ValueChange::Add(vec![value]))];
            objects.change(&ObjectChange::Modify { name, parts }).await.map_err(|error| failed(&error))?;
            Ok(true)
        })
        .await
    }
}

/// Registers on one domain controller. Whoever else registers the same device at this moment: one of the two is first, the other
/// registers again.
async fn register(objects: &mut Objects, place: &Place, registration: &Registration) -> Result<Device, RegistryError> {
    let id = registration.id;
    for _ in 0..2 {
        if let Some(found) = find(objects, &place.container, id).await? {
            refuse_written_back(&found)?;
            if found.begun_only {
                // What a crash left behind, or another node is about to complete: the last one to write counts.
                let again = change::again(registration, &found, place.schema)?;
                objects.change(&again).await.map_err(|error| failed(&error))?;
                let complete = change::complete(registration, &found.name, place.schema)?;
                objects.change(&complete).await.map_err(|error| failed(&error))?;
            } else if found.device.enabled {
                let again = change::again(registration, &found, place.schema)?;
                objects.change(&again).await.map_err(|error| failed(&error))?;
            } else if found.device.unused_since.is_some() {
                let revive = change::revive(registration, &found, place.schema)?;
                objects.change(&revive).await.map_err(|error| failed(&error))?;
            } else {
                return Err(RegistryError::Disabled { id });
            }
            return registered(objects, place, id).await;
        }
        let complete = change::complete(registration, &change::name(id, &place.container), place.schema)?;
        match objects.change(&change::begin(registration, &place.container, place.schema)).await {
            Ok(()) => {
                let completed = match quota(objects, place, registration).await {
                    Ok(()) => objects.change(&complete).await.map_err(|error| failed(&error)),
                    Err(refused) => Err(refused),
                };
                if let Err(error) = completed {
                    take_back(objects, complete.name()).await;
                    return Err(error);
                }
                return registered(objects, place, id).await;
            }
            Err(ObjectError::Exists { .. }) => {}
            Err(ObjectError::NotFound { .. }) => {
                let reason = format!("there is no {}: `chancery drs init` makes it", place.container);
                return Err(RegistryError::Refused { reason });
            }
            Err(error) => return Err(failed(&error)),
        }
    }
    let reason = format!("an object {} is there, but it is not the device {id}", change::name(id, &place.container));
    Err(RegistryError::Refused { reason })
}

/// Whether the owner may have one more. Counted once more when the first half of the device is there, other nodes' first halves
/// included: two that register the tenth at once may both be refused, and never both be taken.
async fn quota(objects: &mut Objects, place: &Place, registration: &Registration) -> Result<(), RegistryError> {
    let Some(limit) = registration.quota else { return Ok(()) };
    let filter = of_class(Filter::equal("msDS-RegisteredUsers", registration.owner.to_bytes()));
    let most = usize::try_from(limit).unwrap_or(usize::MAX);
    let found = search(objects, &place.container, filter, most.saturating_add(2).max(MOST_OF_USER)).await?;
    let count = found.iter().filter(|found| found.device.id != registration.id).count();
    if count < most { Ok(()) } else { Err(RegistryError::QuotaReached { count, limit }) }
}

/// The device as the directory has it now.
async fn registered(objects: &mut Objects, place: &Place, id: DeviceId) -> Result<Device, RegistryError> {
    find(objects, &place.container, id).await?.map(|found| found.device).ok_or_else(|| no_device(id))
}

/// Removes the first half of a registration whose second failed. What stays all the same is no device, and is swept.
async fn take_back(objects: &mut Objects, name: &str) {
    let delete = ObjectChange::Delete { name: name.to_owned() };
    if let Err(error) = objects.change(&delete).await {
        tracing::warn!(object = name, %error, "half a registration stays behind until devices are swept");
    }
}

async fn find(objects: &mut Objects, container: &str, id: DeviceId) -> Result<Option<Found>, RegistryError> {
    let filter = of_class(Filter::equal("msDS-DeviceID", id.0.to_bytes_le()));
    let found = search(objects, container, filter, MOST_OF_ONE).await?;
    single(found, &format!("device {id}"))
}

async fn search(
    objects: &mut Objects,
    container: &str,
    filter: Filter,
    max: usize,
) -> Result<Vec<Found>, RegistryError> {
    let found = objects.find(container, &filter.to_string(), ATTRIBUTES, max).await.map_err(|error| failed(&error))?;
    found.into_iter().map(entry::read).collect()
}

/// The identifier of the directory itself is not unique in it.
fn single<T>(mut found: Vec<T>, what: &str) -> Result<Option<T>, RegistryError> {
    let one = found.pop();
    if found.is_empty() { Ok(one) } else { Err(RegistryError::Ambiguous { what: what.to_owned() }) }
}

fn of_class(filter: Filter) -> Filter {
    Filter::All(vec![Filter::equal("objectClass", "msDS-Device"), filter])
}

fn refuse_written_back(found: &Found) -> Result<(), RegistryError> {
    if !found.device.written_back {
        return Ok(());
    }
    let reason = format!("{} was written by directory synchronisation: change the device in Entra", found.name);
    Err(RegistryError::Refused { reason })
}

fn no_device(id: DeviceId) -> RegistryError {
    RegistryError::NotFound { what: format!("device {id}") }
}

impl std::fmt::Debug for ActiveDirectoryRegistry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ActiveDirectoryRegistry").field("domain", &self.domain).finish_non_exhaustive()
    }
}

/// How long what was learnt of the directory is believed.
const BELIEVED: Duration = Duration::from_mins(1);
/// For a question.
const QUESTION: Duration = Duration::from_secs(8);
/// For a change of a few steps.
const CHANGE: Duration = Duration::from_secs(20);
/// For the identifiers of all devices.
const LISTING: Duration = Duration::from_mins(5);
/// Objects that one identifier may find; more than one is a failure anyhow.
const MOST_OF_ONE: usize = 16;
/// Devices of one user.
const MOST_OF_USER: usize = 10_000;
/// Identifiers in one question.
const AT_ONCE: usize = 50;
