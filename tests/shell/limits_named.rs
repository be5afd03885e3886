//! Every limit has a name in the code, a counter or an answer that says when it was met, and a test: the list of them, held against all three.

use crate::front::Front;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

const OPERATOR: &str = include_str!("../../config/doc/operator.md");

/// What is lost beyond it: so many are counted there, below `counters` of `/v1/status`; the test that meets it.
const COUNTED: &[(&str, &str, &str)] = &[
    ("ami/decoder.rs MAX_FRAME", "link.discarded", "a_frame_up_to_the_limit_passes_and_a_longer_one_costs_only_itself"),
    ("ami/decoder.rs MAX_LINE", "link.discarded", "a_line_up_to_the_limit_passes_and_a_longer_one_costs_its_frame"),
    ("ami/decoder.rs MAX_HEADERS", "link.discarded", "as_many_headers_as_the_limit_pass_and_one_more_costs_its_frame"),
    ("ami/pending.rs MAX_LIST_ITEMS", "link.lists_cut", "a_list_that_is_too_long_is_cut_and_marked"),
    (
        "ami/pending.rs MAX_LIST_BYTES",
        "link.lists_cut",
        "lists_of_long_items_are_cut_too_whichever_of_them_they_belong_to",
    ),
    (
        "ami/pending.rs MAX_PENDING",
        "link.requests_refused",
        "actions_beyond_those_that_may_wait_are_refused_and_counted",
    ),
    (
        "daemon/link.rs MAX_WAITING_REQUESTS",
        "link.requests_refused",
        "actions_beyond_those_that_may_wait_are_refused_and_counted",
    ),
    ("daemon/delivery.rs MAX_WAITING", "link.dropped", "what_waits_is_bounded_and_the_rest_is_counted"),
    ("daemon/connection.rs MAX_UNSENT", "link.unread", "what_is_to_be_sent_to_a_peer_that_does_not_read_has_an_end"),
    ("daemon/connection.rs MAX_OUTPUT", "link.unread", "what_is_to_be_sent_to_a_peer_that_does_not_read_has_an_end"),
    (
        "tracker/mod.rs MAX_CHANNELS",
        "tracker.channels_refused",
        "calls_that_never_hang_up_fill_the_memory_to_its_limit_and_are_ended_by_lists_that_do_not_name_them",
    ),
    (
        "tracker/mod.rs MAX_CHANNEL_BYTES",
        "tracker.channels_refused",
        "channels_of_long_texts_are_refused_before_their_number_is_reached_and_leave_their_room",
    ),
    ("tracker/mod.rs SPARE_BRIDGES", "tracker.bridges_forgotten", "bridges_that_nobody_enters_are_forgotten"),
    (
        "tracker/mod.rs MAX_TRUNKS_MET",
        "tracker.trunks_refused",
        "trunks_beyond_the_limit_are_not_remembered_and_counted",
    ),
    (
        "tracker/mod.rs MAX_CORRECTIONS",
        "tracker.late_events_refused",
        "a_call_that_a_gap_had_ended_and_that_goes_on_is_recorded_a_bounded_number_of_times",
    ),
    (
        "tracker/coverage.rs MAX_LISTED",
        "tracker.listed_refused",
        "queues_and_callers_of_one_list_beyond_the_limit_are_ignored_and_counted",
    ),
    ("model/call.rs MAX_LEGS", "tracker.details_dropped", "legs_beyond_the_limit_are_counted_and_said"),
    (
        "model/call.rs MAX_VISITS",
        "tracker.details_dropped",
        "visits_beyond_the_limit_are_counted_whether_the_queue_let_the_caller_in_or_not",
    ),
    ("model/call.rs MAX_IVR_STEPS", "tracker.details_dropped", "menu_steps_beyond_the_limit_are_counted"),
    (
        "model/call.rs MAX_TAGS",
        "tracker.user_events_refused",
        "tags_and_ratings_beyond_the_limit_are_refused_and_counted",
    ),
    (
        "tracker/calls/details.rs MAX_DETAIL_BYTES",
        "tracker.details_dropped",
        "menu_steps_of_all_calls_together_have_an_end_and_their_room_comes_back",
    ),
    (
        "tracker/tape/mod.rs MAX_TAPE_BYTES",
        "tracker.tapes_given_up",
        "a_call_of_which_more_is_said_than_is_kept_has_its_row_and_no_tape_and_is_counted",
    ),
    (
        "tracker/calls/conversation.rs MAX_PEOPLE",
        "tracker.details_dropped",
        "of_a_conference_a_hundred_people_are_kept_and_that_the_customer_talks",
    ),
    (
        "tracker/calls/details.rs MAX_LINKEDIDS",
        "tracker.details_dropped",
        "a_call_that_goes_through_linkedids_without_end_keeps_the_first_hundred",
    ),
    (
        "tracker/presence/agent.rs MAX_AGENTS",
        "tracker.agents_refused",
        "agents_beyond_the_limit_are_ignored_and_counted",
    ),
    (
        "tracker/presence/agent.rs MAX_MEMBERSHIPS",
        "tracker.agent_details_refused",
        "memberships_beyond_the_limit_are_ignored_and_counted",
    ),
    (
        "tracker/presence/agent.rs MAX_ALIASES",
        "tracker.agent_details_refused",
        "other_names_of_agents_beyond_the_limit_are_ignored_and_counted",
    ),
    ("callbacks/mod.rs MAX_OPEN", "callbacks.refused", "with_too_many_open_callbacks_a_miss_is_counted_and_makes_none"),
    (
        "callbacks/mod.rs MAX_OWNERS",
        "callbacks.owners_dropped",
        "customers_beyond_the_limit_whose_agents_are_known_are_forgotten_and_counted",
    ),
    (
        "callbacks/mod.rs MAX_DO_NOT_CALL",
        "callbacks.do_not_call_refused",
        "the_list_of_those_not_to_be_called_is_full_some_day_and_forgets_nobody_for_it",
    ),
    (
        "callbacks/mod.rs MAX_DO_NOT_CALL_BYTES",
        "callbacks.do_not_call_refused",
        "the_list_of_those_not_to_be_called_is_full_some_day_and_forgets_nobody_for_it",
    ),
    (
        "callbacks/agents.rs MAX_AGENTS",
        "callbacks.agents_forgotten",
        "agents_beyond_the_limit_are_forgotten_the_longest_unasked_first_and_counted",
    ),
    (
        "daemon/recorder.rs MAX_UNSAVED_BYTES",
        "store.given_up",
        "what_waits_for_a_database_that_takes_nothing_is_bounded_in_bytes_and_the_oldest_go",
    ),
    (
        "reconcile/gatherer.rs MOST_BYTES",
        "records_given_up",
        "where_too_many_calls_are_held_the_oldest_whole_ones_come_out_and_others_are_given_up",
    ),
    (
        "daemon/api_replies.rs MAX_WAITING",
        "api.commands_refused",
        "more_commands_than_may_wait_are_refused_and_counted_and_none_for_whom_nobody_waits_takes_a_place",
    ),
    ("api/slots.rs MAX_OF_USER", "api.connections_refused", "connections_of_one_user_have_an_end_and_are_counted"),
    (
        "api/slots.rs MAX_OF_ALL",
        "api.connections_refused",
        "root_and_the_daemons_user_have_places_when_all_others_are_taken",
    ),
    (
        "api/slots.rs MAX_STREAMS",
        "api.connections_refused",
        "a_connection_that_becomes_a_stream_makes_room_and_streams_have_an_end_of_their_own",
    ),
    (
        "api/slots.rs MAX_STREAMS_OF_USER",
        "api.connections_refused",
        "a_connection_that_becomes_a_stream_makes_room_and_streams_have_an_end_of_their_own",
    ),
    (
        "api/slots.rs MAX_UNSENT",
        "api.answers_refused",
        "unsent_answers_have_an_end_for_one_user_and_for_all_and_one_alone_may_be_longer",
    ),
    (
        "api/slots.rs MAX_UNSENT_OF_USER",
        "api.answers_refused",
        "unread_answers_have_room_for_so_many_and_one_more_is_refused_and_counted",
    ),
    (
        "api/newcomers.rs MAX_NEWCOMERS",
        "api.newcomers_closed",
        "a_thousand_handshakes_that_do_not_go_on_keep_nobody_out",
    ),
    ("api/admit.rs MAX_BODY", "api.requests_refused", "a_body_that_is_too_large_is_refused"),
    (
        "api/front.rs MAX_ASKS",
        "api.requests_refused",
        "more_questions_than_may_wait_for_the_daemon_are_refused_and_counted",
    ),
];

