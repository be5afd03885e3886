//! Which calls a report is about; a name that nothing has is answered with those that there are.

use super::{Chosen, Error, Reader};
use crate::report::Window;

/// How alike two names must be (Jaro-Winkler, 0 to 1) for one to be offered in place of the other.
const ALIKE: f64 = 0.8;

/// So many names are offered.
const OFFERED: usize = 8;

/// Why a choice cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum NoChoice {
    /// Nothing has this name; the sentence says what has.
    #[error("{0}")]
    Unknown(String),
    /// The database cannot be read.
    #[error(transparent)]
    Store(#[from] Error),
}

impl Reader {
    /// Looks every name up, but the PBX's. An agent may be given by the number alone.
    ///
    /// # Errors
    /// See [`NoChoice`].
    pub(crate) fn choose(&self, chosen: Chosen, window: &Window) -> Result<Chosen, NoChoice> {
        looked_up(chosen, self, window)
    }
}

fn looked_up(mut chosen: Chosen, reader: &Reader, window: &Window) -> Result<Chosen, NoChoice> {
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
                    return Err(NoChoice::Unknown(format!("agent `{agent}` may be {one} or {other}: which?")));
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
fn among(kind: &str, wanted: &str, known: &[String]) -> Result<(), NoChoice> {
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
    Err(NoChoice::Unknown(format!("no {kind} `{}`; {offer}", wanted.escape_debug())))
}

impl Chosen {
    /// What is chosen, by name.
    #[must_use]
    pub(crate) fn named(&self) -> Vec<(&'static str, String)> {
        let Self { pbx, did, trunk, queue, agent, code } = self;
        [("PBX", pbx), ("DID", did), ("trunk", trunk), ("queue", queue), ("agent", agent), ("code", code)]
            .into_iter()
            .filter_map(|(name, value)| Some((name, value.clone()?)))
            .collect()
    }
}
