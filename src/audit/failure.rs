//! Why something failed, in words of a fixed list: nothing of a request gets into them.

/// `FailureType` of the 1200 series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureType {
    /// A credential was not good.
    CredentialValidation,
    /// Locked by the server itself.
    ExtranetLockout,
    /// Not permitted.
    Authorization,
    /// The request was not acceptable.
    Request,
    /// The server or what it depends on failed.
    Service,
}

impl FailureType {
    /// As written; the first two are AD FS' words.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CredentialValidation => "CredentialValidationError",
            Self::ExtranetLockout => "ExtranetLockoutError",
            Self::Authorization => "AuthorizationError",
            Self::Request => "RequestError",
            Self::Service => "ServiceError",
        }
    }
}

/// A code users search for (ws-federation.md 12.4), such as `MSIS7068`. Static, so that nothing of a request gets in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ErrorCode(pub &'static str);

macro_rules! credential_failures {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        /// Why a credential was not good. The audit log knows; the client never learns it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum CredentialFailure { $($(#[$doc])* $name,)* }
        impl CredentialFailure {
            /// Every failure.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];
            /// The text in the log.
            pub const fn as_str(self) -> &'static str { match self { $(Self::$name => $text,)* } }
        }
    };
}

credential_failures! {
    /// No such account.
    UnknownAccount = "UnknownAccount";
    /// Wrong password.
    WrongPassword = "WrongPassword";
    /// The password has expired.
    PasswordExpired = "PasswordExpired";
    /// The password must be changed before the first sign-in.
    PasswordMustChange = "PasswordMustChange";
    /// The account is disabled.
    AccountDisabled = "AccountDisabled";
    /// The account has expired.
    AccountExpired = "AccountExpired";
    /// The account is locked in Active Directory.
    AccountLocked = "AccountLocked";
    /// The server's own lockout refused to try.
    SoftLockout = "SoftLockout";
    /// Outside the hours the account may sign in, or from a workstation it may not use.
    Restricted = "Restricted";
    /// An NTLM token where Kerberos is wanted.
    NtlmRefused = "NtlmRefused";
    /// A token that is no SPNEGO or Kerberos token.
    MalformedToken = "MalformedToken";
    /// A Kerberos token that was used before.
    Replayed = "Replayed";
    /// A ticket for another service, or under a key that is not in the keytab.
    ForeignTicket = "ForeignTicket";
    /// An expired ticket, or clocks that differ too much.
    TicketTime = "TicketTime";
    /// Missing or wrong channel bindings.
    ChannelBinding = "ChannelBinding";
    /// No PAC that could be verified, or one of another domain.
    Pac = "InvalidPac";
    /// A KDC that could not prove to be one.
    SpoofedKdc = "UnverifiedKdc";
    /// A certificate of an unknown authority.
    CertificateUntrusted = "CertificateUntrusted";
    /// A certificate before or after its time.
    CertificateTime = "CertificateTime";
    /// A revoked certificate, or one whose revocation cannot be checked.
    CertificateRevoked = "CertificateRevoked";
    /// A certificate that does not map to exactly one account.
    CertificateUnmapped = "CertificateUnmapped";
    /// A token of a claims provider that is not what it must be.
    PartnerToken = "InvalidPartnerToken";
    /// A signature that does not verify.
    Signature = "InvalidSignature";
    /// A message outside its lifetime.
    MessageTime = "MessageExpired";
    /// A device that is not registered, or not with this certificate, or that has no transport key.
    DeviceUnknown = "UnknownDevice";
    /// A device that is disabled, or was idle for too long.
    DeviceDisabled = "DeviceDisabled";
    /// A nonce that is missing, not ours, or too old.
    Nonce = "InvalidNonce";
    /// A primary refresh token that is not ours, was revoked, or no longer holds.
    PrimaryRefreshToken = "InvalidPrimaryRefreshToken";
    /// A domain controller could not be asked.
    DirectoryUnavailable = "DirectoryUnavailable";
}
