#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use clap::Parser;

use super::*;
use crate::clock::{ManualClock, SystemRandomSource};
use crate::keys::{CertificateOptions, RsaKeySize, generate};

const NOW: UtcTime = UtcTime::from_unix_seconds(1_767_607_200);

#[derive(Debug, Parser)]
struct Program {
    #[command(flatten)]
    keys: KeysArgs,
}

struct Place {
    root: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        Self { root: tempfile::tempdir().unwrap() }
    }

    fn options(&self) -> KeyRingOptions {
        let path = self.root.path();
        KeyRingOptions::new(path.join("keys"), path.join("kek"), String::from("sts.corp.example"))
    }

    fn started() -> Self {
        let place = Self::new();
        KeyRing::load_or_create(&place.options(), &ManualClock::at(NOW), &SystemRandomSource::new()).unwrap();
        place
    }

    fn run(&self, args: &[&str]) -> Result<String, KeysError> {
        self.run_at(NOW, args)
    }

    fn run_at(&self, now: UtcTime, args: &[&str]) -> Result<String, KeysError> {
        let args = Program::try_parse_from([&["keys"], args].concat()).unwrap().keys;
        let (mut out, mut advice) = (Vec::new(), Vec::new());
        let (clock, random) = (ManualClock::at(now), SystemRandomSource::new());
        run(&args, Some(&self.options()), &clock, &random, &mut out, &mut advice)?;
        Ok(String::from_utf8(out).unwrap() + &String::from_utf8(advice).unwrap())
    }

    fn write(&self, name: &str, content: &[u8]) -> String {
        use std::os::unix::fs::PermissionsExt as _;
        let path = self.root.path().join(name);
        std::fs::write(&path, content).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

fn signing() -> KeyMaterial {
    let options = CertificateOptions {
        federation_service_name: "new.corp.example",
        key_size: RsaKeySize::Rsa2048,
        lifetime: Duration::from_hours(24 * 365),
    };
    generate::self_signed(KeyPurpose::TokenSigning, &options, NOW, &SystemRandomSource::new()).unwrap()
}

fn key_pem(material: &KeyMaterial) -> Vec<u8> {
    let key = openssl::pkey::PKey::private_key_from_pkcs8(material.pkcs8().expose()).unwrap();
    key.private_key_to_pem_pkcs8().unwrap()
}

#[test]
fn list_shows_a_table_and_json() {
    let place = Place::started();
    let table = place.run(&["list"]).unwrap();
    assert_eq!(table.lines().count(), 6, "{table}");
    assert!(table.contains("token-signing     primary") && table.contains("2027-01-05"), "{table}");
    let json: serde_json::Value = serde_json::from_str(&place.run(&["list", "--json"]).unwrap()).unwrap();
    let first = &json["keys"][0];
    assert_eq!(
        (&first["purpose"], &first["role"], &first["state"]),
        (&"token-signing".into(), &"primary".into(), &"valid".into())
    );
    assert_eq!(first["id"], first["thumbprint_sha256"]);
    assert_eq!(json["keys"].as_array().unwrap().len(), 3);
}

#[test]
fn export_writes_certificates_in_every_form() {
    let place = Place::started();
    let pem = place.run(&["export-public"]).unwrap();
    let certificate = openssl::x509::X509::from_pem(pem.as_bytes()).unwrap();
    let der = certificate.to_der().unwrap();
    let base64 = place.run(&["export-public", "--format", "base64"]).unwrap();
    assert_eq!(base64.lines().count(), 1);
    assert_eq!(openssl::base64::decode_block(base64.trim()).unwrap(), der);
    let file = place.root.path().join("out.cer");
    place.run(&["export-public", "--format", "der", "--output", file.to_str().unwrap()]).unwrap();
    assert_eq!(std::fs::read(&file).unwrap(), der);

    let facts = CertificateFacts::parse(&der).unwrap();
    let sha1 = facts.thumbprint_sha1();
    for id in [facts.thumbprint_sha256(), sha1.clone(), sha1[..8].to_owned(), format!("{}:{}", &sha1[..2], &sha1[2..])]
    {
        assert_eq!(place.run(&["export-public", "--id", &id]).unwrap(), pem, "{id}");
    }
    assert!(matches!(place.run(&["export-public", "--id", "00000000"]), Err(KeysError::NoSuchKey(_))));
    assert!(matches!(place.run(&["export-public", "--id", "0"]), Err(KeysError::ShortId(_))));
    let decryption = place.run(&["export-public", "--purpose", "token-decryption"]).unwrap();
    assert_ne!(decryption, pem);
    assert!(Program::try_parse_from(["keys", "export-public", "--format", "der"]).is_err(), "binary to a terminal");
}

#[test]
fn an_import_comes_as_secondary_unless_asked() {
    let place = Place::started();
    let material = signing();
    let key = place.write("k.pem", &key_pem(&material));
    let certificate = place.write("c.pem", material.certificate().pem().as_bytes());
    let text = place.run(&["import", "--key", &key, "--certificate", &certificate]).unwrap();
    assert!(text.contains("Imported as secondary token-signing key") && text.contains("reload"), "{text}");
    assert!(!text.contains("Warning"), "{text}");
    let again = place.run(&["import", "--key", &key, "--certificate", &certificate]).unwrap_err();
    assert!(again.to_string().contains("is there already"), "{again}");

    let other = signing();
    let both = [key_pem(&other), other.certificate().pem().into_bytes()].concat();
    let both = place.write("both.pem", &both);
    place.run(&["import", "--key", &both, "--primary"]).unwrap();
    let json: serde_json::Value = serde_json::from_str(&place.run(&["list", "--json"]).unwrap()).unwrap();
    assert_eq!(json["keys"][0]["id"], other.certificate().thumbprint_sha256());
    assert_eq!(json["keys"].as_array().unwrap().len(), 5);
}

#[test]
fn the_next_key_is_published_first_and_signs_when_it_is_promoted() {
    let place = Place::started();
    let primary = |when| {
        let vault = place.options().open(&SystemRandomSource::new()).unwrap();
        let ring = KeyRing::load(&vault, &vault.manifest().unwrap().unwrap()).unwrap();
        let next = ring.next_signing().map(|key| key.certificate.thumbprint_sha256());
        let published: Vec<_> = ring.signing().map(|key| key.certificate.thumbprint_sha256()).collect();
        (ring.primary_signing().certificate.thumbprint_sha256(), next, published, when)
    };
    let (old, none, ..) = primary("before");
    assert_eq!(none, None);
    let later = NOW.plus(Duration::from_hours(1));
    let text = place.run_at(later, &["generate"]).unwrap();
    assert!(text.contains("Made a secondary token-signing key") && text.contains("keys promote"), "{text}");
    let (signs, next, published, _) = primary("generated");
    let next = next.unwrap();
    assert_eq!((&signs, &published), (&old, &vec![old.clone(), next.clone()]), "published, and the old one signs");

    let at = |hours| later.plus(Duration::from_hours(hours));
    let early = place.run_at(at(23), &["promote", &next]).unwrap_err();
    assert!(matches!(early, KeysError::JustAdded { .. }), "{early}");
    // Also when nobody had to learn it: a clock that goes wrong, or a certificate of the future.
    let unborn = place.run_at(UtcTime::from_unix_seconds(1), &["promote", &next, "--now"]).unwrap_err();
    assert!(matches!(unborn, KeysError::NotYetValid { .. }), "{unborn}");
    assert_eq!(primary("refused").0, old);
    let text = place.run_at(at(24), &["promote", &next[..16]]).unwrap();
    assert!(text.contains("Primary token-signing key is now") && text.contains("reload"), "{text}");
    let (signs, _, published, _) = primary("promoted");
    assert_eq!((&signs, published), (&next, vec![next.clone(), old.clone()]), "the old one stays published");

    assert!(matches!(place.run_at(at(24), &["promote", &next]), Err(KeysError::PrimaryAlready(_))));
    assert!(matches!(place.run_at(at(24), &["promote", "0000000000"]), Err(KeysError::NoSuchKey(_))));
    let back = place.run_at(at(24 * 365), &["promote", &old]).unwrap_err();
    assert!(matches!(back, KeysError::Expired { .. }), "{back}");
}

#[test]
fn a_key_that_nobody_had_to_learn_is_promoted_at_once() {
    let place = Place::started();
    place.run(&["generate", "--purpose", "token-decryption"]).unwrap();
    let json: serde_json::Value = serde_json::from_str(&place.run(&["list", "--json"]).unwrap()).unwrap();
    let row = |role: &str| {
        let rows = json["keys"].as_array().unwrap();
        let row = rows.iter().find(|row| row["purpose"] == "token-decryption" && row["role"] == role).unwrap();
        row["id"].as_str().unwrap().to_owned()
    };
    assert!(matches!(place.run(&["promote", &row("secondary")]), Err(KeysError::JustAdded { .. })));
    place.run(&["promote", &row("secondary"), "--now"]).unwrap();
    // A key that does not open must not become the one that everything depends on.
    let file = place.root.path().join(format!("keys/token-decryption.{}.key", row("primary")));
    std::fs::write(&file, "damaged").unwrap();
    assert!(matches!(place.run(&["promote", &row("primary"), "--now"]), Err(KeysError::Vault(_))));
}

#[test]
fn the_sealing_key_rolls_over_and_the_old_one_opens_until_it_is_removed() {
    let place = Place::started();
    let keys = || -> Vec<(String, String)> {
        let json: serde_json::Value = serde_json::from_str(&place.run(&["list", "--json"]).unwrap()).unwrap();
        let rows = json["keys"].as_array().unwrap().iter().filter(|row| row["purpose"] == "sealing");
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        rows.map(|row| (text(&row["id"]), text(&row["role"]))).collect()
    };
    let old = keys().remove(0).0;
    let text = place.run(&["generate", "--purpose", "sealing"]).unwrap();
    assert!(text.contains("Made a secondary sealing key") && text.contains("every server"), "{text}");
    let new = keys().remove(1).0;
    assert!(matches!(place.run(&["remove", &old]), Err(KeysError::Primary(_))));
    assert!(matches!(place.run(&["export-public", "--id", &new]), Err(KeysError::NoCertificate(_))));
    // Nobody outside has to learn it.
    place.run(&["promote", &new[..16]]).unwrap();
    assert_eq!(keys(), [(new.clone(), String::from("primary")), (old.clone(), String::from("secondary"))]);
    assert!(matches!(place.run(&["promote", &new]), Err(KeysError::PrimaryAlready(_))));
    let file = place.root.path().join(format!("keys/sealing.{old}.key"));
    assert!(file.exists());
    let text = place.run(&["remove", &old]).unwrap();
    assert!(text.contains("Removed") && text.contains("sign in again"), "{text}");
    assert_eq!((keys(), file.exists()), (vec![(new, String::from("primary"))], false));
    assert!(matches!(place.run(&["remove", &old]), Err(KeysError::NoSuchKey(_))));
    // A key that does not open must not become the one that everything depends on.
    place.run(&["generate", "--purpose", "sealing"]).unwrap();
    let damaged = keys().remove(1).0;
    std::fs::write(place.root.path().join(format!("keys/sealing.{damaged}.key")), "damaged").unwrap();
    assert!(matches!(place.run(&["promote", &damaged]), Err(KeysError::Vault(_))));
}

#[test]
fn a_certificate_that_ends_first_is_not_the_next() {
    let place = Place::started();
    let mut options = place.options();
    options.certificate_lifetime = Duration::from_hours(24);
    let args = Program::try_parse_from(["keys", "generate"]).unwrap().keys;
    let (mut out, mut advice) = (Vec::new(), Vec::new());
    let (clock, random) = (ManualClock::at(NOW), SystemRandomSource::new());
    run(&args, Some(&options), &clock, &random, &mut out, &mut advice).unwrap();
    let advice = String::from_utf8(advice).unwrap();
    assert!(advice.contains("Warning: the primary certificate ends later"), "{advice}");
    // Without the configuration nobody knows the name in the certificate.
    let line = ["keys", "--directory", "/d", "--key-encryption-key-file", "/k", "generate"];
    let args = Program::try_parse_from(line).unwrap().keys;
    let error = run(&args, None, &clock, &random, &mut Vec::new(), &mut Vec::new()).unwrap_err();
    assert!(matches!(error, KeysError::NoServiceName), "{error}");
}

#[test]
fn pkcs12_is_imported_with_a_password_file() {
    let place = Place::new();
    let material = signing();
    let key = openssl::pkey::PKey::private_key_from_pkcs8(material.pkcs8().expose()).unwrap();
    let certificate = openssl::x509::X509::from_der(&material.certificate().der).unwrap();
    let archive = openssl::pkcs12::Pkcs12::builder().pkey(&key).cert(&certificate).build2("pw").unwrap();
    let pfx = place.write("s.pfx", &archive.to_der().unwrap());
    let password = place.write("pw", b"pw\r\n");
    let wrong = place.run(&["import", "--pkcs12", &pfx]).unwrap_err();
    assert!(matches!(wrong, KeysError::Import { source: ImportError::Password, .. }), "{wrong}");
    // Also before the first start: the keys beside it are made.
    place.run(&["import", "--pkcs12", &pfx, "--password-file", &password, "--primary"]).unwrap();
    let json: serde_json::Value = serde_json::from_str(&place.run(&["list", "--json"]).unwrap()).unwrap();
    assert_eq!(json["keys"][0]["id"], material.certificate().thumbprint_sha256());
}

#[test]
fn what_is_missing_is_named() {
    let place = Place::new();
    let error = place.run(&["list"]).unwrap_err();
    assert!(error.to_string().contains("made at the first start"), "{error}");
    let args = Program::try_parse_from(["keys", "list"]).unwrap().keys;
    let (clock, random) = (ManualClock::at(NOW), SystemRandomSource::new());
    let error = run(&args, None, &clock, &random, &mut Vec::new(), &mut Vec::new()).unwrap_err();
    assert!(matches!(error, KeysError::NoLocation { argument: "directory" }));
    let missing = place.run(&["import", "--key", "/nonexistent"]).unwrap_err();
    assert_eq!(missing.to_string(), "/nonexistent does not exist");
    assert!(Program::try_parse_from(["keys", "import"]).is_err());
    assert!(Program::try_parse_from(["keys", "import", "--pkcs12", "a", "--key", "b"]).is_err());
}
