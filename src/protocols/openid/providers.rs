//! What is known of providers: discovery documents and key sets, kept for a while and fetched again when a key is not among them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::{Configuration, OpenIdError};
use crate::clock::UtcTime;
use crate::outgoing::{Outgoing, OutgoingError};
use crate::tokens::inbound::openid::IdTokenKeys;
use crate::trusts::{ClaimsProvider, OpenIdSettings};

/// Asks providers.
pub struct OpenIdClient {
    /// How they are reached.
    pub outgoing: Outgoing,
    /// What they said.
    pub known: Arc<KnownProviders>,
    /// How long that counts.
    pub refresh: Duration,
}

/// What providers said, by address; it outlives a change of configuration.
#[derive(Debug, Default)]
pub struct KnownProviders {
    documents: Mutex<HashMap<String, Known<Configuration>>>,
    key_sets: Mutex<HashMap<String, Known<IdTokenKeys>>>,
}

#[derive(Debug)]
struct Known<T> {
    value: Arc<T>,
    fetched: UtcTime,
}

impl<T> Clone for Known<T> {
    fn clone(&self) -> Self {
        Self { value: self.value.clone(), fetched: self.fetched }
    }
}

impl OpenIdClient {
    /// Where a provider is asked. A document that cannot be fetched again is good for a week more.
    ///
    /// # Errors
    /// [`OpenIdError`].
    pub async fn configuration(
        &self,
        provider: &ClaimsProvider,
        settings: &OpenIdSettings,
        now: UtcTime,
    ) -> Result<Arc<Configuration>, OpenIdError> {
        if let Some(own) = Configuration::of_trust(settings) {
            return Ok(Arc::new(own));
        }
        let url = &settings.discovery_url;
        let known = lock(&self.known.documents).get(url).cloned();
        if let Some(known) = known.as_ref().filter(|known| now.since(known.fetched) < self.refresh) {
            return Ok(known.value.clone());
        }
        let fetched = match self.outgoing.get(url, MAX_DOCUMENT).await {
            Ok(octets) => Configuration::read(&octets, provider.id.as_str()),
            Err(error) => Err(error.into()),
        };
        match (fetched, known) {
            (Ok(configuration), _) => Ok(keep(&self.known.documents, url, configuration, now)),
            (Err(error), Some(known)) if now.since(known.fetched) < STALE => {
                tracing::warn!(claims_provider = %provider.id, %error, "the discovery document could not be fetched again");
                Ok(known.value)
            }
            (Err(error), _) => Err(error),
        }
    }

    /// The keys of a provider: those that are known, or its new ones where a token was signed with none of them. Providers change a
    /// key, and some do not even change its name. They are not asked more often than every so often, whatever tokens come.
    ///
    /// # Errors
    /// [`OpenIdError`].
    pub(super) async fn keys(
        &self,
        configuration: &Configuration,
        wanted: Wanted,
        now: UtcTime,
    ) -> Result<Arc<IdTokenKeys>, OpenIdError> {
        let url = &configuration.jwks_uri;
        let known = lock(&self.known.key_sets).get(url).cloned();
        if let Some(known) = &known {
            let good_for = if wanted == Wanted::Known { self.refresh } else { PAUSE };
            if now.since(known.fetched) < good_for {
                return Ok(known.value.clone());
            }
        }
        match (self.outgoing.get(url, MAX_DOCUMENT).await, known) {
            (Ok(octets), _) => Ok(keep(&self.known.key_sets, url, IdTokenKeys::parse(&octets)?, now)),
            // Its key server has a bad day: what it signed with so far still counts.
            (Err(OutgoingError::NoAnswer { .. }), Some(known)) if now.since(known.fetched) < STALE => Ok(known.value),
            (Err(error), _) => Err(error.into()),
        }
    }
}

/// Which keys are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Those that are known.
    Known,
    /// Newer ones: the known ones did not do.
    New,
}

fn keep<T>(known: &Mutex<HashMap<String, Known<T>>>, url: &str, value: T, now: UtcTime) -> Arc<T> {
    let value = Arc::new(value);
    let mut known = lock(known);
    if known.len() >= MAX_KNOWN && !known.contains_key(url) {
        // More than any configuration has at once: what is there belongs to former ones.
        known.clear();
    }
    known.insert(url.to_owned(), Known { value: value.clone(), fetched: now });
    value
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl std::fmt::Debug for OpenIdClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpenIdClient").field("refresh", &self.refresh).finish_non_exhaustive()
    }
}

/// Between two looks at a key set for the sake of a token that no key in it fits.
const PAUSE: Duration = Duration::from_secs(30);
const STALE: Duration = Duration::from_hours(24 * 7);
const MAX_DOCUMENT: usize = 512 << 10;
const MAX_KNOWN: usize = 20_000;
