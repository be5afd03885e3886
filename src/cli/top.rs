//! `callbackd top`: queues, calls, callbacks and agents on one screen that stays, until `q` is pressed.

pub mod screen;
mod view;

use super::callbacks;
use super::complete;
use super::failure::Failure;
use super::fitted::fit;
use super::interrupted::Interrupted;
use super::plain::{has_screen, safe};
use super::target::{Target, TargetArgs};
use crate::api::client::{self, ClientError};
use crate::api::percent;
use rustix::termios::{self, LocalModes, OptionalActions, SpecialCodeIndex, Termios};
use screen::{Screen, Shown, Thing};
use serde_json::Value;
use signal_hook::consts::SIGHUP;
use std::io::{self, Read, Write};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;
use view::View;

/// Columns and rows where nobody says how large the terminal is.
const USUAL: (u16, u16) = (80, 24);
/// Keys and news are looked for this often, in tenths of a second: the terminal's own unit (`man 3 termios`, VTIME).
const TICK: u8 = 2;
/// And without any of them the screen is made anew after so many of these.
const REFRESH_TICKS: u32 = 5;
/// Callbacks that are asked for: more than a screen has room for.
const CALLBACKS: usize = 100;

/// Show queues, calls, callbacks and agents on one screen, as they are now
#[derive(Debug, Clone, Default, clap::Args)]
#[command(after_help = "\
Keys: q or F10 ends, p stops the screen and lets it go on. Up and Down (or k and j) choose a call or a callback, Enter shows its history, and q or Esc goes back. / or F7 takes a word: only lines that have it are shown, until Esc. Where the output is no terminal, or one without a cursor (TERM=dumb), the screen is printed once.

Examples:
  callbackd top
  callbackd top --pbx berlin
  callbackd top | cat                          once")]
pub struct TopArgs {
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would show it")]
    pub target: TargetArgs,
    /// Of this PBX
    #[arg(long, value_name = "NAME", add = complete::pbxs())]
    pub(crate) pbx: Option<String>,
}

/// Runs the command.
///
/// # Errors
/// See [`Failure`].
pub fn run(args: &TopArgs, target: &Target, out: &mut impl Write) -> Result<(), Failure> {
    if !has_screen() || target.json {
        let shown = ask(target, args.pbx.as_deref())?;
        if target.json {
            return Ok(super::plain::json_line(&shown.live, out)?);
        }
        for line in screen::lines(&shown, target, now_ms(), (usize::MAX, usize::MAX)) {
            writeln!(out, "{}", line.trim_end())?;
        }
        return Ok(());
    }
    // Whatever ends it, the terminal is left as it was.
    let interrupted = Interrupted::listen()?;
    interrupted.also_by(SIGHUP)?;
    show(target, args.pbx.as_deref(), &|| None, interrupted.flag(), out)
}

/// Shows the screen, of one PBX or of all, until `q` is pressed, or `over`; `foot` is its last line, if there is one.
///
/// # Errors
/// See [`Failure`].
pub(crate) fn show(
    target: &Target,
    pbx: Option<&str>,
    foot: &dyn Fn() -> Option<String>,
    over: &AtomicBool,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let keys = Keys::take()?;
    // Another screen, without a cursor; what was there before comes back at the end.
    write!(out, "\x1b[?1049h\x1b[?25l")?;
    let ended = follow(target, pbx, foot, over, out);
    write!(out, "\x1b[?25h\x1b[?1049l")?;
    out.flush()?;
    drop(keys);
    ended
}

