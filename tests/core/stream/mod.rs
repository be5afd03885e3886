//! Streams for the tracker: events from text, recordings, and a driver that keeps the time and collects the outputs.

pub mod listed;
pub mod member;
mod rules;

use callbackd_core::model::PbxId;
use std::path::{Path, PathBuf};

use bytes::BytesMut;
use callbackd_core::ami::event::Event;
use callbackd_core::ami::{Frame, FrameDecoder, Interest, Kind, Received, Stamped};
use callbackd_core::model::progress::{LineChange, Progress};
use callbackd_core::model::rules::Rules;
use callbackd_core::model::{AttemptPrefix, FinishedCall, Gap, Interval, Moment, OurAttempts, Record};
use callbackd_core::tracker::{CUSTOMER_GONE_MS, Input, LINGER_MS, Output, SETTLE_MS, Tracker};
pub use rules::{rules, stock_rules};

/// Longer than any time for which the tracker keeps a call that is over.
pub const FORGOTTEN_MS: i64 = (CUSTOMER_GONE_MS + SETTLE_MS + LINGER_MS) as i64 * 2;

/// The event frames of a text of the AMI, as they come off the wire.
pub fn frames(text: &[u8]) -> Vec<Frame> {
    let mut decoder = FrameDecoder::new(Interest::tracker());
    let mut buffer = BytesMut::new();
    if !text.starts_with(b"Asterisk Call Manager") {
        buffer.extend_from_slice(b"Asterisk Call Manager/11.0.0\r\n");
    }
    buffer.extend_from_slice(text);
    let mut frames = Vec::new();
    while let Some(received) = decoder.decode_idle(&mut buffer) {
        if let Received::Frame(frame) = received
            && matches!(frame.kind(), Kind::Event(_))
        {
            frames.push(frame);
        }
    }
    frames
}

/// The text of an event.
pub fn text(name: &str, headers: &[(&str, &str)]) -> String {
    let mut text = format!("Event: {name}\r\n");
    for (key, value) in headers {
        text += &format!("{key}: {value}\r\n");
    }
    text + "\r\n"
}

/// A recording: the frames of its lists, which carry no time, and those of its live part.
pub struct Recording {
    pub name: String,
    pub lists: Vec<Frame>,
    pub live: Vec<Frame>,
}

impl Recording {
    pub fn read(path: &Path) -> Self {
        let (mut lists, mut live) = (Vec::new(), Vec::new());
        for frame in frames(&std::fs::read(path).expect("a recording")) {
            let Ok(stamped) = Stamped::parse(&frame) else { continue };
            let is_live = stamped.at.is_some();
            if is_live {
                live.push(frame);
            } else {
                lists.push(frame);
            }
        }
        let parts = path.components().rev().take(2).map(|c| c.as_os_str().to_string_lossy().into_owned());
        let name = parts.collect::<Vec<_>>().into_iter().rev().collect::<Vec<_>>().join("/");
        Self { name, lists, live }
    }

    /// When its first live event happened.
    pub fn start(&self) -> i64 {
        stamp(&self.live[0])
    }
}

/// When the event of a live frame happened.
pub fn stamp(frame: &Frame) -> i64 {
    Stamped::parse(frame).expect("a real event").at.expect("a stamped event")
}

/// All recordings under `tests/traces`, and under the directories of `CALLBACKD_RECORDINGS` (separated by colons).
pub fn recordings() -> Vec<Recording> {
    let traces = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/traces");
    let mut directories = vec![traces.join("asterisk16"), traces.join("asterisk22")];
    let more = std::env::var("CALLBACKD_RECORDINGS").unwrap_or_default();
    directories.extend(more.split(':').filter(|d| !d.is_empty()).map(PathBuf::from));
    let mut paths: Vec<PathBuf> = directories
        .iter()
        .flat_map(|directory| std::fs::read_dir(directory).expect("a directory of recordings"))
        .map(|file| file.expect("a file").path())
        .filter(|path| path.extension().is_some_and(|e| e == "ami"))
        .collect();
    paths.sort();
    assert!(paths.len() >= 20, "{paths:?}");
    paths.iter().map(|path| Recording::read(path)).filter(|r| r.live.len() > 1).collect()
}

