//! Encrypted assertions.

use std::sync::{Arc, LazyLock};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use chancery::clock::{ManualClock, SystemRandomSource};
use chancery::keys::{DecryptionKey, KeyMaterial};
use chancery::protocols::samlp::response::{self, ResponseError};
use chancery::protocols::wresult;
use chancery::secret::Secret;
use chancery::store::MemoryOneTime;
use chancery::tokens::AssertionVersion;
use chancery::tokens::encryption::{ContentCipher, EncryptionKey, encrypt_assertion};
use chancery::tokens::inbound::{InboundError, Partner, Unredeemed};
use chancery::xml::verify::VerifyError;

use super::support::*;

static OURS: LazyLock<Pair> = LazyLock::new(new_pair);
static OLD: LazyLock<Pair> = LazyLock::new(new_pair);

fn decryption_key(pair: &Pair) -> DecryptionKey {
    DecryptionKey::new(&KeyMaterial::new(&pair.0, Vec::new(), Secret::new(pair.1.clone())).unwrap()).unwrap()
}

static KEYS: LazyLock<[DecryptionKey; 2]> = LazyLock::new(|| [decryption_key(&OLD), decryption_key(&OURS)]);

fn encrypted(plain: &str, version: AssertionVersion, cipher: ContentCipher) -> String {
    let key = EncryptionKey::from_certificate(&OURS.0).unwrap();
    let random = SystemRandomSource::new();
    String::from_utf8(encrypt_assertion(plain.as_bytes(), version, &key, cipher, &random).unwrap()).unwrap()
}

fn signed_assertion() -> String {
    cut(&signed_response(), "saml:Assertion").0
}

fn receive(message: &str, unvouched_cbc: bool) -> Result<Unredeemed, InboundError> {
    let keys = [&KEYS[0], &KEYS[1]];
    let partner = Partner { decryption_keys: &keys, unvouched_cbc, ..partner() };
    response::receive(message.as_bytes(), &partner, &web_sso()).map_err(|error| match error {
        ResponseError::Inbound(error) => error,
        other => panic!("{other}"),
    })
}

/// Signs the response.
fn signed(response: &str) -> String {
    sign(&edit(response, "<samlp:Status>", &format!("{}<samlp:Status>", Signature::of("_response").xml())))
}

#[tokio::test]
async fn an_encrypted_assertion_is_opened_by_any_of_our_keys() {
    let content = encrypted(&signed_assertion(), AssertionVersion::Saml2, ContentCipher::Aes256Gcm);
    let store = MemoryOneTime::new(Arc::new(ManualClock::at(NOW)), 1);
    let assertion = receive(&response_with("_response", &content), false).unwrap().redeem(&store).await.unwrap();
    assert_eq!(&*assertion.name_identifier.unwrap().value, "alice@partner.example");
    taken(receive(&signed(&response_with("_response", &content)), false));
    let without = Partner { decryption_keys: &[&KEYS[0]], ..partner() };
    let error = response::receive(response_with("_r", &content).as_bytes(), &without, &web_sso()).unwrap_err();
    assert_eq!(error, ResponseError::Inbound(InboundError::Undecryptable));
}

#[test]
fn saml11_is_encrypted_without_a_wrapper() {
    let token = sign(&unsigned_saml11("_assertion", "alice"));
    let content = encrypted(&token, AssertionVersion::Saml11, ContentCipher::Aes256Gcm);
    let partner = Partner { decryption_keys: &[&KEYS[1]], ..partner() };
    taken(wresult::receive(&rstr(TRUST_2005, &content), &partner, &passive()));
    let cbc = encrypted(&token, AssertionVersion::Saml11, ContentCipher::Aes256Cbc);
    let error = wresult::receive(&rstr(TRUST_2005, &cbc), &partner, &passive()).unwrap_err();
    assert_eq!(error, InboundError::UnvouchedEncryption);
    taken(wresult::receive(&rstr(TRUST_2005, &cbc), &Partner { unvouched_cbc: true, ..partner }, &passive()));
}

