//! From a policy as it is written to typed conditions, with parameters in place and every value checked.

use std::net::IpAddr;

use ipnet::IpNet;

use super::file::{ClaimTest, Conditions, Device, Location, Operator, Policy};
use super::parameters::{Parameters, reference, same};
use super::{PolicyPlace, PolicyProblem, PolicyProblemKind as Kind, templates};
use crate::claims::regex::Pattern;
use crate::directory::Sid;

/// A permit with everything read.
pub(super) struct Permit {
    pub(super) conditions: Vec<Condition>,
    pub(super) exceptions: Vec<Vec<Condition>>,
    pub(super) require_mfa: bool,
}

/// One condition.
pub(super) enum Condition {
    Location(Location),
    Networks(Vec<IpNet>),
    Groups { sids: Vec<Sid>, names: Vec<String> },
    Device(Device),
    Claim { claim_type: String, operator: Operator, values: Vec<String> },
    MfaPresent,
    DeviceRegistration,
}

/// Reads a policy. Without parameters, texts that stand for one are passed over: the rest is checked.
pub(super) fn read(policy: &Policy, parameters: Option<&Parameters>) -> Result<Vec<Permit>, Vec<PolicyProblem>> {
    let mut reader = Reader { policy, parameters, problems: Vec::new() };
    reader.names();
    let permits = policy
        .permit
        .iter()
        .enumerate()
        .map(|(place, permit)| {
            let at = format!("permit.{place}");
            Permit {
                conditions: reader.conditions(&permit.when, &format!("{at}.when")),
                exceptions: permit
                    .except
                    .iter()
                    .enumerate()
                    .map(|(place, exception)| {
                        let at = format!("{at}.except.{place}");
                        if exception.is_empty() {
                            reader.problem(PolicyPlace::Policy(at.clone()), Kind::EmptyException);
                        }
                        reader.conditions(exception, &at)
                    })
                    .collect(),
                require_mfa: permit.require_mfa,
            }
        })
        .collect();
    if reader.problems.is_empty() { Ok(permits) } else { Err(reader.problems) }
}

struct Reader<'a> {
    policy: &'a Policy,
    parameters: Option<&'a Parameters>,
    problems: Vec<PolicyProblem>,
}

