//! The pretend PBX on a TCP port, in real time.

use super::pbx::{Input, Output, Pbx};
use super::town::{Event, Town};
use crate::background::background;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

/// Texts that wait for a client; one that is slower is dropped, as Asterisk does after `writetimeout`.
const MAX_WAITING: usize = 50_000;
/// Clients at once.
const MAX_CLIENTS: usize = 64;

/// Closes the lines of a pretend PBX from another thread, and says how many calls go on.
#[derive(Debug, Clone, Default)]
pub(crate) struct Switch {
    quiet: Arc<AtomicBool>,
    live: Arc<AtomicUsize>,
}

impl Switch {
    /// Nobody calls any more.
    pub(crate) fn close_the_lines(&self) {
        self.quiet.store(true, Ordering::Relaxed);
    }

    /// Calls that go on.
    #[must_use]
    pub(crate) fn live_calls(&self) -> usize {
        self.live.load(Ordering::Relaxed)
    }
}

enum News {
    Bytes(u64, Vec<u8>),
    Gone(u64),
}

fn now() -> i64 {
    #[allow(clippy::disallowed_methods)] // the door by which time comes in
    jiff::Timestamp::now().as_millisecond()
}

/// Serves until the process ends.
pub(crate) async fn serve(listener: TcpListener, mut pbx: Pbx, mut town: Town, switch: Switch) {
    let (news, mut received) = mpsc::channel(1_024);
    let mut clients: BTreeMap<u64, mpsc::Sender<String>> = BTreeMap::new();
    let mut next = 0;
    loop {
        let due = pbx.deadline().unwrap_or(i64::MAX).min(town.deadline()).saturating_sub(now()).clamp(0, 1_000);
        tokio::select! {
            accepted = listener.accept() => if let Ok((stream, _)) = accepted && clients.len() < MAX_CLIENTS {
                next += 1;
                clients.insert(next, attend(stream, next, &news));
                pbx.handle(Input::Connected(next), now());
            },
            Some(what) = received.recv() => match what {
                News::Bytes(client, bytes) => pbx.handle(Input::Received(client, &bytes), now()),
                News::Gone(client) => {
                    clients.remove(&client);
                    pbx.handle(Input::Disconnected(client), now());
                }
            },
            () = tokio::time::sleep(Duration::from_millis(due.unsigned_abs())) => {}
        }
        let now = now();
        pbx.advance(now);
        while let Some(event) = town.next(now) {
            match event {
                Event::Call(_) if switch.quiet.load(Ordering::Relaxed) => {}
                Event::Call(caller) => pbx.handle(Input::Call(caller), now),
                Event::Break(agent, why) => pbx.handle(Input::Break(agent, Some(why)), now),
                Event::Back(agent) => pbx.handle(Input::Break(agent, None), now),
            }
        }
        switch.live.store(pbx.live_calls(), Ordering::Relaxed);
        while pbx.past().is_some() {}
        while let Some(output) = pbx.poll() {
            match output {
                Output::Send(client, text) => {
                    if clients.get(&client).is_some_and(|to| to.try_send(text).is_err()) {
                        clients.remove(&client);
                        pbx.handle(Input::Disconnected(client), now);
                    }
                }
                Output::Close(client) => drop(clients.remove(&client)),
            }
        }
    }
}

/// A task for each direction; when its sender is dropped, the connection is closed behind what waits.
fn attend(stream: TcpStream, client: u64, news: &mpsc::Sender<News>) -> mpsc::Sender<String> {
    let (sender, waiting) = mpsc::channel(MAX_WAITING);
    let (read, write) = stream.into_split();
    background(listen(read, client, news.clone()));
    background(speak(write, waiting));
    sender
}

async fn listen(mut read: OwnedReadHalf, client: u64, news: mpsc::Sender<News>) {
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(count) = read.read(&mut buffer).await
        && count > 0
        && news.send(News::Bytes(client, buffer[..count].to_vec())).await.is_ok()
    {}
    // The PBX may have ended.
    let _ = news.send(News::Gone(client)).await;
}

async fn speak(mut write: OwnedWriteHalf, mut waiting: mpsc::Receiver<String>) {
    while let Some(text) = waiting.recv().await {
        if write.write_all(text.as_bytes()).await.is_err() {
            return;
        }
    }
    // The other end may have gone.
    let _ = write.shutdown().await;
}
