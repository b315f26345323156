//! Attribute stores: names, kinds, and what their files hold.

use crate::claims::store::catalog::{QueryLanguage, StoreCatalog};
use crate::claims::store::known_ids::KnownIds;
use crate::claims::store::opaque_id;
use crate::claims::store::sql::Dialect;
use crate::config::diagnostic::{Code, Place};
use crate::config::findings::Findings;
use crate::config::load::read_bounded;
use crate::config::{AttributeStore, Config, GssapiBind, LdapBind, PostgresqlStore};
use crate::secret::Secret;

use super::certificates::read_certificates;

/// The stores that rules may name under this configuration.
pub(crate) fn catalog(config: &Config) -> StoreCatalog {
    let mut catalog = StoreCatalog::built_in();
    if config.opaque_ids.secret_file.is_some() {
        catalog.add(opaque_id::NAME, QueryLanguage::OpaqueId);
    }
    for store in &config.attribute_stores {
        catalog.add(&store.name, language(store));
    }
    catalog
}

fn language(store: &AttributeStore) -> QueryLanguage {
    match (&store.postgresql, &store.sqlite) {
        (Some(_), _) => QueryLanguage::Sql(Dialect::Postgresql),
        (None, Some(_)) => QueryLanguage::Sql(Dialect::Sqlite),
        (None, None) => QueryLanguage::Ldap,
    }
}

pub(super) fn check(config: &Config, findings: &mut Findings<'_, '_, '_>) {
    let mut catalog = StoreCatalog::built_in();
    // Reserved whether or not there is a secret.
    catalog.add(opaque_id::NAME, QueryLanguage::OpaqueId);
    for (i, store) in config.attribute_stores.iter().enumerate() {
        let key = |name: &str| format!("attribute_stores.{i}.{name}");
        if store.name.trim().is_empty() || store.name.contains('"') {
            findings.error(
                Code::InvalidValue,
                &key("name"),
                "the name cannot stand in a rule",
                "write a name without double quotes, like `name = \"HR\"`",
            );
        } else if !catalog.add(&store.name, language(store)) && findings.is_sound(&key("name")) {
            findings.error(
                Code::Duplicate,
                &key("name"),
                format!("there already is an attribute store `{}`", store.name),
                "give each store a name of its own; names compare without regard to case, and built-in ones are taken",
            );
        }
        let kinds = [store.ldap.is_some(), store.postgresql.is_some(), store.sqlite.is_some()];
        if kinds.iter().filter(|there| **there).count() != 1 {
            findings.error(
                Code::Contradiction,
                &format!("attribute_stores.{i}"),
                format!("the attribute store `{}` must be of exactly one kind", store.name),
                "write one of `[attribute_stores.ldap]`, `[attribute_stores.postgresql]` and `[attribute_stores.sqlite]` below it",
            );
        }
        for (name, value, most) in [
            ("connect_timeout_seconds", store.connect_timeout_seconds, 60),
            ("query_timeout_seconds", store.query_timeout_seconds, 60),
            ("connections", u64::from(store.connections), 100),
        ] {
            if !(1..=most).contains(&value) {
                let message = format!("`{name}` of {value} is outside 1 to {most}");
                findings.error(Code::InvalidValue, &key(name), message, "leave the key out for the default");
            }
        }
        ldap(store, i, findings);
        if let Some(settings) = &store.postgresql {
            postgresql(settings, &format!("attribute_stores.{i}.postgresql"), findings);
        }
    }
    opaque_ids(config, findings);
    password_expiry(config, findings);
}

fn ldap(store: &AttributeStore, i: usize, findings: &mut Findings<'_, '_, '_>) {
    let Some(ldap) = &store.ldap else { return };
    let key = |name: &str| format!("attribute_stores.{i}.ldap.{name}");
    if ldap.servers.is_empty() {
        findings.error(Code::MissingKey, &key("servers"), "no server is listed", "list them by DNS name");
    }
    if ldap.base_dn.trim().is_empty() || !ldap.base_dn.contains('=') {
        findings.error(
            Code::InvalidValue,
            &key("base_dn"),
            format!("`{}` is no distinguished name", ldap.base_dn),
            "write where searches start, like `base_dn = \"ou=people,dc=corp,dc=example\"`",
        );
    }
    match &ldap.bind {
        LdapBind::Simple(simple) if simple.user.trim().is_empty() => findings.error(
            Code::InvalidValue,
            &key("bind.simple.user"),
            "the bind user is empty, which would be an anonymous bind",
            "write the account's distinguished name",
        ),
        LdapBind::Gssapi(GssapiBind { principal: Some(principal), .. }) if principal.contains('\\') => findings.error(
            Code::InvalidValue,
            &key("bind.gssapi.principal"),
            format!("`{principal}` is no Kerberos principal"),
            "write `account@REALM`, not `DOMAIN\\account`",
        ),
        _ => {}
    }
    if let Some(file) = &ldap.ca_file {
        read_certificates(file, &key("ca_file"), findings);
    }
}

