//! Several PBXs in one configuration: what each has of its own, what it inherits, and what is refused with line, column and fix.

use crate::configured::{good, refused};
use callbackd::config::{Config, Settings};
use std::time::Duration;

const DOCUMENTED: &str = include_str!("../../config/callbackd.toml");

fn of<'c>(config: &'c Config, name: &str) -> &'c Settings {
    &config.named(name).expect(name).settings
}

const TWO: &str = "[[pbx]]\nname = \"a\"\n[[pbx]]\nname = \"b\"\naddress = \"127.0.0.1:5048\"\n";

#[test]
fn the_documented_second_pbx_can_be_used() {
    let (first, second) = DOCUMENTED.split_once("# Several PBXs\n").unwrap();
    let second: Vec<&str> = second.lines().skip_while(|line| !line.contains("#   [[pbx]]")).collect();
    let second: Vec<&str> = second.iter().map(|line| line.trim_start_matches('#').trim_start()).collect();
    let config = good(&format!("{}{}", first.replace("\n[pbx]\n", "\n[[pbx]]\n"), second.join("\n")));
    assert_eq!(of(&config, "pbx"), &Settings::default(), "the first has nothing of the second");
    let (named, tashkent) = (config.named("tashkent").unwrap(), of(&config, "tashkent"));
    assert_eq!((tashkent.numbers.region.as_str(), tashkent.callback.enabled), ("UZ", true));
    assert_eq!(tashkent.callback.queues["sales"].delay, Duration::from_secs(30));
    assert_eq!(tashkent.agents[0].interface, "PJSIP/201");
    assert!(named.gap.cdr_csv.is_some() && config.pbx[0].gap.cdr_csv.is_none());
}

#[test]
fn a_pbx_has_its_own_keys_and_inherits_the_others() {
    let config = good(&format!(
        "{TWO}[pbx.calls]\ninbound_contexts = [\"in\"]\nwrapup = \"9s\"\n[pbx.numbers]\nregion = \"DE\"\n\
         [calls]\ninbound_contexts = [\"trunk-1\", \"trunk-2\"]\nshort_abandon = \"3s\"\n[numbers]\ndeny = [\"+1202555\"]\n"
    ));
    let (a, b) = (of(&config, "a"), of(&config, "b"));
    assert_eq!((a.calls.inbound_contexts.len(), a.calls.wrapup), (2, Duration::ZERO));
    assert_eq!(b.calls.inbound_contexts, ["in"], "a list replaces the list");
    assert_eq!((b.calls.short_abandon, b.calls.wrapup), (Duration::from_secs(3), Duration::from_secs(9)));
    assert_eq!((a.numbers.region.as_str(), b.numbers.region.as_str()), ("US", "DE"));
    assert_eq!(b.numbers.deny, ["+1202555"]);
    assert_eq!(a, &config.shared, "who says nothing has what all have");
    assert!(b.rules().inbound_contexts.fit("in") && !b.rules().inbound_contexts.fit("trunk-1"));
    assert!(!a.rules().inbound_contexts.fit("in") && a.rules().inbound_contexts.fit("trunk-1"));
}

#[test]
fn the_only_pbx_may_have_tables_of_its_own_too() {
    let config = good("[pbx]\n[pbx.hours]\ntimezone = \"Asia/Tashkent\"\n[[pbx.agents]]\ninterface = \"PJSIP/1\"\n");
    assert_eq!(of(&config, "pbx").agents.len(), 1);
    assert_eq!(config.zone().iana_name(), Some("Asia/Tashkent"), "times are shown in its zone");
}

#[test]
fn hours_are_inherited_key_by_key_and_named_hours_as_a_whole() {
    let config = good(&format!(
        "{TWO}[pbx.hours]\ntimezone = \"Asia/Tashkent\"\n[pbx.hours.late]\nopen = \"12:00-20:00\"\n\
         [hours]\ntimezone = \"Europe/Berlin\"\nopen = \"09:00-18:00\"\n[hours.late]\nopen = \"10:00-22:00\"\ndids = [\"5550100\"]\n\
         [hours.night]\nopen = \"20:00-23:00\"\n"
    ));
    let (a, b) = (of(&config, "a"), of(&config, "b"));
    assert_eq!((b.hours.timezone.as_deref(), b.hours.open.as_str()), (Some("Asia/Tashkent"), "09:00-18:00"));
    assert_eq!((b.named_hours["late"].open.as_str(), b.did_hours.len()), ("12:00-20:00", 0));
    assert_eq!(b.named_hours["night"].timezone.as_deref(), Some("Asia/Tashkent"), "in the time zone of its PBX");
    assert_eq!(a.did_hours["5550100"], "late");
    // 14:00 UTC is 15:00 in Berlin and 19:00 in Tashkent.
    let at = "2026-11-23T14:00:00Z".parse::<jiff::Timestamp>().unwrap().as_millisecond();
    assert!(a.rules().hours_of(None).is_open(at) && !b.rules().hours_of(None).is_open(at));
}

