//! One seeded day: a PBX with its people, a network, a disk, clocks, and a daemon that lives among them. Time is virtual.

use crate::core::{Core, Want};
use crate::disk::Disk;
use crate::watch::Watch;
use callbackd::config::Config;
use callbackd::demo::office::Office;
use callbackd::demo::pbx::{Input, Output, Pbx};
use callbackd::demo::people::{Caller, People, Pickup, Talk};
use callbackd::demo::truth::{Fate, Past};
use callbackd::engine::Moment;
use callbackd::engine::callback::cdr::Cdr;
use callbackd::engine::callback::command::Command;
use callbackd::engine::callback::deed::Deed;
use callbackd::engine::callback::policy::Policy;
use callbackd::engine::record::Record;
use fastrand::Rng;
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

/// 2026-03-02 10:00:00 UTC, a Monday.
pub const START: i64 = 1_772_445_600_000;
const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;
/// A byte is never longer on its way.
pub const LATENCY_MS: i64 = 40;
/// Device states come later than what else the PBX tells, by up to this.
const DEVICE_LAG_MS: i64 = 25;
/// From the end of a call to its row on a healthy disk, at most: it settles, and is committed.
pub const TO_DISK_MS: i64 = 5 * SECOND;
/// When nothing disturbs it any more, every callback ends within this.
pub const ALL_DONE_MS: i64 = 12 * 60 * MINUTE;
/// Nothing is kept of a call that has been over for so long.
const COLD_MS: i64 = 3 * MINUTE;
/// More channels, bridges or calls than the daemon ever has reason to keep in such a day.
const MAX_KEPT: usize = 300;
/// Customers; few, so that they meet themselves.
const CUSTOMERS: u32 = 12;

/// What may go wrong in a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weather {
    Calm,
    BadNetwork,
    BadMachine,
    Everything,
}

impl Weather {
    pub fn of(seed: u64) -> Self {
        [Self::Calm, Self::BadNetwork, Self::BadMachine, Self::Everything][usize::try_from(seed % 4).unwrap()]
    }
}

enum Event {
    ToDaemon(u64, Vec<u8>),
    ToPbx(u64, Vec<u8>),
    Closed(u64),
    Committed(u64),
    LookedUp(u64, String),
    Connect(u64),
    Start,
    Call,
    Break(usize, bool),
    Trouble,
    NetworkUp,
    PbxUp,
    Command,
    Tick,
}

struct Link {
    client: u64,
    /// Both ends believe in it, and nothing gets through.
    deaf: bool,
    to_daemon_at: i64,
    devices_at: i64,
    to_pbx_at: i64,
}

/// People as bad as real ones.
struct Crowd(Rng);

impl People for Crowd {
    fn agent(&mut self, _agent: usize, _callback: bool) -> Pickup {
        match self.0.u32(..10) {
            0..6 => Pickup::Answer(self.0.i64(200..9_000)),
            6 => Pickup::Ignore,
            7 => Pickup::Busy,
            8 => Pickup::Reject(self.0.i64(200..6_000)),
            _ => Pickup::Unreachable,
        }
    }
    fn customer(&mut self, _number: &str) -> Pickup {
        match self.0.u32(..10) {
            0..6 => Pickup::Answer(self.0.i64(200..20_000)),
            6 => Pickup::Busy,
            7 => Pickup::Ignore,
            8 => Pickup::Reject(self.0.i64(200..6_000)),
            _ => Pickup::Unreachable,
        }
    }
    fn talk(&mut self) -> Talk {
        let ms = if self.0.u32(..6) == 0 { self.0.i64(50..6_000) } else { self.0.i64(8_000..120_000) };
        Talk { ms, ended_by_agent: self.0.bool() }
    }
}