/// Who asked learns it at once, or what is kept says that it was cut; the test that meets it.
const SAID: &[(&str, &str)] = &[
    ("ami/action.rs MAX_ACTION_LINE", "a_line_that_fills_asterisks_buffer_passes_and_one_byte_more_is_refused"),
    ("ami/action.rs MAX_ACTION_HEADERS", "as_many_headers_as_asterisk_reads_pass_and_one_more_is_refused"),
    ("ami/action.rs MAX_KEY", "a_key_is_a_word_and_not_one_that_is_set_elsewhere"),
    ("api/client.rs MAX_ANSWER", "an_answer_without_an_end_is_given_up"),
    ("api/commands.rs MAX_DELAY_MS", "every_limit_of_a_body_that_is_described_is_held"),
    ("api/commands.rs MAX_FOR_MS", "every_limit_of_a_body_that_is_described_is_held"),
    ("api/commands.rs MAX_PRIORITY", "every_limit_of_a_body_that_is_described_is_held"),
    ("api/commands.rs MAX_NOTE", "a_note_cannot_forge_lines_nor_grow"),
    ("api/pages.rs MAX_ROWS", "a_list_comes_in_pages_that_have_each_row_once"),
    ("api/routes/tokens.rs MAX_NAME", "there_are_a_thousand_tokens_at_most_and_their_names_are_words"),
    ("api/routes/tokens.rs MAX_TOKENS", "there_are_a_thousand_tokens_at_most_and_their_names_are_words"),
    ("callbacks/attempt/dial_string.rs MAX_DIAL_STRING", "a_template_must_name_a_technology_and_hold_the_number"),
    ("callbacks/mod.rs MAX_ATTEMPTS", "refusals_by_agents_end_some_day"),
    ("daemon/sinks/bounded.rs MAX_ANSWER", "a_server_that_never_ends_its_answer_fills_no_memory_and_is_named"),
    ("daemon/sinks/bounded.rs MAX_SETTINGS", "settings_are_counted_wherever_a_read_ends_and_have_an_end"),
    (
        "sinks/nats/body.rs MAX_BODY",
        "a_long_body_is_packed_and_one_that_is_too_long_even_so_goes_without_its_rows_and_says_so",
    ),
    ("daemon/group/mod.rs MAX_REQUESTS", "questions_beyond_those_that_may_wait_come_back_and_are_counted"),
    ("sinks/nats/body.rs MAX_UNPACKED", "what_unpacks_without_end_is_not_unpacked"),
    ("sinks/nats/wire.rs MAX_ASIDE", "what_was_not_asked_for_is_kept_for_so_long_and_no_longer"),
    ("sinks/nats/wire.rs MAX_LINE", "a_line_without_end_and_what_is_no_line_of_nats_end_the_connection"),
    ("sinks/nats/wire.rs MAX_MESSAGE", "of_a_message_that_is_too_long_only_the_subject_is_kept_and_the_next_is_read"),
    ("daemon/secret.rs MAX_SECRET", "what_is_not_one_line_of_text_is_refused"),
    ("model/codes.rs MAX_CODES", "there_are_no_more_codes_than_can_be_looked_through"),
    ("model/tally.rs MAX_QUEUES", "queues_beyond_the_limit_are_counted_together"),
    ("records/lines.rs MAX_LINE", "a_line_without_end_is_left_out_in_little_memory"),
    (
        "store/callback_rows.rs MOST_EVENTS",
        "of_a_story_without_end_the_first_and_the_newest_changes_are_kept_and_what_came_before_is_counted",
    ),
];

