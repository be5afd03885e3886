//! What signals mean to the daemon.

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
use signal_hook_tokio::Signals;
use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Exit code of a process that a second signal ended at once: 128 + SIGTERM, as a shell shows it.
const AT_ONCE: i32 = 143;

/// Those that are listened to. Without that the kernel would end the process for a file that grows beyond its limit (`RLIMIT_FSIZE`): to the
/// store it is a full disk.
pub(crate) fn listen() -> io::Result<Signals> {
    Signals::new([SIGHUP, SIGTERM, SIGINT, SIGXFSZ])
}

/// Arms the signals: once the flag that is returned is set, the next one ends the process without more ado.
pub(crate) fn second_ends_at_once() -> io::Result<Arc<AtomicBool>> {
    let stopping = Arc::new(AtomicBool::new(false));
    for signal in [SIGTERM, SIGINT] {
        signal_hook::flag::register_conditional_shutdown(signal, AT_ONCE, Arc::clone(&stopping))?;
    }
    Ok(stopping)
}
