//! Reads and checks a SAML 1.1 assertion (saml-core-1.1 2.3, ws-federation.md 4.1).

use super::conditions::Check;
use super::reading::{instant, non_empty, required, text_of, values};
use super::{
    InboundAssertion, InboundAttribute, InboundAuthentication, InboundError, Limit, NameIdentifier, TokenType,
};
use crate::claims::Text;
use crate::clock::UtcTime;
use crate::xml::Element;
use crate::xml::namespace::SAML11;

/// Reads the assertion out of its verified octets.
pub(super) fn read(assertion: Element<'_, '_>, check: &Check<'_>) -> Result<InboundAssertion, InboundError> {
    for (attribute, expected) in [("MajorVersion", "1"), ("MinorVersion", "1")] {
        let found = required(assertion, "Assertion", attribute)?;
        if found != expected {
            return Err(InboundError::Value { what: attribute, value: found.to_owned() });
        }
    }
    let issued = instant("IssueInstant", required(assertion, "Assertion", "IssueInstant")?)?;
    check.issuer(required(assertion, "Assertion", "Issuer")?)?;
    check.begun(Limit::IssueInstant, issued)?;
    only_these(assertion, "Assertion", &STATEMENTS)?;

    let end = conditions(assertion.required_child(SAML11, "Conditions")?, check)?.ok_or(InboundError::NoEnd)?;
    let name_identifier = subject(assertion)?;
    let authentication = authentication(assertion, check)?;
    let (attributes, unreadable) = attributes(assertion)?;
    if attributes.is_empty() && authentication.is_none() {
        return Err(InboundError::Missing { element: "Assertion", what: "statement" });
    }
    Ok(InboundAssertion {
        id: Text::from(required(assertion, "Assertion", "AssertionID")?),
        token_type: TokenType::Saml11,
        issuer: Text::from(check.partner.identifier),
        name_identifier,
        attributes,
        authentication,
        not_on_or_after: end,
        unreadable,
    })
}

/// Times, audience, and no condition that is not understood.
fn conditions(conditions: Element<'_, '_>, check: &Check<'_>) -> Result<Option<UtcTime>, InboundError> {
    only_these(conditions, "Conditions", &["AudienceRestrictionCondition", "DoNotCacheCondition"])?;
    let end = check.window(conditions, Limit::Conditions)?;
    let mut restrictions = conditions.children_named(SAML11, "AudienceRestrictionCondition").peekable();
    if restrictions.peek().is_none() {
        return Err(InboundError::NoAudience);
    }
    for restriction in restrictions {
        check.audience(restriction.children_named(SAML11, "Audience"))?;
    }
    Ok(end)
}

/// The one subject of all statements, confirmed by bearing where a confirmation is there at all; many issuers write none.
fn subject(assertion: Element<'_, '_>) -> Result<Option<NameIdentifier>, InboundError> {
    let mut subject: Option<Option<NameIdentifier>> = None;
    for statement in assertion.children().filter(|child| child.local().ends_with("Statement")) {
        let element = statement.required_child(SAML11, "Subject")?;
        only_these(element, "Subject", &["NameIdentifier", "SubjectConfirmation"])?;
        if let Some(confirmation) = element.only_child(SAML11, "SubjectConfirmation")? {
            bearer(confirmation)?;
        }
        let name = element.only_child(SAML11, "NameIdentifier")?.map(name_identifier).transpose()?;
        match &subject {
            Some(known) if *known != name => return Err(InboundError::DifferentSubjects),
            _ => subject = Some(name),
        }
    }
    Ok(subject.flatten())
}

fn name_identifier(name: Element<'_, '_>) -> Result<NameIdentifier, InboundError> {
    Ok(NameIdentifier {
        value: Text::from(non_empty(name, "NameIdentifier")?),
        format: text_of(name, "Format"),
        name_qualifier: text_of(name, "NameQualifier"),
        sp_name_qualifier: None,
    })
}

fn bearer(confirmation: Element<'_, '_>) -> Result<(), InboundError> {
    let methods = confirmation.children_named(SAML11, "ConfirmationMethod").map(|method| method.text().map(str::trim));
    let methods = methods.collect::<Result<Vec<_>, _>>()?;
    // Data or a key would be what confirms the subject instead.
    if methods.contains(&BEARER) && confirmation.children().all(|child| child.is(SAML11, "ConfirmationMethod")) {
        return Ok(());
    }
    Err(InboundError::Confirmation { found: methods.into_iter().map(str::to_owned).collect() })
}

/// The authentication statement; there may be one.
fn authentication(
    assertion: Element<'_, '_>,
    check: &Check<'_>,
) -> Result<Option<InboundAuthentication>, InboundError> {
    let Some(statement) = assertion.only_child(SAML11, "AuthenticationStatement")? else { return Ok(None) };
    let at = required(statement, "AuthenticationStatement", "AuthenticationInstant")?;
    let at = instant("AuthenticationInstant", at)?;
    check.begun(Limit::AuthenticationInstant, at)?;
    Ok(Some(InboundAuthentication {
        method: Text::from(required(statement, "AuthenticationStatement", "AuthenticationMethod")?.trim()),
        instant: at,
        session_index: None,
        session_not_on_or_after: None,
    }))
}

fn attributes(assertion: Element<'_, '_>) -> Result<(Vec<InboundAttribute>, Vec<Text>), InboundError> {
    let (mut attributes, mut unreadable) = (Vec::new(), Vec::new());
    for statement in assertion.children_named(SAML11, "AttributeStatement") {
        only_these(statement, "AttributeStatement", &["Subject", "Attribute"])?;
        for attribute in statement.children_named(SAML11, "Attribute") {
            let name = required(attribute, "Attribute", "AttributeName")?;
            // Claim types are written split at their last slash.
            let claim_type = match attribute.attribute("AttributeNamespace") {
                None | Some("") => Text::from(name),
                Some(namespace) => Text::from(format!("{namespace}/{name}")),
            };
            let (values, left_out) = values(attribute.children_named(SAML11, "AttributeValue"));
            if left_out {
                unreadable.push(claim_type.clone());
            }
            attributes.push(InboundAttribute { claim_type, name_format: None, friendly_name: None, values });
        }
    }
    Ok((attributes, unreadable))
}

/// Refuses child elements other than these of SAML 1.1.
fn only_these(element: Element<'_, '_>, parent: &'static str, names: &[&str]) -> Result<(), InboundError> {
    match element.children().find(|child| !names.iter().any(|name| child.is(SAML11, name))) {
        Some(other) => Err(InboundError::Unsupported { parent, element: other.local().to_owned() }),
        None => Ok(()),
    }
}

const STATEMENTS: [&str; 4] = ["Conditions", "Advice", "AttributeStatement", "AuthenticationStatement"];
const BEARER: &str = "urn:oasis:names:tc:SAML:1.0:cm:bearer";
