//! A device with its keys, as a program that speaks MS-OAPXBC: written from the specification, by OpenSSL and serde alone.

use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use openssl::asn1::{Asn1Integer, Asn1Time};
use openssl::bn::BigNum;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::rsa::{Padding, Rsa};
use openssl::sign::Signer;
use openssl::symm::{Cipher, decrypt_aead};
use openssl::x509::{X509, X509NameBuilder, X509ReqBuilder};
use serde_json::{Value, json};

use super::{Curl, Lab, Response};

/// A device: key, certificate and identifier.
pub struct Device {
    pub id: uuid::Uuid,
    pub key: PKey<Private>,
    pub certificate: X509,
}

/// A primary refresh token as a device holds it.
#[derive(Clone)]
pub struct Prt {
    pub token: String,
    pub session_key: Vec<u8>,
    pub answer: Value,
}

impl Device {
    /// With a certificate that somebody issues for this key, and for this identifier if they take it.
    pub fn certified(issue: impl FnOnce(uuid::Uuid, &PKey<Private>) -> Vec<u8>) -> Self {
        let id = uuid::Uuid::from_bytes(std::array::from_fn(|_| fastrand::u8(..)));
        let key = PKey::from_rsa(Rsa::generate(2048).expect("a key")).expect("a key");
        let certificate = X509::from_der(&issue(id, &key)).expect("a certificate");
        let name = certificate.subject_name().entries_by_nid(Nid::COMMONNAME).next().expect("a name");
        // A registration may choose the identifier itself.
        let id = std::str::from_utf8(name.data().as_slice()).expect("text").parse().expect("an identifier");
        Self { id, key, certificate }
    }

    /// A certificate request for the key, as Windows names it.
    pub fn request_for(key: &PKey<Private>) -> Vec<u8> {
        let mut name = X509NameBuilder::new().expect("a name");
        name.append_entry_by_text("CN", "7E980AD9-B86D-4306-9425-9AC066FB014A").expect("a name");
        let mut builder = X509ReqBuilder::new().expect("a request");
        builder.set_subject_name(&name.build()).expect("a subject");
        builder.set_pubkey(key).expect("a key");
        builder.sign(key, MessageDigest::sha256()).expect("a signature");
        builder.build().to_der().expect("a request")
    }

    /// Keys and a certificate that nobody knows yet, and nobody else signed.
    pub fn new() -> Self {
        let id = uuid::Uuid::from_bytes(std::array::from_fn(|_| fastrand::u8(..)));
        let key = PKey::from_rsa(Rsa::generate(2048).expect("a key")).expect("a key");
        let mut name = X509NameBuilder::new().expect("a name");
        name.append_entry_by_text("CN", &id.to_string()).expect("a name");
        let name = name.build();
        let mut builder = X509::builder().expect("a certificate");
        builder.set_version(2).expect("a version");
        let serial = BigNum::from_u32(fastrand::u32(1..)).expect("a number");
        builder.set_serial_number(&Asn1Integer::from_bn(&serial).expect("a number")).expect("a serial number");
        builder.set_subject_name(&name).expect("a subject");
        builder.set_issuer_name(&name).expect("an issuer");
        builder.set_not_before(&Asn1Time::from_unix(super::now() - 600).expect("a time")).expect("a start");
        builder.set_not_after(&Asn1Time::days_from_now(3650).expect("a time")).expect("an end");
        builder.set_pubkey(&key).expect("a key");
        builder.sign(&key, MessageDigest::sha256()).expect("a signature");
        Self { id, key, certificate: builder.build() }
    }

    pub fn der(&self) -> Vec<u8> {
        self.certificate.to_der().expect("a certificate")
    }

    /// `altSecurityIdentities`
    pub fn alt_security_identity(&self) -> String {
        let thumbprint = self.certificate.digest(MessageDigest::sha1()).expect("a digest");
        let key = self.key.rsa().and_then(|rsa| rsa.public_key_to_der_pkcs1()).expect("a key");
        let thumbprint = hex::encode_upper(thumbprint);
        format!("X509:<SHA1-TP-PUBKEY>{thumbprint}{}", STANDARD.encode(openssl::sha::sha256(&key)))
    }

