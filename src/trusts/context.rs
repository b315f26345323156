//! What compiling a trust file needs: where findings go, where files are, and what time it is.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::claims::Text;
use crate::claims::policy::Policies;
use crate::claims::store::StoreCatalog;
use crate::clock::UtcTime;
use crate::config::diagnostic::Code;
use crate::config::findings::Findings;
use crate::config::load::{MAX_CONFIGURATION_FILE, read_bounded};
use crate::pages::theme::Theme;

/// A trust file on its way to a trust.
pub(crate) struct TrustContext<'r, 'd, 't> {
    pub(super) findings: Findings<'r, 'd, 't>,
    pub(super) now: UtcTime,
    pub(super) policies: Policies,
    /// The attribute stores that rules may ask; `None` when that is not known.
    pub(super) stores: Option<&'d StoreCatalog>,
    /// Claim types that have a description of their own; `None` when that is not known.
    pub(super) claim_types: Option<Vec<Text>>,
    /// The service's theme, which a relying party's completes.
    pub(super) theme: Arc<Theme>,
    /// Where fetched metadata is kept; `None` when that is not known.
    pub(super) state_directory: Option<PathBuf>,
    /// Identifiers that the trust's metadata names beside its own.
    pub(super) scopes: Vec<String>,
    files: Vec<PathBuf>,
    secret_files: Vec<PathBuf>,
}

impl<'r, 'd, 't> TrustContext<'r, 'd, 't> {
    /// Findings about the trust file go to `findings`; certificates are judged at `now`, store rules by `stores`.
    pub(crate) fn new(findings: Findings<'r, 'd, 't>, now: UtcTime, stores: Option<&'d StoreCatalog>) -> Self {
        Self {
            findings,
            now,
            policies: Policies::default(),
            stores,
            claim_types: None,
            theme: Arc::default(),
            state_directory: None,
            scopes: Vec::new(),
            files: Vec::new(),
            secret_files: Vec::new(),
        }
    }

    /// The same with the access control policies that a trust may name, beside the built-in ones.
    pub(crate) fn with_policies(self, policies: &Policies) -> Self {
        Self { policies: policies.clone(), ..self }
    }

    /// The same with the claim types that the configuration describes.
    pub(crate) fn with_claim_types<'c>(self, types: impl IntoIterator<Item = &'c str>) -> Self {
        Self { claim_types: Some(types.into_iter().map(Text::from).collect()), ..self }
    }

    /// The same with the theme of the service.
    pub(crate) fn with_theme(self, theme: &Arc<Theme>) -> Self {
        Self { theme: theme.clone(), ..self }
    }

    /// The same with the directory in which the server keeps its state.
    pub(crate) fn with_state_directory(self, directory: &Path) -> Self {
        Self { state_directory: Some(directory.to_owned()), ..self }
    }

    /// The identifiers that the metadata of the relying party names.
    pub(crate) fn take_scopes(&mut self) -> Vec<String> {
        std::mem::take(&mut self.scopes)
    }

    /// Every file the trust named.
    pub(crate) fn into_files(self) -> Vec<PathBuf> {
        self.files
    }

    /// The files with secrets that the trust named.
    pub(crate) fn secret_files(&self) -> &[PathBuf] {
        &self.secret_files
    }

    /// As [`TrustContext::read`], for a file with a secret: its content counts for no digest that is shown.
    pub(super) fn read_secret(&mut self, path: &Path, key: &str) -> Option<(PathBuf, Vec<u8>)> {
        let read = self.read(path, key);
        self.secret_files.extend(self.files.pop());
        read
    }

    /// The content of a file that `key` names, relative to the trust file's directory; a finding when it cannot be read.
    pub(super) fn read(&mut self, path: &Path, key: &str) -> Option<(PathBuf, Vec<u8>)> {
        let path = self.findings.document().file().parent().unwrap_or_else(|| Path::new("")).join(path);
        self.files.push(path.clone());
        match read_bounded(&path, MAX_CONFIGURATION_FILE) {
            Ok(bytes) => Some((path, bytes)),
            Err(error) => {
                self.findings.error(
                    Code::File,
                    key,
                    format!("the file {} cannot be read: {error}", path.display()),
                    "relative paths start at the directory of the trust file",
                );
                None
            }
        }
    }
}
