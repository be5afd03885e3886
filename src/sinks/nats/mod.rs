//! NATS JetStream: a stream that carries what changes at many sites to where it is collected.
//!
//! A client of our own, of the part of the protocol that is needed (docs.nats.io/reference/nats-protocol, ADR-4 for headers, the JetStream API of
//! servers from 2.9 on): whatever a server says, so much of it is kept and no more. Nothing of it works beside its owner: it reads and writes while it
//! is asked something.

pub(crate) mod body;
pub(crate) mod bucket;
pub(crate) mod envelope;
pub(crate) mod greeting;
pub(crate) mod jetstream;
pub(crate) mod subject;
pub(crate) mod wire;

use std::time::Duration;

/// Why a server of NATS cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    /// The connection broke.
    #[error("the connection broke: {0}")]
    Broken(#[from] std::io::Error),
    /// The server ended it.
    #[error("the server has closed the connection")]
    Closed,
    /// It does not answer.
    #[error("no answer within {} s", .0.as_secs_f32())]
    Slow(Duration),
    /// What answers does not speak the protocol, or not within its limits.
    #[error("what answers is no NATS server as it should be: {0}")]
    Garbled(&'static str),
    /// The server lets nobody in by this name and password.
    #[error("the server refuses user and password ({0})")]
    Unauthorized(String),
    /// It lets in, and not do this.
    #[error("the server does not let this user do it: {0}")]
    Forbidden(String),
    /// It complained about something else.
    #[error("the server says: {0}")]
    Said(String),
    /// There is no stream that takes what is published.
    #[error("stream {0} is missing: callbackd sink init NAME --apply makes it")]
    NoStream(String),
    /// Nothing answers for JetStream.
    #[error(
        "the server has no JetStream, or not for this user: `jetstream` in its configuration, and what the user may publish to"
    )]
    NoJetStream,
    /// The stream takes no more.
    #[error("the stream is full ({0}): callbackd sink init NAME --apply --max-mib … makes it larger")]
    Full(String),
    /// A stream is to have more room than the server has.
    #[error(
        "the server has not so much room as the stream is to have ({0}): callbackd sink init NAME --apply --max-mib … asks for less"
    )]
    NoRoom(String),
    /// JetStream refused something else.
    #[error("JetStream refuses: {0}")]
    Refused(String),
}

/// Characters of what a server says.
const MAX_SAID: usize = 300;

/// What a server says, as far as it is shown.
fn said(text: &str) -> String {
    text.chars().take(MAX_SAID).collect()
}
