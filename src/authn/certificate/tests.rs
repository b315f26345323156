//! Certificates, authorities and lists made at test time, one fault each.

use std::time::Duration;

use openssl::asn1::{Asn1Integer, Asn1Object, Asn1OctetString, Asn1Time};
use openssl::bn::BigNum;
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::x509::extension::{
    BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectAlternativeName, SubjectKeyIdentifier,
};
use openssl::x509::{X509, X509Builder, X509Crl, X509Extension, X509Name, X509RevokedBuilder};

use super::*;

const NOW: i64 = 1_800_000_000;
const DAY: i64 = 86_400;

fn now() -> UtcTime {
    UtcTime::from_unix_seconds(NOW)
}

fn ec_key() -> PKey<Private> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap()
}

fn at(seconds: i64) -> Asn1Time {
    Asn1Time::from_unix(seconds).unwrap()
}

fn name(parts: &[(&str, &str)]) -> X509Name {
    let mut builder = X509Name::builder().unwrap();
    for (label, value) in parts {
        builder.append_entry_by_text(label, value).unwrap();
    }
    builder.build()
}

struct Party {
    key: PKey<Private>,
    certificate: X509,
}

impl Party {
    fn der(&self) -> Vec<u8> {
        self.certificate.to_der().unwrap()
    }

    fn pem(&self) -> Vec<u8> {
        self.certificate.to_pem().unwrap()
    }

    fn list(&self, revoked: &[&Party], this_update: i64, next_update: i64) -> Vec<u8> {
        self.list_with(revoked, this_update, next_update, &[]).to_pem().unwrap()
    }

    fn list_with(
        &self,
        revoked: &[&Party],
        this_update: i64,
        next_update: i64,
        extensions: &[X509Extension],
    ) -> X509Crl {
        let mut builder = openssl::x509::X509CrlBuilder::new().unwrap();
        builder.set_issuer_name(self.certificate.subject_name()).unwrap();
        builder.set_last_update(&at(this_update)).unwrap();
        builder.set_next_update(&at(next_update)).unwrap();
        for party in revoked {
            let mut entry = X509RevokedBuilder::new().unwrap();
            entry.set_serial_number(party.certificate.serial_number()).unwrap();
            entry.set_revocation_date(&at(this_update)).unwrap();
            builder.add_revoked(entry.build()).unwrap();
        }
        let key_identifier = tlv(0x80, self.certificate.subject_key_id().unwrap().as_slice());
        builder.append_extension(extension("2.5.29.35", false, &tlv(0x30, &key_identifier))).unwrap();
        builder.append_extension(extension("2.5.29.20", false, &[2, 1, 1])).unwrap();
        for extension in extensions {
            builder.append_extension2(extension).unwrap();
        }
        builder.sign(&self.key, MessageDigest::sha256()).unwrap();
        builder.build().unwrap()
    }
}

/// What to write into a certificate; the default is a good client certificate.
struct Spec {
    key: Option<PKey<Private>>,
    serial: u32,
    subject: X509Name,
    not_before: i64,
    not_after: i64,
    digest: MessageDigest,
    is_authority: bool,
    path_length: Option<u32>,
    usages: Vec<&'static str>,
    key_usage: KeyUsage,
    extensions: Vec<X509Extension>,
}

impl Default for Spec {
    fn default() -> Self {
        let mut key_usage = KeyUsage::new();
        key_usage.digital_signature();
        Self {
            key: None,
            serial: 0x1_2345,
            subject: name(&[("DC", "example"), ("DC", "corp"), ("CN", "alice")]),
            not_before: NOW - DAY,
            not_after: NOW + DAY,
            digest: MessageDigest::sha256(),
            is_authority: false,
            path_length: None,
            usages: vec!["clientAuth"],
            key_usage,
            extensions: vec![],
        }
    }
}

impl Spec {
    fn authority(common_name: &str, path_length: Option<u32>) -> Self {
        let mut key_usage = KeyUsage::new();
        key_usage.critical().key_cert_sign().crl_sign();
        Self {
            subject: name(&[("DC", "example"), ("DC", "corp"), ("CN", common_name)]),
            is_authority: true,
            path_length,
            usages: vec![],
            key_usage,
            not_before: NOW - 100 * DAY,
            not_after: NOW + 100 * DAY,
            ..Self::default()
        }
    }

    fn with(mut self, extension: X509Extension) -> Self {
        self.extensions.push(extension);
        self
    }

