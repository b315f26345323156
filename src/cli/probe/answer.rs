//! What the token endpoint answered: a token, a fault, or neither; and what that means.

use super::failure::Failure;
use super::http::Reply;
use super::mex::SignIn;
use crate::xml::namespace::{ENCRYPTION, SAML2, SAML11, SOAP12, TRUST_13, TRUST_2005};
use crate::xml::{Document, Element, Limits};

/// The assertion in the answer, as octets, just as a client cuts it out.
pub(in crate::cli) fn assertion(reply: &Reply, sign_in: SignIn) -> Result<Vec<u8>, Failure> {
    let Ok(document) = Document::parse(&reply.body, &Limits::METADATA) else {
        return Err(status(reply, sign_in));
    };
    let root = document.root();
    let body = root.child(SOAP12, "Body").filter(|_| root.is(SOAP12, "Envelope"));
    let Some(body) = body else { return Err(status(reply, sign_in)) };
    if let Some(fault) = body.child(SOAP12, "Fault") {
        return Err(Fault::read(fault).explain(reply.status, sign_in));
    }
    let requested = descendant(body, &|element| {
        element.local() == "RequestedSecurityToken" && [TRUST_13, TRUST_2005].contains(&element.namespace())
    });
    let Some(token) = requested.and_then(|requested| requested.children().next()) else {
        return Err(Failure::new(format!("HTTP {} with an answer that holds no token", reply.status)));
    };
    if token.is(ENCRYPTION, "EncryptedData") || token.is(SAML2, "EncryptedAssertion") {
        return Err(Failure::new("the token is encrypted").advise(
            "Microsoft Entra reads no encrypted tokens: remove the encryption certificate from the trust. Other relying \
             parties may want this; then there is nothing to check here.",
        ));
    }
    if !token.is(SAML11, "Assertion") && !token.is(SAML2, "Assertion") {
        return Err(Failure::new(format!("the token is no SAML assertion but {}", token.local()))
            .advise("Set the trust's token type to SAML 1.1."));
    }
    let octets =
        reply.body.get(token.span()).ok_or_else(|| Failure::new("the token cannot be cut out of the answer"))?;
    Ok(octets.to_vec())
}

/// Whether the server asks for Negotiate, as Windows expects before it sends a ticket.
pub(in crate::cli) fn challenge(reply: &Reply) -> Result<String, Failure> {
    let offered: Vec<&str> = reply.header("www-authenticate").collect();
    let schemes: Vec<&str> = offered.iter().filter_map(|value| value.split_whitespace().next()).collect();
    if reply.status != 401 {
        let failure = match assertion(reply, SignIn::Windows) {
            Ok(_) => Failure::new("a token came without authentication"),
            Err(failure) => failure,
        };
        return Err(
            failure.advise("A request without a ticket should be answered with 401 and WWW-Authenticate: Negotiate.")
        );
    }
    if schemes.iter().any(|scheme| scheme.eq_ignore_ascii_case("Negotiate")) {
        return Ok(format!("401, offers {}", schemes.join(", ")));
    }
    let offers = if schemes.is_empty() { String::from("nothing") } else { schemes.join(", ") };
    Err(Failure::new(format!("401 that offers {offers} instead of Negotiate")).advise(
        "A computer can use Negotiate only. Something in front of the server answers in its place, or Windows authentication is \
         switched off.",
    ))
}

/// An HTTP status without a message of the protocol.
fn status(reply: &Reply, sign_in: SignIn) -> Failure {
    let failure = Failure::new(format!("HTTP {} without an answer of the protocol", reply.status));
    let failure = match (reply.status, sign_in) {
        (401, SignIn::Windows) => Failure::new("401: the server refuses the ticket").advise_all([
            "Key: the server must have the key of the service the ticket is for, with the current key number. On this server \
             `chancery check` compares the keytab; on AD FS the SPN must be on the service account (setspn -Q).",
            "Clock: more than five minutes between client, domain controller and server refuse every ticket.",
            "Channel bindings: where TLS ends at a balancer the server must know its certificate (this server: \
             front_certificates in [kerberos]; AD FS: ExtendedProtectionTokenCheck).",
            "Replay: a ticket works once for each request; a proxy that sends requests twice is refused.",
            "NTLM: not what was sent here. A Windows client sends it when it finds no SPN or no domain controller, and gets the \
             same 401.",
        ]),
        (401, SignIn::Password) => failure.advise("This endpoint wants no HTTP authentication: something in front of it does."),
        (300..=399, _) => failure.advise(format!(
            "It leads to {}. Nothing in front of the server may ask for a sign-in first; clients do not follow.",
            reply.header("location").next().unwrap_or("nowhere")
        )),
        (400 | 413 | 431, _) => failure.advise(
            "A limit on the size of requests or header fields, the server's or a proxy's: a ticket of an account with many \
             groups has up to 64 KiB.",
        ),
        (403, _) => failure.advise(
            "A firewall or proxy refuses the path, or the endpoint is not for requests from outside: windowstransport is for the \
             intranet.",
        ),
        (404, _) => failure.advise(
            "The endpoint does not exist though MEX names it: a proxy passes on only some paths, or it leads to another server.",
        ),
        (405, _) => failure.advise("A proxy or another server took the POST for something else."),
        (421, _) => failure.advise("The server does not serve this host name."),
        (502..=504, _) => failure.advise(
            "The endpoint is disabled (AD FS answers 503 then), the service is stopped, or the balancer has no healthy node.",
        ),
        (200, _) => failure.advise("Is this a page of a proxy? --verbose shows it. Windows shows 0xCAA9002C."),
        _ => failure,
    };
    match reply.status {
        200 => failure,
        status => failure.advise(format!("Windows shows 0xCAA3{status:04X}.")),
    }
}

