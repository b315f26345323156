//! `[claim_rules]`: bounds that stop a rule set before it stops the server, and leave room for real ones.

use crate::config::Config;
use crate::config::findings::Findings;

pub(super) fn check(config: &Config, findings: &mut Findings<'_, '_, '_>) {
    let settings = &config.claim_rules;
    for (key, value, allowed) in [
        ("claim_rules.claims", settings.claims as u64, 100..=100_000),
        ("claim_rules.combinations", settings.combinations as u64, 1000..=1_000_000),
        ("claim_rules.steps", settings.steps, 100_000..=50_000_000),
    ] {
        findings.within(key, &value, &allowed, "leave it out for the default");
    }
}
