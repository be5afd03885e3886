//! How a request of a session ends: with an answer of Asterisk, or without one.

use crate::ami::action::ActionId;
use crate::ami::event::Text;
use crate::ami::frame::{Frame, Kind};

/// The end of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// What [`Session::request`](crate::ami::session::Session::request) returned.
    pub id: ActionId,
    /// The action's name.
    pub action: &'static str,
    /// The answer, or why there is none. An action without an answer may or may not have had its effect.
    pub reply: Result<Reply, Unanswered>,
}

/// Asterisk's answer to one action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The response itself, without the items of its list.
    pub response: Frame,
    /// The list's items, if it announced a list; without the event that ends it.
    pub items: Vec<Frame>,
    /// The list is not whole: longer than [`crate::ami::pending::MAX_LIST_ITEMS`], or given up by Asterisk.
    pub cut: bool,
}

impl Reply {
    /// Whether the response is `Success`.
    pub fn success(&self) -> bool {
        self.response.kind() == Kind::Response(b"Success")
    }

    /// The header `Message`; empty if there is none.
    pub fn message(&self) -> Text<'_> {
        self.response.text("Message").unwrap_or_default()
    }
}

/// Why a request has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unanswered {
    /// No answer within [`ACTION_TIMEOUT`](crate::ami::session::ACTION_TIMEOUT).
    #[error("no answer in time")]
    TimedOut,
    /// The connection ended first.
    #[error("the connection was lost first")]
    LinkLost,
}

/// Why a request was not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// The session is not (or no longer) live.
    #[error("not connected")]
    NotLive,
    /// [`crate::ami::pending::MAX_PENDING`] actions are waiting.
    #[error("too many actions wait for an answer")]
    TooMany,
}
