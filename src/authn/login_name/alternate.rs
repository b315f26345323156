//! The alternate login id: an attribute, such as `mail`, by which people sign in in place of the user principal name (AD FS'
//! `AlternateLoginID` and `LookupForests`).
//!
//! One account has what was typed: its own name takes the place of it before anything is counted or checked. None has it: it is
//! read as a user principal name. Several have it: nobody signs in by it, whoever's password it is. Looked up before every
//! password check, by [`PasswordGate`](super::super::PasswordGate) alone.

use std::time::Duration;

use super::{LoginForm, LoginName};
use crate::directory::filter::escape;
use crate::directory::{AttributeName, AttributeValue, Attributes, Directory, DirectoryError};

/// Where alternate login ids are looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlternateLoginId {
    /// The attribute. Its name is one that LDAP takes: the configuration has seen to it.
    pub attribute: AttributeName,
    /// NetBIOS names of the domains.
    pub domains: Vec<String>,
}

/// The account that has an alternate login id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlternateMatch {
    /// The account's own name.
    pub login: LoginName,
    /// The id as the directory has it. `None` where a domain that does not answer may have another account with it: such an id
    /// says nothing to a relying party.
    pub id: Option<String>,
}

/// Several accounts have the id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} accounts have this alternate login id; an administrator has to take it from all but one")]
pub struct AmbiguousLoginId(pub usize);

impl AlternateLoginId {
    /// The account whose alternate login id this name is; `None` where it is nobody's.
    ///
    /// # Errors
    /// [`AmbiguousLoginId`].
    pub async fn look_up(
        &self,
        directory: &dyn Directory,
        login: &LoginName,
    ) -> Result<Option<AlternateMatch>, AmbiguousLoginId> {
        let LoginForm::Upn { .. } = login.form() else { return Ok(None) };
        let typed = login.to_string();
        let filter = format!(
            "(&(objectCategory=person)(objectClass=user)({}={}))",
            self.attribute.as_str(),
            escape(typed.as_bytes())
        );
        let wanted = [AttributeName::new(SAM_ACCOUNT_NAME), self.attribute.clone()];
        // All at once: a slow domain costs its own time and not the others'.
        let answers = futures_util::future::join_all(self.domains.iter().map(|domain| {
            let search = directory.search(domain, &filter, &wanted);
            async move { (domain, tokio::time::timeout(LOOK_UP, search).await) }
        }))
        .await;
        let (mut found, mut complete) = (Vec::new(), true);
        for (domain, answer) in answers {
            match answer {
                Ok(Ok(objects)) => found.extend(objects.into_iter().map(|object| (domain, object))),
                Ok(Err(error)) => complete = left_out(domain, Some(&error)),
                Err(_) => complete = left_out(domain, None),
            }
        }
        match found.as_slice() {
            [] => Ok(None),
            [(domain, object)] => Ok(self.account(domain, object, &typed, complete)),
            several => Err(AmbiguousLoginId(several.len())),
        }
    }

    fn account(&self, domain: &str, object: &Attributes, typed: &str, complete: bool) -> Option<AlternateMatch> {
        let name = texts(object, &AttributeName::new(SAM_ACCOUNT_NAME)).next()?;
        let login = LoginName::parse(&format!("{domain}\\{name}")).ok()?;
        let same = |value: &&str| value.to_lowercase() == typed.to_lowercase();
        // The directory's comparison knows more of equal texts than this one: a value of one is it in any case.
        let value = texts(object, &self.attribute).find(same).or_else(|| texts(object, &self.attribute).next());
        Some(AlternateMatch { login, id: value.filter(|_| complete).map(str::to_owned) })
    }
}

/// Notes that a domain was not asked; never complete.
fn left_out(domain: &str, error: Option<&DirectoryError>) -> bool {
    let reason = error.map_or_else(|| String::from("no answer in time"), ToString::to_string);
    tracing::warn!(domain, reason, "alternate login ids of a domain are not known");
    false
}

fn texts<'a>(object: &'a Attributes, name: &AttributeName) -> impl Iterator<Item = &'a str> {
    object.values(name).iter().filter_map(|value| match value {
        AttributeValue::Text(text) => Some(text.as_str()),
        AttributeValue::Octets(_) => None,
    })
}

