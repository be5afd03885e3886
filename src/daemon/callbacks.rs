//! The scheduler at work: it takes what the trackers report, its records go to the store, and its PBX actions to the links.

use super::group::Requests;
use super::link::{RequestFailed, Requester};
use super::monitor::Monitor;
use super::{cdr_file, event_log};
use crate::background::background;
use crate::config::ShowNumbers;
use crate::log::{RateLimit, Remark};
use callbackd_core::ami::session::{Reply, RequestError};
use callbackd_core::callbacks::alongside::{Another, Others};
use callbackd_core::callbacks::attempt::cdr::Cdr;
use callbackd_core::callbacks::commands::{Command, CommandError, Done};
use callbackd_core::callbacks::group::{Alone, Claimed, GroupNews, GroupRequest};
use callbackd_core::callbacks::pbx_action::PbxAction;
use callbackd_core::callbacks::policy::Policies;
use callbackd_core::callbacks::restore::RestoredState;
use callbackd_core::callbacks::{self, Answer, Input, Presences, Scheduler};
use callbackd_core::millis::Millis;
use callbackd_core::model::{AttemptPrefix, AttemptRow, CallbackRow, Moment, PbxId, Record};
use callbackd_core::order::Gather as _;
use callbackd_core::tracker::Output;
use std::collections::BTreeMap;
use std::path::PathBuf;
use tokio::sync::mpsc;

/// PBX actions that fail are logged at most this often (ms).
const SAY_EVERY_MS: i64 = 10_000;

/// Outcomes that wait for the loop. What can be under way is bounded: a link takes 64 requests and as many wait for Asterisk's answer, all
/// beyond fail at once, and there are at most as many look-ups as attempts. Where more of them end at once than fit here, the task that has
/// the outcome waits for room, never the loop: no outcome is lost.
const MAX_OUTCOMES: usize = 256;

/// The result of something that the scheduler wanted.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The answer to a PBX action.
    Answered {
        /// The PBX that answered.
        pbx: PbxId,
        /// The action that was answered.
        pbx_action: PbxAction,
        /// Asterisk's answer, or why there is none.
        reply: Result<Reply, RequestFailed>,
    },
    /// What is heard of the group, and in which run of its worker.
    Group(u64, GroupNews),
    /// What Asterisk's CDR hold of an attempt.
    LookedUp {
        /// The PBX whose CDR they are.
        pbx: PbxId,
        /// The attempt's channel id.
        channel_id: String,
        /// The CDR found for it.
        cdrs: Vec<Cdr>,
    },
}

/// The scheduler, with what connects it to the daemon.
#[derive(Debug)]
pub(crate) struct Callbacks {
    scheduler: Scheduler,
    requesters: BTreeMap<PbxId, Requester>,
    outcomes: (mpsc::Sender<Outcome>, mpsc::Receiver<Outcome>),
    cdr_csv: BTreeMap<PbxId, PathBuf>,
    group: Option<Requests>,
    /// Attempts that came too late for the claim on their customer.
    lapsed: u64,
    failures: RateLimit,
    /// Misses that were not taken, by PBX, as far as it has been said.
    refused_said: BTreeMap<PbxId, u64>,
    /// Other daemons, as far as it has been said.
    another_said: BTreeMap<PbxId, Another>,
}

impl Callbacks {
    /// A scheduler that goes on where an earlier one stopped.
    pub(crate) fn new(
        policies: Policies,
        prefix: AttemptPrefix,
        restored: RestoredState,
        requesters: BTreeMap<PbxId, Requester>,
        cdr_csv: BTreeMap<PbxId, PathBuf>,
        now: Moment,
    ) -> Self {
        Self {
            scheduler: Scheduler::new(policies, prefix, restored, now),
            requesters,
            outcomes: mpsc::channel(MAX_OUTCOMES),
            cdr_csv,
            group: None,
            lapsed: 0,
            failures: RateLimit::new(SAY_EVERY_MS),
            refused_said: BTreeMap::new(),
            another_said: BTreeMap::new(),
        }
    }

    /// This site shares its customers with others from now on, or with nobody.
    pub(crate) fn group(&mut self, group: Option<(Alone, Requests)>, now: Moment) {
        let (alone, requests) = group.unzip();
        self.group = requests;
        self.scheduler.handle(Input::Group(alone), now);
    }

