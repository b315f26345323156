use super::*;

use crate::tokens::KeyId;

fn id(digit: char) -> KeyId {
    KeyId::new(digit.to_string().repeat(64))
}

fn entry(digit: char, purpose: KeyPurpose, role: KeyRole) -> ManifestEntry {
    ManifestEntry::new(&id(digit), purpose, role, KeyOrigin::Generated, NOW)
}

fn three() -> Vec<ManifestEntry> {
    vec![
        entry('a', KeyPurpose::TokenSigning, KeyRole::Primary),
        entry('b', KeyPurpose::TokenDecryption, KeyRole::Primary),
        entry('c', KeyPurpose::Sealing, KeyRole::Primary),
    ]
}

#[test]
fn reads_what_it_wrote() {
    let manifest = Manifest::new(three()).unwrap();
    assert_eq!(Manifest::from_json(manifest.to_json().as_bytes()).unwrap(), manifest);
    insta::assert_snapshot!(manifest.to_json().lines().take(9).collect::<Vec<_>>().join("\n"), @r#"
    {
      "format": "chancery-keys/1",
      "keys": [
        {
          "id": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
          "purpose": "token-signing",
          "role": "primary",
          "origin": "generated",
          "added": 1767607200000
    "#);
}

#[test]
fn a_new_primary_replaces_the_old_one_which_stays() {
    let manifest = Manifest::new(three()).unwrap();
    let manifest = manifest.with(entry('d', KeyPurpose::TokenSigning, KeyRole::Secondary)).unwrap();
    let ids = |manifest: &Manifest| -> Vec<KeyId> {
        manifest.of(KeyPurpose::TokenSigning).iter().map(|entry| entry.id()).collect()
    };
    assert_eq!(ids(&manifest), [id('a'), id('d')]);
    let promoted = manifest.clone().promoted(&id('d')).unwrap();
    assert_eq!(ids(&promoted), [id('d'), id('a')]);
    let added = manifest.with(entry('e', KeyPurpose::TokenSigning, KeyRole::Primary)).unwrap();
    assert_eq!(ids(&added)[0], id('e'));
    assert_eq!(ids(&added).len(), 3);
}

#[test]
fn a_manifest_that_breaks_a_rule_is_refused() {
    let without = |index: usize| {
        let mut keys = three();
        keys.remove(index);
        Manifest::new(keys).unwrap_err()
    };
    assert_eq!(without(2), ManifestError::Primary { purpose: KeyPurpose::Sealing, count: 0 });

    let twice = [three(), vec![entry('d', KeyPurpose::Sealing, KeyRole::Primary)]].concat();
    assert_eq!(Manifest::new(twice).unwrap_err(), ManifestError::Primary { purpose: KeyPurpose::Sealing, count: 2 });

    let duplicate = Manifest::new(three()).unwrap().with(entry('a', KeyPurpose::Sealing, KeyRole::Secondary));
    assert_eq!(duplicate.unwrap_err(), ManifestError::Duplicate(id('a')));
    assert_eq!(Manifest::new(three()).unwrap().promoted(&id('f')).unwrap_err(), ManifestError::Unknown(id('f')));
    assert_eq!(Manifest::new(three()).unwrap().without(&id('f')).unwrap_err(), ManifestError::Unknown(id('f')));

    for bad in ["../../../../etc/shadow", &"A".repeat(64), "", &"a".repeat(63)] {
        let json = Manifest::new(three()).unwrap().to_json().replace(id('a').as_str(), bad);
        assert_eq!(Manifest::from_json(json.as_bytes()).unwrap_err(), ManifestError::Id(bad.to_owned()));
    }
    let unknown = Manifest::new(three()).unwrap().to_json().replace("\"added\"", "\"extra\": 1, \"added\"");
    assert!(matches!(Manifest::from_json(unknown.as_bytes()), Err(ManifestError::Malformed(_))));
    let newer = Manifest::new(three()).unwrap().to_json().replace("chancery-keys/1", "chancery-keys/2");
    assert!(matches!(Manifest::from_json(newer.as_bytes()), Err(ManifestError::Malformed(_))));

    let many: Vec<_> = "0123456789abcdef".chars().filter(|digit| !"bc".contains(*digit)).collect();
    let mut manifest = Manifest::new(three()).unwrap();
    for digit in many.into_iter().filter(|digit| *digit != 'a') {
        manifest = manifest.with(entry(digit, KeyPurpose::TokenSigning, KeyRole::Secondary)).unwrap();
    }
    let more = |manifest: Manifest, n: u32| {
        let id = KeyId::new(format!("{n:064x}"));
        manifest.with(ManifestEntry::new(&id, KeyPurpose::TokenSigning, KeyRole::Secondary, KeyOrigin::Imported, NOW))
    };
    let manifest = more(more(manifest, 0x1000).unwrap(), 0x1001).unwrap();
    assert_eq!(
        more(manifest, 0x1002).unwrap_err(),
        ManifestError::TooMany { purpose: KeyPurpose::TokenSigning, count: 17 }
    );
}
