//! `PKeyAuth` (MS-PKAP): a device proves itself by signing a challenge, where no PRT and no TLS certificate do it.
//!
//! The challenge's context holds, under seal, the nonce and the address it was given for; the client brings it back with what its
//! device signed. Nothing is kept between the two. Knows no HTTP beyond the text of one header.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::device_certificate::{DeviceCertificate, DeviceCertificateError};
use super::jws::{DeviceSigned, JwsError};
use super::request::{RequestError, required, seconds};
use crate::address;
use crate::clock::{Random, UtcTime};
use crate::store::{FirstUse, OneTime, Purpose, StoreError, TokenId, TokenIdError};
use crate::tokens::sealed::{SealError, SealPurpose, Sealer};

/// A challenge, as it goes to the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    /// What the device signs.
    pub nonce: String,
    /// What the client brings back.
    pub context: String,
}

#[derive(serde::Serialize, serde::Deserialize)]
struct Context {
    #[serde(rename = "n")]
    nonce: String,
    #[serde(rename = "u")]
    url: String,
    #[serde(rename = "t", default, skip_serializing_if = "Option::is_none")]
    thumbprint: Option<String>,
}

impl Challenge {
    /// A challenge for the address `submit_url`; by the device with this certificate thumbprint, where one is demanded.
    ///
    /// # Errors
    /// [`SealError`].
    pub fn new(
        submit_url: &str,
        thumbprint: Option<&str>,
        sealer: &Sealer,
        now: UtcTime,
        random: &dyn Random,
    ) -> Result<Self, SealError> {
        let mut octets = [0; 16];
        random.fill(&mut octets)?;
        let nonce = URL_SAFE_NO_PAD.encode(octets);
        let context =
            Context { nonce: nonce.clone(), url: submit_url.to_owned(), thumbprint: thumbprint.map(str::to_owned) };
        Ok(Self { nonce, context: sealer.seal(CONTEXT, &context, now.plus(LIFETIME))? })
    }

    /// The address to redirect to, for a client in front of a person (MS-PKAP 3.2.5.1). Authorities are names of issuers of
    /// device certificates.
    pub fn redirect(&self, submit_url: &str, authorities: &[String], request_id: &str) -> String {
        let authorities: Vec<String> = authorities.iter().map(|name| percent_encoded(name)).collect();
        format!(
            "urn:http-auth:PKeyAuth?SubmitUrl={}&nonce={}&Version=1.0&Context={}&CertAuthorities={}&client-request-id={}",
            percent_encoded(submit_url),
            self.nonce,
            self.context,
            percent_encoded(&authorities.join(";")),
            percent_encoded(request_id),
        )
    }

    /// The value of `WWW-Authenticate`, for the token endpoint (MS-PKAP 3.2.5.2).
    pub fn header(&self, submit_url: &str, thumbprint: &str) -> String {
        format!(
            "PKeyAuth SubmitUrl=\"{submit_url}\",nonce=\"{}\",Version=\"1.0\",Context=\"{}\",CertThumbprint=\"{thumbprint}\"",
            self.nonce, self.context,
        )
    }
}

/// The issuer of device certificates as a challenge names it: `OU=…,CN=MS-Organization-Access,DC=corp,DC=example`. `None` for
/// octets that are no certificate.
pub fn authority_name(certificate: &[u8]) -> Option<String> {
    let (_, certificate) = x509_parser::parse_x509_certificate(certificate).ok()?;
    let subject = certificate.subject();
    let text = |label: &str, value: Option<&str>| value.map(|value| format!("{label}={value}"));
    let units = subject.iter_organizational_unit().filter_map(|unit| text("OU", unit.as_str().ok()));
    let names = subject.iter_common_name().filter_map(|name| text("CN", name.as_str().ok()));
    let components = subject.iter_by_oid(&x509_parser::oid_registry::OID_DOMAIN_COMPONENT);
    let components = components.filter_map(|part| text("DC", part.as_str().ok()));
    Some(units.chain(names).chain(components).collect::<Vec<_>>().join(","))
}

/// Whether a client says that it can answer a challenge.
pub fn is_capable(user_agent: Option<&str>, header: Option<&str>) -> bool {
    header.is_some_and(|version| version.trim() == "1.0")
        || user_agent.is_some_and(|agent| agent.to_ascii_lowercase().contains("pkeyauth/1.0"))
}

/// What comes back in `Authorization`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// What the device signed; `None` where the client has no device, which is an answer too.
    token: Option<String>,
    context: String,
}

impl Reply {
    /// Reads an `Authorization` header; `None` for one of another scheme.
    ///
    /// # Errors
    /// [`PKeyAuthError::Header`].
    pub fn read(header: &str) -> Option<Result<Self, PKeyAuthError>> {
        let (scheme, rest) = header.trim().split_once(char::is_whitespace).unwrap_or((header.trim(), ""));
        if !scheme.eq_ignore_ascii_case("PKeyAuth") {
            return None;
        }
        Some(Self::parameters(rest))
    }

