//! The outcome of every kind of authentication.

use std::fmt;

use super::DeviceContext;
use super::certificate::CertificateContext;
use crate::clock::{Random, RandomError, UtcTime};
use crate::directory::Account;
use crate::trusts::HomeRealm;

/// Somebody who proved who they are.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct AuthenticatedSubject {
    /// Who it is and which authority says so.
    pub origin: SubjectOrigin,
    /// Every method used, the primary one first; never empty.
    pub methods: Vec<AuthenticationMethod>,
    /// When the primary credential was checked.
    pub instant: UtcTime,
    /// The registered device that took part, if any.
    pub device: Option<DeviceContext>,
    /// The certificate that the subject signed in with, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<CertificateContext>,
    /// The session this authentication began or continues.
    pub session: SessionRef,
    /// When the password that was used expires; `None` when no password was used, or it never does.
    #[serde(default)]
    pub password_expires: Option<UtcTime>,
}

/// Where a subject comes from.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SubjectOrigin {
    /// An account of a configured Active Directory domain.
    Directory(Account),
}

impl SubjectOrigin {
    /// Identifier of the claims provider that vouches for the subject.
    pub fn claims_provider(&self) -> &str {
        match self {
            Self::Directory(_) => HomeRealm::ActiveDirectory.identifier(),
        }
    }
}

/// How a credential was checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthenticationMethod {
    /// Kerberos by SPNEGO (Integrated Windows Authentication).
    Windows,
    /// A password in a form or a `UsernameToken`.
    Password,
    /// A client certificate in TLS.
    TlsClient,
    /// A certificate that signed the message.
    X509,
}

impl AuthenticationMethod {
    /// The URI in the `authenticationmethod` claim and in SAML 1.1 `AuthenticationMethod` (ws-federation.md 4.3).
    pub const fn uri(self) -> &'static str {
        match self {
            Self::Windows => "urn:federation:authentication:windows",
            Self::Password => "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport",
            Self::TlsClient => "urn:ietf:rfc:2246",
            Self::X509 => "urn:oasis:names:tc:SAML:2.0:ac:classes:X509",
        }
    }

    /// The URI in `authnmethodsreferences` (claims.md 4.1).
    pub const fn reference_uri(self) -> &'static str {
        match self {
            Self::Windows => "http://schemas.microsoft.com/ws/2008/06/identity/authenticationmethod/windows",
            Self::Password => "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport",
            Self::TlsClient => "http://schemas.microsoft.com/ws/2008/06/identity/authenticationmethod/tlsclient",
            Self::X509 => "http://schemas.microsoft.com/ws/2008/06/identity/authenticationmethod/x509",
        }
    }

    /// Whether this is a second factor, beside a primary method. No method that exists so far is one.
    pub const fn is_second_factor(self) -> bool {
        match self {
            Self::Windows | Self::Password | Self::TlsClient | Self::X509 => false,
        }
    }
}

/// A registered device, by its `msDS-DeviceID`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct DeviceRef(pub uuid::Uuid);

/// Identifier of a sign-in session, by which it can be revoked.
#[derive(Clone, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct SessionRef(pub uuid::Uuid);

impl SessionRef {
    /// A session of its own.
    ///
    /// # Errors
    /// [`RandomError`] when the random source fails.
    pub fn random(random: &dyn Random) -> Result<Self, RandomError> {
        let mut octets = [0; 16];
        random.fill(&mut octets)?;
        Ok(Self(uuid::Builder::from_random_bytes(octets).into_uuid()))
    }
}

impl fmt::Debug for SessionRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}
