//! What seals the state that browsers and clients carry, made of the keys of a configuration.

use std::sync::Arc;

use super::assembly::AssemblyError;
use crate::clock::{Clock, Random};
use crate::keys::{EnvelopeError, KeyRing};
use crate::tokens::sealed::Sealer;

/// A sealer of one purpose: the primary sealing key seals, all of them open, so that a roll-over signs nobody out. `limit` is that of
/// [`Sealer::new`].
pub(super) fn sealer(
    keys: &KeyRing,
    purpose: &str,
    limit: usize,
    clock: &Arc<dyn Clock>,
    random: &Arc<dyn Random>,
) -> Result<Sealer, AssemblyError> {
    let derive = || -> Result<_, EnvelopeError> {
        let primary = keys.primary_sealing();
        let others = keys.sealing().filter(|key| key.id() != primary.id()).map(|key| key.derive(purpose));
        Ok((primary.derive(purpose)?, others.collect::<Result<Vec<_>, _>>()?))
    };
    let (master, others) = derive().map_err(|error| AssemblyError::because("[keys]")(&error))?;
    Ok(Sealer::new(&master, clock.clone(), random.clone(), limit).also_opening(&others))
}