/// Nothing of a call or a command is lost by these: what is beyond waits, goes in portions, or only the oldest of what helps is forgotten; or others
/// than callbackd have set them (Asterisk, SQLite, ITU).
const WITHOUT_LOSS: &[&str] = &[
    // What is beyond waits, or goes in portions.
    "api/frames.rs MAX_READ",
    "api/front.rs MAX_LATE_READS",
    "api/front.rs MAX_WITHDRAWN",
    "api/front.rs MAX_WHOLE_READS",
    "api/frames.rs MAX_READ_BYTES",
    "api/routes/changes.rs MAX_BYTES",
    "api/slots.rs MAX_REQUESTS",
    "api/socket.rs MAX_UNWRITTEN",
    "api/tcp.rs MAX_UNACKNOWLEDGED",
    "daemon/callbacks.rs MAX_OUTCOMES",
    "daemon/collect.rs MAX_HELD",
    "daemon/collect.rs MAX_HELD_BYTES",
    "daemon/local_api.rs MAX_LOOKED_UP",
    "daemon/proofs.rs MAX_WAITING",
    "daemon/proofs.rs MOST_UNSAVED",
    "daemon/recorder.rs MAX_IN_FLIGHT",
    "sinks/nats/envelope.rs MAX_IN_FLIGHT",
    "sinks/nats/wire.rs MAX_UNSENT",
    "webhook/adapters/mod.rs MAX_REQUESTS",
    "webhook/schedule.rs MAX_REFUSED",
    "webhook/schedule.rs MAX_RETRY_AFTER_MS",
    // Streams go on from the database.
    "api/frames.rs MAX_KEPT",
    "api/frames.rs MAX_KEPT_BYTES",
    // Of what helps to understand events, or to say more, so much is remembered.
    "ami/interest.rs MAX_READ_INTO",
    "ami/recorded.rs MAX_LISTS",
    "ami/taint.rs MAX_KNOWN",
    "ami/taint.rs MAX_REPEATED",
    "api/web/today.rs MOST",
    "callbacks/dispatch/caps.rs MAX_DIALS",
    "callbacks/tasks.rs MAX_MISSES",
    "callbacks/wait_estimates.rs MAX_PUBLISHED",
    "reconcile/leg.rs MAX_DEPTH",
    "reconcile/leg.rs MOST_STEPS",
    "tracker/calls/call.rs MAX_CONTEXTS",
    "tracker/calls/dialplan.rs MAX_DEPTH",
    "tracker/calls/legs.rs MAX_DIALLED_OUT",
    "tracker/mod.rs MAX_UNNAMED",
    "tracker/topology/channel.rs MAX_FORMER_NAMES",
    "tracker/topology/graph.rs MAX_EARLY_NAMES",
    // Texts of people and of others, as long as they are shown or sent: the rest is cut, or the page says that there is more.
    "ami/excerpt.rs MAX_EXCERPT",
    "api/client.rs MAX_PAGES",
    "api/client.rs MAX_WORDS",
    "api/web/missed/rows.rs MOST",
    "api/web/report.rs MOST_CALLS",
    "api/web/view.rs MAX_FIELD",
    "callbacks/attempt/display.rs MAX_SHOWN",
    "callbacks/attempt/originate.rs MAX_TEXT",
    "daemon/webhooks/command.rs MAX_TEXT",
    "daemon/webhooks/post.rs MAX_TEXT",
    "callbacks/codes.rs MAX_THEN",
    "callbacks/customers/mod.rs MAX_SAID",
    "sinks/nats/bucket.rs MAX_MS",
    "sinks/nats/bucket.rs MAX_TEXT",
    "sinks/nats/mod.rs MAX_SAID",
    "sinks/postgres/mod.rs MAX_SAID",
    "store/callback_queries.rs HISTORY_ROWS",
    "store/verify.rs MAX_FAULTS",
    "tracker/calls/user_event.rs MAX_TEXT",
    "webhook/adapters/telegram.rs MAX_TEXT",
    "webhook/queue.rs MAX_ANSWER",
    // Files of the administrator's, refused beyond it.
    "daemon/api_certificate.rs MAX_CHAIN",
    "daemon/tls.rs MAX_CA_FILE",
    "ownership.rs MOST_LINKS",
    "webhook/secret.rs MAX_TOKEN",
    "webhook/signature.rs MAX_KEYS",
    // Forms that others, or the shape of a record, set; and spans of time.
    "ami/gathered.rs MAX_BRIDGES",
    "ami/gathered.rs MAX_CHANNELS",
    "ami/gathered.rs MAX_FIELDS",
    "ami/interest.rs MAX_NAME",
    "ami/layout.rs MAX_HEAD",
    "ami/layout.rs MAX_LINES",
    "ami/layout.rs MAX_NAME",
    "ami/torn.rs MOST",
    "callbacks/attempt/dial_string.rs MAX_DIALLED",
    "callbacks/named_time.rs MAX_AHEAD_MS",
    "log/line.rs MAX_VALUE",
    "log/wire.rs MAX_WIRE",
    "model/attempt_id.rs MAX_CALLBACK_ID",
    "model/attempt_id.rs MAX_UNIQUEID",
    "model/codes.rs MAX_CODE",
    "model/hours.rs MAX_OPENINGS",
    "model/number.rs MAX_DIGITS",
    "model/number/plan.rs MAX_CALLING_CODE",
    "model/number/plan.rs MAX_E164",
    "model/text.rs MAX_LANGUAGE",
    "reconcile/cdr.rs MOST",
    "reconcile/zone.rs MOST_AHEAD_MS",
    "reconcile/zone.rs MOST_BEHIND_MS",
    "store/shape.rs MAX_VALUE",
    "store/webhooks.rs HISTORY",
    "tracker/calls/dialplan.rs MAX_DIGITS",
    "tracker/calls/dialplan.rs MAX_NAME",
    "tracker/mod.rs MAX_STAMP_MS",
    // Those that have their row give way before they are reached.
    "tracker/topology/graph.rs SPARE_BYTES",
    "tracker/topology/graph.rs SPARE_CHANNELS",
];

