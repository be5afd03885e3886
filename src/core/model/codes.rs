//! Codes of dispositions: what can be said of a call beside its status, which calls get them by rule, and what they mean for callbacks.

use super::{AskedBy, CallKey, CallbackRow, Direction, E164, FinishedCall, Outcome, PbxId, Tag, text_enum};
use crate::millis::Millis;
use crate::order::Gather as _;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The disposition of a caller who needs no callback: they said so by `CallbackDecline`.
pub const DECLINED: &str = "CALLBACK_DECLINED";
/// A rule has the customer of a callback's own call called again after this time at the soonest, ms: one that fits all of its own callbacks would
/// have a customer called for ever.
pub const MIN_AFTER_OURS_MS: Millis = 3_600_000;
/// The disposition of a caller who asked to be called back, by [`CALLER`]; its note is the queue that the dialplan named with it.
pub const ASKED: &str = "CALLBACK";
/// The time that a caller named with their wish, as the dialplan said it: the note of this tag, which [`CALLER`] sets.
pub const NAMED_TIME: &str = "CALLBACK_AT";
/// Who sets [`ASKED`] where the call's outcome does not say it, as in closed hours.
pub(crate) const CALLER: &str = "caller";
/// Who sets what follows from the call itself.
pub const RULE: &str = "rule";

/// Longest code, bytes.
pub const MAX_CODE: usize = 64;
/// Codes at most, those that are shipped included.
pub const MAX_CODES: usize = 500;

const DAY_MS: Millis = 86_400_000;

text_enum! {
    /// What a code means for callbacks.
    OnCallback {
        /// Nothing.
        None = "none",
        /// The number goes on the do-not-call list.
        Suppress = "suppress",
        /// The customer is called back.
        Request = "request",
    }
}

/// One code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Code {
    /// The word: letters, digits, `_` and `-`, at most [`MAX_CODE`].
    pub code: String,
    /// For people.
    pub label: String,
    /// What it is counted with in reports; empty if nothing.
    pub group: String,
    /// Calls with it went as the business wishes.
    pub success: bool,
    /// What it means for callbacks.
    pub callback: OnCallback,
    /// A requested callback: not sooner after the code was set, ms.
    pub after_ms: Millis,
    /// A suppression holds so long (`None`: for ever), a requested callback is open so long from when it is due (`None`: as
    /// `callback.expire_requested` says); ms.
    pub expires_ms: Option<Millis>,
    /// Calls that get it by themselves: those that one of these fits.
    pub rules: Vec<CodeRule>,
}

/// Which calls get a code by themselves. All that is said must hold; an empty list says nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CodeRule {
    /// The call has one of these outcomes.
    pub outcomes: BTreeSet<Outcome>,
    /// It has one of these directions.
    pub directions: BTreeSet<Direction>,
    /// It was on one of these PBXs.
    pub pbxs: BTreeSet<PbxId>,
    /// It was in one of these queues last, or was answered there.
    pub queues: BTreeSet<String>,
    /// It was to one of these numbers of ours, or showed it.
    pub dids: BTreeSet<String>,
    /// The customer talked with a person for this time (ms) or longer.
    pub talk_from_ms: Option<Millis>,
    /// The customer talked with a person for less than this time, ms.
    pub talk_below_ms: Option<Millis>,
}

impl CodeRule {
    /// It says nothing: it would fit every call.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// All that it says holds for this call.
    #[must_use]
    pub fn fits(&self, call: &FinishedCall) -> bool {
        let one_of = |texts: &BTreeSet<String>, text: Option<&str>| {
            texts.is_empty() || text.is_some_and(|text| texts.contains(text))
        };
        (self.outcomes.is_empty() || self.outcomes.contains(&call.outcome))
            && (self.directions.is_empty() || self.directions.contains(&call.direction))
            && (self.pbxs.is_empty() || self.pbxs.contains(&call.pbx))
            && one_of(&self.queues, call.queue.as_deref())
            && one_of(&self.dids, call.did.as_deref())
            && self.talk_from_ms.is_none_or(|from| call.talk_ms >= from)
            && self.talk_below_ms.is_none_or(|below| call.talk_ms < below)
    }
}

/// All codes that are known. A call may have another one: the dialplan may say any word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Codes(Arc<BTreeMap<String, Code>>);

impl Codes {
    /// What is shipped, with these in addition or in its place.
    pub fn new(configured: impl IntoIterator<Item = Code>) -> Self {
        let all = shipped().chain(configured);
        Self(Arc::new(all.map(|code| (code.code.clone(), code)).to_map()))
    }

    /// The code of this word.
    #[must_use]
    pub fn get(&self, code: &str) -> Option<&Code> {
        self.0.get(code)
    }

    /// All, by their words.
    pub fn iter(&self) -> impl Iterator<Item = &Code> {
        self.0.values()
    }

    /// The codes that this call gets by rule, as of its end.
    pub fn by_rule(&self, call: &FinishedCall) -> impl Iterator<Item = Tag> {
        let fitting = self.iter().filter(|code| code.rules.iter().any(|rule| rule.fits(call)));
        fitting.map(|code| Tag {
            code: code.code.clone(),
            note: String::new(),
            by: RULE.to_owned(),
            at_ms: call.ended_ms,
        })
    }

