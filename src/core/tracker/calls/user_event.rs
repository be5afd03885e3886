//! What the dialplan says about a call by `UserEvent()`: a wish to be called back, a disposition, a rating.
//!
//! ```text
//! UserEvent(CallbackRequest,Queue: sales)
//! UserEvent(CallbackRequest,At: 2026-11-30T09:30)
//! UserEvent(CallbackRequest,Language: de)
//! UserEvent(CallbackDecline)
//! UserEvent(CallTag,Code: DEAL_CLOSED,Note: order 4711)
//! UserEvent(CallTag,Code: DEAL_CLOSED,Agent: ${CHANNEL(name)})
//! UserEvent(CallRating,Score: 5)
//! UserEvent(AgentReady)
//! ```

use crate::ami::event::{self, Text};
use crate::millis::Millis;
use crate::model::MAX_TAGS;
use crate::model::codes::{ASKED, CALLER, DECLINED, NAMED_TIME, is_code};
use crate::model::text::{is_harmful, is_language};
use crate::model::{Rating, Remarks, Tag};
use crate::tracker::Tracker;
use crate::tracker::calls::call::Call;

/// Longest code, note and name that is kept, in characters.
const MAX_TEXT: usize = 200;

impl Tracker {
    /// Takes a user event that is meant for us. It may come for a call that has just ended; it never makes one.
    pub(crate) fn user_event(
        &mut self,
        name: &str,
        seen: &event::Channel<'_>,
        fields: &[(Text<'_>, Text<'_>)],
        at: Millis,
    ) {
        let field = |wanted: &str| {
            let found = fields.iter().find(|(key, _)| key.eq_ignore_ascii_case(wanted));
            found.map_or(String::new(), |(_, value)| printable(value))
        };
        let is = |wanted: &str| name.eq_ignore_ascii_case(wanted);
        if !["CallbackRequest", "CallbackDecline", "CallTag", "CallRating", "AgentReady"].into_iter().any(is) {
            return;
        }
        let Some(slot) = self.find_channel(seen, at) else {
            self.counters.user_events_refused += 1;
            return;
        };
        if is("AgentReady") {
            let named = Some(field("Agent")).filter(|agent| !agent.is_empty());
            let named = named.unwrap_or_else(|| self.topology.channel(slot).interface().to_owned());
            self.counters.user_events_refused += u64::from(!self.wrapup_done(&named, at));
            return;
        }
        let room = self.calls.have_room();
        let of = self.topology.channel(slot).call;
        let call = self.calls.call_mut(of);
        if is("CallbackRequest") {
            let said = |wanted: &str| -> Option<Box<str>> {
                Some(field(wanted)).filter(|text| !text.is_empty()).map(Into::into)
            };
            let language = said("Language").filter(|word| is_language(word));
            call.callback_requested(said("Queue"), said("At"), language, at);
            return self.progress_changes(of);
        }
        let by = Some(field("By")).filter(|by| !by.is_empty());
        let declines = is("CallbackDecline");
        if declines {
            call.callback_declined();
        }
        let code = if declines { DECLINED.to_owned() } else { field("Code").to_ascii_uppercase() };
        let agent = field("Agent");
        if is("CallTag") && !agent.is_empty() && is_code(&code) {
            return self.agent_event(&agent, code, field("Note"), at);
        }
        let score: Option<f64> = field("Score").parse().ok().filter(|score: &f64| score.is_finite());
        let kept = match score {
            _ if (declines || is("CallTag")) && is_code(&code) => {
                let by = by.unwrap_or_else(|| "dialplan".to_owned());
                call.tagged(Tag { code, note: field("Note"), by, at_ms: at }, room)
            }
            Some(score) if is("CallRating") => {
                call.rated(Rating { score, by: by.unwrap_or_default(), at_ms: at }, room)
            }
            _ => false,
        };
        self.counters.user_events_refused += u64::from(!kept);
        self.progress_changes(of);
    }
}

impl Call {
    /// The caller asks for a callback, and names the queue, a time and a language or does not.
    fn callback_requested(
        &mut self,
        queue: Option<Box<str>>,
        time: Option<Box<str>>,
        language: Option<Box<str>>,
        at: Millis,
    ) {
        self.dialplan.callback_requested = true;
        self.dialplan.callback_requested_ms = at;
        // What is not named again stays as it was.
        let said = &mut self.dialplan;
        said.callback_queue = queue.or(said.callback_queue.take());
        said.callback_at = time.or(said.callback_at.take());
        said.callback_language = language.or(said.callback_language.take());
        self.tags.retain(|t| t.code != DECLINED);
    }

