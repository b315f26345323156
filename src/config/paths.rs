//! Every path that a configuration names: one list, for resolving, checking and watching them.

use std::path::{Path, PathBuf};

use super::{Config, LdapBind};

/// A path in the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedPath {
    /// Path of the key that names it, like `server.tls.key_file`.
    pub key: String,
    /// What is there.
    pub kind: PathKind,
    /// The path, resolved.
    pub path: PathBuf,
}

/// What a path leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathKind {
    /// A file that is read.
    Input,
    /// A file that is read and that nobody else should read.
    Secret,
    /// A file that is read while requests are answered; its content is no part of the configuration.
    Data,
    /// A file that is written.
    Output,
    /// A directory that is written to.
    Directory,
}

/// Makes every path in `config` absolute or relative to the working directory, by resolving it against `base`, and lists them.
pub(super) fn resolve(config: &mut Config, base: &Path) -> Vec<NamedPath> {
    let mut found = Vec::new();
    visit(config, &mut |key, kind, path| {
        if path.is_relative() {
            *path = base.join(&*path);
        }
        found.push(NamedPath { key: key.to_owned(), kind, path: path.clone() });
    });
    found
}

fn visit(config: &mut Config, see: &mut dyn FnMut(&str, PathKind, &mut PathBuf)) {
    see("service.state_directory", PathKind::Directory, &mut config.service.state_directory);
    if let Some(tls) = &mut config.server.tls {
        see("server.tls.certificate_file", PathKind::Input, &mut tls.certificate_file);
        see("server.tls.key_file", PathKind::Secret, &mut tls.key_file);
    }
    see("kerberos.keytab", PathKind::Secret, &mut config.kerberos.keytab);
    for (i, path) in config.kerberos.front_certificates.iter_mut().enumerate() {
        see(&format!("kerberos.front_certificates.{i}"), PathKind::Input, path);
    }
    for (i, domain) in config.domains.iter_mut().enumerate() {
        if let Some(path) = &mut domain.ldap.ca_file {
            see(&format!("domains.{i}.ldap.ca_file"), PathKind::Input, path);
        }
        visit_bind(&mut domain.ldap.bind, &format!("domains.{i}.ldap.bind"), see);
    }
    see("keys.key_encryption_key_file", PathKind::Secret, &mut config.keys.key_encryption_key_file);
    if let Some(path) = &mut config.audit.file {
        see("audit.file", PathKind::Output, path);
    }
    for (i, path) in config.certificates.client_ca_files.iter_mut().enumerate() {
        see(&format!("certificates.client_ca_files.{i}"), PathKind::Input, path);
    }
    for (i, path) in config.certificates.crl_files.iter_mut().enumerate() {
        see(&format!("certificates.crl_files.{i}"), PathKind::Input, path);
    }
    for (i, store) in config.attribute_stores.iter_mut().enumerate() {
        let key = format!("attribute_stores.{i}");
        if let Some(ldap) = &mut store.ldap {
            if let Some(path) = &mut ldap.ca_file {
                see(&format!("{key}.ldap.ca_file"), PathKind::Input, path);
            }
            visit_bind(&mut ldap.bind, &format!("{key}.ldap.bind"), see);
        }
        if let Some(postgresql) = &mut store.postgresql {
            if let Some(path) = &mut postgresql.password_file {
                see(&format!("{key}.postgresql.password_file"), PathKind::Secret, path);
            }
            if let Some(path) = &mut postgresql.ca_file {
                see(&format!("{key}.postgresql.ca_file"), PathKind::Input, path);
            }
        }
        if let Some(sqlite) = &mut store.sqlite {
            see(&format!("{key}.sqlite.file"), PathKind::Data, &mut sqlite.file);
        }
    }
    if let Some(postgresql) = &mut config.device_registration.postgresql {
        if let Some(path) = &mut postgresql.password_file {
            see("device_registration.postgresql.password_file", PathKind::Secret, path);
        }
        if let Some(path) = &mut postgresql.ca_file {
            see("device_registration.postgresql.ca_file", PathKind::Input, path);
        }
    }
    if let Some(sqlite) = &mut config.device_registration.sqlite {
        see("device_registration.sqlite.file", PathKind::Output, &mut sqlite.file);
    }
    if let Some(path) = &mut config.partners.ca_file {
        see("partners.ca_file", PathKind::Input, path);
    }
    if let Some(path) = &mut config.partners.proxy_credentials_file {
        see("partners.proxy_credentials_file", PathKind::Secret, path);
    }
    if let Some(path) = &mut config.opaque_ids.secret_file {
        see("opaque_ids.secret_file", PathKind::Secret, path);
    }
    if let Some(path) = &mut config.opaque_ids.import_file {
        see("opaque_ids.import_file", PathKind::Secret, path);
    }
    // Completed from the state directory when empty, which has been resolved by then.
    if config.keys.directory.as_os_str().is_empty() {
        config.keys.directory = config.service.state_directory.join("keys");
    } else {
        see("keys.directory", PathKind::Directory, &mut config.keys.directory);
    }
}

fn visit_bind(bind: &mut LdapBind, key: &str, see: &mut dyn FnMut(&str, PathKind, &mut PathBuf)) {
    match bind {
        LdapBind::Gssapi(bind) => {
            if let Some(path) = &mut bind.client_keytab {
                see(&format!("{key}.gssapi.client_keytab"), PathKind::Secret, path);
            }
        }
        LdapBind::Simple(bind) => {
            see(&format!("{key}.simple.password_file"), PathKind::Secret, &mut bind.password_file);
        }
    }
}
