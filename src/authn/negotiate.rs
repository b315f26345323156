//! Integrated Windows Authentication: a Kerberos token from HTTP becomes a subject.
//!
//! Wraps the acceptor with what belongs to the connection (channel bindings) and to the sign-in (session, instant). One leg
//! only: real Kerberos clients finish in one, and half-open contexts would tie a client to a connection and a node.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{AuthenticatedSubject, AuthenticationMethod, SubjectOrigin};
use crate::clock::{Clock, Random, RandomError};
use crate::kerberos::bindings::BindingsError;
use crate::kerberos::{AcceptError, Accepted, Acceptor, BindingPolicy, ChannelBindings};

/// Authenticates by Negotiate.
pub struct NegotiateAuthenticator {
    acceptor: Arc<Acceptor>,
    policy: BindingPolicy,
    front_certificates: Vec<Vec<u8>>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    /// Bindings of the certificate seen last: a server has one, and decoding it for each request costs a tenth of an accept.
    known: ArcSwapOption<Known>,
}

struct Known {
    server_certificate: Option<Vec<u8>>,
    bindings: ChannelBindings,
}

/// Why nobody was authenticated.
#[derive(Debug, thiserror::Error)]
pub enum NegotiateError {
    /// No `Authorization` header of this scheme.
    #[error("no Negotiate token")]
    Absent,
    /// The token is not base64.
    #[error("the Negotiate token is not base64")]
    Encoding,
    /// The token was not accepted.
    #[error(transparent)]
    Refused(#[from] AcceptError),
    /// The certificate of the connection has no channel bindings.
    #[error(transparent)]
    Bindings(#[from] BindingsError),
    /// The random source failed.
    #[error(transparent)]
    Random(#[from] RandomError),
}

impl NegotiateAuthenticator {
    /// An authenticator with this policy; `front_certificates` (DER) are those of proxies that end the clients' TLS.
    pub fn new(
        acceptor: Arc<Acceptor>,
        policy: BindingPolicy,
        front_certificates: Vec<Vec<u8>>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Self {
        Self { acceptor, policy, front_certificates, clock, random, known: ArcSwapOption::empty() }
    }

    /// Authenticates by the value of an `Authorization` header, on a connection that presented this certificate.
    ///
    /// # Errors
    /// [`NegotiateError`].
    pub fn authenticate(
        &self,
        authorization: Option<&str>,
        server_certificate: Option<&[u8]>,
    ) -> Result<(AuthenticatedSubject, Accepted), NegotiateError> {
        let (scheme, token) =
            authorization.and_then(|value| value.trim().split_once(' ')).ok_or(NegotiateError::Absent)?;
        if !scheme.eq_ignore_ascii_case("Negotiate") {
            return Err(NegotiateError::Absent);
        }
        let token = STANDARD.decode(token.trim()).map_err(|_| NegotiateError::Encoding)?;
        let accepted = self.acceptor.accept(&token, &self.bindings(server_certificate)?.bindings)?;
        let origin = SubjectOrigin::Directory(accepted.account.clone());
        let subject =
            AuthenticatedSubject::begin(origin, AuthenticationMethod::Windows, self.clock.now(), &*self.random)?;
        Ok((subject, accepted))
    }

    fn bindings(&self, server_certificate: Option<&[u8]>) -> Result<Arc<Known>, BindingsError> {
        let known = self.known.load_full();
        if let Some(known) = known.filter(|known| known.server_certificate.as_deref() == server_certificate) {
            return Ok(known);
        }
        let front = self.front_certificates.iter().map(Vec::as_slice);
        let certificates: Vec<&[u8]> = server_certificate.into_iter().chain(front).collect();
        let bindings = ChannelBindings::new(self.policy, &certificates)?;
        let known = Arc::new(Known { server_certificate: server_certificate.map(<[u8]>::to_vec), bindings });
        self.known.store(Some(Arc::clone(&known)));
        Ok(known)
    }
}
