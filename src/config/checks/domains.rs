//! The map of realms, SIDs, NetBIOS names, UPN suffixes and domain controllers: is it a map?

use std::collections::HashMap;
use std::hash::Hash;

use crate::config::diagnostic::Code;
use crate::config::findings::Findings;
use crate::config::{Config, GssapiBind, LdapBind};

pub(super) fn check(config: &Config, findings: &mut Findings<'_, '_, '_>) {
    if config.domains.is_empty() {
        findings.error(
            Code::MissingKey,
            "domains",
            "no domain is configured",
            "add a `[[domains]]` section for each Active Directory domain",
        );
    }
    unique(config.domains.iter().map(|domain| &domain.realm), "realm", "realm", findings);
    unique(config.domains.iter().map(|domain| &domain.sid), "sid", "domain SID", findings);
    unique(config.domains.iter().map(|domain| &domain.netbios), "netbios", "NetBIOS name", findings);
    suffixes(config, findings);
    for (i, domain) in config.domains.iter().enumerate() {
        let key = |name: &str| format!("domains.{i}.{name}");
        if !domain.sid.is_domain() {
            findings.error(
                Code::InvalidValue,
                &key("sid"),
                format!("`{}` is no domain SID", domain.sid),
                "a domain SID is `S-1-5-21-` and three numbers: `Get-ADDomain` shows it as DomainSID, without a fourth number",
            );
        }
        if domain.domain_controllers.is_empty() {
            findings.error(
                Code::MissingKey,
                &key("domain_controllers"),
                format!("the domain {} has no domain controller", domain.realm),
                "list them by DNS name, the preferred one first",
            );
        }
        if let Some(forest) = &domain.forest
            && config.domains.iter().filter(|other| other.forest.as_ref() == Some(forest)).count() < 2
        {
            findings.warning(
                Code::Advice,
                &key("forest"),
                format!("{} is the only domain of the forest `{forest}`", domain.realm),
                "a domain's own groups always count: write the same `forest` at each of its domains, or remove it",
            );
        }
        for (n, controller) in domain.domain_controllers.iter().enumerate() {
            if domain.domain_controllers.iter().take(n).any(|earlier| earlier == controller) {
                findings.warning(
                    Code::Duplicate,
                    &key(&format!("domain_controllers.{n}")),
                    format!("`{controller}` is listed twice"),
                    "list each domain controller once",
                );
            }
        }
        bind(i, &domain.ldap.bind, findings);
    }
}

fn bind(i: usize, bind: &LdapBind, findings: &mut Findings<'_, '_, '_>) {
    match bind {
        LdapBind::Simple(simple) if simple.user.trim().is_empty() => findings.error(
            Code::InvalidValue,
            &format!("domains.{i}.ldap.bind.simple.user"),
            "the bind user is empty, which would be an anonymous bind",
            "write the account's UPN or distinguished name",
        ),
        LdapBind::Gssapi(GssapiBind { principal: Some(principal), .. }) if principal.contains('\\') => findings.error(
            Code::InvalidValue,
            &format!("domains.{i}.ldap.bind.gssapi.principal"),
            format!("`{principal}` is no Kerberos principal"),
            "write `account@REALM`, not `DOMAIN\\account`",
        ),
        _ => {}
    }
}

fn unique<'c, T: Eq + Hash + std::fmt::Display + 'c>(
    values: impl Iterator<Item = &'c T>,
    key: &str,
    what: &str,
    findings: &mut Findings<'_, '_, '_>,
) {
    let mut first: HashMap<&T, usize> = HashMap::new();
    for (i, value) in values.enumerate() {
        let at = format!("domains.{i}.{key}");
        if !findings.is_sound(&at) {
            continue;
        }
        if let Some(earlier) = first.get(value) {
            findings.error(
                Code::Duplicate,
                &at,
                format!("the {what} `{value}` is also that of domains[{earlier}]"),
                "each domain has its own; a ticket or token could otherwise be taken for one of the other domain",
            );
        } else {
            first.insert(value, i);
        }
    }
}

fn suffixes(config: &Config, findings: &mut Findings<'_, '_, '_>) {
    let mut first = HashMap::new();
    for (i, domain) in config.domains.iter().enumerate() {
        for (n, suffix) in domain.upn_suffixes.iter().enumerate() {
            let written = format!("domains.{i}.upn_suffixes.{n}");
            let at = if findings.document().has(&written) { written } else { format!("domains.{i}.realm") };
            if let Some(earlier) = first.insert(suffix.clone(), i) {
                let (message, help) = if earlier == i {
                    (format!("the UPN suffix `{suffix}` is listed twice"), "list each suffix once")
                } else {
                    (
                        format!("the UPN suffix `{suffix}` also belongs to domains[{earlier}]"),
                        "a sign-in name must lead to one domain: list the suffix where its users' accounts are",
                    )
                };
                findings.error(Code::Duplicate, &at, message, help);
            }
        }
    }
}
