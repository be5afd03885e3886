//! What the operator reads: one line for each call that ended, each gap, each change of a link. The sentence is constant, the keys keep
//! their order.

pub(crate) mod callback;

use super::lost::LostReason;
use crate::config::ShowNumbers;
use crate::log::{Masked, Wire};
use callbackd_core::ami::notice::Notice;
use callbackd_core::millis::Millis;
use callbackd_core::model::{About, FinishedCall, Gap, Quality, Record, TagChange};
use tracing::field::display;

/// A record is on the disk.
pub(crate) fn stored(record: &Record, show: ShowNumbers, now_ms: Millis) {
    match record {
        Record::Call(call) => call_ended(call, show),
        Record::Gap(gap) => gap_closed(gap),
        Record::Callback(change) => callback::changed(change, show, now_ms),
        Record::Attempt(attempt) => callback::attempt_ended(attempt, show),
        Record::Tag(change) => tagged(change),
        Record::DncAdd(entry) => callback::dnc_added(entry, show),
        Record::DncRemove(number) => callback::dnc_removed(number, show),
        Record::GroupDnc(dnc) => match &dnc.entry {
            Some(entry) => callback::dnc_added(entry, show),
            None => callback::dnc_removed(&dnc.number_e164, show),
        },
        Record::InProgress(_)
        | Record::NotInProgress { .. }
        | Record::Agent { .. }
        | Record::Interval(_)
        | Record::Seen { .. }
        | Record::Tape(_)
        | Record::News(_) => {}
    }
}

/// A record is lost: the database refused it for its own sake.
pub(crate) fn refused(record: &Record, err: &str) {
    let About { pbx, call, callback } = record.about();
    let call = call.map(|call| display(Wire(call)));
    tracing::error!(target: "store", pbx = pbx.map(display), call, callback, err, "The database refused a record, it is lost; please report this");
}

/// A line about a call, with what it is known by first.
macro_rules! about_call {
    ($level:ident, $call:expr, $show:expr, $($more:tt)*) => {{
        let number = $call.number_e164.as_deref().or($call.number.as_deref());
        tracing::$level!(
            target: "call",
            call = %Wire(&$call.linkedid),
            pbx = %$call.pbx,
            direction = %$call.direction,
            status = %$call.status,
            outcome = %$call.outcome,
            queue = $call.queue.as_deref().map(|q| display(Wire(q))),
            agent = $call.agent.as_deref().map(|a| display(Wire(a))),
            number = number.map(|number| display(Masked { number, show: $show })),
            $($more)*
        );
    }};
}

/// The daemon ends with a record that is not on the disk: the log says what a person can make use of.
pub(crate) fn unwritten(record: &Record, show: ShowNumbers) {
    match record {
        Record::Call(call) => {
            about_call!(
                error,
                call,
                show,
                "Call lost: could not be written before shutdown; Asterisk's CDR has it too"
            );
        }
        Record::Callback(change) if change.row.closed_ms.is_none() => callback::unwritten(&change.row, show),
        _ => {}
    }
}

fn call_ended(call: &FinishedCall, show: ShowNumbers) {
    about_call!(
        info,
        call,
        show,
        wait_s = seconds(call.wait_ms),
        talk_s = call.answered_ms.map(|_| seconds(call.talk_ms)),
        quality = Some(call.quality).filter(|quality| *quality != Quality::Full).map(display),
        "Call ended"
    );
}

fn tagged(change: &TagChange) {
    let TagChange { pbx, linkedid, tag, removed } = change;
    let (code, by) = (Wire(&tag.code), Wire(&tag.by));
    if *removed {
        tracing::info!(target: "call", call = %Wire(linkedid), %pbx, %code, %by, "Code removed from call");
    } else {
        tracing::info!(target: "call", call = %Wire(linkedid), %pbx, %code, %by, "Code set on call");
    }
}

/// A restart of the daemon takes about a second, in which hardly anything happens: nobody needs to look at it unless a call was lost.
const NO_GAP_MS: i64 = 2_000;

