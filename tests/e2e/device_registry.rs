//! Registries of devices in the lab: the domain's own, and PostgreSQL. Driven as the server drives them, read back by ldapsearch.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chancery::clock::{SystemClock, SystemRandomSource, UtcTime};
use chancery::devices::{
    ActiveDirectoryRegistry, CertificateMark, DeviceId, DeviceKey, DeviceRegistry, DeviceUpkeep, Registration,
    RegistryError, SqlPlace, SqlRegistry, SqlSettings, TrustType,
};
use chancery::directory::Sid;
use chancery::directory::ldap::{Bind, DomainOptions, LdapDirectory, LdapLimits, LdapOptions, Transport};
use chancery::kerberos::ClientKeytab;
use chancery::secret::Secret;
use chancery::store::postgresql::{PostgresqlOptions, PostgresqlServer};

use crate::drs_client::{device_dn, ldap_modify, ldap_read};
use crate::support::{Lab, variable};
use conformance::Subject;

#[path = "../../src/devices/conformance.rs"]
mod conformance;

/// The first domain, as the service account sees it.
pub fn registry() -> ActiveDirectoryRegistry {
    let lab = Lab::get();
    let keytab = ClientKeytab::new(lab.keytabs.join("svc-sts.keytab"), None, lab.realm.clone());
    let domain = DomainOptions {
        dns_name: lab.domain.clone(),
        netbios: lab.realm.split('.').next().unwrap().to_owned(),
        sid: variable("LAB_SID").parse().unwrap(),
        base_dn: None,
        upn_suffixes: Vec::new(),
        servers: vec![variable("LAB_DC").parse().unwrap()],
        transport: Transport::Ldaps,
        ca_files: vec![variable("LAB_DC_CA").into()],
        bind: Bind::Gssapi(Arc::new(keytab)),
    };
    let clock = Arc::new(SystemClock::new());
    let options = LdapOptions { domains: vec![domain], limits: LdapLimits::default() };
    let directory = Arc::new(LdapDirectory::new(options, clock.clone()).unwrap());
    ActiveDirectoryRegistry::new(directory, lab.domain.clone(), clock)
}

pub fn sid(account: &str) -> Sid {
    Lab::get().object(account).sid.parse().unwrap()
}

pub fn container() -> String {
    format!("CN=RegisteredDevices,{}", variable("LAB_BASE_DN"))
}

/// The attributes of a device as `name: value` lines.
pub fn read_back(id: DeviceId) -> Vec<String> {
    ldap_read(&device_dn(&id.to_string()), &["*"]).lines().map(str::to_owned).collect()
}

pub fn registration(unique: u64, owner: Sid) -> Registration {
    let mut mark = CertificateMark { thumbprint: [1; 20], public_key: [2; 32] };
    mark.thumbprint[..8].copy_from_slice(&unique.to_be_bytes());
    Registration {
        id: DeviceId(uuid::Uuid::from_u64_pair(unique, 77)),
        display_name: String::from("MYPC"),
        os_type: String::from("Windows"),
        os_version: String::from("10.0.26100.0"),
        owner,
        computer_sid: Some(owner),
        trust_type: Some(TrustType::DOMAIN),
        certificate: mark,
        transport_key: Some(vec![5; 283]),
        quota: None,
        at: UtcTime::from_filetime(134_116_560_000_000_000).unwrap(),
    }
}

#[tokio::test]
async fn active_directory_conforms() {
    // The lab may be one with the plain schema of 2012 R2 (tests/lab/up).
    conforms(&registry(), sid("alice"), variable("LAB_SCHEMA") == "2016").await;
}

/// Whether a registry does what every one must; one that keeps no keys is not `full`.
pub async fn conforms(registry: &dyn DeviceRegistry, user: Sid, full: bool) {
    Subject { registry, user, unique: fastrand::u64(..), full }.conforms().await;
}

#[tokio::test]
async fn postgresql_conforms() {
    let registry = sql(SqlPlace::Postgresql(postgresql()));
    conforms(&registry, sid("alice"), true).await;
}

/// The lab's database of devices.
pub fn postgresql() -> PostgresqlOptions {
    PostgresqlOptions {
        server: PostgresqlServer::Host {
            name: variable("LAB_POSTGRES"),
            port: 5432,
            ca_file: Some(variable("CHANCERY_CA").into()),
        },
        database: String::from("devices"),
        user: String::from("chancery"),
        password: Some(Secret::new(String::from("Hr-Db-Pw-1"))),
    }
}

