//! The configuration: TOML in, checked values out. A refusal names the key, the line and the fix.

mod agents;
mod api;
mod callback;
mod codes;
mod defaults;
mod feed;
mod file;
mod gap;
mod group;
mod inherit;
mod list;
mod pbx;
mod policy;
mod refusal;
mod renamed;
mod report;
mod report_mail;
mod rules;
mod section;
mod settings;
mod sink;
mod webhook;

pub(crate) use agents::Agent;
pub(crate) use api::{Api, Certificate as ApiCertificate};
pub(crate) use callback::{Callback, CallbackQueue};
pub(crate) use feed::Feed;
pub(crate) use group::Group;
pub use refusal::{Problem, Refusal};
pub(crate) use renamed::OldName;
pub(crate) use report_mail::ReportMail;
pub use settings::Settings;
pub use sink::Sink;
pub(crate) use sink::{Into as SinkInto, PostgresUrl};
pub use webhook::{Format, Map, Webhook, is_field};

use crate::language::Language;
use crate::records::Files;
use crate::report::Thresholds;
use callbackd_core::callbacks::policy::Overall;
use callbackd_core::model::PbxId;
use std::path::PathBuf;
use std::time::Duration;

/// The shipped configuration: every key with its default, explained.
pub(crate) const SHIPPED: &str = include_str!("../../config/callbackd.toml");

/// Every table and the keys it knows; the tables themselves are the keys of the table without a name.
pub const KEYS: &[(&str, &[&str])] = &[
    (
        "",
        &[
            "version", "site", "pbx", "calls", "numbers", "hours", "callback", "agents", "gap", "api", "feed",
            "webhook", "sink", "group", "code", "report", "store", "log",
        ],
    ),
    (
        "pbx",
        &[
            "name",
            "address",
            "tls",
            "tls_ca_file",
            "tls_fingerprint_sha256",
            "username",
            "secret_file",
            "allow_plaintext",
            "allow_plain_login",
        ],
    ),
    (
        "calls",
        &[
            "inbound_contexts",
            "trunks",
            "ivr_contexts",
            "closed_contexts",
            "voicemail_contexts",
            "self_service_contexts",
            "machines",
            "self_service_machines",
            "blocked_contexts",
            "internal_number",
            "short_abandon",
            "min_talk",
            "wrapup",
        ],
    ),
    ("gap", &["pbx", "cdr_csv", "queue_log"]),
    ("numbers", &["region", "internal_max_digits", "allow", "deny", "vip", "international", "premium", "own"]),
    ("hours", &["timezone", "country", "open"]),
    ("hours.NAME", &["timezone", "country", "open", "dids"]),
    (
        "callback",
        &[
            "enabled",
            "on",
            "delay",
            "expire",
            "expire_requested",
            "alarm_late",
            "max_attempts",
            "priority",
            "hours",
            "last_dispatch",
            "max_active",
            "order",
            "strategy",
            "owner_window",
            "agents",
            "fallback",
            "fallback_after",
            "min_talk",
            "agent_ring",
            "customer_ring",
            "agent_cooldown",
            "missed_offers",
            "missed_offers_cooldown",
            "missed_offers_pause",
            "live_callers_first",
            "overtake_after",
            "unknown_is_free",
            "pause_agent",
            "daily_per_number",
            "daily_per_prefix",
            "prefix_digits",
            "daily",
            "quiet",
            "first",
            "dial_agent",
            "dial_customer",
            "number_form",
            "caller_id",
            "agent_context",
            "customer_context",
            "script",
            "language",
            "display",
            "announcement",
            "accept_key",
            "alongside",
            "publish",
            "retry",
            "queue",
            "did",
        ],
    ),
    (
        "callback.retry",
        &[
            "customer_busy",
            "customer_noanswer",
            "customer_rejected",
            "maybe_voicemail",
            "congestion",
            "agent_left",
            "originate_error",
            "lost",
        ],
    ),
    (
        "callback.queue.NAME",
        &[
            "enabled",
            "delay",
            "expire",
            "expire_requested",
            "alarm_late",
            "max_attempts",
            "priority",
            "hours",
            "last_dispatch",
            "strategy",
            "owner_window",
            "agents",
            "fallback",
            "fallback_after",
            "first",
            "caller_id",
            "script",
            "language",
            "display",
            "announcement",
            "accept_key",
        ],
    ),
    ("agents", &["name", "interface", "queues", "wrapup"]),
    ("api", &["socket", "mode", "group", "listen", "tls_cert_file", "tls_key_file", "hosts", "pages"]),
    ("feed", &["in_progress", "agents", "keep", "max_rows", "max_mib"]),
    (
        "webhook",
        &[
            "name",
            "url",
            "secret_file",
            "events",
            "pbxs",
            "queues",
            "format",
            "to",
            "command",
            "responsible",
            "tls_ca_file",
            "allow_plaintext",
            "map",
        ],
    ),
    (
        "sink",
        &["name", "type", "url", "user", "password_file", "tls_ca_file", "allow_plaintext", "stream", "dedup_window"],
    ),
    ("group", &["name", "sink", "url", "user", "password_file", "tls_ca_file", "allow_plaintext", "alone"]),
    ("code", &["code", "label", "group", "success", "callback", "after", "expires", "rule"]),
    ("code.rule", &["outcomes", "directions", "pbxs", "queues", "dids", "talk_from", "talk_below"]),
    (
        "report",
        &[
            "service_level",
            "service_level_target",
            "callback_target",
            "fcr_window",
            "alarm_wait",
            "too_short",
            "too_long",
            "good_score",
            "acw_reasons",
            "did",
            "trunk_lines",
            "language",
            "mail",
        ],
    ),
    ("report.mail", &["directory", "to", "command", "url", "secret_file", "tls_ca_file", "allow_plaintext"]),
    ("store", &["path", "keep"]),
    ("log", &["level", "format", "numbers"]),
];

