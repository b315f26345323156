//! Credentials that a browser carries.

use serde_json::json;

use super::client::{farm, sign_by_session};
use super::tokens::prt;
use crate::prt::{ExchangeError, JwsError, KdfVersion, ProofOrigin, RefreshTokenCredential, SessionKey, SessionSigned};

#[test]
fn a_credential_names_its_prt_nonce_and_request() {
    let (sealer, _) = farm();
    let prt = prt(KdfVersion::One, ProofOrigin::Certificate);
    let text = prt.seal(&sealer).unwrap();
    let payload =
        json!({"refresh_token": text, "is_primary": "true", "win_ver": "10.0", "windows_api_version": "2.0.1",
        "request_nonce": "n", "ua_client_id": "c", "ua_redirect_uri": "https://rp.example/cb"})
        .to_string();
    let read = |key: &SessionKey| {
        let signed = SessionSigned::read(&sign_by_session(key, KdfVersion::Two, &payload)).unwrap();
        RefreshTokenCredential::read(&signed, &sealer)
    };
    let credential = read(&prt.session_key).unwrap();
    assert_eq!((credential.prt.id, credential.nonce.as_deref()), (prt.id, Some("n")));
    let refused = read(&SessionKey::from_octets([1; 32])).unwrap_err();
    assert_eq!(refused, ExchangeError::Jws(JwsError::Signature));

    let fits = |client, redirect| credential.made_for.fits(client, redirect);
    assert!(fits(Some("c"), Some("https://rp.example/cb")));
    assert!(fits(None, None), "a protocol without them");
    assert!(!fits(Some("d"), Some("https://rp.example/cb")));
    assert!(!fits(Some("c"), Some("https://rp.example/CB")));
}

#[test]
fn one_without_a_nonce_is_read_so_that_it_can_be_asked_for_one() {
    let (sealer, _) = farm();
    let prt = prt(KdfVersion::One, ProofOrigin::Certificate);
    let payload = json!({"refresh_token": prt.seal(&sealer).unwrap(), "iat": "1767607201"}).to_string();
    let signed = SessionSigned::read(&sign_by_session(&prt.session_key, KdfVersion::One, &payload)).unwrap();
    let credential = RefreshTokenCredential::read(&signed, &sealer).unwrap();
    assert_eq!(credential.nonce, None);
    assert!(credential.made_for.fits(Some("anything"), Some("anywhere")));
}