    fn parameters(text: &str) -> Result<Self, PKeyAuthError> {
        let (mut token, mut context) = (None, None);
        for parameter in text.split(',').map(str::trim).filter(|parameter| !parameter.is_empty()) {
            let (name, value) = parameter.split_once('=').ok_or(PKeyAuthError::Header)?;
            let value = value.trim().strip_prefix('"').and_then(|value| value.strip_suffix('"'));
            let value = value.ok_or(PKeyAuthError::Header)?;
            let slot = match name.trim().to_ascii_lowercase().as_str() {
                "authtoken" => &mut token,
                "context" => &mut context,
                "version" if value == "1.0" => continue,
                _ => return Err(PKeyAuthError::Header),
            };
            if slot.replace(value.to_owned()).is_some() {
                return Err(PKeyAuthError::Header);
            }
        }
        Ok(Self {
            token: token.filter(|token: &String| !token.is_empty()),
            context: context.ok_or(PKeyAuthError::Header)?,
        })
    }

    /// The answer to the challenge given for `url`; `None` when the client has no device. Whether the device is registered is for the
    /// registry to say.
    ///
    /// # Errors
    /// [`PKeyAuthError`].
    pub fn verify(&self, url: &str, sealer: &Sealer, now: UtcTime) -> Result<Option<Answered>, PKeyAuthError> {
        let opened = sealer.open::<Context>(CONTEXT, &self.context)?;
        let Some(token) = &self.token else { return Ok(None) };
        let signed = DeviceSigned::read(token)?;
        let certificate = DeviceCertificate::read(signed.certificate())?;
        let payload = signed.verify()?;
        if required(&payload, "nonce")? != opened.value.nonce {
            return Err(PKeyAuthError::Nonce);
        }
        let audience = required(&payload, "aud")?;
        if !address::is_same(&audience, url) || !address::is_same(&opened.value.url, url) {
            return Err(PKeyAuthError::Audience);
        }
        if seconds(&payload, "iat")?.is_some_and(|at| at > now.plus(super::request::SKEW)) {
            return Err(RequestError::Time { name: "iat" }.into());
        }
        if opened.value.thumbprint.as_ref().is_some_and(|demanded| *demanded != certificate.thumbprint()) {
            return Err(PKeyAuthError::OtherDevice);
        }
        let challenge = TokenId::new(&format!("{} pkeyauth", opened.value.nonce))?;
        Ok(Some(Answered { certificate, challenge, until: opened.expiry }))
    }
}

/// A challenge that the key of a certificate answered; not yet used up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// The certificate.
    pub certificate: DeviceCertificate,
    challenge: TokenId,
    until: UtcTime,
}

impl Answered {
    /// Uses the challenge up.
    ///
    /// # Errors
    /// [`PKeyAuthError::Used`], [`PKeyAuthError::Store`].
    pub async fn redeem(&self, store: &dyn OneTime) -> Result<(), PKeyAuthError> {
        match store.redeem(Purpose::Nonce, &self.challenge, self.until).await? {
            FirstUse::First => Ok(()),
            FirstUse::Repeated => Err(PKeyAuthError::Used),
        }
    }
}

/// Why an answer to a challenge does not count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PKeyAuthError {
    /// The header is not well-formed.
    #[error("the PKeyAuth header is not well-formed")]
    Header,
    /// The context is not one of ours, or it has expired.
    #[error("the context of the challenge does not open: {0}")]
    Context(#[from] SealError),
    /// What the device signed is not well-formed, or the signature is not good.
    #[error(transparent)]
    Jws(#[from] JwsError),
    /// The certificate cannot be one of a device.
    #[error(transparent)]
    Certificate(#[from] DeviceCertificateError),
    /// A member is missing or does not fit.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// Another challenge's nonce.
    #[error("the nonce is not that of the challenge")]
    Nonce,
    /// For another address.
    #[error("the answer is for another address")]
    Audience,
    /// Another device than the one demanded.
    #[error("another device answered than the one demanded")]
    OtherDevice,
    /// Used before.
    #[error("the challenge was answered before")]
    Used,
    /// The store of used nonces gives no answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It has no identifier.
    #[error(transparent)]
    Id(#[from] TokenIdError),
}

/// Everything but letters, digits, `-`, `.`, `_` and `~` as `%XX`.
fn percent_encoded(text: &str) -> String {
    use std::fmt::Write as _;
    let mut encoded = String::with_capacity(text.len() * 2);
    for octet in text.bytes() {
        if octet.is_ascii_alphanumeric() || b"-._~".contains(&octet) {
            encoded.push(char::from(octet));
        } else {
            // Writing to a text does not fail.
            let _ = write!(encoded, "%{octet:02X}");
        }
    }
    encoded
}

const CONTEXT: SealPurpose<'static> = SealPurpose::new("pkeyauth_context");
/// MS-PKAP product note 1.
const LIFETIME: Duration = Duration::from_mins(7);
