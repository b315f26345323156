//! What every registry does. Run on SQLite as a unit test, and on Active Directory and PostgreSQL in the lab.
//!
//! Included by path into the end-to-end tests, too: everything it names comes from the module above it.

use std::time::Duration;

use uuid::Uuid;

use super::{
    CertificateMark, DeviceId, DeviceKey, DeviceRegistry, Registration, RegistryError, Sid, TrustType, UtcTime,
};

/// 2026-01-05T10:00:00Z.
const NOW: UtcTime = UtcTime::from_unix_seconds(1_767_607_200);

/// A registry, and whom the tests may register devices for.
pub(crate) struct Subject<'r> {
    pub(crate) registry: &'r dyn DeviceRegistry,
    /// A user that exists.
    pub(crate) user: Sid,
    /// Different in each run: nothing is left behind, but what a broken run left must not matter.
    pub(crate) unique: u64,
    /// Whether keys, trust types and SIDs of computers are kept: not in a directory with the schema of 2012 R2.
    pub(crate) full: bool,
}

impl Subject<'_> {
    fn id(&self, number: u64) -> DeviceId {
        DeviceId(Uuid::from_u64_pair(self.unique, number))
    }

    fn mark(&self, number: u8) -> CertificateMark {
        let mut mark = CertificateMark { thumbprint: [number; 20], public_key: [number; 32] };
        mark.thumbprint[..8].copy_from_slice(&self.unique.to_be_bytes());
        mark
    }

    fn registration(&self, number: u8) -> Registration {
        Registration {
            id: self.id(u64::from(number)),
            display_name: format!("Poste de Zoé {number}"),
            os_type: String::from("Windows"),
            os_version: String::from("10.0.26100.0"),
            owner: self.user,
            computer_sid: Some(self.user),
            trust_type: Some(TrustType::DOMAIN),
            certificate: self.mark(number),
            transport_key: Some(vec![number; 283]),
            quota: None,
            at: NOW,
        }
    }

    /// Everything, one after the other.
    pub(crate) async fn conforms(&self) {
        self.a_device_is_found_by_all_its_names().await;
        self.registering_again_replaces_what_was_there().await;
        self.a_disabled_device_stays_disabled().await;
        self.a_certificate_of_two_devices_is_nobodys().await;
        self.a_registration_may_say_little().await;
        self.devices_are_listed_in_order().await;
        self.an_owner_has_as_many_as_allowed().await;
        self.use_is_noted_every_14_days().await;
        self.users_have_keys().await;
        let service = self.registry.service().await.unwrap();
        assert!(service.enabled && service.registration_quota == 10 && service.maximum_inactivity_days == 90);
        assert_eq!(service.keeps_keys, self.full);
    }

    async fn a_device_is_found_by_all_its_names(&self) {
        let (registry, wanted) = (self.registry, self.registration(1));
        assert_eq!(registry.find(wanted.id).await, Ok(None));
        let device = registry.register(&wanted).await.unwrap();
        assert_eq!(device.id, wanted.id);
        assert_eq!(device.display_name, wanted.display_name);
        assert_eq!(device.os_type.as_deref(), Some("Windows"));
        assert_eq!(device.os_version.as_deref(), Some("10.0.26100.0"));
        assert!(device.enabled && !device.written_back);
        assert_eq!((device.owner, device.users.as_slice()), (Some(self.user), &[self.user][..]));
        assert_eq!(device.certificates, [wanted.certificate]);
        assert_eq!(device.last_used, Some(NOW));
        let transport = DeviceKey { usage: 2, material: vec![1; 283], device: Some(wanted.id), created: Some(NOW) };
        if self.full {
            assert_eq!((device.trust_type, device.computer_sid), (wanted.trust_type, wanted.computer_sid));
            assert_eq!(device.keys, [transport]);
        } else {
            assert_eq!((device.trust_type, device.computer_sid, device.keys.len()), (None, None, 0));
        }

        assert_eq!(registry.find(wanted.id).await, Ok(Some(device.clone())));
        assert_eq!(registry.find_by_certificate(&wanted.certificate).await, Ok(Some(device.clone())));
        assert_eq!(registry.find_by_certificate(&self.mark(200)).await, Ok(None));
        // The same thumbprint and another key is another certificate.
        let other_key = CertificateMark { public_key: [9; 32], ..wanted.certificate };
        assert_eq!(registry.find_by_certificate(&other_key).await, Ok(None));
        assert!(registry.of_user(&self.user).await.unwrap().contains(&device));
        assert!(
            !registry.of_user(&self.user.parent().unwrap().child(4_000_000).unwrap()).await.unwrap().contains(&device)
        );

        assert_eq!(registry.delete(wanted.id).await, Ok(true));
        assert_eq!(registry.delete(wanted.id).await, Ok(false));
        assert_eq!(registry.find(wanted.id).await, Ok(None));
        assert_eq!(registry.find_by_certificate(&wanted.certificate).await, Ok(None));
    }

    async fn an_owner_has_as_many_as_allowed(&self) {
        let registry = self.registry;
        // A user that nobody else has.
        let rid = u32::try_from(self.unique % 1_000_000_000).unwrap_or_default() + 1_000_000_000;
        let owner = self.user.parent().unwrap().child(rid).unwrap();
        let wanted = |number| Registration { owner, quota: Some(2), ..self.registration(number) };
        for number in [61, 62] {
            registry.register(&wanted(number)).await.unwrap();
        }
        let refused = registry.register(&wanted(63)).await;
        assert_eq!(refused, Err(RegistryError::QuotaReached { count: 2, limit: 2 }));
        assert_eq!(registry.find(self.id(63)).await, Ok(None));
        // One that is there is no third; and without a quota there is none.
        registry.register(&wanted(62)).await.unwrap();
        registry.register(&Registration { quota: None, ..wanted(63) }).await.unwrap();
        for number in [61, 62, 63] {
            assert_eq!(registry.delete(self.id(number)).await, Ok(true));
        }
    }

    async fn registering_again_replaces_what_was_there(&self) {
        let (registry, first) = (self.registry, self.registration(2));
        let before = registry.register(&first).await.unwrap();
        let again = Registration {
            display_name: String::from("renamed"),
            os_version: String::from("10.0.30000.0"),
            certificate: self.mark(3),
            transport_key: Some(vec![7; 283]),
            quota: None,
            at: NOW.plus(Duration::from_mins(1)),
            ..first.clone()
        };
        let after = registry.register(&again).await.unwrap();
        assert_eq!((after.id, after.registered), (before.id, before.registered));
        assert_eq!((after.display_name.as_str(), after.os_version.as_deref()), ("renamed", Some("10.0.30000.0")));
        assert_eq!(after.certificates, [again.certificate]);
        let keys: Vec<_> = after.keys.iter().map(|key| key.material.as_slice()).collect();
        assert_eq!(keys, if self.full { vec![&[7; 283][..]] } else { Vec::new() });
        assert_eq!(after.last_used, Some(again.at));
        assert_eq!(registry.find_by_certificate(&first.certificate).await, Ok(None));
        assert_eq!(registry.find_by_certificate(&again.certificate).await, Ok(Some(after)));
        assert_eq!(registry.delete(first.id).await, Ok(true));
    }

    async fn a_disabled_device_stays_disabled(&self) {
        let (registry, first) = (self.registry, self.registration(4));
        registry.register(&first).await.unwrap();
        registry.set_enabled(first.id, false).await.unwrap();
        let disabled = registry.find(first.id).await.unwrap().unwrap();
        assert!(!disabled.enabled);
        let again = Registration { certificate: self.mark(5), ..first.clone() };
        assert_eq!(registry.register(&again).await, Err(RegistryError::Disabled { id: first.id }));
        assert_eq!(registry.find(first.id).await, Ok(Some(disabled)));
        registry.set_enabled(first.id, true).await.unwrap();
        assert!(registry.register(&again).await.unwrap().enabled);
        assert_eq!(registry.delete(first.id).await, Ok(true));
        for enabled in [true, false] {
            assert!(matches!(registry.set_enabled(first.id, enabled).await, Err(RegistryError::NotFound { .. })));
        }
    }

    async fn a_certificate_of_two_devices_is_nobodys(&self) {
        let registry = self.registry;
        let (first, second) = (self.registration(7), Registration { id: self.id(8), ..self.registration(7) });
        for registration in [&first, &second] {
            registry.register(registration).await.unwrap();
        }
        let found = registry.find_by_certificate(&first.certificate).await;
        assert!(matches!(found, Err(RegistryError::Ambiguous { .. })), "{found:?}");
        for registration in [&first, &second] {
            assert_eq!(registry.delete(registration.id).await, Ok(true));
        }
    }

    async fn a_registration_may_say_little(&self) {
        let little = Registration { computer_sid: None, trust_type: None, transport_key: None, ..self.registration(6) };
        let device = self.registry.register(&little).await.unwrap();
        assert!(device.keys.is_empty() && device.trust_type.is_none() && device.computer_sid.is_none());
        assert!(device.enabled);
        assert_eq!(self.registry.delete(little.id).await, Ok(true));
    }

    async fn devices_are_listed_in_order(&self) {
        for number in [12, 10, 11] {
            self.registry.register(&self.registration(number)).await.unwrap();
        }
        let (mut listed, mut after) = (Vec::new(), None);
        loop {
            let part = self.registry.list(after, 2).await.unwrap();
            assert!(part.len() <= 2);
            let Some(last) = part.last() else { break };
            after = Some(last.id);
            listed.extend(part.into_iter().map(|device| device.id));
        }
        assert!(listed.is_sorted());
        let own: Vec<_> = listed.into_iter().filter(|id| id.0.as_u64_pair().0 == self.unique).collect();
        assert_eq!(own, [10, 11, 12].map(|number| self.id(number)));
        for number in [10, 11, 12] {
            self.registry.delete(self.id(number)).await.unwrap();
        }
    }

    async fn use_is_noted_every_14_days(&self) {
        let (registry, day) = (self.registry, Duration::from_hours(24));
        let device = registry.register(&self.registration(20)).await.unwrap();
        registry.touch(&device, NOW.plus(day * 13)).await.unwrap();
        assert_eq!(registry.find(device.id).await.unwrap().unwrap().last_used, Some(NOW));
        registry.touch(&device, NOW.plus(day * 14)).await.unwrap();
        assert_eq!(registry.find(device.id).await.unwrap().unwrap().last_used, Some(NOW.plus(day * 14)));
        // Who still holds the old record does not turn the stamp back.
        registry.touch(&device, NOW.plus(day * 20)).await.unwrap();
        assert!(registry.find(device.id).await.unwrap().unwrap().last_used >= Some(NOW.plus(day * 14)));
        registry.delete(device.id).await.unwrap();
    }

    async fn users_have_keys(&self) {
        let mut material = vec![3; 283];
        material[20..28].copy_from_slice(&self.unique.to_be_bytes());
        let key = DeviceKey { usage: 1, material, device: Some(self.id(30)), created: Some(NOW) };
        assert!(!self.registry.user_keys(&self.user).await.unwrap().contains(&key));
        if !self.full {
            let refused = self.registry.add_user_key(&self.user, &key).await;
            assert!(
                matches!(&refused, Err(RegistryError::Refused { reason }) if reason.contains("Windows Server 2016")),
                "{refused:?}"
            );
            return;
        }
        let held = async || {
            let keys = self.registry.user_keys(&self.user).await.unwrap();
            keys.into_iter().filter(|held| held.material == key.material).collect::<Vec<_>>()
        };
        assert!(self.registry.add_user_key(&self.user, &key).await.unwrap().is_new);
        let later = DeviceKey { created: Some(NOW.plus(Duration::from_mins(1))), ..key.clone() };
        assert!(!self.registry.add_user_key(&self.user, &later).await.unwrap().is_new);
        assert_eq!(held().await, std::slice::from_ref(&key));
        // Neither another key nor a key of another use is taken for it.
        let mut other = key.clone();
        other.material[30] ^= 1;
        for other in [other, DeviceKey { usage: 7, ..key.clone() }] {
            assert_eq!(self.registry.remove_user_key(&self.user, &other).await, Ok(false));
        }
        assert_eq!(held().await, std::slice::from_ref(&key));
        assert_eq!(self.registry.remove_user_key(&self.user, &later).await, Ok(true), "whenever it was made");
        assert_eq!(self.registry.remove_user_key(&self.user, &key).await, Ok(false));
        assert_eq!(held().await, []);
    }
}
