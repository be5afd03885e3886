//! What the wall says of today: worked out at most once in two seconds, however many screens look.

use crate::api::front::{Failure, Front};
use crate::report::facts::Call;
use crate::report::figures::Totals;
use crate::report::window::Asked;
use crate::report::{Thresholds, Window};
use crate::store::{CallbackFilter, Chosen, Depth};
use callbackd_core::millis::Millis;
use callbackd_core::order::Gather as _;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// As old as it may be.
const FRESH: Duration = Duration::from_secs(2);
/// Choices that are kept at once; a wall has one.
const MOST: usize = 32;

/// Figures of today.
#[derive(Debug)]
pub(crate) struct Figures {
    pub(crate) totals: Totals,
    /// By PBX and queue.
    pub(crate) by_queue: BTreeMap<(String, String), Totals>,
    /// Open callbacks, and those of them whose first miss is longer ago than the target.
    pub(crate) open: usize,
    pub(crate) overdue: usize,
    pub(crate) thresholds: Thresholds,
    pub(crate) zone: TimeZone,
}

/// Figures, and when they were worked out.
type Made = (Instant, Arc<Figures>);

/// Of which PBX and which queue figures are; `None`: of all.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Of {
    pub(super) pbx: Option<String>,
    pub(super) queue: Option<String>,
}

/// What was worked out last.
#[derive(Debug, Default)]
pub(crate) struct Today {
    last: Mutex<BTreeMap<Of, Made>>,
    /// One report is made at a time: it holds the rows of its window.
    pub(super) report: tokio::sync::Mutex<()>,
}

impl Front {
    /// The figures of today.
    pub(super) async fn figures_of_today(&self, of: Of, now_ms: Millis) -> Result<Arc<Figures>, Failure> {
        let lock = || self.today.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, figures)) = lock().get(&of)
            && at.elapsed() < FRESH
        {
            return Ok(Arc::clone(figures));
        }
        let wanted = of.clone();
        let figures = Arc::new(self.read(move |reader| read(reader, wanted, now_ms)).await?);
        let mut last = lock();
        if last.len() >= MOST {
            last.clear();
        }
        last.insert(of, (Instant::now(), Arc::clone(&figures)));
        Ok(figures)
    }
}

fn read(reader: &crate::store::Reader, Of { pbx, queue }: Of, now_ms: Millis) -> Result<Figures, crate::store::Error> {
    let (thresholds, zone) = reader.thresholds()?;
    let zone = zone.unwrap_or_else(TimeZone::system);
    let now = Timestamp::from_millisecond(now_ms).unwrap_or(Timestamp::UNIX_EPOCH);
    let chosen = Chosen { pbx: pbx.clone(), queue: queue.clone(), ..Chosen::default() };
    let facts = match Window::of(Asked::default(), &zone, now) {
        Ok(window) => reader.facts((window.from_ms, window.to_ms), &chosen, Depth::Calls, &thresholds, &zone)?,
        Err(_) => crate::report::Facts::default(),
    };
    let callbacks = reader.callbacks(&CallbackFilter { open: Some(true), pbx, queue, ..CallbackFilter::default() })?;
    let mut by_queue: BTreeMap<(String, String), Vec<&Call>> = BTreeMap::new();
    for call in &facts.calls {
        if let Some(queue) = call.queue {
            let text = |name| facts.names.text(name).to_owned();
            by_queue.entry((text(call.pbx), text(queue))).or_default().push(call);
        }
    }
    let by_queue = by_queue.into_iter().map(|(of, calls)| (of, Totals::of(calls, &thresholds))).to_map();
    let late = now_ms - thresholds.callback_target_ms;
    Ok(Figures {
        totals: Totals::of(&facts.calls, &thresholds),
        by_queue,
        open: callbacks.len(),
        overdue: callbacks.iter().filter(|row| row.first_missed_ms < late).count(),
        thresholds,
        zone,
    })
}
