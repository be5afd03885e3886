//! `callbackd demo`: a pretend call centre, and the real daemon beside it, for whoever has no PBX at hand.

use super::failure::Failure;
use super::plain::has_screen;
use super::target::{Target, TargetArgs};
use super::top;
use crate::background::block_on;
use crate::config::Config;
use crate::daemon;
use crate::demo::office::Office;
use crate::demo::pbx::Pbx;
use crate::demo::serve::{Switch, serve};
use crate::demo::show::Tally;
use crate::demo::town::{Folk, Town};
use crate::exit::Exit;
use crate::random;
use crate::store::Store;
use crate::store::tokens::{Role, Token, TokenChange, hash};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, getpid, getuid, kill_process, test_kill_process};
use std::fmt::Write as _;
use std::fs::{self, DirBuilder};
use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// The live summary comes this often.
const SUMMARY_EVERY: Duration = Duration::from_secs(10);
/// So long before the end nobody calls any more, so that those who were missed are called back; half of the time at most.
const LAST_CALLBACKS: Duration = Duration::from_secs(20);
/// How long it lasts if nobody says so.
const USUAL: Duration = Duration::from_secs(60);
/// In less nothing is seen.
const SHORTEST: Duration = Duration::from_secs(1);
/// How often it is looked whether all is done.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// See it work without a PBX: a pretend call centre, the real daemon, a real database
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Three queues, eight agents, a menu, and callers of all kinds, made up; everything else is real: the daemon, the connection, the database.
It ends after --duration, or with Ctrl-C, and says what came of it. In the last 20 s no new callers come, so that missed ones can be called back; a callback whose
next try would be later stays open.

Examples:
  callbackd demo
  callbackd demo --log                         the daemon's log instead of the screen
  callbackd demo --calls-per-minute 120 --duration 5m
  callbackd demo --pbxs 2                      two PBXs, one list of missed callers
  callbackd demo --api 127.0.0.1:8380          pages for a browser and the API, until Ctrl-C
  callbackd demo --listen 127.0.0.1:5038       for your own AMI client: user callbackd, secret demo")]
pub struct DemoArgs {
    /// Calls from customers a minute
    #[arg(long, value_name = "N", default_value_t = 36, value_parser = clap::value_parser!(u32).range(1..=3_000))]
    pub(crate) calls_per_minute: u32,
    /// How long it runs: 30s, 5m [default: 60s; with --listen or --api, until Ctrl-C]
    #[arg(long, value_name = "TIME", value_parser = lasting)]
    pub(crate) duration: Option<Duration>,
    /// The same seed gives the same callers [default: another one each time]
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// Database, kept [default: in a new temporary directory]
    #[arg(long, value_name = "FILE")]
    pub(crate) db: Option<PathBuf>,
    /// Let the pretend PBX listen here, for other AMI clients too; several listen on the ports that follow
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) listen: Option<SocketAddr>,
    /// Pages and API here, on this machine; the token to log in with is said, and the log is shown
    #[arg(long, value_name = "ADDRESS:PORT", value_parser = of_this_machine)]
    pub(crate) api: Option<SocketAddr>,
    /// Show the log instead of the screen, as where the output is no terminal
    #[arg(long)]
    pub(crate) log: bool,
    /// How many pretend PBXs the daemon serves, all with the same customers, extensions and queues
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=8))]
    pub(crate) pbxs: u16,
}

/// Without TLS the API is for this machine alone.
fn of_this_machine(text: &str) -> Result<SocketAddr, String> {
    let what = "an address of this machine and a port: 127.0.0.1:8380";
    text.parse().ok().filter(|address: &SocketAddr| address.ip().is_loopback()).ok_or_else(|| what.to_owned())
}

/// How long a demo lasts.
fn lasting(text: &str) -> Result<Duration, String> {
    match super::callbacks::duration(text)? {
        short if short < SHORTEST => Err("a demo lasts a second at least: 30s, 5m".to_owned()),
        duration => Ok(duration),
    }
}

/// Runs the demo until it is interrupted.
pub fn run(args: &DemoArgs, out: &mut impl Write) -> Exit {
    match prepare(args).and_then(|stage| stage.play(args, out)) {
        Ok(exit) => exit,
        Err(error) => {
            anstream::eprintln!("error: {error}");
            Exit::CantCreate
        }
    }
}

/// Everything that is needed.
struct Stage {
    listeners: Vec<TcpListener>,
    config: PathBuf,
    db: PathBuf,
    seed: u64,
    /// A screen is shown instead of the log.
    screen: bool,
    /// What is said of the pages: where they are, and the token to log in with.
    pages: String,
}

