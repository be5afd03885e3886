//! What `callbackd check --db` says of a database.

use super::report::{Finding, Hint, Report};
use crate::cli::plain::{local, size};
use crate::exit::Exit;
use crate::store::examine::examine;
use crate::store::{self, APPLICATION_ID, MAX_FAULTS, SCHEMA_VERSION, Verified};
use jiff::tz::TimeZone;
use std::path::Path;

/// Free pages that are worth to be given back: more than this part of the file, in percent, and more than so many bytes.
const MUCH_FREE: (u64, u64) = (30, 50_000_000);

/// Adds what is found.
pub(crate) fn look(read: Result<Verified, store::Error>, db: &Path, zone: &TimeZone, report: &mut Report<'_>) {
    report.section(&format!("Database {}", db.display()));
    let verified = match read {
        Ok(verified) => verified,
        Err(error) => {
            let finding = Finding::missing("database", error.to_string());
            report.refuse(Exit::from_code(error.exit_code()), &finding);
            if matches!(error, store::Error::Damaged { .. }) {
                report.hint(&hint(db, SCHEMA_VERSION));
            }
            return;
        }
    };
    let version = verified.version;
    report.add(&match verified.is_current() {
        true => Finding::ok("application", format!("callbackd, schema {version}")),
        false => Finding::warn(
            "application",
            format!("callbackd, schema {version}: the daemon of this version will migrate it"),
        ),
    });
    sound(&verified, report);
    report.add(&room(&verified));
    let calls = match verified.span_ms {
        None => "none".to_owned(),
        Some((oldest, newest)) => {
            let at = |ms| local(ms, zone, "%Y-%m-%d %H:%M:%S");
            format!("{}, the oldest of {}, the newest of {}", verified.calls, at(oldest), at(newest))
        }
    };
    report.add(&Finding::ok("calls", calls));
    let (callbacks, open) = verified.callbacks;
    report.add(&Finding::ok("callbacks", format!("{callbacks}, {open} of them open")));
    // Whether somebody uses it is a courtesy.
    if let Some(pid) = examine(db).ok().and_then(|examined| examined.in_use_by) {
        report.add(&Finding::ok("in use", format!("by the daemon, pid {pid}")));
    }
    if !verified.is_sound() {
        report.hint(&hint(db, version));
    }
}

/// The way back. `.dump` goes on behind what cannot be read, as `.recover` does, which not every `sqlite3` has.
fn hint(db: &Path, version: i32) -> Hint {
    let name = |suffix: &str| quoted(&format!("{}{suffix}", db.display()));
    let (db, saved, damaged, wal, shm) = (name(""), name(".saved"), name(".damaged"), name("-wal"), name("-shm"));
    let lines = format!(
        "systemctl stop callbackd\n# A copy that callbackd backup made is best: put it in the place of {db}. Without one, save what can be read:\n\
         sqlite3 {db} .dump | sed 's/^ROLLBACK;.*/COMMIT;/' | sqlite3 {saved}\n\
         sqlite3 {saved} 'PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {version}'\n\
         mv {db} {damaged} && rm -f {wal} {shm} && mv {saved} {db}\n\
         chown callbackd: {db} && chmod 640 {db}\nsystemctl start callbackd\n"
    );
    Hint { file: "a shell".to_owned(), lines }
}

/// As one word for a shell.
fn quoted(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-".contains(&byte);
    if text.bytes().all(plain) { text.to_owned() } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

fn sound(verified: &Verified, report: &mut Report<'_>) {
    if verified.faults.is_empty() {
        report.add(&Finding::ok("integrity", "every page, row and index is sound"));
    }
    for fault in &verified.faults {
        report.refuse(Exit::Data, &Finding::missing("integrity", fault.clone()));
    }
    if verified.faults.len() == MAX_FAULTS {
        report.add(&Finding::missing("integrity", "and perhaps more"));
    }
    if verified.orphans.is_empty() {
        report.add(&Finding::ok("references", "every row has its parent"));
    }
    for (table, rows) in &verified.orphans {
        report.refuse(
            Exit::Data,
            &Finding::missing("references", format!("{rows} rows of {table} have lost their parent")),
        );
    }
}

fn room(verified: &Verified) -> Finding {
    let (bytes, free) = (verified.pages * verified.page_bytes, verified.free_pages * verified.page_bytes);
    let text = format!("{} in {} pages, {} of them free", size(bytes), verified.pages, verified.free_pages);
    let text = match verified.log_bytes {
        0 => text,
        log => format!("{text}; write-ahead log {}", size(log)),
    };
    if free > MUCH_FREE.1 && free * 100 > bytes * MUCH_FREE.0 {
        return Finding::warn("size", format!("{text}: callbackd vacuum gives {} back", size(free)));
    }
    Finding::ok("size", text)
}
