//! `callbackd collect`: brings a stream into PostgreSQL. It keeps nothing itself: what it has taken stands there, with the rows.

use super::clock::wall;
use super::signals;
use super::sinks::attempts::Pauses;
use super::sinks::connect::{Connected, Unreached, connect, connect_nats};
use crate::background::block_on;
use crate::config::{Config, Sink};
use crate::exit::Exit;
use crate::log;
use crate::sinks::collect::{Collector, Fate, Fault, Letter};
use crate::sinks::nats;
use crate::sinks::nats::envelope::{Mark, Place};
use crate::sinks::nats::jetstream::{self, Delivery};
use crate::sinks::nats::wire::{Client, Message};
use crate::sinks::postgres::cursor::Of;
use crate::timing::Timing;
use futures_util::StreamExt;
use signal_hook::consts::{SIGINT, SIGTERM};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::future::Future;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};

/// Messages that are asked for at once, and taken at once.
const BATCH: usize = 256;
/// And bytes of them.
const BATCH_BYTES: usize = 8 << 20;
/// So long the server keeps a question for messages.
const ASKED_FOR: Duration = Duration::from_secs(20);
/// What comes within this time of another message is taken with it.
const TOGETHER: Duration = Duration::from_millis(5);
/// Messages that wait here for others, of all sites: what is beyond goes back to the server.
const MAX_HELD: usize = 4_096;
/// And their size, bytes.
const MAX_HELD_BYTES: usize = 16 << 20;
/// So often it is looked whether those that they wait for are in the database: another collector may have brought them there.
const LOOKED_AFTER: Duration = Duration::from_millis(100);
/// What goes back to the server comes again after this time.
const AGAIN: Duration = Duration::from_secs(1);
/// Nothing new has come for so long: what is missing is not on its way.
const QUIET: Duration = Duration::from_secs(10);

/// Why a connection is given up.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error("the stream: {0}")]
    Stream(#[from] nats::Fault),
    #[error("the stream: {0}")]
    NoStream(Unreached),
    #[error("the database: {0}")]
    NoDatabase(Unreached),
    #[error("the database: {0}")]
    Database(#[from] Fault),
    #[error("the database has closed the connection")]
    Lost,
    #[error("no answer within {} s", Timing::get().sink.as_secs_f32())]
    Slow,
}

/// From where to where.
pub(crate) struct Ways<'c> {
    /// The stream's sink.
    pub(crate) from: &'c Sink,
    /// Its name.
    pub(crate) stream: &'c str,
    /// The database's sink.
    pub(crate) into: &'c Sink,
}

/// Collects until a signal ends it.
pub(crate) fn run(config: &Config, ways: &Ways<'_>) -> Exit {
    if let Err(err) = log::init(&config.log, log::stderr_is_the_journal()) {
        anstream::eprintln!("error: log.level: {err}");
        return Exit::Config;
    }
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(err) => {
            tracing::error!(target: "collect", %err, "Cannot start the runtime");
            return Exit::Software;
        }
    };
    block_on(&runtime, async {
        let mut signals = match signals::listen() {
            Ok(signals) => signals,
            Err(err) => {
                tracing::error!(target: "collect", %err, "Cannot listen to signals, stopping");
                return Exit::Software;
            }
        };
        tracing::info!(target: "collect", from = %ways.from.name, into = %ways.into.name, "Collector starts");
        let ended = async {
            while let Some(signal) = signals.next().await {
                if [SIGINT, SIGTERM].contains(&signal) {
                    break;
                }
            }
        };
        tokio::select! {
            never = collect(ways) => match never {},
            () = ended => tracing::info!(target: "collect", "Stopped"),
        }
        Exit::Ok
    })
}

async fn collect(ways: &Ways<'_>) -> Infallible {
    let mut health = Health::default();
    loop {
        let why = match session(ways, &mut health).await {
            Err(why) => why,
            Ok(never) => match never {},
        };
        sleep(health.failed(&why)).await;
    }
}

/// What is said of how it goes.
#[derive(Default)]
struct Health {
    pauses: Pauses,
    failing_ms: Option<i64>,
}

impl Health {
    fn failed(&mut self, why: &Broken) -> Duration {
        self.failing_ms.get_or_insert_with(wall);
        let (pause, is_said) = self.pauses.failed();
        if is_said {
            tracing::warn!(target: "collect", err = %why, "Collector is failing, messages wait");
        }
        pause
    }

    fn works(&mut self) {
        self.pauses.works();
        if let Some(since_ms) = self.failing_ms.take() {
            let failing_s = (wall() - since_ms) / 1_000;
            tracing::info!(target: "collect", failing_s, "Collector works again");
        }
    }
}

