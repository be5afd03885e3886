//! The worker: it answers what the scheduler asks, renews what this site has, tells the others what they are to know, and listens to them.

use super::super::callbacks::Outcome;
use super::super::clock::{boot_ms, wall};
use super::super::sinks::attempts::Pauses;
use super::super::sinks::connect::{Unreached, connect_nats};
use super::super::sinks::worker::{Broken, beside, opened, reader};
use super::bucket::{Bucket, Held};
use super::counts::{Counts, one};
use super::news::{self, News};
use super::{Of, reader_name};
use crate::log::with_causes;
use crate::sinks::nats::Fault;
use crate::sinks::nats::wire::Client;
use crate::store::sinks::SinkNote;
use crate::store::{Note, Notes, Reader};
use crate::timing::Timing;
use callbackd_core::callbacks::group::entry::Service;
use callbackd_core::callbacks::group::{Alone, Claimed, GroupNews, GroupRequest};
use callbackd_core::millis::Millis;
use callbackd_core::model::E164;
use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::future::Future;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::{sleep, timeout};

/// How far the others know is noted so often, ms.
const NOTE_MS: Millis = 10_000;
/// The server is tried again after so long at the latest.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

pub(super) struct Worker {
    of: Of,
    db: PathBuf,
    notes: Notes,
    newest: watch::Receiver<i64>,
    requests: mpsc::Receiver<GroupRequest>,
    outcomes: mpsc::Sender<Outcome>,
    run: u64,
    counts: Arc<Counts>,
    pauses: Pauses,
    /// The customers whom this site has.
    held: BTreeMap<E164, Held>,
    /// Those who are to go back: whether they were served, and how long they may rest.
    releases: BTreeMap<E164, (Option<Service>, Millis)>,
    /// The others know of all changes up to this one; `None` until it is known.
    passed: Option<i64>,
    /// The same as the database has it, and since when, ms since 1970 UTC.
    noted: (i64, Millis),
    /// The others have not been shown the whole do-not-call list.
    shows_list: bool,
    /// It was said that they cannot be asked.
    is_away: bool,
}

type Connecting<'c> = Pin<Box<dyn Future<Output = Result<Client, Unreached>> + Send + 'c>>;

/// A connection, and the database for it.
struct Link {
    bucket: Bucket,
    reader: Option<Reader>,
}

impl Worker {
    pub(super) fn new(
        of: Of,
        db: PathBuf,
        (notes, newest): (Notes, watch::Receiver<i64>),
        (requests, outcomes, run): (mpsc::Receiver<GroupRequest>, mpsc::Sender<Outcome>, u64),
        counts: Arc<Counts>,
    ) -> Self {
        Self {
            of,
            db,
            notes,
            newest,
            requests,
            outcomes,
            run,
            counts,
            pauses: Pauses::default(),
            held: BTreeMap::new(),
            releases: BTreeMap::new(),
            passed: None,
            noted: (0, 0),
            shows_list: true,
            is_away: false,
        }
    }

    /// Connects again and again, until the daemon ends, or the configuration has it otherwise.
    pub(super) async fn run(mut self) {
        loop {
            let why = match Box::pin(self.connected()).await {
                Err(Broken::Ended) => return,
                Err(why) => why,
                Ok(never) => match never {},
            };
            let Ok(pause) = self.failed(why).await else { return };
            if Box::pin(self.waits(pause)).await.is_err() {
                return;
            }
        }
    }

    /// Says it once, and again after an hour. Returns how long to wait.
    async fn failed(&mut self, why: Broken) -> Result<Duration, Broken> {
        self.counts.failed(wall());
        let (pause, is_said) = self.pauses.failed();
        let (group, err) = (&self.of.group.name, words(&why, &self.of.group.name));
        match self.of.group.alone {
            _ if !is_said => {}
            Alone::Wait => tracing::warn!(
                target: "group", %group, %err,
                "The group's server cannot be asked; this site makes no callbacks until it can (group.alone)"
            ),
            Alone::Dial => tracing::warn!(
                target: "group", %group, %err,
                "The group's server cannot be asked; this site makes callbacks alone, and another may call the same customers (group.alone)"
            ),
        }
        self.is_away = true;
        self.tell(GroupNews::Reached(false)).await?;
        Ok(pause.min(LONGEST_PAUSE))
    }

    /// Until it is time to try again. What is asked meanwhile cannot be answered.
    async fn waits(&mut self, pause: Duration) -> Result<(), Broken> {
        let counts = Arc::clone(&self.counts);
        let pause = sleep(pause);
        tokio::pin!(pause);
        loop {
            tokio::select! {
                () = &mut pause => return Ok(()),
                () = counts.again.notified() => return Ok(()),
                request = self.requests.recv() => match request.ok_or(Broken::Ended)? {
                    GroupRequest::Claim { callback, number, .. } => {
                        self.tell(GroupNews::Claimed { callback, number, answer: Claimed::Away }).await?;
                    }
                    request => self.lays_aside(request),
                },
            }
        }
    }

