//! `KERB_VALIDATION_INFO` (MS-PAC 2.5): the account and its groups as the KDC knows them.
//!
//! Reads what a sign-in needs and passes over the rest; draws no conclusion.

use crate::directory::Sid;

use super::ndr::Reader;
use super::text::{display_text, name_text};
use super::{GroupAttributes, PacError};

/// A SID with the `SE_GROUP_*` attributes the KDC gave it.
pub(super) type AttributedSid = (Sid, GroupAttributes);
/// A RID with the `SE_GROUP_*` attributes the KDC gave it.
pub(super) type AttributedRid = (u32, GroupAttributes);

/// The fields of the structure that are used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LogonInfo {
    pub(super) password_last_set: u64,
    pub(super) password_must_change: u64,
    pub(super) effective_name: String,
    pub(super) full_name: String,
    pub(super) user_id: u32,
    pub(super) primary_group_id: u32,
    pub(super) group_ids: Vec<AttributedRid>,
    pub(super) user_flags: u32,
    pub(super) logon_server: String,
    pub(super) logon_domain_name: String,
    pub(super) logon_domain_id: Sid,
    /// SAM flags (MS-SAMR 2.2.1.12), not the LDAP ones.
    pub(super) user_account_control: u32,
    pub(super) extra_sids: Vec<AttributedSid>,
    pub(super) resource_group_domain: Option<Sid>,
    pub(super) resource_group_ids: Vec<AttributedRid>,
}

impl LogonInfo {
    /// Decodes the buffer.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, PacError> {
        let mut ndr = Reader::open(bytes)?;
        if ndr.pointer()?.is_null() {
            return Err(PacError::Conformance);
        }

        // The fixed part.
        ndr.filetime()?; // LogonTime
        ndr.filetime()?; // LogoffTime
        ndr.filetime()?; // KickOffTime
        let password_last_set = ndr.filetime()?;
        ndr.filetime()?; // PasswordCanChange
        let password_must_change = ndr.filetime()?;
        let effective_name = ndr.string_header()?;
        let full_name = ndr.string_header()?;
        let logon_script = ndr.string_header()?;
        let profile_path = ndr.string_header()?;
        let home_directory = ndr.string_header()?;
        let home_drive = ndr.string_header()?;
        ndr.u16()?; // LogonCount
        ndr.u16()?; // BadPasswordCount
        let user_id = ndr.u32()?;
        let primary_group_id = ndr.u32()?;
        let group_count = ndr.u32()?;
        let group_pointer = ndr.pointer()?;
        let user_flags = ndr.u32()?;
        ndr.skip(16)?; // UserSessionKey
        let logon_server = ndr.string_header()?;
        let logon_domain_name = ndr.string_header()?;
        let logon_domain_id = ndr.pointer()?;
        ndr.skip(8)?; // Reserved1
        let user_account_control = ndr.u32()?;
        ndr.u32()?; // SubAuthStatus
        ndr.filetime()?; // LastSuccessfulILogon
        ndr.filetime()?; // LastFailedILogon
        ndr.u32()?; // FailedILogonCount
        ndr.u32()?; // Reserved3
        let sid_count = ndr.u32()?;
        let sid_pointer = ndr.pointer()?;
        let resource_domain = ndr.pointer()?;
        let resource_count = ndr.u32()?;
        let resource_pointer = ndr.pointer()?;

        // What the pointers point to, in their order.
        let effective_name = name_text(ndr.string_body(effective_name)?)?;
        let full_name = display_text(ndr.string_body(full_name)?);
        for unread in [logon_script, profile_path, home_directory, home_drive] {
            ndr.string_body(unread)?;
        }
        let group_ids = read_rids(&mut ndr, group_count, group_pointer.is_null())?;
        let logon_server = name_text(ndr.string_body(logon_server)?)?;
        let logon_domain_name = name_text(ndr.string_body(logon_domain_name)?)?;
        if logon_domain_id.is_null() {
            return Err(PacError::NoDomainSid);
        }
        let logon_domain_id = ndr.sid()?;
        let extra_sids = read_sids(&mut ndr, sid_count, sid_pointer.is_null())?;
        let resource_group_domain = if resource_domain.is_null() { None } else { Some(ndr.sid()?) };
        let resource_group_ids = read_rids(&mut ndr, resource_count, resource_pointer.is_null())?;

        Ok(Self {
            password_last_set,
            password_must_change,
            effective_name,
            full_name,
            user_id,
            primary_group_id,
            group_ids,
            user_flags,
            logon_server,
            logon_domain_name,
            logon_domain_id,
            user_account_control,
            extra_sids,
            resource_group_domain,
            resource_group_ids,
        })
    }
}

fn read_rids(ndr: &mut Reader<'_>, announced: u32, null: bool) -> Result<Vec<AttributedRid>, PacError> {
    if null {
        return if announced == 0 { Ok(Vec::new()) } else { Err(PacError::Conformance) };
    }
    let count = ndr.array_count(announced, MAX_GROUPS)?;
    (0..count).map(|_| Ok((ndr.u32()?, GroupAttributes::from_bits(ndr.u32()?)))).collect()
}

fn read_sids(ndr: &mut Reader<'_>, announced: u32, null: bool) -> Result<Vec<AttributedSid>, PacError> {
    if null {
        return if announced == 0 { Ok(Vec::new()) } else { Err(PacError::Conformance) };
    }
    let count = ndr.array_count(announced, MAX_GROUPS)?;
    let headers = (0..count)
        .map(|_| match (ndr.pointer()?, ndr.u32()?) {
            (pointer, _) if pointer.is_null() => Err(PacError::Conformance),
            (_, attributes) => Ok(GroupAttributes::from_bits(attributes)),
        })
        .collect::<Result<Vec<_>, _>>()?;
    headers.into_iter().map(|attributes| Ok((ndr.sid()?, attributes))).collect()
}

/// Of each list; an access token of Windows holds 1,015 groups in all.
pub(super) const MAX_GROUPS: usize = 4096;
