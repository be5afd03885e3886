//! One running Asterisk with its own directory, made from the templates in `pbx/` or `farm/`.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long an Asterisk may take to end after it was asked to, before it is killed.
const STOP: Duration = Duration::from_secs(20);

/// Prompts that the dialplan plays, in seconds of silence: the real ones are long, and may not be installed.
const PROMPTS: &[(&str, f64)] = &[
    ("announcement", 3.0),
    ("auth-thankyou", 0.3),
    ("beep", 0.3),
    ("beeperr", 0.3),
    ("digits/star", 0.2),
    ("pbx-invalid", 0.3),
    ("pbx-invalidpark", 0.3),
    ("pbx-parkingfailed", 0.3),
    ("pbx-transfer", 0.3),
    ("queue-minutes", 0.3),
    ("queue-periodic-announce", 0.3),
    ("queue-thankyou", 0.3),
    ("vm-goodbye", 0.3),
    ("vm-intro", 0.3),
    ("vm-isonphone", 0.3),
    ("vm-nobodyavail", 0.3),
    ("vm-press", 0.3),
    ("vm-isunavail", 0.3),
    ("vm-msgsaved", 0.3),
    ("vm-theperson", 0.3),
];
/// μ-law silence, 8,000 bytes a second.
const SILENCE: u8 = 0xff;

/// What the templates' `@KEY@` stand for.
pub struct Settings {
    /// A directory of templates that go before those of `name`.
    pub office: Option<&'static str>,
    /// `pbx` or `farm`: the templates' directory, and the systemname.
    pub name: &'static str,
    /// Own SIP port.
    pub sip: u16,
    /// The other instance's SIP port.
    pub peer_sip: u16,
    /// A port at which nothing listens.
    pub dead_sip: u16,
    /// AMI port.
    pub ami: u16,
    /// First and last RTP port.
    pub rtp: (u16, u16),
    /// Secret of every AMI user.
    pub secret: String,
}

/// A running Asterisk; killed when dropped, and also when its thread or process ends without dropping it.
pub struct Instance {
    child: Child,
    root: PathBuf,
    home: PathBuf,
}

impl Instance {
    /// Starts an Asterisk in `home`, a path inside `root` (`/` where no chroot is needed).
    pub fn start(root: &Path, home: &Path, settings: &Settings) -> Result<Self, String> {
        let outside = below(root, home);
        lay_out(root, &outside, home, settings).map_err(|e| format!("cannot prepare {}: {e}", outside.display()))?;
        Ok(Instance { child: launch(root, home)?, root: root.to_owned(), home: home.to_owned() })
    }

    /// Starts it anew after [`Self::kill`], with the same files and ports.
    pub fn start_again(&mut self) -> Result<(), String> {
        self.child = launch(&self.root, &self.home)?;
        Ok(())
    }

    /// A file of its directory, for example `log/queue_log`; empty if it was never written.
    pub fn read(&self, path: &str) -> String {
        fs::read(below(&self.root, &self.home).join(path))
            .map(|b| String::from_utf8_lossy(&b).into_owned())
            .unwrap_or_default()
    }

    /// A shell's line that speaks to its console.
    pub fn console(&self) -> String {
        let conf = self.home.join("etc/asterisk.conf").display().to_string();
        match self.root == Path::new("/") {
            true => format!("asterisk -C {conf}"),
            false => format!("chroot {} asterisk -C {conf}", self.root.display()),
        }
    }

    /// Ends it in its own way, so that every CDR is written.
    pub fn stop(&mut self) -> Result<(), String> {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).map_err(|e| e.to_string())?;
        let ended = crate::patience::until(Instant::now() + STOP, || self.child.try_wait().ok().flatten());
        ended.map(drop).ok_or_else(|| format!("asterisk in {} did not end in {STOP:?}", self.home.display()))
    }

    /// Ends it at once.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The path outside the chroot of a path inside it.
pub fn below(root: &Path, inside: &Path) -> PathBuf {
    root.join(inside.strip_prefix("/").unwrap_or(inside))
}

fn launch(root: &Path, home: &Path) -> Result<Child, String> {
    let outside = below(root, home);
    let out = fs::File::create(outside.join("out")).map_err(|e| e.to_string())?;
    let err = out.try_clone().map_err(|e| e.to_string())?;
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL"]);
    if root != Path::new("/") {
        command.arg("chroot").arg(root);
    }
    command.args(["asterisk", "-f", "-C"]).arg(home.join("etc/asterisk.conf"));
    command.stdin(Stdio::null()).stdout(out).stderr(err).process_group(0);
    let child = command.spawn().map_err(|e| format!("cannot start asterisk by setpriv: {e}"))?;
    fs::write(outside.join("pid"), child.id().to_string()).map_err(|e| e.to_string())?;
    Ok(child)
}