    /// What is to be done as soon as it can be.
    fn lays_aside(&mut self, request: GroupRequest) {
        match request {
            GroupRequest::Claim { .. } => {}
            GroupRequest::Keep { number, rings_ms } => {
                self.held.insert(number, Held { rings_ms, until: u64::MAX, renew: 0 });
            }
            GroupRequest::Release { number, served, rest_ms } => {
                self.held.remove(&number);
                self.releases.insert(number, (served, rest_ms));
            }
        }
    }

    async fn tell(&self, news: GroupNews) -> Result<(), Broken> {
        self.outcomes.send(Outcome::Group(self.run, news)).await.map_err(|_| Broken::Ended)
    }

    /// One connection, until it breaks.
    async fn connected(&mut self) -> Result<Infallible, Broken> {
        let (db_uuid, reader) = opened(&self.db).await?;
        let named = format!("callbackd {} group", self.of.site);
        let group = self.of.group.clone();
        let within = Timing::get().group;
        let connecting: Connecting<'_> = Box::pin(connect_nats(&group.server, &named));
        let client = timeout(within, connecting).await.unwrap_or(Err(Fault::Slow(within).into()))?;
        let bucket = Bucket::begin(client, &group.name, &self.of.site, &db_uuid).await?;
        let mut link = Link { bucket, reader: Some(reader) };
        // What was ordered here goes first: it is later than what has come from the others meanwhile.
        self.tells_the_others(&mut link).await?;
        let mut known = BTreeSet::new();
        self.listens_to_the_others(&mut link, Some(&mut known)).await?;
        if self.shows_list {
            self.shows_the_list(&mut link, &known).await?;
        }
        self.pauses.works();
        if let Some(since_ms) = self.counts.works()
            && std::mem::take(&mut self.is_away)
        {
            let away_s = (wall() - since_ms) / 1_000;
            tracing::info!(target: "group", group = %group.name, away_s, "The group's server can be asked again");
        }
        self.tell(GroupNews::Reached(true)).await?;
        loop {
            self.gives_back(&mut link).await?;
            self.renews(&mut link).await?;
            let pause = self.pause();
            tokio::select! {
                request = self.requests.recv() => {
                    let request = request.ok_or(Broken::Ended)?;
                    Box::pin(self.answers(&mut link, request)).await?;
                }
                news = self.newest.changed() => {
                    news.map_err(|_| Broken::Ended)?;
                    self.tells_the_others(&mut link).await?;
                }
                () = sleep(pause) => {
                    link.bucket.look_at_time().await?;
                    self.listens_to_the_others(&mut link, None).await?;
                }
                fault = link.bucket.listens() => return Err(fault.into()),
            }
        }
    }

    /// Until something is to be done without anything else happening.
    fn pause(&self) -> Duration {
        let renew = self.held.values().map(|held| held.renew).min();
        let renew = renew.map(|at| Duration::from_millis(at.saturating_sub(boot_ms())));
        renew.map_or(Timing::get().group_look, |renew| renew.min(Timing::get().group_look))
    }

    async fn answers(&mut self, link: &mut Link, request: GroupRequest) -> Result<(), Broken> {
        let GroupRequest::Claim { callback, number, missed_ms, rings_ms } = request else {
            self.lays_aside(request);
            return Ok(());
        };
        let asked = async {
            // Whoever is not to be called is not claimed.
            self.listens_to_the_others(link, None).await?;
            Ok::<_, Broken>(link.bucket.claim(&number, missed_ms, rings_ms).await?)
        };
        let (answer, held) = match asked.await {
            Ok(answered) => answered,
            Err(why) => {
                self.tell(GroupNews::Claimed { callback, number, answer: Claimed::Away }).await?;
                return Err(why);
            }
        };
        match &answer {
            Claimed::Granted(_) => one(&self.counts.granted),
            Claimed::Taken { .. } => one(&self.counts.taken),
            Claimed::Served { .. } => one(&self.counts.served),
            Claimed::Away => {}
        }
        if let Some(held) = held {
            self.releases.remove(&number);
            self.held.insert(number.clone(), held);
        }
        self.tell(GroupNews::Claimed { callback, number, answer }).await
    }

    async fn gives_back(&mut self, link: &mut Link) -> Result<(), Broken> {
        while let Some((number, (served, rest_ms))) = self.releases.first_key_value() {
            link.bucket.change(number, *served, Some(*rest_ms)).await?;
            self.releases.pop_first();
        }
        Ok(())
    }

