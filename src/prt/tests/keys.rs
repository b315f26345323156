//! Transport keys, the session key on its way, and encrypted answers; decrypted here by OpenSSL and by hand.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use openssl::rsa::Padding;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::client::{DEVICE, alice, minutes, random};
use crate::devices::DeviceKey;
use crate::prt::{KdfVersion, SessionKey, TransportKey, TransportKeyError, encrypt_response, session_key_jwe};

fn open(key: &[u8], parts: &[&str]) -> Vec<u8> {
    let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).unwrap();
    let [header, _, nonce, content, tag] = parts else { panic!("five parts") };
    let mut content = [decode(content), decode(tag)].concat();
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).unwrap());
    let nonce = Nonce::try_assume_unique_for_key(&decode(nonce)).unwrap();
    key.open_in_place(nonce, Aad::from(header.as_bytes()), &mut content).unwrap().to_vec()
}

#[test]
fn the_session_key_reaches_the_holder_of_the_transport_key() {
    let session_key = SessionKey::random(&random()).unwrap();
    let jwe = session_key_jwe(&session_key, &TransportKey::read(&DEVICE.blob()).unwrap(), &random()).unwrap();
    let parts: Vec<&str> = jwe.split('.').collect();
    assert_eq!(parts[0], "eyJlbmMiOiJBMjU2R0NNIiwiYWxnIjoiUlNBLU9BRVAifQ");
    assert_eq!(parts.iter().map(|part| part.len()).collect::<Vec<_>>()[1..], [342, 16, 2, 22]);

    let mut unwrapped = vec![0; 256];
    let wrapped = URL_SAFE_NO_PAD.decode(parts[1]).unwrap();
    // OpenSSL's OAEP is the one with SHA-1.
    let octets = DEVICE.key.rsa().unwrap().private_decrypt(&wrapped, &mut unwrapped, Padding::PKCS1_OAEP).unwrap();
    assert_eq!(unwrapped[..octets], session_key.expose()[..]);
    assert_eq!(open(&unwrapped[..octets], &parts), b" ");
}

#[test]
fn an_answer_is_for_the_session_and_the_ctx_of_the_request() {
    let session_key = SessionKey::from_octets([9; 32]);
    let ctx = [0xfb; 24];
    let jwe = encrypt_response(&session_key, &ctx, b"{}", &random()).unwrap();
    let parts: Vec<&str> = jwe.split('.').collect();
    assert_eq!((parts[1], parts[2].len(), parts[4].len()), ("", 16, 22));
    let header: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts[0]).unwrap()).unwrap();
    let expected = json!({"alg": "dir", "enc": "A256GCM", "ctx": STANDARD.encode(ctx), "kid": "session"});
    assert_eq!(header, expected);
    assert_eq!(open(session_key.derive(KdfVersion::One, &ctx, b"").expose(), &parts), b"{}");
    assert_ne!(jwe, encrypt_response(&session_key, &ctx, b"{}", &random()).unwrap(), "a fresh nonce each time");
}

#[test]
fn a_transport_key_is_whole_and_sound() {
    use TransportKeyError::{Unreadable, Unsuitable};
    let good = DEVICE.blob();
    assert_eq!(good.len(), 283);
    assert!(TransportKey::read(&good).is_ok());
    let changed = |at: usize, octet: u8| {
        let mut blob = good.clone();
        blob[at] = octet;
        blob
    };
    for (blob, expected) in [
        (vec![], Unreadable),
        (b"RSA1".to_vec(), Unreadable),
        (good[..282].to_vec(), Unreadable),
        ([&good[..], &[0]].concat(), Unreadable),
        ([&b"PCPM"[..], &good[4..]].concat(), Unreadable),
        ([&b"RSA2"[..], &good[4..]].concat(), Unreadable),
        (changed(5, 0x10), Unreadable),
        (changed(8, 4), Unreadable),
        (changed(11, 0xff), Unreadable),
        (changed(16, 1), Unreadable),
        (changed(20, 1), Unreadable),
        (changed(26, 2), Unsuitable),
        (changed(24, 0), Unsuitable),
        (changed(27, 0), Unsuitable),
        (changed(282, good[282] & 0xfe), Unsuitable),
    ] {
        assert_eq!(TransportKey::read(&blob).unwrap_err(), expected, "{}", hex::encode(&blob[..blob.len().min(30)]));
    }
    // An exponent of one encrypts nothing; 1024 bits are too few.
    let one = [&b"RSA1"[..], &[0, 8, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0], &[0; 8], &[1], &good[27..]].concat();
    assert_eq!(TransportKey::read(&one).unwrap_err(), Unsuitable);
    let small = [&b"RSA1"[..], &[0, 4, 0, 0, 3, 0, 0, 0, 128, 0, 0, 0], &[0; 8], &[1, 0, 1], &good[155..]].concat();
    assert_eq!(TransportKey::read(&small).unwrap_err(), Unsuitable);
}

#[test]
fn the_newest_transport_key_counts_and_no_other_kind() {
    let mut device = DEVICE.registered(alice());
    let newest = TransportKey::of(&device).unwrap().digest();
    let older = DeviceKey {
        material: b"PCPM".to_vec(),
        created: Some(super::client::NOW.minus(minutes(1))),
        ..device.keys[0].clone()
    };
    device.keys.insert(0, older.clone());
    device.keys.push(DeviceKey { created: None, ..older.clone() });
    assert_eq!(TransportKey::of(&device).unwrap().digest(), newest);
    device.keys = vec![DeviceKey { usage: 1, ..device.keys[1].clone() }];
    assert_eq!(TransportKey::of(&device).unwrap_err(), TransportKeyError::Missing);
    device.keys = vec![older];
    assert_eq!(TransportKey::of(&device).unwrap_err(), TransportKeyError::Unreadable);
}

proptest! {
    #[test]
    fn any_blob_is_read_or_refused(octets in prop::collection::vec(any::<u8>(), 0..300)) {
        drop(TransportKey::read(&octets));
        drop(TransportKey::read(&[b"RSA1", &octets[..]].concat()));
    }

    #[test]
    fn any_change_of_a_blob_is_read_or_refused(at in 0usize..283, octet in any::<u8>()) {
        let mut blob = DEVICE.blob();
        blob[at] = octet;
        drop(TransportKey::read(&blob));
    }
}
