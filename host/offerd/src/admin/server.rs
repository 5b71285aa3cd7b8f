//! Listens and speaks HTTP/1.1.

use std::convert::Infallible;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::{Body, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::Semaphore;

use crate::config::Listen;

use super::guard;
use super::routes::{self, Answer, Context};

/// A job file of this size has some ten thousand jobs.
const LONGEST_BODY: usize = 8 << 20;

/// Open connections; more wait to be accepted.
const CONNECTIONS: usize = 64;

/// For a request's head to come.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// For its body to come after that: some of the few connections must not be held
/// by somebody who never ends.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// The admin API cannot listen.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    #[error(
        "the admin address {address} is in use: another offerd, or another program; end it, or \
         give this one an address of its own ([admin] listen)"
    )]
    InUse { address: String },
    #[error("the admin API cannot listen on {address}; choose another address ([admin] listen)")]
    Other {
        address: String,
        #[source]
        source: io::Error,
    },
}

impl BindError {
    pub(crate) fn other(listen: &Listen, source: io::Error) -> Self {
        Self::Other {
            address: listen.to_string(),
            source,
        }
    }
}

/// A bound listener.
#[derive(Debug)]
pub(crate) enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener, SocketFile),
}

/// Removes the socket's file at the end.
#[derive(Debug)]
pub(crate) struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        // Perhaps somebody removed it before.
        let _ = std::fs::remove_file(&self.0);
    }
}

impl Listener {
    pub(crate) async fn bind(listen: &Listen) -> Result<Self, BindError> {
        let bound = match listen {
            Listen::Tcp(address) => TcpListener::bind(address).await.map(Self::Tcp),
            Listen::Unix(path) => bind_unix(path).await,
        };
        bound.map_err(|source| match source.kind() {
            io::ErrorKind::AddrInUse => BindError::InUse {
                address: listen.to_string(),
            },
            _ => BindError::other(listen, source),
        })
    }

    /// The real address: with the port that was taken for port 0.
    pub(crate) fn address(&self) -> io::Result<Listen> {
        match self {
            Self::Tcp(listener) => listener.local_addr().map(Listen::Tcp),
            Self::Unix(_, file) => Ok(Listen::Unix(file.0.clone())),
        }
    }
}

/// A socket file that nobody listens on is left from a crash and is replaced.
async fn bind_unix(path: &Path) -> io::Result<Listener> {
    use std::os::unix::fs::DirBuilderExt as _;
    if let Some(parent) = path.parent() {
        // It is the store's directory if nothing else is said.
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true).mode(0o700).create(parent)?;
    }
    let listener = match UnixListener::bind(path) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            match tokio::net::UnixStream::connect(path).await {
                Err(refused) if refused.kind() == io::ErrorKind::ConnectionRefused => {
                    std::fs::remove_file(path)?;
                    UnixListener::bind(path)?
                }
                _ => return Err(error),
            }
        }
        other => other?,
    };
    only_owner(path)?;
    Ok(Listener::Unix(listener, SocketFile(path.to_owned())))
}

fn only_owner(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))
}

/// Serves until the task is aborted.
pub(crate) async fn serve(listener: Listener, context: Context) {
    let context = Arc::new(context);
    let permits = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok(permit) = Arc::clone(&permits).acquire_owned().await else {
            return;
        };
        let context = Arc::clone(&context);
        match &listener {
            Listener::Tcp(listener) => match listener.accept().await {
                Ok((stream, _)) => {
                    // Answers are written at once; an error changes nothing but speed.
                    let _ = stream.set_nodelay(true);
                    tokio::spawn(async move {
                        connection(stream, context, true).await;
                        drop(permit);
                    });
                }
                Err(error) => refused(&error).await,
            },
            Listener::Unix(listener, _) => match listener.accept().await {
                Ok((stream, _)) => {
                    tokio::spawn(async move {
                        connection(stream, context, false).await;
                        drop(permit);
                    });
                }
                Err(error) => refused(&error).await,
            },
        }
    }
}

/// Out of file descriptors, mostly: goes on when some are free again.
async fn refused(error: &io::Error) {
    const PAUSE: Duration = Duration::from_millis(100);
    tracing::warn!("the admin API cannot accept a connection: {error}");
    tokio::time::sleep(PAUSE).await;
}

async fn connection(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    context: Arc<Context>,
    guarded: bool,
) {
    let service = service_fn(move |request| {
        let context = Arc::clone(&context);
        async move { Ok::<_, Infallible>(respond(request, &context, guarded).await) }
    });
    let served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(error) = served {
        tracing::debug!("a connection to the admin API ended: {error}");
    }
}

async fn respond(
    request: Request<Incoming>,
    context: &Context,
    guarded: bool,
) -> Response<Full<Bytes>> {
    let (head, body) = request.into_parts();
    if guarded && let Err(why) = guard::check(&head.headers) {
        return response(Answer::failed(StatusCode::FORBIDDEN, why));
    }
    response(match read(body, BODY_TIMEOUT).await {
        Ok(body) => routes::answer(context, &head, body).await,
        Err(answer) => answer,
    })
}

/// The whole body, if it comes in time and is not too long.
async fn read<B>(body: B, limit: Duration) -> Result<Bytes, Answer>
where
    B: Body<Error: Into<Box<dyn std::error::Error + Send + Sync>>>,
{
    let whole = Limited::new(body, LONGEST_BODY).collect();
    match tokio::time::timeout(limit, whole).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Answer::failed(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("the body is longer than {} MiB", LONGEST_BODY >> 20),
        )),
        Ok(Err(error)) => Err(Answer::failed(
            StatusCode::BAD_REQUEST,
            format!("the body cannot be read: {error}"),
        )),
        Err(_) => Err(Answer::failed(
            StatusCode::REQUEST_TIMEOUT,
            format!("the body did not come within {} s", limit.as_secs()),
        )),
    }
}

fn response(answer: Answer) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(answer.body)));
    *response.status_mut() = answer.status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(answer.content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(
        "x-content-type-options",
        HeaderValue::from_static("nosniff"),
    );
    if let Some(allow) = answer.allow {
        headers.insert(ALLOW, HeaderValue::from_static(allow));
    }
    response
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use hyper::body::Frame;

    use super::*;

    /// The body of a client that was stopped.
    struct Endless;

    impl Body for Endless {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            Poll::Pending
        }
    }

    #[tokio::test]
    async fn a_body_that_does_not_come_holds_nothing_for_ever() {
        let answer = read(Endless, Duration::ZERO).await.unwrap_err();
        assert_eq!(answer.status, StatusCode::REQUEST_TIMEOUT);
        let body = Full::new(Bytes::from_static(b"x"));
        assert_eq!(read(body, BODY_TIMEOUT).await.unwrap(), "x");
        let long = Full::new(Bytes::from(vec![0; LONGEST_BODY + 1]));
        let answer = read(long, BODY_TIMEOUT).await.unwrap_err();
        assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    }
}
