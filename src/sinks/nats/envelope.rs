//! What stands on a message: of which database it is, and where in the order of its messages. It is in headers, so that a message whose body cannot be
//! read can still be stepped over.

use super::subject::{NOBODY, part};
use super::wire::header;
use crate::store::copies::Committed;
use std::fmt::Write as _;

/// Messages that are on their way and not acknowledged, at most.
pub(crate) const MAX_IN_FLIGHT: usize = 256;

/// Since the tables were read last: what follows from one reading of them on. A site's messages of a later one come after those of an earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Chain {
    /// When it began, ms since 1970 UTC; each is later than the one before.
    pub(crate) began: i64,
    /// Numbers come again that there were before: the machine was set back. They are other messages.
    pub(crate) again: bool,
}

/// Which message of a chain it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// A change, and the one before it.
    Change {
        /// Its number in the feed.
        seq: i64,
        /// There is none between this one and it.
        after: i64,
    },
    /// A piece of all tables.
    Piece {
        /// The newest change when their reading began.
        to: i64,
        /// 0, 1, ….
        n: i64,
    },
    /// The short lists.
    Lists {
        /// Read then, ms since 1970 UTC.
        at_ms: i64,
    },
}

/// All that stands on a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mark {
    /// Identity of the database.
    pub(crate) db_uuid: String,
    /// What it follows from.
    pub(crate) chain: Chain,
    /// Its place.
    pub(crate) place: Place,
    /// When the highest change that it knows of was committed, ms since 1970 UTC; `None` if that is not known.
    pub(crate) at_ms: Option<i64>,
    /// All changes up to this one were acknowledged when it was published.
    pub(crate) acked: i64,
    /// Its body is packed.
    pub(crate) packed: bool,
}

const DB: &str = "Callbackd-Db";
const CHAIN: &str = "Callbackd-Chain";
const AGAIN: &str = "Callbackd-Again";
const SEQ: &str = "Callbackd-Seq";
const AFTER: &str = "Callbackd-After";
const PIECE: &str = "Callbackd-Piece";
const LISTS: &str = "Callbackd-Lists";
const AT: &str = "Callbackd-At";
const ACKED: &str = "Callbackd-Acked";
const KIND: &str = "Callbackd-Kind";

impl Mark {
    /// The identity by which the server knows it again.
    fn id(&self) -> String {
        let Chain { began, again } = self.chain;
        match self.place {
            Place::Change { seq, .. } if again => format!("{}_{seq}_{began}", self.db_uuid),
            Place::Change { seq, .. } => format!("{}_{seq}", self.db_uuid),
            Place::Piece { to, n } => format!("{}_w{to}_{began}_{n}", self.db_uuid),
            Place::Lists { at_ms } => format!("{}_l{at_ms}", self.db_uuid),
        }
    }

    /// As headers of a message to this stream; `kind`: what became true.
    pub(crate) fn headers(&self, stream: &str, kind: &str) -> String {
        let Chain { began, again } = self.chain;
        let mut text = format!("NATS/1.0\r\nNats-Msg-Id: {}\r\nNats-Expected-Stream: {stream}\r\n", self.id());
        // Writing into a text cannot fail.
        let _ =
            write!(text, "{DB}: {}\r\n{CHAIN}: {began}\r\n{ACKED}: {}\r\n{KIND}: {kind}\r\n", self.db_uuid, self.acked);
        if again {
            let _ = write!(text, "{AGAIN}: 1\r\n");
        }
        if let Some(at_ms) = self.at_ms {
            let _ = write!(text, "{AT}: {at_ms}\r\n");
        }
        let _ = match self.place {
            Place::Change { seq, after } => write!(text, "{SEQ}: {seq}\r\n{AFTER}: {after}\r\n"),
            Place::Piece { to, n } => write!(text, "{SEQ}: {to}\r\n{PIECE}: {n}\r\n"),
            Place::Lists { at_ms } => write!(text, "{LISTS}: {at_ms}\r\n"),
        };
        if self.packed {
            text.push_str("Content-Encoding: gzip\r\n");
        }
        text.push_str("\r\n");
        text
    }