pub struct World {
    pub seed: u64,
    pub now: i64,
    pub disk: Disk,
    pub policy: Policy,
    pub watch: Watch,
    config: Config,
    rng: Rng,
    /// Of what was added to the days later: so that the days stay what they were.
    luck: Rng,
    weather: Weather,
    pbx: Pbx,
    pbx_up: bool,
    network_up: bool,
    core: Option<Core>,
    run: u64,
    link: Option<Link>,
    clients: u64,
    failures: u32,
    wall_shift: i64,
    fuse: Option<u32>,
    queue: Vec<Record>,
    writing: Option<Vec<Record>>,
    /// When the oldest record in each of them came.
    queued_ms: i64,
    writing_ms: i64,
    /// The disk takes nothing until then.
    stalls_until: i64,
    agenda: BTreeMap<(i64, u64), Event>,
    serial: u64,
    calls_left: u32,
    troubles_until: i64,
    steps: u64,
    hash: DefaultHasher,
    broken: Option<String>,
    talks: bool,
}

/// What a day came to.
#[derive(Debug)]
pub struct Day {
    pub calls: u64,
    pub attempts: u64,
    pub hash: u64,
}

fn configuration(rng: &mut Rng) -> Config {
    let pick = |rng: &mut Rng, words: &[&str]| words[rng.usize(..words.len())].to_owned();
    // Minutes are odd or even so that a dumb oracle can tell; see `is_open`.
    let text = format!(
        "[calls]\ninbound_contexts = [\"from-trunk\"]\nivr_contexts = [\"ivr-*\"]\nshort_abandon = \"2s\"\nmin_talk = \"3s\"\n\
         [numbers]\nregion = \"US\"\n[hours]\ntimezone = \"UTC\"\n\
         [callback]\nenabled = true\non = [\"QUEUE_ABANDON\", \"QUEUE_TIMEOUT\", \"IVR_LOST\", \"SHORT_ABANDON\"]\n\
         delay = \"{}\"\nexpire = \"{}\"\nlast_dispatch = \"0s\"\nquiet = \"off\"\nmax_attempts = {}\nmax_active = {}\n\
         daily_per_number = 50\nowner_window = \"{}\"\nstrategy = \"{}\"\nagent_cooldown = \"{}\"\npause_agent = {}\n\
         live_callers_first = {}\nagent_ring = \"10s\"\ncustomer_ring = \"15s\"\nmin_talk = \"5s\"\nnumber_form = \"{{digits}}\"\n\
         dial_agent = \"{{interface}}\"\ndial_customer = \"PJSIP/{{number}}@trunk\"\npublish = {}\norder = \"{}\"\n\
         [callback.retry]\ncustomer_busy = \"30s\"\ncustomer_noanswer = \"2m\"\nlost = \"{}\"\n[callback.queue.sales]\nhours = \"half\"\n\
         [hours.half]\nopen = \"00:00-00:30,01:00-01:30,02:00-02:30,03:00-03:30,04:00-04:30,05:00-05:30,06:00-06:30,07:00-07:30,08:00-08:30,\
         09:00-09:30,10:00-10:30,11:00-11:30,12:00-12:30,13:00-13:30,14:00-14:30,15:00-15:30,16:00-16:30,17:00-17:30,18:00-18:30,19:00-19:30,\
         20:00-20:30,21:00-21:30,22:00-22:30,23:00-23:30\"\n",
        pick(rng, &["0s", "5s", "60s"]),
        pick(rng, &["10m", "1h", "4h"]),
        rng.u32(1..5),
        rng.u32(1..6),
        pick(rng, &["0s", "30s"]),
        pick(rng, &["leastrecent", "fewestcalls", "rrmemory", "linear", "random"]),
        pick(rng, &["10s", "2m"]),
        rng.bool(),
        rng.bool(),
        rng.bool(),
        pick(rng, &["oldest", "newest"]),
        pick(rng, &["1m", "10m"]),
    );
    Config::from_toml(&text, "sim").unwrap_or_else(|refusal| panic!("{refusal}"))
}