/// A SOAP 1.2 fault.
#[derive(Debug, Default)]
struct Fault {
    code: String,
    subcode: String,
    reason: String,
}

impl Fault {
    fn read(fault: Element<'_, '_>) -> Self {
        // Names in text carry a prefix; clients look at what is behind it.
        let local =
            |text: Option<&str>| text.unwrap_or_default().trim().rsplit(':').next().unwrap_or_default().to_owned();
        let code = fault.child(SOAP12, "Code");
        let value = |element: Option<Element<'_, '_>>| {
            local(element.and_then(|element| element.child_text(SOAP12, "Value").ok().flatten()))
        };
        let reason = fault.child(SOAP12, "Reason").and_then(|reason| reason.child(SOAP12, "Text"));
        Self {
            code: value(code),
            subcode: value(code.and_then(|code| code.child(SOAP12, "Subcode"))),
            reason: reason.and_then(|text| text.text().ok()).unwrap_or_default().trim().to_owned(),
        }
    }

    fn explain(&self, status: u16, sign_in: SignIn) -> Failure {
        let name = if self.subcode.is_empty() { &self.code } else { &self.subcode };
        let failure = Failure::new(format!("fault {name}: {} (HTTP {status})", self.reason));
        let denied = ["MSIS7068", "MSIS3126", "Access denied"].iter().any(|text| self.reason.contains(text));
        let failure = match (name.as_str(), sign_in) {
            ("FailedAuthentication", _) if denied => failure.advise_all([
                "The account is known, and the trust does not permit it: its access control policy or issuance authorization \
                 rules deny, or it asks for a second factor.",
                "Computers must be permitted for hybrid join: a rule that permits one group of users keeps them out. With several \
                 federated domains a UPN of none of them is denied as well.",
            ]),
            ("FailedAuthentication", SignIn::Password) => failure.advise(
                "Wrong name or password, or the account is locked, disabled, expired, or must change its password. The answer is the \
                 same for all, on purpose: the server's audit log tells which (events 411, 1203, 1210).",
            ),
            ("FailedAuthentication", SignIn::Windows) => failure.advise(
                "The ticket was accepted as Kerberos and refused as a sign-in. The server's audit log tells why (events 411, 1203).",
            ),
            ("InvalidScope", _) => failure.advise(
                "No enabled relying party trust has the identifier that --applies-to names. For Entra it is \
                 urn:federation:MicrosoftOnline (this server: [entra]; AD FS: Get-AdfsRelyingPartyTrust).",
            ),
            ("RequestFailed", _) => failure.advise(
                "The token could not be made: a claim rule, an attribute store or a key failed. The server's log tells why \
                 (AD FS: events 111, 303, 364).",
            ),
            ("InvalidRequest" | "BadRequest", _) => failure.advise(
                "The server did not understand the request. A proxy that changes bodies, or a server that wants another dialect.",
            ),
            ("InvalidSecurity", _) => failure.advise(
                "The message's Timestamp is outside the server's five minutes: compare this computer's clock with the server's. On a \
                 certificate endpoint also: the signature is wrong.",
            ),
            ("ActionNotSupported" | "DestinationUnreachable", _) => {
                failure.advise("The address or action is not this endpoint's: a proxy changes paths, or MEX is another server's.")
            }
            ("EndpointUnavailable", _) => failure.advise(
                "Something the token needs did not answer in time, as a rule every domain controller. Try again; the server's log \
                 tells what it was.",
            ),
            ("InternalServiceFault" | "Receiver", _) => failure.advise("The server's own failure; its log tells what it was."),
            ("MustUnderstand" | "VersionMismatch", _) => failure.advise("The server speaks another SOAP than Windows does."),
            _ => failure,
        };
        failure.advise(
            "Windows shows 0xCAA90014 and writes the fault into Microsoft-Windows-AAD/Operational (event 1088).",
        )
    }
}

