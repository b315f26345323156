//! A PRT in use: by an exchange, by a browser's credential, as the proof for another one.
//!
//! First it is asked what others can change (device, user, revocation), then whether this very text was used before, and only then
//! what the use says of the family: that a renewal is in use, or that one of two is a copy. So what is sent once more changes nothing.

use std::time::Duration;

use super::content::PrimaryRefreshToken;
use super::credential::RefreshTokenCredential;
use super::exchange::{Exchange, ExchangeError};
use super::kdf::KdfVersion;
use super::nonce::{Nonce, NonceError, NonceUse};
use super::service::{Around, PrtRefusal, PrtService};
use super::validity::{Holder, Sources};
use crate::authn::SessionRef;
use crate::clock::UtcTime;
use crate::devices::Remembered;
use crate::store::{FirstUse, Purpose, Standing, TokenId};

impl PrtService {
    /// Who holds a PRT that proves its user in a request by the device's key, whose nonce is used up.
    ///
    /// # Errors
    /// [`PrtRefusal`].
    pub async fn holder(&self, prt: &PrimaryRefreshToken, around: Around<'_>) -> Result<Holder, PrtRefusal> {
        let holder = self.holding(prt, around).await?;
        self.note_generation(prt, around).await?;
        Ok(holder)
    }

    /// Who made a request by a session key, when it is used for the first time.
    ///
    /// # Errors
    /// [`PrtRefusal`].
    pub async fn exchange(&self, exchange: &Exchange, around: Around<'_>) -> Result<Holder, PrtRefusal> {
        let prt = &exchange.prt;
        let holder = self.holding(prt, around).await?;
        match &exchange.nonce {
            Some(nonce) => self.use_nonce(prt, nonce, NonceUse::Exchange, around).await?,
            None => self.use_signature(exchange, around).await?,
        }
        self.used(holder, prt, exchange.kdf, around).await
    }

    /// A browser's credential: who it signs in. The nonce is used up when all that others can change is good, so that a credential
    /// that is no good for another reason costs none.
    ///
    /// # Errors
    /// [`PrtRefusal`]; with [`PrtRefusal::Nonce`], a fresh one is worth asking for.
    pub async fn credential(
        &self,
        credential: &RefreshTokenCredential,
        kdf: KdfVersion,
        around: Around<'_>,
    ) -> Result<Holder, PrtRefusal> {
        let prt = &credential.prt;
        let holder = self.holding(prt, around).await?;
        let nonce = credential.nonce.as_deref().ok_or(NonceError::Missing)?;
        let usage = NonceUse::RefreshTokenCredential(&prt.id.to_string());
        self.use_nonce(prt, nonce, usage, around).await?;
        self.used(holder, prt, kdf, around).await
    }

    /// Notes what a use by the session key says, which nobody has sent before.
    async fn used(
        &self,
        holder: Holder,
        prt: &PrimaryRefreshToken,
        kdf: KdfVersion,
        around: Around<'_>,
    ) -> Result<Holder, PrtRefusal> {
        self.note_version(prt, kdf).await?;
        self.note_generation(prt, around).await?;
        self.touch(&holder.device, around.clock.now()).await;
        Ok(holder)
    }

    /// Who holds a PRT, as far as that can be asked of others. Says nothing of whether it is a copy, and changes nothing.
    async fn holding(&self, prt: &PrimaryRefreshToken, around: Around<'_>) -> Result<Holder, PrtRefusal> {
        let sources = Sources {
            registry: self.registry(),
            directory: around.directory,
            revocations: around.revocations,
            usage_window: self.usage_window,
        };
        Ok(Holder::of(prt, sources, around.clock.now()).await?)
    }

    /// Uses up the nonce of something that a session key signed.
    async fn use_nonce(
        &self,
        prt: &PrimaryRefreshToken,
        nonce: &str,
        usage: NonceUse<'_>,
        around: Around<'_>,
    ) -> Result<(), PrtRefusal> {
        let nonce = Nonce::open(&self.sealer, nonce)?;
        let paid = self.devices.limits.use_by(prt.device, prt.user, Remembered::Shortly)?;
        let used = nonce.consume(usage, around.one_time).await;
        if used.is_err() {
            paid.was_none();
        }
        Ok(used?)
    }

    /// Remembers a request that carries no nonce by its signature.
    async fn use_signature(&self, exchange: &Exchange, around: Around<'_>) -> Result<(), PrtRefusal> {
        let prt = &exchange.prt;
        let id = TokenId::from_octets(&[prt.id.as_bytes(), &exchange.signature[..]].concat())?;
        let paid = self.devices.limits.use_by(prt.device, prt.user, exchange.remembered(around.clock.now()))?;
        let used = around.one_time.redeem(Purpose::PrimaryRefreshTokenRequest, &id, exchange.until).await;
        if used != Ok(FirstUse::First) {
            paid.was_none();
        }
        match used? {
            FirstUse::First => Ok(()),
            FirstUse::Repeated => Err(PrtRefusal::Replayed),
        }
    }

    /// Notes which PRT of its family is in use; a copy ends the whole family. Asked only of what was made just now by who has the
    /// session key or the device's: otherwise whoever once saw a request could end the family by sending it again.
    async fn note_generation(&self, prt: &PrimaryRefreshToken, around: Around<'_>) -> Result<(), PrtRefusal> {
        let family_end = self.family_end(prt);
        match self.generations.present(&prt.family, prt.generation, GRACE, family_end).await? {
            Standing::Current => Ok(()),
            Standing::Superseded => {
                around.revocations.revoke(&prt.family, family_end).await?;
                Err(PrtRefusal::Copied { family: prt.family.clone(), device: prt.device })
            }
        }
    }

    /// Notes the key derivation in use: the versions are generations of a family beside it, and after version 2 there is no going
    /// back.
    async fn note_version(&self, prt: &PrimaryRefreshToken, kdf: KdfVersion) -> Result<(), PrtRefusal> {
        if prt.kdf != KdfVersion::One {
            return Ok(());
        }
        let versions = SessionRef(uuid::Uuid::from_u128(!prt.family.0.as_u128()));
        let version = u32::from(kdf == KdfVersion::Two);
        match self.generations.present(&versions, version, Duration::ZERO, self.family_end(prt)).await? {
            Standing::Current => Ok(()),
            Standing::Superseded => Err(ExchangeError::Downgrade.into()),
        }
    }

    /// When the last of a family has ended.
    fn family_end(&self, prt: &PrimaryRefreshToken) -> UtcTime {
        prt.begun.plus(self.lifetimes.family).max(prt.until)
    }
}

/// How long the predecessor of a renewed PRT is taken: answers are lost on their way.
const GRACE: Duration = Duration::from_mins(10);
