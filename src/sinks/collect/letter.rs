//! A message as it came, and what it says.

use super::super::nats::body;
use super::super::nats::envelope::Mark;
use super::super::nats::subject::name;
use super::super::nats::wire::Message;
use crate::store;
use crate::store::copies::{Position, Rows, rows_of};
use bytes::Bytes;

/// A message as it came.
#[derive(Debug)]
pub(crate) struct Letter {
    /// Where it was published.
    pub(crate) subject: String,
    /// The site, by the subject: who may publish there is the server's business. `None`: it is of no site.
    pub(crate) site: Option<String>,
    /// Its place; `None` if it is none of ours.
    pub(crate) mark: Option<Mark>,
    /// Its number in the stream.
    pub(crate) stream_seq: i64,
    pub(super) headers: Bytes,
    pub(super) body: Bytes,
}

/// What it says.
#[derive(Debug)]
pub(super) struct Content {
    pub(super) rows: Vec<Rows>,
    pub(super) called_again: Vec<String>,
    pub(super) list: Option<(String, Option<String>)>,
    pub(super) next: Option<Position>,
    pub(super) set_back: bool,
}

/// Why it says nothing.
#[derive(Debug)]
pub(super) enum NotContent {
    /// The site has a later version of its tables than there are here.
    Newer(usize),
    /// It is not as a message is.
    Unreadable(String),
}

impl Letter {
    /// Reads what stands on it.
    pub(crate) fn read(message: &Message, stream_seq: u64) -> Self {
        let mut parts = message.subject.split('.');
        let site = (parts.next() == Some("callbackd")).then(|| parts.next().and_then(name)).flatten();
        Self {
            subject: message.subject.chars().filter(|c| !c.is_control()).take(512).collect(),
            mark: site.as_ref().and_then(|_| Mark::read(&message.headers)),
            site: site.map(|site| site.replace('\0', "\u{fffd}")),
            stream_seq: i64::try_from(stream_seq).unwrap_or(i64::MAX),
            headers: message.headers.clone(),
            body: message.body.clone(),
        }
    }

    /// So many bytes it takes.
    pub(crate) fn size(&self) -> usize {
        self.headers.len() + self.body.len()
    }

    /// Reads what it says. Only now, so that no more than one is unpacked at a time.
    pub(super) fn content(&self) -> Result<Content, NotContent> {
        let unreadable = |why: String| NotContent::Unreadable(why);
        let packed = self.mark.as_ref().is_some_and(|mark| mark.packed);
        let body = body::read(&self.body, packed).map_err(|why| unreadable(why.to_owned()))?;
        if body.schema > store::VERSION {
            return Err(NotContent::Newer(body.schema));
        }
        if let Some(bytes) = body.too_large {
            return Err(unreadable(format!("its rows were too long for the stream, {bytes} bytes")));
        }
        let rows = rows_of(&body.rows).map_err(|why| unreadable(why.to_string()))?;
        let body::Body { called_again, list, next, set_back, .. } = body;
        Ok(Content { rows, called_again, list, next, set_back })
    }
}