    /// Issued by `issuer`; self-signed without one.
    fn issue(self, issuer: Option<&Party>) -> Party {
        let key = self.key.unwrap_or_else(ec_key);
        let mut builder = X509Builder::new().unwrap();
        builder.set_version(2).unwrap();
        let serial: Asn1Integer = BigNum::from_u32(self.serial).unwrap().to_asn1_integer().unwrap();
        builder.set_serial_number(&serial).unwrap();
        builder.set_subject_name(&self.subject).unwrap();
        builder.set_issuer_name(issuer.map_or(&self.subject, |party| party.certificate.subject_name())).unwrap();
        builder.set_not_before(&at(self.not_before)).unwrap();
        builder.set_not_after(&at(self.not_after)).unwrap();
        builder.set_pubkey(&key).unwrap();
        if self.is_authority {
            let mut constraints = BasicConstraints::new();
            constraints.critical().ca();
            if let Some(length) = self.path_length {
                constraints.pathlen(length);
            }
            builder.append_extension(constraints.build().unwrap()).unwrap();
        }
        builder.append_extension(self.key_usage.build().unwrap()).unwrap();
        if !self.usages.is_empty() {
            let mut usages = ExtendedKeyUsage::new();
            for usage in &self.usages {
                usages.other(usage);
            }
            builder.append_extension(usages.build().unwrap()).unwrap();
        }
        let identifier = SubjectKeyIdentifier::new().build(&builder.x509v3_context(None, None)).unwrap();
        builder.append_extension(identifier).unwrap();
        for extension in self.extensions {
            builder.append_extension(extension).unwrap();
        }
        builder.sign(issuer.map_or(&key, |party| &party.key), self.digest).unwrap();
        Party { key, certificate: builder.build() }
    }
}

fn tlv(tag: u8, value: &[u8]) -> Vec<u8> {
    let length = u8::try_from(value.len()).unwrap();
    let header = if length < 128 { vec![tag, length] } else { vec![tag, 0x81, length] };
    [&header, value].concat()
}

fn extension(oid: &str, critical: bool, value: &[u8]) -> X509Extension {
    let oid = Asn1Object::from_str(oid).unwrap();
    X509Extension::new_from_der(&oid, critical, &Asn1OctetString::new_from_bytes(value).unwrap()).unwrap()
}

fn oid_octets(text: &str) -> Vec<u8> {
    tlv(0x06, Asn1Object::from_str(text).unwrap().as_slice())
}

fn upn_name(upn: &[u8]) -> Vec<u8> {
    tlv(0xa0, &[oid_octets("1.3.6.1.4.1.311.20.2.3"), tlv(0xa0, &tlv(0x0c, upn))].concat())
}

fn alternative_names(names: &[Vec<u8>]) -> X509Extension {
    extension("2.5.29.17", false, &tlv(0x30, &names.concat()))
}

fn sid_extension(sid: &str) -> X509Extension {
    let name = [oid_octets("1.3.6.1.4.1.311.25.2.1"), tlv(0xa0, &tlv(0x04, sid.as_bytes()))].concat();
    extension("1.3.6.1.4.1.311.25.2", false, &tlv(0x30, &tlv(0xa0, &name)))
}

const SID: &str = "S-1-5-21-1004336348-1177238915-682003330-1107";

/// A root, an issuing authority, and trust in the root that knows the issuing authority and its empty lists.
struct Pki {
    root: Party,
    issuing: Party,
}

impl Pki {
    fn new() -> Self {
        let root = Spec::authority("Root CA", None).issue(None);
        let issuing = Spec::authority("Issuing CA", Some(0)).issue(Some(&root));
        Self { root, issuing }
    }

    fn authorities(&self) -> Vec<Vec<u8>> {
        vec![self.root.pem(), self.issuing.pem()]
    }

    fn lists(&self, revoked: &[&Party]) -> Vec<Vec<u8>> {
        vec![self.root.list(&[], NOW - DAY, NOW + DAY), self.issuing.list(revoked, NOW - DAY, NOW + DAY)]
    }

    fn trust(&self) -> CertificateTrust {
        CertificateTrust::new(&self.authorities(), &self.lists(&[]), CertificatePolicy::default()).unwrap()
    }

    fn check(&self, party: &Party) -> Result<CertificateIdentity, CertificateError> {
        self.trust().validate(&party.der(), &[], now())
    }
}

#[test]
fn a_good_certificate_names_its_owner() {
    let pki = Pki::new();
    let client = Spec::default()
        .with(alternative_names(&[upn_name(b"alice@corp.example")]))
        .with(sid_extension(SID))
        .issue(Some(&pki.issuing));
    let identity = pki.check(&client).unwrap();
    assert_eq!(identity.upn.as_deref(), Some("alice@corp.example"));
    assert_eq!(identity.sid, Some(SID.parse().unwrap()));
    assert_eq!(identity.revocation, RevocationState::Good);
    assert_eq!(identity.serial, "012345");
    assert_eq!(identity.not_after, UtcTime::from_unix_seconds(NOW + DAY));
    let sha1 = client.certificate.digest(MessageDigest::sha1()).unwrap();
    assert_eq!(identity.thumbprint, hex::encode_upper(sha1));
    let mappings = &identity.strong_mappings;
    assert!(mappings.contains(&"X509:<I>DC=example,DC=corp,CN=Issuing CA<SR>452301".to_owned()), "{mappings:?}");
    let key_identifier = hex::encode(client.certificate.subject_key_id().unwrap().as_slice());
    assert!(mappings.contains(&format!("X509:<SKI>{key_identifier}")));
    assert!(mappings.contains(&format!("X509:<SHA1-PUKEY>{}", hex::encode(sha1))));
}

#[test]
fn smart_card_logon_is_as_good_as_client_authentication() {
    let pki = Pki::new();
    let spec = Spec { usages: vec!["1.3.6.1.4.1.311.20.2.2"], ..Spec::default() };
    assert!(pki.check(&spec.issue(Some(&pki.issuing))).is_ok());
}

