//! What the decoder makes of a stream, and what it counts.

use crate::ami::excerpt::excerpt;
use crate::ami::frame::{Frame, text};
use crate::ami::length::{CHANNEL_NAME, cut};
use crate::ami::refusal::{FrameError, Refusal};

/// One thing that the stream held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Received {
    /// The greeting, with the protocol's version (`11.0.0`: not Asterisk's own).
    Banner(String),
    /// A whole frame that somebody needs.
    Frame(Frame),
    /// A frame that was thrown away whole; the stream goes on behind it.
    Discarded(FrameError),
}

/// What went through a decoder.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// Bytes taken from the stream.
    pub bytes: u64,
    /// Frames handed on since the start.
    pub frames: u64,
    /// Events that nobody needs.
    pub skipped: u64,
    /// Events that were recognised by the layout of one before them, without a look at each name.
    pub recognised: u64,
    pub(crate) discarded: [u64; Refusal::ALL.len()],
}

impl Counters {
    /// Frames thrown away for this reason.
    pub fn discarded(&self, refusal: Refusal) -> u64 {
        self.discarded[refusal as usize]
    }

    /// Frames thrown away for any reason.
    pub fn discarded_total(&self) -> u64 {
        self.discarded.iter().sum()
    }
}

impl Received {
    /// The same, with the channel that the discarded frame names. `front`: no caller can have written its beginning.
    pub(crate) fn about(self, frame: &[u8], front: bool) -> Self {
        let Self::Discarded(mut error) = self else { return self };
        if let Some(at) = memchr::memmem::find(frame, b"Channel: ") {
            let name = &frame[at + b"Channel: ".len()..];
            let name = &name[..memchr::memchr2(b'\r', b'\n', name).unwrap_or(name.len())];
            error.channel = excerpt(name);
            error.of_channel = front.then(|| text(cut(name, CHANNEL_NAME)).into());
        }
        Self::Discarded(error)
    }

    /// The same, of the channel of this name.
    pub(crate) fn of(mut self, name: Option<&[u8]>) -> Self {
        if let (Self::Discarded(error), Some(name)) = (&mut self, name) {
            error.of_channel = Some(text(cut(name, CHANNEL_NAME)).into());
        }
        self
    }
}
