//! SAML 1.1 assertions in the form of AD FS (ws-federation.md 4.1 and 4.4), written canonically and signed.
//!
//! Element order: `Conditions`, `AttributeStatement`, `AuthenticationStatement`, `ds:Signature`; both statements carry the
//! same subject.

use super::attribute::{ORIGINAL_ISSUER, write_values};
use super::content::{AssertionContent, Attribute, NameIdentifier};
use super::{SignatureAlgorithm, SigningKey, TokenError};
use crate::xml::namespace::SAML11;
use crate::xml::{Attribute as Attr, KeyInfoForm, Name, Writer, sign_enveloped};

/// Writes and signs the assertion; the octets are canonical XML.
///
/// # Errors
/// [`TokenError`].
pub async fn write_signed(
    content: &AssertionContent,
    key: &SigningKey,
    algorithm: SignatureAlgorithm,
) -> Result<Vec<u8>, TokenError> {
    let mut writer = Writer::new();
    write(&mut writer, content)?;
    let unsigned = writer.finish_for_signature()?;
    Ok(sign_enveloped(unsigned, content.id.as_str(), key, algorithm, KeyInfoForm::Plain).await?)
}

fn write(writer: &mut Writer, content: &AssertionContent) -> Result<(), TokenError> {
    if content.attributes.is_empty() && content.authentication.is_none() {
        return Err(TokenError::NoStatement);
    }
    let issue_instant = content.issue_instant.to_xml();
    let attributes = [
        Attr::plain("AssertionID", content.id.as_str()),
        Attr::plain("IssueInstant", &issue_instant),
        Attr::plain("Issuer", &content.issuer),
        Attr::plain("MajorVersion", "1"),
        Attr::plain("MinorVersion", "1"),
    ];
    writer.element(&ASSERTION, &attributes, |writer| {
        write_conditions(writer, content)?;
        if !content.attributes.is_empty() {
            writer.element(&ATTRIBUTE_STATEMENT, &[], |writer| {
                write_subject(writer, content.name_identifier.as_ref())?;
                content.attributes.iter().try_for_each(|attribute| write_attribute(writer, attribute))
            })?;
        }
        if let Some(authentication) = &content.authentication {
            let instant = authentication.instant.to_xml();
            let attributes = [
                Attr::plain("AuthenticationInstant", &instant),
                Attr::plain("AuthenticationMethod", saml11_method(&authentication.method)),
            ];
            writer.element(&AUTHENTICATION_STATEMENT, &attributes, |writer| {
                write_subject(writer, content.name_identifier.as_ref())
            })?;
        }
        Ok(writer.signature_here()?)
    })
}

fn write_conditions(writer: &mut Writer, content: &AssertionContent) -> Result<(), TokenError> {
    let (from, until) = (content.not_before.to_xml(), content.not_on_or_after.to_xml());
    let attributes = [Attr::plain("NotBefore", &from), Attr::plain("NotOnOrAfter", &until)];
    writer.element(&CONDITIONS, &attributes, |writer| {
        writer.element(&AUDIENCE_RESTRICTION, &[], |writer| Ok(writer.leaf(&AUDIENCE, &[], &content.audience)?))
    })
}

fn write_subject(writer: &mut Writer, name: Option<&NameIdentifier>) -> Result<(), TokenError> {
    writer.element(&SUBJECT, &[], |writer| {
        if let Some(name) = name {
            let attributes = [
                Attr::plain_optional("Format", name.format.as_deref()),
                Attr::plain_optional("NameQualifier", name.name_qualifier.as_deref()),
            ];
            writer
                .leaf(&NAME_IDENTIFIER, &attributes, &name.value)
                .map_err(|error| TokenError::of_claim(error, crate::claims::types::NAME_IDENTIFIER))?;
        }
        writer.element(&SUBJECT_CONFIRMATION, &[], |writer| {
            Ok(writer.leaf(&CONFIRMATION_METHOD, &[], "urn:oasis:names:tc:SAML:1.0:cm:bearer")?)
        })
    })
}

fn write_attribute(writer: &mut Writer, attribute: &Attribute) -> Result<(), TokenError> {
    let (namespace, name) = attribute
        .claim_type
        .rsplit_once('/')
        .filter(|(namespace, name)| !namespace.is_empty() && !name.is_empty())
        .ok_or_else(|| TokenError::ClaimTypeWithoutNamespace { claim_type: String::from(&*attribute.claim_type) })?;
    let attributes = [
        Attr::plain("AttributeName", name),
        Attr::plain("AttributeNamespace", namespace),
        Attr::optional(ORIGINAL_ISSUER, attribute.original_issuer.as_deref()),
    ];
    writer.element(&ATTRIBUTE, &attributes, |writer| write_values(writer, &ATTRIBUTE_VALUE, attribute))
}

