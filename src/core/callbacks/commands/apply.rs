//! What people ask of the scheduler.

use crate::callbacks::commands::{Command, CommandError, Done};
use crate::callbacks::policy::Policy;
use crate::callbacks::task::reason;
use crate::callbacks::tasks::Task;
use crate::callbacks::{GRACE_MS, Presences, Scheduler};
use crate::millis::Millis;
use crate::model::codes::{ClosedByList, NAMED_TIME};
use crate::model::number::Number;
use crate::model::presence::{AgentView, Presence};
use crate::model::text::the_one;
use crate::model::{CallbackRow, CallbackState, DoNotCall, E164, Moment, NoSuchPbx, PbxId, Record, Tag};
use crate::order::Gather as _;
use std::collections::BTreeSet;

impl Scheduler {
    /// Carries out a command; what it answers holds once the records that it made are stored. `closed` is the row of a callback that
    /// is no longer open, if the command names one: the store knows it.
    ///
    /// # Errors
    /// If it cannot be done; nothing has changed then.
    pub fn command(
        &mut self,
        command: &Command,
        by: &str,
        closed: Option<CallbackRow>,
        now: Moment,
        presences: &Presences<'_>,
    ) -> Result<Done, CommandError> {
        self.tell_time(now);
        let row = match self.carry_out(command, by, closed, presences)? {
            Done::Callback(row) => row,
            done => return Ok(done),
        };
        if row.state == CallbackState::Pending {
            self.look_first(row.id, presences);
        }
        Ok(Done::Callback(self.callback(row.id).map_or(row, |row| Box::new(row.clone()))))
    }

    fn carry_out(
        &mut self,
        command: &Command,
        by: &str,
        closed: Option<CallbackRow>,
        presences: &Presences<'_>,
    ) -> Result<Done, CommandError> {
        match command {
            Command::Add(request) => self.add(request, by, presences),
            Command::Cancel { id, note } => self.cancel(*id, "", by, note, closed),
            Command::Handled { id, note } => self.cancel(*id, reason::HANDLED, by, note, closed),
            Command::Hold { id, note } => {
                self.idle(*id, closed)?;
                self.edit(*id, |task| task.held = true);
                self.shown_as(*id, CallbackState::Waiting, reason::HELD, by, note)
            }
            Command::Release { id, note } => {
                self.idle(*id, closed)?;
                self.edit(*id, |task| task.held = false);
                if self.tasks.get(*id).is_some_and(|task| task.due <= self.now.mono_ms) {
                    self.put_off(*id, 0); // its turn begins now, and it does not expire before that
                }
                self.waits_or_not(*id, by, &because("released", note))
            }
            Command::Assign { id, agent, note } => self.assign(*id, agent.as_deref(), by, note, closed, presences),
            Command::Retry { id, note } => self.again(*id, by, note, closed),
            Command::Prioritise { id, priority, note } => {
                self.known(*id, closed)?;
                self.edit(*id, |task| task.prioritise(*priority));
                self.changed(*id, by, &because(&format!("priority {priority}"), note))
            }
            Command::Delay { id, delay_ms, note } => {
                self.idle(*id, closed)?;
                self.put_off(*id, *delay_ms);
                // Who puts it off has spoken with the customer.
                self.edit(*id, Task::expected_when_due);
                let what = match (delay_ms / 1_000, delay_ms / 60_000) {
                    (seconds, 0) => format!("put off by {seconds} s"),
                    (_, minutes) => format!("put off by {minutes} min"),
                };
                self.waits_or_not(*id, by, &because(&what, note))
            }
            Command::Tag { call, code, note } => {
                let code = code.to_ascii_uppercase();
                if self.policies.codes.get(&code).is_none() {
                    return Err(CommandError::NoSuchCode(code));
                }
                if code == NAMED_TIME {
                    return Err(CommandError::OfCustomers(NAMED_TIME));
                }
                let tag = Tag { code, note: note.clone(), by: by.to_owned(), at_ms: self.now.wall_ms };
                Ok(Done::Tagged(Box::new(self.tagged(call, tag))))
            }
            Command::Untag { call, said, code } => {
                let code = code.to_ascii_uppercase();
                let tag = Tag { code, note: String::new(), by: by.to_owned(), at_ms: self.now.wall_ms };
                self.untagged(call, said, tag.clone());
                Ok(Done::Untagged(tag))
            }
            Command::DncAdd { number, reason, for_ms } => {
                let number_e164 = self.read_anywhere(number)?;
                if !self.customers.may_add_to_dnc(&number_e164, reason) {
                    self.counters.do_not_call_refused += 1;
                    return Err(CommandError::ListFull);
                }
                let entry = DoNotCall {
                    number_e164,
                    reason: reason.clone(),
                    by: by.to_owned(),
                    added_ms: self.now.wall_ms,
                    until_ms: for_ms.map(|ms| self.now.wall_ms.saturating_add(ms)),
                    code: None,
                    by_hand_until_ms: None,
                };
                let entry = self.customers.with_its_code(entry, self.now.wall_ms);
                self.add_to_dnc(entry.clone(), by);
                // One that is shorter than a code of this run does not end that.
                let codes: Vec<Tag> = self.customers.suppressing(&entry.number_e164).cloned().collect();
                codes.iter().for_each(|tag| self.suppresses(&entry.number_e164, tag));
                let entry = self.do_not_call_entry(&entry.number_e164).cloned().unwrap_or(entry);
                Ok(Done::DncAdded(entry))
            }
            Command::DncRemove { number } => {
                let number = self.read_anywhere(number)?;
                if !self.customers.remove_from_dnc(&number) {
                    return Err(CommandError::NotOnTheList(number.to_string()));
                }
                self.store(Record::DncRemove(number.clone()));
                Ok(Done::DncRemoved(number))
            }
        }
    }

