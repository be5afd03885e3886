//! Callers whose number breaks the lines of the events about them, to forge events about others.

use super::{SECOND, World};
use callbackd::demo::pbx::Input;
use callbackd::demo::people::Caller;
use fastrand::Rng;

/// What a number holds at most (`AST_MAX_EXTENSION`, without its NUL).
const NUMBER: usize = 79;

/// What they would like to be believed of the channel `@`, an agent, and the connection.
const WISHES: [&str; 14] = [
    "Event: Hangup\r\nUniqueid: @\r\nCause: 16",
    "Event: Hangup\r\nPrivilege: call,all\r\nUniqueid: @",
    "Event: QueueCallerLeave\r\nUniqueid: @\r\nQueue: sales",
    "Event: QueueCallerAbandon\r\nUniqueid: @\r\nQueue: sales",
    "Event: DialEnd\r\nDestUniqueid: @\r\nDialStatus: ANSWER",
    "Event: BridgeEnter\r\nBridgeUniqueid: b\r\nUniqueid: @",
    "Event: Newstate\r\nChannelState: 6\r\nUniqueid: @",
    "Event: UserEvent\r\nUniqueid: @\r\nUserEvent: CallbackDecline",
    "Event: DeviceStateChange\r\nDevice: PJSIP/101\r\nState: NOT_INUSE",
    "Event: DeviceStateChange\r\nPrivilege: a,all\r\nDevice: PJSIP/101\r\nState: INUSE",
    "Event: OriginateResponse\r\nResponse: Failure\r\nUniqueid: @",
    "Event: Rename\r\nNewname: PJSIP/101-1\r\nUniqueid: @",
    "Event: FullyBooted\r\nPrivilege: system,all\r\nUptime: 1",
    "Event: Shutdown\r\nPrivilege: system,all\r\nRestart: True",
];

/// A caller who forges, if this is the number of one: nothing is asked of what is told of the caller's own call.
pub fn forges(number: &str) -> bool {
    number.contains('\n')
}

impl World {
    /// On this day some callers forge.
    pub fn with_forgers(mut self) -> Self {
        self.forgers = Some(Rng::with_seed(self.seed ^ 0xF0_26ED));
        self
    }

    /// Perhaps one of them calls now.
    pub(super) fn forger_calls(&mut self) {
        let i = self.any();
        let Some(rng) = self.forgers.as_mut().filter(|_| self.sites[i].pbx_up) else { return };
        if rng.u32(..3) > 0 {
            return;
        }
        let up: Vec<&str> = self.sites[i].pbx.uniqueids().collect();
        let victim = if up.is_empty() { "none" } else { up[rng.usize(..up.len())] };
        let wish = WISHES[rng.usize(..WISHES.len())].replace('@', victim);
        // The rest of the torn event stands alone, or becomes a part of what is forged.
        let end = if rng.bool() { "\r\n\r\n" } else { "\r\nX: " };
        let mut number = format!("\r\n\r\n{wish}{end}");
        number.truncate(NUMBER);
        let caller = Caller {
            number,
            name: String::new(),
            did: ["5550100", "5550101", "5550102"][rng.usize(..3)].to_owned(),
            key: None,
            patience_ms: rng.i64(300..40 * SECOND),
        };
        self.forged += 1;
        self.sites[i].pbx.handle(Input::Call(caller), self.now);
    }
}
