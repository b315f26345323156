//! What is known of a request, of those who take part, and of how they authenticated: the components of AD FS' audits.

use std::net::IpAddr;

use uuid::Uuid;

use super::text::{Identifier, Name};
use crate::authn::{AuthenticatedSubject, AuthenticationMethod, NetworkLocation, SubjectOrigin};
use crate::claims::types::issuer;
use crate::devices::DeviceId;
use crate::directory::{Account, Sid};

/// What is known of a request: made once, shared by its events. AD FS `RequestAuditComponent`.
#[derive(Debug, Clone)]
pub struct RequestFacts {
    /// `Activity ID`, the correlation id of the request, as in answers and log lines.
    pub activity: Uuid,
    /// `Server`: the federation service identifier.
    pub server: Identifier,
    /// `AuthProtocol`.
    pub protocol: AuthProtocol,
    /// `NetworkLocation`.
    pub location: NetworkLocation,
    /// `IpAddress`: the client's, as far as trusted proxies tell.
    pub client: Option<IpAddr>,
    /// `ForwardedIpAddress`: what Exchange Online and other clients state; at most 8 are written.
    pub forwarded: Vec<IpAddr>,
    /// `ProxyIpAddress`: the federation proxy.
    pub proxy: Option<IpAddr>,
    /// `NetworkIpAddress`: the peer of the connection.
    pub peer: Option<IpAddr>,
    /// `ProxyServer`: the proxy's name (`X-MS-Proxy`).
    pub proxy_server: Option<Name>,
    /// `UserAgentString`.
    pub user_agent: Option<Identifier>,
    /// `Endpoint`: the path, by [`Identifier::path`].
    pub endpoint: Identifier,
}

impl RequestFacts {
    /// For what no request caused: the server's own work on the trust with a partner.
    pub fn of_server(server: &str, activity: Uuid, work: &'static str) -> Self {
        Self {
            activity,
            server: Identifier::public(server),
            protocol: AuthProtocol::Saml,
            location: NetworkLocation::Intranet,
            client: None,
            forwarded: Vec::new(),
            proxy: None,
            peer: None,
            proxy_server: None,
            user_agent: None,
            endpoint: Identifier::constant(work),
        }
    }
}

/// Protocol of a request, by AD FS' names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthProtocol {
    /// WS-Trust.
    WsTrust,
    /// WS-Federation passive.
    WsFederation,
    /// SAML 2.0.
    Saml,
    /// OAuth 2.0 and `OpenID Connect`.
    OAuth,
    /// Device registration; AD FS has no name for it.
    DeviceRegistration,
    /// No protocol has looked at the request.
    Undecided,
}

impl AuthProtocol {
    /// As AD FS writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::WsTrust => "WSTrust",
            Self::WsFederation => "WSFederation",
            Self::Saml => "SAMLP",
            Self::OAuth => "OAuth",
            Self::DeviceRegistration => "DeviceRegistration",
            Self::Undecided => "N/A",
        }
    }
}

/// Who takes part. AD FS `ResourceAuditComponent`, with the subject's SID.
#[derive(Debug, Clone, Default)]
pub struct Parties {
    /// `RelyingParty`: the identifier asked for.
    pub relying_party: Option<Identifier>,
    /// `ClaimsProvider`.
    pub claims_provider: Option<Identifier>,
    /// `UserId`: `DOMAIN\user`, or the name as typed when there is no account yet.
    pub user: Option<Name>,
    /// SID of the account.
    pub sid: Option<Sid>,
}

impl Parties {
    /// An authenticated subject, and the relying party it wants a token for.
    pub fn of(subject: &AuthenticatedSubject, relying_party: Option<&str>) -> Self {
        let relying_party = relying_party.map(Identifier::public);
        match &subject.origin {
            SubjectOrigin::Directory(account) => Self { relying_party, ..Self::of_account(account) },
            SubjectOrigin::ClaimsProvider(subject) => Self {
                relying_party,
                claims_provider: Some(Identifier::public(subject.claims_provider.as_str())),
                user: Some(Name::public(&subject.name)),
                sid: None,
            },
            SubjectOrigin::Client(client) => Self {
                relying_party,
                claims_provider: Some(Identifier::constant(issuer::LOCAL_AUTHORITY)),
                user: Some(Name::public(&client.id)),
                sid: None,
            },
        }
    }

    /// An account of the directory.
    pub fn of_account(account: &Account) -> Self {
        Self {
            relying_party: None,
            claims_provider: Some(Identifier::constant(issuer::AD_AUTHORITY)),
            user: Some(Name::public(&account.windows_account_name())),
            sid: Some(account.sid),
        }
    }

    /// A name somebody typed, not known to be an account's.
    pub fn claimed(user: &str, relying_party: Option<&str>) -> Self {
        Self { relying_party: relying_party.map(Identifier::public), user: Some(Name::public(user)), ..Self::default() }
    }
}

/// How somebody authenticated. AD FS `AuthNAuditComponent`.
#[derive(Debug, Clone, Default)]
pub struct AuthnFacts {
    /// `PrimaryAuth`.
    pub primary: Option<AuthenticationMethod>,
    /// `DeviceAuth` and `DeviceId`: the registered device that took part.
    pub device: Option<DeviceId>,
    /// `MfaPerformed` and `MfaMethod`: the second method.
    pub mfa: Option<AuthenticationMethod>,
}

impl AuthnFacts {
    /// The facts of an authentication that succeeded.
    pub fn of(subject: &AuthenticatedSubject) -> Self {
        let mut methods = subject.methods.iter().copied();
        Self { primary: methods.next(), device: subject.device.as_ref().map(|device| device.id), mfa: methods.next() }
    }

    /// The method tried in an authentication that failed.
    pub const fn tried(method: AuthenticationMethod) -> Self {
        Self { primary: Some(method), device: None, mfa: None }
    }
}