/// Everything that `callbackd.toml` says, checked, with defaults filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Name of this site, key `site`; default: the machine's name.
    pub(crate) site: Option<String>,
    /// The PBXs, at least one; `name` is unique.
    pub pbx: Vec<Pbx>,
    /// What the file says for all PBXs; what holds for one is [`Pbx::settings`].
    pub shared: Settings,
    /// What `[callback]` says of all PBXs together.
    pub overall: Overall,
    /// The local API, table `[api]`.
    pub api: Api,
    /// What the change feed records, table `[feed]`.
    pub(crate) feed: Feed,
    /// Endpoints that receive what became true, tables `[[webhook]]`.
    pub webhooks: Vec<Webhook>,
    /// Databases of other engines that get a copy of the rows, tables `[[sink]]`.
    pub(crate) sinks: Vec<Sink>,
    /// With which other sites customers are shared, table `[group]`.
    pub(crate) group: Option<Group>,
    /// What figures are held against, table `[report]`.
    pub report: Thresholds,
    /// In which `callbackd report` writes pages and messages, and agents' phones say `{reason}`, `report.language`.
    pub(crate) report_language: Language,
    /// Where the report of each day goes, table `[report.mail]`.
    pub(crate) report_mail: ReportMail,
    /// The database, table `[store]`.
    pub store: Store,
    /// The log, table `[log]`.
    pub log: Log,
    /// Keys that stand in the file under an old name.
    pub old_names: Vec<OldName>,
}

