//! A time in which events were not seen.

use super::{PbxId, text_enum};
use crate::millis::Millis;
use serde::Serialize;

text_enum! {
    /// Why events were not seen.
    GapCause {
        /// The daemon was not running.
        DaemonDown = "daemon_down",
        /// The AMI connection was lost, Asterisk ran on.
        LinkLost = "link_lost",
        /// Asterisk itself restarted.
        PbxRestart = "pbx_restart",
        /// AMI event queue overflowed.
        Overload = "overload",
    }
}

/// A time in which events were not seen.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Gap {
    /// The PBX whose events were not seen.
    pub pbx: PbxId,
    /// The last moment known to be seen.
    pub from_ms: Millis,
    /// The first moment seen again.
    pub to_ms: Millis,
    /// Why they were not seen.
    pub cause: GapCause,
    /// Calls that were in progress and whose end was not seen.
    pub calls_lost: u32,
}
