//! Figures of this moment: agents, members of queues and open callbacks by state.

use super::api_replies;
use super::callbacks::Callbacks;
use super::pbxs::Pbxs;
use crate::api::figures::{Figures, LastRead, Oldest};
use crate::api::status::Status;
use crate::store::Counted;
use callbackd_core::model::CallbackRow;
use callbackd_core::model::presence::Standing;
use callbackd_core::order::Gather as _;
use std::collections::BTreeMap;

/// All of them, with how things stand and what was counted.
pub(crate) fn all(status: Status, pbxs: &Pbxs, callbacks: &Callbacks, counted: Counted, config: LastRead) -> Figures {
    let monitors = pbxs.monitors();
    let pings = pbxs.with_links().map(|(on, link)| (on.name.to_string(), link.pings())).to_map();
    let mut phases = BTreeMap::new();
    for on in monitors {
        phases.extend(on.tracker().phases().into_iter().map(|(phase, calls)| ((on.name.to_string(), phase), calls)));
    }
    let queues = api_replies::queues(monitors, callbacks);
    let (mut agents, mut members) = (BTreeMap::new(), BTreeMap::new());
    for on in monitors.iter().filter(|on| on.tracker().sees()) {
        for agent in on.presence().agents() {
            let could = Standing::of(callbacks.scheduler().busy(&on.name, &agent), agent.rings);
            let everywhere = !agent.queues.is_empty() && agent.queues.iter().all(|member| member.paused);
            let stands = if could == Standing::Free && everywhere { Standing::Paused } else { could };
            *agents.entry((on.name.to_string(), stands)).or_default() += 1;
            for member in &agent.queues {
                let stands = if could == Standing::Free && member.paused { Standing::Paused } else { could };
                *members.entry(((on.name.clone(), member.queue.to_string()), stands)).or_default() += 1;
            }
        }
    }
    let (mut open, mut oldest) = (BTreeMap::new(), BTreeMap::new());
    for row in callbacks.scheduler().open_rows() {
        let place = (row.pbx.clone(), row.queue.clone().unwrap_or_default());
        *open.entry((place.clone(), row.state, row.reason.clone())).or_default() += 1;
        older(
            oldest.entry(place).or_insert(Oldest { due_ms: row.due_ms, missed_ms: row.first_missed_ms, late: 0 }),
            row,
        );
    }
    Figures { status, queues, agents, members, callbacks: open, oldest, counted, phases, pings, config }
}

fn older(oldest: &mut Oldest, row: &CallbackRow) {
    oldest.due_ms = oldest.due_ms.min(row.due_ms);
    oldest.missed_ms = oldest.missed_ms.min(row.first_missed_ms);
    oldest.late += usize::from(row.alarmed_ms.is_some());
}
