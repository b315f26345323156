//! Objects of one domain, read and changed by their names on one domain controller.
//!
//! What is written is seen by what is read next, because both go to the same controller. A change is sent once: whether a lost
//! one was carried out nobody knows. Knows nothing of what the objects are.

use std::sync::Arc;
use std::time::Duration;

use ldap3::Scope;

use super::connection::{Connection, DESCRIPTOR, LinkError, Search};
use super::server::Server;
use crate::clock::Clock;
use crate::directory::security_descriptor::SecurityDescriptor;
use crate::directory::{Attributes, DirectoryError, Sid};

pub use super::connection::{ObjectChange, ValueChange};

/// A domain controller that answers, for a sequence of operations within one time.
pub struct Objects {
    pub(super) server: Arc<Server>,
    pub(super) connection: Connection,
    pub(super) clock: Arc<dyn Clock>,
    /// When the time for all of it is over.
    pub(super) until: Duration,
    /// What the domain is called in errors.
    pub(super) domain: String,
}

/// An object as the directory holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedObject {
    /// Its distinguished name.
    pub name: String,
    /// Those of its attributes that were asked for.
    pub attributes: Attributes,
}

impl Objects {
    /// One object by its name; an empty name is the root, which says what a domain controller holds.
    ///
    /// # Errors
    /// [`ObjectError`]; that there is none is `None`.
    pub async fn read(&mut self, name: &str, attributes: &[&str]) -> Result<Option<NamedObject>, ObjectError> {
        let filter = "(objectClass=*)".to_owned();
        let search = search(name, Scope::Base, filter, attributes, 1);
        let within = self.left();
        let found = self.connection.search(&search, within).await.map_err(|error| self.failed(&error))?;
        Ok(found.into_iter().next().map(NamedObject::from))
    }

    /// One object by its SID.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub async fn read_by_sid(&mut self, sid: &Sid, attributes: &[&str]) -> Result<Option<NamedObject>, ObjectError> {
        let attributes = [attributes, &["objectSid"]].concat();
        let found = self.read(&format!("<SID={sid}>"), &attributes).await?;
        // The name `<SID=…>` may also lead to an object that had this SID earlier.
        Ok(found.filter(|object| object.attributes.object_sid().as_ref() == Some(sid)))
    }

    /// The security descriptor of an object, of which the access control list is read and nothing else.
    ///
    /// # Errors
    /// [`ObjectError`]; that there is no such object, or that its list may not be read, is `None`.
    pub async fn read_access(&mut self, name: &str) -> Result<Option<SecurityDescriptor>, ObjectError> {
        let search = search(name, Scope::Base, "(objectClass=*)".to_owned(), &[DESCRIPTOR], 1);
        let within = self.left();
        let found = self.connection.search_access(&search, within).await.map_err(|error| self.failed(&error))?;
        let octets = found.first().and_then(|entry| entry.attributes.octets(DESCRIPTOR).next());
        let descriptor = octets.map(SecurityDescriptor::from_bytes);
        descriptor
            .transpose()
            .map_err(|error| ObjectError::Damaged { name: name.to_owned(), reason: error.to_string() })
    }

    /// Every object below `base` that matches an RFC 4515 filter, in pages, until `max` are found.
    ///
    /// # Errors
    /// [`ObjectError::TooMany`] when there are more; otherwise as [`read`](Self::read).
    pub async fn find(
        &mut self,
        base: &str,
        filter: &str,
        attributes: &[&str],
        max: usize,
    ) -> Result<Vec<NamedObject>, ObjectError> {
        let (found, more) = self.find_first(base, filter, attributes, max).await?;
        if more { Err(ObjectError::TooMany { max }) } else { Ok(found) }
    }

    /// As [`find`](Self::find), the first `max` that the server has, and whether there are more.
    ///
    /// # Errors
    /// [`ObjectError`].
    pub async fn find_first(
        &mut self,
        base: &str,
        filter: &str,
        attributes: &[&str],
        max: usize,
    ) -> Result<(Vec<NamedObject>, bool), ObjectError> {
        // One more than wanted tells whether there are more.
        let page = max.saturating_add(1).min(PAGE);
        let search = search(base, Scope::Subtree, filter.to_owned(), attributes, page);
        let (mut found, mut cookie) = (Vec::new(), Vec::new());
        loop {
            let within = self.left();
            let page = self.connection.search_page(&search, cookie, within).await;
            let (entries, next) = page.map_err(|error| self.failed(&error))?;
            found.extend(entries.into_iter().map(NamedObject::from));
            if found.len() > max {
                found.truncate(max);
                return Ok((found, true));
            }
            if next.is_empty() {
                return Ok((found, false));
            }
            cookie = next;
        }
    }

    /// Carries out one change.
    ///
    /// # Errors
    /// [`ObjectError`].
    pub async fn change(&mut self, change: &ObjectChange) -> Result<(), ObjectError> {
        let within = self.left();
        let answer = self.connection.change(change, within).await;
        let (code, text) = answer.map_err(|error| self.failed(&error))?;
        let name = change.name().to_owned();
        match code {
            SUCCESS => Ok(()),
            NO_SUCH_OBJECT => Err(ObjectError::NotFound { name }),
            ENTRY_ALREADY_EXISTS => Err(ObjectError::Exists { name }),
            BUSY | UNAVAILABLE => Err(self.unavailable(&format!("LDAP result {code}: {text}"))),
            code => Err(ObjectError::Refused { server: self.server.endpoint.address.to_string(), name, code, text }),
        }
    }

    /// What is left of the time, and no more than one operation gets.
    fn left(&self) -> Duration {
        self.until.saturating_sub(self.clock.monotonic()).min(OPERATION)
    }

    fn failed(&self, error: &LinkError) -> ObjectError {
        if error.is_servers_fault() {
            self.server.report(Some(error));
            return self.unavailable(&error.to_string());
        }
        let server = self.server.endpoint.address.to_string();
        let code = if let LinkError::Refused { code, .. } = error { *code } else { OTHER };
        ObjectError::Refused { server, name: String::from("a search"), code, text: error.to_string() }
    }

    fn unavailable(&self, reason: &str) -> ObjectError {
        let reason = format!("{}: {reason}", self.server.endpoint.address);
        ObjectError::Unavailable { domain: self.domain.clone(), reason }
    }
}

