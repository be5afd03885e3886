//! Callbacks as a table.

use crate::cli::plain::{clip, local, safe, table_width, terminal_width};
use crate::cli::target::Target;
use callbackd_core::model::CallbackRow;
use comfy_table::{CellAlignment, Table};

const HEADER: [&str; 9] = ["ID", "Missed", "Number", "Queue", "State", "Why", "Due", "Misses", "Tried"];

/// The columns of [`HEADER`] that hold quantities.
const RIGHT: [usize; 3] = [0, 7, 8];

const MISSED: usize = 1;
const QUEUE: usize = 3;
const WHY: usize = 5;
const MISSES: usize = 7;

/// The table, without a line break at its end; where there are several PBXs, which one is the last column.
pub(crate) fn table(rows: &[CallbackRow], several: bool, target: &Target) -> String {
    fitted(rows, several, target, terminal_width())
}

/// For a terminal of this width, columns. What does not fit gives way: space, ends of names, the year, how many misses there were and when the first was.
#[must_use]
pub fn fitted(callbacks: &[CallbackRow], several: bool, target: &Target, terminal: Option<usize>) -> String {
    let mut rows: Vec<[String; 9]> = callbacks.iter().map(|row| cells(row, target)).collect();
    let (mut header, mut gap, mut left_out) = (HEADER, 2, Vec::new());
    if let Some(width) = terminal {
        let pbx = callbacks.iter().map(|row| safe(&row.pbx).chars().count()).max().unwrap_or(0).max(3) + 2;
        let room = if several { width.saturating_sub(pbx) } else { width };
        if table_width(&header, &rows, gap) > room {
            gap = 1;
        }
        if table_width(&header, &rows, gap) > room {
            for (row, callback) in rows.iter_mut().zip(callbacks) {
                row[QUEUE] = clip(&row[QUEUE], 9);
                row[MISSED] = local(callback.first_missed_ms, &target.zone, "%m-%d %H:%M");
            }
        }
        for column in [MISSES, MISSED] {
            // A column without width still has its space.
            if table_width(&header, &rows, gap) > room + left_out.len() * usize::from(gap) {
                header[column] = "";
                rows.iter_mut().for_each(|row| row[column].clear());
                left_out.push(column);
            }
        }
        let over = table_width(&header, &rows, gap).saturating_sub(room + left_out.len() * usize::from(gap));
        if over > 0 {
            let longest = rows.iter().map(|row| row[WHY].chars().count()).max().unwrap_or(0);
            rows.iter_mut().for_each(|row| row[WHY] = clip(&row[WHY], longest.saturating_sub(over).max(5)));
        }
    }
    let kept = |n: &usize| !left_out.contains(n);
    let shown = |cells: [String; 9]| {
        cells.into_iter().enumerate().filter(|(n, _)| kept(n)).map(|(_, cell)| cell).collect::<Vec<String>>()
    };
    let mut table = Table::new();
    let last = |pbx: &str| several.then(|| safe(pbx));
    table
        .load_style(comfy_table::presets::NOTHING)
        .set_header(shown(header.map(str::to_owned)).into_iter().chain(last("PBX")));
    for (row, callback) in rows.into_iter().zip(callbacks) {
        table.add_row(shown(row).into_iter().chain(last(&callback.pbx)));
    }
    let places = (0..HEADER.len()).filter(kept).collect::<Vec<usize>>();
    for (n, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, gap));
        if places.get(n).is_some_and(|place| RIGHT.contains(place)) {
            column.set_cell_alignment(CellAlignment::Right);
        }
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
