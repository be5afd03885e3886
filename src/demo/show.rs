//! What came of a demo, as a person reads it.

use crate::store::{CallFilter, CallbackFilter, Error, Reader};
use callbackd_core::model::{CallbackState, Direction, Outcome, PbxId, Status};
use comfy_table::{CellAlignment, Table};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::path::Path;

/// What the database holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Customers' calls, by PBX, status and outcome.
    pub(crate) calls: BTreeMap<(PbxId, Status, Outcome), u64>,
    /// Those that were in progress when the daemon ended, by PBX: nobody saw how they went on.
    pub(crate) in_progress: BTreeMap<PbxId, u64>,
    /// Calls by which customers were called back.
    pub(crate) calls_of_callbacks: u64,
    /// Missed calls whose callers were won back, by whom.
    pub(crate) won_back: BTreeMap<String, u64>,
    /// Callbacks by PBX and state.
    pub(crate) callbacks: BTreeMap<(PbxId, CallbackState), u64>,
    /// Of them open.
    pub(crate) open: u64,
}

impl Tally {
    /// Counts what is stored.
    ///
    /// # Errors
    /// The database cannot be read.
    pub(crate) fn of(db: &Path) -> Result<Self, Error> {
        let reader = Reader::open(db)?;
        let (mut tally, seen) = (Self::default(), reader.last_seen()?);
        let direction = vec![Direction::Inbound, Direction::Callback];
        reader.each_call(&CallFilter { direction, ..CallFilter::default() }, |stored| {
            let call = stored.call;
            if call.direction == Direction::Callback {
                tally.calls_of_callbacks += 1;
                return ControlFlow::Continue(());
            }
            // As of when the daemon ended, which is the last that it saw.
            let at_the_end = seen.get(call.pbx.as_str()).is_some_and(|seen_ms| call.ended_ms >= *seen_ms);
            if call.outcome == Outcome::Gap && at_the_end {
                *tally.in_progress.entry(call.pbx).or_default() += 1;
                return ControlFlow::Continue(());
            }
            *tally.calls.entry((call.pbx, call.status, call.outcome)).or_default() += 1;
            if let Some((by, _)) = stored.recovered {
                *tally.won_back.entry(by.to_string()).or_default() += 1;
            }
            ControlFlow::Continue(())
        })?;
        for row in reader.callbacks(&CallbackFilter::default())? {
            tally.open += u64::from(row.state.is_open());
            *tally.callbacks.entry((row.pbx, row.state)).or_default() += 1;
        }
        Ok(tally)
    }

    /// Customers' calls.
    #[must_use]
    pub(crate) fn total(&self) -> u64 {
        self.calls.values().chain(self.in_progress.values()).sum()
    }

    /// Those that nobody served, as the view `v_missed` counts them.
    #[must_use]
    pub(crate) fn missed(&self) -> u64 {
        self.calls.iter().filter(|((.., outcome), _)| outcome.meaning().missed).map(|(_, count)| count).sum()
    }

    /// Callbacks that were made and talked.
    #[must_use]
    pub(crate) fn called_back(&self) -> u64 {
        self.callbacks.iter().filter(|((_, state), _)| *state == CallbackState::Done).map(|(_, count)| count).sum()
    }

    /// Two tables and what they leave out, with a line break at the end; where there are several PBXs, each has its lines.
    #[must_use]
    pub(crate) fn table(&self) -> String {
        let pbxs = self.calls.keys().map(|(pbx, ..)| pbx).chain(self.in_progress.keys());
        let several = pbxs.chain(self.callbacks.keys().map(|(pbx, _)| pbx)).collect::<BTreeSet<_>>().len() > 1;
        let first = |pbx: &str| several.then(|| pbx.to_owned());
        let calls = self.calls.iter().map(|((pbx, status, outcome), n)| {
            first(pbx).into_iter().chain([status.to_string(), outcome.to_string(), n.to_string()]).collect()
        });
        let in_progress = self.in_progress.iter().map(|(pbx, n)| {
            first(pbx).into_iter().chain(["(in progress)".to_owned(), String::new(), n.to_string()]).collect()
        });
        let callbacks = self
            .callbacks
            .iter()
            .map(|((pbx, state), n)| first(pbx).into_iter().chain([state.to_string(), n.to_string()]).collect());
        let header = |names: &[&str]| first("PBX").into_iter().chain(names.iter().map(|n| (*n).to_owned())).collect();
        let mut more = String::new();
        if !self.in_progress.is_empty() {
            let n: u64 = self.in_progress.values().sum();
            more.push_str(&format!("Calls in progress when the demo ended, whose end nobody saw: {n}\n"));
        }
        if self.calls_of_callbacks > 0 {
            more.push_str(&format!("Callback calls (direction cb), not counted above: {}\n", self.calls_of_callbacks));
        }
        if self.open > 0 {
            more.push_str(&format!("Callbacks still open when the demo ended: {}\n", self.open));
        }
        let won: Vec<String> = self.won_back.iter().map(|(by, n)| format!("{n} by {by}")).collect();
        let won = if won.is_empty() { "none".to_owned() } else { won.join(", ") };
        format!(
            "{}\n\n{}\n\n{} calls, {} missed; missed calls won back: {won}\n{more}",
            table(header(&["Calls", "Outcome", ""]), calls.chain(in_progress)),
            table(header(&["Callbacks", ""]), callbacks),
            self.total(),
            self.missed(),
        )
    }
}

fn table(header: Vec<String>, rows: impl Iterator<Item = Vec<String>>) -> String {
    let (mut table, columns) = (Table::new(), header.len());
    table.load_style(comfy_table::presets::NOTHING).set_header(header).add_rows(rows);
    for (n, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 3));
        if n + 1 == columns {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.trim_fmt()
}