/// Messages of a database that wait for others.
struct Waiting {
    since: Instant,
    /// The first of them.
    lowest: Key,
}

/// The order in which messages of a database follow each other.
type Key = (i64, u8, i64);

fn key(mark: &Mark) -> Key {
    match mark.place {
        Place::Piece { n, .. } => (mark.chain.began, 0, n),
        Place::Change { seq, .. } => (mark.chain.began, 1, seq),
        Place::Lists { at_ms } => (mark.chain.began, 2, at_ms),
    }
}

/// A message with the way to acknowledge it.
struct Arrived {
    at: Instant,
    letter: Letter,
    reply: String,
    delivery: Delivery,
    cut: bool,
}

/// A session with both servers.
struct Session {
    client: Client,
    collector: Collector,
    waiting: BTreeMap<(String, String), Waiting>,
    /// Those messages, in their order. They are not acknowledged.
    held: BTreeMap<(String, String), BTreeMap<Key, Arrived>>,
    held_count: usize,
    held_bytes: usize,
    /// When a message came that had not come before.
    news: Instant,
    /// Messages that had not been delivered yet when the last one was.
    pending: u64,
}

/// Connects to both, and collects until something breaks.
async fn session(ways: &Ways<'_>, health: &mut Health) -> Result<Infallible, Broken> {
    let named = "callbackd collect";
    let stream = async { connect_nats(ways.from, named).await.map_err(Broken::NoStream) };
    let mut client = in_time(stream).await?;
    let database = async { connect(ways.into, named).await.map_err(Broken::NoDatabase) };
    let mut connected: Connected = in_time(database).await?;
    let database = connected.client.take().ok_or(Broken::Lost)?;
    let collector = in_time(async { Ok(Collector::begin(database).await?) }).await?;
    let consumer = consumer_of(&ways.into.name);
    let ack_wait = Timing::get().collect_ack;
    in_time(async { Ok(jetstream::consumer(&mut client, ways.stream, &consumer, ack_wait).await?) }).await?;
    let (mut open, mut place, mut alone) = (0, String::new(), false);
    let mut session = Session::new(client, collector);
    loop {
        if open == 0 {
            place = session.client.place();
            // One that is longer than what is asked for comes alone.
            let (count, bytes) = if alone { (1, None) } else { (BATCH, Some(BATCH_BYTES)) };
            jetstream::pull(&mut session.client, (ways.stream, &consumer), &place, (count, bytes), ASKED_FOR).await?;
            (open, alone) = (count, false);
        }
        let first = tokio::select! {
            message = session.client.next() => message?,
            () = connected.ended() => return Err(Broken::Lost),
            () = sleep(LOOKED_AFTER), if session.held_count > 0 => {
                session.take(Vec::new()).await?;
                continue;
            }
            () = sleep(ASKED_FOR * 2) => {
                in_time(async { Ok(session.client.ping().await?) }).await?;
                open = 0;
                continue;
            }
        };
        let (mut batch, mut bytes) = (Vec::new(), 0);
        let mut next = Some(first);
        while let Some(message) = next.take() {
            if message.subject == place {
                // The question is over: its time is, or nothing is there that fits.
                alone = message.header_line().contains("MaxBytes");
                match message.status() {
                    Some(404 | 408) => {}
                    _ if alone => {}
                    Some(503) => return Err(nats::Fault::NoStream(ways.stream.to_owned()).into()),
                    _ => return Err(nats::Fault::Refused(message.header_line().to_owned()).into()),
                }
                open = 0;
            } else if let Some(delivery) = Delivery::read(&message.reply) {
                open = open.saturating_sub(1);
                bytes += message.body.len();
                batch.push(arrived(&message, delivery));
            }
            if batch.len() < BATCH && bytes < BATCH_BYTES && open > 0 {
                next = match timeout(TOGETHER, session.client.next()).await {
                    Ok(message) => Some(message?),
                    Err(_) => None,
                };
            }
        }
        session.take(batch).await?;
        health.works();
    }
}

/// The name of the consumer that brings a stream into this sink: each has its own.
pub(crate) fn consumer_of(into: &str) -> String {
    format!("collect-{}", into.replace('.', "_"))
}

fn arrived(message: &Message, delivery: Delivery) -> Arrived {
    let letter = Letter::read(message, delivery.stream_seq);
    Arrived { at: Instant::now(), letter, reply: message.reply.clone(), delivery, cut: message.cut }
}

impl Session {
    fn new(client: Client, collector: Collector) -> Self {
        Self {
            client,
            collector,
            waiting: BTreeMap::new(),
            held: BTreeMap::new(),
            held_count: 0,
            held_bytes: 0,
            news: Instant::now(),
            pending: 0,
        }
    }

