//! Plain and TLS connections.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::address::Address;

/// A connection without traffic is probed after the first of these, then again
/// after each second one, and given up after so many probes. The connection for
/// calls may be idle for long, and what stands between forgets idle connections.
const PROBES: (Duration, Duration, u32) = (Duration::from_secs(30), Duration::from_secs(10), 3);

/// The CA file can't be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("the CA file {} can't be read; expected certificates in PEM form", path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: rustls_pki_types::pem::Error,
    },
    #[error("the CA file {} holds no certificate; expected at least one in PEM form", path.display())]
    Empty { path: PathBuf },
    #[error("the CA file {} holds a certificate that is not valid", path.display())]
    Certificate {
        path: PathBuf,
        #[source]
        source: rustls::Error,
    },
    #[error("TLS can't be set up")]
    Setup(#[source] rustls::Error),
}

/// A connection of either kind.
pub(super) trait Io: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// Makes connections.
pub(super) struct Connector {
    tls: Option<TlsConnector>,
    timeout: Duration,
}

impl Connector {
    pub(super) fn new(ca: Option<&Path>, timeout: Duration) -> Result<Self, TlsError> {
        let tls = ca.map(tls).transpose()?;
        Ok(Self { tls, timeout })
    }

    /// Connects within the time limit.
    pub(super) async fn connect(&self, address: &Address) -> io::Result<Box<dyn Io>> {
        match tokio::time::timeout(self.timeout, self.open(address)).await {
            Ok(result) => result,
            Err(_) => Err(io::Error::new(
                io::ErrorKind::TimedOut,
                format!("no connection within {} s", self.timeout.as_secs_f64()),
            )),
        }
    }

    async fn open(&self, address: &Address) -> io::Result<Box<dyn Io>> {
        let stream = TcpStream::connect((address.host.as_str(), address.port)).await?;
        stream.set_nodelay(true)?;
        let (idle, interval, probes) = PROBES;
        let keepalive = TcpKeepalive::new()
            .with_time(idle)
            .with_interval(interval)
            .with_retries(probes);
        SockRef::from(&stream).set_tcp_keepalive(&keepalive)?;
        let Some(tls) = &self.tls else {
            return Ok(Box::new(stream));
        };
        let name = ServerName::try_from(address.host.clone())
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        let stream = tls
            .connect(name, stream)
            .await
            .map_err(|error| explain(&error, &address.host))?;
        Ok(Box::new(stream))
    }
}

/// A failed handshake, with what would be right.
fn explain(error: &io::Error, host: &str) -> io::Error {
    let cause = error
        .get_ref()
        .and_then(|cause| cause.downcast_ref::<rustls::Error>());
    let text = match cause {
        Some(rustls::Error::InvalidCertificate(_)) => format!(
            "TLS failed: {error}; expected a certificate for {host} that is signed by an \
             authority of [mesos.tls] ca"
        ),
        _ => format!("TLS failed: {error}; does the master speak TLS on this port?"),
    };
    io::Error::new(error.kind(), text)
}

fn tls(path: &Path) -> Result<TlsConnector, TlsError> {
    let read = |source| TlsError::Read {
        path: path.to_owned(),
        source,
    };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).map_err(read)? {
        roots
            .add(certificate.map_err(read)?)
            .map_err(|source| TlsError::Certificate {
                path: path.to_owned(),
                source,
            })?;
    }
    if roots.is_empty() {
        return Err(TlsError::Empty {
            path: path.to_owned(),
        });
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Setup)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}
