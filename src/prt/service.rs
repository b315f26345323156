//! The steps in their order: what a server does with a request for a PRT, and with what proves a device alone. A PRT in use is the
//! affair of `in_use`.
//!
//! A device is judged before anybody's password is looked at, so that a computer which is not registered yet costs nobody a
//! failed sign-in.

use std::sync::Arc;
use std::time::Duration;

use super::content::{NewPrt, PrimaryRefreshToken, PrtLifetimes};
use super::device::{DeviceError, check_enabled, device_of};
use super::device_certificate::DeviceCertificate;
use super::exchange::ExchangeError;
use super::jws::Members;
use super::jws::{DeviceSigned, JwsError};
use super::kdf::KdfVersion;
use super::nonce::{Nonce, NonceError, NonceUse};
use super::pkeyauth::{PKeyAuthError, Reply, authority_name};
use super::request::{PrtRequest, RequestError};
use super::response::EncryptError;
use super::session_key_jwe::session_key_jwe;
use super::transport_key::{TransportKey, TransportKeyError};
use super::validity::PrtError;
use crate::authn::SessionRef;
use crate::clock::{Clock, Random, RandomError, UtcTime};
use crate::devices::{Device, DeviceId, DeviceRegistry, DeviceServices, LimitReached};
use crate::directory::Directory;
use crate::issuance::Services;
use crate::store::{Generations, OneTime, Revocations, StoreError, TokenIdError};
use crate::tokens::sealed::{SealError, SealPurpose, Sealer};

/// Primary refresh tokens of this server.
pub struct PrtService {
    /// Seals PRTs, nonces and challenges.
    pub sealer: Sealer,
    /// The registered devices.
    pub devices: Arc<DeviceServices>,
    /// Which renewals are in use.
    pub generations: Arc<dyn Generations>,
    /// How long PRTs last.
    pub lifetimes: PrtLifetimes,
    /// How long a device may be idle.
    pub usage_window: Duration,
}

/// What the steps work with besides.
#[derive(Clone, Copy)]
pub struct Around<'a> {
    /// The time.
    pub clock: &'a dyn Clock,
    /// Unpredictable octets.
    pub random: &'a dyn Random,
    /// Users.
    pub directory: &'a dyn Directory,
    /// What may be used once.
    pub one_time: &'a dyn OneTime,
    /// What was revoked.
    pub revocations: &'a dyn Revocations,
}

impl<'a> From<&'a Services> for Around<'a> {
    fn from(services: &'a Services) -> Self {
        Self {
            clock: &*services.clock,
            random: &*services.random,
            directory: &*services.directory,
            one_time: &*services.one_time,
            revocations: &*services.revocations,
        }
    }
}

/// A request for a PRT by a device that is registered and enabled; the user has yet to be proved.
#[derive(Debug)]
pub struct DeviceRequest {
    /// The device.
    pub device: Device,
    /// Its certificate.
    pub certificate: DeviceCertificate,
    /// The key that a session key can be sent to it with.
    pub transport_key: TransportKey,
    /// The key derivation that it will use.
    pub kdf: KdfVersion,
    /// What it asks, and how the user proves who they are.
    pub request: PrtRequest,
    /// The nonce as it was sent, for comparing it with an assertion's.
    pub nonce: String,
}

/// A PRT as it goes to the device.
#[derive(Debug)]
pub struct IssuedPrt {
    /// The PRT.
    pub prt: PrimaryRefreshToken,
    /// Its text.
    pub text: String,
    /// The session key, for the device alone; `None` for a renewal, which keeps it.
    pub session_key_jwe: Option<String>,
}

impl PrtService {
    /// Where devices are kept.
    pub fn registry(&self) -> &dyn DeviceRegistry {
        &*self.devices.registry
    }

    /// A nonce for a client that asks for one.
    ///
    /// # Errors
    /// [`SealError`].
    pub fn nonce(&self, around: Around<'_>) -> Result<String, SealError> {
        Nonce::issue(&self.sealer, around.clock.now(), around.random)
    }

    /// The registered device that signed a text, and what the text says. The signature comes first: anybody can make a certificate,
    /// and anybody can see one, and neither costs the registry a question.
    async fn device(
        &self,
        signed: &DeviceSigned,
        now: UtcTime,
    ) -> Result<(Device, DeviceCertificate, Members), PrtRefusal> {
        let certificate = DeviceCertificate::read(signed.certificate()).map_err(DeviceError::from)?;
        let payload = signed.verify()?;
        let device = device_of(&self.devices, &certificate, now).await?;
        Ok((device, certificate, payload))
    }

