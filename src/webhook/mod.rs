//! Webhooks: what an endpoint receives of a change, how the message is signed, and what is done after each answer. Nothing here sends anything.
//!
//! ```text
//! outbox → Queue (cursor, head) → Message → Endpoint::next ⇄ [daemon::webhooks sends it] → Answer → Queue → WebhookNote → store
//! ```
//!
//! By Standard Webhooks 1.0.0 (<https://www.standardwebhooks.com>): ids that stay the same over all attempts, HMAC-SHA256 over id, time and
//! body, only 2xx is success, 410 switches off. Each endpoint has one queue; a message that cannot be delivered yet holds up those behind it.

pub mod adapters;
mod endpoint;
mod payload;
mod queue;
mod schedule;
mod secret;
mod signature;

pub use endpoint::{Endpoint, Scripts};
pub(crate) use queue::MAX_ANSWER;
pub use queue::{Due, Outgoing, Queue};
pub(crate) use schedule::is_refusal;
pub use schedule::{Answer, Next};
pub use secret::Secret;
pub use signature::{Keys, NotAKey};
