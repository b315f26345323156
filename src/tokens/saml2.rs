//! SAML 2.0 assertions in the form of AD FS (ws-federation.md 4.2), written canonically and signed.
//!
//! Element order: `Issuer`, `ds:Signature`, `Subject`, `Conditions`, `AttributeStatement`, `AuthnStatement`.

use super::attribute::{ORIGINAL_ISSUER, write_values};
use super::content::{AssertionContent, Attribute, AuthenticationStatement};
use super::{SignatureAlgorithm, SigningKey, TokenError};
use crate::xml::namespace::SAML2;
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
    Ok(sign_enveloped(unsigned, content.id.as_str(), key, algorithm, KeyInfoForm::Prefixed).await?)
}

fn write(writer: &mut Writer, content: &AssertionContent) -> Result<(), TokenError> {
    let issue_instant = content.issue_instant.to_xml();
    let attributes = [
        Attr::plain("ID", content.id.as_str()),
        Attr::plain("IssueInstant", &issue_instant),
        Attr::plain("Version", "2.0"),
    ];
    writer.element(&ASSERTION, &attributes, |writer| {
        writer.leaf(&ISSUER, &[], &content.issuer)?;
        writer.signature_here()?;
        write_subject(writer, content)?;
        write_conditions(writer, content)?;
        if !content.attributes.is_empty() {
            writer.element(&ATTRIBUTE_STATEMENT, &[], |writer| {
                content.attributes.iter().try_for_each(|attribute| write_attribute(writer, attribute))
            })?;
        }
        match &content.authentication {
            Some(authentication) => write_authentication(writer, authentication, content.id.as_str()),
            None => Ok(()),
        }
    })
}

fn write_subject(writer: &mut Writer, content: &AssertionContent) -> Result<(), TokenError> {
    writer.element(&SUBJECT, &[], |writer| {
        if let Some(name) = &content.name_identifier {
            let attributes = [
                Attr::plain_optional("Format", name.format.as_deref()),
                Attr::plain_optional("NameQualifier", name.name_qualifier.as_deref()),
                Attr::plain_optional("SPNameQualifier", name.sp_name_qualifier.as_deref()),
            ];
            writer
                .leaf(&NAME_ID, &attributes, &name.value)
                .map_err(|error| TokenError::of_claim(error, crate::claims::types::NAME_IDENTIFIER))?;
        }
        let method = [Attr::plain("Method", "urn:oasis:names:tc:SAML:2.0:cm:bearer")];
        writer.element(&SUBJECT_CONFIRMATION, &method, |writer| {
            let confirmation = &content.confirmation;
            let until = confirmation.not_on_or_after.map(crate::clock::UtcTime::to_xml);
            if confirmation.in_response_to.is_none() && until.is_none() && confirmation.recipient.is_none() {
                return Ok(());
            }
            let attributes = [
                Attr::plain_optional("InResponseTo", confirmation.in_response_to.as_deref()),
                Attr::plain_optional("NotOnOrAfter", until.as_deref()),
                Attr::plain_optional("Recipient", confirmation.recipient.as_deref()),
            ];
            Ok(writer.empty(&SUBJECT_CONFIRMATION_DATA, &attributes)?)
        })
    })
}

fn write_conditions(writer: &mut Writer, content: &AssertionContent) -> Result<(), TokenError> {
    let (from, until) = (content.not_before.to_xml(), content.not_on_or_after.to_xml());
    let attributes = [Attr::plain("NotBefore", &from), Attr::plain("NotOnOrAfter", &until)];
    writer.element(&CONDITIONS, &attributes, |writer| {
        writer.element(&AUDIENCE_RESTRICTION, &[], |writer| Ok(writer.leaf(&AUDIENCE, &[], &content.audience)?))
    })
}

fn write_attribute(writer: &mut Writer, attribute: &Attribute) -> Result<(), TokenError> {
    let attributes = [
        Attr::plain("Name", &attribute.claim_type),
        Attr::plain_optional("NameFormat", attribute.name_format.as_deref()),
        Attr::optional(ORIGINAL_ISSUER, attribute.original_issuer.as_deref()),
    ];
    writer.element(&ATTRIBUTE, &attributes, |writer| write_values(writer, &ATTRIBUTE_VALUE, attribute))
}

fn write_authentication(
    writer: &mut Writer,
    authentication: &AuthenticationStatement,
    id: &str,
) -> Result<(), TokenError> {
    let instant = authentication.instant.to_xml();
    let attributes = [
        Attr::plain("AuthnInstant", &instant),
        Attr::plain("SessionIndex", authentication.session_index.as_deref().unwrap_or(id)),
    ];
    writer.element(&AUTHN_STATEMENT, &attributes, |writer| {
        writer.element(&AUTHN_CONTEXT, &[], |writer| {
            Ok(writer.leaf(&AUTHN_CONTEXT_CLASS_REF, &[], context_class(&authentication.method))?)
        })
    })
}