#[test]
fn an_intermediate_may_come_with_the_client() {
    let pki = Pki::new();
    let client = Spec::default().issue(Some(&pki.issuing));
    let trust = CertificateTrust::new(&[pki.root.pem()], &pki.lists(&[]), CertificatePolicy::default()).unwrap();
    assert!(trust.validate(&client.der(), &[pki.issuing.der()], now()).is_ok());
    let alone = trust.validate(&client.der(), &[], now());
    assert!(matches!(alone, Err(CertificateError::UnknownAuthority { .. })), "{alone:?}");
}

#[test]
fn an_unknown_authority_is_refused_even_with_the_same_name() {
    let (pki, other) = (Pki::new(), Pki::new());
    let client = Spec::default().issue(Some(&other.issuing));
    assert!(pki.check(&client).is_err());
    let brought = pki.trust().validate(&client.der(), &[other.issuing.der(), other.root.der()], now());
    assert!(brought.is_err());
    let stranger = Spec::authority("Stranger CA", None).issue(None);
    let client = Spec::default().issue(Some(&stranger));
    let result = pki.trust().validate(&client.der(), &[stranger.der()], now());
    let issuer = String::from("DC=example, DC=corp, CN=Stranger CA");
    assert_eq!(result, Err(CertificateError::UnknownAuthority { issuer }));
    let self_signed = pki.check(&Spec::default().issue(None));
    assert!(matches!(self_signed, Err(CertificateError::UnknownAuthority { .. })), "{self_signed:?}");
}

#[test]
fn a_path_does_not_end_at_an_intermediate() {
    let pki = Pki::new();
    let other_root = Spec::authority("Another Root", None).issue(None);
    let client = Spec::default().issue(Some(&pki.issuing));
    let trust =
        CertificateTrust::new(&[other_root.pem(), pki.issuing.pem()], &pki.lists(&[]), CertificatePolicy::default());
    let result = trust.unwrap().validate(&client.der(), &[], now());
    assert!(matches!(result, Err(CertificateError::UnknownAuthority { .. })), "{result:?}");
}

#[test]
fn dates_are_those_of_the_given_clock() {
    let pki = Pki::new();
    let expired = Spec { not_before: NOW - 3 * DAY, not_after: NOW - DAY, ..Spec::default() }.issue(Some(&pki.issuing));
    assert!(matches!(pki.check(&expired), Err(CertificateError::Expired { .. })));
    let then = UtcTime::from_unix_seconds(NOW - DAY - 60);
    let policy = RevocationPolicy { mode: RevocationMode::Off, ..RevocationPolicy::default() };
    let trust = CertificateTrust::new(
        &pki.authorities(),
        &[],
        CertificatePolicy { revocation: policy, ..CertificatePolicy::default() },
    );
    assert!(trust.unwrap().validate(&expired.der(), &[], then).is_ok());
    let early = Spec { not_before: NOW + DAY, not_after: NOW + 2 * DAY, ..Spec::default() }.issue(Some(&pki.issuing));
    assert!(matches!(pki.check(&early), Err(CertificateError::NotYetValid { .. })));
    let old_authority = Spec { not_after: NOW - DAY, ..Spec::authority("Old CA", None) }.issue(Some(&pki.root));
    let client = Spec::default().issue(Some(&old_authority));
    let result = pki.trust().validate(&client.der(), &[old_authority.der()], now());
    assert!(matches!(result, Err(CertificateError::Expired { .. })), "{result:?}");
}

#[test]
fn what_is_not_for_signing_in_is_refused() {
    let pki = Pki::new();
    for usages in [vec!["serverAuth"], vec!["anyExtendedKeyUsage"], vec![]] {
        let client = Spec { usages, ..Spec::default() }.issue(Some(&pki.issuing));
        assert!(matches!(pki.check(&client), Err(CertificateError::NotForClientAuthentication { .. })));
    }
    let mut encipherment = KeyUsage::new();
    encipherment.key_encipherment();
    let client = Spec { key_usage: encipherment, ..Spec::default() }.issue(Some(&pki.issuing));
    assert_eq!(pki.check(&client), Err(CertificateError::KeyUsage));
}

#[test]
fn an_authority_limited_to_servers_issues_no_clients() {
    let pki = Pki::new();
    let limited = Spec { usages: vec!["serverAuth"], ..Spec::authority("Web CA", None) }.issue(Some(&pki.root));
    let client = Spec::default().issue(Some(&limited));
    let result = pki.trust().validate(&client.der(), &[limited.der()], now());
    assert!(matches!(result, Err(CertificateError::NotForClientAuthentication { .. })), "{result:?}");
}

#[test]
fn an_authority_does_not_sign_in_and_a_client_issues_nothing() {
    let pki = Pki::new();
    let authority = Spec { usages: vec!["clientAuth"], ..Spec::authority("Sub CA", None) }.issue(Some(&pki.root));
    assert_eq!(pki.check(&authority), Err(CertificateError::IsAuthority));
    let client = Spec::default().issue(Some(&pki.issuing));
    let issued_by_client = Spec { subject: name(&[("CN", "bob")]), ..Spec::default() }.issue(Some(&client));
    let result = pki.trust().validate(&issued_by_client.der(), &[client.der()], now());
    assert!(matches!(result, Err(CertificateError::Path { .. })), "{result:?}");
}

