//! Every URL of the server, in one place.
//!
//! Paths are compared without regard to case and to a trailing slash, as AD FS does and as its clients rely on; nothing
//! redirects, because a redirected POST loses its body.

use actix_web::http::Method;

use crate::protocols::browser::Door;
use crate::protocols::drs::RegistrationEndpoint;
use crate::protocols::oauth::OAuthEndpoint;
use crate::protocols::trust_endpoint::{Credential, TrustEndpoint, Version};

/// What a path leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint {
    /// WS-Trust token issuance.
    Trust(TrustEndpoint),
    /// Sign-in by a browser.
    SignIn(Door),
    /// A browser's certificate, where those are asked for.
    Certificate,
    /// The certificate of a browser's device, in the same places.
    DeviceCertificate,
    /// OAuth 2.0 and `OpenID Connect`.
    OAuth(OAuthEndpoint),
    /// Change of a password.
    UpdatePassword,
    /// Somebody's own devices.
    MyDevices(Door),
    /// WS-MetadataExchange.
    Mex,
    /// Federation metadata.
    FederationMetadata,
    /// Device registration.
    Registration(RegistrationEndpoint),
    /// AD FS' health page for balancers.
    Probe,
    /// Kubernetes liveness.
    Live,
    /// Kubernetes readiness.
    Ready,
}

impl Endpoint {
    /// Whether a request without an `Authorization` header can only be challenged.
    pub const fn authenticates_in_http(self) -> bool {
        matches!(self, Self::Trust(TrustEndpoint { credential: Credential::WindowsTransport, .. }))
    }

    /// Whether it only tells balancers and orchestrators how the server is.
    pub const fn is_health(self) -> bool {
        matches!(self, Self::Probe | Self::Live | Self::Ready)
    }

    /// Methods the endpoint answers; anything else gets 405.
    pub const fn methods(self) -> &'static [Method] {
        match self {
            Self::Trust(_) => &[Method::POST],
            Self::OAuth(endpoint) => endpoint.methods(),
            Self::SignIn(_) | Self::UpdatePassword | Self::MyDevices(_) => &[Method::GET, Method::POST],
            Self::Certificate | Self::DeviceCertificate => &[Method::GET],
            Self::Mex => &[Method::GET, Method::HEAD, Method::POST],
            Self::Registration(endpoint) => endpoint.methods(),
            Self::FederationMetadata | Self::Probe | Self::Live | Self::Ready => &[Method::GET, Method::HEAD],
        }
    }
}

/// Endpoints of the public listeners.
pub(super) fn public(path: &str) -> Option<Endpoint> {
    Some(match normalise(path).as_str() {
        "/adfs/services/trust/2005/windowstransport" => trust(Version::February2005, Credential::WindowsTransport),
        "/adfs/services/trust/13/windowstransport" => trust(Version::Trust13, Credential::WindowsTransport),
        "/adfs/services/trust/2005/usernamemixed" => trust(Version::February2005, Credential::UsernameMixed),
        "/adfs/services/trust/13/usernamemixed" => trust(Version::Trust13, Credential::UsernameMixed),
        "/adfs/services/trust/2005/certificatemixed" => trust(Version::February2005, Credential::CertificateMixed),
        "/adfs/services/trust/13/certificatemixed" => trust(Version::Trust13, Credential::CertificateMixed),
        "/adfs/services/trust/2005/certificatetransport" => {
            trust(Version::February2005, Credential::CertificateTransport)
        }
        "/adfs/services/trust/13/certificatetransport" => trust(Version::Trust13, Credential::CertificateTransport),
        "/adfs/ls" => Endpoint::SignIn(Door::Main),
        "/adfs/ls/wia" => Endpoint::SignIn(Door::Windows),
        "/adfs/ls/certificate" => Endpoint::Certificate,
        "/adfs/ls/device" => Endpoint::DeviceCertificate,
        "/adfs/.well-known/openid-configuration" => Endpoint::OAuth(OAuthEndpoint::Discovery),
        "/adfs/discovery/keys" => Endpoint::OAuth(OAuthEndpoint::Keys),
        "/.well-known/webfinger" | "/adfs/.well-known/webfinger" => Endpoint::OAuth(OAuthEndpoint::WebFinger),
        "/adfs/oauth2/authorize" => Endpoint::OAuth(OAuthEndpoint::Authorize(Door::Main)),
        "/adfs/oauth2/authorize/wia" => Endpoint::OAuth(OAuthEndpoint::Authorize(Door::Windows)),
        "/adfs/oauth2/token" => Endpoint::OAuth(OAuthEndpoint::Token),
        "/adfs/oauth2/logout" => Endpoint::OAuth(OAuthEndpoint::Logout),
        "/adfs/oauth2/devicecode" => Endpoint::OAuth(OAuthEndpoint::DeviceCode),
        "/adfs/oauth2/deviceauth" => Endpoint::OAuth(OAuthEndpoint::DeviceAuth(Door::Main)),
        "/adfs/oauth2/deviceauth/wia" => Endpoint::OAuth(OAuthEndpoint::DeviceAuth(Door::Windows)),
        "/adfs/userinfo" => Endpoint::OAuth(OAuthEndpoint::UserInformation),
        "/adfs/portal/updatepassword" => Endpoint::UpdatePassword,
        "/adfs/portal/mydevices" => Endpoint::MyDevices(Door::Main),
        "/adfs/portal/mydevices/wia" => Endpoint::MyDevices(Door::Windows),
        "/adfs/services/trust/mex" => Endpoint::Mex,
        "/federationmetadata/2007-06/federationmetadata.xml" => Endpoint::FederationMetadata,
        "/enrollmentserver/contract" => Endpoint::Registration(RegistrationEndpoint::Discovery),
        "/enrollmentserver/device" => Endpoint::Registration(RegistrationEndpoint::Devices),
        "/enrollmentserver/deviceenrollmentwebservice.svc" => Endpoint::Registration(RegistrationEndpoint::Enrolment),
        "/enrollmentserver/key" => Endpoint::Registration(RegistrationEndpoint::Keys),
        "/adfs/probe" => Endpoint::Probe,
        "/healthz/live" => Endpoint::Live,
        "/healthz/ready" => Endpoint::Ready,
        path => return device(path),
    })
}

