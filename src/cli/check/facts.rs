//! What a PBX reports about itself and about the rights of our user: gathered, not yet judged.

use super::dialplan::Dialplan;
use super::paths::Member;
use callbackd_core::ami::{Frame, Kind, SnapshotSize};
use callbackd_core::model::sign::Sign;
use std::collections::{BTreeMap, BTreeSet};

/// The variable that is set so that a `VarSet` comes back. Nothing reads it.
pub(crate) const PROBE_VARIABLE: &str = "CALLBACKD_CHECK";
/// The event that is raised, where the user may, so that it comes back.
pub(crate) const PROBE_EVENT: &str = "CallbackdCheck";

/// Everything that was learnt on one visit.
#[derive(Debug, Clone, Default)]
pub(crate) struct Facts {
    /// The protocol's version, from the greeting.
    pub(crate) ami: String,
    /// `AsteriskVersion` of `CoreSettings`.
    pub(crate) version: Option<String>,
    /// Whether `FullyBooted` came.
    pub(crate) booted: bool,
    /// By how much Asterisk's clock is ahead of this machine's, ms.
    pub(crate) clock_ahead_ms: Option<i64>,
    /// Lists that were refused after the login: the action and Asterisk's words.
    pub(crate) refused: Vec<(&'static str, String)>,
    /// What the lists held.
    pub(crate) size: SnapshotSize,
    /// Queues and how many members each has.
    pub(crate) queues: BTreeMap<String, u32>,
    /// Their members.
    pub(crate) members: BTreeSet<Member>,
    /// Devices by which callbacks dial and that there are not.
    pub(crate) absent_devices: BTreeSet<String>,
    /// Contexts that channels are in now.
    pub(crate) live_contexts: BTreeSet<String>,
    /// All contexts, as far as the dialplan could be listed.
    pub(crate) contexts: Option<BTreeSet<String>>,
    /// What they take.
    pub(crate) dialplan: Dialplan,
    /// The dialplan's patterns that fit anything, by context and extension, and whether a step there filters what came.
    pub(crate) open_patterns: BTreeMap<(String, String), bool>,
    /// The actions that our user may call, each with the classes of which one suffices. `None` if they could not be listed.
    pub(crate) actions: Option<BTreeMap<String, BTreeSet<String>>>,
    /// The read classes of live events that came, each with the first event's name.
    pub(crate) seen: BTreeMap<String, String>,
    /// Whether live events carry a `Timestamp`; `None` while none came.
    pub(crate) stamped: Option<bool>,
    /// Events that were raised on purpose.
    pub(crate) raised: BTreeSet<&'static str>,
    /// What Asterisk holds of who makes callbacks there; `None`: nothing, or it could not be read.
    pub(crate) sign: Option<Sign>,
    /// `manager.conf` as Asterisk would read it now.
    pub(crate) conf: ManagerConf,
}

/// Values of `manager.conf`, read with the dialplan function `AST_CONFIG` (`funcs/func_config.c`), which follows its includes. `None`:
/// not there, or it could not be read.
#[derive(Debug, Clone, Default)]
pub(crate) struct ManagerConf {
    /// `read` of our user's section.
    pub(crate) read: Option<String>,
    /// `write` of our user's section.
    pub(crate) write: Option<String>,
    /// `writetimeout` of our user's section, milliseconds.
    pub(crate) writetimeout: Option<String>,
    /// `timestampevents` of `[general]`.
    pub(crate) timestampevents: Option<String>,
}

impl Facts {
    /// Takes an event, live or of a list.
    pub(crate) fn event(&mut self, frame: &Frame) {
        let Kind::Event(name) = frame.kind() else { return };
        let text = |key| frame.text(key).unwrap_or_default().into_owned();
        match name {
            b"QueueParams" => {
                self.queues.entry(text("Queue")).or_default();
            }
            b"QueueMember" => {
                *self.queues.entry(text("Queue")).or_default() += 1;
                let member = Member { interface: text("Location"), state_interface: text("StateInterface") };
                self.members.insert(member);
            }
            b"CoreShowChannel" => {
                self.live_contexts.insert(text("Context"));
            }
            b"ListDialplan" => {
                self.dialplan.take(frame);
                self.contexts.get_or_insert_default().insert(text("Context"));
                let extension = text("Extension");
                if is_open(&extension) {
                    let filters = self.open_patterns.entry((text("Context"), extension)).or_default();
                    *filters |= text("AppData").contains("FILTER(");
                }
            }
            _ => {}
        }
        // Items of lists have no class. `FullyBooted` is written by the login itself and is never stamped.
        let Some(classes) = frame.text("Privilege") else { return };
        for class in classes.split(',').filter(|class| *class != "all") {
            self.seen.entry(class.to_owned()).or_insert_with(|| String::from_utf8_lossy(name).into_owned());
        }
        if name != b"FullyBooted" {
            self.stamped = Some(frame.get("Timestamp").is_some());
        }
    }

    /// Takes the answer to `ListCommands`: `<action>: <synopsis>  (Priv: <class>,…)`.
    pub(crate) fn list_commands(&mut self, response: &Frame) {
        let mut actions = BTreeMap::new();
        for header in response.headers() {
            let (name, text) = (String::from_utf8_lossy(header.key), String::from_utf8_lossy(header.value));
            let Some(classes) = text.rsplit_once("(Priv: ").and_then(|(_, rest)| rest.strip_suffix(')')) else {
                continue;
            };
            let classes = classes.split(',').map(str::trim).filter(|class| !matches!(*class, "all" | "<none>"));
            actions.insert(name.into_owned(), classes.map(str::to_owned).collect());
        }
        self.actions = (!actions.is_empty()).then_some(actions);
    }

    /// Our user may call this action.
    #[must_use]
    pub(crate) fn may(&self, action: &str) -> bool {
        self.actions.as_ref().is_some_and(|actions| actions.contains_key(action))
    }
}

/// A pattern that ends in anything (`_X.`, `_!`): line breaks are part of it.
fn is_open(extension: &str) -> bool {
    extension.starts_with('_') && extension.contains(['.', '!'])
}

/// Whether a list of classes as in `manager.conf` (`system,call,…` or `all`) has this one.
#[must_use]
pub(crate) fn grants(list: &str, class: &str) -> bool {
    list.split(',').map(str::trim).any(|word| word.eq_ignore_ascii_case(class) || word.eq_ignore_ascii_case("all"))
}
