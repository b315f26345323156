//! Namespace URIs of the documents this server reads and writes (ws-federation.md 0).

macro_rules! namespaces {
    ($($(#[$doc:meta])* $name:ident = $uri:expr;)*) => { $($(#[$doc])* pub const $name: &str = $uri;)* };
}

namespaces! {
    /// The prefix `xml`, bound without a declaration.
    XML = "http://www.w3.org/XML/1998/namespace";
    /// The prefix `xmlns`, bound without a declaration.
    XMLNS = "http://www.w3.org/2000/xmlns/";
    /// SOAP 1.2 envelope.
    SOAP12 = "http://www.w3.org/2003/05/soap-envelope";
    /// WS-Addressing 1.0.
    ADDRESSING = "http://www.w3.org/2005/08/addressing";
    /// WS-Security utility: `Id`, `Timestamp`.
    UTILITY = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd";
    /// WS-Security 1.0 extensions.
    SECURITY = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd";
    /// WS-Security 1.1 extensions.
    SECURITY11 = "http://docs.oasis-open.org/wss/oasis-wss-wssecurity-secext-1.1.xsd";
    /// WS-Trust, February 2005.
    TRUST_2005 = "http://schemas.xmlsoap.org/ws/2005/02/trust";
    /// WS-Trust 1.3.
    TRUST_13 = "http://docs.oasis-open.org/ws-sx/ws-trust/200512";
    /// WS-Trust 1.4, for `ActAs`.
    TRUST_14 = "http://docs.oasis-open.org/ws-sx/ws-trust/200802";
    /// WS-Policy.
    POLICY = "http://schemas.xmlsoap.org/ws/2004/09/policy";
    /// SAML 1.0 and 1.1 assertions.
    SAML11 = "urn:oasis:names:tc:SAML:1.0:assertion";
    /// SAML 2.0 assertions.
    SAML2 = "urn:oasis:names:tc:SAML:2.0:assertion";
    /// SAML 2.0 protocol.
    SAML2_PROTOCOL = "urn:oasis:names:tc:SAML:2.0:protocol";
    /// SAML 2.0 metadata.
    METADATA = "urn:oasis:names:tc:SAML:2.0:metadata";
    /// SAML 2.0 metadata for user interfaces.
    METADATA_UI = "urn:oasis:names:tc:SAML:metadata:ui";
    /// WS-Federation metadata.
    FEDERATION = "http://docs.oasis-open.org/wsfed/federation/200706";
    /// Claim types in WS-Federation metadata.
    AUTHORIZATION = "http://docs.oasis-open.org/wsfed/authorization/200706";
    /// XML Signature.
    SIGNATURE = "http://www.w3.org/2000/09/xmldsig#";
    /// XML Encryption.
    ENCRYPTION = "http://www.w3.org/2001/04/xmlenc#";
    /// Exclusive canonicalization, for `InclusiveNamespaces`.
    EXCLUSIVE_C14N = "http://www.w3.org/2001/10/xml-exc-c14n#";
    /// `OriginalIssuer` of an attribute.
    CLAIMS_IDENTITY = "http://schemas.xmlsoap.org/ws/2009/09/identity/claims";
    /// `xsi:type`.
    SCHEMA_INSTANCE = "http://www.w3.org/2001/XMLSchema-instance";
    /// XML Schema data types.
    SCHEMA = "http://www.w3.org/2001/XMLSchema";
}