    /// Adds to a call what it gets by rule.
    pub(crate) fn tag(&self, call: &mut FinishedCall) {
        let new =
            self.by_rule(call).filter(|new| !call.tags.iter().any(|tag| (&tag.code, &tag.by) == (&new.code, &new.by)));
        let new: Vec<Tag> = new.collect();
        call.tags.extend(new);
    }
}

impl Default for Codes {
    fn default() -> Self {
        Self::new([])
    }
}

/// What a code needs to know of the call that has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodedCall {
    /// Which call it is.
    pub call: CallKey,
    /// The customer's number, if it can be called.
    pub number: Option<E164>,
    /// The customer's name.
    pub name: Option<String>,
    /// As the row has it.
    pub queue: Option<String>,
    /// As the row has it.
    pub did: Option<String>,
    /// As the row has it.
    pub language: Option<String>,
    /// It belongs to a callback: it stays with that one.
    pub of_callback: bool,
    /// It ended, ms since 1970 UTC.
    pub ended_ms: Millis,
    /// The time that its caller named for a callback, as they named it.
    pub named_time: Option<String>,
}

/// What is said of a customer's calls when a code is taken off one of them: what that code meant holds on where another one means it too.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Said {
    /// All codes of the call, the one that is taken off among them.
    pub of_call: Vec<Tag>,
    /// Those of the customer's other calls that keep a number from being called.
    pub elsewhere: Vec<Tag>,
    /// The customer's last callbacks, as far back as the do-not-call list closed them, the oldest first.
    pub closed: Vec<ClosedByList>,
    /// Codes of the customer's calls that ask for a callback, and that no callback has followed: the number was on the list.
    pub unheeded: Vec<(FinishedCall, Tag)>,
}

/// A callback that the do-not-call list closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClosedByList {
    /// As it is stored.
    pub row: CallbackRow,
    /// A person held it back before.
    pub held: bool,
    /// The missed calls behind it.
    pub misses: Vec<CallKey>,
    /// The codes that ask for it still.
    pub asked: Vec<AskedBy>,
}

impl From<&FinishedCall> for CodedCall {
    fn from(call: &FinishedCall) -> Self {
        Self {
            call: call.key(),
            number: call.number_e164.clone(),
            name: call.name.clone(),
            queue: call.queue.clone(),
            did: call.did.clone(),
            language: call.language.clone(),
            of_callback: call.callback_id.is_some(),
            ended_ms: call.ended_ms,
            named_time: call
                .tags
                .iter()
                .find(|tag| tag.code == NAMED_TIME && tag.by == CALLER)
                .map(|tag| tag.note.clone()),
        }
    }
}

/// A word that can be a code.
#[must_use]
pub fn is_code(code: &str) -> bool {
    (1..=MAX_CODE).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

/// What a code is where nothing is configured. The table `codes` begins with the same (`store/migrations`; a test compares them).
fn shipped() -> impl Iterator<Item = Code> {
    use OnCallback::{None as Nothing, Request, Suppress};
    let plain = |code: &str, label: &str, group: &str, success| Code {
        code: code.to_owned(),
        label: label.to_owned(),
        group: group.to_owned(),
        success,
        callback: Nothing,
        after_ms: 0,
        expires_ms: None,
        rules: Vec::new(),
    };
    let with = |code: &str, label: &str, group: &str, callback, after_ms, expires_ms| Code {
        callback,
        after_ms,
        expires_ms,
        ..plain(code, label, group, false)
    };
    [
        // What follows from the outcome.
        plain("NO_ANSWER", "Nobody answered", "missed", false),
        plain("BUSY", "Everyone was busy", "missed", false),
        plain("ABANDONED", "The caller gave up", "missed", false),
        plain("DISCONNECTED", "Lost in a transfer", "missed", false),
        plain("VOICEMAIL", "Left a message", "missed", false),
        with(ASKED, "Asked to be called back", "callback", Request, 0, None),
        plain(NAMED_TIME, "Named the time of the callback", "callback", false),
        plain(DECLINED, "Needs no callback", "callback", false),
        with("FOLLOW_UP", "To be followed up", "callback", Request, DAY_MS, None),
        plain("INTERESTED", "Interested", "sales", false),
        plain("NOT_INTERESTED", "Not interested", "sales", false),
        plain("DEMO_BOOKED", "Demonstration booked", "sales", true),
        plain("MEETING_SET", "Meeting set", "sales", true),
        plain("DEAL_CLOSED", "Deal closed", "sales", true),
        plain("RESOLVED", "Question answered", "service", true),
        plain("COMPLAINT", "Complaint", "service", false),
        with("DO_NOT_CONTACT", "Does not want to be called", "refused", Suppress, 0, Some(365 * DAY_MS)),
        with("WRONG_NUMBER", "Wrong number", "refused", Suppress, 0, None),
        with("SPAM", "Unwanted call", "refused", Suppress, 0, Some(365 * DAY_MS)),
    ]
    .into_iter()
}
