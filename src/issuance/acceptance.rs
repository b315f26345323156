//! What the acceptance rules of Active Directory may make of its word.
//!
//! They choose what gets in, and may add to it. They are no source of what later stages take for a fact that this server established:
//! who the account is and what it is in, how and when it signed in, and where the request came from. Whoever decides by such a
//! claim decides by the ticket, the directory, the device registry or the connection, whatever the rules say.

use std::collections::HashSet;

use super::error::IssueError;
use crate::claims::language::{self, Form};
use crate::claims::{ClaimSet, ParseOptions, RuleSet, types};

/// Acceptance transform rules of the local claims provider, and whether they can make a claim at all.
#[derive(Debug)]
pub(super) struct LocalAcceptance {
    pub(super) rules: RuleSet,
    makes_claims: bool,
}

impl LocalAcceptance {
    pub(super) fn new(rules: RuleSet) -> Self {
        let copies = language::parse(rules.text(), ParseOptions::default())
            .is_ok_and(|(tree, _)| tree.rules.iter().all(|rule| matches!(rule.action.form, Form::Copy(_))));
        Self { rules, makes_claims: !copies }
    }

    /// Whether what the rules made of `input` holds only such claims of [`types::STATED_BY_SERVER`] as are there: the same type and
    /// the same value.
    ///
    /// # Errors
    /// [`IssueError::StatedByRule`].
    pub(super) fn check(&self, input: &ClaimSet, accepted: &ClaimSet) -> Result<(), IssueError> {
        if !self.makes_claims {
            return Ok(());
        }
        let stated: HashSet<(&str, &str)> = input.iter().map(|claim| (&*claim.claim_type, &*claim.value)).collect();
        let made = accepted.iter().find(|claim| {
            types::STATED_BY_SERVER.contains(&&*claim.claim_type)
                && !stated.contains(&(&*claim.claim_type, &*claim.value))
        });
        match made {
            None => Ok(()),
            Some(claim) => Err(IssueError::StatedByRule { claim_type: claim.claim_type.to_string() }),
        }
    }
}