fn follow(
    target: &Target,
    pbx: Option<&str>,
    foot: &dyn Fn() -> Option<String>,
    over: &AtomicBool,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let news = News::listen(target);
    let (mut view, mut things, mut ticks, mut pressed) = (View::default(), Vec::new(), REFRESH_TICKS, true);
    let mut last = None;
    while !over.load(Ordering::Relaxed) {
        let due = ticks >= REFRESH_TICKS || news.came();
        if pressed || (due && !view.paused) {
            ticks = 0;
            let (width, height) = size();
            // What is stopped stays as it was, whatever is looked at in it.
            let shown = last.take().filter(|_| view.paused).map_or_else(|| ask(target, pbx), Ok);
            let mut screen = match shown {
                Ok(shown) => look(&mut view, last.insert(shown), target, (width, height)),
                // It may come back: the screen waits.
                Err(Failure::Daemon(error @ (ClientError::NotRunning(_) | ClientError::Broken(_)))) => {
                    Screen { lines: vec![format!("{error}"), String::new(), "q ends".to_owned()], ..Screen::default() }
                }
                Err(failure) => return Err(failure),
            };
            if let Some(foot) = foot().filter(|_| view.opened.is_none()) {
                screen.lines = footed(screen.lines, foot, height);
            }
            let chosen = screen.things.iter().find(|(_, thing)| Some(thing) == view.selected.as_ref());
            out.write_all(frame(&screen.lines, chosen.map(|(line, _)| *line), (width, height)).as_bytes())?;
            out.flush()?;
            things = screen.things;
        }
        // An arrow comes as three bytes, at once.
        let mut key = [0; 8];
        let read = io::stdin().read(&mut key)?;
        (ticks, pressed) = (ticks + 1, read > 0);
        if read > 0 && !view.takes(&key[..read], &things) {
            return Ok(());
        }
    }
    Ok(())
}

/// All, or the history of one.
fn look(view: &mut View, shown: &Shown, target: &Target, (width, height): (usize, usize)) -> Screen {
    let Some((thing, from)) = &mut view.opened else {
        let mut screen = screen::screen(shown, target, now_ms(), (width, height), &view.filter);
        if let (Some(foot), Some(last)) = (view.foot(), screen.lines.last_mut()) {
            *last = foot;
        }
        return screen;
    };
    let text = screen::live_history(shown, target, now_ms(), thing).map_or_else(|| history(thing, target), Ok);
    let text = text.unwrap_or_else(|failure| failure.to_string());
    let all: Vec<String> = text.lines().flat_map(|line| wrapped(line, width)).collect();
    let room = height.saturating_sub(1).max(1);
    *from = (*from).min(all.len().saturating_sub(room));
    let mut lines: Vec<String> = all.into_iter().skip(*from).take(room).collect();
    lines.resize(room, String::new());
    lines.push("q, Enter: back  Up, Down: more of it".to_owned());
    Screen { lines, ..Screen::default() }
}

/// What the database knows of a call that has ended, or of a callback.
fn history(thing: &Thing, target: &Target) -> Result<String, Failure> {
    let reader = target.reader()?;
    match thing {
        Thing::Callback(id) => {
            let history = reader.callback_history(*id)?;
            let history = history.ok_or_else(|| Failure::Missing(format!("there is no callback {id}")))?;
            Ok(callbacks::history::history(&history, target))
        }
        Thing::Call { pbx, linkedid } => {
            let found = reader.call(linkedid)?;
            let ended = found.iter().find(|stored| *stored.call.pbx == **pbx);
            Ok(ended.map_or_else(
                || format!("Call {} has ended; its row is about to be written.", safe(linkedid)),
                |stored| crate::api::history::history(stored, &target.zone),
            ))
        }
    }
}

/// At spaces; a word that is wider than the screen goes on in the next line.
fn wrapped(line: &str, width: usize) -> Vec<String> {
    let pieces = |line: &str| -> Vec<String> {
        let all: Vec<char> = line.chars().collect();
        all.chunks(width.max(1)).map(|piece| piece.iter().collect()).collect()
    };
    match fit(line, width) {
        fitted if fitted.is_empty() => vec![fitted],
        fitted => fitted.lines().flat_map(pieces).collect(),
    }
}

/// Listens to what happens, in a thread of its own, until it is dropped.
struct News {
    came: Arc<AtomicBool>,
    listens: Arc<AtomicBool>,
}