    /// A number as a person writes it, in E.164; on whichever PBX it is that.
    fn read_anywhere(&self, number: &str) -> Result<E164, CommandError> {
        let names = self.policies.pbx.keys();
        let (found, faults): (Vec<_>, Vec<_>) =
            names.map(|pbx| read(self.policy(pbx), number)).partition(Result::is_ok);
        let found: BTreeSet<E164> = found.into_iter().flatten().to_set();
        if found.len() > 1 {
            let found: Vec<&str> = found.iter().map(E164::as_str).collect();
            let reason = format!("it may be {}; write it in full", found.join(" or "));
            return Err(CommandError::NotCallable { number: number.to_owned(), reason });
        }
        found
            .into_iter()
            .next()
            .map_or_else(|| faults.into_iter().next().unwrap_or_else(|| read(&self.policies.others, number)), Ok)
    }

    /// The number, if it may be called from this PBX.
    pub(super) fn may_be_called(&self, pbx: &PbxId, e164: &E164) -> Result<(), CommandError> {
        if self.do_not_call_entry(e164).is_some() {
            return Err(CommandError::DoNotCall(e164.to_string()));
        }
        self.policy(pbx)
            .may_be_called(e164)
            .map_err(|denied| CommandError::Denied { number: e164.to_string(), reason: denied.reason() })
    }

    fn cancel(
        &mut self,
        id: i64,
        why: &str,
        by: &str,
        note: &str,
        closed: Option<CallbackRow>,
    ) -> Result<Done, CommandError> {
        let row = self.known(id, closed)?.clone();
        if row.state == CallbackState::Talking {
            return Err(CommandError::Active { id, state: row.state });
        }
        let now = self.now.wall_ms;
        self.close(id, CallbackState::Cancelled, why, by, note);
        let row = CallbackRow { state: CallbackState::Cancelled, reason: why.to_owned(), closed_ms: Some(now), ..row };
        Ok(Done::Callback(Box::new(row)))
    }

    fn assign(
        &mut self,
        id: i64,
        agent: Option<&str>,
        by: &str,
        note: &str,
        closed: Option<CallbackRow>,
        presences: &Presences<'_>,
    ) -> Result<Done, CommandError> {
        let pbx = self.known(id, closed)?.pbx.clone();
        let found = match agent {
            None => None,
            Some(wanted) => {
                let agents = presences.get(&pbx).map_or_else(Vec::new, |f| f.agents());
                Some(agent_named(wanted, &agents).ok_or_else(|| CommandError::NoSuchAgent(wanted.to_owned()))?)
            }
        };
        let what = found.as_ref().map_or_else(|| "anyone may take it".to_owned(), |a| format!("assigned to {a}"));
        self.edit(id, |task| task.assign(found));
        self.changed(id, by, &because(&what, note))
    }

