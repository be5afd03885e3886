//! Actions: what may be sent to Asterisk, in a form that cannot hold an illegal byte or a line that Asterisk would cut.

use std::fmt;

use bytes::{BufMut, Bytes, BytesMut};
use md5::{Digest, Md5};
use secrecy::{ExposeSecret, SecretString};

/// Longest line of an action, in bytes, its CRLF included. Asterisk reads actions through a buffer of 1,025 bytes, one of
/// them for the closing NUL, and throws away the whole action whose line does not fit (`main/manager.c`, `get_input`).
pub const MAX_ACTION_LINE: usize = 1024;
/// Most headers in an action, `Action` and `ActionID` included. Asterisk ignores those beyond
/// (`include/asterisk/manager.h`, `AST_MAX_MANHEADERS`).
pub const MAX_ACTION_HEADERS: usize = 128;
/// Longest key, in bytes.
pub const MAX_KEY: usize = 64;

/// Why an action cannot be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ActionError {
    /// A CR, LF or NUL, with which the value would forge headers or whole actions.
    #[error("{key} holds a line break or NUL at byte {at}")]
    IllegalByte {
        /// The header's name.
        key: String,
        /// The offset in its value.
        at: usize,
    },
    /// The line is longer than [`MAX_ACTION_LINE`] bytes.
    #[error("{key} makes a line of {bytes} bytes, Asterisk takes {MAX_ACTION_LINE}")]
    LineTooLong {
        /// The header's name.
        key: String,
        /// The line's length with its CRLF.
        bytes: usize,
    },
    /// More headers than [`MAX_ACTION_HEADERS`].
    #[error("more than {MAX_ACTION_HEADERS} headers, Asterisk would ignore the rest")]
    TooManyHeaders,
    /// Not 1 to [`MAX_KEY`] letters, digits, `-` and `_`; or `Action`, `ActionID`, which are set elsewhere.
    #[error("\"{0}\" cannot be a header's name here")]
    IllegalKey(String),
}

/// A header's value: without CR, LF and NUL by construction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value(String);

impl Value {
    /// Checks `text`; `key` is for the error.
    ///
    /// # Errors
    /// [`ActionError::IllegalByte`].
    pub fn new(key: &str, text: impl Into<String>) -> Result<Self, ActionError> {
        let text = text.into();
        match legal(key, &text) {
            Ok(()) => Ok(Self(text)),
            Err(error) => Err(error),
        }
    }

    /// The value: no CR, LF or NUL in it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn legal(key: &str, text: &str) -> Result<(), ActionError> {
    match text.bytes().position(|byte| matches!(byte, b'\r' | b'\n' | 0)) {
        Some(at) => Err(ActionError::IllegalByte { key: key.to_owned(), at }),
        None => Ok(()),
    }
}

/// Correlates an answer with its action: unique for the connection, and not to be guessed by who cannot read the stream.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ActionId(String);

impl ActionId {
    /// `nonce` is the connection's, random; `serial` the action's.
    pub fn new(nonce: u64, serial: u64) -> Self {
        Self(format!("cb-{nonce:016x}-{serial}"))
    }

    /// The text, as Asterisk repeats it in answers.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[derive(Clone)]
enum Held {
    Open(Value),
    Secret(SecretString),
}

impl Held {
    fn expose(&self) -> &str {
        match self {
            Self::Open(value) => value.as_str(),
            Self::Secret(secret) => secret.expose_secret(),
        }
    }
}

/// One action, ready to be sent once its id is known. `Debug` shows no secret.
#[derive(Clone)]
pub struct Action {
    name: &'static str,
    headers: Vec<(String, Held)>,
}

impl Action {
    fn named(name: &'static str) -> Self {
        Self { name, headers: Vec::new() }
    }

    /// Asks for the text that [`Self::login_md5`] is computed from.
    pub fn challenge() -> Self {
        let mut action = Self::named("Challenge");
        action.headers.push(("AuthType".into(), Held::Open(Value("MD5".into()))));
        action
    }

