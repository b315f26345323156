//! GSSAPI behind safe types: the only unsafe code of the crate.
//!
//! Every object of the C library is owned by one Rust value that releases it; no pointer leaves this module. Nothing here
//! decides: it acquires, accepts, initiates, and says exactly what the library said. What is unverified input and what is
//! not is the business of [`acceptor`](super::acceptor) and [`screen`](super::screen).
#![expect(unsafe_code, reason = "GSSAPI is a C library; design.md confines it to this module")]

mod environment;
mod value;

use std::ffi::{CStr, c_int};
use std::ptr;

use libgssapi_sys as sys;

pub use self::environment::EnvironmentError;
pub(super) use self::environment::set_environment;
use self::value::{
    Buffer, ERROR_MASK, OID_ENTERPRISE_NAME, OID_KERBEROS, OID_PRINCIPAL_NAME, OID_SPNEGO, Oid, STATUS_GSS,
    STATUS_MECHANISM, borrow, channel_bindings, check, status_text, usage, with_oid_set,
};

/// Mechanisms of a credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mechanisms {
    /// Kerberos only: the set for which a missing keytab is an error at once.
    Kerberos,
    /// Kerberos, raw and negotiated. Never the default set: an installed NTLM plug-in would parse strangers' input.
    KerberosAndSpnego,
}

impl Mechanisms {
    const fn oids(self) -> &'static [Oid] {
        match self {
            Self::Kerberos => &[OID_KERBEROS],
            Self::KerberosAndSpnego => &[OID_KERBEROS, OID_SPNEGO],
        }
    }
}

/// What kind of text a name is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NameForm {
    /// `name@REALM` with the escapes of `krb5_parse_name`.
    Principal,
    /// `user@suffix@REALM` as one component: an enterprise name (RFC 6806), which the KDC maps.
    Enterprise,
}

/// What the library said went wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{major_text} ({major:#x}): {minor_text} ({minor})")]
pub struct GssError {
    /// Routine error of the major status, `GSS_S_…`.
    pub major: u32,
    /// Minor status: for Kerberos a `krb5_error_code`.
    pub minor: i32,
    /// The library's text for the major status.
    pub major_text: String,
    /// The library's text for the minor status, with principal, keytab and key number where it knows them.
    pub minor_text: String,
}

impl GssError {
    /// The channel bindings do not match.
    pub(super) const BAD_BINDINGS: u32 = sys::_GSS_S_BAD_BINDINGS;
    /// The token is not well-formed.
    pub(super) const DEFECTIVE_TOKEN: u32 = sys::_GSS_S_DEFECTIVE_TOKEN;
    /// No credential for the mechanism.
    pub(super) const NO_CRED: u32 = sys::_GSS_S_NO_CRED;
    /// The credentials or the ticket have expired.
    pub(super) const CREDENTIALS_EXPIRED: u32 = sys::_GSS_S_CREDENTIALS_EXPIRED;

    /// Must run on the thread that got the status, before its next call: the library keeps the texts per thread.
    fn capture(major: u32, minor: u32, mechanism: Oid) -> Self {
        Self {
            major: major & 0xffff_0000,
            minor: minor.cast_signed(),
            major_text: status_text(major, c_int::from(STATUS_GSS), None),
            minor_text: status_text(minor, c_int::from(STATUS_MECHANISM), Some(mechanism)),
        }
    }
}

/// A name of the library.
#[derive(Debug)]
pub(super) struct Name(sys::gss_name_t);

impl Name {
    /// Imports text as a name of the given form.
    pub(super) fn import(text: &[u8], form: NameForm) -> Result<Self, GssError> {
        let mut kind = match form {
            NameForm::Principal => OID_PRINCIPAL_NAME,
            NameForm::Enterprise => OID_ENTERPRISE_NAME,
        }
        .descriptor();
        let mut buffer = borrow(text);
        let mut minor = 0;
        let mut name = Self(ptr::null_mut());
        // SAFETY: `buffer` and `kind` outlive the call, which reads them only; the other pointers are to locals.
        let major = unsafe { sys::gss_import_name(&raw mut minor, &raw mut buffer, &raw mut kind, &raw mut name.0) };
        check(major, minor, OID_KERBEROS)?;
        Ok(name)
    }

