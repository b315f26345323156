//! The keys that must be there, with what to write.

use super::document::Required;

/// Required keys of `chancery.toml`.
pub(super) const CONFIG: &[Required] = &[
    Required {
        key: "service.federation_service_name",
        placeholder: "'unset.invalid'",
        help: "add `[service]` with `federation_service_name = \"sts.corp.example\"`, the host name in every URL",
    },
    Required {
        key: "server.tls?.certificate_file",
        placeholder: "'unset'",
        help: "name the PEM file with the server's certificate and its intermediates",
    },
    Required {
        key: "server.tls?.key_file",
        placeholder: "'unset'",
        help: "name the PEM file with the certificate's private key",
    },
    Required {
        key: "kerberos.keytab",
        placeholder: "'unset'",
        help: "add `[kerberos]` with `keytab = \"sts.keytab\"`, the file with the service account's keys",
    },
    Required {
        key: "keys.key_encryption_key_file",
        placeholder: "'unset'",
        help: "add `[keys]` with `key_encryption_key_file = \"kek\"`; make the file by `head -c 32 /dev/urandom > kek`",
    },
    Required {
        key: "domains",
        placeholder: "[]",
        help: "add a `[[domains]]` section for each Active Directory domain",
    },
    Required {
        key: "domains.*.realm",
        placeholder: "'UNSET.INVALID'",
        help: "write the domain's Kerberos realm, like `realm = \"CORP.EXAMPLE\"`",
    },
    Required {
        key: "domains.*.sid",
        placeholder: "'S-1-5-21-0-0-0'",
        help: "write the domain's SID: `(Get-ADDomain).DomainSID.Value` in PowerShell, `ldbsearch -H \
               /var/lib/samba/private/sam.ldb -s base objectSid` on a Samba controller",
    },
    Required {
        key: "domains.*.netbios",
        placeholder: "'UNSET'",
        help: "write the domain's NetBIOS name, like `netbios = \"CORP\"`",
    },
    Required {
        key: "domains.*.domain_controllers",
        placeholder: "[]",
        help: "list the domain controllers by DNS name, like `domain_controllers = [\"dc1.corp.example\"]`",
    },
    Required {
        key: "sign_in?.alternate_login_id?.attribute",
        placeholder: "'mail'",
        help: "name the attribute people sign in by, like `attribute = \"mail\"`",
    },
    Required {
        key: "domains.*.ldap?.bind?.simple?.user",
        placeholder: "'unset'",
        help: "write the UPN or distinguished name of the account that reads the directory",
    },
    Required {
        key: "domains.*.ldap?.bind?.simple?.password_file",
        placeholder: "'unset'",
        help: "put the account's password into a file and name it",
    },
    Required {
        key: "access_control_policies?.*.name",
        placeholder: "'unset'",
        help: "give the policy a name, like `name = \"sales-from-the-office\"`",
    },
    Required {
        key: "claim_descriptions?.*.name",
        placeholder: "'unset'",
        help: "write the display name, like `name = \"Cost centre\"`",
    },
    Required {
        key: "claim_descriptions?.*.claim_type",
        placeholder: "'urn:unset'",
        help: "write the claim type, like `claim_type = \"https://claims.corp.example/costcentre\"`",
    },
    Required {
        key: "attribute_stores?.*.name",
        placeholder: "'unset'",
        help: "write the name by which rules ask the store, like `name = \"HR\"`",
    },
    Required {
        key: "attribute_stores?.*.ldap?.servers",
        placeholder: "[]",
        help: "list the servers by DNS name, like `servers = [\"ldap.corp.example\"]`",
    },
    Required {
        key: "attribute_stores?.*.ldap?.base_dn",
        placeholder: "'unset=unset'",
        help: "write where searches start, like `base_dn = \"ou=people,dc=corp,dc=example\"`",
    },
    Required {
        key: "attribute_stores?.*.ldap?.bind?.simple?.user",
        placeholder: "'unset'",
        help: "write the distinguished name of the account that reads the directory",
    },
    Required {
        key: "attribute_stores?.*.ldap?.bind?.simple?.password_file",
        placeholder: "'unset'",
        help: "put the account's password into a file and name it",
    },
    Required {
        key: "attribute_stores?.*.postgresql?.database",
        placeholder: "'unset'",
        help: "write the name of the database",
    },
    Required {
        key: "attribute_stores?.*.postgresql?.user",
        placeholder: "'unset'",
        help: "write the role that reads the database",
    },
    Required { key: "attribute_stores?.*.sqlite?.file", placeholder: "'unset'", help: "name the SQLite file" },
    Required {
        key: "device_registration?.postgresql?.database",
        placeholder: "'unset'",
        help: "write the name of the database",
    },
    Required {
        key: "device_registration?.postgresql?.user",
        placeholder: "'unset'",
        help: "write the role that owns the tables",
    },
    Required {
        key: "device_registration?.sqlite?.file",
        placeholder: "'unset'",
        help: "name the SQLite file; it is made when it is not there",
    },
    Required {
        key: "entra?.domains?.*.name",
        placeholder: "'unset.invalid'",
        help: "write the domain as it is verified in Entra, like `name = \"corp.example\"`",
    },
];

/// Required keys of a trust file.
pub(crate) const TRUST: &[Required] = &[
    Required {
        key: "relying_party?.name",
        placeholder: "'unset'",
        help: "write the display name, like `name = \"Example\"`",
    },
    Required {
        key: "relying_party?.identifiers",
        placeholder: "[]",
        help: "list the identifiers, like `identifiers = [\"urn:example:rp\"]`",
    },
    Required {
        key: "relying_party?.ws_federation?.endpoint",
        placeholder: "'https://unset.invalid'",
        help: "write the address the browser posts the token to",
    },
    Required {
        key: "relying_party?.saml?.assertion_consumer_services",
        placeholder: "[]",
        help: "list them, like `[{ url = \"https://rp.example/acs\", binding = \"post\", default = true }]`",
    },
    Required {
        key: "relying_party?.saml?.assertion_consumer_services.*.url",
        placeholder: "'https://unset.invalid'",
        help: "write the address of the assertion consumer service",
    },
    Required { key: "claims_provider?.name", placeholder: "'unset'", help: "write the display name" },
    Required {
        key: "claims_provider?.identifier",
        placeholder: "'unset'",
        help: "write the identifier that stands as issuer in its tokens",
    },
    Required {
        key: "claims_provider?.oidc?.client_id",
        placeholder: "'unset'",
        help: "write the client id that the provider gave this server",
    },
    Required { key: "client?.id", placeholder: "'unset'", help: "write the client id" },
    Required { key: "client?.kind", placeholder: "'native'", help: "write `native`, `server` or `web_api`" },
];
