//! The values a trust gives for a policy's parameters.

use std::collections::BTreeMap;

/// Values by the name of the parameter.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Parameters(BTreeMap<String, Vec<String>>);

impl Parameters {
    /// Sets the values of a parameter.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, values: impl IntoIterator<Item = String>) -> Self {
        self.0.entry(name.into()).or_default().extend(values);
        self
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The values of a parameter under the name that a policy uses, and the name as it was given.
    pub(super) fn get(&self, name: &str) -> Option<(&str, &[String])> {
        let mut given = self.0.iter().filter(|(given, _)| same(given, name));
        given.next().map(|(given, values)| (given.as_str(), values.as_slice()))
    }

    /// Names as they were given.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

/// Whether a name that was given means a parameter: AD FS' names for those of its policies are known.
pub(super) fn same(given: &str, name: &str) -> bool {
    given.eq_ignore_ascii_case(name)
        || AD_FS_NAMES.iter().any(|(ad_fs, ours)| given.eq_ignore_ascii_case(ad_fs) && *ours == name)
}

/// The parameter that a text of a policy stands for: `{groups}`.
pub(super) fn reference(value: &str) -> Option<&str> {
    let name = value.strip_prefix('{')?.strip_suffix('}')?;
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    (!name.is_empty() && name.chars().all(plain)).then_some(name)
}

const AD_FS_NAMES: [(&str, &str); 1] = [("GroupParameter", "groups")];

impl<'de> serde::Deserialize<'de> for Parameters {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let values = BTreeMap::<String, OneOrMore>::deserialize(deserializer)?;
        let list = |values: OneOrMore| match values {
            OneOrMore::One(value) => vec![value],
            OneOrMore::More(values) => values,
        };
        Ok(Self(values.into_iter().map(|(name, values)| (name, list(values))).collect()))
    }
}

#[derive(serde::Deserialize)]
#[serde(untagged, expecting = "the value of a parameter must be a text or a list of texts")]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}
