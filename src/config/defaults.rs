//! What holds where the file says nothing: a stock FreePBX on the same machine.

use super::callback::OVERALL;
use super::{Api, Calls, Config, Feed, Hours, Log, LogFormat, Numbers, Pbx, ReportMail, Settings, ShowNumbers, Store};
use crate::language::Language;
use crate::records::Files;
use crate::report::Thresholds;
use callbackd_core::model::PbxId;
use std::path::PathBuf;
use std::time::Duration;

/// Where FreePBX lets calls from outside in: `from-trunk` and its kin, `from-pstn…`, `from-digital`, `from-analog`, `from-sip-external`
/// (FreePBX core `etc/extensions.conf`), `from-trunk-<tech>-<name>` and `from-dahdi`, `from-zaptel` (core `functions.inc.php`), and the `ext-did…`
/// contexts of inbound routes. `from-did-direct` is not among them: extensions and pick-ups go through it too.
const INBOUND: [&str; 8] = [
    "from-trunk*",
    "from-pstn*",
    "from-digital*",
    "from-analog*",
    "from-dahdi*",
    "from-zaptel*",
    "from-sip-external*",
    "ext-did*",
];

/// FreePBX names the context of menu 7 `ivr-7` (FreePBX ivr `functions.inc.php`).
const IVR: [&str; 1] = ["ivr-*"];

/// FreePBX has no context of its own for closed hours: a time condition sends to any destination. These are common in hand-written dialplans.
const CLOSED: [&str; 4] = ["closed*", "*-closed", "after-hours*", "out-of-hours*"];

/// All voicemail destinations of FreePBX pass `macro-vm` (FreePBX core `functions.inc.php`), groups `app-vmblast` (FreePBX vmblast).
/// `app-vmmain` and `app-dialvm` are not among them: there messages are heard, not left.
const VOICEMAIL: [&str; 3] = ["macro-vm", "app-vmblast", "voicemail*"];

/// Not FreePBX's `app-blacklist-check`, which every inbound call passes, nor `app-blackhole`, in which ordinary calls end too.
const BLOCKED: [&str; 2] = ["blocked*", "blacklisted*"];

fn owned(list: &[&str]) -> Vec<String> {
    list.iter().map(|s| (*s).to_owned()).collect()
}

const DAY: Duration = Duration::from_secs(86_400);

impl Default for Config {
    fn default() -> Self {
        Self {
            site: None,
            pbx: vec![Pbx::default()],
            shared: Settings::default(),
            overall: OVERALL,
            api: Api::default(),
            feed: Feed::default(),
            webhooks: Vec::new(),
            sinks: Vec::new(),
            group: None,
            report: Thresholds::default(),
            report_language: Language::default(),
            report_mail: ReportMail::default(),
            store: Store::default(),
            log: Log::default(),
            old_names: Vec::new(),
        }
    }
}

impl Default for Pbx {
    fn default() -> Self {
        Self {
            name: PbxId::new("pbx"),
            address: "127.0.0.1:5038".to_owned(),
            username: "callbackd".to_owned(),
            secret_file: None,
            tls: None,
            allow_plaintext: false,
            allow_plain_login: false,
            gap: Files::default(),
            settings: Settings::default(),
        }
    }
}

impl Default for Calls {
    fn default() -> Self {
        Self {
            inbound_contexts: owned(&INBOUND),
            trunks: Vec::new(),
            ivr_contexts: owned(&IVR),
            closed_contexts: owned(&CLOSED),
            voicemail_contexts: owned(&VOICEMAIL),
            self_service_contexts: Vec::new(),
            machines: Vec::new(),
            self_service_machines: Vec::new(),
            blocked_contexts: owned(&BLOCKED),
            internal_number: None,
            short_abandon: Duration::from_secs(5),
            min_talk: Duration::from_secs(1),
            wrapup: Duration::ZERO,
        }
    }
}

impl Default for Numbers {
    fn default() -> Self {
        Self {
            region: "US".to_owned(),
            internal_max_digits: 5,
            allow: Vec::new(),
            deny: Vec::new(),
            vip: Vec::new(),
            international: false,
            premium: false,
            own: Vec::new(),
        }
    }
}

impl Default for Hours {
    fn default() -> Self {
        Self { timezone: None, country: None, open: "24/7".to_owned() }
    }
}

impl Default for Store {
    fn default() -> Self {
        Self { path: PathBuf::from("/var/lib/callbackd/calls.db"), keep: Some(400 * DAY) }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self { level: "info".to_owned(), format: LogFormat::Text, numbers: ShowNumbers::Tail }
    }
}
