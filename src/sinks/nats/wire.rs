//! The protocol: lines, and messages behind some of them.

use super::greeting::Info;
use super::{Fault, said};
use crate::random::digits;
use bytes::{Buf, Bytes, BytesMut};
use memchr::memmem;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use std::collections::VecDeque;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf, split};
use tokio::time::timeout;

/// Longest line of a server, bytes. `INFO` names the servers of a cluster; all other lines are short.
pub(super) const MAX_LINE: usize = 64 << 10;
/// Longest message that is kept, headers included, bytes. Of a longer one, which is none of ours, only the subject is kept.
pub(crate) const MAX_MESSAGE: usize = 4 << 20;
/// Messages that are kept while the answer to something else is waited for.
const MAX_ASIDE: usize = 512;
/// More is not put to what is to be sent before some of it is, bytes.
const MAX_UNSENT: usize = 1 << 20;

/// What a connection can do.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// A message.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    /// Where it was published, or the place that was given for its answer.
    pub(crate) subject: String,
    /// Where its answer, or its acknowledgement, goes.
    pub(crate) reply: String,
    /// As they are, `NATS/1.0` first; empty if there are none.
    pub(crate) headers: Bytes,
    /// What it says.
    pub(crate) body: Bytes,
    /// It was longer than [`MAX_MESSAGE`]: headers and body are not kept.
    pub(crate) cut: bool,
}

impl Message {
    /// The number in the first line of the headers: 503 where nobody answers.
    pub(crate) fn status(&self) -> Option<u16> {
        self.header_line().strip_prefix("NATS/1.0 ")?.get(..3)?.parse().ok()
    }

    /// The first line of the headers.
    pub(crate) fn header_line(&self) -> &str {
        std::str::from_utf8(&self.headers).unwrap_or_default().lines().next().unwrap_or_default()
    }
}

/// What a header says among these.
pub(crate) fn header<'h>(headers: &'h [u8], name: &str) -> Option<&'h str> {
    let lines = std::str::from_utf8(headers).ok()?.split("\r\n").skip(1);
    let mut pairs = lines.filter_map(|line| line.split_once(':'));
    pairs.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}

/// The line of a message whose rest has not come yet.
#[derive(Debug)]
struct Head {
    subject: String,
    reply: String,
    headers: usize,
    all: usize,
}

/// What a server says to somebody who has logged in.
#[derive(Debug)]
enum Said {
    Message(Message),
    Pong,
}

/// A connection that has logged in.
pub(crate) struct Client {
    read: ReadHalf<Box<dyn Stream>>,
    write: WriteHalf<Box<dyn Stream>>,
    input: BytesMut,
    unsent: BytesMut,
    unflushed: bool,
    head: Option<Head>,
    /// Bytes of a message that is not kept which have not come yet.
    skip: usize,
    aside: VecDeque<Message>,
    inbox: String,
    asked: u64,
    /// For one answer.
    patience: Duration,
    info: Info,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("info", &self.info).finish_non_exhaustive()
    }
}

impl Client {
    /// Logs in; `named`: by this the server's administrator knows it.
    ///
    /// # Errors
    /// See [`Fault`].
    pub(crate) async fn login(
        stream: Box<dyn Stream>,
        info: Info,
        (user, password): (&str, &SecretString),
        named: &str,
    ) -> Result<Self, Fault> {
        let (read, write) = split(stream);
        let inbox = format!("_INBOX.{}", digits::<11>()?);
        let (input, unsent, aside) = (BytesMut::new(), BytesMut::new(), VecDeque::new());
        let (unflushed, head, skip, asked, patience) = (false, None, 0, 0, Duration::MAX);
        let mut client =
            Self { read, write, input, unsent, unflushed, head, skip, aside, inbox, asked, patience, info };
        let connect = json!({
            "verbose": false, "pedantic": false, "headers": true, "no_responders": true, "protocol": 1, "lang": "callbackd",
            "version": env!("CARGO_PKG_VERSION"), "name": named, "user": user, "pass": password.expose_secret(),
        });
        client.put(&[b"CONNECT ", connect.to_string().as_bytes(), b"\r\n"]);
        let inbox = client.inbox.clone();
        client.put(&[b"SUB ", inbox.as_bytes(), b".* 1\r\n"]);
        client.ping().await?;
        Ok(client)
    }

