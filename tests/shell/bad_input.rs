//! Bad configurations, secrets, databases and arguments, given to the program itself: one clear line, its exit code, nothing lost.

use crate::scripted::{GREETING, Running, SECRET, Server, Site, callbackd, usual};
use callbackd::store::Store;
use rusqlite::Connection;
use std::io::Read;
use std::process::Stdio;

const RUN: [&str; 3] = ["run", "--config", "callbackd.toml"];
const CHECK: [&str; 3] = ["check", "--config", "callbackd.toml"];
/// Every command that reads the configuration.
const ALL: [&[&str]; 5] = [
    &RUN,
    &CHECK,
    &["capture", "--config", "callbackd.toml", "x.ami"],
    &["replay", "--config", "callbackd.toml", "--db", "x.db", "x.ami"],
    &["calls", "--config", "callbackd.toml"],
];

#[test]
fn an_unknown_key_is_shown_with_line_column_and_the_nearest_known_one() {
    let site = Site::new(1);
    site.configure("[pbx]\naddress = \"127.0.0.1:5038\"\nusernam = \"callbackd\"\n");
    for args in ALL {
        let said = site.run(args);
        assert_eq!(said.code, 78, "{said:#?}");
        assert!(said.err.contains("callbackd.toml:3:1"), "{}", said.err);
        assert!(said.err.contains("`username`"), "{}", said.err);
        assert_eq!(said.out, "");
    }
}

#[test]
fn a_missing_configuration_is_said_with_its_path() {
    let site = Site::new(1);
    std::fs::remove_file(site.path("callbackd.toml")).unwrap();
    for args in ALL {
        let said = site.run(args);
        assert_eq!(said.code, 78, "{said:#?}");
        assert!(
            said.err.contains("the configuration file does not exist") && said.err.contains("callbackd.toml"),
            "{}",
            said.err
        );
    }
}

