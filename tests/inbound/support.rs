//! A partner: its key, its genuine messages before and after signing, and what this server knows of it.

use std::sync::LazyLock;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bergshamra::keys::loader::load_rsa_private_pem;
use bergshamra::{DsigContext, KeysManager};
use chancery::clock::UtcTime;
use chancery::protocols::samlp::response::{self, ResponseError};
use chancery::protocols::wresult;
use chancery::tokens::inbound::{Delivery, InboundError, Partner, Profile, Unredeemed};
use chancery::xml::verify::VerificationKeys;

pub(crate) const PARTNER: &str = "https://idp.partner.example/saml";
pub(crate) const US: &str = "http://sts.corp.example/adfs/services/trust";
pub(crate) const ACS: &str = "https://sts.corp.example/adfs/ls/";
pub(crate) const REQUEST: &str = "_request";
/// 2026-01-05T10:00:01Z.
pub(crate) const NOW: UtcTime = UtcTime::from_unix_seconds(1_767_607_201);

/// Certificate and private key.
pub(crate) type Pair = (Vec<u8>, Vec<u8>);
pub(crate) static PARTNER_KEY: LazyLock<Pair> = LazyLock::new(new_pair);
pub(crate) static STRANGER_KEY: LazyLock<Pair> = LazyLock::new(new_pair);
static KEYS: LazyLock<VerificationKeys> =
    LazyLock::new(|| VerificationKeys::from_certificates([&PARTNER_KEY.0[..]]).unwrap());

pub(crate) fn new_pair() -> Pair {
    let pair = rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048).unwrap();
    let certificate = rcgen::CertificateParams::new(vec![String::from("idp.partner.example")]).unwrap();
    (certificate.self_signed(&pair).unwrap().der().to_vec(), pair.serialize_der())
}

pub(crate) fn partner() -> Partner<'static> {
    Partner {
        identifier: PARTNER,
        keys: &KEYS,
        audiences: &[US, "https://sts.corp.example/other-name"],
        decryption_keys: &[],
        sha1: false,
        unvouched_cbc: false,
    }
}

pub(crate) fn web_sso() -> Delivery<'static> {
    Delivery {
        recipient: ACS,
        in_response_to: Some(REQUEST),
        profile: Profile::WebSso,
        now: NOW,
        skew: Duration::from_mins(5),
    }
}

pub(crate) fn passive() -> Delivery<'static> {
    Delivery { in_response_to: None, profile: Profile::Passive, ..web_sso() }
}

pub(crate) fn receive(message: &str) -> Result<Unredeemed, ResponseError> {
    response::receive(message.as_bytes(), &partner(), &web_sso())
}

pub(crate) fn receive_result(wresult: &str) -> Result<Unredeemed, InboundError> {
    wresult::receive(wresult, &partner(), &passive())
}

/// That a message is taken; what it says is of no matter.
pub(crate) fn taken<E: std::fmt::Display>(received: Result<Unredeemed, E>) {
    if let Err(error) = received {
        panic!("{error}");
    }
}

/// The error of a message that must be refused.
pub(crate) fn refused(message: &str) -> InboundError {
    match receive(message).expect_err(message) {
        ResponseError::Inbound(error) => error,
        other => panic!("{other}"),
    }
}

/// A response whose assertion has a signature to be made.
pub(crate) fn unsigned_response() -> String {
    response_with("_response", &unsigned_assertion("_assertion", "alice@partner.example"))
}

pub(crate) fn signed_response() -> String {
    static SIGNED: LazyLock<String> = LazyLock::new(|| sign(&unsigned_response()));
    SIGNED.clone()
}

/// A response around `content`.
pub(crate) fn response_with(id: &str, content: &str) -> String {
    format!(
        "<samlp:Response xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" \
         xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" ID=\"{id}\" Version=\"2.0\" \
         IssueInstant=\"2026-01-05T10:00:00Z\" Destination=\"{ACS}\" InResponseTo=\"{REQUEST}\">\
         <saml:Issuer>{PARTNER}</saml:Issuer><samlp:Status>\
         <samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\"/></samlp:Status>{content}</samlp:Response>"
    )
}