#[test]
fn a_path_length_constraint_holds() {
    let pki = Pki::new();
    let below = Spec::authority("Below CA", None).issue(Some(&pki.issuing));
    let client = Spec::default().issue(Some(&below));
    let result = pki.trust().validate(&client.der(), &[below.der()], now());
    assert_eq!(result, Err(CertificateError::PathLength));
}

#[test]
fn weak_keys_and_signatures_are_refused() {
    let pki = Pki::new();
    let rsa = |bits| Some(PKey::from_rsa(Rsa::generate(bits).unwrap()).unwrap());
    let client = Spec { key: rsa(1024), ..Spec::default() }.issue(Some(&pki.issuing));
    assert!(matches!(pki.check(&client), Err(CertificateError::WeakKey { .. })));
    let client = Spec { key: rsa(2048), ..Spec::default() }.issue(Some(&pki.issuing));
    assert!(pki.check(&client).is_ok());
    let curve = EcGroup::from_curve_name(Nid::X9_62_PRIME192V1).unwrap();
    let small = Some(PKey::from_ec_key(EcKey::generate(&curve).unwrap()).unwrap());
    let client = Spec { key: small, ..Spec::default() }.issue(Some(&pki.issuing));
    assert!(matches!(pki.check(&client), Err(CertificateError::WeakKey { .. })));
    let client = Spec { digest: MessageDigest::sha1(), ..Spec::default() }.issue(Some(&pki.issuing));
    assert!(matches!(pki.check(&client), Err(CertificateError::WeakSignature { .. })));
    let policy = CertificatePolicy { allow_sha1: true, ..CertificatePolicy::default() };
    let trust = CertificateTrust::new(&pki.authorities(), &pki.lists(&[]), policy).unwrap();
    assert!(trust.validate(&client.der(), &[], now()).is_ok());
}

#[test]
fn a_roots_signature_over_itself_need_not_be_strong() {
    let root = Spec { digest: MessageDigest::sha1(), ..Spec::authority("Old Root", None) }.issue(None);
    let pki = Pki { issuing: Spec::authority("Issuing CA", Some(0)).issue(Some(&root)), root };
    let client = Spec::default().issue(Some(&pki.issuing));
    assert_eq!(pki.check(&client).map(|_| ()), Ok(()));
}

#[test]
fn a_pss_signature_is_as_strong_as_its_digest() {
    let mut generator = openssl::pkey_ctx::PkeyCtx::new_id(openssl::pkey::Id::RSA_PSS).unwrap();
    generator.keygen_init().unwrap();
    generator.set_rsa_keygen_bits(2048).unwrap();
    let root = Spec::authority("Root CA", None).issue(None);
    let issuing = Spec { key: Some(generator.keygen().unwrap()), ..Spec::authority("PSS CA", Some(0)) };
    let pki = Pki { issuing: issuing.issue(Some(&root)), root };
    let client = Spec::default().issue(Some(&pki.issuing));
    assert_eq!(pki.check(&client).map(|_| ()), Ok(()));
    let client = Spec { digest: MessageDigest::sha1(), ..Spec::default() }.issue(Some(&pki.issuing));
    let result = pki.check(&client);
    assert!(matches!(result, Err(CertificateError::WeakSignature { .. })), "{result:?}");
}

#[test]
fn only_named_issuers_may_issue_for_logon() {
    let pki = Pki::new();
    let client = Spec::default().issue(Some(&pki.issuing));
    for (issuer, good) in [(&pki.issuing, true), (&pki.root, false)] {
        let mut fingerprint = [0; 32];
        fingerprint.copy_from_slice(&issuer.certificate.digest(MessageDigest::sha256()).unwrap());
        let policy = CertificatePolicy { logon_issuers: vec![fingerprint], ..CertificatePolicy::default() };
        let trust = CertificateTrust::new(&pki.authorities(), &pki.lists(&[]), policy).unwrap();
        assert_eq!(trust.validate(&client.der(), &[], now()).is_ok(), good);
    }
}

fn with_lists(pki: &Pki, lists: &[Vec<u8>], mode: RevocationMode, grace: Duration) -> CertificateTrust {
    let revocation = RevocationPolicy { mode, stale_grace: grace };
    let policy = CertificatePolicy { revocation, ..CertificatePolicy::default() };
    CertificateTrust::new(&pki.authorities(), lists, policy).unwrap()
}

#[test]
fn revoked_is_revoked_by_any_list() {
    let pki = Pki::new();
    let client = Spec::default().issue(Some(&pki.issuing));
    let other = Spec { serial: 99, ..Spec::default() }.issue(Some(&pki.issuing));
    let stale = vec![
        pki.root.list(&[], NOW - DAY, NOW + DAY),
        pki.issuing.list(&[&client], NOW - 9 * DAY, NOW - 8 * DAY),
        pki.issuing.list(&[], NOW - DAY, NOW + DAY),
    ];
    for lists in [pki.lists(&[&client]), stale] {
        for mode in [RevocationMode::Required, RevocationMode::IfAvailable] {
            let trust = with_lists(&pki, &lists, mode, Duration::ZERO);
            let result = trust.validate(&client.der(), &[], now());
            let subject = String::from("DC=example, DC=corp, CN=alice");
            assert_eq!(result, Err(CertificateError::Revoked { subject }));
            assert!(trust.validate(&other.der(), &[], now()).is_ok());
        }
    }
}

