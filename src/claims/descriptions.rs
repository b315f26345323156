//! Claim descriptions (claims.md 4.5): what claim types are called, and which ones metadata names. Those AD FS brings along, and
//! the company's own.

use std::borrow::Cow;

use crate::claims::types;

/// What a claim type is called and what it is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimDescription {
    /// The claim type URI.
    pub uri: Cow<'static, str>,
    /// `DisplayName` in metadata.
    pub name: Cow<'static, str>,
    /// Name in JWT tokens, where there is one.
    pub short_name: Option<Cow<'static, str>>,
    /// `Description` in metadata.
    pub description: Cow<'static, str>,
    /// Metadata names it among the claims this service takes.
    pub accepted: bool,
    /// Metadata names it among the claims this service issues.
    pub offered: bool,
    /// Metadata says that partners must send it.
    pub required: bool,
}

/// Every description: those AD FS brings along first, then the company's own. Types, names and short names are unique without
/// regard to case, as AD FS keeps them.
#[derive(Debug, Clone, Default)]
pub struct ClaimDescriptions {
    own: Vec<ClaimDescription>,
}

impl ClaimDescriptions {
    /// Adds a description.
    ///
    /// # Errors
    /// [`Clash`] when something of it is taken; it is not added then.
    pub fn add(&mut self, description: ClaimDescription) -> Result<(), Clash> {
        let same = |one: &str, other: &str| one.to_lowercase() == other.to_lowercase();
        for known in self.iter() {
            let other = known.name.to_string();
            if same(&known.uri, &description.uri) {
                return Err(Clash::ClaimType { other });
            }
            if same(&known.name, &description.name) {
                return Err(Clash::Name { other });
            }
            if let (Some(known), Some(own)) = (&known.short_name, &description.short_name)
                && same(known, own)
            {
                return Err(Clash::ShortName { other });
            }
        }
        self.own.push(description);
        Ok(())
    }

    /// All of them, in the order of metadata.
    pub fn iter(&self) -> impl Iterator<Item = &ClaimDescription> {
        BUILT_IN.iter().chain(&self.own)
    }

    /// The description of a claim type, without regard to case.
    pub fn find(&self, uri: &str) -> Option<&ClaimDescription> {
        self.iter().find(|description| description.uri.eq_ignore_ascii_case(uri))
    }

    /// The name of a claim type in JSON Web Tokens, where it has one.
    pub fn short_name(&self, uri: &str) -> Option<&str> {
        match self.find(uri) {
            Some(description) => description.short_name.as_deref(),
            None => SHORT_NAMES_ONLY.iter().find(|(known, _)| known.eq_ignore_ascii_case(uri)).map(|(_, short)| *short),
        }
    }
}

/// Claim types that have a name in JSON Web Tokens and no description in metadata.
const SHORT_NAMES_ONLY: [(&str, &str); 2] = [
    ("http://schemas.microsoft.com/claims/authnclassreference", "acr"),
    ("http://schemas.microsoft.com/2012/01/devicecontext/claims/userowner", "deviceowner"),
];

/// What a description has in common with one that is there already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Clash {
    /// The claim type.
    ClaimType {
        /// Name of the other.
        other: String,
    },
    /// The display name.
    Name {
        /// Name of the other.
        other: String,
    },
    /// The short name.
    ShortName {
        /// Name of the other.
        other: String,
    },
}

impl Clash {
    /// Name of the description that was there first.
    pub fn other(&self) -> &str {
        match self {
            Self::ClaimType { other } | Self::Name { other } | Self::ShortName { other } => other,
        }
    }
}

/// The built-in description of a claim type; types compare without regard to case here, as AD FS keeps descriptions apart so.
pub fn find(uri: &str) -> Option<&'static ClaimDescription> {
    BUILT_IN.iter().find(|description| description.uri.eq_ignore_ascii_case(uri))
}

macro_rules! descriptions {
    ($($uri:expr, $name:literal, $short:expr, $text:literal;)*) => {
        /// Every built-in description, in the order in which AD FS publishes them; from "Implicit UPN" on those that AD FS
        /// 2016 and later add.
        pub const BUILT_IN: &[ClaimDescription] = &[$(built_in($uri, $name, $short, $text)),*];
    };
}