fn prepare(args: &DemoArgs) -> io::Result<Stage> {
    let named = |what: String| move |error: io::Error| io::Error::new(error.kind(), format!("{what}: {error}"));
    let seed = args.seed.unwrap_or_else(|| fastrand::u64(..1_000_000));
    let temp = std::env::temp_dir();
    tidy(&temp);
    let directory = temp.join(format!("callbackd-demo-{}-{seed}", getpid().as_raw_nonzero()));
    DirBuilder::new().mode(0o700).create(&directory).map_err(named(directory.display().to_string()))?;
    let listeners = (0..args.pbxs).map(|n| listen(args.listen, n)).collect::<io::Result<Vec<_>>>()?;
    let addresses = listeners.iter().map(TcpListener::local_addr).collect::<io::Result<Vec<_>>>()?;
    let db = match &args.db {
        Some(db) => std::path::absolute(db)?,
        None => directory.join("calls.db"),
    };
    write(&directory.join("secret"), 0o600, &format!("{}\n", Office::small().login.1))?;
    let config = directory.join("callbackd.toml");
    let screen = !args.log && args.api.is_none() && has_screen();
    let log = if screen { "\n[log]\nlevel = \"off\"\n" } else { "" };
    let listens = args.api.map_or(String::new(), |address| format!("listen = \"{address}\"\npages = true\n"));
    write(&config, 0o600, &(configuration(&addresses, &db, &listens) + log))?;
    let pages = match args.api {
        Some(address) => format!("Pages: http://{address}/  API: http://{address}/v1/  Token: {}\n", token(&db)?),
        None => String::new(),
    };
    Ok(Stage { listeners, config, db, seed, screen, pages })
}

/// The name of the token of a demo.
const TOKEN: &str = "callbackd-demo";

/// Makes the token to log in with; one of an earlier demo on this database counts no more.
fn token(db: &Path) -> io::Result<String> {
    let secret = random::token()?;
    let name = TOKEN.to_owned();
    #[allow(clippy::disallowed_methods)] // the door by which time comes in
    let made_ms = jiff::Timestamp::now().as_millisecond();
    let token = Token { name: name.clone(), role: Role::Operate, made_ms, by: "demo".to_owned() };
    let mut store = Store::open(db).map_err(io::Error::other)?;
    for change in [TokenChange::Remove(name), TokenChange::Add(token, hash(&secret))] {
        store.token(&change).map_err(io::Error::other)?;
    }
    Ok(secret)
}

/// Takes away what demos have left that are over: their directories have the numbers of their processes.
fn tidy(temp: &Path) {
    for entry in fs::read_dir(temp).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let process =
            name.to_str().and_then(|name| name.strip_prefix("callbackd-demo-")?.split('-').next()?.parse().ok());
        let Some(process) = process.and_then(Pid::from_raw) else { continue };
        let own = entry.metadata().is_ok_and(|it| it.is_dir() && it.uid() == getuid().as_raw());
        if own && test_kill_process(process) == Err(Errno::SRCH) {
            // It may stay: there is only less room.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// The door of the nth pretend PBX, from 0.
fn listen(at: Option<SocketAddr>, n: u16) -> io::Result<TcpListener> {
    let mut address = at.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 0)));
    if address.port() > 0 {
        let port = address.port().checked_add(n);
        address.set_port(
            port.ok_or_else(|| io::Error::other(format!("--listen {address}: no port is left for PBX {}", n + 1)))?,
        );
    }
    let named = |error: io::Error| io::Error::new(error.kind(), format!("--listen {address}: {error}"));
    let listener = TcpListener::bind(address).map_err(named)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// The name of the nth of `all` pretend PBXs, from 0.
fn name(n: usize, all: usize) -> String {
    if all == 1 { "demo".to_owned() } else { format!("demo-{}", n + 1) }
}

fn write(path: &Path, mode: u32, text: &str) -> io::Result<()> {
    fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?.write_all(text.as_bytes())
}

/// As for a real PBX, but everything happens sooner.
fn configuration(addresses: &[SocketAddr], db: &Path, listens: &str) -> String {
    let mut pbxs = String::new();
    for (n, address) in addresses.iter().enumerate() {
        let unspecified = address.ip().is_unspecified();
        let host = if unspecified { SocketAddr::from(([127, 0, 0, 1], address.port())) } else { *address };
        let name = name(n, addresses.len());
        let _ = writeln!(
            pbxs,
            "[[pbx]]\nname = \"{name}\"\naddress = \"{host}\"\nsecret_file = \"secret\"\nallow_plaintext = true\n"
        );
    }
    let db = toml::Value::from(db.display().to_string());
    format!(
        r#"{pbxs}[store]
path = {db}

[api]
socket = "api.sock"
{listens}
[calls]
inbound_contexts = ["from-trunk"]
ivr_contexts = ["ivr-*"]
short_abandon = "1s"
min_talk = "1s"

[numbers]
region = "US"

[callback]
enabled = true
delay = "2s"
min_talk = "2s"
max_active = 8
agent_ring = "10s"
customer_ring = "12s"
agent_cooldown = "10s"
owner_window = "2s"
last_dispatch = "0s"
quiet = "off"
daily = 100000
daily_per_prefix = 100000
daily_per_number = 50
dial_agent = "{{interface}}"
dial_customer = "PJSIP/{{number}}@trunk"
number_form = "{{digits}}"

[callback.retry]
customer_busy = "10s"
customer_noanswer = "15s"
customer_rejected = "20s"
maybe_voicemail = "15s"
congestion = "10s"
agent_left = "10s"
originate_error = "10s"
"#
    )
}

