//! The lab: a PBX under test and a farm of phones and callers, both real Asterisks on loopback.

use crate::instance::{Instance, Settings, below};
use crate::manager::{Frame, Manager};
use crate::slot::{self, Slot};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// How long both Asterisks may take to be fully booted.
const START: Duration = Duration::from_secs(90);
/// AMI secret of all users; the port is open on loopback only.
const SECRET: &str = "lab-s3cret";

/// The phone of `pbx/pjsip.conf` without a contact.
const NEVER_REGISTERED: &str = "1998";

/// Both Asterisks; stopped, and their directory removed, when dropped.
pub struct Lab {
    /// The harness's own eye and hand on the PBX under test.
    pub pbx: Manager,
    /// The same on the farm.
    pub farm: Manager,
    instances: [Instance; 2],
    outside: PathBuf,
    slot: Slot,
    placed: AtomicU32,
    office: Option<&'static str>,
}

impl Lab {
    /// Starts a lab, or says why there can be none. `None` only where the environment asks to leave these tests out.
    pub fn start() -> Option<Self> {
        Self::start_as(None)
    }

    /// The same with a PBX whose dialplan and queues have the shape of what a stock FreePBX 17 generates.
    pub fn start_freepbx() -> Option<Self> {
        Self::start_as(Some("freepbx"))
    }

    fn start_as(office: Option<&'static str>) -> Option<Self> {
        if std::env::var_os("CALLBACKD_NO_ASTERISK").is_some_and(|v| v == "1") {
            eprintln!("left out, as CALLBACKD_NO_ASTERISK=1 asks: nothing was tested against a real Asterisk");
            return None;
        }
        match Self::try_start(office) {
            Ok(lab) => Some(lab),
            Err(e) => panic!("no Asterisk to test against: {e}"),
        }
    }

    fn try_start(office: Option<&'static str>) -> Result<Self, String> {
        let root = provide()?;
        let base = if root == Path::new("/") { slot::own_dir().join("runs") } else { PathBuf::from("/lab") };
        let home = |number: u16| base.join(format!("slot{number}"));
        let slot = Slot::acquire(|number| below(&root, &home(number)))?;
        let home = home(slot.number());
        let settings = |i: u16| Settings {
            office: office.filter(|_| i == 0),
            name: if i == 0 { "pbx" } else { "farm" },
            sip: slot.port(i),
            peer_sip: slot.port(1 - i),
            dead_sip: slot.port(9),
            ami: slot.port(2 + i),
            rtp: slot.rtp(i),
            secret: SECRET.to_owned(),
        };
        let start = |i: u16| Instance::start(&root, &home.join(settings(i).name), &settings(i));
        let instances = [start(0)?, start(1)?];
        let deadline = Instant::now() + START;
        let login = |i: u16| {
            Manager::login(slot.port(2 + i), "harness", SECRET, None, deadline).map_err(|e| {
                format!(
                    "{e}; it said:\n{}{}",
                    instances[usize::from(i)].read("out"),
                    instances[usize::from(i)].read("log/full")
                )
            })
        };
        let (pbx, farm) = (login(0)?, login(1)?);
        for manager in [&pbx, &farm] {
            settled(manager, deadline)?;
        }
        Ok(Lab { pbx, farm, instances, outside: below(&root, &home), slot, placed: AtomicU32::new(0), office })
    }

    /// Has the PBX the shape of a stock FreePBX?
    pub fn is_freepbx(&self) -> bool {
        self.office == Some("freepbx")
    }

    /// Version as Asterisk reports it, for example `22.10.0`.
    pub fn version(&self) -> String {
        self.pbx.action(&[("Action", "CoreSettings")]).map(|f| f.get("AsteriskVersion").to_owned()).unwrap_or_default()
    }

    /// Has this module been loaded?
    pub fn has(&self, module: &str) -> bool {
        self.pbx.action(&[("Action", "ModuleCheck"), ("Module", module)]).is_ok()
    }