    /// From now on an answer is waited for no longer than so long.
    pub(crate) fn has_patience(&mut self, patience: Duration) {
        self.patience = patience;
    }

    /// What the server says of itself.
    pub(crate) fn info(&self) -> &Info {
        &self.info
    }

    /// Asks for a sign of life, and waits for it.
    ///
    /// # Errors
    /// See [`Fault`].
    pub(crate) async fn ping(&mut self) -> Result<(), Fault> {
        self.put(&[b"PING\r\n"]);
        loop {
            match self.said().await? {
                Said::Pong => return Ok(()),
                Said::Message(message) => self.lay_aside(message)?,
            }
        }
    }

    /// The next message. May be dropped while it waits: nothing is lost.
    ///
    /// # Errors
    /// See [`Fault`].
    pub(crate) async fn next(&mut self) -> Result<Message, Fault> {
        if let Some(message) = self.aside.pop_front() {
            return Ok(message);
        }
        loop {
            if let Said::Message(message) = self.said().await? {
                return Ok(message);
            }
        }
    }

    /// While nothing is asked: until the connection ends.
    pub(crate) async fn listens(&mut self) -> Fault {
        loop {
            if let Err(fault) = self.next().await {
                return fault;
            }
        }
    }

    /// A place of our own for an answer, which nobody else has.
    pub(crate) fn place(&mut self) -> String {
        self.asked += 1;
        format!("{}.{}", self.inbox, self.asked)
    }

    /// Publishes something. It is on its way with the next thing that is waited for, and waits itself while too much is.
    ///
    /// # Errors
    /// See [`Fault`].
    pub(crate) async fn publish(
        &mut self,
        subject: &str,
        reply: &str,
        headers: Option<&str>,
        body: &[u8],
    ) -> Result<(), Fault> {
        while self.unsent.len() > MAX_UNSENT {
            self.turn().await?;
        }
        let line = match headers {
            Some(headers) => {
                format!("HPUB {subject} {reply} {} {}\r\n{headers}", headers.len(), headers.len() + body.len())
            }
            None => format!("PUB {subject} {reply} {}\r\n", body.len()),
        };
        self.put(&[line.as_bytes(), body, b"\r\n"]);
        Ok(())
    }

    /// Sends what is to be sent.
    ///
    /// # Errors
    /// See [`Fault`].
    pub(crate) async fn flush(&mut self) -> Result<(), Fault> {
        while !self.unsent.is_empty() || self.unflushed {
            self.turn().await?;
        }
        Ok(())
    }

    /// Asks something, and waits for its answer. Other messages that come meanwhile are next.
    ///
    /// # Errors
    /// See [`Fault`]; [`Fault::NoJetStream`] where nobody answers.
    pub(crate) async fn ask(&mut self, subject: &str, body: &[u8]) -> Result<Message, Fault> {
        self.ask_with(subject, None, body).await
    }

    /// The same with headers.
    ///
    /// # Errors
    /// See [`Client::ask`].
    pub(crate) async fn ask_with(
        &mut self,
        subject: &str,
        headers: Option<&str>,
        body: &[u8],
    ) -> Result<Message, Fault> {
        let (place, within) = (self.place(), self.patience);
        let answered = async {
            self.publish(subject, &place, headers, body).await?;
            loop {
                match self.said().await? {
                    Said::Message(answer) if answer.subject == place => return Ok(answer),
                    Said::Message(other) => self.lay_aside(other)?,
                    Said::Pong => {}
                }
            }
        };
        let answer = timeout(within, answered).await.unwrap_or(Err(Fault::Slow(within)))?;
        if answer.status() == Some(503) { Err(Fault::NoJetStream) } else { Ok(answer) }
    }

    fn lay_aside(&mut self, message: Message) -> Result<(), Fault> {
        if self.aside.len() >= MAX_ASIDE {
            return Err(Fault::Garbled("it sends what was not asked for, without end"));
        }
        self.aside.push_back(message);
        Ok(())
    }

    fn put(&mut self, parts: &[&[u8]]) {
        parts.iter().for_each(|part| self.unsent.extend_from_slice(part));
    }

