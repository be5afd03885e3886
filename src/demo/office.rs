//! The call centre that the pretend PBX is configured for: its queues, agents, numbers and menu.

/// Context in which customers arrive.
pub(crate) const FROM_TRUNK: &str = "from-trunk";
/// Context of the phones.
pub(crate) const FROM_INTERNAL: &str = "from-internal";
/// Context of the menu.
pub(crate) const MENU: &str = "ivr-main";
/// Context of what is played when the office is closed.
pub(crate) const CLOSED: &str = "closed";
/// The trunk, as an interface.
pub(crate) const TRUNK: &str = "PJSIP/trunk";

/// A queue, as in `queues.conf`.
#[derive(Debug, Clone)]
pub struct Queue {
    /// The queue's name.
    pub name: String,
    /// Agents, as places in [`Office::agents`].
    pub members: Vec<usize>,
    /// `timeout`: an agent's phone rings so long, ms.
    pub ring_ms: i64,
    /// The caller is let go after so long, ms.
    pub max_wait_ms: i64,
    /// `wrapuptime`, ms.
    pub wrapup_ms: i64,
}

/// An agent with one phone.
#[derive(Debug, Clone)]
pub struct Agent {
    /// Name in the queues.
    pub name: String,
    /// `101`
    pub extension: String,
}

impl Agent {
    /// `PJSIP/101`
    #[must_use]
    pub fn interface(&self) -> String {
        format!("PJSIP/{}", self.extension)
    }
}

/// What a dialled number leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    Queue(String),
    /// The menu, and what its keys lead to.
    Menu(Vec<(char, String)>),
    /// An office that is closed, and says so.
    Closed,
}

/// The whole office: queues and their agents.
#[derive(Debug, Clone)]
pub struct Office {
    pub queues: Vec<Queue>,
    pub agents: Vec<Agent>,
    /// Numbers that customers dial, and where they lead.
    pub dids: Vec<(String, Entry)>,
    /// Whom no queue could serve leaves a message there; `None`: they are let go.
    pub mailbox: Option<String>,
    /// The user who may log in, and the secret.
    pub login: (String, String),
}

impl Office {
    /// Three queues, eight agents, a menu.
    #[must_use]
    pub fn small() -> Self {
        let names = ["Ann", "Ben", "Cleo", "Dan", "Eve", "Finn", "Gia", "Hugo"];
        let agents = (101..).zip(names).map(|(n, name)| Agent { name: name.to_owned(), extension: n.to_string() });
        let queue = |name: &str, members: &[usize]| Queue {
            name: name.to_owned(),
            members: members.to_vec(),
            ring_ms: 6_000,
            max_wait_ms: 25_000,
            wrapup_ms: 2_000,
        };
        let to = |name: &str| Entry::Queue(name.to_owned());
        Self {
            queues: vec![queue("sales", &[0, 1, 2]), queue("support", &[2, 3, 4, 5]), queue("billing", &[5, 6, 7])],
            agents: agents.collect(),
            dids: vec![
                ("5550100".to_owned(), to("support")),
                ("5550101".to_owned(), to("sales")),
                ("5550102".to_owned(), to("billing")),
                ("5550103".to_owned(), Entry::Menu(vec![('1', "sales".to_owned()), ('2', "support".to_owned())])),
            ],
            mailbox: None,
            login: ("callbackd".to_owned(), "demo".to_owned()),
        }
    }

    /// The same with a branch that is closed, and a mailbox.
    #[must_use]
    pub fn lively() -> Self {
        let mut office = Self::small();
        office.dids.push(("5550104".to_owned(), Entry::Closed));
        office.mailbox = Some("200@default,u".to_owned());
        office.queues.iter_mut().for_each(|queue| queue.max_wait_ms = 18_000);
        office
    }

    /// The queue of this name.
    #[must_use]
    pub(crate) fn queue(&self, name: &str) -> Option<&Queue> {
        self.queues.iter().find(|queue| queue.name == name)
    }

    /// The queues of an agent.
    pub(crate) fn queues_of(&self, agent: usize) -> impl Iterator<Item = &Queue> {
        self.queues.iter().filter(move |queue| queue.members.contains(&agent))
    }

    /// The agent with this interface.
    #[must_use]
    pub fn agent(&self, interface: &str) -> Option<usize> {
        self.agents.iter().position(|agent| agent.interface() == interface)
    }
}