/// The path of one registered device: its identifier, whatever is written there, is the last segment.
fn device(path: &str) -> Option<Endpoint> {
    let device = path.strip_prefix("/enrollmentserver/device/")?;
    (!device.is_empty() && !device.contains('/')).then_some(Endpoint::Registration(RegistrationEndpoint::Device))
}

/// Endpoints of the plain HTTP listener: nothing that carries a secret.
pub(super) fn plain_http(path: &str) -> Option<Endpoint> {
    public(path).filter(|endpoint| endpoint.is_health())
}

/// Lower case, without trailing slashes.
fn normalise(path: &str) -> String {
    path.trim_end_matches('/').to_ascii_lowercase()
}

const fn trust(version: Version, credential: Credential) -> Endpoint {
    Endpoint::Trust(TrustEndpoint::new(version, credential))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_and_trailing_slash_do_not_matter() {
        for path in ["/adfs/services/trust/mex", "/ADFS/Services/Trust/MEX/", "/adfs/services/trust/mex//"] {
            assert_eq!(public(path), Some(Endpoint::Mex), "{path}");
        }
        assert_eq!(
            public("/adfs/services/trust/13/WindowsTransport"),
            Some(trust(Version::Trust13, Credential::WindowsTransport))
        );
        assert_eq!(public("/FederationMetadata/2007-06/FederationMetadata.xml"), Some(Endpoint::FederationMetadata));
        assert_eq!(public("/ADFS/ls/"), Some(Endpoint::SignIn(Door::Main)));
        assert_eq!(public("/adfs/ls/WIA"), Some(Endpoint::SignIn(Door::Windows)));
        for path in ["/EnrollmentServer/contract", "/enrollmentserver/contract/"] {
            assert_eq!(public(path), Some(Endpoint::Registration(RegistrationEndpoint::Discovery)), "{path}");
        }
        for (path, endpoint) in [
            ("/EnrollmentServer/device/", RegistrationEndpoint::Devices),
            ("/EnrollmentServer/device/0F1E2D3C-4b5a-6978-8796-a5b4c3d2e1f0", RegistrationEndpoint::Device),
            ("/EnrollmentServer/DeviceEnrollmentWebService.svc", RegistrationEndpoint::Enrolment),
            ("/EnrollmentServer/key/", RegistrationEndpoint::Keys),
        ] {
            assert_eq!(public(path), Some(Endpoint::Registration(endpoint)), "{path}");
        }
        assert_eq!(public("/EnrollmentServer/device/a/b"), None);
    }

    #[test]
    fn nothing_else_is_served() {
        for path in ["", "/", "/adfs", "/adfs/services/trust", "/adfs/services/trust/2005/windows", "/adfs/probe/x"] {
            assert_eq!(public(path), None, "{path}");
        }
    }

    #[test]
    fn plain_http_serves_health_only() {
        assert_eq!(plain_http("/adfs/probe"), Some(Endpoint::Probe));
        assert_eq!(plain_http("/adfs/services/trust/13/usernamemixed"), None);
        assert_eq!(plain_http("/adfs/services/trust/mex"), None);
        assert_eq!(plain_http("/adfs/ls/"), None);
    }
}
