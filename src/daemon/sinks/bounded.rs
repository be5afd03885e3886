//! What a server may say before it is asked again, and what it is never sent: tokio-postgres keeps a message in memory until its end has come, up to
//! 2 GiB of it, and every setting; it sends the password itself where it is asked for it, and asks back as often as a server names new types.

use memchr::memmem;
use secrecy::{ExposeSecret, SecretString};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Longest answer of a server, bytes. Answers to what a sink asks are a few rows and the texts of errors.
pub(super) const MAX_ANSWER: usize = 1 << 20;

/// Settings (`ParameterStatus`) that a server may tell on one connection, each of which is kept. PostgreSQL tells some fifteen.
const MAX_SETTINGS: usize = 200;

/// In the question that tokio-postgres asks of a type that is not one of PostgreSQL's own. No statement here uses one, and no row holds a line break.
const ASKS_OF_TYPE: &[u8] = b"\nFROM pg_catalog.pg_type t\n";

/// A connection that ends with an error once the server has said more than [`MAX_ANSWER`] since something was last written to it, or is to be sent what it
/// never is.
#[derive(Debug)]
pub(super) struct Bounded<S> {
    stream: S,
    said: usize,
    messages: Messages,
    /// Not sent as it is.
    password: Option<SecretString>,
}

impl<S> Bounded<S> {
    /// To a server whose certificate was checked.
    pub(super) fn new(stream: S) -> Self {
        Self { stream, said: 0, messages: Messages::default(), password: None }
    }

    /// In the clear: the password is proved, and not sent.
    pub(super) fn in_the_clear(stream: S, password: SecretString) -> Self {
        Self { password: Some(password), ..Self::new(stream) }
    }

    /// Why this is not sent, if it is not.
    fn refusal(&self, bytes: &[u8]) -> Option<&'static str> {
        // Type `p`, four bytes of length, the password, a zero.
        let said = bytes.strip_prefix(b"p").and_then(|rest| rest.get(4..)).and_then(|rest| rest.strip_suffix(b"\0"));
        if self.password.as_ref().is_some_and(|password| said == Some(password.expose_secret().as_bytes())) {
            return Some(
                "the server asks for the password itself, which goes by TLS alone: let pg_hba.conf say scram-sha-256",
            );
        }
        memmem::find(bytes, ASKS_OF_TYPE).map(|_| "the server answers by a type that PostgreSQL does not have")
    }
}

/// Where the messages begin in what a server says: each has a byte that says what it is, four with the length of these and the rest, and the rest.
#[derive(Debug, Default)]
struct Messages {
    head: [u8; 5],
    /// Bytes of the head that have come.
    at: usize,
    /// Bytes of the rest that have not.
    left: usize,
    settings: usize,
}

impl Messages {
    fn take(&mut self, mut bytes: &[u8]) {
        loop {
            let passed = self.left.min(bytes.len());
            self.left -= passed;
            let Some((first, rest)) = bytes[passed..].split_first() else { return };
            bytes = rest;
            self.head[self.at] = *first;
            self.at += 1;
            if let [kind, length @ ..] = self.head
                && self.at == self.head.len()
            {
                self.at = 0;
                self.left = (u32::from_be_bytes(length) as usize).saturating_sub(4);
                self.settings += usize::from(kind == b'S');
            }
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Bounded<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, into);
        self.messages.take(&into.filled()[before..]);
        self.said += into.filled().len() - before;
        if self.messages.settings > MAX_SETTINGS {
            return Poll::Ready(Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "the server tells settings without end",
            )));
        }
        if self.said > MAX_ANSWER {
            let why = format!("the server's answer is longer than {} MiB", MAX_ANSWER >> 20);
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, why)));
        }
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Bounded<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if let Some(why) = self.refusal(bytes) {
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, why)));
        }
        let polled = Pin::new(&mut self.stream).poll_write(cx, bytes);
        if matches!(polled, Poll::Ready(Ok(1..))) {
            self.said = 0;
        }
        polled
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    #[tokio::test]
    async fn a_server_may_say_so_much_after_each_question_and_no_more() {
        let (ours, mut server) = tokio::io::duplex(MAX_ANSWER * 2);
        let mut ours = Bounded::new(ours);
        let mut answer = vec![0; MAX_ANSWER];
        for _ in 0..3 {
            ours.write_all(b"?").await.unwrap();
            server.write_all(&answer).await.unwrap();
            ours.read_exact(&mut answer).await.unwrap();
        }
        server.write_all(b"!").await.unwrap();
        let refused = ours.read_u8().await.unwrap_err();
        assert_eq!(refused.to_string(), "the server's answer is longer than 1 MiB");
    }

    #[tokio::test]
    async fn settings_are_counted_wherever_a_read_ends_and_have_an_end() {
        let setting = b"S\0\0\0\x08a\0b\0";
        let (ours, mut server) = tokio::io::duplex(1 << 16);
        let mut ours = Bounded::new(ours);
        for n in 0..=MAX_SETTINGS {
            // What looks like another one stands within a notice.
            server.write_all(b"N\0\0\0\x0dS\0\0\0\x04S\0\0\0").await.unwrap();
            ours.write_all(b"?").await.unwrap();
            ours.read_exact(&mut [0; 14]).await.unwrap();
            server.write_all(setting).await.unwrap();
            let mut heard = [0; 9];
            let (first, rest) = heard.split_at_mut(n % 8 + 1);
            let read = match ours.read_exact(first).await {
                Ok(_) => ours.read_exact(rest).await,
                failed => failed,
            };
            assert_eq!(read.is_ok(), n < MAX_SETTINGS, "{n}");
        }
    }

    #[tokio::test]
    async fn in_the_clear_the_password_is_not_sent_and_by_tls_it_is() {
        let (ours, _server) = tokio::io::duplex(1 << 10);
        let mut message = b"p\0\0\0\x0bsecret\0".to_vec();
        let mut clear = Bounded::in_the_clear(ours, SecretString::from("secret"));
        let refused = clear.write(&message).await.unwrap_err();
        assert!(refused.to_string().contains("by TLS alone"), "{refused}");
        message[8] = b'E';
        clear.write_all(&message).await.unwrap();
        let (ours, _server) = tokio::io::duplex(1 << 10);
        Bounded::new(ours).write_all(b"p\0\0\0\x0bsecret\0").await.unwrap();
    }
}
