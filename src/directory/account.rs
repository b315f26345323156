//! An account of a configured Active Directory domain, as far as one sign-in knows it.
//!
//! Made from a verified PAC or from LDAP. What is not in a PAC (object GUID, mail, …) is asked of the
//! [`Directory`](super::Directory) by SID when a rule wants it.

use super::Sid;

/// A user or computer that authenticated, or that was looked up.
///
/// Identity is the SID alone; names are for claims and people.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Account {
    /// The account's SID.
    pub sid: Sid,
    /// What kind of account the domain says it is.
    pub kind: AccountKind,
    /// Kerberos realm of the account's domain, upper case: `CORP.EXAMPLE`.
    pub realm: String,
    /// NetBIOS name of the account's domain: `CORP`.
    pub netbios_domain: String,
    /// `sAMAccountName`; computers end in `$`.
    pub sam_account_name: String,
    /// `userPrincipalName` when the account has one; never the constructed default.
    pub upn: Option<String>,
    /// The account's display name (`FullName` of the PAC); empty for computers.
    pub display_name: String,
    /// SID of the primary group.
    pub primary_group: Sid,
    /// SIDs of all groups, nested ones too, the primary group among them, without duplicates.
    pub groups: Vec<Sid>,
}

impl Account {
    /// `CORP\alice`: the value of the `windowsaccountname` claim.
    pub fn windows_account_name(&self) -> String {
        format!("{}\\{}", self.netbios_domain, self.sam_account_name)
    }

    /// `alice@corp.example`: `sAMAccountName` at the domain's DNS name, whether or not the account has a UPN.
    pub fn implicit_upn(&self) -> String {
        format!("{}@{}", self.sam_account_name, self.realm.to_lowercase())
    }
}

/// What an account is, by its account control flags (never by a trailing `$` in its name).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountKind {
    /// A normal user account.
    User,
    /// A workstation or member server (workstation trust account); managed service accounts carry the same flag.
    Computer,
    /// A domain controller, writable or read-only (server trust account).
    DomainController,
}

impl AccountKind {
    /// Whether this is any kind of machine account.
    pub const fn is_machine(self) -> bool {
        matches!(self, Self::Computer | Self::DomainController)
    }
}

/// Whether an account may sign in right now, apart from how it proves who it is.
///
/// Kerberos checks this itself; a certificate that was mapped to an account does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SignInState {
    /// Nothing stands against it.
    Permitted,
    /// The account is disabled.
    Disabled,
    /// The account is locked out.
    Locked,
    /// The account has expired.
    AccountExpired,
    /// This hour is not among the account's logon hours.
    OutsideHours,
    /// The password has expired or must be changed; matters only where the password is what was proved.
    PasswordExpired,
}
