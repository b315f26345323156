//! One request and its answer.

use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::fn_service;
use actix_web::http::{StatusCode, Uri, Version, header};
use awc::{Client, ClientRequest, Connector};
use openssl::ssl::SslConnector;

use super::proxy::{self, Proxy};
use super::tls;
use crate::config::Partners;
use crate::secret::Secret;

/// Makes requests. Cheap to clone.
#[derive(Clone)]
pub struct Outgoing {
    connector: SslConnector,
    proxy: Option<Arc<Proxy>>,
    timeout: Duration,
}

/// What a request carries.
#[derive(Debug)]
pub enum Body<'a> {
    /// Nothing: a GET. `bearer` is an access token.
    Get {
        /// Access token.
        bearer: Option<&'a str>,
    },
    /// A POST of a form, already encoded. `basic` is user name and password as they stand in `Authorization`, before base64.
    Form {
        /// The form.
        text: Secret<String>,
        /// Client credentials.
        basic: Option<Secret<String>>,
    },
}

/// What came back: a final status, and the body.
#[derive(Debug)]
pub struct Answer {
    /// Status.
    pub status: StatusCode,
    /// Body, at most as long as was allowed.
    pub body: Vec<u8>,
}

/// Why there is no answer. The text is for the operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OutgoingError {
    /// TLS cannot be set up.
    #[error("TLS to partners cannot be set up: {0}")]
    Tls(String),
    /// The proxy's credentials cannot be used.
    #[error("the credentials for the proxy cannot be used: {0}")]
    Proxy(String),
    /// The address is none that is asked.
    #[error("{0} is not asked: only absolute addresses over HTTPS are")]
    Address(String),
    /// Nobody answered, or not whom the address names, or not in time.
    #[error("{host} gave no answer: {reason}")]
    NoAnswer {
        /// Who.
        host: String,
        /// Why.
        reason: String,
    },
    /// The answer is too long, or broke off.
    #[error("the answer of {host} cannot be used: {reason}")]
    Answer {
        /// Who.
        host: String,
        /// Why.
        reason: String,
    },
    /// It leads to somebody else.
    #[error("{host} sends to another place, {location}, which is not followed")]
    Redirect {
        /// Who.
        host: String,
        /// Where to.
        location: String,
    },
    /// Another status than 200.
    #[error("{host} answers {status}")]
    Status {
        /// Who.
        host: String,
        /// What.
        status: u16,
    },
}

impl Outgoing {
    /// Requests to partners as the configuration says: through its proxy, with its authorities, each in its time.
    ///
    /// # Errors
    /// [`OutgoingError::Tls`], [`OutgoingError::Proxy`].
    pub fn to_partners(partners: &Partners) -> Result<Self, OutgoingError> {
        Ok(Self {
            connector: tls::connector(partners.ca_file.as_deref())?,
            proxy: Proxy::of(partners)?.map(Arc::new),
            timeout: partners.timeout(),
        })
    }

    /// The body behind an address, at most `limit` octets of it. Redirections are followed on the same host only.
    ///
    /// # Errors
    /// [`OutgoingError`]; any status but 200 is one.
    pub async fn get(&self, url: &str, limit: usize) -> Result<Vec<u8>, OutgoingError> {
        let host = authority(url)?;
        let mut url = url.to_owned();
        for _ in 0..=MAX_REDIRECTS {
            let (answer, location) = self.send(&url, &Body::Get { bearer: None }, limit).await?;
            if answer.status == StatusCode::OK {
                return Ok(answer.body);
            }
            let Some(location) = location else {
                return Err(OutgoingError::Status { host, status: answer.status.as_u16() });
            };
            let next = if location.starts_with('/') && !location.starts_with("//") {
                format!("https://{host}{location}")
            } else {
                location
            };
            if authority(&next).ok().as_deref() != Some(host.as_str()) {
                return Err(OutgoingError::Redirect { host, location: shortened(&next) });
            }
            url = next;
        }
        Err(OutgoingError::Redirect { host, location: shortened(&url) })
    }

    /// One request, never redirected, and its answer whatever its status.
    ///
    /// # Errors
    /// [`OutgoingError`].
    pub async fn ask(&self, url: &str, body: &Body<'_>, limit: usize) -> Result<Answer, OutgoingError> {
        self.send(url, body, limit).await.map(|(answer, _)| answer)
    }

