//! All PBXs: the link to each, what comes over them, and each one's tracker.

use super::link::{self, Link, LinkEvent, Requester};
use super::monitor::{Monitor, Standing};
use super::secret;
use crate::config::{Config, Pbx};
use crate::report::calendar::{day_begins, day_of};
use crate::store::{self, Store, Trunks};
use callbackd_core::ami::Interest;
use callbackd_core::ami::budget::Budget;
use callbackd_core::millis::Millis;
use callbackd_core::model::rules::Rules;
use callbackd_core::model::{Moment, PbxId};
use callbackd_core::tracker::{Input, Output, Tracker};
use futures_util::stream::{BoxStream, SelectAll, poll_fn};
use futures_util::{FutureExt, StreamExt};

/// Taken from the links before the store, timers and signals get their turn.
const EVENTS_PER_TURN: usize = 1_024;

/// A trunk on which nobody has called for so long is not known any more, ms: thirty days.
const TRUNKS_FOR_MS: Millis = 30 * 86_400_000;

/// An event, and the place of its PBX in the configuration.
pub(crate) type FromLink = (usize, LinkEvent);

/// What a PBX's monitor reports.
#[derive(Debug)]
pub(crate) enum Report {
    /// Sync with the PBX was lost; it may be back.
    Unlinked,
    /// An output of its tracker.
    Tracker(Output),
}

/// The PBXs of the configuration, in its order.
pub(crate) struct Pbxs {
    monitors: Vec<Monitor>,
    links: Vec<Link>,
    from_links: SelectAll<BoxStream<'static, FromLink>>,
}

/// When the day of this moment began where the business is; without a calendar for that, a day ago.
fn midnight(config: &Config, now_ms: Millis) -> Millis {
    let zone = config.zone();
    day_of(now_ms, &zone).and_then(|day| day_begins(day, &zone)).unwrap_or(now_ms - 86_400_000)
}

/// Begins to read what [`Pbxs::restored`] has to know of trunks.
pub(crate) fn read_trunks(config: &Config, store: &Store, now: Moment) -> Trunks {
    let names = config.pbx.iter().map(|pbx| pbx.name.clone()).collect();
    store.read_trunks(names, now.wall_ms - TRUNKS_FOR_MS)
}

/// By which the calls of a PBX are classified, and its queues watched.
fn rules(config: &Config, pbx: &Pbx) -> Rules {
    Rules { alarm_wait_ms: Some(config.report.alarm_wait_ms), ..pbx.settings.rules() }
}

impl Pbxs {
    /// Trackers that go on where the last run stopped. No link is open before [`Pbxs::connect`].
    ///
    /// # Errors
    /// If the database cannot be read.
    pub(crate) fn restored(
        config: &Config,
        store: &mut Store,
        trunks: Trunks,
        now: Moment,
    ) -> Result<Self, store::Error> {
        let (mut trackers, mut monitors) = (Vec::new(), Vec::new());
        let share = Budget::of_each(config.pbx.len());
        for pbx in &config.pbx {
            let rules = rules(config, pbx);
            rules.numbering.warm_up();
            let mut tracker =
                Tracker::new(&pbx.name, rules, store.our_attempts(&pbx.name)?, store.take_over(&pbx.name)?);
            tracker.keeps_within(share);
            tracker.keeps_tapes();
            tracker.knows_agents(store.agent_talks(&pbx.name, midnight(config, now.wall_ms))?);
            tracker.knows_calls(store.calls_left(&pbx.name)?);
            trackers.push(tracker);
        }
        for ((pbx, mut tracker), trunks) in config.pbx.iter().zip(trackers).zip(trunks.read()?) {
            tracker.knows_trunks(trunks);
            monitors.push(Monitor::new(&pbx.name, &pbx.address, tracker));
        }
        Ok(Self { monitors, links: Vec::new(), from_links: SelectAll::new() })
    }

