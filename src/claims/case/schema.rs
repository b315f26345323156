//! The JSON of saved cases. Members that are not known are kept out and do no harm.

use crate::claims::types::issuer::AD_AUTHORITY;
use crate::claims::{Claim, Properties, Stage, Text};

/// Cases for one rule set.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CaseFile {
    /// The rule file, relative to this one; the file of the same name ending in `.rules` when it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules: Option<String>,
    /// What the rules are for; decides whether a case has a decision.
    #[serde(default = "issuance_transform")]
    pub stage: Stage,
    /// The cases.
    pub cases: Vec<Case>,
}

/// One run of the rules, and what must come of it.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Case {
    /// For people.
    #[serde(default)]
    pub name: String,
    /// The claims the rules start with, in order.
    #[serde(default)]
    pub input: Vec<SavedClaim>,
    /// The only answers that the attribute stores give.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stores: Vec<SavedAnswer>,
    /// Expected: the claims made by `issue`, without duplicates; not compared when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<Vec<SavedClaim>>,
    /// Expected: the claims made by `add`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub added: Option<Vec<SavedClaim>>,
    /// Expected: how many claims `issue` makes before duplicates are dropped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_count: Option<usize>,
    /// Expected: how many times a rule asks a store, answers from memory included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store_calls: Option<usize>,
    /// Expected: `permit` or `deny`, `mfa` or `no-mfa`, by the stage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<String>,
    /// Expected: the run fails in this way (see [`FailureKind`](super::FailureKind)); nothing else is compared then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// A claim. In the input, what is absent has its default; in what is expected, it is not compared.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SavedClaim {
    /// Claim type URI.
    #[serde(rename = "type")]
    pub claim_type: Text,
    /// Its value.
    pub value: Text,
    /// Type URI of the value; a string by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value_type: Option<Text>,
    /// Who states it; `AD AUTHORITY` by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<Text>,
    /// Who stated it first; the issuer by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub original_issuer: Option<Text>,
    /// Properties by URI; none by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub properties: Option<Properties>,
}

/// What a store answers to one question: exactly this query as written in the rule, and exactly these parameters.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct SavedAnswer {
    /// The store's name.
    pub store: String,
    /// The query as written in the rule, placeholders unreplaced.
    pub query: String,
    /// The parameters after evaluation.
    #[serde(default)]
    pub params: Vec<String>,
    /// Rows of cells, one for each claim type of the rule; `null` is no value.
    #[serde(default)]
    pub rows: Vec<Vec<Option<Text>>>,
    /// Why the store fails, in any form; then there are no rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<serde_json::Value>,
}

impl SavedClaim {
    /// The claim that goes into the rules.
    pub fn to_claim(&self) -> Claim {
        let issuer = self.issuer.clone().unwrap_or_else(|| AD_AUTHORITY.into());
        let mut claim = Claim::new(self.claim_type.clone(), self.value.clone(), issuer);
        if let Some(value_type) = &self.value_type {
            claim.value_type = value_type.clone();
        }
        if let Some(original) = &self.original_issuer {
            claim.original_issuer = original.clone();
        }
        claim.properties = self.properties.clone().unwrap_or_default();
        claim
    }

    /// Whether `claim` is what is expected here; a field that is absent is not compared.
    pub fn describes(&self, claim: &Claim) -> bool {
        let same = |expected: &Option<Text>, text: &Text| expected.as_ref().is_none_or(|expected| expected == text);
        self.claim_type == claim.claim_type
            && self.value == claim.value
            && same(&self.value_type, &claim.value_type)
            && same(&self.issuer, &claim.issuer)
            && same(&self.original_issuer, &claim.original_issuer)
            && self.properties.as_ref().is_none_or(|properties| *properties == claim.properties)
    }
}

impl From<&Claim> for SavedClaim {
    /// With all six fields.
    fn from(claim: &Claim) -> Self {
        Self {
            claim_type: claim.claim_type.clone(),
            value: claim.value.clone(),
            value_type: Some(claim.value_type.clone()),
            issuer: Some(claim.issuer.clone()),
            original_issuer: Some(claim.original_issuer.clone()),
            properties: Some(claim.properties.clone()),
        }
    }
}

const fn issuance_transform() -> Stage {
    Stage::IssuanceTransform
}
