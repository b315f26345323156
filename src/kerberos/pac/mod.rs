//! The Privilege Attribute Certificate of a ticket (MS-PAC): who the account is and which groups it is in.
//!
//! A pure decoder over octets that GSSAPI has verified already; it verifies no signature, knows no configuration and decides
//! nothing about trust (that is [`domains`](super::domains)). Any octets are decoded or refused, never a panic, with bounded
//! memory: [`decode`] is what fuzz targets and benchmarks drive.

mod buffers;
mod logon_info;
mod names;
mod ndr;
#[cfg(test)]
pub(crate) mod tests;
mod text;

use crate::clock::UtcTime;
use crate::directory::{AccountKind, Sid, SidError};

use buffers::{Buffers, kind};
use logon_info::LogonInfo;
use names::{ClientInfo, UpnDnsInfo};

/// What a PAC says. Its buffers agree with each other; whether the domain may say it is not decided yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pac {
    /// The account's SID.
    pub user_sid: Sid,
    /// User, computer or domain controller, by the SAM account control flags.
    pub kind: AccountKind,
    /// `sAMAccountName`.
    pub sam_account_name: String,
    /// `displayName` or the like; empty for computers. Not an identifier.
    pub display_name: String,
    /// `userPrincipalName`; `None` when the account has none (the KDC's constructed value is left out).
    pub upn: Option<String>,
    /// DNS name of the account's domain, upper or lower case as the KDC wrote it.
    pub dns_domain: Option<String>,
    /// NetBIOS name of the account's domain.
    pub netbios_domain: String,
    /// SID of the domain that [`groups`](Self::groups) belong to; the account's own, unless the account comes by its
    /// extra SIDs only.
    pub domain_sid: Sid,
    /// NetBIOS name of the domain controller that authenticated the account.
    pub logon_server: String,
    /// The primary group, as a SID of [`domain_sid`](Self::domain_sid).
    pub primary_group: Sid,
    /// Groups of the account's domain, nested ones included.
    pub groups: Vec<Group>,
    /// SIDs from elsewhere: universal groups of other domains, SID history, well-known SIDs. Filter before use.
    pub extra: Vec<Group>,
    /// The domain the resource groups belong to.
    pub resource_domain: Option<Sid>,
    /// Domain local groups of the service's domain.
    pub resource_groups: Vec<Group>,
    /// Client name of the ticket as the KDC wrote it: a SAM name, an enterprise name, an SPN. For logs.
    pub client_name: String,
    /// When the account proved itself to the KDC, i.e. when its ticket-granting ticket was issued.
    pub authenticated_at: Option<UtcTime>,
    /// When the password was set last.
    pub password_last_set: Option<UtcTime>,
    /// When the password expires; `None` when it never does.
    pub password_must_change: Option<UtcTime>,
    /// Whether another service obtained the ticket in the account's name (`S4U2Proxy`, constrained delegation).
    pub is_delegated: bool,
}

/// A group with its attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Group {
    /// The group's SID.
    pub sid: Sid,
    /// Whether it counts.
    pub attributes: GroupAttributes,
}

/// `SE_GROUP_*` flags (MS-PAC 2.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct GroupAttributes(u32);

impl GroupAttributes {
    /// The flags as they stand in a PAC.
    pub const fn from_bits(bits: u32) -> Self {
        Self(bits)
    }

    /// Whether the membership may only take rights away.
    pub const fn is_deny_only(self) -> bool {
        self.0 & 0x10 != 0
    }
}

