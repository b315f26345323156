//! The keytab and Extended Protection.

use std::path::Path;

use super::certificates::{judge_dates, read_certificates};
use crate::clock::UtcTime;
use crate::config::diagnostic::Code;
use crate::config::findings::Findings;
use crate::config::load::{MAX_CONFIGURATION_FILE, read_bounded};
use crate::config::names::ServicePrincipal;
use crate::config::{ChannelBinding, Config, GssapiBind, LdapBind};
use crate::kerberos::keytab::{Keytab, KeytabEntry};

pub(super) fn check(config: &Config, now: UtcTime, findings: &mut Findings<'_, '_, '_>) {
    channel_binding(config, now, findings);
    realms(config, findings);
    keytab(config, findings);
    client_keytabs(config, findings);
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

fn keytab(config: &Config, findings: &mut Findings<'_, '_, '_>) {
    const KEY: &str = "kerberos.keytab";
    let file = &config.kerberos.keytab;
    let Some(entries) = entries(file, KEY, findings) else { return };
    for principal in &config.kerberos.service_principals {
        let own: Vec<&KeytabEntry> = entries.iter().filter(|entry| is_key_of(entry, principal)).collect();
        if own.is_empty() {
            let mut there: Vec<String> = entries.iter().map(KeytabEntry::principal).collect();
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
        if !own.iter().any(|entry| entry.is_aes()) {
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
            if principal.realm().is_none() && !own.iter().any(|entry| entry.realm == realm) {
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

fn client_keytabs(config: &Config, findings: &mut Findings<'_, '_, '_>) {
    for (i, domain) in config.domains.iter().enumerate() {
        let LdapBind::Gssapi(GssapiBind { client_keytab, principal }) = &domain.ldap.bind else { continue };
        let (file, key) = match (client_keytab, principal) {
            (Some(file), _) => (file, format!("domains.{i}.ldap.bind.gssapi.client_keytab")),
            (None, Some(_)) => (&config.kerberos.keytab, String::from("kerberos.keytab")),
            (None, None) => continue,
        };
        let Some(entries) = entries(file, &key, findings) else { continue };
        let Some(principal) = principal.as_ref().filter(|principal| !principal.contains('\\')) else { continue };
        let full = if principal.contains('@') { principal.clone() } else { format!("{principal}@{}", domain.realm) };
        if !entries.iter().any(|entry| entry.principal().eq_ignore_ascii_case(&full)) {
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
fn entries(file: &Path, key: &str, findings: &mut Findings<'_, '_, '_>) -> Option<Vec<KeytabEntry>> {
    let bytes = zeroize::Zeroizing::new(read_bounded(file, MAX_CONFIGURATION_FILE).ok()?);
    match Keytab::parse(&bytes) {
        Ok(keytab) if !keytab.entries().is_empty() => Some(keytab.entries().to_vec()),
        Ok(_) => {
            findings.error(
                Code::Keytab,
                key,
                format!("the keytab {} is empty", file.display()),
                "export the service account's keys into it",
            );
            None
        }
        Err(error) => {
            findings.error(
                Code::Keytab,
                key,
                format!("{} is no keytab: {error}", file.display()),
                "name a keytab in MIT format, as ktpass, ktutil or samba-tool write it",
            );
            None
        }
    }
}

fn is_key_of(entry: &KeytabEntry, principal: &ServicePrincipal) -> bool {
    entry.components.join("/").eq_ignore_ascii_case(principal.name())
        && principal.realm().is_none_or(|wanted| wanted == entry.realm)
}
