//! Overrides from the environment: `CHANCERY__SERVER__LOG__LEVEL=debug` stands over `level` in `[server.log]`.
//!
//! For containers. Segments are separated by two underscores and compared without regard to case; a number picks an element
//! of a list (`CHANCERY__DOMAINS__0__NETBIOS`). The value is read as TOML when it is a boolean, a number, a list, an inline
//! table or a quoted text, and as plain text otherwise.

use std::collections::BTreeMap;

/// The overrides a process was started with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// Those of `variables` that override keys, in order of their names.
    pub fn new(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        Self(variables.into_iter().filter(|(name, _)| name.starts_with(PREFIX)).collect())
    }

    /// The overrides of this process. Values that are not UTF-8 are left out.
    pub fn of_process() -> Self {
        Self::new(
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))),
        )
    }

    /// Each override: the variable, the path of its key, and the value as written.
    pub(super) fn overrides(&self) -> impl Iterator<Item = Override<'_>> {
        self.0.iter().map(|(variable, value)| Override {
            variable,
            path: variable.strip_prefix(PREFIX).unwrap_or_default().split("__").map(str::to_ascii_lowercase).collect(),
            value,
        })
    }
}

pub(super) struct Override<'a> {
    pub(super) variable: &'a str,
    pub(super) path: Vec<String>,
    pub(super) value: &'a str,
}

const PREFIX: &str = "CHANCERY__";