fn lay_out(root: &Path, outside: &Path, home: &Path, settings: &Settings) -> std::io::Result<()> {
    for dir in
        ["etc", "db", "keys/keys", "spool", "run", "log/cdr-csv", "log/cel-custom", "data/moh", "data/sounds/en/digits"]
    {
        fs::create_dir_all(outside.join(dir))?;
    }
    // The documentation in the data directory is needed to load: Asterisk checks its own options against it.
    let shared = ["/usr/share/asterisk", "/var/lib/asterisk"].map(Path::new);
    if let Some(shared) = shared.into_iter().find(|p| below(root, p).join("documentation").is_dir()) {
        for entry in fs::read_dir(below(root, shared))?
            .flatten()
            .filter(|e| !["sounds", "moh"].iter().any(|n| e.file_name() == *n))
        {
            symlink(shared.join(entry.file_name()), outside.join("data").join(entry.file_name()))?;
        }
    }
    let sounds = outside.join("data/sounds/en");
    for (name, seconds) in PROMPTS {
        silence(&sounds.join(name), *seconds)?;
    }
    for digit in 0..10 {
        silence(&sounds.join(format!("digits/{digit}")), 0.2)?;
    }
    silence(&outside.join("data/moh/silence"), 5.0)?;
    let all = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/asterisk");
    let templates = all.join(settings.name);
    let office = settings.office.map_or(templates.clone(), |office| all.join(office));
    let template = |name: &OsStr| Some(office.join(name)).filter(|p| p.exists()).unwrap_or(templates.join(name));
    let keys = keys(root, home, settings);
    for entry in fs::read_dir(&templates)?.flatten().filter(|e| e.path().extension().is_some_and(|x| x == "conf")) {
        let text = repeat(&fs::read_to_string(template(&entry.file_name()))?, template)?;
        let text = keys.iter().fold(text, |text, (key, value)| text.replace(&format!("@{key}@"), value));
        fs::write(outside.join("etc").join(entry.file_name()), text)?;
    }
    if settings.name == "pbx" {
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/asterisk/extensions_callbackd.conf");
        fs::copy(shipped, outside.join("etc/extensions_callbackd.conf"))?;
    }
    Ok(())
}

fn keys(root: &Path, home: &Path, s: &Settings) -> Vec<(&'static str, String)> {
    vec![
        ("HOME", home.display().to_string()),
        ("MODULES", modules(root).display().to_string()),
        ("NAME", s.name.to_owned()),
        ("SIP", s.sip.to_string()),
        ("PEER_SIP", s.peer_sip.to_string()),
        ("DEAD_SIP", s.dead_sip.to_string()),
        ("AMI", s.ami.to_string()),
        ("RTP_FIRST", s.rtp.0.to_string()),
        ("RTP_LAST", s.rtp.1.to_string()),
        ("SECRET", s.secret.clone()),
    ]
}

/// Where this build of Asterisk keeps its modules: `lib`, `lib64` or a multiarch directory below.
fn modules(root: &Path) -> PathBuf {
    let libs = ["/usr/lib", "/usr/lib64", "/usr/local/lib"].map(PathBuf::from);
    let multiarch = fs::read_dir(below(root, Path::new("/usr/lib")))
        .into_iter()
        .flatten()
        .flatten()
        .map(|e| Path::new("/usr/lib").join(e.file_name()));
    let found = libs
        .into_iter()
        .chain(multiarch)
        .map(|lib| lib.join("asterisk/modules"))
        .find(|p| below(root, p).join("app_queue.so").exists());
    found.unwrap_or_else(|| PathBuf::from("/usr/lib/asterisk/modules"))
}

/// Replaces a line `@each FILE 00-09 50-59@` by FILE once for each cell, with `@CELL@` filled in.
fn repeat(text: &str, template: impl Fn(&OsStr) -> PathBuf) -> std::io::Result<String> {
    let mut out = String::with_capacity(text.len());
    for line in text.lines() {
        let Some(each) = line.strip_prefix("@each ").and_then(|l| l.strip_suffix('@')) else {
            out.push_str(line);
            out.push('\n');
            continue;
        };
        let mut words = each.split(' ');
        let body = fs::read_to_string(template(words.next().unwrap_or_default().as_ref()))?;
        for range in words {
            let (first, last) = range.split_once('-').unwrap_or((range, range));
            let number = |s: &str| s.parse::<u8>().map_err(|e| std::io::Error::other(format!("{line}: {e}")));
            for cell in number(first)?..=number(last)? {
                out.push_str(&body.replace("@CELL@", &format!("{cell:02}")));
            }
        }
    }
    Ok(out)
}

fn silence(path: &Path, seconds: f64) -> std::io::Result<()> {
    fs::write(path.with_extension("ulaw"), vec![SILENCE; (8_000.0 * seconds) as usize])
}