    /// A request for a PRT up to the point where the user is proved (oauth-oidc-prt.md 3.3, steps 1 to 6). The nonce is used
    /// up; the use of the device is not noted yet.
    ///
    /// # Errors
    /// [`PrtRefusal`].
    pub async fn device_request(&self, signed: &DeviceSigned, around: Around<'_>) -> Result<DeviceRequest, PrtRefusal> {
        let now = around.clock.now();
        let (device, certificate, payload) = self.device(signed, now).await?;
        let request = PrtRequest::read(&payload, now)?;
        let nonce = request.nonce.clone().ok_or(NonceError::Missing)?;
        Nonce::open(&self.sealer, &nonce)?.consume(NonceUse::Request, around.one_time).await?;
        let transport_key = TransportKey::of(&device)?;
        Ok(DeviceRequest { device, certificate, transport_key, kdf: signed.kdf(), request, nonce })
    }

    /// Uses up a nonce that stands in an assertion beside the request's own.
    ///
    /// # Errors
    /// [`NonceError`].
    pub async fn use_assertion_nonce(&self, nonce: &str, around: Around<'_>) -> Result<(), NonceError> {
        Nonce::open(&self.sealer, nonce)?.consume(NonceUse::Assertion, around.one_time).await
    }

    /// A PRT for a device, with a session key of its own.
    ///
    /// # Errors
    /// [`PrtRefusal`].
    pub fn issue(&self, new: NewPrt<'_>, around: Around<'_>) -> Result<IssuedPrt, PrtRefusal> {
        let random = around.random;
        let transport_key = new.transport_key;
        let prt = PrimaryRefreshToken::new(new, self.lifetimes, around.clock.now(), random)?;
        let session_key_jwe = session_key_jwe(&prt.session_key, transport_key, random)?;
        let text = prt.seal(&self.sealer).map_err(PrtRefusal::Seal)?;
        Ok(IssuedPrt { text, session_key_jwe: Some(session_key_jwe), prt })
    }

    /// The next PRT of one that holds.
    ///
    /// # Errors
    /// [`PrtRefusal`].
    pub fn renew(
        &self,
        prt: &PrimaryRefreshToken,
        kdf: KdfVersion,
        around: Around<'_>,
    ) -> Result<IssuedPrt, PrtRefusal> {
        let prt = prt.renewed(kdf, self.lifetimes, around.clock.now(), around.random)?;
        let text = prt.seal(&self.sealer).map_err(PrtRefusal::Seal)?;
        Ok(IssuedPrt { text, session_key_jwe: None, prt })
    }

    /// The PRT of a text, where it stands for itself: as the proof in a request by the device's key.
    ///
    /// # Errors
    /// [`PrtRefusal::Exchange`].
    pub fn open(&self, text: &str) -> Result<PrimaryRefreshToken, PrtRefusal> {
        Ok(PrimaryRefreshToken::open(&self.sealer, text).map_err(ExchangeError::from)?)
    }

    /// The device with this certificate (DER), whose key a handshake proved.
    ///
    /// # Errors
    /// [`PrtRefusal`].
    pub async fn by_certificate(&self, certificate: &[u8], now: UtcTime) -> Result<Device, PrtRefusal> {
        let certificate = DeviceCertificate::read(certificate).map_err(DeviceError::from)?;
        let device = device_of(&self.devices, &certificate, now).await?;
        self.touch(&device, now).await;
        Ok(device)
    }

