//! Requests as Windows sends them: HTTP/1.1, no redirects, no cookies, an activity id in each.

use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use actix_web::http::Uri;
use actix_web::rt::{System, SystemRunner};
use awc::{Client, ClientRequest, Connector};
use openssl::pkey::{PKeyRef, Private};
use openssl::ssl::SslConnector;
use openssl::x509::X509Ref;

use super::failure::Failure;
use super::message_log::MessageLog;
use super::request::{Request, shortened, shown_answer};
use super::target::Target;
use super::tls;

/// Sends requests, one after the other.
pub(in crate::cli) struct Http<'a> {
    runner: Rc<SystemRunner>,
    client: Client,
    target: &'a Target,
    settings: Settings<'a>,
    log: Rc<MessageLog>,
}

/// How requests are sent and shown.
#[derive(Debug, Clone, Copy)]
pub(in crate::cli) struct Settings<'a> {
    /// Certificate authorities instead of the system's.
    pub(in crate::cli) ca: Option<&'a Path>,
    /// For each answer.
    pub(in crate::cli) timeout: Duration,
    /// `client-request-id`: the activity id in the server's logs.
    pub(in crate::cli) request_id: &'a str,
    /// Show messages on standard error.
    pub(in crate::cli) verbose: bool,
    /// Show tokens in them.
    pub(in crate::cli) show_token: bool,
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli) struct Reply {
    pub(in crate::cli) status: u16,
    pub(in crate::cli) headers: Vec<(String, String)>,
    pub(in crate::cli) body: Vec<u8>,
}

