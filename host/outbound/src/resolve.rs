//! Names to addresses.
//!
//! By hickory rather than by the system's `getaddrinfo`: that one blocks a thread, which cannot be taken back when
//! the time of a call is over, so that a name server which answers slowly on purpose would hold as many threads as
//! it is asked for. hickory reads `/etc/resolv.conf` and `/etc/hosts`, but not `nsswitch.conf`.

use crate::error::{Cause, Error};
use hickory_resolver::config::{NameServerConfig, ResolveHosts, ResolverConfig};
use hickory_resolver::lookup::Lookup;
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::op::Query;
use hickory_resolver::proto::rr::{Name, RecordType};
use hickory_resolver::{Hosts, TokioResolver};
use std::net::{IpAddr, SocketAddr};

/// Whom to ask for addresses.
///
/// Every call asks anew. Nothing is kept from one call to the next: a host that runs for months follows the
/// changes of its system, and no job can tell what another one has asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolver {
    /// `/etc/hosts`, then the name servers of `/etc/resolv.conf`, as both are at that moment.
    System,
    /// This name server, over UDP and TCP, and nothing else.
    Server(SocketAddr),
}

impl Resolver {
    /// All addresses of `name`, of both families, through all its aliases. A name is taken as it is: the system's
    /// search list is not tried, since it would ask for names that nobody granted.
    pub(crate) async fn addresses(self, name: &str) -> Result<Vec<IpAddr>, Error> {
        let failed = |error: &dyn std::fmt::Display| {
            Error::unavailable(Cause::Resolve, format!("no address of `{name}` was found: {error}"))
        };
        let mut absolute = Name::from_ascii(name).map_err(|error| failed(&error))?;
        absolute.set_fqdn(true);
        if self == Resolver::System {
            let known = in_hosts_file(&absolute);
            if !known.is_empty() {
                return Ok(known);
            }
        }
        let resolver = self.build().map_err(|error| failed(&error))?;
        let found = resolver.lookup_ip(absolute).await.map_err(|error| failed(&error))?;
        let addresses: Vec<IpAddr> = found.iter().collect();
        if addresses.is_empty() { Err(failed(&"the name has none")) } else { Ok(addresses) }
    }

    fn build(self) -> Result<TokioResolver, NetError> {
        let provider = TokioRuntimeProvider::default();
        let mut builder = match self {
            Resolver::System => TokioResolver::builder(provider)?,
            Resolver::Server(address) => {
                let mut server = NameServerConfig::udp_and_tcp(address.ip());
                for connection in &mut server.connections {
                    connection.port = address.port();
                }
                let config = ResolverConfig::from_parts(None, Vec::new(), vec![server]);
                TokioResolver::builder_with_config(config, provider)
            }
        };
        let options = builder.options_mut();
        options.cache_size = 0;
        options.use_hosts_file = ResolveHosts::Never;
        builder.build()
    }
}

/// The system's own list, first: a name that is there is not asked for.
fn in_hosts_file(name: &Name) -> Vec<IpAddr> {
    let hosts = Hosts::from_system().unwrap_or_default();
    let lookups = [RecordType::A, RecordType::AAAA]
        .map(|kind| hosts.lookup_static_host(&Query::query(name.clone(), kind)));
    let addresses =
        |lookup: &Lookup| lookup.answers().iter().filter_map(|record| record.data.ip_addr()).collect();
    lookups.iter().flatten().flat_map::<Vec<IpAddr>, _>(addresses).collect()
}