    /// The daemon's way in: address, user and secret.
    pub fn ami(&self) -> (String, &'static str, &'static str) {
        (format!("127.0.0.1:{}", self.slot.port(2)), "callbackd", SECRET)
    }

    /// The PBX's configuration, as seen from outside of its chroot.
    pub fn etc(&self) -> PathBuf {
        self.outside.join("pbx/etc")
    }

    /// A shell's line that speaks to the PBX's own console.
    pub fn console(&self) -> String {
        self.instances[0].console()
    }

    /// Where the PBX writes its CDR, as seen from outside of its chroot.
    pub fn cdr_csv(&self) -> PathBuf {
        self.outside.join("pbx/log/cdr-csv/Master.csv")
    }

    /// Where it writes its queue_log.
    pub fn queue_log(&self) -> PathBuf {
        self.outside.join("pbx/log/queue_log")
    }

    /// Records what the daemon's AMI user receives, from the banner on.
    pub fn record(&self, path: &Path) -> Result<Manager, String> {
        let recorder = Manager::login(self.slot.port(2), "callbackd", SECRET, Some(path), Instant::now() + START)?;
        for (action, end) in [("QueueStatus", "QueueStatusComplete"), ("CoreShowChannels", "CoreShowChannelsComplete")]
        {
            let from = recorder.position();
            recorder.action(&[("Action", action)])?;
            recorder.wait(from, Instant::now() + START, end, |f| f.is(end))?;
        }
        Ok(recorder)
    }

    /// Sets what the party at this number does when it is called; at `<number>_<n>`, when it is called for the nth time from now.
    pub fn script(&self, number: &str, script: &str) -> Result<(), String> {
        let set = |name: String, value: &str| {
            self.farm.action(&[("Action", "Setvar"), ("Variable", &name), ("Value", value)]).map(drop)
        };
        let party = number.split('_').next().unwrap_or(number);
        set(format!("CALLS_{party}"), "0")?;
        set(format!("SCRIPT_{number}"), script)
    }

    /// Has `from` call `to` on the PBX and act `script` once answered; gives up after `patience` if not answered.
    pub fn place(&self, from: &str, to: &str, script: &str, patience: Duration) -> Result<(), String> {
        let id = format!("caller-{}", self.placed.fetch_add(1, Ordering::Relaxed));
        let channel = format!("PJSIP/{to}@pbx");
        let (timeout, variable) = (patience.as_millis().to_string(), format!("SCRIPT={script}"));
        let action = [
            ("Action", "Originate"),
            ("Channel", &channel),
            ("ChannelId", &id),
            ("CallerID", from),
            ("Timeout", &timeout),
            ("Context", "script"),
            ("Exten", "s"),
            ("Priority", "1"),
            ("Variable", &variable),
            ("Async", "true"),
        ];
        self.farm.action(&action).map(drop)
    }

    /// The PBX's channel of the caller with this number, once it exists.
    pub fn arrival(&self, since: usize, number: &str, dialled: &str, deadline: Instant) -> Result<Frame, String> {
        let what = format!("the call from {number} to {dialled}");
        self.pbx.wait(since, deadline, &what, |f| {
            f.is("Newchannel") && f.get("CallerIDNum") == number && f.get("Exten") == dialled
        })
    }

    /// What the farm says about its latest attempt to call under this number, for a call that never arrived.
    pub fn fate(&self, number: &str) -> String {
        let mut fate = String::from("nothing yet");
        let _ = self.farm.fold::<()>(0, Instant::now(), "", |f| {
            if f.get("CallerIDNum") == number && ["Newchannel", "Hangup", "OriginateResponse"].contains(&f.get("Event"))
            {
                fate = format!("{f:?}");
            }
            None
        });
        fate
    }

