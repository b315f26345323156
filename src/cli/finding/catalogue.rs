//! The names of findings, and why each matters. Names are stable: monitoring and runbooks are written against them.

/// What a finding is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) struct Kind {
    /// Stable name.
    pub(in crate::cli) name: &'static str,
    /// Why it matters when it is not well.
    pub(in crate::cli) why: &'static str,
}

macro_rules! kinds {
    ($($constant:ident = $name:literal, $why:literal;)*) => {
        $(pub(in crate::cli) const $constant: Kind = Kind { name: $name, why: $why };)*
        /// Every kind.
        #[cfg(test)]
        pub(in crate::cli) const ALL: &[Kind] = &[$($constant),*];
    };
}

kinds! {
    CONFIGURATION = "configuration", "the server reads the same files: errors keep it from starting or from taking a change over";
    DNS = "dns", "a client that cannot resolve the name never reaches the service; Windows shows 0x80072EE7";
    SERVICE = "service", "clients cannot talk to the service at all; Windows shows 0xCAA82EFD, \"the service is not responding\"";
    CERTIFICATE_TRUST = "certificate-trust", "a client that does not accept the certificate never gets as far as authentication (0x80072F0D, 0xCAA82F8F)";
    CERTIFICATE_NAME = "certificate-name", "clients that use this name refuse the connection";
    CERTIFICATE_EXPIRY = "certificate-expiry", "from its last day on every client refuses the connection";
    CERTIFICATE_OTHER = "certificate-other", "tickets are bound to the certificate that clients see; where the server knows another one, Windows sign-in fails with 401";
    TOKEN_SIGNING = "token-signing-expiry", "relying parties refuse tokens that are signed with an expired certificate, and Microsoft Entra then lets nobody in";
    DEVICE_AUTHORITY = "device-authority-expiry", "device certificates are good for ten years, and this server takes them whatever became of their authority; AD FS servers of the forest, and whoever builds the chain, refuse them from its last day on";
    MEX = "mex", "Windows and MSAL find the endpoints here; without it hybrid join ends with 0xCAA9002C or 0xCAA900xx";
    MEX_WINDOWS = "mex-windows", "a computer finds no endpoint for its Kerberos ticket (0xCAA90022), and hybrid join ends here";
    MEX_PASSWORD = "mex-password", "sign-in by password finds no endpoint (0xCAA90023), and users get no primary refresh token of Entra";
    ENDPOINT = "endpoint", "clients that MEX or their configuration leads here get no answer of the protocol (0xCAA30194, 0xCAA301F7)";
    DISCOVERY = "discovery", "Windows (0x801c000c, 0x801c0012) and MSAL cannot find out where devices register and where the domain signs in";
    CLOCK = "clock", "Kerberos refuses tickets when clocks differ by five minutes, and tokens are not valid yet or no longer";
    CONTROLLER_LDAP = "controller-ldap", "the directory of a domain is asked through its controllers: with one less there is less to fall back on, with none nobody signs in";
    CONTROLLER_KERBEROS = "controller-kerberos", "passwords are checked, and tickets for the directory are got, at this port";
    CONTROLLER_LIST = "controller-list", "the server asks the controllers that its configuration lists, and no others";
    SPN = "spn", "without exactly one account that has the service principal name no client gets a ticket, and Windows falls back to NTLM, which is refused with 401 (0xCAA30191)";
    SPN_DUPLICATE = "spn-duplicate", "a domain controller gives no ticket for a name that two accounts have; Windows falls back to NTLM, which is refused with 401 (0xCAA30191)";
    SPN_WITHOUT_KEY = "spn-without-key", "clients of that domain get a ticket that the server cannot open, and 401";
    KEYTAB_KVNO = "keytab-kvno", "tickets are encrypted with the account's present key; the server opens them only with the same key, and answers 401 otherwise";
    KEYTAB_KEY = "keytab-key", "the server cannot open tickets for its own name: every Windows sign-in ends with 401, and no password can be checked";
    ENCTYPES = "encryption-types", "the server accepts tickets of AES only; a ticket encrypted with RC4 is refused";
    SERVICE_ACCOUNT = "service-account", "the server reads users, computers and devices as this account";
    ENTRA_TRUST = "entra-trust", "Entra, and clients on its behalf, ask for tokens under several identifiers; one that is missing gets ID3082";
    ENTRA_DECISION = "entra-decision", "no token is issued: the join or sign-in ends with MSIS7068";
    ENTRA_CLAIM = "entra-claim", "Entra refuses a token that lacks the claim, or that has another value than it knows of the account";
    ENTRA_SAMPLE = "entra-sample", "what Entra gets is known only when the rules run for an account";
    DRS = "device-registration", "no device registers";
    DRS_SCHEMA = "device-schema", "devices are objects of these classes and attributes";
    DRS_SERVICE = "device-service", "settings of device registration stand in this object, as with AD FS";
    DRS_SWEEP = "device-sweep", "the use of a device is noted every 14 days only: devices in use would be swept";
    DRS_RIGHTS = "device-rights", "devices are created, changed and deleted by the server's account; without a right a join ends with DirectoryError (0x801c03f2)";
    DRS_USER_KEYS = "device-user-keys", "keys of Windows Hello are kept on users; where the server may not write them none is taken";
    DRS_ISSUER = "device-issuer", "other servers of the forest do not know the authority that certifies devices";
    DRS_LEASE = "device-lease", "servers agree in this attribute on which of them sweeps unused devices; as it is none does";
    DRS_CONTAINER = "device-container", "devices are kept in this object";
    SCP = "service-connection-point", "computers look there where to register; Windows logs event 307 without one";
    SCP_CONFLICT = "scp-conflict", "Windows registers with neither service when the connection point names both (event 330)";
    SCP_HOST = "scp-host", "computers of the forest are sent to another service";
    SCP_ENTRA = "scp-entra", "computers of the forest register at Entra; none registers here by itself";
    SCP_ENTRA_DOMAIN = "scp-entra-domain", "the domain in azureADName decides whether Windows takes the join for federated: it must be a federated, verified domain";
    PARTNER = "partner-metadata", "the keys of a partner are followed by its metadata: without it a roll-over there ends sign-in here";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_one_and_stands_in_the_manual() {
        let manual = include_str!("../../../docs/operations/doctor.md");
        for (index, kind) in ALL.iter().enumerate() {
            assert!(ALL.iter().skip(index + 1).all(|other| other.name != kind.name), "{}", kind.name);
            assert!(manual.contains(&format!("| `{}` |", kind.name)), "{} is not in the manual", kind.name);
        }
    }
}
