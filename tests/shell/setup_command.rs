//! `callbackd setup`: what it reads out of an Asterisk's files and dialplan, what it writes only when told to, and how that is taken back.

use crate::scripted::{GREETING, Said, Server, Site, mode, usual};
use std::fs;
use std::path::Path;

/// As a small firm in Germany writes it.
const DIALPLAN: &str = "\
[eingang]
exten => +493055550123,1,Answer()
exten => +493055550123,2,GotoIfTime(8:00-18:00,mon-fri,*,*?begruessung,s,1)
exten => +493055550123,3,Goto(nachtansage,s,1)
[begruessung]
exten => s,1,Background(willkommen)
exten => s,2,WaitExten(5)
exten => 1,1,Queue(vertrieb,,,,60)
exten => 1,2,Goto(anrufbeantworter,s,1)
exten => 2,1,Dial(PJSIP/201,20)
exten => t,1,Goto(begruessung,1,1)
[nachtansage]
exten => s,1,Playback(geschlossen)
exten => s,2,Hangup()
[anrufbeantworter]
exten => s,1,VoiceMail(201@default,u)
exten => s,2,Hangup()
[intern]
exten => _2XX,1,Dial(PJSIP/${EXTEN},20)
exten => _0.,1,Dial(PJSIP/${EXTEN:1}@anbieter)
exten => 201,hint,PJSIP/201
";

const PJSIP: &str = "\
[telefon](!)
type=endpoint
context=intern
[201](telefon)
aors=201
auth=201
[201]
type=aor
max_contacts=1
[anbieter]
type=endpoint
context=eingang   ; what the provider sends
aors=anbieter
[anbieter]
type=aor
contact=sip:sip.example.org
";

/// The dialplan as `ShowDialPlan` lists it.
fn listed(dialplan: &str) -> String {
    let (mut context, mut out) = ("", String::new());
    for line in dialplan.lines() {
        if let Some(name) = line.strip_prefix('[') {
            context = name.trim_end_matches(']');
            continue;
        }
        let mut parts = line.trim_start_matches("exten => ").splitn(3, ',');
        let (exten, priority, step) = (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
        let (application, data) = step.split_once('(').unwrap_or((step, ""));
        let data = data.strip_suffix(')').unwrap_or(data);
        out.push_str(&format!(
            "Event: ListDialplan\nActionID: @ID@\nContext: {context}\nExtension: {exten}\nPriority: {priority}\n\
             Application: {application}\nAppData: {data}\nRegistrar: pbx_config\n\n"
        ));
    }
    out
}

/// An Asterisk's files, a callbackd that was just installed, and the PBX that answers `times` visits.
fn fresh(dialplan: &'static str, times: usize) -> (Site, Server) {
    let server = Server::start(
        GREETING,
        times,
        Box::new(move |action| {
            let answer = usual(action);
            let list = format!("{}Event: ShowDialPlanC", listed(dialplan));
            Some(if action.get("Action") == "ShowDialPlan" {
                answer.replace("Event: ShowDialPlanC", &list)
            } else {
                answer
            })
        }),
    );
    let site = Site::new(server.port);
    fs::remove_file(site.path("secret")).unwrap();
    fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("config/callbackd.toml"), site.path("callbackd.toml")).unwrap();
    fs::create_dir_all(site.path("asterisk/manager.d")).unwrap();
    fs::create_dir_all(site.path("log/cdr-csv")).unwrap();
    let logs = site.path("log").display().to_string();
    site.write("asterisk/asterisk.conf", &format!("[directories](!)\nastlogdir => {logs}\n").replace("(!)", ""), 0o640);
    site.write(
        "asterisk/manager.conf",
        &format!("[general]\nenabled = no\nport = {}\n;--\n[not]\n--;\n#include \"manager.d/*.conf\"\n", server.port),
        0o640,
    );
    site.write("asterisk/pjsip.conf", PJSIP, 0o640);
    site.write("log/queue_log", "", 0o640);
    (site, server)
}

fn setup(site: &Site, more: &[&str]) -> Said {
    let mut args = vec!["setup", "--config", "callbackd.toml", "--asterisk", "asterisk", "--reload", "/bin/true"];
    args.extend(more);
    site.run(&args)
}