    /// The name as text, `alice@CORP.EXAMPLE`.
    pub(super) fn display(&self) -> Result<String, GssError> {
        let mut buffer = Buffer::empty();
        let mut minor = 0;
        // SAFETY: `self.0` is a live name; `buffer` is empty and takes ownership of what the library allocates.
        let major = unsafe { sys::gss_display_name(&raw mut minor, self.0, &raw mut buffer.0, ptr::null_mut()) };
        check(major, minor, OID_KERBEROS)?;
        Ok(String::from_utf8_lossy(buffer.as_slice()).into_owned())
    }

    /// An attribute of the name, if there is one; `None` also when its signature did not verify.
    pub(super) fn authenticated_attribute(&self, attribute: &[u8]) -> Option<Vec<u8>> {
        let mut buffer = borrow(attribute);
        let mut value = Buffer::empty();
        let mut shown = Buffer::empty();
        let mut authenticated = 0;
        let mut complete = 0;
        let mut more = -1;
        let mut minor = 0;
        // SAFETY: `self.0` is a live name; `buffer` outlives the call and is only read; `value` and `shown` are empty and
        // own what the library allocates; the others are locals. `more` is -1 for the first value, as RFC 6680 7.5 demands.
        let major = unsafe {
            sys::gss_get_name_attribute(
                &raw mut minor,
                self.0,
                &raw mut buffer,
                &raw mut authenticated,
                &raw mut complete,
                &raw mut value.0,
                &raw mut shown.0,
                &raw mut more,
            )
        };
        (major & ERROR_MASK == 0 && authenticated != 0).then(|| value.as_slice().to_vec())
    }
}

impl Drop for Name {
    fn drop(&mut self) {
        if !self.0.is_null() {
            let mut minor = 0;
            // SAFETY: a live name, owned by this value alone, released once.
            unsafe { sys::gss_release_name(&raw mut minor, &raw mut self.0) };
        }
    }
}

/// A credential of the library.
#[derive(Debug)]
pub(super) struct Credential(sys::gss_cred_id_t);

// SAFETY: MIT credentials carry their own mutex and belong to no thread; only one thread at a time holds a value that is not
// `Sync`, and release from another thread than the acquiring one is allowed.
unsafe impl Send for Credential {}

impl Credential {
    /// An acceptor for every principal of the keytab, without the library's replay cache (see [`replay`](super::replay)).
    pub(super) fn acceptor(keytab: &CStr, mechanisms: Mechanisms) -> Result<Self, GssError> {
        let store = [(c"keytab", keytab), (c"rcache", c"none:")];
        let credential = Self::acquire(None, mechanisms, sys::GSS_C_ACCEPT, &store)?;
        if mechanisms == Mechanisms::KerberosAndSpnego {
            with_oid_set(&[OID_KERBEROS], |set| {
                let mut minor = 0;
                // SAFETY: a live credential; `set` outlives the call, which copies it.
                let major = unsafe { sys::gss_set_neg_mechs(&raw mut minor, credential.0, set) };
                check(major, minor, OID_SPNEGO)
            })?;
        }
        Ok(credential)
    }

    /// An initiator with tickets from a store: `client_keytab`, `ccache`.
    pub(super) fn initiator(name: Option<&Name>, store: &[(&CStr, &CStr)]) -> Result<Self, GssError> {
        Self::acquire(name, Mechanisms::KerberosAndSpnego, sys::GSS_C_INITIATE, store)
    }

    /// An initiator for libraries that negotiate nothing: Kerberos only, with tickets from a store.
    pub(super) fn kerberos_initiator(name: &Name, store: &[(&CStr, &CStr)]) -> Result<Self, GssError> {
        Self::acquire(Some(name), Mechanisms::Kerberos, sys::GSS_C_INITIATE, store)
    }

    /// The credential for the LDAP client, which owns and releases it from here on.
    pub(super) fn into_cross_krb5(mut self) -> cross_krb5::Cred {
        let credential = std::mem::replace(&mut self.0, ptr::null_mut());
        libgssapi::credential::Cred::from(credential).into()
    }