/// A registry in a database.
pub fn sql(place: SqlPlace) -> SqlRegistry {
    let settings = SqlSettings { registration_quota: 10, maximum_inactivity_days: 90 };
    SqlRegistry::new(place, settings, Arc::new(SystemRandomSource::new())).unwrap()
}

#[tokio::test]
async fn what_is_written_is_what_ad_fs_writes() {
    let (registry, owner) = (registry(), sid("WS01$"));
    let wanted = registration(fastrand::u64(..), owner);
    registry.register(&wanted).await.unwrap();
    let held = read_back(wanted.id);
    let owner = STANDARD.encode(owner.to_bytes());
    let expected = [
        String::from("objectClass: msDS-Device"),
        String::from("displayName: MYPC"),
        format!("msDS-DeviceID:: {}", STANDARD.encode(wanted.id.0.to_bytes_le())),
        String::from("msDS-IsEnabled: TRUE"),
        format!("altSecurityIdentities: {}", wanted.certificate.to_text()),
        String::from("msDS-DeviceOSType: Windows"),
        String::from("msDS-DeviceOSVersion: 10.0.26100.0"),
        format!("msDS-RegisteredOwner:: {owner}"),
        format!("msDS-RegisteredUsers:: {owner}"),
        String::from("msDS-ApproximateLastLogonTimeStamp: 134116560000000000"),
        String::from("msDS-DeviceObjectVersion: 2"),
        String::from("msDS-DeviceTrustType: 2"),
        String::from("msDS-CloudIsManaged: FALSE"),
        format!("msDS-ComputerSID:: {owner}"),
    ];
    for line in expected {
        assert!(held.contains(&line), "{line} is not in {held:#?}");
    }
    let link = held.iter().find_map(|line| line.strip_prefix("msDS-KeyCredentialLink: ")).unwrap();
    assert!(link.starts_with("B:828:00020000200001"), "{link}");
    assert!(link.ends_with(&format!(":CN={},{}", wanted.id, container())), "{link}");
    assert!(!held.iter().any(|line| line.starts_with("msDS-DevicePhysicalIDs")), "{held:#?}");
    assert_eq!(registry.delete(wanted.id).await, Ok(true));
    assert!(read_back(wanted.id).is_empty());
}

#[tokio::test]
async fn of_what_was_written_back_only_the_stamp_of_its_use_is_changed() {
    let registry = registry();
    let what = registration(fastrand::u64(..), sid("alice"));
    let (id, name) = (what.id, format!("CN={},{}", what.id, container()));
    ldap_modify(&format!(
        "dn: {name}\nchangetype: add\nobjectClass: msDS-Device\ndisplayName: Written back\nmsDS-DeviceID:: {}\n\
         msDS-IsEnabled: TRUE\naltSecurityIdentities: {}\nmsDS-CloudAnchor:: AQID\n",
        STANDARD.encode(id.0.to_bytes_le()),
        what.certificate.to_text()
    ));
    let before = read_back(id);
    let device = registry.find_by_certificate(&what.certificate).await.unwrap().unwrap();
    assert!(device.written_back && device.enabled && device.last_used.is_none());
    assert!(
        matches!(registry.register(&what).await, Err(RegistryError::Refused { reason }) if reason.contains("Entra"))
    );
    assert!(matches!(registry.set_enabled(id, false).await, Err(RegistryError::Refused { .. })));
    assert!(matches!(registry.delete(id).await, Err(RegistryError::Refused { .. })));
    assert_eq!(read_back(id), before);
    registry.touch(&device, what.at).await.unwrap();
    let changed: Vec<_> = read_back(id).into_iter().filter(|line| !before.contains(line)).collect();
    assert!(changed.iter().any(|line| line == "msDS-ApproximateLastLogonTimeStamp: 134116560000000000"), "{changed:?}");
    assert!(
        changed.iter().all(|l| ["msDS-Approx", "uSNChanged", "whenChanged"].iter().any(|p| l.starts_with(p))),
        "{changed:?}"
    );
    ldap_modify(&format!("dn: {name}\nchangetype: delete\n"));
}