    /// Where results of what was wanted go.
    pub(crate) fn outcomes(&self) -> mpsc::Sender<Outcome> {
        self.outcomes.0.clone()
    }

    /// Attempts that came too late for the claim on their customer.
    pub(crate) fn lapsed(&self) -> u64 {
        self.lapsed
    }

    /// The next result of what was wanted, to be given to [`Callbacks::result`]. None is lost if it is not waited for to the end.
    pub(crate) async fn outcome(&mut self) -> Option<Outcome> {
        self.outcomes.1.recv().await
    }

    /// Whether nobody is to be dialled, because it is not known yet whether the database is sound.
    pub(crate) fn hold(&mut self, held: bool, now: Moment) {
        self.scheduler.handle(Input::Held(held), now);
    }

    /// When to come back with [`Callbacks::decide`], by the monotonic clock.
    pub(crate) fn deadline(&self) -> Option<u64> {
        self.scheduler.deadline()
    }

    /// Takes what a tracker reports. Its records are returned: they go to the store.
    pub(crate) fn hear(&mut self, pbx: &PbxId, output: Output, now: Moment) -> Option<Record> {
        match output {
            Output::Record(record) => {
                if let Record::Call(call) = &record {
                    self.scheduler.handle(Input::Recorded(call), now);
                }
                return Some(record);
            }
            Output::Tagged(tagged) => self.scheduler.handle(Input::Tagged(&tagged.0, &tagged.1), now),
            Output::Line(change) => self.scheduler.handle(Input::Line(&change), now),
            Output::Progress(progress) => self.scheduler.handle(Input::Progress(&progress), now),
            Output::Sign(sign) => self.scheduler.handle(Input::Sign { pbx, sign }, now),
            Output::PresenceChanged => self.scheduler.handle(Input::PresenceChanged, now),
            Output::InSync => self.scheduler.handle(Input::InSync(pbx), now),
            Output::Unnamed { context, linkedid } => event_log::unnamed_context(pbx, &context, &linkedid),
        }
        None
    }

    /// Sync with a PBX is lost.
    pub(crate) fn unlinked(&mut self, pbx: &PbxId, now: Moment) {
        self.scheduler.handle(Input::Unlinked(pbx), now);
    }

    /// The policies changed, and with them perhaps where each PBX's CDR are.
    pub(crate) fn policies(&mut self, policies: &Policies, cdr_csv: BTreeMap<PbxId, PathBuf>, now: Moment) {
        self.cdr_csv = cdr_csv;
        self.scheduler.handle(Input::Policies(policies), now);
    }

    /// A record is on the disk.
    pub(crate) fn stored(&mut self, record: &Record, now: Moment) {
        if let Some(intent) = intent(record) {
            self.scheduler.handle(Input::Committed(&intent.channel_id), now);
        }
    }

    /// The database refused a record.
    pub(crate) fn refused(&mut self, record: &Record, now: Moment) {
        if let Some(intent) = intent(record) {
            self.scheduler.handle(Input::Refused(&intent.channel_id), now);
        }
    }