#[test]
fn callbacks_are_inherited_key_by_key_and_the_tables_below_as_a_whole() {
    let config = good(&format!(
        "{TWO}[pbx.callback]\ndelay = \"5m\"\n[pbx.callback.queue.sales]\npriority = 7\n[pbx.callback.retry]\nlost = \"1h\"\n\
         [pbx.callback.did]\n\"5550100\" = \"office\"\n\
         [callback]\nenabled = true\ndelay = \"30s\"\npublish = true\ndaily = 7\n[callback.queue.sales]\nmax_attempts = 9\n\
         [callback.queue.support]\nmax_attempts = 8\n[callback.retry]\ncustomer_busy = \"5m\"\n[callback.did]\n\"5550199\" = \"sales\"\n"
    ));
    let policies = config.policies();
    let (a, b) = (policies.of("a"), policies.of("b"));
    assert!(b.enabled && b.publish);
    assert_eq!((a.default.delay_ms, b.default.delay_ms), (30_000, 300_000));
    let sales = b.of(Some("sales"));
    assert_eq!(
        (sales.priority, sales.max_attempts, sales.delay_ms),
        (7, 3, 300_000),
        "nothing of [callback.queue.sales]"
    );
    assert_eq!((b.of(Some("support")).max_attempts, b.of(Some("support")).delay_ms), (8, 300_000));
    assert_eq!((a.of(Some("sales")).priority, a.of(Some("sales")).max_attempts), (0, 9));
    assert_eq!((b.retry.lost, b.retry.customer_busy), (3_600_000, 120_000), "nothing of [callback.retry]");
    assert_eq!(a.retry.customer_busy, 300_000);
    assert_eq!((b.dids.len(), b.dids["5550100"].as_str(), a.dids["5550199"].as_str()), (1, "office", "sales"));
    assert_eq!(policies.overall.daily, 7, "once for all");
}

#[test]
fn agents_of_a_pbx_are_all_that_it_has_and_are_meant_by_their_names_there() {
    let config = good(&format!(
        "{TWO}[[pbx.agents]]\nname = \"Ann\"\ninterface = \"PJSIP/201\"\n\
         [[agents]]\nname = \"Ann\"\ninterface = \"PJSIP/101\"\nqueues = [\"support\"]\n[callback.queue.sales]\nagents = [\"Ann\"]\n"
    ));
    let (a, b) = (of(&config, "a"), of(&config, "b"));
    assert_eq!((a.agents.len(), b.agents.len()), (1, 1));
    assert_eq!(a.callback.queues["sales"].agents, ["PJSIP/101"]);
    assert_eq!(b.callback.queues["sales"].agents, ["PJSIP/201"]);
    assert!(a.callback.queues.contains_key("support") && !b.callback.queues.contains_key("support"));
}

#[test]
fn each_pbx_has_files_of_its_own() {
    let config =
        good(&format!("{TWO}[pbx.gap]\ncdr_csv = \"/b.csv\"\n[gap]\ncdr_csv = \"/a.csv\"\nqueue_log = \"/a.log\"\n"));
    assert_eq!(
        config.pbx[0].gap.queue_log.as_deref(),
        Some(std::path::Path::new("/a.log")),
        "[gap] is about the first"
    );
    assert_eq!(config.pbx[1].gap.cdr_csv.as_deref(), Some(std::path::Path::new("/b.csv")));
    assert_eq!(config.pbx[1].gap.queue_log, None, "never inherited");
    let policies = good(&format!("{TWO}[gap]\npbx = \"b\"\ncdr_csv = \"/b.csv\"\n")).policies();
    assert!(policies.of("b").look_up_cdr && !policies.of("a").look_up_cdr);
}

