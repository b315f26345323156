//! Windows Hello keys of users: values of `msDS-KeyCredentialLink` of their accounts.

use super::change::link;
use super::entry;
use super::failure::failed;
use crate::devices::codec::dn_binary::DnBinary;
use crate::devices::codec::key_credential;
use crate::devices::{AddedKey, DeviceKey, RegistryError};
use crate::directory::Sid;
use crate::directory::ldap::{NamedObject, ObjectChange, Objects, ValueChange};

/// The keys of a user; of one that is not there none.
pub(super) async fn all(objects: &mut Objects, user: &Sid) -> Result<Vec<DeviceKey>, RegistryError> {
    let account = account(objects, user).await?;
    Ok(account.map(|account| entry::keys(&account.name, &account.attributes)).unwrap_or_default())
}

/// Adds a key, unless the account has it.
pub(super) async fn add(objects: &mut Objects, user: &Sid, key: &DeviceKey) -> Result<AddedKey, RegistryError> {
    let root = objects.read("", &["dnsHostName"]).await.map_err(|error| failed(&error))?;
    let domain_controller = root.and_then(|root| root.attributes.text("dnsHostName").map(str::to_owned));
    let account = account(objects, user).await?;
    let account = account.ok_or_else(|| RegistryError::NotFound { what: format!("user {user}") })?;
    let is_new = values_of(&account, key).is_empty();
    if is_new {
        let value = link(&account.name, key)?;
        change(objects, account, ValueChange::Add(vec![value])).await?;
    }
    Ok(AddedKey { is_new, domain_controller })
}

/// Takes a key away; whether the account had it.
pub(super) async fn remove(objects: &mut Objects, user: &Sid, key: &DeviceKey) -> Result<bool, RegistryError> {
    let Some(account) = account(objects, user).await? else { return Ok(false) };
    let values = values_of(&account, key);
    if values.is_empty() {
        return Ok(false);
    }
    change(objects, account, ValueChange::Remove(values)).await?;
    Ok(true)
}

async fn account(objects: &mut Objects, user: &Sid) -> Result<Option<NamedObject>, RegistryError> {
    objects.read_by_sid(user, &[KEYS]).await.map_err(|error| failed(&error))
}

/// The values that are this key, as the directory wrote them.
fn values_of(account: &NamedObject, key: &DeviceKey) -> Vec<Vec<u8>> {
    let is_key = |value: &&[u8]| {
        let value = std::str::from_utf8(value).ok().and_then(DnBinary::parse);
        let held = value.and_then(|value| key_credential::decode(&value.octets).ok());
        held.is_some_and(|held| held.usage == key.usage && held.material == key.material)
    };
    account.attributes.octets(KEYS).filter(is_key).map(<[u8]>::to_vec).collect()
}

async fn change(objects: &mut Objects, account: NamedObject, keys: ValueChange) -> Result<(), RegistryError> {
    let change = ObjectChange::Modify { name: account.name, parts: vec![(KEYS.to_owned(), keys)] };
    objects.change(&change).await.map_err(|error| failed(&error))
}

const KEYS: &str = "msDS-KeyCredentialLink";
