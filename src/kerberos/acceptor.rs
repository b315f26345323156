//! Accepting a Kerberos token: from octets of a stranger to an account of a trusted domain.
//!
//! The order matters: the token's shape is screened, GSSAPI proves the ticket, the replay guard sees the proved
//! authenticator, then the PAC is read and held against the configured domains. Local work without network, about 70 µs, so
//! it runs on the calling thread. Knows nothing of HTTP.

mod error;
#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::ffi::CString;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::{Clock, UtcTime};
use crate::directory::Account;

use super::bindings::{BindingPolicy, ChannelBindings};
use super::domains::{DroppedSid, TrustedDomains};
use super::ffi::{self, AcceptFailure, AcceptStep, Credential, GssError, Mechanisms};
use super::pac;
use super::replay::{ReplayGuard, Verdict};
use super::screen::{KerberosToken, Screened, Wrapping, screen};

pub use error::{AcceptError, AcceptorSetupError};

/// What an [`Acceptor`] is made of.
#[derive(Clone)]
pub struct AcceptorOptions {
    /// The keytab. Its content may change while the server runs: GSSAPI opens it for every token.
    pub keytab: PathBuf,
    /// Host names that clients address us by; a ticket must be for `HTTP/` or `HOST/` one of them. Empty: every principal of the
    /// keytab is served.
    pub hosts: Vec<String>,
    /// Whose accounts may sign in.
    pub domains: Arc<TrustedDomains>,
    /// Memory of used authenticators; `None` lets a token be used again until it expires.
    pub replay: Option<Arc<ReplayGuard>>,
    /// For the end of a ticket.
    pub clock: Arc<dyn Clock>,
}

/// Accepts tokens for the principals of one keytab. Shared by all threads.
pub struct Acceptor {
    keytab: CString,
    options: AcceptorOptions,
}

/// Somebody whose ticket was accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// The account, by the PAC and within what its realm may assert.
    pub account: Account,
    /// The client's principal as the ticket has it, for logs only: `alice@CORP.EXAMPLE`, `carol.c\@brand.example@CORP.EXAMPLE`.
    pub principal: String,
    /// The principal the ticket is for: `HTTP/sts.corp.example@CORP.EXAMPLE`. Among the names of one account, which share a key,
    /// it is the client's word.
    pub service: String,
    /// Answer for the client (mutual authentication, SPNEGO's acceptance), if it expects one.
    pub reply: Option<Vec<u8>>,
    /// Whether the client bound the ticket to the TLS connection, and to the right one.
    pub channel_bound: bool,
    /// Whether the client asked us to prove ourselves.
    pub mutual: bool,
    /// How the token was wrapped.
    pub wrapping: Wrapping,
    /// Until when the ticket is accepted: its end, and the five minutes of tolerated clock skew.
    pub ticket_end: UtcTime,
    /// When the client proved itself to its KDC, if the PAC says it.
    pub authenticated_at: Option<UtcTime>,
    /// When the account's password expires, if the PAC says that it does.
    pub password_expires: Option<UtcTime>,
    /// Whether another service obtained the ticket in the account's name (constrained delegation).
    pub is_delegated: bool,
    /// SIDs of the PAC that its realm may not assert, for the audit.
    pub dropped: Vec<DroppedSid>,
    /// The UPN of the PAC, if its suffix is none of the domain's, for the audit.
    pub dropped_upn: Option<String>,
}

impl Acceptor {
    /// Checks that the keytab is there and has keys.
    ///
    /// # Errors
    /// [`AcceptorSetupError`].
    pub fn new(options: AcceptorOptions) -> Result<Self, AcceptorSetupError> {
        let unusable = |error| AcceptorSetupError::Keytab { path: options.keytab.clone(), error };
        let keytab = CString::new([b"FILE:", options.keytab.as_os_str().as_bytes()].concat())
            .map_err(|_| AcceptorSetupError::Path(options.keytab.clone()))?;
        // With SPNEGO in the set, GSSAPI takes a missing keytab for a mechanism without credentials, and goes on.
        Credential::acceptor(&keytab, Mechanisms::Kerberos).map_err(unusable)?;
        Credential::acceptor(&keytab, Mechanisms::KerberosAndSpnego).map_err(unusable)?;
        Ok(Self { keytab, options })
    }

