//! Which events and variables somebody needs: all others are skipped before they are parsed.

/// Decides by an event's name, and for `VarSet` by the variable's, whether a frame is worth parsing.
///
/// More than half of a real stream is `VarSet`, and much of the rest (`TestEvent`, `RTCPSent`, …) is of no use either.
/// Responses always pass, and so does the event that ends a list (its name ends in `Complete`, without exception in
/// branches 13 to 22): whoever sent the action waits for it.
#[derive(Debug, Clone, Default)]
pub struct Interest {
    everything: bool,
    more: Vec<Box<[u8]>>,
    /// Variables into which Read() of the dialplan puts what callers press, as the stream has named them, the latest last.
    read_into: Vec<Box<[u8]>>,
}

/// Variables of Read() that are known at once; one more takes the place of the oldest.
const MAX_READ_INTO: usize = 64;
/// Longest name of a variable that a dialplan can set (`AST_MAX_EXTENSION`).
const MAX_NAME: usize = 80;

/// What the first line of an event settles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    Yes,
    No,
    /// A `VarSet`: its `Variable` line decides.
    Variable,
}

impl Interest {
    /// Everything: for recording a stream.
    pub fn everything() -> Self {
        Self { everything: true, ..Self::default() }
    }

    /// What [`crate::ami::event::Event`] has a variant for.
    pub fn tracker() -> Self {
        Self::default()
    }

    /// Also this event: for the items of a list that the tracker has no use for.
    #[must_use]
    pub fn and(mut self, event: &str) -> Self {
        self.more.push(event.as_bytes().into());
        self
    }

    pub(crate) fn event(&self, name: &[u8]) -> Need {
        if self.everything {
            return Need::Yes;
        }
        match name {
            b"VarSet" => Need::Variable,
            // Calls
            b"Newchannel" | b"Newstate" | b"NewCallerid" | b"Newexten" | b"Rename" | b"Hangup" | b"HangupRequest"
            | b"SoftHangupRequest" | b"DialBegin" | b"DialState" | b"DialEnd" | b"BridgeCreate" | b"BridgeDestroy"
            | b"BridgeEnter" | b"BridgeLeave" | b"BridgeMerge" | b"Hold" | b"Unhold" | b"LocalBridge"
            | b"BlindTransfer" | b"AttendedTransfer" | b"Pickup" | b"ParkedCall" | b"UnParkedCall"
            | b"ParkedCallTimeOut" | b"ParkedCallGiveUp" | b"OriginateResponse"
            // Queues and agents
            | b"QueueCallerJoin" | b"QueueCallerLeave" | b"QueueCallerAbandon" | b"AgentCalled" | b"AgentConnect"
            | b"AgentComplete" | b"AgentDump" | b"AgentRingNoAnswer" | b"QueueMember" | b"QueueMemberStatus"
            | b"QueueMemberAdded" | b"QueueMemberRemoved" | b"QueueMemberPause" | b"QueueMemberPenalty"
            | b"QueueMemberRinginuse" | b"QueueParams" | b"QueueEntry" | b"DeviceStateChange"
            // The names of these before branch 12
            | b"Join" | b"Leave" | b"QueueMemberPaused"
            // The rest
            | b"FullyBooted" | b"Shutdown" | b"UserEvent" | b"CoreShowChannel" => Need::Yes,
            _ if name.ends_with(b"Complete") => Need::Yes,
            _ if self.more.iter().any(|more| **more == *name) => Need::Yes,
            _ => Need::No,
        }
    }

    /// Takes in that the dialplan reads digits into a variable, where this frame says so: `Read(CHOICE,menu,1)` names it, and then sets it.
    pub(crate) fn reads(&mut self, frame: &[u8]) {
        if self.everything || !frame.starts_with(b"Event: Newexten\r") {
            return;
        }
        let value = |key: &[u8]| {
            let at = memchr::memmem::find(frame, key)? + key.len();
            let line = &frame[at..];
            Some(&line[..memchr::memchr(b'\r', line)?])
        };
        if value(b"\nApplication: ") != Some(b"Read") {
            return;
        }
        let variable = value(b"\nAppData: ").and_then(|data| data.split(|byte| *byte == b',').next());
        let is_name = |name: &&[u8]| {
            (1..=MAX_NAME).contains(&name.len()) && name.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'_')
        };
        let Some(name) = variable.filter(is_name).filter(|name| !self.variable(name)) else { return };
        if self.read_into.len() >= MAX_READ_INTO {
            self.read_into.remove(0);
        }
        self.read_into.push(name.into());
    }

    pub(crate) fn variable(&self, name: &[u8]) -> bool {
        // One or two leading underscores mark a variable that channels inherit (`pbx_variables.c`).
        let own = name.iter().position(|&byte| byte != b'_').map_or(&b""[..], |start| &name[start..]);
        self.everything
            || matches!(name, b"QUEUESTATUS" | b"DIALSTATUS" | b"VMSTATUS" | b"RECORD_STATUS" | b"READSTATUS")
            || self.read_into.iter().any(|known| **known == *name)
            || own.starts_with(b"CALLBACKD_")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_variables_that_decide_something_are_wanted() {
        let interest = Interest::tracker();
        for wanted in
            ["QUEUESTATUS", "DIALSTATUS", "VMSTATUS", "RECORD_STATUS", "READSTATUS", "CALLBACKD_TAG", "__CALLBACKD_ID"]
        {
            assert!(interest.variable(wanted.as_bytes()), "{wanted}");
        }
        for unwanted in ["BRIDGEPEER", "DIALSTATUSX", "CALLBACK_ID", "", "__", "X_CALLBACKD_"] {
            assert!(!interest.variable(unwanted.as_bytes()), "{unwanted}");
        }
        assert!(Interest::everything().variable(b"BRIDGEPEER"));
    }

    #[test]
    fn the_variable_that_read_fills_is_wanted_from_then_on_and_so_many_at_most() {
        let mut interest = Interest::tracker();
        let runs = |application: &str, data: &str| {
            format!("Event: Newexten\r\nChannel: X\r\nApplication: {application}\r\nAppData: {data}\r\n\r\n")
        };
        for data in ["CHOICE,menu,1,,1,5", "PIN", ",menu", "a b,menu", &"x".repeat(81)] {
            interest.reads(runs("Read", data).as_bytes());
        }
        interest.reads(runs("Set", "OTHER,1").as_bytes());
        interest.reads(runs("ReadExten", "EXTEN_OF").as_bytes());
        assert!(interest.variable(b"CHOICE") && interest.variable(b"PIN"));
        assert!(!interest.variable(b"OTHER") && !interest.variable(b"EXTEN_OF") && interest.read_into.len() == 2);
        for n in 0..2 * MAX_READ_INTO {
            interest.reads(runs("Read", &format!("V{n},menu")).as_bytes());
        }
        assert_eq!(interest.read_into.len(), MAX_READ_INTO);
        assert!(interest.variable(b"V127") && !interest.variable(b"CHOICE"));
    }

    #[test]
    fn an_event_can_be_asked_for_by_name() {
        assert_eq!(Interest::tracker().event(b"PeerEntry"), Need::No);
        assert_eq!(Interest::tracker().and("PeerEntry").event(b"PeerEntry"), Need::Yes);
    }

    #[test]
    fn the_end_of_any_list_is_wanted() {
        assert_eq!(Interest::tracker().event(b"PeerlistComplete"), Need::Yes);
    }
}
