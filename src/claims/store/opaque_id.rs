//! `_OpaqueIdStore`: identifiers of people that say nothing, stable for one relying party or new for each sign-in.
//!
//! They are derived with a secret of the farm, so every node makes the same ones and nobody else can. Identifiers that another
//! system issued are kept by a table ([`KnownIds`]).

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::known_ids::KnownIds;
use super::{AttributeStore, QueryContext, QueryText, Rows, StoreError, StoreQuery};
use crate::claims::Text;
use crate::secret::Secret;

/// The name the store has in AD FS.
pub const NAME: &str = "_OpaqueIdStore";

/// Octets a secret must have at least.
pub const LEAST_SECRET: usize = 32;

/// Derives opaque identifiers; queries are those of AD FS' rules.
pub struct OpaqueIdStore {
    key: hmac::Key,
    known: KnownIds,
}

/// Why there can be no such store.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the secret has {found} octets, and {LEAST_SECRET} are needed")]
pub struct ShortSecret {
    /// Octets of the secret.
    pub found: usize,
}

/// The parts of a query, cut before parameters are put in: values may hold `;`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpaqueIdQuery(Vec<QueryText>);

impl OpaqueIdQuery {
    /// Reads a query: `{0};{1};{2}` or `{0};{1};{2};{3};{4}`.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub fn parse(query: &str) -> Result<Self, StoreError> {
        let mut parts: Vec<&str> = query.split(';').map(str::trim).collect();
        // A `;` at the end is seen in practice.
        if parts.len() > 1 && parts.last().is_some_and(|part| part.is_empty()) {
            parts.pop();
        }
        if !matches!(parts.len(), 3 | 5) {
            return Err(StoreError::Query {
                reason: format!("it has three parts, kind;id;issuer, or five with entropy, not {}", parts.len()),
            });
        }
        Ok(Self(parts.into_iter().map(QueryText::parse).collect()))
    }

    fn values(&self, params: &[Text]) -> Vec<String> {
        self.0.iter().map(|part| part.substitute(params, |value, out| out.push_str(value))).collect()
    }
}

impl OpaqueIdStore {
    /// A store with the farm's secret and identifiers issued elsewhere.
    ///
    /// # Errors
    /// [`ShortSecret`].
    pub fn new(secret: &Secret<Vec<u8>>, known: KnownIds) -> Result<Self, ShortSecret> {
        let secret = secret.expose();
        if secret.len() < LEAST_SECRET {
            return Err(ShortSecret { found: secret.len() });
        }
        Ok(Self { key: hmac::Key::new(hmac::HMAC_SHA256, secret), known })
    }

    fn derive(&self, parts: &[&str]) -> Text {
        let mut context = hmac::Context::with_key(&self.key);
        for (index, part) in parts.iter().enumerate() {
            if index > 0 {
                context.update(&[0]);
            }
            context.update(part.as_bytes());
        }
        STANDARD.encode(context.sign()).into()
    }
}

#[async_trait::async_trait]
impl AttributeStore for OpaqueIdStore {
    async fn query(&self, cx: &QueryContext<'_>, query: &StoreQuery, params: &[Text]) -> Result<Rows, StoreError> {
        if query.columns() != 1 {
            return Err(StoreError::Columns { expected: query.columns(), found: 1 });
        }
        let values = OpaqueIdQuery::parse(query.text())?.values(params);
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        let relying_party = cx.relying_party.ok_or_else(|| StoreError::Failed {
            reason: String::from("an opaque id is made for a relying party, and none is known here"),
        })?;
        if values.iter().chain([&relying_party]).any(|value| value.contains('\0')) {
            return Err(StoreError::Failed { reason: String::from("a value holds a NUL") });
        }
        let id = match values.as_slice() {
            ["ppid", id, issuer] => match self.known.find(relying_party, id) {
                Some(known) => known.clone(),
                None => self.derive(&[relying_party, id, issuer]),
            },
            ["useEntropy", id, issuer, extra, instant] => {
                self.derive(&[relying_party, id, issuer, "useEntropy", extra, instant])
            }
            [kind, ..] => {
                return Err(StoreError::Query {
                    reason: format!(
                        "there is no kind '{kind}' with {} parts; there are ppid and useEntropy",
                        values.len()
                    ),
                });
            }
            [] => return Ok(Rows::none()),
        };
        Ok(Rows(vec![vec![Some(id)]]))
    }
}