    /// Opens the links.
    pub(crate) fn connect(&mut self, config: &Config) {
        let credentials = secret::credentials();
        let share = Budget::of_each(config.pbx.len());
        for (i, pbx) in config.pbx.iter().enumerate() {
            let (events, mut received) = link::events(share);
            self.links.push(Link::spawn(pbx, credentials.as_deref(), Interest::tracker(), None, events, share));
            self.from_links.push(poll_fn(move |cx| received.poll_recv(cx).map(|event| event.map(|e| (i, e)))).boxed());
        }
    }

    /// Where actions for each PBX go.
    pub(crate) fn requesters(&self) -> impl Iterator<Item = (PbxId, Requester)> + '_ {
        self.with_links().map(|(monitor, link)| (monitor.name.clone(), link.requester()))
    }

    pub(crate) fn monitors(&self) -> &[Monitor] {
        &self.monitors
    }

    /// Each with its link.
    pub(crate) fn with_links(&self) -> impl Iterator<Item = (&Monitor, &Link)> {
        self.monitors.iter().zip(&self.links)
    }

    /// What comes over the links next; `None` when all have ended. Nothing is lost if it is not waited for to the end.
    pub(crate) async fn next(&mut self) -> Option<FromLink> {
        self.from_links.next().await
    }

    /// Takes an event.
    pub(crate) fn take(&mut self, (pbx, event): FromLink, now: Moment) {
        self.monitors[pbx].take(event, now);
    }

    /// Takes an event and what waits behind it, as one batch.
    pub(crate) fn take_batch(&mut self, first: FromLink, now: Moment) {
        self.take(first, now);
        for _ in 1..EVENTS_PER_TURN {
            let Some(Some(event)) = self.from_links.next().now_or_never() else { break };
            self.take(event, now);
        }
    }

    /// Time has passed.
    pub(crate) fn tick(&mut self, now: Moment) {
        for monitor in &mut self.monitors {
            monitor.tick(now);
        }
    }

    /// When [`Pbxs::tick`] is due.
    pub(crate) fn deadline(&self) -> Option<u64> {
        self.monitors.iter().filter_map(Monitor::deadline).min()
    }

    /// What one of them reports, each one's in its order.
    pub(crate) fn poll(&mut self) -> Option<(PbxId, Report)> {
        self.monitors.iter_mut().find_map(|monitor| {
            let unlinked = monitor.take_unlinked().then_some(Report::Unlinked);
            let report = unlinked.or_else(|| monitor.poll().map(Report::Tracker))?;
            Some((monitor.name.clone(), report))
        })
    }

    /// Each works, or it is known why not.
    pub(crate) fn all_tried(&self) -> bool {
        self.monitors.iter().all(|monitor| monitor.standing != Standing::Connecting)
    }

    /// Number of calls in progress.
    pub(crate) fn live_calls(&self) -> usize {
        self.monitors.iter().map(Monitor::live_calls).sum()
    }

    /// The row of this call has been made from Asterisk's own records.
    pub(crate) fn has_its_row(&mut self, pbx: &PbxId, linkedid: &str) {
        if let Some(monitor) = self.monitors.iter_mut().find(|monitor| monitor.name == *pbx) {
            monitor.has_its_row(linkedid);
        }
    }

    /// The configuration changed; the PBXs are the same.
    pub(crate) fn configure(&mut self, config: &Config, now: Moment) {
        for (monitor, pbx) in self.monitors.iter_mut().zip(&config.pbx) {
            monitor.give(Input::Rules(&rules(config, pbx)), now);
        }
    }

    /// Ends the links. What they sent before comes out of [`Pbxs::next`] still, and then nothing more.
    pub(crate) async fn disconnect(&mut self) {
        for link in self.links.drain(..) {
            link.stop().await;
        }
    }

    /// The daemon ends: no event comes any more.
    pub(crate) fn stop(&mut self, now: Moment) {
        for monitor in &mut self.monitors {
            monitor.give(Input::Stopping, now);
        }
    }
}