#[test]
fn cbc_needs_a_signature_over_the_ciphertext_or_a_trust_that_does_without() {
    let content = encrypted(&signed_assertion(), AssertionVersion::Saml2, ContentCipher::Aes256Cbc);
    let response = response_with("_response", &content);
    assert_eq!(receive(&response, false).unwrap_err(), InboundError::UnvouchedEncryption);
    taken(receive(&signed(&response), false));
    taken(receive(&response, true));
    // A signature that does not verify vouches for nothing, nor does one that stands elsewhere.
    let altered = edit(&signed(&response), "Version=\"2.0\" ", "Version=\"2.0\" Consent=\"x\" ");
    assert!(matches!(receive(&altered, false), Err(InboundError::Signature(VerifyError::Invalid { .. }))));
    let (signature, _) = cut(&signed(&response), "ds:Signature");
    let elsewhere = edit(&response, "<samlp:Status>", &format!("<x>{signature}</x><samlp:Status>"));
    assert_eq!(receive(&elsewhere, false).unwrap_err(), InboundError::UnvouchedEncryption);
}

#[test]
fn altered_ciphertext_says_nothing_about_what_is_in_it() {
    let cut_value = |message: &str| {
        let from = message.rfind("CipherValue>").unwrap();
        let from = message[..from].rfind("CipherValue>").unwrap() + "CipherValue>".len();
        (from, message[from..].find('<').unwrap() + from)
    };
    for cipher in [ContentCipher::Aes256Gcm, ContentCipher::Aes256Cbc] {
        let response = response_with("_response", &encrypted(&signed_assertion(), AssertionVersion::Saml2, cipher));
        let (from, to) = cut_value(&response);
        let octets = BASE64.decode(&response[from..to]).unwrap();
        for at in (0..octets.len()).step_by(octets.len() / 40).chain([octets.len() - 1, octets.len() - 17]) {
            let mut altered = octets.clone();
            altered[at] ^= 1;
            let message = format!("{}{}{}", &response[..from], BASE64.encode(&altered), &response[to..]);
            assert_eq!(receive(&message, true).unwrap_err(), InboundError::Undecryptable, "{cipher:?} {at}");
        }
        for length in [0, 11, 12, 15, 16, 28, 32, octets.len() - 1] {
            let message = format!("{}{}{}", &response[..from], BASE64.encode(&octets[..length]), &response[to..]);
            assert_eq!(receive(&message, true).unwrap_err(), InboundError::Undecryptable, "{cipher:?} {length}");
        }
    }
}

#[test]
fn what_comes_out_must_be_one_signed_assertion() {
    let (_, unsigned) = cut(&signed_assertion(), "ds:Signature");
    let strangers = sign_with(&unsigned_assertion("_assertion", "admin"), &STRANGER_KEY.1);
    let two = edit(&signed_assertion(), "<saml:Subject>", "<saml:Advice><saml:Assertion/></saml:Advice><saml:Subject>");
    let wrapped = edit(&unsigned_assertion("_evil", "admin"), &Signature::of("_evil").xml(), &signed_assertion());
    for plain in [&*unsigned, &*strangers, &*two, &*wrapped, "", "alice", "<x></x>", &signed_response()] {
        for cipher in [ContentCipher::Aes256Gcm, ContentCipher::Aes256Cbc] {
            let message = response_with("_response", &encrypted(plain, AssertionVersion::Saml2, cipher));
            assert_eq!(receive(&message, true).unwrap_err(), InboundError::Undecryptable, "{plain}");
            assert!(
                receive(&signed(&message), false).is_err(),
                "the response's signature is not the assertion's: {plain}"
            );
        }
    }
    // Checks of what it says come after: the partner said it.
    let for_others = sign(&edit(
        &unsigned_assertion("_assertion", "alice"),
        &format!(">{US}</saml:Audience>"),
        ">urn:x</saml:Audience>",
    ));
    let message = response_with("_r", &encrypted(&for_others, AssertionVersion::Saml2, ContentCipher::Aes256Gcm));
    assert!(matches!(receive(&message, false), Err(InboundError::Audience { .. })));
}

#[test]
fn a_response_carries_no_assertion_of_saml11() {
    let saml11 = sign(&unsigned_saml11("_assertion", "alice"));
    let hidden = encrypted(&saml11, AssertionVersion::Saml2, ContentCipher::Aes256Gcm);
    let bare = encrypted(&saml11, AssertionVersion::Saml11, ContentCipher::Aes256Gcm);
    for content in [saml11, hidden, bare] {
        let error = receive(&response_with("_r", &content), false).unwrap_err();
        assert!(matches!(error, InboundError::Unsupported { parent: "Response", .. }), "{error}");
    }
}

