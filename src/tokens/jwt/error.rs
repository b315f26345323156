//! Why a JSON Web Token is refused.

use super::json::JsonError;

/// Why a JSON Web Token is refused. For the audit log; whoever sent it learns only that it is not valid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JwtError {
    /// Longer than anything this server reads.
    #[error("the token has {len} octets, more than {limit}")]
    TooLong {
        /// Its length.
        len: usize,
        /// The most that is read.
        limit: usize,
    },
    /// Not three parts of base64url without padding.
    #[error("the token is not three parts of base64url with dots between them")]
    Form,
    /// A part is not the JSON that it must be.
    #[error("the token's {part}: {source}")]
    Json {
        /// Which part.
        part: &'static str,
        /// Why.
        #[source]
        source: JsonError,
    },
    /// The header asks for something that is never done, or says something twice.
    #[error("the token's header has the parameter {parameter}, which is refused")]
    Header {
        /// The parameter.
        parameter: &'static str,
    },
    /// Signed by another algorithm than this purpose allows.
    #[error("the token's algorithm is not {expected}")]
    Algorithm {
        /// The one that is allowed.
        expected: &'static str,
    },
    /// The key it names is not among those that may sign for this purpose.
    #[error("the token names no key that may sign it")]
    UnknownKey,
    /// The key's certificate is not valid now.
    #[error("the certificate of the token's key is not valid now")]
    KeyNotValid,
    /// The signature does not fit.
    #[error("the token's signature is not valid")]
    Signature,
    /// Another issuer.
    #[error("the token is of another issuer")]
    Issuer,
    /// Another subject than the purpose demands.
    #[error("the token is about another subject")]
    Subject,
    /// Another audience, or more than one.
    #[error("the token is for another audience")]
    Audience,
    /// A token of another kind: an id token is no access token.
    #[error("the token is of another kind")]
    Kind,
    /// Not valid yet.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// Not valid any more.
    #[error("the token has expired")]
    Expired,
    /// Valid for longer than this purpose allows.
    #[error("the token is valid for too long")]
    LifetimeTooLong,
    /// A member that must be there is missing or of another type.
    #[error("the token's member {member} is missing or of the wrong type")]
    Member {
        /// The member.
        member: &'static str,
    },
}
