//! The WS-Policy of each kind of endpoint (ws-federation.md 2.2). Exactly one `wsp:All` each: one client counts twice what
//! matches twice.

use crate::protocols::trust_endpoint::{Credential, TrustEndpoint, Version};
use crate::xml::{Attribute, Name, WriteError, Writer};

/// Writes the policy with this id.
pub(super) fn write(writer: &mut Writer, endpoint: TrustEndpoint, id: &str) -> Result<(), WriteError> {
    let id = Attribute::new(Name::new("wsu", UTILITY, "Id"), id);
    writer.element(&wsp("Policy"), &[id], |writer| {
        writer.element(&wsp("ExactlyOne"), &[], |writer| {
            writer.element(&wsp("All"), &[], |writer| {
                match endpoint.credential {
                    Credential::WindowsTransport => windows_transport(writer)?,
                    Credential::UsernameMixed => username_mixed(writer, endpoint.version)?,
                    Credential::CertificateMixed => certificate_mixed(writer, endpoint.version)?,
                    // The policy namespace of a transport certificate is 2005/07 for both versions, as for Windows.
                    Credential::CertificateTransport => transport(writer, &SP_2005, Some("true"), false)?,
                }
                writer.empty(&Name::new("wsaw", ADDRESSING_WSDL, "UsingAddressing"), &[])
            })
        })
    })
}

/// Negotiate on HTTP. Both WS-Trust versions use the 2005/07 policy namespace here.
fn windows_transport(writer: &mut Writer) -> Result<(), WriteError> {
    writer.empty(
        &Name::new("http", "http://schemas.microsoft.com/ws/06/2004/policy/http", "NegotiateAuthentication"),
        &[],
    )?;
    transport(writer, &SP_2005, Some("false"), false)
}

fn username_mixed(writer: &mut Writer, version: Version) -> Result<(), WriteError> {
    let policy = SecurityPolicy::of(version);
    transport(writer, policy, policy.plain_https, true)?;
    writer.element(&policy.name(policy.username_supporting_tokens), &[], |writer| {
        nested(writer, |writer| {
            writer.element(&policy.name("UsernameToken"), &[policy.always_to_recipient()], |writer| {
                nested(writer, |writer| writer.empty(&policy.name("WssUsernameToken10"), &[]))
            })
        })
    })?;
    policy.wss11_and_trust(writer)
}

fn certificate_mixed(writer: &mut Writer, version: Version) -> Result<(), WriteError> {
    let policy = SecurityPolicy::of(version);
    transport(writer, policy, policy.plain_https, true)?;
    writer.element(&policy.name("EndorsingSupportingTokens"), &[], |writer| {
        nested(writer, |writer| {
            writer.element(&policy.name("X509Token"), &[policy.always_to_recipient()], |writer| {
                nested(writer, |writer| {
                    writer.empty(&policy.name("RequireThumbprintReference"), &[])?;
                    writer.empty(&policy.name("WssX509V3Token10"), &[])
                })
            })?;
            writer.element(&policy.name("SignedParts"), &[], |writer| {
                let header = [
                    Attribute::plain("Name", "To"),
                    Attribute::plain("Namespace", "http://www.w3.org/2005/08/addressing"),
                ];
                writer.empty(&policy.name("Header"), &header)
            })
        })
    })?;
    policy.wss11_and_trust(writer)
}

fn transport(
    writer: &mut Writer,
    policy: &SecurityPolicy,
    require_client_certificate: Option<&str>,
    timestamp: bool,
) -> Result<(), WriteError> {
    writer.element(&policy.name("TransportBinding"), &[], |writer| {
        nested(writer, |writer| {
            writer.element(&policy.name("TransportToken"), &[], |writer| {
                nested(writer, |writer| {
                    let required = Attribute::plain_optional("RequireClientCertificate", require_client_certificate);
                    writer.element(&policy.name("HttpsToken"), &[required], |writer| match require_client_certificate {
                        Some(_) => Ok(()),
                        None => writer.empty(&wsp("Policy"), &[]),
                    })
                })
            })?;
            for (outer, inner) in [("AlgorithmSuite", "Basic256"), ("Layout", "Strict")] {
                writer.element(&policy.name(outer), &[], |writer| {
                    nested(writer, |writer| writer.empty(&policy.name(inner), &[]))
                })?;
            }
            if timestamp { writer.empty(&policy.name("IncludeTimestamp"), &[]) } else { Ok(()) }
        })
    })
}

/// What differs between the two editions of WS-SecurityPolicy.
struct SecurityPolicy {
    namespace: &'static str,
    /// Value of `RequireClientCertificate` where none is required; the 2007 edition leaves the attribute out.
    plain_https: Option<&'static str>,
    username_supporting_tokens: &'static str,
    always_to_recipient: &'static str,
    trust: &'static str,
}

impl SecurityPolicy {
    const fn of(version: Version) -> &'static Self {
        match version {
            Version::February2005 => &SP_2005,
            Version::Trust13 => &SP_2007,
        }
    }

    const fn name(&self, local: &'static str) -> Name {
        Name::new("sp", self.namespace, local)
    }

    fn always_to_recipient(&self) -> Attribute<'static> {
        Attribute::new(self.name("IncludeToken"), self.always_to_recipient)
    }

    fn wss11_and_trust(&self, writer: &mut Writer) -> Result<(), WriteError> {
        writer.element(&self.name("Wss11"), &[], |writer| nested(writer, |_| Ok(())))?;
        writer.element(&self.name(self.trust), &[], |writer| {
            nested(writer, |writer| {
                for local in ["MustSupportIssuedTokens", "RequireClientEntropy", "RequireServerEntropy"] {
                    writer.empty(&self.name(local), &[])?;
                }
                Ok(())
            })
        })
    }
}

/// The inner `wsp:Policy` that nearly every assertion has.
fn nested(writer: &mut Writer, content: impl FnOnce(&mut Writer) -> Result<(), WriteError>) -> Result<(), WriteError> {
    writer.element(&wsp("Policy"), &[], content)
}

const fn wsp(local: &'static str) -> Name {
    Name::new("wsp", "http://schemas.xmlsoap.org/ws/2004/09/policy", local)
}

const UTILITY: &str = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd";
const ADDRESSING_WSDL: &str = "http://www.w3.org/2006/05/addressing/wsdl";
const SP_2005: SecurityPolicy = SecurityPolicy {
    namespace: "http://schemas.xmlsoap.org/ws/2005/07/securitypolicy",
    plain_https: Some("false"),
    username_supporting_tokens: "SignedSupportingTokens",
    always_to_recipient: "http://schemas.xmlsoap.org/ws/2005/07/securitypolicy/IncludeToken/AlwaysToRecipient",
    trust: "Trust10",
};
const SP_2007: SecurityPolicy = SecurityPolicy {
    namespace: "http://docs.oasis-open.org/ws-sx/ws-securitypolicy/200702",
    plain_https: None,
    username_supporting_tokens: "SignedEncryptedSupportingTokens",
    always_to_recipient: "http://docs.oasis-open.org/ws-sx/ws-securitypolicy/200702/IncludeToken/AlwaysToRecipient",
    trust: "Trust13",
};
