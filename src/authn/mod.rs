//! Who is it, how sure are we, since when.
//!
//! Knows credentials and accounts; knows nothing of claims, tokens or the protocol that carried a credential.

pub mod certificate;
mod device;
mod domain_password;
pub mod login_name;
mod negotiate;
pub mod network;
pub mod password;
pub mod password_gate;
mod subject;

pub use device::DeviceContext;
pub use domain_password::DomainPasswordVerifier;
pub use login_name::{DomainNames, DomainNamesEntry, LockoutKey, LoginForm, LoginName, LoginNameError};
pub use negotiate::{NegotiateAuthenticator, NegotiateError};
pub use network::{ForwardingHeaders, NetworkLocation, NetworkPolicy, RequestOrigin};
pub use password::{PasswordAccepted, PasswordError, PasswordVerifier};
pub use password_gate::{GateError, PasswordAttempt, PasswordGate};
pub use subject::{AuthenticatedSubject, AuthenticationMethod, DeviceRef, SessionRef, SubjectOrigin};
