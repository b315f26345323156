//! Who the service is to the directory: its account's SID, and those of the groups it is in.

use crate::directory::Sid;
use crate::directory::filter::Filter;
use crate::directory::ldap::{NamedObject, ObjectError, Objects};

use super::Forest;

/// An account, as access control lists know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ServiceAccount {
    /// How people call it.
    pub(super) name: String,
    /// Its own SID. `None` when the directory does not say.
    pub(super) sid: Option<Sid>,
    /// That, and those of its groups.
    pub(super) sids: Vec<Sid>,
}

impl ServiceAccount {
    /// The account that asks: a domain controller says by which SIDs it decides what a connection may do (MS-ADTS 3.1.1.3.2).
    pub(super) async fn bound(objects: &mut Objects) -> Result<Self, ObjectError> {
        let root = objects.read("", &["tokenGroups"]).await?;
        let sids = root.map(|root| sids(&root)).unwrap_or_default();
        // Its own stands first; on a controller that does it otherwise it is the one that is no group's.
        let of_domain = sids.iter().filter(|sid| sid.parent().is_some_and(|domain| domain.is_domain()));
        for sid in of_domain.take(MOST_TRIED) {
            if let Some(object) = objects.read_by_sid(sid, &["sAMAccountName", "objectClass"]).await?
                && object.attributes.is_of_class("user")
            {
                return Ok(Self { name: called(&object, sid), sid: Some(*sid), sids });
            }
        }
        Ok(Self { name: String::from("the account of the configuration"), sid: None, sids })
    }

    /// The account that somebody names: by its SID, its name, `DOMAIN\name` or UPN.
    pub(super) async fn named(objects: &mut Objects, forest: &Forest, name: &str) -> Result<Self, ObjectError> {
        let nobody = || ObjectError::NotFound { name: name.to_owned() };
        let object = if let Ok(sid) = name.parse::<Sid>() {
            let object = objects.read_by_sid(&sid, ATTRIBUTES).await?;
            // An account of another domain of the forest.
            let Some(object) = object else { return Ok(Self::of(name.to_owned(), sid, Vec::new())) };
            object
        } else {
            let found = objects.find(&forest.domain, &of_name(name).to_string(), &["objectSid"], 1).await?;
            let sid = found.first().and_then(|object| object.attributes.object_sid()).ok_or_else(nobody)?;
            objects.read_by_sid(&sid, ATTRIBUTES).await?.ok_or_else(nobody)?
        };
        let sid = object.attributes.object_sid().ok_or_else(nobody)?;
        Ok(Self::of(called(&object, &sid), sid, sids(&object)))
    }

    /// With what everybody is who signed in.
    fn of(name: String, sid: Sid, groups: Vec<Sid>) -> Self {
        let sids = [sid, Sid::EVERYONE, Sid::AUTHENTICATED_USERS].into_iter().chain(groups).collect();
        Self { name, sid: Some(sid), sids }
    }
}

fn of_name(name: &str) -> Filter {
    let short = name.rsplit_once('\\').map_or(name, |(_, short)| short);
    let short = short.split_once('@').map_or(short, |(short, _)| short);
    Filter::All(vec![
        Filter::equal("objectClass", "user"),
        Filter::Any(vec![
            Filter::equal("sAMAccountName", short),
            Filter::equal("sAMAccountName", format!("{short}$")),
            Filter::equal("userPrincipalName", name),
        ]),
    ])
}

fn sids(object: &NamedObject) -> Vec<Sid> {
    object.attributes.octets("tokenGroups").filter_map(|octets| Sid::from_bytes(octets).ok()).collect()
}

fn called(object: &NamedObject, sid: &Sid) -> String {
    let name = object.attributes.text("sAMAccountName");
    name.map_or_else(|| sid.to_string(), |name| format!("{name} ({sid})"))
}

const ATTRIBUTES: &[&str] = &["sAMAccountName", "tokenGroups"];
/// SIDs that are looked up; the first is the account's.
const MOST_TRIED: usize = 8;
