//! The other end of the socket: how the command line speaks to the daemon.

use crate::background::block_on;
use callbackd_core::model::text::safe;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::LINK;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::fmt::Display;
use std::io::ErrorKind;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::net::UnixStream;

/// The daemon answers within ten seconds or says that it cannot.
const PATIENCE: Duration = Duration::from_secs(20);

/// Longest answer that is taken, bytes, and a list's pages together: none of a daemon that is well comes near it, and one that was taken over has no end.
const MAX_ANSWER: usize = 64 << 20;

/// Most pages of one list.
const MAX_PAGES: usize = 10_000;

/// Characters of the daemon's words that are shown.
const MAX_WORDS: usize = 2_000;

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
        /// The field of the question that is wrong, where the answer names one.
        field: Option<String>,
    },
    /// The connection broke, or the answer was not understood.
    #[error("the daemon's answer cannot be read: {0}")]
    Broken(String),
}

/// Asks for a list, page by page, and gives all its rows in one.
///
/// # Errors
/// See [`ClientError`].
pub(crate) fn list(socket: &Path, path: &str) -> Result<Value, ClientError> {
    let (mut rows, mut next) = (Vec::new(), Some(path.to_owned()));
    let (mut pages, mut bytes) = (0, 0);
    while let Some(path) = next {
        pages += 1;
        if pages > MAX_PAGES {
            return Err(ClientError::Broken("the list has no end".to_owned()));
        }
        let page = with_link(socket, Method::GET, &path, None)?;
        bytes += page.bytes;
        if bytes > MAX_ANSWER {
            return Err(too_long());
        }
        match page.answer {
            Value::Array(page) => rows.extend(page),
            _ => return Err(ClientError::Broken("it is no list".to_owned())),
        }
        next = page.next;
    }
    Ok(Value::Array(rows))
}

/// One page of a list for a person who waits at a prompt: nothing is better than late.
///
/// # Errors
/// See [`ClientError`].
pub(crate) fn briefly(socket: &Path, path: &str) -> Result<Value, ClientError> {
    within(Duration::from_secs(1), socket, Method::GET, path, None).map(|linked| linked.answer)
}

/// Sends one request and waits for its answer.
///
/// # Errors
/// See [`ClientError`].
pub fn request(socket: &Path, method: Method, path: &str, body: Option<&Value>) -> Result<Value, ClientError> {
    with_link(socket, method, path, body).map(|linked| linked.answer)
}

struct Linked {
    answer: Value,
    /// Its length as text.
    bytes: usize,
    /// The path of the next page of its list.
    next: Option<String>,
}

fn with_link(socket: &Path, method: Method, path: &str, body: Option<&Value>) -> Result<Linked, ClientError> {
    within(PATIENCE, socket, method, path, body)
}

fn within(
    patience: Duration,
    socket: &Path,
    method: Method,
    path: &str,
    body: Option<&Value>,
) -> Result<Linked, ClientError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| ClientError::Broken(error.to_string()))?;
    let answer = async { tokio::time::timeout(patience, exchange(socket, method, path, body)).await };
    block_on(&runtime, answer).unwrap_or_else(|_| Err(ClientError::Broken("it took too long".to_owned())))
}

/// Follows a stream of server-sent events: each is handed over by its name, with its data, until `each` breaks or the daemon ends the stream.
///
/// # Errors
/// See [`ClientError`].
pub(crate) fn stream(
    socket: &Path,
    path: &str,
    mut each: impl FnMut(&str, &Value) -> ControlFlow<()>,
) -> Result<(), ClientError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| ClientError::Broken(error.to_string()))?;
    block_on(&runtime, async {
        let mut response = tokio::time::timeout(PATIENCE, send(socket, Method::GET, path, None))
            .await
            .unwrap_or_else(|_| Err(ClientError::Broken("it took too long".to_owned())))?;
        if response.status() != StatusCode::OK {
            return Err(refused(response).await?);
        }
        let mut text: Vec<u8> = Vec::new();
        while let Some(frame) = response.body_mut().frame().await {
            // A daemon that ends breaks its streams off.
            let Ok(frame) = frame else { return Ok(()) };
            let Ok(bytes) = frame.into_data() else { continue };
            text.extend_from_slice(&bytes);
            if text.len() > MAX_ANSWER {
                return Err(too_long());
            }
            while let Some(end) = memchr::memmem::find(&text, b"\n\n") {
                let event: Vec<u8> = text.drain(..end + 2).collect();
                let event = String::from_utf8_lossy(&event);
                let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
                // What has no data is a sign of life.
                let Some(data) = field("data:").and_then(|data| serde_json::from_str(data).ok()) else { continue };
                if each(field("event:").unwrap_or("message"), &data).is_break() {
                    return Ok(());
                }
            }
        }
        Ok(())
    })
}