fn read(site: &Site, name: &str) -> String {
    fs::read_to_string(site.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[test]
fn without_apply_it_shows_and_writes_nothing() {
    let (site, server) = fresh(DIALPLAN, 1);
    let before = read(&site, "callbackd.toml");
    let said = setup(&site, &[]);
    assert_eq!(said.code, 0, "{said:#?}");
    assert!(
        said.out.contains("manager.d/callbackd.conf (new, mode 640)") && said.out.contains("+ [callbackd]"),
        "{}",
        said.out
    );
    assert!(said.out.contains("+ secret = …") && said.out.contains("Nothing was written"), "{}", said.out);
    assert_eq!(read(&site, "callbackd.toml"), before);
    assert!(!site.path("asterisk/manager.d/callbackd.conf").exists() && !site.path("ami-secret").exists());
    assert!(!site.path("setup-undo.json").exists());
    assert!(server.heard().is_empty(), "nobody was asked before there is a user");
}

#[test]
fn contexts_are_recognised_by_what_they_do_and_a_second_time_nothing_is_left_to_do() {
    let (site, _server) = fresh(DIALPLAN, 2);
    let said = setup(&site, &["--apply"]);
    assert_eq!(said.code, 0, "{said:#?}");
    assert!(said.out.contains("PJSIP/anbieter puts its calls into eingang."), "{}", said.out);
    let config = read(&site, "callbackd.toml");
    for line in [
        "region = \"DE\"\n",
        "ivr_contexts = [\"ivr-*\", \"begruessung\"]\n",
        "closed_contexts = [\"closed*\", \"*-closed\", \"after-hours*\", \"out-of-hours*\", \"nachtansage\"]\n",
        "voicemail_contexts = [\"macro-vm\", \"app-vmblast\", \"voicemail*\", \"anrufbeantworter\"]\n",
    ] {
        assert!(config.contains(line), "{line} is not in\n{config}");
    }
    assert!(config.contains("\n    \"eingang\",\n]\n") && !config.contains("intern\""), "{config}");
    assert!(config.contains(&format!("queue_log = \"{}\"\n", site.path("log/queue_log").display())), "{config}");
    assert!(!config.contains("\ncdr_csv"), "a file that is not there is not named");
    assert!(config.contains("# Dialplan contexts in which calls from outside arrive."), "comments stay");

    let user = read(&site, "asterisk/manager.d/callbackd.conf");
    let secret = read(&site, "ami-secret");
    assert_eq!((secret.trim().len(), mode(&site.path("ami-secret"))), (48, 0o600));
    assert!(user.contains(&format!("secret = {}\n", secret.trim())) && !said.out.contains(secret.trim()), "{user}");
    assert!(user.contains("[general](+)\nenabled = yes\nbindaddr = 127.0.0.1\ntimestampevents = yes\n"), "{user}");
    assert!(user.contains("write = reporting,call,originate,agent\n"), "{user}");
    assert_eq!(mode(&site.path("asterisk/manager.d/callbackd.conf")), 0o640);

    let again = setup(&site, &["--apply"]);
    assert_eq!(again.code, 0, "{again:#?}");
    assert!(again.out.contains("Nothing to change."), "{}", again.out);
    assert_eq!((read(&site, "callbackd.toml"), read(&site, "ami-secret")), (config, secret));
}

#[test]
fn undo_puts_everything_back_but_what_was_changed_since() {
    let (site, _server) = fresh(DIALPLAN, 2);
    let before = read(&site, "callbackd.toml");
    assert_eq!(setup(&site, &["--apply"]).code, 0);
    let said = setup(&site, &["--undo"]);
    assert_eq!(said.code, 0, "{said:#?}");
    assert_eq!(read(&site, "callbackd.toml"), before);
    assert!(!site.path("asterisk/manager.d/callbackd.conf").exists() && !site.path("ami-secret").exists());
    assert_eq!(setup(&site, &["--undo"]).code, 66, "there is nothing more to undo");

    assert_eq!(setup(&site, &["--apply"]).code, 0);
    let mine = format!("{}# mine\n", read(&site, "callbackd.toml"));
    site.write("callbackd.toml", &mine, 0o644);
    let said = setup(&site, &["--undo"]);
    assert_eq!(said.code, 1, "{said:#?}");
    assert!(said.err.contains("callbackd.toml") && said.err.contains("changed since"), "{}", said.err);
    assert_eq!(read(&site, "callbackd.toml"), mine);
    assert!(!site.path("asterisk/manager.d/callbackd.conf").exists());
}

#[test]
fn where_no_number_tells_the_country_it_is_asked_for_and_never_taken_for_granted() {
    let dialplan = "[eingang]\nexten => 5550123,1,Queue(vertrieb)\n";
    let (site, _server) = fresh(dialplan, 2);
    let said = setup(&site, &["--apply"]);
    assert_eq!(said.code, 64, "{said:#?}");
    assert!(said.err.contains("--region COUNTRY"), "{}", said.err);
    assert!(read(&site, "callbackd.toml").contains("region = \"US\""));
    assert!(!read(&site, "callbackd.toml").contains("eingang"), "nothing of the configuration is written");
    let said = setup(&site, &["--apply", "--region", "at"]);
    assert_eq!(said.code, 0, "{said:#?}");
    assert!(read(&site, "callbackd.toml").contains("region = \"AT\"\n"));
    assert_eq!(setup(&site, &["--region", "XX"]).code, 64);
}

#[test]
fn on_freepbx_the_user_goes_into_the_file_that_it_never_writes() {
    let (site, server) = fresh(DIALPLAN, 1);
    let general = format!(
        "[general]\nenabled = yes\nport = {}\n#include manager_additional.conf\n#include manager_custom.conf\n",
        server.port
    );
    site.write("asterisk/manager.conf", &general, 0o640);
    site.write("asterisk/manager_custom.conf", "[other]\nsecret = geheim-0815\n", 0o640);
    let said = setup(&site, &["--apply"]);
    assert_eq!(said.code, 0, "{said:#?}");
    let custom = read(&site, "asterisk/manager_custom.conf");
    assert!(custom.starts_with("[other]\nsecret = geheim-0815\n\n; written by callbackd setup"), "{custom}");
    assert!(custom.contains("[general](+)\ntimestampevents = yes\n") && !custom.contains("bindaddr"), "{custom}");
    assert_eq!(read(&site, "asterisk/manager.conf"), general);
    assert!(!said.out.contains("geheim-0815"), "no secret is shown: {}", said.out);
}

#[test]
fn phones_that_share_the_trunks_context_are_not_taken_for_customers() {
    let (site, _server) =
        fresh("[default]\nexten => +493055550123,1,Queue(vertrieb)\nexten => 201,hint,PJSIP/201\n", 1);
    site.write(
        "asterisk/pjsip.conf",
        &format!(
            "{}[anbieter]\ntype=identify\nendpoint=anbieter\nmatch=203.0.113.7\n",
            PJSIP.replace("context=intern", "context=default").replace("context=eingang", "context=default")
        ),
        0o640,
    );
    let said = setup(&site, &["--apply"]);
    assert_eq!(said.code, 0, "{said:#?}");
    let config = read(&site, "callbackd.toml");
    assert!(config.contains("trunks = [\"PJSIP/anbieter-*\"]\n"), "{config}");
    assert!(!config.contains("\"default\""), "{config}");
}

#[test]
fn what_it_cannot_do_is_said_before_anything_is_written() {
    let (site, _server) = fresh(DIALPLAN, 1);
    assert_eq!(site.run(&["setup", "--config", "callbackd.toml", "--asterisk", "nowhere"]).code, 66);
    site.configure("[[pbx]]\nname = \"a\"\n[[pbx]]\nname = \"b\"\naddress = \"127.0.0.1:5039\"\n");
    let said = setup(&site, &["--apply"]);
    assert_eq!(said.code, 64, "{said:#?}");
    site.write("callbackd.toml", "[pbx]\n", 0o644);
    site.write("ami-secret", "mine\n", 0o600);
    site.write("asterisk/manager.d/callbackd.conf", "[callbackd]\nsecret = other\n", 0o640);
    let said = setup(&site, &["--apply"]);
    assert_eq!(said.code, 64, "{said:#?}");
    assert!(said.err.contains("different secrets"), "{}", said.err);
    assert_eq!(read(&site, "ami-secret"), "mine\n");
}