#[test]
fn a_configuration_that_others_can_change_or_replace_is_refused() {
    let site = Site::new(1);
    site.write("callbackd.toml", "", 0o666);
    for args in [RUN, CHECK] {
        let said = site.run(&args);
        assert_eq!(said.code, 78, "{said:#?}");
        assert!(said.line(&["can be changed by others (mode 0666)"]).contains("error"));
        said.line(&["chmod go-w", "/callbackd.toml"]);
    }
    site.write("callbackd.toml", "", 0o644);
    let directory = site.directory.path();
    std::fs::set_permissions(directory, std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
    for args in [RUN, CHECK] {
        let said = site.run(&args);
        assert_eq!(said.code, 78, "{said:#?}");
        said.line(&["the directory of the configuration file can be changed by others (mode 0777)"]);
        said.line(&["chmod go-w", &directory.display().to_string()]);
    }
}

#[test]
fn a_secret_that_others_can_read_or_write_is_refused_by_all_that_use_it() {
    for mode in [0o640, 0o602, 0o666] {
        let site = Site::new(1);
        site.write("secret", SECRET, mode);
        for args in [&RUN[..], &CHECK, ALL[2]] {
            let said = site.run(args);
            assert_eq!(said.code, 78, "{args:?} {said:#?}");
            assert!(said.line(&["secret has mode", "chmod 600"]).contains(&format!("{mode:04o}")));
            assert!(!said.out.contains(SECRET) && !said.err.contains(SECRET));
        }
        assert!(!site.path("calls.db").exists() && !site.path("x.ami").exists());
    }
}

#[test]
fn a_secret_that_is_not_there_or_empty_is_refused() {
    for (text, complaint) in [(None, "no such file"), (Some("\n"), "is empty"), (Some("two\nlines"), "is not one line")]
    {
        let site = Site::new(1);
        match text {
            Some(text) => site.write("secret", text, 0o600),
            None => std::fs::remove_file(site.path("secret")).unwrap(),
        }
        for args in [RUN, CHECK] {
            let said = site.run(&args);
            assert_eq!(said.code, 78, "{said:#?}");
            said.line(&[complaint]);
        }
    }
}

/// A database that cannot be used: who refuses it, with which code, by which words; and it is left as it is.
fn refused(make: impl Fn(&Site), code: i32, words: &str) {
    let site = Site::new(1);
    make(&site);
    std::fs::write(
        site.path("x.ami"),
        "Asterisk Call Manager/11.0.0\r\nResponse: Success\r\nMessage: Authentication accepted\r\n\r\n",
    )
    .unwrap();
    let before = site.everything();
    let replay = ["replay", "--config", "callbackd.toml", "--db", "calls.db", "x.ami"];
    for args in [&RUN[..], &CHECK, &replay, &["calls", "--db", "calls.db"]] {
        let said = site.run(args);
        assert_eq!(said.code, code, "{args:?} {said:#?}");
        said.line(&[words]);
        assert_eq!(site.everything(), before, "{args:?}");
    }
}

#[test]
fn a_database_of_a_newer_schema_is_refused_and_left_alone() {
    let newer = |site: &Site| {
        drop(Store::open(&site.path("calls.db")).unwrap());
        std::fs::remove_file(site.path("calls.db.lock")).unwrap();
        let connection = Connection::open(site.path("calls.db")).unwrap();
        connection.pragma_update(None, "user_version", 999).unwrap();
    };
    refused(newer, 78, "has schema 999");
}

#[test]
fn a_database_that_is_not_there_and_a_directory_are_called_what_they_are() {
    let site = Site::new(1);
    std::fs::create_dir(site.path("dir")).unwrap();
    for command in ["calls", "backup", "vacuum"] {
        let run = |db: &str| {
            let copy = if command == "backup" { &["copy.db"][..] } else { &[] };
            site.run(&[&[command, "--db", db], copy].concat())
        };
        let missing = run("nope.db");
        assert_eq!(missing.code, 66, "{missing:#?}");
        missing.line(&["there is no database", "nope.db", "name another ([store] path, or --db)"]);
        let directory = run("dir");
        assert_eq!(directory.code, 65, "{directory:#?}");
        directory.line(&["dir is a directory, not a database", "--db"]);
    }
}

#[test]
fn what_is_no_database_is_refused_and_left_alone() {
    refused(|site| site.write("calls.db", &"Not a database. ".repeat(100), 0o640), 65, "is not an SQLite database");
}

#[test]
fn another_applications_database_is_refused_and_left_alone() {
    let other = |site: &Site| {
        let connection = Connection::open(site.path("calls.db")).unwrap();
        connection.execute_batch("CREATE TABLE songs(title); INSERT INTO songs VALUES('Ave Maria')").unwrap();
    };
    refused(other, 65, "belongs to another application");
}

#[test]
fn a_second_daemon_on_one_database_is_refused_and_the_first_goes_on() {
    let server = Server::start(GREETING, 2, Box::new(|action| Some(usual(action))));
    let site = Site::new(server.port);
    let mut first = Running::start(site.command(&RUN));
    first.wait_for("Asterisk is ready");
    let said = site.run(&RUN);
    assert_eq!(said.code, 75, "{said:#?}");
    assert!(said.line(&["is in use by another callbackd"]).contains(&format!("pid {}", first.child.id())));
    assert!(site.run(&CHECK).line(&["database"]).contains(&format!("in use by the daemon (pid {})", first.child.id())));
    let (code, log) = first.end(Some(rustix::process::Signal::TERM));
    assert_eq!(code, Some(0), "{log}");
}

#[test]
fn without_a_directory_for_the_database_nothing_starts_and_none_is_made() {
    let site = Site::new(1);
    site.configure("[pbx]\nsecret_file = \"secret\"\n[store]\npath = \"nowhere/calls.db\"\n");
    for args in [RUN, CHECK] {
        let said = site.run(&args);
        assert_eq!(said.code, 73, "{said:#?}");
        said.line(&["there is no directory"]);
    }
    assert!(!site.path("nowhere").exists());
}

#[test]
fn calls_of_a_missing_database_say_where_it_is_looked_for() {
    let site = Site::new(1);
    let said = site.run(&["calls", "--config", "callbackd.toml"]);
    assert_eq!(said.code, 66, "{said:#?}");
    assert!(said.line(&["there is no database"]).contains("calls.db"));
    assert!(!site.path("calls.db").exists());
}

#[test]
fn recordings_that_cannot_be_read_or_are_none_have_codes_of_their_own() {
    let site = Site::new(1);
    let replay = |file| site.run(&["replay", "--config", "callbackd.toml", "--db", "x.db", file]);
    assert_eq!(replay("missing.ami").code, 66);
    std::fs::write(site.path("page.html"), "<html>\r\n").unwrap();
    let said = replay("page.html");
    assert_eq!(said.code, 65, "{said:#?}");
    said.line(&["page.html is not a recording", "<html>"]);
}

#[test]
fn a_named_pipe_is_no_recording_and_is_not_waited_for_but_what_a_shell_pipes_in_is_read() {
    let site = Site::new(1);
    let (pipe, all) = (rustix::fs::FileType::Fifo, rustix::fs::Mode::from_raw_mode(0o600));
    rustix::fs::mknodat(rustix::fs::CWD, site.path("pipe.ami"), pipe, all, 0).unwrap();
    std::os::unix::fs::symlink("pipe.ami", site.path("link.ami")).unwrap();
    for file in ["pipe.ami", "link.ami"] {
        let said = site.run(&["replay", "--config", "callbackd.toml", "--db", "x.db", file]);
        assert_eq!(said.code, 66, "{said:?}");
        said.line(&[file, "named pipe"]);
    }
    let mut command = site.command(&["replay", "--config", "callbackd.toml", "--db", "x.db", "/dev/stdin"]);
    let mut child = command.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let capture = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/traces/asterisk22/queue_answered.ami");
    std::io::copy(&mut std::fs::File::open(capture).unwrap(), &mut child.stdin.take().unwrap()).unwrap();
    let said = child.wait_with_output().unwrap();
    assert!(said.status.success(), "{said:?}");
    assert!(String::from_utf8_lossy(&said.stderr).contains("Replayed 1 file"), "{said:?}");
}

#[test]
fn wrong_arguments_exit_with_64_and_suggest_the_right_ones() {
    for (args, suggestion) in [
        (&["chek"][..], "'check'"),
        (&["check", "--conect"], "'--connect'"),
        (&["capture", "--durration", "1m", "x"], "'--duration'"),
        (&["capture"], "<FILE.ami>"),
        (&["capture", "--duration", "10", "x"], "30s, 10m or 8h"),
        (&["capture", "--duration", "-1s", "x"], "error"),
        (&["replay", "x.ami"], "--db"),
        (&["calls", "--status", "ANSWERED"], "'ANSWER'"),
    ] {
        let said = crate::scripted::said(callbackd(args).output().unwrap());
        assert_eq!(said.code, 64, "{said:#?}");
        assert!(said.err.contains(suggestion), "{args:?}: {}", said.err);
        assert_eq!(said.out, "");
    }
}

#[test]
fn which_pbx_to_record_must_be_named_where_there_are_several() {
    let site = Site::new(1);
    site.configure("[[pbx]]\nname = \"berlin\"\n[[pbx]]\nname = \"bonn\"\naddress = \"127.0.0.1:5048\"\n");
    let said = site.run(ALL[2]);
    assert_eq!(said.code, 64, "{said:#?}");
    said.line(&["--pbx", "berlin, bonn"]);
    let said = site.run(&[ALL[2], &["--pbx", "ulm"]].concat());
    assert_eq!(said.code, 64, "{said:#?}");
    said.line(&["no PBX `ulm`; there are `berlin`, `bonn`"]);
}

#[test]
fn a_reader_that_goes_away_is_no_reason_to_complain() {
    let server = Server::start(GREETING, 1, Box::new(|action| Some(usual(action))));
    let site = Site::new(server.port);
    drop(Store::open(&site.path("calls.db")).unwrap());
    for args in [&["check", "--config", "callbackd.toml", "--connect"][..], &["calls", "--db", "calls.db"]] {
        let mut child = site.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let mut complaint = String::new();
        child.stderr.take().unwrap().read_to_string(&mut complaint).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(0), "{args:?}: {complaint}");
        assert!(!complaint.contains("panicked") && !complaint.contains("Broken pipe"), "{complaint}");
    }
}
