//! What the scheduler has done on a PBX, and the AMI action that does it.

use crate::ami::action::{Action, ActionError};
use crate::callbacks::attempt::originate::{Originate, PAUSE};
use crate::callbacks::freepbx::SKIP_VOICEMAIL;
use crate::model::sign::{SIGN_VARIABLE, Sign};

/// Family of the Asterisk database in which wait estimates are published.
pub(crate) const FAMILY: &str = "callbackd";

/// Something done on a PBX.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PbxAction {
    /// Begin an attempt.
    Originate(Box<Originate>),
    /// Hang up an attempt's channel (Asterisk finds a channel by its Uniqueid too: `main/channel.c`, `ast_channel_get_by_name`).
    Hangup {
        /// The attempt.
        channel_id: String,
    },
    /// Pause a queue's member, or undo a pause of ours.
    Pause {
        queue: String,
        /// As the queue dials the agent.
        interface: String,
        /// Pause, or come back.
        paused: bool,
    },
    /// Pause a queue's member who is not there; nobody but the member undoes it.
    PauseAbsent {
        queue: String,
        /// As the queue dials the agent.
        interface: String,
        /// What is shown for it.
        reason: &'static str,
    },
    /// Delete all that was published: it may be of an earlier run.
    PublishNothing,
    /// Put a value into the Asterisk database, or delete it.
    Publish {
        /// Key in the family `callbackd`.
        key: String,
        /// `None`: delete.
        value: Option<String>,
    },
    /// Ask whether another callbackd makes callbacks there.
    AskSign,
    /// Show that this one does, or has stopped.
    ShowSign(Sign),
    /// Ask whether its dialplan rings an extension without its voicemail, as FreePBX's does.
    AskFreepbx,
}

impl PbxAction {
    /// The action that does it.
    ///
    /// # Errors
    /// A text cannot be sent: it holds a line break, or is too long.
    pub fn action(&self) -> Result<Action, ActionError> {
        match self {
            Self::Originate(originate) => originate.action(),
            Self::Hangup { channel_id } => Action::hangup(channel_id),
            Self::Pause { queue, interface, paused } => Action::queue_pause(queue, interface, *paused, PAUSE),
            Self::PauseAbsent { queue, interface, reason } => Action::queue_pause(queue, interface, true, reason),
            Self::PublishNothing => Action::db_del_tree(FAMILY),
            Self::Publish { key, value: Some(value) } => Action::db_put(FAMILY, key, value),
            Self::AskSign => Action::get_global(SIGN_VARIABLE),
            Self::AskFreepbx => Action::get_global(&format!("DIALPLAN_EXISTS({SKIP_VOICEMAIL})")),
            Self::ShowSign(sign) => Action::set_global(SIGN_VARIABLE, &sign.to_string()),
            Self::Publish { key, value: None } => Action::db_del(FAMILY, key),
        }
    }
}