/// Whether the hours that the configuration gives to this queue are open, by arithmetic.
pub fn is_open(queue: Option<&str>, wall_ms: i64) -> bool {
    queue != Some("sales") || wall_ms.rem_euclid(60 * MINUTE) < 30 * MINUTE
}

/// It says that something will be dialled.
fn is_intent(record: &Record) -> bool {
    matches!(record, Record::Attempt(row) if row.result.is_none())
}

impl World {
    pub fn new(seed: u64, calls: u32) -> Self {
        let mut rng = Rng::with_seed(seed);
        let config = configuration(&mut rng);
        let mut policy = config.policy();
        policy.look_up_cdr = rng.bool();
        let mut office = Office::small();
        for queue in &mut office.queues {
            queue.max_wait_ms = rng.i64(10..60) * SECOND;
            queue.wrapup_ms = rng.i64(0..10) * SECOND;
        }
        let pbx = Pbx::new(office, Box::new(Crowd(rng.fork())), START);
        let weather = Weather::of(seed);
        let mut world = Self {
            seed,
            now: START,
            disk: Disk::default(),
            policy,
            watch: Watch::default(),
            config,
            weather,
            pbx,
            pbx_up: true,
            network_up: true,
            core: None,
            run: 0,
            link: None,
            clients: 0,
            failures: 0,
            wall_shift: 0,
            fuse: None,
            queue: Vec::new(),
            writing: None,
            queued_ms: START,
            writing_ms: START,
            stalls_until: START,
            agenda: BTreeMap::new(),
            serial: 0,
            calls_left: calls,
            troubles_until: i64::MAX,
            steps: 0,
            hash: DefaultHasher::new(),
            broken: None,
            talks: false,
            luck: Rng::with_seed(seed ^ 0x5eed_1ac4),
            rng,
        };
        world.at(0, Event::Start);
        world.at(10 * SECOND, Event::Call);
        world.at(5 * MINUTE, Event::Command);
        let trouble = world.rng.i64(30 * SECOND..3 * MINUTE);
        world.at(trouble, Event::Trouble);
        world.at(20 * SECOND, Event::Break(0, true));
        world
    }

    /// Everything that passes is printed.
    pub fn talking(mut self) -> Self {
        self.talks = true;
        self
    }

    /// Lives the day to its end. What was broken is told with the step.
    pub fn live(mut self) -> Result<Day, String> {
        let mut ends = None;
        while self.broken.is_none() {
            if ends.is_none() && self.calls_left == 0 && self.pbx.live_calls() == 0 && self.now >= self.troubles_until {
                ends = Some(self.now + ALL_DONE_MS);
            }
            if let Some(by) = ends {
                if self.is_done() {
                    break;
                }
                if self.now > by {
                    let open: Vec<_> = self.disk.callbacks.values().filter(|row| row.closed_ms.is_none()).collect();
                    self.broken = Some(format!("after twelve quiet hours these are open: {open:#?}"));
                    break;
                }
            }
            self.step();
        }
        self.grows_cold();
        let step = self.steps;
        let world = &mut self;
        if world.broken.is_none() {
            world.unseen(TO_DISK_MS);
            world.broken = world.watch.verdict(&world.disk, &world.policy).err();
        }
        match self.broken {
            Some(broken) => Err(format!("seed {} ({:?}), step {step}: {broken}", self.seed, self.weather)),
            None => Ok(Day {
                calls: self.watch.past.len() as u64,
                attempts: self.disk.attempts.len() as u64,
                hash: self.hash.finish(),
            }),
        }
    }

    /// When all is done, nothing of it is kept in memory for long.
    fn grows_cold(&mut self) {
        let by = self.now + COLD_MS;
        while self.broken.is_none() && self.now < by {
            self.step();
        }
        let sizes = self.core.as_ref().map(|core| core.engine.sizes());
        if self.broken.is_none() && self.pbx.live_calls() == 0 && sizes.is_some_and(|sizes| sizes != (0, 0, 0)) {
            self.broken = Some(format!("channels, bridges and calls that are kept of what is over: {sizes:?}"));
        }
    }