/// The recording of this name, made on Asterisk 22.
pub fn recording(name: &str) -> Recording {
    let traces = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/traces/asterisk22");
    Recording::read(&traces.join(name).with_extension("ami"))
}

/// A tracker, the time, and its outputs.
pub struct Driver {
    pub tracker: Tracker,
    pub now: Moment,
    pub records: Vec<Record>,
    /// Outputs other than records, in order.
    pub news: Vec<Output>,
}

/// `cb-0a1b2c3d-…`, and the one of the recording, which an earlier version left in flight.
fn ours() -> OurAttempts {
    OurAttempts::of(AttemptPrefix::of("0a1b2c3d").unwrap()).and_stored("cb-42-1", 42)
}

impl Driver {
    /// Not connected yet; `start_ms` is the time of day.
    pub fn unlinked(rules: Rules, start_ms: i64, last_seen_ms: Option<i64>) -> Self {
        Self::unlinked_with(rules, ours(), start_ms, last_seen_ms)
    }

    /// The same with attempts of its own.
    pub fn unlinked_with(rules: Rules, ours: OurAttempts, start_ms: i64, last_seen_ms: Option<i64>) -> Self {
        let now = Moment { wall_ms: start_ms, mono_ms: 0 };
        let tracker = Tracker::new(&PbxId::new("lab"), rules, ours, last_seen_ms);
        Self { tracker, now, records: Vec::new(), news: Vec::new() }
    }

    /// Connected, to a PBX on which nothing goes on.
    pub fn linked(rules: Rules, start_ms: i64) -> Self {
        let mut driver = Self::unlinked(rules, start_ms, None);
        driver.link(100_000, &[]);
        driver
    }

    pub fn give(&mut self, input: Input<'_>) {
        self.tracker.handle(input, self.now);
        while let Some(output) = self.tracker.poll() {
            match output {
                Output::Record(record) => self.records.push(record),
                news => self.news.push(news),
            }
        }
    }

    /// The link comes up, and these lists come.
    pub fn link(&mut self, uptime_s: u64, lists: &[Frame]) {
        self.give(Input::Linked { uptime_s: Some(uptime_s) });
        self.snapshot(lists, true);
    }

    pub fn snapshot(&mut self, lists: &[Frame], channels_known: bool) {
        self.give(Input::SnapshotBegan);
        for frame in lists {
            self.frame(frame);
        }
        self.give(Input::SnapshotEnded { channels_known });
    }

    /// Lets the clocks run up to a moment, waking the tracker when it asked to be.
    pub fn until(&mut self, wall_ms: i64) {
        let passed = u64::try_from(wall_ms - self.now.wall_ms).unwrap_or(0);
        let end = self.now.mono_ms + passed;
        while let Some(due) = self.tracker.deadline().filter(|due| *due <= end) {
            let step = due.saturating_sub(self.now.mono_ms);
            self.now.mono_ms += step;
            self.now.wall_ms += i64::try_from(step).unwrap();
            self.give(Input::Tick);
        }
        self.now = Moment { wall_ms: self.now.wall_ms.max(wall_ms), mono_ms: end };
    }

    pub fn pass(&mut self, ms: i64) {
        self.until(self.now.wall_ms + ms);
    }

    /// An event, arriving now, that happened when its own stamp says or else now.
    pub fn frame(&mut self, frame: &Frame) {
        let stamped = Stamped::parse(frame).unwrap_or_else(|e| panic!("{e}: {:?}", frame.bytes()));
        self.give(Input::Event(&stamped));
    }

    /// An event that happens now.
    pub fn take(&mut self, event: Event<'_>) {
        self.give(Input::Event(&Stamped { at: None, action_id: "".into(), texts_cut: 0, event }));
    }

    /// An event of a recording, arriving when it happened.
    pub fn play(&mut self, frame: &Frame) {
        self.until(stamp(frame));
        self.frame(frame);
    }

    /// An event that happens now.
    pub fn event(&mut self, name: &str, headers: &[(&str, &str)]) {
        self.say(&text(name, headers));
    }

