//! Requests for a security token, in the dialects real clients speak (ws-federation.md 3.3).

use std::time::{SystemTime, UNIX_EPOCH};

use chancery::clock::UtcTime;

/// Version of WS-Trust.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    February2005,
    Trust13,
}

impl Version {
    pub const BOTH: [Self; 2] = [Self::February2005, Self::Trust13];

    pub const fn namespace(self) -> &'static str {
        match self {
            Self::February2005 => TRUST_2005,
            Self::Trust13 => TRUST_13,
        }
    }

    /// Path of an endpoint of this version.
    pub fn path(self, credential: &str) -> String {
        let version = if self == Self::Trust13 { "13" } else { "2005" };
        format!("/adfs/services/trust/{version}/{credential}")
    }

    /// `KeyType` of a bearer token.
    pub const fn bearer(self) -> &'static str {
        match self {
            Self::February2005 => "http://schemas.xmlsoap.org/ws/2005/05/identity/NoProofKey",
            Self::Trust13 => "http://docs.oasis-open.org/ws-sx/ws-trust/200512/Bearer",
        }
    }

    /// `wsa:Action` of the answer.
    pub const fn answer(self) -> &'static str {
        match self {
            Self::February2005 => "http://schemas.xmlsoap.org/ws/2005/02/trust/RSTR/Issue",
            Self::Trust13 => "http://docs.oasis-open.org/ws-sx/ws-trust/200512/RSTRC/IssueFinal",
        }
    }
}

const TRUST_13: &str = "http://docs.oasis-open.org/ws-sx/ws-trust/200512";
const TRUST_2005: &str = "http://schemas.xmlsoap.org/ws/2005/02/trust";

/// A `RequestSecurityToken` message under construction.
#[derive(Clone)]
pub struct Rst {
    pub version: Version,
    pub to: String,
    pub applies_to: Vec<String>,
    pub security: String,
    /// Further header blocks.
    pub headers: String,
    pub action: String,
    /// Further elements of the request.
    pub body_extra: String,
    pub key_type: Option<String>,
    pub request_type: Option<String>,
    pub token_type: Option<String>,
    pub message_id: Option<String>,
}

impl Rst {
    /// A bearer request for the Entra trust, to an address.
    pub fn new(version: Version, to: &str) -> Self {
        let trust = version.namespace();
        Self {
            version,
            to: to.to_owned(),
            applies_to: vec![super::ENTRA.into()],
            security: String::new(),
            headers: String::new(),
            action: format!("{trust}/RST/Issue"),
            body_extra: String::new(),
            key_type: Some(version.bearer().into()),
            request_type: Some(format!("{trust}/Issue")),
            token_type: None,
            message_id: Some(MESSAGE_ID.into()),
        }
    }

    pub fn applies_to(mut self, identifier: &str) -> Self {
        self.applies_to = vec![identifier.into()];
        self
    }

    pub fn token_type(mut self, uri: &str) -> Self {
        self.token_type = Some(uri.into());
        self
    }

    /// A `UsernameToken` with a fresh `Timestamp`, as MSAL writes them.
    pub fn password(self, username: &str, password: &str) -> Self {
        self.timestamped_password(username, password, &time(now()), &time(now() + 600))
    }

    /// A `UsernameToken` with a `Timestamp` of these texts.
    pub fn timestamped_password(self, username: &str, password: &str, created: &str, expires: &str) -> Self {
        let timestamp = format!(
            r#"<wsu:Timestamp wsu:Id="_0"><wsu:Created>{created}</wsu:Created><wsu:Expires>{expires}</wsu:Expires></wsu:Timestamp>"#
        );
        self.security(&timestamp, username, password, "")
    }

    /// A `UsernameToken`; `attributes` are those of `Password`.
    pub fn security(mut self, timestamp: &str, username: &str, password: &str, attributes: &str) -> Self {
        self.security = format!(
            r#"<wsse:Security s:mustUnderstand="1" xmlns:wsse="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd">{timestamp}<wsse:UsernameToken wsu:Id="uuid-1"><wsse:Username>{}</wsse:Username><wsse:Password{attributes}>{}</wsse:Password></wsse:UsernameToken></wsse:Security>"#,
            escape(username),
            escape(password)
        );
        self
    }

    pub fn build(&self) -> String {
        let optional = |name: &str, value: &Option<String>| {
            value.as_ref().map(|value| format!("<wst:{name}>{}</wst:{name}>", escape(value))).unwrap_or_default()
        };
        let applies_to: String = self.applies_to.iter().map(|identifier| applies_to(identifier)).collect();
        let message_id =
            self.message_id.as_ref().map(|id| format!("<wsa:MessageID>{id}</wsa:MessageID>")).unwrap_or_default();
        format!(
            r#"<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:wsa="http://www.w3.org/2005/08/addressing" xmlns:wsu="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"><s:Header><wsa:Action s:mustUnderstand="1">{}</wsa:Action>{message_id}<wsa:ReplyTo><wsa:Address>http://www.w3.org/2005/08/addressing/anonymous</wsa:Address></wsa:ReplyTo><wsa:To s:mustUnderstand="1">{}</wsa:To>{}{}</s:Header><s:Body><wst:RequestSecurityToken xmlns:wst="{}">{applies_to}{}{}{}{}</wst:RequestSecurityToken></s:Body></s:Envelope>"#,
            self.action,
            self.to,
            self.security,
            self.headers,
            self.version.namespace(),
            optional("KeyType", &self.key_type),
            optional("RequestType", &self.request_type),
            optional("TokenType", &self.token_type),
            self.body_extra,
        )
    }
}

/// Seconds since 1970.
pub fn now() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs()).expect("fits")
}

/// Seconds since 1970 as `2026-01-05T10:00:00Z`.
pub fn time(seconds: i64) -> String {
    let text = UtcTime::from_unix_seconds(seconds).to_xml();
    format!("{}Z", text.split(['.', 'Z']).next().expect("a first part"))
}

fn applies_to(identifier: &str) -> String {
    format!(
        r#"<wsp:AppliesTo xmlns:wsp="http://schemas.xmlsoap.org/ws/2004/09/policy"><wsa:EndpointReference><wsa:Address>{}</wsa:Address></wsa:EndpointReference></wsp:AppliesTo>"#,
        escape(identifier)
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

const MESSAGE_ID: &str = "urn:uuid:6e8ce948-eb66-4720-916b-0695697e6e45";
