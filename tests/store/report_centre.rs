//! Generated centres: rows as a day of a call centre leaves them, by a seed; also on days on which the clock is set, over midnight, in gaps.

use callbackd::store::{Calendar, Store};
use callbackd_core::model::{Outcome, Status};
use jiff::tz::TimeZone;
use rusqlite::{Connection, params};
use std::path::Path;

pub const HOUR: i64 = 3_600_000;

/// Agent, from, answered, until, talk, result.
pub type Leg = (&'static str, i64, Option<i64>, i64, i64, &'static str);

/// A call as it is stored, with what belongs to it.
#[derive(Debug, Clone)]
pub struct Row {
    pub id: i64,
    pub direction: &'static str,
    pub status: Status,
    pub outcome: Outcome,
    pub number: Option<String>,
    pub did: &'static str,
    pub trunk: &'static str,
    pub queue: Option<&'static str>,
    pub agent: Option<&'static str>,
    pub started_ms: i64,
    pub ended_ms: i64,
    pub answered_ms: Option<i64>,
    pub wait_ms: i64,
    pub queue_wait_ms: i64,
    pub ring_ms: i64,
    pub talk_ms: i64,
    pub hold_ms: i64,
    pub recovered: Option<(&'static str, i64)>,
    pub legs: Vec<Leg>,
    /// Queue, joined, left, result.
    pub visits: Vec<(&'static str, i64, i64, &'static str)>,
    /// Menu and key.
    pub steps: Vec<(&'static str, &'static str)>,
    pub codes: Vec<&'static str>,
    pub rating: Option<f64>,
}

/// What an agent did, from and to; `None` while it lasts.
#[derive(Debug, Clone)]
pub struct Did {
    pub agent: &'static str,
    pub activity: &'static str,
    pub queue: &'static str,
    pub reason: &'static str,
    pub from_ms: i64,
    pub to_ms: Option<i64>,
}

/// Everything.
#[derive(Debug, Clone, Default)]
pub struct Centre {
    pub rows: Vec<Row>,
    pub agents: Vec<Did>,
    /// Up to here events were seen.
    pub seen_ms: i64,
}

pub const AGENTS: [&str; 4] = ["PJSIP/101", "PJSIP/102", "PJSIP/103", "SIP/104"];
const QUEUES: [&str; 2] = ["sales", "support"];

/// From this day on, so many days; about so many calls each.
pub fn centre(seed: u64, from_ms: i64, days: i64, calls: u32) -> Centre {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut out = Centre { seen_ms: from_ms + days * 24 * HOUR - random.i64(0..12 * HOUR), ..Centre::default() };
    let end = from_ms + days * 24 * HOUR;
    let many = i64::from(calls) * days;
    let mut starts: Vec<i64> = (0..many).map(|_| random.i64(from_ms - 2 * HOUR..end + HOUR)).collect();
    // Some at the very borders of hours and days.
    starts.extend((0..days * 4).map(|n| from_ms + n * 6 * HOUR - n % 2));
    starts.sort_unstable();
    for (n, started_ms) in starts.into_iter().enumerate() {
        let row = row(&mut random, i64::try_from(n).unwrap() + 1, started_ms);
        // A call has its row when it is over.
        out.rows.extend(Some(row).filter(|row| row.ended_ms <= out.seen_ms));
    }
    for agent in AGENTS {
        activities(&mut random, agent, from_ms - 6 * HOUR, end, &mut out);
    }
    out
}

fn row(random: &mut fastrand::Rng, id: i64, started_ms: i64) -> Row {
    let menu_ms = random.i64(0..9_000);
    let wait_ms = if random.u8(..10) == 0 { 20_000 } else { random.i64(0..60_000) };
    let number = (random.u8(..10) > 0).then(|| format!("+1202555{:04}", random.u16(100..160)));
    let agent = AGENTS[random.usize(..AGENTS.len())];
    let queue = (random.u8(..5) > 0).then(|| QUEUES[random.usize(..2)]);
    let mut row = Row {
        id,
        direction: "inbound",
        status: Status::Answer,
        outcome: Outcome::Agent,
        number,
        did: ["5550100", "5550101"][random.usize(..2)],
        trunk: ["PJSIP/provider", "PJSIP/backup"][random.usize(..2)],
        queue,
        agent: None,
        started_ms,
        ended_ms: started_ms + menu_ms + wait_ms,
        answered_ms: None,
        wait_ms: menu_ms + wait_ms,
        queue_wait_ms: if queue.is_some() { wait_ms } else { 0 },
        ring_ms: 0,
        talk_ms: 0,
        hold_ms: 0,
        recovered: None,
        legs: Vec::new(),
        visits: Vec::new(),
        steps: vec![("ivr-main", ["1", "2", "t"][random.usize(..3)])],
        codes: Vec::new(),
        rating: None,
    };
    let (joined, left) = (started_ms + menu_ms, started_ms + menu_ms + wait_ms);
    let pick = random.u8(..100);
    match pick {
        0..55 => {
            // Some go on for hours, over midnight too.
            row.talk_ms = if random.u8(..20) == 0 { random.i64(HOUR..3 * HOUR) } else { random.i64(500..900_000) };
            row.hold_ms = if random.bool() { random.i64(0..60_000) } else { 0 };
            (row.agent, row.answered_ms) = (Some(agent), Some(left));
            row.ended_ms = left + row.talk_ms + row.hold_ms;
            row.ring_ms = wait_ms.min(5_000);
            row.outcome = [Outcome::Agent, Outcome::Agent, Outcome::Short, Outcome::TransferLost][random.usize(..4)];
            row.legs.push((agent, left - row.ring_ms, Some(left), row.ended_ms, row.talk_ms, "ANSWERED"));
            row.rating = (random.u8(..4) == 0).then(|| f64::from(random.u8(1..6)));
            if random.bool() {
                row.codes = vec!["DEAL_CLOSED", "FOLLOW_UP"][..random.usize(1..3)].to_vec();
            }
        }
        55..60 => (row.direction, row.queue) = (["outbound", "callback"][random.usize(..2)], None),
        60..62 => (row.direction, row.queue) = ("internal", None),
        62..75 => (row.status, row.outcome) = (Status::Cancel, Outcome::QueueAbandon),
        75..79 => (row.status, row.outcome) = (Status::Cancel, Outcome::ShortAbandon),
        79..83 => (row.status, row.outcome) = (Status::Cancel, Outcome::IvrLost),
        83..85 => (row.status, row.outcome) = (Status::Cancel, Outcome::EarlyAbandon),
        85..88 => (row.status, row.outcome) = (Status::OutOfTime, Outcome::HungUp),
        88..90 => (row.status, row.outcome) = (Status::Busy, Outcome::QueueFull),
        90..93 => (row.status, row.outcome) = (Status::NoAnswer, Outcome::RingTimeout),
        93..95 => row.outcome = Outcome::SelfService,
        95..97 => (row.status, row.outcome) = (Status::NotConnected, Outcome::Blocked),
        _ => (row.status, row.outcome) = (Status::Unknown, Outcome::Gap),
    }
    if matches!(row.outcome, Outcome::QueueAbandon | Outcome::QueueFull) && row.queue.is_none() {
        (row.queue, row.queue_wait_ms) = (Some("sales"), wait_ms);
    }
    if matches!(
        row.outcome,
        Outcome::IvrLost | Outcome::EarlyAbandon | Outcome::HungUp | Outcome::SelfService | Outcome::Blocked
    ) {
        (row.queue, row.queue_wait_ms) = (None, 0);
    }
    if row.outcome == Outcome::RingTimeout {
        (row.queue, row.queue_wait_ms, row.ring_ms) = (None, 0, wait_ms + 1);
        row.legs.push((agent, joined, None, left, 0, "NOANSWER"));
    }
    if row.direction != "inbound" {
        (row.agent, row.queue_wait_ms, row.talk_ms) = (Some(agent), 0, random.i64(1_000..300_000));
        row.answered_ms = Some(left);
        row.ended_ms = left + row.talk_ms;
        row.steps.clear();
    }
    if let Some(queue) = row.queue {
        let result = match (row.status, row.outcome) {
            (Status::Answer, _) => "CONNECTED",
            (_, Outcome::QueueAbandon | Outcome::ShortAbandon) => "ABANDONED",
            _ => "FULL",
        };
        row.visits.push((queue, joined, left, result));
        if random.u8(..4) == 0 {
            row.legs.push((
                AGENTS[random.usize(..4)],
                joined,
                None,
                left,
                0,
                ["NOANSWER", "REJECTED", "CANCELLED"][random.usize(..3)],
            ));
        }
    }
    if row.outcome.meaning().missed && random.u8(..3) > 0 {
        let by = ["callback", "customer", "agent"][random.usize(..3)];
        row.recovered = Some((by, row.ended_ms + random.i64(1_000..4 * HOUR)));
    }
    row
}

fn activities(random: &mut fastrand::Rng, agent: &'static str, from_ms: i64, end_ms: i64, out: &mut Centre) {
    let did = |activity, queue, reason, from_ms, to_ms| Did { agent, activity, queue, reason, from_ms, to_ms };
    let mut at = from_ms;
    while at < end_ms {
        let from = at + random.i64(0..5 * HOUR);
        let to = from + random.i64(HOUR..20 * HOUR);
        let lasts = to > out.seen_ms;
        out.agents.push(did("logged_in", "", "", from, (!lasts).then_some(to)));
        for (activity, queue, reasons) in [
            ("paused", "sales", ["lunch", "notes"]),
            ("paused", "support", ["notes", ""]),
            ("talking", "", ["", ""]),
            ("wrapup", "", ["", ""]),
        ] {
            let mut then = from;
            while then < to {
                let begins = then + random.i64(0..2 * HOUR);
                then = begins + random.i64(1_000..HOUR);
                // No end is later than what was seen, and what is of one kind does not overlap.
                let end = then.min(out.seen_ms).min(to);
                if begins < end {
                    out.agents.push(did(activity, queue, reasons[random.usize(..2)], begins, Some(end)));
                }
            }
        }
        if lasts {
            return;
        }
        at = to + 1;
    }
}

/// Puts it into a database, with calendar and thresholds.
pub fn store(centre: &Centre, path: &Path, calendar: &Calendar) {
    drop(Store::open(path).unwrap());
    let mut db = Connection::open(path).unwrap();
    let transaction = db.transaction().unwrap();
    let run = |sql: &str, values: &[&dyn rusqlite::ToSql]| {
        transaction.prepare_cached(sql).unwrap().execute(values).unwrap();
    };
    for row in &centre.rows {
        let (by, recovered_ms) = row.recovered.unzip();
        run(
            "INSERT INTO calls (id, pbx, linkedid, direction, status, outcome, number, number_e164, did, trunk, queue, agent, started_ms, answered_ms,
                                ended_ms, wait_ms, queue_wait_ms, ring_ms, talk_ms, hold_ms, hangup_by, transfers, voicemail, quality, why,
                                recovered_by, recovered_ms)
             VALUES (?1, 'pbx', ?1 || '.1', ?2, ?3, ?4, ?5, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, 'customer', 0, 0, 'full', '[]', ?18, ?19)",
            params![row.id, row.direction, row.status.as_str(), row.outcome.as_str(), row.number, row.did, row.trunk, row.queue, row.agent, row.started_ms,
                row.answered_ms, row.ended_ms, row.wait_ms, row.queue_wait_ms, row.ring_ms, row.talk_ms, row.hold_ms, by, recovered_ms],
        );
        for (n, (agent, from, answered, until, talk, result)) in (0_i64..).zip(&row.legs) {
            run(
                "INSERT INTO legs VALUES (?, ?, ?, ?, NULL, ?, ?, ?, ?, ?)",
                params![row.id, n, agent, agent, from, answered, until, talk, result],
            );
        }
        for (n, (queue, joined, left, result)) in (0_i64..).zip(&row.visits) {
            run(
                "INSERT INTO queue_visits VALUES (?, ?, ?, ?, ?, 1, ?)",
                params![row.id, n, queue, joined, left, result],
            );
        }
        for (n, (menu, key)) in (0_i64..).zip(&row.steps) {
            run("INSERT INTO ivr_steps VALUES (?, ?, ?, ?, ?)", params![row.id, n, menu, key, row.started_ms]);
        }
        for code in &row.codes {
            run("INSERT INTO tags VALUES (?, ?, '', 'Ann', 1, 'command')", params![row.id, code]);
        }
        if let Some(score) = row.rating {
            run("INSERT INTO ratings VALUES (?, '', ?, 1)", params![row.id, score]);
        }
    }
    for agent in AGENTS {
        run("INSERT INTO agents VALUES ('pbx', ?, 'Agent')", params![agent]);
    }
    for did in &centre.agents {
        run(
            "INSERT OR IGNORE INTO agent_intervals VALUES ('pbx', ?, ?, ?, ?, ?, ?)",
            params![did.agent, did.activity, did.queue, did.reason, did.from_ms, did.to_ms],
        );
    }
    run("INSERT INTO pbx_seen VALUES ('pbx', ?)", params![centre.seen_ms]);
    transaction.commit().unwrap();
    drop(db);
    Store::open(path).unwrap().keep_calendar(calendar).unwrap();
}

/// The first moment of a day.
pub fn midnight(day: &str, zone: &TimeZone) -> i64 {
    day.parse::<jiff::civil::Date>()
        .unwrap()
        .to_zoned(zone.clone())
        .unwrap()
        .start_of_day()
        .unwrap()
        .timestamp()
        .as_millisecond()
}
