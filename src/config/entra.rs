//! `[entra]`: the settings from which the built-in trust with Microsoft Entra is made.

use super::names::DnsName;
use crate::claims::policy::Parameters;

/// Federation with a Microsoft Entra tenant.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Entra {
    /// Whether the built-in trust exists.
    pub enabled: bool,
    /// Federated domains of the tenant. A user's issuer is that of the longest domain that holds the user's UPN suffix; a
    /// user of no listed domain gets no token.
    pub domains: Vec<EntraDomain>,
    /// The domain whose issuer computers get; the first listed when the file does not say.
    pub computer_domain: Option<DnsName>,
    /// Where the immutable id comes from.
    pub source_anchor: SourceAnchor,
    /// LDAP attribute with the sign-in name that Entra knows.
    pub upn_attribute: String,
    /// Issue `DJ` to workstations and member servers only, as the directory knows them: object class computer, and no managed
    /// service account.
    pub computer_guard: bool,
    /// Validity of tokens, in minutes.
    pub token_lifetime_minutes: u32,
    /// Who may get a token.
    pub access_control_policy: String,
    /// Values of the policy's parameters.
    pub access_control_policy_parameters: Parameters,
    /// Claims providers that may sign users in, by name or identifier; all when absent.
    pub claims_providers: Option<Vec<String>>,
}

impl Entra {
    /// The domain whose issuer computers get; `None` when no domain is listed or the one named is not in the list.
    pub fn computer_domain(&self) -> Option<&EntraDomain> {
        match &self.computer_domain {
            Some(name) => self.domains.iter().find(|domain| domain.name == *name),
            None => self.domains.first(),
        }
    }

    /// The issuer of the longest domain that holds the suffix of `upn`, or for an account without one, which is a computer's, that of
    /// computers. `None` when no domain holds it.
    pub fn issuer_of(&self, upn: Option<&str>) -> Option<&str> {
        let Some(upn) = upn else { return Some(&self.computer_domain()?.issuer_uri) };
        let suffix = upn.rsplit_once('@')?.1.to_ascii_lowercase();
        let holds = |name: &str| suffix == name || suffix.ends_with(&format!(".{name}"));
        let domains = self.domains.iter().filter(|domain| holds(&domain.name.as_str().to_ascii_lowercase()));
        Some(&domains.max_by_key(|domain| domain.name.as_str().len())?.issuer_uri)
    }
}

impl Default for Entra {
    fn default() -> Self {
        Self {
            enabled: false,
            domains: Vec::new(),
            computer_domain: None,
            source_anchor: SourceAnchor::ConsistencyGuid,
            upn_attribute: String::from("userPrincipalName"),
            computer_guard: true,
            token_lifetime_minutes: 60,
            access_control_policy: String::from("permit-everyone"),
            access_control_policy_parameters: Parameters::default(),
            claims_providers: None,
        }
    }
}

/// `[[entra.domains]]`: a federated domain and its issuer.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EntraDomain {
    /// The domain as verified in Entra: `corp.example`.
    pub name: DnsName,
    /// `IssuerUri` in the domain's federation settings, character by character. After loading never empty:
    /// `http://<name>/adfs/services/trust/` when the file does not say.
    #[serde(default)]
    pub issuer_uri: String,
}

impl EntraDomain {
    pub(super) fn complete(&mut self) {
        if self.issuer_uri.is_empty() {
            self.issuer_uri = format!("http://{}/adfs/services/trust/", self.name);
        }
    }
}

/// Where a user's immutable id comes from; must be what Entra Connect uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
pub enum SourceAnchor {
    /// `mS-DS-ConsistencyGuid` when the object has one, else `objectGUID`; Entra Connect's default.
    #[serde(rename = "mS-DS-ConsistencyGuid")]
    ConsistencyGuid,
    /// `objectGUID` always.
    #[serde(rename = "objectGUID")]
    ObjectGuid,
}
