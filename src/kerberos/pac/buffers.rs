//! The directory of a PAC: which buffer lies where (PACTYPE, MS-PAC 2.3 and 2.4).
//!
//! Knows positions and types, not what the buffers mean.

use super::PacError;

/// Buffer types this crate reads or insists on (MS-PAC 2.4).
pub(super) mod kind {
    /// `KERB_VALIDATION_INFO`.
    pub(in super::super) const LOGON_INFO: u32 = 1;
    /// Signature with the key of the service.
    pub(in super::super) const SERVER_CHECKSUM: u32 = 6;
    /// Signature with the key of the KDC.
    pub(in super::super) const KDC_CHECKSUM: u32 = 7;
    /// `PAC_CLIENT_INFO`.
    pub(in super::super) const CLIENT_INFO: u32 = 10;
    /// `S4U_DELEGATION_INFO`.
    pub(in super::super) const DELEGATION_INFO: u32 = 11;
    /// `UPN_DNS_INFO`.
    pub(in super::super) const UPN_DNS_INFO: u32 = 12;
    /// `PAC_REQUESTOR`.
    pub(in super::super) const REQUESTOR: u32 = 18;
}

/// The buffers of one PAC; each type occurs once.
#[derive(Debug)]
pub(super) struct Buffers<'a>(Vec<(u32, &'a [u8])>);

impl<'a> Buffers<'a> {
    /// Reads the directory and checks that every buffer lies inside `bytes`.
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, PacError> {
        if bytes.len() > MAX_PAC_BYTES {
            return Err(PacError::TooLarge { bytes: bytes.len() });
        }
        let (&[c0, c1, c2, c3, v0, v1, v2, v3], entries) = bytes.split_first_chunk::<8>().ok_or(PacError::Truncated)?;
        let count = u32::from_le_bytes([c0, c1, c2, c3]);
        let version = u32::from_le_bytes([v0, v1, v2, v3]);
        if version != 0 {
            return Err(PacError::Version(version));
        }
        let count = usize::try_from(count).ok().filter(|count| *count <= MAX_BUFFERS);
        let count = count.ok_or(PacError::TooManyBuffers)?;
        let (entries, _) = entries.as_chunks::<16>();
        let entries = entries.get(..count).ok_or(PacError::Truncated)?;
        let header_end = 8 + 16 * count;
        let mut buffers = Vec::with_capacity(count);
        for &[t0, t1, t2, t3, s0, s1, s2, s3, o0, o1, o2, o3, o4, o5, o6, o7] in entries {
            let kind = u32::from_le_bytes([t0, t1, t2, t3]);
            let size = u32::from_le_bytes([s0, s1, s2, s3]);
            let offset = u64::from_le_bytes([o0, o1, o2, o3, o4, o5, o6, o7]);
            if buffers.iter().any(|(seen, _)| *seen == kind) {
                return Err(PacError::DuplicateBuffer(kind));
            }
            let inside = usize::try_from(offset)
                .ok()
                .filter(|start| *start >= header_end && start % 8 == 0)
                .and_then(|start| Some(start..start.checked_add(usize::try_from(size).ok()?)?))
                .and_then(|range| bytes.get(range));
            buffers.push((kind, inside.ok_or(PacError::BufferOutOfBounds(kind))?));
        }
        Ok(Self(buffers))
    }

    /// The buffer of this type, if the PAC has one.
    pub(super) fn find(&self, kind: u32) -> Option<&'a [u8]> {
        self.0.iter().find(|(found, _)| *found == kind).map(|(_, bytes)| *bytes)
    }

    /// The buffer of this type.
    pub(super) fn require(&self, kind: u32) -> Result<&'a [u8], PacError> {
        self.find(kind).ok_or(PacError::MissingBuffer(kind))
    }
}

/// A ticket is at most 64 KiB as screened, so no PAC in it is larger.
const MAX_PAC_BYTES: usize = 64 * 1024;
const MAX_BUFFERS: usize = 64;