    async fn renews(&mut self, link: &mut Link) -> Result<(), Broken> {
        let now = boot_ms();
        let due: Vec<(E164, Held)> = self
            .held
            .iter()
            .filter(|(_, held)| held.renew <= now)
            .map(|(number, held)| (number.clone(), *held))
            .collect();
        for (number, held) in due {
            let kept = link.bucket.keep(&number, held.rings_ms).await?;
            if let Some(kept) = kept {
                self.held.insert(number, kept);
                continue;
            }
            self.held.remove(&number);
            // One that was not known before is another site's by right.
            if held.until < u64::MAX {
                one(&self.counts.lost);
                tracing::warn!(target: "group", group = %self.of.group.name, "A claim ran out while this site stood still, and another site has the customer; what rang is hung up");
            }
            self.tell(GroupNews::Lost(number)).await?;
        }
        Ok(())
    }

    /// What became true here since the others heard of it last.
    async fn tells_the_others(&mut self, link: &mut Link) -> Result<(), Broken> {
        loop {
            self.newest.borrow_and_update();
            let reader = match link.reader.take() {
                Some(reader) if reader.may_be_kept() => reader,
                _ => reader(&self.db).await?,
            };
            let (passed, name, min_talk_ms) = (self.passed, reader_name(&self.of.group), self.of.min_talk_ms);
            let read = beside(move || {
                let after = match passed {
                    Some(seq) => seq,
                    // One that the database does not know yet begins at the end.
                    None => match reader.passed(&name)? {
                        Some(seq) => seq,
                        None => reader.feed()?.end().seq,
                    },
                };
                news::read(reader, after, min_talk_ms)
            });
            let read = read.await??;
            link.reader = Some(read.reader);
            match read.news {
                Ok(news) => {
                    for news in news {
                        self.tells(link, news).await?;
                    }
                }
                Err(why) => {
                    self.shows_list = true;
                    tracing::warn!(target: "group", group = %self.of.group.name, %why, "The group was away for longer than the feed is kept; the other sites do not learn whom this one served meanwhile");
                }
            }
            self.passed = Some(read.to);
            self.takes_note(read.to);
            if read.is_all {
                return Ok(());
            }
        }
    }

    /// Has it noted how far the others know. What is not noted is said again after a restart, and changes nothing then.
    fn takes_note(&mut self, passed: i64) {
        let now_ms = wall();
        if passed > self.noted.0 && now_ms - self.noted.1 >= NOTE_MS {
            let note = SinkNote::Passed(reader_name(&self.of.group), passed, now_ms);
            // Where the writer is busy it is noted with the next one.
            if self.notes.send(Note::Sink(note)).is_ok() {
                self.noted = (passed, now_ms);
            }
        }
    }

    async fn tells(&mut self, link: &mut Link, news: News) -> Result<(), Broken> {
        match news {
            News::Served(number, service) => Ok(link.bucket.change(&number, Some(service), None).await?),
            News::Dnc(number, entry, seq) => {
                link.bucket.order_dnc(&number, entry.as_ref(), Some(seq)).await?;
                self.tell(GroupNews::DncSent(number)).await
            }
        }
    }

    /// What the others have ordered; `known`: the numbers of which there is an order.
    async fn listens_to_the_others(
        &mut self,
        link: &mut Link,
        mut known: Option<&mut BTreeSet<E164>>,
    ) -> Result<(), Broken> {
        while let Some(dnc) = link.bucket.next_dnc().await? {
            if let Some(known) = &mut known {
                known.insert(dnc.number_e164.clone());
            }
            self.tell(GroupNews::Dnc(dnc)).await?;
        }
        Ok(())
    }

    /// What stands on the list here and of which nobody has ordered anything: it was there before the group.
    async fn shows_the_list(&mut self, link: &mut Link, known: &BTreeSet<E164>) -> Result<(), Broken> {
        let db = self.db.clone();
        let entries = beside(move || {
            let mut entries = Vec::new();
            let reader = Reader::open(&db)?;
            reader.each_do_not_call(wall(), |entry| {
                entries.push(entry);
                ControlFlow::Continue(())
            })?;
            Ok::<_, crate::store::Error>(entries)
        });
        for entry in entries.await?? {
            if !known.contains(&entry.number_e164) {
                let value = serde_json::to_value(&entry).unwrap_or_default();
                let number = &entry.number_e164;
                link.bucket.order_dnc(number, Some(&value), None).await?;
            }
        }
        self.shows_list = false;
        Ok(())
    }
}

/// Why, and what helps.
fn words(why: &Broken, group: &str) -> String {
    match why {
        Broken::Stream(Fault::NoStream(stream)) => {
            format!(
                "bucket {} of group {group} is missing: callbackd group init --apply makes it",
                stream.trim_start_matches("KV_")
            )
        }
        why => with_causes(why),
    }
}
