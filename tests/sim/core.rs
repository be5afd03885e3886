//! The daemon without its shell: a session, decoder and tracker for each PBX, and one scheduler. They are wired as the daemon wires
//! them, with bytes, commits and time from outside.

use bytes::BytesMut;
use callbackd_core::ami::action::ActionId;
use callbackd_core::ami::session::Answer as SessionAnswer;
use callbackd_core::ami::{
    Disposition, FrameDecoder, Interest, Login, Notice, Received, Session, SessionOutput, Stamped,
};
use callbackd_core::callbacks::attempt::cdr::Cdr;
use callbackd_core::callbacks::commands::Command;
use callbackd_core::callbacks::pbx_action::PbxAction;
use callbackd_core::callbacks::policy::Policies;
use callbackd_core::callbacks::restore::RestoredState;
use callbackd_core::callbacks::{self, Presences};
use callbackd_core::callbacks::{Answer, Input as SchedulerInput, Scheduler};
use callbackd_core::model::presence::Presence;
use callbackd_core::model::rules::Rules;
use callbackd_core::model::{AttemptPrefix, CallInProgress, Moment, OurAttempts, PbxId, Record};
use callbackd_core::tracker::{Input, Output, Tracker};
use std::collections::{HashMap, VecDeque};

/// The PBXs of a day: the first alone, or both.
pub const PBXS: [&str; 2] = ["pbx", "branch"];

/// Whether it was a success, and the message; `Err` if nobody knows, `None` if it was not sent.
type Reply = Option<Result<(bool, String), ()>>;

/// What the core wants of the world.
#[derive(Debug)]
pub enum Want {
    /// Bytes to this PBX.
    Send(usize, Vec<u8>),
    /// To the disk.
    Store(Record),
    /// Look an attempt of this PBX up in CDR.
    LookUp(usize, String),
    /// An action is about to leave for this PBX.
    PbxAction(usize, PbxAction),
    /// The connection to this PBX is of no more use.
    Drop(usize),
    /// In sync with this PBX.
    InSync(usize),
}

/// What there is of each PBX.
struct Side {
    pbx: PbxId,
    session: Option<Session>,
    decoder: FrameDecoder,
    input: BytesMut,
    tracker: Tracker,
    waiting: HashMap<ActionId, PbxAction>,
}

pub struct Core {
    sides: Vec<Side>,
    pub scheduler: Scheduler,
    answers: VecDeque<(usize, PbxAction, Reply)>,
    wants: VecDeque<Want>,
}

impl Core {
    /// For each PBX: its rules, and what the disk holds of it.
    pub fn new(
        sides: Vec<(Rules, Option<i64>, Vec<CallInProgress>)>,
        policies: Policies,
        restored: RestoredState,
        now: Moment,
    ) -> Self {
        let prefix = AttemptPrefix::of("0a1b2c3d").unwrap();
        let side = |(name, (rules, seen_ms, calls_left)): (&str, (Rules, Option<i64>, Vec<CallInProgress>))| {
            let pbx = PbxId::new(name);
            let mut tracker = Tracker::new(&pbx, rules, OurAttempts::of(prefix), seen_ms);
            tracker.knows_calls(calls_left);
            let decoder = FrameDecoder::new(Interest::tracker());
            Side { pbx, session: None, decoder, input: BytesMut::new(), tracker, waiting: HashMap::new() }
        };
        Self {
            sides: PBXS.into_iter().zip(sides).map(side).collect(),
            scheduler: Scheduler::new(policies, prefix, restored, now),
            answers: VecDeque::new(),
            wants: VecDeque::new(),
        }
    }

    pub fn trackers(&self) -> impl Iterator<Item = &Tracker> {
        self.sides.iter().map(|side| &side.tracker)
    }

    pub fn connected(&mut self, i: usize, nonce: u64, now: Moment) {
        let login = Login { username: "callbackd".to_owned(), secret: "demo".to_owned().into(), allow_plain: false };
        let side = &mut self.sides[i];
        side.session = Some(Session::new(login, nonce, now.mono_ms));
        side.decoder = FrameDecoder::new(Interest::tracker());
        side.input.clear();
    }

    pub fn is_connected(&self, i: usize) -> bool {
        self.sides[i].session.is_some()
    }