    /// Events, as text, that happen now.
    pub fn say(&mut self, text: &str) {
        for frame in frames(text.as_bytes()) {
            self.frame(&frame);
        }
    }

    /// All calls recorded, in order, corrections included.
    pub fn recorded(&self) -> Vec<&FinishedCall> {
        self.records.iter().filter_map(|r| if let Record::Call(call) = r { Some(&**call) } else { None }).collect()
    }

    /// The rows as the store holds them in the end: by linkedid, the latest word counts.
    pub fn rows(&self) -> Vec<FinishedCall> {
        let mut rows: Vec<FinishedCall> = Vec::new();
        for call in self.recorded() {
            match rows.iter_mut().find(|row| row.linkedid == call.linkedid) {
                Some(row) => *row = call.clone(),
                None => rows.push(call.clone()),
            }
        }
        rows.sort_by(|a, b| a.linkedid.cmp(&b.linkedid));
        rows
    }

    /// The only row.
    pub fn row(&self) -> FinishedCall {
        let mut rows = self.rows();
        assert_eq!(rows.len(), 1, "{rows:#?}");
        rows.remove(0)
    }

    /// The steps of attempts that have been reported.
    pub fn progress(&self) -> Vec<&Progress> {
        self.news
            .iter()
            .filter_map(|n| if let Output::Progress(progress) = n { Some(progress) } else { None })
            .collect()
    }

    /// The changes of customers' lines that have been reported: `number linkedid in|out busy|talking agent|free`.
    pub fn lines(&self) -> Vec<String> {
        let recorded = |news: &Output| {
            let Output::Line(LineChange { number_e164, call, inbound, what }) = news else { return None };
            let what = match what {
                callbackd_core::model::progress::Line::Busy => "busy".to_owned(),
                callbackd_core::model::progress::Line::Talking { agent, .. } => format!("talking {agent}"),
                callbackd_core::model::progress::Line::Free => "free".to_owned(),
            };
            Some(format!("{number_e164} {} {} {what}", call.linkedid, if *inbound { "in" } else { "out" }))
        };
        self.news.iter().filter_map(recorded).collect()
    }

    pub fn gaps(&self) -> Vec<&Gap> {
        self.records.iter().filter_map(|r| if let Record::Gap(gap) = r { Some(gap) } else { None }).collect()
    }

    /// The intervals as the store holds them in the end: replaced by all but their end and reason.
    pub fn intervals(&self) -> Vec<Interval> {
        let mut intervals: Vec<Interval> = Vec::new();
        for record in &self.records {
            let Record::Interval(new) = record else { continue };
            let same = |i: &&mut Interval| {
                (&i.agent, i.activity, &i.queue, i.from_ms) == (&new.agent, new.activity, &new.queue, new.from_ms)
            };
            match intervals.iter_mut().find(same) {
                Some(interval) => *interval = new.clone(),
                None => intervals.push(new.clone()),
            }
        }
        intervals
    }

    /// Plays a whole recording, and waits until all is forgotten.
    pub fn played(recording: &Recording) -> Self {
        let mut driver = Self::unlinked(rules(), recording.start(), None);
        driver.link(100_000, &recording.lists);
        for frame in &recording.live {
            driver.play(frame);
        }
        driver.pass(FORGOTTEN_MS);
        driver
    }
}

/// A channel that a test writes about.
#[derive(Debug, Clone)]
pub struct Line {
    pub name: String,
    pub id: String,
    pub linkedid: String,
    pub number: String,
    pub context: String,
    pub exten: String,
    pub state: u8,
}

impl Line {
    /// A customer's channel on the trunk, which dials 5550100.
    pub fn customer(id: &str) -> Self {
        Self::new(&format!("PJSIP/trunk-{id}"), id, id, "12025550123", "from-trunk", "5550100").state(4)
    }

    /// A phone that is dialled for the call of that linkedid.
    pub fn phone(extension: &str, id: &str, linkedid: &str) -> Self {
        Self::new(&format!("PJSIP/{extension}-{id}"), id, linkedid, extension, "from-internal", "")
    }

