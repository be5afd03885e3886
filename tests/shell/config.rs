//! The configuration: defaults, and refusals that name the key, the line and the fix.

use crate::configured::{bad, good, refused};
use callbackd::config::{Config, KEYS, LogFormat, Pbx, ShowNumbers, Tls};
use callbackd_core::callbacks::policy::{First, Strategy};
use callbackd_core::model::codes::OnCallback;
use std::path::PathBuf;
use std::time::Duration;

const DOCUMENTED: &str = include_str!("../../config/callbackd.toml");

#[test]
fn the_documented_file_holds_the_built_in_defaults() {
    assert_eq!(good(DOCUMENTED), Config::default());
    assert_eq!(good(""), Config::default());
}

/// The lines below a table's headings, each up to the next; a heading that is commented out counts.
fn documented(section: &str) -> Vec<&'static str> {
    let heading = |line: &str| line.trim_start_matches("# ").starts_with('[');
    let names = [format!("[{section}]"), format!("[[{section}]]"), format!("[{}]", section.replace("NAME", "sales"))];
    let is_its = |line: &str| names.iter().any(|name| line.trim_start_matches("# ") == name);
    assert!(DOCUMENTED.lines().any(is_its), "[{section}] is not documented");
    let (mut within, mut lines) = (false, Vec::new());
    for line in DOCUMENTED.lines() {
        if heading(line) {
            within = is_its(line);
        } else if within {
            lines.push(line);
        }
    }
    lines
}

#[test]
fn the_documented_file_names_every_key() {
    for (section, keys) in KEYS.iter().filter(|(name, _)| !name.is_empty()) {
        let body = documented(section);
        for key in keys.iter().filter(|key| !["retry", "queue", "did", "map", "rule", "mail"].contains(*key)) {
            let named = |line: &&&str| line.trim_start_matches("# ").starts_with(&format!("{key} = "));
            let inherited = *section == "hours.NAME" && ["timezone", "country"].contains(key);
            let times = body.iter().filter(named).count();
            // What a list of tables may have is shown in one of them at least.
            let is_shown = times == 1 || ["webhook", "sink"].contains(section) && times > 1;
            assert!(inherited || is_shown, "[{section}] {key}");
        }
    }
    assert!(!documented("callback.did").is_empty());
}