    /// `BCRYPT_RSAKEY_BLOB` of the key, which serves as transport key too.
    pub fn blob(&self) -> Vec<u8> {
        blob(&self.key)
    }

    /// Key and certificate in PEM files, for other programs.
    pub fn pem_files(&self) -> (PathBuf, PathBuf) {
        let (key, certificate) = (Lab::get().new_file("device.key"), Lab::get().new_file("device.pem"));
        std::fs::write(&key, self.key.private_key_to_pem_pkcs8().expect("a key")).expect("a file");
        std::fs::write(&certificate, self.certificate.to_pem().expect("a certificate")).expect("a file");
        (key, certificate)
    }

    /// A text signed by the device's key.
    pub fn sign(&self, payload: &Value) -> String {
        let header = json!({"alg": "RS256", "typ": "JWT", "x5c": [STANDARD.encode(self.der())], "kdf_ver": 2});
        self.sign_with(&header, payload)
    }

    pub fn sign_with(&self, header: &Value, payload: &Value) -> String {
        sign_by(&self.key, header, payload)
    }

    /// The payload of a request for a PRT, by name and password and with a fresh nonce.
    pub fn request(&self, username: &str, password: &str) -> Value {
        json!({"client_id": BROKER, "scope": "openid aza ugs", "request_nonce": nonce(), "win_ver": "10.0.26100.1",
            "grant_type": "password", "username": username, "password": password})
    }

    /// The answer to a request for a PRT, opened.
    pub fn open(&self, answer: &Response) -> Prt {
        assert_eq!(answer.status, 200, "{}", answer.body);
        let value: Value = serde_json::from_str(&answer.body).expect("JSON");
        let jwe: Vec<&str> = value["session_key_jwe"].as_str().expect("a session key").split('.').collect();
        let wrapped = URL_SAFE_NO_PAD.decode(jwe[1]).expect("base64url");
        let mut session_key = vec![0; 256];
        let rsa = self.key.rsa().expect("a key");
        let octets =
            rsa.private_decrypt(&wrapped, &mut session_key, Padding::PKCS1_OAEP).expect("wrapped for this device");
        session_key.truncate(octets);
        let token = value["refresh_token"].as_str().expect("a token").to_owned();
        Prt { token, session_key, answer: value }
    }

    /// A PRT by name and password.
    pub fn prt(&self, username: &str, password: &str) -> Prt {
        self.open(&request(&self.sign(&self.request(username, password))))
    }
}

impl Prt {
    /// A payload signed by a key derived from the session key.
    pub fn sign(&self, version: u8, payload: &Value) -> String {
        let ctx: [u8; 24] = std::array::from_fn(|_| fastrand::u8(..));
        self.sign_with(version, &ctx, &json!({}), payload)
    }

