//! The commands for people: one file for each.

pub mod calls;
pub mod replay;
