//! `/adfs/portal/mydevices/`: somebody looks after their own devices, and nobody else's.
//!
//! A lost device is disabled or removed, after a question. What is disabled already stays as it is: an administrator may have done
//! that, and a device that is removed can register again.

use actix_web::http::StatusCode;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::parameters::Parameters;
use super::portal::{Entered, Portal};
use super::prompt::{Door, Place};
use super::{SignInFailure, reply};
use crate::audit::{AuthProtocol, Detail, EventKind, Name, Parties};
use crate::authn::{AuthnError, SsoSession, SubjectOrigin};
use crate::clock::UtcTime;
use crate::devices::{Device, DeviceId, DeviceServices, RegistryError, TrustType};
use crate::directory::{Account, Sid};
use crate::pages::{
    DeviceDone, DeviceDoneText, DeviceKind, DeviceQuestion, DeviceQuestionPage, DeviceRange, MyDevicesPage, Notice,
    Page, ShownDevice,
};
use crate::protocols::environment::Environment;
use crate::protocols::http::{Answer, Call};

/// Answers a request.
pub async fn handle(environment: &Environment, door: Door, call: &Call) -> Answer {
    let Some(devices) = &environment.devices else { return Answer::empty(StatusCode::NOT_FOUND) };
    let cx = environment.context(call, AuthProtocol::DeviceRegistration, PLACE.path(door));
    let candidates = cx.services.trusts.local_candidate();
    let portal =
        Portal { environment, cx: &cx, call, place: PLACE, door, name: "my devices", candidates, arrival: None };
    let entered = match portal.enter().await {
        Ok(entered) => entered,
        Err(failure) => return portal.refuse(&failure),
    };
    let (session, parameters, form, headers) = match entered {
        Entered::Answer(answer) => return answer,
        Entered::SignedIn { session, parameters, form, headers } => (session, parameters, form, headers),
    };
    let SubjectOrigin::Directory(account) = &session.subject.origin else {
        return portal.refuse(&AuthnError::Unavailable.into());
    };
    // A place nobody can read is the first one.
    let first = match parameters.line(FIRST, MAX_FIELD) {
        Ok(first) => first.and_then(|first| first.parse().ok()).unwrap_or_default(),
        Err(error) => return portal.refuse(&error.into()),
    };
    let visit = Visit { portal, devices, session: &session, account, first };
    let answer = match form {
        Some(form) => visit.answered(&form).await,
        None => visit.asked(&parameters).await,
    };
    answer.unwrap_or_else(|failure| portal.refuse(&failure)).with_headers(headers)
}

/// One request of somebody who is signed in.
struct Visit<'a> {
    portal: Portal<'a>,
    devices: &'a DeviceServices,
    session: &'a SsoSession,
    account: &'a Account,
    /// How many devices of the list come before those on the page.
    first: usize,
}

/// What somebody may do with a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Change {
    Disable,
    Remove,
}

