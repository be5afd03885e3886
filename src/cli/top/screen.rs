//! The screen of `callbackd top` as lines of text: what is there, in as many rows as there are.

use crate::cli::callbacks::why;
use crate::cli::plain::{clip, clock, local, safe};
use crate::cli::target::Target;
use serde_json::Value;

/// What the daemon has answered.
#[derive(Debug, Clone, Default)]
pub struct Shown {
    /// `/v1/live`.
    pub live: Value,
    /// Open callbacks, in the order of their turns.
    pub callbacks: Vec<Value>,
}

/// What has a history of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Thing {
    /// A call, by its row in `/v1/live`.
    Call {
        /// Name of the PBX.
        pbx: String,
        /// Its linkedid there.
        linkedid: String,
    },
    /// A callback.
    Callback(i64),
}

/// The screen, and what some of its lines are about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Screen {
    /// From the top.
    pub(crate) lines: Vec<String>,
    /// By the number of the line.
    pub(crate) things: Vec<(usize, Thing)>,
}

/// A part of the screen: its heading, a line for each thing, and what has a history.
struct Part {
    heading: String,
    rows: Vec<String>,
    things: Vec<Thing>,
}

impl Part {
    /// With the rows that have this word, which is in lower case.
    fn having(self, word: &str) -> Self {
        let has: Vec<bool> = self.rows.iter().map(|row| row.to_lowercase().contains(word)).collect();
        let kept = |n: usize| has.get(n).copied().unwrap_or(true);
        let rows = self.rows.into_iter().enumerate().filter(|(n, _)| kept(*n)).map(|(_, row)| row).collect();
        let things = self.things.into_iter().enumerate().filter(|(n, _)| kept(*n)).map(|(_, thing)| thing).collect();
        Self { heading: self.heading, rows, things }
    }
}

/// At most `height` lines of at most `width` characters. Where not all rows fit, each part says how many it leaves out.
#[must_use]
pub fn lines(shown: &Shown, target: &Target, now_ms: i64, size: (usize, usize)) -> Vec<String> {
    screen(shown, target, now_ms, size, "").lines
}

/// The same with the lines alone that have this word, in whatever case, and what the lines are about.
#[must_use]
pub(crate) fn screen(
    shown: &Shown,
    target: &Target,
    now_ms: i64,
    (width, height): (usize, usize),
    filter: &str,
) -> Screen {
    let mut things = Vec::new();
    let mut lines = head(shown, target, now_ms);
    let spare = if width == usize::MAX { 0 } else { width.saturating_sub(NARROW).min(SPARE) };
    let look = Look { shown, target, now_ms, spare };
    let parts = [look.queues(), look.calls(), look.callbacks(), look.agents()];
    let foot = 1;
    let left = height.saturating_sub(lines.len() + foot);
    let parts = parts.map(|part| part.having(&filter.to_lowercase()));
    let parts: Vec<Part> = parts.into_iter().filter(|part| !part.rows.is_empty()).collect();
    let wanted: Vec<usize> = parts.iter().map(|part| part.rows.len().saturating_add(AROUND)).collect();
    for (part, share) in parts.into_iter().zip(shares(&wanted, left)) {
        // A line between, a heading, and its share of what there is.
        let share = share.saturating_sub(AROUND);
        let more = part.rows.len() > share;
        let rows = if more { share.saturating_sub(1) } else { part.rows.len() };
        if share == 0 {
            continue;
        }
        lines.push(String::new());
        lines.push(part.heading);
        things.extend((lines.len()..).zip(part.things.into_iter().take(rows)));
        lines.extend(part.rows.iter().take(rows).cloned());
        if more {
            lines.push(format!("… {} more", part.rows.len() - rows));
        }
    }
    if height != usize::MAX {
        lines.resize(height.saturating_sub(foot).max(lines.len()), String::new());
        lines.push("q ends  p pauses  Up, Down, Enter: its history  / filters  more: callbackd tail".to_owned());
    }
    Screen { lines: lines.iter().map(|line| clip(line.trim_end(), width)).collect(), things }
}

/// Lines of each part beside its rows: one between, and its heading.
const AROUND: usize = 2;
/// Columns that are there for sure.
const NARROW: usize = 80;
/// Columns more than these that are given to names, at most.
const SPARE: usize = 48;

/// Shares the lines out: who wants less than an equal share gets that, and the others share what is left.
fn shares(wanted: &[usize], lines: usize) -> Vec<usize> {
    let mut shares = vec![0; wanted.len()];
    let mut order: Vec<usize> = (0..wanted.len()).collect();
    order.sort_by_key(|part| wanted[*part]);
    let mut left = lines;
    for (n, part) in order.iter().enumerate() {
        shares[*part] = wanted[*part].min(left / (order.len() - n));
        left -= shares[*part];
    }
    shares
}