impl Stage {
    fn play(self, args: &DemoArgs, out: &mut impl Write) -> io::Result<Exit> {
        let Self { listeners, config, db, seed, screen, pages } = self;
        let lasts = args.listen.is_none() && args.api.is_none();
        let duration = args.duration.or(lasts.then_some(USUAL));
        let pace = args.calls_per_minute;
        let how_long = duration.map_or("until Ctrl-C".to_owned(), |d| format!("for {} s", d.as_secs()));
        let addresses =
            listeners.iter().map(|l| l.local_addr().map(|a| a.to_string())).collect::<io::Result<Vec<_>>>()?;
        let (which, each) = if addresses.len() == 1 { ("A pretend PBX", "") } else { ("Pretend PBXs", " on each") };
        anstream::eprintln!(
            "{which} at {}, {pace} calls a minute{each} {how_long}, seed {seed}; the daemon beside it is the real one.\n{pages}",
            addresses.join(", ")
        );
        let program = program();
        anstream::eprintln!(
            "Look into it meanwhile, in another terminal:\n  {program} tail --config {0}\n  {program} status --config {0}\n  {program} callbacks --config {0}\n",
            config.display()
        );
        let mut switches = Vec::new();
        for (n, listener) in (0..).zip(listeners) {
            let switch = Switch::default();
            switches.push(switch.clone());
            let seed = seed.wrapping_add(n);
            thread::Builder::new()
                .name("pretend-pbx".to_owned())
                .spawn(move || pretend(listener, seed, pace, switch))?;
        }
        let board = Arc::new(Board::default());
        let (path, says) = (db.clone(), Arc::clone(&board));
        thread::Builder::new().name("demo".to_owned()).spawn(move || watch(&path, &switches, duration, &says))?;
        let shown = screen.then(|| {
            let (config, board) = (config.clone(), Arc::clone(&board));
            thread::Builder::new().name("screen".to_owned()).spawn(move || board.show(&config))
        });
        let exit = daemon::run::run(&config);
        board.over.store(true, Ordering::Relaxed);
        if let Some(shown) = shown.transpose()? {
            // The terminal is as it was before what follows is said.
            let _ = shown.join();
        }
        if args.api.is_some() {
            // A database that is kept keeps no token of it.
            let withdrawn = Store::open(&db).and_then(|mut store| store.token(&TokenChange::Remove(TOKEN.to_owned())));
            withdrawn.map_err(io::Error::other)?;
        }
        if exit != Exit::Ok {
            return Ok(exit);
        }
        let tally = Tally::of(&db).map_err(io::Error::other)?;
        let (db, config) = (db.display(), config.display());
        let said = writeln!(
            out,
            "\n{}\nLook into it (the next demo takes it away{}):\n  {program} missed --config {config}\n  {program} calls --config {config}\n  {program} calls show 1 --config {config}\n  {program} callbacks --all --config {config}\n  \
             {program} callbacks show 1 --config {config}\n  {program} agents --config {config}\n  {program} status --config {config}\n  sqlite3 -readonly {db} 'SELECT * FROM v_missed LIMIT 20'",
            tally.table(),
            if args.db.is_some() { "; the database stays" } else { "; --db FILE stays" },
        );
        match said {
            // Nobody reads any more.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Exit::Ok),
            said => said.map(|()| Exit::Ok),
        }
    }
}

/// How this program is called: by its name where a shell finds it by that, else by its path.
fn program() -> String {
    let Ok(this) = std::env::current_exe() else { return "callbackd".to_owned() };
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|directory| directory.join("callbackd")).find(|file| file.is_file());
    let same = found.and_then(|found| found.canonicalize().ok()) == this.canonicalize().ok();
    if same { "callbackd".to_owned() } else { this.display().to_string() }
}

/// The pretend PBX, in a thread of its own.
fn pretend(listener: TcpListener, seed: u64, pace: u32, switch: Switch) {
    let office = Office::lively();
    #[allow(clippy::disallowed_methods)] // the door by which time comes in
    let now = jiff::Timestamp::now().as_millisecond();
    let town = Town::new(&office, seed, pace, now);
    let pbx = Pbx::new(office, Box::new(Folk::new(seed)), now);
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
    block_on(&runtime, async {
        if let Ok(listener) = tokio::net::TcpListener::from_std(listener) {
            serve(listener, pbx, town, switch).await;
        }
    });
}

