//! The Asterisk Manager Interface as pure code: bytes to frames to events, actions to bytes, and the login state machine.
pub mod event;
