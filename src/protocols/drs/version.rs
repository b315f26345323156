//! `api-version` of the registration endpoints: a parameter compared as text, and a header where key provisioning allows it.

use crate::protocols::browser::parameters::Parameters;
use crate::protocols::http::Call;

/// A version of the interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    /// The version of the specifications.
    V1_0,
    /// Discovery of Windows 10.
    V1_2,
    /// What clients made for the cloud send with a join.
    V2_0,
}

/// The version in the query. `None` when it is absent, repeated, or one that nothing here speaks.
pub(super) fn api_version(call: &Call) -> Option<Version> {
    let parameters = Parameters::parse(call.query.as_bytes()).ok()?;
    known(parameters.get(NAME).ok()??)
}

/// The version in the query or, where it is absent there, in a header.
pub(super) fn api_version_or_header(call: &Call) -> Option<Version> {
    let parameters = Parameters::parse(call.query.as_bytes()).ok()?;
    match parameters.get(NAME).ok()? {
        Some(version) => known(version),
        None => known(call.header(NAME)?.trim()),
    }
}

fn known(version: &str) -> Option<Version> {
    match version {
        "1.0" => Some(Version::V1_0),
        "1.2" => Some(Version::V1_2),
        "2.0" => Some(Version::V2_0),
        _ => None,
    }
}

const NAME: &str = "api-version";
