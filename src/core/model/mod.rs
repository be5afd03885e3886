//! The shared vocabulary: rows, states, rules by which calls are classified, telephone numbers, hours.

pub mod attempt_id;
mod call;
mod callback;
mod change;
pub(crate) mod channel_name;
pub mod codes;
mod gap;
mod hangup_cause;
pub mod hours;
pub mod identity;
mod interval;
mod moment;
mod news;
pub mod number;
mod outcome;
pub mod presence;
pub mod progress;
mod record;
pub mod rules;
pub mod sign;
pub mod tally;
pub mod text;
mod text_enum;
mod weight;

pub(crate) use crate::text_enum;
pub use attempt_id::{AttemptPrefix, OurAttempts};
pub use call::{
    CallInProgress, FinishedCall, IvrStep, Leg, LegResult, MAX_IVR_STEPS, MAX_LEGS, MAX_TAGS, MAX_VISITS, QueueVisit,
    Rating, Remarks, Tag, TagChange, VisitResult,
};
pub use callback::{
    AskedBy, AttemptResult, AttemptRow, CallbackChange, CallbackRow, CallbackState, CallbackStep, DoNotCall, GroupDnc,
    RecoveredBy, ResultMeaning,
};
pub use change::{Before, ChangeKind};
pub use gap::{Gap, GapCause};
pub(crate) use hangup_cause::HangupCause;
pub use identity::{AgentKey, CallKey, E164, NoSuchPbx, NotE164, PbxId, QueueKey};
pub use interval::{Activity, Interval};
pub use moment::Moment;
pub use news::News;
pub use outcome::{Direction, HangupBy, InCdr, Meaning, Offered, Outcome, Quality, ServedBy, Status};
pub use record::{About, CallTape, Record};
