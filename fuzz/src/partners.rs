//! What partners send: responses, results, logout answers, metadata. The seeds are signed by a throw-away key whose private half
//! is gone, so whatever is accepted says what it said then.

use std::sync::LazyLock;
use std::time::Duration;

use chancery::clock::{SystemRandomSource, UtcTime};
use chancery::keys::{CertificateOptions, DecryptionKey, KeyPurpose, RsaKeySize, generate};
use chancery::protocols::samlp::{logout, redirect::RedirectMessage, response};
use chancery::protocols::wresult;
use chancery::tokens::AssertionVersion;
use chancery::tokens::encryption::{ContentCipher, EncryptionKey, encrypt_assertion};
use chancery::tokens::inbound::{Delivery, Partner, Profile};
use chancery::trusts::partner_metadata::{Decision, Side, Source, Wanted, read, refresh};
use chancery::xml::verify::VerificationKeys;

/// A response, a `wresult` or a logout answer; and the input as the content of an encrypted assertion.
pub fn saml_response(input: &[u8]) {
    let keys = [&OURS.0];
    let partner = Partner { decryption_keys: &keys, unvouched_cbc: true, ..partner() };
    for in_response_to in [Some("_request"), None] {
        for profile in [Profile::WebSso, Profile::Passive] {
            let delivery = Delivery { in_response_to, profile, ..delivery() };
            match response::receive(input, &partner, &delivery) {
                Ok(assertion) => assert!(format!("{assertion:?}").contains("alice@partner.example")),
                Err(error) => drop((error.to_string(), error.number())),
            }
            let Ok(text) = std::str::from_utf8(input) else { continue };
            match wresult::receive(text, &partner, &delivery) {
                Ok(assertion) => assert!(format!("{assertion:?}").contains("alice@partner.example")),
                Err(error) => drop((error.to_string(), error.number())),
            }
            drop(response::decode_form(text).map_err(|error| error.to_string()));
        }
    }
    // Not every input: this costs two operations with a private key.
    if !input.len().is_multiple_of(8) {
        return;
    }
    let Ok(content) = encrypt_assertion(
        input,
        AssertionVersion::Saml2,
        &OURS.1,
        ContentCipher::Aes256Gcm,
        &SystemRandomSource::new(),
    ) else {
        return;
    };
    let message = [
        &b"<p:Response xmlns:p=\"urn:oasis:names:tc:SAML:2.0:protocol\"><p:Status><p:StatusCode \
           Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\"/></p:Status>"[..],
        &content,
        b"</p:Response>",
    ]
    .concat();
    drop(response::receive(&message, &partner, &delivery()).map_err(|error| error.to_string()));
}

/// A query of the redirect binding, and the same as a form of the POST binding.
pub fn saml_redirect(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    match RedirectMessage::parse(text) {
        Ok(message) => assert!(message.octets.len() <= 256 << 10),
        Err(error) => drop(error.to_string()),
    }
    for answer in
        [logout::receive_query(text, &partner(), &delivery()), logout::receive_form(text, &partner(), &delivery())]
    {
        match answer {
            Ok(status) => drop(status.to_string()),
            Err(error) => drop((error.to_string(), error.number())),
        }
    }
}

/// Metadata of a partner; what is read is no change to itself.
pub fn partner_metadata(input: &[u8]) {
    for signed_by in [None, Some(&*KEYS)] {
        for entity_id in [None, Some(PARTNER)] {
            for side in [Side::ClaimsProvider, Side::RelyingParty] {
                match read(input, &Wanted { side, entity_id, signed_by, now: NOW }) {
                    Ok(metadata) => assert_eq!(refresh(&metadata, &metadata, Source::Http), Decision::Unchanged),
                    Err(error) => drop(error.to_string()),
                }
            }
        }
    }
}

fn partner() -> Partner<'static> {
    Partner {
        identifier: PARTNER,
        keys: &KEYS,
        audiences: &["http://sts.corp.example/adfs/services/trust"],
        decryption_keys: &[],
        sha1: true,
        unvouched_cbc: false,
    }
}

fn delivery() -> Delivery<'static> {
    Delivery {
        recipient: "https://sts.corp.example/adfs/ls/",
        in_response_to: Some("_request"),
        profile: Profile::WebSso,
        now: NOW,
        skew: Duration::from_mins(5),
    }
}

const PARTNER: &str = "https://idp.partner.example/saml";
/// 2026-01-05T10:00:01Z, when the seeds were valid.
const NOW: UtcTime = UtcTime::from_unix_seconds(1_767_607_201);

static KEYS: LazyLock<VerificationKeys> = LazyLock::new(|| {
    VerificationKeys::from_certificates([&include_bytes!("../partner.der")[..]]).expect("a good certificate")
});

/// A decryption key of this process, and its public half.
static OURS: LazyLock<(DecryptionKey, EncryptionKey)> = LazyLock::new(|| {
    let options = CertificateOptions {
        federation_service_name: "sts.corp.example",
        key_size: RsaKeySize::Rsa2048,
        lifetime: Duration::from_hours(24),
    };
    let material = generate::self_signed(KeyPurpose::TokenDecryption, &options, NOW, &SystemRandomSource::new())
        .expect("a key can be made");
    let public = EncryptionKey::from_certificate(&material.certificate().der).expect("a good certificate");
    (DecryptionKey::new(&material).expect("a good key"), public)
});
