//! The keytab and Extended Protection.

use std::fs;
use std::path::Path;

use super::certificates::{judge_dates, read_certificates};
use crate::clock::UtcTime;
use crate::config::diagnostic::Code;
use crate::config::findings::Findings;
use crate::config::names::ServicePrincipal;
use crate::config::{ChannelBinding, Config};

/// A key in a keytab, without the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeytabEntry {
    /// Principal with realm: `HTTP/sts.corp.example@CORP.EXAMPLE`.
    pub principal: String,
    /// Encryption type number (RFC 3961): 17 and 18 are AES with SHA-1, 19 and 20 AES with SHA-2, 23 is RC4.
    pub encryption_type: i32,
    /// Key version number.
    pub version: u32,
}

/// Reads the content of a keytab, or says why it is none.
pub type KeytabReader = fn(&[u8]) -> Result<Vec<KeytabEntry>, String>;

pub(super) fn check(config: &Config, reader: Option<KeytabReader>, now: UtcTime, findings: &mut Findings<'_, '_, '_>) {
    channel_binding(config, now, findings);
    realms(config, findings);
    if let Some(reader) = reader {
        keytab(config, reader, findings);
        client_keytabs(config, reader, findings);
    }
}

fn channel_binding(config: &Config, now: UtcTime, findings: &mut Findings<'_, '_, '_>) {
    let kerberos = &config.kerberos;
    let in_front = config.server.tls_ends_in_front;
    match kerberos.channel_binding_setting {
        Some(setting @ (ChannelBinding::Allow | ChannelBinding::Require))
            if in_front && kerberos.front_certificates.is_empty() =>
        {
            let effect = if setting == ChannelBinding::Require {
                "every Windows sign-in would be refused"
            } else {
                "the sign-in of every client that sends bindings would be refused"
            };
            findings.error(
                Code::ChannelBinding,
                "kerberos.channel_binding",
                format!("channel binding cannot be checked where clients' TLS ends in front of this server: {effect}"),
                "name the balancer's certificates in `front_certificates`, let it pass TLS through, or write \
                 `channel_binding = \"none\"`",
            );
        }
        Some(ChannelBinding::None) if !kerberos.front_certificates.is_empty() => findings.warning(
            Code::ChannelBinding,
            "kerberos.front_certificates",
            "the front certificates are not used, because channel binding is off",
            "write `channel_binding = \"allow\"`, or leave the certificates out",
        ),
        Some(ChannelBinding::None) if !in_front => findings.warning(
            Code::ChannelBinding,
            "kerberos.channel_binding",
            "without channel binding, a sign-in that is relayed through another server is accepted",
            "TLS ends here, so that `allow` works; AD FS' default is `allow` too",
        ),
        _ => {}
    }
    for (i, file) in kerberos.front_certificates.iter().enumerate() {
        let key = format!("kerberos.front_certificates.{i}");
        if let Some(certificate) = read_certificates(file, &key, findings).first() {
            judge_dates(certificate, "the front certificate", now, &key, findings);
        }
    }
}

fn realms(config: &Config, findings: &mut Findings<'_, '_, '_>) {
    for (i, principal) in config.kerberos.service_principals.iter().enumerate() {
        let Some(realm) = principal.realm() else { continue };
        if !config.domains.iter().any(|domain| domain.realm.as_str() == realm) {
            findings.error(
                Code::Contradiction,
                &format!("kerberos.service_principals.{i}"),
                format!("the realm of `{principal}` is no configured domain"),
                "realms are written in upper case, as in `[[domains]]`; or leave the realm out",
            );
        }
    }
}

