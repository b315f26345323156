#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::sync::Mutex;

use super::*;
use crate::claims::store::QuerySubject;
use crate::directory::{Account, AccountKey, AccountKind, AttributeValue, ObjectGuid};

const DOMAIN: &str = "S-1-5-21-1-2-3";

/// Knows alice, and writes down what it was asked.
#[derive(Default)]
struct Fake {
    asked: Mutex<Vec<String>>,
    found: Vec<Attributes>,
    down: bool,
}

impl Fake {
    fn note(&self, question: String) -> Result<(), DirectoryError> {
        self.asked.lock().unwrap().push(question);
        if self.down {
            return Err(DirectoryError::Unavailable { domain: "corp.example".into(), reason: "time-out".into() });
        }
        Ok(())
    }
}

fn attributes(values: &[(&str, &[&str])]) -> Attributes {
    let mut attributes = Attributes::default();
    for (name, values) in values {
        let values = values.iter().map(|value| AttributeValue::Text((*value).to_owned())).collect();
        attributes.insert(AttributeName::new(name), values);
    }
    attributes
}

fn sid(rid: u32) -> Sid {
    DOMAIN.parse::<Sid>().unwrap().child(rid).unwrap()
}

#[async_trait::async_trait]
impl Directory for Fake {
    async fn account(&self, key: &AccountKey) -> Result<Account, DirectoryError> {
        self.note(format!("account {key}"))?;
        Ok(Account {
            sid: sid(1103),
            kind: AccountKind::User,
            realm: "CORP.EXAMPLE".into(),
            netbios_domain: "CORP".into(),
            sam_account_name: "alice".into(),
            upn: None,
            display_name: String::new(),
            primary_group: sid(513),
            groups: vec![
                sid(513),
                sid(1110),
                Sid::EVERYONE,
                "S-1-5-21-9-9-9-1200".parse().unwrap(),
                "S-1-5-21-8-8-8-1200".parse().unwrap(),
            ],
        })
    }

    async fn object_guid(&self, sid: &Sid) -> Result<ObjectGuid, DirectoryError> {
        self.note(format!("guid {sid}"))?;
        Ok("67ad5895-8624-4cdc-8d19-95d6579caaf2".parse().unwrap())
    }

    async fn attributes(&self, sid: &Sid, names: &[AttributeName]) -> Result<Attributes, DirectoryError> {
        let list: Vec<&str> = names.iter().map(AttributeName::as_str).collect();
        self.note(format!("attributes {sid} {}", list.join(",")))?;
        if *sid == "S-1-5-21-9-9-9-1200".parse().unwrap() {
            return Ok(attributes(&[
                ("sAMAccountName", &["Partners"]),
                ("msDS-PrincipalName", &["OTHER\\Partners"]),
                ("distinguishedName", &["CN=Partners,DC=other,DC=example"]),
            ]));
        }
        if *sid == "S-1-5-21-8-8-8-1200".parse().unwrap() {
            return Err(DirectoryError::UnknownDomain { domain: "S-1-5-21-8-8-8".into() });
        }
        if list == ["tokengroups"] {
            let groups = [self::sid(513), self::sid(1110), "S-1-5-32-545".parse().unwrap(), Sid::EVERYONE];
            let groups = groups.iter().map(|group| AttributeValue::Octets(group.to_bytes())).collect();
            let mut found = Attributes::default();
            found.insert(AttributeName::new("tokenGroups"), groups);
            return Ok(found);
        }
        let mut found = attributes(&[("mail", &["a@x", "b@x"]), ("userPrincipalName", &["alice@corp.example"])]);
        found.insert(AttributeName::new("mS-DS-ConsistencyGuid"), vec![AttributeValue::Octets(vec![0xFF; 16])]);
        Ok(found)
    }

    async fn search(
        &self,
        domain: &str,
        filter: &str,
        names: &[AttributeName],
    ) -> Result<Vec<Attributes>, DirectoryError> {
        let list: Vec<&str> = names.iter().map(AttributeName::as_str).collect();
        self.note(format!("search {domain} {filter} {}", list.join(",")))?;
        if filter.starts_with("(|(objectSid=") {
            let group = |rid: u32, name: &str| {
                let mut group = attributes(&[("sAMAccountName", &[name])]);
                group.insert(AttributeName::new("objectSid"), vec![AttributeValue::Octets(sid(rid).to_bytes())]);
                group
            };
            let mut users = attributes(&[("sAMAccountName", &["Users"]), ("objectSid", &["S-1-5-32-545"])]);
            users.insert(AttributeName::new("msDS-PrincipalName"), vec![AttributeValue::Text("BUILTIN\\Users".into())]);
            return Ok(vec![group(513, "Domain Users"), group(1110, "Sales"), users]);
        }
        Ok(self.found.clone())
    }
}

/// Asks as alice; gives the rows and what the directory was asked.
async fn ask(fake: Fake, query: &str, params: &[&str]) -> (Result<Rows, StoreError>, Vec<String>) {
    let fake = Arc::new(fake);
    let store = ActiveDirectoryStore::new(fake.clone());
    let columns = AccountQuery::parse(query).map_or(1, |parsed| parsed.columns());
    let query = StoreQuery::new(NAME, query, vec![Text::from("t"); columns]);
    let params: Vec<Text> = params.iter().map(|param| Text::from(*param)).collect();
    let alice = sid(1103);
    let subject = Some(QuerySubject { sid: &alice, windows_account_name: "CORP\\alice" });
    let rows = store.query(&QueryContext { subject, ..QueryContext::default() }, &query, &params).await;
    let asked = std::mem::take(&mut *fake.asked.lock().unwrap());
    (rows, asked)
}

