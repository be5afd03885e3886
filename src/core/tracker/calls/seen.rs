//! How much of a call was seen, and what that leaves in doubt.

/// What an event gap has meant for a call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Sight {
    /// It was never lost.
    #[default]
    Kept,
    /// It was lost while the call lived, and something has shown since what had become of the customer.
    Regained,
    /// It was lost while the call lived, and nothing has shown the customer since: nobody knows what happened meanwhile.
    InDoubt,
}

/// How much of a call was seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    missed_a_part: bool,
    beginning_unseen: bool,
    event_refused: bool,
    sight: Sight,
    end_unseen: bool,
}

impl Seen {
    /// It went on in part during a gap.
    pub(crate) fn misses_a_part(&mut self) {
        self.missed_a_part = true;
    }

    /// It lived already when it was met.
    pub(crate) fn misses_its_beginning(&mut self) {
        self.beginning_unseen = true;
    }

    /// It was met in a list that had overtaken the event of its beginning.
    pub(crate) fn shows_its_beginning(&mut self) {
        self.beginning_unseen = false;
    }

    /// One of its events was refused: a line break tore it, or stood so near that it could not be believed.
    pub(crate) fn misses_an_event(&mut self) {
        self.event_refused = true;
    }

    /// Coverage is lost while it is up.
    pub(crate) fn sync_is_lost(&mut self) {
        self.sight = Sight::InDoubt;
    }

    /// Something shows what became of the customer during the gap.
    pub(crate) fn customer_is_shown(&mut self) {
        self.sight = self.sight.min(Sight::Regained);
    }

    /// It ended during the gap.
    pub(crate) fn ends_unseen(&mut self) {
        self.end_unseen = true;
    }

    /// Another call is part of it now. Where the other's customer was is no doubt about this one's.
    pub(crate) fn absorbs(&mut self, gone: Self) {
        self.missed_a_part |= gone.missed_a_part();
        self.event_refused |= gone.event_refused;
        self.sight = self.sight.max(gone.sight.min(Sight::Regained));
    }

    /// Its beginning, or the end of a part of it, was not seen.
    #[must_use]
    pub(crate) fn missed_a_part(self) -> bool {
        self.missed_a_part || self.beginning_unseen
    }

    /// A part of it was not seen.
    #[must_use]
    pub(crate) fn partly(self) -> bool {
        self.missed_a_part() || self.event_refused || self.sight != Sight::Kept
    }

    /// A part of it was not seen, other than the end alone.
    #[must_use]
    pub(crate) fn partly_before_its_end(self) -> bool {
        self.missed_a_part() || self.event_refused || (self.sight != Sight::Kept && !self.end_unseen)
    }

    /// What happened to the customer during the gap is unknown.
    #[must_use]
    pub(crate) fn in_doubt(self) -> bool {
        self.sight == Sight::InDoubt
    }

    /// Its end was not seen.
    #[must_use]
    pub(crate) fn end_unseen(self) -> bool {
        self.end_unseen
    }
}
