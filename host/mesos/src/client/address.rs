//! Where masters are, as people and masters write it.

use std::fmt;
use std::str::FromStr;

/// Host and port of a master.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Address {
    pub host: String,
    pub port: u16,
}

/// Text that names no master.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "'{text}' is not the address of a master: {why}; write HOST:PORT, for example 10.0.0.1:5050"
)]
pub struct AddressError {
    text: String,
    why: &'static str,
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let wrong = |why| AddressError {
            text: text.to_owned(),
            why,
        };
        if text.contains("://") || text.contains('/') {
            return Err(wrong("a scheme or a path is not wanted"));
        }
        let (host, port) = text
            .rsplit_once(':')
            .ok_or_else(|| wrong("the port is missing"))?;
        let host = host
            .strip_prefix('[')
            .and_then(|h| h.strip_suffix(']'))
            .unwrap_or(host);
        if host.is_empty() {
            return Err(wrong("the host is missing"));
        }
        let port = port
            .parse()
            .map_err(|_| wrong("the port is not a number up to 65535"))?;
        Ok(Self {
            host: host.to_owned(),
            port,
        })
    }
}

impl Address {
    /// From the Location of a redirect (R7): `//host:port/path`, a whole URL,
    /// or `host:port`.
    pub(super) fn from_location(location: &str) -> Result<Self, AddressError> {
        let rest = location
            .strip_prefix("http://")
            .or_else(|| location.strip_prefix("https://"))
            .or_else(|| location.strip_prefix("//"))
            .unwrap_or(location);
        rest.split('/').next().unwrap_or(rest).parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r07_all_forms_of_a_redirect_are_understood() {
        for text in [
            "//127.0.0.1:5051/master/api/v1/scheduler",
            "http://127.0.0.1:5051/api/v1/scheduler",
            "127.0.0.1:5051",
        ] {
            assert_eq!(
                Address::from_location(text).unwrap().to_string(),
                "127.0.0.1:5051"
            );
        }
        assert_eq!(
            Address::from_location("//[::1]:1/x").unwrap().to_string(),
            "[::1]:1"
        );
        assert!(Address::from_location("/relative").is_err());
    }

    #[test]
    fn wrong_addresses_say_why() {
        for (text, why) in [
            ("localhost", "port is missing"),
            (":5050", "host is missing"),
            ("a:x", "not a number up to 65535"),
            ("http://a:1", "a scheme or a path"),
        ] {
            assert!(
                text.parse::<Address>()
                    .unwrap_err()
                    .to_string()
                    .contains(why),
                "{text}"
            );
        }
    }
}