const SAM_ACCOUNT_NAME: &str = "sAMAccountName";
/// How long a password waits for what a domain knows of the name that came with it.
const LOOK_UP: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::{Account, AccountKey, ObjectGuid, Sid};

    /// Per domain: the accounts with the id, or a domain that is down.
    struct Fake(Vec<(&'static str, Option<Vec<&'static str>>)>);

    #[async_trait::async_trait]
    impl Directory for Fake {
        async fn account(&self, key: &AccountKey) -> Result<Account, DirectoryError> {
            Err(DirectoryError::NotFound { key: key.to_string() })
        }
        async fn object_guid(&self, sid: &Sid) -> Result<ObjectGuid, DirectoryError> {
            Err(DirectoryError::NotFound { key: sid.to_string() })
        }
        async fn attributes(&self, sid: &Sid, _: &[AttributeName]) -> Result<Attributes, DirectoryError> {
            Err(DirectoryError::NotFound { key: sid.to_string() })
        }
        async fn search(
            &self,
            domain: &str,
            filter: &str,
            names: &[AttributeName],
        ) -> Result<Vec<Attributes>, DirectoryError> {
            assert_eq!(filter, "(&(objectCategory=person)(objectClass=user)(mail=a.liddell@mail.example))");
            let (_, accounts) = self.0.iter().find(|(name, _)| *name == domain).unwrap();
            let down = || DirectoryError::Unavailable { domain: domain.into(), reason: "down".into() };
            let object = |name: &&str| {
                let mut object = Attributes::default();
                object.insert(names[0].clone(), vec![AttributeValue::Text((*name).to_owned())]);
                object.insert(names[1].clone(), vec![AttributeValue::Text("A.Liddell@mail.example".into())]);
                object
            };
            accounts.as_ref().map(|accounts| accounts.iter().map(object).collect()).ok_or_else(down)
        }
    }

    async fn look_up(fake: Fake, typed: &str) -> Result<Option<(String, Option<String>)>, AmbiguousLoginId> {
        let domains = fake.0.iter().map(|(name, _)| (*name).to_owned()).collect();
        let ids = AlternateLoginId { attribute: AttributeName::new("mail"), domains };
        let found = ids.look_up(&fake, &LoginName::parse(typed).unwrap()).await?;
        Ok(found.map(|found| (found.login.to_string(), found.id)))
    }

    const TYPED: &str = "a.liddell@mail.example";

    #[tokio::test]
    async fn one_account_is_it_none_is_nobody_and_several_are_refused() {
        let id = Some(String::from("A.Liddell@mail.example"));
        for (fake, expected) in [
            (vec![("CORP", Some(vec!["alice"]))], Ok(Some((String::from("CORP\\alice"), id.clone())))),
            (vec![("CORP", Some(vec![])), ("OTHER", Some(vec!["al"]))], Ok(Some((String::from("OTHER\\al"), id)))),
            (vec![("CORP", Some(vec![])), ("OTHER", Some(vec![]))], Ok(None)),
            (vec![("CORP", Some(vec!["a", "b"]))], Err(AmbiguousLoginId(2))),
            (vec![("CORP", Some(vec!["a"])), ("OTHER", Some(vec!["b"]))], Err(AmbiguousLoginId(2))),
        ] {
            assert_eq!(look_up(Fake(fake.clone()), TYPED).await, expected, "{fake:?}");
        }
    }

    #[tokio::test]
    async fn a_domain_that_is_down_keeps_nobody_out_and_lets_nobody_pass_for_another() {
        let found = look_up(Fake(vec![("CORP", Some(vec!["alice"])), ("OTHER", None)]), TYPED).await;
        assert_eq!(found, Ok(Some((String::from("CORP\\alice"), None))), "signed in, and no id is claimed");
        assert_eq!(look_up(Fake(vec![("CORP", Some(vec![])), ("OTHER", None)]), TYPED).await, Ok(None));
        let found = look_up(Fake(vec![("CORP", None)]), TYPED).await;
        assert_eq!(found, Ok(None), "read as a user principal name");
    }

    #[tokio::test]
    async fn a_name_with_its_domain_is_not_looked_up() {
        assert_eq!(look_up(Fake(vec![("CORP", Some(vec!["alice"]))]), "CORP\\bob").await, Ok(None));
    }
}
