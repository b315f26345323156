use super::files::{self, Created};
use super::*;
use crate::tokens::KeyId;

#[test]
fn the_first_start_makes_keys_and_the_second_finds_them() {
    let place = Place::new();
    let first = place.load().unwrap();
    let second = place.load().unwrap();
    assert_eq!(first.primary_signing().key.id, second.primary_signing().key.id);
    assert_eq!(first.primary_decryption().0.id(), second.primary_decryption().0.id());
    assert_eq!(first.primary_sealing().id(), second.primary_sealing().id());
    assert_eq!(
        first.primary_sealing().derive("cookie").unwrap().expose(),
        second.primary_sealing().derive("cookie").unwrap().expose()
    );
    assert_ne!(
        first.primary_sealing().derive("cookie").unwrap().expose(),
        first.primary_sealing().derive("code").unwrap().expose()
    );
    assert!(first.signing_key(&first.primary_signing().key.id).is_some());
    assert!(first.signing_key(&KeyId::new("00")).is_none());
    assert!(first.decryption_key(first.primary_decryption().0.id()).is_some());
    assert_eq!(first.sealing().map(SealingKey::id).collect::<Vec<_>>(), [first.primary_sealing().id()]);
    assert!(first.next_signing().is_none());
}

#[test]
fn nothing_in_the_directory_is_readable_by_others_or_in_the_clear() {
    let place = Place::new();
    place.load().unwrap();
    assert_eq!(mode(&place.keys), 0o700);
    assert_eq!(mode(&place.kek), 0o600);
    for name in place.names() {
        let path = place.keys.join(&name);
        if path.extension().is_some_and(|extension| extension == "key") {
            assert_eq!(mode(&path), 0o600, "{name}");
            assert!(std::fs::read_to_string(&path).unwrap().contains("chancery-sealed-key/1"));
        }
    }
    assert_eq!(place.names().len(), 6, "three keys, two certificates, the manifest: {:?}", place.names());
}

#[test]
fn nodes_that_start_at_once_end_with_the_same_keys() {
    let place = Place::new();
    let ids: Vec<KeyId> = std::thread::scope(|scope| {
        let nodes: Vec<_> =
            (0..4).map(|_| scope.spawn(|| place.load().unwrap().primary_signing().key.id.clone())).collect();
        nodes.into_iter().map(|node| node.join().unwrap()).collect()
    });
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    assert_eq!(place.names().len(), 6, "the files of those who came late are gone: {:?}", place.names());
}

#[test]
fn of_two_creators_one_wins_and_the_other_learns_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("manifest.json");
    assert_eq!(files::create(&path, b"one", 0o600, &random()).unwrap(), Created::Yes);
    assert_eq!(files::create(&path, b"two", 0o600, &random()).unwrap(), Created::SomeoneElseDid);
    assert_eq!(std::fs::read(&path).unwrap(), b"one");
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1, "no temporary file stays");
}

#[test]
fn secret_files_that_others_can_read_are_refused() {
    let place = Place::new();
    place.load().unwrap();
    for (mode, strict, group) in [
        (0o600, true, true),
        (0o400, true, true),
        (0o640, false, true),
        (0o440, false, true),
        (0o660, false, true),
        (0o644, false, false),
        (0o604, false, false),
    ] {
        chmod(&place.kek, mode);
        let load = |permissions| {
            let options = KeyRingOptions { permissions, ..place.options() };
            KeyRing::load_or_create(&options, &clock(), &random()).map(|_| ())
        };
        for (permissions, accepted) in [(FilePermissions::OwnerOnly, strict), (FilePermissions::Group, group)] {
            match load(permissions) {
                Ok(()) => assert!(accepted, "{mode:o} {permissions:?}"),
                Err(RingError::Vault(VaultError::File(FileError::Readable { mode: found, .. }))) => {
                    assert!(!accepted, "{mode:o} {permissions:?}");
                    assert_eq!(found, mode);
                }
                Err(other) => panic!("{other}"),
            }
        }
    }
    chmod(&place.kek, 0o600);
    chmod(&place.keys, 0o770);
    let error = place.load().unwrap_err();
    assert!(matches!(error, RingError::Vault(VaultError::File(FileError::Directory { mode: 0o770, .. }))));
    assert!(error.to_string().contains("chmod 700"));
    for (mode, accepted) in [(0o2775, true), (0o1777, true), (0o777, false)] {
        chmod(&place.keys, mode);
        assert_eq!(files::check_directory(&place.keys, FilePermissions::Group).is_ok(), accepted, "{mode:o}");
        assert!(files::check_directory(&place.keys, FilePermissions::OwnerOnly).is_err(), "{mode:o}");
    }
}