const fn built_in(
    uri: &'static str,
    name: &'static str,
    short_name: Option<&'static str>,
    description: &'static str,
) -> ClaimDescription {
    ClaimDescription {
        uri: Cow::Borrowed(uri),
        name: Cow::Borrowed(name),
        short_name: match short_name {
            Some(short_name) => Some(Cow::Borrowed(short_name)),
            None => None,
        },
        description: Cow::Borrowed(description),
        accepted: true,
        offered: true,
        required: false,
    }
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
    x1!("EmailAddress"), "AD FS 1.x E-Mail Address", Some("adfs1email"), "The e-mail address of the user for AD FS 1.x";
    x1!("Group"), "Group", Some("group"), "A group that the user is a member of";
    types::UPN_V1, "AD FS 1.x UPN", Some("adfs1upn"), "The UPN of the user for AD FS 1.x";
    id08!("role"), "Role", Some("role"), "A role that the user has";
    id05!("surname"), "Surname", Some("family_name"), "The surname of the user";
    id05!("privatepersonalidentifier"), "PPID", Some("ppid"), "The private identifier of the user";
    types::NAME_IDENTIFIER, "Name ID", Some("nameid"), "The SAML name identifier of the user";
    types::AUTHENTICATION_INSTANT, "Authentication time stamp", None, "The time and date at which the user authenticated";
    types::AUTHENTICATION_METHOD, "Authentication method", Some("authmethod"), "The method by which the user authenticated";
    id05!("denyonlysid"), "Deny only group SID", Some("denyonlysid"), "The deny-only SID of a group of the user";
    id08!("denyonlyprimarysid"), "Deny only primary SID", Some("denyonlyprimarysid"), "The deny-only primary SID of the user";
    id08!("denyonlyprimarygroupsid"), "Deny only primary group SID", Some("denyonlyprimarygroupsid"), "The deny-only SID of the user's primary group";
    types::GROUP_SID, "Group SID", Some("groupsid"), "The SID of a group of the user";
    types::PRIMARY_GROUP_SID, "Primary group SID", Some("primarygroupsid"), "The SID of the user's primary group";
    types::PRIMARY_SID, "Primary SID", Some("primarysid"), "The SID of the user";
    types::WINDOWS_ACCOUNT_NAME, "Windows account name", Some("winaccountname"),
        "The domain account name of the user in the form DOMAIN\\user";
    dc12!("isregistereduser"), "Is Registered User", Some("isregistereduser"), "Whether the user is registered to use this device";
    dc12!("identifier"), "Device Identifier", Some("deviceid"), "The identifier of the device";
    dc12!("registrationid"), "Device Registration Identifier", Some("deviceregid"), "The identifier of the device's registration";
    dc12!("displayname"), "Device Registration DisplayName", Some("devicedispname"), "The display name of the device's registration";
    dc12!("ostype"), "Device OS type", Some("deviceostype"), "The type of the device's operating system";
    dc12!("osversion"), "Device OS Version", Some("deviceosver"), "The version of the device's operating system";
    dc12!("ismanaged"), "Is Managed Device", Some("deviceismanaged"), "Whether the device is managed by a management service";
    types::X_MS_FORWARDED_CLIENT_IP, "Forwarded Client IP", Some("forwardedclientip"), "The forwarded address of the user";
    types::X_MS_CLIENT_APPLICATION, "Client Application", Some("clientapplication"), "The type of the client application";
    types::X_MS_CLIENT_USER_AGENT, "Client User Agent", Some("clientuseragent"), "The kind of device with which the client reaches the application";
    types::X_MS_CLIENT_IP, "Client IP", Some("clientip"), "The address of the client";
    types::X_MS_ENDPOINT_ABSOLUTE_PATH, "Endpoint Path", Some("endpointpath"),
        "The absolute path of the endpoint, which tells active clients from passive ones";
    types::X_MS_PROXY, "Proxy", Some("proxy"), "The DNS name of the federation proxy that passed the request";
    types::RELYING_PARTY_TRUST_ID, "Application Identifier", Some("relyingpartytrustid"), "The identifier of the relying party";
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
    types::INSIDE_CORPORATE_NETWORK, "Inside Corporate Network", Some("insidecorpnetwork"),
        "Whether the request came from within the corporate network";
    ws12!("passwordexpirationtime"), "Password Expiration Time", Some("pwdexptime"), "The time when the password expires";
    ws12!("passwordexpirationdays"), "Password Expiration Days", Some("pwdexpdays"), "The number of days until the password expires";
    ws12!("passwordchangeurl"), "Update Password URL", Some("pwdchgurl"), "The address of the service that updates the password";
    types::AUTHN_METHODS_REFERENCES, "Authentication Methods References", Some("amr"),
        "Every authentication method that was used";
    types::CLIENT_REQUEST_ID, "Client Request ID", Some("clientreqid"), "The identifier of the user's session";
    types::IMPLICIT_UPN, "Implicit UPN", None, "The account name of the user and the DNS name of the domain, as a UPN";
    types::ANCHOR_CLAIM_TYPE, "Anchor Claim Type", Some("anchor"), "The type of the claim that anchors the user";
    types::USER_IP, "User IP", Some("userip"), "The address of the user, as far as it is known";
    types::DEVICE_IS_KNOWN, "Is Known Device", None, "Whether the device is known";
    types::DEVICE_IS_COMPLIANT, "Is Compliant Device", None, "Whether the device complies with the rules of its management";
    types::DEVICE_TRUST_TYPE, "Device Trust Type", None, "How the device is joined";
    types::DEVICE_USAGE_TIME, "Device Usage Time", None, "When the device was last used";
    types::PERSISTENT_SSO, "Persistent Single Sign-On", Some("psso"),
        "Whether the sign-in is a persistent one";
    types::PRIMARY_REFRESH_TOKEN, "Primary Refresh Token", None,
        "Whether the sign-in is by a primary refresh token";
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_built_in_types_are_different() {
        let additions = BUILT_IN.iter().position(|description| description.name == "Implicit UPN");
        assert_eq!((additions, BUILT_IN.len()), (Some(63), 72));
        let uris: HashSet<String> = BUILT_IN.iter().map(|description| description.uri.to_lowercase()).collect();
        assert_eq!(uris.len(), BUILT_IN.len());
        let names: HashSet<String> = BUILT_IN.iter().map(|description| description.name.to_lowercase()).collect();
        assert_eq!(names.len(), BUILT_IN.len());
        let short: Vec<&str> = BUILT_IN.iter().filter_map(|description| description.short_name.as_deref()).collect();
        assert_eq!(short.iter().collect::<HashSet<_>>().len(), short.len());
    }

    #[test]
    fn types_are_found_without_regard_to_case() {
        assert_eq!(find("HTTP://schemas.xmlsoap.org/claims/upn").map(|found| &*found.name), Some("AD FS 1.x UPN"));
        assert_eq!(find("urn:unknown"), None);
    }

    #[test]
    fn nothing_is_named_twice() {
        let description = |uri: &str, name: &str, short: Option<&str>| ClaimDescription {
            uri: Cow::Owned(uri.to_owned()),
            name: Cow::Owned(name.to_owned()),
            short_name: short.map(|short| Cow::Owned(short.to_owned())),
            ..built_in("", "", None, "")
        };
        let mut all = ClaimDescriptions::default();
        all.add(description("urn:corp:costcentre", "Cost centre", Some("cost"))).unwrap();
        let clash = |result: Result<(), Clash>| result.unwrap_err();
        let (cost, upn) = (|| String::from("Cost centre"), || String::from("UPN"));
        for (uri, name, short, expected) in [
            ("URN:corp:CostCentre", "x", None, Clash::ClaimType { other: cost() }),
            ("HTTP://schemas.xmlsoap.org/ws/2005/05/identity/claims/UPN", "x", None, Clash::ClaimType { other: upn() }),
            ("urn:x", "COST CENTRE", None, Clash::Name { other: cost() }),
            ("urn:x", "x", Some("COST"), Clash::ShortName { other: cost() }),
            ("urn:x", "x", Some("Upn"), Clash::ShortName { other: upn() }),
        ] {
            assert_eq!(clash(all.add(description(uri, name, short))), expected, "{uri} {name}");
        }
        assert_eq!(all.iter().count(), BUILT_IN.len() + 1);
        assert_eq!(all.find("urn:CORP:costcentre").map(|found| &*found.name), Some("Cost centre"));
    }
}