    /// Takes the result of a PBX action.
    pub(crate) fn result(&mut self, result: &Outcome, now: Moment) {
        let (pbx, pbx_action, reply) = match result {
            Outcome::Answered { pbx, pbx_action, reply } => (pbx, pbx_action, reply),
            // What an earlier worker has claimed the present one does not hold.
            Outcome::Group(run, news) => {
                if self.group.as_ref().is_some_and(|group| group.run == *run) {
                    self.scheduler.handle(Input::GroupNews(news), now);
                }
                return;
            }
            Outcome::LookedUp { pbx, channel_id, cdrs } => {
                return self.scheduler.handle(Input::LookedUp { pbx, channel_id, cdrs }, now);
            }
        };
        let answer = match reply {
            Ok(reply) if reply.success() => Answer::Accepted,
            Ok(reply) => Answer::Refused(&reply.message()),
            Err(RequestFailed::NotSent(_)) => Answer::NotSent,
            Err(RequestFailed::Lapsed) => {
                self.lapsed += 1;
                Answer::Lapsed
            }
            Err(RequestFailed::Unanswered(_)) => Answer::Unanswered,
        };
        match pbx_action {
            PbxAction::Originate(originate) => {
                self.scheduler.handle(Input::Answered { channel_id: &originate.channel_id, answer }, now);
            }
            PbxAction::AskSign => {
                let read = reply.as_ref().ok().filter(|reply| reply.success());
                let value = read.and_then(|reply| reply.response.text("Value"));
                self.scheduler.handle(Input::SignRead { pbx, value: value.as_deref() }, now);
            }
            PbxAction::AskFreepbx => {
                let read = reply.as_ref().ok().filter(|reply| reply.success());
                let value = read.and_then(|reply| reply.response.text("Value"));
                self.scheduler.handle(Input::FreepbxRead { pbx, value: value.as_deref() }, now);
            }
            PbxAction::ShowSign(_) => self.scheduler.handle(Input::SignWritten { pbx, answer }, now),
            // A channel that is gone already, a family that was empty, a key that somebody else deleted: as it should be.
            PbxAction::Hangup { .. }
            | PbxAction::PublishNothing
            | PbxAction::Publish { value: None, .. }
            | PbxAction::Pause { .. }
            | PbxAction::PauseAbsent { .. } => {}
            PbxAction::Publish { .. } => self.scheduler.handle(Input::Published { pbx, answer }, now),
        }
        if let Answer::Refused(why) = answer {
            self.say_refused(pbx, pbx_action, why, now);
        }
    }

    fn say_refused(&mut self, pbx: &str, pbx_action: &PbxAction, why: &str, now: Moment) {
        let (what, consequence) = match pbx_action {
            PbxAction::Originate(_) => {
                ("Originate", "nobody was called; the AMI user may lack write = originate (callbackd check --connect)")
            }
            PbxAction::PauseAbsent { .. } => (
                "QueuePause",
                "an agent who does not take callbacks is not paused; the AMI user may lack write = agent",
            ),
            PbxAction::Pause { paused: true, .. } => {
                ("QueuePause", "the queue may ring the agent meanwhile; the AMI user may lack write = agent")
            }
            PbxAction::Pause { paused: false, .. } => {
                ("QueuePause", "the agent may still be paused with the reason callbackd: unpause the agent by hand")
            }
            PbxAction::Publish { value: Some(_), .. } => (
                "DBPut",
                "greetings cannot say who is to be called back; the AMI user may lack write = system, or set callback.publish = false",
            ),
            PbxAction::AskSign | PbxAction::ShowSign(_) => {
                let what = pbx_action.action().map_or("Setvar", |action| action.name());
                tracing::debug!(target: "callback", pbx, action = what, err = %Remark { text: why, show: ShowNumbers::Tail }, "Another callbackd on this PBX cannot be detected");
                return;
            }
            PbxAction::Hangup { .. }
            | PbxAction::PublishNothing
            | PbxAction::Publish { value: None, .. }
            | PbxAction::AskFreepbx => return,
        };
        if let Some(suppressed) = self.failures.allow(what, now.wall_ms) {
            tracing::warn!(target: "callback", %pbx, action = what, err = %Remark { text: why, show: ShowNumbers::Tail }, suppressed, consequence, "Asterisk refused an action");
        }
    }

    /// Lets the scheduler decide. Its records are returned, and its PBX actions are on their way.
    pub(crate) fn decide(&mut self, monitors: &[Monitor], now: Moment) -> Vec<Record> {
        let presences = presences_of(monitors);
        self.scheduler.decide(now, &presences);
        self.say_full(now);
        self.say_another(monitors, now);
        self.carry_out(&presences, now)
    }

    fn carry_out(&mut self, presences: &Presences<'_>, now: Moment) -> Vec<Record> {
        let mut records = Vec::new();
        while let Some(output) = self.scheduler.poll() {
            match output {
                callbacks::Output::Record(record) => records.push(record),
                callbacks::Output::LookUp { pbx, channel_id, since_ms } => self.look_up(pbx, channel_id, since_ms),
                callbacks::Output::Act { pbx, pbx_action } => self.act(pbx, pbx_action, presences, now),
                callbacks::Output::Group(request) => self.ask_group(request),
                callbacks::Output::BadTime { call, time, error } => tracing::warn!(
                    target: "callback", pbx = %call.pbx, call = &*call.linkedid, time = %time.escape_debug(), hint = %error,
                    "A caller's time for the callback cannot be kept; they are called back as if they had named none"
                ),
            }
        }
        records
    }