impl From<super::entry::Entry> for NamedObject {
    fn from(entry: super::entry::Entry) -> Self {
        Self { name: entry.name, attributes: entry.attributes }
    }
}

impl ObjectChange {
    /// The object's name.
    pub fn name(&self) -> &str {
        match self {
            Self::Add { name, .. } | Self::Modify { name, .. } | Self::Protect { name, .. } | Self::Delete { name } => {
                name
            }
        }
    }
}

/// Why an object was not read or changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ObjectError {
    /// No object of that name; of a new one, its parent is missing.
    #[error("there is no object {name}, or nothing to put it below")]
    NotFound {
        /// The name.
        name: String,
    },
    /// There is an object of that name already.
    #[error("there is an object {name} already")]
    Exists {
        /// The name.
        name: String,
    },
    /// More than expected.
    #[error("more than {max} objects match")]
    TooMany {
        /// How many would have been good.
        max: usize,
    },
    /// The domain controller will not.
    #[error("{server} refused {name} with LDAP result {code}: {text}")]
    Refused {
        /// The domain controller.
        server: String,
        /// The object.
        name: String,
        /// Result code (RFC 4511 appendix A).
        code: u32,
        /// Its text.
        text: String,
    },
    /// No answer; a change may have been carried out all the same.
    #[error("no domain controller of {domain} answered: {reason}")]
    Unavailable {
        /// DNS name of the domain.
        domain: String,
        /// The last failure.
        reason: String,
    },
    /// What it holds does not decode.
    #[error("{name} cannot be read: {reason}")]
    Damaged {
        /// The object.
        name: String,
        /// Why.
        reason: String,
    },
    /// The directory cannot be asked.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
}

fn search(base: &str, scope: Scope, filter: String, attributes: &[&str], max_entries: usize) -> Search {
    let attributes = super::requested(super::names_of(attributes));
    Search { base: base.to_owned(), scope, filter, attributes, max_entries }
}

/// Result code for what has none.
const OTHER: u32 = 80;
const SUCCESS: u32 = 0;
const NO_SUCH_OBJECT: u32 = 32;
const BUSY: u32 = 51;
const UNAVAILABLE: u32 = 52;
const ENTRY_ALREADY_EXISTS: u32 = 68;

/// Objects of one page; Active Directory gives no more than 1000.
const PAGE: usize = 500;

/// For one operation; a change waits for the domain controller's disk.
const OPERATION: Duration = Duration::from_secs(10);
