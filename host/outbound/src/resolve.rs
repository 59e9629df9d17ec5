//! Names to addresses.
//!
//! By hickory rather than by the system's `getaddrinfo`: that one blocks a thread, which cannot be taken back when
//! the time of a call is over, so that a name server which answers slowly on purpose would hold as many threads as
//! it is asked for. hickory reads `/etc/resolv.conf` and `/etc/hosts`, but not `nsswitch.conf`.

use crate::error::{Cause, Error};
use crate::hosts::HostsFile;
use hickory_resolver::TokioResolver;
use hickory_resolver::config::{NameServerConfig, ResolveHosts, ResolverConfig};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::Name;
use std::net::{IpAddr, SocketAddr};

/// Whom to ask for addresses.
///
/// Every call asks anew, and no answer is kept: a host that runs for months follows the changes of its system, and
/// no job can tell what another one has asked for.
#[derive(Debug)]
pub struct Resolver(Source);

#[derive(Debug)]
enum Source {
    System(HostsFile),
    Server(SocketAddr),
}

impl Resolver {
    /// `/etc/hosts`, then the name servers of `/etc/resolv.conf`, as both are at the moment of a call.
    pub fn system() -> Resolver {
        Resolver(Source::System(HostsFile::new("/etc/hosts")))
    }

    /// This name server, over UDP and TCP, and nothing else.
    pub fn server(address: SocketAddr) -> Resolver {
        Resolver(Source::Server(address))
    }

    /// All addresses of `name`, of both families, through all its aliases. A name is taken as it is: the system's
    /// search list is not tried, since it would ask for names that nobody granted.
    pub(crate) async fn addresses(&self, name: &str) -> Result<Vec<IpAddr>, Error> {
        let failed = |error: &dyn std::fmt::Display| {
            Error::unavailable(Cause::Resolve, format!("no address of `{name}` was found: {error}"))
        };
        let mut absolute = Name::from_ascii(name).map_err(|error| failed(&error))?;
        absolute.set_fqdn(true);
        if let Source::System(hosts) = &self.0 {
            // A name that is there is not asked for.
            let known = hosts.addresses(&absolute);
            if !known.is_empty() {
                return Ok(known);
            }
        }
        let resolver = self.build().map_err(|error| failed(&error))?;
        let found = resolver.lookup_ip(absolute).await.map_err(|error| failed(&error))?;
        let addresses: Vec<IpAddr> = found.iter().collect();
        if addresses.is_empty() { Err(failed(&"the name has none")) } else { Ok(addresses) }
    }

    fn build(&self) -> Result<TokioResolver, NetError> {
        let provider = TokioRuntimeProvider::default();
        let mut builder = match &self.0 {
            Source::System(_) => TokioResolver::builder(provider)?,
            Source::Server(address) => {
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