#[test]
fn a_complete_directory_is_only_read() {
    let place = Place::new();
    let made = place.load().unwrap();
    for name in place.names() {
        chmod(&place.keys.join(name), 0o440);
    }
    chmod(&place.kek, 0o440);
    chmod(&place.keys, 0o555);
    let options = KeyRingOptions { permissions: FilePermissions::Group, create: false, ..place.options() };
    let loaded = KeyRing::load_or_create(&options, &clock(), &random()).unwrap();
    assert_eq!(loaded.primary_signing().key.id, made.primary_signing().key.id);
    chmod(&place.keys, 0o700);
}

#[test]
fn a_lost_key_encryption_key_is_never_replaced() {
    let place = Place::new();
    place.load().unwrap();
    std::fs::remove_file(&place.kek).unwrap();
    assert!(matches!(place.load().unwrap_err(), RingError::Vault(VaultError::NoKeyEncryptionKey { .. })));
    assert!(!place.kek.exists());
    std::fs::write(&place.kek, "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n").unwrap();
    chmod(&place.kek, 0o600);
    let error = place.load().unwrap_err();
    assert!(
        matches!(
            error,
            RingError::Vault(VaultError::Envelope { source: EnvelopeError::OtherKeyEncryptionKey { .. }, .. })
        ),
        "{error}"
    );
}

#[test]
fn nothing_is_made_unless_asked() {
    let place = Place::new();
    let options = KeyRingOptions { create: false, ..place.options() };
    assert!(KeyRing::load_or_create(&options, &clock(), &random()).is_err());
    files::prepare_directory(&place.keys, FilePermissions::OwnerOnly).unwrap();
    let error = KeyRing::load_or_create(&options, &clock(), &random()).unwrap_err();
    assert!(matches!(error, RingError::Vault(VaultError::NoKeyEncryptionKey { .. })), "{error}");
    assert_eq!(place.names(), Vec::<String>::new());
}

#[test]
fn swapped_files_do_not_load() {
    let place = Place::new();
    let ring = place.load().unwrap();
    let signing = place.keys.join(format!("token-signing.{}.key", ring.primary_signing().key.id));
    let decryption = place.keys.join(format!("token-decryption.{}.key", ring.primary_decryption().0.id()));
    std::fs::copy(&decryption, &signing).unwrap();
    assert!(matches!(
        place.load().unwrap_err(),
        RingError::Vault(VaultError::Envelope { source: EnvelopeError::OtherKey { .. }, .. })
    ));

    let place = Place::new();
    let ring = place.load().unwrap();
    let signing = place.keys.join(format!("token-signing.{}.crt", ring.primary_signing().key.id));
    let decryption = place.keys.join(format!("token-decryption.{}.crt", ring.primary_decryption().0.id()));
    std::fs::copy(&decryption, &signing).unwrap();
    assert!(matches!(
        place.load().unwrap_err(),
        RingError::Vault(VaultError::Material { source: MaterialError::Mismatch { .. }, .. })
    ));
    std::fs::write(&signing, "no certificate").unwrap();
    assert!(matches!(place.load().unwrap_err(), RingError::Vault(VaultError::NoCertificate { .. })));
}

/// A certificate of the same key is still another certificate: relying parties know the one of the manifest.
#[test]
fn another_certificate_of_the_same_key_does_not_load() {
    let place = Place::new();
    let manifest = {
        place.load().unwrap();
        place.options().open(&random()).unwrap().manifest().unwrap().unwrap()
    };
    let entry = manifest.of(KeyPurpose::TokenSigning)[0];
    let material = place.options().open(&random()).unwrap().material(entry).unwrap();
    let key = openssl::pkey::PKey::private_key_from_pkcs8(material.pkcs8().expose()).unwrap();
    let other = super::import_tests::certificate(&key, 365).to_pem().unwrap();
    std::fs::write(place.keys.join(format!("token-signing.{}.crt", entry.id())), other).unwrap();
    assert!(matches!(place.load().unwrap_err(), RingError::Vault(VaultError::OtherCertificate { .. })));
}

#[test]
fn a_secret_of_another_user_is_refused() {
    let place = Place::new();
    place.load().unwrap();
    // Only root can give a file away; without it there is nothing to test.
    if std::os::unix::fs::chown(&place.kek, Some(54_321), None).is_ok() {
        let error = place.load().unwrap_err();
        assert!(matches!(error, RingError::Vault(VaultError::File(FileError::Owner { owner: 54_321, .. }))), "{error}");
    }
}