/// The method as SAML 1.1 tokens of AD FS name it: claims name Windows by another URI than tokens do (ws-federation.md 4.3).
fn saml11_method(method: &str) -> &str {
    match method {
        "http://schemas.microsoft.com/ws/2008/06/identity/authenticationmethod/windows" => {
            "urn:federation:authentication:windows"
        }
        "http://schemas.microsoft.com/ws/2008/06/identity/authenticationmethod/password" => {
            "urn:oasis:names:tc:SAML:1.0:am:password"
        }
        other => other,
    }
}

const fn saml(local: &'static str) -> Name {
    Name::new("saml", SAML11, local)
}

const ASSERTION: Name = saml("Assertion");
const CONDITIONS: Name = saml("Conditions");
const AUDIENCE_RESTRICTION: Name = saml("AudienceRestrictionCondition");
const AUDIENCE: Name = saml("Audience");
const ATTRIBUTE_STATEMENT: Name = saml("AttributeStatement");
const AUTHENTICATION_STATEMENT: Name = saml("AuthenticationStatement");
const SUBJECT: Name = saml("Subject");
const NAME_IDENTIFIER: Name = saml("NameIdentifier");
const SUBJECT_CONFIRMATION: Name = saml("SubjectConfirmation");
const CONFIRMATION_METHOD: Name = saml("ConfirmationMethod");
const ATTRIBUTE: Name = saml("Attribute");
const ATTRIBUTE_VALUE: Name = saml("AttributeValue");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tokens::samples;

    #[tokio::test]
    async fn a_users_token_has_the_form_of_ad_fs() {
        let token = write_signed(&samples::user(), samples::key(), SignatureAlgorithm::RsaSha256).await.unwrap();
        insta::assert_snapshot!(samples::without_key_material(&token));
    }

    #[tokio::test]
    async fn a_computers_token_has_the_form_of_ad_fs() {
        let token = write_signed(&samples::computer(), samples::key(), SignatureAlgorithm::RsaSha1).await.unwrap();
        insta::assert_snapshot!(samples::without_key_material(&token));
    }

    #[tokio::test]
    async fn what_saml11_cannot_say_is_an_error() {
        let sign = async |content: AssertionContent| {
            write_signed(&content, samples::key(), SignatureAlgorithm::RsaSha256).await.unwrap_err()
        };
        for claim_type in ["role", "/role", "urn:x/", "/"] {
            let error = sign(samples::with_claim(claim_type, "v")).await;
            assert_eq!(error, TokenError::ClaimTypeWithoutNamespace { claim_type: claim_type.to_owned() });
        }
        let error = sign(samples::with_claim("urn:x/role", "a\u{1}b")).await;
        assert_eq!(error, TokenError::IllegalCharacter { claim_type: String::from("urn:x/role"), character: '\u{1}' });
        for value_type in ["urn:no-hash", "#boolean", "urn:x#", "urn:x#a b", "urn:x#1"] {
            let mut content = samples::with_claim("urn:x/role", "v");
            content.attributes[0].value_type = value_type.into();
            assert!(matches!(sign(content).await, TokenError::ValueType { .. }), "{value_type}");
        }
        let mut nothing = samples::with_claim("urn:x/role", "v");
        nothing.attributes.clear();
        nothing.authentication = None;
        assert_eq!(sign(nothing).await, TokenError::NoStatement);
    }

    #[tokio::test]
    async fn one_statement_of_either_kind_is_enough() {
        let mut attributes = samples::with_claim("urn:x/role", "v");
        attributes.authentication = None;
        let mut authentication = samples::with_claim("urn:x/role", "v");
        authentication.attributes.clear();
        for (content, statement) in [(attributes, "AttributeStatement"), (authentication, "AuthenticationStatement")] {
            let token = write_signed(&content, samples::key(), SignatureAlgorithm::RsaSha256).await.unwrap();
            let text = String::from_utf8(token).unwrap();
            let ends = |name: &str| text.matches(&format!("</saml:{name}>")).count();
            assert_eq!(ends("AttributeStatement") + ends("AuthenticationStatement"), 1, "{text}");
            assert_eq!(ends(statement), 1, "{text}");
        }
    }
}