#[test]
fn a_revoked_authority_takes_its_clients_along() {
    let pki = Pki::new();
    let client = Spec::default().issue(Some(&pki.issuing));
    let lists = [pki.root.list(&[&pki.issuing], NOW - DAY, NOW + DAY), pki.issuing.list(&[], NOW - DAY, NOW + DAY)];
    let result = with_lists(&pki, &lists, RevocationMode::Required, Duration::ZERO).validate(&client.der(), &[], now());
    assert!(matches!(result, Err(CertificateError::Revoked { .. })), "{result:?}");
}

#[test]
fn without_a_list_that_counts_the_policy_decides() {
    let (pki, other) = (Pki::new(), Pki::new());
    let client = Spec::default().issue(Some(&pki.issuing));
    let root_list = pki.root.list(&[], NOW - DAY, NOW + DAY);
    let issuing = &pki.issuing;
    let cases: [(&str, Vec<Vec<u8>>); 5] = [
        ("none", vec![]),
        ("the issuer's is missing", vec![root_list.clone()]),
        ("stale", vec![root_list.clone(), issuing.list(&[], NOW - 3 * DAY, NOW - DAY)]),
        ("of the future", vec![root_list.clone(), issuing.list(&[], NOW + DAY, NOW + 2 * DAY)]),
        ("of another key", vec![root_list.clone(), other.issuing.list(&[], NOW - DAY, NOW + DAY)]),
    ];
    for (case, lists) in cases {
        let check = |mode, grace| with_lists(&pki, &lists, mode, grace).validate(&client.der(), &[], now());
        let required = check(RevocationMode::Required, Duration::ZERO);
        assert!(matches!(required, Err(CertificateError::RevocationUnknown { .. })), "{case}: {required:?}");
        let lenient = check(RevocationMode::IfAvailable, Duration::ZERO).unwrap();
        assert!(matches!(lenient.revocation, RevocationState::Unchecked { .. }), "{case}");
        assert!(check(RevocationMode::Off, Duration::ZERO).is_ok(), "{case}");
        let with_grace = check(RevocationMode::Required, Duration::from_hours(25));
        assert_eq!(with_grace.is_ok(), case == "stale", "{case}");
    }
}

#[test]
fn a_list_counts_from_its_first_second_to_its_last() {
    let pki = Pki::new();
    let client = Spec::default().issue(Some(&pki.issuing));
    let root_list = pki.root.list(&[], NOW - DAY, NOW + DAY);
    for (from, until, good) in
        [(NOW, NOW + DAY, true), (NOW + 1, NOW + DAY, false), (NOW - DAY, NOW, true), (NOW - DAY, NOW - 1, false)]
    {
        let lists = [root_list.clone(), pki.issuing.list(&[], from, until)];
        let trust = with_lists(&pki, &lists, RevocationMode::Required, Duration::ZERO);
        assert_eq!(trust.validate(&client.der(), &[], now()).is_ok(), good, "{from} to {until}");
    }
}

#[test]
fn a_list_counts_by_name_and_by_the_right_to_sign_it() {
    let pki = Pki::new();
    let client = Spec::default().issue(Some(&pki.issuing));
    let root_list = pki.root.list(&[], NOW - DAY, NOW + DAY);
    let same_key =
        Spec { key: Some(pki.issuing.key.clone()), ..Spec::authority("Twin CA", None) }.issue(Some(&pki.root));
    let lists = [root_list.clone(), same_key.list(&[], NOW - DAY, NOW + DAY)];
    let result = with_lists(&pki, &lists, RevocationMode::Required, Duration::ZERO).validate(&client.der(), &[], now());
    assert!(matches!(result, Err(CertificateError::RevocationUnknown { .. })), "{result:?}");

    let mut certificates_only = KeyUsage::new();
    certificates_only.critical().key_cert_sign();
    let mute = Spec { key_usage: certificates_only, ..Spec::authority("Mute CA", None) }.issue(Some(&pki.root));
    let client = Spec::default().issue(Some(&mute));
    let lists = [root_list, mute.list(&[], NOW - DAY, NOW + DAY)];
    let trust = with_lists(&pki, &lists, RevocationMode::Required, Duration::ZERO);
    let result = trust.validate(&client.der(), &[mute.der()], now());
    assert!(matches!(result, Err(CertificateError::RevocationUnknown { .. })), "{result:?}");
}