    /// Nothing is left to be done, and all of it is on the disk.
    fn is_done(&self) -> bool {
        let settled =
            |core: &Core| core.desk.open().is_empty() && core.desk.active() == 0 && core.engine.live_calls() == 0;
        let quiet = self.queue.is_empty() && self.writing.is_none() && self.pbx.live_calls() == 0;
        quiet && self.core.as_ref().is_some_and(settled) && self.watch.quiet_since(self.now) > TO_DISK_MS
    }

    fn moment(&self) -> Moment {
        Moment { wall_ms: self.now + self.wall_shift, mono_ms: (self.now - START).unsigned_abs() + 1_000 }
    }

    fn at(&mut self, ms: i64, event: Event) {
        self.serial += 1;
        self.agenda.insert((self.now + ms, self.serial), event);
    }

    fn exponential(&mut self, mean: i64) -> i64 {
        #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "minutes in milliseconds")]
        let ms = (-(mean as f64) * (1.0 - self.rng.f64()).ln()) as i64;
        ms.clamp(1, mean * 10)
    }

    /// With `CALLBACKD_SEED` all that passes is printed.
    fn say(&self, what: impl FnOnce() -> String) {
        if self.talks {
            println!("{} {}", self.now, what());
        }
    }

    fn break_with(&mut self, what: String) {
        self.broken.get_or_insert(what);
    }

    fn step(&mut self) {
        self.steps += 1;
        let core = self.core.as_ref().and_then(Core::deadline).map(|mono| START + i64::try_from(mono).unwrap() - 1_000);
        let next = self.agenda.first_key_value().map(|((at, _), _)| *at);
        let due = [core.map(|at| at.max(self.now)), next, self.pbx.deadline()].into_iter().flatten().min();
        let Some(due) = due else { return self.break_with("nothing is due any more".to_owned()) };
        self.now = self.now.max(due);
        self.pbx.advance(self.now);
        self.listen();
        if core.is_some_and(|at| at <= self.now) {
            let now = self.moment();
            self.with_core(|core| core.tick(now));
        }
        if let Some(entry) = self.agenda.first_entry().filter(|entry| entry.key().0 <= self.now) {
            let event = entry.remove();
            self.happens(event);
        }
        self.listen();
        let (channels, bridges, calls) = self.core.as_ref().map_or((0, 0, 0), |core| core.engine.sizes());
        if channels.max(bridges).max(calls) > MAX_KEPT {
            self.break_with(format!("{channels} channels, {bridges} bridges and {calls} calls are kept"));
        }
    }

    fn happens(&mut self, event: Event) {
        match event {
            Event::ToDaemon(client, bytes) => self.deliver(client, &bytes),
            Event::ToPbx(client, bytes) => {
                if self.is_link(client) {
                    self.pbx.handle(Input::Received(client, &bytes), self.now);
                }
            }
            Event::Closed(client) => self.pbx.handle(Input::Disconnected(client), self.now),
            Event::Committed(run) if run == self.run => self.commit(),
            Event::LookedUp(run, channel_id) if run == self.run => {
                let (cdrs, now) = (self.cdrs(&channel_id), self.moment());
                self.with_core(|core| core.looked_up(&channel_id, &cdrs, now));
            }
            Event::Connect(run) if run == self.run => self.connect(),
            Event::Committed(_) | Event::LookedUp(..) | Event::Connect(_) => {}
            Event::Start => self.start(),
            Event::Call => self.call(),
            Event::Break(agent, away) => self.take_break(agent, away),
            Event::Trouble => self.trouble(),
            Event::NetworkUp => self.network_up = true,
            Event::PbxUp => self.pbx_up = true,
            Event::Command => self.command(),
            Event::Tick => {}
        }
    }

    // The daemon

