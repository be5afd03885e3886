//! Which calls a report is about; a name that nothing has is answered with those that there are.

use super::{ReportArgs, Window};
use crate::cli::failure::Failure;
use crate::store::{Chosen, Reader};

/// How alike two names must be (Jaro-Winkler, 0 to 1) for one to be offered in place of the other.
const ALIKE: f64 = 0.8;

/// So many names are offered.
const OFFERED: usize = 8;

/// What the arguments choose.
pub(super) fn chosen(args: &ReportArgs, reader: &Reader, window: &Window) -> Result<Chosen, Failure> {
    let mut chosen = Chosen {
        pbx: args.pbx.clone(),
        did: args.did.clone(),
        trunk: args.trunk.clone(),
        queue: args.queue.clone(),
        agent: args.agent.clone(),
        code: args.code.clone(),
    };
    if chosen.queue.is_some() || chosen.agent.is_some() {
        let (queues, agents) = reader.ever_met()?;
        if let Some(queue) = &chosen.queue {
            among("queue", queue, &queues)?;
        }
        if let Some(agent) = &mut chosen.agent {
            let mut of_number =
                agents.iter().filter(|known| known.split_once('/').is_some_and(|(_, peer)| peer == agent.as_str()));
            match (of_number.next(), of_number.next()) {
                (Some(only), None) => *agent = only.clone(),
                (Some(one), Some(other)) => {
                    return Err(Failure::Usage(format!("agent `{agent}` may be {one} or {other}: which?")));
                }
                _ => among("agent", agent, &agents)?,
            }
        }
    }
    if chosen.did.is_some() || chosen.code.is_some() {
        let (dids, codes) = reader.met((window.from_ms, window.to_ms))?;
        for (kind, wanted, known) in [("DID", &chosen.did, &dids), ("code", &chosen.code, &codes)] {
            // Where no call has any, that there are no calls says it all.
            if let Some(wanted) = wanted.as_ref().filter(|_| !known.is_empty()) {
                among(kind, wanted, known)?;
            }
        }
    }
    if let Some(trunk) = &chosen.trunk {
        let mut trunks = Vec::new();
        for pbx in reader.pbxs()? {
            trunks.extend(reader.trunks(pbx.as_str(), 1_000)?);
        }
        among("trunk", trunk, &trunks)?;
    }
    Ok(chosen)
}

/// Whether the name is one of those that there are.
fn among(kind: &str, wanted: &str, known: &[String]) -> Result<(), Failure> {
    if known.iter().any(|name| name == wanted) {
        return Ok(());
    }
    let lower = wanted.to_lowercase();
    let mut near: Vec<(f64, &String)> =
        known.iter().map(|name| (strsim::jaro_winkler(&name.to_lowercase(), &lower), name)).collect();
    near.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(b.1)));
    let list = |names: &mut dyn Iterator<Item = &String>| {
        names.map(|name| format!("`{}`", name.escape_debug())).collect::<Vec<_>>().join(", ")
    };
    let alike: Vec<&String> = near.iter().filter(|(likeness, _)| *likeness >= ALIKE).map(|(_, name)| *name).collect();
    let offer = match (alike.is_empty(), known.len()) {
        (_, 0) => "no call has any".to_owned(),
        (false, _) => format!("did you mean {}?", list(&mut alike.into_iter().take(3))),
        (true, count) if count <= OFFERED => format!("there are {}", list(&mut known.iter())),
        (true, count) => format!("there are {} and {} more", list(&mut known.iter().take(OFFERED)), count - OFFERED),
    };
    Err(Failure::Usage(format!("no {kind} `{}`; {offer}", wanted.escape_debug())))
}

/// What is chosen, by name.
pub(super) fn named(chosen: &Chosen) -> Vec<(&'static str, String)> {
    let Chosen { pbx, did, trunk, queue, agent, code } = chosen;
    [("PBX", pbx), ("DID", did), ("trunk", trunk), ("queue", queue), ("agent", agent), ("code", code)]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value.clone()?)))
        .collect()
}