#[tokio::test]
async fn half_a_registration_is_no_device_and_is_completed() {
    let registry = registry();
    let what = registration(fastrand::u64(..), sid("alice"));
    ldap_modify(&format!(
        "dn: CN={},{}\nchangetype: add\nobjectClass: msDS-Device\ndisplayName: half\nmsDS-DeviceID:: {}\n\
         msDS-IsEnabled: FALSE\naltSecurityIdentities: {}\nmsDS-DevicePhysicalIDs: [CHANCERY]:registration under way\n\
         msDS-RegisteredUsers:: {}\n",
        what.id,
        container(),
        STANDARD.encode(what.id.0.to_bytes_le()),
        what.certificate.to_text(),
        STANDARD.encode(what.owner.to_bytes()),
    ));
    assert_eq!(registry.find(what.id).await, Ok(None));
    assert_eq!(registry.find_by_certificate(&what.certificate).await, Ok(None));
    assert!(registry.of_user(&what.owner).await.unwrap().iter().all(|device| device.id != what.id));
    let device = registry.register(&what).await.unwrap();
    assert!(device.enabled && device.keys.len() == 1);
    assert_eq!(registry.delete(what.id).await, Ok(true));
}

/// Between the moment a sweep lists a device and that in which it changes it, the device may have been used, and enabled.
#[tokio::test]
async fn a_sweep_looks_again_before_it_changes_anything() {
    let registry = registry();
    let what = registration(fastrand::u64(..), sid("alice"));
    registry.register(&what).await.unwrap();
    let (id, day) = (what.id, std::time::Duration::from_hours(24));
    let (before, after) = (what.at.minus(day), what.at.plus(day));
    assert_eq!(registry.disable_unused(id, before, after).await, Ok(false), "it was used since");
    assert_eq!(registry.delete_unused(id, after).await, Ok(false), "it is enabled");
    assert!(registry.find(id).await.unwrap().unwrap().enabled);
    registry.set_enabled(id, false).await.unwrap();
    assert_eq!(registry.disable_unused(id, after, after).await, Ok(false), "an administrator disabled it");
    assert_eq!(registry.delete_unused(id, after.plus(day)).await, Ok(false), "an administrator disabled it");
    registry.set_enabled(id, true).await.unwrap();
    assert_eq!(registry.disable_unused(id, after, after).await, Ok(true));
    // Every server that shares the directory sees what was disabled, and when.
    assert!(self::registry().disabled_since(after).await.unwrap() > 0);
    assert_eq!(self::registry().disabled_since(after.plus(day * 36_500)).await, Ok(0));
    assert_eq!(registry.delete_unused(id, before).await, Ok(false), "its grace is not over");
    ldap_modify(&format!(
        "dn: {}\nchangetype: modify\nadd: msDS-CloudAnchor\nmsDS-CloudAnchor:: AQID\n",
        device_dn(&id.to_string())
    ));
    assert!(matches!(registry.delete_unused(id, after).await, Err(RegistryError::Refused { .. })), "Entra has it now");
    assert!(matches!(registry.disable_unused(id, after, after).await, Err(RegistryError::Refused { .. })));
    ldap_modify(&format!("dn: {}\nchangetype: modify\ndelete: msDS-CloudAnchor\n", device_dn(&id.to_string())));
    assert_eq!(registry.delete_unused(id, after).await, Ok(true));
    assert_eq!(registry.delete_unused(id, after).await, Ok(false), "it is gone");
    assert_eq!(registry.disable_unused(id, after, after).await, Ok(false));
}

