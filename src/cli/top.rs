//! `callbackd top`: queues, calls, callbacks and agents on one screen that stays, until `q` is pressed.

pub mod screen;

use super::failure::Failure;
use super::place::{Place, PlaceArgs};
use crate::api::client::ClientError;
use rustix::termios::{self, LocalModes, OptionalActions, SpecialCodeIndex, Termios};
use screen::Shown;
use serde_json::Value;
use std::io::{self, IsTerminal, Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};

/// Columns and rows where nobody says how large the terminal is.
const USUAL: (u16, u16) = (80, 24);
/// It is looked again this often, in tenths of a second: the terminal's own unit (`man 3 termios`, VTIME).
const TICK: u8 = 10;
/// Callbacks that are asked for: more than a screen has room for.
const CALLBACKS: usize = 100;

/// Show queues, calls, callbacks and agents on one screen, as they are now
#[derive(Debug, Clone, Default, clap::Args)]
#[command(after_help = "\
Keys: q ends, p stops the screen and lets it go on. Where the output is no terminal, the screen is printed once.

Examples:
  callbackd top
  callbackd top | cat                          once")]
pub struct TopArgs {
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would show it")]
    pub place: PlaceArgs,
}

/// Runs the command.
///
/// # Errors
/// See [`Failure`].
pub fn run(place: &Place, out: &mut impl Write) -> Result<(), Failure> {
    if !(io::stdout().is_terminal() && io::stdin().is_terminal()) || place.json {
        let shown = ask(place)?;
        if place.json {
            return Ok(super::plain::json_line(&shown.live, out)?);
        }
        for line in screen::lines(&shown, place, now_ms(), (usize::MAX, usize::MAX)) {
            writeln!(out, "{}", line.trim_end())?;
        }
        return Ok(());
    }
    let never = AtomicBool::new(false);
    stay(place, &|| None, &never, out)
}

/// Keeps the screen until `q` is pressed, or `over`; `foot` is its last line, if there is one.
///
/// # Errors
/// See [`Failure`].
pub fn stay(
    place: &Place,
    foot: &dyn Fn() -> Option<String>,
    over: &AtomicBool,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let keys = Keys::take()?;
    // Another screen, without a cursor; what was there before comes back at the end.
    write!(out, "\x1b[?1049h\x1b[?25l")?;
    let ended = follow(place, foot, over, out);
    write!(out, "\x1b[?25h\x1b[?1049l")?;
    out.flush()?;
    drop(keys);
    ended
}

fn follow(
    place: &Place,
    foot: &dyn Fn() -> Option<String>,
    over: &AtomicBool,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let mut paused = false;
    while !over.load(Ordering::Relaxed) {
        if !paused {
            let (width, height) = size();
            let mut lines = match ask(place) {
                Ok(shown) => screen::lines(&shown, place, now_ms(), (width, height)),
                // It may come back: the screen waits.
                Err(Failure::Daemon(error @ (ClientError::NotRunning(_) | ClientError::Broken(_)))) => {
                    vec![format!("{error}"), String::new(), "q ends".to_owned()]
                }
                Err(failure) => return Err(failure),
            };
            if let Some(foot) = foot() {
                lines.resize(height.max(1), String::new());
                lines[height.max(1) - 1] = foot;
            }
            draw(&lines, (width, height), out)?;
        }
        let mut key = [0];
        if io::stdin().read(&mut key)? == 1 {
            match key[0] {
                // Ctrl-C and Ctrl-D are keys here.
                b'q' | b'Q' | 3 | 4 => return Ok(()),
                b'p' | b'P' | b' ' => paused = !paused,
                _ => {}
            }
        }
    }
    Ok(())
}

fn draw(lines: &[String], (width, height): (usize, usize), out: &mut impl Write) -> io::Result<()> {
    let mut frame = "\x1b[H".to_owned();
    for (n, line) in lines.iter().take(height).enumerate() {
        if n > 0 {
            frame.push_str("\r\n");
        }
        frame.push_str(&super::plain::clip(line, width));
        frame.push_str("\x1b[K");
    }
    frame.push_str("\x1b[J");
    out.write_all(frame.as_bytes())?;
    out.flush()
}

fn ask(place: &Place) -> Result<Shown, Failure> {
    let missing = || Failure::Daemon(ClientError::NotRunning(place.socket.clone()));
    let mut live = place.get("/v1/live")?.ok_or_else(missing)?;
    for list in ["queues", "agents"] {
        if let Some(see) = live["cut"][list]["see"].as_str().map(str::to_owned) {
            live[list] = place.list(&see)?.ok_or_else(missing)?;
        }
    }
    let callbacks = place.get(&format!("/v1/callbacks?open=true&limit={CALLBACKS}"))?.ok_or_else(missing)?;
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