    /// What the acceptor was made of.
    pub const fn options(&self) -> &AcceptorOptions {
        &self.options
    }

    /// Accepts one token, raw Kerberos or SPNEGO, after base64.
    ///
    /// # Errors
    /// [`AcceptError`].
    pub fn accept(&self, token: &[u8], bindings: &ChannelBindings) -> Result<Accepted, AcceptError> {
        self.accept_guarded(token, bindings, self.options.replay.as_deref())
    }

    /// Accepts a token that this process made itself: nobody else ever saw it, so no replay guard is asked.
    pub(super) fn accept_own(&self, token: &[u8]) -> Result<Accepted, AcceptError> {
        self.accept_guarded(token, &ChannelBindings::none(), None)
    }

    fn accept_guarded(
        &self,
        token: &[u8],
        bindings: &ChannelBindings,
        replay: Option<&ReplayGuard>,
    ) -> Result<Accepted, AcceptError> {
        let token = match screen(token) {
            Screened::Kerberos(token) => token,
            Screened::Ntlm(form) => return Err(AcceptError::NtlmOffered(form)),
            Screened::Malformed(reason) => return Err(AcceptError::Malformed(reason)),
        };
        let credential = thread_credential(&self.keytab).map_err(AcceptError::Credential)?;
        let step = accept_any(&credential, token.bytes, bindings).map_err(|failure| match failure {
            AcceptFailure::Gss(error) => AcceptError::from_gss(exact_error(&credential, &token, error), &token.ap_req),
            AcceptFailure::ContinueNeeded => AcceptError::ContinueNeeded,
        })?;
        let principal = step.source.display().map_err(AcceptError::Gss)?;
        if let Some(replay) = replay {
            match replay.check(token.ap_req.authenticator()) {
                Verdict::Fresh => {}
                Verdict::Replay => return Err(AcceptError::Replay { principal }),
                Verdict::Full => return Err(AcceptError::ReplayGuardFull { principal }),
            }
        }
        let channel_bound = step.flags & ffi::FLAG_CHANNEL_BOUND != 0;
        if bindings.policy() == BindingPolicy::Require && !channel_bound {
            return Err(AcceptError::BindingsRequired { principal });
        }
        if step.flags & ffi::FLAG_ANONYMOUS != 0 {
            return Err(AcceptError::Anonymous);
        }
        // GSSAPI names the keytab entry whose key opened the ticket; entries of one account share their key, so which of them
        // the client asked for stands in the ticket only. The key proves the realm, and the account, not the name.
        let service = token.ap_req.service_principal();
        let service_realm = realm_of(&step.target);
        if !self.serves(&service) || !service_realm.eq_ignore_ascii_case(realm_of(&service)) {
            return Err(AcceptError::ForeignService { principal, service });
        }
        // GSSAPI hides the attribute when the PAC's server signature or its client name does not verify.
        let Some(octets) = step.source.authenticated_attribute(b"urn:mspac:") else {
            return Err(AcceptError::NoPac { principal });
        };
        let pac = match pac::decode(&octets) {
            Ok(pac) => pac,
            Err(error) => return Err(AcceptError::PacInvalid { principal, error }),
        };
        let (authenticated_at, is_delegated) = (pac.authenticated_at, pac.is_delegated);
        let password_expires = pac.password_must_change;
        let identified = self
            .options
            .domains
            .identify(realm_of(&principal), service_realm, pac)
            .map_err(|reason| AcceptError::UntrustedDomain { principal: principal.clone(), reason })?;
        let lifetime = Duration::from_secs(u64::from(step.lifetime));
        Ok(Accepted {
            account: identified.account,
            principal,
            service,
            reply: step.reply,
            channel_bound,
            mutual: step.flags & ffi::FLAG_MUTUAL != 0,
            wrapping: token.wrapping,
            ticket_end: self.options.clock.now().plus(lifetime),
            authenticated_at,
            password_expires,
            is_delegated,
            dropped: identified.dropped,
            dropped_upn: identified.dropped_upn,
        })
    }