    async fn said(&mut self) -> Result<Said, Fault> {
        loop {
            if let Some(said) = self.parsed()? {
                return Ok(said);
            }
            self.turn().await?;
        }
    }

    /// Sends or receives something. May be dropped while it waits: nothing is lost.
    async fn turn(&mut self) -> Result<(), Fault> {
        let is_to_send = !self.unsent.is_empty() || self.unflushed;
        let (write, unsent) = (&mut self.write, &mut self.unsent);
        // One thing at a time: what is dropped in between has done nothing.
        let sending = async {
            if unsent.is_empty() {
                write.flush().await.map(|()| false)
            } else {
                write.write_buf(unsent).await.map(|_| true)
            }
        };
        tokio::select! {
            is_unflushed = sending, if is_to_send => self.unflushed = is_unflushed?,
            read = self.read.read_buf(&mut self.input) => {
                if read? == 0 {
                    return Err(Fault::Closed);
                }
            }
        }
        Ok(())
    }

    /// The next thing that has come whole.
    fn parsed(&mut self) -> Result<Option<Said>, Fault> {
        loop {
            if self.skip > 0 {
                let gone = self.skip.min(self.input.len());
                self.input.advance(gone);
                self.skip -= gone;
                if self.skip > 0 {
                    return Ok(None);
                }
            }
            if let Some(Head { headers, all, .. }) = &self.head {
                let (headers, all) = (*headers, *all);
                let cut = all > MAX_MESSAGE;
                if !cut && self.input.len() < all + 2 {
                    return Ok(None);
                }
                let Some(Head { subject, reply, .. }) = self.head.take() else { return Ok(None) };
                if cut {
                    self.skip = all + 2;
                    let (headers, body) = (Bytes::new(), Bytes::new());
                    return Ok(Some(Said::Message(Message { subject, reply, headers, body, cut })));
                }
                let mut whole = self.input.split_to(all).freeze();
                self.input.advance(2);
                let headers = whole.split_to(headers);
                return Ok(Some(Said::Message(Message { subject, reply, headers, body: whole, cut })));
            }
            let Some(end) = memmem::find(&self.input, b"\r\n") else {
                let too_long = self.input.len() > MAX_LINE;
                return if too_long { Err(Fault::Garbled("a line of it has no end")) } else { Ok(None) };
            };
            let line = self.input.split_to(end + 2);
            let line = std::str::from_utf8(&line[..end]).map_err(|_| Fault::Garbled("a line of it is no text"))?;
            let (word, rest) = line.split_once([' ', '\t']).unwrap_or((line, ""));
            match word.to_ascii_uppercase().as_str() {
                "MSG" => self.head = Some(head(rest, false)?),
                "HMSG" => self.head = Some(head(rest, true)?),
                "PING" => self.unsent.extend_from_slice(b"PONG\r\n"),
                "PONG" => return Ok(Some(Said::Pong)),
                "+OK" | "INFO" => {}
                "-ERR" => return Err(complaint(rest)),
                _ => return Err(Fault::Garbled("a line of it begins with a word that is none of NATS'")),
            }
        }
    }
}

/// `<subject> <sid> [reply] [headers' size] <size>`
fn head(line: &str, has_headers: bool) -> Result<Head, Fault> {
    const WRONG: Fault = Fault::Garbled("the line of a message is not whole");
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    let sizes = if has_headers { 2 } else { 1 };
    let at = words.len().checked_sub(sizes).filter(|at| (2..=3).contains(at)).ok_or(WRONG)?;
    let size = |word: &str| word.parse::<u32>().map(|size| size as usize).map_err(|_| WRONG);
    let (headers, all) = (if has_headers { size(words[at])? } else { 0 }, size(words[words.len() - 1])?);
    if headers > all {
        return Err(WRONG);
    }
    let reply = if at == 3 { words[2] } else { "" };
    Ok(Head { subject: words[0].to_owned(), reply: reply.to_owned(), headers, all })
}