    fn with_core(&mut self, act: impl FnOnce(&mut Core)) {
        let Some(core) = &mut self.core else { return };
        act(core);
        while let Some(want) = self.core.as_mut().and_then(Core::poll) {
            if let Some(fuse) = &mut self.fuse {
                *fuse = fuse.saturating_sub(1);
                if *fuse == 0 {
                    self.fuse = None;
                    return self.crash();
                }
            }
            self.carry_out(want);
        }
        self.write();
    }

    fn carry_out(&mut self, want: Want) {
        match want {
            Want::Send(bytes) => {
                bytes.hash(&mut self.hash);
                self.say(|| format!("< {}", String::from_utf8_lossy(&bytes).replace("\r\n", " | ")));
                let lag = self.rng.i64(1..LATENCY_MS);
                let Some(link) = self.link.as_mut().filter(|link| !link.deaf) else { return };
                link.to_pbx_at = link.to_pbx_at.max(self.now + lag);
                let (client, ms) = (link.client, link.to_pbx_at - self.now);
                self.at(ms, Event::ToPbx(client, bytes));
            }
            Want::Store(record) => {
                self.say(|| format!("{record:?}"));
                if self.queue.is_empty() {
                    self.queued_ms = self.now;
                }
                self.queue.push(record);
            }
            Want::LookUp(channel_id) => self.at(5, Event::LookedUp(self.run, channel_id)),
            Want::Deed(deed) => self.deed(&deed),
            Want::Drop => self.hang_up_link(),
            Want::InSight => self.watch.in_sight(self.now),
        }
    }

    fn deed(&mut self, deed: &Deed) {
        if let Deed::Originate(originate) = deed {
            let agent = self.pbx_agent(&originate.agent);
            let since = [self.pbx.busy_since(agent), self.pbx.paused(agent).map(|(_, since)| since)];
            let wall = self.now + self.wall_shift;
            let number =
                originate.variables.iter().find(|(name, _)| *name == "CALLBACKD_NUMBER").map(|(_, n)| n.clone());
            let number = number.unwrap_or_default();
            let on_line = self.pbx.on_line_since(&number);
            let ours = self.policy.pause_agent.then(|| self.pbx.paused(agent)).flatten();
            let busy =
                since.into_iter().flatten().min().filter(|_| ours.is_none_or(|(reason, _)| reason != "callbackd"));
            if let Err(broken) = self.watch.originates(&self.disk, originate, &number, busy, on_line, self.now, wall) {
                self.break_with(broken);
            }
        }
    }

    fn pbx_agent(&self, interface: &str) -> usize {
        Office::small().agent(interface).expect("an agent of the office")
    }

    fn start(&mut self) {
        assert!(self.core.is_none(), "one daemon at a time");
        let now = self.moment();
        self.run += 1;
        let remembered = self.disk.remembered(now.wall_ms);
        let mut core = Core::new(self.config.rules(), self.policy.clone(), remembered, self.disk.seen_ms, now);
        core.engine.knows_calls(self.disk.in_progress.values().cloned());
        self.core = Some(core);
        self.at(10, Event::Connect(self.run));
        self.at(11, Event::Tick);
    }

    fn crash(&mut self) {
        self.say(|| "the daemon crashes".to_owned());
        let margin = TO_DISK_MS;
        self.unseen(margin);
        self.core = None;
        self.close_link();
        self.queue.clear();
        // The transaction that was being written made it, or did not.
        if let Some(batch) = self.writing.take().filter(|_| self.rng.bool()) {
            self.put(&batch);
        }
        self.run += 1;
        let away = self.exponential(20 * SECOND);
        self.at(away, Event::Start);
    }

    /// `systemctl restart`.
    fn stop(&mut self) {
        self.fuse = None;
        let now = self.moment();
        self.with_core(|core| core.lost(now));
        self.with_core(|core| core.stopping(now));
        self.unseen(TO_DISK_MS);
        self.close_link();
        for batch in [self.writing.take(), Some(std::mem::take(&mut self.queue))].into_iter().flatten() {
            self.put(&batch);
        }
        self.core = None;
        self.run += 1;
        let away = self.exponential(5 * SECOND);
        self.at(away, Event::Start);
    }