async fn exchange(socket: &Path, method: Method, path: &str, body: Option<&Value>) -> Result<Linked, ClientError> {
    let response = send(socket, method, path, body).await?;
    if response.status() != StatusCode::OK {
        return Err(refused(response).await?);
    }
    let next = response.headers().get(LINK).and_then(|link| next(link.to_str().ok()?));
    let bytes = whole(response).await?;
    Ok(Linked { answer: serde_json::from_slice(&bytes).map_err(broken)?, bytes: bytes.len(), next })
}

/// Sends a request, and waits for the head of its answer.
async fn send(
    socket: &Path,
    method: Method,
    path: &str,
    body: Option<&Value>,
) -> Result<Response<Incoming>, ClientError> {
    let stream = UnixStream::connect(socket).await.map_err(|error| match error.kind() {
        ErrorKind::NotFound | ErrorKind::ConnectionRefused => ClientError::NotRunning(socket.to_owned()),
        ErrorKind::PermissionDenied => ClientError::NoPermission(socket.to_owned()),
        _ => ClientError::Broken(error.to_string()),
    })?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
    tokio::spawn(connection);
    let body = body.map_or_else(Bytes::new, |body| Bytes::from(body.to_string()));
    let request = Request::builder().method(method).uri(path).header("host", "callbackd").body(Full::new(body));
    sender.send_request(request.map_err(broken)?).await.map_err(broken)
}

fn broken(error: impl Display) -> ClientError {
    ClientError::Broken(shown(&error.to_string()))
}

fn too_long() -> ClientError {
    ClientError::Broken(format!("it is longer than {} MiB", MAX_ANSWER >> 20))
}

/// Words from the other end, which may be anybody's by now: safe for a terminal, and not without end.
fn shown(words: &str) -> String {
    safe(&words.chars().take(MAX_WORDS).collect::<String>())
}

async fn whole(response: Response<Incoming>) -> Result<Bytes, ClientError> {
    let body = Limited::new(response.into_body(), MAX_ANSWER).collect().await;
    let body = body.map_err(|error| if error.is::<LengthLimitError>() { too_long() } else { broken(error) })?;
    Ok(body.to_bytes())
}

/// The daemon's own words of why it does not do this.
async fn refused(response: Response<Incoming>) -> Result<ClientError, ClientError> {
    let status = response.status().as_u16();
    let answer: Value = serde_json::from_slice(&whole(response).await?).map_err(broken)?;
    let message = shown(answer["error"].as_str().unwrap_or("no reason was given"));
    let field = answer["field"].as_str().map(shown);
    Ok(ClientError::Refused { status, message, field })
}

/// The target of a `Link` that says `rel="next"` (RFC 8288), as this API writes it.
fn next(link: &str) -> Option<String> {
    let (target, rel) = link.strip_prefix('<')?.split_once('>')?;
    rel.contains("rel=\"next\"").then(|| target.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::os::unix::net::UnixListener;

    /// What a client says of a daemon that answers this, and goes on with `more` until nobody reads it.
    fn said(head: &str, more: &[u8]) -> String {
        let directory = tempfile::tempdir().unwrap();
        let socket = directory.path().join("api.sock");
        let listener = UnixListener::bind(&socket).unwrap();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let (mut stream, _) = listener.accept().unwrap();
                let _ = stream.read(&mut [0; 4_096]).unwrap();
                stream.write_all(head.as_bytes()).unwrap();
                while !more.is_empty() && stream.write_all(more).is_ok() {}
            });
            request(&socket, Method::GET, "/v1/status", None).unwrap_err().to_string()
        })
    }

    #[test]
    fn an_answer_without_an_end_is_given_up() {
        let piece = [b"10000\r\n".as_slice(), &[b'a'; 0x10000], b"\r\n"].concat();
        let said = said("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", &piece);
        assert_eq!(said, "the daemon's answer cannot be read: it is longer than 64 MiB");
    }

    #[test]
    fn a_list_whose_pages_have_no_end_is_given_up() {
        let page = format!("[\"{}\"]", "a".repeat(8 << 20));
        let head = "HTTP/1.1 200 OK\r\nConnection: close\r\nLink: </v1/calls?after=1>; rel=\"next\"\r\n";
        let answer = format!("{head}Content-Length: {}\r\n\r\n{page}", page.len());
        let directory = tempfile::tempdir().unwrap();
        let socket = directory.path().join("s");
        let listener = UnixListener::bind(&socket).unwrap();
        std::thread::spawn(move || {
            for mut client in listener.incoming().flatten() {
                let _ = client.read(&mut [0; 4_096]).unwrap();
                // Who hangs up has read enough.
                let _ = client.write_all(answer.as_bytes());
            }
        });
        let said = list(&socket, "/v1/calls").unwrap_err().to_string();
        assert_eq!(said, "the daemon's answer cannot be read: it is longer than 64 MiB");
    }

    #[test]
    fn the_daemons_words_are_safe_for_a_terminal() {
        let body = "{\"error\":\"bad \u{202e}\u{2028}\\u001b[2J\"}";
        let head = format!("HTTP/1.1 400 Bad\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        assert_eq!(said(&head, b""), "bad \\u{202e}\\u{2028}\\u{1b}[2J");
    }
}
