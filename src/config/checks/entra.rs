//! Federation with Entra: which domains, which issuer for whom.

use std::collections::HashMap;

use crate::config::diagnostic::Code;
use crate::config::findings::Findings;
use crate::config::{Config, Entra};

pub(super) fn check(config: &Config, findings: &mut Findings<'_, '_, '_>) {
    let entra = &config.entra;
    if !entra.enabled {
        if !entra.domains.is_empty() {
            findings.warning(
                Code::Contradiction,
                "entra.domains",
                "federated domains are listed, but the trust with Entra is off",
                "write `enabled = true` in `[entra]`",
            );
        }
        return;
    }
    if entra.domains.is_empty() {
        findings.error(
            Code::MissingKey,
            "entra.domains",
            "no federated domain is listed: nobody would get a token for Entra",
            "add a `[[entra.domains]]` section with the `name` of each domain that is federated in Entra",
        );
    }
    if let Some(name) = &entra.computer_domain
        && entra.computer_domain().is_none()
    {
        findings.error(
            Code::Contradiction,
            "entra.computer_domain",
            format!("`{name}` is not among the federated domains"),
            "name one of `[[entra.domains]]`, or leave the key out for the first of them",
        );
    }
    domains(entra, findings);
    let attribute = &entra.upn_attribute;
    if attribute.is_empty() || !attribute.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
        findings.error(
            Code::InvalidValue,
            "entra.upn_attribute",
            format!("`{attribute}` is no LDAP attribute name"),
            "write the attribute that holds the sign-in name, like `userPrincipalName` or `mail`",
        );
    }
    // Suffixes decide by userPrincipalName only; another attribute has values nobody lists here.
    if attribute.eq_ignore_ascii_case("userPrincipalName") {
        uncovered_suffixes(config, findings);
    }
}

fn domains(entra: &Entra, findings: &mut Findings<'_, '_, '_>) {
    let mut names = HashMap::new();
    let mut issuers = HashMap::new();
    for (i, domain) in entra.domains.iter().enumerate() {
        let name_key = format!("entra.domains.{i}.name");
        let issuer_key = format!("entra.domains.{i}.issuer_uri");
        if names.insert(&domain.name, i).is_some() {
            findings.error(
                Code::Duplicate,
                &name_key,
                format!("the domain `{}` is listed twice", domain.name),
                "list each federated domain once",
            );
            continue;
        }
        if let Some(earlier) = issuers.insert(&domain.issuer_uri, i) {
            findings.error(
                Code::Duplicate,
                &issuer_key,
                format!("the issuer `{}` is also that of entra.domains[{earlier}]", domain.issuer_uri),
                "Entra accepts an issuer for one domain only; leave out subdomains that inherit their parent's federation",
            );
        }
        let uri = &domain.issuer_uri;
        if uri.chars().any(|c| c.is_whitespace() || c.is_control() || c == '"') || !uri.contains(':') {
            findings.error(
                Code::InvalidValue,
                &issuer_key,
                format!("`{uri}` is no URI"),
                "copy IssuerUri of the domain's federation settings in Entra character by character",
            );
        }
    }
}

fn uncovered_suffixes(config: &Config, findings: &mut Findings<'_, '_, '_>) {
    for (i, domain) in config.domains.iter().enumerate() {
        for (n, suffix) in domain.upn_suffixes.iter().enumerate() {
            if !config.entra.domains.iter().any(|federated| suffix.is_within(&federated.name)) {
                findings.warning(
                    Code::Advice,
                    &format!("domains.{i}.upn_suffixes.{n}"),
                    format!("users with the UPN suffix `{suffix}` get no token for Entra"),
                    "no federated domain covers the suffix: add it to `[[entra.domains]]` if Entra federates it",
                );
            }
        }
    }
}
