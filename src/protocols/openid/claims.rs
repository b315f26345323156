//! What an `OpenID` provider says, as the input of the acceptance rules.

use serde_json::{Map, Value};

use crate::authn::AuthenticationMethod;
use crate::claims::types::{self, value_type};
use crate::claims::{Claim, ClaimSet, Text};
use crate::tokens::inbound::openid::IdToken;

/// The claims of a provider with this identifier, the subject's identifier first. A member with a well-known meaning becomes the claim
/// type of that meaning; any other keeps its name. A list becomes a claim for each value; objects are left out, and what only
/// concerns the token itself.
pub fn to_claims(token: &IdToken, said: &Map<String, Value>, issuer: &str) -> ClaimSet {
    let issuer = Text::from(issuer);
    let claim = |claim_type: Text, value: Text| Claim::new(claim_type, value, issuer.clone());
    let mut claims = vec![claim(Text::constant(types::NAME_IDENTIFIER), Text::from(token.subject.as_str()))];
    for (name, value) in said {
        if ABOUT_THE_TOKEN.contains(&name.as_str()) {
            continue;
        }
        let claim_type = match KNOWN.iter().find(|(known, _)| known == name) {
            Some((_, claim_type)) => Text::constant(claim_type),
            None => Text::from(name.as_str()),
        };
        let values = match value {
            Value::Array(values) => values.as_slice(),
            value => std::slice::from_ref(value),
        };
        claims.extend(values.iter().take(MAX_VALUES).filter_map(|value| {
            let (text, kind) = match value {
                Value::String(text) if !text.is_empty() => (Text::from(text.as_str()), value_type::STRING),
                Value::Bool(value) => (Text::from(value.to_string()), value_type::BOOLEAN),
                Value::Number(number) => (Text::from(number.to_string()), value_type::STRING),
                _ => return None,
            };
            Some(claim(claim_type.clone(), text).with_value_type(Text::constant(kind)))
        }));
    }
    let instant = claim(
        Text::constant(types::AUTHENTICATION_INSTANT),
        Text::from(token.authenticated.unwrap_or(token.issued).to_xml()),
    );
    claims.push(instant.with_value_type(Text::constant(value_type::DATE_TIME)));
    ClaimSet::from(claims)
}

/// How the subject authenticated: by its context class, or by the names of methods in `amr` (RFC 8176). A word for several factors is
/// no proof of them: the acceptance rules say what it is worth.
pub fn authentication_method(token: &IdToken) -> AuthenticationMethod {
    let class = token.claims.get("acr").and_then(Value::as_str).map(AuthenticationMethod::of_claims_provider);
    if let Some(method) = class.filter(|method| *method != AuthenticationMethod::Federated) {
        return method;
    }
    let methods = token.claims.get("amr").and_then(Value::as_array);
    let has = |name: &str| methods.is_some_and(|methods| methods.iter().any(|method| method == name));
    match () {
        () if has("wia") => AuthenticationMethod::Windows,
        () if has("pwd") => AuthenticationMethod::Password,
        () => AuthenticationMethod::Federated,
    }
}

/// Members with a well-known meaning, and its claim type.
const KNOWN: [(&str, &str); 10] = [
    ("upn", types::UPN),
    ("name", types::NAME),
    ("email", "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress"),
    ("given_name", "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/givenname"),
    ("family_name", "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/surname"),
    ("role", "http://schemas.microsoft.com/ws/2008/06/identity/claims/role"),
    ("roles", "http://schemas.microsoft.com/ws/2008/06/identity/claims/role"),
    ("groups", "http://schemas.xmlsoap.org/claims/Group"),
    ("acr", types::AUTHENTICATION_METHOD),
    ("amr", types::AUTHN_METHODS_REFERENCES),
];
/// Members about the token, not about its subject.
const ABOUT_THE_TOKEN: [&str; 13] =
    ["iss", "sub", "aud", "exp", "nbf", "iat", "jti", "nonce", "at_hash", "c_hash", "azp", "sid", "auth_time"];
/// Values of one member.
const MAX_VALUES: usize = 1000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::UtcTime;
    use serde_json::json;

    fn token(claims: Value) -> IdToken {
        let Value::Object(claims) = claims else { panic!("an object") };
        let issued = UtcTime::from_unix_seconds(1_767_607_201);
        IdToken { subject: String::from("42"), issued, authenticated: None, claims }
    }

    #[test]
    fn members_become_claims() {
        let token = token(json!({
            "iss": "https://op.example", "aud": "us", "exp": 1, "nonce": "x", "sub": "42",
            "email": "bob@partner.example", "email_verified": true, "roles": ["one", "two", {}], "level": 7,
            "preferred_username": "bob", "address": { "country": "x" }, "nothing": null, "empty": "",
        }));
        let claims = to_claims(&token, &token.claims, "https://op.example");
        let found: Vec<String> =
            claims.iter().map(|claim| format!("{} = {} ({})", claim.claim_type, claim.value, claim.issuer)).collect();
        insta::assert_snapshot!(found.join("\n"), @r"
        http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier = 42 (https://op.example)
        http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress = bob@partner.example (https://op.example)
        email_verified = true (https://op.example)
        level = 7 (https://op.example)
        preferred_username = bob (https://op.example)
        http://schemas.microsoft.com/ws/2008/06/identity/claims/role = one (https://op.example)
        http://schemas.microsoft.com/ws/2008/06/identity/claims/role = two (https://op.example)
        http://schemas.microsoft.com/ws/2008/06/identity/claims/authenticationinstant = 2026-01-05T10:00:01.000Z (https://op.example)
        ");
    }

    #[test]
    fn methods_are_those_that_have_a_name_here() {
        for (claims, expected) in [
            (json!({}), AuthenticationMethod::Federated),
            (json!({ "amr": ["pwd", "mfa"] }), AuthenticationMethod::Password),
            (json!({ "amr": ["wia"] }), AuthenticationMethod::Windows),
            (json!({ "amr": "pwd" }), AuthenticationMethod::Federated),
            (json!({ "acr": "urn:ietf:rfc:2246" }), AuthenticationMethod::TlsClient),
            (json!({ "acr": "0", "amr": ["pwd"] }), AuthenticationMethod::Password),
        ] {
            assert_eq!(authentication_method(&token(claims.clone())), expected, "{claims}");
        }
    }
}