#[test]
fn files_that_are_named_twice_are_refused() {
    let fix = "keep what [pbx.gap] says and remove [gap]";
    let own = format!("{TWO}[pbx.gap]\ncdr_csv = \"/b.csv\"\n");
    let words = ["`b` has its files in [gap] and in [pbx.gap]", fix];
    refused(&format!("{own}[gap]\npbx = \"b\"\nqueue_log = \"/x\"\n"), "9:7", &words);
    refused("[pbx]\n[pbx.gap]\nqueue_log = \"/a\"\n[gap]\ncdr_csv = \"/x\"\n", "5:11", &["`pbx` has its files", fix]);
    refused(
        &format!("{own}[gap]\ncdr_csv = \"/b.csv\"\n"),
        "7:11",
        &["two PBXs have the same `cdr_csv`", "that of `a`"],
    );
    refused(&format!("{own}pbx = \"a\"\n"), "8:7", &["`pbx` has no meaning in [pbx.gap]", "remove it"]);
    refused(&format!("{own}[gap]\npbx = \"c\"\n"), "9:7", &["`gap.pbx` names no PBX", "a, b"]);
}

#[test]
fn two_pbxs_of_one_name_are_refused_capital_letters_or_not() {
    let two = |other: &str| format!("{TWO}[[pbx]]\nname = \"{other}\"\naddress = \"127.0.0.1:5058\"\n");
    refused(&two("a"), "7:8", &["two PBXs are named `a`", "named like another", "a `name` of its own"]);
    let why = "two PBXs are named `b` and `B`: the same but for capital letters";
    refused(&two("B"), "7:8", &[why, "named like another", "a `name` of its own, in other letters"]);
}

#[test]
fn two_pbxs_at_one_address_are_refused() {
    let two = |first: &str, second: &str| {
        format!("[[pbx]]\nname = \"a\"\naddress = \"{first}\"\n[[pbx]]\nname = \"b\"\naddress = \"{second}\"\n")
    };
    let fix = "give each [[pbx]] the `address` of its own Asterisk";
    for (first, second) in [
        ("127.0.0.1", "127.0.0.1:5038"),
        ("localhost", "127.0.0.1"),
        ("[::1]:5038", "::1"),
        ("127.0.0.1", "[::ffff:127.0.0.1]:5038"),
        ("pbx.example:5048", "PBX.example.:5048"),
    ] {
        refused(&two(first, second), "6:11", &["two PBXs, `a` and `b`, have the address", "that of another", fix]);
    }
    let without = "[[pbx]]\nname = \"a\"\n[[pbx]]\nname = \"b\"\n";
    refused(without, "3:1", &["have the address 127.0.0.1:5038", "where none is given", fix]);
    for (first, second) in [("127.0.0.1:5038", "127.0.0.1:5039"), ("127.0.0.1", "127.0.0.2"), ("::1", "127.0.0.1")] {
        assert_eq!(good(&two(first, second)).pbx.len(), 2, "{first} {second}");
    }
    good("[[pbx]]\nname = \"a\"\n[[pbx]]\nname = \"b\"\ntls = true\n");
}

#[test]
fn single_and_double_brackets_of_one_name_are_refused_with_the_line_to_change() {
    let (single, double) = ("[pbx]\nname = \"a\"\n", "[[pbx]]\nname = \"b\"\n");
    let title = "[pbx] and [[pbx]] cannot stand in one file";
    let fix =
        |line: u32| format!("each is written [[pbx]]: change line {line}, and give each [[pbx]] a `name` of its own");
    refused(&format!("{single}{double}"), "3:3", &[title, "line 1 has it already", &fix(1)]);
    refused(&format!("{double}{single}"), "3:2", &[title, "line 1 has it already", &fix(3)]);
    refused(&format!("version = 1\n\n{single}# another\n{double}"), "6:3", &[title, &fix(3)]);
    refused(
        &format!("[pbx.calls]\nwrapup = \"1s\"\n{double}"),
        "3:3",
        &[
            "[pbx.calls] stands above the first [[pbx]]",
            "move [pbx.calls] of line 1 below the [[pbx]] that it is about",
        ],
    );
    let agents = "[agents]\ninterface = \"PJSIP/1\"\n[[agents]]\ninterface = \"PJSIP/2\"\n";
    refused(agents, "3:3", &["[agents] and [[agents]] cannot stand in one file", "[[agents]]: change line 1"]);
    let twice = "[calls]\nwrapup = \"1s\"\n[log]\n[calls]\nmin_talk = \"1s\"\n";
    refused(twice, "4:2", &["[calls] is there twice", "below the [calls] of line 1, and remove this one"]);
}

