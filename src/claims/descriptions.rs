//! The claim descriptions AD FS brings along (claims.md 4.5): what metadata offers and the rules may name.

use crate::claims::types;

/// What a claim type is called and what it is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClaimDescription {
    /// The claim type URI.
    pub uri: &'static str,
    /// `DisplayName` in metadata.
    pub name: &'static str,
    /// Name in JWT tokens, where AD FS has one.
    pub short_name: Option<&'static str>,
    /// `Description` in metadata.
    pub description: &'static str,
}

/// The description of a claim type; types compare without regard to case here, as AD FS keeps descriptions apart so.
pub fn find(uri: &str) -> Option<&'static ClaimDescription> {
    BUILT_IN.iter().find(|description| description.uri.eq_ignore_ascii_case(uri))
}

macro_rules! descriptions {
    ($($uri:expr, $name:literal, $short:expr, $text:literal;)*) => {
        /// Every built-in description, in the order in which AD FS publishes them.
        pub const BUILT_IN: &[ClaimDescription] =
            &[$(ClaimDescription { uri: $uri, name: $name, short_name: $short, description: $text }),*];
    };
}

macro_rules! id05 {
    ($name:literal) => {
        concat!("http://schemas.xmlsoap.org/ws/2005/05/identity/claims/", $name)
    };
}
macro_rules! id08 {
    ($name:literal) => {
        concat!("http://schemas.microsoft.com/ws/2008/06/identity/claims/", $name)
    };
}
macro_rules! x1 {
    ($name:literal) => {
        concat!("http://schemas.xmlsoap.org/claims/", $name)
    };
}
macro_rules! dc12 {
    ($name:literal) => {
        concat!("http://schemas.microsoft.com/2012/01/devicecontext/claims/", $name)
    };
}
macro_rules! cert {
    ($name:literal) => {
        concat!("http://schemas.microsoft.com/2012/12/certificatecontext/", $name)
    };
}
macro_rules! ws12 {
    ($name:literal) => {
        concat!("http://schemas.microsoft.com/ws/2012/01/", $name)
    };
}

