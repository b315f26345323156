//! The token: its signature, and what it says.

use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::failure::{Failure, Passed, Step};
use crate::clock::UtcTime;
use crate::keys::CertificateFacts;
use crate::xml::namespace::{SAML2, SAML11};
use crate::xml::verify::{Policy, SignedElement, VerificationKeys, verify_enveloped};
use crate::xml::{Document, Element, Limits, ReadError};

/// What a SAML assertion says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(in crate::cli) struct Token {
    /// `SAML 1.1` or `SAML 2.0`.
    pub(in crate::cli) kind: &'static str,
    /// Who says it.
    pub(in crate::cli) issuer: String,
    /// For whom.
    pub(in crate::cli) audiences: Vec<String>,
    /// From when, as written.
    pub(in crate::cli) not_before: String,
    /// Until when, as written.
    pub(in crate::cli) not_on_or_after: String,
    /// `NameIdentifier` or `NameID`.
    pub(in crate::cli) name_identifier: Option<String>,
    /// The attributes, in order.
    pub(in crate::cli) claims: Vec<TokenClaim>,
}

/// An attribute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(in crate::cli) struct TokenClaim {
    /// Claim type URI.
    #[serde(rename = "type")]
    pub(in crate::cli) claim_type: String,
    /// Its values.
    pub(in crate::cli) values: Vec<String>,
}

impl TokenClaim {
    /// The part of the type behind the last slash.
    pub(in crate::cli) fn name(&self) -> &str {
        self.claim_type.rsplit('/').next().unwrap_or_default()
    }
}

impl Token {
    /// Reads an assertion.
    pub(in crate::cli) fn read(assertion: &[u8]) -> Result<Self, Failure> {
        let failed = |error: ReadError| {
            Failure::new(format!("the assertion cannot be read by itself: {error}"))
                .advise("Clients cut it out as text, so that it must declare every prefix it uses.")
        };
        let document = Document::parse(assertion, &Limits::METADATA).map_err(failed)?;
        let root = document.root();
        if root.is(SAML11, "Assertion") { saml11(root) } else { saml2(root) }.map_err(failed)
    }

    /// The first value of a claim.
    pub(in crate::cli) fn first(&self, claim_type: &str) -> Option<&str> {
        let claim = self.claims.iter().find(|claim| claim.claim_type == claim_type)?;
        claim.values.first().map(String::as_str)
    }

    /// From when, if it is a time.
    pub(in crate::cli) fn begins(&self) -> Option<UtcTime> {
        time(&self.not_before)
    }

    /// Until when, if it is a time.
    pub(in crate::cli) fn ends(&self) -> Option<UtcTime> {
        time(&self.not_on_or_after)
    }
}

/// Verifies the signature with the published certificates and says which one made it.
pub(in crate::cli) fn verify(assertion: &[u8], certificates: &[Vec<u8>]) -> Step<()> {
    let saml11 =
        Document::parse(assertion, &Limits::METADATA).is_ok_and(|document| document.root().is(SAML11, "Assertion"));
    let element = if saml11 { SignedElement::SAML11_ASSERTION } else { SignedElement::SAML2_ASSERTION };
    let mut refusal = String::from("no certificate to verify with");
    for (index, der) in certificates.iter().enumerate() {
        let keys = match VerificationKeys::from_certificates([der.as_slice()]) {
            Ok(keys) => keys,
            Err(error) => {
                refusal = error.to_string();
                continue;
            }
        };
        for (policy, sha1) in [(Policy::STRICT, false), (Policy::LEGACY, true)] {
            match verify_enveloped(assertion, &element, &keys, &policy) {
                Ok(_) => return Ok(verified(index, der, sha1)),
                Err(error) => refusal = error.to_string(),
            }
        }
    }
    Err(Failure::new(format!("the signature does not verify with any published certificate: {refusal}")).advise_all([
        "Microsoft Entra refuses the token (AADSTS50008) unless the certificate is the domain's signingCertificate or \
         nextSigningCertificate there.",
        "Is every node of the farm on the same key, and does nothing change the answer on its way?",
    ]))
}

