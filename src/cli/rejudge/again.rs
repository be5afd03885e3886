//! The calls of one PBX once more: their tapes, given to a tracker under the rules of now.

use crate::store::TapedCall;
use callbackd_core::ami::Stamped;
use callbackd_core::ami::event::{Event, Member, MemberChange};
use callbackd_core::millis::Millis;
use callbackd_core::model::rules::Rules;
use callbackd_core::model::{CallTape, FinishedCall, Moment, OurAttempts, PbxId, Record};
use callbackd_core::tracker::tape::{Taped, Tapes};
use callbackd_core::tracker::{Input, LINGER_MS, Output, Tracker};
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

/// What is said so long after a call has begun is said of one that begins later, ms: tapes come in the order in which their calls began, and may begin before.
const SLACK_MS: Millis = 60_000;
/// So long after it was recorded the row of a call is corrected no more, ms.
const SETTLED_MS: u64 = 12 * LINGER_MS;

/// A row, with the tape of what it was made from.
pub(super) struct Made {
    pub(super) call: Arc<FinishedCall>,
    pub(super) tape: Option<Arc<CallTape>>,
}

/// A tracker that takes tapes.
pub(super) struct Again {
    tracker: Tracker,
    tapes: Tapes,
    agents: Vec<String>,
    now: Moment,
    /// Rows as they are now, with when they were made, by the tracker's clock.
    rows: HashMap<String, (u64, Made)>,
    made: VecDeque<(u64, String)>,
}

impl Again {
    /// `agents` and `trunks`: who is known to be one from before.
    pub(super) fn new(
        pbx: &PbxId,
        rules: Rules,
        ours: OurAttempts,
        agents: Vec<String>,
        trunks: impl IntoIterator<Item = String>,
    ) -> Self {
        let mut tracker = Tracker::new(pbx, rules, ours, None);
        tracker.has_met_trunks(trunks);
        Self {
            tracker,
            tapes: Tapes::default(),
            agents,
            now: Moment { wall_ms: 0, mono_ms: 0 },
            rows: HashMap::new(),
            made: VecDeque::new(),
        }
    }

    /// The next tape. Returned are the rows that nothing changes any more.
    pub(super) fn takes(&mut self, call: &TapedCall<'_>) -> Vec<Made> {
        while self.tapes.due().is_some_and(|at| at < call.started_ms - SLACK_MS)
            && let Some(taped) = self.tapes.next()
        {
            self.event(taped);
        }
        if let Some(callback) = call.attempt_of {
            self.tracker.knows_attempt(call.linkedid, callback);
        }
        self.tapes.add(call.tape);
        self.settled(SETTLED_MS)
    }

    /// All have come: the rows that are left.
    pub(super) fn ends(&mut self) -> Vec<Made> {
        while let Some(taped) = self.tapes.next() {
            self.event(taped);
        }
        self.pass(i64::try_from(SETTLED_MS).unwrap_or(i64::MAX).saturating_add(self.now.wall_ms));
        self.settled(0)
    }

    /// Tapes that cannot be read.
    pub(super) fn unreadable(&self) -> u64 {
        self.tapes.unreadable
    }

    fn event(&mut self, Taped { n, at, event }: Taped) {
        if self.now.wall_ms == 0 {
            self.now.wall_ms = at;
            self.begins();
        }
        self.pass(at);
        let stamped = Stamped { at: Some(at), action_id: "".into(), texts_cut: 0, event };
        self.tracker.tapes_from(n);
        self.give(Input::Event(&stamped));
    }

    /// The link is up, and the lists name no call.
    fn begins(&mut self) {
        self.give(Input::Linked { uptime_s: None });
        self.give(Input::SnapshotBegan);
        for agent in std::mem::take(&mut self.agents) {
            let member = Member { queue: "agents".into(), interface: agent.into(), ..Member::default() };
            let event = Event::QueueMember { change: MemberChange::Listed, member };
            let at = Some(self.now.wall_ms);
            self.give(Input::Event(&Stamped { at, action_id: "".into(), texts_cut: 0, event }));
        }
        self.give(Input::SnapshotEnded { channels_known: true });
    }

    /// Lets the clocks run up to this moment; the tracker is woken when it asked to be.
    fn pass(&mut self, at: Millis) {
        let end = self.now.run_to(at);
        while let Some(due) = self.now.woken(self.tracker.deadline(), end) {
            self.now = due;
            self.give(Input::Tick);
        }
        self.now = end;
    }

    fn give(&mut self, input: Input<'_>) {
        self.tracker.handle(input, self.now);
        while let Some(output) = self.tracker.poll() {
            match output {
                Output::Record(Record::Call(call)) => {
                    let made = self.now.mono_ms;
                    self.made.push_back((made, call.linkedid.clone()));
                    self.rows.insert(call.linkedid.clone(), (made, Made { call, tape: None }));
                }
                Output::Record(Record::Tape(tape)) => {
                    if let Some((_, made)) = self.rows.get_mut(&tape.linkedid) {
                        made.tape = Some(tape);
                    }
                }
                _ => {}
            }
        }
    }

    /// Takes out the rows that were made so long ago, each as it was made last.
    fn settled(&mut self, ago_ms: u64) -> Vec<Made> {
        let mut settled = Vec::new();
        while let Some((made, linkedid)) = self.made.pop_front_if(|(made, _)| *made + ago_ms <= self.now.mono_ms) {
            if self.rows.get(&linkedid).is_some_and(|(last, _)| *last == made)
                && let Some((_, made)) = self.rows.remove(&linkedid)
            {
                settled.push(made);
            }
        }
        settled
    }
}
