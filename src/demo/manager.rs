//! The manager's side of the PBX: logins, actions, and their answers (`main/manager.c`, `apps/app_queue.c`, `main/db.c`).

use super::call::Asked;
use super::pbx::Pbx;
use super::wire::block;
use md5::{Digest, Md5};
use regex::Regex;
use std::fmt::Write;

/// The greeting of Asterisk 22.
pub(crate) const GREETING: &str = "Asterisk Call Manager/11.0.0\r\n";
/// Larger actions end the connection.
const MAX_ACTION: usize = 64 * 1024;

/// Filters of one session; Asterisk has no limit, and nobody needs more.
const MAX_FILTERS: usize = 64;

/// A connection.
#[derive(Debug, Default)]
pub(crate) struct Session {
    buffer: Vec<u8>,
    challenge: Option<String>,
    logged_in: bool,
    muted: bool,
    /// What is let through (if there is any), and what is dropped.
    filters: (Vec<Regex>, Vec<Regex>),
}

impl Session {
    /// This event is sent to it (`match_filter`, `main/manager.c`).
    pub(super) fn listens(&self, event: &str) -> bool {
        let fits = |filters: &[Regex]| filters.iter().any(|filter| filter.is_match(event));
        let (wanted, dropped) = &self.filters;
        self.logged_in && !self.muted && (wanted.is_empty() || fits(wanted)) && !fits(dropped)
    }
}

/// An action: its headers in order.
struct Action(Vec<(String, String)>);

impl Action {
    fn parse(text: &str) -> Self {
        let header = |line: &str| line.split_once(':').map(|(key, value)| (key.to_owned(), value.trim().to_owned()));
        Self(text.lines().filter_map(header).collect())
    }

    fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map_or("", |(_, value)| value)
    }

    /// `Variable` may come several times, as `name=value`.
    fn variables(&self) -> Vec<(String, String)> {
        let all = self.0.iter().filter(|(key, _)| key.eq_ignore_ascii_case("Variable"));
        let split = |(_, value): &(String, String)| value.split_once('=').map(|(k, v)| (k.to_owned(), v.to_owned()));
        all.filter_map(split).map(|(name, value)| (name.trim_start_matches('_').to_owned(), value)).collect()
    }
}

/// Why a variable is neither read nor set.
fn wrong_variable(action: &Action) -> Option<&'static str> {
    match (action.get("Variable"), action.get("Channel")) {
        ("", _) => Some("No variable specified"),
        (_, "") => None,
        _ => Some("No such channel"),
    }
}

impl Pbx {
    pub(super) fn connected(&mut self, client: u64) {
        self.sessions.insert(client, Session::default());
        self.send(client, GREETING.to_owned());
    }

    pub(super) fn received(&mut self, client: u64, bytes: &[u8]) {
        let Some(session) = self.sessions.get_mut(&client) else { return };
        session.buffer.extend_from_slice(bytes);
        while let Some(end) = self.sessions.get(&client).and_then(|s| memchr::memmem::find(&s.buffer, b"\r\n\r\n")) {
            let Some(session) = self.sessions.get_mut(&client) else { return };
            let head: Vec<u8> = session.buffer.drain(..end + 4).collect();
            let action = Action::parse(&String::from_utf8_lossy(&head));
            self.act(client, &action);
        }
        if self.sessions.get(&client).is_some_and(|session| session.buffer.len() > MAX_ACTION) {
            self.close(client);
        }
    }

