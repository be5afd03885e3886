//! A command of this machine that takes a message on its standard input. Its exit code is the answer.

use crate::webhook::Answer;
use crate::webhook::adapters::Reply;
use std::io::{Read, Write};
use std::process::{ChildStderr, Command, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

/// Until it is looked again whether it has ended.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Of what it complains of, so much is kept, bytes.
const MAX_TEXT: u64 = 500;
/// Once it has ended, what it complained of is waited for so long: a process that it left behind may hold the pipe open for ever.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Runs it beside the loop. Who takes longer than `patience` is killed.
pub(crate) async fn run(command: Vec<String>, text: String, patience: Duration) -> Result<Reply, Answer> {
    let ran = tokio::task::spawn_blocking(move || wait(&command, &text, patience));
    ran.await.unwrap_or_else(|_| Err(Answer::Nothing("the command could not be waited for".to_owned())))
}

/// Runs it and waits for its end. Who takes longer than `patience` is killed.
///
/// # Errors
/// It cannot be run, was killed, or took too long.
pub(crate) fn wait(command: &[String], text: &str, patience: Duration) -> Result<Reply, Answer> {
    let none = |why: &str| Answer::Nothing(why.to_owned());
    let (program, arguments) = command.split_first().ok_or_else(|| none("there is no command"))?;
    let child = Command::new(program)
        .args(arguments)
        .env_clear()
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = child.map_err(|error| none(&format!("{program} cannot be run: {error}")))?;
    let (input, complaints) = (child.stdin.take(), child.stderr.take().map(complaints));
    // A report is more than a pipe takes at once: a command that does not read it must not hold up the one that waits. Who reads nothing of it says
    // so by its exit code.
    let text = text.to_owned();
    let _writing = std::thread::spawn(move || input.map(|mut input| input.write_all(text.as_bytes())));
    #[expect(clippy::disallowed_methods, reason = "a thread that waits for a child, beside the loop")]
    let begun = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) => {
                let text =
                    complaints.and_then(|complaints| complaints.recv_timeout(LAST_WORDS).ok()).unwrap_or_default();
                let code = status.code().and_then(|code| u16::try_from(code).ok());
                let code = code.ok_or_else(|| none("the command was killed"))?;
                return Ok(Reply { code, retry_after_ms: None, text: String::from_utf8_lossy(&text).into_owned() });
            }
            Ok(None) if begun.elapsed() < patience => std::thread::sleep(LOOK_EVERY),
            Ok(None) => {
                let _ = child.kill().and_then(|()| child.wait());
                return Err(Answer::Late(format!("the command took longer than {} s", patience.as_secs_f32())));
            }
            Err(error) => return Err(none(&error.to_string())),
        }
    }
}

/// The beginning of what it complains of. The rest is read too, or it would wait for somebody to read it.
fn complaints(mut from: ChildStderr) -> Receiver<Vec<u8>> {
    let (sender, said) = sync_channel(1);
    std::thread::spawn(move || {
        let mut text = Vec::new();
        let _ = (&mut from).take(MAX_TEXT).read_to_end(&mut text);
        // Nobody may wait any more.
        let _ = sender.send(text);
        let _ = std::io::copy(&mut from, &mut std::io::sink());
    });
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ran(script: &str) -> Result<Reply, Answer> {
        wait(&["sh", "-c", script].map(str::to_owned), "a message", Duration::from_secs(15))
    }

    #[test]
    fn a_command_that_leaves_a_process_behind_is_not_waited_for_any_longer() {
        #[expect(clippy::disallowed_methods, reason = "what is measured is the wait")]
        let begun = Instant::now();
        assert_eq!(ran("sleep 20 & exit 3").map(|reply| reply.code), Ok(3));
        assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
    }

    #[test]
    fn one_that_does_not_end_is_killed_and_was_late() {
        let command = ["sleep", "20"].map(str::to_owned);
        let late = wait(&command, "", Duration::from_millis(50));
        assert!(matches!(late, Err(Answer::Late(_))), "{late:?}");
    }

    #[test]
    fn of_what_it_complains_of_the_beginning_is_kept_and_it_never_waits_for_a_reader() {
        let reply = ran("head -c 300000 /dev/zero | tr '\\0' x >&2; exit 1").unwrap();
        assert_eq!((reply.code, reply.text), (1, "x".repeat(500)));
    }
}