    /// The caller needs no callback.
    fn callback_declined(&mut self) {
        self.dialplan.callback_requested = false;
    }

    /// The caller's wish, and the time that was named with it.
    pub(crate) fn wish(&self) -> [Option<Tag>; 2] {
        let said = &self.dialplan;
        let by_caller = |code: &str, note: &str| Tag {
            code: code.to_owned(),
            note: note.to_owned(),
            by: CALLER.to_owned(),
            at_ms: said.callback_requested_ms,
        };
        let asked =
            said.callback_requested.then(|| by_caller(ASKED, said.callback_queue.as_deref().unwrap_or_default()));
        let time = said.callback_at.as_deref().filter(|_| said.callback_requested);
        [asked, time.map(|time| by_caller(NAMED_TIME, time))]
    }

    /// What was said of it by now: a run that follows one that was killed knows it by this alone.
    pub(super) fn remarks(&self) -> Option<Box<Remarks>> {
        let language = self.dialplan.callback_language.as_ref().filter(|_| self.dialplan.callback_requested);
        let remarks = Remarks {
            language: language.map(ToString::to_string),
            tags: self.wish().into_iter().flatten().chain(self.tags.iter().cloned()).collect(),
            ratings: self.ratings.clone(),
        };
        (remarks != Remarks::default()).then(|| Box::new(remarks))
    }

    /// This was said of it before anyone looked away; what has been said since goes before it.
    pub(super) fn had_remarks(&mut self, old: &Remarks) {
        let (wish, codes): (Vec<&Tag>, Vec<&Tag>) = old.tags.iter().partition(|tag| is_wish(tag));
        let known = self.dialplan.callback_requested;
        for tag in wish.into_iter().filter(|_| !known) {
            self.dialplan.callback_requested = true;
            self.dialplan.callback_requested_ms = tag.at_ms;
            let note = Some(tag.note.as_str()).filter(|note| !note.is_empty()).map(Into::into);
            match tag.code == NAMED_TIME {
                true => self.dialplan.callback_at = note,
                false => self.dialplan.callback_queue = note,
            }
            self.dialplan.callback_language = old.language.as_deref().map(Into::into);
        }
        let is_new = |tag: &&Tag| !self.tags.iter().any(|t| t.code == tag.code && t.by == tag.by);
        let codes: Vec<Tag> = codes.into_iter().filter(is_new).cloned().collect();
        self.tags.extend(codes);
        let is_new = |rating: &&Rating| !self.ratings.iter().any(|r| r.by == rating.by);
        let ratings: Vec<Rating> = old.ratings.iter().filter(is_new).cloned().collect();
        self.ratings.extend(ratings);
    }

    /// A code is set, in place of the same one by the same hand. False if there is no room for another.
    pub(super) fn tagged(&mut self, tag: Tag, room: bool) -> bool {
        match self.tags.iter().position(|t| t.code == tag.code && t.by == tag.by) {
            Some(known) => drop(self.tags.remove(known)),
            None if self.tags.len() >= MAX_TAGS || !room => return false,
            None => {}
        }
        self.tags.push(tag);
        true
    }

    /// A rating, in place of the one by the same survey. False if there is no room for another.
    fn rated(&mut self, rating: Rating, room: bool) -> bool {
        match self.ratings.iter().position(|r| r.by == rating.by) {
            Some(known) => drop(self.ratings.remove(known)),
            None if self.ratings.len() >= MAX_TAGS || !room => return false,
            None => {}
        }
        self.ratings.push(rating);
        true
    }
}

/// It is of [`Call::wish`].
pub(super) fn is_wish(tag: &Tag) -> bool {
    tag.by == CALLER && [ASKED, NAMED_TIME].contains(&&*tag.code)
}

/// A value as it is kept: without what a terminal would obey, and not too long.
fn printable(value: &str) -> String {
    value.trim().chars().filter(|c| !is_harmful(*c)).take(MAX_TEXT).collect()
}