fn cells(rows: &Rows) -> Vec<Vec<&str>> {
    rows.0.iter().map(|row| row.iter().map(|cell| cell.as_deref().unwrap_or("-")).collect()).collect()
}

#[tokio::test]
async fn the_subject_is_asked_by_sid() {
    for (query, params) in [
        (";objectGUID;{0}", &["CORP\\alice"][..]),
        (";objectguid;{0}", &["corp\\ALICE"]),
        ("samAccountName={0};objectGUID;{1}", &["alice", "CORP\\alice"]),
        ("( sAMAccountName = {0});objectGUID;{1}", &["Alice", "CORP\\alice"]),
    ] {
        let (rows, asked) = ask(Fake::default(), query, params).await;
        assert_eq!(cells(&rows.unwrap()), [["lVitZySG3EyNGZXWV5yq8g=="]], "{query}");
        assert_eq!(asked, ["guid S-1-5-21-1-2-3-1103"], "{query}");
    }
    let (rows, asked) =
        ask(Fake::default(), "; userPrincipalName, objectGUID,ms-ds-consistencyguid ,mail;{0}", &["CORP\\alice"]).await;
    assert_eq!(
        cells(&rows.unwrap()),
        [["alice@corp.example", "lVitZySG3EyNGZXWV5yq8g==", "/////////////////////w==", "a@x"], ["-", "-", "-", "b@x"]]
    );
    assert_eq!(asked[0], "attributes S-1-5-21-1-2-3-1103 userprincipalname,ms-ds-consistencyguid,mail");
}

#[tokio::test]
async fn anybody_else_is_searched_with_escaped_values() {
    let one = || Fake {
        found: vec![attributes(&[("mail", &["b@x"])]), attributes(&[("mail", &["c@x"])])],
        ..Fake::default()
    };
    for (query, params, expected) in [
        (";mail;{0}", &["CORP\\bob"][..], "search CORP (sAMAccountName=bob) mail"),
        (";mail;{0}", &["bob@corp.example"], "search corp.example (sAMAccountName=bob) mail"),
        // The subject's domain, but another account: never the subject's SID.
        ("samAccountName={0};mail;{1}", &["bob", "CORP\\alice"], "search CORP (samAccountName=bob) mail"),
        ("mail={0};mail;{1}", &["*)(uid=*", "CORP\\x"], r"search CORP (mail=\2a\29\28uid=\2a) mail"),
        ("(&(cn={0})(title={1}));mail;CORP\\x", &["a\\b", "c;d"], r"search CORP (&(cn=a\5cb)(title=c;d)) mail"),
        (";mail;{0}", &["CORP\\a\0b"], r"search CORP (sAMAccountName=a\00b) mail"),
    ] {
        let (rows, asked) = ask(one(), query, params).await;
        assert_eq!(cells(&rows.unwrap()), [["b@x"], ["c@x"]], "{query}");
        assert_eq!(asked, [expected], "{query}");
    }
    let (rows, _) = ask(Fake::default(), ";mail;{0}", &["CORP\\nobody"]).await;
    assert_eq!(rows, Ok(Rows::none()));
    let (rows, asked) = ask(Fake::default(), ";mail;{0}", &["bob"]).await;
    assert_eq!(rows, Err(StoreError::Account { account: "bob".into() }));
    assert!(asked.is_empty());
}

/// Built-in ones and those of another forest's domain too; one of a domain that is not configured has a SID and no name.
#[tokio::test]
async fn token_groups_in_every_form() {
    for (form, expected) in [
        ("tokenGroups", &["Domain Users", "Sales", "Partners", "Users"][..]),
        (
            "TokenGroups(domainQualifiedName)",
            &["CORP\\Domain Users", "CORP\\Sales", "OTHER\\Partners", "BUILTIN\\Users"],
        ),
        (
            "tokenGroups(longDomainQualifiedName)",
            &["corp.example\\Domain Users", "corp.example\\Sales", "other.example\\Partners", "BUILTIN\\Users"],
        ),
        (
            "tokenGroups(SID)",
            &[
                "S-1-5-21-1-2-3-513",
                "S-1-5-21-1-2-3-1110",
                "S-1-5-21-9-9-9-1200",
                "S-1-5-21-8-8-8-1200",
                "S-1-5-32-545",
            ],
        ),
    ] {
        let (rows, _) = ask(Fake::default(), &format!(";{form};{{0}}"), &["CORP\\alice"]).await;
        assert_eq!(cells(&rows.unwrap()).concat(), expected, "{form}");
    }
}

#[tokio::test]
async fn failures_stay_failures() {
    let (rows, _) = ask(Fake { down: true, ..Fake::default() }, ";objectGUID;{0}", &["CORP\\alice"]).await;
    assert!(rows.unwrap_err().is_retryable());
    let store = ActiveDirectoryStore::new(Arc::new(Fake::default()));
    let query = StoreQuery::new(NAME, ";mail,title;{0}", vec![Text::from("t")]);
    let rows = store.query(&QueryContext::default(), &query, &["CORP\\a".into()]).await;
    assert_eq!(rows, Err(StoreError::Columns { expected: 1, found: 2 }));
}

#[test]
fn queries_that_are_none() {
    for text in [
        "mail",
        ";mail",
        ";mail;",
        ";;{0}",
        ";mail,,cn;{0}",
        ";ma il;{0}",
        ";tokenGroups(x);{0}",
        "a;b;c;d",
        ";ma(il);{0}",
        "(cn={0};mail;{0}",
        "cn;mail;{0}",
    ] {
        assert!(AccountQuery::parse(text).is_err(), "{text}");
    }
    assert!(AccountQuery::parse(";mail;{0};").is_ok());
}