    /// Due at once; one that was closed is opened again and may fail as often as a new one.
    pub(crate) fn again(
        &mut self,
        id: i64,
        by: &str,
        note: &str,
        closed: Option<CallbackRow>,
    ) -> Result<Done, CommandError> {
        if self.tasks.contains(id) {
            self.idle(id, None)?;
            self.edit(id, |task| {
                task.held = false;
                task.asked_for();
            });
            self.put_off(id, 0);
            return self.waits_or_not(id, by, &because("to be tried at once", note));
        }
        let Some(mut row) = closed.filter(|row| row.id == id) else { return Err(CommandError::NoSuchCallback(id)) };
        self.may_be_opened(&row)?;
        let now = self.now.wall_ms;
        let policy = self.policy(&row.pbx).of(row.queue.as_deref());
        row.state = CallbackState::Pending;
        row.reason.clear();
        row.counted = 0;
        row.due_ms = now;
        row.expires_ms = policy.next_call(now).unwrap_or(now).saturating_add(policy.expire_ms);
        row.closed_ms = None;
        row.resolved_by = None;
        row.requested_for_ms = row.requested_for_ms.map(|at| at.max(now));
        row.alarmed_ms = None;
        row.code = None;
        self.insert(row, Vec::new());
        self.changed(id, by, &because("opened again", note))
    }

    /// A callback that a mistake closed is what it was before: due, too old and asked for as it was.
    pub(crate) fn as_before(&mut self, closed: &ClosedByList, by: &str, note: &str) -> Result<Done, CommandError> {
        self.may_be_opened(&closed.row)?;
        let (mut row, held, id) = (closed.row.clone(), closed.held, closed.row.id);
        if let (Some(code), Some(first)) = (&mut row.code, closed.asked.first())
            && !closed.asked.iter().any(|by| by.code == *code)
        {
            // The code by whose time it was due is gone.
            row.due_ms = self.due_of(first).unwrap_or(row.due_ms);
            row.requested_for_ms = Some(row.due_ms);
            code.clone_from(&first.code);
        }
        let waits = held || row.due_ms > self.now.wall_ms;
        row.state = if waits { CallbackState::Waiting } else { CallbackState::Pending };
        row.reason = if held { reason::HELD } else { reason::DELAY }.to_owned();
        if !waits {
            row.reason.clear();
        }
        (row.closed_ms, row.resolved_by) = (None, None);
        self.resume(row, closed.misses.clone());
        for by in &closed.asked {
            self.tasks.add_miss(&by.call, id);
            self.edit(id, |task| task.is_asked_by(by.clone()));
        }
        self.changed(id, by, &because("opened again", note))
    }

    /// A closed callback can be opened again.
    fn may_be_opened(&self, row: &CallbackRow) -> Result<(), CommandError> {
        let Some(number) = &row.number_e164 else {
            return Err(CommandError::NotCallable { number: "it".to_owned(), reason: "it has no number".to_owned() });
        };
        self.may_be_called(&row.pbx, number)?;
        if let Some(id) = self.tasks.open_for(number) {
            return Err(CommandError::OpenAlready { id });
        }
        if self.tasks.is_full() {
            return Err(CommandError::Full(self.tasks.len()));
        }
        Ok(())
    }

    /// A queue that can be named, of the PBX, as far as it is known, or of the configuration; as it is written there, if only its case differs.
    pub(super) fn queue_named(
        &self,
        pbx: &PbxId,
        queue: Option<&str>,
        presence: Option<&dyn Presence>,
    ) -> Result<Option<String>, CommandError> {
        let Some(queue) = queue else { return Ok(None) };
        let known = presence.map_or_else(BTreeSet::new, |presence| presence.queues());
        let policy = self.policy(pbx);
        let all: BTreeSet<&str> =
            known.iter().chain(policy.queues.keys()).chain(policy.dids.values()).map(String::as_str).collect();
        if let Some(named) = the_one(queue, all.iter().copied()) {
            return Ok(Some(named.to_owned()));
        }
        if !presence.is_some_and(|presence| presence.in_sync()) {
            return Ok(Some(queue.to_owned()));
        }
        Err(CommandError::NoSuchQueue { queue: queue.to_owned(), known: known.into_iter().collect() })
    }

    /// An open callback.
    fn known(&self, id: i64, closed: Option<CallbackRow>) -> Result<&CallbackRow, CommandError> {
        match (self.callback(id), closed) {
            (Some(row), _) => Ok(row),
            (None, Some(row)) if row.id == id => Err(CommandError::Closed { id, state: row.state }),
            (None, _) => Err(CommandError::NoSuchCallback(id)),
        }
    }

    /// An open callback that nothing is being done about.
    pub(super) fn idle(&self, id: i64, closed: Option<CallbackRow>) -> Result<(), CommandError> {
        let row = self.known(id, closed)?;
        if row.state.is_active() {
            return Err(CommandError::Active { id, state: row.state });
        }
        Ok(())
    }

    pub(super) fn edit(&mut self, id: i64, change: impl FnOnce(&mut Task)) {
        if let Some(task) = self.tasks.get_mut(id) {
            change(task);
        }
    }