/// A tool that knows no marks enables a device that a sweep disabled, and leaves the mark there: it says nothing of what comes then.
#[tokio::test]
async fn the_mark_of_a_sweep_counts_until_something_happens() {
    let registry = registry();
    let what = registration(fastrand::u64(..), sid("alice"));
    let (id, day) = (what.id, std::time::Duration::from_hours(24));
    let at = |days: u32| what.at.plus(day * days);
    let modify = |ldif: &str| ldap_modify(&format!("dn: {}\nchangetype: modify\n{ldif}\n", device_dn(&id.to_string())));
    let enabled = |value: &str| modify(&format!("replace: msDS-IsEnabled\nmsDS-IsEnabled: {value}"));
    let marks = || read_back(id).into_iter().filter(|line| line.contains("[CHANCERY]")).collect::<Vec<_>>();
    let unused_since = async || registry.find(id).await.unwrap().unwrap().unused_since;
    // Neither the device's holder nor the next sweep undoes what an administrator did.
    let is_disabled_by_somebody = async || {
        enabled("FALSE");
        assert_eq!(unused_since().await, None);
        assert_eq!(registry.register(&what).await, Err(RegistryError::Disabled { id }));
        assert_eq!(registry.delete_unused(id, at(5000)).await, Ok(false));
        enabled("TRUE");
    };
    registry.register(&what).await.unwrap();
    assert_eq!(registry.disable_unused(id, what.at, at(100)).await, Ok(true));
    assert_eq!((unused_since().await, marks().len()), (Some(at(100)), 3));
    // It registers again.
    enabled("TRUE");
    registry.register(&Registration { at: at(101), ..what.clone() }).await.unwrap();
    assert!(marks().is_empty());
    is_disabled_by_somebody().await;
    // It is used here.
    assert_eq!(registry.disable_unused(id, at(101), at(201)).await, Ok(true));
    enabled("TRUE");
    registry.touch(&registry.find(id).await.unwrap().unwrap(), at(202)).await.unwrap();
    assert!(marks().is_empty());
    is_disabled_by_somebody().await;
    // It is used at a server that knows no marks.
    assert_eq!(registry.disable_unused(id, at(202), at(302)).await, Ok(true));
    let stamp = "msDS-ApproximateLastLogonTimeStamp";
    modify(&format!("replace: {stamp}\n{stamp}: {}", at(303).to_filetime()));
    enabled("TRUE");
    assert_eq!(marks().len(), 3);
    is_disabled_by_somebody().await;
    // Nobody used it: the next sweep disables it again, as often as somebody enables it.
    for days in [403, 503] {
        assert_eq!(registry.disable_unused(id, at(303), at(days)).await, Ok(true));
        assert_eq!((unused_since().await, marks().len()), (Some(at(days)), 3));
        enabled("TRUE");
        assert_eq!(unused_since().await, None);
    }
    // Nobody used it, and somebody disables it before the next sweep.
    assert_eq!(registry.disable_unused(id, at(303), at(553)).await, Ok(true));
    enabled("TRUE");
    is_disabled_by_somebody().await;
    assert_eq!(registry.disable_unused(id, at(303), at(603)).await, Ok(true));
    // A device that was disabled notes no use, whoever still holds its record.
    let held = registry.find(id).await.unwrap().unwrap();
    registry.touch(&held, at(604)).await.unwrap();
    assert_eq!(registry.find(id).await.unwrap(), Some(held));
    // A sweep is given it once its grace is over, and not before.
    let now = UtcTime::from(time::OffsetDateTime::now_utc());
    let is_given = async |marked_before| {
        let unused = registry.unused(at(700), marked_before, now, 100_000).await.unwrap();
        unused.iter().any(|unused| unused.device.id == id)
    };
    assert_eq!((is_given(now.minus(day)).await, is_given(now).await), (false, true));
    assert!(registry.register(&what).await.unwrap().enabled && marks().is_empty());
    assert_eq!(registry.delete(id).await, Ok(true));
}

/// Held by tests that sweep the directory's devices: there is one lease.
pub static SWEEPING: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// Nobody has the sweep.
pub fn no_lease() {
    // `replace` takes that there is none.
    ldap_modify(&format!("dn: {}\nchangetype: modify\nreplace: adminDescription\n", service_object()));
}

fn service_object() -> String {
    let services = "CN=Device Registration Services,CN=Device Registration Configuration,CN=Services";
    format!("CN=DeviceRegistrationService,{services},CN=Configuration,{}", variable("LAB_BASE_DN"))
}

fn at(seconds: i64) -> UtcTime {
    UtcTime::from_unix_seconds(1_800_000_000 + seconds)
}

