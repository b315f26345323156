//! A request to be sent, beside the form in which it may be shown.
//!
//! Whoever builds a request says of every part whether it is a secret; what shows requests has no other text to show.

use std::fmt::Write as _;

use actix_web::http::Method;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::secret::Secret;

/// A request.
pub(super) struct Request {
    pub(super) method: Method,
    pub(super) url: String,
    pub(super) headers: Vec<Header>,
    pub(super) body: Secret<Vec<u8>>,
    /// The body as it may be shown.
    pub(super) shown: String,
    /// The body as it may be shown where there is one line for it, if that differs.
    pub(super) brief: Option<String>,
}

/// A header field.
pub(super) struct Header {
    pub(super) name: &'static str,
    pub(super) value: Secret<String>,
    /// The value as it may be shown.
    pub(super) shown: String,
}

/// A field of a form.
pub(super) struct Field<'f> {
    pub(super) name: &'f str,
    pub(super) value: &'f str,
    /// The value as it may be shown.
    pub(super) shown: String,
}

impl<'f> Field<'f> {
    /// A value that everybody may see.
    pub(super) fn plain(name: &'f str, value: &'f str) -> Self {
        Self { name, value, shown: value.to_owned() }
    }

    /// A value that is worth something: its length is shown, and where it begins.
    pub(super) fn secret(name: &'f str, value: &'f str) -> Self {
        Self { name, value, shown: shortened(value) }
    }

    /// A value of which something else is shown.
    pub(super) fn shown_as(name: &'f str, value: &'f str, shown: String) -> Self {
        Self { name, value, shown }
    }
}

impl Request {
    pub(super) fn get(url: impl Into<String>) -> Self {
        Self::new(Method::GET, url.into())
    }

    pub(super) fn delete(url: impl Into<String>) -> Self {
        Self::new(Method::DELETE, url.into())
    }

    fn new(method: Method, url: String) -> Self {
        Self { method, url, headers: Vec::new(), body: Secret::new(Vec::new()), shown: String::new(), brief: None }
    }

    /// A SOAP 1.2 message. `shown` is what is shown of it.
    pub(super) fn soap(url: &str, body: &str, shown: &str) -> Self {
        let mut request = Self::new(Method::POST, url.to_owned());
        request.body = Secret::new(body.as_bytes().to_vec());
        shown.clone_into(&mut request.shown);
        request.header("Content-Type", "application/soap+xml; charset=utf-8")
    }

    /// A form.
    pub(super) fn form(url: impl Into<String>, fields: &[Field<'_>]) -> Self {
        let mut request = Self::new(Method::POST, url.into());
        let mut body =
            Vec::with_capacity(fields.iter().map(|field| field.name.len() + 3 * field.value.len() + 2).sum());
        for (number, field) in fields.iter().enumerate() {
            body.extend_from_slice(if number == 0 { b"" } else { b"&" });
            body.extend_from_slice(field.name.as_bytes());
            body.push(b'=');
            body.extend_from_slice(Zeroizing::new(encode(field.value)).as_bytes());
        }
        request.body = Secret::new(body);
        let shown: Vec<String> = fields.iter().map(|field| format!("{}={}", field.name, field.shown)).collect();
        request.shown = shown.join(" ");
        request.header("Content-Type", "application/x-www-form-urlencoded")
    }

    /// A JSON document, of which everything may be shown.
    pub(super) fn json(url: impl Into<String>, document: &Value) -> Self {
        let mut request = Self::new(Method::POST, url.into());
        request.shown = document.to_string();
        request.body = Secret::new(request.shown.clone().into_bytes());
        request.header("Content-Type", "application/json; charset=utf-8")
    }

    /// The same with a header field.
    pub(super) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        let value = value.into();
        self.headers.push(Header { name, shown: value.clone(), value: Secret::new(value) });
        self
    }

    /// The same with a header field that is worth something; `shown` is what is shown of it.
    pub(super) fn secret_header(mut self, name: &'static str, value: String, shown: String) -> Self {
        self.headers.push(Header { name, value: Secret::new(value), shown });
        self
    }

    /// The same with a ticket.
    pub(super) fn negotiate(self, ticket: &str) -> Self {
        let shown = format!("Negotiate ({} characters)", ticket.len());
        self.secret_header("Authorization", format!("Negotiate {ticket}"), shown)
    }
}

/// A value for a form or a query: everything but unreserved characters is escaped.
pub(super) fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(3 * text.len());
    for octet in text.bytes() {
        if octet.is_ascii_alphanumeric() || b"-._~".contains(&octet) {
            encoded.push(char::from(octet));
        } else {
            let _ = write!(encoded, "%{octet:02X}");
        }
    }
    encoded
}