/// A SAML 2.0 assertion with a signature to be made.
pub(crate) fn unsigned_assertion(id: &str, name: &str) -> String {
    format!(
        "<saml:Assertion xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" xmlns:xs=\"http://www.w3.org/2001/XMLSchema\" \
         xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" ID=\"{id}\" Version=\"2.0\" \
         IssueInstant=\"2026-01-05T10:00:00Z\"><saml:Issuer>{PARTNER}</saml:Issuer>{}<saml:Subject>\
         <saml:NameID Format=\"urn:oasis:names:tc:SAML:2.0:nameid-format:persistent\" NameQualifier=\"{PARTNER}\" \
         SPNameQualifier=\"{US}\">{name}</saml:NameID>\
         <saml:SubjectConfirmation Method=\"urn:oasis:names:tc:SAML:2.0:cm:bearer\">\
         <saml:SubjectConfirmationData NotOnOrAfter=\"2026-01-05T10:05:00Z\" Recipient=\"{ACS}\" InResponseTo=\"{REQUEST}\"/>\
         </saml:SubjectConfirmation></saml:Subject>\
         <saml:Conditions NotBefore=\"2026-01-05T09:59:30Z\" NotOnOrAfter=\"2026-01-05T11:00:00Z\">\
         <saml:AudienceRestriction><saml:Audience>{US}</saml:Audience></saml:AudienceRestriction></saml:Conditions>\
         <saml:AuthnStatement AuthnInstant=\"2026-01-05T09:58:00Z\" SessionNotOnOrAfter=\"2026-01-05T18:00:00Z\" \
         SessionIndex=\"_session\"><saml:AuthnContext><saml:AuthnContextClassRef>\
         urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport</saml:AuthnContextClassRef></saml:AuthnContext>\
         </saml:AuthnStatement><saml:AttributeStatement>\
         <saml:Attribute Name=\"urn:oid:0.9.2342.19200300.100.1.3\" FriendlyName=\"mail\" \
         NameFormat=\"urn:oasis:names:tc:SAML:2.0:attrname-format:uri\">\
         <saml:AttributeValue xsi:type=\"xs:string\">alice@partner.example</saml:AttributeValue></saml:Attribute>\
         <saml:Attribute Name=\"http://schemas.microsoft.com/ws/2008/06/identity/claims/role\">\
         <saml:AttributeValue>one</saml:AttributeValue><saml:AttributeValue>two &amp; three</saml:AttributeValue>\
         </saml:Attribute><saml:Attribute Name=\"urn:partner:staff\">\
         <saml:AttributeValue xsi:type=\"xs:boolean\">true</saml:AttributeValue></saml:Attribute>\
         </saml:AttributeStatement></saml:Assertion>",
        Signature::of(id).xml()
    )
}

/// A SAML 1.1 assertion with a signature to be made.
pub(crate) fn unsigned_saml11(id: &str, name: &str) -> String {
    let subject = format!(
        "<saml:Subject><saml:NameIdentifier Format=\"urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress\">{name}\
         </saml:NameIdentifier><saml:SubjectConfirmation><saml:ConfirmationMethod>urn:oasis:names:tc:SAML:1.0:cm:bearer\
         </saml:ConfirmationMethod></saml:SubjectConfirmation></saml:Subject>"
    );
    format!(
        "<saml:Assertion xmlns:saml=\"urn:oasis:names:tc:SAML:1.0:assertion\" MajorVersion=\"1\" MinorVersion=\"1\" \
         AssertionID=\"{id}\" Issuer=\"{PARTNER}\" IssueInstant=\"2026-01-05T10:00:00.000Z\">\
         <saml:Conditions NotBefore=\"2026-01-05T10:00:00.000Z\" NotOnOrAfter=\"2026-01-05T11:00:00.000Z\">\
         <saml:AudienceRestrictionCondition><saml:Audience>{US}</saml:Audience></saml:AudienceRestrictionCondition>\
         </saml:Conditions><saml:AttributeStatement>{subject}\
         <saml:Attribute AttributeName=\"upn\" AttributeNamespace=\"http://schemas.xmlsoap.org/ws/2005/05/identity/claims\">\
         <saml:AttributeValue>alice@partner.example</saml:AttributeValue></saml:Attribute>\
         <saml:Attribute AttributeName=\"Group\" AttributeNamespace=\"http://schemas.xmlsoap.org/claims\" \
         a:OriginalIssuer=\"AD AUTHORITY\" xmlns:a=\"http://schemas.xmlsoap.org/ws/2009/09/identity/claims\">\
         <saml:AttributeValue>A</saml:AttributeValue><saml:AttributeValue>B</saml:AttributeValue></saml:Attribute>\
         </saml:AttributeStatement>\
         <saml:AuthenticationStatement AuthenticationMethod=\"urn:federation:authentication:windows\" \
         AuthenticationInstant=\"2026-01-05T09:59:00.000Z\">{subject}</saml:AuthenticationStatement>{}</saml:Assertion>",
        Signature::of(id).xml()
    )
}

