//! The change feed: what became true, recorded in the transaction that makes it true, in order, to readers with a cursor of their own.
//!
//! A change says of which row it is and which writing of it; what the row says is read with it, so that a change costs a line and not a copy.
//! A reader that comes late reads the row as it is by then, with its `rev`, and the changes after it in their order: whoever keeps the row of
//! the highest `rev` holds what the tables hold.

mod cursor;
mod outbox;
mod read;

pub use cursor::{Cursor, NotACursor};
pub(super) use outbox::Outbox;
pub use outbox::{Fed, FeedRules};
pub use read::{Behind, Change, ChangedRow, Feed};
