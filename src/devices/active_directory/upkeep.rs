//! Sweeping devices in the directory.

use std::time::Duration;

use uuid::Uuid;

use super::entry::{ATTRIBUTES, BEGUN, PHYSICAL, STAMP, UNUSED};
use super::failure::failed;
use super::{ActiveDirectoryRegistry, CHANGE, LISTING, QUESTION, election, entry, find, of_class, refuse_written_back};
use crate::clock::UtcTime;
use crate::devices::active_directory::change;
use crate::devices::upkeep::{HALF, last_sign};
use crate::devices::{DeviceId, DeviceUpkeep, RegistryError, UnusedDevice};
use crate::directory::filter::Filter;
use crate::directory::ldap::{ObjectChange, Objects};

#[async_trait::async_trait]
impl DeviceUpkeep for ActiveDirectoryRegistry {
    async fn unused(
        &self,
        before: UtcTime,
        marked_before: UtcTime,
        now: UtcTime,
        limit: usize,
    ) -> Result<Vec<UnusedDevice>, RegistryError> {
        let container = self.place().await?.container.clone();
        let filter = of_class(Filter::Any(vec![unused(before, marked_before), begun(now)])).to_string();
        let work = move |mut objects: Objects| async move {
            let found = objects.find_first(&container, &filter, ATTRIBUTES, limit).await;
            found.map(|(found, _)| found).map_err(|error| failed(&error))
        };
        let found = self.work(LISTING, work).await?;
        let of = |object| {
            let found = entry::read(object)?;
            Ok(UnusedDevice { device: found.device, begun_only: found.begun_only })
        };
        // One that does not decode keeps nobody from sweeping the others.
        Ok(found.into_iter().map(of).filter_map(|unused: Result<_, RegistryError>| unused.ok()).collect())
    }

    async fn disable_unused(&self, id: DeviceId, before: UtcTime, now: UtcTime) -> Result<bool, RegistryError> {
        let container = self.place().await?.container.clone();
        self.work(CHANGE, move |mut objects| async move {
            let Some(found) = find(&mut objects, &container, id).await? else { return Ok(false) };
            refuse_written_back(&found)?;
            let unused = last_sign(&found.device).is_some_and(|last| last <= before);
            if !found.device.enabled || found.begun_only || !unused {
                return Ok(false);
            }
            objects.change(&change::disable_unused(&found, now)).await.map_err(|error| failed(&error))?;
            Ok(true)
        })
        .await
    }

    async fn disabled_since(&self, since: UtcTime) -> Result<usize, RegistryError> {
        let container = self.place().await?.container.clone();
        // Whoever marks an object changes it; what was changed before was marked before.
        let changed = Filter::Not(Box::new(Filter::AtMost("whenChanged", generalized_time(since.minus(CLOCKS)))));
        let filter = of_class(Filter::All(vec![Filter::equal(PHYSICAL, UNUSED), changed])).to_string();
        let work = move |mut objects: Objects| async move {
            let found = objects.find_first(&container, &filter, ATTRIBUTES, MOST_COUNTED).await;
            found.map(|(found, _)| found).map_err(|error| failed(&error))
        };
        let found = self.work(LISTING, work).await?;
        let marked = found.into_iter().filter_map(|object| entry::read(object).ok()?.device.unused_since);
        Ok(marked.filter(|at| *at >= since).count())
    }

    async fn claim_sweep(&self, holder: Uuid, now: UtcTime, until: UtcTime) -> Result<bool, RegistryError> {
        let service = self.place().await?.service_name.clone();
        let referee = self.work(QUESTION, |mut objects| async move { election::referee(&mut objects).await }).await?;
        let claim = move |mut objects: Objects| async move {
            election::claim(&mut objects, &service, (holder, now, until)).await
        };
        self.directory.work_at(&self.domain, &referee, CHANGE, claim).await
    }

    async fn delete_unused(&self, id: DeviceId, marked_before: UtcTime) -> Result<bool, RegistryError> {
        let container = self.place().await?.container.clone();
        self.work(CHANGE, move |mut objects| async move {
            let Some(found) = find(&mut objects, &container, id).await? else { return Ok(false) };
            refuse_written_back(&found)?;
            let marked = found.device.unused_since.is_some_and(|at| at <= marked_before);
            if !marked && !found.begun_only {
                return Ok(false);
            }
            objects.change(&ObjectChange::Delete { name: found.name }).await.map_err(|error| failed(&error))?;
            Ok(true)
        })
        .await
    }
}

/// Not used since, and enabled, or marked so long ago. Marking changes an object, so that what was changed since waits; one that was
/// changed for another reason waits longer.
fn unused(before: UtcTime, marked_before: UtcTime) -> Filter {
    let by_stamp = Filter::AtMost(STAMP, before.to_filetime().to_string().into_bytes());
    let by_registration = Filter::All(vec![
        Filter::Not(Box::new(Filter::Present(STAMP))),
        Filter::AtMost("whenCreated", generalized_time(before)),
    ]);
    let unchanged = Filter::AtMost("whenChanged", generalized_time(marked_before.plus(CLOCKS)));
    let marked = Filter::All(vec![Filter::equal(PHYSICAL, UNUSED), unchanged]);
    let state = Filter::Any(vec![Filter::equal("msDS-IsEnabled", "TRUE"), marked]);
    let own = Filter::Not(Box::new(Filter::Present("msDS-CloudAnchor")));
    Filter::All(vec![own, state, Filter::Any(vec![by_stamp, by_registration])])
}

/// Begun an hour ago and never ended.
fn begun(now: UtcTime) -> Filter {
    Filter::All(vec![Filter::equal(PHYSICAL, BEGUN), Filter::AtMost("whenCreated", generalized_time(now.minus(HALF)))])
}

/// How far the clock of a domain controller may be from this server's.
const CLOCKS: Duration = Duration::from_mins(10);
/// More than a sweep may change.
const MOST_COUNTED: usize = 20_000;

/// As `whenCreated` is written.
fn generalized_time(at: UtcTime) -> Vec<u8> {
    let digits: String = at.to_xml().chars().take(19).filter(char::is_ascii_digit).collect();
    format!("{digits}.0Z").into_bytes()
}
