//! SOAP faults and the messages that earn them.

use chancery::clock::UtcTime;
use regex::Regex;
use serde_json::Value;

use crate::support::Audit;
use crate::wire::{Reply, Route, host};

/// A fault, exactly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    pub code: String,
    /// Namespace and name.
    pub subcode: Option<(String, String)>,
    pub text: String,
}

impl Fault {
    pub fn sender(namespace: &str, local: &str, text: &str) -> Self {
        Self { code: "Sender".into(), subcode: Some((namespace.into(), local.into())), text: text.into() }
    }

    /// The answer to every credential that is not good.
    pub fn failed_authentication() -> Self {
        let text = "ID3242: The security token could not be authenticated or authorized.";
        Self::sender(SECEXT, "FailedAuthentication", text)
    }

    pub fn invalid_security() -> Self {
        Self::sender(SECEXT, "InvalidSecurity", "An error occurred when verifying security for the message.")
    }

    pub fn invalid_request() -> Self {
        Self::sender(TRUST_13, "InvalidRequest", "MSIS3127: The specified request failed.")
    }

    /// Reads the fault out of an answer, which must be one: 500, SOAP 1.2, the fault's action, one Fault.
    pub fn of(reply: &Reply) -> Self {
        assert_eq!(reply.status, 500, "{}", reply.body);
        assert_eq!(reply.header("content-type"), Some("application/soap+xml; charset=utf-8"));
        Self::read(&reply.body)
    }

    /// Reads the fault out of a message, which must be one.
    pub fn read(body: &str) -> Self {
        let action = "http://www.w3.org/2005/08/addressing/soap/fault";
        assert!(body.contains(&format!(r#" s:mustUnderstand="1">{action}</a:Action>"#)), "{body}");
        assert!(!body.contains("RequestedSecurityToken"), "a token in a fault");
        let pattern = r#"(?s)<s:Fault><s:Code><s:Value>s:(\w+)</s:Value>(?:<s:Subcode><s:Value xmlns:t="([^"]+)">t:(\w+)</s:Value></s:Subcode>)?</s:Code><s:Reason><s:Text xml:lang="en-US">([^<]*)</s:Text></s:Reason></s:Fault>"#;
        let captures = Regex::new(pattern).expect("a pattern").captures(body);
        let captures = captures.unwrap_or_else(|| panic!("no fault in {body}"));
        let text = |n: usize| captures.get(n).map(|text| text.as_str().to_owned());
        Self {
            code: text(1).expect("a code"),
            subcode: text(2).zip(text(3)),
            text: text(4).expect("a text").replace("&lt;", "<").replace("&amp;", "&"),
        }
    }
}

/// Asserts the audit of a credential that was not good: 1203, 411 and 342 with this reason, and no token.
pub fn rejected(audit: &Audit, reason: &str) -> Value {
    assert_eq!(audit.event(342)["ErrorMessage"], reason);
    assert_eq!(audit.event(411)["ErrorMessage"], reason);
    let event = audit.event(1203);
    assert_eq!(event["ErrorCode"], reason);
    assert_eq!(event["AuditResult"], "Failure");
    nothing_issued(audit);
    event
}

/// Asserts the audit of a message that could not be used: 413, with words that say why.
pub fn unusable(audit: &Audit, code: &str, detail: &str) {
    let event = audit.event(413);
    assert_eq!(event["ErrorCode"], code);
    let told = event["Detail"].as_str().expect("a detail");
    assert!(told.contains(detail), "`{told}` does not say `{detail}`");
    nothing_issued(audit);
}

/// No token was issued for the request.
pub fn nothing_issued(audit: &Audit) {
    let issued = audit.events().into_iter().find(|event| event["EventID"] == 299 || event["EventID"] == 1200);
    assert_eq!(issued, None);
}

/// A message that gets a token: WS-Trust 1.3 with name and password, for the Entra trust.
pub fn message(user: &str, password: &str) -> String {
    let now = UtcTime::from_unix_seconds(now());
    timed(user, password, now, UtcTime::from_unix_seconds(self::now() + 600))
}

/// The same with these times.
pub fn timed(user: &str, password: &str, created: UtcTime, expires: UtcTime) -> String {
    with_security(&format!(
        r#"<wsse:Security s:mustUnderstand="1" xmlns:wsse="{SECEXT}"><wsu:Timestamp wsu:Id="_0"><wsu:Created>{}</wsu:Created><wsu:Expires>{}</wsu:Expires></wsu:Timestamp><wsse:UsernameToken wsu:Id="u"><wsse:Username>{user}</wsse:Username><wsse:Password>{password}</wsse:Password></wsse:UsernameToken></wsse:Security>"#,
        created.to_xml(),
        expires.to_xml()
    ))
}

/// A message without credential, for the endpoints that take it from elsewhere.
pub fn bare(path: &str) -> String {
    with_security("").replace(USERNAME, path)
}

/// The same as WS-Trust of February 2005.
pub fn bare_2005(path: &str) -> String {
    bare(path)
        .replace(&format!("{TRUST_13}/Bearer"), "http://schemas.xmlsoap.org/ws/2005/05/identity/NoProofKey")
        .replace(TRUST_13, TRUST_2005)
}

fn with_security(security: &str) -> String {
    format!(
        r#"<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:wsa="http://www.w3.org/2005/08/addressing" xmlns:wsu="{UTILITY}"><s:Header><wsa:Action s:mustUnderstand="1">{TRUST_13}/RST/Issue</wsa:Action><wsa:MessageID>urn:uuid:6e8ce948-eb66-4720-916b-0695697e6e45</wsa:MessageID><wsa:To s:mustUnderstand="1">https://{}{USERNAME}</wsa:To>{security}</s:Header><s:Body><wst:RequestSecurityToken xmlns:wst="{TRUST_13}">{}<wst:KeyType>{TRUST_13}/Bearer</wst:KeyType><wst:RequestType>{TRUST_13}/Issue</wst:RequestType></wst:RequestSecurityToken></s:Body></s:Envelope>"#,
        host(),
        applies_to("urn:federation:MicrosoftOnline")
    )
}

pub fn applies_to(identifier: &str) -> String {
    format!(
        r#"<wsp:AppliesTo xmlns:wsp="http://schemas.xmlsoap.org/ws/2004/09/policy"><wsa:EndpointReference><wsa:Address>{identifier}</wsa:Address></wsa:EndpointReference></wsp:AppliesTo>"#
    )
}

/// Sends a message to the password endpoint.
pub fn send(route: &Route, message: &str) -> Reply {
    route.post(USERNAME, &[], message.as_bytes())
}

/// Seconds since 1970.
pub fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    i64::try_from(since.as_secs()).expect("fits")
}

pub const USERNAME: &str = "/adfs/services/trust/13/usernamemixed";
pub const WINDOWS: &str = "/adfs/services/trust/13/windowstransport";
pub const TRUST_13: &str = "http://docs.oasis-open.org/ws-sx/ws-trust/200512";
pub const TRUST_2005: &str = "http://schemas.xmlsoap.org/ws/2005/02/trust";
pub const SECEXT: &str = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd";
const UTILITY: &str = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd";
