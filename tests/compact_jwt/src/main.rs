//! A device made of `compact_jwt` and `kanidm-hsm-crypto`: what a PRT and its use need of cryptography, by nothing that this project
//! wrote.
//!
//! The device key is in the software TPM of `kanidm-hsm-crypto`, which signs the request and unwraps the session key; keys are derived,
//! texts signed and answers opened by the libraries. Reads a JSON value on its standard input and prints one. HTTP goes through curl, by
//! which the lab's names resolve.

mod http;
mod session;

use std::error::Error;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use compact_jwt::crypto::JwsTpmRs256Signer;
use compact_jwt::jws::JwsBuilder;
use compact_jwt::traits::JwsMutSigner as _;
use kanidm_hsm_crypto::AuthValue;
use kanidm_hsm_crypto::glue::rsa::RS256PrivateKey;
use kanidm_hsm_crypto::glue::traits::Pkcs1DecodeRsaPrivateKey as _;
use kanidm_hsm_crypto::provider::{SoftTpm, Tpm as _, TpmRS256 as _};
use serde_json::{Value, json};

use http::token;
use session::{Session, derive_one, derive_two};

fn main() -> Result<(), Box<dyn Error>> {
    let input: Value = serde_json::from_reader(std::io::stdin())?;
    let text = |name: &str| input[name].as_str().unwrap_or_default();
    let octets = |name: &str| STANDARD.decode(text(name));
    if !input["session_key"].is_null() {
        // What the libraries derive of these, for comparison.
        let (key, ctx, payload) = (octets("session_key")?, octets("ctx")?, text("payload"));
        let derived = [derive_one(&key, &ctx)?, derive_two(&key, &ctx, payload.as_bytes())?];
        return print(&json!({ "one": STANDARD.encode(&*derived[0]), "two": STANDARD.encode(&*derived[1]) }));
    }

    let mut tpm = SoftTpm::default();
    let authority = AuthValue::ephemeral().map_err(failed)?;
    let storage = tpm.root_storage_key_create(&authority).map_err(failed)?;
    let storage = tpm.root_storage_key_load(&authority, &storage).map_err(failed)?;
    let key = RS256PrivateKey::from_pkcs1_der(&octets("key")?)?;
    let key = tpm.rs256_import(&storage, key).map_err(failed)?;
    let key = tpm.rs256_load(&storage, &key).map_err(failed)?;
    let url = text("url");

    let nonce: Value = serde_json::from_str(&token(url, "grant_type=srv_challenge")?)?;
    let request = json!({
        "client_id": text("broker"), "scope": "openid aza", "request_nonce": nonce["Nonce"], "grant_type": "password",
        "username": text("username"), "password": text("password"),
    });
    let jws = JwsBuilder::into_json(&request)?.set_typ(Some("JWT")).set_x5c(Some(vec![octets("certificate")?])).build();
    let signed = JwsTpmRs256Signer::new(&mut tpm, &key).and_then(|mut signer| signer.sign(&jws)).map_err(failed)?;
    let prt: Value = serde_json::from_str(&token(url, &by_jwt(&signed.to_string()))?)?;
    let jwe = prt["session_key_jwe"].as_str().ok_or_else(|| format!("no session key: {prt}"))?;
    let mut session = Session::agreed(tpm, storage, &key, jwe)?;

    // Version 1 first: after version 2 there is no way back.
    let exchange = |token: &Value, client: &str| {
        json!({
            "client_id": client, "scope": "openid", "resource": text("resource"), "grant_type": "refresh_token", "refresh_token": token,
            "iat": input["now"], "exp": input["now"].as_u64().unwrap_or_default() + 300,
        })
    };
    let one = session.sign_one(&exchange(&prt["refresh_token"], text("client")))?;
    let one = session.open(&token(url, &by_jwt(&one))?)?;
    let two = session.sign_two(&exchange(&prt["refresh_token"], text("client")))?;
    let two = session.open(&token(url, &by_jwt(&two))?)?;
    let mut renewal = exchange(&prt["refresh_token"], text("broker"));
    renewal["scope"] = json!("openid aza");
    if let Some(members) = renewal.as_object_mut() {
        members.remove("resource");
    }
    let renewed = session.sign_two(&renewal)?;
    let renewed = session.open(&token(url, &by_jwt(&renewed))?)?;
    let after = session.sign_two(&exchange(&renewed["refresh_token"], text("client")))?;
    let after = session.open(&token(url, &by_jwt(&after))?)?;
    print(&json!({ "prt": prt, "one": one, "two": two, "renewed": renewed, "after_renewal": after }))
}

fn by_jwt(signed: &str) -> String {
    format!("grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&request={signed}")
}

/// Errors of these libraries say what they are by `Debug` alone.
fn failed(error: impl std::fmt::Debug) -> String {
    format!("{error:?}")
}

fn print(value: &Value) -> Result<(), Box<dyn Error>> {
    println!("{value}");
    Ok(())
}
