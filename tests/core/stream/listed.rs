//! What Asterisk would list at a moment, worked out from the events before it.

use std::collections::BTreeMap;

use callbackd_core::ami::event::Event;
use callbackd_core::ami::{Frame, Stamped};

use super::{Line, frames, stamp};

/// What Asterisk would list, kept by a reader of its events that knows nothing of calls.
#[derive(Default)]
pub struct Listed {
    /// By uniqueid: the channel, its application and what that was given, its bridge and when it was made.
    channels: BTreeMap<String, (Line, [String; 2], String, i64)>,
    /// Queue, uniqueid and joined.
    waiting: Vec<(String, String, i64)>,
}

impl Listed {
    fn line(c: &callbackd_core::ami::event::Channel<'_>) -> Line {
        let mut line = Line::new(&c.name, &c.uniqueid, &c.linkedid, &c.caller_num, &c.context, &c.exten);
        line.state = c.state;
        line
    }

    pub fn take(&mut self, frame: &Frame) {
        let (stamped, at) = (Stamped::parse(frame).unwrap(), stamp(frame));
        match &stamped.event {
            Event::Newchannel(c) => {
                let entry = (Self::line(c), Default::default(), String::new(), at);
                self.channels.insert(c.uniqueid.to_string(), entry);
            }
            Event::Newexten { channel: c, application, data, .. } => {
                self.refresh(c);
                self.channels.get_mut(&*c.uniqueid).unwrap().1 = [application, data].map(ToString::to_string);
            }
            Event::DialBegin { dest, .. } => {
                self.refresh(dest);
                self.channels.get_mut(&*dest.uniqueid).unwrap().1 = ["AppDial", "(Outgoing Line)"].map(str::to_owned);
            }
            Event::AgentCalled { dest, .. } => {
                self.refresh(dest);
                self.channels.get_mut(&*dest.uniqueid).unwrap().1 = ["AppQueue", "(Outgoing Line)"].map(str::to_owned);
            }
            Event::Newstate(c) | Event::NewCallerid(c) => self.refresh(c),
            Event::Rename { new_name, uniqueid, .. } => {
                if let Some(entry) = self.channels.get_mut(&**uniqueid) {
                    entry.0.name = new_name.to_string();
                }
            }
            Event::BridgeEnter { bridge, channel, .. } => {
                self.refresh(channel);
                self.channels.get_mut(&*channel.uniqueid).unwrap().2 = bridge.uniqueid.to_string();
            }
            Event::BridgeLeave { channel, .. } => {
                self.refresh(channel);
                self.channels.get_mut(&*channel.uniqueid).unwrap().2.clear();
            }
            Event::Hangup { channel, .. } => {
                self.channels.remove(&*channel.uniqueid);
                self.waiting.retain(|w| w.1 != channel.uniqueid);
            }
            Event::QueueCallerJoin { channel, queue, .. } => {
                self.waiting.push((queue.to_string(), channel.uniqueid.to_string(), at));
            }
            Event::QueueCallerLeave { channel, queue } => {
                self.waiting.retain(|w| !(w.0 == *queue && w.1 == channel.uniqueid));
            }
            _ => {}
        }
    }

    fn refresh(&mut self, c: &callbackd_core::ami::event::Channel<'_>) {
        if let Some(entry) = self.channels.get_mut(&*c.uniqueid) {
            entry.0 = Self::line(c);
        }
    }

    /// The items of `CoreShowChannels` and `QueueStatus` at a moment: queues first, as the daemon asks for them.
    pub fn frames(&self, at: i64, channels_backwards: bool) -> Vec<Frame> {
        let mut text = String::new();
        for (n, (queue, uniqueid, joined)) in self.waiting.iter().enumerate() {
            let (position, wait) = ((n + 1).to_string(), ((at - joined) / 1000).to_string());
            let name = &self.channels[uniqueid].0.name;
            text += &super::text(
                "QueueEntry",
                &[
                    ("Queue", queue),
                    ("Position", &position),
                    ("Channel", name),
                    ("Uniqueid", uniqueid),
                    ("Wait", &wait),
                ],
            );
        }
        let mut items: Vec<String> = self
            .channels
            .values()
            .map(|(line, [application, data], bridge, made)| {
                line.listed_in((application, data), bridge, u32::try_from((at - made) / 1000).unwrap())
            })
            .collect();
        if channels_backwards {
            items.reverse();
        }
        frames((text + &items.concat()).as_bytes())
    }
}
