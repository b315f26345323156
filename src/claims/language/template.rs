//! The rules that the wizards of the AD FS console write, known by their text (claims.md 1.3).
//!
//! `@RuleTemplate` is not looked at: a rule that was changed by hand keeps the annotation and is no longer the wizard's.

use super::{
    Action, Assignment, Condition, Expression, Form, Operator, Property, Rule, Selector, StoreCall, Test, Verb,
};
use crate::claims::types::{self, issuer};

/// A rule as a wizard writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Template<'r> {
    /// `AllowAllAuthzRule`: permit all users.
    PermitEveryone,
    /// `PassThroughClaims`: pass through or filter an incoming claim.
    PassThrough {
        /// What an incoming claim must be.
        tests: &'r [Test],
    },
    /// `MapClaims`: transform an incoming claim.
    Transform {
        /// What an incoming claim must be.
        tests: &'r [Test],
        /// The type it gets.
        claim_type: &'r str,
        /// The value it gets; `None`: its own.
        value: Option<&'r str>,
        /// The format of a name identifier.
        format: Option<&'r str>,
    },
    /// `LdapClaims`: send LDAP attributes as claims.
    Attributes {
        /// The attribute store.
        store: &'r str,
        /// Attribute and claim type.
        pairs: Vec<(&'r str, &'r str)>,
    },
    /// `EmitGroupClaims`: send group membership as a claim.
    Membership {
        /// The group's SID.
        group: &'r str,
        /// The type of the claim.
        claim_type: &'r str,
        /// The value of the claim.
        value: &'r str,
    },
    /// `Authorization`: permit or deny users by an incoming claim.
    Decision {
        /// Permit, not deny.
        permits: bool,
        /// What an incoming claim must be.
        tests: &'r [Test],
    },
}

impl<'r> Template<'r> {
    /// The template of a rule; `None` for a custom rule.
    pub(super) fn of(rule: &'r Rule) -> Option<Self> {
        let Action { verb: Verb::Issue, form, .. } = &rule.action else { return None };
        let Some((condition, more)) = rule.conditions.split_first() else {
            let Form::Create(assignments) = form else { return None };
            let everyone = assignments.len() == 2
                && text(assignments, &Property::Type) == Some(types::PERMIT)
                && text(assignments, &Property::Value) == Some("true");
            return everyone.then_some(Self::PermitEveryone);
        };
        let Condition::Select(Selector { tag: Some(tag), tests, .. }) = condition else { return None };
        if !more.is_empty() {
            return None;
        }
        let claim = Incoming { tag: &tag.text, tests };
        match form {
            Form::Copy(copied) => (claim.is_filter() && copied.text.eq_ignore_ascii_case(&tag.text))
                .then_some(Self::PassThrough { tests }),
            Form::Create(assignments) => claim.membership(assignments).or_else(|| claim.made_into(assignments)),
            Form::Store(call) => claim.attributes(call),
        }
    }
}

/// The one claim that a wizard's rule is about.
#[derive(Clone, Copy)]
struct Incoming<'r> {
    tag: &'r str,
    tests: &'r [Test],
}

impl<'r> Incoming<'r> {
    /// `Type == "…"`, and perhaps a test of the value.
    fn is_filter(self) -> bool {
        let value = |test: &Test| {
            test.property.property == Property::Value
                && !test.operator.is_negative()
                && matches!(test.operand, Expression::Literal(_))
        };
        self.equals(0, &Property::Type).is_some() && self.tests.len() <= 2 && self.tests.iter().skip(1).all(value)
    }