#[test]
fn lists_that_mean_something_else_are_not_loaded() {
    let pki = Pki::new();
    let delta = extension("2.5.29.27", true, &[2, 1, 1]);
    let indirect = extension("2.5.29.28", true, &tlv(0x30, &tlv(0x84, &[0xff])));
    for extension in [delta, indirect] {
        let list = pki.issuing.list_with(&[], NOW - DAY, NOW + DAY, &[extension]).to_der().unwrap();
        let trust = CertificateTrust::new(&pki.authorities(), &[list], CertificatePolicy::default());
        assert!(matches!(trust.err(), Some(TrustConfigError::List { .. })));
    }
    // A list of clients only says nothing of authorities.
    let clients_only = extension("2.5.29.28", true, &tlv(0x30, &tlv(0x81, &[0xff])));
    let list = pki.root.list_with(&[], NOW - DAY, NOW + DAY, &[clients_only]).to_der().unwrap();
    let lists = [list, pki.issuing.list(&[], NOW - DAY, NOW + DAY)];
    let client = Spec::default().issue(Some(&pki.issuing));
    let result = with_lists(&pki, &lists, RevocationMode::Required, Duration::ZERO).validate(&client.der(), &[], now());
    assert!(matches!(result, Err(CertificateError::RevocationUnknown { .. })), "{result:?}");
    // A list of authorities only says nothing of clients.
    let authorities_only = extension("2.5.29.28", true, &tlv(0x30, &tlv(0x82, &[0xff])));
    let list = pki.issuing.list_with(&[], NOW - DAY, NOW + DAY, &[authorities_only]).to_der().unwrap();
    let lists = [pki.root.list(&[], NOW - DAY, NOW + DAY), list];
    let client = Spec::default().issue(Some(&pki.issuing));
    let result = with_lists(&pki, &lists, RevocationMode::Required, Duration::ZERO).validate(&client.der(), &[], now());
    assert!(matches!(result, Err(CertificateError::RevocationUnknown { .. })), "{result:?}");
}

#[test]
fn an_entry_that_may_mean_something_else_spoils_its_list() {
    let pki = Pki::new();
    let algorithm = tlv(0x30, &oid_octets("1.2.840.10045.4.3.2"));
    let issuer = pki.issuing.certificate.subject_name().to_der().unwrap();
    let time = tlv(0x17, b"260101000000Z");
    for (oid, critical, value, good) in [
        ("2.5.29.21", true, &[0x0a, 1, 1][..], true),
        ("2.5.29.29", true, &[0x30, 0], false),
        ("1.2.3.4.5", true, &[5, 0], false),
        ("1.2.3.4.5", false, &[5, 0], true),
    ] {
        let critical = if critical { tlv(1, &[0xff]) } else { vec![] };
        let extension = tlv(0x30, &[oid_octets(oid), critical, tlv(4, value)].concat());
        let entry = tlv(0x30, &[tlv(2, &[5]), time.clone(), tlv(0x30, &extension)].concat());
        let content = [tlv(2, &[1]), algorithm.clone(), issuer.clone(), time.clone(), tlv(0x30, &entry)].concat();
        let list = tlv(0x30, &[tlv(0x30, &content), algorithm.clone(), tlv(3, &[0, 1])].concat());
        let trust = CertificateTrust::new(&pki.authorities(), &[list], CertificatePolicy::default());
        assert_eq!(
            trust.err().map(|error| matches!(error, TrustConfigError::List { .. })),
            (!good).then_some(true),
            "{oid}"
        );
    }
}

#[test]
fn tricks_with_names_are_refused() {
    let pki = Pki::new();
    let upn = |octets: &[u8]| alternative_names(&[upn_name(octets)]);
    let bmp = tlv(0xa0, &[oid_octets("1.3.6.1.4.1.311.20.2.3"), tlv(0xa0, &tlv(0x1e, b"\0a"))].concat());
    let sid_uri = |sid: &str| tlv(0x86, format!("tag:microsoft.com,2022-09-14:sid:{sid}").as_bytes());
    let cases: Vec<(&str, Vec<X509Extension>)> = vec![
        ("NUL", vec![upn(b"alice\0@corp.example")]),
        ("a second at sign", vec![upn(b"alice@corp.example@evil.example")]),
        ("no at sign", vec![upn(b"alice")]),
        ("a down-level name", vec![upn(b"CORP\\alice")]),
        ("blank around it", vec![upn(b" alice@corp.example")]),
        ("not UTF-8", vec![upn(b"alic\xe9@corp.example")]),
        ("another string type", vec![alternative_names(&[bmp])]),
        ("two UPNs", vec![alternative_names(&[upn_name(b"a@corp.example"), upn_name(b"b@corp.example")])]),
        ("the same UPN twice", vec![alternative_names(&[upn_name(b"a@corp.example"), upn_name(b"a@corp.example")])]),
        ("a SID that is none", vec![sid_extension("S-1-5-21-x")]),
        ("a SID with NUL", vec![sid_extension("S-1-5-21-1\0")]),
        ("a SID extension of another shape", vec![extension("1.3.6.1.4.1.311.25.2", false, b"\x30\x03S-1")]),
        ("a name that does not decode", vec![alternative_names(&[tlv(0x82, &[0xff])])]),
        ("two SIDs", vec![alternative_names(&[sid_uri(SID), sid_uri("S-1-5-21-1-2-3-4")])]),
        ("two SIDs in two places", vec![sid_extension(SID), alternative_names(&[sid_uri("S-1-5-21-1-2-3-4")])]),
        ("unknown critical extension", vec![extension("1.2.3.4.5", true, &[5, 0])]),
    ];
    for (case, extensions) in cases {
        let client = Spec { extensions, ..Spec::default() }.issue(Some(&pki.issuing));
        let result = pki.check(&client);
        let as_expected = match &result {
            Err(CertificateError::Ambiguous { .. }) => case.contains("two") || case.contains("twice"),
            Err(CertificateError::BadName { .. }) => !case.contains("critical"),
            Err(CertificateError::Path { .. }) => case.contains("critical"),
            _ => false,
        };
        assert!(as_expected, "{case}: {result:?}");
    }
    let agreeing = Spec { extensions: vec![sid_extension(SID), alternative_names(&[sid_uri(SID)])], ..Spec::default() };
    assert_eq!(pki.check(&agreeing.issue(Some(&pki.issuing))).unwrap().sid, Some(SID.parse().unwrap()));
}