    /// Takes what has come, and says so to the server once it is in the database.
    async fn take(&mut self, batch: Vec<Arrived>) -> Result<(), Broken> {
        let mut groups: BTreeMap<(String, String), BTreeMap<Key, Arrived>> = std::mem::take(&mut self.held);
        (self.held_count, self.held_bytes) = (0, 0);
        for one in batch {
            if one.delivery.delivered == 1 {
                self.news = Instant::now();
            }
            self.pending = one.delivery.pending;
            match (&one.letter.site, &one.letter.mark) {
                (Some(site), Some(mark)) => {
                    let of = (site.clone(), mark.db_uuid.clone());
                    let key = key(mark);
                    // Of what is there twice one is taken; the other comes again, and is known then.
                    groups.entry(of).or_default().insert(key, one);
                }
                _ => {
                    let why = if one.cut { "it is too long" } else { "it is none of callbackd's" };
                    in_time(async { Ok(self.collector.bury(&one.letter, why).await?) }).await?;
                    says_buried(&one.letter, why);
                    self.ack(&one).await?;
                }
            }
        }
        for ((site, db_uuid), group) in groups {
            self.take_group(Of { site, db_uuid }, group).await?;
        }
        in_time(async { Ok(self.client.flush().await?) }).await
    }

    async fn take_group(&mut self, of: Of, group: BTreeMap<Key, Arrived>) -> Result<(), Broken> {
        let letters: Vec<&Letter> = group.values().map(|one| &one.letter).collect();
        let fates = in_time(async { Ok(self.collector.take(&of, &letters).await?) }).await?;
        let name = (of.site.clone(), of.db_uuid.clone());
        let mut waiting = BTreeMap::new();
        for (fate, (key, one)) in fates.into_iter().zip(group) {
            if fate == Fate::Waits {
                waiting.insert(key, one);
                continue;
            }
            if let Fate::Buried(why) = &fate {
                says_buried(&one.letter, why);
            }
            if fate != Fate::Known {
                self.waiting.remove(&name);
            }
            self.ack(&one).await?;
        }
        if let Some((key, first)) = waiting.first_key_value() {
            self.pass(&of, *key, first).await?;
        }
        for (key, one) in waiting {
            let size = one.letter.size();
            let has_room = self.held_count < MAX_HELD && self.held_bytes + size <= MAX_HELD_BYTES;
            // Before the server gives it to another by itself.
            if has_room && one.at.elapsed() < Timing::get().collect_ack / 2 {
                (self.held_count, self.held_bytes) = (self.held_count + 1, self.held_bytes + size);
                self.held.entry(name.clone()).or_default().insert(key, one);
            } else {
                self.answer(&one, &nak(AGAIN)).await?;
            }
        }
        Ok(())
    }

    /// Goes on without those that this message waits for, if they have not come for long enough.
    async fn pass(&mut self, of: &Of, key: Key, first: &Arrived) -> Result<(), Broken> {
        let (name, since) = ((of.site.clone(), of.db_uuid.clone()), Instant::now());
        let waiting = self.waiting.entry(name.clone()).or_insert(Waiting { since, lowest: key });
        waiting.lowest = waiting.lowest.min(key);
        let is_due = waiting.since.elapsed() >= Timing::get().collect_gap && key <= waiting.lowest;
        // While others come that had not, those that are missing may be among them.
        if !is_due || self.pending > 0 && self.news.elapsed() <= QUIET {
            return Ok(());
        }
        let missing = in_time(async { Ok(self.collector.pass(of, &first.letter).await?) }).await?;
        self.waiting.remove(&name);
        if let Some(why) = missing {
            tracing::warn!(target: "collect", site = %of.site, %why, "Messages of a site do not come and are gone on without");
        }
        Ok(())
    }

    async fn ack(&mut self, one: &Arrived) -> Result<(), Broken> {
        self.answer(one, "+ACK").await
    }

    async fn answer(&mut self, one: &Arrived, answer: &str) -> Result<(), Broken> {
        let published = self.client.publish(&one.reply, "", None, answer.as_bytes());
        in_time(async { Ok(published.await?) }).await
    }
}

fn nak(pause: Duration) -> String {
    format!("-NAK {{\"delay\": {}}}", pause.as_nanos())
}

fn says_buried(letter: &Letter, why: &str) {
    tracing::warn!(target: "collect", subject = %letter.subject, stream_seq = letter.stream_seq, %why, "A message is put aside, its rows are not written");
}

/// Waits no longer than a server may take.
async fn in_time<T>(work: impl Future<Output = Result<T, Broken>>) -> Result<T, Broken> {
    timeout(Timing::get().sink, work).await.unwrap_or(Err(Broken::Slow))
}
