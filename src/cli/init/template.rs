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
