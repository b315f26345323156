//! Reads and checks a SAML 2.0 assertion (saml-core 2.3, saml-profiles 4.1.4.2 and 4.1.4.3).

use super::attributes::attributes;
use super::conditions::Check;
use super::name::subject_name;
use super::reading::{instant, non_empty, only_these, optional_instant, required, text_of};
use super::{InboundAssertion, InboundAuthentication, InboundError, Limit, Profile, TokenType};
use crate::claims::Text;
use crate::clock::UtcTime;
use crate::xml::Element;
use crate::xml::namespace::SAML2;

/// Reads the assertion out of its verified octets.
pub(super) fn read(assertion: Element<'_, '_>, check: &Check<'_>) -> Result<InboundAssertion, InboundError> {
    let version = required(assertion, "Assertion", "Version")?;
    if version != "2.0" {
        return Err(InboundError::Value { what: "Version", value: version.to_owned() });
    }
    let issued = instant("IssueInstant", required(assertion, "Assertion", "IssueInstant")?)?;
    check.issuer(issuer(assertion)?)?;
    check.begun(Limit::IssueInstant, issued)?;
    only_these(assertion, "Assertion", &STATEMENTS)?;

    let conditions = conditions(assertion.required_child(SAML2, "Conditions")?, check)?;
    let subject = assertion.required_child(SAML2, "Subject")?;
    only_these(subject, "Subject", &["NameID", "EncryptedID", "SubjectConfirmation"])?;
    let confirmed = confirmation(subject, check)?;
    let authentication = authentication(assertion, check)?;
    let (attributes, unreadable) = attributes(assertion, check.partner.decryption_keys)?;
    Ok(InboundAssertion {
        id: Text::from(required(assertion, "Assertion", "ID")?),
        token_type: TokenType::Saml2,
        issuer: Text::from(check.partner.identifier),
        name_identifier: subject_name(subject, "Subject", check.partner.decryption_keys)?,
        attributes,
        authentication,
        not_on_or_after: [conditions, confirmed].into_iter().flatten().min().ok_or(InboundError::NoEnd)?,
        unreadable,
    })
}

/// The issuer's name; of no format but that of an entity.
pub(super) fn issuer<'d>(parent: Element<'d, '_>) -> Result<&'d str, InboundError> {
    let issuer = parent.required_child(SAML2, "Issuer")?;
    match issuer.attribute("Format") {
        None | Some("urn:oasis:names:tc:SAML:2.0:nameid-format:entity") => non_empty(issuer, "Issuer"),
        Some(format) => Err(InboundError::Value { what: "Format of Issuer", value: format.to_owned() }),
    }
}

/// Times, audience, and no condition that is not understood (saml-core 2.5.1.1).
fn conditions(conditions: Element<'_, '_>, check: &Check<'_>) -> Result<Option<UtcTime>, InboundError> {
    // A limit on proxying binds whoever issues tokens from it, as this server does.
    only_these(conditions, "Conditions", &["AudienceRestriction", "OneTimeUse"])?;
    let end = check.window(conditions, Limit::Conditions)?;
    let mut restrictions = conditions.children_named(SAML2, "AudienceRestriction").peekable();
    if restrictions.peek().is_none() {
        return Err(InboundError::NoAudience);
    }
    for restriction in restrictions {
        check.audience(restriction.children_named(SAML2, "Audience"))?;
    }
    Ok(end)
}

/// One bearer confirmation must hold; why the last one does not is what is told.
fn confirmation(subject: Element<'_, '_>, check: &Check<'_>) -> Result<Option<UtcTime>, InboundError> {
    let mut methods = Vec::new();
    let mut refused = None;
    for confirmation in subject.children_named(SAML2, "SubjectConfirmation") {
        let method = required(confirmation, "SubjectConfirmation", "Method")?.trim();
        // A confirmation may name another entity that confirms; then the bearer is not the subject.
        let other = confirmation.children().any(|child| !child.is(SAML2, "SubjectConfirmationData"));
        if method != BEARER || other {
            methods.push(method.to_owned());
            continue;
        }
        match bearer(confirmation, check) {
            Ok(end) => return Ok(end),
            Err(error) => refused = Some(error),
        }
    }
    Err(refused.unwrap_or(InboundError::Confirmation { found: methods }))
}

fn bearer(confirmation: Element<'_, '_>, check: &Check<'_>) -> Result<Option<UtcTime>, InboundError> {
    let data = confirmation.only_child(SAML2, "SubjectConfirmationData")?;
    let attribute = |name| data.and_then(|data| data.attribute(name));
    if check.delivery.profile == Profile::WebSso {
        for name in ["Recipient", "NotOnOrAfter"] {
            attribute(name).ok_or(InboundError::Missing { element: "SubjectConfirmationData", what: name })?;
        }
    }
    check.recipient(attribute("Recipient"))?;
    check.in_response_to(attribute("InResponseTo"))?;
    data.map_or(Ok(None), |data| check.window(data, Limit::Confirmation))
}

/// The authentication statement. There may be one: with two, nothing says which of them a session rests on.
fn authentication(
    assertion: Element<'_, '_>,
    check: &Check<'_>,
) -> Result<Option<InboundAuthentication>, InboundError> {
    let Some(statement) = assertion.only_child(SAML2, "AuthnStatement")? else {
        return match check.delivery.profile {
            Profile::WebSso => Err(InboundError::Missing { element: "Assertion", what: "AuthnStatement" }),
            Profile::Passive => Ok(None),
        };
    };
    let at = instant("AuthnInstant", required(statement, "AuthnStatement", "AuthnInstant")?)?;
    check.begun(Limit::AuthenticationInstant, at)?;
    let session_not_on_or_after = optional_instant(statement, "SessionNotOnOrAfter")?;
    if let Some(end) = session_not_on_or_after {
        check.not_over(Limit::Session, end)?;
    }
    let context = statement.required_child(SAML2, "AuthnContext")?;
    let class = context.child_text(SAML2, "AuthnContextClassRef")?.map(str::trim).filter(|class| !class.is_empty());
    Ok(Some(InboundAuthentication {
        method: class.map_or(Text::constant(UNSPECIFIED), Text::from),
        instant: at,
        session_index: text_of(statement, "SessionIndex"),
        session_not_on_or_after,
    }))
}

/// Children of an assertion. Advice may be ignored by its definition; a decision about a resource is of no use here.
const STATEMENTS: [&str; 7] =
    ["Issuer", "Subject", "Conditions", "Advice", "AuthnStatement", "AttributeStatement", "AuthzDecisionStatement"];
const BEARER: &str = "urn:oasis:names:tc:SAML:2.0:cm:bearer";
const UNSPECIFIED: &str = "urn:oasis:names:tc:SAML:2.0:ac:classes:unspecified";