#[test]
fn an_imported_key_is_secondary_until_promoted_and_both_are_published() {
    let place = Place::new();
    let before = place.load().unwrap().primary_signing().key.id.clone();
    let vault = place.options().open(&random()).unwrap();
    let key = NewKey::rsa(KeyPurpose::TokenSigning, copy(&SIGNING));
    let added = key.id().clone();
    vault.add(&key, KeyRole::Secondary, KeyOrigin::Imported, NOW, &random()).unwrap();
    assert!(vault.add(&key, KeyRole::Secondary, KeyOrigin::Imported, NOW, &random()).is_err(), "twice");
    let ring = place.load().unwrap();
    assert_eq!(ring.primary_signing().key.id, before);
    assert_eq!(ring.signing().count(), 2);

    vault.promote(&added, &random()).unwrap();
    let ring = place.load().unwrap();
    assert_eq!(ring.primary_signing().key.id, added);
    assert_eq!(ring.signing().map(|key| key.key.id.clone()).collect::<Vec<_>>(), [added, before]);
}

#[test]
fn the_manifest_is_changed_by_one_process_at_a_time() {
    let place = Place::new();
    place.load().unwrap();
    let vault = place.options().open(&random()).unwrap();
    let held = files::lock(&place.keys.join("lock")).unwrap();
    let key = NewKey::rsa(KeyPurpose::TokenSigning, copy(&SIGNING));
    let error = vault.add(&key, KeyRole::Secondary, KeyOrigin::Imported, NOW, &random()).unwrap_err();
    assert!(matches!(error, VaultError::File(FileError::Locked { .. })));
    drop(held);
    vault.add(&key, KeyRole::Secondary, KeyOrigin::Imported, NOW, &random()).unwrap();
}

#[test]
fn a_fifo_or_an_endless_file_does_not_stop_the_start() {
    let place = Place::new();
    place.load().unwrap();
    std::fs::write(&place.kek, vec![b'A'; 5000]).unwrap();
    assert!(matches!(place.load().unwrap_err(), RingError::Vault(VaultError::File(FileError::TooLarge { .. }))));
    std::fs::remove_file(&place.kek).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, &place.kek, rustix::fs::Mode::from_raw_mode(0o600)).unwrap();
    assert!(matches!(place.load().unwrap_err(), RingError::Vault(VaultError::File(FileError::NotAFile { .. }))));
    // A manifest that goes on after its end, although with blanks alone.
    let place = Place::new();
    place.load().unwrap();
    let manifest = place.keys.join("manifest.json");
    let whole = std::fs::read_to_string(&manifest).unwrap();
    std::fs::write(&manifest, whole + &" ".repeat(64 * 1024)).unwrap();
    assert!(matches!(place.load().unwrap_err(), RingError::Vault(VaultError::File(FileError::TooLarge { .. }))));
}

#[test]
fn keys_are_made_only_where_they_may_be() {
    let place = Place::new();
    let load = |create| KeyRing::load_or_create(&KeyRingOptions { create, ..place.options() }, &clock(), &random());
    std::fs::create_dir_all(&place.keys).unwrap();
    std::fs::create_dir_all(place.kek.parent().unwrap()).unwrap();
    chmod(&place.keys, 0o700);
    std::fs::write(&place.kek, (0..32).collect::<Vec<u8>>()).unwrap();
    chmod(&place.kek, 0o600);
    assert!(matches!(load(false).unwrap_err(), RingError::Vault(VaultError::Empty { .. })));
    assert!(place.names().is_empty());
    let made = load(true).unwrap();
    assert_eq!(load(false).unwrap().primary_signing().key.id, made.primary_signing().key.id);
}

#[test]
fn expiry_is_judged_by_the_thresholds() {
    let facts = SIGNING.certificate();
    let day = Duration::from_hours(24);
    for (now, state) in [
        (NOW.minus(day), ExpiryState::NotYetValid),
        (NOW, ExpiryState::Valid),
        (NOW.plus(day * 344), ExpiryState::Valid),
        (NOW.plus(day * 345), ExpiryState::EndsSoon),
        (NOW.plus(day * 365), ExpiryState::Expired),
    ] {
        assert_eq!(ExpiryState::of(facts, now, day * 20), state, "{now}");
    }
    let reports = Place::new().load().unwrap().expiries(NOW, day * 20);
    assert_eq!(reports.len(), 2);
    assert!(reports.iter().all(|report| report.role == KeyRole::Primary && report.state == ExpiryState::Valid));
}
