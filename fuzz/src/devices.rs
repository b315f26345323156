//! What devices send when they register.

use chancery::devices::{CertificateRequest, KeyBlob, Sha1Requests};
use chancery::directory::security_descriptor::SecurityDescriptor;
use chancery::protocols::drs::{enrolment_request, join_request, key_message};
use chancery::xml;

/// A certificate request. One that is good names a key that can be written again.
pub fn certificate_request(input: &[u8]) {
    match CertificateRequest::read(input, Sha1Requests::Accepted) {
        Ok(request) => {
            // Another reader finds the same key in what was read.
            let key = openssl::pkey::PKey::public_key_from_der(request.public_key()).expect("a key that was read");
            assert_eq!(key.public_key_to_der().expect("a key"), request.public_key());
        }
        Err(error) => drop(error.to_string()),
    }
}

/// A public key as Windows writes it. What is kept is what came.
pub fn key_blob(input: &[u8]) {
    for read in [KeyBlob::transport_key, KeyBlob::user_key, KeyBlob::registered] {
        match read(input) {
            Ok(key) => {
                assert!(key.octets() == input && key.modulus().len() >= 256);
                assert_eq!(24 + key.exponent().len() + key.modulus().len(), input.len());
            }
            Err(error) => drop(error.to_string()),
        }
    }
}

/// The messages of a join, an enrolment by SOAP, and key provisioning.
pub fn device_messages(input: &[u8]) {
    match join_request::read(input) {
        Ok(request) => assert!(request.certificate_request.len() < input.len()),
        Err(error) => drop(error.to_string()),
    }
    let mut message_id = None;
    match enrolment_request::decode(input, &xml::Limits::SOAP, &mut message_id) {
        Ok(enrolment) => assert!(enrolment.token.is_ascii()),
        Err(error) => drop(error.to_string()),
    }
    match key_message::read(input) {
        Ok(key) => assert!(!key.is_empty()),
        Err(error) => drop(error.to_string()),
    }
}

/// The security descriptor of a directory object: what is read is written so that it reads the same.
pub fn security_descriptor(input: &[u8]) {
    match SecurityDescriptor::from_bytes(input) {
        Ok(descriptor) => {
            let written = descriptor.to_bytes().expect("room for what was read");
            assert_eq!(SecurityDescriptor::from_bytes(&written), Ok(descriptor));
        }
        Err(error) => drop(error.to_string()),
    }
}