fn keytab(config: &Config, reader: KeytabReader, findings: &mut Findings<'_, '_, '_>) {
    const KEY: &str = "kerberos.keytab";
    let file = &config.kerberos.keytab;
    let Some(entries) = entries(file, KEY, reader, findings) else { return };
    for principal in &config.kerberos.service_principals {
        let own: Vec<&KeytabEntry> = entries.iter().filter(|entry| is_key_of(entry, principal)).collect();
        if own.is_empty() {
            let mut there: Vec<&str> = entries.iter().map(|entry| entry.principal.as_str()).collect();
            there.sort_unstable();
            there.dedup();
            there.truncate(5);
            findings.error(
                Code::Keytab,
                KEY,
                format!("the keytab has no key of `{principal}`; it has keys of `{}`", there.join("`, `")),
                format!("register `{}` on the service account and export its key into this file", principal.name()),
            );
            continue;
        }
        if !own.iter().any(|entry| is_aes(entry)) {
            findings.error(
                Code::Keytab,
                KEY,
                format!("the keytab has no AES key of `{principal}`"),
                "set msDS-SupportedEncryptionTypes of the service account to 24 (AES), set its password again, and export \
                 the keytab anew",
            );
        }
        for domain in &config.domains {
            let realm = domain.realm.as_str();
            let ours = |entry: &&KeytabEntry| entry.principal.rsplit_once('@').is_some_and(|(_, of)| of == realm);
            if principal.realm().is_none() && !own.iter().any(ours) {
                findings.warning(
                    Code::Keytab,
                    KEY,
                    format!("the keytab has no key of `{}@{realm}`", principal.name()),
                    format!(
                        "accounts of {realm} can sign in by Kerberos only if that domain trusts one that has a key here"
                    ),
                );
            }
        }
    }
}

fn client_keytabs(config: &Config, reader: KeytabReader, findings: &mut Findings<'_, '_, '_>) {
    use crate::config::{GssapiBind, LdapBind};
    for (i, domain) in config.domains.iter().enumerate() {
        let LdapBind::Gssapi(GssapiBind { client_keytab, principal }) = &domain.ldap.bind else { continue };
        let key = format!("domains.{i}.ldap.bind.gssapi.client_keytab");
        let file = client_keytab.as_ref().unwrap_or(&config.kerberos.keytab);
        let Some(entries) = entries(file, &key, reader, findings) else { continue };
        let Some(principal) = principal else { continue };
        let full = if principal.contains('@') { principal.clone() } else { format!("{principal}@{}", domain.realm) };
        if !entries.iter().any(|entry| entry.principal.eq_ignore_ascii_case(&full)) {
            findings.error(
                Code::Keytab,
                &format!("domains.{i}.ldap.bind.gssapi.principal"),
                format!("{} has no key of `{full}`", file.display()),
                "export the account's key into the client keytab, or name an account whose key is in it",
            );
        }
    }
}

/// The entries of a keytab. A file that cannot be opened has its finding already.
fn entries(
    file: &Path,
    key: &str,
    reader: KeytabReader,
    findings: &mut Findings<'_, '_, '_>,
) -> Option<Vec<KeytabEntry>> {
    let bytes = zeroize::Zeroizing::new(fs::read(file).ok()?);
    match reader(&bytes) {
        Ok(entries) if !entries.is_empty() => Some(entries),
        Ok(_) => {
            findings.error(
                Code::Keytab,
                key,
                format!("the keytab {} is empty", file.display()),
                "export the service account's keys into it",
            );
            None
        }
        Err(reason) => {
            findings.error(
                Code::Keytab,
                key,
                format!("{} is no keytab: {reason}", file.display()),
                "name a keytab in MIT format, as ktpass, ktutil or samba-tool write it",
            );
            None
        }
    }
}

fn is_key_of(entry: &KeytabEntry, principal: &ServicePrincipal) -> bool {
    let (name, realm) = entry.principal.rsplit_once('@').unwrap_or((&entry.principal, ""));
    name.eq_ignore_ascii_case(principal.name()) && principal.realm().is_none_or(|wanted| wanted == realm)
}

const fn is_aes(entry: &KeytabEntry) -> bool {
    matches!(entry.encryption_type, 17..=20)
}