#[test]
fn other_alternative_names_are_no_upn() {
    let pki = Pki::new();
    let mut spec = Spec::default();
    let issuing = pki.issuing.certificate.clone();
    let builder = X509Builder::new().unwrap();
    let context = builder.x509v3_context(Some(&issuing), None);
    let names = SubjectAlternativeName::new().email("alice@corp.example").dns("ws01.corp.example").build(&context);
    spec.extensions.push(names.unwrap());
    let identity = pki.check(&spec.issue(Some(&pki.issuing))).unwrap();
    assert_eq!((identity.upn, identity.sid), (None, None));
    // A name of another kind in the form of a UPN.
    let other = tlv(0xa0, &[oid_octets("1.3.6.1.4.1.311.20.2.4"), tlv(0xa0, &tlv(0x0c, b"a@corp.example"))].concat());
    let client = Spec::default().with(alternative_names(&[other])).issue(Some(&pki.issuing));
    assert_eq!(pki.check(&client).unwrap().upn, None);
}

#[test]
fn what_is_no_certificate_is_refused() {
    let pki = Pki::new();
    let client = Spec::default().issue(Some(&pki.issuing));
    let trust = pki.trust();
    let longer = [client.der(), vec![0]].concat();
    let mut changed = client.der();
    if let Some(last) = changed.last_mut() {
        *last ^= 1;
    }
    for der in [vec![], vec![0x30], client.der()[..100].to_vec(), longer, changed] {
        assert!(trust.validate(&der, &[], now()).is_err());
    }
    let huge = vec![0x30; MAX_CERTIFICATE_OCTETS + 1];
    assert_eq!(trust.validate(&huge, &[], now()), Err(CertificateError::TooLarge));
    // A certificate of the longest length is looked at.
    let longest = trust.validate(&vec![0x30; MAX_CERTIFICATE_OCTETS], &[], now());
    assert!(matches!(longest, Err(CertificateError::Malformed { .. })), "{longest:?}");
    let most = vec![pki.root.der(); MAX_PRESENTED];
    assert!(trust.validate(&client.der(), &most, now()).is_ok());
    let many = vec![pki.root.der(); MAX_PRESENTED + 1];
    assert_eq!(trust.validate(&client.der(), &many, now()), Err(CertificateError::TooLarge));
}

#[test]
fn configuration_that_cannot_work_is_refused() {
    let pki = Pki::new();
    let client = Spec::default().issue(Some(&pki.issuing));
    let new = |authorities: &[Vec<u8>], lists: &[Vec<u8>]| {
        CertificateTrust::new(authorities, lists, CertificatePolicy::default()).err()
    };
    assert!(matches!(new(&[client.pem()], &[]), Some(TrustConfigError::NoAuthority { .. })));
    assert_eq!(new(&[pki.issuing.pem()], &[]), Some(TrustConfigError::NoRoot));
    assert_eq!(new(&[], &[]), Some(TrustConfigError::NoRoot));
    assert!(matches!(new(&[b"x".to_vec()], &[]), Some(TrustConfigError::Authority { index: 0, .. })));
    assert!(matches!(new(&[pki.root.pem()], &[b"x".to_vec()]), Some(TrustConfigError::List { .. })));
}

fn identity(upn: Option<&str>, sid: Option<&str>) -> CertificateIdentity {
    CertificateIdentity {
        upn: upn.map(str::to_owned),
        sid: sid.map(|sid| sid.parse().unwrap()),
        strong_mappings: vec!["X509:<I>DC=example,DC=corp,CN=Issuing CA<SR>452301".into(), "X509:<SKI>abcd".into()],
        thumbprint: String::new(),
        subject: String::new(),
        issuer: String::new(),
        serial: String::new(),
        not_before: now(),
        not_after: now(),
        revocation: RevocationState::Good,
    }
}