    fn act(&mut self, client: u64, action: &Action) {
        let id = action.get("ActionID");
        let name = action.get("Action").to_lowercase();
        let logged_in = self.sessions.get(&client).is_some_and(|session| session.logged_in);
        match name.as_str() {
            "challenge" => self.challenge(client, id),
            "login" => self.login(client, action),
            _ if !logged_in => self.refuse(client, id, "Permission denied"),
            "logoff" => {
                let text = "Thanks for all the fish.";
                self.send(client, block("Response: Goodbye", &[("ActionID", id), ("Message", text)]));
                self.close(client);
            }
            "ping" => {
                let stamp = format!("{}.{:06}", self.now / 1_000, self.now % 1_000 * 1_000);
                self.send(
                    client,
                    block("Response: Success", &[("ActionID", id), ("Ping", "Pong"), ("Timestamp", &stamp)]),
                );
            }
            "events" => {
                let muted = action.get("EventMask").eq_ignore_ascii_case("off");
                if let Some(session) = self.sessions.get_mut(&client) {
                    session.muted = muted;
                }
                self.send(
                    client,
                    block("Response: Success", &[("ActionID", id), ("Events", if muted { "Off" } else { "On" })]),
                );
            }
            "queuestatus" => self.queue_status(client, id),
            "coreshowchannels" => self.show_channels(client, id),
            "coresettings" => {
                let headers = [("ActionID", id), ("AMIversion", "11.0.0"), ("AsteriskVersion", "22.0.0-demo")];
                self.send(client, block("Response: Success", &headers));
            }
            "originate" => self.asked_to_originate(client, action),
            "hangup" => {
                if self.hang_up_named(action.get("Channel")) {
                    self.succeed(client, id, "Channel Hungup");
                } else {
                    self.refuse(client, id, "No such channel");
                }
            }
            "queuepause" => self.asked_to_pause(client, action),
            "dbput" => {
                let key = (action.get("Family").to_owned(), action.get("Key").to_owned());
                self.database.insert(key, action.get("Val").to_owned());
                self.succeed(client, id, "Updated database successfully");
            }
            "dbdel" => {
                let key = (action.get("Family").to_owned(), action.get("Key").to_owned());
                match self.database.remove(&key) {
                    Some(_) => self.succeed(client, id, "Key deleted successfully"),
                    None => self.refuse(client, id, "Database entry not found"),
                }
            }
            "dbdeltree" => {
                let family = action.get("Family").to_owned();
                let before = self.database.len();
                let below = |key: &str| key == family || key.starts_with(&format!("{family}/"));
                self.database.retain(|(of, _), _| !below(of));
                match before - self.database.len() {
                    0 => self.refuse(client, id, "Database entry not found"),
                    _ => self.succeed(client, id, "Key tree deleted successfully"),
                }
            }
            "getvar" => self.get_variable(client, action),
            "setvar" => self.set_variable(client, action),
            "filter" => self.add_filter(client, action),
            "command" => self.command(client, id, action.get("Command")),
            _ => self.refuse(client, id, "Invalid/unknown command"),
        }
    }

    fn succeed(&mut self, client: u64, id: &str, message: &str) {
        self.send(client, block("Response: Success", &[("ActionID", id), ("Message", message)]));
    }

    fn refuse(&mut self, client: u64, id: &str, message: &str) {
        self.send(client, block("Response: Error", &[("ActionID", id), ("Message", message)]));
    }

    fn challenge(&mut self, client: u64, id: &str) {
        let challenge = (self.now.unsigned_abs() % 1_000_000_000 + client).to_string();
        self.send(client, block("Response: Success", &[("ActionID", id), ("Challenge", &challenge)]));
        if let Some(session) = self.sessions.get_mut(&client) {
            session.challenge = Some(challenge);
        }
    }

    fn login(&mut self, client: u64, action: &Action) {
        let id = action.get("ActionID");
        let (user, secret) = self.office.login.clone();
        let Some(session) = self.sessions.get_mut(&client) else { return };
        let proof = session.challenge.take().map(|challenge| {
            let digest = Md5::digest(format!("{challenge}{secret}"));
            digest.iter().fold(String::new(), |mut text, byte| {
                // Writing to a String cannot fail.
                let _ = write!(text, "{byte:02x}");
                text
            })
        });
        let proved = proof.is_some_and(|proof| proof == action.get("Key")) || action.get("Secret") == secret;
        if action.get("Username") != user || !proved {
            self.refuse(client, id, "Authentication failed");
            return self.close(client);
        }
        session.logged_in = true;
        self.succeed(client, id, "Authentication accepted");
        let uptime = ((self.now - self.booted_ms) / 1_000).to_string();
        let headers =
            [("Privilege", "system,all"), ("Uptime", &uptime), ("LastReload", &uptime), ("Status", "Fully Booted")];
        self.send(client, block("Event: FullyBooted", &headers));
    }

    /// `action_getvar`: of no channel. There is neither a dialplan nor another function here.
    fn get_variable(&mut self, client: u64, action: &Action) {
        let (id, name) = (action.get("ActionID"), action.get("Variable"));
        if let Some(why) = wrong_variable(action) {
            return self.refuse(client, id, why);
        }
        let value = match self.globals.get(name) {
            Some(value) => value.clone(),
            None if name.starts_with("DIALPLAN_EXISTS(") => "0".to_owned(),
            None => String::new(),
        };
        self.send(client, block("Response: Success", &[("ActionID", id), ("Variable", name), ("Value", &value)]));
    }

