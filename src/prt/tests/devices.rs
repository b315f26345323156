//! Certificates of devices, and whether the registry lets them count.

use std::time::Duration;

use super::client::{DEVICE, NOW, OTHER, TestDevice, alice, services};
use super::validity::FakeRegistry;
use crate::authn::DeviceAuthnError;
use crate::clock::UtcTime;
use crate::devices::{Device, RegistryError};
use crate::prt::{DeviceCertificate, DeviceCertificateError, DeviceError, device_of};

async fn ask(device: Device, certificate: &DeviceCertificate, now: UtcTime) -> Result<Device, DeviceError> {
    device_of(&services(FakeRegistry::of(device)), certificate, now).await
}

#[test]
fn a_certificate_is_read_as_the_registry_knows_it() {
    let certificate = DEVICE.certificate();
    let x509 = openssl::x509::X509::from_der(&DEVICE.der).unwrap();
    let sha1 = x509.digest(openssl::hash::MessageDigest::sha1()).unwrap();
    assert_eq!(certificate.mark.thumbprint[..], sha1[..]);
    let pkcs1 = DEVICE.key.rsa().unwrap().public_key_to_der_pkcs1().unwrap();
    assert_eq!(certificate.mark.public_key[..], openssl::sha::sha256(&pkcs1)[..]);
    assert_eq!(certificate.thumbprint(), hex::encode_upper(sha1));
}

#[test]
fn what_no_device_has_is_refused() {
    let small = TestDevice::self_signed(5, 1024);
    assert_eq!(DeviceCertificate::read(&small.der), Err(DeviceCertificateError::UnsuitableKey));
    let longer = [&DEVICE.der[..], &[0]].concat();
    let large = crate::devices::samples::large_certificate(8 * 1024);
    for bad in [&b""[..], b"x", &longer, &DEVICE.der[..DEVICE.der.len() - 1], &[0x30; 9000], &large] {
        assert_eq!(DeviceCertificate::read(bad), Err(DeviceCertificateError::Malformed));
    }
}

#[tokio::test]
async fn the_registry_decides() {
    let device = DEVICE.registered(alice());
    let certificate = DEVICE.certificate();
    assert_eq!(ask(device.clone(), &certificate, NOW).await, Ok(device.clone()));
    assert_eq!(ask(device.clone(), &OTHER.certificate(), NOW).await, Err(DeviceAuthnError::Unknown.into()));
    // Registered again with another certificate of the same name; the same key in another certificate.
    let again = Device { certificates: vec![OTHER.certificate().mark], ..device.clone() };
    assert_eq!(ask(again, &certificate, NOW).await, Err(DeviceAuthnError::Unknown.into()));
    let mut same_key = certificate.mark;
    same_key.thumbprint = [0; 20];
    let renamed = Device { certificates: vec![same_key], ..device.clone() };
    assert_eq!(ask(renamed, &certificate, NOW).await, Err(DeviceAuthnError::Unknown.into()));
    let disabled = Device { enabled: false, ..device.clone() };
    let expected = DeviceAuthnError::Disabled { device: DEVICE.id };
    assert_eq!(ask(disabled, &certificate, NOW).await, Err(expected.into()));
    // Nobody but itself vouches for the certificate, although somebody wrote it into the registry.
    let own = TestDevice::self_signed(0x33, 2048);
    let refused = ask(own.registered(alice()), &own.certificate(), NOW).await;
    assert_eq!(refused, Err(DeviceAuthnError::Issuer { device: own.id }.into()));
    let down = services(FakeRegistry { down: true, ..FakeRegistry::default() });
    let refused = device_of(&down, &certificate, NOW).await.unwrap_err();
    assert!(matches!(refused, DeviceError::Authn(DeviceAuthnError::Registry(RegistryError::Unavailable { .. }))));
    assert!(refused.is_retryable());
}

#[tokio::test]
async fn certificates_end_and_idle_devices_come_back() {
    let device = DEVICE.registered(alice());
    let certificate = DEVICE.certificate();
    let days = |days: u64| Duration::from_hours(24 * days);
    let early = ask(device.clone(), &certificate, NOW.minus(days(2))).await;
    assert!(matches!(early, Err(DeviceError::Authn(DeviceAuthnError::NotCurrent { .. }))));
    let used = Device { last_used: Some(NOW.plus(days(4000))), ..device.clone() };
    let late = ask(used, &certificate, NOW.plus(days(3651))).await;
    assert!(matches!(late, Err(DeviceError::Authn(DeviceAuthnError::NotCurrent { .. }))));
    assert!(ask(device, &certificate, NOW.plus(days(400))).await.is_ok(), "somebody signs in anew");
}
