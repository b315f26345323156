//! A `RequestSecurityToken` message: from octets to a typed request.
//!
//! As tolerant as AD FS where clients differ (ws-federation.md 3.3), and exact where a second reading would be possible: an
//! element that decides something stands at most once.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::clock::UtcTime;
use crate::protocols::trust_endpoint::{TrustEndpoint, Version};
use crate::protocols::{names, soap};
use crate::secret::Secret;
use crate::tokens::TokenType;
use crate::xml::{Document, Element, Limits, ReadError};

/// A decoded message.
#[derive(Debug)]
pub struct TrustRequest {
    /// `wsa:MessageID`, echoed in the answer.
    pub message_id: Option<String>,
    /// `RequestSecurityToken/@Context`, echoed in the answer.
    pub context: Option<String>,
    /// `wsse:Security`, when the message has one.
    pub security: Option<SecurityHeader>,
    /// Who the token is for, literally.
    pub applies_to: String,
    /// Kind of token asked for.
    pub token_type: Option<TokenType>,
}

/// What the server reads of `wsse:Security`.
#[derive(Debug)]
pub struct SecurityHeader {
    /// `wsu:Timestamp`: created, expires.
    pub timestamp: Option<Timestamp>,
    /// `wsse:UsernameToken`.
    pub username_token: Option<UsernameToken>,
    /// Whether there is a signature or a certificate; what they are worth is decided by the signature verifier alone.
    pub signed: bool,
}

/// `wsu:Timestamp`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timestamp {
    /// When the message was made.
    pub created: UtcTime,
    /// When it stops being good.
    pub expires: Option<UtcTime>,
}

/// `wsse:UsernameToken` with a password in clear (inside TLS).
#[derive(Debug)]
pub struct UsernameToken {
    /// The name as typed.
    pub username: String,
    /// The password, not trimmed.
    pub password: Secret<String>,
}

