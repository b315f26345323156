//! Answers to a SOAP enrolment (MS-DVRE): the certificate in a provisioning document, or a fault (device-registration.md 6.2,
//! 6.3).
//!
//! The shape of the fault is the published one to the letter: the client's text about the number of devices hangs on it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::enrolment_request::{AUTHORIZATION, TOKEN_TYPE, WS_TRUST};
use super::refusal::{DEVICE_CAP_REACHED, WireError};
use crate::correlation::CorrelationId;
use crate::protocols::names;
use crate::protocols::soap::{self, Header, soap};
use crate::xml::{Attribute, Name, WriteError, Writer};

/// Writes the answer that carries the certificate.
///
/// # Errors
/// [`WriteError`] when a text of the request has a character that XML cannot carry.
pub(super) fn enrolled(
    relates_to: Option<&str>,
    certificate: &[u8],
    thumbprint: &str,
    upn: &str,
) -> Result<Vec<u8>, WriteError> {
    let header = Header { action: ANSWER_ACTION, relates_to };
    let document = provisioning_document(certificate, thumbprint);
    let trust = |local| Name::new("wst", WS_TRUST, local);
    let context = |local| Name::new("ac", AUTHORIZATION, local);
    soap::envelope(
        8192,
        &header,
        |_| Ok(()),
        |writer| {
            writer.element(&trust("RequestSecurityTokenResponseCollection"), &[], |writer| {
                writer.element(&trust("RequestSecurityTokenResponse"), &[], |writer| {
                    writer.leaf(&trust("TokenType"), &[], TOKEN_TYPE)?;
                    writer.element(&trust("RequestedSecurityToken"), &[], |writer| {
                        let attributes =
                            [Attribute::plain("EncodingType", ENCODING), Attribute::plain("ValueType", PROVISIONING)];
                        let token = Name::new("wsse", names::SECURITY, "BinarySecurityToken");
                        writer.base64_leaf(&token, &attributes, document.as_bytes())
                    })?;
                    writer.leaf(&enrolment("RequestID"), &[], "0")?;
                    writer.element(&context("AdditionalContext"), &[], |writer| {
                        let name = [Attribute::plain("Name", "UserPrincipalName")];
                        writer
                            .element(&context("ContextItem"), &name, |writer| writer.leaf(&context("Value"), &[], upn))
                    })
                })
            })
        },
    )
}

/// Writes a fault.
///
/// # Errors
/// [`WriteError`] when a text of the request has a character that XML cannot carry.
pub(super) fn fault(
    relates_to: Option<&str>,
    error: &WireError,
    correlation: CorrelationId,
) -> Result<Vec<u8>, WriteError> {
    let error_type = error.error_type.in_soap();
    // One fault has been published, and its short word stands in three places.
    let code = if error.message == DEVICE_CAP_REACHED { DEVICE_CAP_REACHED } else { error_type };
    let header = Header { action: code, relates_to };
    let activity = |writer: &mut Writer| {
        let id = correlation.to_string();
        let name = Name::new("", "http://schemas.microsoft.com/2004/09/ServiceModel/Diagnostics", "ActivityId");
        writer.leaf(&name, &[Attribute::plain("CorrelationId", &id)], &id)
    };
    soap::envelope(2048, &header, activity, |writer| {
        writer.element(&soap("Fault"), &[], |writer| {
            writer.element(&soap("Code"), &[], |writer| {
                writer.leaf(&soap("Value"), &[], "s:Receiver")?;
                writer.element(&soap("Subcode"), &[], |writer| writer.leaf(&soap("Value"), &[], &format!("s:{code}")))
            })?;
            writer.element(&soap("Reason"), &[], |writer| {
                let language = Name::new("xml", "http://www.w3.org/XML/1998/namespace", "lang");
                let language = [Attribute::new(language, "en-US")];
                writer.leaf(&soap("Text"), &language, "WindowsEnrollmentServiceError")
            })?;
            writer.element(&soap("Detail"), &[], |writer| {
                writer.element(&enrolment("WindowsDeviceEnrollmentServiceError"), &[], |writer| {
                    writer.leaf(&enrolment("ErrorType"), &[], error_type)?;
                    writer.leaf(&enrolment("Message"), &[], &error.message)
                })
            })
        })
    })
}

/// Line ends and indentation as in captured documents. Thumbprint and base64 need no escaping.
fn provisioning_document(certificate: &[u8], thumbprint: &str) -> String {
    let certificate = STANDARD.encode(certificate);
    [
        "<wap-provisioningdoc version=\"1.1\">",
        "  <characteristic type=\"CertificateStore\">",
        "    <characteristic type=\"My\">",
        "      <characteristic type=\"User\">",
        &format!("        <characteristic type=\"{thumbprint}\">"),
        &format!("          <parm name=\"EncodedCertificate\" value=\"{certificate}\" />"),
        "        </characteristic>",
        "      </characteristic>",
        "    </characteristic>",
        "  </characteristic>",
        "</wap-provisioningdoc>",
    ]
    .join("\r\n")
}

const fn enrolment(local: &'static str) -> Name {
    Name::new("", "http://schemas.microsoft.com/windows/pki/2009/01/enrollment", local)
}

const ANSWER_ACTION: &str = "http://schemas.microsoft.com/windows/pki/2009/01/enrollment/RSTRC/wstep";
const PROVISIONING: &str =
    "http://schemas.microsoft.com/5.0.0.0/ConfigurationManager/Enrollment/DeviceEnrollmentProvisionDoc";
const ENCODING: &str = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd#base64binary";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::devices::RegistryError;
    use crate::devices::enrolment::EnrolmentRefusal;
    use crate::protocols::drs::refusal::Refusal;

    const ID: Option<&str> = Some("urn:uuid:0d5a1441-5891-453b-becf-a2e5f6ea3749");

    fn lines(octets: Vec<u8>) -> String {
        String::from_utf8(octets).unwrap().replace("><", ">\n<")
    }

    #[test]
    fn answers() {
        let answer = enrolled(ID, b"\x30\x82", "0123456789ABCDEF0123456789ABCDEF01234567", "zoé@corp.example").unwrap();
        insta::assert_snapshot!("enrolled", lines(answer));
        let document = provisioning_document(b"\x30\x82", "0123456789ABCDEF0123456789ABCDEF01234567");
        insta::assert_snapshot!("provisioning_document", document.replace("\r\n", "[CRLF]\n"));
    }

    #[test]
    fn faults() {
        let correlation = CorrelationId::from_client("0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0").unwrap();
        let quota = Refusal::from(EnrolmentRefusal::Quota { count: 10, limit: 10 });
        insta::assert_snapshot!("fault_quota", lines(fault(ID, &quota.wire(), correlation).unwrap()));
        let registry = Refusal::from(RegistryError::Unavailable { reason: "secret cause".into() });
        insta::assert_snapshot!("fault_registry", lines(fault(None, &registry.wire(), correlation).unwrap()));
    }
}
