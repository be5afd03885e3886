//! The program and what surrounds the core: configuration, links, API, commands, log, systemd, the pretend PBX.

mod alongside;
mod api;
mod api_limits;
mod bad_input;
mod callbacks_command;
mod calls_command;
mod capture_command;
mod check_command;
mod clock;
mod config;
mod config_callback;
mod config_files;
mod config_pbx;
mod config_webhook;
mod configured;
#[path = "../core/stream/rules.rs"]
mod core_rules;
mod database_commands;
mod demo_command;
mod exchange;
mod feed;
mod front;
mod hostile_day;
mod import_command;
mod kill_loop;
mod link;
mod link_trouble;
mod log_lines;
mod manager_conf;
mod memory;
mod metrics;
mod openapi;
mod peer;
mod pretend_pbx;
mod receiver;
mod root_stays_root;
mod rules_of_tests;
mod run_command;
mod scripted;
mod secret;
mod served_elsewhere;
mod several_pbxs;
mod store_trouble;
#[allow(dead_code, reason = "the tests of the store use all of it")]
#[path = "../store/stored.rs"]
mod stored;
mod storm;
mod systemd_run;
mod systemd_unit;
mod tls;
mod tls_authorities;
mod tokens;
mod unseen;
mod webhooks;
mod whole;