    /// Reads them; `None` if it is none of ours.
    pub(crate) fn read(headers: &[u8]) -> Option<Self> {
        let number = |name: &str| header(headers, name)?.parse::<i64>().ok().filter(|number| *number >= 0);
        let db_uuid = header(headers, DB)?;
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        if !(8..=64).contains(&db_uuid.len()) || !db_uuid.bytes().all(is_plain) {
            return None;
        }
        let place = match (number(SEQ), number(AFTER), number(PIECE), number(LISTS)) {
            (Some(seq), Some(after), ..) if after < seq => Place::Change { seq, after },
            (Some(to), None, Some(n), _) => Place::Piece { to, n },
            (None, .., Some(at_ms)) => Place::Lists { at_ms },
            _ => return None,
        };
        Some(Self {
            db_uuid: db_uuid.to_owned(),
            chain: Chain { began: number(CHAIN)?, again: header(headers, AGAIN).is_some() },
            place,
            at_ms: number(AT),
            acked: number(ACKED)?,
            packed: header(headers, "Content-Encoding") == Some("gzip"),
        })
    }

    /// The highest change that it knows of.
    pub(crate) fn highest(&self) -> Committed {
        let seq = match self.place {
            Place::Change { seq, .. } => seq,
            Place::Piece { to, .. } => to,
            Place::Lists { .. } => self.acked,
        };
        Committed { seq, at_ms: self.at_ms }
    }
}

/// Where a message of this site is published.
pub(crate) fn subject(site: &str, pbx: &str, kind: &str) -> String {
    format!("callbackd.{}.{}.{kind}", part(site), part(pbx))
}

/// The same for what is about no PBX: `copy` and `lists`.
pub(crate) fn subject_of_site(site: &str, kind: &str) -> String {
    format!("callbackd.{}.{NOBODY}.{kind}", part(site))
}

/// All messages of this site.
pub(crate) fn all_of(site: &str) -> String {
    format!("callbackd.{}.>", part(site))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_on_a_message_is_read_again() {
        for again in [false, true] {
            for place in [
                Place::Change { seq: 7, after: 5 },
                Place::Piece { to: 9, n: 3 },
                Place::Lists { at_ms: 1_755_850_000_000 },
            ] {
                let chain = Chain { began: 1_755_850_000_123, again };
                let mark = Mark {
                    db_uuid: "0a1b2c3d-x".to_owned(),
                    chain,
                    place,
                    at_ms: again.then_some(7),
                    acked: 5,
                    packed: again,
                };
                assert_eq!(Mark::read(mark.headers("callbackd", "call.ended").as_bytes()), Some(mark));
            }
        }
    }

    #[test]
    fn the_identity_is_database_and_number_and_another_one_once_numbers_come_again() {
        let mark = |again| Mark {
            db_uuid: "0a1b2c3d".to_owned(),
            chain: Chain { began: 5, again },
            place: Place::Change { seq: 7, after: 6 },
            at_ms: None,
            acked: 0,
            packed: false,
        };
        assert_eq!((mark(false).id(), mark(true).id()), ("0a1b2c3d_7".to_owned(), "0a1b2c3d_7_5".to_owned()));
        assert_eq!(subject("Bad Ems", "", "call.ended"), "callbackd.Bad%20Ems._.call.ended");
    }

    #[test]
    fn what_is_not_whole_is_none_of_ours() {
        for headers in [
            "",
            "NATS/1.0\r\n\r\n",
            "NATS/1.0\r\nCallbackd-Db: 0a1b2c3d\r\nCallbackd-Chain: 1\r\nCallbackd-Acked: 0\r\nCallbackd-Seq: 5\r\n\r\n",
            "NATS/1.0\r\nCallbackd-Db: 0a1b2c3d\r\nCallbackd-Chain: 1\r\nCallbackd-Acked: 0\r\nCallbackd-Seq: 5\r\nCallbackd-After: 5\r\n\r\n",
            "NATS/1.0\r\nCallbackd-Db: a'; DROP\r\nCallbackd-Chain: 1\r\nCallbackd-Acked: 0\r\nCallbackd-Seq: 5\r\nCallbackd-After: 4\r\n\r\n",
        ] {
            assert_eq!(Mark::read(headers.as_bytes()), None, "{headers}");
        }
    }
}
