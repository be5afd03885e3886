//! The Asterisk Manager Interface as pure code: bytes to frames to events, actions to bytes, and the login state machine.

mod blank_line;
pub mod decoder;
pub mod event;
pub mod excerpt;
pub mod frame;
mod gathered;
pub mod header;
pub mod interest;
mod parse;

pub use decoder::{Counters, FrameDecoder, FrameError, Received, Refusal};
pub use event::Stamped;
pub use frame::{Frame, Kind};
pub use gathered::{EventError, EventFault};
pub use interest::Interest;