fn descendant<'d, 'i>(element: Element<'d, 'i>, test: &dyn Fn(Element<'d, 'i>) -> bool) -> Option<Element<'d, 'i>> {
    element.children().find_map(|child| if test(child) { Some(child) } else { descendant(child, test) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::soap;

    fn reply(status: u16, body: &str) -> Reply {
        Reply { status, headers: Vec::new(), body: body.as_bytes().to_vec() }
    }

    fn envelope(body: &str) -> String {
        format!("<s:Envelope xmlns:s='{}'><s:Header/><s:Body>{body}</s:Body></s:Envelope>", soap::SOAP)
    }

    fn fault(subcode: &str, reason: &str) -> Reply {
        reply(
            500,
            &envelope(&format!(
                "<s:Fault><s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value xmlns:a='urn:x'>a:{subcode}</s:Value></s:Subcode>\
                 </s:Code><s:Reason><s:Text xml:lang='en-US'>{reason}</s:Text></s:Reason></s:Fault>"
            )),
        )
    }

    #[test]
    fn the_assertion_is_cut_out_as_it_stands() {
        let token = "<saml:Assertion xmlns:saml='urn:oasis:names:tc:SAML:1.0:assertion'><a b='1' /></saml:Assertion>";
        for trust in [TRUST_13, TRUST_2005] {
            let body = envelope(&format!(
                "<t:R xmlns:t='{trust}'><t:RequestedSecurityToken>{token}</t:RequestedSecurityToken></t:R>"
            ));
            assert_eq!(assertion(&reply(200, &body), SignIn::Windows).unwrap(), token.as_bytes());
        }
    }

    #[test]
    fn every_fault_says_what_to_do() {
        for (subcode, reason, sign_in, expected) in [
            ("FailedAuthentication", "MSIS7068: Access denied.", SignIn::Windows, "Computers must be permitted"),
            ("FailedAuthentication", "ID3242: …", SignIn::Password, "Wrong name or password"),
            ("FailedAuthentication", "ID3242: …", SignIn::Windows, "refused as a sign-in"),
            ("InvalidScope", "ID3082", SignIn::Windows, "relying party trust"),
            ("RequestFailed", "MSIS3127", SignIn::Windows, "attribute store"),
            ("InvalidRequest", "x", SignIn::Windows, "did not understand"),
            ("InvalidSecurity", "x", SignIn::Password, "clock"),
            ("EndpointUnavailable", "x", SignIn::Windows, "domain controller"),
            ("InternalServiceFault", "x", SignIn::Windows, "own failure"),
        ] {
            let failure = assertion(&fault(subcode, reason), sign_in).unwrap_err();
            assert!(failure.what.contains(subcode) && failure.what.contains(reason), "{failure:?}");
            assert!(failure.advice.iter().any(|line| line.contains(expected)), "{expected}: {failure:?}");
            assert!(failure.advice.last().unwrap().contains("0xCAA90014"));
        }
    }

    #[test]
    fn every_status_says_what_to_do() {
        for (status, expected, code) in [
            (401, "Channel bindings", "0xCAA30191"),
            (302, "do not follow", "0xCAA3012E"),
            (403, "intranet", "0xCAA30193"),
            (404, "MEX names it", "0xCAA30194"),
            (502, "disabled", "0xCAA301F6"),
            (503, "disabled", "0xCAA301F7"),
            (431, "64 KiB", "0xCAA301AF"),
        ] {
            let failure = assertion(&reply(status, "<html><br></html>"), SignIn::Windows).unwrap_err();
            let advice = failure.advice.join("\n");
            assert!(advice.contains(expected) && advice.contains(code), "{failure:?}");
        }
    }

    #[test]
    fn only_negotiate_is_a_challenge() {
        let mut answer = reply(401, "");
        assert!(challenge(&answer).is_err());
        answer.headers =
            vec![("WWW-Authenticate".into(), "NTLM".into()), ("www-authenticate".into(), "negotiate".into())];
        assert_eq!(challenge(&answer).unwrap(), "401, offers NTLM, negotiate");
        answer.headers.pop();
        assert!(challenge(&answer).unwrap_err().what.contains("offers NTLM"));
        answer.status = 404;
        assert!(challenge(&answer).unwrap_err().what.contains("404"));
    }

    #[test]
    fn tokens_nobody_could_read_are_explained() {
        for (token, expected) in [
            ("<x:EncryptedData xmlns:x='http://www.w3.org/2001/04/xmlenc#'/>", "encrypted"),
            ("<x:BinarySecurityToken xmlns:x='urn:x'/>", "no SAML assertion"),
            ("", "holds no token"),
        ] {
            let body =
                envelope(&format!("<t:RequestedSecurityToken xmlns:t='{TRUST_13}'>{token}</t:RequestedSecurityToken>"));
            let failure = assertion(&reply(200, &body), SignIn::Windows).unwrap_err();
            assert!(failure.what.contains(expected), "{failure:?}");
        }
    }
}
