use proptest::prelude::*;

use super::*;
use crate::tokens::KeyId;

fn kek() -> KeyEncryptionKey {
    KeyEncryptionKey::new(Secret::new(*b"0123456789abcdef0123456789ABCDEF")).unwrap()
}

fn id() -> KeyId {
    KeyId::new("00112233445566778899aabbccddeeff")
}

fn sealed() -> String {
    kek().seal(KeyPurpose::Sealing, &id(), &Secret::new(b"the private key".to_vec()), &random()).unwrap()
}

#[test]
fn what_is_sealed_opens_and_does_not_show() {
    let file = sealed();
    assert_eq!(kek().open(KeyPurpose::Sealing, &id(), file.as_bytes()).unwrap().expose(), b"the private key");
    assert!(!file.contains("the private key"));
    assert_ne!(file, sealed(), "a fresh nonce each time");
}

#[test]
fn another_key_or_purpose_does_not_open_it() {
    let file = sealed();
    let error = kek().open(KeyPurpose::TokenSigning, &id(), file.as_bytes()).unwrap_err();
    assert!(matches!(error, EnvelopeError::OtherKey { .. }));
    let other = KeyId::new("ffffffffffffffffffffffffffffffff");
    assert!(matches!(kek().open(KeyPurpose::Sealing, &other, file.as_bytes()), Err(EnvelopeError::OtherKey { .. })));

    // The text of the envelope is not what protects it: rewritten to fit, it still does not open.
    let moved = file.replace(id().as_str(), other.as_str());
    assert_eq!(kek().open(KeyPurpose::Sealing, &other, moved.as_bytes()).unwrap_err(), EnvelopeError::Changed);
    let moved = file.replace("\"sealing\"", "\"token-signing\"");
    assert_eq!(kek().open(KeyPurpose::TokenSigning, &id(), moved.as_bytes()).unwrap_err(), EnvelopeError::Changed);
}

#[test]
fn another_key_encryption_key_is_named() {
    let other = KeyEncryptionKey::generate(&random()).unwrap();
    let error = other.open(KeyPurpose::Sealing, &id(), sealed().as_bytes()).unwrap_err();
    assert_eq!(
        error,
        EnvelopeError::OtherKeyEncryptionKey { found: kek().id().to_owned(), ours: other.id().to_owned() }
    );
    // Even when the name is forged.
    let forged = sealed().replace(kek().id(), other.id());
    assert_eq!(other.open(KeyPurpose::Sealing, &id(), forged.as_bytes()).unwrap_err(), EnvelopeError::Changed);
}

#[test]
fn a_key_encryption_key_is_raw_base64_or_hexadecimal() {
    let text = kek().to_text();
    let hexadecimal = hex::encode(b"0123456789abcdef0123456789ABCDEF");
    for content in [
        b"0123456789abcdef0123456789ABCDEF".to_vec(),
        text.expose().clone().into_bytes(),
        text.expose().trim().trim_end_matches('=').as_bytes().to_vec(),
        format!(" {hexadecimal}\r\n").into_bytes(),
        hexadecimal.to_uppercase().into_bytes(),
    ] {
        assert_eq!(KeyEncryptionKey::parse(&Secret::new(content)).unwrap().id(), kek().id());
    }
    for content in [&b""[..], b"short", &[b'!'; 44], &[b'z'; 64], &[7; 33]] {
        let error = KeyEncryptionKey::parse(&Secret::new(content.to_vec())).unwrap_err();
        assert_eq!(error, EnvelopeError::KeyForm { length: content.len() });
    }
    let zeros = KeyEncryptionKey::parse(&Secret::new(vec![0; 32])).unwrap_err();
    assert_eq!(zeros, EnvelopeError::WeakKey);
}

#[test]
fn debug_shows_the_id_only() {
    assert_eq!(format!("{:?}", kek()), format!("KeyEncryptionKey {{ id: {:?}, .. }}", kek().id()));
}

proptest! {
    #[test]
    fn any_octets_survive(plain in proptest::collection::vec(any::<u8>(), 0..2000)) {
        let file = kek().seal(KeyPurpose::TokenSigning, &id(), &Secret::new(plain.clone()), &random()).unwrap();
        let opened = kek().open(KeyPurpose::TokenSigning, &id(), file.as_bytes()).unwrap();
        prop_assert_eq!(opened.expose(), &plain);
    }

    #[test]
    fn no_input_opens_or_panics(file in proptest::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(kek().open(KeyPurpose::Sealing, &id(), &file).is_err());
    }

    #[test]
    fn one_changed_character_is_noticed(at in 0_usize..400, to in "[A-Za-z0-9]") {
        let file = sealed();
        let at = at % file.len();
        let mut changed = file.clone();
        changed.replace_range(at..=at, &to);
        prop_assume!(changed != file);
        prop_assert!(kek().open(KeyPurpose::Sealing, &id(), changed.as_bytes()).is_err());
    }
}
