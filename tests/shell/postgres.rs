//! A server of PostgreSQL with a cluster of its own.

use crate::ports::free_port;
use crate::scripted::Running;
use rustix::process::Signal;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// Of the user `admin`, who owns the cluster, and of `callbackd`, who writes.
pub const ADMIN: &str = "admin-secret";
pub const WRITER: &str = "writer-secret";
/// `nobody` and `nogroup` of Debian: the server does not run as root.
const NOBODY: u32 = 65_534;

pub struct Postgres {
    directory: TempDir,
    pub port: u16,
    server: Option<Running>,
}

/// The newest that is installed.
fn programs() -> PathBuf {
    let mut found: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .expect("PostgreSQL: apt install postgresql")
        .filter_map(|entry| entry.ok())
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .filter(|(_, bin)| bin.join("postgres").exists())
        .collect();
    found.sort();
    found.pop().expect("PostgreSQL: apt install postgresql").1
}

/// As somebody who is not root.
fn unprivileged(program: &Path) -> Command {
    let mut command = Command::new(program);
    if rustix::process::geteuid().is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    command.current_dir("/").env("LC_ALL", "C");
    command
}

impl Postgres {
    /// A cluster with the database `callbackd` of this encoding, and a user who writes.
    pub fn new() -> Self {
        Self::with("UTF8")
    }

    pub fn with(encoding: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let own = |path: &Path| {
            if rustix::process::geteuid().is_root() {
                chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
            }
        };
        own(directory.path());
        let password = directory.path().join("password");
        std::fs::write(&password, ADMIN).unwrap();
        own(&password);
        let made = unprivileged(&programs().join("initdb"))
            .args(["--no-sync", "--auth=scram-sha-256", "--locale=C", "--username=admin", "--encoding", encoding])
            .arg("--pwfile")
            .arg(&password)
            .arg("-D")
            .arg(directory.path().join("data"))
            .output()
            .unwrap();
        assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
        let port = free_port();
        let mut server = Self { directory, port, server: None };
        server.start();
        server.sql("postgres", "CREATE DATABASE callbackd");
        server.sql("postgres", &format!("CREATE ROLE callbackd LOGIN PASSWORD '{WRITER}'"));
        server
    }

    fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    /// Appends lines to the server's configuration; they hold from the next start on.
    pub fn configure(&self, lines: &str) {
        let mut file = std::fs::OpenOptions::new().append(true).open(self.data().join("postgresql.conf")).unwrap();
        file.write_all(lines.as_bytes()).unwrap();
    }

    /// Puts lines before those that say who may connect from where; they hold from the next start on.
    pub fn allow(&self, lines: &str) {
        let file = self.data().join("pg_hba.conf");
        let before = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, format!("{lines}{before}")).unwrap();
    }

    /// Lays a file into the cluster that the server alone can read.
    pub fn lay(&self, name: &str, from: &Path) {
        let to = self.data().join(name);
        std::fs::copy(from, &to).unwrap();
        std::fs::set_permissions(&to, std::fs::Permissions::from_mode(0o600)).unwrap();
        if rustix::process::geteuid().is_root() {
            chown(&to, Some(NOBODY), Some(NOBODY)).unwrap();
        }
    }

    /// Starts the server and waits until it lets people in.
    pub fn start(&mut self) {
        let server = unprivileged(&programs().join("postgres"))
            .arg("-D")
            .arg(self.data())
            .args(["-p", &self.port.to_string(), "-h", "127.0.0.1", "-c", "fsync=off", "-c", "restart_after_crash=off"])
            .args(["-c", "max_connections=20", "-c", "shared_buffers=16MB", "-k"])
            .arg(self.directory.path())
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let mut server = Running::watch(server);
        server.wait_for("ready to accept connections");
        self.server = Some(server);
    }

    /// Ends the server at once, as a machine does that loses its power, and waits until its children have seen it.
    pub fn kill(&mut self) {
        self.end(Signal::KILL);
    }

    /// Ends it in order, without waiting for those who are connected.
    pub fn stop(&mut self) {
        self.end(Signal::INT);
    }

    fn end(&mut self, signal: Signal) {
        if let Some(server) = self.server.take() {
            server.end(Some(signal));
        }
    }

    /// What `psql` answers to the cluster's owner, without headings: columns apart by `|`.
    pub fn sql(&self, database: &str, sql: &str) -> String {
        let (well, said) = self.tried("admin", ADMIN, database, sql);
        assert!(well, "{sql}: {said}");
        said
    }

    /// The same by another user; whether it went well.
    pub fn tried(&self, user: &str, password: &str, database: &str, sql: &str) -> (bool, String) {
        let output = Command::new(programs().join("psql"))
            .args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-U", user, "-d", database])
            .args(["-p", &self.port.to_string(), "-c", sql])
            .env("PGPASSWORD", password)
            .output()
            .unwrap();
        let text = if output.status.success() { output.stdout } else { output.stderr };
        (output.status.success(), String::from_utf8(text).unwrap().trim_end().to_owned())
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.end(Signal::QUIT);
    }
}