    // The disk

    fn write(&mut self) {
        if self.writing.is_none() && !self.queue.is_empty() {
            self.writing = Some(std::mem::take(&mut self.queue));
            self.writing_ms = self.queued_ms;
            let ms = self.rng.i64(1..20);
            let stalled = (self.stalls_until - self.now).max(0);
            self.at(ms + stalled, Event::Committed(self.run));
        }
    }

    fn commit(&mut self) {
        let Some(batch) = self.writing.take() else { return };
        // The database may refuse a record for its own sake; the others are on the disk.
        let bad = matches!(self.weather, Weather::BadMachine | Weather::Everything);
        let (refused, batch): (Vec<Record>, Vec<Record>) =
            batch.into_iter().partition(|record| bad && is_intent(record) && self.luck.u32(..25) == 0);
        self.put(&batch);
        let now = self.moment();
        self.with_core(|core| core.committed(&batch, now));
        if !refused.is_empty() {
            self.with_core(|core| core.refused(&refused, now));
        }
        self.write();
    }

    fn put(&mut self, batch: &[Record]) {
        self.watch.wrote(self.now);
        if let Err(broken) = self.disk.commit(batch) {
            self.break_with(broken);
        }
    }

    /// What Asterisk's CDR hold of an attempt, where there are any.
    fn cdrs(&self, channel_id: &str) -> Vec<Cdr> {
        let of = |past: &&Past| past.attempt.as_deref() == Some(channel_id) && past.fate != Fate::CutOff;
        let past = self.watch.past.iter().filter(of).filter(|_| self.policy.look_up_cdr);
        past.map(|past| Cdr {
            dstchannel: past.dialled_ms.map(|_| "PJSIP/trunk-1".to_owned()).unwrap_or_default(),
            disposition: if past.talk_ms > 0 { "ANSWERED" } else { "NO ANSWER" }.to_owned(),
            answered: past.dialled_ms.is_some(),
            billed_ms: past.dialled_ms.map_or(0, |dialled| past.to_ms - dialled),
        })
        .collect()
    }

    // The network

    fn is_link(&self, client: u64) -> bool {
        self.link.as_ref().is_some_and(|link| link.client == client && !link.deaf)
    }

    fn connect(&mut self) {
        if self.core.as_ref().is_none_or(Core::is_connected) {
            return;
        }
        if !self.network_up || !self.pbx_up {
            self.failures += 1;
            let again = (100 << self.failures.min(8)) + self.rng.i64(0..200);
            return self.at(again.min(30_000), Event::Connect(self.run));
        }
        self.failures = 0;
        self.clients += 1;
        let client = self.clients;
        self.link = Some(Link { client, deaf: false, to_daemon_at: 0, devices_at: 0, to_pbx_at: 0 });
        let (nonce, now) = (self.rng.u64(..), self.moment());
        self.with_core(|core| core.connected(nonce, now));
        self.pbx.handle(Input::Connected(client), self.now);
    }

    /// What the PBX says goes on its way; states of devices and of queue members by a slower one, as they come from other threads of Asterisk,
    /// but in order among themselves.
    fn listen(&mut self) {
        while let Some(output) = self.pbx.poll() {
            match output {
                Output::Send(client, text) => {
                    if !self.is_link(client) {
                        continue;
                    }
                    let slow = ["DeviceStateChange", "QueueMember"].iter().any(|name| text[7..].starts_with(name));
                    let lag = self.rng.i64(1..LATENCY_MS - DEVICE_LAG_MS)
                        + if slow { self.rng.i64(0..DEVICE_LAG_MS) } else { 0 };
                    let Some(link) = &mut self.link else { continue };
                    let at = if slow { &mut link.devices_at } else { &mut link.to_daemon_at };
                    *at = (*at).max(self.now + lag);
                    let ms = *at - self.now;
                    let text = if self.stutters(&text) { text.repeat(2) } else { text };
                    self.at(ms, Event::ToDaemon(client, text.into_bytes()));
                }
                Output::Close(client) => {
                    if self.is_link(client) {
                        self.hang_up_link();
                    }
                }
            }
        }
        while let Some(past) = self.pbx.past() {
            past.linkedid.hash(&mut self.hash);
            self.watch.past.push(past);
        }
    }

