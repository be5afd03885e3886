//! The pretend PBX on loopback, in a thread of the test: it outlives the daemons that connect to it, and keeps what really happened.

use callbackd::demo::office::Office;
use callbackd::demo::pbx::{Input, Output, Pbx};
use callbackd::demo::people::{Caller, People, Pickup, Talk};
use callbackd::demo::truth::Past;
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// Nobody waits this long unless a test fails.
const PATIENCE: Duration = Duration::from_secs(60);
/// A client that takes nothing for so long is hung up on.
const WRITE_TIMEOUT: Duration = Duration::from_secs(5);
/// Without news the PBX looks at its clock so often, ms.
const LOOK_EVERY_MS: i64 = 200;

/// What really happened.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// Calls that are over.
    pub past: Vec<Past>,
    /// The `ChannelId` of every Originate that came, in their order.
    pub originated: Vec<String>,
    /// Calls that go on.
    pub live: usize,
    /// Agents who are paused, by their places, and why.
    pub paused: BTreeMap<usize, String>,
}

/// Something to do to the PBX, at a time in ms since 1970 UTC.
type Wish = Box<dyn FnOnce(&mut Pbx, i64) + Send>;

/// Who calls next: the callers whose time has come, and when the next one is due (ms since 1970 UTC).
pub type Callers = dyn FnMut(i64) -> (Vec<Caller>, i64) + Send;

enum News {
    Joined(u64, TcpStream),
    Bytes(u64, Vec<u8>),
    Gone(u64),
    Wish(Wish),
}

pub struct Exchange {
    pub port: u16,
    news: Sender<News>,
    known: Arc<Mutex<Known>>,
}

impl Exchange {
    /// `asked` is called with the `ChannelId` of each Originate, before the PBX obeys.
    pub fn open(
        office: Office,
        people: Box<dyn People + Send>,
        callers: Box<Callers>,
        asked: impl FnMut(&str) + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        #[allow(clippy::disallowed_methods, reason = "a test takes all that comes")]
        let (news, received) = channel();
        let known = Arc::new(Mutex::new(Known::default()));
        let (joining, recorded) = (news.clone(), Arc::clone(&known));
        thread::spawn(move || attend(&listener, &joining));
        let agents = office.agents.len();
        let pbx = Pbx::new(office, people, now());
        thread::spawn(move || live(&received, pbx, agents, callers, asked, &recorded));
        Self { port, news, known }
    }

    pub fn wish(&self, wish: impl FnOnce(&mut Pbx, i64) + Send + 'static) {
        self.news.send(News::Wish(Box::new(wish))).unwrap();
    }

    /// An agent takes a break, or comes back.
    pub fn pause(&self, agent: usize, reason: Option<&'static str>) {
        self.wish(move |pbx, now| pbx.handle(Input::Break(agent, reason), now));
    }

    /// A customer calls.
    pub fn call(&self, caller: Caller) {
        self.wish(move |pbx, now| pbx.handle(Input::Call(caller), now));
    }

    pub fn known(&self) -> Known {
        self.known.lock().unwrap().clone()
    }

    /// Waits until this holds of what happened.
    #[allow(clippy::disallowed_methods, reason = "a deadline against hanging")]
    pub fn until(&self, what: &str, holds: impl Fn(&Known) -> bool) -> Known {
        let begun = Instant::now();
        loop {
            let known = self.known();
            if holds(&known) {
                return known;
            }
            assert!(begun.elapsed() < PATIENCE, "{what} did not come: {known:#?}");
            thread::sleep(Duration::from_millis(10));
        }
    }
}

#[allow(clippy::disallowed_methods, reason = "the PBX's clock")]
pub fn now() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

fn attend(listener: &TcpListener, news: &Sender<News>) {
    for (client, stream) in (1..).zip(listener.incoming()) {
        let Ok(stream) = stream else { continue };
        stream.set_nodelay(true).unwrap();
        stream.set_write_timeout(Some(WRITE_TIMEOUT)).unwrap();
        let mut reader = stream.try_clone().unwrap();
        let news = news.clone();
        if news.send(News::Joined(client, stream)).is_err() {
            return;
        }
        thread::spawn(move || {
            let mut buffer = vec![0; 16 * 1024];
            while let Ok(count) = reader.read(&mut buffer)
                && count > 0
                && news.send(News::Bytes(client, buffer[..count].to_vec())).is_ok()
            {}
            // The PBX may have ended.
            let _ = news.send(News::Gone(client));
        });
    }
}

