//! How far a database of a site is collected, and what follows of it for a message.

use super::super::nats::envelope::{Mark, Place};
use super::super::postgres::cursor::{self, Cursor, Of};
use super::Fault;
use crate::store::copies::{Committed, Position};
use callbackd_core::millis::Millis;
use tokio_postgres::Transaction;

/// How far it is collected, as it stands in PostgreSQL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct State {
    /// Which database of the site it is.
    pub(super) incarnation: i32,
    /// All changes of the chain up to this one are there.
    pub(super) acked: i64,
    /// When that one was committed, ms since 1970 UTC; `None` if that is not known.
    pub(super) at_ms: Option<Millis>,
    /// The chain's tables are being read; they begin, where its pieces have not come to an end.
    pub(super) walk: Option<Position>,
    /// When the chain began.
    pub(super) chain: i64,
    /// The piece that comes next.
    pub(super) piece: i64,
    /// The lists that were read last.
    pub(super) lists_ms: i64,
}

/// What is done with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Its turn has come.
    Take,
    /// It is there.
    Skip,
    /// Those before it have not come.
    Wait,
}

const READ: &str = "SELECT chain, piece, lists_ms FROM callbackd.collected WHERE site = $1 AND db_uuid = $2";
const WRITE: &str = "INSERT INTO callbackd.collected (site, db_uuid, chain, piece, lists_ms) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (site, db_uuid) DO UPDATE SET chain = excluded.chain, piece = excluded.piece, lists_ms = excluded.lists_ms";

impl State {
    pub(super) fn new(incarnation: i32) -> Self {
        Self { incarnation, acked: 0, at_ms: None, walk: None, chain: 0, piece: 0, lists_ms: 0 }
    }

    /// Holds it until the transaction ends; `None`: the database is new.
    pub(super) async fn hold(transaction: &Transaction<'_>, of: &Of) -> Result<Option<Self>, Fault> {
        let Some((incarnation, Cursor { acked, at_ms, walk })) = cursor::held(transaction, of).await? else {
            return Ok(None);
        };
        let mut state = Self { acked, at_ms, walk, ..Self::new(incarnation) };
        if let Some(row) = transaction.query_opt(READ, &[&of.site, &of.db_uuid]).await? {
            (state.chain, state.piece, state.lists_ms) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
        }
        Ok(Some(state))
    }

    /// What is done with a message, if it stands so.
    pub(super) fn verdict(state: Option<&Self>, mark: &Mark) -> Verdict {
        let none = Self::new(0);
        let state = state.unwrap_or(&none);
        if mark.chain.began < state.chain {
            return Verdict::Skip;
        }
        if mark.chain.began > state.chain {
            return if matches!(mark.place, Place::Piece { n: 0, .. }) { Verdict::Take } else { Verdict::Wait };
        }
        match mark.place {
            Place::Piece { n, .. } if n < state.piece => Verdict::Skip,
            Place::Piece { n, .. } if n == state.piece => Verdict::Take,
            Place::Change { seq, .. } if state.walk.is_none() && seq <= state.acked => Verdict::Skip,
            Place::Change { after, .. } if state.walk.is_none() && after <= state.acked => Verdict::Take,
            Place::Lists { at_ms } if at_ms <= state.lists_ms => Verdict::Skip,
            Place::Lists { .. } => Verdict::Take,
            Place::Piece { .. } | Place::Change { .. } => Verdict::Wait,
        }
    }

    /// The same where this chain begins.
    pub(super) fn chained(self, mark: &Mark, incarnation: i32) -> Self {
        let from = match mark.place {
            Place::Piece { to, .. } => Committed { seq: to, at_ms: mark.at_ms },
            Place::Change { after, .. } => Committed { seq: after, at_ms: None },
            Place::Lists { .. } => Committed { seq: self.acked, at_ms: self.at_ms },
        };
        Self { incarnation, chain: mark.chain.began, piece: 0, walk: Some(Position::start(from)), ..self }
    }

    /// A message was taken. `next`: where the tables go on behind a piece; `None` if it did not say.
    pub(super) fn advance(&mut self, mark: &Mark, next: Option<Option<Position>>) {
        match mark.place {
            Place::Change { seq, .. } => (self.acked, self.at_ms) = (seq, mark.at_ms),
            Place::Lists { at_ms } => self.lists_ms = at_ms,
            Place::Piece { to, n } => {
                self.piece = n + 1;
                match next {
                    Some(None) => (self.acked, self.at_ms, self.walk) = (to, mark.at_ms, None),
                    Some(Some(next)) => self.walk = Some(next),
                    None => {}
                }
            }
        }
    }