    /// Logs in without showing the secret: `Key` is the hexadecimal MD5 of the challenge and the secret.
    ///
    /// # Errors
    /// The user name cannot be sent.
    pub fn login_md5(username: &str, challenge: &str, secret: &SecretString) -> Result<Self, ActionError> {
        let mut digest = Md5::new();
        digest.update(challenge);
        digest.update(secret.expose_secret());
        let key: String = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        Self::named("Login").with("AuthType", "MD5")?.with("Username", username)?.with_secret("Key", key.into())
    }

    /// Logs in with the secret itself, readable by everyone on the way.
    ///
    /// # Errors
    /// The user name or the secret cannot be sent.
    pub fn login_plain(username: &str, secret: &SecretString) -> Result<Self, ActionError> {
        Self::named("Login").with("Username", username)?.with_secret("Secret", secret.clone())
    }

    /// Ends the session; answered by `Response: Goodbye`.
    pub fn logoff() -> Self {
        Self::named("Logoff")
    }

    /// Answered at once by whoever is logged in.
    pub fn ping() -> Self {
        Self::named("Ping")
    }

    /// Lists all channels. Needs write `system` or `reporting`.
    pub(crate) fn core_show_channels() -> Self {
        Self::named("CoreShowChannels")
    }

    /// Lists queues, their members and waiting callers. Needs no privilege; unknown to an Asterisk without `app_queue`.
    pub fn queue_status() -> Self {
        Self::named("QueueStatus")
    }

    /// Versions of AMI (`AMIversion`) and Asterisk (`AsteriskVersion`), `SystemName`. Needs write `system` or `reporting`.
    pub fn core_settings() -> Self {
        Self::named("CoreSettings")
    }

    /// The actions that this user may call: one header each, `<name>: <synopsis> (Priv: <classes>)`. Needs no privilege.
    ///
    /// So the write privileges show as [`crate::ami::Frame::get`] of an action that needs them (`Originate`, `QueuePause`,
    /// `Setvar`, …). The read privileges show nowhere but in the events that arrive: `FullyBooted` after the login proves
    /// `system`, a [`Self::user_event`] that comes back `user`, a [`Self::set_global`] whose `VarSet` comes back `dialplan`.
    pub fn list_commands() -> Self {
        Self::named("ListCommands")
    }

    /// The value of a global variable or of a function that needs no channel, in the answer's `Value`. Needs write `call` or
    /// `reporting`.
    ///
    /// # Errors
    /// The name cannot be sent.
    pub fn get_global(variable: &str) -> Result<Self, ActionError> {
        Self::named("Getvar").with("Variable", variable)
    }

    /// Lists the dialplan, one `ListDialplan` for each priority. Needs write `config` or `reporting`.
    pub fn show_dialplan() -> Self {
        Self::named("ShowDialPlan")
    }

    /// Runs a command of Asterisk's console; answered by one `Output` header a line. Needs write `command`.
    ///
    /// # Errors
    /// The line cannot be sent.
    pub fn command(line: &str) -> Result<Self, ActionError> {
        Self::named("Command").with("Command", line)
    }

    /// Raises a `UserEvent`. Needs write `user`.
    ///
    /// # Errors
    /// The name or a field cannot be sent.
    pub fn user_event(name: &str, fields: &[(&str, &str)]) -> Result<Self, ActionError> {
        let event = Self::named("UserEvent").with("UserEvent", name)?;
        fields.iter().try_fold(event, |event, (key, value)| event.with(key, *value))
    }

    /// Sets a global variable, which raises `VarSet`. Needs write `call`.
    ///
    /// # Errors
    /// The name or value cannot be sent.
    pub fn set_global(variable: &str, value: &str) -> Result<Self, ActionError> {
        Self::named("Setvar").with("Variable", variable)?.with("Value", value)
    }

    /// Calls `channel`; who answers goes to extension `s` of `context`, priority 1. It is asynchronous: the answer says only that it was
    /// queued, and `OriginateResponse` bears its `ActionID`. The channel's `Uniqueid` will be `channel_id`; Asterisk refuses one that a
    /// live channel has. Needs write `originate`.
    ///
    /// # Errors
    /// A text cannot be sent.
    pub fn originate(channel: &str, channel_id: &str, context: &str, timeout_ms: i64) -> Result<Self, ActionError> {
        Self::named("Originate")
            .with("Channel", channel)?
            .with("ChannelId", channel_id)?
            .with("Context", context)?
            .with("Exten", "s")?
            .with("Priority", "1")?
            .with("Timeout", timeout_ms.to_string())?
            .with("Async", "true")
    }