#[test]
fn mapping_follows_the_policy() {
    use CertificateMapping::{Explicit, Sid, UpnOnly};
    use MappingPolicy::{Compatibility, StrongRequired};
    let account = |mappings: &[&str], created: i64| AccountMappings {
        sid: SID.parse().unwrap(),
        upns: vec!["Alice@corp.example".into()],
        alt_security_identities: mappings.iter().map(ToString::to_string).collect(),
        created: Some(UtcTime::from_unix_seconds(created)),
    };
    let (old, young) = (NOW - DAY, NOW + DAY);
    let upn = Some("alice@CORP.example");
    let strong = "x509:<i>dc=example, dc=corp, cn=Issuing CA<sr>452301";
    let weak = "X509:<I>DC=example,DC=corp,CN=Issuing CA<S>DC=example,CN=alice";
    let other = "S-1-5-21-1-2-3-4";
    let table = [
        (StrongRequired, identity(None, Some(SID)), account(&[], old), Some(Sid)),
        (StrongRequired, identity(upn, Some(SID)), account(&[], old), Some(Sid)),
        (StrongRequired, identity(Some("someone@else.example"), Some(SID)), account(&[], old), None),
        (StrongRequired, identity(None, None), account(&[strong], old), Some(Explicit)),
        (StrongRequired, identity(upn, None), account(&["Kerberos:x", "X509:<SKI>ABCD"], old), Some(Explicit)),
        (StrongRequired, identity(upn, None), account(&[weak], old), None),
        (StrongRequired, identity(upn, None), account(&[], old), None),
        (StrongRequired, identity(upn, Some(other)), account(&[strong], old), None),
        (Compatibility, identity(upn, Some(other)), account(&[], old), None),
        (Compatibility, identity(upn, None), account(&[], old), Some(UpnOnly)),
        (Compatibility, identity(upn, None), account(&[], young), None),
        (Compatibility, identity(upn, None), AccountMappings { created: None, ..account(&[], old) }, None),
        (Compatibility, identity(Some("bob@corp.example"), None), account(&[], old), None),
        (Compatibility, identity(None, None), account(&[weak], old), None),
    ];
    for (n, (policy, identity, account, expected)) in table.into_iter().enumerate() {
        assert_eq!(policy.decide(&identity, &account).ok(), expected, "row {n}");
    }
}

#[test]
fn the_filter_is_escaped() {
    let filter = strong_mapping_filter(&["X509:<I>CN=A*(B)\\<SR>01".into(), "X509:<SKI>ab".into()]);
    let expected = "(|(altSecurityIdentities=X509:<I>CN=A\\2a\\28B\\29\\5c<SR>01)(altSecurityIdentities=X509:<SKI>ab))";
    assert_eq!(filter.as_deref(), Some(expected));
    assert_eq!(strong_mapping_filter(&[]), None);
}

#[test]
fn an_issuer_name_that_imitates_another_is_quoted() {
    let pki = Pki::new();
    let imitation =
        Spec { subject: name(&[("DC", "example"), ("CN", "x,CN=Issuing CA")]), ..Spec::authority("-", Some(0)) };
    let imitation = imitation.issue(Some(&pki.root));
    let client = Spec::default().issue(Some(&imitation));
    let lists = [pki.root.list(&[], NOW - DAY, NOW + DAY), imitation.list(&[], NOW - DAY, NOW + DAY)];
    let trust = with_lists(&pki, &lists, RevocationMode::Required, Duration::ZERO);
    let identity = trust.validate(&client.der(), &[imitation.der()], now()).unwrap();
    assert_eq!(identity.strong_mappings[0], "X509:<I>DC=example,CN=\"x,CN=Issuing CA\"<SR>452301");
}

#[test]
fn issuer_and_serial_are_written_as_windows_writes_them() {
    use openssl::asn1::Asn1Type;
    let root = Spec::authority("Root CA", None).issue(None);
    let mappings = |issuer: X509Name, serial: u32| {
        let issuing = Spec { subject: issuer, ..Spec::authority("-", Some(0)) }.issue(Some(&root));
        let client = Spec { serial, ..Spec::default() }.issue(Some(&issuing));
        let mut mappings = CertificateIdentity::unverified(&client.der()).unwrap().strong_mappings;
        mappings.retain(|mapping| mapping.contains("<SR>"));
        mappings
    };
    for (value, written) in
        [("x", "x"), (" x", "\" x\""), ("x ", "\"x \""), ("#x", "\"#x\""), ("x#y", "x#y"), ("a;b", "\"a;b\"")]
    {
        assert_eq!(mappings(name(&[("CN", value)]), 1), [format!("X509:<I>CN={written}<SR>01")], "{value}");
    }
    // The zero before a high bit is written or left out; zero itself stays.
    assert_eq!(mappings(name(&[("CN", "x")]), 0x8000_0001), ["X509:<I>CN=x<SR>0100008000", "X509:<I>CN=x<SR>01000080"]);
    assert_eq!(mappings(name(&[("CN", "x")]), 0), ["X509:<I>CN=x<SR>00"]);
    for (kind, octets) in [(Asn1Type::BMPSTRING, "\0x\0y"), (Asn1Type::T61STRING, "xy"), (Asn1Type::UTF8STRING, "xy")] {
        let mut builder = X509Name::builder().unwrap();
        builder.append_entry_by_text_with_type("CN", octets, kind).unwrap();
        assert_eq!(mappings(builder.build(), 1), ["X509:<I>CN=xy<SR>01"], "{kind:?}");
    }
}

proptest::proptest! {
    #[test]
    fn any_change_of_one_octet_is_refused(position in 0_usize..10_000, bit in 0_u8..8) {
        use std::sync::LazyLock;
        static WORLD: LazyLock<(CertificateTrust, Vec<u8>)> = LazyLock::new(|| {
            let pki = Pki::new();
            let client = Spec::default().with(sid_extension(SID)).issue(Some(&pki.issuing));
            (pki.trust(), client.der())
        });
        let (trust, der) = &*WORLD;
        let mut changed = der.clone();
        let at = position % changed.len();
        changed[at] ^= 1 << bit;
        proptest::prop_assert!(trust.validate(&changed, &[], now()).is_err());
    }
}
