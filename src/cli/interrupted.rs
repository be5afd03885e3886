//! Ctrl-C and SIGTERM in the middle of a long command: it ends where what it has done is whole.

use crate::exit::Exit;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether somebody has asked for the end.
#[derive(Debug, Clone, Default)]
pub(crate) struct Interrupted(Arc<AtomicBool>);

impl Interrupted {
    /// From now on a signal is heard here; a second one ends the process at once.
    ///
    /// # Errors
    /// The system refuses to listen.
    pub(crate) fn listen() -> io::Result<Self> {
        let asked = Self::default();
        for signal in [SIGINT, SIGTERM] {
            // In this order: the first signal finds the flag unset.
            flag::register_conditional_shutdown(signal, Exit::Interrupted.code().into(), Arc::clone(&asked.0))?;
            flag::register(signal, Arc::clone(&asked.0))?;
        }
        Ok(asked)
    }

    /// This signal ends it, too.
    ///
    /// # Errors
    /// The system refuses to listen.
    pub(crate) fn also_by(&self, signal: i32) -> io::Result<()> {
        flag::register(signal, Arc::clone(&self.0)).map(drop)
    }

    /// What a signal sets.
    pub(crate) fn flag(&self) -> &AtomicBool {
        &self.0
    }

    pub(crate) fn is_asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
