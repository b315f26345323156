//! Claim types that are nearly a known one: `https://`, another case, a stray blank, a slip of the pen, another namespace.

use std::collections::HashSet;
use std::sync::LazyLock;

use super::facts::{Facts, asks_type};
use super::{Found, LintCode};
use crate::claims::descriptions;
use crate::claims::language::{Condition, Expression, Form, Literal, Operator, Property, is_slip};
use crate::claims::types as known;

pub(super) fn lint(facts: &Facts<'_>, found: &mut Found<'_>) {
    for (_, rule) in facts.rules() {
        for test in rule.conditions.iter().flat_map(Condition::tests) {
            if let (Property::Type, Operator::Equal | Operator::NotEqual, Expression::Literal(literal)) =
                (&test.property.property, test.operator, &test.operand)
                && facts.makers(&literal.text).is_empty()
            {
                about(literal, Use::Asked, facts, found);
            }
        }
        match &rule.action.form {
            Form::Copy(_) => {}
            Form::Create(assignments) => {
                for assignment in assignments {
                    if let (Property::Type, Expression::Literal(literal)) =
                        (&assignment.property.property, &assignment.value)
                    {
                        about(literal, Use::Made, facts, found);
                    }
                }
            }
            Form::Store(call) => call.types.iter().for_each(|literal| about(literal, Use::Made, facts, found)),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Use {
    /// A condition asks for the type.
    Asked,
    /// The rule makes claims of it.
    Made,
}

fn about(literal: &Literal, how: Use, facts: &Facts<'_>, found: &mut Found<'_>) {
    let text = &*literal.text;
    if is_known(text, facts) {
        return;
    }
    let Some((meant, why)) = nearly(text, how, facts) else { return };
    let effect = match how {
        Use::Asked => "no claim has this type, so the condition never matches",
        Use::Made => "whoever waits for the known type does not find it",
    };
    let code = if why == Slip::Https { LintCode::HttpsClaimType } else { LintCode::NearlyKnownType };
    let what = match why {
        Slip::Https => "the known claim type begins with http://, this one with https://",
        Slip::Blank => "blanks belong to a claim type, and this one has some more than a known type",
        Slip::Case => "this claim type differs from a known one by upper and lower case, which matter",
        Slip::Letters => "this claim type differs from a known one by a letter or two",
        Slip::Namespace => "the known claim type of this name has another namespace",
    };
    found.push(code, literal.span, format!("{what}: {effect}"), format!("write \"{meant}\" if that is meant"));
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Slip {
    Https,
    Blank,
    Case,
    Letters,
    Namespace,
}

/// The known type that is probably meant, and how the text differs from it.
fn nearly<'a>(text: &str, how: Use, facts: &'a Facts<'_>) -> Option<(&'a str, Slip)> {
    let trimmed = text.trim();
    let http = trimmed.strip_prefix("https://").map(|rest| format!("http://{rest}"));
    for (meant, slip) in [(http.as_deref(), Slip::Https), (Some(trimmed), Slip::Blank)] {
        let same = |known: &&str| Some(*known) == meant;
        if let Some(known) = all(facts).find(same) {
            return Some((known, slip));
        }
    }
    let bare = http.as_deref().unwrap_or(trimmed).trim_end_matches('/');
    if let Some(known) = all(facts).find(|known| known.eq_ignore_ascii_case(bare)) {
        return Some((known, if http.is_some() { Slip::Https } else { Slip::Case }));
    }
    if how == Use::Asked
        && let Some(made) = facts.made().filter(|made| made.eq_ignore_ascii_case(trimmed)).min()
    {
        return Some((made, if made == trimmed { Slip::Blank } else { Slip::Case }));
    }
    let (namespace, name) = split(bare)?;
    let slip = |known: &&str| {
        split(known).is_some_and(|(other, known)| {
            let far = known.len().min(name.len()) < SHORTEST || name.eq_ignore_ascii_case(known);
            other.eq_ignore_ascii_case(namespace) && !far && is_slip(&name.to_lowercase(), &known.to_lowercase())
        })
    };
    if let Some(known) = all(facts).find(slip) {
        return Some((known, Slip::Letters));
    }
    let schemas = ["http://schemas.microsoft.com/", "http://schemas.xmlsoap.org/"];
    if how == Use::Asked && schemas.iter().any(|schema| bare.to_lowercase().starts_with(schema)) {
        // Names such as `name` and `issuer` stand in several namespaces; only long ones tell what is meant.
        let same = |known: &&str| {
            split(known).is_some_and(|(_, other)| other.len() >= SHORTEST && other.eq_ignore_ascii_case(name))
        };
        return all(facts).find(same).map(|known| (known, Slip::Namespace));
    }
    None
}

/// Namespace with its `/`, and name.
fn split(claim_type: &str) -> Option<(&str, &str)> {
    let at = claim_type.rfind('/')?;
    Some((claim_type.get(..=at)?, claim_type.get(at + 1..)?))
}

/// Whether the server, the directory or Entra uses the type, or a description names it.
pub(super) fn is_known(claim_type: &str, facts: &Facts<'_>) -> bool {
    static KNOWN: LazyLock<HashSet<&str>> = LazyLock::new(|| built_in().collect());
    KNOWN.contains(claim_type) || facts.context.types.iter().any(|own| **own == *claim_type)
}

/// Whether the predicate holds for a type that the server, the directory or Entra uses, or that a description names.
pub(super) fn any_known(facts: &Facts<'_>, holds: impl Fn(&str) -> bool) -> bool {
    all(facts).any(|known| !is_made_by_rules(known) && holds(known))
}

/// Whether no sign-in brings along claims of the type, only rules of the Entra trust make them.
pub(super) fn is_made_by_rules(claim_type: &str) -> bool {
    MADE_BY_RULES.contains(&claim_type)
}

/// Whether a condition of the rule set asks for a type of which nothing is known.
pub(super) fn unknown<'a>(condition: &'a Condition, facts: &Facts<'_>) -> Option<&'a Literal> {
    let literal = asks_type(condition)?;
    (!is_known(&literal.text, facts) && nearly(&literal.text, Use::Asked, facts).is_none()).then_some(literal)
}

fn all<'a>(facts: &'a Facts<'_>) -> impl Iterator<Item = &'a str> {
    built_in().chain(facts.context.types.iter().map(|own| &**own))
}

fn built_in<'a>() -> impl Iterator<Item = &'a str> {
    descriptions::BUILT_IN.iter().map(|description| &*description.uri).chain(OTHERS.iter().copied())
}

/// Shortest name that two letters may differ in, or that tells its meaning without a namespace.
const SHORTEST: usize = 6;

/// Types that no sign-in brings along: rules of the Entra trust make them.
const MADE_BY_RULES: [&str; 6] = [
    known::ACCOUNT_TYPE,
    known::ISSUER_ID,
    known::ON_PREM_OBJECT_GUID,
    known::IMMUTABLE_ID,
    "http://schemas.microsoft.com/ws/2016/02/identity/claims/msdsconsistencyguid",
    "http://schemas.microsoft.com/ws/2016/02/identity/claims/objectguid",
];

/// Known types without a description: what sign-ins, authorization and Entra use, and the further types of the identity
/// schemas.
const OTHERS: &[&str] = &[
    known::IMPLICIT_UPN,
    known::ANCHOR_CLAIM_TYPE,
    known::ISSUER_ID,
    known::ACCOUNT_TYPE,
    known::ON_PREM_OBJECT_GUID,
    known::IMMUTABLE_ID,
    known::USER_IP,
    known::PERMIT,
    known::DENY,
    "http://schemas.microsoft.com/authorization/claims/PermitDeviceRegistration",
    "http://schemas.microsoft.com/authorization/claims/PermitDeviceRegistrationClaim",
    "http://schemas.microsoft.com/claims/authnmethodsproviders",
    known::ALTERNATE_LOGIN_ID,
    "http://schemas.microsoft.com/2014/02/devicecontext/claims/isknown",
    "http://schemas.microsoft.com/2014/02/deviceusagetime",
    known::PERSISTENT_SSO,
    "http://schemas.microsoft.com/2014/09/devicecontext/claims/iscompliant",
    "http://schemas.microsoft.com/2014/09/devicecontext/claims/trusttype",
    "http://schemas.microsoft.com/2015/09/prt",
    "http://schemas.microsoft.com/identity/claims/scope",
    "http://schemas.microsoft.com/ws/2008/06/identity/claims/expiration",
    "http://schemas.microsoft.com/ws/2008/06/identity/claims/expired",
    "http://schemas.microsoft.com/ws/2008/06/identity/claims/ispersistent",
    "http://schemas.microsoft.com/ws/2008/06/identity/claims/proxytrustid",
    "http://schemas.microsoft.com/ws/2008/06/identity/claims/userdata",
    "http://schemas.microsoft.com/ws/2008/06/identity/claims/version",
    "http://schemas.microsoft.com/ws/2008/06/identity/claims/windowsdeviceclaim",
    "http://schemas.microsoft.com/ws/2008/06/identity/claims/windowsdevicegroup",
    "http://schemas.microsoft.com/ws/2008/06/identity/claims/windowsuserclaim",
    "http://schemas.microsoft.com/ws/2016/02/identity/claims/msdsconsistencyguid",
    "http://schemas.microsoft.com/ws/2016/02/identity/claims/objectguid",
    "http://schemas.microsoft.com/ws/2017/04/identity/claims/multifactorauthenticationinstant",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/authentication",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/authorizationdecision",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/country",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/dateofbirth",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/dns",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/gender",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/hash",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/homephone",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/locality",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/mobilephone",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/otherphone",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/postalcode",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/sid",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/spn",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/stateorprovince",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/streetaddress",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/system",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/uri",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/webpage",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/x500distinguishedname",
    "http://schemas.xmlsoap.org/ws/2009/09/identity/claims/actor",
];