descriptions! {
    id05!("emailaddress"), "E-Mail Address", Some("email"), "The e-mail address of the user";
    id05!("givenname"), "Given Name", Some("given_name"), "The given name of the user";
    types::NAME, "Name", Some("unique_name"), "The unique name of the user";
    types::UPN, "UPN", Some("upn"), "The user principal name (UPN) of the user";
    x1!("CommonName"), "Common Name", Some("commonname"), "The common name of the user";
    x1!("EmailAddress"), "AD FS 1.x E-Mail Address", None, "The e-mail address of the user for AD FS 1.x";
    x1!("Group"), "Group", Some("group"), "A group that the user is a member of";
    types::UPN_V1, "AD FS 1.x UPN", None, "The UPN of the user for AD FS 1.x";
    id08!("role"), "Role", Some("role"), "A role that the user has";
    id05!("surname"), "Surname", Some("family_name"), "The surname of the user";
    id05!("privatepersonalidentifier"), "PPID", Some("ppid"), "The private identifier of the user";
    types::NAME_IDENTIFIER, "Name ID", Some("nameid"), "The SAML name identifier of the user";
    types::AUTHENTICATION_INSTANT, "Authentication time stamp", None, "The time and date at which the user authenticated";
    types::AUTHENTICATION_METHOD, "Authentication method", None, "The method by which the user authenticated";
    id05!("denyonlysid"), "Deny only group SID", None, "The deny-only SID of a group of the user";
    id08!("denyonlyprimarysid"), "Deny only primary SID", None, "The deny-only primary SID of the user";
    id08!("denyonlyprimarygroupsid"), "Deny only primary group SID", None, "The deny-only SID of the user's primary group";
    types::GROUP_SID, "Group SID", None, "The SID of a group of the user";
    types::PRIMARY_GROUP_SID, "Primary group SID", None, "The SID of the user's primary group";
    types::PRIMARY_SID, "Primary SID", None, "The SID of the user";
    types::WINDOWS_ACCOUNT_NAME, "Windows account name", Some("winaccountname"),
        "The domain account name of the user in the form DOMAIN\\user";
    dc12!("isregistereduser"), "Is Registered User", None, "Whether the user is registered to use this device";
    dc12!("identifier"), "Device Identifier", None, "The identifier of the device";
    dc12!("registrationid"), "Device Registration Identifier", None, "The identifier of the device's registration";
    dc12!("displayname"), "Device Registration DisplayName", None, "The display name of the device's registration";
    dc12!("ostype"), "Device OS type", None, "The type of the device's operating system";
    dc12!("osversion"), "Device OS Version", None, "The version of the device's operating system";
    dc12!("ismanaged"), "Is Managed Device", None, "Whether the device is managed by a management service";
    types::X_MS_FORWARDED_CLIENT_IP, "Forwarded Client IP", None, "The forwarded address of the user";
    types::X_MS_CLIENT_APPLICATION, "Client Application", None, "The type of the client application";
    types::X_MS_CLIENT_USER_AGENT, "Client User Agent", None, "The kind of device with which the client reaches the application";
    types::X_MS_CLIENT_IP, "Client IP", None, "The address of the client";
    types::X_MS_ENDPOINT_ABSOLUTE_PATH, "Endpoint Path", None,
        "The absolute path of the endpoint, which tells active clients from passive ones";
    types::X_MS_PROXY, "Proxy", None, "The DNS name of the federation proxy that passed the request";
    types::RELYING_PARTY_TRUST_ID, "Application Identifier", None, "The identifier of the relying party";
    cert!("extension/applicationpolicy"), "Application policies", None, "The application policies of the certificate";
    cert!("extension/authoritykeyidentifier"), "Authority Key Identifier", None,
        "The authority key identifier of the certificate";
    cert!("extension/basicconstraints"), "Basic Constraint", None, "The basic constraints of the certificate";
    cert!("extension/eku"), "Enhanced Key Usage", None, "An enhanced key usage of the certificate";
    cert!("field/issuer"), "Issuer", None, "The name of the authority that issued the certificate";
    cert!("field/issuername"), "Issuer Name", None, "The distinguished name of the certificate's issuer";
    cert!("extension/keyusage"), "Key Usage", None, "A key usage of the certificate";
    cert!("field/notafter"), "Not After", None, "The local date and time after which the certificate is not valid";
    cert!("field/notbefore"), "Not Before", None, "The local date and time from which the certificate is valid";
    cert!("extension/certificatepolicy"), "Certificate Policies", None,
        "The policies under which the certificate was issued";
    id05!("rsa"), "Public Key", None, "The public key of the certificate";
    cert!("field/rawdata"), "Certificate Raw Data", None, "The octets of the certificate";
    cert!("extension/san"), "Subject Alternative Name", None, "An alternative name of the certificate's subject";
    id08!("serialnumber"), "Serial Number", None, "The serial number of the certificate";
    cert!("field/signaturealgorithm"), "Signature Algorithm", None, "The algorithm of the certificate's signature";
    cert!("field/subject"), "Subject", None, "The subject of the certificate";
    cert!("extension/subjectkeyidentifier"), "Subject Key Identifier", None,
        "The subject key identifier of the certificate";
    cert!("field/subjectname"), "Subject Name", None, "The distinguished name of the certificate's subject";
    cert!("extension/certificatetemplateinformation"), "V2 Template Name", None,
        "The version 2 template the certificate was issued by";
    cert!("extension/certificatetemplatename"), "V1 Template Name", None,
        "The version 1 template the certificate was issued by";
    id05!("thumbprint"), "Thumbprint", None, "The thumbprint of the certificate";
    cert!("field/x509version"), "X.509 Version", None, "The X.509 version of the certificate";
    types::INSIDE_CORPORATE_NETWORK, "Inside Corporate Network", None,
        "Whether the request came from within the corporate network";
    ws12!("passwordexpirationtime"), "Password Expiration Time", None, "The time when the password expires";
    ws12!("passwordexpirationdays"), "Password Expiration Days", None, "The number of days until the password expires";
    ws12!("passwordchangeurl"), "Update Password URL", None, "The address of the service that updates the password";
    types::AUTHN_METHODS_REFERENCES, "Authentication Methods References", None,
        "Every authentication method that was used";
    types::CLIENT_REQUEST_ID, "Client Request ID", None, "The identifier of the user's session";
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn sixty_three_different_types() {
        assert_eq!(BUILT_IN.len(), 63);
        let uris: HashSet<String> = BUILT_IN.iter().map(|description| description.uri.to_lowercase()).collect();
        assert_eq!(uris.len(), BUILT_IN.len());
        let names: HashSet<&str> = BUILT_IN.iter().map(|description| description.name).collect();
        assert_eq!(names.len(), BUILT_IN.len());
        let short: Vec<&str> = BUILT_IN.iter().filter_map(|description| description.short_name).collect();
        assert_eq!(short.iter().collect::<HashSet<_>>().len(), short.len());
    }

    #[test]
    fn types_are_found_without_regard_to_case() {
        assert_eq!(find("HTTP://schemas.xmlsoap.org/claims/upn").map(|found| found.name), Some("AD FS 1.x UPN"));
        assert_eq!(find("urn:unknown"), None);
    }
}