    /// The same with this `ctx`, and more in the header.
    pub fn sign_with(&self, version: u8, ctx: &[u8], more: &Value, payload: &Value) -> String {
        let mut header = json!({"alg": "HS256", "ctx": STANDARD.encode(ctx)});
        if version == 2 {
            header["kdf_ver"] = json!(2);
        }
        header.as_object_mut().expect("members").extend(more.as_object().expect("members").clone());
        let payload = payload.to_string();
        let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(&payload));
        let context = if version == 2 {
            openssl::sha::sha256(&[ctx, payload.as_bytes()].concat()).to_vec()
        } else {
            ctx.to_vec()
        };
        let signature = hmac(&derive(&self.session_key, &context), signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// The payload of an exchange for a token of `resource`, for `client`.
    pub fn exchange(&self, client: &str, resource: &str) -> Value {
        let now = super::now();
        json!({"client_id": client, "scope": "openid", "resource": resource, "iat": now, "exp": now + 300,
            "grant_type": "refresh_token", "refresh_token": self.token, "iss": "aad:brokerplugin"})
    }

    /// The encrypted answer to something this PRT signed, opened.
    pub fn open(&self, answer: &Response) -> Value {
        assert_eq!(answer.status, 200, "{}", answer.body);
        let parts: Vec<&str> = answer.body.trim().split('.').collect();
        assert_eq!((parts.len(), parts[1]), (5, ""), "a JWE without a key part: {}", answer.body);
        let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).expect("base64url");
        let header: Value = serde_json::from_slice(&decode(parts[0])).expect("a header");
        assert_eq!((&header["alg"], &header["enc"]), (&json!("dir"), &json!("A256GCM")));
        let ctx = STANDARD.decode(header["ctx"].as_str().expect("ctx")).expect("base64");
        let key = derive(&self.session_key, &ctx);
        let plain = decrypt_aead(
            Cipher::aes_256_gcm(),
            &key,
            Some(&decode(parts[2])),
            parts[0].as_bytes(),
            &decode(parts[3]),
            &decode(parts[4]),
        );
        serde_json::from_slice(&plain.expect("encrypted for this session")).expect("JSON")
    }

    /// `x-ms-RefreshTokenCredential`
    pub fn credential(&self, nonce: Option<&str>) -> String {
        let mut payload = json!({"refresh_token": self.token, "is_primary": "true", "win_ver": "10.0.26100.1",
            "windows_api_version": "2.0.1", "x_client_platform": "windows"});
        match nonce {
            Some(nonce) => payload["request_nonce"] = json!(nonce),
            None => payload["iat"] = json!(super::now().to_string()),
        }
        self.sign(2, &payload)
    }
}

/// A nonce of the server.
pub fn nonce() -> String {
    let answer = token_endpoint("grant_type=srv_challenge");
    assert_eq!(answer.status, 200, "{}", answer.body);
    let value: Value = serde_json::from_str(&answer.body).expect("JSON");
    value["Nonce"].as_str().expect("a nonce").to_owned()
}

/// Posts a signed request.
pub fn request(text: &str) -> Response {
    let grant = "urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer";
    token_endpoint(&format!("grant_type={grant}&request={text}&windows_api_version=2.2&client_info=1&tgt=true"))
}

/// Posts a form to the token endpoint, as Windows spells its address.
pub fn token_endpoint(form: &str) -> Response {
    Curl::new(&format!("{}/adfs/OAuth2/Token/", Lab::get().url))
        .header("Content-Type", "application/x-www-form-urlencoded")
        .post(form)
        .send()
}

pub fn blob(key: &PKey<Private>) -> Vec<u8> {
    let rsa = key.rsa().expect("an RSA key");
    let (n, e) = (rsa.n().to_vec(), rsa.e().to_vec());
    let length = |octets: usize| u32::try_from(octets).expect("small").to_le_bytes();
    [&b"RSA1"[..], &length(n.len() * 8), &length(e.len()), &length(n.len()), &[0; 8], &e, &n].concat()
}

pub fn sign_by(key: &PKey<Private>, header: &Value, payload: &Value) -> String {
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", encode(header), encode(payload));
    let mut signer = Signer::new(MessageDigest::sha256(), key).expect("a signer");
    let signature = signer.sign_oneshot_to_vec(signed.as_bytes()).expect("a signature");
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// NIST SP 800-108 in counter mode with HMAC-SHA256, one round.
fn derive(key: &[u8], context: &[u8]) -> Vec<u8> {
    hmac(key, &[&[0, 0, 0, 1], &b"AzureAD-SecureConversation"[..], &[0], context, &[0, 0, 1, 0]].concat())
}

fn hmac(key: &[u8], text: &[u8]) -> Vec<u8> {
    let key = PKey::hmac(key).expect("a key");
    Signer::new(MessageDigest::sha256(), &key).and_then(|mut signer| signer.sign_oneshot_to_vec(text)).expect("an HMAC")
}

/// The broker of Windows.
pub const BROKER: &str = "38aa3b87-a06d-4817-b275-7a316988d93b";
