//! What the configuration says about callbacks: the policy that it makes, and refusals that name the key, the line and the fix.

use crate::configured::{good, refused};
use callbackd::config::Config;
use callbackd_core::callbacks::policy::{First, OnMissedOffers, Policy, Strategy};
use callbackd_core::model::Outcome;
use std::time::Duration;

const MINUTE: i64 = 60_000;

/// That of its only PBX.
fn policy_of(config: &Config) -> Policy {
    config.policies().of("pbx").clone()
}

/// The same for one key of `[callback]`.
#[track_caller]
fn refused_key(line: &str, words: &[&str]) {
    let column = line.find("= ").unwrap() + 3;
    refused(&format!("[callback]\n{line}"), &format!("2:{column}"), words);
}

#[test]
fn nobody_is_called_until_the_configuration_says_so() {
    assert!(!policy_of(&good("")).enabled);
    assert!(!policy_of(&good("[callback]\ndelay = \"2m\"")).enabled);
    assert!(policy_of(&good("[callback]\nenabled = true")).enabled);
}

#[test]
fn neither_premium_nor_international_numbers_are_called_until_the_configuration_says_so() {
    let policy = policy_of(&good(""));
    for (number, word) in [
        ("+12025550123", None),
        ("+18765550123", Some("international")),
        ("+442079460123", Some("international")),
        ("+19002255555", Some("premium_rate")),
    ] {
        assert_eq!(policy.number_policy.verdict(&policy.numbering, number).err().map(|d| d.word()), word, "{number}");
    }
    let policy = policy_of(&good("[numbers]\nallow = [\"+44\"]\ndeny = [\"+442079\"]\npremium = true"));
    for (number, word) in [
        ("+442079460123", Some("deny_list")),
        ("+441632960123", None),
        ("+493023125000", Some("international")),
        ("+19002255555", None),
    ] {
        assert_eq!(policy.number_policy.verdict(&policy.numbering, number).err().map(|d| d.word()), word, "{number}");
    }
}

#[test]
fn misses_are_called_back_and_served_callers_are_not() {
    let on = policy_of(&good("")).on;
    assert!(on.contains(&Outcome::QueueAbandon) && on.contains(&Outcome::CallbackRequested));
    for never in [Outcome::Agent, Outcome::SelfService, Outcome::ShortAbandon, Outcome::Blocked, Outcome::Gap] {
        assert!(!on.contains(&never), "{never}");
    }
    assert_eq!(policy_of(&good("[callback]\non = [\"short_abandon\"]")).on.len(), 1);
}

#[test]
fn a_queue_takes_from_callback_what_it_does_not_say() {
    let policy = policy_of(&good(
        r#"
        [callback]
        enabled = true
        delay = "30s"
        strategy = "linear"
        fallback = "office"
        [callback.queue.sales]
        delay = "5s"
        priority = 7
        first = "customer"
        [callback.queue."night shift"]
        enabled = false
        [callback.queue.office]
        [callback.did]
        "12025550100" = "sales"
        "#,
    ));
    let sales = policy.of(Some("sales"));
    assert_eq!(
        (sales.delay_ms, sales.priority, sales.first, sales.strategy),
        (5_000, 7, First::Customer, Strategy::Linear)
    );
    assert_eq!(sales.fallback.as_deref(), Some("office"));
    assert_eq!(policy.of(Some("office")).fallback, None, "nobody falls back to themselves");
    assert!(!policy.of(Some("night shift")).enabled && policy.of(Some("support")).enabled);
    assert_eq!(policy.of(Some("support")).delay_ms, 30_000);
    assert_eq!(policy.dids["12025550100"], "sales");
}