    /// Misses for which there was no room: their calls have their rows, and nobody calls them back.
    fn say_full(&mut self, now: Moment) {
        let refused = self.scheduler.refused_on();
        if *refused == self.refused_said || self.failures.allow("full", now.wall_ms).is_none() {
            return;
        }
        for (pbx, all) in refused {
            let missed = all - self.refused_said.get(pbx).copied().unwrap_or_default();
            if missed > 0 {
                tracing::error!(
                    target: "callback", %pbx, missed, open = callbacks::MAX_OPEN,
                    "Too many callbacks are open, these missed callers are not called back; cancel what is stale, or shorten callback.expire"
                );
            }
        }
        self.refused_said.clone_from(refused);
    }

    /// Another callbackd that makes callbacks on the same PBX, when that changes.
    fn say_another(&mut self, monitors: &[Monitor], now: Moment) {
        for pbx in monitors.iter().map(|w| &w.name) {
            let another = match self.scheduler.others_on(pbx) {
                Others::One(another) => Some(another),
                Others::Nobody => None,
                // It is not over because it cannot be seen, or does not matter.
                Others::Unknown => continue,
                Others::Off => {
                    self.another_said.remove(pbx);
                    continue;
                }
            };
            if another == self.another_said.get(pbx).copied() {
                continue;
            }
            let what = if another.is_some() { "another" } else { "no other" };
            let Some(suppressed) = self.failures.allow(what, now.wall_ms) else { continue };
            match another {
                Some(Another { identity, gives_way: true }) => tracing::warn!(
                    target: "callback", %pbx, another = identity.as_str(), suppressed,
                    "Another callbackd makes callbacks on this PBX; this one makes none until the other has been silent for a minute: stop one of \
                     them, or set callback.alongside = true if both are wanted"
                ),
                Some(Another { identity, gives_way: false }) => tracing::warn!(
                    target: "callback", %pbx, another = identity.as_str(), suppressed,
                    "Another callbackd makes callbacks on this PBX, and so does this one: customers may be called twice"
                ),
                None => {
                    tracing::info!(target: "callback", %pbx, suppressed, "No other callbackd makes callbacks on this PBX any more")
                }
            }
            match another {
                Some(another) => self.another_said.insert(pbx.clone(), another),
                None => self.another_said.remove(pbx),
            };
        }
    }

    /// The daemon ends: its signs are taken back while the links are up.
    pub(crate) fn stop(&mut self, monitors: &[Monitor], now: Moment) {
        self.scheduler.stop();
        let records = self.carry_out(&presences_of(monitors), now);
        debug_assert!(records.is_empty(), "whatever was decided has been carried out before");
    }

    fn act(&self, pbx: PbxId, pbx_action: PbxAction, presences: &Presences<'_>, now: Moment) {
        if let PbxAction::Originate(originate) = &pbx_action {
            event_log::callback::offered(&pbx, originate, presences.get(&pbx).copied(), now.wall_ms);
        }
        let action = pbx_action.action();
        let (Some(requester), Ok(action)) = (self.requesters.get(&pbx), action.clone()) else {
            // What cannot be sent has been kept out of dial strings and names long before; nobody was called.
            let err = action.err().map(tracing::field::display);
            tracing::error!(target: "callback", %pbx, err, "An AMI action could not be sent: AMI cannot carry its text; please report this");
            if let PbxAction::Originate(_) = &pbx_action {
                let reply = Err(RequestFailed::NotSent(RequestError::NotLive));
                answer(self.outcomes.0.clone(), pbx, pbx_action, std::future::ready(reply));
            }
            return;
        };
        let by = if let PbxAction::Originate(originate) = &pbx_action { originate.leaves_by_boot_ms } else { None };
        let answered = requester.request_by(action, by); // queued here, so that PBX actions keep their order
        answer(self.outcomes.0.clone(), pbx, pbx_action, answered);
    }