fn sources(under: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(under).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The limits of the daemon, as `FILE NAME`: constants whose names begin like one. Commands, configuration and reports work for who starts them.
fn limits_in(sources: &[PathBuf], src: &Path) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for path in sources {
        let file = path.strip_prefix(src).unwrap().to_str().unwrap();
        if ["cli/", "config/", "demo/", "report/", "language/"].iter().any(|part| file.starts_with(part)) {
            continue;
        }
        let file = file.strip_prefix("core/").unwrap_or(file);
        for line in std::fs::read_to_string(path).unwrap().lines() {
            let Some(name) = line.split_once("const ").and_then(|(_, rest)| rest.split(':').next()) else { continue };
            let visible = line.trim_start().starts_with("const ") || line.trim_start().starts_with("pub");
            if visible && ["MAX_", "MOST", "SPARE_", "HISTORY"].iter().any(|begin| name.starts_with(begin)) {
                all.insert(format!("{file} {name}"));
            }
        }
    }
    all
}

#[test]
fn every_limit_in_the_code_is_counted_said_or_loses_nothing_and_the_test_that_meets_it_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (mut code, mut tests) = (Vec::new(), Vec::new());
    sources(&root.join("src"), &mut code);
    let there = limits_in(&code, &root.join("src"));
    let listed = COUNTED.iter().map(|(limit, ..)| *limit).chain(SAID.iter().map(|(limit, _)| *limit));
    let listed: Vec<&str> = listed.chain(WITHOUT_LOSS.iter().copied()).collect();
    let once: BTreeSet<String> = listed.iter().map(|limit| (*limit).to_owned()).collect();
    assert_eq!(once.len(), listed.len(), "a limit is listed twice");
    let apart: Vec<&String> = there.symmetric_difference(&once).collect();
    assert!(apart.is_empty(), "in the code or in this list alone: {apart:?}");

    sources(&root.join("tests"), &mut tests);
    let all: String = code.iter().chain(&tests).map(|path| std::fs::read_to_string(path).unwrap()).collect();
    let met = COUNTED.iter().map(|(.., test)| *test).chain(SAID.iter().map(|(_, test)| *test));
    for test in met {
        assert!(all.contains(&format!("fn {test}()")), "there is no test {test}");
    }
}

#[test]
fn every_counter_of_a_limit_is_in_status_and_in_the_manual() {
    let front = Front::open("");
    let counters = &front.get("/v1/status")["counters"];
    let limits = OPERATOR.split("\n## ").find(|part| part.starts_with("Limits\n")).expect("Limits");
    for (limit, counter, _) in COUNTED {
        let path = counter.replace('.', "/");
        let of_pbx = format!("/pbx/pbx/{path}");
        let found = counters.pointer(&format!("/{path}")).or_else(|| counters.pointer(&of_pbx));
        assert!(found.is_some_and(|value| value.is_u64() || value.is_object()), "{limit}: no {counter} in {counters}");
        // The manual names the second of a pair without its table.
        let short = counter.rsplit('.').next().unwrap();
        assert!(limits.contains(&format!("`{counter}`")) || limits.contains(&format!("`{short}`")), "{counter}");
    }
}