pub(crate) const TRUST_2005: &str = "http://schemas.xmlsoap.org/ws/2005/02/trust";
pub(crate) const TRUST_13: &str = "http://docs.oasis-open.org/ws-sx/ws-trust/200512";

/// `wresult` of February 2005 around a token.
pub(crate) fn rstr(namespace: &str, token: &str) -> String {
    format!(
        "<t:RequestSecurityTokenResponse xmlns:t=\"{namespace}\"><t:RequestedSecurityToken>{token}\
         </t:RequestedSecurityToken><t:TokenType>urn:oasis:names:tc:SAML:1.0:assertion</t:TokenType>\
         </t:RequestSecurityTokenResponse>"
    )
}

pub(crate) fn signed_rstr() -> String {
    static SIGNED: LazyLock<String> =
        LazyLock::new(|| rstr(TRUST_2005, &sign(&unsigned_saml11("_assertion", "alice@partner.example"))));
    SIGNED.clone()
}

/// A `ds:Signature` to be made.
#[derive(Clone)]
pub(crate) struct Signature {
    pub(crate) canonicalization: String,
    pub(crate) method: String,
    pub(crate) references: String,
    pub(crate) key_info: String,
}

pub(crate) const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
pub(crate) const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
pub(crate) const SHA256: &str = "http://www.w3.org/2001/04/xmlenc#sha256";
pub(crate) const RSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";

impl Signature {
    pub(crate) fn of(id: &str) -> Self {
        Self {
            canonicalization: EXCLUSIVE.to_owned(),
            method: RSA_SHA256.to_owned(),
            references: reference(&format!("#{id}"), &[ENVELOPED, EXCLUSIVE]),
            key_info: String::new(),
        }
    }

    pub(crate) fn xml(&self) -> String {
        let Self { canonicalization, method, references, key_info } = self;
        format!(
            "<ds:Signature xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:SignedInfo>\
             <ds:CanonicalizationMethod Algorithm=\"{canonicalization}\"/><ds:SignatureMethod Algorithm=\"{method}\"/>\
             {references}</ds:SignedInfo><ds:SignatureValue></ds:SignatureValue>{key_info}</ds:Signature>"
        )
    }
}

pub(crate) fn reference(uri: &str, transforms: &[&str]) -> String {
    let transforms: Vec<_> = transforms.iter().map(|uri| format!("<ds:Transform Algorithm=\"{uri}\"/>")).collect();
    let transforms = transforms.concat();
    format!(
        "<ds:Reference URI=\"{uri}\"><ds:Transforms>{transforms}</ds:Transforms><ds:DigestMethod Algorithm=\"{SHA256}\"/>\
         <ds:DigestValue></ds:DigestValue></ds:Reference>"
    )
}

/// Makes the first signature that is to be made, with the partner's key.
pub(crate) fn sign(template: &str) -> String {
    sign_with(template, &PARTNER_KEY.1)
}

pub(crate) fn sign_with(template: &str, private: &[u8]) -> String {
    let mut manager = KeysManager::new();
    manager.add_key(load_rsa_private_pem(pem("PRIVATE KEY", private).as_bytes()).unwrap());
    bergshamra::sign(&DsigContext::new_permissive(manager), template).unwrap()
}

pub(crate) fn pem(label: &str, der: &[u8]) -> String {
    let text = BASE64.encode(der);
    let lines: Vec<_> = text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

/// Another text; that it was there to be changed is part of the test.
pub(crate) fn edit(document: &str, from: &str, to: &str) -> String {
    assert!(document.contains(from), "{from} is not in {document}");
    document.replace(from, to)
}

/// Cuts the one `<tag …>…</tag>` out of a document: the element, and the document without it.
pub(crate) fn cut(document: &str, tag: &str) -> (String, String) {
    let start = document.find(&format!("<{tag} ")).unwrap();
    let close = format!("</{tag}>");
    let end = document.rfind(&close).unwrap() + close.len();
    (document[start..end].to_owned(), format!("{}{}", &document[..start], &document[end..]))
}
