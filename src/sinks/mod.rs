//! Sinks: databases of other engines that hold a copy of the rows of many sites, and streams that carry it there. What they get is read from the feed and the tables; nothing
//! else depends on this room, and no sink can hold anything up.

pub(crate) mod collect;
pub(crate) mod nats;
pub(crate) mod postgres;
