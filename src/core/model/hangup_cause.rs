//! Hangup causes (ITU-T Q.850, as Asterisk's `causes.h` has them) in the classes that decide something here.

/// What a hangup cause says. The cause in a row stays the number that Asterisk sent: this is what it means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum HangupCause {
    /// There is no such number: 1 unallocated, 2 and 3 no route, 22 number changed, 28 invalid format.
    NoSuchNumber,
    /// 17: user busy.
    Busy,
    /// Nobody took it: 18 no user responding, 19 user alerted but no answer.
    NoAnswer,
    /// 21: call rejected, by a SIP 403 or 603 too.
    Rejected,
    /// The number exists, its phone is out of reach: 20 subscriber absent, 27 destination out of order.
    Unreachable,
    /// 26: somebody else answered.
    AnsweredElsewhere,
    /// The network's fault: 34 no circuit, 38 out of order, 41 temporary failure, 42 switch congested, 44 channel not available.
    Congestion,
    /// Bearer and codec: 58 not available, 65 and 79 not implemented, 88 incompatible.
    Incompatible,
    /// Any other, which decides nothing: 16 normal clearing is the usual one; 0 not defined and 127 interworking are what a SIP CANCEL comes as.
    Other,
}

impl HangupCause {
    /// The class of a cause as Asterisk sends it.
    #[must_use]
    pub(crate) const fn of(cause: u16) -> Self {
        match cause {
            1..=3 | 22 | 28 => Self::NoSuchNumber,
            17 => Self::Busy,
            18 | 19 => Self::NoAnswer,
            20 | 27 => Self::Unreachable,
            21 => Self::Rejected,
            26 => Self::AnsweredElsewhere,
            34 | 38 | 41 | 42 | 44 => Self::Congestion,
            58 | 65 | 79 | 88 => Self::Incompatible,
            _ => Self::Other,
        }
    }

    /// A phone with this cause that never rang was not there to be rung: absent or out of order, or dialled by a number that does not exist.
    /// For a phone of ours both are one thing. Of a customer's number they are two: it is only [`Self::NoSuchNumber`] that is never dialled again.
    #[must_use]
    pub(crate) const fn is_unavailable(self) -> bool {
        matches!(self, Self::NoSuchNumber | Self::Unreachable)
    }
}

#[cfg(test)]
mod tests {
    use super::HangupCause;

    #[test]
    fn a_phone_that_never_rang_is_unavailable_by_these_causes_only() {
        let causes: Vec<u16> = (0..=200).filter(|cause| HangupCause::of(*cause).is_unavailable()).collect();
        assert_eq!(causes, [1, 2, 3, 20, 22, 27, 28]);
    }

    #[test]
    fn a_number_does_not_exist_by_these_causes_only() {
        let causes: Vec<u16> = (0..=200).filter(|c| HangupCause::of(*c) == HangupCause::NoSuchNumber).collect();
        assert_eq!(causes, [1, 2, 3, 22, 28]);
    }
}
