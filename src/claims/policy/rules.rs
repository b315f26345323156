//! From typed conditions to claim rules.
//!
//! A condition is one `EXISTS` or `NOT EXISTS`, so that all of a permit stand in one rule and an exception is its opposite.
//! What is no single test (an exception of several conditions, membership by name, a device registration) is first found out
//! by a rule of its own that adds a claim of a type nobody else issues.

use std::fmt::Write as _;
use std::sync::Arc;

use ipnet::IpNet;

use super::conditions::{Condition, Permit};
use super::file::{Device, Location, Operator, Policy};
use super::{CompiledPolicy, PolicyPlace, PolicyProblem, PolicyProblemKind};
use crate::claims::types::{self, issuer};
use crate::claims::{MULTIPLE_AUTHENTICATION, RuleSet};

/// Writes the rules of a policy and compiles them.
pub(super) fn compile(policy: &Policy, permits: &[Permit]) -> Result<CompiledPolicy, Vec<PolicyProblem>> {
    let parse = |text: String| {
        RuleSet::parse(&text).map_err(|error| {
            let kind = PolicyProblemKind::Rules { reason: error.to_string() };
            vec![PolicyProblem { place: PolicyPlace::Policy(String::new()), kind }]
        })
    };
    let asks = permits.iter().any(|permit| permit.require_mfa);
    let mut networks: Vec<IpNet> = permits
        .iter()
        .flat_map(all_conditions)
        .filter_map(|condition| match condition {
            Condition::Networks(networks) => Some(networks),
            _ => None,
        })
        .flatten()
        .copied()
        .collect();
    networks.sort_unstable();
    networks.dedup();
    let is_registration = |condition: &Condition| matches!(condition, Condition::DeviceRegistration);
    let everybody =
        |permit: &Permit| permit.conditions.is_empty() && permit.exceptions.is_empty() && !permit.require_mfa;
    Ok(CompiledPolicy {
        authorization: parse(authorization(policy, permits))?,
        additional_authentication: if asks { Some(parse(additional_authentication(policy, permits))?) } else { None },
        networks: Arc::from(networks),
        needs_computer_guard: permits.iter().flat_map(all_conditions).any(is_registration),
        permits_everyone: permits.iter().any(everybody),
    })
}

fn all_conditions(permit: &Permit) -> impl Iterator<Item = &Condition> {
    permit.conditions.iter().chain(permit.exceptions.iter().flatten())
}

/// One rule for each permit.
fn authorization(policy: &Policy, permits: &[Permit]) -> String {
    let mut text = preparation(permits);
    for (place, permit) in permits.iter().enumerate() {
        let mut tests = applies(permit, place);
        if permit.require_mfa {
            tests.push(exists(false, &mfa_present()));
        }
        let name = format!("{}: permit {}", policy.name, place + 1);
        let action = format!("issue(Type = \"{}\", Value = \"{}\")", types::PERMIT, permit_value(place));
        rule(&mut text, &name, &tests, &action);
    }
    text
}

/// Who is asked for a second factor: whom a permit with `require_mfa` would help, and no other permit does without.
fn additional_authentication(policy: &Policy, permits: &[Permit]) -> String {
    let mut text = preparation(permits);
    let any_without = permits.iter().any(|permit| !permit.require_mfa);
    for (place, permit) in permits.iter().enumerate().filter(|(_, permit)| !permit.require_mfa) {
        let name = format!("{}: permit {} needs no second factor", policy.name, place + 1);
        let action = format!("add(Type = \"{PERMITTED}\", Value = \"{}\")", permit_value(place));
        rule(&mut text, &name, &applies(permit, place), &action);
    }
    for (place, permit) in permits.iter().enumerate().filter(|(_, permit)| permit.require_mfa) {
        let mut tests = applies(permit, place);
        if any_without {
            tests.insert(0, exists(true, &format!("Type == \"{PERMITTED}\", {LOCAL}")));
        }
        let name = format!("{}: permit {} needs a second factor", policy.name, place + 1);
        let action =
            format!("issue(Type = \"{}\", Value = \"{MULTIPLE_AUTHENTICATION}\")", types::AUTHENTICATION_METHOD);
        rule(&mut text, &name, &tests, &action);
    }
    text
}