fn call_of(call: &Value) -> Thing {
    let name = |key: &str| call[key].as_str().unwrap_or_default().to_owned();
    Thing::Call { pbx: name("pbx"), linkedid: name("linkedid") }
}

/// What is known of a call that goes on; `None` where it is no longer among them.
#[must_use]
pub(crate) fn live_history(shown: &Shown, target: &Target, now_ms: i64, wanted: &Thing) -> Option<String> {
    let call = array(&shown.live, "calls").iter().find(|call| call_of(call) == *wanted)?;
    let name = call["name"].as_str().map_or_else(String::new, |name| format!(" \"{}\"", safe(name)));
    let mut lines = vec![format!("{}{name} is on the line, as call {}", number(call), text(call, "linkedid"))];
    let mut fact = |what: &str, key: &str| {
        if call[key].is_string() {
            lines.push(format!("  {what} {}", text(call, key)));
        }
    };
    for (what, key) in
        [("on", "pbx"), ("dialled", "did"), ("over", "trunk"), ("queue", "queue"), ("talks with", "agent")]
    {
        fact(what, key);
    }
    lines.push(String::new());
    for (key, what) in
        [("started_ms", "the call begins"), ("joined_ms", "joins the queue"), ("answered_ms", "is answered")]
    {
        if let Some(ms) = call[key].as_i64() {
            lines.push(format!(
                "  {}  {:>8} ago  {what}",
                local(ms, &target.zone, "%H:%M:%S"),
                clock((now_ms - ms).max(0))
            ));
        }
    }
    Some(lines.join("\n"))
}

fn array<'v>(value: &'v Value, key: &str) -> &'v [Value] {
    value[key].as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value, key: &str) -> String {
    value[key].as_str().map_or_else(|| "-".to_owned(), safe)
}

fn number(value: &Value) -> String {
    ["number_e164", "number"].iter().find_map(|key| value[*key].as_str()).map_or_else(|| "withheld".to_owned(), safe)
}

/// How long ago this was, as a clock.
fn since(value: &Value, key: &str, now_ms: i64) -> String {
    value[key].as_i64().map_or_else(|| "-".to_owned(), |ms| clock((now_ms - ms).max(0)))
}

/// `?` where it is not known.
fn count(value: &Value) -> String {
    value.as_u64().map_or_else(|| "?".to_owned(), |n| n.to_string())
}

fn head(shown: &Shown, target: &Target, now_ms: i64) -> Vec<String> {
    let live = &shown.live;
    let queues = array(live, "queues");
    let agents = array(live, "agents");
    // Of a PBX that is not seen nothing is known.
    let waiting: Option<u64> = queues.iter().map(|queue| queue["waiting"].as_u64()).sum();
    let free = agents.iter().filter(|agent| agent["free"] == true).count();
    let unknown = agents.iter().any(|agent| agent["free"].is_null());
    let open: u64 =
        live["callbacks"].as_object().into_iter().flat_map(|states| states.values()).filter_map(Value::as_u64).sum();
    let mut lines = vec![format!(
        "{}  {} calls, {} waiting  {} of {} agents free  {open} callbacks open",
        local(now_ms, &target.zone, "%H:%M:%S"),
        live["cut"]["calls"]["rows"].as_u64().unwrap_or(array(live, "calls").len() as u64),
        waiting.map_or_else(|| "?".to_owned(), |n| n.to_string()),
        if unknown { "?".to_owned() } else { free.to_string() },
        agents.len(),
    )];
    for pbx in array(live, "pbx").iter().filter(|pbx| pbx["seen"] == false) {
        let since = pbx["unseen_since_ms"].as_i64();
        let since = since.map_or_else(
            || "not seen yet".to_owned(),
            |ms| format!("not seen since {}", local(ms, &target.zone, "%H:%M:%S")),
        );
        lines.push(format!("{} UNKNOWN: {since}; {}", text(pbx, "name"), text(pbx, "link")));
    }
    lines
}

/// Characters of a PBX's name.
const PBX: usize = 10;

/// The daemon has more than one PBX: then each line names its own.
fn several(shown: &Shown) -> bool {
    array(&shown.live, "pbx").len() > 1
}

/// The column of the PBX, with the space before it; nothing where there is one PBX alone.
fn column(several: bool, name: &str) -> String {
    if several { format!(" {:<PBX$}", clip(name, PBX)) } else { String::new() }
}

/// What is looked at, and how.
#[derive(Clone, Copy)]
struct Look<'a> {
    shown: &'a Shown,
    target: &'a Target,
    now_ms: i64,
    /// Columns more than there are for sure.
    spare: usize,
}

