//! The two flat buffers of a PAC that name the account: `UPN_DNS_INFO` (MS-PAC 2.10) and `PAC_CLIENT_INFO` (MS-PAC 2.7).

use crate::directory::Sid;

use super::PacError;
use super::text::name_text;

/// UPN, DNS domain and, in the extended form, SAM name and SID.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct UpnDnsInfo {
    /// As in the buffer, also when it is constructed.
    pub(super) upn: String,
    pub(super) dns_domain: String,
    /// The account has no `userPrincipalName`; `upn` was made of its SAM name and domain.
    pub(super) upn_is_constructed: bool,
    pub(super) extended: Option<(String, Sid)>,
}

impl UpnDnsInfo {
    /// Decodes the buffer.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, PacError> {
        let (&[u0, u1, u2, u3, d0, d1, d2, d3, f0, f1, f2, f3], rest) =
            bytes.split_first_chunk::<12>().ok_or(PacError::Truncated)?;
        let flags = u32::from_le_bytes([f0, f1, f2, f3]);
        let extended = if flags & FLAG_EXTENDED == 0 {
            None
        } else {
            let &[n0, n1, n2, n3, s0, s1, s2, s3] = rest.first_chunk::<8>().ok_or(PacError::Truncated)?;
            let sam_name = name_text(slice(bytes, [n0, n1], [n2, n3])?)?;
            let sid = Sid::from_bytes(slice(bytes, [s0, s1], [s2, s3])?).map_err(PacError::Sid)?;
            Some((sam_name, sid))
        };
        Ok(Self {
            upn: name_text(slice(bytes, [u0, u1], [u2, u3])?)?,
            dns_domain: name_text(slice(bytes, [d0, d1], [d2, d3])?)?,
            upn_is_constructed: flags & FLAG_CONSTRUCTED != 0,
            extended,
        })
    }
}

/// When the client authenticated to the KDC, and as whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ClientInfo {
    /// FILETIME.
    pub(super) client_id: u64,
    pub(super) name: String,
}

impl ClientInfo {
    /// Decodes the buffer.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, PacError> {
        let (&[t0, t1, t2, t3, t4, t5, t6, t7, l0, l1], name) =
            bytes.split_first_chunk::<10>().ok_or(PacError::Truncated)?;
        let length = usize::from(u16::from_le_bytes([l0, l1]));
        Ok(Self {
            client_id: u64::from_le_bytes([t0, t1, t2, t3, t4, t5, t6, t7]),
            name: name_text(name.get(..length).ok_or(PacError::Truncated)?)?,
        })
    }
}

/// Offsets count from the start of the buffer.
fn slice(bytes: &[u8], length: [u8; 2], offset: [u8; 2]) -> Result<&[u8], PacError> {
    let start = usize::from(u16::from_le_bytes(offset));
    bytes.get(start..start + usize::from(u16::from_le_bytes(length))).ok_or(PacError::Truncated)
}

const FLAG_CONSTRUCTED: u32 = 1;
const FLAG_EXTENDED: u32 = 2;
