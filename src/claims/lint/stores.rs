//! Attribute stores that are not there.

use super::facts::Facts;
use super::{Found, LintCode};
use crate::claims::language::Form;

pub(super) fn lint(facts: &Facts<'_>, found: &mut Found<'_>) {
    for (_, rule) in facts.rules() {
        let Form::Store(call) = &rule.action.form else { continue };
        let name = call.store.text.trim();
        let known: Vec<&str> = match &facts.context.stores {
            Some(names) => names.iter().map(|name| name.trim()).collect(),
            None => BUILT_IN_STORES.to_vec(),
        };
        if known.iter().any(|known| known.to_lowercase() == name.to_lowercase()) {
            continue;
        }
        let help = match &facts.context.stores {
            Some(_) => format!("configure it, or name one of these: {}", known.join(", ")),
            None => String::from("name the attribute store as it is configured; with --store NAME it is known here"),
        };
        let message =
            format!("no attribute store '{name}' is known (POLICY0017): whenever the rule acts, the request fails");
        found.push(LintCode::UnknownStore, call.store.span, message, help);
    }
}

/// The stores of every installation.
pub const BUILT_IN_STORES: [&str; 5] =
    ["Active Directory", "_PasswordExpiryStore", "_OpaqueIdStore", "_ProxyCredentialStore", "StringProcessing"];
