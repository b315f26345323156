//! The outcome of every kind of authentication.

use std::fmt;

use super::certificate::CertificateContext;
use super::{DeviceContext, RequestedMethod};
use crate::claims::types::issuer;
use crate::claims::{ClaimSet, Text};
use crate::clock::{Random, RandomError, UtcTime};
use crate::directory::Account;
use crate::tokens::NameIdentifier;
use crate::trusts::{ClaimsProviderId, HomeRealm};

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
    /// The alternate login id that the subject signed in by, where it was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alternate_login_id: Option<String>,
}

impl AuthenticatedSubject {
    /// Somebody who authenticated by one method at `instant`, which begins a session; no device, certificate or password that
    /// expires had a part in it.
    ///
    /// # Errors
    /// [`RandomError`].
    pub fn begin(
        origin: SubjectOrigin,
        method: AuthenticationMethod,
        instant: UtcTime,
        random: &dyn Random,
    ) -> Result<Self, RandomError> {
        Ok(Self {
            origin,
            methods: vec![method],
            instant,
            device: None,
            certificate: None,
            session: SessionRef::random(random)?,
            password_expires: None,
            alternate_login_id: None,
        })
    }

    /// Whether the sign-in is over when the account's password is another one: that of a user by the password, or by a ticket that
    /// was got by it. A certificate and a key stand on no password, and machines change theirs by themselves.
    pub fn stands_on_password(&self) -> bool {
        let by_password =
            matches!(self.methods.first(), Some(AuthenticationMethod::Password | AuthenticationMethod::Windows));
        match &self.origin {
            SubjectOrigin::Directory(account) => by_password && !account.kind.is_machine(),
            SubjectOrigin::ClaimsProvider(_) | SubjectOrigin::Client(_) => false,
        }
    }
}

/// Where a subject comes from.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::large_enum_variant, reason = "nearly every subject is an account")]
pub enum SubjectOrigin {
    /// An account of a configured Active Directory domain.
    Directory(Account),
    /// A user of another claims provider.
    ClaimsProvider(FederatedSubject),
    /// An OAuth client that acts for itself.
    Client(ClientSubject),
}

/// An OAuth client that said who it is.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ClientSubject {
    /// Its client id.
    pub id: String,
    /// Its name, for the audit log.
    pub name: String,
}

/// What a claims provider says of its user; verified, and not yet looked at by any rule.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct FederatedSubject {
    /// Who says it.
    pub claims_provider: ClaimsProviderId,
    /// The user's name there, for the audit log; nothing is decided by it.
    pub name: String,
    /// Its claims: the input of the provider's acceptance rules.
    pub claims: ClaimSet,
    /// What sign-out there needs; `None` where the provider's protocol names no sessions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<Box<ProviderSession>>,
}

/// A session at a claims provider, in its own words.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ProviderSession {
    /// The subject.
    #[serde(rename = "n")]
    pub name_identifier: NameIdentifier,
    /// The session.
    #[serde(rename = "i", default, skip_serializing_if = "Option::is_none")]
    pub session_index: Option<Text>,
}

impl SubjectOrigin {
    /// Identifier of the claims provider that vouches for the subject.
    pub fn claims_provider(&self) -> &str {
        match self {
            Self::Directory(_) => HomeRealm::ActiveDirectory.identifier(),
            Self::ClaimsProvider(subject) => subject.claims_provider.as_str(),
            Self::Client(_) => issuer::LOCAL_AUTHORITY,
        }
    }

    /// Whether both are the same person, as far as is known.
    pub fn is_same_person(&self, other: &Self) -> bool {
        self.person() == other.person()
    }

    /// Text that is the same for the same person, as far as is known, and for nobody else. Names hold no NUL.
    pub fn person(&self) -> String {
        match self {
            Self::Directory(account) => format!("account\0{}", account.sid),
            Self::ClaimsProvider(subject) => format!("provider\0{}\0{}", subject.claims_provider, subject.name),
            Self::Client(client) => format!("client\0{}", client.id),
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
    /// A method of a claims provider that has no name here.
    Federated,
}

impl AuthenticationMethod {
    /// The URI in the `authenticationmethod` claim and in SAML 1.1 `AuthenticationMethod` (ws-federation.md 4.3).
    pub const fn uri(self) -> &'static str {
        match self {
            Self::Windows => "urn:federation:authentication:windows",
            Self::Password => "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport",
            Self::TlsClient => "urn:ietf:rfc:2246",
            Self::X509 => "urn:oasis:names:tc:SAML:2.0:ac:classes:X509",
            Self::Federated => UNSPECIFIED,
        }
    }

    /// The method that a claims provider names by a URI.
    pub fn of_claims_provider(uri: &str) -> Self {
        match RequestedMethod::from_uri(uri) {
            Some(RequestedMethod::Windows) => Self::Windows,
            Some(RequestedMethod::Password) => Self::Password,
            Some(RequestedMethod::Certificate) => Self::TlsClient,
            // A word for several factors is no proof of them: the acceptance rules say what it is worth.
            Some(RequestedMethod::MultiFactor | RequestedMethod::WindowsOrMultiFactor) | None => Self::Federated,
        }
    }

    /// The URI in `authnmethodsreferences` (claims.md 4.1).
    pub const fn reference_uri(self) -> &'static str {
        match self {
            Self::Windows => "http://schemas.microsoft.com/ws/2008/06/identity/authenticationmethod/windows",
            Self::Password => "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport",
            Self::TlsClient => "http://schemas.microsoft.com/ws/2008/06/identity/authenticationmethod/tlsclient",
            Self::X509 => "http://schemas.microsoft.com/ws/2008/06/identity/authenticationmethod/x509",
            Self::Federated => UNSPECIFIED,
        }
    }

    /// Whether this is a second factor, beside a primary method. No method that exists so far is one.
    pub const fn is_second_factor(self) -> bool {
        match self {
            Self::Windows | Self::Password | Self::TlsClient | Self::X509 | Self::Federated => false,
        }
    }
}

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

const UNSPECIFIED: &str = "urn:oasis:names:tc:SAML:2.0:ac:classes:unspecified";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authn::session::tests::subject;
    use crate::directory::AccountKind;

    #[test]
    fn a_sign_in_of_a_user_by_password_or_ticket_stands_on_the_password() {
        let instant = UtcTime::from_unix_seconds(1);
        let mut stands = Vec::new();
        for method in [
            AuthenticationMethod::Windows,
            AuthenticationMethod::Password,
            AuthenticationMethod::TlsClient,
            AuthenticationMethod::X509,
            AuthenticationMethod::Federated,
        ] {
            let mut subject = subject(method, instant);
            stands.push(subject.stands_on_password());
            let SubjectOrigin::Directory(account) = &mut subject.origin else { panic!("an account") };
            account.kind = AccountKind::Computer;
            assert!(!subject.stands_on_password(), "{method:?}");
            let client = ClientSubject { id: "app".into(), name: "App".into() };
            subject.origin = SubjectOrigin::Client(client);
            assert!(!subject.stands_on_password(), "{method:?}");
        }
        assert_eq!(stands, [true, true, false, false, false]);
    }
}