#[test]
fn a_queue_may_keep_other_hours_with_the_time_zone_of_all() {
    let policy = policy_of(&good(
        r#"
        [hours]
        timezone = "Europe/Berlin"
        open = "Mo-Fr 09:00-18:00"
        [hours.late]
        open = "Mo-Fr 12:00-22:00"
        [callback.queue.support]
        hours = "late"
        "#,
    ));
    let at = |text: &str| text.parse::<jiff::Timestamp>().unwrap().as_millisecond();
    let (morning, evening) = (at("2026-11-23T10:00:00+01:00"), at("2026-11-23T21:00:00+01:00"));
    let (support, others) = (&policy.of(Some("support")).hours, &policy.of(None).hours);
    assert_eq!((support.is_open(morning), support.is_open(evening)), (false, true));
    assert_eq!((others.is_open(morning), others.is_open(evening)), (true, false));
}

#[test]
fn agents_named_for_a_queue_are_its_agents() {
    let agents = "[[agents]]\nname = \"Ann\"\ninterface = \"PJSIP/101\"\nqueues = [\"sales\"]\n[[agents]]\ninterface = \"PJSIP/102\"\n";
    let policy = policy_of(&good(agents));
    assert_eq!(policy.of(Some("sales")).agents, ["PJSIP/101"]);
    assert!(policy.of(Some("support")).agents.is_empty() && policy.default.agents.is_empty());
    let own = good(&format!("{agents}[callback.queue.sales]\nagents = [\"PJSIP/102\", \"Ann\"]\n"));
    assert_eq!(policy_of(&own).of(Some("sales")).agents, ["PJSIP/102", "PJSIP/101"]);
}

#[test]
fn retries_and_caps_are_taken_over() {
    let config =
        good("[callback]\nquiet = \"off\"\novertake_after = \"20m\"\ndaily = 7\n[callback.retry]\nlost = \"1h\"\n");
    let policy = policy_of(&config);
    assert_eq!((policy.quiet, policy.overtake_after_ms, config.overall.daily), (None, Some(20 * MINUTE), 7));
    assert_eq!((policy.retry.lost, policy.retry.customer_busy), (60 * MINUTE, 2 * MINUTE));
}

#[test]
fn a_key_that_is_nearly_right_is_met_with_the_right_one() {
    refused("[callback]\nmax_atempts = 3", "2:1", &["unknown key `max_atempts` in [callback]", "`max_attempts`"]);
    refused("[callback.retry]\ncustomer_bussy = \"1m\"", "2:1", &["in [callback.retry]", "`customer_busy`"]);
    refused("[callback.queue.sales]\ndelai = \"1m\"", "2:1", &["in [callback.queue.sales]", "`delay`"]);
    refused("[callback.queue.sales]\nmax_active = 1", "2:1", &["`max_active` belongs in [callback]"]);
    refused("[[agents]]\ninterface = \"PJSIP/1\"\nqueue = [\"a\"]", "3:1", &["in [[agents]]"]);
    refused("[hours.late]\nopen = \"24/7\"\nopens = \"24/7\"", "3:1", &["in [hours.late]", "`open`"]);
    refused("[callbacks]\nenabled = true", "1:2", &["did you mean `callback`?"]);
    refused("[callback]\nsocket = \"/x\"", "2:1", &["`socket` belongs in [api]"]);
}

#[test]
fn an_outcome_that_is_none_or_no_miss_is_refused() {
    refused("[callback]\non = [\"QUEUE_ABANDONED\"]", "2:7", &["is not an outcome", "did you mean QUEUE_ABANDON?"]);
    refused("[callback]\non = [\"AGENT\"]", "2:7", &["AGENT is never called back", "the caller was served"]);
    refused("[callback]\non = \"AGENT\"", "2:6", &["`on` must be a list of texts"]);
}