    pub fn bytes(&mut self, i: usize, bytes: &[u8], now: Moment) {
        let side = &mut self.sides[i];
        let Some(session) = &mut side.session else { return };
        session.heard(now.mono_ms);
        side.input.extend_from_slice(bytes);
        loop {
            let side = &mut self.sides[i];
            let Some(received) = side.decoder.decode_idle(&mut side.input) else { break };
            let Some(session) = &mut side.session else { return };
            let disposition = session.received(&received, now.mono_ms);
            if let (Received::Frame(frame), Disposition::ForTracker) = (&received, disposition)
                && let Ok(stamped) = Stamped::parse(frame)
            {
                side.tracker.handle(Input::Event(&stamped), now);
            }
            self.drain_session(i, now);
        }
        self.after(now);
    }

    pub fn lost(&mut self, i: usize, now: Moment) {
        if let Some(mut session) = self.sides[i].session.take() {
            session.lost(now.mono_ms);
            while let Some(output) = session.poll() {
                self.session_says(i, output, now);
            }
            let side = &mut self.sides[i];
            side.waiting.clear();
            side.tracker.handle(Input::Unlinked, now);
            self.scheduler.handle(SchedulerInput::Unlinked(&side.pbx), now);
            self.after(now);
        }
    }

    pub fn tick(&mut self, now: Moment) {
        for i in 0..self.sides.len() {
            if let Some(session) = &mut self.sides[i].session {
                session.tick(now.mono_ms);
                self.drain_session(i, now);
            }
            self.sides[i].tracker.handle(Input::Tick, now);
        }
        self.after(now);
    }

    pub fn stopping(&mut self, now: Moment) {
        self.sides.iter_mut().for_each(|side| side.tracker.handle(Input::Stopping, now));
        self.after(now);
    }

    /// These records are on the disk.
    pub fn committed(&mut self, records: &[Record], now: Moment) {
        for record in records {
            if let Record::Attempt(row) = record
                && row.result.is_none()
            {
                self.scheduler.handle(SchedulerInput::Committed(&row.channel_id), now);
            }
        }
        self.after(now);
    }

    /// The database refused these for their own sake.
    pub fn refused(&mut self, records: &[Record], now: Moment) {
        for record in records {
            if let Record::Attempt(row) = record {
                self.scheduler.handle(SchedulerInput::Refused(&row.channel_id), now);
            }
        }
        self.after(now);
    }

    pub fn looked_up(&mut self, i: usize, channel_id: &str, cdrs: &[Cdr], now: Moment) {
        let pbx = PbxId::new(PBXS[i]);
        self.scheduler.handle(SchedulerInput::LookedUp { pbx: &pbx, channel_id, cdrs }, now);
        self.after(now);
    }

    pub fn command(&mut self, command: &Command, now: Moment) {
        // That it cannot be done is an answer to a person.
        let _ = self.scheduler.command(command, "somebody", None, now, &presences(&self.sides));
        self.after(now);
    }

    pub fn deadline(&self) -> Option<u64> {
        let of = |side: &Side| {
            let session = side.session.as_ref().and_then(Session::deadline);
            [session, side.tracker.deadline()].into_iter().flatten().min()
        };
        self.sides.iter().map(of).chain([self.scheduler.deadline()]).flatten().min()
    }

    pub fn poll(&mut self) -> Option<Want> {
        self.wants.pop_front()
    }

    fn drain_session(&mut self, i: usize, now: Moment) {
        while let Some(output) = self.sides[i].session.as_mut().and_then(Session::poll) {
            self.session_says(i, output, now);
        }
    }

    fn session_says(&mut self, i: usize, output: SessionOutput, now: Moment) {
        match output {
            SessionOutput::Send(bytes) => self.wants.push_back(Want::Send(i, bytes.to_vec())),
            SessionOutput::Answer(SessionAnswer { id, reply, .. }) => {
                if let Some(pbx_action) = self.sides[i].waiting.remove(&id) {
                    let reply = reply.map(|reply| (reply.success(), reply.message().into_owned())).map_err(drop);
                    self.answers.push_back((i, pbx_action, Some(reply)));
                }
            }
            SessionOutput::Notice(notice) => {
                if let Some(input) = Input::from_notice(&notice) {
                    self.sides[i].tracker.handle(input, now);
                }
                if matches!(notice, Notice::LinkDead(_) | Notice::LoginRefused { .. }) {
                    self.wants.push_back(Want::Drop(i));
                }
            }
        }
    }

