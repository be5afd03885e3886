//! Root runs the documented commands on the database of a user who has put traps beside it: no file of root's is changed or given away.

use crate::scripted::{GREETING, Said, Server, Site, usual};
use crate::stored::{abandoned, record};
use callbackd::store::Store;
use rustix::fs::{CWD, FileType, Mode, mknodat};
use std::fs::{Permissions, hard_link, set_permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, lchown, symlink};
use std::path::Path;

/// A user without a line in `/etc/passwd`, who owns the directory `state`.
const THEIRS: u32 = 64_001;
const SECRET_OF_ROOT: &str = "nobody else's\n";

/// One with a database of theirs in a directory of theirs, and a file of root's beside it.
struct Trap {
    site: Site,
    _server: Server,
}

impl Trap {
    /// `None` if this is not run by root.
    fn set() -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            eprintln!("SKIPPED: only root can become another user");
            return None;
        }
        let server = Server::start(GREETING, 8, Box::new(|action| Some(usual(action))));
        let site = Site::new(server.port);
        set_permissions(site.directory.path(), Permissions::from_mode(0o755)).unwrap();
        let text = std::fs::read_to_string(site.path("callbackd.toml")).unwrap();
        site.configure(&text.replace("calls.db", "state/calls.db"));
        std::fs::create_dir(site.path("state")).unwrap();
        Store::open(&site.path("state/calls.db")).unwrap().write(&[record(abandoned("1"))]).unwrap();
        std::fs::remove_file(site.path("state/calls.db.lock")).unwrap();
        chown(site.path("state"), Some(THEIRS), Some(THEIRS)).unwrap();
        chown(site.path("state/calls.db"), Some(THEIRS), Some(THEIRS)).unwrap();
        site.write("roots", SECRET_OF_ROOT, 0o600);
        site.write("x.ami", include_str!("../traces/asterisk22/queue_abandoned.ami"), 0o644);
        site.write("Master.csv", "", 0o644);
        Some(Self { site, _server: server })
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.site.path(name)
    }

    /// Each command that a person may type as root; some are refused, and none hangs.
    fn all_commands(&self) -> Vec<(&'static str, Said)> {
        let commands: [&[&str]; 11] = [
            &["vacuum", "--config", "callbackd.toml"],
            &["replay", "--config", "callbackd.toml", "--db", "state/calls.db", "x.ami"],
            &["import", "--config", "callbackd.toml", "--cdr", "Master.csv"],
            &["calls", "--config", "callbackd.toml"],
            &["callbacks", "--config", "callbackd.toml"],
            &["codes", "--config", "callbackd.toml"],
            &["tag", "--config", "callbackd.toml", "1", "SPAM"],
            &["check", "--config", "callbackd.toml"],
            &["check", "--db", "state/calls.db"],
            &["backup", "--force", "copy.db", "--config", "callbackd.toml"],
            &["run", "--config", "callbackd.toml"],
        ];
        let said = commands.map(|args| (args[0], self.site.run(args)));
        self.roots_file_is_roots();
        said.into()
    }

    /// A directory that this user alone may see, and a link `state/out` that leads into it.
    fn leads_out(&self, name: &str, owner: u32) {
        std::fs::create_dir(self.path(name)).unwrap();
        set_permissions(self.path(name), Permissions::from_mode(0o700)).unwrap();
        chown(self.path(name), Some(owner), Some(owner)).unwrap();
        symlink(self.path(name), self.path("state/out")).unwrap();
        lchown(self.path("state/out"), Some(THEIRS), None).unwrap();
    }

    #[track_caller]
    fn roots_file_is_roots(&self) {
        let meta = self.path("roots").metadata().unwrap();
        assert_eq!((meta.uid(), meta.gid(), meta.mode() & 0o7777), (0, 0, 0o600));
        assert_eq!(std::fs::read_to_string(self.path("roots")).unwrap(), SECRET_OF_ROOT);
    }
}

fn owner(path: &Path) -> u32 {
    path.symlink_metadata().unwrap().uid()
}

fn code(said: &[(&str, Said)], command: &str) -> i32 {
    said.iter().find(|(name, _)| *name == command).unwrap().1.code
}

#[test]
fn root_works_on_another_users_database_as_that_user_and_leaves_no_file_of_its_own() {
    let Some(trap) = Trap::set() else { return };
    for (command, said) in trap.all_commands() {
        match command {
            "run" => {
                assert_eq!(said.code, 77, "{said:#?}");
                said.line(&["in a directory of the user 64001", "runuser -u 64001"]);
            }
            "tag" => assert_ne!(said.code, 0, "nobody takes commands: {said:#?}"),
            // There is no line in an empty CDR file, nobody listens at the socket.
            _ => assert_eq!(said.code, 0, "{command} {said:#?}"),
        }
    }
    for entry in std::fs::read_dir(trap.path("state")).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(owner(&path), THEIRS, "{path:?}");
    }
    assert_eq!(owner(&trap.path("copy.db")), 0, "a copy in a directory of root's is root's");
}

