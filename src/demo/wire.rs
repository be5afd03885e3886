//! Events and answers as text, with the headers of Asterisk 22 in its order.

use super::channel::Channel;
use std::fmt::{Display, Write};

/// An event that is being written.
#[derive(Debug)]
pub(crate) struct Event(String);

impl Event {
    /// `Privilege` is `class,all`; `at_us` is in microseconds since 1970 UTC.
    #[must_use]
    pub(crate) fn new(name: &str, class: &str, at_us: i64) -> Self {
        let (s, us) = (at_us.div_euclid(1_000_000), at_us.rem_euclid(1_000_000));
        Self(format!("Event: {name}\r\nPrivilege: {class},all\r\nTimestamp: {s}.{us:06}\r\nSystemName: demo\r\n"))
    }

    /// One header. Line breaks are left out: Asterisk escapes them in most texts.
    #[must_use]
    pub(crate) fn put(mut self, key: &str, value: impl Display) -> Self {
        let value = value.to_string().replace(['\r', '\n'], "");
        // Writing to a String cannot fail.
        let _ = write!(self.0, "{key}: {value}\r\n");
        self
    }

    /// The same of a number, which Asterisk writes as it came (`main/manager_channels.c`), its line breaks included.
    fn put_number(mut self, key: &str, number: &str) -> Self {
        // Writing to a String cannot fail.
        let _ = write!(self.0, "{key}: {}\r\n", unknown(number));
        self
    }

    /// A channel's snapshot (`ast_manager_build_channel_state_string_prefix`, `main/manager_channels.c`).
    #[must_use]
    pub(crate) fn channel(self, channel: &Channel) -> Self {
        self.prefixed("", channel)
    }

    /// The same of the other end.
    #[must_use]
    pub(crate) fn dest(self, channel: &Channel) -> Self {
        self.prefixed("Dest", channel)
    }

    /// The same of a party by this name.
    #[must_use]
    pub(crate) fn prefixed(self, prefix: &str, c: &Channel) -> Self {
        let key = |name: &str| format!("{prefix}{name}");
        self.put(&key("Channel"), &c.name)
            .put(&key("ChannelState"), c.state as u8)
            .put(&key("ChannelStateDesc"), c.state.as_str())
            .put_number(&key("CallerIDNum"), &c.caller.0)
            .put(&key("CallerIDName"), unknown(&c.caller.1))
            .put_number(&key("ConnectedLineNum"), &c.connected.0)
            .put(&key("ConnectedLineName"), unknown(&c.connected.1))
            .put(&key("Language"), "en")
            .put(&key("AccountCode"), "")
            .put(&key("Context"), &c.context)
            .put(&key("Exten"), &c.exten)
            .put(&key("Priority"), c.priority)
            .put(&key("Uniqueid"), &c.uniqueid)
            .put(&key("Linkedid"), &c.linkedid)
    }

    /// A bridge's snapshot (`ast_manager_build_bridge_state_string_prefix`, `main/manager_bridges.c`).
    #[must_use]
    pub(crate) fn bridge(self, id: &str, technology: &str, channels: usize) -> Self {
        self.put("BridgeUniqueid", id)
            .put("BridgeType", "basic")
            .put("BridgeTechnology", technology)
            .put("BridgeCreator", "<unknown>")
            .put("BridgeName", "<unknown>")
            .put("BridgeNumChannels", channels)
            .put("BridgeVideoSourceMode", "none")
    }

    /// The bytes.
    #[must_use]
    pub(crate) fn finish(mut self) -> String {
        self.0.push_str("\r\n");
        self.0
    }
}

fn unknown(text: &str) -> &str {
    if text.is_empty() { "<unknown>" } else { text }
}

/// An item of a list, or an answer: a first line, then headers.
#[must_use]
pub(crate) fn block(first: &str, headers: &[(&str, &str)]) -> String {
    let mut text = format!("{first}\r\n");
    for (key, value) in headers {
        // Writing to a String cannot fail.
        let _ = write!(text, "{key}: {}\r\n", value.replace(['\r', '\n'], ""));
    }
    text + "\r\n"
}