/// Decodes a whole PAC (the value of `urn:mspac:`).
///
/// # Errors
/// [`PacError`]: the octets are no PAC, a buffer a service ticket must have is missing, or two buffers disagree about the account.
pub fn decode(bytes: &[u8]) -> Result<Pac, PacError> {
    let buffers = Buffers::read(bytes)?;
    // GSSAPI has verified them; that they are present is checked here again, so that this stays true if GSSAPI changes.
    buffers.require(kind::SERVER_CHECKSUM)?;
    buffers.require(kind::KDC_CHECKSUM)?;
    let logon = LogonInfo::read(buffers.require(kind::LOGON_INFO)?)?;
    let client = ClientInfo::read(buffers.require(kind::CLIENT_INFO)?)?;
    let names = buffers.find(kind::UPN_DNS_INFO).map(UpnDnsInfo::read).transpose()?;
    let requestor = buffers.find(kind::REQUESTOR).map(Sid::from_bytes).transpose().map_err(PacError::Sid)?;

    let (user_sid, extra) = user_and_extra(&logon)?;
    if logon.effective_name.is_empty() {
        return Err(PacError::BadName);
    }
    if let Some((sam_name, sid)) = names.as_ref().and_then(|names| names.extended.as_ref()) {
        if *sid != user_sid {
            return Err(PacError::sids_disagree(user_sid, *sid));
        }
        if sam_name.to_lowercase() != logon.effective_name.to_lowercase() {
            return Err(PacError::NamesDisagree { logon_info: logon.effective_name, other: sam_name.clone() });
        }
    }
    if let Some(other) = requestor.filter(|sid| *sid != user_sid) {
        return Err(PacError::sids_disagree(user_sid, other));
    }

    let in_domain = |rid: u32| logon.logon_domain_id.child(rid).map_err(PacError::Sid);
    let (upn, dns_domain) = match names {
        Some(names) => {
            let upn = Some(names.upn).filter(|upn| !names.upn_is_constructed && !upn.is_empty());
            (upn, Some(names.dns_domain).filter(|name| !name.is_empty()))
        }
        None => (None, None),
    };
    let resource_groups = match logon.resource_group_domain {
        Some(domain) => groups_of(&domain, &logon.resource_group_ids)?,
        None if logon.resource_group_ids.is_empty() => Vec::new(),
        None => return Err(PacError::Conformance),
    };
    Ok(Pac {
        user_sid,
        kind: account_kind(logon.user_account_control)?,
        display_name: logon.full_name,
        upn,
        dns_domain,
        netbios_domain: logon.logon_domain_name,
        domain_sid: logon.logon_domain_id,
        logon_server: logon.logon_server,
        primary_group: in_domain(logon.primary_group_id)?,
        groups: groups_of(&logon.logon_domain_id, &logon.group_ids)?,
        extra,
        resource_domain: logon.resource_group_domain,
        resource_groups,
        client_name: client.name,
        authenticated_at: UtcTime::from_filetime(client.client_id),
        password_last_set: UtcTime::from_filetime(logon.password_last_set),
        password_must_change: UtcTime::from_filetime(logon.password_must_change),
        is_delegated: buffers.find(kind::DELEGATION_INFO).is_some(),
        sam_account_name: logon.effective_name,
    })
}

/// Why octets are no usable PAC.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PacError {
    /// Something ends before its own length says.
    #[error("the PAC is truncated")]
    Truncated,
    /// Larger than any ticket that is accepted.
    #[error("the PAC has {bytes} octets, more than any ticket that is accepted")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// The version of PACTYPE is not 0.
    #[error("unknown PAC version {0}")]
    Version(u32),
    /// More buffers than any KDC writes.
    #[error("the PAC lists too many buffers")]
    TooManyBuffers,
    /// Two buffers of one type.
    #[error("the PAC has two buffers of type {0}")]
    DuplicateBuffer(u32),
    /// A buffer lies outside the PAC, in its header, or off its alignment.
    #[error("buffer {0} of the PAC is out of bounds")]
    BufferOutOfBounds(u32),
    /// A service ticket's PAC must have this buffer.
    #[error("the PAC has no buffer of type {0}")]
    MissingBuffer(u32),
    /// The NDR headers are not those of little-endian type serialisation version 1.
    #[error("the logon information is not little-endian NDR, version 1")]
    NdrHeader,
    /// A count or pointer contradicts another.
    #[error("the logon information contradicts itself")]
    Conformance,
    /// More groups than the limit of 4,096 per list.
    #[error("the PAC lists more than {} groups", logon_info::MAX_GROUPS)]
    TooManySids,
    /// Octets that should be a SID are none.
    #[error("bad SID in the PAC: {0}")]
    Sid(SidError),
    /// A name is no UTF-16, too long, empty, or has control characters.
    #[error("a name in the PAC is not usable text")]
    BadName,
    /// The logon information names no domain.
    #[error("the PAC names no domain SID")]
    NoDomainSid,
    /// The account has RID 0 and no extra SID to take its place.
    #[error("the PAC names no user SID")]
    NoUserSid,
    /// Two buffers name different accounts.
    #[error("the PAC names two accounts: {logon_info} and {other}")]
    SidsDisagree {
        /// By the logon information.
        logon_info: Box<Sid>,
        /// By `UPN_DNS_INFO` or `PAC_REQUESTOR`.
        other: Box<Sid>,
    },
    /// Two buffers give the account different names.
    #[error("the PAC gives the account two names: `{logon_info}` and `{other}`")]
    NamesDisagree {
        /// By the logon information.
        logon_info: String,
        /// By `UPN_DNS_INFO`.
        other: String,
    },
    /// A trust account, a temporary duplicate, or no kind at all. The value: the SAM account control flags.
    #[error("the account is neither user, computer nor domain controller (SAM account control 0x{0:x})")]
    AccountKind(u32),
    /// The account was disabled when the ticket was issued (possible by protocol transition only).
    #[error("the account is disabled (SAM account control 0x{0:x})")]
    Disabled(u32),
}

