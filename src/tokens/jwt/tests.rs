//! Tokens written and read back, and every change that must be refused.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod client_assertions;
mod own_tokens;
mod vectors;
mod written;

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::clock::{ManualClock, SystemRandomSource, UtcTime};
use crate::keys::{KeyRing, KeyRingOptions};
use crate::tokens::{SignatureAlgorithm, SigningKey, samples};

const FSID: &str = "http://sts.corp.example/adfs/services/trust";
const ISSUER: &str = "https://sts.corp.example/adfs";

fn now() -> UtcTime {
    UtcTime::from_unix_seconds(samples::now().unix_seconds())
}

/// A ring for all tests of a run; its key is made when they run.
fn ring() -> &'static KeyRing {
    static RING: LazyLock<KeyRing> = LazyLock::new(|| {
        let place = tempfile::tempdir().unwrap();
        let (keys, kek) = (place.path().join("keys"), place.path().join("kek/key"));
        let options = KeyRingOptions::new(keys, kek, String::from("sts.corp.example"));
        KeyRing::load_or_create(&options, &ManualClock::at(now()), &SystemRandomSource::new()).unwrap()
    });
    &RING
}

fn own_key() -> &'static SigningKey {
    &ring().primary_signing().key
}

fn own_header() -> String {
    format!(r#"{{"typ":"JWT","alg":"RS256","x5t":"{0}","kid":"{0}"}}"#, own_key().x5t())
}

/// A token with this text as header and payload, signed by `key` over exactly that.
fn signed(key: &SigningKey, header: &str, payload: &str) -> String {
    let input = unsigned(header, payload);
    let signature = block_on(key.signer.sign(SignatureAlgorithm::RsaSha256, input.as_bytes())).unwrap();
    format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature.0))
}

fn unsigned(header: &str, payload: &str) -> String {
    format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload))
}

/// The second part of a token as text.
fn payload_of(token: &[u8]) -> String {
    let part = std::str::from_utf8(token).unwrap().split('.').nth(1).unwrap().to_owned();
    String::from_utf8(URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    futures_util::FutureExt::now_or_never(future).expect("software keys answer at once")
}