impl Visit<'_> {
    /// The list, or a question about one of its devices.
    async fn asked(&self, parameters: &Parameters) -> Result<Answer, SignInFailure> {
        let own = match self.own().await {
            Ok(own) => own,
            Err(error) => return self.unavailable(&error),
        };
        let change = match parameters.line(CHANGE, MAX_FIELD)? {
            Some("disable") => Change::Disable,
            Some("remove") => Change::Remove,
            _ => return self.list(&own, None, None),
        };
        let named = parameters.line(DEVICE, MAX_FIELD)?.and_then(|id| Uuid::try_parse(id).ok()).map(DeviceId);
        match own.iter().find(|device| Some(device.id) == named && self.may_change(device)) {
            Some(device) => self.question(device, change),
            None => self.list(&own, Some(Notice::NoticeDeviceGone), None),
        }
    }

    /// The question was answered.
    async fn answered(&self, form: &Parameters) -> Result<Answer, SignInFailure> {
        let answered = self.portal.open::<(DeviceId, Change)>(self.session, form, ANSWER)?;
        let own = match self.own().await {
            Ok(own) => own,
            Err(error) => return self.unavailable(&error),
        };
        let Some((id, change)) = answered else { return self.list(&own, Some(Notice::NoticeStale), None) };
        let Some(device) = own.iter().find(|device| device.id == id && self.may_change(device)) else {
            return self.list(&own, Some(Notice::NoticeDeviceGone), None);
        };
        let (text, outcome) = match change {
            Change::Disable => {
                (DeviceDoneText::DeviceDisabled, self.devices.registry.set_enabled(id, false).await.map(|()| true))
            }
            Change::Remove => (DeviceDoneText::DeviceRemoved, self.devices.registry.delete(id).await),
        };
        self.note(id, change, outcome.as_ref().err());
        match (outcome, self.own().await) {
            (Ok(true), Ok(now)) => self.list(&now, None, Some(DeviceDone { text, name: device.display_name.clone() })),
            (Ok(false) | Err(RegistryError::NotFound { .. }), Ok(now)) => {
                self.list(&now, Some(Notice::NoticeDeviceGone), None)
            }
            (Err(error), _) | (_, Err(error)) => self.unavailable(&error),
        }
    }

    /// The devices of whoever is signed in: those that work before those that are disabled, those used last first.
    async fn own(&self) -> Result<Vec<Device>, RegistryError> {
        let mut own = self.devices.registry.of_user(&self.account.sid).await?;
        own.sort_by_cached_key(|device| {
            let used = std::cmp::Reverse(device.last_used.or(device.registered));
            (!device.enabled, used, device.display_name.clone())
        });
        Ok(own)
    }

    fn may_change(&self, device: &Device) -> bool {
        may_change(device, &self.account.sid)
    }

    fn list(&self, own: &[Device], notice: Option<Notice>, done: Option<DeviceDone>) -> Result<Answer, SignInFailure> {
        let first = first_shown(self.first, own.len());
        let devices: Vec<ShownDevice> =
            own.iter().skip(first).take(MOST_SHOWN).map(|device| self.shown(device)).collect();
        let end = first + devices.len();
        let status = match notice {
            Some(Notice::NoticeDeviceGone) => StatusCode::NOT_FOUND,
            _ => StatusCode::OK,
        };
        let page = MyDevicesPage {
            user: self.account.upn.clone().unwrap_or_else(|| self.account.windows_account_name()),
            notice,
            done,
            shown: (own.len() > devices.len()).then(|| DeviceRange {
                first: (first + 1).to_string(),
                last: end.to_string(),
                total: own.len().to_string(),
                earlier: (first > 0).then(|| list_at(first.saturating_sub(MOST_SHOWN))),
                later: (end < own.len()).then(|| list_at(end)),
            }),
            devices,
        };
        self.page(status, &page)
    }

    fn question(&self, device: &Device, change: Change) -> Result<Answer, SignInFailure> {
        let page = DeviceQuestionPage {
            action: list_at(self.first),
            state: self.portal.seal(self.session, &(device.id, change))?,
            question: match change {
                Change::Disable => DeviceQuestion::DeviceDisable,
                Change::Remove => DeviceQuestion::DeviceRemove,
            },
            device: self.shown(device),
        };
        self.page(StatusCode::OK, &page)
    }

    fn unavailable(&self, error: &RegistryError) -> Result<Answer, SignInFailure> {
        tracing::warn!(correlation = %self.portal.cx.request.activity, %error, "own devices cannot be shown or changed");
        let page = MyDevicesPage {
            user: self.account.windows_account_name(),
            notice: Some(Notice::NoticeDevicesUnavailable),
            done: None,
            devices: Vec::new(),
            shown: None,
        };
        self.page(StatusCode::SERVICE_UNAVAILABLE, &page)
    }

    fn page<P: Page>(&self, status: StatusCode, page: &P) -> Result<Answer, SignInFailure> {
        let Portal { environment, cx, call, .. } = self.portal;
        Ok(reply::page(&environment.browser, cx, call, status, None, page)?)
    }

    fn shown(&self, device: &Device) -> ShownDevice {
        let link = |change: &str| {
            let link = || with(&list_at(self.first), &format!("{DEVICE}={}&{CHANGE}={change}", device.id));
            self.may_change(device).then(link)
        };
        let system = [device.os_type.as_deref(), device.os_version.as_deref()];
        ShownDevice {
            name: shortened(&device.display_name),
            system: shortened(&system.into_iter().flatten().collect::<Vec<_>>().join(" ")),
            kind: match device.trust_type {
                Some(TrustType::WORKPLACE) => DeviceKind::DeviceKindOwn,
                Some(TrustType::DOMAIN) => DeviceKind::DeviceKindDomain,
                _ => DeviceKind::DeviceKindOther,
            },
            used: device.last_used.map(day),
            registered: device.registered.map(day),
            enabled: device.enabled,
            disable: link("disable"),
            remove: link("remove"),
        }
    }

    fn note(&self, device: DeviceId, change: Change, failure: Option<&RegistryError>) {
        let change = match change {
            Change::Disable => "disable",
            Change::Remove => "delete",
        };
        self.portal.cx.note([EventKind::DeviceAdministered {
            parties: Parties::of(&self.session.subject, None),
            device,
            change: Name::public(change),
            failure: failure.map(|error| Detail::public(&error.to_string())),
        }]);
    }
}

