//! Which of the servers that share a directory sweeps: the one whose lease stands in `adminDescription` of the service's object.
//!
//! Each domain controller takes changes, and two of them would tell two servers that each was first. So all servers ask the one that the
//! directory itself has for what only one may decide: the PDC emulator of the registry's domain (MS-ADTS 3.1.1.1.11). A change of the lease
//! names the value it was read as, so that the domain controller takes one of two that come at once. Whatever else stands in that attribute is
//! an administrator's, and stays.

use uuid::Uuid;

use super::failure::{failed, was_overtaken};
use super::place::{required, text};
use crate::clock::UtcTime;
use crate::devices::RegistryError;
use crate::directory::ldap::{ObjectChange, Objects, ValueChange};

/// Who sweeps, and until when nobody else does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Lease {
    holder: Uuid,
    until: UtcTime,
}

/// DNS host name of the PDC emulator, as any domain controller of the domain knows it.
pub(super) async fn referee(objects: &mut Objects) -> Result<String, RegistryError> {
    let (_, role) = role_owner(objects).await?;
    // The name of the controller's settings; its server is what they belong to.
    let server = role.split_once(',').map(|(_, server)| server).unwrap_or_default();
    let server = required(objects, server, &["dNSHostName"], "the server of the PDC emulator").await?;
    Ok(text(&server, "dNSHostName")?.to_owned())
}

/// Claims the sweep at the PDC emulator. Whether it was free, or this holder's.
pub(super) async fn claim(
    objects: &mut Objects,
    service: &str,
    (holder, now, until): (Uuid, UtcTime, UtcTime),
) -> Result<bool, RegistryError> {
    let (asked, role) = role_owner(objects).await?;
    if !role.eq_ignore_ascii_case(&asked) {
        // Whoever believes the new one and whoever believes the old one would both be told yes.
        return Err(RegistryError::Unavailable { reason: format!("{asked} is the PDC emulator no more") });
    }
    let object = objects.read(service, &[LEASE]).await.map_err(|error| failed(&error))?;
    let held = object.as_ref().and_then(|object| object.attributes.text(LEASE)).map(str::to_owned);
    match held.as_deref().map(Lease::read) {
        Some(None) => {
            let reason = format!(
                "{LEASE} of {service} is used for something else: it must be empty, so that servers agree there on who sweeps"
            );
            return Err(RegistryError::Refused { reason });
        }
        Some(Some(lease)) if lease.holder != holder && lease.until > now => return Ok(false),
        Some(Some(_)) | None => {}
    }
    let old = held.map(|text| (LEASE.to_owned(), ValueChange::Remove(vec![text.into_bytes()])));
    let new = Lease { holder, until }.to_string().into_bytes();
    let parts = old.into_iter().chain([(LEASE.to_owned(), ValueChange::Add(vec![new]))]).collect();
    match objects.change(&ObjectChange::Modify { name: service.to_owned(), parts }).await {
        Ok(()) => Ok(true),
        Err(error) if was_overtaken(&error) => Ok(false),
        Err(error) => Err(failed(&error)),
    }
}

/// The settings objects of the domain controller that is asked, and of the domain's PDC emulator.
async fn role_owner(objects: &mut Objects) -> Result<(String, String), RegistryError> {
    let root = required(objects, "", &["dsServiceName", "defaultNamingContext"], "the root of the directory").await?;
    let domain = required(objects, text(&root, "defaultNamingContext")?, &["fSMORoleOwner"], "the domain").await?;
    Ok((text(&root, "dsServiceName")?.to_owned(), text(&domain, "fSMORoleOwner")?.to_owned()))
}

impl Lease {
    /// `None` when it is not one.
    fn read(text: &str) -> Option<Self> {
        let (holder, until) = text.strip_prefix(FORM)?.split_once(", until ")?;
        Some(Self { holder: holder.parse().ok()?, until: UtcTime::from_xml(until).ok()? })
    }
}

impl std::fmt::Display for Lease {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{FORM}{}, until {}", self.holder, self.until.to_xml())
    }
}

/// Of one value, as every object may have it (MS-ADA1 2.10).
const LEASE: &str = "adminDescription";
/// An administrator who finds it reads what it is.
const FORM: &str = "Chancery: unused devices are swept by server ";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_reads_back_and_what_an_administrator_wrote_is_none() {
        let lease = Lease { holder: Uuid::from_u128(7), until: UtcTime::from_unix_seconds(1_800_000_000) };
        let text = lease.to_string();
        assert_eq!(
            text,
            "Chancery: unused devices are swept by server 00000000-0000-0000-0000-000000000007, until 2027-01-15T08:00:00.000Z"
        );
        assert_eq!(Lease::read(&text), Some(lease));
        for other in ["", "Ask Bob before you change this", FORM, &text[..text.len() - 2], &text[1..]] {
            assert_eq!(Lease::read(other), None, "{other}");
        }
    }
}
