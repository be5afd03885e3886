//! One seeded day: one PBX or two with their people, a network, a disk, clocks, and a daemon among them. Time is virtual.

mod coders;
mod daemon;
mod forgers;
mod network;
mod people;
mod storage;
mod trouble;
mod wishes;

use crate::core::{Core, PBXS};
use crate::disk::Disk;
use crate::feed::{FeedOfADay, Reading};
use crate::watch::{self, Watch};
use callbackd::config::Config;
use callbackd::demo::office::Office;
use callbackd::demo::pbx::{Input, Pbx};
use callbackd_core::callbacks::policy::Policies;
use callbackd_core::model::{Moment, Record};
use coders::Coders;
use fastrand::Rng;
pub use forgers::forges;
use people::Crowd;
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hasher};
use wishes::Wishes;

/// 2026-03-02 10:00:00 UTC, a Monday.
pub const START: i64 = 1_772_445_600_000;
const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;
/// A byte is never longer on its way.
pub const LATENCY_MS: i64 = 40;
/// Device states come later than the PBX's other events, by up to this.
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
    ToDaemon(usize, u64, Vec<u8>),
    ToPbx(usize, u64, Vec<u8>),
    Closed(usize, u64),
    Committed(u64),
    LookedUp(u64, usize, String),
    Connect(u64, usize),
    Start,
    Call,
    Break(usize, usize, bool),
    Trouble,
    NetworkUp(usize),
    PbxUp(usize),
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

/// A PBX, the way to it, and the check of its rows.
struct Site {
    pbx: Pbx,
    pbx_up: bool,
    network_up: bool,
    link: Option<Link>,
    failures: u32,
    watch: Watch,
}

impl Site {
    fn new(name: &str, pbx: Pbx) -> Self {
        Self { pbx, pbx_up: true, network_up: true, link: None, failures: 0, watch: Watch::new(name) }
    }
}

pub struct World {
    pub seed: u64,
    pub now: i64,
    pub disk: Disk,
    /// Readers of what is committed, on days that have them.
    feed: Option<FeedOfADay>,
    pub policies: Policies,
    config: Config,
    rng: Rng,
    /// Chance for what was added to the days later: so that the days do not change.
    luck: Rng,
    /// Chance for callers who forge, on days that have them, and how many called.
    forgers: Option<Rng>,
    forged: u64,
    /// Callers who ask to be called back, on days that have them.
    wishes: Option<Wishes>,
    /// People who set codes on calls, on days that have them.
    coders: Option<Coders>,
    weather: Weather,
    sites: Vec<Site>,
    core: Option<Core>,
    run: u64,
    clients: u64,
    wall_shift: i64,
    fuse: Option<u32>,
    wants: u32,
    crashes_at: Option<u32>,
    queue: Vec<Record>,
    writing: Option<Vec<Record>>,
    /// When the oldest record in each of them came.
    queued_ms: i64,
    writing_ms: i64,
    /// The disk takes nothing until then.
    stalls_until: i64,
    timers: BTreeMap<(i64, u64), Event>,
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
    /// What the daemon wanted to be done: bytes sent, records stored, and the like.
    pub wants: u32,
    pub hash: u64,
    /// Calls of two PBXs under one linkedid, and callbacks that went from one PBX to another.
    pub shared: u64,
    pub moved: u64,
    /// Callers who forged.
    pub forged: u64,
    /// What callers asked for, and alarms of those who waited too long.
    pub wished: u64,
    pub late: u64,
    /// Codes that people set on calls, and took off them.
    pub coded: u64,
    pub taken_off: u64,
    /// What readers of the feed came to.
    pub reading: Reading,
}

