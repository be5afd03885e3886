//! What a server may say before it is asked again: tokio-postgres keeps a message in memory until its end has come, up to 2 GiB of it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Longest answer of a server, bytes. Answers to what a sink asks are a few rows and the texts of errors.
pub(super) const MAX_ANSWER: usize = 1 << 20;

/// A connection that ends with an error once the server has said more than [`MAX_ANSWER`] since something was last written to it.
#[derive(Debug)]
pub(super) struct Bounded<S> {
    stream: S,
    said: usize,
}

impl<S> Bounded<S> {
    pub(super) fn new(stream: S) -> Self {
        Self { stream, said: 0 }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Bounded<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, into);
        self.said += into.filled().len() - before;
        if self.said > MAX_ANSWER {
            let why = format!("the server's answer is longer than {} MiB", MAX_ANSWER >> 20);
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, why)));
        }
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Bounded<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
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
}
