//! What a session reports: the connection's way from the greeting to live, and how it failed.

use crate::ami::action::ActionError;

/// Something that happened to the session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// Asterisk greeted; `version` is the protocol's, not Asterisk's.
    BannerSeen {
        /// AMI version, for example `11.0.0`.
        version: String,
    },
    /// The login was accepted; live events may come from here on.
    LoggedIn,
    /// The login was refused: nothing more will come. Try again slowly.
    LoginRefused {
        /// Why the login was refused.
        reason: LoginRefusal,
        /// Asterisk's own words, empty if it said nothing.
        message: String,
    },
    /// Asterisk is fully booted. A small uptime means that it restarted and all calls died, a large one that only the
    /// connection was lost.
    Booted {
        /// Seconds since Asterisk started; `None` before branch 16.
        uptime_s: Option<u64>,
    },
    /// `FullyBooted` did not come in time: Asterisk is still starting, or the user lacks the read privilege `system`. The
    /// session goes on; if the event comes later, the snapshot is taken again.
    BootUnconfirmed,
    /// The list of queues and channels begins: what is not in it is gone.
    SnapshotBegan,
    /// One of the lists was refused, so the snapshot is not complete.
    SnapshotRefused {
        /// The action's name.
        action: &'static str,
        /// Asterisk's own words: `Permission denied`, `Invalid/unknown command: QueueStatus. …`
        message: String,
    },
    /// The lists are complete.
    SnapshotEnded(SnapshotSize),
    /// From here on every event is new.
    Live,
    /// The connection has ended, and for so long nothing but the stamps of events proves that they all came. A loss follows.
    Unproven {
        /// Milliseconds since the latest ping that was answered; where events bear no stamps, since the latest read of a program that had
        /// not stood still.
        ms: u64,
    },
    /// Asterisk said what its clock shows, in answer to a ping.
    Clock {
        /// Milliseconds since 1970 UTC by Asterisk's clock.
        asterisk_ms: i64,
        /// The answer took so long, ms: the clock was read at some moment of that time.
        took_ms: u64,
    },
    /// The connection is of no more use: drop it and connect again.
    LinkDead(DeadReason),
}

/// Why a login was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoginRefusal {
    /// Unknown user, wrong secret, or an address outside the user's `permit`: Asterisk does not say which.
    #[error(
        "user or secret is wrong, or this address is not permitted: compare username and secret with manager.conf, and its permit= and acl= lines with this host's address"
    )]
    AuthenticationFailed,
    /// `allowmultiplelogin = no`, and somebody else is logged in under this name.
    #[error(
        "another client is logged in as this user and manager.conf says allowmultiplelogin = no: give callbackd a user of its own"
    )]
    AlreadyInUse,
    /// The action itself is not permitted.
    #[error("Asterisk does not permit the login")]
    PermissionDenied,
    /// No MD5 challenge, and the plain login is not allowed by the configuration.
    #[error(
        "Asterisk offers no MD5 challenge: set pbx.allow_plain_login = true if the connection is encrypted or local"
    )]
    NoChallenge,
    /// The user name or secret cannot be sent at all.
    #[error("the login cannot be sent: {0}")]
    Unsendable(ActionError),
    /// For example while Asterisk is shutting down.
    #[error("Asterisk refused the login")]
    Other,
}

impl LoginRefusal {
    /// What Asterisk's words mean (`main/manager.c`).
    pub(crate) fn said(message: &str) -> Self {
        match message {
            "Authentication failed" => Self::AuthenticationFailed,
            "Login Already In Use" => Self::AlreadyInUse,
            "Permission denied" => Self::PermissionDenied,
            _ => Self::Other,
        }
    }
}

/// Why a connection is of no more use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DeadReason {
    /// Nothing greeted in time.
    #[error(
        "no greeting came: is this the port of the Asterisk Manager Interface, and is it one without TLS (5038) or with (5039, pbx.tls = true)?"
    )]
    NoBanner,
    /// The first line was not Asterisk's greeting.
    #[error("what answered is not the Asterisk Manager Interface")]
    NotAsterisk,
    /// This action was not answered in time.
    #[error("Asterisk did not answer {0}")]
    Unanswered(&'static str),
    /// A list of this action goes on and on.
    #[error("Asterisk's list for {0} does not end")]
    EndlessList(&'static str),
    /// The answer to `Challenge` has an empty one, or several.
    #[error("the answer to the action Challenge has no challenge, or more than one: this is not Asterisk")]
    OddChallenge,
    /// Nothing came, not even after a ping.
    #[error("Asterisk is silent and does not answer a ping")]
    PingTimedOut,
    /// Asterisk answered a logoff.
    #[error("logged off")]
    LoggedOff,
}

/// What a snapshot held.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SnapshotSize {
    /// The list of channels came whole. If not (it was refused), a channel that is not in it may still live.
    pub channels_known: bool,
    /// Channels listed (`CoreShowChannel`).
    pub channels: u32,
    /// Queues listed (`QueueParams`).
    pub queues: u32,
    /// Members of queues (`QueueMember`): an agent in three queues counts thrice.
    pub members: u32,
    /// Waiting callers listed (`QueueEntry`).
    pub callers: u32,
}

impl SnapshotSize {
    /// Counts an item of the lists, by its event's name.
    pub(crate) fn count(&mut self, event: &[u8]) {
        let counter = match event {
            b"CoreShowChannel" => &mut self.channels,
            b"QueueParams" => &mut self.queues,
            b"QueueMember" => &mut self.members,
            b"QueueEntry" => &mut self.callers,
            _ => return,
        };
        *counter = counter.saturating_add(1);
    }
}
