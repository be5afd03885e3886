//! What is published to a stream, and where it stands: by what was acknowledged, and after a break by what is read back.

use super::super::clock::wall;
use super::counts::Counts;
use crate::sinks::nats::body::{self, From, MAX_BODY};
use crate::sinks::nats::envelope::{Chain, MAX_IN_FLIGHT, Mark, Place, all_of, subject, subject_of_site};
use crate::sinks::nats::jetstream::{self, Kept, Stored};
use crate::sinks::nats::wire::Client;
use crate::sinks::nats::{self, Fault};
use crate::store;
use crate::store::copies::{Chunk, Committed, Position, Rows, Single};
use serde_json::Value;
use std::collections::BTreeMap;

/// What headers take at most of what a server takes, bytes.
const HEADERS: usize = 2 << 10;
/// The least that a server must take: what says that rows are left out has room there.
const LEAST: usize = 1 << 10;

/// Why all tables are published anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Anew {
    #[error("the stream holds nothing of this site")]
    Nothing,
    #[error("the last message of this site there cannot be read")]
    Unreadable,
    #[error("the last message of this site there is of another database")]
    OtherDatabase,
    #[error("the machine was set back: the stream has changes that are not here")]
    SetBack,
    #[error("the feed does not go on from there")]
    Removed,
    #[error("messages of this site are gone from the stream, and were not collected perhaps")]
    Gone,
}

/// Where the site stands in the stream.
#[derive(Debug, Clone)]
pub(super) struct Standing {
    pub(super) chain: Chain,
    /// All changes up to this one are there.
    pub(super) acked: i64,
    /// When that one was committed, ms since 1970 UTC; `None` if that is not known.
    at_ms: Option<i64>,
    /// The tables are published, so far, and the number of the next piece.
    pub(super) walk: Option<(Position, i64)>,
    /// This walk follows one of a machine that was set back.
    set_back: bool,
}

impl Standing {
    /// By the last message of the site. `newest`: the newest change; `has_another`: the feed has another one under the highest number that the message
    /// knows of.
    pub(super) fn of(last: Option<&Kept>, db_uuid: &str, newest: Committed, has_another: bool) -> (Self, Option<Anew>) {
        let none = Self { chain: Chain { began: 0, again: false }, acked: 0, at_ms: None, walk: None, set_back: false };
        let Some(last) = last else { return (none.anew(Anew::Nothing, newest), Some(Anew::Nothing)) };
        let Some(mark) = Mark::read(&last.headers) else {
            return (none.anew(Anew::Unreadable, newest), Some(Anew::Unreadable));
        };
        let there = Self { chain: mark.chain, acked: mark.acked, ..none };
        let why = match mark.place {
            _ if mark.db_uuid != db_uuid => Anew::OtherDatabase,
            _ if mark.highest().seq > newest.seq || has_another => Anew::SetBack,
            Place::Piece { to, n } => match body::read(&last.body, mark.packed) {
                Ok(body) => {
                    let there = match body.next {
                        Some(next) => Self { walk: Some((next, n + 1)), ..there },
                        None => Self { acked: to, at_ms: mark.at_ms, ..there },
                    };
                    return (there, None);
                }
                Err(_) => Anew::Unreadable,
            },
            Place::Change { .. } | Place::Lists { .. } => return (there, None),
        };
        (there.anew(why, newest), Some(why))
    }

    /// From the beginning of all tables on.
    pub(super) fn anew(&self, why: Anew, newest: Committed) -> Self {
        let again = match why {
            Anew::OtherDatabase | Anew::Nothing | Anew::Unreadable => false,
            Anew::SetBack | Anew::Gone => true,
            Anew::Removed => self.chain.again,
        };
        Self {
            chain: Chain { began: wall().max(self.chain.began + 1), again },
            acked: 0,
            at_ms: None,
            walk: Some((Position::start(newest), 0)),
            set_back: why == Anew::SetBack,
        }
    }

    /// All changes up to this one are there.
    pub(super) fn reaches(&mut self, change: Committed) {
        (self.acked, self.at_ms) = (change.seq, change.at_ms);
    }
}

/// A connection by which one site publishes.
pub(super) struct Publisher {
    client: Client,
    stream: String,
    sink: String,
    site: String,
    db_uuid: String,
    /// Longest body that the server and the stream take, bytes.
    limit: usize,
    /// The newest message of the site, by its number in the stream.
    newest: u64,
    /// The lists as they were published last, and when.
    lists: Vec<Rows>,
    lists_ms: i64,
}

