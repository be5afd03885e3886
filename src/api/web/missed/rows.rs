//! The rows of the list: open callbacks, whenever they began; else the missed calls of some days, those of one callback as one row.

use super::choice::{Choice, Tab};
use crate::api::Ask;
use crate::api::front::{Failure, Front};
use crate::api::percent;
use crate::api::web::view::View;
use crate::api::web::{known_pbx, known_queue};
use crate::language::{Words, fill};
use crate::report::calendar::{day_begins, day_of};
use crate::store::{self, CallFilter, CallbackFilter, Fate, MissedCall, Reader};
use axum::http::StatusCode;
use callbackd_core::millis::Millis;
use callbackd_core::model::CallbackRow;
use callbackd_core::order::{Gather as _, InOrder as _};
use jiff::ToSpan;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use std::collections::{BTreeMap, BTreeSet};

/// Days that are shown unless others are asked for.
const DAYS: i64 = 7;
/// Missed calls that are looked at, the newest: some 5 MB of them.
pub(crate) const MOST: u64 = 5_000;

/// One customer to be served, or who was.
#[derive(Debug)]
pub(crate) struct Entry {
    /// The page of the missed call.
    pub(crate) call: Option<String>,
    pub(crate) called_ms: Millis,
    pub(crate) number: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) queue: Option<String>,
    pub(crate) did: Option<String>,
    pub(crate) pbx: String,
    pub(crate) waited_ms: Option<Millis>,
    /// Missed so many times.
    pub(crate) times: u32,
    pub(crate) callback: Option<CallbackRow>,
    /// The newest of its missed calls; `None` of one that was made by hand, or missed before the days that are shown.
    pub(crate) missed: Option<MissedCall>,
}

/// What the page shows.
#[derive(Debug)]
pub(crate) struct List {
    pub(crate) choice: Choice,
    pub(crate) entries: Vec<Entry>,
    /// How many are behind each tab.
    pub(crate) counts: [usize; 3],
    /// There are more missed calls in these days than [`MOST`].
    pub(crate) cut: bool,
    pub(crate) pbxs: Vec<String>,
    pub(crate) queues: Vec<String>,
    pub(crate) dids: Vec<String>,
    /// Of each PBX the agents' interfaces with their names: two PBXs may have one interface each.
    pub(crate) agents: BTreeMap<String, BTreeMap<String, String>>,
    pub(crate) zone: TimeZone,
    pub(crate) today: Date,
    pub(crate) now_ms: Millis,
}

pub(crate) async fn read(front: &Front, mut choice: Choice, now_ms: Millis, view: &View) -> Result<List, Failure> {
    known_pbx(front, view).await?;
    choice.queue = known_queue(front, view, choice.queue).await?;
    let _turn = front.whole().await;
    let agents = front.ask(Ask::Agents).await?;
    let mut agents_of: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    for agent in agents {
        let name = agent.name.filter(|name| !name.is_empty()).unwrap_or_else(|| agent.agent.clone());
        agents_of.entry(agent.pbx).or_default().insert(agent.agent, name);
    }
    let zone = front.read(|reader| reader.thresholds()).await?.1.unwrap_or_else(TimeZone::system);
    let today = day_of(now_ms, &zone).unwrap_or_default();
    let (since_ms, until_ms) = days(&choice, today, &zone, view.words)?;
    let of = choice.clone();
    let (callbacks, missed, pbxs, (queues, _), (dids, _)) = front
        .read(move |reader: &Reader| {
            let filter = CallbackFilter {
                open: Some(true),
                queue: of.queue.clone(),
                pbx: of.pbx.clone(),
                ..CallbackFilter::default()
            };
            let calls = CallFilter {
                since_ms: Some(since_ms),
                until_ms: Some(until_ms),
                queue: of.queue.clone(),
                did: of.did.clone(),
                pbx: of.pbx.clone(),
                limit: Some(MOST),
                ..CallFilter::default()
            };
            Ok::<_, store::Error>((
                reader.callbacks(&filter)?,
                reader.missed(calls)?,
                reader.pbxs()?,
                reader.ever_met()?,
                reader.met((since_ms, until_ms))?,
            ))
        })
        .await?;
    let cut = missed.len() as u64 >= MOST;
    let mut entries = [to_do(callbacks, &missed, &choice, (since_ms, until_ms)), Vec::new(), Vec::new()];
    for entry in of_calls(missed) {
        match entry.missed.as_ref().map(|missed| missed.fate) {
            Some(Fate::Won(_)) => entries[Tab::Won as usize].push(entry),
            Some(fate) if fate.is_lost() => entries[Tab::Lost as usize].push(entry),
            _ => {}
        }
    }
    if let Some(search) = &choice.search {
        entries.iter_mut().for_each(|entries| entries.retain(|entry| fits(entry, search)));
    }
    let counts = [entries[0].len(), entries[1].len(), entries[2].len()];
    let mut entries = std::mem::take(&mut entries[choice.tab as usize]);
    if let Some((column, down)) = &choice.sort {
        sort(&mut entries, column, *down);
    }
    let pbxs = pbxs.iter().map(ToString::to_string).collect();
    Ok(List { choice, entries, counts, cut, pbxs, queues, dids, agents: agents_of, zone, today, now_ms })
}

