//! The system's own list of names, `/etc/hosts`.

use hickory_resolver::Hosts;
use hickory_resolver::lookup::Lookup;
use hickory_resolver::proto::op::Query;
use hickory_resolver::proto::rr::{Name, RecordType};
use std::fs::File;
use std::io;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

/// The file, read again when it has changed. Some are long, and would be read for every call.
#[derive(Debug)]
pub(crate) struct HostsFile {
    path: PathBuf,
    read: Mutex<Option<(Version, Arc<Hosts>)>>,
}

/// When the file was last written, and its length.
type Version = (SystemTime, u64);

impl HostsFile {
    pub(crate) fn new(path: impl Into<PathBuf>) -> HostsFile {
        HostsFile { path: path.into(), read: Mutex::new(None) }
    }

    /// The addresses of an absolute name; none where the file does not have it, or cannot be read.
    pub(crate) fn addresses(&self, name: &Name) -> Vec<IpAddr> {
        let Ok(hosts) = self.hosts() else { return Vec::new() };
        let lookups = [RecordType::A, RecordType::AAAA]
            .map(|kind| hosts.lookup_static_host(&Query::query(name.clone(), kind)));
        let addresses =
            |lookup: &Lookup| lookup.answers().iter().filter_map(|record| record.data.ip_addr()).collect();
        lookups.iter().flatten().flat_map::<Vec<IpAddr>, _>(addresses).collect()
    }

    fn hosts(&self) -> io::Result<Arc<Hosts>> {
        let file = File::open(&self.path)?;
        let metadata = file.metadata()?;
        let version = (metadata.modified()?, metadata.len());
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, hosts)) = &*read
            && *of == version
        {
            return Ok(hosts.clone());
        }
        let mut hosts = Hosts::default();
        hosts.read_hosts_conf(file)?;
        let hosts = Arc::new(hosts);
        *read = Some((version, hosts.clone()));
        Ok(hosts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_the_addresses_that_the_file_has_now() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hosts");
        let hosts = HostsFile::new(&path);
        let told = |name: &str| {
            let mut name = Name::from_ascii(name).unwrap();
            name.set_fqdn(true);
            hosts.addresses(&name).iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(told("nas.lan"), [""; 0]);
        std::fs::write(&path, "# comment\n10.0.0.5 nas.lan nas # more\nfd00::5\tNAS.lan\nnonsense\n")
            .unwrap();
        assert_eq!(told("nas.lan"), ["10.0.0.5", "fd00::5"]);
        assert_eq!(told("nas"), ["10.0.0.5"]);
        assert_eq!(told("other.lan"), [""; 0]);
        std::fs::write(&path, "10.0.0.66 nas.lan\n").unwrap();
        assert_eq!(told("nas.lan"), ["10.0.0.66"]);
        std::fs::remove_file(&path).unwrap();
        assert_eq!(told("nas.lan"), [""; 0]);
    }
}
