//! A busy hour in small: random calls at a steady rate, each held against what Asterisk wrote and sent about it.

use crate::lab::Lab;
use crate::manager::Frame;
use crate::oracle::Account;
use crate::script::{BUSY, Caller, REJECTS, RINGS, STAYS};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::time::{Duration, Instant};

/// Calls a second.
const RATE: u32 = 3;
/// Calls, unless `CALLBACKD_LOAD_CALLS` says how many: about half a minute of them.
const CALLS: usize = 90;
/// Callers have numbers of their own; there are so many.
const MOST: usize = 600;
/// After the last call was placed, all must have ended within this time.
const DRAIN: Duration = Duration::from_secs(90);

/// Last two digits of DIDs, and how often they are dialled: queues, groups, phones, menus, and what rings nobody.
const DIDS: &[(std::ops::RangeInclusive<u32>, u32)] = &[
    (0..=9, 30),
    (10..=19, 15),
    (20..=29, 10),
    (30..=35, 10),
    (40..=49, 5),
    (50..=58, 12),
    (60..=61, 6),
    (67..=68, 5),
    (72..=73, 3),
    (76..=77, 2),
    (79..=79, 1),
    (97..=98, 1),
];

/// A generator of random numbers that is the same everywhere (splitmix64).
pub struct Dice(u64);

impl Dice {
    /// The same for the same seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Below `n`.
    pub fn roll(&mut self, n: u32) -> u32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        u32::try_from((z ^ (z >> 31)) % u64::from(n)).unwrap_or_default()
    }

    pub fn did(&mut self) -> String {
        let mut at = self.roll(DIDS.iter().map(|(_, weight)| weight).sum());
        for (range, weight) in DIDS {
            if at < *weight {
                return format!("55501{:02}", range.start() + self.roll(range.end() - range.start() + 1));
            }
            at -= weight;
        }
        unreachable!("the roll is below the sum of the weights")
    }

    /// How a phone behaves all the time.
    pub fn phone(&mut self) -> String {
        match self.roll(100) {
            0..45 => format!("ring-wait:{}-answer-wait:{}-hangup", 1 + self.roll(3), 2 + self.roll(4)),
            45..65 => STAYS.to_owned(),
            65..85 => RINGS.to_owned(),
            85..93 => BUSY.to_owned(),
            _ => REJECTS.to_owned(),
        }
    }

    /// What a caller does once answered, and how long they wait for that.
    pub fn caller(&mut self, did: &str) -> (String, Duration) {
        let seconds = 1 + self.roll(14);
        let patience =
            Duration::from_millis(u64::from(if self.roll(10) < 3 { 2_500 + self.roll(9_000) } else { 30_000 }));
        let script = match (did.starts_with("555015") || did == "5550179", self.roll(5)) {
            (true, 0) => format!("wait:{seconds}-hangup"),
            (true, 1) => format!("wait:1-dtmf:9-wait:{seconds}-hangup"),
            (true, 2) => format!("wait:1-dtmf:2-wait:{seconds}-hangup"),
            (true, _) => format!("wait:1-dtmf:1-wait:{seconds}-hangup"),
            (false, _) => format!("wait:{seconds}-hangup"),
        };
        (script, patience)
    }
}

fn asked(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|v| v.parse::<u64>().ok())
}

/// The day that is lived if nobody says otherwise: a fault is then the change's, not the dice's. `tests/night` throws others.
const SEED: u64 = 1_795_000_000;

/// What repeats a run: `CALLBACKD_LOAD_SEED`.
pub fn seed() -> u64 {
    asked("CALLBACKD_LOAD_SEED").unwrap_or(SEED)
}

/// One random call.
pub struct Random {
    /// The caller's number.
    pub number: String,
    /// The number that the caller dialled.
    pub did: String,
    /// What the caller did.
    pub script: String,
    /// Linkedid of the call on the PBX.
    pub linkedid: String,
    /// The caller's channel shared a bridge with another.
    pub bridged: bool,
    /// The caller's end hung up.
    pub left: bool,
}

/// What is to be placed.
pub struct Load {
    /// Repeats it, by `CALLBACKD_LOAD_SEED`.
    pub seed: u64,
    calls: usize,
}

