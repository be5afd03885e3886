//! The local API: HTTP with JSON over a Unix socket, for the command line and programs on the same machine, and over TCP for those that have a token.
//!
//! ```text
//! curl --unix-socket /run/callbackd/api.sock http://callbackd/v1/status
//! ```
//!
//! Who may write to the socket's file may command: its mode and group decide. The peer's user name goes into the history of callbacks. What is
//! only read comes from the database; commands and what is live are asked of the daemon's loop ([`Ask`]).

mod admit;
pub(crate) mod answers;
pub mod client;
mod commands;
pub(crate) mod counters;
pub(crate) mod figures;
mod frames;
mod front;
mod guard;
pub(crate) mod history;
mod line;
mod newcomers;
#[cfg(feature = "openapi")]
mod openapi;
mod pages;
mod query;
mod readers;
mod routes;
mod slots;
pub(crate) mod socket;
pub(crate) mod status;
pub(crate) mod tcp;
mod web;
pub(crate) mod webhooks;

pub(crate) use front::Front;
#[cfg(feature = "openapi")]
pub use openapi::description;
pub(crate) use query::percent;

use crate::store::tokens::TokenChange;
use callbackd_core::callbacks::commands::{Command, CommandError, Done};
use figures::Figures;
use status::{AgentInPresence, QueueInPresence, Status};
use tokio::sync::oneshot;
use webhooks::{WebhookCommand, WebhookError};

/// What a request wants of the daemon's loop.
#[derive(Debug)]
pub(crate) enum Ask {
    /// Carry this out; the answer may be given once what it changed is on the disk.
    Command {
        /// The command to carry out.
        command: Command,
        /// The user who gave it.
        by: String,
        /// Where the answer goes.
        reply: oneshot::Sender<Result<Done, CommandError>>,
    },
    /// Asks for the daemon's status.
    Status(oneshot::Sender<Status>),
    /// Everything that can be counted, for Prometheus.
    Figures(oneshot::Sender<Figures>),
    /// All agents, as they are now.
    Agents(oneshot::Sender<Vec<AgentInPresence>>),
    /// The phone of the agent whom the configuration gives this name, and the PBX if it is one alone; see [`crate::config::Config::agent_named`].
    AgentNamed {
        /// Whatever its capital letters.
        name: String,
        /// On this PBX, if one is named.
        pbx: Option<String>,
        /// Where the answer goes.
        reply: oneshot::Sender<Option<(Option<String>, String)>>,
    },
    /// All queues, as they are now.
    Queues(oneshot::Sender<Vec<QueueInPresence>>),
    /// Make or withdraw a token; the answer is false if there is one of its name already, or none.
    Token(TokenChange, oneshot::Sender<Result<bool, String>>),
    /// Something of the webhook of this name.
    Webhook(String, WebhookCommand, oneshot::Sender<Result<serde_json::Value, WebhookError>>),
}
