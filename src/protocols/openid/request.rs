//! The request: an address that a browser is sent to.

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;

use super::Configuration;
use crate::authn::AuthnRequirement;
use crate::protocols::browser::parameters::encode;
use crate::protocols::samlp::redirect::append;
use crate::trusts::OpenIdSettings;

/// The secrets of one request. Both come of one that only this server knows and that comes back under seal, so that nothing needs to be
/// stored; neither tells the other.
#[derive(Debug, Clone)]
pub struct OneRequest {
    /// Stands in the request, and must stand in the ID token.
    pub nonce: String,
    /// Proves at the token endpoint that the request was ours (RFC 7636).
    pub verifier: String,
}

impl OneRequest {
    /// Those of a step.
    pub fn of(step: &[u8]) -> Self {
        let derived = |purpose: &[u8]| BASE64.encode(digest::digest(&digest::SHA256, &[purpose, step].concat()));
        Self { nonce: derived(b"openid nonce\0"), verifier: derived(b"openid code verifier\0") }
    }

    /// What the provider is told of the verifier.
    pub fn challenge(&self) -> String {
        BASE64.encode(digest::digest(&digest::SHA256, self.verifier.as_bytes()))
    }
}

/// Where the browser is sent.
pub fn authorization_url(
    configuration: &Configuration,
    settings: &OpenIdSettings,
    request: &OneRequest,
    redirect_uri: &str,
    state: &str,
    requirement: &AuthnRequirement,
    login_hint: Option<&str>,
) -> String {
    let AuthnRequirement { max_age, ask, .. } = requirement;
    let scopes = settings.scopes.join(" ");
    let challenge = request.challenge();
    let max_age = max_age.map(|age| age.as_secs().to_string());
    let parameters = [
        ("response_type", Some("code")),
        ("client_id", Some(settings.client_id.as_str())),
        ("redirect_uri", Some(redirect_uri)),
        ("scope", Some(scopes.as_str())),
        ("state", Some(state)),
        ("nonce", Some(request.nonce.as_str())),
        ("code_challenge", Some(challenge.as_str())),
        ("code_challenge_method", Some("S256")),
        ("prompt", ask.then_some("login")),
        ("max_age", max_age.as_deref()),
        ("login_hint", login_hint),
    ];
    append(&configuration.authorization_endpoint, &query(&parameters))
}

/// Where the browser is sent to sign out (RP-Initiated Logout 2), and back from there.
pub fn end_session_url(endpoint: &str, client_id: &str, back: &str, state: Option<&str>) -> String {
    let parameters = [("client_id", Some(client_id)), ("post_logout_redirect_uri", Some(back)), ("state", state)];
    append(endpoint, &query(&parameters))
}

fn query(parameters: &[(&str, Option<&str>)]) -> String {
    let given = parameters.iter().filter_map(|(name, value)| Some(format!("{name}={}", encode((*value)?))));
    given.collect::<Vec<_>>().join("&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nonce_and_verifier_are_of_one_step_and_of_no_other() {
        let (one, two) = (OneRequest::of(&[1; 16]), OneRequest::of(&[2; 16]));
        assert_eq!((one.nonce.len(), one.verifier.len()), (43, 43), "43 characters are the least for a verifier");
        assert!(one.nonce != two.nonce && one.verifier != two.verifier && one.nonce != one.verifier);
        assert_eq!(OneRequest::of(&[1; 16]).verifier, one.verifier);
        // The example of RFC 7636, appendix B.
        let example = OneRequest { verifier: "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".into(), ..one };
        assert_eq!(example.challenge(), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }
}