/// The authentication context class for a method, by the table of ws-federation.md 4.3; any other method stands for itself.
fn context_class(method: &str) -> &str {
    match method {
        "http://schemas.microsoft.com/ws/2008/06/identity/authenticationmethod/windows" => {
            "urn:federation:authentication:windows"
        }
        "http://schemas.microsoft.com/ws/2008/06/identity/authenticationmethod/password"
        | "urn:oasis:names:tc:SAML:1.0:am:password" => "urn:oasis:names:tc:SAML:2.0:ac:classes:Password",
        "http://schemas.microsoft.com/ws/2008/06/identity/authenticationmethod/tlsclient" | "urn:ietf:rfc:2246" => {
            "urn:oasis:names:tc:SAML:2.0:ac:classes:TLSClient"
        }
        "http://schemas.microsoft.com/ws/2008/06/identity/authenticationmethod/x509" => {
            "urn:oasis:names:tc:SAML:2.0:ac:classes:X509"
        }
        other => other,
    }
}

const fn saml(local: &'static str) -> Name {
    Name::new("", SAML2, local)
}

const ASSERTION: Name = saml("Assertion");
const ISSUER: Name = saml("Issuer");
const SUBJECT: Name = saml("Subject");
const NAME_ID: Name = saml("NameID");
const SUBJECT_CONFIRMATION: Name = saml("SubjectConfirmation");
const SUBJECT_CONFIRMATION_DATA: Name = saml("SubjectConfirmationData");
const CONDITIONS: Name = saml("Conditions");
const AUDIENCE_RESTRICTION: Name = saml("AudienceRestriction");
const AUDIENCE: Name = saml("Audience");
const ATTRIBUTE_STATEMENT: Name = saml("AttributeStatement");
const ATTRIBUTE: Name = saml("Attribute");
const ATTRIBUTE_VALUE: Name = saml("AttributeValue");
const AUTHN_STATEMENT: Name = saml("AuthnStatement");
const AUTHN_CONTEXT: Name = saml("AuthnContext");
const AUTHN_CONTEXT_CLASS_REF: Name = saml("AuthnContextClassRef");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tokens::content::BearerConfirmation;
    use crate::tokens::samples;

    #[tokio::test]
    async fn a_users_token_has_the_form_of_ad_fs() {
        let mut content = samples::user();
        content.confirmation.recipient = Some("https://rp.example/acs?a=1&b=2".into());
        content.confirmation.in_response_to = Some("_request".into());
        content.confirmation.not_on_or_after = Some(samples::now().plus(std::time::Duration::from_mins(5)));
        content.attributes[0].name_format = Some("urn:oasis:names:tc:SAML:2.0:attrname-format:uri".into());
        let token = write_signed(&content, samples::key(), SignatureAlgorithm::RsaSha256).await.unwrap();
        insta::assert_snapshot!(samples::without_key_material(&token));
    }

    #[tokio::test]
    async fn a_token_without_restrictions_or_slash_in_a_claim_type() {
        let content = samples::with_claim("role", "v");
        let token = write_signed(&content, samples::key(), SignatureAlgorithm::RsaSha1).await.unwrap();
        insta::assert_snapshot!(samples::without_key_material(&token));
    }

    #[tokio::test]
    async fn each_part_of_the_confirmation_is_written_without_the_others() {
        let plain = samples::with_claim("role", "v").confirmation;
        for (attribute, confirmation) in [
            ("InResponseTo", BearerConfirmation { in_response_to: Some("_r".into()), ..plain.clone() }),
            ("NotOnOrAfter", BearerConfirmation { not_on_or_after: Some(samples::now()), ..plain.clone() }),
            ("Recipient", BearerConfirmation { recipient: Some("https://rp.example/".into()), ..plain.clone() }),
        ] {
            let content = AssertionContent { confirmation, ..samples::with_claim("role", "v") };
            let token = write_signed(&content, samples::key(), SignatureAlgorithm::RsaSha256).await.unwrap();
            let text = String::from_utf8(token).unwrap();
            assert!(text.contains(&format!("<SubjectConfirmationData {attribute}=")), "{text}");
        }
    }

    #[tokio::test]
    async fn illegal_characters_name_their_claim() {
        let content = samples::with_claim("role", "\u{FFFF}");
        let error = write_signed(&content, samples::key(), SignatureAlgorithm::RsaSha256).await.unwrap_err();
        assert_eq!(error, TokenError::IllegalCharacter { claim_type: String::from("role"), character: '\u{FFFF}' });
    }
}