#[test]
fn a_lock_file_that_is_a_link_or_a_pipe_or_somebody_elses_is_not_touched() {
    let Some(trap) = Trap::set() else { return };
    let lock = trap.path("state/calls.db.lock");
    let traps: [(&str, &dyn Fn()); 4] = [
        ("is no regular file", &|| symlink(trap.path("roots"), &lock).unwrap()),
        ("is no regular file", &|| symlink(trap.path("not-there"), &lock).unwrap()),
        ("no permission to write", &|| hard_link(trap.path("roots"), &lock).unwrap()),
        ("is no regular file", &|| {
            mknodat(CWD, &lock, FileType::Fifo, Mode::from_raw_mode(0o666), 0).unwrap();
            chown(&lock, Some(THEIRS), Some(THEIRS)).unwrap();
        }),
    ];
    for (why, set) in traps {
        set();
        let said = trap.all_commands();
        for command in ["vacuum", "replay", "import"] {
            let (_, said) = said.iter().find(|(name, _)| *name == command).unwrap();
            assert_eq!(said.code, 77, "{command} {said:#?}");
            said.line(&["calls.db.lock", why]);
        }
        for reader in ["calls", "codes"] {
            assert_eq!(code(&said, reader), 0, "who reads needs no lock: {said:#?}");
        }
        assert!(!trap.path("not-there").exists());
        std::fs::remove_file(&lock).unwrap();
    }
}

#[test]
fn a_file_of_sqlites_that_is_another_name_of_a_file_of_roots_is_not_given_away() {
    let Some(trap) = Trap::set() else { return };
    let theirs = |name: &str| {
        std::fs::write(trap.path(name), "").unwrap();
        chown(trap.path(name), Some(THEIRS), Some(THEIRS)).unwrap();
    };
    for (link, empty) in [("-shm", Some("-wal")), ("-wal", None), ("-journal", None)] {
        hard_link(trap.path("roots"), trap.path(&format!("state/calls.db{link}"))).unwrap();
        if let Some(empty) = empty {
            theirs(&format!("state/calls.db{empty}"));
        }
        trap.all_commands();
        for suffix in ["-shm", "-wal", "-journal"] {
            let _ = std::fs::remove_file(trap.path(&format!("state/calls.db{suffix}")));
        }
    }
}

#[test]
fn a_directory_that_its_owner_makes_lead_elsewhere_gets_no_file_of_roots() {
    let Some(trap) = Trap::set() else { return };
    trap.leads_out("only-roots", 0);
    for args in [
        &["backup", "state/out/copy.db", "--config", "callbackd.toml"][..],
        &["replay", "--config", "callbackd.toml", "--db", "state/out/calls.db", "x.ami"],
        &["capture", "--config", "callbackd.toml", "--duration", "1s", "state/out/x.ami"],
    ] {
        let said = trap.site.run(args);
        assert_ne!(said.code, 0, "{said:#?}");
    }
    assert_eq!(std::fs::read_dir(trap.path("only-roots")).unwrap().count(), 0);
    let said = trap.site.run(&["capture", "--config", "callbackd.toml", "--duration", "1s", "state/x.ami"]);
    assert_eq!((said.code, owner(&trap.path("state/x.ami"))), (0, THEIRS), "{said:#?}");
    let said = trap.site.run(&["backup", "state/copy.db", "--config", "callbackd.toml"]);
    assert_eq!((said.code, owner(&trap.path("state/copy.db"))), (0, THEIRS), "{said:#?}");
}

#[test]
fn root_makes_no_database_where_everybody_can_put_another_file_in_its_place() {
    let Some(trap) = Trap::set() else { return };
    std::fs::create_dir(trap.path("open")).unwrap();
    set_permissions(trap.path("open"), Permissions::from_mode(0o777)).unwrap();
    let replay = ["replay", "--config", "callbackd.toml", "--db", "open/x.db", "x.ami"];
    let said = trap.site.run(&replay);
    assert_eq!(said.code, 77, "{said:#?}");
    said.line(&["others can change", "open (mode 0777)", "chmod go-w"]);
    // As /tmp: only what is there already can be somebody else's.
    set_permissions(trap.path("open"), Permissions::from_mode(0o1777)).unwrap();
    std::fs::write(trap.path("open/x.db.lock"), "").unwrap();
    chown(trap.path("open/x.db.lock"), Some(THEIRS), None).unwrap();
    let said = trap.site.run(&replay);
    assert_eq!(said.code, 77, "{said:#?}");
    said.line(&["x.db.lock", "belongs to another user"]);
    std::fs::remove_file(trap.path("open/x.db.lock")).unwrap();
    assert_eq!(trap.site.run(&replay).code, 0);
    trap.roots_file_is_roots();
}

#[test]
fn nobody_makes_root_act_as_somebody_else() {
    let Some(trap) = Trap::set() else { return };
    trap.leads_out("another-ones", 64_002);
    for args in [
        &["backup", "state/out/copy.db", "--config", "callbackd.toml"][..],
        &["replay", "--config", "callbackd.toml", "--db", "state/out/calls.db", "x.ami"],
        &["capture", "--config", "callbackd.toml", "--duration", "1s", "state/out/x.ami"],
        &["report", "--config", "callbackd.toml", "--html", "state/out/report.html"],
        &["man", "state/out"],
    ] {
        let said = trap.site.run(args);
        assert_ne!(said.code, 0, "{said:#?}");
        // A report has become the database's user before.
        let why = if args[0] == "report" { "Permission denied" } else { "leads to what is 64002's" };
        said.line(&["state", why]);
    }
    assert_eq!(std::fs::read_dir(trap.path("another-ones")).unwrap().count(), 0);
}
