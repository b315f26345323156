//! Who is it, how sure are we, since when.
//!
//! Knows credentials and accounts; knows nothing of claims, tokens or the protocol that carried a credential.

mod subject;

pub use subject::{AuthenticatedSubject, AuthenticationMethod, DeviceRef, SessionRef, SubjectOrigin};
