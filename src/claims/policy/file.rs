//! A policy as it is written: the keys of `[[access_control_policies]]`.

/// `[[access_control_policies]]`: a policy.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Name by which trusts refer to it.
    pub name: String,
    /// What it is for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// The permits; one that applies is enough.
    #[serde(default)]
    pub permit: Vec<Permit>,
}

/// `[[access_control_policies.permit]]`: who is permitted.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Permit {
    /// Conditions, all of which must hold; none means everybody.
    #[serde(skip_serializing_if = "Conditions::is_empty")]
    pub when: Conditions,
    /// Exceptions, any of which cancels the permit.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub except: Vec<Conditions>,
    /// Whether a second factor is needed, too. It is asked for when no other permit applies without one.
    #[serde(skip_serializing_if = "is_false")]
    pub require_mfa: bool,
}

/// Conditions, all of which must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Conditions {
    /// Where the request comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<Location>,
    /// Networks, any of which holds the client's address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub networks: Option<Vec<String>>,
    /// Groups, any of which the subject is a member of: SIDs, or `DOMAIN\name`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub groups: Option<Vec<String>>,
    /// How far the device is trusted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<Device>,
    /// Claims, each of which must be there.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub claims: Vec<ClaimTest>,
    /// A second factor was used.
    #[serde(skip_serializing_if = "is_false")]
    pub mfa_present: bool,
    /// A domain-joined computer signs in with its ticket at a Windows endpoint, or for the device registration service.
    #[serde(skip_serializing_if = "is_false")]
    pub device_registration: bool,
}

impl Conditions {
    /// Whether nothing is asked.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Inside or outside the corporate network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Location {
    /// Inside.
    Intranet,
    /// Outside.
    Extranet,
}

/// How far a device is trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Device {
    /// A registered device took part in the sign-in.
    Authenticated,
    /// It is managed.
    Managed,
    /// It complies with the rules of its management.
    Compliant,
}

/// A claim that must be there.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields)]
pub struct ClaimTest {
    /// Claim type.
    #[serde(rename = "type")]
    pub claim_type: String,
    /// How values are compared.
    #[serde(default)]
    pub operator: Operator,
    /// Values, any of which will do; none with `exists`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
}

/// How a claim's value is compared. Case does not matter, except in `matches`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Operator {
    /// The value is one of those given.
    #[default]
    #[serde(alias = "Equals")]
    Equals,
    /// The value holds one of those given.
    #[serde(alias = "Contains")]
    Contains,
    /// The value begins with one of those given.
    #[serde(alias = "StartsWith")]
    StartsWith,
    /// The value ends with one of those given.
    #[serde(alias = "EndsWith")]
    EndsWith,
    /// The value matches the one regular expression given, with case.
    #[serde(alias = "Matches")]
    Matches,
    /// There is such a claim.
    #[serde(alias = "Exists", alias = "IsPresent")]
    Exists,
}

impl Policy {
    /// Every text that may refer to a parameter.
    pub(super) fn lists(&self) -> impl Iterator<Item = &String> {
        let all = self.permit.iter().flat_map(|permit| std::iter::once(&permit.when).chain(&permit.except));
        all.flat_map(|conditions| {
            let lists = [&conditions.networks, &conditions.groups].into_iter().flatten().flatten();
            lists.chain(conditions.claims.iter().flat_map(|claim| &claim.values))
        })
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
const fn is_false(value: &bool) -> bool {
    !*value
}
