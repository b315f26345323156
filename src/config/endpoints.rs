//! `[endpoints]`: which WS-Trust endpoints exist, and which of them AD FS proxies and outside clients may use.
//!
//! Holds switches only; what an endpoint does is the protocol's business.

/// The WS-Trust endpoints of this version (ws-federation.md 1.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TrustEndpoint {
    /// `/adfs/services/trust/2005/windowstransport`
    WindowsTransport2005,
    /// `/adfs/services/trust/2005/usernamemixed`
    UsernameMixed2005,
    /// `/adfs/services/trust/2005/certificatemixed`
    CertificateMixed2005,
    /// `/adfs/services/trust/2005/certificatetransport`
    CertificateTransport2005,
    /// `/adfs/services/trust/13/windowstransport`
    WindowsTransport13,
    /// `/adfs/services/trust/13/usernamemixed`
    UsernameMixed13,
    /// `/adfs/services/trust/13/certificatemixed`
    CertificateMixed13,
    /// `/adfs/services/trust/13/certificatetransport`
    CertificateTransport13,
}

impl TrustEndpoint {
    /// Every endpoint, in the order of AD FS' table.
    pub const ALL: [Self; 8] = [
        Self::WindowsTransport2005,
        Self::UsernameMixed2005,
        Self::CertificateMixed2005,
        Self::CertificateTransport2005,
        Self::WindowsTransport13,
        Self::UsernameMixed13,
        Self::CertificateMixed13,
        Self::CertificateTransport13,
    ];

    /// The path as AD FS writes it.
    pub const fn path(self) -> &'static str {
        match self {
            Self::WindowsTransport2005 => "/adfs/services/trust/2005/windowstransport",
            Self::UsernameMixed2005 => "/adfs/services/trust/2005/usernamemixed",
            Self::CertificateMixed2005 => "/adfs/services/trust/2005/certificatemixed",
            Self::CertificateTransport2005 => "/adfs/services/trust/2005/certificatetransport",
            Self::WindowsTransport13 => "/adfs/services/trust/13/windowstransport",
            Self::UsernameMixed13 => "/adfs/services/trust/13/usernamemixed",
            Self::CertificateMixed13 => "/adfs/services/trust/13/certificatemixed",
            Self::CertificateTransport13 => "/adfs/services/trust/13/certificatetransport",
        }
    }

    /// Whether the endpoint signs in by Windows authentication, which is refused from outside whatever the switches say.
    pub const fn is_intranet_only(self) -> bool {
        matches!(self, Self::WindowsTransport2005 | Self::WindowsTransport13)
    }

    /// AD FS' defaults, except that `13/windowstransport` is on: hybrid join needs it.
    const fn default_switch(self) -> Switch {
        match self {
            Self::WindowsTransport2005 | Self::WindowsTransport13 => Switch { enabled: true, proxy_enabled: false },
            Self::UsernameMixed2005
            | Self::CertificateMixed2005
            | Self::CertificateTransport2005
            | Self::UsernameMixed13
            | Self::CertificateMixed13 => Switch { enabled: true, proxy_enabled: true },
            Self::CertificateTransport13 => Switch { enabled: false, proxy_enabled: false },
        }
    }
}

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
        let default = endpoint.default_switch();
        Switch {
            enabled: set.enabled.unwrap_or(default.enabled),
            proxy_enabled: set.proxy_enabled.unwrap_or(default.proxy_enabled) && !endpoint.is_intranet_only(),
        }
    }

    /// What the file says of an endpoint, before defaults.
    pub const fn setting(&self, endpoint: TrustEndpoint) -> EndpointSetting {
        match endpoint {
            TrustEndpoint::WindowsTransport2005 => self.trust_2005.windowstransport,
            TrustEndpoint::UsernameMixed2005 => self.trust_2005.usernamemixed,
            TrustEndpoint::CertificateMixed2005 => self.trust_2005.certificatemixed,
            TrustEndpoint::CertificateTransport2005 => self.trust_2005.certificatetransport,
            TrustEndpoint::WindowsTransport13 => self.trust_13.windowstransport,
            TrustEndpoint::UsernameMixed13 => self.trust_13.usernamemixed,
            TrustEndpoint::CertificateMixed13 => self.trust_13.certificatemixed,
            TrustEndpoint::CertificateTransport13 => self.trust_13.certificatetransport,
        }
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
            endpoints.switch(TrustEndpoint::CertificateTransport13),
            Switch { enabled: true, proxy_enabled: false }
        );
        assert_eq!(endpoints.switch(TrustEndpoint::UsernameMixed2005), Switch { enabled: true, proxy_enabled: false });
        assert_eq!(endpoints.switch(TrustEndpoint::UsernameMixed13), Switch { enabled: true, proxy_enabled: true });
    }

    #[test]
    fn windows_endpoints_never_answer_outside() {
        let endpoints: Endpoints = toml::from_str("trust_13.windowstransport.proxy_enabled = true").unwrap();
        for endpoint in TrustEndpoint::ALL.into_iter().filter(|endpoint| endpoint.is_intranet_only()) {
            assert_eq!(endpoints.switch(endpoint), Switch { enabled: true, proxy_enabled: false });
        }
    }
}
