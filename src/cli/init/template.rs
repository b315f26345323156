//! The text of a new configuration.

use std::fmt::Write as _;
use std::path::Path;

use super::KEY_ENCRYPTION_KEY;
use super::answers::Answers;
use crate::config::names::ServicePrincipal;

/// `chancery.toml` for these answers.
pub(super) fn render(answers: &Answers) -> String {
    let values = [
        ("federation_service_name", quoted(&answers.federation_service_name)),
        ("identifier", quoted(&answers.identifier)),
        ("state_directory", path(&answers.state_directory)),
        ("intranet", list(&answers.intranet)),
        ("certificate", path(&answers.certificate)),
        ("key", path(&answers.key)),
        ("keytab", path(&answers.keytab)),
        ("service_principal", quoted(&ServicePrincipal::http(&answers.federation_service_name))),
        ("realm", quoted(&answers.realm)),
        ("sid", quoted(&answers.sid)),
        ("netbios", quoted(&answers.netbios)),
        ("upn_suffixes", list(&answers.upn_suffixes)),
        ("domain_controllers", list(&answers.domain_controllers)),
        (
            "ca_file",
            answers.ldap_ca.as_deref().map_or_else(
                || String::from("#ca_file = \"domain-ca.pem\""),
                |file| format!("ca_file = {}", path(file)),
            ),
        ),
        ("keys_directory", path(&answers.state_directory.join("keys"))),
        ("key_encryption_key", quoted(&KEY_ENCRYPTION_KEY)),
        ("entra_enabled", (!answers.entra_domains.is_empty()).to_string()),
        ("entra_domains", entra_domains(answers)),
    ];
    let mut text = String::from(TEMPLATE);
    for (name, value) in values {
        text = text.replace(&format!("{{{{{name}}}}}"), &value);
    }
    text
}

fn entra_domains(answers: &Answers) -> String {
    let mut text = String::from(
        "# The federated domains. `issuer_uri` must equal IssuerUri of the domain's federation settings in Entra, character by\n\
         # character. A user gets the issuer of the longest listed domain that holds the UPN suffix; computers get that of the\n\
         # first domain. A user of no listed domain gets no token.\n",
    );
    if answers.entra_domains.is_empty() {
        text.push_str("# [[entra.domains]]\n# name = \"corp.example\"\n");
    }
    for domain in &answers.entra_domains {
        let issuer = quoted(&format!("http://{domain}/adfs/services/trust/"));
        let _ = write!(text, "[[entra.domains]]\nname = {}\nissuer_uri = {issuer}\n", quoted(domain));
    }
    text
}

fn quoted(value: &dyn std::fmt::Display) -> String {
    toml::Value::String(value.to_string()).to_string()
}

fn path(value: &Path) -> String {
    quoted(&value.display())
}

fn list<T: std::fmt::Display>(values: &[T]) -> String {
    let values: Vec<String> = values.iter().map(|value| quoted(value)).collect();
    format!("[{}]", values.join(", "))
}

const TEMPLATE: &str = include_str!("chancery.toml.template");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn answers() -> Answers {
        Answers {
            federation_service_name: "sts.corp.example".parse().unwrap(),
            identifier: String::from("http://sts.corp.example/adfs/services/trust"),
            realm: "CORP.EXAMPLE".parse().unwrap(),
            netbios: "CORP".parse().unwrap(),
            sid: "S-1-5-21-1-2-3".parse().unwrap(),
            upn_suffixes: vec!["corp.example".parse().unwrap()],
            domain_controllers: vec!["dc1.corp.example".parse().unwrap()],
            keytab: "it's \"odd\" \\ here.keytab".into(),
            certificate: "tls.crt".into(),
            key: "tls.key".into(),
            ldap_ca: Some("ca.pem".into()),
            intranet: vec!["10.0.0.0/8".parse().unwrap()],
            entra_domains: vec!["corp.example".parse().unwrap(), "brand.example".parse().unwrap()],
            state_directory: "state".into(),
        }
    }

    #[test]
    fn the_text_is_a_configuration() {
        let config = Config::from_toml(&render(&answers())).unwrap();
        assert_eq!(config.kerberos.keytab.to_str(), Some("it's \"odd\" \\ here.keytab"));
        assert_eq!(config.entra.domains.len(), 2);
        assert_eq!(config.domains[0].ldap.ca_file.as_deref(), Some(Path::new("ca.pem")));
        assert!(!render(&answers()).contains("{{"));
    }

    /// A default that is shown must be a key there is, and must be the default.
    #[test]
    fn what_is_commented_out_is_the_default() {
        let text = render(&Answers { ldap_ca: None, ..answers() });
        let shown: String = text
            .lines()
            .filter(|line| !line.starts_with("#ca_file") && !line.starts_with("#front_certificates"))
            .map(|line| match line.strip_prefix('#') {
                Some(rest) if rest.starts_with(|c: char| c.is_ascii_lowercase()) => format!("{rest}\n"),
                _ => format!("{line}\n"),
            })
            .collect();
        let with_defaults = Config::from_toml(&shown).unwrap();
        let mut without = Config::from_toml(&text).unwrap();
        without.kerberos.channel_binding_setting = Some(without.kerberos.channel_binding(false));
        let endpoints = |config: &Config| {
            crate::protocols::trust_endpoint::TrustEndpoint::ALL.map(|each| config.endpoints.switch(each))
        };
        assert_eq!(endpoints(&with_defaults), endpoints(&without));
        without.endpoints = with_defaults.endpoints;
        without.service.display_name.clone_from(&with_defaults.service.display_name);
        assert_eq!(format!("{with_defaults:?}"), format!("{without:?}"));
    }

    #[test]
    fn without_entra_the_trust_is_off() {
        let config = Config::from_toml(&render(&Answers { entra_domains: Vec::new(), ..answers() })).unwrap();
        assert!(!config.entra.enabled && config.entra.domains.is_empty());
    }
}
