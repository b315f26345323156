//! OAuth clients: who may ask for tokens in whose name, for which resources, and how each says who it is.
//!
//! A value of configuration, compared exactly. Knows keys and names; knows no request.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};

use crate::tokens::jwt::ClientKeys;

/// An OAuth client.
#[derive(Debug, Clone)]
pub struct Client {
    /// `client_id`.
    pub id: String,
    /// Display name.
    pub name: String,
    /// Whether it says who it is.
    pub kind: ClientType,
    /// Whether it gets tokens.
    pub enabled: bool,
    /// Addresses answers are sent to, compared character by character.
    pub redirect_uris: Vec<String>,
    /// How a confidential client says who it is; any of them.
    pub credentials: ClientCredentials,
    /// What it may use.
    pub grants: Vec<GrantType>,
    /// Identifiers of the relying parties it may ask tokens for.
    pub resources: Vec<String>,
    /// The scopes it may ask for at any of them.
    pub scopes: Vec<String>,
    /// Whether codes need a proof key (RFC 7636).
    pub pkce_required: bool,
    /// Whether a refresh token of a sign-in by a device is redeemed with a proof of that device only.
    pub device_proof_required: bool,
    /// Where a browser ends the client's session.
    pub logout_uri: Option<String>,
    /// The file it stands in; `None` for a built-in client.
    pub file: Option<PathBuf>,
}

/// Kinds of client, by AD FS' names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientType {
    /// Keeps no secret: a program on a device.
    Public,
    /// Authenticates itself: a program on a server.
    Confidential,
}

impl ClientType {
    /// The value of `apptype`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Public => "Public",
            Self::Confidential => "Confidential",
        }
    }
}

/// How a confidential client says who it is.
#[derive(Debug, Clone, Default)]
pub struct ClientCredentials {
    /// Secrets, the current and the next.
    pub secrets: Vec<ClientSecret>,
    /// Keys that sign its assertions.
    pub keys: ClientKeys,
    /// Whether an assertion that came before is refused. MSAL sends each again until it ends.
    pub single_use_assertions: bool,
    /// The Active Directory account it runs as: `CORP\web$`, a UPN or a SID.
    pub windows_account: Option<String>,
}

/// A client's secret; only its digest is kept.
#[derive(Clone)]
pub struct ClientSecret([u8; 32]);

impl ClientSecret {
    /// The secret with this text.
    pub fn of(text: &str) -> Self {
        let mut octets = [0; 32];
        octets.iter_mut().zip(digest(&SHA256, text.as_bytes()).as_ref()).for_each(|(to, from)| *to = *from);
        Self(octets)
    }

    /// Whether `text` is the secret; takes as long for any other text.
    pub fn is(&self, text: &str) -> bool {
        verify_slices_are_equal(&self.0, &Self::of(text).0).is_ok()
    }
}

impl fmt::Debug for ClientSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientSecret")
    }
}

/// What a client may use, one by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantType {
    /// A code, through a browser.
    AuthorizationCode,
    /// Tokens straight from the authorization endpoint: only an id token, by form post.
    Implicit,
    /// Refresh tokens.
    RefreshToken,
    /// Tokens for the client itself.
    ClientCredentials,
    /// A user's name and password.
    Password,
    /// A code that a person enters on another device.
    DeviceCode,
    /// A token for another resource, on behalf of the person with whose access token the client was called.
    OnBehalfOf,
}

impl Client {
    /// Whether it may use a grant.
    pub fn may_use(&self, grant: GrantType) -> bool {
        self.grants.contains(&grant)
    }

    /// Whether it authenticates itself.
    pub fn is_confidential(&self) -> bool {
        self.kind == ClientType::Confidential
    }

    /// Whether answers may be sent to `uri`: a registered address, character by character; the port of a program that
    /// listens on its own machine may be any (RFC 8252 7.3).
    pub fn has_redirect_uri(&self, uri: &str) -> bool {
        let loopback = if self.is_confidential() { None } else { without_loopback_port(uri) };
        self.redirect_uris
            .iter()
            .any(|own| own == uri || (loopback.is_some() && without_loopback_port(own) == loopback))
    }

    /// Whether it may ask tokens for one of a relying party's identifiers.
    pub fn may_access(&self, identifiers: &[String]) -> bool {
        identifiers.iter().any(|identifier| {
            identifier == USER_INFORMATION || *identifier == self.id || self.resources.contains(identifier)
        })
    }

    /// Whether the broker of Windows, which is never refused for a scope.
    pub fn is_broker(&self) -> bool {
        self.file.is_none() && self.id == BROKER
    }
}

/// Every client of a configuration, by id.
pub(super) type Clients = std::collections::HashMap<String, Arc<Client>>;

