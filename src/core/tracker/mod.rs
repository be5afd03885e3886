//! The tracker of one PBX: events in, finished calls out; no clock, socket, SQL, log or runtime.
//!
//! The contract: give one [`Input`], drain [`Tracker::poll`] to its end, and come back with [`Input::Tick`] when
//! [`Tracker::deadline`] has passed. The same inputs give the same outputs.
pub(crate) mod calls;
mod coverage;
mod events;
pub mod pbx_clock;
pub(crate) mod presence;
mod row;
mod snapshot;
mod table;
pub mod tape;
pub(crate) mod topology;

use crate::ami::budget::Budget;
use crate::ami::event::Stamped;
use crate::ami::notice::Notice;
use crate::millis::Millis;
use crate::model::codes::CodedCall;
use crate::model::presence::Phase;
use crate::model::progress::{LineChange, Progress};
use crate::model::rules::Rules;
use crate::model::sign::Sign;
use crate::model::{FinishedCall, Moment, OurAttempts, PbxId, Record, Tag};
use calls::agent_codes::LastCalls;
use calls::call;
pub use calls::conversation::MAX_PEOPLE;
pub use calls::details::{MAX_DETAIL_BYTES, MAX_LINKEDIDS};
use calls::long_waits::LongWaits;
use calls::registry::Calls;
pub use coverage::MAX_LISTED;
pub use presence::agent::{MAX_AGENTS, MAX_ALIASES, MAX_MEMBERSHIPS};
use presence::state::PresenceState;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use topology::graph::Topology;

/// Trunks kept, by their peers.
pub const MAX_TRUNKS_MET: usize = 1_000;
/// Channels tracked at once, the recently ended ones included; a new one beyond is counted and ignored. Of several PBXs each has its share.
pub const MAX_CHANNELS: usize = Budget::WHOLE.channels;
/// What those channels weigh, each with a call of its own, bytes as they are estimated: with texts of the usual length [`MAX_CHANNELS`] is reached first.
pub const MAX_CHANNEL_BYTES: usize = Budget::WHOLE.channel_bytes;
/// Bridges that may be kept empty beside twice as many as there are channels; beyond it the empty ones are forgotten, and met again when somebody enters.
pub const SPARE_BRIDGES: usize = 1_000;
/// A call whose channels are all gone waits this long (ms) for events that are still on their way.
pub const SETTLE_MS: u64 = 300;
/// A call whose customer is gone while others still talk is recorded after this time (ms).
pub const CUSTOMER_GONE_MS: u64 = 2_000;
/// Finished calls are kept this long (ms) so that late events correct the row instead of creating a new call.
pub const LINGER_MS: u64 = 30_000;
/// So often late events correct a row. What calls for more goes on, whatever was recorded of it: when that call has been forgotten, [`LINGER_MS`] later, it is
/// met as one that is up.
pub const MAX_CORRECTIONS: u32 = 10;

/// While the link is up, the store is given this often (ms) that the PBX is seen: after a crash the gap begins this much too early at most.
pub(crate) const SEEN_EVERY_MS: Millis = 10_000;

/// Stamps are taken as they come up to the year 9999; what lies outside would make no time that can be counted with (ms).
pub(crate) const MAX_STAMP_MS: Millis = 253_402_300_799_999;