    /// `action_setvar`: of no channel. All who listen are told (`pbx_builtin_setvar_helper`, `main/pbx_variables.c`).
    fn set_variable(&mut self, client: u64, action: &Action) {
        let (id, name, value) = (action.get("ActionID"), action.get("Variable"), action.get("Value"));
        if let Some(why) = wrong_variable(action) {
            return self.refuse(client, id, why);
        }
        self.globals.insert(name.to_owned(), value.to_owned());
        self.emit("VarSet", "dialplan", |e| {
            let e = e.put("Channel", "none").put("Uniqueid", "none");
            e.put("Variable", name).put("Value", value)
        });
        self.succeed(client, id, "Variable Set");
    }

    /// A POSIX expression, tried on the whole event; `!` drops what fits.
    fn add_filter(&mut self, client: u64, action: &Action) {
        let (id, text) = (action.get("ActionID"), action.get("Filter"));
        if !action.get("Operation").eq_ignore_ascii_case("Add") {
            return self.refuse(client, id, "Unknown operation");
        }
        let (drops, expression) = text.strip_prefix('!').map_or((false, text), |rest| (true, rest));
        let Some(session) = self.sessions.get_mut(&client) else { return };
        let filters = if drops { &mut session.filters.1 } else { &mut session.filters.0 };
        match Regex::new(expression) {
            Ok(filter) if filters.len() < MAX_FILTERS => {
                filters.push(filter);
                self.succeed(client, id, "Filter added successfully");
            }
            Ok(_) => self.refuse(client, id, "Too many filters"),
            Err(_) => self.refuse(client, id, "Filter did not compile"),
        }
    }

    /// The few commands of the console that clients ask for.
    fn command(&mut self, client: u64, id: &str, line: &str) {
        let uptime = (self.now - self.booted_ms) / 1_000;
        let (channels, calls) = (self.channels.len(), self.live_calls());
        let output = match line {
            "core show version" => vec!["Asterisk 22.0.0-demo, which is none".to_owned()],
            "core show uptime seconds" => vec![format!("System uptime: {uptime}"), format!("Last reload: {uptime}")],
            "core show channels count" => vec![format!("{channels} active channels"), format!("{calls} active calls")],
            _ => {
                let why =
                    format!("No such command '{line}' (type 'core show help {line}' for other possible commands)");
                let headers = [("ActionID", id), ("Message", "Command output follows"), ("Output", &why)];
                return self.send(client, block("Response: Error", &headers));
            }
        };
        let headers = [("ActionID", id), ("Message", "Command output follows")].into_iter();
        let headers: Vec<(&str, &str)> = headers.chain(output.iter().map(|line| ("Output", line.as_str()))).collect();
        self.send(client, block("Response: Success", &headers));
    }

    fn queue_status(&mut self, client: u64, id: &str) {
        let start = [("ActionID", id), ("EventList", "start"), ("Message", "Queue status will follow")];
        let mut text = block("Response: Success", &start);
        let mut items = 0;
        for queue in &self.office.queues {
            let waiting = self.waiting.get(&queue.name).map_or(&[][..], Vec::as_slice);
            let calls = waiting.len().to_string();
            let params = [
                ("Queue", queue.name.as_str()),
                ("Max", "0"),
                ("Strategy", "leastrecent"),
                ("Calls", &calls),
                ("Holdtime", "0"),
                ("TalkTime", "0"),
                ("Completed", "0"),
                ("Abandoned", "0"),
                ("ServiceLevel", "20"),
                ("ServicelevelPerf", "0.0"),
                ("ServicelevelPerf2", "0.0"),
                ("Weight", "0"),
                ("ActionID", id),
            ];
            text += &block("Event: QueueParams", &params);
            for agent in queue.members.iter().rev() {
                let member = self.member(*agent, &queue.name);
                // QueueStatus has other names for two of them, and no Ringinuse.
                let member = member.iter().filter(|(key, _)| *key != "Ringinuse").map(|(key, value)| match *key {
                    "MemberName" => ("Name", value.as_str()),
                    "Interface" => ("Location", value.as_str()),
                    key => (key, value.as_str()),
                });
                let headers: Vec<(&str, &str)> =
                    [("Queue", queue.name.as_str())].into_iter().chain(member).chain([("ActionID", id)]).collect();
                text += &block("Event: QueueMember", &headers);
            }
            for (n, call) in waiting.iter().enumerate() {
                let (Some(call), Some(channel)) = (self.calls.get(call), self.channels.get(call)) else { continue };
                let (position, wait) = ((n + 1).to_string(), ((self.now - call.joined_ms) / 1_000).to_string());
                let known = |text: &str| if text.is_empty() { "unknown".to_owned() } else { text.to_owned() };
                let texts = [&channel.caller.0, &channel.caller.1, &channel.connected.0, &channel.connected.1]
                    .map(|t| known(t));
                let headers = [
                    ("Queue", queue.name.as_str()),
                    ("Position", &position),
                    ("Channel", &channel.name),
                    ("Uniqueid", &channel.uniqueid),
                    ("CallerIDNum", &texts[0]),
                    ("CallerIDName", &texts[1]),
                    ("ConnectedLineNum", &texts[2]),
                    ("ConnectedLineName", &texts[3]),
                    ("Wait", &wait),
                    ("Priority", "0"),
                    ("ActionID", id),
                ];
                text += &block("Event: QueueEntry", &headers);
            }
            items += 1 + queue.members.len() + waiting.len();
        }
        text += &complete("QueueStatusComplete", id, items);
        self.send(client, text);
    }