    /// What should stand before this message is given up. Returns up to which change it is missing, and what is, in words.
    pub(super) fn pass(&mut self, mark: &Mark, before: i64) -> (i64, String) {
        const FIX: &str = "`callbackd sink anew` at the site publishes all of its tables again";
        match mark.place {
            Place::Change { after, .. } if self.walk.take().is_some() => {
                (self.acked, self.at_ms) = (after, None);
                (after, format!("what the site's tables held is missing, up to change {after}: {FIX}"))
            }
            Place::Change { after, .. } => {
                (self.acked, self.at_ms) = (after, None);
                (after, format!("changes {} to {after} are missing: {FIX}", before + 1))
            }
            Place::Piece { to, n } => {
                let from = std::mem::replace(&mut self.piece, n);
                (to, format!("pieces {from} to {} of the site's tables are missing: {FIX}", n - 1))
            }
            Place::Lists { .. } => (before, format!("all of the site's tables are missing: {FIX}")),
        }
    }

    /// Writes where it stands.
    pub(super) async fn store(&self, transaction: &Transaction<'_>, of: &Of) -> Result<(), Fault> {
        let cursor = Cursor { acked: self.acked, at_ms: self.at_ms, walk: self.walk.clone() };
        cursor::move_to(transaction, of, &cursor).await?;
        transaction.execute(WRITE, &[&of.site, &of.db_uuid, &self.chain, &self.piece, &self.lists_ms]).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::nats::envelope::Chain;
    use super::*;

    fn mark(began: i64, place: Place) -> Mark {
        let chain = Chain { began, again: false };
        Mark { db_uuid: "0a1b2c3d".to_owned(), chain, place, at_ms: None, acked: 0, packed: false }
    }

    #[test]
    fn a_chain_begins_with_its_first_piece_and_goes_on_without_a_hole() {
        use Verdict::{Skip, Take, Wait};
        let (piece, change) = (|n| Place::Piece { to: 10, n }, |after, seq| Place::Change { seq, after });
        let began = |state: Option<&State>, place| State::verdict(state, &mark(5, place));
        assert_eq!(began(None, piece(0)), Take);
        assert_eq!(
            [began(None, piece(1)), began(None, change(10, 11)), began(None, Place::Lists { at_ms: 1 })],
            [Wait; 3]
        );
        let mut state = State::new(1).chained(&mark(5, piece(0)), 1);
        state.advance(&mark(5, piece(0)), Some(Some(Position::start(Committed { seq: 10, at_ms: None }))));
        let at = |state: &State, place| State::verdict(Some(state), &mark(5, place));
        assert_eq!([at(&state, piece(0)), at(&state, piece(1)), at(&state, piece(2))], [Skip, Take, Wait]);
        assert_eq!(at(&state, change(10, 11)), Wait, "the tables come first");
        state.advance(&mark(5, piece(1)), Some(None));
        assert_eq!(
            [at(&state, change(9, 10)), at(&state, change(10, 12)), at(&state, change(12, 13))],
            [Skip, Take, Wait]
        );
        state.advance(&mark(5, change(10, 12)), None);
        assert_eq!(
            [at(&state, change(11, 13)), at(&state, change(12, 13))],
            [Take, Take],
            "what was published again follows what it says"
        );
        let of = |began, place| State::verdict(Some(&state), &mark(began, place));
        assert_eq!([of(4, change(12, 13)), of(6, change(12, 13)), of(6, piece(0))], [Skip, Wait, Take]);
    }

    #[test]
    fn what_is_given_up_is_named_and_the_message_behind_it_has_its_turn() {
        let mut state = State { acked: 7, chain: 5, ..State::new(1) };
        let behind = mark(5, Place::Change { seq: 12, after: 11 });
        assert_eq!(State::verdict(Some(&state), &behind), Verdict::Wait);
        let (to, why) = state.pass(&behind, 7);
        assert!(to == 11 && why.starts_with("changes 8 to 11 are missing"), "{why}");
        assert_eq!(State::verdict(Some(&state), &behind), Verdict::Take);
        let piece = mark(9, Place::Piece { to: 20, n: 3 });
        let mut state = state.chained(&piece, 1);
        let (_, why) = state.pass(&piece, 0);
        assert!(why.starts_with("pieces 0 to 2 of the site's tables"), "{why}");
        assert_eq!(State::verdict(Some(&state), &piece), Verdict::Take);
    }
}
