//! A customer calls: the trunk, the menu, and the way to a queue.

use super::call::{Call, Id, Stage};
use super::channel::ChannelState;
use super::office::{CLOSED, Entry, MENU, TRUNK};
use super::pbx::{Pbx, Step};
use super::people::Caller;
use super::seats::Device;
use super::truth::Fate;

/// From the answer to the queue, ms.
const TO_QUEUE_MS: i64 = 500;
/// The announcement of an office that is closed, ms.
const CLOSED_MS: i64 = 3_500;

impl Pbx {
    pub(super) fn arrive(&mut self, caller: Caller) {
        let id = self.channel(TRUNK, ChannelState::Ring, None, None);
        let (number, name, did) = (caller.number.clone(), caller.name.clone(), caller.did.clone());
        let patience = caller.patience_ms;
        self.change(id, |c| {
            c.caller = (number, name);
            c.exten = did.clone();
        });
        let call = Call {
            first: id,
            second: None,
            stage: Stage::Arriving,
            caller: caller.clone(),
            asked: None,
            queue: None,
            agent: None,
            joined_ms: self.now,
            rings_ms: self.now,
            talks_ms: None,
            bridge: None,
            transferred: false,
            kindest: None,
            dialled_ms: None,
        };
        self.calls.insert(id, call);
        self.tell("Newchannel", "call", id, &[]);
        let entry = self.office.dids.iter().find(|(number, _)| *number == did).map(|(_, entry)| entry.clone());
        match entry {
            Some(Entry::Queue(queue)) => {
                self.runs(id, 1, "NoOp", &format!("{queue} queue"));
                self.picks_up(id, 2);
                self.later(TO_QUEUE_MS, Step::Join(id, queue));
            }
            Some(Entry::Menu(_)) => {
                self.picks_up(id, 1);
                self.runs(id, 2, "Goto", &format!("{MENU},s,1"));
                self.change(id, |c| {
                    c.context = MENU.to_owned();
                    c.exten = "s".to_owned();
                });
                self.runs(id, 1, "NoOp", "IVR");
                self.runs(id, 2, "WaitExten", "5");
                match caller.key {
                    Some((key, ms)) => self.later(ms, Step::Key(id, key)),
                    None => self.later(patience, Step::GiveUp(id)),
                }
            }
            Some(Entry::Closed) => {
                self.picks_up(id, 1);
                self.runs(id, 2, "Goto", &format!("{CLOSED},s,1"));
                self.change(id, |c| {
                    c.context = CLOSED.to_owned();
                    c.exten = "s".to_owned();
                });
                self.runs(id, 1, "Playback", "we-are-closed");
                self.announces(id, CLOSED_MS);
            }
            None => {
                self.over(id, Fate::LostInMenu);
                self.hang_up(id, 1);
            }
        }
    }

    /// The caller hears an announcement, or leaves a message, for so long.
    pub(super) fn announces(&mut self, id: Id, ms: i64) {
        if let Some(call) = self.calls.get_mut(&id) {
            call.stage = Stage::Announcement;
        }
        self.later(ms, Step::Announced(id));
    }

    /// And hangs up.
    pub(super) fn announced(&mut self, id: Id) {
        let Some(call) = self.calls.get(&id).filter(|call| call.stage == Stage::Announcement) else { return };
        let message = call.queue.is_some();
        self.tell("HangupRequest", "call", id, &[("Cause", "16")]);
        if message {
            self.sets(id, "VMSTATUS", "SUCCESS");
        }
        self.ends(id, None, Fate::Unattended);
    }

    fn picks_up(&mut self, id: Id, priority: u32) {
        self.runs(id, priority, "Answer", "");
        self.becomes(id, ChannelState::Up);
        self.set_trunk(Device::InUse);
    }

    pub(super) fn press(&mut self, id: Id, key: char) {
        let Some(call) = self.calls.get(&id) else { return };
        let entry = self.office.dids.iter().find(|(number, _)| *number == call.caller.did);
        let Some((_, Entry::Menu(keys))) = entry else { return };
        let Some((_, queue)) = keys.iter().find(|(k, _)| *k == key).cloned() else {
            // A wrong key: the caller hears so, and hangs up when patience ends.
            let patience = call.caller.patience_ms;
            self.change(id, |c| c.exten = "i".to_owned());
            self.runs(id, 1, "Playback", "invalid");
            return self.later(patience, Step::GiveUp(id));
        };
        self.change(id, |c| c.exten = key.to_string());
        self.runs(id, 1, "NoOp", &format!("{queue} queue"));
        self.join(id, &queue);
    }

    /// The caller hangs up before anybody answered.
    pub(super) fn give_up(&mut self, id: Id) {
        match self.calls.get(&id).map(|call| call.stage) {
            Some(Stage::Arriving) => {
                self.tell("HangupRequest", "call", id, &[("Cause", "16")]);
                self.ends(id, None, Fate::LostInMenu);
            }
            Some(Stage::Waiting) => self.abandon(id),
            _ => {}
        }
    }
}
