//! Rules of the Entra trust that stop computers from registering: a computer has no second factor, and comes by certain
//! endpoints only.

use super::facts::{Facts, asks_type, is_needed, literal, makes, passes, sets};
use super::{Found, LintCode};
use crate::claims::Stage;
use crate::claims::language::{Condition, Expression, Operator, Property, Rule};
use crate::claims::types;

pub(super) fn lint(facts: &Facts<'_>, found: &mut Found<'_>) {
    if !facts.context.entra {
        return;
    }
    let stage = facts.context.stage;
    for (_, rule) in facts.rules() {
        if asks_second_factor(rule)
            && stage.is_none_or(|stage| stage == Stage::AdditionalAuthentication)
            && may_act_for_computers(rule)
        {
            second_factor(
                rule,
                "this asks computers for a second factor too, which they do not have: they cannot register in Entra",
                found,
            );
        }
        let denies = makes(rule).is_some_and(|literal| &*literal.text == types::DENY);
        if denies && may_act_for_computers(rule) {
            let without = rule.conditions.iter().any(|condition| asks_reference(condition) && !is_needed(condition));
            if without {
                second_factor(
                    rule,
                    "this denies who has no second factor, computers too: they cannot register in Entra",
                    found,
                );
            } else {
                blocked_endpoint(rule, found);
            }
        }
    }
    let permits: Vec<&Rule> = facts
        .rules()
        .map(|(_, rule)| rule)
        .filter(|rule| makes(rule).is_some_and(|literal| &*literal.text == types::PERMIT))
        .collect();
    let needs_factor =
        |rule: &&Rule| rule.conditions.iter().any(|condition| asks_reference(condition) && is_needed(condition));
    if let Some(first) = permits.first().filter(|_| permits.iter().all(needs_factor)) {
        second_factor(
            first,
            "only who has a second factor is permitted, which no computer has: they cannot register in Entra",
            found,
        );
    }
}

fn second_factor(rule: &Rule, message: &str, found: &mut Found<'_>) {
    let help = format!(
        "exempt the computers, for example by NOT EXISTS([Type == \"{}\", Value =~ \"-515$\"]) or by the endpoint they use: \
         NOT EXISTS([Type == \"{}\", Value =~ \"/windowstransport$\"])",
        types::GROUP_SID,
        types::X_MS_ENDPOINT_ABSOLUTE_PATH
    );
    found.push(LintCode::SecondFactorForComputers, rule.action.span, message, help);
}

/// Whether the rule issues what makes the server ask for a second factor.
fn asks_second_factor(rule: &Rule) -> bool {
    makes(rule).is_some_and(|literal| &*literal.text == types::AUTHENTICATION_METHOD)
        && matches!(sets(rule, &Property::Value), Some(Expression::Literal(literal)) if &*literal.text == MULTIPLE)
}

/// Whether the condition is about a second factor that was used.
fn asks_reference(condition: &Condition) -> bool {
    asks_type(condition).is_some_and(|literal| &*literal.text == types::AUTHN_METHODS_REFERENCES)
        && condition.tests().iter().any(|test| literal(test).is_some_and(|value| value.text.contains("multipleauthn")))
}

/// Whether a computer that registers from the intranet may fulfil every condition, as far as they show.
fn may_act_for_computers(rule: &Rule) -> bool {
    rule.conditions.iter().all(|condition| {
        let Some(claim_type) = asks_type(condition) else { return true };
        // Claims of a computer at registration; what is not listed it does not have.
        let values: &[&str] = match &*claim_type.text {
            types::GROUP_SID | types::PRIMARY_GROUP_SID => &["S-1-5-21-1-2-3-515"],
            types::WINDOWS_ACCOUNT_NAME | types::NAME => &["CORP\\WS01$"],
            types::PRIMARY_SID => &["S-1-5-21-1-2-3-4711"],
            types::INSIDE_CORPORATE_NETWORK => &["true"],
            types::X_MS_ENDPOINT_ABSOLUTE_PATH => &COMPUTER_ENDPOINTS,
            types::ACCOUNT_TYPE => &["DJ"],
            types::AUTHENTICATION_METHOD | types::AUTHN_METHODS_REFERENCES => &[WINDOWS],
            types::X_MS_CLIENT_IP | types::USER_IP | types::X_MS_CLIENT_USER_AGENT | types::RELYING_PARTY_TRUST_ID => {
                return is_needed(condition);
            }
            _ => &[],
        };
        let has = values.iter().any(|value| passes(condition.tests(), &Property::Value, value));
        has == is_needed(condition)
    })
}

/// A denial by the endpoint that holds for one of those a computer or Windows uses.
fn blocked_endpoint(rule: &Rule, found: &mut Found<'_>) {
    for condition in rule.conditions.iter().filter(|condition| is_needed(condition)) {
        let path = asks_type(condition).is_some_and(|literal| &*literal.text == types::X_MS_ENDPOINT_ABSOLUTE_PATH);
        let blocked = ENDPOINTS.iter().find(|endpoint| path && passes(condition.tests(), &Property::Value, endpoint));
        let by_name = condition.tests().iter().find(|test| {
            test.property.property == Property::Value
                && matches!(test.operator, Operator::NotEqual | Operator::NotMatch)
        });
        if let (Some(endpoint), Some(test)) = (blocked, by_name) {
            found.push(
                LintCode::RegistrationBlocked,
                test.span,
                format!("this denies requests at {endpoint}, which Windows uses for registration and sign-in"),
                "let the six endpoints pass: Value !~ \"^/adfs/(ls|oauth2|services/trust/(2005|13)/(windowstransport|usernamemixed|\
                 certificatemixed))\"",
            );
        }
    }
}

const MULTIPLE: &str = "http://schemas.microsoft.com/claims/multipleauthn";
const WINDOWS: &str = "http://schemas.microsoft.com/ws/2008/06/identity/authenticationmethod/windows";
const COMPUTER_ENDPOINTS: [&str; 2] =
    ["/adfs/services/trust/2005/windowstransport", "/adfs/services/trust/13/windowstransport"];
const ENDPOINTS: [&str; 6] = [
    "/adfs/services/trust/2005/windowstransport",
    "/adfs/services/trust/13/windowstransport",
    "/adfs/services/trust/2005/usernamemixed",
    "/adfs/services/trust/13/usernamemixed",
    "/adfs/services/trust/2005/certificatemixed",
    "/adfs/services/trust/13/certificatemixed",
];
