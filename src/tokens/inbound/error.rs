//! Why an assertion of a partner was refused.

use crate::clock::UtcTime;
use crate::store::StoreError;
use crate::xml::ReadError;
use crate::xml::verify::VerifyError;

/// Why an assertion was refused. The text is for the operator; the browser gets one page for all, so that nobody learns
/// from it which check stands where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InboundError {
    /// The message is not XML as this server reads it, or has not the elements it must have.
    #[error("the message cannot be read: {0}")]
    Read(#[from] ReadError),
    /// A signature is missing, malformed or wrong.
    #[error("the signature was refused: {0}")]
    Signature(#[from] VerifyError),
    /// None of the partner's certificates is valid now.
    #[error("none of the partner's signing certificates is valid now{}", .last_end.map(|end| format!("; the last ended at {end}")).unwrap_or_default())]
    NoValidCertificate {
        /// The latest end of any of them.
        last_end: Option<UtcTime>,
    },
    /// There is no assertion where one must be.
    #[error("the message has no assertion in {parent}")]
    NoAssertion {
        /// Local name of the element it was looked for in.
        parent: String,
    },
    /// There is more than one assertion, in whatever place.
    #[error("the message has {count} assertions; one is taken")]
    SeveralAssertions {
        /// How many.
        count: usize,
    },
    /// An encryption algorithm or form that is not supported.
    #[error("the encryption is not supported: {what}; the partner must use AES-GCM or AES-CBC with RSA-OAEP")]
    Encryption {
        /// What is not.
        what: String,
    },
    /// AES-CBC, and nothing protects the ciphertext from being altered.
    #[error(
        "the assertion is encrypted with AES-CBC and no signature covers the ciphertext; the partner should use AES-GCM or sign the response, or the trust must allow it"
    )]
    UnvouchedEncryption,
    /// No key opens it, or what comes out is not an assertion that verifies. One error for all, on purpose.
    #[error("the assertion cannot be decrypted with any token-decryption key, or is not valid inside")]
    Undecryptable,
    /// The partner's identifier is a name that stands for this server in claim rules.
    #[error("the trust's identifier {identifier} is a name of this server's own authorities")]
    ReservedIdentifier {
        /// It.
        identifier: String,
    },
    /// Another issuer than the trust's.
    #[error("the issuer is {found}, not {expected}")]
    Issuer {
        /// The issuer of the message or the assertion.
        found: String,
        /// The trust's identifier.
        expected: String,
    },
    /// It is for somebody else.
    #[error("the assertion is for {}, not for this server", found.join(", "))]
    Audience {
        /// The audiences of the restriction that leaves this server out.
        found: Vec<String>,
    },
    /// It is for anybody.
    #[error("the assertion names no audience")]
    NoAudience,
    /// It, or the authentication it states, is of the future.
    #[error("{limit} of {at} lies in the future by more than the clock skew")]
    TooEarly {
        /// What names the time.
        limit: Limit,
        /// The time.
        at: UtcTime,
    },
    /// It, or the session it states, is over.
    #[error("{limit} of {at} has passed")]
    TooLate {
        /// What names the time.
        limit: Limit,
        /// The time.
        at: UtcTime,
    },
    /// It would be valid for ever.
    #[error("the assertion has no end")]
    NoEnd,
    /// It was sent to another address.
    #[error("the address it was sent to is {found}, not {expected}")]
    Recipient {
        /// The address it names.
        found: String,
        /// This server's.
        expected: String,
    },
    /// It answers another request, none where there was one, or one where there was none.
    #[error("it answers {}, where {} is expected", .found.as_deref().unwrap_or("no request"), .expected.as_deref().unwrap_or("no request"))]
    InResponseTo {
        /// What it answers.
        found: Option<String>,
        /// What it must answer.
        expected: Option<String>,
    },
    /// Something that must be there is not.
    #[error("{element} has no {what}")]
    Missing {
        /// Local name of the element.
        element: &'static str,
        /// What it lacks.
        what: &'static str,
    },
    /// A value that is not what its place demands.
    #[error("{what} is not valid: {value}")]
    Value {
        /// What.
        what: &'static str,
        /// It.
        value: String,
    },
    /// An element that must not be overlooked and that nothing here honours.
    #[error("{parent} has {element}, which is not supported")]
    Unsupported {
        /// Local name of the parent.
        parent: &'static str,
        /// Local name of the element.
        element: String,
    },
    /// Nobody but the bearer could confirm the subject.
    #[error("the subject is not confirmed by bearing the assertion, but by {}", found.join(", "))]
    Confirmation {
        /// The methods.
        found: Vec<String>,
    },
    /// Two statements of a SAML 1.1 assertion are about different subjects.
    #[error("the statements of the assertion have different subjects")]
    DifferentSubjects,
    /// It was used before.
    #[error("the assertion {id} was used before")]
    Replayed {
        /// Its identifier.
        id: String,
    },
    /// Whether it was used before cannot be told.
    #[error("whether the assertion was used before cannot be told: {0}")]
    Store(#[from] StoreError),
}

/// What names a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// `IssueInstant`.
    IssueInstant,
    /// `Conditions`.
    Conditions,
    /// `SubjectConfirmationData`.
    Confirmation,
    /// `AuthnInstant`, `AuthenticationInstant`.
    AuthenticationInstant,
    /// `SessionNotOnOrAfter`.
    Session,
}

impl std::fmt::Display for Limit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::IssueInstant => "the issue instant",
            Self::Conditions => "a limit of the conditions",
            Self::Confirmation => "a limit of the subject confirmation",
            Self::AuthenticationInstant => "the authentication instant",
            Self::Session => "the end of the session",
        })
    }
}

impl InboundError {
    /// The number under which administrators of AD FS look this up (ws-federation.md 12.4).
    pub const fn number(&self) -> &'static str {
        match self {
            Self::Signature(VerifyError::Key(_))
            | Self::NoValidCertificate { .. }
            | Self::Issuer { .. }
            | Self::ReservedIdentifier { .. } => "MSIS0037",
            Self::Signature(_) => "MSIS0038",
            Self::Read(_)
            | Self::NoAssertion { .. }
            | Self::SeveralAssertions { .. }
            | Self::Missing { .. }
            | Self::Value { .. }
            | Self::Unsupported { .. }
            | Self::InResponseTo { .. }
            | Self::Recipient { .. } => "MSIS7046",
            Self::Store(_) => "MSIS7012",
            _ => "MSIS7066",
        }
    }
}
