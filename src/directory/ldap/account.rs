//! Accounts out of LDAP objects.

use super::domain::Domain;
use crate::clock::UtcTime;
use crate::directory::codec::{account_kind, filetime, logon_hours_permit, uac};
use crate::directory::{Account, AttributeName, Attributes, DirectoryError, Sid, SignInState};

/// The attributes an [`Account`] is made of; `tokenGroups` makes it a question about one object by name.
pub(super) const ACCOUNT_ATTRIBUTES: &[&str] = &[
    "objectSid",
    "objectClass",
    "userAccountControl",
    "sAMAccountName",
    "userPrincipalName",
    "displayName",
    "primaryGroupID",
    "tokenGroups",
];

/// The attributes a [`SignInState`] is read from.
pub(super) const STATE_ATTRIBUTES: &[&str] = &[
    "objectSid",
    "userAccountControl",
    "msDS-User-Account-Control-Computed",
    "accountExpires",
    "logonHours",
    "pwdLastSet",
];

/// The account that these attributes of an object of `domain` describe.
///
/// Groups are those of `tokenGroups` without the built-in local groups (`S-1-5-32-…`), as in a PAC.
///
/// # Errors
/// [`DirectoryError::NotFound`] when the object is no user or computer; [`DirectoryError::Malformed`] when an attribute is
/// missing or does not decode. A missing `tokenGroups` means that the server's account may not read it.
pub(super) fn account(domain: &Domain, attributes: &Attributes, key: &str) -> Result<Account, DirectoryError> {
    let not_found = || DirectoryError::NotFound { key: key.to_owned() };
    let malformed = |attribute: &str, reason: &str| DirectoryError::Malformed {
        attribute: attribute.to_owned(),
        key: key.to_owned(),
        reason: reason.to_owned(),
    };
    // Computers and managed service accounts inherit from user.
    if !attributes.is_of_class("user") {
        return Err(not_found());
    }
    let sid = attributes.object_sid().ok_or_else(|| malformed("objectSid", "missing or no SID"))?;
    let flags = attributes.flags("userAccountControl").ok_or_else(|| malformed("userAccountControl", "no number"))?;
    let kind = account_kind(flags).ok_or_else(not_found)?;
    let sam_account_name =
        attributes.text("sAMAccountName").ok_or_else(|| malformed("sAMAccountName", "missing"))?.to_owned();
    let primary_group = attributes
        .number("primaryGroupID")
        .and_then(|rid| u32::try_from(rid).ok())
        .and_then(|rid| domain.sid.child(rid).ok())
        .ok_or_else(|| malformed("primaryGroupID", "no RID"))?;
    if attributes.values(&AttributeName::new("tokenGroups")).is_empty() {
        let reason = "empty: the bind account needs \"Windows Authorization Access Group\" or read access to it";
        return Err(malformed("tokenGroups", reason));
    }
    let mut groups = vec![primary_group];
    for octets in attributes.octets("tokenGroups") {
        let group = Sid::from_bytes(octets).map_err(|error| malformed("tokenGroups", &error.to_string()))?;
        if !is_builtin(&group) {
            groups.push(group);
        }
    }
    let (first, rest) = groups.split_at_mut(1);
    rest.sort_unstable();
    let mut groups = [&*first, &*rest].concat();
    groups.dedup();
    let mut seen_primary = false;
    groups.retain(|group| *group != primary_group || !std::mem::replace(&mut seen_primary, true));
    Ok(Account {
        sid,
        kind,
        realm: domain.dns_name.to_uppercase(),
        netbios_domain: domain.netbios.clone(),
        sam_account_name,
        upn: attributes.text("userPrincipalName").map(str::to_owned),
        display_name: attributes.text("displayName").unwrap_or_default().to_owned(),
        primary_group,
        groups,
    })
}

/// Whether the account that has these attributes may sign in at `now`.
///
/// # Errors
/// [`DirectoryError::Malformed`] when the flags are missing: silence is no permission.
pub(super) fn sign_in_state(attributes: &Attributes, key: &str, now: UtcTime) -> Result<SignInState, DirectoryError> {
    let malformed = |attribute: &str| DirectoryError::Malformed {
        attribute: attribute.to_owned(),
        key: key.to_owned(),
        reason: "missing or no number".to_owned(),
    };
    let flags = attributes.flags("userAccountControl").ok_or_else(|| malformed("userAccountControl"))?;
    if flags & uac::ACCOUNT_DISABLED != 0 {
        return Ok(SignInState::Disabled);
    }
    let computed = attributes
        .flags("msDS-User-Account-Control-Computed")
        .ok_or_else(|| malformed("msDS-User-Account-Control-Computed"))?;
    if computed & uac::LOCKOUT != 0 {
        return Ok(SignInState::Locked);
    }
    if let Some(text) = attributes.text("accountExpires")
        && filetime(text).ok_or_else(|| malformed("accountExpires"))?.is_some_and(|end| end <= now)
    {
        return Ok(SignInState::AccountExpired);
    }
    if attributes.octets("logonHours").next().is_some_and(|hours| !logon_hours_permit(hours, now)) {
        return Ok(SignInState::OutsideHours);
    }
    if computed & uac::PASSWORD_EXPIRED != 0 {
        return Ok(SignInState::PasswordExpired);
    }
    Ok(SignInState::Permitted)
}

fn is_builtin(group: &Sid) -> bool {
    group.authority() == 5 && group.sub_authorities().first() == Some(&32)
}
