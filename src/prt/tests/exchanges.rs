//! Requests that the holder of a session key signs.

use serde_json::{Value, json};

use super::client::{NOW, farm, sign_by_session};
use super::tokens::prt;
use crate::devices::Remembered;
use crate::prt::{
    Exchange, ExchangeError, JwsError, KdfVersion, PrimaryRefreshToken, ProofOrigin, RequestError, SessionSigned,
};
use crate::tokens::sealed::{SealError, Sealer};

fn a_prt(kdf: KdfVersion) -> PrimaryRefreshToken {
    prt(kdf, ProofOrigin::Password(None))
}

fn payload(text: &str, changes: &Value) -> String {
    let mut payload = json!({"client_id": "d3590ed6", "scope": "openid", "resource": "https://api.example/",
        "iat": NOW.unix_seconds(), "exp": NOW.unix_seconds() + 300, "grant_type": "refresh_token",
        "refresh_token": text, "aud": "login.microsoftonline.com", "redirect_uri": "ms-appx-web://x"});
    for (name, value) in changes.as_object().unwrap() {
        payload[name] = value.clone();
    }
    payload.to_string()
}

fn read(
    sealer: &Sealer,
    prt: &PrimaryRefreshToken,
    version: KdfVersion,
    changes: &Value,
) -> Result<Exchange, ExchangeError> {
    let text = payload(&prt.seal(sealer).unwrap(), changes);
    Exchange::read(&SessionSigned::read(&sign_by_session(&prt.session_key, version, &text))?, sealer, NOW)
}

#[test]
fn an_exchange_says_for_whom_and_for_what() {
    let (sealer, _) = farm();
    let prt = a_prt(KdfVersion::One);
    let exchange = read(&sealer, &prt, KdfVersion::Two, &json!({"request_nonce": "n"})).unwrap();
    assert_eq!((exchange.client_id.as_str(), exchange.renew), ("d3590ed6", false));
    assert_eq!((exchange.resource.as_deref(), exchange.nonce.as_deref()), (Some("https://api.example/"), Some("n")));
    assert_eq!((exchange.kdf, &exchange.ctx[..]), (KdfVersion::Two, &[0x40; 24][..]));
    assert_eq!(exchange.prt.id, prt.id);
    assert_eq!(exchange.until.unix_seconds(), NOW.unix_seconds() + 300);

    let renewal = json!({"scope": "openid aza", "resource": null, "iat": null, "exp": null});
    let renewal = read(&sealer, &prt, KdfVersion::One, &renewal).unwrap();
    assert_eq!((renewal.renew, renewal.resource, renewal.until), (true, None, prt.until));
}

#[test]
fn a_request_ends_when_it_says_or_an_hour_after_it_was_made_and_with_its_prt() {
    let (sealer, _) = farm();
    let prt = a_prt(KdfVersion::One);
    let now = NOW.unix_seconds();
    let days = 86_400;
    for (changes, seconds, remembered) in [
        (json!({"exp": now + 3600}), 3600, Remembered::Shortly),
        (json!({"exp": now + 3600, "iat": now - 9 * days}), 3600, Remembered::Shortly),
        (json!({"exp": null}), 3600, Remembered::Shortly),
        (json!({"exp": null, "iat": now + 300}), 3900, Remembered::Shortly),
        (json!({"exp": null, "iat": now - 3599}), 1, Remembered::Shortly),
        (json!({"exp": now + 3901}), 3901, Remembered::Lasting),
        (json!({"exp": now + 99 * days}), 14 * days, Remembered::Lasting),
        (json!({"exp": null, "iat": null}), 14 * days, Remembered::Lasting),
    ] {
        let exchange = read(&sealer, &prt, KdfVersion::Two, &changes).unwrap();
        assert_eq!(exchange.until.unix_seconds() - now, seconds, "{changes}");
        assert_eq!(exchange.remembered(NOW), remembered, "{changes}");
    }
}

#[test]
fn a_prt_that_was_used_with_version_2_is_not_used_with_version_1() {
    let (sealer, _) = farm();
    let prt = a_prt(KdfVersion::Two);
    assert!(read(&sealer, &prt, KdfVersion::Two, &json!({})).is_ok());
    assert_eq!(read(&sealer, &prt, KdfVersion::One, &json!({})).unwrap_err(), ExchangeError::Downgrade);
}

#[test]
fn another_session_key_signs_nothing_for_this_prt() {
    let (sealer, _) = farm();
    let (mine, other) = (a_prt(KdfVersion::One), a_prt(KdfVersion::One));
    let text = payload(&mine.seal(&sealer).unwrap(), &json!({}));
    let signed = SessionSigned::read(&sign_by_session(&other.session_key, KdfVersion::Two, &text)).unwrap();
    assert_eq!(Exchange::read(&signed, &sealer, NOW).unwrap_err(), ExchangeError::Jws(JwsError::Signature));
    // An unknown PRT, and none.
    let refused = |token: Value| {
        let text = payload("x", &json!({"refresh_token": token}));
        let signed = SessionSigned::read(&sign_by_session(&mine.session_key, KdfVersion::Two, &text)).unwrap();
        Exchange::read(&signed, &sealer, NOW).unwrap_err()
    };
    assert_eq!(refused(json!("prt.1.AAAA")), ExchangeError::Prt(SealError::Malformed));
    assert_eq!(refused(json!(null)), ExchangeError::Request(RequestError::Missing { name: "refresh_token" }));
}

#[test]
fn what_does_not_fit_is_refused() {
    let (sealer, _) = farm();
    let prt = a_prt(KdfVersion::One);
    let now = NOW.unix_seconds();
    let missing = |name| ExchangeError::Request(RequestError::Missing { name });
    for (changes, expected) in [
        (json!({"client_id": null}), missing("client_id")),
        (json!({"grant_type": null}), missing("grant_type")),
        (
            json!({"grant_type": "password"}),
            ExchangeError::Request(RequestError::GrantType { grant_type: "password".into() }),
        ),
        (json!({"scope": "aza"}), ExchangeError::Request(RequestError::Scope { scope: "openid" })),
        (json!({"exp": now}), ExchangeError::Request(RequestError::Time { name: "exp" })),
        (json!({"iat": now + 301}), ExchangeError::Request(RequestError::Time { name: "iat" })),
        (json!({"iat": now - 3600, "exp": null}), ExchangeError::Request(RequestError::Time { name: "iat" })),
        (json!({"scope": "openid winhello_cert"}), ExchangeError::CertificateTrust),
        (json!({"csr": "MII"}), ExchangeError::CertificateTrust),
    ] {
        assert_eq!(read(&sealer, &prt, KdfVersion::Two, &changes).unwrap_err(), expected, "{changes}");
    }
}
