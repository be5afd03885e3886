//! `callbackd backup`: a copy of the database, while the daemon runs or not.

use super::failure::Failure;
use super::interrupted::Interrupted;
use super::plain::{json_line, size};
use super::progress::onlooker;
use super::target::{DatabaseArgs, enter};
use crate::ownership::directory;
use crate::store::Source;
use serde_json::json;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Copy the database while the daemon runs
#[derive(Debug, Clone, Default, clap::Args)]
#[command(after_help = "\
The copy is the database as it was at one moment. It is made under another name beside FILE (FILE.partial-PID), read from end to end, \
and then given its name, with mode 640; a daemon that runs goes on writing. A copy made with cp lacks what is in the write-ahead log.
To restore: systemctl stop callbackd, put the copy in the place of calls.db, remove calls.db-wal and calls.db-shm, and start it again.

Exit codes: 0 copied, 65 the database is damaged, 66 there is none, 73 FILE is there already or cannot be made, 74 the disk failed, 130 interrupted.

Examples:
  callbackd backup /backup/calls-$(date +%F).db
  callbackd backup --force /backup/calls.db
  callbackd check --db /backup/calls.db")]
pub struct BackupArgs {
    /// The copy
    #[arg(value_name = "FILE")]
    pub(crate) to: PathBuf,
    /// Replace FILE if it is there
    #[arg(long)]
    pub(crate) force: bool,
    /// Which.
    #[command(flatten)]
    pub database: DatabaseArgs,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Copies `db`.
///
/// # Errors
/// See [`Failure`].
pub fn run(args: &BackupArgs, db: &Path, out: &mut impl Write) -> Result<(), Failure> {
    let (bar, onlooker) = onlooker("reading the copy from end to end", Interrupted::listen()?);
    let source = Source::open(db)?;
    // What stands under the name is replaced, not written to: its directory decides.
    enter(directory(&args.to))?;
    let copied = source.copy_to(&args.to, args.force, &onlooker)?;
    bar.finish_and_clear();
    let (to, bytes, calls, callbacks) = (copied.path.display(), copied.bytes, copied.calls, copied.callbacks);
    if args.json {
        let report = json!({ "from": db, "to": copied.path, "bytes": bytes, "calls": calls, "callbacks": callbacks });
        json_line(&report, out)?;
    } else {
        let from = db.display();
        writeln!(
            out,
            "{from} copied to {to}: {}, {calls} calls, {callbacks} callbacks; the copy is sound",
            size(bytes)
        )?;
    }
    Ok(())
}