/// An input of the tracker.
#[derive(Debug, Clone, Copy)]
pub enum Input<'a> {
    /// The link is up and Asterisk has booted; `uptime_s` of Asterisk if it was sent (branch 16 on).
    Linked {
        /// Seconds since Asterisk started.
        uptime_s: Option<u64>,
    },
    /// The lists of channels, queues and members begin.
    SnapshotBegan,
    /// An event, or an item of those lists.
    Event(&'a Stamped<'a>),
    /// An event of the channel of this name was refused, though Asterisk wrote it: its call is not seen in full.
    Refused {
        /// The channel's name.
        channel: &'a str,
    },
    /// The lists are over.
    SnapshotEnded {
        /// The list of channels came whole: a channel that is not in it has ended.
        channels_known: bool,
    },
    /// The link has ended, and for so long nothing proves that all events came but their stamps: coverage was lost then, or at the
    /// stamp of the last one if that is later.
    Unproven {
        /// Since the latest proof, ms.
        ms: u64,
    },
    /// Asterisk said what its clock shows.
    Clock {
        /// Milliseconds since 1970 UTC by Asterisk's clock.
        asterisk_ms: Millis,
        /// The answer took so long, ms.
        took_ms: u64,
    },
    /// The link is down.
    Unlinked,
    /// AMI event queue overflowed, the first of those that are lost so long ago; a snapshot follows.
    Overloaded {
        /// Since the first lost event, ms.
        ms: u64,
    },
    /// The daemon ends: calls in progress are recorded as far as they are known. A later run that finds them alive records them again.
    Stopping,
    /// The rules changed (configuration was reloaded): they hold for what happens from now on.
    Rules(&'a Rules),
    /// Time has passed: timers run.
    Tick,
}

impl Input<'_> {
    /// The input that a session's output means for the tracker, if any.
    #[must_use]
    pub fn from_notice(notice: &Notice) -> Option<Self> {
        match notice {
            Notice::Booted { uptime_s } => Some(Self::Linked { uptime_s: *uptime_s }),
            Notice::BootUnconfirmed => Some(Self::Linked { uptime_s: None }),
            Notice::SnapshotBegan => Some(Self::SnapshotBegan),
            Notice::SnapshotEnded(size) => Some(Self::SnapshotEnded { channels_known: size.channels_known }),
            Notice::Unproven { ms } => Some(Self::Unproven { ms: *ms }),
            Notice::Clock { asterisk_ms, took_ms } => {
                Some(Self::Clock { asterisk_ms: *asterisk_ms, took_ms: *took_ms })
            }
            Notice::LinkDead(_) => Some(Self::Unlinked),
            Notice::BannerSeen { .. }
            | Notice::LoggedIn
            | Notice::LoginRefused { .. }
            | Notice::SnapshotRefused { .. }
            | Notice::Live => None,
        }
    }
}

/// An output of the tracker.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// A record to store.
    Record(Record),
    /// A customer's line changed.
    Line(LineChange),
    /// An attempt of ours went a step further.
    Progress(Progress),
    /// An agent has set a code on their last call, which has its row.
    Tagged(Box<(CodedCall, Tag)>),
    /// Another callbackd shows on this PBX that it makes callbacks there, or that it has stopped.
    Sign(Sign),
    /// An agent may have become free or busy, or the callers who wait in a queue changed: read presence again. At most once for
    /// each input, with the very input that changed it; what changed in a gap is emitted right after [`Output::InSync`].
    PresenceChanged,
    /// The lists have come, and coverage is complete: what they did not name has ended, and an attempt of ours of which that holds has been
    /// recorded as ended before this. Every snapshot emits it, also one that was taken while coverage was complete before.
    InSync,
    /// A call that seems to come from outside arrives in a context that no rule names, over a channel that no rule names: it counts as a call
    /// of one of our own. Once for each context, at most [`MAX_UNNAMED`] of them until the rules change.
    Unnamed {
        /// The context.
        context: String,
        /// The call's linkedid.
        linkedid: String,
    },
}

/// Contexts that no rule names, and that are reported.
pub(crate) const MAX_UNNAMED: usize = 16;