#[test]
fn old_algorithms_and_odd_forms_are_refused() {
    let content = encrypted(&signed_assertion(), AssertionVersion::Saml2, ContentCipher::Aes256Gcm);
    for (from, to) in [
        ("http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p", "http://www.w3.org/2001/04/xmlenc#rsa-1_5"),
        ("http://www.w3.org/2009/xmlenc11#aes256-gcm", "http://www.w3.org/2001/04/xmlenc#tripledes-cbc"),
        ("http://www.w3.org/2009/xmlenc11#aes256-gcm", ""),
        ("http://www.w3.org/2000/09/xmldsig#sha1", "http://www.w3.org/2001/04/xmldsig-more#md5"),
    ] {
        let error = receive(&response_with("_r", &edit(&content, from, to)), true).unwrap_err();
        assert!(matches!(error, InboundError::Encryption { .. }), "{to}: {error}");
    }
    let open = content.find("<xenc:EncryptedKey>").unwrap();
    let close = content.find("</xenc:EncryptedKey>").unwrap() + "</xenc:EncryptedKey>".len();
    let key = &content[open..close];
    let outside =
        edit(key, "<xenc:EncryptedKey>", "<xenc:EncryptedKey xmlns:xenc=\"http://www.w3.org/2001/04/xmlenc#\">");
    let both = edit(&content, "</xenc:EncryptedData>", &format!("</xenc:EncryptedData>{outside}"));
    let beside = edit(&both, key, "");
    taken(receive(&response_with("_r", &beside), false));
    for bad in [edit(&content, key, ""), both, edit(&content, key, &key.repeat(2))] {
        let error = receive(&response_with("_r", &bad), false).unwrap_err();
        assert!(matches!(error, InboundError::Encryption { .. } | InboundError::Read(_)), "{error}");
    }
    let saml11 = sign(&unsigned_saml11("_assertion", "alice"));
    let bare = encrypted(&saml11, AssertionVersion::Saml11, ContentCipher::Aes256Gcm);
    for token in [format!("{saml11}{bare}"), format!("{bare}{saml11}"), bare.repeat(2)] {
        let error = receive_result(&rstr(TRUST_2005, &token)).unwrap_err();
        assert_eq!(error, InboundError::SeveralAssertions { count: 2 });
    }
    let clear = format!("{}{content}", signed_assertion());
    assert_eq!(receive(&response_with("_r", &clear), false).unwrap_err(), InboundError::SeveralAssertions { count: 2 });
}

/// `EncryptedAssertion` made by another implementation (OpenSSL), with the padding of CBC as given.
fn foreign(plain: &[u8], algorithm: &str, transport: &str, padding: impl Fn(usize) -> Vec<u8>) -> String {
    use openssl::symm::{Cipher, Crypter, Mode, encrypt_aead};
    let key = [7_u8; 32];
    let key = if algorithm.contains("128") { &key[..16] } else { &key[..] };
    let content = if algorithm.ends_with("gcm") {
        let cipher = if key.len() == 16 { Cipher::aes_128_gcm() } else { Cipher::aes_256_gcm() };
        let mut tag = [0; 16];
        let body = encrypt_aead(cipher, key, Some(&[9; 12]), &[], plain, &mut tag).unwrap();
        [&[9; 12][..], &body, &tag].concat()
    } else {
        let cipher = if key.len() == 16 { Cipher::aes_128_cbc() } else { Cipher::aes_256_cbc() };
        let mut padded = plain.to_vec();
        padded.extend(padding(16 - plain.len() % 16));
        let mut crypter = Crypter::new(cipher, Mode::Encrypt, key, Some(&[9; 16])).unwrap();
        crypter.pad(false);
        let mut body = vec![0; padded.len() + 16];
        let length = crypter.update(&padded, &mut body).unwrap();
        [&[9; 16][..], &body[..length]].concat()
    };
    let certificate = openssl::x509::X509::from_der(&OURS.0).unwrap();
    let public = certificate.public_key().unwrap();
    let mut encrypter = openssl::encrypt::Encrypter::new(&public).unwrap();
    encrypter.set_rsa_padding(openssl::rsa::Padding::PKCS1_OAEP).unwrap();
    if transport.contains("mgf1sha256") {
        encrypter.set_rsa_oaep_md(openssl::hash::MessageDigest::sha256()).unwrap();
        encrypter.set_rsa_mgf1_md(openssl::hash::MessageDigest::sha256()).unwrap();
    }
    let mut wrapped = vec![0; encrypter.encrypt_len(key).unwrap()];
    let length = encrypter.encrypt(key, &mut wrapped).unwrap();
    format!(
        "<saml:EncryptedAssertion><e:EncryptedData xmlns:e=\"http://www.w3.org/2001/04/xmlenc#\">\
         <e:EncryptionMethod Algorithm=\"{algorithm}\"/><ds:KeyInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\">\
         <e:EncryptedKey>{transport}<e:CipherData><e:CipherValue>{}</e:CipherValue></e:CipherData></e:EncryptedKey>\
         </ds:KeyInfo><e:CipherData><e:CipherValue>\n{}\n</e:CipherValue></e:CipherData></e:EncryptedData>\
         </saml:EncryptedAssertion>",
        BASE64.encode(&wrapped[..length]),
        BASE64.encode(content)
    )
}

