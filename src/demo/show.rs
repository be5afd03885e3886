//! What came of a demo, as a person reads it.

use crate::store::{CallFilter, CallbackFilter, Error, Reader};
use callbackd_core::model::{CallbackState, Direction, Outcome, Status};
use comfy_table::{CellAlignment, Table};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;

/// What the database holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Customers' calls, by status and outcome.
    pub(crate) calls: BTreeMap<(Status, Outcome), u64>,
    /// Missed calls whose callers were won back, by whom.
    pub(crate) won_back: BTreeMap<String, u64>,
    /// Callbacks by state.
    pub(crate) callbacks: BTreeMap<String, u64>,
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
        let mut tally = Self::default();
        let inbound = CallFilter { direction: vec![Direction::Inbound], ..CallFilter::default() };
        reader.each_call(&inbound, |stored| {
            *tally.calls.entry((stored.call.status, stored.call.outcome)).or_default() += 1;
            if let Some((by, _)) = stored.recovered {
                *tally.won_back.entry(by.to_string()).or_default() += 1;
            }
            ControlFlow::Continue(())
        })?;
        for row in reader.callbacks(&CallbackFilter::default())? {
            *tally.callbacks.entry(row.state.to_string()).or_default() += 1;
            tally.open += u64::from(row.state.is_open());
        }
        Ok(tally)
    }

    /// Customers' calls.
    #[must_use]
    pub(crate) fn total(&self) -> u64 {
        self.calls.values().sum()
    }

    /// Those that nobody served, as the view `v_missed` counts them.
    #[must_use]
    pub(crate) fn missed(&self) -> u64 {
        self.calls.iter().filter(|((_, outcome), _)| outcome.meaning().missed).map(|(_, count)| count).sum()
    }

    /// Callbacks that were made and talked.
    #[must_use]
    pub(crate) fn called_back(&self) -> u64 {
        self.callbacks.get(CallbackState::Done.as_str()).copied().unwrap_or(0)
    }

    /// Two tables, with a line break at the end.
    #[must_use]
    pub(crate) fn table(&self) -> String {
        let calls =
            self.calls.iter().map(|((status, outcome), n)| [status.to_string(), outcome.to_string(), n.to_string()]);
        let callbacks = self.callbacks.iter().map(|(state, n)| [state.clone(), n.to_string()]);
        let won: Vec<String> = self.won_back.iter().map(|(by, n)| format!("{n} by {by}")).collect();
        let won = if won.is_empty() { "none".to_owned() } else { won.join(", ") };
        format!(
            "{}\n\n{}\n\n{} calls, {} missed; missed calls won back: {won}\n",
            table(["Calls", "Outcome", ""], calls),
            table(["Callbacks", ""], callbacks),
            self.total(),
            self.missed(),
        )
    }
}

fn table<const N: usize>(header: [&str; N], rows: impl Iterator<Item = [String; N]>) -> String {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING).set_header(header).add_rows(rows);
    for (n, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 3));
        if n + 1 == N {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.trim_fmt()
}