    /// The issuers of device certificates as a challenge names them. Clients look for a certificate by one of them, so those that others
    /// have published are among them.
    pub async fn authorities(&self) -> Vec<String> {
        let issuers = match self.devices.issuers().await {
            Ok(issuers) => issuers,
            Err(error) => {
                tracing::warn!(%error, "a challenge names none but the own device authority");
                self.devices.authority.issuers().to_vec()
            }
        };
        let mut names: Vec<String> = Vec::new();
        for name in issuers.iter().filter_map(|issuer| authority_name(issuer)) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    /// The device that answered a `PKeyAuth` challenge given for the address `url`; `None` when the client has none. The challenge is
    /// used up last: what is no device's leaves nothing behind in the store.
    ///
    /// # Errors
    /// [`PrtRefusal`].
    pub async fn pkeyauth(
        &self,
        reply: Result<Reply, PKeyAuthError>,
        url: &str,
        around: Around<'_>,
    ) -> Result<Option<Device>, PrtRefusal> {
        let now = around.clock.now();
        let Some(answered) = reply?.verify(url, &self.sealer, now)? else { return Ok(None) };
        let device = device_of(&self.devices, &answered.certificate, now).await?;
        answered.redeem(around.one_time).await?;
        self.touch(&device, now).await;
        Ok(Some(device))
    }

    /// A device that was proved, for the next requests of one sign-in.
    ///
    /// # Errors
    /// [`SealError`].
    pub fn remember(&self, device: DeviceId, now: UtcTime) -> Result<String, SealError> {
        self.sealer.seal(PROVED_DEVICE, &device, now.plus(REMEMBERED))
    }

    /// The device of such a text, when it may still be used.
    ///
    /// # Errors
    /// [`PrtRefusal`].
    pub async fn remembered(&self, text: &str) -> Result<Device, PrtRefusal> {
        let id = self.sealer.open::<DeviceId>(PROVED_DEVICE, text).map_err(PKeyAuthError::from)?.value;
        let device = self.registry().find(id).await.map_err(DeviceError::from)?.ok_or(DeviceError::UNKNOWN)?;
        check_enabled(&device)?;
        Ok(device)
    }

    /// Notes that a device was used, so that it does not count as idle: only once all was judged, signature, state, nonce and whoever
    /// signs in, or whoever knows its certificate would keep it from being idle. Nothing of this request depends on it.
    pub async fn touch(&self, device: &Device, now: UtcTime) {
        if let Err(error) = self.registry().touch(device, now).await {
            tracing::warn!(device = %device.id, %error, "the use of a device could not be noted");
        }
    }

    /// The device of a credential that proves a device alone.
    ///
    /// # Errors
    /// [`PrtRefusal`].
    pub async fn device_credential(&self, signed: &DeviceSigned, around: Around<'_>) -> Result<Device, PrtRefusal> {
        let now = around.clock.now();
        let (device, _, payload) = self.device(signed, now).await?;
        let nonce = super::request::text(&payload, "request_nonce").ok_or(NonceError::Missing)?;
        Nonce::open(&self.sealer, nonce)?.consume(NonceUse::DeviceCredential, around.one_time).await?;
        self.touch(&device, now).await;
        Ok(device)
    }
}

impl std::fmt::Debug for PrtService {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PrtService").field("lifetimes", &self.lifetimes).finish_non_exhaustive()
    }
}

/// Why a device is refused. For the audit log; the protocol says less.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PrtRefusal {
    /// What was signed is not well-formed, or the signature is not good.
    #[error(transparent)]
    Jws(#[from] JwsError),
    /// The device is none that may be used.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// The device can be sent no session key.
    #[error(transparent)]
    TransportKey(#[from] TransportKeyError),
    /// The request does not say what it must.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// The nonce does not count.
    #[error(transparent)]
    Nonce(#[from] NonceError),
    /// The PRT does not open, or the request with it is not good.
    #[error(transparent)]
    Exchange(#[from] ExchangeError),
    /// The PRT does not hold.
    #[error(transparent)]
    Prt(#[from] PrtError),
    /// A PRT was used long after its successor: one of them is a copy. The family is revoked.
    #[error("a primary refresh token of device {device} was used after its successor; family {} is revoked", .family.0)]
    Copied {
        /// What is revoked.
        family: SessionRef,
        /// Whose it was.
        device: DeviceId,
    },
    /// More uses than there is room for.
    #[error(transparent)]
    TooMany(#[from] LimitReached),
    /// A browser's credential was made for another authorization request.
    #[error("the credential was made for another request")]
    OtherRequest,
    /// An answer to a `PKeyAuth` challenge does not count.
    #[error(transparent)]
    PKeyAuth(#[from] PKeyAuthError),
    /// The very same request came before.
    #[error("the same request was used before")]
    Replayed,
    /// A PRT could not be sealed.
    #[error("the primary refresh token could not be sealed: {0}")]
    Seal(SealError),
    /// The session key could not be sent.
    #[error(transparent)]
    Encrypt(#[from] EncryptError),
    /// The random source failed.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// A store gives no answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A request without an identity.
    #[error(transparent)]
    Id(#[from] TokenIdError),
}

impl PrtRefusal {
    /// Whether the same request may succeed a little later.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Device(error) => error.is_retryable(),
            Self::Prt(error) => error.is_retryable(),
            Self::Nonce(NonceError::Store(error))
            | Self::PKeyAuth(PKeyAuthError::Store(error))
            | Self::Store(error) => error.is_retryable(),
            _ => false,
        }
    }
}

/// How long a device that was proved is known without proving it again: as long as somebody takes to sign in.
pub const REMEMBERED: Duration = Duration::from_mins(10);
const PROVED_DEVICE: SealPurpose<'static> = SealPurpose::new("proved_device");
