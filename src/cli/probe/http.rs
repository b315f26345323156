//! Requests as Windows sends them: HTTP/1.1, no redirects, no cookies, an activity id in each.

use std::path::Path;
use std::time::Duration;

use actix_web::http::Uri;
use actix_web::rt::{System, SystemRunner};
use awc::{Client, ClientRequest, Connector};

use super::failure::Failure;
use super::target::Target;
use super::tls;

/// Sends requests, one after the other.
pub(in crate::cli) struct Http<'a> {
    runner: SystemRunner,
    client: Client,
    target: &'a Target,
    settings: Settings<'a>,
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
}

impl<'a> Http<'a> {
    pub(in crate::cli) fn new(target: &'a Target, settings: Settings<'a>) -> Result<Self, Failure> {
        let connector = tls::connector(settings.ca)?.build();
        let runner = System::new();
        let client = runner.block_on(async {
            Client::builder()
                .connector(Connector::new().openssl(connector).timeout(settings.timeout))
                .timeout(settings.timeout)
                .disable_redirects()
                .no_default_headers()
                .add_default_header(("User-Agent", USER_AGENT))
                .finish()
        });
        Ok(Self { runner, client, target, settings })
    }

    pub(in crate::cli) fn get(&self, url: &str) -> Result<Reply, Failure> {
        self.say(&format!("> GET {url}"));
        self.send(self.prepare(self.client.get(url), url)?, Vec::new())
    }

    /// Posts a SOAP 1.2 message. `shown` is what is shown of it; a ticket is never shown.
    pub(in crate::cli) fn post(
        &self,
        url: &str,
        body: &str,
        shown: &str,
        ticket: Option<&str>,
    ) -> Result<Reply, Failure> {
        self.say(&format!("> POST {url}"));
        let mut request = self
            .prepare(self.client.post(url), url)?
            .insert_header(("Content-Type", "application/soap+xml; charset=utf-8"));
        if let Some(ticket) = ticket {
            self.say(&format!("> Authorization: Negotiate ({} characters)", ticket.len()));
            request = request.insert_header(("Authorization", format!("Negotiate {ticket}")));
        }
        self.say(&format!("> {shown}"));
        self.send(request, body.as_bytes().to_vec())
    }

    fn prepare(&self, request: ClientRequest, url: &str) -> Result<ClientRequest, Failure> {
        let uri: Uri = url.parse().map_err(|_| Failure::new(format!("{url:?} is no URL")))?;
        let request = request.insert_header(("client-request-id", self.settings.request_id));
        let host = uri.host().unwrap_or_default();
        Ok(match self.target.redirected(host, uri.port_u16().unwrap_or(443)) {
            Some(address) => request.address(address),
            None => request,
        })
    }

    fn send(&self, request: ClientRequest, body: Vec<u8>) -> Result<Reply, Failure> {
        let reply = self.runner.block_on(async {
            let mut response = request.send_body(body).await.map_err(|error| {
                Failure::new(format!("no answer: {error}")).advise("Windows shows 0xCAA82EE2 (time-out) or 0xCAA82EFD.")
            })?;
            let headers = response
                .headers()
                .iter()
                .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
                .collect();
            let body = response.body().limit(MAX_BODY).await;
            let body = body.map_err(|error| Failure::new(format!("the answer broke off: {error}")))?;
            Ok(Reply { status: response.status().as_u16(), headers, body: body.to_vec() })
        })?;
        self.show(&reply);
        Ok(reply)
    }

    fn show(&self, reply: &Reply) {
        if !self.settings.verbose {
            return;
        }
        self.say(&format!("< {}", reply.status));
        for (name, value) in &reply.headers {
            let value = match name.to_ascii_lowercase().as_str() {
                "set-cookie" => String::from("(hidden)"),
                "www-authenticate" if value.len() > 40 => {
                    format!("{}… ({} characters)", value.chars().take(10).collect::<String>(), value.len())
                }
                _ => value.clone(),
            };
            self.say(&format!("< {name}: {value}"));
        }
        let body = String::from_utf8_lossy(&reply.body);
        let body = if self.settings.show_token { body.into_owned() } else { without_token(&body) };
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

/// The message without what is inside `RequestedSecurityToken`.
fn without_token(body: &str) -> String {
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
