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
}

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
        Self { everything: true, more: Vec::new() }
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

    pub(crate) fn variable(&self, name: &[u8]) -> bool {
        // One or two leading underscores mark a variable that channels inherit (`pbx_variables.c`).
        let own = name.iter().position(|&byte| byte != b'_').map_or(&b""[..], |start| &name[start..]);
        self.everything
            || matches!(name, b"QUEUESTATUS" | b"DIALSTATUS" | b"VMSTATUS" | b"RECORD_STATUS")
            || own.starts_with(b"CALLBACKD_")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_variables_that_decide_something_are_wanted() {
        let interest = Interest::tracker();
        for wanted in ["QUEUESTATUS", "DIALSTATUS", "VMSTATUS", "RECORD_STATUS", "CALLBACKD_TAG", "__CALLBACKD_ID"] {
            assert!(interest.variable(wanted.as_bytes()), "{wanted}");
        }
        for unwanted in ["BRIDGEPEER", "DIALSTATUSX", "CALLBACK_ID", "", "__", "X_CALLBACKD_"] {
            assert!(!interest.variable(unwanted.as_bytes()), "{unwanted}");
        }
        assert!(Interest::everything().variable(b"BRIDGEPEER"));
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