/// `http://127.0.0.1:PORT/path` and `http://[::1]:PORT/path` without the port: the host, and what follows.
fn without_loopback_port(uri: &str) -> Option<(&str, &str)> {
    let rest = uri.strip_prefix("http://")?;
    let host = ["127.0.0.1", "[::1]"].into_iter().find(|host| rest.starts_with(host))?;
    let rest = rest.strip_prefix(host)?;
    let path = match rest.strip_prefix(':') {
        Some(port) => {
            let digits = port.find(|c: char| !c.is_ascii_digit()).unwrap_or(port.len());
            let (digits, path) = port.split_at_checked(digits)?;
            if digits.is_empty() || digits.len() > 5 {
                return None;
            }
            path
        }
        None => rest,
    };
    (path.is_empty() || path.starts_with(['/', '?'])).then_some((host, path))
}

/// Identifier of the resource that a token is for when nothing else is asked.
pub const USER_INFORMATION: &str = "urn:microsoft:userinfo";
/// Identifier of the device registration service, the same in every farm.
pub const DEVICE_REGISTRATION: &str = "urn:ms-drs:434DF4A9-3CF2-4C1D-917E-2CD2B72F515A";
/// The broker of Windows, which asks for primary refresh tokens.
pub const BROKER: &str = "38aa3b87-a06d-4817-b275-7a316988d93b";
/// The client of Windows' device registration.
pub const DEVICE_REGISTRATION_CLIENT: &str = "dd762716-544d-4aeb-a526-687b73838a22";
/// Sign-in of Windows and of Office, and of brokers on Linux.
pub const WINDOWS_SIGN_IN: &str = "29d9ed98-a469-4536-ade2-f981bc1d605e";

#[cfg(test)]
mod tests {
    use super::*;

    fn client(kind: ClientType, redirect_uris: &[&str]) -> Client {
        Client {
            id: "client".into(),
            name: "Client".into(),
            kind,
            enabled: true,
            redirect_uris: redirect_uris.iter().map(|uri| (*uri).to_owned()).collect(),
            credentials: ClientCredentials::default(),
            grants: vec![GrantType::AuthorizationCode],
            resources: vec!["urn:a".into()],
            scopes: vec!["openid".into()],
            pkce_required: true,
            device_proof_required: false,
            logout_uri: None,
            file: None,
        }
    }

    #[test]
    fn a_redirect_address_is_compared_character_by_character() {
        let client = client(ClientType::Public, &["https://app.example/cb", "ms-app://x/"]);
        for good in ["https://app.example/cb", "ms-app://x/"] {
            assert!(client.has_redirect_uri(good));
        }
        for bad in [
            "https://app.example/cb/",
            "https://app.example/cb?x=1",
            "https://app.example/cb#x",
            "https://app.example/CB",
            "https://APP.example/cb",
            "https://app.example:443/cb",
            "https://app.example/cb/../cb",
            "https://app.example/c%62",
            "https://app.example@evil.example/cb",
            "https://app.example.evil.example/cb",
            "https://evil.example/?https://app.example/cb",
            "http://app.example/cb",
            "https://app.example/cb ",
            "https://app.example/cb\u{0}",
            " https://app.example/cb",
            "javascript:alert(1)",
            "//app.example/cb",
            "ms-app://x",
            "",
        ] {
            assert!(!client.has_redirect_uri(bad), "{bad}");
        }
    }

    #[test]
    fn only_a_public_client_chooses_its_loopback_port() {
        let native = client(ClientType::Public, &["http://127.0.0.1:8400/cb", "http://[::1]/cb"]);
        for good in ["http://127.0.0.1:1/cb", "http://127.0.0.1/cb", "http://127.0.0.1:65535/cb", "http://[::1]:9/cb"] {
            assert!(native.has_redirect_uri(good), "{good}");
        }
        for bad in [
            "http://localhost:8400/cb",
            "http://127.0.0.1:8400/cb2",
            "http://127.0.0.1:8400.evil.example/cb",
            "http://127.0.0.1:/cb",
            "http://127.0.0.1:123456/cb",
            "http://127.0.0.1@evil.example/cb",
            "http://127.0.0.1.evil.example/cb",
            "http://127.0.0.2:8400/cb",
            "https://127.0.0.1:8400/cb",
            "http://127.0.0.1:8400@evil.example/cb",
        ] {
            assert!(!native.has_redirect_uri(bad), "{bad}");
        }
        let server = client(ClientType::Confidential, &["http://127.0.0.1:8400/cb"]);
        assert!(server.has_redirect_uri("http://127.0.0.1:8400/cb"));
        assert!(!server.has_redirect_uri("http://127.0.0.1:8401/cb"));
    }

    #[test]
    fn a_secret_is_itself_and_shows_nothing() {
        let secret = ClientSecret::of("a long secret");
        assert!(secret.is("a long secret"));
        assert!(!secret.is("a long secres") && !secret.is(""));
        assert_eq!(format!("{secret:?}"), "ClientSecret");
    }

    #[test]
    fn permission_is_for_named_resources() {
        let client = client(ClientType::Public, &[]);
        let of =
            |identifiers: &[&str]| client.may_access(&identifiers.iter().map(|i| (*i).to_owned()).collect::<Vec<_>>());
        assert!(of(&["urn:other", "urn:a"]) && of(&[USER_INFORMATION]) && of(&["client"]));
        assert!(!of(&["urn:b"]) && !of(&["urn:A"]) && !of(&[]));
    }
}
