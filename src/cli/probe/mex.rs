//! Reads MEX and picks an endpoint by the rules of Windows and MSAL (ws-federation.md 2.3).

use super::failure::{Failure, Passed, Step};
use super::http::Reply;
use crate::xml::namespace::{ADDRESSING, POLICY, SOAP12, TRUST_13, TRUST_2005, UTILITY};
use crate::xml::{Document, Element, Limits};

/// How a client signs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum SignIn {
    /// Kerberos by Negotiate.
    Windows,
    /// Name and password in the message.
    Password,
}

/// Version of WS-Trust.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Version {
    /// WS-Trust 1.3.
    Trust13,
    /// WS-Trust of February 2005.
    February2005,
}

impl Version {
    pub(in crate::cli) const fn namespace(self) -> &'static str {
        match self {
            Self::Trust13 => TRUST_13,
            Self::February2005 => TRUST_2005,
        }
    }
}

/// An endpoint MEX names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli) struct Endpoint {
    pub(in crate::cli) version: Version,
    pub(in crate::cli) url: String,
}

/// Picks the endpoint: WS-Trust 1.3 when there is one, else February 2005.
pub(in crate::cli) fn pick(reply: &Reply, sign_in: SignIn) -> Step<Endpoint> {
    if reply.status != 200 {
        return Err(status(reply));
    }
    let document = Document::parse(&reply.body, &Limits::METADATA).map_err(|error| {
        Failure::new(format!("MEX is not XML that a client reads: {error}")).advise(
            "Windows shows 0xCAA9002C, or 0xC00CE584 for a DTD. A page of a proxy or load balancer in place of MEX looks like \
             this; --verbose shows it.",
        )
    })?;
    let root = document.root();
    if !root.is(WSDL, "definitions") {
        let failure = Failure::new(format!("MEX has the root element {} instead of wsdl:definitions", root.local()));
        return Err(if root.is(SOAP12, "Envelope") {
            failure.advise("A GET must be answered with the bare WSDL; only a POST gets an envelope.")
        } else {
            failure
        });
    }
    let found = endpoints(root, sign_in);
    let chosen = [Version::Trust13, Version::February2005]
        .iter()
        .find_map(|version| found.iter().find(|endpoint| endpoint.version == *version));
    let Some(chosen) = chosen else { return Err(none(sign_in)) };
    let passed = Passed::new(chosen.clone(), format!("{} octets; picked {}", reply.body.len(), chosen.url));
    Ok(match chosen.version {
        Version::Trust13 => passed,
        Version::February2005 => {
            passed.note("WS-Trust 1.3 is not offered for this sign-in; clients take February 2005.")
        }
    })
}

fn endpoints(root: Element<'_, '_>, sign_in: SignIn) -> Vec<Endpoint> {
    let policies: Vec<&str> = root
        .children_named(POLICY, "Policy")
        .filter(|policy| offers(*policy, sign_in))
        .filter_map(|policy| policy.attribute_ns(UTILITY, "Id"))
        .collect();
    let bindings: Vec<(&str, Version)> = root
        .children_named(WSDL, "binding")
        .filter(|binding| {
            let references = binding.children_named(POLICY, "PolicyReference").filter_map(|one| one.attribute("URI"));
            references.map(|uri| uri.trim_start_matches('#')).any(|id| policies.contains(&id))
        })
        .filter_map(|binding| Some((binding.attribute("name")?, version(binding)?)))
        .collect();
    let ports = root.children_named(WSDL, "service").flat_map(|service| service.children());
    ports
        .filter(|port| port.is(WSDL, "port"))
        .filter_map(|port| {
            let name = port.attribute("binding")?.rsplit(':').next()?;
            let (_, version) = bindings.iter().find(|(binding, _)| *binding == name)?;
            let url = port.child(ADDRESSING, "EndpointReference")?.child_text(ADDRESSING, "Address").ok()??;
            // As clients do: no white space before it, and TLS only.
            url.to_ascii_lowercase()
                .starts_with("https://")
                .then(|| Endpoint { version: *version, url: url.to_owned() })
        })
        .collect()
}

fn offers(policy: Element<'_, '_>, sign_in: SignIn) -> bool {
    match sign_in {
        SignIn::Windows => any(policy, &|element| element.is(HTTP_POLICY, "NegotiateAuthentication")),
        SignIn::Password => any(policy, &|element| {
            let supporting = element.is(SECURITY_POLICY, "SignedEncryptedSupportingTokens")
                || element.is(SECURITY_POLICY_2005, "SignedSupportingTokens");
            supporting && any(element, &|inner| inner.local() == "WssUsernameToken10")
        }),
    }
}

fn any(element: Element<'_, '_>, test: &dyn Fn(Element<'_, '_>) -> bool) -> bool {
    element.children().any(|child| test(child) || any(child, test))
}

fn version(binding: Element<'_, '_>) -> Option<Version> {
    let operation = binding.child(WSDL, "operation")?;
    let action = operation.child(WSDL_SOAP12, "operation")?.attribute("soapAction")?;
    [Version::Trust13, Version::February2005]
        .into_iter()
        .find(|version| action == format!("{}/RST/Issue", version.namespace()))
}