/// A PostgreSQL database, wherever one is configured.
pub(super) fn postgresql(postgresql: &PostgresqlStore, section: &str, findings: &mut Findings<'_, '_, '_>) {
    let key = |name: &str| format!("{section}.{name}");
    if postgresql.host.is_some() == postgresql.socket_directory.is_some() {
        findings.error(
            Code::Contradiction,
            section,
            "the server must be named once: by `host`, or by `socket_directory`",
            "write `host = \"db.corp.example\"`; the connection is encrypted and the certificate must have this name",
        );
    }
    if let Some(directory) = postgresql.socket_directory.as_ref().filter(|directory| !directory.is_absolute()) {
        findings.error(
            Code::InvalidValue,
            &key("socket_directory"),
            format!("`{}` is no absolute path", directory.display()),
            "write the directory of the server's socket, like `/run/postgresql`",
        );
    }
    if postgresql.host.is_some() && postgresql.password_file.is_none() {
        findings.error(
            Code::MissingKey,
            &key("password_file"),
            "the role has no password",
            "put the role's password into a file and name it",
        );
    }
    if let Some(file) = &postgresql.ca_file {
        read_certificates(file, &key("ca_file"), findings);
    }
}

fn opaque_ids(config: &Config, findings: &mut Findings<'_, '_, '_>) {
    // A file that cannot be opened has its finding already.
    if let Some(file) = &config.opaque_ids.secret_file
        && let Ok(secret) = read_bounded(file, MOST_SECRET).map(Secret::new)
        && secret.expose().len() < opaque_id::LEAST_SECRET
    {
        findings.error(
            Code::InvalidValue,
            "opaque_ids.secret_file",
            format!(
                "{} holds {} octets; {} are needed",
                file.display(),
                secret.expose().len(),
                opaque_id::LEAST_SECRET
            ),
            "make it by `head -c 32 /dev/urandom > opaque-id-secret`, once for all nodes",
        );
    }
    let Some(file) = &config.opaque_ids.import_file else { return };
    if config.opaque_ids.secret_file.is_none() {
        findings.error(
            Code::Contradiction,
            "opaque_ids.import_file",
            "identifiers are imported, but there is no secret for those of other people",
            "name one: `secret_file = \"opaque-id-secret\"`",
        );
    }
    let Ok(octets) = read_bounded(file, MOST_IMPORT) else { return };
    let Ok(text) = String::from_utf8(octets) else {
        let message = format!("{} is not UTF-8", file.display());
        findings.error(Code::InvalidValue, "opaque_ids.import_file", message, "save it as UTF-8");
        return;
    };
    if let Err(error) = KnownIds::parse(&text) {
        let place = Place::at_line(file, &text, error.line, 1, 1);
        let help = "each line is a relying party's identifier, an id and the opaque id it has, separated by commas";
        findings.error_at(Code::InvalidValue, place, error.kind.to_string(), help);
    }
}

fn password_expiry(config: &Config, findings: &mut Findings<'_, '_, '_>) {
    let settings = &config.password_expiry;
    if settings.notice_days > 365 {
        findings.error(
            Code::InvalidValue,
            "password_expiry.notice_days",
            format!("{} days are outside 0 to 365", settings.notice_days),
            "14 is the default, as in AD FS",
        );
    }
    if let Some(url) = &settings.change_url
        && (!url.starts_with("https://") || url.chars().any(|c| c.is_whitespace() || c.is_control()))
    {
        findings.error(
            Code::InvalidValue,
            "password_expiry.change_url",
            format!("`{url}` is no https address"),
            "write the page's whole address, like `https://password.corp.example/`",
        );
    }
}

/// Octets of a secret.
const MOST_SECRET: u64 = 4096;
/// Octets of an import table.
pub(crate) const MOST_IMPORT: u64 = 256 * 1024 * 1024;
