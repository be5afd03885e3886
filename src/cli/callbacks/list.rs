//! Callbacks as a table.

use crate::cli::plain::{clip, local, safe};
use crate::cli::target::Target;
use callbackd_core::model::CallbackRow;
use comfy_table::{CellAlignment, Table};

const HEADER: [&str; 9] = ["ID", "Missed", "Number", "Queue", "State", "Why", "Due", "Misses", "Tried"];

/// The table, without a line break at its end; where there are several PBXs, which one is the last column.
pub(crate) fn table(rows: &[CallbackRow], several: bool, target: &Target) -> String {
    let mut table = Table::new();
    let last = |pbx: &str| several.then(|| safe(pbx));
    table
        .load_style(comfy_table::presets::NOTHING)
        .set_header(HEADER.map(str::to_owned).into_iter().chain(last("PBX")));
    for row in rows {
        table.add_row(cells(row, target).into_iter().chain(last(&row.pbx)));
    }
    for (n, align) in [(0, CellAlignment::Right), (7, CellAlignment::Right), (8, CellAlignment::Right)] {
        if let Some(column) = table.column_mut(n) {
            column.set_cell_alignment(align);
        }
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table.trim_fmt()
}

/// A weekday says enough of a week ahead; what lies further has its date.
fn due_at(due_ms: i64, target: &Target) -> String {
    const WEEK_MS: i64 = 6 * 86_400_000;
    let far = due_ms - target.now_ms() > WEEK_MS;
    local(due_ms, &target.zone, if far { "%Y-%m-%d %H:%M" } else { "%a %H:%M:%S" })
}

fn cells(row: &CallbackRow, target: &Target) -> [String; 9] {
    let requested = if row.requested { " (requested)" } else { "" };
    let due = if row.closed_ms.is_some() {
        "-".to_owned()
    } else if row.due_ms <= target.now_ms() {
        "now".to_owned()
    } else {
        due_at(row.due_ms, target)
    };
    [
        row.id.to_string(),
        local(row.first_missed_ms, &target.zone, "%Y-%m-%d %H:%M"),
        row.number_e164.as_deref().map_or_else(|| "-".to_owned(), safe),
        row.queue.as_deref().map_or_else(|| "-".to_owned(), |queue| clip(&safe(queue), 20)),
        row.state.to_string(),
        format!("{}{requested}", if row.reason.is_empty() { "-".to_owned() } else { clip(&safe(&row.reason), 24) }),
        due,
        row.missed_count.to_string(),
        row.attempts.to_string(),
    ]
}