/// Why a message was refused, before anybody was authenticated.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// Not XML that may be read.
    #[error("XML: {0}")]
    Xml(#[from] ReadError),
    /// A SOAP 1.1 envelope.
    #[error("the envelope is SOAP 1.1; these endpoints speak SOAP 1.2")]
    SoapVersion,
    /// Not a SOAP message with one `RequestSecurityToken` of the endpoint's version.
    #[error("not a request of this endpoint: {0}")]
    Shape(&'static str),
    /// A header block that must be understood and is not.
    #[error("header block {{{namespace}}}{local} must be understood and is not")]
    MustUnderstand {
        /// Its namespace.
        namespace: String,
        /// Its local name.
        local: String,
    },
    /// `wsa:Action` is not that of an issue request.
    #[error("unsupported action {action}")]
    Action {
        /// The action, cut to a sensible length.
        action: String,
    },
    /// `wsa:To` names another endpoint.
    #[error("the message is addressed to {to}")]
    Destination {
        /// The address, cut to a sensible length.
        to: String,
    },
    /// Something that this server does not issue: a proof key, a renewal, a token type it does not know.
    #[error("unsupported {what}: {value}")]
    Unsupported {
        /// The element.
        what: &'static str,
        /// Its value, cut to a sensible length.
        value: String,
    },
    /// `OnBehalfOf` or `ActAs`: nobody may act for another.
    #[error("the request asks to act for somebody else ({0})")]
    Delegation(&'static str),
    /// The security header is not one this endpoint can accept.
    #[error("security header: {0}")]
    Security(&'static str),
}

/// Decodes a message. On an error the message id, if it could be read, is in `message_id`, for the fault's `RelatesTo`.
///
/// # Errors
/// [`RequestError`].
pub fn decode(
    body: &[u8],
    endpoint: TrustEndpoint,
    limits: &Limits,
    message_id: &mut Option<String>,
) -> Result<TrustRequest, RequestError> {
    let document = Document::parse(body, limits)?;
    let envelope = document.root();
    if envelope.is(soap::SOAP_11, "Envelope") {
        return Err(RequestError::SoapVersion);
    }
    if !envelope.is(soap::SOAP, "Envelope") {
        return Err(RequestError::Shape("the root element is no SOAP envelope"));
    }
    let header = envelope.only_child(soap::SOAP, "Header")?;
    if let Some(header) = header {
        *message_id = header.child_text(soap::ADDRESSING, "MessageID")?.map(|id| cut(id.trim(), MAX_MESSAGE_ID));
        check_understood(header)?;
        check_addressing(header, endpoint)?;
    }
    let security = match header.map(|header| security_block(header)).transpose()?.flatten() {
        Some(block) => Some(read_security(block)?),
        None => None,
    };
    let body = envelope.required_child(soap::SOAP, "Body")?;
    let request = only_request(body, endpoint.version)?;
    let (applies_to, token_type) = read_request(request, endpoint.version)?;
    // Cut short it would name another request.
    let context = request.attribute("Context");
    if context.is_some_and(|context| context.len() > MAX_CONTEXT) {
        return Err(RequestError::Shape("the Context is too long"));
    }
    let context = context.map(str::to_owned);
    Ok(TrustRequest { message_id: message_id.clone(), context, security, applies_to, token_type })
}

/// Every header block that is for us and marked `mustUnderstand` must be one we know (SOAP 1.2 part 1, 2.4).
fn check_understood(header: Element<'_, '_>) -> Result<(), RequestError> {
    for block in header.children().filter(|block| is_for_us(*block)) {
        let must = block.attribute_ns(soap::SOAP, "mustUnderstand").map(str::trim);
        if !matches!(must, Some("1" | "true")) {
            continue;
        }
        let known = (block.namespace() == soap::ADDRESSING && UNDERSTOOD_ADDRESSING.contains(&block.local()))
            || block.is(names::SECURITY, "Security");
        if !known {
            return Err(RequestError::MustUnderstand {
                namespace: cut(block.namespace(), MAX_SHOWN),
                local: cut(block.local(), MAX_SHOWN),
            });
        }
    }
    Ok(())
}

/// A block whose role names another node is none of our business (SOAP 1.2 part 1, 2.2).
fn is_for_us(block: Element<'_, '_>) -> bool {
    block.attribute_ns(soap::SOAP, "role").is_none_or(|role| role.is_empty() || OUR_ROLES.contains(&role.trim()))
}

fn check_addressing(header: Element<'_, '_>, endpoint: TrustEndpoint) -> Result<(), RequestError> {
    if let Some(action) = header.child_text(soap::ADDRESSING, "Action")? {
        let action = action.trim();
        if action != endpoint.version.issue_action() {
            return Err(RequestError::Action { action: cut(action, MAX_SHOWN) });
        }
    }
    // Behind balancers and alternative names the host says nothing; the path says which endpoint was meant. Where the
    // signature is the credential, the host counts as well ([`names_one_of`]).
    if let Some(to) = header.child_text(soap::ADDRESSING, "To")? {
        let to = to.trim();
        if to != ANONYMOUS && !path_of(to).eq_ignore_ascii_case(&endpoint.path()) {
            return Err(RequestError::Destination { to: cut(to, MAX_SHOWN) });
        }
    }
    Ok(())
}

/// Path of an absolute URL, without query and trailing slash.
fn path_of(url: &str) -> &str {
    let after_scheme = url.split_once("://").map_or(url, |(_, rest)| rest);
    let path = after_scheme.find('/').and_then(|start| after_scheme.get(start..)).unwrap_or("/");
    path.split(['?', '#']).next().unwrap_or(path).trim_end_matches('/')
}

/// Whether an absolute URL is one of a server of these names, at whatever port.
pub(super) fn names_one_of(url: &str, hosts: &[String]) -> bool {
    let Some((_, rest)) = url.split_once("://") else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|octet| octet.is_ascii_digit()) => host,
        _ => authority,
    };
    hosts.iter().any(|own| own.eq_ignore_ascii_case(host))
}

fn security_block<'d, 'i>(header: Element<'d, 'i>) -> Result<Option<Element<'d, 'i>>, RequestError> {
    let mut blocks = header.children_named(names::SECURITY, "Security").filter(|block| is_for_us(*block));
    let first = blocks.next();
    if blocks.next().is_some() {
        return Err(RequestError::Security("there are two Security headers for this server"));
    }
    Ok(first)
}

fn read_security(block: Element<'_, '_>) -> Result<SecurityHeader, RequestError> {
    let timestamp = match block.only_child(names::UTILITY, "Timestamp") {
        Ok(timestamp) => timestamp.map(read_timestamp).transpose()?,
        Err(_) => return Err(RequestError::Security("there are two Timestamps")),
    };
    let username_token = match block.only_child(names::SECURITY, "UsernameToken") {
        Ok(token) => token.map(read_username_token).transpose()?,
        Err(_) => return Err(RequestError::Security("there are two UsernameTokens")),
    };
    let signed = block.child("http://www.w3.org/2000/09/xmldsig#", "Signature").is_some();
    Ok(SecurityHeader { timestamp, username_token, signed })
}

/// Reads a `wsu:Timestamp`; `None` when it cannot be read.
pub(super) fn timestamp(element: Element<'_, '_>) -> Option<Timestamp> {
    read_timestamp(element).ok()
}

fn read_timestamp(element: Element<'_, '_>) -> Result<Timestamp, RequestError> {
    let created = element
        .child_text(names::UTILITY, "Created")?
        .and_then(parse_time)
        .ok_or(RequestError::Security("the Timestamp has no readable Created"))?;
    let expires = match element.child_text(names::UTILITY, "Expires")? {
        Some(text) => Some(parse_time(text).ok_or(RequestError::Security("the Timestamp's Expires is unreadable"))?),
        None => None,
    };
    Ok(Timestamp { created, expires })
}

fn read_username_token(element: Element<'_, '_>) -> Result<UsernameToken, RequestError> {
    let username = element
        .child_text(names::SECURITY, "Username")?
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .ok_or(RequestError::Security("the UsernameToken has no Username"))?;
    let password = element
        .only_child(names::SECURITY, "Password")?
        .ok_or(RequestError::Security("the UsernameToken has no Password"))?;
    match password.attribute("Type").map(str::trim) {
        None | Some("" | names::PASSWORD_TEXT) => {}
        Some(_) => return Err(RequestError::Security("only passwords in clear (PasswordText) can be checked")),
    }
    Ok(UsernameToken { username: username.to_owned(), password: Secret::new(password.text()?.to_owned()) })
}

fn only_request<'d, 'i>(body: Element<'d, 'i>, version: Version) -> Result<Element<'d, 'i>, RequestError> {
    let mut children = body.children();
    match (children.next(), children.next()) {
        (Some(request), None) if request.is(version.namespace(), "RequestSecurityToken") => Ok(request),
        (Some(_), None) => Err(RequestError::Shape("the body is no RequestSecurityToken of this endpoint's version")),
        (None, _) => Err(RequestError::Shape("the body is empty")),
        (Some(_), Some(_)) => Err(RequestError::Shape("the body has more than one element")),
    }
}

fn read_request(request: Element<'_, '_>, version: Version) -> Result<(String, Option<TokenType>), RequestError> {
    let trust = version.namespace();
    let request_type =
        request.child_text(trust, "RequestType")?.ok_or(RequestError::Shape("the request has no RequestType"))?.trim();
    if request_type != version.issue_request_type() {
        return Err(RequestError::Unsupported { what: "RequestType", value: cut(request_type, MAX_SHOWN) });
    }
    if request.child(trust, "OnBehalfOf").is_some() {
        return Err(RequestError::Delegation("OnBehalfOf"));
    }
    if request.child(ACT_AS_NAMESPACE, "ActAs").is_some() {
        return Err(RequestError::Delegation("ActAs"));
    }
    if let Some(key_type) = request.child_text(trust, "KeyType")?.map(str::trim)
        && !Version::ALL.iter().any(|version| key_type == version.bearer_key_type())
    {
        return Err(RequestError::Unsupported { what: "KeyType", value: cut(key_type, MAX_SHOWN) });
    }
    let token_type = match request.child_text(trust, "TokenType")?.map(str::trim) {
        None | Some("") => None,
        Some(names::SAML11_TYPE | names::SAML11_PROFILE) => Some(TokenType::Saml11),
        Some(names::SAML2_TYPE | names::SAML2_PROFILE) => Some(TokenType::Saml2),
        Some(other) => return Err(RequestError::Unsupported { what: "TokenType", value: cut(other, MAX_SHOWN) }),
    };
    Ok((read_applies_to(request)?, token_type))
}

fn read_applies_to(request: Element<'_, '_>) -> Result<String, RequestError> {
    let mut found = request.children().filter(|child| child.local() == "AppliesTo" && is_policy(child.namespace()));
    let applies_to = found.next().ok_or(RequestError::Shape("the request has no AppliesTo"))?;
    if found.next().is_some() {
        return Err(RequestError::Shape("the request has two AppliesTo"));
    }
    let mut references =
        applies_to.children().filter(|child| child.local() == "EndpointReference" && is_addressing(child.namespace()));
    let (Some(reference), None) = (references.next(), references.next()) else {
        return Err(RequestError::Shape("AppliesTo needs exactly one EndpointReference"));
    };
    let address = reference
        .child_text(reference.namespace(), "Address")?
        .map(str::trim)
        .filter(|address| !address.is_empty())
        .ok_or(RequestError::Shape("AppliesTo has no Address"))?;
    if address.len() > MAX_IDENTIFIER {
        return Err(RequestError::Shape("the address in AppliesTo is too long"));
    }
    Ok(address.to_owned())
}

fn is_policy(namespace: &str) -> bool {
    namespace == names::POLICY || namespace == "http://www.w3.org/ns/ws-policy"
}

fn is_addressing(namespace: &str) -> bool {
    namespace == soap::ADDRESSING || namespace == names::ADDRESSING_2004
}

/// `xs:dateTime` with a time zone, with any number of fraction digits.
fn parse_time(text: &str) -> Option<UtcTime> {
    OffsetDateTime::parse(text.trim(), &Rfc3339).ok().map(UtcTime::from)
}

fn cut(text: &str, octets: usize) -> String {
    let end = (0..=octets.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    text.get(..end).unwrap_or_default().to_owned()
}

const UNDERSTOOD_ADDRESSING: [&str; 7] = ["Action", "To", "MessageID", "ReplyTo", "From", "FaultTo", "RelatesTo"];
const OUR_ROLES: [&str; 2] = [
    "http://www.w3.org/2003/05/soap-envelope/role/next",
    "http://www.w3.org/2003/05/soap-envelope/role/ultimateReceiver",
];
const ANONYMOUS: &str = "http://www.w3.org/2005/08/addressing/anonymous";
const ACT_AS_NAMESPACE: &str = "http://docs.oasis-open.org/ws-sx/ws-trust/200802";
const MAX_SHOWN: usize = 256;
const MAX_MESSAGE_ID: usize = 1024;
const MAX_IDENTIFIER: usize = 2048;
const MAX_CONTEXT: usize = 2048;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::trust_endpoint::Credential;

    const ENDPOINT: TrustEndpoint = TrustEndpoint { version: Version::Trust13, credential: Credential::UsernameMixed };

    fn message(header: &str, request: &str) -> String {
        format!(
            r#"<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://www.w3.org/2005/08/addressing" xmlns:o="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd" xmlns:u="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd" xmlns:p="http://schemas.xmlsoap.org/ws/2004/09/policy"><s:Header>{header}</s:Header><s:Body><t:RequestSecurityToken xmlns:t="http://docs.oasis-open.org/ws-sx/ws-trust/200512">{request}</t:RequestSecurityToken></s:Body></s:Envelope>"#
        )
    }

    const ISSUE: &str = "<t:RequestType>http://docs.oasis-open.org/ws-sx/ws-trust/200512/Issue</t:RequestType>";
    const APPLIES: &str =
        "<p:AppliesTo><a:EndpointReference><a:Address>urn:x</a:Address></a:EndpointReference></p:AppliesTo>";

    fn read(header: &str, request: &str) -> Result<TrustRequest, RequestError> {
        decode(message(header, request).as_bytes(), ENDPOINT, &Limits::SOAP, &mut None)
    }

    #[test]
    fn a_plain_request() {
        let request = read("<a:MessageID>urn:uuid:1</a:MessageID>", &format!("{ISSUE}{APPLIES}")).unwrap();
        assert_eq!(request.applies_to, "urn:x");
        assert_eq!(request.message_id.as_deref(), Some("urn:uuid:1"));
        assert!(request.security.is_none() && request.token_type.is_none());
    }

    #[test]
    fn what_a_request_calls_itself_is_kept_and_bounded() {
        let with = |context: &str| {
            let text = message("", &format!("{ISSUE}{APPLIES}"));
            let text = text.replace("<t:RequestSecurityToken ", &format!("<t:RequestSecurityToken {context} "));
            decode(text.as_bytes(), ENDPOINT, &Limits::SOAP, &mut None).map(|request| request.context)
        };
        assert_eq!(with("").unwrap(), None);
        assert_eq!(with(r#"Context="urn:uuid:7 &lt;&amp;""#).unwrap().as_deref(), Some("urn:uuid:7 <&"));
        let long = |octets: usize| format!(r#"Context="{}""#, "x".repeat(octets));
        assert_eq!(with(&long(MAX_CONTEXT)).unwrap().map(|context| context.len()), Some(MAX_CONTEXT));
        assert!(matches!(with(&long(MAX_CONTEXT + 1)), Err(RequestError::Shape(_))));
    }

    #[test]
    fn the_name_of_a_signed_message_is_its_host() {
        let ours = [String::from("sts.corp.example"), String::from("certauth.sts.corp.example")];
        for (to, expected) in [
            ("https://sts.corp.example/adfs/services/trust/13/certificatemixed", true),
            ("https://STS.corp.example:443/adfs/services/trust/13/certificatemixed", true),
            ("https://certauth.sts.corp.example/adfs/services/trust/13/certificatemixed", true),
            ("https://sts.other.example/adfs/services/trust/13/certificatemixed", false),
            ("https://sts.corp.example@sts.other.example/adfs/services/trust/13/certificatemixed", false),
            ("https://sts.other.example?https://sts.corp.example/", false),
            ("https://sts.corp.example.other.example/", false),
            ("//sts.corp.example/adfs/services/trust/13/certificatemixed", false),
            ("/adfs/services/trust/13/certificatemixed", false),
            (ANONYMOUS, false),
            ("", false),
        ] {
            assert_eq!(names_one_of(to, &ours), expected, "{to}");
        }
    }

    #[test]
    fn what_clients_vary_is_accepted() {
        let base = format!("{APPLIES}{ISSUE}");
        for (header, extra) in [
            ("<a:messageID>urn:uuid:1</a:messageID>", ""),
            (
                "",
                "<t:KeySize>0</t:KeySize><t:TokenType>http://docs.oasis-open.org/wss/oasis-wss-saml-token-profile-1.1#SAMLV2.0</t:TokenType>",
            ),
            ("", "<t:KeyType>http://schemas.xmlsoap.org/ws/2005/05/identity/NoProofKey</t:KeyType>"),
            ("", r#"<t:Claims Dialect="http://schemas.xmlsoap.org/ws/2005/05/identity"/>"#),
            (r#"<a:To s:mustUnderstand="1">https://other.name/ADFS/services/trust/13/UserNameMixed/</a:To>"#, ""),
            (r#"<x:Other xmlns:x="urn:x"/>"#, ""),
            (r#"<x:Other xmlns:x="urn:x" s:mustUnderstand="1" s:role="urn:somebody-else"/>"#, ""),
        ] {
            read(header, &format!("{base}{extra}")).unwrap_or_else(|error| panic!("{header}{extra}: {error}"));
        }
    }

    #[test]
    fn what_must_not_be_read_twice_is_refused() {
        let base = format!("{ISSUE}{APPLIES}");
        assert!(matches!(read("", &format!("{base}{APPLIES}")), Err(RequestError::Shape(_))));
        assert!(matches!(read("", &format!("{base}{ISSUE}")), Err(RequestError::Xml(_))));
        assert!(matches!(read("<o:Security/><o:Security/>", &base), Err(RequestError::Security(_))));
        let time = "<u:Timestamp><u:Created>2026-01-05T10:00:00Z</u:Created></u:Timestamp>";
        assert!(matches!(
            read(&format!("<o:Security>{time}{time}</o:Security>"), &base),
            Err(RequestError::Security(_))
        ));
    }

    #[test]
    fn what_is_not_offered_is_refused() {
        let with = |extra: &str| read("", &format!("{ISSUE}{APPLIES}{extra}"));
        let symmetric = "<t:KeyType>http://docs.oasis-open.org/ws-sx/ws-trust/200512/SymmetricKey</t:KeyType>";
        assert!(matches!(with(symmetric), Err(RequestError::Unsupported { what: "KeyType", .. })));
        assert!(matches!(
            with("<t:TokenType>urn:y</t:TokenType>"),
            Err(RequestError::Unsupported { what: "TokenType", .. })
        ));
        assert!(matches!(with("<t:OnBehalfOf/>"), Err(RequestError::Delegation("OnBehalfOf"))));
        let renew = "<t:RequestType>http://docs.oasis-open.org/ws-sx/ws-trust/200512/Renew</t:RequestType>";
        assert!(matches!(
            read("", &format!("{renew}{APPLIES}")),
            Err(RequestError::Unsupported { what: "RequestType", .. })
        ));
        assert!(matches!(read("", APPLIES), Err(RequestError::Shape(_))));
        assert!(matches!(read("", ISSUE), Err(RequestError::Shape(_))));
    }

    #[test]
    fn headers_that_must_be_understood() {
        let unknown = r#"<x:Other xmlns:x="urn:x" s:mustUnderstand="true"/>"#;
        assert!(matches!(
            read(unknown, &format!("{ISSUE}{APPLIES}")),
            Err(RequestError::MustUnderstand { namespace, local }) if namespace == "urn:x" && local == "Other"
        ));
    }

    #[test]
    fn the_action_and_the_path_must_be_the_endpoints() {
        let base = format!("{ISSUE}{APPLIES}");
        assert!(matches!(
            read("<a:Action>http://docs.oasis-open.org/ws-sx/ws-trust/200512/RST/Cancel</a:Action>", &base),
            Err(RequestError::Action { .. })
        ));
        assert!(matches!(
            read("<a:To>https://sts/adfs/services/trust/2005/usernamemixed</a:To>", &base),
            Err(RequestError::Destination { .. })
        ));
    }

    #[test]
    fn passwords_only_in_clear_and_untrimmed() {
        let base = format!("{ISSUE}{APPLIES}");
        let token = |password: &str| {
            format!(
                "<o:Security><o:UsernameToken><o:Username> alice@corp.example </o:Username>{password}</o:UsernameToken></o:Security>"
            )
        };
        let request = read(&token("<o:Password> a&amp;b </o:Password>"), &base).unwrap();
        let token_read = request.security.unwrap().username_token.unwrap();
        assert_eq!(token_read.username, "alice@corp.example");
        assert_eq!(token_read.password.expose(), " a&b ");
        assert!(matches!(
            read(&token(r#"<o:Password Type="urn:x#PasswordDigest">YQ==</o:Password>"#), &base),
            Err(RequestError::Security(_))
        ));
    }

    #[test]
    fn times_with_any_fraction() {
        for text in ["2026-01-05T10:00:00Z", "2026-01-05T10:00:00.068Z", "2026-01-05T10:00:00.1234567Z"] {
            assert!(parse_time(text).is_some(), "{text}");
        }
        assert_eq!(parse_time("2026-01-05 25:00"), None);
    }
}
