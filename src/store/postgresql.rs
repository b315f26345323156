//! How a PostgreSQL database is reached: over TLS with a verified name, or by a local socket.

use std::path::PathBuf;

use sqlx::postgres::{PgConnectOptions, PgSslMode};

use crate::secret::Secret;

/// Where a PostgreSQL database is and who asks it.
#[derive(Debug)]
pub struct PostgresqlOptions {
    /// The server.
    pub server: PostgresqlServer,
    /// The database.
    pub database: String,
    /// The role.
    pub user: String,
    /// Its password; `None` where the server knows the role otherwise (by a local socket).
    pub password: Option<Secret<String>>,
}

/// A PostgreSQL server.
#[derive(Debug)]
pub enum PostgresqlServer {
    /// By TCP, with TLS and a certificate that has the host's name.
    Host {
        /// DNS name.
        name: String,
        /// Port.
        port: u16,
        /// PEM file with certificate authorities that count beside the public ones.
        ca_file: Option<PathBuf>,
    },
    /// By a socket in this directory.
    Socket {
        /// The directory.
        directory: PathBuf,
        /// The port that is part of the socket's name.
        port: u16,
    },
}

/// What a connection is opened with.
pub fn connect_options(options: PostgresqlOptions) -> PgConnectOptions {
    let PostgresqlOptions { server, database, user, password } = options;
    let connect =
        PgConnectOptions::new_without_pgpass().database(&database).username(&user).application_name("chancery");
    let connect = match server {
        PostgresqlServer::Host { name, port, ca_file } => {
            let connect = connect.host(&name).port(port).ssl_mode(PgSslMode::VerifyFull);
            match ca_file {
                Some(file) => connect.ssl_root_cert(file),
                None => connect,
            }
        }
        PostgresqlServer::Socket { directory, port } => {
            connect.socket(directory).port(port).ssl_mode(PgSslMode::Disable)
        }
    };
    match password {
        Some(password) => connect.password(password.expose()),
        None => connect,
    }
}
