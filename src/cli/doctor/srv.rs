//! Domain controllers as DNS lists them (`_ldap._tcp.dc._msdcs.<domain>`, MS-ADTS 6.3.2.3).

use std::net::SocketAddr;
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::RData;

/// Asks DNS.
pub(super) struct Dns(TokioResolver);

impl Dns {
    /// The servers of the system, or one.
    ///
    /// # Errors
    /// The system says none.
    pub(super) fn new(server: Option<SocketAddr>, timeout: Duration) -> Result<Self, NetError> {
        let mut builder = match server {
            None => TokioResolver::builder_tokio()?,
            Some(server) => {
                let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
                    connection.port = server.port();
                    connection
                });
                let server = NameServerConfig::new(server.ip(), true, connections.to_vec());
                let config = ResolverConfig::from_parts(None, Vec::new(), vec![server]);
                TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
            }
        };
        let options = builder.options_mut();
        options.timeout = timeout.min(ONE_QUERY);
        options.attempts = 1;
        Ok(Self(builder.build()?))
    }

    /// Host names of a domain's controllers, in lower case, without the dot at the end.
    ///
    /// # Errors
    /// No answer, or none that names any.
    pub(super) async fn controllers(&self, domain: &str) -> Result<Vec<String>, NetError> {
        let found = self.0.srv_lookup(format!("_ldap._tcp.dc._msdcs.{domain}.")).await?;
        let host = |data: &RData| match data {
            RData::SRV(record) => Some(record.target.to_ascii().trim_end_matches('.').to_ascii_lowercase()),
            _ => None,
        };
        let mut hosts: Vec<String> = found.answers().iter().filter_map(|record| host(&record.data)).collect();
        hosts.sort_unstable();
        hosts.dedup();
        Ok(hosts)
    }
}

/// A DNS server that is there answers at once.
const ONE_QUERY: Duration = Duration::from_secs(3);
