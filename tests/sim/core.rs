//! The daemon without its shell: session, decoder, engine and desk, wired as the daemon wires them, with bytes, commits and time from outside.

use bytes::BytesMut;
use callbackd_core::ami::action::ActionId;
use callbackd_core::ami::session::Answer as SessionAnswer;
use callbackd_core::ami::{
    Disposition, FrameDecoder, Interest, Login, Notice, Received, Session, SessionOutput, Stamped,
};
use callbackd_core::callbacks;
use callbackd_core::callbacks::Presences;
use callbackd_core::callbacks::attempt::cdr::Cdr;
use callbackd_core::callbacks::commands::Command;
use callbackd_core::callbacks::pbx_action::PbxAction;
use callbackd_core::callbacks::policy::Policies;
use callbackd_core::callbacks::restore::RestoredState;
use callbackd_core::callbacks::{Answer, Input as DeskInput, Scheduler};
use callbackd_core::model::PbxId;
use callbackd_core::model::Record;
use callbackd_core::model::presence::Presence;
use callbackd_core::model::rules::Rules;
use callbackd_core::model::{AttemptPrefix, Moment, OurAttempts};
use callbackd_core::tracker::{Input, Output, Tracker};
use std::collections::{HashMap, VecDeque};

pub const PBX: &str = "pbx";

/// Whether it was a success, and the message; `Err` if nobody knows, `None` if it was not sent.
type Reply = Option<Result<(bool, String), ()>>;

/// What the core wants of the world.
#[derive(Debug)]
pub enum Want {
    /// Bytes to the PBX.
    Send(Vec<u8>),
    /// To the disk.
    Store(Record),
    /// Look an attempt up in CDR.
    LookUp(String),
    /// A deed is about to leave.
    PbxAction(PbxAction),
    /// The connection is of no more use.
    Drop,
    /// Sight is whole.
    InSync,
}

pub struct Core {
    session: Option<Session>,
    decoder: FrameDecoder,
    input: BytesMut,
    pub tracker: Tracker,
    pub scheduler: Scheduler,
    waiting: HashMap<ActionId, PbxAction>,
    answers: VecDeque<(PbxAction, Reply)>,
    wants: VecDeque<Want>,
}

impl Core {
    pub fn new(rules: Rules, policies: Policies, restored: RestoredState, seen_ms: Option<i64>, now: Moment) -> Self {
        let prefix = AttemptPrefix::of("0a1b2c3d").unwrap();
        Self {
            session: None,
            decoder: FrameDecoder::new(Interest::tracker()),
            input: BytesMut::new(),
            tracker: Tracker::new(&PbxId::new(PBX), rules, OurAttempts::of(prefix), seen_ms),
            scheduler: Scheduler::new(policies, prefix, restored, now),
            waiting: HashMap::new(),
            answers: VecDeque::new(),
            wants: VecDeque::new(),
        }
    }

    pub fn connected(&mut self, nonce: u64, now: Moment) {
        let login = Login { username: "callbackd".to_owned(), secret: "demo".to_owned().into(), allow_plain: false };
        self.session = Some(Session::new(login, nonce, now.mono_ms));
        self.decoder = FrameDecoder::new(Interest::tracker());
        self.input.clear();
    }

    pub fn is_connected(&self) -> bool {
        self.session.is_some()
    }

    pub fn bytes(&mut self, bytes: &[u8], now: Moment) {
        let Some(session) = &mut self.session else { return };
        session.heard(now.mono_ms);
        self.input.extend_from_slice(bytes);
        while let Some(received) = self.decoder.decode(&mut self.input) {
            let Some(session) = &mut self.session else { return };
            let disposition = session.received(&received, now.mono_ms);
            if let (Received::Frame(frame), Disposition::ForEngine) = (&received, disposition)
                && let Ok(stamped) = Stamped::parse(frame)
            {
                self.tracker.handle(Input::Event(&stamped), now);
            }
            self.drain_session(now);
        }
        self.after(now);
    }

    /// The connection broke, and not by the other end's closing it.
    pub fn broke(&mut self, now: Moment) {
        if let Some(session) = &mut self.session {
            session.fell_silent(now.mono_ms);
            self.drain_session(now);
        }
        self.lost(now);
    }

    pub fn lost(&mut self, now: Moment) {
        if let Some(mut session) = self.session.take() {
            session.lost();
            while let Some(output) = session.poll() {
                self.session_says(output, now);
            }
            self.waiting.clear();
            self.tracker.handle(Input::Unlinked, now);
            self.scheduler.handle(DeskInput::Unlinked(&PbxId::new(PBX)), now);
            self.after(now);
        }
    }

    pub fn tick(&mut self, now: Moment) {
        if let Some(session) = &mut self.session {
            session.tick(now.mono_ms);
            self.drain_session(now);
        }
        self.tracker.handle(Input::Tick, now);
        self.after(now);
    }

    pub fn stopping(&mut self, now: Moment) {
        self.tracker.handle(Input::Stopping, now);
        self.after(now);
    }