#[test]
fn attempts_that_are_none_or_too_many_are_refused() {
    refused_key("max_attempts = 0", &["`max_attempts` must be 1 to 20", "the default is 3"]);
    refused_key("max_attempts = 21", &["`max_attempts` must be 1 to 20"]);
    refused_key("max_active = 0", &["`max_active` must be 1 to 1000"]);
    refused_key("daily_per_number = 100", &["`daily_per_number` must be 1 to 50"]);
    refused_key("prefix_digits = 1", &["`prefix_digits` must be 2 to 15"]);
    refused_key("priority = -5000", &["`priority` must be -1000 to 1000"]);
    refused_key("daily = \"many\"", &["`daily` must be a whole number"]);
}

#[test]
fn times_that_make_no_sense_are_refused() {
    refused_key("min_talk = \"2h\"", &["`min_talk` is not a duration that can be used", "longer than 1h"]);
    refused_key("agent_ring = \"2s\"", &["shorter than 5s", "use a longer duration"]);
    refused_key("customer_ring = \"10m\"", &["longer than 3m"]);
    refused_key("agent_cooldown = \"0s\"", &["shorter than 10s"]);
    refused("[callback.retry]\ncustomer_busy = \"5s\"", "2:17", &["`customer_busy`", "shorter than 10s"]);
    refused("[callback.retry]\nlost = \"30s\"", "2:8", &["shorter than 1m"]);
    refused("[callback]\ndelay = \"2h\"\nexpire = \"1h\"", "3:10", &["`expire` must be longer than `delay`"]);
    refused("[callback.queue.a]\ndelay = \"5h\"", "2:9", &["`expire` must be longer than `delay`"]);
}

#[test]
fn an_alarm_comes_before_the_callback_expires() {
    let alarm = |text: &str| {
        let of = policy_of(&good(text)).default.alarm_late_ms;
        of.map(|ms| ms / 60_000)
    };
    assert_eq!(alarm(""), Some(30));
    assert_eq!(alarm("[callback]\nalarm_late = \"2h\""), Some(120));
    assert_eq!(alarm("[callback]\nalarm_late = \"0s\""), None);
    refused_key("alarm_late = \"25h\"", &["`alarm_late` is not a duration that can be used"]);
    refused(
        "[callback]\nexpire_requested = \"1h\"\nalarm_late = \"1h\"",
        "3:14",
        &["`alarm_late` must be shorter than `expire_requested`", "\"0s\": no alarm"],
    );
}

#[test]
fn why_there_is_a_callback_is_said_on_phones_in_the_language_of_the_reports() {
    let missed = |toml: &str| policy_of(&good(toml)).reasons.missed;
    assert_eq!(missed(""), "missed");
    let languages = ["en", "ru", "uk", "he", "es", "de"];
    let words = languages.map(|language| missed(&format!("[report]\nlanguage = \"{language}\"")));
    assert_eq!(words, ["missed", "пропущен", "пропущений", "לא נענתה", "perdida", "verpasst"]);
}

#[test]
fn what_a_phone_cannot_show_and_a_language_that_is_none_are_refused_at_their_place() {
    assert_eq!(policy_of(&good("")).default.display, "CB {queue} {name} {times}");
    let own =
        good("[callback]\ndisplay = \"CB {reason}\"\n[callback.queue.a]\ndisplay = \"{queue}\"\nlanguage = \"de\"");
    let own = policy_of(&own);
    assert_eq!((own.default.display.as_str(), own.of(Some("a")).display.as_str()), ("CB {reason}", "{queue}"));
    assert_eq!((own.default.language.as_deref(), own.of(Some("a")).language.as_deref()), (None, Some("de")));
    refused("[callback]\ndisplay = \"CB {quee}\"", "2:15", &["`display`", "did you mean {queue}?"]);
    refused("[callback]\ndisplay = \"CB <{queue}>\"", "2:15", &["`<` may not stand in it"]);
    refused("[callback]\ndisplay = \"CB {queue\"", "2:15", &["a brace without its other half"]);
    refused_key(&format!("display = \"{}\"", "x".repeat(61)), &["it is longer than 60 bytes"]);
    for odd in ["de,en", "../de", "deutsch sprechend"] {
        refused_key(&format!("language = \"{odd}\""), &["`language` is not a language", "directory of sounds"]);
    }
}

