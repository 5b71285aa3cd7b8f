//! Who may use the admin API over TCP: programs on this machine, not web pages.
//!
//! There is no password, so a page in a browser on this machine could try to
//! use it. Browsers name the page in `Origin` when it could do harm, and a page
//! that made its own name point here (DNS rebinding) shows in `Host`.

use http::header::{HOST, HeaderMap, ORIGIN};

/// Why a request is refused, if it is.
pub(crate) fn check(headers: &HeaderMap) -> Result<(), String> {
    if headers.contains_key(ORIGIN) {
        return Err("requests of web pages are refused (this one has an Origin)".to_owned());
    }
    if let Some(site) = headers.get("sec-fetch-site")
        && site != "none"
    {
        return Err("requests of web pages are refused (this one has Sec-Fetch-Site)".to_owned());
    }
    let Some(host) = headers.get(HOST) else {
        return Ok(());
    };
    match host.to_str() {
        Ok(host) if is_local(host) => Ok(()),
        _ => Err(format!(
            "the Host {host:?} is not this machine; use 127.0.0.1, [::1] or localhost"
        )),
    }
}

fn is_local(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split_once(']').map_or("", |(address, _)| address),
        None => host.split_once(':').map_or(host, |(name, _)| name),
    };
    name.eq_ignore_ascii_case("localhost")
        || name
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(headers: &[(&'static str, &str)]) -> Result<(), String> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().unwrap());
        }
        check(&map)
    }

    #[test]
    fn programs_pass() {
        checked(&[]).unwrap();
        for host in [
            "127.0.0.1:5580",
            "localhost",
            "LOCALHOST:1",
            "[::1]:5580",
            "127.0.0.9",
        ] {
            checked(&[("host", host)]).unwrap();
        }
        checked(&[("host", "localhost"), ("sec-fetch-site", "none")]).unwrap();
    }

    #[test]
    fn web_pages_do_not() {
        for headers in [
            [
                ("host", "127.0.0.1:5580"),
                ("origin", "http://evil.example"),
            ],
            [("host", "127.0.0.1:5580"), ("origin", "null")],
            [("host", "127.0.0.1:5580"), ("sec-fetch-site", "cross-site")],
            [("host", "evil.example:5580"), ("accept", "*/*")],
            [("host", "127.0.0.1.evil.example"), ("accept", "*/*")],
            [("host", "[::1"), ("accept", "*/*")],
        ] {
            assert!(checked(&headers).is_err(), "{headers:?}");
        }
    }
}
