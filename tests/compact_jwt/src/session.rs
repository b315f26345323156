//! What a device does with its session key (MS-OAPXBC 3.1.5.1.3), by the libraries.

use std::error::Error;
use std::str::FromStr as _;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use compact_jwt::JweCompact;
use compact_jwt::crypto::MsOapxbcSessionKey;
use compact_jwt::jws::JwsBuilder;
use kanidm_hsm_crypto::glue::hmac_s256::{self, key_from_slice};
use kanidm_hsm_crypto::glue::nist_sp800_108_kdf_hmac_sha256::derive_key_aes256;
use kanidm_hsm_crypto::glue::rand::{self, Rng as _};
use kanidm_hsm_crypto::glue::s256::Sha256;
use kanidm_hsm_crypto::glue::traits::{Digest as _, Zeroizing};
use kanidm_hsm_crypto::provider::{SoftTpm, Tpm as _};
use kanidm_hsm_crypto::structures::{RS256Key, StorageKey};
use serde_json::{Value, json};

use super::failed;

/// A session key, sealed by the TPM.
pub struct Session {
    tpm: SoftTpm,
    storage: StorageKey,
    key: MsOapxbcSessionKey,
}

impl Session {
    /// The session key that came wrapped for the device's key.
    pub fn agreed(mut tpm: SoftTpm, storage: StorageKey, device: &RS256Key, jwe: &str) -> Result<Self, Box<dyn Error>> {
        let jwe = JweCompact::from_str(jwe).map_err(failed)?;
        let key = MsOapxbcSessionKey::complete_tpm_rsa_oaep_key_agreement(&mut tpm, &storage, device, &jwe);
        Ok(Self { key: key.map_err(failed)?, tpm, storage })
    }

    /// Signed by version 1 of the derivation, as the library does it.
    pub fn sign_one(&mut self, payload: &Value) -> Result<String, Box<dyn Error>> {
        let jws = JwsBuilder::into_json(payload)?.build();
        Ok(self.key.sign(&mut self.tpm, &self.storage, &jws).map_err(failed)?.to_string())
    }

    /// Signed by version 2, which the library has the parts for.
    pub fn sign_two(&mut self, payload: &Value) -> Result<String, Box<dyn Error>> {
        let ctx: [u8; 24] = rand::thread_rng().r#gen();
        let payload = payload.to_string();
        let header = json!({"alg": "HS256", "ctx": STANDARD.encode(ctx), "kdf_ver": 2});
        let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(&payload));
        let derived = derive_two(&self.exposed()?, &ctx, payload.as_bytes())?;
        let key = key_from_slice(&derived).ok_or("no key")?;
        let signature = hmac_s256::oneshot(&key, signed.as_bytes()).into_bytes();
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    /// An answer that was encrypted for this session, under a key that its header says how to derive.
    pub fn open(&mut self, answer: &str) -> Result<Value, Box<dyn Error>> {
        let jwe = JweCompact::from_str(answer.trim()).map_err(|error| format!("{error:?}: {answer}"))?;
        let ctx = STANDARD.decode(jwe.header().ctx.as_deref().ok_or("no ctx")?)?;
        let derived = derive_one(&self.exposed()?, &ctx)?;
        let sealed_session_key = self.tpm.seal_data(&self.storage, derived).map_err(failed)?;
        let derived = MsOapxbcSessionKey::A256GCM { sealed_session_key };
        let opened = derived.decipher(&mut self.tpm, &self.storage, &jwe).map_err(failed)?;
        Ok(serde_json::from_slice(opened.payload())?)
    }

    fn exposed(&mut self) -> Result<Zeroizing<Vec<u8>>, Box<dyn Error>> {
        let MsOapxbcSessionKey::A256GCM { sealed_session_key } = &self.key;
        Ok(self.tpm.unseal_data(&self.storage, sealed_session_key).map_err(failed)?)
    }
}

/// Version 1: of the session key and `ctx`.
pub fn derive_one(session_key: &[u8], ctx: &[u8]) -> Result<Zeroizing<Vec<u8>>, Box<dyn Error>> {
    Ok(derive_key_aes256(session_key, LABEL, ctx).ok_or("no key was derived")?)
}

/// Version 2: of the session key, and a digest of `ctx` and the payload.
pub fn derive_two(session_key: &[u8], ctx: &[u8], payload: &[u8]) -> Result<Zeroizing<Vec<u8>>, Box<dyn Error>> {
    derive_one(session_key, &Sha256::new().chain_update(ctx).chain_update(payload).finalize())
}

const LABEL: &[u8] = b"AzureAD-SecureConversation";