    async fn send(&self, url: &str, body: &Body<'_>, limit: usize) -> Result<(Answer, Option<String>), OutgoingError> {
        let host = authority(url)?;
        // One time for all of it: a server that sends an octet a second is no better than one that sends none.
        let exchange = tokio::time::timeout(self.timeout, self.exchange(url, &host, body, limit)).await;
        exchange.unwrap_or_else(|_| {
            let reason = format!("not within {} seconds", self.timeout.as_secs());
            Err(OutgoingError::NoAnswer { host, reason })
        })
    }

    async fn exchange(
        &self,
        url: &str,
        host: &str,
        body: &Body<'_>,
        limit: usize,
    ) -> Result<(Answer, Option<String>), OutgoingError> {
        let proxy = self.proxy.clone();
        let way = fn_service(move |target| proxy::connect(proxy.clone(), target));
        let client = Client::builder()
            .connector(Connector::new().connector(way).openssl(self.connector.clone()).timeout(self.timeout))
            .timeout(self.timeout)
            .disable_redirects()
            .no_default_headers()
            .add_default_header((header::USER_AGENT, USER_AGENT))
            .add_default_header((header::ACCEPT_ENCODING, "identity"))
            .finish();
        let no_answer = |reason: &dyn std::fmt::Display| OutgoingError::NoAnswer {
            host: host.to_owned(),
            reason: reason.to_string(),
        };
        let mut response = match body {
            Body::Get { bearer } => {
                let request = client.get(url);
                let request = match bearer {
                    Some(token) => request.bearer_auth(token),
                    None => request,
                };
                request.send().await
            }
            Body::Form { text, basic } => {
                let request = client.post(url).content_type("application/x-www-form-urlencoded");
                let request: ClientRequest = match basic {
                    Some(credentials) => {
                        let (name, password) = credentials.expose().split_once(':').unwrap_or_default();
                        request.basic_auth(name, password)
                    }
                    None => request,
                };
                request.insert_header((header::ACCEPT, "application/json")).send_body(text.expose().clone()).await
            }
        }
        .map_err(|error| no_answer(&error))?;
        let status = response.status();
        let location = response.headers().get(header::LOCATION).and_then(|value| value.to_str().ok());
        let location = location.filter(|_| status.is_redirection()).map(str::to_owned);
        // An answer of HTTP/1.1 that ends with the connection is lawful, and the client library takes it for an empty one.
        let has_length = [header::CONTENT_LENGTH, header::TRANSFER_ENCODING];
        let unframed = response.version() == Version::HTTP_11
            && !has_length.iter().any(|name| response.headers().contains_key(name))
            && status == StatusCode::OK;
        if unframed {
            let reason = String::from("it tells neither a length nor that it comes in chunks");
            return Err(OutgoingError::Answer { host: host.to_owned(), reason });
        }
        let octets = response.body().limit(limit).await;
        let octets =
            octets.map_err(|error| OutgoingError::Answer { host: host.to_owned(), reason: error.to_string() })?;
        Ok((Answer { status, body: octets.to_vec() }, location))
    }
}

impl std::fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outgoing").field("timeout", &self.timeout).finish_non_exhaustive()
    }
}

/// Host and port of an address over HTTPS.
fn authority(url: &str) -> Result<String, OutgoingError> {
    let refused = || OutgoingError::Address(shortened(url));
    let uri: Uri = url.parse().map_err(|_| refused())?;
    let authority = uri.authority().filter(|_| uri.scheme_str() == Some("https")).ok_or_else(refused)?;
    if authority.as_str().contains('@') || authority.host().is_empty() {
        return Err(refused());
    }
    Ok(authority.as_str().to_ascii_lowercase())
}

fn shortened(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}

const USER_AGENT: &str = concat!("Chancery/", env!("CARGO_PKG_VERSION"));
const MAX_REDIRECTS: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_over_https_are_asked() {
        for (url, expected) in [
            ("https://idp.partner.example/metadata", Some("idp.partner.example")),
            ("https://IDP.Partner.example:8443/metadata?x=y", Some("idp.partner.example:8443")),
            ("http://idp.partner.example/metadata", None),
            ("file:///etc/passwd", None),
            ("https://user@idp.partner.example/", None),
            ("/metadata", None),
            ("", None),
        ] {
            assert_eq!(authority(url).ok().as_deref(), expected, "{url}");
        }
    }
}