fn configuration(rng: &mut Rng, pbxs: usize) -> Config {
    let pick = |rng: &mut Rng, words: &[&str]| words[rng.usize(..words.len())].to_owned();
    // Minutes are odd or even so that a dumb oracle can decide; see `is_open`.
    let named = |name: &&str| format!("[[pbx]]\nname = \"{name}\"\naddress = \"{name}\"\n");
    let several: String = if pbxs > 1 { PBXS.iter().map(named).collect() } else { String::new() };
    let text = several
        + &format!(
            "[calls]\ninbound_contexts = [\"from-trunk\"]\nivr_contexts = [\"ivr-*\"]\nshort_abandon = \"2s\"\nmin_talk = \"3s\"\n\
         [numbers]\nregion = \"US\"\n[hours]\ntimezone = \"UTC\"\n\
         [callback]\nenabled = true\non = [\"QUEUE_ABANDON\", \"QUEUE_TIMEOUT\", \"IVR_LOST\", \"SHORT_ABANDON\"]\n\
         delay = \"{}\"\nexpire = \"{}\"\nlast_dispatch = \"0s\"\nquiet = \"off\"\nmax_attempts = {}\nmax_active = {}\n\
         missed_offers = 0\ndaily_per_number = 50\nowner_window = \"{}\"\nstrategy = \"{}\"\nagent_cooldown = \"{}\"\npause_agent = {}\n\
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

impl World {
    /// A day of one PBX.
    pub fn new(seed: u64, calls: u32) -> Self {
        Self::of(1, seed, calls)
    }

    /// A day of two PBXs that share customers, extensions, names of queues and now and then linkedids.
    pub fn two(seed: u64, calls: u32) -> Self {
        Self::of(2, seed, calls)
    }

    fn of(pbxs: usize, seed: u64, calls: u32) -> Self {
        let mut rng = Rng::with_seed(seed);
        let config = configuration(&mut rng, pbxs);
        let mut policies = config.policies();
        let look_up_cdr = rng.bool();
        policies.pbx.values_mut().for_each(|policy| policy.look_up_cdr = look_up_cdr);
        let mut office = Office::small();
        for queue in &mut office.queues {
            queue.max_wait_ms = rng.i64(10..60) * SECOND;
            queue.wrapup_ms = rng.i64(0..10) * SECOND;
        }
        let mut sites = vec![Site::new(PBXS[0], Pbx::new(office.clone(), Box::new(Crowd(rng.fork())), START))];
        if pbxs > 1 {
            let crowd = Crowd(Rng::with_seed(seed ^ 0x0b4a_2c45));
            sites.push(Site::new(PBXS[1], Pbx::new(office, Box::new(crowd), START)));
        }
        let weather = Weather::of(seed);
        let mut world = Self {
            seed,
            now: START,
            disk: Disk::default(),
            feed: None,
            policies,
            config,
            forgers: None,
            forged: 0,
            wishes: None,
            coders: None,
            weather,
            sites,
            core: None,
            run: 0,
            clients: 0,
            wall_shift: 0,
            fuse: None,
            wants: 0,
            crashes_at: None,
            queue: Vec::new(),
            writing: None,
            queued_ms: START,
            writing_ms: START,
            stalls_until: START,
            timers: BTreeMap::new(),
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
        for i in 0..pbxs {
            world.at(20 * SECOND, Event::Break(i, 0, true));
        }
        world
    }

    /// What is committed goes into a real database too, and readers follow its feed of so many rows.
    pub fn with_readers(mut self, max_rows: u64) -> Self {
        self.feed = Some(FeedOfADay::new(self.seed, max_rows));
        self
    }

    /// Everything that passes is printed.
    pub fn talking(mut self) -> Self {
        self.talks = true;
        self
    }

    /// The daemon crashes as soon as it has wanted so many things.
    pub fn crashing_at(mut self, wants: u32) -> Self {
        self.crashes_at = Some(wants);
        self
    }

    /// Runs the day to its end. What was broken is returned with the step.
    pub fn live(mut self) -> Result<Day, String> {
        let mut ends = None;
        while self.broken.is_none() {
            if ends.is_none() && self.calls_left == 0 && self.live_calls() == 0 && self.now >= self.troubles_until {
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
            world.all_unseen(TO_DISK_MS);
            let watches = world.sites.iter().map(|site| &site.watch);
            let verdict = watches.clone().try_for_each(|watch| watch.verdict(&world.disk, &world.policies));
            let verdict = verdict.and_then(|()| watch::dials(watches));
            let verdict = verdict.and_then(|()| world.alarms_are_right());
            let verdict = verdict.and_then(|()| world.codes_are_right());
            let mut read = || world.feed.as_mut().map_or(Ok(()), |feed| feed.verdict(&world.disk));
            world.broken = verdict.and_then(|()| read()).err();
        }
        match self.broken {
            Some(broken) => Err(format!("seed {} ({:?}), step {step}: {broken}", self.seed, self.weather)),
            None => Ok(Day {
                calls: self.sites.iter().map(|site| site.watch.past.len() as u64).sum(),
                attempts: self.disk.attempts.len() as u64,
                wants: self.wants,
                hash: self.hash.finish(),
                shared: self.disk.shared(),
                moved: self.disk.moved(),
                forged: self.forged,
                wished: self.wished().0,
                late: self.wished().1,
                coded: self.coded().0,
                taken_off: self.coded().1,
                reading: self.feed.map(|feed| feed.reading).unwrap_or_default(),
            }),
        }
    }

    /// When all is done, nothing of it is kept in memory for long.
    fn grows_cold(&mut self) {
        let by = self.now + COLD_MS;
        while self.broken.is_none() && self.now < by {
            self.step();
        }
        let sizes: Vec<_> = self.core.iter().flat_map(Core::trackers).map(|tracker| tracker.sizes()).collect();
        if self.broken.is_none() && self.live_calls() == 0 && sizes.iter().any(|sizes| *sizes != (0, 0, 0)) {
            self.broken = Some(format!("channels, bridges and calls that are kept of what is over: {sizes:?}"));
        }
    }

    /// Nothing is left to be done, and all of it is on the disk.
    fn is_done(&self) -> bool {
        let settled = |core: &Core| {
            core.scheduler.open().is_empty()
                && core.scheduler.active() == 0
                && core.trackers().all(|tracker| tracker.live_calls() == 0)
        };
        let quiet = self.queue.is_empty() && self.writing.is_none() && self.live_calls() == 0;
        let long = self.sites.iter().all(|site| site.watch.quiet_since(self.now) > TO_DISK_MS);
        // What became of the calls that an earlier run left is known only when their PBX is seen again.
        let sighted = self.sites.iter().all(|site| site.watch.is_in_sync());
        quiet && self.core.as_ref().is_some_and(settled) && long && sighted
    }

    fn live_calls(&self) -> usize {
        self.sites.iter().map(|site| site.pbx.live_calls()).sum()
    }

    /// One of the PBXs.
    fn any(&mut self) -> usize {
        if self.sites.len() > 1 { self.luck.usize(..self.sites.len()) } else { 0 }
    }

    fn moment(&self) -> Moment {
        Moment { wall_ms: self.now + self.wall_shift, mono_ms: (self.now - START).unsigned_abs() + 1_000 }
    }

    fn at(&mut self, ms: i64, event: Event) {
        self.serial += 1;
        self.timers.insert((self.now + ms, self.serial), event);
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
        let next = self.timers.first_key_value().map(|((at, _), _)| *at);
        let due = [core.map(|at| at.max(self.now)), next].into_iter();
        let due = due.chain(self.sites.iter().map(|site| site.pbx.deadline())).flatten().min();
        let Some(due) = due else { return self.break_with("nothing is due any more".to_owned()) };
        self.now = self.now.max(due);
        let now = self.now;
        self.sites.iter_mut().for_each(|site| site.pbx.advance(now));
        self.listen();
        if core.is_some_and(|at| at <= self.now) {
            let now = self.moment();
            self.with_core(|core| core.tick(now));
        }
        if let Some(entry) = self.timers.first_entry().filter(|entry| entry.key().0 <= self.now) {
            let event = entry.remove();
            self.happens(event);
        }
        self.listen();
        let sizes = self.core.iter().flat_map(Core::trackers).map(|tracker| tracker.sizes());
        let most = sizes.max_by_key(|(channels, bridges, calls)| *channels.max(bridges).max(calls)).unwrap_or_default();
        let (channels, bridges, calls) = most;
        if channels.max(bridges).max(calls) > MAX_KEPT {
            self.break_with(format!("{channels} channels, {bridges} bridges and {calls} calls are kept"));
        }
    }

    fn happens(&mut self, event: Event) {
        match event {
            Event::ToDaemon(i, client, bytes) => self.deliver(i, client, &bytes),
            Event::ToPbx(i, client, bytes) => {
                if self.is_link(i, client) {
                    self.sites[i].pbx.handle(Input::Received(client, &bytes), self.now);
                }
            }
            Event::Closed(i, client) => self.sites[i].pbx.handle(Input::Disconnected(client), self.now),
            Event::Committed(run) if run == self.run => self.commit(),
            Event::LookedUp(run, i, channel_id) if run == self.run => {
                let (cdrs, now) = (self.cdrs(i, &channel_id), self.moment());
                self.with_core(|core| core.looked_up(i, &channel_id, &cdrs, now));
            }
            Event::Connect(run, i) if run == self.run => self.connect(i),
            Event::Committed(_) | Event::LookedUp(..) | Event::Connect(..) => {}
            Event::Start => self.start(),
            Event::Call => self.call(),
            Event::Break(i, agent, away) => self.take_break(i, agent, away),
            Event::Trouble => self.trouble(),
            Event::NetworkUp(i) => self.sites[i].network_up = true,
            Event::PbxUp(i) => self.sites[i].pbx_up = true,
            Event::Command => self.command(),
            Event::Tick => {}
        }
    }
}