impl Load {
    /// As the environment says.
    pub fn from_environment() -> Self {
        let calls = asked("CALLBACKD_LOAD_CALLS").and_then(|n| usize::try_from(n).ok()).unwrap_or(CALLS);
        assert!(calls <= MOST, "CALLBACKD_LOAD_CALLS is {calls}: there are numbers for {MOST} callers");
        Load { seed: seed(), calls }
    }

    /// Places all calls and waits until all have ended on the PBX.
    pub fn place(&self, lab: &Lab) -> Result<Vec<Random>, String> {
        let mut dice = Dice(self.seed);
        for cell in (0..=61).chain(67..=68) {
            for phone in 1..=3 {
                lab.script(&format!("1{cell:02}{phone}"), &dice.phone())?;
            }
        }
        let since = lab.pbx.position();
        let begin = Instant::now();
        let mut callers = BTreeMap::new();
        for n in 0..self.calls {
            let due = begin + Duration::from_secs(1) * u32::try_from(n).unwrap_or(u32::MAX) / RATE;
            crate::patience::until(due, || None::<()>);
            let (number, did) = (crate::run::number(n, Caller::Outside), dice.did());
            let (script, patience) = dice.caller(&did);
            lab.place(&number, &did, &script, patience)?;
            callers.insert(number, (did, script));
        }
        let seen = watch(lab, since, &callers)?;
        Ok(callers
            .into_iter()
            .map(|(number, (did, script))| {
                let linkedid = seen.arrived[&number].clone();
                let (bridged, left) = (seen.bridged.contains(&linkedid), seen.left.contains(&linkedid));
                Random { number, did, script, linkedid, bridged, left }
            })
            .collect())
    }
}

/// What the harness itself saw of the callers' channels. A caller's channel is the first of its call: its Uniqueid is the Linkedid.
#[derive(Default)]
struct Seen {
    arrived: BTreeMap<String, String>,
    live: BTreeSet<String>,
    bridged: BTreeSet<String>,
    left: BTreeSet<String>,
}

fn watch(lab: &Lab, since: usize, callers: &BTreeMap<String, (String, String)>) -> Result<Seen, String> {
    let mut seen = Seen::default();
    let step = |f: &Frame| {
        let uniqueid = || f.get("Uniqueid").to_owned();
        match f.get("Event") {
            "Newchannel" => {
                seen.live.insert(uniqueid());
                if callers.get(f.get("CallerIDNum")).is_some_and(|(did, _)| did == f.get("Exten")) {
                    seen.arrived.insert(f.get("CallerIDNum").to_owned(), uniqueid());
                }
            }
            "BridgeEnter" => drop(seen.bridged.insert(uniqueid())),
            // An earlier SoftHangupRequest of the PBX makes the far end's no news.
            "HangupRequest" if f.get("Channel").starts_with("PJSIP/trunk-") => drop(seen.left.insert(uniqueid())),
            "Hangup" => drop(seen.live.remove(&uniqueid())),
            _ => {}
        }
        (seen.arrived.len() == callers.len() && seen.live.is_empty()).then_some(())
    };
    lab.pbx.fold(since, Instant::now() + DRAIN, "the end of the last of the random calls", step)?;
    Ok(seen)
}

/// Why a CDR may say something else than the row, rightly so. Nothing else may differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// The PBX itself answered the line (queue, menu, announcement): ANSWERED, though no person ever spoke.
    AnsweredByThePbx,
    /// CDR has no word for a caller who gave up.
    NoWordForCancel,
    /// CDR knows no business hours.
    NoWordForHours,
    /// CDR knows no blocked callers.
    NoWordForBlocked,
}

/// What CDR makes of a call, in the words of `calls.status`: the kindest of its lines.
fn cdr_status(account: &Account) -> &'static str {
    let has = |word: &str| account.dispositions.contains(word);
    match () {
        () if has("ANSWERED") => "ANSWER",
        () if has("NO ANSWER") => "NOANSWER",
        () if has("BUSY") => "BUSY",
        () => "NOT_CONNECTED",
    }
}

/// A row, as far as it is compared.
pub struct RecordedCall {
    /// `calls.status`.
    pub status: String,
    /// `calls.outcome`.
    pub outcome: String,
    /// Queue and result of each visit.
    pub visits: Vec<(String, String)>,
    /// `calls.agent`.
    pub agent: String,
}