impl Reply {
    /// Values of a header field.
    pub(in crate::cli) fn header<'r>(&'r self, name: &'r str) -> impl Iterator<Item = &'r str> {
        self.headers.iter().filter(move |(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The body, if it is a JSON object.
    pub(super) fn json(&self) -> Option<serde_json::Map<String, serde_json::Value>> {
        let body = self.body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&self.body);
        serde_json::from_slice(body).ok()
    }

    /// The body as text.
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl<'a> Http<'a> {
    pub(in crate::cli) fn new(target: &'a Target, settings: Settings<'a>) -> Result<Self, Failure> {
        let connector = tls::connector(settings.ca)?.build();
        let runner = Rc::new(System::new());
        let client = client(&runner, connector, settings);
        Ok(Self { runner, client, target, settings, log: Rc::default() })
    }

    /// The same by new connections that show a certificate where one is asked for.
    pub(super) fn with_certificate(&self, certificate: &X509Ref, key: &PKeyRef<Private>) -> Result<Self, Failure> {
        let failed = |error: openssl::error::ErrorStack| Failure::new(format!("TLS cannot be set up: {error}"));
        let mut builder = tls::connector(self.settings.ca)?;
        builder.set_certificate(certificate).map_err(failed)?;
        builder.set_private_key(key).map_err(failed)?;
        let client = client(&self.runner, builder.build(), self.settings);
        Ok(Self { runner: Rc::clone(&self.runner), client, log: Rc::clone(&self.log), ..*self })
    }

    /// The same, and what is sent and received is written down there.
    pub(super) fn with_log(self, log: Rc<MessageLog>) -> Self {
        Self { log, ..self }
    }

    /// The same by the same connections, where other names lead to the server as well.
    pub(super) fn towards<'b>(&self, target: &'b Target) -> Http<'b>
    where
        'a: 'b,
    {
        let (runner, log) = (Rc::clone(&self.runner), Rc::clone(&self.log));
        Http { runner, client: self.client.clone(), target, settings: self.settings, log }
    }

    pub(in crate::cli) fn get(&self, url: &str) -> Result<Reply, Failure> {
        self.send(&Request::get(url))
    }

    /// Posts a SOAP 1.2 message. `shown` is what is shown of it; a ticket is never shown.
    pub(in crate::cli) fn post(
        &self,
        url: &str,
        body: &str,
        shown: &str,
        ticket: Option<&str>,
    ) -> Result<Reply, Failure> {
        let request = Request::soap(url, body, shown);
        self.send(&match ticket {
            Some(ticket) => request.negotiate(ticket),
            None => request,
        })
    }

    /// Sends a request, and waits for its answer.
    pub(super) fn send(&self, request: &Request) -> Result<Reply, Failure> {
        self.say(&format!("> {} {}", request.method, request.url));
        for header in &request.headers {
            self.say(&format!("> {}: {}", header.name, header.shown));
        }
        if !request.shown.is_empty() {
            self.say(&format!("> {}", request.shown));
        }
        let entry = self.log.sent(request);
        let outgoing = self.prepare(request)?;
        let body = request.body.expose().clone();
        let reply = self.runner.block_on(async {
            let mut response = outgoing.send_body(body).await.map_err(|error| {
                Failure::new(format!("no answer: {error}")).advise("Windows shows 0xCAA82EE2 (time-out) or 0xCAA82EFD.")
            })?;
            let headers = response
                .headers()
                .iter()
                .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
                .collect();
            let body = response.body().limit(MAX_BODY).await;
            let body = body.map_err(|error| Failure::new(format!("the answer broke off: {error}")))?;
            Ok::<_, Failure>(Reply { status: response.status().as_u16(), headers, body: body.to_vec() })
        });
        match &reply {
            Ok(reply) => self.log.received(entry, reply),
            Err(failure) => self.log.nothing(entry, &failure.what),
        }
        let reply = reply?;
        self.show(&reply);
        Ok(reply)
    }

    fn prepare(&self, request: &Request) -> Result<ClientRequest, Failure> {
        let url = &request.url;
        let uri: Uri = url.parse().map_err(|_| Failure::new(format!("{url:?} is no URL")))?;
        let mut outgoing = self.client.request(request.method.clone(), url);
        outgoing = outgoing.insert_header(("client-request-id", self.settings.request_id));
        for header in &request.headers {
            outgoing = outgoing.insert_header((header.name, header.value.expose().as_str()));
        }
        let host = uri.host().unwrap_or_default();
        Ok(match self.target.redirected(host, uri.port_u16().unwrap_or(443)) {
            Some(address) => outgoing.address(address),
            None => outgoing,
        })
    }

    fn show(&self, reply: &Reply) {
        if !self.settings.verbose {
            return;
        }
        self.say(&format!("< {}", reply.status));
        for (name, value) in &reply.headers {
            let value = match name.to_ascii_lowercase().as_str() {
                "set-cookie" => String::from("(hidden)"),
                "location" if !self.settings.show_token => without_code(value),
                "www-authenticate" if value.len() > 40 => {
                    format!("{}… ({} characters)", value.chars().take(10).collect::<String>(), value.len())
                }
                _ => value.clone(),
            };
            self.say(&format!("< {name}: {value}"));
        }
        let body = reply.text();
        let body = if self.settings.show_token { body } else { shown_answer(&body) };
        let shown: String = body.chars().take(MAX_SHOWN).collect();
        let rest = body.len().saturating_sub(shown.len());
        self.say(&format!("< {shown}"));
        if rest > 0 {
            self.say(&format!("< (and {rest} octets more)"));
        }
    }

    fn say(&self, line: &str) {
        if self.settings.verbose {
            let clean: String = line.chars().map(|c| if c.is_control() && c != '\n' { ' ' } else { c }).collect();
            eprintln!("    {clean}");
        }
    }
}

/// A client of the runner's that takes each answer as it is.
fn client(runner: &SystemRunner, connector: SslConnector, settings: Settings<'_>) -> Client {
    runner.block_on(async {
        Client::builder()
            .connector(Connector::new().openssl(connector).timeout(settings.timeout))
            .timeout(settings.timeout)
            .disable_redirects()
            .no_default_headers()
            .add_default_header(("User-Agent", USER_AGENT))
            .finish()
    })
}

/// An address without the code or nonce in its query.
pub(super) fn without_code(address: &str) -> String {
    let mut shown = address.to_owned();
    for name in ["code=", "sso_nonce="] {
        let found = ["?", "&"].iter().find_map(|before| address.find(&format!("{before}{name}")));
        if let Some(at) = found {
            let start = at + 1 + name.len();
            let value = address.get(start..).and_then(|rest| rest.split('&').next()).unwrap_or_default();
            shown = shown.replace(value, &shortened(value));
        }
    }
    shown
}

/// The message without what is inside `RequestedSecurityToken`.
pub(super) fn without_token(body: &str) -> String {
    const TAG: &str = "RequestedSecurityToken";
    let hidden = || {
        let start = body.find(TAG)?;
        let start = start + body.get(start..)?.find('>')? + 1;
        let end = body.rfind(TAG)?;
        let end = body.get(..end)?.rfind("</").filter(|end| *end >= start)?;
        Some(format!("{}(a token of {} octets){}", body.get(..start)?, end - start, body.get(end..)?))
    };
    // Where it is not clear what the token is, nothing that could be one is shown.
    hidden().unwrap_or_else(|| {
        if body.contains("Assertion") {
            format!("({} octets, perhaps with a token)", body.len())
        } else {
            body.to_owned()
        }
    })
}

/// What Windows calls itself here.
const USER_AGENT: &str = "Windows-AzureAD-Authentication-Provider/1.0";
const MAX_BODY: usize = 4 << 20;
/// Characters of a body; MEX and metadata are long.
const MAX_SHOWN: usize = 8000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_not_shown() {
        assert_eq!(
            without_code("ms-app://x/?code=secretsecretsecretsecretsecret&state=1"),
            "ms-app://x/?code=secret… (30 characters)&state=1"
        );
        assert_eq!(without_code("https://a/?state=code=1"), "https://a/?state=code=1");
    }

    #[test]
    fn tokens_are_not_shown() {
        for (body, expected) in [
            (
                "<a><t:RequestedSecurityToken><saml:Assertion/></t:RequestedSecurityToken></a>",
                "<a><t:RequestedSecurityToken>(a token of 17 octets)</t:RequestedSecurityToken></a>",
            ),
            (
                "<RequestedSecurityToken x='1'>secret</RequestedSecurityToken>",
                "<RequestedSecurityToken x='1'>(a token of 6 octets)</RequestedSecurityToken>",
            ),
            ("<RequestedSecurityToken><Assertion>secret", "(41 octets, perhaps with a token)"),
            ("<saml:Assertion>secret</saml:Assertion>", "(39 octets, perhaps with a token)"),
            ("<s:Fault/>", "<s:Fault/>"),
        ] {
            assert_eq!(without_token(body), expected);
        }
    }
}