    /// The literal that the test at this place compares the property to.
    fn equals(self, place: usize, property: &Property) -> Option<&'r str> {
        match self.tests.get(place)? {
            Test { property: of, operator: Operator::Equal, operand: Expression::Literal(literal), .. }
                if of.property == *property =>
            {
                Some(&literal.text)
            }
            _ => None,
        }
    }

    /// Whether the property is set to that of the claim.
    fn keeps(self, assignments: &[Assignment], property: &Property) -> bool {
        matches!(value(assignments, property), Some(Expression::Property { tag, property: of, .. })
            if tag.text.eq_ignore_ascii_case(self.tag) && of.property == *property)
    }

    fn keeps_its_issuers(self, assignments: &[Assignment]) -> bool {
        [Property::Issuer, Property::OriginalIssuer, Property::ValueType]
            .iter()
            .all(|property| self.keeps(assignments, property))
    }

    fn membership(self, assignments: &'r [Assignment]) -> Option<Template<'r>> {
        let of_a_group = self.tests.len() == 3
            && self.equals(0, &Property::Type) == Some(types::GROUP_SID)
            && self.equals(2, &Property::Issuer) == Some(issuer::AD_AUTHORITY)
            && self.keeps_its_issuers(assignments)
            && assignments.len() == 5;
        Some(Template::Membership {
            group: self.equals(1, &Property::Value).filter(|_| of_a_group)?,
            claim_type: text(assignments, &Property::Type)?,
            value: text(assignments, &Property::Value)?,
        })
    }

    fn made_into(self, assignments: &'r [Assignment]) -> Option<Template<'r>> {
        let claim_type = text(assignments, &Property::Type)?;
        if !self.is_filter() {
            return None;
        }
        let decision = match (claim_type, text(assignments, &Property::Value)) {
            (types::PERMIT, Some("PermitUsersWithClaim")) => Some(true),
            (types::DENY, Some("DenyUsersWithClaim")) => Some(false),
            _ => None,
        };
        if let Some(permits) = decision.filter(|_| assignments.len() == 2) {
            return Some(Template::Decision { permits, tests: self.tests });
        }
        let named =
            assignments.iter().find_map(|assignment| match (&assignment.property.property, &assignment.value) {
                (Property::Named(name), Expression::Literal(literal)) if **name == *types::property::FORMAT => {
                    Some(&*literal.text)
                }
                _ => None,
            });
        let value = match text(assignments, &Property::Value) {
            None if self.keeps(assignments, &Property::Value) => None,
            value => Some(value?),
        };
        let nothing_else = assignments.len() == 5 + usize::from(named.is_some());
        (nothing_else && self.keeps_its_issuers(assignments)).then_some(Template::Transform {
            tests: self.tests,
            claim_type,
            value,
            format: named,
        })
    }

    fn attributes(self, call: &'r StoreCall) -> Option<Template<'r>> {
        let of_the_account = self.tests.len() == 2
            && self.equals(0, &Property::Type) == Some(types::WINDOWS_ACCOUNT_NAME)
            && self.equals(1, &Property::Issuer) == Some(issuer::AD_AUTHORITY);
        let [Expression::Property { tag, property, .. }] = call.params.as_slice() else { return None };
        if !of_the_account || !tag.text.eq_ignore_ascii_case(self.tag) || property.property != Property::Value {
            return None;
        }
        let attributes: Vec<&str> =
            call.query.text.strip_prefix(';')?.strip_suffix(";{0}")?.split(',').map(str::trim).collect();
        let plain = attributes.iter().all(|name| !name.is_empty() && !name.contains(';'));
        (plain && attributes.len() == call.types.len()).then(|| Template::Attributes {
            store: call.store.text.trim(),
            pairs: attributes.into_iter().zip(call.types.iter().map(|literal| &*literal.text)).collect(),
        })
    }
}

fn value<'r>(assignments: &'r [Assignment], property: &Property) -> Option<&'r Expression> {
    assignments.iter().find(|assignment| assignment.property.property == *property).map(|assignment| &assignment.value)
}

fn text<'r>(assignments: &'r [Assignment], property: &Property) -> Option<&'r str> {
    match value(assignments, property) {
        Some(Expression::Literal(literal)) => Some(&literal.text),
        _ => None,
    }
}