#[test]
fn offers_that_are_missed_in_a_row_have_a_number_and_a_pause() {
    let of = |text: &str| {
        let policy = policy_of(&good(text));
        (policy.missed_offers, policy.on_missed_offers)
    };
    assert_eq!(of(""), (3, OnMissedOffers::LeaveOut { for_ms: 900_000 }));
    assert_eq!(of("[callback]\nmissed_offers = 0\nmissed_offers_pause = true"), (0, OnMissedOffers::Pause));
    refused_key("missed_offers = 101", &["`missed_offers` must be 0 to 100"]);
    refused_key("missed_offers_cooldown = \"1s\"", &["shorter than 10s"]);
}

#[test]
fn a_night_that_is_none_is_refused() {
    for night in ["21-8", "21:00", "25:00-08:00", "21:00-21:00", "9:00-10:00", "night"] {
        refused_key(&format!("quiet = \"{night}\""), &["`quiet` is not a part of the day", "21:00-08:00"]);
    }
}

#[test]
fn a_choice_that_is_none_is_refused_with_the_choices() {
    refused_key("strategy = \"ringall\"", &["`strategy` cannot be \"ringall\"", "\"leastrecent\"", "\"random\""]);
    refused_key("order = \"best\"", &["\"oldest\" or \"newest\""]);
    refused_key("first = \"both\"", &["\"agent\" or \"customer\""]);
}

#[test]
fn a_template_that_would_dial_something_else_is_refused_at_its_place() {
    refused(
        "[callback]\ndial_customer = \"PJSIP/{nummber}@trunk\"",
        "2:24",
        &["`dial_customer`", "did you mean {number}?"],
    );
    refused("[callback]\ndial_customer = \"PJSIP/5550100@trunk\"", "2:17", &["there is no {number} in it"]);
    refused("[callback]\ndial_customer = \"PJSIP/{number}&PJSIP/1\"", "2:32", &["`&` may not stand in it"]);
    refused("[callback]\ndial_customer = \"{number}\"", "2:17", &["channel technology"]);
    refused("[callback]\ndial_agent = \"{phone}\"", "2:15", &["`{phone}` is not known here", "{interface}"]);
    refused("[callback]\nnumber_form = \"+49\"", "2:15", &["{national}, {digits} or {e164}"]);
    refused("[callback]\nnumber_form = \"{digits}w\"", "2:24", &["`w` may not stand in it"]);
}

#[test]
fn what_would_reach_the_dialplan_as_more_than_a_name_is_refused() {
    refused_key("agent_context = \"a,s,1\"", &["is not the name of a context"]);
    refused_key("announcement = \"a&b\"", &["is not a sound file's name", "custom/callback"]);
    for key in ["11", "#", "a"] {
        refused_key(&format!("accept_key = \"{key}\""), &["is not a digit key", "0 to 9"]);
    }
    refused_key("caller_id = \"Sales <100>\"", &["is not a caller id", "{did}"]);
    refused_key(&format!("script = \"{}\"", "a".repeat(401)), &["is longer than 400 bytes"]);
    refused("[[agents]]\ninterface = \"PJSIP/1&PJSIP/2\"", "2:13", &["is not a phone that can be dialled"]);
}

#[test]
fn names_that_nothing_bears_are_refused() {
    refused_key("hours = \"late\"", &["there is no [hours.late]", "write [hours.late]"]);
    refused(
        "[callback]\nagents = [\"An\"]\n[[agents]]\nname = \"Ann\"\ninterface = \"PJSIP/1\"",
        "2:11",
        &["did you mean \"Ann\"?"],
    );
    refused("[callback.queue.a]\nfallback = \"a\"", "2:12", &["a queue cannot fall back to itself"]);
    refused("[callback.did]\nsales = \"1\"", "2:1", &["`sales` is not a number"]);
    refused("[callback.did]\n\"100\" = 5", "2:9", &["a DID needs the name of its queue"]);
}

