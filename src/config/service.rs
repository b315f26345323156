//! `[service]`: what the federation service is called, and where it keeps its state.

use std::path::PathBuf;

use super::names::DnsName;

/// The federation service as clients and partners know it.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// Host name in every URL of the service: `sts.corp.example`.
    pub federation_service_name: DnsName,
    /// Federation service identifier: the `Issuer` of tokens and the `entityID` of metadata. After loading never empty;
    /// `http://<federation_service_name>/adfs/services/trust` when the file does not say.
    #[serde(default)]
    pub identifier: String,
    /// Name shown to people on pages; the federation service name when the file does not say.
    #[serde(default)]
    pub display_name: String,
    /// Directory the server writes to: process id, the outcome of the last reload, keys unless `[keys]` says otherwise.
    #[serde(default = "default_state_directory")]
    pub state_directory: PathBuf,
}

impl Service {
    /// The file with the process id of the running server.
    pub fn pid_file(&self) -> PathBuf {
        self.state_directory.join("chancery.pid")
    }

    /// The file with the outcome of the last reload.
    pub fn last_reload_file(&self) -> PathBuf {
        self.state_directory.join("last-reload.json")
    }

    pub(super) fn complete(&mut self) {
        if self.identifier.is_empty() {
            self.identifier = format!("http://{}/adfs/services/trust", self.federation_service_name);
        }
        if self.display_name.is_empty() {
            self.display_name = self.federation_service_name.to_string();
        }
    }
}

fn default_state_directory() -> PathBuf {
    PathBuf::from("/var/lib/chancery")
}