#[tokio::test]
async fn one_server_has_the_sweep_of_the_directory_until_it_ends() {
    let _turn = SWEEPING.lock().await;
    no_lease();
    let servers = [registry(), registry()];
    let claim = async |server: usize, now, until| {
        servers[server].claim_sweep(uuid::Uuid::from_u128(server as u128), at(now), at(until)).await
    };
    assert_eq!(claim(0, 0, 60).await, Ok(true));
    assert_eq!(claim(1, 59, 119).await, Ok(false));
    let held = ldap_read(&service_object(), &["adminDescription"]);
    assert!(
        held.contains(": Chancery: unused devices are swept by server 00000000-0000-0000-0000-000000000000, until 2027-01-15T08:01:00.000Z"),
        "{held}"
    );
    // Its holder may claim it again, and give it up.
    assert_eq!(claim(0, 30, 90).await, Ok(true));
    assert_eq!(claim(1, 89, 149).await, Ok(false));
    assert_eq!(claim(1, 90, 150).await, Ok(true));
    assert_eq!(claim(0, 91, 151).await, Ok(false));
    // What an administrator wrote there stays, and nobody sweeps.
    let note = format!("dn: {}\nchangetype: modify\nreplace: adminDescription\n", service_object());
    ldap_modify(&format!("{note}adminDescription: Ask Bob first\n"));
    let refused = claim(1, 100, 160).await;
    assert!(
        matches!(&refused, Err(RegistryError::Refused { reason }) if reason.contains("something else")),
        "{refused:?}"
    );
    assert!(ldap_read(&service_object(), &["adminDescription"]).contains("Ask Bob first"));
    no_lease();
}

#[tokio::test]
async fn of_many_servers_that_ask_at_once_one_has_the_sweep() {
    let _turn = SWEEPING.lock().await;
    no_lease();
    let servers: Vec<_> = (0..6).map(|number| (uuid::Uuid::from_u128(number), registry())).collect();
    // The first round finds no lease, the others one that is over.
    for round in 0..8 {
        let claims =
            servers.iter().map(|(holder, server)| server.claim_sweep(*holder, at(100 * round), at(100 * round + 99)));
        let claims: Vec<_> = futures_util::future::join_all(claims).await.into_iter().map(Result::unwrap).collect();
        assert_eq!(claims.iter().filter(|claimed| **claimed).count(), 1, "{round}: {claims:?}");
    }
    no_lease();
}

/// Keys of other kinds, such as security keys', sign nobody in by Windows Hello.
#[tokio::test]
async fn of_the_keys_of_a_user_those_of_windows_hello_count() {
    let (account, sid) = crate::drs_client::user("keykinds");
    let (device, owner) = (crate::support::Device::new(), sid.parse().unwrap());
    for (usage, count) in [(1, 1), (7, 0), (2, 0)] {
        let link = crate::registered::key_link(&device, &device.blob(), usage, &account.dn());
        account.modify(&format!("replace: msDS-KeyCredentialLink\nmsDS-KeyCredentialLink: {link}"));
        assert_eq!(registry().user_keys(&owner).await.unwrap().len(), count, "{usage}");
    }
    account.delete();
}

/// The directory finds a value whatever its case is; a key's hash that differs by case is another key's.
#[tokio::test]
async fn a_certificate_is_told_from_one_that_differs_by_case() {
    let registry = registry();
    let mut what = registration(fastrand::u64(..), sid("alice"));
    // Base64 of these octets has letters whose case matters.
    what.certificate.public_key = [0x69; 32];
    registry.register(&what).await.unwrap();
    let text = what.certificate.to_text();
    let (head, hash) = text.split_at(61);
    let (first, rest) = hash.split_at(1);
    assert_eq!(first, "a");
    let other = CertificateMark::from_text(&format!("{head}A{rest}")).unwrap();
    assert_eq!(registry.find_by_certificate(&other).await, Ok(None));
    assert!(registry.find_by_certificate(&what.certificate).await.unwrap().is_some());
    registry.delete(what.id).await.unwrap();
}

#[tokio::test]
async fn the_service_object_says_how_many_devices_and_for_how_long() {
    let registry = registry();
    let service = registry.service().await.unwrap();
    assert!(service.enabled && service.keeps_keys);
    assert_eq!((service.registration_quota, service.maximum_inactivity_days), (10, 90));
    let domain = ldap_read(&variable("LAB_BASE_DN"), &["objectGUID"]);
    let guid = format!("objectGUID:: {}", service.place.domain.to_base64());
    assert!(domain.contains(&guid), "{guid}");
    // The server of the lab has published its authority.
    assert!(!registry.published_issuers().await.unwrap().is_empty());
}