#[test]
fn an_agent_needs_a_phone_of_their_own() {
    refused("[[agents]]\nname = \"Ann\"", "1:1", &["an agent needs an `interface`"]);
    let two = "[[agents]]\ninterface = \"PJSIP/1\"\n[[agents]]\ninterface = \"PJSIP/1\"";
    refused(two, "4:13", &["two agents have the interface \"PJSIP/1\""]);
    refused("[agents]\ninterface = \"PJSIP/1\"", "1:1", &["`agents` must be a list of tables", "[[agents]]"]);
}

#[test]
fn a_prefix_is_written_with_plus_and_digits() {
    for prefix in ["0900", "+", "+0", "+49 30", "+12345678901234567", "49"] {
        refused(&format!("[numbers]\ndeny = [\"{prefix}\"]"), "2:9", &["is not the beginning of a number"]);
    }
}

#[test]
fn hours_with_a_name_say_when_they_are_open() {
    refused("[hours.late]\ntimezone = \"Europe/Berlin\"", "1:8", &["does not say when it is open"]);
    refused("[hours.late]\nopen = \"Mo-Fr 9-\"", "2:15", &["these are not opening hours"]);
}

#[test]
fn a_number_may_keep_hours_of_its_own() {
    let rules = good("[hours]\ntimezone = \"UTC\"\nopen = \"09:00-18:00\"\n[hours.night]\nopen = \"20:00-23:00\"\ndids = [\"5550100\"]").pbx[0].settings.rules();
    let evening = "2026-11-23T21:00:00Z".parse::<jiff::Timestamp>().unwrap().as_millisecond();
    assert!(rules.hours_of(Some("5550100")).is_open(evening));
    assert!(!rules.hours_of(Some("5550101")).is_open(evening) && !rules.hours_of(None).is_open(evening));
    let twice = "[hours.a]\nopen = \"24/7\"\ndids = [\"1\"]\n[hours.b]\nopen = \"24/7\"\ndids = [\"1\"]";
    refused(twice, "6:9", &["calls to 1 keep the hours `a` already"]);
}

#[test]
fn a_socket_that_everybody_could_command_is_refused() {
    let api = good("[api]\nsocket = \"/tmp/x\"\nmode = \"600\"\ngroup = \"operators\"").api;
    assert_eq!((api.socket.to_str(), api.mode, api.group.as_deref()), (Some("/tmp/x"), 0o600, Some("operators")));
    refused("[api]\nmode = \"0666\"", "2:8", &["everyone on the machine could make calls", "0660"]);
    refused("[api]\nmode = \"0060\"", "2:8", &["does not let the daemon's own user in"]);
    refused("[api]\nmode = \"rw\"", "2:8", &["is not a file mode"]);
    refused("[api]\nmode = 660", "2:8", &["must be a text in quotes"]);
    refused(&format!("[api]\nsocket = \"/{}\"", "a".repeat(110)), "2:10", &["longer than 107 bytes"]);
    refused("[api]\ngroup = \"a b\"", "2:9", &["is not a group's name"]);
}

#[test]
fn an_agent_may_need_longer_after_a_call() {
    let config = good("[[agents]]\ninterface = \"PJSIP/1\"\nwrapup = \"20s\"");
    assert_eq!(config.pbx[0].settings.agents[0].wrapup, Some(Duration::from_secs(20)));
    assert_eq!(
        (
            config.pbx[0].settings.rules().wrapup_of(["Local/1@x", "PJSIP/1"]),
            config.pbx[0].settings.rules().wrapup_of(["PJSIP/2"])
        ),
        (20_000, 0)
    );
    refused("[[agents]]\ninterface = \"PJSIP/1\"\nwrapup = \"2h\"", "3:10", &["longer than 1h"]);
}
