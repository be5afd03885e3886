//! A command of this machine that takes a message on its standard input. Its exit code is the answer.

use crate::webhook::adapters::Reply;
use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Until it is looked again whether it has ended.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Of what it complains of, so much is kept, bytes.
const MAX_TEXT: u64 = 500;

/// Runs it beside the loop. Who takes longer than `patience` is killed.
pub(crate) async fn run(command: Vec<String>, text: String, patience: Duration) -> Result<Reply, String> {
    let ran = tokio::task::spawn_blocking(move || wait(&command, &text, patience));
    ran.await.unwrap_or_else(|_| Err("the command could not be waited for".to_owned()))
}

/// Runs it and waits for its end. Who takes longer than `patience` is killed.
///
/// # Errors
/// It cannot be run, was killed, or took too long.
pub(crate) fn wait(command: &[String], text: &str, patience: Duration) -> Result<Reply, String> {
    let (program, arguments) = command.split_first().ok_or("there is no command")?;
    let child = Command::new(program)
        .args(arguments)
        .env_clear()
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = child.map_err(|error| format!("{program} cannot be run: {error}"))?;
    let (input, complaints) = (child.stdin.take(), child.stderr.take());
    // A report is more than a pipe takes at once: a command that does not read it must not hold up the one that waits. Who reads nothing of it says
    // so by its exit code.
    let text = text.to_owned();
    let _writing = std::thread::spawn(move || input.map(|mut input| input.write_all(text.as_bytes())));
    #[expect(clippy::disallowed_methods, reason = "a thread that waits for a child, beside the loop")]
    let begun = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) => {
                let mut text = Vec::new();
                let _ = complaints.map(|complaints| complaints.take(MAX_TEXT).read_to_end(&mut text));
                let code = status.code().and_then(|code| u16::try_from(code).ok());
                let code = code.ok_or("the command was killed")?;
                return Ok(Reply { code, retry_after_ms: None, text: String::from_utf8_lossy(&text).into_owned() });
            }
            Ok(None) if begun.elapsed() < patience => std::thread::sleep(LOOK_EVERY),
            Ok(None) => {
                let _ = child.kill().and_then(|()| child.wait());
                return Err(format!("the command took longer than {} s", patience.as_secs_f32()));
            }
            Err(error) => return Err(error.to_string()),
        }
    }
}
