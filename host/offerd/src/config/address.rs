//! Addresses: masters, and the place where the admin API listens.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use offerd_mesos::Address;

/// A master's `HOST:PORT`.
pub fn parse_master(text: &str) -> Result<Address, String> {
    if text.starts_with("zk://") {
        return Err(format!(
            "'{text}' is a ZooKeeper address, which this version does not read; list the masters \
             themselves, as HOST:PORT"
        ));
    }
    if text.starts_with("https://") || text.starts_with("http://") {
        return Err(format!(
            "'{text}' has a scheme; write HOST:PORT alone, and [mesos] tls = {{ ca = \"FILE\" }} \
             for TLS"
        ));
    }
    let address: Address = text.parse().map_err(|error| format!("{error}"))?;
    if address.port == 0 {
        return Err(format!("'{text}' has port 0; a port is from 1 to 65535"));
    }
    Ok(address)
}

/// Where the admin API listens. There is no password on it, so only addresses
/// that this machine alone can reach are possible.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listen {
    /// A loopback address; port 0 takes a free one.
    Tcp(SocketAddr),
    Unix(PathBuf),
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// `127.0.0.1:PORT`, `[::1]:PORT`, `localhost:PORT` or `unix:PATH`; a relative
/// path is relative to `base`.
pub fn parse_listen(text: &str, base: &Path) -> Result<Listen, String> {
    const RIGHT: &str = "write \"127.0.0.1:5580\", \"[::1]:5580\" or \"unix:/path/to/socket\"";
    if let Some(path) = text.strip_prefix("unix:") {
        return if path.is_empty() {
            Err(format!("'{text}' names no socket; {RIGHT}"))
        } else {
            Ok(Listen::Unix(base.join(path)))
        };
    }
    let address = match text.strip_prefix("localhost:") {
        Some(port) => port
            .parse()
            .ok()
            .map(|port| SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port)),
        None => text.parse::<SocketAddr>().ok(),
    };
    match address {
        Some(address) if address.ip().is_loopback() => Ok(Listen::Tcp(address)),
        Some(address) => Err(format!(
            "'{address}' can be reached from other machines, and the admin API has no password; \
             {RIGHT}"
        )),
        None => Err(format!("'{text}' is no address to listen on; {RIGHT}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masters() {
        for text in ["127.0.0.1:5050", "m1.example.org:80", "[fd00::1]:5050"] {
            assert_eq!(parse_master(text).unwrap().to_string(), text);
        }
        for (text, why) in [
            ("m1", "the port is missing"),
            (":5050", "the host is missing"),
            ("m1:port", "the port is not a number"),
            ("m1:0", "has port 0"),
            ("https://m1:5050", "has a scheme"),
            ("zk://m1:2181/mesos", "list the masters themselves"),
        ] {
            let error = parse_master(text).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
    }

    #[test]
    fn listen_only_where_this_machine_alone_can_reach() {
        let base = Path::new("/etc/offerd");
        for (text, printed) in [
            ("127.0.0.1:5580", "127.0.0.1:5580"),
            ("127.0.0.9:0", "127.0.0.9:0"),
            ("[::1]:5580", "[::1]:5580"),
            ("localhost:5580", "127.0.0.1:5580"),
            ("unix:/run/offerd.sock", "unix:/run/offerd.sock"),
            ("unix:offerd.sock", "unix:/etc/offerd/offerd.sock"),
        ] {
            assert_eq!(parse_listen(text, base).unwrap().to_string(), printed);
        }
        for (text, why) in [
            ("0.0.0.0:5580", "reached from other machines"),
            ("[::]:5580", "reached from other machines"),
            ("10.0.0.1:5580", "reached from other machines"),
            ("5580", "no address"),
            ("localhost", "no address"),
            ("unix:", "names no socket"),
        ] {
            let error = parse_listen(text, base).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
    }
}