    pub(super) fn put_off(&mut self, id: i64, delay_ms: Millis) {
        let due_ms = self.now.wall_ms.saturating_add(delay_ms);
        let due = self.mono(due_ms);
        let expires_ms = self.tasks.get(id).map_or(due_ms, |t| {
            // What a person puts off shall have a chance after that.
            let expire_ms = self.policy(&t.row().pbx).of(t.row().queue.as_deref()).expire_ms;
            t.row().expires_ms.max(due_ms.saturating_add(expire_ms.min(GRACE_MS)))
        });
        let expires = self.mono(expires_ms);
        self.edit(id, |task| {
            task.is_due_at(due_ms, due);
            task.expires_at(expires_ms, expires);
        });
    }

    /// It waits for its time, or its turn may come.
    fn waits_or_not(&mut self, id: i64, by: &str, note: &str) -> Result<Done, CommandError> {
        let Some(task) = self.tasks.get(id) else { return Err(CommandError::NoSuchCallback(id)) };
        let (state, why) = match (task.held, task.due > self.now.mono_ms) {
            (true, _) => (CallbackState::Waiting, reason::HELD),
            (false, true) if task.row().attempts > 0 => (CallbackState::Waiting, reason::RETRY_DELAY),
            (false, true) => (CallbackState::Waiting, reason::DELAY),
            (false, false) => (CallbackState::Pending, ""),
        };
        self.shown_as(id, state, why, by, note)
    }

    fn shown_as(
        &mut self,
        id: i64,
        state: CallbackState,
        why: &str,
        by: &str,
        note: &str,
    ) -> Result<Done, CommandError> {
        self.edit(id, |task| task.comes_to(state, why));
        self.changed(id, by, note)
    }

    /// Stores what a person changed, and looks where that puts the callback.
    pub(super) fn changed(&mut self, id: i64, by: &str, note: &str) -> Result<Done, CommandError> {
        self.record(id, by, note, None, None);
        self.line_up(id);
        let Some(row) = self.callback(id) else { return Err(CommandError::NoSuchCallback(id)) };
        Ok(Done::Callback(Box::new(row.clone())))
    }
}

/// What was done, and the reason that was given for it.
fn because(what: &str, note: &str) -> String {
    if note.is_empty() { what.to_owned() } else { format!("{what}: {note}") }
}

/// The PBX that is meant.
pub(super) fn which(named: Option<&str>, presences: &Presences<'_>) -> Result<PbxId, CommandError> {
    let all = || presences.keys().cloned().collect();
    let mut pbxs = presences.keys();
    match (named, pbxs.next(), pbxs.next()) {
        (Some(name), ..) => match presences.get_key_value(name) {
            Some((pbx, _)) => Ok(pbx.clone()),
            None => Err(NoSuchPbx { name: name.to_owned(), known: all() }.into()),
        },
        (None, Some(only), None) => Ok(only.clone()),
        (None, ..) => Err(CommandError::WhichPbx(all())),
    }
}

/// Interface of the agent who is meant by interface, name or extension, in any case; nobody where several may be.
fn agent_named(wanted: &str, agents: &[AgentView<'_>]) -> Option<String> {
    let interfaces = agents.iter().map(|a| &*a.agent);
    let names = agents.iter().filter_map(|a| a.name.as_deref());
    let by_name = |name: &str| agents.iter().find(|a| a.name.as_deref() == Some(name)).map(|a| a.agent.to_string());
    let dialled = agents.iter().find(|a| a.queues.iter().any(|m| m.interface == wanted));
    let mut of_extension = interfaces.clone().filter(|i| i.split_once('/').is_some_and(|(_, peer)| peer == wanted));
    the_one(wanted, interfaces.clone())
        .map(str::to_owned)
        .or_else(|| by_name(the_one(wanted, names)?))
        .or_else(|| dialled.map(|a| a.agent.to_string()))
        .or_else(|| of_extension.next().filter(|_| of_extension.next().is_none()).map(str::to_owned))
}

/// A number as a person writes it where this policy is in force.
pub(super) fn read(policy: &Policy, number: &str) -> Result<E164, CommandError> {
    let reason = match policy.numbering.classify(number) {
        Number::Callable(e164) => return Ok(e164),
        Number::Internal => "it is an extension",
        Number::Withheld => "it is what a PBX writes for a withheld number",
        Number::TooShort => "it has too few digits",
        Number::Invalid => "it is not a valid telephone number; write it in full, such as +49 30 …",
        Number::NotANumber => "it is not a number",
    };
    Err(CommandError::NotCallable { number: number.to_owned(), reason: reason.to_owned() })
}