impl Look<'_> {
    fn queues(self) -> Part {
        let Self { shown, now_ms, spare, .. } = self;
        let several = several(shown);
        let queue_name = 20 + spare / 2;
        let row = |queue: &Value| {
            format!(
                "{:<queue_name$} {:>7} {:>8} {:>5} {:>8} {:>7}{}",
                clip(&text(queue, "queue"), queue_name),
                count(&queue["waiting"]),
                since(queue, "longest_since_ms", now_ms),
                count(&queue["free"]),
                count(&queue["members"]),
                count(&queue["paused"]),
                column(several, &text(queue, "pbx")),
            )
        };
        Part {
            heading: format!(
                "{:<queue_name$} {:>7} {:>8} {:>5} {:>8} {:>7}{}",
                "QUEUE",
                "WAITING",
                "LONGEST",
                "FREE",
                "MEMBERS",
                "PAUSED",
                column(several, "PBX"),
            ),
            rows: array(&shown.live, "queues").iter().map(row).collect(),
            things: Vec::new(),
        }
    }

    fn calls(self) -> Part {
        let Self { shown, now_ms, spare, .. } = self;
        let several = several(shown);
        // Room for the PBX is made where names are long.
        let [name, queue, agent] = if several { [12, 9, 12] } else { [16, 12, 16] }.map(|least| least + spare / 3);
        let row = |call: &Value| {
            let (phase, from) = match (&call["answered_ms"], &call["joined_ms"]) {
                (answered, _) if answered.is_i64() => ("talks", "answered_ms"),
                (_, joined) if joined.is_i64() => ("waits", "joined_ms"),
                _ => ("calls", "started_ms"),
            };
            format!(
                "{:<16} {:<name$} {:<queue$} {:<5} {:>8}  {:<agent$}{}",
                clip(&number(call), 16),
                clip(&text(call, "name"), name),
                clip(&text(call, "queue"), queue),
                phase,
                since(call, from, now_ms),
                clip(&text(call, "agent"), agent),
                column(several, &text(call, "pbx")),
            )
        };
        Part {
            heading: format!(
                "{:<16} {:<name$} {:<queue$} {:<5} {:>8}  {:<agent$}{}",
                "CALL",
                "NAME",
                "QUEUE",
                "NOW",
                "FOR",
                "WITH",
                column(several, "PBX"),
            ),
            rows: array(&shown.live, "calls").iter().map(row).collect(),
            things: array(&shown.live, "calls").iter().map(call_of).collect(),
        }
    }

    fn callbacks(self) -> Part {
        let Self { shown, target, now_ms, spare } = self;
        let several = several(shown);
        let name = 7 + spare / 3;
        let row = |callback: &Value| {
            let (state, reason) = (text(callback, "state"), callback["reason"].as_str().unwrap_or_default());
            let due = callback["due_ms"].as_i64().unwrap_or_default();
            let due = if due <= now_ms { "now".to_owned() } else { local(due, &target.zone, "%a %H:%M") };
            format!(
                "{:>5} {:<16} {:<name$} {:<9}{} {}",
                count(&callback["id"]),
                clip(&number(callback), 16),
                clip(&text(callback, "queue"), name),
                due,
                column(several, &text(callback, "pbx")),
                why::words(&state, reason),
            )
        };
        Part {
            heading: format!(
                "{:>5} {:<16} {:<name$} {:<9}{} {}",
                "ID",
                "CALLBACK",
                "QUEUE",
                "DUE",
                column(several, "PBX"),
                "WHY NOT YET",
            ),
            rows: shown.callbacks.iter().map(row).collect(),
            things: shown.callbacks.iter().map(|row| Thing::Callback(row["id"].as_i64().unwrap_or_default())).collect(),
        }
    }

    fn agents(self) -> Part {
        let Self { shown, now_ms, spare, .. } = self;
        let several = several(shown);
        let [interface, name] = [16, 18].map(|least| least + spare / 3);
        let row = |agent: &Value| {
            let state = match &agent["free"] {
                Value::Bool(true) => "free".to_owned(),
                _ => text(agent, "why_not"),
            };
            format!(
                "{:<interface$} {:<name$} {:>8}{}  {}",
                clip(&text(agent, "agent"), interface),
                clip(&text(agent, "name"), name),
                since(agent, "since_ms", now_ms),
                column(several, &text(agent, "pbx")),
                state,
            )
        };
        Part {
            heading: format!(
                "{:<interface$} {:<name$} {:>8}{}  {}",
                "AGENT",
                "NAME",
                "FOR",
                column(several, "PBX"),
                "NOW"
            ),
            rows: array(&shown.live, "agents").iter().map(row).collect(),
            things: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::shares;

    #[test]
    fn what_a_part_does_not_need_the_others_have() {
        assert_eq!(shares(&[5, 40, 4, 40], 40), [5, 15, 4, 16]);
        assert_eq!(shares(&[5, 6], 40), [5, 6]);
        assert_eq!(shares(&[usize::MAX, 3], usize::MAX), [usize::MAX - 3, 3]);
        assert_eq!(shares(&[9, 9, 9], 7), [2, 2, 3]);
        assert!(shares(&[], 7).is_empty());
    }
}
