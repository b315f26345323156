//! The properties of a claim.
//!
//! Hardly any claim has one, and every claim is copied and dropped several times in a sign-in: none costs one word and no look.

use std::collections::BTreeMap;
use std::collections::btree_map::Iter;

use super::Text;

/// Properties of a claim by URI, in the order of the URIs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
#[expect(clippy::box_collection, reason = "one word instead of three in every claim")]
pub struct Properties(Option<Box<BTreeMap<Text, Text>>>);

impl Properties {
    /// No property.
    pub const fn new() -> Self {
        Self(None)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.as_ref().is_none_or(|held| held.is_empty())
    }

    /// The value of a property; `None` when the claim does not have it.
    pub fn get(&self, name: &str) -> Option<&Text> {
        self.0.as_ref()?.get(name)
    }

    /// Gives a property its value, in place of the one it had.
    pub fn insert(&mut self, name: Text, value: Text) {
        self.0.get_or_insert_default().insert(name, value);
    }

    /// Name and value of each.
    pub fn iter(&self) -> Iter<'_, Text, Text> {
        self.into_iter()
    }
}

impl<'p> IntoIterator for &'p Properties {
    type Item = (&'p Text, &'p Text);
    type IntoIter = Iter<'p, Text, Text>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.as_deref().unwrap_or(&NONE).iter()
    }
}

impl From<BTreeMap<Text, Text>> for Properties {
    fn from(properties: BTreeMap<Text, Text>) -> Self {
        // Equal to what was never given one.
        Self((!properties.is_empty()).then(|| Box::new(properties)))
    }
}

impl serde::Serialize for Properties {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self)
    }
}

impl<'de> serde::Deserialize<'de> for Properties {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        BTreeMap::deserialize(deserializer).map(Self::from)
    }
}

static NONE: BTreeMap<Text, Text> = BTreeMap::new();
