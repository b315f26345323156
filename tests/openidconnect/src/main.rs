//! The `openidconnect` crate as a client: discovery, a code with a proof key, the id token with its nonce and hash, user information,
//! refresh.
//!
//! Reads a JSON value on its standard input and prints one. HTTP goes through curl, by which the lab's names resolve.

use std::error::Error;
use std::io::Write as _;
use std::process::{Command, Stdio};

use openidconnect::core::{CoreAuthenticationFlow, CoreClient, CoreProviderMetadata, CoreUserInfoClaims};
use openidconnect::http::Response;
use openidconnect::{
    AccessTokenHash, AuthorizationCode, ClientId, ClientSecret, CsrfToken, HttpRequest, HttpResponse, IssuerUrl, Nonce,
    OAuth2TokenResponse as _, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope, TokenResponse as _,
};
use serde_json::{Value, json};

fn main() -> Result<(), Box<dyn Error>> {
    let input: Value = serde_json::from_reader(std::io::stdin())?;
    let text = |name: &str| input[name].as_str().unwrap_or_default().to_owned();
    let provider = CoreProviderMetadata::discover(&IssuerUrl::new(text("issuer"))?, &send)?;
    let client = CoreClient::from_provider_metadata(
        provider,
        ClientId::new(text("client")),
        Some(ClientSecret::new(text("secret"))),
    )
    .set_redirect_uri(RedirectUrl::new(text("redirect"))?);
    if input["code"].is_null() {
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let (url, state, nonce) = client
            .authorize_url(CoreAuthenticationFlow::AuthorizationCode, CsrfToken::new_random, Nonce::new_random)
            .add_scope(Scope::new("profile".into()))
            .set_pkce_challenge(challenge)
            .url();
        print(
            &json!({ "url": url.as_str(), "state": state.secret(), "nonce": nonce.secret(), "verifier": verifier.secret() }),
        );
        return Ok(());
    }
    let tokens = client
        .exchange_code(AuthorizationCode::new(text("code")))?
        .set_pkce_verifier(PkceCodeVerifier::new(text("verifier")))
        .request(&send)?;
    let id = tokens.id_token().ok_or("no id token")?;
    let verifier = client.id_token_verifier();
    let claims = id.claims(&verifier, &Nonce::new(text("nonce")))?;
    let wrong_nonce = id.claims(&verifier, &Nonce::new("another".into())).is_err();
    // Where the token has `at_hash`, it must be the access token's.
    if let Some(hash) = claims.access_token_hash() {
        let own = AccessTokenHash::from_token(tokens.access_token(), id.signing_alg()?, id.signing_key(&verifier)?)?;
        if own != *hash {
            return Err("at_hash is another token's".into());
        }
    }
    let subject = claims.subject().clone();
    let user: CoreUserInfoClaims =
        client.user_info(tokens.access_token().clone(), Some(subject.clone()))?.request(&send)?;
    let refreshed = match tokens.refresh_token() {
        Some(token) => client.exchange_refresh_token(token)?.request(&send)?.id_token().is_some(),
        None => false,
    };
    print(&json!({
        "subject": subject.as_str(), "user": user.subject().as_str(), "refreshed": refreshed, "wrong_nonce": wrong_nonce,
        "access_token": tokens.access_token().secret(),
    }));
    Ok(())
}

fn print(value: &Value) {
    println!("{value}");
}

/// A request by curl.
fn send(request: HttpRequest) -> Result<HttpResponse, std::io::Error> {
    let mut command = Command::new("curl");
    command.args(["--silent", "--show-error", "--max-time", "30", "--write-out", "\n%{http_code}\n%{content_type}"]);
    command.args(["--request", request.method().as_str()]);
    for (name, value) in request.headers() {
        let value = value.to_str().map_err(std::io::Error::other)?;
        command.args(["--header", &format!("{name}: {value}")]);
    }
    if !request.body().is_empty() {
        command.args(["--data-binary", "@-"]);
    }
    command.arg(request.uri().to_string());
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(request.body())?;
    }
    let output = child.wait_with_output()?.stdout;
    let lines = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
    let mut parts = output.rsplitn(3, |octet| *octet == b'\n');
    let (content_type, status) = (lines(parts.next().unwrap_or_default()), lines(parts.next().unwrap_or_default()));
    let body = parts.next().unwrap_or_default().to_vec();
    Response::builder()
        .status(status.parse::<u16>().map_err(std::io::Error::other)?)
        .header("content-type", content_type)
        .body(body)
        .map_err(std::io::Error::other)
}
