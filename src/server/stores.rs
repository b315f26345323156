//! The attribute stores of a configuration.

use std::path::Path;
use std::sync::Arc;

use super::assembly::AssemblyError;
use super::settings::{bind, password, transport};
use crate::claims::StoreSet;
use crate::claims::store::sql::{PostgresqlOptions, PostgresqlServer, SqlLimits};
use crate::claims::store::{
    ActiveDirectoryStore, AttributeStore, CachedStore, KnownIds, LdapStore, OpaqueIdStore, SqlStore, active_directory,
    opaque_id,
};
use crate::clock::Clock;
use crate::config::load::read_bounded;
use crate::config::{self, Config, LdapDirectoryStore, MOST_IMPORT, PostgresqlStore};
use crate::directory::CachedDirectory;
use crate::directory::ldap::{LdapLimits, LdapSource, ServerAddress, SourceOptions};
use crate::secret::Secret;

/// Stores, and the settings they were made of.
#[derive(Clone)]
pub(super) struct KnownStores {
    settings: String,
    directory: Arc<CachedDirectory>,
    pub(super) stores: Arc<StoreSet>,
}

impl KnownStores {
    /// Every store that rules may ask. `known` when nothing that concerns them changed: their connections stay, and what they
    /// remember.
    pub(super) fn of(
        config: &Config,
        directory: &Arc<CachedDirectory>,
        clock: &Arc<dyn Clock>,
        known: Option<&Self>,
    ) -> Result<Self, AssemblyError> {
        let keytab = config.kerberos.keytab.display();
        let mut settings = format!("{:?}{:?}{keytab}", config.attribute_stores, config.opaque_ids);
        for path in files(config) {
            let content = Secret::new(read_bounded(path, MOST_IMPORT).unwrap_or_default());
            let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, content.expose());
            settings.push_str(&hex::encode(digest));
        }
        if let Some(known) =
            known.filter(|known| known.settings == settings && Arc::ptr_eq(&known.directory, directory))
        {
            return Ok(known.clone());
        }
        let stores = Arc::new(assemble(config, directory, clock)?);
        Ok(Self { settings, directory: directory.clone(), stores })
    }
}

fn assemble(
    config: &Config,
    directory: &Arc<CachedDirectory>,
    clock: &Arc<dyn Clock>,
) -> Result<StoreSet, AssemblyError> {
    let mut stores =
        StoreSet::built_in().with(active_directory::NAME, Arc::new(ActiveDirectoryStore::new(directory.clone())));
    if let Some(store) = opaque_ids(config)? {
        stores = stores.with(opaque_id::NAME, Arc::new(store));
    }
    for settings in &config.attribute_stores {
        let store = store(config, settings, clock)?;
        let store = match settings.cache() {
            Some(time_to_live) => Arc::new(CachedStore::new(store, time_to_live)),
            None => store,
        };
        stores = stores.with(&settings.name, store);
    }
    Ok(stores)
}

fn store(
    config: &Config,
    settings: &config::AttributeStore,
    clock: &Arc<dyn Clock>,
) -> Result<Arc<dyn AttributeStore>, AssemblyError> {
    let what = || format!("attribute store `{}`", settings.name);
    let limits = SqlLimits {
        connections: settings.connections,
        connect_timeout: settings.connect_timeout(),
        query_timeout: settings.query_timeout(),
    };
    let failed = |error: &dyn std::fmt::Display| AssemblyError::because(what())(error);
    if let Some(postgresql) = &settings.postgresql {
        let options = postgresql_options(postgresql)?;
        let store = SqlStore::postgresql(options, limits, clock.clone()).map_err(|error| failed(&error))?;
        return Ok(Arc::new(store));
    }
    if let Some(sqlite) = &settings.sqlite {
        let store = SqlStore::sqlite(sqlite.file.clone(), limits, clock.clone()).map_err(|error| failed(&error))?;
        return Ok(Arc::new(store));
    }
    let ldap = settings.ldap.as_ref().ok_or_else(|| failed(&"no kind is configured"))?;
    let limits = LdapLimits {
        connect_timeout: settings.connect_timeout(),
        question_timeout: settings.query_timeout(),
        connections_per_server: usize::try_from(settings.connections).unwrap_or(usize::MAX),
        ..LdapLimits::default()
    };
    let options = source_options(config, settings, ldap)?;
    let source = LdapSource::new(options, limits, clock).map_err(|error| failed(&error))?;
    Ok(Arc::new(LdapStore::new(Arc::new(source))))
}

