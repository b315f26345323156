//! `[endpoints]`: which WS-Trust endpoints exist, and which of them AD FS proxies and outside clients may use.
//!
//! Holds switches only; what an endpoint does is the protocol's business.

use crate::protocols::trust_endpoint::{Credential, TrustEndpoint, Version};

/// Whether an endpoint exists, and for whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Switch {
    /// The endpoint answers.
    pub enabled: bool,
    /// It answers requests from outside too.
    pub proxy_enabled: bool,
}

/// `[endpoints]`.
#[derive(Debug, Clone, Copy, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Endpoints {
    /// `[endpoints.trust_2005]`: WS-Trust February 2005.
    pub trust_2005: TrustVersion,
    /// `[endpoints.trust_13]`: WS-Trust 1.3.
    pub trust_13: TrustVersion,
}

impl Endpoints {
    /// The switches of an endpoint: what the file says over the defaults.
    pub fn switch(&self, endpoint: TrustEndpoint) -> Switch {
        let set = self.setting(endpoint);
        let default = default_switch(endpoint);
        Switch {
            enabled: set.enabled.unwrap_or(default.enabled),
            proxy_enabled: set.proxy_enabled.unwrap_or(default.proxy_enabled) && !endpoint.is_intranet_only(),
        }
    }

    /// What the file says of an endpoint, before defaults.
    pub const fn setting(&self, endpoint: TrustEndpoint) -> EndpointSetting {
        let version = match endpoint.version {
            Version::February2005 => &self.trust_2005,
            Version::Trust13 => &self.trust_13,
        };
        match endpoint.credential {
            Credential::WindowsTransport => version.windowstransport,
            Credential::UsernameMixed => version.usernamemixed,
            Credential::CertificateMixed => version.certificatemixed,
            Credential::CertificateTransport => version.certificatetransport,
        }
    }

    /// The key of an endpoint: `endpoints.trust_13.windowstransport`.
    pub const fn key(endpoint: TrustEndpoint) -> &'static str {
        match (endpoint.version, endpoint.credential) {
            (Version::February2005, Credential::WindowsTransport) => "endpoints.trust_2005.windowstransport",
            (Version::February2005, Credential::UsernameMixed) => "endpoints.trust_2005.usernamemixed",
            (Version::February2005, Credential::CertificateMixed) => "endpoints.trust_2005.certificatemixed",
            (Version::February2005, Credential::CertificateTransport) => "endpoints.trust_2005.certificatetransport",
            (Version::Trust13, Credential::WindowsTransport) => "endpoints.trust_13.windowstransport",
            (Version::Trust13, Credential::UsernameMixed) => "endpoints.trust_13.usernamemixed",
            (Version::Trust13, Credential::CertificateMixed) => "endpoints.trust_13.certificatemixed",
            (Version::Trust13, Credential::CertificateTransport) => "endpoints.trust_13.certificatetransport",
        }
    }
}

/// AD FS' defaults (ws-federation.md 1.1), except that `13/windowstransport` is on: hybrid join needs it.
const fn default_switch(endpoint: TrustEndpoint) -> Switch {
    match (endpoint.version, endpoint.credential) {
        (_, Credential::WindowsTransport) => Switch { enabled: true, proxy_enabled: false },
        (Version::Trust13, Credential::CertificateTransport) => Switch { enabled: false, proxy_enabled: false },
        _ => Switch { enabled: true, proxy_enabled: true },
    }
}

/// The endpoints of one WS-Trust version: `windowstransport = { enabled = true }` and so on.
#[derive(Debug, Clone, Copy, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrustVersion {
    /// Windows authentication over HTTPS.
    pub windowstransport: EndpointSetting,
    /// Name and password in the message.
    pub usernamemixed: EndpointSetting,
    /// Certificate signature in the message.
    pub certificatemixed: EndpointSetting,
    /// TLS client certificate.
    pub certificatetransport: EndpointSetting,
}

/// What the file says of one endpoint.
#[derive(Debug, Clone, Copy, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EndpointSetting {
    /// The endpoint answers.
    pub enabled: Option<bool>,
    /// It answers requests from outside too; refused for `windowstransport`.
    pub proxy_enabled: Option<bool>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_switch_leaves_the_others_default() {
        let endpoints: Endpoints = toml::from_str(
            "trust_13.certificatetransport.enabled = true\ntrust_2005.usernamemixed.proxy_enabled = false",
        )
        .unwrap();
        assert_eq!(
            endpoints.switch(TrustEndpoint::new(Version::Trust13, Credential::CertificateTransport)),
            Switch { enabled: true, proxy_enabled: false }
        );
        assert_eq!(
            endpoints.switch(TrustEndpoint::new(Version::February2005, Credential::UsernameMixed)),
            Switch { enabled: true, proxy_enabled: false }
        );
        assert_eq!(
            endpoints.switch(TrustEndpoint::new(Version::Trust13, Credential::UsernameMixed)),
            Switch { enabled: true, proxy_enabled: true }
        );
    }

    #[test]
    fn windows_endpoints_never_answer_outside() {
        let endpoints: Endpoints = toml::from_str("trust_13.windowstransport.proxy_enabled = true").unwrap();
        for endpoint in TrustEndpoint::ALL.into_iter().filter(|endpoint| endpoint.is_intranet_only()) {
            assert_eq!(endpoints.switch(endpoint), Switch { enabled: true, proxy_enabled: false });
        }
    }
}