#[test]
fn what_is_about_all_pbxs_together_is_refused_below_one() {
    for line in [
        "daily = 7",
        "daily_per_number = 2",
        "daily_per_prefix = 9",
        "prefix_digits = 4",
        "max_active = 3",
        "min_talk = \"5s\"",
        "order = \"newest\"",
    ] {
        let words = ["cannot be set for one PBX", "move it to [callback]", "all PBXs together"];
        refused(&format!("{TWO}[pbx.callback]\n{line}\n"), "7:1", &words);
    }
    refused(
        &format!("{TWO}[pbx.callback.queue.sales]\ndaily = 7\n"),
        "7:1",
        &["in [pbx.callback.queue.sales]", "`daily` belongs in [callback]"],
    );
}

#[test]
fn a_key_at_the_wrong_place_below_a_pbx_is_met_with_the_right_one() {
    let at = |rest: &str| format!("{TWO}{rest}\n");
    refused(&at("inbound_contexts = []"), "6:1", &["in [pbx]", "belongs in [pbx.calls], or for all PBXs in [calls]"]);
    let files = "`cdr_csv` belongs in [pbx.gap]: the files are those of one Asterisk";
    refused(&at("cdr_csv = \"/x\""), "6:1", &["in [pbx]", files]);
    refused(&at("[pbx.calls]\ncdr_csv = \"/x\""), "7:1", &["in [pbx.calls]", files]);
    refused(&at("interface = \"PJSIP/1\""), "6:1", &["belongs in [[pbx.agents]], or for all PBXs in [[agents]]"]);
    refused("[numbers]\ninterface = \"PJSIP/1\"\n", "2:1", &["`interface` belongs in [[agents]]"]);
    refused(&at("[pbx.calls]\nregion = \"DE\""), "7:1", &["in [pbx.calls]", "belongs in [pbx.numbers]"]);
    refused(&at("[pbx.calls]\nwrapupp = \"1s\""), "7:1", &["unknown key `wrapupp` in [pbx.calls]", "`wrapup`"]);
    refused(&at("[pbx.hours.late]\nopen = \"24/7\"\nopens = 1"), "8:1", &["in [pbx.hours.late]", "`open`"]);
    refused(&at("[pbx.callback.retry]\nlosst = \"1h\""), "7:1", &["in [pbx.callback.retry]", "`lost`"]);
    refused(
        &at("[[pbx.agents]]\ninterface = \"PJSIP/1\"\nwrapupp = \"1s\""),
        "8:1",
        &["in [[pbx.agents]]", "`wrapup`"],
    );
    refused(&at("[pbx.call]\n"), "6:6", &["unknown key `call` in [pbx]", "did you mean `calls`?"]);
    refused(&at("[pbx.store]\npath = \"x\""), "6:6", &["[store] is a table of its own"]);
    refused(&at("version = 1"), "6:1", &["`version` stands above all tables"]);
    refused(&at("[calls.pbx]\n"), "6:8", &["unknown key `pbx` in [calls]"]);
}

#[test]
fn a_value_of_another_type_below_a_pbx_is_refused_at_its_place() {
    let at = |rest: &str| format!("{TWO}{rest}\n");
    refused(&at("calls = 3"), "6:9", &["`calls` must be a table", "write [pbx.calls]"]);
    refused(&at("gap = true"), "6:7", &["`gap` must be a table", "write [pbx.gap]"]);
    refused(
        &at("[pbx.agents]\ninterface = \"PJSIP/1\""),
        "6:1",
        &["`agents` must be a list of tables", "[[pbx.agents]]"],
    );
    refused(&at("[pbx.calls]\nshort_abandon = 5"), "7:17", &["`short_abandon` must be a duration"]);
    refused(&at("[pbx.callback]\nqueue = 1"), "7:9", &["`queue` must be a table", "[pbx.callback.queue]"]);
    refused(&at("[pbx.callback.queue.sales]\nmax_attempts = 99"), "7:16", &["`max_attempts` must be 1 to 20"]);
    refused(&at("[pbx.hours]\ntimezone = \"Europe/Berln\""), "7:12", &["did you mean \"Europe/Berlin\"?"]);
    refused("[pbx]\nname = \"a\"\n[pbx.numbers]\nregion = \"Germany\"", "4:10", &["two-letter"]);
}