#[test]
fn every_example_that_is_commented_out_can_be_used() {
    let is_key =
        |line: &str| KEYS.iter().flat_map(|(_, keys)| keys.iter()).any(|k| line.starts_with(&format!("{k} = ")));
    let is_heading = |line: &str| line.starts_with('[') && line.ends_with(']');
    let (mut tried, mut tables) = (0, 0);
    let mut table = false;
    let hours = "\n[hours.sales]\nopen = \"Mo-Sa 08:00-20:00\"\n";
    for (at, line) in DOCUMENTED.lines().enumerate() {
        let bare = line.strip_prefix("# ").unwrap_or(line);
        if is_heading(bare) {
            table = bare != line;
            tables += u32::from(table);
        }
        if bare == line || !is_key(bare) || table {
            continue;
        }
        let with = |(n, l): (usize, &'static str)| if n == at { l.trim_start_matches("# ") } else { l };
        let mut text = DOCUMENTED.lines().enumerate().map(with).collect::<Vec<_>>().join("\n");
        if bare.starts_with("tls_cert") || bare.starts_with("tls_key") {
            // A certificate and its key belong together.
            text = text.replace("# tls_cert_file", "tls_cert_file").replace("# tls_key_file", "tls_key_file");
        } else if bare.starts_with("tls_") {
            text = text.replace("tls = false", "tls = true");
        }
        let (with, without) = (good(&(text + hours)), good(&(DOCUMENTED.to_owned() + hours)));
        // Whoever does not name the PBX of [gap] means the first.
        assert_eq!(with == without, bare.starts_with("pbx = "), "{bare}");
        tried += 1;
    }
    assert_eq!((tried, tables), (24, 15));
}

#[test]
fn every_table_that_is_commented_out_can_be_used() {
    let mut table = false;
    let mut text = String::new();
    for line in DOCUMENTED.lines() {
        let bare = line.strip_prefix("# ").unwrap_or(line);
        if bare.starts_with('[') && bare.ends_with(']') {
            table = bare != line;
        }
        // A connection is encrypted, by an authority that the file names, or it is not. A group's server is one of its own, or a sink's.
        let other = bare.starts_with("allow_plaintext") || bare.starts_with("sink = ");
        let use_it = table && !other && (bare.contains(" = ") || bare.starts_with('['));
        text.push_str(if use_it { bare } else { line });
        text.push('\n');
    }
    let config = good(&text);
    let (queue, plain) = (&config.shared.callback.queues["sales"], &config.shared.callback.default);
    assert_ne!(queue.enabled, plain.enabled);
    assert_ne!(
        (queue.delay, queue.expire, queue.expire_requested, queue.last_dispatch),
        (plain.delay, plain.expire, plain.expire_requested, plain.last_dispatch)
    );
    assert_eq!((queue.max_attempts, queue.priority, queue.hours.as_deref()), (5, 10, Some("sales")));
    assert_eq!((queue.strategy, queue.first), (Strategy::RrMemory, First::Customer));
    assert_eq!((queue.owner_window, queue.fallback_after), (Duration::from_secs(300), Duration::from_secs(1200)));
    assert_eq!(queue.agents, ["PJSIP/101", "PJSIP/102"]);
    assert_eq!((queue.fallback.as_deref(), queue.caller_id.as_str()), (Some("office"), "+12025550100"));
    assert_eq!((queue.announcement.as_str(), queue.accept_key.as_str()), ("custom/callback", "1"));
    assert!(queue.script.starts_with("You wanted"));
    assert_eq!(config.shared.callback.dids["+12025550100"], "sales");
    let crm = &config.webhooks[0];
    assert_eq!((crm.name.as_str(), crm.url.host(), crm.queues.len()), ("crm", Some("crm.example.com"), 1));
    assert_eq!((crm.events.len(), crm.map.names["linkedid"].as_str()), (2, "external_id"));
    assert_eq!(crm.map.words[&("status".to_owned(), "CANCEL".to_owned())], "lost");
    let others: Vec<&str> = config.webhooks[1..].iter().map(|webhook| webhook.name.as_str()).collect();
    assert_eq!(others, ["bitrix24", "chat", "mail"]);
    let asked = config.shared.codes.get("PRICE_ASKED").unwrap();
    assert_eq!((asked.label.as_str(), asked.group.as_str(), asked.success), ("Asked for the price", "sales", true));
    assert_eq!(
        (asked.callback, asked.after_ms, asked.expires_ms),
        (OnCallback::Request, 172_800_000, Some(432_000_000))
    );
    assert_eq!((asked.rules.len(), asked.rules[0].outcomes.len(), asked.rules[0].dids.len()), (1, 2, 1));
    let ann = &config.shared.agents[0];
    assert_eq!((ann.name.as_deref(), ann.interface.as_str(), ann.queues.len()), (Some("Ann"), "PJSIP/101", 1));
    assert_eq!(ann.wrapup, Some(Duration::from_secs(20)));
    assert_eq!(config.shared.named_hours["sales"].open, "Mo-Sa 08:00-20:00");
    assert_eq!(config.shared.did_hours["+12025550100"], "sales");
}

#[test]
fn every_key_is_taken_over() {
    let config = good(
        r#"
        [[pbx]]
        name = "berlin"
        address = "pbx.example.org"
        tls = true
        tls_fingerprint_sha256 = "sha256 Fingerprint=00:01:02:03:04:05:06:07:08:09:0A:0b:0c:0d:0e:0f:10:11:12:13:14:15:16:17:18:19:1a:1b:1c:1d:1e:ff"
        username = "reader"
        secret_file = "/etc/callbackd/berlin"
        allow_plain_login = true
        [[pbx]]
        name = "lab"
        address = "192.0.2.7:6038"
        allow_plaintext = true
        [calls]
        inbound_contexts = ["incoming"]
        trunks = ["PJSIP/trunk-*"]
        ivr_contexts = []
        closed_contexts = ["night"]
        voicemail_contexts = ["vm"]
        self_service_contexts = ["balance?"]
        blocked_contexts = ["no"]
        internal_number = '\d{3}'
        short_abandon = "1m 500ms"
        min_talk = "PT2S"
        [numbers]
        region = "de"
        internal_max_digits = 0
        [hours]
        timezone = "Europe/Berlin"
        country = "DE"
        open = "Mo-Fr 09:00-18:00; PH off"
        [store]
        path = "/tmp/calls.db"
        [log]
        level = "warn,callbackd_core::ami=debug"
        format = "json"
        numbers = "none"
        "#,
    );
    let mut pin: [u8; 32] = std::array::from_fn(|i| i as u8);
    pin[31] = 0xff;
    let berlin = Pbx {
        name: callbackd_core::model::PbxId::new("berlin"),
        address: "pbx.example.org:5039".into(),
        username: "reader".into(),
        secret_file: Some("/etc/callbackd/berlin".into()),
        tls: Some(Tls::Fingerprint(pin)),
        allow_plaintext: false,
        allow_plain_login: true,
        settings: config.shared.clone(),
        ..Pbx::default()
    };
    assert_eq!(config.pbx[0], berlin);
    assert_eq!((config.pbx[1].address.as_str(), config.pbx[1].allow_plaintext), ("192.0.2.7:6038", true));
    let lists = [
        &config.shared.calls.inbound_contexts,
        &config.shared.calls.trunks,
        &config.shared.calls.closed_contexts,
        &config.shared.calls.voicemail_contexts,
        &config.shared.calls.self_service_contexts,
        &config.shared.calls.blocked_contexts,
    ];
    assert_eq!(lists.map(|l| l[0].as_str()), ["incoming", "PJSIP/trunk-*", "night", "vm", "balance?", "no"]);
    assert!(config.shared.calls.ivr_contexts.is_empty());
    assert_eq!(config.shared.calls.internal_number.as_deref(), Some("\\d{3}"));
    assert_eq!(
        (config.shared.calls.short_abandon, config.shared.calls.min_talk),
        (Duration::from_millis(60_500), Duration::from_secs(2))
    );
    assert_eq!((config.shared.numbers.region.as_str(), config.shared.numbers.internal_max_digits), ("de", 0));
    assert_eq!(config.store.path, PathBuf::from("/tmp/calls.db"));
    assert_eq!(
        (config.log.level.as_str(), config.log.format, config.log.numbers),
        ("warn,callbackd_core::ami=debug", LogFormat::Json, ShowNumbers::None)
    );
    let christmas_noon = "2026-12-25T11:00:00Z".parse::<jiff::Timestamp>().unwrap().as_millisecond();
    assert!(!config.shared.hours.build().unwrap().is_open(christmas_noon));
    assert!(config.shared.numbering().is_ok());
}

#[test]
fn the_smallest_file_names_address_user_and_secret() {
    let config = good("[pbx]\naddress = \"[::1]\"\nusername = \"u\"\nsecret_file = \"/s\"\n");
    assert_eq!(
        config.pbx,
        [Pbx { address: "[::1]:5038".into(), username: "u".into(), secret_file: Some("/s".into()), ..Pbx::default() }]
    );
}

#[test]
fn a_port_that_is_missing_is_asterisks_own() {
    for (text, address) in [
        ("address = \"localhost\"", "localhost:5038"),
        ("address = \"127.0.0.1\"\ntls = true", "127.0.0.1:5039"),
        ("address = \"::1\"", "[::1]:5038"),
        ("tls = true", "127.0.0.1:5039"),
        ("address = \"pbx.example.org:15038\"", "pbx.example.org:15038"),
        ("address = \"[2001:db8::5]\"\ntls = true", "[2001:db8::5]:5039"),
    ] {
        assert_eq!(good(&format!("[pbx]\n{text}")).pbx[0].address, address);
    }
}

#[test]
fn an_unknown_key_is_drawn_with_its_line_and_the_nearest_known_key() {
    let picture = bad("[calls]\nshort_abandom = \"5s\"\n").to_string();
    let expected = "\
error: unknown key `short_abandom` in [calls]
 --> callbackd.toml:2:1
  |
2 | short_abandom = \"5s\"
  | ^^^^^^^^^^^^^ unknown key
  |
  = help: did you mean `short_abandon`?";
    assert_eq!(picture, expected);
}

#[test]
fn unknown_keys_and_tables_are_refused_with_a_hint() {
    refused("[hours]\nregion = \"US\"", "2:1", &["`region` belongs in [numbers]"]);
    refused("[pbx]\n\nAddress = \"x\"", "3:1", &["write `address`"]);
    refused("[pbx]\ninbound-contexts = []", "2:1", &["`inbound_contexts`"]);
    refused("[call]\nmin_talk = \"1s\"", "1:2", &["did you mean `calls`?"]);
    refused("[store]\nzzz = 1", "2:1", &["the keys of [store] are path, keep"]);
    refused("address = \"x\"", "1:1", &["`address` belongs in [pbx]"]);
}

#[test]
fn a_value_of_another_type_is_refused() {
    refused("[calls]\nshort_abandon = 5", "2:17", &["`short_abandon` must be a duration", "an integer", "\"5s\""]);
    refused("[pbx]\ntls = \"yes\"", "2:7", &["true or false"]);
    refused("[pbx]\naddress = 5038", "2:11", &["text in quotes"]);
    refused("[calls]\ntrunks = \"PJSIP/x-*\"", "2:10", &["list of texts"]);
    refused("[calls]\ntrunks = [\"a\", 7]", "2:16", &["list of texts"]);
    refused("[numbers]\ninternal_max_digits = 9", "2:23", &["0 to 8"]);
    refused("[numbers]\ninternal_max_digits = -1", "2:23", &["0 to 8"]);
    refused("calls = 3", "1:9", &["write [calls]"]);
    refused("pbx = []", "1:7", &["there must be a PBX"]);
    refused("pbx = [1]", "1:8", &["each `pbx` must be a table"]);
    refused("[store]\nkeep = 400", "2:8", &["a duration in quotes", "400d"]);
    refused("[store]\nkeep = \"long\"", "2:8", &["not a duration", "\"400d\", \"52w\"; or \"forever\""]);
    for too_short in ["0s", "0", "23h", "-1d"] {
        let help =
            if too_short == "0" { "write a number with its unit" } else { "write \"forever\" to keep everything" };
        refused(&format!("[store]\nkeep = \"{too_short}\""), "2:8", &[help]);
    }
    refused("[store]\nkeep = \"40000d\"", "2:8", &["longer than 100 years", "forever"]);
    refused("[store]\npath = \"\"", "2:8", &["must not be empty"]);
    refused("[pbx]\nusername = \"a\\nb\"", "2:12", &["control characters"]);
}

#[test]
fn a_duration_needs_its_unit_and_has_bounds() {
    refused("[calls]\nshort_abandon = \"5\"", "2:17", &["not a duration", "\"30s\""]);
    refused("[calls]\nshort_abandon = \"-5s\"", "2:17", &["negative"]);
    refused("[calls]\nshort_abandon = \"11m\"", "2:17", &["longer than 10m"]);
    refused("[calls]\nmin_talk = \"2h\"", "2:12", &["longer than 1h"]);
}

#[test]
fn patterns_and_expressions_are_checked() {
    refused("[calls]\ntrunks = [\"PJSIP/(a|b)-.*\"]", "2:11", &["regular expression", "`*` stands for any"]);
    refused("[calls]\nivr_contexts = [\"\"]", "2:17", &["empty"]);
    refused("[calls]\ninternal_number = \"[1-9\"", "2:19", &["unclosed character class"]);
}

#[test]
fn hours_are_refused_at_the_very_word() {
    refused("[hours]\nopen = \"Mo-Fr 09:00-18:00; PH off\"", "2:28", &["no country says whose", "set `country`"]);
    refused("[hours]\nopen = \"mo-fri 9-18\"", "2:14", &["not opening hours", "OpenStreetMap"]);
    refused("[hours]\ncountry = \"XQ\"", "2:11", &["XQ", "ISO 3166"]);
    refused("[hours]\ntimezone = \"Europe/Berln\"", "2:12", &["did you mean \"Europe/Berlin\"?"]);
    refused("[hours]\nopen = \"09:00-18:00,mon-fri,0,*\"", "2:29", &["not a day of the month"]);
}

#[test]
fn a_region_or_level_that_does_not_exist_is_refused() {
    refused("[numbers]\nregion = \"Germany\"", "2:10", &["`Germany`", "two-letter"]);
    refused("[log]\nlevel = \"wran\"", "2:9", &["did you mean \"warn\"?"]);
    refused("[log]\nlevel = \"info,callbackd_core::ami=loud\"", "2:9", &["`loud` is no level"]);
    refused("[log]\nformat = \"xml\"", "2:10", &["use \"text\" or \"json\""]);
    refused("[log]\nnumbers = \"some\"", "2:11", &["\"tail\" or \"full\" or \"none\""]);
}

#[test]
fn pbxs_are_distinguished_by_their_names() {
    refused("[[pbx]]\nname = \"a\"\n[[pbx]]\n", "3:1", &["each of several PBXs needs a `name`", "name = \"berlin\""]);
    refused("[[pbx]]\n[[pbx]]\nname = \"a\"\n", "1:1", &["each of several PBXs needs a `name`"]);
    assert_eq!(bad("[[pbx]]\n[[pbx]]\n").problems().len(), 2);
    assert_eq!(good("[[pbx]]").pbx[0].name, "pbx");
    refused("[[pbx]]\nname = \"a\"\n[[pbx]]\nname = \"a\"\n", "4:8", &["two PBXs are named `a`", "`name` of its own"]);
    refused("[pbx]\nname = \"a b\"", "2:8", &["letters, digits"]);
}

#[test]
fn a_plaintext_connection_to_another_machine_is_refused() {
    for address in ["192.0.2.7", "192.0.2.7:5038", "[2001:db8::5]:5038", "0.0.0.0"] {
        refused(&format!("[pbx]\naddress = \"{address}\""), "2:11", &["would not be encrypted", "allow_plaintext"]);
    }
    for address in ["127.0.0.5:1", "[::1]:1", "::ffff:127.0.0.1", "localhost"] {
        good(&format!("[pbx]\naddress = \"{address}\""));
    }
}

#[test]
fn an_address_that_cannot_be_one_is_refused() {
    for address in
        ["127.0.0.1:0", "127.0.0.1:70000", "127.0.0.300", "pbx:ami", "a b", "http://pbx:5038", ":5038", "::1:x"]
    {
        refused(&format!("[pbx]\naddress = \"{address}\"\ntls = true"), "2:11", &["not an address"]);
    }
}

#[test]
fn tls_keys_that_contradict_each_other_are_refused() {
    let pin = "ab".repeat(32);
    refused(
        &format!("[pbx]\ntls = true\ntls_ca_file = \"a\"\ntls_fingerprint_sha256 = \"{pin}\""),
        "4:26",
        &["cannot both be set"],
    );
    refused("[pbx]\ntls_ca_file = \"a\"", "2:15", &["no effect without `tls = true`"]);
    refused(&format!("[pbx]\ntls_fingerprint_sha256 = \"{pin}\""), "2:26", &["no effect without `tls = true`"]);
    refused(
        "[pbx]\ntls = true\ntls_fingerprint_sha256 = \"abcd\"",
        "3:26",
        &["4 hexadecimal digits, not 64", "openssl x509"],
    );
    refused("[pbx]\ntls = true\ntls_fingerprint_sha256 = \"xy\"", "3:26", &["`x` is not a hexadecimal digit"]);
}

#[test]
fn a_secret_in_the_file_is_refused_and_not_shown() {
    for text in [
        "[pbx]\nsecret = \"hunter2\"",
        "[pbx]\npassword='hunter2'",
        "[[pbx]]\n\"secret\" = \"hunter2\"",
        "pbx = { secret = \"hunter2\" }",
        "[pbx]\nsecret = \"hunter2",
        "[pbx]\nsecret = hunter2",
    ] {
        let refusal = bad(text);
        assert!(!refusal.to_string().contains("hunter2"), "{refusal}");
        assert!(!format!("{refusal:?}").contains("hunter2"));
    }
    refused(
        "[pbx]\nsecret = \"hunter2\"",
        "2:1",
        &["must not stand in the configuration", "secret_file", "LoadCredential"],
    );
}

#[test]
fn a_caret_stands_under_a_whole_character() {
    refused("[hours]\nopen = \"Mo-Fr 09:00-18:00; \u{d9c}\"", "2:28", &["`\u{d9c}` is not understood here"]);
    refused("[hours]\nopen = \"\u{784}\"", "2:9", &["not opening hours"]);
}

#[test]
fn broken_toml_is_refused_at_its_place() {
    refused("[pbx\n", "1:5", &["not TOML"]);
    refused("[pbx]\n[[pbx]]\n", "2:3", &["[pbx] and [[pbx]] cannot stand in one file"]);
    refused("[log]\nlevel = \"info\"\nlevel = \"warn\"\n", "3:1", &["not TOML", "duplicate key"]);
}

#[test]
fn everything_that_is_wrong_is_said_at_once_in_the_order_of_the_file() {
    let refusal = bad("[calls]\nmin_talk = 1\n[pbx]\ntsl = true\n[log]\nlevel = \"loud\"\n");
    let titles: Vec<&str> = refusal.problems().iter().map(|p| p.title.as_str()).collect();
    assert_eq!(
        titles,
        [
            "`min_talk` must be a duration in quotes, with its unit",
            "unknown key `tsl` in [pbx]",
            "`level` is not a log level"
        ]
    );
}

#[test]
fn a_terminal_gets_colour_and_a_pipe_does_not() {
    let refusal = bad("[pbx]\ntsl = true");
    assert!(refusal.render(true).contains("\x1b["));
    assert!(!refusal.render(false).contains('\x1b'));
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { failure_persistence: None, ..proptest::prelude::ProptestConfig::default() })]

    #[test]
    fn no_text_makes_it_panic(text in "(\\[(pbx|calls|hours|log|numbers)\\]\n((address|open|level|timezone|trunks|min_talk|secret|region) = (\"\\PC{0,12}\"|[0-9]{1,3}|\\[\"\\PC{0,4}\"\\])\n){0,3}){0,2}|\\PC{0,60}") {
        if let Err(refusal) = Config::from_toml(&text, "x") {
            proptest::prop_assert!(!refusal.problems().is_empty());
            proptest::prop_assert!(refusal.to_string().contains("error: "));
        }
    }
}

#[test]
fn rows_are_kept_for_days_weeks_or_for_ever() {
    let keep = |text: &str| good(&format!("[store]\nkeep = \"{text}\"")).store.keep;
    let days = |n: u64| Some(Duration::from_secs(n * 86_400));
    assert_eq!(good("").store.keep, days(400));
    assert_eq!([keep("1d"), keep("52w"), keep("48h")], [days(1), days(364), days(2)]);
    assert_eq!(keep("forever"), None);
}