/// The tracker's counters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// Events that were taken.
    pub events: u64,
    /// Texts of theirs that were longer than Asterisk can make them ([`crate::ami::length`]), and were cut.
    pub texts_cut: u64,
    /// Events about channels that nobody introduced.
    pub strangers: u64,
    /// Events that name a channel by another's uniqueid, and were ignored: a line break in what a caller dialled forged it.
    pub impostors: u64,
    /// Channels ignored because of [`MAX_CHANNELS`] or [`MAX_CHANNEL_BYTES`].
    pub channels_refused: u64,
    /// Calls with a row that were not kept for [`LINGER_MS`], because new ones needed the room.
    pub calls_forgotten_early: u64,
    /// Empty bridges forgotten because of [`SPARE_BRIDGES`].
    pub bridges_forgotten: u64,
    /// Legs, people, visits, menu steps and linkedids beyond the limits of one call, or of all together ([`MAX_DETAIL_BYTES`]).
    pub details_dropped: u64,
    /// Calls recorded for the first time.
    pub calls_recorded: u64,
    /// Calls recorded again because a late event changed their row.
    pub calls_corrected: u64,
    /// Late events of calls whose row has been corrected [`MAX_CORRECTIONS`] times, and is corrected no more.
    pub late_events_refused: u64,
    /// Calls that became one with another.
    pub calls_merged: u64,
    /// Calls whose end was never seen, found gone by a snapshot.
    pub calls_unseen: u64,
    /// Agents ignored because of [`MAX_AGENTS`].
    pub agents_refused: u64,
    /// Memberships and other names of agents ignored because of [`MAX_MEMBERSHIPS`] and [`MAX_ALIASES`].
    pub agent_details_refused: u64,
    /// Queues and waiting callers of a list ignored because of [`MAX_LISTED`].
    pub listed_refused: u64,
    /// Trunks not kept because of [`MAX_TRUNKS_MET`]: their calls are classified by their contexts alone.
    pub trunks_refused: u64,
    /// User events for callbackd that could not be understood.
    pub user_events_refused: u64,
    /// Calls that cannot be judged again under other rules: more was said of them than [`tape::MAX_TAPE_BYTES`], or than half of [`MAX_DETAIL_BYTES`] holds.
    pub tapes_given_up: u64,
}

/// What the tracker has in memory of a call.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Known<'a> {
    /// Nothing.
    Nothing,
    /// It is in progress, or its row is about to be recorded.
    Live,
    /// The row that was recorded.
    Recorded(&'a FinishedCall),
}

/// The tracker of one PBX.
#[derive(Debug)]
pub struct Tracker {
    pbx: PbxId,
    rules: Rules,
    our_attempts: OurAttempts,
    topology: Topology,
    calls: Calls,
    outputs: VecDeque<Output>,
    counters: Counters,
    now: Moment,
    coverage: coverage::Coverage,
    clock: pbx_clock::PbxClock,
    presence: PresenceState,
    last_calls: LastCalls,
    event_ms: Millis,
    stopping: bool,
    /// Contexts that were reported as named by no rule.
    unnamed: BTreeSet<Box<str>>,
    /// It was reported that the PBX is seen.
    link_is_up: bool,
    long_waits: LongWaits,
    /// The number of the latest event, where tapes of calls are kept.
    tapes: Option<u64>,
}

impl Tracker {
    /// A tracker for this PBX. `ours`: which channels are attempts of its own. `last_seen_ms`: when an earlier run of the daemon last saw
    /// this PBX, if one did.
    #[must_use]
    pub fn new(pbx: &PbxId, rules: Rules, ours: OurAttempts, last_seen_ms: Option<Millis>) -> Self {
        Self {
            pbx: pbx.clone(),
            rules,
            our_attempts: ours,
            topology: Topology::default(),
            calls: Calls::new(last_seen_ms),
            outputs: VecDeque::new(),
            counters: Counters::default(),
            now: Moment { wall_ms: 0, mono_ms: 0 },
            coverage: coverage::Coverage::new(last_seen_ms),
            clock: pbx_clock::PbxClock::default(),
            presence: PresenceState::default(),
            last_calls: LastCalls::default(),
            event_ms: 0,
            stopping: false,
            unnamed: BTreeSet::new(),
            link_is_up: false,
            long_waits: LongWaits::default(),
            tapes: None,
        }
    }

    /// What it keeps stays within this; without it, it has the whole to itself.
    pub fn keeps_within(&mut self, budget: Budget) {
        self.topology.keeps_within(budget);
        self.calls.keeps_within(budget);
        self.coverage.keeps_within(budget);
        self.presence.keeps_within(budget);
    }