/// The tests of a permit: its conditions hold and none of its exceptions does.
fn applies(permit: &Permit, place: usize) -> Vec<String> {
    let mut tests: Vec<String> = permit.conditions.iter().map(|condition| test(condition, Side::Permit)).collect();
    for (number, exception) in permit.exceptions.iter().enumerate() {
        if let [condition] = exception.as_slice() {
            tests.push(test(condition, Side::Exception));
        } else {
            let value = exception_value(place, number);
            tests.push(exists(true, &format!("Type == \"{EXCEPTION}\", Value == \"{value}\", {LOCAL}")));
        }
    }
    tests
}

/// Rules that find out what is no single test.
fn preparation(permits: &[Permit]) -> String {
    let mut text = String::new();
    let any = |wanted: fn(&Condition) -> bool| permits.iter().flat_map(all_conditions).any(wanted);
    if any(|condition| matches!(condition, Condition::Groups { names, .. } if !names.is_empty())) {
        let account =
            format!("account:[Type == \"{}\", Issuer == \"{}\"]", types::WINDOWS_ACCOUNT_NAME, issuer::AD_AUTHORITY);
        let action = format!(
            "add(store = \"Active Directory\", types = (\"{GROUP_NAME}\"), \
             query = \";tokenGroups(domainQualifiedName);{{0}}\", param = account.Value)"
        );
        rule(&mut text, "Names of the subject's groups", &[account], &action);
    }
    if any(|condition| matches!(condition, Condition::DeviceRegistration)) {
        let action = format!("add(Type = \"{REGISTRATION}\", Value = \"true\")");
        let computer = [
            format!(
                "Type == \"{}\", Value =~ \"^S-1-5-21-.+-515\\z\", Issuer == \"{}\"",
                types::GROUP_SID,
                issuer::AD_AUTHORITY
            ),
            format!(
                "Type == \"{}\", Value == \"{WINDOWS_REFERENCE}\", Issuer == \"{}\"",
                types::AUTHN_METHODS_REFERENCES,
                issuer::AD_AUTHORITY
            ),
        ];
        let at = |claim_type: &str, value: &str| format!("Type == \"{claim_type}\", Value =~ \"{value}\", {CONTEXT}");
        let endpoint =
            at(types::X_MS_ENDPOINT_ABSOLUTE_PATH, "^(?i)/adfs/services/trust/(2005|13)/windowstransport\\z");
        let tests: Vec<String> = computer.iter().chain([&endpoint]).map(|tests| exists(false, tests)).collect();
        rule(&mut text, "A computer asks at a Windows endpoint", &tests, &action);
        // Whoever registers a device, a user too: a second factor cannot hang on a device that is not there yet.
        let service = exists(false, &at(types::RELYING_PARTY_TRUST_ID, "^(?i)urn:ms-drs:"));
        rule(&mut text, "A token for device registration", &[service], &action);
    }
    for (place, permit) in permits.iter().enumerate() {
        for (number, exception) in permit.exceptions.iter().enumerate().filter(|(_, one)| one.len() != 1) {
            let tests: Vec<String> = exception.iter().map(|condition| test(condition, Side::WithinException)).collect();
            let value = exception_value(place, number);
            let action = format!("add(Type = \"{EXCEPTION}\", Value = \"{value}\")");
            rule(&mut text, &format!("Exception {value}"), &tests, &action);
        }
    }
    text
}

/// What a condition is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    /// It must hold.
    Permit,
    /// It must not hold.
    Exception,
    /// It must hold for an exception to hold.
    WithinException,
}

fn test(condition: &Condition, side: Side) -> String {
    let negated = side == Side::Exception;
    let inside = format!("Type == \"{}\", Value == \"true\", {CONTEXT}", types::INSIDE_CORPORATE_NETWORK);
    match condition {
        Condition::Location(Location::Intranet) => exists(negated, &inside),
        Condition::Location(Location::Extranet) => exists(!negated, &inside),
        Condition::Networks(networks) => {
            // What a client says of its address may cancel a permit, never win one.
            let claim_type = if side == Side::Permit { types::CLIENT_NETWORK } else { types::PRESENTED_NETWORK };
            let values: Vec<String> = networks.iter().map(IpNet::to_string).collect();
            exists(negated, &format!("Type == \"{claim_type}\", {}, {CONTEXT}", one_of(&values, false)))
        }
        Condition::Groups { sids, names } => {
            let values: Vec<String> = sids.iter().map(ToString::to_string).chain(names.iter().cloned()).collect();
            let value = one_of(&values, !names.is_empty());
            let claim_type = if names.is_empty() {
                format!("Type == \"{}\"", types::GROUP_SID)
            } else {
                format!("Type =~ \"^({}|{})\\z\"", escaped(types::GROUP_SID), escaped(GROUP_NAME))
            };
            exists(negated, &format!("{claim_type}, {value}, Issuer =~ \"^(AD|SELF|LOCAL) AUTHORITY\\z\""))
        }
        Condition::Device(device) => exists(negated, &device_tests(*device)),
        Condition::Claim { claim_type, operator, values } => {
            exists(negated, &claim_tests(claim_type, *operator, values))
        }
        Condition::MfaPresent => exists(negated, &mfa_present()),
        Condition::DeviceRegistration => exists(negated, &format!("Type == \"{REGISTRATION}\", {LOCAL}")),
    }
}