impl Config {
    /// The PBX of this name.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&Pbx> {
        self.pbx.iter().find(|pbx| pbx.name == name)
    }

    /// The phone of the agent whom `[[agents]]` gives this name, whatever its capital letters, and the PBX if it is one alone. `None` if nobody has
    /// the name, or several phones have.
    #[must_use]
    pub(crate) fn agent_named(&self, name: &str, pbx: Option<&str>) -> Option<(Option<&PbxId>, &str)> {
        let lower = name.to_lowercase();
        let is_it = |agent: &&Agent| agent.name.as_ref().is_some_and(|name| name.to_lowercase() == lower);
        let on = self.pbx.iter().filter(|on| pbx.is_none_or(|pbx| on.name == pbx));
        let found =
            on.flat_map(|on| on.settings.agents.iter().filter(is_it).map(|agent| (&on.name, &*agent.interface)));
        let found: Vec<(&PbxId, &str)> = found.collect();
        match found.as_slice() {
            [(on, interface)] => Some((Some(*on), *interface)),
            [(_, first), rest @ ..] if rest.iter().all(|(_, interface)| interface == first) => Some((None, *first)),
            _ => None,
        }
    }

    /// The time zone in which times are shown to people: of `[hours]`, or of the only PBX.
    #[must_use]
    pub fn zone(&self) -> jiff::tz::TimeZone {
        match &self.pbx[..] {
            [only] => only.settings.hours.zone(),
            _ => self.shared.hours.zone(),
        }
    }

    /// The tables in which a changed configuration differs so that only a restart makes it hold; empty if there are none.
    #[must_use]
    pub fn restart_for(&self, new: &Self) -> String {
        let same_links =
            self.pbx.len() == new.pbx.len() && self.pbx.iter().zip(&new.pbx).all(|(a, b)| a.connects_as(b));
        let changed = [
            ("site", self.site != new.site),
            ("pbx", !same_links),
            ("store", self.store.path != new.store.path),
            ("api", self.api != new.api),
        ];
        let tables: Vec<&str> = changed.into_iter().filter(|(_, changed)| *changed).map(|(table, _)| table).collect();
        tables.join(",")
    }

    /// A changed configuration, as far as it can be used without a restart: the PBXs and their links, the database's place and the API
    /// are kept. A PBX that it does not name any more goes on with what it says for all.
    #[must_use]
    pub fn reloaded(&self, new: Self) -> Self {
        let queue_visits = |old: &Pbx| {
            let own = new.named(&old.name).map(|pbx| (pbx.gap.clone(), pbx.settings.clone()));
            let (gap, settings) = own.unwrap_or_else(|| (Files::default(), new.shared.clone()));
            Pbx { gap, settings, ..old.clone() }
        };
        Self {
            pbx: self.pbx.iter().map(queue_visits).collect(),
            store: Store { path: self.store.path.clone(), keep: new.store.keep },
            api: self.api.clone(),
            site: self.site.clone(),
            ..new
        }
    }
}

/// `[pbx]` or one of `[[pbx]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pbx {
    /// Key of this PBX in all tables; default `pbx`.
    pub name: PbxId,
    /// `host:port` of the AMI; default `127.0.0.1:5038`.
    pub address: String,
    /// The AMI user's name.
    pub username: String,
    /// File that holds the AMI secret; default: the systemd credential `ami-secret` (or `ami-secret-<name>`).
    pub secret_file: Option<PathBuf>,
    /// TLS settings; `None` for a plain connection.
    pub tls: Option<Tls>,
    /// Permit an unencrypted connection to another host.
    pub allow_plaintext: bool,
    /// Permit the plain `Login` where the PBX offers no MD5 challenge.
    pub allow_plain_login: bool,
    /// `[pbx.gap]`, or `[gap]` where that is about this PBX: Asterisk's own files; default: none.
    pub gap: Files,
    /// What holds for this PBX: what stands below it, and what the file says for all where nothing does.
    pub settings: Settings,
}

impl Pbx {
    /// Its link is the same.
    fn connects_as(&self, other: &Self) -> bool {
        let Self { name, address, username, secret_file, tls, allow_plaintext, allow_plain_login, gap: _, settings: _ } =
            self;
        (name, address, username, secret_file, tls)
            == (&other.name, &other.address, &other.username, &other.secret_file, &other.tls)
            && (*allow_plaintext, *allow_plain_login) == (other.allow_plaintext, other.allow_plain_login)
    }
}