fn complaint(rest: &str) -> Fault {
    let text = said(rest.trim().trim_matches('\''));
    let lower = text.to_ascii_lowercase();
    if lower.starts_with("authorization") || lower.contains("authentication") {
        Fault::Unauthorized(text)
    } else if lower.starts_with("permissions") {
        Fault::Forbidden(text)
    } else {
        Fault::Said(text)
    }
}

#[cfg(test)]
mod tests {
    use super::super::greeting::SAMPLE as INFO;
    use super::*;
    use tokio::io::{DuplexStream, duplex};

    async fn logged_in() -> (Client, DuplexStream) {
        let (ours, mut server) = duplex(MAX_MESSAGE * 2);
        let info = Info::of(&INFO.as_bytes()[5..]).unwrap();
        server.write_all(b"PONG\r\n").await.unwrap();
        let password = SecretString::from("secret");
        (Client::login(Box::new(ours), info, ("site", &password), "test").await.unwrap(), server)
    }

    #[tokio::test]
    async fn a_message_comes_whole_wherever_a_read_ends_and_a_ping_is_answered() {
        let (mut client, mut server) = logged_in().await;
        let said = b"PING\r\n+OK\r\nHMSG a.b 1 back 22 27\r\nNATS/1.0 503\r\nX: y\r\n\r\nhello\r\nMSG c 1 0\r\n\r\n";
        let (first, second) = tokio::join!(client.next(), async {
            for byte in said {
                server.write_all(&[*byte]).await.unwrap();
                tokio::task::yield_now().await;
            }
            server
        });
        let (first, mut server) = (first.unwrap(), second);
        assert_eq!((first.subject.as_str(), first.reply.as_str(), &first.body[..]), ("a.b", "back", &b"hello"[..]));
        assert_eq!((first.status(), header(&first.headers, "x")), (Some(503), Some("y")));
        let second = client.next().await.unwrap();
        assert!(second.subject == "c" && second.body.is_empty() && second.status().is_none());
        client.flush().await.unwrap();
        let mut heard = vec![0; 4096];
        let read = server.read(&mut heard).await.unwrap();
        let heard = String::from_utf8_lossy(&heard[..read]).into_owned();
        assert!(heard.starts_with("CONNECT {") && heard.ends_with("PING\r\nPONG\r\n"), "{heard}");
    }

    #[tokio::test]
    async fn of_a_message_that_is_too_long_only_the_subject_is_kept_and_the_next_is_read() {
        let (mut client, mut server) = logged_in().await;
        let size = MAX_MESSAGE + 1;
        server.write_all(format!("MSG long 1 r {size}\r\n").as_bytes()).await.unwrap();
        server.write_all(&vec![b'x'; size]).await.unwrap();
        server.write_all(b"\r\nMSG next 1 2\r\nok\r\n").await.unwrap();
        let long = client.next().await.unwrap();
        assert!(long.cut && long.subject == "long" && long.reply == "r" && long.body.is_empty());
        assert_eq!(&client.next().await.unwrap().body[..], b"ok");
    }

    #[tokio::test]
    async fn a_line_without_end_and_what_is_no_line_of_nats_end_the_connection() {
        let endless = "MSG ".repeat(MAX_LINE);
        for said in
            [endless.as_str(), "HTTP/1.1 200 OK\r\n", "MSG a 1\r\n", "HMSG a 1 9 3\r\n", "MSG a 1 99999999999\r\n"]
        {
            let (mut client, mut server) = logged_in().await;
            server.write_all(said.as_bytes()).await.unwrap();
            let refused = client.next().await.unwrap_err();
            assert!(matches!(refused, Fault::Garbled(_)), "{said:.40}: {refused}");
        }
        let (mut client, mut server) = logged_in().await;
        server.write_all(b"-ERR 'Authorization Violation'\r\n").await.unwrap();
        assert!(matches!(client.next().await, Err(Fault::Unauthorized(_))));
    }

    #[tokio::test]
    async fn what_was_not_asked_for_is_kept_for_so_long_and_no_longer() {
        let (mut client, mut server) = logged_in().await;
        server.write_all("MSG x 1 0\r\n\r\n".repeat(MAX_ASIDE + 1).as_bytes()).await.unwrap();
        let refused = client.ping().await.unwrap_err();
        assert!(refused.to_string().contains("without end"), "{refused}");
    }
}
