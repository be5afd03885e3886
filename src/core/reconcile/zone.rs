//! The zone of the times in a CDR file, which the file does not name: cdr.conf's `usegmtime` or the zone of Asterisk's own machine decides.

use crate::millis::Millis;
use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};

/// A channel's first record may begin this much (ms) before the second that its uniqueid names is over.
const SLACK_MS: Millis = 2_000;
/// Zones are apart by whole multiples of this, ms.
const STEP_MS: Millis = 15 * 60_000;
/// No zone is further ahead of UTC, or behind it, ms.
const MOST_AHEAD_MS: Millis = 14 * 3_600_000;
const MOST_BEHIND_MS: Millis = 12 * 3_600_000;
/// Where one record says another zone than so many before and behind it, it is not believed.
const NEIGHBOURS: usize = 4;
/// Fewer records than this do not refute what others have shown.
const FEW: usize = 5;

/// What a channel's first record shows of the zone.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shown {
    /// `start`, as it is written.
    pub civil: DateTime,
    /// The second that the channel's uniqueid names, ms since 1970 UTC.
    pub made_ms: Millis,
}

/// In which zone the times of a file are.
#[derive(Debug, Clone)]
pub struct Zone {
    local: TimeZone,
    times: Times,
    /// Some record has shown it.
    shown: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Times {
    Local,
    Utc,
    /// Another zone: from which time on, as it is written (ms, read as UTC), the times are ahead of UTC by so much, ms.
    Ahead(Vec<(Millis, Millis)>),
    /// The records contradict each other.
    Contradictory,
}

impl Zone {
    /// Of a file of which nothing has been read: local time, as `usegmtime = no` is the default.
    #[must_use]
    pub fn of(local: &TimeZone) -> Self {
        Self { local: local.clone(), times: Times::Local, shown: false }
    }

    /// Uniqueids and times of the file do not go together in any zone: its times cannot be believed.
    #[must_use]
    pub fn is_contradictory(&self) -> bool {
        self.times == Times::Contradictory
    }

    /// What further records show. Where they show nothing, what is known holds.
    pub(super) fn hear(&mut self, shown: &[Shown]) {
        let (mut utc, mut local, mut both) = (0_usize, 0_usize, 0_usize);
        for shown in shown {
            let fits = |at: Option<Millis>| {
                at.is_some_and(|at| (-SLACK_MS..STEP_MS - SLACK_MS).contains(&(at - shown.made_ms)))
            };
            let in_utc = fits(millis(shown.civil, &TimeZone::UTC));
            let in_local = candidates(shown.civil, &self.local).into_iter().any(|at| fits(Some(at)));
            match (in_utc, in_local) {
                (true, true) => both += 1,
                (true, false) => utc += 1,
                (false, true) => local += 1,
                (false, false) => {}
            }
        }
        let usual = (utc + both).max(local + both);
        self.times = match () {
            () if shown.is_empty() => return,
            () if usual * 2 < shown.len() && self.shown && shown.len() < FEW => return,
            () if usual * 2 < shown.len() => ahead(shown).map_or(Times::Contradictory, Times::Ahead),
            () if utc > local => Times::Utc,
            () if local == utc && matches!(self.times, Times::Local | Times::Utc) => self.times.clone(),
            () => Times::Local,
        };
        self.shown = true;
    }

    /// The moment; of the two that an hour of the autumn has, the one nearer to `near_ms`.
    pub(super) fn moment(&self, civil: DateTime, near_ms: Option<Millis>) -> Option<Millis> {
        let written = millis(civil, &TimeZone::UTC)?;
        match &self.times {
            Times::Utc => Some(written),
            Times::Ahead(spans) => {
                let next = spans.partition_point(|(from, _)| *from <= written);
                spans.get(next.saturating_sub(1)).map(|(_, ahead)| written - ahead)
            }
            Times::Local | Times::Contradictory => {
                let found = candidates(civil, &self.local);
                found.iter().copied().min_by_key(|at| near_ms.map_or(0, |near| (at - near).abs()))
            }
        }
    }
}

/// How far ahead of UTC the times are, from when on; `None` if most records do not go with those around them.
fn ahead(shown: &[Shown]) -> Option<Vec<(Millis, Millis)>> {
    let of = |s: &Shown| {
        let written = millis(s.civil, &TimeZone::UTC)?;
        Some((written, (written - s.made_ms + SLACK_MS).div_euclid(STEP_MS) * STEP_MS))
    };
    let mut found: Vec<(Millis, Millis)> = shown.iter().filter_map(of).collect();
    found.sort_unstable();
    let mut spans: Vec<(Millis, Millis)> = Vec::new();
    let mut agreeing = 0;
    for (n, (written, own)) in found.iter().enumerate() {
        let around = &found[n.saturating_sub(NEIGHBOURS)..(n + NEIGHBOURS + 1).min(found.len())];
        let count = |wanted: Millis| around.iter().filter(|(_, ahead)| *ahead == wanted).count();
        let (_, ahead) = around.iter().max_by_key(|(_, ahead)| count(*ahead))?;
        agreeing += usize::from(own == ahead && (-MOST_BEHIND_MS..=MOST_AHEAD_MS).contains(ahead));
        if spans.last().is_none_or(|(_, last)| last != ahead) {
            spans.push((*written, *ahead));
        }
    }
    (agreeing * 2 > shown.len()).then_some(spans)
}

/// ms since 1970 UTC of a time of this zone.
pub(super) fn millis(civil: DateTime, zone: &TimeZone) -> Option<Millis> {
    Some(civil.to_zoned(zone.clone()).ok()?.timestamp().as_millisecond())
}

/// The moments that a local time may mean: two in an hour of the autumn.
fn candidates(civil: DateTime, zone: &TimeZone) -> Vec<Millis> {
    let at = |offset: Offset| offset.to_timestamp(civil).ok().map(jiff::Timestamp::as_millisecond);
    use jiff::tz::AmbiguousOffset::{Fold, Gap, Unambiguous};
    let offsets = match zone.to_ambiguous_timestamp(civil).offset() {
        Unambiguous { offset } => vec![offset],
        Fold { before, after } | Gap { before, after } => vec![before, after],
    };
    offsets.into_iter().filter_map(at).collect()
}
