//! Requests for a security token, in the dialects real clients speak (ws-federation.md 3.3).

use std::time::{SystemTime, UNIX_EPOCH};

use chancery::clock::UtcTime;

/// A `RequestSecurityToken` message under construction.
#[derive(Clone)]
pub struct Rst {
    pub trust: &'static str,
    pub to: String,
    pub applies_to: Vec<String>,
    pub security: String,
    pub headers: String,
    pub action: String,
    pub body_extra: String,
    pub key_type: Option<String>,
    pub request_type: Option<String>,
    pub token_type: Option<String>,
    pub message_id: Option<String>,
}

pub const TRUST_13: &str = "http://docs.oasis-open.org/ws-sx/ws-trust/200512";
pub const TRUST_2005: &str = "http://schemas.xmlsoap.org/ws/2005/02/trust";

impl Rst {
    pub fn v13(url: &str, path: &str) -> Self {
        Self::new(TRUST_13, &format!("{TRUST_13}/Bearer"), url, path)
    }

    pub fn v2005(url: &str, path: &str) -> Self {
        Self::new(TRUST_2005, "http://schemas.xmlsoap.org/ws/2005/05/identity/NoProofKey", url, path)
    }

    fn new(trust: &'static str, key_type: &str, url: &str, path: &str) -> Self {
        Self {
            trust,
            to: format!("{url}{path}"),
            applies_to: vec!["urn:federation:MicrosoftOnline".into()],
            security: String::new(),
            headers: String::new(),
            action: format!("{trust}/RST/Issue"),
            body_extra: String::new(),
            key_type: Some(key_type.into()),
            request_type: Some(format!("{trust}/Issue")),
            token_type: None,
            message_id: Some("urn:uuid:6e8ce948-eb66-4720-916b-0695697e6e45".into()),
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

    /// A `UsernameToken` with a fresh `Timestamp`.
    pub fn password(self, username: &str, password: &str) -> Self {
        let now = now();
        self.timestamped_password(username, password, now, 600)
    }

    pub fn timestamped_password(mut self, username: &str, password: &str, created: i64, valid: i64) -> Self {
        let time = |seconds| UtcTime::from_unix_seconds(seconds).to_xml();
        self.security = format!(
            r#"<wsse:Security s:mustUnderstand="1" xmlns:wsse="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"><wsu:Timestamp wsu:Id="_0"><wsu:Created>{}</wsu:Created><wsu:Expires>{}</wsu:Expires></wsu:Timestamp><wsse:UsernameToken wsu:Id="uuid-1"><wsse:Username>{}</wsse:Username><wsse:Password>{}</wsse:Password></wsse:UsernameToken></wsse:Security>"#,
            time(created),
            time(created + valid),
            escape(username),
            escape(password)
        );
        self
    }

    pub fn build(&self) -> String {
        let optional = |name: &str, value: &Option<String>| {
            value.as_ref().map(|value| format!("<wst:{name}>{}</wst:{name}>", escape(value))).unwrap_or_default()
        };
        let applies_to: String = self
            .applies_to
            .iter()
            .map(|identifier| {
                format!(
                    r#"<wsp:AppliesTo xmlns:wsp="http://schemas.xmlsoap.org/ws/2004/09/policy"><wsa:EndpointReference><wsa:Address>{}</wsa:Address></wsa:EndpointReference></wsp:AppliesTo>"#,
                    escape(identifier)
                )
            })
            .collect();
        let message_id =
            self.message_id.as_ref().map(|id| format!("<wsa:MessageID>{id}</wsa:MessageID>")).unwrap_or_default();
        format!(
            r#"<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:wsa="http://www.w3.org/2005/08/addressing" xmlns:wsu="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"><s:Header><wsa:Action s:mustUnderstand="1">{}</wsa:Action>{message_id}<wsa:ReplyTo><wsa:Address>http://www.w3.org/2005/08/addressing/anonymous</wsa:Address></wsa:ReplyTo><wsa:To s:mustUnderstand="1">{}</wsa:To>{}{}</s:Header><s:Body><wst:RequestSecurityToken xmlns:wst="{}">{applies_to}{}{}{}{}</wst:RequestSecurityToken></s:Body></s:Envelope>"#,
            self.action,
            self.to,
            self.security,
            self.headers,
            self.trust,
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

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
