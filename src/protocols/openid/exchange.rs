//! A code becomes an ID token, and the token becomes somebody.

use serde_json::{Map, Value};

use super::client_assertion::client_assertion;
use super::providers::Wanted;
use super::{Configuration, OneRequest, OpenIdClient, OpenIdError, shortened};
use crate::clock::UtcTime;
use crate::outgoing::Body;
use crate::protocols::browser::parameters::encode;
use crate::secret::Secret;
use crate::tokens::inbound::openid::{Expected, IdToken, IdTokenError, verify};
use crate::trusts::{ClaimsProvider, ClientAuthentication, OpenIdSettings};

/// What a provider sent the browser back with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// `code`.
    pub code: Option<String>,
    /// `iss`: who answers (RFC 9207).
    pub issuer: Option<String>,
    /// `error`.
    pub error: Option<String>,
    /// `error_description`.
    pub description: Option<String>,
}

impl OpenIdClient {
    /// Takes the answer of a provider: exchanges its code, verifies the ID token, and asks for more where the trust wants it. Gives
    /// the token and everything the provider says.
    ///
    /// # Errors
    /// [`OpenIdError`].
    pub async fn take(
        &self,
        provider: &ClaimsProvider,
        settings: &OpenIdSettings,
        answer: &Answered,
        request: &OneRequest,
        redirect_uri: &str,
        now: UtcTime,
    ) -> Result<(IdToken, Map<String, Value>), OpenIdError> {
        let issuer = provider.id.as_str();
        let configuration = self.configuration(provider, settings, now).await?;
        // Before anything is told to anybody: with the answer of one provider, another would get its code.
        match &answer.issuer {
            Some(found) if found != issuer => return Err(other_issuer(answer, issuer)),
            None if configuration.answers_name_issuer => return Err(other_issuer(answer, issuer)),
            _ => {}
        }
        let Some(code) = &answer.code else {
            let error = shortened(answer.error.as_deref().unwrap_or("nothing"));
            return Err(OpenIdError::Refused { error, description: answer.description.as_deref().map(shortened) });
        };
        let tokens = self.exchange(&configuration, settings, code, request, (redirect_uri, now)).await?;
        let expected = Expected {
            issuer,
            client_id: &settings.client_id,
            nonce: &request.nonce,
            access_token: tokens.access_token.as_deref(),
            now,
            skew: CLOCK_SKEW,
        };
        let keys = self.keys(&configuration, Wanted::Known, now).await?;
        let token = match verify(&tokens.id_token, &keys, &expected) {
            Err(IdTokenError::Signature | IdTokenError::NoKey { .. }) => {
                let keys = self.keys(&configuration, Wanted::New, now).await?;
                verify(&tokens.id_token, &keys, &expected)?
            }
            verified => verified?,
        };
        let mut claims = token.claims.clone();
        if let (true, Some(endpoint), Some(access_token)) =
            (settings.userinfo, &configuration.userinfo_endpoint, &tokens.access_token)
        {
            // What was signed stands: the other is only the word of a server.
            for (name, value) in self.userinfo(endpoint, access_token, &token.subject).await? {
                claims.entry(name).or_insert(value);
            }
        }
        Ok((token, claims))
    }

    async fn exchange(
        &self,
        configuration: &Configuration,
        settings: &OpenIdSettings,
        code: &str,
        request: &OneRequest,
        (redirect_uri, now): (&str, UtcTime),
    ) -> Result<Tokens, OpenIdError> {
        let code = format!(
            "grant_type=authorization_code&code={}&redirect_uri={}&code_verifier={}",
            encode(code),
            encode(redirect_uri),
            encode(&request.verifier)
        );
        let secret = settings.secret().map_err(OpenIdError::Secret)?;
        let id = encode(&settings.client_id);
        let secret = secret.map(|secret| Secret::new(encode(secret.expose()).into_owned()));
        // The secret goes into one of both: a request with two credentials is refused.
        let (text, basic) = match (settings.authentication, secret) {
            (ClientAuthentication::Basic, Some(secret)) => {
                (code, Some(Secret::new(format!("{id}:{}", secret.expose()))))
            }
            (ClientAuthentication::PrivateKeyJwt, _) => {
                let key = settings.key.as_ref().ok_or_else(|| OpenIdError::Secret(String::from("there is no key")))?;
                // The nonce is told to the provider, and is used for one code.
                let endpoint = &configuration.token_endpoint;
                let assertion = client_assertion(&settings.client_id, key, endpoint, &request.nonce, now)?;
                let kind = encode("urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
                let assertion = assertion.expose();
                (format!("{code}&client_id={id}&client_assertion_type={kind}&client_assertion={assertion}"), None)
            }
            (ClientAuthentication::Post, Some(secret)) => {
                (format!("{code}&client_id={id}&client_secret={}", secret.expose()), None)
            }
            (_, None) => (format!("{code}&client_id={id}"), None),
        };
        let body = Body::Form { text: Secret::new(text), basic };
        let answer = self.outgoing.ask(&configuration.token_endpoint, &body, MAX_ANSWER).await?;
        let said: Map<String, Value> = serde_json::from_slice(&answer.body)
            .map_err(|_| OpenIdError::Answer(format!("status {} without JSON", answer.status.as_u16())))?;
        let text = |name: &str| said.get(name).and_then(Value::as_str);
        if !answer.status.is_success() || said.contains_key("error") {
            return Err(OpenIdError::Refused {
                error: shortened(text("error").unwrap_or("nothing")),
                description: text("error_description").map(shortened),
            });
        }
        let id_token = text("id_token").ok_or_else(|| OpenIdError::Answer(String::from("it has no ID token")))?;
        Ok(Tokens { id_token: id_token.to_owned(), access_token: text("access_token").map(str::to_owned) })
    }

    /// What the userinfo endpoint says, of the same subject only (`OpenID` Connect Core 5.3.2).
    async fn userinfo(
        &self,
        endpoint: &str,
        access_token: &str,
        subject: &str,
    ) -> Result<Map<String, Value>, OpenIdError> {
        let body = Body::Get { bearer: Some(access_token) };
        let answer = self.outgoing.ask(endpoint, &body, MAX_ANSWER).await?;
        if !answer.status.is_success() {
            return Err(OpenIdError::UserInfo(format!("status {}", answer.status.as_u16())));
        }
        let said: Map<String, Value> =
            serde_json::from_slice(&answer.body).map_err(|_| OpenIdError::UserInfo(String::from("it is no JSON")))?;
        if said.get("sub").and_then(Value::as_str) != Some(subject) {
            return Err(OpenIdError::UserInfo(String::from("it is about another subject")));
        }
        Ok(said)
    }
}

/// What the token endpoint gives.
struct Tokens {
    id_token: String,
    access_token: Option<String>,
}

fn other_issuer(answer: &Answered, expected: &str) -> OpenIdError {
    OpenIdError::Issuer { found: answer.issuer.as_deref().map(shortened), expected: expected.to_owned() }
}

const MAX_ANSWER: usize = 256 << 10;
/// How far the clock of a provider may be from ours.
const CLOCK_SKEW: std::time::Duration = std::time::Duration::from_mins(5);