const OAEP: &str = "<e:EncryptionMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p\"/>";
const CBC: &str = "http://www.w3.org/2001/04/xmlenc#aes256-cbc";

/// PKCS#7.
fn counted(length: usize) -> Vec<u8> {
    vec![u8::try_from(length).unwrap(); length]
}

#[test]
fn every_algorithm_that_is_allowed_is_opened() {
    let plain = signed_assertion();
    let oaep = |inside: &str| {
        format!(
            "<e:EncryptionMethod Algorithm=\"http://www.w3.org/2009/xmlenc11#rsa-oaep\">{inside}</e:EncryptionMethod>"
        )
    };
    let digest = |uri: &str| format!("<ds:DigestMethod Algorithm=\"{uri}\"/>");
    let mask = |name: &str| {
        let namespace = "http://www.w3.org/2009/xmlenc11#";
        format!("<x:MGF xmlns:x=\"{namespace}\" Algorithm=\"{namespace}{name}\"/>")
    };
    let sha1 = digest("http://www.w3.org/2000/09/xmldsig#sha1");
    let sha256 = digest(SHA256);
    for algorithm in [
        "http://www.w3.org/2009/xmlenc11#aes128-gcm",
        "http://www.w3.org/2009/xmlenc11#aes256-gcm",
        "http://www.w3.org/2001/04/xmlenc#aes128-cbc",
        CBC,
    ] {
        for transport in [
            OAEP.to_owned(),
            oaep(""),
            oaep(&format!("{sha1}{}", mask("mgf1sha1"))),
            oaep(&format!("{sha256}{}", mask("mgf1sha256"))),
        ] {
            let message = response_with("_r", &foreign(plain.as_bytes(), algorithm, &transport, counted));
            taken(receive(&message, true));
        }
    }
    // A mixture that the library does not open is said to be one, not tried.
    for mixed in [oaep(&sha256), oaep(&format!("{sha1}{}", mask("mgf1sha256"))), oaep(&mask("mgf1sha512"))] {
        let message = response_with("_r", &foreign(plain.as_bytes(), CBC, &mixed, counted));
        assert!(matches!(receive(&message, true), Err(InboundError::Encryption { .. })), "{mixed}");
    }
}

#[test]
fn padding_is_anything_with_its_length_at_the_end() {
    // White space behind the element makes any length.
    for more in 0..16 {
        let plain = format!("{}{}", signed_assertion(), " ".repeat(more));
        let random = |length| {
            let mut padding = vec![0xA5; length];
            padding[length - 1] = u8::try_from(length).unwrap();
            padding
        };
        let message = response_with("_r", &foreign(plain.as_bytes(), CBC, OAEP, random));
        taken(receive(&message, true));
    }
    let longer = |length| vec![u8::try_from(length).unwrap() + 16; length];
    for bad in [|length| vec![0; length], |length| vec![0xFF; length], longer] {
        let message = response_with("_r", &foreign(signed_assertion().as_bytes(), CBC, OAEP, bad));
        assert_eq!(receive(&message, true).unwrap_err(), InboundError::Undecryptable);
    }
}

