//! Which calls a report is about; a name that nothing has is answered with those that there are.

use super::questions::{AGENTS, OF_QUEUE, values_of};
use super::{CallFilter, Chosen, Error, Reader};
use crate::language::{Instead, Kind, Language, Unknown};
use crate::report::Window;
use callbackd_core::model::text::the_one;
use callbackd_core::order::InOrder as _;
use rusqlite::Connection;
use std::collections::BTreeSet;

/// How alike two names must be (Jaro-Winkler, 0 to 1) for one to be offered in place of the other.
const ALIKE: f64 = 0.8;

/// So many names are offered.
const OFFERED: usize = 8;

/// Why a choice cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum NoChoice {
    /// Nothing has this name, or several have.
    #[error("{}", Language::En.refuses(.0))]
    Unknown(Unknown),
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

    /// The agent of a list of calls: an interface or what follows its technology stays as it is, a name becomes interface and PBX.
    ///
    /// # Errors
    /// See [`NoChoice`]. Where no agent is known at all, none is asked for.
    pub(crate) fn choose_agent(&self, filter: &mut CallFilter) -> Result<(), NoChoice> {
        let Some(agent) = filter.agent.clone() else { return Ok(()) };
        let agents = self.agent_names()?;
        let mut known = self.agents_of_calls()?;
        known.extend(agents.iter().map(|(_, interface, _)| interface.clone()));
        let is_it =
            |known: &String| *known == agent || known.split_once('/').is_some_and(|(_, peer)| peer == agent.as_str());
        if known.is_empty() || known.iter().any(is_it) {
            return Ok(());
        }
        if let Some((pbx, interface)) = named(&agent, filter.pbx.as_deref(), &agents)? {
            (filter.pbx, filter.agent) = (Some(pbx), Some(interface));
            return Ok(());
        }
        known.extend(agents.into_iter().map(|(.., name)| name).filter(|name| !name.is_empty()));
        let mut wanted = agent;
        among(Kind::Agent, &mut wanted, &known.into_iter().collect::<Vec<_>>())?;
        filter.agent = Some(wanted);
        Ok(())
    }

    /// The queue of a list of calls or callbacks, whatever its capital letters.
    ///
    /// # Errors
    /// See [`NoChoice`]. Where no call has been in any queue, none is asked for.
    pub(crate) fn choose_queue(&self, queue: &mut Option<String>) -> Result<(), NoChoice> {
        let Some(queue) = queue else { return Ok(()) };
        let known = self.read(|connection| {
            let mut met = met_in(connection, ["calls", "queue_visits"], "queue")?;
            if connection.prepare(OF_QUEUE)?.exists([&*queue])? {
                met.insert(queue.clone());
            }
            Ok(met)
        })?;
        if known.is_empty() { Ok(()) } else { among(Kind::Queue, queue, &known.into_iter().collect::<Vec<_>>()) }
    }

    /// The code of a list of calls, whatever its capital letters: one of the table `codes`, or one that a call has.
    ///
    /// # Errors
    /// See [`NoChoice`].
    pub(crate) fn choose_code(&self, code: &mut Option<String>) -> Result<(), NoChoice> {
        let Some(code) = code else { return Ok(()) };
        let mut known = self.read(|connection| met_in(connection, ["tags"], "code"))?;
        known.extend(self.known_codes()?.into_iter().map(|code| code.code));
        among(Kind::Code, code, &known.into_iter().collect::<Vec<_>>())
    }

    /// All agents who are known, with their names.
    fn agent_names(&self) -> Result<Vec<Agent>, Error> {
        let agent = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
        self.read(|connection| connection.prepare(AGENTS)?.query_map([], agent)?.collect())
    }

    /// The interfaces that took part in calls.
    fn agents_of_calls(&self) -> Result<BTreeSet<String>, Error> {
        self.read(|connection| met_in(connection, ["calls", "legs"], "agent"))
    }
}

/// The values of this column in two tables.
fn met_in<const N: usize>(
    connection: &Connection,
    tables: [&str; N],
    column: &str,
) -> rusqlite::Result<BTreeSet<String>> {
    let mut met = BTreeSet::new();
    for table in tables {
        for value in connection.prepare(&values_of(table, column))?.query_map([], |row| row.get(0))? {
            met.insert(value?);
        }
    }
    Ok(met)
}

