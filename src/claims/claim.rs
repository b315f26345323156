//! A claim and the list of claims a rule set works on.

use super::Text;
use super::properties::Properties;
use super::types::value_type;

/// One statement about a subject (claims.md 1.4).
#[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Claim {
    /// Claim type URI; compared exactly, with case.
    #[serde(rename = "type")]
    pub claim_type: Text,
    /// The value; rules know text only.
    pub value: Text,
    /// XML Schema type URI of the value.
    #[serde(default = "string_value_type")]
    pub value_type: Text,
    /// Who states it: `AD AUTHORITY`, `LOCAL AUTHORITY`, a claims provider's identifier.
    pub issuer: Text,
    /// Who stated it first.
    pub original_issuer: Text,
    /// Properties by URI; a missing property reads as the empty text.
    #[serde(default, skip_serializing_if = "Properties::is_empty")]
    pub properties: Properties,
}

impl Claim {
    /// A text claim stated first by its issuer.
    pub fn new(claim_type: impl Into<Text>, value: impl Into<Text>, issuer: impl Into<Text>) -> Self {
        let issuer = issuer.into();
        Self {
            claim_type: claim_type.into(),
            value: value.into(),
            value_type: string_value_type(),
            original_issuer: issuer.clone(),
            issuer,
            properties: Properties::new(),
        }
    }

    /// The same claim with another value type URI.
    #[must_use]
    pub fn with_value_type(mut self, value_type: impl Into<Text>) -> Self {
        self.value_type = value_type.into();
        self
    }

    /// The same claim with a property.
    #[must_use]
    pub fn with_property(mut self, name: impl Into<Text>, value: impl Into<Text>) -> Self {
        self.properties.insert(name.into(), value.into());
        self
    }

    /// Whether the value is plain text, which tokens write without a type.
    pub fn is_string(&self) -> bool {
        &*self.value_type == value_type::STRING
    }
}

const fn string_value_type() -> Text {
    Text::constant(value_type::STRING)
}

/// An ordered list of claims; the same claim may stand in it more than once while rules run.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct ClaimSet(Vec<Claim>);

impl ClaimSet {
    /// An empty list.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Appends a claim.
    pub fn push(&mut self, claim: Claim) {
        self.0.push(claim);
    }

    /// The claims in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Claim> {
        self.0.iter()
    }

    /// The claims as a slice.
    pub fn as_slice(&self) -> &[Claim] {
        &self.0
    }

    /// How many claims there are.
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Claims of one type, in order.
    pub fn of_type<'a>(&'a self, claim_type: &'a str) -> impl Iterator<Item = &'a Claim> {
        self.0.iter().filter(move |claim| &*claim.claim_type == claim_type)
    }

    /// The value of the first claim of a type.
    pub fn first_value<'a>(&'a self, claim_type: &'a str) -> Option<&'a Text> {
        self.of_type(claim_type).next().map(|claim| &claim.value)
    }

    /// Whether there is a claim of this type and value.
    pub fn contains(&self, claim_type: &str, value: &str) -> bool {
        self.of_type(claim_type).any(|claim| &*claim.value == value)
    }

    /// Drops exact duplicates (all six fields equal), keeping the first of each.
    pub fn deduplicate(&mut self) {
        let duplicate = super::engine::duplicates(self.0.len(), |index| self.0.get(index));
        if duplicate.is_empty() {
            return;
        }
        let mut duplicate = duplicate.into_iter();
        self.0.retain(|_| !duplicate.next().unwrap_or(false));
    }

    /// Keeps only the claims that `keep` accepts.
    pub fn retain(&mut self, keep: impl FnMut(&Claim) -> bool) {
        self.0.retain(keep);
    }
}

impl From<Vec<Claim>> for ClaimSet {
    fn from(claims: Vec<Claim>) -> Self {
        Self(claims)
    }
}

impl Extend<Claim> for ClaimSet {
    fn extend<T: IntoIterator<Item = Claim>>(&mut self, claims: T) {
        self.0.extend(claims);
    }
}

impl FromIterator<Claim> for ClaimSet {
    fn from_iter<T: IntoIterator<Item = Claim>>(claims: T) -> Self {
        Self(claims.into_iter().collect())
    }
}

impl IntoIterator for ClaimSet {
    type Item = Claim;
    type IntoIter = std::vec::IntoIter<Claim>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a ClaimSet {
    type Item = &'a Claim;
    type IntoIter = std::slice::Iter<'a, Claim>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}