#[test]
fn a_content_key_of_another_length_opens_nothing() {
    for (algorithm, other) in [("aes256-cbc", "aes128-cbc"), ("aes128-cbc", "aes256-cbc")] {
        let uri = |name: &str| format!("http://www.w3.org/2001/04/xmlenc#{name}");
        let content = foreign(signed_assertion().as_bytes(), &uri(algorithm), OAEP, counted);
        let message = response_with("_r", &edit(&content, algorithm, other));
        assert_eq!(receive(&message, true).unwrap_err(), InboundError::Undecryptable);
    }
    let uri = |bits: u16| format!("http://www.w3.org/2009/xmlenc11#aes{bits}-gcm");
    for (algorithm, other) in [(256, 128), (128, 256)] {
        let content = foreign(signed_assertion().as_bytes(), &uri(algorithm), OAEP, counted);
        let message = response_with("_r", &edit(&content, &uri(algorithm), &uri(other)));
        assert_eq!(receive(&message, true).unwrap_err(), InboundError::Undecryptable);
    }
}

/// `EncryptedID` in place of the name, signed with the rest.
fn with_encrypted_name(plain: &str, cipher: ContentCipher) -> String {
    let whole = unsigned_response();
    let name = &whole[whole.find("<saml:NameID").unwrap()..whole.find("<saml:SubjectConfirmation ").unwrap()];
    let encrypted = encrypted(plain, AssertionVersion::Saml2, cipher).replace("EncryptedAssertion", "EncryptedID");
    sign(&edit(&whole, name, &encrypted))
}

const NAME: &str =
    "<saml:NameID xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" Format=\"urn:f\">alice</saml:NameID>";

#[tokio::test]
async fn a_name_that_is_encrypted_is_read() {
    // The assertion's signature covers it: CBC will do.
    for cipher in [ContentCipher::Aes256Gcm, ContentCipher::Aes256Cbc] {
        let message = with_encrypted_name(NAME, cipher);
        assert!(!message.contains("NameID"), "{message}");
        let store = MemoryOneTime::new(Arc::new(ManualClock::at(NOW)), 1);
        let name = receive(&message, false).unwrap().redeem(&store).await.unwrap().name_identifier.unwrap();
        assert_eq!((&*name.value, name.format.as_deref()), ("alice", Some("urn:f")));
    }
}

#[test]
fn what_is_encrypted_in_place_of_a_name_is_one_name_that_our_keys_open() {
    let gcm = ContentCipher::Aes256Gcm;
    let empty = NAME.replace(">alice<", "> <");
    let other = NAME.replace("NameID", "BaseID");
    let assertion = signed_assertion();
    for plain in ["", "alice", "<!DOCTYPE x><x/>", "<saml:NameID>alice</saml:NameID>", &empty, &other, &assertion] {
        assert_eq!(
            receive(&with_encrypted_name(plain, gcm), false).unwrap_err(),
            InboundError::Undecryptable,
            "{plain}"
        );
    }
    let message = with_encrypted_name(NAME, gcm);
    let without = Partner { decryption_keys: &[&KEYS[0]], ..partner() };
    let error = response::receive(message.as_bytes(), &without, &web_sso()).unwrap_err();
    assert_eq!(error, ResponseError::Inbound(InboundError::Undecryptable));
    // Altered under the signature.
    assert!(matches!(receive(&with_other_cipher(&message), false).unwrap_err(), InboundError::Signature(_)));
    // A name in the clear beside it: which of the two counts?
    let whole = unsigned_response();
    let encrypted = encrypted(NAME, AssertionVersion::Saml2, gcm).replace("EncryptedAssertion", "EncryptedID");
    let both = sign(&edit(&whole, "<saml:SubjectConfirmation ", &format!("{encrypted}<saml:SubjectConfirmation ")));
    assert!(matches!(receive(&both, false).unwrap_err(), InboundError::Unsupported { .. }));
}

