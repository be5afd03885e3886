//! What a record weighs in memory: the store may take none for hours, and what waits for it must have an end in bytes.

use super::{CallInProgress, CallbackChange, FinishedCall, IvrStep, Leg, QueueVisit, Rating, Record, Tag};

/// A record without long lists: an interval, a gap, a line of the do-not-call list, with its texts.
const SMALL: usize = 512;
/// The texts of a call that are not in its lists, each counted as if it were usual.
const TEXTS: usize = 400;

impl Record {
    /// Its weight in bytes, as an estimate: lists and texts of calls by their lengths, all else as if it were usual.
    #[must_use]
    pub fn bytes(&self) -> usize {
        match self {
            Self::Call(call) => finished(call),
            Self::InProgress(call) => {
                let remarks = call.remarks.as_ref().map_or(0, |r| said(&r.tags, &r.ratings));
                size_of::<Self>() + size_of::<CallInProgress>() + TEXTS + remarks
            }
            Self::Callback(change) => size_of::<Self>() + size_of::<CallbackChange>() + SMALL + note(change),
            Self::Agent { name, .. } => SMALL + name.len(),
            Self::Attempt(_) => 2 * SMALL,
            Self::Tag(change) => SMALL + change.tag.note.len(),
            Self::Tape(tape) => SMALL + tape.tape.len(),
            Self::News(_) => size_of::<Self>() + size_of::<CallInProgress>() + TEXTS,
            Self::NotInProgress { .. }
            | Self::Gap(_)
            | Self::Interval(_)
            | Self::Seen { .. }
            | Self::DncAdd(_)
            | Self::DncRemove(_)
            | Self::GroupDnc(_) => SMALL,
        }
    }
}

fn note(change: &CallbackChange) -> usize {
    change.change.as_ref().map_or(0, |step| step.note.len())
}

impl FinishedCall {
    /// What the row weighs as a record.
    #[must_use]
    pub fn bytes(&self) -> usize {
        finished(self)
    }
}

fn finished(call: &FinishedCall) -> usize {
    let length = |text: &Option<String>| text.as_ref().map_or(0, String::len);
    let leg = |leg: &Leg| size_of::<Leg>() + leg.agent.len() + leg.interface.len() + length(&leg.queue);
    let visit = |visit: &QueueVisit| size_of::<QueueVisit>() + visit.queue.len();
    let step = |step: &IvrStep| size_of::<IvrStep>() + step.context.len() + step.digits.len();
    size_of::<Record>()
        + size_of::<FinishedCall>()
        + TEXTS
        + call.why.iter().map(|why| size_of::<String>() + why.len()).sum::<usize>()
        + call.legs.iter().map(leg).sum::<usize>()
        + call.visits.iter().map(visit).sum::<usize>()
        + call.ivr.iter().map(step).sum::<usize>()
        + said(&call.tags, &call.ratings)
}

fn said(tags: &[Tag], ratings: &[Rating]) -> usize {
    let tag = |tag: &Tag| size_of::<Tag>() + tag.code.len() + tag.note.len() + tag.by.len();
    let rating = |rating: &Rating| size_of::<Rating>() + rating.by.len();
    tags.iter().map(tag).sum::<usize>() + ratings.iter().map(rating).sum::<usize>()
}