/// The days that are asked for, the last one whole.
fn days(choice: &Choice, today: Date, zone: &TimeZone, words: &Words) -> Result<(Millis, Millis), Failure> {
    let wrong = |why| Failure::new(StatusCode::BAD_REQUEST, why);
    let too_far = |day: Date| wrong(fill(words.too_far, day));
    let day = |text: &Option<String>, usual: Date| match text {
        None => Ok(usual),
        Some(text) => text.parse::<Date>().map_err(|_| wrong(fill(words.bad_day, text.escape_debug()))),
    };
    let to = day(&choice.to, today)?;
    let usual = to.checked_sub((DAYS - 1).days()).unwrap_or(to);
    let from = day(&choice.from, usual)?;
    if from > to {
        return Err(wrong(fill(&fill(words.backwards, from), to)));
    }
    let begins = |day: Date| day_begins(day, zone).ok_or_else(|| too_far(day));
    let after = to.tomorrow().map_err(|_| too_far(to))?;
    Ok((begins(from)?, begins(after)?))
}

/// In the order of their turns. Days are meant only where they were asked for: a callback that waits is to be done, however old it is.
fn to_do(callbacks: Vec<CallbackRow>, missed: &[MissedCall], choice: &Choice, window: (Millis, Millis)) -> Vec<Entry> {
    let newest: BTreeMap<i64, &MissedCall> =
        missed.iter().rev().filter_map(|missed| Some((missed.stored.call.callback_id?, missed))).to_map();
    let by_day = choice.from.is_some() || choice.to.is_some();
    callbacks
        .into_iter()
        .filter(|row| !by_day || (window.0..window.1).contains(&row.last_missed_ms))
        .filter(|row| choice.did.is_none() || row.did == choice.did)
        .map(|row| {
            let missed = newest.get(&row.id).copied();
            let first = row
                .first_miss
                .as_ref()
                .map(|miss| format!("/calls/{}?pbx={}", percent(&miss.linkedid), percent(miss.pbx.as_str())));
            Entry {
                call: missed.map(|missed| format!("/calls/{}", missed.stored.id)).or(first),
                called_ms: missed.map_or(row.last_missed_ms, |missed| missed.stored.call.started_ms),
                number: row.number_e164.as_deref().map(str::to_owned),
                name: row.name.clone().filter(|name| !name.is_empty()),
                queue: row.queue.clone(),
                did: row.did.clone(),
                pbx: row.pbx.to_string(),
                waited_ms: missed.map(|missed| missed.stored.call.wait_ms),
                times: row.missed_count,
                missed: missed.cloned(),
                callback: Some(row),
            }
        })
        .collect()
}

/// The newest first; those of one callback as one.
fn of_calls(missed: Vec<MissedCall>) -> Vec<Entry> {
    let mut times: BTreeMap<i64, u32> = BTreeMap::new();
    for id in missed.iter().filter_map(|missed| missed.stored.call.callback_id) {
        *times.entry(id).or_default() += 1;
    }
    let mut seen = BTreeSet::new();
    missed
        .into_iter()
        .filter(|missed| missed.stored.call.callback_id.is_none_or(|id| seen.insert(id)))
        .map(|missed| {
            let call = &missed.stored.call;
            Entry {
                call: Some(format!("/calls/{}", missed.stored.id)),
                called_ms: call.started_ms,
                number: call.number_e164.as_deref().or(call.number.as_deref()).map(str::to_owned),
                name: call.name.clone().filter(|name| !name.is_empty()),
                queue: call.queue.clone(),
                did: call.did.clone(),
                pbx: call.pbx.to_string(),
                waited_ms: Some(call.wait_ms),
                times: call.callback_id.map_or(1, |id| times.get(&id).copied().unwrap_or(1)),
                callback: missed.callback.clone(),
                missed: Some(missed),
            }
        })
        .collect()
}

fn fits(entry: &Entry, search: &str) -> bool {
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    let wanted = digits(search);
    let number = entry.number.as_deref().unwrap_or_default();
    let name = entry.name.as_deref().unwrap_or_default().to_lowercase();
    (!wanted.is_empty() && digits(number).contains(&wanted)) || name.contains(&search.to_lowercase())
}

fn sort(entries: &mut [Entry], column: &str, down: bool) {
    match column {
        "called" => entries.order_by_key(|entry| entry.called_ms),
        "number" => entries.order_by(|a, b| a.number.cmp(&b.number)),
        "queue" => entries.order_by(|a, b| a.queue.cmp(&b.queue)),
        "did" => entries.order_by(|a, b| a.did.cmp(&b.did)),
        "waited" => entries.order_by_key(|entry| entry.waited_ms),
        "times" => entries.order_by_key(|entry| entry.times),
        "next" => entries.order_by_key(|entry| entry.callback.as_ref().map(|row| row.due_ms)),
        "tries" => entries.order_by_key(|entry| entry.callback.as_ref().map(|row| row.attempts)),
        _ => return,
    }
    if down {
        entries.reverse();
    }
}