/// The message with one character of its last cipher text changed.
fn with_other_cipher(message: &str) -> String {
    let at = message.rfind("</xenc:CipherValue>").unwrap() - 20;
    let flipped = if &message[at..=at] == "A" { "B" } else { "A" };
    format!("{}{flipped}{}", &message[..at], &message[at + 1..])
}

const ATTRIBUTE: &str = "<saml:Attribute xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" Name=\"urn:mail\" FriendlyName=\"mail\">\
    <saml:AttributeValue>alice@partner.example</saml:AttributeValue></saml:Attribute>";

fn encrypted_attribute(plain: &str, cipher: ContentCipher) -> String {
    encrypted(plain, AssertionVersion::Saml2, cipher).replace("EncryptedAssertion", "EncryptedAttribute")
}

/// Attributes beside those in the clear, signed with the rest.
fn with_attributes(encrypted: &str) -> String {
    sign(&edit(&unsigned_response(), "</saml:AttributeStatement>", &format!("{encrypted}</saml:AttributeStatement>")))
}

#[tokio::test]
async fn attributes_that_are_encrypted_are_read_beside_those_in_the_clear() {
    let plain = taken_claims(&signed_response()).await;
    assert!(!plain.contains("urn:mail", "alice@partner.example"));
    for cipher in [ContentCipher::Aes256Gcm, ContentCipher::Aes256Cbc] {
        let second = ATTRIBUTE.replace("urn:mail", "urn:other");
        let both = [encrypted_attribute(ATTRIBUTE, cipher), encrypted_attribute(&second, cipher)].concat();
        let message = with_attributes(&both);
        assert!(!message.contains("urn:mail"), "{message}");
        let claims = taken_claims(&message).await;
        assert_eq!(claims.len(), plain.len() + 2);
        for name in ["urn:mail", "urn:other"] {
            let claim = claims.of_type(name).next().unwrap();
            assert_eq!((&*claim.value, &*claim.issuer), ("alice@partner.example", PARTNER));
        }
    }
}

async fn taken_claims(message: &str) -> chancery::claims::ClaimSet {
    let store = MemoryOneTime::new(Arc::new(ManualClock::at(NOW)), 1);
    receive(message, false).unwrap().redeem(&store).await.unwrap().to_claims()
}

#[test]
fn what_is_encrypted_in_place_of_an_attribute_is_one_attribute_that_our_keys_open() {
    let gcm = ContentCipher::Aes256Gcm;
    let nameless = ATTRIBUTE.replace("Name=\"urn:mail\"", "");
    let two = ATTRIBUTE.repeat(2);
    let assertion = signed_assertion();
    for plain in ["", "alice", "<!DOCTYPE x><x/>", "<Attribute Name=\"urn:mail\"/>", NAME, &nameless, &two, &assertion]
    {
        let message = with_attributes(&encrypted_attribute(plain, gcm));
        assert_eq!(receive(&message, false).unwrap_err(), InboundError::Undecryptable, "{plain}");
    }
    let one = encrypted_attribute(ATTRIBUTE, gcm);
    let message = with_attributes(&one);
    let without = Partner { decryption_keys: &[&KEYS[0]], ..partner() };
    let error = response::receive(message.as_bytes(), &without, &web_sso()).unwrap_err();
    assert_eq!(error, ResponseError::Inbound(InboundError::Undecryptable));
    // Altered under the signature.
    assert!(matches!(receive(&with_other_cipher(&message), false).unwrap_err(), InboundError::Signature(_)));
    // Nothing in it, or a weak algorithm.
    let empty = with_attributes("<saml:EncryptedAttribute/>");
    assert!(matches!(receive(&empty, false).unwrap_err(), InboundError::Read(_)));
    let weak = with_attributes(&edit(
        &one,
        "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p",
        "http://www.w3.org/2001/04/xmlenc#rsa-1_5",
    ));
    assert!(matches!(receive(&weak, false).unwrap_err(), InboundError::Encryption { .. }));
    // Each costs an operation with a private key.
    taken(receive(&with_attributes(&one.repeat(64)), false));
    let many = receive(&with_attributes(&one.repeat(65)), false).unwrap_err();
    assert!(matches!(many, InboundError::Encryption { .. }), "{many}");
}