    /// An initiator by password: asks the KDC at once, keeps the ticket in a memory cache of its own that is destroyed with
    /// the credential.
    ///
    /// The password must not contain NUL: the library would take what is before it.
    pub(super) fn initiator_by_password(
        name: &Name,
        password: &[u8],
        mechanisms: Mechanisms,
    ) -> Result<Self, GssError> {
        let mut credential = Self(ptr::null_mut());
        let mut buffer = borrow(password);
        with_oid_set(mechanisms.oids(), |set| {
            let mut minor = 0;
            // SAFETY: a live name; `buffer` and `set` outlive the call, which reads them only; `credential` takes ownership
            // of the result; results that nobody wants are null, as RFC 2744 allows.
            let major = unsafe {
                sys::gss_acquire_cred_with_password(
                    &raw mut minor,
                    name.0,
                    &raw mut buffer,
                    sys::_GSS_C_INDEFINITE,
                    set,
                    usage(sys::GSS_C_INITIATE),
                    &raw mut credential.0,
                    ptr::null_mut(),
                    ptr::null_mut(),
                )
            };
            check(major, minor, OID_KERBEROS)
        })?;
        Ok(credential)
    }

    fn acquire(
        name: Option<&Name>,
        mechanisms: Mechanisms,
        for_usage: u32,
        store: &[(&CStr, &CStr)],
    ) -> Result<Self, GssError> {
        let mut elements: Vec<_> = store
            .iter()
            .map(|(key, value)| sys::gss_key_value_element_desc { key: key.as_ptr(), value: value.as_ptr() })
            .collect();
        let store = sys::gss_key_value_set_desc {
            count: u32::try_from(elements.len()).unwrap_or(0),
            elements: elements.as_mut_ptr(),
        };
        let mut credential = Self(ptr::null_mut());
        with_oid_set(mechanisms.oids(), |set| {
            let mut minor = 0;
            // SAFETY: the name, if any, is live; `set`, `store` and its C strings outlive the call, which reads them only;
            // `credential` takes ownership of the result.
            let major = unsafe {
                sys::gss_acquire_cred_from(
                    &raw mut minor,
                    name.map_or(ptr::null_mut(), |name| name.0),
                    sys::_GSS_C_INDEFINITE,
                    set,
                    usage(for_usage),
                    &raw const store,
                    &raw mut credential.0,
                    ptr::null_mut(),
                    ptr::null_mut(),
                )
            };
            check(major, minor, OID_KERBEROS)
        })?;
        Ok(credential)
    }
}

impl Drop for Credential {
    fn drop(&mut self) {
        if !self.0.is_null() {
            let mut minor = 0;
            // SAFETY: a live credential, owned by this value alone, released once.
            unsafe { sys::gss_release_cred(&raw mut minor, &raw mut self.0) };
        }
    }
}

/// What one call of `gss_accept_sec_context` brought.
#[derive(Debug)]
pub(super) struct AcceptStep {
    /// The client, complete only.
    pub(super) source: Name,
    /// The service the ticket is for, complete only.
    pub(super) target: String,
    /// A token for the client, if there is one.
    pub(super) reply: Option<Vec<u8>>,
    /// `GSS_C_…_FLAG`.
    pub(super) flags: u32,
    /// Seconds until the ticket ends.
    pub(super) lifetime: u32,
}

/// Why a token was not accepted.
#[derive(Debug)]
pub(super) enum AcceptFailure {
    /// The library refused it.
    Gss(GssError),
    /// The library wants another token from the client.
    ContinueNeeded,
}

impl From<GssError> for AcceptFailure {
    fn from(error: GssError) -> Self {
        Self::Gss(error)
    }
}

/// The ticket was sealed into this channel by the client, and the bindings match.
pub(super) const FLAG_CHANNEL_BOUND: u32 = sys::GSS_C_CHANNEL_BOUND_FLAG;
/// The client wants proof of the server.
pub(super) const FLAG_MUTUAL: u32 = sys::GSS_C_MUTUAL_FLAG;
/// The client did not say who it is.
pub(super) const FLAG_ANONYMOUS: u32 = sys::GSS_C_ANON_FLAG;