fn device_tests(device: Device) -> String {
    let claim_type = match device {
        Device::Authenticated => format!(
            "Type =~ \"^({}|{})\\z\"",
            escaped(types::DEVICE_IS_KNOWN),
            escaped(types::DEVICE_IS_REGISTERED_USER)
        ),
        Device::Managed => format!("Type == \"{}\"", types::DEVICE_IS_MANAGED),
        Device::Compliant => format!("Type == \"{}\"", types::DEVICE_IS_COMPLIANT),
    };
    format!("{claim_type}, Value =~ \"^(?i)true\\z\", Issuer == \"{}\"", issuer::SELF_AUTHORITY)
}

fn claim_tests(claim_type: &str, operator: Operator, values: &[String]) -> String {
    let any = alternatives(values);
    let value = match operator {
        Operator::Exists => return format!("Type == \"{claim_type}\""),
        Operator::Equals => format!("^(?i){any}\\z"),
        Operator::Contains => format!("(?i){any}"),
        Operator::StartsWith => format!("^(?i){any}"),
        Operator::EndsWith => format!("(?i){any}\\z"),
        Operator::Matches => values.concat(),
    };
    format!("Type == \"{claim_type}\", Value =~ \"{value}\"")
}

fn mfa_present() -> String {
    format!("Type == \"{}\", Value == \"{MULTIPLE_AUTHENTICATION}\"", types::AUTHN_METHODS_REFERENCES)
}

/// A test for one of these values as a whole.
fn one_of(values: &[String], fold: bool) -> String {
    match values {
        [value] if !fold => format!("Value == \"{value}\""),
        values => format!("Value =~ \"^{}{}\\z\"", if fold { "(?i)" } else { "" }, alternatives(values)),
    }
}

fn alternatives(values: &[String]) -> String {
    let values: Vec<String> = values.iter().map(|value| escaped(value)).collect();
    match values.as_slice() {
        [value] => value.clone(),
        values => format!("({})", values.join("|")),
    }
}

/// A text as a regular expression that matches it.
fn escaped(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if matches!(c, '\\' | '*' | '+' | '?' | '|' | '{' | '}' | '[' | ']' | '(' | ')' | '^' | '$' | '.') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern
}

fn exists(negated: bool, tests: &str) -> String {
    format!("{}EXISTS([{tests}])", if negated { "NOT " } else { "" })
}

fn rule(text: &mut String, name: &str, conditions: &[String], action: &str) {
    if !text.is_empty() {
        text.push('\n');
    }
    let _ = writeln!(text, "@RuleName = \"{name}\"");
    if !conditions.is_empty() {
        let _ = writeln!(text, "{}", conditions.join("\n && "));
    }
    let arrow = if conditions.is_empty() { "=>" } else { " =>" };
    let _ = writeln!(text, "{arrow} {action};");
}

fn permit_value(place: usize) -> String {
    (place + 1).to_string()
}

fn exception_value(place: usize, number: usize) -> String {
    format!("{}.{}", place + 1, number + 1)
}

/// Claims of the request itself; no authority can state them.
const CONTEXT: &str = "Issuer == \"CLIENT CONTEXT\"";
/// Claims that the policy's own rules made.
const LOCAL: &str = "Issuer == \"LOCAL AUTHORITY\"";
const PERMITTED: &str = "urn:chancery:policy/permitted";
const EXCEPTION: &str = "urn:chancery:policy/exception";
const GROUP_NAME: &str = "urn:chancery:policy/group-name";
const REGISTRATION: &str = "urn:chancery:policy/device-registration";
/// How a Kerberos sign-in is named among the authentication method references.
const WINDOWS_REFERENCE: &str = "http://schemas.microsoft.com/ws/2008/06/identity/authenticationmethod/windows";
