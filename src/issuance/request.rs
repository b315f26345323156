//! What a protocol asks of the issuer.

use crate::authn::{AuthenticatedSubject, RequestOrigin};
use crate::claims::Text;
use crate::clock::UtcTime;
use crate::tokens::TokenType;
use crate::tokens::jwt::JwtOptions;

/// A request for a token, whatever protocol carried it.
#[derive(Debug, Clone)]
pub struct SignInRequest {
    /// Who the token is for, literally as the client named it: `AppliesTo`, `wtrealm`, an `AuthnRequest`'s issuer. It
    /// becomes the token's audience.
    pub relying_party: String,
    /// Path of the endpoint: `/adfs/services/trust/13/windowstransport`.
    pub endpoint: String,
    /// Where the request came from.
    pub origin: RequestOrigin,
    /// What the client says about itself.
    pub hints: ClientHints,
    /// Kind of token the client asked for; the trust's own kind when it did not say.
    pub token_type: Option<TokenType>,
    /// Whether the session of the sign-in is one that the browser keeps when it is closed ("keep me signed in").
    pub persistent_session: bool,
    /// Who asks, when that is a client on behalf of the subject; `None` when the subject asks for itself.
    pub actor: Option<Box<AuthenticatedSubject>>,
}

/// Statements of the client about itself; claims are made of them, nothing is decided by them.
#[derive(Debug, Clone, Default)]
pub struct ClientHints {
    /// `User-Agent`.
    pub user_agent: Option<String>,
    /// `X-MS-Client-Application` (Exchange Online).
    pub application: Option<String>,
    /// `X-MS-Client-User-Agent` (Exchange Online).
    pub client_user_agent: Option<String>,
    /// It asked for Windows authentication, or more than one factor where that is not possible.
    pub windows_or_multi_factor: bool,
}

/// The token a protocol wants minted from a grant.
#[derive(Debug, Clone, Default)]
pub struct TokenSpec {
    /// Kind of token; the grant's when the protocol does not say.
    pub token_type: Option<TokenType>,
    /// URL the token is posted to (SAML 2.0 `Recipient`).
    pub recipient: Option<Text>,
    /// Identifier of the request it answers (SAML 2.0 `InResponseTo`).
    pub in_response_to: Option<Text>,
    /// Until when it may be delivered (SAML 2.0 `NotOnOrAfter` of the confirmation).
    pub confirm_until: Option<UtcTime>,
    /// What a JSON Web Token says besides the claims of the grant.
    pub jwt: JwtOptions,
}