    /// Hangs a channel up, by its name or `Uniqueid` (`main/channel.c`, `ast_channel_get_by_name`). Needs write `system` or `call`.
    ///
    /// # Errors
    /// The name cannot be sent.
    pub fn hangup(channel: &str) -> Result<Self, ActionError> {
        Self::named("Hangup").with("Channel", channel)
    }

    /// Pauses a member in a queue, or ends the pause. Needs write `agent`.
    ///
    /// # Errors
    /// A name or the reason cannot be sent.
    pub fn queue_pause(queue: &str, interface: &str, paused: bool, reason: &str) -> Result<Self, ActionError> {
        Self::named("QueuePause")
            .with("Queue", queue)?
            .with("Interface", interface)?
            .with("Paused", if paused { "true" } else { "false" })?
            .with("Reason", reason)
    }

    /// Puts a value into the Asterisk database. Needs write `system`.
    ///
    /// # Errors
    /// A text cannot be sent.
    pub fn db_put(family: &str, key: &str, value: &str) -> Result<Self, ActionError> {
        Self::named("DBPut").with("Family", family)?.with("Key", key)?.with("Val", value)
    }

    /// Deletes a key of the Asterisk database; refused if there is none. Needs write `system`.
    ///
    /// # Errors
    /// A text cannot be sent.
    pub fn db_del(family: &str, key: &str) -> Result<Self, ActionError> {
        Self::named("DBDel").with("Family", family)?.with("Key", key)
    }

    /// Deletes a family of the Asterisk database; refused if there is none. Needs write `system`.
    ///
    /// # Errors
    /// A text cannot be sent.
    pub fn db_del_tree(family: &str) -> Result<Self, ActionError> {
        Self::named("DBDelTree").with("Family", family)
    }

    /// The action's name.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The action with one more header; keys may repeat.
    ///
    /// # Errors
    /// The key or value cannot be sent, or there are too many headers.
    pub fn with(self, key: &str, value: impl Into<String>) -> Result<Self, ActionError> {
        let value = Value::new(key, value)?;
        self.push(key, Held::Open(value))
    }

    fn with_secret(self, key: &str, secret: SecretString) -> Result<Self, ActionError> {
        legal(key, secret.expose_secret())?;
        self.push(key, Held::Secret(secret))
    }

    fn push(mut self, key: &str, value: Held) -> Result<Self, ActionError> {
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        let set_elsewhere = ["Action", "ActionID"].iter().any(|own| own.eq_ignore_ascii_case(key));
        if key.is_empty() || key.len() > MAX_KEY || !key.bytes().all(legal) || set_elsewhere {
            return Err(ActionError::IllegalKey(crate::ami::excerpt::excerpt(key.as_bytes())));
        }
        let bytes = key.len() + ": \r\n".len() + value.expose().len();
        if bytes > MAX_ACTION_LINE {
            return Err(ActionError::LineTooLong { key: key.to_owned(), bytes });
        }
        if self.headers.len() + 2 == MAX_ACTION_HEADERS {
            return Err(ActionError::TooManyHeaders);
        }
        self.headers.push((key.to_owned(), value));
        Ok(self)
    }

    /// The bytes to send.
    pub fn encode(&self, id: &ActionId) -> Bytes {
        let lines = [("Action", self.name), ("ActionID", id.as_str())];
        let headers = self.headers.iter().map(|(key, value)| (key.as_str(), value.expose()));
        let mut bytes = BytesMut::with_capacity(256);
        for (key, value) in lines.into_iter().chain(headers) {
            for part in [key, ": ", value, "\r\n"] {
                bytes.put_slice(part.as_bytes());
            }
        }
        bytes.put_slice(b"\r\n");
        bytes.freeze()
    }
}

impl fmt::Debug for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct(self.name);
        for (key, value) in &self.headers {
            match value {
                Held::Open(value) => shown.field(key, &value.as_str()),
                Held::Secret(_) => shown.field(key, &format_args!("[redacted]")),
            };
        }
        shown.finish()
    }
}
