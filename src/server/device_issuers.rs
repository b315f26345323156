//! Keeps the TLS listeners told of who issues device certificates: this server and those that others have published in the registry.
//!
//! While the registry does not say, what is known stays; before it ever said, no issuer is named, which is never wrong.

use std::sync::Arc;
use std::time::Duration;

use super::application::Application;

/// Looks again and again, until the server ends.
pub(super) async fn follow(application: Arc<Application>) {
    let Some(tls) = application.tls() else { return };
    let mut look = tokio::time::interval(LOOK);
    look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        look.tick().await;
        let serving = application.serving();
        let Some(devices) = &serving.environment.devices else {
            tls.name_device_issuers(&[]);
            continue;
        };
        match devices.issuers().await {
            Ok(issuers) => tls.name_device_issuers(&issuers),
            Err(error) => tracing::debug!(%error, "the issuers of device certificates are not known anew"),
        }
    }
}

/// As old as what the registry says of itself may be.
const LOOK: Duration = Duration::from_mins(1);