fn none(sign_in: SignIn) -> Failure {
    match sign_in {
        SignIn::Windows => Failure::new("MEX names no endpoint for Windows authentication").advise_all([
            "Windows shows 0xCAA90022 (could not discover the integrated authentication endpoint), and the join ends here.",
            "AD FS: Enable-AdfsEndpoint -TargetAddressPath /adfs/services/trust/13/windowstransport (and 2005), then restart the \
             service. This server: both switches of windowstransport in [endpoints].",
            "A request that came through a proxy for the outside gets a MEX without them: computers must reach the server from \
             the intranet.",
        ]),
        SignIn::Password => Failure::new("MEX names no endpoint for name and password").advise_all([
            "Windows shows 0xCAA90023 (could not discover the username password endpoint).",
            "AD FS: Enable-AdfsEndpoint -TargetAddressPath /adfs/services/trust/13/usernamemixed (and 2005). This server: \
             usernamemixed in [endpoints].",
        ]),
    }
}

fn status(reply: &Reply) -> Failure {
    let failure = Failure::new(format!("MEX is answered with HTTP {}", reply.status));
    let failure = match reply.status {
        300..=399 => failure.advise(format!(
            "It leads to {}. Clients do not follow; nothing in front of the server may ask for a sign-in first.",
            reply.header("location").next().unwrap_or("nowhere")
        )),
        403 => failure.advise("A firewall or proxy refuses the path /adfs/services/trust/mex."),
        404 => failure.advise(
            "This is no federation server, its proxy does not pass /adfs/services/trust/ on, or the mex endpoint is disabled \
             (AD FS: Enable-AdfsEndpoint -TargetAddressPath /adfs/services/trust/mex).",
        ),
        421 => failure.advise("The server does not serve this host name: is it the federation service name?"),
        503 => failure.advise("The service is stopped or starting, or the balancer has no healthy node."),
        _ => failure,
    };
    failure.advise(format!("Windows shows 0xCAA3{:04X}.", reply.status))
}

const WSDL: &str = "http://schemas.xmlsoap.org/wsdl/";
const WSDL_SOAP12: &str = "http://schemas.xmlsoap.org/wsdl/soap12/";
const HTTP_POLICY: &str = "http://schemas.microsoft.com/ws/06/2004/policy/http";
const SECURITY_POLICY: &str = "http://docs.oasis-open.org/ws-sx/ws-securitypolicy/200702";
const SECURITY_POLICY_2005: &str = "http://schemas.xmlsoap.org/ws/2005/07/securitypolicy";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::mex::Published;
    use crate::protocols::trust_endpoint::{Credential, TrustEndpoint, Version as Served};
    use crate::xml::Writer;

    fn reply(status: u16, body: impl Into<Vec<u8>>) -> Reply {
        Reply { status, headers: Vec::new(), body: body.into() }
    }

    fn mex(endpoints: &[(Served, Credential)]) -> Reply {
        let endpoints =
            endpoints.iter().map(|(version, credential)| TrustEndpoint { version: *version, credential: *credential });
        let mut writer = Writer::with_capacity(8192);
        let certificate_origin = Some("https://certauth.sts.corp.example");
        let published =
            Published { service_name: "sts.corp.example", certificate_origin, endpoints: endpoints.collect() };
        published.write(&mut writer).unwrap();
        reply(200, writer.finish().unwrap())
    }

    const ALL: [(Served, Credential); 5] = [
        (Served::February2005, Credential::WindowsTransport),
        (Served::February2005, Credential::UsernameMixed),
        (Served::Trust13, Credential::UsernameMixed),
        (Served::Trust13, Credential::CertificateMixed),
        (Served::Trust13, Credential::WindowsTransport),
    ];

    #[test]
    fn version_13_is_preferred() {
        for (sign_in, name) in [(SignIn::Windows, "windowstransport"), (SignIn::Password, "usernamemixed")] {
            let picked = pick(&mex(&ALL), sign_in).unwrap();
            let url = format!("https://sts.corp.example/adfs/services/trust/13/{name}");
            assert_eq!(picked.value, Endpoint { version: Version::Trust13, url });
            assert!(picked.notes.is_empty());
        }
        let picked = pick(&mex(&ALL[..2]), SignIn::Windows).unwrap();
        assert_eq!(picked.value.version, Version::February2005);
        assert_eq!(picked.notes.len(), 1);
    }

    #[test]
    fn an_endpoint_that_is_missing_is_explained() {
        let failure = pick(&mex(&ALL[1..4]), SignIn::Windows).unwrap_err();
        assert!(failure.what.contains("Windows") && failure.advice[0].contains("0xCAA90022"), "{failure:?}");
        let failure = pick(&mex(&ALL[..1]), SignIn::Password).unwrap_err();
        assert!(failure.advice[0].contains("0xCAA90023"), "{failure:?}");
    }

    #[test]
    fn what_is_no_mex_is_explained() {
        for (answer, expected) in [
            (reply(404, ""), "0xCAA30194"),
            (reply(503, ""), "0xCAA301F7"),
            (reply(200, "<html><br></html>"), "0xCAA9002C"),
            (reply(200, "<!DOCTYPE html><html/>"), "0xC00CE584"),
            (reply(200, "<s:Envelope xmlns:s='http://www.w3.org/2003/05/soap-envelope'/>"), "bare WSDL"),
        ] {
            let failure = pick(&answer, SignIn::Windows).unwrap_err();
            assert!(failure.advice.iter().any(|line| line.contains(expected)), "{failure:?}");
        }
    }
}