    /// Whether a ticket for this principal is for us. `HOST` stands for `HTTP` in Windows' SPN mappings.
    fn serves(&self, principal: &str) -> bool {
        if self.options.hosts.is_empty() {
            return true;
        }
        let name = principal.rsplit_once('@').map_or(principal, |(name, _)| name);
        name.split_once('/').is_some_and(|(class, host)| {
            (class.eq_ignore_ascii_case("HTTP") || class.eq_ignore_ascii_case("HOST"))
                && self.options.hosts.iter().any(|ours| ours.eq_ignore_ascii_case(host))
        })
    }
}

impl std::fmt::Debug for Acceptor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Acceptor").field("keytab", &self.keytab).field("hosts", &self.options.hosts).finish()
    }
}

/// Tries each binding in a context of its own; without bindings, once.
fn accept_any(credential: &Credential, token: &[u8], bindings: &ChannelBindings) -> Result<AcceptStep, AcceptFailure> {
    let Some((last, others)) = bindings.candidates().split_last() else {
        return ffi::accept(credential, token, None);
    };
    for candidate in others {
        match ffi::accept(credential, token, Some(candidate)) {
            Err(AcceptFailure::Gss(error)) if error.major == GssError::BAD_BINDINGS => {}
            decided => return decided,
        }
    }
    ffi::accept(credential, token, Some(last))
}

/// SPNEGO replaces the Kerberos error code by a number of its own; the same token without SPNEGO has the code.
fn exact_error(credential: &Credential, token: &KerberosToken<'_>, error: GssError) -> GssError {
    if token.wrapping == Wrapping::Raw || error.major == GssError::BAD_BINDINGS {
        return error;
    }
    match ffi::accept(credential, token.kerberos, None) {
        Err(AcceptFailure::Gss(exact)) => exact,
        // Whatever SPNEGO refused stays refused.
        Ok(_) | Err(AcceptFailure::ContinueNeeded) => error,
    }
}

/// What follows the last `@` that is not escaped.
fn realm_of(principal: &str) -> &str {
    principal
        .match_indices('@')
        .rev()
        .find(|(at, _)| {
            principal.get(..*at).is_some_and(|name| (name.len() - name.trim_end_matches('\\').len()) % 2 == 0)
        })
        .and_then(|(at, _)| principal.get(at + 1..))
        .unwrap_or("")
}

/// The thread's own credential: GSSAPI locks a credential for the whole of an accept, so a shared one serialises all threads.
fn thread_credential(keytab: &CString) -> Result<Rc<Credential>, GssError> {
    CREDENTIALS.with_borrow_mut(|credentials| {
        if let Some((_, credential)) = credentials.iter().find(|(path, _)| path == keytab) {
            return Ok(Rc::clone(credential));
        }
        let credential = Rc::new(Credential::acceptor(keytab, Mechanisms::KerberosAndSpnego)?);
        if credentials.len() == MAX_THREAD_CREDENTIALS {
            credentials.remove(0);
        }
        credentials.push((keytab.clone(), Rc::clone(&credential)));
        Ok(credential)
    })
}

thread_local! {
    /// By keytab path; the content may change without a new credential.
    static CREDENTIALS: RefCell<Vec<(CString, Rc<Credential>)>> = const { RefCell::new(Vec::new()) };
}

/// Two during a change of configuration; more only in tests.
const MAX_THREAD_CREDENTIALS: usize = 4;
