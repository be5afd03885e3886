//! A channel, as its events show it.

/// `enum ast_channel_state` (`include/asterisk/channelstate.h`), as far as it occurs here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChannelState {
    /// Made, but nothing has happened yet.
    Down = 0,
    /// The caller's channel before it is answered.
    Ring = 4,
    /// The called phone rings.
    Ringing = 5,
    /// Answered.
    Up = 6,
}

impl ChannelState {
    /// `ast_state2str`.
    #[must_use]
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Down => "Down",
            Self::Ring => "Ring",
            Self::Ringing => "Ringing",
            Self::Up => "Up",
        }
    }
}

/// A channel of the pretend PBX.
#[derive(Debug, Clone)]
pub(crate) struct Channel {
    /// `PJSIP/101-00000001`
    pub(crate) name: String,
    /// What it does.
    pub(crate) state: ChannelState,
    /// Number and name; empty is unknown.
    pub(crate) caller: (String, String),
    /// Number and name of the other end; empty is unknown.
    pub(crate) connected: (String, String),
    /// Where it is in the dialplan.
    pub(crate) context: String,
    /// See `context`.
    pub(crate) exten: String,
    /// See `context`.
    pub(crate) priority: u32,
    /// `Uniqueid`.
    pub(crate) uniqueid: String,
    /// `Linkedid`.
    pub(crate) linkedid: String,
    /// The application that it runs, and its data.
    pub(crate) application: (String, String),
    /// Milliseconds since 1970 UTC.
    pub(crate) created_ms: i64,
}

impl Channel {
    /// The device of a channel: its name without the serial.
    #[must_use]
    pub(crate) fn device(&self) -> &str {
        self.name.rsplit_once('-').map_or(&self.name, |(device, _)| device)
    }
}
