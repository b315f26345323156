//! `/adfs/ls/`: requests of WS-Federation, and the answers of claims providers to whichever protocol asked them.
//!
//! Claims providers know one address of this service. What they answer is taken where the sign-in began.

use super::browser::{Door, Place, my_devices};
use super::environment::Environment;
use super::http::{Answer, Call};
use super::oauth;
use super::wsfed::{self, Handled};

/// Answers a request.
pub async fn handle(environment: &Environment, door: Door, call: &Call) -> Answer {
    let arrival = match wsfed::handle(environment, door, call).await {
        Handled::Answer(answer) => return answer,
        Handled::Elsewhere(arrival) => arrival,
    };
    match arrival.place() {
        Place::OAuth => oauth::resume_authorization(environment, call, &arrival).await,
        Place::DeviceCode => oauth::resume_device_code(environment, call, &arrival).await,
        // Neither is ever sent away for: the one is answered there, the other is for the local Active Directory alone.
        Place::WsFederation | Place::MyDevices => my_devices::handle(environment, Door::Main, call).await,
    }
}
