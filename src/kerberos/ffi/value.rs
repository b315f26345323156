//! The library's plain values: identifiers, buffers, bindings, and the texts of its status codes.

use std::ffi::{c_int, c_void};
use std::ptr;

use libgssapi_sys as sys;

use super::GssError;

/// An object identifier in its DER content octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Oid(&'static [u8]);

impl Oid {
    /// The library never writes through the pointer; that its type is mutable is C's.
    pub(super) fn descriptor(self) -> sys::gss_OID_desc {
        sys::gss_OID_desc {
            length: u32::try_from(self.0.len()).unwrap_or(0),
            elements: self.0.as_ptr().cast_mut().cast::<c_void>(),
        }
    }
}

/// A buffer that the library allocated, or an empty one.
#[derive(Debug)]
pub(super) struct Buffer(pub(super) sys::gss_buffer_desc);

impl Buffer {
    pub(super) const fn empty() -> Self {
        Self(sys::gss_buffer_desc { length: 0, value: ptr::null_mut() })
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        if self.0.value.is_null() || self.0.length == 0 {
            return &[];
        }
        // SAFETY: the library set both fields: `length` initialised octets at `value`, which live until this value is
        // dropped, and nobody writes to them.
        unsafe { std::slice::from_raw_parts(self.0.value.cast::<u8>(), self.0.length) }
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if !self.0.value.is_null() {
            let mut minor = 0;
            // SAFETY: allocated by the library, owned by this value alone, released once.
            unsafe { sys::gss_release_buffer(&raw mut minor, &raw mut self.0) };
        }
    }
}

/// A buffer that the library reads only, over memory that the caller keeps alive for the call.
pub(super) fn borrow(octets: &[u8]) -> sys::gss_buffer_desc {
    sys::gss_buffer_desc { length: octets.len(), value: octets.as_ptr().cast_mut().cast::<c_void>() }
}

/// RFC 5929 bindings: no addresses, only application data, which the caller keeps alive for the call.
pub(super) fn channel_bindings(application_data: &[u8]) -> sys::gss_channel_bindings_struct {
    let none = sys::gss_buffer_desc { length: 0, value: ptr::null_mut() };
    sys::gss_channel_bindings_struct {
        initiator_addrtype: 0,
        initiator_address: none,
        acceptor_addrtype: 0,
        acceptor_address: none,
        application_data: borrow(application_data),
    }
}

/// Runs `f` with a set of mechanisms that lives as long as the call.
pub(super) fn with_oid_set<T>(oids: &[Oid], f: impl FnOnce(sys::gss_OID_set) -> T) -> T {
    let mut descriptors: Vec<_> = oids.iter().map(|oid| oid.descriptor()).collect();
    let mut set = sys::gss_OID_set_desc { count: descriptors.len(), elements: descriptors.as_mut_ptr() };
    f(&raw mut set)
}

pub(super) fn usage(usage: u32) -> c_int {
    c_int::try_from(usage).unwrap_or(0)
}

pub(super) fn check(major: u32, minor: u32, mechanism: Oid) -> Result<(), GssError> {
    if major & ERROR_MASK == 0 { Ok(()) } else { Err(GssError::capture(major, minor, mechanism)) }
}

pub(super) fn status_text(status: u32, kind: c_int, mechanism: Option<Oid>) -> String {
    let mut mechanism = mechanism.map(Oid::descriptor);
    let mut more = 0;
    let mut text = String::new();
    for _ in 0..MAX_STATUS_LINES {
        let mut line = Buffer::empty();
        let mut minor = 0;
        // SAFETY: `mechanism` outlives the call, which reads it only; `line` is empty and owns what the library allocates;
        // `more` carries the library's position from one call to the next.
        let major = unsafe {
            sys::gss_display_status(
                &raw mut minor,
                status,
                kind,
                mechanism.as_mut().map_or(ptr::null_mut(), ptr::from_mut),
                &raw mut more,
                &raw mut line.0,
            )
        };
        if major & ERROR_MASK != 0 {
            break;
        }
        if !text.is_empty() {
            text.push_str("; ");
        }
        // Principal names in the text may come from the client.
        let shown = String::from_utf8_lossy(line.as_slice());
        text.extend(shown.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }));
        if more == 0 {
            break;
        }
    }
    text
}

/// Calling and routine errors of a major status; the rest is information.
pub(super) const ERROR_MASK: u32 = 0xffff_0000;
pub(super) const STATUS_GSS: u8 = 1;
pub(super) const STATUS_MECHANISM: u8 = 2;
const MAX_STATUS_LINES: usize = 8;

/// 1.2.840.113554.1.2.2
pub(super) const OID_KERBEROS: Oid = Oid(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 0x01, 0x02, 0x02]);
/// 1.3.6.1.5.5.2
pub(super) const OID_SPNEGO: Oid = Oid(&[0x2b, 0x06, 0x01, 0x05, 0x05, 0x02]);
/// 1.2.840.113554.1.2.2.1
pub(super) const OID_PRINCIPAL_NAME: Oid = Oid(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 0x01, 0x02, 0x02, 0x01]);
/// 1.2.840.113554.1.2.2.6
pub(super) const OID_ENTERPRISE_NAME: Oid = Oid(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 0x01, 0x02, 0x02, 0x06]);
