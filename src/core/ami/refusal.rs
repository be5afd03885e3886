//! Why a frame was thrown away.

use crate::ami::decoder::{MAX_FRAME, MAX_HEADERS, MAX_LINE};

/// Why a frame was thrown away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Longer than [`MAX_FRAME`] bytes.
    FrameTooLong,
    /// A line over [`MAX_LINE`].
    LineTooLong,
    /// More headers than [`MAX_HEADERS`].
    TooManyHeaders,
    /// A line without a colon, or with nothing before it.
    NotAHeader,
    /// A NUL byte: Asterisk's texts end at NUL, so it cannot have sent one.
    Nul,
    /// The first line is neither `Event` nor `Response`: the rear part of a frame that a line break in a value tore.
    Headless,
    /// A header that occurs once in a frame stands there twice: a line break in a value forged one of them.
    Forged,
    /// The stream ended inside the frame.
    CutShort,
    /// An event without all the headers that Asterisk writes into its kind, in their order: a line break in a value tore it, or it is
    /// what stood in that value.
    Torn,
    /// It stands between a torn frame and the rest of it: a caller may have written it.
    Tainted,
}

impl Refusal {
    /// All reasons, in the order of their counters.
    pub const ALL: [Self; 10] = [
        Self::FrameTooLong,
        Self::LineTooLong,
        Self::TooManyHeaders,
        Self::NotAHeader,
        Self::Nul,
        Self::Headless,
        Self::Forged,
        Self::CutShort,
        Self::Torn,
        Self::Tainted,
    ];

    /// A caller's line breaks are behind it: an event was lost, and a snapshot puts things right.
    pub(crate) fn is_a_callers(self) -> bool {
        matches!(self, Self::Torn | Self::Tainted | Self::Forged)
    }

    /// A short name for a metric's label.
    pub fn name(self) -> &'static str {
        match self {
            Self::FrameTooLong => "frame_too_long",
            Self::LineTooLong => "line_too_long",
            Self::TooManyHeaders => "too_many_headers",
            Self::NotAHeader => "not_a_header",
            Self::Nul => "nul",
            Self::Headless => "headless",
            Self::Forged => "forged",
            Self::CutShort => "cut_short",
            Self::Torn => "torn",
            Self::Tainted => "tainted",
        }
    }
}

/// A frame that was thrown away: why, where, and how the offending line begins.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} at byte {offset}: \"{excerpt}\"{}", describe(*.refusal), of(.channel))]
pub struct FrameError {
    /// Why it was refused.
    pub refusal: Refusal,
    /// Where the offending line (of a frame that is too long: the frame) begins in the stream.
    pub offset: u64,
    /// Its beginning, escaped, at most 64 characters.
    pub excerpt: String,
    /// The first channel that the frame names, escaped, at most 64 characters; empty where that is not known.
    pub channel: String,
    /// The name of the channel whose event it was, if a caller cannot have written it: what it was about has been missed.
    pub of_channel: Option<Box<str>>,
}

fn of(channel: &str) -> String {
    if channel.is_empty() { String::new() } else { format!(", channel \"{channel}\"") }
}

fn describe(refusal: Refusal) -> String {
    match refusal {
        Refusal::FrameTooLong => format!("frame over {MAX_FRAME} bytes"),
        Refusal::LineTooLong => format!("line over {MAX_LINE} bytes"),
        Refusal::TooManyHeaders => format!("frame with over {MAX_HEADERS} headers"),
        Refusal::NotAHeader => "line that is not \"Key: value\"".into(),
        Refusal::Nul => "line with a NUL byte".into(),
        Refusal::Headless => "frame that begins with neither Event nor Response".into(),
        Refusal::Forged => "frame with a header twice that Asterisk sends once".into(),
        Refusal::CutShort => "stream ends inside a frame".into(),
        Refusal::Torn => "event with headers missing or in another order".into(),
        Refusal::Tainted => "frame inside another one that a line break cut: somebody may have forged it".into(),
    }
}
