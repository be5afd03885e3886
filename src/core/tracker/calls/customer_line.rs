//! Customers' lines: who of them is on one and with whom they talk, emitted while calls are in progress.

use crate::model::number::Number;
use crate::model::progress::{Line, LineChange};
use crate::model::{CallKey, E164, PbxId};
use crate::tracker::calls::call::{Call, Origin, Stage};
use crate::tracker::table::Slot;
use crate::tracker::{Output, Tracker};

/// A number as it was read: once for each call, as long as it is the same.
#[derive(Debug)]
pub(crate) struct Read {
    /// As the network sent it.
    pub raw: String,
    /// In E.164, if it can be called.
    pub e164: Option<E164>,
}

/// What has been emitted of a customer's line, and is to be released when the call is over.
#[derive(Debug)]
pub(crate) struct Reported {
    /// The customer.
    number: E164,
    /// The customer called us.
    inbound: bool,
    /// With whom the customer talks was emitted too.
    talking: bool,
}

impl Tracker {
    /// Emits what the event meant to customers' lines and to our attempts.
    pub(crate) fn record_marked(&mut self) {
        let mut marked = std::mem::take(&mut self.calls.marked);
        for call in marked.drain(..) {
            if self.calls.get(call).is_some() {
                self.calls.weigh(call);
                self.progress_changes(call);
                self.line_changes(call);
                self.attempts_advance(call);
            }
        }
        self.calls.marked = marked;
        // The call that one has merged into is emitted as busy first: no line seems free in between.
        self.outputs.extend(self.calls.freed.drain(..).map(Output::Line));
    }

    /// It has an outside party, and is not over. What was emitted as busy is busy until the call is recorded.
    fn holds_a_line(&self, call: &Call) -> bool {
        let outside = match call.origin {
            Origin::Trunk => true,
            Origin::Extension => call.trunk_dialled,
            Origin::Callback => false,
        };
        let there = || call.origin != Origin::Trunk || self.topology.channel(call.first).ended_ms.is_none();
        outside
            && !call.orphaned
            && call.stage != Stage::Recorded
            && (call.line.is_some() || (call.live > 0 && there()))
    }

    fn line_changes(&mut self, slot: Slot) {
        let call = &self.calls[slot];
        if !self.holds_a_line(call) {
            self.line_frees(slot);
            return;
        }
        if call.number.as_deref() != call.read.as_ref().map(|r| &*r.raw) {
            let read = call.number.clone().map(|raw| Read { e164: self.e164(&raw), raw });
            self.calls.call_mut(slot).number_is_read(read);
        }
        let call = &self.calls[slot];
        let inbound = call.origin == Origin::Trunk;
        let number = call.read.as_ref().and_then(|r| r.e164.as_ref());
        let reported = call.line.as_ref().map(|l| (&l.number, l.inbound));
        if reported != number.map(|number| (number, inbound)) {
            let number = number.cloned();
            self.line_frees(slot);
            if let Some(number) = number {
                self.calls.call_mut(slot).line_is_busy(number, inbound);
                self.report_line(slot, Line::Busy);
            }
        }
        let call = &self.calls[slot];
        let Some(first_ms) = call.talk.first_ms.filter(|_| call.line.as_ref().is_some_and(|l| !l.talking)) else {
            return;
        };
        // Of a talk that is found nobody knows the beginning: it is no earlier than the call's.
        let since_ms = if self.coverage.finds_out() { call.started_ms } else { first_ms };
        let talked = call.people.iter().filter(|p| p.talk.first_ms.is_some()).min_by_key(|p| p.talk.first_ms);
        let Some(person) = talked else { return };
        let known = self.presence.find(&person.interface);
        let agent = known.map_or_else(|| person.interface.to_string(), |a| self.presence.agent(a).id.to_string());
        self.calls.call_mut(slot).line_talks();
        self.report_line(slot, Line::Talking { agent, since_ms });
    }

    fn e164(&self, number: &str) -> Option<E164> {
        match self.rules.numbering.classify(number) {
            Number::Callable(e164) => Some(e164),
            _ => None,
        }
    }

    /// The number of a call's other party in E.164, read anew only where nobody has read it yet.
    pub(crate) fn number_e164(&self, call: &Call) -> Option<E164> {
        let number = call.number.as_deref()?;
        match &call.read {
            Some(read) if read.raw == number => read.e164.clone(),
            _ => self.e164(number),
        }
    }

    fn report_line(&mut self, slot: Slot, what: Line) {
        if let Some(change) = change(&self.pbx, &self.calls[slot], what) {
            self.outputs.push_back(Output::Line(change));
        }
    }

    fn line_frees(&mut self, slot: Slot) {
        if self.calls[slot].line.is_some() {
            self.report_line(slot, Line::Free);
            self.calls.call_mut(slot).line_is_free();
        }
    }

    /// Releases the customer line of a call that was merged or dropped.
    pub(crate) fn line_of_a_call_gone(&mut self, gone: &Call) {
        self.calls.freed.extend(change(&self.pbx, gone, Line::Free));
    }
}

impl Call {
    /// The number of its other party was read.
    fn number_is_read(&mut self, read: Option<Read>) {
        self.read = read;
    }

    /// The customer's line was emitted as busy.
    fn line_is_busy(&mut self, number: E164, inbound: bool) {
        self.line = Some(Reported { number, inbound, talking: false });
    }

    /// With whom the customer talks was emitted too.
    fn line_talks(&mut self) {
        if let Some(line) = &mut self.line {
            line.talking = true;
        }
    }

    /// The customer's line was emitted as free.
    fn line_is_free(&mut self) {
        self.line = None;
    }
}

fn change(pbx: &PbxId, call: &Call, what: Line) -> Option<LineChange> {
    let line = call.line.as_ref()?;
    Some(LineChange {
        number_e164: line.number.clone(),
        call: CallKey::new(pbx, &call.linkedid),
        inbound: line.inbound,
        what,
    })
}
