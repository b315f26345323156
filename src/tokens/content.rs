//! What an assertion says, before it is SAML 1.1 or SAML 2.0.

use super::{AssertionVersion, IssuedToken, SignatureAlgorithm, SigningKey, TokenError, TokenId, saml2, saml11};
use crate::claims::types::{self, issuer, property};
use crate::claims::{Claim, ClaimSet, Text};
use crate::clock::UtcTime;

/// The parts of an assertion that do not come from claims.
#[derive(Debug, Clone)]
pub struct AssertionFrame {
    /// Identifier of the assertion.
    pub id: TokenId,
    /// The federation service identifier; an `issuerid` claim replaces it.
    pub issuer: Text,
    /// The identifier of the relying party as it was requested.
    pub audience: Text,
    /// When it is issued.
    pub issue_instant: UtcTime,
    /// Start of validity.
    pub not_before: UtcTime,
    /// End of validity.
    pub not_on_or_after: UtcTime,
    /// To whom and until when it may be delivered.
    pub confirmation: BearerConfirmation,
    /// How and when the subject authenticated, where no claim says so.
    pub authentication: Option<AuthenticationStatement>,
}

/// What an assertion says.
#[derive(Debug, Clone)]
pub struct AssertionContent {
    /// Identifier of the assertion.
    pub id: TokenId,
    /// Its issuer.
    pub issuer: Text,
    /// The one audience.
    pub audience: Text,
    /// When it is issued.
    pub issue_instant: UtcTime,
    /// Start of validity.
    pub not_before: UtcTime,
    /// End of validity.
    pub not_on_or_after: UtcTime,
    /// The subject's name; an assertion may do without.
    pub name_identifier: Option<NameIdentifier>,
    /// Whoever bears the assertion is the subject.
    pub confirmation: BearerConfirmation,
    /// How and when the subject authenticated.
    pub authentication: Option<AuthenticationStatement>,
    /// The other claims.
    pub attributes: Vec<Attribute>,
}

/// The name of the subject.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct NameIdentifier {
    /// The name.
    #[serde(rename = "v")]
    pub value: Text,
    /// URI of its format.
    #[serde(rename = "f", default, skip_serializing_if = "Option::is_none")]
    pub format: Option<Text>,
    /// `NameQualifier`.
    #[serde(rename = "q", default, skip_serializing_if = "Option::is_none")]
    pub name_qualifier: Option<Text>,
    /// `SPNameQualifier`; SAML 2.0 only.
    #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
    pub sp_name_qualifier: Option<Text>,
}

/// Restrictions of a bearer confirmation; SAML 2.0 only, SAML 1.1 has nowhere to say them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BearerConfirmation {
    /// URL the assertion is sent to.
    pub recipient: Option<Text>,
    /// Identifier of the request it answers.
    pub in_response_to: Option<Text>,
    /// Until when it may be delivered.
    pub not_on_or_after: Option<UtcTime>,
}

/// How and when the subject authenticated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthenticationStatement {
    /// URI of the method.
    pub method: Text,
    /// When.
    pub instant: UtcTime,
    /// `SessionIndex` of SAML 2.0; the assertion's identifier when absent.
    pub session_index: Option<Text>,
}

/// An attribute: claims that differ in nothing but their value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    /// Claim type URI.
    pub claim_type: Text,
    /// XML Schema type URI of the values.
    pub value_type: Text,
    /// Who stated it first, where that is not this farm.
    pub original_issuer: Option<Text>,
    /// `NameFormat`; SAML 2.0 only.
    pub name_format: Option<Text>,
    /// The values in the order of the claims.
    pub values: Vec<Text>,
}

impl AssertionContent {
    /// The assertion that `claims`, the output of the issuance rules, make.
    ///
    /// Claims with a place of their own are consumed: `nameidentifier` with its format and qualifiers, `authenticationmethod`
    /// and `authenticationinstant` (the first of each), `issuerid`. All others become attributes in the order of their first
    /// appearance (ws-federation.md 4.1).
    ///
    /// # Errors
    /// [`TokenError::SeveralNameIdentifiers`], [`TokenError::ConflictingIssuers`], [`TokenError::AuthenticationInstant`].
    pub fn from_claims(frame: AssertionFrame, claims: &ClaimSet) -> Result<Self, TokenError> {
        let issuer = issuer_of(&frame.issuer, claims)?;
        let name_identifier = name_identifier_of(claims)?;
        let authentication = authentication_of(&frame, claims)?;
        let mut attributes: Vec<Attribute> = Vec::with_capacity(claims.len());
        for claim in claims {
            if !CONSUMED.contains(&&*claim.claim_type) {
                add_attribute(&mut attributes, claim, shown_original_issuer(claim, &frame.issuer, &issuer));
            }
        }
        Ok(Self {
            id: frame.id,
            issuer,
            audience: frame.audience,
            issue_instant: frame.issue_instant,
            not_before: frame.not_before,
            not_on_or_after: frame.not_on_or_after,
            name_identifier,
            confirmation: frame.confirmation,
            authentication,
            attributes,
        })
    }