    /// Asterisk says some things twice: a leg's end, a device's state.
    fn stutters(&mut self, text: &str) -> bool {
        let may = ["DialEnd", "DeviceStateChange", "QueueMemberStatus"].iter().any(|name| text[7..].starts_with(name));
        may && self.weather != Weather::Calm && self.luck.u32(..20) == 0
    }

    fn deliver(&mut self, client: u64, bytes: &[u8]) {
        if !self.is_link(client) {
            return;
        }
        bytes.hash(&mut self.hash);
        self.say(|| format!("> {}", String::from_utf8_lossy(bytes).replace("\r\n", " | ")));
        let now = self.moment();
        // TCP keeps no borders.
        let at = self.rng.usize(..=bytes.len());
        for part in [&bytes[..at], &bytes[at..]] {
            self.with_core(|core| core.bytes(part, now));
        }
    }

    /// The connection ends, with up to half of what was on its way; perhaps in the middle of a line.
    fn cut(&mut self, half: bool) {
        self.unseen(LATENCY_MS);
        let Some(client) = self.link.as_ref().map(|link| link.client) else { return };
        if half {
            let on_its_way = |event: &Event| matches!(event, Event::ToDaemon(to, _) if *to == client);
            let next = self.agenda.iter().find(|(_, event)| on_its_way(event)).map(|(key, _)| *key);
            if let Some(Event::ToDaemon(_, bytes)) = next.and_then(|key| self.agenda.remove(&key)) {
                let part = self.rng.usize(..bytes.len());
                self.deliver(client, &bytes[..part]);
            }
        }
        self.unlink(Core::broke);
    }

    /// One end closes the connection, and says so.
    fn hang_up_link(&mut self) {
        self.unlink(Core::lost);
    }

    fn unlink(&mut self, tell: fn(&mut Core, Moment)) {
        self.say(|| "the link is down".to_owned());
        self.unseen(LATENCY_MS);
        self.close_link();
        let now = self.moment();
        self.with_core(|core| tell(core, now));
        self.at(100, Event::Connect(self.run));
    }

    fn close_link(&mut self) {
        if let Some(link) = self.link.take() {
            let late = self.rng.i64(1..500);
            self.at(late, Event::Closed(link.client));
        }
    }

    /// What happens from here on is not seen; and what happened within the margin may not have been.
    fn unseen(&mut self, margin: i64) {
        // A crash takes with it what was not on the disk yet.
        let unwritten = [(self.writing.is_some(), self.writing_ms), (!self.queue.is_empty(), self.queued_ms)];
        let oldest = unwritten.iter().filter(|(some, _)| *some && margin == TO_DISK_MS).map(|(_, at)| *at).min();
        let until = oldest.unwrap_or(self.now).min(self.now) - margin;
        self.watch.out_of_sight(until);
    }

    // People

    fn call(&mut self) {
        if self.calls_left == 0 {
            return;
        }
        self.calls_left -= 1;
        let n = self.rng.u32(..CUSTOMERS);
        let (did, key) = match self.rng.u32(..4) {
            0 => ("5550100", None),
            1 => ("5550101", None),
            2 => ("5550102", None),
            _ => ("5550103", self.rng.bool().then(|| (['1', '2'][self.rng.usize(..2)], self.rng.i64(500..5_000)))),
        };
        let caller = Caller {
            number: if self.rng.u32(..20) == 0 { String::new() } else { format!("1202555{:04}", 100 + n) },
            name: String::new(),
            did: did.to_owned(),
            key,
            patience_ms: self.rng.i64(300..40_000),
        };
        if self.pbx_up {
            self.pbx.handle(Input::Call(caller), self.now);
        }
        let next = self.exponential(15 * SECOND);
        self.at(next, Event::Call);
        if self.calls_left == 0 {
            self.troubles_until = self.now + 5 * MINUTE;
        }
    }

