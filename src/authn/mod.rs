//! Who is it, how sure are we, since when.
//!
//! Knows credentials and accounts; knows nothing of claims, tokens or the protocol that carried a credential.

pub mod certificate;
pub mod certificate_sign_in;
mod device;
mod domain_password;
pub mod federated;
pub mod flow;
pub mod home_realm;
pub mod login_name;
pub mod method;
mod negotiate;
pub mod network;
pub mod password;
pub mod password_gate;
pub mod session;
mod subject;
mod user_agents;

pub use device::{DeviceAuthnError, DeviceContext, device_by_certificate};
pub use domain_password::DomainPasswordVerifier;
pub use federated::{FederatedSignIn, ReturnedFederated};
pub use flow::{
    AuthnError, BrowserId, CertificateFailure, Challenge, FlowInput, FlowStep, PasswordFailure, SignInFlow,
};
pub use home_realm::{Discovery, Hints, discover};
pub use login_name::{
    AlternateLoginId, AlternateMatch, AmbiguousLoginId, DomainNames, DomainNamesEntry, LockoutKey, LoginForm,
    LoginName, LoginNameError,
};
pub use method::{AuthnRequirement, Circumstances, Offered, PrimaryMethods, RequestedMethod};
pub use negotiate::{NegotiateAuthenticator, NegotiateError};
pub use network::{Audience, ForwardingHeaders, NetworkLocation, NetworkPolicy, RequestOrigin};
pub use password::{ChangeError, PasswordAccepted, PasswordError, PasswordVerifier};
pub use password_gate::{GateChangeError, GateError, PasswordAttempt, PasswordGate};
pub use session::{PackedSession, SessionLifetimes, SsoSession};
pub use subject::{
    AuthenticatedSubject, AuthenticationMethod, ClientSubject, FederatedSubject, ProviderSession, SessionRef,
    SubjectOrigin,
};
pub use user_agents::WindowsUserAgents;
