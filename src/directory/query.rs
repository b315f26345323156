//! The questions the server asks a directory, and the ways it can fail to answer.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Account, ObjectGuid, Sid, SignInState};

/// A configured forest of Active Directory domains.
///
/// Implementations bound every operation in time and never answer from a directory that was not authenticated.
#[async_trait::async_trait]
pub trait Directory: Send + Sync {
    /// The account that `key` names, with its groups (nested ones too).
    ///
    /// # Errors
    /// [`DirectoryError::NotFound`] when no object or more than one matches; otherwise why nobody could answer.
    async fn account(&self, key: &AccountKey) -> Result<Account, DirectoryError>;

    /// `objectGUID` of the object with this SID. It never changes, so it is remembered for good.
    ///
    /// # Errors
    /// As [`Directory::account`].
    async fn object_guid(&self, sid: &Sid) -> Result<ObjectGuid, DirectoryError>;

    /// The named attributes of the object with this SID; attributes it does not have are absent from the answer.
    /// Answers may be as old as the configured attribute cache time.
    ///
    /// # Errors
    /// As [`Directory::account`].
    async fn attributes(&self, sid: &Sid, names: &[AttributeName]) -> Result<Attributes, DirectoryError>;

    /// The named attributes of every object in the domain `domain` (NetBIOS or DNS name) that matches an RFC 4515 filter
    /// whose values are already escaped.
    ///
    /// # Errors
    /// [`DirectoryError`]; no match is an empty list, not an error.
    async fn search(
        &self,
        domain: &str,
        filter: &str,
        names: &[AttributeName],
    ) -> Result<Vec<Attributes>, DirectoryError>;

    /// The account that a certificate is mapped to by `altSecurityIdentities`: exactly one user or computer in all configured domains
    /// that has one of `values`. Only the strong forms count (`X509:<I>…<SR>…`, `X509:<SKI>…`, `X509:<SHA1-PUKEY>…`);
    /// others are ignored.
    ///
    /// # Errors
    /// As [`Directory::account`]. A directory that keeps no mappings finds nobody.
    async fn find_by_alt_security_identity(&self, values: &[String]) -> Result<Account, DirectoryError> {
        Err(DirectoryError::NotFound { key: values.join(" or ") })
    }

    /// Whether the account may sign in now; never from a cache. For ways to sign in that do not ask a KDC.
    ///
    /// # Errors
    /// As [`Directory::account`].
    async fn sign_in_state(&self, sid: &Sid) -> Result<SignInState, DirectoryError> {
        Err(DirectoryError::NotFound { key: sid.to_string() })
    }
}

/// How an account is named in a question.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum AccountKey {
    /// By SID; the only key that may decide who somebody is.
    Sid(Sid),
    /// By `userPrincipalName`.
    Upn(String),
    /// By NetBIOS or DNS domain name and `sAMAccountName`.
    Sam {
        /// NetBIOS name (`CORP`) or DNS name (`corp.example`) of the domain.
        domain: String,
        /// `sAMAccountName`.
        name: String,
    },
}

impl fmt::Display for AccountKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sid(sid) => write!(f, "{sid}"),
            Self::Upn(upn) => f.write_str(upn),
            Self::Sam { domain, name } => write!(f, "{domain}\\{name}"),
        }
    }
}

/// The LDAP name of an attribute; compared without regard to case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AttributeName(Arc<str>);

impl AttributeName {
    /// An attribute name; held in lower case.
    pub fn new(name: &str) -> Self {
        Self(name.trim().to_ascii_lowercase().into())
    }

    /// The name in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// One value of an attribute, text or octets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttributeValue {
    /// A value whose octets are UTF-8 and whose attribute is not known to be binary.
    Text(String),
    /// The raw octets of a binary attribute (`objectGUID`, `objectSid`, certificates, …).
    Octets(Vec<u8>),
}

impl AttributeValue {
    /// The text a claim gets: text as it is, octets in base64 (as the AD FS "Active Directory" store does).
    pub fn to_claim_value(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Octets(octets) => STANDARD.encode(octets),
        }
    }
}

/// Attributes of one object, by lower-case name. The values are shared: those that are remembered go out uncopied.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attributes(BTreeMap<AttributeName, Arc<[AttributeValue]>>);

impl Attributes {
    /// All values of an attribute; empty when the object has none.
    pub fn values(&self, name: &AttributeName) -> &[AttributeValue] {
        self.0.get(name).map_or(&[], |values| values)
    }

    /// The attributes that have values, in order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&AttributeName, &[AttributeValue])> {
        self.0.iter().map(|(name, values)| (name, &**values))
    }

    /// Sets the values of an attribute.
    pub fn insert(&mut self, name: AttributeName, values: Vec<AttributeValue>) {
        self.insert_shared(name, values.into());
    }

    /// Sets the values of an attribute to those somebody else holds, too.
    pub fn insert_shared(&mut self, name: AttributeName, values: Arc<[AttributeValue]>) {
        self.0.insert(name, values);
    }
}

/// Why a directory question has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DirectoryError {
    /// No object, or more than one, matches.
    #[error("no single object matches {key} in the directory")]
    NotFound {
        /// What was looked for.
        key: String,
    },
    /// No domain of that name or SID is configured.
    #[error("no configured domain {domain}")]
    UnknownDomain {
        /// The name or SID.
        domain: String,
    },
    /// No domain controller of the domain could be reached in time; trying again later makes sense.
    #[error("no domain controller of {domain} answered: {reason}")]
    Unavailable {
        /// DNS name of the domain.
        domain: String,
        /// The last failure, for the operator.
        reason: String,
    },
    /// A domain controller answered with an error.
    #[error("domain controller {server} refused the query: {reason}")]
    Refused {
        /// The domain controller.
        server: String,
        /// LDAP result code and text.
        reason: String,
    },
    /// An object has an attribute that does not decode (a SID or GUID of the wrong length, …).
    #[error("attribute {attribute} of {key} does not decode: {reason}")]
    Malformed {
        /// The attribute.
        attribute: String,
        /// The object.
        key: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl DirectoryError {
    /// Whether the same question may succeed a little later.
    pub const fn is_retryable(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }
}
