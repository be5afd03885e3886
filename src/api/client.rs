//! The other end of the socket: how the command line speaks to the daemon.

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::LINK;
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::net::UnixStream;

/// The daemon answers within ten seconds or says that it cannot.
const PATIENCE: Duration = Duration::from_secs(20);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody listens at the socket: the daemon does not run.
    #[error("the daemon does not run, or listens elsewhere than at {}: systemctl start callbackd, or name its socket with --socket", .0.display())]
    NotRunning(PathBuf),
    /// The socket's mode or group does not let this user in.
    #[error("no permission for {}: join the group that owns it, or use sudo", .0.display())]
    NoPermission(PathBuf),
    /// The daemon's own words.
    #[error("{message}")]
    Refused {
        /// HTTP status of the answer.
        status: u16,
        /// The answer's text.
        message: String,
    },
    /// The connection broke, or the answer was not understood.
    #[error("the daemon gave no answer that can be read: {0}")]
    Broken(String),
}

/// Asks for a list, page by page, and gives all its rows in one.
///
/// # Errors
/// See [`ClientError`].
pub fn list(socket: &Path, path: &str) -> Result<Value, ClientError> {
    let (mut rows, mut next) = (Vec::new(), Some(path.to_owned()));
    while let Some(path) = next {
        let (page, link) = with_link(socket, Method::GET, &path, None)?;
        match page {
            Value::Array(page) => rows.extend(page),
            other => return Err(ClientError::Broken(format!("no list but {other}"))),
        }
        next = link;
    }
    Ok(Value::Array(rows))
}

/// Sends one request and waits for its answer.
///
/// # Errors
/// See [`ClientError`].
pub fn request(socket: &Path, method: Method, path: &str, body: Option<&Value>) -> Result<Value, ClientError> {
    with_link(socket, method, path, body).map(|(answer, _)| answer)
}

/// An answer, and the path of the next page of its list.
type Linked = (Value, Option<String>);

fn with_link(socket: &Path, method: Method, path: &str, body: Option<&Value>) -> Result<Linked, ClientError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| ClientError::Broken(error.to_string()))?;
    let answer = async { tokio::time::timeout(PATIENCE, exchange(socket, method, path, body)).await };
    runtime.block_on(answer).unwrap_or_else(|_| Err(ClientError::Broken("it took too long".to_owned())))
}

async fn exchange(socket: &Path, method: Method, path: &str, body: Option<&Value>) -> Result<Linked, ClientError> {
    let stream = UnixStream::connect(socket).await.map_err(|error| match error.kind() {
        ErrorKind::NotFound | ErrorKind::ConnectionRefused => ClientError::NotRunning(socket.to_owned()),
        ErrorKind::PermissionDenied => ClientError::NoPermission(socket.to_owned()),
        _ => ClientError::Broken(error.to_string()),
    })?;
    let broken = |error: &dyn std::fmt::Display| ClientError::Broken(error.to_string());
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|e| broken(&e))?;
    tokio::spawn(connection);
    let body = body.map_or_else(Bytes::new, |body| Bytes::from(body.to_string()));
    let request = Request::builder().method(method).uri(path).header("host", "callbackd").body(Full::new(body));
    let response = sender.send_request(request.map_err(|e| broken(&e))?).await.map_err(|e| broken(&e))?;
    let status = response.status();
    let link = response.headers().get(LINK).and_then(|link| next(link.to_str().ok()?));
    let bytes = response.into_body().collect().await.map_err(|e| broken(&e))?.to_bytes();
    let value: Value = serde_json::from_slice(&bytes).map_err(|e| broken(&e))?;
    if status == StatusCode::OK {
        return Ok((value, link));
    }
    let message = value["error"].as_str().unwrap_or("no reason was given").to_owned();
    Err(ClientError::Refused { status: status.as_u16(), message })
}

/// The target of a `Link` that says `rel="next"` (RFC 8288), as this API writes it.
fn next(link: &str) -> Option<String> {
    let (target, rel) = link.strip_prefix('<')?.split_once('>')?;
    rel.contains("rel=\"next\"").then(|| target.to_owned())
}