    fn show_channels(&mut self, client: u64, id: &str) {
        let start = [("ActionID", id), ("EventList", "start"), ("Message", "Channels will follow")];
        let mut text = block("Response: Success", &start);
        for (serial, c) in &self.channels {
            let of = self.calls.values().find(|call| call.first == *serial || call.second == Some(*serial));
            let bridge = of.and_then(|call| call.bridge.clone()).unwrap_or_default();
            let known = |text: &str| if text.is_empty() { "<unknown>".to_owned() } else { text.to_owned() };
            let texts = [&c.caller.0, &c.caller.1, &c.connected.0, &c.connected.1].map(|t| known(t));
            let seconds = (self.now - c.created_ms) / 1_000;
            let duration = format!("{:02}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60);
            let (state, priority) = ((c.state as u8).to_string(), c.priority.to_string());
            let headers = [
                ("ActionID", id),
                ("Channel", &c.name),
                ("ChannelState", &state),
                ("ChannelStateDesc", c.state.as_str()),
                ("CallerIDNum", &texts[0]),
                ("CallerIDName", &texts[1]),
                ("ConnectedLineNum", &texts[2]),
                ("ConnectedLineName", &texts[3]),
                ("Language", "en"),
                ("AccountCode", ""),
                ("Context", &c.context),
                ("Exten", &c.exten),
                ("Priority", &priority),
                ("Uniqueid", &c.uniqueid),
                ("Linkedid", &c.linkedid),
                ("Application", &c.application.0),
                ("ApplicationData", &c.application.1),
                ("Duration", &duration),
                ("BridgeId", &bridge),
            ];
            text += &block("Event: CoreShowChannel", &headers);
        }
        text += &complete("CoreShowChannelsComplete", id, self.channels.len());
        self.send(client, text);
    }

    fn asked_to_originate(&mut self, client: u64, action: &Action) {
        let id = action.get("ActionID");
        let (channel, channel_id) = (action.get("Channel"), action.get("ChannelId"));
        if channel.is_empty() {
            return self.refuse(client, id, "Channel not specified");
        }
        if self.channels.values().any(|c| c.uniqueid == channel_id) {
            return self.refuse(client, id, "Uniqueid already in use");
        }
        let (name, number) = caller_id(action.get("CallerID"));
        let asked = Asked {
            by: (client, id.to_owned()),
            context: action.get("Context").to_owned(),
            variables: action.variables(),
            caller_id: (number, name),
        };
        let timeout_ms = action.get("Timeout").parse().unwrap_or(30_000);
        self.succeed(client, id, "Originate successfully queued");
        self.originate(channel, channel_id, timeout_ms, asked);
    }

    fn asked_to_pause(&mut self, client: u64, action: &Action) {
        let id = action.get("ActionID");
        let paused = ["true", "1", "yes"].contains(&action.get("Paused"));
        match self.office.agent(action.get("Interface")) {
            Some(agent) => {
                self.pause(agent, paused.then_some(action.get("Reason")));
                self.succeed(
                    client,
                    id,
                    if paused { "Interface paused successfully" } else { "Interface unpaused successfully" },
                );
            }
            None => self.refuse(client, id, "Interface not found"),
        }
    }
}

fn complete(event: &str, id: &str, items: usize) -> String {
    let items = items.to_string();
    block(&format!("Event: {event}"), &[("ActionID", id), ("EventList", "Complete"), ("ListItems", &items)])
}

/// Name and number of `"name" <number>` (`ast_callerid_parse`).
fn caller_id(text: &str) -> (String, String) {
    match text.rsplit_once('<') {
        Some((name, number)) => (name.trim().trim_matches('"').to_owned(), number.trim_end_matches('>').to_owned()),
        None => (String::new(), text.to_owned()),
    }
}