    fn after(&mut self, now: Moment) {
        loop {
            for (i, side) in self.sides.iter_mut().enumerate() {
                while let Some(output) = side.tracker.poll() {
                    match output {
                        Output::Record(record) => {
                            if let Record::Call(call) = &record {
                                self.scheduler.handle(SchedulerInput::Recorded(call), now);
                            }
                            self.wants.push_back(Want::Store(record));
                        }
                        Output::Tagged(tagged) => {
                            self.scheduler.handle(SchedulerInput::Tagged(&tagged.0, &tagged.1), now);
                        }
                        Output::Line(change) => self.scheduler.handle(SchedulerInput::Line(&change), now),
                        Output::Progress(progress) => self.scheduler.handle(SchedulerInput::Progress(&progress), now),
                        Output::Sign(sign) => self.scheduler.handle(SchedulerInput::Sign { pbx: &side.pbx, sign }, now),
                        Output::PresenceChanged => self.scheduler.handle(SchedulerInput::PresenceChanged, now),
                        Output::InSync => {
                            self.scheduler.handle(SchedulerInput::InSync(&side.pbx), now);
                            self.wants.push_back(Want::InSync(i));
                        }
                        Output::Unnamed { .. } => {}
                    }
                }
            }
            self.scheduler.decide(now, &presences(&self.sides));
            let place = |sides: &[Side], pbx: &PbxId| sides.iter().position(|side| side.pbx == *pbx).expect("a PBX");
            while let Some(output) = self.scheduler.poll() {
                match output {
                    callbacks::Output::Record(record) => self.wants.push_back(Want::Store(record)),
                    callbacks::Output::LookUp { pbx, channel_id, .. } => {
                        self.wants.push_back(Want::LookUp(place(&self.sides, &pbx), channel_id));
                    }
                    callbacks::Output::BadTime { .. } | callbacks::Output::Group(_) => {}
                    callbacks::Output::Act { pbx, pbx_action } => {
                        self.act(place(&self.sides, &pbx), pbx_action, now);
                    }
                }
            }
            let Some((i, pbx_action, reply)) = self.answers.pop_front() else { return };
            self.answered(i, &pbx_action, reply, now);
        }
    }

    fn act(&mut self, i: usize, pbx_action: PbxAction, now: Moment) {
        let action = pbx_action.action().expect("what cannot be sent is kept out long before");
        let sent = self.sides[i].session.as_mut().and_then(|session| session.request(&action, now.mono_ms).ok());
        match sent {
            Some(id) => {
                self.wants.push_back(Want::PbxAction(i, pbx_action.clone()));
                self.sides[i].waiting.insert(id, pbx_action);
                self.drain_session(i, now);
            }
            None => self.answers.push_back((i, pbx_action, None)),
        }
    }

    fn answered(&mut self, i: usize, pbx_action: &PbxAction, reply: Reply, now: Moment) {
        let answer = match &reply {
            None => Answer::NotSent,
            Some(Err(())) => Answer::Unanswered,
            Some(Ok((true, _))) => Answer::Accepted,
            Some(Ok((false, message))) => Answer::Refused(message),
        };
        match pbx_action {
            PbxAction::Originate(originate) => {
                self.scheduler.handle(SchedulerInput::Answered { channel_id: &originate.channel_id, answer }, now);
            }
            PbxAction::Publish { value: Some(_), .. } => {
                self.scheduler.handle(SchedulerInput::Published { pbx: &self.sides[i].pbx, answer }, now)
            }
            // The pretend PBX knows neither action.
            PbxAction::AskSign => {
                self.scheduler.handle(SchedulerInput::SignRead { pbx: &self.sides[i].pbx, value: None }, now)
            }
            PbxAction::ShowSign(_) => {
                self.scheduler.handle(SchedulerInput::SignWritten { pbx: &self.sides[i].pbx, answer }, now)
            }
            _ => {}
        }
    }
}

fn presences(sides: &[Side]) -> Presences<'_> {
    sides.iter().map(|side| (side.pbx.clone(), &side.tracker as &dyn Presence)).collect()
}
