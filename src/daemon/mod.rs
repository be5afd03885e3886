//! The only async room: sockets, clocks and secrets, and what connects them with the pure rooms.

#[cfg(feature = "tls")]
mod certificate;
mod clock;
mod connection;
mod delivery;
pub mod link;
mod lost;
pub mod route;
pub mod secret;
#[cfg(feature = "tls")]
mod tls;

pub use link::{Link, LinkEvent, RequestFailed, events};
pub use lost::LostReason;
pub use secret::{Secret, SecretError};