/// Accepts a token in a context of its own, which is deleted before this returns.
pub(super) fn accept(
    credential: &Credential,
    token: &[u8],
    bindings: Option<&[u8]>,
) -> Result<AcceptStep, AcceptFailure> {
    let mut context = Context::none();
    let mut token = borrow(token);
    let mut channel = bindings.map(channel_bindings);
    let mut source = Name(ptr::null_mut());
    let mut reply = Buffer::empty();
    let mut flags = 0;
    let mut lifetime = 0;
    let mut minor = 0;
    // SAFETY: `context` is empty; the credential is live; `token` and `channel` point to memory that outlives the call, which
    // reads them only; `source` and `reply` are empty and own what the library allocates. No delegated credential is asked for.
    let major = unsafe {
        sys::gss_accept_sec_context(
            &raw mut minor,
            &raw mut context.0,
            credential.0,
            &raw mut token,
            channel.as_mut().map_or(ptr::null_mut(), ptr::from_mut),
            &raw mut source.0,
            ptr::null_mut(),
            &raw mut reply.0,
            &raw mut flags,
            &raw mut lifetime,
            ptr::null_mut(),
        )
    };
    check(major, minor, OID_KERBEROS)?;
    if major & sys::_GSS_S_CONTINUE_NEEDED != 0 {
        return Err(AcceptFailure::ContinueNeeded);
    }
    let target = context.target()?;
    let reply = Some(reply.as_slice().to_vec()).filter(|reply| !reply.is_empty());
    Ok(AcceptStep { source, target, reply, flags, lifetime })
}

/// The client side of one exchange.
#[derive(Debug)]
pub(super) struct Initiation {
    context: Context,
    mechanism: Oid,
    target: Name,
    flags: u32,
}

// SAFETY: a context belongs to no thread; `Initiation` is not `Sync`, so one thread at a time uses it.
unsafe impl Send for Initiation {}

impl Initiation {
    /// Prepares an exchange with the service `target`.
    pub(super) const fn new(target: Name, spnego: bool, mutual: bool) -> Self {
        Self {
            context: Context::none(),
            mechanism: if spnego { OID_SPNEGO } else { OID_KERBEROS },
            target,
            flags: if mutual { sys::GSS_C_MUTUAL_FLAG } else { 0 } | sys::GSS_C_INTEG_FLAG,
        }
    }

    /// Makes the next token, with the server's last one if there is one; `None` when nothing is to be sent.
    pub(super) fn step(
        &mut self,
        credential: &Credential,
        input: Option<&[u8]>,
        bindings: Option<&[u8]>,
    ) -> Result<Option<Vec<u8>>, GssError> {
        let mut mechanism = self.mechanism.descriptor();
        let mut channel = bindings.map(channel_bindings);
        let mut input = input.map(borrow);
        let mut output = Buffer::empty();
        let mut minor = 0;
        // SAFETY: the context is empty or this exchange's own; credential and target are live; `mechanism`, `channel` and
        // `input` outlive the call, which reads them only; `output` is empty and owns what the library allocates.
        let major = unsafe {
            sys::gss_init_sec_context(
                &raw mut minor,
                credential.0,
                &raw mut self.context.0,
                self.target.0,
                &raw mut mechanism,
                self.flags,
                0,
                channel.as_mut().map_or(ptr::null_mut(), ptr::from_mut),
                input.as_mut().map_or(ptr::null_mut(), ptr::from_mut),
                ptr::null_mut(),
                &raw mut output.0,
                ptr::null_mut(),
                ptr::null_mut(),
            )
        };
        check(major, minor, OID_KERBEROS)?;
        Ok(Some(output.as_slice().to_vec()).filter(|output| !output.is_empty()))
    }
}

#[derive(Debug)]
struct Context(sys::gss_ctx_id_t);

impl Context {
    const fn none() -> Self {
        Self(ptr::null_mut())
    }

    /// The acceptor's name; for an established context only.
    fn target(&self) -> Result<String, GssError> {
        let mut target = Name(ptr::null_mut());
        let mut minor = 0;
        // SAFETY: an established context; `target` takes ownership of the name; what nobody wants is null.
        let major = unsafe {
            sys::gss_inquire_context(
                &raw mut minor,
                self.0,
                ptr::null_mut(),
                &raw mut target.0,
                ptr::null_mut(),
                ptr::null_mut(),
                ptr::null_mut(),
                ptr::null_mut(),
                ptr::null_mut(),
            )
        };
        check(major, minor, OID_KERBEROS)?;
        target.display()
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        if !self.0.is_null() {
            let mut minor = 0;
            // SAFETY: a live context, owned by this value alone, deleted once; no token is asked for.
            unsafe { sys::gss_delete_sec_context(&raw mut minor, &raw mut self.0, ptr::null_mut()) };
        }
    }
}
