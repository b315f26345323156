//! Service principal names: does exactly one account of each domain have them, and are its keys those of the keytab?

use std::time::Duration;

use crate::cli::finding::Finding;
use crate::cli::finding::catalogue::{ENCTYPES, KEYTAB_KVNO, SPN, SPN_DUPLICATE, SPN_WITHOUT_KEY};
use crate::config::names::ServicePrincipal;
use crate::config::{Config, Domain};
use crate::directory::filter::Filter;
use crate::directory::ldap::{LdapDirectory, NamedObject, ObjectError, Objects};
use crate::kerberos::keytab::{Keytab, KeytabEntry};

/// Every configured service principal in every domain.
pub(super) async fn look(config: &Config, directory: &LdapDirectory) -> Vec<Finding> {
    let keytab = match Keytab::read(&config.kerberos.keytab) {
        Ok(keytab) => keytab,
        Err(error) => {
            let what = format!("the keytab cannot be read: {error}");
            return vec![Finding::not_checked(SPN, what, "run this as the account of the service")];
        }
    };
    let mut findings = Vec::new();
    for domain in &config.domains {
        for principal in &config.kerberos.service_principals {
            if principal.realm().is_none_or(|realm| realm == domain.realm.as_str()) {
                findings.extend(one(domain, principal, &keytab, directory).await);
            }
        }
    }
    findings
}

async fn one(
    domain: &Domain,
    principal: &ServicePrincipal,
    keytab: &Keytab,
    directory: &LdapDirectory,
) -> Vec<Finding> {
    let (name, realm) = (principal.name(), domain.realm.as_str());
    let keys: Vec<&KeytabEntry> = keytab
        .entries()
        .iter()
        .filter(|entry| entry.realm == realm && entry.components.join("/").eq_ignore_ascii_case(name))
        .collect();
    match holders(domain, name, directory).await {
        Ok(holders) => judge(name, realm, &holders, &keys),
        Err(error) => vec![Finding::not_checked(
            SPN,
            format!("who has {name} in {realm} is not known: {error}"),
            "make a domain controller of it answer, and look again",
        )],
    }
}

/// An account that has a service principal name.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Holder {
    account: String,
    /// Number of its present key, if the directory says it.
    kvno: Option<i64>,
    /// `msDS-SupportedEncryptionTypes`.
    types: Option<i64>,
}

/// The accounts that have the name; where none has it, those that have it by the class `HOST`, which stands for HTTP too.
async fn holders(domain: &Domain, name: &str, directory: &LdapDirectory) -> Result<Vec<Holder>, ObjectError> {
    let base = domain.base_dn();
    let host = name.split_once('/').map(|(_, host)| format!("HOST/{host}")).unwrap_or_default();
    let names = [name.to_owned(), host];
    let dns_name = domain.dns_name().to_string();
    let found: Vec<NamedObject> =
        directory.work(&dns_name, PATIENCE, move |objects| first_of(objects, base, names)).await?;
    Ok(found.iter().map(Holder::of).collect())
}

/// The objects that have the first of these names that any has.
async fn first_of(mut objects: Objects, base: String, names: [String; 2]) -> Result<Vec<NamedObject>, ObjectError> {
    for name in names {
        let filter = Filter::equal("servicePrincipalName", name).to_string();
        let (found, _) = objects.find_first(&base, &filter, ATTRIBUTES, MOST).await?;
        if !found.is_empty() {
            return Ok(found);
        }
    }
    Ok(Vec::new())
}

impl Holder {
    fn of(object: &NamedObject) -> Self {
        let attributes = &object.attributes;
        Self {
            account: attributes.text("sAMAccountName").map_or_else(|| object.name.clone(), str::to_owned),
            kvno: attributes.number("msDS-KeyVersionNumber"),
            types: attributes.number("msDS-SupportedEncryptionTypes"),
        }
    }
}

fn judge(name: &str, realm: &str, holders: &[Holder], keys: &[&KeytabEntry]) -> Vec<Finding> {
    match holders {
        [] if keys.is_empty() => Vec::new(),
        [] => vec![Finding::error(
            SPN,
            format!("no account of {realm} has {name}, though the keytab has a key for it"),
            format!("register it once on the service account: `setspn -S {name} ACCOUNT`"),
        )],
        [holder] if keys.is_empty() => vec![Finding::warning(
            SPN_WITHOUT_KEY,
            format!("{} of {realm} has {name}, and the keytab has no key of {name}@{realm}", holder.account),
            "export the account's key into the keytab, or take the name from the account",
        )],
        [holder] => {
            let mut findings = vec![Finding::ok(SPN, format!("{} of {realm} has {name}", holder.account))];
            findings.push(number(name, realm, holder, keys));
            findings.push(types(realm, holder));
            findings
        }
        several => {
            let accounts = several.iter().map(|holder| holder.account.as_str()).collect::<Vec<_>>().join(", ");
            vec![Finding::error(
                SPN_DUPLICATE,
                format!("{} accounts of {realm} have {name}: {accounts}", several.len()),
                format!("leave it on the account whose key is in the keytab; `setspn -D {name} ACCOUNT` takes it away"),
            )]
        }
    }
}