fn looked_up(mut chosen: Chosen, reader: &Reader, window: &Window) -> Result<Chosen, NoChoice> {
    if chosen.queue.is_some() || chosen.agent.is_some() {
        let (queues, agents) = reader.ever_met()?;
        if let Some(queue) = &mut chosen.queue {
            among(Kind::Queue, queue, &queues)?;
        }
        if let Some(agent) = &mut chosen.agent {
            let mut of_number =
                agents.iter().filter(|known| known.split_once('/').is_some_and(|(_, peer)| peer == agent.as_str()));
            match (of_number.next(), of_number.next()) {
                (Some(only), None) => *agent = only.clone(),
                (Some(one), Some(other)) => {
                    let instead = Instead::Either(one.clone(), other.clone());
                    return Err(unknown(Kind::Agent, agent, instead));
                }
                _ if agents.contains(agent) => {}
                _ => match named(agent, chosen.pbx.as_deref(), &reader.agent_names()?)? {
                    Some((pbx, interface)) => (chosen.pbx, *agent) = (Some(pbx), interface),
                    None => among(Kind::Agent, agent, &agents)?,
                },
            }
        }
    }
    if chosen.did.is_some() || chosen.code.is_some() {
        let (dids, codes) = reader.met((window.from_ms, window.to_ms))?;
        for (kind, wanted, known) in [(Kind::Did, &mut chosen.did, &dids), (Kind::Code, &mut chosen.code, &codes)] {
            // Where no call has any, that there are no calls says it all.
            if let Some(wanted) = wanted.as_mut().filter(|_| !known.is_empty()) {
                among(kind, wanted, known)?;
            }
        }
    }
    if let Some(trunk) = &mut chosen.trunk {
        let mut trunks = Vec::new();
        for pbx in reader.pbxs()? {
            trunks.extend(reader.trunks(pbx.as_str(), 1_000)?);
        }
        among(Kind::Trunk, trunk, &trunks)?;
    }
    Ok(chosen)
}

/// Makes a site's name one of these, whatever its capital letters.
///
/// # Errors
/// There is none: with those that there are.
pub(crate) fn choose_site(wanted: &mut String, sites: &[String]) -> Result<(), NoChoice> {
    among(Kind::Site, wanted, sites)
}

/// PBX, interface and name of an agent.
type Agent = (String, String, String);

/// The agent who has this name, whatever its capital letters: PBX and interface. `None` if nobody has.
fn named(wanted: &str, pbx: Option<&str>, agents: &[Agent]) -> Result<Option<(String, String)>, NoChoice> {
    let lower = wanted.to_lowercase();
    let has = |(on, _, name): &&Agent| name.to_lowercase() == lower && pbx.is_none_or(|pbx| pbx == on);
    let found: Vec<&Agent> = agents.iter().filter(has).collect();
    if found.len() > 1 {
        let all = found.iter().map(|(pbx, agent, _)| (agent.clone(), pbx.clone())).collect();
        return Err(unknown(Kind::Agent, wanted, Instead::Several(all)));
    }
    Ok(found.first().map(|(pbx, agent, _)| (pbx.clone(), agent.clone())))
}

/// Makes the name one of those that there are, whatever its capital letters.
fn among(kind: Kind, wanted: &mut String, known: &[String]) -> Result<(), NoChoice> {
    if let Some(name) = the_one(wanted, known.iter().map(String::as_str)) {
        name.clone_into(wanted);
        return Ok(());
    }
    let lower = wanted.to_lowercase();
    let mut near: Vec<(f64, &String)> =
        known.iter().map(|name| (strsim::jaro_winkler(&name.to_lowercase(), &lower), name)).collect();
    near.order_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(b.1)));
    let alike: Vec<String> =
        near.iter().filter(|(likeness, _)| *likeness >= ALIKE).take(3).map(|(_, name)| (*name).clone()).collect();
    let instead = match (alike.is_empty(), known.len()) {
        (_, 0) => Instead::Nothing,
        (false, _) => Instead::Alike(alike),
        (true, count) => Instead::These(known.iter().take(OFFERED).cloned().collect(), count.saturating_sub(OFFERED)),
    };
    Err(unknown(kind, wanted, instead))
}

fn unknown(kind: Kind, wanted: &str, instead: Instead) -> NoChoice {
    NoChoice::Unknown(Unknown { kind, wanted: wanted.to_owned(), instead })
}

impl Chosen {
    /// What is chosen, by name.
    #[must_use]
    pub(crate) fn named(&self) -> Vec<(&'static str, String)> {
        let Self { site, pbx, did, trunk, queue, agent, code } = self;
        [
            ("site", site),
            ("PBX", pbx),
            ("DID", did),
            ("trunk", trunk),
            ("queue", queue),
            ("agent", agent),
            ("code", code),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value.clone()?)))
        .collect()
    }
}
