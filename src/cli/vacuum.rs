//! `callbackd vacuum`: gives the space of removed rows back to the disk.

use super::failure::Failure;
use super::interrupted::Interrupted;
use super::plain::{json_line, size};
use super::progress::onlooker;
use super::target::{DatabaseArgs, enter};
use crate::store;
use serde_json::json;
use std::io::Write;
use std::path::Path;

/// Compact the database while the daemon does not run
#[derive(Debug, Clone, Default, clap::Args)]
#[command(after_help = "\
Rarely worth it: the room of rows that store.keep removes is used again by new ones. callbackd check --db says how much is free.
The database is written anew, which needs as much room again as it has, beside it and in SQLITE_TMPDIR or /var/tmp.

Exit codes: 0 done, 65 the database is damaged, 66 there is none, 74 the disk is full or failed, 75 the daemon runs, 130 interrupted.

Examples:
  systemctl stop callbackd && callbackd vacuum; systemctl start callbackd")]
pub struct VacuumArgs {
    /// Which.
    #[command(flatten)]
    pub database: DatabaseArgs,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Compacts `db`.
///
/// # Errors
/// See [`Failure`].
pub fn run(args: &VacuumArgs, db: &Path, out: &mut impl Write) -> Result<(), Failure> {
    enter(db)?;
    let (bar, onlooker) = onlooker("writing the database anew", Interrupted::listen()?);
    let done = store::vacuum(db, &onlooker)?;
    bar.finish_and_clear();
    if args.json {
        json_line(&json!({ "db": done.path, "before": done.before, "after": done.after }), out)?;
    } else {
        writeln!(out, "{}: {} before, {} now", done.path.display(), size(done.before), size(done.after))?;
    }
    Ok(())
}
