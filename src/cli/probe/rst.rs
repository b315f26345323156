//! The request for a security token (ws-federation.md 3.3).

use std::time::Duration;

use super::mex::{Endpoint, Version};
use crate::clock::UtcTime;
use crate::secret::Secret;

/// A name and a password, as the message carries them.
#[derive(Debug)]
pub(in crate::cli) struct UserName<'a> {
    pub(in crate::cli) name: &'a str,
    pub(in crate::cli) password: &'a Secret<String>,
    /// Beginning of the message's ten minutes.
    pub(in crate::cli) now: UtcTime,
}

/// A message, and the form in which it may be shown.
pub(in crate::cli) struct Message {
    pub(in crate::cli) text: Secret<String>,
    pub(in crate::cli) shown: String,
}

/// A request for a bearer token; without a name the transport says who asks.
pub(in crate::cli) fn message(
    endpoint: &Endpoint,
    applies_to: &str,
    message_id: &str,
    user: Option<&UserName<'_>>,
) -> Message {
    let trust = endpoint.version.namespace();
    let key_type = match endpoint.version {
        Version::Trust13 => format!("{trust}/Bearer"),
        Version::February2005 => String::from("http://schemas.xmlsoap.org/ws/2005/05/identity/NoProofKey"),
    };
    let with = |security: &str| {
        format!(
            "<s:Envelope xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\" \
             xmlns:a=\"http://www.w3.org/2005/08/addressing\"><s:Header>\
             <a:Action s:mustUnderstand=\"1\">{trust}/RST/Issue</a:Action>\
             <a:MessageID>urn:uuid:{message_id}</a:MessageID>\
             <a:ReplyTo><a:Address>http://www.w3.org/2005/08/addressing/anonymous</a:Address></a:ReplyTo>\
             <a:To s:mustUnderstand=\"1\">{to}</a:To>{security}</s:Header><s:Body>\
             <t:RequestSecurityToken xmlns:t=\"{trust}\">\
             <p:AppliesTo xmlns:p=\"http://schemas.xmlsoap.org/ws/2004/09/policy\"><a:EndpointReference>\
             <a:Address>{applies_to}</a:Address></a:EndpointReference></p:AppliesTo>\
             <t:KeyType>{key_type}</t:KeyType><t:RequestType>{trust}/Issue</t:RequestType>\
             </t:RequestSecurityToken></s:Body></s:Envelope>",
            to = escape(&endpoint.url),
            applies_to = escape(applies_to),
        )
    };
    match user {
        None => {
            let text = with("");
            Message { shown: text.clone(), text: Secret::new(text) }
        }
        Some(user) => Message {
            text: Secret::new(with(&security(user, &escape(user.password.expose())))),
            shown: with(&security(user, "(hidden)")),
        },
    }
}

fn security(user: &UserName<'_>, password: &str) -> String {
    let (created, expires) = (user.now.to_xml(), user.now.plus(Duration::from_mins(10)).to_xml());
    format!(
        "<o:Security s:mustUnderstand=\"1\" \
         xmlns:o=\"http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd\" \
         xmlns:u=\"http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd\">\
         <u:Timestamp u:Id=\"_0\"><u:Created>{created}</u:Created><u:Expires>{expires}</u:Expires></u:Timestamp>\
         <o:UsernameToken u:Id=\"uuid-1\"><o:Username>{}</o:Username><o:Password>{password}</o:Password>\
         </o:UsernameToken></o:Security>",
        escape(user.name)
    )
}

/// Text for an element; characters no XML can hold are left out, and the server will say that it does not know the rest.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '\r' => escaped.push_str("&#xD;"),
            c if c.is_control() && c != '\t' && c != '\n' => {}
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xml::{Document, Limits};

    #[test]
    fn requests_are_xml_and_hide_the_password() {
        let password = Secret::new(String::from("p<&>\"w"));
        for version in [Version::Trust13, Version::February2005] {
            let endpoint = Endpoint { version, url: String::from("https://sts.corp.example/x?a&b") };
            let now = UtcTime::from_unix_seconds(1_767_607_201);
            let user = UserName { name: "CORP\\alice", password: &password, now };
            let message = message(&endpoint, "urn:a&b", "6e8ce948-eb66-4720-916b-0695697e6e45", Some(&user));
            let document = Document::parse(message.text.expose().as_bytes(), &Limits::SOAP).unwrap();
            let texts: Vec<&str> = document.elements().filter_map(|element| element.text().ok()).collect();
            for expected in
                ["p<&>\"w", "CORP\\alice", "urn:a&b", "https://sts.corp.example/x?a&b", "2026-01-05T10:10:01.000Z"]
            {
                assert!(texts.contains(&expected), "{expected} in {texts:?}");
            }
            assert!(!message.shown.contains("p&lt;") && message.shown.contains("(hidden)"));
        }
    }
}