    /// These records are on the disk.
    pub fn committed(&mut self, records: &[Record], now: Moment) {
        for record in records {
            if let Record::Attempt(row) = record
                && row.result.is_none()
            {
                self.scheduler.handle(DeskInput::Committed(&row.channel_id), now);
            }
        }
        self.after(now);
    }

    /// The database refused these for their own sake.
    pub fn refused(&mut self, records: &[Record], now: Moment) {
        for record in records {
            if let Record::Attempt(row) = record {
                self.scheduler.handle(DeskInput::Refused(&row.channel_id), now);
            }
        }
        self.after(now);
    }

    pub fn looked_up(&mut self, channel_id: &str, cdrs: &[Cdr], now: Moment) {
        self.scheduler.handle(DeskInput::LookedUp { channel_id, cdrs }, now);
        self.after(now);
    }

    pub fn command(&mut self, command: &Command, now: Moment) {
        let presences = Presences::from([(PbxId::new(PBX), &self.tracker as &dyn Presence)]);
        // That it cannot be done is an answer to a person.
        let _ = self.scheduler.command(command, "somebody", None, now, &presences);
        self.after(now);
    }

    pub fn deadline(&self) -> Option<u64> {
        let session = self.session.as_ref().and_then(Session::deadline);
        [session, self.tracker.deadline(), self.scheduler.deadline()].into_iter().flatten().min()
    }

    pub fn poll(&mut self) -> Option<Want> {
        self.wants.pop_front()
    }

    fn drain_session(&mut self, now: Moment) {
        while let Some(output) = self.session.as_mut().and_then(Session::poll) {
            self.session_says(output, now);
        }
    }

    fn session_says(&mut self, output: SessionOutput, now: Moment) {
        match output {
            SessionOutput::Send(bytes) => self.wants.push_back(Want::Send(bytes.to_vec())),
            SessionOutput::Answer(SessionAnswer { id, reply, .. }) => {
                if let Some(pbx_action) = self.waiting.remove(&id) {
                    let reply = reply.map(|reply| (reply.success(), reply.message().into_owned())).map_err(drop);
                    self.answers.push_back((pbx_action, Some(reply)));
                }
            }
            SessionOutput::Notice(notice) => {
                if let Some(input) = Input::from_notice(&notice) {
                    self.tracker.handle(input, now);
                }
                if matches!(notice, Notice::LinkDead(_) | Notice::LoginRefused { .. }) {
                    self.wants.push_back(Want::Drop);
                }
            }
        }
    }

    fn after(&mut self, now: Moment) {
        loop {
            while let Some(output) = self.tracker.poll() {
                match output {
                    Output::Record(record) => {
                        if let Record::Call(call) = &record {
                            self.scheduler.handle(DeskInput::Told(call), now);
                        }
                        self.wants.push_back(Want::Store(record));
                    }
                    Output::Line(change) => self.scheduler.handle(DeskInput::Line(&change), now),
                    Output::Progress(progress) => self.scheduler.handle(DeskInput::Progress(&progress), now),
                    Output::PresenceChanged => self.scheduler.handle(DeskInput::PresenceChanged, now),
                    Output::InSync => {
                        self.scheduler.handle(DeskInput::InSync(&PbxId::new(PBX)), now);
                        self.wants.push_back(Want::InSync);
                    }
                }
            }
            let presences = Presences::from([(PbxId::new(PBX), &self.tracker as &dyn Presence)]);
            self.scheduler.decide(now, &presences);
            while let Some(output) = self.scheduler.poll() {
                match output {
                    callbacks::Output::Record(record) => self.wants.push_back(Want::Store(record)),
                    callbacks::Output::LookUp { channel_id, .. } => self.wants.push_back(Want::LookUp(channel_id)),
                    callbacks::Output::Act { pbx_action, .. } => self.act(pbx_action, now),
                }
            }
            let Some((pbx_action, reply)) = self.answers.pop_front() else { return };
            self.answered(&pbx_action, reply, now);
        }
    }

    fn act(&mut self, pbx_action: PbxAction, now: Moment) {
        let action = pbx_action.action().expect("what cannot be sent is kept out long before");
        let sent = self.session.as_mut().and_then(|session| session.request(&action, now.mono_ms).ok());
        match sent {
            Some(id) => {
                self.wants.push_back(Want::PbxAction(pbx_action.clone()));
                self.waiting.insert(id, pbx_action);
                self.drain_session(now);
            }
            None => self.answers.push_back((pbx_action, None)),
        }
    }

    fn answered(&mut self, pbx_action: &PbxAction, reply: Reply, now: Moment) {
        let answer = match &reply {
            None => Answer::NotSent,
            Some(Err(())) => Answer::Unanswered,
            Some(Ok((true, _))) => Answer::Accepted,
            Some(Ok((false, message))) => Answer::Refused(message),
        };
        match pbx_action {
            PbxAction::Originate(originate) => {
                self.scheduler.handle(DeskInput::Answered { channel_id: &originate.channel_id, answer }, now);
            }
            PbxAction::Publish { value: Some(_), .. } => {
                self.scheduler.handle(DeskInput::Published { pbx: &PbxId::new(PBX), answer }, now)
            }
            _ => {}
        }
    }
}
