//! The policies AD FS 2016 and later bring along.

use std::sync::LazyLock;

use super::{Policy, normal_name};

/// The built-in policy whose normal name this is; `permit-intranet` is short for a long one.
pub(super) fn find(normal: &str) -> Option<&'static Policy> {
    let normal = if normal == "permit-intranet" { "permit-everyone-for-intranet-access" } else { normal };
    all().iter().find(|policy| normal_name(&policy.name) == normal)
}

/// All of them.
pub(super) fn all() -> &'static [Policy] {
    static ALL: LazyLock<Vec<Policy>> = LazyLock::new(|| {
        #[derive(serde::Deserialize)]
        struct File {
            access_control_policies: Vec<Policy>,
        }
        // The text is part of the program, and a test reads it.
        toml::from_str::<File>(include_str!("templates.toml"))
            .map(|file| file.access_control_policies)
            .unwrap_or_default()
    });
    &ALL
}

/// Their names in the normal form.
pub const BUILT_IN_NAMES: [&str; 8] = [
    "permit-everyone",
    "permit-everyone-and-require-mfa",
    "permit-everyone-and-require-mfa-for-specific-group",
    "permit-everyone-and-require-mfa-from-extranet-access",
    "permit-everyone-and-require-mfa-from-unauthenticated-devices",
    "permit-everyone-and-require-mfa-allow-automatic-device-registration",
    "permit-everyone-for-intranet-access",
    "permit-specific-group",
];
