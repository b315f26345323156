//! A device of which nothing is known yet, whichever door it comes to: its address pays for what it costs to find out which one it is,
//! a signature that is verified and a question to the registry, and gets that back when the device turns out to be known.

use super::http::Call;
use crate::devices::LimitReached;
use crate::prt::{PrtRefusal, PrtService};

/// Has a device judged by `judgement`. Who could not be known for a while is paid back, too.
///
/// # Errors
/// [`LimitReached`] when too many unknown ones came from the address; `judgement` is not asked then.
pub(super) async fn judged<T>(
    service: &PrtService,
    call: &Call,
    judgement: impl Future<Output = Result<T, PrtRefusal>>,
) -> Result<Result<T, PrtRefusal>, LimitReached> {
    let stranger = service.devices.limits.stranger(call.origin.client_ip)?;
    let judged = judgement.await;
    if judged.as_ref().map_or_else(PrtRefusal::is_retryable, |_| true) {
        stranger.is_known();
    }
    Ok(judged)
}