/// How the PBX's certificate is trusted (`tls = true` with at most one of the others).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tls {
    /// The system's certificate authorities.
    System,
    /// `tls_ca_file`: the certificate authority in this PEM file.
    CaFile(PathBuf),
    /// `tls_fingerprint_sha256`: exactly this certificate (SHA-256 of its DER form).
    Fingerprint([u8; 32]),
}

/// `[calls]`. The lists are globs (`*`, `?`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Calls {
    /// Contexts in which customers' calls arrive.
    pub inbound_contexts: Vec<String>,
    /// Channel names (`PJSIP/trunk-*`) that are trunks whatever their context is.
    pub trunks: Vec<String>,
    /// Globs of contexts that are menus.
    pub ivr_contexts: Vec<String>,
    /// Contexts that say "we are closed".
    pub closed_contexts: Vec<String>,
    /// Contexts in which a message can be left.
    pub voicemail_contexts: Vec<String>,
    /// Contexts in which a machine serves the caller.
    pub self_service_contexts: Vec<String>,
    /// Channels (`PJSIP/bot-*`) behind which a program stands, not a person. Those that Asterisk makes for programs are known.
    pub(crate) machines: Vec<String>,
    /// Programs that serve the caller (`AudioSocket/*`): a call that ends with one is SELF_SERVICE.
    pub(crate) self_service_machines: Vec<String>,
    /// Contexts to which blocked callers are sent.
    pub blocked_contexts: Vec<String>,
    /// Regular expression for the whole of an extension's number; default: at most `numbers.internal_max_digits` digits.
    pub internal_number: Option<String>,
    /// Waited less than this: SHORT_ABANDON. Default 5 s.
    pub short_abandon: Duration,
    /// Talked less than this: SHORT. Default 0.
    pub min_talk: Duration,
    /// After-call work after a queue's call, where the queue member does not say how long. Default 0: none.
    pub wrapup: Duration,
}

/// The table `[numbers]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Numbers {
    /// ISO 3166 country of national numbers, for example `US`.
    pub region: String,
    /// Up to this many digits are an extension. Default 5.
    pub internal_max_digits: u8,
    /// Prefixes (with `+`) that may be called though they are international or premium-rate.
    pub(crate) allow: Vec<String>,
    /// Prefixes that may not be called.
    pub deny: Vec<String>,
    /// Numbers and prefixes that are called back before all others.
    pub(crate) vip: Vec<String>,
    /// Numbers of other countries may be called. Default false.
    pub(crate) international: bool,
    /// Premium-rate, shared-cost, personal and pager numbers may be called. Default false.
    pub(crate) premium: bool,
    /// Our own numbers, 3 to 15 digits, perhaps with `+`: no customer's.
    pub(crate) own: Vec<String>,
}

/// The table `[hours]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hours {
    /// IANA time zone, for example `Europe/Berlin`; default: the system's.
    pub timezone: Option<String>,
    /// ISO 3166 country whose public holidays `PH` means.
    pub(crate) country: Option<String>,
    /// OpenStreetMap opening hours; default `24/7`.
    pub open: String,
}

/// The table `[store]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Store {
    /// Database file; default `/var/lib/callbackd/calls.db`.
    pub path: PathBuf,
    /// What ended so long ago is removed; `None`: never. Default 400 days.
    pub keep: Option<Duration>,
}

/// The table `[log]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// `error`, `warn`, `info`, `debug`, `trace`, or a tracing filter. Default `info`.
    pub level: String,
    /// Text or JSON lines.
    pub format: LogFormat,
    /// How telephone numbers are shown.
    pub numbers: ShowNumbers,
}

/// The key `log.format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// One line of text.
    Text,
    /// One JSON object a line.
    Json,
}

/// The key `log.numbers`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShowNumbers {
    /// First and last digits: `+49…4711`.
    Tail,
    /// The whole number.
    Full,
    /// No digits at all.
    None,
}