impl PacError {
    fn sids_disagree(logon_info: Sid, other: Sid) -> Self {
        Self::SidsDisagree { logon_info: Box::new(logon_info), other: Box::new(other) }
    }
}

/// MS-PAC 2.5, `UserId`: for RID 0 the first extra SID is the account, and no group.
fn user_and_extra(logon: &LogonInfo) -> Result<(Sid, Vec<Group>), PacError> {
    let mut extra = logon.extra_sids.iter().map(|&(sid, attributes)| Group { sid, attributes });
    let user_sid = if logon.user_id != 0 {
        logon.logon_domain_id.child(logon.user_id).map_err(PacError::Sid)?
    } else if logon.user_flags & EXTRA_SIDS_PRESENT != 0 {
        extra.next().ok_or(PacError::NoUserSid)?.sid
    } else {
        return Err(PacError::NoUserSid);
    };
    Ok((user_sid, extra.collect()))
}

fn groups_of(domain: &Sid, rids: &[(u32, GroupAttributes)]) -> Result<Vec<Group>, PacError> {
    rids.iter()
        .map(|&(rid, attributes)| Ok(Group { sid: domain.child(rid).map_err(PacError::Sid)?, attributes }))
        .collect()
}

/// By flags, never by a trailing `$`: a user may be called `x$`, and a computer without it is a known attack.
fn account_kind(flags: u32) -> Result<AccountKind, PacError> {
    if flags & SAM_DISABLED != 0 {
        return Err(PacError::Disabled(flags));
    }
    match flags & SAM_KINDS {
        SAM_NORMAL => Ok(AccountKind::User),
        // A read-only domain controller is a workstation trust account with partial secrets.
        SAM_WORKSTATION_TRUST if flags & SAM_PARTIAL_SECRETS != 0 => Ok(AccountKind::DomainController),
        SAM_WORKSTATION_TRUST => Ok(AccountKind::Computer),
        SAM_SERVER_TRUST => Ok(AccountKind::DomainController),
        _ => Err(PacError::AccountKind(flags)),
    }
}

/// `UserFlags` bit D: `ExtraSids` is filled.
const EXTRA_SIDS_PRESENT: u32 = 0x20;

// MS-SAMR 2.2.1.12.
const SAM_DISABLED: u32 = 0x1;
const SAM_TEMP_DUPLICATE: u32 = 0x8;
const SAM_NORMAL: u32 = 0x10;
const SAM_INTERDOMAIN_TRUST: u32 = 0x40;
const SAM_WORKSTATION_TRUST: u32 = 0x80;
const SAM_SERVER_TRUST: u32 = 0x100;
const SAM_PARTIAL_SECRETS: u32 = 0x10_0000;
const SAM_KINDS: u32 =
    SAM_TEMP_DUPLICATE | SAM_NORMAL | SAM_INTERDOMAIN_TRUST | SAM_WORKSTATION_TRUST | SAM_SERVER_TRUST;
