//! What the protocols work with, assembled by the server for one configuration.

use std::sync::Arc;

use crate::audit::{AuthProtocol, Identifier, InstanceId, Name, RequestFacts};
use crate::authn::certificate::{CertificateDomain, CertificateTrust, MappingPolicy};
use crate::authn::{DomainNames, NegotiateAuthenticator, PasswordGate};
use crate::claims::descriptions::ClaimDescriptions;
use crate::devices::DeviceServices;
use crate::issuance::{Context, Issuer, Services};
use crate::prt::PrtService;
use crate::store::OneTime;
use crate::xml;

use super::browser::BrowserSignIn;
use super::http::Call;
use super::oauth::OAuthSettings;
use super::openid::OpenIdClient;
use super::trust_endpoint::TrustEndpoints;

/// Everything a protocol may use.
pub struct Environment {
    /// Federation service name, the host of every URL.
    pub service_name: String,
    /// Every host name of this server, that one among them.
    pub hosts: Vec<String>,
    /// The host whose connections ask for device certificates: `enterpriseregistration.` and the first UPN suffix.
    pub registration_host: String,
    /// Federation service identifier.
    pub service_identifier: String,
    /// Name shown to people.
    pub display_name: String,
    /// The claim types that metadata names.
    pub claim_descriptions: ClaimDescriptions,
    /// The WS-Trust endpoints that are on, and work.
    pub endpoints: TrustEndpoints,
    /// Where certificates of users are asked for in TLS: `https://certauth.sts.corp.example`, or a port of the service's own
    /// name. `None` where no listener asks.
    pub certificate_origin: Option<String>,
    /// Bounds of XML in requests.
    pub xml_limits: xml::Limits,
    /// The issue path.
    pub issuer: Issuer,
    /// What the issue path works with.
    pub services: Arc<Services>,
    /// Integrated Windows Authentication.
    pub negotiate: NegotiateAuthenticator,
    /// Passwords; the only way to check one.
    pub passwords: Arc<PasswordGate>,
    /// Names of the configured domains.
    pub domains: DomainNames,
    /// Sign-in by a browser.
    pub browser: BrowserSignIn,
    /// OAuth 2.0; `None` where it is switched off.
    pub oauth: Option<OAuthSettings>,
    /// How `OpenID` providers are asked.
    pub openid: OpenIdClient,
    /// User certificates; `None` where no authority is configured.
    pub certificates: Option<CertificateSignIn>,
    /// Registered devices; `None` where device registration is off.
    pub devices: Option<Arc<DeviceServices>>,
    /// Primary refresh tokens; `None` where they are off.
    pub prt: Option<Arc<PrtService>>,
}

/// What sign-in by certificate needs.
pub struct CertificateSignIn {
    /// Which certificates are good.
    pub trust: CertificateTrust,
    /// How strongly a certificate must name its account.
    pub mapping: MappingPolicy,
    /// The domains whose accounts may carry mappings.
    pub domains: Vec<CertificateDomain>,
    /// Signatures that were used.
    pub used_signatures: Arc<dyn OneTime>,
}

impl Environment {
    /// The context of one request: what the audit log will say of it.
    pub fn context(&self, call: &Call, protocol: AuthProtocol, endpoint: &str) -> Context {
        let origin = &call.origin;
        let facts = RequestFacts {
            activity: call.correlation.as_uuid(),
            server: Identifier::public(&self.service_identifier),
            protocol,
            location: origin.location,
            client: Some(origin.client_ip),
            forwarded: origin.forwarded_for.clone(),
            proxy: origin.proxy.is_some().then_some(origin.peer),
            peer: Some(origin.peer),
            proxy_server: origin.proxy.as_deref().map(Name::public),
            user_agent: call.header("user-agent").map(Identifier::public),
            endpoint: Identifier::path(endpoint),
        };
        Context {
            services: Arc::clone(&self.services),
            request: Arc::new(facts),
            // Not the correlation id: that may be the client's word.
            instance: InstanceId::random(&*self.services.random),
        }
    }
}
