//! Claim type URIs the server itself reads or writes, by their AD FS names (claims.md 4).

macro_rules! uris {
    ($($(#[$doc:meta])* $name:ident = $uri:expr;)*) => { $($(#[$doc])* pub const $name: &str = $uri;)* };
}

uris! {
    /// `CORP\alice`.
    WINDOWS_ACCOUNT_NAME = "http://schemas.microsoft.com/ws/2008/06/identity/claims/windowsaccountname";
    /// Same text as [`WINDOWS_ACCOUNT_NAME`].
    NAME = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name";
    /// SID of the account.
    PRIMARY_SID = "http://schemas.microsoft.com/ws/2008/06/identity/claims/primarysid";
    /// SID of the account's primary group.
    PRIMARY_GROUP_SID = "http://schemas.microsoft.com/ws/2008/06/identity/claims/primarygroupsid";
    /// SID of one group; one claim per group.
    GROUP_SID = "http://schemas.microsoft.com/ws/2008/06/identity/claims/groupsid";
    /// `userPrincipalName`.
    UPN = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn";
    /// `sAMAccountName@dns.domain`.
    IMPLICIT_UPN = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/implicitupn";
    /// The claim type that anchors the user.
    ANCHOR_CLAIM_TYPE = "http://schemas.microsoft.com/ws/2014/01/identity/claims/anchorclaimtype";
    /// The subject's name identifier in the token.
    NAME_IDENTIFIER = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier";
    /// How the subject authenticated, for relying parties.
    AUTHENTICATION_METHOD = "http://schemas.microsoft.com/ws/2008/06/identity/claims/authenticationmethod";
    /// When the subject authenticated, `xs:dateTime` in UTC.
    AUTHENTICATION_INSTANT = "http://schemas.microsoft.com/ws/2008/06/identity/claims/authenticationinstant";
    /// Every method used, one claim each.
    AUTHN_METHODS_REFERENCES = "http://schemas.microsoft.com/claims/authnmethodsreferences";
    /// Replaces the token's issuer (how a farm serves several federated Entra domains).
    ISSUER_ID = "http://schemas.microsoft.com/ws/2008/06/identity/claims/issuerid";
    /// `DJ` for domain-joined computers.
    ACCOUNT_TYPE = "http://schemas.microsoft.com/ws/2012/01/accounttype";
    /// Base64 of the computer's `objectGUID` octets.
    ON_PREM_OBJECT_GUID = "http://schemas.microsoft.com/identity/claims/onpremobjectguid";
    /// Entra's anchor: base64 of `mS-DS-ConsistencyGuid` or `objectGUID`.
    IMMUTABLE_ID = "http://schemas.microsoft.com/LiveID/Federation/2008/05/ImmutableID";
    /// UPN in the form Entra reads.
    UPN_V1 = "http://schemas.xmlsoap.org/claims/UPN";
    /// When the password expires, of a sign-in by a password that does so soon.
    PASSWORD_EXPIRATION_TIME = "http://schemas.microsoft.com/ws/2012/01/passwordexpirationtime";
    /// `true` when the request came from the intranet.
    INSIDE_CORPORATE_NETWORK = "http://schemas.microsoft.com/ws/2012/01/insidecorporatenetwork";
    /// Proxy's name; absent inside.
    X_MS_PROXY = "http://schemas.microsoft.com/2012/01/requestcontext/claims/x-ms-proxy";
    /// Address of the client.
    X_MS_CLIENT_IP = "http://schemas.microsoft.com/2012/01/requestcontext/claims/x-ms-client-ip";
    /// Forwarded client addresses, comma separated.
    X_MS_FORWARDED_CLIENT_IP = "http://schemas.microsoft.com/2012/01/requestcontext/claims/x-ms-forwarded-client-ip";
    /// Client application named by Exchange Online.
    X_MS_CLIENT_APPLICATION = "http://schemas.microsoft.com/2012/01/requestcontext/claims/x-ms-client-application";
    /// User agent.
    X_MS_CLIENT_USER_AGENT = "http://schemas.microsoft.com/2012/01/requestcontext/claims/x-ms-client-user-agent";
    /// Path of the endpoint.
    X_MS_ENDPOINT_ABSOLUTE_PATH = "http://schemas.microsoft.com/2012/01/requestcontext/claims/x-ms-endpoint-absolute-path";
    /// Identifier of the relying party trust.
    RELYING_PARTY_TRUST_ID = "http://schemas.microsoft.com/2012/01/requestcontext/claims/relyingpartytrustid";
    /// Correlation id of the request.
    CLIENT_REQUEST_ID = "http://schemas.microsoft.com/2012/01/requestcontext/claims/client-request-id";
    /// Best-effort addresses of the user.
    USER_IP = "http://schemas.microsoft.com/2014/09/requestcontext/claims/userip";
    /// The attribute's value by which the subject signed in, where that was not the user principal name.
    ALTERNATE_LOGIN_ID = "http://schemas.microsoft.com/ws/2013/11/alternateloginid";
    /// A network that an access control policy names and the client's address lies in, as the policy writes it.
    CLIENT_NETWORK = "urn:chancery:requestcontext/client-network";
    /// The same for any address the request presents, those that only the client vouches for too.
    PRESENTED_NETWORK = "urn:chancery:requestcontext/presented-network";
    /// Id of the OAuth client that acts for itself; its rules see nothing else of it.
    CLIENT_ID = "urn:chancery:requestcontext/client-id";
    /// `true` when the user is a registered user of the device.
    DEVICE_IS_REGISTERED_USER = "http://schemas.microsoft.com/2012/01/devicecontext/claims/isregistereduser";
    /// The device's `msDS-DeviceID`.
    DEVICE_IDENTIFIER = "http://schemas.microsoft.com/2012/01/devicecontext/claims/identifier";
    /// Identifier of the device's registration.
    DEVICE_REGISTRATION_ID = "http://schemas.microsoft.com/2012/01/devicecontext/claims/registrationid";
    /// Display name of the device.
    DEVICE_DISPLAY_NAME = "http://schemas.microsoft.com/2012/01/devicecontext/claims/displayname";
    /// Type of the device's operating system.
    DEVICE_OS_TYPE = "http://schemas.microsoft.com/2012/01/devicecontext/claims/ostype";
    /// Version of the device's operating system.
    DEVICE_OS_VERSION = "http://schemas.microsoft.com/2012/01/devicecontext/claims/osversion";
    /// `true` when the device is managed.
    DEVICE_IS_MANAGED = "http://schemas.microsoft.com/2012/01/devicecontext/claims/ismanaged";
    /// `true` when the registry knows the device.
    DEVICE_IS_KNOWN = "http://schemas.microsoft.com/2014/02/devicecontext/claims/isknown";
    /// When the device was last used.
    DEVICE_USAGE_TIME = "http://schemas.microsoft.com/2014/02/deviceusagetime";
    /// `true` when the device complies with the rules of its management.
    DEVICE_IS_COMPLIANT = "http://schemas.microsoft.com/2014/09/devicecontext/claims/iscompliant";
    /// How the device is joined.
    DEVICE_TRUST_TYPE = "http://schemas.microsoft.com/2014/09/devicecontext/claims/trusttype";
    /// `true` when the session of the sign-in is persistent; absent otherwise.
    PERSISTENT_SSO = "http://schemas.microsoft.com/2014/03/psso";
    /// `true` when the sign-in is by a primary refresh token.
    PRIMARY_REFRESH_TOKEN = "http://schemas.microsoft.com/2015/09/prt";
    /// X.509 version of the certificate of the sign-in.
    CERTIFICATE_VERSION = "http://schemas.microsoft.com/2012/12/certificatecontext/field/x509version";
    /// Algorithm of its signature.
    CERTIFICATE_SIGNATURE_ALGORITHM = "http://schemas.microsoft.com/2012/12/certificatecontext/field/signaturealgorithm";
    /// Distinguished name of its issuer.
    CERTIFICATE_ISSUER = "http://schemas.microsoft.com/2012/12/certificatecontext/field/issuer";
    /// The same.
    CERTIFICATE_ISSUER_NAME = "http://schemas.microsoft.com/2012/12/certificatecontext/field/issuername";
    /// Start of its validity.
    CERTIFICATE_NOT_BEFORE = "http://schemas.microsoft.com/2012/12/certificatecontext/field/notbefore";
    /// End of its validity.
    CERTIFICATE_NOT_AFTER = "http://schemas.microsoft.com/2012/12/certificatecontext/field/notafter";
    /// Distinguished name of its subject.
    CERTIFICATE_SUBJECT = "http://schemas.microsoft.com/2012/12/certificatecontext/field/subject";
    /// The same.
    CERTIFICATE_SUBJECT_NAME = "http://schemas.microsoft.com/2012/12/certificatecontext/field/subjectname";
    /// Its octets in base64.
    CERTIFICATE_RAW_DATA = "http://schemas.microsoft.com/2012/12/certificatecontext/field/rawdata";
    /// Its serial number.
    CERTIFICATE_SERIAL_NUMBER = "http://schemas.microsoft.com/ws/2008/06/identity/claims/serialnumber";
    /// Its thumbprint.
    CERTIFICATE_THUMBPRINT = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/thumbprint";
    /// Its public key.
    CERTIFICATE_PUBLIC_KEY = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/rsa";
    /// A use of its key.
    CERTIFICATE_KEY_USAGE = "http://schemas.microsoft.com/2012/12/certificatecontext/extension/keyusage";
    /// An enhanced key usage.
    CERTIFICATE_ENHANCED_KEY_USAGE = "http://schemas.microsoft.com/2012/12/certificatecontext/extension/eku";
    /// A policy it was issued under.
    CERTIFICATE_POLICY = "http://schemas.microsoft.com/2012/12/certificatecontext/extension/certificatepolicy";
    /// An application policy.
    CERTIFICATE_APPLICATION_POLICY = "http://schemas.microsoft.com/2012/12/certificatecontext/extension/applicationpolicy";
    /// Its subject key identifier.
    CERTIFICATE_SUBJECT_KEY_IDENTIFIER =
        "http://schemas.microsoft.com/2012/12/certificatecontext/extension/subjectkeyidentifier";
    /// Its authority key identifier.
    CERTIFICATE_AUTHORITY_KEY_IDENTIFIER =
        "http://schemas.microsoft.com/2012/12/certificatecontext/extension/authoritykeyidentifier";
    /// Its basic constraints.
    CERTIFICATE_BASIC_CONSTRAINTS = "http://schemas.microsoft.com/2012/12/certificatecontext/extension/basicconstraints";
    /// Its subject alternative names, in one text.
    CERTIFICATE_ALTERNATIVE_NAME = "http://schemas.microsoft.com/2012/12/certificatecontext/extension/san";
    /// The version 1 template it was issued by.
    CERTIFICATE_TEMPLATE_NAME =
        "http://schemas.microsoft.com/2012/12/certificatecontext/extension/certificatetemplatename";
    /// The version 2 template it was issued by.
    CERTIFICATE_TEMPLATE_INFORMATION =
        "http://schemas.microsoft.com/2012/12/certificatecontext/extension/certificatetemplateinformation";
    /// Issued by an authorization rule to permit.
    PERMIT = "http://schemas.microsoft.com/authorization/claims/permit";
    /// Issued by an authorization rule to deny; wins over any permit.
    DENY = "http://schemas.microsoft.com/authorization/claims/deny";
}

/// Types of what this server itself establishes about an account of the directory, its sign-in, its device and its request, and that
/// rules and policies take for a fact. Acceptance rules pass them or leave them out; they make none.
pub const STATED_BY_SERVER: &[&str] = &[
    WINDOWS_ACCOUNT_NAME,
    PRIMARY_SID,
    PRIMARY_GROUP_SID,
    GROUP_SID,
    ACCOUNT_TYPE,
    AUTHENTICATION_METHOD,
    AUTHENTICATION_INSTANT,
    AUTHN_METHODS_REFERENCES,
    INSIDE_CORPORATE_NETWORK,
    X_MS_PROXY,
    X_MS_CLIENT_IP,
    X_MS_FORWARDED_CLIENT_IP,
    X_MS_CLIENT_APPLICATION,
    X_MS_CLIENT_USER_AGENT,
    X_MS_ENDPOINT_ABSOLUTE_PATH,
    RELYING_PARTY_TRUST_ID,
    CLIENT_REQUEST_ID,
    USER_IP,
    CLIENT_NETWORK,
    PRESENTED_NETWORK,
    CLIENT_ID,
    DEVICE_IS_REGISTERED_USER,
    DEVICE_IDENTIFIER,
    DEVICE_REGISTRATION_ID,
    DEVICE_DISPLAY_NAME,
    DEVICE_OS_TYPE,
    DEVICE_OS_VERSION,
    DEVICE_IS_MANAGED,
    DEVICE_IS_KNOWN,
    DEVICE_USAGE_TIME,
    DEVICE_IS_COMPLIANT,
    DEVICE_TRUST_TYPE,
    PERSISTENT_SSO,
    PRIMARY_REFRESH_TOKEN,
];

/// Claim property URIs.
pub mod property {
    uris! {
        /// `Format` of a name identifier.
        FORMAT = "http://schemas.xmlsoap.org/ws/2005/05/identity/claimproperties/format";
        /// `NameQualifier` of a name identifier.
        NAME_QUALIFIER = "http://schemas.xmlsoap.org/ws/2005/05/identity/claimproperties/namequalifier";
        /// `SPNameQualifier` of a SAML 2.0 name identifier.
        SP_NAME_QUALIFIER = "http://schemas.xmlsoap.org/ws/2005/05/identity/claimproperties/spnamequalifier";
        /// `FriendlyName` of a SAML 2.0 attribute.
        DISPLAY_NAME = "http://schemas.xmlsoap.org/ws/2005/05/identity/claimproperties/displayname";
        /// `NameFormat` of a SAML 2.0 attribute.
        ATTRIBUTE_NAME = "http://schemas.xmlsoap.org/ws/2005/05/identity/claimproperties/attributename";
    }
}

/// Value type URIs.
pub mod value_type {
    uris! {
        /// Plain text, the default.
        STRING = "http://www.w3.org/2001/XMLSchema#string";
        /// `true` or `false`.
        BOOLEAN = "http://www.w3.org/2001/XMLSchema#boolean";
        /// `xs:dateTime`.
        DATE_TIME = "http://www.w3.org/2001/XMLSchema#dateTime";
        /// JSON, which a JSON Web Token embeds.
        JSON = "http://www.w3.org/2001/XMLSchema#json";
        /// Octets in base64.
        BASE64 = "http://www.w3.org/2001/XMLSchema#base64Binary";
    }
}

/// Issuer names of claims that the farm itself states.
pub mod issuer {
    uris! {
        /// The directory.
        AD_AUTHORITY = "AD AUTHORITY";
        /// Rules of this farm.
        LOCAL_AUTHORITY = "LOCAL AUTHORITY";
        /// Tokens of this farm.
        SELF_AUTHORITY = "SELF AUTHORITY";
        /// The request itself.
        CLIENT_CONTEXT = "CLIENT CONTEXT";
    }
}
