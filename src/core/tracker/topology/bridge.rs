//! A bridge: where channels hear each other.

use crate::tracker::table::Slot;

/// A bridge of Asterisk.
#[derive(Debug)]
pub(crate) struct Bridge {
    /// `BridgeUniqueid`.
    pub uniqueid: Box<str>,
    /// Channels do not hear each other in it (parking lot, agent pool): `holding_bridge`.
    pub holding: bool,
    /// The channels in it.
    pub members: Vec<Slot>,
}