/// Whether `user` may disable or remove a device: an enabled one of their own, which no directory synchronisation wrote.
fn may_change(device: &Device, user: &Sid) -> bool {
    device.enabled && !device.written_back && device.owner.as_ref() == Some(user)
}

/// How many devices come before those that are shown when `first` was asked for: whole pages, and never past the last one.
fn first_shown(first: usize, devices: usize) -> usize {
    first.min(devices.saturating_sub(1)) / MOST_SHOWN * MOST_SHOWN
}

/// The list with so many devices before those it shows.
fn list_at(first: usize) -> String {
    let page = PLACE.path(Door::Main);
    if first == 0 { page.to_owned() } else { with(page, &format!("{FIRST}={first}")) }
}

/// An address with more parameters.
fn with(address: &str, parameters: &str) -> String {
    format!("{address}{}{parameters}", if address.contains('?') { '&' } else { '?' })
}

/// What a device says of itself may be long.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(MOST_CHARACTERS) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// The day of a time, as every language reads it.
fn day(time: UtcTime) -> String {
    let text = time.to_xml();
    text.get(..10).unwrap_or(&text).to_owned()
}

const PLACE: Place = Place::MyDevices;
/// Parameters of a question.
const DEVICE: &str = "Device";
const CHANGE: &str = "Change";
/// The parameter of a place in the list.
const FIRST: &str = "First";
/// The field of an answer.
const ANSWER: &str = "Answer";
const MAX_FIELD: usize = 64;
/// Devices on the page, which stays small with them.
const MOST_SHOWN: usize = 10;
const MOST_CHARACTERS: usize = 80;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::devices::samples;

    #[test]
    fn only_enabled_devices_of_ones_own_may_be_changed() {
        let device = samples::device(DeviceId(Uuid::from_u128(1)));
        let owner = device.owner.unwrap();
        let stranger: Sid = "S-1-5-21-9-9-9-1".parse().unwrap();
        assert!(may_change(&device, &owner));
        for (device, user) in [
            (device.clone(), &stranger),
            (Device { enabled: false, ..device.clone() }, &owner),
            (Device { written_back: true, ..device.clone() }, &owner),
            (Device { owner: None, ..device.clone() }, &owner),
            // Whoever only uses it does not own it.
            (Device { users: vec![stranger], ..device.clone() }, &stranger),
        ] {
            assert!(!may_change(&device, user), "{device:?}");
        }
    }

    #[test]
    fn a_list_is_shown_in_whole_pages() {
        for (asked, devices, first) in
            [(0, 0, 0), (0, 10, 0), (10, 10, 0), (10, 11, 10), (15, 25, 10), (20, 25, 20), (usize::MAX, 25, 20)]
        {
            assert_eq!(first_shown(asked, devices), first, "{asked} of {devices}");
        }
        assert_eq!(list_at(0), "/adfs/portal/mydevices/");
        assert_eq!(with(&list_at(20), "Change=remove"), "/adfs/portal/mydevices/?First=20&Change=remove");
    }

    #[test]
    fn what_a_device_says_is_shortened_and_days_are_days() {
        assert_eq!(shortened("ä".repeat(80).as_str()), "ä".repeat(80));
        assert_eq!(shortened("ä".repeat(81).as_str()), format!("{}…", "ä".repeat(80)));
        assert_eq!(day(UtcTime::from_unix_seconds(1_697_437_335)), "2023-10-16");
    }
}