impl std::fmt::Debug for OpaqueIdStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpaqueIdStore").field("known", &self.known.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store(table: &str) -> OpaqueIdStore {
        OpaqueIdStore::new(&Secret::new(vec![7; 32]), KnownIds::parse(table).unwrap()).unwrap()
    }

    async fn ask(store: &OpaqueIdStore, relying_party: &str, params: &[&str]) -> Result<Text, StoreError> {
        let text = if params.len() == 3 { "{0};{1};{2}" } else { "{0};{1};{2};{3};{4}" };
        let query = StoreQuery::new(NAME, text, vec![Text::from("t")]);
        let params: Vec<Text> = params.iter().map(|param| Text::from(*param)).collect();
        let cx = QueryContext { relying_party: Some(relying_party), ..QueryContext::default() };
        let mut rows = store.query(&cx, &query, &params).await?.0;
        Ok(rows.pop().unwrap().pop().unwrap().unwrap())
    }

    #[tokio::test]
    async fn an_id_is_stable_for_one_person_at_one_relying_party() {
        let store = store("");
        let alice = ask(&store, "urn:a", &["ppid", "CORP\\alice", "AD AUTHORITY"]).await.unwrap();
        // HMAC-SHA256 with 32 octets of 7 over "urn:a\0CORP\alice\0AD AUTHORITY": a change would make everybody a stranger.
        assert_eq!(&*alice, EXPECTED);
        assert_eq!(ask(&store, "urn:a", &["ppid", "CORP\\alice", "AD AUTHORITY"]).await.unwrap(), alice);
        for (relying_party, id, issuer) in [
            ("urn:b", "CORP\\alice", "AD AUTHORITY"),
            ("urn:a", "CORP\\bob", "AD AUTHORITY"),
            ("urn:a", "CORP\\alice", "urn:idp"),
            ("urn:aC", "ORP\\alice", "AD AUTHORITY"),
        ] {
            assert_ne!(ask(&store, relying_party, &["ppid", id, issuer]).await.unwrap(), alice);
        }
    }

    #[tokio::test]
    async fn entropy_makes_an_id_of_one_sign_in() {
        let store = store("");
        let at =
            async |instant| ask(&store, "urn:a", &["useEntropy", "CORP\\alice", "AD AUTHORITY", "", instant]).await;
        let first = at("2026-01-05T10:00:00.000Z").await.unwrap();
        assert_eq!(at("2026-01-05T10:00:00.000Z").await.unwrap(), first);
        assert_ne!(at("2026-01-05T10:00:01.000Z").await.unwrap(), first);
    }

    #[tokio::test]
    async fn ids_issued_elsewhere_stay() {
        let store = store("relying_party,id,opaque_id\nurn:a,CORP\\alice,b2xk\n");
        assert_eq!(&*ask(&store, "urn:a", &["ppid", "corp\\ALICE", "AD AUTHORITY"]).await.unwrap(), "b2xk");
        assert_ne!(&*ask(&store, "urn:b", &["ppid", "CORP\\alice", "AD AUTHORITY"]).await.unwrap(), "b2xk");
    }

    #[tokio::test]
    async fn what_cannot_be_answered_is_an_error() {
        let store = store("");
        assert!(ask(&store, "urn:a", &["PPID", "x", "y"]).await.is_err());
        assert!(ask(&store, "urn:a", &["ppid", "x\0", "y"]).await.is_err(), "a NUL would make two people one");
        let query = StoreQuery::new(NAME, "{0};{1};{2}", vec![Text::from("t")]);
        let params = ["ppid", "x", "y"].map(Text::from);
        assert!(store.query(&QueryContext::default(), &query, &params).await.is_err());
        assert_eq!(
            OpaqueIdStore::new(&Secret::new(vec![7; 31]), KnownIds::default()).err(),
            Some(ShortSecret { found: 31 })
        );
        for text in ["", "{0}", "{0};{1}", "{0};{1};{2};{3}", "a;b;c;d;e;f"] {
            assert!(OpaqueIdQuery::parse(text).is_err(), "{text}");
        }
    }

    const EXPECTED: &str = "5YSDCYVN6h/Y+zvv6R2hstiLbWi5EcgdcK6GUyBBhgU=";
}
