//! Topology: channels, bridges, and who can hear whom.

pub(crate) mod audio_path;
pub mod bridge;
pub mod channel;
pub(crate) mod graph;
