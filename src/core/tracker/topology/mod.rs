//! Topology: channels, bridges, and who can hear whom.

pub(crate) mod audio_path;
pub(crate) mod bridge;
pub(crate) mod channel;
pub(crate) mod graph;