/// The last line of the screen: how many calls there were, missed ones, and callers won back; how long it lasts still, and whether nobody calls any more.
#[must_use]
pub fn foot((calls, missed, won): (u64, u64, u64), left: Option<Duration>, closed: bool) -> String {
    // Both do not fit into 80 columns.
    let (what, keys) = match closed {
        true => ("lines closed, ends in", "q ends"),
        false => ("ends in", "q ends  Enter: one history"),
    };
    let left = left.map_or(String::new(), |left| format!("   {what} {} s", left.as_secs()));
    format!("{calls} calls, {missed} missed, {won} won back{left}   {keys}")
}

/// What the screen says at its foot, and whether it is over.
#[derive(Default)]
struct Board {
    foot: Mutex<String>,
    over: AtomicBool,
}

impl Board {
    /// Shows the screen until the demo is over; who presses `q` ends it.
    fn show(&self, config: &Path) {
        let Ok(config) = Config::load(config) else { return };
        #[allow(clippy::disallowed_methods)] // the door by which time comes in
        let target = Target::new(&TargetArgs::default(), &config, jiff::Timestamp::now());
        // The daemon is about to open its door.
        for _ in 0..40 {
            if config.api.socket.exists() {
                break;
            }
            thread::sleep(Duration::from_millis(50));
        }
        let foot = || Some(self.foot.lock().unwrap_or_else(PoisonError::into_inner).clone());
        let shown = top::show(&target, None, &foot, &self.over, &mut io::stdout());
        // Without a screen the demo goes on; without a terminal nobody looks any more.
        if matches!(shown, Ok(()) | Err(Failure::Output(_))) && !self.over.load(Ordering::Relaxed) {
            let _ = kill_process(getpid(), Signal::TERM);
        }
    }

    fn say(&self, tally: &Tally, left: Option<Duration>, closed: bool) {
        let text = foot((tally.total(), tally.missed(), tally.won_back.values().sum()), left, closed);
        *self.foot.lock().unwrap_or_else(PoisonError::into_inner) = text;
    }
}

/// What is said goes into a pipe whose reader has gone.
fn nobody_reads() -> bool {
    let (out, log) = (io::stdout(), io::stderr());
    let mut pipes = [PollFd::new(&out, PollFlags::empty()), PollFd::new(&log, PollFlags::empty())];
    let looked = poll(&mut pipes, Some(&Timespec::default()));
    looked.is_ok() && pipes.iter().any(|pipe| pipe.revents().contains(PollFlags::ERR))
}

/// Says how it goes, closes the lines when the time is over, and ends the daemon when nothing is left to be done.
fn watch(db: &Path, switches: &[Switch], duration: Option<Duration>, board: &Board) {
    #[allow(clippy::disallowed_methods)] // the door by which time comes in
    let began = Instant::now();
    let (mut seconds, mut summaries) = (0, 0);
    let closing = duration.map(|duration| duration - LAST_CALLBACKS.min(duration / 2));
    let (mut closed, mut began_before) = (false, false);
    loop {
        thread::sleep(LOOK_EVERY);
        let passed = began.elapsed();
        let second = passed.as_secs() > seconds;
        let summary = passed.as_secs() / SUMMARY_EVERY.as_secs() > summaries;
        let over = closing.is_some_and(|closing| passed >= closing);
        // Until then the daemon may still be making the database.
        let Some(tally) = (second || over).then(|| Tally::of(db).ok()).flatten() else { continue };
        // A second later the daemon listens to signals.
        if std::mem::replace(&mut began_before, true) && nobody_reads() {
            let _ = kill_process(getpid(), Signal::TERM);
            return;
        }
        (seconds, summaries) = (passed.as_secs(), passed.as_secs() / SUMMARY_EVERY.as_secs());
        board.say(&tally, duration.map(|duration| duration.saturating_sub(passed)), closed);
        if summary {
            let (calls, missed, open, called_back) = (tally.total(), tally.missed(), tally.open, tally.called_back());
            tracing::info!(target: "demo", calls, missed, open, called_back, "So far");
        }
        let Some(duration) = duration.filter(|_| over) else { continue };
        if !closed {
            closed = true;
            let (open, at_most_s) = (tally.open, duration.saturating_sub(passed).as_secs());
            tracing::info!(target: "demo", open, at_most_s, "Lines closed; missed callers are called back while there is time");
        }
        switches.iter().for_each(Switch::close_the_lines);
        let done = switches.iter().all(|switch| switch.live_calls() == 0) && tally.open == 0;
        if done || passed >= duration {
            // The daemon ends as it does under systemd.
            let _ = kill_process(getpid(), Signal::TERM);
            return;
        }
    }
}