    /// Where there is no room a claim is answered at once; what is to go back runs out.
    fn ask_group(&self, request: GroupRequest) {
        let Some(group) = &self.group else { return };
        if let Err(GroupRequest::Claim { callback, number, .. }) = group.send(request) {
            let (done, run) = (self.outcomes.0.clone(), group.run);
            let news = GroupNews::Claimed { callback, number, answer: Claimed::Away };
            // The loop may have ended.
            background(async move { drop(done.send(Outcome::Group(run, news)).await) });
        }
    }

    /// In the files of the attempt's own PBX: another one's may have the same id.
    fn look_up(&self, pbx: PbxId, channel_id: String, since_ms: Millis) {
        let (path, done) = (self.cdr_csv.get(&pbx).cloned(), self.outcomes.0.clone());
        tokio::task::spawn_blocking(move || {
            let cdrs = path.map_or_else(|| Ok(Vec::new()), |path| cdr_file::of(&path, &channel_id, since_ms)).unwrap_or_else(|err| {
                tracing::warn!(
                    target: "callback", %pbx, %err, channel = channel_id,
                    "gap.cdr_csv cannot be read, so how this attempt ended is unknown; the customer is not called before callback.retry.lost has passed"
                );
                Vec::new()
            });
            // The loop may have ended.
            let _ = done.blocking_send(Outcome::LookedUp { pbx, channel_id, cdrs });
        });
    }

    /// Carries out a command; the answer may be given once the records of the next [`Callbacks::decide`] are stored.
    ///
    /// # Errors
    /// If it cannot be done.
    pub(crate) fn command(
        &mut self,
        command: &Command,
        by: &str,
        closed: Option<CallbackRow>,
        monitors: &[Monitor],
        now: Moment,
    ) -> Result<Done, CommandError> {
        self.scheduler.command(command, by, closed, now, &presences_of(monitors))
    }

    /// What a command did, as it stands after the decision that followed.
    pub(crate) fn settled(&self, done: Done) -> Done {
        match done {
            Done::Callback(row) => Done::Callback(match self.scheduler.callback(row.id) {
                Some(now) => Box::new(now.clone()),
                None => row,
            }),
            done => done,
        }
    }

    /// The scheduler, to be read.
    pub(crate) fn scheduler(&self) -> &Scheduler {
        &self.scheduler
    }
}

/// Who is free on each PBX, as its tracker knows it now.
fn presences_of(monitors: &[Monitor]) -> Presences<'_> {
    monitors.iter().map(|w| (w.name.clone(), w.presence())).to_map()
}

/// Waits for the answer beside the loop, and for room to hand it to the loop.
fn answer(
    done: mpsc::Sender<Outcome>,
    pbx: PbxId,
    pbx_action: PbxAction,
    answered: impl Future<Output = Result<Reply, RequestFailed>> + Send + 'static,
) {
    background(async move {
        let reply = answered.await;
        // The loop may have ended.
        let _ = done.send(Outcome::Answered { pbx, pbx_action, reply }).await;
    });
}

/// A record that says that something will be dialled.
fn intent(record: &Record) -> Option<&AttemptRow> {
    match record {
        Record::Attempt(row) if row.result.is_none() => Some(row),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use callbackd_core::ami::session::RequestError;

    #[tokio::test]
    async fn no_outcome_is_lost_where_more_come_than_fit() {
        let (done, mut outcomes) = mpsc::channel(MAX_OUTCOMES);
        let all = 2 * MAX_OUTCOMES;
        for n in 0..all {
            let reply = Err(RequestFailed::NotSent(RequestError::NotLive));
            answer(done.clone(), PbxId::new(&n.to_string()), PbxAction::PublishNothing, std::future::ready(reply));
        }
        while outcomes.len() < MAX_OUTCOMES {
            tokio::task::yield_now().await;
        }
        let mut heard = std::collections::BTreeSet::new();
        while heard.len() < all {
            match outcomes.recv().await {
                Some(Outcome::Answered { pbx, .. }) => assert!(heard.insert(pbx), "received twice"),
                other => panic!("{other:?}"),
            }
        }
        assert!(outcomes.is_empty());
    }
}