fn gap_closed(gap: &Gap) {
    let gap_s = seconds(gap.to_ms - gap.from_ms);
    if gap.calls_lost == 0 && gap.to_ms - gap.from_ms < NO_GAP_MS {
        tracing::info!(
            target: "session",
            pbx = %gap.pbx,
            gap_s,
            reason = %gap.cause,
            calls_lost = gap.calls_lost,
            "Event gap closed; it was short, and no call in progress was lost"
        );
        return;
    }
    tracing::warn!(
        target: "session",
        pbx = %gap.pbx,
        gap_s,
        reason = %gap.cause,
        calls_lost = gap.calls_lost,
        "Event gap closed; calls that ended in it are UNKNOWN unless Asterisk's CDR and queue_log say how (gap.cdr_csv)"
    );
}

/// Once for each context: whose calls these are nobody has said.
pub(crate) fn unnamed_context(pbx: &str, context: &str, linkedid: &str) {
    tracing::warn!(
        target: "session",
        pbx,
        context = %Wire(context),
        call = %Wire(linkedid),
        hint = "name it in calls.inbound_contexts, or the trunk in calls.trunks: callbackd setup shows both",
        "Calls from outside arrive in a context that no rule names; they count as internal"
    );
}

fn seconds(ms: i64) -> i64 {
    ms / 1_000 // whole seconds that have passed, as CDR and queue_log count
}

/// Something happened on the link to a PBX.
pub(crate) fn notice(pbx: &str, peer: &str, notice: &Notice, calls: usize) {
    match notice {
        Notice::BannerSeen { version } => {
            tracing::debug!(target: "session", pbx, peer, ami = %Wire(version), "Asterisk greeted");
        }
        Notice::LoggedIn => tracing::debug!(target: "session", pbx, peer, "Logged in"),
        Notice::Booted { uptime_s } => tracing::debug!(target: "session", pbx, peer, uptime_s, "Asterisk has booted"),
        Notice::BootUnconfirmed => tracing::warn!(
            target: "session",
            pbx,
            peer,
            "Asterisk did not report that it has booted: it is still starting, or the AMI user lacks read = system; without that \
             report a restart of Asterisk looks like a lost link (callbackd check --connect shows the fix)"
        ),
        Notice::SnapshotRefused { action, message } => tracing::warn!(
            target: "session",
            pbx,
            peer,
            action,
            err = %Wire(message),
            "Asterisk refused to send a list, so some calls in progress are unknown (callbackd check --connect shows the fix)"
        ),
        // Refusals and dead connections are logged when the link is lost.
        Notice::SnapshotBegan
        | Notice::Live
        | Notice::LoginRefused { .. }
        | Notice::Unproven { .. }
        | Notice::Clock { .. }
        | Notice::LinkDead(_) => {}
        Notice::SnapshotEnded(size) => tracing::info!(
            target: "session",
            peer,
            pbx,
            calls,
            queues = size.queues,
            members = size.members,
            waiting = size.callers,
            "Asterisk is ready"
        ),
    }
}

/// Asterisk's clock is off, or right again: by so much ahead of ours, ms.
pub(crate) fn clock(pbx: &str, ahead_ms: Millis) {
    if ahead_ms == 0 {
        tracing::info!(target: "session", pbx, "Asterisk's clock is right again");
    } else {
        tracing::warn!(
            target: "session",
            pbx,
            ahead_s = seconds(ahead_ms),
            "Asterisk's clock differs from this machine's; the times of calls are Asterisk's: check that both use NTP"
        );
    }
}

/// The link is down, or could not be made.
pub(crate) fn lost(pbx: &str, peer: &str, reason: &LostReason, was_live: bool, retry_in: std::time::Duration) {
    let retry_in_s = (retry_in.as_secs_f64() * 10.0).round() / 10.0;
    match (reason.needs_a_person(), was_live) {
        (true, _) => tracing::error!(
            target: "session",
            pbx,
            peer,
            retry_in_s,
            %reason,
            "AMI connection needs operator action; no calls are being recorded"
        ),
        (false, true) => tracing::warn!(
            target: "session",
            pbx,
            peer,
            retry_in_s,
            %reason,
            "Connection to Asterisk lost; calls are not recorded until it is back"
        ),
        (false, false) => {
            tracing::warn!(target: "session", pbx, peer, retry_in_s, %reason, "Cannot connect to Asterisk; calls are not recorded");
        }
    }
}