    pub fn new(name: &str, id: &str, linkedid: &str, number: &str, context: &str, exten: &str) -> Self {
        Self {
            name: name.to_owned(),
            id: id.to_owned(),
            linkedid: linkedid.to_owned(),
            number: number.to_owned(),
            context: context.to_owned(),
            exten: exten.to_owned(),
            state: 0,
        }
    }

    pub fn state(mut self, state: u8) -> Self {
        self.state = state;
        self
    }

    pub fn of(mut self, linkedid: &str) -> Self {
        linkedid.clone_into(&mut self.linkedid);
        self
    }

    /// Its headers, each with this prefix (`Dest`).
    pub fn headers(&self, prefix: &str) -> String {
        let Self { name, id, linkedid, number, context, exten, state } = self;
        format!(
            "{prefix}Channel: {name}\r\n{prefix}ChannelState: {state}\r\n{prefix}ChannelStateDesc: ?\r\n\
             {prefix}CallerIDNum: {number}\r\n{prefix}CallerIDName: <unknown>\r\n{prefix}ConnectedLineNum: <unknown>\r\n\
             {prefix}ConnectedLineName: <unknown>\r\n{prefix}Language: en\r\n{prefix}AccountCode: \r\n\
             {prefix}Context: {context}\r\n{prefix}Exten: {exten}\r\n{prefix}Priority: 1\r\n\
             {prefix}Uniqueid: {id}\r\n{prefix}Linkedid: {linkedid}\r\n"
        )
    }

    /// An event about it, with more headers.
    pub fn event(&self, name: &str, more: &[(&str, &str)]) -> String {
        let more: String = more.iter().map(|(key, value)| format!("{key}: {value}\r\n")).collect();
        format!("Event: {name}\r\n{}{more}\r\n", self.headers(""))
    }

    /// An event in which it dials or is connected with another.
    pub fn with(&self, dest: &Line, name: &str, more: &[(&str, &str)]) -> String {
        let more: String = more.iter().map(|(key, value)| format!("{key}: {value}\r\n")).collect();
        format!("Event: {name}\r\n{}{}{more}\r\n", self.headers(""), dest.headers("Dest"))
    }

    pub fn begins(&self) -> String {
        self.event("Newchannel", &[])
    }

    pub fn dials(&self, dest: &Line) -> String {
        let peer = dest.name.rsplit_once('-').map_or(&*dest.name, |(peer, _)| peer);
        self.with(dest, "DialBegin", &[("DialString", peer)])
    }

    pub fn dial_ends(&self, dest: &Line, status: &str) -> String {
        self.with(dest, "DialEnd", &[("DialStatus", status)])
    }

    /// Whoever is in a bridge has answered, unless ARI has put them there to hear the ringing.
    pub fn enters(&self, bridge: &str) -> String {
        self.clone().state(6).event("BridgeEnter", &[("BridgeUniqueid", bridge), ("BridgeTechnology", "simple_bridge")])
    }

    pub fn leaves(&self, bridge: &str) -> String {
        self.event("BridgeLeave", &[("BridgeUniqueid", bridge), ("BridgeTechnology", "simple_bridge")])
    }

    pub fn far_end_hangs_up(&self) -> String {
        self.event("HangupRequest", &[("Cause", "16")])
    }

    pub fn hangs_up(&self) -> String {
        self.event("Hangup", &[("Cause", "16"), ("Cause-txt", "Normal Clearing")])
    }

    /// As an item of `CoreShowChannels`, made `seconds` ago.
    pub fn listed(&self, application: &str, bridge: &str, seconds: u32) -> String {
        self.listed_in((application, ""), bridge, seconds)
    }

    /// The same, in an application that was given this.
    pub fn listed_in(&self, (application, data): (&str, &str), bridge: &str, seconds: u32) -> String {
        let duration = format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
        self.event(
            "CoreShowChannel",
            &[
                ("ActionID", "list"),
                ("Application", application),
                ("ApplicationData", data),
                ("Duration", &duration),
                ("BridgeId", bridge),
            ],
        )
    }
}