impl News {
    fn listen(target: &Target) -> Self {
        let (came, listens) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(true)));
        let (socket, news, on) = (target.socket.clone(), Arc::clone(&came), Arc::clone(&listens));
        let thread = thread::Builder::new().name("news".to_owned()).spawn(move || {
            while on.load(Ordering::Relaxed) {
                // While there is no stream the screen is looked at anew as often as without one.
                let _ = client::stream(&socket, "/v1/events", |_, _| {
                    news.store(true, Ordering::Relaxed);
                    if on.load(Ordering::Relaxed) { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
                });
                thread::sleep(Duration::from_secs(1));
            }
        });
        // Without the thread as well.
        drop(thread);
        Self { came, listens }
    }

    /// Something has happened since this was asked last.
    fn came(&self) -> bool {
        self.came.swap(false, Ordering::Relaxed)
    }
}

impl Drop for News {
    fn drop(&mut self) {
        self.listens.store(false, Ordering::Relaxed);
    }
}

/// The screen with another last line.
#[must_use]
pub fn footed(mut lines: Vec<String>, foot: String, height: usize) -> Vec<String> {
    lines.resize(height.max(1), String::new());
    lines[height.max(1) - 1] = foot;
    lines
}

/// What is written to the terminal, from the screen's first corner on; the line of this number is the chosen one.
#[must_use]
pub fn frame(lines: &[String], chosen: Option<usize>, (width, height): (usize, usize)) -> String {
    let mut frame = "\x1b[H".to_owned();
    for (n, line) in lines.iter().take(height).enumerate() {
        if n > 0 {
            frame.push_str("\r\n");
        }
        let line = super::plain::clip(line, width);
        // Reverse video: dark on light or light on dark, whichever the terminal has not.
        frame.push_str(&if chosen == Some(n) { format!("\x1b[7m{line:<width$}\x1b[27m") } else { line });
        frame.push_str("\x1b[K");
    }
    frame.push_str("\x1b[J");
    frame
}

fn ask(target: &Target, pbx: Option<&str>) -> Result<Shown, Failure> {
    let of =
        |path: &str, mark: char| pbx.map_or_else(|| path.to_owned(), |pbx| format!("{path}{mark}pbx={}", percent(pbx)));
    let missing = || Failure::Daemon(ClientError::NotRunning(target.socket.clone()));
    let mut live = target.get(&of("/v1/live", '?'))?.ok_or_else(missing)?;
    for list in ["queues", "agents"] {
        if let Some(see) = live["cut"][list]["see"].as_str().map(str::to_owned) {
            live[list] = target.list(&of(&see, '?'))?.ok_or_else(missing)?;
        }
    }
    let callbacks = target.get(&of(&format!("/v1/callbacks?open=true&limit={CALLBACKS}"), '&'))?.ok_or_else(missing)?;
    let callbacks = match callbacks {
        Value::Array(rows) => rows,
        _ => Vec::new(),
    };
    Ok(Shown { live, callbacks })
}

fn now_ms() -> i64 {
    #[allow(clippy::disallowed_methods)] // the door where time comes in
    jiff::Timestamp::now().as_millisecond()
}

fn size() -> (usize, usize) {
    let size = termios::tcgetwinsize(io::stdout()).ok().filter(|size| size.ws_col > 0 && size.ws_row > 0);
    let (width, height) = size.map_or(USUAL, |size| (size.ws_col, size.ws_row));
    (width.into(), height.into())
}

/// The terminal hands over each key as it is pressed, or nothing after a tick; as before once it is dropped.
struct Keys(Termios);

impl Keys {
    fn take() -> io::Result<Self> {
        let before = termios::tcgetattr(io::stdin())?;
        let mut raw = before.clone();
        raw.local_modes -= LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG;
        raw.special_codes[SpecialCodeIndex::VMIN] = 0;
        raw.special_codes[SpecialCodeIndex::VTIME] = TICK;
        termios::tcsetattr(io::stdin(), OptionalActions::Now, &raw)?;
        Ok(Self(before))
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        // The terminal may have gone.
        let _ = termios::tcsetattr(io::stdin(), OptionalActions::Now, &self.0);
    }
}
