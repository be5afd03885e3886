//! Which calls a command asks for, and the statement that finds them without reading all that is stored.

use super::questions::distinct_of;
use super::rows::SELECT_CALL;
use callbackd_core::millis::Millis;
use callbackd_core::model::{Direction, Outcome, Status};
use rusqlite::types::Value;

/// From so many digits on, a number is found by its end: fewer would find half of the table. The indices `calls_number_end`,
/// `calls_other_end` and `callbacks_number_end` hold as many.
pub(super) const SUFFIX_DIGITS: usize = 4;

/// A queue is entered and a phone rung after the call began. Clocks of two machines, and records in whole seconds, may see it the other way
/// round by this much at most, ms.
const BEFORE_ITS_CALL_MS: Millis = 86_400_000;

/// Which calls. An empty list or `None` means "any"; all that is given must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CallFilter {
    /// Started at this moment or later, milliseconds since 1970 UTC.
    pub since_ms: Option<Millis>,
    /// Started before this moment, milliseconds since 1970 UTC.
    pub until_ms: Option<Millis>,
    /// Any of these; all if empty.
    pub status: Vec<Status>,
    /// Any of these; all if empty.
    pub outcome: Vec<Outcome>,
    /// Any of these; all if empty.
    pub direction: Vec<Direction>,
    /// The other party's number, as received or in E.164: the whole of it, or, if at least 4 digits are given, the end of it.
    pub number: Option<String>,
    /// A person who talked with the customer: the interface (`PJSIP/101`) or what follows its technology (`101`).
    pub agent: Option<String>,
    /// A queue that the caller was in, to the letter.
    pub queue: Option<String>,
    /// Of the PBX of this name.
    pub pbx: Option<String>,
    /// The number that the customer dialled, to the letter.
    pub did: Option<String>,
    /// Of this trunk, to the letter.
    pub trunk: Option<String>,
    /// With this disposition.
    pub tag: Option<String>,
    /// Behind this one in the list: start (ms since 1970 UTC) and row id of a call.
    pub behind: Option<(Millis, i64)>,
    /// At most so many.
    pub limit: Option<u64>,
}

/// A statement that grows.
#[derive(Default)]
struct Conditions {
    sql: Vec<String>,
    values: Vec<Value>,
}

impl Conditions {
    fn add(&mut self, sql: impl Into<String>, values: impl IntoIterator<Item = Value>) {
        self.sql.push(sql.into());
        self.values.extend(values);
    }

    fn text(&self) -> String {
        self.sql.join(" AND ")
    }
}

impl CallFilter {
    /// There is more to a call than when it was.
    pub(super) fn chooses(&self) -> bool {
        let words = [self.status.is_empty(), self.outcome.is_empty(), self.direction.is_empty()];
        let texts = [&self.number, &self.agent, &self.queue, &self.pbx, &self.did, &self.trunk, &self.tag];
        words.contains(&false) || texts.into_iter().any(Option::is_some)
    }

    /// The statement and the values of its parameters.
    ///
    /// What few calls have is found first (`id IN (…)`, by an index of its own), never asked of every call: SQLite's planner, which knows
    /// nothing of the figures before it has analysed them, takes a wrong index for an `EXISTS`.
    pub(super) fn sql(&self) -> (String, Vec<Value>) {
        let mut all = Conditions::default();
        self.span("started_ms", 0, &mut all);
        for (column, words) in [
            ("status", words(&self.status, Status::as_str)),
            ("outcome", words(&self.outcome, Outcome::as_str)),
            ("direction", words(&self.direction, Direction::as_str)),
        ] {
            if !words.is_empty() {
                all.add(format!("{column} IN ({})", places(words.len())), words);
            }
        }
        if let Some(pbx) = &self.pbx {
            // Those of a PBX in the order of time, unless fewer calls are found first: `+` keeps the planner from asking that of all of the PBX.
            let found_first = [&self.number, &self.agent, &self.queue, &self.tag].into_iter().any(Option::is_some);
            all.add(if found_first { "+pbx = ?" } else { "pbx = ?" }, [pbx.clone().into()]);
        }
        if let Some(number) = &self.number {
            of_number(number, &mut all);
        }
        if let Some(agent) = &self.agent {
            self.of_agent(agent, &mut all);
        }
        if let Some(queue) = &self.queue {
            self.of_queue(queue, &mut all);
        }
        for (column, wanted) in [("did", &self.did), ("+trunk", &self.trunk)] {
            if let Some(wanted) = wanted {
                all.add(format!("{column} = ?"), [wanted.clone().into()]);
            }
        }
        if let Some(tag) = &self.tag {
            all.add("id IN (SELECT call_id FROM tags WHERE code = ?)", [tag.clone().into()]);
        }
        if let Some((started_ms, id)) = self.behind {
            all.add(
                "started_ms <= ? AND (started_ms < ? OR id < ?)",
                [started_ms.into(), started_ms.into(), id.into()],
            );
        }
        let (mut sql, mut values) = (SELECT_CALL.clone(), all.values.clone());
        if !all.sql.is_empty() {
            sql.push_str(" WHERE ");
            sql.push_str(&all.text());
        }
        sql.push_str(" ORDER BY started_ms DESC, id DESC");
        if let Some(limit) = self.limit {
            sql.push_str(" LIMIT ?");
            values.push(i64::try_from(limit).unwrap_or(i64::MAX).into());
        }
        (sql, values)
    }