fn live(
    received: &Receiver<News>,
    mut pbx: Pbx,
    agents: usize,
    mut callers: Box<Callers>,
    mut asked: impl FnMut(&str),
    known: &Mutex<Known>,
) {
    let mut clients: BTreeMap<u64, (TcpStream, String)> = BTreeMap::new();
    let mut next_caller = 0;
    loop {
        let due = pbx.deadline().unwrap_or(i64::MAX).min(next_caller).saturating_sub(now()).clamp(0, LOOK_EVERY_MS);
        let first = match received.recv_timeout(Duration::from_millis(due.unsigned_abs())) {
            Ok(news) => Some(news),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => return,
        };
        for news in first.into_iter().chain(received.try_iter().take(64)) {
            match news {
                News::Joined(client, stream) => {
                    clients.insert(client, (stream, String::new()));
                    pbx.handle(Input::Connected(client), now());
                }
                News::Bytes(client, bytes) => {
                    if let Some((_, heard)) = clients.get_mut(&client) {
                        heard.push_str(&String::from_utf8_lossy(&bytes));
                        for id in originates(heard) {
                            asked(&id);
                            known.lock().unwrap().originated.push(id);
                        }
                    }
                    pbx.handle(Input::Received(client, &bytes), now());
                }
                News::Gone(client) => {
                    clients.remove(&client);
                    pbx.handle(Input::Disconnected(client), now());
                }
                News::Wish(wish) => wish(&mut pbx, now()),
            }
        }
        let at = now();
        pbx.advance(at);
        let (come, next) = callers(at);
        next_caller = next;
        for caller in come {
            pbx.handle(Input::Call(caller), at);
        }
        while let Some(output) = pbx.poll() {
            match output {
                Output::Send(client, text) => {
                    if clients.get_mut(&client).is_some_and(|(to, _)| to.write_all(text.as_bytes()).is_err()) {
                        clients.remove(&client);
                        pbx.handle(Input::Disconnected(client), at);
                    }
                }
                Output::Close(client) => {
                    if let Some((stream, _)) = clients.remove(&client) {
                        // The other end may have gone.
                        let _ = stream.shutdown(Shutdown::Both);
                    }
                }
            }
        }
        let mut known = known.lock().unwrap();
        known.past.extend(std::iter::from_fn(|| pbx.past()));
        known.live = pbx.live_calls();
        known.paused = (0..agents).filter_map(|agent| Some((agent, pbx.paused(agent)?.0.to_owned()))).collect();
    }
}

/// The `ChannelId` of every Originate that is whole, and takes all whole actions out of what was heard.
fn originates(heard: &mut String) -> Vec<String> {
    let mut ids = Vec::new();
    while let Some(end) = heard.find("\r\n\r\n") {
        let action: String = heard.drain(..end + 4).collect();
        if action.lines().any(|line| line == "Action: Originate") {
            ids.push(action.lines().find_map(|line| line.strip_prefix("ChannelId: ")).unwrap_or_default().to_owned());
        }
    }
    ids
}

/// People of whom everybody answers at once and talks for so long, ms.
pub struct Eager(pub i64);

impl People for Eager {
    fn agent(&mut self, _agent: usize, _callback: bool) -> Pickup {
        Pickup::Answer(100)
    }

    fn customer(&mut self, _number: &str) -> Pickup {
        Pickup::Answer(100)
    }

    fn talk(&mut self) -> Talk {
        Talk { ms: self.0, ended_by_agent: false }
    }
}

/// Nobody calls unless the test says so.
pub fn nobody() -> Box<Callers> {
    Box::new(|_| (Vec::new(), i64::MAX))
}

/// A customer who calls the sales queue and gives up after so long, ms.
pub fn impatient(number: &str, patience_ms: i64) -> Caller {
    Caller { number: number.to_owned(), name: String::new(), did: "5550101".to_owned(), key: None, patience_ms }
}

/// A configuration for this exchange; `callback` are more lines of that table, `more` more tables.
pub fn configuration(port: u16, callback: &str, more: &str) -> String {
    configuration_of(&[("demo", port)], callback, more)
}

/// The same for several, by their names and ports.
pub fn configuration_of(pbxs: &[(&str, u16)], callback: &str, more: &str) -> String {
    let table = |(name, port): &(&str, u16)| {
        format!("[[pbx]]\nname = \"{name}\"\naddress = \"127.0.0.1:{port}\"\nsecret_file = \"secret\"\n")
    };
    let pbxs: String = pbxs.iter().map(table).collect();
    format!(
        r#"{pbxs}[store]
path = "calls.db"
[api]
socket = "api.sock"
[calls]
inbound_contexts = ["from-trunk"]
ivr_contexts = ["ivr-*"]
short_abandon = "0s"
[numbers]
region = "US"
[callback]
enabled = true
delay = "0s"
min_talk = "0s"
live_callers_first = false
agent_ring = "5s"
customer_ring = "10s"
agent_cooldown = "10s"
owner_window = "0s"
last_dispatch = "0s"
quiet = "off"
daily = 100000
daily_per_prefix = 100000
daily_per_number = 50
dial_agent = "{{interface}}"
dial_customer = "PJSIP/{{number}}@trunk"
number_form = "{{digits}}"
{callback}
[callback.retry]
customer_busy = "10s"
customer_noanswer = "10s"
customer_rejected = "10s"
maybe_voicemail = "10s"
congestion = "10s"
agent_left = "10s"
originate_error = "10s"
lost = "60s"
{more}
"#
    )
}
