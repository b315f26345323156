//! WS-MetadataExchange: the WSDL that tells active clients which endpoint takes which credential (ws-federation.md 2).
//!
//! Real clients parse this document by fixed paths and by AD FS' names, so its shape is AD FS'. It names no endpoint that
//! does not work for the one who asks, and it is built from the configured name, never from the `Host` header.

mod policies;
mod wsdl;

use actix_web::http::{Method, StatusCode};

use crate::protocols::environment::Environment;
use crate::protocols::http::{Answer, Call};
use crate::protocols::soap::{self, Header};
use crate::xml::{Attribute, Document, Limits, Name, WriteError, Writer};

pub use wsdl::Published;

/// Answers a GET with the bare WSDL, and a POST of WS-Transfer `Get` (or WS-MEX `GetMetadata`) with the WSDL in a SOAP
/// envelope.
///
/// # Errors
/// [`WriteError`], which only a federation service name that is no DNS name could cause.
pub fn handle(environment: &Environment, call: &Call) -> Result<Answer, WriteError> {
    let published = Published {
        service_name: &environment.service_name,
        certificate_origin: environment.certificate_origin.as_deref(),
        endpoints: environment.endpoints.reachable_from(call.origin.is_extranet()).collect(),
    };
    if call.method != Method::POST {
        let mut writer = Writer::with_capacity(DOCUMENT_SIZE);
        published.write(&mut writer)?;
        return Ok(Answer::new(StatusCode::OK, "text/xml; charset=utf-8", writer.finish()?));
    }
    let Some(request) = TransferGet::read(&call.body) else {
        return Ok(Answer::empty(StatusCode::BAD_REQUEST));
    };
    let header = Header { action: request.response_action, relates_to: request.message_id.as_deref() };
    let body = soap::envelope(
        DOCUMENT_SIZE,
        &header,
        |_| Ok(()),
        |writer| {
            writer.element(&mex("Metadata"), &[], |writer| {
                let section = [
                    Attribute::plain("Dialect", "http://schemas.xmlsoap.org/wsdl/"),
                    Attribute::plain("Identifier", wsdl::TARGET_NAMESPACE),
                ];
                writer.element(&mex("MetadataSection"), &section, |writer| published.write(writer))
            })
        },
    )?;
    Ok(Answer::new(StatusCode::OK, soap::CONTENT_TYPE, body))
}

/// A request for the metadata by POST.
struct TransferGet {
    message_id: Option<String>,
    response_action: &'static str,
}

impl TransferGet {
    fn read(body: &[u8]) -> Option<Self> {
        let document = Document::parse(body, &Limits::SOAP).ok()?;
        let envelope = document.root();
        if !envelope.is(soap::SOAP, "Envelope") {
            return None;
        }
        let header = envelope.only_child(soap::SOAP, "Header").ok()??;
        let response_action = match header.child_text(soap::ADDRESSING, "Action").ok()??.trim() {
            "http://schemas.xmlsoap.org/ws/2004/09/transfer/Get" => {
                "http://schemas.xmlsoap.org/ws/2004/09/transfer/GetResponse"
            }
            "http://schemas.xmlsoap.org/ws/2004/09/mex/GetMetadata/Request" => {
                "http://schemas.xmlsoap.org/ws/2004/09/mex/GetMetadata/Response"
            }
            _ => return None,
        };
        let message_id = header.child_text(soap::ADDRESSING, "MessageID").ok()?.map(|id| id.trim().to_owned());
        Some(Self { message_id: message_id.filter(|id| id.len() <= 1024), response_action })
    }
}

const fn mex(local: &'static str) -> Name {
    Name::new("mex", "http://schemas.xmlsoap.org/ws/2004/09/mex", local)
}

const DOCUMENT_SIZE: usize = 32 << 10;