    /// Writes and signs the assertion.
    ///
    /// # Errors
    /// [`TokenError`].
    pub async fn sign(
        &self,
        version: AssertionVersion,
        key: &SigningKey,
        algorithm: SignatureAlgorithm,
    ) -> Result<IssuedToken, TokenError> {
        let bytes = match version {
            AssertionVersion::Saml11 => saml11::write_signed(self, key, algorithm).await?,
            AssertionVersion::Saml2 => saml2::write_signed(self, key, algorithm).await?,
        };
        Ok(IssuedToken {
            id: self.id.clone(),
            token_type: version.into(),
            bytes,
            not_before: self.not_before,
            not_on_or_after: self.not_on_or_after,
            encrypted: false,
        })
    }
}

/// The issuer a token shows: the farm's own, unless a rule issued another.
pub(super) fn issuer_of(own: &Text, claims: &ClaimSet) -> Result<Text, TokenError> {
    let mut values = claims.of_type(types::ISSUER_ID).map(|claim| &claim.value);
    let Some(first) = values.next() else { return Ok(own.clone()) };
    match values.find(|other| *other != first) {
        None => Ok(first.clone()),
        Some(second) => {
            Err(TokenError::ConflictingIssuers { first: String::from(&**first), second: String::from(&**second) })
        }
    }
}

fn name_identifier_of(claims: &ClaimSet) -> Result<Option<NameIdentifier>, TokenError> {
    let mut found = claims.of_type(types::NAME_IDENTIFIER);
    let Some(claim) = found.next() else { return Ok(None) };
    match found.count() {
        0 => Ok(Some(NameIdentifier {
            value: claim.value.clone(),
            format: property_of(claim, property::FORMAT),
            name_qualifier: property_of(claim, property::NAME_QUALIFIER),
            sp_name_qualifier: property_of(claim, property::SP_NAME_QUALIFIER),
        })),
        more => Err(TokenError::SeveralNameIdentifiers { count: more + 1 }),
    }
}

fn authentication_of(frame: &AssertionFrame, claims: &ClaimSet) -> Result<Option<AuthenticationStatement>, TokenError> {
    let known = frame.authentication.as_ref();
    let method = claims.first_value(types::AUTHENTICATION_METHOD).or(known.map(|known| &known.method));
    let Some(method) = method else { return Ok(None) };
    let instant = match claims.first_value(types::AUTHENTICATION_INSTANT) {
        Some(value) => {
            UtcTime::from_xml(value).map_err(|_| TokenError::AuthenticationInstant { value: String::from(&**value) })?
        }
        None => known.map_or(frame.issue_instant, |known| known.instant),
    };
    let session_index = known.and_then(|known| known.session_index.clone());
    Ok(Some(AuthenticationStatement { method: method.clone(), instant, session_index }))
}

/// Adds the claim's value to the attribute it belongs to.
///
/// Claims belong together when the attributes would look the same in the token. Where only the issuer differs and the token
/// does not show it, two attributes of one name would say nothing more, and strict readers refuse them.
fn add_attribute(attributes: &mut Vec<Attribute>, claim: &Claim, original_issuer: Option<&Text>) {
    let name_format = claim.properties.get(property::ATTRIBUTE_NAME).filter(|format| !format.is_empty());
    let same = |attribute: &&mut Attribute| {
        attribute.claim_type == claim.claim_type
            && attribute.value_type == claim.value_type
            && attribute.original_issuer.as_ref() == original_issuer
            && attribute.name_format.as_ref() == name_format
    };
    match attributes.iter_mut().find(same) {
        Some(attribute) => attribute.values.push(claim.value.clone()),
        None => attributes.push(Attribute {
            claim_type: claim.claim_type.clone(),
            value_type: claim.value_type.clone(),
            original_issuer: original_issuer.cloned(),
            name_format: name_format.cloned(),
            values: vec![claim.value.clone()],
        }),
    }
}

/// The original issuer where a token shows it: anyone but this farm, whose own names are the directory, its rules and its
/// identifier. Claims about the request (`CLIENT CONTEXT`) and claims of partners show theirs.
fn shown_original_issuer<'a>(claim: &'a Claim, farm: &Text, issuer: &Text) -> Option<&'a Text> {
    let original = &claim.original_issuer;
    let own = [issuer::AD_AUTHORITY, issuer::LOCAL_AUTHORITY, issuer::SELF_AUTHORITY, "", &**farm, &**issuer];
    (!own.contains(&&**original)).then_some(original)
}

fn property_of(claim: &Claim, name: &str) -> Option<Text> {
    claim.properties.get(name).filter(|value| !value.is_empty()).cloned()
}