/// What became of what was published.
pub(super) enum Published {
    /// It is there.
    Stored,
    /// It is longer than what is taken at once: nothing was published.
    TooLong,
    /// The server has known the like of it before, and has not stored it: what was there must have been removed, or the machine was set back.
    Known,
}

impl Publisher {
    /// Looks at the stream, and for the last message of the site there.
    pub(super) async fn begin(
        mut client: Client,
        (sink, stream): (&str, &str),
        (site, db_uuid): (&str, &str),
    ) -> Result<(Self, Option<Kept>), Fault> {
        let info = jetstream::stream(&mut client, stream).await?;
        let most = info["config"]["max_msg_size"].as_u64().and_then(|size| usize::try_from(size).ok());
        let most = most.unwrap_or(usize::MAX).min(client.info().max_payload);
        let limit = most.saturating_sub(HEADERS).min(MAX_BODY);
        if limit < LEAST {
            return Err(Fault::Refused(format!(
                "messages may have {most} bytes there, too few: raise max_payload or max_msg_size"
            )));
        }
        let last = jetstream::last(&mut client, stream, &all_of(site)).await?;
        let publisher = Self {
            client,
            stream: stream.to_owned(),
            sink: sink.to_owned(),
            site: site.to_owned(),
            db_uuid: db_uuid.to_owned(),
            limit,
            newest: last.as_ref().map_or(0, |last| last.seq),
            lists: Vec::new(),
            lists_ms: 0,
        };
        Ok((publisher, last))
    }

    /// Whether what was published is still there: its newest message, at least.
    pub(super) async fn is_there(&mut self) -> Result<bool, Fault> {
        let last = jetstream::last(&mut self.client, &self.stream, &all_of(&self.site)).await?;
        Ok(last.is_some_and(|last| last.seq >= self.newest))
    }

    /// While nothing is published: until the connection ends.
    pub(super) async fn listens(&mut self) -> Fault {
        self.client.listens().await
    }

    /// Publishes changes, [`MAX_IN_FLIGHT`] at most, and waits for their acknowledgements.
    pub(super) async fn changes(
        &mut self,
        at: &Standing,
        singles: &[Single],
        counts: &Counts,
    ) -> Result<Published, Fault> {
        debug_assert!(singles.len() <= MAX_IN_FLIGHT, "as many as may be on their way");
        let mut awaited = BTreeMap::new();
        for single in singles {
            let to = subject(&self.site, &single.pbx, &single.kind);
            let place = Place::Change { seq: single.seq, after: single.after };
            let body = self.from().change(single);
            let reply = self.publish((&to, &single.kind), (at, place, Some(single.at_ms)), body, counts).await?;
            awaited.insert(reply, Some(place));
        }
        self.acknowledged(at, awaited).await
    }

    /// Publishes a piece of the tables.
    pub(super) async fn piece(
        &mut self,
        at: &Standing,
        n: i64,
        from: Committed,
        (chunk, may_be_less): (&Chunk, bool),
        counts: &Counts,
    ) -> Result<Published, Fault> {
        let body = self.from().piece(chunk, at.set_back, wall());
        if may_be_less && body::sent(body.clone(), self.limit).left_out.is_some() {
            return Ok(Published::TooLong);
        }
        let subject = subject_of_site(&self.site, "copy");
        let place = Place::Piece { to: from.seq, n };
        let reply = self.publish((&subject, "copy"), (at, place, from.at_ms), body, counts).await?;
        self.acknowledged(at, BTreeMap::from([(reply, Some(place))])).await
    }

    /// Those of these lists that say something else than what was published last.
    pub(super) fn news(&self, lists: &[Rows]) -> Vec<Rows> {
        lists.iter().filter(|rows| !self.lists.contains(rows)).cloned().collect()
    }

    /// Publishes those that are news.
    pub(super) async fn lists(&mut self, at: &Standing, all: Vec<Rows>, counts: &Counts) -> Result<(), Fault> {
        let news = self.news(&all);
        self.lists_ms = wall().max(self.lists_ms + 1);
        let body = self.from().lists(&news, self.lists_ms);
        let (subject, place) = (subject_of_site(&self.site, "lists"), Place::Lists { at_ms: self.lists_ms });
        let reply = self.publish((&subject, "lists"), (at, place, at.at_ms), body, counts).await?;
        self.acknowledged(at, BTreeMap::from([(reply, None)])).await?;
        self.lists = all;
        Ok(())
    }