fn verified(index: usize, der: &[u8], sha1: bool) -> Passed<()> {
    let thumbprint = CertificateFacts::parse(der).map(|facts| facts.thumbprint_sha1()).unwrap_or_default();
    let passed = Passed::new((), format!("made by the published certificate {thumbprint}"));
    let passed = if index == 0 {
        passed
    } else {
        passed.note("It is not the first one published: relying parties that take only the first refuse the token.")
    };
    if sha1 {
        passed.note("It is RSA-SHA1. Set the trust to RSA-SHA256; Microsoft Entra has asked for that for years.")
    } else {
        passed
    }
}

fn saml11(assertion: Element<'_, '_>) -> Result<Token, ReadError> {
    let conditions = assertion.required_child(SAML11, "Conditions")?;
    let restriction = conditions.child(SAML11, "AudienceRestrictionCondition");
    let statement = assertion.child(SAML11, "AttributeStatement");
    let subject = |statement: Element<'_, '_>| {
        statement.child(SAML11, "Subject")?.child_text(SAML11, "NameIdentifier").ok().flatten().map(str::to_owned)
    };
    let mut claims = Vec::new();
    for attribute in statement.into_iter().flat_map(|statement| attributes(statement, SAML11)) {
        let (namespace, name) =
            (attribute.attribute("AttributeNamespace").unwrap_or_default(), attribute.attribute("AttributeName"));
        let claim_type = match (namespace, name.unwrap_or_default()) {
            ("", name) => name.to_owned(),
            (namespace, name) => format!("{namespace}/{name}"),
        };
        claims.push(TokenClaim { claim_type, values: texts(attribute, SAML11, "AttributeValue") });
    }
    Ok(Token {
        kind: "SAML 1.1",
        issuer: assertion.attribute("Issuer").unwrap_or_default().to_owned(),
        audiences: restriction.map(|restriction| texts(restriction, SAML11, "Audience")).unwrap_or_default(),
        not_before: conditions.attribute("NotBefore").unwrap_or_default().to_owned(),
        not_on_or_after: conditions.attribute("NotOnOrAfter").unwrap_or_default().to_owned(),
        name_identifier: statement
            .and_then(subject)
            .or_else(|| assertion.child(SAML11, "AuthenticationStatement").and_then(subject)),
        claims,
    })
}

fn saml2(assertion: Element<'_, '_>) -> Result<Token, ReadError> {
    let conditions = assertion.required_child(SAML2, "Conditions")?;
    let restriction = conditions.child(SAML2, "AudienceRestriction");
    let mut claims = Vec::new();
    for attribute in
        assertion.child(SAML2, "AttributeStatement").into_iter().flat_map(|statement| attributes(statement, SAML2))
    {
        let claim_type = attribute.attribute("Name").unwrap_or_default().to_owned();
        claims.push(TokenClaim { claim_type, values: texts(attribute, SAML2, "AttributeValue") });
    }
    Ok(Token {
        kind: "SAML 2.0",
        issuer: assertion.child_text(SAML2, "Issuer")?.unwrap_or_default().to_owned(),
        audiences: restriction.map(|restriction| texts(restriction, SAML2, "Audience")).unwrap_or_default(),
        not_before: conditions.attribute("NotBefore").unwrap_or_default().to_owned(),
        not_on_or_after: conditions.attribute("NotOnOrAfter").unwrap_or_default().to_owned(),
        name_identifier: match assertion.child(SAML2, "Subject") {
            Some(subject) => subject.child_text(SAML2, "NameID")?.map(str::to_owned),
            None => None,
        },
        claims,
    })
}

fn attributes<'d, 'i>(statement: Element<'d, 'i>, namespace: &'static str) -> impl Iterator<Item = Element<'d, 'i>> {
    statement.children().filter(move |child| child.is(namespace, "Attribute"))
}

fn texts(element: Element<'_, '_>, namespace: &str, local: &str) -> Vec<String> {
    element.children_named(namespace, local).map(|child| child.text().unwrap_or_default().to_owned()).collect()
}

fn time(text: &str) -> Option<UtcTime> {
    OffsetDateTime::parse(text.trim(), &Rfc3339).ok().map(UtcTime::from)
}