    /// Takes the trunks (`PJSIP/provider`) on which customers called in earlier runs: one who withholds the number and is met in a menu or a
    /// queue shows nothing else to be known by. At most [`MAX_TRUNKS_MET`] are kept.
    pub fn knows_trunks(&mut self, trunks: impl IntoIterator<Item = String>) {
        self.topology.knows_trunks(trunks);
    }

    /// Takes trunks that have been met: a channel of theirs is one, whatever its context.
    pub fn has_met_trunks(&mut self, trunks: impl IntoIterator<Item = String>) {
        for trunk in trunks {
            // As a channel of theirs is called. Beyond the limit they are not known.
            let _ = self.topology.trunk_met(&format!("{trunk}-0"));
        }
    }

    /// Takes an attempt of ours that the database holds under this id.
    pub fn knows_attempt(&mut self, id: &str, callback: i64) {
        self.our_attempts =
            std::mem::replace(&mut self.our_attempts, OurAttempts::of_anybody()).and_stored(id, callback);
    }

    /// Takes what earlier runs have seen of agents: interface, end of the last conversation (ms since 1970 UTC), and how many there were.
    /// Of a later run they are met when a queue names them, or a phone of theirs begins a call.
    pub fn knows_agents(&mut self, agents: impl IntoIterator<Item = (String, Option<Millis>, u32)>) {
        for (agent, last_talk_ms, calls) in agents {
            self.presence.knows(&agent, last_talk_ms, calls);
        }
    }

    /// Takes one input. Drain [`Tracker::poll`] afterwards.
    pub fn handle(&mut self, input: Input<'_>, now: Moment) {
        self.now = Moment { wall_ms: now.wall_ms, mono_ms: now.mono_ms.max(self.now.mono_ms) };
        (self.event_ms, self.stopping) = (now.wall_ms, false);
        match input {
            Input::Event(stamped) => {
                self.counters.events += 1;
                self.counters.texts_cut += u64::from(stamped.texts_cut);
                let at = stamped.at.unwrap_or(now.wall_ms).clamp(0, MAX_STAMP_MS);
                self.coverage.saw(at);
                if let Some(stamp) = stamped.at {
                    self.coverage.stamped(self.clock.ours(stamp));
                }
                self.event_ms = at;
                self.numbers_event(at);
                let before = self.member_before(&stamped.event);
                self.take(&stamped.event, at);
                self.tape(&stamped.event, before, at);
            }
            Input::Refused { channel } => self.event_refused(channel),
            Input::Linked { uptime_s } => self.linked(uptime_s),
            Input::SnapshotBegan => self.coverage.snapshot_began(),
            Input::SnapshotEnded { channels_known } => self.snapshot_ended(channels_known),
            Input::Unproven { ms } => {
                self.sync_lost(|coverage| coverage.unproven_since(ago(now, ms), now.wall_ms));
                self.link_is_down();
            }
            Input::Clock { asterisk_ms, took_ms } => {
                if self.clock.shows(asterisk_ms, took_ms, self.now) {
                    self.coverage.clock_changed();
                }
            }
            Input::Unlinked => {
                self.sync_lost(|coverage| coverage.lost(now.wall_ms));
                self.link_is_down();
            }
            Input::Overloaded { ms } => self.sync_lost(|coverage| coverage.overloaded(ago(now, ms))),
            Input::Stopping => self.stopping(),
            Input::Rules(rules) => {
                self.rules = rules.clone();
                self.unnamed.clear();
                self.long_waits_change();
            }
            Input::Tick => {}
        }
        self.settle_due();
        self.make_room();
        self.presence.wrapups_end(self.now);
        self.record_marked();
        if self.coverage.takes_in_sync() {
            self.link_is_up();
            self.outputs.push_back(Output::InSync);
        }
        self.look_for_long_waits();
        self.report_presence();
        self.report_seen();
    }

