//! A channel, as its events show it.

/// `enum ast_channel_state` (`include/asterisk/channelstate.h`), as far as it occurs here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChannelState {
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
    pub const fn as_str(self) -> &'static str {
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
pub struct Channel {
    /// `PJSIP/101-00000001`
    pub name: String,
    /// What it does.
    pub state: ChannelState,
    /// Number and name; empty is unknown.
    pub caller: (String, String),
    /// Number and name of the other end; empty is unknown.
    pub connected: (String, String),
    /// Where it is in the dialplan.
    pub context: String,
    /// See `context`.
    pub exten: String,
    /// See `context`.
    pub priority: u32,
    /// `Uniqueid`.
    pub uniqueid: String,
    /// `Linkedid`.
    pub linkedid: String,
    /// The application that it runs, and its data.
    pub application: (String, String),
    /// Milliseconds since 1970 UTC.
    pub created_ms: i64,
}

impl Channel {
    /// The device of a channel: its name without the serial.
    #[must_use]
    pub fn device(&self) -> &str {
        self.name.rsplit_once('-').map_or(&self.name, |(device, _)| device)
    }
}
