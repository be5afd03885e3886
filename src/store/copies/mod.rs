//! Rows as they stand in the tables, for whoever keeps a copy of them elsewhere: what has changed after a cursor, or a table from end to end.
//!
//! A copy gets each row as it is when it is read, with its `rev`. What is removed here for its age (`store.keep`) is not taken off a copy.

mod changed;
mod committed;
mod json;
mod one_by_one;
mod read;
mod tables;
mod walk;

pub(crate) use changed::Changed;
pub(crate) use committed::Committed;
pub(crate) use json::{read as rows_of, write as json_of};
pub(crate) use one_by_one::Single;
pub(crate) use read::{Rows, Values};
pub(crate) use tables::{Kind, Of, Table, copies};
pub(crate) use walk::{Chunk, Position};
