//! Namespaces and URIs of SOAP, WS-Addressing and WS-Security (ws-federation.md 0). Always `http://`: the `https` forms
//! in many documents are damage done by link checkers.

macro_rules! uris {
    ($($(#[$doc:meta])* $name:ident = $uri:expr;)*) => { $($(#[$doc])* pub(super) const $name: &str = $uri;)* };
}

uris! {
    /// WS-Addressing of August 2004, which some clients use inside `AppliesTo`.
    ADDRESSING_2004 = "http://schemas.xmlsoap.org/ws/2004/08/addressing";
    /// WS-Security 1.0 extension.
    SECURITY = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd";
    /// WS-Security 1.1 extension.
    SECURITY_11 = "http://docs.oasis-open.org/wss/oasis-wss-wssecurity-secext-1.1.xsd";
    /// WS-Security utility.
    UTILITY = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd";
    /// WS-Policy of September 2004, which holds `AppliesTo`.
    POLICY = "http://schemas.xmlsoap.org/ws/2004/09/policy";
    /// Password in clear inside TLS.
    PASSWORD_TEXT = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordText";
    /// Reference to a SAML 1.1 assertion by its id.
    SAML_ASSERTION_ID = "http://docs.oasis-open.org/wss/oasis-wss-saml-token-profile-1.0#SAMLAssertionID";
    /// Reference to a SAML 2.0 assertion by its id.
    SAML2_ID = "http://docs.oasis-open.org/wss/oasis-wss-saml-token-profile-1.1#SAMLID";
    /// Token profile name of SAML 1.1.
    SAML11_PROFILE = "http://docs.oasis-open.org/wss/oasis-wss-saml-token-profile-1.1#SAMLV1.1";
    /// Token profile name of SAML 2.0.
    SAML2_PROFILE = "http://docs.oasis-open.org/wss/oasis-wss-saml-token-profile-1.1#SAMLV2.0";
    /// Token type of SAML 1.1.
    SAML11_TYPE = "urn:oasis:names:tc:SAML:1.0:assertion";
    /// Token type of SAML 2.0.
    SAML2_TYPE = "urn:oasis:names:tc:SAML:2.0:assertion";
    /// Token type of JSON Web Tokens, and of the element that carries one.
    JWT_TYPE = "urn:ietf:params:oauth:token-type:jwt";
    /// Encoding of octets inside a `BinarySecurityToken`.
    BASE64_BINARY = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary";
    /// WCF's namespace for its own faults.
    WCF_DISPATCHER = "http://schemas.microsoft.com/net/2005/12/windowscommunicationfoundation/dispatcher";
}