/// The beginning of a secret, too short to be of use, and its length.
pub(super) fn shortened(secret: &str) -> String {
    let count = secret.chars().count();
    if count <= 24 {
        return format!("({count} characters)");
    }
    let start: String = secret.chars().take(6).collect();
    format!("{start}… ({count} characters)")
}

/// What an answer's body may be shown as: JSON without the values of tokens, nothing of what is encrypted, pages by their title.
pub(super) fn shown_answer(body: &str) -> String {
    if let Ok(mut value) = serde_json::from_str::<Value>(body) {
        hide(&mut value);
        return value.to_string();
    }
    let trimmed = body.trim();
    if is_compact(trimmed) {
        return format!("(encrypted, {} characters)", trimmed.len());
    }
    if let Some(title) = title(trimmed) {
        return format!("(a page of {} octets: {title:?})", body.len());
    }
    super::http::without_token(body)
}

/// Replaces what is worth something in a JSON value.
fn hide(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                if let (true, Value::String(text)) = (SECRETS.contains(&name.as_str()), &mut *value) {
                    *text = shortened(text);
                } else {
                    hide(value);
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(hide),
        _ => {}
    }
}

/// Compact JOSE serialisation.
fn is_compact(text: &str) -> bool {
    let parts: Vec<&str> = text.split('.').collect();
    (parts.len() == 3 || parts.len() == 5)
        && parts.first().is_some_and(|first| URL_SAFE_NO_PAD.decode(first).is_ok_and(|header| header.starts_with(b"{")))
}

/// The title of a page.
pub(super) fn title(page: &str) -> Option<String> {
    let lower = page.to_ascii_lowercase();
    if !lower.contains("<html") {
        return None;
    }
    let start = lower.find("<title>").map_or(0, |at| at + 7);
    let end = lower.get(start..)?.find("</title>").map_or(start, |length| start + length);
    Some(page.get(start..end)?.trim().to_owned())
}

/// Members whose values are tokens, codes or keys.
const SECRETS: [&str; 9] = [
    "access_token",
    "assertion",
    "code",
    "device_code",
    "id_token",
    "password",
    "refresh_token",
    "session_key_jwe",
    "Nonce",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_sent_and_not_shown() {
        let token = "eyJhbGciOiJSUzI1NiJ9.secretsecretsecret.AAAA";
        let request = Request::form(
            "https://sts.corp.example/adfs/oauth2/token/",
            &[
                Field::plain("grant_type", "password"),
                Field::secret("password", "p&w=1"),
                Field::secret("token", token),
            ],
        )
        .negotiate("YIIticketticket")
        .secret_header("x-ms-RefreshTokenCredential", token.to_owned(), shortened(token));
        assert_eq!(request.body.expose(), format!("grant_type=password&password=p%26w%3D1&token={token}").as_bytes());
        let shown = request.headers.iter().map(|header| header.shown.as_str()).chain([request.shown.as_str()]);
        let shown: Vec<&str> = shown.collect();
        for secret in ["p&w", "p%26w", "secretsecret", "YII"] {
            assert!(!shown.iter().any(|text| text.contains(secret)), "{secret}: {shown:?}");
        }
        assert_eq!(request.shown, "grant_type=password password=(5 characters) token=eyJhbG… (44 characters)");
    }

    #[test]
    fn answers_are_shown_without_tokens() {
        let token = "eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiJ9.payload.signature";
        let shown = shown_answer(&format!(
            "{{\"access_token\":\"{token}\",\"a\":[{{\"refresh_token\":\"{token}\"}}],\"b\":1}}"
        ));
        assert!(!shown.contains("payload") && shown.contains("\"b\":1"), "{shown}");
        assert!(!shown_answer("eyJhbGciOiJkaXIifQ..iv.secret.tag").contains("secret"));
        assert_eq!(shown_answer("<HTML><title> Sign in </title>x"), "(a page of 31 octets: \"Sign in\")");
        assert_eq!(shown_answer("<html>"), "(a page of 6 octets: \"\")");
        assert_eq!(shown_answer("plain"), "plain");
        assert!(
            !shown_answer("<t:RequestedSecurityToken><saml:Assertion/></t:RequestedSecurityToken>").contains("saml")
        );
    }

    #[test]
    fn what_has_a_meaning_in_a_form_is_escaped() {
        assert_eq!(encode("a b&c=d+é~"), "a%20b%26c%3Dd%2B%C3%A9~");
    }
}