#[test]
fn what_is_wrong_with_an_inherited_key_names_the_pbx() {
    let text = format!(
        "{TWO}[[pbx.agents]]\nname = \"Bob\"\ninterface = \"PJSIP/201\"\n[[agents]]\nname = \"Ann\"\ninterface = \"PJSIP/101\"\n[callback]\nagents = [\"Ann\"]\n"
    );
    refused(
        &text,
        "13:11",
        &[
            "`Ann` in `agents` is no agent, for the PBX `b`",
            "one of the [[pbx.agents]]; a PBX that has [[pbx.agents]] has none of the [[agents]]",
        ],
    );
    let text = format!(
        "{TWO}[pbx.callback.queue.sales]\nagents = [\"Bobby\"]\n[[pbx.agents]]\nname = \"Bob\"\ninterface = \"PJSIP/201\"\n"
    );
    refused(&text, "7:11", &["`Bobby` in `agents` is no agent", "did you mean \"Bob\"?"]);
    refused("[callback]\nagents = [\"Ann\"]\n", "2:11", &["or the `name` of one of the [[agents]]"]);
    refused(
        &format!("{TWO}[callback]\ndelay = 5\n"),
        "7:9",
        &["`delay` must be a duration in quotes, with its unit\n"],
    );
}

#[test]
fn a_version_that_is_not_understood_is_refused() {
    assert_eq!(good("version = 1"), Config::default());
    assert!(DOCUMENTED.lines().any(|line| line == "version = 1"));
    let words = ["this program understands version 1 of the configuration, not 2", "write version = 1"];
    refused("version = 2\nnew_key = true", "1:11", &words);
    refused("version = \"1\"", "1:11", &["`version` must be a whole number", "or leave it out"]);
    refused("version = 1.0", "1:11", &["`version` must be a whole number"]);
}

#[test]
fn a_reload_takes_what_holds_for_each_pbx_and_keeps_the_links() {
    let before = good(TWO);
    let after = good(&format!(
        "{}[pbx.calls]\nwrapup = \"9s\"\n[pbx.gap]\ncdr_csv = \"/b.csv\"\n",
        TWO.replace("5048", "5058")
    ));
    assert_eq!(before.restart_for(&after), "pbx");
    let now = before.reloaded(after);
    let (a, b) = (&now.pbx[0], &now.pbx[1]);
    assert_eq!((b.address.as_str(), b.settings.calls.wrapup), ("127.0.0.1:5048", Duration::from_secs(9)));
    assert_eq!((b.gap.cdr_csv.is_some(), a.settings.calls.wrapup), (true, Duration::ZERO));
    assert_eq!(before.restart_for(&good(&format!("{TWO}[pbx.calls]\nwrapup = \"9s\"\n"))), "");
    let renamed = before.reloaded(good("[pbx]\nname = \"c\"\n[calls]\nwrapup = \"7s\"\n"));
    assert!(renamed.pbx.iter().all(|pbx| pbx.settings.calls.wrapup == Duration::from_secs(7)), "what is said for all");
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { failure_persistence: None, ..proptest::prelude::ProptestConfig::default() })]

    #[test]
    fn no_tables_below_a_pbx_make_it_panic(text in "(\\[\\[pbx\\]\\]\n(name = \"[ab]\"\n)?|\\[(pbx\\.)?(calls|hours|hours\\.a|callback|callback\\.queue|callback\\.queue\\.s|callback\\.retry|agents|gap)\\]\n|\\[\\[(pbx\\.)?agents\\]\\]\n|(name|open|delay|daily|agents|queue|hours|pbx|cdr_csv|interface|trunks|calls) = (\"[a1s]{0,2}\"|7|\\[\"a\"\\]|\\{ a = 1 \\})\n){0,12}") {
        match Config::from_toml(&text, "x") {
            Ok(config) => {
                let _ = config.policies();
                proptest::prop_assert!(config.pbx.iter().all(|pbx| config.named(&pbx.name) == Some(pbx)));
            }
            Err(refusal) => {
                proptest::prop_assert!(!refusal.problems().is_empty());
                proptest::prop_assert!(refusal.to_string().contains("error: "));
            }
        }
    }
}