/// Claim types with a place of their own in an assertion.
const CONSUMED: [&str; 4] =
    [types::NAME_IDENTIFIER, types::AUTHENTICATION_METHOD, types::AUTHENTICATION_INSTANT, types::ISSUER_ID];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tokens::samples;

    fn content(claims: Vec<Claim>) -> Result<AssertionContent, TokenError> {
        AssertionContent::from_claims(samples::frame(), &ClaimSet::from(claims))
    }

    fn local(claim_type: &str, value: &str) -> Claim {
        Claim::new(claim_type, value, issuer::LOCAL_AUTHORITY)
    }

    #[test]
    fn special_claims_are_consumed() {
        let built = content(vec![
            local(types::NAME_IDENTIFIER, "id")
                .with_property(property::FORMAT, "urn:f")
                .with_property(property::NAME_QUALIFIER, ""),
            local(types::AUTHENTICATION_METHOD, "urn:m"),
            local(types::AUTHENTICATION_METHOD, "urn:second"),
            local(types::AUTHENTICATION_INSTANT, "2026-01-05T11:00:00.5+01:00"),
            local(types::ISSUER_ID, "http://brand.example/adfs/services/trust/"),
            local(types::ISSUER_ID, "http://brand.example/adfs/services/trust/"),
        ])
        .unwrap();
        let name = built.name_identifier.unwrap();
        assert_eq!((&*name.value, name.format.as_deref(), name.name_qualifier), ("id", Some("urn:f"), None));
        let authentication = built.authentication.unwrap();
        assert_eq!(&*authentication.method, "urn:m");
        assert_eq!(authentication.instant.to_xml(), "2026-01-05T10:00:00.500Z");
        assert_eq!(&*built.issuer, "http://brand.example/adfs/services/trust/");
        assert!(built.attributes.is_empty());
    }

    #[test]
    fn contradictions_are_errors() {
        let two = vec![local(types::NAME_IDENTIFIER, "a"), local(types::NAME_IDENTIFIER, "b")];
        assert_eq!(content(two).unwrap_err(), TokenError::SeveralNameIdentifiers { count: 2 });
        let issuers = vec![local(types::ISSUER_ID, "a"), local(types::ISSUER_ID, "a"), local(types::ISSUER_ID, "b")];
        assert!(matches!(content(issuers).unwrap_err(), TokenError::ConflictingIssuers { .. }));
        let instant = vec![local(types::AUTHENTICATION_INSTANT, "yesterday")];
        assert!(matches!(content(instant).unwrap_err(), TokenError::AuthenticationInstant { .. }));
    }

    #[test]
    fn without_claims_the_frame_says_how_the_subject_authenticated() {
        let built = content(Vec::new()).unwrap();
        assert_eq!(built.authentication, samples::frame().authentication);
    }

    #[test]
    fn values_are_grouped_in_order_of_first_appearance() {
        let boolean = "http://www.w3.org/2001/XMLSchema#boolean";
        let mut from_directory = Claim::new("urn:t/b", "5", issuer::AD_AUTHORITY);
        from_directory.issuer = Text::from(issuer::LOCAL_AUTHORITY);
        let built = content(vec![
            local("urn:t/b", "1"),
            local("urn:t/a", "2"),
            local("urn:t/b", "3"),
            local("urn:t/b", "true").with_value_type(boolean),
            Claim::new("urn:t/b", "4", issuer::CLIENT_CONTEXT),
            from_directory,
        ])
        .unwrap();
        let shown: Vec<_> = built
            .attributes
            .iter()
            .map(|a| (&*a.claim_type, a.original_issuer.as_deref(), a.values.iter().map(|v| &**v).collect::<Vec<_>>()))
            .collect();
        assert_eq!(
            shown,
            [
                ("urn:t/b", None, vec!["1", "3", "5"]),
                ("urn:t/a", None, vec!["2"]),
                ("urn:t/b", None, vec!["true"]),
                ("urn:t/b", Some("CLIENT CONTEXT"), vec!["4"]),
            ]
        );
    }

    #[test]
    fn a_name_format_is_part_of_the_attribute_and_an_empty_one_is_none() {
        let with = |value, format| local("urn:t/a", value).with_property(property::ATTRIBUTE_NAME, format);
        let built = content(vec![local("urn:t/a", "1"), with("2", ""), with("3", "urn:f")]).unwrap();
        let shown: Vec<_> = built.attributes.iter().map(|a| (a.name_format.as_deref(), a.values.len())).collect();
        assert_eq!(shown, [(None, 2), (Some("urn:f"), 1)]);
    }

    #[test]
    fn the_original_issuer_is_shown_unless_it_is_this_farm() {
        let own = [
            issuer::AD_AUTHORITY,
            issuer::LOCAL_AUTHORITY,
            issuer::SELF_AUTHORITY,
            "http://sts.corp.example/adfs/services/trust",
        ];
        for name in own {
            assert_eq!(
                content(vec![Claim::new("urn:t/a", "1", name)]).unwrap().attributes[0].original_issuer,
                None,
                "{name}"
            );
        }
        for name in [issuer::CLIENT_CONTEXT, "urn:partner:idp"] {
            let built = content(vec![Claim::new("urn:t/a", "1", name)]).unwrap();
            assert_eq!(built.attributes[0].original_issuer.as_deref(), Some(name));
        }
    }
}