/// How the rows compare with what Asterisk wrote.
#[derive(Default)]
pub struct Tally {
    outcomes: BTreeMap<String, usize>,
    visits: BTreeMap<String, usize>,
    reasons: BTreeMap<Reason, usize>,
    cdr_agrees: usize,
    /// What nothing explains.
    pub wrong: String,
}

impl Tally {
    /// Compares one call.
    pub fn compare(&mut self, call: &Random, recorded: &RecordedCall, account: &Account) {
        *self.outcomes.entry(format!("{} {}", recorded.status, recorded.outcome)).or_default() += 1;
        let mut wrong = Vec::new();
        let spoke = recorded.status == "ANSWER" && recorded.outcome != "SELF_SERVICE";
        if spoke != call.bridged {
            wrong.push(format!("on the wire the caller was {}connected", if call.bridged { "" } else { "not " }));
        }
        if recorded.status == "CANCEL" && !call.left {
            wrong.push("on the wire the caller did not hang up".to_owned());
        }
        let refused = |result: &str| ["JOINEMPTY", "JOINUNAVAIL", "FULL"].contains(&result);
        let logged: Vec<_> = recorded.visits.iter().filter(|(_, result)| !refused(result)).cloned().collect();
        if logged != account.visits {
            wrong.push(format!("queue_log has {:?}, the row {logged:?}", account.visits));
        }
        for (_, result) in &logged {
            *self.visits.entry(result.clone()).or_default() += 1;
        }
        if let Some(agent) = &account.connected_to
            && *agent != recorded.agent
        {
            wrong.push(format!("queue_log connects the caller to {agent}, the row has {}", recorded.agent));
        }
        match reason(call, recorded, cdr_status(account)) {
            Ok(None) => self.cdr_agrees += 1,
            Ok(Some(reason)) => *self.reasons.entry(reason).or_default() += 1,
            Err(e) => wrong.push(e),
        }
        if wrong.is_empty() {
            return;
        }
        let Random { number, did, script, linkedid, .. } = call;
        let _ = writeln!(
            self.wrong,
            "\n✗ {linkedid}: {number} dials {did}, {script}: {} {}",
            recorded.status, recorded.outcome
        );
        for line in wrong {
            let _ = writeln!(self.wrong, "  {line}");
        }
        for line in &account.lines {
            let _ = writeln!(self.wrong, "    Asterisk   {line}");
        }
    }

    /// The report.
    pub fn text(&self, load: &Load, version: &str, took: Duration) -> String {
        let mut text = format!(
            "{} calls at {RATE} a second on Asterisk {version}, seed {}, {} s: one row a caller\n",
            load.calls,
            load.seed,
            took.as_secs()
        );
        let _ = writeln!(text, "  rows");
        for (outcome, n) in &self.outcomes {
            let _ = writeln!(text, "    {n:4}  {outcome}");
        }
        let _ = writeln!(text, "  stays in queues, all as queue_log has them");
        for (result, n) in &self.visits {
            let _ = writeln!(text, "    {n:4}  {result}");
        }
        let _ = writeln!(text, "  CDR agrees in {} calls; in the others it differs because", self.cdr_agrees);
        for (reason, n) in &self.reasons {
            let _ = writeln!(text, "    {n:4}  {reason:?}");
        }
        text
    }
}

/// Why CDR says something else, if it does.
fn reason(call: &Random, recorded: &RecordedCall, cdr: &str) -> Result<Option<Reason>, String> {
    match (recorded.status.as_str(), cdr) {
        (status, cdr) if status == cdr => Ok(None),
        ("OUT_OF_TIME", _) if call.did == "5550173" => Ok(Some(Reason::NoWordForHours)),
        ("NOT_CONNECTED", _) if call.did == "5550176" => Ok(Some(Reason::NoWordForBlocked)),
        (_, "ANSWER") if !call.bridged => Ok(Some(Reason::AnsweredByThePbx)),
        ("CANCEL", "NOANSWER") if call.left => Ok(Some(Reason::NoWordForCancel)),
        (_, cdr) => Err(format!("CDR makes {cdr} of it, and nothing explains that")),
    }
}
