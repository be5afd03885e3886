//! What changes again within one transaction: only its last form is written.

use callbackd_core::millis::Millis;
use callbackd_core::model::Record;
use foldhash::fast::RandomState;
use std::collections::HashSet;

/// What is written again and again under one key, and has no history of its own.
#[derive(Debug, PartialEq, Eq, Hash)]
enum Changing<'r> {
    /// A call in progress, by PBX and linkedid.
    Call(&'r str, &'r str),
    /// An agent's interval: first without an end, then with it.
    Interval(&'r str, &'r str, &'r str, &'r str, Millis),
    /// Until when events of a PBX were seen.
    Seen(&'r str),
}

/// Those of the records of one transaction that are written, in order: without those whose row a later one of them replaces as a whole, or
/// removes. What `is_news` stays: the change feed records each of its forms.
pub(super) fn last_forms<'r>(
    records: impl Iterator<Item = &'r Record>,
    is_news: impl Fn(&Record) -> bool,
) -> Vec<&'r Record> {
    let mut written: Vec<&Record> = records.collect();
    // A record alone, the usual case at a quiet hour, has no later form.
    if written.len() < 2 {
        return written;
    }
    let mut later: HashSet<_, RandomState> = HashSet::default();
    written.reverse();
    written.retain(|record| match changing(record) {
        // The end of a call removes its row, which an earlier run, or an earlier transaction, may have written.
        Some(key) if removes(record) => {
            later.insert(key);
            true
        }
        Some(_) if is_news(record) => true,
        Some(key) => later.insert(key),
        None => true,
    });
    written.reverse();
    written
}

fn removes(record: &Record) -> bool {
    matches!(record, Record::Call(_) | Record::NotInProgress { .. })
}

fn changing(record: &Record) -> Option<Changing<'_>> {
    Some(match record {
        Record::InProgress(call) => Changing::Call(call.pbx.as_str(), &call.linkedid),
        Record::Call(call) => Changing::Call(call.pbx.as_str(), &call.linkedid),
        Record::NotInProgress { pbx, linkedid } => Changing::Call(pbx.as_str(), linkedid),
        Record::Interval(interval) => Changing::Interval(
            interval.pbx.as_str(),
            &interval.agent,
            interval.activity.as_str(),
            &interval.queue,
            interval.from_ms,
        ),
        Record::Seen { pbx, .. } => Changing::Seen(pbx.as_str()),
        _ => return None,
    })
}
