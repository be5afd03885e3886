//! The unit of time of the whole program.

/// Milliseconds since 1970 UTC, or, where the name says so (`talk_ms`), between two moments.
pub type Millis = i64;
