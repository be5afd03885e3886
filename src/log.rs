//! The log: lines for the journal or a terminal, masked numbers, escaped wire text, and a limit on what strangers can provoke.
//!
//! Modules log with `tracing` and name themselves as the target: `info!(target: "call", call = %id, wait_s = 37, "Call ended")`
//! becomes `call: Call ended, call=pbx-1755850000.118 wait_s=37`.

mod limit;
mod line;
mod wire;

pub use limit::RateLimit;
pub(crate) use line::with_causes;
pub use wire::{Masked, Remark, Wire, WireBytes};

use crate::config::{self, LogFormat};
use line::Look;
use std::io::Write;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tracing::{Event, Subscriber};
use tracing_subscriber::filter::{ParseError, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::{Registry, reload};

/// What stands before a line.
#[derive(Debug, Clone, Copy)]
pub enum Front {
    /// `<6>`: the journal takes the priority from it and adds the time itself (`sd-daemon(3)`).
    Journal,
    /// Local time and level, for a person.
    Terminal {
        /// With ANSI colours.
        color: bool,
        /// The clock.
        now: fn() -> jiff::Zoned,
    },
}

/// Changes a running log.
#[derive(Debug, Clone)]
pub struct Reload {
    filter: reload::Handle<Targets, Registry>,
    json: Arc<AtomicBool>,
}

impl Reload {
    /// Takes over level and format.
    ///
    /// # Errors
    /// If the level is not a filter; then nothing changes. [`config::Config::load`] refuses such a level.
    pub fn apply(&self, log: &config::Log) -> Result<(), ParseError> {
        let filter = log.level.parse::<Targets>()?;
        self.json.store(log.format == LogFormat::Json, Ordering::Relaxed);
        // Fails only when the subscriber is gone, and then nobody logs.
        let _ = self.filter.reload(filter);
        Ok(())
    }
}

/// Sends the process's log to stderr.
///
/// # Errors
/// If the level is not a filter. [`config::Config::load`] refuses such a level.
pub(crate) fn init(log: &config::Log, under_systemd: bool) -> Result<Reload, ParseError> {
    let color = anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never;
    let front = if under_systemd { Front::Journal } else { Front::Terminal { color, now: local_time } };
    let (subscriber, reload) = subscriber(log, front, std::io::stderr)?;
    // Fails only when a log was set before: tests that share a process keep the first.
    let _ = tracing::subscriber::set_global_default(subscriber);
    Ok(reload)
}

/// Whether stderr is the journal's (`JOURNAL_STREAM` of systemd.exec(5)). A service whose stderr was sent elsewhere is not.
#[must_use]
pub(crate) fn stderr_is_the_journal() -> bool {
    let Some(stream) = std::env::var("JOURNAL_STREAM").ok() else { return false };
    let meta = std::io::stderr().as_fd().try_clone_to_owned().and_then(|fd| std::fs::File::from(fd).metadata());
    meta.is_ok_and(|m| stream == format!("{}:{}", m.dev(), m.ino()))
}

/// A log into any writer, one `write` for each line.
///
/// # Errors
/// If the level is not a filter.
pub fn subscriber<W>(
    log: &config::Log,
    front: Front,
    writer: W,
) -> Result<(impl Subscriber + Send + Sync, Reload), ParseError>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let (filter, handle) = reload::Layer::new(log.level.parse::<Targets>()?);
    let json = Arc::new(AtomicBool::new(log.format == LogFormat::Json));
    let lines = Lines { front, json: Arc::clone(&json), writer };
    Ok((tracing_subscriber::registry().with(filter).with(lines), Reload { filter: handle, json }))
}

#[allow(clippy::disallowed_methods)] // the log's own time stamps
fn local_time() -> jiff::Zoned {
    jiff::Zoned::now()
}

struct Lines<W> {
    front: Front,
    json: Arc<AtomicBool>,
    writer: W,
}

impl<S, W> Layer<S> for Lines<W>
where
    S: Subscriber,
    W: for<'w> MakeWriter<'w> + 'static,
{
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let look = if self.json.load(Ordering::Relaxed) { Look::Json } else { Look::Text };
        let line = line::draw(event, self.front, look);
        // Where the log cannot be written there is no other place to report it.
        let _ = self.writer.make_writer_for(event.metadata()).write_all(line.as_bytes());
    }
}
