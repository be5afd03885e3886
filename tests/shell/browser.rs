//! A real browser without a window, driven by its own protocol over pipes (`apt install chromium`): pages, what it complains of, pictures.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// Nobody waits this long unless a test fails.
const PATIENCE: Duration = Duration::from_secs(90);

pub struct Browser {
    child: Child,
    orders: ChildStdin,
    answers: Receiver<Value>,
    events: VecDeque<Value>,
    session: String,
    last: u64,
    /// What it complained of: errors of scripts, refusals, warnings.
    pub complaints: Vec<String>,
}

impl Browser {
    pub fn open(directory: &Path) -> Self {
        // The protocol's pipes are descriptors 3 and 4.
        let mut child = Command::new("sh")
            .args(["-c", "exec chromium --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --remote-debugging-pipe --user-data-dir=\"$0\" about:blank 3<&0 4>&1 </dev/null >/dev/null 2>&1"])
            .arg(directory.join("profile"))
            .env("HOME", directory)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (orders, said) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        #[allow(clippy::disallowed_methods, reason = "a test takes all that comes")]
        let (sender, answers) = channel();
        std::thread::spawn(move || {
            let mut said = BufReader::new(said);
            let mut message = Vec::new();
            while said.read_until(0, &mut message).is_ok_and(|bytes| bytes > 0) {
                let text = message.strip_suffix(&[0]).unwrap_or(&message);
                if sender.send(serde_json::from_slice(text).unwrap()).is_err() {
                    break;
                }
                message.clear();
            }
        });
        let (events, complaints) = (VecDeque::new(), Vec::new());
        let mut browser = Self { child, orders, answers, events, session: String::new(), last: 0, complaints };
        let target = browser.order("Target.createTarget", json!({"url": "about:blank"}));
        let attached = browser.order("Target.attachToTarget", json!({"targetId": target["targetId"], "flatten": true}));
        browser.session = attached["sessionId"].as_str().unwrap().to_owned();
        for domain in ["Page.enable", "Runtime.enable", "Log.enable", "Network.enable"] {
            browser.order(domain, json!({}));
        }
        browser
    }

    #[allow(clippy::disallowed_methods, reason = "a deadline against hanging")]
    fn order(&mut self, method: &str, params: Value) -> Value {
        self.last += 1;
        let id = self.last;
        let mut order = json!({"id": id, "method": method, "params": params});
        if !self.session.is_empty() {
            order["sessionId"] = self.session.as_str().into();
        }
        self.orders.write_all(format!("{order}\0").as_bytes()).unwrap();
        let end = Instant::now() + PATIENCE;
        loop {
            let answer = self.next();
            assert!(Instant::now() < end, "no answer to {method}: {}", order["params"]);
            if answer["id"] == id {
                assert!(answer["error"].is_null(), "{method}: {answer}");
                return answer["result"].clone();
            }
            self.events.push_back(answer);
        }
    }

    fn next(&mut self) -> Value {
        let answer = self.answers.recv_timeout(PATIENCE).expect("chromium: install it with apt install chromium");
        let complaint = match answer["method"].as_str().unwrap_or_default() {
            "Runtime.exceptionThrown" => Some(answer["params"]["exceptionDetails"].to_string()),
            "Runtime.consoleAPICalled" if answer["params"]["type"] != "log" => {
                Some(answer["params"]["args"].to_string())
            }
            "Log.entryAdded" => Some(answer["params"]["entry"]["text"].to_string()),
            _ => None,
        };
        self.complaints.extend(complaint);
        answer
    }

    /// Waits for this event of the page.
    fn wait_for(&mut self, event: &str) {
        loop {
            let next = match self.events.pop_front() {
                Some(next) => next,
                None => self.next(),
            };
            if next["method"] == event {
                return;
            }
        }
    }

    pub fn go(&mut self, url: &str) {
        self.events.clear();
        self.order("Page.navigate", json!({"url": url}));
        self.wait_for("Page.loadEventFired");
    }

    /// What follows makes the page go elsewhere.
    pub fn leave(&mut self, script: &str) {
        self.events.clear();
        self.value(script);
        self.wait_for("Page.loadEventFired");
    }

    /// What a script comes to; a promise is waited for.
    pub fn value(&mut self, script: &str) -> Value {
        let params = json!({"expression": script, "awaitPromise": true, "returnByValue": true});
        let answer = self.order("Runtime.evaluate", params);
        assert!(answer["exceptionDetails"].is_null(), "{script}: {answer}");
        answer["result"]["value"].clone()
    }

    pub fn text(&mut self, script: &str) -> String {
        self.value(script).as_str().unwrap_or_default().to_owned()
    }

    /// Waits until the page has come to be so.
    pub fn until(&mut self, so: &str) {
        let script = format!(
            "new Promise(done => {{ const look = () => ({so}) && (watch.disconnect(), done(true)); \
             const watch = new MutationObserver(look); watch.observe(document, {{subtree: true, childList: true, attributes: true, characterData: true}}); look(); }})"
        );
        assert_eq!(self.value(&script), true);
    }

    /// The Enter key on what has the focus; it leads elsewhere.
    pub fn press_enter(&mut self) {
        self.events.clear();
        for kind in ["keyDown", "keyUp"] {
            let key = json!({"type": kind, "key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13, "text": if kind == "keyDown" { "\r" } else { "" }});
            self.order("Input.dispatchKeyEvent", key);
        }
        self.wait_for("Page.loadEventFired");
    }

    pub fn size(&mut self, width: u32, height: u32) {
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600});
        self.order("Emulation.setDeviceMetricsOverride", size);
    }

    pub fn colours(&mut self, scheme: &str) {
        let media = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.order("Emulation.setEmulatedMedia", media);
    }

    /// A picture, where `CALLBACKD_PICTURES` names a directory.
    pub fn picture(&mut self, name: &str) {
        self.shot(name, false);
    }

    fn shot(&mut self, name: &str, whole: bool) {
        let Some(directory) = std::env::var_os("CALLBACKD_PICTURES") else { return };
        let shot = self.order("Page.captureScreenshot", json!({"format": "png", "captureBeyondViewport": whole}));
        let bytes = STANDARD.decode(shot["data"].as_str().unwrap()).unwrap();
        std::fs::write(PathBuf::from(directory).join(format!("{name}.png")), bytes).unwrap();
    }

    /// What a person would see at once: boxes that run over, words cut in two, charts that cannot be read, colours too near each other.
    pub fn flaws(&mut self) -> Vec<String> {
        let found = self.value(include_str!("looks.js"));
        found.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
    }

    /// The whole page as a picture, where `CALLBACKD_PICTURES` names a directory.
    pub fn whole_picture(&mut self, name: &str) {
        self.shot(name, true);
    }

    /// Serious findings of axe-core, which a test has fetched.
    pub fn hindrances(&mut self, axe: &str) -> Vec<String> {
        self.value(axe);
        let found = self.value(
            "axe.run(document, {resultTypes: ['violations']}).then(r => r.violations.filter(v => ['serious', 'critical'].includes(v.impact))\
             .map(v => v.id + ': ' + v.nodes.slice(0, 3).map(n => n.html.slice(0, 120) + ' ' + n.failureSummary.slice(0, 200)).join(' | ')))",
        );
        found.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // It may have gone.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
