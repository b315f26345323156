//! Permits that never apply, because one of their exceptions asks for nothing that the permit does not ask for itself.

use super::file::{Conditions, Device, Permit, Policy};

impl Policy {
    /// Permits that never apply, each with the exception that cancels it whenever its conditions hold; both by their place.
    pub fn dead_permits(&self) -> Vec<(usize, usize)> {
        let dead = self.permit.iter().enumerate().filter_map(|(place, permit)| {
            let exception = permit.except.iter().position(|exception| always_holds(exception, permit))?;
            Some((place, exception))
        });
        dead.collect()
    }
}

/// Whether the exception holds for everybody for whom the conditions of the permit do, as far as both are written out.
fn always_holds(exception: &Conditions, permit: &Permit) -> bool {
    let when = &permit.when;
    let device = match (exception.device, when.device) {
        (None, _) | (Some(Device::Authenticated), Some(_)) => true,
        (asked, given) => asked == given,
    };
    !exception.is_empty()
        && (exception.location.is_none() || exception.location == when.location)
        && within(when.networks.as_deref(), exception.networks.as_deref())
        && within(when.groups.as_deref(), exception.groups.as_deref())
        && device
        && exception.claims.iter().all(|claim| when.claims.contains(claim))
        && (!exception.mfa_present || when.mfa_present || permit.require_mfa)
        && (!exception.device_registration || when.device_registration)
}

/// Whether being in any of the one list is being in any of the other.
fn within(given: Option<&[String]>, asked: Option<&[String]>) -> bool {
    match (given, asked) {
        (_, None) => true,
        (None, Some(_)) => false,
        (Some(given), Some(asked)) => {
            given.iter().all(|one| asked.iter().any(|other| one.trim().eq_ignore_ascii_case(other.trim())))
        }
    }
}
