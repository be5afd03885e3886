//! The Asterisk Manager Interface as pure code: bytes to frames to events, actions to bytes, and the login state machine.

pub mod action;
mod blank_line;
pub mod budget;
mod check;
pub mod decoder;
pub mod event;
pub mod excerpt;
mod form;
pub mod frame;
mod gathered;
pub mod header;
pub mod interest;
mod layout;
pub mod length;
mod liveness;
mod login;
pub mod notice;
mod pace;
mod parse;
pub mod pending;
pub mod recorded;
pub mod refusal;
mod reply;
pub mod session;

pub use action::{Action, ActionError, ActionId};
pub use decoder::{Counters, FrameDecoder, Received};
pub use event::Stamped;
pub use frame::{Frame, Kind};
pub use gathered::{EventError, EventFault};
pub use interest::Interest;
pub use notice::{DeadReason, LoginRefusal, Notice, SnapshotSize};
pub use recorded::Recorded;
pub use refusal::{FrameError, Refusal};
pub use session::{Disposition, Login, Session, SessionOutput};