/// The number of the account's key against those in the keytab.
fn number(name: &str, realm: &str, holder: &Holder, keys: &[&KeytabEntry]) -> Finding {
    // The upper half says which read-only controller made the key; a keytab holds the key of the domain.
    let Some(present) = holder.kvno.and_then(|kvno| u32::try_from(kvno & 0xffff).ok()) else {
        let what = format!("the directory does not say the number of {}'s key", holder.account);
        return Finding::not_checked(KEYTAB_KVNO, what, "let the server's account read msDS-KeyVersionNumber");
    };
    let newest = keys.iter().map(|key| key.kvno).max().unwrap_or_default();
    if keys.iter().any(|key| key.kvno == present) {
        return Finding::ok(
            KEYTAB_KVNO,
            format!("the keytab has key number {present} of {name}@{realm}, the present one"),
        );
    }
    let fix = if newest < present {
        "the password was changed after the keytab was made: export the keytab anew; the server takes it without a restart"
    } else {
        "the keytab is of another account, or of before the account was made anew: export it from this one"
    };
    let what = format!(
        "{}'s key in {realm} has number {present}, the newest of {name} in the keytab {newest}",
        holder.account
    );
    Finding::error(KEYTAB_KVNO, what, fix)
}

/// The encryption types the account takes.
fn types(realm: &str, holder: &Holder) -> Finding {
    let account = format!("{} of {realm}", holder.account);
    let fix = "set msDS-SupportedEncryptionTypes of the account to 24 (AES), set its password again, and export the keytab anew";
    match holder.types {
        Some(types) if types & AES != 0 => {
            Finding::ok(ENCTYPES, format!("{account} takes AES (msDS-SupportedEncryptionTypes {types})"))
        }
        Some(types) if types != 0 => Finding::error(
            ENCTYPES,
            format!(
                "{account} takes no AES (msDS-SupportedEncryptionTypes {types}): its tickets are encrypted with RC4"
            ),
            fix,
        ),
        _ => Finding::warning(
            ENCTYPES,
            format!("{account} says nothing of encryption types: the domain controller decides, older ones for RC4"),
            fix,
        ),
    }
}

const ATTRIBUTES: &[&str] = &["sAMAccountName", "msDS-KeyVersionNumber", "msDS-SupportedEncryptionTypes"];
/// AES128 and AES256 with SHA-1, and with SHA-2 (MS-KILE 2.2.7).
const AES: i64 = 0x8 | 0x10 | 0x40 | 0x80;
/// More holders of a name are not counted.
const MOST: usize = 10;
/// For one name in one domain.
const PATIENCE: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::finding::Level;

    fn holder(kvno: Option<i64>, types: Option<i64>) -> Holder {
        Holder { account: String::from("svc-sts"), kvno, types }
    }

    fn key(kvno: u32) -> KeytabEntry {
        let components = vec![String::from("HTTP"), String::from("sts.corp.example")];
        KeytabEntry { components, realm: String::from("CORP.EXAMPLE"), kvno, etype: 18, timestamp: 0 }
    }

    fn worst(holders: &[Holder], keys: &[KeytabEntry]) -> Option<(Level, &'static str)> {
        let keys: Vec<&KeytabEntry> = keys.iter().collect();
        let found = judge("HTTP/sts.corp.example", "CORP.EXAMPLE", holders, &keys);
        found.iter().map(|finding| (finding.level, finding.name)).max_by_key(|(level, _)| *level)
    }

    #[test]
    fn one_account_has_the_name_and_its_present_key_is_in_the_keytab() {
        let good = holder(Some(3), Some(24));
        for (holders, keys, expected) in [
            (vec![good.clone()], vec![key(2), key(3)], Some(Level::Ok)),
            (vec![], vec![], None),
            (vec![], vec![key(3)], Some(Level::Error)),
            (vec![good.clone()], vec![], Some(Level::Warning)),
            (vec![good.clone(), good.clone()], vec![key(3)], Some(Level::Error)),
            (vec![holder(Some(4), Some(24))], vec![key(3)], Some(Level::Error)),
            (vec![holder(Some(2), Some(24))], vec![key(3)], Some(Level::Error)),
            (vec![holder(Some(0x7_0003), Some(24))], vec![key(3)], Some(Level::Ok)),
            (vec![holder(None, Some(24))], vec![key(3)], Some(Level::NotChecked)),
            (vec![holder(Some(3), Some(4))], vec![key(3)], Some(Level::Error)),
            (vec![holder(Some(3), Some(28))], vec![key(3)], Some(Level::Ok)),
            (vec![holder(Some(3), Some(0))], vec![key(3)], Some(Level::Warning)),
            (vec![holder(Some(3), None)], vec![key(3)], Some(Level::Warning)),
        ] {
            assert_eq!(worst(&holders, &keys).map(|(level, _)| level), expected, "{holders:?} {keys:?}");
        }
    }

    #[test]
    fn each_way_to_be_wrong_has_its_name() {
        let two = [holder(Some(3), Some(24)), holder(Some(3), Some(24))];
        assert_eq!(worst(&two, &[key(3)]).unwrap().1, SPN_DUPLICATE.name);
        assert_eq!(worst(&[], &[key(3)]).unwrap().1, SPN.name);
        assert_eq!(worst(&two[..1], &[]).unwrap().1, SPN_WITHOUT_KEY.name);
        assert_eq!(worst(&two[..1], &[key(2)]).unwrap().1, KEYTAB_KVNO.name);
        assert_eq!(worst(&[holder(Some(3), Some(4))], &[key(3)]).unwrap().1, ENCTYPES.name);
    }
}