    fn take_break(&mut self, agent: usize, away: bool) {
        // A pause of ours is not his to end: he does not know of it.
        if self.pbx.paused(agent).is_none_or(|(reason, _)| reason != "callbackd") {
            self.pbx.handle(Input::Break(agent, away.then_some("lunch")), self.now);
        }
        let ms = self.exponential(if away { 2 * MINUTE } else { 3 * MINUTE });
        if away {
            self.at(ms, Event::Break(agent, false));
        } else if self.calls_left > 0 {
            let next = self.rng.usize(..8);
            self.at(ms, Event::Break(next, true));
        }
    }

    /// A person gives an order.
    fn command(&mut self) {
        if self.calls_left == 0 {
            return;
        }
        let next = self.exponential(4 * MINUTE);
        self.at(next, Event::Command);
        let number = format!("+1202555{:04}", 100 + self.rng.u32(..CUSTOMERS));
        let open =
            self.disk.callbacks.values().filter(|row| row.closed_ms.is_none()).map(|row| row.id).collect::<Vec<_>>();
        let id = if open.is_empty() { 1 } else { open[self.rng.usize(..open.len())] };
        let note = String::new();
        let command = match self.rng.u32(..7) {
            0 => Command::Forbid { number, reason: note, for_ms: self.rng.bool().then_some(10 * MINUTE) },
            1 => Command::Permit { number },
            2 => Command::Cancel { id, note },
            3 => Command::Retry { id, note },
            4 => Command::Delay { id, delay_ms: 2 * MINUTE, note },
            5 => Command::Prioritise { id, priority: 5, note },
            _ => Command::Add { number, pbx: None, queue: None, delay_ms: 0, priority: 0, note },
        };
        let now = self.moment();
        self.with_core(|core| core.command(&command, now));
    }

    // Trouble

    fn trouble(&mut self) {
        if self.now >= self.troubles_until {
            return self.fair_weather();
        }
        let next = self.exponential(90 * SECOND).min((self.troubles_until - self.now).max(1));
        self.at(next, Event::Trouble);
        let network = matches!(self.weather, Weather::BadNetwork | Weather::Everything);
        let machine = matches!(self.weather, Weather::BadMachine | Weather::Everything);
        match self.rng.u32(..8) {
            0 | 1 if network => {
                self.network_up = false;
                let mean = [2 * SECOND, 30 * SECOND, 20 * MINUTE][self.rng.usize(..3)];
                let away = self.exponential(mean);
                self.at(away, Event::NetworkUp);
                let half = self.rng.bool();
                self.cut(half);
            }
            2 if network => {
                // Nobody is told; the pings find out.
                self.unseen(LATENCY_MS);
                if let Some(link) = &mut self.link {
                    link.deaf = true;
                }
            }
            3 if network => {
                self.unseen(LATENCY_MS);
                self.pbx.handle(Input::Restart, self.now);
                self.pbx_up = false;
                let away = self.rng.i64(SECOND..20 * SECOND);
                self.at(away, Event::PbxUp);
            }
            4 | 5 if machine && self.core.is_some() => self.fuse = Some(self.rng.u32(1..40)),
            6 if machine && self.core.is_some() => self.stop(),
            7 if machine => {
                self.stalls_until = self.now + self.exponential(20 * SECOND);
            }
            0 if machine => {
                self.wall_shift += self.rng.i64(-40 * MINUTE..40 * MINUTE);
                self.watch.skewed(self.now);
            }
            _ => {}
        }
    }

    /// From now on everything works.
    fn fair_weather(&mut self) {
        self.fuse = None;
        self.network_up = true;
        self.pbx_up = true;
    }
}
