//! Messages to systemd: READY, STATUS, RELOADING, STOPPING, WATCHDOG (sd_notify(3)). Without systemd they go nowhere.

use sd_notify::NotifyState;
use std::time::Duration;

/// The status line is worked out at most this often (ms): a busy hour is no reason to write to systemd for every call.
const STATUS_EVERY_MS: u64 = 1_000;

/// The service manager, if there is one.
#[derive(Debug)]
pub(crate) struct ServiceManager {
    ready: bool,
    status: String,
    /// When the status may be worked out again, by the monotonic clock.
    status_due: u64,
    /// Something has happened since it was worked out.
    status_stale: bool,
}

impl Default for ServiceManager {
    fn default() -> Self {
        Self { ready: false, status: String::new(), status_due: 0, status_stale: true }
    }
}

impl ServiceManager {
    /// Something has happened. Returns whether the status is to be worked out now.
    pub(crate) fn status_is_due(&mut self, now_mono_ms: u64) -> bool {
        self.status_stale = now_mono_ms < self.status_due;
        if !self.status_stale {
            self.status_due = now_mono_ms + STATUS_EVERY_MS;
        }
        !self.status_stale
    }

    /// When the status is to be worked out without anything else happening, by the monotonic clock.
    #[must_use]
    pub(crate) fn deadline(&self) -> Option<u64> {
        self.status_stale.then_some(self.status_due)
    }

    /// The daemon does its work, or has found out why it cannot yet. Said once.
    pub(crate) fn ready(&mut self) {
        if !std::mem::replace(&mut self.ready, true) {
            tell(&[NotifyState::Ready]);
        }
    }

    /// What `systemctl status` shows. Said when it changes.
    pub(crate) fn status(&mut self, text: String) {
        if text != self.status {
            tell(&[NotifyState::Status(&text)]);
            self.status = text;
        }
    }

    /// The configuration is read anew. One datagram with the clock, as `Type=notify-reload` wants it.
    pub(crate) fn reloading(&mut self) {
        match NotifyState::monotonic_usec_now() {
            Ok(now) => tell(&[NotifyState::Reloading, now]),
            Err(_) => tell(&[NotifyState::Reloading]),
        }
    }

    /// The configuration is in force.
    pub(crate) fn reloaded(&mut self) {
        tell(&[NotifyState::Ready]);
    }

    /// The daemon is about to end.
    pub(crate) fn stopping(&mut self) {
        tell(&[NotifyState::Stopping]);
    }

    /// Tells the watchdog that the loop still turns.
    pub(crate) fn alive(&self) {
        tell(&[NotifyState::Watchdog]);
    }

    /// How often to say so: half of the unit's `WatchdogSec`; `None` without a watchdog.
    #[must_use]
    pub(crate) fn watchdog_period() -> Option<Duration> {
        sd_notify::watchdog_enabled().map(|limit| limit / 2)
    }
}

/// A service manager that does not listen is no reason to stop: the daemon also runs by hand.
fn tell(state: &[NotifyState<'_>]) {
    if let Err(err) = sd_notify::notify(state) {
        tracing::debug!(target: "systemd", %err, "Could not tell the service manager");
    }
}
