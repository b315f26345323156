//! What is remembered of a connection when it opens: server name, certificates of both sides.

use std::any::Any;
use std::sync::Arc;

use actix_tls::accept::openssl::TlsStream;
use actix_web::dev::Extensions;
use actix_web::rt::net::TcpStream;
use openssl::ssl::{NameType, SslRef};

use crate::protocols::http::Connection;

use super::tls::TlsState;

/// Puts an `Arc<Connection>` into the connection's extensions; called once for each connection.
pub(super) fn remember(tls: &TlsState, ask_everyone: bool, stream: &dyn Any, extensions: &mut Extensions) {
    let connection = match stream.downcast_ref::<TlsStream<TcpStream>>() {
        Some(stream) => describe(tls, ask_everyone, stream.ssl()),
        None => Connection::default(),
    };
    extensions.insert(Arc::new(connection));
}

fn describe(tls: &TlsState, ask_everyone: bool, ssl: &SslRef) -> Connection {
    let server_name = ssl.servername(NameType::HOST_NAME).map(str::to_lowercase);
    let asks_for_certificate = ask_everyone || server_name.as_deref().is_some_and(|name| tls.asks_on(name));
    let mut client_certificates = Vec::new();
    if asks_for_certificate && let Some(leaf) = ssl.peer_certificate().and_then(|certificate| certificate.to_der().ok())
    {
        let chain = ssl.peer_cert_chain().into_iter().flatten().filter_map(|certificate| certificate.to_der().ok());
        // OpenSSL's server-side chain does not hold the leaf; were it ever there, it must not come twice.
        client_certificates.extend(chain.filter(|der| *der != leaf).take(MAX_CHAIN));
        client_certificates.insert(0, leaf);
    }
    Connection {
        tls: true,
        server_certificate: ssl.certificate().and_then(|c| c.to_der().ok()).map(Arc::from),
        server_name,
        client_certificates,
        asks_for_certificate,
    }
}

/// Intermediates taken from a client.
const MAX_CHAIN: usize = 8;
