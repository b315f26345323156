//! What a JSON Web Token says: the claims that rules issued, by their short names, and what every token has.

use std::time::Duration;

use serde::ser::SerializeMap as _;
use serde_json::Value;

use super::json::read_value;
use super::write::write_signed;
use crate::claims::descriptions::ClaimDescriptions;
use crate::claims::types::{self, value_type};
use crate::claims::{Claim, ClaimSet, Text};
use crate::clock::UtcTime;
use crate::tokens::content::issuer_of;
use crate::tokens::{AssertionFrame, AuthenticationStatement, IssuedToken, SigningKey, TokenError, TokenId, TokenType};

/// How a token differs from one for a relying party of WS-Federation or WS-Trust.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct JwtOptions {
    /// Issuer of an id token; otherwise the federation service identifier.
    pub issuer: Option<Text>,
    /// Audience of an id token, a client; otherwise the relying party.
    pub audience: Option<String>,
    /// Validity; otherwise that of the trust.
    pub lifetime: Option<Duration>,
    /// Which claims of the grant it carries.
    pub claims: JwtClaims,
    /// Members of the protocol, after the claims; a claim of such a name gives way.
    pub members: Vec<(&'static str, Value)>,
}

/// Which claims of the grant a token carries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum JwtClaims {
    /// All of them, and how and when the subject authenticated in the form of an access token.
    #[default]
    All,
    /// None; the protocol's members say everything.
    None,
}

/// What a token says, in order.
#[derive(Debug, Clone, PartialEq)]
pub struct JwtContent {
    id: TokenId,
    not_before: UtcTime,
    not_on_or_after: UtcTime,
    members: Members,
}

impl JwtContent {
    /// The token that `claims`, the output of the issuance rules, make.
    ///
    /// Claims appear under the short name of their description, others under their type; several values make an array, and a
    /// value of type `json` is embedded. `issuerid` replaces the issuer, as in an assertion.
    ///
    /// # Errors
    /// [`TokenError::ConflictingIssuers`], [`TokenError::ReservedMember`].
    pub fn from_claims(
        frame: AssertionFrame,
        claims: &ClaimSet,
        descriptions: &ClaimDescriptions,
        options: &JwtOptions,
    ) -> Result<Self, TokenError> {
        let issuer = match &options.issuer {
            Some(issuer) => issuer.clone(),
            None => issuer_of(&frame.issuer, claims)?,
        };
        let audience = options.audience.clone().unwrap_or_else(|| audience_of(&frame.audience));
        let not_on_or_after = match options.lifetime {
            Some(lifetime) => frame.issue_instant.plus(lifetime),
            None => frame.not_on_or_after,
        };
        let mut members = Members(Vec::with_capacity(claims.len() + options.members.len() + 7));
        members.push("aud", audience.into());
        members.push("iss", (&*issuer).into());
        members.push("iat", frame.issue_instant.unix_seconds().into());
        members.push("nbf", frame.not_before.unix_seconds().into());
        members.push("exp", not_on_or_after.unix_seconds().into());
        let fixed = members.0.len();
        if options.claims == JwtClaims::All {
            for claim in claims.iter().filter(|claim| !CONSUMED.contains(&&*claim.claim_type)) {
                let name = member_name(claim, descriptions);
                if members.0.iter().take(fixed).any(|(reserved, _)| reserved == name) {
                    return Err(TokenError::ReservedMember { claim_type: String::from(&*claim.claim_type) });
                }
                if !options.members.iter().any(|(own, _)| *own == name) {
                    members.add(name, value_of(claim));
                }
            }
            members.authentication(frame.authentication.as_ref(), claims);
        }
        for (name, value) in &options.members {
            members.put(name, value.clone());
        }
        Ok(Self { id: frame.id, not_before: frame.not_before, not_on_or_after, members })
    }

    /// Writes and signs the token, always by `RS256`: a trust that asks for SHA-1 means its assertions.
    ///
    /// # Errors
    /// [`TokenError`].
    pub async fn sign(self, key: &SigningKey) -> Result<IssuedToken, TokenError> {
        let bytes = write_signed(&self, key).await?;
        Ok(IssuedToken {
            id: self.id,
            token_type: TokenType::Jwt,
            bytes,
            not_before: self.not_before,
            not_on_or_after: self.not_on_or_after,
            encrypted: false,
        })
    }
}

impl serde::Serialize for JwtContent {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.members.0.len()))?;
        for (name, values) in &self.members.0 {
            match values.as_slice() {
                [value] => map.serialize_entry(name, value)?,
                values => map.serialize_entry(name, values)?,
            }
        }
        map.end()
    }
}

/// The audience by which a resource knows itself in a token: an identifier that is no absolute URI gets AD FS' prefix.
pub fn audience_of(identifier: &str) -> String {
    let scheme = identifier.split_once(':').map(|(scheme, _)| scheme);
    let absolute = scheme.is_some_and(|scheme| {
        scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
    });
    if absolute { identifier.to_owned() } else { format!("microsoft:identityserver:{identifier}") }
}

/// Members in order, each name once, with the values it has.
#[derive(Debug, Clone, PartialEq)]
struct Members(Vec<(String, Vec<Value>)>);

impl Members {
    fn push(&mut self, name: &str, value: Value) {
        self.0.push((name.to_owned(), vec![value]));
    }

    /// The one value that it has, whatever was there: a member that stands twice is read differently by everybody.
    fn put(&mut self, name: &str, value: Value) {
        self.0.retain(|(known, _)| known != name);
        self.push(name, value);
    }

    /// A further value makes an array.
    fn add(&mut self, name: &str, value: Value) {
        match self.0.iter_mut().find(|(known, _)| known == name) {
            None => self.push(name, value),
            Some((_, values)) => values.push(value),
        }
    }

    /// `authmethod` and `auth_time` of an access token, unless a member of that name is there.
    fn authentication(&mut self, known: Option<&AuthenticationStatement>, claims: &ClaimSet) {
        if !self.has("authmethod") {
            let mut methods = claims.of_type(types::AUTHENTICATION_METHOD).map(|claim| &claim.value).peekable();
            if methods.peek().is_none() {
                if let Some(known) = known {
                    self.add("authmethod", (&*known.method).into());
                }
            } else {
                for method in methods {
                    self.add("authmethod", (&**method).into());
                }
            }
        }
        if !self.has("auth_time") {
            let claimed = claims.first_value(types::AUTHENTICATION_INSTANT).map(|value| String::from(&**value));
            if let Some(instant) = claimed.or_else(|| known.map(|known| known.instant.to_xml())) {
                self.push("auth_time", instant.into());
            }
        }
    }

    fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(known, _)| known == name)
    }
}

fn member_name<'a>(claim: &'a Claim, descriptions: &'a ClaimDescriptions) -> &'a str {
    descriptions.short_name(&claim.claim_type).unwrap_or(&claim.claim_type)
}

/// Text, or the JSON that the value type announces. A value that is no JSON stays text, so that one bad attribute in the
/// directory does not keep its owner from signing in.
fn value_of(claim: &Claim) -> Value {
    let text = || Value::String(String::from(&*claim.value));
    if &*claim.value_type == value_type::JSON {
        read_value(claim.value.as_bytes()).unwrap_or_else(|_| text())
    } else {
        text()
    }
}

/// Claim types with a member of their own.
const CONSUMED: [&str; 3] = [types::AUTHENTICATION_METHOD, types::AUTHENTICATION_INSTANT, types::ISSUER_ID];
