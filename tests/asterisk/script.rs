//! The language of the scenarios: who calls, what everybody does, and the row that must come of it.

use std::time::Duration;

/// Answers after a second of ringing, talks three seconds, hangs up.
pub const TALKS: &str = "ring-wait:1-answer-wait:3-hangup";
/// Answers after a second of ringing and never hangs up.
pub const STAYS: &str = "ring-wait:1-answer-wait:90-hangup";
/// Rings for ever.
pub const RINGS: &str = "ring-wait:90-hangup";
/// Rejects after a second of ringing.
pub const REJECTS: &str = "ring-wait:1-reject";
/// Is busy at once.
pub const BUSY: &str = "busy";
/// As a caller: never hangs up.
pub const WAITS: &str = "wait:90-hangup";
/// As a phone that dials in: talks three seconds, hangs up.
pub const TALKS_AT_ONCE: &str = "wait:3-hangup";

/// Who calls.
#[derive(Clone, Copy)]
pub enum Caller {
    /// Somebody outside, with a number of their own that the run gives them.
    Outside,
    /// One of our phones.
    Phone(&'static str),
}

/// What somebody does during a call, when an event of the call says that it is time.
#[derive(Clone, Copy)]
pub struct Step {
    /// The event that is awaited; it must belong to the call, and come after that of the step before.
    pub upon: &'static str,
    /// Headers of it, and a part of their value.
    pub having: &'static [(&'static str, &'static str)],
    /// What is done then.
    pub then: PbxAction,
}

/// Something done during a call.
#[derive(Clone, Copy)]
pub enum PbxAction {
    /// One of our phones dials; `@Header` is what that header of the awaited event says.
    Dials {
        /// The phone's extension.
        phone: &'static str,
        /// What it dials.
        number: &'static str,
        /// What it does once answered.
        script: &'static str,
    },
    /// An administrator redirects the caller's channel to this extension.
    Redirects(&'static str),
    /// Another client of the AMI hangs the caller's channel up.
    HangsUp,
    /// The same by a line of Asterisk's CLI.
    HangsUpByCli,
    /// A member pauses in its queue, or comes back.
    Pauses {
        /// Queue.
        queue: &'static str,
        /// The member's interface.
        interface: &'static str,
        /// Pauses.
        paused: bool,
    },
    /// Meanwhile another call is placed, which has a row of its own.
    Places(&'static Scenario),
}

/// One call.
#[derive(Clone, Copy)]
pub struct Scenario {
    /// What happens, in a few words.
    pub name: &'static str,
    /// Who calls.
    pub caller: Caller,
    /// The DID, extension or outside number that is dialled.
    pub dials: &'static str,
    /// What the caller does once the PBX has answered.
    pub script: &'static str,
    /// How long the caller waits for an answer before they cancel.
    pub patience: Duration,
    /// What the called ones do, by number.
    pub parties: &'static [(&'static str, &'static str)],
    /// A module that it needs and that not every Asterisk has; empty for none.
    pub needs: &'static str,
    /// What else happens meanwhile, in order.
    pub steps: &'static [Step],
    /// The row, by the rules for statuses.
    pub row: Row,
}

impl Scenario {
    /// An outside caller of endless patience whom nobody serves.
    pub const OUTSIDE: Self = Scenario {
        name: "",
        caller: Caller::Outside,
        dials: "",
        script: WAITS,
        patience: Duration::from_secs(60),
        parties: &[],
        needs: "",
        steps: &[],
        row: Row::INBOUND,
    };

    /// The two digits that say whose phones and which queue the call uses; scenarios of one cell run one after the other.
    pub fn cell(&self) -> &'static str {
        let own = match self.caller {
            Caller::Phone(extension) => &extension[1..3],
            Caller::Outside => &self.dials[self.dials.len().saturating_sub(2)..],
        };
        match own {
            "89" => "88", // DID 5550189 rings the phones of cell 88
            "91" => "90", // both conference rooms are the phones' of cell 90
            _ => own,
        }
    }
}

/// What must be in the tables. Legs, visits and menus are compared in any order; an agent of `*` may be anybody, `A|B` is either.
#[derive(Clone, Copy)]
pub struct Row {
    /// `calls.direction`.
    pub direction: &'static str,
    /// `calls.status`.
    pub status: &'static str,
    /// `calls.outcome`.
    pub outcome: &'static str,
    /// `calls.agent`; empty for none.
    pub agent: &'static str,
    /// `calls.queue`; empty for none.
    pub queue: &'static str,
    /// `calls.hangup_by`.
    pub hangup_by: &'static str,
    /// `calls.transfers`.
    pub transfers: u32,
    /// `calls.voicemail`.
    pub voicemail: bool,
    /// Seconds that the customer talked with people, from and to.
    pub talk_s: (i64, i64),
    /// Agent and result of each leg.
    pub legs: &'static [(&'static str, &'static str)],
    /// Queue and result of each visit.
    pub visits: &'static [(&'static str, &'static str)],
    /// Context and digits of each menu.
    pub ivr: &'static [(&'static str, &'static str)],
    /// Seconds on hold, from and to.
    pub hold_s: (i64, i64),
    /// Why Asterisk's own CDR say something else about who talked, where they are known to.
    pub cdr_errs: Option<&'static str>,
    /// Why its queue_log says something else, where it is known to.
    pub queue_log_errs: Option<&'static str>,
}

impl Row {
    /// An inbound call that nothing is said about yet.
    pub const INBOUND: Self = Row {
        direction: "inbound",
        status: "",
        outcome: "",
        agent: "",
        queue: "",
        hangup_by: "pbx",
        transfers: 0,
        voicemail: false,
        talk_s: (0, 0),
        legs: &[],
        visits: &[],
        ivr: &[],
        hold_s: (0, 0),
        cdr_errs: None,
        queue_log_errs: None,
    };
    /// Answered by a person who hung up after three seconds.
    pub const ANSWERED: Self =
        Row { status: "ANSWER", outcome: "AGENT", hangup_by: "agent", talk_s: (2, 5), ..Row::INBOUND };
    /// The caller gave up.
    pub const CANCELLED: Self = Row { status: "CANCEL", hangup_by: "customer", ..Row::INBOUND };
    /// Nobody took it.
    pub const UNANSWERED: Self = Row { status: "NOANSWER", outcome: "RING_TIMEOUT", ..Row::INBOUND };

    /// The row as lines that can be compared and read.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = vec![
            format!("direction {}", self.direction),
            format!("status {}", self.status),
            format!("outcome {}", self.outcome),
            format!("agent {}", self.agent),
            format!("queue {}", self.queue),
            format!("hangup_by {}", self.hangup_by),
            format!("transfers {}", self.transfers),
            format!("voicemail {}", u8::from(self.voicemail)),
        ];
        lines.extend(self.legs.iter().map(|(agent, result)| format!("leg {agent} {result}")));
        lines.extend(self.visits.iter().map(|(queue, result)| format!("visit {queue} {result}")));
        lines.extend(self.ivr.iter().map(|(context, digits)| format!("menu {context} {digits}")));
        lines.sort();
        lines
    }
}
