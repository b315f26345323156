//! Names of an account's groups, for the `tokenGroups` forms.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;

use super::GroupForm;
use crate::claims::Text;
use crate::claims::store::StoreError;
use crate::directory::{
    Account, AccountKey, AttributeName, AttributeValue, Attributes, Directory, DirectoryError, Sid,
};

/// Turns group SIDs into names; names are remembered for a few minutes.
pub(super) struct GroupNames {
    directory: Arc<dyn Directory>,
    known: Cache<Sid, Arc<Group>>,
}

struct Group {
    name: String,
    /// NetBIOS name of its domain.
    netbios: Option<String>,
    /// DNS name of its domain.
    dns: Option<String>,
}

impl GroupNames {
    pub(super) fn new(directory: Arc<dyn Directory>) -> Self {
        Self { directory, known: Cache::builder().max_capacity(MOST_NAMES).time_to_live(NAME_LIFETIME).build() }
    }

    /// The security groups of the account with this SID, nested ones and built-in ones of its domain too: what `tokenGroups` of
    /// the account holds (MS-ADTS 3.1.1.4.5.19). Groups whose name the directory does not know are left out of the named forms.
    pub(super) async fn of(&self, sid: &Sid, form: GroupForm) -> Result<Vec<Text>, StoreError> {
        let account = match self.directory.account(&AccountKey::Sid(*sid)).await {
            Err(DirectoryError::NotFound { .. }) => return Ok(Vec::new()),
            account => account?,
        };
        // Well-known SIDs such as Everyone are no directory groups.
        let mut groups: Vec<Sid> = account.groups.iter().filter(|group| is_directory_group(group)).copied().collect();
        groups.extend(self.built_in(sid).await?);
        if form == GroupForm::Sid {
            return Ok(groups.iter().map(|group| Text::from(group.to_string())).collect());
        }
        self.learn(&account, &groups).await?;
        Ok(groups.iter().filter_map(|sid| self.known.get(sid)).filter_map(|group| group.write(form)).collect())
    }

    /// The built-in local groups (`S-1-5-32-…`) of the account. A ticket has none of them, so that the account has none either.
    async fn built_in(&self, sid: &Sid) -> Result<Vec<Sid>, StoreError> {
        let name = AttributeName::new("tokenGroups");
        let found = match self.directory.attributes(sid, std::slice::from_ref(&name)).await {
            Err(DirectoryError::NotFound { .. }) => return Ok(Vec::new()),
            found => found?,
        };
        let groups = found.values(&name).iter().filter_map(to_sid);
        Ok(groups.filter(|group| is_directory_group(group) && !is_domain_group(group)).collect())
    }

    /// Looks up the groups not known yet: those of the account's own domain together, others one by one.
    async fn learn(&self, account: &Account, groups: &[Sid]) -> Result<(), StoreError> {
        let unknown: Vec<Sid> = groups.iter().filter(|group| !self.known.contains_key(*group)).copied().collect();
        let own_domain = account.sid.parent();
        let (own, foreign): (Vec<Sid>, Vec<Sid>) =
            unknown.into_iter().partition(|group| group.parent() == own_domain || !is_domain_group(group));
        let names: Vec<AttributeName> = ATTRIBUTES.iter().map(|name| AttributeName::new(name)).collect();
        let object_sid = AttributeName::new("objectSid");
        for batch in own.chunks(BATCH) {
            let mut filter = String::from("(|");
            for sid in batch {
                filter.push_str("(objectSid=");
                for octet in sid.to_bytes() {
                    let _ = write!(filter, "\\{octet:02x}");
                }
                filter.push(')');
            }
            filter.push(')');
            for found in self.directory.search(&account.netbios_domain, &filter, &names).await? {
                if let Some(sid) = sid_of(&found, &object_sid) {
                    self.remember(sid, &found, account);
                }
            }
        }
        for sid in foreign {
            match self.directory.attributes(&sid, &names).await {
                Ok(found) => self.remember(sid, &found, account),
                // A group of a domain that is not configured has no name here.
                Err(DirectoryError::NotFound { .. } | DirectoryError::UnknownDomain { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    fn remember(&self, sid: Sid, found: &Attributes, account: &Account) {
        let text = |name: &str| match found.values(&AttributeName::new(name)).first() {
            Some(AttributeValue::Text(text)) => Some(text.clone()),
            _ => None,
        };
        let Some(name) = text("sAMAccountName") else { return };
        let own = sid.parent() == account.sid.parent();
        let netbios = if own {
            Some(account.netbios_domain.clone())
        } else {
            text("msDS-PrincipalName").and_then(|name| name.split_once('\\').map(|(domain, _)| domain.to_owned()))
        };
        let netbios = netbios.or_else(|| (!is_domain_group(&sid)).then(|| String::from("BUILTIN")));
        let dns = if is_domain_group(&sid) {
            text("distinguishedName").and_then(|dn| dns_name(&dn)).or_else(|| own.then(|| account.realm.to_lowercase()))
        } else {
            netbios.clone()
        };
        self.known.insert(sid, Arc::new(Group { name, netbios, dns }));
    }
}

impl Group {
    fn write(&self, form: GroupForm) -> Option<Text> {
        match form {
            GroupForm::Name => Some(self.name.as_str().into()),
            GroupForm::DomainQualified => self.netbios.as_ref().map(|domain| format!("{domain}\\{}", self.name).into()),
            GroupForm::LongDomainQualified => self.dns.as_ref().map(|domain| format!("{domain}\\{}", self.name).into()),
            GroupForm::Sid => None,
        }
    }
}

/// The SID in an object's `objectSid`.
pub(super) fn sid_of(attributes: &Attributes, object_sid: &AttributeName) -> Option<Sid> {
    attributes.values(object_sid).first().and_then(to_sid)
}

fn to_sid(value: &AttributeValue) -> Option<Sid> {
    match value {
        AttributeValue::Octets(octets) => Sid::from_bytes(octets).ok(),
        AttributeValue::Text(text) => text.parse().ok(),
    }
}

/// `CN=Sales,OU=X,DC=corp,DC=example` is in `corp.example`.
fn dns_name(dn: &str) -> Option<String> {
    let lower = dn.to_ascii_lowercase();
    let parts: Vec<&str> = lower.split(',').filter_map(|part| part.trim().strip_prefix("dc=")).collect();
    (!parts.is_empty()).then(|| parts.join("."))
}

/// A group of a domain: `S-1-5-21-a-b-c-rid`.
fn is_domain_group(sid: &Sid) -> bool {
    sid.parent().is_some_and(|parent| parent.is_domain())
}

/// A group that lies in the directory: of a domain, or built in (`S-1-5-32-…`).
fn is_directory_group(sid: &Sid) -> bool {
    is_domain_group(sid) || (sid.authority() == 5 && matches!(sid.sub_authorities(), [32, _]))
}

const ATTRIBUTES: [&str; 4] = ["sAMAccountName", "msDS-PrincipalName", "distinguishedName", "objectSid"];
/// Groups per search, so that a filter stays small.
const BATCH: usize = 40;
const MOST_NAMES: u64 = 20_000;
const NAME_LIFETIME: Duration = Duration::from_mins(10);