    /// The span of time, of a column that may be earlier than the call by so much.
    fn span(&self, column: &str, earlier_ms: Millis, to: &mut Conditions) {
        if let Some(since) = self.since_ms {
            to.add(format!("{column} >= ?"), [since.saturating_sub(earlier_ms).into()]);
        }
        if let (Some(until), 0) = (self.until_ms, earlier_ms) {
            to.add(format!("{column} < ?"), [until.into()]);
        }
    }

    fn of_agent(&self, agent: &str, to: &mut Conditions) {
        let mut talked = Conditions::default();
        talked.add(format!("agent IN ({})", interfaces("calls")), [agent.to_owned().into()]);
        self.span("started_ms", 0, &mut talked);
        let mut legs = Conditions::default();
        legs.add(format!("agent IN ({})", interfaces("legs")), [agent.to_owned().into()]);
        self.span("started_ms", BEFORE_ITS_CALL_MS, &mut legs);
        let sql = format!(
            "id IN (SELECT id FROM calls WHERE {} UNION ALL SELECT call_id FROM legs WHERE result = 'ANSWERED' AND {})",
            talked.text(),
            legs.text()
        );
        to.add(sql, talked.values.into_iter().chain(legs.values));
    }

    fn of_queue(&self, queue: &str, to: &mut Conditions) {
        let mut last = Conditions::default();
        last.add("queue = ?", [queue.to_owned().into()]);
        self.span("started_ms", 0, &mut last);
        let mut visits = Conditions::default();
        visits.add("queue = ?", [queue.to_owned().into()]);
        self.span("joined_ms", BEFORE_ITS_CALL_MS, &mut visits);
        let sql = format!(
            "id IN (SELECT id FROM calls WHERE {} UNION ALL SELECT call_id FROM queue_visits WHERE {})",
            last.text(),
            visits.text()
        );
        to.add(sql, last.values.into_iter().chain(visits.values));
    }
}

/// The interfaces in the column `agent` of a table whose whole, or what follows the technology, is the parameter.
fn interfaces(table: &str) -> String {
    format!(
        "{} SELECT value FROM distinct_of, (SELECT ? AS wanted) WHERE wanted IN (value, substr(value, instr(value, '/') + 1))",
        distinct_of(table, "agent")
    )
}

/// Rows are found by the last characters of either form, and looked at then.
fn of_number(number: &str, to: &mut Conditions) {
    let (ends, end) = number_ends(number);
    let places = places(ends.len());
    // `calls_number_end` has each row once, under the last characters of one of its forms; where the other form ends differently, that one
    // is in `calls_other_end`.
    to.add(
        format!(
            "id IN (SELECT id FROM calls WHERE substr(coalesce(number_e164, number), -4) IN ({places}) UNION ALL
                    SELECT id FROM calls WHERE substr(number, -4) <> substr(number_e164, -4) AND substr(number, -4) IN ({places}))"
        ),
        ends.iter().chain(&ends).cloned(),
    );
    let exact: Value = number.to_owned().into();
    match end {
        Some(end) => to.add(
            "(number = ? OR number_e164 = ? OR number LIKE ? OR number_e164 LIKE ?)",
            [exact.clone(), exact, end.clone(), end],
        ),
        None => to.add("(number = ? OR number_e164 = ?)", [exact.clone(), exact]),
    }
}

/// The last characters that a number looked for can have, as the indices hold them, and the pattern of its end, if it has digits enough.
pub(super) fn number_ends(number: &str) -> (Vec<Value>, Option<Value>) {
    let last = |text: &str| {
        let skip = text.chars().count().saturating_sub(SUFFIX_DIGITS);
        Value::from(text.chars().skip(skip).collect::<String>())
    };
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    if digits.len() < SUFFIX_DIGITS {
        return (vec![last(number)], None);
    }
    (vec![last(number), last(&digits)], Some(format!("%{digits}").into()))
}

pub(super) fn places(count: usize) -> String {
    vec!["?"; count].join(", ")
}

fn words<T: Copy>(words: &[T], text: fn(T) -> &'static str) -> Vec<Value> {
    words.iter().map(|&word| Value::from(text(word).to_owned())).collect()
}