impl Reader<'_> {
    fn problem(&mut self, place: PolicyPlace, kind: Kind) {
        let problem = PolicyProblem { place, kind };
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }

    /// The names of the policy and of its parameters.
    fn names(&mut self) {
        let (policy, name) = (self.policy, &self.policy.name);
        // Built-in policies are told by their address: only they may have a built-in name.
        let normal = super::normal_name(name);
        let built_in = templates::find(&normal);
        let plain = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
        let wrong = normal.trim_matches('-').is_empty() || !name.chars().all(plain) || built_in.is_some();
        if wrong && built_in.is_none_or(|built_in| !std::ptr::eq(built_in, policy)) {
            self.problem(PolicyPlace::Policy(String::from("name")), Kind::Name { name: name.clone() });
        }
        if policy.permit.is_empty() {
            self.problem(PolicyPlace::Policy(String::new()), Kind::NoPermit);
        }
        let Some(parameters) = self.parameters else { return };
        let known = policy.parameters();
        let given: Vec<&str> = parameters.names().collect();
        for (place, given_name) in given.iter().enumerate() {
            let at = || PolicyPlace::Parameter { name: (*given_name).to_owned(), index: None };
            match known.iter().find(|known| same(given_name, known)) {
                None => {
                    let kind = Kind::UnknownParameter {
                        policy: name.clone(),
                        name: (*given_name).to_owned(),
                        known: known.iter().map(|known| (*known).to_owned()).collect(),
                    };
                    self.problem(at(), kind);
                }
                Some(known) if given.iter().take(place).any(|earlier| same(earlier, known)) => {
                    self.problem(at(), Kind::RepeatedParameter { name: (*known).to_owned() });
                }
                Some(_) => {}
            }
        }
    }

    fn conditions(&mut self, conditions: &Conditions, at: &str) -> Vec<Condition> {
        let mut read = Vec::new();
        read.extend(conditions.location.map(Condition::Location));
        if let Some(networks) = &conditions.networks {
            let networks = self.values(networks, &format!("{at}.networks"));
            read.push(Condition::Networks(networks.iter().filter_map(|value| self.network(value)).collect()));
        }
        if let Some(groups) = &conditions.groups {
            let (mut sids, mut names) = (Vec::new(), Vec::new());
            for value in self.values(groups, &format!("{at}.groups")) {
                self.group(value, &mut sids, &mut names);
            }
            read.push(Condition::Groups { sids, names });
        }
        read.extend(conditions.device.map(Condition::Device));
        for (place, test) in conditions.claims.iter().enumerate() {
            let condition = self.claim(test, &format!("{at}.claims.{place}"));
            read.push(condition);
        }
        read.extend(conditions.mfa_present.then_some(Condition::MfaPresent));
        read.extend(conditions.device_registration.then_some(Condition::DeviceRegistration));
        read
    }

    /// The texts of a list, those of parameters in place of references.
    fn values(&mut self, list: &[String], at: &str) -> Vec<Value> {
        if list.is_empty() {
            self.problem(PolicyPlace::Policy(at.to_owned()), Kind::EmptyList);
        }
        let mut values = Vec::new();
        for (place, text) in list.iter().enumerate() {
            let Some(name) = reference(text) else {
                values.push(Value { text: text.clone(), place: PolicyPlace::Policy(format!("{at}.{place}")) });
                continue;
            };
            let Some(parameters) = self.parameters else { continue };
            let Some((given, texts)) = parameters.get(name) else {
                let kind = Kind::MissingParameter { policy: self.policy.name.clone(), name: name.to_owned() };
                self.problem(PolicyPlace::Parameter { name: String::new(), index: None }, kind);
                continue;
            };
            let place = |index| PolicyPlace::Parameter { name: given.to_owned(), index };
            if texts.is_empty() {
                self.problem(place(None), Kind::EmptyList);
            }
            let texts = texts.iter().enumerate();
            values.extend(texts.map(|(index, text)| Value { text: text.clone(), place: place(Some(index)) }));
        }
        for value in &values {
            self.writable(value);
        }
        values
    }

    fn writable(&mut self, value: &Value) {
        if value.text.contains(['"', '\n', '\r']) {
            self.problem(value.place.clone(), Kind::Unwritable { value: value.text.clone() });
        }
    }

    fn network(&mut self, value: &Value) -> Option<IpNet> {
        let text = value.text.trim();
        let network = text.parse::<IpNet>().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from));
        // Addresses are compared in IPv4 form; a mapped network would never hold one.
        let mapped = matches!(network, Some(IpNet::V6(v6)) if v6.network().to_ipv4_mapped().is_some());
        let Some(network) = network.filter(|_| !mapped) else {
            self.problem(value.place.clone(), Kind::Network { value: value.text.clone() });
            return None;
        };
        if network != network.trunc() {
            let kind = Kind::HostBits { value: value.text.clone(), network: network.trunc().to_string() };
            self.problem(value.place.clone(), kind);
        }
        Some(network)
    }

    /// A SID, or `DOMAIN\name`: one backslash, and neither part empty.
    fn group(&mut self, value: Value, sids: &mut Vec<Sid>, names: &mut Vec<String>) {
        let text = value.text.trim();
        if let Ok(sid) = text.parse::<Sid>() {
            sids.push(sid);
            return;
        }
        match text.split_once('\\') {
            Some((domain, name)) if !domain.is_empty() && !name.is_empty() && !name.contains('\\') => {
                names.push(text.to_owned());
            }
            _ => self.problem(value.place, Kind::Group { value: value.text }),
        }
    }

    fn claim(&mut self, test: &ClaimTest, at: &str) -> Condition {
        let type_place = PolicyPlace::Policy(format!("{at}.type"));
        if test.claim_type.trim().is_empty() {
            self.problem(type_place, Kind::NoClaimType);
        } else {
            self.writable(&Value { text: test.claim_type.clone(), place: type_place });
        }
        let list = format!("{at}.values");
        let found = test.values.len();
        let count = |operator, needs| Kind::ValueCount { operator, needs, found };
        let wrong = match test.operator {
            Operator::Exists if found > 0 => Some(count("exists", "no values")),
            Operator::Matches if found != 1 => Some(count("matches", "one value, the regular expression")),
            _ => None,
        };
        if let Some(kind) = wrong {
            self.problem(PolicyPlace::Policy(list), kind);
            return Condition::Claim { claim_type: String::new(), operator: Operator::Exists, values: Vec::new() };
        }
        let values = if test.operator == Operator::Exists { Vec::new() } else { self.values(&test.values, &list) };
        if test.operator == Operator::Matches {
            for value in &values {
                if let Err(error) = Pattern::shared(&value.text) {
                    self.problem(value.place.clone(), Kind::Pattern { reason: error.to_string() });
                }
            }
        }
        Condition::Claim {
            claim_type: test.claim_type.clone(),
            operator: test.operator,
            values: values.into_iter().map(|value| value.text).collect(),
        }
    }
}

struct Value {
    text: String,
    place: PolicyPlace,
}