    /// Waits until the last channel that ever belonged to this Linkedid is gone.
    pub fn departure(&self, since: usize, linkedid: &str, deadline: Instant) -> Result<(), String> {
        let (mut live, mut seen) = (std::collections::BTreeSet::new(), false);
        self.pbx.fold(since, deadline, &format!("the end of {linkedid}"), |f| {
            let channel = f.get("Uniqueid").to_owned();
            if f.is("Newchannel") && f.get("Linkedid") == linkedid {
                seen |= live.insert(channel);
            } else if f.is("Hangup") {
                live.remove(&channel);
            }
            (seen && live.is_empty()).then_some(())
        })
    }

    /// The PBX crashes: its calls are lost on it, though the farm may not know yet.
    pub fn crash_pbx(&mut self) {
        self.instances[0].kill();
    }

    /// The PBX ends its calls, writes what it has to, and stops.
    pub fn stop_pbx(&mut self) -> Result<(), String> {
        self.instances[0].stop()
    }

    /// The PBX is started again; phones can be dialled when this returns.
    pub fn start_pbx_again(&mut self) -> Result<(), String> {
        let deadline = Instant::now() + START;
        self.instances[0].start_again()?;
        self.pbx = Manager::login(self.slot.port(2), "harness", SECRET, None, deadline)?;
        settled(&self.pbx, deadline)
    }

    /// The caller with this number hangs up the last call that they placed.
    pub fn hang_up(&self, number: &str) -> Result<(), String> {
        // A phone that this caller rings bears their number too.
        let is_theirs = |f: &Frame| f.get("CallerIDNum") == number && f.get("Uniqueid").starts_with("caller-");
        let first = self.farm.wait(0, Instant::now() + START, &format!("the channel of {number}"), is_theirs)?;
        let mut channel = first.get("Channel").to_owned();
        let _ = self.farm.fold::<()>(0, Instant::now(), "", |f| {
            if is_theirs(f) {
                f.get("Channel").clone_into(&mut channel);
            }
            None
        });
        self.farm.action(&[("Action", "Hangup"), ("Channel", &channel)]).map(drop)
    }

    /// Stops the PBX in its own way, after which what it wrote about the calls is whole: `Master.csv` and `queue_log`.
    pub fn stop(&mut self) -> Result<(String, String), String> {
        self.instances[0].stop()?;
        Ok((self.instances[0].read("log/cdr-csv/Master.csv"), self.instances[0].read("log/queue_log")))
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        for instance in &mut self.instances {
            instance.kill();
        }
        let _ = fs::remove_dir_all(&self.outside);
    }
}

/// FullyBooted comes before PJSIP has made its endpoints' contacts: waits until all but the phone that never registers can be dialled.
fn settled(manager: &Manager, deadline: Instant) -> Result<(), String> {
    let mut waiting = String::new();
    let ready = crate::patience::until(deadline, || {
        let from = manager.position();
        let mut unready = Vec::new();
        let asked = manager.action(&[("Action", "PJSIPShowEndpoints")]).and_then(|_| {
            manager.fold(from, deadline, "EndpointListComplete", |f| {
                if f.is("EndpointList")
                    && f.get("ObjectName") != NEVER_REGISTERED
                    && f.get("DeviceState") != "Not in use"
                {
                    unready.push(format!("{} is {}", f.get("ObjectName"), f.get("DeviceState")));
                }
                f.is("EndpointListComplete").then_some(())
            })
        });
        waiting = asked.err().unwrap_or_else(|| unready.join(", "));
        waiting.is_empty().then_some(())
    });
    ready.ok_or_else(|| format!("PJSIP is not ready: {waiting}"))
}

/// Has the script beside this file provide an Asterisk.
fn provide() -> Result<PathBuf, String> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/asterisk/provide");
    let output = Command::new(&script)
        .stderr(std::process::Stdio::inherit())
        .output()
        .map_err(|e| format!("{}: {e}", script.display()))?;
    if !output.status.success() {
        return Err(format!("{} failed, see above", script.display()));
    }
    Ok(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()))
}