    fn from(&self) -> From<'_> {
        From { site: &self.site, db_uuid: &self.db_uuid, schema: store::VERSION }
    }

    /// Returns where the acknowledgement will come.
    async fn publish(
        &mut self,
        (subject, kind): (&str, &str),
        (at, place, at_ms): (&Standing, Place, Option<i64>),
        body: Value,
        counts: &Counts,
    ) -> Result<String, Fault> {
        let sent = body::sent(body, self.limit);
        if let Some(bytes) = sent.left_out {
            counts.too_large();
            tracing::warn!(target: "sink", sink = %self.sink, kind, bytes, limit = self.limit, "A change is too long for the stream and goes without its rows");
        }
        let (db_uuid, chain, acked, packed) = (self.db_uuid.clone(), at.chain, at.acked, sent.packed);
        let mark = Mark { db_uuid, chain, place, at_ms, acked, packed };
        let headers = mark.headers(&self.stream, kind);
        let reply = self.client.place();
        self.client.publish(subject, &reply, Some(&headers), &sent.bytes).await?;
        Ok(reply)
    }

    /// Waits for these acknowledgements; of each, which place in the chain its message must have if it was there already.
    async fn acknowledged(
        &mut self,
        at: &Standing,
        mut awaited: BTreeMap<String, Option<Place>>,
    ) -> Result<Published, Fault> {
        let mut known = Vec::new();
        while !awaited.is_empty() {
            let answer = self.client.next().await?;
            let Some(place) = awaited.remove(&answer.subject) else { continue };
            let Stored { seq, duplicate } = nats::jetstream::stored(&answer, &self.stream)?;
            self.newest = self.newest.max(seq);
            known.extend(place.filter(|_| duplicate).map(|place| (seq, place)));
        }
        // The server knows ids for longer than it keeps their messages, and a machine that was set back gives them to others.
        for (seq, place) in known {
            let there = jetstream::message(&mut self.client, &self.stream, seq).await?;
            let mark = there.and_then(|there| Mark::read(&there.headers));
            // A piece that was read at another time may end elsewhere: what follows it here would not follow that one.
            let is_piece = matches!(place, Place::Piece { .. });
            if is_piece || mark.is_none_or(|mark| (mark.chain, mark.place) != (at.chain, place)) {
                return Ok(Published::Known);
            }
        }
        Ok(Published::Stored)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn kept(place: Place, acked: i64, body: &str) -> Kept {
        let chain = Chain { began: 5, again: false };
        let mark = Mark { db_uuid: "0a1b2c3d".to_owned(), chain, place, at_ms: Some(7_000), acked, packed: false };
        let headers = Bytes::from(mark.headers("callbackd", "x"));
        Kept { seq: 1, subject: String::new(), at_ms: 0, headers, body: Bytes::from(body.to_owned()) }
    }

    fn change(seq: i64) -> Committed {
        Committed { seq, at_ms: Some(7_000) }
    }

    #[test]
    fn it_goes_on_from_what_was_acknowledged_before_the_last_message_and_else_from_the_beginning() {
        let last = kept(Place::Change { seq: 300, after: 299 }, 44, "");
        let (there, why) = Standing::of(Some(&last), "0a1b2c3d", change(300), false);
        assert_eq!((there.acked, there.walk, why), (44, None, None));
        for (last, db, newest, has_another, expected) in [
            (None, "0a1b2c3d", change(300), false, Anew::Nothing),
            (Some(&last), "ffffffff", change(300), false, Anew::OtherDatabase),
            (Some(&last), "0a1b2c3d", change(299), false, Anew::SetBack),
            (Some(&last), "0a1b2c3d", change(900), true, Anew::SetBack),
        ] {
            let (there, why) = Standing::of(last, db, newest, has_another);
            assert_eq!((why, there.chain.again), (Some(expected), expected == Anew::SetBack));
            assert!(there.walk == Some((Position::start(newest), 0)) && there.chain.began > 5, "{there:?}");
        }
    }

    #[test]
    fn tables_that_were_being_published_are_gone_on_with_behind_the_last_piece() {
        let piece = |next: &str| {
            let body = format!("{{\"schema\":1,\"at_ms\":1,\"next\":{next}}}");
            Standing::of(Some(&kept(Place::Piece { to: 9, n: 3 }, 0, &body)), "0a1b2c3d", change(20), false).0
        };
        let there = piece("{\"to\":9,\"table\":\"calls\",\"after\":[\"7\"]}");
        assert!(there.walk.is_some_and(|(position, n)| n == 4 && position.to == 9));
        let over = piece("null");
        assert!(over.walk.is_none() && over.acked == 9);
    }
}