    /// The next thing to be done; `None` when all is said.
    #[must_use = "what is not done is lost: calls are reported once"]
    pub fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to come back with [`Input::Tick`], by the monotonic clock.
    #[must_use]
    pub fn deadline(&self) -> Option<u64> {
        let (due, wrapup) = (self.calls.deadline(), self.presence.deadline());
        let alarm = self.long_waits.due().filter(|_| self.coverage.in_sync());
        due.into_iter().chain(wrapup).chain(alarm).min()
    }

    /// What has been counted since the start.
    #[must_use]
    pub fn counters(&self) -> Counters {
        Counters {
            agents_refused: self.presence.agents_refused(),
            agent_details_refused: self.presence.details_refused(),
            listed_refused: self.coverage.listed_refused(),
            bridges_forgotten: self.topology.bridges_forgotten(),
            late_events_refused: self.calls.late_events_refused,
            ..self.counters
        }
    }

    /// By how much Asterisk's clock is ahead of ours, ms; 0 while it is right within [`pbx_clock::RIGHT_WITHIN_MS`], or not known.
    #[must_use]
    pub fn clock_ahead_ms(&self) -> Millis {
        self.clock.ahead_ms()
    }

    /// Number of calls in progress.
    #[must_use]
    pub fn live_calls(&self) -> usize {
        self.live().count()
    }

    /// The same, by where they are; each is in one place.
    #[must_use]
    pub fn phases(&self) -> BTreeMap<Phase, usize> {
        let mut phases = BTreeMap::new();
        self.live().for_each(|call| *phases.entry(self.phase(call)).or_default() += 1);
        phases
    }

    fn live(&self) -> impl Iterator<Item = &call::Call> {
        self.calls.iter().map(|(_, call)| call).filter(|call| call.stage == call::Stage::Live && !call.orphaned)
    }

    /// What is in memory of the call of this linkedid.
    #[must_use]
    pub fn memory_of(&self, linkedid: &str) -> Known<'_> {
        match self.calls.find(linkedid).map(|slot| &self.calls[slot]) {
            None => Known::Nothing,
            Some(call) => call.recorded.as_deref().map_or(Known::Live, Known::Recorded),
        }
    }

    /// The linkedids of all calls that are not recorded yet, and of those that have gone into them.
    pub fn live_linkedids(&self) -> impl Iterator<Item = &str> {
        let live = self.calls.iter().filter(|(_, call)| call.recorded.is_none());
        live.flat_map(|(_, call)| call.keys.iter().map(|key| &**key))
    }

    /// Whether it is known now which calls are up and what the agents do: the link is up and the lists have come.
    #[must_use]
    pub fn sees(&self) -> bool {
        self.coverage.in_sync()
    }

    /// Since when that is not known, ms since 1970 UTC; `None` while it is, and where the PBX has never been seen.
    #[must_use]
    pub fn unseen_since(&self) -> Option<Millis> {
        self.coverage.blind_since()
    }

    /// Technology and peer of what has been met as a trunk.
    pub fn trunks_met(&self) -> impl Iterator<Item = &str> {
        self.topology.trunks_met()
    }

    /// Live channels of phones and trunks: what is counted to know who is on a call.
    #[must_use]
    pub fn live_channels(&self) -> u32 {
        self.presence.live_channels()
    }

    /// What channels, and what the details of calls, weigh in memory as it is estimated: at most [`MAX_CHANNEL_BYTES`] and [`MAX_DETAIL_BYTES`], and what one event adds.
    #[must_use]
    pub fn weights(&self) -> (usize, usize) {
        (self.topology.bytes(), self.calls.detail_bytes())
    }

    /// Channels, bridges and calls in memory, the recently ended ones included.
    #[must_use]
    pub fn sizes(&self) -> (usize, usize, usize) {
        let (channels, bridges) = self.topology.sizes();
        (channels, bridges, self.calls.len())
    }
}

/// So many milliseconds before now, by the wall.
fn ago(now: Moment, ms: u64) -> Millis {
    now.wall_ms.saturating_sub(Millis::try_from(ms).unwrap_or(0))
}