fn source_options(
    config: &Config,
    settings: &config::AttributeStore,
    ldap: &LdapDirectoryStore,
) -> Result<SourceOptions, AssemblyError> {
    let first = config.domains.first().map(|domain| domain.realm.as_str()).unwrap_or_default();
    let realm = ldap.realm.as_ref().map_or(first, |realm| realm.as_str());
    let port = ldap.port();
    let servers = ldap.servers.iter().map(|server| {
        format!("{server}:{port}").parse::<ServerAddress>().map_err(|error| AssemblyError::because("servers")(&error))
    });
    Ok(SourceOptions {
        name: settings.name.clone(),
        base_dn: ldap.base_dn.clone(),
        servers: servers.collect::<Result<_, _>>()?,
        transport: transport(ldap.transport),
        ca_files: ldap.ca_file.iter().cloned().collect(),
        bind: bind(config, &ldap.bind, realm)?,
        realm: realm.to_owned(),
    })
}

pub(super) fn postgresql_options(settings: &PostgresqlStore) -> Result<PostgresqlOptions, AssemblyError> {
    let server = match (&settings.host, &settings.socket_directory) {
        (Some(host), _) => {
            PostgresqlServer::Host { name: host.to_string(), port: settings.port, ca_file: settings.ca_file.clone() }
        }
        (None, Some(directory)) => PostgresqlServer::Socket { directory: directory.clone(), port: settings.port },
        (None, None) => return Err(AssemblyError::because("postgresql")(&"no server is configured")),
    };
    Ok(PostgresqlOptions {
        server,
        database: settings.database.clone(),
        user: settings.user.clone(),
        password: settings.password_file.as_deref().map(password).transpose()?,
    })
}

fn opaque_ids(config: &Config) -> Result<Option<OpaqueIdStore>, AssemblyError> {
    let Some(file) = &config.opaque_ids.secret_file else { return Ok(None) };
    let secret = Secret::new(super::settings::read(file)?);
    let known = match &config.opaque_ids.import_file {
        None => KnownIds::default(),
        Some(file) => {
            let failed = |error: &dyn std::fmt::Display| AssemblyError::because(file.display().to_string())(error);
            let octets = read_bounded(file, MOST_IMPORT).map_err(|error| failed(&error))?;
            let text = String::from_utf8(octets).map_err(|error| failed(&error))?;
            KnownIds::parse(&text).map_err(|error| failed(&error))?
        }
    };
    OpaqueIdStore::new(&secret, known).map(Some).map_err(|error| AssemblyError::because("[opaque_ids]")(&error))
}

/// Files whose content matters to stores; the SQLite ones are read anew by the stores themselves.
fn files(config: &Config) -> impl Iterator<Item = &Path> {
    let of_stores = config.attribute_stores.iter().flat_map(|store| {
        let ldap = store.ldap.iter().flat_map(|ldap| {
            let bind = match &ldap.bind {
                config::LdapBind::Gssapi(bind) => bind.client_keytab.as_deref(),
                config::LdapBind::Simple(bind) => Some(bind.password_file.as_path()),
            };
            bind.into_iter().chain(ldap.ca_file.as_deref())
        });
        let postgresql = store.postgresql.iter().flat_map(|postgresql| {
            postgresql.password_file.as_deref().into_iter().chain(postgresql.ca_file.as_deref())
        });
        ldap.chain(postgresql)
    });
    let opaque_ids =
        config.opaque_ids.secret_file.as_deref().into_iter().chain(config.opaque_ids.import_file.as_deref());
    of_stores.chain(opaque_ids)
}
