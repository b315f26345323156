//! `[claim_rules]`: how much a rule set may do in one sign-in.

/// Bounds of one run of a rule set.
#[derive(Debug, Clone, Copy, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClaimRules {
    /// Most claims that a rule set has at once.
    pub claims: usize,
    /// Most combinations of claims that one rule acts on.
    pub combinations: usize,
    /// Most comparisons, attempts of patterns and combinations together.
    pub steps: u64,
    /// Whether patterns made of claim values run.
    pub dynamic_patterns: bool,
}

impl Default for ClaimRules {
    fn default() -> Self {
        let limits = crate::claims::Limits::default();
        Self {
            claims: limits.claims,
            combinations: limits.tuples,
            steps: limits.work,
            dynamic_patterns: limits.dynamic_patterns,
        }
    }
}
